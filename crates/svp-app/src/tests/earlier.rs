//! What readers hold already: definitions that were edited, audiences that read one another.

use std::collections::BTreeMap;

use svp_analyse::SiteHierarchies;
use svp_contract::{DefinitionId, ErrorKind};
use svp_disclose::attack::Effort;
use svp_disclose::attack_together;
use svp_disclose::relate::Table as Told;

use super::*;
use crate::disclose::{AttackRequest, Attacked, Releases};
use crate::meanings::Meanings;
use crate::{OffGrid, Rows, Setting, Stage};

/// A site whose police show exact counts from 5 on, with crimes of `months`: of each kind so many in each month.
fn site(months: &[(&str, usize, usize)]) -> Tiny {
    let tiny = Tiny::new();
    edit(&tiny, "pipelines/sources/police_rms.toml", "round_to = 5", "round_to = 1");
    for (month, of_a_group, of_the_other) in months {
        let names: Vec<String> =
            (0..of_a_group + of_the_other).map(|i| format!("C{}{i}", month.replace('/', ""))).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let text = crimes(month, &names);
        // Wounding with intent, and in some rows actual bodily harm: both are violence with injury.
        let rows = text.lines().enumerate().map(|(i, row)| {
            let code = if i <= *of_a_group { "00501,5D" } else { "00806,8N" };
            format!("{}\n", row.replace("10501,8N", code))
        });
        let file = format!("rms_crimes_{}-{}.csv", &month[3..], &month[..2]);
        tiny.give(&file, &rows.collect::<String>());
    }
    tiny
}

fn edit(tiny: &Tiny, file: &str, from: &str, to: &str) {
    let text = fs::read_to_string(tiny.path(file)).unwrap();
    assert!(text.contains(from), "{file}");
    fs::write(tiny.path(file), text.replace(from, to)).unwrap();
}

/// The printed numbers of the months of a release.
fn months(tiny: &Tiny, release: &str, definition: &str) -> BTreeMap<String, f64> {
    let file = tiny.path(&format!("lake/published/{release}/monthly_trend__{definition}.csv"));
    let text = fs::read_to_string(file).unwrap_or_default();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        Some((cells[0].to_owned(), cells.get(2)?.parse().ok()?))
    };
    text.lines().skip(1).filter_map(row).collect()
}

async fn released(tiny: &Tiny, clock: &str, audience: Option<&str>) -> (String, Heard) {
    let heard = Heard::default();
    let request = RunRequest { clock: clock.to_owned(), audience: audience.map(str::to_owned), ..tiny.request() };
    match Prepared::new(request).unwrap().run(&MACHINE, key(), &heard).await.unwrap() {
        Outcome::Released { release, .. } => (release, heard),
        other => panic!("{other:?}"),
    }
}

async fn attacked(tiny: &Tiny, audience: &str) -> Attacked {
    let request = AttackRequest {
        site: tiny.site(),
        area: "wessmark".to_owned(),
        audience: audience.to_owned(),
        ..AttackRequest::default()
    };
    Releases::open(&tiny.lake_at()).await.unwrap().attack(&request, &MACHINE, &Silent).await.unwrap()
}

const INJURY: &str = "pipelines/definitions/injury_violence.toml";
const BOTH: &str = "offence_group IN ('homicide', 'violence_with_injury')";
const LESS: &str = "offence_group IN ('homicide', 'violence_with_injury') AND offence_code <> '5D'";

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_that_is_edited_gives_nothing_of_the_earlier_release_away() {
    let tiny = site(&[("01/2025", 3, 20), ("02/2025", 2, 30), ("03/2025", 4, 25)]);
    let (first, _) = released(&tiny, "2025-04-07T06:00:00Z", None).await;
    let before = months(&tiny, &first, "injury_violence");
    assert_eq!(before.len(), 3, "{before:?}");
    edit(&tiny, INJURY, BOTH, LESS);
    let (second, heard) = released(&tiny, "2025-04-08T06:00:00Z", None).await;
    assert!(heard.has("`injury_violence` was edited since 000001-wessmark-partner: attacked as two definitions"));
    let after = months(&tiny, &second, "injury_violence");
    for (month, now) in &after {
        let less = before[month] - now;
        assert!(less == 0.0 || less >= 5.0, "{month}: {less} of what was taken out");
    }
    let review = fs::read_to_string(tiny.path(&format!("lake/ledger/{second}/review.md"))).unwrap();
    assert!(review.contains("the definition was edited under one name"), "{review}");
    let attack = attacked(&tiny, "partner").await;
    assert_eq!(attack.edited.len(), 1);
    assert!(attack.broken.is_empty() && attack.not_compared.is_empty(), "{attack}");
    // The ledger keeps what it was counted under.
    let entry = fs::read_to_string(tiny.path(&format!("lake/ledger/{first}/entry.json"))).unwrap();
    assert!(entry.contains("violence_with_injury"), "no text of the definition");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meaning_that_is_lost_refuses_until_a_person_accepts_it() {
    let tiny = Tiny::new();
    let (site, _) = Site::read(&tiny.site()).unwrap();
    let setting =
        Setting { ground: None, rows: Rows::Empty, months: None, off_grid: OffGrid::Unasked, hold_coverage: false };
    let ctx = Stage::open(&site, &MACHINE, setting, &Silent).await.unwrap().ctx;
    let of = |digest: &str, suppress_below: i64| -> Told {
        let text = include_str!("../../../svp-disclose/tests/leaks/one_release.json");
        let mut told: Vec<Told> = serde_json::from_str(text).unwrap();
        let definition = DefinitionId { name: "injury_violence".to_owned(), digest: digest.to_owned() };
        told[0].set.definition = definition;
        Told { suppress_below, ..told.remove(0) }
    };
    let none = BTreeMap::new();
    let name = |_| "000001-wessmark-partner".to_owned();
    let now = site.definitions["injury_violence"].digest.clone();
    let known = Meanings::of(&ctx, &site, &[], [of(&now, 5)].iter(), &none).await;
    assert!(known.lost.is_empty() && known.edited.is_empty());
    known.none_lost(&site, CLOCK, "partner", name).unwrap();
    let lost = Meanings::of(&ctx, &site, &[], [of("0", 5), of("0", 1)].iter(), &none).await;
    let error = lost.none_lost(&site, CLOCK, "partner", name).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(error.hint().unwrap().contains("meaning_not_kept"));
    assert!(error.to_string().contains("000001-wessmark-partner was counted under `injury_violence`"), "{error}");
    // Data that are open already have nothing to protect.
    let open = Meanings::of(&ctx, &site, &[], [of("0", 1)].iter(), &none).await;
    open.none_lost(&site, CLOCK, "partner", name).unwrap();
    // A text that is kept and names a column that is gone is as good as lost.
    let gone = fs::read_to_string(tiny.path(INJURY)).unwrap().replace("offence_group", "offence_kind");
    let kept = BTreeMap::from([("0".to_owned(), gone)]);
    let unasked = Meanings::of(&ctx, &site, &[], [of("0", 5)].iter(), &kept).await;
    unasked.none_lost(&site, CLOCK, "partner", name).unwrap_err();
    fs::write(
        tiny.path("pipelines/policies/exceptions.toml"),
        "[[exception]]\nwhat = \"meaning_not_kept\"\ntable = \"injury_violence\"\nreason = \"the release was withdrawn\"\n\
         public_at = \"minutes of April\"\nallowed_by = \"A. Person, data protection officer\"\ndate = \"2025-04-01\"\nexpires = \"2025-04-30\"\n",
    )
    .unwrap();
    let (site, problems) = Site::read(&tiny.site()).unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    lost.none_lost(&site, CLOCK, "partner", name).unwrap();
    lost.none_lost(&site, "2025-05-01T06:00:00Z", "partner", name).unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_run_and_the_command_say_the_same_of_readers_of_two_audiences() {
    // Under the police's own rule a difference of 3 may be told; under the partnership's it may not.
    let tiny = site(&[("01/2025", 20, 3), ("02/2025", 30, 4), ("03/2025", 25, 3)]);
    edit(&tiny, "pipelines/sources/police_rms.toml", "suppress_below = 5", "suppress_below = 3");
    edit(&tiny, "pipelines/areas/wessmark.toml", "[\"injury_violence\"]", "[\"injury_violence\", \"opcc_2020\"]");
    released(&tiny, "2025-04-07T06:00:00Z", Some("police")).await;
    let (_, heard) = released(&tiny, "2025-04-08T06:00:00Z", None).await;
    assert!(heard.has("nor by `police`, who hold 2 tables of releases beside it"), "{:?}", heard.0);
    let attack = attacked(&tiny, "police").await;
    assert!(attack.broken.is_empty(), "{attack}");
    assert!(attack.shown_to_its_own > 0, "{attack}");
    // A number that is small under his own rule is a leak, whichever tables it is worked out from.
    let entries = ["000001-wessmark-police", "000002-wessmark-partner"];
    let mut tables: Vec<Told> = Vec::new();
    for (release, entry) in (1..).zip(entries) {
        let bytes = fs::read(tiny.path(&format!("lake/ledger/{entry}/entry.json"))).unwrap();
        let entry: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let told: Vec<Told> = serde_json::from_value(entry["tables"].clone()).unwrap();
        tables.extend(told.into_iter().map(|t| Told { release, earlier: true, ..t }));
    }
    let mut stricter = tables.clone();
    stricter.iter_mut().filter(|t| t.release == 1).for_each(|t| t.suppress_below = 5);
    let mut hierarchies = SiteHierarchies::default();
    for table in &tables {
        let atoms = if table.set.definition.name == "opcc_2020" { vec![0] } else { vec![0, 1] };
        hierarchies.add_atoms(table.set.definition.clone(), atoms.into_iter().collect());
    }
    let own = |t: &Told| t.release == 1;
    let found = |tables: &[Told]| attack_together(tables, &own, &hierarchies, false, &Effort::default()).unwrap();
    assert!(found(&tables).attack.broken.is_empty());
    assert!(!found(&stricter).attack.broken.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_of_the_lake_is_counted_by_nobody() {
    let tiny = site(&[("01/2025", 10, 20)]);
    released(&tiny, "2025-04-07T06:00:00Z", None).await;
    let file = tiny.path("lake/canonical/event/source=police_rms/slot=rms_crimes_2025-01");
    let file = fs::read_dir(file).unwrap().map(|e| e.unwrap().path()).next().unwrap();
    let whole = fs::read(&file).unwrap();
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(&file, &changed).unwrap();
    tiny.give("rms_crimes_2025-02.csv", &crimes("02/2025", &["D1", "D2"]));
    let request = RunRequest { clock: "2025-04-08T06:00:00Z".to_owned(), ..tiny.request() };
    for request in [request.clone(), RunRequest { ingest_only: true, ..request.clone() }] {
        let error = run(request).await.unwrap_err();
        assert!(matches!(&error, AppError::Damage(damaged) if damaged.len() == 1), "{error}");
        assert_eq!(error.kind(), ErrorKind::Storage);
    }
    fs::write(&file, &whole).unwrap();
    run(request).await.unwrap();
}
