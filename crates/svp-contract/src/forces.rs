//! The territorial police forces of England and Wales, their districts and partnerships, and the area file of each.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;

use crate::{Problem, nearest, parse};

/// A police force area.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Force {
    /// GSS code.
    pub code: String,
    /// Name of the police force area.
    pub name: String,
    /// Name of the force.
    pub force: String,
    /// Its word in file names of data.police.uk.
    pub slug: String,
    /// Box of a plausible event, British National Grid, m.
    west: f64,
    south: f64,
    east: f64,
    north: f64,
    /// Its districts.
    #[serde(skip)]
    pub districts: Vec<ForceDistrict>,
}

impl Force {
    /// Smallest and largest easting and northing, m.
    #[must_use]
    pub fn area_box(&self) -> ([f64; 2], [f64; 2]) {
        ([self.west, self.east], [self.south, self.north])
    }
}

/// A district of a force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForceDistrict {
    /// GSS code.
    pub code: String,
    /// Name.
    pub name: String,
    /// Community safety partnerships in it, in the order of their codes: a district made of several can have theirs still.
    pub partnerships: Vec<String>,
    /// Published together with this district.
    pub published_with: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DistrictRow {
    force: String,
    district: String,
    name: String,
    #[serde(rename = "csp")]
    _csp: String,
    csp_name: String,
    published_with: Option<String>,
}

/// A kind of reference data that an area of England or Wales wants.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Who publishes it.
    pub publisher: String,
    /// What it is called there.
    pub product: String,
    /// First letter of the codes of forces that want it (`E`, `W`); all without.
    #[serde(default)]
    pub country: Option<String>,
    /// The entries of the area file, TOML.
    pub entries: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    wanted: Vec<Wanted>,
}

/// All forces, and the reference data that their areas want.
#[derive(Debug, Clone)]
pub struct Forces {
    /// Forces by code.
    pub forces: Vec<Force>,
    wanted: Vec<Wanted>,
}

/// What the site and the user decide of a new area.
#[derive(Debug, Clone)]
pub struct Choices<'a> {
    /// Name of the area, that of its file.
    pub name: &'a str,
    /// First and last month, `YYYY-MM`.
    pub months: [&'a str; 2],
    /// Audience.
    pub audience: &'a str,
    /// Definitions.
    pub definitions: Vec<&'a str>,
    /// Outputs.
    pub outputs: Vec<&'a str>,
    /// Sources.
    pub sources: Vec<&'a str>,
}

/// Words that say what every force is.
const COMMON: [&str; 8] = ["police", "constabulary", "service", "force", "area", "the", "of", "county"];

/// A name for comparison: small letters, `and` for `&`, without what every force is called and without order.
fn key(name: &str) -> String {
    let plain = name.to_lowercase().replace('&', " and ");
    let words = plain.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty() && !COMMON.contains(w));
    let mut words: Vec<&str> = words.collect();
    words.sort_unstable();
    words.join(" ")
}

impl Forces {
    /// Reads the tables of forces and of districts (CSV, lines that begin with `#` are notes) and the catalogue of reference data
    /// (TOML).
    ///
    /// # Errors
    /// A problem of one of the files, which are named.
    pub fn parse(forces: (&str, &str), districts: (&str, &str), catalogue: (&str, &str)) -> Result<Self, Problem> {
        let mut forces: Vec<Force> = rows(forces.0, forces.1)?;
        forces.sort_by(|a, b| a.code.cmp(&b.code));
        for row in rows::<DistrictRow>(districts.0, districts.1)? {
            let Some(force) = forces.iter_mut().find(|f| f.code == row.force) else {
                return Err(Problem::new(districts.0, "a district is of a force that is not in the table of forces"));
            };
            match force.districts.iter_mut().find(|d| d.code == row.district) {
                Some(district) => district.partnerships.push(row.csp_name),
                None => force.districts.push(ForceDistrict {
                    code: row.district,
                    name: row.name,
                    partnerships: vec![row.csp_name],
                    published_with: row.published_with.filter(|d| !d.is_empty()),
                }),
            }
        }
        let catalogue: Catalogue = parse(catalogue.0, catalogue.1)?;
        Ok(Self { forces, wanted: catalogue.wanted })
    }

    /// The force of a name (`Kent`, `kent police`, `Devon & Cornwall`) or a code (`E23000032`).
    ///
    /// # Errors
    /// What to do: the nearest name, or where the names are.
    pub fn find(&self, name: &str) -> Result<&Force, String> {
        let wanted = key(name);
        let names = |f: &Force| [key(&f.name), key(&f.force), key(&f.slug)];
        let code = name.trim().to_uppercase();
        let found = self.forces.iter().find(|f| f.code == code || (!wanted.is_empty() && names(f).contains(&wanted)));
        found.ok_or_else(|| {
            let holds = |f: &&Force| {
                !wanted.is_empty()
                    && wanted.split(' ').all(|w| names(f).iter().any(|n| n.split(' ').any(|m| m.starts_with(w))))
            };
            let some: Vec<&str> = self.forces.iter().filter(holds).map(|f| f.name.as_str()).collect();
            if !some.is_empty() {
                return format!(
                    "did you mean {}?",
                    some.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" or ")
                );
            }
            let keys: Vec<(String, &str)> =
                self.forces.iter().flat_map(|f| names(f).into_iter().map(|n| (n, f.name.as_str()))).collect();
            let near = nearest(&wanted, keys.iter().map(|(k, _)| k.as_str()));
            match near.and_then(|near| keys.iter().find(|(k, _)| k == near)) {
                Some((_, name)) => format!("did you mean `{name}`?"),
                None => "`svp area list` shows the forces of England and Wales".to_owned(),
            }
        })
    }

    /// The reference data that the area of a force wants.
    pub fn wanted<'a>(&'a self, force: &'a Force) -> impl Iterator<Item = &'a Wanted> {
        self.wanted.iter().filter(|w| w.country.as_ref().is_none_or(|c| force.code.starts_with(c.as_str())))
    }

    /// The text of an area file.
    #[must_use]
    pub fn area_file(&self, force: &Force, choices: &Choices<'_>) -> String {
        let mut out = String::new();
        let list = |names: &[&str]| names.iter().map(|n| text(n)).collect::<Vec<_>>().join(", ");
        let ([west, east], [south, north]) = force.area_box();
        // Writing to a String cannot fail; `ok` only discards that impossible result.
        writeln!(out, "# Written by `svp area new`. Districts, partnerships and the box are facts of 2024: look at them when districts change.").ok();
        writeln!(out, "name = {}\ntitle = {}", text(choices.name), text(&format!("{} police area", force.name))).ok();
        writeln!(out, "description = {}", text(&format!("The area of {}, by the lookup of districts, partnerships and police force areas of 2024 (Office for National Statistics).", force.force))).ok();
        writeln!(out, "police_force = {}", text(&force.code)).ok();
        writeln!(out, "easting = [{west}, {east}]\nnorthing = [{south}, {north}]").ok();
        writeln!(out, "reference_root = \"../../reference\"\ninput_root = \"../../extracts\"").ok();
        writeln!(out, "definitions = [{}]\noutputs = [{}]", list(&choices.definitions), list(&choices.outputs)).ok();
        writeln!(out, "audience = {}", text(choices.audience)).ok();
        let attribution = [
            "Contains public sector information licensed under the Open Government Licence v3.0",
            "Source: Office for National Statistics licensed under the Open Government Licence v3.0",
            "Contains OS data © Crown copyright and database right",
        ];
        writeln!(out, "attribution = [{}]", list(&attribution)).ok();
        writeln!(out, "\n[period]\nfrom = {}\nto = {}", text(choices.months[0]), text(choices.months[1])).ok();
        let csps: BTreeMap<&str, String> = force.districts.iter().map(|d| (d.code.as_str(), partnership(d))).collect();
        for d in &force.districts {
            out.push('\n');
            if d.partnerships.len() > 1 {
                writeln!(
                    out,
                    "# It lies in the partnerships {}; which part in which, the lookup does not say.",
                    d.partnerships.join(", ")
                )
                .ok();
            }
            let csp = d.published_with.as_deref().and_then(|with| csps.get(with)).or_else(|| csps.get(d.code.as_str()));
            writeln!(
                out,
                "[[district]]\ncode = {}\nname = {}\ncsp = {}",
                text(&d.code),
                text(&d.name),
                text(csp.map_or("", |c| c))
            )
            .ok();
            if let Some(with) = &d.published_with {
                writeln!(out, "published_with = {}", text(with)).ok();
            }
        }
        for wanted in self.wanted(force) {
            writeln!(out, "\n# {}: {}", wanted.publisher, wanted.product).ok();
            writeln!(out, "{}", wanted.entries.trim()).ok();
        }
        writeln!(out, "\n# Extracts, each in a folder of its own. What is not there yet may be absent; take out what will never come.").ok();
        for source in &choices.sources {
            let path =
                if source.starts_with("police_s") { format!("{source}/{}", force.slug) } else { (*source).to_owned() };
            writeln!(out, "\n[[input]]\nsource = {}\npath = [{}]\noptional = true", text(source), text(&path)).ok();
        }
        out
    }
}

/// The partnership that a district stands for. One that lies in several stands for itself, so that no partnership is counted with
/// a district that is only partly its own.
fn partnership(district: &ForceDistrict) -> String {
    match district.partnerships.as_slice() {
        [one] => one.clone(),
        _ => format!("{} (several partnerships)", district.name),
    }
}

/// A TOML string.
fn text(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

fn rows<T: for<'de> Deserialize<'de>>(file: &str, text: &str) -> Result<Vec<T>, Problem> {
    let text = text.trim_start_matches('\u{feff}');
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().map_err(|error| {
        let line = error.position().map_or(0, csv::Position::line);
        Problem::new(format!("{file}:{line}"), "a row does not fit the columns of the table")
            .hint("take the file as it ships with the project, or write its rows in the same form")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Area;

    const FORCES: &str = include_str!("../../../pipelines/reference/police_forces.csv");
    const DISTRICTS: &str = include_str!("../../../pipelines/reference/police_force_districts.csv");
    const CATALOGUE: &str = include_str!("../../../pipelines/reference/catalogue.toml");

    fn shipped() -> Forces {
        Forces::parse(("forces", FORCES), ("districts", DISTRICTS), ("catalogue", CATALOGUE)).unwrap()
    }

    fn choices(name: &str) -> Choices<'_> {
        Choices {
            name,
            months: ["2024-04", "2026-03"],
            audience: "partner",
            definitions: vec!["opcc_2020"],
            outputs: vec!["by_district"],
            sources: vec!["police_street", "ecds"],
        }
    }

    #[test]
    fn all_forces_of_england_and_wales_are_there() {
        let forces = shipped().forces;
        assert_eq!(forces.len(), 43);
        assert_eq!(forces.iter().filter(|f| f.code.starts_with('W')).count(), 4);
        let mut districts: Vec<&str> = forces.iter().flat_map(|f| &f.districts).map(|d| d.code.as_str()).collect();
        let all = districts.len();
        districts.sort_unstable();
        districts.dedup();
        assert_eq!((all, districts.len()), (318, 318), "each district of 2024 is in one force");
        let count = |name: &str| forces.iter().find(|f| f.name == name).map(|f| f.districts.len());
        assert_eq!(
            (count("Kent"), count("Metropolitan Police"), count("London, City of")),
            (Some(13), Some(32), Some(1))
        );
        assert_eq!((count("Devon & Cornwall"), count("Dorset"), count("Dyfed-Powys")), (Some(12), Some(2), Some(4)));
    }

    #[test]
    fn a_force_is_found_by_its_names() {
        let forces = shipped();
        let code = |name: &str| forces.find(name).map(|f| f.code.clone());
        for (name, wanted) in [
            ("Kent", "E23000032"),
            ("kent police", "E23000032"),
            ("E23000032", "E23000032"),
            ("e23000032", "E23000032"),
            ("Devon & Cornwall", "E23000035"),
            ("devon and cornwall", "E23000035"),
            ("Cornwall and Devon Police", "E23000035"),
            ("devon-and-cornwall", "E23000035"),
            ("Avon & Somerset Constabulary", "E23000036"),
            ("City of London Police", "E23000034"),
            ("London, City of", "E23000034"),
            ("Metropolitan", "E23000001"),
            ("the Metropolitan Police Service", "E23000001"),
            ("Dyfed Powys", "W15000004"),
            ("Hampshire", "E23000030"),
            ("Hampshire and Isle of Wight", "E23000030"),
        ] {
            assert_eq!(code(name).as_deref(), Ok(wanted), "{name}");
        }
        for (name, hint) in [
            ("Kemt", "did you mean `Kent`?"),
            ("Yorkshire", "`North Yorkshire` or `West Yorkshire` or `South Yorkshire`"),
            ("Devon", "`Devon & Cornwall`"),
            ("Police", "svp area list"),
            ("", "svp area list"),
            ("Ruritania", "svp area list"),
        ] {
            let told = code(name).unwrap_err();
            assert!(told.contains(hint), "{name}: {told}");
        }
    }

    #[test]
    fn every_force_has_an_area_file() {
        let forces = shipped();
        for force in &forces.forces {
            let text = forces.area_file(force, &choices(&force.slug));
            let area = Area::parse("area.toml", &text).unwrap_or_else(|p| panic!("{}: {p}\n{text}", force.name));
            assert_eq!((area.name.as_str(), area.police_force.as_str()), (force.slug.as_str(), force.code.as_str()));
            assert_eq!(area.districts.len(), force.districts.len());
            assert!(area.input.iter().all(|i| i.optional));
            assert!(area.easting[1] - area.easting[0] >= 4_000.0 && area.northing[1] - area.northing[0] >= 4_000.0);
        }
        let devon = forces.find("Devon & Cornwall").unwrap();
        let area = Area::parse("area.toml", &forces.area_file(devon, &choices("d"))).unwrap();
        let scilly = area.districts.iter().find(|d| d.code == "E06000053").unwrap();
        assert_eq!((scilly.published_with.as_deref(), scilly.csp.as_str()), (Some("E06000052"), "Cornwall"));
        assert_eq!(area.easting, [81_000.0, 339_000.0]);
    }

    #[test]
    fn a_district_of_several_partnerships_stands_for_itself() {
        let forces = shipped();
        let dorset = forces.area_file(forces.find("Dorset").unwrap(), &choices("dorset"));
        let area = Area::parse("dorset.toml", &dorset).unwrap();
        let csps: Vec<&str> = area.districts.iter().map(|d| d.csp.as_str()).collect();
        assert_eq!(csps, ["Bournemouth, Christchurch and Poole (several partnerships)", "Dorset"]);
        assert!(dorset.contains("partnerships Bournemouth, Poole, Dorset;"), "{dorset}");
    }

    #[test]
    fn a_row_of_another_form_is_a_problem_with_its_line() {
        let found =
            Forces::parse(("f.csv", "code,name\nE1,A\n"), ("d.csv", ""), ("c.toml", "wanted = []")).unwrap_err();
        assert!(found.at.starts_with("f.csv:2"), "{found}");
    }
}
