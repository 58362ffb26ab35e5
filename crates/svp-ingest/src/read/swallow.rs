//! A quote that is never closed where it should be takes the line ends, and with them whole records, into one field.
//! Free text has line breaks too. The difference: read on their own, the lines that were taken in are records.

use std::io::Cursor;

use memchr::memchr2;

use super::shape::Shapes;
use super::split::{Field, Next, Splitter, line_ends};

/// In a table of fewer columns than this, a line of prose has the right number of commas too often.
const NARROW: usize = 4;
/// So many lines that are records are needed in a narrow table.
const NARROW_LINES: usize = 3;

/// What a quoted field has swallowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Swallowed {
    /// Offset of the opening quote in the record.
    pub at: usize,
    /// Line ends in the record.
    pub lines: u64,
    /// Swallowed records.
    pub records: u64,
}

/// How a record is written and what it should be like.
pub(super) struct Form<'a> {
    pub delimiter: u8,
    pub quote: u8,
    /// Numbers of fields that a row may have.
    pub widths: [usize; 2],
    pub shapes: &'a Shapes,
}

impl Form<'_> {
    /// For each record of a text, whether it is like those of the file. Where a quote is open at the end, the last one is
    /// split without regard to quotes: the one that closed the field was to open another. `learnt` takes the place of what the file has shown so far, and learns itself if it is empty.
    fn records(&self, text: &[u8], learnt: &mut Shapes) -> Vec<bool> {
        let mut out = Vec::new();
        let rest = self.split(text, Some(self.quote), learnt, &mut out);
        let rest = text[rest..].iter().position(|b| !matches!(b, b'\n' | b'\r')).map(|skip| rest + skip);
        if let Some(rest) = rest {
            let line = memchr2(b'\n', b'\r', &text[rest..]).map_or(text.len(), |end| rest + end);
            let last = out.len();
            self.split(&text[rest..line], None, learnt, &mut out);
            out.truncate(last + 1);
        }
        out
    }

    /// Splits a text; gives the place up to which it could be split.
    fn split(&self, text: &[u8], quote: Option<u8>, learnt: &mut Shapes, out: &mut Vec<bool>) -> usize {
        let mut splitter = Splitter::new(Cursor::new(text), self.delimiter, quote, text.len() + 1);
        loop {
            let position = usize::try_from(splitter.position()).unwrap_or(text.len());
            match splitter.next() {
                Ok(Next::Record(found)) if found.filled == 0 => {}
                Ok(Next::Record(found)) => {
                    let fields = splitter.fields();
                    let bytes = splitter.bytes(found.start, found.end);
                    let shapes = if self.shapes.is_empty() { &*learnt } else { self.shapes };
                    let like = self.widths.contains(&fields.len()) && shapes.alike(bytes, found.start, fields);
                    if like && learnt.is_empty() {
                        learnt.learn(bytes, found.start, fields);
                    }
                    out.push(like);
                }
                Ok(Next::OpenQuote) | Err(_) => return position,
                Ok(Next::End) => return text.len(),
            }
        }
    }
}

/// Looks whether a record with line ends has swallowed others.
///
/// It is cut at the first line end inside a quoted field. If that field is free text, the first piece ends and the last
/// one begins within prose. If a quote is missing or too many, the first piece without its opening quote is a record,
/// and the rest splits into records, the last of which holds the quote that closed the field. With one line end both
/// pieces must be records; with more, at least half of the lines between them, and one of the two.
pub(super) fn swallowed(record: &[u8], base: usize, fields: &[Field], form: &Form<'_>) -> Option<Swallowed> {
    let text = |f: &Field| &record[f.start - base..f.end - base];
    let field = fields.iter().find(|f| memchr2(b'\n', b'\r', text(f)).is_some())?;
    let at = (field.start - base).checked_sub(1)?;
    let first = at + memchr2(b'\n', b'\r', &record[at..])?;
    let mut learnt = Shapes::default();
    let head = form.records(&[&record[..at], &record[at + 1..first]].concat(), &mut learnt) == [true];
    let mut rest = form.records(&record[first..], &mut learnt);
    let last = rest.pop().unwrap_or_default();
    let like = rest.iter().filter(|like| **like).count();
    let damage = match rest.len() {
        _ if form.widths[0] < NARROW => like >= NARROW_LINES && like * 2 >= rest.len(),
        0 => head && last,
        lines => like > 0 && like * 2 >= lines && (head || last),
    };
    damage.then(|| Swallowed { at, lines: line_ends(record), records: (like + usize::from(last)) as u64 })
}
