//! A whole file, as a user would have it judged: evidence, marks, decision, and everything that is written about it.

use std::sync::LazyLock;

use apkvouch::Registry;
use apkvouch::marks;
use apkvouch::marks::MarkOptions;
use apkvouch::marks::Profiles;
use apkvouch::policy::Policy;
use apkvouch::policy::Verdict;

use super::archive::testdata;
use super::archive::whole_file_options;

static REGISTRY: LazyLock<Registry> =
    LazyLock::new(|| Registry::load(testdata().join("demo/registry.toml")).unwrap());

pub fn run(bytes: &[u8]) {
    let options = whole_file_options();
    let verification = apkvouch::verify(&bytes, &options).unwrap();
    assert!(verification.findings.len() < 4100);
    assert_eq!(verification.is_verified(), !verification.views.is_empty());
    let errors = verification.findings.iter().any(apkvouch::finding::Finding::is_error);
    assert!(!verification.is_verified() || !errors, "{:?}", verification.findings);
    assert!(verification.is_verified() || verification.signer_certificates().is_empty());
    for finding in &verification.findings {
        assert!(finding.message().len() < 4096, "{}", finding.message());
    }
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let decision = apkvouch::decide(&verification, &REGISTRY, &Policy::default(), now);
    assert!(decision.verdict != Verdict::Authenticated || verification.is_verified());
    let inspection = apkvouch::inspect(&bytes, None, &options, &Profiles::default()).unwrap();
    assert_eq!(inspection.verification.status, verification.status);
    let mut mark_options = MarkOptions::default();
    mark_options.limits = options.limits.clone();
    let _ = marks::read(&bytes, &mark_options).unwrap();
}
