//! Lines that are no records though they stand among them: footers, ruled lines, lines of delimiters. The words by
//! which footers are known are in `footers.txt`.

use std::sync::LazyLock;

use super::split::Field;

/// The entries of `footers.txt`.
static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let lines = include_str!("footers.txt").lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).collect()
});

/// The byte by which old systems end a text.
const END_MARK: u8 = 0x1a;
/// Bytes of a line that are compared with the words.
const LOOK: usize = 80;

/// What a record that fills few of its columns may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sparse {
    /// Nothing: delimiters and blanks.
    Blank,
    /// It consists of dashes and the like.
    Ruled,
    /// An end mark.
    EndMark,
    /// It begins as footers do.
    Worded,
    /// Few values, and no sign of a footer.
    Plain,
}

/// Looks at a record; `base` is where its bytes begin among those that the fields point into.
pub(super) fn sparse(record: &[u8], base: usize, fields: &[Field]) -> Sparse {
    let text = |f: &Field| trimmed(&record[f.start - base..f.end - base]);
    if fields.iter().all(|f| text(f).is_empty()) {
        return Sparse::Blank;
    }
    if fields.iter().all(|f| text(f).iter().all(|b| *b == END_MARK)) {
        return Sparse::EndMark;
    }
    let ruled = |t: &[u8]| t.len() > 1 && t.iter().all(|b| matches!(b, b'-' | b'=' | b'_' | b'*' | b'#'));
    if fields.iter().map(text).filter(|t| !t.is_empty()).all(ruled) {
        return Sparse::Ruled;
    }
    if worded(record) { Sparse::Worded } else { Sparse::Plain }
}

/// The number of fields that hold more than blanks.
pub(super) fn filled(record: &[u8], base: usize, fields: &[Field]) -> usize {
    fields.iter().filter(|f| !trimmed(&record[f.start - base..f.end - base]).is_empty()).count()
}

/// Without white space, also the no-break space of UTF-8 and of Windows-1252.
fn trimmed(text: &[u8]) -> &[u8] {
    let mut text = text.trim_ascii();
    loop {
        let next = match text {
            [0xc2, 0xa0, rest @ ..] | [rest @ .., 0xc2, 0xa0] | [0xa0, rest @ ..] => rest.trim_ascii(),
            _ => return text,
        };
        text = next;
    }
}

/// Whether the first cell that holds something, one of the first two, says that the row is a sum.
#[inline]
pub(super) fn is_sum(record: &[u8], base: usize, fields: &[Field]) -> bool {
    let cells = fields.iter().take(2).map(|f| &record[f.start - base..f.end - base]);
    let Some(cell) = cells.into_iter().find(|c| !c.is_empty()) else { return false };
    // Nearly every record ends here: the words begin with these letters.
    if !matches!(cell[0] | 0x20, b't' | b's' | b'g' | b'o' | b' ' | b'*') {
        return false;
    }
    let cell = trimmed(cell).trim_ascii();
    let end = cell.iter().rposition(|b| b.is_ascii_alphanumeric()).map_or(0, |i| i + 1);
    let from = cell.iter().position(u8::is_ascii_alphanumeric).unwrap_or(end);
    let sums = WORDS.iter().filter_map(|w| w.strip_prefix('='));
    sums.into_iter().any(|sum| cell[from..end].eq_ignore_ascii_case(sum.as_bytes()))
}

/// Whether a line begins as footers do.
fn worded(line: &[u8]) -> bool {
    let Some(from) = line.iter().position(u8::is_ascii_alphanumeric) else { return false };
    let head: String = line[from..].iter().take(LOOK).map(|b| char::from(b.to_ascii_lowercase())).collect();
    WORDS.iter().any(|w| begins(&head, w.trim_start_matches('=')))
}

fn begins(head: &str, phrase: &str) -> bool {
    let (phrase, colon) = match phrase.strip_suffix(':') {
        Some(phrase) => (phrase, true),
        None => (phrase, false),
    };
    let mut rest = head;
    for (i, part) in phrase.split('#').enumerate() {
        if i > 0 {
            let number = rest.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ',' | '.'));
            if number.len() == rest.len() {
                return false;
            }
            rest = number;
        }
        match rest.strip_prefix(part) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    if colon {
        let next = rest.trim_start_matches([' ', '\t']).chars().next();
        return next.is_none_or(|c| matches!(c, ':' | '=' | '-' | ',' | ';' | '\t' | '|' | '"' | '.'));
    }
    !rest.starts_with(|c: char| c.is_ascii_alphanumeric())
}
