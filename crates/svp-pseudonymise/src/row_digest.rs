//! Short keyed digests of whole rows: they tell a repeated or a changed row, and never leave as identifiers.
//!
//! SipHash-1-3 under a key derived from the purpose's key: without it nobody can try out rows against the
//! digests that the lake holds (Aumasson and Bernstein 2012).

use std::hash::Hasher;

use hmac::Mac;
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::Key;
use crate::key_rotation::KeyRotation;

/// Bytes that are given to the hash at once: it is slow with many short pieces.
const GATHERED: usize = 256;

/// The hash of a text that comes in pieces; how it is cut makes no difference.
struct Gathered {
    hasher: SipHasher13,
    bytes: [u8; GATHERED],
    len: usize,
}

impl Gathered {
    fn add(&mut self, piece: &[u8]) {
        if self.len + piece.len() > GATHERED {
            self.hasher.write(&self.bytes[..self.len]);
            self.len = 0;
        }
        match self.bytes.get_mut(self.len..self.len + piece.len()) {
            Some(place) => {
                place.copy_from_slice(piece);
                self.len += piece.len();
            }
            None => self.hasher.write(piece),
        }
    }

    fn finish(mut self) -> u128 {
        self.hasher.write(&self.bytes[..self.len]);
        self.hasher.finish128().as_u128()
    }
}

/// Digests rows.
#[derive(Clone)]
pub struct RowDigest {
    base: SipHasher13,
    rotations: Vec<KeyRotation>,
}

impl RowDigest {
    /// For the key of the purpose.
    #[must_use]
    pub fn new(key: &Key) -> Self {
        let bytes = <[u8; 32]>::from(key.mac("row-digest").finalize().into_bytes());
        let mut half = [0u8; 16];
        half.copy_from_slice(&bytes[..16]);
        Self { base: SipHasher13::new_with_key(&half), rotations: key.rotations().to_vec() }
    }

    /// 128 bits of the parts; a missing part differs from an empty one.
    #[must_use]
    pub fn digest<'a>(&self, parts: impl IntoIterator<Item = Option<&'a str>>) -> u128 {
        let mut gathered = Gathered { hasher: self.base, bytes: [0; GATHERED], len: 0 };
        for part in parts {
            match part {
                Some(text) => {
                    gathered.add(text.as_bytes());
                    gathered.add(&[0xff]);
                }
                None => gathered.add(&[0xfe]),
            }
        }
        let digest = gathered.finish();
        // The lower half is what tables keep, so a rotation turns that half alone.
        let low = self.rotations.iter().fold(digest as u64, |d, rotation| rotation.part(d));
        digest & !u128::from(u64::MAX) | u128::from(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_row_is_cut_makes_no_difference() {
        let key =
            Key::parse("svp-key-1 test 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").unwrap();
        let d = RowDigest::new(&key);
        for lengths in [&[0, 1, 2][..], &[255, 0, 1], &[256], &[257, 3], &[100, 155, 1, 700, 12], &[1; 300]] {
            let texts: Vec<String> = lengths.iter().map(|n| "x".repeat(*n)).collect();
            let mut whole = d.base;
            for text in &texts {
                whole.write(text.as_bytes());
                whole.write(&[0xff]);
            }
            let parts = texts.iter().map(|t| Some(t.as_str()));
            assert_eq!(d.digest(parts), whole.finish128().as_u128(), "{lengths:?}");
        }
    }

    #[test]
    fn rows_differ_by_content_cut_and_key() {
        let key =
            Key::parse("svp-key-1 test 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").unwrap();
        let d = RowDigest::new(&key);
        assert_eq!(d.digest([Some("a"), None]), d.digest([Some("a"), None]));
        assert_ne!(d.digest([Some("a"), None]), d.digest([Some("a"), Some("")]));
        assert_ne!(d.digest([Some("ab"), Some("c")]), d.digest([Some("a"), Some("bc")]));
        assert_ne!(d.digest([Some("a")]), RowDigest::new(&Key::generate("test").unwrap()).digest([Some("a")]));
    }
}
