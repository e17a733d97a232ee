//! A signature file (`.SF`) against the manifest.
//!
//! Source: apksig `V1SchemeVerifier.Signer.verifySigFileAgainstManifest`.

use std::collections::BTreeSet;

use data_encoding::HEXLOWER;

use super::EntryDigests;
use super::MANIFEST;
use super::Names;
use super::Part;
use super::Signer;
use super::digests;
use super::strict;
use super::too_many_sections;
use crate::Error;
use crate::apk::Stop;
use crate::crypto::DigestAlgorithm;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::format::jar::Manifest;
use crate::format::jar::Section;
use crate::limits::Cap;
use crate::scheme::Context;
use crate::scheme::v2;

/// First API level that honours the header against stripping.
const STRIPPING_PROTECTION_SINCE: u32 = 24;
/// Why a section can differ although the digest over what apksig takes for it holds.
const SURPLUS_LINES: &str = "more than one empty line ends it, and Android digests them with it";

/// Verifies the signature file of `signer`, and notes which entries it lists.
///
/// Returns whether the signer is ignored.
pub(super) fn verify(
    cx: &Context<'_>,
    signer: &mut Signer<'_>,
    manifest: &EntryDigests<'_>,
    found: &[SchemeId],
) -> Result<bool, Stop> {
    let bytes = match signer.content.bytes.take() {
        Some(bytes) => bytes,
        None => read_again(cx, signer)?,
    };
    let file = Manifest::parse(&bytes);
    let range = (cx.min_sdk, cx.max_sdk);
    let main = file.main();
    let version = main.and_then(|main| main.get("Signature-Version"));
    let (Some(main), Some(_)) = (main, version) else {
        let entry = signer.file.name.clone();
        signer.report(Finding::new(FindingCode::V1MissingVersion).entry(entry));
        return Ok(true);
    };
    if cx.max_sdk >= STRIPPING_PROTECTION_SINCE {
        check_stripping(cx, signer, &main, found);
        if signer.has_errors() {
            return Ok(false);
        }
    }
    let by_signtool = main.get("Created-By").is_some_and(|value| value.contains("signtool"));
    let whole_verified = check_whole_manifest(signer, &main, manifest, by_signtool, range);
    if !by_signtool {
        check_main_section(signer, &main, manifest, range);
        if signer.has_errors() {
            return Ok(false);
        }
    }
    let mut seen = Names::default();
    let mut lists = vec![false; manifest.sections.len()];
    for (index, section) in file.sections().enumerate() {
        if index >= cx.limits().jar_sections {
            return Err(too_many_sections(&signer.file.name, cx.limits().jar_sections));
        }
        let Some(name) = section.name() else {
            let detail = format!("section #{}", index + 1);
            let entry = signer.file.name.clone();
            signer.report(Finding::new(FindingCode::V1UnnamedSfSection).entry(entry).detail(detail));
            return Ok(true);
        };
        if !seen.is_new(&name) {
            signer.report(Finding::new(FindingCode::V1DuplicateSfSection).entry(name.as_ref()));
            return Ok(true);
        }
        if let Some(listed) = manifest.positions.get(name.as_ref()).and_then(|index| lists.get_mut(*index)) {
            *listed = true;
        }
        if whole_verified {
            continue;
        }
        let Some(listed) = manifest.section_of(&name) else {
            signer.report(Finding::new(FindingCode::V1NoDigestInSf).entry(name.as_ref()));
            return Ok(true);
        };
        let surplus = manifest.has_surplus_lines(&listed);
        check_section(signer, &section, &name, &listed, surplus, by_signtool, range);
    }
    // Android passes over a signature file that it cannot read, and so over its signer.
    if !signer.has_errors()
        && let Some(finding) = strict::check(&bytes, strict::File::SignatureFile)
    {
        let entry = signer.file.name.clone();
        signer.report(finding.entry(entry));
    }
    signer.lists = lists;
    Ok(false)
}

/// A signature file that was not kept. It has to be the one that was signed.
fn read_again(cx: &Context<'_>, signer: &Signer<'_>) -> Result<Vec<u8>, Stop> {
    let bytes = cx.apk.entry_to_vec(
        signer.file.record,
        &signer.file.name,
        Cap::new("jar-manifest", cx.limits().jar_manifest),
    )?;
    if signer.content.digests.iter().any(|(algorithm, digest)| algorithm.digest(&bytes) != *digest) {
        return Err(Stop::Error(Error::Changed("a signature file is not what it was".to_owned())));
    }
    Ok(bytes)
}

/// Holds `X-Android-APK-Signed` against the schemes that were found.
///
/// Source: apksig `V1SchemeVerifier.Signer.checkForStrippedApkSignatures`.
fn check_stripping(cx: &Context<'_>, signer: &mut Signer<'_>, main: &Section<'_>, found: &[SchemeId]) {
    let Some(list) = main.get("X-Android-APK-Signed") else {
        if !found.is_empty() {
            signer.report(Finding::new(FindingCode::V1NoStrippingProtection));
        }
        return;
    };
    let known = v2::known_scheme_ids(cx.max_sdk);
    if known.is_empty() {
        return;
    }
    let found: Vec<u32> = found.iter().filter_map(|scheme| v2::stripping_protection_id(*scheme)).collect();
    let mut expected = Vec::new();
    let mut unknown = BTreeSet::new();
    for id in list.split(',').filter_map(|id| id.trim().parse::<i64>().ok()) {
        match u32::try_from(id).ok().filter(|id| known.contains(id)) {
            Some(id) if !expected.contains(&id) => expected.push(id),
            None if unknown.len() < cx.limits().records && unknown.insert(id) => {
                let entry = signer.file.name.clone();
                let finding = Finding::new(FindingCode::V1UnknownSchemeId).entry(entry);
                signer.report(finding.detail(format!("scheme id {id}")));
            }
            _ => {}
        }
    }
    for id in expected {
        if !found.contains(&id) {
            let entry = signer.file.name.clone();
            let finding = Finding::new(FindingCode::V1SchemeStripped).entry(entry);
            signer.report(finding.values(format!("a v{id} signature beside this one, as signed"), "none"));
        }
    }
}

/// Compares the digest of the whole manifest. A difference is a warning: the sections may still hold.
fn check_whole_manifest(
    signer: &mut Signer<'_>,
    main: &Section<'_>,
    manifest: &EntryDigests<'_>,
    by_signtool: bool,
    range: (u32, u32),
) -> bool {
    let suffix = if by_signtool { "-Digest" } else { "-Digest-Manifest" };
    let expected = digests::to_verify(main, suffix, range);
    if expected.is_empty() {
        let entry = signer.file.name.clone();
        signer.report(Finding::new(FindingCode::V1NoManifestDigest).entry(entry));
        return false;
    }
    let mut verified = true;
    for digest in expected {
        let actual = manifest.digest(Part::Whole, digest.algorithm);
        if digest.value.as_deref() != Some(&actual) {
            let finding = Finding::new(FindingCode::V1ManifestDigestMismatch).entry(MANIFEST);
            signer.report(with_digests(finding, digest.algorithm, digest.value.as_deref(), &actual));
            verified = false;
        }
    }
    verified
}

fn check_main_section(
    signer: &mut Signer<'_>,
    main: &Section<'_>,
    manifest: &EntryDigests<'_>,
    range: (u32, u32),
) {
    let surplus = manifest.main.is_some_and(|section| manifest.has_surplus_lines(&section));
    for digest in digests::to_verify(main, "-Digest-Manifest-Main-Attributes", range) {
        let actual = manifest.digest(Part::Main, digest.algorithm);
        let finding = Finding::new(FindingCode::V1ManifestMainDigestMismatch).entry(MANIFEST);
        if digest.value.as_deref() != Some(&actual) {
            signer.report(with_digests(finding, digest.algorithm, digest.value.as_deref(), &actual));
        } else if surplus {
            signer.report(finding.detail(SURPLUS_LINES));
        }
    }
}

fn check_section(
    signer: &mut Signer<'_>,
    section: &Section<'_>,
    name: &str,
    listed: &Section<'_>,
    surplus: bool,
    by_signtool: bool,
    range: (u32, u32),
) {
    let expected = digests::to_verify(section, "-Digest", range);
    if expected.is_empty() {
        signer.report(Finding::new(FindingCode::V1NoDigestInSf).entry(name));
        return;
    }
    // signtool leaves the last line feed of two out of its digests.
    let bytes = match listed.bytes.strip_suffix(b"\n") {
        Some(shorter) if by_signtool && shorter.ends_with(b"\n") => shorter,
        _ => listed.bytes,
    };
    for digest in expected {
        let actual = digest.algorithm.digest(bytes);
        let finding = Finding::new(FindingCode::V1ManifestSectionDigestMismatch).entry(name);
        if digest.value.as_deref() != Some(&actual) {
            signer.report(with_digests(finding, digest.algorithm, digest.value.as_deref(), &actual));
        } else if surplus {
            signer.report(finding.detail(SURPLUS_LINES));
        }
    }
}

/// Adds a digest as it was signed and as it is.
pub(super) fn with_digests(
    finding: Finding,
    algorithm: DigestAlgorithm,
    expected: Option<&[u8]>,
    actual: &[u8],
) -> Finding {
    let expected = expected.map_or_else(
        || "no digest: what stands there is not Base64".to_owned(),
        |actual| HEXLOWER.encode(actual),
    );
    finding.detail(algorithm.name()).values(expected, HEXLOWER.encode(actual))
}
