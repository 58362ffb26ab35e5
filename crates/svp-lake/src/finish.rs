//! The end of a run after which nothing of what was before may be left: an erasure, a new key.

use crate::error::Result;
use crate::lake::Lake;
use crate::record::RunRecord;
use crate::txn::RunTxn;
use crate::vacuum::Due;

impl RunTxn {
    /// As [`finish`](Self::finish), and then deletes every data file that this run does not show: for a run after which nothing of what
    /// was before may be left. If it is killed in between, [`Lake::vacuum_if_due`] does the rest. Gives the number of files deleted.
    ///
    /// # Errors
    /// As those of [`finish`](Self::finish) and [`Lake::vacuum`].
    pub async fn finish_and_vacuum(self, record: RunRecord) -> Result<(Lake, usize)> {
        self.finish_and(Due::Files, record).await
    }

    /// As [`finish_and_vacuum`](Self::finish_and_vacuum), and then takes out of the records of all earlier runs what their callers added
    /// and what was sealed under another key. Number, times, tables and release of each stay.
    ///
    /// # Errors
    /// As those of [`finish_and_vacuum`](Self::finish_and_vacuum).
    pub async fn finish_and_forget(self, record: RunRecord) -> Result<(Lake, usize)> {
        self.finish_and(Due::Records, record).await
    }

    async fn finish_and(self, due: Due, record: RunRecord) -> Result<(Lake, usize)> {
        self.make_due(due).await?;
        let lake = self.finish(record).await?;
        let deleted = lake.vacuum_if_due().await?;
        Ok((lake, deleted))
    }
}
