//! Ages by area: how narrow a band may be depends on how small its area is, by the `[[age]]` rules of the audience.
//!
//! A rule holds for areas of its level and for all that are smaller: what is too narrow for a district is so for a ward of it.

use std::sync::LazyLock;

use regex::Regex;

use super::finding::{Findings, Rule};
use super::label::{self, Label, Part};
use super::levels::level;
use super::numbers::{Value, plain};
use super::read::{Column, GivenTable, Role};
use super::spans;
use super::tokens::words;
use super::vocabulary::Vocabulary;
use crate::Policy;

/// Beginnings of the codes of the Government Statistical Service and the level of their areas.
const CODES: &[(&str, usize)] = &[
    ("00", 0),
    ("01", 1),
    ("02", 2),
    ("04", 2),
    ("05", 2),
    ("06", 3),
    ("07", 3),
    ("08", 3),
    ("09", 3),
    ("22", 3),
    ("10", 4),
    ("11", 4),
    ("23", 4),
    ("12", 5),
    ("92", 6),
];
/// Words of a header that say that its numbers are ages.
const AGES: &[&str] = &["age", "ages", "aged", "agegroup", "ageband", "agegrp"];
/// The last hour of a day: bands that reach no further can be of hours.
const LAST_HOUR: f64 = 25.0;

static ONE_YEAR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"\bage[ds]? ?:?=? ?[0-9]{1,3}$|\b[0-9]{1,3}[ -]?(?:years?|yrs?)[ -]?olds?\b|\b[0-9]{1,3} ?(?:yo|y/o|yrs)\b|\b(?:school )?year (?:[1-9]|1[0-3])\b|^y(?:[1-9]|1[0-3])$",
    )
    .ok()
});

/// A code or a name of a small area inside a longer text.
static SMALL_AREA: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b[ewnskjlm]([0-9]{2})[0-9]{6}\b|\b[a-z]+ [0-9]{3}([a-z])?\b").ok());

/// The size of the area that a label names.
fn area(label: &Label, vocabulary: &Vocabulary) -> Option<usize> {
    let of_part = |part: &Part| match part {
        Part::Code(kind, _) => match kind.as_str() {
            "small area 3" => Some(2),
            "small area 4" => Some(1),
            kind if kind.len() == 3 && kind.is_char_boundary(1) => {
                CODES.iter().find(|(code, _)| kind[1..] == **code).map(|(_, level)| *level)
            }
            kind => level(kind),
        },
        Part::Member { lists, .. } => lists.iter().find_map(|(l, _)| vocabulary.lists[*l].level),
        _ => None,
    };
    label.parts.iter().filter_map(of_part).min()
}

/// The size of an area that a text names among other things.
fn area_in(text: &str) -> Option<usize> {
    let small = plain(text);
    let captured = SMALL_AREA.as_ref()?.captures(&small)?;
    match (captured.get(1), captured.get(2)) {
        (Some(code), _) => CODES.iter().find(|(own, _)| *own == code.as_str()).map(|(_, level)| *level),
        (None, Some(_)) => Some(1),
        (None, None) => None,
    }
}

/// How many years the ages of a text span; `ages`: a range or a bare number in it is one of ages.
fn width(text: &str, ages: bool) -> Option<f64> {
    let small = plain(&text.replace('_', " "));
    let said = ages || words(&small).iter().any(|w| AGES.contains(&w.as_str()) || w == "years" || w == "yrs");
    if let Some(span) = spans::read(text).filter(|span| said && span.kind.starts_with("number")) {
        return Some(span.to - span.from.max(0.0));
    }
    let bare = ages && small.parse::<u32>().is_ok_and(|n| n <= 120);
    (bare || ONE_YEAR.as_ref().is_some_and(|one| one.is_match(&small))).then_some(1.0)
}

/// Refuses bands of age that are too narrow for the area of their row or column.
pub(super) fn check(table: &GivenTable, vocabulary: &Vocabulary, policy: &Policy, found: &mut Findings) {
    if !policy.protects() || policy.age_bands.is_empty() {
        return;
    }
    let least = |size: usize| {
        let rules = policy.age_bands.iter().filter(|(name, _)| level(name).is_none_or(|level| level >= size));
        rules.map(|(_, years)| f64::from(*years)).fold(0.0, f64::max)
    };
    let narrower =
        |(size, years): (Option<usize>, Option<f64>)| size.zip(years).is_some_and(|(size, years)| years < least(size));
    let labels = table.labels();
    let single: Vec<&Column> = table.of_role(Role::Count).filter(|c| are_ages(c)).collect();
    let counts: Vec<&Column> = table.of_role(Role::Count).filter(|c| !are_ages(c)).collect();
    let wide = Wide::new(&counts, vocabulary);
    let of_row = |row: usize| {
        let size = |column: &&Column| {
            let label = column.labels[row].as_ref();
            let named = column.declared || label.is_some_and(|l| !l.blank && !l.total);
            let own = label.and_then(|l| area(l, vocabulary)).or_else(|| area_in(&column.texts[row]));
            own.or_else(|| level(&column.header).filter(|_| named && width(&column.texts[row], false).is_none()))
        };
        let years = |column: &&Column| width(&column.texts[row], says_ages(column));
        let one = single.iter().any(|c| c.number(row).is_some()).then_some(1.0);
        let years = labels.iter().filter_map(years).chain(one).min_by(f64::total_cmp);
        (labels.iter().filter_map(size).min(), years)
    };
    for row in 0..table.rows {
        let (size, years) = of_row(row);
        if narrower((size, years)) {
            let column = labels.iter().find(|c| width(&c.texts[row], says_ages(c)).is_some()).or(single.first());
            found.add(Rule::NarrowAges, column.map_or("", |c| c.name.as_str()), Some(row));
            continue;
        }
        for (column, (own_size, own_years)) in counts.iter().zip(&wide.0) {
            let smaller = [size, *own_size].into_iter().flatten().min();
            let fewer = [years, *own_years].into_iter().flatten().min_by(f64::total_cmp);
            if narrower((smaller, fewer)) && !matches!(column.cells[row], Value::NotAvailable) {
                found.add(Rule::NarrowAges, &column.name, Some(row));
            }
        }
    }
}

fn says_ages(column: &Column) -> bool {
    words(&column.header).iter().any(|word| AGES.contains(&word.as_str()))
}

/// A column of numbers that are ages by its header: no band stands in it, so it counts nobody of a band.
fn are_ages(column: &Column) -> bool {
    let numbers = column.numbers();
    says_ages(column)
        && !column.header.contains(|c: char| c.is_ascii_digit())
        && !numbers.is_empty()
        && numbers.iter().all(|n| n.fract() == 0.0 && (0.0..=120.0).contains(n))
}

/// What the headers of the counts say of area and age.
struct Wide(Vec<(Option<usize>, Option<f64>)>);

impl Wide {
    fn new(counts: &[&Column], vocabulary: &Vocabulary) -> Self {
        // Bands without a word for ages can be of hours, as long as none reaches beyond a day.
        let spans = || counts.iter().filter_map(|c| spans::read(&c.header)).filter(|s| s.kind == "number");
        let far = spans().any(|s| s.from > LAST_HOUR || s.to.is_finite() && s.to > LAST_HOUR);
        let context = label::Context { ages: true, hours: true };
        let of = |column: &&Column| {
            let label = label::read(vocabulary, &column.header.replace('_', " "), context);
            (label.and_then(|l| area(&l, vocabulary)), width(&column.header, far))
        };
        Self(counts.iter().map(of).collect())
    }
}
