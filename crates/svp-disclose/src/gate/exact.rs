//! Places to within a few metres and moments to the minute: what points at one door or at one event, whatever it is written in.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::finding::IdentifierKind;

/// Coordinates finer than this, in m, point at an address.
pub(super) const LEAST_GRID: f64 = 50.0;
/// The finest cells of H3 that are none: those of resolution 11 are smaller than a square of 50 m.
const FINEST_HEXAGON: u32 = 10;

static PATTERNS: LazyLock<Vec<(IdentifierKind, Regex)>> = LazyLock::new(|| {
    [
        // The National Grid by eight figures (10 m) and more; by six it is a square of 100 m.
        (
            IdentifierKind::ExactPlace,
            r"\b[hjnost][a-hj-z] ?(?:[0-9]{8}|[0-9]{10}|[0-9]{12}|[0-9]{4}[ ,/-]{1,3}[0-9]{4}|[0-9]{5}[ ,/-]{1,3}[0-9]{5}|[0-9]{6}[ ,/-]{1,3}[0-9]{6})\b",
        ),
        // Degrees, minutes and seconds, or minutes with a fraction.
        (IdentifierKind::ExactPlace, r"[0-9]\s?[\u{b0}\u{ba}]\s?[0-9]{1,2}(?:\.[0-9]+|\s?['\u{2032}\u{2019}]\s?[0-9]{1,2})"),
        // Three words for a square of 3 m, and an open location code of 14 m.
        (IdentifierKind::ExactPlace, r"///\s?[a-z]+\.[a-z]+\.[a-z]+"),
        (IdentifierKind::ExactPlace, r"\b[23456789cfghjmpqrvwx]{4,8}\+[23456789cfghjmpqrvwx]{2,4}\b"),
        // `2347 hrs`, `23h47`, `11.47pm`; minutes behind a colon are judged by themselves.
        (IdentifierKind::ExactTime, r"\b(?:[01][0-9]|2[0-3])[0-5][0-9] ?(?:h|hr|hrs|hours)\b"),
        (IdentifierKind::ExactTime, r"\b(?:[01]?[0-9]|2[0-3])h[0-5][0-9]\b"),
        (IdentifierKind::ExactTime, r"\b(?:1[0-2]|0?[1-9])\.[0-5][0-9] ?(?:am|pm|a\.m|p\.m)\b"),
    ]
    .into_iter()
    .filter_map(|(kind, text)| Some((kind, Regex::new(text).ok()?)))
    .collect()
});

static CLOCK: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:\b|t)(?:[01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?").ok());
static DEGREES: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"-?[0-9]{1,2}\.[0-9]{4,}").ok());
static METRES: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b([0-9]{6})(?:\.[0-9]+)?[ ,;/_:en]{1,3}([0-9]{5,7})(?:\.[0-9]+)?\b").ok());
static SIZED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(?:rest:)?([0-9]{2,5})m:").ok());
static SQUARE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:bng:)?-?([0-9]{4,7})_-?([0-9]{4,7})(?:_([0-9]{2,5}))?$").ok());
static HEXAGON: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^(?:rest:)?8([0-9a-f])[0-9a-f]{13}$").ok());

/// How many patterns there are; one that does not compile is missing.
#[cfg(test)]
pub(super) fn patterns() -> usize {
    let single = [&CLOCK, &DEGREES, &METRES, &SIZED, &SQUARE, &HEXAGON];
    PATTERNS.len() + single.iter().filter(|pattern| pattern.is_some()).count()
}

/// Whether a code is one of a cell that is smaller than any that may be shown, or of a point and no cell.
pub(super) fn is_small_cell(text: &str) -> bool {
    let small = text.to_ascii_lowercase();
    let number = |m: Option<regex::Match<'_>>| m.and_then(|m| m.as_str().parse::<f64>().ok());
    let off = |n: Option<f64>| n.is_some_and(|n| n % LEAST_GRID != 0.0);
    let below = |n: Option<f64>| n.is_some_and(|n| n < LEAST_GRID);
    let captured = |pattern: &'static LazyLock<Option<Regex>>| pattern.as_ref().and_then(|p| p.captures(&small));
    captured(&SQUARE).is_some_and(|c| off(number(c.get(1))) || off(number(c.get(2))) || below(number(c.get(3))))
        || captured(&SIZED).is_some_and(|c| below(number(c.get(1))))
        || captured(&HEXAGON).is_some_and(|c| u32::from_str_radix(&c[1], 16).is_ok_and(|n| n > FINEST_HEXAGON))
}

/// The kinds in a text that [`super::numbers::plain`] has made.
pub(super) fn kinds_in(small: &str) -> BTreeSet<IdentifierKind> {
    let mut out: BTreeSet<IdentifierKind> =
        is_small_cell(small).then_some(IdentifierKind::ExactPlace).into_iter().collect();
    for (kind, pattern) in PATTERNS.iter() {
        // Two words of the language that have the shape of a square's letters; an open code has letters.
        let right = |text: &str| {
            !["to", "no"].iter().any(|word| text.starts_with(word))
                && (!text.contains('+') || text.contains(char::is_alphabetic))
        };
        if pattern
            .find_iter(small)
            .any(|m| right(m.as_str()) && (*kind != IdentifierKind::ExactTime || !on_quarter(m.as_str())))
        {
            out.insert(*kind);
        }
    }
    for clock in CLOCK.iter().flat_map(|clock| clock.captures_iter(small)) {
        let number = |i: usize| clock.get(i).and_then(|m| m.as_str().parse::<u32>().ok());
        if number(1).is_some_and(|minute| !is_quarter(minute))
            || number(2).is_some_and(|seconds| ![0, 59].contains(&seconds))
        {
            out.insert(IdentifierKind::ExactTime);
        }
    }
    let degrees: Vec<f64> =
        DEGREES.iter().flat_map(|d| d.find_iter(small)).filter_map(|m| m.as_str().parse().ok()).collect();
    if degrees.iter().any(|d| is_latitude(*d)) && degrees.iter().any(|d| is_longitude(*d)) {
        out.insert(IdentifierKind::ExactPlace);
    }
    let metre = |text: &str| text.parse::<f64>().is_ok_and(|n| n % LEAST_GRID != 0.0);
    if METRES.iter().flat_map(|m| m.captures_iter(small)).any(|c| metre(&c[1]) || metre(&c[2])) {
        out.insert(IdentifierKind::ExactPlace);
    }
    out
}

/// A quarter of an hour, or its last minute: a class of events, no moment.
pub(super) fn is_quarter(minute: u32) -> bool {
    minute.is_multiple_of(15) || minute % 15 == 14
}

fn on_quarter(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.len() > 2 && digits[digits.len() - 2..].parse().is_ok_and(is_quarter)
}

pub(super) fn is_latitude(n: f64) -> bool {
    (49.0..=61.0).contains(&n)
}

pub(super) fn is_longitude(n: f64) -> bool {
    (-9.0..=2.5).contains(&n)
}
