//! What the name of a file says: slot, sender, months, day, release; and which names no extract has.

use std::sync::LazyLock;

use regex::{Regex, RegexBuilder};
use svp_contract::{Covers, Files};

/// What an extract's name may end with, in any case, after its pattern.
const EXTENSIONS: &str = r"(?:\.(?:csv|tsv|txt|dat|xml|parquet|pq|gz|zip|bz2|zst|svp))*";

/// What may stand between the pattern and the extension: a release (`_v2`, `-r3`), a word that says that it is another one (`_amended`), and
/// a day (`_20250414`, ` 2025-04-14`).
const MARKS: &str = r"(?:[ _.-]+(?:(?:v|r|rel|release|version)[ _.-]?(?<release_mark>\d{1,4})|(?<day_mark>20\d{2}-?[01]\d-?[0-3]\d)|(?<word_mark>amend(?:ed|ment)|correct(?:ed|ion)|revis(?:ed|ion)|resub(?:mission|mitted)?|resent|updated?|final)))*";

/// Names of files that lie beside extracts and are none: one pattern a line, and what such a file is.
const LEFTOVERS: &str = include_str!("../../../schemas/leftovers.csv");

/// What the name of a file says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileName {
    /// What it covers, as the name spells it; two spellings that differ by case alone are one slot.
    pub slot: String,
    /// Who sent it: the group `sender` of the pattern.
    pub sender: Option<String>,
    /// The name of the slot holds the sender.
    pub sender_in_slot: bool,
    /// First and last month that it covers, `YYYY-MM`.
    pub months: Option<(String, String)>,
    /// A day in the name, `YYYY-MM-DD`: that of the extraction.
    pub day: Option<String>,
    /// Number of the release.
    pub release: Option<u32>,
}

/// The pattern of a source's file names, anchored at both ends.
#[derive(Debug, Clone)]
pub struct NamePattern {
    whole: Regex,
    covers: Covers,
}

impl NamePattern {
    /// The pattern of `[files]`; `None` where it is no regular expression.
    #[must_use]
    pub fn new(files: &Files) -> Option<Self> {
        let whole = format!("^(?:{}){MARKS}{EXTENSIONS}$", files.slot);
        Some(Self { whole: anywhere(&whole)?, covers: files.covers })
    }

    /// What a name says; `None` where it does not fit.
    #[must_use]
    pub fn read(&self, name: &str) -> Option<FileName> {
        let found = self.whole.captures(name)?;
        let group = |g: &str| found.name(g).map(|m| m.as_str());
        let (slot, sender) = (found.name("slot")?, found.name("sender"));
        Some(FileName {
            slot: slot.as_str().to_owned(),
            sender: sender.map(|m| m.as_str().to_owned()),
            sender_in_slot: sender.is_some_and(|s| slot.start() <= s.start() && s.end() <= slot.end()),
            months: self.covers.months(group("year"), group("month")),
            day: group("day_mark").map(day),
            // A word without a number comes after the file without either.
            release: group("release_mark").and_then(|n| n.parse().ok()).or(group("word_mark").map(|_| 1)),
        })
    }
}

/// `20250414` or `2025-04-14` as `2025-04-14`.
fn day(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    match (digits.get(..4), digits.get(4..6), digits.get(6..8)) {
        (Some(year), Some(month), Some(day)) => format!("{year}-{month}-{day}"),
        _ => digits,
    }
}

/// A pattern without regard to case.
pub(crate) fn anywhere(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).case_insensitive(true).build().ok()
}

/// What a file of this name is, where it lies beside extracts and is none: a partial upload, a backup, a file of the system.
#[must_use]
pub fn leftover(name: &str) -> Option<&'static str> {
    static KNOWN: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
        let lines = LEFTOVERS.lines().skip(1).filter_map(|line| line.rsplit_once(','));
        lines.filter_map(|(pattern, what)| Some((anywhere(&format!("^(?:{pattern})$"))?, what))).collect()
    });
    KNOWN.iter().find(|(pattern, _)| pattern.is_match(name)).map(|(_, what)| *what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(slot: &str, covers: Covers) -> NamePattern {
        let files: Files = svp_contract::parse("source.toml", &format!("slot = '{slot}'")).unwrap();
        NamePattern::new(&Files { covers, ..files }).unwrap()
    }

    #[test]
    fn names_are_read_whole_and_in_any_case() {
        let istv =
            pattern(r"(?:(?<sender>R[0-9A-Z]{2})[_ -])?(?<slot>istv_(?<year>\d{4})-(?<month>\d{2}))", Covers::Month);
        let read = |name: &str| istv.read(name);
        let slot = |name: &str| read(name).map(|n| n.slot);
        for name in
            ["istv_2025-03.csv", "istv_2025-03.CSV.gz", "istv_2025-03", "istv_2025-03.svp", "istv_2025-03_v2.csv"]
        {
            assert_eq!(slot(name).as_deref(), Some("istv_2025-03"), "{name}");
        }
        assert_eq!(slot("ISTV_2025-03.csv").as_deref(), Some("ISTV_2025-03"));
        for name in [
            "istv_2025-03.csv.filepart",
            "~$istv_2025-03.csv",
            "OLD_istv_2025-03.csv",
            "istv_2025-03 (1).csv",
            "istv_2025-03 - Copy.csv",
            "istv_2025-031.csv",
            "my istv_2025-03.csv",
        ] {
            assert_eq!(slot(name), None, "{name}");
        }
        let sent = read("RXX_istv_2025-03 v12 20250414.csv").unwrap();
        assert_eq!((sent.sender.as_deref(), sent.sender_in_slot), (Some("RXX"), false));
        assert_eq!((sent.release, sent.day.as_deref()), (Some(12), Some("2025-04-14")));
        assert_eq!(sent.months, Some(("2025-03".into(), "2025-03".into())));
        let street = pattern(r"(?<slot>(?<year>\d{4})-(?<month>\d{2})-(?<sender>[a-z-]+)-street)", Covers::Month);
        assert!(street.read("2025-03-wessmark-street.csv").unwrap().sender_in_slot);
        assert_eq!(street.read("2025-03-wessmark-outcomes.csv"), None);
    }

    #[test]
    fn leftovers_are_known_by_their_names() {
        for name in [
            "istv_2025-03.csv.filepart",
            "istv_2025-03.csv.part",
            "istv_2025-03.CSV.crdownload",
            "istv_2025-03.tmp",
            "~$istv_2025-03.xlsx",
            ".~lock.istv_2025-03.csv#",
            "istv_2025-03.csv~",
            "istv_2025-03.csv.bak",
            "istv_2025-03.bak.csv",
            "istv_2025-03.old.csv",
            "OLD_istv_2025-03.csv",
            "istv_2025-03_old.csv",
            "Copy of istv_2025-03.csv",
            "Copy (2) of istv_2025-03.csv",
            "istv_2025-03 - Copy.csv",
            "istv_2025-03 - Copy (2).csv",
            "istv_2025-03 (1).csv",
            "istv_2025-03(1).csv",
            "Thumbs.db",
            ".DS_Store",
            "._istv_2025-03.csv",
            "desktop.ini",
            "istv_2025-03.csv.md5",
        ] {
            assert!(leftover(name).is_some(), "{name}");
        }
        for name in
            ["istv_2025-03.csv", "crimes of may.csv", "CIN_2025.xml", "photocopy.csv", "2025-03-old-town-street.csv"]
        {
            assert_eq!(leftover(name), None, "{name}");
        }
        assert_eq!(LEFTOVERS.lines().count(), 18);
        for line in LEFTOVERS.lines().skip(1) {
            let (pattern, what) = line.rsplit_once(',').unwrap();
            assert!(anywhere(pattern).is_some() && !what.is_empty(), "{line}");
        }
    }
}
