use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema};

use super::*;

/// What a site with a few districts of two areas knows.
pub(super) fn site() -> Dimensions {
    let all = |members: &[&str]| members.iter().map(|m| (*m).to_owned()).collect::<Vec<_>>();
    let mut out = Dimensions::default();
    let districts = ["Averholt", "Saltmarch", "Harrowmere", "Dunveil", "Plymouth", "Torbay", "Exeter", "Cornwall"];
    out.add_areas("district", all(&districts));
    out.add(all(&["Safer Averholt", "Saltmarch Coast"]));
    out.add_wholes(all(&["Wessmark", "Devon and Cornwall"]));
    out
}

pub(super) fn policy(suppress_below: i64, round_to: i64) -> Policy {
    Policy { suppress_below, round_to, ..Policy::open("") }
}

/// A table as CSV, quotes and all; an empty field is NULL.
pub(super) fn csv(text: &str) -> RecordBatch {
    let mut reader = ::csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows: Vec<::csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let column = |i: usize| -> ArrayRef {
        Arc::new(rows.iter().map(|row| row.get(i).filter(|text| !text.is_empty())).collect::<StringArray>())
    };
    let fields: Vec<Field> = names.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), (0..names.len()).map(column).collect()).unwrap()
}

pub(super) fn check(text: &str, labels: &[&str], policy: &Policy) -> GateReport {
    check_table(&csv(text), &Asked { counts: None, labels }, &site(), policy)
}

/// Findings as `rule column rows`.
pub(super) fn found(report: &GateReport) -> Vec<String> {
    report.findings.iter().map(|f| format!("{:?} {} {:?}", f.rule, f.column, f.rows)).collect()
}

fn role(report: &GateReport, column: &str) -> Role {
    report.columns.iter().find(|c| c.column == column).unwrap().role
}

/// Checks every table of a file, and gives how many there were.
pub(super) fn tables(file: &str, may_leave: bool) -> usize {
    let mut wrong = Vec::new();
    let blocks: Vec<&str> = file.split("\n## ").skip(1).collect();
    for block in &blocks {
        let (head, body) = block.split_once('\n').unwrap();
        let (name, options) = head.split_once(" | ").unwrap_or((head, ""));
        let option = |key: &str| options.split(' ').find_map(|o| o.strip_prefix(key)?.strip_prefix('='));
        let number = |key: &str, otherwise: i64| option(key).map_or(otherwise, |n| n.parse().unwrap());
        let labels: Vec<&str> = option("labels").map(|l| l.split(',').collect()).unwrap_or_default();
        let (wanted, table): (Vec<&str>, Vec<&str>) = body.trim_end().lines().partition(|line| line.starts_with("> "));
        let wanted: Vec<&str> = wanted.iter().map(|line| &line[2..]).collect();
        let counts: Option<Vec<&str>> = option("counts").map(|l| l.split(',').collect());
        let mut rule = policy(number("t", 10), number("r", 5));
        let ages = option("ages").into_iter().flat_map(|ages| ages.split(',')).map(|age| age.split_once(':').unwrap());
        rule.age_bands.extend(ages.map(|(level, years)| (level.to_owned(), years.parse::<u32>().unwrap())));
        let asked = Asked { counts: counts.as_deref(), labels: &labels };
        let report = check_table(&csv(&table.join("\n")), &asked, &site(), &rule);
        if found(&report) != wanted || report.passes() != may_leave {
            wrong.push(format!("{name}: {:?}, sums {:?}", found(&report), report.sums));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    blocks.len()
}

#[test]
fn tables_that_may_leave() {
    assert!(tables(include_str!("cases/passes.txt"), true) > 50);
    assert!(tables(include_str!("cases/plain.txt"), true) > 20);
}

#[test]
fn small_counts_are_found_whatever_they_wear() {
    assert!(tables(include_str!("cases/counts.txt"), false) > 30);
}

#[test]
fn sums_are_found_from_the_numbers() {
    assert!(tables(include_str!("cases/sums.txt"), false) > 20);
}

#[test]
fn rates_need_their_base() {
    assert!(tables(include_str!("cases/rates.txt"), false) > 12);
}

#[test]
fn identifiers_are_found_inside_texts_and_headers() {
    assert!(tables(include_str!("cases/identifiers.txt"), false) > 40);
}

/// No finding, no name of a column and no reason quotes a cell, or a header that is a value.
#[test]
fn no_value_is_echoed() {
    for file in [
        include_str!("cases/identifiers.txt"),
        include_str!("cases/counts.txt"),
        include_str!("cases/sums.txt"),
        include_str!("cases/exact.txt"),
        include_str!("cases/follows.txt"),
    ] {
        for block in file.split("\n## ").skip(1) {
            let (head, body) = block.split_once('\n').unwrap();
            let labels: Vec<&str> = head.split_once("labels=").map(|(_, l)| l.split(',').collect()).unwrap_or_default();
            let hides_header = body.contains("> ") && body.contains(" no. ");
            let table: Vec<&str> = body.trim_end().lines().filter(|line| !line.starts_with("> ")).collect();
            let report = check(&table.join("\n"), &labels, &policy(10, 5));
            let said = format!("{report:?}") + &report.findings.iter().map(ToString::to_string).collect::<String>();
            let cells = table.iter().skip(usize::from(!hides_header)).flat_map(|line| line.split(','));
            // Words of headers may be said; numbers of two digits are rows.
            let values = cells.filter(|c| c.len() > 4 && !["district", "events", "people", "cumulative"].contains(c));
            for value in values.filter(|v| !table[0].split(',').any(|h| h == *v) || hides_header) {
                let header = table[0].split(',').any(|h| h == value && report.columns.iter().any(|c| c.column == h));
                assert!(header || !said.contains(value), "{head}: {value}");
            }
        }
    }
}

#[test]
fn findings_say_which_rows_and_what_to_do() {
    let report = check(
        "district,events\nAverholt,3\nSaltmarch,12\nDunveil,7\nExeter,0\nTorbay,\"?\"\nPlymouth,-5\nCornwall,",
        &[],
        &policy(8, 5),
    );
    assert_eq!(
        found(&report),
        [
            "SmallCount events [1, 3]",
            "NotRounded events [2]",
            "Negative events [6]",
            "Unreadable events [5]",
            "Blank events [7]"
        ]
    );
    let text = report.findings[0].to_string();
    assert!(text.starts_with("column events: counts below the threshold in rows 1, 3\n  hint: "), "{text}");
    let blank = check("district,events\nAverholt,10\nSaltmarch,", &[], &policy(8, 5));
    assert!(blank.passes());
    assert_eq!(blank.findings[0].severity, Severity::Look);
}

#[test]
fn a_square_of_four_hidden_counts_is_safe_and_a_step_of_three_is_not() {
    let rule = policy(6, 1);
    let safe = "place,male,female,total\nA,[c],[c],43\nB,[c],[c],33\nC,15,20,35\ntotal,53,58,111";
    assert_eq!(found(&check(safe, &[], &rule)), [""; 0]);
    let step = "place,male,female,total\nA,[c],[c],43\nB,[c],20,23\nC,15,20,35\ntotal,20,81,101";
    assert_eq!(found(&check(step, &[], &rule)), ["Recoverable male [1, 2]"]);
}

#[test]
fn rounding_protects_and_what_is_large_needs_no_protection() {
    let rule = policy(8, 5);
    assert_eq!(found(&check("sex,people\nmale,[c]\nfemale,20\ntotal,25", &[], &rule)), [""; 0]);
    // 40 can be 38 to 42, so the hidden count is at least 16 and was hidden for another's sake.
    assert_eq!(found(&check("sex,people\nmale,[c]\nfemale,20\ntotal,40", &[], &rule)), [""; 0]);
    // At most 22 - 18 = 4.
    assert_eq!(found(&check("sex,people\nmale,[c]\nfemale,20\ntotal,20", &[], &rule)), ["Recoverable people [1]"]);
}

#[test]
fn a_total_that_the_rows_contradict_is_not_used() {
    let report = check("district,people,under_25\nExeter,[c],10\nTorbay,20,10\ntotal,24,50", &[], &policy(6, 1));
    assert_eq!(report.sums, [""; 0]);
    assert!(!found(&report).iter().any(|f| f.starts_with("Recoverable")));
}

#[test]
fn marks() {
    let text = |mark: &str| format!("district,people\nExeter,{mark}\nTorbay,[c]\nPlymouth,20\n");
    for mark in
        ["[c]", "c", "*", "<6", "< 6", "<=5", "\u{2264}5", "1-5", "1 to 5", "fewer than 6", "suppressed", "[x]", ":"]
    {
        assert_eq!(found(&check(&text(mark), &[], &policy(6, 1))), [""; 0], "{mark}");
    }
    for mark in ["<4", "2-5", "between 1 and 3", "up to 3"] {
        assert_eq!(found(&check(&text(mark), &[], &policy(6, 1))), ["RevealingMark people [1]"], "{mark}");
    }
}

#[test]
fn what_the_person_names_holds_as_far_as_it_is_safe() {
    let rule = policy(6, 1);
    let batch = csv("district,lane,knife\nExeter,Foxhole,8\nTorbay,Barn,7");
    let unknown = check_table(&batch, &Asked::default(), &site(), &rule);
    assert_eq!(found(&unknown), ["UnknownColumn no. 2 []"]);
    let named = Asked { counts: Some(&["knife", "weapons"]), labels: &["lane"] };
    assert_eq!(found(&check_table(&batch, &named, &site(), &rule)), ["MissingColumn weapons []"]);
    // Naming one count does not make the others labels.
    let batch = csv("district,events,knife\nExeter,60,3\nTorbay,80,20");
    let report = check_table(&batch, &Asked { counts: Some(&["events"]), labels: &[] }, &site(), &rule);
    assert_eq!((found(&report), role(&report, "knife")), (vec!["SmallCount knife [1]".to_owned()], Role::Count));
    // A declared label of small numbers in no order is a count; in order, somebody must look.
    assert_eq!(
        found(&check("district,rank,n\nExeter,3,30\nTorbay,4,40\nPlymouth,2,50", &["rank"], &rule)),
        ["SmallCount rank [1, 2, 3]"]
    );
    assert!(check("district,order,n\nExeter,1,30\nTorbay,2,60\nPlymouth,3,50", &["order"], &rule).passes());
    let none = Asked { counts: Some(&[]), labels: &["remark"] };
    assert!(check_table(&csv("district,remark\nExeter,fine"), &none, &site(), &rule).passes());
    assert!(!check("district,remark\nExeter,fine", &["remark"], &rule).passes());
}

#[test]
fn rows_that_are_events() {
    let rule = policy(6, 1);
    let listed =
        check("event_id,month,weapon\na1,2024-01,knife\na2,2024-01,none\na3,2024-02,knife", &["event_id"], &rule);
    assert_eq!(found(&listed), ["RecordLevel event_id []", "NothingToCheck  []"]);
    let ones = check("month,sex,events\n2024-01,male,1\n2024-01,female,1\n2024-02,female,1", &[], &rule);
    assert_eq!(found(&ones), ["SmallCount events [1, 2, 3]", "RecordLevel  []"]);
}

#[test]
fn the_tables_of_svp_pass() {
    let cells = ["8919598a2b7ffff", "8919598a2b3ffff", "8919598a2bbffff"];
    let batch = RecordBatch::try_from_iter([
        ("cell", Arc::new(StringArray::from(cells.to_vec())) as ArrayRef),
        ("events", Arc::new(Int64Array::from(vec![Some(10), None, None])) as ArrayRef),
        ("events_suppressed", Arc::new(BooleanArray::from(vec![false, true, false])) as ArrayRef),
    ]);
    let report = check_table(&batch.unwrap(), &Asked::default(), &site(), &policy(8, 5));
    assert_eq!(found(&report), [""; 0]);
    let weights = RecordBatch::try_from_iter([
        ("weekday", Arc::new(StringArray::from(vec!["Monday", "Tuesday", "Sunday"])) as ArrayRef),
        ("events", Arc::new(Float64Array::from(vec![0.4, 12.5, 0.0])) as ArrayRef),
    ]);
    let report = check_table(&weights.unwrap(), &Asked::default(), &site(), &policy(6, 1));
    assert_eq!(found(&report), ["SmallCount events [1]"]);
}

/// Every pattern is one that compiles, and the words that ship can be read.
#[test]
fn words_and_patterns_can_be_read() {
    let vocabulary = Vocabulary::new(&Dimensions::default());
    assert!(vocabulary.lists.len() > 20 && vocabulary.is_total("total") && vocabulary.is_counted("girls"));
    assert_eq!(identifiers::patterns(), 20);
    assert_eq!(exact::patterns(), 13);
    assert_eq!(label::patterns(), 6);
}
