//! What is published does not depend on the order in which deliveries came: a first release after any order of loads has the same
//! figures, and the people are the same groups of records under other keys.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{KEY, aloud, copy_folder, files_under, release_digests, sample, sample_command, sample_data, sql};

/// Folders of the sample that are deliveries.
const DELIVERIES: [&str; 7] = ["police_street", "police_rms", "stop_search", "ecds", "istv", "cin", "ssda903"];

/// The sample's files dealt into parts; every part holds some of each source.
fn dealt(parts: usize) -> Vec<Vec<(String, PathBuf)>> {
    let mut out = vec![Vec::new(); parts];
    for folder in DELIVERIES {
        // A return of several tables is one delivery: its files stay together.
        let mut deliveries: BTreeMap<String, Vec<(String, PathBuf)>> = BTreeMap::new();
        for (name, path) in files_under(&sample_data(folder)) {
            let whole = if folder == "ssda903" { name[..12].to_owned() } else { name.clone() };
            deliveries.entry(whole).or_default().push((format!("{folder}/{name}"), path));
        }
        for (i, files) in deliveries.into_values().enumerate() {
            out[i % parts].extend(files);
        }
    }
    out
}

/// Adds files to the folder of extracts.
fn give(extracts: &Path, files: &[(String, PathBuf)]) {
    for (name, path) in files {
        let to = extracts.join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(path, to).unwrap();
    }
}

/// The groups of records that are people.
fn people(lake: &Path) -> BTreeSet<BTreeSet<String>> {
    let links = sql(lake, "SELECT person_key, person_record_id FROM person_link");
    let mut people: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (key, record) in links.column("person_key").into_iter().zip(links.column("person_record_id")) {
        people.entry(key).or_default().insert(record.to_owned());
    }
    people.into_values().collect()
}

/// The one release of a lake.
fn release(lake: &Path) -> PathBuf {
    let found: Vec<PathBuf> = fs::read_dir(lake.join("published")).unwrap().map(|e| e.unwrap().path()).collect();
    found.into_iter().filter(|p| p.is_dir()).max().unwrap()
}

/// Digests of the tables that hold figures: what else is published names the run and the number of the release in its head.
fn figures(release: &Path) -> BTreeMap<String, String> {
    release_digests(release).into_iter().filter(|(name, _)| name.ends_with(".csv")).collect()
}

/// Pairs of records that are one person.
fn pairs(people: &BTreeSet<BTreeSet<String>>) -> BTreeSet<(&str, &str)> {
    let mut out = BTreeSet::new();
    for person in people {
        let records: Vec<&str> = person.iter().map(String::as_str).collect();
        for (i, first) in records.iter().enumerate() {
            out.extend(records[i + 1..].iter().map(|second| (*first, *second)));
        }
    }
    out
}

#[test]
fn a_first_release_is_the_same_in_any_order_of_deliveries() {
    let wanted = sample();
    let people_wanted = people(&wanted.lake);
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("key"), KEY).unwrap();
    let (lake, extracts) = (folder.path().join("lake"), folder.path().join("extracts"));
    let command = || sample_command(&lake, &folder.path().join("key")).arg("--extracts").arg(&extracts);
    copy_folder(&sample_data("reference"), &extracts.join("reference"));
    // Every second month first, then those between them, the last of all sources before.
    for part in dealt(2).iter().rev() {
        give(&extracts, part);
        command().arg("--ingest-only").run().good();
    }
    command().run().good();
    assert!(people(&lake) == people_wanted, "other people");
    let (found, wanted) = (figures(&release(&lake)), figures(&wanted.release));
    assert!(wanted.len() > 20, "only {} tables", wanted.len());
    let other: Vec<&String> = wanted.keys().filter(|name| found.get(*name) != wanted.get(*name)).collect();
    assert!(other.is_empty() && found.len() == wanted.len(), "other figures in {other:?}");
}

#[test]
fn people_of_runs_that_follow_one_another_beside_one_full_link() {
    let wanted = people(&sample().lake);
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("key"), KEY).unwrap();
    let (lake, extracts) = (folder.path().join("lake"), folder.path().join("extracts"));
    let command = || sample_command(&lake, &folder.path().join("key")).arg("--extracts").arg(&extracts);
    copy_folder(&sample_data("reference"), &extracts.join("reference"));
    // A first half, then a sixth and another: the later runs are too small to learn the weights anew.
    let parts = dealt(12);
    for part in [&parts[..10], &parts[10..11], &parts[11..]] {
        give(&extracts, &part.concat());
        command().run().good();
    }
    let found = people(&lake);
    let (now, then) = (pairs(&found), pairs(&wanted));
    let both = now.intersection(&then).count() as f64;
    let (precision, recall) = (both / now.len() as f64, both / then.len() as f64);
    aloud(&format!(
        "three runs that follow one another beside one full link: {} people beside {}, {} of {} pairs the same, \
         precision {precision:.4}, recall {recall:.4}",
        found.len(),
        wanted.len(),
        both,
        then.len()
    ));
    assert!(precision > 0.98 && recall > 0.98, "precision {precision}, recall {recall}");
}
