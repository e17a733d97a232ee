//! All schemes over all Android versions in range, to one body of evidence.
//!
//! Evidence is a function of the bytes and of [`VerifyOptions`]; it holds no verdict.

mod across;
mod archive;
mod container;
mod kept;
mod keys;
mod split_set;
mod stamp;
mod views;

use std::collections::HashMap;

use crate::Error;
use crate::Limits;
use crate::apk::Apk;
use crate::apk::ManifestFacts;
use crate::apk::ReadManifest;
use crate::apk::SigningBlock;
use crate::apk::Stop;
use crate::apk::manifest;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::FindingList;
use crate::finding::SchemeId;
use crate::format::signing_block::BlockId;
use crate::identity::Certificate;
use crate::scheme;
use crate::scheme::Context;
use crate::scheme::NotChecked;
use crate::scheme::Proof;
use crate::scheme::SchemeOutcome;
use crate::scheme::SchemeResult;
use crate::scheme::VerifiedSigner;
use crate::scheme::since;
use crate::source::ByteSource;

pub use crate::finding::MAX_SDK;
pub use crate::scheme::Idsig;
pub use container::verify_container;
pub(crate) use split_set::SeenSigners;
pub use split_set::SetMember;
pub use split_set::check_split_set;
pub use stamp::StampStatus;
pub use stamp::StampVerification;
pub use stamp::verify_source_stamp;

/// What to verify for.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct VerifyOptions {
    /// Lowest API level; the manifest's when none is given.
    pub min_sdk: Option<u32>,
    /// Highest API level; no upper bound when none is given.
    pub max_sdk: Option<u32>,
    /// Caps on what the file may make us do.
    pub limits: Limits,
    /// Whether to judge as the released version of one API level does, which is `min_sdk` and `max_sdk`: no scheme and no
    /// signer but the ones it goes by, and none of apksig's rules of consistent signing.
    pub(crate) as_device: bool,
    /// Whether it is no app but holds some: it has no manifest, and none is asked for.
    pub(crate) as_container: bool,
}

/// Where verification ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Status {
    /// Signed, and every Android version in range accepts the signature.
    Verified,
    /// Signed, and some Android version in range does not accept the signature.
    Rejected,
    /// No signature of any scheme.
    Unsigned,
    /// Not an APK, or too broken to be one.
    Malformed,
}

/// Who some Android versions see.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ApiView {
    /// Lowest API level.
    pub min_sdk: u32,
    /// Highest API level; [`MAX_SDK`] for no upper bound.
    pub max_sdk: u32,
    /// The scheme that these versions go by.
    pub scheme: SchemeId,
    /// Which signers of that scheme they see: positions in [`SchemeResult::signers`]. Of v3.2 the post-quantum one, which
    /// is the current signer; [`VerifiedSigner::classical_partner`] leads to the other.
    pub signers: Vec<usize>,
}

/// The evidence: what the bytes prove, with everything that was seen on the way.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Verification {
    /// Size of the file in bytes.
    pub file_size: u64,
    /// Where verification ended.
    pub status: Status,
    /// Lowest API level that was verified for; none when it could not be determined.
    pub min_sdk: Option<u32>,
    /// Highest API level that was verified for.
    pub max_sdk: u32,
    /// What the manifest says: a claim unless `status` is [`Status::Verified`].
    pub claimed_manifest: Option<ManifestFacts>,
    /// One row a scheme, oldest first.
    pub schemes: Vec<SchemeResult>,
    /// When a verified source stamp says that it was made, in Unix seconds: the distributor's word. None when the stamp
    /// does not say, or does not verify.
    pub stamp_timestamp: Option<u64>,
    /// Who each Android version in range sees, lowest first; empty unless verified. Two ranges share a level where a signer
    /// for a development release begins: there the released version sees the first, the development release the other.
    pub views: Vec<ApiView>,
    /// Everything that was seen, in the order in which it was.
    pub findings: Vec<Finding>,
}

impl Verification {
    /// What there is to say of a file of which nothing can be read, for this one reason.
    pub(crate) fn malformed(options: &VerifyOptions, finding: Finding) -> Self {
        Self { findings: vec![finding], ..Self::begin(0, options) }
    }

    fn begin(file_size: u64, options: &VerifyOptions) -> Self {
        Self {
            file_size,
            status: Status::Malformed,
            min_sdk: options.min_sdk,
            max_sdk: options.max_sdk.unwrap_or(MAX_SDK),
            claimed_manifest: None,
            schemes: Vec::new(),
            stamp_timestamp: None,
            views: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Whether every Android version in range accepts the signature.
    pub fn is_verified(&self) -> bool {
        self.status == Status::Verified
    }

    /// The verified package name: what the manifest of a verified file says.
    pub fn package(&self) -> Option<&str> {
        self.claimed_package().filter(|_| self.is_verified())
    }

    /// The package name that the manifest claims, whether or not the file is verified.
    pub fn claimed_package(&self) -> Option<&str> {
        self.claimed_manifest
            .as_ref()
            .map(|manifest| manifest.package.as_str())
            .filter(|package| !package.is_empty())
    }

    /// What `scheme` proves.
    pub fn scheme(&self, scheme: SchemeId) -> Option<&SchemeResult> {
        self.schemes.iter().find(|result| result.scheme == scheme)
    }

    /// The signers that the Android versions of `view` see.
    pub fn signers_of<'a>(&'a self, view: &'a ApiView) -> impl Iterator<Item = &'a VerifiedSigner> {
        let signers = self.scheme(view.scheme).map_or(&[][..], SchemeResult::signers);
        view.signers.iter().filter_map(|index| signers.get(*index))
    }

    /// The certificates of those whom the newest Android version in range sees; empty unless verified. apksig reports the
    /// same, but goes by the order of v3 signers in the file and not by their levels. Of v3.2 the post-quantum one, which
    /// Android takes for the current signer's.
    pub fn signer_certificates(&self) -> Vec<&Certificate> {
        let newest = self.views.last();
        newest.into_iter().flat_map(|view| self.signers_of(view)).map(VerifiedSigner::certificate).collect()
    }

    /// Certificates that schemes name although the file does not verify, each once: who it *claims* to be from.
    ///
    /// Without those of a source stamp, which are a distributor's: [`Verification::scheme`] has them.
    pub fn claimed_certificates(&self) -> Vec<&Certificate> {
        let mut claimed: Vec<&Certificate> = Vec::new();
        let signing = || self.schemes.iter().filter(|result| result.scheme != SchemeId::SourceStamp);
        // A scheme may verify while another one, which other Android versions read, does not.
        let verified = signing().filter(|_| !self.is_verified()).flat_map(SchemeResult::signers);
        let named = signing().flat_map(|result| &result.claimed_certificates);
        for certificate in verified.map(VerifiedSigner::certificate).chain(named) {
            if !claimed.contains(&certificate) {
                claimed.push(certificate);
            }
        }
        claimed
    }
}

/// So many findings of one kind are told of a file; how many more there are is said. More than the schemes keep, all of
/// their signers together.
const MOST_FINDINGS: usize = 4000;

/// Verifies the APK in `source` for every Android version in range.
///
/// An APK that is unsigned, forged or broken is `Ok`, with findings. [`verify_with_idsig`] takes the v4 signature file
/// that stands beside an APK as well.
///
/// # Errors
/// [`Error::Read`] and [`Error::Changed`] when the bytes cannot be had, or not twice the same;
/// [`Error::Usage`] when the range of API levels is empty.
///
/// Source: apksig `ApkVerifier.verify`, whose order of checks this keeps.
pub fn verify(source: &dyn ByteSource, options: &VerifyOptions) -> Result<Verification, Error> {
    verify_all(source, None, options)
}

/// Verifies the APK in `source` together with the v4 signature file that stands beside it.
///
/// An APK whose file does not verify is rejected, whatever its other signatures say; the findings name the file. The
/// result of [`SchemeId::V4`] holds a signer for the v2 or v3.0 signature, and one for each newer block that it is bound to.
///
/// ```
/// use apkvouch::finding::SchemeId;
/// use apkvouch::source::FileSource;
/// use apkvouch::{Idsig, VerifyOptions, verify_with_idsig};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let apk = FileSource::open("testdata/v4/honest/app.apk".as_ref())?;
/// let idsig = FileSource::open("testdata/v4/honest/app.apk.idsig".as_ref())?;
/// let idsig = Idsig::new(&idsig, "app.apk.idsig");
/// let evidence = verify_with_idsig(&apk, &idsig, &VerifyOptions::default())?;
/// assert!(evidence.scheme(SchemeId::V4).is_some_and(|v4| v4.is_verified()));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`verify`]; [`Error::File`], with the name of the v4 signature file, when that one cannot be read.
///
/// Source: apksig `ApkVerifier.verify`; AOSP `ApkSignatureVerifier.verifyV4Signature`.
pub fn verify_with_idsig(
    source: &dyn ByteSource,
    idsig: &Idsig<'_>,
    options: &VerifyOptions,
) -> Result<Verification, Error> {
    verify_all(source, Some(idsig), options)
}

fn verify_all(
    source: &dyn ByteSource,
    idsig: Option<&Idsig<'_>>,
    options: &VerifyOptions,
) -> Result<Verification, Error> {
    check_range(options)?;
    let max_sdk = options.max_sdk.unwrap_or(MAX_SDK);
    let mut verification = Verification::begin(source.len(), options);
    let mut proof = Proof::default();
    let outcome = Apk::open(source, &options.limits)
        .and_then(|apk| judge(&apk, idsig, options, &mut verification, &mut proof));
    let v4_failed = proof.conclude_v4(match (idsig, &outcome) {
        (None, Err(_)) => None,
        (None, Ok(_)) => Some(SchemeOutcome::Absent),
        (_, Err(_)) => Some(SchemeOutcome::NotChecked(NotChecked::Malformed)),
        _ if max_sdk < since::V4 => Some(SchemeOutcome::NotChecked(NotChecked::NoVersionInRange)),
        _ => Some(SchemeOutcome::NotChecked(NotChecked::EarlierFailure)),
    });
    verification.findings.append(&mut proof.findings);
    match outcome {
        Ok(Status::Verified) if v4_failed => verification.status = Status::Rejected,
        Ok(status) => verification.status = status,
        Err(Stop::Malformed(finding)) => verification.findings.push(*finding),
        Err(Stop::Error(error)) => return Err(error),
    }
    let mut findings = FindingList::of_most(MOST_FINDINGS);
    findings.extend(verification.findings.drain(..));
    verification.findings = findings.into_vec();
    proof.sort();
    verification.schemes = proof.schemes;
    verification.stamp_timestamp = proof.stamp_timestamp;
    if verification.is_verified() {
        see(&mut verification);
    }
    source.check_unchanged().map_err(Error::Changed)?;
    idsig.map_or(Ok(()), Idsig::check_unchanged)?;
    Ok(verification)
}

/// Notes whom each Android version sees. One that has v3 at hand and finds no signer in it refuses the file.
fn see(verification: &mut Verification) {
    for (first, last) in views::gaps(verification) {
        if first < since::V3 {
            let last = last.min(since::V3 - 1);
            let finding = Finding::new(FindingCode::VersionsWithoutSignature)
                .api_levels(first, last)
                .values("a signature that they read", "none");
            verification.findings.push(finding);
        }
        if last >= since::V3 {
            let finding = Finding::new(FindingCode::V3MissingSdkVersions)
                .api_levels(first.max(since::V3), last)
                .detail("a released version leaves out a signer for a development release")
                .values("a signer for these versions", "none");
            verification.findings.push(finding);
            verification.status = Status::Rejected;
        }
    }
    if verification.is_verified() {
        verification.views = views::of(verification);
    }
}

/// The range of API levels must have a level in it.
fn check_range(options: &VerifyOptions) -> Result<(), Error> {
    let max_sdk = options.max_sdk.unwrap_or(MAX_SDK);
    match options.min_sdk {
        Some(min_sdk) if min_sdk > max_sdk => Err(Error::Usage(format!(
            "the lowest API level, {min_sdk}, is above the highest, {max_sdk}: swap them or leave one out"
        ))),
        _ => Ok(()),
    }
}

/// What the signatures come to, and what is odd about archive and keys, however far the file could be read.
fn judge(
    apk: &Apk<'_>,
    idsig: Option<&Idsig<'_>>,
    options: &VerifyOptions,
    verification: &mut Verification,
    proof: &mut Proof,
) -> Result<Status, Stop> {
    let outcome = run(apk, idsig, options, verification, proof);
    if let Err(Stop::Error(_)) = outcome {
        return outcome;
    }
    let range = (verification.min_sdk.unwrap_or(1), verification.max_sdk);
    match archive::report(apk, range, proof) {
        Ok(found) => verification.findings.extend(found),
        // Then that is what stopped us, or the file is rejected anyhow.
        Err(Stop::Malformed(_)) => {}
        Err(stop) => return Err(stop),
    }
    match outcome {
        Ok(Status::Verified) if verification.findings.iter().any(Finding::is_error) => Ok(Status::Rejected),
        Ok(Status::Verified) => {
            keys::report(proof, &options.limits);
            Ok(Status::Verified)
        }
        other => other,
    }
}

/// Everything but what a v4 signature file says of itself: that waits in `proof`.
fn run(
    apk: &Apk<'_>,
    idsig: Option<&Idsig<'_>>,
    options: &VerifyOptions,
    verification: &mut Verification,
    proof: &mut Proof,
) -> Result<Status, Stop> {
    let max_sdk = verification.max_sdk;
    // Without a given level the manifest must tell; with one, schemes of the signing block do not need it.
    let mut manifest = match (options.min_sdk, apk.manifest()) {
        _ if options.as_container => None,
        (_, Ok(manifest)) => manifest,
        (Some(_), Err(Stop::Malformed(_))) => None,
        (_, Err(stop)) => return Err(stop),
    };
    verification.claimed_manifest = manifest.as_ref().map(|manifest| manifest.facts.clone());
    if let Some(name) = manifest.as_ref().and_then(|manifest| manifest.facts.split.name.as_deref()) {
        verification.findings.push(Finding::new(FindingCode::SplitApk).detail(name));
    }
    // Whatever is signed, it is not clear which app it is.
    if let Some(ambiguity) = manifest.as_mut().and_then(|manifest| manifest.ambiguity.take()) {
        return Err(ambiguity.into());
    }
    let min_sdk = match options.min_sdk {
        Some(min_sdk) => min_sdk,
        None => min_sdk_of(manifest.as_mut(), max_sdk)?,
    };
    verification.min_sdk = Some(min_sdk);
    let signing_block = apk.signing_block()?;
    if let Some(block) = signing_block {
        report_block(block, &mut verification.findings);
        verification.findings.extend(scheme::unknown_schemes(apk, block)?);
    }
    if apk.sections().installer_disagrees {
        verification
            .findings
            .push(Finding::new(FindingCode::ZipAmbiguousEocd).offset(apk.sections().eocd_offset));
    }
    let cx = Context::new(apk, min_sdk, max_sdk);
    let cx = if options.as_device { cx.on_device(max_sdk) } else { cx };
    let idsig = idsig.filter(|_| max_sdk >= since::V4);
    let mut v4 = None;
    if max_sdk >= since::V2 {
        (*proof, v4) = scheme::verify_signing_block(&cx, idsig)?;
    } else {
        proof.skip_signing_block(apk)?;
    }
    if proof.has_errors() {
        proof.skip_v1(apk, NotChecked::EarlierFailure)?;
        scheme::skip_source_stamp(&cx, proof)?;
        return Ok(Status::Rejected);
    }
    if let Some(idsig) = idsig {
        scheme::examine_v4(&cx, idsig, v4, proof)?;
    }
    if !options.as_container {
        check_sandbox(apk, manifest.as_ref(), proof, (min_sdk, max_sdk))?;
    }
    let before = proof.has_errors();
    if min_sdk < since::V2 || !proof.decides(min_sdk, max_sdk) {
        scheme::verify_v1(&cx, proof)?;
    } else if min_sdk < since::V3 && !proof.found.contains(&SchemeId::V2) && scheme::has_v1(apk)? {
        // Without v2, Android 7.0 to 8.1 go by v1, though apksig does not look: it must not be somebody else's.
        scheme::verify_v1_for_some(&cx, proof)?;
    } else {
        // apksig reads the directory all the same, and so refuses a malformed one.
        apk.directory()?;
        proof.skip_v1(apk, NotChecked::NewerSchemeDecides)?;
    }
    if before || proof.has_errors() {
        scheme::skip_source_stamp(&cx, proof)?;
    } else {
        scheme::verify_source_stamp(&cx, proof)?;
        if !options.as_device {
            across::check(proof);
        }
        across::check_start(proof, apk)?;
        scheme::bind_v4(&cx, proof)?;
        check_target_sdk(manifest.as_ref().map(|manifest| &manifest.facts), proof, (min_sdk, max_sdk));
    }
    cx.check_limits()?;
    if !proof.has_errors() {
        return Ok(Status::Verified);
    }
    let signed = scheme::has_v1(apk)? || signing_block.is_some_and(scheme::has_block_scheme);
    Ok(if signed { Status::Rejected } else { Status::Unsigned })
}

fn min_sdk_of(manifest: Option<&mut ReadManifest>, max_sdk: u32) -> Result<u32, Stop> {
    let Some(manifest) = manifest else { return Err(manifest::missing().into()) };
    let min_sdk = match (manifest.facts.min_sdk, manifest.min_sdk_fault.take()) {
        (Some(min_sdk), _) => min_sdk,
        (None, fault) => return Err(fault.unwrap_or_else(manifest::missing).into()),
    };
    if min_sdk > max_sdk {
        return Err(Finding::new(FindingCode::SdkRangeEmpty)
            .values(format!("at most {max_sdk}"), min_sdk.to_string())
            .into());
    }
    Ok(min_sdk)
}

/// What is odd about the signing block as a whole.
fn report_block(block: &SigningBlock, findings: &mut Vec<Finding>) {
    if let Some(fault) = &block.fault {
        let code = if block.unusable {
            FindingCode::SigningBlockMalformed
        } else {
            FindingCode::SigningBlockTailMalformed
        };
        findings.push(Finding::new(code).offset(fault.offset).detail(fault.to_string()));
    }
    let mut times: HashMap<BlockId, u32> = HashMap::with_capacity(block.pairs.len());
    for pair in &block.pairs {
        let times = times.entry(pair.id).or_default();
        *times = times.saturating_add(1);
        if *times == 2 {
            let offset = block.value_offset(*pair);
            let detail = format!("{} again at {offset:#x}", pair.id);
            findings.push(Finding::new(FindingCode::SigningBlockDuplicateId).offset(offset).detail(detail));
        }
    }
    report_storage(block, findings);
}

/// What speaks for a use of the signing block as free storage: nothing signs its pairs.
fn report_storage(block: &SigningBlock, findings: &mut Vec<Finding>) {
    const LARGE_BLOCK: u64 = 1 << 20;
    const LARGE_PAIR: u64 = 4096;
    if block.size > LARGE_BLOCK {
        let finding = Finding::new(FindingCode::SigningBlockLarge).offset(block.offset);
        findings
            .push(finding.values(format!("at most {LARGE_BLOCK} bytes"), format!("{} bytes", block.size)));
    }
    for pair in &block.pairs {
        if pair.id.meaning().is_none() && pair.len > LARGE_PAIR {
            let finding = Finding::new(FindingCode::SigningBlockLargePair).offset(block.value_offset(*pair));
            let finding = finding.detail(pair.id.to_string());
            findings
                .push(finding.values(format!("at most {LARGE_PAIR} bytes"), format!("{} bytes", pair.len)));
        }
    }
    if let Some(offset) = block.padding_not_zero {
        findings.push(Finding::new(FindingCode::SigningBlockPaddingNotZero).offset(offset));
    }
}

/// An app that asks for a newer sandbox must be signed with v2 or newer, on Android 8.0 and newer.
///
/// A manifest that could not be read, and was not needed until here, is read again for what is wrong with it.
fn check_sandbox(
    apk: &Apk<'_>,
    manifest: Option<&ReadManifest>,
    proof: &mut Proof,
    (min_sdk, max_sdk): (u32, u32),
) -> Result<(), Stop> {
    const SINCE: u32 = 26;
    if max_sdk < SINCE {
        return Ok(());
    }
    let version = match manifest {
        Some(manifest) => manifest.facts.target_sandbox_version,
        None => apk.manifest()?.ok_or_else(manifest::missing)?.facts.target_sandbox_version,
    };
    if version > 1 && !proof.decides(min_sdk.max(SINCE), max_sdk) {
        let finding = Finding::new(FindingCode::TargetSandboxSchemeNotMet)
            .detail(format!("target sandbox version {version}"))
            .values("v2 or newer", "none of them");
        proof.findings.push(finding);
    }
    Ok(())
}

/// An app for Android 11 and newer must be signed with v2 or newer.
fn check_target_sdk(manifest: Option<&ManifestFacts>, proof: &mut Proof, (min_sdk, max_sdk): (u32, u32)) {
    const SINCE: u32 = 30;
    let Some(target_sdk) = manifest.map(|manifest| manifest.target_sdk) else { return };
    // A source stamp is no signature of the app.
    let is_newer = |scheme| !matches!(scheme, SchemeId::V1 | SchemeId::SourceStamp);
    let newer = proof.schemes.iter().any(|result| result.is_verified() && is_newer(result.scheme));
    let newer = newer && proof.decides(min_sdk.max(SINCE), max_sdk);
    if target_sdk >= SINCE && max_sdk >= target_sdk && !newer {
        let finding = Finding::new(FindingCode::TargetSdkSchemeNotMet)
            .detail(format!("target SDK level {target_sdk}"))
            .values("v2 or newer", "v1")
            .api_levels(SINCE, max_sdk);
        proof.findings.push(finding);
    }
}
