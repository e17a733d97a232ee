//! Entries against the manifest, and who signed them.
//!
//! Source: apksig `V1SchemeVerifier.verifyJarEntriesAgainstManifestAndSigners`.

use rayon::iter::IntoParallelRefIterator as _;
use rayon::iter::ParallelIterator as _;

use super::Entry;
use super::EntryDigests;
use super::META_INF;
use super::Run;
use super::Signer;
use super::digests;
use super::digests::ExpectedDigest;
use super::signature_file::with_digests;
use crate::apk::Apk;
use crate::apk::Stop;
use crate::crypto::DigestAlgorithm;
use crate::crypto::Hasher;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;

/// Below this many bytes of content, threads cost more than they bring.
const WORTH_THREADS: u64 = 1 << 20;

/// Verifies every entry that Android protects: all but directories and what lies under `META-INF/`.
///
/// Each entry has the same signers.
pub(super) fn verify(
    run: &mut Run<'_>,
    entries: &[Entry<'_>],
    manifest: &EntryDigests<'_>,
    signers: &[Signer<'_>],
) -> Result<VerifiedEntries, Stop> {
    let mut in_order: Vec<&Entry<'_>> =
        entries.iter().filter(|entry| !entry.name.starts_with(META_INF)).collect();
    in_order.sort_by_key(|entry| entry.record.local_header_offset);
    let range = (run.cx.min_sdk, run.cx.max_sdk);
    let mut first: Option<(&str, Vec<usize>)> = None;
    let mut steps = Vec::with_capacity(in_order.len());
    for entry in in_order {
        match plan(entry, manifest, signers, &mut first, range) {
            Ok(expected) => steps.push(Step::Read(entry, expected)),
            Err(finding) => steps.push(Step::Report(finding)),
        }
    }
    for finding in read_all(run.cx.apk, &steps)? {
        run.report(finding);
    }
    if first.is_none() {
        run.report(Finding::new(FindingCode::V1NoSignedEntries));
    }
    let signers = first.map(|(_, signers)| signers).unwrap_or_default();
    Ok(VerifiedEntries { signers, weakest: steps.iter().filter_map(Step::strongest).min() })
}

/// Who signed the entries, and how well.
pub(super) struct VerifiedEntries {
    /// Positions of the signers among those who were given.
    pub(super) signers: Vec<usize>,
    /// Of the strongest digest of each entry the weakest.
    pub(super) weakest: Option<DigestAlgorithm>,
}

enum Step<'e> {
    /// Something is missing before the content matters.
    Report(Box<Finding>),
    /// The content must have these digests.
    Read(&'e Entry<'e>, Vec<ExpectedDigest>),
}

impl Step<'_> {
    fn strongest(&self) -> Option<DigestAlgorithm> {
        match self {
            Self::Report(_) => None,
            Self::Read(_, expected) => expected.iter().map(|digest| digest.algorithm).max(),
        }
    }
}

fn plan<'e>(
    entry: &'e Entry<'_>,
    manifest: &EntryDigests<'_>,
    signers: &[Signer<'_>],
    first: &mut Option<(&'e str, Vec<usize>)>,
    range: (u32, u32),
) -> Result<Vec<ExpectedDigest>, Box<Finding>> {
    let name = entry.name.as_ref();
    let report = |code| Box::new(Finding::new(code).entry(name));
    let section = manifest.by_entry.get(name).ok_or_else(|| report(FindingCode::V1NoDigestInManifest))?;
    let by: Vec<usize> = signers
        .iter()
        .enumerate()
        .filter(|(_, signer)| signer.lists.contains(name))
        .map(|(index, _)| index)
        .collect();
    if by.is_empty() {
        return Err(report(FindingCode::V1EntryNotSigned));
    }
    let (first_name, first_by) = first.get_or_insert_with(|| (name, by.clone()));
    if *first_by != by {
        let (expected, actual) =
            (format!("{}, as for {first_name}", names(signers, first_by)), names(signers, &by));
        let finding = Finding::new(FindingCode::V1SignersMismatch).entry(name).values(expected, actual);
        return Err(Box::new(finding));
    }
    let expected = digests::to_verify(section, "-Digest", range);
    if expected.is_empty() { Err(report(FindingCode::V1NoDigestInManifest)) } else { Ok(expected) }
}

fn names(signers: &[Signer<'_>], by: &[usize]) -> String {
    let names: Vec<&str> = by.iter().filter_map(|index| signers.get(*index)?.place.name.as_deref()).collect();
    names.join(" and ")
}

/// Reads and digests the entries, on all cores when there is enough of them. Findings come in the order of the steps.
fn read_all(apk: &Apk<'_>, steps: &[Step<'_>]) -> Result<Vec<Finding>, Stop> {
    let total: u64 = steps
        .iter()
        .map(|step| match step {
            Step::Read(entry, _) => u64::from(entry.record.uncompressed_size),
            Step::Report(_) => 0,
        })
        .sum();
    let one = |step: &Step<'_>| match step {
        Step::Report(finding) => Ok(vec![finding.as_ref().clone()]),
        Step::Read(entry, expected) => read(apk, entry, expected),
    };
    let findings: Result<Vec<Vec<Finding>>, Stop> = if total < WORTH_THREADS {
        steps.iter().map(one).collect()
    } else {
        steps.par_iter().map(one).collect()
    };
    Ok(findings?.concat())
}

fn read(apk: &Apk<'_>, entry: &Entry<'_>, expected: &[ExpectedDigest]) -> Result<Vec<Finding>, Stop> {
    let mut hashers: Vec<Hasher> = expected.iter().map(|digest| Hasher::new(digest.algorithm)).collect();
    apk.read_entry(entry.record, &mut |piece| hashers.iter_mut().for_each(|hasher| hasher.update(piece)))?;
    let mut findings = Vec::new();
    for (digest, hasher) in expected.iter().zip(hashers) {
        let actual = hasher.finish();
        if digest.value.as_deref() != Some(&actual) {
            let finding = Finding::new(FindingCode::V1EntryDigestMismatch)
                .scheme(SchemeId::V1)
                .entry(entry.name.as_ref());
            findings.push(with_digests(finding, digest.algorithm, digest.value.as_deref(), &actual));
        }
    }
    Ok(findings)
}
