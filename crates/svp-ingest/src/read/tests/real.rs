//! Real files, when `SVP_DATA` names the folder that holds them.

#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use std::fs::File;
use std::path::{Path, PathBuf};

use super::*;

const STREET: [&str; 12] = [
    "Crime ID",
    "Month",
    "Reported by",
    "Falls within",
    "Longitude",
    "Latitude",
    "Location",
    "LSOA code",
    "LSOA name",
    "Crime type",
    "Last outcome category",
    "Context",
];

fn data(part: &str) -> Option<PathBuf> {
    match std::env::var_os("SVP_DATA") {
        Some(root) => Some(Path::new(&root).join(part)),
        None => {
            println!("SKIPPED: SVP_DATA is not set, {part} was not read");
            None
        }
    }
}

fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let mut out: Vec<PathBuf> = entries.filter(|p| p.to_string_lossy().ends_with(end)).collect();
    out.sort();
    out
}

fn open_file(kind: &ReaderKind, expected: &Expected, path: &Path) -> Result<Box<dyn RowReader>, ReadError> {
    open(kind, expected, &path.to_string_lossy(), Box::new(File::open(path).unwrap()), 8192)
}

#[test]
fn thirty_months_of_street_crime_have_345738_rows() {
    let Some(folder) = data("police_street/devon-and-cornwall") else {
        return;
    };
    let (mut rows, mut violence, mut bytes) = (0, 0, 0);
    let start = std::time::Instant::now();
    let found = files(&folder, ".csv.gz");
    for path in &found {
        let mut reader = open_file(&plain_csv(), &expect(&STREET), path).unwrap();
        while let Some(part) = reader.next_batch().unwrap() {
            assert!(part.bad.is_empty());
            rows += part.rows.len();
            let kinds = part.batch.column(9).as_string::<i32>();
            violence += kinds.iter().flatten().filter(|k| *k == "Violence and sexual offences").count();
            bytes += part.batch.columns().iter().map(|c| c.as_string::<i32>().value_data().len()).sum::<usize>();
        }
    }
    println!("{} files, {rows} rows, {bytes} bytes of text in {:?}", found.len(), start.elapsed());
    assert_eq!((found.len(), rows, violence), (30, 345_738, 110_238));
}

#[test]
fn every_csv_has_the_rows_that_the_csv_crate_sees() {
    for part in [
        "police_street/other-forces",
        "stop_search",
        "safeguarding/ssda903",
        "emergency/odi_ae_mock",
        "emergency/nemsqar_ambulance",
    ] {
        let Some(folder) = data(part) else { return };
        for path in files(&folder, ".csv").into_iter().chain(files(&folder, ".csv.gz")) {
            let kind = csv_kind(Encoding::Auto);
            let names = super::super::header(&kind, "f", Box::new(File::open(&path).unwrap())).unwrap();
            let expected = Expected { columns: names.clone(), ..Expected::default() };
            let ours = drain(open_file(&kind, &expected, &path).unwrap()).unwrap();
            let input: Box<dyn std::io::Read> = match path.extension().is_some_and(|e| e == "gz") {
                true => Box::new(flate2::read::MultiGzDecoder::new(File::open(&path).unwrap())),
                false => Box::new(File::open(&path).unwrap()),
            };
            let mut theirs = ::csv::ReaderBuilder::new().flexible(true).from_reader(input);
            let mut count = 0;
            let mut good = ours.rows.iter();
            for record in theirs.byte_records() {
                count += 1;
                let record = record.unwrap();
                if ours.bad.iter().any(|b| b.row == count) {
                    continue;
                }
                let (row, values) = good.next().unwrap();
                assert_eq!(*row, count);
                for (a, b) in values.iter().zip(&record) {
                    let b = String::from_utf8_lossy(b);
                    if !b.contains('\u{fffd}') {
                        assert_eq!(a.as_deref().unwrap_or_default(), if b.trim().is_empty() { "" } else { &b });
                    }
                }
            }
            assert_eq!(ours.records, count);
            println!("{}: {count} records, {} bad, {:?}", path.display(), ours.bad.len(), ours.notes);
        }
    }
}

#[test]
fn every_census_has_its_children() {
    let Some(folder) = data("safeguarding/cin_census") else {
        return;
    };
    for path in files(&folder, ".xml") {
        let text = std::fs::read_to_string(&path).unwrap();
        for (record, tag) in [
            ("Child", "<Child>"),
            ("Child/CINdetails", "<CINdetails>"),
            ("Child/CINdetails/Assessments", "<Assessments>"),
        ] {
            let kind = ReaderKind::Xml(XmlOptions::new(format!("Message/Children/{record}")));
            let columns =
                ["ChildIdentifiers/LAchildID", "/Header/Source/LEA", "FactorsIdentifiedAtAssessment/AssessmentFactors"];
            let out = drain(open_file(&kind, &expect(&columns), &path).unwrap()).unwrap();
            assert_eq!(out.records as usize, text.matches(tag).count(), "{} {record}", path.display());
            assert!(out.values().iter().all(|v| v[0] != "-" && v[1].len() == 3));
        }
    }
}
