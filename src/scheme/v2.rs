//! APK Signature Scheme v2: Android 7.0 (API level 24) and newer.
//!
//! Source: [APK Signature Scheme v2][spec]; apksig `V2SchemeVerifier`.
//!
//! [spec]: https://source.android.com/docs/security/features/apksigning/v2

use super::BlockScheme;
use super::Context;
use super::Examined;
use super::block;
use super::block::SignerCodes;
use super::v32;
use crate::apk::Stop;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::format::ParseError;
use crate::format::signer::SignerLayout;
use crate::format::signer::attribute;
use crate::format::signing_block::BlockId;
use crate::limits::Cap;
use crate::limits::MAX_SIGNERS;

/// First API level that reads v2.
pub(crate) const MIN_SDK: u32 = 24;

pub(super) struct V2;

const CODES: SignerCodes = SignerCodes {
    scheme: SchemeId::V2,
    layout: SignerLayout::V2,
    malformed_signers: FindingCode::V2MalformedSigners,
    no_signers: FindingCode::V2NoSigners,
    malformed_signer: FindingCode::V2MalformedSigner,
    malformed_signature: FindingCode::V2MalformedSignature,
    unknown_algorithm: FindingCode::V2UnknownAlgorithm,
    no_signatures: FindingCode::V2NoSignatures,
    no_supported_signatures: FindingCode::V2NoSupportedSignatures,
    malformed_public_key: FindingCode::V2MalformedPublicKey,
    verify_exception: FindingCode::V2VerifyException,
    signature_mismatch: FindingCode::V2SignatureMismatch,
    malformed_certificate: FindingCode::V2MalformedCertificate,
    no_certificates: FindingCode::V2NoCertificates,
    public_key_mismatch: FindingCode::V2PublicKeyMismatch,
    malformed_digest: FindingCode::V2MalformedDigest,
    algorithms_mismatch: FindingCode::V2AlgorithmsMismatch,
    malformed_attribute: FindingCode::V2MalformedAttribute,
    digest_mismatch: FindingCode::V2DigestMismatch,
    skips_unread: false,
};

impl BlockScheme for V2 {
    fn id(&self) -> SchemeId {
        SchemeId::V2
    }

    fn block_id(&self) -> BlockId {
        BlockId::V2
    }

    fn min_sdk(&self) -> u32 {
        MIN_SDK
    }

    fn codes(&self) -> &'static SignerCodes {
        &CODES
    }

    /// From API level 28 on, v3 is read first, and v2 only when there is none; v3.2 counts where it has signers.
    fn is_read(&self, cx: &Context<'_>, newer: &[Examined]) -> bool {
        let has_v3 = newer.iter().any(|examined| examined.scheme != SchemeId::V32);
        cx.min_sdk < super::v3::MIN_SDK || !(has_v3 || v32::highest_left(cx, newer) < i64::from(cx.min_sdk))
    }

    fn examine(&self, cx: &Context<'_>, value: &[u8], newer: &[Examined]) -> Result<Examined, Stop> {
        let range = (cx.min_sdk.max(MIN_SDK), cx.max_sdk);
        let cap = cx.limits().signers.min(MAX_SIGNERS);
        // One more, where that is what Android counts, and no option would help; below it, what nobody wants to be looked at is not.
        let looked_at = if cap == MAX_SIGNERS {
            Cap::fixed(cap.saturating_add(1) as u64)
        } else {
            Cap::number("signers", cap)
        };
        let found: Vec<u32> =
            newer.iter().filter_map(|examined| stripping_protection_id(examined.scheme)).collect();
        let known = known_scheme_ids(cx.max_sdk);
        let mut named = Vec::new();
        let mut block = block::examine(cx, value, &CODES, looked_at, range, &mut |signer, id, mut value| {
            if id != attribute::STRIPPING_PROTECTION {
                signer.report(
                    &CODES,
                    Finding::new(FindingCode::V2UnknownAttribute).detail(format!("{id:#010x}")),
                );
                return Ok::<(), ParseError>(());
            }
            let scheme = value.u32()?;
            if known.contains(&scheme) {
                named.push((signer.place.index, scheme));
            } else {
                let finding =
                    Finding::new(FindingCode::V2UnknownSchemeId).detail(format!("scheme id {scheme}"));
                signer.report(&CODES, finding);
            }
            Ok(())
        });
        for (index, scheme) in named {
            // Only a signer that is otherwise sound says so: apksig gets here last.
            let Some(signer) = block.signers.get_mut(index).filter(|signer| !signer.has_errors()) else {
                continue;
            };
            if !found.contains(&scheme) {
                let finding = Finding::new(FindingCode::V2SchemeStripped)
                    .values(format!("a v{scheme} signature beside this one, as signed"), "none");
                signer.report(&CODES, finding);
            }
        }
        for signer in &mut block.signers {
            v32::refuse_single_signer(cx, &CODES, signer);
        }
        if block.signers.len() > MAX_SIGNERS {
            let finding = Finding::new(FindingCode::V2TooManySigners)
                .scheme(SchemeId::V2)
                .values(format!("at most {cap}"), format!("more than {cap}"));
            block.findings.push(finding);
        }
        Ok(Examined::new(SchemeId::V2, block))
    }
}

/// The id under which stripping protection speaks of a scheme; v3 stands for v3.0 and v3.1.
pub(super) fn stripping_protection_id(scheme: SchemeId) -> Option<u32> {
    match scheme {
        SchemeId::V2 => Some(2),
        SchemeId::V3 => Some(3),
        SchemeId::V31 => Some(31),
        _ => None,
    }
}

/// The ids that some Android version in range knows, given the highest level.
///
/// Source: apksig `ApkVerifier.getSupportedSchemeNames`.
pub(super) fn known_scheme_ids(max_sdk: u32) -> &'static [u32] {
    match max_sdk {
        super::v3::MIN_SDK.. => &[2, 3],
        MIN_SDK.. => &[2],
        _ => &[],
    }
}
