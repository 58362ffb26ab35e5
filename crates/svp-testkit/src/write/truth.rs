//! The truth beside the sample: who is who, what was planted, what should be found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

use super::output::{Encoding, Table, output_path};
use crate::error::{Result, SampleError};
use crate::life::{Crime, Located, Pattern, World, Writer, hour_of_week};
use crate::people::{self, Identity, Person, Sex, ethnic_codes};
use crate::place::{DISTRICTS, HOTSPOTS, Point};

/// A planted bad row.
#[derive(Debug, Clone)]
pub struct Planted {
    /// What is wrong.
    pub kind: &'static str,
    /// File.
    pub file: String,
    /// Data row, 1 = first after the header; for XML the child.
    pub row: u64,
    /// Column, or empty for the whole row.
    pub column: &'static str,
    /// The record's id in its source, or empty.
    pub record_id: String,
}

/// One record of a person as written.
#[derive(Debug)]
pub struct Appearance<'a> {
    /// Source.
    pub source: &'static str,
    /// File.
    pub file: &'a str,
    /// The record's id.
    pub record_id: &'a str,
    /// The source's key of the person.
    pub person_key: &'a str,
    /// Date of birth as written.
    pub born: String,
}

/// Collects the truth while the sample is written.
pub struct Truth {
    root: PathBuf,
    appearances: Table,
    links: Table,
    seen: Vec<u64>,
    files: BTreeMap<String, u64>,
    planted: Vec<Planted>,
    counts: BTreeMap<String, u64>,
    codes: BTreeMap<&'static str, u64>,
    hours: [[u64; 2]; 168],
    hotspots: [[u64; 2]; HOTSPOTS.len()],
}

impl Truth {
    /// Opens the truth files below `root`.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn create(root: &Path, people: u32) -> Result<Self> {
        let appearances =
            "person_id,source,file,record_id,person_key,forename,surname,birth_date,nhs_number,upn,postcode,dirt";
        Ok(Self {
            root: root.to_path_buf(),
            appearances: Table::create(root, "truth/appearances.csv", appearances, Encoding::Utf8, false)?,
            links: Table::create(root, "truth/event_links.csv", "crime_ref,ec_ident", Encoding::Utf8, false)?,
            seen: vec![0; people as usize / 64 + 1],
            files: BTreeMap::new(),
            planted: Vec::new(),
            counts: BTreeMap::new(),
            codes: BTreeMap::new(),
            hours: [[0; 2]; 168],
            hotspots: [[0; 2]; HOTSPOTS.len()],
        })
    }

    /// Notes a file that was written.
    ///
    /// # Errors
    /// Where the file cannot be closed.
    pub fn close(&mut self, table: Table) -> Result<()> {
        let (name, rows) = table.close()?;
        self.files.insert(name, rows);
        Ok(())
    }

    /// Notes a planted row.
    pub fn plant(&mut self, kind: &'static str, table: &Table, row: u64, column: &'static str, record_id: &str) {
        self.planted.push(Planted {
            kind,
            file: table.name().to_owned(),
            row,
            column,
            record_id: record_id.to_owned(),
        });
    }

    /// Counts something.
    pub fn count(&mut self, what: &str) {
        self.add(what, 1);
    }

    /// Counts something several times.
    pub fn add(&mut self, what: &str, times: u64) {
        match self.counts.get_mut(what) {
            Some(count) => *count += times,
            None => {
                self.counts.insert(what.to_owned(), times);
            }
        }
    }

    /// Notes a record of a person.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn appear(&mut self, person: &Person, identity: &Identity, appearance: &Appearance<'_>) -> Result<()> {
        self.seen[person.id as usize / 64] |= 1 << (person.id % 64);
        self.appearances.row(&[
            person.id.to_string().as_str(),
            appearance.source,
            appearance.file,
            appearance.record_id,
            appearance.person_key,
            &identity.forename,
            &identity.surname,
            &appearance.born,
            &identity.nhs,
            &identity.upn,
            &identity.postcode,
            &identity.dirt.join(" "),
        ])?;
        Ok(())
    }

    /// Notes that an attendance followed from a crime.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn link(&mut self, crime: &str, attendance: &str) -> Result<()> {
        self.links.row(&[crime, attendance]).map(|_| ())
    }

    /// Notes a crime, once.
    pub fn crime(&mut self, crime: &Crime) {
        *self.codes.entry(crime.offence.code).or_default() += 1;
        self.count("crimes");
        let serious = crime.serious();
        if crime.writer == Writer::Placeholder {
            self.count("placeholder_times");
        }
        let located = match crime.located {
            Located::Right => "located",
            Located::Headquarters => "at_headquarters",
            Located::Hospital => "at_hospital",
            Located::Nowhere => "without_coordinates",
        };
        self.count(&format!("crimes_{located}"));
        if crime.public_violence() {
            self.count("public_violence");
            if let Some(hotspot) = crime.place.hotspot {
                self.count("public_violence_in_hotspots");
                if crime.located == Located::Right {
                    self.hotspots[hotspot][0] += 1;
                    self.hotspots[hotspot][1] += u64::from(serious);
                }
            }
        }
        let hour = hour_of_week(crime.at);
        if crime.offence.sort == crate::life::Sort::Violence {
            self.hours[hour][1] += 1;
        }
        if !serious {
            return;
        }
        self.hours[hour][0] += 1;
        self.count("opcc_crimes");
        self.count(&format!("opcc_{located}"));
        self.add("opcc_18_to_06", u64::from(!(6..18).contains(&(hour % 24))));
        self.add("opcc_domestic", u64::from(crime.domestic));
        self.add("opcc_alcohol", u64::from(crime.alcohol));
        if let Some(victim) = crime.victim() {
            let male = victim.sex == Sex::Male;
            let age = victim.age(crime.at.date());
            self.add("opcc_male_victims", u64::from(male));
            self.add("opcc_male_victims_18_36", u64::from(male && (18..=36).contains(&age)));
            self.add("opcc_female_victims", u64::from(!male));
            self.add("opcc_female_victims_domestic", u64::from(!male && crime.domestic));
            self.add("opcc_male_victims_domestic", u64::from(male && crime.domestic));
        }
    }

    /// A count so far.
    #[must_use]
    pub fn counted(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// The rows of a file.
    #[must_use]
    pub fn rows(&self, file: &str) -> Option<u64> {
        self.files.get(file).copied()
    }

    /// The planted rows.
    #[must_use]
    pub fn planted(&self) -> &[Planted] {
        &self.planted
    }

    /// Crimes of the sort violence and serious ones per hotspot.
    #[must_use]
    pub fn hotspot_counts(&self) -> &[[u64; 2]] {
        &self.hotspots
    }

    /// Writes what was collected and closes the truth.
    ///
    /// # Errors
    /// Where a file cannot be written.
    #[allow(clippy::disallowed_methods)] // see output_path
    pub fn finish(mut self, world: &World) -> Result<Summary> {
        self.write_people(world)?;
        self.write_hotspots()?;
        self.write_hours()?;
        let Self { root, appearances, links, mut files, planted, counts, codes, .. } = self;
        for table in [appearances, links] {
            let (name, rows) = table.close()?;
            files.insert(name, rows);
        }
        let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
        let planted: Vec<Value> = planted
            .iter()
            .map(|bad| {
                *kinds.entry(bad.kind).or_default() += 1;
                json!({"kind": bad.kind, "file": bad.file, "row": bad.row, "column": bad.column, "record_id": bad.record_id})
            })
            .collect();
        let mut sources: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, rows) in &files {
            *sources.entry(name.split('/').next().unwrap_or_default()).or_default() += rows;
        }
        let mut expected: Map<String, Value> =
            counts.iter().map(|(name, count)| (name.clone(), json!(count))).collect();
        expected.insert("crimes_by_code".to_owned(), json!(codes));
        let text = json!({
            "seed": world.seed,
            "people": world.people.size,
            "months": world.period.months,
            "opcc_definition": ["1", "2", "5D"],
            "rows_by_source": sources,
            "rows_by_file": files,
            "expected": expected,
            "planted_by_kind": kinds,
            "planted": "",
        });
        // One planted row per line, so that a change shows as a line.
        let text = format!("{text:#}");
        let lines: Vec<String> = planted.iter().map(|row| format!("    {row}")).collect();
        let text = text.replace("\"planted\": \"\"", &format!("\"planted\": [\n{}\n  ]", lines.join(",\n")));
        let path = output_path(&root, "truth/counts.json")?;
        std::fs::write(&path, text + "\n").map_err(|source| SampleError::Write { path, source })?;
        Ok(Summary { rows: sources.into_iter().map(|(name, rows)| (name.to_owned(), rows)).collect(), counts })
    }

    fn write_people(&mut self, world: &World) -> Result<()> {
        let header = "person_id,household_id,forename,surname,birth_date,sex,ethnic_group,nhs_number,upn,postcode,previous_postcode,moved_on,twin_of";
        let mut table = Table::create(&self.root, "truth/people.csv", header, Encoding::Utf8, false)?;
        for block in 0..world.people.blocks() {
            let first = (block * people::BLOCK) as usize;
            if (self.seen[first / 64] >> (first % 64)) & 0xffff == 0 {
                continue;
            }
            for person in world.people.block(block, &world.streets) {
                if self.seen[person.id as usize / 64] & (1 << (person.id % 64)) == 0 {
                    continue;
                }
                let child = person.age(world.period.first(0)) < 18;
                table.row(&[
                    person.id.to_string(),
                    person.household.to_string(),
                    person.forename.to_owned(),
                    person.surname.clone(),
                    person.born.to_string(),
                    if person.sex == Sex::Male { "male" } else { "female" }.to_owned(),
                    ethnic_codes(person.ethnicity).2.to_owned(),
                    people::nhs_number(person.id),
                    if child { people::upn(person.id) } else { String::new() },
                    world.streets.text(person.postcode),
                    person.moved.map(|(earlier, _)| world.streets.text(earlier)).unwrap_or_default(),
                    person.moved.map(|(_, day): (_, NaiveDate)| day.to_string()).unwrap_or_default(),
                    person.twin.map(|twin| twin.to_string()).unwrap_or_default(),
                ])?;
            }
        }
        self.close(table)
    }

    fn write_hotspots(&mut self) -> Result<()> {
        let header = "hotspot_id,name,district_code,easting,northing,radius_m,share,peak_hours,cell_250m,violence_events,opcc_events";
        let mut table = Table::create(&self.root, "truth/hotspots.csv", header, Encoding::Utf8, false)?;
        for (index, hotspot) in HOTSPOTS.iter().enumerate() {
            let Point { e, n } = hotspot.middle;
            let peaks: Vec<String> = hotspot
                .hours
                .iter()
                .flat_map(|(weekday, first, count, _)| {
                    (*first..first + count).map(move |hour| format!("{weekday}-{hour:02}"))
                })
                .collect();
            table.row(&[
                format!("H{}", index + 1),
                hotspot.name.to_owned(),
                DISTRICTS[hotspot.district].code.to_owned(),
                e.to_string(),
                n.to_string(),
                "100".to_owned(),
                format!("{:.2}", hotspot.share),
                peaks.join(" "),
                format!("250m:{}:{}", e.div_euclid(250) * 250, n.div_euclid(250) * 250),
                self.hotspots[index][0].to_string(),
                self.hotspots[index][1].to_string(),
            ])?;
        }
        self.close(table)
    }

    fn write_hours(&mut self) -> Result<()> {
        let header = "hour_of_week,weekday,hour,planted_weight,opcc_events,violence_events";
        let mut table = Table::create(&self.root, "truth/hours.csv", header, Encoding::Utf8, false)?;
        let weights = planted_hours();
        for (slot, [serious, violence]) in self.hours.iter().enumerate() {
            table.row(&[
                slot.to_string(),
                (slot / 24).to_string(),
                (slot % 24).to_string(),
                format!("{:.6}", weights[slot]),
                serious.to_string(),
                violence.to_string(),
            ])?;
        }
        self.close(table)
    }
}

/// The planted share of each hour of the week in serious violence: 21 in 100 at home, the rest in public.
#[must_use]
pub fn planted_hours() -> Vec<f64> {
    let home = 0.25 * 0.50 + 0.75 * 0.11;
    let mut parts: Vec<(f64, Vec<f64>)> = vec![(home, Pattern::domestic().shares())];
    let mut elsewhere = 1.0;
    for hotspot in &HOTSPOTS {
        parts.push(((1.0 - home) * hotspot.share, Pattern::of(hotspot).shares()));
        elsewhere -= hotspot.share;
    }
    parts.push(((1.0 - home) * elsewhere, Pattern::public().shares()));
    (0..168).map(|slot| parts.iter().map(|(share, hours)| share * hours[slot]).sum()).collect()
}

/// What was written.
#[derive(Debug)]
pub struct Summary {
    /// Rows per folder.
    pub rows: Vec<(String, u64)>,
    /// What was counted on the way.
    pub counts: BTreeMap<String, u64>,
}
