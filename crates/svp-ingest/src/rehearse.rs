//! A load without a lake: what a file would give, row by row, and nothing is written.

use std::collections::VecDeque;
use std::sync::Mutex;

use svp_contract::Acceptance;
use svp_pseudonymise::{Key, RowDigest};

use crate::desk;
use crate::error::IngestError;
use crate::load::{Loaded, OnFile, SourcePlan, load_file};
use crate::pending::Pending;
use crate::sink::NoSink;

/// Reads, maps and checks files as [`load`](crate::load()) does, `threads` at a time, and writes nothing. For each file, in order: what
/// a load would give, or why it would refuse the file. `key` can be one that nobody keeps.
#[must_use]
pub fn rehearse(
    plans: &[SourcePlan],
    files: &[Pending],
    key: &Key,
    accepted: &[Acceptance],
    threads: usize,
    on_file: OnFile<'_>,
) -> Vec<Result<Loaded, IngestError>> {
    let one = |file: &Pending| {
        let plan = &plans[file.plan];
        let done = match &file.sealed {
            Some(sealed) => desk::load(plan, file, sealed, None, &mut NoSink, accepted),
            None => load_file(plan, file, None, &mut NoSink, key, &RowDigest::new(key), accepted),
        };
        on_file(&file.input.name, file.input.bytes);
        done
    };
    let queue = Mutex::new(VecDeque::from_iter(0..files.len()));
    let work = || {
        let mut done = Vec::new();
        while let Some(at) = queue.lock().ok().and_then(|mut q| q.pop_front()) {
            done.push((at, one(&files[at])));
        }
        done
    };
    let mut done: Vec<(usize, Result<Loaded, IngestError>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.clamp(1, files.len().max(1))).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|w| w.join().unwrap_or_else(|_| vec![(0, Err(IngestError::Worker))])).collect()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
