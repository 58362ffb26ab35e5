//! A reader who lays two releases side by side: a number that became a mark says where something changed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use svp_contract::Output;
use svp_disclose::attack::Effort;
use svp_disclose::event_set::EventSet;
use svp_disclose::relate::Table;
use svp_disclose::{Outcome, Policy, Raw, disclose};

const MONTHS: usize = 12;
const PLACES: usize = 4;
const BELOW: i64 = 5;

/// Events by month and place.
type Counts = BTreeMap<(usize, usize), i64>;
/// What is printed of the months; `None` is a mark.
type Printed = BTreeMap<String, Option<i64>>;

fn raw(grain: &[&str], counts: &BTreeMap<Vec<String>, i64>, round_to: i64) -> Raw {
    let columns: Vec<String> = grain.iter().map(|g| format!("{{ name = \"{g}\", title = \"{g}\" }}")).collect();
    let name = format!("by_{}", grain.join("_"));
    let output = format!(
        "--! name = \"{name}\"\n--! title = \"T\"\n--! description = \"\"\n--! reads = []\n--! audiences = []\n--! not_available = \"\"\n\
         --! grain = [{}]\n--! counts = [{{ name = \"events\", title = \"Events\" }}]\nSELECT 1",
        columns.join(", ")
    );
    let output = Output::parse("by.sql", &output).unwrap();
    let mut batch: Vec<(&str, arrow::array::ArrayRef)> = Vec::new();
    for (i, column) in grain.iter().enumerate() {
        batch.push((column, Arc::new(counts.keys().map(|k| Some(k[i].clone())).collect::<StringArray>())));
    }
    batch.push(("events", Arc::new(Int64Array::from_iter_values(counts.values().copied()))));
    let policy = Policy { suppress_below: BELOW, round_to, ..Policy::open("a threshold") };
    let set = EventSet { from: "2024-01".into(), to: "2025-12".into(), ..EventSet::default() };
    Raw::new(&name, &output, set, policy, RecordBatch::try_from_iter(batch).unwrap()).unwrap()
}

/// The next number below an end, after splitmix64.
fn dice(state: &mut u64, below: usize) -> usize {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    usize::try_from((z ^ (z >> 31)) >> 33).unwrap() % below
}

/// Decides a release of months, of months by place, and of places; gives what is printed of the months, and what the ledger keeps.
fn released(counts: &Counts, earlier: &[Table], release: usize, round_to: i64) -> (Option<Printed>, Vec<Table>) {
    let mut tables: [BTreeMap<Vec<String>, i64>; 3] = Default::default();
    for ((month, place), n) in counts {
        let (month, place) = (format!("2024-{:02}", month + 1), format!("E{place}"));
        for (table, key) in tables.iter_mut().zip([vec![month.clone()], vec![month, place.clone()], vec![place]]) {
            *table.entry(key).or_default() += n;
        }
    }
    let [months, both, places] = &tables;
    let raws = vec![
        raw(&["month"], months, round_to),
        raw(&["month", "place"], both, round_to),
        raw(&["place"], places, round_to),
    ];
    let done = disclose(raws, earlier, &[], release, &(), &BTreeSet::new(), &Effort::default()).unwrap();
    let printed = match &done.outcomes[0] {
        Outcome::Table(table) => {
            let (month, events) = (table.get().column(0).as_string::<i32>(), table.get().column(1));
            let events = events.as_primitive::<Int64Type>();
            let of = |i: usize| (month.value(i).to_owned(), events.is_valid(i).then(|| events.value(i)));
            Some((0..events.len()).map(of).collect())
        }
        Outcome::Withheld(_) => None,
    };
    let kept = done.published.into_iter().map(|t| Table { earlier: true, ..t }).collect();
    (printed, kept)
}

/// The months of which a reader says that something changed, because what is printed of them did.
fn said(before: &Printed, after: &Printed) -> BTreeSet<String> {
    let months = before.keys().chain(after.keys());
    months.filter(|m| before.get(*m).unwrap_or(&Some(0)) != after.get(*m).unwrap_or(&Some(0))).cloned().collect()
}

/// In how many of `tries` the month of a late event is the one that a reader names, when `more` came in a month of their own.
fn told(tries: u64, more: i64, round_to: i64) -> usize {
    let one = |seed: u64| {
        let mut state = seed;
        let mut random = |below: usize| dice(&mut state, below);
        let mut counts = Counts::new();
        for month in 0..MONTHS {
            for place in 0..PLACES {
                counts.insert((month, place), i64::try_from(random(30)).unwrap());
            }
        }
        let (before, earlier) = released(&counts, &[], 1, round_to);
        let late = (random(MONTHS), random(PLACES));
        *counts.get_mut(&late).unwrap() += 1;
        if more > 0 {
            counts.extend((0..PLACES).map(|place| ((MONTHS, place), more)));
        }
        let (Some(before), (Some(after), _)) = (before, released(&counts, &earlier, 2, round_to)) else { return false };
        let new = format!("2024-{:02}", MONTHS + 1);
        let said: BTreeSet<String> = said(&before, &after).into_iter().filter(|m| *m != new).collect();
        said == BTreeSet::from([format!("2024-{:02}", late.0 + 1)])
    };
    (0..tries).filter(|seed| one(*seed)).count()
}

/// Before, the month of the one event became a mark: 14 of 18 tries on the sample, and nearly all of these.
#[test]
fn one_event_more_is_told_of_no_month() {
    assert_eq!(told(40, 0, 1), 0);
    assert_eq!(told(40, 0, 5), 0);
}

/// What is left: where much came beside the one, the table goes out, and the mark says that 1 to 4 came in that month.
#[test]
fn a_mark_beside_a_month_of_its_own_still_tells_that_a_few_came() {
    let exact = told(40, 30, 1);
    let rounded = told(40, 30, 5);
    assert_eq!((exact, rounded), (40, 7), "of 40, exact and rounded to 5");
}

/// A change is told when enough has gathered, and nothing is withheld where nothing changed.
#[test]
fn what_gathered_is_told_together() {
    let mut counts: Counts = (0..MONTHS).flat_map(|m| (0..PLACES).map(move |p| ((m, p), 20))).collect();
    let (first, earlier) = released(&counts, &[], 1, 1);
    let first = first.unwrap();
    assert_eq!(released(&counts, &earlier, 2, 1).0.unwrap(), first, "nothing changed");
    for came in 1..=8 {
        *counts.get_mut(&(3, 1)).unwrap() += 1;
        let (now, kept) = released(&counts, &earlier, 2, 1);
        assert_eq!(now.is_some(), came >= BELOW, "{came}");
        // A release of which all is withheld told nothing: the next one is held against the first.
        assert_eq!(kept.is_empty(), came < BELOW);
        if let Some(now) = now {
            assert_eq!(now["2024-04"], Some(80 + came));
        }
    }
}
