//! The one home of query sessions: memory, threads and spill folder are set here and nowhere else.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::error::{LakeError, Result};

/// How much of the machine a session may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes for queries; beyond it they spill. The process needs about twice as much. `None`: no
    /// limit, and nothing is spilled.
    pub memory_bytes: Option<usize>,
    /// Partitions of a plan, and so the threads that it uses; at least 1.
    pub threads: usize,
    /// Where queries spill; `None`: the temporary folder of the system.
    pub spill_dir: Option<PathBuf>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_bytes: None, threads: 1, spill_dir: None }
    }
}

/// Makes a session. Text is plain `Utf8` everywhere, as the tables store it.
pub fn session(limits: &Limits) -> Result<SessionContext> {
    const CONSUMERS_NAMED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4);
    let mut config = SessionConfig::new().with_target_partitions(limits.threads.max(1)).with_information_schema(true);
    let options = config.options_mut();
    options.execution.parquet.schema_force_view_types = false;
    options.sql_parser.map_string_types_to_utf8view = false;
    let mut runtime = RuntimeEnvBuilder::new();
    if let Some(bytes) = limits.memory_bytes {
        let pool = TrackConsumersPool::new(FairSpillPool::new(bytes), CONSUMERS_NAMED);
        runtime = runtime.with_memory_pool(Arc::new(pool));
    }
    if let Some(folder) = &limits.spill_dir {
        let mode = DiskManagerMode::Directories(vec![folder.clone()]);
        runtime = runtime.with_disk_manager_builder(DiskManagerBuilder::default().with_mode(mode));
    }
    let runtime = runtime.build_arc().map_err(|e| LakeError::engine("making a session", e))?;
    Ok(SessionContext::new_with_config_rt(config, runtime))
}

/// Makes a session beside another: with its settings, its memory and its stores, and with tables of its own. So a piece of work
/// can name tables as it likes and leaves none behind.
#[must_use]
pub fn session_beside(other: &SessionContext) -> SessionContext {
    SessionContext::new_with_config_rt(other.copied_config(), other.runtime_env())
}
