//! Nobody passes for somebody else: each committed attack against a pin and against a registry.
//!
//! In `testdata/attacks/` the victim is the key `ec-p256-2`, under its own certificate or one for `Victim Inc`; the
//! registry has it as the one signer of the package.

#![expect(clippy::unwrap_used, reason = "a case that cannot be read is to stop the test")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::builder;
use crate::builder::Certificate;
use crate::builder::Key;
use apkvouch::Registry;
use apkvouch::Verification;
use apkvouch::VerifyOptions;
use apkvouch::decide;
use apkvouch::finding::FindingCode;
use apkvouch::identity::CertificateDigest;
use apkvouch::policy::Policy;
use apkvouch::policy::Verdict;
use apkvouch::policy::signed_by;

fn attacks() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/attacks");
    let mut attacks: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    attacks.sort();
    assert!(attacks.len() > 20, "only {} attacks found", attacks.len());
    attacks
}

fn verify(attack: &Path, range: (Option<u32>, Option<u32>)) -> Option<Verification> {
    let bytes = fs::read(attack.join("app.apk")).unwrap();
    let mut options = VerifyOptions::default();
    (options.min_sdk, options.max_sdk) = range;
    // A range that ends before it begins is refused.
    apkvouch::verify(&bytes, &options).ok()
}

/// Every certificate of the victim.
fn victims() -> Vec<CertificateDigest> {
    let victim = Key::named("ec-p256-2");
    let company = Certificate::new(&[("CN", "Victim Inc")]).serial(7).self_signed(&victim);
    [victim.certificate_digest(), victim.with_certificate(company).certificate_digest()]
        .iter()
        .map(|digest| digest.parse().unwrap())
        .collect()
}

fn registry() -> Registry {
    let mut text = "schema = 1\nid = \"test\"\nserial = 1\nissued_at = 2026-01-01\n\n\
        [[subject]]\nid = \"victim\"\nname = \"Victim Inc\"\nroles = [\"developer\"]\n"
        .to_owned();
    let mut app = "\n[[app]]\npackage = \"com.example.app\"\nowner = \"victim\"\n".to_owned();
    for victim in victims() {
        write!(text, "\n[[key]]\ncertificate_sha256 = \"{victim}\"\nsubject = \"victim\"\n").unwrap();
        write!(app, "\n[[app.signers]]\ncertificates = [\"{victim}\"]\n").unwrap();
    }
    Registry::parse(&(text + &app), "registry.toml").unwrap()
}

#[test]
fn no_attack_is_taken_for_the_victim_on_any_android_version() {
    let registry = registry();
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let mut verified = 0;
    for attack in attacks() {
        for min_sdk in [None, Some(18), Some(21), Some(24), Some(28), Some(33)] {
            for max_sdk in [None, Some(20), Some(23), Some(27), Some(32)] {
                let Some(evidence) = verify(&attack, (min_sdk, max_sdk)) else { continue };
                let place = format!("{} [{min_sdk:?} {max_sdk:?}]", attack.display());
                for victim in victims() {
                    let finding = signed_by(&evidence, &BTreeSet::from([victim])).expect_err(&place);
                    assert_eq!(finding.code, FindingCode::SignedByMismatch, "{place}");
                }
                let verdict = decide(&evidence, &registry, &Policy::default(), now).verdict;
                let expected = if evidence.is_verified() {
                    [Verdict::Counterfeit].as_slice()
                } else {
                    &[Verdict::Tampered, Verdict::Unsigned, Verdict::Unreadable]
                };
                assert!(expected.contains(&verdict), "{place}: {verdict}");
                verified += usize::from(evidence.is_verified());
            }
        }
    }
    assert!(verified > 200, "only {verified} attacks verify as the attacker's own");
}

#[test]
fn what_verifies_matches_a_pin_on_those_who_really_signed() {
    for attack in attacks() {
        let evidence = verify(&attack, (None, None)).unwrap();
        let signers: BTreeSet<CertificateDigest> =
            evidence.signer_certificates().iter().map(|certificate| certificate.digest()).collect();
        assert_eq!(signed_by(&evidence, &signers).is_ok(), evidence.is_verified(), "{}", attack.display());
    }
}

#[test]
fn the_victims_own_app_is_the_victims() {
    let victim = Key::named("ec-p256-2");
    let apk = builder::Apk::new().v2(builder::Signer::v2(&victim)).build();
    let evidence = apkvouch::verify(&apk, &VerifyOptions::default()).unwrap();
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    assert_eq!(decide(&evidence, &registry(), &Policy::default(), now).verdict, Verdict::Authenticated);
    assert_eq!(signed_by(&evidence, &BTreeSet::from([victims()[0]])), Ok(()));
}
