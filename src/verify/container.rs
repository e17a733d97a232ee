//! The signature of a container of APKs, or of an app bundle: whoever put it together, not whoever made the app.

use super::Status;
use super::Verification;
use super::VerifyOptions;
use super::verify_all;
use crate::Error;
use crate::Limits;
use crate::finding::FindingCode;
use crate::source::ByteSource;

/// The oldest Android version whose rules are applied: the first that knows v2. No device installs a container, so its
/// signature is held to the rules that today's tools sign by.
const RULES_OF: u32 = 24;

/// Verifies the signature that a container of APKs, or an app bundle, carries itself, of whatever scheme.
///
/// Most carry none: [`Status::Unsigned`] then, and no fault. What is odd about the archive is told in any case; where readers of
/// it may see other members than we do, that is an error, since nothing else would tell the one from the other.
///
/// # Errors
/// As [`verify`](super::verify()).
pub fn verify_container(source: &dyn ByteSource, limits: &Limits) -> Result<Verification, Error> {
    let options = VerifyOptions {
        min_sdk: Some(RULES_OF),
        limits: limits.clone(),
        as_container: true,
        ..VerifyOptions::default()
    };
    let mut verification = verify_all(source, None, &options)?;
    if verification.status == Status::Unsigned {
        for finding in &mut verification.findings {
            // The rules of a signature that is not there.
            if finding.code == FindingCode::V1DuplicateEntry {
                finding.code = FindingCode::ZipDuplicateEntry;
                finding.location.scheme = None;
            }
        }
        verification.findings.retain(|finding| finding.code.as_str().starts_with("zip"));
    }
    for finding in &mut verification.findings {
        if is_ambiguous(finding.code) {
            finding.severity = crate::finding::Severity::Error;
        }
    }
    Ok(verification)
}

/// Whether one reader may find other members than another.
fn is_ambiguous(code: FindingCode) -> bool {
    matches!(
        code,
        FindingCode::ZipAmbiguousEocd
            | FindingCode::ZipDuplicateEntry
            | FindingCode::ZipHiddenEntry
            | FindingCode::ZipLocalNameDiffers
            | FindingCode::ZipOverlap
            | FindingCode::Zip64EndRecord
    )
}
