//! Who lives in an area, and who is there by day. Where the people of a small area are not known, those of all that it lies in
//! are not: a sum without it would be too small, and a rate over it too great.

use std::collections::{BTreeMap, BTreeSet};

use svp_contract::Reference;
use svp_lake::input::InputFile;

use super::check::{Carried, InFull, Told, listed};
use super::{ReferenceData, count, fail};
use crate::error::IngestError;
use crate::places::{Districts, People, ages, people};

/// A file of people by day.
pub(super) struct Daytime<'a> {
    /// File.
    pub file: &'a InputFile,
    /// Layer of its areas.
    pub layer: &'a str,
    /// Year.
    pub year: i32,
    /// Rows.
    pub rows: Vec<People>,
}

/// Takes in the rows of areas of ours. A number that is none, or a second one that differs, is a problem.
fn take(
    file: &InputFile,
    rows: Vec<People>,
    ours: impl Fn(&str) -> bool,
    into: &mut BTreeMap<String, i64>,
) -> Vec<IngestError> {
    let (mut bad, mut twice) = (Vec::new(), Vec::new());
    for row in rows.into_iter().filter(|row| ours(&row.code)) {
        let Some(people) = row.people else {
            bad.push(row.row.to_string());
            continue;
        };
        if *into.entry(row.code).or_insert(people) != people {
            twice.push(row.row.to_string());
        }
    }
    let told = |rows: &[String], what: &str| {
        let numbers: Vec<&str> = rows.iter().map(String::as_str).collect();
        fail(file, format!("{what}, in {} of the area (row {})", count(rows.len(), "row"), listed(&numbers)))
    };
    let mut out = Vec::new();
    if !bad.is_empty() {
        out.push(told(&bad, "no people, or not a whole number of 0 or more"));
    }
    if !twice.is_empty() {
        out.push(told(&twice, "other people than an earlier row gives the same area"));
    }
    out
}

/// Fewest and most people of a small area in the mean. They were drawn to hold 1,000 to 3,000 (Office for National Statistics, Output
/// Area geographies, 2021); some have grown since.
const MEAN_RESIDENTS: std::ops::RangeInclusive<i64> = 300..=6_000;
/// Small areas from which their mean says something.
const FEWEST_AREAS: usize = 5;
/// Share of the residents by which their ages may differ from them: estimates are rounded.
const AGES_DIFFER: f64 = 0.02;

/// Residents that cannot be: nobody in a small area, far too many or too few in all of them, ages of other people.
fn odd_residents(
    file: &InputFile,
    year: i32,
    known: &BTreeMap<String, i64>,
    ages: &[svp_contract::Ages],
    districts: &Districts<'_>,
) -> Vec<IngestError> {
    let small: Vec<(&str, i64)> =
        known.iter().filter(|(c, _)| districts.of(c).is_some()).map(|(c, n)| (c.as_str(), *n)).collect();
    let mut out = Vec::new();
    let which = |codes: &[&str]| format!("{} of the area: {}", count(codes.len(), "small area"), listed(codes));
    let empty: Vec<&str> = small.iter().filter(|(_, n)| *n == 0).map(|(c, _)| *c).collect();
    if !empty.is_empty() {
        out.push(fail(file, format!("it says that nobody lives in {}", which(&empty))));
    }
    if small.len() >= FEWEST_AREAS {
        let mean = small.iter().map(|(_, n)| n).sum::<i64>() / i64::try_from(small.len()).unwrap_or(i64::MAX);
        if !MEAN_RESIDENTS.contains(&mean) {
            let what = format!("{mean} people live in a small area in the mean, where 1,000 to 3,000 do");
            out.push(fail(file, what));
        }
    }
    let differ = |of: &&svp_contract::Ages| {
        let sum: i64 = of.residents.iter().sum();
        known.get(&of.code).is_some_and(|all| {
            let off = (sum - all).abs();
            off > 5 && off as f64 > AGES_DIFFER * *all as f64
        })
    };
    let other: Vec<&str> = ages.iter().filter(|a| a.year == year).filter(differ).map(|a| a.code.as_str()).collect();
    if !other.is_empty() {
        out.push(fail(file, format!("the residents by age do not add up to all residents in {}", which(&other))));
    }
    out
}

impl ReferenceData {
    /// Residents of small areas and districts. A small area without a number has a row that says so, and so has its district.
    pub(super) fn residents(&self, districts: &Districts<'_>, carried: &Carried<'_>, out: &mut InFull) {
        let ours = |code: &str| districts.holds("lsoa", code) || districts.ours.contains(code);
        let mut years: BTreeMap<i32, (&InputFile, BTreeMap<String, i64>)> = BTreeMap::new();
        // What a file that cannot be read lacks is no news.
        let mut unread = BTreeSet::new();
        for (reference, file) in &self.populations {
            let Reference::OnsPopulation { code, total, year, .. } = reference else { continue };
            let (_, known) = years.entry(*year).or_insert_with(|| (file, BTreeMap::new()));
            match people(file, code, total) {
                Ok((rows, open)) => {
                    out.told.extend(open.then(|| Told::open_end(file)));
                    out.problems.extend(take(file, rows, ours, known));
                }
                Err(error) => {
                    unread.insert(*year);
                    out.problems.push(error);
                    continue;
                }
            }
            match ages(file, code, *year, districts) {
                Ok(found) => out.places.ages.extend(found),
                Err(error) => out.problems.push(error),
            }
        }
        years.retain(|year, _| !unread.contains(year));
        for (year, (file, known)) in &years {
            out.problems.extend(odd_residents(file, *year, known, &out.places.ages, districts));
        }
        for (year, (file, known)) in years {
            let has = |code: &str| known.contains_key(code);
            let mut lost = self.lost(districts, carried, has, file, &mut out.problems);
            // A file of districts has no small areas.
            if districts.ours.iter().all(|d| has(d)) && !known.keys().any(|c| districts.of(c).is_some()) {
                lost.clear();
            }
            if !lost.is_empty() {
                let of: BTreeSet<&str> = lost.iter().filter_map(|c| districts.of(c)).collect();
                let of: Vec<&str> = of.into_iter().collect();
                let what = format!(
                    "no residents of mid-{year} for {} of the area: residents and rates of {}, and of what else holds them, are not available",
                    count(lost.len(), "small area"),
                    listed(&of)
                );
                out.told.push(Told::new(file, "population_missing", what));
            }
            let mut sums: BTreeMap<&str, Option<i64>> = BTreeMap::new();
            for (code, people) in
                known.iter().map(|(c, n)| (c.as_str(), Some(*n))).chain(lost.iter().map(|c| (*c, None)))
            {
                if let Some(district) = districts.of(code) {
                    let sum = sums.entry(district).or_insert(Some(0));
                    *sum = sum.zip(people).map(|(a, b)| a + b);
                }
            }
            // What a file says of a district itself is better than a sum.
            sums.retain(|district, _| !has(district));
            let rows = &mut out.places.population;
            rows.extend(sums.into_iter().map(|(code, people)| (code.to_owned(), year, people)));
            rows.extend(lost.into_iter().map(|code| (code.to_owned(), year, None)));
            rows.extend(known.into_iter().map(|(code, people)| (code, year, Some(people))));
        }
        out.places.population.sort();
    }

    /// Small areas of which a file of people says nothing. One that knows none of them is of another place.
    fn lost<'d>(
        &self,
        districts: &Districts<'d>,
        carried: &Carried<'_>,
        has: impl Fn(&str) -> bool,
        file: &InputFile,
        problems: &mut Vec<IngestError>,
    ) -> Vec<&'d str> {
        let mut all = districts.small_areas();
        let lost = carried.missing(all.iter().copied(), &has);
        if !all.is_empty() && lost.len() == all.len() && !districts.ours.iter().any(|d| has(d)) {
            problems.push(fail(file, "it has none of the small areas of the area"));
            return Vec::new();
        }
        // What is lost in one census is lost in the other.
        all.extend(districts.linked.keys().copied());
        carried.missing(all, &has)
    }

    /// People who are there by day.
    pub(super) fn by_day(
        &self,
        districts: &Districts<'_>,
        carried: &Carried<'_>,
        files: Vec<Daytime<'_>>,
        out: &mut InFull,
    ) {
        type People<'f> = (&'f InputFile, BTreeMap<String, i64>);
        let mut found: BTreeMap<(&str, i32), People<'_>> = BTreeMap::new();
        for Daytime { file, layer, year, rows } in files {
            let (_, known) = found.entry((layer, year)).or_insert_with(|| (file, BTreeMap::new()));
            out.problems.extend(take(file, rows, |code| districts.holds(layer, code), known));
        }
        for ((layer, year), (file, known)) in found {
            let has = |code: &str| known.contains_key(code);
            let lost: Vec<&str> = match layer {
                "lsoa" => self.lost(districts, carried, has, file, &mut out.problems),
                _ => districts.inside.iter().filter(|(l, c)| *l == layer && !has(c)).map(|(_, c)| *c).collect(),
            };
            if !lost.is_empty() {
                let what = format!(
                    "no people by day of {year} for {} of the area: rates over people by day of what holds them are not available",
                    count(lost.len(), if layer == "lsoa" { "small area" } else { layer })
                );
                out.told.push(Told::new(file, "daytime_missing", what));
            }
            let rows = &mut out.places.daytime;
            rows.extend(lost.into_iter().map(|code| (layer.to_owned(), code.to_owned(), year, None)));
            rows.extend(known.into_iter().map(|(code, people)| (layer.to_owned(), code, year, Some(people))));
        }
        out.places.daytime.sort();
    }
}
