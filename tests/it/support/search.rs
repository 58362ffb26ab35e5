//! The search for clear text: every planted identifier, in every byte, decompressed.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use aho_corasick::AhoCorasick;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use flate2::read::GzDecoder;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use svp_functions::person::name_key::name_key;

use super::{Table, files_under, sample_data};

/// Surnames from this length on are searched inside of words too; the shorter ones as whole words.
const INSIDE: usize = 7;
/// Dates of birth from this one on are not searched: they are dates of events as well.
const BORN_BEFORE: &str = "2021-01-01";

/// What is searched for.
pub struct Needles {
    automaton: AhoCorasick,
    /// Kind, and whether only the whole word counts.
    about: Vec<(&'static str, bool)>,
}

impl Needles {
    /// Every identifier of `truth/people.csv` (true values) and `truth/appearances.csv` (as written in a record), in
    /// the spellings in which a program could let it slip.
    pub fn planted() -> Self {
        let mut words: BTreeMap<String, (&'static str, bool)> = BTreeMap::new();
        for file in ["people.csv", "appearances.csv"] {
            let table = Table::read(&sample_data("truth").join(file));
            for (column, kind) in [
                ("surname", "surname"),
                ("forename", "forename"),
                ("birth_date", "date of birth"),
                ("nhs_number", "NHS number"),
                ("upn", "UPN"),
                ("postcode", "postcode"),
                ("previous_postcode", "postcode"),
                ("person_key", "person id"),
                ("record_id", "record id"),
            ] {
                if !table.header.iter().any(|h| h == column) {
                    continue;
                }
                for value in table.column(column) {
                    for (word, whole) in spellings(kind, value.trim()) {
                        words.entry(word).or_insert((kind, whole));
                    }
                }
            }
        }
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(words.keys()).unwrap();
        Self { automaton, about: words.into_values().collect() }
    }

    /// How many needles there are of each kind.
    pub fn kinds(&self) -> BTreeMap<&'static str, usize> {
        let mut out = BTreeMap::new();
        for (kind, _) in &self.about {
            *out.entry(*kind).or_default() += 1;
        }
        out
    }

    /// Finds by kind and text, in some bytes.
    pub fn found_in(&self, bytes: &[u8]) -> BTreeMap<(&'static str, String), usize> {
        let mut out = BTreeMap::new();
        for hit in self.automaton.find_overlapping_iter(bytes) {
            let (kind, whole) = self.about[hit.pattern().as_usize()];
            let letter = |at: Option<usize>| at.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_alphanumeric);
            if whole && (letter(hit.start().checked_sub(1)) || letter(Some(hit.end()))) {
                continue;
            }
            let text = String::from_utf8_lossy(&bytes[hit.range()]).into_owned();
            *out.entry((kind, text)).or_default() += 1;
        }
        out
    }
}

/// The spellings of a value, and whether only the whole word counts.
fn spellings(kind: &str, value: &str) -> Vec<(String, bool)> {
    let squeezed: String = value.chars().filter(|c| !c.is_whitespace()).collect();
    match kind {
        "surname" | "forename" => {
            if value.chars().count() < 5 {
                return Vec::new();
            }
            let whole = kind == "forename" || value.chars().count() < INSIDE;
            let key = name_key(value).unwrap_or_default();
            [value.to_lowercase(), key.to_lowercase()]
                .into_iter()
                .filter(|w| w.len() >= 5)
                .map(|w| (w, whole))
                .collect()
        }
        "date of birth" => {
            let Some((y, m, d)) = parts(value) else { return Vec::new() };
            if format!("{y}-{m}-{d}").as_str() >= BORN_BEFORE {
                return Vec::new();
            }
            let forms = [
                format!("{y}-{m}-{d}"),
                format!("{d}/{m}/{y}"),
                format!("{d}-{m}-{y}"),
                format!("{y}/{m}/{d}"),
                format!("{y}{m}{d}"),
            ];
            forms.into_iter().map(|w| (w, true)).collect()
        }
        "NHS number" if squeezed.len() == 10 && squeezed != "0000000000" => {
            let (a, b, c) = (&squeezed[..3], &squeezed[3..6], &squeezed[6..]);
            vec![(squeezed.clone(), true), (format!("{a} {b} {c}"), true), (format!("{a}-{b}-{c}"), true)]
        }
        "UPN" if squeezed.len() == 13 => vec![(squeezed, true)],
        "postcode" if squeezed.len() >= 5 => {
            let (out, inward) = squeezed.split_at(squeezed.len() - 3);
            vec![(squeezed.clone(), true), (format!("{out} {inward}"), true), (format!("{out}  {inward}"), true)]
        }
        "person id" | "record id" if value.len() >= 6 => vec![(value.to_owned(), true)],
        _ => Vec::new(),
    }
}

/// Year, month, day of `yyyy-mm-dd` or `dd/mm/yyyy`.
fn parts(value: &str) -> Option<(&str, &str, &str)> {
    if let [y, m, d] = value.split('-').collect::<Vec<_>>()[..] {
        return Some((y, m, d));
    }
    match value.split('/').collect::<Vec<_>>()[..] {
        [d, m, y] => Some((y, m, d)),
        _ => None,
    }
}

/// The bytes of a file as they lie, and what they say once decompressed.
pub fn flat_text(path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    if bytes.starts_with(b"PAR1") {
        let cells = parquet_text(path);
        bytes.push(b'\n');
        bytes.extend(cells);
    } else if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).unwrap();
        bytes.push(b'\n');
        bytes.extend(plain);
    }
    bytes
}

fn parquet_text(path: &Path) -> Vec<u8> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap();
    let mut text = String::new();
    for batch in reader.build().unwrap() {
        let batch = batch.unwrap();
        for column in batch.columns() {
            let cells = ArrayFormatter::try_new(column, &FormatOptions::default()).unwrap();
            for row in 0..batch.num_rows() {
                cells.value(row).write(&mut text).unwrap();
                text.push('\n');
            }
        }
    }
    text.into_bytes()
}

/// Searches every file of a folder. Returns what was found (file, kind, text), the number of files and of bytes.
pub fn searched(needles: &Needles, folder: &Path) -> (Vec<String>, usize, usize) {
    let (mut found, mut files, mut bytes) = (Vec::new(), 0, 0);
    for (name, path) in files_under(folder) {
        let text = flat_text(&path);
        files += 1;
        bytes += text.len();
        found.extend(needles.found_in(&text).into_keys().map(|(kind, value)| format!("{name}: {kind} {value}")));
    }
    (found, files, bytes)
}
