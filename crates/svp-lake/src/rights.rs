//! Who may read a local lake: everything but the releases is for its owner alone.
//!
//! A folder that is closed (0700) closes what lies in it; files are closed too (0600), for whoever copies them out. Where the system
//! refuses to change rights, because somebody else owns the folder, nothing is said here: [`open_to_others`] tells.

use std::fs;
use std::io;
use std::path::Path;

use crate::layout::PUBLISHED;

/// Makes a folder that only its owner can look into, or closes one that is there.
pub(crate) fn closed_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    close(path, 0o700)
}

/// Lets only its owner read a file.
pub(crate) fn close_file(path: &Path) -> io::Result<()> {
    close(path, 0o600)
}

/// Closes the files below the root of a lake that belong to no release, and the folders on the way to them.
pub(crate) fn close_below(root: &Path, files: &[Vec<String>]) -> io::Result<()> {
    for parts in files.iter().filter(|parts| parts.first().is_some_and(|zone| zone != PUBLISHED)) {
        let mut path = root.to_path_buf();
        for (i, part) in parts.iter().enumerate() {
            path.push(part);
            if i + 1 < parts.len() { close(&path, 0o700)? } else { close(&path, 0o600)? }
        }
    }
    Ok(())
}

/// The folders of a lake, releases aside, into which others than their owner can look; none where the system has no such rights.
pub(crate) fn open_to_others(root: &Path) -> io::Result<Vec<String>> {
    let mut open = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != PUBLISHED && entry.file_type()?.is_dir() && others(&entry.metadata()?) {
            open.push(name);
        }
    }
    open.sort();
    Ok(open)
}

#[cfg(unix)]
fn others(meta: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn others(_: &fs::Metadata) -> bool {
    false
}

#[cfg(unix)]
fn close(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let meta = fs::metadata(path)?;
    if !others(&meta) {
        return Ok(());
    }
    match fs::set_permissions(path, fs::Permissions::from_mode(mode)) {
        Err(e) if matches!(e.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) => Ok(()),
        other => other,
    }
}

#[cfg(not(unix))]
fn close(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn folders_are_closed_and_those_that_are_open_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
        for (name, bits) in [("linkage", 0o755), ("runs", 0o710), ("published", 0o755)] {
            fs::create_dir(dir.path().join(name)).unwrap();
            fs::set_permissions(dir.path().join(name), fs::Permissions::from_mode(bits)).unwrap();
        }
        assert_eq!(open_to_others(dir.path()).unwrap(), ["linkage", "runs"]);
        closed_folder(&dir.path().join("linkage")).unwrap();
        closed_folder(&dir.path().join("ledger/one")).unwrap();
        assert_eq!((mode("linkage"), mode("ledger"), mode("ledger/one")), (0o700, 0o700, 0o700));
        assert_eq!(open_to_others(dir.path()).unwrap(), ["runs"]);
        fs::write(dir.path().join("runs/a.json"), "").unwrap();
        fs::write(dir.path().join("published/a.csv"), "").unwrap();
        fs::set_permissions(dir.path().join("runs/a.json"), fs::Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(dir.path().join("published/a.csv"), fs::Permissions::from_mode(0o644)).unwrap();
        let path = |zone: &str, name: &str| vec![zone.to_owned(), name.to_owned()];
        close_below(dir.path(), &[path("runs", "a.json"), path("published", "a.csv")]).unwrap();
        assert_eq!((mode("runs"), mode("runs/a.json")), (0o700, 0o600));
        assert_eq!((mode("published"), mode("published/a.csv")), (0o755, 0o644));
    }
}
