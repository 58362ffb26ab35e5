//! How Python reads numbers: `int(text, 10)` and `float(text)` of CPython 3.11.

use std::borrow::Cow;

/// Zeros of the ranges of ten decimal digits in Unicode 14 (general category Nd), beyond ASCII.
const ZEROS: [u32; 65] = [
    1632, 1776, 1984, 2406, 2534, 2662, 2790, 2918, 3046, 3174, 3302, 3430, 3558, 3664, 3792, 3872, 4160, 4240, 6112,
    6160, 6470, 6608, 6784, 6800, 6992, 7088, 7232, 7248, 42528, 43216, 43264, 43472, 43504, 43600, 44016, 65296,
    66720, 68912, 69734, 69872, 69942, 70096, 70384, 70736, 70864, 71248, 71360, 71472, 71904, 72016, 72784, 73040,
    73120, 92768, 92864, 93008, 120782, 120792, 120802, 120812, 120822, 123200, 123632, 125264, 130032,
];

/// The longest number that `int` reads (`sys.int_info.default_max_str_digits`).
const MOST_DIGITS: usize = 4300;

/// The value of a decimal digit of any script.
pub(crate) fn decimal(digit: char) -> Option<u32> {
    if digit.is_ascii() {
        return digit.to_digit(10);
    }
    let code = u32::from(digit);
    let zero = *ZEROS.get(ZEROS.partition_point(|&zero| zero <= code).checked_sub(1)?)?;
    (code - zero < 10).then(|| code - zero)
}

/// Whether `str.isspace` says so of the character.
pub(crate) fn is_space(letter: char) -> bool {
    letter.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&letter)
}

/// Digits of any script in ASCII, without the blanks at both ends.
fn plain(text: &str) -> Cow<'_, str> {
    // CPython leaves U+001C to U+001F where it strips numbers; so does `char::is_whitespace`.
    let text = text.trim_matches(char::is_whitespace);
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let digit = |letter| decimal(letter).and_then(|digit| char::from_digit(digit, 10)).unwrap_or(letter);
    Cow::Owned(text.chars().map(digit).collect())
}

/// Takes out underscores where each stands between two digits; `None` where one does not.
fn joined(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    if !text.contains('_') {
        return Some(text);
    }
    let bytes = text.as_bytes();
    let digit = |place: Option<usize>| place.and_then(|p| bytes.get(p)).is_some_and(u8::is_ascii_digit);
    let sits = |(place, _)| digit(usize::checked_sub(place, 1)) && digit(Some(place + 1));
    text.match_indices('_').all(sits).then(|| Cow::Owned(text.replace('_', "")))
}

/// `str(int(text, 10))`: no blanks, no plus, no leading noughts; `None` where `int` refuses.
pub(crate) fn integer(text: &str) -> Option<Cow<'_, str>> {
    let usual = |text: &str| (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if usual(text) && !text.starts_with('0') {
        return Some(Cow::Borrowed(text));
    }
    let text = joined(plain(text))?;
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, &*text),
    };
    if digits.is_empty() || digits.len() > MOST_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    Some(Cow::Owned(match (digits, negative) {
        ("", _) => "0".to_owned(),
        (digits, false) => digits.to_owned(),
        (digits, true) => format!("-{digits}"),
    }))
}

/// `float(text)`; `None` where it refuses, and where the number is not finite.
pub(crate) fn float(text: &str) -> Option<f64> {
    // Both round to the nearest double. What Rust reads and Python does not, or the other way about, is not finite.
    joined(plain(text))?.parse().ok().filter(|number: &f64| number.is_finite())
}
