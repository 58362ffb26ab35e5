//! Where things lie in a lake: its folders, and the names that may stand in a path.

use object_store::path::Path;

use crate::error::{LakeError, Result};

/// The folder of the releases.
pub(crate) const PUBLISHED: &str = "published";
/// The restricted folder of releases and entries whose run record is gone.
pub(crate) const RECOVERED: &str = "recovered";
/// The restricted folder of what each release told: one folder a release, with the release's name.
pub(crate) const LEDGER: &str = "ledger";

/// The end of a data file's name: which run wrote it.
pub(crate) fn run_mark(number: u64, attempt: u32) -> String {
    match attempt {
        0 => format!("-r{number:08}.parquet"),
        _ => format!("-r{number:08}a{attempt}.parquet"),
    }
}

/// The run that wrote a data file; `None` for files that are not ours.
pub(crate) fn marked_run(path: &Path) -> Option<u64> {
    let stem = path.filename()?.strip_suffix(".parquet")?;
    let (_, mark) = stem.rsplit_once("-r")?;
    let digits = mark.split('a').next()?;
    (digits.len() >= 8).then(|| digits.parse().ok()).flatten()
}

/// A folder or file name that is safe on every store. What cannot stand in a name is replaced, and a
/// checksum of the whole keeps two names apart; the true value stands in the table's log.
pub(crate) fn safe_name(text: &str) -> String {
    const LONGEST: usize = 100;
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let dots_only = text.chars().all(|c| c == '.');
    if !dots_only && text.len() <= LONGEST && text.chars().all(safe) {
        return text.to_string();
    }
    let name: String = text.chars().take(LONGEST).map(|c| if safe(c) { c } else { '_' }).collect();
    let name = name.trim_start_matches('.');
    format!("{name}-x{:016x}", fnv(text))
}

/// FNV-1a, 64 bits: the same on every machine and in every version.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// A path that stays inside its folder.
pub(crate) fn checked_path(text: &str) -> Result<Path> {
    match Path::parse(text) {
        Ok(path) if path.parts().next().is_some() => Ok(path),
        _ => Err(LakeError::Name { name: text.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_stay_apart() {
        assert_eq!(safe_name("2024-01"), "2024-01");
        assert_eq!(safe_name("police_street.v2"), "police_street.v2");
        for odd in ["", ".", "..", "a/b", "a b", "É", "x~y", "a#1", &"z".repeat(500)] {
            let name = safe_name(odd);
            assert!(!name.is_empty() && !name.starts_with('.') && name.len() < 130, "{odd:?} {name:?}");
            assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "{name:?}");
        }
        assert_ne!(safe_name("a/b"), safe_name("a b"));
    }

    #[test]
    fn file_names_carry_their_run() {
        for (name, run) in [
            (format!("z/t/p=1/part{}", run_mark(42, 0)), Some(42)),
            (format!("z/t/part-r1{}", run_mark(7, 3)), Some(7)),
            ("z/t/part.parquet".to_string(), None),
            ("z/t/part-red.parquet".to_string(), None),
            ("z/t/part-r00000001.json".to_string(), None),
        ] {
            assert_eq!(marked_run(&Path::from(name.as_str())), run, "{name}");
        }
    }
}
