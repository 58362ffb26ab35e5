//! The accounts of a run: what was found about its files, what each column held, and what falls out of the release.

use svp_analyse::outside_months;
use svp_contract::{Finding, FindingKind};
use svp_ingest::{Receipt, finding_batch, profile_batch};

use crate::calendar;
use crate::error::AppError;
use crate::run::Work;

impl Work<'_> {
    /// Tells findings, and keeps them in `quality/finding`; `part` names their file.
    pub(crate) async fn found(&self, part: &str, findings: &[Finding]) -> Result<(), AppError> {
        if findings.is_empty() {
            return Ok(());
        }
        self.progress.findings(findings);
        let mut part = self.txn.part("quality", "finding", &[], part)?;
        part.write(&finding_batch(&self.names.hidden(findings), self.txn.number())?).await?;
        self.txn.append(part.finish().await?)?;
        self.txn.commit_tables().await?;
        Ok(self.txn.register(self.ctx).await.map(drop)?)
    }

    /// Moves the account of columns from the receipts to `quality/column_profile`: a run record stays small.
    pub(crate) async fn columns(&self, receipts: &mut [Receipt]) -> Result<(), AppError> {
        let batch = profile_batch(receipts, self.txn.number())?;
        if batch.num_rows() > 0 {
            let mut part = self.txn.part("quality", "column_profile", &[], "columns")?;
            part.write(&batch).await?;
            self.txn.append(part.finish().await?)?;
        }
        receipts.iter_mut().for_each(|r| r.columns.clear());
        Ok(())
    }

    /// Counts the events that lie outside the months of the release, by source, and says so.
    pub(crate) async fn outside_release(&self) -> Result<(), AppError> {
        let months = calendar::period(self.area);
        let tell = |(source, n): (String, u64)| {
            let what = format!(
                "events lie outside {} to {}, or have no month, and are not in the release",
                months.from, months.to
            );
            Finding::new(FindingKind::OutsideRelease, &source, "", "", what).counted(n, 0)
        };
        let findings: Vec<Finding> = outside_months(self.ctx, &months).await?.into_iter().map(tell).collect();
        self.found("outside", &findings).await
    }
}
