//! What the tests of analyses share: analyses of the sample's lake or of planted events, on the site or on a copy of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use parquet::arrow::ArrowWriter;

use super::{Ran, Svp, Table, copy_folder, root, sample, sample_data, svp};

pub fn analyse(name: &str) -> Svp {
    svp(["analyse", name, "--area", "wessmark", "--format", "csv", "--quiet"])
}

/// The rows of an analysis that ended well; no figure in them is not a number or infinite.
#[track_caller]
pub fn rows(ran: Ran) -> Table {
    let text = ran.good().stdout;
    let table = Table::parse(&text);
    for row in &table.rows {
        for cell in row {
            let word = cell.trim_start_matches('-').to_lowercase();
            assert!(!matches!(word.as_str(), "nan" | "inf" | "infinity"), "{row:?} under {:?}", table.header);
        }
    }
    table
}

#[track_caller]
pub fn on_sample(name: &str, set: &[&str]) -> Table {
    let values = set.iter().flat_map(|pair| ["--set", pair]);
    rows(analyse(name).arg("--lake").arg(&sample().lake).args(values).run())
}

#[track_caller]
pub fn sum(table: &Table, column: &str) -> f64 {
    table.column(column).iter().filter_map(|v| v.parse::<f64>().ok()).sum()
}

#[track_caller]
pub fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6 * expected.max(1.0), "{found} is not {expected}");
}

/// An event of the police: month, small area, district, point.
pub struct Planted<'a>(pub &'a str, pub &'a str, pub Option<&'a str>, pub Option<(f64, f64)>);

/// A Parquet file of violence with injury.
pub fn events_file(folder: &Path, planted: &[Planted<'_>]) -> PathBuf {
    let text = |of: &dyn Fn(usize, &Planted<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(planted.iter().enumerate().map(|(i, p)| of(i, p)).collect::<StringArray>())
    };
    // Noon of the tenth of the month, or of January 2024.
    let moment = |month: &str| {
        let (year, month) = month.split_once('-').unwrap();
        let months = (year.parse::<i64>().unwrap() - 2023) * 12 + month.parse::<i64>().unwrap() - 1;
        (1_673_352_000 + months * 30 * 86_400) * 1_000_000
    };
    let times: Vec<i64> = planted.iter().map(|p| moment(p.0)).collect();
    let columns: [(&str, ArrayRef); 14] = [
        ("event_id", text(&|i, _| Some(format!("{i:032x}")))),
        ("source", text(&|_, _| Some("police_rms".into()))),
        ("agency", text(&|_, _| Some("police".into()))),
        ("event_type", text(&|_, _| Some("crime".into()))),
        ("offence_code", text(&|_, _| Some("8N".into()))),
        ("offence_group", text(&|_, _| Some("violence_with_injury".into()))),
        ("month", text(&|_, p| Some(p.0.to_owned()))),
        ("time_precision", text(&|_, _| Some("exact".into()))),
        ("occurred_from", Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"))),
        ("place_precision", text(&|_, p| Some(if p.3.is_some() { "exact" } else { "area" }.into()))),
        ("lsoa", text(&|_, p| Some(p.1.to_owned()).filter(|l| !l.is_empty()))),
        ("district", text(&|_, p| p.2.map(str::to_owned))),
        ("easting", Arc::new(planted.iter().map(|p| p.3.map(|at| at.0)).collect::<Float64Array>())),
        ("northing", Arc::new(planted.iter().map(|p| p.3.map(|at| at.1)).collect::<Float64Array>())),
    ];
    let mut columns = columns.to_vec();
    columns.push(("in_area", Arc::new(BooleanArray::from(vec![true; planted.len()]))));
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap();
    let file = folder.join("events.parquet");
    let mut writer = ArrowWriter::try_new(fs::File::create(&file).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    file
}

/// The site of the workspace in a folder of its own, to be changed.
pub fn own_site(folder: &Path) -> PathBuf {
    let site = folder.join("site");
    copy_folder(&root().join("pipelines"), &site.join("pipelines"));
    site
}

#[track_caller]
pub fn edit(site: &Path, file: &str, from: &str, to: &str) {
    let path = site.join("pipelines").join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "`{from}` is not in {file}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// An analysis of a file of events, on a site of its own.
pub fn of_file(name: &str, site: &Path, events: &Path) -> Svp {
    analyse(name).arg("--site").arg(site).arg("--reference").arg(sample_data("reference")).arg("--events").arg(events)
}

/// A point in the middle of a town of the sample.
pub const TOWN: (f64, f64) = (323_600.0, 53_600.0);
