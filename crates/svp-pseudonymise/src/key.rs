//! The secret of one purpose: 256 random bits that only the key custodian holds.
//!
//! Text form, one line: `svp-key-1 <purpose> <64 hex digits>`, or after a rotation `svp-key-2 <purpose>` and the digits
//! of each rotation, oldest first. The purpose is part of every token, so the same person has unrelated tokens under two
//! purposes (OpenPseudonymiser's reason for one salt per project).

use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::PseudonymiseError;
use crate::key_rotation::{KeyRotation, new_mac};

const MARK: &str = "svp-key-1";
const MARK_ROTATED: &str = "svp-key-2";

/// A key and the purpose it was made for. It has no `Debug` and no `Display`: it cannot reach a log.
pub struct Key {
    purpose: String,
    secret: Zeroizing<[u8; 32]>,
    /// What rotations added, oldest first.
    rotations: Vec<KeyRotation>,
}

impl Key {
    /// A new key of 256 bits from the operating system.
    ///
    /// # Errors
    /// When the purpose is not one word, or no random bytes can be had.
    pub fn generate(purpose: &str) -> Result<Self, PseudonymiseError> {
        check_purpose(purpose)?;
        let mut secret = Zeroizing::new([0u8; 32]);
        getrandom::fill(secret.as_mut_slice()).map_err(|_| PseudonymiseError::NoRandom)?;
        Ok(Self { purpose: purpose.to_owned(), secret, rotations: Vec::new() })
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// When the text is not a key; the message says which part is wrong and never shows it.
    pub fn parse(text: &str) -> Result<Self, PseudonymiseError> {
        let mut words = text.split_whitespace();
        let rotated = match words.next() {
            Some(MARK) => false,
            Some(MARK_ROTATED) => true,
            _ => return Err(PseudonymiseError::BadKey("it begins with neither svp-key-1 nor svp-key-2")),
        };
        let purpose = words.next().ok_or(PseudonymiseError::BadKey("the purpose is missing"))?;
        check_purpose(purpose)?;
        let secret = secret_of(words.next().ok_or(PseudonymiseError::BadKey("the secret is missing"))?)?;
        let rotations = words
            .map(|digits| Ok(KeyRotation::new(secret_of(digits)?)))
            .collect::<Result<Vec<_>, PseudonymiseError>>()?;
        match (rotated, rotations.is_empty()) {
            (false, false) => Err(PseudonymiseError::BadKey("there is text after the secret")),
            (true, true) => Err(PseudonymiseError::BadKey("a rotated key has at least two secrets")),
            _ => Ok(Self { purpose: purpose.to_owned(), secret, rotations }),
        }
    }

    /// This key with one more rotation of 256 random bits: the next key of the same lake.
    ///
    /// # Errors
    /// When no random bytes can be had.
    pub fn rotated(&self) -> Result<Self, PseudonymiseError> {
        let mut fresh = Zeroizing::new([0u8; 32]);
        getrandom::fill(fresh.as_mut_slice()).map_err(|_| PseudonymiseError::NoRandom)?;
        let mut rotations = self.rotations.clone();
        rotations.push(KeyRotation::new(fresh));
        Ok(Self { purpose: self.purpose.clone(), secret: self.secret.clone(), rotations })
    }

    /// The way from what was made under this key to what is made under `next`; `None` unless `next` is this key with
    /// one more rotation.
    #[must_use]
    pub fn step_to(&self, next: &Self) -> Option<KeyRotation> {
        let (last, before) = next.rotations.split_last()?;
        let same = self.purpose == next.purpose
            && self.secret == next.secret
            && self.rotations.len() == before.len()
            && self.rotations.iter().zip(before).all(|(a, b)| a.secret() == b.secret());
        same.then(|| last.clone())
    }

    /// What rotations added, oldest first.
    pub(crate) fn rotations(&self) -> &[KeyRotation] {
        &self.rotations
    }

    /// The text form, for writing to the key file and nowhere else.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let mark = if self.rotations.is_empty() { MARK } else { MARK_ROTATED };
        let mut text = Zeroizing::new(format!("{mark} {}", self.purpose));
        for secret in std::iter::once(self.secret.as_slice()).chain(self.rotations.iter().map(KeyRotation::secret)) {
            text.push(' ');
            text.push_str(Zeroizing::new(hex::encode(secret)).as_str());
        }
        text.push('\n');
        text
    }

    /// The purpose, one word.
    #[must_use]
    pub fn purpose(&self) -> &str {
        &self.purpose
    }

    /// Sixteen hex digits that tell two keys apart and say nothing about either. Kept in the lake, so that a
    /// run with another key is refused instead of making tokens that never meet.
    #[must_use]
    pub fn check(&self) -> String {
        let mut mac = self.mac("key-check");
        mac.update(b"svp");
        let mut digest = [0u8; 16];
        digest.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        hex::encode(&self.rotations.iter().fold(digest, |d, rotation| rotation.token(&d))[..8])
    }

    /// A key of 256 bits for one domain of this purpose, which every rotation changes: the predecessor of this key cannot make it.
    pub(crate) fn derived(&self, domain: &str) -> Zeroizing<[u8; 32]> {
        let mut mac = self.mac(domain);
        mac.update(b"svp derived key");
        let first = Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()));
        self.rotations.iter().fold(first, |key, rotation| rotation.derived(&key))
    }

    /// A MAC keyed for one domain (field) of this purpose.
    pub(crate) fn mac(&self, domain: &str) -> Hmac<Sha256> {
        // HMAC accepts any key length, so these two cannot fail; the fallback is never reached.
        let mut outer = new_mac(self.secret.as_slice());
        outer.update(b"svp/1/");
        outer.update(self.purpose.as_bytes());
        outer.update(b"/");
        outer.update(domain.as_bytes());
        let derived = Zeroizing::new(<[u8; 32]>::from(outer.finalize().into_bytes()));
        new_mac(derived.as_slice())
    }
}

fn secret_of(digits: &str) -> Result<Zeroizing<[u8; 32]>, PseudonymiseError> {
    let mut secret = Zeroizing::new([0u8; 32]);
    hex::decode_to_slice(digits, secret.as_mut_slice())
        .map_err(|_| PseudonymiseError::BadKey("the secret is not 64 hexadecimal digits"))?;
    if secret.iter().all(|b| *b == secret[0]) {
        return Err(PseudonymiseError::BadKey("the secret is one repeated byte"));
    }
    Ok(secret)
}

fn check_purpose(purpose: &str) -> Result<(), PseudonymiseError> {
    let fine = !purpose.is_empty()
        && purpose.len() <= 64
        && purpose.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fine { Ok(()) } else { Err(PseudonymiseError::BadKey("a purpose is one word of a-z, 0-9 and hyphens")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        let key = Key::generate("needs-assessment").unwrap();
        let again = Key::parse(&key.to_text()).unwrap();
        assert_eq!(key.check(), again.check());
        assert_eq!(again.purpose(), "needs-assessment");
    }

    #[test]
    fn two_keys_and_two_purposes_differ() {
        let text = "svp-key-1 one 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
        let one = Key::parse(text).unwrap();
        let two = Key::parse(&text.replace(" one ", " two ")).unwrap();
        assert_ne!(one.check(), two.check());
        assert_ne!(one.check(), Key::generate("one").unwrap().check());
    }

    #[test]
    fn a_rotated_key_round_trips_and_knows_its_predecessor() {
        let key = Key::generate("needs-assessment").unwrap();
        let next = key.rotated().unwrap();
        let again = Key::parse(&next.to_text()).unwrap();
        assert_eq!(next.check(), again.check());
        assert_ne!(key.check(), next.check());
        assert!(key.step_to(&again).is_some());
        assert!(again.step_to(&key).is_none() && key.step_to(&key).is_none());
        assert!(Key::generate("needs-assessment").unwrap().step_to(&next).is_none());
        assert!(key.step_to(&next.rotated().unwrap()).is_none());
    }

    #[test]
    fn bad_keys_are_refused_without_showing_them() {
        for text in [
            "",
            "hello",
            "svp-key-1 one",
            "svp-key-1 one 00ff",
            "svp-key-1 One 00",
            "svp-key-1 one 0000000000000000000000000000000000000000000000000000000000000000",
        ] {
            let message = Key::parse(text).map(|_| ()).unwrap_err().to_string();
            assert!(!message.contains("00ff"), "{message}");
        }
    }
}
