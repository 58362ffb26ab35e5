//! The middle of a run: every output is counted, all of them are disclosed together, and what was decided is recorded.

use std::collections::{BTreeMap, BTreeSet};

use svp_analyse::{
    Content, Counted, OutputResult, SiteHierarchies, count_output, define, definition_sources, derive, observed_months,
};
use svp_contract::{Definition, Output, PublishedName};
use svp_disclose::attack::Effort;
use svp_disclose::event_set::EventSet;
use svp_disclose::exceptions::Accepts;
use svp_disclose::review::{PolicyLine, TableReview, Withheld};
use svp_disclose::{Disclosure, Outcome, Policy, Raw, ReaderAttack};
use svp_publish::PublishedTable;

use crate::accept;
use crate::calendar;
use crate::contents;
use crate::error::AppError;
use crate::ledger::{self, Record};
use crate::meanings::Meanings;
use crate::progress::{Part, timed};
use crate::release::{self, Decided};
use crate::run::Work;
use crate::site::Defined;
use crate::stage::{OffGrid, furnish, hierarchies};
use crate::state::RunState;

impl Work<'_> {
    /// Every output under every definition, counted; then all of them disclosed together.
    pub(crate) async fn analyse(&self, state: &RunState) -> Result<Decided, AppError> {
        // Sizes are asked for only where they decide: reading the boundaries of all small areas takes a while.
        let thin = self.policy.item.map.min_residents.is_some()
            && self
                .site
                .sources
                .values()
                .any(|s| !s.item.disclosure.already_open && state.receipts.iter().any(|r| r.source == s.item.name));
        let mut places = self.reference.get().map(|full| full.places.clone()).unwrap_or_default();
        if thin {
            places.km2 = self.data.square_kilometres("lsoa");
        }
        let progress = self.progress;
        let geographies = Part::begin(progress, "geographies");
        furnish(self.ctx, self.site, self.area, &places, OffGrid::OfTheAudience)?;
        drop(geographies);
        let months = calendar::period(self.area);
        let definitions: Vec<&Defined<Definition>> =
            self.area.definitions.iter().filter_map(|name| self.site.definitions.get(name)).collect();
        let told = self.ledger.tables();
        let held = self.readers.iter().flat_map(|r| &r.tables).chain(&told);
        let meanings = Meanings::of(self.ctx, self.site, &definitions, held, self.texts).await;
        let known: Vec<&Defined<Definition>> = meanings.known.iter().collect();
        let related = hierarchies(self.ctx, self.site, self.area, &self.data.lookups, &known);
        let hierarchies = timed(progress, "hierarchies", related).await?;
        let total = definitions.len() * self.area.outputs.len();
        self.progress.bar("analyse", total as u64, false);
        let mut decided = Decided::default();
        let mut raws = Vec::new();
        for definition in &definitions {
            timed(progress, "definition", define(self.ctx, &definition.item, &months)).await?;
            decided.months.insert(definition.item.name.clone(), observed_months(self.ctx).await?);
            let sources = definition_sources(self.ctx).await?;
            for name in &self.area.outputs {
                let Some(output) = self.site.outputs.get(name) else { continue };
                let table = PublishedName { output: name.clone(), definition: definition.item.name.clone() };
                let policy = self.table_policy(&output.item.reads, &sources, state);
                let set = self.event_set(definition, &sources, state);
                let name_of = table.to_string();
                let counting = count_output(self.ctx, &self.site.tables, &output.item, &name_of, set, &policy);
                let counted = timed(progress, name, counting).await?;
                decided.policies.insert(format!("{name} {}", definition.item.name), policy);
                let content = match counted {
                    Counted::NotAvailable(why) => Content::NotAvailable(why),
                    Counted::Raw(raw) => {
                        raws.push((decided.results.len(), &output.item, *raw));
                        Content::NotAvailable(String::new())
                    }
                };
                decided.results.push(OutputResult { name: table, content });
                self.progress.advance(1, name);
            }
        }
        self.progress.end_bar();
        self.progress.step(
            "analyse",
            &format!("{} outputs under {} definitions", self.area.outputs.len(), self.area.definitions.len()),
        );
        let name_of = |run: usize| ledger::release_of(&state.ledger, run);
        if decided.policies.values().any(Policy::protects) {
            meanings.none_lost(self.site, self.clock, &self.area.audience, name_of)?;
        }
        decided.edited = meanings.edited(name_of);
        for (definition, releases) in &decided.edited {
            let what = format!(
                "`{definition}` was edited since {}: attacked as two definitions, that of then by the text that the ledger keeps",
                releases.join(", ")
            );
            self.progress.step("disclose", &what);
        }
        timed(progress, "disclose", self.disclose(raws, state, &hierarchies, &mut decided)).await?;
        Ok(decided)
    }

    /// All tables together become a release that no reader can turn back.
    async fn disclose(
        &self,
        raws: Vec<(usize, &Output, Raw)>,
        state: &RunState,
        hierarchies: &SiteHierarchies,
        decided: &mut Decided,
    ) -> Result<(), AppError> {
        let (slots, raws): (Vec<(usize, &Output)>, Vec<Raw>) =
            raws.into_iter().map(|(slot, output, raw)| ((slot, output), raw)).unzip();
        let earlier = contents::as_now(state, self.ledger.tables());
        let number = usize::try_from(self.txn.number()).unwrap_or(usize::MAX);
        let accepted: BTreeSet<String> = raws
            .iter()
            .map(Raw::name)
            .zip(&slots)
            .filter(|(table, (_, output))| {
                [*table, &output.name]
                    .iter()
                    .any(|name| self.site.exceptions.accepts(Accepts::PublicElsewhere, name, self.clock).is_some())
            })
            .map(|(table, _)| table.to_owned())
            .collect();
        let deciding = Part::begin(self.progress, "decide");
        let effort = Effort { threads: self.machine.threads, ..Effort::default() };
        let mut disclosure =
            svp_disclose::disclose(raws, &earlier, self.readers, number, hierarchies, &accepted, &effort)
                .map_err(|source| AppError::Disclosure { audience: self.area.audience.clone(), source })?;
        drop(deciding);
        let deriving = Part::begin(self.progress, "derive");
        for ((slot, output), outcome) in slots.into_iter().zip(std::mem::take(&mut disclosure.outcomes)) {
            decided.results[slot].content = match outcome {
                Outcome::Table(table) => Content::Table(derive(self.ctx, output, table).await?),
                Outcome::Withheld(why) => Content::NotAvailable(why),
            };
        }
        drop(deriving);
        let attack = &disclosure.attack;
        self.progress.step(
            "disclose",
            &format!(
                "{} suppressed or implied numbers attacked with {} tables of earlier releases: none can be bounded ({} passes)",
                attack.attacked, attack.earlier_tables, attack.passes
            ),
        );
        for ReaderAttack { audience, tables, before } in &disclosure.readers {
            let what = match before.len() {
                0 => format!("nor by `{audience}`, who hold {tables} tables of releases beside it"),
                n => format!(
                    "nor another one by `{audience}`, who hold {tables} tables of releases beside it and could bound {n} numbers of them before"
                ),
            };
            self.progress.step("disclose", &what);
        }
        decided.disclosure = Some(disclosure);
        Ok(())
    }

    /// The texts of the definitions of this run, by their SHA-256.
    fn texts_of_definitions(&self) -> BTreeMap<String, String> {
        let of_run = self.area.definitions.iter().filter_map(|name| self.site.definitions.get(name));
        of_run.filter_map(|d| Some((d.digest.clone(), self.site.texts.get(&d.file)?.clone()))).collect()
    }

    /// What a table of this run counts, but for the view.
    fn event_set(&self, definition: &Defined<Definition>, sources: &[String], state: &RunState) -> EventSet {
        let mut parts: Vec<String> = self.area.districts.iter().map(|d| d.code.clone()).collect();
        parts.sort();
        EventSet {
            area: self.area.name.clone(),
            area_parts: parts,
            definition: definition.id(),
            universe: String::new(),
            from: self.area.period.from.to_string(),
            to: self.area.period.to.to_string(),
            data: contents::data(state, &|source| sources.iter().any(|s| s == source)),
        }
    }

    /// The strictest rule of all sources that stand behind an output, of the audience and of the area.
    fn table_policy(&self, reads: &[String], of_definition: &[String], state: &RunState) -> Policy {
        let mut sources: BTreeSet<&str> = of_definition.iter().map(String::as_str).collect();
        // Events and their parties are those of the definition; of every other table whoever filled it stands behind the output.
        let filled = |name: &&String| {
            let of_sources = self.site.tables.iter().any(|t| t.name == **name && t.record.is_some());
            of_sources && !matches!(name.as_str(), "event" | "party")
        };
        for table in reads.iter().filter(filled) {
            let behind = state.receipts.iter().filter(|r| r.written.contains_key(table));
            sources.extend(behind.map(|r| r.source.as_str()));
        }
        let sources = sources.iter().filter_map(|name| self.site.sources.get(*name)).map(|s| &s.item);
        Policy::resolve(sources, &self.policy.item, self.area.disclosure.as_ref())
    }

    /// The columns of a table that are not counts, as the person who signs reads them: grain and attributes.
    fn beside_counts(&self, table: &PublishedTable) -> (Vec<String>, Vec<String>) {
        let named = |output: &&Output| {
            let definition = table.definition.clone().unwrap_or_default();
            PublishedName { output: output.name.clone(), definition }.to_string() == table.name
        };
        let Some(output) = self.site.outputs.values().map(|o| &o.item).find(named) else { return Default::default() };
        let grain = output.grain.iter().map(|g| match g.limited_by {
            Some(limit) => format!("{} (limited by {})", g.name, limit.word()),
            None => g.name.clone(),
        });
        (grain.collect(), output.attributes.iter().map(|a| a.name.clone()).collect())
    }

    /// The ledger's entry and the review record; `manifest` is the digest of the release's own list. A ledger that was begun anew stands for all that was before.
    #[allow(clippy::too_many_arguments)]
    pub(crate) async fn record(
        &self,
        state: &mut RunState,
        name: &str,
        clock: &str,
        policies: &BTreeMap<String, Policy>,
        tables: &[PublishedTable],
        (disclosure, edited): (&Disclosure, &[(String, Vec<String>)]),
        manifest: Option<String>,
    ) -> Result<(), AppError> {
        let mut reviews = Vec::new();
        let mut withheld = Vec::new();
        for table in tables {
            let detail = disclosure.details.iter().find(|d| d.table == table.name);
            match (&table.content, detail) {
                (svp_publish::Content::Table(shown), Some(detail)) => {
                    let summary = shown.summary();
                    let (grain, attributes) = self.beside_counts(table);
                    reviews.push(TableReview {
                        grain,
                        attributes,
                        table: table.name.clone(),
                        title: table.title.clone(),
                        cells: summary.cells,
                        primary: summary.suppressed - detail.secondary,
                        secondary: detail.secondary,
                        merged: summary.merged,
                        rounded: summary.rounded,
                        perturbed: if summary.policy.perturb.is_some() { summary.rounded } else { 0 },
                        full: detail.full,
                        ..TableReview::default()
                    });
                }
                (svp_publish::Content::NotAvailable(reason), Some(detail)) => {
                    let more = match detail.list {
                        true => ": most of them are hidden and hold one event each, so it lists events and counts none",
                        false => "",
                    };
                    withheld.push(Withheld { table: table.name.clone(), reason: format!("{reason}{more}") });
                }
                _ => {}
            }
        }
        let mut rules: BTreeMap<String, PolicyLine> = BTreeMap::new();
        for policy in policies.values() {
            let maps = if policy.merge_maps { "merged" } else { "suppressed" };
            let rule = match policy.protects() {
                true => format!(
                    "1 to {} suppressed, others rounded to {}; small cells of maps {maps}",
                    policy.suppress_below - 1,
                    policy.round_to
                ),
                false => "nothing suppressed: the rows are open already".to_owned(),
            };
            let source = format!("{} and the sources", self.policy.file);
            rules.insert(rule.clone(), PolicyLine { rule, whose: policy.reason(), source });
        }
        let record = Record {
            audience: &self.area.audience,
            release: name,
            run: self.txn.number(),
            clock,
            area: &self.area.name,
            area_title: &self.area.title,
            policy_digest: self.policy.digest.clone(),
            policies: rules.into_values().collect(),
            tables: reviews,
            withheld,
            exceptions: self.site.exceptions.in_force(clock),
            accepted: accept::of_live_files(state, self.txn.number()),
            findings: state.findings.clone(),
            receipts: release::summary(&state.receipts),
            disclosure,
            definitions: self.texts_of_definitions(),
            edited: edited.to_vec(),
            manifest,
        };
        let mut told = self.ledger.clone();
        if told.entries().is_empty() {
            state.ledger.retain(|l| l.head.audience != self.area.audience);
        }
        let (files, line) = ledger::append(&mut told, self.key, record)?;
        self.txn.record_release(name, files).await?;
        state.ledger.push(line);
        Ok(())
    }
}
