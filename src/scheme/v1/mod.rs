//! JAR signing, as Android takes it: a manifest of digests, signature files over it, PKCS #7 blocks over these.
//!
//! Follows apksig's order, where an error at one stage ends the work before the next. An *ignored* signer is one whose
//! signature file does not fit; it does not fail the file while another signer holds.
//!
//! Source: apksig `V1SchemeVerifier`.

mod algorithms;
mod digests;
mod entries;
mod names;
mod signature_block;
mod signature_file;
mod strict;

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::HashSet;

use super::Context;
use super::SchemeOutcome;
use super::SchemeResult;
use super::VerifiedSigner;
use super::block::too_many;
use crate::apk::Directory;
use crate::apk::Stop;
use crate::apk::too_large;
use crate::crypto;
use crate::crypto::DigestAlgorithm;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::FindingList;
use crate::finding::SchemeId;
use crate::finding::SignerPlace;
use crate::format::jar::Manifest;
use crate::format::jar::Section;
use crate::format::zip::DirectoryRecord;
use crate::identity::Certificate;
use crate::limits::Cap;
use crate::limits::MAX_SIGNERS;

/// Name of the manifest.
pub(crate) const MANIFEST: &str = "META-INF/MANIFEST.MF";
const META_INF: &str = "META-INF/";
const BLOCK_SUFFIXES: [&str; 3] = [".RSA", ".DSA", ".EC"];

/// An entry and its name, decoded as Java does.
struct Entry<'a> {
    name: Cow<'a, str>,
    record: &'a DirectoryRecord,
}

/// A signature block file with its signature file, and what has come of them.
struct Signer<'a> {
    place: SignerPlace,
    block: &'a Entry<'a>,
    file: &'a Entry<'a>,
    findings: FindingList,
    certificates: Vec<Certificate>,
    algorithm: String,
    /// What the signature digests with, once it has verified.
    digest: Option<DigestAlgorithm>,
    /// What is broken of that, and of what the entries are digested with.
    weak_digests: Vec<DigestAlgorithm>,
    /// The signature file, as far as it is kept.
    content: SignatureFile,
    /// Whether the signature file lists each entry, by its position in the archive.
    lists: Vec<bool>,
}

/// What is kept of a signature file from its signatures on.
#[derive(Default)]
struct SignatureFile {
    /// Its digests, all that its signatures need.
    digests: Vec<(DigestAlgorithm, Vec<u8>)>,
    /// The file itself, when it is small: a larger one is read again.
    bytes: Option<Vec<u8>>,
}

/// So many findings of one kind are kept of one file, and of one signer. Honest files have fewer.
const MOST_FINDINGS: usize = 1000;
const MOST_FINDINGS_OF_SIGNER: usize = 100;

impl Signer<'_> {
    /// Whether the signature file lists the entry at that position.
    fn lists(&self, position: usize) -> bool {
        self.lists.get(position).copied().unwrap_or(false)
    }

    fn report(&mut self, finding: Finding) {
        self.findings.push(finding.scheme(SchemeId::V1).signer(self.place.clone()));
    }

    fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == crate::finding::Severity::Error)
    }
}

/// The manifest: bytes of the file, its main section, and the section of each entry.
struct EntryDigests<'a> {
    bytes: &'a [u8],
    main: Option<Section<'a>>,
    /// By the position of the entry in the archive.
    sections: Vec<Option<Section<'a>>>,
    /// Positions by name.
    positions: HashMap<&'a str, usize>,
    /// Digests of the whole and of the main section, computed once for all signers.
    computed: RefCell<HashMap<(Part, DigestAlgorithm), Vec<u8>>>,
}

/// A part of the manifest whose digest every signature file may hold.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    Whole,
    Main,
}

impl<'a> EntryDigests<'a> {
    /// The section of the entry at that position.
    fn section(&self, position: usize) -> Option<Section<'a>> {
        self.sections.get(position).copied().flatten()
    }

    /// The section of the entry of that name.
    fn section_of(&self, name: &str) -> Option<Section<'a>> {
        self.section(*self.positions.get(name)?)
    }

    fn digest(&self, part: Part, algorithm: DigestAlgorithm) -> Vec<u8> {
        let compute = || {
            let main = self.main.map_or(&[][..], |section| section.bytes);
            algorithm.digest(if part == Part::Whole { self.bytes } else { main })
        };
        self.computed.borrow_mut().entry((part, algorithm)).or_insert_with(compute).clone()
    }
}

/// Tells whether a name has been there before, without keeping the name: some are long, and there may be many.
#[derive(Default)]
struct Names(HashSet<[u8; 16]>);

impl Names {
    fn is_new(&mut self, name: &str) -> bool {
        // Half a digest: whoever finds two names for one only makes up a name that stands twice.
        let digest = crypto::sha256(name.as_bytes());
        digest.first_chunk().is_none_or(|half| self.0.insert(*half))
    }
}

impl EntryDigests<'_> {
    /// Whether more than one empty line ends the section. apksig digests the first with the section, Android all.
    fn has_surplus_lines(&self, section: &Section<'_>) -> bool {
        let behind = self.bytes.get(section.offset.saturating_add(section.bytes.len())..);
        behind.is_some_and(|behind| matches!(behind, [b'\r' | b'\n', ..]))
    }
}

/// What v1 gives: the outcome with its findings, in the order of apksig.
pub(super) struct V1Result {
    pub(super) result: SchemeResult,
    pub(super) findings: Vec<Finding>,
}

/// Whether there is anything of a JAR signature in the archive.
pub(super) fn is_present(directory: &Directory) -> bool {
    directory.records().iter().any(|record| {
        let name = directory.name(record);
        name.starts_with(META_INF.as_bytes())
            && (name.ends_with(b".SF")
                || BLOCK_SUFFIXES.iter().any(|suffix| name.ends_with(suffix.as_bytes())))
    })
}

/// Verifies the JAR signature. `found` are the schemes of the signing block that were found.
///
/// # Errors
/// [`Stop::Malformed`] when an entry that is needed cannot be read.
pub(super) fn verify(cx: &Context<'_>, found: &[SchemeId]) -> Result<V1Result, Stop> {
    let directory = cx.apk.directory()?;
    let entries = decode_names(directory, Cap::new("decoded-names", cx.limits().decoded_names))?;
    let mut run = Run { cx, findings: FindingList::of_most(MOST_FINDINGS), claimed: Vec::new() };
    let signers = run.all(&entries, found)?;
    let outcome = match signers {
        Some(signers) => SchemeOutcome::Verified(signers),
        None if is_present(directory) => SchemeOutcome::Rejected,
        None => SchemeOutcome::Absent,
    };
    let claimed_certificates =
        if matches!(outcome, SchemeOutcome::Verified(_)) { Vec::new() } else { run.claimed };
    Ok(V1Result {
        result: SchemeResult { scheme: SchemeId::V1, outcome, claimed_certificates },
        findings: run.findings.into_vec(),
    })
}

/// Names that are not UTF-8 grow when they are decoded, and have to be kept: so many bytes of them as the limit says.
fn decode_names(directory: &Directory, cap: Cap) -> Result<Vec<Entry<'_>>, Stop> {
    let mut entries = Vec::with_capacity(directory.records().len());
    let mut decoded = 0_u64;
    for record in directory.records() {
        let name = String::from_utf8_lossy(directory.name(record));
        if let Cow::Owned(name) = &name {
            decoded = decoded.saturating_add(name.len() as u64);
        }
        if decoded > cap.most {
            return Err(too_large("entry names that are not UTF-8", decoded, cap));
        }
        entries.push(Entry { name, record });
    }
    Ok(entries)
}

struct Run<'r> {
    cx: &'r Context<'r>,
    findings: FindingList,
    claimed: Vec<Certificate>,
}

impl Run<'_> {
    fn report(&mut self, finding: Finding) {
        self.findings.push(finding.scheme(SchemeId::V1));
    }

    fn has_errors(&self) -> bool {
        self.findings.has_errors()
    }

    /// `Ok(None)` when it does not verify; the findings say why.
    fn all(
        &mut self,
        entries: &[Entry<'_>],
        found: &[SchemeId],
    ) -> Result<Option<Vec<VerifiedSigner>>, Stop> {
        self.check_duplicates(entries);
        if self.has_errors() {
            return Ok(None);
        }
        let Some(manifest_entry) = entries.iter().find(|entry| entry.name == MANIFEST) else {
            self.report(Finding::new(FindingCode::V1NoManifest));
            return Ok(None);
        };
        let cap = Cap::new("jar-manifest", self.cx.limits().jar_manifest);
        let bytes = self.cx.apk.entry_to_vec(manifest_entry.record, MANIFEST, cap)?;
        let digests = self.read_manifest(&bytes, entries)?;
        if self.has_errors() {
            return Ok(None);
        }
        let Some(mut signers) = self.pair_files(entries) else { return Ok(None) };
        self.check_size(manifest_entry, &signers)?;
        let ambiguous = names::check(entries, &signers, (self.cx.min_sdk, self.cx.max_sdk));
        for signer in &mut signers {
            signature_block::verify(self.cx, signer)?;
            self.cx.check_limits()?;
            self.claimed.extend(signer.certificates.first().cloned());
            if signer.has_errors() {
                self.findings.extend(signer.findings.take());
            }
        }
        if self.has_errors() {
            return Ok(None);
        }
        let mut remaining = Vec::with_capacity(signers.len());
        for mut signer in signers {
            let ignored = signature_file::verify(self.cx, &mut signer, &digests, found)?;
            if ignored {
                self.take_ignored(signer);
            } else if signer.has_errors() {
                self.findings.extend(signer.findings.into_vec());
            } else {
                remaining.push(signer);
            }
        }
        if self.has_errors() {
            return Ok(None);
        }
        if remaining.is_empty() {
            self.report(Finding::new(FindingCode::V1NoSignatures).detail("no signer is left"));
            return Ok(None);
        }
        let effective = entries::verify(self, entries, &digests, &remaining)?;
        let difference = strict::check(&bytes, strict::File::Manifest).map(|finding| finding.entry(MANIFEST));
        difference.into_iter().chain(ambiguous).for_each(|finding| self.report(finding));
        if self.has_errors() {
            return Ok(None);
        }
        for index in &effective.signers {
            remaining
                .get_mut(*index)
                .into_iter()
                .for_each(|signer| report_weak_digests(signer, effective.weakest));
        }
        Ok(Some(self.conclude(entries, remaining, &effective.signers)))
    }

    fn check_duplicates(&mut self, entries: &[Entry<'_>]) {
        let mut seen = HashSet::with_capacity(entries.len());
        let mut reported = HashSet::new();
        for entry in entries {
            if !seen.insert(&entry.name) && reported.insert(&entry.name) {
                self.report(Finding::new(FindingCode::V1DuplicateEntry).entry(entry.name.as_ref()));
            }
        }
    }

    /// Splits the manifest into sections; each must have a name that the archive has, once.
    fn read_manifest<'m>(
        &mut self,
        bytes: &'m [u8],
        entries: &'m [Entry<'_>],
    ) -> Result<EntryDigests<'m>, Stop> {
        let names = entries.iter().enumerate().map(|(position, entry)| (entry.name.as_ref(), position));
        let positions: HashMap<&str, usize> = names.collect();
        let manifest = Manifest::parse(bytes);
        let mut sections = vec![None; entries.len()];
        let mut elsewhere = Names::default();
        for (index, section) in manifest.sections().enumerate() {
            if index >= self.cx.limits().jar_sections {
                return Err(too_many_sections(MANIFEST, self.cx.limits().jar_sections));
            }
            let Some(name) = section.name() else {
                let detail = format!("section #{}", index + 1);
                self.report(Finding::new(FindingCode::V1UnnamedManifestSection).detail(detail));
                continue;
            };
            let slot = positions.get(name.as_ref()).and_then(|position| sections.get_mut(*position));
            let is_new = if let Some(slot) = slot {
                slot.replace(section).is_none()
            } else {
                self.report(Finding::new(FindingCode::V1MissingEntry).entry(name.as_ref()));
                elsewhere.is_new(&name)
            };
            if !is_new {
                let finding = Finding::new(FindingCode::V1DuplicateManifestSection);
                self.report(finding.entry(name.as_ref()));
            }
        }
        let computed = RefCell::default();
        Ok(EntryDigests { bytes, main: manifest.main(), sections, positions, computed })
    }

    /// Holds the size of all files of the signature together against the limits.
    fn check_size(&self, manifest: &Entry<'_>, signers: &[Signer<'_>]) -> Result<(), Stop> {
        let blocks: u64 = signers.iter().map(|signer| signer.block.record.work()).sum();
        let files: u64 = signers.iter().map(|signer| signer.file.record.work()).sum();
        let all = blocks.saturating_add(files).saturating_add(manifest.record.work());
        let limits = self.cx.limits();
        let of_blocks = Cap::new("signature-block-file", limits.signature_block_file);
        let of_all = Cap::new("jar-files", limits.jar_files);
        for (what, size, cap) in [
            ("the signature block files together", blocks, of_blocks),
            ("the files of the JAR signature together", all, of_all),
        ] {
            if size > cap.most {
                return Err(too_large(what, size, cap));
            }
        }
        Ok(())
    }

    /// Finds the signature file of each signature block file.
    fn pair_files<'e>(&mut self, entries: &'e [Entry<'e>]) -> Option<Vec<Signer<'e>>> {
        let files: HashMap<&str, &Entry<'_>> = entries
            .iter()
            .filter(|entry| entry.name.starts_with(META_INF) && entry.name.ends_with(".SF"))
            .map(|entry| (entry.name.as_ref(), entry))
            .collect();
        let blocks = entries.iter().filter(|entry| {
            entry.name.starts_with(META_INF)
                && BLOCK_SUFFIXES.iter().any(|suffix| entry.name.ends_with(suffix))
        });
        let mut signers = Vec::new();
        for block in blocks {
            let stem = block.name.rsplit_once('.').map_or(block.name.as_ref(), |(stem, _)| stem);
            let file_name = format!("{stem}.SF");
            let Some(file) = files.get(file_name.as_str()) else {
                let finding = Finding::new(FindingCode::V1MissingFile)
                    .entry(block.name.as_ref())
                    .values(file_name, "no such entry");
                self.report(finding);
                continue;
            };
            let name = block.name.strip_prefix(META_INF).unwrap_or_default();
            signers.push(Signer {
                place: SignerPlace::new(signers.len()).named(name),
                block,
                file,
                findings: FindingList::of_most(MOST_FINDINGS_OF_SIGNER),
                certificates: Vec::new(),
                algorithm: String::new(),
                digest: None,
                weak_digests: Vec::new(),
                content: SignatureFile::default(),
                lists: Vec::new(),
            });
        }
        let cap = self.cx.limits().signers.min(MAX_SIGNERS);
        if signers.is_empty() {
            self.report(Finding::new(FindingCode::V1NoSignatures));
            return None;
        }
        if signers.len() > cap {
            let finding = if cap == MAX_SIGNERS {
                Finding::new(FindingCode::V1TooManySigners)
                    .values(format!("at most {cap}"), signers.len().to_string())
            } else {
                too_many("the signers", Cap::number("signers", cap))
            };
            self.report(finding);
            return None;
        }
        Some(signers)
    }

    fn take_ignored(&mut self, signer: Signer<'_>) {
        let mut findings = signer.findings.into_vec();
        for finding in &mut findings {
            if let Some(place) = &mut finding.location.signer {
                place.ignored = true;
            }
        }
        self.findings.extend(findings);
    }

    /// `effective` are the positions in `signers` of those who signed the entries.
    fn conclude(
        &mut self,
        entries: &[Entry<'_>],
        signers: Vec<Signer<'_>>,
        effective: &[usize],
    ) -> Vec<VerifiedSigner> {
        let mut protected = HashSet::from([MANIFEST]);
        for signer in effective.iter().filter_map(|index| signers.get(*index)) {
            protected.extend([signer.block.name.as_ref(), signer.file.name.as_ref()]);
        }
        for entry in entries {
            if entry.name.starts_with(META_INF) && !protected.contains(entry.name.as_ref()) {
                self.report(Finding::new(FindingCode::V1UnprotectedEntry).entry(entry.name.as_ref()));
            }
        }
        let mut verified = Vec::new();
        for (index, signer) in signers.into_iter().enumerate() {
            if !effective.contains(&index) {
                self.take_ignored(signer);
                continue;
            }
            self.findings.extend(signer.findings.into_vec());
            verified.push(VerifiedSigner {
                scheme: SchemeId::V1,
                place: signer.place,
                certificates: signer.certificates,
                min_sdk: self.cx.min_sdk,
                max_sdk: self.cx.max_sdk,
                targets_dev_release: false,
                lineage: None,
                algorithms: vec![signer.algorithm],
                content_digests: Vec::new(),
                weak_digests: signer.weak_digests,
                hybrid: None,
            });
        }
        verified
    }
}

/// Notes that a signature, or the entries below it, stand and fall with a digest algorithm that is broken.
fn report_weak_digests(signer: &mut Signer<'_>, entries: Option<DigestAlgorithm>) {
    let weak = |digest: Option<DigestAlgorithm>| digest.filter(|digest| is_weak(*digest));
    let parts = [("the signature", weak(signer.digest)), ("entries", weak(entries))];
    signer.weak_digests = parts.iter().filter_map(|(_, digest)| *digest).collect();
    let parts: Vec<String> = parts
        .iter()
        .filter_map(|(what, digest)| digest.map(|digest| format!("{what} by {}", digest.name())))
        .collect();
    if !parts.is_empty() {
        signer.report(Finding::new(FindingCode::WeakDigest).detail(parts.join(", ")));
    }
}

fn is_weak(digest: DigestAlgorithm) -> bool {
    matches!(digest, DigestAlgorithm::Md5 | DigestAlgorithm::Sha1)
}

fn too_many_sections(name: &str, limit: usize) -> Stop {
    Finding::new(FindingCode::LimitExceeded)
        .entry(name)
        .detail("sections")
        .values(Cap::number("jar-sections", limit).in_words(""), "more")
        .into()
}
