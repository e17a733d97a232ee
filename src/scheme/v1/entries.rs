//! Entries against the manifest, and who signed them.
//!
//! Source: apksig `V1SchemeVerifier.verifyJarEntriesAgainstManifestAndSigners`.

use std::borrow::Cow;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use rayon::iter::IndexedParallelIterator as _;
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
use crate::apk::too_large;
use crate::crypto::DigestAlgorithm;
use crate::crypto::Hasher;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::finding::shortened;

/// Below this many bytes of content, threads cost more than they bring.
const WORTH_THREADS: u64 = 1 << 20;
/// How many entries are looked at before their findings are taken, so that memory does not grow with the archive.
const BATCH: usize = 1024;

/// Verifies every entry that Android protects: all but directories and what lies under `META-INF/`.
///
/// Each entry has the same signers.
pub(super) fn verify(
    run: &mut Run<'_>,
    entries: &[Entry<'_>],
    manifest: &EntryDigests<'_>,
    signers: &[Signer<'_>],
) -> Result<VerifiedEntries, Stop> {
    let mut in_order: Vec<usize> = Vec::with_capacity(entries.len());
    let protected = entries.iter().enumerate().filter(|(_, entry)| !entry.name.starts_with(META_INF));
    in_order.extend(protected.map(|(position, _)| position));
    in_order.sort_by_key(|position| entries.get(*position).map(|entry| entry.record.local_header_offset));
    check_content(run, entries, &in_order)?;
    let range = (run.cx.min_sdk, run.cx.max_sdk);
    let mut first = None;
    let mut weakest: Option<DigestAlgorithm> = None;
    for batch in in_order.chunks(BATCH) {
        let mut steps = Vec::with_capacity(batch.len());
        for position in batch {
            let Some(entry) = entries.get(*position) else { continue };
            match plan((*position, entry), manifest, signers, &mut first, range) {
                Ok(expected) => steps.push(Step::Read(entry, expected)),
                Err(finding) => steps.push(Step::Report(finding)),
            }
        }
        weakest = weakest.into_iter().chain(steps.iter().filter_map(Step::strongest)).min();
        for finding in read_all(run.cx.apk, &steps)? {
            run.report(finding);
        }
    }
    if first.is_none() {
        run.report(Finding::new(FindingCode::V1NoSignedEntries));
    }
    let signers = first.map(|(_, signers)| signers).unwrap_or_default();
    Ok(VerifiedEntries { signers, weakest })
}

/// Who signed the entries, and how well.
pub(super) struct VerifiedEntries {
    /// Positions of the signers among those who were given.
    pub(super) signers: Vec<usize>,
    /// Of the strongest digest of each entry the weakest.
    pub(super) weakest: Option<DigestAlgorithm>,
}

/// Holds the work that all entries together make against the limit, before any of them is read.
///
/// An entry cannot make more of it than its directory record announces, and those that overlap make it each time.
fn check_content(run: &Run<'_>, entries: &[Entry<'_>], positions: &[usize]) -> Result<(), Stop> {
    let limits = run.cx.limits();
    let most = limits.content.saturating_add(run.cx.apk.source().len().saturating_mul(limits.content_ratio));
    let content: u64 =
        positions.iter().filter_map(|position| Some(entries.get(*position)?.record.work())).sum();
    if content > most { Err(too_large("the content of all entries together", content, most)) } else { Ok(()) }
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
    (position, entry): (usize, &'e Entry<'_>),
    manifest: &EntryDigests<'_>,
    signers: &[Signer<'_>],
    first: &mut Option<(Cow<'e, str>, Vec<usize>)>,
    range: (u32, u32),
) -> Result<Vec<ExpectedDigest>, Box<Finding>> {
    let name = entry.name.as_ref();
    let report = |code| Box::new(Finding::new(code).entry(name));
    let section = manifest.section(position).ok_or_else(|| report(FindingCode::V1NoDigestInManifest))?;
    let by: Vec<usize> = signers
        .iter()
        .enumerate()
        .filter(|(_, signer)| signer.lists(position))
        .map(|(index, _)| index)
        .collect();
    if by.is_empty() {
        return Err(report(FindingCode::V1EntryNotSigned));
    }
    let (first_name, first_by) = first.get_or_insert_with(|| (shortened(name), by.clone()));
    if *first_by != by {
        let (expected, actual) =
            (format!("{}, as for {first_name}", names(signers, first_by)), names(signers, &by));
        let finding = Finding::new(FindingCode::V1SignersMismatch).entry(name).values(expected, actual);
        return Err(Box::new(finding));
    }
    let expected = digests::to_verify(&section, "-Digest", range);
    if expected.is_empty() { Err(report(FindingCode::V1NoDigestInManifest)) } else { Ok(expected) }
}

fn names(signers: &[Signer<'_>], by: &[usize]) -> String {
    let names: Vec<&str> = by.iter().filter_map(|index| signers.get(*index)?.place.name.as_deref()).collect();
    names.join(" and ")
}

/// Reads and digests the entries, on all cores when there is enough of them.
///
/// Findings come in the order of the steps. Of several entries that cannot be read the first one in that order is the
/// error, whichever thread comes upon its own first.
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
    let findings: Result<Vec<Vec<Finding>>, Stop> =
        if total < WORTH_THREADS { steps.iter().map(one).collect() } else { first_error(steps, one) };
    Ok(findings?.concat())
}

/// The results of all steps, or the error of the first step that has one. Steps behind a known error are left out.
fn first_error<S: Sync, T: Send, E: Send>(
    steps: &[S],
    one: impl Fn(&S) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let failed_at = AtomicUsize::new(usize::MAX);
    let results: Vec<Option<Result<T, E>>> = steps
        .par_iter()
        .enumerate()
        .map(|(index, step)| {
            // Those in front of the first error are never left out, since the position only ever falls.
            if failed_at.load(Ordering::Relaxed) < index {
                return None;
            }
            let result = one(step);
            if result.is_err() {
                failed_at.fetch_min(index, Ordering::Relaxed);
            }
            Some(result)
        })
        .collect();
    results.into_iter().flatten().collect()
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

#[cfg(test)]
mod tests {
    use std::thread::sleep;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_first_error_in_order_is_the_one_that_is_told() {
        let steps: Vec<u32> = (0..200).collect();
        let bad = [40, 41, 150, 199];
        for _ in 0..20 {
            let result = first_error(&steps, |step| {
                if *step < 42 {
                    // So that others fail before.
                    sleep(Duration::from_micros(200));
                }
                if bad.contains(step) { Err(*step) } else { Ok(*step) }
            });
            assert_eq!(result, Err(40));
        }
        assert_eq!(first_error(&steps, |step| Ok::<_, u32>(*step)), Ok(steps.clone()));
    }
}
