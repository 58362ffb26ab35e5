//! Keyed BLAKE2b-512 with a salt (Saarinen and Aumasson 2015, RFC 7693, and the parameter block of the BLAKE2 paper).
//!
//! Written out here because a token is short: the key takes a whole block of its own, whose state is kept, so that a token
//! costs one compression. The crate `blake2` keeps the key in its buffer and compresses twice: it gives the same CLKs, but where
//! tokens rarely repeat a record takes 1.4 times as long (version 0.11, `examples/clk_bench.rs`, n-grams of nine characters).

const IV: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

const SIGMA: [[usize; 16]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

const BLOCK: usize = 128;

/// The state after the block of the key.
#[derive(Clone)]
pub(crate) struct Keyed([u64; 8]);

impl Keyed {
    /// For a key of 1 to 64 bytes and a salt of at most 16 bytes (the rest of which is nought); a digest of 64 bytes.
    pub(crate) fn new(key: &[u8], salt: &[u8]) -> Option<Self> {
        if key.is_empty() || key.len() > 64 || salt.len() > 16 {
            return None;
        }
        let mut parameters = [0u8; 64];
        parameters[..4].copy_from_slice(&[64, u8::try_from(key.len()).ok()?, 1, 1]);
        parameters[32..32 + salt.len()].copy_from_slice(salt);
        let mut state = IV;
        for (word, part) in state.iter_mut().zip(parameters.as_chunks().0) {
            *word ^= u64::from_le_bytes(*part);
        }
        let mut block = [0u8; BLOCK];
        block[..key.len()].copy_from_slice(key);
        compress(&mut state, &block, BLOCK as u128, false);
        Some(Self(state))
    }

    /// The digest of a message that is not empty, as 32 little-endian 16-bit numbers.
    pub(crate) fn shorts(&self, message: &[u8]) -> [u16; 32] {
        let mut state = self.0;
        let mut done = BLOCK as u128;
        let mut rest = message;
        while rest.len() > BLOCK {
            let (block, after) = rest.split_at(BLOCK);
            let mut whole = [0u8; BLOCK];
            whole.copy_from_slice(block);
            done += BLOCK as u128;
            compress(&mut state, &whole, done, false);
            rest = after;
        }
        let mut last = [0u8; BLOCK];
        last[..rest.len()].copy_from_slice(rest);
        compress(&mut state, &last, done + rest.len() as u128, true);
        let mut shorts = [0u16; 32];
        for (four, word) in shorts.as_chunks_mut::<4>().0.iter_mut().zip(state) {
            *four = [word as u16, (word >> 16) as u16, (word >> 32) as u16, (word >> 48) as u16];
        }
        shorts
    }
}

#[inline(always)]
fn mix(v: &mut [u64; 16], [a, b, c, d]: [usize; 4], x: u64, y: u64) {
    v[a] = v[a].wrapping_add(v[b]).wrapping_add(x);
    v[d] = (v[d] ^ v[a]).rotate_right(32);
    v[c] = v[c].wrapping_add(v[d]);
    v[b] = (v[b] ^ v[c]).rotate_right(24);
    v[a] = v[a].wrapping_add(v[b]).wrapping_add(y);
    v[d] = (v[d] ^ v[a]).rotate_right(16);
    v[c] = v[c].wrapping_add(v[d]);
    v[b] = (v[b] ^ v[c]).rotate_right(63);
}

fn compress(state: &mut [u64; 8], block: &[u8; BLOCK], length: u128, last: bool) {
    let mut m = [0u64; 16];
    for (word, part) in m.iter_mut().zip(block.as_chunks().0) {
        *word = u64::from_le_bytes(*part);
    }
    let mut v = [0u64; 16];
    v[..8].copy_from_slice(state);
    v[8..].copy_from_slice(&IV);
    v[12] ^= length as u64;
    v[13] ^= (length >> 64) as u64;
    if last {
        v[14] = !v[14];
    }
    for round in 0..12 {
        let s = &SIGMA[round % 10];
        mix(&mut v, [0, 4, 8, 12], m[s[0]], m[s[1]]);
        mix(&mut v, [1, 5, 9, 13], m[s[2]], m[s[3]]);
        mix(&mut v, [2, 6, 10, 14], m[s[4]], m[s[5]]);
        mix(&mut v, [3, 7, 11, 15], m[s[6]], m[s[7]]);
        mix(&mut v, [0, 5, 10, 15], m[s[8]], m[s[9]]);
        mix(&mut v, [1, 6, 11, 12], m[s[10]], m[s[11]]);
        mix(&mut v, [2, 7, 8, 13], m[s[12]], m[s[13]]);
        mix(&mut v, [3, 4, 9, 14], m[s[14]], m[s[15]]);
    }
    for (place, word) in state.iter_mut().enumerate() {
        *word ^= v[place] ^ v[place + 8];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python 3.11: hashlib.blake2b(message, key=bytes(range(n)), salt=salt).hexdigest()
    #[test]
    fn as_hashlib_has_it() {
        let key: Vec<u8> = (0..64).collect();
        let hex = |key: &[u8], salt: &[u8], message: &[u8]| {
            let shorts = Keyed::new(key, salt).unwrap().shorts(message);
            hex::encode(shorts.iter().flat_map(|short| short.to_le_bytes()).collect::<Vec<_>>())
        };
        assert_eq!(hex(&key, b"0", b"ab"), BLAKE_0);
        assert_eq!(hex(&key[..5], b"17", &[7; 128]), BLAKE_1);
        assert_eq!(hex(&key, b"", &[9; 300]), BLAKE_2);
        assert!(Keyed::new(&[0; 65], b"").is_none() && Keyed::new(&[], b"").is_none());
    }

    const BLAKE_0: &str = "52872e07b331713aff6aec8150e0211abbb611f00bf4673e22a09a766df9c6b9\
        c2d229c95d506d1d6ed9492fcbb8a95766c38e19412be55cbf72e220b8c4e901";
    const BLAKE_1: &str = "365309c39bce5228f7fc02f8053446116048b2083382a77a591ae67c867b3ac0\
        11d6c70e7dbee2e030b56710de3795536a5937bc7273d85690e1030cbbc8993e";
    const BLAKE_2: &str = "2913bbfd91b24043a2cfd9d08cbf669f1819c17251afa605b26419da9b1f19f2\
        f9b6333340e53d38e6e134d616f036f6ebd62cb7b1720c5a2b90ce70a27b5bad";
}
