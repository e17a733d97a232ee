//! What apksigner makes of a v4 signature file. That differs from what we make of it: the file has to be readable and to
//! belong to the signers of the APK, and apart from that its errors go unseen.
//!
//! Source: apksig `ApkVerifier.verify`; `ApkSignerTool.verify`, which prints no errors of a v4 signer.

use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::finding::Severity;
use crate::scheme::SchemeOutcome;
use crate::scheme::SchemeResult;
use crate::scheme::V4_UNSEEN_BY_APKSIG;
use crate::verify::Status;
use crate::verify::Verification;

/// First API level that goes by v2.
const V2_SINCE: u32 = 24;

/// What apksigner makes of all evidence.
#[derive(PartialEq)]
pub(super) enum Answer {
    Verified,
    DoesNotVerify,
    /// It ends in a stack trace; why, in our words.
    BreaksDown(String),
}

/// What a finding on a v4 signature file comes to.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Effect {
    BreaksDown,
    Fails,
    Unseen,
}

/// What `finding` comes to, when it is one on a v4 signature file.
pub(super) fn effect(finding: &Finding) -> Option<Effect> {
    if finding.location.scheme != Some(SchemeId::V4) {
        return None;
    }
    Some(match finding.code {
        FindingCode::V4NoSignatures
        | FindingCode::V4UnsupportedVersion
        | FindingCode::V4Malformed
        | FindingCode::V4WithoutV2OrV3 => Effect::BreaksDown,
        FindingCode::V4MultipleSigners
        | FindingCode::V4SignersMismatch
        | FindingCode::V4DigestMismatch
        | FindingCode::LimitExceeded => Effect::Fails,
        // A warning speaks of v3.2, which apksig does not look for.
        FindingCode::V4SignerMissing if finding.severity == Severity::Error => Effect::Fails,
        _ => Effect::Unseen,
    })
}

impl Answer {
    pub(super) fn of(verification: &Verification) -> Self {
        let findings = &verification.findings;
        let of_v4 = |wanted| findings.iter().find(move |finding| effect(finding) == Some(wanted));
        if let Some(finding) = of_v4(Effect::BreaksDown) {
            return Self::BreaksDown(finding.message());
        }
        let mut errors = findings.iter().filter(|finding| finding.is_error());
        let error = errors.find(|finding| effect(finding) != Some(Effect::Unseen));
        if verification.status == Status::Malformed {
            let message = error.map(Finding::message);
            return Self::BreaksDown(message.unwrap_or_else(|| "malformed APK".to_owned()));
        }
        if error.is_some() || of_v4(Effect::Fails).is_some() || verification.status == Status::Unsigned {
            return Self::DoesNotVerify;
        }
        // The file counts as a newer scheme, so apksig does not look at v1 beside it.
        let alone = was_looked_at(&verification.schemes)
            && verification.min_sdk.is_some_and(|min_sdk| min_sdk >= V2_SINCE)
            && !verification.schemes.iter().any(is_of_signing_block);
        if alone {
            return Self::BreaksDown("a v4 signature file, but no v2 or v3 signature".to_owned());
        }
        Self::Verified
    }
}

fn is_of_signing_block(result: &SchemeResult) -> bool {
    let elsewhere = [SchemeId::V1, SchemeId::V4, SchemeId::SourceStamp];
    result.is_verified() && !elsewhere.contains(&result.scheme)
}

/// Whether apksigner says that v4 verified.
pub(super) fn is_verified(schemes: &[SchemeResult], findings: &[Finding]) -> bool {
    // apksig builds the tree without a salt.
    let spoils = |finding: &Finding| {
        effect(finding).is_some()
            && (finding.code == FindingCode::V4Salted || finding.is_error())
            && !V4_UNSEEN_BY_APKSIG.contains(&finding.code)
    };
    was_looked_at(schemes) && !findings.iter().any(spoils)
}

fn was_looked_at(schemes: &[SchemeResult]) -> bool {
    schemes.iter().any(|result| {
        result.scheme == SchemeId::V4
            && matches!(result.outcome, SchemeOutcome::Verified(_) | SchemeOutcome::Rejected)
    })
}
