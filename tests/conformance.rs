//! The reference APKs: what apksig says of each, row by row.
//!
//! The files are not part of the project. `APKVOUCH_CORPUS` names the directory that holds them, with
//! `expectations.tsv` and `realworld.tsv`; without it this test says that it was left out. A row may differ only with an
//! entry in `testdata/exceptions.toml`, and an entry that no longer differs fails the test too.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it did not expect")]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use apkvouch::Idsig;
use apkvouch::Limits;
use apkvouch::Verification;
use apkvouch::VerifyOptions;
use apkvouch::finding::Finding;
use apkvouch::finding::SchemeId;
use apkvouch::finding::Severity;
use apkvouch::identity::Certificate;
use apkvouch::identity::CertificateDigest;
use apkvouch::report::apksigner;
use apkvouch::scheme::SchemeResult;
use apkvouch::scheme::VerifiedSigner;
use apkvouch::source::FileSource;
use apkvouch::verify::StampStatus;
use apkvouch::verify::Status;
use apkvouch::verify::verify_source_stamp;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exceptions {
    #[serde(default)]
    conformance: Vec<Exception>,
    #[serde(default)]
    compat: Vec<toml::Value>,
}

/// Where we differ from apksig on purpose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    /// The file, as in the table.
    file: String,
    /// The range of API levels as in the table, `28 -`; all ranges when left out.
    range: Option<String>,
    /// What apksig says, and what we say.
    theirs: String,
    ours: String,
    /// The behaviour of the platform that justifies it.
    reason: String,
    /// Where that can be read.
    source: String,
}

#[derive(Debug)]
struct Row {
    file: String,
    min_sdk: Option<u32>,
    max_sdk: Option<u32>,
    sidecar: Option<String>,
    expect: String,
    schemes: BTreeSet<String>,
    signers: Vec<String>,
    issues: BTreeSet<String>,
    warnings: BTreeSet<String>,
    range: String,
    /// Whether it says something of a source stamp: what apksig's own tests assert of an app's signers does not.
    speaks_of_stamp: bool,
}

fn rows(corpus: &Path, table: &str) -> Vec<Row> {
    let text = fs::read_to_string(corpus.join(table)).unwrap();
    text.lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [file, min, max, sidecar, expect, schemes, signers, issues, warnings, source, ..] =
                fields[..]
            else {
                panic!("{table}: a row with too few columns: {line}")
            };
            let list = |text: &str| -> Vec<String> {
                text.split([',', ';']).filter(|item| !matches!(*item, "-" | "")).map(str::to_owned).collect()
            };
            Row {
                file: file.to_owned(),
                min_sdk: min.parse().ok(),
                max_sdk: max.parse().ok(),
                sidecar: Some(sidecar.to_owned()).filter(|name| name != "-"),
                expect: expect.to_owned(),
                schemes: list(schemes).into_iter().collect(),
                signers: list(signers),
                issues: list(issues).into_iter().collect(),
                warnings: list(warnings).into_iter().collect(),
                range: format!("{min} {max}"),
                speaks_of_stamp: source != "apksig-test",
            }
        })
        .collect()
}

/// apksig has no names for what can be wrong with v3.2. Rows give those of Android's metrics,
/// `ApkSignatureVerificationMetrics`, which stand for these codes of ours.
const V32_ISSUES: &[(&str, &[&str])] = &[
    ("V32:ALGO_TYPE_COLLISION", &["v32-algorithm-type-collision"]),
    ("V32:BLOCK_STRIPPED", &["v32-block-stripped"]),
    ("V32:INCONSISTENT_DIGESTS", &["v32-inconsistent-digests"]),
    ("V32:INTEGRITY_MISMATCH", &["V3_SIG_APK_DIGEST_DID_NOT_VERIFY"]),
    ("V32:INVALID_SIGNER_COUNT", &["v32-signer-count"]),
    ("V32:POR_CAPABILITY_MISMATCH", &["v32-capability-mismatch"]),
    ("V32:POR_MISSING", &["v32-lineage-missing"]),
    ("V32:PUBLIC_KEY_MISMATCH", &["V3_SIG_PUBLIC_KEY_MISMATCH_BETWEEN_CERTIFICATE_AND_SIGNATURES_RECORD"]),
    ("V32:SDK_ATTR_MISMATCH", &["v32-sdk-attribute-mismatch"]),
    ("V32:SIGNATURE_VERIFICATION_FAILED", &["V3_SIG_DID_NOT_VERIFY"]),
    (
        "V32:SIGNER_SDK_MISMATCH",
        &[
            "V3_MIN_SDK_VERSION_MISMATCH_BETWEEN_SIGNER_AND_SIGNED_DATA_RECORD",
            "V3_MAX_SDK_VERSION_MISMATCH_BETWEEN_SIGNER_AND_SIGNED_DATA_RECORD",
        ],
    ),
    ("V32:TOO_MANY_SIGNERS", &["v32-too-many-signers"]),
];

/// The names of [`V32_ISSUES`] that a row has, so that one which no row has is seen.
fn v32_issues(row: &Row) -> impl Iterator<Item = &'static str> {
    let named = |name: &str| row.issues.iter().any(|issue| issue == name);
    V32_ISSUES.iter().map(|(name, _)| *name).filter(move |name| named(name))
}

/// Whether `issue`, as a row names it, is among `found`, as we name them.
fn is_found(issue: &str, found: &BTreeSet<String>) -> bool {
    match V32_ISSUES.iter().find(|(name, _)| *name == issue) {
        Some((_, codes)) => codes.iter().any(|code| found.contains(*code)),
        None => found.contains(issue),
    }
}

/// Issues of a v4 signature file that fail the APK in apksig, too: those that hold it against the APK's other signatures.
const V4_ISSUES_THAT_COUNT: [&str; 4] = [
    "V4_SIG_MULTIPLE_SIGNERS",
    "V41_SIG_NEEDS_TWO_SIGNERS",
    "V4_SIG_V2_V3_SIGNERS_MISMATCH",
    "V4_SIG_V2_V3_DIGESTS_MISMATCH",
];
/// Codes for which apksig gives no issue but throws.
const V4_CODES_THAT_BREAK_APKSIG: [&str; 3] = ["v4-no-signatures", "v4-unsupported-version", "v4-malformed"];

/// What the answer is when the v4 signature file weighs as much as in apksig: one that cannot be read breaks it down, one
/// that is not the APK's fails it, and the other errors are overlooked. Ours fails in each of these cases.
fn outcome(verification: &Verification) -> &'static str {
    let (of_v4, others): (Vec<&Finding>, Vec<&Finding>) = verification
        .findings
        .iter()
        .filter(|finding| finding.is_error())
        .partition(|finding| finding.location.scheme == Some(SchemeId::V4));
    assert!(of_v4.is_empty() || verification.status != Status::Verified, "a v4 error does not fail the file");
    if of_v4.iter().any(|finding| V4_CODES_THAT_BREAK_APKSIG.contains(&finding.code.as_str())) {
        return "MALFORMED";
    }
    let counts = |finding: &&Finding| {
        finding.code.apksig_issue().is_some_and(|issue| V4_ISSUES_THAT_COUNT.contains(&issue))
    };
    if others.is_empty() && !of_v4.is_empty() && !of_v4.iter().any(counts) {
        return "VERIFIED";
    }
    match verification.status {
        Status::Verified => "VERIFIED",
        Status::Rejected | Status::Unsigned => "REJECTED",
        Status::Malformed => "MALFORMED",
        _ => "?",
    }
}

fn issues(verification: &Verification, severity: Severity) -> BTreeSet<String> {
    let wanted = |finding: &&Finding| finding.severity == severity;
    verification
        .findings
        .iter()
        .filter(wanted)
        .map(|finding| finding.code.apksig_issue().unwrap_or(finding.code.as_str()).to_owned())
        .collect()
}

/// Every way in which the answer is not the row's.
fn differences(row: &Row, verification: &Verification) -> Vec<String> {
    let mut differences = Vec::new();
    let actual = outcome(verification);
    if actual != row.expect {
        let codes: Vec<String> = verification
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(Finding::message)
            .collect();
        differences.push(format!("outcome {} is {actual}: {}", row.expect, codes.join("; ")));
    }
    // `*` means that the row does not say.
    let states = |column: &[String]| !column.iter().any(|item| item == "*");
    if row.expect == "VERIFIED" && actual == "VERIFIED" {
        let schemes: BTreeSet<String> = verification
            .schemes
            .iter()
            .filter(|result| result.is_verified())
            .filter(|result| row.speaks_of_stamp || result.scheme != SchemeId::SourceStamp)
            .map(|result| result.scheme.as_str().to_owned())
            .collect();
        if !row.schemes.contains("*") && schemes != row.schemes {
            differences.push(format!("schemes {:?} are {schemes:?}", row.schemes));
        }
        let signers: Vec<String> = verification
            .signer_certificates()
            .iter()
            .map(|certificate| certificate.digest().to_string())
            .collect();
        // Only `--compat` speaks of the signers of a file that fails by its v4 signature file alone.
        if signers != row.signers
            && !row.signers.is_empty()
            && verification.is_verified()
            && states(&row.signers)
        {
            differences.push(format!("signers {:?} are {signers:?}", row.signers));
        }
    }
    if row.expect == actual && !row.issues.is_empty() {
        let found = issues(verification, Severity::Error);
        let alternatives = |issue: &String| issue.split('|').any(|name| is_found(name, &found));
        if !row.issues.iter().all(alternatives) {
            differences.push(format!("issues {:?} are {found:?}", row.issues));
        }
    }
    if row.expect == actual && !row.warnings.is_empty() {
        let found = issues(verification, Severity::Warning);
        if !row.warnings.is_subset(&found) {
            differences.push(format!("warnings {:?} are {found:?}", row.warnings));
        }
    }
    differences
}

/// Every way in which `--compat apksigner` does not answer the row, for rows with a v4 signature file: there it is not our
/// own answer that is printed.
fn differences_of_compat(row: &Row, verification: &Verification) -> Vec<String> {
    let mut options = apksigner::Options::default();
    options.verbose = true;
    options.certificates = true;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = apksigner::write(verification, &options, &mut out, &mut err).unwrap();
    let (out, err) = (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap());
    let actual = match (code, err.starts_with("DOES NOT VERIFY")) {
        (0, false) => "VERIFIED",
        (1, true) => "REJECTED",
        (1, false) => "MALFORMED",
        _ => "?",
    };
    if actual != row.expect {
        return vec![format!("with --compat, {} is {actual}: {err}", row.expect)];
    }
    let schemes: BTreeSet<String> = out
        .lines()
        .filter_map(|line| line.strip_prefix("Verified using ")?.strip_suffix(": true"))
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .collect();
    // With v3.1 there is a line for v3.0's signer, too, which comes behind.
    let signer = out.lines().find_map(|line| line.split_once(" certificate SHA-256 digest: "));
    let signer = signer.map(|(_, digest)| digest);
    if schemes != row.schemes || signer != row.signers.first().map(String::as_str) {
        let expected = format!("{:?} by {:?}", row.schemes, row.signers);
        return vec![format!("with --compat, {expected} are {schemes:?} by {signer:?}")];
    }
    Vec::new()
}

#[test]
fn every_row_agrees_with_the_reference() {
    let Some(corpus) = std::env::var_os("APKVOUCH_CORPUS").map(PathBuf::from) else {
        println!("left out: APKVOUCH_CORPUS does not name the directory of the reference APKs");
        return;
    };
    let exceptions = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/exceptions.toml");
    let exceptions: Exceptions = toml::from_str(&fs::read_to_string(exceptions).unwrap()).unwrap();
    let mut rows_checked = 0;
    let mut sidecars = 0;
    let mut unnamed: BTreeSet<&str> = V32_ISSUES.iter().map(|(name, _)| *name).collect();
    let mut differing: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut used = vec![0_usize; exceptions.conformance.len()];
    for row in ["expectations.tsv", "realworld.tsv"].iter().flat_map(|table| rows(&corpus, table)) {
        rows_checked += 1;
        v32_issues(&row).for_each(|name| {
            unnamed.remove(name);
        });
        let source = FileSource::open(&corpus.join(&row.file)).unwrap();
        let mut options = VerifyOptions::default();
        options.min_sdk = row.min_sdk;
        options.max_sdk = row.max_sdk;
        let verification = match &row.sidecar {
            None => apkvouch::verify(&source, &options).unwrap(),
            Some(sidecar) => {
                let file = FileSource::open(&corpus.join(sidecar)).unwrap();
                apkvouch::verify_with_idsig(&source, &Idsig::new(&file, sidecar), &options).unwrap()
            }
        };
        let name = format!("{} [{}]", row.file, row.range);
        if row.sidecar.is_some() {
            sidecars += 1;
            // Here nothing is excepted.
            let of_compat = differences_of_compat(&row, &verification);
            if !of_compat.is_empty() {
                differing.entry(name.clone()).or_default().extend(of_compat);
            }
        }
        let differences = differences(&row, &verification);
        let excepted = exceptions.conformance.iter().position(|exception| {
            exception.file == row.file && exception.range.as_ref().is_none_or(|range| *range == row.range)
        });
        match (differences.is_empty(), excepted) {
            (true, _) => {}
            (false, Some(index)) => used[index] += 1,
            (false, None) => {
                differing.entry(name).or_default().extend(differences);
            }
        }
    }
    println!("{rows_checked} rows compared, {sidecars} of them with a v4 signature file");
    for exception in &exceptions.conformance {
        for text in [&exception.theirs, &exception.ours, &exception.reason, &exception.source] {
            assert!(!text.trim().is_empty(), "an exception without its argument: {}", exception.file);
        }
    }
    assert!(exceptions.compat.iter().all(toml::Value::is_table));
    let unused: Vec<String> = exceptions
        .conformance
        .iter()
        .zip(&used)
        .filter(|(_, count)| **count == 0)
        .map(|(exception, _)| format!("{} {:?}", exception.file, exception.range))
        .collect();
    let mut text = String::new();
    for (row, differences) in &differing {
        writeln!(text, "{row}: {}", differences.join("; ")).unwrap();
    }
    assert!(differing.is_empty(), "{} rows differ:\n{text}", differing.len());
    assert!(unused.is_empty(), "exceptions that no longer differ: {unused:?}");
    assert!(unnamed.is_empty(), "issues that no row has: {unnamed:?}");
    assert!(rows_checked > 2000 && sidecars > 200, "only {rows_checked} rows, {sidecars} with v4");
}

#[test]
fn every_lineage_file_agrees_with_the_reference() {
    let Some(corpus) = std::env::var_os("APKVOUCH_CORPUS").map(PathBuf::from) else {
        println!("left out: APKVOUCH_CORPUS does not name the directory of the reference APKs");
        return;
    };
    let table = fs::read_to_string(corpus.join("lineage.tsv")).unwrap();
    let mut checked = 0;
    for line in table.lines().skip(1) {
        let [file, expect, notes] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("lineage.tsv: a row with too few columns: {line}")
        };
        let bytes = fs::read(corpus.join(file)).unwrap();
        let lineage = apkvouch::verify_lineage_file(&bytes, &Limits::default());
        assert_eq!(if lineage.is_ok() { "VALID" } else { "INVALID" }, expect, "{file}: {lineage:?}");
        let Ok(lineage) = lineage else { continue };
        let count: Option<usize> = notes.split(' ').next().and_then(|count| count.parse().ok());
        assert!(count.is_none_or(|count| count == lineage.nodes().len()), "{file}: {notes}: {lineage:?}");
        let capable = lineage.nodes().first().unwrap().capabilities().count() > 0;
        assert_eq!(capable, !notes.contains("capabilities"), "{file}: {notes}");
        assert_eq!(lineage.min_sdk(), 28, "{file}");
        checked += 1;
    }
    assert!(checked >= 8, "only {checked} lineages that verify");
}

/// A row of the table of source stamps.
#[derive(Debug)]
struct StampRow {
    file: String,
    min_sdk: Option<u32>,
    max_sdk: Option<u32>,
    expected: Option<CertificateDigest>,
    verified: bool,
    /// SHA-256 of the stamp's certificate; none when the row does not state it.
    certificate: Option<String>,
    issue: Option<String>,
    /// What the notes state.
    status: Option<String>,
    info: Option<String>,
    timestamp: Option<u64>,
    lineage: Option<Vec<String>>,
    /// Scheme and certificate of each of the app's signers, v3.1 with its range of API levels.
    signers: Option<BTreeSet<String>>,
}

fn stamp_rows(corpus: &Path) -> Vec<StampRow> {
    let text = fs::read_to_string(corpus.join("stamp.tsv")).unwrap();
    text.lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [file, min, max, expected, expect, certificate, issue, notes] = fields[..] else {
                panic!("stamp.tsv: a row with other columns: {line}")
            };
            let stated = |text: &str| Some(text.to_owned()).filter(|text| text != "-");
            let note = |name: &str| {
                let mut notes = notes.split("; ");
                notes.find_map(|note| note.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
            };
            let list = |text: String| text.split(',').map(str::to_owned).collect::<Vec<_>>();
            StampRow {
                file: file.to_owned(),
                min_sdk: min.parse().ok(),
                max_sdk: max.parse().ok(),
                expected: stated(expected).map(|digest| digest.parse().unwrap()),
                verified: expect == "STAMP_VERIFIED",
                certificate: stated(certificate),
                issue: stated(issue),
                status: note("status"),
                info: note("info"),
                timestamp: note("timestamp").map(|seconds| seconds.parse().unwrap()),
                lineage: note("stamp lineage").map(list),
                signers: note("apk signers").map(|text| list(text).into_iter().collect()),
            }
        })
        .collect()
}

/// The app's signers as the table of stamps spells them: of v3.1 those that some version in range sees.
fn spelled_signers(verification: &Verification) -> BTreeSet<String> {
    let signing = verification.schemes.iter().filter(|result| result.scheme != SchemeId::SourceStamp);
    let seen = signing.flat_map(SchemeResult::signers).filter(|signer| {
        let (min, max) = signer.sdk_range();
        signer.scheme() != SchemeId::V31 || min <= max
    });
    let spelled = seen.map(|signer| {
        let range = signer.place().sdk_range.filter(|_| signer.scheme() == SchemeId::V31);
        let range = range.map(|(min, max)| format!("@{min}-{max}")).unwrap_or_default();
        format!("{}:{}{range}", signer.scheme(), signer.digest())
    });
    spelled.collect()
}

/// Every way in which what we say of the stamp is not the row's; `alone` is the check of the stamp alone.
fn stamp_differences(
    row: &StampRow,
    result: &SchemeResult,
    timestamp: Option<u64>,
    findings: &[Finding],
    alone: bool,
) -> Vec<String> {
    let mut differences = Vec::new();
    if result.is_verified() != row.verified {
        differences.push(format!("verified {} is {:?}", row.verified, result.outcome));
    }
    let claimed = &result.claimed_certificates;
    let certificate = result.signers().first().map(VerifiedSigner::certificate).or(claimed.first());
    let certificate = certificate.map(|certificate| certificate.digest().to_string());
    if certificate != row.certificate {
        differences.push(format!("certificate {:?} is {certificate:?}", row.certificate));
    }
    let of = |severity: Severity| -> BTreeSet<&str> {
        let findings =
            findings.iter().filter(|finding| finding.location.scheme == Some(SchemeId::SourceStamp));
        let findings = findings.filter(|finding| finding.severity == severity);
        findings.filter_map(|finding| finding.code.apksig_issue()).collect()
    };
    let mut faults = of(Severity::Warning);
    faults.extend(of(Severity::Error));
    let issues: BTreeSet<&str> = row.issue.as_deref().into_iter().collect();
    if faults != issues {
        differences.push(format!("issues {issues:?} are {faults:?}"));
    }
    if let Some(info) = row.info.as_deref().filter(|info| !alone && !of(Severity::Note).contains(info)) {
        differences.push(format!("info {info} is not given"));
    }
    if row.verified && timestamp != row.timestamp && row.timestamp.is_some() {
        differences.push(format!("timestamp {:?} is {timestamp:?}", row.timestamp));
    }
    let verified = result.signers().first().and_then(VerifiedSigner::lineage);
    let verified = verified.map(|lineage| lineage.nodes().iter().map(|node| &node.certificate).collect());
    let lineage: Vec<&Certificate> = verified.unwrap_or_else(|| claimed.iter().skip(1).collect());
    let lineage: Vec<String> =
        lineage.into_iter().map(|certificate| certificate.digest().to_string()).collect();
    if row.lineage.as_ref().is_some_and(|expected| *expected != lineage) {
        differences.push(format!("lineage {:?} is {lineage:?}", row.lineage));
    }
    differences
}

#[test]
fn every_source_stamp_agrees_with_the_reference() {
    let Some(corpus) = std::env::var_os("APKVOUCH_CORPUS").map(PathBuf::from) else {
        println!("left out: APKVOUCH_CORPUS does not name the directory of the reference APKs");
        return;
    };
    let mut text = String::new();
    let mut stated = [0_usize; 5];
    let rows = stamp_rows(&corpus);
    for row in &rows {
        let source = FileSource::open(&corpus.join(&row.file)).unwrap();
        let mut options = VerifyOptions::default();
        options.min_sdk = row.min_sdk;
        options.max_sdk = row.max_sdk;
        let expected = row.expected.map(|digest| [digest]);
        let expected = expected.as_ref().map(<[CertificateDigest; 1]>::as_slice);
        let alone = verify_source_stamp(&source, &options, expected).unwrap();
        let mut differences = stamp_differences(row, &alone.result, alone.timestamp, &alone.findings, true);
        if row.status.as_ref().is_some_and(|status| status != alone.status.as_str()) {
            differences.push(format!("status {:?} is {}", row.status, alone.status.as_str()));
        }
        // Only the check of the stamp alone can be told what to expect, and only it calls a missing stamp an issue.
        let verification = apkvouch::verify(&source, &options).unwrap();
        let with_app =
            alone.status != StampStatus::CertificateDigestMismatch && alone.status != StampStatus::Missing;
        let stamp = verification.scheme(SchemeId::SourceStamp).unwrap();
        if with_app {
            let timestamp = verification.stamp_timestamp;
            differences.extend(stamp_differences(row, stamp, timestamp, &verification.findings, false));
        }
        let signers = spelled_signers(&verification);
        if row.signers.as_ref().is_some_and(|expected| *expected != signers) {
            differences.push(format!("signers {:?} are {signers:?}", row.signers));
        }
        for difference in differences {
            writeln!(text, "{} [{:?} {:?}]: {difference}", row.file, row.min_sdk, row.max_sdk).unwrap();
        }
        let states = [
            row.status.is_some(),
            row.info.is_some(),
            row.timestamp.is_some(),
            row.lineage.is_some(),
            row.signers.is_some(),
        ];
        stated.iter_mut().zip(states).for_each(|(count, states)| *count += usize::from(states));
    }
    println!("{} rows of stamps compared", rows.len());
    assert!(text.is_empty(), "{text}");
    assert!(rows.len() >= 58, "only {} rows", rows.len());
    assert!(stated.iter().all(|count| *count > 0), "notes are not read: {stated:?}");
}

/// What is odd about the archives of real APKs: those that were made to be odd.
const ODD_REAL_APKS: &[(&str, &[&str])] =
    &[("apktool-2.7.0+dfsg-6+deb12u1__issue1589.apk", &["zip-name-leaves-meta-inf", "zip-name-traversal"])];

#[test]
fn real_apks_are_not_found_odd() {
    const TEST_KEY: &str = "a40da80a59d170caa950cf15c18c454d";
    let Some(corpus) = std::env::var_os("APKVOUCH_CORPUS").map(PathBuf::from) else {
        println!("left out: APKVOUCH_CORPUS does not name the directory of the reference APKs");
        return;
    };
    let mut with_test_key = 0;
    let mut wrong = String::new();
    for row in rows(&corpus, "realworld.tsv") {
        let path = corpus.join(&row.file);
        let mut options = VerifyOptions::default();
        (options.min_sdk, options.max_sdk) = (row.min_sdk, row.max_sdk);
        let verification = apkvouch::verify(&FileSource::open(&path).unwrap(), &options).unwrap();
        let code = |finding: &Finding| finding.code.as_str();
        let odd: BTreeSet<&str> = verification
            .findings
            .iter()
            .map(code)
            .filter(|code| ["zip", "signing-block", "fake-id"].iter().any(|start| code.starts_with(start)))
            .collect();
        let name = path.file_name().unwrap().to_str().unwrap();
        let expected = ODD_REAL_APKS.iter().find(|(file, _)| *file == name).map_or(&[][..], |row| row.1);
        if odd != expected.iter().copied().collect() {
            writeln!(wrong, "{name}: {odd:?}").unwrap();
        }
        let signed_by_test_key = verification
            .signer_certificates()
            .iter()
            .any(|certificate| certificate.digest().to_string().starts_with(TEST_KEY));
        with_test_key += usize::from(signed_by_test_key);
        if verification.findings.iter().any(|finding| code(finding) == "test-key") != signed_by_test_key {
            writeln!(wrong, "{name}: test key {signed_by_test_key}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(with_test_key > 5, "only {with_test_key} rows by the test key of AOSP");
}
