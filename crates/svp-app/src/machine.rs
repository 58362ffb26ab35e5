//! What a command may use of the machine, and the sessions that are made under it.

use datafusion::prelude::SessionContext;
use svp_contract::Area;
use svp_functions::{AreaBox, Areas, CodeMaps, Lookups};
use svp_lake::Limits;

use crate::error::AppError;

/// Threads and memory of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Worker threads, at least 1.
    pub threads: usize,
    /// Bytes for queries; what does not fit is spilled to the temporary folder.
    pub memory_bytes: usize,
}

impl Machine {
    /// A session with every function registered. `area` gives the box in which its coordinates lie, `maps` are those of a source,
    /// or empty.
    ///
    /// # Errors
    /// When the engine cannot be set up.
    pub fn session(
        &self,
        area: Option<&Area>,
        maps: CodeMaps,
        lookups: Lookups,
        areas: Areas,
    ) -> Result<SessionContext, AppError> {
        let limits = Limits { memory_bytes: Some(self.memory_bytes), threads: self.threads, spill_dir: None };
        let ctx = svp_lake::session(&limits)?;
        let area_box = area.map_or_else(AreaBox::default, |a| AreaBox { easting: a.easting, northing: a.northing });
        svp_functions::register(&ctx, svp_functions::bound(maps, lookups, areas, area_box));
        Ok(ctx)
    }

    /// Does two things that do not depend on one another, beside each other where there are threads for both.
    ///
    /// # Errors
    /// When the first one panics.
    pub(crate) fn both<A: Send, B>(
        &self,
        first: impl FnOnce() -> A + Send,
        second: impl FnOnce() -> B,
    ) -> Result<(A, B), AppError> {
        if self.threads < 2 {
            return Ok((first(), second()));
        }
        std::thread::scope(|scope| {
            let first = scope.spawn(first);
            let second = second();
            Ok((first.join().map_err(|_| svp_ingest::IngestError::Worker)?, second))
        })
    }

    /// A session that knows no area, no lookup and no code map.
    ///
    /// # Errors
    /// When the engine cannot be set up.
    pub fn plain_session(&self) -> Result<SessionContext, AppError> {
        self.session(None, CodeMaps::default(), Lookups::default(), Areas::default())
    }
}
