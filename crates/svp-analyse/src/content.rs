//! What a published table may contain beside its counts: a grain says what a row is and an attribute describes it, and neither
//! is judged by disclosure control. So each is followed to the columns that it comes from, and what can point at a person is
//! refused unless the header says which rule limits it.

use std::collections::BTreeSet;

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::logical_expr::LogicalPlan;
use svp_contract::{ColumnType, GrainColumn, Limit, Output, Sensitivity, Table};

use crate::lineage::{Lineage, Origin};
use crate::measures;

/// Views of svp that say something of months, shifts and matching as a whole, and nothing of single events.
const OF_NO_EVENT: [&str; 5] = ["observed_month", "calendar_month", "broken_month", "shift_hour", "match_quality"];

/// Views that have the columns of `event`.
const OF_EVENTS: [&str; 2] = ["serious_violence", "defined_event"];

/// What columns of linked tables, which no schema describes, may say.
const LINKED: [(&str, &str, Said); 9] = [
    ("person_link", "agency", Said::Open),
    ("person_link", "source", Said::Open),
    ("event_match", "level", Said::Open),
    ("event_matchable", "side", Said::Open),
    ("event_matchable", "source", Said::Open),
    ("event_matchable", "hour", Said::Time),
    ("event_matchable", "sex", Said::Closed),
    ("event_matchable", "age_band", Said::Closed),
    ("event_match_level", "level", Said::Open),
];

/// What a column can say of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// It describes no event: reference data, a series, the calendar.
    Reference,
    /// Harmless by its schema.
    Open,
    /// Quasi or sensitive, with a closed list of codes.
    Closed,
    /// An age in years.
    Age,
    /// A moment or a day.
    Time,
    /// A small area.
    SmallArea,
    /// A point.
    Point,
    /// How many rows there are of what is not reference data.
    Rows,
    /// Anything else: tokens, numbers, free text.
    Private,
}

fn said(tables: &[Table], origin: &Origin) -> Said {
    let Origin { table, column } = origin;
    if table.ends_with(')') || OF_NO_EVENT.contains(&table.as_str()) {
        return Said::Reference;
    }
    let name = if OF_EVENTS.contains(&table.as_str()) { "event" } else { table.as_str() };
    let schema = tables.iter().find(|t| t.name == name);
    if schema.is_some_and(|t| t.zone == "reference") {
        return Said::Reference;
    }
    let Some(column) = column else { return Said::Rows };
    if let Some((.., said)) = LINKED.iter().find(|(t, c, _)| t == table && c == column) {
        return *said;
    }
    if OF_EVENTS.contains(&table.as_str()) && matches!(column.as_str(), "t0" | "t1") {
        return Said::Time;
    }
    let Some(found) = schema.and_then(|t| t.columns.iter().find(|c| c.name == *column)) else { return Said::Private };
    match (found.kind, found.sensitivity, found.name.as_str()) {
        (ColumnType::Timestamp | ColumnType::Date, ..) => Said::Time,
        (_, _, "age") => Said::Age,
        (_, _, "age_band") => Said::Closed,
        (_, _, "lsoa" | "residence_lsoa") => Said::SmallArea,
        (_, _, "easting" | "northing" | "longitude" | "latitude") => Said::Point,
        (ColumnType::Text | ColumnType::Boolean, Sensitivity::Open, _) => Said::Open,
        (ColumnType::Boolean, ..) => Said::Closed,
        (ColumnType::Text, ..) if !found.codes.is_empty() => Said::Closed,
        _ => Said::Private,
    }
}

/// Whether a grain may hold what a column says.
fn may_stand(grain: &GrainColumn, is_cell: bool, said: Said) -> bool {
    match said {
        Said::Reference | Said::Open => true,
        Said::Closed => matches!(grain.limited_by, Some(Limit::Codes | Limit::Age)),
        Said::Age => grain.limited_by == Some(Limit::Age) && grain.dimension() == "age_band",
        Said::Time => grain.limited_by == Some(Limit::Hours),
        Said::SmallArea => grain.limited_by == Some(Limit::Area) || is_cell,
        Said::Point => is_cell,
        Said::Rows | Said::Private => false,
    }
}

/// What is wrong with the grain, the attributes and the counts of an output whose query was planned, each with what to do about it.
pub(crate) fn faults(tables: &[Table], output: &Output, plan: &LogicalPlan) -> Vec<(String, &'static str)> {
    let lineage = Lineage { ends: &OF_NO_EVENT };
    let mut out = Vec::new();
    let words = |origin: &Origin| match &origin.column {
        Some(column) if origin.table.is_empty() => format!("`{column}`"),
        Some(column) => format!("`{}.{column}`", origin.table),
        None => format!("the number of rows of `{}`", origin.table),
    };
    for (at, grain) in output.grain.iter().enumerate() {
        let is_cell = output.cell_column() == Some(grain.name.as_str());
        for origin in lineage.of(plan, at) {
            let said = said(tables, &origin);
            if may_stand(grain, is_cell, said) {
                continue;
            }
            let hint = match said {
                Said::Rows => "a count belongs into `counts`, where disclosure control judges it",
                Said::Closed => {
                    "say `limited_by = \"codes\"` in the grain if its members are codes that many people share"
                }
                Said::Age => {
                    "say `limited_by = \"age\"` and dim = \"age_band\", so that the audience's rule for ages holds"
                }
                Said::Time => {
                    "a moment points at an event: take hours of the day or of the week, and say `limited_by = \"hours\"`"
                }
                Said::SmallArea => "say `limited_by = \"area\"` if the audience may have tables by small area",
                Said::Point => "a point is an address: take cells of a grid, and name the column as `geometry`",
                Said::Reference | Said::Open | Said::Private => {
                    "a grain is a dimension that many events share: no id, no token, no measure and no free text"
                }
            };
            out.push((format!("grain `{}` comes from {}", grain.name, words(&origin)), hint));
        }
    }
    for (at, attribute) in output.attributes.iter().enumerate() {
        for origin in lineage.of(plan, output.grain.len() + at) {
            if said(tables, &origin) != Said::Reference {
                let hint = "an attribute describes the row and is printed as it is: take it from reference tables (area, \
                            population, the small tables of the site); what counts belongs into `counts` or `derived`";
                out.push((format!("attribute `{}` comes from {}", attribute.name, words(&origin)), hint));
            }
        }
    }
    out.extend(measures::faults(tables, output, plan).into_iter().map(|what| (what, measures::HINT)));
    out
}

/// A week has no more hours.
const HOURS_OF_A_WEEK: usize = 168;

/// The first grain whose members are not what its header says limits them, and what to do about it. No member is told.
pub(crate) fn unlimited(output: &Output, table: &RecordBatch) -> Option<(String, &'static str)> {
    for grain in &output.grain {
        let (Some(limit), Some(column)) = (grain.limited_by, table.column_by_name(&grain.name)) else { continue };
        let options = FormatOptions::default();
        let Ok(format) = ArrayFormatter::try_new(column.as_ref(), &options) else { continue };
        let members: BTreeSet<String> = (0..column.len()).map(|row| format.value(row).to_string()).collect();
        if limit == Limit::Hours && members.len() > HOURS_OF_A_WEEK {
            let what = format!("grain `{}` has more members than a week has hours", grain.name);
            return Some((what, "`limited_by = \"hours\"` is for hours of the day or of the week"));
        }
        if limit == Limit::Age && members.iter().any(|m| m.parse::<u32>().is_ok()) {
            let what = format!("grain `{}` holds single years of age", grain.name);
            return Some((what, "make bands with age_group(age_band)"));
        }
    }
    None
}
