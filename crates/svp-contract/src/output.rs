//! Published tables: a `.sql` file with a header (`--! key = value`, TOML) and one SELECT.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::tie::numbers;
use crate::{NumberOf, Problem, header, parse};

/// A column with a title.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelledColumn {
    /// Column of the SELECT.
    pub name: String,
    /// Title in tables and charts.
    pub title: String,
}

/// A column of the grain: which dimension of the events it is, so that disclosure control knows which numbers of
/// which tables add up to one another.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrainColumn {
    /// Column of the SELECT.
    pub name: String,
    /// Title in tables and charts.
    pub title: String,
    /// Dimension: `month`, `district`, `source`, `bng:250`, `h3:9`, …; the column's own name where not given.
    /// Columns of two tables with one dimension hold the same members.
    #[serde(default)]
    pub dim: Option<String>,
    /// Member that stands for all others together: rows with it are the table's own margins.
    #[serde(default)]
    pub total: Option<String>,
    /// Which rule limits its members, where it comes from a column that can point at a person.
    #[serde(default)]
    pub limited_by: Option<Limit>,
}

/// What limits the members of a grain that comes from quasi-identifying or sensitive columns. What is said is held against
/// the plan of the query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Its columns have closed lists of codes.
    Codes,
    /// Bands of age, as wide as the audience's `[[age]]` rules ask for.
    Age,
    /// Hours of the day or of the week.
    Hours,
    /// Small areas.
    Area,
}

impl Limit {
    /// As a review names it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Codes => "codes",
            Self::Age => "age",
            Self::Hours => "hours",
            Self::Area => "area",
        }
    }
}

impl GrainColumn {
    /// The dimension.
    #[must_use]
    pub fn dimension(&self) -> &str {
        self.dim.as_deref().unwrap_or(&self.name)
    }
}

/// A column that counts people or events, with the columns of the SELECT that disclosure control needs to judge it.
/// Those are used and dropped: nobody is shown them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountColumn {
    /// Column of the SELECT.
    pub name: String,
    /// Title in tables and charts.
    pub title: String,
    /// What is counted, where not the column's own name: equal words in two tables mean the same things counted.
    #[serde(default)]
    pub measure: Option<String>,
    /// Other counts of this table that this one is a part of (people under 25, of people; what is known to both, of
    /// either): a name or a list of names.
    #[serde(default, deserialize_with = "one_or_many")]
    pub part_of: Vec<String>,
    /// Numbers of this or another table that this count adds up to together with the counts of this table that name the
    /// same: `"events"`, or `{ measure = "events", at = { agency = "police" } }`, or a list.
    #[serde(default, deserialize_with = "numbers")]
    pub adds_to: Vec<NumberOf>,
    /// Numbers of other tables that this count is, written in the same way.
    #[serde(default, deserialize_with = "numbers")]
    pub same_as: Vec<NumberOf>,
    /// Column with the number of different people behind the count.
    #[serde(default)]
    pub contributors: Option<String>,
    /// Column with what the largest contributor adds to the count.
    #[serde(default)]
    pub largest: Option<String>,
    /// Column with the people who live in the cell of a map, as far as they are known.
    #[serde(default)]
    pub residents: Option<String>,
    /// Column with the cell key (`sum(record_key(event_id))`), for policies that perturb.
    #[serde(default)]
    pub cell_key: Option<String>,
}

impl CountColumn {
    /// What is counted.
    #[must_use]
    pub fn measured(&self) -> &str {
        self.measure.as_deref().unwrap_or(&self.name)
    }

    /// The columns that go with it and are not shown.
    pub fn companions(&self) -> impl Iterator<Item = &str> {
        [&self.contributors, &self.largest, &self.residents, &self.cell_key].into_iter().filter_map(|c| c.as_deref())
    }
}

/// Reads a name, or a list of names.
fn one_or_many<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Names {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Names::deserialize(from)? {
        Names::One(name) => vec![name],
        Names::Many(names) => names,
    })
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
        /// Time; months (`YYYY-MM`) lie as far apart as they are.
        x: String,
        /// Heights.
        value: String,
        /// Attribute that says which rows cannot be compared with others: a flag, or text that names the break and is
        /// `none` elsewhere. Those rows lie in a shaded band, and no sentence compares them.
        #[serde(default)]
        breaks: Option<String>,
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
    /// Name, snake case; equal to the file's name, with the values of its variant in their places.
    pub name: String,
    /// Whole numbers by name: the file is one table for each of the values, which stand wherever the file says `{name}`.
    #[serde(default)]
    pub variants: BTreeMap<String, Vec<u32>>,
    /// The name as the file has it.
    #[serde(skip)]
    pub template: String,
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
    /// The events that it counts, by the name of a view: tables of one universe add up to one total.
    #[serde(default = "serious_violence")]
    pub universe: String,
    /// Columns that say what a row is.
    pub grain: Vec<GrainColumn>,
    /// Columns that describe the row and count nobody.
    #[serde(default)]
    pub attributes: Vec<LabelledColumn>,
    /// Columns that count people or events; disclosure control works on these.
    pub counts: Vec<CountColumn>,
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

fn serious_violence() -> String {
    "serious_violence".to_owned()
}

impl Output {
    /// Reads an output file: one table, or one for each of its `variants`.
    ///
    /// # Errors
    /// A problem with file and line; several names in `variants`, which would be tables that nobody asked for.
    pub fn parse_all(file: &str, text: &str) -> Result<Vec<Self>, Problem> {
        let one = Self::parse(file, text)?;
        let mut variants = one.variants.iter();
        let Some((name, values)) = variants.next() else { return Ok(vec![one]) };
        let place = format!("{{{name}}}");
        if variants.next().is_some() || values.is_empty() || !one.name.contains(&place) {
            return Err(Problem::new(
                file,
                "`variants` has one name, with values, and the name of the output has it in braces",
            )
            .hint("for example name = \"grid_{size}m\" and variants = { size = [250, 500] }"));
        }
        let of = |value: &u32| {
            let made = Self::parse(file, &text.replace(&place, &value.to_string()))?;
            Ok(Self { template: one.name.clone(), ..made })
        };
        values.iter().map(of).collect()
    }

    /// Reads one output file as one table.
    ///
    /// # Errors
    /// A problem with file and line.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let (header, sql) = header::split(file, text, "the output")?;
        let mut out: Self = parse(file, &header)?;
        out.sql = sql;
        out.template.clone_from(&out.name);
        if out.counts.is_empty() {
            return Err(
                Problem::new(file, "the output names no count column").hint("disclosure control works on `counts`")
            );
        }
        if out.cell_column().is_some() && out.grain.len() != 1 {
            return Err(Problem::new(file, "a map of cells has more in its grain than the cell")
                .hint("one row for each cell: disclosure control merges cells, and compares maps cell by cell"));
        }
        if let Chart::Line { breaks: Some(breaks), .. } = &out.chart
            && !out.attributes.iter().any(|a| a.name == *breaks)
        {
            return Err(Problem::new(file, format!("chart: `breaks` names `{breaks}`, which is no attribute"))
                .hint("put the column into `attributes`: it describes the row and counts nobody"));
        }
        for count in &out.counts {
            let other = |whole: &&String| out.counts.iter().any(|c| c.name == **whole && c.name != count.name);
            if let Some(whole) = count.part_of.iter().find(|whole| !other(whole)) {
                return Err(Problem::new(file, format!("count {}: `{whole}` is no other count of it", count.name))
                    .hint("`part_of` names other columns of `counts`"));
            }
        }
        Ok(out)
    }

    /// Columns that the SELECT must give, in order of the header: grain, attributes, counts, and what goes with the
    /// counts and is not shown.
    pub fn selected(&self) -> impl Iterator<Item = &str> {
        let shown = self.grain.iter().map(|c| &c.name).chain(self.attributes.iter().map(|c| &c.name));
        let counts = self.counts.iter().map(|c| c.name.as_str());
        shown.map(String::as_str).chain(counts).chain(self.counts.iter().flat_map(CountColumn::companions))
    }

    /// The column of the grain that is a cell of a grid, where the table is a map of cells.
    #[must_use]
    pub fn cell_column(&self) -> Option<&str> {
        match &self.geometry {
            Geometry::BngCell { column } | Geometry::H3Cell { column } => Some(column),
            Geometry::None | Geometry::Area { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(part_of: &str) -> Result<Output, Problem> {
        let header = format!(
            "name = 'x'\ntitle = 'X'\ndescription = ''\nreads = []\ngrain = []\naudiences = []\nnot_available = ''\n\
             counts = [{{ name = 'a', title = 'A' }}, {{ name = 'b', title = 'B' }}, {{ name = 'c', title = 'C'{part_of} }}]"
        );
        let header: String = header.lines().map(|l| format!("--! {l}\n")).collect();
        Output::parse("x.sql", &(header + "SELECT 1"))
    }

    #[test]
    fn a_break_is_an_attribute() {
        let with = |attribute: &str| {
            let text = format!(
                "--! name = 'x'\n--! title = 'X'\n--! description = ''\n--! reads = []\n--! grain = []\n--! audiences = []\n\
                 --! not_available = ''\n--! counts = [{{ name = 'a', title = 'A' }}]\n\
                 --! attributes = [{{ name = '{attribute}', title = 'B' }}]\n\
                 --! chart = {{ kind = 'line', x = 'm', value = 'a', breaks = 'broken' }}\nSELECT 1"
            );
            Output::parse("x.sql", &text).map(|o| o.chart)
        };
        assert!(matches!(with("broken").unwrap(), Chart::Line { breaks: Some(b), .. } if b == "broken"));
        let problem = with("other").unwrap_err();
        assert!(problem.what.contains("no attribute") && problem.hint.is_some(), "{problem}");
    }

    #[test]
    fn a_count_is_part_of_none_one_or_several_others() {
        let parts = |text: &str| output(text).unwrap().counts[2].part_of.clone();
        assert!(parts("").is_empty());
        assert_eq!(parts(", part_of = 'a'"), ["a"]);
        assert_eq!(parts(", part_of = ['a', 'b']"), ["a", "b"]);
        for wrong in [", part_of = 'c'", ", part_of = ['a', 'd']"] {
            assert!(output(wrong).unwrap_err().what.contains("no other count"), "{wrong}");
        }
    }
}
