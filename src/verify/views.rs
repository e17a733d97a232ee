//! Who does each Android version see?
//!
//! Source: AOSP `ApkSignatureVerifier`: each version tries the newest scheme that it knows and goes to an older one
//! only when that one is not there, or has no signer for it.

use super::ApiView;
use super::Verification;
use crate::finding::SchemeId;
use crate::scheme::SchemeResult;
use crate::scheme::VerifiedSigner;
use crate::scheme::since;

/// The schemes that have signers, newest first, and the first API level that reads each.
const READ_IN_ORDER: [(SchemeId, u32); 5] = [
    (SchemeId::V32, since::V32),
    (SchemeId::V31, since::V31),
    (SchemeId::V3, since::V3),
    (SchemeId::V2, since::V2),
    (SchemeId::V1, 0),
];

/// The ranges of API levels that a verified file was verified for, lowest first, each with whom it sees.
pub(super) fn of(verification: &Verification) -> Vec<ApiView> {
    let mut views: Vec<ApiView> = Vec::new();
    for (min_sdk, max_sdk) in uniform_ranges(verification) {
        for (scheme, signers) in seen_by(verification, min_sdk) {
            match views.last_mut().filter(|last| last.scheme == scheme && last.signers == signers) {
                Some(last) => last.max_sdk = max_sdk,
                None => views.push(ApiView { min_sdk, max_sdk, scheme, signers }),
            }
        }
    }
    views
}

/// The API levels that the file was verified for, cut so that all levels of a part see the same.
fn uniform_ranges(verification: &Verification) -> Vec<(u32, u32)> {
    let (Some(lowest), highest) = (verification.min_sdk, verification.max_sdk) else { return Vec::new() };
    let mut starts = vec![lowest];
    for (scheme, since) in READ_IN_ORDER {
        starts.push(since);
        for signer in verification.scheme(scheme).map_or(&[][..], SchemeResult::signers) {
            let (min, max) = signer.sdk_range();
            starts.extend([min, max.saturating_add(1)]);
            // Its first level alone, where a release and a development release see different signers.
            starts.extend(signer.targets_dev_release().then(|| min.saturating_add(1)));
        }
    }
    starts.retain(|start| (lowest..=highest).contains(start));
    starts.sort_unstable();
    starts.dedup();
    let ends = starts.iter().skip(1).map(|next| next - 1).chain([highest]);
    starts.iter().copied().zip(ends).collect()
}

/// The ranges of API levels, of those that the file was verified for, whose released versions see no signer.
pub(super) fn gaps(verification: &Verification) -> Vec<(u32, u32)> {
    let mut gaps: Vec<(u32, u32)> = Vec::new();
    for (min, max) in uniform_ranges(verification) {
        if released(verification, min).is_some() {
            continue;
        }
        match gaps.last_mut().filter(|(_, last)| last.checked_add(1) == Some(min)) {
            Some((_, last)) => *last = max,
            None => gaps.push((min, max)),
        }
    }
    gaps
}

/// The scheme that one API level goes by, and the signers that it sees. A released version and a development release of
/// that level may differ: then both, the released one first.
fn seen_by(verification: &Verification, level: u32) -> Vec<(SchemeId, Vec<usize>)> {
    let in_development = first_fitting(verification, level, |_| true);
    let mut seen: Vec<_> = released(verification, level).into_iter().collect();
    seen.extend(in_development.filter(|view| seen.first() != Some(view)));
    seen
}

/// What the released version of that level sees.
fn released(verification: &Verification, level: u32) -> Option<(SchemeId, Vec<usize>)> {
    first_fitting(verification, level, |signer| signer.is_seen_by_release(level))
}

fn first_fitting(
    verification: &Verification,
    level: u32,
    counts: impl Fn(&VerifiedSigner) -> bool,
) -> Option<(SchemeId, Vec<usize>)> {
    for (scheme, _) in READ_IN_ORDER.iter().filter(|(_, since)| level >= *since) {
        let signers = verification.scheme(*scheme).map_or(&[][..], SchemeResult::signers);
        let fitting = signers.iter().enumerate().filter(|(_, signer)| {
            let (min, max) = signer.sdk_range();
            (min..=max).contains(&level) && counts(signer)
        });
        // Both halves of a v3.2 signature count; the post-quantum one is the current signer.
        let current =
            fitting.filter(|(_, signer)| *scheme != SchemeId::V32 || signer.classical_partner().is_some());
        let mut seen: Vec<usize> = current.map(|(index, _)| index).collect();
        if matches!(scheme, SchemeId::V3 | SchemeId::V31 | SchemeId::V32) {
            // Two fit only where one of them is for a development release of that level, and that one counts there.
            seen.sort_by_key(|index| signers.get(*index).map(|signer| !signer.targets_dev_release()));
            seen.truncate(1);
        }
        if !seen.is_empty() {
            return Some((*scheme, seen));
        }
        if *scheme == SchemeId::V3 && !signers.is_empty() {
            // From v3.0 there is no way down: without a signer for the level Android refuses the file.
            return None;
        }
    }
    None
}
