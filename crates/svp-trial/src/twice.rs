//! Rows of events that stand twice: a file that was pasted twice, a part of it, or an export that joined each row to itself.
//!
//! Two rows that are alike can be two events, so single ones are never taken for a mistake. What is looked at is what true events
//! do not do: an id at one place and time more than once, a run of rows that comes again in its order, rows that nearly all come
//! two (or three) at a time, and rows alike to the minute in great number.

use std::collections::{BTreeSet, HashMap};

use crate::TrialError;
use crate::clock::{When, when};
use crate::table::{MOST_ASTRAY, Table};

/// Columns that name or number rows. Rows are compared without them: an export made twice numbers its rows anew.
const IDS: [&str; 18] = [
    "id",
    "event_id",
    "event id",
    "crime_id",
    "crime id",
    "incident_id",
    "incident id",
    "crime_number",
    "crime number",
    "crime_reference",
    "crime reference",
    "crime_ref",
    "reference",
    "ref",
    "row_number",
    "row",
    "index",
    "",
];
/// Rows in a run that must come again in their order before it is told, and different ones among them.
const RUN: usize = 10;
const RUN_DIFFERENT: usize = 8;
/// Different rows from which on it is no chance that nearly all of them come in twos: of as many true ones, fewer than half do.
const MANY_GROUPS: usize = 20;
/// Share of rows in groups of that size that is nearly all.
const NEARLY_ALL: f64 = 0.95;
/// Greatest size of the groups: a file pasted more often is seen as one pasted twice, for its run.
const MOST_TIMES: usize = 5;
/// Share of rows with a time of day that are like an earlier row above which the file is refused. Several victims of one event
/// make a tenth or so.
const MOST_ALIKE: f64 = 1.0 / 3.0;
/// Rows below which nothing is said of shares.
const FEW: usize = 20;

/// Columns of a file of events that place an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placing {
    pub easting: usize,
    pub northing: usize,
    pub occurred: usize,
}

/// Looks for rows that stand twice. What is small is told in the notes that come back.
pub(crate) fn judge(file: &str, table: &Table, placing: Placing) -> Result<Vec<String>, TrialError> {
    let mut notes = Vec::new();
    let of = table.rows().len() as u64;
    let weigh = |rows: u64, what: String| {
        if rows as f64 > MOST_ASTRAY * of as f64 {
            return Err(TrialError::Repeated { file: file.to_owned(), rows, of, what });
        }
        Ok(format!("{rows} of {of} rows stand twice, and each of them counts: {what}"))
    };
    let id = table.column(&IDS);
    let mut identified = false;
    if let Some(id) = id {
        let found = ids(table, id, placing);
        identified = found.names_rows;
        if found.same > 0 {
            notes.push(weigh(found.same, "their ids stand at the same place and time before".to_owned())?);
        }
        if found.other > 0 && found.names_rows {
            notes.push(format!(
                "{} of {of} rows have an id that an earlier row has at another place or time: each of them counts",
                found.other
            ));
        }
        if found.same > 0 {
            return Ok(notes);
        }
    }
    let kinds = kinds(table);
    let runs = runs(&kinds);
    if let Some(run) = runs.iter().max_by_key(|run| run.rows) {
        let lines = |from: usize| format!("{} to {}", table.line(from), table.line(from + run.rows - 1));
        let more = if runs.len() > 1 { format!(", and {} more such runs", runs.len() - 1) } else { String::new() };
        let what =
            format!("lines {} say what lines {} say, in the same order{more}", lines(run.again), lines(run.first));
        notes.push(weigh(runs.iter().map(|r| r.rows as u64).sum(), what)?);
        return Ok(notes);
    }
    let mut sizes: HashMap<usize, usize> = HashMap::new();
    kinds.iter().for_each(|kind| *sizes.entry(*kind).or_default() += 1);
    let alike = kinds.len() - sizes.len();
    let in_times = |times: usize| {
        let rows: usize = sizes.values().filter(|n| n.is_multiple_of(times)).sum();
        sizes.len() >= MANY_GROUPS && rows as f64 >= NEARLY_ALL * kinds.len() as f64
    };
    if let Some(times) = (2..=MOST_TIMES).rev().find(|times| in_times(*times)) {
        notes.push(weigh(alike as u64, format!("nearly every row stands there {times} times"))?);
    } else if !identified && kinds.len() >= FEW && alike as f64 > MOST_ASTRAY * kinds.len() as f64 {
        let what = "they are like an earlier row in all columns".to_owned();
        if sizes.len() >= FEW / 2 && alike as f64 > MOST_ALIKE * kinds.len() as f64 && timed(table, placing) {
            notes.push(weigh(alike as u64, what)?);
        } else {
            // Days and months with places moved to a few points make many true rows alike.
            notes.push(format!("{alike} of {of} rows are like an earlier row in all columns, and each of them counts"));
        }
    }
    Ok(notes)
}

/// Ids that come more than once.
#[derive(Debug, Default)]
struct Ids {
    /// Rows whose id stands in an earlier row at the same place and time.
    same: u64,
    /// Rows whose id stands only in earlier rows of another place or time.
    other: u64,
    /// Most rows have an id of their own: the column does not name squares or forces.
    names_rows: bool,
}

fn ids(table: &Table, id: usize, at: Placing) -> Ids {
    let mut seen: HashMap<&str, BTreeSet<[&str; 3]>> = HashMap::new();
    let (mut out, mut rows) = (Ids::default(), 0);
    for row in table.rows().iter().filter(|row| !row[id].is_empty()) {
        rows += 1;
        let place = [row[at.easting].as_str(), row[at.northing].as_str(), row[at.occurred].as_str()];
        let places = seen.entry(row[id].as_str()).or_default();
        if places.contains(&place) {
            out.same += 1;
        } else {
            out.other += u64::from(!places.is_empty());
            places.insert(place);
        }
    }
    out.names_rows = seen.len() * 2 > rows;
    out
}

/// A number for each row, the same for rows that are alike but for names and numbers of rows.
fn kinds(table: &Table) -> Vec<usize> {
    let compared: Vec<usize> =
        table.header().iter().enumerate().filter(|(_, name)| !IDS.contains(&name.as_str())).map(|(i, _)| i).collect();
    let mut known: HashMap<Vec<&str>, usize> = HashMap::new();
    table
        .rows()
        .iter()
        .map(|row| {
            let next = known.len();
            *known.entry(compared.iter().map(|i| row[*i].as_str()).collect()).or_insert(next)
        })
        .collect()
}

/// A run of rows that comes again in its order.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    first: usize,
    again: usize,
    rows: usize,
}

/// Runs that come again, each as long as it goes on. A run of rows that are alike says nothing of their order.
fn runs(kinds: &[usize]) -> Vec<Run> {
    let mut seen: HashMap<&[usize], usize> = HashMap::new();
    let (mut out, mut at) = (Vec::new(), 0);
    while at + RUN <= kinds.len() {
        let window = &kinds[at..at + RUN];
        match seen.get(window) {
            Some(first) if first + RUN <= at => {
                let rows = kinds[*first..].iter().zip(&kinds[at..]).take_while(|(a, b)| a == b).count();
                out.push(Run { first: *first, again: at, rows });
                at += rows;
            }
            Some(_) => at += 1,
            None => {
                let different: BTreeSet<usize> = window.iter().copied().collect();
                if different.len() >= RUN_DIFFERENT {
                    seen.insert(window, at);
                }
                at += 1;
            }
        }
    }
    out
}

/// Whether most rows have a time of day, so that rows alike are alike to the minute.
fn timed(table: &Table, at: Placing) -> bool {
    let mut clocks: HashMap<&str, usize> = HashMap::new();
    let mut with = 0;
    for row in table.rows() {
        let text = row[at.occurred].as_str();
        if matches!(when(text), Some(When::Clock(_) | When::Instant(_))) {
            with += 1;
            // What stands behind the date: one and the same in every row where the hour is a filler.
            *clocks.entry(text.get(10..).unwrap_or_default()).or_default() += 1;
        }
    }
    let most = clocks.values().copied().max().unwrap_or(0);
    with * 2 > table.rows().len() && most * 2 <= with
}

#[cfg(test)]
mod tests {
    use svp_contract::Advice;

    use super::*;

    /// `n` rows, no two alike, minute by minute.
    fn rows(n: usize) -> Vec<String> {
        (0..n)
            .map(|i| {
                format!(
                    "{},{},2024-{:02}-{:02} {:02}:{:02}",
                    316_000 + i * 7 % 900,
                    62_000 + i,
                    1 + i % 12,
                    1 + i % 28,
                    i % 24,
                    i % 60
                )
            })
            .collect()
    }

    fn look(header: &str, rows: &[String]) -> Result<Vec<String>, TrialError> {
        let text = format!("{header}\n{}\n", rows.join("\n"));
        let table = Table::read("e.csv", text.as_bytes()).unwrap();
        let at = |name| table.column(&[name]).unwrap();
        let placing = Placing { easting: at("easting"), northing: at("northing"), occurred: at("occurred") };
        judge("e.csv", &table, placing)
    }

    const PLAIN: &str = "easting,northing,occurred";

    fn refused(header: &str, rows: &[String]) -> (u64, u64, String) {
        match look(header, rows).unwrap_err() {
            error @ TrialError::Repeated { .. } => {
                assert!(error.hint().is_some() && !error.to_string().contains("316"), "{error}");
                let TrialError::Repeated { rows, of, what, .. } = error else { unreachable!() };
                (rows, of, what)
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_file_pasted_twice() {
        let once = rows(100);
        assert_eq!(look(PLAIN, &once).unwrap(), Vec::<String>::new());
        let twice: Vec<String> = once.iter().chain(&once).cloned().collect();
        let (n, of, what) = refused(PLAIN, &twice);
        assert_eq!((n, of), (100, 200));
        assert!(what.contains("lines 102 to 201 say what lines 2 to 101 say"), "{what}");
        // With its header between, and numbered anew.
        let header = vec![PLAIN.to_owned()];
        let joined: Vec<String> = once.iter().chain(&header).chain(&once).cloned().collect();
        assert_eq!(refused(PLAIN, &joined).0, 100);
        let numbered: Vec<String> = twice.iter().enumerate().map(|(i, row)| format!("{i},{row}")).collect();
        assert_eq!(refused(&format!("row,{PLAIN}"), &numbered).0, 100);
        // Three times, and sorted afterwards.
        let thrice: Vec<String> = twice.iter().chain(&once).cloned().collect();
        assert_eq!(refused(PLAIN, &thrice).0, 200);
        let mut sorted = twice;
        sorted.sort();
        let (n, _, what) = refused(PLAIN, &sorted);
        assert!(n == 100 && what.contains("2 times"), "{what}");
    }

    #[test]
    fn a_part_pasted_twice() {
        let once = rows(200);
        let mut part = once.clone();
        part.extend_from_slice(&once[40..80]);
        let (n, of, what) = refused(PLAIN, &part);
        assert_eq!((n, of), (40, 240));
        assert!(what.contains("lines 202 to 241") && what.contains("lines 42 to 81"), "{what}");
        // A small part of a large file is told.
        let large = rows(400);
        let mut part = large.clone();
        part.extend_from_slice(&large[40..52]);
        let notes = look(PLAIN, &part).unwrap();
        assert!(notes.len() == 1 && notes[0].starts_with("12 of 412 rows stand twice"), "{notes:?}");
    }

    #[test]
    fn rows_alike_one_by_one_are_events() {
        // A tenth of the events has a second victim, beside the first or elsewhere in the file.
        let mut some = rows(100);
        for i in (0..100).step_by(10) {
            some.push(some[i].clone());
        }
        let notes = look(PLAIN, &some).unwrap();
        assert!(notes.len() == 1 && notes[0].contains("10 of 110 rows are like an earlier row"), "{notes:?}");
        // Months and a few points: nearly all are alike, and that is how such data are.
        let mut state = 7_u64;
        let mut chance = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        let mut coarse: Vec<String> =
            (0..600).map(|_| format!("{},62000,2024-{:02}-01", 316_000 + chance(13), 1 + chance(12))).collect();
        assert!(look(PLAIN, &coarse).is_ok());
        coarse.sort();
        assert!(look(PLAIN, &coarse).is_ok());
        // A filler for an hour is none.
        let filled: Vec<String> = coarse.iter().map(|row| format!("{row} 00:00")).collect();
        assert!(look(PLAIN, &filled).is_ok());
        // One event fifty times is no file that was pasted.
        assert!(look(PLAIN, &vec!["312075,51075,2024-06-01 15:00".to_owned(); 50]).is_ok());
        // Alike to the minute, half of them, in no order.
        let once = rows(100);
        let half: Vec<String> = once.iter().cloned().chain((0..70).map(|i| once[i * 37 % 100].clone())).collect();
        assert!(matches!(look(PLAIN, &half), Err(TrialError::Repeated { rows: 70, of: 170, .. })));
    }

    #[test]
    fn ids_that_come_again() {
        let header = format!("crime_id,{PLAIN}");
        let named = |rows: &[String]| -> Vec<String> {
            rows.iter().enumerate().map(|(i, row)| format!("C{i},{row}")).collect()
        };
        let once = named(&rows(100));
        assert_eq!(look(&header, &once).unwrap(), Vec::<String>::new());
        // Another row for each third crime, with a note that differs: by the id it is the same.
        let header = format!("{header},note");
        let mut more: Vec<String> = once.iter().map(|row| format!("{row},a")).collect();
        more.extend(once.iter().step_by(3).rev().map(|row| format!("{row},b")));
        let (n, of, what) = refused(&header, &more);
        assert!((n, of) == (34, 134) && what.contains("ids"), "{what}");
        more.truncate(102);
        let notes = look(&header, &more).unwrap();
        assert!(notes.len() == 1 && notes[0].starts_with("2 of 102 rows stand twice"), "{notes:?}");
        // At another time: told. Names of squares are no ids of events.
        let mut moved = once.clone();
        moved.push("C5,316001,62001,2023-06-01 10:00".to_owned());
        let notes = look(&format!("crime_id,{PLAIN}"), &moved).unwrap();
        assert!(notes.len() == 1 && notes[0].contains("another place or time"), "{notes:?}");
        let squares: Vec<String> =
            (0..240).map(|i| format!("S{},{},62000,2024-{:02}-01", i % 20, 316_000 + i % 20, 1 + i / 20)).collect();
        assert_eq!(look(&format!("id,{PLAIN}"), &squares).unwrap(), Vec::<String>::new());
    }
}
