//! The gate for tables made by hand, with what the site knows.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::concat_batches;
use datafusion::prelude::{CsvReadOptions, ParquetReadOptions};
use svp_contract::{Output, Source, refusals};
use svp_disclose::Policy;
use svp_disclose::gate::{Asked, Dimensions, GateReport, check_table};

use crate::error::AppError;
use crate::machine::Machine;
use crate::site::Site;
use crate::unknown::unknown;

/// Columns of the site's small tables that name members of a dimension: table and column.
const NAMES: &[(&str, &str)] = &[
    ("shift", "shift"),
    ("calendar", "kind"),
    ("calendar", "name"),
    ("recording_break", "kind"),
    ("recording_break", "name"),
    ("most_similar", "peer_name"),
    ("harm_weight", "index"),
];

/// The table that is judged.
#[derive(Debug, Clone, Default)]
pub struct GateRequest {
    /// Folder of the site.
    pub site: String,
    /// Table: a CSV or Parquet file.
    pub file: String,
    /// Audience to which it is to go.
    pub audience: String,
    /// Columns that count; found, without.
    pub counts: Vec<String>,
    /// Columns that the site does not know and that count and name nobody.
    pub labels: Vec<String>,
    /// Sources behind the table.
    pub sources: Vec<String>,
}

/// Judges a table. Before it is read, the law is asked whether data of the named sources may go to the audience at all. Whether the
/// table may go is told by [`GateReport::passes`].
///
/// # Errors
/// [`AppError::Argument`] for an audience or a source that is none and a file that is no table, [`AppError::Audience`] with the clause
/// of the law.
pub async fn check(request: &GateRequest, machine: &Machine) -> Result<Gated, AppError> {
    let site = Site::sound(&request.site)?;
    let Some(audience) = site.policies.get(&request.audience) else {
        let known = site.policies.keys().map(String::as_str);
        let other = unknown("policy for the audience", &request.audience, known);
        return Err(other.argument_listed("policies of this site"));
    };
    let mut sources: Vec<&Source> = Vec::new();
    for name in &request.sources {
        match site.sources.get(name) {
            Some(source) => sources.push(&source.item),
            None => {
                let known = site.sources.keys().map(String::as_str);
                return Err(unknown("source", name, known).argument_listed("sources of this site"));
            }
        }
    }
    for source in &sources {
        if let Some(refusal) = refusals(source, &site.gateways, &audience.item).into_iter().next() {
            return Err(AppError::Audience {
                source_name: refusal.source,
                audience: refusal.audience,
                basis: refusal.clause,
            });
        }
    }
    let policy = Policy::resolve(sources, &audience.item, None);
    let batch = table(machine, &request.file).await?;
    let (counts, labels) = (names(&request.counts), names(&request.labels));
    let asked = Asked { counts: (!counts.is_empty()).then_some(counts.as_slice()), labels: &labels };
    let report = check_table(&batch, &asked, &dimensions(&site), &policy);
    Ok(Gated { rule: policy.reason(), report })
}

/// What was found of a table, and the rule under which it was judged. As text: the rule, the columns, the sums, the findings.
pub struct Gated {
    /// The rule, in words.
    pub rule: String,
    /// What was found.
    pub report: GateReport,
}

impl fmt::Display for Gated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows under: {}", self.report.rows, self.rule)?;
        for column in &self.report.columns {
            let role = format!("{:?}", column.role).to_lowercase();
            write!(f, "\ncolumn {}: {role} ({})", column.column, column.why)?;
        }
        for sum in &self.report.sums {
            write!(f, "\nsum used against it: {sum}")?;
        }
        for finding in &self.report.findings {
            write!(f, "\n{finding}")?;
        }
        Ok(())
    }
}

fn names(given: &[String]) -> Vec<&str> {
    given.iter().map(String::as_str).collect()
}

/// The members of dimensions that the site knows: its districts and partnerships, sources, definitions, offences, the code lists of
/// the canonical tables, and the names of its small tables.
fn dimensions(site: &Site) -> Dimensions {
    let mut out = Dimensions::default();
    let areas = || site.areas.values().map(|area| &area.item);
    let districts = || areas().flat_map(|area| &area.districts);
    out.add_areas("district", districts().map(|d| d.name.clone()));
    out.add_areas("csp", districts().map(|d| d.csp.clone()));
    let titles = areas().flat_map(|a| [vec![a.name.clone()], short_titles(a)].concat());
    out.add_wholes(titles);
    let sources = || site.sources.values().map(|source| &source.item);
    out.add(sources().flat_map(|s| [s.name.clone(), s.title.clone()]));
    let definitions = || site.definitions.values().map(|definition| &definition.item);
    out.add(definitions().flat_map(|d| [d.name.clone(), d.title.clone()]));
    let outputs = site.outputs.values().map(|output| &output.item);
    out.add_headers(outputs.flat_map(columns_of));
    // A word that names a column is no value that betrays a line of data.
    let headings: BTreeSet<&str> = site.tables.iter().flat_map(|t| &t.columns).map(|c| c.name.as_str()).collect();
    for table in &site.tables {
        out.add_headers(table.columns.iter().map(|column| column.name.clone()));
        for column in &table.columns {
            if !column.codes.is_empty() {
                let members = column.codes.iter().flat_map(|(code, meaning)| [code.clone(), meaning.clone()]);
                out.add(members.filter(|word| !headings.contains(word.as_str())));
            }
        }
    }
    for members in csv_columns(&site.offences) {
        out.add(members);
    }
    for (table, column) in NAMES {
        let values = site.site_tables.get(*table).and_then(|batch| batch.column_by_name(column));
        let values = values.and_then(|array| array.as_string_opt::<i32>());
        let members: BTreeSet<String> = values.into_iter().flatten().flatten().map(str::to_owned).collect();
        out.add(members);
    }
    out
}

/// The names of the columns of an output.
fn columns_of(output: &Output) -> Vec<String> {
    let named = output.grain.iter().map(|g| &g.name).chain(output.attributes.iter().map(|a| &a.name));
    named.chain(output.counts.iter().map(|c| &c.name)).chain(output.derived.iter().map(|d| &d.name)).cloned().collect()
}

/// `Devon and Cornwall police area` is also called `Devon and Cornwall`.
fn short_titles(area: &svp_contract::Area) -> Vec<String> {
    let title = area.title.split('(').next().unwrap_or_default().trim();
    let short = title.strip_suffix(" police area").unwrap_or(title);
    vec![title.to_owned(), short.to_owned()]
}

/// What each column of the offence table holds: codes, labels, groups.
fn csv_columns(text: &str) -> Vec<BTreeSet<String>> {
    let mut columns: Vec<BTreeSet<String>> = Vec::new();
    for row in csv::Reader::from_reader(text.as_bytes()).records().filter_map(Result::ok) {
        columns.resize_with(columns.len().max(row.len()), BTreeSet::new);
        for (column, value) in columns.iter_mut().zip(&row) {
            column.insert(value.to_owned());
        }
    }
    columns
}

/// Reads a CSV (every column as text: a code with leading zeros is no number) or Parquet file.
async fn table(machine: &Machine, file: &str) -> Result<RecordBatch, AppError> {
    let ctx = machine.plain_session()?;
    let ending = Path::new(file).extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
    // The engine's messages can quote what it read.
    let unreadable = |_: datafusion::error::DataFusionError| AppError::Argument {
        what: format!("{file} cannot be read as a table"),
        hint: "give a CSV file with one header row, or a Parquet file".to_owned(),
    };
    let df = match ending.as_str() {
        "parquet" => ctx.read_parquet(file, ParquetReadOptions::default()).await,
        _ => {
            let options = CsvReadOptions::new().schema_infer_max_records(0).file_extension(&ending);
            ctx.read_csv(file, options).await
        }
    }
    .map_err(unreadable)?;
    let schema = std::sync::Arc::new(df.schema().as_arrow().clone());
    let batches = df.collect().await.map_err(unreadable)?;
    Ok(concat_batches(&schema, &batches)?)
}
