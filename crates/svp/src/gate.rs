//! `svp disclose --check`: the gate for tables made by hand, with what the site knows.

use std::collections::BTreeSet;
use std::path::Path;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::concat_batches;
use datafusion::prelude::{CsvReadOptions, ParquetReadOptions};
use svp_contract::{Output, Source, refusals};
use svp_disclose::Policy;
use svp_disclose::gate::{Asked, Dimensions, check_table};
use svp_functions::{Areas, CodeMaps, Lookups};

use crate::args::{Cli, DiscloseArgs};
use crate::context;
use crate::error::AppError;
use crate::site::Site;
use crate::tell::Tell;

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

/// Judges a table. Before it is read, the law is asked whether data of the named sources may go to the audience at all.
pub async fn check(cli: &Cli, args: &DiscloseArgs, file: &str, tell: &Tell) -> Result<(), AppError> {
    let site = Site::sound(&cli.site)?;
    let Some(audience) = site.policies.get(&args.audience) else {
        return Err(AppError::Argument {
            what: format!("there is no policy for the audience `{}`", args.audience),
            hint: format!("policies of this site: {}", site.policies.keys().cloned().collect::<Vec<_>>().join(", ")),
        });
    };
    let mut sources: Vec<&Source> = Vec::new();
    for name in &args.sources {
        match site.sources.get(name) {
            Some(source) => sources.push(&source.item),
            None => {
                return Err(AppError::Argument {
                    what: format!("there is no source `{name}`"),
                    hint: format!(
                        "sources of this site: {}",
                        site.sources.keys().cloned().collect::<Vec<_>>().join(", ")
                    ),
                });
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
    let batch = table(cli, file).await?;
    let (counts, labels) = (names(&args.counts), names(&args.labels));
    let asked = Asked { counts: (!counts.is_empty()).then_some(counts.as_slice()), labels: &labels };
    let report = check_table(&batch, &asked, &dimensions(&site), &policy);
    tell.print(format!("{} rows under: {}", report.rows, policy.reason()));
    for column in &report.columns {
        let role = format!("{:?}", column.role).to_lowercase();
        tell.print(format!("column {}: {role} ({})", column.column, column.why));
    }
    for sum in &report.sums {
        tell.print(format!("sum used against it: {sum}"));
    }
    for finding in &report.findings {
        tell.print(finding);
    }
    if report.passes() {
        Ok(())
    } else {
        Err(AppError::Found(format!("{file} may not go to the audience `{}` as it is", args.audience)))
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
async fn table(cli: &Cli, file: &str) -> Result<RecordBatch, AppError> {
    let ctx = context::session(cli, None, CodeMaps::default(), Lookups::default(), Areas::default())?;
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
