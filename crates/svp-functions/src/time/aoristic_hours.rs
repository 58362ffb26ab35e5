//! `aoristic_hours`: an event known to lie between two times, spread over the hours of the week.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, Int64Array, ListArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;
use datafusion::logical_expr::ScalarUDF;

use super::hour_of_week::{HOURS, hour_of_week};
use super::london::MICROS;
use crate::udf::{Args, Kind, Spec, function, param};
pub use crate::weights::WHOLE;
use crate::weights::split;

const MINUTE: i64 = 60 * MICROS;
const WEEK_MINUTES: i64 = HOURS as i64 * 60;

/// Hours of the local week and their weights in millionths, in order of the hour; the weights sum to
/// exactly [`WHOLE`].
///
/// Times are microseconds since 1970 UTC, cut to the minute; the end is not part of the span. Each hour
/// weighs as many millionths as its share of the minutes; what rounding down leaves over goes, one each, to
/// the hours that lost most, the earlier hour of the week first. Without an end, with an end before the
/// start, or with both in one minute, the hour of the start has all the weight. A span of more than a week
/// says nothing: all 168 hours weigh alike.
pub fn aoristic_hours(from: i64, to: Option<i64>) -> Option<Vec<(i32, i64)>> {
    let start = from.div_euclid(MINUTE);
    let end = to.map_or(start, |to| to.div_euclid(MINUTE));
    if end <= start {
        return Some(vec![(hour_of_week(from)?, WHOLE)]);
    }
    if end - start > WEEK_MINUTES {
        return Some((0..HOURS).zip(split(&[1; HOURS as usize])?).collect());
    }
    let mut minutes = [0_i64; HOURS as usize];
    let mut at = start;
    while at < end {
        // Offsets of the local clock are whole hours, so that its hours change when those of UTC do.
        let next = ((at.div_euclid(60) + 1) * 60).min(end);
        let hour = usize::try_from(hour_of_week(at * MINUTE)?).ok()?;
        *minutes.get_mut(hour)? += next - at;
        at = next;
    }
    let (hours, minutes): (Vec<i32>, Vec<i64>) = (0..HOURS).zip(minutes).filter(|(_, minutes)| *minutes > 0).unzip();
    Some(hours.into_iter().zip(split(&minutes)?).collect())
}

fn item_fields() -> Fields {
    Fields::from(vec![Field::new("hour_of_week", DataType::Int32, true), Field::new("weight", DataType::Int64, true)])
}

fn item() -> Arc<Field> {
    Arc::new(Field::new_list_field(DataType::Struct(item_fields()), true))
}

fn evaluate(args: &Args<'_>) -> Result<ArrayRef> {
    let (from, to) = (args.instant(0)?, args.instant(1)?);
    let (mut hours, mut weights) = (Vec::new(), Vec::new());
    let (mut lengths, mut valid) = (Vec::with_capacity(args.rows), Vec::with_capacity(args.rows));
    for row in 0..args.rows {
        let spread = from.get(row).and_then(|from| aoristic_hours(from, to.get(row)));
        valid.push(spread.is_some());
        let spread = spread.unwrap_or_default();
        lengths.push(spread.len());
        for (hour, weight) in spread {
            hours.push(hour);
            weights.push(weight);
        }
    }
    let columns: Vec<ArrayRef> = vec![Arc::new(Int32Array::from(hours)), Arc::new(Int64Array::from(weights))];
    let items = StructArray::try_new(item_fields(), columns, None)?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(item(), offsets, Arc::new(items), Some(NullBuffer::from(valid)))?))
}

pub(crate) fn udf() -> ScalarUDF {
    function(
        Spec {
            name: "aoristic_hours",
            section: super::SECTION,
            about: "Spreads an event that lies between two instants over the hours of the local week, in \
                    proportion to the minutes of each: a list of `hour_of_week` and `weight`, where the \
                    weights are millionths and sum to exactly 1,000,000. Without `to`, or when `to` is not \
                    after `from`, all weight lies in the hour of `from`; a span of more than a week is spread \
                    evenly. Use it with `unnest`.",
            params: vec![
                param(Kind::Timestamp, "from", "earliest instant"),
                param(Kind::Timestamp, "to", "latest instant, or NULL"),
            ],
            returns: DataType::List(item()),
            examples: &[(
                "SELECT aoristic_hours(utc_timestamp('2024-01-01T00:45'), utc_timestamp('2024-01-01T01:30'))",
                "[{hour_of_week: 0, weight: 333333}, {hour_of_week: 1, weight: 666667}]",
            )],
        },
        evaluate,
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{prints, session};
    use crate::time::utc_timestamp::utc_timestamp;

    fn check(from: &str, to: &str, expected: &[(i32, i64)]) {
        assert_eq!(aoristic_hours(utc_timestamp(from).unwrap(), utc_timestamp(to)).unwrap(), expected, "{from} {to}");
    }

    #[test]
    fn spans() {
        check("2024-01-01T00:10", "", &[(0, WHOLE)]);
        check("2024-01-01T00:10", "2024-01-01T00:10", &[(0, WHOLE)]);
        check("2024-01-01T00:10", "2023-12-31T00:10", &[(0, WHOLE)]);
        check("2024-01-01T00:10", "2024-01-01T01:00", &[(0, WHOLE)]);
        check("2024-01-01T00:30", "2024-01-01T01:30", &[(0, 500_000), (1, 500_000)]);
        check("2024-01-01T00:00", "2024-01-01T03:00", &[(0, 333_334), (1, 333_333), (2, 333_333)]);
        // Over the end of the week: in order of the hour, not of time.
        check("2024-01-07T23:30", "2024-01-08T00:30", &[(0, 500_000), (167, 500_000)]);
        // The hour that happens twice has two hours' weight.
        check("2024-10-27T00:00", "2024-10-27T03:00", &[(145, 666_667), (146, 333_333)]);
        // The hour left out has none.
        check("2024-03-31T00:00", "2024-03-31T02:00", &[(144, 500_000), (146, 500_000)]);
    }

    #[test]
    fn more_than_a_week_is_even() {
        let spread = aoristic_hours(0, Some((WEEK_MINUTES + 1) * MINUTE)).unwrap();
        assert_eq!(spread.len(), 168);
        assert_eq!((spread[0], spread[63], spread[64]), ((0, 5_953), (63, 5_953), (64, 5_952)));
        assert_eq!(aoristic_hours(0, Some(WEEK_MINUTES * MINUTE)).unwrap(), spread);
    }

    #[test]
    fn rows() {
        let sql = "SELECT aoristic_hours(utc_timestamp(f), utc_timestamp(t)) FROM (VALUES \
                   ('2024-01-01T00:45', NULL), (NULL, '2024-01-01T00:45'), (NULL, NULL)) AS v(f, t)";
        assert_eq!(prints(&session(), sql), "[{hour_of_week: 0, weight: 1000000}]\nNULL\nNULL");
        let sql = "SELECT h['hour_of_week'], h['weight'] FROM (SELECT unnest(aoristic_hours(\
                   utc_timestamp('2024-01-01T00:30'), utc_timestamp('2024-01-01T01:30'))) AS h)";
        assert_eq!(prints(&session(), sql), "0 | 500000\n1 | 500000");
    }

    proptest! {
        #[test]
        fn weights_sum_to_the_whole(from in 0..2_000_000_000_i64, span in -10_000..700_000_i64) {
            let spread = aoristic_hours(from * MICROS, Some((from + span) * MICROS)).unwrap();
            prop_assert_eq!(spread.iter().map(|(_, weight)| weight).sum::<i64>(), WHOLE);
            prop_assert!(spread.iter().all(|(hour, weight)| (0..168).contains(hour) && *weight > 0));
            prop_assert!(spread.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }

        #[test]
        fn never_panics(from in any::<i64>(), to in any::<Option<i64>>()) {
            let _ = aoristic_hours(from, to);
        }
    }
}
