//! A table: a line a file.

use std::fmt::Write as _;
use std::io;
use std::io::Write;

use super::paint::Paint;
use super::paint::Tone;
use super::summary;
use super::wording::outcome;
use super::wording::place;
use crate::report::FileResult;
use crate::report::ReportOptions;
use crate::report::ReportWriter;
use crate::report::Summary;
use crate::report::escape::columns;
use crate::report::escape::visible;
use crate::report::model::FileStatus;

/// So many rows are looked at before the first is written, to find how wide the columns of a table must be.
const ROWS_MEASURED: usize = 256;

pub(super) fn open<'a>(out: Box<dyn Write + 'a>, options: &ReportOptions) -> Box<dyn ReportWriter + 'a> {
    Box::new(Table { out, paint: Paint(options.colour), waiting: Vec::new(), widths: None })
}

const COLUMNS: usize = 4;
const HEADER: [&str; COLUMNS + 1] = ["VERDICT", "PACKAGE", "SIGNER", "FILE", "WHY"];
/// A longer cell pushes its own row out of line rather than all the others.
const WIDEST: [usize; COLUMNS] = [15, 40, 30, 60];

struct Table<'a> {
    out: Box<dyn Write + 'a>,
    paint: Paint,
    waiting: Vec<([String; COLUMNS + 1], Tone)>,
    widths: Option<[usize; COLUMNS]>,
}

impl ReportWriter for Table<'_> {
    fn file(&mut self, result: &FileResult) -> io::Result<()> {
        let row = (cells(result), outcome(result).1);
        if let Some(widths) = self.widths {
            return self.row(&row, widths);
        }
        self.waiting.push(row);
        if self.waiting.len() < ROWS_MEASURED { Ok(()) } else { self.release() }
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        if self.widths.is_none() && !self.waiting.is_empty() {
            self.release()?;
        }
        summary::of_table(&mut self.out, summary)?;
        self.out.flush()
    }
}

impl Table<'_> {
    fn release(&mut self) -> io::Result<()> {
        let header = HEADER.map(str::to_owned);
        let mut widths = [0; COLUMNS];
        for cells in std::iter::once(&header).chain(self.waiting.iter().map(|(cells, _)| cells)) {
            for ((width, cell), widest) in widths.iter_mut().zip(cells).zip(WIDEST) {
                *width = (*width).max(columns(cell).min(widest));
            }
        }
        self.widths = Some(widths);
        self.row(&(header, Tone::Faint), widths)?;
        for row in std::mem::take(&mut self.waiting) {
            self.row(&row, widths)?;
        }
        Ok(())
    }

    fn row(
        &mut self,
        (cells, tone): &([String; COLUMNS + 1], Tone),
        widths: [usize; COLUMNS],
    ) -> io::Result<()> {
        let mut line = String::new();
        for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let pad = " ".repeat(width.saturating_sub(columns(cell)).saturating_add(2));
            if index == 0 {
                line.push_str(&self.paint.paint(*tone, cell));
            } else {
                line.push_str(cell);
            }
            line.push_str(&pad);
        }
        line.push_str(cells.last().map_or("", String::as_str));
        writeln!(self.out, "{}", line.trim_end())
    }
}

fn cells(result: &FileResult) -> [String; COLUMNS + 1] {
    let package = match (&result.package, &result.claimed_package) {
        (Some(package), _) => visible(package).into_owned(),
        (None, Some(claimed)) => format!("({})", visible(claimed)),
        (None, None) => "-".to_owned(),
    };
    let why = match (&result.error, result.main_finding()) {
        (Some(error), _) => visible(error).into_owned(),
        (None, Some(finding)) => {
            let mut why = format!("{}: {}{}", finding.code, place(finding), visible(&finding.message));
            if let (Some(expected), Some(actual)) = (&finding.expected, &finding.actual) {
                let (expected, actual) = (shortened(expected), shortened(actual));
                let _ = write!(why, "; expected {}, actual {}", visible(&expected), visible(&actual));
            }
            why
        }
        (None, None) => String::new(),
    };
    [outcome(result).0.to_owned(), package, signer_cell(result), visible(&result.path).into_owned(), why]
}

/// Long hexadecimal numbers, as digests are, cut to sixteen digits: a table is there to be looked over.
fn shortened(text: &str) -> String {
    let short = |word: &str| match word.get(..16) {
        Some(head) if word.len() >= 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            format!("{head}…")
        }
        _ => word.to_owned(),
    };
    text.split(", ").map(short).collect::<Vec<_>>().join(", ")
}

/// Eight digits of the certificate's SHA-256, and the registered developer's name; never the certificate's own.
fn signer_cell(result: &FileResult) -> String {
    let signers = if result.status == FileStatus::Verified { result.signers() } else { Vec::new() };
    let mut digests: Vec<&str> =
        signers.iter().filter_map(|signer| signer.certificate.sha256.get(..8)).collect();
    digests.dedup();
    match (&result.developer, digests.as_slice()) {
        (_, []) => "-".to_owned(),
        (Some(developer), digests) => format!("{} {}", digests.join("+"), visible(&developer.name)),
        (None, digests) => digests.join("+"),
    }
}
