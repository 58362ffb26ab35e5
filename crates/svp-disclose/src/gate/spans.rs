//! The span that a text tells: ages, dates, hours, weekdays, distances.

use std::sync::LazyLock;

use regex::Regex;

use super::numbers::plain;

/// Days of a month in the ordinal of a date, so that months are of one length.
const MONTH: f64 = 31.0;

/// From one point up to another on some axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Span {
    /// The axis, and the words beside the span: only spans of one kind are compared.
    pub kind: String,
    pub from: f64,
    /// The first point that is not in it.
    pub to: f64,
}

impl Span {
    pub fn meets(&self, other: &Self) -> bool {
        self.kind == other.kind && self.from < other.to && other.from < self.to
    }
}

/// Whether some of several spans overlap: then what they span cannot be the parts of a sum.
pub(super) fn any_meet<'s>(spans: impl Iterator<Item = &'s Span>) -> bool {
    let mut all: Vec<&Span> = spans.collect();
    all.sort_by(|a, b| a.kind.cmp(&b.kind).then(a.from.total_cmp(&b.from)).then(a.to.total_cmp(&b.to)));
    all.windows(2).any(|w| w[0] != w[1] && w[0].meets(w[1]))
}

static TOKENS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[0-9]+(?:\.[0-9]+)?|[a-z]+|[-/:+<>\u{2264}\u{2265}]").ok());

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Words beside a span that change nothing.
const FILLING: &[&str] = &[
    "aged",
    "age",
    "ages",
    "year",
    "years",
    "yrs",
    "yr",
    "old",
    "olds",
    "from",
    "between",
    "the",
    "of",
    "in",
    "period",
    "hours",
    "hour",
    "hrs",
    "months",
    "month",
    "on",
    "date",
    "dates",
    "inclusive",
    "events",
    "n",
    "count",
];

/// Words in front of a point that open a span to one side, and what stands between them and it.
const OPENING: &[&str] = &[
    "under", "below", "<", "before", "less", "fewer", "younger", "earlier", "than", "over", "above", ">", "after",
    "more", "older", "later", "within", "to", "until", "till", "\u{2264}", "\u{2265}", "most", "least", "up", "at",
    "by", "since", "from", "end", "ending", "ended", "the", "of",
];

/// A point of an axis: which, from where, up to where.
#[derive(Clone, Copy)]
struct Point {
    axis: &'static str,
    from: f64,
    to: f64,
}

/// Index of a name in a list of its first three letters, if the rest of it is right.
fn named(word: &str, list: &[&str], long: &[&str]) -> Option<f64> {
    let at = list.iter().position(|short| word.starts_with(short))?;
    (word.len() == 3 || word == long[at] || ["sept", "tues", "weds", "thur", "thurs"].contains(&word))
        .then_some(at as f64)
}

fn month(word: &str) -> Option<f64> {
    let long = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    named(word, &MONTHS, &long)
}

fn weekday(word: &str) -> Option<f64> {
    named(word, &DAYS, &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"])
}

/// A date of a year, month and day as a number; each counts from zero.
fn date(year: f64, month: f64, day: f64) -> f64 {
    (year * 12.0 + month) * MONTH + day
}

/// One day; the last of a month ends with the month.
fn day(year: f64, month: f64, day: f64) -> Point {
    let last = [31.0, 28.0, 31.0, 30.0, 31.0, 30.0, 31.0, 31.0, 30.0, 31.0, 30.0, 31.0][month as usize % 12];
    let to = if day >= last { date(year, month + 1.0, 0.0) } else { date(year, month, day) };
    Point { axis: "date", from: date(year, month, day - 1.0), to }
}

fn months(year: Option<f64>, month: f64, many: f64) -> Point {
    let (axis, year) = year.map_or(("month", 0.0), |year| ("date", year));
    Point { axis, from: date(year, month, 0.0), to: date(year, month + many, 0.0) }
}

/// The point that begins at a token, and how many tokens it takes.
fn point(tokens: &[&str]) -> Option<(Point, usize)> {
    let at = |i: usize| tokens.get(i).copied().unwrap_or_default();
    let number = |i: usize| at(i).parse::<f64>().ok().filter(|n| n.fract() == 0.0);
    let year = |i: usize| number(i).filter(|n| at(i).len() == 4 && (1900.0..2100.0).contains(n));
    let small = |i: usize, most: f64| number(i).filter(|n| at(i).len() <= 2 && (1.0..=most).contains(n));
    let by = |i: usize| ["-", "/"].contains(&at(i));
    if let Some(y) = year(0) {
        if by(1)
            && let Some(m) = small(2, 12.0).filter(|_| at(2).len() == 2)
            && (y % 100.0 + 1.0) % 100.0 != m
        {
            return Some(match small(4, 31.0).filter(|_| at(3) == at(1)) {
                Some(d) => (day(y, m - 1.0, d), 5),
                None => (months(Some(y), m - 1.0, 1.0), 3),
            });
        }
        let next =
            number(2).filter(|_| by(1)).is_some_and(|n| n == y + 1.0 || at(2).len() == 2 && n == (y + 1.0) % 100.0);
        if next {
            return Some((months(Some(y), 3.0, 12.0), 3));
        }
        if at(1) == "q" {
            let quarter = small(2, 4.0)?;
            return Some((months(Some(y), 3.0 * (quarter - 1.0), 3.0), 3));
        }
        return Some((months(Some(y), 0.0, 12.0), 1));
    }
    if let Some(m) = month(at(0)) {
        return Some(year(1).map_or((months(None, m, 1.0), 1), |y| (months(Some(y), m, 1.0), 2)));
    }
    if let Some(q) = small(1, 4.0).filter(|_| at(0) == "q") {
        return Some(
            year(2).map_or((months(None, 3.0 * (q - 1.0), 3.0), 2), |y| (months(Some(y), 3.0 * (q - 1.0), 3.0), 3)),
        );
    }
    if let Some(d) = weekday(at(0)) {
        return Some((Point { axis: "weekday", from: d, to: d + 1.0 }, 1));
    }
    // Zeros in front of three figures belong to a name: `Exeter 001`.
    let n = at(0).parse::<f64>().ok().filter(|_| !(at(0).len() > 2 && at(0).starts_with('0')))?;
    // A day before its month: 1 April 2024, 1/4/2024.
    if let Some(d) = small(0, 31.0) {
        let suffix = usize::from(["st", "nd", "rd", "th"].contains(&at(1)));
        if let Some(m) = month(at(1 + suffix)) {
            return Some(match year(2 + suffix) {
                Some(y) => (day(y, m, d), 3 + suffix),
                None => (Point { axis: "month", ..day(0.0, m, d) }, 2 + suffix),
            });
        }
        if let Some((m, y)) = small(2, 12.0).zip(year(4)).filter(|_| by(1) && by(3)) {
            return Some((day(y, m - 1.0, d), 5));
        }
        if let Some(y) = year(2).filter(|_| by(1) && d <= 12.0) {
            return Some((months(Some(y), d - 1.0, 1.0), 3));
        }
    }
    let minute = number(2).filter(|m| at(1) == ":" && at(2).len() == 2 && *m < 60.0 && n <= 24.0);
    if let Some(m) = minute {
        let from = 60.0 * n + m;
        // The last minute of an hour closes it.
        return Some((Point { axis: "clock", from, to: if m == 59.0 { from + 1.0 } else { from } }, 3));
    }
    if let (true, "am" | "pm") = (n <= 12.0, at(1)) {
        let from = 60.0 * (n % 12.0 + if at(1) == "pm" { 12.0 } else { 0.0 });
        return Some((Point { axis: "clock", from, to: from }, 2));
    }
    let (axis, each, taken) = match at(1) {
        "m" | "metres" | "meters" => ("metres", 1.0, 2),
        "km" => ("metres", 1000.0, 2),
        "mile" | "miles" => ("metres", 1609.0, 2),
        "minutes" | "mins" => ("minutes", 1.0, 2),
        "days" | "day" => ("days", 1.0, 2),
        "weeks" | "week" => ("days", 7.0, 2),
        _ => ("number", 1.0, 1),
    };
    Some((Point { axis, from: n * each, to: (n + 1.0) * each }, taken))
}

/// The span that a text tells, if it tells one. A bare number is none.
pub(super) fn read(text: &str) -> Option<Span> {
    let small = plain(&text.replace('_', " "));
    if small.len() > 80 {
        return None;
    }
    let tokens: Vec<&str> = TOKENS.as_ref()?.find_iter(&small).map(|m| m.as_str()).collect();
    (0..tokens.len()).find_map(|at| at_point(&tokens, at, &small))
}

/// The months of a span that ends with a date: `year ending`, `six months to`.
fn ending(before: &[&str]) -> Option<f64> {
    let (last, rest) = before.split_last()?;
    let what = rest.last().copied().unwrap_or_default();
    let many = rest.iter().rev().nth(1).copied().unwrap_or_default();
    let ends = ["to", "ending", "ended"].contains(last);
    match (what, many) {
        _ if !ends => None,
        ("year", _) | ("months", "12" | "twelve") => Some(12.0),
        ("months", "6" | "six") => Some(6.0),
        ("quarter", _) | ("months", "3" | "three") => Some(3.0),
        _ => None,
    }
}

/// The span that begins at a token.
fn at_point(tokens: &[&str], at: usize, small: &str) -> Option<Span> {
    let (mut first, taken) = point(tokens.get(at..)?)?;
    let word = |i: usize| tokens.get(i).copied().unwrap_or_default();
    let mut end = at + taken;
    let between =
        ["-", "to", "until", "through", "till"].contains(&word(end)) || word(end) == "and" && small.contains("between");
    let second = point(tokens.get(end + 1..).unwrap_or_default()).filter(|_| between);
    // The words in front of it that open it to one side, the nearest first.
    let before: Vec<&str> = tokens[..at].iter().rev().take_while(|w| OPENING.contains(w)).copied().collect();
    let says = |list: &[&str]| before.iter().any(|w| list.contains(w));
    let behind = |list: &[&str]| ["and", "or"].contains(&word(end)) && list.contains(&word(end + 1));
    let (mut from, mut to) = (first.from, first.to);
    if let Some((second, n)) = second {
        // A month borrows the year of the other end.
        if first.axis == "month" && second.axis == "date" {
            let year = (second.from / (12.0 * MONTH)).floor();
            (from, first.axis) = (first.from + year * 12.0 * MONTH, "date");
        }
        if first.axis != second.axis && first.axis != "number" {
            return None;
        }
        first.axis = second.axis;
        to = second.to;
        if to < from {
            to += match first.axis {
                "month" => 12.0 * MONTH,
                "clock" => 1440.0,
                "weekday" => 7.0,
                _ => return None,
            };
        }
        end += 1 + n;
    } else if let Some(many) = ending(&tokens[..at]).filter(|_| first.axis == "date") {
        from = to - many * MONTH;
        let kind = "date".to_owned();
        return Some(Span { kind, from, to });
    } else if word(end) == "+" || behind(&["over", "older", "above", "more"]) {
        to = f64::INFINITY;
        end += if word(end) == "+" { 1 } else { 2 };
    } else if behind(&["under", "younger", "below", "less", "fewer"]) {
        from = f64::NEG_INFINITY;
        end += 2;
    } else if says(&["under", "below", "<", "before", "less", "fewer", "younger", "earlier"]) {
        (from, to) = (f64::NEG_INFINITY, first.from);
    } else if says(&["over", "above", ">", "after", "more", "older", "later"]) {
        // People over 18 are 18 and older; what is after June is not in it.
        (from, to) = (if first.axis == "number" { first.from } else { first.to }, f64::INFINITY);
    } else if says(&["since", "from", "\u{2265}", "least"]) {
        to = f64::INFINITY;
    } else if says(&["within", "to", "until", "till", "\u{2264}", "most", "up", "by"]) {
        from = f64::NEG_INFINITY;
    } else if first.axis == "number" || first.from == first.to {
        return None;
    }
    let beside = tokens[..at - before.len()].iter().chain(tokens.get(end..).unwrap_or_default());
    let kind: Vec<&str> = std::iter::once(first.axis).chain(beside.copied().filter(|w| !FILLING.contains(w))).collect();
    (from < to).then(|| Span { kind: kind.join(" "), from, to })
}
