//! What is wrong with a header; small counts that are written into a header or a text.

use super::finding::{IdentifierKind, Rule};
use super::identifiers::{has_title, kinds_in};
use super::label::{self, Context, Label, Part};
use super::numbers::{Reading, Value, numbers_in, plain, read, spelled};
use super::read::{Asked, Column, GivenTable, Role};
use super::spans;
use super::tokens::words;
use super::vocabulary::Vocabulary;
use crate::Policy;

/// Judges every header. One that is or holds a value is never shown: messages call its column by number.
pub(super) fn judge(table: &mut GivenTable, asked: &Asked<'_>, vocabulary: &Vocabulary, policy: &Policy) {
    let all: Vec<String> = table.columns.iter().map(|column| column.header.clone()).collect();
    for (i, column) in table.columns.iter_mut().enumerate() {
        column.header_found = judge_header(column, &all, asked, vocabulary, policy);
        if !column.header_found.is_empty() {
            column.name = format!("no. {}", i + 1);
        }
    }
}

/// What is wrong with a header, and why: an identifier, a small number, a value, words that no header has.
fn judge_header(
    column: &Column,
    all: &[String],
    asked: &Asked<'_>,
    vocabulary: &Vocabulary,
    policy: &Policy,
) -> Vec<(Rule, Option<&'static str>)> {
    const IN_HEADER: Option<&str> = Some("in the header");
    // Words can be joined by underscores, which the patterns take for letters.
    let text = column.header.replace('_', " ");
    let label = label::read(vocabulary, &column.header, Context { ages: true, hours: true });
    let coded = |l: &Label| l.parts.iter().all(|p| matches!(p, Part::Code(..) | Part::Time { .. }));
    let mut kinds = kinds_in(&text);
    kinds.extend(has_title(&text, vocabulary).then_some(IdentifierKind::Named));
    if label.as_ref().is_some_and(coded) {
        kinds.clear();
    }
    let mut out: Vec<(Rule, Option<&str>)> =
        kinds.into_iter().map(|kind| (Rule::Identifier(kind), IN_HEADER)).collect();
    let names = words(&column.header);
    let reading = read(&column.header);
    let year = matches!(reading.cell, Value::Number(n) if (1990.0..=2100.0).contains(&n) && n.fract() == 0.0);
    let number = matches!(reading.cell, Value::Number(_) | Value::Hidden { .. }) && !year;
    let number = number && label.is_none() && !column.header.starts_with(char::is_alphabetic);
    // A line of data: the first district in place of the word district.
    let of_cells = column.role == Role::Label
        && !column.declared
        && !names.iter().all(|word| vocabulary.is_joining(word))
        && label.as_ref().is_some_and(|header| {
            !header.parts.is_empty()
                && column.labels.iter().flatten().any(|l| !l.blank && l.is_sibling(vocabulary, header))
        });
    let named = asked.names(&column.header);
    if number || of_cells {
        out.push((Rule::HeaderIsValue, None));
    }
    // A count in brackets or behind a sign is one, whoever names the column; behind a place or a kind it can be part of a name.
    let small = small_in(&text, vocabulary, policy) && !(named && label.is_some()) || mark_in(&text, all, policy);
    if small || !named && label.is_none() && behind_member(&text, all, vocabulary, policy) {
        out.push((Rule::SmallInText, IN_HEADER));
    }
    if named && !(number || of_cells) {
        return out;
    }
    // Words that no header has: two of them, or one written as a name is.
    let strange: Vec<&String> = names.iter().filter(|word| !vocabulary.is_header_word(word)).collect();
    let as_name = column.header.split(|c: char| !c.is_alphanumeric()).any(|word| {
        strange.iter().any(|s| **s == word.to_lowercase())
            && word.starts_with(char::is_uppercase)
            && word.chars().any(char::is_lowercase)
    });
    if label.is_none() && !column.header.is_empty() && (strange.len() > 1 || as_name) {
        out.push((Rule::UnknownHeader, None));
    }
    out
}

/// Words behind which, or in front of which, a number is no count: `per 5`, `top 3`, `5 miles`.
const NAMING: &[&str] = &[
    "per", "top", "first", "last", "next", "table", "phase", "wave", "version", "group", "band", "class", "type",
    "note", "no", "number", "stage", "round", "part", "page", "age", "aged", "year", "years", "months", "month",
    "weeks", "week", "days", "day", "hours", "hour", "minutes", "miles", "mile", "km", "m", "metres", "plus", "over",
    "under", "or", "and", "to", "am", "pm", "st", "nd", "rd", "th", "percent",
];

/// A small number beside a member of a list in a text that is no member itself: `Exeter 4`, `knife x3`, `burglary3`, `four in Exeter`.
/// Where the same words stand with several numbers in `all`, these number them: `Exeter 1`, `Exeter 2`.
pub(super) fn behind_member(text: &str, all: &[String], vocabulary: &Vocabulary, policy: &Policy) -> bool {
    let Some((words, n)) = stem(text, vocabulary) else { return false };
    let mut others = all.iter().filter_map(|other| stem(other, vocabulary));
    n > 0.0 && n < policy.suppress_below as f64 && !others.any(|(other, m)| other == words && m != n)
}

/// A mark of a small count in a header (`burglary <5`), where neither it nor another header speaks of ages.
fn mark_in(text: &str, all: &[String], policy: &Policy) -> bool {
    let small = plain(text);
    let below = small.split_once(['<', '\u{2264}']).map(|(_, rest)| rest.trim_start_matches(['=', ' ']));
    let n = below.and_then(|rest| rest.trim_end_matches([')', ']']).parse::<i64>().ok());
    let ages = words(&small).iter().any(|word| ["age", "ages", "aged", "years", "yrs"].contains(&word.as_str()));
    let bands =
        all.iter().filter_map(|header| spans::read(header)).filter(|span| span.kind.starts_with("number")).count();
    n.is_some_and(|n| (1..=policy.suppress_below).contains(&n)) && !ages && bands < 2
}

/// The words of a text without the number that stands beside a member, and the number.
fn stem(text: &str, vocabulary: &Vocabulary) -> Option<(String, f64)> {
    let small = plain(&text.replace('_', " "));
    let mut words: Vec<String> = Vec::new();
    for word in small.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        // `burglary3` is two words, `h3` and `s18` are one; `x3` is a number of times.
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = &word[letters.len()..];
        if letters == "x" && !digits.is_empty() {
            words.push(digits.to_owned());
        } else if letters.len() > 2 && !digits.is_empty() && vocabulary.is_member(letters) {
            words.extend([letters.to_owned(), digits.to_owned()]);
        } else {
            words.push(word.to_owned());
        }
    }
    let number = |i: usize| {
        let word = words.get(i)?;
        word.parse::<u32>().ok().filter(|_| word.len() <= 2).map(f64::from).or_else(|| spelled(word))
    };
    let member = |i: Option<usize>| {
        let word = i.and_then(|i| words.get(i)).filter(|w| w.len() > 2 && !NAMING.contains(&w.as_str()));
        word.is_some_and(|w| vocabulary.is_member(w) && !label::is_numbered(w))
    };
    let naming = |i: Option<usize>| i.and_then(|i| words.get(i)).is_some_and(|w| NAMING.contains(&w.as_str()));
    for i in 0..words.len() {
        let Some(n) = number(i) else { continue };
        let (before, after) = (i.checked_sub(1), Some(i + 1));
        // Two numbers beside one another are a band or a date.
        let band = before.and_then(number).is_some() || number(i + 1).is_some();
        let joined = words.get(i + 1).is_some_and(|w| ["in", "of", "at", "x"].contains(&w.as_str()));
        let beside = member(before) || member(after) || joined && member(Some(i + 2));
        if beside && !band && !naming(before) && !naming(after) {
            let rest: Vec<&str> = words.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, w)| w.as_str()).collect();
            return Some((rest.join(" "), n));
        }
    }
    None
}

/// A small count written into a text: `3 girls`, `girls: 3`, `three`, `~3`, `n=3`. A number behind a word (`Ward 3`, `Year 7`) names.
pub(super) fn small_in(text: &str, vocabulary: &Vocabulary, policy: &Policy) -> bool {
    let is_small = |n: f64| n > 0.0 && n < policy.suppress_below as f64;
    let reading = read(text);
    if reading.dressed
        && let Value::Number(n) = reading.cell
    {
        // Zeros in front belong to codes, as long as nothing else is there.
        let code = text.trim().bytes().all(|b| b.is_ascii_digit());
        let small = plain(text);
        let spans = [
            "year",
            "month",
            "week",
            "day",
            "hour",
            "minute",
            "mile",
            "km",
            "metre",
            "am",
            "pm",
            "and over",
            "or over",
            "and under",
            "or more",
            "to ",
            "+",
            "-",
        ];
        let rest = small.trim_start_matches(|c: char| !c.is_alphabetic() && c != '+' && c != '-').trim_start();
        let measure =
            small.starts_with(|c: char| c.is_ascii_digit()) && spans.iter().any(|unit| rest.starts_with(unit));
        if !code && !measure && is_small(n) {
            return true;
        }
    }
    let small = plain(text);
    let counted = |piece: Option<&str>| piece.is_some_and(|word| vocabulary.is_counted(word));
    let pieces: Vec<&str> = small.split(|c: char| !c.is_alphanumeric() && c != '.').filter(|p| !p.is_empty()).collect();
    let beside = pieces.iter().enumerate().any(|(i, piece)| {
        let n = piece.parse::<f64>().ok().or_else(|| match read(piece) {
            Reading { cell: Value::Number(n), dressed: true, .. } if piece.bytes().all(|b| b.is_ascii_alphabetic()) => {
                Some(n)
            }
            _ => None,
        });
        n.is_some_and(is_small) && (counted(pieces.get(i + 1).copied()) || i > 0 && counted(pieces.get(i - 1).copied()))
    });
    // A number in brackets or behind a sign is the number of something.
    let signed = small.match_indices([':', '=', '(', '[', '\u{d7}']).any(|(at, _)| {
        let rest = small[at..].trim_start_matches(|c: char| !c.is_alphanumeric());
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let ends = rest[digits..].chars().next().is_none_or(|c| matches!(c, ')' | ']' | ',' | ';' | ' ' | '.'));
        digits > 0 && ends && !numbers_in(&small).is_empty() && rest[..digits].parse().is_ok_and(is_small)
    });
    beside || signed
}
