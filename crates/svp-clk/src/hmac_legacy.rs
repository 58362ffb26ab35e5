//! HMAC (RFC 2104) over SHA-1 (FIPS 180-4) and MD5 (RFC 1321), for the double hashing of Schnell, Bachteler and Reiher.
//!
//! Both digests are broken for collisions; the scheme uses them as keyed functions. The two blocks of the key are
//! compressed once and their states kept, so that a token costs two compressions. No other part of svp may use these.

/// A digest over blocks of 64 bytes.
pub(crate) trait Legacy {
    /// Words of the state.
    type State: Copy + AsRef<[u32]>;
    const START: Self::State;
    /// Whether words are stored with their highest byte first.
    const BIG_ENDIAN: bool;
    fn compress(state: &mut Self::State, block: &[u32; 16]);
}

/// SHA-1.
#[derive(Clone, Copy)]
pub(crate) struct Sha1;
/// MD5.
#[derive(Clone, Copy)]
pub(crate) struct Md5;

impl Legacy for Sha1 {
    type State = [u32; 5];
    const START: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    const BIG_ENDIAN: bool = true;

    fn compress(state: &mut [u32; 5], block: &[u32; 16]) {
        let mut w = *block;
        let [mut a, mut b, mut c, mut d, mut e] = *state;
        for t in 0..80 {
            if t >= 16 {
                w[t % 16] = (w[(t + 13) % 16] ^ w[(t + 8) % 16] ^ w[(t + 2) % 16] ^ w[t % 16]).rotate_left(1);
            }
            let (f, k) = match t {
                0..20 => ((b & c) | (!b & d), 0x5a82_7999),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdcu32),
                _ => (b ^ c ^ d, 0xca62_c1d6),
            };
            let next = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(k).wrapping_add(w[t % 16]);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (word, add) in state.iter_mut().zip([a, b, c, d, e]) {
            *word = word.wrapping_add(add);
        }
    }
}

/// floor(2³² |sin(i + 1)|), RFC 1321, section 3.4.
const SINES: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];
const TURNS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

impl Legacy for Md5 {
    type State = [u32; 4];
    const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    const BIG_ENDIAN: bool = false;

    fn compress(state: &mut [u32; 4], block: &[u32; 16]) {
        let [mut a, mut b, mut c, mut d] = *state;
        for t in 0..64 {
            let (f, g) = match t / 16 {
                0 => ((b & c) | (!b & d), t),
                1 => ((d & b) | (!d & c), (5 * t + 1) % 16),
                2 => (b ^ c ^ d, (3 * t + 5) % 16),
                _ => (c ^ (b | !d), 7 * t % 16),
            };
            let sum = a.wrapping_add(f).wrapping_add(SINES[t]).wrapping_add(block[g]);
            (a, d, c, b) = (d, c, b, b.wrapping_add(sum.rotate_left(TURNS[t / 16][t % 4])));
        }
        for (word, add) in state.iter_mut().zip([a, b, c, d]) {
            *word = word.wrapping_add(add);
        }
    }
}

/// Words of a block of 64 bytes.
fn words<H: Legacy>(block: &[u8; 64]) -> [u32; 16] {
    let mut out = [0; 16];
    for (word, part) in out.iter_mut().zip(block.as_chunks().0) {
        *word = if H::BIG_ENDIAN { u32::from_be_bytes(*part) } else { u32::from_le_bytes(*part) };
    }
    out
}

/// The last block of a message ends with its length in bits.
fn length<H: Legacy>(bytes: usize) -> [u8; 8] {
    let bits = bytes as u64 * 8;
    if H::BIG_ENDIAN { bits.to_be_bytes() } else { bits.to_le_bytes() }
}

/// Goes on from a state that has taken 64 bytes.
fn finish<H: Legacy>(mut state: H::State, message: &[u8]) -> H::State {
    let (whole, rest) = message.as_chunks::<64>();
    for block in whole {
        H::compress(&mut state, &words::<H>(block));
    }
    let mut last = [0u8; 64];
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 0x80;
    if rest.len() > 55 {
        H::compress(&mut state, &words::<H>(&last));
        last = [0; 64];
    }
    last[56..].copy_from_slice(&length::<H>(64 + message.len()));
    H::compress(&mut state, &words::<H>(&last));
    state
}

/// The bytes of a state.
fn bytes<H: Legacy>(state: H::State) -> ([u8; 20], usize) {
    let mut out = [0u8; 20];
    for (four, word) in out.as_chunks_mut().0.iter_mut().zip(state.as_ref()) {
        *four = if H::BIG_ENDIAN { word.to_be_bytes() } else { word.to_le_bytes() };
    }
    (out, state.as_ref().len() * 4)
}

/// A key whose two blocks have been compressed.
#[derive(Clone)]
pub(crate) struct Hmac<H: Legacy> {
    inner: H::State,
    outer: H::State,
}

impl<H: Legacy> Hmac<H> {
    /// For a key of any length.
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut block = [0u8; 64];
        if key.len() <= 64 {
            block[..key.len()].copy_from_slice(key);
        } else {
            // The digest of the key: its first block starts the state, the rest goes on from there.
            let (first, rest) = key.split_at(64);
            let mut state = H::START;
            block.copy_from_slice(first);
            H::compress(&mut state, &words::<H>(&block));
            let (digest, size) = bytes::<H>(finish::<H>(state, rest));
            block = [0; 64];
            block[..size].copy_from_slice(&digest[..size]);
        }
        let start = |mask: u8| {
            let mut state = H::START;
            H::compress(&mut state, &words::<H>(&block.map(|byte| byte ^ mask)));
            state
        };
        Self { inner: start(0x36), outer: start(0x5c) }
    }

    /// The code of a message, read as one big-endian number, modulo `l`.
    pub(crate) fn modulo(&self, message: &[u8], l: u32) -> u32 {
        let (digest, size) = self.code(message);
        let step = |rest: u64, &byte: &u8| (rest << 8 | u64::from(byte)) % u64::from(l);
        // Less than `l`, which has 32 bits.
        digest[..size].iter().fold(0, step) as u32
    }

    fn code(&self, message: &[u8]) -> ([u8; 20], usize) {
        let (inner, size) = bytes::<H>(finish::<H>(self.inner, message));
        bytes::<H>(finish::<H>(self.outer, &inner[..size]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2202, the first, second, third and sixth cases of each.
    #[test]
    fn as_rfc_2202_has_it() {
        let hex = |(digest, size): ([u8; 20], usize)| hex::encode(&digest[..size]);
        let sha1 = |key: &[u8], message: &[u8]| hex(Hmac::<Sha1>::new(key).code(message));
        let md5 = |key: &[u8], message: &[u8]| hex(Hmac::<Md5>::new(key).code(message));
        let long = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(sha1(&[0x0b; 20], b"Hi There"), "b617318655057264e28bc0b6fb378c8ef146be00");
        assert_eq!(sha1(b"Jefe", b"what do ya want for nothing?"), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        assert_eq!(sha1(&[0xaa; 20], &[0xdd; 50]), "125d7342b9ac11cd91a39af48aa17b4f63f175d3");
        assert_eq!(sha1(&[0xaa; 80], long), "aa4ae5e15272d00e95705637ce8a3b55ed402112");
        assert_eq!(md5(&[0x0b; 16], b"Hi There"), "9294727a3638bb1c13f48ef8158bfc9d");
        assert_eq!(md5(b"Jefe", b"what do ya want for nothing?"), "750c783e6ab0b503eaa86e310a5db738");
        assert_eq!(md5(&[0xaa; 16], &[0xdd; 50]), "56be34521d144c88dbb8c733f0e8b3f6");
        assert_eq!(md5(&[0xaa; 80], long), "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
    }

    /// Python 3.11: hmac.new(b"k", b"x" * n, sha1).hexdigest(), where the padding needs another block.
    #[test]
    fn the_padding_may_need_a_block_of_its_own() {
        let hmac = Hmac::<Sha1>::new(b"k");
        for (n, wanted) in [
            (55, "296d118d4f24c52a0e66e7ce5345a487e5cf8ad7"),
            (56, "a48b95aff06a52969113dabd7e37e168d42d9404"),
            (64, "aaca4189106805f30c02de96a852469af0cda805"),
            (130, "5179b26cd4b24b76101aa4c6625d361bb559e3d1"),
        ] {
            assert_eq!(hex::encode(hmac.code(&vec![b'x'; n]).0), wanted);
        }
    }
}
