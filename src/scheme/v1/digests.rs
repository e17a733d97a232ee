//! Which of the digests in a section Android compares, for a range of API levels.
//!
//! Source: apksig `V1SchemeVerifier.getDigestsToVerify`.

use crate::crypto::DigestAlgorithm;
use crate::format::jar;
use crate::format::jar::Section;

/// First API level that picks the strongest digest instead of going by `Digest-Algorithms`.
const STRONGEST_FIRST_SINCE: u32 = 18;

/// A digest that must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ExpectedDigest {
    pub(super) algorithm: DigestAlgorithm,
    /// The bytes; `None` when what stands there is not Base64, which matches nothing.
    pub(super) value: Option<Vec<u8>>,
}

/// The digests of `section` under attributes that end in `suffix`, which all must match.
///
/// Empty when some Android version in range finds none that it knows.
pub(super) fn to_verify(section: &Section<'_>, suffix: &str, range: (u32, u32)) -> Vec<ExpectedDigest> {
    let (min_sdk, max_sdk) = range;
    let mut expected: Vec<ExpectedDigest> = Vec::new();
    if min_sdk < STRONGEST_FIRST_SINCE {
        let listed = section.get("Digest-Algorithms");
        let listed = listed.as_deref().unwrap_or("SHA SHA1");
        let found =
            listed.split([' ', '\t', '\n', '\r', '\x0c']).filter(|name| !name.is_empty()).find_map(|name| {
                let value = section.get(&format!("{name}{suffix}"))?;
                let algorithm = canonical(name).filter(|(_, since)| *since <= min_sdk)?.0;
                Some(ExpectedDigest { algorithm, value: jar::decode_base64(&value) })
            });
        match found {
            Some(digest) => expected.push(digest),
            None => return expected,
        }
    }
    if max_sdk >= STRONGEST_FIRST_SINCE {
        let strongest = [
            ("SHA-512", DigestAlgorithm::Sha512),
            ("SHA-384", DigestAlgorithm::Sha384),
            ("SHA-256", DigestAlgorithm::Sha256),
            ("SHA1", DigestAlgorithm::Sha1),
        ];
        let found = strongest.into_iter().find_map(|(name, algorithm)| {
            let value = section.get(&format!("{name}{suffix}"))?;
            Some(ExpectedDigest { algorithm, value: jar::decode_base64(&value) })
        });
        expected.extend(found.filter(|digest| !expected.contains(digest)));
    }
    expected
}

/// The algorithm behind a name in `Digest-Algorithms`, and the first API level that knows it there.
fn canonical(name: &str) -> Option<(DigestAlgorithm, u32)> {
    Some(match name.to_ascii_uppercase().as_str() {
        "MD5" => (DigestAlgorithm::Md5, 0),
        "SHA" | "SHA1" | "SHA-1" => (DigestAlgorithm::Sha1, 0),
        "SHA-256" => (DigestAlgorithm::Sha256, 0),
        "SHA-384" => (DigestAlgorithm::Sha384, 9),
        "SHA-512" => (DigestAlgorithm::Sha512, 9),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::jar::Manifest;

    fn algorithms(text: &str, range: (u32, u32)) -> Vec<DigestAlgorithm> {
        let section = Manifest::parse(text.as_bytes()).main().unwrap();
        to_verify(&section, "-Digest", range).into_iter().map(|digest| digest.algorithm).collect()
    }

    #[test]
    fn newer_versions_take_the_strongest() {
        let both = "Name: a\nSHA1-Digest: AAAA\nSHA-256-Digest: AAAA\n";
        assert_eq!(algorithms(both, (18, 30)), [DigestAlgorithm::Sha256]);
        assert_eq!(algorithms(both, (17, 30)), [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256]);
        assert_eq!(algorithms(both, (9, 17)), [DigestAlgorithm::Sha1]);
    }

    #[test]
    fn older_versions_go_by_the_list() {
        let listed = "Name: a\nDigest-Algorithms: MD5 SHA-256\nSHA-256-Digest: AAAA\n";
        assert_eq!(algorithms(listed, (9, 17)), [DigestAlgorithm::Sha256]);
        let unlisted = "Name: a\nSHA-256-Digest: AAAA\n";
        assert_eq!(algorithms(unlisted, (9, 17)), []);
        assert_eq!(algorithms(unlisted, (9, 30)), [], "some version in range finds none");
        assert_eq!(algorithms(unlisted, (18, 30)), [DigestAlgorithm::Sha256]);
        let late = "Name: a\nDigest-Algorithms: SHA-512\nSHA-512-Digest: AAAA\n";
        assert_eq!(algorithms(late, (8, 17)), []);
        assert_eq!(algorithms(late, (9, 17)), [DigestAlgorithm::Sha512]);
    }

    #[test]
    fn what_is_not_base64_matches_nothing() {
        let section = Manifest::parse(b"Name: a\nSHA1-Digest: !\n").main().unwrap();
        let expected = [ExpectedDigest { algorithm: DigestAlgorithm::Sha1, value: None }];
        assert_eq!(to_verify(&section, "-Digest", (18, 30)), expected);
    }
}
