//! What can end the work on a file before it is done: whoever halts the scan.

use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use crate::source::ByteSource;

/// A source that gives no more bytes once the scan is halted, so that nobody waits for a large file.
///
/// Bytes that are in memory it gives all the same: work on them is short.
pub(super) struct Watched<'a> {
    source: &'a dyn ByteSource,
    halt: &'a AtomicBool,
}

impl<'a> Watched<'a> {
    pub(super) fn new(source: &'a dyn ByteSource, halt: &'a AtomicBool) -> Self {
        Self { source, halt }
    }
}

impl ByteSource for Watched<'_> {
    fn len(&self) -> u64 {
        self.source.len()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        if self.halt.load(Relaxed) {
            return Err(io::Error::other("the scan was halted"));
        }
        self.source.read_exact_at(buf, offset)
    }

    fn in_memory(&self, offset: u64, len: u64) -> Option<&[u8]> {
        self.source.in_memory(offset, len)
    }

    fn chunk_digest(&self, len: u64) -> Option<[u8; 32]> {
        self.source.chunk_digest(len)
    }

    fn will_read(&self, offset: u64, len: u64) {
        self.source.will_read(offset, len);
    }

    fn check_unchanged(&self) -> Result<(), String> {
        self.source.check_unchanged()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_no_more_bytes_once_it_is_halted() {
        let bytes = vec![7; 10];
        let halt = AtomicBool::new(false);
        let source = Watched::new(&bytes, &halt);
        assert_eq!(source.read_vec_at(2, 3).unwrap(), [7; 3]);
        halt.store(true, Relaxed);
        assert_eq!(source.read_vec_at(2, 3).unwrap_err().to_string(), "the scan was halted");
        assert_eq!(source.in_memory(2, 3), Some(&[7; 3][..]));
    }
}
