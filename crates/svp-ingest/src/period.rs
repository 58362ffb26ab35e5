//! The months that a file covers by its name, as bounds of times, dates and months.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Date32Type, TimestampMicrosecondType};

/// First and last month, both inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Period {
    first: String,
    last: String,
}

/// Where a row lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Before,
    Within,
    After,
}

impl Period {
    /// From months as `YYYY-MM`.
    pub(crate) fn new(months: &(String, String)) -> Self {
        Self { first: months.0.clone(), last: months.1.clone() }
    }

    fn side(&self, month: &str) -> Side {
        if month < self.first.as_str() {
            Side::Before
        } else if month > self.last.as_str() {
            Side::After
        } else {
            Side::Within
        }
    }

    /// Where each row lies by a column, in the local calendar; `None` where there is nothing. What `happened` in the period belongs
    /// to it, too: some extracts are made by one date and some by the other.
    pub(crate) fn sides(&self, column: &ArrayRef, happened: Option<&ArrayRef>) -> Vec<Option<Side>> {
        let mut sides = self.by(column);
        if let Some(happened) = happened.filter(|_| sides.iter().any(|s| matches!(s, Some(Side::Before | Side::After))))
        {
            for (side, other) in sides.iter_mut().zip(self.by(happened)) {
                if side.is_some() && other == Some(Side::Within) {
                    *side = other;
                }
            }
        }
        sides
    }

    fn by(&self, column: &ArrayRef) -> Vec<Option<Side>> {
        // The rows of a file mostly fall into a few hours or days that are told apart once.
        let mut last: Option<(i64, Side)> = None;
        let mut by_hour = |micros: i64| -> Option<Side> {
            let hour = micros.div_euclid(3_600_000_000);
            match last {
                Some((known, side)) if known == hour => Some(side),
                _ => {
                    let side = self.side(&svp_functions::time::local_month::local_month(hour * 3_600_000_000)?);
                    last = Some((hour, side));
                    Some(side)
                }
            }
        };
        match column.data_type() {
            DataType::Utf8 => column.as_string::<i32>().iter().map(|m| m.map(|m| self.side(m))).collect(),
            DataType::Timestamp(..) => {
                column.as_primitive::<TimestampMicrosecondType>().iter().map(|t| by_hour(t?)).collect()
            }
            DataType::Date32 => {
                let noon = |days: i32| (i64::from(days) * 24 + 12) * 3_600_000_000;
                column.as_primitive::<Date32Type>().iter().map(|d| by_hour(noon(d?))).collect()
            }
            _ => vec![None; column.len()],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Date32Array, StringArray, TimestampMicrosecondArray};

    use super::*;

    #[test]
    fn the_local_month_decides() {
        let july = Period::new(&("2024-07".into(), "2024-07".into()));
        let months: ArrayRef =
            Arc::new(StringArray::from(vec![Some("2024-06"), Some("2024-07"), None, Some("2205-01")]));
        assert_eq!(july.sides(&months, None), [Some(Side::Before), Some(Side::Within), None, Some(Side::After)]);
        // 23:30 UTC of 30 June is 1 July in London.
        let hour = 3_600_000_000_i64;
        let june_30 = 19_904 * 24 * hour;
        let times = TimestampMicrosecondArray::from(vec![june_30 + 22 * hour, june_30 + 23 * hour + hour / 2]);
        let times: ArrayRef = Arc::new(times.with_timezone("UTC"));
        assert_eq!(july.sides(&times, None), [Some(Side::Before), Some(Side::Within)]);
        let dates: ArrayRef = Arc::new(Date32Array::from(vec![19_904, 19_905, 19_935, 19_936]));
        let wanted = [Side::Before, Side::Within, Side::Within, Side::After].map(Some);
        assert_eq!(july.sides(&dates, None), wanted);
        let happened: ArrayRef = Arc::new(Date32Array::from(vec![Some(19_910), None, None, Some(19_900)]));
        let wanted = [Side::Within, Side::Within, Side::Within, Side::After].map(Some);
        assert_eq!(july.sides(&dates, Some(&happened)), wanted);
    }
}
