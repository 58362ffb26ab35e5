//! One label, read: which members of which lists it names, which ages, which time, which code of an area.

use std::sync::LazyLock;

use regex::Regex;

use super::exact;
use super::numbers::plain;
use super::spans::{self, Span};
use super::tokens::{Token, tokens};
use super::vocabulary::Vocabulary;

/// What a label may hold, by its column's header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Context {
    /// Ranges are ages.
    pub ages: bool,
    /// Ranges are hours.
    pub hours: bool,
}

/// A part of a label.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// A member of a list, in the lists that hold it with its place there.
    Member { lists: Vec<(usize, usize)>, text: String },
    /// Ages or hours, the last one included.
    Range(f64, f64),
    /// A time: its grain in months (1, 3, 12; 0 a part of a day) and when.
    Time { grain: u8, at: i64 },
    /// A code of an area or a cell: the kind, and the code.
    Code(String, String),
}

/// A label that is known.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Label {
    pub parts: Vec<Part>,
    /// A word of it says that it may be a total.
    pub total: bool,
    /// It is blank.
    pub blank: bool,
    /// A word of it turns it round: not known to, without.
    pub negated: bool,
    /// What it spans, where it tells a span.
    pub span: Option<Span>,
}

/// Codes as a whole cell, each kind with its pattern.
static CODES: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    [
        // Nine characters of the Government Statistical Service; the first three are the kind of area.
        ("", r"^[EWNSKJLM][0-9]{8}$"),
        ("square", r"^(?:bng:)?-?[0-9]{4,7}_-?[0-9]{4,7}(?:_[0-9]{2,5})?$"),
        // A square by its size and corner, a hexagon; what was merged, and the ground of a rest.
        ("square by size", r"^(?:rest:)?[0-9]{2,5}m:-?[0-9]{4,7}:-?[0-9]{4,7}$"),
        ("H3 cell", r"^(?:rest:)?8[0-9a-fA-F]{14}$"),
        // Square of the National Grid down to 100 m, or a quarter of one.
        (
            "grid square",
            r"^[HJNOST][A-HJ-Z] ?(?:[0-9]{2}|[0-9]{4}|[0-9]{2} [0-9]{2}|[0-9]{6}|[0-9]{3} [0-9]{3})(?:[NS][EW])?$",
        ),
        ("letter", r"^[A-Za-z]$"),
    ]
    .into_iter()
    .filter_map(|(kind, text)| Some((kind, Regex::new(text).ok()?)))
    .collect()
});

/// How many kinds of code there are; a pattern that does not compile is missing.
#[cfg(test)]
pub(super) fn patterns() -> usize {
    CODES.len()
}

/// Words of a place or class that are numbered or lettered: `Ward 3`, `Beat B`, `decile 10`.
const NUMBERED: &[&str] = &[
    "area",
    "district",
    "ward",
    "zone",
    "beat",
    "region",
    "place",
    "town",
    "sector",
    "cluster",
    "cohort",
    "decile",
    "quintile",
    "quartile",
    "tier",
    "level",
    "square",
    "site",
    "quarter",
    "hotspot",
    "locality",
    "neighbourhood",
    "arm",
    "class",
    "division",
];

/// Whether a word is one of what is numbered or lettered.
pub(super) fn is_numbered(word: &str) -> bool {
    NUMBERED.contains(&word)
}

fn code(text: &str) -> Option<Part> {
    CODES.iter().find(|(_, pattern)| pattern.is_match(text)).filter(|_| !exact::is_small_cell(text)).map(|(kind, _)| {
        let kind = if kind.is_empty() { text.get(..3).unwrap_or_default() } else { kind };
        Part::Code(kind.to_owned(), text.to_ascii_lowercase())
    })
}

/// Reads a cell or a header as a label; `None` when part of it is not known.
pub(super) fn read(words: &Vocabulary, text: &str, context: Context) -> Option<Label> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Label { blank: true, ..Label::default() });
    }
    // A mark of what is not available is beside any member.
    let small = if matches!(text, "[x]" | "[z]" | ":" | "..") { "not available".to_owned() } else { plain(text) };
    if let Some(part) = code(text) {
        return Some(Label { parts: vec![part], ..Label::default() });
    }
    let tokens = tokens(&small);
    let mut label = Label { span: spans::read(text), ..Label::default() };
    let mut at = 0;
    while at < tokens.len() {
        at += step(words, &tokens, at, context, &mut label)?;
    }
    (!label.parts.is_empty() || label.total || tokens.iter().any(|p| matches!(p, Token::Word(_)))).then_some(label)
}

/// Reads what begins at a token; gives how many tokens it takes.
fn step(words: &Vocabulary, tokens: &[Token], at: usize, context: Context, label: &mut Label) -> Option<usize> {
    if let Some((part, taken)) = time(tokens, at, context).or_else(|| range(words, tokens, at, context)) {
        label.parts.push(part);
        return Some(taken);
    }
    // The longest member; signs between its words do not count.
    let (mut names, mut ends) = (Vec::new(), Vec::new());
    for (i, token) in tokens.iter().enumerate().skip(at) {
        match token {
            Token::Word(word) => names.push(word.as_str()),
            Token::Number(_, text) => names.push(text.as_str()),
            Token::Sign(_) => continue,
        }
        ends.push(i + 1);
    }
    if !matches!(tokens[at], Token::Sign(_))
        && let Some((lists, text, n)) = words.member(&names)
    {
        // `not known to police` is no member beside all others, but what is left of all when `known to police` is taken away.
        let whom = names.get(n).is_some_and(|next| ["to", "by"].contains(next));
        if whom && lists.iter().any(|(l, _)| words.lists[*l].anywhere) {
            label.negated = true;
            return Some(ends[n - 1] - at);
        }
        label.parts.push(Part::Member { lists: lists.to_vec(), text });
        return Some(ends[n - 1] - at);
    }
    match &tokens[at] {
        Token::Word(word) if words.is_total(word) => {
            label.total = true;
            Some(1)
        }
        Token::Word(word) if NUMBERED.contains(&word.as_str()) => match tokens.get(at + 1) {
            Some(Token::Number(_, n)) if tokens.len() == at + 2 => {
                label.parts.push(Part::Code(word.clone(), n.clone()));
                Some(2)
            }
            Some(Token::Word(letter)) if letter.len() == 1 && tokens.len() == at + 2 => {
                label.parts.push(Part::Code(word.clone(), letter.clone()));
                Some(2)
            }
            _ => words.is_joining(word).then_some(1),
        },
        Token::Word(word) if words.is_joining(word) => {
            label.negated |= words.is_negating(word);
            Some(1)
        }
        // Small areas are named after their district: `Exeter 001`, `Exeter 001A`.
        Token::Word(text) | Token::Number(_, text) if at > 0 && at + 1 == tokens.len() && is_small_area(text) => {
            let of_site = |part: &Part| match part {
                Part::Member { lists, .. } => lists.iter().any(|(l, _)| words.lists[*l].of_site),
                _ => false,
            };
            label.parts.iter().any(of_site).then(|| {
                label.parts.push(Part::Code(format!("small area {}", text.len()), text.clone()));
                1
            })
        }
        Token::Sign('+' | '-' | '/' | '(' | ':' | '.') if at > 0 => Some(1),
        _ => None,
    }
}

fn is_small_area(text: &str) -> bool {
    text.len() >= 3
        && text.len() <= 4
        && text.bytes().take(3).all(|b| b.is_ascii_digit())
        && text.bytes().skip(3).all(|b| b.is_ascii_lowercase())
}

fn year(n: u32, text: &str) -> bool {
    text.len() == 4 && (1990..=2100).contains(&n)
}

/// `2024`, `2024-01`, `01/2024`, `2023/24`, `2023-2024`, `2024-01-01` (a month), `18:00`, `6pm`.
fn time(tokens: &[Token], at: usize, context: Context) -> Option<(Part, usize)> {
    let number = |i: usize| match tokens.get(i) {
        Some(Token::Number(n, text)) => Some((*n, text.as_str())),
        _ => None,
    };
    let sign = |i: usize, of: &[char]| matches!(tokens.get(i), Some(Token::Sign(c)) if of.contains(c));
    if let Some(Token::Word(word)) = tokens.get(at) {
        let half = |half: &str, from: i64| {
            word.strip_suffix(half)
                .and_then(|h| h.parse::<i64>().ok())
                .filter(|h| *h <= 12)
                .map(|h| 60 * (h % 12 + from))
        };
        let hour = half("am", 0).or_else(|| half("pm", 12));
        let quarter = word.split_once('q').filter(|(y, q)| y.len() == 4 && q.len() == 1);
        let quarter = quarter.and_then(|(y, q)| y.parse::<i64>().ok().zip(q.parse::<i64>().ok()));
        return match (hour, quarter) {
            (Some(h), _) if context.hours => Some((Part::Time { grain: 0, at: h }, 1)),
            (_, Some((y, q))) => Some((Part::Time { grain: 3, at: 12 * y + 3 * q }, 1)),
            _ => None,
        };
    }
    let (n, text) = number(at)?;
    if context.hours
        && sign(at + 1, &[':'])
        && let Some((m, minutes)) = number(at + 2)
        && n <= 24
        // A moment to the minute is an event, no class of them.
        && [0, 29, 30, 59].contains(&m)
        && minutes.len() == 2
        && !sign(at + 3, &[':'])
    {
        return Some((Part::Time { grain: 0, at: i64::from(60 * n + m) }, 3));
    }
    let between = sign(at + 1, &['-', '/']);
    let second = number(at + 2).filter(|_| between);
    if year(n, text) {
        let year = i64::from(n);
        if let Some((m, short)) = second {
            let third = sign(at + 3, &['-', '/']).then(|| number(at + 4)).flatten();
            let next = m == n + 1 || short.len() == 2 && m == (n + 1) % 100;
            if short.len() == 2 && (1..=12).contains(&m) {
                // The first of a month stands for the month; any other day is a day.
                return match third {
                    None => Some((Part::Time { grain: 1, at: 12 * year + i64::from(m) }, 3)),
                    Some((1, _)) if tokens.len() == at + 5 => {
                        Some((Part::Time { grain: 1, at: 12 * year + i64::from(m) }, 5))
                    }
                    Some(_) => None,
                };
            }
            if next && third.is_none() {
                return Some((Part::Time { grain: 12, at: 12 * year + 3 }, 3));
            }
            return None;
        }
        return Some((Part::Time { grain: 12, at: 12 * year }, 1));
    }
    let (y, long) = second?;
    (year(y, long) && (1..=12).contains(&n) && text.len() <= 2)
        .then(|| (Part::Time { grain: 1, at: 12 * i64::from(y) + i64::from(n) }, 3))
}

/// `10-17`, `10 to 17`, `under 18`, `65+`, `65 and over`, `<18`, `aged 10 to 17`.
fn range(words: &Vocabulary, tokens: &[Token], at: usize, context: Context) -> Option<(Part, usize)> {
    let number = |i: usize| match tokens.get(i) {
        Some(Token::Number(n, _)) if *n <= 120 => Some(f64::from(*n)),
        _ => None,
    };
    let word = |i: usize| match tokens.get(i) {
        Some(Token::Word(word)) => word.as_str(),
        _ => "",
    };
    let sign = |i: usize, of: &[char]| matches!(tokens.get(i), Some(Token::Sign(c)) if of.contains(c));
    let says_ages = |p: &Token| matches!(p, Token::Word(w) if ["aged", "age", "ages", "years", "yrs", "olds"].contains(&w.as_str()));
    if !(context.ages || context.hours || tokens.iter().any(says_ages)) {
        return None;
    }
    // A word that the range is of may follow: `18 and over`; what is counted may not (`3 girls`), nor more of a date (`2-8-2005`).
    let taken = |n: usize, part: Part| {
        let counted = words.is_counted(word(at + n));
        let goes_on = sign(at + n, &['-', '/', '.', ':']) && matches!(tokens.get(at + n + 1), Some(Token::Number(..)));
        (!counted && !goes_on).then_some((part, n))
    };
    let (under, over) = (["under", "below"].contains(&word(at)), ["over", "above"].contains(&word(at)));
    if let Some(n) = number(at + 1) {
        if under || sign(at, &['<']) {
            return taken(2, Part::Range(0.0, n - 1.0));
        }
        if over || sign(at, &['>', '\u{2265}']) {
            return taken(2, Part::Range(n, f64::INFINITY));
        }
        if sign(at, &['\u{2264}']) {
            return taken(2, Part::Range(0.0, n));
        }
    }
    let low = number(at)?;
    if sign(at + 1, &['+']) {
        return taken(2, Part::Range(low, f64::INFINITY));
    }
    if ["and", "or"].contains(&word(at + 1)) {
        return match word(at + 2) {
            "over" | "older" | "above" | "more" => taken(3, Part::Range(low, f64::INFINITY)),
            "under" | "younger" | "below" | "less" => taken(3, Part::Range(0.0, low)),
            _ => None,
        };
    }
    let between = sign(at + 1, &['-']) || word(at + 1) == "to";
    number(at + 2).filter(|high| between && *high >= low).and_then(|high| taken(3, Part::Range(low, high)))
}

impl Label {
    /// Whether the two exclude one another, so that neither is the total of a set with the other.
    pub fn is_sibling(&self, words: &Vocabulary, other: &Self) -> bool {
        if self.total || other.total || self.blank || other.blank || self.holds_all(words) || other.holds_all(words) {
            return false;
        }
        // What has no part but words such as events or people is all that there is.
        if self.parts.is_empty() || other.parts.is_empty() {
            return false;
        }
        if self.negated || other.negated {
            return self.is_complement(other);
        }
        if self.is_beside_any(words) || other.is_beside_any(words) {
            return true;
        }
        if let Some((a, b)) = self.span.as_ref().zip(other.span.as_ref()).filter(|(a, b)| a.kind == b.kind) {
            return !a.meets(b);
        }
        let pairs = self.parts.iter().zip(&other.parts);
        self.parts.len() == other.parts.len() && pairs.clone().all(|(a, b)| level(a, b)) && self != other
    }

    /// Whether one is what the other is not: known to police, not known to police.
    pub fn is_complement(&self, other: &Self) -> bool {
        self.negated != other.negated && !self.parts.is_empty() && self.parts == other.parts
    }

    /// Not known, other: beside the members of any list.
    fn is_beside_any(&self, words: &Vocabulary) -> bool {
        self.parts.iter().any(|part| match part {
            Part::Member { lists, .. } => lists.iter().any(|(l, _)| words.lists[*l].anywhere),
            _ => false,
        })
    }

    /// The area or the force.
    pub fn holds_all(&self, words: &Vocabulary) -> bool {
        self.parts.iter().any(|part| match part {
            Part::Member { lists, .. } => lists.iter().all(|(l, _)| words.lists[*l].whole),
            _ => false,
        })
    }

    /// Whether it holds the other by its ages or its time: under 18 holds 10 to 17.
    pub fn holds(&self, other: &Self) -> bool {
        self.parts.len() == other.parts.len()
            && self != other
            && self.parts.iter().zip(&other.parts).all(|(a, b)| match (a, b) {
                (Part::Range(a, b), Part::Range(c, d)) => a <= c && d <= b,
                _ => a == b,
            })
    }

    /// Its place where the labels of its kind have an order.
    pub fn place(&self, words: &Vocabulary) -> Option<f64> {
        self.parts.iter().find_map(|part| match part {
            Part::Range(low, _) => Some(*low),
            Part::Time { at, .. } => Some(*at as f64),
            Part::Member { lists, .. } => {
                lists.iter().find(|(l, _)| words.lists[*l].ordered).map(|(_, place)| *place as f64)
            }
            Part::Code(..) => None,
        })
    }
}

/// Two parts on one level: members of one list, ages that do not overlap, times of one grain, codes of one kind.
fn level(a: &Part, b: &Part) -> bool {
    match (a, b) {
        (Part::Member { lists: a, .. }, Part::Member { lists: b, .. }) => {
            a.iter().any(|(x, _)| b.iter().any(|(y, _)| x == y))
        }
        (Part::Range(a, b), Part::Range(c, d)) => b < c || d < a || (a, b) == (c, d),
        (Part::Time { grain: a, .. }, Part::Time { grain: b, .. }) => a == b,
        (Part::Code(a, _), Part::Code(b, _)) => a == b,
        _ => false,
    }
}
