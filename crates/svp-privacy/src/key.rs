//! The secret of one purpose: 256 random bits that only the key custodian holds.
//!
//! Text form, one line: `svp-key-1 <purpose> <64 hex digits>`. The purpose is part of every token, so the
//! same person has unrelated tokens under two purposes (OpenPseudonymiser's reason for one salt per project).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::PrivacyError;

const MARK: &str = "svp-key-1";

/// A key and the purpose it was made for. It has no `Debug` and no `Display`: it cannot reach a log.
pub struct Key {
    purpose: String,
    secret: Zeroizing<[u8; 32]>,
}

impl Key {
    /// A new key of 256 bits from the operating system.
    ///
    /// # Errors
    /// When the purpose is not one word, or no random bytes can be had.
    pub fn generate(purpose: &str) -> Result<Self, PrivacyError> {
        check_purpose(purpose)?;
        let mut secret = Zeroizing::new([0u8; 32]);
        getrandom::fill(secret.as_mut_slice()).map_err(|_| PrivacyError::NoRandom)?;
        Ok(Self { purpose: purpose.to_owned(), secret })
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// When the text is not a key; the message says which part is wrong and never shows it.
    pub fn parse(text: &str) -> Result<Self, PrivacyError> {
        let mut words = text.split_whitespace();
        if words.next() != Some(MARK) {
            return Err(PrivacyError::BadKey("it does not begin with svp-key-1"));
        }
        let purpose = words.next().ok_or(PrivacyError::BadKey("the purpose is missing"))?;
        check_purpose(purpose)?;
        let digits = words.next().ok_or(PrivacyError::BadKey("the secret is missing"))?;
        if words.next().is_some() {
            return Err(PrivacyError::BadKey("there is text after the secret"));
        }
        let mut secret = Zeroizing::new([0u8; 32]);
        hex::decode_to_slice(digits, secret.as_mut_slice())
            .map_err(|_| PrivacyError::BadKey("the secret is not 64 hexadecimal digits"))?;
        if secret.iter().all(|b| *b == secret[0]) {
            return Err(PrivacyError::BadKey("the secret is one repeated byte"));
        }
        Ok(Self { purpose: purpose.to_owned(), secret })
    }

    /// The text form, for writing to the key file and nowhere else.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let digits = Zeroizing::new(hex::encode(self.secret.as_slice()));
        Zeroizing::new(format!("{MARK} {} {}\n", self.purpose, digits.as_str()))
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
        hex::encode(&mac.finalize().into_bytes()[..8])
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

fn new_mac(key: &[u8]) -> Hmac<Sha256> {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes keys of every length"),
    }
}

fn check_purpose(purpose: &str) -> Result<(), PrivacyError> {
    let fine = !purpose.is_empty()
        && purpose.len() <= 64
        && purpose.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fine { Ok(()) } else { Err(PrivacyError::BadKey("a purpose is one word of a-z, 0-9 and hyphens")) }
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
