//! What a file is known by in all that is kept: digests of its content and of the path that it lay at, under the key of the lake.
//!
//! A plain digest lets whoever has it confirm a guess: of a small extract, somebody who knows all but one value tries the others.
//! A lake from before has plain digests. The keyed one is made of the plain one, so that a known file stays known: what the lake
//! has is taken over as it is read, and no extract has to be there for it.

use svp_pseudonymise::{Key, TOKEN_LEN, Tokeniser};

/// Names for contents and places under one key.
#[derive(Clone)]
pub struct Contents {
    content: Tokeniser,
    place: Tokeniser,
}

impl Contents {
    /// Under a key.
    #[must_use]
    pub fn new(key: &Key) -> Self {
        Self { content: Tokeniser::new(key, "extract-content"), place: Tokeniser::new(key, "extract-place") }
    }

    /// Of a content, by its SHA-256 in hexadecimal digits. What is keyed already stays, and so does what is empty.
    #[must_use]
    pub fn content(&self, digest: &str) -> String {
        keyed(&self.content, digest)
    }

    /// Of a path, by the first digits of its SHA-256; in the same way.
    #[must_use]
    pub fn place(&self, digest: &str) -> String {
        keyed(&self.place, digest)
    }
}

/// Whether a digest is keyed: a plain one is longer, or, of a place, shorter.
#[must_use]
pub fn is_keyed(digest: &str) -> bool {
    digest.len() == TOKEN_LEN && digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn keyed(tokeniser: &Tokeniser, digest: &str) -> String {
    if digest.is_empty() || is_keyed(digest) {
        return digest.to_owned();
    }
    String::from_utf8_lossy(&tokeniser.token([digest.as_bytes()])).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_keyed_once() {
        let (one, other) = (Key::generate("test").unwrap(), Key::generate("test").unwrap());
        let plain = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let names = Contents::new(&one);
        let keyed = names.content(plain);
        assert!(is_keyed(&keyed) && !is_keyed(plain) && !is_keyed(&plain[..16]) && !is_keyed(""));
        assert_eq!(names.content(&keyed), keyed);
        assert_eq!(names.content(""), "");
        assert_ne!(Contents::new(&other).content(plain), keyed);
        assert_ne!(names.place(plain), keyed);
        // The next key knows the same content by what its rotation makes of the old name.
        let next = one.rotated().unwrap();
        let step = one.step_to(&next).unwrap();
        assert_eq!(step.turned(&keyed), Contents::new(&next).content(plain));
        assert_eq!(step.turned("no token"), "no token");
    }
}
