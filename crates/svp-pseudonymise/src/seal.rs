//! Rows of people at rest: sealed with AES-256-GCM-SIV (RFC 8452) under keys that are derived from that of the lake.
//!
//! The cipher withstands a nonce that comes twice: all that it would tell is that the same bytes were sealed in the same context. Nonces are
//! random all the same, so that a chunk that is written again looks like another, and nobody sees which rows of a backup were erased since.
//! Files on their way to the lake are sealed with the same cipher under another key. The nonce is a MAC of what is sealed and of its
//! context, and in the context stands a salt of the file: the same extract, made at the same time, gives the same bytes, and one that is made
//! again at another time shares none with it.

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
/// Bytes of the salt of a file on its way.
const SALT: usize = 16;

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
        sealed(&self.cipher, nonce, context, plain)
    }

    fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        opened(&self.cipher, context, sealed)
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

/// Seals what a data owner's desk sends to the lake, under the key that both have. The same bytes in the same context are the same
/// sealed bytes, so that the owner can make a file again, with the clock of the first time, and compare its digest. Whoever puts the
/// [salt](Self::salt) of a file into the context of its entries tells no watcher which of them an earlier file had too.
///
/// ```
/// use svp_pseudonymise::{Key, TransitSeal};
///
/// let key = Key::generate("needs-assessment")?;
/// let sealed = TransitSeal::new(&key).seal(b"file, entry 1", b"rows").expect("not too long");
/// assert_eq!(TransitSeal::new(&key).open(b"file, entry 1", &sealed).as_deref(), Some(b"rows".as_slice()));
/// assert_eq!(TransitSeal::new(&key).open(b"file, entry 2", &sealed), None);
/// assert_eq!(TransitSeal::new(&Key::generate("needs-assessment")?).open(b"file, entry 1", &sealed), None);
/// # Ok::<(), svp_pseudonymise::PseudonymiseError>(())
/// ```
#[derive(Clone)]
pub struct TransitSeal {
    cipher: Aes256GcmSiv,
    nonce: Hmac<Sha256>,
    salt: Hmac<Sha256>,
}

impl TransitSeal {
    /// The seal of files for the lake with this key, all its rotations among it.
    #[must_use]
    pub fn new(key: &Key) -> Self {
        let cipher = Aes256GcmSiv::new(&(*key.derived("transit/rows")).into());
        let mac = |domain: &str| new_mac(key.derived(domain).as_slice());
        Self { cipher, nonce: mac("transit/nonce"), salt: mac("transit/salt") }
    }

    /// What tells a file from every other one, 32 hexadecimal digits: a MAC of what it is made of and when, which says neither to whoever
    /// has no key.
    #[must_use]
    pub fn salt(&self, parts: &[&[u8]]) -> String {
        let mut mac = self.salt.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        hex::encode(&mac.finalize().into_bytes()[..SALT])
    }

    /// `plain`, sealed: 28 bytes longer. `None` where it is too long for the cipher (64 GiB).
    #[must_use]
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        let mut mac = self.nonce.clone();
        mac.update(&(context.len() as u64).to_le_bytes());
        mac.update(context);
        mac.update(plain);
        let nonce: [u8; NONCE] = *mac.finalize().into_bytes().first_chunk()?;
        sealed(&self.cipher, nonce, context, plain)
    }

    /// What was sealed under this key and `context`; `None` for anything else.
    #[must_use]
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        opened(&self.cipher, context, sealed)
    }
}

impl fmt::Debug for TransitSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransitSeal").finish_non_exhaustive()
    }
}

fn sealed(cipher: &Aes256GcmSiv, nonce: [u8; NONCE], context: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
    let sealed = cipher.encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: context }).ok()?;
    let mut out = Vec::with_capacity(NONCE + sealed.len());
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&sealed);
    Some(out)
}

fn opened(cipher: &Aes256GcmSiv, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
    cipher.decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad: context }).ok()
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

    #[test]
    fn what_is_on_its_way_is_the_same_twice_and_opens_under_one_key_in_one_place() {
        let seal = TransitSeal::new(&key());
        let sealed = seal.seal(b"here", b"plain").unwrap();
        assert_eq!(sealed.len(), b"plain".len() + 28);
        assert_eq!(seal.seal(b"here", b"plain").unwrap(), sealed);
        assert_eq!(seal.open(b"here", &sealed).unwrap(), b"plain");
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(seal.open(b"here", &changed).is_none(), "bit {bit}");
        }
        assert!((0..sealed.len()).all(|n| seal.open(b"here", &sealed[..n]).is_none()));
        // Another place and other bytes have another nonce: nothing of two sealed texts can be compared.
        for other in [seal.seal(b"there", b"plain").unwrap(), seal.seal(b"here", b"plaim").unwrap()] {
            assert_ne!(other[..NONCE], sealed[..NONCE]);
            assert!(other[NONCE..].iter().zip(&sealed[NONCE..]).filter(|(a, b)| a == b).count() < 6);
        }
        assert!(seal.open(b"there", &sealed).is_none());
        let next = key().rotated().unwrap();
        assert!(TransitSeal::new(&next).open(b"here", &sealed).is_none());
        assert!(RecordSeal::new(&key()).open(b"here", &sealed).is_none(), "rows at rest have another key");
        let salt = seal.salt(&[b"noon", b"extract"]);
        assert_eq!((salt.len(), &seal.salt(&[b"noon", b"extract"])), (32, &salt));
        for other in [
            seal.salt(&[b"one", b"extract"]),
            seal.salt(&[b"noo", b"nextract"]),
            TransitSeal::new(&next).salt(&[b"noon", b"extract"]),
        ] {
            assert_ne!(other, salt);
        }
        assert!(!format!("{seal:?}").contains("0001"));
    }

    /// Neither a token nor a digest that stands in the clear is a key of the seal.
    #[test]
    fn the_keys_of_the_seal_are_of_no_other_domain() {
        let key = key();
        let derived = ["seal/rows", "seal/mac", "transit/rows", "transit/nonce", "transit/salt"]
            .map(|domain| key.derived(domain));
        for (i, one) in derived.iter().enumerate() {
            assert!(derived[i + 1..].iter().all(|other| **one != **other));
        }
        for domain in ["seal", "rows", "person_record_id", "key-check", "seal/rows", "transit/rows"] {
            let token = crate::Tokeniser::new(&key, domain).digest([b"svp".as_slice()]);
            assert!(derived.iter().all(|d| d[..16] != token), "{domain}");
        }
    }
}
