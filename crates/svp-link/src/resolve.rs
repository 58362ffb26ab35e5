//! From encoded records to weighted pairs and groups: the steps in their order.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type, Schema, SchemaRef, UInt32Type, UInt64Type};
use datafusion::prelude::SessionContext;
use svp_contract::Linkage;

use crate::LinkError;
use crate::blocking::{self, RuleCost, Rules, mix};
use crate::blocks::{Blocks, Keys, Note};
use crate::cluster::{self, Edge, Terms};
use crate::comparison::Cuts;
use crate::functions;
use crate::intake;
use crate::model::{Model, probability};
use crate::steps::{Steps, numbers};
use crate::store::Store;

/// Pairs that are held in memory at once; more are worked through in parts.
pub const PAIRS_AT_ONCE: u64 = 8_000_000;

/// What the linkage is to go by.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The definition.
    pub linkage: &'a Linkage,
    /// Sources that promise to have each person once.
    pub once: &'a BTreeSet<String>,
    /// The model of an earlier run; learned anew where there is none.
    pub model: Option<&'a Model>,
    /// Pairs held in memory at once.
    pub pairs_at_once: u64,
    /// Called with the name of each part as it begins.
    pub on_step: &'a (dyn Fn(&str) + Sync),
}

/// A record of a person: one id of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Keyed id.
    pub id: String,
    /// Source.
    pub source: String,
    /// Kind of agency.
    pub agency: String,
    /// Digest of all that is known of it; 0 when nothing is.
    pub mark: u64,
    /// First row, and how many.
    pub rows: (u32, u32),
}

/// What an earlier run said of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Key of its person.
    pub key: String,
    /// Digest of all that was known of it.
    pub mark: u64,
    /// How it was linked.
    pub linked_by: String,
}

/// What an earlier run said, by the id of the record.
pub type Known = HashMap<String, Judged>;

/// What was found.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// Records in the order of their ids.
    pub records: Vec<Record>,
    /// The group of each record: the number of its first record.
    pub group: Vec<u32>,
    /// Best weight of a record with another of its group, bits.
    pub best: Vec<f32>,
    /// Pairs of records with their weight, bits; a < b, sorted.
    pub pairs: Vec<(u32, u32, f32)>,
    /// The rows.
    pub(crate) store: Option<Arc<Store>>,
    /// The model.
    pub model: Arc<Model>,
    /// What each rule cost.
    pub rules: Vec<RuleCost>,
    /// Distinct candidate pairs of rows.
    pub candidates: u64,
    /// Pairs of records that could be one person.
    pub total: f64,
    /// Whether the model was learned in this run, and all records judged anew.
    pub learned: bool,
    /// Records that an earlier run judged, and that were left as they are.
    pub settled: Vec<bool>,
    /// Records about which nothing is known; they are linked to none.
    pub empty: u64,
    /// Numbers under which too many people stand for them to be anybody's.
    pub shared_numbers: u64,
    /// Joins that the promise of a source forbade.
    pub forbidden: u64,
    /// Records of a promised source that share a strong key with another of it, by source.
    pub broken_promises: BTreeMap<String, u64>,
}

fn schema(fields: &[(&str, DataType)]) -> SchemaRef {
    Arc::new(Schema::new(fields.iter().map(|(n, t)| Field::new(*n, t.clone(), true)).collect::<Vec<_>>()))
}

pub(crate) fn batch(
    fields: &[(&str, DataType)],
    columns: Vec<ArrayRef>,
) -> Result<(SchemaRef, Vec<Vec<RecordBatch>>), LinkError> {
    let schema = schema(fields);
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    Ok((schema, vec![vec![batch]]))
}

/// The people of `ctx`, which has `person_record` registered. `known` says which records an earlier run has judged, with
/// their person and mark: of those only the ones that changed are judged again, and all others stay together.
///
/// # Errors
/// When a step fails or a rule is not known.
pub async fn resolve(ctx: &SessionContext, options: Options<'_>, known: &Known) -> Result<Resolved, LinkError> {
    let linkage = options.linkage;
    functions::register(ctx, &Rules::new(linkage)?);
    let steps = Steps::new(ctx, options.on_step);

    steps.begin("read");
    intake::source(ctx).await?;
    steps.table("01_records", "link_record").await?;
    let shared_numbers = intake::shared_numbers(&steps, linkage).await?;
    steps.begin("rows");
    steps.table("02_several", "link_several").await?;
    steps.table("03_rows", "link_row").await?;
    steps.forget("link_record")?;
    let (records, person_of_row) = records(ctx).await?;
    let promised: BTreeMap<&str, u32> = options.once.iter().map(String::as_str).zip(1..).collect();
    let only: Vec<Option<u32>> = records.iter().map(|r| promised.get(r.source.as_str()).copied()).collect();
    let mut settled: Vec<bool> = records.iter().map(|r| known.get(&r.id).is_some_and(|j| j.mark == r.mark)).collect();
    let fresh = settled.iter().filter(|s| !**s).count() as f64;
    let incremental = options.model.is_some() && fresh <= linkage.model.relearn_share * records.len() as f64;
    if !incremental {
        settled.fill(false);
    }
    steps.begin("values");
    steps.table("04_counts", "link_count").await?;
    let store = store(ctx).await?;
    let present = store.present();
    functions::register_agreement(ctx, &store, Cuts::new(linkage));

    steps.begin("block");
    let notes = person_of_row.iter().map(|person| {
        let record = *person as usize;
        Note { person: *person, only: only[record].unwrap_or_default(), fresh: !settled[record] }
    });
    let (rules, blocks) = block(&steps, linkage, notes.collect()).await?;
    functions::register_proposed(ctx, &blocks);
    let broken_promises = broken(ctx, &records, &person_of_row, &only).await?;
    // What is compared is in the store.
    steps.forget("link_row")?;
    steps.forget("link_count")?;
    let parts = blocks.parts(options.pairs_at_once);
    let proposals: u64 = parts.iter().map(|(_, pairs)| pairs).sum();

    let total = comparable(&records, &only);
    let mut learned = None;
    let mut kept: Vec<(u32, u32, f32)> = Vec::new();
    let mut candidates = 0;
    for (rows, pairs) in parts {
        steps.begin("pairs");
        let (schema, batches) =
            batch(&[("row", DataType::UInt32)], vec![Arc::new(UInt32Array::from_iter_values(rows))])?;
        steps.put("06_pairs", "link_part", schema, steps.spread(batches.into_iter().flatten()))?;
        steps.table("06_pairs", "link_pair").await?;
        steps.begin("compare");
        steps.table("07_agreement", "link_agreement").await?;
        if learned.is_none() {
            // The first part stands for all: rows are in the order of keyed ids, which is as good as at random.
            steps.begin("learn");
            let model = match options.model.filter(|_| incremental) {
                Some(model) => Model { present, ..model.clone() },
                None => {
                    let mut seen = patterns(&steps).await?;
                    let times = proposals as f64 / pairs.max(1) as f64;
                    seen.iter_mut().for_each(|(_, n)| *n *= times);
                    let random = random_patterns(&steps, linkage, &person_of_row, &only).await?;
                    Model::learn(
                        linkage,
                        &seen,
                        &random,
                        total,
                        records.len() as f64,
                        possible(&records, &only),
                        present,
                    )
                }
            };
            let model = Arc::new(model);
            functions::register_weight(ctx, &store, &model);
            learned = Some(model);
        }
        steps.begin("weigh");
        let (_, weighed) = steps.run("09_weights").await?;
        candidates += keep(&weighed, &person_of_row, &mut kept);
    }
    let Some(model) = learned else { return Err(LinkError::Missing("model")) };

    steps.begin("group");
    // The best pair of rows speaks for two records.
    kept.sort_unstable_by(|x, y| {
        let pair = |e: &(u32, u32, f32)| u64::from(e.0) << 32 | u64::from(e.1);
        pair(x).cmp(&pair(y)).then_with(|| y.2.total_cmp(&x.2))
    });
    kept.dedup_by_key(|e| (e.0, e.1));
    let (group, forbidden) = groups(linkage, &records, &only, &settled, known, &kept);
    let mut best = vec![f32::NEG_INFINITY; records.len()];
    for (a, b, w) in &kept {
        if group[*a as usize] == group[*b as usize] {
            best[*a as usize] = best[*a as usize].max(*w);
            best[*b as usize] = best[*b as usize].max(*w);
        }
    }
    let empty = records.iter().filter(|r| r.mark == 0).count() as u64;
    Ok(Resolved {
        records,
        group,
        best,
        pairs: kept,
        store: Some(store),
        model,
        rules,
        candidates,
        total,
        learned: !incremental,
        settled,
        empty,
        shared_numbers,
        forbidden,
        broken_promises,
    })
}

impl Resolved {
    /// Frees the tables of the steps.
    ///
    /// # Errors
    /// When the session refuses.
    pub fn release(&self, ctx: &SessionContext) -> Result<(), LinkError> {
        Steps::new(ctx, &|_| ()).forget_all()
    }

    /// Expected share of the pairs above the threshold that are one person, and expected share of all such pairs that are
    /// above it (among the candidates): what can be said of precision and recall without labels.
    #[must_use]
    pub fn expected(&self, threshold: f64) -> (f64, f64) {
        let (mut above, mut right, mut all) = (0.0, 0.0, 0.0);
        for (.., w) in &self.pairs {
            let p = probability(f64::from(*w));
            all += p;
            if f64::from(*w) > threshold {
                above += 1.0;
                right += p;
            }
        }
        (if above > 0.0 { right / above } else { 1.0 }, if all > 0.0 { right / all } else { 1.0 })
    }
}

async fn records(ctx: &SessionContext) -> Result<(Vec<Record>, Vec<u32>), LinkError> {
    let step = |source| LinkError::Step { step: "03_rows", source };
    let frame = ctx.table("link_row").await.map_err(step)?;
    let frame = frame.select_columns(&["row", "person_record_id", "source", "agency", "mark", "sex"]).map_err(step)?;
    let batches = in_order(frame.collect().await.map_err(step)?);
    let mut out: Vec<Record> = Vec::new();
    let mut person_of_row = Vec::new();
    for batch in &batches {
        let text = |i: usize| batch.column(i).as_string::<i32>();
        let (ids, sources, agencies) = (text(1), text(2), text(3));
        let marks = batch.column(4).as_primitive::<UInt64Type>();
        let sexes = batch.column(5).as_primitive::<UInt64Type>();
        for i in 0..batch.num_rows() {
            let row = person_of_row.len() as u32;
            if out.last().is_none_or(|r| r.id != ids.value(i)) {
                out.push(Record {
                    id: ids.value(i).to_owned(),
                    source: sources.value(i).to_owned(),
                    agency: agencies.value(i).to_owned(),
                    mark: 0,
                    rows: (row, 0),
                });
            }
            if let Some(record) = out.last_mut() {
                record.rows.1 += 1;
                let sex = if sexes.is_null(i) { 0 } else { sexes.value(i) };
                if marks.value(i) != 0 {
                    record.mark = mix(record.mark, mix(marks.value(i), sex));
                }
            }
            person_of_row.push(out.len() as u32 - 1);
        }
    }
    Ok((out, person_of_row))
}

/// The rows as the functions that judge pairs hold them.
async fn store(ctx: &SessionContext) -> Result<Arc<Store>, LinkError> {
    let step = |source| LinkError::Step { step: "04_counts", source };
    let frame = ctx.table("link_row").await.map_err(step)?;
    let schema = SchemaRef::new(frame.schema().as_arrow().clone());
    let rows = in_order(frame.collect().await.map_err(step)?);
    let counts = ctx.table("link_count").await.map_err(step)?.collect().await.map_err(step)?;
    Ok(Arc::new(Store::new(&schema, &rows, &counts)?))
}

/// One ordered stream of rows was kept; its batches in the order of their rows, whatever the engine did.
fn in_order(mut batches: Vec<RecordBatch>) -> Vec<RecordBatch> {
    batches.retain(|b| b.num_rows() > 0);
    batches.sort_by_key(|b| b.column(0).as_primitive::<UInt32Type>().value(0));
    batches
}

/// Keys, their blocks, and the cap of each rule.
async fn block(
    steps: &Steps<'_>,
    linkage: &Linkage,
    notes: Vec<Note>,
) -> Result<(Vec<RuleCost>, Arc<Blocks>), LinkError> {
    let (_, parts) = steps.run("05_keys").await?;
    let keys = Keys::new(&parts.into_iter().flatten().collect::<Vec<_>>());
    // A few records may always be compared all with all.
    let budget = (linkage.blocking.pairs_per_record * notes.len() as u64).max(10_000);
    let costs: Vec<RuleCost> = linkage
        .blocks
        .iter()
        .zip(&keys.sizes(linkage.blocks.len()))
        .map(|(b, sizes)| blocking::cost(b.name(), sizes, budget, linkage.blocking.largest_block))
        .collect();
    let blocks = Blocks::new(&keys, &costs, notes);
    Ok((costs, Arc::new(blocks)))
}

/// The distinct patterns in their order, with how many pairs have each.
async fn patterns(steps: &Steps<'_>) -> Result<Vec<(u64, f64)>, LinkError> {
    let (_, parts) = steps.run("08_patterns").await?;
    let pairs = numbers::<Int64Type>(&parts, 1).into_iter().map(|n| n as f64);
    let mut seen: Vec<(u64, f64)> = numbers::<UInt64Type>(&parts, 0).into_iter().zip(pairs).collect();
    seen.sort_unstable_by_key(|(pattern, _)| *pattern);
    Ok(seen)
}

/// Patterns of pairs drawn at random, by a fixed generator so that the same records give the same model.
async fn random_patterns(
    steps: &Steps<'_>,
    linkage: &Linkage,
    person_of_row: &[u32],
    only: &[Option<u32>],
) -> Result<Vec<(u64, f64)>, LinkError> {
    let n = person_of_row.len() as u64;
    let wanted = linkage.model.random_pairs.min((n * n.saturating_sub(1)) as usize);
    let mut pairs: Vec<u64> = Vec::with_capacity(wanted);
    let mut state = 0x5356_5020_6c69_6e6b_u64;
    for draw in 0..(wanted as u64 * 2) {
        if pairs.len() == wanted {
            break;
        }
        state = mix(state, draw + 1);
        let (a, b) = (((state >> 32) * n) >> 32, ((state & 0xffff_ffff) * n) >> 32);
        let (p, q) = (person_of_row[a as usize] as usize, person_of_row[b as usize] as usize);
        if p != q && (only[p].is_none() || only[p] != only[q]) {
            pairs.push(a << 32 | b);
        }
    }
    let column: ArrayRef = Arc::new(UInt64Array::from(by_first(&pairs, person_of_row.len())));
    let (schema, batches) = batch(&[("pair", DataType::UInt64)], vec![column])?;
    steps.put("07_agreement", "link_pair", schema, steps.spread(batches.into_iter().flatten()))?;
    let (_, agreement) = steps.run("07_agreement").await?;
    Ok(numbers::<UInt64Type>(&agreement, 1).into_iter().map(|pattern| (pattern, 1.0)).collect())
}

/// The pairs in the order of their first rows, so that each of these is looked up once and not from anywhere in memory.
fn by_first(pairs: &[u64], rows: usize) -> Vec<u64> {
    let first = |pair: u64| (pair >> 32) as usize;
    let mut next = vec![0usize; rows + 1];
    pairs.iter().for_each(|pair| next[first(*pair) + 1] += 1);
    for i in 1..next.len() {
        next[i] += next[i - 1];
    }
    let mut out = vec![0u64; pairs.len()];
    for pair in pairs {
        let place = &mut next[first(*pair)];
        out[*place] = *pair;
        *place += 1;
    }
    out
}

/// Adds weighed pairs of rows as pairs of records; how many there were.
fn keep(parts: &[Vec<RecordBatch>], person_of_row: &[u32], kept: &mut Vec<(u32, u32, f32)>) -> u64 {
    let mut seen = 0;
    // Batches in the order of their rows, so that there is little left to sort.
    let mut batches: Vec<&RecordBatch> = parts.iter().flatten().filter(|b| b.num_rows() > 0).collect();
    batches.sort_by_key(|b| b.column(0).as_primitive::<UInt64Type>().value(0));
    for batch in batches {
        let pairs = batch.column(0).as_primitive::<UInt64Type>();
        let weights = batch.column(1).as_primitive::<Float32Type>();
        seen += batch.num_rows() as u64;
        kept.extend(pairs.values().iter().zip(weights.values()).map(|(pair, w)| {
            let (a, b) = (person_of_row[(pair >> 32) as usize], person_of_row[*pair as u32 as usize]);
            (a.min(b), a.max(b), *w)
        }));
    }
    seen
}

/// Number of pairs of records that could be one person.
fn comparable(records: &[Record], only: &[Option<u32>]) -> f64 {
    let pairs = |n: f64| n * (n - 1.0) / 2.0;
    let mut of_source: BTreeMap<u32, f64> = BTreeMap::new();
    only.iter().flatten().for_each(|s| *of_source.entry(*s).or_default() += 1.0);
    pairs(records.len() as f64) - of_source.values().map(|n| pairs(*n)).sum::<f64>()
}

/// The largest number of pairs of one person, where every source promised each person once; else `None`.
fn possible(records: &[Record], only: &[Option<u32>]) -> Option<f64> {
    if records.is_empty() || only.iter().any(Option::is_none) {
        return None;
    }
    let mut sizes: BTreeMap<u32, f64> = BTreeMap::new();
    only.iter().flatten().for_each(|s| *sizes.entry(*s).or_default() += 1.0);
    let sizes: Vec<f64> = sizes.into_values().collect();
    let pairs = sizes.iter().enumerate().flat_map(|(i, a)| sizes[i + 1..].iter().map(move |b| a.min(*b)));
    Some(pairs.sum())
}

/// Groups the records; those of one settled person are one node.
fn groups(
    linkage: &Linkage,
    records: &[Record],
    only: &[Option<u32>],
    settled: &[bool],
    known: &Known,
    pairs: &[(u32, u32, f32)],
) -> (Vec<u32>, u64) {
    let mut node_of: Vec<u32> = Vec::with_capacity(records.len());
    let mut person: HashMap<&str, u32> = HashMap::new();
    let (mut size, mut sources): (Vec<u32>, Vec<Vec<u32>>) = (Vec::new(), Vec::new());
    for (i, record) in records.iter().enumerate() {
        let fresh = size.len() as u32;
        let node = match known.get(&record.id) {
            Some(judged) if settled[i] => *person.entry(judged.key.as_str()).or_insert(fresh),
            _ => fresh,
        };
        if node == fresh {
            size.push(0);
            sources.push(Vec::new());
        }
        size[node as usize] += 1;
        sources[node as usize].extend(only[i]);
        node_of.push(node);
    }
    let cut = |w: f32| f64::from(w).clamp(linkage.threshold.least, linkage.threshold.most);
    let mut edges: Vec<Edge> = Vec::with_capacity(pairs.len());
    edges.extend(
        pairs
            .iter()
            .map(|(a, b, w)| (node_of[*a as usize], node_of[*b as usize], *w))
            .filter(|(a, b, _)| a != b)
            .map(|(a, b, w)| Edge { a: a.min(b), b: a.max(b), sum: cut(w), seen: 1 }),
    );
    if size.len() < records.len() {
        edges.sort_by_key(|e| (e.a, e.b));
        edges.dedup_by(|next, first| {
            let same = (next.a, next.b) == (first.a, first.b);
            if same {
                first.sum += next.sum;
                first.seen += next.seen;
            }
            same
        });
    }
    let p = linkage.threshold.probability;
    let terms = Terms { threshold: (p / (1.0 - p)).log2(), unproposed: linkage.threshold.unproposed };
    let (group, forbidden) = cluster::average(size.len(), &edges, &size, sources, terms);
    let mut first: Vec<u32> = vec![u32::MAX; size.len()];
    for (i, node) in node_of.iter().enumerate() {
        let group = group[*node as usize] as usize;
        first[group] = first[group].min(i as u32);
    }
    (node_of.iter().map(|node| first[group[*node as usize] as usize]).collect(), forbidden)
}

/// Records of a source that promised each person once, and yet share a national number, or name and date of birth, with
/// another record of it.
async fn broken(
    ctx: &SessionContext,
    records: &[Record],
    person_of_row: &[u32],
    only: &[Option<u32>],
) -> Result<BTreeMap<String, u64>, LinkError> {
    let mut out = BTreeMap::new();
    if only.iter().all(Option::is_none) {
        return Ok(out);
    }
    let step = |source| LinkError::Step { step: "03_rows", source };
    let frame = ctx.table("link_row").await.map_err(step)?;
    let batches = frame.select_columns(&["row", "nhs", "upn", "key_1"]).map_err(step)?.collect().await.map_err(step)?;
    let mut holders: HashMap<(u32, usize, u64), BTreeSet<u32>> = HashMap::new();
    for batch in &batches {
        let rows = batch.column(0).as_primitive::<UInt32Type>();
        for column in 1..4 {
            let tokens = batch.column(column).as_primitive::<UInt64Type>();
            for i in (0..batch.num_rows()).filter(|i| !tokens.is_null(*i)) {
                let person = person_of_row[rows.value(i) as usize];
                if let Some(source) = only[person as usize] {
                    holders.entry((source, column, tokens.value(i))).or_default().insert(person);
                }
            }
        }
    }
    let doubled: BTreeSet<u32> = holders.into_values().filter(|people| people.len() > 1).flatten().collect();
    for person in doubled {
        *out.entry(records[person as usize].source.clone()).or_default() += 1;
    }
    Ok(out)
}
