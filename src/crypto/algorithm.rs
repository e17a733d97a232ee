//! The algorithms that signatures name, one row a member.
//!
//! Two tables: the 32-bit ids of the APK Signature Schemes, and the object identifiers of JAR signatures with the API
//! levels at which each pair of them works. A new algorithm is a new row.

use std::fmt;

use super::digest::DigestAlgorithm;
use super::key::KeyKind;
use super::key::PublicKey;

/// What a key is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum KeyType {
    /// RSA, for both paddings.
    Rsa,
    /// DSA.
    Dsa,
    /// A named elliptic curve.
    Ec,
    /// ML-DSA, whatever the parameter set.
    MlDsa,
}

impl KeyType {
    /// The name as the JCA and apksigner spell it: `RSA`, `DSA`, `EC`, `ML-DSA`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::Dsa => "DSA",
            Self::Ec => "EC",
            Self::MlDsa => "ML-DSA",
        }
    }
}

/// How a signature is made and checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureScheme {
    /// RSASSA-PKCS1-v1_5 (RFC 8017, 8.2).
    RsaPkcs1v15(DigestAlgorithm),
    /// RSASSA-PSS (RFC 8017, 8.1): MGF1 with the same digest, salt as long as the digest, trailer 0xbc.
    RsaPss(DigestAlgorithm),
    /// DSA (FIPS 186-4, 4.7), the signature a DER sequence of r and s.
    Dsa(DigestAlgorithm),
    /// ECDSA (FIPS 186-5, 6.4), the signature a DER sequence of r and s.
    Ecdsa(DigestAlgorithm),
    /// ML-DSA (FIPS 204, 5.3), pure and with the empty context; the parameter set is the key's.
    MlDsa,
}

impl SignatureScheme {
    /// What key it needs.
    pub fn key_type(self) -> KeyType {
        match self {
            Self::RsaPkcs1v15(_) | Self::RsaPss(_) => KeyType::Rsa,
            Self::Dsa(_) => KeyType::Dsa,
            Self::Ecdsa(_) => KeyType::Ec,
            Self::MlDsa => KeyType::MlDsa,
        }
    }

    /// What the message is digested with; none when the algorithm takes it as it is.
    pub fn digest(self) -> Option<DigestAlgorithm> {
        match self {
            Self::RsaPkcs1v15(digest) | Self::RsaPss(digest) | Self::Dsa(digest) | Self::Ecdsa(digest) => {
                Some(digest)
            }
            Self::MlDsa => None,
        }
    }
}

impl fmt::Display for SignatureScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::RsaPkcs1v15(_) => "RSA PKCS#1 v1.5",
            Self::RsaPss(_) => "RSA-PSS",
            Self::Dsa(_) => "DSA",
            Self::Ecdsa(_) => "ECDSA",
            Self::MlDsa => "ML-DSA",
        };
        match self.digest() {
            Some(digest) => write!(f, "{name} with {digest}"),
            None => f.write_str(name),
        }
    }
}

/// How the contents of an APK are digested.
///
/// Source: apksig `ContentDigestAlgorithm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
pub enum ContentDigestAlgorithm {
    /// SHA-256 over the digests of 1 MiB chunks.
    ChunkedSha256 = 1,
    /// SHA-512 over the digests of 1 MiB chunks.
    ChunkedSha512 = 2,
    /// Root of a Merkle tree of SHA-256 over 4 KiB pages, as fs-verity, and the length of the data.
    VerityChunkedSha256 = 3,
    /// SHA-256 of `MANIFEST.MF`; in source stamps only, where it stands for v1.
    Sha256 = 4,
}

impl ContentDigestAlgorithm {
    /// The id in source stamps.
    pub fn id(self) -> u32 {
        match self {
            Self::ChunkedSha256 => 1,
            Self::ChunkedSha512 => 2,
            Self::VerityChunkedSha256 => 3,
            Self::Sha256 => 4,
        }
    }

    /// The algorithm that has the id `id`.
    pub fn from_id(id: u32) -> Option<Self> {
        [Self::ChunkedSha256, Self::ChunkedSha512, Self::VerityChunkedSha256, Self::Sha256]
            .into_iter()
            .find(|algorithm| algorithm.id() == id)
    }

    /// The name of the constant in apksig.
    pub fn name(self) -> &'static str {
        match self {
            Self::ChunkedSha256 => "CHUNKED_SHA256",
            Self::ChunkedSha512 => "CHUNKED_SHA512",
            Self::VerityChunkedSha256 => "VERITY_CHUNKED_SHA256",
            Self::Sha256 => "SHA256",
        }
    }

    /// Size of the stored value in bytes.
    pub fn output_len(self) -> usize {
        match self {
            Self::ChunkedSha256 | Self::Sha256 => 32,
            Self::ChunkedSha512 => 64,
            // The root and a 64-bit length.
            Self::VerityChunkedSha256 => 40,
        }
    }

    /// How strongly Android prefers it to the others: the greatest rank is verified.
    ///
    /// Source: apksig `ApkSigningBlockUtils.compareContentDigestAlgorithm`.
    pub fn rank(self) -> u32 {
        match self {
            Self::Sha256 => 0,
            Self::ChunkedSha256 => 1,
            Self::VerityChunkedSha256 => 2,
            Self::ChunkedSha512 => 3,
        }
    }
}

/// The id of a signature algorithm in the APK Signature Schemes v2 and later.
///
/// An unknown one keeps its value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SignatureAlgorithmId(pub u32);

impl SignatureAlgorithmId {
    /// What Android knows of the algorithm, if it knows it.
    pub fn lookup(self) -> Option<&'static SignatureAlgorithm> {
        SIGNATURE_ALGORITHMS.iter().find(|algorithm| algorithm.id == self)
    }
}

impl fmt::Debug for SignatureAlgorithmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignatureAlgorithmId({:#06x})", self.0)
    }
}

impl fmt::Display for SignatureAlgorithmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.lookup() {
            Some(algorithm) => f.write_str(algorithm.name),
            None => write!(f, "{:#06x}", self.0),
        }
    }
}

/// A signature algorithm of the APK Signature Schemes v2 and later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignatureAlgorithm {
    /// Its id.
    pub id: SignatureAlgorithmId,
    /// The name of the constant in apksig.
    pub name: &'static str,
    /// How the signature over the signed data is checked.
    pub scheme: SignatureScheme,
    /// How the contents of the APK are digested.
    pub content_digest: ContentDigestAlgorithm,
    /// The first API level at which Android takes it in an APK.
    pub min_sdk: u32,
    /// The first API level at which the platform's cryptography knows it, for lineages and source stamps.
    pub min_sdk_jca: u32,
}

impl SignatureAlgorithm {
    /// What key it needs.
    pub fn key_type(&self) -> KeyType {
        self.scheme.key_type()
    }

    /// What the signed data is digested with; none when the algorithm takes it as it is.
    pub fn digest(&self) -> Option<DigestAlgorithm> {
        self.scheme.digest()
    }

    /// Whether `key` is one that Android takes for it: of the type, and of a parameter set that every device has.
    pub fn fits(&self, key: &PublicKey) -> bool {
        let readable = match key.kind() {
            KeyKind::MlDsa { parameter_set } => parameter_set.is_read_by_android(),
            _ => true,
        };
        readable && key.key_type() == self.key_type()
    }
}

/// All signature algorithms of the APK Signature Schemes, by id.
///
/// Source: [APK Signature Scheme v2, signature algorithm IDs][spec]; apksig `SignatureAlgorithm`; AOSP
/// `ApkSigningBlockUtils` for ML-DSA.
///
/// [spec]: https://source.android.com/docs/security/features/apksigning/v2#signature-algorithm-ids
pub const SIGNATURE_ALGORITHMS: &[SignatureAlgorithm] = {
    use ContentDigestAlgorithm::ChunkedSha256;
    use ContentDigestAlgorithm::ChunkedSha512;
    use ContentDigestAlgorithm::VerityChunkedSha256;
    use DigestAlgorithm::Sha256;
    use DigestAlgorithm::Sha512;
    use SignatureScheme::Dsa;
    use SignatureScheme::Ecdsa;
    use SignatureScheme::MlDsa;
    use SignatureScheme::RsaPkcs1v15;
    use SignatureScheme::RsaPss;

    &[
        row(0x0101, "RSA_PSS_WITH_SHA256", RsaPss(Sha256), ChunkedSha256, 24, 23),
        row(0x0102, "RSA_PSS_WITH_SHA512", RsaPss(Sha512), ChunkedSha512, 24, 23),
        row(0x0103, "RSA_PKCS1_V1_5_WITH_SHA256", RsaPkcs1v15(Sha256), ChunkedSha256, 24, 1),
        row(0x0104, "RSA_PKCS1_V1_5_WITH_SHA512", RsaPkcs1v15(Sha512), ChunkedSha512, 24, 1),
        row(0x0201, "ECDSA_WITH_SHA256", Ecdsa(Sha256), ChunkedSha256, 24, 11),
        row(0x0202, "ECDSA_WITH_SHA512", Ecdsa(Sha512), ChunkedSha512, 24, 11),
        row(0x0301, "DSA_WITH_SHA256", Dsa(Sha256), ChunkedSha256, 24, 1),
        row(0x0421, "VERITY_RSA_PKCS1_V1_5_WITH_SHA256", RsaPkcs1v15(Sha256), VerityChunkedSha256, 28, 1),
        row(0x0423, "VERITY_ECDSA_WITH_SHA256", Ecdsa(Sha256), VerityChunkedSha256, 28, 11),
        row(0x0425, "VERITY_DSA_WITH_SHA256", Dsa(Sha256), VerityChunkedSha256, 28, 1),
        row(0x0501, "ML_DSA", MlDsa, ChunkedSha512, 37, 37),
    ]
};

const fn row(
    id: u32,
    name: &'static str,
    scheme: SignatureScheme,
    content_digest: ContentDigestAlgorithm,
    min_sdk: u32,
    min_sdk_jca: u32,
) -> SignatureAlgorithm {
    SignatureAlgorithm { id: SignatureAlgorithmId(id), name, scheme, content_digest, min_sdk, min_sdk_jca }
}

/// The signature algorithm of a JAR signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct JarSignatureAlgorithm {
    /// What key it needs.
    pub key_type: KeyType,
    /// What the signed bytes are digested with.
    pub digest: DigestAlgorithm,
}

impl JarSignatureAlgorithm {
    /// How the signature is checked.
    pub fn scheme(self) -> SignatureScheme {
        match self.key_type {
            // No row of JAR signatures has it.
            KeyType::MlDsa => SignatureScheme::MlDsa,
            KeyType::Rsa => SignatureScheme::RsaPkcs1v15(self.digest),
            KeyType::Dsa => SignatureScheme::Dsa(self.digest),
            KeyType::Ec => SignatureScheme::Ecdsa(self.digest),
        }
    }
}

/// The algorithm that a `SignerInfo` asks for with its two object identifiers, in dotted form.
///
/// A signature identifier that names a digest decides alone; `rsaEncryption`, `id-dsa` and `id-ecPublicKey` take the
/// one of `digest_oid`. `None` for what apksig does not know.
///
/// Source: apksig `AlgorithmIdentifier.getJcaSignatureAlgorithm`.
pub fn jar_signature_algorithm(digest_oid: &str, signature_oid: &str) -> Option<JarSignatureAlgorithm> {
    let row = jar_signature(signature_oid)?;
    let digest = row.digest.or_else(|| DigestAlgorithm::from_oid(digest_oid))?;
    Some(JarSignatureAlgorithm { key_type: row.key_type, digest })
}

/// The API levels at which Android verifies a `SignerInfo` with these two object identifiers, in dotted form.
///
/// Ranges with both ends in them, lowest first; [`u32::MAX`] for one without an end. Empty when no level does.
///
/// Source: apksig `OidConstants.SUPPORTED_SIG_ALG_OIDS`.
pub fn jar_supported_api_levels(digest_oid: &str, signature_oid: &str) -> &'static [(u32, u32)] {
    let Some(row) = jar_signature(signature_oid) else { return NEVER };
    let column = DigestAlgorithm::ALL.iter().position(|digest| digest.oid() == digest_oid);
    column.and_then(|column| row.levels.get(column)).copied().unwrap_or(NEVER)
}

fn jar_signature(oid: &str) -> Option<&'static JarSignature> {
    JAR_SIGNATURES.iter().find(|row| row.oid == oid)
}

/// One signature identifier of JAR signatures.
struct JarSignature {
    oid: &'static str,
    key_type: KeyType,
    /// The digest that the identifier names, if it names one.
    digest: Option<DigestAlgorithm>,
    /// The API levels for each digest identifier, in the order of [`DigestAlgorithm::ALL`].
    levels: [&'static [(u32, u32)]; 6],
}

const NEVER: &[(u32, u32)] = &[];
const ALL: &[(u32, u32)] = &[(0, u32::MAX)];
const FROM_9: &[(u32, u32)] = &[(9, u32::MAX)];
const FROM_18: &[(u32, u32)] = &[(18, u32::MAX)];
const FROM_21: &[(u32, u32)] = &[(21, u32::MAX)];
const FROM_22: &[(u32, u32)] = &[(22, u32::MAX)];
const NOT_9_TO_17: &[(u32, u32)] = &[(0, 8), (18, u32::MAX)];
const NOT_9_TO_20: &[(u32, u32)] = &[(0, 8), (21, u32::MAX)];
/// The levels that let the two identifiers name different digests.
const MIXED: &[(u32, u32)] = &[(21, 23)];
const ONLY_21: &[(u32, u32)] = &[(21, 21)];

const JAR_SIGNATURES: &[JarSignature] = {
    use DigestAlgorithm::Md5;
    use DigestAlgorithm::Sha1;
    use DigestAlgorithm::Sha224;
    use DigestAlgorithm::Sha256;
    use DigestAlgorithm::Sha384;
    use DigestAlgorithm::Sha512;
    use KeyType::Dsa;
    use KeyType::Ec;
    use KeyType::Rsa;

    // Columns: MD5, SHA-1, SHA-224, SHA-256, SHA-384, SHA-512.
    &[
        jar("1.2.840.113549.1.1.1", Rsa, None, [ALL, ALL, NOT_9_TO_20, NOT_9_TO_17, FROM_18, FROM_18]),
        jar("1.2.840.113549.1.1.4", Rsa, Some(Md5), [NOT_9_TO_20, MIXED, MIXED, MIXED, MIXED, MIXED]),
        jar("1.2.840.113549.1.1.5", Rsa, Some(Sha1), [MIXED, ALL, MIXED, ONLY_21, MIXED, MIXED]),
        jar("1.2.840.113549.1.1.14", Rsa, Some(Sha224), [MIXED, MIXED, NOT_9_TO_20, MIXED, MIXED, MIXED]),
        jar("1.2.840.113549.1.1.11", Rsa, Some(Sha256), [MIXED, MIXED, ONLY_21, NOT_9_TO_17, MIXED, MIXED]),
        jar("1.2.840.113549.1.1.12", Rsa, Some(Sha384), [MIXED, MIXED, MIXED, MIXED, FROM_21, ONLY_21]),
        jar("1.2.840.113549.1.1.13", Rsa, Some(Sha512), [MIXED, MIXED, MIXED, MIXED, MIXED, FROM_21]),
        jar("1.2.840.10040.4.1", Dsa, None, [NEVER, ALL, FROM_22, FROM_22, NEVER, NEVER]),
        jar("1.2.840.10040.4.3", Dsa, Some(Sha1), [MIXED, FROM_9, MIXED, MIXED, MIXED, MIXED]),
        jar("2.16.840.1.101.3.4.3.1", Dsa, Some(Sha224), [MIXED, MIXED, FROM_21, MIXED, MIXED, MIXED]),
        jar("2.16.840.1.101.3.4.3.2", Dsa, Some(Sha256), [MIXED, MIXED, MIXED, FROM_21, MIXED, MIXED]),
        jar("2.16.840.1.101.3.4.3.3", Dsa, Some(Sha384), [NEVER; 6]),
        jar("2.16.840.1.101.3.4.3.4", Dsa, Some(Sha512), [NEVER; 6]),
        jar("1.2.840.10045.2.1", Ec, None, [NEVER, FROM_18, FROM_21, FROM_18, FROM_18, FROM_18]),
        jar("1.2.840.10045.4.1", Ec, Some(Sha1), [MIXED, FROM_18, MIXED, MIXED, MIXED, MIXED]),
        jar("1.2.840.10045.4.3.1", Ec, Some(Sha224), [MIXED, MIXED, FROM_21, MIXED, MIXED, MIXED]),
        jar("1.2.840.10045.4.3.2", Ec, Some(Sha256), [MIXED, MIXED, MIXED, FROM_21, MIXED, MIXED]),
        jar("1.2.840.10045.4.3.3", Ec, Some(Sha384), [MIXED, MIXED, MIXED, MIXED, FROM_21, MIXED]),
        jar("1.2.840.10045.4.3.4", Ec, Some(Sha512), [MIXED, MIXED, MIXED, MIXED, MIXED, FROM_21]),
    ]
};

const fn jar(
    oid: &'static str,
    key_type: KeyType,
    digest: Option<DigestAlgorithm>,
    levels: [&'static [(u32, u32)]; 6],
) -> JarSignature {
    JarSignature { oid, key_type, digest, levels }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA1: &str = "1.3.14.3.2.26";
    const SHA224: &str = "2.16.840.1.101.3.4.2.4";
    const SHA256: &str = "2.16.840.1.101.3.4.2.1";
    const SHA512: &str = "2.16.840.1.101.3.4.2.3";
    const MD5: &str = "1.2.840.113549.2.5";
    const RSA: &str = "1.2.840.113549.1.1.1";
    const SHA256_WITH_RSA: &str = "1.2.840.113549.1.1.11";

    #[test]
    fn knows_its_rows_by_id_and_no_others() {
        for algorithm in SIGNATURE_ALGORITHMS {
            assert_eq!(algorithm.id.lookup(), Some(algorithm));
        }
        let pss = SignatureAlgorithmId(0x0102).lookup().unwrap();
        assert_eq!(pss.scheme, SignatureScheme::RsaPss(DigestAlgorithm::Sha512));
        assert_eq!((pss.key_type(), pss.min_sdk, pss.min_sdk_jca), (KeyType::Rsa, 24, 23));
        let verity = SignatureAlgorithmId(0x0423).lookup().unwrap();
        assert_eq!(verity.content_digest, ContentDigestAlgorithm::VerityChunkedSha256);
        assert_eq!((verity.min_sdk, verity.min_sdk_jca), (28, 11));
        let ml_dsa = SignatureAlgorithmId(0x0501).lookup().unwrap();
        assert_eq!(ml_dsa.content_digest, ContentDigestAlgorithm::ChunkedSha512);
        assert_eq!((ml_dsa.key_type(), ml_dsa.digest(), ml_dsa.min_sdk), (KeyType::MlDsa, None, 37));
        assert_eq!(SignatureAlgorithmId(0x0302).lookup(), None);
        assert_eq!(SignatureAlgorithmId(0x0302).to_string(), "0x0302");
        assert_eq!(SignatureAlgorithmId(0x0301).to_string(), "DSA_WITH_SHA256");
    }

    #[test]
    fn prefers_sha512_to_verity_to_sha256() {
        use ContentDigestAlgorithm as C;
        let mut algorithms = [C::VerityChunkedSha256, C::ChunkedSha512, C::Sha256, C::ChunkedSha256];
        algorithms.sort_by_key(|algorithm| algorithm.rank());
        assert_eq!(algorithms, [C::Sha256, C::ChunkedSha256, C::VerityChunkedSha256, C::ChunkedSha512]);
        for algorithm in algorithms {
            assert_eq!(C::from_id(algorithm.id()), Some(algorithm));
        }
        assert_eq!(C::from_id(5), None);
    }

    #[test]
    fn a_signature_identifier_that_names_a_digest_decides_alone() {
        let algorithm =
            |digest, signature| jar_signature_algorithm(digest, signature).map(JarSignatureAlgorithm::scheme);
        let sha256 = Some(SignatureScheme::RsaPkcs1v15(DigestAlgorithm::Sha256));
        assert_eq!(algorithm(SHA256, RSA), sha256);
        assert_eq!(algorithm(SHA1, SHA256_WITH_RSA), sha256);
        assert_eq!(algorithm("1.2.3", SHA256_WITH_RSA), sha256);
        assert_eq!(algorithm(SHA1, RSA), Some(SignatureScheme::RsaPkcs1v15(DigestAlgorithm::Sha1)));
        assert_eq!(algorithm("1.2.3", RSA), None);
        assert_eq!(algorithm(SHA256, "1.2.840.113549.1.1.10"), None, "PSS is not for v1");
        assert_eq!(
            algorithm(SHA512, "1.2.840.10045.2.1"),
            Some(SignatureScheme::Ecdsa(DigestAlgorithm::Sha512))
        );
        assert_eq!(algorithm(SHA1, "1.2.840.10040.4.1"), Some(SignatureScheme::Dsa(DigestAlgorithm::Sha1)));
    }

    #[test]
    fn api_levels_of_some_pairs_in_each_of_the_three_tables() {
        let levels = jar_supported_api_levels;
        assert_eq!(levels(MD5, RSA), [(0, u32::MAX)]);
        assert_eq!(levels(SHA256, RSA), [(0, 8), (18, u32::MAX)]);
        assert_eq!(levels(SHA224, SHA256_WITH_RSA), [(21, 21)]);
        assert_eq!(levels(SHA256, "1.2.840.113549.1.1.5"), [(21, 21)]);
        assert_eq!(levels(SHA512, "1.2.840.113549.1.1.12"), [(21, 21)]);
        assert_eq!(levels(SHA224, "1.2.840.113549.1.1.5"), [(21, 23)]);
        assert_eq!(levels(SHA1, "1.2.840.10040.4.3"), [(9, u32::MAX)]);
        assert_eq!(levels(SHA256, "1.2.840.10040.4.1"), [(22, u32::MAX)]);
        assert_eq!(levels(SHA512, "1.2.840.10040.4.1"), []);
        assert_eq!(levels(SHA512, "2.16.840.1.101.3.4.3.4"), []);
        assert_eq!(levels(SHA256, "1.2.840.10045.2.1"), [(18, u32::MAX)]);
        assert_eq!(levels(SHA256, "1.2.840.10045.4.3.2"), [(21, u32::MAX)]);
        assert_eq!(levels(MD5, "1.2.840.10045.2.1"), []);
        assert_eq!(levels("1.2.3", RSA), []);
        assert_eq!(levels(SHA256, "1.2.3"), []);
    }
}
