//! The SQL steps on a handful of events.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafusion::prelude::SessionContext;
use svp_contract::{EventRules, Exclusion};
use svp_functions::{AreaBox, Areas, CodeMaps, Lookups};
use svp_lake::Limits;

use super::*;

const RULES: &str = include_str!("../../../../pipelines/linkage/events.toml");

/// One crime on Saturday 6 July 2024 at 23:00 and attendances that each agree with it in another way.
const EVENTS: &str = "CREATE VIEW event AS SELECT
  event_id, source, agency, event_type,
  CASE WHEN started <> '' THEN utc_timestamp(started) END AS occurred_from,
  CASE WHEN ended <> '' THEN utc_timestamp(ended) END AS occurred_to,
  time_precision, utc_timestamp(recorded) AS recorded_at,
  easting, northing, place_precision, lsoa, district, location_type, weapon, injury_mechanism, injury_intent, offence_group
FROM (VALUES
  ('crime', 'rms', 'police', 'crime', '2024-07-06T22:00:00Z', '', 'exact', '2024-07-07T08:00:00Z', 310000.0, 60000.0, 'exact', 'E1', 'D1', 'street', 'knife', NULL, NULL, 'violence_with_injury'),
  ('theft', 'rms', 'police', 'crime', '2024-07-06T22:00:00Z', '', 'exact', '2024-07-07T08:00:00Z', 310000.0, 60000.0, 'exact', 'E1', 'D1', 'street', NULL, NULL, NULL, 'theft'),
  ('same', 'ecds', 'health', 'attendance', '2024-07-06T22:03:00Z', '', 'exact', '2024-07-06T23:00:00Z', 310050.0, 60000.0, 'exact', 'E1', 'D1', 'street', 'knife', 'sharp', 'assault', NULL),
  ('day', 'ecds', 'health', 'attendance', '2024-07-05T23:00:00Z', '2024-07-06T22:59:00Z', 'date', '2024-07-06T23:00:00Z', NULL, NULL, 'area', 'E2', 'D1', 'home', NULL, 'fall', 'assault', NULL),
  ('arrival', 'ecds', 'health', 'attendance', '', '', 'none', '2024-07-07T03:30:00Z', NULL, NULL, 'none', NULL, NULL, NULL, NULL, NULL, 'assault', NULL),
  ('far', 'ecds', 'health', 'attendance', '2024-07-06T22:00:00Z', '', 'exact', '2024-07-06T23:00:00Z', 330000.0, 60000.0, 'exact', 'E9', 'D9', 'street', NULL, NULL, 'assault', NULL),
  ('late', 'ecds', 'health', 'attendance', '2024-07-06T22:00:00Z', '', 'exact', '2024-07-09T23:00:00Z', 310000.0, 60000.0, 'exact', 'E1', 'D1', 'street', NULL, NULL, 'assault', NULL),
  ('fall', 'ecds', 'health', 'attendance', '2024-07-06T22:00:00Z', '', 'exact', '2024-07-06T23:00:00Z', 310000.0, 60000.0, 'exact', 'E1', 'D1', 'street', NULL, NULL, 'accidental', NULL),
  ('week', 'ecds', 'health', 'attendance', '2024-07-13T22:00:00Z', '', 'exact', '2024-07-13T23:00:00Z', NULL, NULL, 'none', NULL, NULL, NULL, NULL, NULL, 'assault', NULL)
) AS t(event_id, source, agency, event_type, started, ended, time_precision, recorded, easting, northing, place_precision, lsoa, district, location_type, weapon, injury_mechanism, injury_intent, offence_group)";

const PARTIES: &str = "CREATE VIEW party AS SELECT * FROM (VALUES
  ('crime', 'p1', 'victim', 24, '18-24', 'male'),
  ('crime', 'p2', 'suspect', 50, '45-54', 'male'),
  ('same', 'h1', 'patient', 24, '18-24', 'male'),
  ('day', 'h2', 'patient', 26, '25-34', 'female'),
  ('arrival', 'h3', 'patient', 40, '35-44', 'unknown')
) AS t(event_id, party_id, role, age, age_band, sex)";

fn rules() -> EventRules {
    EventRules::parse("events.toml", RULES).unwrap()
}

async fn session() -> SessionContext {
    let ctx = svp_lake::session(&Limits { memory_bytes: None, threads: 2, spill_dir: None }).unwrap();
    let bound = svp_functions::bound(CodeMaps::default(), Lookups::default(), Areas::default(), AreaBox::default());
    svp_functions::register(&ctx, bound);
    for sql in [EVENTS, PARTIES] {
        ctx.sql(sql).await.unwrap().collect().await.unwrap();
    }
    ctx
}

/// Attendance, week and the six classes of every pair.
async fn comparisons(places: &[Exclusion]) -> Vec<(String, i64, [i64; 6])> {
    let ctx = session().await;
    prepare(&ctx, &rules(), places).await.unwrap();
    let sql = "SELECT health_event_id, weeks, time_class, place_class, age_class, sex_class, kind_class, sharp_class
               FROM event_comparison ORDER BY 1, 2";
    let mut out = Vec::new();
    for batch in ctx.sql(sql).await.unwrap().collect().await.unwrap() {
        let number = |column: usize, row: usize| batch.column(column).as_primitive::<Int64Type>().value(row);
        for row in 0..batch.num_rows() {
            let id = batch.column(0).as_string::<i32>().value(row).to_owned();
            out.push((id, number(1, row), std::array::from_fn(|i| number(i + 2, row))));
        }
    }
    out
}

#[tokio::test]
async fn pairs_agree_as_the_page_says() {
    let found = comparisons(&[]).await;
    let classes = |id: &str| found.iter().filter(|f| f.0 == id && f.1 == 0).map(|f| f.2).collect::<Vec<_>>();
    // Three minutes, fifty metres, the same age and sex, on a street, by a knife.
    assert_eq!(classes("same"), [[0, 0, 0, 0, 0, 0]]);
    // The day holds the moment; another small area; two years apart; a woman; at home; no knife.
    assert_eq!(classes("day"), [[5, 5, 1, 1, 1, 1]]);
    // Arrived five and a half hours later, and more is not known of it but an age.
    assert_eq!(classes("arrival"), [[7, 9, 2, 9, 9, 9]]);
    for id in ["far", "late", "fall", "week"] {
        assert!(classes(id).is_empty(), "{id} cannot be this crime");
    }
}

#[tokio::test]
async fn moved_attendances_meet_by_chance_only() {
    let found = comparisons(&[]).await;
    let moved: Vec<_> = found.iter().filter(|f| f.1 != 0).collect();
    assert_eq!(moved.len(), 1, "{moved:?}");
    assert_eq!((moved[0].0.as_str(), moved[0].1, moved[0].2[0]), ("week", -1, 0));
}

#[tokio::test]
async fn a_default_place_is_no_place() {
    let place = Exclusion { name: "Headquarters".into(), easting: 310_000.0, northing: 60_000.0, radius_m: 10.0 };
    let found = comparisons(&[place]).await;
    let same = found.iter().find(|f| f.0 == "same" && f.1 == 0).unwrap();
    assert_eq!(same.2[1], 9);
}

#[tokio::test]
async fn too_few_pairs_teach_nothing_and_leave_no_views() {
    let ctx = session().await;
    let (matched, rows) = match_in_memory(&ctx, &rules(), &[]).await.unwrap();
    assert_eq!(matched.len(), 1);
    assert!(matched[0].matches.is_empty() && matched[0].report.levels.is_empty());
    assert_eq!((matched[0].report.police, matched[0].report.health, matched[0].report.pairs), (1, 6, 3));
    assert!(EventReport { pairs: vec![matched[0].report.clone()] }.lines()[0].contains("too few pairs"));
    assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 7);
    for name in WORKING {
        assert!(ctx.table(name).await.is_err(), "{name} is left behind");
    }
}

#[tokio::test]
async fn a_wrong_condition_is_told() {
    let ctx = session().await;
    let mut rules = rules();
    assert_eq!(check_events(&ctx, "events.toml", &rules).await, []);
    rules.scope.health = "injury_intend = 'assault'".to_owned();
    let problems = check_events(&ctx, "events.toml", &rules).await;
    assert!(problems[0].what.contains("scope.health"), "{problems:?}");
}

/// Two matches that differ in the difference of ages alone weigh differently, and what is stored of them is equal, byte for byte. (Where
/// the one reaches a stricter level than the other, the level tells them apart.)
#[test]
fn what_is_stored_of_a_match_does_not_tell_equal_ages_from_ages_a_year_apart() {
    let rules = rules();
    let mut patterns = Vec::new();
    for (class, pairs, moved) in [(0, 400.0, 10.0), (1, 60.0, 20.0), (2, 20.0, 900.0)] {
        patterns.push(Pattern { classes: [0, 0, class, 0, 9, 9], pairs, moved });
        patterns.push(Pattern { classes: [3, 3, class, 1, 9, 9], pairs: moved, moved: 8.0 * moved });
    }
    let model = learn(&patterns, 900.0);
    let [equal, a_year] = [0, 1].map(|age| model.weight(&[0, 0, age, 0, 9, 9]));
    assert!(equal > a_year + 0.5, "the ages weigh: {equal} {a_year}");
    let stored = |weight: f64| {
        let found = Candidate {
            police: "crime".into(),
            health: "attendance".into(),
            weight,
            probability: model.probability(weight),
            minutes: 3,
            distance: 50.0,
        };
        tables::matches(&[Matched { matches: vec![found], ..Matched::default() }], &rules.levels).unwrap()
    };
    assert_eq!(stored(equal), stored(a_year));
    assert!(!stored(equal).column(4).as_string::<i32>().value(0).is_empty());
    let columns: Vec<String> = stored(equal).schema().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(columns, ["police_event_id", "health_event_id", "police_source", "health_source", "level"]);
}
