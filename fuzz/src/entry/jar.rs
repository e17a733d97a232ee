//! A manifest and a signature file, divided by a zero byte: as text, and in an APK.

use std::sync::LazyLock;

use apkvouch::format::jar;
use apkvouch::format::jar::Manifest;
use apkvouch::format::strict_jar::Reader;

use super::archive::Skeleton;
use super::archive::options;

static SKELETON: LazyLock<Skeleton> = LazyLock::new(|| Skeleton::of("v1/honest"));

pub fn run(bytes: &[u8]) {
    read(bytes);
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let (Some(manifest), signature_file) = (parts.next(), parts.next()) else { return };
    let mut contents = vec![("META-INF/MANIFEST.MF", manifest)];
    contents.extend(signature_file.map(|file| ("META-INF/CERT.SF", file)));
    let file = SKELETON.with_entries(&contents);
    let _ = apkvouch::verify(&file, &options()).unwrap();
}

fn read(bytes: &[u8]) {
    let manifest = Manifest::parse(bytes);
    let mut end = 0;
    for section in manifest.main().into_iter().chain(manifest.sections()) {
        assert!(section.offset >= end, "sections stand one behind the other");
        end = section.offset + section.bytes.len();
        assert!(end <= bytes.len());
        let name = section.name();
        let first = section.attributes().find(|attribute| jar::equals_ignoring_case(&attribute.name, "Name"));
        assert!(first.is_some() || name.is_none());
        for attribute in section.attributes().take(64) {
            assert!(section.get(&attribute.name).is_some());
            if let Some(digest) = jar::decode_base64(&attribute.value) {
                assert!(digest.len() <= attribute.value.len());
            }
        }
    }
    let mut reader = Reader::new(bytes);
    let mut before = 0;
    while let Ok(Some(attribute)) = reader.next_attribute() {
        assert!(attribute.value.len() <= bytes.len());
        assert!(reader.offset() > before, "each attribute takes up bytes");
        before = reader.offset();
    }
}
