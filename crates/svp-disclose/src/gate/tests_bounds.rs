//! Differential tests: what an attacker can bound, by trying all numbers or by a linear programme of the test's own, against what the
//! gate says.

use std::collections::BTreeMap;

use microlp::{ComparisonOp, OptimizationDirection, Problem, Variable};
use proptest::prelude::*;

use super::tests::{check, csv, found, policy, site};
use super::*;
use crate::count::shown_interval;

/// What is printed of a table: `None` is `[c]`.
type Printed = Vec<Vec<Option<i64>>>;

const TOTALS: &[&str] =
    &["Total", "All", "force", "Wessmark", "", "Grand total", "Devon and Cornwall (all districts)", "Somewhere", "ZZ"];
const DISTRICTS: &[&str] = &["Averholt", "Saltmarch", "Harrowmere", "Dunveil"];

fn told(shown: Option<i64>, rule: &Policy) -> (f64, f64) {
    shown.map_or((1.0, f64::INFINITY), |n| {
        let (low, high) = shown_interval(n, rule.round_to, rule.suppress_below);
        (low.max(0) as f64, high as f64)
    })
}

/// The bounds of each hidden count that a reader learns too much of, when the last row is the sum of the others and the last column
/// (where `across`) too.
fn attacked(printed: &Printed, across: bool, rule: &Policy) -> BTreeMap<(usize, usize), (f64, f64)> {
    // Zeros are always shown, and a mark means one at the least: what follows from these alone is no leak.
    let least = |n: Option<i64>, rule: &Policy| if n == Some(0) { told(n, rule) } else { (1.0, f64::INFINITY) };
    let floors = programme(printed, across, rule, least);
    let mut out = programme(printed, across, rule, told);
    out.retain(|place, (low, high)| {
        *low = if *low <= floors[place].0 + 1e-6 { 1.0 } else { *low };
        learns((*low, *high), rule)
    });
    out
}

/// The least and the greatest that each hidden count can be, each shown number being in the interval that `of` gives.
fn programme(
    printed: &Printed,
    across: bool,
    rule: &Policy,
    of: impl Fn(Option<i64>, &Policy) -> (f64, f64),
) -> BTreeMap<(usize, usize), (f64, f64)> {
    let (rows, columns) = (printed.len(), printed[0].len());
    let mut out = BTreeMap::new();
    for (r, c) in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))).filter(|(r, c)| printed[*r][*c].is_none()) {
        let end = |direction: OptimizationDirection| {
            let mut problem = Problem::new(direction);
            let at: Vec<Vec<Variable>> = (0..rows)
                .map(|i| {
                    (0..columns)
                        .map(|j| problem.add_var(if (i, j) == (r, c) { 1.0 } else { 0.0 }, of(printed[i][j], rule)))
                        .collect()
                })
                .collect();
            for j in 0..columns {
                let terms = at.iter().enumerate().map(|(i, row)| (row[j], if i + 1 == rows { -1.0 } else { 1.0 }));
                problem.add_constraint(terms.collect::<Vec<_>>(), ComparisonOp::Eq, 0.0);
            }
            for row in at.iter().filter(|_| across) {
                let terms = (0..columns).map(|j| (row[j], if j + 1 == columns { -1.0 } else { 1.0 }));
                problem.add_constraint(terms.collect::<Vec<_>>(), ComparisonOp::Eq, 0.0);
            }
            problem.solve().ok().and_then(|s| s.solution().map(|s| s.objective()))
        };
        let low = end(OptimizationDirection::Minimize).unwrap();
        out.insert((r, c), (low, end(OptimizationDirection::Maximize).unwrap_or(f64::INFINITY)));
    }
    out
}

/// Whether a reader who knows these bounds has learnt more than `[c]` says, of what may be a small count.
fn learns((low, high): (f64, f64), rule: &Policy) -> bool {
    let greatest = (rule.suppress_below - 1) as f64;
    low <= greatest + 1e-6 && (high < greatest - 1e-6 || low > 1.0 + 1e-6 && high.is_finite())
}

/// The places that the gate calls recoverable: row and name of the column.
fn recovered(report: &GateReport) -> Vec<(u64, String)> {
    let of = |f: &Finding| f.rows.iter().map(|row| (*row, f.column.clone())).collect::<Vec<_>>();
    let mut out: Vec<_> = report.findings.iter().filter(|f| f.rule == Rule::Recoverable).flat_map(of).collect();
    out.sort();
    out
}

fn field(shown: Option<i64>) -> String {
    shown.map_or("[c]".to_owned(), |n| n.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// One column and its total under any name, rounded or not: what the test's programme bounds, the gate names; and where the
    /// total is called one, nothing else.
    #[test]
    fn a_total_under_any_name(
        truth in prop::collection::vec((0i64..45, 0u8..5), 4), name in prop::sample::select(TOTALS), rounded in any::<bool>(), below in 3i64..11, first in any::<bool>()
    ) {
        let rule = policy(if rounded { below.max(5) } else { below }, if rounded { 5 } else { 1 });
        let mut printed: Printed = truth.iter().map(|(n, hide)| vec![rule.shown(*n).filter(|_| *hide > 0 || *n == 0)]).collect();
        let total = rule.shown(truth.iter().map(|(n, _)| n).sum());
        prop_assume!(total.is_some_and(|n| n > 0));
        let mut lines: Vec<String> = DISTRICTS.iter().zip(&printed).map(|(d, row)| format!("{d},{}", field(row[0]))).collect();
        lines.insert(if first { 0 } else { 4 }, format!("{name},{}", field(total)));
        printed.push(vec![total]);
        let report = check(&format!("district,n\n{}", lines.join("\n")), &["district"], &rule);
        let at = |row: usize| row as u64 + 1 + u64::from(first);
        let wanted: Vec<(u64, String)> = attacked(&printed, false, &rule)
            .into_iter()

            .map(|((row, _), _)| (at(row), "n".to_owned()))
            .collect();
        let said = recovered(&report);
        for place in &wanted {
            prop_assert!(said.contains(place), "{:?} not in {:?}: {:?}", place, said, lines);
        }
        if ["Total", "All", "Grand total", "Wessmark"].contains(&name) {
            prop_assert_eq!(said, wanted, "{:?} {:?}", lines, report.sums);
        }
    }

    /// Two margins together: rows and columns, of which the test's programme uses both.
    #[test]
    fn rows_and_columns_together(
        truth in prop::collection::vec((0i64..40, 0u8..4), 12), rounded in any::<bool>(), below in 3i64..10, called in prop::sample::select(&["total", "all", "persons", "headcount"][..])
    ) {
        let rule = policy(if rounded { below.max(5) } else { below }, if rounded { 5 } else { 1 });
        let mut exact: Vec<Vec<i64>> = truth.chunks(3).map(|row| row.iter().map(|(n, _)| *n).collect()).collect();
        exact.push((0..3).map(|c| exact.iter().map(|row| row[c]).sum()).collect());
        exact.iter_mut().for_each(|row| row.push(row.iter().sum()));
        let hide = |r: usize, c: usize| r < 4 && c < 3 && truth[3 * r + c].1 == 0 && exact[r][c] > 0;
        let printed: Printed = exact
            .iter()
            .enumerate()
            .map(|(r, row)| row.iter().enumerate().map(|(c, n)| rule.shown(*n).filter(|_| !hide(r, c))).collect())
            .collect();
        let names = ["knife", "glass", "firearm", called];
        let mut text = format!("district,{}\n", names.join(","));
        for (row, district) in printed.iter().zip(DISTRICTS.iter().copied().chain(["Total"])) {
            text += &format!("{district},{}\n", row.iter().map(|n| field(*n)).collect::<Vec<_>>().join(","));
        }
        let report = check(&text, &[], &rule);
        let said = recovered(&report);
        for ((row, column), bounds) in attacked(&printed, true, &rule).into_iter() {
            // A column whose name is no word is never named in a message.
            let place = (row as u64 + 1, names[column].to_owned());
            let unnamed = (row as u64 + 1, format!("no. {}", column + 2));
            // Without a name, the sum must show in two rows; else a column of everything is a guess.
            let shown = printed.iter().filter(|r| r.iter().all(Option::is_some) && r.iter().filter(|n| n.is_some_and(|n| n > 0)).count() > 2).count();
            let sure = ["total", "all"].contains(&called) || shown > 1;
            prop_assert!(!sure || said.contains(&place) || said.contains(&unnamed), "{:?} {:?} not in {:?}\n{}{:?}", place, bounds, said, text, report.sums);
        }
    }

    /// Blocks with a subtotal each, under any name: a hidden count of a block is bounded by its own subtotal.
    #[test]
    fn subtotals_of_blocks(
        truth in prop::collection::vec(prop::collection::vec(10i64..60, 2..4), 2..4), small in 1i64..10, block in any::<prop::sample::Index>(), name in prop::sample::select(&["subtotal", "{} subtotal", "all of {}", "", "{}"][..])
    ) {
        let rule = policy(10, 1);
        let hidden = block.index(truth.len());
        let (mut lines, mut at, mut total) = (Vec::new(), 0, 0);
        for (b, counts) in truth.iter().enumerate() {
            let csp = ["X", "Y", "Z"][b];
            for (i, n) in counts.iter().enumerate() {
                let is_hidden = b == hidden && i == 0;
                lines.push(format!("{csp},{}lane {},{}", csp, ["one", "two", "ten"][i], if is_hidden { "[c]".to_owned() } else { n.to_string() }));
                if is_hidden {
                    at = lines.len();
                }
            }
            let sum: i64 = counts.iter().skip(usize::from(b == hidden)).sum::<i64>() + if b == hidden { small } else { 0 };
            total += sum;
            lines.push(format!("{csp},{},{sum}", name.replace("{}", csp)));
        }
        let text = format!("csp,district,n\n{}\nTotal,Total,{total}", lines.join("\n"));
        let report = check(&text, &["csp", "district"], &rule);
        prop_assert!(recovered(&report).contains(&(at as u64, "n".to_owned())), "{} {:?} {:?}", text, found(&report), report.sums);
    }

    /// A column and a part of it: tried with every pair of true numbers that would be printed so.
    #[test]
    fn complements_of_parts(
        truth in prop::collection::vec((0i64..40, 0i64..40), 2..6), rounded in any::<bool>(), names in prop::sample::select(&[("male", "all"), ("knife", "events"), ("under_25", "people"), ("without_domestic", "all_events")][..])
    ) {
        let rule = policy(10, if rounded { 5 } else { 1 });
        let truth: Vec<(i64, i64)> = truth.into_iter().map(|(part, rest)| (part, part + rest)).collect();
        let shown: Vec<(Option<i64>, Option<i64>)> = truth.iter().map(|(p, w)| (rule.shown(*p), rule.shown(*w))).collect();
        let mut text = format!("district,{},{}\n", names.0, names.1);
        for ((part, whole), district) in shown.iter().zip(DISTRICTS.iter().chain(&["Exeter", "Torbay"])) {
            text += &format!("{district},{},{}\n", field(*part), field(*whole));
        }
        let tries = |shown: i64| (0..120).filter(|n| rule.shown(*n) == Some(shown)).collect::<Vec<i64>>();
        let small = |(part, whole): &(Option<i64>, Option<i64>)| {
            let Some((part, whole)) = part.zip(*whole) else { return false };
            let wholes = tries(whole);
            let rests: Vec<i64> = tries(part).iter().flat_map(|p| wholes.iter().map(move |w| w - p)).filter(|rest| *rest >= 0).collect();
            rests.iter().all(|rest| (1..10).contains(rest))
        };
        let wanted: Vec<u64> = (0..).zip(&shown).filter(|(_, pair)| small(pair)).map(|(row, _)| row + 1).collect();
        let report = check(&text, &[], &policy(10, if rounded { 5 } else { 1 }));
        let said: Vec<u64> = report.findings.iter().filter(|f| f.rule == Rule::Difference && f.column == names.1).flat_map(|f| f.rows.clone()).collect();
        // Where one column can be a sum of the others by its rows, or runs on, more can be said; never less.
        for row in &wanted {
            prop_assert!(said.contains(row), "{} {:?}", text, found(&report));
        }
        prop_assert!(said.iter().all(|row| wanted.contains(row)), "{} {:?}", text, found(&report));
    }

    /// Sums to date: the steps that can only be 1 to 9 are named.
    #[test]
    fn sums_to_date(first in 20i64..60, steps in prop::collection::vec(0i64..25, 2..8), rounded in any::<bool>(), name in prop::sample::select(&["cumulative", "events_to_date", "ytd", "running total"][..])) {
        let rule = policy(10, if rounded { 5 } else { 1 });
        let sums: Vec<i64> = std::iter::once(first).chain(steps.iter().scan(first, |sum, step| { *sum += step; Some(*sum) })).collect();
        let shown: Vec<i64> = sums.iter().filter_map(|n| rule.shown(*n)).collect();
        let mut text = format!("month,{name}\n");
        for (i, n) in shown.iter().enumerate() {
            text += &format!("2024-{:02},{n}\n", i + 1);
        }
        let step = |w: &[i64]| {
            let ((a, b), (c, d)) = (told(Some(w[0]), &rule), told(Some(w[1]), &rule));
            ((c - b).max(0.0), d - a)
        };
        let wanted: Vec<u64> = (2..).zip(shown.windows(2)).filter(|(_, w)| { let (low, high) = step(w); low >= 1.0 && high <= 9.0 }).map(|(row, _)| row).collect();
        let report = check(&text, &[], &rule);
        let said: Vec<u64> = report.findings.iter().filter(|f| f.rule == Rule::Difference).flat_map(|f| f.rows.clone()).collect();
        // Steps together can be bounded tighter than each alone, never wider.
        prop_assert!(wanted.iter().all(|row| said.contains(row)), "{} {:?}", text, found(&report));
        prop_assert!(!said.is_empty() || wanted.is_empty());
    }

    /// Events and their percentages of all events pass, whatever they are; a percentage beside a hidden count does not.
    #[test]
    fn events_and_their_percentages(counts in prop::collection::vec(10i64..400, 2..8), places in 0usize..3, header in prop::sample::select(&["percent", "pct", "share", "% of events"][..]), hide in any::<prop::sample::Index>()) {
        let rule = policy(10, 1);
        let total: i64 = counts.iter().sum();
        let percent = |n: &i64| format!("{:.*}", places, 100.0 * *n as f64 / total as f64);
        // A share of few digits beside a count of many says too little to be recognised.
        prop_assume!(counts.iter().all(|n| 100.0 * *n as f64 / total as f64 > 5.0 / 10_f64.powi(places as i32)));
        let weapons = ["knife", "glass", "firearm", "blunt", "acid", "vehicle", "fist", "bottle"];
        let mut rows: Vec<String> = counts.iter().zip(weapons).map(|(n, w)| format!("{w},{n},{}", percent(n))).collect();
        let table = |rows: &[String]| format!("weapon,events,{header}\n{}", rows.join("\n"));
        let report = check(&table(&rows), &[], &rule);
        prop_assert!(report.passes(), "{} {:?}", table(&rows), found(&report));
        let at = hide.index(counts.len());
        rows[at] = format!("{},[c],{}", weapons[at], percent(&counts[at]));
        prop_assert!(!check(&table(&rows), &[], &rule).passes(), "{}", table(&rows));
    }

    /// A table that the gate's own rule has made, without totals, passes; with one true count put back it does not.
    #[test]
    fn what_is_disclosed_passes_and_what_is_put_back_is_found(
        counts in prop::collection::vec(0i64..60, 2..20), at in any::<prop::sample::Index>(), small in 1i64..8
    ) {
        let rule = policy(8, 5);
        let mut rows: Vec<String> = counts.iter().enumerate().map(|(i, n)| format!("E010200{i:02},{}", field(rule.shown(*n)))).collect();
        let table = |rows: &[String]| format!("lsoa,events\n{}", rows.join("\n"));
        let report = check(&table(&rows), &[], &rule);
        // A table of nothing but zeros and marks can hold a total: two rows that say so are asked for.
        prop_assert!(report.passes(), "{} {:?}", table(&rows), found(&report));
        let at = at.index(rows.len());
        rows[at] = format!("E010200{at:02},{small}");
        let report = check(&table(&rows), &[], &rule);
        prop_assert_eq!(report.findings[0].rows.clone(), vec![at as u64 + 1]);
        prop_assert!(!report.passes());
    }

    /// Whatever is hidden and whatever is rounded, what the gate believes of a count holds the truth.
    #[test]
    fn bounds_never_exclude_the_truth(cells in prop::collection::vec((0i64..40, 0u8..4), 12), rounded in any::<bool>(), below in 2i64..9) {
        let rule = policy(below, if rounded { 5 } else { 1 });
        let mut truth: Vec<Vec<i64>> = cells.chunks(3).map(|row| row.iter().map(|(n, _)| *n).collect()).collect();
        truth.push((0..3).map(|c| truth.iter().map(|row| row[c]).sum()).collect());
        truth.iter_mut().for_each(|row| row.push(row.iter().sum()));
        let mut text = "district,knife,blunt,firearm,total\n".to_owned();
        for (i, row) in truth.iter().enumerate() {
            text.push_str(DISTRICTS.get(i).copied().unwrap_or("Total"));
            for (c, n) in row.iter().enumerate() {
                let also = cells.get(i * 3 + c).is_some_and(|(_, hide)| c < 3 && *hide == 0 && *n > 0);
                text.push_str(&format!(",{}", field(rule.shown(*n).filter(|_| !also))));
            }
            text.push('\n');
        }
        let vocabulary = Vocabulary::new(&site());
        let table = GivenTable::read(&csv(&text), &Asked::default(), &vocabulary, &mut Findings::default());
        let counts = sums::Counts::new(&table, &BTreeMap::new(), &rule);
        let certain = margins::structure(&table, &counts, &vocabulary).sums;
        // Columns and rows can be sums of others by chance.
        prop_assume!(certain.iter().filter(|s| s.named).all(|s| s.of.iter().all(|(whole, parts)| {
            let value = |p: &(usize, usize)| truth[p.1][p.0];
            value(whole) == parts.iter().map(value).sum::<i64>()
        })));
        for ((column, row), (low, high)) in margins::bounds(&table, &vocabulary, &rule) {
            let n = truth[row][column] as f64;
            prop_assert!(low <= n + 1e-6 && n - 1e-6 <= high, "{} not in {}..{}\n{}", n, low, high, text);
        }
    }
}
