//! From stored bytes to plain bytes: gzip (one or many members, also gzip in gzip) is undone, foreign formats are
//! named, byte order marks are found. Knows nothing of rows.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::{Decoder, DecoderResult, Encoding};
use flate2::bufread::GzDecoder;

use super::ReadNote;
use super::error::ReadError;

/// Bytes read from the source at a time.
const CHUNK: usize = 128 * 1024;
/// Layers of gzip that are undone.
const LAYERS: usize = 3;

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
    #[error("UTF-8 that is called {0}")]
    Mislabelled(&'static str),
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
    /// Layers of gzip that were undone.
    pub layers: usize,
    /// What fills the file up behind its gzip.
    pub padding: Padding,
}

/// Zero bytes behind the last member of a gzip file, which tapes and tools that copy by blocks leave there. They are seen when the
/// stream has been read to its end.
#[derive(Debug, Clone, Default)]
pub(super) struct Padding(Arc<AtomicU64>);

impl Padding {
    fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// What is worth telling of it, once the stream has ended.
    pub(super) fn note(&self) -> Option<ReadNote> {
        let bytes = self.0.load(Ordering::Relaxed);
        (bytes > 0).then_some(ReadNote::GzipPadding { bytes })
    }
}

impl Plain {
    /// What is worth telling of the container.
    pub(super) fn notes(&self) -> Vec<ReadNote> {
        if self.layers > 1 { vec![ReadNote::NestedGzip { layers: self.layers }] } else { Vec::new() }
    }

    /// The first bytes without byte order mark and white space.
    pub(super) fn beginning(&self) -> &[u8] {
        self.head.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(&self.head).trim_ascii_start()
    }
}

/// Opens a file: undoes gzip, refuses containers that are not readable here.
pub(super) fn plain(file: &str, input: Input) -> Result<Plain, ReadError> {
    let fail = |e: io::Error| ReadError::from_fault(Fault::of(e), file, 0);
    let mut input: Input = Box::new(Source(input));
    let named_gz = file.len() > 3 && file.as_bytes()[file.len() - 3..].eq_ignore_ascii_case(b".gz");
    let (mut layers, padding) = (0, Padding::default());
    loop {
        let magic = peek(&mut input, 3).map_err(fail)?;
        if magic.is_empty() && named_gz && layers == 0 {
            return Err(ReadError::TruncatedGzip { file: file.to_owned(), row: 0 });
        }
        // Two bytes are enough for the file itself; inside of gzip the third, the method, must be there too.
        let zipped = match layers {
            0 => magic.starts_with(&[0x1f, 0x8b]) || magic == [0x1f],
            _ => magic == [0x1f, 0x8b, 0x08],
        };
        input = Box::new(Cursor::new(magic).chain(input));
        if !zipped {
            break;
        }
        if layers == LAYERS {
            let found = "gzip in gzip in gzip in gzip";
            return Err(ReadError::UnsupportedFormat { file: file.to_owned(), found });
        }
        layers += 1;
        input = Box::new(Gunzip::new(BufReader::with_capacity(CHUNK, input), padding.clone()));
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
    Ok(Plain { input, head, mark, layers, padding })
}

/// Reads up to `n` bytes (fewer only at the end of the stream).
fn peek(input: &mut Input, n: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(n);
    input.by_ref().take(n as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The name of a format that no reader opens, by its first bytes.
fn foreign(head: &[u8]) -> Option<&'static str> {
    const KNOWN: [(&[u8], &str); 10] = [
        (b"\xd0\xcf\x11\xe0", "an old Excel or Word file, or a newer one with a password"),
        (b"\x28\xb5\x2f\xfd", "a zstd archive"),
        (b"\xfd7zXZ\x00", "an xz archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"BZh", "a bzip2 archive"),
        (b"%PDF-", "a PDF document"),
        (b"{\\rtf", "an RTF document"),
        (b"SQLite format 3\x00", "an SQLite database"),
        (b"-----BEGIN PGP", "an encrypted PGP message"),
    ];
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Some(zip(head));
    }
    if head.get(257..262) == Some(b"ustar") {
        return Some("a tar archive");
    }
    if head.starts_with(&[0xff, 0xfe, 0, 0]) || head.starts_with(&[0, 0, 0xfe, 0xff]) {
        return Some("text in UTF-32");
    }
    KNOWN.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, name)| *name)
}

/// What a zip archive is, by the name of its first entry.
fn zip(head: &[u8]) -> &'static str {
    let name = head.get(30..).unwrap_or_default();
    let has = |part: &[u8]| name.windows(part.len()).any(|w| w == part);
    if name.starts_with(b"mimetype") && has(b"opendocument.spreadsheet") {
        return "an OpenDocument spreadsheet (.ods)";
    }
    if name.starts_with(b"[Content_Types].xml") || name.starts_with(b"_rels/") || name.starts_with(b"xl/") {
        return "an Excel workbook (.xlsx) or another Office document";
    }
    "a zip archive"
}

/// What a text is that begins with markup or braces: none of them is delimited text.
pub(super) fn markup(beginning: &[u8]) -> Option<&'static str> {
    let lower = beginning[..beginning.len().min(16)].to_ascii_lowercase();
    if lower.starts_with(b"<!doctype html") || lower.starts_with(b"<html") {
        return Some("an HTML page (the answer of a web site, perhaps)");
    }
    lower.starts_with(b"<?xml").then_some("an XML document")
}

/// What a text is, by its first character, in which no header was found.
pub(super) fn other_text(beginning: &[u8]) -> Option<&'static str> {
    match beginning {
        [b'{' | b'[', ..] => Some("JSON text"),
        [b'<', b'a'..=b'z' | b'A'..=b'Z' | b'!' | b'?', ..] => Some("XML or HTML"),
        _ => None,
    }
}

/// Whether the first line has delimiters and the beginning no markup.
pub(super) fn delimited(beginning: &[u8]) -> bool {
    let end = beginning.iter().position(|b| matches!(b, b'\n' | b'\r'));
    let line = &beginning[..end.unwrap_or(0)];
    !beginning.contains(&b'<') && line.iter().any(|b| matches!(b, b',' | b';' | b'\t' | b'|'))
}

fn mark_of(head: &[u8]) -> Mark {
    if head.starts_with(&[0xef, 0xbb, 0xbf]) {
        return Mark::Utf8;
    }
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return Mark::Utf16;
    }
    // Latin text in UTF-16 without a mark: nearly every second byte is zero. In a file that was not written to its end
    // every byte is, from somewhere on.
    let zeros = |parity: usize| head.iter().skip(parity).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let (many, few) = (even.max(odd), even.min(odd));
    if head.len() >= 8 && many * 3 > head.len() && few * 20 < head.len() && !head.starts_with(b"PAR1") {
        Mark::Utf16
    } else {
        Mark::None
    }
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

/// Undoes gzip, member by member, and tags the decompressor's errors.
struct Gunzip<R> {
    /// `None` behind the last member.
    member: Option<GzDecoder<R>>,
    padding: Padding,
}

impl<R: BufRead> Gunzip<R> {
    fn new(input: R, padding: Padding) -> Self {
        Self { member: Some(GzDecoder::new(input)), padding }
    }

    /// What follows a member: another one, nothing, or zeros and then nothing.
    fn go_on(&mut self) -> io::Result<()> {
        let Some(mut rest) = self.member.take().map(GzDecoder::into_inner) else { return Ok(()) };
        let mut zeros = 0;
        loop {
            let bytes = match rest.fill_buf() {
                Ok(bytes) => bytes,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            let n = bytes.iter().take_while(|b| **b == 0).count();
            let (end, more) = (bytes.is_empty(), n < bytes.len());
            rest.consume(n);
            zeros += n as u64;
            if end {
                self.padding.add(zeros);
                return Ok(());
            }
            if more && zeros > 0 {
                // Something stands behind the zeros: a part of the file is lost, or it was written over another.
                return Err(io::Error::other(Fault::CorruptGzip));
            }
            if more {
                self.member = Some(GzDecoder::new(rest));
                return Ok(());
            }
        }
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            match member.read(out) {
                Ok(0) if !out.is_empty() => self.go_on().map_err(tagged)?,
                Ok(n) => return Ok(n),
                Err(e) => return Err(tagged(e)),
            }
        }
        Ok(0)
    }
}

fn tagged(e: io::Error) -> io::Error {
    let kind = e.kind();
    match e.downcast::<Fault>() {
        Ok(fault) => io::Error::other(fault),
        Err(e) if kind == io::ErrorKind::Interrupted => e,
        Err(_) if kind == io::ErrorKind::UnexpectedEof => io::Error::other(Fault::TruncatedGzip),
        Err(_) => io::Error::other(Fault::CorruptGzip),
    }
}

/// Streams text of another encoding as UTF-8. A byte that the encoding lacks is an error, and so is a text that would be
/// UTF-8 down to its last accent: nobody writes such text in another encoding.
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
    /// Bytes that the encoding lacks came after text that is still to be handed out.
    failed: bool,
    /// Decodes the same bytes as UTF-8, as long as they can be that.
    utf8: Option<Decoder>,
    accents: bool,
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
            failed: false,
            utf8: encoding.is_single_byte().then(|| encoding_rs::UTF_8.new_decoder_without_bom_handling()),
            accents: false,
        }
    }

    /// Tries the bytes that came last as UTF-8.
    fn try_utf8(&mut self) {
        let raw = &self.raw[..self.raw_end];
        self.accents |= !raw.is_ascii();
        if let Some(decoder) = &mut self.utf8
            && self.accents
        {
            // Room for all: UTF-8 comes out as long as it went in, but for what was kept back of the last bytes.
            let mut out = vec![0; raw.len() * 3 + 16];
            let (result, ..) = decoder.decode_to_utf8_without_replacement(raw, &mut out, self.last);
            if matches!(result, DecoderResult::Malformed(..)) {
                self.utf8 = None;
            }
        }
    }
}

impl Read for Transcode {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.text_at == self.text_end && !self.done {
            if self.failed {
                return Err(io::Error::other(Fault::Undecodable(self.name)));
            }
            if self.raw_at == self.raw_end && !self.last {
                self.raw_at = 0;
                self.raw_end = self.input.read(&mut self.raw)?;
                self.last = self.raw_end == 0;
                self.try_utf8();
                if self.last && self.accents && self.utf8.is_some() {
                    return Err(io::Error::other(Fault::Mislabelled(self.name)));
                }
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
                // What came before is handed out first, so that the error names the right row.
                DecoderResult::Malformed(..) => self.failed = true,
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

/// The encoding that a UTF-16 byte order mark tells.
pub(super) fn utf16_by_mark(head: &[u8]) -> Option<&'static Encoding> {
    Encoding::for_bom(head).map(|(encoding, _)| encoding).filter(|e| *e != encoding_rs::UTF_8)
}

/// XML as UTF-8. Chooses the decoder: byte order mark, then the XML declaration if the bytes can be what it says,
/// then UTF-8. The note says where declaration and bytes differ.
pub(super) fn xml_as_utf8(file: &str, plain: Plain) -> Result<(Input, Option<ReadNote>), ReadError> {
    let wrong = |declared, found| ReadError::XmlEncoding { file: file.to_owned(), row: 0, declared, found };
    let told = |declared: &str| {
        let read_as = encoding_rs::UTF_8.name().to_owned();
        Some(ReadNote::DeclaredEncoding { declared: declared.to_owned(), read_as })
    };
    let declared = declared(plain.beginning());
    let known = declared.and_then(Encoding::for_label);
    let encoding = match plain.mark {
        Mark::Utf8 => {
            let other = known.filter(|e| *e != encoding_rs::UTF_8);
            return Ok((plain.input, other.and_then(|e| told(e.name()))));
        }
        Mark::Utf16 => {
            utf16_by_mark(&plain.head).ok_or_else(|| wrong("UTF-8", Some("UTF-16 without its byte order mark")))?
        }
        Mark::None => match (declared, known) {
            (None, _) => return Ok((plain.input, None)),
            (Some(_), None) => return Ok((plain.input, told("unknown"))),
            // The declaration could be read as ASCII, so it cannot be true.
            (Some(_), Some(e)) if !e.is_ascii_compatible() => return Ok((plain.input, told(e.name()))),
            (Some(_), Some(e)) => e,
        },
    };
    if encoding == encoding_rs::UTF_8 {
        return Ok((plain.input, None));
    }
    Ok((Box::new(Transcode::new(plain.input, encoding)), None))
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
