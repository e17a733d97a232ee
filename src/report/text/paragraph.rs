//! A paragraph a file.

use std::fmt::Write as _;
use std::io;
use std::io::Write;

use super::android::android_in;
use super::fit::padded;
use super::paint::Paint;
use super::paint::Tone;
use super::summary;
use super::wording::app_text_in;
use super::wording::instant;
use super::wording::outcome_in;
use super::wording::scheme_outcome;
use super::wording::scheme_words_in;
use crate::container::ContainerKind;
use crate::report::FileResult;
use crate::report::Language;
use crate::report::ReportOptions;
use crate::report::ReportWriter;
use crate::report::Summary;
use crate::report::escape::brief;
use crate::report::escape::brief_path;
use crate::report::escape::visible;
use crate::report::model::AndroidVersions;
use crate::report::model::CertificateRow;
use crate::report::model::FileStatus;
use crate::report::model::SignerRow;

// Words that are said in more than one place.
const SIGNED_BY: &str = "签名者";
const SCHEMES: &str = "签名方案";
const PASSED: (&str, &str) = ("PASSED", "通过");
const FAILED: (&str, &str) = ("FAILED", "不通过");
const NOT_ENFORCED: (&str, &str) = ("NOT ENFORCED, would have FAILED", "未强制执行，本应不通过");

pub(super) fn open<'a>(out: Box<dyn Write + 'a>, options: &ReportOptions) -> Box<dyn ReportWriter + 'a> {
    Box::new(Paragraphs { out, options: options.clone(), files: 0 })
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
        self.out.write_all(paragraph(result, &self.options).as_bytes())
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        let lines = summary::of_paragraphs(summary, self.options.language);
        if !lines.is_empty() && self.files > 0 {
            writeln!(self.out)?;
        }
        for line in lines {
            writeln!(self.out, "{line}")?;
        }
        self.out.flush()
    }
}

/// What is said of one file.
pub(in crate::report) fn paragraph(result: &FileResult, options: &ReportOptions) -> String {
    Paragraph { result, options, text: String::new() }.render()
}

pub(super) struct Paragraph<'a> {
    pub(super) result: &'a FileResult,
    pub(super) options: &'a ReportOptions,
    pub(super) text: String,
}

impl Paragraph<'_> {
    fn render(mut self) -> String {
        if self.result.container.is_some() {
            self.container();
            return self.text;
        }
        self.headline();
        match self.result.status {
            FileStatus::Unjudged | FileStatus::Skipped => {}
            FileStatus::Verified => {
                self.app();
                self.range();
                self.signers();
                self.parties();
                self.key_change();
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
        self.rules();
        self.text
    }

    pub(super) fn paint(&self) -> Paint {
        Paint(self.options.colour)
    }

    /// The text of the language in which this speaks.
    pub(super) fn pick<T>(&self, english: T, chinese: T) -> T {
        self.options.language.pick(english, chinese)
    }

    /// A line with a label in front, in English and in Chinese.
    pub(super) fn say(&mut self, english: &str, chinese: &str, text: &str) {
        self.line(self.options.language.pick(english, chinese), text);
    }

    /// A line with a word in front of its text, in English and in Chinese.
    fn word(&mut self, english: &str, chinese: &str, text: &str) {
        let word = padded(self.pick(english, chinese), 10);
        self.line("", &format!("{word}{text}"));
    }

    pub(super) fn line(&mut self, label: &str, text: &str) {
        let label = padded(label, 11);
        let _ = writeln!(self.text, "  {} {text}", self.paint().paint(Tone::Faint, &label));
    }

    /// A container: what it is and comes to, and who put it together. Its members follow.
    fn container(&mut self) {
        let Some(container) = &self.result.container else { return };
        let what = match (container.kind, container.members) {
            (ContainerKind::AppBundle, _) => self
                .pick(
                    "an app bundle, NOT AN APP that can be installed",
                    "应用包（App Bundle），不是可安装的应用",
                )
                .to_owned(),
            (kind, 1) => self.pick(format!("{kind} container of 1 member"), format!("{kind} 容器，1 个成员")),
            (kind, members) => self.pick(
                format!("{kind} container of {members} members"),
                format!("{kind} 容器，{members} 个成员"),
            ),
        };
        let (word, tone) = outcome_in(self.options.language, self.result);
        let come_to = match (self.result.would_fail(), self.result.passed) {
            (true, _) => format!("{} ({word})", self.pick(NOT_ENFORCED.0, NOT_ENFORCED.1)),
            (false, true) if self.options.policy.is_some() => {
                format!("{} ({word})", self.pick(PASSED.0, PASSED.1))
            }
            (false, true) => word.to_owned(),
            (false, false) => format!("{} ({word})", self.pick(FAILED.0, FAILED.1)),
        };
        let path = brief_path(&self.result.path).into_owned();
        let (path, come_to) = (self.paint().paint(Tone::Strong, &path), self.paint().paint(tone, &come_to));
        let _ = writeln!(self.text, "{path}: {what}: {come_to}");
        if !self.result.passed || self.result.would_fail() {
            self.findings(true);
        }
        let signed = match container.signature {
            "absent" => self.pick("no signature of its own", "自身没有签名").to_owned(),
            word => {
                let of = if word == "unreadable" {
                    "无法读取".to_owned()
                } else {
                    scheme_outcome(Language::Chinese, word)
                };
                self.pick(format!("its own signature: {word}"), format!("自身的签名：{of}"))
            }
        };
        let (english, chinese) = match container.kind {
            ContainerKind::AppBundle => ("upload key", "上传密钥"),
            _ => ("container", "容器"),
        };
        self.say(english, chinese, &signed);
        for signer in &container.signers {
            self.line("", &brief(&signer.subject));
            self.line("", &format!("SHA-256   {}", signer.sha256));
        }
        self.findings(false);
    }

    fn headline(&mut self) {
        let path = brief_path(&self.result.path).into_owned();
        let _ = write!(self.text, "{}: ", self.paint().paint(Tone::Strong, &path));
        let (word, tone) = outcome_in(self.options.language, self.result);
        let words = match (self.result.status, self.result.verdict) {
            (_, Some(_)) if self.result.policy.is_some() => {
                let (english, chinese) = match (self.result.would_fail(), self.result.passed) {
                    (true, _) => NOT_ENFORCED,
                    (false, true) => PASSED,
                    (false, false) => FAILED,
                };
                format!("{} ({word})", self.pick(english, chinese))
            }
            (FileStatus::Verified, None) if self.result.passed => {
                self.pick("verified: the signature covers this file", "签名有效：签名覆盖此文件").to_owned()
            }
            (FileStatus::Verified, None) => {
                self.pick("verified, but not accepted", "签名有效，但不被接受").to_owned()
            }
            (FileStatus::Rejected, _) => format!("{} ({word})", self.pick("DOES NOT VERIFY", "签名校验失败")),
            (FileStatus::Unsigned, _) => self.pick("NOT SIGNED (unsigned)", "未签名").to_owned(),
            (FileStatus::Malformed, _) if self.result.is_out_of_range() => self
                .pick("NOT FOR THESE ANDROID VERSIONS (unreadable)", "不适用于这些 Android 版本 (无法解析)")
                .to_owned(),
            (FileStatus::Malformed, _) => self
                .pick("NOT AN APK that can be read (unreadable)", "不是可读取的 APK (无法解析)")
                .to_owned(),
            (FileStatus::Unjudged | FileStatus::Skipped, _) => {
                format!("{word}: {}", visible(self.result.error.as_deref().unwrap_or_default()))
            }
            (_, Some(_)) => word.to_owned(),
        };
        let good = self.result.passed && !self.result.would_fail();
        let tone = if good || tone as u8 != Tone::Good as u8 { tone } else { Tone::Bad };
        let _ = writeln!(self.text, "{}", self.paint().paint(tone, &words));
        if self.result.status == FileStatus::Verified && !good {
            self.findings(true);
        }
    }

    fn app(&mut self) {
        let result = self.result;
        let package = result.package.as_deref().unwrap_or(self.pick("(none)", "(无)"));
        self.say(
            "package",
            "包名",
            &app_text_in(self.options.language, package, result.version_name.as_deref(), result.version_code),
        );
        if result.debuggable == Some(true) {
            self.line("", self.pick("debuggable", "可调试"));
        }
        if let Some(developer) = result.developer.as_ref().filter(|_| result.policy.is_none()) {
            let name_zh = developer.name_zh.as_ref().map(|name| format!(" {}", visible(name)));
            let name = format!(
                "{}{} ({})",
                brief(&developer.name),
                name_zh.unwrap_or_default(),
                visible(&developer.id)
            );
            self.say("developer", "开发者", &name);
        }
    }

    fn range(&mut self) {
        let Some(min) = self.result.min_sdk else { return };
        self.say("checked for", "检查范围", &android_in(self.options.language, min, self.result.max_sdk));
    }

    /// Who signed. One block for all Android versions when they agree, else one for each range.
    fn signers(&mut self) {
        let result = self.result;
        let mut views: Vec<AndroidVersions> = Vec::new();
        for view in &result.android_versions {
            match views.last_mut() {
                // Of what they sign with, the newest scheme's is told.
                Some(last) if last.signers == view.signers => {
                    (last.max_sdk, last.scheme) = (view.max_sdk, view.scheme);
                }
                _ => views.push(view.clone()),
            }
        }
        let several = views.len() > 1;
        for view in &views {
            if several {
                let on = android_in(self.options.language, view.min_sdk, view.max_sdk);
                let api = self.pick(format!("on {on}"), format!("在 {on} 上"));
                self.say("signed by", SIGNED_BY, &api);
            }
            for (position, digest) in view.signers.iter().enumerate() {
                let label = match (position, several) {
                    (0, true) => "",
                    (0, false) => self.pick("signed by", SIGNED_BY),
                    _ => self.pick("and by", "以及"),
                };
                let of_scheme = result.signers_of(view.scheme).iter();
                let signer = of_scheme.rev().find(|signer| signer.certificate.sha256 == *digest);
                match signer {
                    Some(signer) => self.signer(label, signer),
                    None => self.line(label, digest),
                }
            }
        }
        if views.is_empty() {
            for (position, signer) in result.signers().into_iter().enumerate() {
                let label = match position {
                    0 => self.pick("signed by", SIGNED_BY),
                    _ => self.pick("and by", "以及"),
                };
                self.signer(label, signer);
            }
        }
        self.lineage();
        for signer in result.signers_of(crate::finding::SchemeId::SourceStamp) {
            self.signer(self.pick("stamped by", "来源戳"), signer);
        }
        if let Some(seconds) = result.stamp_timestamp {
            self.word("at", "时间", &instant(seconds));
        }
    }

    fn signer(&mut self, label: &str, signer: &SignerRow) {
        self.certificate(label, &signer.certificate);
        if let Some(classical) = signer.partner() {
            self.word("beside", "并列", &format!("{}  {}", classical.sha256, brief(&classical.subject)));
        }
        if self.options.verbose && !signer.algorithms.is_empty() {
            let algorithms = signer.algorithms.join(", ");
            self.word("signature", "签名算法", &visible(&algorithms));
        }
    }

    fn certificate(&mut self, label: &str, certificate: &CertificateRow) {
        let CertificateRow { subject, sha256, .. } = certificate;
        self.line(label, &brief(subject));
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
        self.word("key", "密钥", &format!("{key}, SHA-256 {}", certificate.public_key_sha256));
    }

    fn lineage(&mut self) {
        let result = self.result;
        let Some(signer) = result.signers().into_iter().find(|signer| signer.lineage.len() > 1) else {
            return;
        };
        for (position, node) in signer.lineage.iter().enumerate() {
            let label = if position == 0 { self.pick("rotation", "密钥轮换") } else { "" };
            let arrow = if position == 0 { self.pick("from", "自") } else { self.pick("to", "至") };
            let node = format!("{}{}  {}", padded(arrow, 10), node.sha256, brief(&node.subject));
            self.line(label, &node);
        }
    }

    fn schemes(&mut self) {
        let result = self.result;
        if self.options.verbose {
            for (position, scheme) in result.schemes.iter().enumerate() {
                let label = if position == 0 { self.pick("schemes", SCHEMES) } else { "" };
                let words = scheme_words_in(self.options.language, scheme);
                self.line(label, &format!("{:<6}{words}", scheme.scheme.as_str()));
            }
            return;
        }
        let seen: Vec<String> = result
            .schemes
            .iter()
            .filter(|scheme| matches!(scheme.outcome, "verified" | "rejected"))
            .map(|scheme| {
                format!("{} {}", scheme.scheme, scheme_outcome(self.options.language, scheme.outcome))
            })
            .collect();
        if !seen.is_empty() {
            self.say("schemes", SCHEMES, &seen.join(", "));
        }
    }

    /// What a file that does not verify says of itself.
    fn claims(&mut self) {
        let result = self.result;
        if let Some(package) = &result.claimed_package {
            let (name, code) = (result.claimed_version_name.as_deref(), result.claimed_version_code);
            let app = app_text_in(self.options.language, package, name, code);
            let claim = self.pick(format!("{app}; not verified"), format!("{app}；未经验证"));
            self.say("claims", "自称", &claim);
        }
        for certificate in &result.claimed_certificates {
            self.certificate(self.pick("claims by", "自称签名者"), certificate);
        }
    }
}
