//! The second guarded door: raw counts of all tables of a release go in together, counts that may be shown come out.
//!
//! Together, because a number can be safe in its own table and be given away by another. The steps:
//! 1. maps: what is too small is merged up the grid (`merge.rs`); 2. every cell is judged by itself (`count.rs`);
//! 3. all tables of this release and of the audience's earlier ones become one linear system (`relate/`);
//! 4. cells are hidden until that system bounds no small number (`protect.rs`); maps merge further
//!    instead, and a table that cannot be saved is withheld; 5. the result is attacked once more (`attack.rs`);
//! 6. grain and attributes are searched for what identifies people (`searched.rs`).

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBuilder, Int64Builder, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use svp_contract::DefinitionId;

use crate::DiscloseError;
use crate::attack::{Effort, Proof, attack};
use crate::changes::hold_small_changes;
use crate::count::{Cell, Hidden};
use crate::event_set::EventSet;
use crate::outcome::{AttackSummary, Detail, Inference, Suppression};
use crate::prepare::{Prepared, Raw, prepare};
use crate::reader::{Reader, ReaderAttack};
use crate::relate::{self, Hierarchies, Published, Related};
use crate::solve::{ReleaseSolver, contradiction, known_as};

/// Something whose counts may be shown. Only [`disclose`] makes one.
#[derive(Debug, Clone)]
pub struct Disclosed<T> {
    value: T,
    counts: Vec<String>,
    summary: Box<Suppression>,
}

impl<T> Disclosed<T> {
    /// The content.
    pub fn get(&self) -> &T {
        &self.value
    }

    /// What was done.
    pub fn summary(&self) -> &Suppression {
        &self.summary
    }

    /// Names of the count columns.
    pub fn counts(&self) -> &[String] {
        &self.counts
    }
}

impl Disclosed<RecordBatch> {
    /// Adds columns that are computed from the disclosed ones (rates, shares).
    ///
    /// `inputs` names the count columns that each derived column stands on; where one of them is suppressed
    /// the derived value must be NULL.
    ///
    /// # Errors
    /// When an earlier column is not exactly as it was, or a derived value would reveal a suppressed one.
    pub fn with_derived(self, derived: RecordBatch, inputs: &[(String, Vec<String>)]) -> Result<Self, DiscloseError> {
        use arrow::array::{Array, AsArray};
        for (i, field) in self.value.schema().fields().iter().enumerate() {
            let same = derived.schema().fields().get(i).is_some_and(|f| f.name() == field.name())
                && derived.column(i).to_data() == self.value.column(i).to_data();
            if !same {
                return Err(DiscloseError::ChangedAfterDisclosure { column: field.name().clone() });
            }
        }
        for (column, counts) in inputs {
            let Some(values) = derived.column_by_name(column) else { continue };
            for count in counts {
                let flags = format!("{count}_suppressed");
                let Some(flags) = self.value.column_by_name(&flags) else { continue };
                let flags = flags.as_boolean();
                if (0..flags.len()).any(|row| flags.value(row) && values.is_valid(row)) {
                    return Err(DiscloseError::DerivedReveals { column: column.clone() });
                }
            }
        }
        Ok(Self { value: derived, ..self })
    }
}

/// What became of one table.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It may be shown.
    Table(Disclosed<RecordBatch>),
    /// It may not, and why.
    Withheld(String),
}

/// A release, decided.
#[derive(Debug)]
pub struct Disclosure {
    /// One for each raw table, in their order.
    pub outcomes: Vec<Outcome>,
    /// What the release tells, one for each count column of each table that goes out: for the ledger. It holds true
    /// counts and belongs into the restricted part of the lake.
    pub published: Vec<relate::Table>,
    /// What was done to each raw table, in their order.
    pub details: Vec<Detail>,
    /// What the ledger's comparison found, and what was done about it.
    pub findings: Vec<Inference>,
    /// The last attack.
    pub attack: AttackSummary,
    /// The same by readers of several audiences: with the release they can bound no number that they could not bound before.
    pub readers: Vec<ReaderAttack>,
}

/// Decides a release: all its tables together, against what the audience already has.
///
/// `readers` are audiences that get this release beside others: nothing may follow for them either. What they can work out
/// without this release stays theirs. `earlier` are the tables of the audience's earlier releases, as the ledger holds them; `release`
/// is higher than any of theirs. `accepted` are tables whose differences to earlier releases somebody has accepted, because the
/// data is public elsewhere: what follows from them alone is noted and not kept. Where everything that anybody holds is open already,
/// no relation is asked for and nothing is attacked; that tables contradict each other is not seen then.
///
/// # Errors
/// Counts that are negative, not finite or not numbers; tables that contradict each other (a hierarchy with a hole);
/// with a policy that refuses, a difference to an earlier release.
pub fn disclose(
    raws: Vec<Raw>,
    earlier: &[relate::Table],
    readers: &[Reader],
    release: usize,
    hierarchies: &dyn Hierarchies,
    accepted: &BTreeSet<String>,
    effort: &Effort,
) -> Result<Disclosure, DiscloseError> {
    let mut tables: Vec<Prepared> = raws.into_iter().map(|raw| prepare(raw, hierarchies)).collect::<Result<_, _>>()?;
    let mut findings: BTreeSet<Inference> = BTreeSet::new();
    let held: Vec<relate::Table> =
        readers.iter().flat_map(|r| &r.tables).chain(earlier).filter(|t| t.dims.len() == 1).cloned().collect();
    no_lists(&mut tables);
    one_grid(&mut tables, &held, hierarchies, &mut findings);
    let mut solver =
        ReleaseSolver { hierarchies, accepted, effort, release, findings, passes: 0, already: BTreeSet::new() };
    // Where everything that anybody holds is open already, no number is left to be worked out: no relation is asked for.
    let open = tables.iter().all(|t| !t.policy().protects())
        && readers.iter().flat_map(|r| &r.tables).chain(earlier).all(|t| t.suppress_below <= 1);
    if !open && !earlier.is_empty() {
        solver.already = solver.broken(&Prepared::facts_of(&[], earlier, release).0)?.into_iter().collect();
        if tables.iter().any(|t| t.policy().refuse_difference && t.policy().protects()) {
            solver.refuse_differences(&mut tables, earlier)?;
        }
    }
    if !open {
        let told: Vec<&relate::Table> = readers.iter().flat_map(|r| &r.tables).chain(earlier).collect();
        let held = hold_small_changes(&mut tables, &told, release, accepted);
        solver.findings.extend(held);
    }
    let mut related = if open { Related::default() } else { solver.resolve(&mut tables, earlier)? };
    let mut of_readers = Vec::new();
    if !open && !readers.is_empty() {
        let already = std::mem::take(&mut solver.already);
        for reader in readers {
            solver.beside(&mut tables, &reader.tables)?;
        }
        // Hidden for one reader is hidden for all: what the release is has to be known before it is attacked.
        solver.already = already;
        related = solver.resolve(&mut tables, earlier)?;
        for reader in readers {
            let before = solver.last_attack(&tables, reader)?;
            of_readers.push(ReaderAttack { audience: reader.audience.clone(), tables: reader.tables.len(), before });
        }
    }
    let ReleaseSolver { findings, passes, already, .. } = solver;
    let facts = Prepared::facts_of(&tables, earlier, release).0;
    // What is decided is attacked once more, by the code that knows nothing of how it was decided.
    let result = attack(&related.system, effort).map_err(|e| contradiction(e, &related, &[]))?;
    if let Some(broken) = result.broken.iter().find(|n| !already.contains(&known_as(&related, &facts, **n))) {
        return Err(DiscloseError::AttackFailed { what: related.provenance[*broken].label.clone() });
    }
    let count = |proof: Proof| result.proofs.get(&proof).copied().unwrap_or_default() as u64;
    let summary = AttackSummary {
        attacked: result.bounds.len() as u64,
        numbers: related.system.numbers.len() as u64,
        equations: related.system.equations.len() as u64,
        by_witness: count(Proof::Witness),
        by_programme: count(Proof::FullLp),
        disclosed_before: already.len() as u64,
        earlier_tables: earlier.len() as u64,
        passes,
    };
    let (facts, _) = Prepared::facts_of(&tables, &[], release);
    let details = tables.iter().map(Prepared::detail).collect();
    let outcomes = tables.into_iter().map(finish).collect::<Result<_, _>>()?;
    let findings = findings.into_iter().collect();
    Ok(Disclosure { outcomes, details, published: facts, findings, attack: summary, readers: of_readers })
}

/// Fewest counts above 0 of a table that can be withheld for what most of them are: of fewer the reason would tell which.
const LISTED: usize = 8;
/// What a reader is told in place of a table that is withheld for being a list of events; the review says more.
const SPARSE: &str = "withheld: too few events for so many cells";

/// A table of which most counts are hidden and of one event each counts nothing: it is a list of events, and their members are
/// what somebody would learn from it. A map is none: its cells are places of one size that anybody can name, with or without an event.
fn no_lists(tables: &mut [Prepared]) {
    let may_list = |t: &&mut Prepared| t.policy().protects() && t.withheld().is_none() && t.protected_grid().is_none();
    for table in tables.iter_mut().filter(may_list) {
        let (counts, single) = table.single_events();
        if counts >= LISTED && single * 2 > counts {
            table.withhold_as_list(SPARSE.to_owned());
        }
    }
}

/// Grids whose cells do not nest can be subtracted from one another in ways that no cell shows: of one set of events
/// one family of nesting grids goes to an audience, the first that it got. So can the maps of two areas that overlap in part: which
/// cells lie in the districts of both is not known here, and is known to whoever has a map of the districts.
fn one_grid(
    tables: &mut [Prepared],
    earlier: &[relate::Table],
    hierarchies: &dyn Hierarchies,
    findings: &mut BTreeSet<Inference>,
) {
    let about = |t: &relate::Table| {
        let kind = t.dims.iter().find(|d| relate::is_grid(&d.kind))?.kind.clone();
        (t.suppress_below > 1).then(|| (kind, t.set.clone(), t.name.clone()))
    };
    let mut seen: Vec<(String, EventSet, String)> = earlier.iter().filter_map(about).collect();
    for table in tables {
        let Some((kind, set)) = table.protected_grid() else { continue };
        let definition = &set.definition;
        let touch = |d: &DefinitionId| {
            d == definition
                || hierarchies.definition_within(d, definition)
                || hierarchies.definition_within(definition, d)
        };
        let overlaps = |s: &EventSet| relate::partly(&s.area_parts, &set.area_parts);
        let clash = seen.iter().find(|(k, s, _)| {
            touch(&s.definition) && s.universe == set.universe && (!relate::nests(k, &kind) || overlaps(s))
        });
        let Some((other, of, name)) = clash else {
            seen.push((kind, set, table.name().to_owned()));
            continue;
        };
        let (what, why) = if overlaps(of) {
            (
                format!("cells less those of the area {} in {name}", of.area),
                format!(
                    "withheld: the area {} has some of these districts and others, and its map ({name}) could be subtracted from this one",
                    of.area
                ),
            )
        } else {
            (
                format!("cells of {kind} less cells of {other} in {name}"),
                format!(
                    "withheld: cells of {kind} and of {other} ({name}) overlap without nesting, and could be subtracted from one another"
                ),
            )
        };
        findings.insert(Inference {
            table: table.name().to_owned(),
            what,
            done: "withheld",
            against_earlier: earlier.iter().any(|t| t.name == *name),
        });
        table.withhold(why);
    }
}

/// The shown table: grain and attributes as they are, each count with its flag.
fn finish(table: Prepared) -> Result<Outcome, DiscloseError> {
    if let Some(why) = table.withheld() {
        return Ok(Outcome::Withheld(why.to_owned()));
    }
    if let Some((column, what)) = table.identifying() {
        return Err(DiscloseError::Identifies { table: table.name().to_owned(), column, what });
    }
    let merged = table.rests();
    let (batch, counts, policy) = table.into_parts();
    let mut summary = Suppression { policy, cells: 0, suppressed: 0, rounded: 0, merged };
    let schema = batch.schema();
    let mut fields: Vec<Field> = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (i, field) in schema.fields().iter().enumerate() {
        let Some((_, cells)) = counts.iter().find(|(name, _)| name == field.name()) else {
            fields.push(field.as_ref().clone());
            columns.push(Arc::clone(batch.column(i)));
            continue;
        };
        let (values, flags) = one_column(cells, &mut summary);
        fields.push(Field::new(field.name(), DataType::Int64, true));
        columns.push(values);
        fields.push(Field::new(format!("{}_suppressed", field.name()), DataType::Boolean, false));
        columns.push(flags);
    }
    let value = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(DiscloseError::Arrow)?;
    let counts = counts.into_iter().map(|(name, _)| name).collect();
    Ok(Outcome::Table(Disclosed { value, counts, summary: Box::new(summary) }))
}

fn one_column(cells: &[Cell], summary: &mut Suppression) -> (ArrayRef, ArrayRef) {
    let mut values = Int64Builder::with_capacity(cells.len());
    let mut flags = BooleanBuilder::with_capacity(cells.len());
    for cell in cells {
        let Some(truth) = cell.truth else {
            values.append_null();
            flags.append_value(false);
            continue;
        };
        summary.cells += 1;
        if cell.hidden.is_some() {
            summary.suppressed += 1;
            values.append_null();
            flags.append_value(true);
        } else {
            // How many numbers rounding really changed would tell which of them are exact.
            let blurred = summary.policy.round_to > 1 || summary.policy.perturb.is_some();
            summary.rounded += u64::from(blurred && truth > 0.0);
            values.append_value(cell.shown);
            flags.append_value(false);
        }
    }
    (Arc::new(values.finish()), Arc::new(flags.finish()))
}

impl From<&Cell> for Published {
    fn from(cell: &Cell) -> Self {
        match (cell.truth, cell.hidden) {
            (None, _) => Published::NotKnown,
            (Some(_), Some(why)) => Published::Suppressed { primary: why != Hidden::Secondary },
            (Some(_), None) => Published::Shown(cell.published.0, cell.published.1),
        }
    }
}
