//! Reference data held against the area: every district has ground, every small area a district, ground and people, nothing
//! stands in two places. What would make a figure wrong stops the run; what leaves a figure open is told, and the figure is not
//! available.

use std::collections::{BTreeMap, BTreeSet};

use svp_contract::{Area, AreaChange, AreaLink, Day, Exclusion, Places, Reference};
use svp_lake::input::InputFile;

use super::residents::Daytime;
use super::{AREA_LAYER, Part, ReferenceData, count, fail, read_parts, shapes};
use crate::error::IngestError;
use crate::places::{Districts, changes, deciles, links, people};

/// Codes that a message lists at most.
const LISTED: usize = 5;

/// Share of the small areas that may have no postcode: points and simplified boundaries do not fit everywhere.
const BARE_AREAS: f64 = 0.02;

/// Metres: a circle about a building that is smaller holds no recorded point.
const LEAST_RADIUS: f64 = 5.0;

/// Points of a boundary that are compared with the ground of the districts.
const LOOKED_AT: usize = 24;

/// Layers in which every small area lies: a lookup that lacks some is cut. Others may be of a part of the area.
const WHOLE_LAYERS: [&str; 3] = ["ward", "msoa", "district"];

/// Something odd in a reference file that stops nothing: what hangs on it is not available.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// File.
    pub file: String,
    /// Kind, one word: `open_end`, `population_missing`, `daytime_missing`, `decile_missing`, `lookup_missing`.
    pub kind: &'static str,
    /// What it is and what follows.
    pub what: String,
}

impl Told {
    pub(super) fn new(file: &InputFile, kind: &'static str, what: String) -> Self {
        Self { file: file.name.clone(), kind, what }
    }

    /// The last line has no end.
    pub(super) fn open_end(file: &InputFile) -> Self {
        Self::new(file, "open_end", "the last line has no line end: if it was cut there, nobody can tell".to_owned())
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.file, self.what)
    }
}

/// Reference data that were read in full.
#[derive(Debug, Default)]
pub struct InFull {
    /// What they say of places, without sizes.
    pub places: Places,
    /// Why they cannot be used; empty where they can.
    pub problems: Vec<IngestError>,
    /// What is odd and stops nothing.
    pub told: Vec<Told>,
}

/// Some codes, and how many more there are.
pub(super) fn listed(codes: &[&str]) -> String {
    let shown = codes.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    match codes.len().saturating_sub(LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Places to leave out that cannot be meant: easting and northing exchanged, or all of them elsewhere.
pub(super) fn exclusions(area: &Area, file: &InputFile, places: &[Exclusion]) -> Option<IngestError> {
    let inside = |e: f64, n: f64| within(area, e, n);
    let outside: Vec<&Exclusion> = places.iter().filter(|x| !inside(x.easting, x.northing)).collect();
    let exchanged = outside.iter().filter(|x| inside(x.northing, x.easting)).count();
    if exchanged > 0 {
        let rows = count(exchanged, "row");
        return Some(fail(file, format!("easting and northing are exchanged in {rows}")));
    }
    if places.iter().any(|x| x.radius_m > 0.0 && x.radius_m < LEAST_RADIUS) {
        let what = format!("a radius is in metres, and one of less than {LEAST_RADIUS} leaves nothing out");
        return Some(fail(file, what));
    }
    let all = !places.is_empty() && outside.len() == places.len();
    all.then(|| fail(file, "none of its places lies in the area's box of easting and northing"))
}

fn within(area: &Area, easting: f64, northing: f64) -> bool {
    (area.easting[0]..=area.easting[1]).contains(&easting) && (area.northing[0]..=area.northing[1]).contains(&northing)
}

/// What small areas of one census became in the next, both ways.
pub(super) struct Carried<'a> {
    after: BTreeMap<&'a str, Vec<&'a str>>,
    before: BTreeMap<&'a str, Vec<&'a str>>,
    changes: &'a [AreaChange],
}

impl<'a> Carried<'a> {
    fn new(changes: &'a [AreaChange]) -> Self {
        let mut out = Self { after: BTreeMap::new(), before: BTreeMap::new(), changes };
        for change in changes.iter().filter(|c| c.from != c.to) {
            out.after.entry(&change.from).or_default().push(&change.to);
            out.before.entry(&change.to).or_default().push(&change.from);
        }
        out
    }

    /// Every code that is named, changed or not.
    fn codes(&self) -> BTreeSet<&'a str> {
        self.changes.iter().flat_map(|c| [c.from.as_str(), c.to.as_str()]).collect()
    }

    /// Those of `wanted` that `has` does not hold, neither by themselves nor by what they became or were before.
    pub(super) fn missing<'b>(
        &self,
        wanted: impl IntoIterator<Item = &'b str>,
        has: impl Fn(&str) -> bool,
    ) -> Vec<&'b str> {
        let whole = |by: &BTreeMap<&str, Vec<&str>>, code: &str| {
            by.get(code).is_some_and(|others| others.iter().all(|other| has(other)))
        };
        wanted
            .into_iter()
            .filter(|code| !has(code) && !whole(&self.after, code) && !whole(&self.before, code))
            .collect()
    }
}

impl ReferenceData {
    /// Reads everything that there is and holds it against the area. A run publishes nothing where there are problems.
    pub fn in_full(&self, area: &Area) -> InFull {
        let mut out = InFull { told: self.told.clone(), ..InFull::default() };
        out.places.exclusions.clone_from(&self.exclusions);
        let with_postcodes = self.postcodes(&mut out);
        for name in self.layers.by_name.keys() {
            self.layer(name);
        }
        out.problems.extend(self.failures());
        let mut lookups = Vec::new();
        let mut daytime = Vec::new();
        self.geography(&mut out, &mut lookups, &mut daytime);
        let all: Vec<AreaLink> = lookups.iter().flat_map(|(_, links)| links.iter().cloned()).collect();
        let districts = Districts::new(area, &all, &self.lookups);
        let changes = std::mem::take(&mut out.places.changes);
        let carried = Carried::new(&changes);
        if out.problems.is_empty() {
            self.districts(area, &districts, &lookups, &carried, &mut out);
            self.ground(area, &districts, &carried, &mut out);
            self.everywhere(area, &districts, &carried, &with_postcodes, &mut out);
        }
        self.residents(&districts, &carried, &mut out);
        self.by_day(&districts, &carried, daytime, &mut out);
        self.deciles(&districts, &carried, &mut out);
        // Dated lookups come first: the first that holds an area names its parent.
        let own = districts.links();
        out.places.links = all;
        out.places.links.extend(own);
        out.places.changes = changes;
        // One fault of a file that is read for two purposes is one; and what is odd beside it follows from it.
        let mut seen = BTreeSet::new();
        out.problems.retain(|error| seen.insert(error.to_string()));
        if !out.problems.is_empty() {
            out.told.clear();
        }
        out.told.sort();
        out.told.dedup();
        out
    }

    /// Postcodes that no mapping has asked for: an analysis may. The small areas in which postcodes lie, of those that were asked for
    /// too.
    fn postcodes(&self, out: &mut InFull) -> BTreeSet<String> {
        let mut places: BTreeSet<String> =
            self.lookups.pairs("postcode_lsoa").map(|(_, code)| code.to_owned()).collect();
        let parts = read_parts(&self.postcodes, self.layers.threads);
        for ((_, file), part) in self.postcodes.iter().zip(parts) {
            match part {
                Ok(Part::Table(_, pairs, open)) => {
                    out.told.extend(open.then(|| Told::open_end(file)));
                    out.problems.extend(twice("postcode_lsoa", file, &pairs));
                    places.extend(pairs.into_iter().map(|(_, code)| code));
                }
                Ok(_) => {}
                Err(error) => out.problems.push(error),
            }
        }
        places
    }

    /// Nearly every small area has postcodes, and each a line in the file of changes: where some have none, a file is cut.
    fn everywhere(
        &self,
        area: &Area,
        districts: &Districts<'_>,
        carried: &Carried<'_>,
        with_postcodes: &BTreeSet<String>,
        out: &mut InFull,
    ) {
        let ours = districts.small_areas();
        let which = |lost: &[&str]| format!("{} of the area: {}", count(lost.len(), "small area"), listed(lost));
        if !with_postcodes.is_empty() {
            let lost = carried.missing(ours.iter().copied(), |c| with_postcodes.contains(c));
            if lost.len() as f64 > BARE_AREAS * ours.len() as f64 {
                let file = area.reference.iter().find_map(|r| match r {
                    Reference::PostcodeDirectory { path } | Reference::CodePointOpen { path } => Some(path.clone()),
                    _ => None,
                });
                let what = format!("no postcode lies in {}", which(&lost));
                out.problems.push(IngestError::Reference { file: file.unwrap_or_default(), what });
            }
        }
        let changed: BTreeSet<&str> = carried.codes();
        let known = ours.iter().any(|c| changed.contains(c));
        let lost: Vec<&str> = ours.iter().copied().filter(|c| known && !changed.contains(c)).collect();
        let file = self.geography.iter().find(|(r, _)| matches!(r, Reference::AreaChange { .. }));
        if let (Some((_, file)), false) = (file, lost.is_empty()) {
            out.problems.push(fail(file, format!("it does not say what became of {}", which(&lost))));
        }
    }

    /// Lookups, changes, deciles and people by day.
    fn geography<'a>(
        &'a self,
        out: &mut InFull,
        lookups: &mut Vec<(&'a InputFile, Vec<AreaLink>)>,
        daytime: &mut Vec<Daytime<'a>>,
    ) {
        for (reference, file) in &self.geography {
            let open = match reference {
                Reference::AreaLookup { .. } => links(reference, file).map(|(found, open)| {
                    lookups.push((file, found));
                    open
                }),
                Reference::AreaChange { from, to, change, .. } => {
                    changes(file, [from, to, change]).map(|(found, open)| {
                        out.places.changes.extend(found);
                        open
                    })
                }
                Reference::Deprivation { code, decile, .. } => deciles(file, code, decile).map(|(found, open)| {
                    out.places.deprivation.extend(found);
                    open
                }),
                Reference::DaytimePopulation { layer, code, total, year, .. } => {
                    people(file, code, total).map(|(rows, open)| {
                        daytime.push(Daytime { file, layer, year: *year, rows });
                        open
                    })
                }
                _ => Ok(false),
            };
            match open {
                Ok(open) => out.told.extend(open.then(|| Told::open_end(file))),
                Err(error) => out.problems.push(error),
            }
        }
    }

    /// Every small area has one district, and every district small areas.
    fn districts(
        &self,
        area: &Area,
        districts: &Districts<'_>,
        lookups: &[(&InputFile, Vec<AreaLink>)],
        carried: &Carried<'_>,
        out: &mut InFull,
    ) {
        for (file, links) in lookups {
            let mut parents: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
            // A district that was made of several can lie in the partnerships of all of them.
            for link in links.iter().filter(|l| l.parent_layer != "csp" && districts.holds(&l.layer, &l.code)) {
                parents.entry((link.layer.as_str(), link.code.as_str())).or_default().insert(&link.parent);
            }
            let twice: Vec<&str> = parents.iter().filter(|(_, p)| p.len() > 1).map(|((_, code), _)| *code).collect();
            if let (Some(link), false) = (links.first(), twice.is_empty()) {
                let what = count(twice.len(), link.layer.as_str());
                let which = listed(&twice);
                let into = &link.parent_layer;
                out.problems
                    .push(fail(file, format!("it puts {what} of the area into several of the layer {into}: {which}")));
            }
        }
        let ours = districts.small_areas();
        if ours.is_empty() && districts.linked.is_empty() && !self.lookups.contains("lsoa_district") {
            return;
        }
        let at = lookup_name(area);
        let refuse = |what: String| IngestError::Reference { file: at.to_owned(), what };
        // The two kinds of lookup name one district.
        let current: BTreeSet<&str> = lookups
            .iter()
            .flat_map(|(_, links)| links)
            .filter(|l| l.parent_layer == "district")
            .map(|l| l.parent.as_str())
            .collect();
        let differ: Vec<&str> = districts
            .linked
            .iter()
            .filter(|(code, district)| {
                districts
                    .said(code)
                    .is_some_and(|said| said != **district && (districts.ours.contains(said) || current.contains(said)))
            })
            .map(|(code, _)| *code)
            .collect();
        if !differ.is_empty() {
            let (n, which) = (count(differ.len(), "small area"), listed(&differ));
            out.problems.push(refuse(format!("it puts {n} into another district than the dated lookups do: {which}")));
        }
        let known: BTreeSet<&str> =
            ours.iter().chain(districts.linked.keys()).filter_map(|c| districts.of(c)).collect();
        let without: Vec<&str> = districts.ours.iter().filter(|d| !known.contains(*d)).copied().collect();
        if !without.is_empty() {
            let n = count(without.len(), "district");
            out.problems.push(refuse(format!("no small area lies in {n} of the area: {}", listed(&without))));
        }
        let lost: Vec<&str> = carried.missing(districts.linked.keys().copied(), |c| {
            districts.said(c).is_some() || !self.lookups.contains("lsoa_district")
        });
        if !lost.is_empty() {
            let n = count(lost.len(), "small area");
            out.problems.push(refuse(format!(
                "it has no district for {n} that the dated lookups put into the area: {}",
                listed(&lost)
            )));
        }
        self.lookups_hold(&ours, lookups, carried, out);
    }

    /// Every small area stands in each lookup that begins with small areas.
    fn lookups_hold(
        &self,
        ours: &BTreeSet<&str>,
        lookups: &[(&InputFile, Vec<AreaLink>)],
        carried: &Carried<'_>,
        out: &mut InFull,
    ) {
        type Children<'c> = (&'c InputFile, BTreeSet<&'c str>);
        let mut children: BTreeMap<(&str, Option<Day>), Children<'_>> = BTreeMap::new();
        for (file, links) in lookups {
            for link in links.iter().filter(|l| l.layer == "lsoa") {
                let days = (link.parent_layer.as_str(), link.valid_from);
                children.entry(days).or_insert_with(|| (*file, BTreeSet::new())).1.insert(&link.code);
            }
        }
        for ((layer, _), (file, codes)) in children {
            let lost = carried.missing(ours.iter().copied(), |c| codes.contains(c));
            if lost.is_empty() {
                continue;
            }
            let what = format!("no {layer} for {} of the area: {}", count(lost.len(), "small area"), listed(&lost));
            if WHOLE_LAYERS.contains(&layer) {
                out.problems.push(fail(file, what));
            } else {
                out.told.push(Told::new(file, "lookup_missing", what));
            }
        }
    }

    /// Every small area has a boundary, which lies in its district; districts lie where the area is.
    fn ground(&self, area: &Area, districts: &Districts<'_>, carried: &Carried<'_>, out: &mut InFull) {
        for layer in ["district", "lsoa"] {
            let Some(file) = self.layers.by_name.get(layer).and_then(|l| l.files.first()).map(|(_, f)| f) else {
                continue;
            };
            let ours = self.layer(layer).iter().filter(|s| match layer {
                "district" => districts.ours.contains(s.code.as_str()),
                _ => districts.of(&s.code).is_some(),
            });
            let astray: Vec<&str> = ours
                .filter(|s| shapes::middle(&s.shape).is_none_or(|(e, n)| !within(area, e, n)))
                .map(|s| s.code.as_str())
                .collect();
            if !astray.is_empty() {
                let what = format!(
                    "outside the area's box of easting and northing: {} of the area, {}",
                    count(astray.len(), if layer == "district" { "district" } else { "small area" }),
                    listed(&astray)
                );
                out.problems.push(fail(file, what));
            }
        }
        let Some((_, file)) = self.layers.by_name.get("lsoa").and_then(|l| l.files.first()) else { return };
        let drawn: BTreeSet<&str> = self.layer("lsoa").iter().map(|s| s.code.as_str()).collect();
        let bare = carried.missing(districts.small_areas(), |c| drawn.contains(c));
        if !bare.is_empty() {
            let n = count(bare.len(), "small area");
            out.problems.push(fail(file, format!("it has no boundary for {n} of the area: {}", listed(&bare))));
        }
        self.placed(districts, carried, file, out);
    }

    /// Small areas lie in the district that the lookups give them, as far as boundaries tell.
    fn placed(&self, districts: &Districts<'_>, carried: &Carried<'_>, file: &InputFile, out: &mut InFull) {
        if self.layer("district").is_empty() || districts.small_areas().is_empty() {
            return;
        }
        let (mut elsewhere, mut nowhere) = (Vec::new(), Vec::new());
        for shape in self.layer("lsoa") {
            let of = districts.of(&shape.code);
            if of.is_none() && districts.said(&shape.code).is_some() {
                continue;
            }
            let points: Vec<_> = shape.shape.iter().flat_map(|p| p.exterior().points()).collect();
            let step = (points.len() / LOOKED_AT).max(1);
            let mut at: BTreeMap<Option<&str>, usize> = BTreeMap::new();
            for point in points.iter().step_by(step) {
                *at.entry(self.areas.code_at(AREA_LAYER, point.x(), point.y())).or_default() += 1;
            }
            let all: usize = at.values().sum();
            let in_one = at.iter().find(|(code, n)| code.is_some() && **n * 10 >= all * 9).and_then(|(code, _)| *code);
            match (of, in_one) {
                // Coasts and borders of the two layers differ: only what has no point in its district lies elsewhere.
                (Some(said), Some(found)) if said != found && !at.contains_key(&Some(said)) => {
                    elsewhere.push(shape.code.as_str())
                }
                (None, Some(_)) => nowhere.push(shape.code.as_str()),
                _ => {}
            }
        }
        let nowhere = carried.missing(nowhere, |c| districts.of(c).is_some());
        if !elsewhere.is_empty() {
            let n = count(elsewhere.len(), "small area");
            out.problems.push(fail(
                file,
                format!("the lookups put {n} into another district than the boundaries do: {}", listed(&elsewhere)),
            ));
        }
        if !nowhere.is_empty() {
            let n = count(nowhere.len(), "small area");
            out.problems.push(fail(
                file,
                format!("a boundary and no district in the lookups for {n} of the area: {}", listed(&nowhere)),
            ));
        }
    }

    /// Deciles of the small areas of the area.
    fn deciles(&self, districts: &Districts<'_>, carried: &Carried<'_>, out: &mut InFull) {
        let found = self.geography.iter().find(|(r, _)| matches!(r, Reference::Deprivation { .. }));
        let Some((_, file)) = found else { return };
        let known: BTreeSet<&str> = out.places.deprivation.iter().map(|(code, _)| code.as_str()).collect();
        let ours = districts.small_areas();
        let all = ours.len();
        let lost = carried.missing(ours, |c| known.contains(c));
        if !lost.is_empty() {
            let what = format!(
                "no decile of deprivation for {} of {all} small areas: their events are counted as not known",
                lost.len()
            );
            out.told.push(Told::new(file, "decile_missing", what));
        }
    }
}

/// The file that says in which district a small area lies, as the area file names it.
fn lookup_name(area: &Area) -> &str {
    let of = |wanted: fn(&Reference) -> bool| area.reference.iter().find(|r| wanted(r));
    let found = of(|r| matches!(r, Reference::CsvLookup { table, .. } if table == "lsoa_district"))
        .or_else(|| of(|r| matches!(r, Reference::AreaLookup { layer, .. } if layer == "lsoa")));
    match found {
        Some(Reference::CsvLookup { path, .. } | Reference::AreaLookup { path, .. }) => path,
        _ => "lsoa_district",
    }
}

/// Keys that have several values in one file.
pub(super) fn twice(table: &str, file: &InputFile, pairs: &[(String, String)]) -> Option<IngestError> {
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    let differs = pairs.iter().filter(|(k, v)| *known.entry(k).or_insert(v) != v).count();
    (differs > 0).then(|| {
        fail(file, format!("another value than before for a key of the table {table}, in {}", count(differs, "row")))
    })
}
