//! How a release is decided: pass by pass, until the linear system of all of it bounds no small number.

use std::collections::{BTreeMap, BTreeSet};

use crate::DiscloseError;
use crate::attack::{Effort, attack};
use crate::outcome::Inference;
use crate::prepare::Prepared;
use crate::protect::protect;
use crate::reader::Reader;
use crate::relate::{self, Hierarchies, Related};

/// What stays the same while a release is decided, and what is noted on the way.
pub(crate) struct ReleaseSolver<'a> {
    pub(crate) hierarchies: &'a dyn Hierarchies,
    pub(crate) accepted: &'a BTreeSet<String>,
    pub(crate) effort: &'a Effort,
    pub(crate) release: usize,
    pub(crate) findings: BTreeSet<Inference>,
    pub(crate) passes: u64,
    /// What earlier releases alone give away, by [`known_as`]: no decision of today can mend it.
    pub(crate) already: BTreeSet<String>,
}

impl ReleaseSolver<'_> {
    /// Hides, merges and withholds until nothing is unprotected. Ends, because every pass that does not end it merges or
    /// withholds something.
    pub(crate) fn resolve(
        &mut self,
        tables: &mut [Prepared],
        earlier: &[relate::Table],
    ) -> Result<Related, DiscloseError> {
        loop {
            self.passes += 1;
            let (facts, at) = Prepared::facts_of(tables, earlier, self.release);
            let mut related = relate::relate(&facts, self.hierarchies);
            accept(&mut related, &facts, self.accepted, &mut self.findings);
            let protection =
                protect(&mut related.system, self.effort).map_err(|e| contradiction(e, &related, &facts))?;
            let pass = Pass { facts: &facts, at: &at, related: &related };
            let refused = pass.refused(tables, &protection.unprotected, &self.already, &mut self.findings);
            let pushed = pass.pushed(tables, &protection.hidden, &mut self.findings);
            if !refused.is_empty() {
                for (table, why) in refused {
                    tables[table].withhold(why);
                }
                continue;
            }
            if pushed.is_empty() {
                pass.mark_secondary(tables, &protection.hidden, &mut self.findings);
                return Ok(related);
            }
            for (table, rows) in pushed {
                if !tables[table].raise_to_parent(&rows)? {
                    self.findings.insert(Inference {
                        table: tables[table].name().to_owned(),
                        what: "the map as a whole could be subtracted from another table".to_owned(),
                        done: "withheld",
                        against_earlier: !earlier.is_empty(),
                    });
                    tables[table].withhold(
                        "withheld: it could be subtracted from another table, however much is merged".to_owned(),
                    );
                }
            }
        }
    }

    /// What tables give away, by [`known_as`].
    pub(crate) fn broken(&self, facts: &[relate::Table]) -> Result<Vec<String>, DiscloseError> {
        let mut related = relate::relate(facts, self.hierarchies);
        accept(&mut related, facts, self.accepted, &mut BTreeSet::new());
        let found = attack(&related.system, self.effort).map_err(|e| contradiction(e, &related, facts))?;
        Ok(found.broken.iter().map(|n| known_as(&related, facts, *n)).collect())
    }

    /// For policies that refuse: the release as it would be if nothing stood beside it, held beside what does.
    pub(crate) fn refuse_differences(
        &mut self,
        tables: &mut [Prepared],
        earlier: &[relate::Table],
    ) -> Result<(), DiscloseError> {
        self.resolve(tables, &[])?;
        let broken = self.broken(&Prepared::facts_of(tables, earlier, self.release).0)?;
        match broken.into_iter().find(|label| !self.already.contains(label)) {
            Some(what) => Err(DiscloseError::Differenced { what }),
            None => Ok(()),
        }
    }
}

impl ReleaseSolver<'_> {
    /// Hides, merges and withholds further, so that nothing follows for somebody who holds `held` beside the release either.
    pub(crate) fn beside(&mut self, tables: &mut [Prepared], held: &[relate::Table]) -> Result<(), DiscloseError> {
        self.already = self.held_already(tables, held)?;
        if tables.iter().any(|t| t.policy().refuse_difference && t.policy().protects()) {
            let broken = self.broken(&Prepared::facts_of(tables, held, self.release).0)?;
            return match broken.into_iter().find(|label| !self.already.contains(label)) {
                Some(what) => Err(DiscloseError::Differenced { what }),
                None => Ok(()),
            };
        }
        self.resolve(tables, held).map(|_| ())
    }

    /// Attacks what is decided, beside what a reader holds: the attack of `svp disclose --attack`. Gives the numbers that he could bound
    /// before he had the release; no decision of today can mend them.
    ///
    /// # Errors
    /// When he can bound another one with it.
    pub(crate) fn last_attack(&self, tables: &[Prepared], reader: &Reader) -> Result<Vec<String>, DiscloseError> {
        let already = self.held_already(tables, &reader.tables)?;
        let facts = Prepared::facts_of(tables, &reader.tables, self.release).0;
        let own = |table: &relate::Table| reader.own.contains(&table.release);
        let together = attack_with(&facts, &own, self.hierarchies, (false, self.accepted), self.effort)?;
        let (before, with): (Vec<String>, Vec<String>) =
            together.broken_ones(&facts).into_iter().partition(|number| already.contains(number));
        match with.into_iter().next() {
            Some(what) => Err(DiscloseError::AttackFailed { what }),
            None => Ok(before),
        }
    }

    /// What somebody can work out of the numbers of a release before he has it: another audience's rule may have shown him
    /// more than this one's will. Its rows are numbers that nobody published.
    fn held_already(&self, tables: &[Prepared], held: &[relate::Table]) -> Result<BTreeSet<String>, DiscloseError> {
        let (facts, at) = Prepared::facts_of(tables, held, self.release);
        let mut related = relate::relate(&facts, self.hierarchies);
        accept(&mut related, &facts, self.accepted, &mut BTreeSet::new());
        unpublish(&mut related, |t| at[t].0 != usize::MAX);
        let found = attack(&related.system, self.effort).map_err(|e| contradiction(e, &related, &facts))?;
        Ok(found.broken.iter().map(|n| known_as(&related, &facts, *n)).collect())
    }
}

/// Makes the rows of some tables numbers that nobody published.
fn unpublish(related: &mut Related, which: impl Fn(usize) -> bool) {
    use crate::system::State;
    for (number, provenance) in related.system.numbers.iter_mut().zip(&related.provenance) {
        if provenance.row.is_some() && provenance.tables.iter().all(|t| which(*t)) {
            number.state = State::Latent;
            number.assumed = (0.0, f64::INFINITY);
        }
    }
}

/// What somebody who holds the tables of several audiences can work out and could not by those that `own` says are of his own.
///
/// Rules differ between audiences: what his own audience is shown is no secret to him, though another's table hides it. So a number that
/// follows from his own tables, and is small under another's rule alone, is counted and is no leak. One that is small under his own rule
/// is a leak, whatever it follows from.
///
/// # Errors
/// When what is published contradicts itself.
pub fn attack_together(
    tables: &[relate::Table],
    own: &dyn Fn(&relate::Table) -> bool,
    hierarchies: &dyn Hierarchies,
    blind: bool,
    effort: &Effort,
) -> Result<Together, DiscloseError> {
    attack_with(tables, own, hierarchies, (blind, &BTreeSet::new()), effort)
}

/// The same; differences of tables that are `accepted` are no leak.
fn attack_with(
    tables: &[relate::Table],
    own: &dyn Fn(&relate::Table) -> bool,
    hierarchies: &dyn Hierarchies,
    (blind, accepted): (bool, &BTreeSet<String>),
    effort: &Effort,
) -> Result<Together, DiscloseError> {
    let mut related = relate::relate(tables, hierarchies);
    accept(&mut related, tables, accepted, &mut BTreeSet::new());
    let mut shown: BTreeSet<usize> = BTreeSet::new();
    if tables.iter().any(|t| !own(t)) {
        // What follows from his own tables and the form of the others.
        let follows = |tables: &[relate::Table]| -> Result<(Related, Vec<usize>), DiscloseError> {
            let mut without = relate::relate(tables, hierarchies);
            unpublish(&mut without, |t| !own(&tables[t]));
            // Rows of the others are kept by the others' rule, or by none here.
            for (number, provenance) in without.system.numbers.iter_mut().zip(&without.provenance) {
                let ruled = provenance.tables.iter().any(|t| tables[*t].suppress_below > 0);
                if provenance.row.is_some() && !ruled {
                    number.protection = crate::system::ProtectionInterval::None;
                }
            }
            let found = attack(&without.system, effort).map_err(|e| contradiction(e, &without, tables))?;
            Ok((without, found.broken))
        };
        let (without, alone) = follows(tables)?;
        let own_rule: Vec<relate::Table> = tables
            .iter()
            .map(|t| if own(t) { t.clone() } else { relate::Table { suppress_below: 0, ..t.clone() } })
            .collect();
        let (ruled, leaks) = follows(&own_rule)?;
        let leaks: BTreeSet<String> = leaks.into_iter().map(|n| known_as(&ruled, tables, n)).collect();
        // His own audience's numbers stay his own audience's: a leak among them is a leak.
        let others = |n: &usize| without.provenance[*n].tables.iter().any(|t| !own(&tables[*t]));
        shown = alone.into_iter().filter(others).filter(|n| !leaks.contains(&known_as(&without, tables, *n))).collect();
    }
    if blind {
        related.system.numbers.iter_mut().for_each(|number| number.value = None);
    }
    let mut attack = attack(&related.system, effort).map_err(|e| contradiction(e, &related, tables))?;
    let before = attack.broken.len();
    attack.broken.retain(|n| !shown.contains(n));
    Ok(Together { shown_to_his_own: before - attack.broken.len(), attack, related })
}

/// What a number is known by from one system to the next: its words, and the tables that have to do with it. Words alone name two numbers
/// where a table of one name stands in two releases.
pub(crate) fn known_as(related: &Related, facts: &[relate::Table], number: usize) -> String {
    let provenance = &related.provenance[number];
    let of: BTreeSet<String> = provenance
        .tables
        .iter()
        .filter_map(|t| facts.get(*t))
        .map(|t| format!("{} of {} (release {})", t.measure, t.name, t.release))
        .collect();
    match provenance.row {
        Some(_) => provenance.label.clone(),
        None => format!("{}, by {}", provenance.label, of.into_iter().collect::<Vec<_>>().join(" and ")),
    }
}

/// An attack by somebody who holds the tables of several audiences.
#[derive(Debug)]
pub struct Together {
    /// The numbers and what ties them.
    pub related: Related,
    /// What was found; broken are those that his own audience was not told.
    pub attack: crate::attack::Attack,
    /// Numbers that another audience's table hides from its readers and his own audience was told.
    pub shown_to_his_own: usize,
}

impl Together {
    /// The broken numbers, by what they are known by.
    fn broken_ones(&self, facts: &[relate::Table]) -> Vec<String> {
        self.attack.broken.iter().map(|n| known_as(&self.related, facts, *n)).collect()
    }
}

/// Takes the protection interval from implied differences to earlier releases that concern accepted tables only.
fn accept(
    related: &mut Related,
    facts: &[relate::Table],
    accepted: &BTreeSet<String>,
    findings: &mut BTreeSet<Inference>,
) {
    for (number, provenance) in related.system.numbers.iter_mut().zip(&related.provenance) {
        let new = || provenance.tables.iter().filter(|t| !facts[**t].earlier);
        let difference = matches!(number.protection, crate::system::ProtectionInterval::EitherSide { .. });
        let earlier = provenance.tables.iter().any(|t| facts[*t].earlier);
        if difference && earlier && new().next().is_some() && new().all(|t| accepted.contains(&facts[*t].name)) {
            number.protection = crate::system::ProtectionInterval::None;
            findings.extend(new().map(|t| Inference {
                table: facts[*t].name.clone(),
                what: provenance.label.clone(),
                done: "accepted",
                against_earlier: true,
            }));
        }
    }
}

/// A pass that was computed and waits to be acted on.
struct Pass<'a> {
    facts: &'a [relate::Table],
    at: &'a [(usize, usize)],
    related: &'a Related,
}

impl Pass<'_> {
    fn is_new(&self, fact: usize) -> bool {
        self.at[fact].0 != usize::MAX
    }

    fn against_earlier(&self, number: usize) -> bool {
        self.related.provenance[number].tables.iter().any(|t| !self.is_new(*t))
    }

    /// Tables that cannot be saved: for each number that stays computable the last new one that has to do with it, or,
    /// where it belongs to earlier releases alone, the nearest new one.
    fn refused(
        &self,
        tables: &[Prepared],
        unprotected: &[usize],
        already: &BTreeSet<String>,
        findings: &mut BTreeSet<Inference>,
    ) -> BTreeMap<usize, String> {
        let mut out = BTreeMap::new();
        for &number in unprotected {
            let provenance = &self.related.provenance[number];
            if already.contains(&known_as(self.related, self.facts, number)) {
                continue;
            }
            let own = provenance.tables.iter().rev().find(|t| self.is_new(**t)).copied();
            let Some(last) = own.or_else(|| self.nearest_new(number)) else { continue };
            let table = self.at[last].0;
            out.entry(table).or_insert_with(|| format!("withheld: it would tell a small number: {}", provenance.label));
            findings.insert(Inference {
                table: tables[table].name().to_owned(),
                what: provenance.label.clone(),
                done: "withheld",
                against_earlier: self.against_earlier(number),
            });
        }
        out
    }

    /// The new table nearest to a number by way of equations.
    fn nearest_new(&self, number: usize) -> Option<usize> {
        let system = &self.related.system;
        let mut seen = BTreeSet::from([number]);
        let mut edge = seen.clone();
        while !edge.is_empty() {
            let touched = system.equations.iter().filter(|e| e.terms.iter().any(|(n, _)| edge.contains(n)));
            let next: BTreeSet<usize> =
                touched.flat_map(|e| e.terms.iter().map(|(n, _)| *n)).filter(|n| !seen.contains(n)).collect();
            let new = next.iter().flat_map(|n| &self.related.provenance[*n].tables).filter(|t| self.is_new(**t)).max();
            if let Some(new) = new {
                return Some(*new);
            }
            seen.extend(&next);
            edge = next;
        }
        None
    }

    /// Pieces of maps that would have to be hidden: they are merged into the rest of the next coarser cell instead.
    fn pushed(
        &self,
        tables: &[Prepared],
        hidden: &[usize],
        findings: &mut BTreeSet<Inference>,
    ) -> BTreeMap<usize, BTreeSet<usize>> {
        let mut out: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for &number in hidden {
            let provenance = &self.related.provenance[number];
            let (Some(&fact), Some(row)) = (provenance.tables.first(), provenance.row) else { continue };
            let (table, _) = self.at[fact];
            if table != usize::MAX && tables[table].is_merged() {
                out.entry(table).or_default().insert(row);
                findings.insert(Inference {
                    table: tables[table].name().to_owned(),
                    what: "cells that could be subtracted from another table".to_owned(),
                    done: "merged",
                    against_earlier: false,
                });
            }
        }
        out
    }

    fn mark_secondary(&self, tables: &mut [Prepared], hidden: &[usize], findings: &mut BTreeSet<Inference>) {
        let mut hidden_cells: BTreeMap<String, u64> = BTreeMap::new();
        for &number in hidden {
            let provenance = &self.related.provenance[number];
            let (Some(&fact), Some(row)) = (provenance.tables.first(), provenance.row) else { continue };
            let (table, count) = self.at[fact];
            if table != usize::MAX {
                tables[table].hide(count, row);
                *hidden_cells.entry(tables[table].name().to_owned()).or_default() += 1;
            }
        }
        for (table, cells) in hidden_cells {
            findings.insert(Inference {
                table,
                what: format!("{cells} cells that others could be computed from"),
                done: "suppressed",
                against_earlier: false,
            });
        }
    }
}

pub(crate) fn contradiction(
    error: crate::system::SystemError,
    related: &Related,
    facts: &[relate::Table],
) -> DiscloseError {
    let names = |numbers: &[usize]| {
        let tables: BTreeSet<&str> = numbers
            .iter()
            .filter_map(|n| related.provenance.get(*n))
            .flat_map(|o| o.tables.iter().filter_map(|t| facts.get(*t)).map(|t| t.name.as_str()))
            .collect();
        tables.into_iter().collect::<Vec<_>>().join(", ")
    };
    use crate::system::SystemError as E;
    let numbers: Vec<usize> = match error {
        E::Term { equation } | E::DoesNotAddUp { equation } | E::Contradiction { equation } => related
            .system
            .equations
            .get(equation)
            .map(|e| e.terms.iter().map(|(n, _)| *n).collect())
            .unwrap_or_default(),
        E::Meaningless { number } | E::NotACount { number } | E::Untrue { number } | E::NoValue { number } => {
            vec![number]
        }
        E::NoAnswer { number } => vec![number],
    };
    DiscloseError::Contradiction { tables: names(&numbers) }
}
