//! ML-DSA (FIPS 204), the post-quantum algorithm of APK Signature Scheme v3.2: pure, with the empty context string.
//!
//! Android asks its cryptography for `ML-DSA` without parameters, which is that; no APK is known that says otherwise.

use ml_dsa::EncodedSignature;
use ml_dsa::EncodedVerifyingKey;
use ml_dsa::MlDsa44;
use ml_dsa::MlDsa65;
use ml_dsa::MlDsa87;
use ml_dsa::MlDsaParams;
use ml_dsa::Signature;
use ml_dsa::VerifyingKey;

/// A parameter set of ML-DSA (FIPS 204, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum MlDsaParameterSet {
    /// ML-DSA-44, security category 2.
    MlDsa44,
    /// ML-DSA-65, security category 3.
    MlDsa65,
    /// ML-DSA-87, security category 5.
    MlDsa87,
}

impl MlDsaParameterSet {
    /// The name of FIPS 204: `ML-DSA-65`.
    pub fn name(self) -> &'static str {
        match self {
            Self::MlDsa44 => "ML-DSA-44",
            Self::MlDsa65 => "ML-DSA-65",
            Self::MlDsa87 => "ML-DSA-87",
        }
    }

    /// Length of an encoded public key in bytes (FIPS 204, table 2).
    pub fn public_key_len(self) -> usize {
        match self {
            Self::MlDsa44 => 1312,
            Self::MlDsa65 => 1952,
            Self::MlDsa87 => 2592,
        }
    }

    /// Length of a signature in bytes (FIPS 204, table 2).
    pub fn signature_len(self) -> usize {
        match self {
            Self::MlDsa44 => 2420,
            Self::MlDsa65 => 3309,
            Self::MlDsa87 => 4627,
        }
    }

    /// Whether every device that reads the algorithm has this parameter set. The cryptography that Android 17 came with
    /// has ML-DSA-65 and ML-DSA-87; it refuses a key of ML-DSA-44.
    ///
    /// Source: Conscrypt `OpenSslMlDsaKeyFactory.MlDsa.supportsAlgorithm`; AOSP `ApkSigningBlockUtils.isCertificatePqc`.
    pub fn is_read_by_android(self) -> bool {
        self != Self::MlDsa44
    }
}

/// A key, encoded; every encoding of the right length is one (FIPS 204, algorithm 23).
#[derive(Clone, Debug)]
pub(super) struct MlDsaKey {
    pub(super) parameter_set: MlDsaParameterSet,
    encoded: Vec<u8>,
}

impl MlDsaKey {
    /// Takes the encoded key, unless its length is another.
    pub(super) fn new(parameter_set: MlDsaParameterSet, encoded: &[u8]) -> Option<Self> {
        (encoded.len() == parameter_set.public_key_len())
            .then(|| Self { parameter_set, encoded: encoded.to_vec() })
    }

    /// Whether `signature`, which must be of the right length, verifies over `message` (FIPS 204, algorithm 3).
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self.parameter_set {
            MlDsaParameterSet::MlDsa44 => verify::<MlDsa44>(&self.encoded, message, signature),
            MlDsaParameterSet::MlDsa65 => verify::<MlDsa65>(&self.encoded, message, signature),
            MlDsaParameterSet::MlDsa87 => verify::<MlDsa87>(&self.encoded, message, signature),
        }
    }
}

// Not part of its callers: its 40 KB of stack would be theirs, for every signature of any algorithm.
#[inline(never)]
fn verify<P: MlDsaParams>(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Ok(key) = EncodedVerifyingKey::<P>::try_from(key) else { return false };
    let Ok(signature) = EncodedSignature::<P>::try_from(signature) else { return false };
    let Some(signature) = Signature::<P>::decode(&signature) else { return false };
    VerifyingKey::<P>::decode(&key).verify_with_context(message, &[], &signature)
}
