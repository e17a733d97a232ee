//! Who each Android version sees in a file with a v3.2 signature, and what that is worth against a registry.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::fmt::Write as _;

use apkvouch::Verification;
use apkvouch::VerifyOptions;
use apkvouch::decide;
use apkvouch::finding::Finding;
use apkvouch::finding::FindingCode;
use apkvouch::finding::SchemeId;
use apkvouch::finding::Severity;
use apkvouch::policy::Policy;
use apkvouch::policy::Verdict;
use apkvouch::policy::signed_by;
use apkvouch::registry::Registry;
use apkvouch::report::apksigner;
use apkvouch::report::apksigner::Generation;
use apkvouch::scheme::NotChecked;
use apkvouch::scheme::SchemeOutcome;
use apkvouch::verify::MAX_SDK;

use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Lineage;
use crate::builder::Manifest;
use crate::builder::NO_MAX_SDK;
use crate::builder::Pair;
use crate::builder::Signer;
use crate::builder::attribute;
use crate::builder::id;

/// The app's old key, and the two that it hands over to.
struct Keys {
    old: Key,
    classical: Key,
    pqc: Key,
}

fn keys() -> Keys {
    Keys { old: Key::named("ec-p256"), classical: Key::named("ec-p256-2"), pqc: Key::named("ml-dsa-65") }
}

fn app() -> Apk {
    Apk::new().manifest(Manifest::new("com.example.app").min_sdk(28))
}

/// The old key signs for Android before 17, and has signed for both keys of the pair.
fn handed_over(keys: &Keys) -> Apk {
    let to = |key: &Key| Lineage::from(&keys.old).to(key);
    app()
        .v3(Signer::v3(&keys.old))
        .v32(Signer::v32(&keys.classical).lineage(&to(&keys.classical)))
        .v32(Signer::v32(&keys.pqc).lineage(&to(&keys.pqc)))
}

fn verify(apk: &Apk) -> Verification {
    verify_for(apk, None, None)
}

fn verify_for(apk: &Apk, min_sdk: Option<u32>, max_sdk: Option<u32>) -> Verification {
    let mut options = VerifyOptions::default();
    (options.min_sdk, options.max_sdk) = (min_sdk, max_sdk);
    apkvouch::verify(&apk.build(), &options).unwrap()
}

/// For each view: API levels, scheme, certificate digests.
fn views(verification: &Verification) -> Vec<(u32, u32, &'static str, Vec<String>)> {
    let view = |view: &apkvouch::verify::ApiView| {
        let signers = verification.signers_of(view).map(|signer| signer.digest().to_string()).collect();
        (view.min_sdk, view.max_sdk, view.scheme.as_str(), signers)
    };
    verification.views.iter().map(view).collect()
}

fn seen(min: u32, max: u32, scheme: &'static str, key: &Key) -> (u32, u32, &'static str, Vec<String>) {
    (min, max, scheme, vec![key.certificate_digest()])
}

/// The findings of that code, which must not be errors.
fn remarks(verification: &Verification, code: FindingCode) -> Vec<&Finding> {
    assert!(verification.is_verified(), "{:#?}", verification.findings);
    verification.findings.iter().filter(|finding| finding.code == code).collect()
}

/// The verdict against a registry with these allowed sets for the app.
fn verdict(verification: &Verification, sets: &[&[&Key]]) -> Verdict {
    let mut text =
        "schema = 1\nid = \"test\"\n[[subject]]\nid = \"dev\"\nname = \"D\"\nroles = [\"developer\"]\n"
            .to_owned();
    let mut digests: Vec<String> =
        sets.iter().flat_map(|set| set.iter().map(|key| key.certificate_digest())).collect();
    digests.sort();
    digests.dedup();
    for digest in digests {
        writeln!(text, "[[key]]\ncertificate_sha256 = \"{digest}\"\nsubject = \"dev\"").unwrap();
    }
    text += "[[app]]\npackage = \"com.example.app\"\nowner = \"dev\"\n";
    for set in sets {
        let set: Vec<String> = set.iter().map(|key| format!("\"{}\"", key.certificate_digest())).collect();
        writeln!(text, "[[app.signers]]\ncertificates = [{}]", set.join(", ")).unwrap();
    }
    let registry = Registry::parse(&text, "test.toml").unwrap();
    decide(verification, &registry, &Policy::default(), "2026-07-01T00:00:00Z".parse().unwrap()).verdict
}

#[test]
fn android_17_sees_the_post_quantum_certificate() {
    let keys = keys();
    let verification = verify(&handed_over(&keys));
    let expected = [seen(28, 36, "v3", &keys.old), seen(37, MAX_SDK, "v3.2", &keys.pqc)];
    assert_eq!(views(&verification), expected);
    let digest = |key: &Key| key.certificate_digest();
    let names: Vec<String> = verification
        .signer_certificates()
        .iter()
        .map(|certificate| certificate.digest().to_string())
        .collect();
    assert_eq!(names, [digest(&keys.pqc)]);

    let signers = verification.scheme(SchemeId::V32).unwrap().signers();
    assert_eq!((signers.len(), signers[0].classical_partner().is_some()), (2, false));
    let current = &signers[1];
    assert_eq!(current.algorithms(), ["ML_DSA"]);
    assert_eq!(current.classical_partner().unwrap().digest().to_string(), digest(&keys.classical));
    let nodes = |lineage: Option<&apkvouch::identity::Lineage>| -> Vec<String> {
        lineage.unwrap().nodes().iter().map(|node| node.certificate.digest().to_string()).collect()
    };
    // What is proved, and what Android makes of it.
    assert_eq!(nodes(current.lineage()), [digest(&keys.old), digest(&keys.pqc)]);
    assert_eq!(nodes(current.history()), [digest(&keys.old), digest(&keys.classical), digest(&keys.pqc)]);
    let key = current.certificate().key();
    assert_eq!((key.algorithm.as_str(), key.bits), ("ML-DSA-65", 1952 * 8));
}

#[test]
fn android_16_does_not_read_it() {
    let keys = keys();
    let broken = handed_over(&keys).signing_block(|block| block.pair(id::V32).value.truncate(9));
    assert!(!verify(&broken).is_verified());
    let verification = verify_for(&broken, None, Some(36));
    assert_eq!(views(&verification), [seen(28, 36, "v3", &keys.old)]);
    let outcome = &verification.scheme(SchemeId::V32).unwrap().outcome;
    assert!(matches!(outcome, SchemeOutcome::NotChecked(NotChecked::NoVersionInRange)), "{outcome:?}");
}

#[test]
fn where_no_signer_is_for_a_version_older_schemes_decide() {
    let Keys { old, classical, pqc } = keys();
    let range = |min, max| {
        app()
            .v3(Signer::v3(&old))
            .v32(Signer::v32(&classical).sdk(min, max))
            .v32(Signer::v32(&pqc).sdk(min, max))
    };
    let expected = [seen(28, 36, "v3", &old), seen(37, 40, "v3.2", &pqc), seen(41, MAX_SDK, "v3", &old)];
    assert_eq!(views(&verify(&range(37, 40))), expected);
    let verification = verify_for(&range(40, NO_MAX_SDK), None, Some(39));
    assert_eq!(views(&verification), [seen(28, 39, "v3", &old)]);
    let outcome = &verification.scheme(SchemeId::V32).unwrap().outcome;
    assert!(matches!(outcome, SchemeOutcome::NotChecked(NotChecked::NoVersionInRange)), "{outcome:?}");
}

#[test]
fn a_release_and_a_development_release_may_see_different_signers() {
    let Keys { old, classical, pqc } = keys();
    let development = |key: &Key, min: u32| {
        Signer::v32(key).sdk(min, NO_MAX_SDK).attribute(attribute::TARGETS_DEV_RELEASE, &[])
    };
    let v32 = app().v3(Signer::v3(&old)).v32(development(&classical, 38)).v32(development(&pqc, 38));
    let verification = verify(&v32);
    assert_eq!(views(&verification), [seen(28, 38, "v3", &old), seen(38, MAX_SDK, "v3.2", &pqc)]);
    let remarks = remarks(&verification, FindingCode::V32DevReleaseUnprotected);
    assert_eq!(remarks[0].location.api_levels, Some((38, 38)));

    let heir = development(&classical, 33).lineage(&Lineage::from(&old).to(&classical));
    let v31 = app().v3(Signer::v3(&old).sdk(24, 33)).v31(heir);
    let expected = [seen(28, 33, "v3", &old), seen(33, MAX_SDK, "v3.1", &classical)];
    assert_eq!(views(&verify(&v31)), expected);
    assert_eq!(views(&verify_for(&v31, Some(34), None)), [seen(34, MAX_SDK, "v3.1", &classical)]);
}

#[test]
fn a_signer_that_is_not_looked_at_is_never_passed_over() {
    let Keys { old, classical, pqc } = keys();
    let later = |key: &Key| Signer::v32(key).sdk(41, NO_MAX_SDK);
    let apk = app()
        .v3(Signer::v3(&old))
        .v32(later(&classical))
        .v32(later(&pqc))
        .v32(Signer::v32(&classical).sdk(37, 40))
        .v32(Signer::v32(&pqc).sdk(37, 40));
    for (cap, verified) in [(4, true), (3, false), (2, false)] {
        let mut options = VerifyOptions::default();
        options.limits.v3_signers = cap;
        // Up to 40 the first two are for other versions: with them alone v3.0 would seem to decide.
        options.max_sdk = Some(40);
        let verification = apkvouch::verify(&apk.build(), &options).unwrap();
        assert_eq!(verification.is_verified(), verified, "{cap}");
        let codes: Vec<FindingCode> = verification
            .findings
            .iter()
            .filter(|finding| finding.is_error())
            .map(|finding| finding.code)
            .collect();
        assert_eq!(codes.contains(&FindingCode::LimitExceeded), !verified, "{codes:?}");
    }
}

#[test]
fn a_registered_key_hands_over_to_both_keys_that_it_has_signed_for() {
    let keys = keys();
    let verification = verify(&handed_over(&keys));
    assert_eq!(verdict(&verification, &[&[&keys.old]]), Verdict::Authenticated);
    assert_eq!(verdict(&verification, &[&[&Key::named("rsa-2048")]]), Verdict::Counterfeit);
}

#[test]
fn a_copied_signer_speaks_for_nobody_else_s_key() {
    // What anybody can do to an app that its developer has signed with v3.0 alone: copy that signer, and set a key of
    // one's own beside it.
    let (developer, stranger) = (Key::named("ec-p256"), Key::named("ml-dsa-65-2"));
    let signed = || Signer::v3(&developer).no_stripping_protection();
    let honest = app().v3(signed()).build();
    let forged = app().v3(signed()).v32(signed()).v32(Signer::v3(&stranger));
    let verification = verify(&forged);
    // The honest signer stands in both blocks, byte for byte: behind the id and the length of the list.
    let at = honest.windows(4).position(|four| four == id::V3.to_le_bytes()).unwrap();
    let len = usize::try_from(u64::from_le_bytes(honest[at - 8..at].try_into().unwrap())).unwrap();
    let signer = &honest[at + 8..at + len];
    assert_eq!(forged.build().windows(signer.len()).filter(|window| *window == signer).count(), 2);
    assert_eq!(views(&verification)[1], seen(37, MAX_SDK, "v3.2", &stranger));
    assert_eq!(remarks(&verification, FindingCode::V32SdkAttributeMissing).len(), 1);
    assert_eq!(verdict(&verification, &[&[&developer]]), Verdict::Unauthenticated);
    let pins = |keys: &[&Key]| keys.iter().map(|key| key.certificate_digest().parse().unwrap()).collect();
    assert!(signed_by(&verification, &pins(&[&developer])).is_err());
    assert!(signed_by(&verification, &pins(&[&stranger])).is_err());
    // Its developer may do the same, and say so.
    assert_eq!(verdict(&verification, &[&[&developer, &stranger]]), Verdict::Authenticated);
    assert_eq!(signed_by(&verification, &pins(&[&developer, &stranger])), Ok(()));
}

#[test]
fn no_byte_of_the_block_may_change() {
    let bytes = handed_over(&keys()).build();
    let at = bytes.windows(4).position(|four| four == id::V32.to_le_bytes()).unwrap();
    let len = usize::try_from(u64::from_le_bytes(bytes[at - 8..at].try_into().unwrap())).unwrap();
    // The id and the value: without the id the block is gone, which v3.0 notices.
    for place in (at..at + len).step_by(23) {
        let mut changed = bytes.clone();
        changed[place] ^= 0x10;
        let verification = apkvouch::verify(&changed, &VerifyOptions::default()).unwrap();
        assert!(!verification.is_verified(), "byte {place}");
    }
}

#[test]
fn a_pair_of_an_unknown_scheme_is_not_passed_over() {
    let keys = keys();
    let with_pair = |number: u32, change: fn(&mut Vec<u8>)| {
        let apk = app().v3(Signer::v3(&keys.old)).signing_block(move |block| {
            let mut value = block.pair(id::V3).value.clone();
            change(&mut value);
            block.pairs.insert(0, Pair::new(number, value));
        });
        let verification = verify(&apk);
        remarks(&verification, FindingCode::NewerSchemePresent).len()
    };
    assert_eq!(with_pair(0x1234_5678, |_| {}), 1);
    assert_eq!(with_pair(0x1234_5678, |value| value.extend([0; 9])), 1);
    assert_eq!(with_pair(0x7177_7777, |_| {}), 0, "a channel that has a name");
    // No certificate in it, no signers, no list.
    assert_eq!(with_pair(0x1234_5678, |value| value.iter_mut().skip(60).for_each(|byte| *byte = 0)), 0);
    assert_eq!(with_pair(0x1234_5678, |value| *value = vec![0; 12]), 0);
    assert_eq!(with_pair(0x1234_5678, |value| *value = b"channel=x".to_vec()), 0);
    assert!(remarks(&verify(&handed_over(&keys)), FindingCode::NewerSchemePresent).is_empty());
}

#[test]
fn the_announcement_is_a_note_and_its_absence_a_warning() {
    let keys = keys();
    let verification = verify(&handed_over(&keys));
    let details: Vec<&str> = remarks(&verification, FindingCode::V32Announced)
        .iter()
        .map(|finding| finding.detail.as_str())
        .collect();
    assert_eq!(details, ["0xbf940529, from API level 37", "0x9f06b79c, up to API level 2147483647"]);
    assert!(remarks(&verification, FindingCode::V32SdkAttributeMissing).is_empty());
    let silent = |old: Signer| {
        let apk = app()
            .v3(old.no_stripping_protection())
            .v32(Signer::v32(&keys.classical))
            .v32(Signer::v32(&keys.pqc));
        remarks(&verify(&apk), FindingCode::V32SdkAttributeMissing).len()
    };
    assert_eq!(silent(Signer::v3(&keys.old)), 1);
    // Without the pair nothing would be left for Android 17, so it cannot be stripped.
    assert_eq!(silent(Signer::v3(&keys.old).sdk(24, 36)), 0);
}

#[test]
fn each_apksigner_speaks_of_what_it_knows() {
    let keys = keys();
    let verification = verify(&handed_over(&keys));
    assert!(verification.findings.iter().all(|finding| finding.severity == Severity::Note));
    let say = |generation: Generation| {
        let mut options = apksigner::Options::default();
        (options.generation, options.verbose, options.certificates) = (generation, true, true);
        let mut out = Vec::new();
        assert_eq!(apksigner::write(&verification, &options, &mut out, &mut Vec::new()).unwrap(), 0);
        String::from_utf8(out).unwrap()
    };
    for generation in [Generation::V31, Generation::V36] {
        let text = say(generation);
        let warnings: Vec<&str> = text.lines().filter(|line| line.starts_with("WARNING: ")).collect();
        assert_eq!(warnings.len(), 2, "{text}");
        for (warning, id) in warnings.iter().zip(["0xbf940529", "0x9f06b79c"]) {
            assert!(warning.starts_with("WARNING: APK Signature Scheme v3 signer #1: "), "{warning}");
            assert!(warning.contains(id), "{warning}");
        }
        assert!(!text.contains("v3.2") && text.contains("Signer #1 certificate DN: CN=ec-p256\n"), "{text}");
    }
    let text = say(Generation::V37);
    assert!(!text.contains("WARNING"), "{text}");
    let names: Vec<&str> = text.lines().filter(|line| line.contains(" certificate DN: ")).collect();
    assert_eq!(
        names,
        [
            "V3.2 Hybrid Classical Signer: (minSdkVersion=37, maxSdkVersion=2147483647) certificate DN: \
             CN=ec-p256-2",
            "V3.2 Hybrid PQC Signer: (minSdkVersion=37, maxSdkVersion=2147483647) certificate DN: CN=ml-dsa-65",
            "V3.0 Signer: (minSdkVersion=24, maxSdkVersion=2147483647) certificate DN: CN=ec-p256",
        ]
    );
    assert!(text.contains("maxSdkVersion=2147483647) key algorithm: ML-DSA\n"), "{text}");
    assert!(text.contains("maxSdkVersion=2147483647) key size (bits): n/a\n"), "{text}");
}

/// What a v3.0 signer says of the v3.2 block concerns Android 17, and a range that ends there too.
#[test]
fn an_announcement_counts_from_the_first_version_that_reads_it() {
    for (case, code) in [
        ("no-attribute", "v32-sdk-attribute-missing"),
        ("min-attribute-mismatch", "v32-sdk-attribute-mismatch"),
    ] {
        let apk = std::fs::read(format!("testdata/v32/{case}/app.apk")).unwrap();
        let told = |max_sdk| {
            let mut options = VerifyOptions::default();
            options.max_sdk = Some(max_sdk);
            let judged = apkvouch::verify(&apk, &options).unwrap();
            judged.findings.iter().any(|finding| finding.code.as_str() == code)
        };
        assert_eq!([36, 37, 38].map(told), [false, true, true], "{case}");
    }
}
