//! A paragraph a file.

use std::fmt::Write as _;
use std::io;
use std::io::Write;

use super::android::android;
use super::paint::Paint;
use super::paint::Tone;
use super::summary;
use super::wording::app_text;
use super::wording::instant;
use super::wording::outcome;
use super::wording::scheme_words;
use crate::container::ContainerKind;
use crate::report::FileResult;
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
        let lines = summary::of_paragraphs(summary);
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

    pub(super) fn line(&mut self, label: &str, text: &str) {
        let label = format!("{label:<11}");
        let _ = writeln!(self.text, "  {} {text}", self.paint().paint(Tone::Faint, &label));
    }

    /// A container: what it is and comes to, and who put it together. Its members follow.
    fn container(&mut self) {
        let Some(container) = &self.result.container else { return };
        let what = match (container.kind, container.members) {
            (ContainerKind::AppBundle, _) => "an app bundle, NOT AN APP that can be installed".to_owned(),
            (kind, 1) => format!("{kind} container of 1 member"),
            (kind, members) => format!("{kind} container of {members} members"),
        };
        let (word, tone) = outcome(self.result);
        let come_to = match (self.result.would_fail(), self.result.passed) {
            (true, _) => format!("NOT ENFORCED, would have FAILED ({word})"),
            (false, true) if self.options.policy.is_some() => format!("PASSED ({word})"),
            (false, true) => word.to_owned(),
            (false, false) => format!("FAILED ({word})"),
        };
        let path = brief_path(&self.result.path).into_owned();
        let (path, come_to) = (self.paint().paint(Tone::Strong, &path), self.paint().paint(tone, &come_to));
        let _ = writeln!(self.text, "{path}: {what}: {come_to}");
        if !self.result.passed || self.result.would_fail() {
            self.findings(true);
        }
        let signed = match container.signature {
            "absent" => "no signature of its own".to_owned(),
            word => format!("its own signature: {word}"),
        };
        let label = if container.kind == ContainerKind::AppBundle { "upload key" } else { "container" };
        self.line(label, &signed);
        for signer in &container.signers {
            self.line("", &brief(&signer.subject));
            self.line("", &format!("SHA-256   {}", signer.sha256));
        }
        self.findings(false);
    }

    fn headline(&mut self) {
        let path = brief_path(&self.result.path).into_owned();
        let _ = write!(self.text, "{}: ", self.paint().paint(Tone::Strong, &path));
        let (word, tone) = outcome(self.result);
        let words = match (self.result.status, self.result.verdict) {
            (_, Some(verdict)) if self.result.policy.is_some() => {
                let words = match (self.result.would_fail(), self.result.passed) {
                    (true, _) => "NOT ENFORCED, would have FAILED",
                    (false, true) => "PASSED",
                    (false, false) => "FAILED",
                };
                format!("{words} ({verdict})")
            }
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
        let good = self.result.passed && !self.result.would_fail();
        let tone = if good || tone as u8 != Tone::Good as u8 { tone } else { Tone::Bad };
        let _ = writeln!(self.text, "{}", self.paint().paint(tone, &words));
        if self.result.status == FileStatus::Verified && !good {
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
        if let Some(developer) = result.developer.as_ref().filter(|_| result.policy.is_none()) {
            let name_zh = developer.name_zh.as_ref().map(|name| format!(" {}", visible(name)));
            let name = format!(
                "{}{} ({})",
                brief(&developer.name),
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
                let api = format!("on {}", android(view.min_sdk, view.max_sdk));
                self.line("signed by", &api);
            }
            for (position, digest) in view.signers.iter().enumerate() {
                let label = match (position, several) {
                    (0, true) => "",
                    (0, false) => "signed by",
                    _ => "and by",
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
            self.line("", &format!("beside    {}  {}", classical.sha256, brief(&classical.subject)));
        }
        if self.options.verbose && !signer.algorithms.is_empty() {
            let algorithms = signer.algorithms.join(", ");
            self.line("", &format!("signature {}", visible(&algorithms)));
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
            self.line(label, &format!("{arrow}      {}  {}", node.sha256, brief(&node.subject)));
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
}
