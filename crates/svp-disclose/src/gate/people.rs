//! What identifies people, anywhere in a text: in a cell, inside an address or a remark, in a header. And rows that are people.
//! Findings say the kind and the place, never a value.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;

use super::exact;
use super::headers::{behind_member, small_in};
use super::label::{Label, Part};
use super::numbers::plain;
use super::read::{Column, Role, Table};
use super::vocabulary::{Vocabulary, words};
use super::{Findings, Rule};
use crate::Policy;

/// What a text holds that identifies people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Ten digits with a right check digit (modulus 11), or any ten digits after the word.
    NhsNumber,
    /// A full postcode: some fifteen addresses.
    Postcode,
    /// A national insurance number.
    NationalInsurance,
    /// A unique pupil number.
    PupilNumber,
    /// A digest or key of letters and digits.
    Token,
    /// A number of a record, crime, call or property: six digits and more that are no count, or two numbers and a year.
    Reference,
    /// A telephone number.
    Telephone,
    /// An e-mail address.
    Email,
    /// A full date, in whatever form: a date of birth or the day of an event.
    DateOfBirth,
    /// A place to within a few metres: coordinates, a reference of the grid, a cell smaller than any that may be shown.
    ExactPlace,
    /// A moment to the minute.
    ExactTime,
    /// What people are called or where they can be reached, by the header or by a title.
    Named,
}

impl Kind {
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::NhsNumber => "numbers that can be NHS numbers",
            Self::Postcode => "full postcodes",
            Self::NationalInsurance => "national insurance numbers",
            Self::PupilNumber => "unique pupil numbers",
            Self::Token => "digests or keys of records",
            Self::Reference => "numbers of records, crimes or properties",
            Self::Telephone => "telephone numbers",
            Self::Email => "e-mail addresses",
            Self::DateOfBirth => "full dates, which can be dates of birth or of single events",
            Self::ExactPlace => "places to within a few metres",
            Self::ExactTime => "moments to the minute",
            Self::Named => "what people are called or where they can be reached",
        }
    }
}

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

const MONTH: &str = "(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*";

static PATTERNS: LazyLock<Vec<(Kind, Regex)>> = LazyLock::new(|| {
    let day = r"(?:0?[1-9]|[12][0-9]|3[01])";
    let month = r"(?:0?[1-9]|1[0-2])";
    let year = r"(?:(?:18|19|20)[0-9]{2}|'?[0-9]{2})";
    let long_year = r"(?:18|19|20)[0-9]{2}";
    let by = r"\s*[-/. ,]\s*";
    [
        // The last two letters are none of c, i, k, m, o, v; a stop, a dash or nothing can stand for the blank.
        (Kind::Postcode, r"\b[a-pr-uwyz](?:[0-9]{1,2}|[a-hk-y][0-9]{1,2}|[0-9][a-hjkps-uw]|[a-hk-y][0-9][abehmnprv-y])[\s._-]{0,3}[0-9][abd-hjlnp-uw-z]{2}\b".to_owned()),
        (Kind::NationalInsurance, r"\b[a-ceghj-pr-tw-z][a-ceghj-npr-tw-z][\s.-]?[0-9]{2}[\s.-]?[0-9]{2}[\s.-]?[0-9]{2}[\s.-]?[a-d]\b".to_owned()),
        (Kind::PupilNumber, r"\b[a-z][0-9]{11}[0-9a-z]\b".to_owned()),
        (Kind::Email, r"[^\s@,;]+\s?(?:@|\(at\)|\[at\])\s?[^\s@,;]+\.[a-z]{2,}".to_owned()),
        (Kind::Telephone, r"(?:\+44|\b0044|\(?\b0[1-37-9])[\s()0-9.-]{8,15}\b".to_owned()),
        (Kind::DateOfBirth, format!(r"\b{long_year}{by}{month}{by}{day}(?:\b|t)")),
        (Kind::DateOfBirth, format!(r"\b{day}\s*[-/.]\s*{month}\s*[-/.]\s*{year}\b")),
        (Kind::DateOfBirth, format!(r"\b{day} {month} {long_year}\b")),
        (Kind::DateOfBirth, format!(r"\b{month}/{day}/{year}\b")),
        (Kind::DateOfBirth, format!(r"\b{day}(?:st|nd|rd|th)?(?:\s+of)?[\s./,-]*{MONTH}[\s./,-]*{year}\b")),
        (Kind::DateOfBirth, format!(r"\b{MONTH}[\s./-]*{day}(?:st|nd|rd|th)?[\s./,-]+{year}\b")),
        (Kind::DateOfBirth, format!(r"\b{long_year}[\s./-]*{MONTH}[\s./-]*{day}\b")),
        (Kind::DateOfBirth, r"\b(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])\b".to_owned()),
        (Kind::DateOfBirth, r"\b(?:born|d\.?o\.?b\.?)\b.{0,12}[0-9]{2}".to_owned()),
        // A number and a year, as crimes and calls are numbered.
        (Kind::Reference, r"\b[a-z]{1,4}[\s/-]?[0-9]{3,}[/-][0-9]{2,4}\b".to_owned()),
        (Kind::Reference, r"\b[0-9]{1,2}[a-z]{0,3}/[0-9]{3,}/[0-9]{2,4}\b".to_owned()),
        (Kind::Reference, r"\b[0-9]{4,}[a-z]?/[0-9]{2,4}\b".to_owned()),
        (Kind::Reference, r"\b[a-z]{1,5}[-/ ]?[0-9]{6,}\b".to_owned()),
(Kind::Reference, r"\b[0-9]{3,}[/-][0-9]{1,2}[/-]?[a-z]{3}".to_owned()),
        (Kind::Token, r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b".to_owned()),
    ]
    .into_iter()
    .filter_map(|(kind, text)| Some((kind, Regex::new(&text).ok()?)))
    .collect()
});

/// Runs of digits with one blank, stop or dash between them at the most.
static DIGITS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[0-9](?:[ .-]?[0-9])+").ok());

/// A period from one day to another: no date of one person.
static PERIOD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let date = format!(
        r"(?:\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}[/.-]\d{{1,2}}[/.-](?:\d{{4}}|\d{{2}})|\d{{1,2}} {MONTH} \d{{4}})"
    );
    Regex::new(&format!(r"^(?:from )?{date}\s*(?:to|-|until)\s*{date}$")).ok()
});

/// How many patterns there are; one that does not compile is missing.
#[cfg(test)]
pub(super) fn patterns() -> usize {
    PATTERNS.len()
}

/// The kinds of identifier in a text.
pub(super) fn kinds_in(text: &str) -> BTreeSet<Kind> {
    let small = plain(text);
    let mut out = BTreeSet::new();
    if small.len() < 5 || PERIOD.as_ref().is_some_and(|period| period.is_match(&small)) {
        return out;
    }
    for (kind, pattern) in PATTERNS.iter() {
        if pattern.find_iter(&small).any(|m| *kind != Kind::Postcode || !is_square(m.as_str())) {
            out.insert(*kind);
        }
    }
    out.extend(exact::kinds_in(&small));
    for run in DIGITS.iter().flat_map(|digits| digits.find_iter(&small)) {
        let digits: Vec<u32> = run.as_str().chars().filter_map(|c| c.to_digit(10)).collect();
        let alone = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let alone = alone(small[..run.start()].chars().next_back()) && alone(small[run.end()..].chars().next());
        if digits.len() == 10 && (alone && is_nhs_number(&digits) || small.contains("nhs")) {
            out.insert(Kind::NhsNumber);
        }
    }
    let tokens = small.split(|c: char| !c.is_ascii_alphanumeric());
    if tokens.clone().any(is_token) || is_token(&small.replace(['-', ' ', '{', '}'], "")) {
        out.insert(Kind::Token);
    }
    out
}

/// A quarter of a square of the National Grid (`SX45NW`) has the shape of a postcode without a blank.
fn is_square(found: &str) -> bool {
    found.bytes().all(|b| b.is_ascii_alphanumeric()) && ["ne", "nw", "se", "sw"].iter().any(|end| found.ends_with(end))
}

/// The first nine digits weigh 10 down to 2, and 11 less the remainder of their sum by 11 is the tenth (11 is 0, 10 is none). One
/// digit ten times passes, and is never issued.
fn is_nhs_number(digits: &[u32]) -> bool {
    let sum: u32 = digits.iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
    digits.iter().any(|d| *d != digits[0]) && digits.get(9) == Some(&((11 - sum % 11) % 11))
}

/// Sixteen letters and digits and more in one word that is no word: a digest, a key. A cell of H3 is none.
fn is_token(word: &str) -> bool {
    let (mut digits, mut letters) = (0, 0);
    for b in word.bytes() {
        digits += usize::from(b.is_ascii_digit());
        letters += usize::from(b.is_ascii_alphabetic());
    }
    let hexadecimal = word.bytes().all(|b| b.is_ascii_hexdigit());
    digits + letters == word.len()
        && word.len() >= 16
        && digits >= 3
        && letters >= 1
        && (hexadecimal || word.len() >= 20)
}

/// Looks at every header and every cell, whatever a column is taken for.
pub(super) fn check(table: &Table, vocabulary: &Vocabulary, policy: &Policy, found: &mut Findings) {
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
                found.add(Rule::Identifier(Kind::Reference), &column.name, Some(row));
            }
            if has_title(text, vocabulary) {
                found.add(Rule::Identifier(Kind::Named), &column.name, Some(row));
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
            found.add(Rule::Identifier(Kind::Named), &column.name, None);
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

/// A title and something after it: `PC 1234`, `Mrs Example`.
pub(super) fn has_title(text: &str, vocabulary: &Vocabulary) -> bool {
    let words = words(text);
    words.len() > 1 && words[..words.len() - 1].iter().any(|word| vocabulary.is_title(word))
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
    for column in table.labels() {
        let key = words(&column.header).iter().any(|word| KEYS.contains(&word.as_str()));
        let distinct: BTreeSet<&str> = column.texts.iter().map(String::as_str).collect();
        if counts.is_empty() && key && distinct.len() == table.rows {
            found.add(Rule::RecordLevel, &column.name, None);
        }
    }
}
