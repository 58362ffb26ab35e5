//! Which area lies in which, what became of small areas, how deprived they are and who lives there: the reference data that
//! analyses join to. They are read when somebody asks.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashSet;
use svp_contract::{Ages, Area, AreaChange, AreaLink, Change, Reference};
use svp_functions::Lookups;
use svp_lake::input::InputFile;

use crate::error::IngestError;
use crate::reference::fail;
use crate::reference::rows::{Row, header, read_rows};

/// Fewer columns of single years than this are no ages of a population.
const FEWEST_AGES: usize = 20;

/// The district of each small area of the area: by the lookup `lsoa_district`, else by dated lookups.
pub(crate) struct Districts<'a> {
    pub ours: BTreeSet<&'a str>,
    lookups: &'a Lookups,
    /// By small area.
    pub linked: BTreeMap<&'a str, &'a str>,
    /// Areas of every layer that lie in one of our districts, by layer.
    pub inside: BTreeSet<(&'a str, &'a str)>,
}

impl<'a> Districts<'a> {
    pub fn new(area: &'a Area, links: &'a [AreaLink], lookups: &'a Lookups) -> Self {
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

    /// The district of the area in which a small area lies.
    pub fn of(&self, code: &str) -> Option<&str> {
        let found = self.lookups.value("lsoa_district", code).filter(|d| self.ours.contains(d));
        found.or_else(|| self.linked.get(code).copied())
    }

    /// The district that the lookup `lsoa_district` gives, of the area or not.
    pub fn said(&self, code: &str) -> Option<&'a str> {
        self.lookups.value("lsoa_district", code)
    }

    /// The small areas of the area: those of the lookup, which are of the census that mappings use; where it has none, those of
    /// the dated lookups.
    pub fn small_areas(&self) -> BTreeSet<&'a str> {
        let pairs = self.lookups.pairs("lsoa_district").filter(|(_, d)| self.ours.contains(d));
        let found: BTreeSet<&str> = pairs.map(|(code, _)| code).collect();
        if found.is_empty() { self.linked.keys().copied().collect() } else { found }
    }

    /// Whether an area of a layer lies in the area.
    pub fn holds(&self, layer: &str, code: &str) -> bool {
        self.inside.contains(&(layer, code)) || (layer == "lsoa" && self.of(code).is_some())
    }

    /// The lookup `lsoa_district` as links, where no dated lookup says the same.
    pub fn links(&self) -> Vec<AreaLink> {
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
}

/// The rows of a lookup of areas, each once; and whether the file may be cut.
pub(crate) fn links(reference: &Reference, file: &InputFile) -> Result<(Vec<AreaLink>, bool), IngestError> {
    let Reference::AreaLookup { layer, code, name, parent_layer, parent, parent_name, valid_from, valid_to, .. } =
        reference
    else {
        return Ok((Vec::new(), false));
    };
    // A name that is not asked for is the code's own column, and left out again.
    let choices = [code, name.as_ref().unwrap_or(code), parent, parent_name.as_ref().unwrap_or(parent)];
    let wanted = choices.map(|c| [c.as_str()]);
    let mut seen = FxHashSet::default();
    let mut out = Vec::new();
    let open = read_rows(file, &wanted.each_ref().map(|c| c.as_slice()), |row| {
        let (Some(child), Some(holder)) = (row.owned(0), row.owned(2)) else { return Ok(()) };
        if seen.insert((child.clone(), holder.clone())) {
            out.push(AreaLink {
                layer: layer.clone(),
                code: child,
                name: name.as_ref().and(row.owned(1)),
                parent_layer: parent_layer.clone(),
                parent: holder,
                parent_name: parent_name.as_ref().and(row.owned(3)),
                valid_from: *valid_from,
                valid_to: *valid_to,
            });
        }
        Ok(())
    })?;
    Ok((out, open))
}

/// The rows of an exact-fit lookup, each once.
pub(crate) fn changes(file: &InputFile, names: [&String; 3]) -> Result<(Vec<AreaChange>, bool), IngestError> {
    let wanted = names.map(|n| [n.as_str()]);
    let mut seen = FxHashSet::default();
    let mut out = Vec::new();
    let open = read_rows(file, &wanted.each_ref().map(|c| c.as_slice()), |row| {
        let (Some(from), Some(to)) = (row.owned(0), row.owned(1)) else {
            return Err(fail(file, format!("row {} lacks the code before or after", row.number)));
        };
        let Some(change) = row.text(2).and_then(|c| Change::read(&c)) else {
            return Err(fail(file, format!("the change of row {} is none of U, S, M and X", row.number)));
        };
        if seen.insert((from.clone(), to.clone())) {
            out.push(AreaChange { from, to, change });
        }
        Ok(())
    })?;
    Ok((out, open))
}

/// A number of people: whole, none of them negative; thousands may be divided by commas, and a spreadsheet's `.0` is nothing.
fn whole(text: &str) -> Option<i64> {
    let plain = text.replace(',', "");
    let plain = plain.trim_end_matches('0').strip_suffix('.').unwrap_or(&plain);
    plain.parse::<i64>().ok().filter(|n| *n >= 0)
}

/// A row of a file of people.
pub(crate) struct People {
    /// Number of the row.
    pub row: u64,
    /// Area.
    pub code: String,
    /// People; `None` where the row has no whole number of 0 or more.
    pub people: Option<i64>,
}

/// Areas and their people; a row without a code is none of them (notes below the table).
pub(crate) fn people(file: &InputFile, code: &str, total: &str) -> Result<(Vec<People>, bool), IngestError> {
    let mut out = Vec::new();
    let open = read_rows(file, &[&[code], &[total]], |row| {
        if let Some(code) = row.owned(0) {
            out.push(People { row: row.number, code, people: row.text(1).and_then(|n| whole(&n)) });
        }
        Ok(())
    })?;
    Ok((out, open))
}

/// Small areas with their deciles.
pub(crate) fn deciles(file: &InputFile, code: &str, decile: &str) -> Result<(Vec<(String, i32)>, bool), IngestError> {
    let mut out = BTreeMap::new();
    let open = read_rows(file, &[&[code], &[decile]], |row| {
        let Some(code) = row.owned(0) else { return Ok(()) };
        let Some(decile) = row.text(1).and_then(|d| d.parse().ok()).filter(|d| (1..=10).contains(d)) else {
            let what = format!("the decile of row {} is not a whole number from 1 to 10", row.number);
            return Err(fail(file, what));
        };
        if out.insert(code, decile).is_some() {
            return Err(fail(file, format!("row {} gives a small area again", row.number)));
        }
        Ok(())
    })?;
    Ok((out.into_iter().collect(), open))
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

/// Residents by year of age of the small areas of the area, where the file has the columns.
pub(crate) fn ages(
    file: &InputFile,
    code: &str,
    year: i32,
    districts: &Districts<'_>,
) -> Result<Vec<Ages>, IngestError> {
    let header = header(file)?;
    let by_age = age_columns(&header);
    if by_age.is_empty() {
        return Ok(Vec::new());
    }
    let single: Vec<[&str; 1]> = std::iter::once(code).chain(by_age.iter().flatten().copied()).map(|n| [n]).collect();
    let wanted: Vec<&[&str]> = single.iter().map(|c| c.as_slice()).collect();
    let mut out: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    read_rows(file, &wanted, |row: &Row<'_>| {
        let Some(code) = row.owned(0).filter(|c| districts.of(c).is_some()) else { return Ok(()) };
        let mut at = 1;
        let mut residents = Vec::with_capacity(by_age.len());
        for names in &by_age {
            let sum: Option<i64> = (at..at + names.len()).map(|i| row.text(i).and_then(|n| whole(&n))).sum();
            at += names.len();
            let Some(sum) = sum else {
                let what = format!("the residents of an age in row {} are not a whole number of 0 or more", row.number);
                return Err(fail(file, what));
            };
            residents.push(sum);
        }
        out.insert(code, residents);
        Ok(())
    })?;
    Ok(out.into_iter().map(|(code, residents)| Ages { code, year, residents }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_whole_numbers() {
        for (text, n) in
            [("1234", 1234), ("1,234", 1234), ("1234.0", 1234), ("1200", 1200), ("1200.00", 1200), ("0", 0)]
        {
            assert_eq!(whole(text), Some(n), "{text}");
        }
        for text in ["-1", "12.5", "", "c", "1e3", "."] {
            assert_eq!(whole(text), None, "{text}");
        }
    }

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
