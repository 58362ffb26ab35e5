//! Lookups that follow from other reference data: what became of small areas, and the names of the area's own police force.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use svp_contract::{Area, AreaChange, AreaLink, Reference};
use svp_functions::Lookups;

/// Small area of the census before → a small area of today that it became, where all that it became lie in one district.
pub(crate) const AREA_CHANGE: &str = "lsoa_change";
/// Names of the area's own police force, in small letters without `police` and what follows; `*` says that any is known.
pub(crate) const OWN_FORCE: &str = "area_force";
/// Names of all police forces that the site knows, in the same form → the code of the police force area.
pub(crate) const POLICE_FORCE: &str = "police_force";
/// The layer of police forces in dated lookups.
pub(crate) const FORCE_LAYER: &str = "force";

/// Whether the names of the area's police force stand in a reference input.
pub(crate) fn names_forces(reference: &Reference) -> bool {
    matches!(reference, Reference::AreaLookup { parent_layer, .. } if parent_layer == FORCE_LAYER)
}

/// The lookup [`OWN_FORCE`] from the forces of districts (`links`); `None` where none of them is of the area.
pub(crate) fn own_force(area: &Area, links: Vec<AreaLink>) -> Option<HashMap<String, String>> {
    let own: BTreeSet<&str> = area.districts.iter().map(|d| d.code.as_str()).collect();
    let mut forces: HashMap<String, String> = HashMap::new();
    for link in links.into_iter().filter(|l| own.contains(l.code.as_str())) {
        let name = link.parent_name.as_deref().map(force_key);
        // By its code too: a stored event has that.
        forces.extend(name.map(|name| (name, link.parent.clone())));
        forces.insert(link.parent.clone(), link.parent);
    }
    if forces.is_empty() {
        return None;
    }
    forces.insert("*".to_owned(), area.name.clone());
    Some(forces)
}

/// The lookup [`AREA_CHANGE`] from what became of small areas, and the lookup `lsoa_district`.
pub(crate) fn area_changes(changes: Vec<AreaChange>, lookups: &Lookups) -> HashMap<String, String> {
    let district = |code: &str| lookups.value("lsoa_district", code);
    let mut became: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // A small area that the lookup of districts has needs no other way to its district.
    for change in changes.into_iter().filter(|c| district(&c.from).is_none()) {
        became.entry(change.from).or_default().insert(change.to);
    }
    let mut changed = HashMap::new();
    for (from, to) in became {
        let lies_in: BTreeSet<Option<&str>> = to.iter().map(|code| district(code)).collect();
        let one = lies_in.len() == 1 && !lies_in.contains(&None);
        if let Some(first) = to.into_iter().next().filter(|_| one) {
            changed.insert(from, first);
        }
    }
    changed
}

/// The lookup [`POLICE_FORCE`] from the list of the site: the names of force and of police force area, each with its code.
pub(crate) fn police_forces(text: &str) -> HashMap<String, String> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    let Ok(header) = reader.headers().cloned() else { return HashMap::new() };
    let place = |name: &str| header.iter().position(|h| h == name);
    let (Some(code), Some(area), Some(force)) = (place("code"), place("name"), place("force")) else {
        return HashMap::new();
    };
    let rows: Vec<csv::StringRecord> = reader.records().flatten().collect();
    let named = |row: &csv::StringRecord, column: usize| Some((force_key(row.get(column)?), row.get(code)?.to_owned()));
    rows.iter().flat_map(|row| [named(row, area), named(row, force)]).flatten().collect()
}

/// The name of a force as the schema of events compares it: `Devon & Cornwall Police` is `devon and cornwall`, and
/// `London, City of` is `city of london`.
fn force_key(name: &str) -> String {
    let plain = name.to_lowercase().replace('&', "and");
    let turned = match plain.split_once(", ") {
        Some((place, kind)) => format!("{kind} {place}"),
        None => plain,
    };
    let words: Vec<&str> = turned.split_whitespace().take_while(|w| !["police", "constabulary"].contains(w)).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_force_is_found_by_what_data_police_uk_calls_it() {
        let list = police_forces(include_str!("../../../pipelines/reference/police_forces.csv"));
        for (name, code) in [
            ("Devon & Cornwall Police", "E23000035"),
            ("Metropolitan Police Service", "E23000001"),
            ("City of London Police", "E23000034"),
            ("Kent Police", "E23000032"),
            ("Dyfed-Powys Police", "W15000004"),
        ] {
            assert_eq!(list.get(&force_key(name)).map(String::as_str), Some(code), "{name}");
        }
    }

    #[test]
    fn forces_by_their_names() {
        for (name, key) in [
            ("Wessmark", "wessmark"),
            ("Devon & Cornwall", "devon and cornwall"),
            ("Metropolitan Police", "metropolitan"),
            ("London, City of", "city of london"),
            ("Dyfed-Powys", "dyfed-powys"),
        ] {
            assert_eq!(force_key(name), key);
        }
    }
}
