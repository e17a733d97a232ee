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

use apkvouch::Verification;
use apkvouch::VerifyOptions;
use apkvouch::finding::Finding;
use apkvouch::finding::SchemeId;
use apkvouch::finding::Severity;
use apkvouch::source::FileSource;
use apkvouch::verify::Status;
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
}

fn rows(corpus: &Path, table: &str) -> Vec<Row> {
    let text = fs::read_to_string(corpus.join(table)).unwrap();
    text.lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [file, min, max, sidecar, expect, schemes, signers, issues, warnings, ..] = fields[..] else {
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
            }
        })
        .collect()
}

/// What a row needs that is not verified yet.
fn needs_more(row: &Row) -> bool {
    row.sidecar.is_some() || row.file.contains("/v32-")
}

fn outcome(verification: &Verification) -> &'static str {
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
    if row.expect == "VERIFIED" && actual == "VERIFIED" {
        let schemes: BTreeSet<String> = verification
            .schemes
            .iter()
            .filter(|result| result.is_verified())
            .map(|result| result.scheme.as_str().to_owned())
            .collect();
        let expected: BTreeSet<String> =
            row.schemes.iter().filter(|scheme| *scheme != "stamp").cloned().collect();
        if !row.schemes.contains("*") && schemes != expected {
            differences.push(format!("schemes {expected:?} are {schemes:?}"));
        }
        let signers: Vec<String> = verification
            .signer_certificates()
            .iter()
            .map(|certificate| certificate.digest().to_string())
            .collect();
        if signers != row.signers && !row.signers.is_empty() {
            differences.push(format!("signers {:?} are {signers:?}", row.signers));
        }
    }
    if row.expect == "REJECTED" && actual == "REJECTED" && !row.issues.is_empty() {
        let found = issues(verification, Severity::Error);
        let alternatives = |issue: &String| issue.split('|').any(|name| found.contains(name));
        if !row.issues.iter().all(alternatives) {
            differences.push(format!("issues {:?} are {found:?}", row.issues));
        }
    }
    if row.expect == actual && !row.warnings.is_empty() {
        let found = issues(verification, Severity::Warning);
        let expected: BTreeSet<&String> =
            row.warnings.iter().filter(|warning| !warning.starts_with("SOURCE_STAMP")).collect();
        if !expected.iter().all(|warning| found.contains(*warning)) {
            differences.push(format!("warnings {expected:?} are {found:?}"));
        }
    }
    differences
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
    let mut left = 0;
    let mut differing: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut used = vec![0_usize; exceptions.conformance.len()];
    for row in ["expectations.tsv", "realworld.tsv"].iter().flat_map(|table| rows(&corpus, table)) {
        if needs_more(&row) {
            left += 1;
            continue;
        }
        rows_checked += 1;
        let source = FileSource::open(&corpus.join(&row.file)).unwrap();
        let mut options = VerifyOptions::default();
        options.min_sdk = row.min_sdk;
        options.max_sdk = row.max_sdk;
        let verification = apkvouch::verify(&source, &options).unwrap();
        let differences = differences(&row, &verification);
        let excepted = exceptions.conformance.iter().position(|exception| {
            exception.file == row.file && exception.range.as_ref().is_none_or(|range| *range == row.range)
        });
        match (differences.is_empty(), excepted) {
            (true, _) => {}
            (false, Some(index)) => used[index] += 1,
            (false, None) => {
                differing.entry(format!("{} [{}]", row.file, row.range)).or_default().extend(differences);
            }
        }
    }
    println!("{rows_checked} rows compared, {left} left out because they need v3.2, v4 or a sidecar");
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
    assert!(rows_checked > 2000, "only {rows_checked} rows");
    let _ = SchemeId::V1;
}
