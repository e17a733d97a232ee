//! Entries that are learned and imported.

use std::fs;

use super::apkvouch;
use super::by;
use super::commands_in;
use super::digest_of;
use super::dir_with;
use super::good;
use super::manifest;
use super::rotated;
use super::tampered;
use crate::builder;
use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Lineage;
use crate::builder::Manifest;
use crate::builder::Signer;

#[test]
fn entries_are_learned_looked_at_and_imported() {
    let other = Apk::new()
        .manifest(Manifest::new("com.example.two").min_sdk(24))
        .v2(Signer::v2(&Key::named("ec-p384")))
        .build();
    let dir = dir_with(&[
        ("store/a.apk", good()),
        ("store/b.apk", rotated()),
        ("store/c.apk", other),
        ("store/d.apk", by("ec-p256-3")),
        ("bad/t.apk", tampered()),
    ]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x");
    run("registry add-subject r.toml acme --name Acme");
    // One package, two signers whom nothing connects: for people to decide.
    let learned = run("registry learn r.toml store");
    assert_eq!(learned.code, Some(1));
    assert_eq!(learned.out.lines().count(), 2, "{}", learned.out);
    assert!(
        learned.out.contains("com.example.two,") && !learned.out.contains("com.example.app"),
        "{}",
        learned.out
    );
    assert!(learned.err.contains("com.example.app: several signers: "), "{}", learned.err);
    assert!(
        learned.err.contains("in store/a.apk") && learned.err.contains("in store/b.apk"),
        "{}",
        learned.err
    );
    let nothing = run("registry learn r.toml bad");
    assert_eq!(nothing.code, Some(1));
    assert!(nothing.err.contains("bad/t.apk: does not verify: nothing is learned"), "{}", nothing.err);

    fs::write(dir.path().join("proposed.csv"), &learned.out).unwrap();
    let before = fs::read_to_string(dir.path().join("r.toml")).unwrap();
    let dry = run("registry import r.toml proposed.csv --owner acme --dry-run");
    assert!(dry.out.contains("1 of 1 package and 1 key would be added"), "{}{}", dry.out, dry.err);
    assert_eq!(fs::read_to_string(dir.path().join("r.toml")).unwrap(), before);
    assert!(run("registry import r.toml proposed.csv").err.contains("give --owner ID"));
    let imported = run("registry import r.toml proposed.csv --owner acme --evidence manual");
    assert!(
        imported.out.contains("+ app com.example.two") && imported.out.contains("1 of 1 package and"),
        "{}",
        imported.out
    );
    assert_eq!(run("scan --registry r.toml store/c.apk").code, Some(0));
    // Again: nothing; one that contradicts: none of it.
    assert!(run("registry import r.toml proposed.csv").out.contains("0 of 1 package and"));
    let wrong = digest_of(dir.path(), "store/a.apk");
    fs::write(dir.path().join("more.txt"), format!("com.example.three\n{wrong}\ncom.example.two\n{wrong}\n"))
        .unwrap();
    let before = fs::read_to_string(dir.path().join("r.toml")).unwrap();
    let refused = run("registry import r.toml more.txt --owner acme");
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
    assert!(refused.err.contains("com.example.two: it is registered with other signers"), "{}", refused.err);
    assert_eq!(fs::read_to_string(dir.path().join("r.toml")).unwrap(), before);
    assert!(run("registry import r.toml r.toml").err.contains("give --format"));
    assert!(run("registry export r.toml --format assetlinks").out.contains("com.example.two"));
    assert_eq!(run("registry learn r.toml store/c.apk").out, "package,fingerprint\n", "it is there already");
}

/// What is learned of a file authenticates that file, on the Android versions that see the earlier key, too.
#[test]
fn a_rotation_is_learned_with_the_earlier_key_that_its_lineage_shows() {
    let dir = dir_with(&[("store/rotated.apk", rotated()), ("old.apk", good())]);
    let (old, new) = (digest_of(dir.path(), "old.apk"), digest_of(dir.path(), "store/rotated.apk"));
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x");
    run("registry add-subject r.toml acme --name Acme");
    let learned = run("registry learn r.toml store");
    let rows = format!("package,fingerprint\ncom.example.app,{old}\ncom.example.app,{new}\n");
    assert_eq!((learned.code, learned.out.as_str()), (Some(0), rows.as_str()), "{}", learned.err);
    let expected = format!("registry rotate r.toml {old} {new}");
    assert_eq!(commands_in(&learned.err), [expected.as_str()], "{}", learned.err);
    // Another file by the earlier key contradicts nothing.
    assert_eq!(run("registry learn r.toml store old.apk").out, rows);

    fs::write(dir.path().join("l.csv"), &learned.out).unwrap();
    assert_eq!(run("registry import r.toml l.csv --owner acme").code, Some(0));
    for file in ["store/rotated.apk", "old.apk"] {
        assert_eq!(run(&format!("scan --registry r.toml {file}")).code, Some(0), "{file}");
    }
    let done = run(&expected);
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert_eq!(run("scan --registry r.toml store/rotated.apk").code, Some(0));
    assert_eq!(run("scan --registry r.toml old.apk").code, Some(1), "an old key in use");
    let again = run("registry learn r.toml store old.apk");
    assert_eq!((again.code, again.out.as_str(), again.err.as_str()), (Some(0), "package,fingerprint\n", ""));
}

#[test]
fn what_no_lineage_connects_or_no_version_sees_is_not_proposed() {
    let (old, new) = (Key::named("ec-p256"), Key::named("ec-p256-2"));
    let unconnected = Apk::new().manifest(manifest()).v2(Signer::v2(&old)).v3(Signer::v3(&new)).build();
    let lineage = Lineage::from(&old).to(&new);
    let newer = Manifest::new("com.example.app").min_sdk(28);
    let unseen = Apk::new().manifest(newer).v3(Signer::v3(&new).lineage(&lineage)).build();
    let dir = dir_with(&[
        ("unconnected.apk", unconnected),
        ("unseen.apk", unseen),
        ("old.apk", good()),
        ("rotated.apk", rotated()),
    ]);
    let (old, new) = (digest_of(dir.path(), "old.apk"), digest_of(dir.path(), "unseen.apk"));
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x");
    run("registry add-subject r.toml acme --name Acme");
    let learned = run("registry learn r.toml unconnected.apk");
    assert_eq!((learned.code, learned.out.as_str()), (Some(1), "package,fingerprint\n"));
    assert_eq!(learned.err, "apkvouch: unconnected.apk: does not verify: nothing is learned\n");
    // Nor is the newer one whom the earlier key has not appointed in any file.
    fs::write(dir.path().join("alone.apk"), by("ec-p256-2")).unwrap();
    let learned = run("registry learn r.toml old.apk alone.apk");
    assert_eq!((learned.code, learned.out.as_str()), (Some(1), "package,fingerprint\n"));
    assert!(learned.err.contains("com.example.app: several signers: "), "{}", learned.err);
    let learned = run("registry learn r.toml unseen.apk");
    let rows = format!("package,fingerprint\ncom.example.app,{new}\n");
    assert_eq!((learned.code, learned.out), (Some(0), rows), "{}", learned.err);
    let said = format!("com.example.app: {old} is an earlier key by a verified lineage; it is not proposed");
    assert!(learned.err.contains(&said) && learned.err.lines().count() == 1, "{}", learned.err);

    // Of a registered app the commands are told that let the other key sign, too.
    run("registry add r.toml old.apk --owner acme");
    let learned = run("registry learn r.toml rotated.apk");
    assert_eq!((learned.code, learned.out.as_str()), (Some(1), "package,fingerprint\n"));
    let commands = commands_in(&learned.err);
    assert_eq!(commands, [format!("registry add r.toml {new} --package com.example.app --add-signers")]);
    assert_eq!(run(&commands[0]).code, Some(0));
    let again = run("registry learn r.toml rotated.apk");
    assert_eq!((again.code, again.out.as_str()), (Some(0), "package,fingerprint\n"), "{}", again.err);
    // Whom nothing connects with it is told without.
    fs::write(dir.path().join("foreign.apk"), by("ec-p256-3")).unwrap();
    let learned = run("registry learn r.toml foreign.apk");
    assert!(learned.err.contains("it is registered with other signers: found "), "{}", learned.err);
    assert!(commands_in(&learned.err).is_empty(), "{}", learned.err);
}

#[test]
fn members_of_containers_are_learned_from_and_what_holds_nothing_is_told() {
    let zip = |entries: &[builder::Entry]| crate::make_testdata::containers::zip(entries);
    let dir = dir_with(&[
        ("store/two.apks", zip(&[builder::Entry::stored("base.apk", &good())])),
        ("broken/bad.xapk", zip(&[builder::Entry::stored("base.apk", &tampered())])),
        ("texts/notes.txt", b"no APK".to_vec()),
    ]);
    for folder in ["empty", "store/inner"] {
        fs::create_dir(dir.path().join(folder)).unwrap();
    }
    let bundle = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/containers/aab/app.aab")).unwrap();
    fs::write(dir.path().join("app.aab"), bundle).unwrap();
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x");
    for (path, code, rows, said) in [
        ("store", 0, 1, ""),
        ("store/two.apks", 0, 1, ""),
        ("broken", 1, 0, "broken/bad.xapk!/base.apk: does not verify: nothing is learned"),
        ("app.aab", 4, 0, "app.aab: an app bundle holds no APK yet: nothing is learned"),
        ("empty", 4, 0, "empty: no APK found"),
        ("texts", 4, 0, "texts: no APK found; a file there is not named like one"),
        ("store empty", 0, 1, "empty: no APK found"),
        ("gone", 3, 0, "gone: cannot open: no such file or directory"),
    ] {
        let run = run(&format!("registry learn r.toml {path}"));
        assert_eq!((run.code, run.out.lines().count()), (Some(code), rows + 1), "{path}: {}", run.err);
        let said = if said.is_empty() { String::new() } else { format!("apkvouch: {said}\n") };
        assert_eq!(run.err, said, "{path}");
    }
}

/// What Android refuses to open is authenticated by no registry, so that nothing is learned of it, be it in a container.
#[test]
fn nothing_is_learned_of_what_android_refuses_to_open() {
    let data = |case: &str| {
        let path = format!("{}/testdata/zip/{case}/app.apk", env!("CARGO_MANIFEST_DIR"));
        fs::read(path).unwrap()
    };
    // The same name twice; and names that differ in their case, which it opens.
    let (twice, case) = (data("duplicate-entry-v2"), data("name-case"));
    let archive = crate::make_testdata::containers::zip(&[builder::Entry::stored("base.apk", &twice)]);
    let dir = dir_with(&[("twice.apk", twice), ("in.apks", archive), ("case.apk", case)]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x");
    run("registry add-subject r.toml acme --name Acme");
    let why = "the signature holds, but Android refuses to open such a file: zip-duplicate-entry";
    for (path, named) in [("twice.apk", "twice.apk"), ("in.apks", "in.apks!/base.apk")] {
        let learned = run(&format!("registry learn r.toml {path}"));
        assert_eq!((learned.code, learned.out.as_str()), (Some(1), "package,fingerprint\n"), "{path}");
        assert_eq!(learned.err, format!("apkvouch: {named}: {why}: nothing is learned\n"));
    }
    let learned = run("registry learn r.toml case.apk");
    assert_eq!((learned.code, learned.out.lines().count(), learned.err.as_str()), (Some(0), 2, ""));
    fs::write(dir.path().join("l.csv"), &learned.out).unwrap();
    assert_eq!(run("registry import r.toml l.csv --owner acme").code, Some(0));
    assert_eq!(run("scan --registry r.toml case.apk").code, Some(0));
    assert_eq!(run("scan --registry r.toml twice.apk").code, Some(1), "by the same signer");
}

/// A dry run says what the import would say, be it that it cannot be.
#[test]
fn a_dry_run_answers_as_the_import_would() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x --at 2026-01-01 --expires 2099-12-31");
    run("registry add-subject r.toml acme --name Acme --at 2026-01-02");
    run("registry convert r.toml r.db");
    let row = |name: &str| format!("package,fingerprint,name\ncom.x.a,{},{name}\n", "1".repeat(64));
    fs::write(dir.path().join("good.csv"), row("An app")).unwrap();
    // No name behind the mark that keeps spreadsheets from taking it for a formula.
    fs::write(dir.path().join("bad.csv"), row("'")).unwrap();
    for file in ["r.toml", "r.db"] {
        for (list, at, code) in
            [("bad.csv", "2026-02-01", 2), ("good.csv", "2100-01-01", 2), ("good.csv", "2026-02-01", 0)]
        {
            let before = fs::read(dir.path().join(file)).unwrap();
            let import = format!("registry import {file} {list} --owner acme --at {at}");
            let dry = run(&format!("{import} --dry-run"));
            assert!(fs::read(dir.path().join(file)).unwrap() == before, "{file} {list}");
            let done = run(&import);
            assert_eq!((dry.code, done.code), (Some(code), Some(code)), "{file} {list}: {}", dry.err);
            assert_eq!(dry.err, done.err, "{file} {list}");
            let would = "would be added or changed; nothing was written";
            assert_eq!(dry.out, done.out.replace("added or changed", would), "{file} {list}");
        }
    }
}
