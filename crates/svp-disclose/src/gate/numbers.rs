//! Reads one cell as a person would: a number whatever it is dressed in, a mark, or a text.
//!
//! `3`, `03`, `~3`, `3*`, `3 (see note)`, `3 girls`, `three`, `３` and `=2+1` all say three. The marks are those of the Government
//! Statistical Service, the NHS, DfE and of habit.

/// One value, read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    /// Nothing, or a word for nothing.
    Blank,
    /// A mark of suppression: the count is from `low` to `high`, which is infinite where the mark does not say.
    Hidden { low: f64, high: f64 },
    /// A mark of something that there is no number for.
    NotAvailable,
    /// A number.
    Number(f64),
    /// Anything else.
    Text,
}

/// A cell and how it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reading {
    pub cell: Value,
    /// The number wears something: a mark, a unit, a note, a word, zeros in front. Plain digits do not.
    pub dressed: bool,
    /// It ends with a per cent sign.
    pub percent: bool,
    /// Half a unit of the last decimal place.
    pub half: f64,
    /// Another number stands beside the first, in a note or a text.
    pub second: Option<f64>,
}

impl Reading {
    fn of(cell: Value) -> Self {
        Self { cell, dressed: false, percent: false, half: 0.5, second: None }
    }
}

/// Words that stand before a number and change little.
const ABOUT: &[&str] = &[
    "approximately",
    "approx",
    "about",
    "around",
    "circa",
    "roughly",
    "nearly",
    "almost",
    "ca",
    "c",
    "est",
    "some",
    "only",
    "just",
];
/// Words that say "up to but not".
const BELOW: &[&str] = &["fewer than", "less than", "under", "below"];
/// Words that say "up to and with".
const UP_TO: &[&str] = &["up to", "at most", "no more than", "not more than", "maximum"];
const ONES: &[&str] = &[
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: &[&str] = &["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// Digits of any script as `0` to `9`, marks of footnotes gone, one kind of blank and of dash, no letters but small ones.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if let Some(digit) = digit(c) {
            out.push(digit);
            continue;
        }
        match c {
            // Full width forms of the printable characters of ASCII.
            '\u{ff01}'..='\u{ff5e}' => {
                out.extend(char::from_u32(u32::from(c) - 0xfee0).into_iter().flat_map(char::to_lowercase));
            }
            '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => {}
            '\u{2010}'..='\u{2015}' | '\u{2212}' => out.push('-'),
            // A superscript behind something is a footnote; alone it is a number.
            '\u{b9}' | '\u{b2}' | '\u{b3}' | '\u{2070}'..='\u{2079}' => {
                out.extend(raised(c).filter(|_| out.is_empty()))
            }
            c if c.is_whitespace() => out.push(' '),
            c => out.extend(c.to_lowercase()),
        }
    }
    out.trim().to_owned()
}

/// The decimal digit that a character of any script stands for; circled ones too.
fn digit(c: char) -> Option<char> {
    // First digit of each block of ten that Unicode calls decimal digits (the common scripts).
    const ZEROS: &[u32] = &[
        0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66, 0x0e50, 0x0ed0,
        0x0f20, 0x1040, 0x17e0, 0x1810, 0xff10, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6,
    ];
    let code = u32::from(c);
    let within = |zero: u32| (zero..zero + 10).contains(&code).then(|| code - zero);
    let circled = [0x2460, 0x2474, 0x2488, 0x2776, 0x2780, 0x278a]
        .iter()
        .find_map(|one| within(*one).filter(|n| *n < 9).map(|n| n + 1));
    let value = ZEROS.iter().find_map(|zero| within(*zero)).or(circled)?;
    char::from_digit(value, 10)
}

/// The digit that a superscript is.
fn raised(c: char) -> Option<char> {
    let value = match c {
        '\u{b9}' => 1,
        '\u{b2}' => 2,
        '\u{b3}' => 3,
        _ => u32::from(c).checked_sub(0x2070)?,
    };
    char::from_digit(value, 10)
}

/// Reads one cell.
pub(super) fn read(text: &str) -> Reading {
    let small = plain(text);
    let exact = text.trim();
    match small.as_str() {
        "" | "null" | "none" | "nan" | "na" | "n/a" | "-" | "." => return Reading::of(Value::Blank),
        "c" | "[c]" | "(c)" | "*" | "**" | "***" | "[*]" | "s" | "[s]" | "suppressed" | "[suppressed]" | "hidden"
        | "redacted" => {
            return Reading::of(Value::Hidden { low: 1.0, high: f64::INFINITY });
        }
        "x" | "[x]" | "z" | "[z]" | ":" | ".." | "[low]" | "not available" => return Reading::of(Value::NotAvailable),
        _ => {}
    }
    if let Some((low, high)) = range_mark(&small) {
        return Reading::of(Value::Hidden { low, high });
    }
    if let Some((value, half)) = number(&small) {
        let zeros = small.len() > 1 && small.starts_with('0') && !small.starts_with("0.");
        let percent = small.ends_with('%');
        let dressed = zeros || exact != small && exact.to_lowercase() != small;
        return Reading { cell: Value::Number(value), dressed, percent, half, second: None };
    }
    dressed(&small).unwrap_or(Reading::of(Value::Text))
}

/// A mark that says between what the count lies: `<5`, `1-4`, `fewer than 5`, `1 to 4`.
fn range_mark(small: &str) -> Option<(f64, f64)> {
    let whole = |text: &str| text.trim().parse::<u32>().ok().map(f64::from);
    let after = |words: &[&str]| words.iter().find_map(|word| small.strip_prefix(word).and_then(whole));
    if let Some(n) = after(&["<=", "\u{2264}", "< ="]).or_else(|| after(UP_TO)) {
        return Some((1.0, n));
    }
    if let Some(n) = after(&["<"]).or_else(|| after(BELOW)) {
        return Some((1.0, n - 1.0));
    }
    let body = small.strip_prefix("between ").unwrap_or(small);
    for between in [" to ", "to", "-", " and ", ".."] {
        if let Some((low, high)) = body.split_once(between)
            && let Some((low, high)) = whole(low).zip(whole(high))
            && low < high
        {
            return Some((low, high));
        }
    }
    None
}

/// A number as people write it, with half a unit of its last place: `1,234`, `1 234`, `12.5%`, `3e0`.
fn number(text: &str) -> Option<(f64, f64)> {
    let text = text.strip_suffix('%').unwrap_or(text).trim_end();
    let text = text.strip_prefix('\'').unwrap_or(text);
    let digits = text.trim_start_matches(['+', '-']);
    if text.len() - digits.len() > 1 || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let whole = digits.split('.').next().unwrap_or_default();
    let by = [',', ' ', '\''].into_iter().find(|by| whole.contains(*by));
    let parsed = match by {
        Some(by) => {
            let mut groups = whole.split(by);
            let first = groups.next().unwrap_or_default();
            if first.is_empty() || first.len() > 3 || groups.any(|group| group.len() != 3) {
                // A comma before one or two digits is a decimal comma.
                return decimal_comma(text);
            }
            text.replace(by, "").parse::<f64>()
        }
        None => text.parse::<f64>(),
    };
    let places = digits.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
    parsed.ok().filter(|n| n.is_finite()).map(|n| (n, half_of(places)))
}

fn decimal_comma(text: &str) -> Option<(f64, f64)> {
    let (whole, rest) = text.split_once(',')?;
    let short = (1..=2).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_digit());
    (short && whole.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
        .then(|| format!("{whole}.{rest}").parse::<f64>().ok())
        .flatten()
        .map(|n| (n, half_of(rest.len())))
}

fn half_of(places: usize) -> f64 {
    0.5 / 10_f64.powi(i32::try_from(places.min(12)).unwrap_or(12))
}

/// A number under marks, units, notes, words or in a formula.
fn dressed(small: &str) -> Option<Reading> {
    let dressed = |value: f64, half: f64, second: Option<f64>| Reading {
        cell: Value::Number(value),
        dressed: true,
        percent: false,
        half,
        second,
    };
    if let Some(formula) = small.strip_prefix(['=', '@']) {
        let value = number(formula.trim_matches(['"', ' '])).map(|n| n.0).or_else(|| sum(formula))?;
        return Some(dressed(value, 0.5, None));
    }
    if let Some((n, rest)) = spoken(small) {
        return Some(dressed(n, 0.5, numbers_in(rest).first().copied()));
    }
    let stripped = undressed(small);
    let length = stripped.bytes().take_while(|b| b.is_ascii_digit() || b".,%+-".contains(b)).count();
    let (head, rest) = stripped.split_at(length);
    // `2nd`, `10-17`, `3/20`, `18:00`: the number goes on, so it is no number with a unit.
    let joined = rest.starts_with([':', '_', '\\'])
        || rest.starts_with(char::is_alphabetic)
            && rest.split(' ').next().is_some_and(|word| word.contains(|c: char| c.is_ascii_digit()))
        || ["st", "nd", "rd", "th"]
            .iter()
            .any(|end| rest.strip_prefix(end).is_some_and(|after| !after.starts_with(char::is_alphanumeric)));
    let (value, half) = number(head.trim_end_matches([',', '.', '-', '+']))?;
    (!joined).then(|| dressed(value, half, numbers_in(rest).first().copied()))
}

/// Without what people write in front of a number.
fn undressed(text: &str) -> &str {
    let mut text = text;
    loop {
        let bare = text.trim_start_matches(|c: char| {
            !c.is_alphanumeric() && !matches!(c, '.' | '-' | '+') || matches!(c, '\'' | '"' | '~' | '\u{a3}')
        });
        let word = ABOUT.iter().find_map(|w| bare.strip_prefix(w).filter(|r| r.starts_with([' ', '.', ':'])));
        let named = bare.strip_prefix('n').map(str::trim_start).and_then(|r| r.strip_prefix(['=', ':']));
        let next = word.or(named).map_or(bare, |rest| rest.trim_start_matches(['.', ' ', ':']));
        if next.len() == text.len() {
            return next;
        }
        text = next;
    }
}

/// A sum, difference or product of numbers, as a formula has it.
fn sum(formula: &str) -> Option<f64> {
    let compact: String = formula.chars().filter(|c| !c.is_whitespace()).collect();
    let mut total = 0.0;
    for term in compact.replace('-', "+-").split('+').filter(|t| !t.is_empty()) {
        let (sign, term) = term.strip_prefix('-').map_or((1.0, term), |rest| (-1.0, rest));
        let mut product = 1.0;
        for factor in term.split('*') {
            product *= factor.parse::<f64>().ok()?;
        }
        total += sign * product;
    }
    (!compact.is_empty()).then_some(total)
}

/// A number word at the start of a text, and the rest: `three`, `twenty-one girls`, `a dozen`, `a couple`.
fn spoken(small: &str) -> Option<(f64, &str)> {
    let small = undressed(small).trim_start_matches(['+', '-', '.', ' ']);
    let word = |text: &str| text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    for (phrase, n) in [
        ("half a dozen", 6.0),
        ("a dozen", 12.0),
        ("a couple", 2.0),
        ("a pair", 2.0),
        ("a handful", 5.0),
        ("a few", 3.0),
        ("single", 1.0),
        ("couple", 2.0),
        ("several", 4.0),
        ("dozen", 12.0),
        ("nil", 0.0),
        ("nobody", 0.0),
        ("no one", 0.0),
        ("once", 1.0),
        ("twice", 2.0),
        ("few", 3.0),
    ] {
        if let Some(rest) = small.strip_prefix(phrase).filter(|rest| !rest.starts_with(char::is_alphanumeric)) {
            return Some((n, rest));
        }
    }
    let (first, rest) = small.split_at(word(small));
    if let Some(n) = ONES.iter().position(|w| *w == first) {
        return Some((n as f64, rest));
    }
    let tens = TENS.iter().position(|w| *w == first)?;
    let after = rest.trim_start_matches(['-', ' ']);
    let (second, end) = after.split_at(word(after));
    let ones = ONES.iter().position(|w| *w == second).filter(|n| (1..10).contains(n));
    Some(((tens as f64 + 2.0) * 10.0 + ones.unwrap_or(0) as f64, if ones.is_some() { end } else { rest }))
}

/// The number that a single word spells, up to nineteen.
pub(super) fn spelled(word: &str) -> Option<f64> {
    ONES.iter().position(|w| *w == word).map(|n| n as f64)
}

/// All numbers of a text that stand alone. What refers to a note (`[note 2]`, `note 3`, `[1]`) is none.
pub(super) fn numbers_in(text: &str) -> Vec<f64> {
    let mut out = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len()
            && (bytes[at].is_ascii_digit() || bytes[at] == b'.' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit))
        {
            at += 1;
        }
        let before = text[..start].trim_end_matches([' ', '.']);
        let note = ["note", "notes", "footnote", "fn", "table", "see"].iter().any(|word| before.ends_with(word))
            || before.ends_with('[') && text[at..].starts_with(']');
        if !note && let Ok(n) = text[start..at].parse() {
            out.push(n);
        }
    }
    out
}
