//! The check of a source stamp alone: is the file stamped, and by whom?
//!
//! The app's own signers matter only as far as a stamp covers what they list, so a stamp that verifies does not say that
//! the app does: [`super::verify`] says that, and looks at the stamp as well.

use super::VerifyOptions;
use super::check_range;
use super::min_sdk_of;
use crate::Error;
use crate::apk::Apk;
use crate::apk::Stop;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::MAX_SDK;
use crate::finding::SchemeId;
use crate::identity::Certificate;
use crate::identity::CertificateDigest;
use crate::scheme;
use crate::scheme::Context;
use crate::scheme::NotChecked;
use crate::scheme::SchemeOutcome;
use crate::scheme::SchemeResult;
use crate::scheme::StampParts;
use crate::scheme::StampResult;
use crate::scheme::VerifiedSigner;
use crate::source::ByteSource;

/// Where the check of a stamp ended.
///
/// Source: apksig `ApkVerifier.Result.SourceStampInfo.SourceStampVerificationStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StampStatus {
    /// There is no stamp.
    Missing,
    /// The stamp verifies.
    Verified,
    /// There is a stamp, and it does not verify.
    VerificationFailed,
    /// The stamp is by another certificate than was asked for.
    CertificateDigestMismatch,
    /// One of the two parts of a stamp is missing.
    NotVerified,
    /// What the stamp would have to cover does not verify, or cannot be read.
    VerificationError,
}

impl StampStatus {
    /// The name of the constant in apksig: `STAMP_VERIFIED`, …
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "STAMP_MISSING",
            Self::Verified => "STAMP_VERIFIED",
            Self::VerificationFailed => "STAMP_VERIFICATION_FAILED",
            Self::CertificateDigestMismatch => "CERT_DIGEST_MISMATCH",
            Self::NotVerified => "STAMP_NOT_VERIFIED",
            Self::VerificationError => "VERIFICATION_ERROR",
        }
    }
}

/// What the check of a stamp found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StampVerification {
    /// Where the check ended.
    pub status: StampStatus,
    /// The stamp, with its certificate: verified or claimed.
    pub result: SchemeResult,
    /// When a verified stamp says that it was made, in Unix seconds: the distributor's word.
    pub timestamp: Option<u64>,
    /// Everything that was seen, in the order in which it was. What keeps a stamp from verifying is a warning, as in
    /// ordinary verification; `status` says what came of it.
    pub findings: Vec<Finding>,
}

impl StampVerification {
    /// Whether the stamp verifies.
    pub fn is_verified(&self) -> bool {
        self.status == StampStatus::Verified
    }

    /// The certificate of the verified stamp. Anybody can stamp: only its digest tells whose stamp it is.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.result.signers().first().map(VerifiedSigner::certificate)
    }
}

/// Verifies the source stamp of the APK in `source`, and nothing else.
///
/// With `expected`, the stamp must be by one of these certificates. The stamp is held against the content digests that
/// the app's signers list and sign; whether the content has those digests is not looked at.
///
/// # Errors
/// [`Error::Read`] and [`Error::Changed`] when the bytes cannot be had, or not twice the same;
/// [`Error::Usage`] when the range of API levels is empty.
///
/// Source: apksig `ApkVerifier.verifySourceStamp`, whose order of checks this keeps. Unlike apksig it takes a stamp of
/// the first form, with a warning.
pub fn verify_source_stamp(
    source: &dyn ByteSource,
    options: &VerifyOptions,
    expected: Option<&[CertificateDigest]>,
) -> Result<StampVerification, Error> {
    check_range(options)?;
    let verification = match run(source, options, expected) {
        Ok(verification) => verification,
        Err(Stop::Malformed(finding)) => {
            StampVerification::not_looked_at(StampStatus::VerificationError, vec![*finding])
        }
        Err(Stop::Error(error)) => return Err(error),
    };
    source.check_unchanged().map_err(Error::Changed)?;
    Ok(verification)
}

impl StampVerification {
    /// A check that ended before the stamp was looked at.
    fn not_looked_at(status: StampStatus, findings: Vec<Finding>) -> Self {
        let outcome = match status {
            StampStatus::Missing => SchemeOutcome::Absent,
            StampStatus::VerificationError => SchemeOutcome::NotChecked(NotChecked::EarlierFailure),
            _ => SchemeOutcome::Rejected,
        };
        let StampResult { result, timestamp, .. } = StampResult::without(outcome);
        Self { status, result, timestamp, findings }
    }
}

fn run(
    source: &dyn ByteSource,
    options: &VerifyOptions,
    expected: Option<&[CertificateDigest]>,
) -> Result<StampVerification, Stop> {
    let apk = Apk::open(source, &options.limits)?;
    let max_sdk = options.max_sdk.unwrap_or(MAX_SDK);
    let min_sdk = match options.min_sdk {
        Some(min_sdk) => min_sdk,
        None => min_sdk_of(apk.manifest()?.as_mut(), max_sdk)?,
    };
    let cx = Context::new(&apk, min_sdk, max_sdk);
    let ended = |status, finding: Finding| {
        Ok(StampVerification::not_looked_at(status, vec![finding.scheme(SchemeId::SourceStamp)]))
    };
    let parts = StampParts::find(&cx)?;
    if !parts.has_entry() {
        return if parts.has_block() {
            ended(StampStatus::NotVerified, Finding::new(FindingCode::StampDigestEntryMissing))
        } else {
            ended(StampStatus::Missing, Finding::new(FindingCode::StampMissing))
        };
    }
    let declared = parts.certificate_digest(&cx)?;
    if let Some(expected) = expected
        && !declared.is_some_and(|declared| expected.contains(&declared))
    {
        let text = |digests: &[CertificateDigest]| {
            let digests: Vec<String> = digests.iter().map(CertificateDigest::to_string).collect();
            if digests.is_empty() { "no certificate".to_owned() } else { digests.join(" or ") }
        };
        let finding = Finding::new(FindingCode::StampExpectedDigestMismatch)
            .values(text(expected), text(declared.as_slice()));
        return ended(StampStatus::CertificateDigestMismatch, finding);
    }
    let listed = match scheme::listed_digests(&cx)? {
        Ok(listed) => listed,
        Err(findings) => {
            return Ok(StampVerification::not_looked_at(StampStatus::VerificationError, findings));
        }
    };
    let StampResult { result, timestamp, findings } =
        scheme::verify_stamp_over(&cx, &parts, &listed, min_sdk)?;
    cx.check_limits()?;
    let status = if result.is_verified() {
        StampStatus::Verified
    } else if parts.has_block() {
        StampStatus::VerificationFailed
    } else {
        StampStatus::NotVerified
    };
    Ok(StampVerification { status, result, timestamp, findings })
}
