//! Numbers that run on: where a column (or a row of months) holds sums to date, the difference of neighbours is a count.

use super::label::Label;
use super::numbers::Cell;
use super::read::Table;
use super::sums::{Counts, Place, Rest, dimensions, headers};
use super::vocabulary::{Vocabulary, words};

/// From this many numbers that never fall, and of which one must have said so before, a series is taken to run on.
const NEVER_FALLS: usize = 4;
/// Headers that say that each number stands for itself; a series of them must be longer to be taken for sums to date.
const PLAIN: &[&str] = &[
    "n",
    "count",
    "counts",
    "events",
    "crimes",
    "offences",
    "incidents",
    "attendances",
    "people",
    "victims",
    "number",
    "cases",
    "total",
];

/// Differences of neighbours in columns and rows that can be sums to date.
pub(super) fn running(table: &Table, counts: &Counts<'_>, vocabulary: &Vocabulary) -> Vec<Rest> {
    let mut out = Vec::new();
    for (c, column) in counts.columns.iter().enumerate() {
        let named = vocabulary.is_cumulative(&column.header);
        let plain = words(&column.header).iter().all(|w| PLAIN.contains(&w.as_str()));
        for rows in series(table, vocabulary, named, counts.rows) {
            let shown: Vec<Place> = rows
                .iter()
                .map(|row| (c, *row))
                .filter(|(c, r)| matches!(counts.columns[*c].cells[*r], Cell::Number(_)))
                .collect();
            let least = if named {
                2
            } else if plain {
                NEVER_FALLS
            } else {
                NEVER_FALLS - 1
            };
            let how = || {
                let why = if named {
                    "runs on, by its header"
                } else {
                    "never falls from row to row, so it can be a sum to date"
                };
                format!("column {} {why}", column.name)
            };
            out.extend(steps(counts, &shown, least, named).map(|of| Rest { how: how(), of }));
        }
    }
    // Wide tables: months as columns.
    let labels = headers(counts, vocabulary);
    let ordered = |a: &Option<Label>, b: &Option<Label>| {
        let place = |l: &Option<Label>| l.as_ref().and_then(|l| l.place(vocabulary));
        place(a).zip(place(b)).is_some_and(|(a, b)| a < b)
    };
    if labels.len() >= NEVER_FALLS - 1 && labels.windows(2).all(|w| ordered(&w[0], &w[1])) {
        let rows: Vec<Vec<(Place, Vec<Place>)>> = (0..counts.rows)
            .filter_map(|row| {
                let shown: Vec<Place> = (0..labels.len())
                    .map(|c| (c, row))
                    .filter(|(c, r)| matches!(counts.columns[*c].cells[*r], Cell::Number(_)))
                    .collect();
                steps(counts, &shown, NEVER_FALLS - 1, false)
            })
            .collect();
        if rows.len() == counts.rows && (rows.len() > 1 || labels.len() >= NEVER_FALLS) {
            let how = "the columns never fall from one to the next, so they can be sums to date".to_owned();
            out.push(Rest { how, of: rows.into_iter().flatten().collect() });
        }
    }
    out
}

/// Neighbours of a series that never falls, and rises; `None` where it does not. `back`: it may also never rise.
fn steps(counts: &Counts<'_>, shown: &[Place], least: usize, back: bool) -> Option<Vec<(Place, Vec<Place>)>> {
    let numbers: Vec<f64> = shown.iter().filter_map(|(c, r)| counts.columns[*c].number(*r)).collect();
    if numbers.len() < least || numbers.first() == numbers.last() {
        return None;
    }
    let up = numbers.windows(2).all(|w| w[0] <= w[1]);
    let down = back && numbers.windows(2).all(|w| w[0] >= w[1]);
    let pair = |w: &[Place]| if up { (w[1], vec![w[0]]) } else { (w[0], vec![w[1]]) };
    (up || down).then(|| shown.windows(2).map(pair).collect())
}

/// The rows of a table in series: those that agree in all dimensions but one whose labels have an order, or are not known.
fn series(table: &Table, vocabulary: &Vocabulary, named: bool, rows: usize) -> Vec<Vec<usize>> {
    let labels = dimensions(table, vocabulary);
    if labels.is_empty() {
        return vec![(0..rows).collect()];
    }
    let mut out = Vec::new();
    for (j, column) in labels.iter().enumerate() {
        let place = |row: usize| column.labels[row].as_ref().and_then(|l| l.place(vocabulary));
        let runs = named || (0..rows).all(|row| place(row).is_some() || column.labels[row].is_none());
        if !runs {
            continue;
        }
        let mut groups = std::collections::BTreeMap::<Vec<&str>, Vec<usize>>::new();
        for row in 0..rows {
            let key = labels.iter().enumerate().filter(|(i, _)| *i != j).map(|(_, c)| c.texts[row].as_str()).collect();
            groups.entry(key).or_default().push(row);
        }
        for mut rows in groups.into_values() {
            rows.sort_by(|a, b| place(*a).unwrap_or_default().total_cmp(&place(*b).unwrap_or_default()).then(a.cmp(b)));
            out.push(rows);
        }
    }
    out
}
