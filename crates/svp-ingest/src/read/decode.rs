//! From stored bytes to plain bytes: gzip (one or many members) is undone, foreign containers are named,
//! byte order marks are found. Knows nothing of rows.

use std::io::{self, BufReader, Cursor, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};
use flate2::bufread::MultiGzDecoder;

use super::error::ReadError;

/// Bytes read from the source at a time.
const CHUNK: usize = 128 * 1024;

/// What can go wrong below the level of rows; travels inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("storage")]
    Source(#[source] io::Error),
    #[error("truncated gzip")]
    TruncatedGzip,
    #[error("corrupt gzip")]
    CorruptGzip,
    #[error("more than {0} bytes")]
    TooLarge(usize),
    #[error("not {0}")]
    Undecodable(&'static str),
}

impl Fault {
    /// Finds the fault inside an I/O error; any other error is the storage's.
    pub(super) fn of(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(fault) => fault,
            Err(other) => Self::Source(other),
        }
    }
}

/// A boxed stream of bytes.
pub(super) type Input = Box<dyn Read + Send>;

/// A mark at the start of a text that tells its encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    None,
    Utf8,
    Utf16,
}

/// Decompressed bytes, with what their beginning says.
pub(super) struct Plain {
    /// The whole stream, byte order mark included.
    pub input: Input,
    /// The first bytes of it (up to 1024).
    pub head: Vec<u8>,
    /// The byte order mark, or the shape of UTF-16 without one.
    pub mark: Mark,
}

/// Opens a file: undoes gzip, refuses containers that are not readable here.
pub(super) fn plain(file: &str, input: Input) -> Result<Plain, ReadError> {
    let fail = |e: io::Error| ReadError::from_fault(Fault::of(e), file, 0);
    let mut input: Input = Box::new(Source(input));
    let magic = peek(&mut input, 2).map_err(fail)?;
    let named_gz = file.len() > 3 && file.as_bytes()[file.len() - 3..].eq_ignore_ascii_case(b".gz");
    if magic.is_empty() && named_gz {
        return Err(ReadError::TruncatedGzip { file: file.to_owned(), row: 0 });
    }
    let zipped = magic == [0x1f, 0x8b] || magic == [0x1f];
    let mut input: Input = Box::new(Cursor::new(magic).chain(input));
    if zipped {
        input = Box::new(Gunzip(MultiGzDecoder::new(BufReader::with_capacity(CHUNK, input))));
    }
    let head = peek(&mut input, 1024).map_err(fail)?;
    if head.is_empty() {
        return Err(ReadError::Empty { file: file.to_owned() });
    }
    if let Some(found) = foreign(&head) {
        return Err(ReadError::UnsupportedFormat { file: file.to_owned(), found });
    }
    let mark = mark_of(&head);
    let input = Box::new(Cursor::new(head.clone()).chain(input));
    Ok(Plain { input, head, mark })
}

/// Reads up to `n` bytes (fewer only at the end of the stream).
fn peek(input: &mut Input, n: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(n);
    input.by_ref().take(n as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn foreign(head: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 7] = [
        (b"PK\x03\x04", "a zip archive or an Excel workbook"),
        (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
        (b"\x28\xb5\x2f\xfd", "a zstd archive"),
        (b"\xfd7zXZ\x00", "an xz archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (b"BZh", "a bzip2 archive"),
        (b"%PDF-", "a PDF document"),
    ];
    KNOWN.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, name)| *name)
}

fn mark_of(head: &[u8]) -> Mark {
    if head.starts_with(&[0xef, 0xbb, 0xbf]) {
        return Mark::Utf8;
    }
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return Mark::Utf16;
    }
    // Latin text in UTF-16 without a mark: about every second byte is zero.
    let zeros = head.iter().filter(|b| **b == 0).count();
    if head.len() >= 8 && zeros * 3 > head.len() && !head.starts_with(b"PAR1") { Mark::Utf16 } else { Mark::None }
}

/// Tags the storage's own errors, so that they are not taken for damage in the gzip stream.
struct Source(Input);

impl Read for Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out).map_err(|e| match e.kind() {
            io::ErrorKind::Interrupted => e,
            _ => io::Error::other(Fault::Source(e)),
        })
    }
}

/// Tags the decompressor's errors.
struct Gunzip<R>(MultiGzDecoder<R>);

impl<R: io::BufRead> Read for Gunzip<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out).map_err(|e| {
            let kind = e.kind();
            match e.downcast::<Fault>() {
                Ok(fault) => io::Error::other(fault),
                Err(e) if kind == io::ErrorKind::Interrupted => e,
                Err(_) if kind == io::ErrorKind::UnexpectedEof => io::Error::other(Fault::TruncatedGzip),
                Err(_) => io::Error::other(Fault::CorruptGzip),
            }
        })
    }
}

/// Streams text of another encoding as UTF-8; a byte that the encoding lacks is an error.
pub(super) struct Transcode {
    input: Input,
    decoder: Decoder,
    name: &'static str,
    raw: Vec<u8>,
    raw_at: usize,
    raw_end: usize,
    text: Vec<u8>,
    text_at: usize,
    text_end: usize,
    last: bool,
    done: bool,
}

impl Transcode {
    pub(super) fn new(input: Input, encoding: &'static Encoding) -> Self {
        Self {
            input,
            decoder: encoding.new_decoder_with_bom_removal(),
            name: encoding.name(),
            raw: vec![0; 16 * 1024],
            raw_at: 0,
            raw_end: 0,
            text: vec![0; 48 * 1024],
            text_at: 0,
            text_end: 0,
            last: false,
            done: false,
        }
    }
}

impl Read for Transcode {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.text_at == self.text_end && !self.done {
            if self.raw_at == self.raw_end && !self.last {
                self.raw_at = 0;
                self.raw_end = self.input.read(&mut self.raw)?;
                self.last = self.raw_end == 0;
            }
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
                &self.raw[self.raw_at..self.raw_end],
                &mut self.text,
                self.last,
            );
            self.raw_at += read;
            self.text_at = 0;
            self.text_end = written;
            match result {
                DecoderResult::Malformed(..) => {
                    return Err(io::Error::other(Fault::Undecodable(self.name)));
                }
                // The decoder must not be called again after its last input.
                DecoderResult::InputEmpty => self.done = self.last,
                DecoderResult::OutputFull => {}
            }
        }
        let n = out.len().min(self.text_end - self.text_at);
        out[..n].copy_from_slice(&self.text[self.text_at..self.text_at + n]);
        self.text_at += n;
        Ok(n)
    }
}

/// Decodes Windows-1252 into `out`; false if a byte is one of the five that it leaves undefined.
pub(super) fn windows_1252(bytes: &[u8], out: &mut String) -> bool {
    if bytes.iter().any(|b| undefined_1252(*b)) {
        return false;
    }
    out.clear();
    out.reserve(bytes.len() * 3);
    let mut decoder = encoding_rs::WINDOWS_1252.new_decoder_without_bom_handling();
    let (result, _) = decoder.decode_to_string_without_replacement(bytes, out, true);
    matches!(result, DecoderResult::InputEmpty)
}

/// The five bytes that Windows-1252 leaves undefined.
pub(super) fn undefined_1252(byte: u8) -> bool {
    matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d)
}

/// XML as UTF-8. Chooses the decoder: byte order mark, then the XML declaration, then UTF-8.
pub(super) fn xml_as_utf8(file: &str, plain: Plain) -> Result<Input, ReadError> {
    let wrong = |found| ReadError::WrongEncoding {
        file: file.to_owned(),
        row: 0,
        declared: "its XML declaration's encoding",
        found,
    };
    let encoding = match plain.mark {
        Mark::Utf8 => return Ok(plain.input),
        Mark::Utf16 => Encoding::for_bom(&plain.head).map(|(e, _)| e).ok_or_else(|| wrong(Some("UTF-16")))?,
        Mark::None => match declared(&plain.head) {
            None => return Ok(plain.input),
            Some(label) => Encoding::for_label(label).ok_or_else(|| wrong(None))?,
        },
    };
    if encoding == encoding_rs::UTF_8 {
        return Ok(plain.input);
    }
    if plain.mark == Mark::None && !encoding.is_ascii_compatible() {
        // The declaration could be read as ASCII, so it cannot be true.
        return Err(wrong(None));
    }
    Ok(Box::new(Transcode::new(plain.input, encoding)))
}

/// The label in `<?xml … encoding="label"?>`.
fn declared(head: &[u8]) -> Option<&[u8]> {
    let head = head.strip_prefix(b"<?xml")?;
    let end = head.windows(2).position(|w| w == b"?>")?;
    let at = head[..end].windows(8).position(|w| w == b"encoding")? + 8;
    let open = head[at..end].iter().position(|b| matches!(b, b'"' | b'\''))? + at;
    let close = head[open + 1..end].iter().position(|b| *b == head[open])? + open + 1;
    Some(&head[open + 1..close])
}
