//! Which numbers of a table are sums of others: found from the numbers, with the labels as help.
//!
//! A row is tried as the total of its group (rows that agree in the other dimensions) and of the rows next to it; a column as the
//! total of all others, of two, and of its neighbours. What rules a sum out is a contradiction with the numbers shown, or that the
//! label is one of several that exclude one another: of four districts none is the total of the rest, however the numbers lie,
//! unless they say so in two columns. A total that is more than its parts has a rest.

use std::collections::BTreeMap;

use super::label::Label;
use super::numbers::Value;
use super::read::{Column, GivenTable, Role};
use super::spans;
use super::tokens::words;
use super::vocabulary::Vocabulary;
use crate::Policy;
use crate::count::shown_interval;

/// Groups of up to this many rows are searched row by row with every other.
const FEW: usize = 400;
/// The longest run of rows that is tried as the parts of a row whose label says nothing.
const RUN: usize = 12;

/// Words of a label that leaves something out of another.
const EXCLUDING: &[&str] =
    &["without", "excluding", "excl", "except", "minus", "less", "net", "ex", "not", "non", "exc", "never", "unknown"];

/// A place in the table: count column, row.
pub(super) type Place = (usize, usize);

/// Numbers of which each is the sum of others, for one reason.
#[derive(Debug, Clone)]
pub(super) struct Sums {
    /// Why, in words; no label is quoted.
    pub how: String,
    /// Whole and parts.
    pub of: Vec<(Place, Vec<Place>)>,
    /// The label or the name says so.
    pub named: bool,
    /// How often the numbers say it themselves: columns or rows in which all is shown and adds up.
    pub says: usize,
}

impl Sums {
    /// The label says so, or the numbers say it more than once.
    pub fn is_certain(&self) -> bool {
        self.named || self.says > 1
    }
}

/// A number that holds others and something besides, which is not in the table.
#[derive(Debug, Clone)]
pub(super) struct Remainder {
    pub how: String,
    pub of: Vec<(Place, Vec<Place>)>,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Structure {
    pub sums: Vec<Sums>,
    pub remainders: Vec<Remainder>,
}

/// The count columns with what a reader knows of each number.
pub(super) struct Counts<'a> {
    pub columns: Vec<&'a Column>,
    pub rows: usize,
    /// Least and greatest value of each column's cells, row by row, as far as a reader can tell.
    pub bounds: Vec<Vec<(f64, f64)>>,
}

impl<'a> Counts<'a> {
    /// `known` narrows what the printed numbers say: the same number told by a rate.
    pub fn new(table: &'a GivenTable, known: &BTreeMap<(usize, usize), (f64, f64)>, policy: &Policy) -> Self {
        let at: Vec<usize> = (0..table.columns.len()).filter(|i| table.columns[*i].role == Role::Count).collect();
        let columns: Vec<&Column> = at.iter().map(|i| &table.columns[*i]).collect();
        let mut bounds: Vec<Vec<(f64, f64)>> = columns.iter().map(|column| intervals(column, policy)).collect();
        for (c, i) in at.iter().enumerate() {
            for (row, own) in bounds[c].iter_mut().enumerate() {
                if let Some((low, high)) = known.get(&(*i, row)) {
                    let both = (own.0.max(*low), own.1.min(*high));
                    *own = if both.0 <= both.1 { both } else { *own };
                }
            }
        }
        Self { columns, rows: table.rows, bounds }
    }

    fn bound(&self, (column, row): Place) -> (f64, f64) {
        self.bounds[column][row]
    }

    /// Least and greatest sum of some places.
    fn total(&self, parts: &[Place]) -> (f64, f64) {
        parts.iter().map(|p| self.bound(*p)).fold((0.0, 0.0), |(low, high), (l, h)| (low + l, high + h))
    }

    pub fn shown(&self, (column, row): Place) -> bool {
        self.columns[column].number(row).is_some()
    }

    /// How a whole compares with its parts: it can be their sum, it is more, or it is less.
    pub fn compare(&self, whole: Place, parts: &[Place]) -> Compared {
        let ((low, high), (least, most)) = (self.total(parts), self.bound(whole));
        match () {
            () if low > most => Compared::Less,
            () if high < least => Compared::More,
            () => Compared::CanBe,
        }
    }

    /// Whether all is shown, above zero, and more than one part counts: then a sum that can be is no chance of zeros.
    pub fn says_something(&self, whole: Place, parts: &[Place]) -> bool {
        let above = parts.iter().filter(|p| self.bound(**p).0 > 0.0).count();
        self.shown(whole) && parts.iter().all(|p| self.shown(*p)) && above > 1
    }

    /// Whether the numbers, as they are printed, add up.
    pub fn adds_up(&self, whole: Place, parts: &[Place]) -> bool {
        let number = |(column, row): &Place| self.columns[*column].number(*row);
        let sum: Option<f64> = parts.iter().map(number).sum();
        sum.is_some() && sum == number(&whole)
    }
}

/// How a whole compares with its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    CanBe,
    More,
    Less,
}

/// What a reader knows of each count of a column before looking at sums.
fn intervals(column: &Column, policy: &Policy) -> Vec<(f64, f64)> {
    let base = policy.round_to.max(1);
    // One count that is not rounded: then none can be trusted to be.
    let rounded = column.numbers().iter().all(|n| n % base as f64 == 0.0);
    let interval = |cell: &Value| match *cell {
        Value::Number(n) if base > 1 && rounded && n >= 0.0 => {
            let (low, high) = shown_interval(n as i64, base, policy.suppress_below);
            (low.max(0) as f64, high as f64)
        }
        Value::Number(n) => (n, n),
        Value::Hidden { low, high } => (low, high),
        Value::Blank | Value::NotAvailable | Value::Text => (0.0, f64::INFINITY),
    };
    column.cells.iter().map(interval).collect()
}

/// The label columns that say what a row is: no flags, no codes beside their names, no coordinates.
pub(super) fn dimensions<'a>(table: &'a GivenTable, vocabulary: &Vocabulary) -> Vec<&'a Column> {
    let flag = |column: &Column| {
        column.header.ends_with("_suppressed")
            || column
                .texts
                .iter()
                .all(|t| t.is_empty() || ["true", "false", "yes", "no"].contains(&t.to_lowercase().as_str()))
            || column.why.starts_with("coordinates")
            || column.why.starts_with("ranks")
            || column.why.starts_with("numbers the rows")
    };
    let mut out: Vec<&Column> = Vec::new();
    for column in table.labels().into_iter().filter(|c| !flag(c)) {
        match out.iter().position(|other| one_to_one(vocabulary, column, other, table.rows)) {
            // Of a code and its name, the one that is known tells more.
            Some(at) if known(column) > known(out[at]) => out[at] = column,
            Some(_) => {}
            None => out.push(column),
        }
    }
    out
}

fn known(column: &Column) -> usize {
    column.labels.iter().flatten().filter(|label| !label.blank).count()
}

/// True when each member of one label goes with one member of the other (a code and its name), totals apart.
fn one_to_one(vocabulary: &Vocabulary, a: &Column, b: &Column, rows: usize) -> bool {
    let (mut there, mut back) = (BTreeMap::new(), BTreeMap::new());
    (0..rows).all(|row| {
        let (x, y) = (a.texts[row].as_str(), b.texts[row].as_str());
        let total = |c: &Column| is_total(vocabulary, c, row);
        total(a) || total(b) || (*there.entry(x).or_insert(y) == y && *back.entry(y).or_insert(x) == x)
    })
}

/// Whether the label of a row says that it may be a total: by a word, by being blank, or by naming what holds the rest.
pub(super) fn is_total(vocabulary: &Vocabulary, column: &Column, row: usize) -> bool {
    match &column.labels[row] {
        Some(label) => label.total || label.blank || label.holds_all(vocabulary),
        None => words(&column.texts[row]).iter().any(|word| vocabulary.is_total(word)),
    }
}

pub(super) fn siblings(vocabulary: &Vocabulary, a: Option<&Label>, b: Option<&Label>) -> bool {
    a.zip(b).is_some_and(|(a, b)| a.is_sibling(vocabulary, b))
}

/// Rows that are sums of other rows.
pub(super) fn rows(table: &GivenTable, counts: &Counts<'_>, vocabulary: &Vocabulary, out: &mut Structure) {
    let labels = dimensions(table, vocabulary);
    let everything: Vec<usize> = (0..counts.rows).collect();
    if labels.is_empty() {
        let all: Vec<Option<Label>> = vec![None; counts.rows];
        group(counts, vocabulary, (&all, &vec![Vec::new(); counts.rows]), &everything, &vec![false; counts.rows], out);
        return;
    }
    for (j, column) in labels.iter().enumerate() {
        let total: Vec<bool> = (0..counts.rows).map(|row| is_total(vocabulary, column, row)).collect();
        let texts: Vec<Vec<String>> = column.texts.iter().map(|text| words(text)).collect();
        let others: Vec<&Column> = labels.iter().enumerate().filter(|(i, _)| *i != j).map(|(_, c)| *c).collect();
        // Rows that agree in every other dimension.
        let mut groups: BTreeMap<Vec<&str>, Vec<usize>> = BTreeMap::new();
        for row in 0..counts.rows {
            groups.entry(others.iter().map(|c| c.texts[row].as_str()).collect()).or_default().push(row);
        }
        for rows in groups.values().filter(|rows| rows.len() > 1) {
            group(counts, vocabulary, (&column.labels, &texts), rows, &total, out);
        }
        // A total over several dimensions: its parts agree with it in every other dimension that it has.
        for whole in (0..counts.rows).filter(|row| total[*row]) {
            let has: Vec<&&Column> = others.iter().filter(|c| !is_total(vocabulary, c, whole)).collect();
            if has.len() == others.len() {
                continue;
            }
            let leaf = |row: usize| {
                row != whole
                    && labels.iter().all(|c| !is_total(vocabulary, c, row))
                    && has.iter().all(|c| c.texts[row] == c.texts[whole])
            };
            let parts: Vec<usize> = everything.iter().copied().filter(|row| leaf(*row)).collect();
            labelled(counts, whole, &parts, "a total by its label", out);
        }
        if others.is_empty() {
            continue;
        }
        // Subtotals of the rows next to them, where the other dimensions do not make the group.
        group(counts, vocabulary, (&column.labels, &texts), &everything, &total, out);
    }
}

/// Sums within rows that belong together.
fn group(
    counts: &Counts<'_>,
    vocabulary: &Vocabulary,
    (labels, texts): (&[Option<Label>], &[Vec<String>]),
    rows: &[usize],
    total: &[bool],
    out: &mut Structure,
) {
    let plain: Vec<usize> = rows.iter().copied().filter(|row| !total[*row]).collect();
    let meet = |rows: &[usize]| spans::any_meet(rows.iter().filter_map(|row| labels[*row].as_ref()?.span.as_ref()));
    let overlap = meet(&plain);
    for &whole in rows.iter().filter(|row| total[**row]) {
        if overlap || !sum_of_rows(counts, whole, &plain, false, "a total by its label", out) {
            // Two breakdowns of one total: by sex, and by age.
            let kinds = if plain.len() <= FEW { classes(vocabulary, labels, &plain) } else { Vec::new() };
            let mut summed = false;
            for kind in kinds.iter().filter(|kind| kind.len() < plain.len()) {
                summed |= sum_of_rows(counts, whole, kind, false, "a total by its label", out);
            }
            if !(summed || !overlap && labelled(counts, whole, &plain, "a total by its label", out)) {
                blocks(counts, whole, rows, total, out);
            }
        }
    }
    let Some(&greatest) = plain.iter().max_by(|a, b| counts.bounds[0][**a].0.total_cmp(&counts.bounds[0][**b].0))
    else {
        return;
    };
    // Rows that nothing excludes from being totals. Beside a few members of a list, one that is of none stands out.
    let odd = |row: usize| {
        let others = plain.iter().filter(|o| **o != row);
        let apart =
            others.clone().filter(|o| !siblings(vocabulary, labels[row].as_ref(), labels[**o].as_ref())).count();
        2 * apart > others.count()
    };
    // Every row odd means that no label is known: then numbers alone decide, and only the greatest can hold all others.
    let few = plain.len() <= FEW;
    let odds: Vec<usize> = if few { plain.iter().copied().filter(|row| odd(*row)).collect() } else { Vec::new() };
    for &whole in &plain {
        let parts: Vec<usize> = plain.iter().copied().filter(|row| *row != whole).collect();
        let is_odd = odds.contains(&whole);
        let others = (is_odd || whole == greatest) && !(overlap && meet(&parts));
        if others && sum_of_rows(counts, whole, &parts, !is_odd, "the sum of all others", out) {
            continue;
        }
        if is_odd {
            let others: Vec<usize> = parts.iter().copied().filter(|row| !odds.contains(row)).collect();
            if others.len() < parts.len()
                && sum_of_rows(counts, whole, &others, false, "the sum of the rows of another kind", out)
            {
                continue;
            }
            let marks: Vec<bool> =
                (0..counts.rows).map(|row| total[row] || odds.len() < plain.len() && odds.contains(&row)).collect();
            blocks(counts, whole, rows, &marks, out);
            runs(counts, whole, rows, total, out);
        }
    }
    // Ages that hold ages, a year that holds its months; what is left out of something by its label.
    if few {
        let leaves_out = |row: usize| texts[row].iter().any(|word| EXCLUDING.contains(&word.as_str()));
        for &whole in &plain {
            for &part in plain.iter().filter(|part| **part != whole) {
                let (a, b) = (labels[whole].as_ref(), labels[part].as_ref());
                let without = !leaves_out(whole) && leaves_out(part) && !siblings(vocabulary, a, b);
                if without || a.zip(b).is_some_and(|(a, b)| a.holds(b)) {
                    rest_of_rows(counts, whole, &[part], "holds", out);
                }
            }
        }
    }
}

/// Tries some of the rows next to a row as its parts, where the printed numbers of two columns say so to the last digit.
fn runs(counts: &Counts<'_>, whole: usize, rows: &[usize], total: &[bool], out: &mut Structure) {
    let Some(at) = rows.iter().position(|row| *row == whole) else { return };
    let above: Vec<usize> = rows[..at].iter().rev().copied().take_while(|row| !total[*row]).take(RUN).collect();
    let below: Vec<usize> = rows[at + 1..].iter().copied().take_while(|row| !total[*row]).take(RUN).collect();
    for run in [above, below] {
        for length in 2..run.len() {
            let parts = &run[..length];
            let exact = (0..counts.columns.len()).filter(|c| {
                let (whole, parts) = ((*c, whole), places(*c, parts));
                counts.says_something(whole, &parts) && counts.adds_up(whole, &parts)
            });
            if exact.count() > 1 {
                sum_of_rows(counts, whole, parts, false, "the sum of some rows beside it", out);
            }
        }
    }
}

/// Rows in sets of which the members exclude one another, in the order of the rows.
fn classes(vocabulary: &Vocabulary, labels: &[Option<Label>], rows: &[usize]) -> Vec<Vec<usize>> {
    let mut out: Vec<Vec<usize>> = Vec::new();
    for row in rows {
        let own = |kind: &&mut Vec<usize>| {
            kind.iter().all(|other| siblings(vocabulary, labels[*row].as_ref(), labels[*other].as_ref()))
        };
        match out.iter_mut().find(own) {
            Some(kind) => kind.push(*row),
            None => out.push(vec![*row]),
        }
    }
    out
}

/// Tries the rows next to a row as its parts: those above back to the last total, those below up to the next.
fn blocks(counts: &Counts<'_>, whole: usize, rows: &[usize], total: &[bool], out: &mut Structure) {
    let Some(at) = rows.iter().position(|row| *row == whole) else { return };
    let above: Vec<usize> = rows[..at].iter().rev().copied().take_while(|row| !total[*row]).collect();
    let below: Vec<usize> = rows[at + 1..].iter().copied().take_while(|row| !total[*row]).collect();
    let _ = sum_of_rows(counts, whole, &above, false, "the sum of the rows above it", out)
        || sum_of_rows(counts, whole, &below, false, "the sum of the rows below it", out);
}

/// A row that its label calls a total: a sum where it can be, else a rest where it is more.
fn labelled(counts: &Counts<'_>, whole: usize, parts: &[usize], how: &str, out: &mut Structure) -> bool {
    sum_of_rows(counts, whole, parts, false, how, out)
        || rest_of_rows(counts, whole, parts, "is a total by its label, and more than", out)
}

fn places(column: usize, rows: &[usize]) -> Vec<Place> {
    rows.iter().map(|row| (column, *row)).collect()
}

/// Notes that a row is the sum of others, if the numbers allow it in every column. `strict`: only if they say so themselves.
fn sum_of_rows(
    counts: &Counts<'_>,
    whole: usize,
    parts: &[usize],
    strict: bool,
    how: &str,
    out: &mut Structure,
) -> bool {
    if parts.len() < 2 {
        return false;
    }
    let of: Vec<(Place, Vec<Place>)> = (0..counts.columns.len()).map(|c| ((c, whole), places(c, parts))).collect();
    if of.iter().any(|(w, p)| counts.compare(*w, p) != Compared::CanBe) {
        return false;
    }
    let says = of.iter().filter(|(w, p)| counts.says_something(*w, p)).count();
    if strict && says < 2 {
        return false;
    }
    push(out, Sums { how: format!("row {} is {how}", whole + 1), of, named: how.contains("label"), says });
    true
}

pub(super) fn push(out: &mut Structure, sums: Sums) {
    if !out.sums.iter().any(|known| known.of == sums.of) {
        out.sums.push(sums);
    }
}

/// Notes that a row holds others and more, if the numbers allow it in every column.
fn rest_of_rows(counts: &Counts<'_>, whole: usize, parts: &[usize], how: &str, out: &mut Structure) -> bool {
    if parts.is_empty() {
        return false;
    }
    let of: Vec<(Place, Vec<Place>)> = (0..counts.columns.len()).map(|c| ((c, whole), places(c, parts))).collect();
    if of.iter().any(|(w, p)| counts.compare(*w, p) == Compared::Less) {
        return false;
    }
    let of: Vec<_> = of.into_iter().filter(|(w, p)| counts.shown(*w) && p.iter().all(|p| counts.shown(*p))).collect();
    let rows: Vec<String> = parts.iter().take(4).map(|row| (row + 1).to_string()).collect();
    let more = if parts.len() > 4 { " and others" } else { "" };
    let how =
        format!("row {} {how} row{} {}{more}", whole + 1, if parts.len() > 1 { "s" } else { "" }, rows.join(", "));
    out.remainders.push(Remainder { how, of });
    true
}
