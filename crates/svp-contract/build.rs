//! Lists the files of `schemas/` that describe a table, so that a new table is a new file and nothing else.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a build script reads files and speaks to cargo"
)]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo names the crate's folder"));
    let schemas = manifest.join("../../schemas");
    println!("cargo::rerun-if-changed={}", schemas.display());
    let mut files: Vec<PathBuf> = fs::read_dir(&schemas)
        .expect("the folder schemas/ stands beside crates/")
        .map(|entry| entry.expect("an entry of schemas/").path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml") && describes_a_table(path))
        .collect();
    files.sort();
    let mut list = String::from("&[\n");
    for path in &files {
        let name = path.file_name().and_then(|n| n.to_str()).expect("a name in UTF-8");
        let path = path.canonicalize().expect("a path that exists");
        writeln!(list, "    ({name:?}, include_str!({:?})),", path.display().to_string()).expect("text");
    }
    list.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo names the folder for what is made"));
    fs::write(out.join("schemas.rs"), list).expect("the list can be written");
}

/// Other lists lie there too, such as the words that mean "missing".
fn describes_a_table(path: &Path) -> bool {
    fs::read_to_string(path).expect("a schema can be read").contains("\n[[column]]")
}
