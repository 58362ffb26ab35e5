//! The places of a token in the filter, and a bounded memory of those that were worked out before.
//!
//! Names share most of their n-grams and dates most of their digits. Each feature keeps the tokens of at most 31 bytes in a
//! table in which every token has one slot; a newcomer takes the slot over. What is kept is as secret as the filters.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;

use crate::blake2b::Keyed;

/// Bytes that a feature's table may take, about.
const BUDGET: usize = 1 << 20;
/// Places of a message authentication code of BLAKE2b.
const CODE: usize = 32;
/// Codes of a token that are kept; further ones are worked out each time.
const KEPT_CODES: usize = 64;

/// A token of at most 31 bytes as two numbers, of which no two tokens have the same.
fn pack(token: &[u8]) -> Option<[u128; 2]> {
    if token.len() > 31 {
        return None;
    }
    let number = |start: u128, bytes: &[u8]| bytes.iter().fold(start, |sum, &byte| sum << 8 | u128::from(byte));
    // A leading one keeps the length.
    if token.len() <= 15 {
        Some([number(1, token), 0])
    } else {
        Some([number(1, &token[..15]), number(1, &token[15..])])
    }
}

/// Which of `slots` (a power of two) a token has.
fn slot(key: [u128; 2], slots: usize) -> usize {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let fold = |half: u128| (half as u64).wrapping_mul(ODD) ^ ((half >> 64) as u64).rotate_left(29);
    let mixed = (fold(key[0]) ^ fold(key[1]).rotate_left(17)).wrapping_mul(ODD);
    (mixed >> 40) as usize & (slots - 1)
}

/// Sets bit `place` of a filter, the first bit of the first word being 0.
#[inline(always)]
fn set(filter: &mut [u64], place: usize) {
    filter[place / 64] |= 1 << (63 - place % 64);
}

/// `blakeHash`: k places are the first k 16-bit numbers of codes salted "0", "1", ..., modulo the length.
#[derive(Clone)]
pub(crate) struct Blake {
    /// The key under each salt.
    keyed: Vec<Keyed>,
    /// The length less one; it is a power of two. Numbers of 16 bits never reach beyond 65,535.
    mask: u16,
    /// Codes of a slot.
    codes: usize,
    keys: Vec<[u128; 2]>,
    /// Codes of the slot that have been worked out.
    known: Vec<u8>,
    places: Vec<[u16; CODE]>,
}

impl Blake {
    /// For a key of at most 64 bytes, at most `most` places for a token, in a filter of `l` bits, a power of two.
    pub(crate) fn new(key: &[u8], most: usize, l: usize) -> Option<Self> {
        let all = most.div_ceil(CODE);
        let keyed = (0..all).map(|salt| Keyed::new(key, salt.to_string().as_bytes())).collect::<Option<Vec<_>>>()?;
        let codes = all.min(KEPT_CODES);
        let slots = (BUDGET / (codes * CODE * 2 + 33)).next_power_of_two() / 2;
        let mask = u16::try_from(l - 1).unwrap_or(u16::MAX);
        let (keys, known) = (vec![[0; 2]; slots], vec![0; slots]);
        Some(Self { keyed, mask, codes, keys, known, places: vec![[0; CODE]; slots * codes] })
    }

    /// Puts a token in with `k` places.
    pub(crate) fn insert(&mut self, token: &[u8], k: usize, filter: &mut [u64]) {
        let kept = match pack(token) {
            Some(key) => {
                let slot = slot(key, self.keys.len());
                if self.keys[slot] != key {
                    self.keys[slot] = key;
                    self.known[slot] = 0;
                }
                let wanted = k.div_ceil(CODE).min(self.codes);
                let codes = &mut self.places[slot * self.codes..(slot + 1) * self.codes];
                let fresh = codes.iter_mut().zip(&self.keyed).take(wanted).skip(usize::from(self.known[slot]));
                for (code, keyed) in fresh {
                    *code = keyed.shorts(token).map(|short| short & self.mask);
                }
                // At most 64.
                self.known[slot] = self.known[slot].max(wanted as u8);
                for &place in codes.as_flattened().iter().take(k) {
                    set(filter, usize::from(place));
                }
                self.codes
            }
            None => 0,
        };
        for number in kept..k.div_ceil(CODE) {
            for &short in self.keyed[number].shorts(token).iter().take(k - number * CODE) {
                set(filter, usize::from(short & self.mask));
            }
        }
    }
}

/// The code of a message, read as one big-endian number, modulo `l`. The blocks of the key stay compressed in `keyed`, so that a
/// token costs two compressions.
fn modulo<M: Mac + Clone>(keyed: &M, message: &[u8], l: u32) -> u32 {
    let code = keyed.clone().chain_update(message).finalize().into_bytes();
    let step = |rest: u64, &byte: &u8| (rest << 8 | u64::from(byte)) % u64::from(l);
    // Less than `l`, which has 32 bits.
    code.iter().fold(0, step) as u32
}

/// `doubleHash`: place i is h1 + i h2 modulo the length, of HMAC-SHA1 and HMAC-MD5 (Schnell, Bachteler and Reiher 2011).
///
/// Both digests are broken for collisions; the scheme uses them as keyed functions. No other part of svp may use these.
#[derive(Clone)]
pub(crate) struct Double {
    sha1: Hmac<Sha1>,
    md5: Hmac<Md5>,
    l: u32,
    prevent_singularity: bool,
    keys: Vec<[u128; 2]>,
    steps: Vec<[u32; 2]>,
}

impl Double {
    /// For the two keys of a feature and a filter of `l` bits.
    pub(crate) fn new(sha1: &[u8], md5: &[u8], prevent_singularity: bool, l: usize) -> Option<Self> {
        let slots = (BUDGET / 40).next_power_of_two() / 2;
        let (keys, steps) = (vec![[0; 2]; slots], vec![[0; 2]; slots]);
        let l = u32::try_from(l).ok()?;
        // Keys of any length are taken.
        let (sha1, md5) = (Hmac::new_from_slice(sha1).ok()?, Hmac::new_from_slice(md5).ok()?);
        Some(Self { sha1, md5, l, prevent_singularity, keys, steps })
    }

    fn steps(&self, token: &[u8]) -> [u32; 2] {
        let mut step = modulo(&self.md5, token, self.l);
        if self.prevent_singularity && step == 0 {
            // The token and a character, U+0000 and onwards, until the step is one. `l` is above 1, so one is near.
            let mut longer = token.to_vec();
            for letter in '\0'..char::MAX {
                longer.truncate(token.len());
                longer.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                step = modulo(&self.md5, &longer, self.l);
                if step != 0 {
                    break;
                }
            }
        }
        [modulo(&self.sha1, token, self.l), step]
    }

    /// Puts a token in with `k` places.
    pub(crate) fn insert(&mut self, token: &[u8], k: usize, filter: &mut [u64]) {
        let [mut place, step] = match pack(token) {
            Some(key) => {
                let slot = slot(key, self.keys.len());
                if self.keys[slot] != key {
                    self.keys[slot] = key;
                    self.steps[slot] = self.steps(token);
                }
                self.steps[slot]
            }
            None => self.steps(token),
        };
        for _ in 0..k {
            set(filter, place as usize);
            // Both are below `l`, which is at most 2^24.
            place += step;
            if place >= self.l {
                place -= self.l;
            }
        }
    }
}
