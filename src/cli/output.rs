//! Standard output: colours, and faults while writing.

use std::io;
use std::io::BufWriter;
use std::io::IsTerminal as _;
use std::io::Write;

use apkvouch::Error;
use apkvouch::report::FileResult;
use apkvouch::report::Format;
use apkvouch::report::ReportOptions;
use apkvouch::report::ReportWriter;
use apkvouch::report::Summary;
use apkvouch::report::escape;
use apkvouch::scan::Outcome;
use apkvouch::scan::Row;

use super::args::Color;
use super::progress::Progress;

/// Whether standard output gets colours.
pub(super) fn coloured(color: Color) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
    }
}

/// How many columns standard output has, when it is a terminal.
pub(super) fn terminal_width() -> Option<usize> {
    let out = io::stdout();
    if !out.is_terminal() {
        return None;
    }
    terminal_size::terminal_size_of(&out).map(|(width, _)| usize::from(width.0)).filter(|width| *width > 0)
}

/// A report on standard output, with what it comes to.
pub(super) struct Report {
    writer: Box<dyn ReportWriter>,
    pub(super) summary: Summary,
}

impl Report {
    pub(super) fn new(format: &Format, options: &ReportOptions) -> Self {
        let out: Box<dyn Write> = Box::new(BufWriter::with_capacity(1 << 16, io::stdout()));
        Self { writer: (format.open)(out, options), summary: Summary::default() }
    }

    pub(super) fn add(&mut self, result: &FileResult) -> anyhow::Result<()> {
        self.summary.add(result);
        self.writer.file(result).map_err(unwritten)
    }

    /// Ends the report and gives the exit status.
    pub(super) fn finish(mut self) -> anyhow::Result<u8> {
        self.writer.finish(&self.summary).map_err(unwritten)?;
        Ok(self.summary.exit_code())
    }
}

pub(super) fn unwritten(error: io::Error) -> anyhow::Error {
    Error::file("standard output", "write", error).into()
}

/// The result of a row that was not judged, said on standard error too when it failed.
pub(super) fn not_judged(row: &Row, progress: &Progress) -> Option<FileResult> {
    match &row.outcome {
        Outcome::Unjudged(error) => {
            let why = match error {
                Error::File { message, .. } => message.clone(),
                other => other.to_string(),
            };
            progress.say(&format!("apkvouch: {}: {}", escape::path(&row.path), escape::visible(&why)));
            Some(FileResult::unjudged(&row.path, why))
        }
        Outcome::Skipped(why) => Some(FileResult::skipped(&row.path, why.clone())),
        _ => None,
    }
}
