//! What of a registry judging a file asks for.

use super::case::ancestors;
use crate::identity::Certificate;
use crate::registry::Needs;
use crate::registry::PublicKeyDigest;
use crate::verify::Verification;

/// What [`super::decide`] asks a registry for, to judge `evidence`: a registry with that part alone gives the same decision as
/// the whole.
pub fn needs(evidence: &Verification) -> Needs {
    let mut needs = Needs::default();
    needs.packages.extend(evidence.package().map(str::to_owned));
    let mut add = |certificate: &Certificate| {
        needs.certificates.insert(certificate.digest());
        needs.public_keys.insert(PublicKeyDigest(certificate.key().spki_sha256));
    };
    for signer in evidence.views.iter().flat_map(|view| evidence.signers_of(view)) {
        add(signer.certificate());
        if let Some(partner) = signer.classical_partner() {
            add(partner);
        }
        for node in ancestors(signer) {
            add(&node.certificate);
        }
    }
    needs
}
