//! Base64 as clkhash writes CLKs (`clkhash.serialization`): the standard alphabet with padding (RFC 4648, section 4).

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes as text.
#[must_use]
pub fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let mut word = 0u32;
        for place in 0..3 {
            word = word << 8 | u32::from(part.get(place).copied().unwrap_or(0));
        }
        for place in 0..4 {
            let six = (word >> (18 - 6 * place) & 63) as usize;
            text.push(if place <= part.len() { char::from(ALPHABET[six]) } else { '=' });
        }
    }
    text
}

/// Text as bytes; `None` when it is not whole base64, padding included.
#[must_use]
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let end = text.len() - text.iter().rev().take(2).take_while(|&&byte| byte == b'=').count();
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for part in text[..end].chunks(4) {
        let mut word = 0u32;
        for &byte in part {
            let six = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            word = word << 6 | u32::from(six);
        }
        let word = word << (6 * (4 - part.len()) + 8);
        bytes.extend_from_slice(&word.to_be_bytes()[..part.len() * 3 / 4]);
    }
    Some(bytes)
}
