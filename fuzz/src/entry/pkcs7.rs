//! A PKCS #7 signature block: by itself, and as the one in an APK.

use std::sync::LazyLock;

use apkvouch::Limits;
use apkvouch::format::pkcs7::SignedData;

use super::archive::Skeleton;
use super::archive::options;

static SKELETON: LazyLock<Skeleton> = LazyLock::new(|| Skeleton::of("v1/honest"));

pub fn run(bytes: &[u8]) {
    let limits = Limits::default();
    let Ok(data) = SignedData::parse(bytes, &limits) else { return };
    assert!(data.signer_infos.len() <= bytes.len());
    assert!(bytes.ends_with(data.trailing));
    let certificates = data.certificates.iter().flatten().map(|raw| raw.len());
    assert!(certificates.sum::<usize>() <= bytes.len());
    for info in data.signer_infos.iter().take(64) {
        let Some(raw) = &info.signed_attributes else { continue };
        assert_eq!(raw.signed_bytes().concat().len(), raw.as_bytes().len());
        let Ok(attributes) = raw.parse(&limits) else { continue };
        let _ = attributes.content_type();
        let _ = attributes.message_digest();
    }
    let file = SKELETON.with_entries(&[("META-INF/CERT.EC", bytes)]);
    let _ = apkvouch::verify(&file, &options()).unwrap();
}
