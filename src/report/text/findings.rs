//! Findings as lines: what was found where, and what was expected instead.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::fit::padded;
use super::paint::Paint;
use super::paint::Tone;
use super::paragraph::Paragraph;
use super::wording::place_in;
use super::wording::severity;
use crate::finding::Severity;
use crate::policy::rules::Outcome;
use crate::report::ReportOptions;
use crate::report::escape::brief_value;
use crate::report::model::FileStatus;
use crate::report::model::FindingRow;

/// So many findings of one code are shown unless everything is asked for.
const SAME_CODE_SHOWN: usize = 3;

impl Paragraph<'_> {
    /// Errors in the first place, the rest below.
    pub(super) fn findings(&mut self, errors: bool) {
        let result = self.result;
        let errors_above = result.status != FileStatus::Verified || !result.passed || result.would_fail();
        debug_assert!(!errors || errors_above, "errors of a file that passed would be shown twice");
        // What an exception lets pass is told with the rules.
        let rules = result.policy.iter().flat_map(|policy| &policy.rules);
        let excepted = rules.filter(|result| result.outcome == Outcome::Excepted);
        let excepted: Vec<&str> = excepted.map(|result| result.rule.code().as_str()).collect();
        let wanted = result.findings.iter().filter(|finding| finding.is_error() == errors);
        let wanted = wanted.filter(|finding| !excepted.contains(&finding.code));
        self.text.push_str(&lines(wanted, self.options));
    }
}

/// The lines of `findings`. Unless everything is asked for, notes are left out, and of many of one code all but the first.
pub(in crate::report) fn lines<'a>(
    findings: impl Iterator<Item = &'a FindingRow>,
    options: &ReportOptions,
) -> String {
    let mut text = String::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut held_back: Vec<(&str, usize)> = Vec::new();
    for finding in findings.filter(|finding| finding.severity != Severity::Note || options.verbose) {
        let count = seen.entry(finding.code).or_insert(0);
        *count = count.saturating_add(1);
        if *count <= SAME_CODE_SHOWN || options.verbose {
            write(&mut text, finding, options);
        } else if let Some((_, more)) = held_back.iter_mut().find(|(code, _)| *code == finding.code) {
            *more = more.saturating_add(1);
        } else {
            held_back.push((finding.code, 1));
        }
    }
    for (code, more) in held_back {
        let line = options.language.pick(
            format!("and {more} more {code}; --verbose shows them all"),
            format!("另有 {more} 个 {code}；--verbose 显示全部"),
        );
        let _ = writeln!(text, "              {line}");
    }
    text
}

fn write(text: &mut String, finding: &FindingRow, options: &ReportOptions) {
    let (paint, language) = (Paint(options.colour), options.language);
    let tone = match finding.severity {
        Severity::Error => Tone::Bad,
        Severity::Warning => Tone::Doubtful,
        Severity::Note => Tone::Faint,
    };
    let severity = padded(severity(language, finding.severity), 11);
    let code = format!("[{}]", finding.code);
    let _ = writeln!(
        text,
        "  {} {}{} {}",
        paint.paint(tone, &severity),
        place_in(language, finding),
        brief_value(finding.message_in(language)),
        paint.paint(Tone::Faint, &code)
    );
    if let Some((expected, actual)) = finding.values_in(language) {
        let (should, is) = (language.pick("expected", "应为"), language.pick("actual", "实为"));
        let _ = writeln!(text, "              {}{}", padded(should, 10), brief_value(expected));
        let _ = writeln!(text, "              {}{}", padded(is, 10), brief_value(actual));
    }
}
