//! The rows that the report prints; all of them are in the CSV file.

use serde::Serialize;

use crate::format;
use crate::frame::{Cell, Frame, Role};
use crate::geometry::Ground;
use crate::model::Chart;

/// Most rows that the report prints.
const MOST_ROWS: usize = 50;

/// Everything the table template needs.
#[derive(Debug, Serialize)]
pub(crate) struct TableView {
    heads: Vec<Head>,
    rows: Vec<Vec<Entry>>,
    shown: String,
    all: String,
    cut: bool,
}

#[derive(Debug, Serialize)]
struct Head {
    text: String,
    number: bool,
}

#[derive(Debug, Serialize)]
struct Entry {
    text: String,
    number: bool,
    row_head: bool,
    short: bool,
}

/// Builds the table: grain, counts, derived; the first column names the row.
pub(crate) fn view(frame: &Frame<'_>, ground: Option<&Ground>) -> TableView {
    let columns = frame.readable();
    let hour = match &frame.table.chart {
        Chart::HourOfWeek { hour, .. } => frame.index(hour),
        _ => None,
    };
    let number = |column: usize| {
        Some(column) != hour
            && (frame.columns[column].role != Role::Grain || frame.cells(column).iter().any(|c| c.number().is_some()))
    };
    let numeric: Vec<bool> = columns.iter().map(|c| number(*c)).collect();
    let rows = (0..frame.rows.min(MOST_ROWS))
        .map(|row| {
            columns
                .iter()
                .zip(&numeric)
                .enumerate()
                .map(|(position, (column, number))| {
                    let column_ = &frame.columns[*column];
                    let cell = &column_.cells[row];
                    let text = match cell {
                        Cell::Int(value) if Some(*column) == hour => format::hour_of_week(*value),
                        // A place is known by its name; its code follows.
                        Cell::Text(code) => ground
                            .filter(|g| g.column == *column)
                            .and_then(|g| g.names[row].as_ref())
                            .map(|name| format!("{name}, {code}")),
                        _ => None,
                    };
                    Entry {
                        text: text.unwrap_or_else(|| {
                            let grain = column_.role == Role::Grain;
                            format::cell(cell, column_.header.as_ref(), grain)
                        }),
                        number: *number,
                        row_head: position == 0 && column_.role == Role::Grain,
                        short: matches!(cell, Cell::Suppressed | Cell::Missing),
                    }
                })
                .collect()
        })
        .collect();
    TableView {
        heads: columns
            .iter()
            .zip(numeric)
            .map(|(column, number)| Head { text: frame.title(*column), number })
            .collect(),
        rows,
        shown: format::many(frame.rows.min(MOST_ROWS)),
        all: format::many(frame.rows),
        cut: frame.rows > MOST_ROWS,
    }
}
