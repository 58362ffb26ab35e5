//! The columns that depend on the area that asks: what decides them, written once for each area, and seen by everything that counts.

use std::collections::BTreeMap;

use datafusion::prelude::SessionContext;
use svp_contract::{Area, Source, Table};
use svp_ingest::LoadedFile;
use svp_ingest::elsewhere::{Asking, complete, overlay, reference_of};
use svp_lake::RunTxn;

use crate::error::AppError;
use crate::inputs::Paths;
use crate::site::Site;

/// The sources of a site by name.
pub(crate) fn sources(site: &Site) -> BTreeMap<&str, &Source> {
    site.sources.iter().map(|(name, source)| (name.as_str(), &source.item)).collect()
}

/// What decides the columns that depend on an area.
pub(crate) struct Places<'a> {
    area: &'a str,
    tables: &'a [Table],
    sources: &'a BTreeMap<&'a str, &'a Source>,
    /// Digest of districts, boundaries and lookups, by source.
    reference: BTreeMap<String, String>,
}

impl<'a> Places<'a> {
    /// Of an area of the site; reads the reference data that decide.
    ///
    /// # Errors
    /// Reference data that are not there.
    pub fn of(
        site: &'a Site,
        sources: &'a BTreeMap<&'a str, &'a Source>,
        area: &'a Area,
        paths: &Paths,
    ) -> Result<Self, AppError> {
        let all = sources.values().copied();
        let reference = reference_of(all, &site.tables, area, &paths.reference, site.lists())?;
        Ok(Self { area: &area.name, tables: &site.tables, sources, reference })
    }

    fn asking(&self) -> Asking<'_> {
        Asking { area: self.area, tables: self.tables, sources: self.sources, reference: &self.reference }
    }

    /// A file that is loaded for this area.
    pub fn stored(&self, file: LoadedFile) -> LoadedFile {
        LoadedFile { reference: self.reference.get(&file.source).cloned(), ..file }
    }

    /// See [`complete`].
    ///
    /// # Errors
    /// As there.
    pub async fn complete(
        &self,
        ctx: &SessionContext,
        txn: &RunTxn,
        files: &mut [LoadedFile],
    ) -> Result<usize, AppError> {
        Ok(complete(ctx, txn, self.asking(), files).await?)
    }

    /// See [`overlay`].
    ///
    /// # Errors
    /// As there.
    pub async fn overlay(&self, ctx: &SessionContext, files: &[LoadedFile]) -> Result<(), AppError> {
        Ok(overlay(ctx, self.asking(), files).await?)
    }
}
