//! The tables of event matching, as the lake keeps them.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use svp_contract::{EventLevel, as_i64};

use super::choose::Candidate;
use super::learn::{CLASSES, COMPARISONS, EventModel, Pattern};
use super::report::PairReport;
use crate::LinkError;

/// A pair of sources on its way.
#[derive(Debug, Default)]
pub(super) struct Matched {
    pub report: PairReport,
    pub patterns: Vec<Pattern>,
    /// Days that both lists cover.
    pub days: f64,
    pub model: Option<EventModel>,
    pub matches: Vec<Candidate>,
}

/// Name and schema of each table that event matching writes into the zone `linked`:
///
/// - `event_match`: one row for each match: both events, their sources, the strictest level that it reaches. Its weight and its
///   probability are not kept: beside the weights of the classes they would tell whether the ages are equal or a year apart;
/// - `event_matchable`: one row for each event in scope, with the hour of the day (0 to 23, local, NULL where it is not
///   known to the hour), age band and sex that it is counted under;
/// - `event_match_level`: for each pair of sources and level the matches (all that reach the level), the matches that moved
///   lists give (`moved`), how many of the matches are chance (`by_chance`), their share, and the share of the true pairs that the level finds
///   (both NULL with too few matches);
/// - `event_match_weight`: what was learned for each class of agreement.
#[must_use]
pub fn event_tables() -> Vec<(&'static str, SchemaRef)> {
    vec![
        ("event_match", match_schema()),
        ("event_matchable", matchable_schema()),
        ("event_match_level", level_schema()),
        ("event_match_weight", weight_schema()),
    ]
}

fn schema(columns: &[(&str, DataType)]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(|(n, t)| Field::new(*n, t.clone(), true)).collect::<Vec<_>>()))
}

fn match_schema() -> SchemaRef {
    schema(&[
        ("police_event_id", DataType::Utf8),
        ("health_event_id", DataType::Utf8),
        ("police_source", DataType::Utf8),
        ("health_source", DataType::Utf8),
        ("level", DataType::Utf8),
    ])
}

/// Schema of `event_matchable`, which the query `07_matchable` fills.
pub(super) fn matchable_schema() -> SchemaRef {
    schema(&[
        ("event_id", DataType::Utf8),
        ("source", DataType::Utf8),
        ("side", DataType::Utf8),
        ("hour", DataType::Int32),
        ("age_band", DataType::Utf8),
        ("sex", DataType::Utf8),
    ])
}

fn level_schema() -> SchemaRef {
    schema(&[
        ("police_source", DataType::Utf8),
        ("health_source", DataType::Utf8),
        ("level", DataType::Utf8),
        ("probability", DataType::Float64),
        ("matches", DataType::Int64),
        ("moved", DataType::Float64),
        ("by_chance", DataType::Float64),
        ("chance_share", DataType::Float64),
        ("found_share", DataType::Float64),
    ])
}

fn weight_schema() -> SchemaRef {
    schema(&[
        ("police_source", DataType::Utf8),
        ("health_source", DataType::Utf8),
        ("comparison", DataType::Utf8),
        ("class", DataType::Int64),
        ("m", DataType::Float64),
        ("u", DataType::Float64),
        ("weight", DataType::Float64),
    ])
}

fn text<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn number(values: impl Iterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(values))
}

/// Rows of `event_match`, in the order of their events.
pub(super) fn matches(matched: &[Matched], levels: &[EventLevel]) -> Result<RecordBatch, LinkError> {
    let mut rows: Vec<(&Matched, &Candidate)> =
        matched.iter().flat_map(|m| m.matches.iter().map(move |c| (m, c))).collect();
    rows.sort_by(|(a, x), (b, y)| {
        (&a.report.police_source, &a.report.health_source, &x.police).cmp(&(
            &b.report.police_source,
            &b.report.health_source,
            &y.police,
        ))
    });
    let level = |p: f64| levels.iter().find(|l| p >= l.probability).map_or("", |l| l.name.as_str());
    Ok(RecordBatch::try_new(
        match_schema(),
        vec![
            text(rows.iter().map(|(_, c)| c.police.as_str())),
            text(rows.iter().map(|(_, c)| c.health.as_str())),
            text(rows.iter().map(|(m, _)| m.report.police_source.as_str())),
            text(rows.iter().map(|(m, _)| m.report.health_source.as_str())),
            text(rows.iter().map(|(_, c)| level(c.probability))),
        ],
    )?)
}

/// Rows of `event_match_level`, for pairs of sources from which something was learned.
pub(super) fn levels(matched: &[Matched]) -> Result<RecordBatch, LinkError> {
    let rows: Vec<(&PairReport, &super::report::LevelReport)> =
        matched.iter().flat_map(|m| m.report.levels.iter().map(move |l| (&m.report, l))).collect();
    Ok(RecordBatch::try_new(
        level_schema(),
        vec![
            text(rows.iter().map(|(p, _)| p.police_source.as_str())),
            text(rows.iter().map(|(p, _)| p.health_source.as_str())),
            text(rows.iter().map(|(_, l)| l.name.as_str())),
            number(rows.iter().map(|(_, l)| l.probability)),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, l)| as_i64(l.matches)))),
            number(rows.iter().map(|(_, l)| l.moved)),
            number(rows.iter().map(|(_, l)| l.by_chance)),
            Arc::new(rows.iter().map(|(_, l)| l.chance_share).collect::<Float64Array>()),
            Arc::new(rows.iter().map(|(_, l)| l.found_share).collect::<Float64Array>()),
        ],
    )?)
}

/// Rows of `event_match_weight`: classes that occur.
pub(super) fn weights(matched: &[Matched]) -> Result<RecordBatch, LinkError> {
    let mut rows = Vec::new();
    for m in matched {
        let Some(model) = &m.model else { continue };
        for (c, comparison) in COMPARISONS.iter().enumerate() {
            for class in (0..CLASSES).filter(|class| model.occurs[c][*class]) {
                let values = (model.m[c][class], model.u[c][class], model.class_weight(c, class));
                rows.push((&m.report, *comparison, class, values));
            }
        }
    }
    Ok(RecordBatch::try_new(
        weight_schema(),
        vec![
            text(rows.iter().map(|r| r.0.police_source.as_str())),
            text(rows.iter().map(|r| r.0.health_source.as_str())),
            text(rows.iter().map(|r| r.1)),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.2 as i64))),
            number(rows.iter().map(|r| r.3.0)),
            number(rows.iter().map(|r| r.3.1)),
            number(rows.iter().map(|r| r.3.2)),
        ],
    )?)
}

/// The table `event_pattern`: every pattern with the weight that was learned for it.
pub(super) fn patterns(matched: &[Matched]) -> Result<RecordBatch, LinkError> {
    let rows: Vec<(&PairReport, &Pattern, f64, f64)> = matched
        .iter()
        .filter_map(|m| m.model.as_ref().map(|model| (m, model)))
        .flat_map(|(m, model)| {
            m.patterns.iter().map(move |p| {
                let weight = model.weight(&p.classes);
                (&m.report, p, weight, model.probability(weight))
            })
        })
        .collect();
    let class = |at: usize| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| i64::from(r.1.classes[at]))))
    };
    Ok(RecordBatch::try_from_iter([
        ("police_source", text(rows.iter().map(|r| r.0.police_source.as_str()))),
        ("health_source", text(rows.iter().map(|r| r.0.health_source.as_str()))),
        ("time_class", class(0)),
        ("place_class", class(1)),
        ("age_class", class(2)),
        ("sex_class", class(3)),
        ("kind_class", class(4)),
        ("sharp_class", class(5)),
        ("weight", number(rows.iter().map(|r| r.2))),
        ("probability", number(rows.iter().map(|r| r.3))),
    ])?)
}
