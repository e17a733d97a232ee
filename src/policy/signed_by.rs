//! A pin: the exact signers that somebody asked for, without any registry.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::identity::Certificate;
use crate::identity::CertificateDigest;
use crate::scheme::VerifiedSigner;
use crate::verify::ApiView;
use crate::verify::Verification;

/// Checks that the signers of a verified file are exactly `pinned`, on every Android version in range.
///
/// Exactly: one signer more is as wrong as one too few. Where older Android versions see a key that has been rotated
/// away, the verified lineage of the one pinned signer that newer versions see stands for it.
///
/// A v3.2 signature has two signers; to pin both is always right. The post-quantum one alone stands for the pair where
/// a certificate of its lineage has signed for the other, too; where no lineage ties them, anybody could have set the
/// other beside it.
///
/// # Errors
/// The finding `signed-by-mismatch`, with the versions that see somebody else. A file that does not verify has no
/// signers, so it never matches.
pub fn signed_by(evidence: &Verification, pinned: &BTreeSet<CertificateDigest>) -> Result<(), Box<Finding>> {
    let mismatch = || Finding::new(FindingCode::SignedByMismatch);
    let (Some(newest), true) = (evidence.views.last(), evidence.is_verified()) else {
        return Err(Box::new(
            mismatch()
                .values(list(pinned), "no verified signer")
                .values_zh(list(pinned), "没有已验证的签名者"),
        ));
    };
    let current = one_signer(evidence, newest).filter(|signer| is_pinned(signer, pinned));
    for view in &evidence.views {
        let seen = digests(evidence, view);
        let of_pair = one_signer(evidence, view).filter(|signer| signer.classical_partner().is_some());
        let exact = match of_pair {
            Some(signer) => is_pinned(signer, pinned),
            None => seen == *pinned,
        };
        let rotated_away = of_pair.is_none()
            && seen.len() == 1
            && current.is_some_and(|current| {
                let lineage = current.lineage();
                let partner = current.classical_partner().map(Certificate::digest);
                seen.iter().all(|digest| {
                    // Of a pinned pair the classical half may sign alone for versions that know no pairs.
                    let half = partner == Some(*digest) && pinned.contains(digest);
                    half || lineage.is_some_and(|lineage| lineage.contains(digest))
                })
            });
        if !exact && !rotated_away {
            let place = mismatch().scheme(view.scheme).api_levels(view.min_sdk, view.max_sdk);
            return Err(Box::new(place.values(list(pinned), list(&seen))));
        }
    }
    Ok(())
}

/// The only signer of `view`; of a v3.2 pair the current one.
fn one_signer<'a>(evidence: &'a Verification, view: &'a ApiView) -> Option<&'a VerifiedSigner> {
    let mut signers = evidence.signers_of(view);
    signers.next().filter(|_| signers.next().is_none())
}

/// Whether the signer is the one that is pinned: alone, or a v3.2 pair as both or as one that stands for both.
fn is_pinned(signer: &VerifiedSigner, pinned: &BTreeSet<CertificateDigest>) -> bool {
    let alone = BTreeSet::from([signer.digest()]);
    let Some(partner) = signer.classical_partner() else { return *pinned == alone };
    let tied = signer.lineage().is_some_and(|lineage| lineage.nodes().len() > 1);
    *pinned == BTreeSet::from([signer.digest(), partner.digest()]) || (tied && *pinned == alone)
}

/// All certificates that the Android versions of `view` go by, the classical half of a v3.2 pair among them.
fn digests(evidence: &Verification, view: &ApiView) -> BTreeSet<CertificateDigest> {
    let signers = || evidence.signers_of(view);
    let partners = signers().filter_map(VerifiedSigner::classical_partner).map(Certificate::digest);
    signers().map(VerifiedSigner::digest).chain(partners).collect()
}

fn list(digests: &BTreeSet<CertificateDigest>) -> String {
    digests.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::SchemeId;
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

    /// v2 with `old` up to API 36; from 37 on the v3.2 pair of `classical` and the last of `ids`.
    fn pair(old: u8, classical: u8, ids: &[u8]) -> Verification {
        let mut evidence = evidence(&[old], Some((*ids.last().unwrap(), ids)));
        evidence.views[0].max_sdk = 36;
        (evidence.views[1].min_sdk, evidence.views[1].scheme) = (37, SchemeId::V32);
        let result = evidence.schemes.last_mut().unwrap();
        let signer = result.signers()[0].clone().beside_for_tests(certificate(classical));
        (result.scheme, result.outcome) = (SchemeId::V32, SchemeOutcome::Verified(vec![signer]));
        evidence
    }

    #[test]
    fn a_pair_is_pinned_as_two_or_as_one_that_stands_for_both() {
        // 1 has signed for 2 and for 3.
        assert_eq!(signed_by(&pair(1, 2, &[1, 3]), &pins(&[3])), Ok(()));
        assert_eq!(signed_by(&pair(1, 2, &[1, 3]), &pins(&[2, 3])), Ok(()));
        // The older key alone, the classical half alone, somebody else's half, a stranger on older versions.
        assert!(signed_by(&pair(1, 2, &[1, 3]), &pins(&[1])).is_err());
        assert!(signed_by(&pair(1, 2, &[1, 3]), &pins(&[2])).is_err());
        assert!(signed_by(&pair(1, 2, &[1, 3]), &pins(&[3, 4])).is_err());
        assert!(signed_by(&pair(4, 2, &[1, 3]), &pins(&[3])).is_err());
        // The other half alone on older versions: it is not pinned.
        assert!(signed_by(&pair(2, 2, &[1, 3]), &pins(&[3])).is_err());
        // Nobody has signed for both: anybody could have set one beside the other.
        let finding = signed_by(&pair(2, 2, &[3]), &pins(&[3])).unwrap_err();
        assert_eq!(finding.actual, Some(list(&pins(&[2]))));
        assert!(signed_by(&pair(3, 2, &[3]), &pins(&[3])).is_err());
        assert_eq!(signed_by(&pair(2, 2, &[3]), &pins(&[2, 3])), Ok(()));
        assert!(signed_by(&pair(4, 2, &[3]), &pins(&[2, 3])).is_err());
    }

    #[test]
    fn a_file_that_does_not_verify_matches_nobody() {
        let mut file = evidence(&[1], None);
        file.status = Status::Rejected;
        let finding = signed_by(&file, &pins(&[1])).unwrap_err();
        assert_eq!(finding.actual.as_deref(), Some("no verified signer"));
    }
}
