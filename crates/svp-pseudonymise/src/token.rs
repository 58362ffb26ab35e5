//! Keyed tokens: HMAC-SHA-256, cut to 128 bits, written as 32 hexadecimal digits.
//!
//! A plain digest of an NHS number can be reversed by trying all of about 10^9 valid numbers in minutes;
//! a MAC under a key that the analysts do not hold cannot. Tokens are separated by domain, so a token of one
//! field never equals the token of another. RFC 2104, FIPS 198-1; truncation to 128 bits per RFC 2104 section 5.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::Key;
use crate::key_rotation::{KeyRotation, SHORT};

/// Length of a token in bytes of text.
pub const TOKEN_LEN: usize = 32;

/// Makes the tokens of one domain.
#[derive(Clone)]
pub struct Tokeniser {
    mac: Hmac<Sha256>,
    rotations: Vec<KeyRotation>,
}

impl Tokeniser {
    /// A tokeniser for `domain` (a field or a composite of fields) under `key`.
    #[must_use]
    pub fn new(key: &Key, domain: &str) -> Self {
        Self { mac: key.mac(domain), rotations: key.rotations().to_vec() }
    }

    /// The token of the parts in their order. Each part is preceded by its length, so (`ab`, `c`) and
    /// (`a`, `bc`) differ.
    #[must_use]
    pub fn token<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; TOKEN_LEN] {
        token_text(&self.digest(parts))
    }

    /// The same as 128 raw bits, for comparing rows in memory.
    #[must_use]
    pub fn digest<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 16] {
        self.rotations.iter().fold(self.base_digest(parts), |token, rotation| rotation.token(&token))
    }

    /// A short token of the parts, 48 bits as 12 hexadecimal digits: for labels that people read, of a few thousand things. A
    /// rotation turns it as [`KeyRotation::turned_short`] does.
    #[must_use]
    pub fn short<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut short = [0u8; SHORT];
        short.copy_from_slice(&self.base_digest(parts)[..SHORT]);
        hex::encode(self.rotations.iter().fold(short, |label, rotation| rotation.short(&label)))
    }

    /// The digest before any rotation; encodings have rotations of their own.
    pub(crate) fn base_digest<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 16] {
        let mut mac = self.mac.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        let full = mac.finalize().into_bytes();
        let mut short = [0u8; 16];
        short.copy_from_slice(&full[..16]);
        short
    }
}

/// 128 bits as 32 hexadecimal digits.
pub(crate) fn token_text(digest: &[u8; 16]) -> [u8; TOKEN_LEN] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0u8; TOKEN_LEN];
    for (i, byte) in digest.iter().enumerate() {
        text[2 * i] = DIGITS[usize::from(byte >> 4)];
        text[2 * i + 1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

/// The bits of a token; `None` for other text.
pub(crate) fn token_bits(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    if digits.len() != TOKEN_LEN || !digits.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut out = [0u8; 16];
    hex::decode_to_slice(text, &mut out).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> Key {
        Key::parse("svp-key-1 test 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").unwrap()
    }

    #[test]
    fn domains_do_not_meet() {
        let key = key();
        let a = Tokeniser::new(&key, "nhs").token([b"9434765919".as_slice()]);
        let b = Tokeniser::new(&key, "upn").token([b"9434765919".as_slice()]);
        assert_ne!(a, b);
    }

    #[test]
    fn a_short_token_is_the_beginning_of_a_token_and_is_turned_by_a_rotation() {
        let key = key();
        let of = |key: &Key| Tokeniser::new(key, "file-name").short([b"rms_crimes_2024-12.csv".as_slice()]);
        let token = Tokeniser::new(&key, "file-name").token([b"rms_crimes_2024-12.csv".as_slice()]);
        assert_eq!(of(&key).as_bytes(), &token[..2 * SHORT]);
        let next = key.rotated().unwrap();
        let step = key.step_to(&next).unwrap();
        assert_eq!(step.turned_short(&of(&key)).unwrap(), of(&next));
        assert_ne!(of(&key), of(&next));
        let last = next.rotated().unwrap();
        assert_eq!(next.step_to(&last).unwrap().turned_short(&of(&next)).unwrap(), of(&last));
        for none in ["", "00", "0123456789AB", "0123456789abc", "0123456789ag"] {
            assert_eq!(step.turned_short(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn same_parts_same_token_and_other_cuts_differ(a in "[A-Z]{1,8}", b in "[A-Z]{1,8}") {
            let t = Tokeniser::new(&key(), "x");
            let one = t.token([a.as_bytes(), b.as_bytes()]);
            prop_assert_eq!(one, t.token([a.as_bytes(), b.as_bytes()]));
            let joined = format!("{a}{b}");
            prop_assert_ne!(one, t.token([joined.as_bytes()]));
        }
    }
}
