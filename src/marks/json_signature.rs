//! JSON Web Signatures whose header carries the signer's certificate.
//!
//! Source: RFC 7515, RFC 7518 section 3; bundletool `CodeTransparencyCryptoUtils`, jose4j.

use super::Budget;
use super::Content;
use super::Coverage;
use super::Mark;
use super::Reading;
use super::certificate;
use crate::Limits;
use crate::apk::Stop;
use crate::crypto;
use crate::crypto::Curve;
use crate::crypto::DigestAlgorithm;
use crate::crypto::KeyKind;
use crate::crypto::SignatureScheme;
use crate::finding::FindingCode;
use crate::format::jws::Jws;
use crate::format::x509;
use crate::identity::Certificate;

/// Why a signature is not verified.
pub(super) enum Fault {
    /// It cannot be verified here.
    Unknown(String),
    /// What it is made of is not what it should be.
    Malformed(String),
    /// It does not verify.
    Mismatch(String),
}

/// How a signature is checked, by its name in the header.
struct Algorithm {
    name: &'static str,
    scheme: SignatureScheme,
    /// The curve that goes with it, and the length of each of the two numbers of a signature.
    curve: Option<(Curve, usize)>,
}

const ALGORITHMS: &[Algorithm] = {
    use DigestAlgorithm::Sha256;
    use DigestAlgorithm::Sha384;
    use DigestAlgorithm::Sha512;
    use SignatureScheme::Ecdsa;
    use SignatureScheme::RsaPkcs1v15;
    use SignatureScheme::RsaPss;

    &[
        Algorithm { name: "RS256", scheme: RsaPkcs1v15(Sha256), curve: None },
        Algorithm { name: "RS384", scheme: RsaPkcs1v15(Sha384), curve: None },
        Algorithm { name: "RS512", scheme: RsaPkcs1v15(Sha512), curve: None },
        Algorithm { name: "PS256", scheme: RsaPss(Sha256), curve: None },
        Algorithm { name: "PS384", scheme: RsaPss(Sha384), curve: None },
        Algorithm { name: "PS512", scheme: RsaPss(Sha512), curve: None },
        Algorithm { name: "ES256", scheme: Ecdsa(Sha256), curve: Some((Curve::P256, 32)) },
        Algorithm { name: "ES384", scheme: Ecdsa(Sha384), curve: Some((Curve::P384, 48)) },
        Algorithm { name: "ES512", scheme: Ecdsa(Sha512), curve: Some((Curve::P521, 66)) },
    ]
};

/// The smallest RSA key that RFC 7518, 3.3 allows, in bits; jose4j refuses smaller ones.
const MIN_RSA_BITS: usize = 2048;

/// Verifies the signature with the key of the first certificate in its header, which is the signer.
///
/// No chain is built: whether that certificate is somebody's is not said.
pub(super) fn verify(jws: &Jws<'_>, checks: &Budget, limits: &Limits) -> Result<Certificate, Fault> {
    if jws.has_critical {
        return Err(Fault::Unknown("the header asks for extensions that are not known here".to_owned()));
    }
    let Some(algorithm) = ALGORITHMS.iter().find(|algorithm| algorithm.name == jws.algorithm) else {
        return Err(match jws.algorithm.as_str() {
            "none" => Fault::Mismatch("it says that it is not signed".to_owned()),
            other => Fault::Unknown(format!("signatures by {other:?} are not verified here")),
        });
    };
    let Some(der) = jws.certificates.first() else {
        return Err(Fault::Unknown("it carries no certificate".to_owned()));
    };
    let signer = certificate(der, limits).map_err(Fault::Malformed)?;
    let parsed =
        x509::Certificate::parse(der, limits).map_err(|error| Fault::Malformed(error.to_string()))?;
    if !checks.take_check(parsed.public_key_info, limits) {
        return Err(Fault::Unknown("more signatures in marks than are checked in one file".to_owned()));
    }
    let key = crypto::certificate_key(parsed.public_key_info, limits)
        .map_err(|error| Fault::Malformed(error.to_string()))?;
    match (key.kind(), algorithm.curve) {
        (KeyKind::Rsa { bits, .. }, None) if bits < MIN_RSA_BITS => {
            return Err(Fault::Malformed(format!(
                "an RSA key of {bits} bits, at least {MIN_RSA_BITS} are asked for"
            )));
        }
        (KeyKind::Ec { curve }, Some((expected, _))) if curve != expected => {
            return Err(Fault::Malformed(format!(
                "{} with a key on curve {curve}, not {expected}",
                algorithm.name
            )));
        }
        _ => {}
    }
    let signature = match algorithm.curve {
        None => jws.signature.clone(),
        Some((_, len)) => der_signature(&jws.signature, len).ok_or_else(|| {
            Fault::Mismatch(format!("{} bytes of signature, not two times {len}", jws.signature.len()))
        })?,
    };
    match crypto::verify(&key, algorithm.scheme, jws.signed, &signature) {
        Ok(true) => Ok(signer),
        Ok(false) => Err(Fault::Mismatch(algorithm.name.to_owned())),
        Err(error) => Err(Fault::Mismatch(error.to_string())),
    }
}

/// Two numbers of `len` bytes as a DER sequence: how everything but JSON writes ECDSA signatures.
fn der_signature(signature: &[u8], len: usize) -> Option<Vec<u8>> {
    let (r, s) = signature.split_at_checked(len).filter(|(_, s)| s.len() == len)?;
    let mut body = Vec::new();
    for number in [r, s] {
        let start = number.iter().position(|octet| *octet != 0).unwrap_or(number.len());
        let digits = number.get(start..)?;
        let zero: &[u8] = if digits.first().is_none_or(|octet| *octet >= 0x80) { &[0] } else { &[] };
        body.extend([2, u8::try_from(digits.len() + zero.len()).ok()?]);
        body.extend_from_slice(zero);
        body.extend_from_slice(digits);
    }
    // Two numbers of 67 octets take 138: the longest form of length that is needed.
    let len = u8::try_from(body.len()).ok()?;
    let header: &[u8] = if len < 0x80 { &[0x30, len] } else { &[0x30, 0x81, len] };
    Some([header, &body].concat())
}

/// Says who signs and how, verified or not.
pub(super) fn describe(mark: &mut Mark, jws: &Jws<'_>, limits: &Limits) {
    mark.push("algorithm", jws.algorithm.clone());
    if let Some(Ok(signer)) = jws.certificates.first().map(|der| certificate(der, limits)) {
        mark.push("signer", signer.subject());
        mark.push("signer-sha256", signer.digest().to_string());
    }
}

impl Reading<'_> {
    /// A signature that a profile knows to be there, over its own payload.
    pub(super) fn profiled_jws(&self, mark: &mut Mark, content: Content<'_>) -> Result<(), Stop> {
        let Some(value) = self.whole_signed(mark, content)? else { return Ok(()) };
        let jws = match Jws::parse(&value) {
            Ok(jws) => jws,
            Err(error) => {
                mark.malformed(FindingCode::MarkMalformed, error.to_string());
                return Ok(());
            }
        };
        describe(mark, &jws, self.limits());
        mark.push("payload", String::from_utf8_lossy(&jws.payload));
        match verify(&jws, &self.checks, self.limits()) {
            Ok(signer) => mark.verified(Coverage::OwnContent, vec![signer]),
            Err(Fault::Unknown(reason)) => mark.present(reason),
            Err(Fault::Malformed(detail)) => mark.malformed(FindingCode::MarkMalformed, detail),
            Err(Fault::Mismatch(detail)) => mark.malformed(FindingCode::MarkSignatureMismatch, detail),
        }
        Ok(())
    }

    /// The whole content of a mark that carries a signature. One that is too large is not looked at, and says so.
    pub(super) fn whole_signed(
        &self,
        mark: &mut Mark,
        content: Content<'_>,
    ) -> Result<Option<Vec<u8>>, Stop> {
        let limit = self.limits().mark;
        let value = self.whole(content, limit)?;
        if value.is_none() {
            mark.present(format!(
                "larger than the {limit} bytes that are read of a mark, or one mark too many"
            ));
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_numbers_become_der() {
        let der = |bytes: &[u8], len| der_signature(bytes, len);
        assert_eq!(der(&[0, 1, 0x80, 2], 2), Some(vec![0x30, 8, 2, 1, 1, 2, 3, 0, 0x80, 2]));
        assert_eq!(der(&[0, 0], 1), Some(vec![0x30, 6, 2, 1, 0, 2, 1, 0]));
        let long = der(&[0xff; 132], 66).unwrap();
        assert_eq!((&long[..4], long.len()), (&[0x30, 0x81, 138, 2][..], 141));
        assert_eq!(der(&[1; 3], 2), None);
        assert_eq!(der(&[1; 5], 2), None);
    }
}
