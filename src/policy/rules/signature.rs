//! Rules on how the file is signed.

use std::collections::BTreeSet;

use super::Answer;
use super::Case;
use super::Rule;
use crate::finding::SchemeId;
use crate::identity::Certificate;
use crate::policy::case::describe_levels;
use crate::policy::file::DigestFloor;
use crate::scheme::DigestAlgorithm;
use crate::scheme::SchemeResult;
use crate::scheme::VerifiedSigner;
use crate::scheme::since;

/// First API level that knows the scheme.
fn known_since(scheme: SchemeId) -> u32 {
    match scheme {
        SchemeId::V2 => since::V2,
        SchemeId::V3 => since::V3,
        SchemeId::V31 => since::V31,
        SchemeId::V32 => since::V32,
        _ => 1,
    }
}

/// Android versions that know the scheme must go by it or a newer one.
pub(super) fn min_scheme(case: &Case<'_>) -> Answer {
    let (views, least) = (&case.evidence.verification.views, case.policy.min_scheme);
    let older: Vec<String> = views
        .iter()
        .filter(|view| view.scheme < least && view.max_sdk >= known_since(least))
        .map(|view| {
            let levels = (view.min_sdk.max(known_since(least)), view.max_sdk);
            format!("{} on API {}", view.scheme, describe_levels(levels))
        })
        .collect();
    let holds = older.is_empty() && !views.is_empty();
    let expected = format!("{least} or newer on Android versions that know it");
    let newest = views.last().map_or("none", |view| view.scheme.as_str());
    let actual = if older.is_empty() { newest.to_owned() } else { older.join(", ") };
    Answer::new(Rule::MinScheme, holds, expected, actual)
}

/// v1 signatures alone may rest on a weak digest.
pub(super) fn min_digest(case: &Case<'_>) -> Answer {
    let schemes = &case.evidence.verification.schemes;
    let weak = schemes.iter().flat_map(SchemeResult::signers).flat_map(VerifiedSigner::weak_digests);
    let weakest = weak.copied().min();
    let reached = match weakest {
        None => DigestFloor::Sha256,
        Some(DigestAlgorithm::Sha1) => DigestFloor::Sha1,
        Some(_) => DigestFloor::Md5,
    };
    let actual =
        weakest.map_or_else(|| "sha256 or better".to_owned(), |weakest| format!("v1: {}", weakest.name()));
    let least = case.policy.min_digest;
    Answer::new(Rule::MinDigest, reached >= least, format!("{least} or better"), actual)
}

/// Every key that signs the app, on any Android version or beside them.
pub(super) fn key_strength(case: &Case<'_>) -> Answer {
    let policy = case.policy;
    let of_app =
        case.evidence.verification.schemes.iter().filter(|result| result.scheme != SchemeId::SourceStamp);
    let mut all: BTreeSet<String> = BTreeSet::new();
    let mut weak: BTreeSet<String> = BTreeSet::new();
    for signer in of_app.flat_map(SchemeResult::signers) {
        // The classical half of a pair is a signer of its own.
        let certificate = signer.certificate();
        let name = key_name(certificate);
        let least = match certificate.key().algorithm.as_str() {
            "RSA" => Some(policy.min_rsa_bits),
            "EC" => Some(policy.min_ec_bits),
            "DSA" => Some(policy.min_dsa_bits),
            _ if certificate.key().is_post_quantum() => Some(0),
            _ => None,
        };
        let bits = certificate.key().bits as u64;
        if least.is_none_or(|least| bits < least) {
            weak.insert(name.clone());
        }
        all.insert(name);
    }
    let expected = format!(
        "RSA of {} bits, EC of {}, DSA of {} or more",
        policy.min_rsa_bits, policy.min_ec_bits, policy.min_dsa_bits
    );
    let holds = weak.is_empty() && !all.is_empty();
    let told = if weak.is_empty() { all } else { weak };
    Answer::new(Rule::KeyStrength, holds, expected, told.into_iter().collect::<Vec<_>>().join(", "))
}

fn key_name(certificate: &Certificate) -> String {
    let key = certificate.key();
    if key.is_post_quantum() || key.bits == 0 {
        return key.algorithm.clone();
    }
    format!("{} of {} bits", key.algorithm, key.bits)
}
