//! Local files outside of the lake, for the other rooms: definitions, keys, reports.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{LakeError, Result};

/// Reads a text file, which must be UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|e| LakeError::file("read", path.display(), e))
}

/// Reads a file.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| LakeError::file("read", path.display(), e))
}

/// Writes a file whole or not at all, in place of an older one; makes its folder.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |e| LakeError::file("write", path.display(), e);
    let folder = folder_of(path);
    fs::create_dir_all(folder).map_err(failed)?;
    let mut half = path.as_os_str().to_owned();
    half.push(format!(".{}.part", std::process::id()));
    let half = PathBuf::from(half);
    let written = (|| {
        let mut file = File::create(&half)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&half, path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&half);
    }
    written.map_err(failed)
}

/// Writes a new file that only its owner can read. Refuses to write over anything.
pub fn write_secret(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |e| LakeError::file("write", path.display(), e);
    fs::create_dir_all(folder_of(path)).map_err(failed)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(failed)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written.map_err(failed)
}

pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Whether a file or folder is there.
pub fn exists(path: &Path) -> bool {
    path.exists()
}

/// Whether a folder is there.
pub fn is_dir(path: &Path) -> bool {
    path.is_dir()
}

/// Makes a folder and those above it.
pub fn create_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|e| LakeError::file("make the folder", path.display(), e))
}

/// The files of a folder whose names end in `.extension` (any file if it is empty), sorted; hidden
/// files and sub-folders are left out.
pub fn list_dir(path: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let failed = |e| LakeError::file("list", path.display(), e);
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let fits = extension.is_empty() || name.ends_with(&format!(".{extension}"));
        // What cannot be looked at (a link to nowhere) is listed, so that whoever opens it says so.
        let is_file = fs::metadata(&file).map_or(true, |m| m.is_file());
        if fits && !name.starts_with('.') && is_file {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// Brings files below `root`, and all folders on the way to them, to the disk.
pub(crate) fn sync_below(root: &Path, files: &[Vec<String>]) -> Result<()> {
    const THREADS: usize = 8;
    let mut folders = BTreeSet::new();
    let mut paths = Vec::with_capacity(files.len());
    for parts in files {
        let mut path = root.to_path_buf();
        for part in parts {
            folders.insert(path.clone());
            path.push(part);
        }
        paths.push(path);
    }
    paths.extend(folders);
    let next = AtomicUsize::new(0);
    let failure: Mutex<Option<(PathBuf, io::Error)>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..THREADS.min(paths.len()) {
            scope.spawn(|| {
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(e) = File::open(path).and_then(|file| file.sync_all())
                        && let Ok(mut failure) = failure.lock()
                    {
                        *failure = Some((path.clone(), e));
                    }
                }
            });
        }
    });
    match failure.into_inner() {
        Ok(Some((path, e))) => Err(LakeError::file("bring to the disk", path.display(), e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_written_whole_and_listed_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sub/b.toml");
        write_file(&path, b"one").unwrap();
        write_file(&path, b"two").unwrap();
        assert_eq!(read_text(&path).unwrap(), "two");
        write_file(&dir.path().join("sub/a.toml"), b"").unwrap();
        write_file(&dir.path().join("sub/.c.toml"), b"").unwrap();
        write_file(&dir.path().join("sub/d.txt"), b"").unwrap();
        let names: Vec<_> = list_dir(&dir.path().join("sub"), "toml")
            .unwrap()
            .iter()
            .map(|p| p.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names, ["a.toml", "b.toml"]);
        assert_eq!(list_dir(&dir.path().join("sub"), "").unwrap().len(), 3);
        assert!(matches!(read_text(&dir.path().join("no")), Err(LakeError::File { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn secrets_are_private_and_never_overwritten() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("site.key");
        write_secret(&path, b"one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write_secret(&path, b"two").is_err());
        assert_eq!(read_bytes(&path).unwrap(), b"one");
    }
}
