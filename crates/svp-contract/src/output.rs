//! Published tables: a `.sql` file with a header (`--! key = value`, TOML) and one SELECT.

use serde::Deserialize;

use crate::{Problem, parse};

/// A column with a title.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelledColumn {
    /// Column of the SELECT.
    pub name: String,
    /// Title in tables and charts.
    pub title: String,
}

/// A column computed after disclosure control.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DerivedColumn {
    /// Name of the new column.
    pub name: String,
    /// Title.
    pub title: String,
    /// Unit.
    pub unit: String,
    /// SQL over the disclosed columns, window functions allowed.
    pub expr: String,
    /// Count columns it stands on; NULL where one of them is suppressed.
    pub inputs: Vec<String>,
}

/// How a table is drawn.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Chart {
    /// Not drawn.
    #[default]
    None,
    /// Map of cells or areas.
    Map {
        /// Column that colours it.
        value: String,
    },
    /// Seven days by 24 hours.
    HourOfWeek {
        /// Column with 0 to 167.
        hour: String,
        /// Column that colours it.
        value: String,
    },
    /// Bars.
    Bar {
        /// Categories.
        x: String,
        /// Lengths.
        value: String,
    },
    /// A line over time.
    Line {
        /// Time.
        x: String,
        /// Heights.
        value: String,
    },
}

/// What the rows of a table are on the ground.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Geometry {
    /// Nothing.
    #[default]
    None,
    /// Squares of the British National Grid.
    BngCell {
        /// Column with the cell.
        column: String,
    },
    /// H3 cells.
    H3Cell {
        /// Column with the cell.
        column: String,
    },
    /// Areas of a boundary layer.
    Area {
        /// Layer of the area file.
        layer: String,
        /// Column with the code.
        column: String,
    },
}

/// A published table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Name, snake case; equal to the file's name.
    pub name: String,
    /// Active title.
    pub title: String,
    /// Measure, area, period in words.
    #[serde(default)]
    pub subtitle: String,
    /// What it is and how to read it.
    pub description: String,
    /// Canonical tables it stands on: the disclosure rules of their sources hold.
    pub reads: Vec<String>,
    /// Run once for each definition of serious violence (reads the view `serious_violence`).
    #[serde(default)]
    pub per_definition: bool,
    /// Columns that say what a row is.
    pub grain: Vec<LabelledColumn>,
    /// Columns that describe the row and count nobody.
    #[serde(default)]
    pub attributes: Vec<LabelledColumn>,
    /// Columns that count people or events; disclosure control works on these.
    pub counts: Vec<LabelledColumn>,
    /// Columns computed after disclosure control.
    #[serde(default)]
    pub derived: Vec<DerivedColumn>,
    /// Drawing.
    #[serde(default)]
    pub chart: Chart,
    /// Ground.
    #[serde(default)]
    pub geometry: Geometry,
    /// Audiences that may have it.
    pub audiences: Vec<String>,
    /// What to say when there are no rows.
    pub not_available: String,
    /// Notes under the table.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The SELECT.
    #[serde(skip)]
    pub sql: String,
}

impl Output {
    /// Reads one output file.
    ///
    /// # Errors
    /// A problem with file and line.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let mut header = String::new();
        let mut sql = String::new();
        for line in text.lines() {
            match line.strip_prefix("--!") {
                Some(rest) if sql.trim().is_empty() => {
                    header.push_str(rest.strip_prefix(' ').unwrap_or(rest));
                    header.push('\n');
                }
                _ => {
                    sql.push_str(line);
                    sql.push('\n');
                }
            }
        }
        if header.is_empty() {
            return Err(Problem::new(file, "the output has no header").hint("begin with lines `--! name = \"…\"`"));
        }
        let mut out: Self = parse(file, &header)?;
        out.sql = sql.trim().trim_end_matches(';').to_owned();
        if out.sql.is_empty() {
            return Err(Problem::new(file, "the output has no SELECT"));
        }
        if out.counts.is_empty() {
            return Err(
                Problem::new(file, "the output names no count column").hint("disclosure control works on `counts`")
            );
        }
        Ok(out)
    }

    /// Columns that the SELECT must give, in order of the header.
    pub fn selected(&self) -> impl Iterator<Item = &str> {
        self.grain.iter().chain(&self.attributes).chain(&self.counts).map(|c| c.name.as_str())
    }
}
