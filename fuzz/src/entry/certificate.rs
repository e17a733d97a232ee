//! A certificate: its fields, its names, its key.

use apkvouch::Limits;
use apkvouch::crypto;
use apkvouch::crypto::KeyKind;
use apkvouch::format::x509;
use apkvouch::format::x509::CanonicalName;
use apkvouch::format::x509::Certificate;

pub fn run(bytes: &[u8]) {
    let limits = Limits::default();
    // Its texts are as they stand in the certificate; reports escape them (tests/hostile.rs).
    let _ = x509::describe(bytes, &limits);
    let Ok(certificate) = Certificate::parse(bytes, &limits) else { return };
    assert!(certificate.raw == bytes && bytes.ends_with(certificate.trailing));
    assert!(
        x509::names_equal(certificate.subject, certificate.subject, &limits)
            == CanonicalName::of(certificate.subject, &limits).is_some()
    );
    assert!(x509::serial_equal(certificate.serial, certificate.serial));
    let _ = x509::names_equal(certificate.subject, certificate.issuer, &limits);
    let _ = x509::distinguished_name(certificate.issuer, &limits);
    let _ = x509::is_android_debug_subject(certificate.subject, &limits);
    let _ = certificate.key_usage().map(x509::KeyUsage::allows_signing);
    let _ = certificate.has_unsupported_critical_extension();
    for extension in certificate.extensions.iter().take(64) {
        let _ = (extension.oid.to_string(), certificate.extension(extension.oid));
    }
    let kind = KeyKind::of_certificate(certificate.public_key_info, &limits);
    let key = crypto::certificate_key(certificate.public_key_info, &limits);
    if let (Ok(kind), Ok(key)) = (kind, key) {
        assert_eq!(kind, key.kind());
    }
}
