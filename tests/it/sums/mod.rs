//! Sums that nobody declared: relations between published numbers that hold of the records themselves, held against what the
//! attack knows.
//!
//! Each published number is a sum over records: events, people, matches. A weighted sum of numbers that is 0 whatever records
//! there are is a vector that gives 0 with every record; the vectors that do so with every record of three counties are the
//! relations that hold by how tables are made. Each must follow from the equations that `svp_disclose::relate` makes of the same
//! tables: otherwise a reader can compute what the attack calls safe.
//!
//! What is covered: all numbers of all tables of the sample's release under all its definitions, in one release, with these
//! exceptions. A map is one number, its sum: that pieces of maps add up is asked in `coarsen.rs`. Numbers that are below 3 in
//! one of the counties are pooled by table, count and margin, since small numbers hang together by chance. Not seen are relations that
//! are not linear; those that hold because a difference which the model has is 0 in all three; and those between a number of
//! people and one of events that hold because nobody was hurt twice.

mod relations;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::prelude::SessionContext;
use svp_app::{Calendar, Ground, LakeAt, LakeOf, Machine, OffGrid, PathChoice, Rows, Setting, Silent, Site, Stage};
use svp_disclose::relate::{Hierarchies, Published, Row, Table, is_grid, relate};
use svp_testkit::{Options, generate};
use tempfile::TempDir;

use relations::{Basis, PRIME, Sparse, eliminate, inverse, residue};

use crate::support::{KEY, root, svp};

/// How often at least a number counts in each county so that it stands for itself.
const OFTEN: f64 = 3.0;

/// Records of one measure: where each counts, and how much of it.
struct Records {
    sql: &'static str,
    /// Values of the column `side` that are counted; all where empty.
    sides: &'static [&'static str],
    /// What a weight of 1 is, in parts of a count.
    parts: u64,
}

/// The records that a count of the site counts, by measure and universe. A new measure needs a line here.
fn records(measure: &str, universe: &str) -> Option<Records> {
    let plain = |sql| Records { sql, sides: &[], parts: 1 };
    let some = |sql, sides| Records { sql, sides, parts: 1 };
    const MATCHED: &str = include_str!("measures/matched.sql");
    Some(match (measure, universe) {
        ("events", "serious_violence") => plain(include_str!("measures/events.sql")),
        ("events", "mappable_violence") => plain(include_str!("measures/mapped_events.sql")),
        ("events", "timed_violence") => {
            Records { parts: 1_000_000, ..plain(include_str!("measures/timed_events.sql")) }
        }
        ("parties", _) => plain(include_str!("measures/parties.sql")),
        ("people", _) => plain(include_str!("measures/people.sql")),
        ("under_25", _) => plain(include_str!("measures/under_25.sql")),
        ("known_to_police" | "known_to_police_at_hour", _) => some(include_str!("measures/listed.sql"), &["police"]),
        ("known_to_hospitals" | "known_to_hospitals_at_hour", _) => {
            some(include_str!("measures/listed.sql"), &["health"])
        }
        ("both_strict", _) => some(MATCHED, &["strict"]),
        ("both_middle" | "both_at_hour", _) => some(MATCHED, &["strict", "middle"]),
        ("both_loose", _) => some(MATCHED, &["strict", "middle", "loose"]),
        _ => return None,
    })
}

/// A record with its members, by column, and its weight.
struct Counted {
    record: String,
    members: BTreeMap<String, String>,
    weight: i64,
}

async fn ask(ctx: &SessionContext, of: &Records) -> Vec<Counted> {
    let mut out = Vec::new();
    for batch in ctx.sql(of.sql).await.unwrap().collect().await.unwrap() {
        let schema = batch.schema();
        let text = |i: usize| cast(batch.column(i), &DataType::Utf8).unwrap();
        let columns: Vec<(String, arrow::array::ArrayRef)> =
            (0..batch.num_columns()).map(|i| (schema.field(i).name().clone(), text(i))).collect();
        let weights = cast(batch.column_by_name("weight").unwrap(), &DataType::Int64).unwrap();
        for row in 0..batch.num_rows() {
            let mut members: BTreeMap<String, String> = columns
                .iter()
                .filter(|(_, values)| values.is_valid(row))
                .map(|(name, values)| (name.clone(), values.as_string::<i32>().value(row).to_owned()))
                .collect();
            let record = members.remove("record").unwrap();
            if let Some(side) = members.remove("side")
                && !of.sides.is_empty()
                && !of.sides.contains(&side.as_str())
            {
                continue;
            }
            out.push(Counted { record, members, weight: weights.as_primitive::<Int64Type>().value(row) });
        }
    }
    out
}

/// Name of a number: table, measure, members.
fn label(table: &Table, row: &Row) -> String {
    format!("{}.{} [{}]", table.name, table.measure, row.members.join(", "))
}

/// An equation: labels and numbers of its own, each with how often it counts, in residues.
type Terms = (Vec<(String, u64)>, Vec<(usize, u64)>);

/// A county that was made, run, and looked at.
struct County {
    /// Its tables; a map is one piece.
    tables: Vec<Table>,
    /// For each record the numbers in which it counts, and how much, in residues.
    records: Vec<BTreeMap<String, u64>>,
    /// Equations of the model over labels; what has no label has a number of its own.
    equations: Vec<Terms>,
}

/// Whether a record counts in a row: everywhere but in the totals it has the row's member.
fn counts_in(record: &Counted, table: &Table, row: &Row) -> bool {
    table.dims.iter().zip(&row.members).all(|(dim, member)| {
        let column = if is_grid(&dim.kind) { "cell" } else { dim.kind.as_str() };
        dim.total.as_ref() == Some(member) || record.members.get(column) == Some(member)
    })
}

/// Pieces of a map are taken together.
fn as_one_piece(mut table: Table) -> Table {
    if table.dims.iter().any(|d| is_grid(&d.kind)) {
        let value = table.rows.iter().map(|r| r.value).sum::<Option<f64>>();
        let published = Published::Shown(value.unwrap_or_default(), value.unwrap_or_default());
        table.rows = vec![Row { members: vec!["rest".to_owned()], value, published }];
        table.merged = true;
    }
    table
}

async fn county(seed: u64) -> County {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    generate(&Options { out: folder.path().join("data"), people: 4_000, months: 12, seed }).unwrap();
    std::fs::write(folder.path().join("key"), KEY).unwrap();
    let (lake, data, reference) = (at("lake"), at("data"), at("data/reference"));
    svp(["run", "--area", "wessmark", "--clock", "2024-04-10T06:00:00Z", "--threads", "2"])
        .args(["--lake", &lake, "--key", &at("key"), "--extracts", &data, "--reference", &reference])
        .run()
        .good();
    let entry = folder.path().join("lake/ledger/000001-wessmark-partner/entry.json");
    let tables = told(&entry);
    let site = Site::sound(&root().display().to_string()).unwrap();
    let area = &site.area("wessmark").unwrap().item;
    let choice = PathChoice { reference: Some(reference), extracts: Some(data), input: Vec::new() };
    let paths = svp_app::paths(&site, area, &choice).unwrap();
    let lake = LakeAt::folder(lake);
    let setting = Setting {
        ground: Some(Ground { area, paths: &paths, postcodes: false, tables: true }),
        rows: Rows::Lake { lake: LakeOf::At(&lake), calendar: Calendar::Always },
        months: Some(svp_app::period(area)),
        off_grid: OffGrid::OfTheAudience,
        hold_coverage: true,
    };
    let machine = Machine { threads: 2, memory_bytes: 1 << 30 };
    let stage = Stage::open(&site, &machine, setting, &Silent).await.unwrap();
    let definitions: Vec<_> = area.definitions.iter().map(|d| &site.definitions[d]).collect();
    let mut records: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for definition in &definitions {
        svp_analyse::define(&stage.ctx, &definition.item, &svp_app::period(area)).await.unwrap();
        for table in tables.iter().filter(|t| t.set.definition.name == definition.item.name) {
            let of = self::records(&table.measure, &table.set.universe).unwrap_or_else(|| {
                panic!(
                    "{} counts `{}`: say in tests/it/sums/mod.rs which records that counts",
                    table.name, table.measure
                )
            });
            count(table, &ask(&stage.ctx, &of).await, of.parts, &mut records);
        }
    }
    let hierarchies = svp_app::hierarchies(&stage.ctx, &site, area, &stage.data.lookups, &definitions).await.unwrap();
    let equations = model(&tables, &hierarchies);
    County { tables, records: records.into_values().collect(), equations }
}

/// The tables of a ledger's entry.
fn told(entry: &Path) -> Vec<Table> {
    let entry: serde_json::Value = serde_json::from_slice(&std::fs::read(entry).unwrap()).unwrap();
    let tables: Vec<Table> = serde_json::from_value(entry["tables"].clone()).unwrap();
    tables.into_iter().map(|t| as_one_piece(Table { release: 1, ..t })).collect()
}

/// Counts records in the rows of a table, and holds the count against what was counted for the release.
fn count(table: &Table, all: &[Counted], parts: u64, records: &mut BTreeMap<String, BTreeMap<String, u64>>) {
    for row in &table.rows {
        let Some(value) = row.value.filter(|_| row.published != Published::NotKnown) else { continue };
        let mut sum = 0.0;
        for counted in all.iter().filter(|c| counts_in(c, table, row)) {
            sum += counted.weight as f64 / parts as f64;
            let of = records.entry(counted.record.clone()).or_default().entry(label(table, row)).or_default();
            *of = (*of + residue(counted.weight) * inverse(parts)) % PRIME;
        }
        assert!((sum - value).abs() < 1e-3, "{}: {sum} records, {value} counted", label(table, row));
    }
}

/// What the model says, with numbers that are published by label and all others by index.
fn model(tables: &[Table], hierarchies: &dyn Hierarchies) -> Vec<Terms> {
    let related = relate(tables, hierarchies);
    let mut name: Vec<Option<String>> = vec![None; related.system.numbers.len()];
    for (table, numbers) in tables.iter().zip(&related.rows) {
        for (row, number) in table.rows.iter().zip(numbers) {
            name[*number] = Some(label(table, row));
        }
    }
    // A difference that the model has (a part of a count, a view inside a view) and that is 0 in this county is taken as 0: that
    // the two are equal here is no sum that it lacks. Atoms are not asked: their numbers are one choice of several.
    let is_nothing = |number: usize| {
        let atom = related.provenance[number].label.contains(": what falls under ");
        !atom && related.system.numbers[number].value.is_some_and(|v| v.abs() < 1e-9)
    };
    let one = |e: &svp_disclose::system::Equation| {
        let (mut named, mut latent) = (Vec::new(), Vec::new());
        for &(number, c) in &e.terms {
            assert!(c == c.trunc(), "a coefficient is a whole number");
            match &name[number] {
                Some(name) => named.push((name.clone(), residue(c as i64))),
                None if is_nothing(number) => {}
                None => latent.push((number, residue(c as i64))),
            }
        }
        (named, latent)
    };
    related.system.equations.iter().map(one).collect()
}

/// The place of each label: its own where it is large in every county, else that of its pool.
fn places(counties: &[County]) -> (BTreeMap<String, usize>, Vec<String>) {
    let mut least: BTreeMap<String, (f64, usize)> = BTreeMap::new();
    let mut pool: BTreeMap<String, String> = BTreeMap::new();
    for county in counties {
        for table in &county.tables {
            for row in table.rows.iter().filter(|r| r.published != Published::NotKnown) {
                let totals = table.dims.iter().zip(&row.members).map(|(d, m)| d.total.as_ref() == Some(m));
                let margin: String = totals.map(|t| if t { '+' } else { '.' }).collect();
                let seen = least.entry(label(table, row)).or_insert((f64::INFINITY, 0));
                *seen = (seen.0.min(row.value.unwrap_or_default()), seen.1 + 1);
                pool.insert(label(table, row), format!("{}.{} small {margin}", table.name, table.measure));
            }
        }
    }
    let often = |label: &str| least[label].0 >= OFTEN && least[label].1 == counties.len();
    let named: BTreeSet<String> =
        pool.iter().map(|(label, pool)| if often(label) { label.clone() } else { pool.clone() }).collect();
    let names: Vec<String> = named.into_iter().collect();
    let at: BTreeMap<&String, usize> = names.iter().enumerate().map(|(i, n)| (n, i)).collect();
    let places = pool.iter().map(|(l, pool)| (l.clone(), at[if often(l) { l } else { pool }])).collect();
    (places, names)
}

/// The rows of the matrix records × numbers, mixed at random into a few more than there are numbers: nothing but what holds for
/// all records holds for those, but for a chance of one in a thousand million.
fn mixed(county: &County, places: &BTreeMap<String, usize>, width: usize) -> Vec<Vec<u64>> {
    let mut rows = vec![vec![0; width]; width + 30];
    let mut state = 0x5eed_u64;
    for record in &county.records {
        let mut at: BTreeMap<usize, u64> = BTreeMap::new();
        for (label, weight) in record {
            let place = at.entry(places[label]).or_default();
            *place = (*place + weight) % PRIME;
        }
        for row in &mut rows {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let by = (state >> 33) % PRIME;
            for (place, weight) in &at {
                row[*place] = (row[*place] + by * weight) % PRIME;
            }
        }
    }
    rows
}

/// What the model of a county says of the numbers that have a place.
fn said(county: &County, places: &BTreeMap<String, usize>, names: &[String]) -> Basis {
    let width = names.len();
    let known: BTreeMap<&String, usize> = names.iter().enumerate().map(|(i, n)| (n, i)).collect();
    // Numbers in a pool are latent, and the pool is their sum.
    let mut own: BTreeMap<&String, usize> = BTreeMap::new();
    let mut pools: BTreeMap<usize, Sparse> = BTreeMap::new();
    let latents = county.equations.iter().flat_map(|(_, latent)| latent.iter().map(|l| l.0 + 1)).max().unwrap_or(0);
    for table in &county.tables {
        for row in &table.rows {
            let name = label(table, row);
            let Some((name, place)) = places.get_key_value(&name) else { continue };
            if known.contains_key(name) {
                own.insert(name, *place);
            } else {
                let at = width + latents + own.len();
                own.insert(name, at);
                pools.entry(*place).or_default().insert(at, 1);
            }
        }
    }
    let mut equations: Vec<Sparse> = Vec::new();
    for (named, latent) in &county.equations {
        let mut row = Sparse::new();
        let terms = named.iter().filter_map(|(name, c)| Some((*own.get(name)?, *c)));
        for (at, c) in terms.chain(latent.iter().map(|(number, c)| (width + number, *c))) {
            let sum = (row.get(&at).copied().unwrap_or_default() + c) % PRIME;
            row.insert(at, sum);
        }
        row.retain(|_, c| *c != 0);
        equations.push(row);
    }
    for (place, mut pool) in pools {
        pool.insert(place, PRIME - 1);
        equations.push(pool);
    }
    let mut basis = Basis::new(width);
    for row in eliminate(equations, width) {
        let mut dense = vec![0; width];
        row.into_iter().for_each(|(c, x)| dense[c] = x);
        basis.insert(dense);
    }
    basis
}

/// A relation in words, as far as it is short.
fn words(v: &[u64], names: &[String]) -> String {
    let signed = |x: u64| if x > PRIME / 2 { x as i64 - PRIME as i64 } else { x as i64 };
    let terms: Vec<String> =
        v.iter().zip(names).filter(|(x, _)| **x != 0).map(|(x, n)| format!("{:+} {n}", signed(*x))).collect();
    let more = terms.len().saturating_sub(40);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("0 = {}{more}", terms.into_iter().take(40).collect::<Vec<_>>().join("  "))
}

#[test]
fn every_sum_that_holds_in_the_data_is_known_to_the_attack() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let counties: Vec<County> = [101, 202, 303].map(|seed| runtime.block_on(county(seed))).into();
    let (places, names) = places(&counties);
    let mut holds = Basis::new(names.len());
    for county in &counties {
        for row in mixed(county, &places, names.len()) {
            holds.insert(row);
        }
    }
    let relations = holds.null_space();
    // A number that is 0 in every county is alone in its relation, and a shown 0 is a true 0.
    let relations: Vec<&Vec<u64>> = relations.iter().filter(|v| v.iter().filter(|x| **x != 0).count() > 1).collect();
    let mut unknown = BTreeSet::new();
    for (i, county) in counties.iter().enumerate() {
        let mut known = said(county, &places, &names);
        // Of a number that this county does not print, nothing is said.
        let printed: BTreeSet<usize> = county
            .tables
            .iter()
            .flat_map(|t| t.rows.iter().filter_map(|r| places.get(&label(t, r)).copied()))
            .collect();
        for relation in &relations {
            let here = relation.iter().enumerate().map(|(i, x)| if printed.contains(&i) { *x } else { 0 });
            let left = known.reduce(here.collect());
            if left.iter().any(|x| *x != 0) {
                unknown.insert(format!("county {i}: {}", words(&left, &names)));
                // What follows from this one is not told again.
                known.insert(left);
            }
        }
    }
    crate::support::aloud(&format!(
        "{} numbers, {} relations, {} not known",
        names.len(),
        relations.len(),
        unknown.len()
    ));
    let told: Vec<&str> = unknown.iter().map(String::as_str).take(20).collect();
    assert!(unknown.is_empty(), "sums that no header declares (adds_to, same_as):\n{}", told.join("\n"));
    assert!(names.len() > 200 && relations.len() > 30, "{} numbers, {} relations", names.len(), relations.len());
}
