//! What Google Play adds to an APK: the value of its pair.

use std::sync::LazyLock;

use apkvouch::format::frosting::Frosting;
use apkvouch::format::signing_block::BlockId;
use apkvouch::marks;
use apkvouch::marks::MarkOptions;
use apkvouch::marks::MarkState;

use super::archive::Skeleton;

static SKELETON: LazyLock<Skeleton> = LazyLock::new(|| Skeleton::of("marks/frosting"));

pub fn run(bytes: &[u8]) {
    if let Ok(frosting) = Frosting::parse(bytes) {
        assert!(frosting.info.len() + frosting.trailing.len() <= bytes.len());
        assert!(frosting.disabled <= bytes.len());
    }
    let file = SKELETON.with_pairs(&[(BlockId::PLAY_FROSTING.0, bytes)]);
    let marks = marks::read(&file, &MarkOptions::default()).unwrap();
    // Nobody but Google signs it; that of the skeleton is by a key of the tests, which nobody trusts unasked.
    assert!(marks.marks.iter().all(|mark| mark.state != MarkState::Verified));
}
