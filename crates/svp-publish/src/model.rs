//! The words of a release: what the run says about itself, and the tables with their headers.

use arrow::array::RecordBatch;
use geo::MultiPolygon;
use serde::{Serialize, Serializer};
use svp_disclose::Disclosed;

/// Shorthand of a value withheld by disclosure control.
pub(crate) const SUPPRESSED: &str = "[c]";

/// The facts of the run that a release prints on its cover and in its manifest.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ReleaseMeta {
    /// Name of the release, which is also its folder.
    pub release: String,
    /// Title of the report.
    pub title: String,
    /// Code of the area, as in `pipelines/areas/`.
    pub area: String,
    /// Name of the area for people.
    pub area_title: String,
    /// First month or day covered, ISO 8601.
    pub period_from: String,
    /// Last month or day covered, ISO 8601.
    pub period_to: String,
    /// Who may receive the release.
    pub audience: String,
    /// Number of the run that made it.
    pub run_number: u64,
    /// Time of the run, ISO 8601 in UTC.
    pub clock: String,
    /// Version of the program.
    pub svp_version: String,
    /// The source systems, one line each.
    pub sources: Vec<SourceLine>,
    /// The definitions of serious violence in use, one line each.
    pub definitions: Vec<DefinitionLine>,
    /// Receipts by file, as the run wrote them; copied into the manifest.
    pub receipts: serde_json::Value,
    /// Disclosure policy of the run; copied into the manifest.
    pub policy: serde_json::Value,
    /// Figures of the linkage; copied into the manifest and printed as a list.
    pub linkage: serde_json::Value,
    /// Attribution statements that the data's licences ask for.
    pub attribution: Vec<String>,
    /// What a reader must know about the quality of the data.
    pub quality_notes: Vec<String>,
}

/// A count of rows as a release may tell it, under a rule for small numbers; `None` where the rule hides it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figure(pub Option<u64>);

impl From<u64> for Figure {
    fn from(number: u64) -> Self {
        Self(Some(number))
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(number) => to.serialize_u64(number),
            None => to.serialize_str(SUPPRESSED),
        }
    }
}

/// One source system: what came in and on which terms.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SourceLine {
    /// Name of the source, as in `pipelines/sources/`.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// Agency: police, health, ambulance, social_care.
    pub agency: String,
    /// The data controller.
    pub controller: String,
    /// Number of files read.
    pub files: u64,
    /// Rows read.
    pub rows_read: Figure,
    /// Rows accepted.
    pub accepted: Figure,
    /// Rows set aside by a rule.
    pub quarantined: Figure,
    /// Rows already known.
    pub duplicate: Figure,
    /// Whether, in exact counts, rows read = accepted + quarantined + duplicate; those that are told need not add up.
    #[serde(skip)]
    pub adds_up: bool,
    /// First month in the data, `YYYY-MM`; empty if unknown.
    pub first_month: String,
    /// Last month in the data, `YYYY-MM`; empty if unknown.
    pub last_month: String,
    /// Months of the period that have no file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing_months: Vec<MissingMonths>,
    /// No name of a file says which months it covers: they are known from the rows alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub months_inferred: bool,
    /// When and how the extract was taken.
    pub extract_note: String,
    /// Lawful basis on which it is used.
    pub lawful_basis: String,
    /// The controller's rule for small numbers, in words.
    pub disclosure_rule: String,
}

/// Neighbouring months that a source, or one of its senders, has not supplied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MissingMonths {
    /// Sender; empty where the source names none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sender: String,
    /// First month, `YYYY-MM`.
    pub from: String,
    /// Last month.
    pub to: String,
}

/// One definition of serious violence.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DefinitionLine {
    /// Name, as in `pipelines/definitions/`.
    pub name: String,
    /// Version.
    pub version: String,
    /// Title for people.
    pub title: String,
    /// True if it only stands in for a definition that the data cannot express.
    pub stand_in: bool,
    /// What it includes and what it leaves out.
    pub description: String,
    /// Where it comes from.
    pub source: String,
}

/// What the rows are on the ground, and how they are drawn: the words of an output's header.
pub use svp_contract::{Chart, Geometry};

/// A column that the header declares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Name in the table.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// Unit, such as `%` or `per 1,000 residents`; none for grain and plain counts.
    pub unit: Option<String>,
}

impl Column {
    /// A column without a unit.
    pub fn new(name: impl Into<String>, title: impl Into<String>) -> Self {
        Self { name: name.into(), title: title.into(), unit: None }
    }

    /// The same column with a unit.
    pub fn with_unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = Some(unit.into());
        self
    }
}

/// One output: its header and its content.
#[derive(Debug, Clone)]
pub struct PublishedTable {
    /// Name, which is also the name of its files: lower-case letters, digits, `_`, `-`.
    pub name: String,
    /// Heading in the report.
    pub title: String,
    /// Measure, area and period.
    pub subtitle: String,
    /// What it shows and how it was made.
    pub description: String,
    /// Name of the definition it was counted under, if any.
    pub definition: Option<String>,
    /// Set if the definition is a stand-in: printed wherever the table appears.
    pub stand_in_label: Option<String>,
    /// Columns that say what a row is.
    pub grain: Vec<Column>,
    /// Count columns; each is followed in the data by `<name>_suppressed`.
    pub counts: Vec<Column>,
    /// Columns computed from the counts after disclosure control.
    pub derived: Vec<Column>,
    /// How the report draws it.
    pub chart: Chart,
    /// How the rows lie on the ground.
    pub geometry: Geometry,
    /// Notes printed under the table.
    pub notes: Vec<String>,
    /// The rows, or why there are none.
    pub content: Content,
}

impl PublishedTable {
    /// Names of the data files, where the table is available.
    pub(crate) fn data_files(&self) -> Vec<String> {
        let mut files = vec![format!("{}.csv", self.name), format!("{}.parquet", self.name)];
        if self.geometry != Geometry::None {
            files.push(format!("{}.geojson", self.name));
        }
        files
    }
}

/// The rows of a table, or why there are none.
#[derive(Debug, Clone)]
pub enum Content {
    /// Rows that passed disclosure control.
    Table(Disclosed<RecordBatch>),
    /// Not available, and the reason: never the same as zero.
    NotAvailable(String),
}

/// Outlines of areas that maps are drawn on; the first layer given is the backdrop of every map.
#[derive(Debug, Clone)]
pub struct Outlines {
    /// Name of the layer, such as `district`.
    pub layer: String,
    /// Code, name and shape (British National Grid, metres).
    pub areas: Vec<(String, String, MultiPolygon<f64>)>,
}
