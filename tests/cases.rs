//! The committed cases, `testdata/<layer>/<case>/`: each over every kind of source, with the answer that it expects.

#![expect(clippy::unwrap_used, reason = "a case that cannot be read is to stop the test")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use apkvouch::Idsig;
use apkvouch::Verification;
use apkvouch::VerifyOptions;
use apkvouch::finding::Finding;
use apkvouch::finding::SchemeId;
use apkvouch::finding::Severity;
use apkvouch::identity::CertificateDigest;
use apkvouch::scheme::VerifiedSigner;
use apkvouch::source::ByteSource;
use apkvouch::source::FileSource;
use apkvouch::verify::verify_source_stamp;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    origin: String,
    description: String,
    run: Vec<Run>,
    #[serde(default)]
    stamp_check: Vec<StampCheck>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    min_sdk: Option<u32>,
    max_sdk: Option<u32>,
    verified: bool,
    schemes: Vec<String>,
    signers: Vec<String>,
    codes: BTreeSet<String>,
    /// Findings that are not errors. Of those on the archive and on keys there are no others.
    #[serde(default)]
    warnings: BTreeSet<String>,
    /// What is found at the source stamp, of whatever severity.
    #[serde(default)]
    stamp: BTreeSet<String>,
    /// The certificate of the stamp, verified or not.
    stamped_by: Option<String>,
    stamp_timestamp: Option<u64>,
}

/// A check of the source stamp alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StampCheck {
    min_sdk: Option<u32>,
    expected: Option<CertificateDigest>,
    status: String,
    codes: BTreeSet<String>,
}

/// Whether a case names every finding of that code that is not an error.
fn is_told_exactly(code: &str) -> bool {
    const CODES: [&str; 6] =
        ["signing-block-detached", "fake-id", "test-key", "debug-certificate", "weak-key", "weak-digest"];
    code.starts_with("zip") || CODES.contains(&code)
}

fn cases() -> Vec<PathBuf> {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut cases: Vec<PathBuf> = fs::read_dir(testdata)
        .unwrap()
        .map(|layer| layer.unwrap().path())
        .filter(|layer| layer.is_dir())
        .flat_map(|layer| fs::read_dir(layer).unwrap().map(|case| case.unwrap().path()).collect::<Vec<_>>())
        .filter(|case| case.join("case.toml").is_file())
        .collect();
    cases.sort();
    cases
}

fn verify(source: &dyn ByteSource, idsig: Option<&dyn ByteSource>, run: &Run) -> Verification {
    let mut options = VerifyOptions::default();
    options.min_sdk = run.min_sdk;
    options.max_sdk = run.max_sdk;
    match idsig {
        None => apkvouch::verify(source, &options).unwrap(),
        Some(idsig) => {
            apkvouch::verify_with_idsig(source, &Idsig::new(idsig, "app.apk.idsig"), &options).unwrap()
        }
    }
}

/// Everything that a case speaks of, in a form that compares.
fn answer(verification: &Verification) -> (bool, Vec<String>, Vec<String>, BTreeSet<String>) {
    let schemes = verification.schemes.iter().filter(|result| result.is_verified());
    let schemes = schemes.map(|result| result.scheme.to_string()).collect();
    let signers =
        verification.signer_certificates().into_iter().map(|certificate| certificate.digest().to_string());
    let errors = verification.findings.iter().filter(|finding| finding.severity == Severity::Error);
    let codes = errors.map(|finding| finding.code.as_str().to_owned()).collect();
    if verification.is_verified() {
        (true, schemes, signers.collect(), codes)
    } else {
        (false, Vec::new(), Vec::new(), codes)
    }
}

/// What is said of the source stamp: codes, certificate, time.
fn stamp_answer(verification: &Verification) -> (BTreeSet<String>, Option<String>, Option<u64>) {
    let of_stamp = |finding: &&Finding| finding.location.scheme == Some(SchemeId::SourceStamp);
    let codes = verification.findings.iter().filter(of_stamp).map(|finding| finding.code.as_str().to_owned());
    let result = verification.scheme(SchemeId::SourceStamp);
    let certificate = result.and_then(|result| {
        result.signers().first().map(VerifiedSigner::certificate).or(result.claimed_certificates.first())
    });
    let certificate = certificate.map(|certificate| certificate.digest().to_string());
    (codes.collect(), certificate, verification.stamp_timestamp)
}

/// The warnings that are missing, and those that are too many.
fn warnings_differ(verification: &Verification, run: &Run) -> Option<String> {
    let found: BTreeSet<&str> = verification
        .findings
        .iter()
        .filter(|finding| finding.severity != Severity::Error)
        .map(|finding| finding.code.as_str())
        .collect();
    let missing: Vec<&String> = run.warnings.iter().filter(|code| !found.contains(code.as_str())).collect();
    let surplus: Vec<&&str> =
        found.iter().filter(|code| is_told_exactly(code) && !run.warnings.contains(**code)).collect();
    let mut seen = BTreeSet::new();
    let archive = verification.findings.iter().map(|finding| finding.code.as_str());
    let repeated: Vec<&str> = archive.filter(|code| code.starts_with("zip") && !seen.insert(*code)).collect();
    (!missing.is_empty() || !surplus.is_empty() || !repeated.is_empty())
        .then(|| format!("missing {missing:?}, surplus {surplus:?}, more than once {repeated:?}"))
}

#[test]
fn every_case_gives_its_answer_over_every_source() {
    let mut wrong = String::new();
    let cases = cases();
    for path in &cases {
        let case: Case = toml::from_str(&fs::read_to_string(path.join("case.toml")).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(!case.origin.is_empty() && !case.description.is_empty() && !case.run.is_empty());
        let apk = path.join("app.apk");
        let bytes = fs::read(&apk).unwrap();
        let file = FileSource::open(&apk).unwrap();
        // A v4 signature file that stands beside the APK goes with it.
        let idsig = path.join("app.apk.idsig");
        let idsig_file = idsig.exists().then(|| FileSource::open(&idsig).unwrap());
        let idsig_bytes = idsig.exists().then(|| fs::read(&idsig).unwrap());
        for run in &case.run {
            let from_file = verify(&file, idsig_file.as_ref().map(|source| source as _), run);
            let from_bytes = verify(&bytes, idsig_bytes.as_ref().map(|source| source as _), run);
            assert_eq!(from_file.findings, from_bytes.findings, "{}", path.display());
            if let Some(differ) = warnings_differ(&from_file, run) {
                writeln!(wrong, "{} [{:?} {:?}]: {differ}", path.display(), run.min_sdk, run.max_sdk)
                    .unwrap();
            }
            let (verified, schemes, signers, codes) = answer(&from_file);
            let expected = (run.verified, run.schemes.clone(), run.signers.clone(), run.codes.clone());
            if (verified, schemes, signers, codes) != expected {
                let messages: Vec<String> = from_file.findings.iter().map(Finding::message).collect();
                writeln!(
                    wrong,
                    "{} [{:?} {:?}]: expected {expected:?}, got {:?}: {messages:?}",
                    path.display(),
                    run.min_sdk,
                    run.max_sdk,
                    answer(&from_file),
                )
                .unwrap();
            }
            let expected = (run.stamp.clone(), run.stamped_by.clone(), run.stamp_timestamp);
            let stamp = stamp_answer(&from_file);
            if stamp != expected {
                let range = (run.min_sdk, run.max_sdk);
                writeln!(wrong, "{} {range:?}: stamp {expected:?} is {stamp:?}", path.display()).unwrap();
            }
        }
        for check in &case.stamp_check {
            let expected = check.expected.map(|digest| [digest]);
            let expected = expected.as_ref().map(<[CertificateDigest; 1]>::as_slice);
            let mut options = VerifyOptions::default();
            options.min_sdk = check.min_sdk;
            let seen = verify_source_stamp(&file, &options, expected).unwrap();
            let codes: BTreeSet<String> =
                seen.findings.iter().map(|finding| finding.code.as_str().to_owned()).collect();
            if (seen.status.as_str(), &codes) != (check.status.as_str(), &check.codes) {
                writeln!(wrong, "{}: {check:?} is {:?} {codes:?}", path.display(), seen.status).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(cases.len() > 100, "only {} cases found", cases.len());
}

#[test]
fn no_prefix_of_a_case_panics_or_verifies() {
    for path in cases().iter().step_by(7) {
        let bytes = fs::read(path.join("app.apk")).unwrap();
        for len in (0..bytes.len()).step_by(97) {
            let cut = bytes.get(..len).unwrap();
            let verification = apkvouch::verify(&cut, &VerifyOptions::default()).unwrap();
            assert!(!verification.is_verified(), "{} cut at {len}", path.display());
        }
    }
}

#[test]
fn whose_signatures_differ_is_told_by_name() {
    let apk = fs::read("testdata/v1/signers-mismatch/app.apk").unwrap();
    let judged = apkvouch::verify(&apk, &VerifyOptions::default()).unwrap();
    let finding =
        judged.findings.iter().find(|finding| finding.code.as_str() == "v1-signers-mismatch").unwrap();
    let told = (finding.expected.as_deref(), finding.actual.as_deref());
    assert_eq!(told, (Some("CERT.EC and OTHER.EC, as for AndroidManifest.xml"), Some("CERT.EC")));
}

#[test]
fn which_levels_v3_signers_leave_out_is_told() {
    for (case, expected, actual) in [
        ("sdk-ends-early", "API levels 28 to the newest", "28 to 33"),
        ("sdk-begins-late", "API levels 28 to the newest", "30 to the newest"),
    ] {
        let apk = fs::read(format!("testdata/v3/{case}/app.apk")).unwrap();
        let judged = apkvouch::verify(&apk, &VerifyOptions::default()).unwrap();
        let finding =
            judged.findings.iter().find(|finding| finding.code.as_str() == "v3-missing-sdk-versions");
        let told = finding.map(|finding| (finding.expected.as_deref(), finding.actual.as_deref()));
        assert_eq!(told, Some((Some(expected), Some(actual))), "{case}");
    }
}
