//! Columns and cells that identify people, and rows that are people. Findings say the kind and the place, never a value.

use std::collections::BTreeSet;

use super::finding::{Findings, IdentifierKind, Rule};
use super::headers::{behind_member, small_in};
use super::identifiers::{has_title, kinds_in};
use super::label::{Label, Part};
use super::read::{Column, GivenTable, Role};
use super::tokens::words;
use super::vocabulary::Vocabulary;
use crate::Policy;

/// Words of a header that say whom a row is about.
const NAMES: &[&str] = &[
    "email",
    "mobile",
    "address",
    "postcode",
    "postcodes",
    "nhs",
    "officer",
    "alias",
    "nickname",
    "username",
    "fullname",
];
/// The same, of what can also be a number.
const NUMBERED: &[&str] = &[
    "forename",
    "forenames",
    "surname",
    "surnames",
    "firstname",
    "lastname",
    "telephone",
    "phone",
    "uprn",
    "nino",
    "upn",
];
/// The same, of dates that are never published however coarse.
const BIRTH: &[&str] = &["dob", "birth", "birthday", "birthdate", "born"];
/// Words of a header for one person.
const PERSONS: &[&str] = &[
    "person",
    "victim",
    "suspect",
    "patient",
    "offender",
    "child",
    "pupil",
    "witness",
    "client",
    "nominal",
    "subject",
    "perpetrator",
];
/// Words of a header that say that it numbers records.
const KEYS: &[&str] =
    &["id", "ids", "key", "ref", "reference", "urn", "uuid", "number", "token", "crn", "case", "record"];
/// A table of fewer rows is not called record-level.
const FEW_ROWS: usize = 3;

/// Looks at every header and every cell, whatever a column is taken for.
pub(super) fn check(table: &GivenTable, vocabulary: &Vocabulary, policy: &Policy, found: &mut Findings) {
    for column in &table.columns {
        for (rule, detail) in &column.header_found {
            match detail {
                Some(detail) => found.add_because(*rule, &column.name, None, detail),
                None => found.add(*rule, &column.name, None),
            }
        }
        let numbers = matches!(column.role, Role::Count | Role::Rate | Role::Base | Role::Statistic | Role::Amount);
        // What is a known member of a dimension identifies nobody; a column that is about people does, whatever it holds.
        let known = column.role == Role::Label && !column.declared && !names_a_person(column);
        for (row, text) in column.texts.iter().enumerate() {
            let label = column.labels.get(row).and_then(Option::as_ref);
            let area = |l: &Label| matches!(&l.parts[..], [Part::Code(kind, _)] if kind != "grid square");
            if label.is_some_and(|l| known || area(l)) {
                continue;
            }
            for kind in kinds_in(text) {
                found.add(Rule::Identifier(kind), &column.name, Some(row));
            }
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            let long = if numbers { 8 } else { 6 };
            let coordinate =
                column.why.starts_with("coordinates") || text.contains('.') && column.number(row).is_some();
            if digits >= long
                && !coordinate
                && (numbers || column.declared)
                && text.bytes().all(|b| b.is_ascii_digit() || b" ,-/".contains(&b))
            {
                found.add(Rule::Identifier(IdentifierKind::Reference), &column.name, Some(row));
            }
            if has_title(text, vocabulary) {
                found.add(Rule::Identifier(IdentifierKind::Named), &column.name, Some(row));
            }
            let unread = matches!(column.role, Role::Label | Role::Unknown)
                && !column.labels.get(row).is_some_and(Option::is_some);
            if unread && (small_in(text, vocabulary, policy) || behind_member(text, &column.texts, vocabulary, policy))
            {
                found.add(Rule::SmallInText, &column.name, Some(row));
            }
        }
        let about = if numbers { says(column, NUMBERED) } else { names_a_person(column) };
        let about = about || column.declared && are_people(column);
        if about && (column.role != Role::Label || column.declared) || says(column, BIRTH) {
            found.add(Rule::Identifier(IdentifierKind::Named), &column.name, None);
        }
    }
    record_level(table, found);
}

fn names_a_person(column: &Column) -> bool {
    says(column, NAMES) || says(column, NUMBERED) || says(column, BIRTH)
}

/// A declared label about somebody, of which most cells are two words or three that begin with a capital, each once.
fn are_people(column: &Column) -> bool {
    let named = |text: &&String| {
        let words: Vec<&str> = text.split([' ', ',']).filter(|w| !w.is_empty()).collect();
        (2..=3).contains(&words.len())
            && words.iter().all(|w| w.starts_with(char::is_uppercase) && !w.contains(|c: char| c.is_ascii_digit()))
    };
    let names: BTreeSet<&String> = column.texts.iter().filter(named).collect();
    says(column, PERSONS) && 2 * names.len() > column.texts.len()
}

fn says(column: &Column, list: &[&str]) -> bool {
    words(&column.header).iter().any(|word| list.contains(&word.as_str()))
}

/// Rows that are events: every count is 1, or nothing is counted and a key numbers the rows.
fn record_level(table: &GivenTable, found: &mut Findings) {
    if table.rows < FEW_ROWS {
        return;
    }
    let counts: Vec<&Column> = table.of_role(Role::Count).collect();
    let one = |row: &usize| !counts.is_empty() && counts.iter().all(|c| c.number(*row) == Some(1.0));
    let ones = (0..table.rows).filter(one).count();
    if 2 * ones > table.rows {
        found.add(Rule::RecordLevel, "", None);
    }
    for column in table.labels() {
        let key = words(&column.header).iter().any(|word| KEYS.contains(&word.as_str()));
        let distinct: BTreeSet<&str> = column.texts.iter().map(String::as_str).collect();
        if counts.is_empty() && key && distinct.len() == table.rows {
            found.add(Rule::RecordLevel, &column.name, None);
        }
    }
}
