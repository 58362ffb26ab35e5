//! The generated pages of `docs/` are what the program says. `UPDATE_DOCS=1` writes them anew (`make docs`).

use std::fs;

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
