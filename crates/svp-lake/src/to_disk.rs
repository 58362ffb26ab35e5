//! The files of a run on their way to the disk. A run that is finished names nothing that a power cut could take away, and to wait for
//! the disk at the end would be to wait for all of it: what tables commit goes there while the run goes on.

use std::sync::{Arc, Mutex, PoisonError};

use object_store::path::Path;
use tokio::task::JoinHandle;

use crate::error::{LakeError, Result};
use crate::location::Location;

/// Files that were written, and those of them that are on their way.
pub(crate) struct ToDisk {
    location: Arc<Location>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    written: Vec<Path>,
    under_way: Vec<JoinHandle<Result<()>>>,
}

impl ToDisk {
    pub(crate) fn new(location: &Arc<Location>) -> Self {
        Self { location: Arc::clone(location), state: Mutex::default() }
    }

    /// A file was written.
    pub(crate) fn add(&self, path: Path) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).written.push(path);
    }

    /// Sends what was written so far on its way.
    pub(crate) fn begin(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let written = std::mem::take(&mut state.written);
        if !written.is_empty() {
            let location = Arc::clone(&self.location);
            state.under_way.push(tokio::spawn(async move { location.sync(written).await }));
        }
    }

    /// Waits until everything that was written is on the disk.
    ///
    /// # Errors
    /// The first file that could not be brought there.
    pub(crate) async fn finish(&self) -> Result<()> {
        self.begin();
        let under_way = std::mem::take(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).under_way);
        let mut all = Ok(());
        for task in under_way {
            let done = task.await.map_err(|_| LakeError::Task { what: "bringing files to the disk" });
            all = all.and(done.and_then(|done| done));
        }
        all
    }
}
