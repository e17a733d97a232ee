//! What a v3.0 signer promises of the v3.1 block, so that it cannot be stripped, held against that block.
//!
//! apksig compares the promise with the block as a whole. Android compares it with what it has passed over on the way to
//! v3.0: the signers of v3.1 that are for other levels, and in a released version those for a development release.
//!
//! Source: apksig `V3SchemeVerifier.parseSigner`; AOSP `ApkSignatureSchemeV3Verifier.verifySigner` and
//! `verifyAdditionalAttributes`.

use super::Context;
use super::Examined;
use super::block::ExaminedSigner;
use super::block::SignerCodes;
use super::v3::MIN_SDK_V31;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;

/// The lowest API level that any v3.1 signer is for, when there is a v3.1 block.
pub(super) fn min_sdk(newer: &[Examined]) -> Option<i32> {
    let v31 = newer.iter().find(|examined| examined.scheme == SchemeId::V31)?;
    Some(v31.signers.iter().map(|signer| signer.sdk_range.0).min().unwrap_or(0))
}

/// Reports what is wrong with `promised`, the levels that `signer` says v3.1 begins with, to the signer.
pub(super) fn check_promises(
    cx: &Context<'_>,
    codes: &SignerCodes,
    signer: &mut ExaminedSigner,
    promised: &[i32],
    newer: &[Examined],
) {
    if let Some(level) = cx.device {
        check_on_device(level, codes, signer, promised, newer);
        return;
    }
    let rotation = min_sdk(newer);
    if promised.is_empty() && rotation.is_some() {
        signer.report(codes, Finding::new(FindingCode::V31RotationMinSdkMissing));
    }
    for promised in promised {
        let finding = match rotation {
            None if cx.max_sdk >= MIN_SDK_V31 => Finding::new(FindingCode::V31BlockMissing)
                .values(format!("a v3.1 block from API level {promised} on, as signed"), "none"),
            Some(actual) if actual != *promised => Finding::new(FindingCode::V31RotationMinSdkMismatch)
                .values(format!("{promised}, as the v3.0 signer says"), actual.to_string()),
            Some(_) => match refusing_level(cx, signer, *promised, newer) {
                Some((level, noted)) => Finding::new(FindingCode::V31DevReleaseMismatch)
                    .api_levels(level, level)
                    .values(format!("{promised}, as the v3.0 signer says"), noted.to_string()),
                None => continue,
            },
            None => continue,
        };
        signer.report(codes, finding);
    }
}

/// The same for the released version of one level, which has come to v3.0.
fn check_on_device(
    level: u32,
    codes: &SignerCodes,
    signer: &mut ExaminedSigner,
    promised: &[i32],
    newer: &[Examined],
) {
    let noted = i32::try_from(level).ok().and_then(|level| noted_by_release(newer, level));
    for promised in promised.iter().filter(|_| level >= MIN_SDK_V31) {
        let finding = match noted {
            None => Finding::new(FindingCode::V31BlockMissing)
                .values(format!("a v3.1 block from API level {promised} on, as signed"), "none"),
            Some(noted) if noted != *promised => Finding::new(FindingCode::V31RotationMinSdkMismatch)
                .values(format!("{promised}, as the v3.0 signer says"), noted.to_string()),
            Some(_) => continue,
        };
        signer.report(codes, finding);
    }
}

/// The first level in range whose released version goes by `signer` and has noted another level than `promised`.
fn refusing_level(
    cx: &Context<'_>,
    signer: &ExaminedSigner,
    promised: i32,
    newer: &[Examined],
) -> Option<(u32, i32)> {
    // Only levels at which signers for a development release begin differ from what apksig compares.
    let mut levels: Vec<i32> = newer
        .iter()
        .flat_map(|examined| &examined.signers)
        .filter(|newer| newer.targets_dev_release)
        .map(|newer| newer.sdk_range.0)
        .collect();
    levels.sort_unstable();
    levels.dedup();
    levels.into_iter().find_map(|level| {
        let api_level = u32::try_from(level).ok()?;
        let read = (signer.sdk_range.0..=signer.sdk_range.1).contains(&level)
            && (cx.min_sdk.max(MIN_SDK_V31)..=cx.max_sdk).contains(&api_level);
        let noted = noted_by_release(newer, level).filter(|_| read)?;
        (noted != promised).then_some((api_level, noted))
    })
}

/// The first level of v3.1 as a released version of `level` has noted it when it comes to v3.0. Nothing when it goes by a
/// newer scheme, or has noted none.
fn noted_by_release(newer: &[Examined], level: i32) -> Option<i32> {
    let mut noted: Option<i32> = None;
    for examined in newer {
        for signer in &examined.signers {
            let (min, max) = signer.sdk_range;
            if !(min..=max).contains(&level) {
                if examined.scheme == SchemeId::V31 && noted.is_none_or(|noted| noted > min) {
                    noted = Some(min);
                }
            } else if signer.targets_dev_release && min == level {
                // Whatever it had noted before, and of v3.2 too.
                noted = Some(min);
            } else {
                return None;
            }
        }
    }
    noted
}
