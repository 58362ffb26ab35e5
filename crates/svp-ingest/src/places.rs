//! Which area lies in which, what became of small areas, how deprived they are and who lives there: the reference data that
//! analyses join to. They are read when somebody asks.

use std::collections::{BTreeMap, BTreeSet};

use svp_contract::{Ages, Area, AreaChange, AreaLink, Change, Places, Reference};
use svp_functions::Lookups;
use svp_lake::input::InputFile;

use crate::error::IngestError;
use crate::reference::{ReferenceData, columns, fail, header};

/// Fewer columns of single years than this are no ages of a population.
const FEWEST_AGES: usize = 20;

impl ReferenceData {
    /// What is known of places. Sizes are read only `with_sizes`: the boundaries of all small areas take a while.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub fn places(&self, area: &Area, with_sizes: bool) -> Result<Places, IngestError> {
        let mut out = Places { exclusions: self.exclusions.clone(), ..Places::default() };
        let mut linked = Vec::new();
        let mut by_day = Vec::new();
        for (reference, file) in &self.geography {
            match reference {
                Reference::AreaLookup { .. } => linked.extend(links(reference, file)?),
                Reference::AreaChange { from, to, change, .. } => {
                    out.changes.extend(changes(file, [from, to, change])?)
                }
                Reference::Deprivation { code, decile, .. } => out.deprivation.extend(deciles(file, code, decile)?),
                Reference::DaytimePopulation { layer, code, total, year, .. } => {
                    by_day.extend(
                        people(file, code, total)?.into_iter().map(|(code, n)| (layer.clone(), code, *year, n)),
                    );
                }
                _ => {}
            }
        }
        let districts = Districts::new(area, &linked, &self.lookups);
        out.links = districts.links();
        let mut all = Vec::new();
        for (reference, file) in &self.populations {
            let Reference::OnsPopulation { code, total, year, .. } = reference else { continue };
            all.extend(people(file, code, total)?.into_iter().map(|(code, people)| (code, *year, people)));
            out.ages.extend(ages(file, code, *year, &districts)?);
        }
        out.population = districts.population(&all);
        out.daytime = by_day.into_iter().filter(|(layer, code, ..)| districts.holds(layer, code)).collect();
        // Dated lookups come first: the first that holds an area names its parent.
        linked.append(&mut out.links);
        out.links = linked;
        if with_sizes {
            out.km2 = self.square_kilometres("lsoa");
        }
        Ok(out)
    }
}

/// The district of each small area of the area: by the lookup `lsoa_district`, else by dated lookups.
struct Districts<'a> {
    ours: BTreeSet<&'a str>,
    lookups: &'a Lookups,
    /// By small area.
    linked: BTreeMap<&'a str, &'a str>,
    /// Areas of every layer that lie in one of our districts, by layer.
    inside: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Districts<'a> {
    fn new(area: &'a Area, links: &'a [AreaLink], lookups: &'a Lookups) -> Self {
        let ours: BTreeSet<&str> = area.districts.iter().map(|d| d.code.as_str()).collect();
        // From each district down, layer by layer, until nothing is added.
        let mut held: BTreeMap<(&str, &str), &str> = ours.iter().map(|d| (("district", *d), *d)).collect();
        loop {
            let before = held.len();
            for link in links {
                if let Some(district) = held.get(&(link.parent_layer.as_str(), link.parent.as_str())).copied() {
                    held.entry((link.layer.as_str(), link.code.as_str())).or_insert(district);
                }
            }
            if held.len() == before {
                break;
            }
        }
        let inside = held.keys().copied().collect();
        let linked =
            held.into_iter().filter(|((layer, _), _)| *layer == "lsoa").map(|((_, code), d)| (code, d)).collect();
        Self { ours, lookups, linked, inside }
    }

    fn of(&self, code: &str) -> Option<&str> {
        let found = self.lookups.value("lsoa_district", code).filter(|d| self.ours.contains(d));
        found.or_else(|| self.linked.get(code).copied())
    }

    fn holds(&self, layer: &str, code: &str) -> bool {
        self.inside.contains(&(layer, code)) || (layer == "lsoa" && self.of(code).is_some())
    }

    /// The lookup `lsoa_district` as links, where no dated lookup says the same.
    fn links(&self) -> Vec<AreaLink> {
        let link = |(code, district): (&str, &str)| AreaLink {
            layer: "lsoa".to_owned(),
            code: code.to_owned(),
            name: None,
            parent_layer: "district".to_owned(),
            parent: district.to_owned(),
            parent_name: None,
            valid_from: None,
            valid_to: None,
        };
        let pairs = self.lookups.pairs("lsoa_district").filter(|(_, d)| self.ours.contains(d));
        let mut links: Vec<AreaLink> = pairs.filter(|(code, _)| !self.linked.contains_key(code)).map(link).collect();
        links.sort_by(|a, b| a.code.cmp(&b.code));
        links
    }

    /// Residents of the area's small areas, and of its districts as their sums.
    fn population(&self, all: &[(String, i32, i64)]) -> Vec<(String, i32, i64)> {
        let mut out = Vec::new();
        let mut sums: BTreeMap<(&str, i32), i64> = BTreeMap::new();
        for (code, year, people) in all {
            let district = self.of(code);
            if let Some(district) = district {
                *sums.entry((district, *year)).or_default() += people;
            }
            if district.is_some() || self.ours.contains(code.as_str()) {
                out.push((code.clone(), *year, *people));
            }
        }
        out.extend(sums.into_iter().map(|((code, year), people)| (code.to_owned(), year, people)));
        out.sort();
        out
    }
}

pub(crate) fn links(reference: &Reference, file: &InputFile) -> Result<Vec<AreaLink>, IngestError> {
    let Reference::AreaLookup { layer, code, name, parent_layer, parent, parent_name, valid_from, valid_to, .. } =
        reference
    else {
        return Ok(Vec::new());
    };
    // A name that is not asked for is the code's own column, and left out again.
    let choices = [code, name.as_ref().unwrap_or(code), parent, parent_name.as_ref().unwrap_or(parent)];
    let wanted: Vec<[&str; 1]> = choices.iter().map(|c| [c.as_str()]).collect();
    let rows = columns(file, &wanted.iter().map(|c| c.as_slice()).collect::<Vec<_>>())?;
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for mut row in rows {
        let mut take = |i: usize| row.get_mut(i).and_then(Option::take);
        let (Some(child), Some(holder)) = (take(0), take(2)) else { continue };
        if !seen.insert((child.clone(), holder.clone())) {
            continue;
        }
        out.push(AreaLink {
            layer: layer.clone(),
            code: child,
            name: name.as_ref().and(take(1)),
            parent_layer: parent_layer.clone(),
            parent: holder,
            parent_name: parent_name.as_ref().and(take(3)),
            valid_from: valid_from.clone(),
            valid_to: valid_to.clone(),
        });
    }
    Ok(out)
}

pub(crate) fn changes(file: &InputFile, names: [&String; 3]) -> Result<Vec<AreaChange>, IngestError> {
    let [from, to, change] = names.map(|n| [n.as_str()]);
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for mut row in columns(file, &[&from, &to, &change])? {
        let mut take = |i: usize| row.get_mut(i).and_then(Option::take);
        let (Some(from), Some(to)) = (take(0), take(1)) else {
            return Err(fail(file, "a row lacks the code before or after"));
        };
        let Some(change) = take(2).and_then(|c| Change::read(&c)) else {
            return Err(fail(file, "the change of a row is none of U, S, M and X"));
        };
        if seen.insert((from.clone(), to.clone())) {
            out.push(AreaChange { from, to, change });
        }
    }
    Ok(out)
}

/// Areas and their people; a row without a code or a whole number is none of them (notes below the table).
fn people(file: &InputFile, code: &str, total: &str) -> Result<Vec<(String, i64)>, IngestError> {
    let rows = columns(file, &[&[code], &[total]])?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.as_slice() {
            [Some(code), Some(total)] => Some((code.clone(), total.replace(',', "").parse().ok()?)),
            _ => None,
        })
        .collect())
}

fn deciles(file: &InputFile, code: &str, decile: &str) -> Result<Vec<(String, i32)>, IngestError> {
    let mut out = BTreeMap::new();
    for mut row in columns(file, &[&[code], &[decile]])? {
        let Some(code) = row.get_mut(0).and_then(Option::take) else { continue };
        let Some(decile) =
            row.get(1).and_then(Option::as_deref).and_then(|d| d.parse().ok()).filter(|d| (1..=10).contains(d))
        else {
            return Err(fail(file, "the decile of a row is not a whole number from 1 to 10"));
        };
        if out.insert(code, decile).is_some() {
            return Err(fail(file, "it gives a small area twice"));
        }
    }
    Ok(out.into_iter().collect())
}

/// The columns of single years of age: `0` to `90+`, or `F0`, `M0` and so on, which are added.
fn age_columns(header: &[String]) -> Vec<Vec<&str>> {
    let plain = |age: usize| {
        let (year, open) = (age.to_string(), format!("{age}+"));
        let names: Vec<&str> = header.iter().map(String::as_str).filter(|h| *h == year || *h == open).collect();
        if names.len() == 1 { Some(names) } else { None }
    };
    let by_sex = |age: usize| {
        let found = |sex: char| {
            header.iter().map(String::as_str).find(|h| h.strip_prefix(sex) == Some(age.to_string().as_str()))
        };
        Some(vec![found('f')?, found('m')?])
    };
    let plainly: Vec<Vec<&str>> = (0..120).map_while(plain).collect();
    let sexes: Vec<Vec<&str>> = (0..120).map_while(by_sex).collect();
    let found = if plainly.len() >= sexes.len() { plainly } else { sexes };
    if found.len() < FEWEST_AGES { Vec::new() } else { found }
}

fn ages(file: &InputFile, code: &str, year: i32, districts: &Districts<'_>) -> Result<Vec<Ages>, IngestError> {
    let header = header(file)?;
    let by_age = age_columns(&header);
    if by_age.is_empty() {
        return Ok(Vec::new());
    }
    let single: Vec<[&str; 1]> = std::iter::once(code).chain(by_age.iter().flatten().copied()).map(|n| [n]).collect();
    let rows = columns(file, &single.iter().map(|c| c.as_slice()).collect::<Vec<_>>())?;
    let mut out = Vec::new();
    for row in rows {
        let Some(code) = row.first().cloned().flatten().filter(|c| districts.of(c).is_some()) else { continue };
        let mut numbers = row.iter().skip(1).map(|n| n.as_ref().and_then(|n| n.replace(',', "").parse::<i64>().ok()));
        let mut residents = Vec::with_capacity(by_age.len());
        for names in &by_age {
            let sum: Option<i64> = numbers.by_ref().take(names.len()).sum();
            residents.push(sum.ok_or_else(|| fail(file, "the residents of an age are not a number"))?);
        }
        out.push(Ages { code, year, residents });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_found_by_their_columns() {
        let names = |texts: Vec<String>| texts.into_iter().chain(["lsoa21_code".to_owned()]).collect::<Vec<_>>();
        let plain = names((0..90).map(|a| a.to_string()).chain(["90+".to_owned()]).collect());
        assert_eq!(age_columns(&plain).len(), 91);
        assert_eq!(age_columns(&plain)[90], ["90+"]);
        let sexes = names((0..=90).flat_map(|a| [format!("f{a}"), format!("m{a}")]).collect());
        assert_eq!(age_columns(&sexes)[7], ["f7", "m7"]);
        assert!(age_columns(&names(vec!["0".to_owned(), "1".to_owned()])).is_empty());
    }
}
