//! Input files: finding them by path, folder or pattern, opening them, and knowing them by content.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use url::Url;

use crate::error::{LakeError, Result};

/// Bytes that are read at a time.
const CHUNK: usize = 256 * 1024;

/// A file that can be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputFile {
    /// The local path.
    pub path: String,
    /// The last part of the path.
    pub name: String,
    /// Size in bytes when it was listed.
    pub bytes: u64,
}

/// Finds the files that paths, folders (their files, not their sub-folders), `file://` URLs and
/// patterns (`*`, `?`, `[abc]`, `**`) name; sorted by path, each once. Hidden files are found only by
/// their full names. A pattern that fits nothing gives nothing.
///
/// # Errors
/// [`LakeError::NoInput`] for a path without a file, [`LakeError::Pattern`] for a pattern that cannot
/// be understood or a URL of another kind.
pub fn expand(patterns: &[String]) -> Result<Vec<InputFile>> {
    let mut paths = BTreeSet::new();
    for pattern in patterns {
        let local = local_part(pattern)?;
        let as_path = Path::new(&local);
        // A name that exists is that name, whatever characters it has.
        if as_path.is_dir() {
            paths.extend(crate::files::list_dir(as_path, "")?);
        } else if as_path.exists() {
            paths.insert(as_path.to_path_buf());
        } else if local.contains(['*', '?', '[']) {
            paths.extend(matching(&local)?);
        } else {
            return Err(LakeError::NoInput { path: pattern.clone() });
        }
    }
    paths.into_iter().map(describe).collect()
}

/// How deep folders are searched.
const DEEPEST: usize = 12;

/// A file that was found for a pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoundFile {
    /// The file.
    pub file: InputFile,
    /// The pattern is its path: somebody named this very file.
    pub named: bool,
}

/// Finds the files that a path, a folder, a `file://` URL or a pattern names, as [`expand`] does, but searches folders with
/// their sub-folders and gives hidden files too (not those of hidden folders); sorted by path.
///
/// # Errors
/// As [`expand`].
pub fn find(pattern: &str) -> Result<Vec<FoundFile>> {
    let local = local_part(pattern)?;
    let as_path = Path::new(&local);
    let mut paths = BTreeSet::new();
    let mut named = false;
    if as_path.is_dir() {
        below(as_path, DEEPEST, &mut paths)?;
    } else if as_path.exists() {
        named = true;
        paths.insert(as_path.to_path_buf());
    } else if local.contains(['*', '?', '[']) {
        for path in globbed(&local)? {
            if path.is_dir() {
                below(&path, DEEPEST, &mut paths)?;
            } else {
                paths.insert(path);
            }
        }
    } else {
        return Err(LakeError::NoInput { path: pattern.to_string() });
    }
    paths.into_iter().map(|path| Ok(FoundFile { file: describe(path)?, named })).collect()
}

/// The files of a folder and its sub-folders, those that cannot be looked at among them.
fn below(folder: &Path, depth: usize, paths: &mut BTreeSet<PathBuf>) -> Result<()> {
    let failed = |e| LakeError::file("list", folder.display(), e);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if !path.is_dir() {
            paths.insert(path);
        } else if !hidden && depth > 0 {
            below(&path, depth - 1, paths)?;
        }
    }
    Ok(())
}

fn local_part(pattern: &str) -> Result<String> {
    let refused = |reason: &str| LakeError::Pattern { pattern: pattern.to_string(), reason: reason.to_string() };
    let Some((scheme, _)) = pattern.split_once("://") else {
        return Ok(pattern.to_string());
    };
    if scheme != "file" {
        return Err(refused("inputs are read from local folders"));
    }
    let url = Url::parse(pattern).map_err(|e| refused(&e.to_string()))?;
    let path = url.to_file_path().map_err(|()| refused("not a local path"))?;
    // A URL parser cuts a pattern at its question mark and encodes other characters.
    if !path.exists() && pattern.contains(['*', '?', '[']) {
        return Ok(pattern.trim_start_matches("file://").to_string());
    }
    Ok(path.to_string_lossy().into_owned())
}

fn matching(pattern: &str) -> Result<Vec<PathBuf>> {
    let mut found = globbed(pattern)?;
    found.retain(|path| path.is_file());
    Ok(found)
}

fn globbed(pattern: &str) -> Result<Vec<PathBuf>> {
    let options =
        glob::MatchOptions { require_literal_leading_dot: true, require_literal_separator: true, case_sensitive: true };
    let paths = glob::glob_with(pattern, options)
        .map_err(|e| LakeError::Pattern { pattern: pattern.to_string(), reason: e.msg.to_string() })?;
    let mut found = Vec::new();
    for path in paths {
        let path = path.map_err(|e| {
            let at = e.path().display().to_string();
            LakeError::file("list", at, e.into())
        })?;
        found.push(path);
    }
    Ok(found)
}

fn describe(path: PathBuf) -> Result<InputFile> {
    let meta =
        fs::metadata(&path).map_err(|source| LakeError::Unreadable { path: path.display().to_string(), source })?;
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(InputFile { path: path.to_string_lossy().into_owned(), name, bytes: meta.len() })
}

fn open(file: &InputFile) -> Result<File> {
    File::open(&file.path).map_err(|source| LakeError::Unreadable { path: file.path.clone(), source })
}

/// Opens a file as a stream of its bytes, as they are stored (compressed ones stay compressed).
pub fn open_blocking(file: &InputFile) -> Result<Box<dyn Read + Send>> {
    Ok(Box::new(BufReader::with_capacity(CHUNK, open(file)?)))
}

/// Opens a file as [`open_blocking`] does, and digests what is read.
pub fn open_digested(file: &InputFile) -> Result<(Box<dyn Read + Send>, ReadDigest)> {
    let shared = Arc::new(Mutex::new(DigestReader::new(open(file)?)));
    let reader = BufReader::with_capacity(CHUNK, Shared(Arc::clone(&shared)));
    Ok((Box::new(reader), ReadDigest { shared, path: file.path.clone() }))
}

struct Shared(Arc<Mutex<DigestReader<File>>>);

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).read(buffer)
    }
}

/// The digest of a file that is being read by somebody else.
pub struct ReadDigest {
    shared: Arc<Mutex<DigestReader<File>>>,
    path: String,
}

impl ReadDigest {
    /// The SHA-256 (64 hex digits) of the file's bytes as they were read, with those after the point to which it was read.
    ///
    /// # Errors
    /// [`LakeError::Unreadable`] when the rest cannot be read.
    pub fn finish(self) -> Result<String> {
        let mut reader = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |source| LakeError::Unreadable { path: self.path.clone(), source };
        io::copy(&mut *reader, &mut io::sink()).map_err(failed)?;
        Ok(hex::encode(reader.hash.clone().finalize()))
    }
}

/// Reads a file whole.
pub fn read_all(file: &InputFile) -> Result<Vec<u8>> {
    fs::read(&file.path).map_err(|source| LakeError::Unreadable { path: file.path.clone(), source })
}

/// The SHA-256 of a file's stored bytes (64 hex digits), read as a stream.
pub fn digest(file: &InputFile) -> Result<String> {
    let mut reader = DigestReader::new(open(file)?);
    let mut chunk = vec![0; CHUNK];
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => return Ok(reader.finish().0),
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(LakeError::Unreadable { path: file.path.clone(), source }),
        }
    }
}

/// The SHA-256 of bytes (64 hex digits).
pub fn digest_bytes(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The SHA-256 of bytes that come piece by piece.
#[derive(Debug, Clone, Default)]
pub struct RunningDigest(Sha256);

impl RunningDigest {
    /// Adds bytes at the end.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The SHA-256 (64 hex digits) of what was added so far.
    #[must_use]
    pub fn digits(&self) -> String {
        hex::encode(self.0.clone().finalize())
    }
}

/// Digests what is read through it, so that a file need not be read twice.
pub struct DigestReader<R> {
    inner: R,
    hash: Sha256,
    bytes: u64,
}

impl<R: Read> DigestReader<R> {
    /// Reads from `inner`.
    pub fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new(), bytes: 0 }
    }

    /// The SHA-256 (64 hex digits) and the number of the bytes read so far.
    pub fn finish(self) -> (String, u64) {
        (hex::encode(self.hash.finalize()), self.bytes)
    }
}

impl<R: Read> Read for DigestReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Some(part) = buffer.get(..read) {
            self.hash.update(part);
        }
        self.bytes += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("2024-02/b.csv", "b"),
            ("2024-01/a.csv", "abc"),
            ("2024-01/.hidden.csv", ""),
            ("2024-01/a.csv.gz", "z"),
            ("odd [1].csv", ""),
        ] {
            crate::files::write_file(&dir.path().join(name), text.as_bytes()).unwrap();
        }
        dir
    }

    fn names(dir: &Path, patterns: &[&str]) -> Vec<String> {
        let patterns: Vec<_> = patterns.iter().map(|p| dir.join(p).to_string_lossy().into_owned()).collect();
        expand(&patterns).unwrap().into_iter().map(|f| f.name).collect()
    }

    #[test]
    fn patterns_folders_and_paths() {
        let dir = folder();
        let dir = dir.path();
        assert_eq!(names(dir, &["*/*.csv"]), ["a.csv", "b.csv"]);
        assert_eq!(names(dir, &["**/*.csv"]), ["a.csv", "b.csv", "odd [1].csv"]);
        assert_eq!(names(dir, &["2024-0[2-9]/*"]), ["b.csv"]);
        assert_eq!(names(dir, &["2024-01"]), ["a.csv", "a.csv.gz"]);
        assert_eq!(names(dir, &["odd [1].csv"]), ["odd [1].csv"]);
        assert_eq!(names(dir, &["2024-01/a.csv", "*/a.csv"]), ["a.csv"]);
        assert_eq!(names(dir, &["*.xml"]), [""; 0]);
    }

    #[test]
    fn folders_are_searched_to_their_ends() {
        let dir = folder();
        let dir = dir.path();
        let found = |pattern: &str| -> Vec<(String, bool)> {
            let pattern = if pattern.is_empty() { dir.to_path_buf() } else { dir.join(pattern) };
            find(&pattern.to_string_lossy()).unwrap().into_iter().map(|f| (f.file.name, f.named)).collect()
        };
        let loose = |names: &[&str]| names.iter().map(|n| ((*n).to_owned(), false)).collect::<Vec<_>>();
        assert_eq!(found(""), loose(&[".hidden.csv", "a.csv", "a.csv.gz", "b.csv", "odd [1].csv"]));
        assert_eq!(found("2024-0[12]"), loose(&[".hidden.csv", "a.csv", "a.csv.gz", "b.csv"]));
        assert_eq!(found("2024-01/a.csv"), [("a.csv".to_owned(), true)]);
        assert_eq!(found("*.xml"), []);
        assert!(matches!(find(&dir.join("c.csv").to_string_lossy()), Err(LakeError::NoInput { .. })));
    }

    #[test]
    fn the_digest_of_what_somebody_else_reads() {
        let dir = folder();
        let file = expand(&[dir.path().join("2024-01/a.csv").to_string_lossy().into()]).unwrap().remove(0);
        let (mut reader, digest) = open_digested(&file).unwrap();
        let mut first = [0];
        reader.read_exact(&mut first).unwrap();
        // Replaced by another file of the name: what was opened is what was read.
        std::fs::remove_file(&file.path).unwrap();
        crate::files::write_file(Path::new(&file.path), b"other").unwrap();
        assert_eq!(digest.finish().unwrap(), ABC);
        let (_, digest) = open_digested(&file).unwrap();
        assert_ne!(digest.finish().unwrap(), ABC);
    }

    #[test]
    fn what_cannot_be_an_input() {
        let dir = folder();
        let missing = dir.path().join("c.csv").to_string_lossy().into_owned();
        assert!(matches!(expand(&[missing]), Err(LakeError::NoInput { .. })));
        assert!(matches!(expand(&["a/***".into()]), Err(LakeError::Pattern { .. })));
        assert!(matches!(expand(&["https://a.example/b".into()]), Err(LakeError::Pattern { .. })));
        let url = Url::from_file_path(dir.path().join("odd [1].csv")).unwrap().to_string();
        assert_eq!(expand(&[url]).unwrap().len(), 1);
        let pattern = format!("file://{}/2024-0?/[ab].csv", dir.path().display());
        assert_eq!(expand(&[pattern]).unwrap().len(), 2);
    }

    #[test]
    fn digests() {
        let dir = folder();
        let found = expand(&[dir.path().join("2024-01/a.csv").to_string_lossy().into()]).unwrap();
        let file = &found[0];
        assert_eq!(file.bytes, 3);
        assert_eq!(digest(file).unwrap(), ABC);
        assert_eq!(digest_bytes(b""), EMPTY);
        let mut running = RunningDigest::default();
        assert_eq!(running.digits(), EMPTY);
        running.update(b"a");
        running.update(b"bc");
        assert_eq!(running.digits(), ABC);
        let mut reader = DigestReader::new(open_blocking(file).unwrap());
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(reader.finish(), (ABC.to_string(), 3));
        assert_eq!(read_all(file).unwrap(), b"abc");
    }
}
