//! Person records as the holder of the key reads them. The program shows them to nobody, so tests open them through the library.

use std::path::Path;
use std::sync::Arc;

use datafusion::prelude::SessionContext;
use svp_contract::canonical_tables;
use svp_functions::{AreaBox, Areas, CodeMaps, Lookups};
use svp_lake::{Lake, Limits, Open, TableSpec};
use svp_pseudonymise::{Key, RecordSeal};

use super::Table;

/// The sealed tables of every lake, with those of superseded rows.
pub fn sealed_tables() -> Vec<TableSpec> {
    let sealed = canonical_tables().unwrap().into_iter().filter(|t| t.sealed);
    let spec = |t: &svp_contract::Table, name: &str| {
        TableSpec::new(&t.zone, name, t.stored_schema(), &["source", "slot"]).sealed(true)
    };
    sealed.flat_map(|t| [spec(&t, &t.name), spec(&t, &format!("{}_superseded", t.name))]).collect()
}

/// A session in which all tables of a lake can be asked, the sealed ones too. `key` is the text of a key.
pub async fn session_under(lake: &Path, key: &str) -> SessionContext {
    let ctx = svp_lake::session(&Limits { memory_bytes: None, threads: 2, spill_dir: None }).unwrap();
    let maps = svp_functions::bound(CodeMaps::default(), Lookups::default(), Areas::default(), AreaBox::default());
    svp_functions::register(&ctx, maps);
    let seal = RecordSeal::new(&Key::parse(key).unwrap());
    let lake = Lake::open(lake.to_str().unwrap(), &Default::default(), Open::Read).await.unwrap();
    let lake = lake.with_seal(Arc::new(seal));
    lake.register(&ctx).await.unwrap();
    lake.register_sealed(&ctx, &sealed_tables()).await.unwrap();
    ctx
}

/// Asks a lake under its key.
#[track_caller]
pub fn sql_under(lake: &Path, key: &str, query: &str) -> Table {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let ctx = session_under(lake, key).await;
        let frame = ctx.sql(query).await.unwrap();
        let schema = frame.schema().as_arrow().clone();
        let mut batches = frame.collect().await.unwrap();
        if batches.is_empty() {
            batches.push(arrow::array::RecordBatch::new_empty(Arc::new(schema)));
        }
        let mut text = Vec::new();
        let mut writer = arrow::csv::Writer::new(&mut text);
        batches.iter().for_each(|batch| writer.write(batch).unwrap());
        drop(writer);
        Table::parse(&String::from_utf8(text).unwrap())
    })
}

/// Whether a query asks for a sealed table.
pub fn asks_for_people(query: &str) -> bool {
    let mut words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.any(|word| word == "person_record" || word == "person_record_superseded")
}
