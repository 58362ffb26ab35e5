//! Why a release could not be made. No variant holds a value of the data.

use svp_contract::{Advice, ErrorKind, Hint};
use thiserror::Error;

/// Why a release could not be made. Names tables, columns and rows; never a value.
#[derive(Debug, Error)]
pub enum PublishError {
    /// A table name that cannot be a file name.
    #[error("table name `{table}` cannot be a file name")]
    BadName {
        /// The name as given.
        table: String,
    },
    /// Two tables with one name would write the same files.
    #[error("two tables are called `{table}`")]
    DuplicateTable {
        /// The name that occurs twice.
        table: String,
    },
    /// The header names a column that the table does not have.
    #[error("table `{table}` has no column `{column}`, which its header names")]
    MissingColumn {
        /// The table.
        table: String,
        /// The column that the header names.
        column: String,
    },
    /// The table has a column that its header does not declare, so nobody decided that it may leave.
    #[error("table `{table}` has a column `{column}` that its header does not declare")]
    UndeclaredColumn {
        /// The table.
        table: String,
        /// The undeclared column.
        column: String,
    },
    /// The header calls a column a count, but disclosure control was not told so.
    #[error("table `{table}`: the count column `{column}` did not pass disclosure control")]
    NotCounted {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A count is flagged as suppressed and still holds a value.
    #[error("table `{table}`, column `{column}`, row {row}: suppressed, and yet it holds a value")]
    Leak {
        /// The table.
        table: String,
        /// The count column.
        column: String,
        /// Row number, from 1.
        row: usize,
    },
    /// The geometry names a layer of outlines that was not given.
    #[error("table `{table}` is drawn on the layer `{layer}`, which was not given")]
    UnknownLayer {
        /// The table.
        table: String,
        /// The layer that is missing.
        layer: String,
    },
    /// A cell identifier is not one of this grid.
    #[error("table `{table}`, column `{column}`, row {row}: not a cell of this grid")]
    BadCell {
        /// The table.
        table: String,
        /// The column of cell identifiers.
        column: String,
        /// Row number, from 1.
        row: usize,
    },
    /// A file holds what identifies people, or what the key makes.
    #[error("`{file}`, {place}: {what}; nothing was released")]
    Identifies {
        /// The file; not its name where that is what holds it.
        file: String,
        /// Line, column and row, or key: never what stands there.
        place: String,
        /// What kind of thing.
        what: &'static str,
    },
    /// Arrow could not read or convert a column.
    #[error("table `{table}`: a column could not be read")]
    Arrow {
        /// The table.
        table: String,
        /// The cause.
        #[source]
        source: arrow::error::ArrowError,
    },
    /// The Parquet file could not be written.
    #[error("table `{table}`: the Parquet file could not be written")]
    Parquet {
        /// The table.
        table: String,
        /// The cause.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// A JSON file could not be written.
    #[error("`{file}` could not be written")]
    Json {
        /// The file.
        file: String,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// A template of the report is wrong.
    #[error("the template `{template}` could not be rendered")]
    Template {
        /// The template.
        template: &'static str,
        /// The cause.
        #[source]
        source: minijinja::Error,
    },
}

impl Advice for PublishError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Identifies { .. } => ErrorKind::Forbidden,
            _ => ErrorKind::Internal,
        }
    }

    fn hint(&self) -> Option<Hint> {
        Some(Hint::Borrowed(match self {
            Self::BadName { .. } => "use lower-case letters, digits, `_` and `-`",
            Self::DuplicateTable { .. } => "give each output, definition and period its own name",
            Self::MissingColumn { .. } => "compare the header of the output with its SELECT list",
            Self::UndeclaredColumn { .. } => "declare it as grain, count or derived, or drop it from the SELECT list",
            Self::NotCounted { .. } => "name the same count columns to `disclose` and in the header",
            Self::Identifies { .. } => {
                "look for it in the texts of the site (titles, notes, attributions, names of districts and slots) and in the columns of that output, and take it out there; an office is named by its web address"
            }
            Self::UnknownLayer { .. } => "name the layer's boundaries in the area file",
            _ => return None,
        }))
    }
}
