//! Small readers: CSV as text, the files of a folder, the manifest of a release.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Text rows under a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// Parses CSV with a header.
    pub fn parse(text: &str) -> Self {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(false).from_reader(text.as_bytes());
        let mut rows = reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect::<Vec<_>>());
        let header = rows.next().unwrap_or_default();
        Self { header, rows: rows.collect() }
    }

    /// Reads a CSV file.
    pub fn read(path: &Path) -> Self {
        Self::parse(&fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
    }

    /// Position of a column.
    #[track_caller]
    pub fn at(&self, column: &str) -> usize {
        self.header
            .iter()
            .position(|c| c == column)
            .unwrap_or_else(|| panic!("no column {column} in {:?}", self.header))
    }

    /// The values of a column.
    #[track_caller]
    pub fn column(&self, column: &str) -> Vec<&str> {
        let at = self.at(column);
        self.rows.iter().map(|r| r[at].as_str()).collect()
    }

    /// Each row, by column.
    pub fn rows(&self) -> impl Iterator<Item = BTreeMap<&str, &str>> {
        self.rows.iter().map(|r| self.header.iter().map(String::as_str).zip(r.iter().map(String::as_str)).collect())
    }

    /// Two columns as a map from text to number; rows whose number is not one (a suppressed one) are left out.
    #[track_caller]
    pub fn counts(&self, key: &str, value: &str) -> BTreeMap<String, f64> {
        let keys = self.column(key);
        keys.iter().zip(self.column(value)).filter_map(|(k, v)| Some(((*k).to_owned(), v.parse().ok()?))).collect()
    }

    /// The only value.
    #[track_caller]
    pub fn one(&self) -> &str {
        assert_eq!((self.rows.len(), self.header.len()), (1, 1), "{self:?}");
        &self.rows[0][0]
    }
}

/// Every file under a folder, by its path in it, in order. The lock of the lake is left out: it says who wrote last.
pub fn files_under(folder: &Path) -> BTreeMap<String, PathBuf> {
    fn walk(folder: &Path, at: &str, out: &mut BTreeMap<String, PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if at.is_empty() { name.clone() } else { format!("{at}/{name}") };
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), &path, out);
            } else if name != "lease.lock" {
                out.insert(path, entry.path());
            }
        }
    }
    let mut out = BTreeMap::new();
    walk(folder, "", &mut out);
    out
}

/// Name and digest of every file of a release.
pub fn release_digests(release: &Path) -> BTreeMap<String, String> {
    files_under(release).into_iter().map(|(name, path)| (name, digest(&path))).collect()
}

fn digest(path: &Path) -> String {
    hex::encode(Sha256::digest(fs::read(path).unwrap()))
}

/// Fails the test unless every file that the manifest names is there with its digest, and no other. Returns the
/// number of files.
#[track_caller]
pub fn verify_release(release: &Path) -> usize {
    let text = fs::read(release.join("manifest.json")).unwrap_or_else(|e| panic!("{}: {e}", release.display()));
    let manifest: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let mut found = release_digests(release);
    found.remove("manifest.json").unwrap();
    let listed: BTreeMap<String, String> = manifest["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["path"].as_str().unwrap().to_owned(), f["sha256"].as_str().unwrap().to_owned()))
        .collect();
    assert!(!listed.is_empty());
    assert_eq!(found, listed, "{}", release.display());
    listed.len()
}
