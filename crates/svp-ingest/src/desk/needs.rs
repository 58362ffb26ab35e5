//! Which reference data the mapping of a source asks for, read from its SQL: `lookup('…')`, `area_at('…')` and
//! `in_area_box`, in the source's expressions and in those of the canonical tables that can give a value.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use svp_contract::{Area, Mapping, Reference, Source, Table, canonical};
use svp_lake::input::{digest, digest_bytes};

use super::terms::short;
use crate::dictionaries::{AREA_CHANGE, FORCE_LAYER, OWN_FORCE};
use crate::error::IngestError;
use crate::named::named;
use crate::reference;

/// Every expression that decides what the rows of a source become: its own, and the tables' derivations and checks.
pub(super) fn expressions<'a>(source: &'a Source, tables: &'a [Table]) -> Vec<&'a str> {
    let mut out: Vec<&str> = Vec::new();
    for feed in &source.feeds {
        out.extend(feed.expressions().map(String::as_str));
        for (table, mapping) in feed.targets(tables) {
            let mut live = Live { table, mapping, known: BTreeMap::new() };
            for column in &table.columns {
                if let Some(sql) = &column.derive
                    && !mapping.contains_key(&column.name)
                    && live.is(&column.name)
                {
                    out.push(sql);
                }
            }
            out.extend(table.checks.iter().map(|c| c.expr.as_str()).filter(|sql| live.any(sql)));
        }
    }
    out
}

/// Which columns of a table can hold a value. One that is derived from nothing but NULL cannot: an extract without
/// postcodes asks for no postcode directory.
struct Live<'a> {
    table: &'a Table,
    mapping: &'a Mapping,
    known: BTreeMap<String, bool>,
}

impl Live<'_> {
    fn is(&mut self, name: &str) -> bool {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let Some(column) = self.table.column(name) else { return false };
        // A circle gives nothing.
        self.known.insert(name.to_owned(), false);
        let ours = ["source", "slot", "row_digest", "identified", "record_id"];
        let live = self.mapping.contains_key(name)
            || ours.contains(&name)
            || column.derive.as_deref().is_some_and(|sql| self.any(sql));
        self.known.insert(name.to_owned(), live);
        live
    }

    /// Whether an expression over columns can be other than NULL.
    fn any(&mut self, sql: &str) -> bool {
        let columns: Vec<String> = named(sql).columns.into_iter().filter(|w| self.table.column(w).is_some()).collect();
        columns.is_empty() || columns.iter().any(|c| self.is(c))
    }
}

/// One kind of reference data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The box of plausible places of an area.
    Box,
    /// The districts of an area.
    Districts,
    /// The groups of offences of the site; needs no area.
    OffenceGroups,
    /// The facts of an area that `lookup('site', …)` asks for.
    Site,
    /// Postcodes with their small areas.
    Postcodes,
    /// A boundary layer.
    Boundaries(String),
    /// Another lookup table.
    Lookup(String),
}

impl std::fmt::Display for Need {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Box => f.write_str("box of the area"),
            Self::Districts => f.write_str("districts of the area"),
            Self::OffenceGroups => f.write_str("groups of offences"),
            Self::Site => f.write_str("[site] of the area"),
            Self::Postcodes => f.write_str("postcodes"),
            Self::Boundaries(layer) => write!(f, "boundaries {layer}"),
            Self::Lookup(table) => write!(f, "lookup {table}"),
        }
    }
}

impl Need {
    /// Whether it comes with an area.
    #[must_use]
    pub fn of_an_area(&self) -> bool {
        *self != Self::OffenceGroups
    }
}

/// What the mapping of a source asks for.
#[must_use]
pub fn needs(source: &Source, tables: &[Table]) -> BTreeSet<Need> {
    let mut out = BTreeSet::new();
    out.extend(expressions(source, tables).into_iter().flat_map(needs_of));
    out
}

/// What an expression asks for.
pub(crate) fn needs_of(sql: &str) -> BTreeSet<Need> {
    let need = |(name, argument): (String, Option<String>)| match (name.as_str(), argument.as_deref()) {
        ("in_area_box", _) => Some(Need::Box),
        ("area_at", layer) => Some(Need::Boundaries(layer.unwrap_or("lsoa").to_owned())),
        ("lookup", Some("site")) => Some(Need::Site),
        ("lookup", Some("area_district")) => Some(Need::Districts),
        ("lookup", Some("offence_group")) => Some(Need::OffenceGroups),
        ("lookup", Some("postcode_lsoa")) => Some(Need::Postcodes),
        ("lookup", table) => Some(Need::Lookup(table.unwrap_or_default().to_owned())),
        _ => None,
    };
    named(sql).calls.into_iter().filter_map(need).collect()
}

/// The words under which [`reference_digests`] gives the digest of a need.
pub(crate) fn told(need: &Need) -> String {
    format!("reference data: {need}")
}

/// The digests of the reference data that `needs` names, under the words that a message uses for them. `area` comes
/// with the folder of its reference data; without one only what needs no area is there.
///
/// # Errors
/// A reference file that is not there or cannot be read.
pub fn reference_digests(
    needs: &BTreeSet<Need>,
    area: Option<(&Area, &str)>,
    offences: &str,
) -> Result<BTreeMap<String, String>, IngestError> {
    let mut out = BTreeMap::new();
    for need in needs {
        let digest = match (need, area) {
            (Need::OffenceGroups, _) => short(offences),
            (_, None) => continue,
            (Need::Box, Some((area, _))) => short(&canonical(&json!([area.easting, area.northing]))?),
            (Need::Districts, Some((area, _))) => {
                let pairs: BTreeMap<&str, &str> =
                    area.districts.iter().map(|d| (d.code.as_str(), d.name.as_str())).collect();
                short(&canonical(&pairs)?)
            }
            (Need::Site, Some((area, _))) => short(&canonical(&area.site)?),
            (Need::Postcodes | Need::Boundaries(_) | Need::Lookup(_), Some((area, root))) => files(need, area, root)?,
        };
        out.insert(told(need), digest);
    }
    Ok(out)
}

/// The digest of the files that a need stands on, and of how they are read. Their names do not matter.
fn files(need: &Need, area: &Area, root: &str) -> Result<String, IngestError> {
    // Postcodes without a small area of their own get it from the boundaries.
    let placed = area.reference.iter().any(|r| matches!(r, Reference::CodePointOpen { .. }));
    let mut parts = Vec::new();
    for reference in &area.reference {
        let stands_on = match (need, reference) {
            (Need::Boundaries(wanted), Reference::GeojsonBoundaries { layer, .. }) => layer == wanted,
            (Need::Lookup(wanted), Reference::CsvLookup { table, .. }) => table == wanted,
            (Need::Postcodes, Reference::PostcodeDirectory { .. } | Reference::CodePointOpen { .. }) => true,
            (Need::Postcodes, Reference::GeojsonBoundaries { layer, .. }) => placed && layer == "lsoa",
            (Need::Lookup(wanted), Reference::AreaChange { .. }) => wanted == AREA_CHANGE,
            (Need::Lookup(wanted), Reference::AreaLookup { parent_layer, .. }) => {
                wanted == OWN_FORCE && parent_layer == FORCE_LAYER
            }
            _ => false,
        };
        if !stands_on {
            continue;
        }
        let mut how = serde_json::to_value(reference)?;
        if let Some(keys) = how.as_object_mut() {
            keys.remove("path");
        }
        parts.push(canonical(&how)?);
        for file in reference::files(reference, root)? {
            parts.push(digest(&file)?);
        }
    }
    Ok(short(&digest_bytes(parts.join("\n").as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(mapping: &str) -> Source {
        let law = "[law]\ncontroller = 'c'\nlawful_basis = 'b'\ngateway = 'g'\ninformation = []\naudiences = []\nretention_months = 1\n";
        let text = format!(
            "name = 's'\ntitle = 't'\ndescription = ''\nagency = 'police'\n[files]\nslot = '(?<slot>x)'\n[reader]\nkind = 'csv'\n{law}[disclosure]\nsuppress_below = 1\nround_to = 1\nrule = ''\n[[feed]]\nname = 'f'\ncolumns = []\n{mapping}"
        );
        Source::parse("s.toml", &text).unwrap()
    }

    #[test]
    fn only_what_can_give_a_value_is_asked_for() {
        let tables = svp_contract::canonical_tables().unwrap();
        let none = source("[feed.person_record]\nperson_id = 'a'\nupn = 'b'\n");
        assert!(needs(&none, &tables).is_empty(), "{:?}", needs(&none, &tables));
        let postcode = source("[feed.person_record]\nperson_id = 'a'\npostcode = 'b'\n");
        assert_eq!(needs(&postcode, &tables), BTreeSet::from([Need::Postcodes]));
        let event = source("[feed.event]\neasting = 'a'\nnorthing = 'b'\noffence_code = 'c'\n");
        let found = needs(&event, &tables);
        for wanted in [
            Need::Box,
            Need::Districts,
            Need::OffenceGroups,
            Need::Boundaries("lsoa".into()),
            Need::Boundaries("district".into()),
            Need::Lookup("lsoa_district".into()),
        ] {
            assert!(found.contains(&wanted), "{wanted} is not in {found:?}");
        }
    }
}
