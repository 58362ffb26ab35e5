//! What follows from a table without standing in it: sums, complements, spans, amounts; places and moments; ages by area; headers.

use proptest::prelude::*;

use super::spans::read;
use super::tests::{check, found, policy, tables};
use super::*;

#[test]
fn what_follows_is_found() {
    assert!(tables(include_str!("cases/follows.txt"), false) > 50);
}

#[test]
fn spans_that_overlap_are_subtracted() {
    assert!(tables(include_str!("cases/spans.txt"), false) > 25);
}

#[test]
fn exact_places_and_moments_are_found() {
    assert!(tables(include_str!("cases/exact.txt"), false) > 30);
}

#[test]
fn narrow_ages_of_small_areas_are_found() {
    assert!(tables(include_str!("cases/ages.txt"), false) > 15);
}

#[test]
fn counts_in_headers_are_found() {
    assert!(tables(include_str!("cases/headers.txt"), false) > 15);
}

#[test]
fn tables_beside_them_may_leave() {
    assert!(tables(include_str!("cases/beside.txt"), true) > 30);
}

#[test]
fn spans_are_read() {
    let inf = f64::INFINITY;
    for (text, kind, from, to) in [
        ("10-17", "number", 10.0, 18.0),
        ("aged 10 to 17", "number", 10.0, 18.0),
        ("under 18", "number", -inf, 18.0),
        ("18 and over", "number", 18.0, inf),
        ("65+", "number", 65.0, inf),
        ("male 10-17", "number male", 10.0, 18.0),
        ("Mon-Fri", "weekday", 0.0, 5.0),
        ("18:00-23:59", "clock", 1080.0, 1440.0),
        ("6pm to 11pm", "clock", 1080.0, 1380.0),
        ("within 1 km", "metres", -inf, 2000.0),
    ] {
        assert_eq!(read(text).map(|s| (s.kind, s.from, s.to)), Some((kind.to_owned(), from, to)), "{text}");
    }
    let months = |text: &str| read(text).map(|s| ((s.to - s.from) / 31.0).round());
    for (text, many) in [
        ("Jan-Mar", 3.0),
        ("January 2024 to April 2024", 4.0),
        ("2023/24", 12.0),
        ("2024", 12.0),
        ("2024-01", 1.0),
        ("Nov-Feb", 4.0),
        ("1 April 2024 to 30 June 2024", 3.0),
        ("year ending March 2024", 12.0),
        ("2024 Q1", 3.0),
    ] {
        assert_eq!(months(text), Some(many), "{text}");
    }
    for text in ["Exeter", "17", "Exeter 001A", "", "E01020001"] {
        assert_eq!(read(text), None, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Nested months from one start: the difference that is small is named, and where none is, nothing is.
    #[test]
    fn months_from_one_start(steps in prop::collection::vec(1i64..40, 2..5), first in 20i64..60, wide in any::<bool>()) {
        let ends = ["Mar", "Apr", "May", "Jun", "Jul"];
        let sums: Vec<i64> = std::iter::once(first).chain(steps.iter().scan(first, |sum, step| { *sum += step; Some(*sum) })).collect();
        let names: Vec<String> = ends.iter().take(sums.len()).map(|end| format!("Jan-{end}")).collect();
        let text = if wide {
            let numbers: Vec<String> = sums.iter().map(i64::to_string).collect();
            format!("district,{}\nAverholt,{}", names.join(","), numbers.join(","))
        } else {
            let rows: Vec<String> = names.iter().zip(&sums).map(|(name, n)| format!("{name},{n}")).collect();
            format!("period,events\n{}", rows.join("\n"))
        };
        let report = check(&text, &[], &policy(10, 1));
        prop_assert_eq!(!report.passes(), steps.iter().any(|step| *step < 10), "{} {:?}", text, found(&report));
    }

    /// A point to the metre is found in whatever notation; the same point on a grid of 100 m is none.
    #[test]
    fn points_in_any_notation(east in 100_000u32..660_000, north in 10_000u32..99_999, form in 0usize..5) {
        let write = |e: u32, n: u32| match form {
            0 => format!("{e} {n}"),
            1 => format!("{e}_{n}"),
            2 => format!("SX {:05} {:05}", e % 100_000, n),
            3 => format!("near ({e}, {n})"),
            _ => format!("SX{:05}{:05}", e % 100_000, n),
        };
        prop_assume!(east % 50 != 0 && north % 50 != 0);
        let report = check(&format!("where,events\n\"{}\",20\nBarn Lane,30", write(east, north)), &["where"], &policy(10, 5));
        let exact = |report: &GateReport| report.findings.iter().any(|f| f.rule == Rule::Identifier(IdentifierKind::ExactPlace));
        prop_assert!(exact(&report), "{} {:?}", write(east, north), found(&report));
        if form == 1 {
            let square = check(&format!("where,events\n{},20", write(east / 100 * 100, north / 100 * 100)), &[], &policy(10, 5));
            prop_assert!(!exact(&square), "{:?}", found(&square));
        }
    }

    /// The same multiple of a count in every row tells it where it is hidden, whatever the column is called.
    #[test]
    fn multiples_of_hidden_counts(counts in prop::collection::vec(10i64..80, 2..5), hidden in 1i64..10, each in 2i64..4000, name in prop::sample::select(&["cost", "impact", "minutes", "reach", "events_weighted"][..])) {
        prop_assume!(counts.iter().any(|n| *n != counts[0]));
        let mut text = format!("district,events,{name}\nCornwall,[c],{}\n", hidden * each);
        for (n, district) in counts.iter().zip(["Averholt", "Saltmarch", "Dunveil", "Exeter"]) {
            text += &format!("{district},{n},{}\n", n * each);
        }
        prop_assert!(!check(&text, &[], &policy(10, 1)).passes(), "{}", text);
    }
}
