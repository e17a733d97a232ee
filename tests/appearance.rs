//! What people see of an app, in every result: its names, verified or claimed, through scans, containers and databases.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "test code: a step that cannot be done is to stop the test"
)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Output;

use serde_json::Value as Json;
use serde_json::json;
use tempfile::TempDir;

use crate::builder::Apk;
use crate::builder::Entry;
use crate::builder::Key;
use crate::builder::Manifest;
use crate::builder::Resources;
use crate::builder::Signer;
use crate::builder::manifest::Element;
use crate::builder::manifest::Value;
use crate::builder::manifest::attr;
use crate::builder::resources::Config;
use crate::builder::resources::id;
use crate::make_testdata::containers::zip;

const LABEL: u32 = id(1, 0);

/// A manifest whose label is a resource, with an activity in the launcher that has the label `launcher`.
pub(crate) fn manifest(launcher: Option<&'static str>) -> Manifest {
    Manifest::new("com.example.app").min_sdk(24).tree(move |root| {
        let application = root.children.iter_mut().find(|child| child.name == "application").unwrap();
        *application = Element::new("application").android(attr::LABEL, "label", Value::Reference(LABEL));
        let Some(label) = launcher else { return };
        let name = |element: &str, name: &str| Element::new(element).android(attr::NAME, "name", name);
        let filter = Element::new("intent-filter")
            .child(name("action", "android.intent.action.MAIN"))
            .child(name("category", "android.intent.category.LAUNCHER"));
        // The platform looks for attributes in the order of their ids.
        let activity = Element::new("activity").android(attr::LABEL, "label", label);
        let activity = activity.android(attr::NAME, "name", ".Main").child(filter);
        application.children.push(activity);
    })
}

fn signed(manifest: Manifest, table: &Resources) -> Apk {
    let apk = Apk::new().manifest(manifest).file("resources.arsc", &table.build());
    apk.v2(Signer::v2(&Key::named("ec-p256")))
}

fn bank() -> Resources {
    Resources::new().value(LABEL, Config::any(), "Bank").value(LABEL, Config::locale("zh-CN"), "银行")
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let program = assert_cmd::cargo::cargo_bin!("apkvouch");
    Command::new(program).current_dir(folder).args(arguments).output().unwrap()
}

/// The files of a JSON report, and of a row those fields alone that tell what people see.
fn files(folder: &Path, arguments: &[&str]) -> Vec<Json> {
    let output = run(folder, arguments);
    let document: Json = serde_json::from_slice(&output.stdout).unwrap();
    document["files"].as_array().unwrap().iter().map(seen).collect()
}

fn seen(file: &Json) -> Json {
    let names = ["label", "labels", "claimed_label", "claimed_labels", "labels_left_out"];
    let told = names.into_iter().filter_map(|name| Some((name.to_owned(), file.get(name)?.clone())));
    Json::Object(told.collect())
}

#[test]
fn names_are_told_as_verified_as_the_file_is() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).unwrap();
    write("a.apk", signed(manifest(None), &bank()).build());
    let tampered = signed(manifest(None), &bank()).after_signing(|parts| {
        let dex = parts.contents.windows(4).position(|bytes| bytes == b"dex\n").unwrap();
        parts.contents[dex] ^= 1;
    });
    write("b.apk", tampered.build());
    write("c.apk", signed(manifest(Some("Torch")), &bank()).build());
    write("d.apk", signed(Manifest::new("com.example.app").min_sdk(24).label("Bank"), &bank()).build());
    write("e.apk", signed(Manifest::new("com.example.app").min_sdk(24), &bank()).build());
    let rows = json!([{ "locale": "", "text": "Bank" }, { "locale": "zh-CN", "text": "银行" }]);
    let torch = json!([rows[0], rows[1], { "locale": "", "text": "Torch" }]);
    let expected = [
        json!({ "label": "Bank", "labels": rows }),
        json!({ "claimed_label": "Bank", "claimed_labels": rows }),
        json!({ "label": "Bank", "labels": torch }),
        json!({ "label": "Bank" }),
        json!({}),
    ];
    assert_eq!(files(folder.path(), &["scan", ".", "--format", "json"]), expected);
    let all = ["a.apk", "b.apk", "c.apk", "d.apk", "e.apk"];
    assert_eq!(files(folder.path(), &[&["verify", "--format", "json"], &all[..]].concat()), expected);
    for (name, expected) in all.into_iter().zip(&expected) {
        let output = run(folder.path(), &["inspect", name, "--format", "json"]);
        assert_eq!(seen(&serde_json::from_slice(&output.stdout).unwrap()), *expected, "{name}");
    }
}

#[test]
fn a_container_has_the_name_of_the_app_in_it() {
    let folder = TempDir::new().unwrap();
    let base = signed(manifest(None), &bank()).build();
    let part = Manifest::new("com.example.app").min_sdk(24).tree(|root| {
        root.attributes.push(Element::new("x").plain("split", "config.de").attributes.remove(0));
        root.children.retain(|child| child.name != "application");
        root.children.push(Element::new("application").android(attr::LABEL, "label", "Not the name"));
    });
    let part = signed(part, &bank()).build();
    let other = Manifest::new("com.example.app").min_sdk(24).label("Torch");
    let other = signed(other, &bank()).build();
    let set = [Entry::stored("base.apk", &base), Entry::stored("split_config.de.apk", &part)];
    fs::write(folder.path().join("a.apks"), zip(&set)).unwrap();
    let two = [Entry::stored("a.apk", &base), Entry::stored("b.apk", &other)];
    fs::write(folder.path().join("b.zip"), zip(&two)).unwrap();
    let output = run(folder.path(), &["scan", ".", "--format", "json"]);
    let document: Json = serde_json::from_slice(&output.stdout).unwrap();
    let label = |pointer: &str| document.pointer(pointer).map(|file| file["label"].clone());
    assert_eq!(label("/files/0"), Some(json!("Bank")));
    assert_eq!(label("/files/0/members/0"), Some(json!("Bank")));
    assert_eq!(label("/files/0/members/1"), Some(Json::Null));
    // Two apps of different names have none together.
    assert_eq!(label("/files/1"), Some(Json::Null));
    assert_eq!(label("/files/1/members/1"), Some(json!("Torch")));
}

#[test]
fn a_database_keeps_names_whatever_the_scan_has_shown() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("store")).unwrap();
    fs::write(folder.path().join("store/a.apk"), signed(manifest(Some("Torch")), &bank()).build()).unwrap();
    let direct = files(folder.path(), &["scan", "store", "--format", "json"]);
    assert_eq!(direct[0]["labels"].as_array().unwrap().len(), 3);
    run(folder.path(), &["scan", "store", "--db", "db"]);
    assert_eq!(files(folder.path(), &["report", "--db", "db", "--format", "json"]), direct);
    // What is known is not read again, and says the same.
    assert_eq!(files(folder.path(), &["scan", "store", "--db", "db", "--format", "json"]), direct);
    // Forms that show no names say the same with and without them.
    let text = run(folder.path(), &["scan", "store"]).stdout;
    assert_eq!(run(folder.path(), &["report", "--db", "db"]).stdout, text);
}

/// A table with that many configurations of the label, each of which leads through twenty resources that have as many.
fn slow() -> Resources {
    let mut table = Resources::new().value(id(1, 20), Config::any(), "Bank");
    for number in 0..20 {
        table = table.value(id(1, number), Config::any(), Value::Reference(id(1, number + 1)));
        for code in 1..=4000 {
            let config = Config::any().mcc(code);
            table = table.value(id(1, number), config, Value::Reference(id(1, number + 1)));
        }
    }
    table
}

#[test]
fn a_file_cannot_make_its_names_dear() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, apk: Apk| fs::write(folder.path().join(name), apk.build()).unwrap();
    // 56 MB in some hundred KB.
    let zeros = Entry::stored("resources.arsc", &vec![0; 56 << 20]).deflated_far(&[1]);
    let sign = |apk: Apk| apk.v2(Signer::v2(&Key::named("ec-p256")));
    write("inflates.apk", sign(Apk::new().manifest(manifest(None)).entry(zeros)));
    write("slow.apk", sign(Apk::new().manifest(manifest(None)).file("resources.arsc", &slow().build())));
    // A text of a megabyte, in 4,000 configurations.
    let long = "x".repeat(1 << 20);
    let table = Resources::new().value(id(1, 1), Config::any(), long.as_str());
    let table = (1..=4000)
        .fold(table, |table, code| table.value(LABEL, Config::any().mcc(code), Value::Reference(id(1, 1))));
    write("long.apk", sign(Apk::new().manifest(manifest(None)).file("resources.arsc", &table.build())));
    // Seconds of processor time. A debug build takes ten times as long.
    let seconds = if cfg!(debug_assertions) { 20 } else { 2 };
    // KiB of address space, as for all bombs.
    let space = 64_000_000 / 1024 + 24 * 1024;
    for name in ["inflates.apk", "slow.apk", "long.apk"] {
        let output = Command::new("sh")
            .args(["-c", "ulimit -t \"$1\" -v \"$2\"; exec \"$3\" verify \"$4\" --format json", "sh"])
            .args([seconds.to_string(), space.to_string()])
            .arg(assert_cmd::cargo::cargo_bin!("apkvouch"))
            .arg(folder.path().join(name))
            .envs([("RAYON_NUM_THREADS", "2"), ("MALLOC_ARENA_MAX", "1")])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout.len() < 1_000_000, "{name}: {} bytes of answer", output.stdout.len());
    }
}
