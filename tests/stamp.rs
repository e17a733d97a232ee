//! Source stamps that were tampered with: the app stays what it is, and no such stamp is believed.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "test code: what cannot be built is to stop the test"
)]

use apkvouch::Verification;
use apkvouch::VerifyOptions;
use apkvouch::finding::SchemeId;
use apkvouch::verify::verify_source_stamp;

use crate::builder;
use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Lineage;
use crate::builder::Signer;
use crate::builder::SourceStamp;
use crate::builder::id;

fn stamped(change: impl Fn(SourceStamp) -> SourceStamp) -> Vec<u8> {
    let [signer, old, new] = ["ec-p256", "ec-p256-2", "ec-p256-3"].map(Key::named);
    let stamp = SourceStamp::by(&new).time(1_700_000_000).lineage(&Lineage::from(&old).to(&new));
    Apk::new().v2(Signer::v2(&signer)).stamp(change(stamp)).build()
}

/// The app verifies, whatever becomes of the stamp; whether the stamp does, asked in both ways.
fn stamp_verifies(apk: &[u8]) -> bool {
    let verification = verify(apk);
    assert!(verification.is_verified(), "{:?}", verification.findings);
    assert_eq!(verification.signer_certificates().len(), 1);
    assert!(verification.claimed_certificates().is_empty());
    let stamp = verification.scheme(SchemeId::SourceStamp).unwrap();
    let alone = verify_source_stamp(&apk, &VerifyOptions::default(), None).unwrap();
    assert_eq!(stamp.is_verified(), alone.is_verified(), "{:?}", alone.findings);
    assert_eq!(verification.stamp_timestamp, alone.timestamp);
    stamp.is_verified()
}

fn verify(apk: &[u8]) -> Verification {
    apkvouch::verify(&apk, &VerifyOptions::default()).unwrap()
}

/// Where the value of the stamp's pair lies.
fn pair(apk: &[u8]) -> std::ops::Range<usize> {
    let at = apk.windows(4).position(|window| window == id::SOURCE_STAMP_V2.to_le_bytes()).unwrap();
    let len = u64::from_le_bytes(apk[at - 8..at].try_into().unwrap());
    at + 4..at + usize::try_from(len).unwrap()
}

#[test]
fn no_prefix_of_a_stamp_verifies() {
    let whole = stamped(|stamp| stamp);
    assert!(stamp_verifies(&whole));
    for len in (0..pair(&whole).len()).step_by(3) {
        let cut = stamped(|stamp| stamp.bytes(move |bytes| bytes.truncate(len)));
        assert!(!stamp_verifies(&cut), "cut at {len}");
    }
}

#[test]
fn no_flipped_bit_of_a_stamp_verifies() {
    let whole = stamped(|stamp| stamp);
    for (number, place) in pair(&whole).enumerate() {
        let mut flipped = whole.clone();
        flipped[place] ^= 1 << (number % 8);
        assert!(!stamp_verifies(&flipped), "bit {} of byte {number}", number % 8);
    }
}

#[test]
fn a_stamp_does_not_move_to_another_app() {
    let whole = stamped(|stamp| stamp);
    let other =
        Apk::new().file("classes.dex", b"dex\n035\0other code").v2(Signer::v2(&Key::named("ec-p256")));
    let value = whole[pair(&whole)].to_vec();
    let digest = builder::Hash::Sha256.digest(&Key::named("ec-p256-3").certificate);
    let apk = other
        .file(builder::source_stamp::ENTRY, &digest)
        .signing_block(move |block| {
            block.pairs.push(builder::Pair::new(id::SOURCE_STAMP_V2, value.clone()));
        })
        .build();
    assert!(!stamp_verifies(&apk));
}
