//! What an attacker finds who has every byte of a lake's folders and no key: the columns of every Parquet file, live or not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use svp_contract::AgeBand;
use svp_contract::encoding::{
    FILTER_BYTES, MONTH_DAY, OUTWARD, PART_BYTES, SECTOR, SWAPPED, WHOLE, YEAR_DAY, YEAR_MONTH, token_at,
};

use super::dates::{self, Born};
use super::linear::Random;
use super::{names, postcodes};
use crate::support::files_under;

/// Year, month, day.
pub type Date = (i32, usize, usize);

/// A row of a person, as far as it can be read.
#[derive(Default, Clone)]
pub struct Person {
    pub record: String,
    pub event: String,
    pub birth_year: Option<i32>,
    pub area: Option<String>,
    pub birth: Option<Vec<u8>>,
    pub postcode: Option<Vec<u8>>,
    pub forename: Option<Vec<u8>>,
    pub surname: Option<Vec<u8>>,
}

/// Somebody's part in an event.
#[derive(Default, Clone)]
pub struct Part {
    pub record: String,
    pub event: String,
    /// Least and greatest age that is possible.
    pub age: Option<(i32, i32)>,
    pub area: Option<String>,
}

#[derive(Default, Clone)]
pub struct Loot {
    /// Rows of any table that has encodings.
    pub people: Vec<Person>,
    pub parts: Vec<Part>,
    /// The day of each event.
    pub days: BTreeMap<String, Date>,
    /// The person of each record, where a table says so.
    pub links: BTreeMap<String, String>,
}

/// The day of an event, and the least and the greatest age that somebody had then.
pub type Aged = (Date, (i32, i32));

impl Loot {
    /// Reads every Parquet file below a folder. Whatever the tables are called, their columns tell what they hold.
    pub fn read(folder: &Path) -> Self {
        let mut out = Self::default();
        let (mut people, mut parts) = (BTreeSet::new(), BTreeSet::new());
        for path in files_under(folder).into_values() {
            let bytes = std::fs::read(path).unwrap();
            if !bytes.starts_with(b"PAR1") {
                continue;
            }
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
            for batch in reader.build().unwrap() {
                out.take(&batch.unwrap(), &mut people, &mut parts);
            }
        }
        out
    }

    fn take(&mut self, batch: &RecordBatch, people: &mut BTreeSet<Vec<u8>>, parts: &mut BTreeSet<(String, String)>) {
        let text = |name: &str, row: usize| -> Option<String> {
            let column = batch.column_by_name(name)?;
            let column = column.as_string_opt::<i32>()?;
            column.is_valid(row).then(|| column.value(row).to_owned())
        };
        let number = |name: &str, row: usize| -> Option<i32> {
            let column = batch.column_by_name(name)?.as_primitive_opt::<Int32Type>()?;
            column.is_valid(row).then(|| column.value(row))
        };
        let bytes = |name: &str, row: usize| -> Option<Vec<u8>> {
            let column = batch.column_by_name(name)?.as_binary_opt::<i32>()?;
            column.is_valid(row).then(|| column.value(row).to_vec())
        };
        let has = |name: &str| batch.column_by_name(name).is_some();
        let micros = batch
            .column_by_name("occurred_from")
            .and_then(|c| cast(c, &DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None)).ok());
        for row in 0..batch.num_rows() {
            let (record, event) = (text("person_record_id", row), text("event_id", row));
            if has("enc_birth") || has("enc_postcode") {
                let person = Person {
                    record: record.clone().unwrap_or_default(),
                    event: event.clone().unwrap_or_default(),
                    birth_year: number("birth_year", row),
                    area: text("residence_lsoa", row),
                    birth: bytes("enc_birth", row),
                    postcode: bytes("enc_postcode", row),
                    forename: bytes("enc_forename", row),
                    surname: bytes("enc_surname", row),
                };
                // Old versions of a file repeat its rows.
                let mut mark = format!("{} {}", person.record, person.event).into_bytes();
                mark.extend([&person.birth, &person.postcode].into_iter().flatten().flatten());
                if people.insert(mark) {
                    self.people.push(person);
                }
            } else if has("role") {
                let part = Part {
                    record: record.clone().unwrap_or_default(),
                    event: event.clone().unwrap_or_default(),
                    age: number("age", row).map(|age| (age, age)).or_else(|| {
                        let band = AgeBand::parse(&text("age_band", row)?)?;
                        Some((band.from, band.to))
                    }),
                    area: text("residence_lsoa", row),
                };
                if parts.insert((part.record.clone(), part.event.clone())) {
                    self.parts.push(part);
                }
            } else if let (Some(times), Some(event)) = (&micros, &event) {
                let times = times.as_primitive::<TimestampMicrosecondType>();
                // The hour of a summer night is of no weight here: days are those of UTC.
                if times.is_valid(row) {
                    self.days.insert(event.clone(), day(times.value(row).div_euclid(86_400_000_000)));
                }
            } else if let (Some(record), Some(person)) = (&record, text("person_key", row)) {
                self.links.insert(record.clone(), person);
            }
        }
    }

    /// Ages that each record's person can have had on the days of its events.
    pub fn ages(&self) -> BTreeMap<(&str, &str), Aged> {
        let age = |part: &Part| Some((*self.days.get(&part.event)?, part.age?));
        self.parts.iter().filter_map(|p| Some(((p.record.as_str(), p.event.as_str()), age(p)?))).collect()
    }

    /// Date of birth of each record of which anything is known. What no encoding tells is guessed: a day, any, of those that the ages
    /// of the person at their events leave.
    pub fn births(&self, random: &mut Random) -> BTreeMap<String, Date> {
        let ages = self.ages();
        let born: Vec<(&Person, Born<'_>)> = self
            .people
            .iter()
            .filter_map(|p| {
                let (birth, year) = (p.birth.as_deref()?, p.birth_year?);
                let token = |place| token_at(birth, place);
                let of = Born {
                    whole: token(WHOLE)?,
                    swapped: token(SWAPPED)?,
                    year_month: token(YEAR_MONTH)?,
                    month_day: token(MONTH_DAY)?,
                    year_day: token(YEAR_DAY)?,
                    filter: birth.get(7 * PART_BYTES..7 * PART_BYTES + FILTER_BYTES)?,
                    year,
                    ages: ages
                        .get(&(p.record.as_str(), p.event.as_str()))
                        // A band says nothing of a birthday within a year.
                        .filter(|(_, (least, greatest))| least == greatest)
                        .map(|((y, m, d), (age, _))| (*y, *m, *d, *age))
                        .into_iter()
                        .collect(),
                };
                Some((p, of))
            })
            .collect();
        let mut out: BTreeMap<String, Date> = self
            .windows()
            .into_iter()
            .map(|(record, (first, days))| (record, day(first + random.below(days as usize) as i64)))
            .collect();
        if !born.is_empty() {
            let (people, born): (Vec<&Person>, Vec<Born<'_>>) = born.into_iter().unzip();
            let named = dates::days_of_the_year(&born);
            for (person, born) in people.iter().zip(&born) {
                let (month, day) = named[&born.month_day];
                out.insert(person.record.clone(), (born.year, month, day));
            }
        }
        out
    }

    /// For each record the first day of birth that is possible, and how many are, from the ages of its person.
    pub fn windows(&self) -> BTreeMap<String, (i64, i64)> {
        let person = |record: &str| self.links.get(record).cloned().unwrap_or_else(|| record.to_owned());
        let mut windows: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for ((record, _), ((year, month, at), (least, greatest))) in self.ages() {
            // Who is of an age was born on this day of the year so many years ago at the latest, and less than a year before that.
            let last = days_since((year - least, month, at));
            let first = days_since((year - greatest - 1, month, at)) + 1;
            let window = windows.entry(person(record)).or_insert((first, last));
            let both = (window.0.max(first), window.1.min(last));
            // Ages that contradict one another: the newer one is believed.
            *window = if both.0 <= both.1 { both } else { (first, last) };
        }
        let records = self.parts.iter().map(|p| p.record.clone()).filter(|r| !r.is_empty());
        records.filter_map(|r| windows.get(&person(&r)).map(|(a, b)| (r, (*a, b - a + 1)))).collect()
    }

    /// Postcode of each row of a person's home, by record. What no encoding tells is guessed: any code of the small area.
    pub fn homes(&self, directory: &[(String, String)], random: &mut Random) -> BTreeMap<String, String> {
        let mut codes: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
        directory.iter().for_each(|(code, area)| codes.entry(area).or_default().push(code));
        let mut out = BTreeMap::new();
        for part in &self.parts {
            if let Some(of_area) = part.area.as_deref().and_then(|a| codes.get(a)) {
                out.insert(part.record.clone(), of_area[random.below(of_area.len())].clone());
            }
        }
        let homes: Vec<(&Person, postcodes::Home<'_>)> = self
            .people
            .iter()
            .filter_map(|p| {
                let code = p.postcode.as_deref()?;
                let home = postcodes::Home {
                    whole: token_at(code, WHOLE)?,
                    sector: token_at(code, SECTOR)?,
                    filter: code.get((OUTWARD + 1) * PART_BYTES..)?,
                    area: p.area.as_deref()?,
                };
                Some((p, home))
            })
            .collect();
        if !homes.is_empty() {
            let (people, homes): (Vec<&Person>, Vec<postcodes::Home<'_>>) = homes.into_iter().unzip();
            let named = if homes.iter().all(|home| home.filter.is_empty()) {
                postcodes::by_lot(&homes, directory, true, random)
            } else {
                postcodes::postcodes(&homes, directory, random.next())
            };
            for (person, home) in people.iter().zip(&homes) {
                if let Some(code) = named.get(&home.whole) {
                    out.insert(person.record.clone(), code.clone());
                }
            }
        }
        out
    }

    /// Forename (or surname) of each record. `known` are people whom the attacker knows by their records, `list` the names that people
    /// have, the commonest first. What no encoding tells is guessed: the commonest name.
    pub fn names(
        &self,
        of: fn(&Person) -> Option<&Vec<u8>>,
        known: &BTreeMap<String, String>,
        list: &[String],
    ) -> BTreeMap<String, String> {
        let mut out: BTreeMap<String, String> =
            self.parts.iter().map(|p| (p.record.clone(), list[0].clone())).collect();
        let mut filters: BTreeMap<u64, &[u8]> = BTreeMap::new();
        let mut taught = BTreeMap::new();
        for person in &self.people {
            let Some(name) = of(person) else { continue };
            let Some(token) = token_at(name, WHOLE) else { continue };
            filters.insert(token, &name[name.len() - FILTER_BYTES..]);
            if let Some(known) = known.get(&person.record) {
                taught.insert(token, known.clone());
            }
        }
        let named = names::names(&filters, &taught, list);
        for person in &self.people {
            if let Some(name) = of(person).and_then(|n| token_at(n, WHOLE)).and_then(|t| named.get(&t)) {
                out.insert(person.record.clone(), name.clone());
            }
        }
        out.extend(known.iter().map(|(record, name)| (record.clone(), name.clone())));
        out
    }
}

/// The date of a number of days since 1970 (the calendar of Gregory, in eras of 400 years that begin in March).
pub fn day(since: i64) -> Date {
    let z = since + 719_468;
    let of_era = z.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let at = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = (year + z.div_euclid(146_097) * 400, if month < 10 { month + 3 } else { month - 9 });
    ((year + i64::from(month <= 2)) as i32, month as usize, at as usize)
}

/// The inverse of [`day`]; the 29th of February of a year that has none is the first of March.
pub fn days_since((year, month, at): Date) -> i64 {
    let (year, month, at) = (i64::from(year) - i64::from(month <= 2), month as i64, at as i64);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + at - 1;
    let of_era = year.rem_euclid(400);
    year.div_euclid(400) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}
