//! Policies that are read, policies that are refused with one clear line, and what each rule says of committed files.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a policy or case that cannot be read is to stop the test"
)]

use std::collections::BTreeMap;
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
use apkvouch::policy::rules::Judgement;
use apkvouch::policy::rules::Outcome;
use apkvouch::policy::rules::Rule;
use apkvouch::policy::rules::judge;
use apkvouch::verify::verify_container;
use serde::Deserialize;
use sha2::Digest as _;
use toml::Table;
use toml::Value;

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
    /// The container that the APK came in: a file of `testdata/containers`.
    container: Option<String>,
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
    container: Option<Verification>,
}

impl Looked {
    /// The certificate that the container is signed with.
    fn container_signer(&self) -> String {
        let container = self.container.as_ref().unwrap();
        container.signer_certificates().first().unwrap().digest().to_string()
    }
}

fn look(apk: &str, container: Option<&str>) -> Looked {
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
        container: container.map(|file| {
            let bytes = fs::read(format!("testdata/containers/{file}")).unwrap();
            verify_container(&bytes, &Limits::default()).unwrap()
        }),
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
    if recipe.contains("who-also-distributes") {
        text = text.replace(r#"roles = ["developer"]"#, r#"roles = ["developer", "distributor"]"#);
    }
    let mut key = |digest: &str, subject: &str, rest: &str| {
        write!(text, "[[key]]\ncertificate_sha256 = \"{digest}\"\nsubject = \"{subject}\"\n{rest}").unwrap();
    };
    let by_store = recipe.starts_with("store");
    key(&apk.signer, if by_store { "store" } else { "developer" }, "");
    match recipe {
        "signer" | "signer-who-also-distributes" | "old-signer" | "store" => {}
        "signer-and-container" => key(&apk.container_signer(), "store", ""),
        "signer-and-container-of-developer" => key(&apk.container_signer(), "other", ""),
        "signer-and-suspended-container" => key(&apk.container_signer(), "store", "status = \"suspended\"\n"),
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

/// Which rules are broken, which are excepted, and which findings are warnings.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    broken: BTreeSet<String>,
    excepted: BTreeSet<String>,
    warned: BTreeSet<String>,
}

impl Case {
    fn expected(&self) -> Answer {
        let (broken, excepted) = (self.broken.clone(), self.excepted.clone());
        Answer { broken, excepted, warned: self.warned.clone() }
    }

    fn looked(&self) -> Looked {
        look(&self.apk, self.container.as_deref())
    }

    /// The policy as it is written, the marks in it replaced.
    fn table(&self, apk: &Looked) -> Table {
        let text = self.policy.replace("{file}", &apk.file.to_string()).replace("{signer}", &apk.signer);
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", self.says))
    }

    /// What is said of the file when `policy` stands in the place of the case's own.
    fn judged(&self, apk: &Looked, policy: &Table) -> (Judgement, Answer) {
        let text = format!("schema = 1\n{}", toml::to_string(policy).unwrap());
        let policy = PolicyFile::parse(&text, "policy.toml");
        let policy = policy.unwrap_or_else(|error| panic!("{}: {error}", self.says));
        let registry = self.registry.as_ref().map(|recipe| registry(recipe, apk));
        let against = Judge::new(registry.as_ref(), &policy, "2026-07-01T12:00:00Z".parse().unwrap());
        let marks = (self.marks != Some(false)).then_some(&apk.marks);
        let evidence = Evidence::new(&apk.verification).with_marks(marks).with_file_digest(Some(apk.file));
        let judged = judge(evidence.with_container(apk.container.as_ref()), &against);
        let with = |outcome: Outcome| {
            let with = judged.rules.iter().filter(|result| result.outcome == outcome);
            with.map(|result| result.rule.to_string()).collect()
        };
        let findings = judged.decision.findings.iter();
        let warned = findings
            .filter(|finding| finding.severity == Severity::Warning && self.registry.is_some())
            .map(|finding| finding.code.as_str().to_owned())
            .collect();
        let answer = Answer { broken: with(Outcome::Broken), excepted: with(Outcome::Excepted), warned };
        (judged, answer)
    }
}

fn cases() -> Vec<Case> {
    let text = fs::read_to_string("testdata/policy/cases.toml").unwrap();
    toml::from_str::<Cases>(&text).unwrap().case
}

#[test]
fn every_rule_says_of_committed_files_what_it_should() {
    let (mut wrong, mut broke, mut held) = (String::new(), BTreeSet::new(), BTreeSet::new());
    for case in &cases() {
        let apk = case.looked();
        let (judged, found) = case.judged(&apk, &case.table(&apk));
        if found != case.expected() {
            writeln!(wrong, "{}: {found:?}\n  {:#?}", case.says, judged.rules).unwrap();
        }
        assert_eq!(judged.passed, case.broken.is_empty(), "{}", case.says);
        assert!(
            judged.rules.iter().all(|rule| !rule.expected.is_empty() && !rule.actual.is_empty()),
            "{}",
            case.says
        );
        broke.extend(case.broken.clone());
        let holds = judged.rules.iter().filter(|result| result.outcome == Outcome::Holds);
        held.extend(holds.map(|result| result.rule.to_string()));
    }
    assert!(wrong.is_empty(), "{wrong}");
    for rule in Rule::EXCEPTABLE {
        // Private keys that are published are not ours to commit; `policy` tests this one by itself.
        let elsewhere = *rule == Rule::TestKey;
        assert!(elsewhere || broke.contains(rule.as_str()), "no case breaks {rule}");
        assert!(held.contains(rule.as_str()), "no case shows {rule} to hold");
    }
}

/// A scan reads marks and digests whole files for a policy that asks for them, and for no other.
#[test]
fn a_policy_asks_for_what_decides_by_it_and_for_nothing_else() {
    let (mut by_marks, mut by_digest) = (0, 0);
    for case in &cases() {
        let apk = case.looked();
        let table = case.table(&apk);
        let text = format!("schema = 1\n{}", toml::to_string(&table).unwrap());
        let policy = PolicyFile::parse(&text, "policy.toml").unwrap();
        let blind = |marks: bool, digest: bool| {
            let against = case.registry.as_ref().map(|recipe| registry(recipe, &apk));
            let against = Judge::new(against.as_ref(), &policy, "2026-07-01T12:00:00Z".parse().unwrap());
            let evidence = Evidence::new(&apk.verification)
                .with_marks(marks.then_some(&apk.marks))
                .with_file_digest(digest.then_some(apk.file))
                .with_container(apk.container.as_ref());
            let judged = judge(evidence, &against);
            judged.rules.iter().map(|rule| (rule.rule, rule.outcome)).collect::<Vec<_>>()
        };
        if blind(true, true) != blind(false, true) {
            by_marks += 1;
            assert!(policy.needs_marks(), "{}", case.says);
        }
        if blind(true, true) != blind(true, false) {
            by_digest += 1;
            assert!(policy.needs_file_digest(), "{}", case.says);
        }
    }
    assert!(by_marks >= 10 && by_digest >= 1, "{by_marks} by marks, {by_digest} by the digest");
    let plain = PolicyFile::parse("schema = 1\n", "policy.toml").unwrap();
    assert!(!plain.needs_marks() && !plain.needs_file_digest());
    let default = PolicyFile::default();
    assert!(!default.needs_marks() && !default.needs_file_digest());
}

/// Whoever puts more marks into a file than are looked at hides none from a policy.
#[test]
fn what_was_not_looked_at_is_not_taken_for_good() {
    let cases = cases();
    let case = cases.iter().find(|case| case.says == "a finding on a mark that is not made").unwrap();
    let mut apk = case.looked();
    assert!(case.judged(&apk, &case.table(&apk)).0.passed);
    let bytes = fs::read(format!("testdata/{}/app.apk", case.apk)).unwrap();
    let mut options = MarkOptions::default();
    options.limits.marks = 0;
    apk.marks = apkvouch::marks::read(&bytes, &options).unwrap();
    assert!(apk.marks.left_out > 0);
    let (judged, answer) = case.judged(&apk, &case.table(&apk));
    assert!(!judged.passed);
    assert_eq!(answer.broken, BTreeSet::from(["severity".to_owned()]));
}

/// What a policy says that lets everything pass by a rule, in the place of what it says of that now.
fn let_pass(policy: &mut Table, rule: &str) {
    let mut section = |name: &str, remove: &[&str], loose: &str| {
        let table = policy.entry(name).or_insert_with(|| Table::new().into()).as_table_mut().unwrap();
        table.retain(|key, _| !remove.contains(&key));
        table.extend(toml::from_str::<Table>(loose).unwrap());
    };
    let sdk = ["min_sdk_at_least", "min_sdk_at_most", "target_sdk_at_least"];
    match rule {
        "verdict" => section(
            "accept",
            &[],
            r#"verdicts = ["authenticated", "unauthenticated", "expired", "suspected"]"#,
        ),
        "min-scheme" => section("signature", &[], r#"min_scheme = "v1""#),
        "min-digest" => section("signature", &[], r#"min_digest = "md5""#),
        "key-strength" => section("signature", &["min_rsa_bits", "min_ec_bits", "min_dsa_bits"], ""),
        "debug-certificate" => section("signature", &[], r#"debug_certificate = "allow""#),
        "debuggable" => section("app", &[], r#"debuggable = "allow""#),
        "sdk-range" => section("app", &sdk, ""),
        "file-size" => section("app", &["max_file_bytes"], ""),
        "signing-block" => section("signing_block", &["allow", "max_unknown_bytes"], ""),
        "developer" | "distributor" | "severity" => drop(policy.remove(rule)),
        other => panic!("which keys does {other} go by?"),
    }
}

/// It is the rule of the policy that breaks a file, and nothing else: without it, the file is judged by all others as before.
#[test]
fn a_file_that_breaks_a_rule_breaks_it_no_more_without_it() {
    let mut taken_out = 0;
    for case in &cases() {
        let apk = case.looked();
        let table = case.table(&apk);
        for rule in &case.broken {
            let mut without = table.clone();
            // It would be an error to except from a rule that cannot be broken.
            if rule == "severity" {
                without.remove("exception");
            }
            let_pass(&mut without, rule);
            let (_, found) = case.judged(&apk, &without);
            let mut expected = case.expected();
            // No policy accepts these.
            if rule != "verdict" || apk.verification.is_verified() {
                expected.broken.remove(rule);
            }
            expected.excepted.remove(rule);
            assert_eq!(found, expected, "{} without {rule}", case.says);
            taken_out += 1;
        }
        if !case.excepted.is_empty() {
            let mut without = table.clone();
            without.remove("exception").unwrap_or_else(|| panic!("{}", case.says));
            let (_, found) = case.judged(&apk, &without);
            let all = case.broken.union(&case.excepted).cloned().collect();
            assert_eq!((found.broken, found.excepted), (all, BTreeSet::new()), "{}", case.says);
            taken_out += 1;
        }
    }
    assert!(taken_out > 55, "{taken_out}");
}

/// Beside each case stands one that differs from it in one thing, and is answered otherwise: so that thing decides.
#[test]
fn every_case_has_a_nearest_neighbour_that_is_answered_otherwise() {
    /// All that a case says but its answer, each by its name.
    fn said(case: &Case) -> BTreeMap<String, String> {
        let mut said = BTreeMap::new();
        let mut tables = vec![(String::new(), Value::Table(toml::from_str(&case.policy).unwrap()))];
        while let Some((name, value)) = tables.pop() {
            match value {
                Value::Table(table) => {
                    tables.extend(table.into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
                }
                Value::Array(values) if values.iter().any(Value::is_table) => {
                    tables.extend(
                        (0..).zip(values).map(|(at, value): (usize, _)| (format!("{name}.{at}"), value)),
                    );
                }
                value => drop(said.insert(name, value.to_string())),
            }
        }
        said.insert("apk".to_owned(), case.apk.clone());
        said.insert("marks".to_owned(), (case.marks != Some(false)).to_string());
        said.extend(case.registry.clone().map(|registry| ("registry".to_owned(), registry)));
        said.extend(case.container.clone().map(|container| ("container".to_owned(), container)));
        said
    }
    let cases = cases();
    let all: Vec<_> = cases.iter().map(|case| (case, said(case))).collect();
    let differ_in = |a: &BTreeMap<String, String>, b: &BTreeMap<String, String>| {
        let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
        names.into_iter().filter(|name| a.get(*name) != b.get(*name)).count()
    };
    let alone: Vec<&str> = all
        .iter()
        .filter(|(case, said)| {
            !all.iter()
                .any(|(other, others)| case.expected() != other.expected() && differ_in(said, others) == 1)
        })
        .map(|(case, _)| case.says.as_str())
        .collect();
    assert!(alone.is_empty(), "nothing stands beside:\n{}", alone.join("\n"));
    let twice: BTreeSet<_> = all.iter().map(|(_, said)| said).collect();
    assert_eq!(twice.len(), all.len(), "two cases are one and the same");
}

#[test]
fn a_rule_about_the_distributor_tells_what_was_wanted_and_why_there_is_none() {
    let told = |policy: &str, case: &str| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("policy.toml");
        fs::write(&path, format!("schema = 1\n[distributor]\nproof = [\"source-stamp\"]\n{policy}")).unwrap();
        let output = std::process::Command::new(assert_cmd::cargo::cargo_bin!("apkvouch"))
            .args(["scan", "--format", "jsonl", "--policy"])
            .arg(&path)
            .arg(format!("testdata/{case}/app.apk"))
            .output()
            .unwrap();
        let row: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = row.get("findings").and_then(|findings| findings.as_array()).unwrap();
        let finding =
            findings.iter().find(|finding| finding.get("code").unwrap() == "policy-distributor").unwrap();
        ["expected", "actual"].map(|field| finding.get(field).unwrap().as_str().unwrap().to_owned())
    };
    let broken = "source-stamp broken (a signature of the source stamp does not verify)";
    let verified = "require = \"verified\"\n";
    assert_eq!(told(verified, "stamp/signature-mismatch"), ["verified by source-stamp", broken]);
    assert_eq!(told(verified, "v2/honest"), ["verified by source-stamp", "none"]);
    let named = "require = \"registered\"\nsubjects = [\"store\"]\n";
    assert_eq!(told(named, "stamp/signature-mismatch"), ["registered by source-stamp: \"store\"", broken]);
}
