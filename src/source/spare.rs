//! Buffers of small files, used again for the next ones.
//!
//! Memory that is given back to the system and asked for anew is cleared page by page each time, which takes as long as
//! reading a small file into it.

use std::cell::RefCell;
use std::ops::Deref;

/// So many bytes of buffers a thread keeps at most.
const MOST: usize = 2 << 20;
/// No buffer is smaller, so that most files fit into most buffers.
const LEAST: usize = 64 << 10;

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Bytes in memory that may have been something else's before, and may be again.
#[derive(Debug)]
pub(super) struct Buffer(Vec<u8>);

impl Buffer {
    /// What `fill` puts into an empty buffer with room for `len` bytes.
    ///
    /// # Errors
    /// What `fill` says.
    pub(super) fn filled<E>(len: usize, fill: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<Self, E> {
        let mut buffer = Self(take(len));
        fill(&mut buffer.0)?;
        Ok(buffer)
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.0);
        bytes.clear();
        // A thread that ends keeps nothing.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            let kept: usize = spare.iter().map(Vec::capacity).sum();
            if kept.saturating_add(bytes.capacity()) <= MOST {
                spare.push(bytes);
            }
        });
    }
}

/// An empty buffer with room for `len` bytes: of those that are spare the smallest that has it.
fn take(len: usize) -> Vec<u8> {
    let found = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        let fitting = spare.iter().enumerate().filter(|(_, bytes)| bytes.capacity() >= len);
        let (place, _) = fitting.min_by_key(|(_, bytes)| bytes.capacity())?;
        Some(spare.swap_remove(place))
    });
    found.ok().flatten().unwrap_or_else(|| Vec::with_capacity(len.max(LEAST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(len: usize, byte: u8) -> Buffer {
        let filled = Buffer::filled(len, |bytes| {
            bytes.resize(len, byte);
            Ok::<_, ()>(())
        });
        filled.unwrap()
    }

    fn spare() -> Vec<usize> {
        SPARE.with(|spare| spare.borrow().iter().map(Vec::capacity).collect())
    }

    #[test]
    fn a_buffer_is_used_again_and_nothing_of_before_is_left_in_it() {
        let first = with(100_000, 1);
        let place = first.as_ptr();
        drop(first);
        let second = with(99_999, 2);
        assert_eq!(second.as_ptr(), place);
        assert_eq!(*second, vec![2; 99_999]);
        // One that is too small is not taken.
        drop(second);
        let larger = with(100_001, 3);
        assert_eq!((larger.len(), spare().len()), (100_001, 1));
    }

    #[test]
    fn no_more_is_kept_than_the_limit() {
        let many: Vec<Buffer> = (0..40).map(|_| with(LEAST, 0)).collect();
        drop(many);
        assert_eq!(spare().iter().sum::<usize>(), MOST);
        drop(with(MOST + 1, 0));
        assert_eq!(spare().iter().sum::<usize>(), MOST);
    }

    #[test]
    fn what_could_not_be_filled_is_given_back() {
        let failed = Buffer::filled(10, |bytes| {
            bytes.push(1);
            Err(())
        });
        assert!(failed.is_err());
        assert_eq!(spare(), [LEAST]);
        assert!(with(0, 0).is_empty());
    }
}
