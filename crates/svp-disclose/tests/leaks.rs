//! Four ways in which hidden counts were worked out from releases that the attack called safe. The tables are as the model of
//! that time decided them; each test shows that model blind, the one of today seeing, and what it decides safe.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;

use svp_contract::{DefinitionId, GridKind, Output, Square, Tie};
use svp_disclose::attack::{Effort, attack, attack_exact};
use svp_disclose::attack_together;
use svp_disclose::protect::protect;
use svp_disclose::relate::{Hierarchies, Table, relate};

/// What a site knows; with `now` false what the model of that time did.
struct Site {
    now: bool,
}

impl Hierarchies for Site {
    fn parents(&self, kind: &str, member: &str) -> Vec<(String, String)> {
        if kind == "source" && self.now {
            let agency = if member == "ecds" { "health" } else { "police" };
            return vec![("agency".to_owned(), agency.to_owned())];
        }
        match (GridKind::parse(kind), member.parse::<Square>()) {
            (Some(GridKind::Squares(size)), Ok(square)) => {
                let up = |metres: i64| metres.div_euclid(2 * size) * 2 * size;
                let (easting, northing) = (up(square.easting), up(square.northing));
                vec![(format!("bng:{}", 2 * size), format!("{}m:{easting}:{northing}", 2 * size))]
            }
            _ => Vec::new(),
        }
    }

    fn atoms(&self, definition: &DefinitionId) -> Option<BTreeSet<u32>> {
        let atoms: &[u32] = match definition.name.as_str() {
            "opcc_2020" => &[0, 1, 2],
            "opcc_street" => &[0],
            "opcc_home" => &[1],
            "opcc_rest" => &[2],
            _ => &[0, 1, 2, 3],
        };
        self.now.then(|| atoms.iter().copied().collect())
    }

    fn definition_within(&self, inner: &DefinitionId, outer: &DefinitionId) -> bool {
        match self.now {
            true => self.atoms(inner).zip(self.atoms(outer)).is_some_and(|(a, b)| a.is_subset(&b)),
            false => inner.name.starts_with("opcc_") && outer.name == "opcc_2020",
        }
    }

    fn ties(&self) -> Vec<Tie> {
        let shipped = [
            include_str!("../../../pipelines/outputs/known_to_whom.sql"),
            include_str!("../../../pipelines/outputs/known_to_whom_by_month.sql"),
        ];
        let ties = shipped.iter().flat_map(|text| Output::parse("output.sql", text).unwrap().ties());
        ties.filter(|_| self.now).collect()
    }
}

fn tables(text: &str) -> Vec<Table> {
    serde_json::from_str(text).unwrap()
}

/// Labels of what is broken.
fn broken(tables: &[Table], now: bool) -> Vec<String> {
    let related = relate(tables, &Site { now });
    let found = attack(&related.system, &Effort::default()).unwrap();
    found.broken.iter().map(|n| related.provenance[*n].label.clone()).collect()
}

/// What the reader knows of a number, by the whole linear programme.
fn bounds(tables: &[Table], label: &str) -> (f64, f64) {
    let related = relate(tables, &Site { now: true });
    let number = related.provenance.iter().position(|p| p.label == label);
    let number = number.unwrap_or_else(|| panic!("no number {label}"));
    let (lo, hi) = attack_exact(&related.system, number).unwrap();
    ((lo * 1e6).round() / 1e6, (hi * 1e6).round() / 1e6)
}

/// Decides the last release anew; nothing is broken then but what earlier ones give away.
fn decided_anew(mut tables: Vec<Table>) -> usize {
    let last = tables.iter().map(|t| t.release).max().unwrap();
    let earlier: Vec<Table> = tables.iter().filter(|t| t.release < last).cloned().collect();
    let given = broken(&earlier, true);
    tables.iter_mut().for_each(|t| t.earlier = t.release < last);
    let mut related = relate(&tables, &Site { now: true });
    let done = protect(&mut related.system, &Effort::default()).unwrap();
    let unprotected: Vec<&String> = done.unprotected.iter().map(|n| &related.provenance[*n].label).collect();
    assert!(unprotected.iter().all(|label| given.contains(label)), "{unprotected:?}");
    let found = attack(&related.system, &Effort::default()).unwrap();
    assert!(found.broken.iter().all(|n| given.contains(&related.provenance[*n].label)));
    done.hidden.len()
}

/// The two lists of who knows add up to the districts, and a month more moves each by a few.
#[test]
fn a_difference_of_two_releases() {
    let tables = tables(include_str!("leaks/two_releases.json"));
    assert_eq!(broken(&tables, false), Vec::<String>::new(), "the old model");
    let found = broken(&tables, true);
    assert!(found.iter().any(|l| l.contains("known_to_hospitals") && l.contains("E07990001")), "{found:?}");
    let (lo, hi) =
        bounds(&tables, found.iter().find(|l| l.contains("known_to_hospitals") && l.contains("E07990001")).unwrap());
    assert!(lo >= 1.0 && hi < 8.0 && lo <= 3.0 && hi >= 3.0, "three attendances came: {lo} to {hi}");
    assert!(decided_anew(tables) > 0, "something is hidden for it");
}

/// Known to hospitals is the sum of what the emergency departments know the time of.
#[test]
fn a_row_of_one_release() {
    let tables = tables(include_str!("leaks/one_release.json"));
    assert_eq!(broken(&tables, false), Vec::<String>::new(), "the old model");
    let found = broken(&tables, true);
    let row = "time_coverage__injury_violence (release 1): source ecds, time_precision placeholder";
    assert!(found.iter().any(|l| l == row), "{found:?}");
    assert_eq!(bounds(&tables, row), (2.0, 2.0));
    assert!(decided_anew(tables) > 0);
}

/// Three definitions that make up a fourth, by month and by district.
#[test]
fn definitions_that_partition_another() {
    let tables = tables(include_str!("leaks/definitions.json"));
    assert_eq!(broken(&tables, false), Vec::<String>::new(), "the old model");
    let found = broken(&tables, true);
    for (row, truth) in [
        ("monthly_trend__opcc_home (release 1): month 2024-02", 4.0),
        ("monthly_trend__opcc_home (release 1): month 2024-05", 4.0),
        ("by_district__opcc_home (release 1): district unknown", 2.0),
    ] {
        assert!(found.iter().any(|l| l == row), "{row}: {found:?}");
        assert_eq!(bounds(&tables, row), (truth, truth), "{row}");
    }
    assert!(decided_anew(tables) > 0);
}

/// The police have a map with marks, and as members of the partnership the sums of what is marked.
#[test]
fn two_audiences_together() {
    let tables = tables(include_str!("leaks/two_audiences.json"));
    for release in [1, 2] {
        let own: Vec<Table> = tables.iter().filter(|t| t.release == release).cloned().collect();
        assert_eq!(broken(&own, true), Vec::<String>::new(), "release {release} by itself");
    }
    let police = |t: &Table| t.release == 1;
    let found = attack_together(&tables, &police, &Site { now: true }, false, &Effort::default()).unwrap();
    assert!(found.attack.broken.len() > 100, "{} cells", found.attack.broken.len());
    // The whole linear programme says the same: the mark of a cell says 1 to 4, and the reader knows more.
    for number in found.attack.broken.iter().take(20) {
        let (lo, hi) = attack_exact(&found.related.system, *number).unwrap();
        assert!(lo > 1.0 + 1e-6 || hi < 4.0 - 1e-6, "{}: {lo} to {hi}", found.related.provenance[*number].label);
    }
}
