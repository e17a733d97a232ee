//! Ctrl-C and SIGTERM: what is under way is ended in order, and what was done so far is told.

use std::fmt;
use std::io;
use std::io::Read;
#[cfg(unix)]
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use apkvouch::Error;
use signal_hook::consts::SIGINT;
use signal_hook::consts::SIGTERM;
use signal_hook::flag;

/// A shell gives this, and the number of the signal, for a process that a signal has ended.
const BY_SIGNAL: u8 = 128;

/// Signals that end the program when it next asks, instead of at once. The second of them ends it at once.
#[derive(Debug, Clone, Default)]
pub(super) struct Signals {
    /// Whether one has come: what halts a scan.
    pub(super) halt: Arc<AtomicBool>,
    /// Its number; 0 for none.
    number: Arc<AtomicUsize>,
}

/// The program was asked to end by this signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupted {
    /// Somebody has typed Ctrl-C.
    Interrupt,
    /// The system, or whoever has started the program, wants it to end.
    Terminate,
}

impl Signals {
    /// Catches them from now on, until the program ends; but not those that the program was started to ignore.
    pub(super) fn caught() -> Result<Self, Error> {
        let signals = Self::default();
        signals.catch().map_err(|error| Error::Usage(format!("cannot catch signals: {error}")))?;
        Ok(signals)
    }

    fn catch(&self) -> io::Result<()> {
        for signal in [SIGINT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal)) {
            // In the order in which they are run: the first signal finds `halt` false.
            flag::register_conditional_shutdown(
                signal,
                i32::from(BY_SIGNAL) + signal,
                Arc::clone(&self.halt),
            )?;
            let number = usize::try_from(signal).map_err(io::Error::other)?;
            flag::register_usize(signal, Arc::clone(&self.number), number)?;
            flag::register(signal, Arc::clone(&self.halt))?;
        }
        Ok(())
    }

    /// As [`Signals::check`], in the words of the library.
    pub(super) fn go_on(&self) -> Result<(), Error> {
        self.check().map_err(|_| Error::Halted)
    }

    /// `error`; or the signal, where that is what has left `path` as it was.
    pub(super) fn or_ended(&self, error: Error, path: &Path) -> anyhow::Error {
        self.instead_of(error, || format!("{} is as it was", path.display()))
    }

    /// `error`; or the signal, where that is what has kept `path` from being written.
    pub(super) fn or_unwritten(&self, error: Error, path: &Path) -> anyhow::Error {
        self.instead_of(error, || format!("{} was not written", path.display()))
    }

    fn instead_of(&self, error: Error, what: impl FnOnce() -> String) -> anyhow::Error {
        match (&error, self.check()) {
            (Error::Halted, Err(interrupted)) => {
                anyhow::Error::new(interrupted).context(format!("{interrupted}: {}", what()))
            }
            _ => error.into(),
        }
    }

    /// Goes on unless a signal has come.
    pub(super) fn check(&self) -> Result<(), Interrupted> {
        if !self.halt.load(Relaxed) {
            return Ok(());
        }
        let terminate = usize::try_from(SIGTERM).is_ok_and(|number| self.number.load(Relaxed) == number);
        Err(if terminate { Interrupted::Terminate } else { Interrupted::Interrupt })
    }
}

/// Whether who has started the program has it ignore that signal, as a shell does with Ctrl-C for what runs in the background: then it
/// goes on being ignored. Only Linux tells without unsafe code.
fn is_ignored(signal: i32) -> bool {
    cfg!(target_os = "linux")
        && std::fs::read_to_string("/proc/self/status").is_ok_and(|status| is_ignored_by(&status, signal))
}

/// The same by what `/proc/self/status` says: bit 0 of the mask is signal 1.
///
/// Source: proc_pid_status(5), `SigIgn`.
fn is_ignored_by(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    let bit = signal.checked_sub(1).and_then(|bit| u32::try_from(bit).ok());
    bit.and_then(|bit| mask.checked_shr(bit)).is_some_and(|mask| mask & 1 == 1)
}

impl Interrupted {
    /// The exit status that stands for it.
    pub(super) fn exit_code(self) -> u8 {
        let signal = if self == Self::Terminate { SIGTERM } else { SIGINT };
        BY_SIGNAL.saturating_add(u8::try_from(signal).unwrap_or_default())
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Terminate { "terminated" } else { "interrupted" })
    }
}

impl std::error::Error for Interrupted {}

/// The same input; reading it fails when a signal comes while there is nothing to read.
#[cfg(unix)]
pub(super) fn awaited<R: AsFd + Read>(input: R, signals: &Signals) -> impl Read + use<R> {
    Awaited { input, signals: signals.clone() }
}

/// The same input. Waiting for it cannot be ended here.
#[cfg(not(unix))]
pub(super) fn awaited(input: impl Read, _: &Signals) -> impl Read + use<R> {
    input
}

#[cfg(unix)]
struct Awaited<R> {
    input: R,
    signals: Signals,
}

#[cfg(unix)]
impl<R: AsFd + Read> Read for Awaited<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        use rustix::event::PollFd;
        use rustix::event::PollFlags;
        use rustix::event::Timespec;

        // A signal that comes between the check and the wait is seen after that time.
        const A_WHILE: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
        loop {
            self.signals.check().map_err(io::Error::other)?;
            match rustix::event::poll(&mut [PollFd::new(&self.input, PollFlags::IN)], Some(&A_WHILE)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return self.input.read(buf),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_ignored_signals_begins_with_signal_1() {
        let ignored = |mask: &str| {
            let status = format!("Name:\tapkvouch\nSigBlk:\tffffffffffffffff\nSigIgn:\t{mask}\nSigCgt:\t0\n");
            [SIGINT, SIGTERM].map(|signal| is_ignored_by(&status, signal))
        };
        assert_eq!(ignored("0000000000000000"), [false, false]);
        assert_eq!(ignored("0000000000000002"), [true, false]);
        assert_eq!(ignored("0000000000004000"), [false, true]);
        assert_eq!(ignored("ffffffffffffbffd"), [false, false]);
        assert_eq!(ignored("?"), [false, false]);
        assert!(!is_ignored_by("", SIGINT));
    }
}
