//! Numbers, months and hours as people read them, and the shorthand in square brackets.

use crate::frame::Cell;
use crate::model::Column;
pub(crate) use crate::model::SUPPRESSED;

/// Shorthand of a value that is not available.
pub(crate) const NOT_AVAILABLE: &str = "[x]";
/// Shorthand of a value that cannot apply.
pub(crate) const NOT_APPLICABLE: &str = "[z]";

/// The seven days, Monday first.
pub(crate) const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A whole number with commas: `12,345`.
pub(crate) fn whole(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        out.push('−');
    }
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count of things, as `usize`.
pub(crate) fn many(value: usize) -> String {
    whole(i64::try_from(value).unwrap_or(i64::MAX))
}

/// `1 cell`, `2 cells`.
pub(crate) fn counted(value: usize, one: &str, more: &str) -> String {
    format!("{} {}", many(value), if value == 1 { one } else { more })
}

/// A number with commas and a fixed number of decimals.
pub(crate) fn decimal(value: f64, decimals: usize) -> String {
    let text = format!("{:.*}", decimals, value.abs());
    let (before, after) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = whole(before.parse().unwrap_or(i64::MAX));
    if !after.is_empty() {
        out.push('.');
        out.push_str(after);
    }
    let zero = text.chars().all(|c| c == '0' || c == '.');
    if value < 0.0 && !zero {
        out.insert(0, '−');
    }
    out
}

/// A number as a label: whole numbers without decimals, others with one.
pub(crate) fn label(value: f64) -> String {
    if value.fract() == 0.0 { decimal(value, 0) } else { decimal(value, 1) }
}

/// A cell of a readable table.
pub(crate) fn cell(cell: &Cell, header: Option<&Column>, grain: bool) -> String {
    match cell {
        Cell::Text(value) => month(value),
        Cell::Int(value) if grain => value.to_string(),
        Cell::Int(value) => whole(*value),
        Cell::Float(value) if grain => {
            let text = format!("{value:.6}");
            text.trim_end_matches('0').trim_end_matches('.').to_string()
        }
        Cell::Float(value) => decimal(*value, decimals(header)),
        Cell::Bool(true) => "yes".to_string(),
        Cell::Bool(false) => "no".to_string(),
        Cell::Suppressed => SUPPRESSED.to_string(),
        Cell::Missing => NOT_AVAILABLE.to_string(),
    }
}

/// Decimals of a derived column: one for percentages and rates, two for anything else.
fn decimals(header: Option<&Column>) -> usize {
    match header.and_then(|h| h.unit.as_deref()) {
        Some(unit) if unit.contains('%') || unit.contains("per") => 1,
        _ => 2,
    }
}

/// `2024-03` → `Mar 2024`; any other text stays.
pub(crate) fn month(text: &str) -> String {
    month_number(text).map_or_else(|| text.to_string(), |at| format!("{} {}", MONTHS[at % 12], at / 12))
}

/// Months of `YYYY-MM` since the year 0; `None` of any other text.
pub(crate) fn month_number(text: &str) -> Option<usize> {
    usize::try_from(svp_functions::time::month_number::month_number(text)?).ok()
}

/// The other way: `YYYY-MM`.
pub(crate) fn month_text(number: usize) -> String {
    let month = i64::try_from(number).ok().and_then(svp_functions::time::month_number::month_of_number);
    month.unwrap_or_default()
}

/// `121` → `Saturday 01:00`; 0 is Monday 00:00.
pub(crate) fn hour_of_week(hour: i64) -> Option<String> {
    let hour = usize::try_from(hour).ok()?;
    let day = DAYS.get(hour / 24)?;
    Some(format!("{day} {:02}:00", hour % 24))
}

/// Makes the first letter a capital.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A drawing coordinate: one decimal, none if it is whole.
pub(crate) fn px(value: f64) -> String {
    let tenths = (value * 10.0).round();
    #[allow(clippy::cast_possible_truncation)]
    let tenths = tenths as i64;
    if tenths % 10 == 0 {
        (tenths / 10).to_string()
    } else {
        let sign = if tenths < 0 { "-" } else { "" };
        format!("{sign}{}.{}", (tenths / 10).abs(), (tenths % 10).abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        for (value, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567"), (-1200, "−1,200")]
        {
            assert_eq!(whole(value), expected);
        }
        for (value, decimals, expected) in
            [(1234.56, 1, "1,234.6"), (-0.04, 1, "0.0"), (-2.5, 1, "−2.5"), (7.0, 0, "7")]
        {
            assert_eq!(decimal(value, decimals), expected);
        }
        for (value, expected) in [(1.04, "1"), (1.26, "1.3"), (-0.3, "-0.3"), (-12.0, "-12")] {
            assert_eq!(px(value), expected);
        }
    }

    #[test]
    fn months_and_hours_are_named() {
        for (text, expected) in [
            ("2024-03", "Mar 2024"),
            ("2024-13", "2024-13"),
            ("2024-00", "2024-00"),
            ("2024-03-01", "2024-03-01"),
            ("knife", "knife"),
        ] {
            assert_eq!(month(text), expected);
        }
        assert_eq!(hour_of_week(0).as_deref(), Some("Monday 00:00"));
        assert_eq!(hour_of_week(167).as_deref(), Some("Sunday 23:00"));
        assert_eq!(hour_of_week(168), None);
        assert_eq!(hour_of_week(-1), None);
    }
}
