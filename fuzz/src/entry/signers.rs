//! Signer records of v2, v3, v3.1 and v3.2: the value of a pair, which the first byte puts under one id.

use std::sync::LazyLock;

use apkvouch::format::signer;
use apkvouch::format::signer::SignedData;
use apkvouch::format::signer::Signer;
use apkvouch::format::signer::SignerLayout;
use apkvouch::format::signing_block::BlockId;

use super::archive::Skeleton;
use super::archive::options;

/// Which pair the value is put into, and in which APK, whose other pairs stay.
const PLACES: [(BlockId, &str); 8] = [
    (BlockId::V2, "v2/honest"),
    (BlockId::V3, "v3/honest"),
    (BlockId::V3_1, "v31/honest"),
    (BlockId::V3_2, "v32/honest"),
    (BlockId::V2, "v3/with-v2"),
    (BlockId::V3, "v31/honest"),
    (BlockId::V3, "v3/rotated"),
    (BlockId::V3_2, "v32/beside-v31"),
];

static SKELETONS: LazyLock<Vec<(BlockId, Skeleton)>> =
    LazyLock::new(|| PLACES.iter().map(|(id, case)| (*id, Skeleton::of(case))).collect());

pub fn run(bytes: &[u8]) {
    let Some((place, value)) = bytes.split_first() else { return };
    for layout in [SignerLayout::V2, SignerLayout::V3] {
        read(value, layout);
    }
    let (id, skeleton) = &SKELETONS[usize::from(*place) % SKELETONS.len()];
    let file = skeleton.with_pairs(&[(id.0, value)]);
    let verification = apkvouch::verify(&file, &options()).unwrap();
    assert!(verification.findings.len() < 4100);
}

/// Reads every record of every signer; each takes up bytes.
fn read(value: &[u8], layout: SignerLayout) {
    let Ok((mut list, _)) = signer::signer_list(value) else { return };
    while !list.is_empty() {
        let before = list.remaining();
        let Ok(signer) = Signer::next(&mut list, layout) else { return };
        assert!(list.remaining() < before);
        let _ = signer::trailing_in_signatures(&signer);
        let mut signatures = signer.signatures;
        while !signatures.is_empty() && signer::next_record(&mut signatures).is_ok() {}
        let Ok(mut data) = SignedData::parse(signer.signed_data, layout) else { continue };
        while !data.digests.is_empty() && signer::next_record(&mut data.digests).is_ok() {}
        let _ = signer::first_certificate(&mut { data.certificates });
        while !data.certificates.is_empty() && signer::next_certificate(&mut data.certificates).is_ok() {}
        while !data.attributes.is_empty() && signer::next_attribute(&mut data.attributes).is_ok() {}
    }
}
