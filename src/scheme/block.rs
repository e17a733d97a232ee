//! What v2 and v3 share: signers in a pair of the signing block, each with signatures over its signed data.
//!
//! The order of checks is apksig's and Android's: signatures first, then what they cover. Nothing of the signed data
//! is looked at before a signature over it has verified.
//!
//! Source: apksig `V2SchemeVerifier.parseSigner`, `V3SchemeVerifier.parseSigner`,
//! `ApkSigningBlockUtilsLite.getSignaturesToVerify`.

use data_encoding::HEXLOWER;

use super::Context;
use super::HybridHalf;
use super::VerifiedSigner;
use crate::crypto;
use crate::crypto::ContentDigestAlgorithm;
use crate::crypto::SignatureAlgorithm;
use crate::crypto::SignatureAlgorithmId;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::FindingList;
use crate::finding::MAX_SDK;
use crate::finding::SchemeId;
use crate::finding::SignerPlace;
use crate::format::Cursor;
use crate::format::ParseError;
use crate::format::signer;
use crate::format::signer::SignedData;
use crate::format::signer::Signer;
use crate::format::signer::SignerLayout;
use crate::format::x509;
use crate::identity::Certificate;
use crate::identity::Lineage;
use crate::limits::Cap;

/// The codes under which a scheme reports what v2 and v3 share.
pub(super) struct SignerCodes {
    pub(super) scheme: SchemeId,
    pub(super) layout: SignerLayout,
    pub(super) malformed_signers: FindingCode,
    pub(super) no_signers: FindingCode,
    pub(super) malformed_signer: FindingCode,
    pub(super) malformed_signature: FindingCode,
    pub(super) unknown_algorithm: FindingCode,
    pub(super) no_signatures: FindingCode,
    pub(super) no_supported_signatures: FindingCode,
    pub(super) malformed_public_key: FindingCode,
    pub(super) verify_exception: FindingCode,
    pub(super) signature_mismatch: FindingCode,
    pub(super) malformed_certificate: FindingCode,
    pub(super) no_certificates: FindingCode,
    pub(super) public_key_mismatch: FindingCode,
    pub(super) malformed_digest: FindingCode,
    pub(super) algorithms_mismatch: FindingCode,
    pub(super) malformed_attribute: FindingCode,
    pub(super) digest_mismatch: FindingCode,
    /// Whether signers that no version in range reads are passed over unverified, as Android does. Of v3.0 and v3.1
    /// apksig verifies every signer, and so do we.
    pub(super) skips_unread: bool,
}

/// A signer whose signatures have been looked at, with what they cover as far as it could be read.
#[derive(Debug)]
pub(crate) struct ExaminedSigner {
    pub(super) place: SignerPlace,
    pub(super) findings: FindingList,
    pub(super) certificates: Vec<Certificate>,
    /// Certificates that stand in signed data whose signature did not verify.
    pub(super) claimed: Vec<Certificate>,
    pub(super) digests: Vec<(SignatureAlgorithmId, Vec<u8>)>,
    /// Content digests that the verified signatures stand for.
    pub(super) wanted: Vec<ContentDigestAlgorithm>,
    pub(super) algorithms: Vec<String>,
    /// v3: as the signer says, outside the signed data.
    pub(super) sdk_range: (i32, i32),
    pub(super) targets_dev_release: bool,
    pub(super) lineage: Option<Lineage>,
    /// Passed over, since no version in range reads it: nothing but `sdk_range` is known of it.
    pub(super) skipped: bool,
    /// v3.2: which half of the pair it is.
    pub(super) hybrid: Option<HybridHalf>,
}

/// So many findings of one kind are kept of one signer. Honest ones have no more than three.
const MOST_FINDINGS: usize = 20;

impl ExaminedSigner {
    pub(super) fn new(index: usize) -> Self {
        Self {
            place: SignerPlace::new(index),
            findings: FindingList::of_most(MOST_FINDINGS),
            certificates: Vec::new(),
            claimed: Vec::new(),
            digests: Vec::new(),
            wanted: Vec::new(),
            algorithms: Vec::new(),
            sdk_range: (0, i32::MAX),
            targets_dev_release: false,
            lineage: None,
            skipped: false,
            hybrid: None,
        }
    }

    pub(super) fn report(&mut self, codes: &SignerCodes, finding: Finding) {
        self.findings.push(finding.scheme(codes.scheme).signer(self.place.clone()));
    }

    pub(super) fn has_errors(&self) -> bool {
        self.findings.has_errors()
    }

    /// Whether the released version of that level goes by this signer of v3.1 or v3.2: it leaves out one that is for the
    /// development release of the same level.
    pub(super) fn is_seen_by_release(&self, level: u32) -> bool {
        let (min, max, level) = (i64::from(self.sdk_range.0), i64::from(self.sdk_range.1), i64::from(level));
        (min..=max).contains(&level) && !(self.targets_dev_release && min == level)
    }

    /// Turns an examined signer, whose scheme verified, into a verified one. `sdk_range` is what the scheme is for.
    pub(super) fn verified(self, scheme: SchemeId, sdk_range: (u32, u32)) -> Option<VerifiedSigner> {
        if self.has_errors() || self.certificates.is_empty() || self.wanted.is_empty() {
            return None;
        }
        Some(VerifiedSigner {
            scheme,
            place: self.place,
            certificates: self.certificates,
            min_sdk: sdk_range.0,
            max_sdk: sdk_range.1,
            targets_dev_release: self.targets_dev_release,
            lineage: self.lineage,
            algorithms: self.algorithms,
            content_digests: known_digests(self.digests),
            weak_digests: Vec::new(),
            hybrid: self.hybrid,
        })
    }
}

fn known_digests(digests: Vec<(SignatureAlgorithmId, Vec<u8>)>) -> Vec<(ContentDigestAlgorithm, Vec<u8>)> {
    digests
        .into_iter()
        .filter_map(|(id, digest)| id.lookup().map(|algorithm| (algorithm.content_digest, digest)))
        .collect()
}

/// What a scheme does with the additional attributes of a signer: it is handed each with its id.
pub(super) type OnAttribute<'f> =
    dyn FnMut(&mut ExaminedSigner, u32, Cursor<'_>) -> Result<(), ParseError> + 'f;

/// The signers of a block, and what is wrong with the list as a whole.
pub(super) struct ExaminedBlock {
    pub(super) signers: Vec<ExaminedSigner>,
    pub(super) findings: Vec<Finding>,
}

/// Examines the signers in `value`, the value of the pair, at most `cap` of them.
///
/// `range` is the range of API levels for which signatures are chosen; v3 signers bring their own, which v3.2 narrows to
/// `range`.
/// A signer that cannot be read ends the list, as in apksig.
pub(super) fn examine(
    cx: &Context<'_>,
    value: &[u8],
    codes: &SignerCodes,
    cap: Cap,
    range: (u32, u32),
    on_attribute: &mut OnAttribute<'_>,
) -> ExaminedBlock {
    let mut block = ExaminedBlock { signers: Vec::new(), findings: Vec::new() };
    let mut list = match signer::signer_list(value) {
        Ok((list, behind)) => {
            if behind > 0 {
                let finding = trailing_bytes(behind, "behind the list of signers; nothing signs them");
                block.findings.push(finding.scheme(codes.scheme));
            }
            list
        }
        Err(error) => {
            block
                .findings
                .push(Finding::new(codes.malformed_signers).scheme(codes.scheme).detail(error.to_string()));
            return block;
        }
    };
    if list.is_empty() {
        block.findings.push(Finding::new(codes.no_signers).scheme(codes.scheme));
    }
    while !list.is_empty() {
        if block.signers.len() as u64 >= cap.most {
            // Those behind count on Android, so the ones that were looked at are not all there is.
            block.findings.push(too_many("the signers of the block", cap).scheme(codes.scheme));
            break;
        }
        let mut examined = ExaminedSigner::new(block.signers.len());
        let outcome = Signer::next(&mut list, codes.layout)
            .and_then(|signer| examine_signer(cx, signer, codes, range, &mut examined, on_attribute));
        let malformed = outcome.is_err();
        if let Err(error) = outcome {
            examined.report(codes, Finding::new(codes.malformed_signer).detail(error.to_string()));
        }
        block.signers.push(examined);
        if malformed {
            break;
        }
    }
    block
}

/// How many records of one kind a signer may have.
fn records(cx: &Context<'_>) -> Cap {
    Cap::number("records", cx.limits().records)
}

/// There is more of something than we look at: what stands behind counts on Android, so the file is not judged by the
/// rest.
pub(super) fn too_many(what: &str, cap: Cap) -> Finding {
    Finding::new(FindingCode::LimitExceeded)
        .detail(what)
        .values(cap.in_words(""), format!("more than {}", cap.most))
}

/// Reads one signer. `Err` is a structure that makes the whole signer unreadable.
fn examine_signer(
    cx: &Context<'_>,
    signer: Signer<'_>,
    codes: &SignerCodes,
    levels: (u32, u32),
    examined: &mut ExaminedSigner,
    on_attribute: &mut OnAttribute<'_>,
) -> Result<(), ParseError> {
    let mut range = levels;
    if let Some((min, max)) = signer.sdk_range {
        examined.sdk_range = (min, max);
        examined.place.sdk_range = Some((min, max));
        range = (u32::try_from(min).unwrap_or(0), u32::try_from(max).unwrap_or(0));
        if cx.device.is_some_and(|level| !(i64::from(min)..=i64::from(max)).contains(&i64::from(level))) {
            examined.skipped = true;
            return Ok(());
        }
        if min < 0 || min > max {
            let text = format!("from {min} to {max}");
            examined.report(codes, Finding::new(FindingCode::V3InvalidSdkVersions).detail(text));
        }
        if codes.skips_unread {
            range = (range.0.max(levels.0), range.1.min(levels.1));
            if range.0 > range.1 {
                examined.skipped = true;
                return Ok(());
            }
        }
    }
    report_trailing(signer, codes, examined);
    let Some(signatures) = verify_signatures(cx, signer, codes, range, examined) else {
        claim_certificates(cx, signer, codes, examined);
        return Ok(());
    };
    let mut data = SignedData::parse(signer.signed_data, codes.layout)?;
    // apksig itself writes zeros here.
    if data.trailing.iter().any(|octet| *octet != 0) {
        let finding =
            trailing_bytes(data.trailing.len(), "behind the attributes, not zeros; the signer signs them");
        examined.report(codes, finding);
    }
    check_signed_range(signer, &data, codes, examined);
    if !read_certificates(cx, signer, &mut data, codes, examined) {
        return Ok(());
    }
    while !data.digests.is_empty() {
        if examined.digests.len() >= cx.limits().records {
            examined.report(codes, too_many("digest records", records(cx)));
            return Ok(());
        }
        match signer::next_record(&mut data.digests) {
            Ok((id, digest)) => examined.digests.push((SignatureAlgorithmId(id), digest.to_vec())),
            Err(error) => {
                let detail = format!("digest record #{}: {error}", examined.digests.len() + 1);
                examined.report(codes, Finding::new(codes.malformed_digest).detail(detail));
                return Ok(());
            }
        }
    }
    let of_digests: Vec<_> = examined.digests.iter().map(|(id, _)| *id).collect();
    if of_digests != signatures {
        let finding = Finding::new(codes.algorithms_mismatch)
            .values(format!("digests for {}, as signed", list_ids(&signatures)), list_ids(&of_digests));
        examined.report(codes, finding);
        return Ok(());
    }
    let mut count = 0;
    while !data.attributes.is_empty() {
        count += 1;
        if count > cx.limits().records {
            examined.report(codes, too_many("attributes", records(cx)));
            return Ok(());
        }
        let outcome = signer::next_attribute(&mut data.attributes)
            .and_then(|(id, value)| on_attribute(examined, id, value));
        if let Err(error) = outcome {
            let detail = format!("attribute #{count}: {error}");
            examined.report(codes, Finding::new(codes.malformed_attribute).detail(detail));
            return Ok(());
        }
    }
    Ok(())
}

/// Bytes of a signer that Android neither reads nor has signed: room for anything.
fn report_trailing(signer: Signer<'_>, codes: &SignerCodes, examined: &mut ExaminedSigner) {
    if !signer.trailing.is_empty() {
        let finding = trailing_bytes(signer.trailing.len(), "behind the public key; nothing signs them");
        examined.report(codes, finding);
    }
    let in_signatures = signer::trailing_in_signatures(&signer);
    if in_signatures > 0 {
        examined.report(codes, trailing_bytes(in_signatures, "behind signatures; nothing signs them"));
    }
}

fn trailing_bytes(count: usize, place: &str) -> Finding {
    Finding::new(FindingCode::SignerTrailingBytes).detail(format!("{count} {place}"))
}

pub(super) fn list_ids(ids: &[SignatureAlgorithmId]) -> String {
    let names: Vec<String> = ids.iter().map(|id| format!("{:#06x}", id.0)).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Verifies the signatures that Android would choose.
///
/// Gives the algorithm ids of all signature records, in order, or nothing when the signer is done for.
fn verify_signatures(
    cx: &Context<'_>,
    signer: Signer<'_>,
    codes: &SignerCodes,
    range: (u32, u32),
    examined: &mut ExaminedSigner,
) -> Option<Vec<SignatureAlgorithmId>> {
    let mut list = signer.signatures;
    let mut ids = Vec::new();
    let mut supported = Vec::new();
    while !list.is_empty() {
        if ids.len() >= cx.limits().records {
            examined.report(codes, too_many("signature records", records(cx)));
            return None;
        }
        let (id, signature) = match signer::next_record(&mut list) {
            Ok((id, signature)) => (SignatureAlgorithmId(id), signature),
            Err(error) => {
                let detail = format!("signature record #{}: {error}", ids.len() + 1);
                examined.report(codes, Finding::new(codes.malformed_signature).detail(detail));
                return None;
            }
        };
        ids.push(id);
        if let Some(algorithm) = id.lookup() {
            supported.push((algorithm, signature));
        } else {
            let finding = Finding::new(codes.unknown_algorithm).detail(format!("{:#06x}", id.0));
            examined.report(codes, finding);
        }
    }
    if ids.is_empty() {
        examined.report(codes, Finding::new(codes.no_signatures));
        return None;
    }
    let chosen = match choose(&supported, range, |algorithm| algorithm.min_sdk) {
        Ok(chosen) => chosen,
        Err(reason) => {
            let detail = format!("signed with {}: {reason}", list_ids(&ids));
            examined.report(codes, Finding::new(codes.no_supported_signatures).detail(detail));
            return None;
        }
    };
    let key = match cx.budget.public_key(signer.public_key, cx.limits()) {
        Ok(key) => key,
        Err(error) => {
            examined.report(codes, Finding::new(codes.malformed_public_key).detail(error.to_string()));
            return None;
        }
    };
    for (algorithm, signature) in chosen {
        if !algorithm.fits(&key) {
            let detail = format!("{} with a key for {}", algorithm.name, key.algorithm_name());
            examined.report(codes, Finding::new(codes.malformed_public_key).detail(detail));
            return None;
        }
        let message = signer.signed_data.rest();
        let code = match cx.verify(&key, algorithm.scheme, message, signature) {
            Ok(true) => {
                examined.algorithms.push(algorithm.name.to_owned());
                if !examined.wanted.contains(&algorithm.content_digest) {
                    examined.wanted.push(algorithm.content_digest);
                }
                continue;
            }
            Ok(false) => Finding::new(codes.signature_mismatch).detail(algorithm.name),
            Err(error) => Finding::new(codes.verify_exception).detail(format!("{}: {error}", algorithm.name)),
        };
        examined.report(codes, code);
        return None;
    }
    Some(ids)
}

/// A signature record whose algorithm is known.
pub(super) type Supported<'a> = (&'static SignatureAlgorithm, &'a [u8]);

/// The signatures that some Android version in `range` goes by: for each level at which algorithms came in, the best.
///
/// Of equals the first listed wins. Those not chosen are never verified, on Android as here. `since` gives the level
/// from which on an algorithm counts.
pub(super) fn choose<'a>(
    signatures: &[Supported<'a>],
    range: (u32, u32),
    since: fn(&SignatureAlgorithm) -> u32,
) -> Result<Vec<Supported<'a>>, String> {
    let (min_sdk, max_sdk) = range;
    let mut best: Vec<Supported<'a>> = Vec::new();
    for signature in signatures.iter().filter(|(algorithm, _)| since(algorithm) <= max_sdk) {
        match best.iter_mut().find(|(algorithm, _)| since(algorithm) == since(signature.0)) {
            None => best.push(*signature),
            Some(held) if signature.0.content_digest.rank() > held.0.content_digest.rank() => {
                *held = *signature;
            }
            Some(_) => {}
        }
    }
    let Some(first) = best.iter().map(|(algorithm, _)| since(algorithm)).min() else {
        return Err("none of them is known".to_owned());
    };
    if min_sdk < first {
        return Err(format!("supported from API level {first} on, needed from {min_sdk} on"));
    }
    best.sort_by_key(|(algorithm, _)| algorithm.id);
    Ok(best)
}

fn check_signed_range(
    signer: Signer<'_>,
    data: &SignedData<'_>,
    codes: &SignerCodes,
    examined: &mut ExaminedSigner,
) {
    let (Some(outer), Some(signed)) = (signer.sdk_range, data.sdk_range) else { return };
    for (code, outer, signed) in [
        (FindingCode::V3MinSdkMismatch, outer.0, signed.0),
        (FindingCode::V3MaxSdkMismatch, outer.1, signed.1),
    ] {
        if outer != signed {
            examined
                .report(codes, Finding::new(code).values(format!("{signed}, as signed"), outer.to_string()));
        }
    }
}

/// Reads the certificates and holds the first one's key against the key that signed. False ends the signer.
fn read_certificates(
    cx: &Context<'_>,
    signer: Signer<'_>,
    data: &mut SignedData<'_>,
    codes: &SignerCodes,
    examined: &mut ExaminedSigner,
) -> bool {
    while !data.certificates.is_empty() {
        let number = examined.certificates.len() + 1;
        if number > cx.limits().records {
            examined.report(codes, too_many("certificates", records(cx)));
            return false;
        }
        let outcome = match signer::next_certificate(&mut data.certificates) {
            Ok(der) => cx.certificates.identify(der, cx.limits()).map_err(|error| error.to_string()),
            // Not a certificate that is malformed but a signer: apksig tells these apart.
            Err(error) => {
                let detail = format!("certificate #{number}: {error}");
                examined.report(codes, Finding::new(codes.malformed_signer).detail(detail));
                return false;
            }
        };
        match outcome {
            Ok(certificate) => examined.certificates.push(certificate),
            Err(error) => {
                let detail = format!("certificate #{number}: {error}");
                examined.report(codes, Finding::new(codes.malformed_certificate).detail(detail));
                return false;
            }
        }
    }
    let Some(first) = examined.certificates.first() else {
        examined.report(codes, Finding::new(codes.no_certificates));
        return false;
    };
    if let Some((expected, actual)) = key_mismatch(cx, first, signer.public_key) {
        examined.report(codes, Finding::new(codes.public_key_mismatch).values(expected, actual));
        return false;
    }
    true
}

/// What was expected and what was found, when `public_key`, which signed, is not the key of `certificate`.
pub(super) fn key_mismatch(
    cx: &Context<'_>,
    certificate: &Certificate,
    public_key: &[u8],
) -> Option<(String, String)> {
    // It parsed when it was identified.
    let parsed = x509::Certificate::parse(certificate.der(), cx.limits()).ok();
    let expected = parsed.map(|parsed| parsed.public_key_info).unwrap_or_default();
    if expected == public_key || crypto::normalise_rsa_spki(expected).as_deref() == Some(public_key) {
        return None;
    }
    Some((
        format!("the certificate's key, SHA-256 {}", HEXLOWER.encode(&crypto::sha256(expected))),
        format!("a key with SHA-256 {}", HEXLOWER.encode(&crypto::sha256(public_key))),
    ))
}

/// Notes whom an unverified signer claims to be.
fn claim_certificates(
    cx: &Context<'_>,
    signer: Signer<'_>,
    codes: &SignerCodes,
    examined: &mut ExaminedSigner,
) {
    let Ok(mut data) = SignedData::parse(signer.signed_data, codes.layout) else { return };
    if let Ok(der) = signer::next_certificate(&mut data.certificates) {
        examined.claimed.extend(cx.certificates.identify(der, cx.limits()));
    }
}

/// The levels of a v3 signer as API levels.
pub(super) fn api_range(range: (i32, i32)) -> (u32, u32) {
    (u32::try_from(range.0).unwrap_or(0), u32::try_from(range.1).unwrap_or(MAX_SDK))
}
