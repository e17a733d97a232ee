//! Checks one signature with one key.

use std::borrow::Cow;

use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use ring::signature as ring_signature;
use rsa::pkcs8::der;
use rsa::pkcs8::der::Decode as _;
use rsa::pkcs8::der::Reader as _;
use rsa::pkcs8::der::asn1::AnyRef;
use rsa::pkcs8::der::asn1::UintRef;

use super::algorithm::KeyType;
use super::algorithm::SignatureScheme;
use super::digest::DigestAlgorithm;
use super::dsa::DsaKey;
use super::key::Inner;
use super::key::PublicKey;
use super::key::RsaKey;

/// Why a signature could not be checked at all.
///
/// Never a verified signature; the JCA throws an exception where we return one of these, and apksig then reports
/// another issue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The key is of another type than the algorithm needs.
    #[error("{scheme} needs another key than one for {found}", found = found.name())]
    WrongKeyType {
        /// What was to be checked.
        scheme: SignatureScheme,
        /// The type of the key.
        found: KeyType,
    },
    /// The RSA modulus has no room for the digest and its padding.
    #[error("an RSA key of {bits} bits is too short for {scheme}")]
    KeyTooShort {
        /// Size of the modulus in bits.
        bits: usize,
        /// What was to be checked.
        scheme: SignatureScheme,
    },
    /// Not a signature at all: another length than the RSA modulus or the ML-DSA parameter set have, not the DER encoding of two positive numbers, or
    /// numbers out of the range of a DSA key.
    #[error("malformed signature: {0}")]
    MalformedSignature(String),
}

/// Checks `signature` over `message` with `key`.
///
/// `Ok(false)` when it does not verify. RSA signatures are as long as the modulus and numerically less; PKCS#1 v1.5
/// blocks are compared whole. DSA and ECDSA signatures are the DER encoding of r and s; of the two values of s that
/// verify both do.
///
/// # Errors
/// A key that does not fit the scheme, or bytes that cannot be a signature of the scheme: where the JCA throws
/// `InvalidKeyException` or `SignatureException`.
///
/// Source: RFC 8017 §8, FIPS 186-4 §4.7, FIPS 186-5 §6.4.2, FIPS 204 §5.3.
pub fn verify(
    key: &PublicKey,
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, VerifyError> {
    check(key, scheme, Message::Whole(message), signature)
}

/// As [`verify`], over a message of which only the digest is there, by the scheme's digest algorithm: many signatures
/// over one large message then cost no more than one.
///
/// A digest of another length verifies nothing, and a scheme that takes the message as it is verifies no digest.
///
/// # Errors
/// As [`verify`].
pub fn verify_digest(
    key: &PublicKey,
    scheme: SignatureScheme,
    digest: &[u8],
    signature: &[u8],
) -> Result<bool, VerifyError> {
    if scheme.digest().is_none_or(|algorithm| algorithm.len() != digest.len()) {
        return Ok(false);
    }
    check(key, scheme, Message::Digest(digest), signature)
}

/// What is signed.
#[derive(Clone, Copy)]
enum Message<'a> {
    Whole(&'a [u8]),
    /// Its digest; `ring` does not take one.
    Digest(&'a [u8]),
}

impl<'a> Message<'a> {
    fn digest(self, algorithm: DigestAlgorithm) -> Cow<'a, [u8]> {
        match self {
            Self::Whole(message) => Cow::Owned(algorithm.digest(message)),
            Self::Digest(digest) => Cow::Borrowed(digest),
        }
    }
}

fn check(
    key: &PublicKey,
    scheme: SignatureScheme,
    message: Message<'_>,
    signature: &[u8],
) -> Result<bool, VerifyError> {
    match (&key.inner, scheme) {
        (Inner::Rsa(key), SignatureScheme::RsaPkcs1v15(digest) | SignatureScheme::RsaPss(digest)) => {
            verify_rsa(key, scheme, digest, message, signature)
        }
        (Inner::Dsa(key), SignatureScheme::Dsa(digest)) => verify_dsa(key, digest, message, signature),
        (Inner::P256(key), SignatureScheme::Ecdsa(digest)) => {
            let (r, s) = numbers(signature)?;
            if let (Some(algorithm), Message::Whole(message)) = (ring_p256(digest), message) {
                return Ok(ring_verify(algorithm, key.to_sec1_point(false).as_bytes(), message, signature));
            }
            let Some((r, s)) = fixed::<32>(r).zip(fixed::<32>(s)) else { return Ok(false) };
            let signature = p256::ecdsa::Signature::from_scalars(r, s);
            Ok(signature
                .is_ok_and(|signature| key.verify_prehash(&message.digest(digest), &signature).is_ok()))
        }
        (Inner::P384(key), SignatureScheme::Ecdsa(digest)) => {
            let (r, s) = numbers(signature)?;
            if let (Some(algorithm), Message::Whole(message)) = (ring_p384(digest), message) {
                return Ok(ring_verify(algorithm, key.to_sec1_point(false).as_bytes(), message, signature));
            }
            let Some((r, s)) = fixed::<48>(r).zip(fixed::<48>(s)) else { return Ok(false) };
            let signature = p384::ecdsa::Signature::from_scalars(r, s);
            Ok(signature
                .is_ok_and(|signature| key.verify_prehash(&message.digest(digest), &signature).is_ok()))
        }
        (Inner::P521(key), SignatureScheme::Ecdsa(digest)) => {
            let (r, s) = numbers(signature)?;
            let Some((r, s)) = fixed::<66>(r).zip(fixed::<66>(s)) else { return Ok(false) };
            let signature = p521::ecdsa::Signature::from_scalars(r, s);
            Ok(signature
                .is_ok_and(|signature| key.verify_prehash(&message.digest(digest), &signature).is_ok()))
        }
        (Inner::MlDsa(key), SignatureScheme::MlDsa) => {
            let Message::Whole(message) = message else { return Ok(false) };
            let expected = key.parameter_set.signature_len();
            if signature.len() != expected {
                return Err(VerifyError::MalformedSignature(format!(
                    "{} bytes, expected {expected} for {}",
                    signature.len(),
                    key.parameter_set.name()
                )));
            }
            Ok(key.verify(message, signature))
        }
        _ => Err(VerifyError::WrongKeyType { scheme, found: key.key_type() }),
    }
}

fn verify_rsa(
    key: &RsaKey,
    scheme: SignatureScheme,
    digest: DigestAlgorithm,
    message: Message<'_>,
    signature: &[u8],
) -> Result<bool, VerifyError> {
    let needed_bits = match scheme {
        // RFC 8017, 9.2: two bytes, at least eight of padding, one of zero, and the DigestInfo.
        SignatureScheme::RsaPkcs1v15(_) => (digest_info_prefix(digest).len() + digest.len() + 11) * 8 - 7,
        // RFC 8017, 9.1.1: digest, salt and two bytes; one bit of the modulus is not used.
        _ => (2 * digest.len() + 2) * 8 - 6,
    };
    if key.bits < needed_bits {
        return Err(VerifyError::KeyTooShort { bits: key.bits, scheme });
    }
    if signature.len() != key.modulus.len() {
        return Err(VerifyError::MalformedSignature(format!(
            "{} bytes, expected {} for this RSA key",
            signature.len(),
            key.modulus.len()
        )));
    }
    if let (Some(parameters), Message::Whole(message)) = (ring_rsa(key.bits, scheme), message) {
        let components =
            ring_signature::RsaPublicKeyComponents { n: key.modulus.as_slice(), e: key.exponent.as_slice() };
        return Ok(components.verify(parameters, message, signature).is_ok());
    }
    // Cannot fail for a key that was read; were it to, nothing has been verified.
    let Some(key) = key.to_rust_crypto() else { return Ok(false) };
    let hashed = message.digest(digest);
    let result = match (scheme, digest) {
        (SignatureScheme::RsaPkcs1v15(_), _) => {
            let padding =
                rsa::Pkcs1v15Sign { hash_len: Some(digest.len()), prefix: digest_info_prefix(digest).into() };
            key.verify(padding, &hashed, signature)
        }
        (_, DigestAlgorithm::Md5) => key.verify(pss::<md5::Md5>(digest), &hashed, signature),
        (_, DigestAlgorithm::Sha1) => key.verify(pss::<sha1::Sha1>(digest), &hashed, signature),
        (_, DigestAlgorithm::Sha224) => key.verify(pss::<sha2::Sha224>(digest), &hashed, signature),
        (_, DigestAlgorithm::Sha256) => key.verify(pss::<sha2::Sha256>(digest), &hashed, signature),
        (_, DigestAlgorithm::Sha384) => key.verify(pss::<sha2::Sha384>(digest), &hashed, signature),
        (_, DigestAlgorithm::Sha512) => key.verify(pss::<sha2::Sha512>(digest), &hashed, signature),
    };
    Ok(result.is_ok())
}

fn pss<D: sha2::Digest>(digest: DigestAlgorithm) -> rsa::Pss<D> {
    rsa::Pss::<D>::new_with_salt(digest.len())
}

/// DER of DigestInfo up to the digest itself (RFC 8017, 9.2, note 1).
fn digest_info_prefix(digest: DigestAlgorithm) -> &'static [u8] {
    match digest {
        DigestAlgorithm::Md5 => b"\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00\x04\x10",
        DigestAlgorithm::Sha1 => b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
        DigestAlgorithm::Sha224 => {
            b"\x30\x2d\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x04\x05\x00\x04\x1c"
        }
        DigestAlgorithm::Sha256 => {
            b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
        }
        DigestAlgorithm::Sha384 => {
            b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"
        }
        DigestAlgorithm::Sha512 => {
            b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"
        }
    }
}

fn verify_dsa(
    key: &DsaKey,
    digest: DigestAlgorithm,
    message: Message<'_>,
    signature: &[u8],
) -> Result<bool, VerifyError> {
    let (r, s) = numbers(signature)?;
    key.verify(&message.digest(digest), r, s)
        .ok_or_else(|| VerifyError::MalformedSignature("r or s is not in the range of the key".to_owned()))
}

/// What `ring` covers of RSA.
fn ring_rsa(bits: usize, scheme: SignatureScheme) -> Option<&'static ring_signature::RsaParameters> {
    use DigestAlgorithm::Sha1;
    use DigestAlgorithm::Sha256;
    use DigestAlgorithm::Sha384;
    use DigestAlgorithm::Sha512;
    use SignatureScheme::RsaPkcs1v15;
    use SignatureScheme::RsaPss;

    let (min_bits, parameters) = match scheme {
        RsaPkcs1v15(Sha1) => (1024, &ring_signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
        RsaPkcs1v15(Sha256) => (1024, &ring_signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
        RsaPkcs1v15(Sha384) => (2048, &ring_signature::RSA_PKCS1_2048_8192_SHA384),
        RsaPkcs1v15(Sha512) => (1024, &ring_signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
        RsaPss(Sha256) => (2048, &ring_signature::RSA_PSS_2048_8192_SHA256),
        RsaPss(Sha384) => (2048, &ring_signature::RSA_PSS_2048_8192_SHA384),
        RsaPss(Sha512) => (2048, &ring_signature::RSA_PSS_2048_8192_SHA512),
        _ => return None,
    };
    (min_bits..=8192).contains(&bits).then_some(parameters)
}

fn ring_p256(digest: DigestAlgorithm) -> Option<&'static ring_signature::EcdsaVerificationAlgorithm> {
    match digest {
        DigestAlgorithm::Sha256 => Some(&ring_signature::ECDSA_P256_SHA256_ASN1),
        DigestAlgorithm::Sha384 => Some(&ring_signature::ECDSA_P256_SHA384_ASN1),
        _ => None,
    }
}

fn ring_p384(digest: DigestAlgorithm) -> Option<&'static ring_signature::EcdsaVerificationAlgorithm> {
    match digest {
        DigestAlgorithm::Sha256 => Some(&ring_signature::ECDSA_P384_SHA256_ASN1),
        DigestAlgorithm::Sha384 => Some(&ring_signature::ECDSA_P384_SHA384_ASN1),
        _ => None,
    }
}

fn ring_verify(
    algorithm: &'static ring_signature::EcdsaVerificationAlgorithm,
    point: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    ring_signature::UnparsedPublicKey::new(algorithm, point).verify(message, signature).is_ok()
}

/// The two numbers of a DSA or ECDSA signature, big-endian without leading zeros.
fn numbers(signature: &[u8]) -> Result<(&[u8], &[u8]), VerifyError> {
    let read = || -> der::Result<_> {
        AnyRef::from_der(signature)?.sequence(|reader| {
            let r = reader.decode::<UintRef<'_>>()?;
            let s = reader.decode::<UintRef<'_>>()?;
            Ok((r.as_bytes(), s.as_bytes()))
        })
    };
    read().map_err(|error| VerifyError::MalformedSignature(error.to_string()))
}

/// The number in `N` bytes, when it fits them.
fn fixed<const N: usize>(number: &[u8]) -> Option<[u8; N]> {
    let mut array = [0; N];
    let start = N.checked_sub(number.len())?;
    array.get_mut(start..)?.copy_from_slice(number);
    Some(array)
}
