//! The function reference as Markdown, rendered from the documentation that each function carries.

use std::fmt::Write;

use datafusion::logical_expr::ScalarUDF;

use crate::{AreaBox, Areas, CodeMaps, Lookups, bound, register_list};

/// The reference of all functions, free and bound, by chapter in the order of the list.
pub fn reference_markdown() -> String {
    let mut functions = register_list();
    functions.extend(bound(CodeMaps::default(), Lookups::default(), Areas::default(), AreaBox::default()));
    let mut chapters: Vec<&str> = Vec::new();
    for label in functions.iter().filter_map(|udf| udf.documentation()).map(|doc| doc.doc_section.label) {
        if !chapters.contains(&label) {
            chapters.push(label);
        }
    }
    let mut page =
        String::from("# SQL functions\n\nNULL in, NULL out; a value that cannot be read is NULL, never an error.\n");
    for chapter in chapters {
        // Writing to a String cannot fail; `ok` only discards that impossible result.
        writeln!(page, "\n## {chapter}").ok();
        for udf in &functions {
            entry(&mut page, chapter, udf);
        }
    }
    page
}

fn entry(page: &mut String, chapter: &str, udf: &ScalarUDF) {
    let Some(doc) = udf.documentation().filter(|doc| doc.doc_section.label == chapter) else {
        return;
    };
    let returns = udf.return_type(&[]).map(|kind| kind.to_string()).unwrap_or_default();
    writeln!(page, "\n### `{}` → {returns}\n\n{}\n", doc.syntax_example, doc.description).ok();
    for (name, about) in doc.arguments.iter().flatten() {
        writeln!(page, "- `{name}`: {about}").ok();
    }
    if let Some(example) = &doc.sql_example {
        writeln!(page, "\n{example}").ok();
    }
}
