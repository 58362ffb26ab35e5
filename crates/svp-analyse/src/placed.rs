//! Places and times of events, for a trial of patrols.

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::ScalarValue;
use datafusion::prelude::SessionContext;

use crate::AnalyseError;

/// Where and when an event was; nothing else of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedEvent {
    /// Easting, m.
    pub easting: f64,
    /// Northing, m.
    pub northing: f64,
    /// Start of the window, microseconds since 1970 UTC.
    pub from_micros: Option<i64>,
    /// Its end.
    pub to_micros: Option<i64>,
    /// What is known of the time: a code of `event.time_precision`.
    pub time_precision: String,
    /// Harm weight of its offence, else of its group; `None` where neither has one.
    pub harm: Option<f64>,
}

/// The events of `mappable_violence` as it is registered now, in the order of time and place, weighed by an index of the site's
/// table `harm_weight` where one is named.
///
/// # Errors
/// When the view cannot be read.
pub async fn placed_events(ctx: &SessionContext, harm_index: Option<&str>) -> Result<Vec<PlacedEvent>, AnalyseError> {
    let fail = |source| AnalyseError::Engine { what: "events of the trial".to_owned(), source };
    let events = ctx.sql(include_str!("sql/placed_events.sql")).await.map_err(fail)?;
    let events = events.with_param_values(vec![("index", ScalarValue::Utf8(harm_index.map(str::to_owned)))]);
    let batches = events.map_err(fail)?.collect().await.map_err(fail)?;
    let mut out = Vec::new();
    for batch in &batches {
        let odd = |source| AnalyseError::Arrow { what: "events of the trial".to_owned(), source };
        let column = |i: usize, to: &DataType| cast(batch.column(i), to).map_err(odd);
        let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let (e, n) = (column(0, &DataType::Float64)?, column(1, &DataType::Float64)?);
        let (from, to) = (column(2, &time)?, column(3, &time)?);
        let (precision, harm) = (column(4, &DataType::Utf8)?, column(5, &DataType::Float64)?);
        let harm = harm.as_primitive::<Float64Type>();
        let (e, n) = (e.as_primitive::<Float64Type>(), n.as_primitive::<Float64Type>());
        let (from, to) =
            (from.as_primitive::<TimestampMicrosecondType>(), to.as_primitive::<TimestampMicrosecondType>());
        let precision = precision.as_string::<i32>();
        for row in 0..batch.num_rows() {
            out.push(PlacedEvent {
                easting: e.value(row),
                northing: n.value(row),
                from_micros: from.is_valid(row).then(|| from.value(row)),
                to_micros: to.is_valid(row).then(|| to.value(row)),
                time_precision: if precision.is_valid(row) { precision.value(row).to_owned() } else { String::new() },
                harm: harm.is_valid(row).then(|| harm.value(row)),
            });
        }
    }
    Ok(out)
}
