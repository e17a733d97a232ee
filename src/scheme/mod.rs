//! What the APK proves: each signature scheme as Android verifies it.
//!
//! Only this module makes a [`VerifiedSigner`], so that nothing above it can be handed a claimed one.

mod block;
mod budget;
mod certificate;
mod content;
mod kept;
mod lineage;
mod rotation;
mod source_stamp;
mod unknown;
mod v1;
mod v2;
mod v3;
mod v32;
mod v4;

use serde::Serialize;

use crate::Limits;
use crate::apk::Apk;
use crate::apk::SigningBlock;
use crate::apk::Stop;
use crate::crypto::ContentDigestAlgorithm;
use crate::crypto::PublicKey;
use crate::crypto::SignatureScheme;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::finding::SignerPlace;
use crate::format::signing_block::BlockId;
use crate::identity::Certificate;
use crate::identity::CertificateDigest;
use crate::identity::Lineage;

use block::ExaminedBlock;
use block::ExaminedSigner;
use block::SignerCodes;
use budget::Budget;
use budget::CheckError;
use certificate::Certificates;
use v4::BegunV4;
use v4::ExaminedV4;

pub use crate::crypto::DigestAlgorithm;
pub(crate) use certificate::identify as identify_certificate;
pub(crate) use content::ContentDigests;
pub use lineage::LineageFileFault;
pub use lineage::verify_lineage_file;
pub(crate) use source_stamp::SchemeDigests;
pub(crate) use source_stamp::StampParts;
pub(crate) use source_stamp::StampResult;
pub(crate) use source_stamp::listed_digests;
pub(crate) use source_stamp::verify as verify_stamp_over;
pub(crate) use unknown::unknown_schemes;
pub(crate) use v3::claimed_sdk_ranges;
pub use v4::Idsig;
pub(crate) use v4::UNSEEN_BY_APKSIG as V4_UNSEEN_BY_APKSIG;

/// First API level that reads each scheme.
pub(crate) mod since {
    pub(crate) use super::v2::MIN_SDK as V2;
    pub(crate) use super::v3::MIN_SDK as V3;
    pub(crate) use super::v3::MIN_SDK_V31 as V31;
    pub(crate) use super::v4::MIN_SDK as V4;
    pub(crate) use super::v32::MIN_SDK as V32;
}

/// What every scheme is given: the file, and for which API levels.
pub(crate) struct Context<'a> {
    pub(crate) apk: &'a Apk<'a>,
    pub(crate) min_sdk: u32,
    pub(crate) max_sdk: u32,
    /// Set when the question is what the released version of this one API level does, and nothing else.
    device: Option<u32>,
    certificates: Certificates,
    budget: Budget,
}

impl<'a> Context<'a> {
    pub(crate) fn new(apk: &'a Apk<'a>, min_sdk: u32, max_sdk: u32) -> Self {
        let (certificates, budget) = (Certificates::default(), Budget::default());
        Self { apk, min_sdk, max_sdk, device: None, certificates, budget }
    }

    /// Judges as the released version of API level `level` does, instead of over a range as apksig: it looks at no
    /// signer and no scheme but the ones it goes by.
    pub(crate) fn on_device(self, level: u32) -> Self {
        Self { min_sdk: level, max_sdk: level, device: Some(level), ..self }
    }

    /// Checks one signature; see [`Budget::verify`].
    fn verify(
        &self,
        key: &PublicKey,
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, CheckError> {
        self.budget.verify(key, scheme, message, signature, self.limits())
    }

    /// Stops the work once the file has asked for more of it, over all schemes, than the limits grant. What was found
    /// after that is not all, so none of it is told.
    ///
    /// # Errors
    /// [`Stop::Malformed`] with the one finding.
    pub(crate) fn check_limits(&self) -> Result<(), Stop> {
        self.budget.check(self.limits())?;
        self.certificates.check(self.limits())
    }

    fn limits(&self) -> &'a Limits {
        self.apk.limits()
    }
}

/// A scheme whose signers stand in a pair of the signing block. To add one: a file, and a row in [`SCHEMES`].
trait BlockScheme: Sync {
    fn id(&self) -> SchemeId;

    /// The pair that holds its signers.
    fn block_id(&self) -> BlockId;

    /// First API level that reads it.
    fn min_sdk(&self) -> u32;

    /// The codes under which it reports.
    fn codes(&self) -> &'static SignerCodes;

    /// Whether some Android version in range reads it, given the newer schemes that are there.
    fn is_read(&self, _cx: &Context<'_>, _newer: &[Examined]) -> bool {
        true
    }

    /// Verifies the signatures in `value`; what they say of the content is compared later.
    fn examine(&self, cx: &Context<'_>, value: &[u8], newer: &[Examined]) -> Result<Examined, Stop>;

    /// Checks across signers, once all digests have been compared.
    fn conclude(&self, _cx: &Context<'_>, _examined: &mut Examined, _newer: &[Examined]) {}

    /// What it means that the pair is not there.
    fn missing(&self, _newer: &[Examined]) -> Option<Finding> {
        None
    }
}

/// The block schemes, newest first: the order in which Android tries them.
const SCHEMES: &[&dyn BlockScheme] = &[&v32::V32, &v3::V31, &v3::V3, &v2::V2];

/// A scheme after its signatures have been looked at.
#[derive(Debug)]
struct Examined {
    scheme: SchemeId,
    signers: Vec<ExaminedSigner>,
    /// Of the block as a whole; those of a signer are with it.
    findings: Vec<Finding>,
}

impl Examined {
    fn new(scheme: SchemeId, block: ExaminedBlock) -> Self {
        Self { scheme, signers: block.signers, findings: block.findings }
    }

    fn has_errors(&self) -> bool {
        self.findings.iter().any(Finding::is_error) || self.signers.iter().any(ExaminedSigner::has_errors)
    }

    /// Whether a device of that level goes by this scheme, so that it looks at no older one. From v3.0 and v2 there is no
    /// way down.
    fn decides_on_device(&self, level: u32) -> bool {
        match self.scheme {
            SchemeId::V32 | SchemeId::V31 => {
                self.signers.iter().any(|signer| signer.is_seen_by_release(level))
            }
            _ => true,
        }
    }

    /// The content digests that the verified signatures of any of its signers stand for.
    fn wanted(&self) -> Vec<ContentDigestAlgorithm> {
        let mut wanted = Vec::new();
        for algorithm in self.signers.iter().flat_map(|signer| &signer.wanted) {
            if !wanted.contains(algorithm) {
                wanted.push(*algorithm);
            }
        }
        wanted
    }
}

/// What all schemes together prove, in the order in which they were tried.
#[derive(Debug, Default)]
pub(crate) struct Proof {
    pub(crate) schemes: Vec<SchemeResult>,
    pub(crate) findings: Vec<Finding>,
    /// Schemes of the signing block that are there, verified or not.
    pub(crate) found: Vec<SchemeId>,
    /// What the signers of those that verified list, for the source stamp.
    listed: Vec<SchemeDigests>,
    /// When a verified source stamp says that it was made, in Unix seconds.
    pub(crate) stamp_timestamp: Option<u64>,
    /// v4 stands beside the others: what is wrong with it changes nothing about them.
    v4: Option<ExaminedV4>,
    /// As in [`Context`].
    device: Option<u32>,
}

impl Proof {
    pub(crate) fn has_errors(&self) -> bool {
        self.findings.iter().any(Finding::is_error)
    }

    fn push(&mut self, scheme: SchemeId, outcome: SchemeOutcome) {
        self.schemes.push(SchemeResult { scheme, outcome, claimed_certificates: Vec::new() });
    }
}

/// Verifies the schemes of the signing block, newest first. The first one that fails ends it, as on Android.
///
/// Of the v4 signature `idsig` only the tree is begun, in the pass over the content. What comes of it is for
/// [`examine_v4`].
///
/// # Errors
/// When the bytes cannot be had, or something is beyond its limit. What is wrong with `idsig` is no error here.
pub(crate) fn verify_signing_block<'a>(
    cx: &Context<'_>,
    idsig: Option<&Idsig<'a>>,
) -> Result<(Proof, Option<V4InPassing<'a>>), Stop> {
    let mut proof = Proof { device: cx.device, ..Proof::default() };
    let Some(block) = cx.apk.signing_block()? else {
        for scheme in SCHEMES {
            proof.push(scheme.id(), SchemeOutcome::Absent);
        }
        return Ok((proof, None));
    };
    let examined = examine_all(cx, block, &mut proof)?;
    // Beside a file that is refused anyway nobody looks at it.
    let holds = !proof.has_errors() && !examined.iter().any(Examined::has_errors);
    let mut v4 = idsig.filter(|_| holds).map(|idsig| v4::begin(cx, idsig));
    let begun = v4.as_mut().and_then(|begun| begun.as_mut().ok());
    let digests = compute_digests(cx, block, &examined, begun)?;
    conclude_all(cx, examined, &digests, &mut proof);
    Ok((proof, v4.map(V4InPassing)))
}

/// What the pass over the content has brought for a v4 signature, or why that cannot be read.
pub(crate) struct V4InPassing<'a>(Result<BegunV4<'a>, Stop>);

/// Looks at the signatures of each scheme until one fails. Absent ones are noted in `proof`.
fn examine_all(cx: &Context<'_>, block: &SigningBlock, proof: &mut Proof) -> Result<Vec<Examined>, Stop> {
    let mut examined: Vec<Examined> = Vec::new();
    for scheme in SCHEMES {
        let failed = proof.has_errors() || examined.iter().any(Examined::has_errors);
        let unread = !scheme.is_read(cx, &examined) || decided_on_device(cx, &examined);
        let in_range = cx.max_sdk >= scheme.min_sdk();
        let outcome = match block.first(scheme.block_id()) {
            Some(_) if failed => SchemeOutcome::NotChecked(NotChecked::EarlierFailure),
            Some(_) if !in_range => SchemeOutcome::NotChecked(NotChecked::NoVersionInRange),
            Some(_) if unread => SchemeOutcome::NotChecked(NotChecked::NewerSchemeDecides),
            Some(pair) => {
                let value = block.value(pair, cx.apk.source(), cx.limits())?;
                examined.push(scheme.examine(cx, &value, &examined)?);
                cx.check_limits()?;
                proof.found.push(scheme.id());
                continue;
            }
            None => {
                if !failed && in_range && !unread && cx.device.is_none() {
                    proof.findings.extend(scheme.missing(&examined));
                }
                SchemeOutcome::Absent
            }
        };
        proof.push(scheme.id(), outcome);
    }
    Ok(examined)
}

fn decided_on_device(cx: &Context<'_>, newer: &[Examined]) -> bool {
    cx.device.is_some_and(|level| newer.iter().any(|examined| examined.decides_on_device(level)))
}

/// One pass over the content for all schemes whose signatures hold.
fn compute_digests(
    cx: &Context<'_>,
    block: &SigningBlock,
    examined: &[Examined],
    v4: Option<&mut BegunV4<'_>>,
) -> Result<ContentDigests, Stop> {
    let mut wanted = Vec::new();
    for algorithm in examined.iter().filter(|examined| !examined.has_errors()).flat_map(Examined::wanted) {
        if !wanted.contains(&algorithm) {
            wanted.push(algorithm);
        }
    }
    if wanted.is_empty() { Ok(ContentDigests::new()) } else { content::compute(cx.apk, block, &wanted, v4) }
}

fn conclude_all(cx: &Context<'_>, mut examined: Vec<Examined>, digests: &ContentDigests, proof: &mut Proof) {
    // What is missing is reported by the scheme that comes first, so it stands behind what that one has to say.
    let missing = std::mem::take(&mut proof.findings);
    let mut failed = false;
    for index in 0..examined.len() {
        let (newer, rest) = examined.split_at_mut(index);
        let Some(this) = rest.first_mut() else { break };
        let Some(scheme) = SCHEMES.iter().find(|scheme| scheme.id() == this.scheme) else { continue };
        if failed {
            proof.push(this.scheme, SchemeOutcome::NotChecked(NotChecked::EarlierFailure));
            continue;
        }
        if !this.has_errors() {
            let wanted = this.wanted();
            for signer in &mut this.signers {
                let findings = content::compare(signer, scheme.codes(), &wanted, digests);
                signer.findings.extend(findings);
            }
            scheme.conclude(cx, this, newer);
        }
        failed = this.has_errors();
        proof.findings.append(&mut this.findings.clone());
        for signer in &this.signers {
            proof.findings.extend(signer.findings.clone().into_vec());
        }
    }
    if !failed {
        proof.findings.extend(missing);
    }
    let reported = proof.schemes.iter().map(|result| result.scheme).collect::<Vec<_>>();
    for this in examined.into_iter().filter(|this| !reported.contains(&this.scheme)) {
        let claimed_certificates = this
            .signers
            .iter()
            .flat_map(|signer| signer.certificates.first().into_iter().chain(&signer.claimed))
            .cloned()
            .collect();
        let listed = SchemeDigests::of(&this);
        let result = into_result(cx, this);
        proof.listed.extend(result.is_verified().then_some(listed));
        let claimed_certificates = if result.is_verified() { Vec::new() } else { claimed_certificates };
        proof.schemes.push(SchemeResult { claimed_certificates, ..result });
    }
}

fn into_result(cx: &Context<'_>, examined: Examined) -> SchemeResult {
    let scheme = examined.scheme;
    let first = SCHEMES.iter().find(|row| row.id() == scheme).map_or(0, |row| row.min_sdk());
    let failed = examined.has_errors();
    let count = examined.signers.iter().filter(|signer| !signer.skipped).count();
    if !failed && count == 0 && !examined.signers.is_empty() {
        let outcome = SchemeOutcome::NotChecked(NotChecked::NoVersionInRange);
        return SchemeResult { scheme, outcome, claimed_certificates: Vec::new() };
    }
    let signers: Vec<VerifiedSigner> = examined
        .signers
        .into_iter()
        .filter_map(|signer| {
            let (min, max) = block::api_range(signer.sdk_range);
            signer.verified(scheme, (min.max(first).max(cx.min_sdk), max.min(cx.max_sdk)))
        })
        .collect();
    let outcome = if failed || signers.len() != count || signers.is_empty() {
        SchemeOutcome::Rejected
    } else {
        SchemeOutcome::Verified(signers)
    };
    SchemeResult { scheme, outcome, claimed_certificates: Vec::new() }
}

impl Proof {
    /// Whether a scheme of the signing block decides for every level from `first` to `last` (at least 24) at which there
    /// is one: then v1 is not read there. v3.2 decides for the levels of its signers alone.
    pub(crate) fn decides(&self, first: u32, last: u32) -> bool {
        if let Some(level) = self.device {
            let of_block = self.schemes.iter().filter(|result| result.scheme.is_of_signing_block());
            return of_block.flat_map(SchemeResult::signers).any(|signer| signer.is_seen_by_release(level));
        }
        let v32 = self.schemes.iter().find(|result| result.scheme == SchemeId::V32);
        let ranges = v32.map_or(&[][..], SchemeResult::signers).iter().map(VerifiedSigner::sdk_range);
        let left =
            v32::highest_outside(ranges.map(|(min, max)| (i64::from(min), i64::from(max))), last.into());
        self.found.iter().any(|scheme| *scheme != SchemeId::V32) || left < i64::from(first)
    }
}

/// Verifies the JAR signature, given the schemes of the signing block that are there.
///
/// # Errors
/// [`Stop::Malformed`] when an entry that is needed cannot be read.
pub(crate) fn verify_v1(cx: &Context<'_>, proof: &mut Proof) -> Result<(), Stop> {
    let v1 = v1::verify(cx, &proof.found)?;
    cx.check_limits()?;
    proof.schemes.push(v1.result);
    // Beside a newer signature, v1 matters to older versions alone: say so, since the app may not be meant for them.
    let newer_since = match proof.found.last() {
        Some(SchemeId::V2) => v2::MIN_SDK,
        Some(SchemeId::V32) => v32::MIN_SDK,
        _ => v3::MIN_SDK,
    };
    let older = (!proof.found.is_empty()).then(|| (cx.min_sdk, cx.max_sdk.min(newer_since - 1)));
    let newer = proof.found.iter().rev().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    proof.findings.extend(v1.findings.into_iter().map(|finding| {
        match older {
            Some((min_sdk, max_sdk)) if finding.code == FindingCode::V1NoManifest => finding
                .api_levels(min_sdk, max_sdk)
                .detail(format!("these versions read v1 alone, and the file is signed with {newer} only")),
            // That is for the versions that know the scheme which is gone.
            Some((min_sdk, max_sdk))
                if finding.location.api_levels.is_none() && finding.code != FindingCode::V1SchemeStripped =>
            {
                finding.api_levels(min_sdk, max_sdk)
            }
            _ => finding,
        }
    }));
    Ok(())
}

/// Verifies the source stamp over what the verified schemes list. A stamp that does not verify gives warnings.
///
/// # Errors
/// [`Stop::Malformed`] when the Central Directory is, which apksig refuses too.
pub(crate) fn verify_source_stamp(cx: &Context<'_>, proof: &mut Proof) -> Result<(), Stop> {
    let parts = StampParts::find(cx)?;
    let mut listed = std::mem::take(&mut proof.listed);
    let jar_signed = |result: &SchemeResult| result.scheme == SchemeId::V1 && result.is_verified();
    if parts.has_block() && proof.schemes.iter().any(jar_signed) {
        listed.push(SchemeDigests::of_manifest(cx)?);
    }
    let stamp = source_stamp::verify(cx, &parts, &listed, cx.min_sdk.max(source_stamp::MIN_SDK))?;
    cx.check_limits()?;
    proof.schemes.push(stamp.result);
    proof.findings.extend(stamp.findings);
    proof.stamp_timestamp = stamp.timestamp;
    Ok(())
}

/// Notes that the source stamp is not looked at, since the app does not verify.
///
/// # Errors
/// Only when the bytes cannot be had.
pub(crate) fn skip_source_stamp(cx: &Context<'_>, proof: &mut Proof) -> Result<(), Stop> {
    let outcome = source_stamp::not_looked_at(cx)?;
    proof.push(SchemeId::SourceStamp, outcome);
    Ok(())
}

/// Verifies the JAR signature for those versions that find nothing newer, although newer versions do. When it fails,
/// those refuse the file, and it counts for nobody.
///
/// # Errors
/// When the bytes cannot be had.
pub(crate) fn verify_v1_for_some(cx: &Context<'_>, proof: &mut Proof) -> Result<(), Stop> {
    let mut alone = Proof { found: proof.found.clone(), ..Proof::default() };
    match verify_v1(cx, &mut alone) {
        Ok(()) if !alone.has_errors() => {
            proof.schemes.append(&mut alone.schemes);
            proof.findings.append(&mut alone.findings);
        }
        // What is beyond a limit was not looked at: Android may accept it.
        Err(Stop::Malformed(finding)) if finding.code == FindingCode::LimitExceeded => {
            return Err(Stop::Malformed(finding));
        }
        Ok(()) | Err(Stop::Malformed(_)) => proof.push(SchemeId::V1, SchemeOutcome::Rejected),
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Looks at the v4 signature file beside the APK, once the schemes of the signing block have verified; `in_passing` is what
/// verifying them has brought of it.
///
/// # Errors
/// When the bytes cannot be had.
pub(crate) fn examine_v4<'a>(
    cx: &Context<'_>,
    idsig: &Idsig<'a>,
    in_passing: Option<V4InPassing<'a>>,
    proof: &mut Proof,
) -> Result<(), Stop> {
    let begun = in_passing.map_or_else(|| v4::begin(cx, idsig), |V4InPassing(begun)| begun)?;
    proof.v4 = Some(begun.end(cx)?);
    cx.check_limits()
}

/// Holds the v4 signature against the other ones, once all of them have verified.
///
/// # Errors
/// When the bytes cannot be had.
pub(crate) fn bind_v4(cx: &Context<'_>, proof: &mut Proof) -> Result<(), Stop> {
    if let Some(v4) = &mut proof.v4 {
        v4.bind(cx, &proof.schemes, cx.apk.signing_block()?);
    }
    Ok(())
}

/// Whether the archive has anything of a JAR signature.
pub(crate) fn has_v1(apk: &Apk<'_>) -> Result<bool, Stop> {
    Ok(v1::is_present(apk.directory()?))
}

/// Whether the signing block has signers of any scheme, this version's or a newer one's.
pub(crate) fn has_block_scheme(block: &SigningBlock) -> bool {
    [BlockId::V2, BlockId::V3, BlockId::V3_1, BlockId::V3_2].iter().any(|id| block.first(*id).is_some())
}

impl Proof {
    /// Notes that no scheme of the signing block is looked at, since no version in range reads one.
    ///
    /// # Errors
    /// When the bytes cannot be had.
    pub(crate) fn skip_signing_block(&mut self, apk: &Apk<'_>) -> Result<(), Stop> {
        let block = apk.signing_block()?;
        for scheme in SCHEMES {
            let is_there = block.is_some_and(|block| block.first(scheme.block_id()).is_some());
            let outcome = if is_there {
                SchemeOutcome::NotChecked(NotChecked::NoVersionInRange)
            } else {
                SchemeOutcome::Absent
            };
            self.push(scheme.id(), outcome);
        }
        Ok(())
    }

    /// Notes that the JAR signature is not looked at, and why.
    ///
    /// # Errors
    /// When the bytes cannot be had.
    pub(crate) fn skip_v1(&mut self, apk: &Apk<'_>, reason: NotChecked) -> Result<(), Stop> {
        let outcome = match has_v1(apk) {
            Ok(false) => SchemeOutcome::Absent,
            Ok(true) | Err(Stop::Malformed(_)) => SchemeOutcome::NotChecked(reason),
            Err(error) => return Err(error),
        };
        self.push(SchemeId::V1, outcome);
        Ok(())
    }

    /// Adds what v4 proves to the others; whether it fails the APK. `unlooked` is what there is to say of it when its file
    /// was not looked at.
    pub(crate) fn conclude_v4(&mut self, unlooked: Option<SchemeOutcome>) -> bool {
        let Some(v4) = self.v4.take() else {
            if let Some(outcome) = unlooked {
                self.push(SchemeId::V4, outcome);
            }
            return false;
        };
        let (result, mut findings) = v4.into_result();
        let failed = findings.iter().any(Finding::is_error);
        self.schemes.push(result);
        self.findings.append(&mut findings);
        failed
    }

    /// Puts the schemes into their order, oldest first.
    pub(crate) fn sort(&mut self) {
        self.schemes.sort_by_key(|result| result.scheme);
    }
}

/// A signer whose signature covers this file and verifies.
///
/// Verified means no more than that: whether the signer may speak for the app is the registry's business. That of a
/// source stamp is a distributor, not a signer of the app.
#[derive(Debug, Clone)]
pub struct VerifiedSigner {
    scheme: SchemeId,
    place: SignerPlace,
    certificates: Vec<Certificate>,
    min_sdk: u32,
    max_sdk: u32,
    targets_dev_release: bool,
    lineage: Option<Lineage>,
    algorithms: Vec<String>,
    /// v2 and newer: every content digest that it signed, of algorithms that are known.
    content_digests: Vec<(ContentDigestAlgorithm, Vec<u8>)>,
    /// v1: the broken digest algorithms that the signature, or the entries below it, stand and fall with.
    weak_digests: Vec<DigestAlgorithm>,
    hybrid: Option<HybridHalf>,
}

/// Which of the two signers of a v3.2 signature.
#[derive(Debug, Clone)]
enum HybridHalf {
    /// The classical one.
    Classical,
    /// The post-quantum one, which is the current signer.
    PostQuantum {
        /// The certificate of the classical one.
        classical: Certificate,
        /// The certificates that Android keeps for the app, with their capabilities.
        history: Lineage,
    },
}

impl VerifiedSigner {
    /// The scheme that verified.
    pub fn scheme(&self) -> SchemeId {
        self.scheme
    }

    /// Which signer of that scheme, in the order of the file.
    pub fn place(&self) -> &SignerPlace {
        &self.place
    }

    /// The signer's certificate, which identifies it.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "a signer is only made with a certificate"
    )]
    pub fn certificate(&self) -> &Certificate {
        self.certificates.first().expect("a signer is only made with a certificate")
    }

    /// The signer's certificate first, then what the file carries along. Only the first identifies, and no
    /// signature between them has been checked.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// SHA-256 of [`VerifiedSigner::certificate`].
    pub fn digest(&self) -> CertificateDigest {
        self.certificate().digest()
    }

    /// Lowest and highest API level that would take this signer's word: what the scheme is for, narrowed to what the
    /// signer says (v3 and newer).
    pub fn sdk_range(&self) -> (u32, u32) {
        (self.min_sdk, self.max_sdk)
    }

    /// Whether the signer is meant for a development release of the platform (v3.1 and newer).
    pub fn targets_dev_release(&self) -> bool {
        self.targets_dev_release
    }

    /// Whether some Android version that was asked for reads this signer. v3.0 may have signers for older versions
    /// alone, which are verified as apksig does and then seen by nobody.
    pub fn is_read(&self) -> bool {
        self.min_sdk <= self.max_sdk
    }

    /// Whether the released version of that level goes by this signer, as far as the signer is concerned.
    pub(crate) fn is_seen_by_release(&self, level: u32) -> bool {
        // As the signer says, whatever range was asked for. v3.0 knows no development releases.
        let first = self.place.sdk_range.map_or(i64::from(self.min_sdk), |(min, _)| i64::from(min));
        let left_out = self.scheme != SchemeId::V3 && self.targets_dev_release && first == i64::from(level);
        (self.min_sdk..=self.max_sdk).contains(&level) && !left_out
    }

    /// The verified proof of rotation (v3 and newer): each certificate in it has signed the next.
    ///
    /// Of a v3.2 signer it is that signer's own, without the other half of the pair, which has signed nothing of it;
    /// see [`VerifiedSigner::history`].
    pub fn lineage(&self) -> Option<&Lineage> {
        self.lineage.as_ref()
    }

    /// v3.2: the certificate of the classical signer beside this one, the post-quantum one. None for any other signer,
    /// the classical one of the pair among them.
    ///
    /// Android demands both signatures and takes the post-quantum certificate for the current signer's. That the two
    /// belong together **is not proved**: neither signs anything of the other. Whoever has a post-quantum key can set a
    /// signer of his own beside a copy of the classical signer of anybody's APK, from its v3.0 block even, and Android
    /// will accept the pair on a device that does not have the app yet. So the classical certificate vouches for nothing,
    /// and an earlier one vouches only where [`VerifiedSigner::lineage`] has its signature.
    pub fn classical_partner(&self) -> Option<&Certificate> {
        match &self.hybrid {
            Some(HybridHalf::PostQuantum { classical, .. }) => Some(classical),
            Some(HybridHalf::Classical) | None => None,
        }
    }

    /// What Android keeps as the history of this signer, itself included: the lineage; of a post-quantum signer of v3.2
    /// the lineage of the classical one, that one, and then this one, as if it were a rotation. Not a proof, see
    /// [`VerifiedSigner::classical_partner`].
    ///
    /// Source: AOSP `ApkSignatureSchemeV3Verifier.verifyV32Signers`.
    pub fn history(&self) -> Option<&Lineage> {
        match &self.hybrid {
            Some(HybridHalf::PostQuantum { history, .. }) => Some(history),
            Some(HybridHalf::Classical) | None => self.lineage(),
        }
    }

    /// v1: the digest algorithms that are broken, MD5 or SHA-1, and that the signature, or the entries below it, stand and fall
    /// with; none of other schemes, which have no such.
    pub fn weak_digests(&self) -> &[DigestAlgorithm] {
        &self.weak_digests
    }

    /// Names of the algorithms whose signatures were verified, as apksig spells them.
    pub fn algorithms(&self) -> &[String] {
        &self.algorithms
    }
}

/// Why a scheme was not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NotChecked {
    /// No Android version in range reads this scheme.
    NoVersionInRange,
    /// Every Android version in range that knows this scheme reads a newer one, which is there.
    NewerSchemeDecides,
    /// A scheme that is read first failed.
    EarlierFailure,
    /// The file could not be read that far.
    Malformed,
}

/// What one scheme proves.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SchemeOutcome {
    /// Not there.
    Absent,
    /// There or not, it was not looked at.
    NotChecked(NotChecked),
    /// There, and it does not verify: the findings say why.
    Rejected,
    /// Verified. v1, v2: all signers; v3, v3.1: one for each range of API levels; v3.2: two for each, classical and
    /// post-quantum; in the order of the file. Source stamp: the distributor.
    Verified(Vec<VerifiedSigner>),
}

/// A scheme and what it proves.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SchemeResult {
    /// The scheme.
    pub scheme: SchemeId,
    /// What it proves.
    pub outcome: SchemeOutcome,
    /// Certificates that the scheme names although it does not verify: claims. Of a source stamp that of the distributor
    /// first, then those of its history.
    pub claimed_certificates: Vec<Certificate>,
}

impl SchemeResult {
    /// The verified signers; none when the scheme did not verify.
    pub fn signers(&self) -> &[VerifiedSigner] {
        match &self.outcome {
            SchemeOutcome::Verified(signers) => signers,
            _ => &[],
        }
    }

    /// Whether it verified.
    pub fn is_verified(&self) -> bool {
        matches!(self.outcome, SchemeOutcome::Verified(_))
    }
}

#[cfg(test)]
impl VerifiedSigner {
    /// A signer out of thin air, for tests of what stands above `scheme`.
    pub(crate) fn for_tests(
        scheme: SchemeId,
        index: usize,
        certificate: Certificate,
        sdk_range: (u32, u32),
        lineage: Option<Lineage>,
    ) -> Self {
        Self {
            scheme,
            place: SignerPlace::new(index),
            certificates: vec![certificate],
            min_sdk: sdk_range.0,
            max_sdk: sdk_range.1,
            targets_dev_release: false,
            lineage,
            algorithms: Vec::new(),
            content_digests: Vec::new(),
            weak_digests: Vec::new(),
            hybrid: None,
        }
    }

    /// The same signer as the post-quantum half of a pair.
    pub(crate) fn beside_for_tests(self, classical: Certificate) -> Self {
        let history = self.lineage.clone().unwrap_or_else(|| Lineage::new(Vec::new()));
        Self { hybrid: Some(HybridHalf::PostQuantum { classical, history }), ..self }
    }
}
