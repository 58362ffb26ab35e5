//! Short keyed digests of whole rows: they tell a repeated or a changed row, and never leave as identifiers.
//!
//! SipHash-1-3 under a key derived from the purpose's key: without it nobody can try out rows against the
//! digests that the lake holds (Aumasson and Bernstein 2012).

use std::hash::Hasher;

use hmac::Mac;
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::Key;
use crate::key_rotation::KeyRotation;

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
        let mut hasher = self.base;
        for part in parts {
            match part {
                Some(text) => {
                    hasher.write(text.as_bytes());
                    hasher.write(&[0xff]);
                }
                None => hasher.write(&[0xfe]),
            }
        }
        let digest = hasher.finish128().as_u128();
        // The lower half is what tables keep, so a rotation turns that half alone.
        let low = self.rotations.iter().fold(digest as u64, |d, rotation| rotation.part(d));
        digest & !u128::from(u64::MAX) | u128::from(low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
