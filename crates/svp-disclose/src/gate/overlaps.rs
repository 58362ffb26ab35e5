//! Spans that overlap: `10 to 24` less `10 to 17` is a count although no cell holds it.
//!
//! All ends of the spans of a group cut its axis into pieces. Each count is the sum of its pieces; every run of pieces that is no row
//! of the table is a count that nobody printed, and must not be bounded to a small one.

use std::collections::BTreeMap;

use super::read::GivenTable;
use super::spans::{Span, read};
use super::sums::{Counts, Place, dimensions};
use super::tokens::words;
use super::vocabulary::Vocabulary;

/// Of more ends than this only single pieces are looked at, not all runs of them.
const ENDS: usize = 26;

/// Counts of one group with their spans, as a system to attack.
#[derive(Debug, Clone)]
pub(super) struct Overlap {
    pub how: String,
    /// How many pieces there are.
    pub pieces: usize,
    /// Each count and the pieces that it is the sum of, first and behind the last.
    pub counts: Vec<(Place, (usize, usize))>,
    /// Runs of pieces that are no count of the table.
    pub runs: Vec<(usize, usize)>,
}

/// Rows, and columns, whose spans overlap.
pub(super) fn find(table: &GivenTable, counts: &Counts<'_>, vocabulary: &Vocabulary) -> Vec<Overlap> {
    let mut out = Vec::new();
    let labels = dimensions(table, vocabulary);
    let ends = pair_of_ends(table);
    let texts: Vec<Vec<&str>> = labels
        .iter()
        .filter(|l| !ends.iter().any(|e| e.1.contains(&l.header.as_str())))
        .map(|l| l.texts.iter().map(String::as_str).collect())
        .collect();
    let own = (0..texts.len()).map(|j| (Some(j), texts[j].iter().map(|t| read(t)).collect::<Vec<_>>()));
    for (j, spans) in own.chain(ends.iter().map(|(spans, _)| (None, spans.clone()))) {
        let mut groups: BTreeMap<Vec<&str>, Vec<(usize, Span)>> = BTreeMap::new();
        for (row, span) in spans.iter().enumerate() {
            let Some(span) = span else { continue };
            let others = texts.iter().enumerate().filter(|(i, _)| Some(*i) != j).map(|(_, t)| t[row]);
            groups.entry(others.collect()).or_default().push((row, span.clone()));
        }
        for rows in groups.into_values() {
            for c in 0..counts.columns.len() {
                let places: Vec<(Place, Span)> = rows.iter().map(|(row, span)| ((c, *row), span.clone())).collect();
                overlaps(places, "spans of rows overlap", &mut out);
            }
        }
    }
    let names: Vec<Option<Span>> = counts.columns.iter().map(|c| read(&c.header)).collect();
    for row in 0..counts.rows {
        let places = names.iter().enumerate().filter_map(|(c, span)| Some(((c, row), span.clone()?))).collect();
        overlaps(places, "spans of columns overlap", &mut out);
    }
    out
}

/// Spans of rows that two columns tell together, and the headers of the two.
type Ends<'t> = (Vec<Option<Span>>, [&'t str; 2]);

/// A column of beginnings and one of ends.
fn pair_of_ends(table: &GivenTable) -> Option<Ends<'_>> {
    let column =
        |list: &[&str]| table.columns.iter().find(|c| words(&c.header).iter().any(|w| list.contains(&w.as_str())));
    let (from, to) = (column(&["from", "start", "begin"])?, column(&["to", "end", "until"])?);
    let spans = from.texts.iter().zip(&to.texts).map(|(from, to)| read(&format!("{from} to {to}"))).collect();
    (from.header != to.header).then_some((spans, [from.header.as_str(), to.header.as_str()]))
}

/// Notes the counts of one kind whose spans overlap.
fn overlaps(places: Vec<(Place, Span)>, how: &str, out: &mut Vec<Overlap>) {
    let mut kinds: BTreeMap<String, Vec<(Place, Span)>> = BTreeMap::new();
    for (place, span) in places {
        kinds.entry(span.kind.clone()).or_default().push((place, span));
    }
    for spans in kinds.into_values() {
        let meets = |i: usize| {
            spans.iter().enumerate().any(|(j, other)| i != j && spans[i].1 != other.1 && spans[i].1.meets(&other.1))
        };
        if !(0..spans.len()).any(meets) {
            continue;
        }
        let mut ends: Vec<f64> = spans.iter().flat_map(|(_, s)| [s.from, s.to]).collect();
        ends.sort_by(f64::total_cmp);
        ends.dedup();
        let place = |end: f64| ends.iter().position(|e| *e == end).unwrap_or_default();
        let counts: Vec<(Place, (usize, usize))> =
            spans.iter().map(|(p, s)| (*p, (place(s.from), place(s.to)))).collect();
        let pieces = ends.len() - 1;
        let longest = if ends.len() > ENDS { 1 } else { pieces };
        let runs = (0..pieces).flat_map(|a| (a + 1..=pieces.min(a + longest)).map(move |b| (a, b)));
        let runs = runs.filter(|run| !counts.iter().any(|(_, own)| own == run)).collect();
        out.push(Overlap { how: how.to_owned(), pieces, counts, runs });
    }
}
