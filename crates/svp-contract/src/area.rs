//! An area: where the pipeline runs, what it reads there, and what it makes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{AreaRule, Day, Month, Problem, parse};

/// A local authority district of the area.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct District {
    /// GSS code.
    pub code: String,
    /// Name.
    pub name: String,
    /// Community safety partnership that it belongs to.
    pub csp: String,
    /// Published together with this district (Scilly with Cornwall), where it is too small alone.
    #[serde(default)]
    pub published_with: Option<String>,
}

/// One reference input.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "layout", rename_all = "snake_case", deny_unknown_fields)]
pub enum Reference {
    /// GeoJSON boundaries, longitude and latitude (CRS84), one feature an area; gzip or plain.
    GeojsonBoundaries {
        /// Layer name: `lsoa`, `district`, …
        layer: String,
        /// File or glob.
        path: String,
        /// Property with the code; the first of these that a feature has.
        code: Vec<String>,
        /// Property with the name.
        name: Vec<String>,
    },
    /// CSV with a header: a dictionary from one column to another, columns found by prefix.
    CsvLookup {
        /// Name that `lookup('…', key)` uses.
        table: String,
        /// File or glob.
        path: String,
        /// Key column, or the start of its name.
        key: String,
        /// Value column, or the start of its name.
        value: String,
    },
    /// ONS Postcode Directory or National Statistics Postcode Lookup: columns found by prefix, since
    /// their names carry the year.
    PostcodeDirectory {
        /// File or glob.
        path: String,
    },
    /// OS Code-Point Open: no header, postcode and grid reference; the LSOA comes from the boundaries.
    CodePointOpen {
        /// File or glob.
        path: String,
    },
    /// ONS population by LSOA: code and total columns found by name.
    OnsPopulation {
        /// File or glob.
        path: String,
        /// Column with the LSOA code, or the start of its name.
        code: String,
        /// Column with all ages, or the start of its name.
        total: String,
        /// Mid-year that the estimate is of.
        year: i32,
    },
    /// People who are in an area by day (the census's workday population, or another count of who is there): code and total
    /// columns found by name.
    DaytimePopulation {
        /// File or glob.
        path: String,
        /// Layer of the areas: `lsoa`, `msoa`, `district`, …
        layer: String,
        /// Column with the area's code, or the start of its name.
        code: String,
        /// Column with the people, or the start of its name.
        total: String,
        /// Year of the count.
        year: i32,
    },
    /// Dated CSV lookup with a header, from each area to the one that holds it. A column is named by its whole name, the start
    /// of it, or with `*` for the year (`lad*nm`), since publishers put the year there; `|` divides several such names, of which
    /// the first that is there counts. So are the columns of all layouts.
    AreaLookup {
        /// File or glob.
        path: String,
        /// Layer of the child: `lsoa`, `msoa`, `ward`, `district`, …
        layer: String,
        /// Column with the child's code.
        code: String,
        /// Column with the child's name.
        #[serde(default)]
        name: Option<String>,
        /// Layer of the parent: `district`, `csp`, `force`, `command_unit`, `icb`, …
        parent_layer: String,
        /// Column with the parent's code.
        parent: String,
        /// Column with the parent's name.
        #[serde(default)]
        parent_name: Option<String>,
        /// First day on which it is so.
        #[serde(default)]
        valid_from: Option<Day>,
        /// Last day on which it is so.
        #[serde(default)]
        valid_to: Option<Day>,
    },
    /// The official exact-fit lookup of small areas of one census to those of the next, with CHGIND (U, S, M, X).
    AreaChange {
        /// File or glob.
        path: String,
        /// Column with the code before.
        from: String,
        /// Column with the code after.
        to: String,
        /// Column with the letter of what happened.
        change: String,
    },
    /// Index of Multiple Deprivation by small area: the decile, 1 the most deprived.
    Deprivation {
        /// File or glob.
        path: String,
        /// Column with the code.
        code: String,
        /// Column with the decile.
        decile: String,
    },
    /// CSV `name,easting,northing,radius_m`: places whose events are not counted in grids.
    Exclusions {
        /// File or glob.
        path: String,
    },
}

/// A place whose events are not counted in grids (custody suite, hospital, headquarters).
#[derive(Debug, Clone, PartialEq)]
pub struct Exclusion {
    /// Name.
    pub name: String,
    /// Easting, m.
    pub easting: f64,
    /// Northing, m.
    pub northing: f64,
    /// Radius, m.
    pub radius_m: f64,
}

/// An extract to load.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Source (name of a file in `pipelines/sources`).
    pub source: String,
    /// Files, folders (with their sub-folders) or globs.
    pub path: Vec<String>,
    /// It may be absent: no file is no error.
    #[serde(default)]
    pub optional: bool,
}

/// The period that outputs cover, whole months.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Period {
    /// First month.
    pub from: Month,
    /// Last month.
    pub to: Month,
}

/// An area.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Area {
    /// Name; equal to the file's name.
    pub name: String,
    /// Title.
    pub title: String,
    /// What is special about it.
    #[serde(default)]
    pub description: String,
    /// Police force area code.
    pub police_force: String,
    /// Smallest and largest easting of a plausible event, m.
    pub easting: [f64; 2],
    /// Smallest and largest northing, m.
    pub northing: [f64; 2],
    /// Districts.
    #[serde(rename = "district")]
    pub districts: Vec<District>,
    /// Folder of reference data, relative to the area file.
    pub reference_root: String,
    /// Reference inputs.
    #[serde(default)]
    pub reference: Vec<Reference>,
    /// Folder of extracts, relative to the area file.
    #[serde(default)]
    pub input_root: String,
    /// Extracts.
    #[serde(default)]
    pub input: Vec<Input>,
    /// Definitions of serious violence to run.
    pub definitions: Vec<String>,
    /// Outputs to make.
    pub outputs: Vec<String>,
    /// Period.
    pub period: Period,
    /// Audience of the release.
    pub audience: String,
    /// Stricter rules for small numbers than the audience's policy.
    #[serde(default)]
    pub disclosure: Option<AreaRule>,
    /// Lines of attribution that the reference data ask for.
    #[serde(default)]
    pub attribution: Vec<String>,
    /// Facts of the site that mappings ask for with `lookup('site', '…')`, such as its DfE authority number.
    #[serde(default)]
    pub site: BTreeMap<String, String>,
    /// Known breaks in the series: month and what happened.
    #[serde(default)]
    pub breaks: BTreeMap<Month, String>,
}

impl Area {
    /// Reads one area file.
    ///
    /// # Errors
    /// A problem with file and line.
    pub fn parse(file: &str, text: &str) -> Result<Self, Problem> {
        let area: Self = parse(file, text)?;
        if area.period.from > area.period.to {
            return Err(Problem::new(file, "period: it ends before it begins"));
        }
        if let Some((what, hint)) = area.misfit() {
            return Err(Problem::new(file, what).hint(hint));
        }
        for reference in &area.reference {
            if let Reference::AreaLookup { layer, parent_layer, valid_from, valid_to, .. } = reference {
                lookup_problem(layer, parent_layer, *valid_from, *valid_to)
                    .map_or(Ok(()), |(what, hint)| Err(Problem::new(file, what).hint(hint)))?;
            }
        }
        Ok(area)
    }

    /// What the area says of its ground that cannot be, and what to do.
    fn misfit(&self) -> Option<(String, &'static str)> {
        for (axis, [least, greatest], end) in
            [("easting", self.easting, 700_000.0), ("northing", self.northing, 1_300_000.0)]
        {
            if !(least >= 0.0 && least < greatest && greatest <= end) {
                let what = format!(
                    "{axis}: it is not the smallest and the largest of the area in metres of the National Grid"
                );
                return Some((what, "write [smallest, largest], for example [541000, 642000]"));
            }
        }
        let codes: BTreeSet<&str> = self.districts.iter().map(|d| d.code.as_str()).collect();
        if codes.len() < self.districts.len() {
            return Some(("district: a code stands twice".to_owned(), "each district has one entry"));
        }
        let csp = |code: &str| self.districts.iter().find(|d| d.code == code).map(|d| d.csp.as_str());
        let apart = |d: &&District| d.published_with.as_deref().is_some_and(|with| csp(with) != Some(d.csp.as_str()));
        let d = self.districts.iter().find(apart)?;
        Some((
            format!("district {}: published_with names no district of its partnership in this area", d.code),
            "give the code of a [[district]] with the same csp",
        ))
    }
}

/// What is wrong with a lookup of areas, as far as the area file tells, and what to do.
fn lookup_problem(
    layer: &str,
    parent_layer: &str,
    from: Option<Day>,
    to: Option<Day>,
) -> Option<(String, &'static str)> {
    let at = format!("reference: area_lookup from `{layer}` to `{parent_layer}`");
    if layer == parent_layer {
        return Some((
            format!("{at}: an area does not hold itself"),
            "name the layer of the child and that of its parent",
        ));
    }
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        return Some((format!("{at}: it ends before it begins"), "valid_to is the last day on which it is so"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lookup_is_between_two_layers_and_two_days() {
        let day = |text: &str| text.parse::<Day>().ok();
        assert_eq!(lookup_problem("lsoa", "ward", day("2021-01-01"), day("2021-01-01")), None);
        assert!(lookup_problem("lsoa", "lsoa", None, None).is_some());
        assert!(lookup_problem("lsoa", "ward", day("2021-02-01"), day("2021-01-01")).is_some());
    }
}
