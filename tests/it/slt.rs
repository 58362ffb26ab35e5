//! Every `tests/slt/*.slt` is a test: a file that is dropped into the folder is run.

use std::path::Path;

use async_trait::async_trait;
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};
use svp_functions::{AreaBox, Areas, CodeMaps, Lookups};
use svp_lake::Limits;

struct Engine(SessionContext);

/// A session with every function, as the program makes one.
fn session() -> SessionContext {
    let limits = Limits { memory_bytes: Some(256 << 20), threads: 1, spill_dir: None };
    let ctx = svp_lake::session(&limits).unwrap();
    let bound = svp_functions::bound(CodeMaps::default(), Lookups::default(), Areas::default(), AreaBox::default());
    svp_functions::register(&ctx, bound);
    ctx
}

#[async_trait]
impl AsyncDB for Engine {
    type Error = DataFusionError;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, DataFusionError> {
        let batches = self.0.sql(sql).await?.collect().await?;
        let mut rows = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                let cell = |column: &arrow::array::ArrayRef| {
                    if column.is_null(row) {
                        return "NULL".to_owned();
                    }
                    let text = array_value_to_string(column, row).unwrap();
                    if text.is_empty() { "(empty)".to_owned() } else { text }
                };
                rows.push(batch.columns().iter().map(cell).collect());
            }
        }
        let columns = batches.first().map_or(0, |b| b.num_columns());
        Ok(DBOutput::Rows { types: vec![DefaultColumnType::Any; columns], rows })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "local"
    }
}

#[tokio::test]
async fn every_file_of_the_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("slt");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "slt"));
    files.sort();
    assert!(!files.is_empty(), "{} holds no .slt file", folder.display());
    let mut wrong = Vec::new();
    for file in &files {
        let mut runner = Runner::new(|| async { Ok(Engine(session())) });
        if let Err(error) = runner.run_file_async(file).await {
            wrong.push(format!("{}: {error}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} files:\n{}", wrong.len(), files.len(), wrong.join("\n"));
}

/// Every function is called in some file, so that a new one is not forgotten.
#[test]
fn every_function_is_in_a_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("slt");
    let text: String =
        std::fs::read_dir(folder).unwrap().map(|e| std::fs::read_to_string(e.unwrap().path()).unwrap()).collect();
    let missing: Vec<String> = svp_functions::register_list()
        .iter()
        .map(|f| f.name().to_owned())
        .chain(svp_functions::window_list().iter().map(|f| f.name().to_owned()))
        .filter(|name| !text.contains(&format!("{name}(")))
        .collect();
    assert!(missing.is_empty(), "no .slt file calls {}", missing.join(", "));
}
