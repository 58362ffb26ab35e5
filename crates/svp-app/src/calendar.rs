//! The calendar of what is known, from the record of a run: what is registered, found and told.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::prelude::SessionContext;
use svp_analyse::{
    Delivery, Gap, Late, Months, gaps, inferred_sources, late_senders, month_list, month_spans, register_coverage,
};
use svp_contract::{Area, Finding, FindingKind};
use svp_ingest::{LoadedFile, SourcePlan};
use svp_lake::Lake;
use svp_publish::{MissingMonths, SourceLine};

use crate::error::AppError;
use crate::state::RunState;

/// The files that are live. A file that names no sender (it has no record that could) is the sender's whose all other files of the
/// source are.
pub(crate) fn deliveries(files: &[LoadedFile]) -> Vec<Delivery> {
    let live = files.iter().filter(|f| !f.superseded);
    let mut senders: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for file in live.clone() {
        senders.entry(&file.source).or_default().extend(file.sender.as_deref());
    }
    let only = |source: &str| match senders.get(source) {
        Some(known) if known.len() == 1 => known.first().map(|s| (*s).to_owned()),
        _ => None,
    };
    live.map(|f| Delivery {
        source: f.source.clone(),
        slot: f.slot.clone(),
        sender: f.sender.clone().or_else(|| only(&f.source)),
        months: f.months.clone(),
    })
    .collect()
}

/// Reads the names of files that were loaded before names were read for their months.
pub(crate) fn read_names(plans: &[SourcePlan], files: &mut [LoadedFile]) {
    for file in files.iter_mut().filter(|f| f.months.is_none()) {
        let plan = plans.iter().find(|p| p.source.name == file.source);
        if let Some(name) = plan.and_then(|p| p.file_name(&file.file)) {
            file.months = name.months;
            file.sender = file.sender.take().or(name.sender);
        }
    }
}

/// The months of an area, its first and its last.
#[must_use]
pub fn period(area: &Area) -> Months {
    Months { from: area.period.from.to_string(), to: area.period.to.to_string() }
}

/// Registers the calendar of a lake for some months; for those that its files name, or that its events lie in, where none are given.
pub(crate) async fn register(ctx: &SessionContext, lake: &Lake, months: Option<Months>) -> Result<(), AppError> {
    let state = RunState::last(lake)?;
    let deliveries = deliveries(&state.files);
    let months = match months {
        Some(months) => months,
        None => whole(named(&deliveries), of_events(ctx).await?),
    };
    Ok(register_coverage(ctx, &deliveries, &months).await?)
}

/// The months that names of files and events span together.
fn whole(named: Option<Months>, events: Option<Months>) -> Months {
    match (named, events) {
        (Some(a), Some(b)) => Months { from: a.from.min(b.from), to: a.to.max(b.to) },
        (a, b) => a.or(b).unwrap_or(Months { from: String::new(), to: String::new() }),
    }
}

/// First and last month that a name of a file says.
fn named(deliveries: &[Delivery]) -> Option<Months> {
    let months = deliveries.iter().filter_map(|d| d.months.as_ref());
    let from = months.clone().map(|m| &m.0).min()?;
    let to = months.map(|m| &m.1).max()?;
    Some(Months { from: from.clone(), to: to.clone() })
}

/// First and last month of an event.
async fn of_events(ctx: &SessionContext) -> Result<Option<Months>, AppError> {
    // What the engine says of rows can hold a value.
    let failed = |_| AppError::QueryFailed {
        what: "the months of the events could not be read".to_owned(),
        hint: "`svp check --lake LAKE` names every damaged file",
    };
    let sql = "SELECT coalesce(min(month), '') AS a, coalesce(max(month), '') AS b FROM event";
    let batches = ctx.sql(sql).await.map_err(failed)?.collect().await.map_err(failed)?;
    let text = |column: usize| -> Result<String, AppError> {
        match batches.iter().find(|b| b.num_rows() > 0) {
            Some(batch) => Ok(arrow::util::display::array_value_to_string(batch.column(column), 0)?),
            None => Ok(String::new()),
        }
    };
    let months = Months { from: text(0)?, to: text(1)? };
    Ok(Some(months).filter(|m| !m.from.is_empty()))
}

/// Sources and senders of which months of the period have no file, and senders that begin after others of their source.
pub(crate) async fn missing(ctx: &SessionContext) -> Result<Vec<Finding>, AppError> {
    let finding = |gap: Gap| {
        let whose = if gap.sender.is_empty() { String::new() } else { format!(" of {}", gap.sender) };
        let what = format!("no file{whose} for {}", month_list(&gap.months));
        Finding::new(FindingKind::MissingMonths, &gap.source, "", "", what)
            .counted(gap.months.len() as u64, gap.of as u64)
            .only_told()
    };
    let late = |late: Late| {
        let what = format!(
            "{} sends since {}, others since {}: what is counted before and after is not of the same senders",
            late.sender, late.first, late.source_first
        );
        Finding::new(FindingKind::SenderBegins, &late.source, "", "", what)
    };
    let mut out: Vec<Finding> = gaps(ctx).await?.into_iter().map(finding).collect();
    out.extend(late_senders(ctx).await?.into_iter().map(late));
    Ok(out)
}

/// Deliveries of several tables (the files of a yearly return) that lack one: what it would say is not there, and no month tells.
pub(crate) fn missing_tables(plans: &[SourcePlan], files: &[LoadedFile]) -> Vec<Finding> {
    // Source, sender and months to each table and whether a file of it is there.
    type Deliveries<'f> = BTreeMap<(&'f str, &'f str, &'f (String, String)), BTreeMap<&'f str, bool>>;
    let mut found: Deliveries<'_> = BTreeMap::new();
    for file in files.iter().filter(|f| !f.superseded) {
        let Some(plan) = plans.iter().find(|p| p.source.name == file.source) else { continue };
        let Some(months) = &file.months else { continue };
        let tables = plan.tables(&file.file);
        let read = |table: &str, by_name: bool| match &file.tables {
            Some(read) => read.iter().any(|t| t == table),
            None => by_name,
        };
        for (table, reads) in tables.into_iter().map(|(table, by_name)| (table, read(table, by_name))) {
            let sender = file.sender.as_deref().unwrap_or_default();
            *found.entry((&file.source, sender, months)).or_default().entry(table).or_default() |= reads;
        }
    }
    let lacking = |((source, sender, months), tables): (_, BTreeMap<&str, bool>)| {
        let lacks: Vec<&str> = tables.iter().filter(|(_, there)| !**there).map(|(table, _)| *table).collect();
        let (source, sender, (from, to)): (&str, &str, &(String, String)) = (source, sender, months);
        let whose = if sender.is_empty() { String::new() } else { format!(" of {sender}") };
        let what = format!("the delivery{whose} for {from} to {to} has no file of {}", lacks.join(", "));
        let finding = Finding::new(FindingKind::MissingTables, source, "", "", what);
        (!lacks.is_empty()).then(|| finding.counted(lacks.len() as u64, tables.len() as u64))
    };
    found.into_iter().filter_map(lacking).collect()
}

/// Writes into the lines of a release's sources which months of the period they have not supplied.
pub(crate) async fn describe(ctx: &SessionContext, sources: &mut [SourceLine]) -> Result<(), AppError> {
    let (gaps, inferred) = (gaps(ctx).await?, inferred_sources(ctx).await?);
    for line in sources {
        line.months_inferred = inferred.contains(&line.name);
        let ours = gaps.iter().filter(|gap| gap.source == line.name);
        line.missing_months = ours
            .flat_map(|gap| {
                let one = |(from, to)| MissingMonths { sender: gap.sender.clone(), from, to };
                month_spans(&gap.months).into_iter().map(one)
            })
            .collect();
    }
    Ok(())
}
