//! Links all person records of a lake and writes who is who into it: what [`Linker`] finds, and the keys of the people.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::prelude::SessionContext;
use serde::{Deserialize, Serialize};
use svp_contract::Linkage;
use svp_lake::RunTxn;
use svp_lake::input::digest_bytes;

use crate::LinkError;
use crate::blocking::RuleCost;
use crate::group::linked_by;
use crate::linked::{Linked, PreviousLink, PreviousLinks};
use crate::linker::Linker;
use crate::model::Model;
use crate::people::{self, Assigned, Gone};

/// A model as it is kept between runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Saved {
    /// Digest of the definition that it was learned under.
    pub definition: String,
    /// Run in which it was learned.
    pub run: u64,
    /// The model.
    pub model: Model,
}

/// What the run wants of the linkage.
#[derive(Clone, Copy)]
pub struct LinkRequest<'a> {
    /// The definition.
    pub linkage: &'a Linkage,
    /// Digest of the definition's text.
    pub definition: &'a str,
    /// Sources that promise to have each person once.
    pub deduplicated: &'a BTreeSet<String>,
    /// The model of an earlier run.
    pub saved: Option<&'a Saved>,
    /// Scorer all records again.
    pub relink: bool,
    /// Called with the name of each part as it begins.
    pub on_step: &'a (dyn Fn(&str) + Sync),
}

/// What the linkage did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LinkReport {
    /// Person records.
    pub records: u64,
    /// People.
    pub people: u64,
    /// People with records of more than one agency.
    pub people_of_several_agencies: u64,
    /// Records by how they were linked.
    pub linked_by: BTreeMap<String, u64>,
    /// Records about which nothing is known.
    pub empty: u64,
    /// Numbers under which too many people stand for them to be anybody's.
    pub shared_numbers: u64,
    /// Whether all records were judged, or only new ones.
    pub all_judged: bool,
    /// Whether there was a model, and it was learned under another definition.
    pub other_definition: bool,
    /// Candidate pairs.
    pub candidates: u64,
    /// What each rule cost.
    pub rules: Vec<RuleCost>,
    /// Expected precision and recall of the pairs at the threshold.
    pub expected: (f64, f64),
    /// What they are shares of: pairs above the threshold, expected pairs of one person among the candidates.
    pub expected_of: (f64, f64),
    /// People that are new, merged into others, split, ended.
    pub born: u64,
    /// People merged into others.
    pub merged: u64,
    /// Pieces split off.
    pub split: u64,
    /// People without a record.
    pub ended: u64,
    /// Records of a deduplicated source that share a strong key with another of it, by source.
    pub unexpected_duplicates: BTreeMap<String, u64>,
}

/// Arrow schema of `linked/person_link`.
#[must_use]
pub fn link_schema() -> SchemaRef {
    let text = |n: &str| Field::new(n, DataType::Utf8, true);
    Arc::new(Schema::new(vec![
        text("person_record_id"),
        text("source"),
        text("agency"),
        text("person_key"),
        text("linked_by"),
        Field::new("mark", DataType::Int64, true),
    ]))
}

/// The columns of `linked/person_link` that are digests under the key: of the encodings of a person record.
pub const LINK_DIGESTS: [&str; 1] = ["mark"];

/// Arrow schema of `linked/person_history`: what happened to people, and why.
#[must_use]
pub fn history_schema() -> SchemaRef {
    let text = |n: &str| Field::new(n, DataType::Utf8, true);
    let number = |n: &str| Field::new(n, DataType::Int64, true);
    Arc::new(Schema::new(vec![
        number("run"),
        text("event"),
        text("person_key"),
        text("other_key"),
        number("records"),
        text("reason"),
    ]))
}

/// Arrow schema of `linked/person_gone`: records that no source holds any longer, and the person that each was of.
#[must_use]
pub fn gone_schema() -> SchemaRef {
    let text = |n: &str| Field::new(n, DataType::Utf8, true);
    Arc::new(Schema::new(vec![text("person_record_id"), text("person_key")]))
}

/// Links all person records and writes `linked/person_link` and `linked/person_history` into the transaction. `ctx` has
/// `person_record` registered, and `person_link` as the last run left it.
///
/// # Errors
/// When a step fails or the lake refuses.
pub async fn link(
    ctx: &SessionContext,
    txn: &RunTxn,
    request: LinkRequest<'_>,
) -> Result<(LinkReport, Saved), LinkError> {
    let known = known(ctx).await?;
    let same = |saved: &&Saved| saved.definition == request.definition;
    let saved = request.saved.filter(|s| !request.relink && same(s));
    let linker = Linker::new(request.linkage)
        .deduplicated_within_source(request.deduplicated)
        .close_pairs_only()
        .on_step(request.on_step);
    let found = linker.since(&known, saved.map(|s| &s.model)).fit_table(ctx).await?;
    let run = txn.number();
    let mint = |id: &str| digest_bytes(format!("svp person {run} {id}").as_bytes()).chars().take(32).collect();
    let before = gone(ctx).await?;
    let assigned = people::assign(&found, &known, &before, mint);
    let linked_by = linked_by(&found, &known);
    let mut report = report(&found, &assigned, &linked_by);
    report.other_definition = !request.relink && !request.saved.is_none_or(|s| same(&s));
    let now = people::gone_now(&found, &known, before.clone());
    if now != before {
        write_gone(txn, &now).await?;
    }
    write(txn, &found, &assigned, &linked_by).await?;
    txn.register(ctx).await?;
    let saved = match saved.filter(|_| !found.learned) {
        Some(saved) => saved.clone(),
        None => Saved { definition: request.definition.to_owned(), run, model: found.model.clone() },
    };
    Ok((report, saved))
}

/// Who is who after the last run.
async fn known(ctx: &SessionContext) -> Result<PreviousLinks, LinkError> {
    let step = |source| LinkError::Step { step: "person_link", source };
    let mut known = PreviousLinks::new();
    let Ok(frame) = ctx.table("person_link").await else { return Ok(known) };
    let frame = frame.select_columns(&["person_record_id", "person_key", "linked_by", "mark"]).map_err(step)?;
    for batch in frame.collect().await.map_err(step)? {
        let text = |i: usize| batch.column(i).as_string::<i32>();
        let marks = batch.column(3).as_primitive::<Int64Type>();
        for i in 0..batch.num_rows() {
            let judged = PreviousLink {
                key: text(1).value(i).to_owned(),
                content_digest: if marks.is_null(i) { 0 } else { marks.value(i) as u64 },
                linked_by: text(2).value(i).to_owned(),
            };
            known.insert(text(0).value(i).to_owned(), judged);
        }
    }
    Ok(known)
}

/// The records that went, with their people.
async fn gone(ctx: &SessionContext) -> Result<Gone, LinkError> {
    let step = |source| LinkError::Step { step: "person_gone", source };
    let Ok(frame) = ctx.table("person_gone").await else { return Ok(Gone::new()) };
    let frame = frame.select_columns(&["person_record_id", "person_key"]).map_err(step)?;
    let batches = frame.collect().await.map_err(step)?;
    let pairs = batches.iter().flat_map(|b| b.column(0).as_string::<i32>().iter().zip(b.column(1).as_string::<i32>()));
    Ok(pairs.filter_map(|(id, key)| Some((id?.to_owned(), key?.to_owned()))).collect())
}

async fn write_gone(txn: &RunTxn, gone: &Gone) -> Result<(), LinkError> {
    txn.replace_table("linked", "person_gone")?;
    if gone.is_empty() {
        return Ok(());
    }
    let mut part = txn.part("linked", "person_gone", &[], "gone")?;
    let ids = Arc::new(StringArray::from_iter_values(gone.keys())) as ArrayRef;
    let keys = Arc::new(StringArray::from_iter_values(gone.values())) as ArrayRef;
    part.write(&RecordBatch::try_new(gone_schema(), vec![ids, keys])?).await?;
    Ok(txn.append(part.finish().await?)?)
}

fn report(found: &Linked, assigned: &Assigned, linked_by: &[String]) -> LinkReport {
    let mut agencies: HashMap<u32, BTreeSet<&str>> = HashMap::new();
    for (record, group) in found.records.iter().zip(&found.group) {
        agencies.entry(*group).or_default().insert(&record.agency);
    }
    let mut by: BTreeMap<String, u64> = BTreeMap::new();
    linked_by.iter().for_each(|how| *by.entry(how.clone()).or_default() += 1);
    let events = |event: &str| assigned.changes.iter().filter(|c| c.event == event).count() as u64;
    LinkReport {
        records: found.records.len() as u64,
        people: agencies.len() as u64,
        people_of_several_agencies: agencies.values().filter(|a| a.len() > 1).count() as u64,
        linked_by: by,
        empty: found.empty,
        shared_numbers: found.shared_numbers,
        all_judged: found.learned,
        other_definition: false,
        candidates: found.candidates,
        rules: found.rules.clone(),
        expected: found.expected(),
        expected_of: found.expected_of(),
        born: assigned.born,
        merged: events("merged"),
        split: events("split"),
        ended: events("ended"),
        unexpected_duplicates: found.unexpected_duplicates.clone(),
    }
}

async fn write(txn: &RunTxn, found: &Linked, assigned: &Assigned, linked_by: &[String]) -> Result<(), LinkError> {
    txn.replace_table("linked", "person_link")?;
    let mut part = txn.part("linked", "person_link", &[], "links")?;
    let text = |values: Vec<&str>| Arc::new(StringArray::from_iter_values(values)) as ArrayRef;
    for start in (0..found.records.len()).step_by(65_536) {
        let range = start..(start + 65_536).min(found.records.len());
        let records = &found.records[range.clone()];
        let key = |i: usize| assigned.keys.get(&found.group[i]).map_or("", String::as_str);
        let marks = Int64Array::from_iter_values(records.iter().map(|r| r.content_digest as i64));
        let columns = vec![
            text(records.iter().map(|r| r.id.as_str()).collect()),
            text(records.iter().map(|r| r.source.as_str()).collect()),
            text(records.iter().map(|r| r.agency.as_str()).collect()),
            text(range.clone().map(key).collect()),
            text(range.map(|i| linked_by[i].as_str()).collect()),
            Arc::new(marks) as ArrayRef,
        ];
        part.write(&RecordBatch::try_new(link_schema(), columns)?).await?;
    }
    txn.append(part.finish().await?)?;
    if !assigned.changes.is_empty() {
        let changes = &assigned.changes;
        let run = txn.number() as i64;
        let columns = vec![
            Arc::new(Int64Array::from_iter_values(changes.iter().map(|_| run))) as ArrayRef,
            text(changes.iter().map(|c| c.event).collect()),
            text(changes.iter().map(|c| c.person_key.as_str()).collect()),
            Arc::new(changes.iter().map(|c| c.other_key.as_deref()).collect::<StringArray>()),
            Arc::new(Int64Array::from_iter_values(changes.iter().map(|c| c.records as i64))),
            text(changes.iter().map(|c| c.reason).collect()),
        ];
        let mut part = txn.part("linked", "person_history", &[], "changes")?;
        part.write(&RecordBatch::try_new(history_schema(), columns)?).await?;
        txn.append(part.finish().await?)?;
    }
    txn.commit_tables().await?;
    Ok(())
}
