//! The data dictionary and the Open Data Contract Standard export, both read from the same schema files.

use std::fmt::Write;

use crate::{ColumnType, Nature, Sensitivity, Table};

fn type_name(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text => "text",
        ColumnType::Int32 | ColumnType::Int64 => "whole number",
        ColumnType::Float64 => "number",
        ColumnType::Boolean => "yes/no",
        ColumnType::Date => "date",
        ColumnType::Timestamp => "instant (UTC)",
        ColumnType::Token => "keyed token",
        ColumnType::Encoding => "keyed encoding",
        ColumnType::Sealed => "sealed number",
        ColumnType::Point => "easting and northing",
        ColumnType::Position => "longitude and latitude",
    }
}

fn sensitivity_name(s: Sensitivity) -> &'static str {
    match s {
        Sensitivity::Direct => "direct",
        Sensitivity::Quasi => "quasi",
        Sensitivity::Sensitive => "sensitive",
        Sensitivity::Open => "open",
    }
}

/// The data dictionary as Markdown.
#[must_use]
pub fn dictionary_markdown(tables: &[Table]) -> String {
    let mut out = String::from(
        "# Data dictionary\n\nMade from `schemas/`; do not edit. Columns marked *at the door* exist only while a row is mapped and are never stored.\n",
    );
    for table in tables {
        let _ = write!(
            out,
            "\n## {}\n\n{}\n\nGrain: {}. Zone: `{}`.{}\n\n| column | type | meaning | sensitivity |\n|---|---|---|---|\n",
            table.name,
            table.description.trim(),
            table.grain,
            table.zone,
            if table.sealed {
                " Stored sealed: without the key of the lake only `source` and `slot` can be read."
            } else {
                ""
            }
        );
        for c in &table.columns {
            let mut meaning = c.meaning.clone();
            if let Some(unit) = &c.unit {
                let _ = write!(meaning, " Unit: {unit}.");
            }
            if !c.codes.is_empty() {
                let codes: Vec<String> = c.codes.iter().map(|(k, v)| format!("`{k}` {v}")).collect();
                let _ = write!(meaning, " Codes: {}.", codes.join("; "));
            }
            if !c.from.is_empty() {
                let _ = write!(meaning, " Made from: {}.", c.from.join(", "));
            }
            if let Some(bound_to) = &c.bound_to {
                let _ = write!(meaning, " Bound to: {bound_to}.");
            }
            let door = if c.nature() == Nature::Working { " *at the door*" } else { "" };
            let need = if c.required { " (required)" } else { "" };
            let _ = writeln!(
                out,
                "| `{}`{door} | {}{need} | {meaning} | {} |",
                c.name,
                type_name(c.kind),
                sensitivity_name(c.sensitivity)
            );
        }
        if !table.sorted_by.is_empty() {
            let _ = write!(out, "\nRows of a slot are ordered by {}.\n", table.sorted_by.join(", "));
        }
        for check in &table.checks {
            let _ = write!(out, "\n- rule `{}` on `{}`: {}", check.rule, check.column, check.meaning);
        }
        if !table.checks.is_empty() {
            out.push('\n');
        }
    }
    out
}

/// The tables as an Open Data Contract Standard v3 document (YAML, since the standard asks for it). Every
/// string is written as a JSON string, which is valid YAML.
#[must_use]
pub fn odcs_yaml(tables: &[Table], version: &str) -> String {
    let quote = |s: &str| serde_json::Value::from(s).to_string();
    let mut out = format!(
        "apiVersion: v3.0.2\nkind: DataContract\nid: svp-canonical\nname: SVP canonical tables\nversion: {}\nstatus: active\nschema:\n",
        quote(version)
    );
    for table in tables {
        let _ = write!(
            out,
            "  - name: {}\n    logicalType: object\n    description: {}\n    properties:\n",
            table.name,
            quote(table.description.trim())
        );
        for c in table.columns.iter().filter(|c| c.nature() == Nature::Stored) {
            let logical = match c.kind {
                ColumnType::Int32 | ColumnType::Int64 => "integer",
                ColumnType::Float64 => "number",
                ColumnType::Boolean => "boolean",
                ColumnType::Date | ColumnType::Timestamp => "date",
                ColumnType::Text
                | ColumnType::Token
                | ColumnType::Encoding
                | ColumnType::Sealed
                | ColumnType::Point
                | ColumnType::Position => "string",
            };
            let _ = write!(
                out,
                "      - name: {}\n        logicalType: {logical}\n        physicalType: {}\n        required: {}\n        classification: {}\n        description: {}\n",
                c.name,
                quote(&c.kind.arrow().to_string()),
                c.required,
                sensitivity_name(c.sensitivity),
                quote(&c.meaning)
            );
        }
    }
    out
}
