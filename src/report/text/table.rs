//! A table: a line a file.

use std::fmt::Write as _;
use std::io;
use std::io::Write;

use super::fit::wrapped;
use super::layout::Cells;
use super::layout::Layout;
use super::paint::Paint;
use super::paint::Tone;
use super::summary;
use super::wording::outcome;
use super::wording::place;
use crate::finding::Severity;
use crate::policy::rules::Rule;
use crate::report::FileResult;
use crate::report::Glance;
use crate::report::ReportOptions;
use crate::report::ReportWriter;
use crate::report::Summary;
use crate::report::escape::brief;
use crate::report::escape::brief_path;
use crate::report::escape::visible;
use crate::report::model::FileStatus;
use crate::report::model::FindingRow;

/// So many rows are looked at before the first is written, to find how wide the columns of a table must be.
const ROWS_MEASURED: usize = 256;
/// So many codes of warnings are named in a row.
const WARNINGS_NAMED: usize = 3;

pub(super) fn open<'a>(out: Box<dyn Write + 'a>, options: &ReportOptions) -> Box<dyn ReportWriter + 'a> {
    Box::new(Table {
        out,
        paint: Paint(options.colour),
        terminal: options.width,
        waiting: Vec::new(),
        layout: None,
        warned: 0,
    })
}

struct Table<'a> {
    out: Box<dyn Write + 'a>,
    paint: Paint,
    terminal: Option<usize>,
    waiting: Vec<(Cells, Tone)>,
    layout: Option<Layout>,
    /// How many files have warnings besides what stands under why.
    warned: u64,
}

impl ReportWriter for Table<'_> {
    fn file(&mut self, result: &FileResult) -> io::Result<()> {
        self.glance(&Glance::row(result))
    }

    fn glance(&mut self, glance: &Glance) -> io::Result<()> {
        if glance.warned {
            self.warned = self.warned.saturating_add(1);
        }
        if let Some(layout) = &self.layout {
            return self.out.write_all(layout.row(&glance.cells, glance.tone, self.paint).as_bytes());
        }
        self.waiting.push((glance.cells.clone(), glance.tone));
        if self.waiting.len() < ROWS_MEASURED { Ok(()) } else { self.release() }
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        if self.layout.is_none() && !self.waiting.is_empty() {
            self.release()?;
        }
        writeln!(self.out)?;
        for line in summary::of_table(summary, self.warned) {
            let lines = match self.terminal {
                Some(width) => wrapped(&line, width),
                None => vec![line],
            };
            writeln!(self.out, "{}", lines.join("\n"))?;
        }
        self.out.flush()
    }
}

impl Table<'_> {
    fn release(&mut self) -> io::Result<()> {
        let header: Cells = ["VERDICT", "PACKAGE", "SIGNER", "FILE", "WHY"].map(str::to_owned);
        let rows = std::iter::once(&header).chain(self.waiting.iter().map(|(cells, _)| cells));
        let layout = Layout::new(rows, self.terminal);
        self.out.write_all(layout.header(&header, self.paint).as_bytes())?;
        for (cells, tone) in std::mem::take(&mut self.waiting) {
            self.out.write_all(layout.row(&cells, tone, self.paint).as_bytes())?;
        }
        self.layout = Some(layout);
        Ok(())
    }
}

/// What to say of a file that passes because the policy is not enforced.
fn unenforced(result: &FileResult, why: String) -> String {
    if !result.would_fail() {
        return why;
    }
    let rules: Vec<&str> = result.broken_rules().into_iter().map(Rule::as_str).collect();
    let told = format!("NOT ENFORCED, would have failed by {}", rules.join(", "));
    if why.is_empty() { told } else { format!("{told}; {why}") }
}

pub(in crate::report) fn cells(result: &FileResult) -> Cells {
    let package = match (&result.package, &result.claimed_package) {
        (Some(package), _) => brief(package).into_owned(),
        (None, Some(claimed)) => format!("({})", brief(claimed)),
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
            match warnings(result).count() {
                0 => {}
                1 => why.push_str("; and 1 warning"),
                count => {
                    let _ = write!(why, "; and {count} warnings");
                }
            }
            why
        }
        (None, None) => warning_words(result),
    };
    let why = unenforced(result, why);
    [outcome(result).0.to_owned(), package, signer_cell(result), brief_path(&result.path).into_owned(), why]
}

/// Whether there are warnings besides what stands under why.
pub(in crate::report) fn has_warnings(result: &FileResult) -> bool {
    warnings(result).next().is_some()
}

/// The warnings besides what stands under why.
fn warnings(result: &FileResult) -> impl Iterator<Item = &FindingRow> {
    let main = result.main_finding();
    result.findings.iter().filter(move |finding| {
        let warns = !finding.is_error() && finding.severity != Severity::Note;
        warns && !main.is_some_and(|main| std::ptr::eq(main, *finding))
    })
}

/// `2 warnings: zip-gap, weak-key`.
fn warning_words(result: &FileResult) -> String {
    let mut codes: Vec<&str> = Vec::new();
    let mut count = 0_usize;
    for warning in warnings(result) {
        count = count.saturating_add(1);
        if !codes.contains(&warning.code) {
            codes.push(warning.code);
        }
    }
    let named = codes.get(..WARNINGS_NAMED).unwrap_or(&codes).join(", ");
    let more = if codes.len() > WARNINGS_NAMED { ", …" } else { "" };
    match count {
        0 => String::new(),
        1 => format!("1 warning: {named}"),
        _ => format!("{count} warnings: {named}{more}"),
    }
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
        (Some(developer), digests) => format!("{} {}", digests.join("+"), brief(&developer.name)),
        (None, digests) => digests.join("+"),
    }
}
