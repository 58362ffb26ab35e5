//! The definitions that tables were counted under: those of the site, and what ledgers keep of those that were edited since.
//!
//! A definition whose text changed is another one, and whoever has tables of both can subtract them. So what it meant before has to be
//! known: each entry of a ledger keeps the texts that its tables were counted under.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::prelude::SessionContext;
use svp_analyse::can_be_asked;
use svp_contract::{Definition, DefinitionId};
use svp_disclose::exceptions::Accepts;
use svp_disclose::ledger::LedgerError;
use svp_disclose::relate::Table;

use crate::error::AppError;
use crate::site::{Defined, Site};

/// The definitions of some tables.
#[derive(Debug, Default)]
pub(crate) struct Meanings {
    /// Each with its text, those that were asked for first.
    pub known: Vec<Defined<Definition>>,
    /// Those of which no text is known, or none that can be asked of the events any more, with the last table of each.
    pub lost: BTreeMap<DefinitionId, Table>,
    /// Those that the site has under this name with another text, with the releases of their tables.
    pub edited: BTreeMap<DefinitionId, BTreeSet<usize>>,
}

impl Meanings {
    /// `first`, and the definitions that tables that were told were counted under. `texts` are those that ledgers keep, by their digest.
    pub(crate) async fn of(
        ctx: &SessionContext,
        site: &Site,
        first: &[&Defined<Definition>],
        told: impl Iterator<Item = &Table>,
        texts: &BTreeMap<String, String>,
    ) -> Self {
        let mut out = Self { known: first.iter().map(|d| (*d).clone()).collect(), ..Self::default() };
        let mut last: BTreeMap<&DefinitionId, &Table> = BTreeMap::new();
        for table in told {
            let id = &table.set.definition;
            let now = site.definitions.get(&id.name);
            if now.is_some_and(|now| now.digest != id.digest) {
                out.edited.entry(id.clone()).or_default().insert(table.release);
            }
            // Where nothing is protected nothing has to be compared.
            let before = last.insert(id, table);
            if let Some(before) = before.filter(|b| b.suppress_below > table.suppress_below) {
                last.insert(id, before);
            }
        }
        for (id, table) in last {
            if out.known.iter().any(|d| d.id() == *id) {
                continue;
            }
            let of_site = site.definitions.get(&id.name).filter(|d| d.digest == id.digest).cloned();
            let kept = || {
                let file = format!("pipelines/definitions/{}.toml", id.name);
                let item = Definition::parse(&file, texts.get(&id.digest)?).ok()?;
                Some(Defined { file, digest: id.digest.clone(), item })
            };
            match of_site.or_else(kept) {
                Some(known) if can_be_asked(ctx, &known.item).await => out.known.push(known),
                _ => {
                    out.lost.insert(id.clone(), table.clone());
                }
            }
        }
        out
    }

    /// Refuses to go on beside tables whose definition is lost, unless a named person accepted that nothing is compared with them.
    ///
    /// # Errors
    /// [`AppError::Ledger`] with the release and the definition.
    pub(crate) fn none_lost(
        &self,
        site: &Site,
        clock: &str,
        audience: &str,
        name_of: impl Fn(usize) -> String,
    ) -> Result<(), AppError> {
        let accepted = |id: &DefinitionId| site.exceptions.accepts(Accepts::MeaningNotKept, &id.name, clock).is_some();
        match self.lost.iter().find(|(id, table)| table.suppress_below > 1 && !accepted(id)) {
            Some((id, table)) => Err(AppError::Ledger {
                audience: audience.to_owned(),
                source: LedgerError::MeaningLost {
                    release: name_of(table.release),
                    definition: id.name.clone(),
                    digest: id.digest.clone(),
                },
            }),
            None => Ok(()),
        }
    }

    /// Definitions that were edited and are attacked as they were, by name, with the names of the releases.
    pub(crate) fn edited(&self, name_of: impl Fn(usize) -> String) -> Vec<(String, Vec<String>)> {
        let mut out: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (id, releases) in self.edited.iter().filter(|(id, _)| !self.lost.contains_key(id)) {
            out.entry(&id.name).or_default().extend(releases.iter().map(|r| name_of(*r)));
        }
        out.into_iter().map(|(name, releases)| (name.to_owned(), releases.into_iter().collect())).collect()
    }
}
