//! How far a scan is, on standard error, when that is a terminal and the report goes elsewhere.

use std::fmt;
use std::io;
use std::io::IsTerminal as _;
use std::io::Write as _;
use std::time::Duration;

use indicatif::ProgressBar;
use indicatif::ProgressState;
use indicatif::ProgressStyle;

pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Nothing is shown.
    pub(super) fn none() -> Self {
        Self { bar: ProgressBar::hidden() }
    }

    /// Rows on a terminal are progress enough, and the two would fight for the last line.
    pub(super) fn on_terminal() -> Self {
        if !io::stderr().is_terminal() || io::stdout().is_terminal() {
            return Self::none();
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} files, {rate}, {elapsed}  {msg}") {
            let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
                let _ = write!(out, "{:.0} a second", state.per_sec());
            };
            bar.set_style(style.with_key("rate", rate));
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar }
    }

    /// One more file is done; `failed` in all did not pass.
    pub(super) fn step(&self, failed: u64) {
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
