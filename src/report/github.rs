//! Annotations of GitHub Actions: a line for each error and warning, and one for each file.
//!
//! Source: GitHub, "Workflow commands for GitHub Actions"; its toolkit, `command.ts`, says what must be escaped.

use std::fmt::Write as _;
use std::io;
use std::io::Write;

use super::FileResult;
use super::ReportOptions;
use super::ReportWriter;
use super::Summary;
use super::escape::visible;
use super::model::FileStatus;
use super::model::FindingRow;
use super::text::outcome;
use super::text::place;
use crate::finding::Severity;

struct Github<'a> {
    out: Box<dyn Write + 'a>,
}

pub(super) fn open<'a>(out: Box<dyn Write + 'a>, _options: &ReportOptions) -> Box<dyn ReportWriter + 'a> {
    Box::new(Github { out })
}

/// So many annotations of one file are written; GitHub shows 10 of a kind for each step.
const ANNOTATIONS: usize = 10;

impl ReportWriter for Github<'_> {
    fn file(&mut self, result: &FileResult) -> io::Result<()> {
        let (word, _) = outcome(result);
        // The name stands behind a word of ours, so that it cannot begin a command.
        let passed = match (result.would_fail(), result.passed) {
            (true, _) => "NOT ENFORCED, would have failed",
            (false, true) => "passed",
            (false, false) => "failed",
        };
        if matches!(result.status, FileStatus::Unjudged | FileStatus::Skipped) {
            let why = result.error.as_deref().unwrap_or_default();
            let command = if result.status == FileStatus::Unjudged { "error" } else { "notice" };
            return self.annotate(command, &result.path, word, why);
        }
        let main = result.main_finding().filter(|_| !result.passed);
        let is_main = |finding: &FindingRow| main.is_some_and(|main| std::ptr::eq(main, finding));
        let told = result.findings.iter().filter(|finding| finding.severity != Severity::Note);
        // What decides stands first, since the last ones are cut.
        let told = main.into_iter().chain(told.filter(|finding| !is_main(finding)));
        for finding in told.take(ANNOTATIONS) {
            let command = if finding.is_error() { "error" } else { "warning" };
            let mut text = format!("{}{}", place(finding), finding.message);
            if let (Some(expected), Some(actual)) = (&finding.expected, &finding.actual) {
                let _ = write!(text, "; expected {expected}, actual {actual}");
            }
            self.annotate(command, &result.path, finding.code, &text)?;
        }
        writeln!(self.out, "{passed}: {} ({word})", visible(&result.path))
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        if let Some(policy) = &summary.policy {
            for line in policy.not_enforced().iter().chain(&policy.exceptions) {
                writeln!(self.out, "::warning title=policy::{}", data(line))?;
            }
        }
        let Summary { passed, failed, unjudged, .. } = summary;
        writeln!(self.out, "{passed} passed, {failed} failed, {unjudged} could not be judged")?;
        self.out.flush()
    }
}

impl Github<'_> {
    fn annotate(&mut self, command: &str, path: &str, title: &str, text: &str) -> io::Result<()> {
        writeln!(self.out, "::{command} file={},title={}::{}", property(path), property(title), data(text))
    }
}

/// What stands behind the second `::`.
fn data(text: &str) -> String {
    visible(text).replace('%', "%25")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_command() {
        assert_eq!(data("a\n::add-mask::%0A"), "a\\n::add-mask::%250A");
        assert_eq!(property("a,title=b::c\r\n"), "a%2Ctitle=b%3A%3Ac\\r\\n");
    }
}
