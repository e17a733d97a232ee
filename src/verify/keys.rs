//! What the keys and certificates of verified signers are worth, beyond that they verify.

use crate::Limits;
use crate::crypto::KeyKind;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::finding::Severity;
use crate::format::x509;
use crate::identity::Certificate;
use crate::scheme::Proof;
use crate::scheme::SchemeResult;
use crate::scheme::VerifiedSigner;

/// Certificates whose private keys are published, SHA-256 and name.
///
/// Source: AOSP `platform/build`, `target/product/security`; React Native, `template/android/app/debug.keystore`.
const PUBLIC_KEYS: &[(&str, &str)] = &[
    ("a40da80a59d170caa950cf15c18c454d47a39b26989d8b640ecd745ba71bf5dc", "AOSP's testkey"),
    ("c8a2e9bccf597c2fb6dc66bee293fc13f2fc47ec77bc6b2b0d52c11f51192ab8", "AOSP's platform"),
    ("28bbfe4a7b97e74681dc55c2fbb6ccb8d6c74963733f6af6ae74d8c3a6e879fd", "AOSP's shared"),
    ("465983f7791f2abeb43ea2cbdc7f21a8260b72bc08a55c839fc1a43bc741a81e", "AOSP's media"),
    ("e1dbadce60dc080d15b58a014b0dcf9400e24de23fa00b287a5a982bfebda2ee", "AOSP's networkstack"),
    ("a6ccc500ff0e7421200eb66a7fe174ef1b00e52ca91727070cbedf061ff76c35", "AOSP's bluetooth"),
    ("fae9122a8721d6e2a196d2224dffcf773c9127e2bb956cbddb40b009192ffdfd", "AOSP's nfc"),
    ("abf21f9e2af1d881cc673fddcefa6ed9c269a437bd64b279cf45844cfd589126", "AOSP's sdk_sandbox"),
    ("ce7b2b47ae2b7552c8f92cc29124279883041fb623a5f194a82c9bf15d492aa0", "AOSP's cts_uicc_2021"),
    (
        "fac61745dc0903786fb9ede62a962b399f7348f0bb6f899b8332667591033b9c",
        "the debug key of React Native's app template",
    ),
];

/// RSA keys below this size are made no more.
const RSA_BITS: usize = 2048;
/// RSA keys below this size can be factored by whoever wants to.
const RSA_BITS_BROKEN: usize = 1024;
/// The smallest RSA exponent that is made today.
const RSA_EXPONENT: u64 = 65_537;

/// Adds what there is to say of each certificate that signs the app, once.
pub(super) fn report(proof: &mut Proof, limits: &Limits) {
    let mut findings = Vec::new();
    let mut seen: Vec<&Certificate> = Vec::new();
    let of_app = proof.schemes.iter().filter(|result| result.scheme != SchemeId::SourceStamp);
    for signer in of_app.flat_map(SchemeResult::signers) {
        let certificate = signer.certificate();
        if !seen.contains(&certificate) {
            seen.push(certificate);
            check(signer, limits, &mut findings);
        }
    }
    proof.findings.append(&mut findings);
}

fn check(signer: &VerifiedSigner, limits: &Limits, findings: &mut Vec<Finding>) {
    let digest = signer.digest().to_string();
    let finding = |code| Finding::new(code).scheme(signer.scheme()).signer(signer.place().clone());
    let Ok(certificate) = x509::Certificate::parse(signer.certificate().der(), limits) else { return };
    if let Some((_, name)) = PUBLIC_KEYS.iter().find(|(public, _)| *public == digest) {
        findings.push(finding(FindingCode::TestKey).detail(format!("it is {name}")));
    } else if x509::is_android_debug_subject(certificate.subject, limits) {
        findings.push(finding(FindingCode::DebugCertificate));
    }
    let Ok(key) = KeyKind::of_certificate(certificate.public_key_info, limits) else { return };
    if let Some((weakness, severity)) = weakness(key) {
        findings.push(finding(FindingCode::WeakKey).with_severity(severity).detail(weakness));
    }
}

/// What is weak about a key. A note where honest old apps have such keys, since theirs cannot be changed.
fn weakness(key: KeyKind) -> Option<(String, Severity)> {
    match key {
        KeyKind::Rsa { bits, .. } if bits < RSA_BITS_BROKEN => {
            Some((format!("RSA of {bits} bits, which can be factored"), Severity::Warning))
        }
        KeyKind::Rsa { bits, .. } if bits < RSA_BITS => Some((format!("RSA of {bits} bits"), Severity::Note)),
        KeyKind::Rsa { exponent, .. } if exponent < RSA_EXPONENT => {
            Some((format!("RSA with exponent {exponent}"), Severity::Note))
        }
        KeyKind::Dsa { bits, .. } => Some((format!("DSA of {bits} bits"), Severity::Note)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Curve;
    use crate::registry::built_in_denied;

    #[test]
    fn public_keys_are_those_that_are_always_denied() {
        let mut denied: Vec<String> = built_in_denied().map(|key| key.certificate.to_string()).collect();
        let mut ours: Vec<&str> = PUBLIC_KEYS.iter().map(|(digest, _)| *digest).collect();
        denied.sort();
        ours.sort_unstable();
        assert_eq!(ours, denied);
    }

    #[test]
    fn old_keys_are_noted_and_broken_ones_warned_of() {
        let rsa = |bits, exponent| weakness(KeyKind::Rsa { bits, exponent }).map(|(_, severity)| severity);
        assert_eq!(rsa(2048, 65_537), None);
        assert_eq!(rsa(2047, 65_537), Some(Severity::Note));
        assert_eq!(rsa(1024, 3), Some(Severity::Note));
        assert_eq!(rsa(1023, 65_537), Some(Severity::Warning));
        assert_eq!(rsa(4096, 3), Some(Severity::Note));
        let dsa = KeyKind::Dsa { bits: 3072, subgroup_bits: 256 };
        assert_eq!(weakness(dsa), Some(("DSA of 3072 bits".to_owned(), Severity::Note)));
        assert_eq!(weakness(KeyKind::Ec { curve: Curve::P256 }), None);
    }
}
