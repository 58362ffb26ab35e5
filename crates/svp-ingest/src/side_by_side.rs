//! Work on several things at once, on threads that wait for files.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::IngestError;

/// Does `work` on each item, on so many threads; the results stand in the order of the items.
pub(crate) fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> Result<R, IngestError> + Sync,
) -> Vec<Result<R, IngestError>> {
    let next = AtomicUsize::new(0);
    let some = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return done };
            done.push((at, work(item)));
        }
    };
    let mut done = match threads.clamp(1, items.len().max(1)) {
        1 => some(),
        threads => std::thread::scope(|scope| {
            let workers: Vec<_> = (1..threads).map(|_| scope.spawn(some)).collect();
            let mut done = some();
            for worker in workers {
                done.extend(worker.join().unwrap_or_else(|_| vec![(0, Err(IngestError::Worker))]));
            }
            done
        }),
    };
    // Of a worker that broke what it did is missing, and its place says so.
    done.sort_by_key(|(at, _)| *at);
    let mut done = done.into_iter().map(|(_, result)| result);
    items.iter().map(|_| done.next().unwrap_or(Err(IngestError::Worker))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..100).collect();
        for threads in [0, 1, 2, 7, 200] {
            let done =
                side_by_side(&items, threads, |n| if n % 10 == 3 { Err(IngestError::Worker) } else { Ok(n * 2) });
            assert_eq!(done.len(), 100);
            for (n, result) in items.iter().zip(done) {
                assert_eq!(result.ok(), (n % 10 != 3).then_some(n * 2), "{threads} threads");
            }
        }
        assert!(side_by_side(&[] as &[u64], 4, |_| Ok(())).is_empty());
    }
}
