//! Caps that Android does not have: a file that reaches one is never believed for what stands before it.

mod builder;

use apkvouch::Verification;
use apkvouch::VerifyOptions;
use apkvouch::finding::FindingCode;
use builder::Apk;
use builder::Key;
use builder::Lineage;
use builder::NO_MAX_SDK;
use builder::Pair;
use builder::Signer;
use builder::V1;

#[expect(clippy::unwrap_used, reason = "bytes in memory can be read")]
fn verify(apk: &Apk) -> Verification {
    apkvouch::verify(&apk.build(), &VerifyOptions::default()).unwrap()
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
