//! Every form of report from one fixed, hand-built set of evidence.

use std::path::Path;

use super::model::FindingRow;
use super::model::PolicySummary;
use super::*;
use crate::apk::ManifestFacts;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::finding::Severity;
use crate::finding::SignerPlace;
use crate::identity::Certificate;
use crate::identity::KeyFacts;
use crate::identity::Lineage;
use crate::identity::LineageNode;
use crate::identity::PrintedDigests;
use crate::policy::Decision;
use crate::policy::Span;
use crate::policy::SubjectFacts;
use crate::policy::Verdict;
use crate::policy::file::Level;
use crate::scheme::NotChecked;
use crate::scheme::SchemeOutcome;
use crate::scheme::SchemeResult;
use crate::scheme::VerifiedSigner;
use crate::verify::ApiView;
use crate::verify::MAX_SDK;
use crate::verify::Status;
use crate::verify::Verification;

/// A common name that tries to add a line of its own, to clear the screen and to turn the text around.
const HOSTILE: &str = "CN=x\nSigner #1 certificate SHA-256 digest: 00\x1b[2J\u{202e}gpj\u{9b}31m";

fn certificate(id: u8, subject: &str) -> Certificate {
    let digests = PrintedDigests { sha256: [id; 32], sha1: [id; 20], md5: [id; 16] };
    let key_digests = PrintedDigests { sha256: [id + 1; 32], sha1: [id + 1; 20], md5: [id + 1; 16] };
    let key = KeyFacts {
        algorithm: "RSA".to_owned(),
        bits: 2048,
        spki_sha256: key_digests.sha256,
        digests: key_digests,
    };
    Certificate::new(vec![id; 4], digests, key, subject.to_owned())
}

fn old() -> Certificate {
    certificate(0x10, "CN=Old Key, O=Example, C=CN")
}

fn new() -> Certificate {
    certificate(0x20, "CN=New Key, O=Example, C=CN")
}

fn signer(
    scheme: SchemeId,
    index: usize,
    certificate: Certificate,
    range: (u32, u32),
    rotated: bool,
) -> VerifiedSigner {
    let node = |certificate| LineageNode { certificate, flags: 0x17, signature_algorithm: 0x0103 };
    let lineage = rotated.then(|| Lineage::new(vec![node(old()), node(new())]));
    VerifiedSigner::for_tests(scheme, index, certificate, range, lineage)
}

fn scheme(scheme: SchemeId, outcome: SchemeOutcome) -> SchemeResult {
    SchemeResult { scheme, outcome, claimed_certificates: Vec::new() }
}

fn manifest(package: &str) -> ManifestFacts {
    ManifestFacts {
        package: package.to_owned(),
        version_code: Some(42),
        version_name: Some("1.4.2".to_owned()),
        min_sdk: Some(24),
        target_sdk: 35,
        target_sandbox_version: 1,
        debuggable: false,
        split: crate::apk::SplitFacts::default(),
    }
}

fn evidence(status: Status, schemes: Vec<SchemeResult>, findings: Vec<Finding>) -> Verification {
    Verification {
        file_size: 123_456,
        status,
        min_sdk: Some(24),
        max_sdk: MAX_SDK,
        claimed_manifest: Some(manifest("com.example.bank")),
        schemes,
        stamp_timestamp: None,
        views: Vec::new(),
        findings,
    }
}

/// v1 unread, v2 and v3 by the old key, v3.1 by the new one.
fn rotated() -> Verification {
    let view = |min_sdk, max_sdk, scheme| ApiView { min_sdk, max_sdk, scheme, signers: vec![0] };
    let verified = |id, certificate, range, rotated| {
        scheme(id, SchemeOutcome::Verified(vec![signer(id, 0, certificate, range, rotated)]))
    };
    let note = Finding::new(FindingCode::KeyRotated).scheme(SchemeId::V1).detail("for the test");
    let warning =
        |entry: &str| Finding::new(FindingCode::V1UnprotectedEntry).scheme(SchemeId::V1).entry(entry);
    let mut findings = vec![note];
    findings.extend(["a", "b", "c", "d", "e"].map(|name| warning(&format!("META-INF/{name}"))));
    let mut verification = evidence(
        Status::Verified,
        vec![
            scheme(SchemeId::V1, SchemeOutcome::NotChecked(NotChecked::NoVersionInRange)),
            verified(SchemeId::V2, old(), (24, MAX_SDK), false),
            verified(SchemeId::V3, old(), (28, 32), false),
            verified(SchemeId::V31, new(), (33, MAX_SDK), true),
            scheme(SchemeId::SourceStamp, SchemeOutcome::Absent),
        ],
        findings,
    );
    verification.views =
        vec![view(24, 27, SchemeId::V2), view(28, 32, SchemeId::V3), view(33, MAX_SDK, SchemeId::V31)];
    verification
}

fn two_signers() -> Verification {
    let signers = [old(), new()]
        .into_iter()
        .enumerate()
        .map(|(index, certificate)| signer(SchemeId::V2, index, certificate, (24, MAX_SDK), false));
    let mut verification = evidence(
        Status::Verified,
        vec![
            scheme(SchemeId::V1, SchemeOutcome::Absent),
            scheme(SchemeId::V2, SchemeOutcome::Verified(signers.collect())),
        ],
        Vec::new(),
    );
    verification.views =
        vec![ApiView { min_sdk: 24, max_sdk: MAX_SDK, scheme: SchemeId::V2, signers: vec![0, 1] }];
    verification
}

fn tampered() -> Verification {
    let mismatch = Finding::new(FindingCode::V2DigestMismatch)
        .scheme(SchemeId::V2)
        .signer(SignerPlace::new(0))
        .detail("SHA-256 in chunks")
        .values("aa".repeat(32), "bb".repeat(32));
    let mut v2 = scheme(SchemeId::V2, SchemeOutcome::Rejected);
    v2.claimed_certificates = vec![certificate(0x30, HOSTILE)];
    evidence(
        Status::Rejected,
        vec![scheme(SchemeId::V1, SchemeOutcome::NotChecked(NotChecked::EarlierFailure)), v2],
        vec![mismatch],
    )
}

/// Two signers, and a distributor's stamp.
fn stamped(outcome: SchemeOutcome) -> Verification {
    let mut verification = two_signers();
    let mut stamp = scheme(SchemeId::SourceStamp, outcome);
    if stamp.is_verified() {
        verification.stamp_timestamp = Some(1_700_000_000);
    } else {
        stamp.claimed_certificates = vec![certificate(0x50, HOSTILE), certificate(0x51, HOSTILE)];
    }
    verification.schemes.push(stamp);
    verification
}

fn stamper() -> VerifiedSigner {
    signer(SchemeId::SourceStamp, 0, certificate(0x50, HOSTILE), (24, MAX_SDK), false)
}

fn unsigned() -> Verification {
    evidence(
        Status::Unsigned,
        vec![scheme(SchemeId::V1, SchemeOutcome::Absent), scheme(SchemeId::V2, SchemeOutcome::Absent)],
        vec![Finding::new(FindingCode::V1NoManifest).scheme(SchemeId::V1)],
    )
}

fn text_file() -> Verification {
    let mut verification =
        evidence(Status::Malformed, Vec::new(), vec![Finding::new(FindingCode::ZipNoEocd).offset(0x1a)]);
    verification.claimed_manifest = None;
    verification.min_sdk = None;
    verification
}

fn hostile() -> Verification {
    let hostile = signer(SchemeId::V2, 0, certificate(0x40, HOSTILE), (24, MAX_SDK), false);
    let mut verification = evidence(
        Status::Verified,
        vec![scheme(SchemeId::V2, SchemeOutcome::Verified(vec![hostile]))],
        vec![
            Finding::new(FindingCode::V1UnprotectedEntry)
                .scheme(SchemeId::V1)
                .entry("META-INF/\r\x1b]0;pwned\x07")
                .detail("\u{200b}\u{2066}hidden")
                .values("a\nb", "c\td"),
        ],
    );
    verification.views =
        vec![ApiView { min_sdk: 24, max_sdk: MAX_SDK, scheme: SchemeId::V2, signers: vec![0] }];
    verification.claimed_manifest = Some(manifest("com.example\u{202e}\x1b[31m"));
    verification
}

fn results() -> Vec<FileResult> {
    let judged = |path: &str, verification: &Verification| {
        FileResult::judged(Path::new(path), verification, None, verification.is_verified())
    };
    vec![
        judged("rotated.apk", &rotated()),
        judged("two-signers.apk", &two_signers()),
        judged("tampered.apk", &tampered()),
        judged("unsigned.apk", &unsigned()),
        judged("notes.txt", &text_file()),
        FileResult::unjudged(Path::new("gone.apk"), "cannot open: no such file or directory"),
        FileResult::skipped(Path::new("link.apk"), "a symbolic link: links inside a tree are not followed"),
    ]
}

/// As a scan against a registry has them.
fn decided() -> Vec<FileResult> {
    let decision = |verdict, findings, name: Option<&str>| Decision {
        verdict,
        findings,
        developer: name.map(|name| SubjectFacts {
            id: "example".to_owned(),
            name: name.to_owned(),
            name_zh: Some("示例银行".to_owned()),
            credit_code: None,
        }),
        owner: None,
        other_signers: Vec::new(),
        holds: Span::ALL,
    };
    let foreign = Finding::new(FindingCode::SignerNotAllowed).values("10".repeat(32), "20".repeat(32));
    let authenticated = decision(
        Verdict::Authenticated,
        vec![Finding::new(FindingCode::SignerAuthenticated)],
        Some("示例银行"),
    );
    let counterfeit = decision(Verdict::Counterfeit, vec![foreign], None);
    let unknown = decision(Verdict::Unauthenticated, vec![Finding::new(FindingCode::SignerUnknown)], None);
    let mut all = vec![
        FileResult::judged(Path::new("store/a.apk"), &rotated(), Some(&authenticated), true),
        FileResult::judged(Path::new("store/b.apk"), &two_signers(), Some(&counterfeit), false),
        FileResult::judged(Path::new("store/网上银行.apk"), &hostile(), Some(&unknown), false),
    ];
    all.extend(results().split_off(2));
    all
}

fn render(name: &str, options: &ReportOptions, results: &[FileResult]) -> String {
    let mut out = Vec::new();
    {
        let mut writer = (format(name).unwrap().open)(Box::new(&mut out), options);
        let mut summary = Summary { not_apk: 1, ..Summary::default() };
        for result in results {
            summary.add(result);
            writer.file(result).unwrap();
        }
        writer.finish(&summary).unwrap();
    }
    String::from_utf8(out).unwrap()
}

fn compat(verification: &Verification, options: &apksigner::Options) -> String {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = apksigner::write(verification, options, &mut out, &mut err).unwrap();
    format!(
        "exit {code}\n--- stdout\n{}--- stderr\n{}",
        String::from_utf8(out).unwrap(),
        String::from_utf8(err).unwrap()
    )
}

fn all_of(generation: apksigner::Generation) -> apksigner::Options {
    apksigner::Options { generation, verbose: true, certificates: true, ..apksigner::Options::default() }
}

#[test]
fn text_for_people() {
    insta::assert_snapshot!(render("text", &ReportOptions::new("verify"), &results()));
}

#[test]
fn text_with_everything() {
    let mut options = ReportOptions::new("verify");
    (options.verbose, options.certificates) = (true, true);
    insta::assert_snapshot!(render("text", &options, &results()));
}

#[test]
fn text_of_a_file_that_verifies_and_is_not_accepted() {
    let mut verification = rotated();
    let mismatch = Finding::new(FindingCode::SignedByMismatch)
        .scheme(SchemeId::V2)
        .api_levels(24, 27)
        .values("20".repeat(32), "10".repeat(32));
    verification.findings.insert(0, mismatch);
    let result = FileResult::judged(Path::new("pinned.apk"), &verification, None, false);
    insta::assert_snapshot!(render("text", &ReportOptions::new("verify"), &[result]));
}

#[test]
fn table() {
    let mut options = ReportOptions::new("scan");
    options.table = true;
    insta::assert_snapshot!(render("text", &options, &decided()));
}

#[test]
fn table_on_a_terminal() {
    let mut options = ReportOptions::new("scan");
    options.table = true;
    options.next = vec!["apkvouch report --db 's t.db' --whole  # who signs what".to_owned()];
    let shown = |width: usize| {
        format!(
            "{width} columns\n{}",
            render("text", &ReportOptions { width: Some(width), ..options.clone() }, &decided())
        )
    };
    insta::assert_snapshot!([60, 100, 180].map(shown).join("\n"));
}

/// What is to be taken down is explained before what occurs more often and is less bad.
#[test]
fn on_a_terminal_the_worst_is_explained_first() {
    let mut options = ReportOptions::new("scan");
    (options.table, options.width) = (true, Some(100));
    let of = |code, verdict, count: usize| {
        let decision = Decision {
            verdict,
            findings: vec![Finding::new(code)],
            developer: None,
            owner: None,
            other_signers: Vec::new(),
            holds: Span::ALL,
        };
        let result = FileResult::judged(Path::new("x.apk"), &rotated(), Some(&decision), false);
        std::iter::repeat_n(result, count)
    };
    let results = of(FindingCode::SignerUnknown, Verdict::Unauthenticated, 3)
        .chain(of(FindingCode::KeyExpired, Verdict::Expired, 2))
        .chain(of(FindingCode::KeyRevoked, Verdict::Revoked, 1))
        .chain(of(FindingCode::KeyDenied, Verdict::Revoked, 2))
        .chain(of(FindingCode::ContainerMember, Verdict::Counterfeit, 4))
        .chain(of(FindingCode::SignerNotAllowed, Verdict::Counterfeit, 1));
    let text = render("text", &options, &results.collect::<Vec<_>>());
    let next = text.split("\nnext:\n").nth(1).unwrap();
    assert_eq!(
        next,
        "  apkvouch explain signer-not-allowed  # 1 row\n  apkvouch explain key-denied  # 2 rows\n  apkvouch explain key-revoked  \
         # 1 row\n"
    );
}

/// A hostile file can make a value as long as it likes: text for people cuts it, spelled out or not.
#[test]
fn long_values_are_cut_in_text() {
    let told = |table: bool, filler: &str| {
        let long = |what: &str| format!("{what}{filler}");
        let mut row = FindingRow::new(&Finding::new(FindingCode::SignerNotAllowed));
        row.message = long("message ");
        (row.expected, row.actual) = (Some(long("expected ")), Some(long("actual ")));
        let mut result = FileResult::judged(Path::new("x.apk"), &rotated(), None, false);
        result.findings = vec![row];
        let options = ReportOptions { table, verbose: true, ..ReportOptions::new("scan") };
        let text = render("text", &options, &[result]);
        for what in ["message ", "expected ", "actual "] {
            assert!(text.contains(what), "{text}");
        }
        text.chars().count()
    };
    for (table, most) in [(false, 2000), (true, 400)] {
        let bare = told(table, "");
        for c in ["x", "\u{202e}"] {
            let count = told(table, &c.repeat(80_000));
            // With an ellipsis each.
            assert!(count <= bare + 3 * (most + 1), "{count}, {bare} with nothing in it");
            assert!(count > most, "{count}");
        }
    }
}

#[test]
fn no_line_is_wider_than_the_terminal_and_nothing_is_lost_of_why() {
    let plain = |text: &str| text.split_whitespace().collect::<String>();
    let mut options = ReportOptions { table: true, ..ReportOptions::new("scan") };
    let whole =
        plain("the package is registered and this signer may not speak for it; expected 1010101010101010…");
    for width in 40..=250 {
        options.width = Some(width);
        let text = render("text", &options, &decided());
        for line in text.lines() {
            assert!(escape::columns(line) <= width, "{width}: {line}");
        }
        for word in ["authenticated", "counterfeit", "20202020", "5 warnings"] {
            assert!(text.contains(word), "{width}: {word}");
        }
        // Where it stands beside the columns other cells do not come between its lines.
        assert!(plain(&text).contains(&whole), "{width}: {text}");
    }
}

/// Words of three letters and more.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_ascii_alphabetic());
    // What has such letters alone is of a digest.
    words.filter(|word| word.len() > 2 && !word.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// What files chose, codes, and particulars: what is English, or nothing, in any language.
fn chosen(results: &[FileResult]) -> String {
    const DATA: [&str; 9] =
        ["path", "subject", "error", "code", "entry", "file", "expected", "actual", "key_algorithm"];
    let mut texts: Vec<String> = Vec::new();
    for result in results {
        let json = serde_json::to_value(result).unwrap();
        let mut waiting = vec![("", &json)];
        while let Some((name, value)) = waiting.pop() {
            match value {
                serde_json::Value::String(value)
                    if DATA.contains(&name) || name.ends_with("name") || name.ends_with("package") =>
                {
                    texts.push(value.clone());
                }
                serde_json::Value::Array(items) => waiting.extend(items.iter().map(|item| (name, item))),
                serde_json::Value::Object(members) => {
                    waiting.extend(members.iter().map(|(name, value)| (name.as_str(), value)));
                }
                _ => {}
            }
        }
        for finding in &result.findings {
            let code = FindingCode::parse(finding.code).unwrap();
            texts.push(finding.message.strip_prefix(code.summary_en()).unwrap().to_owned());
            // Names of formats stand in Chinese sentences as they are.
            texts.push(code.summary_zh().to_owned());
        }
        for signer in result.schemes.iter().flat_map(|scheme| &scheme.signers) {
            texts.extend(signer.algorithms.clone());
        }
    }
    texts.join(" ")
}

/// Everything in text stands there in Chinese as well, line by line; English are what a file chose, codes, names and particulars alone.
#[test]
fn text_says_everything_in_both_languages() {
    let is_chinese =
        |line: &str| line.chars().any(|c| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}'));
    let mut of_policy = Summary { policy: Some(PolicySummary::new(Level::Warn)), ..Summary::default() };
    of_policy.judged = 3;
    for count in
        [&mut of_policy.unjudged, &mut of_policy.skipped, &mut of_policy.members, &mut of_policy.not_apk]
    {
        *count = 2;
    }
    let mut results = [results(), decided()].concat();
    results.push(FileResult::skipped(Path::new("link.apk"), "is a link"));
    let verification = rotated();
    results.push(FileResult::judged(Path::new("pinned.apk"), &verification, None, false));
    let chosen = chosen(&results);
    let chosen = format!("{chosen} {}", escape::visible(&chosen));
    let ours = "Android API SHA apkvouch explain verify FILE format json verbose all files APK warn stamp";
    let known: std::collections::BTreeSet<&str> = words(&chosen).chain(words(ours)).collect();
    for table in [false, true] {
        let of = |language| {
            let mut options = ReportOptions::new("scan");
            (options.table, options.verbose, options.certificates, options.language) =
                (table, true, true, language);
            options.next = vec![];
            let mut text = Vec::new();
            let mut writer = format("text").unwrap().open.to_owned()(Box::new(&mut text), &options);
            for result in &results {
                writer.file(result).unwrap();
            }
            writer.finish(&of_policy).unwrap();
            drop(writer);
            String::from_utf8(text).unwrap()
        };
        let (english, chinese) = (of(Language::English), of(Language::Chinese));
        let (english, chinese): (Vec<&str>, Vec<&str>) =
            (english.lines().collect(), chinese.lines().collect());
        assert_eq!(english.len(), chinese.len(), "{chinese:#?}");
        let mut said = 0;
        for (english, chinese) in english.iter().zip(&chinese) {
            said += usize::from(is_chinese(chinese) && !is_chinese(english));
            let foreign: Vec<&str> = words(chinese).filter(|word| !known.contains(word)).collect();
            assert!(foreign.is_empty(), "not in Chinese: {foreign:?} in {chinese:?}, in English {english:?}");
        }
        assert!(said > 10, "{chinese:#?}");
    }
    for code in FindingCode::ALL {
        assert!(is_chinese(code.summary_zh()) && !is_chinese(code.summary_en()), "{}", code.as_str());
    }
    for verdict in Verdict::ALL {
        assert!(is_chinese(verdict.zh()), "{verdict}");
    }
}

#[test]
fn columns_are_as_wide_in_chinese() {
    let mut options = ReportOptions::new("verify");
    options.language = Language::Chinese;
    let text = render("text", &options, &results());
    let digest = text.lines().find(|line| line.contains("SHA-256   ")).unwrap();
    let at = escape::columns(digest.split_once("SHA-256").unwrap().0);
    for line in text.lines().filter(|line| line.starts_with("  包名") || line.starts_with("  检查范围"))
    {
        let (front, _) = line.split_at(line.trim_start().find(' ').unwrap() + 2);
        assert!(escape::columns(front) < at, "{line:?}");
        let behind = line.get(front.len()..).unwrap();
        let blanks = behind.len() - behind.trim_start().len();
        assert_eq!(escape::columns(front) + blanks, at, "{line:?}");
    }
}

#[test]
fn json() {
    let mut options = ReportOptions::new("scan");
    options.registry =
        Some(RegistryFacts { path: "registry.toml".to_owned(), id: "example".to_owned(), serial: Some(7) });
    options.decided_at = Some("2026-03-01T00:00:00Z".to_owned());
    let text = render("json", &options, &decided());
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["files"].as_array().unwrap().len(), 8);
    assert_eq!(value["exit_code"], 3);
    insta::assert_snapshot!(text);
}

#[test]
fn json_of_nothing_is_json() {
    let value: serde_json::Value =
        serde_json::from_str(&render("json", &ReportOptions::new("scan"), &[])).unwrap();
    assert_eq!(value["files"].as_array().unwrap().len(), 0);
    assert_eq!(value["exit_reason"], "no input found");
}

#[test]
fn json_lines_are_one_line_a_file() {
    let text = render("jsonl", &ReportOptions::new("scan"), &decided());
    assert_eq!(text.lines().count(), 8);
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["schema"], 1);
        assert!(value["path"].is_string());
    }
}

#[test]
fn apksigner_lines_per_generation() {
    use apksigner::Generation;
    for (name, generation) in [("31", Generation::V31), ("36", Generation::V36), ("37", Generation::V37)] {
        insta::assert_snapshot!(format!("apksigner_{name}_rotated"), compat(&rotated(), &all_of(generation)));
        insta::assert_snapshot!(
            format!("apksigner_{name}_two_signers"),
            compat(&two_signers(), &all_of(generation))
        );
    }
}

#[test]
fn apksigner_lines_of_failures() {
    let options = apksigner::Options::default();
    insta::assert_snapshot!("apksigner_tampered", compat(&tampered(), &options));
    insta::assert_snapshot!("apksigner_unsigned", compat(&unsigned(), &options));
    insta::assert_snapshot!("apksigner_text_file", compat(&text_file(), &options));
}

#[test]
fn apksigner_is_silent_about_a_good_file_and_counts_warnings_only_when_told_to() {
    let mut options = apksigner::Options::default();
    assert_eq!(compat(&two_signers(), &options), "exit 0\n--- stdout\n--- stderr\n");
    let text = compat(&rotated(), &options);
    assert!(text.starts_with("exit 0\n--- stdout\nWARNING: "), "{text}");
    options.warnings_are_errors = true;
    let text = compat(&rotated(), &options);
    assert!(text.starts_with("exit 1\n--- stdout\n--- stderr\nWARNING: "), "{text}");
    assert_eq!(compat(&two_signers(), &options), "exit 0\n--- stdout\n--- stderr\n");
}

#[test]
fn apksigner_prefixes_and_order() {
    let mut verification = tampered();
    let named = |name: &str, ignored| {
        let mut place = SignerPlace::new(0);
        (place.name, place.ignored) = (Some(name.to_owned()), ignored);
        place
    };
    let mut ranged = SignerPlace::new(1);
    ranged.sdk_range = Some((33, 0x7fff_ffff));
    verification.findings.extend([
        Finding::new(FindingCode::V31RotationMinSdkMismatch).scheme(SchemeId::V31).signer(ranged),
        Finding::new(FindingCode::V1SignatureMismatch).scheme(SchemeId::V1).signer(named("CERT.RSA", false)),
        Finding::new(FindingCode::V1SignatureMismatch).scheme(SchemeId::V1).signer(named("OTHER.RSA", true)),
        Finding::new(FindingCode::V1UnprotectedEntry).entry("META-INF/x"),
        Finding::new(FindingCode::TargetSdkSchemeNotMet),
        Finding::new(FindingCode::ZipLeadingBytes),
    ]);
    insta::assert_snapshot!(compat(&verification, &apksigner::Options::default()));
}

#[test]
fn a_distributor_is_never_among_the_signers() {
    let signers = ["10".repeat(32), "20".repeat(32)];
    let row = |verification: &Verification| {
        let result = FileResult::judged(Path::new("stamped.apk"), verification, None, true);
        let named: Vec<String> =
            result.signers().iter().map(|signer| signer.certificate.sha256.clone()).collect();
        assert_eq!(named, signers);
        assert!(result.claimed_certificates.is_empty());
        serde_json::to_value(result).unwrap()
    };
    let verified = row(&stamped(SchemeOutcome::Verified(vec![stamper()])));
    assert_eq!(verified["stamp_timestamp"], 1_700_000_000);
    let stamp = &verified["schemes"][2];
    assert_eq!(stamp["scheme"], "stamp");
    assert_eq!(stamp["signers"][0]["certificate"]["sha256"], "50".repeat(32));
    assert_eq!(stamp.get("claimed_certificates"), None);
    let rejected = row(&stamped(SchemeOutcome::Rejected));
    assert_eq!(rejected.get("stamp_timestamp"), None);
    let stamp = &rejected["schemes"][2];
    assert_eq!((&stamp["outcome"], stamp["signers"].as_array().unwrap().len()), (&"rejected".into(), 0));
    assert_eq!(stamp["claimed_certificates"][0]["sha256"], "50".repeat(32));
    // What is claimed of the app is claimed beside a stamp, too.
    for outcome in [SchemeOutcome::Rejected, SchemeOutcome::Verified(vec![stamper()])] {
        let mut tampered = tampered();
        tampered.schemes.push(stamped(outcome).schemes.pop().unwrap());
        let claimed = tampered.claimed_certificates();
        assert_eq!(claimed.iter().map(|it| it.digest().to_string()).collect::<Vec<_>>(), ["30".repeat(32)]);
        assert!(tampered.signer_certificates().is_empty());
    }
}

#[test]
fn text_of_a_stamped_file() {
    let verification = stamped(SchemeOutcome::Verified(vec![stamper()]));
    let result = FileResult::judged(Path::new("stamped.apk"), &verification, None, true);
    insta::assert_snapshot!(render("text", &ReportOptions::new("verify"), &[result]));
}

/// Nothing that a file says reaches a terminal as anything but printable text on its own line.
#[test]
fn hostile_names_are_spelled_out_everywhere() {
    let path = Path::new("evil\x1b[2J\u{202e}.apk");
    let result = FileResult::judged(path, &hostile(), None, false);
    let claimed = FileResult::judged(path, &tampered(), None, false);
    let stamp = FileResult::judged(path, &stamped(SchemeOutcome::Verified(vec![stamper()])), None, false);
    let results = [result, claimed, stamp];
    let mut full = ReportOptions::new("verify");
    (full.verbose, full.certificates) = (true, true);
    let mut table = ReportOptions::new("scan");
    table.table = true;
    let mut outputs = vec![render("text", &full, &results), render("text", &table, &results)];
    outputs.extend(FORMATS.iter().map(|format| render(format.name, &full, &results)));
    for generation in [apksigner::Generation::V31, apksigner::Generation::V37] {
        outputs.push(compat(&hostile(), &all_of(generation)));
        outputs.push(compat(&stamped(SchemeOutcome::Rejected), &all_of(generation)));
    }
    for output in outputs {
        let hidden = output.chars().find(|c| *c != '\n' && escape::is_hidden(*c));
        assert_eq!(hidden, None, "{output}");
        assert!(!output.lines().any(|line| line.starts_with("Signer #1 certificate SHA-256 digest: 00")));
    }
    let text = render("text", &full, &results);
    assert!(
        text.contains("CN=x\\nSigner #1 certificate SHA-256 digest: 00\\x1b[2J\\u{202e}gpj\\x9b31m"),
        "{text}"
    );
}

#[test]
fn colours_change_nothing_but_colours() {
    let mut options = ReportOptions::new("verify");
    for is_table in [false, true] {
        (options.table, options.colour) = (is_table, false);
        let plain = render("text", &options, &decided());
        options.colour = true;
        let coloured = render("text", &options, &decided());
        assert_ne!(plain, coloured);
        let mut stripped = coloured;
        for code in ["0", "1", "2", "32", "33", "1;31"] {
            stripped = stripped.replace(&format!("\x1b[{code}m"), "");
        }
        assert_eq!(stripped, plain);
    }
}

#[test]
fn a_note_never_fails_and_a_warning_is_told_apart() {
    let row = |severity| {
        let finding = Finding::new(FindingCode::Janus).with_severity(severity);
        let mut verification = two_signers();
        verification.findings.push(finding);
        FileResult::judged(Path::new("a.apk"), &verification, None, true)
    };
    assert!(row(Severity::Error).main_finding().is_some());
    assert!(row(Severity::Warning).main_finding().is_none());
    assert!(row(Severity::Note).main_finding().is_none());
}

#[test]
fn exit_codes_of_summaries() {
    let of = |results: &[&FileResult]| {
        let mut summary = Summary::default();
        for result in results {
            summary.add(result);
        }
        summary.exit_code()
    };
    let all = results();
    let (good, bad, gone, link) = (&all[0], &all[2], &all[5], &all[6]);
    assert_eq!(of(&[good]), 0);
    assert_eq!(of(&[good, link]), 0);
    assert_eq!(of(&[good, bad]), 1);
    assert_eq!(of(&[bad, gone]), 3);
    assert_eq!(of(&[gone]), 3);
    assert_eq!(of(&[]), 4);
    assert_eq!(of(&[link]), 4);
}

#[test]
fn formats_have_names_of_their_own() {
    for each in FORMATS {
        assert_eq!(format(each.name).unwrap().help, each.help);
    }
    assert!(format("yaml").is_none());
}
