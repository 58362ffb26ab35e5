//! Work on the chunks of a list, on a few threads. What comes out does not depend on how many.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Deals the items out to at most `threads` threads, one at a time. Each thread has a state that `new` makes and `work` goes on
/// with; all states come back, in no order.
pub(crate) fn fold<T: Sync, S: Send>(
    threads: usize,
    items: &[T],
    new: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize, &T) + Sync,
) -> Vec<S> {
    let next = AtomicUsize::new(0);
    let one = || {
        let mut state = new();
        while let Some((i, item)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, items.get(i)?))) {
            work(&mut state, i, item);
        }
        state
    };
    let threads = threads.min(items.len());
    if threads <= 1 {
        return vec![one()];
    }
    std::thread::scope(|scope| {
        let running: Vec<_> = (1..threads).map(|_| scope.spawn(one)).collect();
        let mut states = vec![one()];
        for thread in running {
            states.push(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        states
    })
}

/// What `work` makes of each item, in the order of the items. `new` makes what a thread keeps between two items.
pub(crate) fn map<T: Sync, S: Send, R: Send>(
    threads: usize,
    items: &[T],
    new: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &T) -> R + Sync,
) -> Vec<R> {
    let made = fold(threads, items, || (new(), Vec::new()), |(state, made), i, item| made.push((i, work(state, item))));
    let mut made: Vec<(usize, R)> = made.into_iter().flat_map(|(_, made)| made).collect();
    made.sort_unstable_by_key(|(i, _)| *i);
    made.into_iter().map(|(_, made)| made).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_threads_gives_the_items_in_their_order() {
        let items: Vec<usize> = (0..1000).collect();
        let expected: Vec<usize> = items.iter().map(|i| i * i).collect();
        for threads in [0, 1, 2, 3, 64] {
            assert_eq!(map(threads, &items, || (), |(), i| i * i), expected);
            let sums = fold(threads, &items, || 0, |sum, _, i| *sum += i);
            assert_eq!(sums.iter().sum::<usize>(), 499_500);
        }
        assert!(map(4, &[] as &[usize], || (), |(), i| *i).is_empty());
    }
}
