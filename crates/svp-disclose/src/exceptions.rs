//! Exceptions: what a named person allowed, why, and until when.
//!
//! An exception accepts one kind of finding in one table. No kind switches suppression off, and none can be
//! added by a file: the kinds are the variants of [`Accepts`]. Every exception that is in force is written into
//! the ledger's entry and the review record, used or not.

use serde::{Deserialize, Serialize};
use svp_contract::{Day, Problem, parse};

/// What an exception accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accepts {
    /// A difference that follows from this table and an earlier release, of data that are already public
    /// elsewhere. The ledger would refuse or coarsen the table otherwise.
    PublicElsewhere,
    /// An earlier release was counted under a definition that was edited since and whose text of then is not kept, so that nothing can
    /// be compared with it. `table` names the definition, `public_at` where what it meant then can be read.
    MeaningNotKept,
}

/// One exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// What is accepted.
    pub what: Accepts,
    /// The table in which it is accepted; one, by name.
    pub table: String,
    /// Why.
    pub reason: String,
    /// Where the data are public already, so that the reader of the review can look.
    pub public_at: String,
    /// Who allowed it: name and office.
    pub allowed_by: String,
    /// Day on which it was allowed, `YYYY-MM-DD`.
    pub date: String,
    /// Last day on which it holds, `YYYY-MM-DD`.
    pub expires: String,
}

/// The exceptions of a site. An empty list where there is no file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exceptions {
    /// In the order of the file.
    #[serde(default, rename = "exception")]
    pub list: Vec<Exception>,
}

impl Exceptions {
    /// Reads `exceptions.toml`.
    ///
    /// # Errors
    /// One problem for each exception that is incomplete, contradicts itself or repeats another; or that the
    /// text is not what is expected here.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let out: Self = parse(file, text).map_err(|problem: Problem| {
            // An unknown kind is answered with the known ones, not with the nearest: nothing near it was meant.
            if !problem.hint.as_deref().is_some_and(|hint| hint.contains("public_elsewhere")) {
                return vec![problem];
            }
            let what = problem.what.replace("unknown key", "unknown kind of exception");
            vec![
                Problem::new(problem.at, what)
                    .hint("known: `public_elsewhere`, `meaning_not_kept`; none switches suppression off"),
            ]
        })?;
        let mut problems = Vec::new();
        for (i, exception) in out.list.iter().enumerate() {
            let at = format!("{file}, exception {}", i + 1);
            problems.extend(exception.faults().into_iter().map(|(what, hint)| Problem::new(&at, what).hint(hint)));
            let overlaps = |other: &Exception| {
                other.what == exception.what
                    && other.table == exception.table
                    && other.date <= exception.expires
                    && exception.date <= other.expires
            };
            if out.list[..i].iter().any(overlaps) {
                let what = format!("two exceptions for table {} hold at one time", exception.table);
                problems.push(Problem::new(&at, what).hint("keep one, so that one person answers for it"));
            }
        }
        if problems.is_empty() { Ok(out) } else { Err(problems) }
    }

    /// The exception that accepts `what` in `table` on the day of `clock` (a date, or a time that begins with
    /// one).
    #[must_use]
    pub fn accepts(&self, what: Accepts, table: &str, clock: &str) -> Option<&Exception> {
        self.list.iter().find(|e| e.what == what && e.table == table && e.in_force(clock))
    }

    /// Those in force on the day of `clock`; they are recorded.
    #[must_use]
    pub fn in_force(&self, clock: &str) -> Vec<Exception> {
        self.list.iter().filter(|e| e.in_force(clock)).cloned().collect()
    }
}

impl Exception {
    /// Dates are of a fixed width, so they compare as texts.
    fn in_force(&self, clock: &str) -> bool {
        clock.get(..10).is_some_and(|day| self.date.as_str() <= day && day <= self.expires.as_str())
    }

    fn faults(&self) -> Vec<(String, &'static str)> {
        let mut out = Vec::new();
        let words = [
            ("table", &self.table),
            ("reason", &self.reason),
            ("public_at", &self.public_at),
            ("allowed_by", &self.allowed_by),
        ];
        for (key, value) in words {
            if value.trim().is_empty() {
                out.push((format!("`{key}` is empty"), "an exception says what, why, where and who"));
            }
        }
        if self.table.contains(['*', '?']) {
            out.push(("`table` is a pattern".to_owned(), "an exception is for one table, by name"));
        }
        for (key, value) in [("date", &self.date), ("expires", &self.expires)] {
            if value.parse::<Day>().is_err() {
                out.push((format!("`{key}` is not a day"), "write a day as YYYY-MM-DD"));
            }
        }
        if self.expires < self.date {
            out.push(("it expires before it begins".to_owned(), "`expires` is the last day on which it holds"));
        }
        out
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const ONE: &str = r#"
[[exception]]
what = "public_elsewhere"
table = "monthly_trend"
reason = "the police publish the same months"
public_at = "data.police.uk"
allowed_by = "A. Person, data protection officer"
date = "2026-01-05"
expires = "2026-06-30"
"#;

    fn problems(text: &str) -> String {
        let all = Exceptions::parse("exceptions.toml", text).unwrap_err();
        all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn holds_between_its_days_for_its_table_only() {
        let all = Exceptions::parse("exceptions.toml", ONE).unwrap();
        let holds = |table, clock| all.accepts(Accepts::PublicElsewhere, table, clock).is_some();
        assert!(holds("monthly_trend", "2026-01-05T10:00:00Z"));
        assert!(holds("monthly_trend", "2026-06-30"));
        assert!(!holds("monthly_trend", "2026-01-04"));
        assert!(!holds("monthly_trend", "2026-07-01T00:00:00Z"));
        assert!(!holds("monthly_trend", ""));
        assert!(!holds("by_district", "2026-02-01"));
        assert_eq!(all.in_force("2026-02-01").len(), 1);
        assert!(all.in_force("2027-02-01").is_empty());
        assert_eq!(Exceptions::parse("exceptions.toml", "").unwrap(), Exceptions::default());
    }

    #[test]
    fn suppression_cannot_be_switched_off() {
        let text = problems(&ONE.replace("public_elsewhere", "no_suppression"));
        assert!(text.contains("none switches suppression off"), "{text}");
        assert!(problems(&format!("suppression = false\n{ONE}")).contains("unknown key `suppression`"));
        assert!(problems(&format!("{ONE}suppress_below = 0\n")).contains("unknown key `suppress_below`"));
    }

    #[test]
    fn incomplete_and_contradictory_ones_are_refused() {
        assert!(problems(&ONE.replace("A. Person, data protection officer", " ")).contains("`allowed_by` is empty"));
        assert!(problems(&ONE.replace("2026-06-30", "2025-12-31")).contains("expires before it begins"));
        assert!(problems(&ONE.replace("2026-06-30", "2026-02-30")).contains("`expires` is not a day"));
        assert!(problems(&ONE.replace("monthly_trend", "*")).contains("`table` is a pattern"));
        assert!(problems(&format!("{ONE}{ONE}")).contains("hold at one time"));
        let expires = ONE.lines().filter(|line| !line.starts_with("expires")).collect::<Vec<_>>().join("\n");
        assert!(problems(&expires).contains("expires"));
    }
}
