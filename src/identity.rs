//! Who a signer is: certificates as raw bytes, their digests, and lineages.
//!
//! The identity of a signer is the SHA-256 of the certificate exactly as the file carries it. Names in it are for
//! people and prove nothing.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

/// SHA-256 of a DER certificate: the identity that is compared.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CertificateDigest(pub [u8; 32]);

impl fmt::Display for CertificateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        HEXLOWER.encode_display(&self.0).fmt(f)
    }
}

impl fmt::Debug for CertificateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a text that should be a certificate digest is instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected the SHA-256 of a certificate (64 hexadecimal digits, colons allowed), found {found:?}{hint}"
)]
pub struct DigestTextError {
    found: String,
    hint: &'static str,
}

impl FromStr for CertificateDigest {
    type Err = DigestTextError;

    /// Reads any usual spelling: upper or lower case, with or without colons or blanks, behind `SHA256:`,
    /// `0x`, or what OpenSSL writes, `sha256 Fingerprint=`.
    fn from_str(text: &str) -> Result<Self, DigestTextError> {
        let plain = text.trim();
        let upper = plain.to_ascii_uppercase();
        let plain = ["SHA-256:", "SHA256:", "SHA-256 FINGERPRINT=", "SHA256 FINGERPRINT=", "0X"]
            .iter()
            .find_map(|prefix| upper.strip_prefix(prefix))
            .unwrap_or(&upper);
        let digits: Vec<u8> = plain.bytes().filter(|byte| !matches!(byte, b':' | b' ' | b'-')).collect();
        let hint = match digits.len() {
            32 => "; that is the length of an MD5 digest",
            40 => "; that is the length of a SHA-1 digest",
            64 => "; not all of these are hexadecimal digits",
            _ => "",
        };
        let error = || DigestTextError { found: text.to_owned(), hint };
        let mut digest = [0; 32];
        // `from_str_radix` would take a sign for a digit.
        if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(error());
        }
        for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| error())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| error())?;
        }
        Ok(Self(digest))
    }
}

impl Serialize for CertificateDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CertificateDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// SHA-256 of a whole file: names these very bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileDigest(pub [u8; 32]);

impl fmt::Display for FileDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        CertificateDigest(self.0).fmt(f)
    }
}

impl fmt::Debug for FileDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for FileDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a text that should be the digest of a file is instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected the SHA-256 of a file (64 hexadecimal digits), found {found:?}")]
pub struct FileDigestTextError {
    found: String,
}

impl FromStr for FileDigest {
    type Err = FileDigestTextError;

    /// Reads the spellings that [`CertificateDigest`] reads.
    fn from_str(text: &str) -> Result<Self, FileDigestTextError> {
        let digest: Result<CertificateDigest, _> = text.parse();
        digest.map(|digest| Self(digest.0)).map_err(|_| FileDigestTextError { found: text.to_owned() })
    }
}

/// Digests that people print and look up by. Only SHA-256 identifies.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrintedDigests {
    /// SHA-256.
    pub sha256: [u8; 32],
    /// SHA-1.
    pub sha1: [u8; 20],
    /// MD5.
    pub md5: [u8; 16],
}

/// A public key as its certificate carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyFacts {
    /// `RSA`, `EC`, `DSA`, `ML-DSA-65` and its like; `unusable` when the key cannot be read.
    pub algorithm: String,
    /// RSA: modulus; DSA: p; EC: order of the curve; ML-DSA: the encoded key; 0 when the key cannot be read. In bits.
    pub bits: usize,
    /// Digests of the X.509 `SubjectPublicKeyInfo` as it stands in the certificate, as apksigner prints them.
    pub digests: PrintedDigests,
    /// SHA-256 of the `SubjectPublicKeyInfo`, an RSA modulus that is written as negative put right: the same for one
    /// key in every spelling that Android accepts. This is what is looked up.
    pub spki_sha256: [u8; 32],
}

impl KeyFacts {
    /// Whether it is a post-quantum key. This decides which half of a v3.2 signature a signer is; the algorithm id that
    /// the signer names decides nothing.
    ///
    /// Source: AOSP `ApkSigningBlockUtils.isCertificatePqc`, which goes by the key's algorithm, too.
    pub fn is_post_quantum(&self) -> bool {
        self.algorithm.starts_with("ML-DSA")
    }
}

/// A certificate, kept as the bytes that the file carries.
#[derive(Debug, Clone)]
pub struct Certificate {
    inner: Arc<CertificateInner>,
}

#[derive(Debug)]
struct CertificateInner {
    der: Vec<u8>,
    digests: PrintedDigests,
    key: KeyFacts,
    subject: String,
}

impl Certificate {
    pub(crate) fn new(der: Vec<u8>, digests: PrintedDigests, key: KeyFacts, subject: String) -> Self {
        Self { inner: Arc::new(CertificateInner { der, digests, key, subject }) }
    }

    /// The bytes, exactly as in the file.
    pub fn der(&self) -> &[u8] {
        &self.inner.der
    }

    /// SHA-256 of the bytes.
    pub fn digest(&self) -> CertificateDigest {
        CertificateDigest(self.inner.digests.sha256)
    }

    /// SHA-256, SHA-1 and MD5 of the bytes.
    pub fn digests(&self) -> &PrintedDigests {
        &self.inner.digests
    }

    /// The public key.
    pub fn key(&self) -> &KeyFacts {
        &self.inner.key
    }

    /// The subject, spelled as apksigner spells it: `CN=Android, O=Android, C=US`. Self-asserted; proves nothing.
    pub fn subject(&self) -> &str {
        &self.inner.subject
    }
}

impl PartialEq for Certificate {
    /// Whether the bytes are the same. Told by their digests where they are not, so that many can be held against each
    /// other.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
            || (self.digest() == other.digest() && self.inner.der == other.inner.der)
    }
}

impl Eq for Certificate {}

/// What a certificate of a lineage may still do, once another one has taken over.
///
/// Source: apksig `SigningCertificateLineage.PAST_CERT_*`; AOSP `SigningDetails.CertCapabilities`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// An app by the newer certificate may take over the data of one by this.
    InstalledData,
    /// An app by it may share a user id with one by the newer certificate.
    SharedUid,
    /// It is granted the signature permissions of the newer certificate.
    Permission,
    /// An app by it may replace one by the newer certificate.
    Rollback,
    /// An authenticator by it counts as one by the newer certificate.
    Auth,
}

impl Capability {
    /// All of them, in the order of their bits.
    pub const ALL: [Self; 5] =
        [Self::InstalledData, Self::SharedUid, Self::Permission, Self::Rollback, Self::Auth];

    /// The bit that stands for it.
    pub fn bit(self) -> u32 {
        match self {
            Self::InstalledData => 1,
            Self::SharedUid => 2,
            Self::Permission => 4,
            Self::Rollback => 8,
            Self::Auth => 16,
        }
    }

    /// The name on apksigner's command line: `installed-data`, `shared-uid`, `permission`, `rollback`, `auth`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InstalledData => "installed-data",
            Self::SharedUid => "shared-uid",
            Self::Permission => "permission",
            Self::Rollback => "rollback",
            Self::Auth => "auth",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One certificate of a lineage, with what it may still do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LineageNode {
    /// The certificate.
    pub certificate: Certificate,
    /// Capabilities that the newer signer grants it, as bits; [`LineageNode::capabilities`] names them.
    pub flags: u32,
    /// Id of the algorithm with which it signed the next node; 0 for none.
    pub signature_algorithm: u32,
}

impl LineageNode {
    /// Whether it is granted `capability`. Meaningless for the last node, the current signer.
    pub fn has(&self, capability: Capability) -> bool {
        self.flags & capability.bit() != 0
    }

    /// What it is granted, in the order of the bits. Bits without a meaning are left out; [`LineageNode::flags`] has them.
    pub fn capabilities(&self) -> impl Iterator<Item = Capability> {
        Capability::ALL.into_iter().filter(|capability| self.has(*capability))
    }
}

/// A verified proof of rotation: certificates from the oldest to the current one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lineage {
    nodes: Vec<LineageNode>,
    min_sdk: u32,
}

impl Lineage {
    /// First API level that knows proofs of rotation: that of v3.
    const SINCE: u32 = 28;

    /// Only verification makes one.
    pub(crate) fn new(nodes: Vec<LineageNode>) -> Self {
        Self { nodes, min_sdk: Self::SINCE }
    }

    /// The same lineage, whose signature algorithms are known from API level `level` on.
    pub(crate) fn needing(self, level: u32) -> Self {
        Self { min_sdk: self.min_sdk.max(level), ..self }
    }

    /// Lowest API level that can verify it: 28, or where the newest of its signature algorithms came in.
    pub fn min_sdk(&self) -> u32 {
        self.min_sdk
    }

    /// Oldest first; the last is the current signer. Never empty.
    pub fn nodes(&self) -> &[LineageNode] {
        &self.nodes
    }

    /// Whether the certificate with this digest is in it, current one included.
    pub fn contains(&self, digest: &CertificateDigest) -> bool {
        self.nodes.iter().any(|node| node.certificate.digest() == *digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "a40da80a59d170caa950cf15c18c454d47a39b26989d8b640ecd745ba71bf5dc";

    #[test]
    fn reads_the_usual_spellings_of_a_digest() {
        let digest: CertificateDigest = DIGEST.parse().unwrap();
        let colons: Vec<String> = digest.0.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>();
        for text in [
            DIGEST.to_uppercase(),
            colons.join(":"),
            format!("SHA256: {}", colons.join(" ")),
            format!("sha256 Fingerprint={}", colons.join(":")),
            format!("0x{DIGEST}"),
        ] {
            assert_eq!(text.parse::<CertificateDigest>().unwrap(), digest);
        }
        assert_eq!(digest.to_string(), DIGEST);
    }

    #[test]
    fn capabilities_are_the_bits_that_are_set() {
        let digests = PrintedDigests { sha256: [0; 32], sha1: [0; 20], md5: [0; 16] };
        let key = KeyFacts {
            algorithm: "EC".to_owned(),
            bits: 256,
            digests: digests.clone(),
            spki_sha256: [0; 32],
        };
        let certificate = Certificate::new(Vec::new(), digests, key, String::new());
        let node = |flags| LineageNode { certificate: certificate.clone(), flags, signature_algorithm: 0 };
        let names = |flags| node(flags).capabilities().map(Capability::as_str).collect::<Vec<_>>().join(" ");
        assert_eq!(names(0x17), "installed-data shared-uid permission auth", "apksigner's default");
        assert_eq!(names(0xffff_ffe8), "rollback", "bits without a meaning are left out");
        assert_eq!(names(0), "");
        assert!(node(8).has(Capability::Rollback) && !node(8).has(Capability::Auth));
        let lineage = Lineage::new(vec![node(0)]);
        assert_eq!(lineage.min_sdk(), 28);
        assert_eq!((lineage.clone().needing(24).min_sdk(), lineage.needing(37).min_sdk()), (28, 37));
    }

    #[test]
    fn says_what_another_text_looks_like() {
        let error = "e89b158e4bcf988ebd09eb83f5378e87".parse::<CertificateDigest>().unwrap_err();
        assert!(error.to_string().ends_with("that is the length of an MD5 digest"), "{error}");
        assert!(DIGEST.replacen('a', "+", 1).parse::<CertificateDigest>().is_err());
        assert!(DIGEST.replace('a', "g").parse::<CertificateDigest>().is_err());
        assert!("".parse::<CertificateDigest>().is_err());
    }
}
