//! Containers of APKs: every member is judged, nothing is unpacked under its name, and the whole is as good as its worst part.

#![expect(clippy::unwrap_used, reason = "test code: a step that cannot be done is to stop the test")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use serde_json::Value;

use crate::builder::Apk;
use crate::builder::Entry;
use crate::builder::Key;
use crate::builder::Manifest;
use crate::builder::Signer;
use crate::builder::V1;
use crate::make_testdata::containers::Recipe;
use crate::make_testdata::containers::recipes;
use crate::make_testdata::containers::zip;

fn apkvouch(dir: &Path, arguments: &[&str]) -> Output {
    let program = assert_cmd::cargo::cargo_bin!("apkvouch");
    Command::new(program).current_dir(dir).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn recipe(name: &str) -> Recipe {
    recipes().into_iter().find(|recipe| recipe.name == name).unwrap()
}

fn by(key: &str) -> Vec<u8> {
    Apk::new().v2(Signer::v2(&Key::named(key))).build()
}

fn row(dir: &Path, arguments: &[&str]) -> Value {
    let run = apkvouch(dir, arguments);
    serde_json::from_slice(&run.stdout).unwrap()
}

/// The file and then its members, in depth: path, outcome, codes of errors.
fn flat(result: &Value, rows: &mut Vec<(String, String, Vec<String>)>) {
    let text = |name: &str| result.get(name).and_then(Value::as_str).unwrap_or("none").to_owned();
    let findings = result.get("findings").and_then(Value::as_array).unwrap();
    let codes = findings.iter().filter(|finding| finding.get("severity").unwrap() == "error");
    let codes = codes.map(|finding| finding.get("code").unwrap().as_str().unwrap().to_owned()).collect();
    rows.push((text("path"), text("verdict"), codes));
    for member in result.get("members").and_then(Value::as_array).into_iter().flatten() {
        flat(member, rows);
    }
}

#[test]
fn every_container_gets_its_answer() {
    let dir = tempfile::tempdir().unwrap();
    let mut wrong = String::new();
    for recipe in recipes() {
        fs::write(dir.path().join(recipe.file), &recipe.bytes).unwrap();
        let before = fs::read_dir(dir.path()).unwrap().count();
        let result = row(dir.path(), &["scan", "--format", "jsonl", recipe.file]);
        let mut rows = Vec::new();
        flat(&result, &mut rows);
        let expected: Vec<(String, String, Vec<String>)> = recipe
            .rows
            .iter()
            .map(|(name, outcome, codes)| {
                let codes = codes.iter().map(|code| (*code).to_owned()).collect();
                (format!("{}{name}", recipe.file), (*outcome).to_owned(), codes)
            })
            .collect();
        if rows != expected {
            writeln!(wrong, "{}: expected {expected:#?}, got {rows:#?}", recipe.name).unwrap();
        }
        let all_fine = recipe.rows.iter().all(|(_, _, codes)| codes.is_empty());
        let run = apkvouch(dir.path(), &["verify", recipe.file]);
        if run.status.success() != all_fine {
            writeln!(wrong, "{}: verify says {run:?}", recipe.name).unwrap();
        }
        // No member was written anywhere by its name.
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), before);
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_form_of_report_tells_of_every_member_and_obeys_none() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = recipe("odd-names");
    fs::write(dir.path().join(recipe.file), &recipe.bytes).unwrap();
    for format in apkvouch::report::FORMATS {
        for command in ["scan", "verify"] {
            let run = apkvouch(dir.path(), &[command, "--format", format.name, recipe.file]);
            let text = String::from_utf8(run.stdout).unwrap();
            assert_eq!(run.status.code(), Some(0), "{command} {}: {text}", format.name);
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{command} {}: {text}", format.name);
            assert!(text.contains("cron.d"), "{command} {}: {text}", format.name);
        }
    }
}

#[test]
fn a_registry_judges_every_member() {
    let dir = tempfile::tempdir().unwrap();
    let key = |name: &str| Key::named(name).certificate_digest();
    let registry = format!(
        "schema = 1\nid = \"r\"\n[[subject]]\nid = \"dev\"\nname = \"Dev\"\nroles = [\"developer\"]\n\
         [[subject]]\nid = \"shop\"\nname = \"Shop\"\nroles = [\"distributor\"]\n\
         [[key]]\ncertificate_sha256 = \"{}\"\nsubject = \"dev\"\n\
         [[key]]\ncertificate_sha256 = \"{}\"\nsubject = \"shop\"\n\
         [[app]]\npackage = \"com.example.app\"\nowner = \"dev\"\n[[app.signers]]\ncertificates = [\"{}\"]\n",
        key("ec-p256"),
        key("ec-p256-3"),
        key("ec-p256"),
    );
    fs::write(dir.path().join("r.toml"), registry).unwrap();
    let policy = "schema = 1\n[distributor]\nrequire = \"registered\"\nproof = [\"container\"]\n";
    fs::write(dir.path().join("policy.toml"), policy).unwrap();
    let scan = |recipe: &Recipe| {
        fs::write(dir.path().join(recipe.file), &recipe.bytes).unwrap();
        row(dir.path(), &["scan", "--registry", "r.toml", "--format", "jsonl", recipe.file])
    };
    let result = scan(&recipe("apks"));
    assert_eq!((&result["verdict"], &result["passed"]), (&"authenticated".into(), &true.into()));
    assert_eq!((&result["package"], &result["developer"]["id"]), (&"com.example.app".into(), &"dev".into()));
    // One member by somebody else makes the whole a counterfeit.
    let foreign = zip(&[Entry::stored("a.apk", &by("ec-p256")), Entry::stored("b.apk", &by("ec-p256-2"))]);
    fs::write(dir.path().join("foreign.apks"), foreign).unwrap();
    let result = row(dir.path(), &["scan", "--registry", "r.toml", "--format", "jsonl", "foreign.apks"]);
    assert_eq!((&result["verdict"], &result["passed"]), (&"counterfeit".into(), &false.into()));
    assert_eq!(result["members"][0]["verdict"], "authenticated");
    // Who put the container together is a distributor, when the registry says so.
    let gate = |file: &str, policy: &str| {
        let arguments = ["gate", "--registry", "r.toml", "--unsigned-registry", "--policy", policy, file];
        apkvouch(dir.path(), &[&arguments[..], &["--format", "jsonl"]].concat())
    };
    for (name, code, standing) in [
        ("signed-v2", 0, Some("registered")),
        ("signed-v1", 0, Some("registered")),
        ("apks", 1, None),
        ("signed-broken", 1, Some("broken")),
    ] {
        let recipe = recipe(name);
        fs::write(dir.path().join(recipe.file), &recipe.bytes).unwrap();
        let run = gate(recipe.file, "policy.toml");
        assert_eq!(run.status.code(), Some(code), "{name}: {run:?}");
        let result: Value = serde_json::from_slice(&run.stdout).unwrap();
        let last = result["members"].as_array().unwrap().last().unwrap();
        let proof = last["policy"]["distributors"].as_array().unwrap();
        let proof = proof.iter().find(|proof| proof["proof"] == "container");
        assert_eq!(proof.and_then(|proof| proof["standing"].as_str()), standing, "{name}: {result}");
    }
    // An app bundle passes no gate, whoever has signed it.
    let aab = recipe("aab");
    fs::write(dir.path().join(aab.file), &aab.bytes).unwrap();
    fs::write(
        dir.path().join("any.toml"),
        "schema = 1\n[accept]\nverdicts = [\"authenticated\", \"unauthenticated\"]\n",
    )
    .unwrap();
    let run = gate(aab.file, "any.toml");
    assert_eq!(run.status.code(), Some(1), "{run:?}");
    let result: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(result["container"]["signature"], "verified");
    assert_eq!(result["container"]["signers"][0]["sha256"], key("ec-p256-3"));
}

#[test]
fn in_a_directory_a_zip_archive_is_judged_when_it_holds_apks() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["zip", "apks", "aab"] {
        let recipe = recipe(name);
        fs::write(dir.path().join(recipe.file), &recipe.bytes).unwrap();
    }
    fs::write(dir.path().join("pictures.zip"), zip(&[Entry::stored("a.png", b"png")])).unwrap();
    let inner = zip(&[Entry::stored("a.png", b"png")]);
    let broken = Entry::deflated("b", b"0123456789").raw(|raw| raw.body.fill(0xff));
    fs::write(dir.path().join("archives.zip"), zip(&[Entry::deflated("a.zip", &inner), broken])).unwrap();
    fs::write(dir.path().join("broken.zip"), b"PK").unwrap();
    let document = row(dir.path(), &["scan", "--format", "json", "."]);
    let paths: Vec<&str> =
        document["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["./app.aab", "./app.apks", "./apps.zip"]);
    let summary = &document["summary"];
    assert_eq!(
        (&summary["judged"], &summary["members"], &summary["not_apk"]),
        (&3.into(), &4.into(), &3.into())
    );
    let bad = row(dir.path(), &["scan", "--only-bad", "--format", "json", "."]);
    assert_eq!(bad["files"].as_array().unwrap().len(), 1);
    assert_eq!(bad["summary"], *summary);
}

#[test]
fn only_the_members_that_are_bad_are_reported_of_a_bad_container() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = recipe("one-tampered");
    fs::write(dir.path().join(recipe.file), &recipe.bytes).unwrap();
    let result = row(dir.path(), &["scan", "--only-bad", "--format", "jsonl", recipe.file]);
    let members = result["members"].as_array().unwrap();
    assert_eq!((members.len(), &members[0]["path"]), (1, &"app.apks!/bad.apk".into()));
}

#[test]
fn more_members_than_the_limit_are_not_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let text = |count: usize| {
        let names = (0..count).map(|number| Entry::stored(&format!("{number}.apk"), b"x"));
        zip(&names.collect::<Vec<_>>())
    };
    for (count, over) in [(1024, false), (1025, true)] {
        fs::write(dir.path().join("a.zip"), text(count)).unwrap();
        let result = row(dir.path(), &["scan", "--format", "jsonl", "a.zip"]);
        assert_eq!(result["members"].as_array().unwrap().len(), 1024);
        let codes: Vec<&str> = result["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["code"].as_str().unwrap())
            .collect();
        assert_eq!(codes.contains(&"limit-exceeded"), over, "{count}: {codes:?}");
    }
}

#[test]
fn containers_in_a_container_share_its_limit() {
    let dir = tempfile::tempdir().unwrap();
    let names = (0..600).map(|number| Entry::stored(&format!("{number}.apk"), b"x"));
    let inner = zip(&names.collect::<Vec<_>>());
    let outer = zip(&[Entry::stored("a.apks", &inner), Entry::stored("b.apks", &inner)]);
    fs::write(dir.path().join("a.zip"), outer).unwrap();
    let result = row(dir.path(), &["scan", "--format", "jsonl", "a.zip"]);
    let members = |at: usize| result["members"][at]["members"].as_array().unwrap().len();
    assert_eq!((members(0), members(1)), (600, 422));
    let limit = result["members"][1]["findings"].as_array().unwrap();
    assert!(limit.iter().any(|finding| finding["code"] == "limit-exceeded"), "{limit:?}");
}

#[test]
fn a_member_too_large_for_memory_is_judged_from_a_file_without_a_name() {
    let dir = tempfile::tempdir().unwrap();
    let large =
        Apk::new().file("assets/large", &vec![7; 9 << 20]).v2(Signer::v2(&Key::named("ec-p256"))).build();
    fs::write(dir.path().join("a.apks"), zip(&[Entry::deflated("large.apk", &large)])).unwrap();
    let result = row(dir.path(), &["scan", "--format", "jsonl", "a.apks"]);
    assert_eq!(result["members"][0]["status"], "verified", "{result}");
    assert_eq!(result["members"][0]["size"], large.len());
}

#[test]
fn a_v4_signature_file_goes_with_an_apk_alone() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = recipe("apks");
    fs::write(dir.path().join(recipe.file), &recipe.bytes).unwrap();
    let run = apkvouch(dir.path(), &["verify", "--v4-signature-file", recipe.file, recipe.file]);
    assert_eq!(run.status.code(), Some(3), "{run:?}");
    assert!(String::from_utf8_lossy(&run.stderr).contains("goes with an APK"), "{run:?}");
}

#[test]
fn inspect_shows_every_member() {
    let dir = tempfile::tempdir().unwrap();
    let show = |name: &str, format: &str| {
        let recipe = recipe(name);
        fs::write(dir.path().join(recipe.file), &recipe.bytes).unwrap();
        apkvouch(dir.path(), &["inspect", "--format", format, recipe.file])
    };
    let json = |name: &str| -> (Option<i32>, Value) {
        let run = show(name, "json");
        (run.status.code(), serde_json::from_slice(&run.stdout).unwrap())
    };
    let (code, found) = json("one-tampered");
    assert_eq!((code, &found["container"]["members"]), (Some(1), &3.into()));
    let members = found["members"].as_array().unwrap();
    assert_eq!(members.len(), 3);
    for (member, status) in members.iter().zip(["rejected", "verified", "verified"]) {
        assert_eq!((member["status"].as_str(), member["container"].is_null()), (Some(status), true));
        assert!(member["devices"].is_array() && member["archive"].is_object(), "{member}");
        assert_eq!(member["sha256"].as_str().unwrap().len(), 64);
    }
    // What configures a device is shown as its base has it.
    let (code, found) = json("set-without-sdk");
    assert_eq!((code, &found["members"][1]["status"]), (Some(0), &"verified".into()));
    assert_eq!(found["members"][1]["min_sdk"], 24);
    // What is no APK is told as verify does.
    let (code, found) = json("nested");
    assert_eq!((code, found["members"][0]["members"].as_array().unwrap().len()), (Some(0), 2));
    let (code, found) = json("one-cut");
    assert_eq!((code, &found["members"][0]["status"]), (Some(1), &"malformed".into()));
    let (code, found) = json("aab");
    assert_eq!((code, &found["container"]["signature"]), (Some(1), &"verified".into()));
    assert_eq!(found["members"], Value::Array(Vec::new()));
    // As text nothing of a name is obeyed.
    let run = show("odd-names", "text");
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(text.starts_with("app.zip: zip container of 3 members: verified\n"), "{text}");
    assert!(text.contains("app.zip!/../../../etc/cron.d/x.apk") && !text.contains('\u{1b}'), "{text}");
    // A line for each member says which app it is, or part of one.
    let map = |name: &str| {
        let text = String::from_utf8(show(name, "text").stdout).unwrap();
        let lines = text.lines().skip_while(|line| !line.starts_with("  members"));
        let lines = lines.take_while(|line| !line.is_empty()).map(|line| line.get(13..).unwrap().to_owned());
        lines.collect::<Vec<String>>()
    };
    let app = "com.example.app 1.0 (version code 1)";
    let expected = [
        format!(" base.apk      verified    {app}"),
        format!(" split_de.apk  verified    {app}, part config.de"),
    ];
    assert_eq!(map("set"), expected);
    let expected = [
        " bad.apk     tampered    (com.example.app)".to_owned(),
        format!(" one.apk     verified    {app}"),
        format!(" in/two.APK  verified    {app}"),
    ];
    assert_eq!(map("one-tampered"), expected);
    assert_eq!(map("one-cut")[0], " bad.apk     unreadable");
    assert!(map("nested")[0].ends_with("zip container"), "{:?}", map("nested"));
    assert_eq!(map("aab"), [""; 0]);
}

#[test]
fn of_members_that_share_bytes_few_are_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let many = |count: usize| {
        let entry = Entry::stored("a.apk", &by("ec-p256")).raw(move |raw| {
            let record = raw.central[0].clone();
            raw.central = vec![record; count];
        });
        zip(&[entry])
    };
    for (count, seen, over) in [(16, 16, false), (17, 16, true), (1000, 16, true)] {
        fs::write(dir.path().join("a.zip"), many(count)).unwrap();
        let result = row(dir.path(), &["scan", "--format", "jsonl", "a.zip"]);
        assert_eq!(result["members"].as_array().unwrap().len(), seen, "{count}");
        let codes: Vec<&str> = result["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["code"].as_str().unwrap())
            .collect();
        assert_eq!(codes.contains(&"limit-exceeded"), over, "{count}: {codes:?}");
        assert_eq!((&result["verdict"], &result["passed"]), (&"unreadable".into(), &false.into()));
    }
}

#[test]
fn a_member_has_a_share_of_what_may_be_inflated() {
    let dir = tempfile::tempdir().unwrap();
    // A JAR signature over 24 MiB that stand in some 100 KiB: more than a share of 128 MiB among eight, not among two.
    let large = Apk::new()
        .manifest(Manifest::new("com.example.app").min_sdk(21))
        .entry(Entry::deflated("large", &vec![0; 24 << 20]).deflated_far(&[1]))
        .v1(V1::by(&Key::named("ec-p256")))
        .build();
    assert!(large.len() < 256 << 10, "{} bytes", large.len());
    for (others, status) in [(1, "verified"), (7, "malformed")] {
        let mut entries = vec![Entry::stored("large.apk", &large)];
        entries.extend((0..others).map(|number| Entry::stored(&format!("{number}.apk"), &by("ec-p256"))));
        fs::write(dir.path().join("a.zip"), zip(&entries)).unwrap();
        let result = row(dir.path(), &["scan", "--format", "jsonl", "a.zip"]);
        assert_eq!(result["members"][0]["status"], status, "{others}: {}", result["members"][0]);
    }
}
