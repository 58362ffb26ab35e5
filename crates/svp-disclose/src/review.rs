//! The review record: what the person who signs a release must know, on one page.
//!
//! It counts cells and never says what stood in them. The share that is hidden is a share of cells, not of
//! events: with a total, a share of events would give the sum of what is hidden.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};
use serde::{Deserialize, Serialize};
use svp_contract::{Acceptance, Finding, FindingKind};

use crate::DiscloseError;
use crate::exceptions::Exception;

/// Rows of a list or table on the page; the rest is in the JSON.
const ROWS_ON_PAGE: usize = 20;
/// A table of which at least this percentage is hidden is one to look at.
const MUCH_HIDDEN: u64 = 50;

/// A rule that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyLine {
    /// The rule, in words.
    pub rule: String,
    /// Whose it is.
    pub whose: String,
    /// Where it is written.
    pub source: String,
}

/// What the attack found in one table or in all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttackReview {
    /// Numbers that were attacked: hidden cells and quantities that follow from what is told.
    pub attacked: u64,
    /// Numbers that a reader can bound more closely than the rules allow.
    pub broken: u64,
    /// Numbers that hold, by the kind of proof.
    pub proofs: BTreeMap<String, u64>,
}

/// One published table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableReview {
    /// Name of the output.
    pub table: String,
    /// Title.
    pub title: String,
    /// Cells that count.
    pub cells: u64,
    /// Cells hidden because they were small.
    pub primary: u64,
    /// Cells hidden to protect others.
    pub secondary: u64,
    /// Pieces that were merged into larger ones.
    pub merged: u64,
    /// Cells changed by rounding.
    pub rounded: u64,
    /// Cells changed by perturbation.
    pub perturbed: u64,
    /// Cells that hold all that their margin counts: a reader learns that all of it is of that kind.
    #[serde(default)]
    pub full: u64,
    /// What a row is: columns of the grain, each with what limits its members where they can point at a person.
    #[serde(default)]
    pub grain: Vec<String>,
    /// Columns that describe a row and are printed as they are.
    #[serde(default)]
    pub attributes: Vec<String>,
    /// What the attack found.
    pub attack: AttackReview,
}

impl TableReview {
    /// Percentage of the cells that are hidden, rounded up.
    #[must_use]
    pub fn hidden_percent(&self) -> u64 {
        (100 * (self.primary + self.secondary)).div_ceil(self.cells.max(1))
    }

    /// True when the page has something to say about it.
    fn matters(&self) -> bool {
        self.primary + self.secondary + self.merged + self.perturbed + self.attack.broken > 0
    }
}

/// A table that was not published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// Name of the output.
    pub table: String,
    /// Why.
    pub reason: String,
}

/// A difference to what was told before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Table of this release.
    pub table: String,
    /// Release and table that it can be held beside.
    pub against: String,
    /// What would follow: one person, one cell, one month, one grid, one revised file, …
    pub kind: String,
    /// What was done: coarsened, withheld, accepted by an exception.
    pub done: String,
}

/// What the ledger said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerReview {
    /// Earlier releases that were compared.
    pub compared: u64,
    /// Differences found.
    pub differences: Vec<Difference>,
    /// Set when the ledger was begun anew: who allowed it and why.
    pub begun_anew: Option<String>,
}

/// The review record of one release.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Name of the release.
    pub release: String,
    /// Whom it is for.
    pub audience: String,
    /// Title of the area.
    pub area: String,
    /// Time of the run.
    pub clock: String,
    /// Rules applied.
    pub policy: Vec<PolicyLine>,
    /// Tables published.
    pub tables: Vec<TableReview>,
    /// Tables withheld.
    pub withheld: Vec<Withheld>,
    /// Comparison with earlier releases.
    pub ledger: LedgerReview,
    /// Exceptions in force.
    pub exceptions: Vec<Exception>,
    /// Findings that would have refused a delivery behind the release, and that somebody accepted.
    #[serde(default)]
    pub accepted: Vec<Acceptance>,
    /// What was told of the deliveries behind the release.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// The exact receipts of each source, in words; the release tells them under the rule for small numbers.
    #[serde(default)]
    pub receipts: Vec<String>,
    /// The attack on the whole release; `None` when it was not run.
    pub attack: Option<AttackReview>,
}

impl Review {
    /// Numbers that the attack broke, in the whole or in any table.
    #[must_use]
    pub fn broken(&self) -> u64 {
        let in_tables = self.tables.iter().map(|t| t.attack.broken).sum();
        self.attack.as_ref().map_or(0, |a| a.broken).max(in_tables)
    }

    /// True when nothing stands against signing.
    #[must_use]
    pub fn may_be_signed(&self) -> bool {
        self.attack.is_some() && self.broken() == 0
    }

    /// The verdict in one sentence.
    #[must_use]
    pub fn verdict(&self) -> String {
        if self.attack.is_none() {
            return "Do not sign: the attack was not run.".to_owned();
        }
        if self.broken() > 0 {
            return format!(
                "Do not sign: {} can be worked out more closely than the rules allow.",
                count(self.broken(), "number")
            );
        }
        let exceptions = match self.exceptions.len() as u64 {
            0 => String::new(),
            n => format!(", with {} to read first", count(n, "exception")),
        };
        format!(
            "May be signed{exceptions}: {} for {}; the relations that the attack knows give nothing hidden away in them{}.",
            count(self.tables.len() as u64, "table"),
            line(&self.audience),
            match self.ledger.compared {
                0 => String::new(),
                n => format!(" or in {}", count(n, "earlier release")),
            },
        )
    }

    /// The page.
    ///
    /// # Errors
    /// When the template cannot be filled.
    pub fn markdown(&self) -> Result<String, DiscloseError> {
        let mut shown: Vec<&TableReview> = self.tables.iter().filter(|t| t.matters()).collect();
        shown.sort_by_key(|t| (std::cmp::Reverse((t.attack.broken, t.hidden_percent(), t.merged)), &t.table));
        let values = context! {
            verdict => self.verdict(), to_look_at => self.to_look_at(), findings_in_words => self.findings_in_words(), columns_in_words => self.columns_in_words(),
            shown => Serde(shown.into_iter().map(|t| (t, t.hidden_percent())).collect::<Vec<_>>()), most => ROWS_ON_PAGE,
            ..Serde(self)
        };
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
        let mut page = Environment::new();
        page.set_syntax(syntax.map_err(DiscloseError::Page)?);
        page.set_undefined_behavior(UndefinedBehavior::Strict);
        page.add_filter("line", line);
        page.add_filter("count", count);
        let meaning = |kind: &str| FindingKind::ALL.iter().find(|k| k.name() == kind).map_or("", |k| k.meaning());
        page.add_filter("meaning", meaning);
        page.render_str(include_str!("../templates/review.md"), values).map_err(DiscloseError::Page)
    }

    fn to_look_at(&self) -> Vec<String> {
        let mut out = Vec::new();
        for t in self.tables.iter().filter(|t| t.attack.broken > 0) {
            out.push(format!("{}: the attack broke {}", line(&t.title), count(t.attack.broken, "number")));
        }
        if let Some(why) = &self.ledger.begun_anew {
            out.push(format!("The ledger was begun anew, so older releases were not compared: {}", line(why)));
        }
        if !self.exceptions.is_empty() {
            out.push("The exceptions below: each is somebody's decision, and yours when you sign".to_owned());
        }
        if !self.accepted.is_empty() {
            out.push("The deliveries below that were accepted in spite of a finding: is each reason good?".to_owned());
        }
        for t in self.tables.iter().filter(|t| t.cells > 0 && t.hidden_percent() >= MUCH_HIDDEN) {
            out.push(format!(
                "{}: {} % of its cells are hidden; is it worth publishing?",
                line(&t.title),
                t.hidden_percent()
            ));
        }
        for t in self.tables.iter().filter(|t| t.full > 0) {
            out.push(format!(
                "{}: {} {} all that its margin counts; does that tell something of people?",
                line(&t.title),
                count(t.full, "cell"),
                if t.full == 1 { "holds" } else { "hold" }
            ));
        }
        for t in self.tables.iter().filter(|t| t.perturbed > 0) {
            out.push(format!("{}: its numbers carry noise; does it say so?", line(&t.title)));
        }
        out
    }

    /// What the rows of tables are and how they are described, tables of one output in one line.
    fn columns_in_words(&self) -> Vec<String> {
        let mut by: BTreeMap<(&[String], &[String]), BTreeSet<&str>> = BTreeMap::new();
        for t in &self.tables {
            // The name of a table is that of its output and of its definition.
            let output = t.table.split("__").next().unwrap_or_default();
            by.entry((&t.grain, &t.attributes)).or_default().insert(output);
        }
        let words = |((grain, attributes), outputs): ((&[String], &[String]), BTreeSet<&str>)| {
            let outputs: Vec<&str> = outputs.into_iter().collect();
            let described = match attributes {
                [] => String::new(),
                some => format!("; described by {}", some.join(", ")),
            };
            line(&format!("{}: by {}{described}", outputs.join(", "), grain.join(", ")))
        };
        let mut lines: Vec<String> = by.into_iter().filter(|((grain, _), _)| !grain.is_empty()).map(words).collect();
        lines.sort();
        lines
    }

    /// The findings, those of one kind and source in one line.
    fn findings_in_words(&self) -> Vec<String> {
        let mut by: BTreeMap<(&str, &str), Vec<&Finding>> = BTreeMap::new();
        for finding in self.findings.iter().filter(|f| f.accepted.is_none()) {
            by.entry((&finding.source, finding.kind.name())).or_default().push(finding);
        }
        let words = |((source, kind), found): ((&str, &str), Vec<&Finding>)| match found.as_slice() {
            [one] => format!("{}: {}", line(source), line(&one.to_string())),
            several => {
                let meaning = several.first().map_or("", |f| f.kind.meaning());
                format!(
                    "{}: {} of the kind `{kind}`. {}",
                    line(source),
                    count(several.len() as u64, "finding"),
                    line(meaning)
                )
            }
        };
        by.into_iter().map(words).collect()
    }
}

/// A number with its noun; "no earlier release", "1 table", "2 tables".
fn count(n: u64, noun: &str) -> String {
    match n {
        0 => format!("no {noun}"),
        1 => format!("1 {noun}"),
        _ => format!("{n} {noun}s"),
    }
}

/// A text on one line, safe in a table and in HTML that a renderer makes of it.
fn line(text: &str) -> String {
    let one = text.split_whitespace().collect::<Vec<_>>().join(" ");
    one.replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exceptions::Exceptions;

    fn review() -> Review {
        let attack =
            |attacked| AttackReview { attacked, broken: 0, proofs: BTreeMap::from([("rounding".into(), attacked)]) };
        Review {
            release: "wessmark-2026-01-05-public".into(),
            audience: "public".into(),
            area: "Wessmark".into(),
            clock: "2026-01-05T10:00:00Z".into(),
            policy: vec![PolicyLine {
                rule: "1 to 7 hidden, others rounded to 5".into(),
                whose: "NHS England".into(),
                source: "HES/ECDS disclosure control, 13 September 2018".into(),
            }],
            tables: vec![
                TableReview {
                    table: "by_district".into(),
                    title: "Districts".into(),
                    cells: 12,
                    primary: 1,
                    secondary: 1,
                    rounded: 9,
                    attack: attack(2),
                    ..TableReview::default()
                },
                TableReview {
                    table: "grid".into(),
                    title: "Hotspots | 250 m".into(),
                    cells: 100,
                    primary: 60,
                    merged: 7,
                    attack: attack(60),
                    ..TableReview::default()
                },
                TableReview { table: "months".into(), title: "Months".into(), cells: 24, ..TableReview::default() },
            ],
            withheld: vec![Withheld { table: "people".into(), reason: "not for this audience".into() }],
            ledger: LedgerReview {
                compared: 3,
                differences: vec![Difference {
                    table: "grid".into(),
                    against: "grid of 2025-10".into(),
                    kind: "one revised file".into(),
                    done: "published by quarter".into(),
                }],
                begun_anew: None,
            },
            exceptions: Vec::new(),
            accepted: Vec::new(),
            findings: Vec::new(),
            receipts: vec!["ecds: 3 rows read = 3 accepted + 0 quarantined + 0 duplicate".into()],
            attack: Some(attack(62)),
        }
    }

    #[test]
    fn the_page() {
        let page = review().markdown().unwrap();
        let wanted = "\
# Review of wessmark-2026-01-05-public

**May be signed: 3 tables for public; the relations that the attack knows give nothing hidden away in them or in 3 earlier releases.**

For: public. Area: Wessmark. Computed: 2026-01-05T10:00:00Z.

## What to look at

- Hotspots \\| 250 m: 60 % of its cells are hidden; is it worth publishing?

## What was hidden

| table | cells | small | to protect others | hidden | merged | rounded | broken |
|---|--:|--:|--:|--:|--:|--:|--:|
| Hotspots \\| 250 m | 100 | 60 | 0 | 60 % | 7 | 0 | 0 |
| Districts | 12 | 1 | 1 | 17 % | 0 | 9 | 0 |

1 table had nothing hidden or merged.

## What is printed beside the counts

Nothing.

## Tables withheld

- people: not for this audience

## Why: the rules

- 1 to 7 hidden, others rounded to 5 (NHS England; HES/ECDS disclosure control, 13 September 2018)

## Beside earlier releases

- Compared with 3 releases to the same audience
- grid beside grid of 2025-10: one revised file; published by quarter

## Exceptions

None.

## Deliveries accepted in spite of a finding

None.

## What was told of the deliveries

Nothing.

## Receipts, exact: the release tells them under the rule for small numbers

ecds: 3 rows read = 3 accepted + 0 quarantined + 0 duplicate

## The attack

- 62 numbers attacked, 0 broken
- 62 hold by rounding

## Signature

I have read this page and the tables that it says to look at.

Name and office: ______________________________

Signature: ____________________  Day: ______________
";
        assert_eq!(page, wanted);
        let text = serde_json::to_string(&review()).unwrap();
        assert_eq!(serde_json::from_str::<Review>(&text).unwrap(), review());
    }

    #[test]
    fn the_verdict() {
        let mut r = review();
        r.tables[1].attack.broken = 2;
        assert_eq!(r.verdict(), "Do not sign: 2 numbers can be worked out more closely than the rules allow.");
        assert!(!r.may_be_signed());
        assert!(r.markdown().unwrap().contains("- Hotspots \\| 250 m: the attack broke 2 numbers"));
        r.attack = None;
        assert_eq!(r.verdict(), "Do not sign: the attack was not run.");
        let mut r = review();
        r.exceptions = Exceptions::parse("e.toml", crate::exceptions::tests::ONE).unwrap().list;
        assert!(r.verdict().starts_with("May be signed, with 1 exception to read first: "));
        assert!(
            r.markdown()
                .unwrap()
                .contains("allowed by A. Person, data protection officer on 2026-01-05, until 2026-06-30")
        );
        r.ledger.begun_anew = Some("A. Person: the disk was lost".into());
        assert!(r.markdown().unwrap().contains("- The ledger was begun anew"));
    }

    #[test]
    fn stays_on_one_page() {
        let mut r = review();
        let many = |i: u64| TableReview {
            table: format!("t{i:03}"),
            title: format!("T{i}"),
            cells: 10,
            primary: 9,
            ..TableReview::default()
        };
        r.tables = (0..200).map(many).collect();
        let page = r.markdown().unwrap();
        assert!(page.lines().count() < 110, "{}", page.lines().count());
        assert!(page.contains("180 more had something hidden or merged."), "{page}");
        assert!(page.contains("and 180 more, in the JSON"));
    }
}
