//! Content digests of a file: all that any scheme asks for, computed in one pass, and their comparison.

use data_encoding::HEXLOWER;

use crate::apk::Apk;
use crate::apk::SigningBlock;
use crate::apk::Stop;
use crate::crypto::ContentDigestAlgorithm;
use crate::crypto::ContentSections;
use crate::crypto::content_digests;
use crate::crypto::content_digests_and_tree;
use crate::finding::Finding;
use crate::format::zip::EOCD_CD_OFFSET_FIELD;

use super::block::ExaminedSigner;
use super::block::SignerCodes;
use super::v4::BegunV4;

/// The computed digests, or why one could not be computed.
pub(crate) type ContentDigests = Vec<(ContentDigestAlgorithm, Result<Vec<u8>, String>)>;

/// Computes `wanted` over what the signing block protects, and what it can of a tree over the whole file.
///
/// Source: [APK Signature Scheme v2, integrity-protected contents][spec]; apksig
/// `ApkSigningBlockUtils.computeContentDigests`.
///
/// [spec]: https://source.android.com/docs/security/features/apksigning/v2#integrity-protected-contents
pub(crate) fn compute(
    apk: &Apk<'_>,
    block: &SigningBlock,
    wanted: &[ContentDigestAlgorithm],
    v4: Option<&mut BegunV4<'_>>,
) -> Result<ContentDigests, Stop> {
    let sections = apk.sections();
    // Digested as if the directory began at the signing block: the block cannot sign itself.
    let mut eocd = sections.eocd.clone();
    let start = u32::try_from(block.offset).unwrap_or(u32::MAX).to_le_bytes();
    if let Some(field) = eocd.get_mut(EOCD_CD_OFFSET_FIELD..EOCD_CD_OFFSET_FIELD + start.len()) {
        field.copy_from_slice(&start);
    }
    let sections = ContentSections {
        source: apk.source(),
        before_signing_block: block.offset,
        signing_block_size: block.size,
        central_directory: (sections.cd_offset, sections.eocd_offset - sections.cd_offset),
        eocd: &eocd,
    };
    Ok(match v4.and_then(BegunV4::tree) {
        Some(tree) => content_digests_and_tree(&sections, wanted, tree)?,
        None => content_digests(&sections, wanted)?,
    })
}

/// Compares every digest record of `signer` whose algorithm was asked for by any signer of the scheme.
pub(super) fn compare(
    signer: &ExaminedSigner,
    codes: &SignerCodes,
    wanted: &[ContentDigestAlgorithm],
    computed: &ContentDigests,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (algorithm, expected) in &signer.digests {
        let Some(content) = algorithm.lookup().map(|algorithm| algorithm.content_digest) else { continue };
        if !wanted.contains(&content) {
            continue;
        }
        let finding = Finding::new(codes.digest_mismatch).scheme(codes.scheme).signer(signer.place.clone());
        match computed.iter().find(|(algorithm, _)| *algorithm == content) {
            Some((_, Ok(actual))) if actual == expected => {}
            Some((_, Ok(actual))) => {
                findings.push(
                    finding.detail(content.name()).values(HEXLOWER.encode(expected), HEXLOWER.encode(actual)),
                );
            }
            Some((_, Err(reason))) => {
                findings.push(finding.detail(format!("{} cannot be computed: {reason}", content.name())));
            }
            None => findings.push(finding.detail(format!("{} was not computed", content.name()))),
        }
    }
    findings
}
