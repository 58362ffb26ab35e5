//! Events are carried over changed boundaries, and none is lost or made.

use proptest::prelude::*;

use super::*;

fn change(from: &str, to: &str, letter: &str) -> AreaChange {
    AreaChange { from: from.to_owned(), to: to.to_owned(), change: Change::read(letter).unwrap() }
}

fn link(layer: &str, code: &str, parent_layer: &str, parent: &str, days: (&str, &str)) -> AreaLink {
    let day = |d: &str| d.parse().ok();
    AreaLink {
        layer: layer.to_owned(),
        code: code.to_owned(),
        name: None,
        parent_layer: parent_layer.to_owned(),
        parent: parent.to_owned(),
        parent_name: None,
        valid_from: day(days.0),
        valid_to: day(days.1),
    }
}

const EVER: (&str, &str) = ("", "");

fn area() -> Area {
    Area::parse(
        "a.toml",
        "name = 'a'\ntitle = 'A'\npolice_force = 'F'\neasting = [0, 1]\nnorthing = [0, 1]\nreference_root = ''\ndefinitions = []\noutputs = []\naudience = 'x'\nperiod = { from = '2024-01', to = '2024-02' }\n[[district]]\ncode = 'D1'\nname = 'One'\ncsp = 'P'\n[[district]]\ncode = 'D2'\nname = 'Isles'\ncsp = 'P'\npublished_with = 'D1'\n",
    )
    .unwrap()
}

fn places(links: Vec<AreaLink>, changes: Vec<AreaChange>, residents: &[(&str, i64)]) -> Places {
    let population = residents.iter().map(|(code, people)| ((*code).to_owned(), 2023, Some(*people))).collect();
    Places { links, changes, population, ..Places::default() }
}

/// Rows of one small area and one layer: code and share.
fn of(found: &Geography, lsoa: &str, layer: &str) -> Vec<(String, f64)> {
    let rows = found.held.iter().filter(|h| h.lsoa == lsoa && h.layer == layer);
    rows.map(|h| (h.code.clone(), h.share)).collect()
}

#[test]
fn a_split_goes_by_residents_where_they_are_known_and_else_in_equal_parts() {
    let changes = [change("o", "a", "S"), change("o", "b", "S"), change("u", "u", "U"), change("m", "c", "M")];
    let weights = |people: &[(&str, i64)]| -> Vec<(String, f64, &str)> {
        weigh(&changes, &people.iter().copied().collect()).into_iter().map(|w| (w.to, w.weight, w.by)).collect()
    };
    let row = |to: &str, weight: f64, by: &'static str| (to.to_owned(), weight, by);
    let whole = [row("c", 1.0, "whole"), row("u", 1.0, "whole")];
    let sorted = |mut rows: Vec<(String, f64, &'static str)>| {
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        rows
    };
    for (people, by, first) in [
        (vec![("a", 300), ("b", 100)], "residents", 0.75),
        (vec![("a", 300)], "equal", 0.5),
        (vec![("a", 0), ("b", 0)], "equal", 0.5),
    ] {
        let mut expected = vec![row("a", first, by), row("b", 1.0 - first, by)];
        expected.extend(whole.clone());
        assert_eq!(sorted(weights(&people)), sorted(expected));
    }
}

#[test]
fn old_codes_are_in_the_areas_of_what_they_became() {
    let links = vec![
        link("lsoa", "a", "ward", "W1", EVER),
        link("lsoa", "b", "ward", "W2", EVER),
        link("lsoa", "c", "ward", "W2", EVER),
        link("ward", "W1", "district", "D1", EVER),
        link("ward", "W2", "district", "D2", EVER),
        link("lsoa", "o", "msoa", "M11", EVER),
    ];
    let changes = vec![change("o", "a", "S"), change("o", "b", "S"), change("m1", "c", "M"), change("m2", "c", "M")];
    let found = geography(&area(), &places(links, changes, &[("a", 300), ("b", 100)])).unwrap();
    assert_eq!(of(&found, "o", "lsoa"), [("a".to_owned(), 0.75), ("b".to_owned(), 0.25)]);
    assert_eq!(of(&found, "o", "ward"), [("W1".to_owned(), 0.75), ("W2".to_owned(), 0.25)]);
    assert_eq!(of(&found, "o", "csp"), [("P".to_owned(), 1.0)]);
    assert_eq!(of(&found, "o", "force"), [("F".to_owned(), 1.0)]);
    // Nothing says in which MSOA of 2021 the parts lie, so the one of 2011 stays.
    assert_eq!(of(&found, "o", "msoa"), [("M11".to_owned(), 1.0)]);
    assert_eq!(of(&found, "m1", "ward"), [("W2".to_owned(), 1.0)]);
    assert_eq!(of(&found, "b", "district"), [("D2".to_owned(), 1.0)]);
    let isles = found.held.iter().find(|h| h.lsoa == "b" && h.layer == "district").unwrap();
    assert_eq!(isles.published_with, "D1", "the small district goes with its neighbour by the area file's rule");
}

#[test]
fn lookups_are_dated() {
    let two = |from: &str| {
        vec![
            link("lsoa", "a", "district", "D1", EVER),
            link("lsoa", "a", "ward", "W1", ("", "2024-03-31")),
            link("lsoa", "a", "ward", "W2", (from, "")),
            link("ward", "W2", "town", "T", ("2025-01-01", "")),
        ]
    };
    let found = geography(&area(), &places(two("2024-04-01"), vec![], &[])).unwrap();
    assert_eq!(of(&found, "a", "ward"), [("W1".to_owned(), 1.0), ("W2".to_owned(), 1.0)]);
    let town = found.held.iter().find(|h| h.layer == "town").unwrap();
    assert_eq!(town.days, ("2025-01-01".parse().ok(), None), "the later of the two first days");
    let row = found.areas.iter().find(|r| r.layer == "ward" && r.code == "W1").unwrap();
    assert_eq!((row.days.1, row.parent.as_deref()), ("2024-03-31".parse().ok(), None));
    assert!(matches!(
        geography(&area(), &places(two("2024-03-31"), vec![], &[])),
        Err(AnalyseError::TwoParents { layer }) if layer == "ward"
    ));
}

#[test]
fn the_code_of_a_partnership_is_that_of_its_district_which_stands_alone() {
    let links = vec![link("district", "D1", "csp", "E1", EVER), link("district", "D2", "csp", "E2", EVER)];
    let found = geography(&area(), &places(links, vec![], &[])).unwrap();
    let csp: Vec<_> = found.areas.iter().filter(|r| r.layer == "csp").collect();
    assert_eq!((csp.len(), csp[0].code.as_str(), csp[0].gss_code.as_deref()), (1, "P", Some("E1")));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever was split, merged or redrawn, and whoever lives there: as many events come out as went in, in every layer.
    #[test]
    fn carrying_conserves_events(
        pairs in prop::collection::btree_set((0_u8..8, 0_u8..12), 1..40),
        people in prop::collection::btree_map(0_u8..12, 0_i64..5_000, 0..12),
        events in prop::collection::vec(0_u32..1_000, 8),
    ) {
        let changes: Vec<AreaChange> =
            pairs.iter().map(|(from, to)| change(&format!("o{from}"), &format!("n{to}"), if from % 2 == 0 { "S" } else { "X" })).collect();
        let mut links: Vec<AreaLink> =
            (0..12).map(|to| link("lsoa", &format!("n{to}"), "ward", &format!("W{}", to % 5), EVER)).collect();
        links.extend((0..5).map(|w| link("ward", &format!("W{w}"), "district", if w < 3 { "D1" } else { "D2" }, EVER)));
        let names: Vec<(String, i64)> = people.iter().map(|(to, n)| (format!("n{to}"), *n)).collect();
        let residents: Vec<(&str, i64)> = names.iter().map(|(to, n)| (to.as_str(), *n)).collect();
        let found = geography(&area(), &places(links, changes, &residents)).unwrap();
        let went: f64 = pairs.iter().map(|(from, _)| *from).collect::<BTreeSet<u8>>().into_iter().map(|f| f64::from(events[usize::from(f)])).sum();
        for layer in ["lsoa", "ward", "district", "csp", "force"] {
            let came: f64 = found.held.iter().filter(|h| h.layer == layer).filter_map(|h| {
                let from = h.lsoa.strip_prefix('o')?.parse::<usize>().ok()?;
                Some(f64::from(events[from]) * h.share)
            }).sum();
            prop_assert!((came - went).abs() < 1e-6, "{layer}: {came} of {went}");
        }
    }
}
