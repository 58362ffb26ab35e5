//! What the site knows of its dimensions: which member lies in which, which definition in which.

use std::collections::{BTreeMap, BTreeSet};

use svp_contract::{Area, DefinitionId, Month, Tie};
use svp_disclose::relate::{Hierarchies, is_grid};
use svp_functions::Lookups;
use svp_functions::place::cells::Place;

/// Members that say that nothing is known; they roll up to themselves in every hierarchy.
const UNKNOWN: [&str; 4] = ["unknown", "not known", "not recorded", "none"];

/// Hierarchies of an area, and what lies in what among the definitions and universes of a run.
#[derive(Debug, Clone, Default)]
pub struct SiteHierarchies {
    lookups: Lookups,
    /// Finer and coarser kind of each lookup table that is a hierarchy.
    tables: Vec<(String, String, String)>,
    /// From kind and member to kind and member: what the area file itself says.
    area: BTreeMap<(String, String), (String, String)>,
    /// Cells of the Venn diagram of the definitions that each takes in.
    atoms: BTreeMap<DefinitionId, BTreeSet<u32>>,
    /// Kind of agency of each source.
    agencies: BTreeMap<String, String>,
    ties: BTreeSet<Tie>,
    universes: BTreeSet<(String, String)>,
}

impl SiteHierarchies {
    /// The hierarchies of an area: its districts, partnerships and force; and every lookup table of its reference
    /// data whose name is `<finer>_<coarser>` (`lsoa_district`, `hour_of_week_shift`).
    #[must_use]
    pub fn new(area: &Area, lookups: &Lookups) -> Self {
        let mut out = Self { lookups: lookups.clone(), ..Self::default() };
        for name in lookups.names() {
            // `hour_of_week_shift`: the coarser kind is the last word.
            if let Some((finer, coarser)) = name.rsplit_once('_')
                && finer != "postcode"
            {
                out.tables.push((name.to_owned(), finer.to_owned(), coarser.to_owned()));
            }
        }
        let up = |kind: &str, member: &str| (kind.to_owned(), member.to_owned());
        for d in &area.districts {
            // What is published with its neighbour has the neighbour's code, so both go to one partnership.
            out.area.insert(up("district", &d.code), up("csp", &d.csp));
            out.area.insert(up("csp", &d.csp), up("force", &area.police_force));
        }
        out
    }

    /// Notes the atoms of a definition, as [`crate::definition_atoms`] finds them: all definitions of one call.
    pub fn add_atoms(&mut self, definition: DefinitionId, atoms: BTreeSet<u32>) {
        self.atoms.insert(definition, atoms);
    }

    /// Notes of which kind of agency a source is.
    pub fn add_source(&mut self, source: &str, agency: &str) {
        self.agencies.insert(source.to_owned(), agency.to_owned());
    }

    /// Notes sums that the header of an output declares.
    pub fn add_ties(&mut self, ties: impl IntoIterator<Item = Tie>) {
        self.ties.extend(ties);
    }

    /// Notes that every event of one view is in another too.
    pub fn add_universe_within(&mut self, inner: &str, outer: &str) {
        self.universes.insert((inner.to_owned(), outer.to_owned()));
    }
}

impl Hierarchies for SiteHierarchies {
    fn parents(&self, kind: &str, member: &str) -> Vec<(String, String)> {
        let mut out = Vec::new();
        for (table, finer, coarser) in &self.tables {
            if finer == kind {
                let unknown = UNKNOWN.contains(&member).then_some(member);
                if let Some(up) = self.lookups.value(table, member).or(unknown) {
                    out.push((coarser.clone(), up.to_owned()));
                }
            }
        }
        if let Some(up) = self.area.get(&(kind.to_owned(), member.to_owned())) {
            out.push(up.clone());
        } else if matches!(kind, "district" | "csp") && UNKNOWN.contains(&member) {
            out.push((if kind == "district" { "csp" } else { "force" }.to_owned(), member.to_owned()));
        }
        out.extend(calendar(kind, member));
        if kind == "source" {
            out.extend(self.agencies.get(member).map(|agency| ("agency".to_owned(), agency.clone())));
        }
        if is_grid(kind)
            && let Some(up) = Place::parse(member).and_then(|cell| cell.parent())
        {
            out.push((up.grid().to_string(), up.to_string()));
        }
        out
    }

    fn atoms(&self, definition: &DefinitionId) -> Option<BTreeSet<u32>> {
        self.atoms.get(definition).cloned()
    }

    fn ties(&self) -> Vec<Tie> {
        self.ties.iter().cloned().collect()
    }

    fn universe_within(&self, inner: &str, outer: &str) -> bool {
        self.universes.contains(&(inner.to_owned(), outer.to_owned()))
    }
}

/// The calendar's own hierarchies: month to quarter to year; hour of the week to its day and to its hour of the day.
fn calendar(kind: &str, member: &str) -> Vec<(String, String)> {
    match kind {
        "month" => {
            let Ok(month) = member.parse::<Month>() else { return Vec::new() };
            vec![("quarter".to_owned(), format!("{} Q{}", month.number() / 12, month.quarter()))]
        }
        "quarter" => {
            member.split_once(" Q").map(|(year, _)| ("year".to_owned(), year.to_owned())).into_iter().collect()
        }
        "hour_of_week" => {
            let Ok(hour) = member.parse::<u32>() else { return Vec::new() };
            vec![("weekday".to_owned(), (hour / 24).to_string()), ("hour_of_day".to_owned(), (hour % 24).to_string())]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendars_and_grids_roll_up() {
        let hierarchies = SiteHierarchies::default();
        let up = |kind: &str, member: &str| hierarchies.parents(kind, member);
        let pair = |k: &str, m: &str| (k.to_owned(), m.to_owned());
        assert_eq!(up("month", "2024-05"), [pair("quarter", "2024 Q2")]);
        assert_eq!(up("quarter", "2024 Q2"), [pair("year", "2024")]);
        assert_eq!(up("hour_of_week", "167"), [pair("weekday", "6"), pair("hour_of_day", "23")]);
        assert_eq!(up("bng:250", "250m:310250:48000"), [pair("bng:500", "500m:310000:48000")]);
        assert_eq!(up("h3:9", "891a538e547ffff"), [pair("h3:8", "881a538e55fffff")]);
        assert!(up("h3:0", "8001fffffffffff").is_empty());
    }
}
