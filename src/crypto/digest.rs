//! Digest functions, whole and streaming.

use std::fmt;

use sha2::Digest as _;

/// A digest function that Android knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DigestAlgorithm {
    /// MD5, 16 bytes. Broken, and still accepted in v1 signatures.
    Md5,
    /// SHA-1, 20 bytes. Broken, and still accepted in v1 signatures.
    Sha1,
    /// SHA-224, 28 bytes.
    Sha224,
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl DigestAlgorithm {
    /// All of them, the weakest first.
    pub const ALL: [Self; 6] =
        [Self::Md5, Self::Sha1, Self::Sha224, Self::Sha256, Self::Sha384, Self::Sha512];

    /// The digest of `bytes`, [`DigestAlgorithm::len`] bytes long.
    pub fn digest(self, bytes: &[u8]) -> Vec<u8> {
        let mut hasher = Hasher::new(self);
        hasher.update(bytes);
        hasher.finish()
    }

    /// Size of the digest in bytes.
    #[expect(clippy::len_without_is_empty, reason = "no digest is empty")]
    pub fn len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The name as the JCA spells it: `SHA-256`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    /// The object identifier in dotted form, as PKCS#7 names the function.
    ///
    /// Source: RFC 1321, RFC 3279 §2.1, RFC 5754 §2; apksig `OidConstants`.
    pub fn oid(self) -> &'static str {
        match self {
            Self::Md5 => "1.2.840.113549.2.5",
            Self::Sha1 => "1.3.14.3.2.26",
            Self::Sha224 => "2.16.840.1.101.3.4.2.4",
            Self::Sha256 => "2.16.840.1.101.3.4.2.1",
            Self::Sha384 => "2.16.840.1.101.3.4.2.2",
            Self::Sha512 => "2.16.840.1.101.3.4.2.3",
        }
    }

    /// The function that `oid`, in dotted form, names.
    pub fn from_oid(oid: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.oid() == oid)
    }

    /// The function that a JAR manifest names in an attribute such as `SHA-256-Digest`, without the `-Digest`.
    ///
    /// Case does not matter, and `SHA` is SHA-1.
    ///
    /// Source: apksig `V1SchemeVerifier.getCanonicalJcaMessageDigestAlgorithm`.
    pub fn from_jar_name(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "MD5" => Some(Self::Md5),
            "SHA" | "SHA1" | "SHA-1" => Some(Self::Sha1),
            "SHA-224" | "SHA224" => Some(Self::Sha224),
            "SHA-256" | "SHA256" => Some(Self::Sha256),
            "SHA-384" | "SHA384" => Some(Self::Sha384),
            "SHA-512" | "SHA512" => Some(Self::Sha512),
            _ => None,
        }
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A digest that is fed piece by piece.
#[derive(Clone, Debug)]
pub struct Hasher(State);

#[derive(Clone, Debug)]
enum State {
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha224(sha2::Sha224),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
}

impl Hasher {
    /// A digest of nothing so far.
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        Self(match algorithm {
            DigestAlgorithm::Md5 => State::Md5(md5::Md5::new()),
            DigestAlgorithm::Sha1 => State::Sha1(sha1::Sha1::new()),
            DigestAlgorithm::Sha224 => State::Sha224(sha2::Sha224::new()),
            DigestAlgorithm::Sha256 => State::Sha256(sha2::Sha256::new()),
            DigestAlgorithm::Sha384 => State::Sha384(sha2::Sha384::new()),
            DigestAlgorithm::Sha512 => State::Sha512(sha2::Sha512::new()),
        })
    }

    /// Appends `bytes` to what is digested.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Md5(state) => state.update(bytes),
            State::Sha1(state) => state.update(bytes),
            State::Sha224(state) => state.update(bytes),
            State::Sha256(state) => state.update(bytes),
            State::Sha384(state) => state.update(bytes),
            State::Sha512(state) => state.update(bytes),
        }
    }

    /// The digest of all that was appended.
    pub fn finish(self) -> Vec<u8> {
        match self.0 {
            State::Md5(state) => state.finalize().to_vec(),
            State::Sha1(state) => state.finalize().to_vec(),
            State::Sha224(state) => state.finalize().to_vec(),
            State::Sha256(state) => state.finalize().to_vec(),
            State::Sha384(state) => state.finalize().to_vec(),
            State::Sha512(state) => state.finalize().to_vec(),
        }
    }
}

impl std::io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The SHA-256 digest of `bytes`: what names a certificate.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}

/// The SHA-256 digest of `parts`, one behind the other.
pub(super) fn sha256_of(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = sha2::Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// The SHA-1 digest of `bytes`, for printing.
pub fn sha1(bytes: &[u8]) -> [u8; 20] {
    sha1::Sha1::digest(bytes).into()
}

/// The MD5 digest of `bytes`, for printing.
pub fn md5(bytes: &[u8]) -> [u8; 16] {
    md5::Md5::digest(bytes).into()
}

/// The BLAKE2b digest of `bytes`, 64 bytes long: what a signature of minisign is over.
///
/// Source: RFC 7693.
pub fn blake2b_512(bytes: &[u8]) -> [u8; 64] {
    blake2::Blake2b512::digest(bytes).into()
}

/// The BLAKE2b digest, 64 bytes long, and the SHA-256 digest of all that `source` gives, read once.
///
/// # Errors
/// When it cannot be read to its end.
pub fn blake2b_512_and_sha256(mut source: impl std::io::Read) -> std::io::Result<([u8; 64], [u8; 32])> {
    let (mut blake2b, mut sha256) = (blake2::Blake2b512::new(), sha2::Sha256::new());
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = source.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        blake2b.update(bytes);
        sha256.update(bytes);
    }
    Ok((blake2b.finalize().into(), sha256.finalize().into()))
}

/// The BLAKE2b digest of `bytes`, 32 bytes long: the check sum in a secret key of minisign.
///
/// Source: RFC 7693.
pub fn blake2b_256(bytes: &[u8]) -> [u8; 32] {
    blake2::Blake2b256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        use std::fmt::Write as _;

        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }

    #[test]
    fn digests_abc_as_the_standards_do() {
        let expected = [
            "900150983cd24fb0d6963f7d28e17f72",
            "a9993e364706816aba3e25717850c26c9cd0d89d",
            "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ];
        for (algorithm, expected) in DigestAlgorithm::ALL.into_iter().zip(expected) {
            assert_eq!(hex(&algorithm.digest(b"abc")), expected, "{algorithm}");
            assert_eq!(algorithm.len() * 2, expected.len(), "{algorithm}");
            let mut hasher = Hasher::new(algorithm);
            hasher.update(b"a");
            hasher.update(b"");
            hasher.update(b"bc");
            assert_eq!(hex(&hasher.finish()), expected, "{algorithm} in pieces");
        }
        assert_eq!(hex(&sha256(b"abc")), expected[3]);
        assert_eq!(hex(&sha1(b"abc")), expected[1]);
        assert_eq!(hex(&md5(b"abc")), expected[0]);
    }

    /// RFC 7693, appendix A.
    #[test]
    fn digests_abc_by_blake2b() {
        let expected = "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1\
                        7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923";
        assert_eq!(hex(&blake2b_512(b"abc")), expected);
        let (blake2b, sha) = blake2b_512_and_sha256(&b"abc"[..]).unwrap();
        assert_eq!((hex(&blake2b), sha), (expected.to_owned(), sha256(b"abc")));
        assert_ne!(blake2b_256(b"abc")[..], blake2b_512(b"abc")[..32], "the length is part of it");
    }

    #[test]
    fn finds_functions_by_identifier_and_by_name() {
        for algorithm in DigestAlgorithm::ALL {
            assert_eq!(DigestAlgorithm::from_oid(algorithm.oid()), Some(algorithm));
            assert_eq!(DigestAlgorithm::from_jar_name(algorithm.name()), Some(algorithm));
        }
        assert_eq!(DigestAlgorithm::from_oid("2.16.840.1.101.3.4.2.5"), None, "SHA-512/224");
        assert_eq!(DigestAlgorithm::from_jar_name("sha1"), Some(DigestAlgorithm::Sha1));
        assert_eq!(DigestAlgorithm::from_jar_name("SHA3-256"), None);
    }
}
