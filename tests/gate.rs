//! The gate as a pipeline meets it: it fails closed, says why, and trusts a registry that is signed.

#![expect(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "test code: a step that cannot be done is to stop the test"
)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use apkvouch::identity::FileDigest;
use serde_json::Value;
use sha2::Digest as _;
use tempfile::TempDir;

use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Lineage;
use crate::builder::Manifest;
use crate::builder::Signer;

struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

fn command(dir: &Path, arguments: &str) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("apkvouch"));
    command.current_dir(dir).args(arguments.split_whitespace()).stdin(Stdio::null());
    command
}

fn apkvouch(dir: &Path, arguments: &str) -> Run {
    run(&mut command(dir, arguments))
}

fn run(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn app() -> Apk {
    Apk::new().manifest(Manifest::new("com.example.app").min_sdk(28).target_sdk(34))
}

fn by(key: &str) -> Vec<u8> {
    app().v3(Signer::v3(&Key::named(key))).build()
}

/// Signed by the second key, which the first has appointed.
fn rotated() -> Vec<u8> {
    let (old, new) = (Key::named("ec-p256"), Key::named("ec-p256-2"));
    app().v3(Signer::v3(&new).lineage(&Lineage::from(&old).to(&new))).build()
}

fn digest(key: &str) -> String {
    Key::named(key).certificate_digest()
}

/// A folder with an app by its developer, the same by somebody else, one that is broken, and a registry that is not signed.
fn store() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let registry = format!(
        "schema = 1\nid = \"test\"\nserial = 1\n\
         [[subject]]\nid = \"example\"\nname = \"Example Ltd\"\nroles = [\"developer\"]\n\
         [[key]]\ncertificate_sha256 = \"{0}\"\nsubject = \"example\"\n\
         [[app]]\npackage = \"com.example.app\"\nowner = \"example\"\n\
         [[app.signers]]\ncertificates = [\"{0}\"]\n",
        digest("ec-p256")
    );
    let mut broken = by("ec-p256");
    let place = broken.windows(10).position(|window| window == b"not really").unwrap();
    broken[place] ^= 1;
    for (name, bytes) in [
        ("good.apk", by("ec-p256")),
        ("foreign.apk", by("ec-p256-3")),
        ("rotated.apk", rotated()),
        ("broken.apk", broken),
        ("text.apk", b"text".to_vec()),
        ("registry.toml", registry.into_bytes()),
        ("warn.toml", b"schema = 1\nlevel = \"warn\"\n".to_vec()),
        ("bad.toml", b"schema = 1\nlevl = \"warn\"\n".to_vec()),
    ] {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    fs::create_dir(dir.path().join("folder.apk")).unwrap();
    dir
}

const GATE: &str = "gate --registry registry.toml --unsigned-registry";

fn json(dir: &Path, arguments: &str) -> Value {
    serde_json::from_str(&apkvouch(dir, &format!("{GATE} --format json {arguments}")).out).unwrap()
}

#[test]
fn each_kind_of_file_passes_or_fails() {
    let store = store();
    let code = |arguments: &str| apkvouch(store.path(), &format!("{GATE} {arguments}")).code.unwrap();
    assert_eq!(code("good.apk"), 0);
    assert_eq!(code("rotated.apk"), 0);
    for file in ["foreign.apk", "broken.apk", "text.apk", "registry.toml"] {
        assert_eq!(code(file), 1, "{file}");
        assert_eq!(code(&format!("good.apk {file}")), 1, "{file}");
    }
    for file in ["gone.apk", "folder.apk", "/dev/null"] {
        assert_eq!(code(file), 3, "{file}");
        assert_eq!(code(&format!("good.apk {file}")), 3, "{file}");
        assert_eq!(
            code(&format!("--policy warn.toml good.apk {file}")),
            3,
            "what is not judged never passes: {file}"
        );
    }
}

#[test]
fn what_cannot_be_believed_is_status_2_before_any_output() {
    let store = store();
    for arguments in [
        "gate good.apk",
        "gate --registry registry.toml good.apk",
        "gate --registry gone.toml --unsigned-registry good.apk",
        "gate --registry registry.toml --unsigned-registry --registry-key RWQdj9iR1iVdaw5e2O+Mm7BUtHOr1wIQvkIXAm9hRR35qUlDBcSzJLcR good.apk",
        "gate --registry registry.toml --registry-key RWQdj9iR1iVdaw5e2O+Mm7BUtHOr1wIQvkIXAm9hRR35qUlDBcSzJLcR good.apk",
        "gate --unsigned-registry --signed-by 00 good.apk",
        "gate --registry registry.toml --unsigned-registry --policy bad.toml good.apk",
        "gate --registry registry.toml --unsigned-registry --policy gone.toml good.apk",
        "gate --registry registry.toml --unsigned-registry",
        "gate --registry registry.toml --unsigned-registry -",
    ] {
        let run = apkvouch(store.path(), arguments);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{arguments}: {}", run.err);
        assert!(!run.err.is_empty(), "{arguments}");
    }
    let run = apkvouch(store.path(), &format!("{GATE} --policy bad.toml good.apk"));
    assert_eq!(
        run.err,
        "apkvouch: bad.toml:2:1: expected a field of the policy, found \"levl\"; did you mean \"level\"?\n"
    );
}

#[test]
fn a_result_has_every_rule_and_the_digest_of_the_file() {
    let store = store();
    let value = json(store.path(), "good.apk foreign.apk");
    assert_eq!(value["policy"], serde_json::json!({"path": null, "name": null, "level": "enforce"}));
    assert_eq!(value["summary"]["policy"]["rules"], serde_json::json!({"verdict": 1}));
    let (good, foreign) = (&value["files"][0], &value["files"][1]);
    let bytes = fs::read(store.path().join("good.apk")).unwrap();
    let sha256 = FileDigest(sha2::Sha256::digest(&bytes).into());
    assert_eq!(good["sha256"], sha256.to_string());
    assert_eq!(good["policy"]["holds"], true);
    assert_eq!(good["policy"]["developers"][0]["standing"], "registered");
    assert_eq!(good["policy"]["developers"][0]["subject"]["id"], "example");
    assert_eq!(good["policy"]["distributors"], serde_json::json!([]));
    let rule = &foreign["policy"]["rules"][0];
    let expected = serde_json::json!({
        "rule": "verdict", "outcome": "broken", "expected": "authenticated", "actual": "counterfeit"
    });
    assert_eq!(*rule, expected);
    let codes: Vec<&str> = foreign["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["signer-not-allowed", "policy-verdict"]);
}

#[test]
fn a_policy_that_is_not_enforced_says_so_wherever_it_is_read() {
    let store = store();
    let loud = "POLICY NOT ENFORCED (level warn): 1 file would have failed: 1 by verdict";
    for format in ["text", "json", "sarif", "junit", "github"] {
        let arguments = format!("{GATE} --policy warn.toml --format {format} good.apk foreign.apk");
        let run = apkvouch(store.path(), &arguments);
        assert_eq!(run.code, Some(0), "{format}: {}", run.err);
        let said = if format == "json" { &run.err } else { &run.out };
        assert!(said.contains(loud), "{format}: {said}");
        assert!(format == "text" || run.err.contains(loud), "{format}: {}", run.err);
    }
    let run = apkvouch(store.path(), &format!("{GATE} --policy warn.toml good.apk"));
    assert!(run.out.contains("POLICY NOT ENFORCED (level warn): no file would have failed"), "{}", run.out);
    let enforced = apkvouch(store.path(), &format!("{GATE} good.apk"));
    assert!(!enforced.out.contains("NOT ENFORCED") && enforced.err.is_empty(), "{}", enforced.out);
}

#[test]
fn signers_can_be_given_instead_of_a_registry_or_beside_one() {
    let store = store();
    let (owner, other) = (digest("ec-p256"), digest("ec-p256-3"));
    let code = |arguments: &str| apkvouch(store.path(), &format!("gate {arguments}")).code.unwrap();
    assert_eq!(code(&format!("--signed-by {owner} good.apk")), 0);
    assert_eq!(code(&format!("--signed-by {owner} foreign.apk")), 1);
    assert_eq!(code(&format!("--signed-by {owner},{other} good.apk")), 1);
    assert_eq!(code(&format!("--signed-by {owner} broken.apk")), 1);
    // Beside a registry both must agree.
    let with = "--registry registry.toml --unsigned-registry";
    assert_eq!(code(&format!("{with} --signed-by {owner} good.apk")), 0);
    assert_eq!(code(&format!("{with} --signed-by {other} good.apk")), 1);
    assert_eq!(code(&format!("{with} --signed-by {other} foreign.apk")), 1);
}

#[test]
fn a_change_of_key_is_explained() {
    let store = store();
    let change = |arguments: &str| json(store.path(), arguments)["files"][0]["policy"]["key_change"].clone();
    assert_eq!(change("good.apk"), Value::Null);
    assert_eq!(change("broken.apk"), Value::Null, "no identity is read out of it");
    let foreign = change("foreign.apk");
    assert_eq!(foreign["connection"], "none");
    assert_eq!(foreign["registered"], serde_json::json!([digest("ec-p256")]));
    assert_eq!(foreign["found"], serde_json::json!([digest("ec-p256-3")]));
    assert_eq!(foreign["owner"]["id"], "example");
    assert_eq!(foreign["names_match"], false);
    assert!(foreign["advice"].as_str().unwrap().starts_with("do not publish; ask Example Ltd, "));
    let rotated = change("rotated.apk");
    assert_eq!(
        (&rotated["connection"], &rotated["found"][0]),
        (&"proven-rotation".into(), &digest("ec-p256-2").into())
    );
    assert!(rotated["advice"].as_str().unwrap().starts_with("register the new certificate: `"));

    assert_eq!(rotated["appointed_by"], digest("ec-p256").as_str());
    assert_eq!(foreign["appointed_by"], Value::Null);

    // The old key after a rotation, of which the registry knows.
    let path = store.path().join("registry.toml");
    let text = fs::read_to_string(&path).unwrap().replace(
        "subject = \"example\"\n[[app]]",
        &format!(
            "subject = \"example\"\nstatus = \"rotated\"\nreplaced_by = \"{0}\"\n\
             [[key]]\ncertificate_sha256 = \"{0}\"\nsubject = \"example\"\n[[app]]",
            digest("ec-p256-2")
        ),
    );
    fs::write(&path, text.replace("Example Ltd", "EC P256")).unwrap();
    let old = change("good.apk");
    assert_eq!((&old["connection"], &old["registered"][0]), (&"old-key".into(), &digest("ec-p256-2").into()));
    // Its certificate carries the name, which changes nothing.
    assert_eq!(old["names_match"], true);
    let run = apkvouch(store.path(), &format!("{GATE} good.apk"));
    assert_eq!(run.code, Some(1));
    assert!(
        run.out.contains("  key change  expected  ") && run.out.contains("              to do     "),
        "{}",
        run.out
    );
}

/// The commands between backticks in `text`.
fn commands_in(text: &str) -> Vec<String> {
    let between = text.split('`').skip(1).step_by(2);
    between.map(|command| command.strip_prefix("apkvouch ").unwrap().to_owned()).collect()
}

/// Runs a command as a shell would that has only single quotes.
fn typed(dir: &Path, command: &str) -> Run {
    let mut words = vec![String::new()];
    for (place, part) in command.split('\'').enumerate() {
        let mut parts = if place % 2 == 0 { part.split(' ').collect() } else { vec![part] }.into_iter();
        words.last_mut().unwrap().push_str(parts.next().unwrap());
        words.extend(parts.map(str::to_owned));
    }
    let mut program = Command::new(assert_cmd::cargo::cargo_bin!("apkvouch"));
    run(program.current_dir(dir).args(words))
}

/// What the advice for a rotated key prints works, one command after the other, and settles the matter.
#[test]
fn the_advice_for_a_rotated_key_is_commands_that_work() {
    for policy in ["", "--policy strict.toml"] {
        let store = store();
        let registry = "the registry.toml";
        fs::rename(store.path().join("registry.toml"), store.path().join(registry)).unwrap();
        let strict = "schema = 1\n[accept]\nrotation = \"registered-only\"\n";
        fs::write(store.path().join("strict.toml"), strict).unwrap();
        let gate = |file: &str| {
            typed(
                store.path(),
                format!("gate {file} --registry '{registry}' --unsigned-registry {policy}").trim_end(),
            )
        };
        let first = gate("rotated.apk");
        assert_eq!(first.code, Some(i32::from(!policy.is_empty())), "{}{}", first.out, first.err);
        let advice = first.out.lines().find(|line| line.contains(" to do ")).unwrap();
        let commands = commands_in(advice);
        assert_eq!(commands.len(), 2, "{advice}");
        let done = typed(store.path(), &commands[0]);
        assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{}", commands[0]);
        for file in ["rotated.apk", "good.apk"] {
            let run = gate(file);
            assert_eq!(run.code, Some(0), "{file}: {}", run.out);
            assert!(!run.out.contains("key change") && !run.out.contains("by lineage"), "{}", run.out);
        }
        let done = typed(store.path(), &commands[1]);
        assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{}", commands[1]);
        assert_eq!(gate("rotated.apk").code, Some(0), "{}", gate("rotated.apk").out);

        // The old key alone: its advice works, too.
        let old = gate("good.apk");
        assert_eq!(old.code, Some(1));
        let advice = old.out.lines().find(|line| line.contains(" to do ")).unwrap();
        let [revoke] = &commands_in(advice)[..] else { panic!("{advice}") };
        let done = typed(store.path(), revoke);
        assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{revoke}");
        for file in ["rotated.apk", "good.apk"] {
            assert!(gate(file).out.starts_with(&format!("{file}: FAILED (revoked)")), "{}", gate(file).out);
        }
    }
}

/// Where somebody else than the owner holds the old key, or the registry has named another successor.
#[test]
fn the_advice_for_a_rotated_key_goes_by_what_the_registry_says() {
    let store = store();
    let path = store.path().join("registry.toml");
    let text = fs::read_to_string(&path).unwrap();
    let of_store = text
        .replace(
            "\"developer\"]\n",
            "\"developer\"]\n[[subject]]\nid = \"the store\"\nname = \"Store\"\nroles = [\"distributor\"]\n",
        )
        .replace("subject = \"example\"\n[[app]]", "subject = \"the store\"\n[[app]]")
        + "role = \"distributor\"\n";
    fs::write(&path, of_store).unwrap();
    let run = typed(store.path(), &format!("{GATE} rotated.apk"));
    let commands = commands_in(&run.out);
    assert!(commands[0].ends_with(" --add-signers --subject 'the store' --role distributor"), "{}", run.out);
    for command in &commands {
        let done = typed(store.path(), command);
        assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{command}");
    }
    let run = typed(store.path(), &format!("{GATE} rotated.apk"));
    assert!(run.code == Some(0) && !run.out.contains("key change"), "{}", run.out);

    let other = format!(
        "status = \"rotated\"\nreplaced_by = \"{0}\"\n\
         [[key]]\ncertificate_sha256 = \"{0}\"\nsubject = \"example\"\n[[app]]",
        digest("ec-p256-3")
    );
    fs::write(&path, text.replace("[[app]]", &other)).unwrap();
    let run = typed(store.path(), &format!("{GATE} rotated.apk"));
    assert!(run.code == Some(1) && commands_in(&run.out).is_empty(), "{}", run.out);
    assert!(run.out.contains("the registry says that another has replaced the old one"), "{}", run.out);
}

/// What people read on standard output is not said once more beside it.
#[test]
fn what_became_of_an_exception_is_told_once() {
    let store = store();
    let policy = "schema = 1\n[[exception]]\npackage = \"com.example.none\"\nrules = [\"min-scheme\"]\n\
                  reason = \"old boxes\"\nexpires = 2026-01-31\n";
    fs::write(store.path().join("over.toml"), policy).unwrap();
    let told = |arguments: &str| {
        let run = apkvouch(store.path(), arguments);
        [run.out, run.err].map(|text| text.matches("exception 1").count())
    };
    let gate = format!("{GATE} --policy over.toml good.apk --format");
    for (format, expected) in [("text", [1, 0]), ("github", [1, 0]), ("csv", [0, 1])] {
        assert_eq!(told(&format!("{gate} {format}")), expected, "{format}");
    }
    let check = apkvouch(store.path(), "policy check over.toml");
    assert!(check.err.is_empty() && check.out.contains("OVER SINCE 2026-01-31"), "{}", check.out);
}

/// Where the signers are given, nobody asks a registry, and nothing is said of one.
#[test]
fn without_a_registry_nobody_is_missing_in_it() {
    let store = store();
    let pinned = |key: &str| format!("gate --signed-by {} good.apk", digest(key));
    for (key, code) in [("ec-p256", 0), ("ec-p256-3", 1)] {
        let run = apkvouch(store.path(), &pinned(key));
        assert_eq!(run.code, Some(code));
        assert!(!run.out.contains("signer-unknown"), "{}", run.out);
        assert!(run.out.contains("no registry says whose it is"), "{}", run.out);
    }
    let registered = format!("{GATE} --signed-by {} foreign.apk", digest("ec-p256-3"));
    fs::write(store.path().join("registry.toml"), "schema = 1\nid = \"empty\"\n").unwrap();
    assert!(apkvouch(store.path(), &registered).out.contains("signer-unknown"));
}

/// A signer whom the registry does not have itself is told apart from one whom it has.
#[test]
fn who_is_registered_by_lineage_is_called_that() {
    let store = store();
    let developer = |file: &str| json(store.path(), file)["files"][0]["policy"]["developers"][0].clone();
    let (rotated, good) = (developer("rotated.apk"), developer("good.apk"));
    assert_eq!((&rotated["standing"], &good["standing"]), (&"registered".into(), &"registered".into()));
    assert_eq!(rotated["appointed_by"], digest("ec-p256").as_str());
    assert_eq!(good["appointed_by"], Value::Null);
    // It counts as registered where a policy asks for that.
    fs::write(store.path().join("asks.toml"), "schema = 1\n[developer]\nrequire = \"registered\"\n").unwrap();
    let run = apkvouch(store.path(), &format!("{GATE} --policy asks.toml rotated.apk"));
    assert_eq!(run.code, Some(0), "{}", run.out);
    let told = format!(
        "signer registered by lineage from {}: Example Ltd (example), certificate {}",
        digest("ec-p256"),
        digest("ec-p256-2")
    );
    assert!(run.out.contains(&told), "{}", run.out);
}

/// What a gate says of a container is found by the words that it has for a file.
#[test]
fn a_container_passes_or_fails_in_the_words_of_a_file() {
    let store = store();
    for (name, member) in [("good.apks", by("ec-p256")), ("foreign.apks", by("ec-p256-3"))] {
        let entries = [crate::builder::Entry::stored("base.apk", &member)];
        fs::write(store.path().join(name), crate::make_testdata::containers::zip(&entries)).unwrap();
    }
    for (arguments, first) in [
        (format!("{GATE} good.apks"), "good.apks: zip container of 1 member: PASSED (authenticated)"),
        (format!("{GATE} foreign.apks"), "foreign.apks: zip container of 1 member: FAILED (counterfeit)"),
        (
            format!("{GATE} --policy warn.toml foreign.apks"),
            "foreign.apks: zip container of 1 member: NOT ENFORCED, would have FAILED (counterfeit)",
        ),
        // Nobody asked for a policy.
        ("verify good.apks".to_owned(), "good.apks: zip container of 1 member: verified"),
    ] {
        let run = apkvouch(store.path(), &arguments);
        assert_eq!(run.out.lines().next(), Some(first), "{arguments}");
    }
}

/// What decides that a file fails is an error in every report, and what only accompanies it is not.
#[test]
fn a_finding_has_the_same_severity_in_every_report() {
    let store = store();
    let other = |key: &str| {
        Apk::new()
            .manifest(Manifest::new("com.example.other").min_sdk(28).target_sdk(34))
            .v3(Signer::v3(&Key::named(key)))
            .build()
    };
    fs::write(store.path().join("stranger.apk"), other("ec-p256-3")).unwrap();
    fs::write(store.path().join("known.apk"), other("ec-p256")).unwrap();
    let accepts = "schema = 1\n[accept]\nverdicts = [\"authenticated\", \"unauthenticated\"]\n";
    fs::write(store.path().join("accepts.toml"), accepts).unwrap();
    let small = "[app]\nmax_file_bytes = 1\n";
    fs::write(store.path().join("small.toml"), format!("schema = 1\n{small}")).unwrap();
    fs::write(store.path().join("small-accepts.toml"), format!("{accepts}{small}")).unwrap();
    for (file, code) in [("stranger.apk", "signer-unknown"), ("known.apk", "package-unknown")] {
        for (arguments, severity) in [
            (GATE.to_owned(), "error"),
            (format!("{GATE} --policy accepts.toml"), "warning"),
            // Nor does it matter what else is broken.
            (format!("{GATE} --policy small.toml"), "error"),
            (format!("{GATE} --policy small-accepts.toml"), "warning"),
            (format!("{GATE} --policy warn.toml"), "warning"),
            ("scan --registry registry.toml".to_owned(), "error"),
        ] {
            let told =
                |form: &str| apkvouch(store.path(), &format!("{arguments} --format {form} {file}")).out;
            let of = |findings: &Value, name: &str, level: &str| {
                let found = findings.as_array().unwrap().iter().find(|finding| finding[name] == code);
                found.map(|finding| finding[level].as_str().unwrap().to_owned())
            };
            let json: Value = serde_json::from_str(&told("json")).unwrap();
            let sarif: Value = serde_json::from_str(&told("sarif")).unwrap();
            let github = told("github");
            let annotation = github.lines().find(|line| line.contains(&format!("title={code}::")));
            let got = [
                of(&json["files"][0]["findings"], "code", "severity"),
                of(&sarif["runs"][0]["results"], "ruleId", "level"),
                annotation.map(|line| line[2..].split(' ').next().unwrap().to_owned()),
            ];
            assert_eq!(got, std::array::from_fn(|_| Some(severity.to_owned())), "{arguments} {file}");
            if arguments.starts_with("gate") {
                let text = told("text");
                let line = text.lines().find(|line| line.ends_with(&format!("[{code}]"))).unwrap();
                assert!(line.starts_with(&format!("  {severity} ")), "{arguments}: {line}");
            }
        }
    }
}

/// v3.2: two sign, and the two are what is found.
#[test]
fn a_change_of_key_tells_both_halves_of_a_pair() {
    let store = store();
    let pair = |classical: &str| {
        let (classical, pqc) = (Key::named(classical), Key::named("ml-dsa-65"));
        let apk = app().v3(Signer::v3(&classical)).v32(Signer::v32(&classical)).v32(Signer::v32(&pqc));
        fs::write(store.path().join("pair.apk"), apk.build()).unwrap();
        json(store.path(), "pair.apk")["files"][0]["policy"]["key_change"].clone()
    };
    let mut both = [digest("ec-p256-3"), digest("ml-dsa-65")];
    both.sort();
    let foreign = pair("ec-p256-3");
    assert_eq!(foreign["connection"], "none");
    assert_eq!(foreign["registered"], serde_json::json!([digest("ec-p256")]));
    assert_eq!(foreign["found"], serde_json::json!(both));
    // The registered key beside a stranger's: neither has signed anything of the other.
    let half = pair("ec-p256");
    assert_eq!((&half["connection"], half["found"].as_array().unwrap().len()), (&"none".into(), 2));
    // The two as one set.
    let path = store.path().join("registry.toml");
    let text = fs::read_to_string(&path).unwrap();
    let key =
        format!("[[key]]\ncertificate_sha256 = \"{}\"\nsubject = \"example\"\n[[app]]", digest("ml-dsa-65"));
    let set = format!("certificates = [\"{}\", \"{}\"]", digest("ec-p256"), digest("ml-dsa-65"));
    let alone = format!("certificates = [\"{}\"]", digest("ec-p256"));
    fs::write(
        &path,
        text.replace("[[app]]", &key).replace(&alone, &format!("{alone}\n[[app.signers]]\n{set}")),
    )
    .unwrap();
    assert_eq!(pair("ec-p256"), Value::Null);
    assert_ne!(pair("ec-p256-3"), Value::Null);
}

/// An output never takes the place of what is read: of nothing that is named, and of no file that is found.
#[test]
fn an_output_does_not_overwrite_what_is_read() {
    let store = store();
    for name in ["seen.json", "keeper.pub", "registry.toml.minisig"] {
        fs::write(store.path().join(name), "{}").unwrap();
    }
    fs::write(store.path().join("list"), "foreign.apk\n").unwrap();
    let outputs = [
        "good.apk",
        "./good.apk",
        "registry.toml",
        "registry.toml.minisig",
        "warn.toml",
        "list",
        "foreign.apk",
    ];
    let gate = format!("{GATE} --policy warn.toml good.apk --files-from list");
    for output in outputs {
        let before = fs::read(store.path().join(output)).unwrap();
        let run = apkvouch(store.path(), &format!("{gate} --output json={output}"));
        assert_eq!(run.code, Some(2), "{output}: {}", run.out);
        assert!(
            run.err.contains("an output would overwrite this file, which is read"),
            "{output}: {}",
            run.err
        );
        assert_eq!(run.err.lines().count(), 1, "{output}: {}", run.err);
        assert_eq!(fs::read(store.path().join(output)).unwrap(), before, "{output}");
    }
    let trust = "gate --registry registry.toml --registry-key keeper.pub --registry-state seen.json good.apk";
    for output in ["seen.json", "keeper.pub"] {
        let run = apkvouch(store.path(), &format!("{trust} --output json={output}"));
        assert_eq!((run.code, fs::read(store.path().join(output)).unwrap()), (Some(2), b"{}".to_vec()));
    }
    // The v4 signature beside an APK, and another name for one, found and listed.
    fs::write(store.path().join("good.apk.idsig"), "no v4 signature").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("good.apk", store.path().join("link.apk")).unwrap();
    fs::write(store.path().join("links"), "link.apk\n").unwrap();
    let mut cases = vec![("verify good.apk", "good.apk.idsig"), ("scan .", "good.apk.idsig")];
    if cfg!(unix) {
        cases.push(("scan --files-from links", "good.apk"));
    }
    for (command, output) in cases {
        let before = fs::read(store.path().join(output)).unwrap();
        let run = apkvouch(store.path(), &format!("{command} --output json={output}"));
        assert_eq!(run.code, Some(2), "{command}: {}", run.out);
        assert_eq!(fs::read(store.path().join(output)).unwrap(), before, "{command}");
    }
    fs::remove_file(store.path().join("good.apk.idsig")).unwrap();
    for command in ["verify good.apk", "scan .", "scan good.apk"] {
        let before = fs::read(store.path().join("good.apk")).unwrap();
        let run = apkvouch(store.path(), &format!("{command} --output json=good.apk"));
        assert_eq!(run.code, Some(2), "{command}: {}", run.out);
        assert_eq!(fs::read(store.path().join("good.apk")).unwrap(), before, "{command}");
    }
    // Beside them, and in the place of an older report.
    for _ in 0..2 {
        assert_eq!(apkvouch(store.path(), &format!("{gate} --output json=report.json")).code, Some(0));
    }
}

/// Standard output is full: never 0.
#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_told_is_status_3() {
    let store = store();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = command(store.path(), &format!("{GATE} good.apk")).stdout(full).stderr(Stdio::null()).status();
    assert_eq!(run.unwrap().code(), Some(3));
}

/// From nothing to a gate, as from a shell.
#[test]
fn a_registry_is_made_and_signed_and_the_gate_goes_by_it() {
    let store = store();
    let do_it = |arguments: &str| {
        let run = apkvouch(store.path(), arguments);
        assert_eq!(run.code, Some(0), "{arguments}: {}{}", run.out, run.err);
    };
    do_it("registry new-key --no-password store.key");
    do_it("registry init --id store.example store.toml");
    do_it("registry add-subject store.toml example --name Example --role developer");
    do_it("registry add store.toml good.apk --owner example");
    let gate = "gate --registry store.toml --registry-key store.pub";
    let unsigned = apkvouch(store.path(), &format!("{gate} good.apk"));
    assert_eq!((unsigned.code, unsigned.out.as_str()), (Some(2), ""), "{}", unsigned.err);
    do_it("registry sign store.toml --key store.key");

    do_it(&format!("{gate} good.apk"));
    let run = apkvouch(store.path(), &format!("{gate} foreign.apk"));
    assert_eq!(run.code, Some(1), "{}", run.err);
    assert!(run.out.starts_with("foreign.apk: FAILED (counterfeit)\n"), "{}", run.out);
    assert!(run.out.contains(&format!("expected  {}", digest("ec-p256"))), "{}", run.out);
    assert!(run.out.contains(&format!("actual    {}", digest("ec-p256-3"))), "{}", run.out);

    // Whoever changes it without signing it changes nothing.
    do_it(&format!(
        "registry add store.toml {} --package com.example.app --subject example --add-signers",
        digest("ec-p256-3")
    ));
    let altered = apkvouch(store.path(), &format!("{gate} foreign.apk"));
    assert_eq!((altered.code, altered.out.as_str()), (Some(2), ""), "{}", altered.err);
}
