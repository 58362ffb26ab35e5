//! Lookups of more layers, the census of 2011, deprivation: invented, drawn from the map alone, so that every sample has the same.

use std::collections::BTreeMap;
use std::path::Path;

use super::output::{Encoding, Table};
use super::truth::Truth;
use crate::error::Result;
use crate::life::World;
use crate::place::{DISTRICTS, Lsoa};

/// Integrated care boards, by the index of a district: code, name.
const BOARDS: [(&str, &str); 2] = [
    ("E54990001", "NHS Wessmark South Integrated Care Board"),
    ("E54990002", "NHS Wessmark North Integrated Care Board"),
];
/// Board of each district.
const BOARD_OF: [usize; 4] = [0, 0, 1, 1];
/// Command units of the force: code, name.
const UNITS: [(&str, &str); 3] = [("WMP-A", "Averholt"), ("WMP-S", "Saltmarch"), ("WMP-H", "Harrowmere and Dunveil")];
/// Unit of each district.
const UNIT_OF: [usize; 4] = [0, 1, 2, 2];
/// Positions of the two small areas of 2021 that were one in 2011.
const SPLIT: [usize; 2] = [0, 1];
/// Code of 2011 of those.
const SPLIT_CODE: &str = "E01980001";
/// Position of the small area of 2021 that was two in 2011.
const MERGED: usize = 2;
/// Codes of 2011 of those.
const MERGED_CODES: [&str; 2] = ["E01980002", "E01980003"];

/// Writes the lookups to middle layer areas, boards and command units, the change since 2011, deciles of deprivation, and
/// the people by day.
///
/// # Errors
/// Where a file cannot be written.
pub(super) fn write_more_areas(root: &Path, world: &World, truth: &mut Truth) -> Result<()> {
    let lsoas = &world.county.lsoas;
    let file = "reference/lookup_lsoa21_msoa21.csv";
    let header = "lsoa21_name,lsoa21_code,msoa21_name,msoa21_code";
    let mut table = Table::create(root, file, header, Encoding::Utf8, false)?;
    for lsoa in lsoas {
        table.row(&[&lsoa.name, &lsoa.code, &lsoa.msoa_name, &lsoa.msoa])?;
    }
    truth.close(table)?;
    let header = "LSOA21CD,LSOA21NM,ICB24CD,ICB24NM,LAD24CD,LAD24NM";
    let mut table = Table::create(root, "reference/lookup_lsoa21_icb24_lad24.csv", header, Encoding::Utf8, false)?;
    for lsoa in lsoas {
        let (code, name) = BOARDS[BOARD_OF[lsoa.district]];
        let district = &DISTRICTS[lsoa.district];
        table.row(&[lsoa.code.as_str(), &lsoa.name, code, name, district.code, district.name])?;
    }
    truth.close(table)?;
    let header = "LAD24CD,unit_code,unit_name";
    let mut table = Table::create(root, "reference/lookup_ltla24_command_unit.csv", header, Encoding::Utf8, false)?;
    for (district, unit) in DISTRICTS.iter().zip(UNIT_OF) {
        table.row(&[district.code, UNITS[unit].0, UNITS[unit].1])?;
    }
    truth.close(table)?;
    write_changes(root, lsoas, truth)?;
    write_deprivation(root, lsoas, truth)?;
    write_daytime(root, lsoas, truth)
}

fn write_changes(root: &Path, lsoas: &[Lsoa], truth: &mut Truth) -> Result<()> {
    let header = "LSOA11CD,LSOA11NM,LSOA21CD,LSOA21NM,CHGIND,LAD22CD,LAD22NM";
    let mut table = Table::create(root, "reference/lookup_lsoa11_lsoa21_lad22.csv", header, Encoding::Utf8, false)?;
    for (position, lsoa) in lsoas.iter().enumerate() {
        let before: Vec<(&str, &str)> = if SPLIT.contains(&position) {
            vec![(SPLIT_CODE, "S")]
        } else if position == MERGED {
            MERGED_CODES.iter().map(|code| (*code, "M")).collect()
        } else {
            vec![(lsoa.code.as_str(), "U")]
        };
        let district = &DISTRICTS[lsoa.district];
        for (code, letter) in before {
            table.row(&[code, &lsoa.name, &lsoa.code, &lsoa.name, letter, district.code, district.name])?;
        }
    }
    truth.close(table)
}

/// Ten deciles of as many small areas as can be, the most deprived in the middle of the towns.
fn write_deprivation(root: &Path, lsoas: &[Lsoa], truth: &mut Truth) -> Result<()> {
    let mut order: Vec<(u32, usize)> = lsoas
        .iter()
        .enumerate()
        .map(|(position, lsoa)| (lsoa.middle.distance(DISTRICTS[lsoa.district].town).round() as u32, position))
        .collect();
    order.sort_unstable();
    let ranks: BTreeMap<usize, usize> =
        order.iter().enumerate().map(|(rank, (_, position))| (*position, rank)).collect();
    let header = "lsoa21_code,IMD_decile,IMD_rank";
    let mut table = Table::create(root, "reference/imd_lsoa21.csv", header, Encoding::Utf8, false)?;
    for (position, lsoa) in lsoas.iter().enumerate() {
        let rank = ranks.get(&position).copied().unwrap_or(0);
        let decile = rank * 10 / lsoas.len() + 1;
        table.row(&[lsoa.code.as_str(), &decile.to_string(), &(rank + 1).to_string()])?;
    }
    truth.close(table)
}

/// People by day: in the middle of a town, where people work and shop, more than live there; elsewhere fewer.
fn write_daytime(root: &Path, lsoas: &[Lsoa], truth: &mut Truth) -> Result<()> {
    let header = "lsoa21_code,workday_population";
    let mut table = Table::create(root, "reference/workday_population_lsoa21.csv", header, Encoding::Utf8, false)?;
    for lsoa in lsoas {
        let from_town = lsoa.middle.distance(DISTRICTS[lsoa.district].town);
        let factor = 0.8 + 2.4 * (-from_town / 900.0).exp();
        table.row(&[lsoa.code.as_str(), &format!("{:.0}", f64::from(lsoa.population) * factor)])?;
    }
    truth.close(table)
}
