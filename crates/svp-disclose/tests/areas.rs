//! Areas of one lake that share districts, or what has no known place: what one release hides another area's must not tell.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod county;

use county::{County, Released};
use svp_contract::DefinitionId;
use svp_disclose::attack::{Effort, attack, attack_exact};
use svp_disclose::event_set::EventSet;
use svp_disclose::protect::protect;
use svp_disclose::raise_intervals;
use svp_disclose::relate::{Dim, Published, Related, Row, Table, relate};
use svp_disclose::system::State;

/// Counts below this are small.
const LEAST: i64 = 5;

fn shown(count: f64) -> Published {
    Published::Shown(count, count)
}

const SMALL: Published = Published::Suppressed { primary: true };
const BESIDE: Published = Published::Suppressed { primary: false };

/// A table of one area: a month as a whole where `kind` is empty, else by members of it.
fn table(name: &str, release: usize, parts: &[&str], kind: &str, rows: &[(&str, f64, Published)]) -> Table {
    let dims = if kind.is_empty() { Vec::new() } else { vec![Dim { kind: kind.to_owned(), total: None }] };
    let row = |(member, value, published): &(&str, f64, Published)| Row {
        members: dims.iter().map(|_| (*member).to_owned()).collect(),
        value: Some(*value),
        published: *published,
    };
    Table {
        name: name.to_owned(),
        release,
        earlier: release == 1,
        set: EventSet {
            area: parts.join("-"),
            area_parts: parts.iter().map(|p| (*p).to_owned()).collect(),
            definition: DefinitionId { name: "test".into(), digest: "0".into() },
            universe: "all".into(),
            from: "2025-01".into(),
            to: "2025-01".into(),
            data: "0".into(),
        },
        measure: "events".to_owned(),
        part_of: Vec::new(),
        ties: Vec::new(),
        rows: rows.iter().map(row).collect(),
        dims,
        suppress_below: LEAST,
        fractional: false,
        merged: false,
    }
}

fn broken(tables: &[Table]) -> (Related, Vec<String>) {
    let related = relate(tables, &());
    let found = attack(&related.system, &Effort::default()).unwrap();
    let labels = found.broken.iter().map(|n| related.provenance[*n].label.clone()).collect();
    (related, labels)
}

fn bounds(related: &Related, label: &str) -> (f64, f64) {
    let number = related.provenance.iter().position(|p| p.label == label);
    let (lo, hi) = attack_exact(&related.system, number.unwrap_or_else(|| panic!("no number {label}"))).unwrap();
    ((lo * 1e6).round() / 1e6, (hi * 1e6).round() / 1e6)
}

/// Decides the last release anew: nothing follows then, and some of it is hidden for that.
fn decided_anew(tables: &[Table]) {
    let mut related = relate(tables, &());
    let done = protect(&mut related.system, &Effort::default()).unwrap();
    let unprotected: Vec<&String> = done.unprotected.iter().map(|n| &related.provenance[*n].label).collect();
    assert!(unprotected.is_empty() && !done.hidden.is_empty(), "{unprotected:?}");
    assert!(attack(&related.system, &Effort::default()).unwrap().broken.is_empty());
}

/// Each release is safe by itself. Together the district that both have gives away the one that is hidden.
#[test]
fn a_district_that_two_areas_share() {
    let east = [
        table("districts", 1, &["a", "d"], "district", &[("a", 3.0, SMALL), ("d", 20.0, BESIDE)]),
        table("month", 1, &["a", "d"], "", &[("", 23.0, shown(23.0))]),
    ];
    let west = [
        table("districts", 2, &["d", "h"], "district", &[("d", 20.0, shown(20.0)), ("h", 15.0, shown(15.0))]),
        table("month", 2, &["d", "h"], "", &[("", 35.0, shown(35.0))]),
    ];
    assert!(broken(&east).1.is_empty() && broken(&west).1.is_empty());
    let both: Vec<Table> = east.into_iter().chain(west).collect();
    let (related, found) = broken(&both);
    let hidden = "districts (release 1): district a";
    assert!(found.iter().any(|label| label == hidden), "{found:?}");
    assert_eq!(bounds(&related, hidden), (3.0, 3.0));
    decided_anew(&both);
}

/// The wider area holds the narrower one, and shows what that one hides beside a small number.
#[test]
fn a_district_of_an_area_inside_another() {
    let narrow = [
        table("districts", 1, &["a", "d"], "district", &[("a", 3.0, SMALL), ("d", 20.0, BESIDE)]),
        table("month", 1, &["a", "d"], "", &[("", 23.0, shown(23.0))]),
    ];
    let wide = table(
        "districts",
        2,
        &["a", "d", "h"],
        "district",
        &[("a", 3.0, SMALL), ("d", 20.0, shown(20.0)), ("h", 15.0, shown(15.0))],
    );
    let both: Vec<Table> = narrow.into_iter().chain([wide]).collect();
    let (related, found) = broken(&both);
    assert!(found.iter().any(|label| label == "districts (release 1): district a"), "{found:?}");
    assert_eq!(bounds(&related, "districts (release 1): district a"), (3.0, 3.0));
    decided_anew(&both);
}

/// What has no known place counts for areas that share no district.
#[test]
fn what_has_no_place_in_two_areas_apart() {
    let one = [
        table("districts", 1, &["a"], "district", &[("a", 3.0, SMALL), ("unknown", 20.0, BESIDE)]),
        table("month", 1, &["a"], "", &[("", 23.0, shown(23.0))]),
    ];
    let other = [
        table("districts", 2, &["h"], "district", &[("h", 15.0, shown(15.0)), ("unknown", 20.0, shown(20.0))]),
        table("month", 2, &["h"], "", &[("", 35.0, shown(35.0))]),
    ];
    assert!(broken(&one).1.is_empty() && broken(&other).1.is_empty());
    let both: Vec<Table> = one.into_iter().chain(other).collect();
    let (related, found) = broken(&both);
    let hidden = "districts (release 1): district a";
    assert!(found.iter().any(|label| label == hidden), "{found:?}");
    assert_eq!(bounds(&related, hidden), (3.0, 3.0));
    decided_anew(&both);
}

/// Two areas make up a third, and no table has a district: their totals alone leave what has no known place.
#[test]
fn two_areas_that_make_up_a_third() {
    let total =
        |release: usize, parts: &[&str], count: f64| table("month", release, parts, "", &[("", count, shown(count))]);
    let told = [total(1, &["a", "d"], 103.0), total(2, &["a"], 63.0), total(3, &["d"], 43.0)];
    assert!(broken(&told[..2]).1.is_empty(), "a difference of 40");
    let told: Vec<Table> = told.into_iter().map(|t| Table { earlier: t.release < 3, ..t }).collect();
    let (_, found) = broken(&told);
    assert!(found.iter().any(|label| label.contains("what has no known place in a and a-d and d")), "{found:?}");
    decided_anew(&told);
    // With forty of them nothing small follows.
    let many = [total(1, &["a", "d"], 140.0), total(2, &["a"], 100.0), total(3, &["d"], 80.0)];
    assert_eq!(broken(&many).1, Vec::<String>::new());
}

/// One area has districts; of two others only totals are told, and their difference is one of its districts.
#[test]
fn totals_of_areas_that_differ_by_a_district() {
    let total =
        |release: usize, parts: &[&str], count: f64| table("month", release, parts, "", &[("", count, shown(count))]);
    let one = [
        table(
            "districts",
            1,
            &["a", "d"],
            "district",
            &[("a", 3.0, SMALL), ("d", 20.0, BESIDE), ("unknown", 0.0, shown(0.0))],
        ),
        total(1, &["a", "d"], 23.0),
    ];
    let told: Vec<Table> = one.into_iter().chain([total(2, &["d", "h"], 35.0), total(3, &["h"], 15.0)]).collect();
    assert!(broken(&told[..3]).1.is_empty());
    let told: Vec<Table> = told.into_iter().map(|t| Table { earlier: t.release < 3, ..t }).collect();
    let (related, found) = broken(&told);
    let hidden = "districts (release 1): district a";
    assert!(found.iter().any(|label| label == hidden), "{found:?}");
    assert_eq!(bounds(&related, hidden), (3.0, 3.0));
    decided_anew(&told);
}

/// Areas of two forces have each their own events without a place: what does not fit one set of them is no contradiction.
#[test]
fn areas_whose_unknown_places_differ() {
    let told = [
        table("districts", 1, &["a"], "district", &[("a", 30.0, shown(30.0)), ("unknown", 40.0, shown(40.0))]),
        table("month", 1, &["a"], "", &[("", 70.0, shown(70.0))]),
        table("districts", 2, &["h"], "district", &[("h", 25.0, shown(25.0)), ("unknown", 10.0, shown(10.0))]),
        table("month", 2, &["h"], "", &[("", 35.0, shown(35.0))]),
    ];
    assert_eq!(broken(&told).1, Vec::<String>::new());
}

/// Releases the areas of a county one after the other, and attacks all of them together.
fn released(county: &County, areas: &[&[usize]], effort: &Effort) -> Vec<Released> {
    let mut told: Vec<Table> = Vec::new();
    let mut out = Vec::new();
    for parts in areas {
        let done = county.release(&told, parts, LEAST, effort);
        told.extend(done.tables.iter().map(|t| Table { earlier: true, ..t.clone() }));
        out.push(done);
    }
    let related = relate(&told, county);
    let found = attack(&related.system, &Effort::default()).unwrap();
    let broken: Vec<&String> = found.broken.iter().map(|n| &related.provenance[*n].label).collect();
    assert!(broken.is_empty(), "{broken:?}");
    // The whole programme, for some of what the attack calls safe.
    let hidden = (0..related.system.numbers.len()).filter(|&n| {
        let number = &related.system.numbers[n];
        number.state == State::Hidden && number.protection.ends().is_some()
    });
    let mut raised = related.system.clone();
    raise_intervals(&mut raised).unwrap();
    for n in hidden.step_by(37) {
        let (lo, hi) = attack_exact(&related.system, n).unwrap();
        assert!(!raised.numbers[n].protection.broken_by(lo, hi), "{}", related.provenance[n].label);
    }
    out
}

/// Areas by districts, of which each shares some with others: nothing follows from all of them together, on any number of threads, and
/// however little may be spent on large programmes.
#[test]
fn areas_that_overlap_three_others() {
    let county = County::new(7, 150, 4, 3, 1);
    let areas: [&[usize]; 4] = [&[0, 1], &[1, 2], &[2, 3], &[0, 1, 2]];
    let done = released(&county, &areas, &Effort::default());
    assert!(done.iter().all(|r| r.numbers > 0 && r.equations > 0));
    assert_eq!(done, released(&county, &areas, &Effort { threads: 2, ..Effort::default() }));
    let hidden = |done: &[Released]| done.iter().map(|r| (r.withheld.len(), r.hidden)).collect::<Vec<_>>();
    let thrifty = released(&county, &areas, &Effort { large: 0, ..Effort::default() });
    assert!(thrifty.iter().zip(&done).all(|(a, b)| a.withheld.len() >= b.withheld.len()), "{:?}", hidden(&thrifty));
}

/// Areas at random, whatever their overlap.
#[test]
fn areas_at_random() {
    for seed in 0..4 {
        let mut state: u64 = seed + 11;
        let mut some = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let bits = 1 + (state >> 33) % 31;
            (0..5).filter(|d| bits >> d & 1 == 1).collect::<Vec<usize>>()
        };
        let areas: Vec<Vec<usize>> = (0..4).map(|_| some()).collect();
        let areas: Vec<&[usize]> = areas.iter().map(Vec::as_slice).collect();
        released(&County::new(seed, 120, 5, 3, 1), &areas, &Effort::default());
    }
}
