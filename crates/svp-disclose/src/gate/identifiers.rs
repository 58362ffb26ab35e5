//! What identifies people, anywhere in a text: in a cell, inside an address or a remark, in a header.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::exact;
use super::finding::IdentifierKind;
use super::numbers::plain;
use super::tokens::words;
use super::vocabulary::Vocabulary;

const MONTH: &str = "(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*";

static PATTERNS: LazyLock<Vec<(IdentifierKind, Regex)>> = LazyLock::new(|| {
    let day = r"(?:0?[1-9]|[12][0-9]|3[01])";
    let month = r"(?:0?[1-9]|1[0-2])";
    let year = r"(?:(?:18|19|20)[0-9]{2}|'?[0-9]{2})";
    let long_year = r"(?:18|19|20)[0-9]{2}";
    let by = r"\s*[-/. ,]\s*";
    [
        // The last two letters are none of c, i, k, m, o, v; a stop, a dash or nothing can stand for the blank.
        (IdentifierKind::Postcode, r"\b[a-pr-uwyz](?:[0-9]{1,2}|[a-hk-y][0-9]{1,2}|[0-9][a-hjkps-uw]|[a-hk-y][0-9][abehmnprv-y])[\s._-]{0,3}[0-9][abd-hjlnp-uw-z]{2}\b".to_owned()),
        (IdentifierKind::NationalInsurance, r"\b[a-ceghj-pr-tw-z][a-ceghj-npr-tw-z][\s.-]?[0-9]{2}[\s.-]?[0-9]{2}[\s.-]?[0-9]{2}[\s.-]?[a-d]\b".to_owned()),
        (IdentifierKind::PupilNumber, r"\b[a-z][0-9]{11}[0-9a-z]\b".to_owned()),
        (IdentifierKind::Email, r"[^\s@,;]+\s?(?:@|\(at\)|\[at\])\s?[^\s@,;]+\.[a-z]{2,}".to_owned()),
        (IdentifierKind::Telephone, r"(?:\+44|\b0044|\(?\b0[1-37-9])[\s()0-9.-]{8,15}\b".to_owned()),
        (IdentifierKind::DateOfBirth, format!(r"\b{long_year}{by}{month}{by}{day}(?:\b|t)")),
        (IdentifierKind::DateOfBirth, format!(r"\b{day}\s*[-/.]\s*{month}\s*[-/.]\s*{year}\b")),
        (IdentifierKind::DateOfBirth, format!(r"\b{day} {month} {long_year}\b")),
        (IdentifierKind::DateOfBirth, format!(r"\b{month}/{day}/{year}\b")),
        (IdentifierKind::DateOfBirth, format!(r"\b{day}(?:st|nd|rd|th)?(?:\s+of)?[\s./,-]*{MONTH}[\s./,-]*{year}\b")),
        (IdentifierKind::DateOfBirth, format!(r"\b{MONTH}[\s./-]*{day}(?:st|nd|rd|th)?[\s./,-]+{year}\b")),
        (IdentifierKind::DateOfBirth, format!(r"\b{long_year}[\s./-]*{MONTH}[\s./-]*{day}\b")),
        (IdentifierKind::DateOfBirth, r"\b(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])\b".to_owned()),
        (IdentifierKind::DateOfBirth, r"\b(?:born|d\.?o\.?b\.?)\b.{0,12}[0-9]{2}".to_owned()),
        // A number and a year, as crimes and calls are numbered.
        (IdentifierKind::Reference, r"\b[a-z]{1,4}[\s/-]?[0-9]{3,}[/-][0-9]{2,4}\b".to_owned()),
        (IdentifierKind::Reference, r"\b[0-9]{1,2}[a-z]{0,3}/[0-9]{3,}/[0-9]{2,4}\b".to_owned()),
        (IdentifierKind::Reference, r"\b[0-9]{4,}[a-z]?/[0-9]{2,4}\b".to_owned()),
        (IdentifierKind::Reference, r"\b[a-z]{1,5}[-/ ]?[0-9]{6,}\b".to_owned()),
(IdentifierKind::Reference, r"\b[0-9]{3,}[/-][0-9]{1,2}[/-]?[a-z]{3}".to_owned()),
        (IdentifierKind::Token, r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b".to_owned()),
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
pub(super) fn kinds_in(text: &str) -> BTreeSet<IdentifierKind> {
    let small = plain(text);
    let mut out = BTreeSet::new();
    if small.len() < 5 || PERIOD.as_ref().is_some_and(|period| period.is_match(&small)) {
        return out;
    }
    for (kind, pattern) in PATTERNS.iter() {
        if pattern.find_iter(&small).any(|m| *kind != IdentifierKind::Postcode || !is_square(m.as_str())) {
            out.insert(*kind);
        }
    }
    out.extend(exact::kinds_in(&small));
    for run in DIGITS.iter().flat_map(|digits| digits.find_iter(&small)) {
        let digits: Vec<u32> = run.as_str().chars().filter_map(|c| c.to_digit(10)).collect();
        let alone = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let alone = alone(small[..run.start()].chars().next_back()) && alone(small[run.end()..].chars().next());
        if digits.len() == 10 && (alone && is_nhs_number(&digits) || small.contains("nhs")) {
            out.insert(IdentifierKind::NhsNumber);
        }
    }
    let tokens = small.split(|c: char| !c.is_ascii_alphanumeric());
    if tokens.clone().any(is_token) || is_token(&small.replace(['-', ' ', '{', '}'], "")) {
        out.insert(IdentifierKind::Token);
    }
    out
}

/// A quarter of a square of the National Grid (`SX45NW`) has the shape of a postcode without a blank.
pub(crate) fn is_square(found: &str) -> bool {
    found.bytes().all(|b| b.is_ascii_alphanumeric()) && ["ne", "nw", "se", "sw"].iter().any(|end| found.ends_with(end))
}

/// The first nine digits weigh 10 down to 2, and 11 less the remainder of their sum by 11 is the tenth (11 is 0, 10 is none). One
/// digit ten times passes, and is never issued.
pub(crate) fn is_nhs_number(digits: &[u32]) -> bool {
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

/// A title and something after it: `PC 1234`, `Mrs Example`.
pub(super) fn has_title(text: &str, vocabulary: &Vocabulary) -> bool {
    let words = words(text);
    words.len() > 1 && words[..words.len() - 1].iter().any(|word| vocabulary.is_title(word))
}
