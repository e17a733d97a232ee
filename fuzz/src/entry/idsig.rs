//! A v4 signature file beside an APK that is signed.

use std::fs;
use std::sync::LazyLock;

use apkvouch::Idsig;
use apkvouch::format::idsig;
use apkvouch::format::idsig::V4Signature;

use super::archive::options;
use super::archive::testdata;

static APK: LazyLock<Vec<u8>> = LazyLock::new(|| fs::read(testdata().join("v4/honest/app.apk")).unwrap());

pub fn run(bytes: &[u8]) {
    let _ = idsig::version(bytes);
    let _ = idsig::tree_len(bytes, 0);
    let parsed = V4Signature::parse(bytes);
    if let Ok(signature) = &parsed {
        assert!(signature.size <= bytes.len() as u64);
        let signed = signature.signed_data(4096, &signature.signing_info);
        assert!(signed.len() <= bytes.len() + 64);
    }
    // Of those that cannot be read, one in eight, since the APK takes long.
    if parsed.is_err() && !bytes.len().is_multiple_of(8) {
        return;
    }
    let file = Idsig::new(&bytes, "app.apk.idsig");
    let verification = apkvouch::verify_with_idsig(&*APK, &file, &options()).unwrap();
    // Whatever the file says, the APK beside it is the one that is signed.
    assert!(!verification.is_verified() || verification.package() == Some("com.example.app"));
}
