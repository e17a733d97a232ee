//! How far a scan is, on standard error, when that is a terminal and the report goes elsewhere.

use std::fmt;
use std::io;
use std::io::IsTerminal as _;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use indicatif::ProgressBar;
use indicatif::ProgressState;
use indicatif::ProgressStyle;

pub(super) struct Progress {
    bar: ProgressBar,
    /// Size of the files that were read.
    read: Arc<AtomicU64>,
}

impl Progress {
    /// Nothing is shown.
    pub(super) fn none() -> Self {
        Self { bar: ProgressBar::hidden(), read: Arc::default() }
    }

    /// Rows on a terminal are progress enough, and the two would fight for the last line.
    pub(super) fn on_terminal() -> Self {
        if !io::stderr().is_terminal() || io::stdout().is_terminal() {
            return Self::none();
        }
        let bar = ProgressBar::new_spinner();
        let read = Arc::<AtomicU64>::default();
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {pos} files, {rate}, {bytes}, {elapsed}  {msg}")
        {
            let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
                let _ = write!(out, "{:.0} a second", state.per_sec());
            };
            let of_all = Arc::clone(&read);
            let bytes = move |state: &ProgressState, out: &mut dyn fmt::Write| {
                let _ = out.write_str(&megabytes(of_all.load(Relaxed), state.elapsed()));
            };
            bar.set_style(style.with_key("rate", rate).with_key("bytes", bytes));
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar, read }
    }

    /// One more file is done, of which `read` bytes were read; `failed` in all did not pass.
    pub(super) fn step(&self, failed: u64, read: u64) {
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
        self.bar.finish_and_clear();
    }
}

/// `340 MB a second`, in all the time so far.
fn megabytes(bytes: u64, elapsed: Duration) -> String {
    let milliseconds = elapsed.as_millis().max(1);
    let rate = u128::from(bytes).saturating_mul(1000) / milliseconds;
    format!("{} MB a second", rate / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_for_each_second() {
        assert_eq!(megabytes(680_000_000, Duration::from_secs(2)), "340 MB a second");
        assert_eq!(megabytes(680_000_000, Duration::from_millis(500)), "1360 MB a second");
        assert_eq!(megabytes(999_999, Duration::from_secs(1)), "0 MB a second");
        assert_eq!(megabytes(0, Duration::ZERO), "0 MB a second");
    }
}
