//! What a v4 signature is bound to: the signers and content digests of the APK's other signatures.
//!
//! Source: apksig `ApkVerifier.verify`, `checkV4Signer`; AOSP `ApkSignatureVerifier.verifyV4Signature`,
//! `ApkSignatureSchemeV4Verifier.findSigningInfoForBlockId`.

use data_encoding::HEXLOWER;

use super::ExaminedV4;
use crate::apk::SigningBlock;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::finding::Severity;
use crate::format::signing_block::BlockId;
use crate::scheme::Context;
use crate::scheme::SchemeResult;
use crate::scheme::VerifiedSigner;
use crate::scheme::v3;

/// First API level that reads v4.
const READ_SINCE: u32 = 30;

impl ExaminedV4 {
    /// Holds the entries against the signers of the APK's other signatures, which all have verified.
    ///
    /// `block` tells what else is there, though no Android version in range reads it.
    pub(in crate::scheme) fn bind(
        &mut self,
        cx: &Context<'_>,
        schemes: &[SchemeResult],
        block: Option<&SigningBlock>,
    ) {
        if self.is_over() || self.entries.is_empty() {
            return;
        }
        self.bound = Some(Vec::new());
        let signers = |scheme: SchemeId| {
            schemes.iter().find(|result| result.scheme == scheme).map_or(&[][..], SchemeResult::signers)
        };
        let has = |id: BlockId| block.is_some_and(|block| block.first(id).is_some());
        let (v2, v3) = (signers(SchemeId::V2), signers(SchemeId::V3));
        if v2.is_empty() && v3.is_empty() {
            self.report(Finding::new(FindingCode::V4WithoutV2OrV3));
            return;
        }
        // Every device that reads v4 reads v3, so that is what the file is bound to, were it only read.
        let unread = v3.is_empty() && cx.max_sdk < v3::MIN_SDK && has(BlockId::V3);
        let severity = if unread { Severity::Warning } else { Severity::Error };
        self.pair(0, if v3.is_empty() { v2 } else { v3 }, severity);
        for (id, scheme) in [(BlockId::V3_1, SchemeId::V31), (BlockId::V3_2, SchemeId::V32)] {
            self.bind_further(id, signers(scheme), has(id));
        }
        let known = [BlockId::V3_1, BlockId::V3_2];
        let unknown: Vec<BlockId> =
            self.entries.iter().filter_map(|entry| entry.block).filter(|id| !known.contains(id)).collect();
        for id in unknown {
            let finding = Finding::new(FindingCode::V4MultipleSigners).with_severity(Severity::Warning);
            self.report(finding.detail(format!("an entry for {id}, which Android does not know")));
        }
    }

    /// Holds the entry for a newer block against its signers.
    fn bind_further(&mut self, id: BlockId, signers: &[VerifiedSigner], in_file: bool) {
        let entries: Vec<usize> =
            (0..self.entries.len()).filter(|index| self.block_of(*index) == Some(id)).collect();
        let (Some(first), more) = (entries.first().copied(), entries.len() > 1) else {
            if let Some(signer) = signers.first() {
                // No signing tool is known to write an entry for v3.2.
                let severity = if id == BlockId::V3_2 { Severity::Warning } else { Severity::Error };
                let finding = Finding::new(FindingCode::V4SignerMissing).with_severity(severity);
                let expected = format!("an entry for {id}, the {} signer's", signer.scheme());
                self.report(finding.values(expected, "none"));
            }
            return;
        };
        if more {
            let finding = Finding::new(FindingCode::V4MultipleSigners);
            self.report(finding.values(format!("one entry for {id}"), entries.len().to_string()));
        }
        if !signers.is_empty() {
            self.pair(first, signers, Severity::Error);
        } else if in_file {
            let finding = Finding::new(FindingCode::V4MultipleSigners).with_severity(Severity::Warning);
            self.report(
                finding
                    .detail(format!("no Android version in range reads {id}, so its entry is not compared")),
            );
        } else {
            let finding = Finding::new(FindingCode::V4MultipleSigners);
            self.report(finding.values(format!("the block {id}, for which there is an entry"), "none"));
        }
    }

    fn block_of(&self, index: usize) -> Option<BlockId> {
        self.entries.get(index).and_then(|entry| entry.block)
    }

    /// Holds one entry against the one signer that it must belong to.
    fn pair(&mut self, index: usize, signers: &[VerifiedSigner], severity: Severity) {
        let Some(entry) = self.entries.get(index) else { return };
        let (place, certificate) = (entry.place.clone(), entry.certificate.clone());
        let by_certificate = signers.iter().find(|signer| *signer.certificate() == certificate);
        // v3.2 has a classical and a post-quantum signer, and which of them signs v4 is not laid down.
        let signer = match signers {
            [first, ..] if first.scheme() == SchemeId::V32 => by_certificate.unwrap_or(first),
            [first, ..] => first,
            [] => return,
        };
        let scheme = signer.scheme();
        let expected_digest = best_digest(signer);
        let mut findings = Vec::new();
        if signers.len() > 1 && scheme != SchemeId::V32 {
            let finding = Finding::new(FindingCode::V4MultipleSigners);
            findings.push(finding.values(format!("one {scheme} signer"), signers.len().to_string()));
        }
        if *signer.certificate() != certificate {
            let finding = Finding::new(FindingCode::V4SignersMismatch).with_severity(severity);
            let finding = finding.detail(format!("the {scheme} signer"));
            findings.push(finding.values(signer.digest().to_string(), certificate.digest().to_string()));
        }
        if expected_digest != entry.apk_digest {
            let finding = Finding::new(FindingCode::V4DigestMismatch).with_severity(severity);
            let finding = finding.detail(format!("the {scheme} signer's content digest"));
            findings
                .push(finding.values(HEXLOWER.encode(expected_digest), HEXLOWER.encode(&entry.apk_digest)));
        }
        let (min_sdk, max_sdk) = signer.sdk_range();
        let bound = VerifiedSigner {
            scheme: SchemeId::V4,
            place: place.clone(),
            certificates: vec![certificate],
            min_sdk: min_sdk.max(READ_SINCE).min(max_sdk),
            max_sdk,
            targets_dev_release: signer.targets_dev_release(),
            lineage: None,
            algorithms: vec![entry.algorithm.to_owned()],
            content_digests: Vec::new(),
            weak_digests: Vec::new(),
            hybrid: None,
        };
        self.bound.get_or_insert_default().push(bound);
        for finding in findings {
            self.report(finding.signer(place.clone()));
        }
    }
}

/// The content digest that Android prefers among those that the signer signed.
///
/// Source: apksig `ApkVerifier.pickBestDigestForV4`.
fn best_digest(signer: &VerifiedSigner) -> &[u8] {
    let best = signer.content_digests.iter().max_by_key(|(algorithm, _)| algorithm.rank());
    best.map(|(_, digest)| digest.as_slice()).unwrap_or_default()
}
