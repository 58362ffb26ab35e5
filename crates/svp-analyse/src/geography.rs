//! From lookups to tables: the areas of every layer, which of them hold a small area, and what became of small areas.
//!
//! Districts, partnerships and the force are the area file's own: a small district is published with its neighbour by its rule.
//! Everything else comes from dated lookups.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use svp_contract::{Area, AreaChange, AreaLink, Change, Day, Places};

use crate::AnalyseError;

/// First and last day on which something is so.
type Days = (Option<Day>, Option<Day>);

/// A row of the table `area`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AreaRow {
    pub layer: String,
    pub code: String,
    pub name: Option<String>,
    pub parent_layer: Option<String>,
    pub parent: Option<String>,
    pub published_with: String,
    pub gss_code: Option<String>,
    pub days: Days,
}

/// A row of the table `area_of_lsoa`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Held {
    pub lsoa: String,
    pub layer: String,
    pub code: String,
    pub name: Option<String>,
    pub published_with: String,
    pub share: f64,
    pub days: Days,
}

/// A row of the table `lsoa_change`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Weighed {
    pub from: String,
    pub to: String,
    pub change: Change,
    pub weight: f64,
    pub by: &'static str,
}

/// The three tables.
#[derive(Debug, Default)]
pub(crate) struct Geography {
    pub areas: Vec<AreaRow>,
    pub held: Vec<Held>,
    pub changes: Vec<Weighed>,
}

/// Which part of a small area of before lies in each of after. One that became one whole is carried whole; one that became
/// several is shared out by their residents where all are known, else equally. The weights of a code sum to 1.
pub(crate) fn weigh(changes: &[AreaChange], residents: &BTreeMap<&str, i64>) -> Vec<Weighed> {
    let mut after: BTreeMap<&str, Vec<&AreaChange>> = BTreeMap::new();
    for change in changes {
        after.entry(&change.from).or_default().push(change);
    }
    let mut out = Vec::new();
    for parts in after.into_values() {
        let people: Option<Vec<i64>> = parts.iter().map(|c| residents.get(c.to.as_str()).copied()).collect();
        let total: i64 = people.iter().flatten().sum();
        for (i, part) in parts.iter().enumerate() {
            let (weight, by) = match &people {
                _ if parts.len() == 1 => (1.0, "whole"),
                Some(people) if total > 0 => (people.get(i).copied().unwrap_or(0) as f64 / total as f64, "residents"),
                _ => (1.0 / parts.len() as f64, "equal"),
            };
            out.push(Weighed { from: part.from.clone(), to: part.to.clone(), change: part.change, weight, by });
        }
    }
    out
}

/// The days on which both are so; `None` if there are none.
fn both(a: &Days, b: &Days) -> Option<Days> {
    let from = a.0.into_iter().chain(b.0).max();
    let to = a.1.into_iter().chain(b.1).min();
    match (from, to) {
        (Some(from), Some(to)) if from > to => None,
        _ => Some((from, to)),
    }
}

/// An area of a layer: layer and code.
type At<'a> = (&'a str, &'a str);

/// An area that holds another, and the days on which it does.
#[derive(Clone, Copy)]
struct Up<'a> {
    parent: At<'a>,
    days: Days,
}

/// The lookups as a graph, with the area file's own rows in it. It borrows: lookups are of whole countries, and nearly all of
/// them are asked only whether they lead to one of our districts.
struct Graph<'a> {
    up: HashMap<At<'a>, Vec<Up<'a>>>,
    names: HashMap<At<'a>, &'a str>,
    with: HashMap<At<'a>, &'a str>,
}

impl<'a> Graph<'a> {
    fn new(area: &'a Area, links: &'a [AreaLink]) -> Self {
        let mut out = Self { up: HashMap::with_capacity(links.len()), names: HashMap::new(), with: HashMap::new() };
        for link in links {
            for (layer, code, name) in
                [(&link.layer, &link.code, &link.name), (&link.parent_layer, &link.parent, &link.parent_name)]
            {
                if let Some(name) = name {
                    out.names.entry((layer, code)).or_insert(name);
                }
            }
            // Partnerships and the force are those of the area file.
            if !matches!(link.parent_layer.as_str(), "csp" | "force") {
                let up = Up { parent: (&link.parent_layer, &link.parent), days: (link.valid_from, link.valid_to) };
                out.up.entry((&link.layer, &link.code)).or_default().push(up);
            }
        }
        for d in &area.districts {
            let (district, csp) = (("district", d.code.as_str()), ("csp", d.csp.as_str()));
            out.names.insert(district, &d.name);
            out.names.insert(csp, &d.csp);
            out.with.insert(district, d.published_with.as_ref().unwrap_or(&d.code));
            out.up.entry(district).or_default().insert(0, Up { parent: csp, days: (None, None) });
            out.up.insert(csp, vec![Up { parent: ("force", &area.police_force), days: (None, None) }]);
        }
        out
    }

    fn name(&self, at: At<'_>) -> Option<String> {
        self.names.get(&at).map(|name| (*name).to_owned())
    }

    fn published_with(&self, at: At<'_>) -> String {
        self.with.get(&at).copied().unwrap_or(at.1).to_owned()
    }

    /// The areas that hold a small area, by layer. Of two ways to a layer the shorter counts: a lookup of its own is better than
    /// one by way of wards.
    fn reach(&self, lsoa: &'a str) -> Result<Vec<(At<'a>, Days)>, AnalyseError> {
        let mut found: Vec<(At<'a>, Days)> = Vec::new();
        let mut done: Vec<&str> = vec!["lsoa"];
        let mut at: Vec<(At<'a>, Days)> = vec![(("lsoa", lsoa), (None, None))];
        while !at.is_empty() {
            let mut next: Vec<(At<'a>, Days)> = Vec::new();
            for (area, days) in at {
                for up in self.up.get(&area).into_iter().flatten() {
                    let Some(days) = both(&days, &up.days).filter(|_| !done.contains(&up.parent.0)) else {
                        continue;
                    };
                    let meets = |other: &&(At<'_>, Days)| other.0.0 == up.parent.0 && both(&other.1, &days).is_some();
                    match next.iter().find(meets) {
                        None => next.push((up.parent, days)),
                        Some(other) if other.0 == up.parent => {}
                        Some(_) => return Err(AnalyseError::TwoParents { layer: up.parent.0.to_owned() }),
                    }
                }
            }
            done.extend(next.iter().map(|(area, _)| area.0));
            found.extend(next.iter().copied());
            at = next;
        }
        Ok(found)
    }
}

/// Builds the tables from what the reference data say.
///
/// # Errors
/// When lookups put a small area in two areas of one layer on one day.
pub(crate) fn geography(area: &Area, places: &Places) -> Result<Geography, AnalyseError> {
    let graph = Graph::new(area, &places.links);
    let mut residents: BTreeMap<&str, (i32, i64)> = BTreeMap::new();
    for (code, year, people) in places.population.iter().filter_map(|(c, y, n)| n.map(|n| (c, *y, n))) {
        let known = residents.entry(code).or_insert((year, people));
        if year > known.0 {
            *known = (year, people);
        }
    }
    let residents = residents.into_iter().map(|(code, (_, people))| (code, people)).collect();
    let all = weigh(&places.changes, &residents);
    let after: BTreeSet<&str> = all.iter().map(|c| c.to.as_str()).collect();
    // A code that went on as itself needs no carrying.
    let mut carried: BTreeMap<&str, Vec<&Weighed>> = BTreeMap::new();
    for change in all.iter().filter(|c| c.change != Change::Unchanged && !after.contains(c.from.as_str())) {
        carried.entry(&change.from).or_default().push(change);
    }
    let mut codes: BTreeSet<&str> =
        places.links.iter().filter(|l| l.layer == "lsoa").map(|l| l.code.as_str()).collect();
    codes.extend(after.iter().copied());
    codes.extend(carried.keys().copied());
    let ours: BTreeSet<&str> = area.districts.iter().map(|d| d.code.as_str()).collect();
    let mut out = Geography::default();
    for code in codes {
        let own = graph.reach(code)?;
        let rows = match carried.get(code) {
            None => {
                let mut rows = vec![(("lsoa", code), (None, None), 1.0)];
                rows.extend(own.into_iter().map(|(area, days)| (area, days, 1.0)));
                rows
            }
            Some(parts) => carry(&graph, own, parts)?,
        };
        if !rows.iter().any(|((layer, code), ..)| *layer == "district" && ours.contains(code)) {
            continue;
        }
        out.held.extend(rows.into_iter().map(|(held_by, days, share)| Held {
            lsoa: code.to_owned(),
            name: graph.name(held_by),
            published_with: graph.published_with(held_by),
            layer: held_by.0.to_owned(),
            code: held_by.1.to_owned(),
            share,
            days,
        }));
    }
    let known: BTreeSet<&str> = out.held.iter().map(|h| h.lsoa.as_str()).collect();
    out.changes =
        all.iter().filter(|c| known.contains(c.from.as_str()) || known.contains(c.to.as_str())).cloned().collect();
    out.areas = area_rows(area, &graph, places, &out.held);
    Ok(out)
}

/// The areas of a small area that is no more: those of what it became, by share. A layer that those are in no lookup of is
/// taken from its own.
fn carry<'a>(
    graph: &Graph<'a>,
    own: Vec<(At<'a>, Days)>,
    parts: &[&'a Weighed],
) -> Result<Vec<(At<'a>, Days, f64)>, AnalyseError> {
    let mut shares: BTreeMap<(At<'a>, Days), f64> = BTreeMap::new();
    for part in parts {
        *shares.entry((("lsoa", part.to.as_str()), (None, None))).or_default() += part.weight;
        for held in graph.reach(&part.to)? {
            *shares.entry(held).or_default() += part.weight;
        }
    }
    let layers: BTreeSet<&str> = shares.keys().map(|(area, _)| area.0).collect();
    for held in own.into_iter().filter(|(area, _)| !layers.contains(area.0)) {
        shares.insert(held, 1.0);
    }
    Ok(shares.into_iter().map(|((area, days), share)| (area, days, share)).collect())
}

/// The table `area`: districts, partnerships and the force by the area file, then every area that holds a small area of ours.
fn area_rows(area: &Area, graph: &Graph<'_>, places: &Places, held: &[Held]) -> Vec<AreaRow> {
    let mut out = Vec::new();
    let mut row = |layer: &str, code: &str, days: Days, gss_code: Option<String>| {
        let up = graph.up.get(&(layer, code)).and_then(|up| up.first());
        out.push(AreaRow {
            layer: layer.to_owned(),
            code: code.to_owned(),
            name: graph.name((layer, code)),
            parent_layer: up.map(|up| up.parent.0.to_owned()),
            parent: up.map(|up| up.parent.1.to_owned()),
            published_with: graph.published_with((layer, code)),
            gss_code,
            days,
        });
    };
    for d in &area.districts {
        row("district", &d.code, (None, None), Some(d.code.clone()));
    }
    for csp in area.districts.iter().map(|d| d.csp.as_str()).collect::<BTreeSet<_>>() {
        // The code of the partnership is that of its districts which stand alone (the Isles of Scilly have one of their own).
        let alone =
            |code: &str| area.districts.iter().any(|d| d.code == code && d.csp == csp && d.published_with.is_none());
        let of_csp = places.links.iter().filter(|l| l.layer == "district" && l.parent_layer == "csp" && alone(&l.code));
        let codes: BTreeSet<&str> = of_csp.map(|l| l.parent.as_str()).collect();
        let only = codes.first().filter(|_| codes.len() == 1).map(|c| (*c).to_owned());
        row("csp", csp, (None, None), only);
    }
    row("force", &area.police_force, (None, None), Some(area.police_force.clone()));
    let of_file = ["district", "csp", "force"];
    let mut days: BTreeMap<(&str, &str), Days> = BTreeMap::new();
    for h in held.iter().filter(|h| !of_file.contains(&h.layer.as_str())) {
        let known = days.entry((&h.layer, &h.code)).or_insert(h.days);
        known.0 = known.0.zip(h.days.0).map(|(a, b)| a.min(b));
        known.1 = known.1.zip(h.days.1).map(|(a, b)| a.max(b));
    }
    for ((layer, code), days) in days {
        row(layer, code, days, Some(code.to_owned()));
    }
    out
}

#[cfg(test)]
#[path = "geography_tests.rs"]
mod tests;
