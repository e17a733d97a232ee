//! Certificates as identities: parsed once a file, whichever schemes name them, and not again in the next file by the same
//! signer.

mod recent;

use std::cell::Cell;
use std::cell::RefCell;
use std::collections::HashMap;

use crate::Limits;
use crate::apk::Stop;
use crate::apk::too_large;
use crate::crypto;
use crate::crypto::KeyKind;
use crate::format::ParseError;
use crate::format::ParseErrorKind;
use crate::format::x509;
use crate::identity::Certificate;
use crate::identity::CertificateDigest;
use crate::identity::KeyFacts;
use crate::identity::PrintedDigests;
use crate::limits::Cap;

/// The certificates of one file.
#[derive(Debug, Default)]
pub(crate) struct Certificates {
    seen: RefCell<HashMap<CertificateDigest, Certificate>>,
    /// Size in bytes of all that were seen, and of the one that was too much.
    size: Cell<u64>,
}

impl Certificates {
    /// The identity of the certificate in `der`, which must parse. No arithmetic is done with its key.
    ///
    /// # Errors
    /// What is wrong with the encoding. Also when there are more bytes of certificates than the limit; then
    /// [`Certificates::check`] stops the work.
    pub(super) fn identify(&self, der: &[u8], limits: &Limits) -> Result<Certificate, ParseError> {
        if let Some(recent) = recent::find(der, limits) {
            return self.counted(recent.digest(), der, limits, || Ok(recent));
        }
        let digests = printed_digests(der);
        self.counted(CertificateDigest(digests.sha256), der, limits, || {
            let certificate = identify_digested(der, digests, limits)?;
            recent::keep(&certificate, limits);
            Ok(certificate)
        })
    }

    /// The certificate in `der`, whose SHA-256 is `identity`: the one that this file had already, or what `make` makes of
    /// it, which then counts towards the limit.
    fn counted(
        &self,
        identity: CertificateDigest,
        der: &[u8],
        limits: &Limits,
        make: impl FnOnce() -> Result<Certificate, ParseError>,
    ) -> Result<Certificate, ParseError> {
        if let Some(known) = self.seen.borrow().get(&identity) {
            return Ok(known.clone());
        }
        let size = self.size.get().saturating_add(der.len() as u64);
        self.size.set(size);
        if size > limits.certificates {
            let kind = ParseErrorKind::TooLarge { what: WHAT, size, limit: limits.certificates };
            return Err(ParseError { structure: "certificate", offset: 0, kind });
        }
        let certificate = make()?;
        self.seen.borrow_mut().insert(identity, certificate.clone());
        Ok(certificate)
    }

    /// Stops the work once there were more bytes of certificates than the limit.
    ///
    /// # Errors
    /// [`Stop::Malformed`] with the one finding.
    pub(crate) fn check(&self, limits: &Limits) -> Result<(), Stop> {
        let size = self.size.get();
        let cap = Cap::new("certificates", limits.certificates);
        if size > cap.most { Err(too_large(WHAT, size, cap)) } else { Ok(()) }
    }
}

/// What the limit is about.
const WHAT: &str = "all certificates together";

/// The identity of the certificate in `der`, which must parse. No arithmetic is done with its key.
///
/// # Errors
/// What is wrong with the encoding.
pub(crate) fn identify(der: &[u8], limits: &Limits) -> Result<Certificate, ParseError> {
    identify_digested(der, printed_digests(der), limits)
}

fn identify_digested(
    der: &[u8],
    digests: PrintedDigests,
    limits: &Limits,
) -> Result<Certificate, ParseError> {
    let parsed = x509::Certificate::parse(der, limits)?;
    Ok(Certificate::new(
        der.to_vec(),
        digests,
        key_facts(parsed.public_key_info, limits),
        x509::distinguished_name(parsed.subject, limits),
    ))
}

fn printed_digests(bytes: &[u8]) -> PrintedDigests {
    PrintedDigests { sha256: crypto::sha256(bytes), sha1: crypto::sha1(bytes), md5: crypto::md5(bytes) }
}

fn key_facts(spki: &[u8], limits: &Limits) -> KeyFacts {
    let normalised = crypto::normalise_rsa_spki(spki);
    let spki_sha256 = crypto::sha256(normalised.as_deref().unwrap_or(spki));
    let (algorithm, bits) = match KeyKind::of_certificate(spki, limits) {
        Ok(kind) => (kind.algorithm_name(), kind.bits()),
        Err(_) => ("unusable", 0),
    };
    KeyFacts { algorithm: algorithm.to_owned(), bits, digests: printed_digests(spki), spki_sha256 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of `testdata/keys/rsa-2048.x509.der`, and the same one with its modulus written as a negative number.
    fn spellings() -> (Vec<u8>, Vec<u8>) {
        let der = include_bytes!("../../testdata/keys/rsa-2048.x509.der");
        let spki = x509::Certificate::parse(der, &Limits::default()).unwrap().public_key_info.to_vec();
        let modulus = spki.windows(5).position(|bytes| bytes == [0x02, 0x82, 0x01, 0x01, 0]).unwrap();
        let mut negative = spki.clone();
        negative.remove(modulus + 4);
        negative[modulus + 2..modulus + 4].copy_from_slice(&256_u16.to_be_bytes());
        // The lengths of the sequence around the numbers, of the bit string, and of the whole.
        for low_byte in [modulus - 1, modulus - 6, 3] {
            negative[low_byte] -= 1;
        }
        (spki, negative)
    }

    #[test]
    fn post_quantum_keys_are_told_by_their_own_algorithm() {
        let facts = |der: &[u8]| {
            let parsed = x509::Certificate::parse(der, &Limits::default()).unwrap();
            key_facts(parsed.public_key_info, &Limits::default())
        };
        // These certificates are signed with ECDSA; that tells nothing.
        for (der, algorithm, bits) in [
            (&include_bytes!("../../testdata/keys/ml-dsa-44.x509.der")[..], "ML-DSA-44", 10_496),
            (include_bytes!("../../testdata/keys/ml-dsa-65.x509.der"), "ML-DSA-65", 15_616),
            (include_bytes!("../../testdata/keys/ml-dsa-87.x509.der"), "ML-DSA-87", 20_736),
        ] {
            let facts = facts(der);
            assert_eq!((facts.algorithm.as_str(), facts.bits), (algorithm, bits));
            assert!(facts.is_post_quantum());
        }
        assert!(!facts(include_bytes!("../../testdata/keys/ec-p256.x509.der")).is_post_quantum());
    }

    #[test]
    fn a_post_quantum_key_has_no_parameters_and_one_length() {
        let der = include_bytes!("../../testdata/keys/ml-dsa-65.x509.der");
        let parsed = x509::Certificate::parse(der, &Limits::default()).unwrap();
        let spki = parsed.public_key_info;
        assert_eq!(spki[..6], [0x30, 0x82, 0x07, 0xb2, 0x30, 0x0b]);
        assert!(crypto::certificate_key(spki, &Limits::default()).is_ok());
        let algorithm = &spki[6..17];
        let key = &spki[17..];
        let with = |algorithm: &[u8], key: &[u8]| {
            let content = [&[0x30, u8::try_from(algorithm.len()).unwrap()], algorithm, key].concat();
            let len = u16::try_from(content.len()).unwrap().to_be_bytes();
            let spki = [&[0x30, 0x82][..], &len, &content].concat();
            crypto::certificate_key(&spki, &Limits::default()).map(|key| key.algorithm_name())
        };
        assert_eq!(with(algorithm, key), Ok("ML-DSA-65"));
        assert!(with(&[algorithm, &[5, 0]].concat(), key).is_err(), "NULL is a parameter, too");
        let short = [&[3, 0x82, 0x07, 0xa0][..], &key[4..key.len() - 1]].concat();
        assert!(with(algorithm, &short).is_err());
        let larger = [&algorithm[..algorithm.len() - 1], &[0x13]].concat();
        assert!(with(&larger, key).is_err(), "the length is that of another parameter set");
    }

    #[test]
    fn a_key_is_printed_as_it_is_spelled_and_looked_up_as_what_it_is() {
        let (spki, negative) = spellings();
        let (plain, odd) = (key_facts(&spki, &Limits::default()), key_facts(&negative, &Limits::default()));
        assert_eq!((odd.algorithm.as_str(), odd.bits), ("RSA", 2048));
        assert_eq!(odd.digests.sha256, crypto::sha256(&negative));
        assert_eq!(odd.spki_sha256, plain.digests.sha256);
        assert_ne!(odd.digests, plain.digests);
    }

    #[test]
    fn certificates_are_kept_once_and_up_to_their_limit() {
        let [a, b] = [
            &include_bytes!("../../testdata/keys/ec-p256.x509.der")[..],
            include_bytes!("../../testdata/keys/ec-p384.x509.der"),
        ];
        let limits = Limits { certificates: a.len() as u64, ..Limits::default() };
        let certificates = Certificates::default();
        for _ in 0..3 {
            assert_eq!(certificates.identify(a, &limits).unwrap().der(), a);
        }
        assert!(certificates.check(&limits).is_ok());
        assert!(certificates.identify(b, &limits).is_err());
        assert!(certificates.identify(a, &limits).is_ok(), "the one that is known");
        let Err(Stop::Malformed(finding)) = certificates.check(&limits) else { panic!("not stopped") };
        assert_eq!(finding.code, crate::finding::FindingCode::LimitExceeded);
    }
}
