//! What of a registry judging a file by a policy asks for.

use super::Evidence;
use crate::finding::SchemeId;
use crate::identity::Certificate;
use crate::marks::MarkKind;
use crate::policy;
use crate::registry::Needs;
use crate::registry::PublicKeyDigest;
use crate::scheme::SchemeResult;
use crate::scheme::VerifiedSigner;
use crate::verify::Verification;

/// What [`super::judge`] asks a registry for, to judge `evidence`: a registry with that part alone gives the same judgement as
/// the whole.
///
/// Beside what the verdict takes, these are the certificates of the source stamp, of code transparency and of the container.
pub fn needs(evidence: Evidence<'_>) -> Needs {
    let mut needs = policy::needs(evidence.verification);
    let stamp = evidence.verification.scheme(SchemeId::SourceStamp);
    let of_stamp = stamp.map_or(&[][..], SchemeResult::signers).iter().map(VerifiedSigner::certificate);
    let marks = evidence.marks.map_or(&[][..], |marks| marks.marks.as_slice());
    let transparency = marks.iter().filter(|mark| mark.kind == MarkKind::CodeTransparency);
    let of_container = evidence.container.map(Verification::signer_certificates).unwrap_or_default();
    let certificates: Vec<&Certificate> = of_stamp
        .chain(transparency.filter_map(|mark| mark.certificates.first()))
        .chain(of_container)
        .collect();
    for certificate in certificates {
        needs.certificates.insert(certificate.digest());
        needs.public_keys.insert(PublicKeyDigest(certificate.key().spki_sha256));
    }
    needs
}
