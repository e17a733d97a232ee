//! How many signatures one file may have us check: all schemes, signers and lineages share one budget.
//!
//! Every key of a signer is read here and every signature is checked here, so none goes uncounted.

use std::cell::Cell;

use crate::Limits;
use crate::apk::Stop;
use crate::crypto;
use crate::crypto::KeyError;
use crate::crypto::PublicKey;
use crate::crypto::SignatureScheme;
use crate::crypto::VerifyError;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::limits::Cap;

/// What has been spent of [`Limits::signature_checks`].
#[derive(Debug, Default)]
pub(crate) struct Budget {
    spent: Cell<u64>,
    exceeded: Cell<bool>,
}

/// Why a key cannot be read or a signature not be checked.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// Whoever meets it may report what it likes: [`Budget::check`] stops the work.
    #[error("the file asks for more signature checks than the limit")]
    Exceeded,
}

impl Budget {
    /// Reads a key that signatures are to be checked with, as it stands there.
    pub(super) fn public_key(&self, spki: &[u8], limits: &Limits) -> Result<PublicKey, CheckError> {
        self.spend(crypto::reading_cost(spki, limits), limits)?;
        Ok(PublicKey::from_spki(spki, limits)?)
    }

    /// Reads the key of a certificate, see [`crypto::certificate_key`].
    pub(super) fn certificate_key(&self, spki: &[u8], limits: &Limits) -> Result<PublicKey, CheckError> {
        self.spend(crypto::reading_cost(spki, limits), limits)?;
        Ok(crypto::certificate_key(spki, limits)?)
    }

    /// Checks one signature, see [`crypto::verify()`].
    pub(super) fn verify(
        &self,
        key: &PublicKey,
        scheme: SignatureScheme,
        message: &[u8],
        signature: &[u8],
        limits: &Limits,
    ) -> Result<bool, CheckError> {
        self.spend(key.kind().cost(), limits)?;
        Ok(crypto::verify(key, scheme, message, signature)?)
    }

    /// Checks one signature over a digest, see [`crypto::verify_digest`].
    pub(super) fn verify_digest(
        &self,
        key: &PublicKey,
        scheme: SignatureScheme,
        digest: &[u8],
        signature: &[u8],
        limits: &Limits,
    ) -> Result<bool, CheckError> {
        self.spend(key.kind().cost(), limits)?;
        Ok(crypto::verify_digest(key, scheme, digest, signature)?)
    }

    /// Stops the work once the file has asked for more than there was: whatever was found after that is not all.
    ///
    /// # Errors
    /// [`Stop::Malformed`] with the one finding.
    pub(crate) fn check(&self, limits: &Limits) -> Result<(), Stop> {
        if !self.exceeded.get() {
            return Ok(());
        }
        Err(Finding::new(FindingCode::LimitExceeded)
            .detail("signature checks that the file asks for")
            .values(
                Cap::new("signature-checks", limits.signature_checks).in_words(" with common keys"),
                "more",
            )
            .into())
    }

    fn spend(&self, cost: u64, limits: &Limits) -> Result<(), CheckError> {
        let spent = self.spent.get().saturating_add(cost);
        if spent > limits.signature_checks {
            self.exceeded.set(true);
            return Err(CheckError::Exceeded);
        }
        self.spent.set(spent);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::DigestAlgorithm;
    use crate::crypto::KeyKind;
    use crate::format::x509;

    /// The key of a committed certificate.
    fn spki(certificate: &[u8]) -> Vec<u8> {
        x509::Certificate::parse(certificate, &Limits::default()).unwrap().public_key_info.to_vec()
    }

    #[test]
    fn what_is_beyond_the_budget_is_not_checked_and_stops_the_work() {
        let limits = Limits { signature_checks: 2, ..Limits::default() };
        let budget = Budget::default();
        let key = budget
            .certificate_key(&spki(include_bytes!("../../testdata/keys/rsa-2048.x509.der")), &limits)
            .unwrap();
        let scheme = SignatureScheme::RsaPkcs1v15(DigestAlgorithm::Sha256);
        for _ in 0..2 {
            assert!(matches!(budget.verify(&key, scheme, b"", &[0; 256], &limits), Ok(false)));
        }
        assert!(budget.check(&limits).is_ok());
        assert!(matches!(budget.verify(&key, scheme, b"", &[0; 256], &limits), Err(CheckError::Exceeded)));
        let digest = [0; 32];
        let result = budget.verify_digest(&key, scheme, &digest, &[0; 256], &limits);
        assert!(matches!(result, Err(CheckError::Exceeded)));
        let Err(Stop::Malformed(finding)) = budget.check(&limits) else { panic!("not stopped") };
        assert_eq!(finding.code, FindingCode::LimitExceeded);
    }

    #[test]
    fn only_who_signs_has_arithmetic_done_with_its_key() {
        let limits = Limits::default();
        let spki = spki(include_bytes!("../../testdata/keys/dsa-2048.x509.der"));
        let (steps, kind) = crate::work::of(|| KeyKind::of_certificate(&spki, &limits));
        assert_eq!((steps, kind), (0, Ok(KeyKind::Dsa { bits: 2048, subgroup_bits: 256 })));
        let (steps, _) = crate::work::of(|| Budget::default().public_key(&spki, &limits).unwrap());
        assert_eq!(steps, 2, "two powers");
        let poor = Limits { signature_checks: 3, ..Limits::default() };
        let (steps, key) = crate::work::of(|| Budget::default().public_key(&spki, &poor));
        assert!(matches!((steps, key), (0, Err(CheckError::Exceeded))), "dearer than what is left");
    }

    #[test]
    fn a_modulus_above_the_limit_is_refused_before_arithmetic() {
        let limits = Limits { dsa_bits: 1024, ..Limits::default() };
        let spki = spki(include_bytes!("../../testdata/keys/dsa-2048.x509.der"));
        let (steps, key) = crate::work::of(|| crypto::certificate_key(&spki, &limits));
        assert_eq!(steps, 0);
        let text = "unusable DSA key: p has 2048 bits, from 512 to 1024 are supported";
        assert_eq!(key.unwrap_err().to_string(), text);
    }
}
