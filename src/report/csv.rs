//! CSV, for spreadsheets: a line a file, the same columns for every command.
//!
//! A spreadsheet takes a cell for a formula that starts with `=` or the like, and some take a semicolon or a tabulator for
//! the end of a cell whatever the quotes say. So every cell is quoted, hidden characters are spelled out, and an apostrophe
//! stands before every character that could begin a formula where a cell could begin. Exact values are in JSON. Lines end with
//! LF, as in every other report.
//!
//! Source: RFC 4180; OWASP, "CSV Injection".

use std::io;
use std::io::Write;

use super::FileResult;
use super::ReportOptions;
use super::ReportWriter;
use super::Summary;
use super::escape::visible;
use super::text::outcome;
use super::text::place;
use crate::policy::rules::Rule;

struct Csv<'a> {
    out: Box<dyn Write + 'a>,
    started: bool,
}

/// The columns, in their order; they stand in docs/scan.md.
const COLUMNS: [&str; 16] = [
    "path",
    "outcome",
    "passed",
    "package",
    "claimed_package",
    "version_code",
    "version_name",
    "signers",
    "developer",
    "size",
    "sha256",
    "broken_rules",
    "code",
    "message",
    "error",
    "label",
];

pub(super) fn open<'a>(out: Box<dyn Write + 'a>, _options: &ReportOptions) -> Box<dyn ReportWriter + 'a> {
    Box::new(Csv { out, started: false })
}

impl Csv<'_> {
    fn start(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.started, true) {
            return Ok(());
        }
        self.line(&COLUMNS.map(str::to_owned))
    }

    fn line(&mut self, cells: &[String]) -> io::Result<()> {
        let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
        writeln!(self.out, "{}", cells.join(","))
    }
}

impl ReportWriter for Csv<'_> {
    fn file(&mut self, result: &FileResult) -> io::Result<()> {
        self.start()?;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        let signers: Vec<&str> =
            result.signers().iter().map(|signer| signer.certificate.sha256.as_str()).collect();
        let rules: Vec<&str> = result.broken_rules().into_iter().map(Rule::as_str).collect();
        let main = result.main_finding();
        let message = main.map(|main| {
            let mut message = format!("{}{}", place(main), main.message);
            if let (Some(expected), Some(actual)) = (&main.expected, &main.actual) {
                message = format!("{message}; expected {expected}, actual {actual}");
            }
            message
        });
        self.line(&[
            result.path.clone(),
            outcome(result).0.to_owned(),
            result.passed.to_string(),
            text(&result.package),
            text(&result.claimed_package),
            number(result.version_code.or(result.claimed_version_code)),
            text(&result.version_name.clone().or(result.claimed_version_name.clone())),
            signers.join(" "),
            result.developer.as_ref().map(|developer| developer.name.clone()).unwrap_or_default(),
            number(result.size),
            text(&result.sha256),
            rules.join(" "),
            main.map(|main| main.code.to_owned()).unwrap_or_default(),
            message.unwrap_or_default(),
            text(&result.error),
            result.label_or_claim().unwrap_or_default().to_owned(),
        ])
    }

    fn finish(&mut self, _summary: &Summary) -> io::Result<()> {
        self.start()?;
        self.out.flush()
    }
}

/// A quoted cell that is text wherever it is opened.
fn cell(text: &str) -> String {
    /// What begins a formula, with the wide forms that East Asian spreadsheets take for the same.
    const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    /// Behind what a cell could begin.
    const SEPARATORS: [char; 6] = [',', ';', '|', '"', '，', '；'];
    let mut guarded = String::with_capacity(text.len().saturating_add(8));
    guarded.push('"');
    let mut could_begin = true;
    for c in visible(text).chars() {
        if could_begin && FORMULA.contains(&c) {
            guarded.push('\'');
        }
        could_begin = SEPARATORS.contains(&c) || could_begin && c.is_whitespace();
        if c == '"' {
            guarded.push('"');
        }
        guarded.push(c);
    }
    guarded.push('"');
    guarded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_a_formula_wherever_it_is_cut() {
        for (text, expected) in [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(1)", "'@SUM(1)"),
            (" \u{a0}=1", " \u{a0}'=1"),
            ("＝1", "'＝1"),
            ("a;=1", "a;'=1"),
            ("a\",\"=1", "a\"\",\"\"'=1"),
            ("a, -b.apk", "a, '-b.apk"),
            // These are left as they are.
            ("a-b+c=d@e.apk", "a-b+c=d@e.apk"),
            ("C:\\x", "C:\\x"),
            ("", ""),
        ] {
            assert_eq!(cell(text), format!("\"{expected}\""), "{text:?}");
        }
    }

    #[test]
    fn nothing_hidden_and_no_line_end_is_in_a_cell() {
        assert_eq!(cell("a\r\n=1\t=2\x1b[2J\u{202e}\0"), "\"a\\r\\n=1\\t=2\\x1b[2J\\u{202e}\\x00\"");
        assert_eq!(cell("\t=1"), "\"\\t=1\"");
        assert_eq!(cell("银行"), "\"银行\"");
    }
}
