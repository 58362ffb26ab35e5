//! The envelope of an encoded file: a POSIX tar of which every byte is decided.
//!
//! Any tar program lists and opens it, so that the data owner can look at what leaves. Nothing is left to chance that
//! a tar leaves open (owner, time, padding, what follows the end): a header that is not the one we would write, a
//! padding that is not zero or a byte after the end is damage. The last entry, `seal`, holds the SHA-256 of all bytes
//! before it, and a MAC of that under the key: the first tells damage, the second a change by somebody without the key.

use std::io::{ErrorKind, Read};
use std::ops::RangeInclusive;

use svp_lake::input::RunningDigest;
use svp_pseudonymise::{Key, Tokeniser};

use super::error::DeskError;

/// Size of a tar block, bytes.
const BLOCK: usize = 512;
/// Name of the first entry, by which the format is known; its content is the number of the format.
pub(super) const MARK: &str = "svp-desk";
/// Name of the last entry.
const SEAL: &str = "seal";
/// The largest entry, bytes: it is held in memory.
const MAX_ENTRY: u64 = 512 * 1024 * 1024;
/// Domain of the MAC. No column can be called so: names of columns have no blanks.
const SEAL_DOMAIN: &str = "seal of an encoded file";

/// The header of an entry; `None` for a name that a tar cannot hold.
fn header(name: &str, size: u64) -> Option<[u8; BLOCK]> {
    if name.is_empty() || name.len() > 99 || !name.is_ascii() || size > MAX_ENTRY {
        return None;
    }
    let mut block = [0u8; BLOCK];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000600\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    // The checksum is taken over the header with blanks in its own place.
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Some(block)
}

fn padding(size: u64) -> usize {
    (BLOCK - usize::try_from(size % BLOCK as u64).unwrap_or_default()) % BLOCK
}

/// What the seal says of the bytes before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seal {
    /// SHA-256, 64 hexadecimal digits.
    pub sha256: String,
    /// MAC of it, 32 hexadecimal digits.
    pub mac: String,
}

impl Seal {
    fn new(sha256: String, key: &Key) -> Self {
        let mac = Tokeniser::new(key, SEAL_DOMAIN).token([sha256.as_bytes()]);
        Self { sha256, mac: String::from_utf8_lossy(&mac).into_owned() }
    }

    /// Whether somebody with this key set it.
    pub(crate) fn is_of(&self, key: &Key) -> bool {
        // Nobody can ask this question often enough to learn from the time that it takes: each costs a file.
        *self == Self::new(self.sha256.clone(), key)
    }

    fn text(&self) -> String {
        format!("sha256 {}\nmac {}\n", self.sha256, self.mac)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (sha256, mac) = text.strip_prefix("sha256 ")?.strip_suffix('\n')?.split_once("\nmac ")?;
        Some(Self { sha256: sha256.to_owned(), mac: mac.to_owned() })
    }
}

/// Takes the bytes of an envelope in their order.
pub(super) type Put<'a> = &'a mut dyn FnMut(&[u8]) -> Result<(), DeskError>;

/// Writes an envelope.
pub(super) struct EnvelopeWriter<'a> {
    file: String,
    put: Put<'a>,
    digest: RunningDigest,
}

impl<'a> EnvelopeWriter<'a> {
    /// Begins an envelope of format `format`. `file` is for messages.
    pub(super) fn begin(file: &str, format: u32, put: Put<'a>) -> Result<Self, DeskError> {
        let mut envelope = Self { file: file.to_owned(), put, digest: RunningDigest::default() };
        envelope.entry(MARK, format!("{format}\n").as_bytes())?;
        Ok(envelope)
    }

    /// Adds an entry.
    pub(super) fn entry(&mut self, name: &str, content: &[u8]) -> Result<(), DeskError> {
        let head = self.head(name, content.len() as u64)?;
        for bytes in [head.as_slice(), content, &[0u8; BLOCK][..padding(content.len() as u64)]] {
            self.digest.update(bytes);
            (self.put)(bytes)?;
        }
        Ok(())
    }

    /// Ends it with the seal of `key`.
    pub(super) fn seal(self, key: &Key) -> Result<(), DeskError> {
        let seal = Seal::new(self.digest.digits(), key);
        let text = seal.text();
        let head = self.head(SEAL, text.len() as u64)?;
        let rest = [0u8; 3 * BLOCK];
        for bytes in [head.as_slice(), text.as_bytes(), &rest[..padding(text.len() as u64) + 2 * BLOCK]] {
            (self.put)(bytes)?;
        }
        Ok(())
    }

    fn head(&self, name: &str, size: u64) -> Result<[u8; BLOCK], DeskError> {
        let what = "an entry is too large, or its name too long or not ASCII";
        header(name, size).ok_or_else(|| DeskError::Unwritable { file: self.file.clone(), what })
    }
}

/// Reads an envelope as a stream, one entry in memory.
pub(crate) struct EnvelopeReader {
    file: String,
    input: Box<dyn Read + Send>,
    digest: RunningDigest,
    seal: Option<Seal>,
    format: u32,
}

impl EnvelopeReader {
    /// Opens an envelope; `file` is for messages. The number of its format must be among those that are `known`.
    ///
    /// # Errors
    /// [`DeskError::Damaged`], or [`DeskError::Format`] for another format.
    pub(super) fn open(file: &str, input: Box<dyn Read + Send>, known: RangeInclusive<u32>) -> Result<Self, DeskError> {
        let mut reader = Self { file: file.to_owned(), input, digest: RunningDigest::default(), seal: None, format: 0 };
        let (name, content) = reader.next()?.ok_or_else(|| reader.damaged("it is empty"))?;
        let number: Option<u32> =
            std::str::from_utf8(&content).ok().and_then(|t| t.strip_suffix('\n')).and_then(|t| t.parse().ok());
        match (name.as_str(), number) {
            (MARK, Some(found)) if known.contains(&found) => Ok(Self { format: found, ..reader }),
            (MARK, Some(found)) => Err(DeskError::Format { file: file.to_owned(), found, known: *known.end() }),
            _ => Err(reader.damaged("it does not begin as an encoded file does")),
        }
    }

    /// The next entry; `None` after the last, when [`seal`](Self::seal) is there and has been compared.
    ///
    /// # Errors
    /// [`DeskError::Damaged`], or [`DeskError::Unreadable`] where the storage fails.
    pub(super) fn next(&mut self) -> Result<Option<(String, Vec<u8>)>, DeskError> {
        if self.seal.is_some() {
            return Ok(None);
        }
        let head = self.block()?;
        let name: Vec<u8> = head.iter().take_while(|b| **b != 0).copied().collect();
        let name = String::from_utf8(name).map_err(|_| self.damaged("an entry's header is not ours"))?;
        let size = std::str::from_utf8(&head[124..135]).ok().and_then(|t| u64::from_str_radix(t, 8).ok());
        let size = size.filter(|s| header(&name, *s) == Some(head));
        let size = size.ok_or_else(|| self.damaged("an entry's header is not ours"))?;
        let before = (name == SEAL).then(|| self.digest.digits());
        let mut content = Vec::new();
        let whole = (&mut self.input).take(size).read_to_end(&mut content).map_err(|e| self.failed(e))?;
        if whole as u64 != size {
            return Err(self.damaged("it is cut off"));
        }
        let mut filled = vec![0u8; padding(size)];
        self.fill(&mut filled)?;
        if filled.iter().any(|b| *b != 0) {
            return Err(self.damaged("there are bytes between its entries"));
        }
        if let Some(sha256) = before {
            self.end(&content, sha256)?;
            return Ok(None);
        }
        for bytes in [head.as_slice(), &content, &filled] {
            self.digest.update(bytes);
        }
        Ok(Some((name, content)))
    }

    /// The number of its format.
    pub(super) fn format(&self) -> u32 {
        self.format
    }

    /// The seal, after the last entry.
    pub(super) fn seal(&self) -> Option<&Seal> {
        self.seal.as_ref()
    }

    pub(super) fn damaged(&self, what: &'static str) -> DeskError {
        DeskError::Damaged { file: self.file.clone(), what }
    }

    fn end(&mut self, content: &[u8], sha256: String) -> Result<(), DeskError> {
        let seal = Seal::parse(content).ok_or_else(|| self.damaged("its seal cannot be read"))?;
        let mut rest = [0u8; 2 * BLOCK];
        self.fill(&mut rest)?;
        let mut more = [0u8; 1];
        let after = self.input.read(&mut more).map_err(|e| self.failed(e))?;
        if rest.iter().any(|b| *b != 0) || after != 0 {
            return Err(self.damaged("there are bytes after its end"));
        }
        if seal.sha256 != sha256 || seal.text().as_bytes() != content {
            return Err(self.damaged("its content is not what its digest says"));
        }
        self.seal = Some(seal);
        Ok(())
    }

    fn block(&mut self) -> Result<[u8; BLOCK], DeskError> {
        let mut block = [0u8; BLOCK];
        self.fill(&mut block)?;
        Ok(block)
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), DeskError> {
        self.input.read_exact(out).map_err(|e| self.failed(e))
    }

    fn failed(&self, source: std::io::Error) -> DeskError {
        if source.kind() == ErrorKind::UnexpectedEof {
            self.damaged("it is cut off")
        } else {
            DeskError::Unreadable { file: self.file.clone(), source }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::parse("svp-key-1 test 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").unwrap()
    }

    fn written(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut put = |bytes: &[u8]| {
            out.extend_from_slice(bytes);
            Ok(())
        };
        let mut envelope = EnvelopeWriter::begin("a.svp", 1, &mut put).unwrap();
        for (name, content) in entries {
            envelope.entry(name, content).unwrap();
        }
        envelope.seal(&key()).unwrap();
        out
    }

    fn read(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, DeskError> {
        let mut reader = EnvelopeReader::open("a.svp", Box::new(std::io::Cursor::new(bytes.to_vec())), 1..=2)?;
        assert_eq!(reader.format(), 1);
        let mut out = Vec::new();
        while let Some(entry) = reader.next()? {
            out.push(entry);
        }
        assert!(reader.next()?.is_none());
        if reader.seal().unwrap().is_of(&key()) { Ok(out) } else { Err(reader.damaged("seal")) }
    }

    const ENTRIES: [(&str, &[u8]); 3] = [("rows/event-0001.parquet", &[7; 700]), ("b", b""), ("c", &[1; 512])];

    #[test]
    fn what_is_written_is_read() {
        let bytes = written(&ENTRIES);
        assert_eq!(bytes.len() % BLOCK, 0);
        let found = read(&bytes).unwrap();
        let found: Vec<(&str, &[u8])> = found.iter().map(|(n, c)| (n.as_str(), c.as_slice())).collect();
        assert_eq!(found, ENTRIES);
        assert_eq!(bytes, written(&ENTRIES), "the same entries are the same bytes");
    }

    /// No byte is free: each one that is changed, and each length to which the file is cut, is noticed.
    #[test]
    fn every_byte_counts() {
        let bytes = written(&ENTRIES);
        for at in 0..bytes.len() {
            for with in [1u8, 0x20, 0x80] {
                let mut changed = bytes.clone();
                changed[at] ^= with;
                assert!(read(&changed).is_err(), "byte {at}");
            }
        }
        for length in 0..bytes.len() {
            assert!(matches!(read(&bytes[..length]), Err(DeskError::Damaged { .. })), "cut to {length}");
        }
        let mut longer = bytes;
        longer.push(0);
        assert!(matches!(read(&longer), Err(DeskError::Damaged { .. })));
    }

    #[test]
    fn a_seal_is_of_one_key() {
        let seal = Seal::new("a".repeat(64), &key());
        assert!(seal.is_of(&key()));
        assert!(!seal.is_of(&Key::generate("test").unwrap()));
        let other = Seal { sha256: "0".repeat(64), ..seal };
        assert!(!other.is_of(&key()));
    }

    #[test]
    fn a_later_format_is_told_apart_from_damage() {
        let bytes = written(&ENTRIES);
        let opened = EnvelopeReader::open("a.svp", Box::new(std::io::Cursor::new(bytes)), 2..=3).map(|_| ());
        assert!(matches!(opened, Err(DeskError::Format { found: 1, known: 3, .. })));
    }
}
