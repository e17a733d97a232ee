//! A binary `AndroidManifest.xml`: by itself, and in an APK.

use std::sync::LazyLock;

use apkvouch::Limits;
use apkvouch::apk::Apk;
use apkvouch::format::axml::Event;
use apkvouch::format::axml::Reader;

use super::archive::Skeleton;
use super::archive::options;

static SKELETON: LazyLock<Skeleton> = LazyLock::new(|| Skeleton::of("identity/references"));

pub fn run(bytes: &[u8]) {
    read(bytes);
    let file = SKELETON.with_entries(&[("AndroidManifest.xml", bytes)]);
    let limits = Limits::default();
    let apk = Apk::open(&file, &limits).unwrap();
    let _ = apk.identity();
    let verification = apkvouch::verify(&file, &options()).unwrap();
    assert!(!verification.is_verified(), "nobody signed it");
}

fn read(bytes: &[u8]) {
    let Ok(mut reader) = Reader::new(bytes) else { return };
    let mut events = 0;
    while let Ok(Some(event)) = reader.next_event() {
        events += 1;
        let Event::Start(element) = event else { continue };
        let _ = element.name.decode();
        assert!(element.depth <= events);
        for attribute in element.attributes().take(64) {
            let _ = (attribute.name(), attribute.namespace(), attribute.value());
            let _ = (attribute.text_by_name(), attribute.raw_text(), attribute.raw_value());
        }
    }
    // Each event is a chunk of 8 bytes at least.
    assert!(events <= bytes.len() / 8);
}
