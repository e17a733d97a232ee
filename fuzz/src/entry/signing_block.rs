//! The pairs of a signing block, in a frame that fits or, where the first byte is odd, with a frame of their own.

use std::sync::LazyLock;

use apkvouch::Limits;
use apkvouch::apk::Apk;
use apkvouch::marks;
use apkvouch::marks::MarkOptions;

use super::archive::Skeleton;
use super::archive::options;

static SKELETON: LazyLock<Skeleton> = LazyLock::new(|| Skeleton::of("v2/honest"));

pub fn run(bytes: &[u8]) {
    let Some((how, block)) = bytes.split_first() else { return };
    let framed = how % 2 == 0;
    let file = if framed { SKELETON.with_area(block) } else { SKELETON.with_block(block) };
    let limits = Limits::default();
    let apk = Apk::open(&file, &limits).unwrap();
    let found = apk.signing_block().unwrap();
    assert!(!framed || found.is_some_and(|found| !found.unusable));
    if let Some(found) = found {
        assert!(found.offset + found.size == apk.sections().cd_offset);
        assert!(framed || found.unusable || found.size <= block.len() as u64 || found.offset == 0);
        let mut end = found.offset + 8;
        for pair in &found.pairs {
            assert_eq!(found.value_offset(*pair), end + 12);
            end += 12 + pair.len;
        }
        assert!(end <= apk.sections().cd_offset.saturating_sub(24).max(found.offset + 8));
    }
    drop(marks::read_apk(&apk, &MarkOptions::default()).unwrap());
    let _ = apkvouch::verify(&file, &options()).unwrap();
}
