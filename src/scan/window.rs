//! Work on many threads whose results come out in the order in which the work went in.
//!
//! No more than a window of items is under way or waits for an earlier one, so memory is bounded however many there
//! are, and one slow item holds up only its window.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc;

use crate::Error;

/// Items under way for each thread, those among them that wait for an earlier one.
const WINDOW_PER_THREAD: u64 = 64;
/// Items that all threads together have taken at most, but for one each: a process may have 1,024 files open, or fewer.
const TAKEN_AT_MOST: u64 = 256;

/// Calls `work` on all items, several at a time, on `jobs` threads, and `sink` on every result, in the order of the items.
///
/// A thread takes `at_once` items at a time, which `work` may change as it goes on; but one alone as long as another thread has none.
/// `work` hands out one result for each of its items, in their order: several at a time where it has them at once. Once `halt` is
/// true, no more are taken and none is handed out.
///
/// # Errors
/// What `sink` says; [`Error::Halted`]; [`Error::Usage`] when the threads cannot be had.
pub(super) fn run<I: Send, R: Send, E: From<Error>>(
    items: impl Iterator<Item = I>,
    jobs: Option<usize>,
    halt: Option<&AtomicBool>,
    at_once: &AtomicU64,
    work: impl Fn(Vec<I>, &mut dyn FnMut(Vec<R>)) + Sync,
    mut sink: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let go_on = || match halt {
        Some(halt) if halt.load(Relaxed) => Err(Error::Halted),
        _ => Ok(()),
    };
    let mut sink = |result| {
        go_on()?;
        sink(result)
    };
    let mut items = items.fuse();
    let first = items.next();
    let second = items.next();
    // One item alone needs no threads of ours: what is large in it brings in those of the process by itself.
    let first = match first {
        Some(item) if second.is_none() && jobs.is_none() => {
            let mut results = Vec::new();
            work(vec![item], &mut |given| results.extend(given));
            // Who is halted gives nothing, which is not all there was.
            return results.into_iter().try_for_each(&mut sink).and_then(|()| Ok(go_on()?));
        }
        first => first,
    };
    let mut items = first.into_iter().chain(second).chain(items);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(jobs.unwrap_or(0))
        .build()
        .map_err(|error| Error::Usage(format!("cannot start threads: {error}")))?;
    let threads = pool.current_num_threads() as u64;
    let most = TAKEN_AT_MOST.checked_div(threads).unwrap_or(1).max(1);
    let stop = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    let (mut next_in, mut next_out) = (0_u64, 0_u64);
    let mut early: BTreeMap<u64, Vec<R>> = BTreeMap::new();
    let (work, stop) = (&work, &stop);
    pool.in_place_scope(|scope| {
        loop {
            loop {
                let under_way = next_in.saturating_sub(next_out);
                // One for each thread first, so that few items keep all of them busy.
                let lot = at_once.load(Relaxed).clamp(1, most);
                let at_once = if under_way < threads.saturating_mul(2) { 1 } else { lot };
                if under_way.saturating_add(at_once) > window(threads, lot) {
                    break;
                }
                let at_once = usize::try_from(at_once).unwrap_or(1);
                let mut batch = Vec::with_capacity(at_once);
                batch.extend(items.by_ref().take(at_once));
                if batch.is_empty() {
                    break;
                }
                let (first, sender) = (next_in, sender.clone());
                next_in = next_in.saturating_add(batch.len() as u64);
                scope.spawn(move |_| {
                    if stop.load(Relaxed) {
                        return;
                    }
                    let mut number = first;
                    work(batch, &mut |results| {
                        let count = results.len() as u64;
                        // The receiver is gone only when the run has failed.
                        let _ = sender.send((number, results));
                        number = number.saturating_add(count);
                    });
                    if halt.is_some_and(|halt| halt.load(Relaxed)) {
                        // Whoever waits for results that do not come any more is to see it.
                        let _ = sender.send((u64::MAX, Vec::new()));
                    }
                });
            }
            go_on().inspect_err(|_| stop.store(true, Relaxed))?;
            if next_out == next_in {
                return Ok(());
            }
            // Our own sender lives, so this waits for a worker and does not fail.
            let Ok((number, results)) = receiver.recv() else { return Ok(()) };
            early.insert(number, results);
            while let Some(results) = early.remove(&next_out) {
                next_out = next_out.saturating_add(results.len() as u64);
                for result in results {
                    sink(result).inspect_err(|_| stop.store(true, Relaxed))?;
                }
            }
        }
    })
}

/// How many items so many threads have under way that take `lot` at a time: two lots for each, if that is more than without lots.
fn window(threads: u64, lot: u64) -> u64 {
    threads.saturating_mul(lot.saturating_mul(2).max(WINDOW_PER_THREAD))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    static LOT: AtomicU64 = AtomicU64::new(24);

    /// `work` on one item after another.
    fn each<I, R>(work: impl Fn(I) -> R + Sync) -> impl Fn(Vec<I>, &mut dyn FnMut(Vec<R>)) + Sync {
        move |items, give| items.into_iter().for_each(|item| give(vec![work(item)]))
    }

    #[test]
    fn results_come_in_order_however_long_each_takes() {
        let mut seen = Vec::new();
        let work = |n: u64| {
            std::thread::sleep(Duration::from_micros((n * 7919) % 500));
            n
        };
        let done: Result<(), Error> = run(0..500, Some(4), None, &LOT, each(work), |n| {
            seen.push(n);
            Ok(())
        });
        done.unwrap();
        assert_eq!(seen, (0..500).collect::<Vec<_>>());
    }

    #[test]
    fn one_item_that_was_halted_is_not_done() {
        let halt = AtomicBool::new(true);
        let nothing = |_: Vec<u64>, _: &mut dyn FnMut(Vec<u64>)| {};
        for items in [0..1, 0..2, 0..0] {
            let none = items.is_empty();
            let done: Result<(), Error> = run(items, None, Some(&halt), &LOT, nothing, |_: u64| Ok(()));
            assert!(matches!(done, Err(Error::Halted)), "{none}");
        }
        halt.store(false, Relaxed);
        let done: Result<(), Error> = run(0..1, None, Some(&halt), &LOT, nothing, |_: u64| Ok(()));
        assert!(done.is_ok());
    }

    #[test]
    fn results_that_are_there_at_once_come_in_order_too() {
        let mut seen = Vec::new();
        let work = |items: Vec<u64>, give: &mut dyn FnMut(Vec<u64>)| {
            for some in items.chunks(5) {
                give(some.to_vec());
            }
        };
        let done: Result<(), Error> = run(0..500, Some(4), None, &LOT, work, |n| {
            seen.push(n);
            Ok(())
        });
        done.unwrap();
        assert_eq!(seen, (0..500).collect::<Vec<_>>());
    }

    #[test]
    fn never_more_than_a_window_is_in_flight() {
        let taken = AtomicU64::new(0);
        let mut out = 0;
        let items = (0..2000_u64).inspect(|_| {
            taken.fetch_add(1, Relaxed);
        });
        let done: Result<(), Error> = run(items, Some(2), None, &LOT, each(|n| n), |_| {
            out += 1;
            let ahead = taken.load(Relaxed) - out;
            assert!(ahead <= window(2, 24), "{ahead} items ahead");
            Ok(())
        });
        done.unwrap();
        assert_eq!(out, 2000);
    }

    #[test]
    fn lots_grow_and_shrink_as_the_work_says_and_stay_within_what_is_taken_at_most() {
        let lot = AtomicU64::new(24);
        let (largest, late) = (AtomicU64::new(0), AtomicU64::new(0));
        let work = |items: Vec<u64>, give: &mut dyn FnMut(Vec<u64>)| {
            largest.fetch_max(items.len() as u64, Relaxed);
            if items.first().is_some_and(|first| *first > 8000) {
                late.fetch_max(items.len() as u64, Relaxed);
            }
            lot.store(if items.first().is_some_and(|first| *first < 5000) { 1000 } else { 5 }, Relaxed);
            give(items);
        };
        let mut seen = 0;
        let done: Result<(), Error> = run(0..10_000, Some(4), None, &lot, work, |n| {
            assert_eq!(n, seen);
            seen += 1;
            Ok(())
        });
        done.unwrap();
        assert_eq!((seen, largest.load(Relaxed), late.load(Relaxed)), (10_000, 64, 5));
        assert_eq!([window(2, 24), window(2, 128), window(64, 4), window(1, 1)], [128, 512, 4096, 64]);
    }

    #[test]
    fn a_sink_that_fails_ends_the_run() {
        let worked = AtomicU64::new(0);
        let work = |n: u64| {
            worked.fetch_add(1, Relaxed);
            n
        };
        let done = run(0..1_000_000, Some(2), None, &LOT, each(work), |n| {
            if n == 10 { Err(Error::Usage("full".to_owned())) } else { Ok(()) }
        });
        assert_eq!(done.unwrap_err().to_string(), "full");
        assert!(worked.load(Relaxed) < 1000);
    }

    #[test]
    fn who_halts_it_gets_no_more_results() {
        for (items, jobs) in [(1_000_000, Some(2)), (1, None)] {
            let (worked, halt) = (AtomicU64::new(0), AtomicBool::new(false));
            let work = |n: u64| {
                if worked.fetch_add(1, Relaxed) == 10.min(items - 1) {
                    halt.store(true, Relaxed);
                }
                n
            };
            let mut seen = 0;
            let done = run(0..items, jobs, Some(&halt), &LOT, each(work), |_| {
                seen += 1;
                Ok(())
            });
            assert!(matches!(done, Err(Error::Halted)));
            assert!(seen <= 10 && worked.load(Relaxed) < 1000, "{seen}");
        }
        let halt = AtomicBool::new(false);
        let done: Result<(), Error> = run(0..100_u64, Some(2), Some(&halt), &LOT, each(|n| n), |_| Ok(()));
        done.unwrap();
    }

    #[test]
    fn one_item_alone_is_worked_on_where_it_came_from() {
        let here = std::thread::current().id();
        let mut seen = Vec::new();
        let threads = |jobs, items, seen: &mut Vec<_>| {
            let done: Result<(), Error> =
                run(0..items, jobs, None, &LOT, each(|_: u64| std::thread::current().id()), |thread| {
                    seen.push(thread == here);
                    Ok(())
                });
            done.unwrap();
        };
        threads(None, 1, &mut seen);
        threads(Some(2), 1, &mut seen);
        threads(None, 2, &mut seen);
        assert_eq!(seen, [true, false, false, false]);
    }

    #[test]
    fn nothing_in_nothing_out() {
        let done: Result<(), Error> =
            run(std::iter::empty::<u64>(), None, None, &LOT, each(|n| n), |_| Ok(()));
        done.unwrap();
    }
}
