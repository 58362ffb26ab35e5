//! Tokens of records that were erased: kept, so that no later extract brings the record back, and read by nobody without the key.
//!
//! A digest of a token would do that too, but no rotation can take a digest over to the next key: the record would come back, and whoever
//! has the old key could still confirm who was erased. So the token itself is sealed (AES-256-GCM-SIV under a key of its own), opened
//! in memory by whoever has the key, and sealed anew by a rotation.

use std::fmt;

use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};

use crate::Key;
use crate::token::{token_bits, token_text};

/// What stands before the digits of a sealed token.
const MARK: &str = "sealed-";
/// No nonce: a token is sealed in one way, so that it stands in a list once.
const NONE: [u8; 12] = [0; 12];

/// Seals the tokens of one domain.
///
/// ```
/// use svp_pseudonymise::{Key, TokenSeal};
///
/// let key = Key::generate("needs-assessment")?;
/// let seal = TokenSeal::new(&key, "erased");
/// let token = "000102030405060708090a0b0c0d0e0f";
/// let sealed = seal.seal(token).expect("a token");
/// assert_eq!(seal.open(&sealed).as_deref(), Some(token));
/// // Another text is no token, and another key opens nothing.
/// assert_eq!(seal.seal("a name"), None);
/// let next = key.rotated()?;
/// assert_eq!(TokenSeal::new(&next, "erased").open(&sealed), None);
/// # Ok::<(), svp_pseudonymise::PseudonymiseError>(())
/// ```
pub struct TokenSeal {
    cipher: Aes256GcmSiv,
    domain: String,
}

impl TokenSeal {
    /// The seal of a domain under this key, all its rotations among it.
    #[must_use]
    pub fn new(key: &Key, domain: &str) -> Self {
        let derived = key.derived(&format!("seal/token/{domain}"));
        Self { cipher: Aes256GcmSiv::new(&(*derived).into()), domain: domain.to_owned() }
    }

    /// A token, sealed, as text; `None` for a text that is none.
    #[must_use]
    pub fn seal(&self, token: &str) -> Option<String> {
        let bits = token_bits(token)?;
        let sealed =
            self.cipher.encrypt(&Nonce::from(NONE), Payload { msg: &bits, aad: self.domain.as_bytes() }).ok()?;
        Some(format!("{MARK}{}", hex::encode(sealed)))
    }

    /// Whether a text has the form of a sealed token, of whichever key.
    #[must_use]
    pub fn is_sealed(text: &str) -> bool {
        text.starts_with(MARK)
    }

    /// The token that was sealed under this key; `None` for anything else.
    #[must_use]
    pub fn open(&self, text: &str) -> Option<String> {
        let sealed = hex::decode(text.strip_prefix(MARK)?).ok()?;
        let payload = Payload { msg: &sealed, aad: self.domain.as_bytes() };
        let bits: [u8; 16] = self.cipher.decrypt(&Nonce::from(NONE), payload).ok()?.try_into().ok()?;
        Some(String::from_utf8_lossy(&token_text(&bits)).into_owned())
    }
}

impl fmt::Debug for TokenSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSeal").field("domain", &self.domain).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_token_is_of_one_key_and_domain_and_one_bit_matters() {
        let key =
            Key::parse("svp-key-1 test 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").unwrap();
        let seal = TokenSeal::new(&key, "erased");
        let token = "00ff0203040506070809aabbccddeeff";
        let sealed = seal.seal(token).unwrap();
        assert!(TokenSeal::is_sealed(&sealed) && !sealed.contains(token) && !TokenSeal::is_sealed(token));
        assert_eq!(seal.seal(token).unwrap(), sealed, "one token stands in a list once");
        assert_eq!(seal.open(&sealed).unwrap(), token);
        assert_eq!(TokenSeal::new(&key, "other").open(&sealed), None);
        assert_eq!(seal.open(token), None);
        assert_eq!(seal.open(&sealed.replacen("sealed-", "sealed-00", 1)), None);
        let digits = sealed.len();
        for at in MARK.len()..digits {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(seal.open(&String::from_utf8(changed).unwrap()), None, "digit {at}");
        }
        assert!(!format!("{seal:?}").contains("0001"));
    }
}
