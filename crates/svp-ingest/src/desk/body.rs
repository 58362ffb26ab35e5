//! The body of an encoded file: entries that nobody reads without the key.
//!
//! An entry is sealed with its name, under a context of the format, the head of its file and its number, so that it opens in its own
//! place alone. In the head stands a salt, so that the same rows, encoded again at another time, are other bytes: whoever watches files go
//! by does not see which tables changed. An entry is filled up with zeros, so that its length tells its number of rows roughly.

use svp_lake::input::digest_bytes;
use svp_pseudonymise::{Key, TransitSeal};

/// What a sealed entry is filled up to a multiple of, bytes.
pub(super) const FILL: usize = 32 * 1024;
/// Bytes of the length of a name, and of a content.
const NAME: usize = 2;
const CONTENT: usize = 8;

/// Seals and opens the entries of one file.
#[derive(Debug, Clone)]
pub(super) struct Body {
    seal: TransitSeal,
    format: u32,
    head: String,
}

/// The name under which an entry stands in the file; the first is 1.
pub(super) fn place(number: u32) -> String {
    format!("{number:06}")
}

impl Body {
    /// The body of the file of this format with this head, under this key.
    pub(super) fn new(key: &Key, format: u32, head: &[u8]) -> Self {
        Self { seal: TransitSeal::new(key), format, head: digest_bytes(head) }
    }

    /// An entry, sealed; `None` where its name or content is too long.
    pub(super) fn sealed(&self, number: u32, name: &str, content: &[u8]) -> Option<Vec<u8>> {
        let mut plain = Vec::with_capacity(NAME + name.len() + CONTENT + content.len() + FILL);
        plain.extend_from_slice(&u16::try_from(name.len()).ok()?.to_le_bytes());
        plain.extend_from_slice(name.as_bytes());
        plain.extend_from_slice(&(content.len() as u64).to_le_bytes());
        plain.extend_from_slice(content);
        plain.resize(plain.len().next_multiple_of(FILL), 0);
        self.seal.seal(self.context(number).as_bytes(), &plain)
    }

    /// The name and the content of an entry; `None` where it is not of this key, file and place.
    pub(super) fn opened(&self, number: u32, sealed: &[u8]) -> Option<(String, Vec<u8>)> {
        let plain = self.seal.open(self.context(number).as_bytes(), sealed)?;
        let (length, rest) = plain.split_first_chunk::<NAME>()?;
        let (name, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        let (length, rest) = rest.split_first_chunk::<CONTENT>()?;
        let content = rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        Some((String::from_utf8(name.to_vec()).ok()?, content.to_vec()))
    }

    fn context(&self, number: u32) -> String {
        format!("svp encoded file\n{}\n{}\n{number}", self.format, self.head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::parse("svp-key-1 test 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").unwrap()
    }

    #[test]
    fn an_entry_opens_in_its_own_place_alone() {
        let body = Body::new(&key(), 3, b"head");
        let sealed = body.sealed(1, "rows/event-0001.parquet", b"content").unwrap();
        assert_eq!(body.opened(1, &sealed).unwrap(), ("rows/event-0001.parquet".to_owned(), b"content".to_vec()));
        assert!(body.opened(2, &sealed).is_none());
        assert!(Body::new(&key(), 3, b"another head").opened(1, &sealed).is_none());
        assert!(Body::new(&key(), 2, b"head").opened(1, &sealed).is_none());
        assert!(Body::new(&Key::generate("test").unwrap(), 3, b"head").opened(1, &sealed).is_none());
        let holds = |needle: &[u8]| sealed.windows(needle.len()).any(|w| w == needle);
        assert!(!holds(b"event") && !holds(b"content"));
    }

    #[test]
    fn lengths_tell_little() {
        let body = Body::new(&key(), 3, b"");
        let length = |n: usize| body.sealed(1, "a", &vec![7; n]).unwrap().len();
        assert_eq!((length(0), length(30_000)), (FILL + 28, FILL + 28));
        assert_eq!(length(40_000), 2 * FILL + 28);
        // No room for what is filled up, to the byte.
        let whole = vec![9; FILL - NAME - 1 - CONTENT];
        let sealed = body.sealed(3, "a", &whole).unwrap();
        assert_eq!((sealed.len(), body.opened(3, &sealed).unwrap().1), (FILL + 28, whole));
        assert!(body.sealed(1, &"n".repeat(70_000), b"").is_none());
    }
}
