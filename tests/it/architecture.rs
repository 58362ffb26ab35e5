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
    let is_module =
        |at: &usize| text[*at..].lines().nth(1).is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'));
    text.match_indices("#[cfg(test)]\n").map(|(at, _)| at).find(is_module).map_or(text, |at| &text[..at])
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

/// Circles of files that are known, with the reason for each: the crate, one file of the circle, why.
const KNOWN_CIRCLES: [(&str, &str, &str); 6] = [
    ("svp-ingest", "read", "a reader of each format is chosen by `read`, which gives all of them its terms"),
    ("svp-ingest", "read/error", "what is wrong with bytes is an error or a note, by how much of it there is"),
    ("svp-ingest", "reference", "boundaries, their checks and the dictionaries of places are one look-up"),
    ("svp-ingest", "desk/terms", "what two parties must have alike depends on what the mapping asks for"),
    ("svp-ingest", "receipt", "the account of the columns is a part of the receipt"),
    ("svp-ingest", "load", "a file is planned, read, mapped, revised and written in one pass"),
];

/// `crate::a::b`, `super::c` and paths through child modules that a text names, as written, one by one.
fn paths_in(text: &str) -> Vec<Vec<String>> {
    /// Reads one tree of a `use`; gives what is left behind it.
    fn tree<'a>(before: &[String], mut rest: &'a str, out: &mut Vec<Vec<String>>) -> &'a str {
        let mut path = before.to_vec();
        loop {
            rest = rest.trim_start();
            if let Some(mut inner) = rest.strip_prefix('{') {
                while inner.trim_start().starts_with(|c: char| c.is_alphabetic() || c == '_') {
                    inner = tree(&path, inner, out).trim_start().trim_start_matches(',');
                }
                return inner.trim_start().trim_start_matches('}');
            }
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            path.push(rest[..end].to_owned());
            rest = &rest[end..];
            match rest.strip_prefix("::") {
                Some(more) if more.starts_with(|c: char| c.is_alphabetic() || c == '{' || c == '_') => rest = more,
                _ => break,
            }
        }
        path.retain(|part| part != "self");
        out.push(path);
        let renamed = rest.trim_start().strip_prefix("as ").map(str::trim_start);
        renamed.map_or(rest, |name| name.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_'))
    }
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join("\n");
    let mut out = Vec::new();
    let mut rest = code.as_str();
    while let Some(at) = rest.find("::") {
        let word = rest[..at].trim_end_matches(|c: char| c.is_alphanumeric() || c == '_').len();
        rest = if word < at { tree(&[], &rest[word..], &mut out) } else { &rest[at + 2..] };
    }
    out
}

/// A file of a crate by its module path, `a/b`; the root is empty.
fn module_of(name: &str) -> String {
    let name = name.trim_end_matches(".rs");
    let name = ["/mod", "/lib", "/main"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    if ["lib", "main"].contains(&name) { String::new() } else { name.to_owned() }
}

/// Which modules of a crate name which others; `files` are its files with their text. A name that a module only hands on counts for
/// the module that has it, and the root, which declares all others, counts for none.
fn references(files: &BTreeMap<String, String>) -> BTreeMap<String, BTreeSet<String>> {
    let join = |parts: &[String]| parts.join("/");
    // The path from the root, if the first part of it is one of ours.
    let absolute = |module: &str, path: &[String]| -> Option<Vec<String>> {
        let mut base: Vec<String> = module.split('/').filter(|p| !p.is_empty()).map(str::to_owned).collect();
        match path.first().map(String::as_str) {
            Some("crate") => Some(path[1..].to_vec()),
            Some("super") => {
                let ups = path.iter().take_while(|p| *p == "super").count();
                base.truncate(base.len().checked_sub(ups)?);
                Some(base.into_iter().chain(path[ups..].iter().cloned()).collect())
            }
            first => {
                base.push(first?.to_owned());
                let child = files.contains_key(&join(&base));
                child.then(|| base.into_iter().chain(path[1..].iter().cloned()).collect())
            }
        }
    };
    let (mut handed_on, mut used): (BTreeMap<String, Vec<String>>, BTreeMap<&String, String>) = Default::default();
    for (module, text) in files {
        let text = text.replace("pub(crate) use ", "pub use ").replace("pub(super) use ", "pub use ");
        let mut parts = text.split("pub use ");
        let mut own = parts.next().unwrap_or_default().to_owned();
        for (statement, rest) in parts.map(|part| part.split_once(';').unwrap_or((part, ""))) {
            own.push_str(rest);
            for path in paths_in(statement) {
                if let (Some(to), Some(name)) = (absolute(module, &path), path.last()) {
                    handed_on.insert(format!("{module}/{name}").trim_start_matches('/').to_owned(), to);
                }
            }
        }
        used.insert(module, own);
    }
    let owner = |mut path: Vec<String>| -> String {
        for _ in 0..8 {
            let known = (0..=path.len()).rev().find(|n| files.contains_key(&join(&path[..*n]))).unwrap_or(0);
            match path.get(known).and_then(|_| handed_on.get(&join(&path[..=known]))) {
                Some(to) if *to != path[..=known] => path = to.iter().chain(&path[known + 1..]).cloned().collect(),
                _ => return join(&path[..known]),
            }
        }
        String::new()
    };
    used.iter()
        .map(|(module, text)| {
            let named = paths_in(text).into_iter().filter_map(|path| absolute(module, &path)).map(owner);
            ((*module).clone(), named.filter(|other| !other.is_empty() && other != *module).collect())
        })
        .collect()
}

/// Sets of nodes of which each can be reached from each other: circles.
fn circles(edges: &BTreeMap<String, BTreeSet<String>>) -> Vec<BTreeSet<String>> {
    let reached = |from: &String| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(node) = next.pop() {
            next.extend(edges.get(node).into_iter().flatten().filter(|to| seen.insert((*to).clone())));
        }
        seen
    };
    let reach: BTreeMap<&String, BTreeSet<String>> = edges.keys().map(|node| (node, reached(node))).collect();
    let mut out: Vec<BTreeSet<String>> = Vec::new();
    for (node, to) in &reach {
        let circle: BTreeSet<String> =
            to.iter().filter(|other| reach.get(other).is_some_and(|back| back.contains(*node))).cloned().collect();
        if circle.len() > 1 && !out.contains(&circle) {
            out.push(circle);
        }
    }
    out
}

#[test]
fn circles_are_found() {
    let files = |list: &[(&str, &str)]| list.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
    let planted: BTreeMap<String, String> = files(&[
        ("", "mod a; mod b; mod c; mod d; pub use c::{Third, self as third};"),
        ("a", "use crate::b::{self, Second}; // crate::d::not_named()"),
        ("b", "fn f() -> crate::Third { crate::Third }"),
        ("c", "use std::fmt; use super::{a::First, d};"),
        ("d", "mod e; fn f() { e::g() }"),
        ("d/e", "use super::super::a::Name as Other; use crate::c;"),
        ("f", "use crate::g::{\n    deep::{Er, est},\n    Er as Ror,\n};"),
        ("g", "pub struct Er;"),
        ("g/deep", "use crate::g::Er;"),
    ]);
    let of = |node: &str| references(&planted)[node].iter().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!([of("a"), of("b"), of("c"), of("d"), of("d/e")], ["b", "c", "a d", "d/e", "a c"]);
    assert_eq!([of("f"), of("g"), of("g/deep")], ["g g/deep", "", "g"]);
    let found = circles(&references(&planted));
    assert_eq!(found, [["a", "b", "c", "d", "d/e"].map(str::to_owned).into()]);
    let mut mended = planted;
    mended.insert("c".to_owned(), "use std::fmt; use crate::g::Er;".to_owned());
    assert!(circles(&references(&mended)).is_empty());
}

/// A file that uses another that uses it cannot be read, tested or moved without it.
#[test]
fn files_stand_in_no_circle() {
    let mut crates: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (name, text) in sources() {
        let Some((room, file)) = name.split_once("/src/") else { continue };
        let of_tests = file.ends_with("_tests.rs") || file.contains("/tests") || file.starts_with("bin/");
        let text = program(&name, &text);
        if !of_tests && !text.is_empty() {
            crates.entry(room.to_owned()).or_default().insert(module_of(file), text.to_owned());
        }
    }
    let mut unused: BTreeSet<&str> = KNOWN_CIRCLES.iter().map(|(_, file, _)| *file).collect();
    for (room, files) in &crates {
        for circle in circles(&references(files)) {
            let known = KNOWN_CIRCLES.iter().find(|(r, file, _)| r == room && circle.contains(*file));
            assert!(known.is_some_and(|(_, file, _)| unused.remove(file)), "{room}: a circle of files: {circle:?}");
        }
    }
    assert!(unused.is_empty(), "circles that are gone, and can leave the list: {unused:?}");
    assert!(crates.len() > 12, "only {} crates", crates.len());
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
