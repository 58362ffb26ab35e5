//! Values that stand for none: `known_forename`, `known_surname`, `known_words`, `known_value`, `known_date`, `birth_order`.
//!
//! What counts stands in `schemas/placeholders.csv`, with how each entry matches and why it does so carefully.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use arrow::datatypes::{DataType, Int32Type};
use chrono::NaiveDate;
use datafusion::logical_expr::ScalarUDF;

use crate::udf::{Kind, Spec, date_result, function, param, primitive_result, text_result, written_result};

/// The list: field, how an entry matches, entry.
const LIST: &str = include_str!("../../../../schemas/placeholders.csv");

/// Numbers that follow a word for a newborn child ("Twin 2"), with the order of birth that they give.
const NUMBERS: [(&str, i32); 28] = [
    ("ONE", 1),
    ("TWO", 2),
    ("THREE", 3),
    ("FOUR", 4),
    ("FIRST", 1),
    ("SECOND", 2),
    ("THIRD", 3),
    ("FOURTH", 4),
    ("NO1", 1),
    ("NO2", 2),
    ("NO3", 3),
    ("NO4", 4),
    ("NUMBER1", 1),
    ("NUMBER2", 2),
    ("1ST", 1),
    ("2ND", 2),
    ("1", 1),
    ("2", 2),
    ("3", 3),
    ("4", 4),
    ("III", 3),
    ("II", 2),
    ("IV", 4),
    ("I", 1),
    ("A", 1),
    ("B", 2),
    ("C", 3),
    ("D", 4),
];

/// Words that may follow a word for a newborn child and its number ("Twin 1 boy", "Baby A of Jane").
const AFTER: [&str; 8] = ["OF", "BOY", "GIRL", "MALE", "FEMALE", "TWIN", "BABY", "INFANT"];

/// The entries of one field.
#[derive(Default)]
struct Entries {
    whole: HashSet<&'static str>,
    /// By first byte, since nearly every name begins like none of them.
    start: HashMap<u8, Vec<&'static str>>,
    beside: HashSet<&'static str>,
    alone: HashSet<&'static str>,
    counted: HashMap<u8, Vec<&'static str>>,
}

static ENTRIES: LazyLock<HashMap<&'static str, Entries>> = LazyLock::new(|| {
    let mut fields: HashMap<&str, Entries> = HashMap::new();
    for line in LIST.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).skip(1) {
        let mut cells = line.splitn(3, ',');
        let (Some(field), Some(how), Some(value)) = (cells.next(), cells.next(), cells.next()) else { continue };
        // An entry for both names is one for each.
        let of: &[&str] = if field == "name" { &["forename", "surname"] } else { &[field] };
        for field in of.iter().copied() {
            let entries = fields.entry(field).or_default();
            match how {
                "start" => entries.start.entry(first_byte(value)).or_default().push(value),
                "counted" => entries.counted.entry(first_byte(value)).or_default().push(value),
                "beside" => entries.beside.extend([value]),
                "alone" => entries.alone.extend([value]),
                _ => entries.whole.extend([value]),
            }
        }
    }
    // "Baby girl 2" is no "Baby" with something after it.
    let longest_first = |words: &mut Vec<&str>| words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    fields.values_mut().flat_map(|entries| entries.counted.values_mut()).for_each(longest_first);
    fields
});

fn first_byte(text: &str) -> u8 {
    text.bytes().next().unwrap_or_default()
}

fn beginning<'a>(words: &'a HashMap<u8, Vec<&'static str>>, value: &str) -> &'a [&'static str] {
    words.get(&first_byte(value)).map(Vec::as_slice).unwrap_or_default()
}

impl Entries {
    /// Whether a value is a placeholder whatever stands in the other fields.
    fn sure(&self, value: &str) -> bool {
        self.whole.contains(value) || self.starts(value) || self.counted(value).is_some()
    }

    fn starts(&self, value: &str) -> bool {
        beginning(&self.start, value).iter().any(|entry| value.starts_with(entry))
    }

    /// The order of birth that a word for a newborn child gives; `Some(None)` for the word without a number.
    fn counted(&self, value: &str) -> Option<Option<i32>> {
        let ends = |rest: &str| rest.is_empty() || AFTER.iter().any(|word| rest.starts_with(word));
        let found = beginning(&self.counted, value).iter().find_map(|word| {
            let rest = value.strip_prefix(word)?;
            if ends(rest) {
                // "Baby twin 2": the number may follow the second word.
                return Some(AFTER.iter().find_map(|word| number(rest.strip_prefix(word)?, ends)));
            }
            number(rest, ends).map(Some)
        });
        // "First twin", "2nd twin".
        found.or_else(|| {
            NUMBERS.iter().filter(|(n, _)| n.len() > 2).find_map(|(n, order)| {
                let word = value.strip_prefix(n)?;
                beginning(&self.counted, word).contains(&word).then_some(Some(*order))
            })
        })
    }
}

fn number(rest: &str, ends: impl Fn(&str) -> bool) -> Option<i32> {
    NUMBERS.iter().find_map(|(n, order)| ends(rest.strip_prefix(n)?).then_some(*order))
}

fn entries(field: &str) -> Option<&'static Entries> {
    ENTRIES.get(field)
}

/// A name without figures at its end; the whole where nothing else is in it.
fn without_figures(name: &str) -> &str {
    match name.trim_end_matches(|c: char| c.is_ascii_digit()) {
        "" => name,
        rest => rest,
    }
}

/// Whether no name can look like that: no letter, or one letter three times or more.
fn no_name(name: &str) -> bool {
    let mut letters = name.chars();
    let first = letters.next();
    !name.chars().any(char::is_alphabetic) || (name.len() > 2 && letters.all(|c| Some(c) == first))
}

fn sure(field: &str, name: &str) -> bool {
    let found = |name: &str| entries(field).is_some_and(|e| e.sure(name));
    let letters = without_figures(name);
    no_name(name) || found(name) || (letters.len() < name.len() && found(letters))
}

fn lonely(field: &str, name: &str) -> (bool, bool) {
    entries(field).map_or((false, false), |e| {
        let name = without_figures(name);
        let alone = e.alone.contains(name);
        (alone || e.beside.contains(name), alone)
    })
}

/// Which of two names (through `name_key`) stand for none: forename, surname.
#[must_use]
pub fn placeholders(forename: Option<&str>, surname: Option<&str>) -> (bool, bool) {
    let judge = |field, name: Option<&str>| match name {
        None => (true, true, false),
        Some(name) => {
            let (beside, alone) = lonely(field, name);
            (sure(field, name), beside, alone)
        }
    };
    let (first, last) = (judge("forename", forename), judge("surname", surname));
    if let (Some(forename), Some(surname)) = (forename, surname)
        && let Some(pairs) = entries("names")
        && pairs.whole.iter().any(|pair| pair.split_once(' ') == Some((forename, without_figures(surname))))
    {
        return (true, true);
    }
    let one = |this: (bool, bool, bool), name: Option<&str>, other: (bool, bool, bool), other_name: Option<&str>| {
        let beside = match other_name {
            None => this.2,
            Some(_) => this.1 && (other.0 || other.1),
        };
        name.is_some() && (this.0 || beside)
    };
    (one(first, forename, last, surname), one(last, surname, first, forename))
}

/// Whether the words of a whole name (through `name_words`) hold a name, and which: placeholders are left out.
fn write_known_words(words: &str, out: &mut String) -> Option<()> {
    let list: Vec<&str> = words.split(' ').filter(|w| !w.is_empty()).collect();
    let (last, before) = list.split_last()?;
    let first = before.concat();
    let (forename, surname) = placeholders((!first.is_empty()).then_some(first.as_str()), Some(last));
    let kept: Vec<&str> = match (forename, surname) {
        (true, true) => Vec::new(),
        (true, false) => vec![*last],
        (false, true) => before.to_vec(),
        (false, false) => list.iter().copied().filter(|w| !entries("surname").is_some_and(|e| e.sure(w))).collect(),
    };
    out.push_str(&kept.join(" "));
    (!out.is_empty()).then_some(())
}

/// Whether a number, postcode, date (YYYY-MM-DD) or other text is a placeholder of its field.
#[must_use]
pub fn is_placeholder(field: &str, value: &str) -> bool {
    let key: String = match field {
        "birth_date" => value.trim().to_owned(),
        _ => value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect(),
    };
    let mut figures = key.bytes().filter(u8::is_ascii_digit);
    let first = figures.next();
    let one_figure = matches!(field, "nhs_number" | "upn") && first.is_some() && figures.all(|d| Some(d) == first);
    let listed = |e: &Entries| e.whole.contains(key.as_str()) || e.starts(&key);
    one_figure || entries(field).is_some_and(listed)
}

/// Whether a date of birth is one that systems store where there is none.
#[must_use]
pub fn is_placeholder_date(date: NaiveDate) -> bool {
    static DATES: LazyLock<HashSet<NaiveDate>> = LazyLock::new(|| {
        let listed = entries("birth_date").map(|e| e.whole.iter().filter_map(|d| d.parse().ok()).collect());
        listed.unwrap_or_default()
    });
    DATES.contains(&date)
}

/// The order of birth that a name for a newborn child gives: `TWIN2` → 2.
#[must_use]
pub fn birth_order(forename: &str) -> Option<i32> {
    entries("forename")?.counted(forename)?
}

pub(crate) fn known_forename() -> ScalarUDF {
    name_function(
        "known_forename",
        "The forename, unless it stands for none (Unknown, Baby, Mr X…; with the surname also Test Patient, John Doe…), by \
         the list `schemas/placeholders.csv`.",
        &[
            (
                "SELECT known_forename('SARAH', 'SMITH'), known_forename('BABY', 'SMITH'), known_forename('BABYOFSARAH', 'SMITH')",
                "SARAH | NULL | NULL",
            ),
            ("SELECT known_forename('CHRISTOPHER', 'NULL'), known_forename('JOHN', 'DOE')", "CHRISTOPHER | NULL"),
        ],
        |names, (forename, _)| names.0.filter(|_| !forename),
    )
}

pub(crate) fn known_surname() -> ScalarUDF {
    name_function(
        "known_surname",
        "The surname, unless it stands for none, by the list `schemas/placeholders.csv`. Words that are real surnames (Male, \
         Null, Test) count only where the forename stands for none too.",
        &[
            (
                "SELECT known_surname('SARAH', 'MALE'), known_surname('UNKNOWN', 'MALE'), known_surname('SARAH', 'UNKNOWN')",
                "MALE | NULL | NULL",
            ),
            ("SELECT known_surname('BABY', 'SMITH'), known_surname('NULL', 'NULL')", "SMITH | NULL"),
        ],
        |names, (_, surname)| names.1.filter(|_| !surname),
    )
}

type Names<'a> = (Option<&'a str>, Option<&'a str>);

fn name_function(
    name: &'static str,
    about: &'static str,
    examples: &'static [(&'static str, &'static str)],
    keep: impl for<'a> Fn(Names<'a>, (bool, bool)) -> Option<&'a str> + Send + Sync + 'static,
) -> ScalarUDF {
    let params = vec![
        param(Kind::Text, "forename", "a forename, through name_key"),
        param(Kind::Text, "surname", "the surname beside it, through name_key"),
    ];
    function(Spec { name, section: super::SECTION, about, params, returns: DataType::Utf8, examples }, move |args| {
        let (forename, surname) = (args.text(0)?, args.text(1)?);
        text_result(args.rows, |row| {
            let names = (forename.get(row), surname.get(row));
            keep(names, placeholders(names.0, names.1))
        })
    })
}

pub(crate) fn known_words() -> ScalarUDF {
    function(
        Spec {
            name: "known_words",
            section: super::SECTION,
            about: "The words of a whole name without those that stand for none, by the list `schemas/placeholders.csv`; NULL \
                    when no name is left.",
            params: vec![param(Kind::Text, "words", "a whole name, through name_words")],
            returns: DataType::Utf8,
            examples: &[(
                "SELECT known_words('SARAH ANN SMITH'), known_words('BABY GIRL SMITH'), known_words('UNKNOWN MALE')",
                "SARAH ANN SMITH | SMITH | NULL",
            )],
        },
        |args| {
            let words = args.text(0)?;
            written_result(args.rows, |row, out| write_known_words(words.get(row)?, out))
        },
    )
}

pub(crate) fn known_value() -> ScalarUDF {
    function(
        Spec {
            name: "known_value",
            section: super::SECTION,
            about: "A number, postcode, date or other text, unless it stands for none, by the list `schemas/placeholders.csv`; \
                    the fields are `nhs_number`, `upn`, `birth_date` (as YYYY-MM-DD), `postcode` and `text`.",
            params: vec![param(Kind::Text, "field", "field of the list"), param(Kind::Text, "value", "the value")],
            returns: DataType::Utf8,
            examples: &[(
                "SELECT known_value('nhs_number', '9434765919'), known_value('nhs_number', '9876543210'), \
                 known_value('birth_date', '1900-01-01')",
                "9434765919 | NULL | NULL",
            )],
        },
        |args| {
            let (field, value) = (args.text(0)?, args.text(1)?);
            text_result(args.rows, |row| {
                let (field, value) = (field.get(row)?, value.get(row)?);
                (!is_placeholder(field, value)).then_some(value)
            })
        },
    )
}

pub(crate) fn known_date() -> ScalarUDF {
    function(
        Spec {
            name: "known_date",
            section: super::SECTION,
            about: "A date of birth, unless it is one that systems store where there is none, by the list \
                    `schemas/placeholders.csv`.",
            params: vec![param(Kind::Date, "date", "a date of birth")],
            returns: DataType::Date32,
            examples: &[("SELECT known_date(DATE '1991-03-07'), known_date(DATE '1900-01-01')", "1991-03-07 | NULL")],
        },
        |args| {
            let date = args.day(0)?;
            date_result(args.rows, |row| date.get(row).filter(|d| !is_placeholder_date(*d)))
        },
    )
}

pub(crate) fn birth_order_udf() -> ScalarUDF {
    function(
        Spec {
            name: "birth_order",
            section: super::SECTION,
            about: "The order of birth that stands in place of a newborn child's forename (`Twin 2`, `Baby A`); NULL for every \
                    other name.",
            params: vec![param(Kind::Text, "forename", "a forename, through name_key")],
            returns: DataType::Int32,
            examples: &[(
                "SELECT birth_order('TWIN2'), birth_order('BABYA'), birth_order('BABY'), birth_order('ANNA')",
                "2 | 1 | NULL | NULL",
            )],
        },
        |args| {
            let forename = args.text(0)?;
            primitive_result::<Int32Type>(args.rows, |row| birth_order(forename.get(row)?))
        },
    )
}

#[cfg(test)]
#[path = "placeholder_tests.rs"]
mod tests;
