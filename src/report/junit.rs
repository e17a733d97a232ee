//! JUnit XML, for Jenkins, GitLab and Azure: a test case for each file, a suite for each directory.
//!
//! Suites are written as directories end, so that memory does not grow with the number of files; a directory whose files do
//! not come one behind the other has several suites.
//!
//! Source: the schema that Jenkins' JUnit plugin documents; XML 1.0, section 2.2, says which characters may stand in it.

use std::fmt::Write as _;
use std::io;
use std::io::Write;

use super::FileResult;
use super::ReportOptions;
use super::ReportWriter;
use super::Summary;
use super::escape::brief;
use super::escape::visible;
use super::model::FileStatus;
use super::model::FindingRow;
use super::text::outcome;
use super::text::place;
use crate::policy::rules::Rule;

struct Junit<'a> {
    out: Box<dyn Write + 'a>,
    command: &'static str,
    started: bool,
    suite: Suite,
}

/// The files of one directory that have come so far.
#[derive(Default)]
struct Suite {
    name: String,
    cases: String,
    tests: u64,
    failures: u64,
    errors: u64,
    skipped: u64,
}

/// So many cases stand in one suite at most.
const CASES: u64 = 10_000;

pub(super) fn open<'a>(out: Box<dyn Write + 'a>, options: &ReportOptions) -> Box<dyn ReportWriter + 'a> {
    Box::new(Junit { out, command: options.command, started: false, suite: Suite::default() })
}

impl ReportWriter for Junit<'_> {
    fn file(&mut self, result: &FileResult) -> io::Result<()> {
        let (directory, name) = result.path.rsplit_once('/').unwrap_or((".", &result.path));
        if self.suite.tests > 0 && (self.suite.name != directory || self.suite.tests >= CASES) {
            self.put_suite()?;
        }
        directory.clone_into(&mut self.suite.name);
        self.suite.add(result, name);
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        if self.suite.tests > 0 {
            self.put_suite()?;
        }
        self.start()?;
        if let Some(policy) = &summary.policy {
            for line in policy.not_enforced().iter().chain(&policy.exceptions) {
                let text = xml(line);
                writeln!(
                    self.out,
                    "  <testsuite name=\"policy\" tests=\"0\"><system-out>{text}</system-out></testsuite>"
                )?;
            }
        }
        writeln!(self.out, "</testsuites>")?;
        self.out.flush()
    }
}

impl Junit<'_> {
    fn start(&mut self) -> io::Result<()> {
        if self.started {
            return Ok(());
        }
        self.started = true;
        writeln!(self.out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(self.out, "<testsuites name=\"apkvouch {}\">", xml(self.command))
    }

    fn put_suite(&mut self) -> io::Result<()> {
        self.start()?;
        let Suite { name, cases, tests, failures, errors, skipped } = std::mem::take(&mut self.suite);
        writeln!(
            self.out,
            "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\">",
            xml(&name)
        )?;
        write!(self.out, "{cases}")?;
        writeln!(self.out, "  </testsuite>")
    }
}

impl Suite {
    fn add(&mut self, result: &FileResult, name: &str) {
        self.tests = self.tests.saturating_add(1);
        let class = result.package.as_deref().unwrap_or("(not verified)");
        let _ = write!(self.cases, "    <testcase name=\"{}\" classname=\"{}\">", xml(name), xml(class));
        if let Some(label) = result.label_or_claim() {
            let name = if result.label.is_some() { "label" } else { "claimed_label" };
            let label = xml(&brief(label));
            let _ =
                write!(self.cases, "<properties><property name=\"{name}\" value=\"{label}\"/></properties>");
        }
        let why = result.error.as_deref().unwrap_or_default();
        match result.status {
            FileStatus::Unjudged => {
                self.errors = self.errors.saturating_add(1);
                let _ = write!(self.cases, "<error type=\"unjudged\" message=\"{}\"/>", xml(why));
            }
            FileStatus::Skipped => {
                self.skipped = self.skipped.saturating_add(1);
                let _ = write!(self.cases, "<skipped message=\"{}\"/>", xml(why));
            }
            _ if result.passed => {}
            _ => {
                self.failures = self.failures.saturating_add(1);
                let main = result.main_finding();
                let message = main.map_or_else(String::new, line);
                let all: Vec<String> =
                    result.findings.iter().filter(|finding| finding.is_error()).map(line).collect();
                let _ = write!(
                    self.cases,
                    "<failure type=\"{}\" message=\"{}\">{}</failure>",
                    xml(outcome(result).0),
                    xml(&message),
                    // Each line is escaped by itself: what ends one is ours.
                    all.iter().map(|line| xml(line)).collect::<Vec<_>>().join("\n")
                );
            }
        }
        let mut said = outcome(result).0.to_owned();
        if result.would_fail() {
            let rules: Vec<&str> = result.broken_rules().into_iter().map(Rule::as_str).collect();
            said = format!("{said}; NOT ENFORCED, would have failed by {}", rules.join(", "));
        }
        let _ = writeln!(self.cases, "<system-out>{}</system-out></testcase>", xml(&said));
    }
}

fn line(finding: &FindingRow) -> String {
    let mut text = format!("{}: {}{}", finding.code, place(finding), finding.message);
    if let (Some(expected), Some(actual)) = (&finding.expected, &finding.actual) {
        let _ = write!(text, "; expected {expected}, actual {actual}");
    }
    text
}

/// The text as it may stand in an attribute or an element: markup escaped, hidden characters, and so those that XML forbids,
/// spelled out.
fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_file_is_markup() {
        assert_eq!(xml("a\"b'c<d>&]]>"), "a&quot;b&apos;c&lt;d&gt;&amp;]]&gt;");
        assert_eq!(xml("a\0b\x1b\u{ffff}\u{202e}"), "a\\x00b\\x1b\\u{ffff}\\u{202e}");
        assert_eq!(xml("银行\n"), "银行\\n");
    }
}
