//! What is never right in a release, wherever it stands: in a cell, a title, a note, a drawing, the name of a file.
//!
//! A release is mostly numbers and prose of the site, so the forms are strict here: the numbers that people have
//! by their check digit or their whole form, each standing alone. What a table of a release may hold beside that is judged column by column
//! (`searched.rs`), and tables made by hand by the gate, which know what a column is.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex as TextRegex;
use regex::bytes::{Regex, RegexSet};

use crate::gate::{IdentifierKind, is_nhs_number, is_square};

/// Kinds and forms. Capitals where the form is written in them: lower case letters and digits are colours, digests and paths. Postcodes are
/// written in any case, and what is none of them is told by what stands around it.
const FORMS: [(IdentifierKind, &str); 10] = [
    (IdentifierKind::NhsNumber, r"(?:\b|(?i:nhs))[0-9]{3}[ _/-]{0,2}[0-9]{3}[ _/-]{0,2}[0-9]{4}\b"),
    (
        IdentifierKind::NationalInsurance,
        r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]\b",
    ),
    (IdentifierKind::PupilNumber, r"\b[A-Z][0-9]{11}[0-9A-Z]\b"),
    (
        IdentifierKind::Postcode,
        r"(?i)\b[A-PR-UWYZ](?:[0-9]{1,2}|[A-HK-Y][0-9]{1,2}|[0-9][A-HJKPSTUW]|[A-HK-Y][0-9][ABEHMNPRVWXY]) {0,2}[0-9][ABD-HJLNP-UW-Z]{2}\b",
    ),
    (IdentifierKind::Email, r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"),
    (
        IdentifierKind::Telephone,
        r"(?:\+44|\b0044)[ ()0-9.-]{8,14}[0-9]|\b0[1-37-9](?:[0-9]{2,3}\)?[ -]?[0-9]{3}[ -]?[0-9]{3,4}|[0-9]\)?[ -]?[0-9]{4}[ -]?[0-9]{4})\b",
    ),
    (
        IdentifierKind::DateOfBirth,
        r#"(?i)\b(?:born|d\.?o\.?b\.?|date of birth)\b[^0-9<>"\n]{0,12}(?:[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2,4}|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2} [a-z]{3,9} [0-9]{4})"#,
    ),
    // Ids of records, people and events under the key are 32 of these, digests and keys 64, the check of a key 16. A cell of H3 has 15, the
    // label of a file 12.
    (IdentifierKind::Token, r"\b[0-9A-Fa-f]{16,}\b"),
    (IdentifierKind::Token, r"\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\b"),
    (IdentifierKind::Token, r"svp-key-[0-9]"),
];

/// The form without regard to anything but bytes: a release is text in UTF-8 and whatever a site wrote into it.
fn bytes_only(form: &str) -> String {
    format!("(?-u){form}")
}

static EACH: LazyLock<Vec<(IdentifierKind, Regex)>> = LazyLock::new(|| {
    FORMS.iter().filter_map(|(kind, form)| Some((*kind, Regex::new(&bytes_only(form)).ok()?))).collect()
});
static ANY: LazyLock<Option<RegexSet>> =
    LazyLock::new(|| RegexSet::new(FORMS.iter().map(|(_, form)| bytes_only(form))).ok());
static DATE: LazyLock<Option<TextRegex>> = LazyLock::new(|| {
    let year = "(?:18|19|20)[0-9]{2}";
    let form = format!(
        r"^(?:{year}-[01][0-9]-[0-3][0-9](?:[T ].*)?|[0-3]?[0-9][/.-][01]?[0-9][/.-](?:{year}|[0-9]{{2}})|[0-3]?[0-9] [A-Za-z]{{3,9}} {year})$"
    );
    TextRegex::new(&form).ok()
});

/// What was found in a text, and where. Never the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// What it is.
    pub kind: IdentifierKind,
    /// Its first byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
}

/// The first thing in a text that is never right in a release. `known` are digests that may stand in it: those of its own files.
#[must_use]
pub fn sighted(text: &[u8], known: &BTreeSet<String>) -> Option<Sighting> {
    // A set that did not compile is no reason to look away.
    let worth = |i: usize, set: &Option<regex::bytes::SetMatches>| set.as_ref().is_none_or(|set| set.matched(i));
    let set = ANY.as_ref().map(|any| any.matches(text));
    let found = EACH.iter().enumerate().filter(|(i, _)| worth(*i, &set)).filter_map(|(_, (kind, form))| {
        let mut all = form.find_iter(text).map(|m| Sighting { kind: *kind, start: m.start(), end: m.end() });
        all.find(|s| is_one(text, *s, known))
    });
    found.min_by_key(|s| s.start)
}

/// Whether what has the form is what the form is of.
fn is_one(text: &[u8], seen: Sighting, known: &BTreeSet<String>) -> bool {
    let found = &text[seen.start..seen.end];
    let before = seen.start.checked_sub(1).and_then(|i| text.get(i)).copied();
    let fraction = text.get(seen.end) == Some(&b'.') && text.get(seen.end + 1).is_some_and(u8::is_ascii_digit);
    let part_of_number = fraction || matches!(before, Some(b'.' | b'+'));
    let word = || String::from_utf8_lossy(found).to_lowercase();
    match seen.kind {
        IdentifierKind::NhsNumber => {
            let digits: Vec<u32> = found.iter().filter(|b| b.is_ascii_digit()).map(|b| u32::from(b - b'0')).collect();
            !part_of_number && is_nhs_number(&digits)
        }
        // Numbers of this country have 10 or 11 digits; the label of a file can be 12 of them.
        IdentifierKind::Telephone => {
            let digits = found.iter().filter(|b| b.is_ascii_digit()).count();
            found.starts_with(b"+") || found.starts_with(b"0044") || (!part_of_number && (10..=11).contains(&digits))
        }
        // A colour; a square of the grid; "figure A1 2nd edition".
        IdentifierKind::Postcode => before != Some(b'#') && !is_square(&word()) && !is_ordinal(found),
        IdentifierKind::Token if found.iter().all(u8::is_ascii_hexdigit) => {
            let letters = found.iter().filter(|b| b.is_ascii_alphabetic()).count();
            letters >= 1 && found.len() - letters >= 3 && !known.contains(&word())
        }
        _ => true,
    }
}

/// Whether what has the form of a postcode ends in "1st", "2nd", "3rd" or "4th" after a blank, as prose writes them: in capitals, or
/// without the blank, they are the end of a postcode.
fn is_ordinal(found: &[u8]) -> bool {
    let end = found.iter().rposition(|b| *b == b' ').map(|at| &found[at + 1..]);
    matches!(end, Some([b'1', b's', b't'] | [b'2', b'n', b'd'] | [b'3', b'r', b'd'] | [b'0' | b'4'..=b'9', b't', b'h']))
}

/// Whether a cell is a full date and nothing else: a day is a date of birth, or one of a single event. A description that tells of a
/// day is more than that.
#[must_use]
pub fn is_full_date(cell: &str) -> bool {
    let cell = cell.trim();
    (6..40).contains(&cell.len())
        && cell.as_bytes().first().is_some_and(u8::is_ascii_digit)
        && DATE.as_ref().is_some_and(|date| date.is_match(cell))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Option<IdentifierKind> {
        sighted(text.as_bytes(), &BTreeSet::new()).map(|s| s.kind)
    }

    #[test]
    fn every_form_compiles() {
        assert_eq!(EACH.len(), FORMS.len());
        assert!(ANY.is_some() && DATE.is_some());
    }

    #[test]
    fn numbers_and_names_of_people_are_seen_wherever_they_stand() {
        use IdentifierKind as K;
        for (text, wanted) in [
            ("seen 943 476 5919 there", K::NhsNumber),
            ("1,9434765919,3", K::NhsNumber),
            ("\"943-476-5919\"", K::NhsNumber),
            ("NHS9434765919", K::NhsNumber),
            ("943_476_5919, 943/476/5919", K::NhsNumber),
            ("{\"name\":\"WM6  0QA\"}", K::Postcode),
            ("<td>AB 12 34 56 C</td>", K::NationalInsurance),
            ("AB123456C", K::NationalInsurance),
            ("A123456789012", K::PupilNumber),
            ("{\"name\":\"WM1 4ED\"}", K::Postcode),
            ("lives at 3 Mill Lane, PL4 8AA.", K::Postcode),
            ("<text>EC1A1BB</text>", K::Postcode),
            ("lives at 3 mill lane, pl4 8aa.", K::Postcode),
            ("<text>ec1a1bb</text>, Wm1 4Ed", K::Postcode),
            ("near wm6  0qa", K::Postcode),
            ("WM1 2ND, pl41st", K::Postcode),
            ("ask a.person@force.police.uk", K::Email),
            ("tel. 01752 123456", K::Telephone),
            ("(020) 7946 0123", K::Telephone),
            ("call +44 7700 900123 now", K::Telephone),
            ("07700900123", K::Telephone),
            ("born on 12/03/1990", K::DateOfBirth),
            ("DOB: 1990-03-12", K::DateOfBirth),
            ("c97e66e7a1b2c3d4e5f60718293a4b5c", K::Token),
            ("0f8fad5b-d9cb-469f-a165-70867728950e", K::Token),
            ("svp-key-1 assessment", K::Token),
            ("under the key 5d0c2be7a1f94c36", K::Token),
        ] {
            assert_eq!(kind(text), Some(wanted), "{text}");
        }
        let text = b"count,3\r\nplace,PL4 8AA\r\n";
        let seen = sighted(text, &BTreeSet::new()).unwrap();
        assert_eq!(&text[seen.start..seen.end], b"PL4 8AA");
    }

    #[test]
    fn figures_places_and_codes_are_not() {
        let own = "53e8892eaee7792a85ff7a86f2c70ace67d57f9c262903b7cef1cee43da0012d";
        for text in [
            // A check digit that is wrong, parts of other numbers, and numbers of the ground.
            "9434765918",
            "-3.9434765919",
            "9434765919.5",
            "0.01752123456",
            "19434765919",
            "250m:318000:61000",
            "rest:2000m:316000:54000",
            "891a538e547ffff",
            "SX450600",
            "SX45NW",
            "E07990001,1204345,E01012345",
            "M 318 000 L 621 940 1",
            "viewBox=\"0 0 720 480\"",
            "#e15759 #A11AAB #f1f6fb",
            "figure a1 2nd edition, table b2 1st, wards n1 3rd and s4 4th",
            "at 3 metres, q1 2024, h2 1em, from a1 to b2 5km, w3 5pm",
            "1234567890123456",
            "2024-05, 2024/25, 2025-04-07T06:00:00Z, 21 March 2021",
            "1,234,567 residents",
            "@media (max-width: 40em)",
            "file-0123456789ab",
            "file-031927424066, file-020794601234",
            "18446744073709551615184467440737",
            "000012, 0171",
        ] {
            assert_eq!(kind(text), None, "{text}");
        }
        assert_eq!(sighted(own.as_bytes(), &BTreeSet::from([own.to_owned()])), None);
        assert!(kind(own).is_some(), "a digest of nothing that is there");
    }

    #[test]
    fn a_cell_that_is_a_day_is_one() {
        for day in ["1990-03-12", "12/03/1990", "12.03.90", "12 March 1990", "2024-05-01T22:27:00", " 1990-03-12 "] {
            assert!(is_full_date(day), "{day}");
        }
        for none in ["2024-05", "2024/25", "18-24", "10-17", "no data from 1 October 2022", "1,204", "167", "65+"] {
            assert!(!is_full_date(none), "{none}");
        }
    }
}
