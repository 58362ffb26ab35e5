//! Bars and lines: positions and labels for two simple drawings.

use serde::Serialize;

use svp_methods::breaks::round_step;

use crate::error::PublishError;
use crate::format::{self, px};
use crate::frame::{Cell, Frame};

/// Most bars that are drawn.
pub(crate) const MOST_BARS: usize = 30;
/// Step from one bar to the next, in drawing units.
const BAR_STEP: f64 = 30.0;
/// Room for the names on the left of the bars.
const NAMES: f64 = 250.0;
const WIDTH: f64 = 960.0;

/// Everything the bar template needs.
#[derive(Debug, Serialize)]
pub(crate) struct BarView {
    width: String,
    height: String,
    axis_x: String,
    bars: Vec<Bar>,
    value_title: String,
    x_title: String,
    left_out: usize,
}

#[derive(Debug, Serialize)]
struct Bar {
    name: String,
    text: String,
    css: &'static str,
    y: String,
    text_y: String,
    width: String,
    value_x: String,
}

/// Builds the bars.
pub(crate) fn bars(frame: &Frame<'_>, rows: &[usize], x: usize, value: usize) -> BarView {
    let most = rows.iter().filter_map(|row| frame.cells(value)[*row].number()).fold(0.0, f64::max);
    let room = WIDTH - NAMES - 90.0;
    let header = frame.columns[value].header.as_ref();
    let mut at = 4.0;
    let mut bars = Vec::new();
    for row in rows.iter().take(MOST_BARS) {
        let cell = &frame.cells(value)[*row];
        let width = match cell.number() {
            Some(value) if most > 0.0 => (value.max(0.0) / most) * room,
            _ => 0.0,
        };
        let name = format::cell(&frame.cells(x)[*row], frame.columns[x].header.as_ref(), true);
        bars.push(Bar {
            name: shorten(&name, 36),
            text: format::cell(cell, header, false),
            css: match cell {
                Cell::Suppressed => "sup",
                Cell::Missing => "mis",
                _ => "bar",
            },
            y: px(at),
            text_y: px(at + 16.0),
            width: px(width),
            value_x: px(NAMES + width + 8.0),
        });
        at += BAR_STEP;
    }
    BarView {
        width: px(WIDTH),
        height: px(at + 4.0),
        axis_x: px(NAMES),
        bars,
        value_title: frame.title(value),
        x_title: frame.title(x),
        left_out: rows.len().saturating_sub(MOST_BARS),
    }
}

fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_string();
    }
    let mut out: String = text.chars().take(most - 1).collect();
    out.push('…');
    out
}

/// Everything the line template needs.
#[derive(Debug, Serialize)]
pub(crate) struct LineView {
    width: String,
    height: String,
    left: String,
    right: String,
    bottom: String,
    label_y: String,
    runs: Vec<String>,
    dots: Vec<Dot>,
    gaps: Vec<Dot>,
    y_ticks: Vec<Tick>,
    x_ticks: Vec<Tick>,
    last: Option<Dot>,
    value_title: String,
    bands: Vec<Band>,
    skipped: usize,
}

/// A span of time that cannot be compared with the rest.
#[derive(Debug, Serialize)]
struct Band {
    x: String,
    y: String,
    width: String,
    height: String,
    text: String,
}

#[derive(Debug, Clone, Serialize)]
struct Dot {
    x: String,
    y: String,
    label: String,
    text: String,
}

#[derive(Debug, Serialize)]
struct Tick {
    at: String,
    text_at: String,
    text: String,
}

/// What breaks each row's comparison with others, by the column that the chart names for it; text `none`, an empty text or a
/// flag that is not set are no break.
pub(crate) fn breaks(frame: &Frame<'_>, column: Option<&str>) -> Result<Vec<Option<String>>, PublishError> {
    let Some(column) = column else { return Ok(vec![None; frame.rows]) };
    let column = frame.require(column)?;
    let named = |cell: &Cell| match cell {
        Cell::Text(name) if !name.is_empty() && name != "none" => Some(name.clone()),
        Cell::Bool(true) => Some(frame.title(column)),
        _ => None,
    };
    Ok(frame.cells(column).iter().map(named).collect())
}

/// Where the rows lie in time, in steps from the first: months by the calendar, anything else row by row.
fn steps(frame: &Frame<'_>, rows: &[usize], x: usize) -> (Vec<usize>, Option<usize>) {
    let months: Option<Vec<usize>> =
        rows.iter().map(|row| frame.cells(x)[*row].text().and_then(|text| format::month_number(text))).collect();
    match months {
        Some(months) if !months.is_empty() && months.is_sorted_by(|a, b| a < b) => {
            (months.iter().map(|m| m - months[0]).collect(), Some(months[0]))
        }
        _ => ((0..rows.len()).collect(), None),
    }
}

/// Builds the line; the axis starts at zero and a value that is not shown, or a month without a row, leaves a gap.
/// `breaks` says of each row of the table what keeps it from being compared.
pub(crate) fn line(frame: &Frame<'_>, rows: &[usize], x: usize, value: usize, breaks: &[Option<String>]) -> LineView {
    let (left, right, top, bottom) = (64.0, WIDTH - 80.0, 24.0, 290.0);
    let header = frame.columns[value].header.as_ref();
    let most = rows.iter().filter_map(|row| frame.cells(value)[*row].number()).fold(0.0, f64::max);
    let step = round_step(most);
    let ticks = (most / step).ceil().max(1.0);
    let ceiling = ticks * step;
    let (at, first_month) = steps(frame, rows, x);
    let length = at.last().map_or(0, |last| last + 1);
    #[allow(clippy::cast_precision_loss)]
    let wide = (right - left) / length.saturating_sub(1).max(1) as f64;
    #[allow(clippy::cast_precision_loss)]
    let place = |position: usize| left + wide * position as f64;
    let height = |value: f64| bottom - (bottom - top) * value / ceiling;
    let name = |row: usize| format::cell(&frame.cells(x)[row], frame.columns[x].header.as_ref(), true);
    let (mut runs, mut dots, mut gaps) = (vec![], vec![], vec![]);
    let mut run = String::new();
    let mut before = None;
    for (row, position) in rows.iter().zip(&at) {
        if before.is_some_and(|before| before + 1 < *position) {
            runs.push(std::mem::take(&mut run));
        }
        before = Some(*position);
        let (at, cell) = (place(*position), &frame.cells(value)[*row]);
        let text = format::cell(cell, header, false);
        let aside = breaks[*row].as_ref().map_or_else(String::new, |why| format!(" (not comparable: {why})"));
        let label = format!("{}: {text}{aside}", name(*row));
        match cell.number() {
            Some(value) => {
                let letter = if run.is_empty() { 'M' } else { 'L' };
                run.push_str(&format!("{letter}{} {}", px(at), px(height(value))));
                dots.push(Dot { x: px(at), y: px(height(value)), label, text });
            }
            None => {
                runs.push(std::mem::take(&mut run));
                gaps.push(Dot { x: px(at), y: px(bottom - 6.0), label, text });
            }
        }
    }
    runs.push(run);
    runs.retain(|run| !run.is_empty());
    let every = length.div_ceil(12).max(1);
    let x_ticks = (0..length).step_by(every).filter_map(|position| {
        let text = match first_month {
            Some(first) => Some(format::month(&format::month_text(first + position))),
            None => rows.get(position).map(|row| name(*row)),
        };
        text.map(|text| Tick { at: px(place(position)), text_at: px(place(position)), text })
    });
    let mut y_ticks = Vec::new();
    let mut tick = 0.0;
    while tick <= ceiling + step / 2.0 {
        y_ticks.push(Tick { at: px(height(tick)), text_at: px(height(tick) + 4.0), text: format::label(tick) });
        tick += step;
    }
    let bands = spans(rows, &at, breaks).into_iter().map(|(first, last, why)| {
        // A band covers its months whole: half a step to either side, as far as there is a drawing.
        let from = (place(at[first]) - wide / 2.0).max(left);
        let to = (place(at[last]) + wide / 2.0).min(right);
        let (first, last) = (name(rows[first]), name(rows[last]));
        let when = if first == last { first } else { format!("{first} to {last}") };
        Band { x: px(from), y: px(top), width: px(to - from), height: px(bottom - top), text: format!("{when}: {why}") }
    });
    LineView {
        width: px(WIDTH),
        height: px(bottom + 40.0),
        left: px(left),
        right: px(right),
        bottom: px(bottom),
        label_y: px(bottom + 22.0),
        bands: bands.collect(),
        skipped: length - rows.len(),
        runs,
        last: dots.last().cloned(),
        dots,
        gaps,
        y_ticks,
        x_ticks: x_ticks.collect(),
        value_title: frame.title(value),
    }
}

/// Runs of neighbours in time with one and the same break: first and last of `rows`, and the break.
fn spans<'b>(rows: &[usize], at: &[usize], breaks: &'b [Option<String>]) -> Vec<(usize, usize, &'b str)> {
    let mut out: Vec<(usize, usize, &str)> = Vec::new();
    for (i, why) in rows.iter().enumerate().filter_map(|(i, row)| breaks[*row].as_deref().map(|why| (i, why))) {
        match out.last_mut() {
            Some((_, last, same)) if *same == why && at[*last] + 1 == at[i] => *last = i,
            _ => out.push((i, i, why)),
        }
    }
    out
}
