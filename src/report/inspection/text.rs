//! Everything that one file shows, as text for people: a section for each subject, offsets in hexadecimal.

use std::fmt::Write as _;

use super::DeviceRow;
use super::InspectedCertificate;
use super::InspectionRow;
use super::LineageFileRow;
use super::SigningBlockRow;
use super::map;
use crate::finding::SchemeId;
use crate::report::IdentityRow;
use crate::report::ReportOptions;
use crate::report::escape::brief;
use crate::report::escape::brief_path;
use crate::report::escape::columns;
use crate::report::escape::visible;
use crate::report::model::FileStatus;
use crate::report::model::LineageRow;
use crate::report::model::SignerRow;
use crate::report::text::Paint;
use crate::report::text::Tone;
use crate::report::text::android;
use crate::report::text::app_text;
use crate::report::text::finding_lines;
use crate::report::text::instant;
use crate::report::text::scheme_words;

/// So many pairs are listed unless everything is asked for.
const PAIRS_SHOWN: usize = 40;
/// So many labels of other languages are listed unless everything is asked for.
const LABELS_SHOWN: usize = 10;
/// So many things that it carries besides are listed unless everything is asked for.
const MARKS_SHOWN: usize = 30;
/// So many digits of a number are shown before the rest is left to the JSON form.
const DIGITS_SHOWN: usize = 64;

/// The text of `row`; `options` say whether it is coloured and complete.
pub fn text(row: &InspectionRow, options: &ReportOptions) -> String {
    let mut page = Page { row, options, text: String::new() };
    page.head();
    page.app();
    page.findings();
    page.devices();
    page.schemes();
    page.certificates();
    page.marks();
    page.signing_block();
    page.archive();
    page.text
}

/// The text of a lineage file.
pub fn lineage_text(row: &LineageFileRow, options: &ReportOptions) -> String {
    let paint = Paint(options.colour);
    let path = brief_path(&row.path).into_owned();
    let mut text = String::new();
    if let Some(fault) = &row.fault {
        let fault = visible(fault).into_owned();
        let _ = writeln!(text, "{}: {}", paint.paint(Tone::Strong, &path), paint.paint(Tone::Bad, &fault));
        return text;
    }
    let count = row.nodes.len();
    let words = format!("a lineage of {count} certificates, each of which vouches for the next");
    let _ = writeln!(text, "{}: {}", paint.paint(Tone::Strong, &path), paint.paint(Tone::Good, &words));
    if let Some(min_sdk) = row.min_sdk {
        let _ = writeln!(text, "  for {}", android(min_sdk, None));
    }
    for (position, node) in row.nodes.iter().enumerate() {
        let _ = writeln!(text, "  {}  {}  {}", position.saturating_add(1), node.sha256, brief(&node.subject));
        if position.saturating_add(1) < count {
            let all = node.capabilities.join(", ");
            let all = if all.is_empty() { "nothing" } else { &all };
            let _ = writeln!(text, "     keeps {all} ({:#x}), once an APK is signed with it", node.flags);
        }
    }
    text
}

struct Page<'a> {
    row: &'a InspectionRow,
    options: &'a ReportOptions,
    text: String,
}

impl Page<'_> {
    fn paint(&self) -> Paint {
        Paint(self.options.colour)
    }

    fn section(&mut self, title: &str) {
        let title = self.paint().paint(Tone::Strong, title).into_owned();
        let _ = writeln!(self.text, "\n{title}");
    }

    fn line(&mut self, label: &str, text: &str) {
        let label = format!("{label}{}", " ".repeat(11_usize.saturating_sub(columns(label))));
        let _ = writeln!(self.text, "  {} {text}", self.paint().paint(Tone::Faint, &label));
    }

    fn head(&mut self) {
        let file = &self.row.file;
        let (words, tone) = match file.status {
            FileStatus::Verified if file.passed => {
                ("the signature covers this file, and verifies", Tone::Good)
            }
            FileStatus::Verified => ("the signature holds, but Android refuses to open the file", Tone::Bad),
            FileStatus::Rejected => ("DOES NOT VERIFY: see the findings", Tone::Bad),
            FileStatus::Unsigned => ("NOT SIGNED", Tone::Bad),
            _ => ("NOT AN APK that can be read", Tone::Bad),
        };
        let path = brief_path(&file.path).into_owned();
        let paint = self.paint();
        let _ = writeln!(self.text, "{}: {}", paint.paint(Tone::Strong, &path), paint.paint(tone, words));
        if let Some(size) = file.size {
            self.line("size", &format!("{size} bytes"));
        }
        self.line("SHA-256", &self.row.sha256);
    }

    fn app(&mut self) {
        let row = self.row;
        let (identity, claim) = match (&row.identity, &row.claimed_identity) {
            (Some(identity), _) => (identity, ""),
            (None, Some(identity)) => (identity, ": a claim, which nothing verifies"),
            (None, None) => return,
        };
        self.section(&format!("App{claim}"));
        let package = identity.package.as_deref().unwrap_or("(none)");
        self.line("package", &app_text(package, identity.version_name.as_deref(), identity.version_code));
        if let Some(label) = &identity.display_label {
            self.line("label", &brief(label));
        }
        self.labels(identity);
        if let Some(split) = &identity.split {
            self.line("split", &brief(&split.name));
        }
        self.line("SDK", &sdk_levels(identity));
        if let Some(min) = row.file.min_sdk {
            self.line("inspected", &format!("for {}", android(min, row.file.max_sdk)));
        }
        if identity.debuggable {
            self.line("", "debuggable");
        }
        if identity.test_only {
            self.line("", "to be installed for tests alone");
        }
    }

    /// What the label is in other languages and on other devices.
    fn labels(&mut self, identity: &IdentityRow) {
        let others: Vec<_> = identity
            .label
            .variants
            .iter()
            .filter(|variant| Some(&variant.text) != identity.display_label.as_ref())
            .collect();
        let shown = if self.options.verbose { others.len() } else { LABELS_SHOWN };
        for variant in others.iter().take(shown) {
            let place = if variant.locale.is_empty() { &variant.qualifiers } else { &variant.locale };
            self.line("", &format!("{}  {}", brief(place), brief(&variant.text)));
        }
        self.more(others.len(), shown);
        self.launchers(identity);
    }

    /// What stands below the icons in a launcher, where that is not the name of the app.
    fn launchers(&mut self, identity: &IdentityRow) {
        let own: Vec<(&str, &str)> = identity
            .launchers
            .iter()
            .filter_map(|launcher| Some((launcher.name.as_str(), launcher.label.text.as_deref()?)))
            .filter(|(_, text)| Some(*text) != identity.label.text.as_deref())
            .collect();
        let shown = if self.options.verbose { own.len() } else { LABELS_SHOWN };
        for (name, text) in own.iter().take(shown) {
            self.line("launcher", &format!("{}  ({})", brief(text), brief(name)));
        }
        self.more(own.len(), shown);
    }

    fn findings(&mut self) {
        let lines = finding_lines(self.row.file.findings.iter(), self.options);
        if !lines.is_empty() {
            self.section("Findings");
            self.text.push_str(&lines);
        }
    }

    fn devices(&mut self) {
        if self.row.devices.is_empty() {
            return;
        }
        self.section("Who each Android version sees");
        for device in &self.row.devices {
            self.device(device);
        }
        if self.row.file.status == FileStatus::Rejected
            && self.row.devices.iter().all(|device| device.accepted)
        {
            self.line(
                "",
                "no version refuses the APK by itself; the file fails as a whole: see the findings",
            );
        }
    }

    fn device(&mut self, device: &DeviceRow) {
        let levels = match device.max_sdk {
            None => format!("API {}+", device.min_sdk),
            Some(max) if max == device.min_sdk => format!("API {max}"),
            Some(max) => format!("API {}-{max}", device.min_sdk),
        };
        let names = android(device.min_sdk, device.max_sdk);
        let names = names.split(" (API").next().unwrap_or_default();
        let paint = self.paint();
        if let Some(scheme) = device.scheme {
            let by = paint.paint(Tone::Good, scheme.as_str()).into_owned();
            self.line(&levels, &format!("{names}: by {by}; {}", visible(&device.why)));
        } else {
            let refused = paint.paint(Tone::Bad, "refused").into_owned();
            self.line(&levels, &format!("{names}: {refused}: {}", visible(&device.why)));
            if !device.refused_for.is_empty() {
                self.line("", &format!("[{}]", device.refused_for.join("] [")));
            }
        }
        for digest in &device.signers {
            let subject = self.row.certificate(digest).map_or("", |row| row.certificate.subject.as_str());
            self.line("", &format!("{digest}  {}", brief(subject)));
        }
        if let Some(digest) = &device.classical_partner {
            let subject = self.row.certificate(digest).map_or("", |row| row.certificate.subject.as_str());
            self.line("", &format!("{digest}  {}, beside it", brief(subject)));
        }
    }

    fn schemes(&mut self) {
        let row = self.row;
        if row.file.schemes.is_empty() {
            return;
        }
        // One answer for all versions, as apksig gives it; that of a single version may be another.
        let at_once =
            if row.file.status == FileStatus::Rejected { ", over all versions at once" } else { "" };
        self.section(&format!("Schemes{at_once}"));
        for scheme in &row.file.schemes {
            self.line(scheme.scheme.as_str(), &scheme_words(scheme));
            for signer in &scheme.signers {
                self.signer(signer);
            }
            if let (SchemeId::SourceStamp, Some(seconds)) = (scheme.scheme, row.file.stamp_timestamp) {
                self.line("", &format!("stamped at {}, as the distributor says", instant(seconds)));
            }
        }
    }

    fn signer(&mut self, signer: &SignerRow) {
        let name = signer.name.as_deref().map(|name| format!(" ({})", brief(name))).unwrap_or_default();
        let dev = if signer.targets_dev_release { ", for a development release" } else { "" };
        let versions = if signer.unread {
            "which no Android version in range reads".to_owned()
        } else {
            android(signer.min_sdk, signer.max_sdk)
        };
        let algorithms = visible(&signer.algorithms.join(", ")).into_owned();
        self.line("", &format!("signer {}{name}, {versions}{dev}: {algorithms}", signer.signer));
        self.line("", &format!("  {}  {}", signer.certificate.sha256, brief(&signer.certificate.subject)));
        self.lineage(&signer.lineage);
        if let Some(classical) = signer.partner() {
            // Not among the lineage: Android adds it, and nothing that is signed does.
            self.line("", &format!("  beside       {}  {}", classical.sha256, brief(&classical.subject)));
        }
    }

    /// Each certificate, and what those before the last may still do.
    fn lineage(&mut self, lineage: &[LineageRow]) {
        for (position, node) in lineage.iter().enumerate() {
            let word = if position == 0 { "lineage from" } else { "          to" };
            self.line("", &format!("  {word} {}  {}", node.sha256, brief(&node.subject)));
            if position.saturating_add(1) < lineage.len() {
                let all = node.capabilities.join(", ");
                let all = if all.is_empty() { "nothing" } else { &all };
                self.line("", &format!("               keeps {all} ({:#x})", node.flags));
            }
        }
    }

    fn certificates(&mut self) {
        let row = self.row;
        if row.certificates.is_empty() {
            return;
        }
        self.section(if row.file.status == FileStatus::Verified {
            "Certificates"
        } else {
            "Certificates (claimed)"
        });
        for (position, certificate) in row.certificates.iter().enumerate() {
            if position > 0 {
                self.text.push('\n');
            }
            self.certificate(certificate);
        }
    }

    fn certificate(&mut self, certificate: &InspectedCertificate) {
        let row = &certificate.certificate;
        self.line("subject", &brief(&row.subject));
        let issuer = if certificate.self_issued { "itself".into() } else { brief(&certificate.issuer) };
        self.line("issuer", &issuer);
        let time = |time: &Option<String>| time.clone().unwrap_or_else(|| "a time that is none".to_owned());
        self.line(
            "validity",
            &format!("{} to {}", time(&certificate.not_before), time(&certificate.not_after)),
        );
        self.line(
            "serial",
            &format!("{}, signed with {}", certificate.serial, visible(&certificate.signature_algorithm)),
        );
        if certificate.debug {
            self.line("", "a debug certificate of Android's build tools: anybody can make one");
        }
        self.line("SHA-256", &row.sha256);
        self.line("SHA-1", &row.sha1);
        self.line("MD5", &row.md5);
        let mut key = visible(&row.key_algorithm).into_owned();
        if row.key_bits > 0 {
            let _ = write!(key, ", {} bits", row.key_bits);
        }
        if let Some(curve) = certificate.curve {
            let _ = write!(key, ", curve {curve}");
        }
        if let Some(exponent) = certificate.rsa_exponent {
            let _ = write!(key, ", exponent {exponent}");
        }
        self.line("key", &key);
        self.line("  SHA-256", &row.public_key_sha256);
        self.line("  SHA-1", &row.public_key_sha1);
        self.line("  MD5", &row.public_key_md5);
        if let (Some(hex), Some(decimal)) = (&certificate.rsa_modulus, &certificate.rsa_modulus_decimal) {
            self.number("  modulus", hex);
            self.number("  decimal", decimal);
        }
        if let Some(pem) = &certificate.pem {
            self.text.push_str(pem);
        }
    }

    fn number(&mut self, label: &str, digits: &str) {
        match digits.get(..DIGITS_SHOWN).filter(|_| !self.options.verbose && digits.len() > DIGITS_SHOWN) {
            Some(head) => self.line(label, &format!("{head}…; {} digits, --verbose shows all", digits.len())),
            None => self.line(label, digits),
        }
    }

    fn marks(&mut self) {
        let row = self.row;
        if row.marks.is_empty() {
            return;
        }
        self.section("What else it carries");
        let shown = if self.options.verbose { row.marks.len() } else { MARKS_SHOWN };
        let marks = row.marks.get(..shown.min(row.marks.len())).unwrap_or_default();
        self.text.push_str(&crate::report::marks::text(marks));
        self.more(row.marks.len(), shown);
        if row.marks_left_out > 0 {
            self.line("", &format!("{} places were not looked at: there are too many", row.marks_left_out));
        }
    }

    fn signing_block(&mut self) {
        let row = self.row;
        let Some(block) = &row.signing_block else { return };
        self.section("APK Signing Block");
        let SigningBlockRow { offset, size, pairs, fault, unusable } = block;
        self.line(
            "block",
            &format!("{size} bytes at {offset:#x}{}", if *unusable { ", as it says" } else { "" }),
        );
        if let Some(fault) = fault {
            let effect =
                if *unusable { "; Android sees no block at all" } else { "; Android stops reading here" };
            self.line("", &format!("malformed: {}{effect}", visible(fault)));
        }
        let shown = if self.options.verbose { pairs.len() } else { PAIRS_SHOWN };
        for pair in pairs.iter().take(shown) {
            let name = pair.name.unwrap_or("unknown");
            let twice = if pair.duplicate { "  DUPLICATE: Android reads the first one" } else { "" };
            self.line(&pair.id, &format!("{:>9} bytes at {:#010x}  {name}{twice}", pair.size, pair.offset));
        }
        self.more(pairs.len(), shown);
    }

    fn archive(&mut self) {
        let row = self.row;
        let Some(archive) = &row.archive else { return };
        self.section("Archive");
        for (label, text) in map::lines(archive, self.paint(), self.options.verbose) {
            self.line(&label, &text);
        }
    }

    fn more(&mut self, all: usize, shown: usize) {
        let more = all.saturating_sub(shown);
        if more > 0 {
            self.line("", &format!("and {more} more; --verbose shows them all"));
        }
    }
}

/// `min 21, target 34, compiled with 34`.
fn sdk_levels(identity: &IdentityRow) -> String {
    let level = |level: Option<u32>, codename: &Option<String>| match (codename, level) {
        (Some(codename), _) => brief(codename).into_owned(),
        (None, Some(level)) => level.to_string(),
        (None, None) => "unknown".to_owned(),
    };
    let mut text = format!(
        "min {}, target {}",
        level(identity.min_sdk, &identity.min_sdk_codename),
        level(Some(identity.target_sdk), &identity.target_sdk_codename)
    );
    if identity.compile_sdk.is_some() {
        let _ = write!(text, ", compiled with {}", level(identity.compile_sdk, &None));
    }
    text
}
