//! Schemes against each other: what the signer of one must be to the signer of another.
//!
//! These are rules of consistent signing. A device reads one scheme and does not notice.
//!
//! Source: apksig `ApkVerifier.verify`.

use crate::apk::Apk;
use crate::apk::Stop;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::format::zip::LFH_MAGIC;
use crate::identity::Certificate;
use crate::identity::Lineage;
use crate::scheme::Proof;
use crate::scheme::SchemeResult;
use crate::scheme::VerifiedSigner;

/// Adds what is wrong to the findings of `proof`.
pub(super) fn check(proof: &mut Proof) {
    let mut findings = Vec::new();
    let v1 = signers(proof, SchemeId::V1);
    let v2 = signers(proof, SchemeId::V2);
    if !v1.is_empty() && !v2.is_empty() {
        same_signers(v1, v2, &mut findings);
    }
    let old = if v1.is_empty() { v2 } else { v1 };
    let v3 = signers(proof, SchemeId::V3);
    if !old.is_empty() && !v3.is_empty() {
        let lineage = longest_lineage(signers(proof, SchemeId::V31)).or_else(|| longest_lineage(v3));
        descends_from(old, v3, lineage, &mut findings);
    }
    proof.findings.append(&mut findings);
}

/// Adds what is wrong with the start of a file that v1 alone protects.
pub(super) fn check_start(proof: &mut Proof, apk: &Apk<'_>) -> Result<(), Stop> {
    let of_block = |result: &&SchemeResult| result.scheme.is_of_signing_block();
    if !proof.schemes.iter().filter(of_block).any(SchemeResult::is_verified) {
        proof.findings.extend(janus(apk)?);
    }
    Ok(())
}

fn signers(proof: &Proof, scheme: SchemeId) -> &[VerifiedSigner] {
    proof.schemes.iter().find(|result| result.scheme == scheme).map_or(&[][..], SchemeResult::signers)
}

/// v1 and v2 must have the same signers.
fn same_signers(v1: &[VerifiedSigner], v2: &[VerifiedSigner], findings: &mut Vec<Finding>) {
    for (signers, others, code, scheme) in [
        (v1, v2, FindingCode::V2SignerMissing, SchemeId::V1),
        (v2, v1, FindingCode::V1SignerMissing, SchemeId::V2),
    ] {
        let theirs: Vec<&Certificate> = others.iter().map(VerifiedSigner::certificate).collect();
        for signer in signers.iter().filter(|signer| !theirs.contains(&signer.certificate())) {
            let finding = Finding::new(code)
                .scheme(scheme)
                .signer(signer.place().clone())
                .values(signer.digest().to_string(), list(&theirs));
            findings.push(finding);
        }
    }
}

fn list(certificates: &[&Certificate]) -> String {
    certificates.iter().map(|certificate| certificate.digest().to_string()).collect::<Vec<_>>().join(" and ")
}

fn longest_lineage(signers: &[VerifiedSigner]) -> Option<&Lineage> {
    signers.iter().filter_map(VerifiedSigner::lineage).max_by_key(|lineage| lineage.nodes().len())
}

/// The one signer of the older scheme must be the v3 signer, or the oldest of its lineage.
fn descends_from(
    old: &[VerifiedSigner],
    v3: &[VerifiedSigner],
    lineage: Option<&Lineage>,
    findings: &mut Vec<Finding>,
) {
    let [old_signer, more @ ..] = old else { return };
    if !more.is_empty() {
        let finding = Finding::new(FindingCode::V3MultiplePastSigners)
            .values(format!("one {} signer", old_signer.scheme()), old.len().to_string());
        findings.push(finding);
    }
    if lineage.is_none() && v3.len() != 1 {
        let finding = Finding::new(FindingCode::V3MultipleSigners).values("one signer", v3.len().to_string());
        findings.push(finding);
    }
    let oldest = lineage.and_then(|lineage| lineage.nodes().first()).map(|node| &node.certificate);
    let expected = oldest.or(v3.first().map(VerifiedSigner::certificate));
    if let Some(expected) = expected.filter(|expected| *expected != old_signer.certificate()) {
        let finding = Finding::new(FindingCode::V3PastSignersMismatch)
            .detail(format!("the {} signer", old_signer.scheme()))
            .values(expected.digest().to_string(), old_signer.digest().to_string());
        findings.push(finding);
    }
}

/// With v1 alone, bytes in front of the first entry are not covered, and Android 5 to 8 could run them as code
/// (CVE-2017-13156). Since then the file must start with an entry.
///
/// Source: AOSP `libziparchive`, event 64211847.
fn janus(apk: &Apk<'_>) -> Result<Option<Finding>, Stop> {
    let found = leading_bytes(apk)?;
    Ok(found.map(|start| {
        Finding::new(FindingCode::Janus).offset(0).values(hex(&LFH_MAGIC.to_le_bytes()), hex(&start))
    }))
}

/// The first four bytes of a file that does not start with a ZIP entry.
pub(super) fn leading_bytes(apk: &Apk<'_>) -> Result<Option<Vec<u8>>, Stop> {
    let start = apk.source().read_vec_at(0, 4)?;
    Ok(Some(start).filter(|start| *start != LFH_MAGIC.to_le_bytes()))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}
