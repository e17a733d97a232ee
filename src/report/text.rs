//! Text for people: a paragraph a file, or a table with a line a file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::io::Write;

use jiff::Timestamp;

use super::FileResult;
use super::ReportOptions;
use super::ReportWriter;
use super::Summary;
use super::escape::columns;
use super::escape::visible;
use super::model::AndroidVersions;
use super::model::CertificateRow;
use super::model::FileStatus;
use super::model::FindingRow;
use super::model::SchemeRow;
use super::model::SignerRow;
use crate::finding::Severity;
use crate::policy::Verdict;
use crate::scheme::NotChecked;

/// So many findings of one code are shown unless everything is asked for.
const SAME_CODE_SHOWN: usize = 3;
/// So many rows are looked at before the first is written, to find how wide the columns of a table must be.
const ROWS_MEASURED: usize = 256;

pub(super) fn open<'a>(out: Box<dyn Write + 'a>, options: &ReportOptions) -> Box<dyn ReportWriter + 'a> {
    if options.table {
        Box::new(Table { out, paint: Paint(options.colour), waiting: Vec::new(), widths: None })
    } else {
        Box::new(Paragraphs { out, options: options.clone(), files: 0 })
    }
}

/// What stands on the terminal for a meaning.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tone {
    Good,
    Bad,
    Doubtful,
    Faint,
    Strong,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Paint(pub(super) bool);

impl Paint {
    /// `text` in its colour; SGR codes of ECMA-48, section 8.3.117.
    pub(super) fn paint(self, tone: Tone, text: &str) -> Cow<'_, str> {
        let code = match tone {
            Tone::Good => "32",
            Tone::Bad => "1;31",
            Tone::Doubtful => "33",
            Tone::Faint => "2",
            Tone::Strong => "1",
        };
        if self.0 { Cow::Owned(format!("\x1b[{code}m{text}\x1b[0m")) } else { Cow::Borrowed(text) }
    }
}

/// The word for what a file came to, and its tone.
pub(super) fn outcome(result: &FileResult) -> (&'static str, Tone) {
    match (result.status, result.verdict) {
        (FileStatus::Unjudged, _) => ("error", Tone::Bad),
        (FileStatus::Skipped, _) => ("skipped", Tone::Faint),
        (_, Some(verdict)) => (
            verdict.as_str(),
            match verdict {
                Verdict::Authenticated => Tone::Good,
                Verdict::Unauthenticated | Verdict::Expired | Verdict::Suspected => Tone::Doubtful,
                _ => Tone::Bad,
            },
        ),
        (_, None) => ("verified", Tone::Good),
    }
}

struct Paragraphs<'a> {
    out: Box<dyn Write + 'a>,
    options: ReportOptions,
    files: u64,
}

impl ReportWriter for Paragraphs<'_> {
    fn file(&mut self, result: &FileResult) -> io::Result<()> {
        if matches!(result.status, FileStatus::Unjudged | FileStatus::Skipped) {
            // Whoever calls says so beside the report.
            return Ok(());
        }
        if self.files > 0 {
            writeln!(self.out)?;
        }
        self.files = self.files.saturating_add(1);
        let text = Paragraph { result, options: &self.options, text: String::new() }.render();
        self.out.write_all(text.as_bytes())
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        let files = summary.judged.saturating_add(summary.unjudged);
        if files > 1 {
            let mut line = format!("{files} files: {} passed, {} failed", summary.passed, summary.failed);
            if summary.unjudged > 0 {
                let _ = write!(line, ", {} could not be judged", summary.unjudged);
            }
            let gap = if self.files > 0 { "\n" } else { "" };
            writeln!(self.out, "{gap}{line}")?;
        }
        self.out.flush()
    }
}

struct Paragraph<'a> {
    result: &'a FileResult,
    options: &'a ReportOptions,
    text: String,
}

impl Paragraph<'_> {
    fn render(mut self) -> String {
        self.headline();
        match self.result.status {
            FileStatus::Unjudged | FileStatus::Skipped => {}
            FileStatus::Verified => {
                self.app();
                self.range();
                self.signers();
                self.schemes();
            }
            FileStatus::Rejected => {
                self.findings(true);
                self.range();
                self.schemes();
                self.claims();
            }
            FileStatus::Unsigned | FileStatus::Malformed => {
                self.findings(true);
                self.claims();
            }
        }
        self.findings(false);
        self.text
    }

    fn paint(&self) -> Paint {
        Paint(self.options.colour)
    }

    fn line(&mut self, label: &str, text: &str) {
        let label = format!("{label:<11}");
        let _ = writeln!(self.text, "  {} {text}", self.paint().paint(Tone::Faint, &label));
    }

    fn headline(&mut self) {
        let path = visible(&self.result.path).into_owned();
        let _ = write!(self.text, "{}: ", self.paint().paint(Tone::Strong, &path));
        let (word, tone) = outcome(self.result);
        let words = match (self.result.status, self.result.verdict) {
            (FileStatus::Verified, None) if self.result.passed => {
                "verified: the signature covers this file".to_owned()
            }
            (FileStatus::Verified, None) => "verified, but not accepted".to_owned(),
            (FileStatus::Rejected, _) => format!("DOES NOT VERIFY ({word})"),
            (FileStatus::Unsigned, _) => "NOT SIGNED (unsigned)".to_owned(),
            (FileStatus::Malformed, _) if self.result.is_out_of_range() => {
                "NOT FOR THESE ANDROID VERSIONS (unreadable)".to_owned()
            }
            (FileStatus::Malformed, _) => "NOT AN APK that can be read (unreadable)".to_owned(),
            (FileStatus::Unjudged | FileStatus::Skipped, _) => {
                format!("{word}: {}", visible(self.result.error.as_deref().unwrap_or_default()))
            }
            (_, Some(_)) => word.to_owned(),
        };
        let tone = if self.result.passed || tone as u8 != Tone::Good as u8 { tone } else { Tone::Bad };
        let _ = writeln!(self.text, "{}", self.paint().paint(tone, &words));
        if self.result.status == FileStatus::Verified && !self.result.passed {
            self.findings(true);
        }
    }

    fn app(&mut self) {
        let result = self.result;
        let package = result.package.as_deref().unwrap_or("(none)");
        self.line("package", &app_text(package, result.version_name.as_deref(), result.version_code));
        if result.debuggable == Some(true) {
            self.line("", "debuggable");
        }
        if let Some(developer) = &result.developer {
            let name_zh = developer.name_zh.as_ref().map(|name| format!(" {}", visible(name)));
            let name = format!(
                "{}{} ({})",
                visible(&developer.name),
                name_zh.unwrap_or_default(),
                visible(&developer.id)
            );
            self.line("developer", &name);
        }
    }

    fn range(&mut self) {
        let Some(min) = self.result.min_sdk else { return };
        self.line("checked for", &android(min, self.result.max_sdk));
    }

    /// Who signed. One block for all Android versions when they agree, else one for each range.
    fn signers(&mut self) {
        let result = self.result;
        let mut views: Vec<AndroidVersions> = Vec::new();
        for view in &result.android_versions {
            match views.last_mut() {
                Some(last) if last.signers == view.signers => last.max_sdk = view.max_sdk,
                _ => views.push(view.clone()),
            }
        }
        let several = views.len() > 1;
        for view in &views {
            if several {
                let api = format!("on {}", android(view.min_sdk, view.max_sdk));
                self.line("signed by", &api);
            }
            for (position, digest) in view.signers.iter().enumerate() {
                let label = match (position, several) {
                    (0, true) => "",
                    (0, false) => "signed by",
                    _ => "and by",
                };
                let signer = result
                    .schemes
                    .iter()
                    .flat_map(|scheme| &scheme.signers)
                    .find(|signer| signer.certificate.sha256 == *digest);
                match signer {
                    Some(signer) => self.signer(label, signer),
                    None => self.line(label, digest),
                }
            }
        }
        if views.is_empty() {
            for (position, signer) in result.signers().into_iter().enumerate() {
                self.signer(if position == 0 { "signed by" } else { "and by" }, signer);
            }
        }
        self.lineage();
        for signer in result.signers_of(crate::finding::SchemeId::SourceStamp) {
            self.signer("stamped by", signer);
        }
        if let Some(seconds) = result.stamp_timestamp {
            self.line("", &format!("at        {}", instant(seconds)));
        }
    }

    fn signer(&mut self, label: &str, signer: &SignerRow) {
        self.certificate(label, &signer.certificate);
        if let Some(classical) = signer.partner() {
            self.line("", &format!("beside    {}  {}", classical.sha256, visible(&classical.subject)));
        }
        if self.options.verbose && !signer.algorithms.is_empty() {
            let algorithms = signer.algorithms.join(", ");
            self.line("", &format!("signature {}", visible(&algorithms)));
        }
    }

    fn certificate(&mut self, label: &str, certificate: &CertificateRow) {
        let CertificateRow { subject, sha256, .. } = certificate;
        self.line(label, &visible(subject));
        self.line("", &format!("SHA-256   {sha256}"));
        if !self.options.certificates {
            return;
        }
        let key = match certificate.key_bits {
            0 => visible(&certificate.key_algorithm).into_owned(),
            bits => format!("{} {bits}", visible(&certificate.key_algorithm)),
        };
        self.line("", &format!("SHA-1     {}", certificate.sha1));
        self.line("", &format!("MD5       {}", certificate.md5));
        self.line("", &format!("key       {key}, SHA-256 {}", certificate.public_key_sha256));
    }

    fn lineage(&mut self) {
        let result = self.result;
        let Some(signer) = result.signers().into_iter().find(|signer| signer.lineage.len() > 1) else {
            return;
        };
        for (position, node) in signer.lineage.iter().enumerate() {
            let label = if position == 0 { "rotation" } else { "" };
            let arrow = if position == 0 { "from" } else { "to  " };
            self.line(label, &format!("{arrow}      {}  {}", node.sha256, visible(&node.subject)));
        }
    }

    fn schemes(&mut self) {
        let result = self.result;
        if self.options.verbose {
            for (position, scheme) in result.schemes.iter().enumerate() {
                let label = if position == 0 { "schemes" } else { "" };
                self.line(label, &format!("{:<6}{}", scheme.scheme.as_str(), scheme_words(scheme)));
            }
            return;
        }
        let seen: Vec<String> = result
            .schemes
            .iter()
            .filter(|scheme| matches!(scheme.outcome, "verified" | "rejected"))
            .map(|scheme| format!("{} {}", scheme.scheme, scheme.outcome))
            .collect();
        if !seen.is_empty() {
            self.line("schemes", &seen.join(", "));
        }
    }

    /// What a file that does not verify says of itself.
    fn claims(&mut self) {
        let result = self.result;
        if let Some(package) = &result.claimed_package {
            let app = app_text(package, result.claimed_version_name.as_deref(), result.claimed_version_code);
            self.line("claims", &format!("{app}; not verified"));
        }
        for certificate in &result.claimed_certificates {
            self.certificate("claims by", certificate);
        }
    }

    /// Errors in the first place, the rest below.
    fn findings(&mut self, errors: bool) {
        let result = self.result;
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut held_back: Vec<(&str, usize)> = Vec::new();
        let errors_above = result.status != FileStatus::Verified || !result.passed;
        for finding in &result.findings {
            if finding.is_error() != errors || (finding.severity == Severity::Note && !self.options.verbose) {
                continue;
            }
            let count = seen.entry(finding.code).or_insert(0);
            *count = count.saturating_add(1);
            if *count <= SAME_CODE_SHOWN || self.options.verbose {
                self.finding(finding);
            } else if let Some((_, more)) = held_back.iter_mut().find(|(code, _)| *code == finding.code) {
                *more = more.saturating_add(1);
            } else {
                held_back.push((finding.code, 1));
            }
        }
        for (code, more) in held_back {
            let _ = writeln!(self.text, "              and {more} more {code}; --verbose shows them all");
        }
        debug_assert!(!errors || errors_above, "errors of a file that passed would be shown twice");
    }

    fn finding(&mut self, finding: &FindingRow) {
        let tone = match finding.severity {
            Severity::Error if finding.is_error() => Tone::Bad,
            Severity::Error | Severity::Warning => Tone::Doubtful,
            Severity::Note => Tone::Faint,
        };
        let severity = format!("{:<11}", finding.severity.as_str());
        let code = format!("[{}]", finding.code);
        let paint = self.paint();
        let _ = writeln!(
            self.text,
            "  {} {}{} {}",
            paint.paint(tone, &severity),
            place(finding),
            visible(&finding.message),
            paint.paint(Tone::Faint, &code)
        );
        if let (Some(expected), Some(actual)) = (&finding.expected, &finding.actual) {
            let _ = writeln!(self.text, "              expected  {}", visible(expected));
            let _ = writeln!(self.text, "              actual    {}", visible(actual));
        }
    }
}

/// An instant in the form of RFC 3339.
pub(super) fn instant(unix_seconds: u64) -> String {
    let instant = i64::try_from(unix_seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    instant.map_or_else(|| format!("{unix_seconds} seconds after 1970"), |instant| instant.to_string())
}

pub(super) fn app_text(package: &str, version_name: Option<&str>, version_code: Option<u64>) -> String {
    let mut text = visible(package).into_owned();
    if let Some(name) = version_name {
        let _ = write!(text, " {}", visible(name));
    }
    if let Some(code) = version_code {
        let _ = write!(text, " (version code {code})");
    }
    text
}

pub(super) fn scheme_words(scheme: &SchemeRow) -> String {
    let reason = match scheme.reason {
        Some(NotChecked::NoVersionInRange) => ": no Android version in range reads it",
        Some(NotChecked::NewerSchemeDecides) => ": a newer scheme decides",
        Some(NotChecked::EarlierFailure) => ": a scheme that is read first failed",
        Some(NotChecked::Malformed) => ": the file could not be read that far",
        None => "",
    };
    format!("{}{reason}", scheme.outcome.replace('-', " "))
}

/// Where a finding stands: `v2 signer 1, classes.dex: `.
pub(super) fn place(finding: &FindingRow) -> String {
    let mut parts: Vec<String> = Vec::new();
    match (&finding.scheme, &finding.signer) {
        (Some(scheme), Some(signer)) => {
            let ignored = if signer.ignored { ", which Android ignores" } else { "" };
            match &signer.name {
                Some(name) => parts.push(format!("{scheme} signer {}{ignored}", visible(name))),
                None => parts.push(format!("{scheme} signer {}{ignored}", signer.signer)),
            }
        }
        (Some(scheme), None) => parts.push(scheme.to_string()),
        _ => {}
    }
    parts
        .extend([&finding.file, &finding.entry].into_iter().flatten().map(|name| visible(name).into_owned()));
    if let Some(offset) = finding.offset {
        parts.push(format!("at {offset:#x}"));
    }
    if let Some(levels) = finding.api_levels {
        parts.push(android(levels.min, levels.max));
    }
    if parts.is_empty() { String::new() } else { format!("{}: ", parts.join(", ")) }
}

/// `Android 7.0 and newer (API 24+)`, `Android 7.0 to 8.1 (API 24-27)`.
pub(super) fn android(min: u32, max: Option<u32>) -> String {
    match max {
        None => format!("Android {} and newer (API {min}+)", release(min)),
        Some(max) if max == min => format!("Android {} (API {min})", release(min)),
        Some(max) => format!("Android {} to {} (API {min}-{max})", release(min), release(max)),
    }
}

/// The version of Android that brought an API level. Source: Android's `Build.VERSION_CODES`.
fn release(api: u32) -> Cow<'static, str> {
    const RELEASES: [&str; 37] = [
        "1.0", "1.1", "1.5", "1.6", "2.0", "2.0.1", "2.1", "2.2", "2.3", "2.3.3", "3.0", "3.1", "3.2", "4.0",
        "4.0.3", "4.1", "4.2", "4.3", "4.4", "4.4W", "5.0", "5.1", "6.0", "7.0", "7.1", "8.0", "8.1", "9",
        "10", "11", "12", "12L", "13", "14", "15", "16", "17",
    ];
    let index = usize::try_from(api).ok().and_then(|api| api.checked_sub(1));
    match index.and_then(|index| RELEASES.get(index)) {
        Some(name) => Cow::Borrowed(name),
        None if api == 0 => Cow::Borrowed("1.0"),
        None => Cow::Owned(format!("API {api}")),
    }
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
        self.summary(summary)?;
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

    fn summary(&mut self, summary: &Summary) -> io::Result<()> {
        let mut parts: Vec<String> = summary
            .verdicts
            .iter()
            .filter(|(_, count)| *count > 0)
            .map(|(verdict, count)| format!("{count} {verdict}"))
            .collect();
        parts.reverse();
        let judged = if parts.is_empty() {
            "no APK was judged".to_owned()
        } else {
            format!("{} judged: {}", files(summary.judged), parts.join(", "))
        };
        writeln!(self.out, "\n{judged}")?;
        if summary.unjudged > 0 {
            writeln!(self.out, "{} could not be judged: see the rows marked error", files(summary.unjudged))?;
        }
        if summary.skipped > 0 {
            let many = if summary.skipped == 1 { "link or special file" } else { "links or special files" };
            writeln!(self.out, "{} {many} skipped", summary.skipped)?;
        }
        if summary.not_apk > 0 {
            let named = files(summary.not_apk);
            writeln!(self.out, "{named} not named .apk skipped; --all-files looks at them too")?;
        }
        Ok(())
    }
}

fn files(count: u64) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
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
