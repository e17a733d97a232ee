//! A source stamp: the value of its pair, of the first form where the first byte is odd.

use std::sync::LazyLock;

use apkvouch::format::signing_block::BlockId;
use apkvouch::format::source_stamp;
use apkvouch::format::source_stamp::SourceStamp;
use apkvouch::verify::verify_source_stamp;

use super::archive::Skeleton;
use super::archive::options;

static SKELETON: LazyLock<Skeleton> = LazyLock::new(|| Skeleton::of("stamp/honest"));
static FIRST: LazyLock<Skeleton> = LazyLock::new(|| Skeleton::of("stamp/first-form"));

pub fn run(bytes: &[u8]) {
    let Some((form, value)) = bytes.split_first() else { return };
    read(value);
    let file = if form % 2 == 0 {
        SKELETON.with_pairs(&[(BlockId::SOURCE_STAMP_V2.0, value)])
    } else {
        FIRST.with_pairs(&[(BlockId::SOURCE_STAMP_V1.0, value)])
    };
    let options = options();
    let stamp = verify_source_stamp(&file, &options, None).unwrap();
    assert!(!stamp.is_verified() || stamp.certificate().is_some());
    // A stamp, whatever is wrong with it, is nothing to the app's own signature. One in eight, since that takes long.
    if value.len().is_multiple_of(8) {
        assert!(apkvouch::verify(&file, &options).unwrap().is_verified());
    }
}

fn read(value: &[u8]) {
    let Ok(mut stamp) = SourceStamp::parse(value) else { return };
    assert!(stamp.certificate.len() <= value.len());
    let _ = stamp.signatures();
    let Ok(mut schemes) = stamp.schemes() else { return };
    while !schemes.is_empty() {
        let before = schemes.remaining();
        let Ok(_) = source_stamp::next_scheme(&mut schemes) else { break };
        assert!(schemes.remaining() < before);
    }
    if let Ok(Some(attributes)) = stamp.attributes() {
        let _ = attributes.list();
    }
    assert!(stamp.unread() <= value.len());
}
