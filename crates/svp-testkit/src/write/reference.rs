//! Reference data in the layouts of the Office for National Statistics: boundaries, lookups, population,
//! postcodes, and premises to leave out.

use std::path::Path;

use super::areas::write_more_areas;
use super::output::{Encoding, Table};
use super::truth::Truth;
use crate::dice::{Dice, Purpose};
use crate::error::Result;
use crate::life::World;
use crate::place::{DISTRICTS, PREMISES, Point, Ring, excluded};

const POSTCODES: &str = "pcd7,pcd8,pcds,dointr,doterm,usrtypind,east1m,north1m,gridind,oa21cd,cty25cd,ced25cd,lad25cd,wd25cd,nhser24cd,ctry25cd,rgn25cd,pcon24cd,ttwa15cd,itl25cd,npark16cd,lsoa21cd,msoa21cd,wz11cd,sicbl24cd,bua24cd,ruc21ind,oac11ind,lat,long,lep21cd1,lep21cd2,pfa23cd,imd20ind,icb23cd";
/// Code of the county.
const COUNTY: &str = "E10990001";
/// Code of the police force area.
const FORCE: &str = "E23990001";

/// Writes all reference files.
///
/// # Errors
/// Where a file cannot be written or a place has no longitude and latitude.
pub fn write_reference(root: &Path, world: &World, truth: &mut Truth) -> Result<()> {
    write_areas(root, world, truth)?;
    write_districts(root, world, truth)?;
    write_lookups(root, world, truth)?;
    write_more_areas(root, world, truth)?;
    write_population(root, world, truth)?;
    write_postcodes(root, world, truth)?;
    write_premises(root, world, truth)
}

fn polygon(rings: &[Ring]) -> Result<String> {
    let mut texts = Vec::new();
    for ring in rings {
        let mut points = Vec::new();
        for point in ring {
            let (longitude, latitude) = point.lon_lat()?;
            points.push(format!("[{longitude:.6},{latitude:.6}]"));
        }
        texts.push(format!("[{}]", points.join(",")));
    }
    Ok(format!("{{\"type\":\"Polygon\",\"coordinates\":[{}]}}", texts.join(",")))
}

fn collection(root: &Path, truth: &mut Truth, name: &str, features: &[(String, String)]) -> Result<()> {
    let file = format!("reference/{name}.geojson");
    let mut table = Table::create(root, &file, "{\"type\":\"FeatureCollection\",", Encoding::Utf8, false)?;
    table.raw(&format!("\"name\":\"{name}\","))?;
    table.raw("\"crs\":{\"type\":\"name\",\"properties\":{\"name\":\"urn:ogc:def:crs:OGC:1.3:CRS84\"}},")?;
    table.raw("\"features\":[")?;
    for (index, (properties, geometry)) in features.iter().enumerate() {
        let comma = if index + 1 < features.len() { "," } else { "" };
        table
            .raw(&format!("{{\"type\":\"Feature\",\"properties\":{{{properties}}},\"geometry\":{geometry}}}{comma}"))?;
    }
    table.raw("]}")?;
    truth.close(table)
}

fn write_areas(root: &Path, world: &World, truth: &mut Truth) -> Result<()> {
    let mut features = Vec::new();
    for (index, lsoa) in world.county.lsoas.iter().enumerate() {
        let district = &DISTRICTS[lsoa.district];
        let Point { e, n } = lsoa.middle;
        let (code, name, lad, lad_name) = (&lsoa.code, &lsoa.name, district.code, district.name);
        let properties = format!(
            "\"FID\":{},\"LSOA21CD\":\"{code}\",\"LSOA21NM\":\"{name}\",\"BNG_E\":{e},\"BNG_N\":{n},\"LADCD_ACTIVE\":\"{lad}\",\"LAD24CD\":\"{lad}\",\"LAD24NM\":\"{lad_name}\",\"UTLACD\":\"{COUNTY}\",\"CAUTHCD\":null,\"RGNCD\":null",
            index + 1,
        );
        features.push((properties, polygon(&world.county.lsoa_rings(index))?));
    }
    collection(root, truth, "lsoa_boundaries", &features)
}

fn write_districts(root: &Path, world: &World, truth: &mut Truth) -> Result<()> {
    let mut features = Vec::new();
    for (index, district) in DISTRICTS.iter().enumerate() {
        let Point { e, n } = district.town;
        let properties = format!(
            "\"LAD24CD\":\"{}\",\"LAD24NM\":\"{}\",\"BNG_E\":{e},\"BNG_N\":{n},\"CSP24CD\":\"{}\",\"CSP24NM\":\"{}\"",
            district.code, district.name, district.csp_code, district.csp,
        );
        features.push((properties, polygon(&world.county.district_rings(index))?));
    }
    collection(root, truth, "district_boundaries", &features)
}

fn write_lookups(root: &Path, world: &World, truth: &mut Truth) -> Result<()> {
    let header = "lsoa21_name,lsoa21_code,ward24_name,ward24_code,ltla24_name,ltla24_code";
    let name = "reference/lookup_lsoa21_ward24_ltla24.csv";
    let mut table = Table::create(root, name, header, Encoding::Utf8, false)?;
    for lsoa in &world.county.lsoas {
        let district = &DISTRICTS[lsoa.district];
        let ward = lsoa.msoa_name.replace(' ', " Ward ");
        table.row(&[&lsoa.name, &lsoa.code, &ward, &lsoa.ward, district.name, district.code])?;
    }
    truth.close(table)?;
    let header = "ltla24_code,ltla24_name,csp24_code,csp24_name,pfa24_code,pfa24_name";
    let name = "reference/lookup_ltla24_csp24_pfa24.csv";
    let mut table = Table::create(root, name, header, Encoding::Utf8, false)?;
    for district in &DISTRICTS {
        table.row(&[district.code, district.name, district.csp_code, district.csp, FORCE, "Wessmark"])?;
    }
    truth.close(table)
}

/// A pyramid over ages 0..=90, as weights.
fn ages(dice: &mut Dice) -> Vec<f64> {
    (0..=90)
        .map(|age| {
            let age = f64::from(age);
            let base = if age < 20.0 { 1.0 } else { 1.15 - 0.002 * (age - 20.0) };
            let old = 1.0 / (1.0 + ((age - 80.0) / 5.5).exp());
            (base * old * (0.75 + 0.5 * dice.unit())).max(0.02)
        })
        .collect()
}

fn write_population(root: &Path, world: &World, truth: &mut Truth) -> Result<()> {
    let ages_header: Vec<String> = (0..90).map(|age| age.to_string()).collect();
    let header = format!("lsoa21_name,lsoa21_code,total_population,{},90+", ages_header.join(","));
    let mut table = Table::create(root, "reference/population.csv", &header, Encoding::Utf8, false)?;
    let published: u32 = world.county.lsoas.iter().map(|lsoa| lsoa.population).sum();
    let factor = (f64::from(world.people.size) / f64::from(published)).max(1.0);
    let mut dice = Dice::new(1990, Purpose::Land, 9_003);
    for lsoa in &world.county.lsoas {
        let total = (f64::from(lsoa.population) * factor).round();
        let weights = ages(&mut dice);
        let sum: f64 = weights.iter().sum();
        let (mut left, mut left_weight) = (total, sum);
        let mut fields = vec![lsoa.name.clone(), lsoa.code.clone(), format!("{total:.0}")];
        for weight in weights {
            let count = if left_weight > 0.0 { (left * weight / left_weight).round() } else { left };
            left -= count;
            left_weight -= weight;
            fields.push(format!("{count:.0}"));
        }
        truth.add("published_population", total as u64);
        table.row(&fields)?;
    }
    truth.close(table)
}

fn write_postcodes(root: &Path, world: &World, truth: &mut Truth) -> Result<()> {
    let mut table = Table::create(root, "reference/postcodes.csv", POSTCODES, Encoding::Utf8, false)?;
    for (index, postcode) in world.streets.postcodes.iter().enumerate() {
        let lsoa = &world.county.lsoas[usize::from(postcode.lsoa)];
        let text = world.streets.text(index);
        let (out, inward) = text.split_once(' ').unwrap_or((&text, ""));
        let placeless = postcode.terminated && postcode.lsoa % 18 == 0;
        let (longitude, latitude) = postcode.at.lon_lat()?;
        let fields = [
            format!("{out:<4}{inward}"),
            format!("{out:<5}{inward}"),
            text.clone(),
            "198001".to_owned(),
            if postcode.terminated { "202310" } else { "" }.to_owned(),
            "0".to_owned(),
            if placeless { String::new() } else { postcode.at.e.to_string() },
            if placeless { String::new() } else { format!("{:07}", postcode.at.n) },
            if placeless { "9" } else { "1" }.to_owned(),
            format!("E0099{:04}", usize::from(postcode.lsoa) + 1),
            COUNTY.to_owned(),
            String::new(),
            DISTRICTS[lsoa.district].code.to_owned(),
            lsoa.ward.clone(),
            String::new(),
            "E92000001".to_owned(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            lsoa.code.clone(),
            lsoa.msoa.clone(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            if placeless { "99.999999".to_owned() } else { format!("{latitude:.6}") },
            if placeless { "0.000000".to_owned() } else { format!("{longitude:.6}") },
            String::new(),
            String::new(),
            FORCE.to_owned(),
            String::new(),
            String::new(),
        ];
        table.row(&fields)?;
    }
    truth.close(table)
}

fn write_premises(root: &Path, world: &World, truth: &mut Truth) -> Result<()> {
    let header = "name,easting,northing,radius_m";
    let name = "reference/premises_to_exclude.csv";
    let mut table = Table::create(root, name, header, Encoding::Utf8, false)?;
    for (premises, radius) in excluded() {
        table.row(&[premises.name, &premises.at.e.to_string(), &premises.at.n.to_string(), &radius.to_string()])?;
    }
    truth.close(table)?;
    let mut table =
        Table::create(root, "reference/premises.csv", "name,kind,easting,northing,lsoa21_code", Encoding::Utf8, false)?;
    for premises in &PREMISES {
        let lsoa = world.county.lsoa_at(premises.at).map_or("", |lsoa| world.county.lsoas[lsoa].code.as_str());
        let Point { e, n } = premises.at;
        table.row(&[premises.name, premises.kind.word(), &e.to_string(), &n.to_string(), lsoa])?;
    }
    truth.close(table)
}
