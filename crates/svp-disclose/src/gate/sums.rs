//! Which numbers of a table are sums of others: found from the numbers, with the labels as help.
//!
//! A row is tried as the total of its group (rows that agree in the other dimensions) and of the rows next to it; a column as the
//! total of all others, of two, and of its neighbours. What rules a sum out is a contradiction with the numbers shown, or that the
//! label is one of several that exclude one another: of four districts none is the total of the rest, however the numbers lie,
//! unless they say so in two columns. A total that is more than its parts has a rest.

use std::collections::{BTreeMap, BTreeSet};

use super::label::{Context, Label};
use super::numbers::Cell;
use super::read::{Column, Role, Table};
use super::vocabulary::{Vocabulary, words};
use crate::Policy;
use crate::count::shown_interval;

/// Tables of up to this many count columns are searched for a column that is the sum of two others.
const PAIRS_UP_TO: usize = 24;

/// Words of a label that leaves something out of another.
const EXCLUDING: &[&str] =
    &["without", "excluding", "excl", "except", "minus", "less", "net", "ex", "not", "non", "exc"];

/// A place in the table: count column, row.
pub(super) type Place = (usize, usize);

/// What a reader can tell of each count column's cells, row by row.
pub(super) type Bounds = Vec<Vec<(f64, f64)>>;

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
pub(super) struct Rest {
    pub how: String,
    pub of: Vec<(Place, Vec<Place>)>,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Structure {
    pub sums: Vec<Sums>,
    pub rests: Vec<Rest>,
}

/// The count columns with what a reader knows of each number.
pub(super) struct Counts<'a> {
    pub columns: Vec<&'a Column>,
    pub rows: usize,
    pub bounds: Bounds,
}

impl<'a> Counts<'a> {
    /// `known` narrows what the printed numbers say: the same number told by a rate.
    pub fn new(table: &'a Table, known: &BTreeMap<(usize, usize), (f64, f64)>, policy: &Policy) -> Self {
        let at: Vec<usize> = (0..table.columns.len()).filter(|i| table.columns[*i].role == Role::Count).collect();
        let columns: Vec<&Column> = at.iter().map(|i| &table.columns[*i]).collect();
        let mut bounds: Bounds = columns.iter().map(|column| intervals(column, policy)).collect();
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

    fn shown(&self, (column, row): Place) -> bool {
        self.columns[column].number(row).is_some()
    }

    /// How a whole compares with its parts: it can be their sum, it is more, or it is less.
    fn compare(&self, whole: Place, parts: &[Place]) -> Compared {
        let ((low, high), (least, most)) = (self.total(parts), self.bound(whole));
        match () {
            () if low > most => Compared::Less,
            () if high < least => Compared::More,
            () => Compared::CanBe,
        }
    }

    /// Whether all is shown, above zero, and more than one part counts: then a sum that can be is no chance of zeros.
    fn says_something(&self, whole: Place, parts: &[Place]) -> bool {
        let above = parts.iter().filter(|p| self.bound(**p).0 > 0.0).count();
        self.shown(whole) && parts.iter().all(|p| self.shown(*p)) && above > 1
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
    CanBe,
    More,
    Less,
}

/// What a reader knows of each count of a column before looking at sums.
fn intervals(column: &Column, policy: &Policy) -> Vec<(f64, f64)> {
    let base = policy.round_to.max(1);
    // One count that is not rounded: then none can be trusted to be.
    let rounded = column.numbers().iter().all(|n| n % base as f64 == 0.0);
    let interval = |cell: &Cell| match *cell {
        Cell::Number(n) if base > 1 && rounded && n >= 0.0 => {
            let (low, high) = shown_interval(n as i64, base, policy.suppress_below);
            (low.max(0) as f64, high as f64)
        }
        Cell::Number(n) => (n, n),
        Cell::Hidden { low, high } => (low, high),
        Cell::Blank | Cell::NotAvailable | Cell::Text => (0.0, f64::INFINITY),
    };
    column.cells.iter().map(interval).collect()
}

/// Everything that is, or can be, a sum.
pub(super) fn find(table: &Table, counts: &Counts<'_>, vocabulary: &Vocabulary) -> Structure {
    let mut out = Structure::default();
    if counts.columns.is_empty() || counts.rows == 0 {
        return out;
    }
    rows(table, counts, vocabulary, &mut out);
    columns(counts, vocabulary, &mut out);
    out
}

/// The label columns that say what a row is: no flags, no codes beside their names, no coordinates.
pub(super) fn dimensions<'a>(table: &'a Table, vocabulary: &Vocabulary) -> Vec<&'a Column> {
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

fn siblings(vocabulary: &Vocabulary, a: Option<&Label>, b: Option<&Label>) -> bool {
    a.zip(b).is_some_and(|(a, b)| a.is_sibling(vocabulary, b))
}

/// Rows that are sums of other rows.
fn rows(table: &Table, counts: &Counts<'_>, vocabulary: &Vocabulary, out: &mut Structure) {
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
    for &whole in rows.iter().filter(|row| total[**row]) {
        if !labelled(counts, whole, &plain, "a total by its label", out) {
            blocks(counts, whole, rows, total, out);
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
    let few = plain.len() <= 400;
    let odds: Vec<usize> = if few { plain.iter().copied().filter(|row| odd(*row)).collect() } else { Vec::new() };
    for &whole in &plain {
        let parts: Vec<usize> = plain.iter().copied().filter(|row| *row != whole).collect();
        let is_odd = odds.contains(&whole);
        if (is_odd || whole == greatest) && sum_of_rows(counts, whole, &parts, !is_odd, "the sum of all others", out) {
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

fn push(out: &mut Structure, sums: Sums) {
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
    out.rests.push(Rest { how, of });
    true
}

/// The labels of the count columns' headers.
pub(super) fn headers(counts: &Counts<'_>, vocabulary: &Vocabulary) -> Vec<Option<Label>> {
    let context = Context { ages: true, hours: true };
    counts.columns.iter().map(|c| vocabulary.label(&c.header.replace('_', " "), context)).collect()
}

/// Columns that are sums of other columns, and columns that hold others.
fn columns(counts: &Counts<'_>, vocabulary: &Vocabulary, out: &mut Structure) {
    let n = counts.columns.len();
    let labels = headers(counts, vocabulary);
    let total: Vec<bool> =
        (0..n).map(|c| words(&counts.columns[c].header).iter().any(|w| vocabulary.is_total(w))).collect();
    let is_sibling = |a: usize, b: usize| siblings(vocabulary, labels[a].as_ref(), labels[b].as_ref());
    let before = out.sums.len();
    let plain: Vec<usize> = (0..n).filter(|c| !total[*c]).collect();
    for whole in 0..n {
        let others: Vec<usize> = (0..n).filter(|c| *c != whole).collect();
        let mut tries: Vec<(Vec<usize>, String)> = vec![(others.clone(), "the sum of all other counts".to_owned())];
        if total[whole] {
            tries.insert(0, (plain.clone(), "a total by its name".to_owned()));
        }
        // Neighbours, for tables of several blocks.
        let left: Vec<usize> = (0..whole).rev().take_while(|c| !total[*c]).collect();
        let right: Vec<usize> = (whole + 1..n).take_while(|c| !total[*c]).collect();
        tries.push((left, "the sum of the counts before it".to_owned()));
        tries.push((right, "the sum of the counts behind it".to_owned()));
        if n <= PAIRS_UP_TO {
            for (i, a) in others.iter().enumerate() {
                for b in &others[i + 1..] {
                    tries.push((
                        vec![*a, *b],
                        format!("the sum of {} and {}", counts.columns[*a].name, counts.columns[*b].name),
                    ));
                }
            }
        }
        let mut pairs = BTreeSet::new();
        for (parts, how) in tries {
            let named = total[whole] && how.contains("name");
            if parts.len() < 2 || !pairs.insert(parts.clone()) {
                continue;
            }
            let of: Vec<(Place, Vec<Place>)> =
                (0..counts.rows).map(|row| ((whole, row), parts.iter().map(|p| (*p, row)).collect())).collect();
            if of.iter().any(|(w, p)| counts.compare(*w, p) != Compared::CanBe) {
                continue;
            }
            let says = of.iter().filter(|(w, p)| counts.says_something(*w, p)).count();
            // Twice is no chance. Once, or where all rows hide something, the name must not stand against it.
            let apart = parts.iter().all(|p| !is_sibling(whole, *p));
            let all_or_name = named || parts.len() + 1 == n;
            if says > 1 || apart && all_or_name {
                push(out, Sums { how: format!("column {} is {how}", counts.columns[whole].name), of, named, says });
            }
        }
    }
    let sums: Vec<Sums> = out.sums[before..].to_vec();
    for (whole, is_total) in total.iter().enumerate() {
        for part in (0..n).filter(|part| *part != whole && !is_sibling(whole, *part)) {
            let explained =
                sums.iter().any(|s| s.of.iter().any(|(w, p)| w.0 == whole && p.iter().any(|p| p.0 == part)));
            let of: Vec<(Place, Vec<Place>)> = (0..counts.rows).map(|row| ((whole, row), vec![(part, row)])).collect();
            let less = of.iter().any(|(w, p)| counts.compare(*w, p) == Compared::Less);
            // Hidden numbers say nothing against it; some row must say something for it.
            let of: Vec<_> = of.into_iter().filter(|(w, p)| counts.shown(*w) && counts.shown(p[0])).collect();
            if explained || less || of.is_empty() {
                continue;
            }
            let how = format!(
                "column {} is never less than column {}",
                counts.columns[whole].name, counts.columns[part].name
            );
            out.rests.push(Rest { how, of });
        }
        // A total by its name, or a column that nothing keeps from being one, that is more than all its parts.
        let parts: Vec<usize> = plain.iter().copied().filter(|part| *part != whole).collect();
        let apart = parts.iter().all(|part| !is_sibling(whole, *part));
        let summed = sums.iter().any(|s| s.is_certain() && s.of.iter().any(|(w, _)| w.0 == whole));
        if parts.len() < 2 || summed || !(*is_total || apart) {
            continue;
        }
        let of: Vec<(Place, Vec<Place>)> =
            (0..counts.rows).map(|row| ((whole, row), parts.iter().map(|p| (*p, row)).collect())).collect();
        if of.iter().all(|(w, p)| counts.compare(*w, p) != Compared::Less) {
            let of = of.into_iter().filter(|(w, p)| counts.shown(*w) && p.iter().all(|p| counts.shown(*p))).collect();
            let how = if *is_total { "is a total by its name" } else { "is never less than all others together" };
            out.rests.push(Rest { how: format!("column {} {how}", counts.columns[whole].name), of });
        }
    }
}
