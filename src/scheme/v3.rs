//! APK Signature Scheme v3 and v3.1: signers for ranges of API levels, connected by a proof of rotation.
//!
//! v3.0 is read by Android 9 (API level 28) and newer, v3.1, which has the same structure, by Android 13 (33).
//!
//! Source: [v3][v3], [v3.1][v31]; apksig `V3SchemeVerifier`; AOSP `ApkSignatureSchemeV3Verifier`.
//!
//! [v3]: https://source.android.com/docs/security/features/apksigning/v3
//! [v31]: https://source.android.com/docs/security/features/apksigning/v3-1

use super::BlockScheme;
use super::Context;
use super::Examined;
use super::block;
use super::block::ExaminedSigner;
use super::block::SignerCodes;
use super::lineage;
use super::lineage::LineageFault;
use super::rotation;
use super::v32;
use crate::apk::Apk;
use crate::apk::Stop;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::format::Cursor;
use crate::format::ParseError;
use crate::format::signer;
use crate::format::signer::Signer;
use crate::format::signer::SignerLayout;
use crate::format::signer::attribute;
use crate::format::signing_block::BlockId;
use crate::identity::Lineage;
use crate::limits::Cap;

/// First API level that reads v3.0.
pub(crate) const MIN_SDK: u32 = 28;
/// First API level that reads v3.1.
pub(crate) const MIN_SDK_V31: u32 = 33;

pub(super) struct V3;
pub(super) struct V31;

pub(super) const CODES: SignerCodes = SignerCodes {
    scheme: SchemeId::V3,
    layout: SignerLayout::V3,
    malformed_signers: FindingCode::V3MalformedSigners,
    no_signers: FindingCode::V3NoSigners,
    malformed_signer: FindingCode::V3MalformedSigner,
    malformed_signature: FindingCode::V3MalformedSignature,
    unknown_algorithm: FindingCode::V3UnknownAlgorithm,
    no_signatures: FindingCode::V3NoSignatures,
    no_supported_signatures: FindingCode::V3NoSupportedSignatures,
    malformed_public_key: FindingCode::V3MalformedPublicKey,
    verify_exception: FindingCode::V3VerifyException,
    signature_mismatch: FindingCode::V3SignatureMismatch,
    malformed_certificate: FindingCode::V3MalformedCertificate,
    no_certificates: FindingCode::V3NoCertificates,
    public_key_mismatch: FindingCode::V3PublicKeyMismatch,
    malformed_digest: FindingCode::V3MalformedDigest,
    algorithms_mismatch: FindingCode::V3AlgorithmsMismatch,
    malformed_attribute: FindingCode::V3MalformedAttribute,
    digest_mismatch: FindingCode::V3DigestMismatch,
    skips_unread: false,
};

const CODES_V31: SignerCodes = SignerCodes { scheme: SchemeId::V31, ..CODES };

impl BlockScheme for V3 {
    fn id(&self) -> SchemeId {
        SchemeId::V3
    }

    fn block_id(&self) -> BlockId {
        BlockId::V3
    }

    fn min_sdk(&self) -> u32 {
        MIN_SDK
    }

    fn codes(&self) -> &'static SignerCodes {
        &CODES
    }

    fn examine(&self, cx: &Context<'_>, value: &[u8], newer: &[Examined]) -> Result<Examined, Stop> {
        let range = (MIN_SDK, cx.max_sdk);
        Ok(examine(cx, value, &CODES, range, &mut |signer, attributes| {
            rotation::check_promises(cx, &CODES, signer, &attributes.rotation_min_sdk, newer);
            if signer.targets_dev_release {
                signer.report(&CODES, Finding::new(FindingCode::V31DevReleaseOnV3));
            }
            v32::check_announcement(cx, &CODES, signer, attributes, newer);
            v32::refuse_single_signer(cx, &CODES, signer);
        }))
    }

    fn conclude(&self, cx: &Context<'_>, examined: &mut Examined, newer: &[Examined]) {
        if let Some(level) = cx.device {
            check_device(examined, level);
            return;
        }
        // With rotation in a v3.1 block, v3.0 need only reach up to it, and no further than v3.2 leaves levels to it.
        let last = match rotation::min_sdk(newer) {
            Some(rotation) if rotation > 0 => i64::from(rotation) - 1,
            _ => i64::from(cx.max_sdk),
        };
        let left = v32::highest_left(cx, newer);
        let first = i64::from(cx.min_sdk.max(MIN_SDK));
        check_ranges(examined, (left >= first).then(|| (first, last.min(left))));
    }

    fn missing(&self, newer: &[Examined]) -> Option<Finding> {
        newer
            .iter()
            .any(|examined| examined.scheme == SchemeId::V31)
            .then(|| Finding::new(FindingCode::V31WithoutV3).scheme(SchemeId::V31))
    }
}

impl BlockScheme for V31 {
    fn id(&self) -> SchemeId {
        SchemeId::V31
    }

    fn block_id(&self) -> BlockId {
        BlockId::V3_1
    }

    fn min_sdk(&self) -> u32 {
        MIN_SDK_V31
    }

    fn codes(&self) -> &'static SignerCodes {
        &CODES_V31
    }

    fn examine(&self, cx: &Context<'_>, value: &[u8], newer: &[Examined]) -> Result<Examined, Stop> {
        Ok(examine(cx, value, &CODES_V31, (MIN_SDK_V31, cx.max_sdk), &mut |signer, attributes| {
            v32::check_announcement(cx, &CODES_V31, signer, attributes, newer);
            v32::refuse_single_signer(cx, &CODES_V31, signer);
        }))
    }

    fn conclude(&self, cx: &Context<'_>, examined: &mut Examined, newer: &[Examined]) {
        if let Some(level) = cx.device {
            check_device(examined, level);
            return;
        }
        // v3.1 may start anywhere: what it does not cover, v3.0 does. It must reach the top, or up to v3.2.
        let last = v32::highest_left(cx, newer);
        let first = rotation::min_sdk(std::slice::from_ref(examined)).map_or(0, i64::from);
        let needed = last == i64::from(cx.max_sdk) || first <= last;
        check_ranges(examined, needed.then_some((last, last)));
    }
}

/// The API levels that signers of v3.0 and newer claim to be for, as far as they can be read; nothing of it is verified.
///
/// # Errors
/// When the bytes cannot be had.
pub(crate) fn claimed_sdk_ranges(apk: &Apk<'_>) -> Result<Vec<(i32, i32)>, Stop> {
    let mut ranges = Vec::new();
    let Some(block) = apk.signing_block()? else { return Ok(ranges) };
    for id in [BlockId::V3, BlockId::V3_1, BlockId::V3_2] {
        let Some(pair) = block.first(id) else { continue };
        let value = block.value(pair, apk.source(), apk.limits())?;
        let Ok((mut list, _)) = signer::signer_list(&value) else { continue };
        for _ in 0..apk.limits().v3_signers {
            let Ok(signer) = Signer::next(&mut list, SignerLayout::V3) else { break };
            ranges.extend(signer.sdk_range);
        }
    }
    Ok(ranges)
}

/// The v3.0 signers by themselves, not held against other blocks or the levels that they must cover.
pub(super) fn examine_alone(cx: &Context<'_>, value: &[u8]) -> Examined {
    examine(cx, value, &CODES, (MIN_SDK, cx.max_sdk), &mut |_, _| {})
}

/// The attributes of one signer that bear on other blocks.
#[derive(Default)]
pub(super) struct Attributes {
    /// Every one that stands there: Android compares each.
    rotation_min_sdk: Vec<i32>,
    pub(super) hybrid_min_sdk: Option<i32>,
    pub(super) hybrid_max_sdk: Option<i32>,
    lineages: usize,
}

/// Examines the signers of a block of v3, v3.1 or v3.2; `finish` looks at each one that is in order so far, with its
/// attributes. `range` is that of the API levels in range which read the block.
pub(super) fn examine(
    cx: &Context<'_>,
    value: &[u8],
    codes: &'static SignerCodes,
    range: (u32, u32),
    finish: &mut dyn FnMut(&mut ExaminedSigner, &Attributes),
) -> Examined {
    let mut attributes: Vec<Attributes> = Vec::new();
    let cap = Cap::number("v3-signers", cx.limits().v3_signers);
    let mut block = block::examine(cx, value, codes, cap, range, &mut |signer, id, value| {
        attributes.resize_with(attributes.len().max(signer.place.index + 1), Attributes::default);
        match attributes.get_mut(signer.place.index) {
            Some(attributes) => on_attribute(cx, codes, signer, attributes, id, value),
            None => Ok(()),
        }
    });
    for signer in &mut block.signers {
        // Certificates are there once the signatures and everything before the attributes were in order.
        if signer.certificates.is_empty() || signer.digests.is_empty() && signer.has_errors() {
            continue;
        }
        let none = Attributes::default();
        finish(signer, attributes.get(signer.place.index).unwrap_or(&none));
    }
    Examined::new(codes.scheme, block)
}

fn on_attribute(
    cx: &Context<'_>,
    codes: &'static SignerCodes,
    signer: &mut ExaminedSigner,
    attributes: &mut Attributes,
    id: u32,
    mut value: Cursor<'_>,
) -> Result<(), ParseError> {
    match id {
        attribute::PROOF_OF_ROTATION => {
            attributes.lineages += 1;
            if attributes.lineages == 2 {
                signer.report(codes, Finding::new(FindingCode::V3DuplicateLineage));
            }
            read_lineage(cx, codes, signer, value);
        }
        attribute::ROTATION_MIN_SDK | attribute::HYBRID_MIN_SDK | attribute::HYBRID_MAX_SDK
            if codes.scheme == SchemeId::V32 =>
        {
            let finding = Finding::new(FindingCode::V32UnexpectedAttribute).detail(format!("{id:#010x}"));
            signer.report(codes, finding);
        }
        attribute::HYBRID_MIN_SDK | attribute::HYBRID_MAX_SDK => {
            let level = value.i32();
            v32::note_announcement(codes, signer, id, level.as_ref().ok());
            match level {
                Ok(level) if id == attribute::HYBRID_MIN_SDK => attributes.hybrid_min_sdk = Some(level),
                Ok(level) => attributes.hybrid_max_sdk = Some(level),
                // Versions before v3.2 do not know the attribute, so they do not look into it.
                Err(error) if cx.max_sdk >= v32::MIN_SDK => return Err(error),
                Err(_) => {}
            }
        }
        attribute::ROTATION_MIN_SDK => match value.i32() {
            Ok(_) if codes.scheme == SchemeId::V31 => {
                let finding = Finding::new(FindingCode::V31UnexpectedAttribute).detail(format!("{id:#010x}"));
                signer.report(codes, finding);
            }
            Ok(level) => attributes.rotation_min_sdk.push(level),
            // Versions before v3.1 do not know the attribute, so they do not look into it.
            Err(error) if cx.max_sdk >= MIN_SDK_V31 => return Err(error),
            Err(_) => {}
        },
        attribute::ROTATION_ON_DEV_RELEASE => signer.targets_dev_release = true,
        _ => {
            let finding = Finding::new(FindingCode::V3UnknownAttribute).detail(format!("{id:#010x}"));
            signer.report(codes, finding);
        }
    }
    Ok(())
}

/// Verifies the proof of rotation; its last certificate must be the signer's.
fn read_lineage(
    cx: &Context<'_>,
    codes: &'static SignerCodes,
    signer: &mut ExaminedSigner,
    value: Cursor<'_>,
) {
    // The lowest level in range at which the signer is read.
    let read_from = match codes.scheme {
        SchemeId::V32 => v32::MIN_SDK,
        SchemeId::V31 => MIN_SDK_V31,
        _ => MIN_SDK,
    };
    let read_from = read_from.max(cx.min_sdk).max(block::api_range(signer.sdk_range).0);
    let finding = match lineage::verify(cx, value) {
        Ok(lineage) if lineage.min_sdk() > read_from => {
            let detail = "signed with an algorithm that this version does not know";
            Some(Finding::new(FindingCode::V3MalformedLineage).detail(detail).values(
                format!("algorithms of API level {read_from}"),
                format!("one of API level {}", lineage.min_sdk()),
            ))
        }
        Ok(lineage) => {
            let last = lineage.nodes().last().map(|node| &node.certificate);
            let finding = (last != signer.certificates.first()).then(|| {
                let describe = |certificate: Option<&crate::identity::Certificate>| {
                    certificate
                        .map_or_else(|| "none".to_owned(), |certificate| certificate.digest().to_string())
                };
                Finding::new(FindingCode::V3LineageCertificateMismatch)
                    .values(describe(signer.certificates.first()), describe(last))
            });
            signer.lineage = Some(lineage);
            finding
        }
        Err(LineageFault::NoHistory(detail)) => {
            Some(Finding::new(FindingCode::V3LineageCertificateMismatch).detail(detail))
        }
        Err(LineageFault::DoesNotVerify(detail)) => {
            Some(Finding::new(FindingCode::V3LineageSignatureMismatch).detail(detail))
        }
        Err(LineageFault::Malformed(detail)) => {
            Some(Finding::new(FindingCode::V3MalformedLineage).detail(detail))
        }
        Err(LineageFault::TooLong(most)) => {
            Some(block::too_many("certificates of the lineage", Cap::number("lineage", most)))
        }
    };
    if let Some(finding) = finding {
        signer.report(codes, finding);
    }
}

/// How many signers of a block a device goes by: one. From v3.0 there is no way down; of v3.1 a second one may be for a
/// development release, and newer devices take that one.
///
/// Source: AOSP `ApkSignatureSchemeV3Verifier.verify`, `verifyV31Signers`.
fn check_device(examined: &mut Examined, level: u32) {
    let knows_dev_releases = examined.scheme != SchemeId::V3;
    let fitting: Vec<&ExaminedSigner> = examined
        .signers
        .iter()
        .filter(|signer| !signer.skipped && (!knows_dev_releases || signer.is_seen_by_release(level)))
        .collect();
    let finding = match fitting.as_slice() {
        [] if examined.scheme == SchemeId::V3 => {
            Finding::new(FindingCode::V3MissingSdkVersions).values("a signer for this version", "none")
        }
        [] | [_] => return,
        [one, other]
            if knows_dev_releases
                && level >= v32::MIN_SDK
                && one.targets_dev_release != other.targets_dev_release =>
        {
            return;
        }
        more => Finding::new(FindingCode::V3InconsistentSdkVersions)
            .values("one signer for this version", more.len().to_string()),
    };
    examined.findings.push(finding.scheme(examined.scheme).api_levels(level, level));
}

/// Holds the ranges and lineages of all signers of a block against each other, and against the levels that the block
/// must cover, if there are any.
///
/// Source: apksig `V3SchemeVerifier.verify`.
fn check_ranges(examined: &mut Examined, needed: Option<(i64, i64)>) {
    let scheme = examined.scheme;
    let mut order: Vec<usize> = (0..examined.signers.len()).collect();
    let range = |index: usize| examined.signers.get(index).map_or((0, 0), |signer| signer.sdk_range);
    order.sort_by_key(|index| range(*index).1);
    // Of signers with the same highest level apksig keeps the last, and does not notice; Android 13 and newer
    // refuses two signers for one version, older ones too.
    for pair in order.windows(2) {
        if let [a, b] = pair
            && range(*a).1 == range(*b).1
        {
            let detail = format!("signers #{} and #{} both end at API level {}", a + 1, b + 1, range(*a).1);
            let finding = Finding::new(FindingCode::V3InconsistentSdkVersions).scheme(scheme).detail(detail);
            examined.findings.push(finding);
            return;
        }
    }
    let mut findings = Vec::new();
    let mut first: Option<i64> = None;
    let mut last = 0_i64;
    let mut longest = 0;
    let mut lineages: Vec<&Lineage> = Vec::new();
    for index in order {
        let Some(signer) = examined.signers.get(index) else { continue };
        let (min, max) = (i64::from(signer.sdk_range.0), i64::from(signer.sdk_range.1));
        // In v3.0 Android knows no development releases: there it would meet two signers for one level.
        let shares_level = min == last && signer.targets_dev_release && scheme != SchemeId::V3;
        if first.is_some() && min != last + 1 && !shares_level {
            let detail = format!("a signer up to API level {last}, the next from {min} on");
            findings.push(Finding::new(FindingCode::V3InconsistentSdkVersions).scheme(scheme).detail(detail));
            break;
        }
        first.get_or_insert(min);
        last = max;
        if let Some(lineage) = &signer.lineage {
            if lineage.nodes().len() < longest {
                findings.push(
                    Finding::new(FindingCode::V3InconsistentLineages)
                        .scheme(scheme)
                        .detail("a signer for newer versions has a shorter one"),
                );
                break;
            }
            longest = lineage.nodes().len();
            lineages.push(lineage);
        }
    }
    let first = first.unwrap_or(0);
    if let Some((first_needed, last_needed)) = needed
        && (first > first_needed || last < last_needed)
    {
        let text = |level: i64| {
            if level == i64::from(i32::MAX) { "the newest".to_owned() } else { level.to_string() }
        };
        findings.push(Finding::new(FindingCode::V3MissingSdkVersions).scheme(scheme).values(
            format!("API levels {first_needed} to {}", text(last_needed)),
            format!("{first} to {}", text(last)),
        ));
    }
    if !lineage::is_one_history(&lineages) {
        findings.push(Finding::new(FindingCode::V3InconsistentLineages).scheme(scheme));
    }
    examined.findings.append(&mut findings);
}
