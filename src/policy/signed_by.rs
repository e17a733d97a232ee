//! A pin: the exact signers that somebody asked for, without any registry.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::identity::CertificateDigest;
use crate::scheme::VerifiedSigner;
use crate::verify::ApiView;
use crate::verify::Verification;

/// Checks that the signers of a verified file are exactly `pinned`, on every Android version in range.
///
/// Exactly: one signer more is as wrong as one too few. Where older Android versions see a key that has been rotated
/// away, the verified lineage of the one pinned signer that newer versions see stands for it.
///
/// # Errors
/// The finding `signed-by-mismatch`, with the versions that see somebody else. A file that does not verify has no
/// signers, so it never matches.
pub fn signed_by(evidence: &Verification, pinned: &BTreeSet<CertificateDigest>) -> Result<(), Box<Finding>> {
    let mismatch = || Finding::new(FindingCode::SignedByMismatch);
    let (Some(newest), true) = (evidence.views.last(), evidence.is_verified()) else {
        return Err(Box::new(mismatch().values(list(pinned), "no verified signer")));
    };
    let lineage = evidence.signers_of(newest).find_map(VerifiedSigner::lineage);
    for view in &evidence.views {
        let seen = digests(evidence, view);
        let rotated_away = signers(evidence, newest, pinned)
            && seen.len() == 1
            && lineage.is_some_and(|lineage| seen.iter().all(|digest| lineage.contains(digest)));
        if seen != *pinned && !rotated_away {
            let place = mismatch().scheme(view.scheme).api_levels(view.min_sdk, view.max_sdk);
            return Err(Box::new(place.values(list(pinned), list(&seen))));
        }
    }
    Ok(())
}

/// Whether the one signer of `view` is the one that is pinned.
fn signers(evidence: &Verification, view: &ApiView, pinned: &BTreeSet<CertificateDigest>) -> bool {
    pinned.len() == 1 && digests(evidence, view) == *pinned
}

fn digests(evidence: &Verification, view: &ApiView) -> BTreeSet<CertificateDigest> {
    evidence.signers_of(view).map(VerifiedSigner::digest).collect()
}

fn list(digests: &BTreeSet<CertificateDigest>) -> String {
    digests.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::SchemeId;
    use crate::identity::Certificate;
    use crate::identity::KeyFacts;
    use crate::identity::Lineage;
    use crate::identity::LineageNode;
    use crate::identity::PrintedDigests;
    use crate::scheme::SchemeOutcome;
    use crate::scheme::SchemeResult;
    use crate::verify::MAX_SDK;
    use crate::verify::Status;

    fn certificate(id: u8) -> Certificate {
        let digests = PrintedDigests { sha256: [id; 32], sha1: [id; 20], md5: [id; 16] };
        let key = KeyFacts {
            algorithm: "RSA".to_owned(),
            bits: 2048,
            digests: digests.clone(),
            spki_sha256: digests.sha256,
        };
        Certificate::new(vec![id], digests, key, format!("CN={id}"))
    }

    fn lineage(ids: &[u8]) -> Lineage {
        let node = |id: &u8| LineageNode { certificate: certificate(*id), flags: 0, signature_algorithm: 0 };
        Lineage::new(ids.iter().map(node).collect())
    }

    fn pins(ids: &[u8]) -> BTreeSet<CertificateDigest> {
        ids.iter().map(|id| CertificateDigest([*id; 32])).collect()
    }

    /// v2 with the signers `old` up to API 27; v3 with `new` and its lineage from 28 on, when there is one.
    fn evidence(old: &[u8], new: Option<(u8, &[u8])>) -> Verification {
        let v2 = |(index, id): (usize, &u8)| {
            VerifiedSigner::for_tests(SchemeId::V2, index, certificate(*id), (24, MAX_SDK), None)
        };
        let result = |scheme, signers: Vec<VerifiedSigner>| SchemeResult {
            scheme,
            outcome: SchemeOutcome::Verified(signers),
            claimed_certificates: Vec::new(),
        };
        let mut schemes = vec![result(SchemeId::V2, old.iter().enumerate().map(v2).collect())];
        let max_sdk = if new.is_some() { 27 } else { MAX_SDK };
        let all = (0..old.len()).collect();
        let mut views = vec![ApiView { min_sdk: 24, max_sdk, scheme: SchemeId::V2, signers: all }];
        if let Some((id, ids)) = new {
            let signer = VerifiedSigner::for_tests(
                SchemeId::V3,
                0,
                certificate(id),
                (28, MAX_SDK),
                Some(lineage(ids)).filter(|_| !ids.is_empty()),
            );
            schemes.push(result(SchemeId::V3, vec![signer]));
            views.push(ApiView { min_sdk: 28, max_sdk: MAX_SDK, scheme: SchemeId::V3, signers: vec![0] });
        }
        Verification {
            file_size: 1,
            status: Status::Verified,
            min_sdk: Some(24),
            max_sdk: MAX_SDK,
            claimed_manifest: None,
            schemes,
            stamp_timestamp: None,
            views,
            findings: Vec::new(),
        }
    }

    #[test]
    fn the_set_must_be_exact() {
        assert_eq!(signed_by(&evidence(&[1], None), &pins(&[1])), Ok(()));
        assert_eq!(signed_by(&evidence(&[1, 2], None), &pins(&[2, 1])), Ok(()));
        for (file, pinned) in [(&[1][..], &[2][..]), (&[1, 2], &[1]), (&[1], &[1, 2]), (&[1], &[])] {
            let finding = signed_by(&evidence(file, None), &pins(pinned)).unwrap_err();
            assert_eq!(finding.code, FindingCode::SignedByMismatch, "{file:?} {pinned:?}");
        }
    }

    #[test]
    fn every_android_version_counts() {
        let finding = signed_by(&evidence(&[1], Some((2, &[]))), &pins(&[2])).unwrap_err();
        assert_eq!(finding.location.api_levels, Some((24, 27)));
        assert_eq!(finding.actual.as_deref(), Some("01".repeat(32).as_str()));
        let finding = signed_by(&evidence(&[1], Some((2, &[]))), &pins(&[1])).unwrap_err();
        assert_eq!(finding.location.api_levels, Some((28, MAX_SDK)));
    }

    #[test]
    fn a_lineage_stands_for_the_rotated_key_and_for_no_other() {
        assert_eq!(signed_by(&evidence(&[1], Some((2, &[1, 2]))), &pins(&[2])), Ok(()));
        assert!(signed_by(&evidence(&[1], Some((2, &[1, 2]))), &pins(&[1])).is_err());
        assert!(signed_by(&evidence(&[3], Some((2, &[1, 2]))), &pins(&[2])).is_err());
        assert!(signed_by(&evidence(&[1, 2], Some((2, &[1, 2]))), &pins(&[2])).is_err());
    }

    #[test]
    fn a_file_that_does_not_verify_matches_nobody() {
        let mut file = evidence(&[1], None);
        file.status = Status::Rejected;
        let finding = signed_by(&file, &pins(&[1])).unwrap_err();
        assert_eq!(finding.actual.as_deref(), Some("no verified signer"));
    }
}
