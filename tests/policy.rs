//! Policies that are read, policies that are refused with one clear line, and what each rule says of committed files.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a policy or case that cannot be read is to stop the test"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use apkvouch::Limits;
use apkvouch::Registry;
use apkvouch::Verification;
use apkvouch::VerifyOptions;
use apkvouch::finding::SchemeId;
use apkvouch::finding::Severity;
use apkvouch::format::x509;
use apkvouch::identity::FileDigest;
use apkvouch::marks::MarkKind;
use apkvouch::marks::MarkOptions;
use apkvouch::marks::Marks;
use apkvouch::policy::PolicyFile;
use apkvouch::policy::file::KEYS;
use apkvouch::policy::file::TEMPLATE;
use apkvouch::policy::rules::Evidence;
use apkvouch::policy::rules::Judge;
use apkvouch::policy::rules::Outcome;
use apkvouch::policy::rules::Rule;
use apkvouch::policy::rules::judge;
use serde::Deserialize;
use sha2::Digest as _;

use crate::builder::hash::hex;

const BAD: &str = "testdata/policy/bad";

/// Each `<name>.toml` is refused with the line in `<name>.expected`, without the folder.
#[test]
fn refuses_what_cannot_be_right_with_one_line() {
    let bless = std::env::var_os("APKVOUCH_BLESS").is_some();
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(BAD).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let found = match PolicyFile::load(&path) {
            Ok(_) => "no error".to_owned(),
            Err(error) => {
                assert_eq!(error.exit_code(), 2, "{name}");
                error.to_string().replace(&format!("{BAD}/"), "")
            }
        };
        assert!(!found.contains('\n'), "{name}: more than one line: {found}");
        if bless {
            fs::write(path.with_extension("expected"), format!("{found}\n")).unwrap();
        }
        let expected = fs::read_to_string(path.with_extension("expected")).unwrap();
        if found != expected.trim_end() {
            faults.push(format!("{name}\n  expected {expected}  found    {found}"));
        }
        seen.insert(name);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen.len() >= 70, "only {} cases were found", seen.len());
}

#[test]
fn tells_every_mistake_at_once() {
    let text =
        "schema = 1\nlevel = \"on\"\n[app]\ndebuggable = 1\n[severity]\nzip-gap = \"bad\"\n[[exception]]\n";
    let error = PolicyFile::parse(text, "p.toml").unwrap_err().to_string();
    let places: Vec<&str> = error.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(
        places,
        ["p.toml:2:1", "p.toml:4:1", "p.toml:6:1", "p.toml:7:1", "p.toml:7:1", "p.toml:7:1", "p.toml:7:1"]
    );
}

#[test]
fn the_template_says_what_holds_without_a_policy() {
    assert_eq!(PolicyFile::parse(TEMPLATE, "template.toml").unwrap(), PolicyFile::default());
    assert_eq!(PolicyFile::parse("schema = 1", "p.toml").unwrap(), PolicyFile::default());
}

/// What is commented out in the template is right once the mark is taken away.
#[test]
fn the_examples_of_the_template_are_good() {
    let example = |line: &'static str| line.strip_prefix('#').filter(|rest| !rest.starts_with(' '));
    let lines: Vec<&str> = TEMPLATE.lines().map(|line| example(line).unwrap_or(line)).collect();
    let text = lines.join("\n").replace("require = \"none\"", "require = \"registered\"");
    let policy = PolicyFile::parse(&text, "template.toml").unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(policy.exceptions.len(), 1);
    assert_eq!((policy.name.as_deref(), policy.severity.len()), (Some("store.example"), 2));
}

#[test]
fn every_key_stands_in_the_template_and_in_the_documentation() {
    let page = fs::read_to_string("docs/policy.md").unwrap();
    for (table, keys) in KEYS {
        let heading = if table.is_empty() { "## At the top".to_owned() } else { format!("## `[{table}]`") };
        let heading = heading.replace("[exception]", "[[exception]]");
        let section = page.split(&format!("\n{heading}\n")).nth(1);
        let section = section.unwrap_or_else(|| panic!("docs/policy.md lacks {heading:?}"));
        let section = section.split("\n## ").next().unwrap();
        for key in *keys {
            let row = format!("\n| `{key}` | ");
            assert!(section.contains(&row), "docs/policy.md lacks a row {row:?} below {heading:?}");
            let in_template =
                TEMPLATE.lines().any(|line| line.trim_start_matches('#').starts_with(&format!("{key} = ")));
            assert!(in_template, "the template lacks {key}");
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    says: String,
    apk: String,
    policy: String,
    /// The recipe of the registry, see [`registry`]; none for nobody registered.
    registry: Option<String>,
    /// Whether marks are looked at.
    marks: Option<bool>,
    broken: BTreeSet<String>,
    #[serde(default)]
    excepted: BTreeSet<String>,
    /// Findings of the decision that are warnings.
    #[serde(default)]
    warned: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

/// An APK, and the certificates in it.
struct Looked {
    verification: Verification,
    marks: Marks,
    file: FileDigest,
    /// Of the first signer; for a rotated one the old.
    signer: String,
    stamp: String,
    /// SHA-256 of its public key.
    stamp_spki: String,
    transparency: String,
}

fn look(apk: &str) -> Looked {
    let bytes = fs::read(format!("testdata/{apk}/app.apk")).unwrap();
    let verification = apkvouch::verify(&bytes, &VerifyOptions::default()).unwrap();
    let mut options = MarkOptions::default();
    // The frosting of the cases is by a key of ours.
    let key = fs::read("testdata/keys/ec-p256-3.x509.der").unwrap();
    let key = x509::Certificate::parse(&key, &Limits::default()).unwrap();
    options.frosting_keys = vec![key.public_key_info.to_vec()];
    let marks = apkvouch::marks::read(&bytes, &options).unwrap();
    let view = verification.views.first();
    let signer = view.and_then(|view| verification.signers_of(view).next());
    let stamp = verification.scheme(SchemeId::SourceStamp).and_then(|result| result.signers().first());
    let transparency = marks.marks.iter().find(|mark| mark.kind == MarkKind::CodeTransparency);
    let transparency = transparency.and_then(|mark| mark.certificates.first());
    Looked {
        file: FileDigest(sha2::Sha256::digest(&bytes).into()),
        signer: signer.map(|signer| signer.digest().to_string()).unwrap_or_default(),
        stamp: stamp.map(|signer| signer.digest().to_string()).unwrap_or_default(),
        stamp_spki: stamp.map(|signer| hex(&signer.certificate().key().spki_sha256)).unwrap_or_default(),
        transparency: transparency.map(|certificate| certificate.digest().to_string()).unwrap_or_default(),
        verification,
        marks,
    }
}

/// A registry of the app with a developer, a store and another developer.
fn registry(recipe: &str, apk: &Looked) -> Registry {
    let mut text = "schema = 1\nid = \"test\"\n".to_owned();
    for (id, role) in [("developer", "developer"), ("store", "distributor"), ("other", "developer")] {
        write!(text, "[[subject]]\nid = \"{id}\"\nname = \"{id}\"\nroles = [\"{role}\"]\n").unwrap();
    }
    let mut key = |digest: &str, subject: &str, rest: &str| {
        write!(text, "[[key]]\ncertificate_sha256 = \"{digest}\"\nsubject = \"{subject}\"\n{rest}").unwrap();
    };
    let by_store = recipe.starts_with("store");
    key(&apk.signer, if by_store { "store" } else { "developer" }, "");
    match recipe {
        "signer" | "old-signer" | "store" => {}
        "signer-and-stamp" => key(&apk.stamp, "store", ""),
        "signer-and-stamp-of-developer" => key(&apk.stamp, "other", ""),
        "signer-and-revoked-stamp" => key(&apk.stamp, "store", "status = \"revoked\"\n"),
        "signer-and-stamp-whose-key-is-elsewhere" | "signer-and-stamp-whose-key-is-revoked-elsewhere" => {
            let spki = format!("spki_sha256 = \"{}\"\n", apk.stamp_spki);
            let status = if recipe.contains("revoked") { "status = \"revoked\"\n" } else { "" };
            key(&apk.stamp, "store", &spki);
            key(&"ab".repeat(32), "store", &format!("{spki}{status}"));
        }
        "store-and-transparency" if apk.transparency.is_empty() => {}
        "store-and-transparency" => key(&apk.transparency, "developer", ""),
        "store-and-foreign-transparency" => key(&apk.transparency, "other", ""),
        other => panic!("no such registry: {other}"),
    }
    let role = if by_store { "distributor" } else { "developer" };
    write!(
        text,
        "[[app]]\npackage = \"com.example.app\"\nowner = \"developer\"\n\
         [[app.signers]]\ncertificates = [\"{}\"]\nrole = \"{role}\"\n",
        apk.signer
    )
    .unwrap();
    Registry::parse(&text, "registry.toml").unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_rule_says_of_committed_files_what_it_should() {
    let cases: Cases = toml::from_str(&fs::read_to_string("testdata/policy/cases.toml").unwrap()).unwrap();
    let (mut wrong, mut broke, mut held) = (String::new(), BTreeSet::new(), BTreeSet::new());
    for case in &cases.case {
        let apk = look(&case.apk);
        let text = case.policy.replace("{file}", &apk.file.to_string()).replace("{signer}", &apk.signer);
        let policy = PolicyFile::parse(&format!("schema = 1\n{text}"), "policy.toml");
        let policy = policy.unwrap_or_else(|error| panic!("{}: {error}", case.says));
        let registry = case.registry.as_ref().map(|recipe| registry(recipe, &apk));
        let against = Judge::new(registry.as_ref(), &policy, "2026-07-01T12:00:00Z".parse().unwrap());
        let marks = (case.marks != Some(false)).then_some(&apk.marks);
        let evidence = Evidence::new(&apk.verification).with_marks(marks).with_file_digest(Some(apk.file));
        let judged = judge(evidence, &against);
        let rules = |outcome: Outcome| -> BTreeSet<String> {
            let with = judged.rules.iter().filter(|result| result.outcome == outcome);
            with.map(|result| result.rule.to_string()).collect()
        };
        let warned: BTreeSet<String> = judged
            .decision
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Warning && case.registry.is_some())
            .map(|finding| finding.code.as_str().to_owned())
            .collect();
        let found = (rules(Outcome::Broken), rules(Outcome::Excepted), warned);
        if found != (case.broken.clone(), case.excepted.clone(), case.warned.clone()) {
            writeln!(wrong, "{}: {found:?}\n  {:#?}", case.says, judged.rules).unwrap();
        }
        assert_eq!(judged.passed, case.broken.is_empty(), "{}", case.says);
        assert!(
            judged.rules.iter().all(|rule| !rule.expected.is_empty() && !rule.actual.is_empty()),
            "{}",
            case.says
        );
        broke.extend(case.broken.clone());
        held.extend(rules(Outcome::Holds));
    }
    assert!(wrong.is_empty(), "{wrong}");
    for rule in Rule::EXCEPTABLE {
        // Private keys that are published are not ours to commit; `policy` tests this one by itself.
        let elsewhere = *rule == Rule::TestKey;
        assert!(elsewhere || broke.contains(rule.as_str()), "no case breaks {rule}");
        assert!(held.contains(rule.as_str()), "no case shows {rule} to hold");
    }
}
