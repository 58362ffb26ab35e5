//! The week: seven days by 24 hours, Monday first, every value readable.

use serde::Serialize;

use super::classes::{Classes, LegendLine};
use crate::format::{self, DAYS, NOT_AVAILABLE, SUPPRESSED};
use crate::frame::{Cell, Frame};

/// Everything the heat map template needs.
#[derive(Debug, Serialize)]
pub(crate) struct HeatView {
    days: Vec<Day>,
    hours: Vec<String>,
    legend: Vec<LegendLine>,
    value_title: String,
}

#[derive(Debug, Serialize)]
struct Day {
    name: &'static str,
    cells: Vec<HeatCell>,
}

#[derive(Debug, Clone, Serialize)]
struct HeatCell {
    css: &'static str,
    text: String,
    label: String,
}

/// The value of each of the 168 hours; an hour without a row is not available.
fn week(frame: &Frame<'_>, rows: &[usize], hour: usize, value: usize) -> Vec<Cell> {
    let mut week = vec![Cell::Missing; 168];
    for row in rows {
        if let Cell::Int(hour) = frame.cells(hour)[*row]
            && let Some(cell) = usize::try_from(hour).ok().and_then(|h| week.get_mut(h))
        {
            *cell = frame.cells(value)[*row].clone();
        }
    }
    week
}

/// Builds the heat map.
pub(crate) fn view(frame: &Frame<'_>, rows: &[usize], hour: usize, value: usize) -> HeatView {
    let week = week(frame, rows, hour, value);
    let classes = Classes::new(week.iter().filter_map(Cell::number));
    let title = frame.title(value);
    let squares: Vec<HeatCell> = week
        .iter()
        .enumerate()
        .map(|(at, cell)| {
            let (css, text) = match cell {
                Cell::Suppressed => ("sup", SUPPRESSED.to_string()),
                cell => match cell.number() {
                    Some(value) => (classes.css(value), format::label(value)),
                    None => ("mis", NOT_AVAILABLE.to_string()),
                },
            };
            let label = format!("{} {:02}:00 to {:02}:59. {title}: {text}", DAYS[at / 24], at % 24, at % 24);
            HeatCell { css, text, label }
        })
        .collect();
    let mut legend = classes.legend("hour", "hours");
    for (css, text) in [("zero", "0, a true zero"), ("sup", "[c] suppressed, not zero"), ("mis", "[x] not available")] {
        let found = squares.iter().filter(|s| s.css == css).count();
        if found > 0 {
            legend.push(LegendLine { css, text: format!("{text} ({})", format::counted(found, "hour", "hours")) });
        }
    }
    HeatView {
        days: DAYS
            .into_iter()
            .zip(squares.chunks(24))
            .map(|(name, cells)| Day { name, cells: cells.to_vec() })
            .collect(),
        hours: (0..24).map(|hour| format!("{hour:02}")).collect(),
        legend,
        value_title: title,
    }
}

/// The busiest hour and its value; the earliest one if several tie.
pub(crate) fn peak(frame: &Frame<'_>, rows: &[usize], hour: usize, value: usize) -> Option<(String, f64)> {
    let week = week(frame, rows, hour, value);
    let mut best: Option<(usize, f64)> = None;
    for (at, cell) in week.iter().enumerate() {
        if let Some(value) = cell.number()
            && value > 0.0
            && best.is_none_or(|(_, most)| value > most)
        {
            best = Some((at, value));
        }
    }
    let (at, value) = best?;
    let name = format!("{} {:02}:00 to {:02}:59", DAYS[at / 24], at % 24, at % 24);
    Some((name, value))
}

/// The peak and the share of the night, in words.
pub(crate) fn finding(frame: &Frame<'_>, rows: &[usize], hour: usize, value: usize) -> Option<String> {
    let (name, most) = peak(frame, rows, hour, value)?;
    let week = week(frame, rows, hour, value);
    let (mut night, mut all, mut withheld) = (0.0, 0.0, 0);
    for (at, cell) in week.iter().enumerate() {
        match cell.number() {
            Some(value) => {
                all += value;
                if !(6..18).contains(&(at % 24)) {
                    night += value;
                }
            }
            None => withheld += 1,
        }
    }
    let ties = week.iter().filter(|c| c.number() == Some(most)).count();
    let mut text = format!("The busiest hour is {name} ({})", format::label(most));
    if ties > 1 {
        text.push_str(&format!(", with {} at the same value", format::counted(ties - 1, "other hour", "other hours")));
    }
    text.push_str(&format!(
        ". Of what is shown, {}% falls between 18:00 and 05:59.",
        format::decimal(100.0 * night / all, 0)
    ));
    if withheld > 0 {
        text.push_str(&format!(
            " {} not in this share, because the value is suppressed or not available.",
            format::counted(withheld, "hour is", "hours are")
        ));
    }
    Some(text)
}
