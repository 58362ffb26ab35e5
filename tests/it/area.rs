//! `svp area`: any police force of England and Wales has its area file in one command.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::{CLOCK, KEY, Ran, aloud, copy_folder, number, root, svp};

/// A site as it ships.
fn site() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let site = folder.path().join("site");
    copy_folder(&root().join("pipelines"), &site.join("pipelines"));
    (folder, site)
}

fn at(site: &Path, words: &[&str]) -> Ran {
    svp(["--site"]).arg(site).args(words).run()
}

/// Code and name of each force.
fn forces(site: &Path) -> Vec<(String, String)> {
    let listed = at(site, &["area", "list"]).good().stdout;
    listed.lines().map(|l| (l[..9].to_owned(), l[11..35].trim().to_owned())).collect()
}

#[test]
fn a_new_area_says_what_it_wants() {
    let (_folder, site) = site();
    let ran = at(&site, &["area", "new", "--force", "Kent", "--from", "2023-04", "--to", "2025-03"]).good();
    let file = site.join("pipelines/areas/kent.toml");
    let text = fs::read_to_string(&file).unwrap();
    for wanted in [
        "police_force = \"E23000032\"",
        "name = \"Canterbury\"",
        "from = \"2023-04\"",
        "optional = true",
        "police_street/kent",
    ] {
        assert!(text.contains(wanted), "`{wanted}` is not in:\n{text}");
    }
    // Every file that it wants is listed, with its publisher.
    let area: toml::Table = text.parse().unwrap();
    let wanted: BTreeSet<&str> =
        area["reference"].as_array().unwrap().iter().map(|r| r["path"].as_str().unwrap()).collect();
    assert!(wanted.len() >= 9, "{wanted:?}");
    for path in &wanted {
        assert!(ran.stdout.contains(path), "{path} is not in:\n{}", ran.stdout);
    }
    assert_eq!(ran.stdout.matches("  missing  ").count(), wanted.len(), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("Office for National Statistics") && ran.stdout.contains("English Indices of Deprivation")
    );
    // The definitions are in order; what is missing are the files, and all of them are told.
    at(&site, &["check"]).good();
    let check = at(&site, &["check", "--area", "kent"]).ended(4);
    for path in &wanted {
        assert!(check.stderr.contains(path), "{path} is not in:\n{}", check.stderr);
    }
    // A file that is there is seen.
    let reference = site.join("reference/population");
    fs::create_dir_all(&reference).unwrap();
    fs::write(reference.join("population22_lsoa21.csv"), "LSOA 2021 Code,Total\n").unwrap();
    let again = ["area", "new", "--force", "E23000032", "--out"];
    let out = site.join("pipelines/areas/kent_again.toml");
    let ran = at(&site, &[&again[..], &[out.to_str().unwrap()]].concat()).good();
    assert!(ran.stdout.contains("  there    population/population22_lsoa21.csv*"), "{}", ran.stdout);
    assert!(fs::read_to_string(out).unwrap().contains("name = \"kent_again\""));
    // An area is never written over, and a force that is none has a hint.
    at(&site, &["area", "new", "--force", "kent police"]).ended(2).says(&["there already", "--out"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    at(&site, &["area", "new", "--force", "Kemt"]).ended(2).says(&["Kemt", "did you mean `Kent`?"]);
    let wrong = at(&site, &["area", "new", "--force", "Essex", "--from", "2025-13", "--to", "2025-14"]).ended(3);
    wrong.says(&["no month of the calendar", "write YYYY-MM"]);
    at(&site, &["area", "new", "--force", "Essex", "--audience", "nobody"]).ended(2).says(&["nobody"]);
    assert!(!site.join("pipelines/areas/essex.toml").exists());
}

#[test]
fn every_force_has_an_area_that_passes_the_check_of_definitions() {
    let (_folder, site) = site();
    // Outputs and analyses are checked elsewhere.
    fs::remove_dir_all(site.join("pipelines/analyses")).unwrap();
    let forces = forces(&site);
    assert_eq!(forces.len(), 43, "{forces:?}");
    for (code, name) in &forces {
        let wish = if code.ends_with('5') { code } else { name };
        let out = site.join(format!("pipelines/areas/force_{code}.toml"));
        at(&site, &["area", "new", "--force", wish, "--audience", "public", "--out", out.to_str().unwrap()]).good();
        let text = fs::read_to_string(&out).unwrap();
        assert!(text.contains(&format!("police_force = \"{code}\"")), "{name}:\n{text}");
    }
    at(&site, &["check"]).good().says(&["45 areas are in order"]);
}

fn data() -> Option<PathBuf> {
    match std::env::var("SVP_DATA") {
        Ok(folder) if !folder.is_empty() => Some(fs::canonicalize(folder).unwrap()),
        _ => {
            aloud("SKIPPED: SVP_DATA is not set, so the official lookups and another force were not read");
            None
        }
    }
}

#[test]
fn the_districts_are_those_of_the_official_lookup() {
    let Some(data) = data() else { return };
    let text = fs::read_to_string(data.join("lookups/lookup_ltla24_csp24_pfa24.csv")).unwrap();
    let mut official: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in csv::Reader::from_reader(text.as_bytes()).records() {
        let row = row.unwrap();
        official.entry(row[4].to_owned()).or_default().insert(row[0].to_owned());
    }
    let ours = fs::read_to_string(root().join("pipelines/reference/police_force_districts.csv")).unwrap();
    let mut shipped: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(ours.as_bytes()).records() {
        let row = row.unwrap();
        shipped.entry(row[0].to_owned()).or_default().insert(row[1].to_owned());
    }
    assert_eq!(shipped, official);
    assert_eq!((shipped.len(), shipped.values().map(BTreeSet::len).sum::<usize>()), (43, 318));
}

/// Three months of Dorset, whose districts were made in 2019 of others.
#[test]
fn another_force_runs_on_real_months() {
    let Some(data) = data() else { return };
    let (folder, site) = site();
    at(&site, &["area", "new", "--force", "Dorset", "--audience", "public", "--from", "2018-10", "--to", "2018-12"])
        .good();
    let reference = folder.path().join("reference");
    for part in ["boundaries/lad", "lookups"] {
        fs::create_dir_all(reference.join(part)).unwrap();
    }
    for file in
        ["lookup_lsoa21_ward24_ltla24.csv.gz", "lookup_ltla24_csp24_pfa24.csv", "lookup_lsoa11_lsoa21_ltla22.csv.gz"]
    {
        fs::copy(data.join("lookups").join(file), reference.join("lookups").join(file)).unwrap();
    }
    fs::copy(
        data.join("boundaries/lad/local_authorities.json"),
        reference.join("boundaries/lad/local_authorities.json"),
    )
    .unwrap();
    // What is not there is taken out of the area file, as a user would.
    let file = site.join("pipelines/areas/dorset.toml");
    let mut area: toml::Table = fs::read_to_string(&file).unwrap().parse().unwrap();
    let there = |entry: &toml::Value| {
        let path = entry["path"].as_str().unwrap();
        path.starts_with("boundaries/lad") || (path.starts_with("lookups/") && !path.contains("oa21"))
    };
    let kept = area["reference"].as_array().unwrap().iter().filter(|e| there(e)).cloned().collect();
    area.insert("reference".into(), toml::Value::Array(kept));
    area.insert("definitions".into(), toml::Value::Array(vec!["open_data_stand_in".into()]));
    fs::write(&file, toml::to_string(&area).unwrap()).unwrap();
    let (lake, key) = (folder.path().join("lake"), folder.path().join("key"));
    fs::write(&key, KEY).unwrap();
    let months = folder.path().join("months");
    fs::create_dir_all(&months).unwrap();
    for month in ["2018-10", "2018-11", "2018-12"] {
        let name = format!("{month}-dorset-street.csv.gz");
        fs::copy(data.join("police_street/other-forces").join(&name), months.join(&name)).unwrap();
    }
    svp(["--site"])
        .arg(&site)
        .args(["run", "--area", "dorset", "--clock", CLOCK, "--reference"])
        .arg(&reference)
        .arg("--input")
        .arg(format!("police_street={}", months.display()))
        .arg("--lake")
        .arg(&lake)
        .arg("--key")
        .arg(&key)
        .run()
        .good();
    // Rows of the three files, those without coordinates, and violence (counted in the publisher's files).
    assert_eq!(number(&lake, "SELECT sum(rows_read) FROM receipt"), 6440 + 5898 + 5807);
    assert_eq!(number(&lake, "SELECT count(*) FROM event WHERE longitude IS NULL"), 271 + 230 + 225);
    let inside = number(&lake, "SELECT count(*) FROM event WHERE district IN ('E06000058', 'E06000059')");
    let placed = number(&lake, "SELECT count(*) FROM event WHERE longitude IS NOT NULL");
    assert!(inside * 100 >= placed * 99, "{inside} of {placed} events with a point are in Dorset");
    let release = lake.join("published/000001-dorset-public");
    assert!(release.join("report.html").is_file());
}
