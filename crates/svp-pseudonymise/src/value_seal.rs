//! Whole numbers that stand sealed in a row: nobody reads them without the key, and in another row they do not open.
//!
//! AES-256-GCM-SIV (RFC 8452) under a key derived from that of the lake for the column, bound to a token of the row. There is no nonce, so
//! that the same row is the same bytes in every run; the cipher withstands that. All that is told is that one row, known by its token, came
//! again with the same number, or with another. All numbers are of one length when sealed.

use std::fmt;

use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};
use svp_contract::Column;

use crate::Key;

/// No nonce: the token of the row takes its place.
const NONE: [u8; 12] = [0; 12];

/// Seals the numbers of one column of a lake under its key.
///
/// ```
/// use svp_contract::canonical_tables;
/// use svp_pseudonymise::{Key, ValueSeal};
///
/// let tables = canonical_tables().unwrap();
/// let column = tables.iter().find(|t| t.name == "party").and_then(|t| t.column("age_sealed")).unwrap();
/// let key = Key::generate("needs-assessment")?;
/// let seal = ValueSeal::new(&key, column);
/// let sealed = seal.seal("5d0c", 34).expect("a short text");
/// assert_eq!(seal.open("5d0c", &sealed), Some(34));
/// // In another row, and under the next key of the lake, it does not open.
/// assert_eq!(seal.open("5d0d", &sealed), None);
/// assert_eq!(ValueSeal::new(&key.rotated()?, column).open("5d0c", &sealed), None);
/// # Ok::<(), svp_pseudonymise::PseudonymiseError>(())
/// ```
#[derive(Clone)]
pub struct ValueSeal {
    cipher: Aes256GcmSiv,
}

impl ValueSeal {
    /// The seal of a column. Every rotation of the key is part of it: a key without the last one opens nothing.
    #[must_use]
    pub fn new(key: &Key, column: &Column) -> Self {
        let derived = key.derived(&format!("seal/value/{}", column.token_domain()));
        Self { cipher: Aes256GcmSiv::new(&(*derived).into()) }
    }

    /// The number, sealed for the row with this token: 20 bytes. `None` where the cipher refuses, which it does for no token.
    #[must_use]
    pub fn seal(&self, row: &str, number: i32) -> Option<Vec<u8>> {
        let msg = number.to_le_bytes();
        self.cipher.encrypt(&Nonce::from(NONE), Payload { msg: &msg, aad: row.as_bytes() }).ok()
    }

    /// The number that was sealed under this key for the row with this token; `None` for anything else.
    #[must_use]
    pub fn open(&self, row: &str, sealed: &[u8]) -> Option<i32> {
        let plain = self.cipher.decrypt(&Nonce::from(NONE), Payload { msg: sealed, aad: row.as_bytes() }).ok()?;
        Some(i32::from_le_bytes(plain.try_into().ok()?))
    }
}

impl fmt::Debug for ValueSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValueSeal").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use svp_contract::canonical_tables;

    use super::*;

    fn column(table: &str, name: &str) -> Column {
        let tables = canonical_tables().unwrap();
        tables.iter().find(|t| t.name == table).and_then(|t| t.column(name)).unwrap().clone()
    }

    #[test]
    fn one_bit_another_row_column_and_key_are_refused() {
        let key = Key::generate("test").unwrap();
        let age = column("party", "age_sealed");
        let seal = ValueSeal::new(&key, &age);
        let sealed = seal.seal("row", 97).unwrap();
        assert_eq!((seal.open("row", &sealed), sealed.len()), (Some(97), 20));
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(seal.open("row", &changed), None, "bit {bit}");
        }
        assert_eq!(seal.open("row", b""), None);
        assert_eq!(seal.open("other", &sealed), None);
        for other in [key.rotated().unwrap(), Key::generate("test").unwrap()] {
            assert_eq!(ValueSeal::new(&other, &age).open("row", &sealed), None);
        }
        let other = Column { domain: Some("other".to_owned()), ..age };
        assert_eq!(ValueSeal::new(&key, &other).open("row", &sealed), None);
    }

    /// Neither do equal ages look alike, nor does the length tell an age.
    #[test]
    fn equal_numbers_of_two_rows_look_different() {
        let seal = ValueSeal::new(&Key::generate("test").unwrap(), &column("party", "age_sealed"));
        let rows: Vec<Vec<u8>> = (0..500).map(|row| seal.seal(&row.to_string(), row % 3).unwrap()).collect();
        assert_eq!(rows.iter().collect::<BTreeSet<_>>().len(), 500);
        assert!(rows.iter().all(|sealed| sealed.len() == 20));
        assert_eq!(seal.seal("0", 0).unwrap(), rows[0], "the same row is the same bytes");
        assert_ne!(seal.seal("0", 1).unwrap(), rows[0]);
    }
}
