//! `crates/README.md` is true: the floors, the paths, the plates and the fences.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{files_under, root};

fn page() -> String {
    fs::read_to_string(root().join("crates/README.md")).unwrap()
}

/// Words in backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Crate → (floor, crates that it may use), as the table says.
fn floors() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let page = page();
    let section = page.split("\n## Floors").nth(1).expect("a heading `## Floors`");
    let rows = section.lines().filter(|l| l.starts_with("| `svp"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim().trim_matches('|').split('|').map(str::trim).collect();
        let name = quoted(cells[0])[0].to_owned();
        let uses = quoted(cells.last().unwrap()).into_iter().map(str::to_owned).collect();
        (name, (cells[1].to_owned(), uses))
    })
    .collect()
}

/// Crate → crates of this workspace that it uses when it runs, as cargo says.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let out = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let name = |p: &serde_json::Value| p["name"].as_str().unwrap().to_owned();
    packages
        .iter()
        .filter(|p| name(p) != "svp-tests")
        .map(|p| {
            let uses = p["dependencies"].as_array().unwrap().iter().filter(|d| d["kind"].is_null()).map(name);
            (name(p), uses.filter(|d| d == "svp" || d.starts_with("svp-")).collect())
        })
        .collect()
}

#[test]
fn arrows_only_point_down() {
    let (floors, found) = (floors(), dependencies());
    assert_eq!(
        floors.keys().collect::<Vec<_>>(),
        found.keys().collect::<Vec<_>>(),
        "the crates of the table and of the workspace"
    );
    for (name, uses) in &found {
        let (floor, allowed) = &floors[name];
        let extra: Vec<_> = uses.difference(allowed).collect();
        assert!(extra.is_empty(), "{name} uses {extra:?}, and crates/README.md does not say so");
        for used in uses {
            let below = &floors[used].0;
            let level = |f: &str| f.parse::<i32>().unwrap_or(9);
            // Rooms of one floor do not know each other.
            assert!(level(below) < level(floor), "{name} (floor {floor}) uses {used} (floor {below})");
        }
    }
}

#[test]
fn every_path_that_is_named_is_there() {
    let root = root();
    let zones = ["canonical", "linkage", "linked", "quality", "published", "runs"];
    let mut looked = 0;
    for readme in ["crates/README.md", "README.md"] {
        let Ok(text) = fs::read_to_string(root.join(readme)) else { continue };
        for word in quoted(&text) {
            let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
            let first = word.split('/').next().unwrap_or_default();
            let made = ["target", "reference", "extracts", "lake", "docs"];
            if !plain
                || !word.trim_end_matches('/').contains('/')
                || word.starts_with('/')
                || zones.contains(&first)
                || made.contains(&first)
            {
                continue;
            }
            // A word such as `police/health` is no path: a path begins with a folder that is there.
            let bases: Vec<PathBuf> =
                [root.clone(), root.join("crates")].into_iter().filter(|b| b.join(first).exists()).collect();
            if readme == "README.md" && bases.is_empty() {
                continue;
            }
            looked += 1;
            assert!(bases.iter().any(|b| b.join(word).exists()), "{readme} names `{word}`, which is not there");
        }
    }
    assert!(looked > 20, "only {looked} paths");
}

/// Rust files of the crates, by their path in `crates/`.
fn sources() -> BTreeMap<String, String> {
    files_under(&root().join("crates"))
        .into_iter()
        .filter(|(name, _)| name.ends_with(".rs"))
        .map(|(name, path)| (name, fs::read_to_string(path).unwrap()))
        .collect()
}

/// The part of a file that is in the program, without its tests.
fn program<'a>(name: &str, text: &'a str) -> &'a str {
    let of_tests =
        ["/tests/", "/tests.rs", "/testing.rs", "/fixture.rs", "/random_tables.rs", "/benches/", "/examples/"]
            .iter()
            .any(|t| name.contains(t));
    if of_tests || name.starts_with("svp-testkit/") {
        return "";
    }
    text.find("#[cfg(test)]\nmod").map_or(text, |at| &text[..at])
}

#[test]
fn every_room_has_its_plate() {
    let words = ["//! What enters: ", "//! What leaves: ", "//! Never: ", "//! To add one: "];
    for name in floors().keys() {
        let folder = root().join("crates").join(name).join("src");
        let door = if name == "svp" { "main.rs" } else { "lib.rs" };
        let text = fs::read_to_string(folder.join(door)).unwrap();
        let lines: Vec<&str> = text.lines().take(4).collect();
        for (line, word) in lines.iter().zip(words) {
            assert!(line.starts_with(word), "{name}: the plate wants `{word}`, found `{line}`");
        }
    }
}

#[test]
fn no_file_is_long() {
    let long: Vec<String> = sources()
        .iter()
        .map(|(n, t)| (n, t.lines().count()))
        .filter(|(_, l)| *l > 600)
        .map(|(n, l)| format!("{n}: {l} lines"))
        .collect();
    assert!(long.is_empty(), "over 600 lines, wants to be two: {long:?}");
}

#[test]
fn one_copy_of_the_engine() {
    let lock: toml::Table = fs::read_to_string(root().join("Cargo.lock")).unwrap().parse().unwrap();
    let packages = lock["package"].as_array().unwrap();
    for name in ["datafusion", "arrow", "arrow-array", "parquet", "object_store", "deltalake-core", "chrono"] {
        let versions: Vec<&str> = packages
            .iter()
            .filter(|p| p["name"].as_str() == Some(name))
            .map(|p| p["version"].as_str().unwrap())
            .collect();
        assert_eq!(versions.len(), 1, "{name} {versions:?}");
    }
}

#[test]
fn only_the_lake_touches_files_and_only_the_binary_the_world() {
    let fences: [(&[&str], &[&str]); 4] = [
        (&["std::fs", "tokio::fs", "File::open(", "OpenOptions"], &["svp-lake/"]),
        (&["std::env::var", "env::args", "env::var("], &["svp/"]),
        (&["SystemTime::now", "Instant::now", "Utc::now"], &["svp/", "svp-lake/"]),
        (&["io::stdin", "io::stdout", "io::stderr", "ExitCode", "clap::"], &["svp/"]),
    ];
    for (name, text) in sources() {
        for (number, line) in program(&name, &text).lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for (words, homes) in fences {
                if homes.iter().any(|home| name.starts_with(home)) {
                    continue;
                }
                let word = words.iter().find(|w| line.contains(**w));
                assert!(word.is_none(), "crates/{name}:{}: {} outside {homes:?}", number + 1, word.unwrap());
            }
        }
    }
}

#[test]
fn sql_is_not_built_from_strings() {
    let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "CREATE ", "DROP "];
    for (name, text) in sources() {
        let text = program(&name, &text);
        for (at, _) in text.match_indices("format!(") {
            let inside = text[at + 8..].trim_start().trim_start_matches('"');
            assert!(
                !verbs.iter().any(|v| inside.starts_with(v)),
                "crates/{name} builds SQL: format!(\"{}…",
                &inside[..inside.len().min(40)]
            );
        }
        assert!(!text.contains("push_str(\"SELECT"), "crates/{name} builds SQL");
    }
}

/// The top level is what the house says, and what tools demand.
#[test]
fn the_doors_of_the_top_level() {
    let known = [
        "Cargo.toml",
        "Cargo.lock",
        "Makefile",
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "LICENSE",
        "schemas",
        "pipelines",
        "crates",
        "sample-data",
        "tests",
        "docs",
        "target",
        "clippy.toml",
        "deny.toml",
        "rustfmt.toml",
        "rust-toolchain.toml",
        "lake",
    ];
    let found = fs::read_dir(root()).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned());
    let strange: Vec<String> = found.filter(|n| !n.starts_with('.') && !known.contains(&n.as_str())).collect();
    assert!(strange.is_empty(), "{strange:?}");
}

/// The sample is safe to publish and small enough to ship.
#[test]
fn the_sample_is_small() {
    let bytes: u64 = files_under(&root().join("sample-data")).values().map(|p: &PathBuf| size(p)).sum();
    assert!(bytes < 8_000_000, "{bytes} bytes");
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}
