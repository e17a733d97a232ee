//! What schemes prove, as bytes.

use super::HybridHalf;
use super::NotChecked;
use super::SchemeOutcome;
use super::SchemeResult;
use super::VerifiedSigner;
use crate::crypto::ContentDigestAlgorithm;
use crate::crypto::DigestAlgorithm;
use crate::kept::Kept;
use crate::kept::Reader;
use crate::kept::Writer;
use crate::kept::kept_enum;
use crate::kept::kept_struct;

kept_enum!(NotChecked { NoVersionInRange = 0, NewerSchemeDecides = 1, EarlierFailure = 2, Malformed = 3 });
kept_enum!(SchemeOutcome { Absent = 0, NotChecked(why) = 1, Rejected = 2, Verified(signers) = 3 });
kept_struct!(SchemeResult { scheme, outcome, claimed_certificates });
kept_enum!(HybridHalf { Classical = 0, PostQuantum { classical, history } = 1 });
kept_enum!(DigestAlgorithm { Md5 = 0, Sha1 = 1, Sha224 = 2, Sha256 = 3, Sha384 = 4, Sha512 = 5 });
kept_enum!(ContentDigestAlgorithm {
    ChunkedSha256 = 1,
    ChunkedSha512 = 2,
    VerityChunkedSha256 = 3,
    Sha256 = 4,
});

impl Kept for VerifiedSigner {
    fn put(&self, to: &mut Writer) {
        let Self {
            scheme,
            place,
            certificates,
            min_sdk,
            max_sdk,
            targets_dev_release,
            lineage,
            algorithms,
            content_digests,
            weak_digests,
            hybrid,
        } = self;
        scheme.put(to);
        place.put(to);
        certificates.put(to);
        (*min_sdk, *max_sdk).put(to);
        targets_dev_release.put(to);
        lineage.put(to);
        algorithms.put(to);
        content_digests.put(to);
        weak_digests.put(to);
        hybrid.put(to);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        let signer = Self {
            scheme: Kept::take(from)?,
            place: Kept::take(from)?,
            certificates: Kept::take(from)?,
            min_sdk: Kept::take(from)?,
            max_sdk: Kept::take(from)?,
            targets_dev_release: Kept::take(from)?,
            lineage: Kept::take(from)?,
            algorithms: Kept::take(from)?,
            content_digests: Kept::take(from)?,
            weak_digests: Kept::take(from)?,
            hybrid: Kept::take(from)?,
        };
        // A signer is only made with a certificate.
        (!signer.certificates.is_empty()).then_some(signer)
    }
}
