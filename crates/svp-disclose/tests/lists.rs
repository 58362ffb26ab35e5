//! A table of which most cells are hidden and hold one event each lists events, and counts none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use svp_contract::Output;
use svp_disclose::attack::Effort;
use svp_disclose::event_set::EventSet;
use svp_disclose::{Detail, Outcome, Policy, Raw, disclose};

/// What becomes of a table of these counts, one to a place, under a threshold.
fn decided(counts: &[i64], suppress_below: i64) -> (Outcome, Detail) {
    let output = Output::parse(
        "places.sql",
        r#"--! name = "places"
--! title = "Places"
--! description = ""
--! reads = []
--! audiences = []
--! not_available = ""
--! grain = [{ name = "place", title = "Place" }]
--! counts = [{ name = "events", title = "Events" }]
SELECT 1"#,
    )
    .unwrap();
    let places: StringArray = (0..counts.len()).map(|i| Some(format!("place {i}"))).collect();
    let events = Int64Array::from(counts.to_vec());
    let batch =
        RecordBatch::try_from_iter([("place", Arc::new(places) as _), ("events", Arc::new(events) as _)]).unwrap();
    let policy = Policy { suppress_below, ..Policy::open("a threshold") };
    let raw = Raw::new("places", &output, EventSet::default(), policy, batch).unwrap();
    let mut done = disclose(vec![raw], &[], &[], 1, &(), &BTreeSet::new(), &Effort::default()).unwrap();
    (done.outcomes.remove(0), done.details.remove(0))
}

fn shown(outcome: &Outcome) -> Option<usize> {
    match outcome {
        Outcome::Table(table) => {
            let events = table.get().column_by_name("events").unwrap().as_primitive::<Int64Type>();
            Some(events.len() - events.null_count())
        }
        Outcome::Withheld(why) => {
            // What a reader is told does not say how large the cells are.
            assert_eq!(why, "withheld: too few events for so many cells");
            None
        }
    }
}

#[test]
fn a_list_of_events_is_withheld_and_the_signer_knows_why() {
    for (counts, withheld) in [
        (vec![1; 10], true),
        (vec![1, 1, 1, 1, 1, 1, 40, 50, 60], true),
        // Half is not most; small counts of several events are counts; zeros are no events.
        (vec![1, 1, 1, 1, 40, 50, 60, 70], false),
        (vec![2; 10], false),
        ([vec![1; 4], vec![0; 40], vec![30; 5]].concat(), false),
        // Of so few the reason would tell which cells they are.
        (vec![1; 7], false),
    ] {
        let (outcome, detail) = decided(&counts, 5);
        assert_eq!(shown(&outcome).is_none(), withheld, "{counts:?}");
        assert_eq!(detail.list, withheld);
    }
    // Data that are open already may list what they like.
    let (outcome, detail) = decided(&[1; 10], 1);
    assert_eq!((shown(&outcome), detail.list), (Some(10), false));
}
