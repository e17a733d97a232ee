//! How far a scan is, on standard error, when that is a terminal and the report goes elsewhere.

use std::fmt;
use std::io;
use std::io::IsTerminal as _;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use indicatif::ProgressBar;
use indicatif::ProgressState;
use indicatif::ProgressStyle;

pub(super) struct Progress {
    bar: ProgressBar,
    /// Whether anybody sees it.
    shown: bool,
    /// Size of the files that were read.
    read: Arc<AtomicU64>,
    /// Whether nobody waits for a count any more.
    over: Arc<AtomicBool>,
}

impl Progress {
    /// Nothing is shown.
    pub(super) fn none() -> Self {
        Self { bar: ProgressBar::hidden(), shown: false, read: Arc::default(), over: Arc::default() }
    }

    /// Rows on a terminal are progress enough, and the two would fight for the last line. Who is `quiet` wants neither.
    ///
    /// `all` is what there is to do, if that can be counted beforehand: it is walked through meanwhile.
    pub(super) fn on_terminal<F, I: Iterator>(quiet: bool, all: Option<F>) -> Self
    where
        F: FnOnce() -> I + Send + 'static,
    {
        if quiet || !io::stderr().is_terminal() || io::stdout().is_terminal() {
            return Self::none();
        }
        let bar = ProgressBar::new_spinner();
        let read = Arc::<AtomicU64>::default();
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {pos}{of} files, {rate}, {bytes}, {elapsed}{left}  {msg}")
        {
            let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
                let _ = write!(out, "{:.0} a second", state.per_sec());
            };
            let of_all = Arc::clone(&read);
            let bytes = move |state: &ProgressState, out: &mut dyn fmt::Write| {
                let _ = out.write_str(&megabytes(of_all.load(Relaxed), state.elapsed()));
            };
            let of = |state: &ProgressState, out: &mut dyn fmt::Write| {
                let _ = state.len().map_or(Ok(()), |all| write!(out, " of {all}"));
            };
            let left = |state: &ProgressState, out: &mut dyn fmt::Write| {
                let left = state.len().filter(|_| state.pos() > 0).map(|_| time_left(state.eta()));
                let _ = left.map_or(Ok(()), |left| write!(out, ", {left} left"));
            };
            let style = style.with_key("rate", rate).with_key("bytes", bytes);
            bar.set_style(style.with_key("of", of).with_key("left", left));
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        let over = Arc::<AtomicBool>::default();
        if let Some(all) = all {
            let (bar, over) = (bar.clone(), Arc::clone(&over));
            // Nobody waits for it: what it counts is shown while the scan goes on, or never.
            std::thread::spawn(move || {
                let count = all().take_while(|_| !over.load(Relaxed)).count();
                if !over.load(Relaxed) {
                    bar.set_length(u64::try_from(count).unwrap_or(u64::MAX));
                }
            });
        }
        Self { bar, shown: true, read, over }
    }

    /// One more file is done, of which `read` bytes were read; `failed` in all did not pass.
    pub(super) fn step(&self, failed: u64, read: u64) {
        // What nobody sees takes its time all the same.
        if !self.shown {
            return;
        }
        self.read.fetch_add(read, Relaxed);
        self.bar.inc(1);
        if failed > 0 {
            self.bar.set_message(format!("{failed} failed"));
        }
    }

    /// A line on standard error; when that fails, there is nobody left to tell.
    pub(super) fn say(&self, line: &str) {
        self.bar.suspend(|| {
            let _ = writeln!(io::stderr(), "{line}");
        });
    }

    pub(super) fn finish(&self) {
        self.over.store(true, Relaxed);
        self.bar.finish_and_clear();
    }
}

/// `340 MB a second`, in all the time so far.
fn megabytes(bytes: u64, elapsed: Duration) -> String {
    let milliseconds = elapsed.as_millis().max(1);
    let rate = u128::from(bytes).saturating_mul(1000) / milliseconds;
    format!("{} MB a second", rate / 1_000_000)
}

/// `12 s`, `3 min 20 s`, `2 h 5 min`.
fn time_left(left: Duration) -> String {
    let seconds = left.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_told_as_people_do() {
        for (seconds, told) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min 0 s"),
            (3599, "59 min 59 s"),
            (3600, "1 h 0 min"),
            (90_061, "25 h 1 min"),
        ] {
            assert_eq!(time_left(Duration::from_secs(seconds)), told);
        }
    }

    #[test]
    fn bytes_are_told_for_each_second() {
        assert_eq!(megabytes(680_000_000, Duration::from_secs(2)), "340 MB a second");
        assert_eq!(megabytes(680_000_000, Duration::from_millis(500)), "1360 MB a second");
        assert_eq!(megabytes(999_999, Duration::from_secs(1)), "0 MB a second");
        assert_eq!(megabytes(0, Duration::ZERO), "0 MB a second");
    }
}
