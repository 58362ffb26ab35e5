//! An invented county whose areas share districts, with the tables that a release of an area has.

use std::collections::{BTreeMap, BTreeSet};

use svp_contract::DefinitionId;
use svp_disclose::attack::Effort;
use svp_disclose::event_set::EventSet;
use svp_disclose::protect::protect;
use svp_disclose::relate::{Dim, Hierarchies, Published, Row, Table, relate};

/// What happened: one member of each kind.
type Event = BTreeMap<&'static str, String>;

/// Name, view, grain and measure of each table.
const TABLES: [(&str, &str, &[&str], &str); 7] = [
    ("by_district", "serious_violence", &["district"], "events"),
    ("monthly_trend", "serious_violence", &["month"], "events"),
    ("hour_of_week_profile", "timed_violence", &["hour_of_week"], "events"),
    ("place_types", "serious_violence", &["source", "location_type"], "events"),
    ("time_coverage", "serious_violence", &["source", "time_precision"], "events"),
    ("district_by_sex", "serious_violence", &["district", "sex"], "events"),
    ("people_by_age_and_sex", "serious_violence", &["role", "age_band", "sex"], "parties"),
];

/// Events of a county of several districts, and definitions of which some lie in others.
pub struct County {
    events: Vec<Event>,
    definitions: usize,
    months: usize,
}

/// What became of the release of one area.
#[derive(Debug, Clone, PartialEq)]
pub struct Released {
    /// What is told.
    pub tables: Vec<Table>,
    /// Numbers and equations of the last system.
    pub numbers: usize,
    pub equations: usize,
    /// Cells that were hidden to protect others.
    pub hidden: usize,
    /// Tables that could not be saved.
    pub withheld: Vec<String>,
}

impl County {
    /// So many events; the same for one seed.
    pub fn new(seed: u64, events: usize, districts: usize, months: usize, definitions: usize) -> Self {
        let mut state = seed;
        let mut below = move |n: usize| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) % n as u64) as usize
        };
        let mut event = |_| {
            // The lower of two draws: some members are common and others rare.
            let mut uneven = |n: usize| below(n).min(below(n));
            let timed = uneven(4);
            let place = if uneven(50) > 44 { "unknown".to_owned() } else { format!("d{}", uneven(districts)) };
            let month = uneven(months);
            let mut event = Event::from([
                ("district", place),
                ("month", format!("20{}-{:02}", 23 + month / 12, 1 + month % 12)),
                ("source", format!("source{}", uneven(3))),
                ("location_type", format!("place{}", uneven(9))),
                ("time_precision", format!("time{timed}")),
                ("sex", format!("sex{}", uneven(3))),
                ("role", format!("role{}", uneven(2))),
                ("age_band", format!("age{}", uneven(8))),
                ("definition", uneven(4).to_string()),
            ]);
            if timed < 3 {
                event.insert("hour_of_week", uneven(168).to_string());
            }
            event
        };
        Self { events: (0..events).map(&mut event).collect(), definitions, months }
    }

    /// The tables of an area under each definition, as they are before other cells are hidden.
    pub fn tables(&self, release: usize, parts: &[usize], suppress_below: i64) -> Vec<Table> {
        let area_parts: Vec<String> = parts.iter().map(|d| format!("d{d}")).collect();
        let mut out = Vec::new();
        for definition in 0..self.definitions {
            let here = |e: &&Event| {
                (area_parts.contains(&e["district"]) || e["district"] == "unknown")
                    && e["definition"].parse::<usize>().is_ok_and(|d| d >= definition)
            };
            for (name, universe, grain, measure) in TABLES {
                let mut counts: BTreeMap<Vec<String>, i64> = BTreeMap::new();
                for event in self.events.iter().filter(here) {
                    if let Some(row) = grain.iter().map(|kind| event.get(kind).cloned()).collect::<Option<Vec<_>>>() {
                        *counts.entry(row).or_default() += 1;
                    }
                }
                let row = |(members, count): (Vec<String>, i64)| {
                    let (value, small) = (count as f64, count < suppress_below);
                    let published =
                        if small { Published::Suppressed { primary: true } } else { Published::Shown(value, value) };
                    Row { members, value: Some(value), published }
                };
                out.push(Table {
                    name: format!("{name}/definition{definition}"),
                    release,
                    earlier: false,
                    set: EventSet {
                        area: area_parts.join("-"),
                        area_parts: area_parts.clone(),
                        definition: DefinitionId {
                            name: format!("definition{definition}"),
                            digest: definition.to_string(),
                        },
                        universe: universe.to_owned(),
                        from: "2023-01".to_owned(),
                        to: format!("20{}-12", 23 + (self.months - 1) / 12),
                        data: "0".to_owned(),
                    },
                    measure: measure.to_owned(),
                    part_of: Vec::new(),
                    ties: Vec::new(),
                    dims: grain.iter().map(|kind| Dim { kind: (*kind).to_owned(), total: None }).collect(),
                    suppress_below,
                    fractional: false,
                    merged: false,
                    rows: counts.into_iter().map(row).collect(),
                });
            }
        }
        out
    }

    /// Releases an area beside what was told before: cells are hidden, and tables that cannot be saved are withheld, until
    /// nothing follows.
    pub fn release(&self, told: &[Table], parts: &[usize], suppress_below: i64, effort: &Effort) -> Released {
        let release = told.iter().map(|t| t.release).max().unwrap_or_default() + 1;
        let mut new = self.tables(release, parts, suppress_below);
        let mut withheld = Vec::new();
        loop {
            let all: Vec<Table> = told.iter().chain(&new).cloned().collect();
            let mut related = relate(&all, self);
            let done = protect(&mut related.system, effort).unwrap();
            let last = |n: &usize| related.provenance[*n].tables.iter().rev().find(|t| **t >= told.len()).copied();
            let mut lost: BTreeSet<usize> = done.unprotected.iter().filter_map(last).collect();
            if lost.is_empty() && !done.unprotected.is_empty() {
                // It is about earlier releases alone: some new table gives it away.
                assert!(!new.is_empty(), "what was told before gives itself away");
                lost.insert(all.len() - 1);
            }
            if lost.is_empty() {
                for &number in &done.hidden {
                    let provenance = &related.provenance[number];
                    let (Some(&table), Some(row)) = (provenance.tables.first(), provenance.row) else { continue };
                    new[table - told.len()].rows[row].published = Published::Suppressed { primary: false };
                }
                let (numbers, equations) = (related.system.numbers.len(), related.system.equations.len());
                return Released { tables: new, numbers, equations, hidden: done.hidden.len(), withheld };
            }
            for table in lost.into_iter().rev() {
                withheld.push(new.remove(table - told.len()).name);
            }
        }
    }
}

impl Hierarchies for County {
    fn parents(&self, kind: &str, member: &str) -> Vec<(String, String)> {
        match kind {
            "district" => vec![("csp".to_owned(), if member == "d0" { "c0" } else { "c1" }.to_owned())],
            "month" => vec![("year".to_owned(), member[..4].to_owned())],
            "hour_of_week" => {
                let hour: u32 = member.parse().unwrap();
                vec![
                    ("weekday".to_owned(), (hour / 24).to_string()),
                    ("hour_of_day".to_owned(), (hour % 24).to_string()),
                ]
            }
            "source" => vec![("agency".to_owned(), if member == "source0" { "police" } else { "health" }.to_owned())],
            _ => Vec::new(),
        }
    }

    fn atoms(&self, definition: &DefinitionId) -> Option<BTreeSet<u32>> {
        definition.digest.parse().ok().map(|d: u32| (d..4).collect())
    }

    fn universe_within(&self, inner: &str, outer: &str) -> bool {
        inner == "timed_violence" && outer == "serious_violence"
    }
}
