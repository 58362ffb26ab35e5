//! The text of an extract made fit for mapping: words that mean "missing" become NULL, ids lose the marks of a spreadsheet.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use svp_contract::FIRST_ROWS;

use crate::ids::{self, Id};
use crate::signs::{Fineness, Forms};
use crate::spread::Spread;

/// What kind of id a column of the extract holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum IdKind {
    /// None.
    #[default]
    No,
    /// Codes of a map whose keys are long numbers.
    Code,
    /// A number of a person: NHS number, UPN.
    Number,
    /// What tells a record or a person from others.
    Key,
}

/// How a feed uses one of its columns.
#[derive(Debug, Clone, Default)]
pub(crate) struct ColumnUse {
    pub name: String,
    /// Some expression reads it.
    pub read: bool,
    /// It holds names of people: which of them mean nobody is another question.
    pub names: bool,
    pub id: IdKind,
    /// It tells of a person what few others share: a number of a person, a date of birth.
    pub personal: bool,
    /// It is a coordinate of the place.
    pub coordinate: bool,
    /// Words and codes that are values here, in small letters.
    pub legal: HashSet<String>,
}

/// How a feed uses all of its columns, and the words that mean "missing" in them.
#[derive(Clone, Default)]
pub(crate) struct Cleaner {
    pub columns: Vec<ColumnUse>,
    words: Arc<MissingWords>,
}

/// Words by length and first byte, so that nearly every value is told apart without being looked up.
#[derive(Default)]
struct MissingWords {
    set: HashSet<String>,
    /// By length: the first bytes that words of it have.
    begins: Vec<[bool; 256]>,
}

impl MissingWords {
    fn new(words: impl IntoIterator<Item = String>) -> Self {
        let set: HashSet<String> =
            words.into_iter().map(|w| w.trim().to_lowercase()).filter(|w| !w.is_empty()).collect();
        let longest = set.iter().map(String::len).max().unwrap_or_default();
        let mut begins = vec![[false; 256]; longest + 1];
        for word in &set {
            let first = word.as_bytes()[0];
            begins[word.len()][usize::from(first)] = true;
            begins[word.len()][usize::from(first.to_ascii_uppercase())] = true;
        }
        Self { set, begins }
    }

    /// Whether a text can be a word: by its length and first byte, and always where it is to be trimmed first.
    #[inline]
    fn may_be(&self, bytes: &[u8]) -> bool {
        let outer = |b: u8| b <= b' ' || b >= 0x80;
        match bytes {
            [] => false,
            [first, .., last] if outer(*first) || outer(*last) => true,
            [first, ..] => outer(*first) || self.begins.get(bytes.len()).is_some_and(|b| b[usize::from(*first)]),
        }
    }

    /// The word in small letters, if the text is one.
    fn find(&self, text: &str) -> Option<&str> {
        let text = text.trim();
        let first = *text.as_bytes().first()?;
        if !self.begins.get(text.len())?[usize::from(first)] {
            return None;
        }
        self.set.get(&text.to_lowercase()).map(String::as_str)
    }
}

/// What was found in a column of the extract.
#[derive(Debug, Clone, Default)]
pub(crate) struct GivenCount {
    /// Rows with text.
    pub text: u64,
    /// Words that mean "missing".
    pub missing: u64,
    pub first_missing: Vec<u64>,
    /// Ids that were repaired.
    pub repaired: u64,
    pub first_repaired: Vec<u64>,
    /// Ids whose digits are lost.
    pub spoilt: u64,
    pub first_spoilt: Vec<u64>,
    /// Numbers longer than a spreadsheet keeps, and those of them that look cut.
    pub long: u64,
    pub cut: u64,
    /// How the texts are spread.
    pub spread: Spread,
    /// How ids are written.
    pub forms: Forms,
    /// How finely coordinates are given.
    pub fineness: Fineness,
}

/// Remembers one of the first rows.
pub(crate) fn first(rows: &mut Vec<u64>, row: u64) {
    if rows.len() < FIRST_ROWS {
        rows.push(row);
    }
}

/// What a value becomes.
enum Change {
    Missing,
    Id(String),
}

impl std::fmt::Debug for Cleaner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cleaner").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl Cleaner {
    /// For the columns of a feed; `words` mean "missing".
    pub(crate) fn new(columns: Vec<ColumnUse>, words: impl IntoIterator<Item = String>) -> Self {
        Self { columns, words: Arc::new(MissingWords::new(words)) }
    }

    /// The batch made fit, and the rows (by their place in it) whose record or person cannot be told any more.
    pub(crate) fn clean(
        &self,
        batch: &RecordBatch,
        rows: &[u64],
        counts: &mut Vec<GivenCount>,
    ) -> Result<(RecordBatch, BTreeSet<usize>), arrow::error::ArrowError> {
        counts.resize_with(self.columns.len(), GivenCount::default);
        let mut spoilt = BTreeSet::new();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.columns.len());
        for ((column, usage), count) in batch.columns().iter().zip(&self.columns).zip(counts) {
            let values = column.as_string::<i32>();
            count.text += (values.len() - values.null_count()) as u64;
            let changes = match usage.read && values.null_count() < values.len() {
                true => self.changes(usage, values, rows, count, &mut spoilt),
                false => HashMap::new(),
            };
            let column = if changes.is_empty() { Arc::clone(column) } else { changed(values, &changes) };
            // What means "missing" is no text of the column, and tells nothing of how its texts are spread.
            let texts = column.as_string::<i32>();
            count.spread.add(usage.read && usage.personal, texts, rows);
            if usage.id == IdKind::Key {
                count.forms.add(texts);
            }
            if usage.coordinate {
                count.fineness.add(texts);
            }
            columns.push(column);
        }
        Ok((RecordBatch::try_new(batch.schema(), columns)?, spoilt))
    }

    fn changes(
        &self,
        usage: &ColumnUse,
        values: &StringArray,
        rows: &[u64],
        count: &mut GivenCount,
        spoilt: &mut BTreeSet<usize>,
    ) -> HashMap<usize, Change> {
        let mut changes = HashMap::new();
        let (bytes, offsets) = (values.value_data(), values.value_offsets());
        for at in 0..values.len() {
            let raw = usize::try_from(offsets[at]).ok().zip(usize::try_from(offsets[at + 1]).ok());
            let raw = raw.and_then(|(from, to)| bytes.get(from..to)).unwrap_or_default();
            // Nearly every value ends here.
            let word = !usage.names && self.words.may_be(raw);
            if raw.is_empty() || (!word && usage.id == IdKind::No) || values.is_null(at) {
                continue;
            }
            let value = values.value(at);
            if word
                && let Some(word) = self.words.find(value)
                && !usage.legal.contains(word)
            {
                count.missing += 1;
                first(&mut count.first_missing, rows[at]);
                changes.insert(at, Change::Missing);
                continue;
            }
            if usage.id == IdKind::No {
                continue;
            }
            if ids::is_plain(value) {
                if usage.id == IdKind::Key
                    && let Some(cut) = ids::cut(value)
                {
                    count.long += 1;
                    count.cut += u64::from(cut);
                }
                continue;
            }
            if usage.id == IdKind::Code && usage.legal.contains(&value.trim().to_lowercase()) {
                continue;
            }
            match ids::judge(value) {
                Id::Whole => {}
                Id::Repaired(id) => {
                    count.repaired += 1;
                    first(&mut count.first_repaired, rows[at]);
                    changes.insert(at, Change::Id(id));
                }
                Id::Spoilt => {
                    count.spoilt += 1;
                    first(&mut count.first_spoilt, rows[at]);
                    if usage.id == IdKind::Key {
                        spoilt.insert(at);
                    }
                }
            }
        }
        changes
    }
}

fn changed(values: &StringArray, changes: &HashMap<usize, Change>) -> ArrayRef {
    let cells = values.iter().enumerate().map(|(at, value)| match changes.get(&at) {
        None => value,
        Some(Change::Missing) => None,
        Some(Change::Id(id)) => Some(id.as_str()),
    });
    Arc::new(cells.collect::<StringArray>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(usage: ColumnUse, values: &[Option<&str>]) -> (Vec<Option<String>>, GivenCount, BTreeSet<usize>) {
        let words = svp_contract::missing_words().unwrap();
        let cleaner = Cleaner::new(vec![ColumnUse { read: true, ..usage }], words);
        let column: ArrayRef = Arc::new(values.iter().copied().collect::<StringArray>());
        let batch = RecordBatch::try_from_iter_with_nullable([("c", column, true)]).unwrap();
        let rows: Vec<u64> = (1..=values.len() as u64).collect();
        let mut counts = Vec::new();
        let (batch, spoilt) = cleaner.clean(&batch, &rows, &mut counts).unwrap();
        let out = batch.column(0).as_string::<i32>().iter().map(|v| v.map(str::to_owned)).collect();
        (out, counts.remove(0), spoilt)
    }

    #[test]
    fn words_that_mean_missing_are_missing_but_where_they_are_codes_or_names() {
        let values = [Some("NULL"), Some(" n/a "), Some("-"), Some("Not Known"), Some("7"), None, Some("Nullham")];
        let (out, count, _) = cleaned(ColumnUse::default(), &values);
        assert_eq!(out, [None, None, None, None, Some("7".into()), None, Some("Nullham".into())]);
        assert_eq!((count.text, count.missing, count.first_missing), (6, 4, vec![1, 2, 3, 4]));
        let legal = ColumnUse { legal: HashSet::from(["not known".to_owned()]), ..ColumnUse::default() };
        assert_eq!(cleaned(legal, &values).1.missing, 3);
        let names = ColumnUse { names: true, ..ColumnUse::default() };
        assert_eq!(cleaned(names, &values).1.missing, 0);
    }

    #[test]
    fn ids_are_repaired_or_the_row_is_named() {
        let key = ColumnUse { id: IdKind::Key, ..ColumnUse::default() };
        let (out, count, spoilt) = cleaned(key, &[Some("100000.0"), Some("5.02E+10"), Some("100001")]);
        assert_eq!(out, ["100000", "5.02E+10", "100001"].map(|v| Some(v.to_owned())));
        assert_eq!((count.repaired, count.spoilt), (1, 1));
        assert_eq!(spoilt, BTreeSet::from([1]));
        // A code of the map is a code, whatever it looks like.
        let code = ColumnUse { id: IdKind::Code, legal: HashSet::from(["1.0".to_owned()]), ..ColumnUse::default() };
        assert_eq!(
            cleaned(code, &[Some("1.0"), Some("276853009.0")]).0,
            ["1.0", "276853009"].map(|v| Some(v.to_owned()))
        );
    }
}
