//! Every way in which a ledger can be changed, cut or lost.

use super::*;
use crate::event_set::EventSet;
use crate::relate::{Dim, Published, Row};
use proptest::prelude::*;

fn table(numbers: &[Published]) -> Table {
    let row = |(i, published): (usize, &Published)| Row {
        members: vec![format!("m{i}")],
        value: Some(12.0),
        published: *published,
    };
    Table {
        name: "t".into(),
        release: 0,
        earlier: false,
        set: EventSet::default(),
        measure: "events".into(),
        part_of: Vec::new(),
        ties: Vec::new(),
        dims: vec![Dim { kind: "district".into(), total: None }],
        suppress_below: 8,
        fractional: false,
        merged: false,
        rows: numbers.iter().enumerate().map(row).collect(),
    }
}

/// Ledgers that were written before a count could be part of several are read as what they said.
#[test]
fn older_entries_are_read() {
    for (written, meant) in [("null", vec![]), ("\"people\"", vec!["people"]), ("[\"a\",\"b\"]", vec!["a", "b"])] {
        let text =
            serde_json::to_string(&table(&[])).unwrap().replace("\"part_of\":[]", &format!("\"part_of\":{written}"));
        let table: Table = serde_json::from_str(&text).unwrap();
        assert_eq!(table.part_of, meant, "{written}");
    }
}

/// Entries of the first form keep no definitions, and are read; those of now are what was written, and a text that is not the one of
/// its digest is none.
#[test]
fn definitions_are_kept_since_the_second_form() {
    let text = "name = \"injury_violence\"";
    let mut written = entry("r0", &[]);
    written.definitions = [(digest(text.as_bytes()), text.to_owned()), ("0".repeat(64), "other".to_owned())].into();
    let mut ledger = Ledger::from_entries(Vec::new(), None).unwrap();
    let (bytes, head) = ledger.append(written).unwrap();
    let again = Ledger::from_entries(vec![(entry_name(1), bytes.clone())], Some(&head)).unwrap();
    assert_eq!(again.definitions(), [(digest(text.as_bytes()), text.to_owned())].into());
    let mut first: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    first["format"] = 1.into();
    first.as_object_mut().unwrap().remove("definitions");
    let bytes = serde_json::to_vec(&first).unwrap();
    let head = Head { hash: digest(&bytes), ..head };
    let before = Ledger::from_entries(vec![(entry_name(1), bytes)], Some(&head)).unwrap();
    assert!(before.definitions().is_empty() && before.entries().len() == 1);
}

fn numbers() -> impl Strategy<Value = Vec<Published>> {
    let one = prop_oneof![
        (8u32..500).prop_map(|n| Published::Shown(f64::from(n), f64::from(n) + 4.0)),
        any::<bool>().prop_map(|primary| Published::Suppressed { primary }),
        Just(Published::NotKnown),
    ];
    prop::collection::vec(one, 0..6)
}

type Named = Vec<(String, Vec<u8>)>;

fn entry(release: &str, numbers: &[Published]) -> Entry {
    Entry {
        audience: "public".into(),
        release: release.into(),
        clock: "2026-01-05T10:00:00Z".into(),
        area: "wessmark".into(),
        tables: vec![table(numbers)],
        ..Entry::default()
    }
}

fn chain(releases: &[Vec<Published>]) -> (Named, Head) {
    let mut ledger = Ledger::from_entries(Vec::new(), None).unwrap();
    let mut named = Named::new();
    for (i, release) in releases.iter().enumerate() {
        let (bytes, head) = ledger.append(entry(&format!("r{i}"), release)).unwrap();
        named.push((entry_name(head.number), bytes));
    }
    (named, ledger.head().unwrap().clone())
}

fn four() -> (Named, Head) {
    chain(&[
        vec![Published::Shown(8.0, 12.0)],
        vec![Published::NotKnown],
        vec![Published::Shown(0.0, 0.0)],
        vec![Published::Suppressed { primary: true }],
    ])
}

fn by() -> BegunAnew {
    BegunAnew {
        allowed_by: "A. Person, head of analysis".into(),
        reason: "the disk was lost and no backup was kept".into(),
        date: "2026-01-05".into(),
        found: String::new(),
        lost: None,
    }
}

#[test]
fn each_kind_of_damage_has_its_name_and_its_hint() {
    let (named, head) = four();
    let error = |named: Named, head: Option<&Head>| Ledger::from_entries(named, head).unwrap_err();
    let without = |i: usize| {
        let mut rest = named.clone();
        rest.remove(i);
        rest
    };
    let lost = error(Vec::new(), Some(&head));
    assert!(matches!(lost, LedgerError::Lost { wanted: 4 }));
    assert!(lost.hint().unwrap().contains("--start-ledger-anew"));
    let cut = error(without(3), Some(&head));
    assert!(matches!(cut, LedgerError::EndRemoved { found: 3, wanted: 4 }));
    assert!(cut.hint().unwrap().contains("backup"));
    assert!(matches!(error(without(0), Some(&head)), LedgerError::Missing { expected: 1, .. }));
    assert!(matches!(error(without(1), Some(&head)), LedgerError::Missing { expected: 2, .. }));
    assert!(matches!(error(named.clone(), None), LedgerError::NotRecorded { number: 1 }));
    let (before, old) = (without(3), Head { number: 3, ..head.clone() });
    assert!(matches!(error(named.clone(), Some(&old)), LedgerError::NotRecorded { number: 4 }));
    assert!(matches!(error(before, Some(&old)), LedgerError::Changed { .. }));
    for i in 0..4 {
        let mut edited = named.clone();
        edited[i].1 =
            String::from_utf8(edited[i].1.clone()).unwrap().replace(&format!("\"r{i}\""), "\"x\"").into_bytes();
        let Err(LedgerError::Changed { name }) = Ledger::from_entries(edited, Some(&head)) else { panic!() };
        assert_eq!(name, entry_name(i as u64 + 1));
    }
    let other = Head { audience: "police".into(), ..head };
    assert!(matches!(error(named.clone(), Some(&other)), LedgerError::Audience { .. }));
    let mut newer = named.clone();
    newer[1].1 = b"{\"format\":3,\"anything\":true}".to_vec();
    assert!(matches!(error(newer, Some(&other)), LedgerError::Format { found: 3, .. }));
}

#[test]
fn begins_anew_only_where_something_is_lost_and_says_so() {
    let (named, head) = four();
    assert!(matches!(Ledger::begin_anew(named, Some(&head), None, by()), Err(LedgerError::Whole)));
    assert!(matches!(Ledger::begin_anew(Vec::new(), None, None, by()), Err(LedgerError::Whole)));
    let (named, _) = four();
    let newer = Ledger::begin_anew(named, None, None, by());
    assert!(matches!(newer, Err(LedgerError::NotRecorded { .. })));
    let nobody = BegunAnew { allowed_by: " ".into(), ..by() };
    assert!(matches!(Ledger::begin_anew(Vec::new(), Some(&head), None, nobody), Err(LedgerError::Unsigned)));
    let mut ledger = Ledger::begin_anew(Vec::new(), Some(&head), None, by()).unwrap();
    let (bytes, new) = ledger.append(entry("r", &[])).unwrap();
    let again = Ledger::from_entries(vec![(entry_name(1), bytes)], Some(&new)).unwrap();
    let said = again.entries()[0].begun_anew.as_ref().unwrap();
    assert_eq!(said.lost.as_ref(), Some(&head));
    assert!(said.found.contains("lost"), "{}", said.found);
    assert!(ledger.append(entry("r", &[])).is_ok());
    assert_eq!(ledger.entries()[1].begun_anew, None);
}

#[test]
fn what_is_unfit_is_not_recorded() {
    let mut ledger = Ledger::default();
    let unfit = ledger.append(entry("r", &[Published::Shown(-3.0, 3.0)]));
    assert!(matches!(unfit, Err(LedgerError::Unfit { .. })));
    let mut twice = entry("r", &[]);
    twice.tables.push(table(&[]));
    assert!(matches!(ledger.append(twice), Err(LedgerError::Unfit { what: "it is told twice", .. })));
    assert!(ledger.entries().is_empty());
    ledger.append(entry("r", &[])).unwrap();
    let other = Entry { audience: "police".into(), ..Entry::default() };
    assert!(matches!(ledger.append(other), Err(LedgerError::Audience { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_appended_is_read_back(releases in prop::collection::vec(numbers(), 1..5)) {
        let (named, head) = chain(&releases);
        let mut turned = named.clone();
        turned.reverse();
        let read = Ledger::from_entries(turned, Some(&head)).unwrap();
        prop_assert_eq!(read.head(), Some(&head));
        for ((i, entry), release) in read.entries().iter().enumerate().zip(&releases) {
            prop_assert_eq!(&entry.tables[0], &table(release));
            prop_assert_eq!(&serde_json::to_vec(entry).unwrap(), &named[i].1);
        }
    }

    #[test]
    fn no_byte_can_be_changed(at in any::<prop::sample::Index>(), entry in 0usize..4, bit in 0u8..8) {
        let (mut named, head) = four();
        let at = at.index(named[entry].1.len());
        named[entry].1[at] ^= 1 << bit;
        prop_assert!(Ledger::from_entries(named, Some(&head)).is_err());
    }

    #[test]
    fn no_entry_can_be_left_out_moved_or_doubled(keep in prop::collection::vec(0usize..4, 0..6)) {
        let (named, head) = four();
        let moved: Named = keep.iter().enumerate().map(|(i, from)| (entry_name(i as u64 + 1), named[*from].1.clone())).collect();
        let whole = keep == [0, 1, 2, 3];
        prop_assert_eq!(Ledger::from_entries(moved, Some(&head)).is_ok(), whole);
    }
}
