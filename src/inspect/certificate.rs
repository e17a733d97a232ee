//! A certificate and its key in full, for people and for look-ups. Nothing is decided by it.

use crate::Limits;
use crate::crypto;
use crate::crypto::KeyKind;
use crate::crypto::PublicKey;
use crate::format::x509;
use crate::identity::Certificate;

/// What a certificate says of itself, beyond its digests. All of it is self-asserted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateDetails {
    /// The issuer, spelled as apksigner spells names.
    pub issuer: String,
    /// Whether issuer and subject are the same name.
    pub self_issued: bool,
    /// The octets of the serial number, in lower-case hexadecimal.
    pub serial: String,
    /// Start of validity, Unix seconds. Android does not look at it.
    pub not_before: i64,
    /// End of validity, Unix seconds. Android does not look at it.
    pub not_after: i64,
    /// With what the issuer signed: a name such as `sha256WithRSAEncryption`, or dotted numbers.
    pub signature_algorithm: String,
    /// The key; none when it cannot be used.
    pub key: Option<KeyDetails>,
    /// Whether the subject is that of the debug certificates that Android's build tools make.
    pub debug: bool,
}

/// A public key in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyDetails {
    /// RSA.
    Rsa {
        /// The modulus: big-endian, without leading zeros.
        modulus: Vec<u8>,
        /// The modulus in decimal, as filing systems ask for it.
        modulus_decimal: String,
        /// The public exponent.
        exponent: u64,
    },
    /// A key on a named curve: `P-256`.
    Ec {
        /// The name of the curve in FIPS 186.
        curve: &'static str,
    },
    /// Another kind, of which the size says enough.
    Other,
}

impl CertificateDetails {
    /// Reads the details of `certificate`.
    pub fn of(certificate: &Certificate, limits: &Limits) -> Self {
        let described = x509::describe(certificate.der(), limits);
        let parsed = x509::Certificate::parse(certificate.der(), limits).ok();
        let key = parsed
            .as_ref()
            .and_then(|parsed| crypto::certificate_key(parsed.public_key_info, limits).ok())
            .map(|key| KeyDetails::of(&key));
        let debug =
            parsed.as_ref().is_some_and(|parsed| x509::is_android_debug_subject(parsed.subject, limits));
        let self_issued =
            parsed.as_ref().is_some_and(|parsed| x509::names_equal(parsed.subject, parsed.issuer, limits));
        match described {
            Some(described) => Self {
                issuer: described.issuer,
                self_issued,
                serial: described.serial_hex,
                not_before: described.not_before,
                not_after: described.not_after,
                signature_algorithm: described.signature_algorithm,
                key,
                debug,
            },
            // Certificates are parsed before they get here.
            None => Self {
                issuer: String::new(),
                self_issued,
                serial: String::new(),
                not_before: 0,
                not_after: 0,
                signature_algorithm: String::new(),
                key,
                debug,
            },
        }
    }
}

impl KeyDetails {
    fn of(key: &PublicKey) -> Self {
        match (key.kind(), key.rsa_modulus()) {
            (KeyKind::Rsa { exponent, .. }, Some(modulus)) => {
                Self::Rsa { modulus: modulus.to_vec(), modulus_decimal: crypto::decimal(modulus), exponent }
            }
            (KeyKind::Ec { curve }, _) => Self::Ec { curve: curve.name() },
            _ => Self::Other,
        }
    }
}
