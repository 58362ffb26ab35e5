//! Rows of people at rest: sealed with AES-256-GCM-SIV (RFC 8452) under keys that are derived from that of the lake.
//!
//! The cipher withstands a nonce that comes twice: all that it would tell is that the same bytes were sealed in the same context. Nonces are
//! random all the same, so that a chunk that is written again looks like another, and nobody sees which rows of a backup were erased since.

use std::fmt;

use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use svp_contract::Seal;

use crate::Key;
use crate::key_rotation::new_mac;

/// Bytes of a nonce, which stands before what was sealed.
const NONCE: usize = 12;

/// Seals the rows of one lake under its key.
///
/// ```
/// use svp_contract::Seal;
/// use svp_pseudonymise::{Key, RecordSeal};
///
/// let key = Key::generate("needs-assessment")?;
/// let seal = RecordSeal::new(&key);
/// let sealed = seal.seal(b"table, slot, chunk 0", b"rows").expect("random bytes");
/// assert_eq!(seal.open(b"table, slot, chunk 0", &sealed).as_deref(), Some(b"rows".as_slice()));
/// // In another place, and under the next key of the lake, it does not open.
/// assert_eq!(seal.open(b"table, slot, chunk 1", &sealed), None);
/// assert_eq!(RecordSeal::new(&key.rotated()?).open(b"table, slot, chunk 0", &sealed), None);
/// # Ok::<(), svp_pseudonymise::PseudonymiseError>(())
/// ```
pub struct RecordSeal {
    cipher: Aes256GcmSiv,
    mac: Hmac<Sha256>,
    id: String,
}

impl RecordSeal {
    /// The seal of a lake with this key. Every rotation of the key is part of it: a key without the last one opens nothing.
    #[must_use]
    pub fn new(key: &Key) -> Self {
        let cipher = Aes256GcmSiv::new(&(*key.derived("seal/rows")).into());
        Self { cipher, mac: new_mac(key.derived("seal/mac").as_slice()), id: key.check() }
    }
}

impl fmt::Debug for RecordSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordSeal").field("key", &self.id).finish_non_exhaustive()
    }
}

impl Seal for RecordSeal {
    fn key_id(&self) -> &str {
        &self.id
    }

    fn seal(&self, context: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0u8; NONCE];
        getrandom::fill(&mut nonce).ok()?;
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: context }).ok()?;
        let mut out = Vec::with_capacity(NONCE + sealed.len());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Some(out)
    }

    fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        self.cipher.decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: context }).ok()
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.mac.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::parse("svp-key-1 test 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").unwrap()
    }

    #[test]
    fn one_bit_another_context_and_another_key_are_refused() {
        let seal = RecordSeal::new(&key());
        let sealed = seal.seal(b"here", b"plain").unwrap();
        assert_eq!(seal.open(b"here", &sealed).unwrap(), b"plain");
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(seal.open(b"here", &changed).is_none(), "bit {bit}");
        }
        assert!(seal.open(b"there", &sealed).is_none());
        assert!((0..sealed.len()).all(|n| seal.open(b"here", &sealed[..n]).is_none()));
        let next = key().rotated().unwrap();
        for other in [&next, &Key::generate("test").unwrap(), &next.rotated().unwrap()] {
            let other = RecordSeal::new(other);
            assert!(other.open(b"here", &sealed).is_none());
            assert_ne!(other.mac(&[b"a"]), seal.mac(&[b"a"]));
            assert_ne!(other.key_id(), seal.key_id());
        }
    }

    #[test]
    fn the_same_rows_look_different_each_time_and_parts_are_told_apart() {
        let seal = RecordSeal::new(&key());
        assert_ne!(seal.seal(b"", b"rows"), seal.seal(b"", b"rows"));
        assert_ne!(seal.mac(&[b"ab", b"c"]), seal.mac(&[b"a", b"bc"]));
        assert_eq!(seal.mac(&[b"ab", b"c"]), RecordSeal::new(&key()).mac(&[b"ab", b"c"]));
        assert!(!format!("{seal:?}").contains("0001"));
    }

    /// Neither a token nor a digest that stands in the clear is a key of the seal.
    #[test]
    fn the_keys_of_the_seal_are_of_no_other_domain() {
        let key = key();
        let derived = [key.derived("seal/rows"), key.derived("seal/mac")];
        assert_ne!(*derived[0], *derived[1]);
        for domain in ["seal", "rows", "person_record_id", "key-check", "seal/rows"] {
            let token = crate::Tokeniser::new(&key, domain).digest([b"svp".as_slice()]);
            assert!(derived.iter().all(|d| d[..16] != token), "{domain}");
        }
    }
}
