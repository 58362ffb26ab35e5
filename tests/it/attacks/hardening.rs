//! What each way to make encodings say less costs, and what it is good for: the attacks on the sample's records as the key opens them,
//! and the accuracy of the linkage, with each way alone and with several. Not run by itself, since it takes minutes:
//!
//! `SVP_DATA=… cargo test --workspace --test it hardening -- --ignored`
//!
//! Ways are put on encodings that are there, each so that it is what an encoder would write: a part of a date with a name is a keyed digest
//! of both tokens, a filter under another salt is one with its bits in another order, a filter of half the bits is one in which every
//! second bit (by a keyed choice) is blank. Postcodes have no filter any more: that way was taken.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use sha2::{Digest, Sha256};
use svp_contract::Linkage;
use svp_contract::encoding::{
    FILTER_BYTES, MONTH_DAY, NEW_YEAR, OUTWARD, Place, SECTOR, USUAL, YEAR, YEAR_DAY, YEAR_MONTH, token_at,
};
use svp_link::Linker;
use svp_link::evaluate::{Evaluation, evaluate};
use svp_pseudonymise::Tokeniser;

use super::*;
use crate::support::{bench_lakes, session_under as opened_session};

/// Ways to say less.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Ways {
    /// Parts of a date have tokens together with the usual forename only, and a first of January has no mark.
    parts: bool,
    /// No filter of a date's digits.
    digits: bool,
    /// A sector has a token together with the usual forename only, an outward code together with the year of birth.
    places: bool,
    /// Filters of names under the year of birth.
    salted: bool,
    /// Filters of names of half the bits.
    half: bool,
}

const NOTHING: Ways = Ways { parts: false, digits: false, places: false, salted: false, half: false };

const TABLE: [(&str, Ways); 10] = [
    ("as shipped", NOTHING),
    ("parts of dates with a name", Ways { parts: true, ..NOTHING }),
    ("no digits of dates", Ways { digits: true, ..NOTHING }),
    ("both", Ways { parts: true, digits: true, ..NOTHING }),
    ("sectors with a name, outward codes with a year", Ways { places: true, ..NOTHING }),
    ("filters of names by year of birth", Ways { salted: true, ..NOTHING }),
    ("filters of names of half the bits", Ways { half: true, ..NOTHING }),
    ("both", Ways { salted: true, half: true, ..NOTHING }),
    ("dates and postcodes", Ways { parts: true, digits: true, places: true, ..NOTHING }),
    ("all", Ways { parts: true, digits: true, places: true, salted: true, half: true }),
];

/// The encodings of one row.
struct Row<'a> {
    birth: Option<&'a mut Vec<u8>>,
    postcode: Option<&'a mut Vec<u8>>,
    names: [Option<&'a mut Vec<u8>>; 3],
    /// Tells rows apart that lack what a token is made with.
    number: u64,
}

/// A keyed digest, as an encoder would make it under its key.
fn keyed(what: &str, parts: [u64; 2]) -> u64 {
    let mut digest = Sha256::new();
    digest.update(b"a key of these experiments");
    digest.update(what.as_bytes());
    parts.iter().for_each(|part| digest.update(part.to_le_bytes()));
    u64::from_le_bytes(digest.finalize()[..8].try_into().unwrap()).max(1)
}

fn put(encoding: &mut [u8], place: Place, token: u64) {
    encoding[place * PART_BYTES..(place + 1) * PART_BYTES].copy_from_slice(&token.to_le_bytes());
}

fn filter(encoding: &mut [u8]) -> &mut [u8] {
    let at = encoding.len() - FILTER_BYTES;
    &mut encoding[at..]
}

/// Orders of a filter's bits, by salt, and which bits are kept.
#[derive(Default)]
struct Salts {
    orders: HashMap<(usize, u64), Vec<usize>>,
    kept: HashMap<usize, Vec<bool>>,
}

impl Salts {
    fn apply(&mut self, ways: Ways, column: usize, salt: u64, filter: &mut [u8]) {
        let order = self.orders.entry((column, salt)).or_insert_with(|| {
            let mut order: Vec<(u64, usize)> = (0..FILTER_BYTES * 8)
                .map(|bit| (keyed("salt", [salt ^ (column as u64) << 60, bit as u64]), bit))
                .collect();
            order.sort_unstable();
            order.into_iter().map(|(_, bit)| bit).collect()
        });
        // The same bits are kept under every salt: they are chosen before they are put in order.
        let half = |bit: usize| !ways.half || keyed("kept", [column as u64, bit as u64]).is_multiple_of(2);
        let kept = self.kept.entry(column).or_insert_with(|| (0..FILTER_BYTES * 8).map(half).collect());
        let old = filter.to_vec();
        filter.fill(0);
        for (bit, to) in order.iter().enumerate() {
            if kept[bit] && old[bit / 8] >> (bit % 8) & 1 == 1 {
                let to = if ways.salted { *to } else { bit };
                filter[to / 8] |= 1 << (to % 8);
            }
        }
    }
}

impl Ways {
    fn apply(self, row: Row<'_>, salts: &mut Salts) {
        let Row { birth, postcode, mut names, number } = row;
        let with = |token: Option<u64>| token.unwrap_or_else(|| keyed("none", [number, 0]));
        let usual = with(names[0].as_deref().and_then(|name| token_at(name, USUAL)));
        let year = birth.as_deref().and_then(|birth| token_at(birth, YEAR));
        if let Some(birth) = birth {
            if self.parts {
                for (what, place) in [("year and month", YEAR_MONTH), ("month and day", MONTH_DAY), ("day", YEAR_DAY)] {
                    let part = with(token_at(birth, place));
                    put(birth, place, keyed(what, [part, usual]));
                }
                put(birth, NEW_YEAR, 1);
            }
            if self.digits {
                filter(birth).fill(0);
            }
        }
        if let Some(postcode) = postcode
            && self.places
        {
            for (what, place, beside) in [("sector", SECTOR, usual), ("outward", OUTWARD, with(year))] {
                // A code too short for the part has none.
                if let Some(part) = token_at(postcode, place) {
                    put(postcode, place, keyed(what, [part, beside]));
                }
            }
        }
        if self.salted || self.half {
            for (column, name) in names.iter_mut().enumerate() {
                if let Some(name) = name {
                    let salt = year.filter(|_| self.salted).unwrap_or_default();
                    salts.apply(self, column, salt, filter(name));
                }
            }
        }
    }

    fn on_loot(self, loot: &Loot) -> Loot {
        let (mut out, mut salts) = (loot.clone(), Salts::default());
        for (number, person) in out.people.iter_mut().enumerate() {
            let Person { birth, postcode, forename, surname, .. } = person;
            let names = [forename.as_mut(), surname.as_mut(), None];
            let row = Row { birth: birth.as_mut(), postcode: postcode.as_mut(), names, number: number as u64 };
            self.apply(row, &mut salts);
        }
        out
    }

    fn on_records(self, batches: &[RecordBatch]) -> Vec<RecordBatch> {
        const COLUMNS: [&str; 5] = ["enc_birth", "enc_postcode", "enc_forename", "enc_surname", "enc_words"];
        let (mut salts, mut number) = (Salts::default(), 0);
        let mut out = Vec::new();
        for batch in batches {
            let mut values = COLUMNS.map(|name| -> Vec<Option<Vec<u8>>> {
                let column = cast(batch.column_by_name(name).unwrap(), &DataType::Binary).unwrap();
                column.as_binary::<i32>().iter().map(|v| v.map(<[u8]>::to_vec)).collect()
            });
            for row in 0..batch.num_rows() {
                let [birth, postcode, forename, surname, words] = &mut values;
                let names = [forename[row].as_mut(), surname[row].as_mut(), words[row].as_mut()];
                let row = Row { birth: birth[row].as_mut(), postcode: postcode[row].as_mut(), names, number };
                self.apply(row, &mut salts);
                number += 1;
            }
            let schema = batch.schema();
            let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
                let at = COLUMNS.iter().position(|name| name == field.name());
                let array = at.map(|at| Arc::new(BinaryArray::from_iter(values[at].iter())) as ArrayRef);
                (field.name().clone(), array.unwrap_or_else(|| Arc::clone(column)))
            });
            out.push(RecordBatch::try_from_iter_with_nullable(columns.map(|(n, a)| (n, a, true))).unwrap());
        }
        out
    }
}

/// Records with their true people.
struct Set {
    name: &'static str,
    records: Vec<RecordBatch>,
    truth: HashMap<String, String>,
    once: BTreeSet<String>,
}

/// The token of a person's id, as the door makes it.
fn tokens() -> impl Fn(&str, &str) -> String {
    let tokeniser = Tokeniser::new(&Key::parse(KEY).unwrap(), column("person_record_id").token_domain());
    move |source, id| String::from_utf8(tokeniser.token([source.as_bytes(), id.as_bytes()]).to_vec()).unwrap()
}

fn records(lake: &Path) -> Vec<RecordBatch> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        opened_session(lake, KEY).await.table("person_record").await.unwrap().collect().await.unwrap()
    })
}

fn sets(data: Option<&str>) -> Vec<Set> {
    let token = tokens();
    let table = Table::read(&sample_data("truth/appearances.csv"));
    let columns = ["source", "person_key", "record_id", "person_id"].map(|name| table.column(name));
    // What hospitals write of a person has the id of the attendance. Children's ids have the authority's before them, and are left out.
    let people = (0..columns[0].len()).filter_map(|row| {
        let [source, key, record, person] = [0, 1, 2, 3].map(|c| columns[c][row]);
        let id = if key.is_empty() { record } else { key };
        ["police_rms", "ecds"].contains(&source).then(|| (token(source, id), person.to_owned()))
    });
    let records_of_sample = records(&sample().lake);
    let mut out =
        vec![Set { name: "sample", records: records_of_sample, truth: people.collect(), once: BTreeSet::new() }];
    let Some(data) = data else { return out };
    let bench = bench_lakes(data);
    let truth = Table::read(&bench.path().join("truth.csv"));
    let columns = ["source", "person_id", "person"].map(|name| truth.column(name));
    let people = (0..columns[0].len()).map(|row| (token(columns[0][row], columns[1][row]), columns[2][row].to_owned()));
    let once = BTreeSet::from(["febrl_a".to_owned(), "febrl_b".to_owned()]);
    out.push(Set { name: "FEBRL 4", records: records(&bench.path().join("febrl")), truth: people.collect(), once });
    let file = fs::File::open(bench.path().join("in/historical_figures.parquet")).unwrap();
    let mut people = HashMap::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
        let batch = batch.unwrap();
        let text = |name: &str| cast(batch.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
        let (ids, clusters) = (text("unique_id"), text("cluster"));
        let (ids, clusters): (&StringArray, &StringArray) = (ids.as_string(), clusters.as_string());
        for (id, cluster) in ids.iter().zip(clusters) {
            people.insert(token("historical_figures", id.unwrap()), cluster.unwrap().to_owned());
        }
    }
    let records = records(&bench.path().join("historical"));
    out.push(Set { name: "historical figures", records, truth: people, once: BTreeSet::new() });
    out
}

fn measured(set: &Set, ways: Ways) -> Evaluation {
    let linkage = Linkage::shipped().unwrap();
    let records = if ways == NOTHING { set.records.clone() } else { ways.on_records(&set.records) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let linker = Linker::new(&linkage).deduplicated_within_source(&set.once).threads(2);
    let linked = runtime.block_on(async { linker.fit(&records).await.unwrap() });
    let p = linkage.threshold.probability;
    evaluate(&linked, &set.truth, (p / (1.0 - p)).log2())
}

/// Shares of the sample's records of which the attacker who knows the ways finds date of birth, postcode, forename and surname.
fn attacked(ways: Ways, truths: &Truths) -> [f64; 4] {
    let loot = ways.on_loot(opened());
    let mut random = Random(SEEDS[0]);
    let births = match ways.parts {
        false => loot.births(&mut random),
        true => adapted::births(&loot, !ways.digits, &mut random),
    };
    let homes = match ways.places {
        false => loot.homes(&truths.directory, &mut random),
        true => adapted::homes(&loot, &truths.directory, &mut random),
    };
    let names = |at: usize| {
        let (name, list, truth) = &truths.names[at];
        let known = known(truth, SEEDS[0]);
        let found = match ways.salted {
            false => loot.names(name.of, &known, list),
            true => adapted::named(&loot, name.of, &known, list),
        };
        share(&others(truth, &known), &found)
    };
    [share(&truths.births, &births), share(&truths.homes, &homes), names(0), names(1)]
}

/// A kind of name, the list of names that is tried, and the names of each record in truth.
type Named = (NameOf, Vec<String>, BTreeMap<String, BTreeSet<String>>);

struct Truths {
    births: BTreeMap<String, BTreeSet<Date>>,
    directory: Vec<(String, String)>,
    homes: BTreeMap<String, BTreeSet<String>>,
    names: Vec<Named>,
}

fn truths() -> Truths {
    let directory = directory();
    let names = NAMES.map(|name| {
        let list = name.list();
        let truth = name.truth(opened(), &list);
        (name, list, truth)
    });
    Truths { births: births(opened()), homes: homes(opened(), &directory), directory, names: names.to_vec() }
}

#[test]
#[ignore = "takes minutes; prints the table of crates/svp-pseudonymise/README.md"]
fn hardening_costs_and_gains() {
    let data = std::env::var("SVP_DATA").ok();
    if data.is_none() {
        aloud("without SVP_DATA only the sample is linked");
    }
    let (sets, truths) = (sets(data.as_deref()), truths());
    let percent = |x: f64| format!("{:.1} %", 100.0 * x);
    let mut shipped = None;
    for (name, ways) in TABLE {
        let found = attacked(ways, &truths);
        let linked: Vec<Evaluation> = sets.iter().map(|set| measured(set, ways)).collect();
        let told = linked.iter().zip(&sets).map(|(e, set)| {
            format!(
                "{} raw {:.4} closed {:.4} (precision {:.4}, recall {:.4}) B-cubed {:.4}",
                set.name,
                e.raw_chosen.f1(),
                e.closed.f1(),
                e.closed.precision,
                e.closed.recall,
                e.b_cubed.f1()
            )
        });
        let [births, homes, forenames, surnames] = found.map(percent);
        let told: Vec<String> = told.collect();
        aloud(&format!(
            "{name}: dates {births}, postcodes {homes}, forenames {forenames}, surnames {surnames}; {}",
            told.join("; ")
        ));
        // What is taken away must not be there any more.
        assert!(!(ways.parts && ways.digits) || found[0] < 0.1, "{name}: dates");
        assert!(found[1] < 0.25, "{name}: postcodes");
        match &shipped {
            None => {
                assert!([0, 2, 3].iter().all(|of| found[*of] > 0.9), "the attacks are blind: {found:?}");
                assert!(linked.iter().all(|e| e.true_pairs > 1_000 && e.closed.f1() > 0.85), "the measure is wrong");
                shipped = Some(linked);
            }
            Some(shipped) => {
                let pairs = |of: &[Evaluation]| of.iter().map(|e| e.true_pairs).collect::<Vec<_>>();
                assert_eq!(pairs(shipped), pairs(&linked), "the same records are measured");
            }
        }
    }
}
