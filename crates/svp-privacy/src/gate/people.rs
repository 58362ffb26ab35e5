//! Columns that identify people, and rows that are people. Findings say the kind and the column, never a value.

use std::collections::BTreeSet;

use serde::Serialize;

use super::read::{Cell, Column, Role, Table, words};
use super::{Findings, Rule};

/// What a column holds that identifies people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Ten digits with a right check digit (modulus 11).
    NhsNumber,
    /// A full postcode: some fifteen addresses.
    Postcode,
    /// A digest or key: 32 or more hexadecimal digits, hyphens apart.
    Token,
    /// Dates of birth.
    DateOfBirth,
    /// A column whose name says that it holds names, addresses or telephone numbers.
    Named,
}

impl Kind {
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::NhsNumber => "numbers that can be NHS numbers",
            Self::Postcode => "full postcodes",
            Self::Token => "digests or keys of records",
            Self::DateOfBirth => "dates that can be dates of birth",
            Self::Named => "by its name, what people are called or where they can be reached",
        }
    }
}

/// Words of a name that say whom a row is about.
const NAMES: &[&str] =
    &["forename", "surname", "firstname", "lastname", "dob", "birth", "email", "telephone", "phone", "address"];
/// Words of a name that say that it numbers records.
const KEYS: &[&str] = &["id", "ids", "key", "ref", "reference", "urn", "uuid", "number", "token"];
/// Dates of birth spread over more years than a period that is published.
const YEARS_OF_BIRTHS: i64 = 25;
/// A table of fewer rows is not called record-level.
const FEW_ROWS: usize = 3;

/// Looks at every column, whatever it is taken for.
pub(super) fn check(table: &Table, found: &mut Findings) {
    for column in &table.columns {
        for (row, text) in column.texts.iter().enumerate() {
            let kind = if is_nhs_number(text) {
                Kind::NhsNumber
            } else if is_postcode(text) {
                Kind::Postcode
            } else if is_token(text) {
                Kind::Token
            } else {
                continue;
            };
            found.add(Rule::Identifier(kind), &column.name, Some(row));
        }
        let words = words(&column.name);
        let named = words.iter().any(|word| NAMES.contains(&word.as_str()));
        let birth = words.iter().any(|word| word == "dob" || word == "birth");
        let years: Vec<i64> = column.texts.iter().filter_map(|text| year_of_day(text)).collect();
        let spread = years.iter().max().zip(years.iter().min()).map_or(0, |(last, first)| last - first);
        if !years.is_empty() && (birth || spread > YEARS_OF_BIRTHS) {
            found.add(Rule::Identifier(Kind::DateOfBirth), &column.name, None);
        } else if named && !birth && column.role != Role::Count && column.cells.contains(&Cell::Text) {
            found.add(Rule::Identifier(Kind::Named), &column.name, None);
        }
    }
    record_level(table, found);
}

/// Rows that are events: every count is 1, or nothing is counted and a key numbers the rows.
fn record_level(table: &Table, found: &mut Findings) {
    if table.rows < FEW_ROWS {
        return;
    }
    let counts: Vec<&Column> = table.of_role(Role::Count).collect();
    let one = |row: &usize| !counts.is_empty() && counts.iter().all(|c| c.number(*row) == Some(1.0));
    let ones = (0..table.rows).filter(one).count();
    if 2 * ones > table.rows {
        found.add(Rule::RecordLevel, "", None);
    }
    for column in table.of_role(Role::Label) {
        let key = words(&column.name).iter().any(|word| KEYS.contains(&word.as_str()));
        let distinct: BTreeSet<&str> = column.texts.iter().map(String::as_str).collect();
        if counts.is_empty() && key && distinct.len() == table.rows {
            found.add(Rule::RecordLevel, &column.name, None);
        }
    }
}

/// Ten digits, spaces and hyphens apart: the first nine weigh 10 down to 2, and 11 less the remainder of their
/// sum by 11 is the tenth (11 is 0, 10 is none). One digit ten times passes, and is never issued.
fn is_nhs_number(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter(|c| !matches!(c, ' ' | '-')).map_while(|c| c.to_digit(10)).collect();
    let ten = digits.len() == 10 && text.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-'));
    if !ten || digits.iter().all(|d| *d == digits[0]) {
        return false;
    }
    let sum: u32 = digits.iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
    (11 - sum % 11) % 11 == digits[9]
}

/// `A9 9AA`, `A99 9AA`, `A9A 9AA`, `AA9 9AA`, `AA99 9AA`, `AA9A 9AA`, the space left out or not; the last two
/// letters are none of C, I, K, M, O, V. A quarter of a grid square (`SX45NW`) has the shape too: without a
/// space, one that ends with a point of the compass is taken for that.
fn is_postcode(text: &str) -> bool {
    let compact: Vec<char> = text.to_ascii_uppercase().chars().filter(|c| *c != ' ').collect();
    let (spaced, last): (bool, String) = (text.contains(' '), compact.iter().rev().take(2).rev().collect());
    if last.contains(['C', 'I', 'K', 'M', 'O', 'V']) || (!spaced && ["NE", "NW", "SE", "SW"].contains(&last.as_str())) {
        return false;
    }
    let shape: String = compact
        .iter()
        .map(|c| {
            if c.is_ascii_alphabetic() {
                'A'
            } else if c.is_ascii_digit() {
                '9'
            } else {
                '?'
            }
        })
        .collect();
    ["A99AA", "A999AA", "A9A9AA", "AA99AA", "AA999AA", "AA9A9AA"].contains(&shape.as_str())
}

fn is_token(text: &str) -> bool {
    let digits = text.bytes().filter(|b| *b != b'-').count();
    // A long decimal number is a number.
    digits >= 32
        && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
        && text.bytes().any(|b| b.is_ascii_alphabetic())
}

/// Year of a day as `1990-12-31`, `31/12/1990` or `31-12-1990`, a time after it or not.
fn year_of_day(text: &str) -> Option<i64> {
    let parts: Vec<&str> = text.get(..10)?.split(['-', '/']).collect();
    let year = match parts.iter().map(|part| part.len()).collect::<Vec<_>>()[..] {
        [4, 2, 2] => parts[0],
        [2, 2, 4] => parts[2],
        _ => return None,
    };
    let digits = parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    digits.then(|| year.parse().ok()).flatten()
}
