//! Numbers that run on: where a column (or a row of months) holds sums to date, the difference of neighbours is a count.

use std::collections::BTreeMap;

use super::columns::headers;
use super::numbers::Value;
use super::read::{Column, GivenTable};
use super::spans;
use super::sums::{Counts, Place, Remainder, dimensions};
use super::tokens::words;
use super::vocabulary::Vocabulary;

/// From this many numbers that never fall, and of which one must have said so before, a series is taken to run on.
const NEVER_FALLS: usize = 4;
/// From this many months that never rise, a series is taken for what is still to come.
const NEVER_RISES: usize = 6;
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

/// What a header or a label says of a series.
#[derive(Clone, Copy, PartialEq)]
enum Said {
    Nothing,
    /// Sums to date.
    Runs,
    /// What is still to come.
    IsLeft,
}

impl Said {
    fn of(text: &str, vocabulary: &Vocabulary) -> Self {
        match () {
            () if vocabulary.is_cumulative(text) => Self::Runs,
            () if vocabulary.is_to_come(text) => Self::IsLeft,
            () => Self::Nothing,
        }
    }
}

/// Whole and parts of each step.
type Steps = Vec<(Place, Vec<Place>)>;

/// Differences of neighbours in columns and rows that can be sums to date, or what is left of a sum.
pub(super) fn running(table: &GivenTable, counts: &Counts<'_>, vocabulary: &Vocabulary) -> Vec<Remainder> {
    let mut out = Vec::new();
    for (c, column) in counts.columns.iter().enumerate() {
        let said = Said::of(&column.header, vocabulary);
        let plain = words(&column.header).iter().all(|w| PLAIN.contains(&w.as_str()));
        for Series { rows, said, months } in series(table, vocabulary, said, counts.rows) {
            let shown = shown(counts, rows.iter().map(|row| (c, *row)));
            let (of, why) = if said == Said::Nothing {
                let least = if plain { NEVER_FALLS } else { NEVER_FALLS - 1 };
                let falls = || falling(counts, &shown).filter(|_| months && shown.len() >= NEVER_RISES);
                match steps(counts, &shown, least) {
                    Some(of) => (of, "never falls from row to row, so it can be a sum to date"),
                    None => match falls() {
                        Some(of) => (of, "never rises from month to month, so it can be what is still to come"),
                        None => continue,
                    },
                }
            } else {
                (stretches(counts, &shown), "runs on, by its header or a label")
            };
            out.push(Remainder { how: format!("column {} {why}", column.name), of });
        }
    }
    wide(counts, vocabulary, &mut out);
    out
}

/// Wide tables: months as columns.
fn wide(counts: &Counts<'_>, vocabulary: &Vocabulary, out: &mut Vec<Remainder>) {
    let labels = headers(counts, vocabulary);
    // A column that has no place among the others (a total) is no step.
    let placed: Vec<(usize, f64)> = (0..labels.len())
        .filter_map(|c| {
            let own = labels[c].as_ref().filter(|l| !l.total).and_then(|l| l.place(vocabulary));
            let span = spans::read(&counts.columns[c].header).map(|s| s.to).filter(|to| to.is_finite());
            Some((c, span.or(own)?))
        })
        .collect();
    let says = |c: usize| {
        let header = &counts.columns[c].header;
        let until = words(header).first().is_some_and(|w| ["to", "until", "by", "since", "from"].contains(&w.as_str()));
        until || Said::of(header, vocabulary) != Said::Nothing
    };
    let named = placed.len() > 1 && placed.iter().all(|(c, _)| says(*c));
    let ordered = placed.windows(2).all(|w| w[0].1 < w[1].1);
    let rows = |row: usize| shown(counts, placed.iter().map(|(c, _)| (*c, row)));
    if named {
        let of = (0..counts.rows).flat_map(|row| stretches(counts, &rows(row))).collect();
        out.push(Remainder { how: "the columns run on, by their headers".to_owned(), of });
    } else if placed.len() >= NEVER_FALLS - 1 && ordered {
        let all: Vec<Steps> = (0..counts.rows).filter_map(|row| steps(counts, &rows(row), NEVER_FALLS - 1)).collect();
        if all.len() == counts.rows && (all.len() > 1 || placed.len() >= NEVER_FALLS) {
            let how = "the columns never fall from one to the next, so they can be sums to date".to_owned();
            out.push(Remainder { how, of: all.into_iter().flatten().collect() });
        }
    }
}

/// The places of a series whose numbers are shown.
fn shown(counts: &Counts<'_>, places: impl Iterator<Item = Place>) -> Vec<Place> {
    places.filter(|(c, r)| matches!(counts.columns[*c].cells[*r], Value::Number(_))).collect()
}

fn numbers(counts: &Counts<'_>, shown: &[Place]) -> Vec<f64> {
    shown.iter().filter_map(|(c, r)| counts.columns[*c].number(*r)).collect()
}

/// Neighbours of a series that never falls, and rises; `None` where it does not.
fn steps(counts: &Counts<'_>, shown: &[Place], least: usize) -> Option<Steps> {
    let numbers = numbers(counts, shown);
    let up = numbers.windows(2).all(|w| w[0] <= w[1]);
    (up && numbers.len() >= least && numbers.first() != numbers.last())
        .then(|| shown.windows(2).map(|w| (w[1], vec![w[0]])).collect())
}

/// Neighbours of a series that never rises, and falls.
fn falling(counts: &Counts<'_>, shown: &[Place]) -> Option<Steps> {
    let numbers = numbers(counts, shown);
    (numbers.windows(2).all(|w| w[0] >= w[1]) && numbers.first() != numbers.last())
        .then(|| shown.windows(2).map(|w| (w[0], vec![w[1]])).collect())
}

/// Neighbours of a series that runs on, or off, by its name. Where it turns, a new one has begun: another year.
fn stretches(counts: &Counts<'_>, shown: &[Place]) -> Steps {
    let numbers = numbers(counts, shown);
    let rises = numbers.windows(2).filter(|w| w[0] < w[1]).count();
    let falls = numbers.windows(2).filter(|w| w[0] > w[1]).count();
    let step = |(pair, n): (&[Place], &[f64])| match (n[0] < n[1], rises >= falls) {
        _ if n[0] == n[1] => None,
        (true, true) => Some((pair[1], vec![pair[0]])),
        (false, false) => Some((pair[0], vec![pair[1]])),
        _ => None,
    };
    shown.windows(2).zip(numbers.windows(2)).filter_map(step).collect()
}

/// Rows that follow one another.
struct Series {
    rows: Vec<usize>,
    said: Said,
    /// Their labels are months, or spans no longer than a quarter.
    months: bool,
}

/// The rows of a table in series: those that agree in all dimensions but one whose labels have an order, or are not known.
fn series(table: &GivenTable, vocabulary: &Vocabulary, said: Said, rows: usize) -> Vec<Series> {
    let labels = dimensions(table, vocabulary);
    if labels.is_empty() {
        return vec![Series { rows: (0..rows).collect(), said, months: false }];
    }
    let mut out = Vec::new();
    let ordered = |column: &Column| column.labels.iter().flatten().all(|l| l.place(vocabulary).is_some() || l.total);
    let any_ordered = labels.iter().any(|c| c.labels.iter().any(Option::is_some) && ordered(c));
    for (j, column) in labels.iter().enumerate() {
        // `until` above hours or months says it for every column of counts.
        let until = words(&column.header).iter().any(|w| ["until", "till", "upto"].contains(&w.as_str()));
        let said = if until && said == Said::Nothing { Said::Runs } else { said };
        let place = |row: usize| column.labels[row].as_ref().and_then(|l| l.place(vocabulary));
        let mut groups = BTreeMap::<Vec<&str>, Vec<usize>>::new();
        for row in 0..rows {
            let key = labels.iter().enumerate().filter(|(i, _)| *i != j).map(|(_, c)| c.texts[row].as_str()).collect();
            groups.entry(key).or_default().push(row);
        }
        for (key, mut rows) in groups {
            // A label beside the series can say so: `year to date` among the measures.
            let beside = key.iter().map(|text| Said::of(text, vocabulary)).find(|said| *said != Said::Nothing);
            let said = if said == Said::Nothing { beside.unwrap_or(said) } else { said };
            let in_order = rows.iter().all(|row| place(*row).is_some());
            let unknown = rows.iter().all(|row| place(*row).is_some() || column.labels[*row].is_none());
            // What is left of something is a kind like any other where the rows have no order; what runs on does so over months, if
            // there are any.
            let anyhow = said == Said::Runs && beside.is_none() && (!any_ordered || ordered(column));
            if !(anyhow || in_order || said == Said::Nothing && unknown) {
                continue;
            }
            if !is_turned(column, &rows, &place) {
                rows.sort_by(|a, b| {
                    place(*a).unwrap_or_default().total_cmp(&place(*b).unwrap_or_default()).then(a.cmp(b))
                });
            }
            let month = |row: &usize| {
                spans::read(&column.texts[*row]).is_some_and(|s| {
                    (s.kind.starts_with("month") || s.kind.starts_with("date")) && s.to - s.from < 94.0
                })
            };
            let months = rows.iter().all(month);
            out.push(Series { rows, said, months });
        }
    }
    out
}

/// Months without a year that begin with another than January, as a financial year does: then the rows are in order as they stand.
fn is_turned(column: &Column, rows: &[usize], place: &dyn Fn(usize) -> Option<f64>) -> bool {
    let months = rows.iter().all(|row| spans::read(&column.texts[*row]).is_some_and(|s| s.kind == "month"));
    let turns = rows.windows(2).filter(|w| place(w[0]) > place(w[1])).count();
    months && turns == 1
}
