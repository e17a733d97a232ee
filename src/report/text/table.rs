//! A table: a line a file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::io::Write;

use super::cells::Cells;
use super::fit::wrapped;
use super::layout::Layout;
use super::paint::Paint;
use super::paint::Tone;
use super::summary;
use super::wording::outcome_in;
use super::wording::place_in;
use crate::finding::FindingCode;
use crate::finding::Severity;
use crate::policy::Verdict;
use crate::policy::rules::Rule;
use crate::report::FileResult;
use crate::report::Glance;
use crate::report::Language;
use crate::report::ReportOptions;
use crate::report::ReportWriter;
use crate::report::Summary;
use crate::report::escape::brief;
use crate::report::escape::brief_path;
use crate::report::escape::columns;
use crate::report::escape::visible;
use crate::report::model::FileStatus;
use crate::report::model::FindingRow;

/// So many rows are looked at before the first is written, to find how wide the columns of a table must be.
const ROWS_MEASURED: usize = 256;
/// Of so many codes by which files failed it is told how they are explained.
const CODES_EXPLAINED: usize = 3;
/// So many codes of warnings are named in a row.
const WARNINGS_NAMED: usize = 3;

pub(super) fn open<'a>(out: Box<dyn Write + 'a>, options: &ReportOptions) -> Box<dyn ReportWriter + 'a> {
    Box::new(Table {
        out,
        paint: Paint(options.colour),
        language: options.language,
        terminal: options.width,
        waiting: Vec::new(),
        layout: None,
        warned: 0,
        codes: BTreeMap::new(),
        next: options.next.clone(),
    })
}

struct Table<'a> {
    out: Box<dyn Write + 'a>,
    paint: Paint,
    language: Language,
    terminal: Option<usize>,
    waiting: Vec<(Cells, Tone)>,
    layout: Option<Layout>,
    /// How many files have warnings besides what stands under why.
    warned: u64,
    /// How many files failed by each code, and the worst that one of them came to.
    codes: BTreeMap<FindingCode, (u64, usize)>,
    next: Vec<String>,
}

impl ReportWriter for Table<'_> {
    fn file(&mut self, result: &FileResult) -> io::Result<()> {
        self.glance(&Glance::row(result, self.language))
    }

    fn glance(&mut self, glance: &Glance) -> io::Result<()> {
        if glance.warned {
            self.warned = self.warned.saturating_add(1);
        }
        // Of a container's bad member that one's row says more.
        let code = glance.code.filter(|code| glance.bad && *code != FindingCode::ContainerMember);
        if let Some(code) = code {
            let rank = rank(glance.verdict);
            let (count, worst) = self.codes.entry(code).or_insert((0, rank));
            *count = count.saturating_add(1);
            *worst = rank.min(*worst);
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
        for line in summary::of_table(summary, self.warned, self.language) {
            let lines = match self.terminal {
                Some(width) => wrapped(&line, width),
                None => vec![line],
            };
            writeln!(self.out, "{}", lines.join("\n"))?;
        }
        if let Some(width) = self.terminal {
            for line in self.what_next(width) {
                writeln!(self.out, "{line}")?;
            }
        }
        self.out.flush()
    }
}

impl Table<'_> {
    /// What people may type next: a command is never broken into lines, and what it is for is left out where it has no room.
    fn what_next(&self, width: usize) -> Vec<String> {
        let mut codes: Vec<(FindingCode, u64, usize)> =
            self.codes.iter().map(|(code, (count, worst))| (*code, *count, *worst)).collect();
        codes.sort_by_key(|(_, count, worst)| (*worst, std::cmp::Reverse(*count)));
        let explained = codes.iter().take(CODES_EXPLAINED).map(|(code, count, _)| {
            let rows = match (*count, self.language) {
                (1, Language::English) => "1 row".to_owned(),
                (count, Language::English) => format!("{count} rows"),
                (count, Language::Chinese) => format!("{count} 行"),
            };
            format!("apkvouch explain {}  # {rows}", code.as_str())
        });
        let lines: Vec<String> = explained.chain(self.next.iter().cloned()).collect();
        let heading = (!lines.is_empty()).then(|| format!("\n{}", self.language.pick("next:", "接下来：")));
        heading
            .into_iter()
            .chain(lines.iter().map(|line| {
                let line = format!("  {}", visible(line));
                let command = line.rsplit_once("  # ").map(|(command, _)| command.to_owned());
                command.filter(|_| columns(&line) > width).unwrap_or(line)
            }))
            .collect()
    }

    fn release(&mut self) -> io::Result<()> {
        let header = self.language.pick(
            ["VERDICT", "PACKAGE", "SIGNER", "FILE", "WHY"],
            ["结论", "包名", "签名者", "文件", "原因"],
        );
        let header = Cells::new(header);
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

/// Where a verdict stands among those that failed, what is to be taken down first at 0.
fn rank(verdict: Option<Verdict>) -> usize {
    let worst_first = [
        Verdict::Counterfeit,
        Verdict::Tampered,
        Verdict::Revoked,
        Verdict::Suspected,
        Verdict::Unsigned,
        Verdict::Unreadable,
        Verdict::Expired,
    ];
    worst_first.iter().position(|one| Some(*one) == verdict).unwrap_or(worst_first.len())
}

/// What to say of a file that passes because the policy is not enforced.
fn unenforced(language: Language, result: &FileResult, why: String) -> String {
    if !result.would_fail() {
        return why;
    }
    let rules: Vec<&str> = result.broken_rules().into_iter().map(Rule::as_str).collect();
    let rules = rules.join(", ");
    let told = language.pick(
        format!("NOT ENFORCED, would have failed by {rules}"),
        format!("未强制执行，本应因以下规则不通过：{rules}"),
    );
    if why.is_empty() { told } else { format!("{told}; {why}") }
}

pub(in crate::report) fn cells(language: Language, result: &FileResult) -> Cells {
    let package = match (&result.package, &result.claimed_package) {
        (Some(package), _) => brief(package).into_owned(),
        (None, Some(claimed)) => format!("({})", brief(claimed)),
        (None, None) => "-".to_owned(),
    };
    let why = match (&result.error, result.main_finding()) {
        (Some(error), _) => brief(error).into_owned(),
        (None, Some(finding)) => {
            let mut why = format!(
                "{}: {}{}",
                finding.code,
                place_in(language, finding),
                brief(finding.message_in(language))
            );
            if let Some((expected, actual)) = finding.values_in(language) {
                let (expected, actual) = (shortened(expected), shortened(actual));
                let (should, is) = language.pick(("; expected ", ", actual "), ("；应为 ", "，实为 "));
                let _ = write!(why, "{should}{}{is}{}", brief(&expected), brief(&actual));
            }
            match (warnings(result).count(), language) {
                (0, _) => {}
                (1, Language::English) => why.push_str("; and 1 warning"),
                (count, Language::English) => _ = write!(why, "; and {count} warnings"),
                (count, Language::Chinese) => _ = write!(why, "；另有 {count} 个警告"),
            }
            why
        }
        (None, None) => warning_words(language, result),
    };
    let why = unenforced(language, result, why);
    let (verdict, _) = outcome_in(language, result);
    Cells::new([verdict, &package, &signer_cell(result), &brief_path(&result.path), &why])
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
fn warning_words(language: Language, result: &FileResult) -> String {
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
    match (count, language) {
        (0, _) => String::new(),
        (1, Language::English) => format!("1 warning: {named}"),
        (_, Language::English) => format!("{count} warnings: {named}{more}"),
        (_, Language::Chinese) => format!("{count} 个警告：{named}{more}"),
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
