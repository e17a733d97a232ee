//! What can end the work on a file before it is done: whoever halts the scan, and the time that one file may take.

use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::source::ByteSource;

/// How long one file may take, by the clock.
#[derive(Clone, Copy)]
pub struct TimeLimit<'a> {
    /// A clock that never goes back, from any point in time on.
    pub clock: &'a (dyn Fn() -> Duration + Sync),
    /// So long.
    pub most: Duration,
}

/// A source that gives no more bytes once the scan is halted, or the time is over, so that nobody waits for a large file or for a
/// slow disk.
///
/// Bytes that are in memory it gives all the same: work on them is short.
pub(super) struct Watched<'a> {
    source: &'a dyn ByteSource,
    halt: Option<&'a AtomicBool>,
    /// With when it is over.
    time: Option<(TimeLimit<'a>, Duration)>,
}

impl<'a> Watched<'a> {
    /// From now on.
    pub(super) fn new(
        source: &'a dyn ByteSource,
        halt: Option<&'a AtomicBool>,
        time: Option<TimeLimit<'a>>,
    ) -> Self {
        Self { source, halt, time: time.map(|time| (time, (time.clock)().saturating_add(time.most))) }
    }

    /// How long it may take, once that is over.
    pub(super) fn over(&self) -> Option<Duration> {
        self.time.and_then(|(time, end)| ((time.clock)() > end).then_some(time.most))
    }
}

impl ByteSource for Watched<'_> {
    fn len(&self) -> u64 {
        self.source.len()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        if self.halt.is_some_and(|halt| halt.load(Relaxed)) {
            return Err(io::Error::other("the scan was halted"));
        }
        if self.over().is_some() {
            return Err(io::ErrorKind::TimedOut.into());
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
        let source = Watched::new(&bytes, Some(&halt), None);
        assert_eq!(source.read_vec_at(2, 3).unwrap(), [7; 3]);
        halt.store(true, Relaxed);
        assert_eq!(source.read_vec_at(2, 3).unwrap_err().to_string(), "the scan was halted");
        assert_eq!(source.in_memory(2, 3), Some(&[7; 3][..]));
    }

    #[test]
    fn gives_no_more_bytes_once_the_time_is_over() {
        let bytes = vec![7; 10];
        let now = std::sync::Mutex::new(Duration::from_secs(100));
        let clock = || *now.lock().unwrap();
        let source =
            Watched::new(&bytes, None, Some(TimeLimit { clock: &clock, most: Duration::from_secs(5) }));
        for (second, over) in [(100, false), (105, false), (106, true)] {
            *now.lock().unwrap() = Duration::from_secs(second);
            let read = source.read_vec_at(2, 3).map_err(|error| error.kind());
            assert_eq!(read, if over { Err(io::ErrorKind::TimedOut) } else { Ok(vec![7; 3]) }, "{second}");
            assert_eq!(source.over(), over.then_some(Duration::from_secs(5)));
        }
    }
}
