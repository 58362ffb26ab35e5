//! The generated pages of `docs/` are what the program says. `UPDATE_DOCS=1` writes them anew (`make docs`).

use std::fs;
use std::path::Path;

use crate::support::{root, svp};

fn check(file: &str, text: &str) {
    let path = root().join("docs").join(file);
    let text = format!("{}\n", text.trim_end());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &text).unwrap();
        return;
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    if written == text {
        return;
    }
    let line = written.lines().zip(text.lines()).take_while(|(a, b)| a == b).count();
    panic!(
        "docs/{file} is not what the program says; run `make docs`\nfirst difference in line {}:\n  page:    {}\n  program: {}",
        line + 1,
        written.lines().nth(line).unwrap_or("(the end)"),
        text.lines().nth(line).unwrap_or("(the end)"),
    );
}

fn dictionary(kind: &str) -> String {
    svp(["dictionary", kind]).run().good().stdout
}

/// The source of every test of the workspace.
fn sources(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

/// A page that says which test holds an attack names no test and no file that is not there.
#[test]
fn every_test_that_the_page_of_attacks_names_is_there() {
    let page = fs::read_to_string(root().join("docs/attacks.md")).unwrap();
    let mut code = String::new();
    ["crates", "tests"].iter().for_each(|folder| sources(&root().join(folder), &mut code));
    let (mut tests, mut files) = (0, 0);
    for word in page.split('`').skip(1).step_by(2) {
        if word.contains('/') && !word.contains([' ', '*']) && !word.starts_with("http") {
            // Folders of a lake are none of the tree.
            let of_a_lake = ["runs/", "ledger/", "recovered/", "published/"].contains(&word);
            assert!(of_a_lake || root().join(word).exists(), "docs/attacks.md names {word}");
            files += 1;
        }
        let named = word.matches('_').count() > 1
            && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit());
        if named && !root().join(format!("pipelines/outputs/{word}.sql")).exists() {
            assert!(code.contains(&format!("fn {word}(")), "docs/attacks.md names the test {word}");
            tests += 1;
        }
    }
    assert!(tests > 50 && files > 20, "{tests} tests and {files} files");
}

#[test]
fn the_data_dictionary() {
    check("data-dictionary.md", &dictionary("tables"));
}

#[test]
fn the_functions() {
    check("functions.md", &dictionary("functions"));
}

#[test]
fn the_data_contract() {
    let text = dictionary("odcs");
    for word in ["apiVersion:", "kind: DataContract", "schema:"] {
        assert!(text.contains(word), "`{word}` is not in the contract");
    }
    check("data-contract.yaml", &text);
}

#[test]
fn the_command_line() {
    let mut page = String::from("# The command line\n");
    let commands: [&[&str]; 20] = [
        &[],
        &["check"],
        &["area"],
        &["area", "new"],
        &["run"],
        &["pseudonymise"],
        &["disclose"],
        &["sql"],
        &["key"],
        &["key", "new"],
        &["key", "show"],
        &["unload"],
        &["trial"],
        &["trial", "choose"],
        &["trial", "power"],
        &["trial", "assign"],
        &["trial", "patrols"],
        &["trial", "dosage"],
        &["trial", "evaluate"],
        &["dictionary"],
    ];
    for command in commands {
        let help = svp(command).arg("--help").run().good().stdout;
        let lines: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
        let name = std::iter::once("svp").chain(command.iter().copied()).collect::<Vec<_>>().join(" ");
        page.push_str(&format!("\n## `{name}`\n\n```text\n{}\n```\n", lines.join("\n")));
    }
    for code in ["  0  done", "  9  disclosure"] {
        assert!(page.contains(code), "the exit codes are not in the help");
    }
    check("cli.md", &page);
}

/// Every kind of finding stands in the page that a data engineer follows, with what it means and what to do.
#[test]
fn the_findings() {
    let page = std::fs::read_to_string(root().join("docs/intake.md")).unwrap();
    for kind in svp_contract::FindingKind::ALL {
        let refuses = if kind.refuses() { "yes" } else { "no" };
        let row = format!("| `{kind}` | {refuses} | {} | {} |", kind.meaning(), kind.advice());
        assert!(page.contains(&row), "docs/intake.md lacks: {row}");
    }
}
