//! A source: an agency's extract, how to read it, how it maps to the canonical tables, and under what law.

use std::collections::BTreeMap;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::{Feed, Nature, Problem, Table, Words, nearest, parse};

/// Text encoding of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// Windows code page 1252, as Windows exports are.
    #[serde(rename = "windows-1252")]
    Windows1252,
    /// UTF-8 unless the file is not.
    Auto,
}

/// How the bytes are read.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Reader {
    /// Delimited text.
    Csv {
        /// Delimiter, one ASCII character.
        #[serde(default = "comma")]
        delimiter: char,
        /// Encoding.
        #[serde(default)]
        encoding: Encoding,
    },
    /// XML; each feed names the element that is a record.
    Xml,
    /// Parquet.
    Parquet,
}

fn comma() -> char {
    ','
}

/// Which files belong to the source.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// Regular expression over the file name with a group `slot`: files of one slot are releases of the same
    /// thing (the same month), and a newer one supersedes the older.
    pub slot: String,
    /// What a newer file of a slot, or a later extract, revises.
    #[serde(default)]
    pub revises: Revises,
    /// What a file covers, by the groups `year` and `month` of `slot`.
    #[serde(default)]
    pub covers: Covers,
    /// Columns (or XML paths) of the file that `sender` and `dated` read, from its first records.
    #[serde(default)]
    pub columns: Vec<String>,
    /// SQL expression over `columns`: the code of who sent the file, where its name does not say so (group `sender` of `slot`).
    /// It is the same in every record; two senders never supersede one another.
    #[serde(default)]
    pub sender: Option<String>,
    /// SQL expression over `columns`: the day, `YYYY-MM-DD`, of which the extract knows (a reference date, the day of extraction).
    /// Newer knowledge supersedes older, in whatever order files come. Without it: the day in the file's name, else the end of
    /// what the file covers, else the order of loading.
    #[serde(default)]
    pub dated: Option<String>,
    /// SQL expression over `columns`: the year that the content names, where it does; it is compared with the file's name.
    #[serde(default)]
    pub year: Option<String>,
    /// Names of XML elements that are known and deliberately not read, with all below them; others are told.
    #[serde(default)]
    pub left_out: Vec<String>,
    /// Largest share of the rows that a newer file of a slot may lack without being refused.
    #[serde(default = "a_tenth")]
    pub shrink: f64,
    /// The column of `event` or `episode` (a date, a time or a month) that lies in what the file covers: when the agency came to
    /// know, in most extracts. Without it nobody can see that a file bears the name of another month.
    #[serde(default)]
    pub period_of: Option<String>,
}

fn a_tenth() -> f64 {
    0.1
}

/// The months that a file covers, as its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Covers {
    /// The name does not say: the groups `year` and `month` are not there.
    #[default]
    Unknown,
    /// One calendar month: groups `year` and `month`.
    Month,
    /// The twelve months that end with March of `year`: returns of councils (`CIN_2025` is April 2024 to March 2025).
    YearToMarch,
    /// The calendar year `year`.
    Year,
}

impl Covers {
    /// First and last month (`YYYY-MM`, both inclusive) of a file whose name holds `year` and `month`; `None` where that cannot be known.
    #[must_use]
    pub fn months(self, year: Option<&str>, month: Option<&str>) -> Option<(String, String)> {
        let year: i32 = year?.parse().ok()?;
        match self {
            Self::Unknown => None,
            Self::Month => {
                let month: u32 = month?.parse().ok()?;
                (1..=12).contains(&month).then(|| (format!("{year:04}-{month:02}"), format!("{year:04}-{month:02}")))
            }
            Self::YearToMarch => Some((format!("{:04}-04", year - 1), format!("{year:04}-03"))),
            Self::Year => Some((format!("{year:04}-01"), format!("{year:04}-12"))),
        }
    }
}

/// What newer data revises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revises {
    /// A file supersedes all rows of the older file of its slot, and nothing else.
    #[default]
    File,
    /// In addition a record that comes again in any later file supersedes the earlier one.
    Record,
}

/// The law under which the data is held.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Law {
    /// Controller.
    pub controller: String,
    /// Lawful basis for processing.
    pub lawful_basis: String,
    /// Gateway that allows the disclosure to the partnership, in words.
    pub gateway: String,
    /// The gateways that it relies on, by their codes in `pipelines/policies/gateways.toml`.
    #[serde(default)]
    pub gateways: Vec<String>,
    /// What it holds: `patient`, `social_care_personal`, `personal`, `anonymous`.
    pub information: Vec<String>,
    /// Audiences that outputs from it may go to.
    pub audiences: Vec<String>,
    /// Months that rows are kept.
    pub retention_months: u32,
}

/// The controller's small-number rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisclosureRule {
    /// Counts from 1 to one less than this are suppressed.
    pub suppress_below: i64,
    /// Other counts are rounded to the nearest multiple.
    pub round_to: i64,
    /// Whose rule it is.
    pub rule: String,
    /// Anybody can download the rows: counts of them tell nobody anything, and no floor of an audience holds.
    #[serde(default)]
    pub already_open: bool,
}

/// A source.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Name, snake case; equal to the file's name.
    pub name: String,
    /// Title.
    pub title: String,
    /// What it is, what it is not, where its layout is described.
    pub description: String,
    /// Agency: police, health, ambulance, social_care.
    pub agency: String,
    /// The source promises to have each person under one id: two ids of it are never linked, and where they look like one
    /// person that is reported.
    #[serde(default)]
    pub people_once: bool,
    /// Files.
    pub files: Files,
    /// Reader.
    pub reader: Reader,
    /// Law.
    pub law: Law,
    /// Small-number rule.
    pub disclosure: DisclosureRule,
    /// Code maps, used as `code_map('name', column)`; keys match without regard to case; `*` is the default.
    #[serde(default)]
    pub maps: BTreeMap<String, BTreeMap<String, String>>,
    /// Words that mean "missing".
    #[serde(default)]
    pub words: Words,
    /// Largest share of rows that may break a rule before the file is refused: of the rows that had text in the column, for a rule
    /// of a column; of all rows for `quarantined` (all rules together). [`Source::threshold`] says what holds without one.
    #[serde(default)]
    pub thresholds: BTreeMap<String, f64>,
    /// Feeds.
    #[serde(rename = "feed")]
    pub feeds: Vec<Feed>,
}

/// Words of a mapping that are not columns.
pub const MAPPING_WORDS: [&str; 2] = ["when", "once_per"];

/// Shares of rows that hold where a source says nothing else: of rows in quarantine, of values that had to be blanked, of ids that a
/// spreadsheet spoilt, of rows that contradict others of their id, of rows outside the file's period, of values that stand for none.
const THRESHOLDS: [(&str, f64); 6] = [
    ("quarantined", 0.05),
    ("blanked", 0.2),
    ("spoilt_ids", 0.0),
    ("contradicting", 0.02),
    ("outside_period", 0.1),
    ("placeholder", 0.5),
];

impl Source {
    /// The largest share of rows that may break a rule: what the source says, else what holds for every source; `None` where
    /// any share may.
    #[must_use]
    pub fn threshold(&self, rule: &str) -> Option<f64> {
        let default = || THRESHOLDS.iter().find(|(name, _)| *name == rule).map(|(_, share)| *share);
        self.thresholds.get(rule).copied().or_else(default)
    }

    /// Reads one source file.
    ///
    /// # Errors
    /// A problem with file and line.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        parse(file, text)
    }

    /// Problems that can be seen without an engine: names of columns and tables, patterns, reader words.
    #[must_use]
    pub fn problems(&self, file: &str, tables: &[Table]) -> Vec<Problem> {
        let mut out = Vec::new();
        match Regex::new(&self.files.slot) {
            Ok(regex) if regex.capture_names().flatten().any(|n| n == "slot") => {}
            Ok(_) => out.push(Problem::new(file, "files.slot has no group `slot`").hint("write (?<slot>…)")),
            Err(_) => out.push(Problem::new(file, "files.slot is not a regular expression")),
        }
        for (rule, share) in &self.thresholds {
            if !(0.0..=1.0).contains(share) {
                out.push(Problem::new(file, format!("threshold {rule} is no share between 0 and 1")));
            }
        }
        if let Some(column) = &self.files.period_of
            && !tables.iter().any(|t| t.record.is_some() && t.column(column).is_some())
        {
            out.push(Problem::new(file, format!("files.period_of: no table of records has a column `{column}`")));
        }
        for feed in &self.feeds {
            let at = format!("{file} feed {}", feed.name);
            if matches!(self.reader, Reader::Xml) != feed.record.is_some() {
                out.push(Problem::new(&at, "`record` goes with an xml reader"));
            }
            if let Some(pattern) = &feed.file
                && Regex::new(pattern).is_err()
            {
                out.push(Problem::new(&at, "`file` is not a regular expression"));
            }
            for (name, mapping) in &feed.tables {
                let Some(table) = tables.iter().find(|t| t.name == *name && t.record.is_some()) else {
                    let known = || tables.iter().filter(|t| t.record.is_some()).map(|t| t.name.as_str());
                    let problem = Problem::new(&at, format!("there is no table `{name}` that a source fills"));
                    out.push(match nearest(name, known()) {
                        Some(near) => problem.hint(format!("did you mean `{near}`?")),
                        None => problem.hint(format!("there are: {}", known().collect::<Vec<_>>().join(", "))),
                    });
                    continue;
                };
                for column in mapping.keys() {
                    if MAPPING_WORDS.contains(&column.as_str()) || table.mappable().any(|c| c.name == *column) {
                        continue;
                    }
                    let valid = table.mappable().map(|c| c.name.as_str()).chain(MAPPING_WORDS);
                    let problem = Problem::new(&at, format!("table {name} has no column `{column}` to map"));
                    out.push(match nearest(column, valid) {
                        Some(near) => problem.hint(format!("did you mean `{near}`?")),
                        None => problem.hint(format!("see schemas/{name}.toml")),
                    });
                }
                for column in table.columns.iter().filter(|c| c.required && c.nature() == Nature::Stored) {
                    let given =
                        mapping.contains_key(&column.name) || column.derive.is_some() || !column.from.is_empty();
                    if !given && !table.partition.contains(&column.name) {
                        out.push(Problem::new(&at, format!("table {name} needs column `{}`", column.name)));
                    }
                }
            }
        }
        out
    }
}
