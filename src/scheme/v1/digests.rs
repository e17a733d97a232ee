//! Which of the digests in a section Android compares, for a range of API levels.
//!
//! Source: apksig `V1SchemeVerifier.getDigestsToVerify`.

use std::borrow::Cow;

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
/// Empty when some Android version in range finds none that it knows. Takes one pass over the section, however many
/// names `Digest-Algorithms` lists.
pub(super) fn to_verify(section: &Section<'_>, suffix: &str, range: (u32, u32)) -> Vec<ExpectedDigest> {
    let (min_sdk, max_sdk) = range;
    let attributes = Attributes::read(section, suffix);
    let mut expected: Vec<ExpectedDigest> = Vec::new();
    if min_sdk < STRONGEST_FIRST_SINCE {
        let listed = attributes.listed.as_deref().unwrap_or("SHA SHA1");
        let found =
            listed.split([' ', '\t', '\n', '\r', '\x0c']).filter(|name| !name.is_empty()).find_map(|name| {
                let (name, algorithm, since) =
                    KNOWN.iter().find(|known| known.0.eq_ignore_ascii_case(name))?;
                let value = attributes.digest(name)?;
                (*since <= min_sdk).then(|| ExpectedDigest::new(*algorithm, value))
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
        let found = strongest
            .into_iter()
            .find_map(|(name, algorithm)| Some(ExpectedDigest::new(algorithm, attributes.digest(name)?)));
        expected.extend(found.filter(|digest| !expected.contains(digest)));
    }
    expected
}

impl ExpectedDigest {
    fn new(algorithm: DigestAlgorithm, value: &str) -> Self {
        Self { algorithm, value: jar::decode_base64(value) }
    }

    /// Whether it is the digest `actual`.
    pub(super) fn is(&self, actual: &[u8]) -> bool {
        self.value.as_deref() == Some(actual)
    }
}

/// The names that `Digest-Algorithms` may list, the algorithm behind each, and the first API level that knows it there.
const KNOWN: [(&str, DigestAlgorithm, u32); 7] = [
    ("MD5", DigestAlgorithm::Md5, 0),
    ("SHA", DigestAlgorithm::Sha1, 0),
    ("SHA1", DigestAlgorithm::Sha1, 0),
    ("SHA-1", DigestAlgorithm::Sha1, 0),
    ("SHA-256", DigestAlgorithm::Sha256, 0),
    ("SHA-384", DigestAlgorithm::Sha384, 9),
    ("SHA-512", DigestAlgorithm::Sha512, 9),
];

/// The attributes of a section that matter here. Of two with one name the first counts, as in apksig.
struct Attributes<'a> {
    /// `Digest-Algorithms`.
    listed: Option<Cow<'a, str>>,
    /// The digest under each name of [`KNOWN`].
    digests: [Option<Cow<'a, str>>; KNOWN.len()],
}

impl<'a> Attributes<'a> {
    fn read(section: &Section<'a>, suffix: &str) -> Self {
        let mut read = Self { listed: None, digests: [const { None }; KNOWN.len()] };
        let names = KNOWN.map(|(name, ..)| format!("{name}{suffix}"));
        for attribute in section.attributes() {
            let slot = if jar::equals_ignoring_case(&attribute.name, "Digest-Algorithms") {
                Some(&mut read.listed)
            } else {
                let named = |name: &String| jar::equals_ignoring_case(&attribute.name, name);
                names.iter().position(named).and_then(|index| read.digests.get_mut(index))
            };
            if let Some(slot) = slot {
                slot.get_or_insert(attribute.value);
            }
        }
        read
    }

    fn digest(&self, name: &str) -> Option<&str> {
        let index = KNOWN.iter().position(|known| known.0 == name)?;
        self.digests.get(index)?.as_deref()
    }
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

    #[test]
    fn names_that_are_listed_cost_no_look_at_the_section() {
        let steps = |listed: usize| {
            let names = "SHA-256 x ".repeat(listed);
            let text = format!("Name: a\nDigest-Algorithms: {names}\nA: 1\nB: 2\n");
            let section = Manifest::parse(text.as_bytes()).main().unwrap();
            crate::work::of(|| to_verify(&section, "-Digest", (9, 30))).0
        };
        assert_eq!(steps(1), steps(1000));
    }

    #[test]
    fn the_first_of_two_attributes_counts() {
        let text = b"Name: a\nsha-256-digest: AAAA\nSHA-256-Digest: BBBB\n";
        let section = Manifest::parse(text).main().unwrap();
        let expected = [ExpectedDigest { algorithm: DigestAlgorithm::Sha256, value: Some(vec![0; 3]) }];
        assert_eq!(to_verify(&section, "-Digest", (18, 30)), expected);
    }
}
