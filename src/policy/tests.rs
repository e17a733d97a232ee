//! Each rule with a case that breaks it and the nearest neighbour that does not.
//!
//! Certificates and keys are numbers: certificate 3 has the digest `0303…`.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::collection::btree_set;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest::test_runner::RngAlgorithm;
use proptest::test_runner::TestRng;
use proptest::test_runner::TestRunner;

use super::Verdict::Authenticated;
use super::Verdict::Counterfeit;
use super::Verdict::Expired;
use super::Verdict::Revoked;
use super::Verdict::Unauthenticated;
use super::*;
use crate::apk::ManifestFacts;
use crate::finding::FindingCode as Code;
use crate::finding::SchemeId;
use crate::finding::Severity;
use crate::identity::Certificate;
use crate::identity::CertificateDigest;
use crate::identity::KeyFacts;
use crate::identity::Lineage;
use crate::identity::LineageNode;
use crate::identity::PrintedDigests;
use crate::scheme::SchemeOutcome;
use crate::scheme::SchemeResult;
use crate::scheme::VerifiedSigner;
use crate::verify::ApiView;
use crate::verify::MAX_SDK;

const APP: &str = "com.example.app";
const NOW: &str = "2026-07-01T12:00:00Z";

fn digest(number: u8) -> CertificateDigest {
    CertificateDigest([number; 32])
}

fn public_key(number: u8) -> [u8; 32] {
    [number ^ 0x80; 32]
}

fn certificate_with_key(number: u8, key: u8) -> Certificate {
    let digests = |sha256| PrintedDigests { sha256, sha1: [0; 20], md5: [0; 16] };
    let key = KeyFacts {
        algorithm: "EC".to_owned(),
        bits: 256,
        digests: digests(public_key(key)),
        spki_sha256: public_key(key),
    };
    Certificate::new(vec![number], digests([number; 32]), key, format!("CN={number}"))
}

fn certificate(number: u8) -> Certificate {
    certificate_with_key(number, number)
}

fn lineage(numbers: &[u8]) -> Lineage {
    let node = |number: &u8| LineageNode {
        certificate: certificate(*number),
        flags: 0x17,
        signature_algorithm: 0x0201,
    };
    Lineage::new(numbers.iter().map(node).collect())
}

/// A signer: its certificate, or the certificates of its lineage, oldest first.
type Signer<'a> = &'a [u8];

/// A verified file of package [`APP`]: for each view the API levels, the scheme and the signers.
fn file(views: &[(u32, u32, SchemeId, &[Signer<'_>])]) -> Verification {
    let mut evidence = Verification {
        file_size: 1,
        status: Status::Verified,
        min_sdk: views.first().map(|view| view.0),
        max_sdk: MAX_SDK,
        claimed_manifest: Some(ManifestFacts {
            package: APP.to_owned(),
            version_code: None,
            version_name: None,
            min_sdk: None,
            target_sdk: 35,
            target_sandbox_version: 1,
            debuggable: false,
            split: crate::apk::SplitFacts::default(),
        }),
        schemes: Vec::new(),
        stamp_timestamp: None,
        views: Vec::new(),
        findings: Vec::new(),
    };
    for (min_sdk, max_sdk, scheme, signers) in views {
        let signers = signers.iter().map(|line| {
            let current = certificate(*line.last().unwrap());
            (current, (line.len() > 1).then(|| lineage(line)))
        });
        add_view(&mut evidence, (*min_sdk, *max_sdk), *scheme, signers.collect());
    }
    evidence
}

fn add_view(
    evidence: &mut Verification,
    levels: (u32, u32),
    scheme: SchemeId,
    signers: Vec<(Certificate, Option<Lineage>)>,
) {
    if evidence.scheme(scheme).is_none() {
        let outcome = SchemeOutcome::Verified(Vec::new());
        evidence.schemes.push(SchemeResult { scheme, outcome, claimed_certificates: Vec::new() });
    }
    let result = evidence.schemes.iter_mut().find(|result| result.scheme == scheme).unwrap();
    let SchemeOutcome::Verified(all) = &mut result.outcome else { panic!("verified above") };
    let first = all.len();
    for (certificate, lineage) in signers {
        all.push(VerifiedSigner::for_tests(scheme, all.len(), certificate, levels, lineage));
    }
    let view =
        ApiView { min_sdk: levels.0, max_sdk: levels.1, scheme, signers: (first..all.len()).collect() };
    evidence.views.push(view);
}

/// A file that all Android versions judge by v2.
fn v2(signers: &[Signer<'_>]) -> Verification {
    file(&[(24, MAX_SDK, SchemeId::V2, signers)])
}

/// A file that all Android versions judge by v3.
fn v3(signer: Signer<'_>) -> Verification {
    file(&[(28, MAX_SDK, SchemeId::V3, &[signer])])
}

/// A file whose versions before 37 see the signer `old`, and the newer ones a v3.2 pair: a classical signer, and a
/// post-quantum one with its lineage.
fn hybrid(old: u8, classical: u8, post_quantum: Signer<'_>) -> Verification {
    let mut evidence = file(&[
        (28, 36, SchemeId::V3, &[&[old]]),
        (37, MAX_SDK, SchemeId::V32, &[&[classical], post_quantum]),
    ]);
    let Some(SchemeOutcome::Verified(pair)) = evidence.schemes.last_mut().map(|result| &mut result.outcome)
    else {
        panic!("two schemes, verified")
    };
    pair[1] = pair[1].clone().beside_for_tests(certificate(classical));
    evidence.views[1].signers = vec![1];
    evidence
}

/// The text of a registry, with a developer `dev`.
struct Text(String);

fn text() -> Text {
    Text("schema = 1\nid = \"test\"\n".to_owned()).subject("dev", "developer")
}

impl Text {
    fn subject(mut self, id: &str, role: &str) -> Self {
        writeln!(self.0, "[[subject]]\nid = \"{id}\"\nname = \"Name of {id}\"\nroles = [\"{role}\"]")
            .unwrap();
        self
    }

    /// A key of `dev`, with further fields.
    fn key(self, number: u8, fields: &str) -> Self {
        self.key_of("dev", number, fields)
    }

    fn key_of(mut self, subject: &str, number: u8, fields: &str) -> Self {
        let certificate = digest(number);
        writeln!(
            self.0,
            "[[key]]\ncertificate_sha256 = \"{certificate}\"\nsubject = \"{subject}\"\n{fields}"
        )
        .unwrap();
        self
    }

    fn rotated(self, number: u8, successor: u8) -> Self {
        self.key(number, &format!("status = \"rotated\"\nreplaced_by = \"{}\"", digest(successor)))
    }

    /// [`APP`], owned by `dev`, with allowed sets.
    fn app(mut self, sets: &[&[u8]]) -> Self {
        writeln!(self.0, "[[app]]\npackage = \"{APP}\"\nowner = \"dev\"").unwrap();
        sets.iter().fold(self, |text, set| text.set(set, ""))
    }

    fn set(mut self, set: &[u8], fields: &str) -> Self {
        let certificates: Vec<String> = set.iter().map(|number| format!("\"{}\"", digest(*number))).collect();
        writeln!(self.0, "[[app.signers]]\ncertificates = [{}]\n{fields}", certificates.join(", ")).unwrap();
        self
    }

    fn denied(mut self, number: u8) -> Self {
        let certificate = digest(number);
        writeln!(
            self.0,
            "[[denied]]\ncertificate_sha256 = \"{certificate}\"\nwhy = \"leaked\"\nsource = \"s\""
        )
        .unwrap();
        self
    }

    fn read(&self) -> Registry {
        Registry::parse(&self.0, "test.toml").unwrap()
    }

    fn decide(&self, evidence: &Verification) -> Decision {
        decide(evidence, &self.read(), &Policy::default(), NOW.parse().unwrap())
    }

    fn decide_registered_only(&self, evidence: &Verification) -> Decision {
        let policy = Policy { rotation: Rotation::RegisteredOnly, ..Policy::default() };
        decide(evidence, &self.read(), &policy, NOW.parse().unwrap())
    }
}

/// Asserts the verdict and the code of the deciding finding, which is returned.
#[track_caller]
fn assert_decided(decision: &Decision, verdict: Verdict, code: Code) -> &Finding {
    let first = decision.findings.first().expect("a deciding finding");
    assert_eq!((decision.verdict, first.code), (verdict, code), "{decision:#?}");
    first
}

fn codes(decision: &Decision) -> Vec<Code> {
    decision.findings.iter().map(|finding| finding.code).collect()
}

// What does not verify.

#[test]
fn no_identity_is_read_out_of_a_file_that_does_not_verify() {
    let registry = text().key(1, "").app(&[&[1]]).denied(2);
    for (status, verdict) in [
        (Status::Malformed, Verdict::Unreadable),
        (Status::Unsigned, Verdict::Unsigned),
        (Status::Rejected, Verdict::Tampered),
    ] {
        for signer in [1, 2] {
            let mut evidence = v2(&[&[signer]]);
            evidence.status = status;
            let decision = registry.decide(&evidence);
            let undecided = Decision {
                verdict,
                findings: Vec::new(),
                developer: None,
                owner: None,
                other_signers: Vec::new(),
                holds: Span::ALL,
            };
            assert_eq!(decision, undecided);
        }
    }
}

// Exact sets.

#[test]
fn an_allowed_signer_is_authenticated() {
    let registry = text().key(1, "").app(&[&[1]]);
    let decision = registry.decide(&v2(&[&[1]]));
    let finding = assert_decided(&decision, Authenticated, Code::SignerAuthenticated);
    assert_eq!(finding.location.api_levels, Some((24, MAX_SDK)));
    assert_eq!(decision.developer.unwrap().name, "Name of dev");
    assert_eq!((decision.owner, decision.other_signers), (None, Vec::new()));
    assert_eq!(registry.decide(&v3(&[1])).verdict, Authenticated);
}

#[test]
fn another_signer_of_a_registered_package_is_a_counterfeit() {
    for registered in [false, true] {
        let registry = if registered { text().key(2, "") } else { text() }.key(1, "").app(&[&[1]]);
        let decision = registry.decide(&v2(&[&[2]]));
        let finding = assert_decided(&decision, Counterfeit, Code::SignerNotAllowed);
        assert_eq!(finding.expected, Some(digest(1).to_string()));
        assert_eq!(finding.actual, Some(digest(2).to_string()));
        assert_eq!(decision.developer, None);
        // Whose app it says it is, and whose key that is, if the registry knows.
        assert_eq!(decision.owner.unwrap().name, "Name of dev");
        let known: Vec<CertificateDigest> = decision.other_signers.iter().map(|s| s.certificate).collect();
        assert_eq!(known, if registered { vec![digest(2)] } else { Vec::new() });
    }
}

/// What a person reads of the registry is in Chinese as well, with the same names and numbers.
#[test]
fn what_the_registry_says_is_told_in_chinese_too() {
    let valid = "valid_until = \"2026-01-01\"";
    let revoked = "status = \"revoked\"\nreason = \"stolen\"\nstatus_date = \"2026-02-03\"";
    let of = |registry: &Text, evidence: &Verification| registry.decide(evidence).findings.remove(0);
    for (finding, detail, expected, actual) in [
        (of(&text().key(1, valid).app(&[&[1]]), &v2(&[&[1]])), "证书 ", "有效期至 2026-01-01", "当前时间 "),
        (
            of(&text().key(1, revoked).app(&[&[1]]), &v2(&[&[1]])),
            "；原因：stolen",
            "状态 active",
            "状态 revoked（自 2026-02-03 起）",
        ),
        (of(&text().key(1, "").app(&[&[1]]).denied(2), &v2(&[&[2]])), "", "未被禁用的密钥", ""),
        (of(&text().key(1, "").key(3, "").app(&[&[1], &[3]]), &v2(&[&[2]])), "", " 或 ", ""),
    ] {
        let zh = finding.zh.as_deref().unwrap();
        assert!(zh.detail.as_deref().unwrap_or_default().contains(detail), "{finding:?}");
        assert!(zh.expected.as_deref().unwrap_or_default().contains(expected), "{finding:?}");
        assert!(zh.actual.as_deref().unwrap_or_default().contains(actual), "{finding:?}");
    }
}

#[test]
fn whoever_stamped_the_file_neither_speaks_for_the_app_nor_spoils_it() {
    let stamped = |signer: u8, stamper: u8| {
        let mut evidence = v2(&[&[signer]]);
        let scheme = SchemeId::SourceStamp;
        let stamp = VerifiedSigner::for_tests(scheme, 0, certificate(stamper), (24, MAX_SDK), None);
        let outcome = SchemeOutcome::Verified(vec![stamp]);
        evidence.schemes.push(SchemeResult { scheme, outcome, claimed_certificates: Vec::new() });
        evidence
    };
    let registry = text().key(1, "").key(2, "status = \"revoked\"").app(&[&[1]]).denied(3);
    assert_eq!(registry.decide(&stamped(9, 1)).verdict, Counterfeit);
    for stamper in [1, 2, 3, 9] {
        assert_eq!(registry.decide(&stamped(1, stamper)).verdict, Authenticated, "stamped by {stamper}");
    }
}

#[test]
fn several_signers_must_be_a_whole_allowed_set() {
    let registry = text().key(1, "").key(2, "").key(3, "").app(&[&[1, 2], &[3]]);
    assert_eq!(registry.decide(&v2(&[&[1], &[2]])).verdict, Authenticated);
    assert_eq!(registry.decide(&v2(&[&[2], &[1]])).verdict, Authenticated);
    assert_eq!(registry.decide(&v2(&[&[3]])).verdict, Authenticated);
    for signers in [&[&[1][..]][..], &[&[2]], &[&[1], &[3]], &[&[1], &[2], &[3]], &[&[1], &[2], &[4]]] {
        let decision = registry.decide(&v2(signers));
        let finding = assert_decided(&decision, Counterfeit, Code::SignerNotAllowed);
        assert_eq!(finding.expected, Some(format!("{} + {} or {}", digest(1), digest(2), digest(3))));
    }
}

#[test]
fn says_when_the_key_is_right_and_the_certificate_is_not() {
    let key = format!("spki_sha256 = \"{}\"", CertificateDigest(public_key(1)));
    let registry = text().key(1, &key).app(&[&[1]]);
    let mut evidence = v2(&[]);
    evidence.views.clear();
    add_view(&mut evidence, (24, MAX_SDK), SchemeId::V2, vec![(certificate_with_key(2, 1), None)]);
    let decision = registry.decide(&evidence);
    let finding = assert_decided(&decision, Counterfeit, Code::SignerNotAllowed);
    assert!(finding.detail.contains(&format!("that of registered certificate {}", digest(1))), "{finding:?}");
}

#[test]
fn a_file_that_no_installer_opens_is_nobodys() {
    let registry = text().key(1, "").app(&[&[1]]);
    let mut evidence = v2(&[&[1]]);
    evidence.findings.push(Finding::new(Code::SigningBlockDuplicateId));
    assert_eq!(registry.decide(&evidence).verdict, Authenticated);
    for code in [Code::ZipDuplicateEntry, Code::ZipLeadingBytes, Code::ZipAmbiguousEocd] {
        let mut evidence = v2(&[&[1]]);
        evidence.findings.push(Finding::new(code));
        let decision = registry.decide(&evidence);
        let finding = assert_decided(&decision, Verdict::Unreadable, Code::InstallerRefuses);
        assert_eq!(finding.detail, code.as_str());
        assert_eq!(decision.developer, None);
    }
}

// Packages.

#[test]
fn without_a_registered_package_nobody_is_authenticated() {
    let registry = text().key(1, "");
    let decision = registry.decide(&v2(&[&[1]]));
    assert_decided(&decision, Unauthenticated, Code::PackageUnknown);
    assert_eq!(decision.developer.as_ref().unwrap().id, "dev");
    let decision = registry.decide(&v2(&[&[2]]));
    assert_decided(&decision, Unauthenticated, Code::SignerUnknown);
    assert_eq!(decision.developer, None);
    assert_decided(&registry.decide(&v2(&[&[1], &[2]])), Unauthenticated, Code::SignerUnknown);
    let rotated = text().rotated(1, 2).key(2, "").decide(&v2(&[&[1]]));
    assert_decided(&rotated, Unauthenticated, Code::PackageUnknown);
    assert_eq!(rotated.developer, None);
    // Known by its lineage.
    assert_decided(&registry.decide(&v3(&[1, 2])), Unauthenticated, Code::PackageUnknown);
    assert_decided(&registry.decide(&v3(&[3, 2])), Unauthenticated, Code::SignerUnknown);
}

#[test]
fn without_a_package_name_nobody_is_authenticated() {
    let registry = text().key(1, "").app(&[&[1]]);
    let mut evidence = v2(&[&[1]]);
    evidence.claimed_manifest.as_mut().unwrap().package.clear();
    assert_decided(&registry.decide(&evidence), Unauthenticated, Code::PackageMissing);
    evidence.claimed_manifest = None;
    assert_decided(&registry.decide(&evidence), Unauthenticated, Code::PackageMissing);
    // And still nobody gets away with a denied key.
    let registry = registry.denied(1);
    assert_decided(&registry.decide(&evidence), Revoked, Code::KeyDenied);
}

#[test]
fn package_names_are_compared_exactly() {
    let registry = text().key(1, "").app(&[&[1]]);
    for package in ["com.example.App", "com.example.app ", "com.example.app\0", "com.example.ap"] {
        let mut evidence = v2(&[&[1]]);
        evidence.claimed_manifest.as_mut().unwrap().package = package.to_owned();
        assert_decided(&registry.decide(&evidence), Unauthenticated, Code::PackageUnknown);
    }
}

// Roles.

#[test]
fn a_developer_signs_as_a_developer() {
    for (role, verdict) in
        [("developer", Authenticated), ("distributor", Unauthenticated), ("test-lab", Unauthenticated)]
    {
        let registry = text().subject("other", role).key_of("other", 1, "").app(&[&[1]]);
        let decision = registry.decide(&v2(&[&[1]]));
        assert_eq!(decision.verdict, verdict);
        if verdict == Unauthenticated {
            let finding = assert_decided(&decision, Unauthenticated, Code::SignerRole);
            assert_eq!(finding.expected.as_deref(), Some("role developer"));
            assert_eq!(finding.actual, Some(format!("role {role}")));
            assert_eq!(decision.developer, None);
        }
    }
}

#[test]
fn a_store_that_signs_for_its_developers_speaks_for_the_owner() {
    let set = |registry: Text| registry.app(&[]).set(&[1], "role = \"distributor\"");
    let registry = set(text().subject("store", "distributor").key_of("store", 1, ""));
    let decision = registry.decide(&v2(&[&[1]]));
    assert_decided(&decision, Authenticated, Code::SignerAuthenticated);
    assert_eq!(decision.developer.unwrap().id, "dev");
    // A developer is no store, and a store's own app is nobody's to develop.
    let decision = set(text().key(1, "")).decide(&v2(&[&[1]]));
    assert_decided(&decision, Unauthenticated, Code::SignerRole);
    assert_eq!(decision.developer, None);
    let mut registry = text().subject("store", "distributor").key_of("store", 1, "");
    writeln!(registry.0, "[[app]]\npackage = \"{APP}\"\nowner = \"store\"").unwrap();
    let decision = registry.set(&[1], "role = \"distributor\"").decide(&v2(&[&[1]]));
    let finding = assert_decided(&decision, Unauthenticated, Code::SignerRole);
    assert_eq!(finding.expected.as_deref(), Some("role developer"));
}

#[test]
fn one_role_that_holds_is_enough() {
    let registry = || text().key(1, "").app(&[]);
    let (store, developer) = ("role = \"distributor\"", "role = \"developer\"");
    for (first, second) in [(store, developer), (developer, store)] {
        assert_eq!(registry().set(&[1], first).set(&[1], second).decide(&v2(&[&[1]])).verdict, Authenticated);
    }
    assert_eq!(registry().set(&[1], store).decide(&v2(&[&[1]])).verdict, Unauthenticated);
}

#[test]
fn of_several_signing_developers_the_owner_is_named() {
    let registry = text().subject("other", "developer").key_of("other", 1, "").app(&[]);
    let signers = v2(&[&[1], &[2]]);
    let with = |subject| Text(registry.0.clone()).set(&[1, 2], "").key_of(subject, 2, "");
    assert_eq!(with("dev").decide(&signers).developer.unwrap().id, "dev");
    assert_eq!(with("other").decide(&signers).developer.unwrap().id, "other");
}

// Validity.

#[test]
fn a_key_is_good_within_its_validity() {
    for (fields, decided) in [
        ("valid_until = 2026-07-01", None),
        ("valid_until = 2026-06-30", Some(Code::KeyExpired)),
        ("valid_until = 2026-07-01T12:00:00Z", None),
        ("valid_until = 2026-07-01T11:59:59Z", Some(Code::KeyExpired)),
        ("valid_from = 2026-07-01", None),
        ("valid_from = 2026-07-02", Some(Code::KeyNotYetValid)),
        ("valid_from = 2026-07-01T12:00:01Z", Some(Code::KeyNotYetValid)),
    ] {
        let registry = text().key(1, fields).app(&[&[1]]);
        let decision = registry.decide(&v2(&[&[1]]));
        match decided {
            None => assert_eq!(decision.verdict, Authenticated, "{fields}"),
            Some(code) => {
                let finding = assert_decided(&decision, Expired, code);
                assert!(finding.expected.is_some() && finding.actual.is_some());
                assert_eq!(decision.developer.unwrap().id, "dev");
            }
        }
    }
}

#[test]
fn one_expired_key_of_a_set_is_enough() {
    let registry = text().key(1, "").key(2, "valid_until = 2026-06-30").app(&[&[1, 2], &[1]]);
    assert_decided(&registry.decide(&v2(&[&[1], &[2]])), Expired, Code::KeyExpired);
    assert_decided(&registry.decide(&v2(&[&[1]])), Authenticated, Code::SignerAuthenticated);
}

#[test]
fn a_stranger_does_not_become_less_of_one_by_an_expired_key_in_the_registry() {
    let registry = text().key(1, "valid_until = 2026-06-30").app(&[&[1]]);
    assert_decided(&registry.decide(&v2(&[&[2]])), Counterfeit, Code::SignerNotAllowed);
}

// Denied, revoked, suspended.

#[test]
fn a_key_that_must_not_be_believed_counts_wherever_it_stands() {
    let files = [v2(&[&[1]]), v2(&[&[2], &[1]]), v3(&[1, 2]), v3(&[1, 3, 2]), v3(&[3, 1, 2])];
    for (fields, code) in [
        ("status = \"revoked\"\nreason = \"leaked\"", Code::KeyRevoked),
        ("status = \"suspended\"", Code::KeySuspended),
    ] {
        let registry = text().key(1, fields).key(2, "").key(3, "").app(&[&[1], &[2], &[1, 2]]);
        for evidence in &files {
            let decision = registry.decide(evidence);
            let finding = assert_decided(&decision, Revoked, code);
            assert_eq!(finding.expected.as_deref(), Some("status active"));
        }
        assert_eq!(registry.decide(&v3(&[3, 2])).verdict, Authenticated);
        // Whose key it is, is said of a signer, and not of an ancestor.
        assert_eq!(registry.decide(&files[0]).developer.unwrap().id, "dev");
        assert_eq!(registry.decide(&files[2]).developer, None);
    }
    let registry = text().key(1, "").key(2, "").key(3, "").app(&[&[1], &[2], &[1, 2]]);
    let denied = text().key(1, "").key(2, "").key(3, "").app(&[&[1], &[2], &[1, 2]]).denied(1);
    for evidence in &files {
        assert_eq!(registry.decide(evidence).verdict, Authenticated);
        let decision = denied.decide(evidence);
        let finding = assert_decided(&decision, Revoked, Code::KeyDenied);
        assert_eq!(finding.actual, Some(digest(1).to_string()));
    }
}

#[test]
fn a_revoked_key_is_known_under_another_certificate() {
    let key = |status: &str| {
        format!("spki_sha256 = \"{}\"\nstatus = \"{status}\"", CertificateDigest(public_key(1)))
    };
    let mut evidence = v2(&[]);
    evidence.views.clear();
    add_view(&mut evidence, (24, MAX_SDK), SchemeId::V2, vec![(certificate_with_key(2, 1), None)]);
    let registry = |status| text().key(1, &key(status)).key(2, "").app(&[&[2]]);
    assert_decided(&registry("revoked").decide(&evidence), Revoked, Code::KeyRevoked);
    assert_decided(&registry("active").decide(&evidence), Authenticated, Code::SignerAuthenticated);
}

#[test]
fn a_certificate_with_another_public_key_than_registered_is_not_believed() {
    let spki = |number| format!("spki_sha256 = \"{}\"", CertificateDigest(public_key(number)));
    let right = text().key(1, &spki(1)).app(&[&[1]]);
    assert_decided(&right.decide(&v2(&[&[1]])), Authenticated, Code::SignerAuthenticated);
    let wrong = text().key(1, &spki(9)).app(&[&[1]]);
    let decision = wrong.decide(&v2(&[&[1]]));
    let finding = assert_decided(&decision, Unauthenticated, Code::RegistryPublicKeyMismatch);
    assert_eq!(finding.expected, Some(CertificateDigest(public_key(9)).to_string()));
    assert_eq!(finding.actual, Some(CertificateDigest(public_key(1)).to_string()));
    // The key in the registry vouches for its successor, too, but not under a contradiction.
    assert_eq!(right.decide(&v3(&[1, 2])).verdict, Authenticated);
    assert_decided(&wrong.decide(&v3(&[1, 2])), Unauthenticated, Code::RegistryPublicKeyMismatch);
}

#[test]
fn the_built_in_list_is_stronger_than_a_registry() {
    let test_key: CertificateDigest =
        "a40da80a59d170caa950cf15c18c454d47a39b26989d8b640ecd745ba71bf5dc".parse().unwrap();
    let digests = PrintedDigests { sha256: test_key.0, sha1: [0; 20], md5: [0; 16] };
    let key = KeyFacts {
        algorithm: "RSA".to_owned(),
        bits: 2048,
        digests: digests.clone(),
        spki_sha256: digests.sha256,
    };
    let mut evidence = v2(&[]);
    evidence.views.clear();
    let certificate = Certificate::new(vec![0], digests, key, String::new());
    add_view(&mut evidence, (24, MAX_SDK), SchemeId::V2, vec![(certificate, None)]);
    let registry = text().0
        + &format!("[[key]]\ncertificate_sha256 = \"{test_key}\"\nsubject = \"dev\"\n")
        + &format!(
            "[[app]]\npackage = \"{APP}\"\nowner = \"dev\"\n[[app.signers]]\ncertificates = [\"{test_key}\"]\n"
        );
    assert_decided(&Text(registry).decide(&evidence), Revoked, Code::KeyDenied);
    let decision = decide(&evidence, &Registry::empty(), &Policy::default(), NOW.parse().unwrap());
    assert_decided(&decision, Revoked, Code::KeyDenied);
}

// Rotation.

#[test]
fn an_allowed_key_may_appoint_its_successor() {
    let registry = text().key(1, "").app(&[&[1]]);
    let decision = registry.decide(&v3(&[1, 2]));
    let finding = assert_decided(&decision, Authenticated, Code::KeyRotated);
    assert_eq!(finding.severity, Severity::Note);
    assert_eq!(decision.developer.as_ref().unwrap().id, "dev");
    assert_eq!(registry.decide(&v3(&[1, 3, 2])).verdict, Authenticated);
    assert_eq!(registry.decide(&v3(&[3, 1, 2])).verdict, Authenticated);
    // A lineage of strangers, and the same signer without its lineage.
    assert_decided(&registry.decide(&v3(&[3, 2])), Counterfeit, Code::SignerNotAllowed);
    assert_decided(&registry.decide(&v3(&[2])), Counterfeit, Code::SignerNotAllowed);
}

#[test]
fn a_policy_may_want_registered_signers_only() {
    let registry = text().key(1, "").key(2, "").app(&[&[1]]);
    for evidence in [v3(&[1, 3]), v3(&[1, 2])] {
        let decision = registry.decide_registered_only(&evidence);
        let finding = assert_decided(&decision, Unauthenticated, Code::KeyRotated);
        assert_eq!(finding.severity, Severity::Error);
        assert!(finding.expected.is_some() && finding.actual.is_some());
    }
    assert_eq!(registry.decide_registered_only(&v3(&[1])).verdict, Authenticated);
    assert_eq!(registry.decide_registered_only(&v3(&[3])).verdict, Counterfeit);
    let registry = text().key(1, "").key(2, "").app(&[&[1], &[2]]);
    assert_eq!(registry.decide_registered_only(&v3(&[1, 2])).verdict, Authenticated);
}

#[test]
fn a_flagged_rotation_is_authenticated_with_a_warning() {
    let policy = Policy { rotation: Rotation::Flag, ..Policy::default() };
    let registry = text().key(1, "").app(&[&[1]]);
    let decide = |evidence| decide(&evidence, &registry.read(), &policy, NOW.parse().unwrap());
    let decision = decide(v3(&[1, 2]));
    assert_eq!(assert_decided(&decision, Authenticated, Code::KeyRotated).severity, Severity::Warning);
    assert_decided(&decide(v3(&[1])), Authenticated, Code::SignerAuthenticated);
    assert_decided(&decide(v3(&[2])), Counterfeit, Code::SignerNotAllowed);
}

// Keys that anybody has.

/// SHA-256 of the certificate of AOSP's test key, which the built-in list denies.
const TEST_KEY: &str = "a40da80a59d170caa950cf15c18c454d47a39b26989d8b640ecd745ba71bf5dc";

/// A file signed with AOSP's test key, as verification sees it.
fn by_test_key() -> Verification {
    let sha256 = TEST_KEY.parse::<CertificateDigest>().unwrap().0;
    let digests = PrintedDigests { sha256, sha1: [0; 20], md5: [0; 16] };
    let certificate =
        Certificate::new(vec![0], digests, certificate(9).key().clone(), "CN=Android".to_owned());
    let mut evidence = v2(&[&[9]]);
    let signer = VerifiedSigner::for_tests(SchemeId::V2, 0, certificate, (24, MAX_SDK), None);
    evidence.schemes[0].outcome = SchemeOutcome::Verified(vec![signer]);
    evidence.findings.push(Finding::new(Code::TestKey));
    evidence
}

#[test]
fn a_test_key_that_may_be_still_has_to_be_registered_and_not_denied() {
    let lenient = Policy { test_keys: TestKeys::LikeOthers, ..Policy::default() };
    let decide =
        |registry: &Registry, policy: &Policy| decide(&by_test_key(), registry, policy, NOW.parse().unwrap());
    let registered = |rest: &str| {
        let key = format!(
            "[[key]]\ncertificate_sha256 = \"{TEST_KEY}\"\nsubject = \"dev\"\n\
             [[app]]\npackage = \"{APP}\"\nowner = \"dev\"\n\
             [[app.signers]]\ncertificates = [\"{TEST_KEY}\"]\n{rest}"
        );
        Text(text().0 + &key).read()
    };
    assert_decided(&decide(&registered(""), &Policy::default()), Revoked, Code::KeyDenied);
    assert_decided(&decide(&registered(""), &lenient), Authenticated, Code::SignerAuthenticated);
    assert_decided(&decide(&text().read(), &lenient), Unauthenticated, Code::SignerUnknown);
    let denied = format!("[[denied]]\ncertificate_sha256 = \"{TEST_KEY}\"\nwhy = \"w\"\nsource = \"s\"");
    assert_decided(&decide(&registered(&denied), &lenient), Revoked, Code::KeyDenied);
}

#[test]
fn the_rule_of_test_keys_is_broken_by_one_and_not_asked_where_they_may_be() {
    let asked = |evidence: &Verification, text: &str| {
        let policy = PolicyFile::parse(text, "policy.toml").unwrap();
        let judge = rules::Judge::new(None, &policy, NOW.parse().unwrap());
        let judged = rules::judge(rules::Evidence::new(evidence), &judge);
        let result = judged.rules.into_iter().find(|result| result.rule == rules::Rule::TestKey);
        (judged.decision.verdict, result.map(|result| result.outcome))
    };
    let (strict, lenient) = ("schema = 1", "schema = 1\n[signature]\ntest_key = \"allow\"");
    assert_eq!(asked(&by_test_key(), strict), (Revoked, Some(rules::Outcome::Broken)));
    assert_eq!(asked(&by_test_key(), lenient), (Unauthenticated, None));
    assert_eq!(asked(&v2(&[&[9]]), strict), (Unauthenticated, Some(rules::Outcome::Holds)));
}

#[test]
fn only_a_set_of_one_may_appoint_a_successor() {
    let registry = text().key(1, "").key(2, "").app(&[&[1, 2]]);
    assert_decided(&registry.decide(&v3(&[1, 3])), Counterfeit, Code::SignerNotAllowed);
    assert_decided(&registry.decide(&v3(&[1, 2])), Counterfeit, Code::SignerNotAllowed);
    // And only a single signer descends from anybody.
    let registry = text().key(1, "").app(&[&[1]]);
    let two = file(&[(28, MAX_SDK, SchemeId::V3, &[&[1, 2], &[1, 3]])]);
    assert_decided(&registry.decide(&two), Counterfeit, Code::SignerNotAllowed);
}

#[test]
fn a_lineage_that_does_not_end_in_its_signer_proves_nothing() {
    let registry = text().key(1, "").app(&[&[1]]);
    let mut evidence = v2(&[]);
    evidence.views.clear();
    let signer = (certificate(9), Some(lineage(&[1, 2])));
    add_view(&mut evidence, (28, MAX_SDK), SchemeId::V3, vec![signer]);
    assert_decided(&registry.decide(&evidence), Counterfeit, Code::SignerNotAllowed);
}

#[test]
fn an_expired_key_cannot_appoint_and_an_expired_heir_cannot_speak() {
    let registry = text().key(1, "valid_until = 2026-06-30").app(&[&[1]]);
    assert_decided(&registry.decide(&v3(&[1, 2])), Expired, Code::KeyExpired);
    let registry = text().key(1, "").key(2, "valid_until = 2026-06-30").app(&[&[1]]);
    assert_decided(&registry.decide(&v3(&[1, 2])), Expired, Code::KeyExpired);
    // Of several that cannot vouch the newest is named.
    let registry =
        text().key(1, "valid_until = 2026-06-30").key(2, "valid_from = 2026-07-02").app(&[&[1], &[2]]);
    assert_decided(&registry.decide(&v3(&[1, 2, 3])), Expired, Code::KeyNotYetValid);
    // One allowed ancestor that can vouch is enough.
    let registry = text().key(1, "").key(2, "valid_until = 2026-06-30").app(&[&[1], &[2]]);
    assert_decided(&registry.decide(&v3(&[1, 2, 3])), Authenticated, Code::KeyRotated);
}

#[test]
fn a_rotated_key_is_right_only_where_its_successor_cannot_be_seen() {
    let registry = text().rotated(1, 2).key(2, "").app(&[&[1], &[2]]);
    let old_and_new =
        |new: Signer<'_>| file(&[(24, 32, SchemeId::V2, &[&[1]]), (33, MAX_SDK, SchemeId::V31, &[new])]);
    let decision = registry.decide(&old_and_new(&[1, 2]));
    assert_eq!((decision.verdict, codes(&decision)), (Authenticated, vec![Code::SignerAuthenticated]));
    assert_eq!(decision.findings[0].location.api_levels, Some((24, MAX_SDK)));
    // Even behind the successor's own successor.
    assert_eq!(registry.decide(&old_and_new(&[1, 2, 3])).verdict, Authenticated);

    for evidence in [v2(&[&[1]]), v3(&[1]), old_and_new(&[1])] {
        let decision = registry.decide(&evidence);
        let finding = assert_decided(&decision, Expired, Code::OldKeyInUse);
        assert_eq!(finding.expected, Some(digest(2).to_string()));
        assert_eq!(finding.actual, Some(digest(1).to_string()));
    }
    // The newest versions must not be the ones that see the old key.
    let backwards = file(&[(28, 32, SchemeId::V3, &[&[2]]), (33, MAX_SDK, SchemeId::V31, &[&[1]])]);
    assert_decided(&registry.decide(&backwards), Expired, Code::OldKeyInUse);
}

#[test]
fn a_rotated_key_cannot_appoint_another_successor() {
    let registry = text().rotated(1, 2).key(2, "").app(&[&[1]]);
    assert_decided(&registry.decide(&v3(&[1, 2])), Authenticated, Code::KeyRotated);
    let decision = registry.decide(&v3(&[1, 3]));
    let finding = assert_decided(&decision, Expired, Code::OldKeyInUse);
    assert_eq!(finding.actual, Some(digest(3).to_string()));
}

#[test]
fn a_predecessor_of_an_allowed_signer_is_no_counterfeit_and_needs_the_registry_s_word() {
    let evidence = file(&[(24, 27, SchemeId::V2, &[&[1]]), (28, MAX_SDK, SchemeId::V3, &[&[1, 2]])]);
    let decision = text().key(2, "").app(&[&[2]]).decide(&evidence);
    let finding = assert_decided(&decision, Unauthenticated, Code::PredecessorUnregistered);
    assert_eq!(finding.location.api_levels, Some((24, 27)));
    assert_eq!(finding.actual, Some(digest(1).to_string()));

    let registry = text().rotated(1, 2).key(2, "").app(&[&[2]]);
    let decision = registry.decide(&evidence);
    assert_eq!(codes(&decision), [Code::KeyRotated, Code::SignerAuthenticated]);
    assert_eq!(decision.verdict, Authenticated);

    // Registered, but not as a predecessor; and rotated to somebody else.
    for registry in
        [text().key(1, "").key(2, "").app(&[&[2]]), text().rotated(1, 3).key(3, "").key(2, "").app(&[&[2]])]
    {
        assert_decided(&registry.decide(&evidence), Unauthenticated, Code::PredecessorUnregistered);
    }
    // On its own, or beside a signer that does not descend from it, it is a counterfeit.
    let beside = file(&[(24, 27, SchemeId::V2, &[&[1]]), (28, MAX_SDK, SchemeId::V3, &[&[2]])]);
    assert_decided(&registry.decide(&beside), Counterfeit, Code::SignerNotAllowed);
    assert_decided(&registry.decide(&v2(&[&[1]])), Counterfeit, Code::SignerNotAllowed);
    // An expired predecessor is expired.
    let fields = format!("status = \"rotated\"\nreplaced_by = \"{}\"\nvalid_until = 2026-06-30", digest(2));
    let registry = text().key(2, "").key(1, &fields).app(&[&[2]]);
    assert_decided(&registry.decide(&evidence), Expired, Code::KeyExpired);
}

// Android versions.

#[test]
fn the_worst_view_decides_and_the_finding_names_its_versions() {
    let registry = text().key(1, "").app(&[&[1]]);
    let evidence = file(&[
        (21, 23, SchemeId::V1, &[&[1]]),
        (24, 27, SchemeId::V2, &[&[9]]),
        (28, MAX_SDK, SchemeId::V3, &[&[1]]),
    ]);
    let decision = registry.decide(&evidence);
    let finding = assert_decided(&decision, Counterfeit, Code::SignerNotAllowed);
    assert_eq!(finding.location.api_levels, Some((24, 27)));
    assert_eq!(finding.location.scheme, Some(SchemeId::V2));
    assert_eq!(
        codes(&decision),
        [
            Code::SignerNotAllowed,
            Code::SignerAuthenticated,
            Code::SignerAuthenticated,
            Code::SignersDifferByVersion
        ]
    );
    assert_eq!(decision.developer, None);
    let actual = decision.findings[3].actual.as_deref().unwrap();
    assert!(actual.starts_with(&format!(
        "API 21-23: {}; API 24-27: {}; API 28 and newer",
        digest(1),
        digest(9)
    )));
}

#[test]
fn every_view_counts_whatever_its_place() {
    let registry = text().key(1, "").key(2, "status = \"revoked\"").app(&[&[1]]);
    let levels = [
        (21, 23, SchemeId::V1),
        (24, 27, SchemeId::V2),
        (28, 32, SchemeId::V3),
        (33, MAX_SDK, SchemeId::V31),
    ];
    for (foreign, verdict) in [(2, Revoked), (9, Counterfeit), (1, Authenticated)] {
        for bad in 0..levels.len() {
            let signers: Vec<[u8; 1]> =
                (0..levels.len()).map(|at| [if at == bad { foreign } else { 1 }]).collect();
            let signers: Vec<[&[u8]; 1]> = signers.iter().map(|signer| [&signer[..]]).collect();
            let views: Vec<_> = levels
                .iter()
                .zip(&signers)
                .map(|(level, signer)| (level.0, level.1, level.2, &signer[..]))
                .collect();
            assert_eq!(registry.decide(&file(&views)).verdict, verdict);
        }
    }
}

#[test]
fn equal_findings_on_neighbouring_versions_are_one() {
    let registry = text().key(1, "").app(&[&[1]]);
    let evidence = file(&[(21, 23, SchemeId::V1, &[&[1]]), (24, 27, SchemeId::V2, &[&[1]])]);
    let decision = registry.decide(&evidence);
    assert_eq!(decision.findings.len(), 1);
    assert_eq!(decision.findings[0].location.api_levels, Some((21, 27)));
    assert_eq!(decision.findings[0].location.scheme, None);
    let gap = file(&[(21, 23, SchemeId::V1, &[&[1]]), (25, 27, SchemeId::V2, &[&[1]])]);
    assert_eq!(registry.decide(&gap).findings.len(), 2);
}

#[test]
fn an_old_key_may_appoint_both_halves_of_a_pair() {
    // 1 has signed for 2 and for 3; Android goes by 3.
    let file = hybrid(1, 2, &[1, 3]);
    let decision = text().key(1, "").app(&[&[1]]).decide(&file);
    assert_decided(&decision, Authenticated, Code::SignerAuthenticated);
    assert!(codes(&decision).contains(&Code::KeyRotated));
    assert!(!codes(&decision).contains(&Code::SignersDifferByVersion));
    assert_eq!(decision.developer.unwrap().id, "dev");

    let decision = text().key(1, "").app(&[&[1]]).decide_registered_only(&file);
    assert_decided(&decision, Unauthenticated, Code::KeyRotated);
    let decision = text().key(4, "").app(&[&[4]]).decide(&file);
    assert_decided(&decision, Counterfeit, Code::SignerNotAllowed);
}

#[test]
fn a_classical_half_appoints_nobody() {
    // Anybody can set 3 beside a copy of the signer 1, which is what 1's own APK may look like, too.
    let file = hybrid(1, 1, &[3]);
    let decision = text().key(1, "").app(&[&[1]]).decide(&file);
    let finding = assert_decided(&decision, Unauthenticated, Code::HybridHalfUnregistered);
    assert_eq!(finding.location.api_levels, Some((37, MAX_SDK)));
    assert_eq!(decision.developer, None);

    for sets in [&[&[1_u8][..], &[3]][..], &[&[1], &[1, 3]]] {
        let decision = text().key(1, "").key(3, "").app(sets).decide(&file);
        assert_decided(&decision, Authenticated, Code::SignerAuthenticated);
        assert_eq!(codes(&decision), [Code::SignerAuthenticated], "{sets:?}");
    }
    let decision = text().key(4, "").app(&[&[4]]).decide(&file);
    assert_decided(&decision, Counterfeit, Code::SignerNotAllowed);
}

#[test]
fn a_post_quantum_half_vouches_for_no_classical_one() {
    // Anybody can set 2 beside a copy of the signer 3.
    let registry = || text().key(1, "").key(3, "");
    let decision = registry().app(&[&[1], &[3]]).decide(&hybrid(1, 2, &[3]));
    let finding = assert_decided(&decision, Unauthenticated, Code::HybridHalfUnregistered);
    assert!(finding.detail.starts_with(&digest(2).to_string()), "{}", finding.detail);

    let both = registry().key(2, "").app(&[&[1], &[2, 3]]).decide(&hybrid(1, 2, &[3]));
    assert_decided(&both, Authenticated, Code::SignerAuthenticated);
    let other = registry().key(2, "").key(4, "").app(&[&[1], &[4, 3]]).decide(&hybrid(1, 2, &[3]));
    assert_decided(&other, Counterfeit, Code::SignerNotAllowed);
    // Here 1 has signed for both.
    let decision = registry().app(&[&[1], &[3]]).decide(&hybrid(1, 2, &[1, 3]));
    assert_decided(&decision, Authenticated, Code::SignerAuthenticated);
    // The registry has 2 as handed over to 3.
    let decision = registry().rotated(2, 3).app(&[&[1], &[3]]).decide(&hybrid(1, 2, &[3]));
    assert_decided(&decision, Authenticated, Code::SignerAuthenticated);
}

#[test]
fn half_a_pair_signs_alone_only_for_versions_that_know_no_pairs() {
    let registry = || text().key(2, "").key(3, "").app(&[&[2, 3]]);
    let decision = registry().decide(&hybrid(2, 2, &[3]));
    assert_decided(&decision, Authenticated, Code::SignerAuthenticated);
    // Without the pair in the same file, half a set is a stranger, as is anybody else beside the pair.
    assert_decided(&registry().decide(&v3(&[2])), Counterfeit, Code::SignerNotAllowed);
    assert_decided(&registry().decide(&hybrid(4, 2, &[3])), Counterfeit, Code::SignerNotAllowed);
    let decision = registry().decide(&hybrid(2, 4, &[3]));
    let finding = assert_decided(&decision, Counterfeit, Code::SignerNotAllowed);
    assert_eq!(finding.location.api_levels, Some((28, 36)), "the pair that newer versions see is another");
}

#[test]
fn a_rotated_key_appoints_its_successor_and_no_other_half() {
    let file = hybrid(1, 2, &[1, 3]);
    let decision = text().rotated(1, 3).key(3, "").app(&[&[1], &[3]]).decide(&file);
    assert_decided(&decision, Unauthenticated, Code::HybridHalfUnregistered);
    let decision = text().rotated(1, 3).key(3, "").rotated(2, 3).app(&[&[1], &[3]]).decide(&file);
    assert_decided(&decision, Authenticated, Code::SignerAuthenticated);
}

#[test]
fn either_half_of_a_pair_may_be_revoked() {
    let sets: &[&[u8]] = &[&[1], &[2, 3]];
    for revoked in [2, 3] {
        let mut registry = text().key(1, "");
        for number in [2, 3] {
            let fields = if number == revoked { "status = \"revoked\"" } else { "" };
            registry = registry.key(number, fields);
        }
        let decision = registry.app(sets).decide(&hybrid(1, 2, &[3]));
        assert_decided(&decision, Revoked, Code::KeyRevoked);
    }
    let decision = text().key(1, "").key(2, "").key(3, "").app(sets).decide(&hybrid(1, 2, &[3]));
    assert_decided(&decision, Authenticated, Code::SignerAuthenticated);
}

#[test]
fn signers_may_differ_by_version_when_a_lineage_connects_them() {
    let registry = text().key(1, "").key(2, "").app(&[&[1], &[2]]);
    let connected = file(&[(24, 27, SchemeId::V2, &[&[1]]), (28, MAX_SDK, SchemeId::V3, &[&[1, 2]])]);
    assert!(!codes(&registry.decide(&connected)).contains(&Code::SignersDifferByVersion));
    let strangers = file(&[(24, 27, SchemeId::V2, &[&[1]]), (28, MAX_SDK, SchemeId::V3, &[&[2]])]);
    let decision = registry.decide(&strangers);
    assert_eq!(decision.verdict, Authenticated, "each is allowed");
    assert_eq!(codes(&decision), [Code::SignerAuthenticated, Code::SignersDifferByVersion]);
}

#[test]
fn the_developer_is_one_on_whom_all_versions_agree() {
    let registry = text().subject("other", "developer").key(1, "").key_of("other", 2, "").app(&[&[1], &[2]]);
    let evidence = file(&[(24, 27, SchemeId::V2, &[&[1]]), (28, MAX_SDK, SchemeId::V3, &[&[1, 2]])]);
    let decision = registry.decide(&evidence);
    assert_eq!((decision.verdict, decision.developer), (Authenticated, None));
    assert_eq!(registry.decide(&v3(&[2])).developer.unwrap().id, "other");
}

// Evidence that is not sound.

#[test]
fn evidence_without_signers_authenticates_nobody() {
    let registry = text().key(1, "").app(&[&[1]]);
    let mut evidence = v2(&[&[1]]);
    evidence.views[0].signers.push(7);
    assert_decided(&registry.decide(&evidence), Unauthenticated, Code::SignerUnknown);
    evidence.views[0].signers.clear();
    assert_decided(&registry.decide(&evidence), Unauthenticated, Code::SignerUnknown);
    evidence.views.clear();
    assert_decided(&registry.decide(&evidence), Unauthenticated, Code::SignerUnknown);
}

// What must never happen.

/// A registry in numbers: for each key its status, validity and role; allowed sets; denied keys.
#[derive(Debug, Clone)]
struct World {
    keys: Vec<(u8, u8, bool)>,
    sets: Vec<BTreeSet<u8>>,
    denied: BTreeSet<u8>,
    views: Vec<(SchemeId, Vec<Vec<u8>>)>,
}

const KEYS: u8 = 5;

fn world() -> impl Strategy<Value = World> {
    // Mostly sound, or else hardly any world would authenticate anybody.
    let status = prop_oneof![6 => Just(0_u8), 2 => Just(1), 1 => Just(2), 1 => Just(3)];
    let validity = prop_oneof![8 => Just(0_u8), 1 => Just(1), 1 => Just(2)];
    let keys = vec((status, validity, prop::bool::weighted(0.9)), usize::from(KEYS));
    let sets = vec(btree_set(1..=KEYS, 1..=2), 1..=3);
    let denied = btree_set(1..=KEYS + 2, 0..=1);
    // Certificates above KEYS are not registered.
    let line =
        prop_oneof![3 => vec(1..=KEYS + 2, 1..=1), 2 => Just(vec![1, 2]), 2 => vec(1..=KEYS + 2, 1..=3)];
    let scheme = prop_oneof![Just(SchemeId::V1), Just(SchemeId::V2), Just(SchemeId::V3), Just(SchemeId::V31)];
    let signers = prop_oneof![4 => vec(line.clone(), 1..=1), 1 => vec(line, 1..=3)];
    let views = vec((scheme, signers), 1..=3);
    (keys, sets, denied, views).prop_map(|(keys, sets, denied, views)| World { keys, sets, denied, views })
}

impl World {
    fn registry(&self) -> Text {
        let mut text = text().subject("store", "distributor");
        for (number, (status, validity, developer)) in (1..).zip(&self.keys) {
            let subject = if *developer { "dev" } else { "store" };
            let mut fields = match status {
                1 if number < KEYS => {
                    format!("status = \"rotated\"\nreplaced_by = \"{}\"\n", digest(number + 1))
                }
                2 => "status = \"revoked\"\n".to_owned(),
                3 => "status = \"suspended\"\n".to_owned(),
                _ => String::new(),
            };
            fields.push_str(match validity {
                1 => "valid_until = 2026-06-30\n",
                2 => "valid_from = 2026-07-02\n",
                _ => "",
            });
            text = text.key_of(subject, number, &fields);
        }
        let sets: BTreeSet<Vec<u8>> = self.sets.iter().map(|set| set.iter().copied().collect()).collect();
        let sets: Vec<&[u8]> = sets.iter().map(Vec::as_slice).collect();
        let text = text.app(&sets);
        self.denied.iter().fold(text, |text, number| text.denied(*number))
    }

    fn evidence(&self) -> Verification {
        let signers: Vec<Vec<&[u8]>> =
            self.views.iter().map(|(_, lines)| lines.iter().map(Vec::as_slice).collect()).collect();
        let levels = [(21, 27), (28, 32), (33, MAX_SDK)];
        let views: Vec<(u32, u32, SchemeId, &[Signer<'_>])> = self
            .views
            .iter()
            .zip(levels)
            .zip(&signers)
            .map(|(((scheme, _), (lowest, highest)), signers)| (lowest, highest, *scheme, signers.as_slice()))
            .collect();
        file(&views)
    }

    /// Why nobody may be authenticated here, said as plainly as it can be, in words other than the rules'.
    fn objection(&self) -> Option<&'static str> {
        for (_, lines) in &self.views {
            for line in lines {
                let current = *line.last().unwrap();
                if line.iter().any(|number| self.denied.contains(number)) {
                    return Some("denied");
                }
                let facts = |number: u8| self.keys.get(usize::from(number) - 1);
                if line.iter().any(|number| facts(*number).is_some_and(|key| matches!(key.0, 2 | 3))) {
                    return Some("revoked or suspended");
                }
                if facts(current).is_some_and(|key| key.1 != 0) {
                    return Some("outside validity");
                }
            }
            let set: BTreeSet<u8> = lines.iter().map(|line| *line.last().unwrap()).collect();
            let alone = |number: u8| self.sets.contains(&BTreeSet::from([number]));
            let linked = match lines.as_slice() {
                [line] => {
                    let current = *line.last().unwrap();
                    line.iter().any(|number| alone(*number))
                        || self.views.iter().any(|(_, others)| {
                            others.iter().any(|other| {
                                other.contains(&current) && other.iter().any(|number| alone(*number))
                            })
                        })
                }
                _ => false,
            };
            if !self.sets.contains(&set) && !linked {
                return Some("not allowed");
            }
        }
        None
    }
}

#[test]
fn nobody_is_authenticated_against_an_objection() {
    let config = Config { cases: 4_000, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let authenticated = Cell::new(0);
    TestRunner::new_with_rng(config, rng)
        .run(&world(), |world| {
            let registry = world.registry();
            let evidence = world.evidence();
            let decision = registry.decide(&evidence);
            prop_assert!(!decision.findings.is_empty());
            let strict = registry.decide_registered_only(&evidence);
            prop_assert!(strict.verdict != Authenticated || decision.verdict == Authenticated);
            if decision.verdict == Authenticated {
                authenticated.set(authenticated.get() + 1);
                prop_assert_eq!(world.objection(), None, "{:#?}", decision);
                prop_assert!(decision.findings.iter().all(|finding| finding.severity < Severity::Error));
            }
            Ok(())
        })
        .unwrap();
    assert!(authenticated.get() > 100, "hollow: only {} worlds authenticate somebody", authenticated.get());
}
