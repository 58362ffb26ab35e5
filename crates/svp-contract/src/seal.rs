//! What keeps rows unreadable for whoever does not hold the key of a lake. The lake stores what comes out of it and knows no cipher.

use std::fmt::Debug;

/// Seals bytes under one key, and opens them. Shown for debugging it names the key by its check and says nothing else.
pub trait Seal: Debug + Send + Sync {
    /// Tells two keys apart and says nothing about either.
    fn key_id(&self) -> &str;

    /// `plain`, sealed: without the key nobody reads or changes it unseen, and it opens under the same `context` only. `None` when the
    /// operating system gives no random bytes.
    fn seal(&self, context: &[u8], plain: &[u8]) -> Option<Vec<u8>>;

    /// What was sealed under this key and `context`; `None` for anything else.
    fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>>;

    /// A keyed MAC of the parts in their order. Parts are told apart by their lengths.
    fn mac(&self, parts: &[&[u8]]) -> [u8; 32];
}
