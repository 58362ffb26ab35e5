//! Field encodings: what the linkage compares.
//!
//! Each field becomes a few keyed tokens ("equal or not") and a Bloom filter of its n-grams ("how similar"; Schnell,
//! Bachteler and Reiher 2009). The filter is hardened in two ways against pattern mining
//! (Franke and others 2021), which do not stop whoever knows some of the names: each n-gram sets [`HASHES`] bits drawn independently from HMAC-SHA-256 (random
//! hashing, not the double-hashing scheme, whose lines of bits can be solved for), and 1,024 bits are folded to 512 by
//! XOR (Schnell and Borgs 2016). What can be read without the key stands in `README.md`. A postcode has tokens alone: beside the small area
//! its filter told the whole code.

use std::collections::HashMap;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use svp_contract::EncodingKind;
use svp_contract::encoding::{FILTER_BYTES, MAX_WORDS, NEW_YEAR, PART_BYTES};

use crate::key_rotation::{KeyRotation, Permutation};
use crate::{Key, Tokeniser};

/// Bits that an n-gram of a name or other text sets before folding.
pub const HASHES: usize = 10;
/// Bits that a character with its place sets before folding: there are few, and each should count alike.
pub const HASHES_PLACED: usize = 15;
/// Bits before folding.
const OPEN_BITS: usize = FILTER_BYTES * 16;
/// N-grams whose bits are remembered, for each encoder. There are about 1,500 bigrams of letters and digits.
const REMEMBERED: usize = 65_536;

/// Makes the encodings of one column.
pub struct Encoder {
    kind: EncodingKind,
    token: Tokeniser,
    mac: Hmac<Sha256>,
    rotations: Vec<(KeyRotation, Permutation)>,
    bits: HashMap<Vec<u8>, [u16; HASHES_PLACED]>,
    as_before: bool,
}

impl Encoder {
    /// An encoder of `kind` for the column `name` under `key`. Columns of one `domain` have comparable tokens; filters
    /// are of the column alone, so that the filters of two columns say nothing about each other.
    #[must_use]
    pub fn new(key: &Key, kind: EncodingKind, domain: &str, name: &str) -> Self {
        let rotations = key.rotations().iter().map(|l| (l.clone(), l.permutation(name))).collect();
        let token = Tokeniser::new(key, &format!("encoding/{domain}"));
        let mac = key.mac(&format!("filter/{name}"));
        Self { kind, token, mac, rotations, bits: HashMap::new(), as_before: false }
    }

    /// An encoder that makes what earlier versions made: behind the tokens of a postcode stands a filter of its characters. It tells an
    /// encoded file of then by what it was made of, and shows that the attack on such filters is not blind. Nothing of it is stored.
    #[must_use]
    pub fn as_before(key: &Key, kind: EncodingKind, domain: &str, name: &str) -> Self {
        Self { as_before: true, ..Self::new(key, kind, domain, name) }
    }

    /// Writes the encoding of `parts` (as many as the kind takes) to `out`; `false` and nothing written where the first
    /// part is missing. Parts are in the form in which they are compared: letters in one case, no marks; a date as
    /// `YYYY-MM-DD`.
    pub fn encode(&mut self, parts: &[Option<&str>], out: &mut Vec<u8>) -> bool {
        let Some(text) = parts.first().copied().flatten().filter(|t| !t.trim().is_empty()) else { return false };
        let mut filter = [0u8; FILTER_BYTES * 2];
        match self.kind {
            EncodingKind::Name => {
                let initial = text.chars().next().map(String::from);
                let usual = parts.get(1).copied().flatten();
                let sound = parts.get(2).copied().flatten();
                self.part(out, "", Some(text));
                self.part(out, "usual", usual);
                self.part(out, "sound", sound);
                self.part(out, "initial", initial.as_deref());
                self.bigrams(text, &mut filter);
            }
            EncodingKind::Words => {
                let mut words: Vec<&str> = text.split_whitespace().filter(|w| w.chars().count() > 1).collect();
                words.sort_unstable();
                words.dedup();
                words.truncate(MAX_WORDS);
                let mut tokens: Vec<u64> = words.iter().map(|w| self.token_of("", w)).collect();
                // In the order of the tokens, which says nothing about the order of the letters.
                tokens.sort_unstable();
                if tokens.is_empty() {
                    return false;
                }
                tokens.iter().for_each(|t| out.extend_from_slice(&t.to_le_bytes()));
                for word in words {
                    self.bigrams(word, &mut filter);
                }
            }
            EncodingKind::Date => {
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                let (Some(y), Some(m), Some(d)) = (digits.get(..4), digits.get(4..6), digits.get(6..8)) else {
                    return false;
                };
                self.part(out, "", Some(&format!("{y}{m}{d}")));
                self.part(out, "", Some(&format!("{y}{d}{m}")));
                self.part(out, "year_month", Some(&format!("{y}{m}")));
                self.part(out, "month_day", Some(&format!("{m}{d}")));
                self.part(out, "year_day", Some(&format!("{y}{d}")));
                self.part(out, "year", Some(y));
                out.extend_from_slice(&(1 + u64::from(m == "01" && d == "01")).to_le_bytes());
                self.placed(digits.bytes().take(8), &mut filter);
            }
            EncodingKind::Postcode => {
                let code: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
                let cut = |n: usize| code.len().checked_sub(n).filter(|i| *i > 0).and_then(|i| code.get(..i));
                self.part(out, "", Some(&code));
                self.part(out, "sector", cut(2));
                self.part(out, "outward", cut(3));
                if !self.as_before {
                    return true;
                }
                self.placed(code.bytes().rev(), &mut filter);
            }
            EncodingKind::Text => {
                self.part(out, "", Some(text));
                self.bigrams(text, &mut filter);
            }
        }
        let mut folded = [0u8; FILTER_BYTES];
        for (i, byte) in folded.iter_mut().enumerate() {
            *byte = filter[i] ^ filter[i + FILTER_BYTES];
        }
        self.rotations.iter().for_each(|(_, order)| order.apply(&mut folded));
        out.extend_from_slice(&folded);
        true
    }

    fn token_of(&self, part: &str, text: &str) -> u64 {
        let digest = self.token.base_digest([part.as_bytes(), text.as_bytes()]);
        let mut first = [0u8; 8];
        first.copy_from_slice(&digest[..8]);
        let token = u64::from_le_bytes(first).max(1);
        self.rotations.iter().fold(token, |t, (rotation, _)| rotation.part(t))
    }

    fn part(&self, out: &mut Vec<u8>, part: &str, text: Option<&str>) {
        let token = text.filter(|t| !t.is_empty()).map_or(0, |t| self.token_of(part, t));
        out.extend_from_slice(&token.to_le_bytes());
    }

    fn bigrams(&mut self, text: &str, filter: &mut [u8]) {
        let mut gram: Vec<u8> = Vec::with_capacity(8);
        let mut last = ' ';
        for letter in text.chars().chain(std::iter::once(' ')) {
            gram.clear();
            let mut buffer = [0u8; 4];
            gram.extend_from_slice(last.encode_utf8(&mut buffer).as_bytes());
            gram.extend_from_slice(letter.encode_utf8(&mut buffer).as_bytes());
            self.set(&gram, HASHES, filter);
            last = letter;
        }
    }

    fn placed(&mut self, text: impl Iterator<Item = u8>, filter: &mut [u8]) {
        for (place, letter) in text.enumerate() {
            self.set(&[place as u8, letter], HASHES_PLACED, filter);
        }
    }

    fn set(&mut self, gram: &[u8], hashes: usize, filter: &mut [u8]) {
        let bits = match self.bits.get(gram) {
            Some(bits) => *bits,
            None => {
                let mut mac = self.mac.clone();
                mac.update(gram);
                let digest: [u8; 32] = mac.finalize().into_bytes().into();
                let mut bits = [0u16; HASHES_PLACED];
                for (bit, pair) in bits.iter_mut().zip(digest.chunks_exact(2)) {
                    *bit = u16::from_le_bytes([pair[0], pair[1]]) % OPEN_BITS as u16;
                }
                if self.bits.len() < REMEMBERED {
                    self.bits.insert(gram.to_vec(), bits);
                }
                bits
            }
        };
        for bit in &bits[..hashes] {
            filter[usize::from(bit / 8)] |= 1 << (bit % 8);
        }
    }
}

/// Turns an encoding that was made under a key into the one that its rotated key makes. `order` is the rotation's
/// permutation for the column. A filter that is not kept goes.
pub(crate) fn rotate(kind: EncodingKind, rotation: &KeyRotation, order: &Permutation, encoding: &mut Vec<u8>) {
    encoding.truncate(kind.kept(encoding).len());
    let filter = if kind.has_filter() { FILTER_BYTES } else { 0 };
    let Some(filter_at) = encoding.len().checked_sub(filter) else { return };
    let (tokens, filter) = encoding.split_at_mut(filter_at);
    for (place, bytes) in tokens.chunks_exact_mut(PART_BYTES).enumerate() {
        if kind == EncodingKind::Date && place == NEW_YEAR {
            continue;
        }
        let mut old = [0u8; PART_BYTES];
        old.copy_from_slice(bytes);
        bytes.copy_from_slice(&rotation.part(u64::from_le_bytes(old)).to_le_bytes());
    }
    if kind == EncodingKind::Words {
        // Words stand in the order of their tokens.
        let mut sorted: Vec<u64> =
            tokens.chunks_exact(PART_BYTES).map(|b| b.iter().rev().fold(0, |t, x| t << 8 | u64::from(*x))).collect();
        sorted.sort_unstable();
        for (bytes, token) in tokens.chunks_exact_mut(PART_BYTES).zip(sorted) {
            bytes.copy_from_slice(&token.to_le_bytes());
        }
    }
    order.apply(filter);
}

#[cfg(test)]
#[path = "encode_tests.rs"]
mod tests;
