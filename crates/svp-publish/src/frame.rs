//! One disclosed table, checked against its header and read into cells.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use svp_disclose::Suppression;

use crate::error::PublishError;
use crate::model::{Column, Content, PublishedTable};

/// Ending of the flag column that follows each count.
pub(crate) const FLAG_ENDING: &str = "_suppressed";

/// One value as it may be shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    /// Text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A flag.
    Bool(bool),
    /// Withheld by disclosure control: `[c]`, never 0.
    Suppressed,
    /// Not available: `[x]`, never 0.
    Missing,
}

impl Cell {
    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&String> {
        match self {
            Cell::Text(value) => Some(value),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            #[allow(clippy::cast_precision_loss)]
            Cell::Int(value) => Some(*value as f64),
            Cell::Float(value) if value.is_finite() => Some(*value),
            _ => None,
        }
    }
}

/// What a column of the data is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Grain,
    Count,
    Derived,
    Flag,
}

/// A column of the data with its header line and its values.
#[derive(Debug)]
pub(crate) struct FrameColumn {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// Header line; flag columns have none.
    pub(crate) header: Option<Column>,
    pub(crate) cells: Vec<Cell>,
}

/// One disclosed table, checked against its header.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) table: &'a PublishedTable,
    pub(crate) batch: &'a RecordBatch,
    pub(crate) summary: &'a Suppression,
    pub(crate) columns: Vec<FrameColumn>,
    pub(crate) rows: usize,
}

impl<'a> Frame<'a> {
    /// Checks a table against its header and reads it; `None` if it is not available.
    pub(crate) fn new(table: &'a PublishedTable) -> Result<Option<Self>, PublishError> {
        let Content::Table(disclosed) = &table.content else {
            return Ok(None);
        };
        let batch = disclosed.get();
        let missing =
            |column: &str| PublishError::MissingColumn { table: table.name.clone(), column: column.to_string() };
        let headers = [&table.grain, &table.counts, &table.derived];
        for header in headers.into_iter().flatten() {
            batch.schema_ref().index_of(&header.name).map_err(|_| missing(&header.name))?;
        }
        for count in &table.counts {
            if !disclosed.counts().contains(&count.name) {
                return Err(PublishError::NotCounted { table: table.name.clone(), column: count.name.clone() });
            }
            let flag = format!("{}{FLAG_ENDING}", count.name);
            batch.schema_ref().index_of(&flag).map_err(|_| missing(&flag))?;
        }
        let mut columns = Vec::with_capacity(batch.num_columns());
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let (role, header) = role_of(table, field.name()).ok_or_else(|| PublishError::UndeclaredColumn {
                table: table.name.clone(),
                column: field.name().clone(),
            })?;
            let cells =
                read(array.as_ref()).map_err(|source| PublishError::Arrow { table: table.name.clone(), source })?;
            columns.push(FrameColumn { name: field.name().clone(), role, header: header.cloned(), cells });
        }
        let mut frame = Self { table, batch, summary: disclosed.summary(), columns, rows: batch.num_rows() };
        frame.mark_suppressed()?;
        Ok(Some(frame))
    }

    /// Turns NULL into `Suppressed` where the flag says so, and in the derived columns of such rows.
    fn mark_suppressed(&mut self) -> Result<(), PublishError> {
        let mut touched = vec![false; self.rows];
        for position in 0..self.columns.len() {
            if self.columns[position].role != Role::Count {
                continue;
            }
            let flag = format!("{}{FLAG_ENDING}", self.columns[position].name);
            let Some(flag) = self.index(&flag) else {
                continue;
            };
            for (row, touched) in touched.iter_mut().enumerate() {
                if self.columns[flag].cells[row] != Cell::Bool(true) {
                    continue;
                }
                if self.columns[position].cells[row] != Cell::Missing {
                    return Err(PublishError::Leak {
                        table: self.table.name.clone(),
                        column: self.columns[position].name.clone(),
                        row: row + 1,
                    });
                }
                self.columns[position].cells[row] = Cell::Suppressed;
                *touched = true;
            }
        }
        for column in &mut self.columns {
            if column.role != Role::Derived {
                continue;
            }
            for (cell, _) in column.cells.iter_mut().zip(&touched).filter(|(_, t)| **t) {
                if *cell == Cell::Missing {
                    *cell = Cell::Suppressed;
                }
            }
        }
        Ok(())
    }

    /// Position of a column in the data.
    pub(crate) fn index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Position of a column that the header or the chart names.
    pub(crate) fn require(&self, name: &str) -> Result<usize, PublishError> {
        self.index(name)
            .ok_or_else(|| PublishError::MissingColumn { table: self.table.name.clone(), column: name.to_string() })
    }

    /// The cells of a column.
    pub(crate) fn cells(&self, column: usize) -> &[Cell] {
        &self.columns[column].cells
    }

    /// Title of a column for people, with its unit if it has one.
    pub(crate) fn title(&self, column: usize) -> String {
        let column = &self.columns[column];
        match &column.header {
            Some(header) => match &header.unit {
                Some(unit) => format!("{} ({unit})", header.title),
                None => header.title.clone(),
            },
            None => column.name.clone(),
        }
    }

    /// Columns that people read, in the order grain, counts, derived.
    pub(crate) fn readable(&self) -> Vec<usize> {
        [Role::Grain, Role::Count, Role::Derived]
            .into_iter()
            .flat_map(|role| {
                self.columns
                    .iter()
                    .enumerate()
                    .filter(move |(_, column)| column.role == role)
                    .map(|(position, _)| position)
            })
            .collect()
    }
}

fn role_of<'t>(table: &'t PublishedTable, name: &str) -> Option<(Role, Option<&'t Column>)> {
    let find = |columns: &'t [Column]| columns.iter().find(|column| column.name == name);
    if let Some(header) = find(&table.grain) {
        return Some((Role::Grain, Some(header)));
    }
    if let Some(header) = find(&table.counts) {
        return Some((Role::Count, Some(header)));
    }
    if let Some(header) = find(&table.derived) {
        return Some((Role::Derived, Some(header)));
    }
    let count = name.strip_suffix(FLAG_ENDING)?;
    table.counts.iter().any(|column| column.name == count).then_some((Role::Flag, None))
}

fn read(array: &dyn Array) -> Result<Vec<Cell>, arrow::error::ArrowError> {
    let missing = |row: usize| array.is_null(row);
    let rows = 0..array.len();
    let pick = |row: usize, cell: Cell| if missing(row) { Cell::Missing } else { cell };
    Ok(match array.data_type() {
        DataType::Boolean => {
            let values = array.as_boolean();
            rows.map(|row| pick(row, Cell::Bool(values.value(row)))).collect()
        }
        kind if kind.is_integer() => {
            let values = cast(array, &DataType::Int64)?;
            let values = values.as_primitive::<Int64Type>();
            rows.map(|row| pick(row, Cell::Int(values.value(row)))).collect()
        }
        kind if kind.is_floating() || kind.is_decimal() => {
            let values = cast(array, &DataType::Float64)?;
            let values = values.as_primitive::<Float64Type>();
            rows.map(|row| match values.value(row) {
                value if value.is_finite() => pick(row, Cell::Float(value)),
                _ => Cell::Missing,
            })
            .collect()
        }
        _ => {
            let values = cast(array, &DataType::Utf8)?;
            let values = values.as_string::<i32>();
            rows.map(|row| if values.is_null(row) { Cell::Missing } else { Cell::Text(values.value(row).to_string()) })
                .collect()
        }
    })
}
