//! The calendar of what is known: which months a lake covers, and what counts by time make of it.

use arrow::array::{RecordBatch, new_null_array};
use datafusion::datasource::MemTable;
use svp_contract::Definition;
use svp_functions::{AreaBox, Areas, CodeMaps, Lookups};

use super::*;
use crate::{define, register_never_mapped, register_site_table};

/// Source, slot, month, and how many events of it.
type Events<'a> = [(&'a str, &'a str, &'a str, usize)];

fn file(source: &str, sender: &str, from: &str, to: &str) -> Delivery {
    Delivery {
        source: source.to_owned(),
        slot: format!("{source} {sender} {from}"),
        sender: Some(sender.to_owned()).filter(|s| !s.is_empty()),
        months: Some((from.to_owned(), to.to_owned())),
    }
}

/// One file for each month, with ten events or with as many as `events` says.
fn monthly(source: &str, sender: &str, months: &[&str]) -> Vec<Delivery> {
    months.iter().map(|m| file(source, sender, m, m)).collect()
}

fn months(from: &str, to: &str) -> Months {
    Months { from: from.to_owned(), to: to.to_owned() }
}

/// A session that holds these events and deliveries, the calendar of the period and the views of a definition that counts the police
/// and hospitals.
async fn session(events: &Events<'_>, deliveries: &[Delivery], period: &Months) -> SessionContext {
    let ctx = SessionContext::new();
    svp_functions::register(
        &ctx,
        svp_functions::bound(CodeMaps::default(), Lookups::default(), Areas::default(), AreaBox::default()),
    );
    let tables = svp_contract::canonical_tables().unwrap();
    for table in &tables {
        match table.name.as_str() {
            "event" => {
                let rows: Vec<_> = events
                    .iter()
                    .flat_map(|(source, slot, month, n)| (0..*n).map(move |i| (*source, *slot, *month, i)))
                    .collect();
                let schema = table.stored_schema();
                let fields: Vec<Field> =
                    schema.fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect();
                type Row<'r> = (&'r str, &'r str, &'r str, usize);
                let text = |of: &dyn Fn(&Row<'_>) -> String| -> ArrayRef {
                    Arc::new(StringArray::from_iter_values(rows.iter().map(of)))
                };
                let columns: Vec<ArrayRef> = fields
                    .iter()
                    .map(|f| match f.name().as_str() {
                        "event_id" => text(&|r| format!("{} {} {} {}", r.0, r.1, r.2, r.3)),
                        "source" => text(&|r| r.0.to_owned()),
                        "slot" => text(&|r| r.1.to_owned()),
                        "month" => text(&|r| r.2.to_owned()),
                        "agency" => text(&|r| if r.0 == "ecds" { "health" } else { "police" }.to_owned()),
                        _ => new_null_array(f.data_type(), rows.len()),
                    })
                    .collect();
                let schema = Arc::new(Schema::new(fields));
                let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
                let table = MemTable::try_new(schema, vec![vec![batch]]).unwrap();
                ctx.register_table("event", Arc::new(table)).unwrap();
            }
            "shift" | "recording_break" => register_site_table(&ctx, table, None).unwrap(),
            "area" | "exclusion" => {}
            _ => {}
        }
    }
    let area = tables.iter().find(|t| t.name == "area").unwrap();
    register_empty(&ctx, "area", area.stored_schema()).unwrap();
    put(&ctx, "exclusion", ["easting", "northing", "radius_m"].map(|n| (n, new_null_array(&DataType::Float64, 0))))
        .unwrap();
    register_never_mapped(&ctx, &[], true, true).unwrap();
    register_coverage(&ctx, deliveries, period).await.unwrap();
    hold_coverage(&ctx).await.unwrap();
    let definition = "name = 'd'\nversion = '1'\ntitle = 'D'\ndescription = 'd'\nsource = 's'\n\
        [[include]]\nagency = 'police'\nwhere = 'true'\nmeaning = 'all'\n\
        [[include]]\nagency = 'health'\nwhere = 'true'\nmeaning = 'all'\n";
    define(&ctx, &Definition::parse("d.toml", definition).unwrap(), period).await.unwrap();
    ctx
}

/// `source sender month state known_by` of each row.
async fn coverage(ctx: &SessionContext) -> Vec<String> {
    let sql = "SELECT concat_ws(' ', source, nullif(sender, ''), month, state, known_by) FROM coverage ORDER BY source, sender, month";
    texts::<1>(ctx, sql).await.unwrap().into_iter().map(|[row]| row).collect()
}

/// `month events state` of each month of the period.
async fn by_month(ctx: &SessionContext) -> Vec<String> {
    let sql =
        "SELECT concat_ws(' ', month, coalesce(CAST(events AS TEXT), 'x'), state) FROM violence_month ORDER BY month";
    texts::<1>(ctx, sql).await.unwrap().into_iter().map(|[row]| row).collect()
}

async fn comparable(ctx: &SessionContext) -> Vec<String> {
    texts::<1>(ctx, "SELECT month FROM comparable_month ORDER BY month")
        .await
        .unwrap()
        .into_iter()
        .map(|[m]| m)
        .collect()
}

/// Ten events in each file.
fn full(files: &[Delivery]) -> Vec<(String, String, String, usize)> {
    files.iter().map(|f| (f.source.clone(), f.slot.clone(), f.months.clone().unwrap().0, 10)).collect()
}

fn borrowed(events: &[(String, String, String, usize)]) -> Vec<(&str, &str, &str, usize)> {
    events.iter().map(|(a, b, c, n)| (a.as_str(), b.as_str(), c.as_str(), *n)).collect()
}

#[tokio::test]
async fn a_month_is_loaded_empty_or_missing() {
    let files = monthly("street", "wessmark", &["2024-01", "2024-02", "2024-04"]);
    let mut events = full(&files);
    events[1].3 = 0;
    let ctx = session(&borrowed(&events), &files, &months("2023-12", "2024-05")).await;
    let rows = coverage(&ctx).await;
    let expected = [
        "street wessmark 2023-12 missing",
        "street wessmark 2024-01 loaded name",
        "street wessmark 2024-02 empty name",
        "street wessmark 2024-03 missing",
        "street wessmark 2024-04 loaded name",
        "street wessmark 2024-05 missing",
    ];
    assert_eq!(rows, expected);
    let expected = [
        "2023-12 x not supplied",
        "2024-01 10 observed",
        "2024-02 0 observed",
        "2024-03 x not supplied",
        "2024-04 10 observed",
        "2024-05 x not supplied",
    ];
    assert_eq!(by_month(&ctx).await, expected);
    assert_eq!(comparable(&ctx).await, ["2024-01", "2024-02", "2024-04"]);
    let found = gaps(&ctx).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((month_list(&found[0].months).as_str(), found[0].of), ("2023-12, 2024-03, 2024-05", 6));
    let told = observed_months(&ctx).await.unwrap().describe().unwrap();
    assert_eq!(told, "3 of 6 months observed. Not available: 2023-12, 2024-03, 2024-05.");
}

#[tokio::test]
async fn what_is_whole_has_nothing_to_tell() {
    let files = monthly("street", "", &["2023-12", "2024-01"]);
    let events = full(&files);
    let ctx = session(&borrowed(&events), &files, &months("2023-12", "2024-01")).await;
    assert!(gaps(&ctx).await.unwrap().is_empty());
    let seen = observed_months(&ctx).await.unwrap();
    assert!(seen.whole() && seen.of == 2 && seen.describe().is_none());
}

#[tokio::test]
async fn a_zero_at_the_edge_of_what_names_say_counts_as_a_month() {
    let files = monthly("street", "", &["2024-01", "2024-02", "2024-03", "2024-04"]);
    let mut events = full(&files);
    (events[0].3, events[3].3) = (0, 0);
    let ctx = session(&borrowed(&events), &files, &months("2024-01", "2024-04")).await;
    assert_eq!(comparable(&ctx).await.len(), 4, "the files say that nothing happened");
    assert_eq!(by_month(&ctx).await[0], "2024-01 0 observed");
}

#[tokio::test]
async fn a_month_that_one_of_two_sources_lacks_is_known_in_part() {
    let mut files = monthly("street", "", &["2024-01", "2024-02", "2024-03"]);
    files.extend(monthly("ecds", "", &["2024-01", "2024-03"]));
    let events = full(&files);
    let ctx = session(&borrowed(&events), &files, &months("2024-01", "2024-03")).await;
    assert_eq!(by_month(&ctx).await, ["2024-01 20 observed", "2024-02 x supplied in part", "2024-03 20 observed"]);
    assert_eq!(comparable(&ctx).await, ["2024-01", "2024-03"]);
    let counted = "SELECT CAST(count(*) AS TEXT) FROM comparable_violence";
    assert_eq!(
        texts::<1>(&ctx, counted).await.unwrap(),
        [["40".to_owned()]],
        "what the police alone say of February is left out"
    );
    let told = observed_months(&ctx).await.unwrap().describe().unwrap();
    assert_eq!(told, "2 of 3 months observed. Supplied in part: 2024-02.");
}

#[tokio::test]
async fn a_source_that_the_definition_does_not_count_is_not_asked() {
    // Files of a third source, of which no event falls under the definition.
    let mut files = monthly("street", "", &["2024-01", "2024-02"]);
    files.extend(monthly("returns", "", &["2024-01"]));
    let mut events = full(&files);
    events[2].3 = 0;
    let ctx = session(&borrowed(&events), &files, &months("2024-01", "2024-02")).await;
    assert_eq!(by_month(&ctx).await, ["2024-01 10 observed", "2024-02 10 observed"]);
    assert_eq!(gaps(&ctx).await.unwrap().len(), 1, "and its gap is told all the same");
}

#[tokio::test]
async fn of_two_trusts_one_lacks_a_month_and_one_comes_late() {
    let mut files = monthly("ecds", "RA1", &["2024-01", "2024-02", "2024-03", "2024-04"]);
    files.extend(monthly("ecds", "RB2", &["2024-02", "2024-04"]));
    let events = full(&files);
    let ctx = session(&borrowed(&events), &files, &months("2024-01", "2024-04")).await;
    let expected = ["2024-01 10 observed", "2024-02 20 observed", "2024-03 x supplied in part", "2024-04 20 observed"];
    assert_eq!(by_month(&ctx).await, expected);
    let found = gaps(&ctx).await.unwrap();
    assert_eq!(
        (found[0].sender.as_str(), found[0].months.as_slice(), found[0].of),
        ("RB2", ["2024-03".to_owned()].as_slice(), 3)
    );
}

#[tokio::test]
async fn a_return_of_a_year_covers_its_months() {
    let files = [file("cin", "", "2022-04", "2023-03"), file("cin", "", "2024-04", "2025-03")];
    let ctx = session(&[], &files, &months("2023-03", "2024-04")).await;
    let rows = coverage(&ctx).await;
    assert_eq!(
        (rows.len(), rows[0].as_str(), rows[13].as_str()),
        (14, "cin 2023-03 empty name", "cin 2024-04 empty name")
    );
    assert!(rows[1..13].iter().all(|r| r.ends_with(" missing")), "the year between has no return");
}

#[tokio::test]
async fn an_extract_that_holds_more_than_its_name_says_covers_what_it_holds() {
    // Two years in one file that is named by its last month, with events every second month.
    let files = [file("rms", "", "2024-03", "2024-03")];
    let slot = files[0].slot.clone();
    let events: Vec<(&str, &str, &str, usize)> = ["2023-04", "2023-06", "2023-08", "2023-10", "2023-12", "2024-02"]
        .map(|m| ("rms", slot.as_str(), m, 10))
        .to_vec();
    let ctx = session(&events, &files, &months("2023-03", "2024-03")).await;
    let rows = coverage(&ctx).await;
    assert_eq!((rows[0].as_str(), rows[12].as_str()), ("rms 2023-03 missing", "rms 2024-03 empty content"));
    assert!(rows[1..12].iter().enumerate().all(|(i, r)| r.ends_with(if i % 2 == 0 {
        "loaded content"
    } else {
        "empty content"
    })));
    // No name says when it begins: rates are over the months from the first to the last event.
    assert_eq!(comparable(&ctx).await.len(), 11);
}

#[tokio::test]
async fn a_few_records_of_other_months_cover_nothing() {
    // The file of March repeats some crimes of February, whose own file is missing.
    let files = monthly("rms", "", &["2024-01", "2024-03"]);
    let (january, march) = (files[0].slot.as_str(), files[1].slot.as_str());
    let events = [("rms", january, "2024-01", 40), ("rms", march, "2024-02", 8), ("rms", march, "2024-03", 40)];
    let ctx = session(&events, &files, &months("2024-01", "2024-03")).await;
    assert_eq!(by_month(&ctx).await, ["2024-01 40 observed", "2024-02 x not supplied", "2024-03 40 observed"]);
    // A file of two whole months covers both.
    let events = [("rms", january, "2024-01", 40), ("rms", march, "2024-02", 35), ("rms", march, "2024-03", 40)];
    let ctx = session(&events, &files, &months("2024-01", "2024-03")).await;
    assert_eq!(by_month(&ctx).await[1], "2024-02 35 observed");
    // One that came under another month's name covers that month no more.
    let events = [("rms", january, "2024-01", 40), ("rms", march, "2024-01", 40)];
    let ctx = session(&events, &files, &months("2024-01", "2024-03")).await;
    assert_eq!(coverage(&ctx).await[2], "rms 2024-03 missing");
}

#[tokio::test]
async fn where_no_name_says_it_the_rows_do_and_that_is_told() {
    let events = [("old", "a", "2024-02", 3), ("old", "b", "2024-05", 1)];
    for files in [vec![], vec![Delivery { source: "old".into(), slot: "a".into(), ..Delivery::default() }]] {
        let ctx = session(&events, &files, &months("2024-01", "2024-06")).await;
        let rows = coverage(&ctx).await;
        let expected = ["missing", "loaded inferred", "empty inferred", "empty inferred", "loaded inferred", "missing"];
        assert!(rows.iter().zip(expected).all(|(row, end)| row.ends_with(end)), "{rows:?}");
        assert_eq!(inferred_sources(&ctx).await.unwrap(), ["old"]);
    }
}

#[test]
fn runs_of_months_in_words() {
    let list = |months: &[&str]| month_list(&months.iter().map(|m| (*m).to_owned()).collect::<Vec<_>>());
    assert_eq!(list(&["2023-11", "2023-12", "2024-01", "2024-03"]), "2023-11 to 2024-01, 2024-03");
    assert_eq!(list(&[]), "");
}
