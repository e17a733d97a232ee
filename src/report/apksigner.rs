//! The lines of apksigner's `verify` and `lineage`, for scripts that parse them.
//!
//! Streams, lines, prefixes, order and exit status are apksigner's, per generation; the words behind `ERROR:` and
//! `WARNING:` are ours. Source: output of apksigner 31.0.2, 35.0.0 and 37.0.0.

mod v4;

use std::borrow::Cow;
use std::io;
use std::io::Write;

use super::escape::visible;
use super::pem;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::finding::Severity;
use crate::identity::Capability;
use crate::identity::Certificate;
use crate::identity::Lineage;
use crate::identity::PrintedDigests;
use crate::scheme::SchemeOutcome;
use crate::scheme::SchemeResult;
use crate::scheme::VerifiedSigner;
use crate::verify::StampVerification;
use crate::verify::Verification;

use data_encoding::HEXLOWER;
use v4::Answer;

/// Which apksigner's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum Generation {
    /// Build tools 31 and 32: knows v1 to v3 and v4.
    V31,
    /// Build tools 33 to 36: v3.1 as well.
    #[default]
    V36,
    /// Build tools 37: v3.2 as well; certificates are labelled with their scheme.
    V37,
}

impl Generation {
    /// The generation that `text` names: `apksigner`, `apksigner=31`, `apksigner=36`, `apksigner=37`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "apksigner=31" => Some(Self::V31),
            "apksigner" | "apksigner=36" => Some(Self::V36),
            "apksigner=37" => Some(Self::V37),
            _ => None,
        }
    }

    fn schemes(self) -> &'static [SchemeId] {
        match self {
            Self::V31 => &[SchemeId::V1, SchemeId::V2, SchemeId::V3, SchemeId::V4],
            Self::V36 => &[SchemeId::V1, SchemeId::V2, SchemeId::V3, SchemeId::V31, SchemeId::V4],
            Self::V37 => {
                &[SchemeId::V1, SchemeId::V2, SchemeId::V3, SchemeId::V31, SchemeId::V32, SchemeId::V4]
            }
        }
    }
}

/// What to print.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Options {
    /// Whose lines.
    pub generation: Generation,
    /// `--verbose`.
    pub verbose: bool,
    /// `--print-certs`.
    pub certificates: bool,
    /// `--print-certs-pem`.
    pub pem: bool,
    /// `-Werr`.
    pub warnings_are_errors: bool,
}

/// Writes the lines for one APK, and gives the exit status: 0 verified, 1 not.
///
/// A file that is too broken to be an APK gives one `ERROR:` line where apksigner prints a stack trace.
///
/// # Errors
/// When an output cannot be written.
pub fn write(
    verification: &Verification,
    options: &Options,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<u8> {
    let answer = Answer::of(verification);
    if let Answer::BreaksDown(message) = answer {
        writeln!(err, "ERROR: {}", visible(&message))?;
        return Ok(1);
    }
    let lines = Lines {
        schemes: &verification.schemes,
        findings: &verification.findings,
        verified: answer == Answer::Verified,
        stamp: Stamp::new(
            verification.scheme(SchemeId::SourceStamp),
            verification.stamp_timestamp,
            &verification.findings,
            options.generation,
            false,
        ),
        stamp_alone: false,
        options,
    };
    lines.write(out, err)
}

/// Writes the lines for the check of a source stamp alone, `--verify-source-stamp`, and gives the exit status: 0 the
/// stamp verifies, 1 it does not.
///
/// # Errors
/// When an output cannot be written.
pub fn write_stamp(
    verification: &StampVerification,
    options: &Options,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<u8> {
    let StampVerification { result, timestamp, findings, .. } = verification;
    let stamp = Stamp::new(Some(result), *timestamp, findings, options.generation, true);
    let lines = Lines { schemes: &[], findings, verified: stamp.verified, stamp, stamp_alone: true, options };
    lines.write(out, err)
}

/// Writes what `apksigner lineage --print-certs` says of a lineage.
///
/// # Errors
/// When the output cannot be written.
///
/// Source: apksig `ApkSignerTool.lineage`, `ApkSignerTool.printCapabilities`.
pub fn write_lineage(lineage: &Lineage, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    for (node, number) in lineage.nodes().iter().zip(1_usize..) {
        certificate(out, options, &format!("Signer #{number} in lineage"), &node.certificate)?;
        for capability in Capability::ALL {
            let name = match capability {
                Capability::InstalledData => "installed data capability",
                Capability::SharedUid => "shared UID capability    ",
                Capability::Permission => "permission capability    ",
                Capability::Rollback => "rollback capability      ",
                Capability::Auth => "auth capability          ",
            };
            writeln!(out, "Has {name}: {}", node.has(capability))?;
        }
    }
    Ok(())
}

struct Lines<'a> {
    schemes: &'a [SchemeResult],
    findings: &'a [Finding],
    /// Whether what was asked for verifies, as apksigner sees it.
    verified: bool,
    stamp: Stamp<'a>,
    /// Whether only the stamp was looked at.
    stamp_alone: bool,
    options: &'a Options,
}

impl<'a> Lines<'a> {
    fn write(&self, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
        if self.verified {
            self.verified(out)?;
        } else {
            writeln!(err, "DOES NOT VERIFY")?;
        }
        let warned = self.issues(out, err)?;
        Ok(u8::from(!self.verified || (warned && self.options.warnings_are_errors)))
    }

    fn verified(&self, out: &mut dyn Write) -> io::Result<()> {
        let signers = self.signers();
        if self.options.verbose {
            writeln!(out, "Verifies")?;
            for scheme in self.options.generation.schemes() {
                let (short, long) = (scheme.as_str(), scheme.long_name());
                let verified = match scheme {
                    SchemeId::V4 => v4::is_verified(self.schemes, self.findings),
                    _ => self.result(*scheme).is_some_and(SchemeResult::is_verified),
                };
                writeln!(out, "Verified using {short} scheme ({long}): {verified}")?;
            }
            writeln!(out, "Verified for SourceStamp: {}", self.stamp.verified)?;
            if !self.stamp_alone {
                writeln!(out, "Number of signers: {}", self.number_of_signers())?;
            }
        }
        if self.options.certificates {
            for (name, of_signer) in signers {
                certificate(out, self.options, &name, of_signer)?;
            }
            if let Some(of_stamp) = self.stamp.certificate {
                let colon = if self.options.generation >= Generation::V37 { ":" } else { "" };
                certificate(out, self.options, &format!("Source Stamp Signer{colon}"), of_stamp)?;
            }
        }
        if self.options.verbose && self.stamp.is_read && self.options.generation > Generation::V31 {
            writeln!(out, "Source Stamp Timestamp: {}", self.stamp.timestamp)?;
        }
        Ok(())
    }

    fn result(&self, scheme: SchemeId) -> Option<&'a SchemeResult> {
        self.schemes.iter().find(|result| result.scheme == scheme)
    }

    fn verified_signers(&self, scheme: SchemeId) -> &'a [VerifiedSigner] {
        self.result(scheme).map_or(&[], SchemeResult::signers)
    }

    /// apksigner counts the certificates that it takes for the signers', not the lines that it prints.
    fn number_of_signers(&self) -> usize {
        for scheme in self.options.generation.schemes().iter().rev() {
            let count = self.verified_signers(*scheme).len();
            match scheme {
                SchemeId::V1 | SchemeId::V2 if count > 0 => return count,
                SchemeId::V4 | SchemeId::V1 | SchemeId::V2 => {}
                _ if count > 0 => return 1,
                _ => {}
            }
        }
        0
    }

    /// Names and certificates, in apksigner's order: the newest scheme alone, but v3.1 and v3.2 together with what
    /// stands below them.
    fn signers(&self) -> Vec<(String, &'a Certificate)> {
        let labelled = self.options.generation >= Generation::V37;
        let known = |scheme: &SchemeId| self.options.generation.schemes().contains(scheme);
        let ranged = [SchemeId::V32, SchemeId::V31]
            .iter()
            .any(|scheme| known(scheme) && !self.verified_signers(*scheme).is_empty());
        if ranged {
            return [SchemeId::V32, SchemeId::V31, SchemeId::V3]
                .into_iter()
                .filter(known)
                .flat_map(|scheme| self.signers_in_order(scheme))
                .map(|signer| (ranged_name(signer, labelled), signer.certificate()))
                .collect();
        }
        for scheme in [SchemeId::V3, SchemeId::V2, SchemeId::V1] {
            let mut signers = self.verified_signers(scheme);
            if scheme == SchemeId::V3 {
                // Of several ranges apksig names the newest key alone.
                signers = signers.split_last().map_or(&[], |(last, _)| std::slice::from_ref(last));
            }
            let several = signers.len() > 1;
            if !signers.is_empty() {
                return signers
                    .iter()
                    .zip(1_usize..)
                    .map(|(signer, number)| {
                        let name = match (labelled, several) {
                            (false, _) => format!("Signer #{number}"),
                            (true, false) => format!("{} Signer:", label(scheme)),
                            (true, true) => format!("{} Signer #{number}:", label(scheme)),
                        };
                        (name, signer.certificate())
                    })
                    .collect();
            }
        }
        Vec::new()
    }

    /// The signers of one scheme, of a v3.2 pair the classical one first.
    fn signers_in_order(&self, scheme: SchemeId) -> Vec<&'a VerifiedSigner> {
        let mut signers: Vec<&VerifiedSigner> = self.verified_signers(scheme).iter().collect();
        if scheme == SchemeId::V32 {
            signers.sort_by_key(|signer| (signer.sdk_range(), signer.classical_partner().is_some()));
        }
        signers
    }

    /// Errors and warnings; whether a warning was among them that `-Werr` counts.
    fn issues(&self, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<bool> {
        let mut told = self.stamp_alone;
        let mut warned = false;
        for group in self.groups() {
            for severity in [Severity::Error, Severity::Warning] {
                for finding in group.iter().filter(|finding| severity_of(finding) == Some(severity)) {
                    let entry = finding.location.entry.as_ref().map(|entry| format!("{entry}: "));
                    let line =
                        format!("{}{}{}", prefix(finding), entry.unwrap_or_default(), finding.message());
                    let line = visible(&line);
                    if severity == Severity::Error {
                        writeln!(err, "ERROR: {line}")?;
                        told = true;
                        continue;
                    }
                    warned |= !is_of_stamp(finding);
                    if self.options.warnings_are_errors {
                        writeln!(err, "WARNING: {line}")?;
                    } else {
                        writeln!(out, "WARNING: {line}")?;
                    }
                }
            }
        }
        for note in self.stamp.notes() {
            writeln!(out, "INFO: {}", visible(&format!("{}{}", prefix(note), note.message())))?;
        }
        if !told && !self.verified {
            writeln!(err, "ERROR: no signature that every Android version in range accepts")?;
        }
        Ok(warned)
    }

    /// Findings as apksigner groups them: general, then each scheme's signers, the stamp last.
    fn groups(&self) -> Vec<Vec<Cow<'_, Finding>>> {
        let mut groups: std::collections::BTreeMap<(u8, usize), Vec<Cow<'_, Finding>>> =
            std::collections::BTreeMap::new();
        let of_app = |finding: &&Finding| finding.location.scheme != Some(SchemeId::SourceStamp);
        let findings = self.findings.iter().filter(of_app).chain(&self.stamp.findings);
        for finding in findings.filter_map(|finding| self.as_told(finding)) {
            let signer = finding.location.signer.as_ref().map(|signer| signer.index);
            let key = match (finding.location.scheme, signer) {
                (Some(SchemeId::SourceStamp), _) if is_of_stamp(&finding) => (7, 0),
                (Some(SchemeId::V1), Some(index)) => (1, index),
                (Some(SchemeId::V2), Some(index)) => (2, index),
                (Some(SchemeId::V3), Some(index)) => (3, index),
                (Some(SchemeId::V31), Some(index)) => (4, index),
                (Some(SchemeId::V32), Some(index)) => (5, index),
                _ => (0, 0),
            };
            groups.entry(key).or_default().push(finding);
        }
        groups.into_values().collect()
    }

    /// A finding as the apksigner of this generation has it, if it has it at all.
    fn as_told<'f>(&self, finding: &'f Finding) -> Option<Cow<'f, Finding>> {
        let generation = self.options.generation;
        if finding.code == FindingCode::V32Announced && generation < Generation::V37 {
            // An attribute that came with v3.2: older ones do not know it, and warn.
            let unknown = Finding::new(FindingCode::V3UnknownAttribute).detail(finding.detail.clone());
            return Some(Cow::Owned(Finding { location: finding.location.clone(), ..unknown }));
        }
        // What fails the file is told even of a scheme that it does not read.
        let read = match finding.location.scheme {
            Some(scheme @ (SchemeId::V31 | SchemeId::V32)) => generation.schemes().contains(&scheme),
            _ => true,
        };
        let severity = severity_of(finding)?;
        (read || severity == Severity::Error).then_some(Cow::Borrowed(finding))
    }
}

/// The source stamp as an apksigner of that generation sees it.
struct Stamp<'a> {
    /// Whether there is one to read: both parts, in the second form.
    is_read: bool,
    /// That of a stamp that does not verify, too: `Verified for SourceStamp` tells.
    certificate: Option<&'a Certificate>,
    verified: bool,
    /// Unix seconds; 0 for none, as apksigner prints it.
    timestamp: u64,
    findings: Vec<Finding>,
    /// Whether what it does not know is an information, not a warning.
    informs: bool,
}

impl<'a> Stamp<'a> {
    /// `alone` is whether only the stamp was looked at.
    fn new(
        result: Option<&'a SchemeResult>,
        timestamp: Option<u64>,
        findings: &[Finding],
        generation: Generation,
        alone: bool,
    ) -> Self {
        let of_stamp = |finding: &&Finding| finding.location.scheme == Some(SchemeId::SourceStamp);
        let mut findings: Vec<Finding> = findings.iter().filter(of_stamp).cloned().collect();
        let told = findings.iter().find(|finding| OF_NO_STAMP.contains(&finding.code)).cloned();
        let readable =
            told.is_none() && findings.iter().all(|finding| finding.code != FindingCode::ZipBadEntry);
        let result = result.filter(|result| {
            readable && matches!(result.outcome, SchemeOutcome::Rejected | SchemeOutcome::Verified(_))
        });
        if let Some(told) = told {
            // For the check of the stamp it is an error; elsewhere apksigner passes over a stamp without its entry.
            let silent = told.code == FindingCode::StampDigestEntryMissing && !alone;
            let severity = if alone { Severity::Error } else { told.severity };
            findings = if silent { Vec::new() } else { vec![told.with_severity(severity)] };
        }
        let certificate = result.and_then(|result| match &result.outcome {
            SchemeOutcome::Verified(signers) => signers.first().map(VerifiedSigner::certificate),
            _ => result.claimed_certificates.first(),
        });
        let mut stamp = Self {
            is_read: result.is_some(),
            certificate,
            verified: result.is_some_and(SchemeResult::is_verified),
            timestamp: timestamp.unwrap_or(0),
            findings,
            informs: generation > Generation::V31,
        };
        if generation == Generation::V31 && stamp.is_read {
            stamp.warn_of_the_unknown();
        }
        stamp
    }

    /// apksigner 31 warns of what it does not know, the time of a stamp among it, and refuses the stamp for it. After
    /// signatures of an unknown algorithm it reads no further.
    fn warn_of_the_unknown(&mut self) {
        let unknown = |code| move |finding: &&Finding| finding.code == code;
        let signature = self.findings.iter().find(unknown(FindingCode::StampUnknownAlgorithm));
        let list = signature
            .and_then(|finding| finding.detail.split_once(" over "))
            .map(|(_, list)| list.to_owned());
        if let Some(list) = list {
            self.findings.retain(|finding| finding.detail.contains(&list));
        } else if self.timestamp != 0 {
            self.findings
                .push(Finding::new(FindingCode::StampUnknownAttribute).scheme(SchemeId::SourceStamp));
        }
        for finding in &mut self.findings {
            if matches!(finding.code, FindingCode::StampUnknownAlgorithm | FindingCode::StampUnknownAttribute)
            {
                finding.severity = Severity::Warning;
                self.verified = false;
            }
        }
    }

    fn notes(&self) -> impl Iterator<Item = &Finding> {
        let noted = |finding: &&Finding| {
            self.informs && finding.severity == Severity::Note && finding.code.apksig_issue().is_some()
        };
        self.findings.iter().filter(noted)
    }
}

/// What apksigner says of the file instead of a stamp, since there is none that it would read.
const OF_NO_STAMP: [FindingCode; 5] = [
    FindingCode::StampMissing,
    FindingCode::StampDigestEntryMissing,
    FindingCode::StampExpectedDigestMismatch,
    FindingCode::StampSignatureMissing,
    FindingCode::StampObsoleteForm,
];

/// Whether apksigner counts the finding among those of a stamp that it has read.
fn is_of_stamp(finding: &Finding) -> bool {
    finding.location.scheme == Some(SchemeId::SourceStamp) && !OF_NO_STAMP.contains(&finding.code)
}

/// Under which heading apksigner would speak of a finding; not at all of a v1 signer that Android ignores, nor of what
/// apksig has no issue for, unless it is what fails the file.
fn severity_of(finding: &Finding) -> Option<Severity> {
    if let Some(effect) = v4::effect(finding) {
        return (effect == v4::Effect::Fails).then_some(Severity::Error);
    }
    let ignored = finding.location.signer.as_ref().is_some_and(|signer| signer.ignored);
    let known = finding.code.apksig_issue().is_some() || finding.severity == Severity::Error;
    (!ignored && known && finding.severity != Severity::Note).then_some(finding.severity)
}

fn prefix(finding: &Finding) -> String {
    let place = &finding.location;
    match (place.scheme, &place.signer) {
        (Some(SchemeId::V4), _) => String::new(),
        (Some(SchemeId::SourceStamp), _) if is_of_stamp(finding) => "SourceStamp: ".to_owned(),
        (Some(SchemeId::V1), Some(signer)) => match &signer.name {
            Some(name) => format!("JAR signer {name}: "),
            None => format!("JAR signer #{}: ", signer.index.saturating_add(1)),
        },
        (Some(scheme), Some(signer)) => {
            let number = signer.index.saturating_add(1);
            let range = match (scheme, signer.sdk_range) {
                (SchemeId::V31 | SchemeId::V32, Some((min, max))) => {
                    format!("(minSdkVersion={min}, maxSdkVersion={max})")
                }
                _ => String::new(),
            };
            format!("{} signer #{number}{range}: ", scheme.long_name())
        }
        _ => String::new(),
    }
}

/// The lines for one certificate.
fn certificate(
    out: &mut dyn Write,
    options: &Options,
    name: &str,
    certificate: &Certificate,
) -> io::Result<()> {
    writeln!(out, "{name} certificate DN: {}", visible(certificate.subject()))?;
    digests(out, &format!("{name} certificate"), certificate.digests())?;
    if options.verbose {
        let key = certificate.key();
        // Java has one name for all parameter sets, and apksigner a size for RSA, EC and DSA alone.
        let (algorithm, size) = if key.is_post_quantum() {
            ("ML-DSA", "n/a".to_owned())
        } else {
            (key.algorithm.as_str(), key.bits.to_string())
        };
        writeln!(out, "{name} key algorithm: {}", visible(algorithm))?;
        writeln!(out, "{name} key size (bits): {size}")?;
        digests(out, &format!("{name} public key"), &key.digests)?;
    }
    if options.pem {
        out.write_all(pem::certificate(certificate.der()).as_bytes())?;
    }
    Ok(())
}

fn ranged_name(signer: &VerifiedSigner, labelled: bool) -> String {
    let (low, high) = signer.sdk_range();
    let (low, high) =
        signer.place().sdk_range.map_or((i64::from(low), i64::from(high)), |(a, b)| (a.into(), b.into()));
    let dev = if signer.targets_dev_release() { " (dev release=true)" } else { "" };
    let range = format!("(minSdkVersion={low}{dev}, maxSdkVersion={high})");
    match (labelled, signer.scheme()) {
        (false, _) => format!("Signer {range}"),
        (true, SchemeId::V32) if signer.certificate().key().is_post_quantum() => {
            format!("V3.2 Hybrid PQC Signer: {range}")
        }
        (true, SchemeId::V32) => format!("V3.2 Hybrid Classical Signer: {range}"),
        (true, scheme) => format!("{} Signer: {range}", label(scheme)),
    }
}

fn label(scheme: SchemeId) -> &'static str {
    match scheme {
        SchemeId::V1 => "V1",
        SchemeId::V2 => "V2",
        SchemeId::V31 => "V3.1",
        SchemeId::V32 => "V3.2",
        _ => "V3.0",
    }
}

fn digests(out: &mut dyn Write, name: &str, digests: &PrintedDigests) -> io::Result<()> {
    writeln!(out, "{name} SHA-256 digest: {}", HEXLOWER.encode(&digests.sha256))?;
    writeln!(out, "{name} SHA-1 digest: {}", HEXLOWER.encode(&digests.sha1))?;
    writeln!(out, "{name} MD5 digest: {}", HEXLOWER.encode(&digests.md5))
}
