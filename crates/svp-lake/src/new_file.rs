//! A file that is written piece by piece, for its owner only, and gets its name when it is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{LakeError, Result};
use crate::files::folder_of;
use crate::input::RunningDigest;

/// Bytes that are written at a time.
const CHUNK: usize = 256 * 1024;

/// A file under way. Until [`commit`](Self::commit) it stands beside its place under a hidden name, which no listing
/// of inputs finds; one that is dropped before is deleted.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    half: PathBuf,
    file: Option<BufWriter<File>>,
    bytes: u64,
    digest: RunningDigest,
}

impl NewFile {
    /// Begins a file; makes its folder. Only its owner can read it (where the system knows owners).
    ///
    /// # Errors
    /// When the place cannot be written, or the path names no file.
    pub fn begin(path: &Path) -> Result<Self> {
        let failed = |e| LakeError::file("write", path.display(), e);
        fs::create_dir_all(folder_of(path)).map_err(failed)?;
        let name = path.file_name().ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        let half = folder_of(path).join(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let file = options.open(&half).map_err(failed)?;
        let file = Some(BufWriter::with_capacity(CHUNK, file));
        Ok(Self { path: path.to_owned(), half, file, bytes: 0, digest: RunningDigest::default() })
    }

    /// Adds bytes at the end.
    ///
    /// # Errors
    /// When the disk is full or refuses.
    pub fn put(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(file) = &mut self.file {
            file.write_all(bytes).map_err(|e| LakeError::file("write", self.path.display(), e))?;
            self.bytes += bytes.len() as u64;
            self.digest.update(bytes);
        }
        Ok(())
    }

    /// The place that it will have.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes written so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The SHA-256 of the bytes written so far (64 hex digits).
    #[must_use]
    pub fn sha256(&self) -> String {
        self.digest.digits()
    }

    /// Brings it to the disk and gives it its name. Something that stands there already is kept, unless `replace`.
    ///
    /// # Errors
    /// [`LakeError::File`] of kind `AlreadyExists` where something stands there; or when the disk refuses.
    pub fn commit(mut self, replace: bool) -> Result<()> {
        let failed = |e| LakeError::file("write", self.path.display(), e);
        if let Some(file) = self.file.take() {
            file.into_inner().map_err(|e| failed(e.into_error()))?.sync_all().map_err(failed)?;
        }
        if !replace && self.path.exists() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        fs::rename(&self.half, &self.path).map_err(failed)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // After a commit there is nothing under this name, and that is fine.
        let _ = fs::remove_file(&self.half);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn it_has_its_name_when_it_is_whole_and_not_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.svp");
        let mut file = NewFile::begin(&path).unwrap();
        file.put(b"one").unwrap();
        file.put(b"two").unwrap();
        assert!(!path.exists() && crate::files::list_dir(dir.path(), "").unwrap().is_empty());
        assert_eq!((file.bytes(), file.sha256()), (6, crate::input::digest_bytes(b"onetwo")));
        file.commit(false).unwrap();
        assert_eq!(
            (fs::read(&path).unwrap().as_slice(), names(dir.path())),
            (b"onetwo".as_slice(), vec!["a.svp".into()])
        );

        let mut again = NewFile::begin(&path).unwrap();
        again.put(b"three").unwrap();
        assert!(matches!(again.commit(false), Err(LakeError::File { .. })));
        assert_eq!(
            (fs::read(&path).unwrap().as_slice(), names(dir.path())),
            (b"onetwo".as_slice(), vec!["a.svp".into()])
        );
        let again = NewFile::begin(&path).unwrap();
        again.commit(true).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"");
        drop(NewFile::begin(&path).unwrap());
        assert_eq!(names(dir.path()), ["a.svp"]);
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sub/a.svp");
        NewFile::begin(&path).unwrap().commit(false).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
