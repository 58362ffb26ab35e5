//! One rotation: a keyed function over what was made before it, so that a lake can go over to a new key although no clear
//! text is left in it.
//!
//! Tokens go through HMAC-SHA-256 again; the bits of a filter are put into another, keyed order, which leaves every
//! comparison as it was. Who holds the old key alone can then make no token that is in the lake. The permutation is the
//! weaker half: with the old key and many filters its order can be worked out by counting bits. `README.md` says so.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use svp_contract::encoding::FILTER_BYTES;
use zeroize::Zeroizing;

/// Bytes of a short token.
pub(crate) const SHORT: usize = 6;
/// Bits of a filter.
const BITS: usize = FILTER_BYTES * 8;

/// The secret of one rotation. No `Debug`: it cannot reach a log.
#[derive(Clone)]
pub struct KeyRotation {
    secret: Zeroizing<[u8; 32]>,
    mac: Hmac<Sha256>,
}

impl KeyRotation {
    pub(crate) fn new(secret: Zeroizing<[u8; 32]>) -> Self {
        let mac = new_mac(secret.as_slice());
        Self { secret, mac }
    }

    pub(crate) fn secret(&self) -> &[u8] {
        self.secret.as_slice()
    }

    /// The token that takes the place of a token of 128 bits.
    pub(crate) fn token(&self, old: &[u8; 16]) -> [u8; 16] {
        let mut out = [0u8; 16];
        out.copy_from_slice(&self.digest(b"token", old)[..16]);
        out
    }

    /// The token that takes the place of a token of 64 bits inside an encoding; zero ("missing") stays.
    pub(crate) fn part(&self, old: u64) -> u64 {
        if old == 0 {
            return 0;
        }
        let digest = self.digest(b"part", &old.to_le_bytes());
        let mut first = [0u8; 8];
        first.copy_from_slice(&digest[..8]);
        u64::from_le_bytes(first).max(1)
    }

    /// The short token that takes the place of one.
    pub(crate) fn short(&self, old: &[u8; SHORT]) -> [u8; SHORT] {
        let mut out = [0u8; SHORT];
        out.copy_from_slice(&self.digest(b"short token", old)[..SHORT]);
        out
    }

    /// The short token, as text, that takes the place of one; `None` for a text that is none.
    #[must_use]
    pub fn turned_short(&self, digits: &str) -> Option<String> {
        let lower = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        let mut old = [0u8; SHORT];
        hex::decode_to_slice(digits.as_bytes().iter().all(lower).then_some(digits)?, &mut old).ok()?;
        Some(hex::encode(self.short(&old)))
    }

    /// The key that takes the place of a derived key.
    pub(crate) fn derived(&self, old: &[u8; 32]) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.digest(b"derived key", old))
    }

    /// The order of a filter's bits under this rotation, for the encodings of one domain.
    pub(crate) fn permutation(&self, domain: &str) -> Permutation {
        let mut order: Vec<u16> = (0..BITS as u16).collect();
        // Fisher and Yates, driven by a keyed stream; 64 bits a draw make the remainder's bias less than 2^-54.
        for i in (1..BITS).rev() {
            let digest = self.digest(domain.as_bytes(), &(i as u64).to_le_bytes());
            let mut first = [0u8; 8];
            first.copy_from_slice(&digest[..8]);
            order.swap(i, (u64::from_le_bytes(first) % (i as u64 + 1)) as usize);
        }
        Permutation(order)
    }

    fn digest(&self, what: &[u8], value: &[u8]) -> [u8; 32] {
        let mut mac = self.mac.clone();
        mac.update(&(what.len() as u64).to_le_bytes());
        mac.update(what);
        mac.update(value);
        mac.finalize().into_bytes().into()
    }
}

/// An order of the bits of a filter.
#[derive(Clone)]
pub(crate) struct Permutation(Vec<u16>);

impl Permutation {
    /// Puts the bits of a filter of [`FILTER_BYTES`] bytes into this order; other lengths stay as they are.
    pub(crate) fn apply(&self, filter: &mut [u8]) {
        let Ok(old) = <[u8; FILTER_BYTES]>::try_from(&*filter) else { return };
        filter.fill(0);
        for (i, to) in self.0.iter().enumerate() {
            let to = usize::from(*to);
            filter[to / 8] |= ((old[i / 8] >> (i % 8)) & 1) << (to % 8);
        }
    }
}

/// A MAC under a secret of any length.
pub(crate) fn new_mac(key: &[u8]) -> Hmac<Sha256> {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes keys of every length"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rotation(byte: u8) -> KeyRotation {
        let mut secret = Zeroizing::new([byte; 32]);
        secret[0] = 1;
        KeyRotation::new(secret)
    }

    #[test]
    fn a_permutation_keeps_what_two_filters_share() {
        let order = rotation(7).permutation("enc_surname");
        let (mut a, mut b) = ([0u8; FILTER_BYTES], [0u8; FILTER_BYTES]);
        for i in 0..FILTER_BYTES {
            a[i] = (i * 37 % 251) as u8;
            b[i] = (i * 91 % 253) as u8;
        }
        let shared = |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(x, y)| (x & y).count_ones()).sum::<u32>();
        let before = (shared(&a, &a), shared(&b, &b), shared(&a, &b));
        let clear = a;
        order.apply(&mut a);
        order.apply(&mut b);
        assert_ne!(a, clear);
        assert_eq!(before, (shared(&a, &a), shared(&b, &b), shared(&a, &b)));
    }

    #[test]
    fn layers_differ_and_missing_stays_missing() {
        assert_ne!(rotation(1).token(&[9; 16]), rotation(2).token(&[9; 16]));
        assert_ne!(rotation(1).part(9), rotation(2).part(9));
        assert_eq!(rotation(1).part(0), 0);
    }
}
