//! How the columns of a row that is judged stand: encodings first, then numbers and keys.

use svp_contract::comparison::{ROW_COLUMNS, RowKind};

/// How many of [`ROW_COLUMNS`] are encodings, and how many are encodings, numbers or keys: what rules can name and a digest is of.
const fn leading() -> (usize, usize) {
    let (mut encodings, mut named, mut i) = (0, 0, 0);
    while i < ROW_COLUMNS.len() {
        match ROW_COLUMNS[i].kind {
            RowKind::Encoding(_) => {
                assert!(encodings == i, "encodings stand first");
                (encodings, named) = (encodings + 1, named + 1);
            }
            RowKind::Number | RowKind::Key => {
                assert!(named == i, "numbers and keys stand after the encodings");
                named += 1;
            }
            RowKind::Sex | RowKind::Flag | RowKind::Count => {}
        }
        i += 1;
    }
    (encodings, named)
}

/// Encodings, which stand first in [`ROW_COLUMNS`].
pub(crate) const ENCODINGS: usize = leading().0;

/// Encodings, numbers and keys: the first columns, which blocking rules can name and a digest is made of.
pub(crate) const NAMED: usize = leading().1;
