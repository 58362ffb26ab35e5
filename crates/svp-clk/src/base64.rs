//! Base64 as clkhash writes CLKs (`clkhash.serialization`): the standard alphabet with padding (RFC 4648, section 4).

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, PAD};

/// As Python reads it: bits of the last character that belong to no byte are let pass.
const ENGINE: GeneralPurpose = GeneralPurpose::new(&STANDARD, PAD.with_decode_allow_trailing_bits(true));

/// Bytes as text.
///
/// ```
/// assert_eq!(svp_clk::to_base64(&[0b1010_0000, 0, 255]), "oAD/");
/// assert_eq!(svp_clk::to_base64(b"fo"), "Zm8=");
/// ```
#[must_use]
pub fn to_base64(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

/// Text as bytes; `None` when it is not whole base64, padding included.
///
/// ```
/// assert_eq!(svp_clk::from_base64("oAD/"), Some(vec![0b1010_0000, 0, 255]));
/// assert_eq!(svp_clk::from_base64("oAD"), None, "a part of it is missing");
/// ```
#[must_use]
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    ENGINE.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, section 10, and what Python's `base64.b64decode` makes of bits that are left over.
    #[test]
    fn as_rfc_4648_has_it() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(to_base64(bytes.as_bytes()), text);
            assert_eq!(from_base64(text).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!(from_base64("Zh==").as_deref(), Some(&b"f"[..]));
        for text in ["Zg", "Zg=", "Zg==Zg==", "Z===", "====", "Zm 9", "Zm9v\n", "Zm_v"] {
            assert_eq!(from_base64(text), None, "{text}");
        }
    }
}
