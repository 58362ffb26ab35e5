//! The Delta log of one table: open, create, commit, take back. Data files are written elsewhere.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake_core::kernel::{Action, Add, EagerSnapshot, MetadataExt, Remove, StructType};
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::protocol::{DeltaOperation, SaveMode};
use deltalake_core::{DeltaTable, DeltaTableError};
use object_store::path::Path;
use object_store::prefix::PrefixStore;

use crate::error::{LakeError, Result};
use crate::location::Location;
use crate::schema::TableSpec;

/// The log of one table.
#[derive(Clone)]
pub(crate) struct TableLog {
    /// `zone/name`
    pub key: String,
    store: LogStoreRef,
}

impl TableLog {
    /// Names the log of a table; touches nothing.
    pub fn new(location: &Location, key: &str) -> Self {
        let segments: Vec<&str> = key.split('/').collect();
        let url = location.child(&segments);
        let path = Path::from_iter(location.prefix.parts().chain(Path::from(key).parts()));
        let prefixed = Arc::new(PrefixStore::new(Arc::clone(&location.root), path));
        let root = Arc::clone(&location.root);
        let store = default_logstore(prefixed, root, &url, &StorageConfig::default());
        Self { key: key.to_string(), store }
    }

    fn failed(&self, source: DeltaTableError) -> LakeError {
        let conflict = match &source {
            DeltaTableError::VersionAlreadyExists(_) => true,
            DeltaTableError::Transaction { source } => matches!(
                source,
                TransactionError::VersionAlreadyExists(_)
                    | TransactionError::MaxCommitAttempts(_)
                    | TransactionError::CommitConflict(_)
            ),
            _ => false,
        };
        if conflict {
            return LakeError::Conflict { number: 0, path: self.key.clone() };
        }
        LakeError::table(&self.key, source)
    }

    /// The table at a version, or at its newest one.
    pub async fn open(&self, version: Option<i64>) -> Result<EagerSnapshot> {
        let version = version.map(|v| u64::try_from(v).unwrap_or_default());
        EagerSnapshot::try_new(self.store.as_ref(), version).await.map_err(|e| self.failed(e))
    }

    /// Makes the table with its first files: one commit, version 0.
    pub async fn create(&self, spec: &TableSpec, adds: Vec<Add>) -> Result<EagerSnapshot> {
        let schema = self.kernel_schema(&spec.log_schema())?;
        let fields: Vec<_> = schema.fields().cloned().collect();
        let table = DeltaTable::new(Arc::clone(&self.store))
            .create()
            .with_table_name(spec.name.clone())
            .with_columns(fields)
            .with_partition_columns(spec.partition.clone())
            .with_actions(adds.into_iter().map(Action::Add))
            .await
            .map_err(|e| self.failed(e))?;
        Ok(table.snapshot().map_err(|e| self.failed(e))?.snapshot().clone())
    }

    /// One commit on top of `base`. Fails with a conflict if anybody else committed.
    pub async fn commit(&self, base: &EagerSnapshot, change: Change) -> Result<EagerSnapshot> {
        let mode = if change.removes.is_empty() { SaveMode::Append } else { SaveMode::Overwrite };
        let mut actions = Vec::new();
        if let Some(schema) = &change.schema {
            let schema = self.kernel_schema(schema)?;
            let metadata = base.metadata().clone().with_schema(&schema);
            actions.push(Action::Metadata(metadata.map_err(|e| self.failed(DeltaTableError::from(e)))?));
        }
        actions.extend(change.removes.into_iter().map(Action::Remove));
        actions.extend(change.adds.into_iter().map(Action::Add));
        let operation = DeltaOperation::Write { mode, partition_by: None, predicate: None };
        let done = CommitBuilder::from(properties())
            .with_actions(actions)
            .with_max_retries(0)
            .build(Some(base), Arc::clone(&self.store), operation)
            .await
            .map_err(|e| self.failed(e))?;
        Ok(done.snapshot().snapshot().clone())
    }

    /// A new version with the content of an older one.
    pub async fn restore(&self, version: i64) -> Result<EagerSnapshot> {
        let version = u64::try_from(version).unwrap_or_default();
        let (table, _) = DeltaTable::new(Arc::clone(&self.store))
            .restore()
            .with_version_to_restore(version)
            .with_commit_properties(properties())
            .await
            .map_err(|e| self.failed(e))?;
        Ok(table.snapshot().map_err(|e| self.failed(e))?.snapshot().clone())
    }

    fn kernel_schema(&self, schema: &Schema) -> Result<StructType> {
        schema.try_into_kernel().map_err(|source| self.failed(DeltaTableError::from(source)))
    }
}

/// What one commit does to a table.
#[derive(Debug, Default)]
pub(crate) struct Change {
    /// New columns, if the table gets any.
    pub schema: Option<SchemaRef>,
    /// Files that go.
    pub removes: Vec<Remove>,
    /// Files that come.
    pub adds: Vec<Add>,
}

impl Change {
    /// Whether a commit would change nothing.
    pub fn is_empty(&self) -> bool {
        self.schema.is_none() && self.removes.is_empty() && self.adds.is_empty()
    }
}

/// Old log entries stay: a record may still name their version.
fn properties() -> CommitProperties {
    CommitProperties::default().with_cleanup_expired_logs(Some(false))
}

/// The version of a table as it stands in a record.
pub(crate) fn version(snapshot: &EagerSnapshot) -> i64 {
    i64::try_from(snapshot.version()).unwrap_or(i64::MAX)
}

/// A live file of a table.
#[derive(Debug, Clone)]
pub(crate) struct LiveFile {
    /// Path below the table's root.
    pub path: Path,
    pub bytes: u64,
    pub rows: Option<usize>,
    pub partition: HashMap<String, Option<String>>,
    pub remove: Remove,
}

/// The live files of a table, in the order of their paths.
pub(crate) fn live_files(snapshot: &EagerSnapshot) -> Result<Vec<LiveFile>> {
    let data = snapshot.try_log_data().map_err(|e| LakeError::table("log", e))?;
    let mut files: Vec<LiveFile> = data
        .iter()
        .map(|view| LiveFile {
            path: view.object_store_path(),
            bytes: u64::try_from(view.size()).unwrap_or_default(),
            rows: view.num_records(),
            partition: view.partition_values_map(),
            remove: view.remove_action(true),
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}
