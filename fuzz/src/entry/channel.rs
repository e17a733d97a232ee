//! What channel packers leave in an APK: values of pairs, a comment, a name.

use std::sync::LazyLock;

use apkvouch::Limits;
use apkvouch::format::channel;
use apkvouch::format::code_transparency::CodeTransparency;
use apkvouch::format::jws::Jws;
use apkvouch::format::picture::PictureHeader;
use apkvouch::format::shape::Shape;
use apkvouch::format::signing_block::BlockId;
use apkvouch::marks;
use apkvouch::marks::MarkOptions;

use super::archive::Skeleton;

static SKELETON: LazyLock<Skeleton> = LazyLock::new(|| Skeleton::of("v2/honest"));

pub fn run(bytes: &[u8]) {
    let len = bytes.len();
    if let Ok(pairs) = channel::walle(bytes) {
        assert!(pairs.len() <= len);
    }
    let _ = channel::vasdolly(bytes).map(|text| assert!(text.len() <= len));
    if let Ok((pairs, rest)) = channel::packer_ng(bytes) {
        assert!(pairs.len() + rest.len() <= len);
    }
    let _ = channel::vasdolly_comment(bytes);
    let _ = channel::meta_inf_channel(bytes);
    let _ = Jws::parse(bytes);
    let _ = CodeTransparency::parse(bytes);
    let _ = PictureHeader::parse(bytes);
    let _ = Shape::of(bytes, len as u64).words();
    let ids =
        [BlockId::WALLE_CHANNEL, BlockId::VASDOLLY_CHANNEL, BlockId::PACKER_NG_CHANNEL, BlockId(0x7777_7777)];
    let file = SKELETON.with_pairs(&ids.map(|id| (id.0, bytes)));
    let marks = marks::read(&file, &MarkOptions::default()).unwrap();
    let limits = Limits::default();
    assert!(marks.marks.len() <= limits.marks);
}
