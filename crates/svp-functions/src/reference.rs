//! The function reference as Markdown, rendered from the documentation that each function carries.

use std::fmt::Write;

use datafusion::logical_expr::Documentation;
use datafusion::logical_expr::function::WindowUDFFieldArgs;

use crate::{AreaBox, Areas, CodeMaps, Lookups, bound, register_list, window_list};

/// The reference of all functions, free and bound, by chapter in the order of the list.
pub fn reference_markdown() -> String {
    let bound = bound(CodeMaps::default(), Lookups::default(), Areas::default(), AreaBox::default());
    let scalar = register_list().into_iter().chain(bound.scalar).filter_map(|udf| {
        let returns = udf.return_type(&[]).map(|kind| kind.to_string()).unwrap_or_default();
        udf.documentation().map(|doc| (doc.clone(), returns))
    });
    let window = window_list().into_iter().chain(bound.window).filter_map(|udwf| {
        let field = udwf.field(WindowUDFFieldArgs::new(&[], udwf.name()));
        let returns = field.map(|field| field.data_type().to_string()).unwrap_or_default();
        udwf.documentation().map(|doc| (doc.clone(), returns))
    });
    let functions: Vec<(Documentation, String)> = scalar.chain(window).collect();
    let mut chapters: Vec<&str> = Vec::new();
    for label in functions.iter().map(|(doc, _)| doc.doc_section.label) {
        if !chapters.contains(&label) {
            chapters.push(label);
        }
    }
    let mut page =
        String::from("# SQL functions\n\nNULL in, NULL out; a value that cannot be read is NULL, never an error.\n");
    for chapter in chapters {
        // Writing to a String cannot fail; `ok` only discards that impossible result.
        writeln!(page, "\n## {chapter}").ok();
        for (doc, returns) in functions.iter().filter(|(doc, _)| doc.doc_section.label == chapter) {
            entry(&mut page, doc, returns);
        }
    }
    page
}

fn entry(page: &mut String, doc: &Documentation, returns: &str) {
    writeln!(page, "\n### `{}` → {returns}\n\n{}\n", doc.syntax_example, doc.description).ok();
    for (name, about) in doc.arguments.iter().flatten() {
        writeln!(page, "- `{name}`: {about}").ok();
    }
    if let Some(example) = &doc.sql_example {
        writeln!(page, "\n{example}").ok();
    }
}
