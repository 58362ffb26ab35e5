//! Runs, and what is asked of them: the outcome, the state, analyses, the ledger.

use super::*;
use crate::analyse::{AnalyseRequest, analyse, describe};
use crate::check::{CheckRequest, check};
use crate::disclose::{AttackRequest, Releases};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_gives_its_release_and_a_second_one_finds_nothing_new() {
    let tiny = Tiny::new();
    let heard = Heard::default();
    let prepared = Prepared::new(tiny.request()).unwrap();
    let outcome = prepared.run(&MACHINE, key(), &heard).await.unwrap();
    let Outcome::Released { release, report } = outcome else { panic!("{outcome:?}") };
    assert_eq!(release, "000001-wessmark-partner");
    assert!(fs::read_to_string(report).unwrap().contains("Serious violence"));
    assert!(heard.has("ingest: police_rms: 3 rows read = 3 accepted"));
    assert!(heard.has("link: 3 person records are "));
    assert!(heard.has("done: release 000001"));
    assert_eq!(tiny.number("SELECT count(*) FROM event").await, 3);

    let state = tiny.state().await;
    assert_eq!(state.live().map(|f| f.slot.as_str()).collect::<Vec<_>>(), ["rms_crimes_2025-01"]);
    assert_eq!(state.receipts.iter().map(|r| (r.rows_read, r.accepted)).collect::<Vec<_>>(), [(3, 3)]);
    assert_eq!(state.ledger.len(), 1);
    assert!(state.linkage.is_some());

    assert_eq!(tiny.release().await, Outcome::NothingNew { release });
}

#[tokio::test(flavor = "multi_thread")]
async fn another_definition_of_the_linkage_is_told_and_people_keep_their_keys() {
    let tiny = Tiny::new();
    tiny.release().await;
    let keys = "SELECT string_agg(person_record_id || person_key, ' ' ORDER BY person_record_id) FROM person_link";
    let before = tiny.text(keys).await;
    let definition = tiny.path("pipelines/linkage/people.toml");
    let text = fs::read_to_string(&definition).unwrap();
    for (text, other) in [
        (format!("# A comment is no other definition.\n{text}"), false),
        (text.replacen("prior_pairs = ", "prior_pairs = 1", 1), true),
        (text.replacen("prior_pairs = ", "# ...\nprior_pairs = 1", 1), false),
    ] {
        fs::write(&definition, text).unwrap();
        let heard = Heard::default();
        let outcome = Prepared::new(tiny.request()).unwrap().run(&MACHINE, key(), &heard).await.unwrap();
        assert!(matches!(outcome, Outcome::Released { .. }), "{outcome:?}");
        assert_eq!(heard.has("they were learned anew, and people keep their keys"), other);
        assert_eq!(tiny.text(keys).await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_describes_and_writes_nothing() {
    let tiny = Tiny::new();
    let heard = Heard::default();
    let text = Prepared::new(tiny.request()).unwrap().describe(&MACHINE, None, &heard).await.unwrap();
    assert!(
        text.starts_with("area wessmark (Wessmark (invented county)), audience partner, 2023-04 to 2025-03\n"),
        "{text}"
    );
    assert!(text.contains("\n\nsource police_rms: 1 files, first "), "{text}");
    assert!(text.contains("\n\noutput monthly_trend under injury_violence\n"), "{text}");
    assert!(!tiny.path("lake").exists());
    tiny.ingest().await;
    let again = Prepared::new(tiny.request()).unwrap().describe(&MACHINE, Some(&key()), &heard).await.unwrap();
    assert_eq!(again, text);
    assert!(!heard.has("load: "), "a file that the lake holds would be loaded");
    // Without the key nobody knows which files they are, and with another's nobody is told.
    Prepared::new(tiny.request()).unwrap().describe(&MACHINE, None, &heard).await.unwrap();
    assert!(heard.has("load: which of the 1 files the lake holds is known under its key alone"));
    let other = Key::generate("test").unwrap();
    let error = Prepared::new(tiny.request()).unwrap().describe(&MACHINE, Some(&other), &heard).await.err();
    assert!(matches!(error, Some(AppError::WrongKey { .. })), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_an_error_with_what_to_do() {
    let tiny = Tiny::new();
    let error = Prepared::new(RunRequest { area: "wesmark".to_owned(), ..tiny.request() }).err().unwrap();
    assert_eq!(error.to_string(), "there is no area `wesmark`");
    assert_eq!(error.hint().as_deref(), Some("did you mean `wessmark`?"));

    // The law of the police source does not reach the public.
    let error = Prepared::new(RunRequest { audience: Some("public".to_owned()), ..tiny.request() }).err().unwrap();
    assert!(matches!(error, AppError::Audience { .. }), "{error}");

    tiny.ingest().await;
    let other = "svp-key-1 needs-assessment 1112131415161718191a1b1c1d1e1f200102030405060708090a0b0c0d0e0f10\n";
    let prepared = Prepared::new(tiny.request()).unwrap();
    let error = prepared.run(&MACHINE, Key::parse(other).unwrap(), &Silent).await.unwrap_err();
    assert!(matches!(error, AppError::WrongKey { .. }), "{error}");

    let request = RunRequest { reload: vec!["police_rms".to_owned()], ..tiny.request() };
    fs::remove_file(tiny.path("extracts/police_rms/rms_crimes_2025-01.csv")).unwrap();
    let error = run(request).await.unwrap_err();
    assert!(!error.findings().is_empty(), "a source without a file is a finding that refuses: {error}");
    assert_eq!(tiny.lake().await.last_run().unwrap().number, 1);
}

/// Twelve crimes, each at another hour: the profile of hours is a list of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_lists_events_is_withheld_and_the_review_says_why() {
    let tiny = Tiny::new();
    let path = tiny.path("pipelines/areas/wessmark.toml");
    let mut area: Table = fs::read_to_string(&path).unwrap().parse().unwrap();
    area.insert("outputs".into(), Value::Array(vec!["monthly_trend".into(), "hour_of_week_profile".into()]));
    fs::write(&path, toml::to_string(&area).unwrap()).unwrap();
    let ids: Vec<String> = (0..12).map(|i| format!("C{i}")).collect();
    let text = crimes("01/2025", &ids.iter().map(String::as_str).collect::<Vec<_>>());
    let at = |(i, line): (usize, &str)| line.replace(" 22:", &format!(" {:02}:", i + 5)) + "\n";
    tiny.give("rms_crimes_2025-01.csv", &text.lines().enumerate().map(at).collect::<String>());
    tiny.release().await;
    let release = tiny.path("lake/published/000001-wessmark-partner");
    assert!(release.join("monthly_trend__injury_violence.csv").exists());
    assert!(!release.join("hour_of_week_profile__injury_violence.csv").exists());
    let manifest = fs::read_to_string(release.join("manifest.json")).unwrap();
    assert!(manifest.contains("withheld: too few events for so many cells") && !manifest.contains("one event each"));
    let review = fs::read_to_string(tiny.path("lake/ledger/000001-wessmark-partner/review.md")).unwrap();
    assert!(review.contains("most of them are hidden and hold one event each"), "{review}");
}

/// Rows that break one rule in several columns are told column by column: no share is of more rows than there are.
#[tokio::test(flavor = "multi_thread")]
async fn no_share_of_rows_is_above_a_hundred_percent() {
    let tiny = Tiny::new();
    let text = crimes("01/2025", &["C1", "C2", "C3", "C4"]);
    let spoilt = text.replace(",Street,", ",Qqx,").replace(",F,W1,", ",Q7,Q8,").replace("Stranger", "Qqz");
    tiny.give("rms_crimes_2025-01.csv", &spoilt.replace(",Filed,", ",Qqy,"));
    let request =
        CheckRequest { site: tiny.site(), area: Some("wessmark".to_owned()), rows: true, ..CheckRequest::default() };
    let checked = check(&request, &MACHINE, &Silent).await.unwrap().rows.unwrap();
    let mut findings = checked.findings.clone();
    for error in checked.refused {
        if let svp_ingest::IngestError::Refused { findings: why } = error {
            findings.extend(why);
        }
    }
    let broken: Vec<&Finding> = findings.iter().filter(|f| f.rule == "unknown_code").collect();
    assert!(broken.iter().map(|f| f.count).sum::<u64>() > 4, "more values than rows: {findings:?}");
    for finding in findings {
        assert!(finding.of == 0 || (finding.count <= finding.of && finding.of <= 4), "{finding}");
        let said = finding.to_string();
        for (before, _) in said.match_indices(" %").map(|(at, _)| said.split_at(at)) {
            let share: f64 = before.rsplit([' ', '(']).next().unwrap().parse().unwrap();
            assert!(share <= 100.0, "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_analysis_gives_true_counts_as_rows() {
    let tiny = Tiny::new();
    tiny.ingest().await;
    let site = Site::sound(&tiny.site()).unwrap();
    let request = AnalyseRequest {
        analysis: "cell_counts".to_owned(),
        lake: tiny.lake_at(),
        area: Some("wessmark".to_owned()),
        set: vec!["grid=bng:500".to_owned()],
        ..AnalyseRequest::default()
    };
    let found = analyse(&site, &request, &MACHINE, &Silent).await.unwrap();
    let row = arrow::compute::concat_batches(&found[0].schema(), &found).unwrap();
    let first = |name: &str| array_value_to_string(row.column_by_name(name).unwrap(), 0).unwrap();
    assert_eq!((first("shift").as_str(), first("month").as_str(), first("events").as_str()), ("all", "2025-01", "3.0"));

    // A period in which nothing happened: no row, and its columns all the same.
    let earlier = AnalyseRequest { from: "2024-01".parse().ok(), to: "2024-02".parse().ok(), ..request.clone() };
    let none = analyse(&site, &earlier, &MACHINE, &Silent).await.unwrap();
    assert_eq!((rows(&none), none[0].num_columns()), (0, row.num_columns()));

    let misspelt = AnalyseRequest { set: vec!["gird=bng:500".to_owned()], ..request.clone() };
    let error = analyse(&site, &misspelt, &MACHINE, &Silent).await.unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("did you mean `grid`?"));
    let nowhere = AnalyseRequest { area: None, ..request };
    assert!(matches!(analyse(&site, &nowhere, &MACHINE, &Silent).await, Err(AppError::Argument { .. })));
    assert!(describe(&site, "cell_counts").unwrap().contains("--set grid=bng:250"));
    assert_eq!(describe(&site, "cell_count").unwrap_err().hint().as_deref(), Some("did you mean `cell_counts`?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_gives_the_account_of_rows_and_writes_nothing() {
    let tiny = Tiny::new();
    let request =
        CheckRequest { site: tiny.site(), area: Some("wessmark".to_owned()), rows: true, ..CheckRequest::default() };
    let checked = check(&request, &MACHINE, &Silent).await.unwrap();
    let rows = checked.rows.as_ref().unwrap();
    assert_eq!(rows.receipts.iter().map(|r| r.accepted).sum::<u64>(), 3);
    assert!(rows.refused.is_empty());
    assert!(rows.accounts()[0].contains("3 rows = 3 accepted"));
    let heard = Heard::default();
    checked.tell(&heard);
    assert!(heard.has("check: reference data are whole"));
    assert!(!tiny.path("lake").exists());

    fs::write(tiny.path("pipelines/areas/broken.toml"), "name = 1").unwrap();
    let AppError::Problems(problems) = check(&request, &MACHINE, &Silent).await.unwrap_err() else { panic!() };
    assert!(problems.iter().all(|p| p.at.starts_with("pipelines/areas/broken.toml")), "{problems:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_released_is_listed_reviewed_and_attacked() {
    let tiny = Tiny::new();
    tiny.release().await;
    let releases = Releases::open(&tiny.lake_at()).await.unwrap();
    assert_eq!(releases.audiences().unwrap(), ["partner"]);
    let listing = releases.list("partner").await.unwrap();
    assert_eq!(listing.releases.iter().map(|r| r.release.as_str()).collect::<Vec<_>>(), ["000001-wessmark-partner"]);
    assert!(listing.to_string().starts_with("partner: 1 releases, chain whole\n  1 000001-wessmark-partner area"));
    assert!(releases.review("000001-wessmark-partner").await.unwrap().contains("wessmark"));
    let request = AttackRequest {
        site: tiny.site(),
        area: "wessmark".to_owned(),
        audience: "partner".to_owned(),
        blind: false,
        paths: PathChoice::default(),
    };
    let attacked = releases.attack(&request, &MACHINE, &Silent).await.unwrap();
    assert_eq!((attacked.releases, attacked.broken.len()), (1, 0));
    assert!(attacked.to_string().ends_with("nothing can be bounded inside its protection interval"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_beside_a_release_is_told() {
    let tiny = Tiny::new();
    tiny.release().await;
    let looked = CheckRequest { site: tiny.site(), lake: Some(tiny.lake_at()), ..CheckRequest::default() };
    let said = async || match check(&looked, &MACHINE, &Silent).await {
        Ok(_) => Vec::new(),
        Err(AppError::Damage(damaged)) => damaged.iter().map(ToString::to_string).collect(),
        Err(other) => panic!("{other}"),
    };
    assert_eq!(said().await, Vec::<String>::new());
    let stranger = tiny.path("lake/published/000001-wessmark-partner/more.csv");
    fs::write(&stranger, "a,b\n").unwrap();
    let found = said().await;
    assert!(found.len() == 1 && found[0].contains("more.csv") && found[0].contains("no run wrote"), "{found:?}");
    fs::remove_file(&stranger).unwrap();
}
