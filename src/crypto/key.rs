//! Public keys: from the bytes of a SubjectPublicKeyInfo to something that can check signatures.
//!
//! Reads distinguished encodings alone, as BoringSSL does, and refuses every key that no Android accepts or with
//! which anyone could sign, before any arithmetic on it. One exception is mended on request: the RSA modulus written
//! as a negative number.

use std::fmt;

use rsa::BoxedUint;
use rsa::pkcs8::der;
use rsa::pkcs8::der::Decode as _;
use rsa::pkcs8::der::Encode as _;
use rsa::pkcs8::der::Reader as _;
use rsa::pkcs8::der::Tag;
use rsa::pkcs8::der::Tagged as _;
use rsa::pkcs8::der::asn1::AnyRef;
use rsa::pkcs8::der::asn1::BitStringRef;
use rsa::pkcs8::der::asn1::ObjectIdentifier;
use rsa::pkcs8::spki::SubjectPublicKeyInfoRef;

use super::algorithm::KeyType;
use super::dsa::DsaKey;
use super::dsa::DsaNumbers;
use super::ml_dsa::MlDsaKey;
use super::ml_dsa::MlDsaParameterSet;
use crate::limits::Limits;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ID_DSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10040.4.1");
const ID_EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
// RFC 9881, 2.
const ID_ML_DSA_44: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17");
const ID_ML_DSA_65: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18");
const ID_ML_DSA_87: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19");

/// The smallest RSA modulus that BoringSSL takes, in bits.
const MIN_RSA_BITS: usize = 512;
/// The largest RSA exponent that BoringSSL takes, in bits.
const MAX_RSA_EXPONENT_BITS: usize = 33;

/// Why a public key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not a SubjectPublicKeyInfo in its distinguished encoding.
    #[error("malformed public key: {0}")]
    Malformed(String),
    /// An algorithm, by its object identifier, that APK signatures do not use.
    #[error("public key algorithm {0} is not supported")]
    UnsupportedAlgorithm(String),
    /// A curve other than P-256, P-384 and P-521, or one that is not named.
    #[error("{0} is not a supported curve, only P-256, P-384 and P-521 by name are")]
    UnsupportedCurve(String),
    /// Not the uncompressed form of a point on the curve.
    #[error("not an uncompressed point on curve {0}")]
    Point(Curve),
    /// An RSA modulus written as a negative number; see [`normalise_rsa_spki`].
    #[error("the RSA modulus is written as a negative number")]
    NegativeModulus,
    /// RSA numbers that Android refuses.
    #[error("unusable RSA key: {0}")]
    Rsa(String),
    /// DSA numbers that Android refuses.
    #[error("unusable DSA key: {0}")]
    Dsa(String),
    /// An ML-DSA key of another length, or with parameters beside its algorithm.
    #[error("unusable ML-DSA key: {0}")]
    MlDsa(String),
}

impl From<der::Error> for KeyError {
    fn from(error: der::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// An elliptic curve that Android and the JDK know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Curve {
    /// NIST P-256, secp256r1.
    P256,
    /// NIST P-384, secp384r1.
    P384,
    /// NIST P-521, secp521r1.
    P521,
}

impl Curve {
    /// The name of FIPS 186: `P-256`.
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    /// Size of the order in bits.
    pub fn bits(self) -> usize {
        match self {
            Self::P256 => 256,
            Self::P384 => 384,
            Self::P521 => 521,
        }
    }

    fn from_oid(oid: ObjectIdentifier) -> Option<Self> {
        // RFC 5480, 2.1.1.1.
        const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
        const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
        const SECP521R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
        match oid {
            SECP256R1 => Some(Self::P256),
            SECP384R1 => Some(Self::P384),
            SECP521R1 => Some(Self::P521),
            _ => None,
        }
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What kind of key it is, for findings and policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// An RSA key.
    Rsa {
        /// Size of the modulus in bits.
        bits: usize,
        /// The public exponent: odd, greater than 1, at most 33 bits.
        exponent: u64,
    },
    /// A DSA key.
    Dsa {
        /// Size of p in bits.
        bits: usize,
        /// Size of q in bits.
        subgroup_bits: usize,
    },
    /// A key on an elliptic curve.
    Ec {
        /// The curve.
        curve: Curve,
    },
    /// An ML-DSA key.
    MlDsa {
        /// The parameter set.
        parameter_set: MlDsaParameterSet,
    },
}

/// A public key that signatures can be checked with, as often as needed.
#[derive(Clone, Debug)]
pub struct PublicKey {
    pub(super) inner: Inner,
}

#[derive(Clone, Debug)]
pub(super) enum Inner {
    Rsa(RsaKey),
    Dsa(Box<DsaKey>),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
    MlDsa(MlDsaKey),
}

/// An RSA key in numbers that both libraries take: big-endian, without leading zeros.
#[derive(Clone, Debug)]
pub(super) struct RsaKey {
    pub(super) modulus: Vec<u8>,
    pub(super) exponent: Vec<u8>,
    pub(super) bits: usize,
}

impl PublicKey {
    /// Reads a key from the DER encoding of a SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// An encoding that is not the distinguished one, an algorithm or curve that APK signatures do not use, and
    /// numbers that Android refuses:
    /// - RSA modulus smaller than 512 bits, larger than `limits` or even; exponent even, 1 or longer than 33 bits;
    /// - DSA without parameters, p larger than `limits`, numbers out of range, g or y outside of the subgroup;
    /// - points that are compressed, at infinity or off their curve;
    /// - ML-DSA keys with parameters, or of another length than their parameter set says.
    ///
    /// Source: RFC 3279 §2.3, RFC 5480, RFC 9881 §2 and §4; BoringSSL `EVP_parse_public_key`, `rsa_check_public_key`.
    pub fn from_spki(spki: &[u8], limits: &Limits) -> Result<Self, KeyError> {
        let spki = SubjectPublicKeyInfoRef::from_der(spki)?;
        let key = key_bytes(&spki)?;
        let parameters = spki.algorithm.parameters;
        let inner = match spki.algorithm.oid {
            RSA_ENCRYPTION => Inner::Rsa(read_rsa(parameters, key, limits)?),
            ID_DSA => Inner::Dsa(Box::new(read_dsa(parameters, key, limits)?.check()?)),
            ID_EC_PUBLIC_KEY => read_ec(parameters, key)?,
            ID_ML_DSA_44 => Inner::MlDsa(read_ml_dsa(MlDsaParameterSet::MlDsa44, parameters, key)?),
            ID_ML_DSA_65 => Inner::MlDsa(read_ml_dsa(MlDsaParameterSet::MlDsa65, parameters, key)?),
            ID_ML_DSA_87 => Inner::MlDsa(read_ml_dsa(MlDsaParameterSet::MlDsa87, parameters, key)?),
            oid => return Err(KeyError::UnsupportedAlgorithm(oid.to_string())),
        };
        Ok(Self { inner })
    }

    /// Kind and size.
    pub fn kind(&self) -> KeyKind {
        match &self.inner {
            Inner::Rsa(key) => KeyKind::Rsa {
                bits: key.bits,
                exponent: key.exponent.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)),
            },
            Inner::Dsa(key) => KeyKind::Dsa { bits: key.bits(), subgroup_bits: key.subgroup_bits() },
            Inner::P256(_) => KeyKind::Ec { curve: Curve::P256 },
            Inner::P384(_) => KeyKind::Ec { curve: Curve::P384 },
            Inner::P521(_) => KeyKind::Ec { curve: Curve::P521 },
            Inner::MlDsa(key) => KeyKind::MlDsa { parameter_set: key.parameter_set },
        }
    }

    /// The modulus of an RSA key: big-endian, without leading zeros.
    pub fn rsa_modulus(&self) -> Option<&[u8]> {
        match &self.inner {
            Inner::Rsa(key) => Some(&key.modulus),
            _ => None,
        }
    }

    /// What the key is made for.
    pub fn key_type(&self) -> KeyType {
        self.kind().key_type()
    }

    /// The algorithm as apksigner prints it, `RSA`, `EC`, `DSA`; of ML-DSA with the parameter set, `ML-DSA-65`.
    pub fn algorithm_name(&self) -> &'static str {
        self.kind().algorithm_name()
    }

    /// The key size as apksigner prints it, in bits: of the RSA modulus, of the DSA modulus, of the curve's order. Of an
    /// ML-DSA key, for which apksigner has none, the length of its encoding.
    pub fn bits(&self) -> usize {
        self.kind().bits()
    }
}

impl KeyKind {
    /// What key a certificate holds, without the arithmetic that tells whether it can be used: a DSA key whose numbers do
    /// not fit together has a kind all the same. As [`certificate_key`], it takes a modulus written as a negative number.
    ///
    /// # Errors
    /// As [`PublicKey::from_spki`], but for the subgroup of DSA.
    pub fn of_certificate(spki: &[u8], limits: &Limits) -> Result<Self, KeyError> {
        if let Some(kind) = dsa_kind(spki, limits)? {
            return Ok(kind);
        }
        Ok(certificate_key(spki, limits)?.kind())
    }

    /// What the key is made for.
    pub fn key_type(self) -> KeyType {
        match self {
            Self::Rsa { .. } => KeyType::Rsa,
            Self::Dsa { .. } => KeyType::Dsa,
            Self::Ec { .. } => KeyType::Ec,
            Self::MlDsa { .. } => KeyType::MlDsa,
        }
    }

    /// The algorithm, see [`PublicKey::algorithm_name`].
    pub fn algorithm_name(self) -> &'static str {
        match self {
            Self::MlDsa { parameter_set } => parameter_set.name(),
            _ => self.key_type().name(),
        }
    }

    /// The key size, see [`PublicKey::bits`].
    pub fn bits(self) -> usize {
        match self {
            Self::Rsa { bits, .. } | Self::Dsa { bits, .. } => bits,
            Self::Ec { curve } => curve.bits(),
            Self::MlDsa { parameter_set } => parameter_set.public_key_len() * 8,
        }
    }

    /// What one signature check with such a key costs, in checks with a common key: RSA of up to 4096 bits or P-256.
    /// Reading a DSA key costs the same once more.
    ///
    /// Proportional to measured times, about 0.3 ms each, so that a budget of checks is one of time.
    pub fn cost(self) -> u64 {
        // Multiplication of long numbers takes the square of their length.
        let squared = |bits: usize, unit: usize| {
            let bits = u64::try_from(bits).unwrap_or(u64::MAX);
            let unit = u64::try_from(unit).unwrap_or(u64::MAX);
            bits.saturating_mul(bits).div_ceil(unit.saturating_mul(unit))
        };
        match self {
            Self::Rsa { bits, .. } => squared(bits, 4096),
            Self::Dsa { bits, .. } => squared(bits, 1024),
            Self::Ec { curve: Curve::P256 } | Self::MlDsa { .. } => 1,
            Self::Ec { curve: Curve::P384 | Curve::P521 } => 3,
        }
    }
}

/// Reads the key of a certificate, whose RSA modulus may be written as a negative number.
///
/// # Errors
/// As [`PublicKey::from_spki`].
pub fn certificate_key(spki: &[u8], limits: &Limits) -> Result<PublicKey, KeyError> {
    match normalise_rsa_spki(spki) {
        Some(normalised) => PublicKey::from_spki(&normalised, limits),
        None => PublicKey::from_spki(spki, limits),
    }
}

/// What reading the key costs, in the unit of [`KeyKind::cost`]: nothing but for DSA, where it takes arithmetic.
pub fn reading_cost(spki: &[u8], limits: &Limits) -> u64 {
    match dsa_kind(spki, limits) {
        Ok(Some(kind)) => kind.cost(),
        Ok(None) | Err(_) => 0,
    }
}

/// The kind of a DSA key, without arithmetic; `None` for another key.
fn dsa_kind(spki: &[u8], limits: &Limits) -> Result<Option<KeyKind>, KeyError> {
    let spki = SubjectPublicKeyInfoRef::from_der(spki)?;
    if spki.algorithm.oid != ID_DSA {
        return Ok(None);
    }
    let numbers = read_dsa(spki.algorithm.parameters, key_bytes(&spki)?, limits)?;
    Ok(Some(KeyKind::Dsa { bits: numbers.bits(), subgroup_bits: numbers.subgroup_bits() }))
}

/// Encodes an RSA key anew when its modulus is written as a negative number: with a zero byte in front.
///
/// `None` when there is nothing to mend. Java reads such a modulus as positive, and apksig compares the key of a
/// certificate with the one of a signer in this form.
///
/// Source: apksig `ApkSigningBlockUtils.encodePublicKey`.
pub fn normalise_rsa_spki(spki: &[u8]) -> Option<Vec<u8>> {
    let spki = SubjectPublicKeyInfoRef::from_der(spki).ok()?;
    if spki.algorithm.oid != RSA_ENCRYPTION {
        return None;
    }
    let [modulus, exponent] = integers(key_bytes(&spki).ok()?).ok()?;
    if modulus.first()? & 0x80 == 0 {
        return None;
    }
    let modulus = [&[0], modulus].concat();
    let numbers = [
        AnyRef::new(Tag::Integer, &modulus).ok()?.to_der().ok()?,
        AnyRef::new(Tag::Integer, exponent).ok()?.to_der().ok()?,
    ]
    .concat();
    let key = AnyRef::new(Tag::Sequence, &numbers).ok()?.to_der().ok()?;
    let subject_public_key = BitStringRef::from_bytes(&key).ok()?;
    SubjectPublicKeyInfoRef { algorithm: spki.algorithm, subject_public_key }.to_der().ok()
}

fn read_rsa(parameters: Option<AnyRef<'_>>, key: &[u8], limits: &Limits) -> Result<RsaKey, KeyError> {
    // RFC 3279, 2.3.1: the parameters must be there, and be NULL. BoringSSL holds keys to that.
    if parameters.is_none_or(|parameters| parameters.tag() != Tag::Null || !parameters.value().is_empty()) {
        return Err(KeyError::Malformed("RSA parameters are not NULL".to_owned()));
    }
    let [modulus, exponent] = integers(key)?;
    if modulus.first().is_some_and(|first| first & 0x80 != 0) {
        return Err(KeyError::NegativeModulus);
    }
    let modulus = positive(modulus)?;
    let exponent = positive(exponent)?;

    let bits = bit_length(modulus);
    if !(MIN_RSA_BITS..=limits.rsa_bits).contains(&bits) {
        return Err(KeyError::Rsa(format!(
            "modulus has {bits} bits, from {MIN_RSA_BITS} to {} are accepted",
            limits.rsa_bits
        )));
    }
    if !is_odd(modulus) {
        return Err(KeyError::Rsa("modulus is even".to_owned()));
    }
    let exponent_bits = bit_length(exponent);
    if exponent_bits > MAX_RSA_EXPONENT_BITS {
        return Err(KeyError::Rsa(format!(
            "exponent has {exponent_bits} bits, at most {MAX_RSA_EXPONENT_BITS} are accepted"
        )));
    }
    if !is_odd(exponent) {
        return Err(KeyError::Rsa("exponent is even".to_owned()));
    }
    if exponent_bits < 2 {
        return Err(KeyError::Rsa("exponent is 1, so anyone can sign".to_owned()));
    }
    Ok(RsaKey { modulus: modulus.to_vec(), exponent: exponent.to_vec(), bits })
}

impl RsaKey {
    /// The key in the form of the `rsa` crate, for what `ring` does not cover.
    pub(super) fn to_rust_crypto(&self) -> Option<rsa::PublicKey> {
        let number = BoxedUint::from_be_slice_vartime;
        // Sizes were checked against the limits when the key was read.
        rsa::PublicKey::new_with_size_limits(number(&self.modulus), number(&self.exponent), 1..=self.bits)
            .ok()
    }
}

fn read_dsa<'a>(
    parameters: Option<AnyRef<'a>>,
    key: &'a [u8],
    limits: &Limits,
) -> Result<DsaNumbers<'a>, KeyError> {
    let Some(parameters) = parameters.filter(|parameters| parameters.tag() != Tag::Null) else {
        return Err(KeyError::Dsa("parameters are missing".to_owned()));
    };
    let [p, q, g] = integers_inside(parameters)?.map(positive);
    let y = AnyRef::from_der(key)?;
    y.tag().assert_eq(Tag::Integer)?;
    DsaNumbers::new([p?, q?, g?], positive(y.value())?, limits.dsa_bits)
}

fn read_ec(parameters: Option<AnyRef<'_>>, point: &[u8]) -> Result<Inner, KeyError> {
    let oid = match parameters {
        None => return Err(KeyError::UnsupportedCurve("a curve without a name".to_owned())),
        Some(parameters) if parameters.tag() != Tag::ObjectIdentifier => {
            return Err(KeyError::UnsupportedCurve("a curve given by its parameters".to_owned()));
        }
        Some(parameters) => parameters.decode_as::<ObjectIdentifier>()?,
    };
    let curve = Curve::from_oid(oid).ok_or_else(|| KeyError::UnsupportedCurve(oid.to_string()))?;
    // SEC 1, 2.3.3: 4 stands for uncompressed.
    if point.first() != Some(&4) {
        return Err(KeyError::Point(curve));
    }
    match curve {
        Curve::P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(point).map(Inner::P256).ok(),
        Curve::P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(point).map(Inner::P384).ok(),
        Curve::P521 => p521::ecdsa::VerifyingKey::from_sec1_bytes(point).map(Inner::P521).ok(),
    }
    .ok_or(KeyError::Point(curve))
}

fn read_ml_dsa(
    parameter_set: MlDsaParameterSet,
    parameters: Option<AnyRef<'_>>,
    key: &[u8],
) -> Result<MlDsaKey, KeyError> {
    if parameters.is_some() {
        return Err(KeyError::MlDsa(format!("{} has no parameters", parameter_set.name())));
    }
    MlDsaKey::new(parameter_set, key).ok_or_else(|| {
        KeyError::MlDsa(format!(
            "{} bytes, expected {} for {}",
            key.len(),
            parameter_set.public_key_len(),
            parameter_set.name()
        ))
    })
}

fn key_bytes<'a>(spki: &SubjectPublicKeyInfoRef<'a>) -> Result<&'a [u8], KeyError> {
    spki.subject_public_key
        .as_bytes()
        .ok_or_else(|| KeyError::Malformed("the key does not end with a whole byte".to_owned()))
}

/// The contents of the INTEGERs that a SEQUENCE consists of.
fn integers<const N: usize>(sequence: &[u8]) -> Result<[&[u8]; N], der::Error> {
    integers_inside(AnyRef::from_der(sequence)?)
}

fn integers_inside<const N: usize>(sequence: AnyRef<'_>) -> Result<[&[u8]; N], der::Error> {
    let mut numbers = [[].as_slice(); N];
    sequence.sequence(|reader| {
        for number in &mut numbers {
            let element = reader.decode::<AnyRef<'_>>()?;
            element.tag().assert_eq(Tag::Integer)?;
            *number = element.value();
        }
        der::Result::Ok(())
    })?;
    Ok(numbers)
}

/// The value of a positive INTEGER without leading zeros, from its contents.
fn positive(contents: &[u8]) -> Result<&[u8], KeyError> {
    match contents {
        [] => Err(KeyError::Malformed("an INTEGER is empty".to_owned())),
        [0x80..=0xff, ..] => Err(KeyError::Malformed("an INTEGER is negative".to_owned())),
        [0, 0..=0x7f, ..] => Err(KeyError::Malformed("an INTEGER has a leading zero too many".to_owned())),
        [0, rest @ ..] | rest => Ok(rest),
    }
}

/// Bits of a big-endian number without leading zeros.
pub(super) fn bit_length(bytes: &[u8]) -> usize {
    bytes.first().map_or(0, |first| bytes.len() * 8 - to_usize(first.leading_zeros()))
}

fn is_odd(bytes: &[u8]) -> bool {
    bytes.last().is_some_and(|last| last & 1 == 1)
}

/// A big-endian number in decimal digits.
pub fn decimal(number: &[u8]) -> String {
    BoxedUint::from_be_slice_vartime(number).to_string_radix_vartime(10)
}

fn to_usize(bits: u32) -> usize {
    usize::try_from(bits).unwrap_or(usize::MAX)
}
