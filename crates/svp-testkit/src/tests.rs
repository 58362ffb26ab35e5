//! Tests over the whole generator.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use crate::dice::{Dice, Purpose};
use crate::life::{World, clock_change};
use crate::people::{self, FEMALE, MALE, nhs_check_digit, surname, surname_count};
use crate::place::{County, DISTRICTS, HOTSPOTS, PREMISES, Point, Streets};
use crate::{Options, Summary, generate};

fn sample(folder: &Path, people: u32, months: u32, seed: u64) -> Summary {
    generate(&Options { out: folder.to_path_buf(), people, months, seed }).unwrap()
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut queue = vec![folder.to_path_buf()];
    while let Some(path) = queue.pop() {
        for entry in std::fs::read_dir(path).unwrap() {
            let entry = entry.unwrap().path();
            if entry.is_dir() {
                queue.push(entry);
            } else {
                let name = entry.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                found.insert(name, std::fs::read(entry).unwrap());
            }
        }
    }
    found
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let (one, two, other) = (tempfile::tempdir(), tempfile::tempdir(), tempfile::tempdir());
    let (one, two, other) = (one.unwrap(), two.unwrap(), other.unwrap());
    sample(one.path(), 900, 3, 7);
    sample(two.path(), 900, 3, 7);
    sample(other.path(), 900, 3, 8);
    let (one, two, other) = (files(one.path()), files(two.path()), files(other.path()));
    assert!(one == two);
    let boundaries = "reference/lsoa_boundaries.geojson";
    assert!(one[boundaries] == other[boundaries], "the map does not depend on the seed");
    assert!(one["truth/people.csv"] != other["truth/people.csv"]);
}

#[test]
fn the_shares_are_those_of_the_partnership_papers() {
    let folder = tempfile::tempdir().unwrap();
    let summary = sample(folder.path(), 8_000, 24, 2_023);
    let count = |name: &str| summary.counts.get(name).copied().unwrap_or(0) as f64;
    let share = |part: &str, whole: &str| count(part) / count(whole);
    let near = |found: f64, wanted: f64, by: f64| {
        assert!((found - wanted).abs() < by, "found {found:.3}, wanted {wanted:.3}");
    };
    near(share("opcc_18_to_06", "opcc_crimes"), 0.75, 0.04);
    near(share("opcc_alcohol", "opcc_crimes"), 0.33, 0.05);
    near(share("opcc_male_victims", "opcc_crimes"), 0.75, 0.04);
    near(share("opcc_male_victims_18_36", "opcc_male_victims"), 0.76, 0.05);
    near(share("opcc_male_victims_domestic", "opcc_male_victims"), 0.11, 0.04);
    near(share("opcc_female_victims_domestic", "opcc_female_victims"), 0.50, 0.08);
    near(share("public_violence_in_hotspots", "public_violence"), 0.59, 0.05);
    near(share("assault_attendances_unknown_to_police", "assault_attendances"), 0.47, 0.08);
    assert!(count("opcc_crimes") > 900.0);
    let hotspots = String::from_utf8(files(folder.path())["truth/hotspots.csv"].clone()).unwrap();
    for line in hotspots.lines().skip(1) {
        let events: u32 = line.rsplit(',').next().unwrap().parse().unwrap();
        assert!(events >= 25, "{line}");
    }
}

#[test]
fn counts_and_bad_rows_are_true_to_the_files() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path(), 8_000, 24, 11);
    let files = files(folder.path());
    let counts: serde_json::Value = serde_json::from_slice(&files["truth/counts.json"]).unwrap();
    let mut checked = 0;
    for bad in counts["planted"].as_array().unwrap() {
        let (file, kind) = (bad["file"].as_str().unwrap(), bad["kind"].as_str().unwrap());
        let row = bad["row"].as_u64().unwrap() as usize;
        if !file.contains("police_rms") {
            continue;
        }
        let mut bytes = Vec::new();
        if file.ends_with(".gz") {
            flate2::read::GzDecoder::new(&files[file][..]).read_to_end(&mut bytes).unwrap();
        } else {
            bytes.clone_from(&files[file]);
        }
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        let record = records(&text).into_iter().nth(row).unwrap();
        let right = match kind {
            "impossible_date" => record.contains("31/02/"),
            "unknown_offence_code" => record.contains("ZZ9"),
            "ambiguous_hour" => record.contains("29/10/2023 01:30"),
            "missing_hour" => record.contains("31/03/2024 01:30"),
            "missing_record_id" => record.starts_with(','),
            "unreadable_coordinates" => record.contains("N/K"),
            _ => continue,
        };
        assert!(right, "{bad}");
        checked += 1;
    }
    assert!(checked >= 10, "{checked}");
    let kinds: BTreeSet<&str> =
        counts["planted"].as_array().unwrap().iter().filter_map(|bad| bad["kind"].as_str()).collect();
    for kind in ["ambiguous_hour", "missing_hour", "swapped_coordinates", "duplicate_row", "from_after_to"] {
        assert!(kinds.contains(kind), "{kind}");
    }
}

/// The records of a file, in which quoted fields may hold line ends.
fn records(text: &str) -> Vec<String> {
    let mut records = vec![String::new()];
    let mut quoted = false;
    for character in text.chars() {
        match character {
            '"' => quoted = !quoted,
            '\n' if !quoted => {
                records.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = records.last_mut() {
            last.push(character);
        }
    }
    records
}

#[test]
fn areas_cover_the_land_once() {
    let county = County::new();
    assert!((60..=100).contains(&county.lsoas.len()), "{} areas", county.lsoas.len());
    let area = |rings: &[Vec<Point>]| -> f64 {
        rings
            .iter()
            .flat_map(|ring| ring.windows(2))
            .map(|pair| f64::from(pair[0].e) * f64::from(pair[1].n) - f64::from(pair[1].e) * f64::from(pair[0].n))
            .sum::<f64>()
            / 2.0
    };
    let rings: Vec<_> = (0..county.lsoas.len()).map(|lsoa| county.lsoa_rings(lsoa)).collect();
    let areas: f64 = rings.iter().map(|rings| area(rings)).sum();
    let districts: f64 = (0..DISTRICTS.len()).map(|district| area(&county.district_rings(district))).sum();
    assert!((areas - county.land_area()).abs() < 1.0);
    assert!((districts - county.land_area()).abs() < 1.0);
    let mut dice = Dice::new(1, Purpose::Land, 77);
    let inside = |rings: &[Vec<Point>], point: Point| {
        rings
            .iter()
            .flat_map(|ring| ring.windows(2))
            .filter(|pair| {
                let (a, b) = (pair[0], pair[1]);
                (a.n > point.n) != (b.n > point.n)
                    && f64::from(point.e)
                        < f64::from(a.e) + f64::from(point.n - a.n) / f64::from(b.n - a.n) * f64::from(b.e - a.e)
            })
            .count()
            % 2
            == 1
    };
    for _ in 0..2_000 {
        let point = Point { e: dice.between(310_000, 334_000) as i32, n: dice.between(48_000, 70_000) as i32 };
        let holding: Vec<usize> = (0..rings.len()).filter(|lsoa| inside(&rings[*lsoa], point)).collect();
        assert!(holding.len() <= 1);
        assert_eq!(holding.first().copied(), county.lsoa_at(point));
    }
    for (index, rings) in rings.iter().enumerate() {
        assert_eq!(county.lsoa_at(county.lsoas[index].middle), Some(index));
        for ring in rings {
            assert!(ring.len() > 3 && ring.first() == ring.last());
        }
    }
}

#[test]
fn places_lie_in_their_districts() {
    let county = County::new();
    for hotspot in &HOTSPOTS {
        let lsoa = county.lsoa_at(hotspot.middle).unwrap();
        assert_eq!(county.lsoas[lsoa].district, hotspot.district, "{}", hotspot.name);
        assert_eq!((hotspot.middle.e % 250, hotspot.middle.n % 250), (125, 125));
    }
    for premises in &PREMISES {
        assert!(county.lsoa_at(premises.at).is_some(), "{}", premises.name);
    }
    let codes: BTreeSet<&str> = county.lsoas.iter().map(|lsoa| lsoa.code.as_str()).collect();
    assert_eq!(codes.len(), county.lsoas.len());
}

#[test]
fn identifiers_are_valid_and_unique() {
    let (mut numbers, mut pupils) = (BTreeSet::new(), BTreeSet::new());
    for person in (0..60_000).chain(1_000_000..1_010_000) {
        let number = people::nhs_number(person);
        assert_eq!(number.len(), 10);
        assert!(number.starts_with("999") || number.starts_with('8'), "{number}");
        let (nine, check) = number.split_at(9);
        assert_eq!(nhs_check_digit(nine.parse().unwrap()), Some(check.parse().unwrap()), "{number}");
        assert!(numbers.insert(number));
        assert!(pupils.insert(people::upn(person)));
    }
    assert_eq!(nhs_check_digit(943_476_591), Some(9));
    assert_eq!(nhs_check_digit(999_000_000), None);
}

#[test]
fn postcodes_are_unique_and_in_form() {
    let county = County::new();
    for people in [500, 8_000, 1_000_000] {
        let streets = Streets::new(&county, people);
        let mut texts = BTreeSet::new();
        for postcode in 0..streets.postcodes.len() {
            let text = streets.text(postcode);
            assert!(text.starts_with("WM") && text.split(' ').nth(1).is_some_and(|part| part.len() == 3));
            assert!(texts.insert(text));
        }
    }
}

#[test]
fn names_of_people_are_not_words_of_places() {
    let mut words: Vec<String> = Streets::words().into_iter().map(str::to_owned).collect();
    words.extend(PREMISES.iter().map(|premises| premises.name.to_owned()));
    words.extend(HOTSPOTS.iter().flat_map(|hotspot| [hotspot.name.to_owned(), hotspot.spoken.to_owned()]));
    words.extend(DISTRICTS.iter().flat_map(|district| [district.name.to_owned(), district.csp.to_owned()]));
    let words = words.join(" ").to_lowercase();
    let surnames = (0..surname_count()).map(surname);
    for name in surnames.chain(MALE.iter().chain(&FEMALE).map(|name| (*name).to_owned())) {
        assert!(name.chars().count() >= 4 && !words.contains(&name.to_lowercase()), "{name}");
    }
}

#[test]
fn people_live_in_households() {
    let world = World::new(3, 4_000, 12);
    let (mut children, mut twins, mut seen) = (0, 0, 0);
    for block in 0..world.people.blocks() {
        let people = world.people.block(block, &world.streets);
        for person in &people {
            seen += 1;
            children += usize::from(person.role == people::Role::Child);
            if let Some(twin) = person.twin {
                twins += 1;
                let other = people.iter().find(|other| other.id == twin).unwrap();
                assert_eq!((other.born, other.household), (person.born, person.household));
                assert_ne!(other.forename, person.forename);
            }
            assert_eq!(world.people.person(person.id, &world.streets).unwrap().surname, person.surname);
        }
    }
    assert_eq!(seen, 4_000);
    assert!((600..1_400).contains(&children), "{children}");
    assert!(twins > 4, "{twins}");
}

#[test]
fn only_planted_events_fall_into_a_clock_change() {
    let world = World::new(5, 8_000, 24);
    let mut found = 0;
    for month in 0..24 {
        for crime in crate::life::crimes_of_month(&world, month) {
            found += usize::from(clock_change(crime.from));
            assert!(crime.at <= crime.reported);
            assert!(crime.from <= crime.at && crime.to.is_none_or(|to| to >= crime.from));
        }
    }
    assert_eq!(found, 2);
}
