use super::*;
use crate::draw::Draw;
use proptest::prelude::*;

/// All pairs, one by one.
fn slowly(events: &[Event], space: &[f64], time: &[f64], rules: &Rules) -> Vec<Vec<u64>> {
    let within = |d: f64, breaks: &[f64], closed: Closed| {
        breaks.windows(2).enumerate().position(|(k, pair)| match closed {
            Closed::Left => pair[0] <= d && d < pair[1],
            Closed::Right => pair[0] < d && d <= pair[1],
            Closed::RightAndLowest => (pair[0] < d || k == 0 && d == pair[0]) && d <= pair[1],
        })
    };
    let same = usize::from(rules.same_place);
    let mut counts = vec![vec![0; time.len() - 1]; space.len() - 1 + same];
    let narrow = |v: f64| if rules.single_precision { f64::from(v as f32) } else { v };
    for (i, a) in events.iter().enumerate() {
        for b in &events[i + 1..] {
            let (dx, dy) = ((narrow(a.x) - narrow(b.x)).abs(), (narrow(a.y) - narrow(b.y)).abs());
            let d = if rules.metric == Metric::Manhattan { dx + dy } else { (dx * dx + dy * dy).sqrt() };
            let row =
                if rules.same_place && d == 0.0 { Some(0) } else { within(d, space, rules.space).map(|r| r + same) };
            if let (Some(i), Some(j)) = (row, within((a.day - b.day).abs(), time, rules.time)) {
                counts[i][j] += 1;
            }
        }
    }
    counts
}

fn town(n: usize, seed: u64, whole: bool) -> Vec<Event> {
    let mut draw = Draw::new(seed, 1);
    let mut event = || {
        let (x, y, day) = (draw.below(60) as f64 * 50.0, draw.below(60) as f64 * 50.0, draw.below(90) as f64);
        Event { x: x + 350_000.0, y: y + 570_000.0, day: if whole { day } else { day + draw.below(24) as f64 / 24.0 } }
    };
    (0..n).map(|_| event()).collect()
}

const INF: f64 = f64::INFINITY;

#[test]
fn as_all_pairs_say() {
    for whole in [true, false] {
        let events = town(300, 5, whole);
        for space in
            [&[0.0, 100.0, 200.0, INF][..], &[100.0, 250.0], &[50.0, 400.0, INF], &[0.0, INF], &[0.0, 0.5, 9_000.0]]
        {
            for time in [&[0.0, 7.0, 14.0, INF][..], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.5, 200.0], &[3.0, 10.0], &[0.0, INF]]
            {
                for closed in [Closed::Left, Closed::Right, Closed::RightAndLowest] {
                    for metric in [Metric::Manhattan, Metric::Euclidean] {
                        for same_place in [true, false] {
                            let rules = Rules {
                                metric,
                                space: closed,
                                time: closed,
                                same_place,
                                single_precision: !same_place,
                            };
                            let found = knox(&events, space, time, &rules, 0, 0, 1).unwrap();
                            assert_eq!(
                                found.observed,
                                slowly(&events, space, time, &rules),
                                "{space:?} {time:?} {rules:?}"
                            );
                            assert!(found.p.iter().flatten().all(Option::is_none));
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn permutations_are_of_the_days() {
    // The same dealing by hand.
    for whole in [true, false] {
        let events = town(120, 6, whole);
        let (space, time, rules) = ([0.0, 200.0, INF], [0.0, 5.0, 20.0], Rules::default());
        let tables = {
            let plan = Plan::new(&events, &space, &time, rules).unwrap();
            plan.finish(count(&plan, 70, 11, 2))
        };
        // The events in the order of the grid, as the days are dealt to that order.
        let mut sorted = events.clone();
        let side = 100.0 * (1.0 + 1e-6);
        let (west, south) = sorted.iter().fold((INF, INF), |(w, s), e| (w.min(e.x), s.min(e.y)));
        sorted.sort_by_key(|e| (((e.y - south) / side).floor() as i64, ((e.x - west) / side).floor() as i64));
        let days: Vec<f64> = sorted.iter().map(|e| e.day).collect();
        for (permutation, table) in tables.iter().enumerate() {
            let mut dealt = days.clone();
            if permutation > 0 {
                Draw::new(11, permutation as u64).shuffle(&mut dealt);
            }
            let events: Vec<Event> = sorted.iter().zip(&dealt).map(|(e, day)| Event { day: *day, ..*e }).collect();
            assert_eq!(*table, slowly(&events, &space, &time, &rules), "{permutation}");
        }
        let found = knox(&events, &space, &time, &rules, 70, 11, 1).unwrap();
        let mean = tables[1..].iter().map(|t| t[0][0]).sum::<u64>() as f64 / 70.0;
        assert!((found.expected[0][0].unwrap() - mean).abs() < 1e-9);
        let at_least = tables[1..].iter().filter(|t| t[0][0] >= found.observed[0][0]).count();
        assert_eq!(found.p[0][0], Some((at_least + 1) as f64 / 71.0));
        assert_eq!(Some(found), knox(&events, &space, &time, &rules, 70, 11, 5), "threads");
    }
}

#[test]
fn a_planted_near_repeat_is_found() {
    let mut events = town(600, 7, true);
    for i in 0..40 {
        let first = events[i];
        events.push(Event { x: first.x + 60.0, day: first.day + 1.0, ..first });
    }
    let found = knox(&events, &[0.0, 100.0, 400.0], &[0.0, 3.0, 30.0], &Rules::default(), 199, 1, 2).unwrap();
    assert!(found.ratio[0][0].unwrap() > 1.5 && found.p[0][0] == Some(1.0 / 200.0), "{found:?}");
    assert!(found.p[1][1].unwrap() > 0.01);
}

#[test]
fn no_answer_where_there_is_none() {
    let events = town(10, 1, true);
    let of = |events: &[Event], space: &[f64], time: &[f64]| knox(events, space, time, &Rules::default(), 9, 1, 1);
    let fine = [0.0, 1.0];
    assert!(of(&events, &fine, &fine).is_some());
    for bad in
        [&[][..], &[0.0], &[1.0, 1.0], &[2.0, 1.0], &[-1.0, 1.0], &[f64::NAN, 1.0], &[0.0, f64::NAN], &[INF, INF]]
    {
        assert_eq!(of(&events, bad, &fine), None, "{bad:?}");
        assert_eq!(of(&events, &fine, bad), None, "{bad:?}");
    }
    assert_eq!(of(&events[..1], &fine, &fine), None);
    assert_eq!(of(&[events[0], Event { day: f64::NAN, ..events[1] }], &fine, &fine), None);
    assert_eq!(of(&[events[0], Event { x: 1e300, ..events[1] }], &fine, &fine), None);
}

/// The events and the report of the Near Repeat Calculator 1.3; `None`, said aloud, where the data is not here.
fn published(name: &str) -> Option<(Vec<Event>, String)> {
    let Ok(folder) = std::env::var("SVP_DATA") else {
        eprintln!("skipped: {name} needs SVP_DATA");
        return None;
    };
    let folder = std::path::Path::new(&folder).join("near_repeat");
    let mut events = Vec::new();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(folder.join("chicago_arson.csv")).unwrap();
    for record in reader.records() {
        let record = record.unwrap();
        let date: Vec<u32> = record[2].split('-').map(|part| part.parse().unwrap()).collect();
        // Days of 2016.
        let before = [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335][date[1] as usize - 1];
        assert_eq!(date[0], 2016);
        events.push(Event {
            x: record[0].parse().unwrap(),
            y: record[1].parse().unwrap(),
            day: f64::from(before + date[2]),
        });
    }
    let report = std::fs::read_to_string(folder.join("chicago_arson_NRverbose_2019-09-23_145637.csv")).unwrap();
    Some((events, report))
}

fn table(report: &str, title: &str) -> Vec<Vec<f64>> {
    let mut lines = report.lines().skip_while(|line| line.trim() != title).skip(3);
    (0..5)
        .map(|_| {
            let cells: Vec<&str> = lines.next().unwrap().split(',').collect();
            cells[2..6].iter().map(|cell| cell.trim().parse().unwrap_or(0.0)).collect()
        })
        .collect()
}

#[test]
fn the_counts_of_the_near_repeat_calculator_to_the_last_pair() {
    let Some((events, report)) = published("the_counts_of_the_near_repeat_calculator_to_the_last_pair") else { return };
    assert_eq!(events.len(), 522);
    let (space, time) = ([0.0, 200.0, 400.0, 600.0, INF], [0.0, 1.0, 2.0, 3.0, INF]);
    let found = knox(&events, &space, &time, &Rules::near_repeat_calculator(), 9_999, 1, 2).unwrap();
    let counts = table(&report, "Observed frequencies distribution");
    let observed: Vec<Vec<f64>> = found.observed.iter().map(|row| row.iter().map(|n| *n as f64).collect()).collect();
    assert_eq!(observed, counts);
    // Its 99 permutations against ours: the mean of each cell within five of its standard errors (a Poisson count's, at most).
    let means: Vec<f64> = report
        .lines()
        .filter_map(|line| line.strip_prefix("Mean, "))
        .map(|mean| mean.trim().parse().unwrap())
        .collect();
    assert_eq!(means.len(), 20);
    for (k, mean) in means.iter().enumerate() {
        // Cells are reported column by column.
        let expected = found.expected[k % 5][k / 5].unwrap();
        assert!((expected - mean).abs() < 5.0 * (expected / 99.0).sqrt() + 0.02, "{k}: {expected} {mean}");
    }
    let p = table(&report, "Statistical significant table");
    for (row, theirs) in found.p.iter().zip(&p) {
        for (p, theirs) in row.iter().zip(theirs) {
            assert!((p.unwrap() - theirs).abs() < 0.15, "{p:?} {theirs}");
        }
    }
}

/// Without single precision one pair of 399.96 m is below 400 m, as it should be.
#[test]
fn the_calculator_rounds_one_pair_away() {
    let Some((events, _)) = published("the_calculator_rounds_one_pair_away") else { return };
    let rules = Rules { single_precision: false, ..Rules::near_repeat_calculator() };
    let found = knox(&events, &[0.0, 200.0, 400.0, 600.0, INF], &[0.0, 1.0, 2.0, 3.0, INF], &rules, 0, 1, 1).unwrap();
    assert_eq!((found.observed[2][3], found.observed[3][3]), (141, 233));
}

proptest! {
    /// Rows and columns of permuted tables keep their sums where all pairs are in a band.
    #[test]
    fn totals_stay(n in 2usize..60, seed in 0u64..99) {
        let events = town(n, seed, seed % 2 == 0);
        let found = knox(&events, &[0.0, 300.0, INF], &[0.0, 9.0, INF], &Rules::default(), 19, seed, 1).unwrap();
        let pairs = (n * (n - 1) / 2) as f64;
        prop_assert_eq!(found.observed.iter().flatten().sum::<u64>() as f64, pairs);
        for i in 0..2 {
            let seen = found.observed[i].iter().sum::<u64>() as f64;
            let expected: f64 = found.expected[i].iter().flatten().sum();
            prop_assert!((seen - expected).abs() < 1e-6);
        }
    }
}
