//! Work on pieces of a file, on all threads, whose results are taken in the order of the file.

use std::io;

use rayon::iter::IntoParallelIterator as _;
use rayon::iter::ParallelIterator as _;

/// Up to this many bytes in all, waking other threads costs more than it brings.
pub(super) const SMALL: u64 = 1 << 20;
/// How many pieces are worked on between two moments at which their results are taken, when each gives little.
pub(super) const MANY: u64 = 256;

/// Calls `work` with each index below `count` and a buffer to read into, on the threads of the current rayon pool, and
/// `take` with the results in order: `at_once` pieces between two moments at which results are taken, which bounds memory.
/// When `size`, that of all pieces in bytes, is small, the calling thread does it all.
///
/// # Errors
/// The first fault, of `work` or of `take`.
pub(super) fn run<R: Send, E: From<io::Error>>(
    count: u64,
    size: u64,
    at_once: u64,
    work: impl Fn(u64, &mut Vec<u8>) -> io::Result<R> + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    if size <= SMALL {
        let mut buffer = Vec::new();
        return (0..count).try_for_each(|index| take(work(index, &mut buffer)?));
    }
    let mut start = 0;
    while start < count {
        let end = count.min(start.saturating_add(at_once.max(1)));
        let results = (start..end)
            .into_par_iter()
            .map_init(Vec::new, |buffer, index| work(index, buffer))
            .collect::<io::Result<Vec<R>>>()?;
        results.into_iter().try_for_each(&mut take)?;
        start = end;
    }
    Ok(())
}
