//! Caps that Android does not have: a file that reaches one is never believed for what stands before it.

use crate::builder;
use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Lineage;
use crate::builder::NO_MAX_SDK;
use crate::builder::Pair;
use crate::builder::Signer;
use crate::builder::V1;
use apkvouch::Verification;
use apkvouch::VerifyOptions;
use apkvouch::finding::FindingCode;

fn verify(apk: &Apk) -> Verification {
    verify_with(&apk.build(), &VerifyOptions::default())
}

#[expect(clippy::unwrap_used, reason = "bytes in memory can be read")]
fn verify_with(apk: &[u8], options: &VerifyOptions) -> Verification {
    apkvouch::verify(&apk, options).unwrap()
}

fn refused_for_a_limit(verification: &Verification) -> bool {
    !verification.is_verified()
        && verification.findings.iter().any(|finding| finding.code == FindingCode::LimitExceeded)
}

/// A v1 file with a stranger's v2 behind that many pairs that mean nothing: Android 7 and newer see the stranger.
fn behind(pairs: usize) -> Verification {
    let (victim, stranger) = (Key::named("ec-p256"), Key::named("ec-p256-3"));
    let dummies = move |block: &mut builder::SigningBlock| {
        let dummy = |_| Pair::new(0x0102_0304, Vec::new());
        block.pairs.splice(0..0, (0..pairs).map(dummy));
    };
    verify(&Apk::new().v1(V1::by(&victim)).v2(Signer::v2(&stranger)).signing_block(dummies))
}

#[test]
fn what_stands_behind_too_many_pairs_is_not_taken_for_absent() {
    assert!(refused_for_a_limit(&behind(65_536)));
    let stranger = Key::named("ec-p256-3").certificate_digest();
    let seen: Vec<String> = behind(65_535)
        .signer_certificates()
        .iter()
        .map(|certificate| certificate.digest().to_string())
        .collect();
    assert_eq!(seen, [stranger]);
}

/// As many v3 signers for one level each, and one for the rest.
fn v3_signers(count: u32) -> Verification {
    let (old, new) = (Key::named("ec-p256"), Key::named("ec-p256-2"));
    let lineage = Lineage::from(&old).to(&new);
    let signer = |index: u32| {
        let first = if index == 0 { 24 } else { 27 + index };
        let last = if index == count - 1 { NO_MAX_SDK } else { 27 + index };
        Signer::v3(&new).lineage(&lineage).sdk(first, last)
    };
    let manifest = builder::Manifest::new("com.example.app").min_sdk(28);
    let apk = Apk::new().manifest(manifest);
    verify(&(0..count).fold(apk, |apk, index| apk.v3(signer(index))))
}

#[test]
fn a_v3_signer_beyond_the_limit_is_not_taken_for_absent() {
    let all = v3_signers(64);
    assert!(all.is_verified(), "{:?}", all.findings);
    assert!(refused_for_a_limit(&v3_signers(65)));
}

/// v3 without v2: Android 7 and 8 go by v1, which here is a stranger's and too much to look at.
#[test]
fn a_v1_signature_beyond_a_limit_is_not_taken_for_one_that_counts_for_nobody() {
    let (victim, stranger) = (Key::named("ec-p256"), Key::named("ec-p256-3"));
    let manifest = builder::Manifest::new("com.example.app").min_sdk(24);
    let v1 = V1::by(&stranger).schemes("");
    let apk = Apk::new().manifest(manifest).v1(v1).v3(Signer::v3(&victim)).build();
    let mut options = VerifyOptions::default();
    options.limits.content = 0;
    options.limits.content_ratio = 0;
    assert!(refused_for_a_limit(&verify_with(&apk, &options)));
}

/// One v3 signer with two signatures, whose lineage has two certificates.
fn judged_within(records: usize, lineage: usize) -> Verification {
    let (old, new) = (Key::named("ec-p256"), Key::named("ec-p256-2"));
    let both = [builder::algorithm::ECDSA_SHA256, builder::algorithm::ECDSA_SHA512];
    let signer = Signer::v3(&new).algorithms(&both).lineage(&Lineage::from(&old).to(&new));
    let manifest = builder::Manifest::new("com.example.app").min_sdk(28);
    let mut options = VerifyOptions::default();
    (options.limits.records, options.limits.lineage) = (records, lineage);
    verify_with(&Apk::new().manifest(manifest).v3(signer).build(), &options)
}

#[test]
fn records_and_certificates_beyond_a_limit_are_not_taken_for_malformed_ones() {
    let within = judged_within(2, 2);
    assert!(within.is_verified(), "{:?}", within.findings);
    for (records, lineage) in [(1, 2), (2, 1)] {
        let beyond = judged_within(records, lineage);
        assert!(refused_for_a_limit(&beyond));
        let errors = beyond.findings.iter().filter(|finding| finding.is_error());
        assert_eq!(errors.count(), 1, "{:?}", beyond.findings);
    }
}
