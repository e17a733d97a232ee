//! A registry, from nothing to judging.

use std::fs;
use std::process::Command;

use super::Run;
use super::apkvouch;
use super::digest_of;
use super::dir_with;
use super::good;
use super::manifest;
use super::program;
use super::rotated;
use super::tampered;
use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Signer;

#[test]
fn a_registry_is_made_filled_signed_and_asked() {
    let dir = dir_with(&[("good.apk", good()), ("rotated.apk", rotated()), ("tampered.apk", tampered())]);
    let foreign = Apk::new().manifest(manifest()).v2(Signer::v2(&Key::named("ec-p256-3"))).build();
    fs::write(dir.path().join("foreign.apk"), foreign).unwrap();
    let done = |arguments: &str| {
        let run = apkvouch(dir.path(), arguments);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{arguments}: {}", run.out);
        run.out
    };
    let refused = |arguments: &str, why: &str| {
        let before = fs::read_to_string(dir.path().join("r.toml")).unwrap();
        let run = apkvouch(dir.path(), arguments);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{arguments}: {}", run.err);
        assert!(run.err.contains(why), "{arguments}: {}", run.err);
        assert_eq!(fs::read_to_string(dir.path().join("r.toml")).unwrap(), before, "{arguments}");
    };
    let digest = digest_of(dir.path(), "good.apk");

    done("registry init r.toml --id store.example --expires 2099-12-31");
    refused("registry init r.toml --id store.example", "r.toml: there is a file already");
    refused("registry add r.toml good.apk", "give --owner ID");
    refused("registry add r.toml good.apk --owner acme", "subject \"acme\" is not registered");
    done("registry add-subject r.toml acme --name Acme");
    refused("registry add r.toml tampered.apk --owner acme", "tampered.apk does not verify");
    refused(
        "registry add r.toml good.apk --owner acme --package com.example.other",
        "is com.example.app, and not",
    );
    refused("registry add r.toml gone.apk --owner acme", "found \"gone.apk\"; or the path of an APK");
    let added = done("registry add r.toml good.apk --owner acme --evidence manual");
    assert!(added.contains(&format!("+ key {digest}")) && added.contains("+ app com.example.app"), "{added}");
    assert_eq!(done("registry add r.toml good.apk"), "r.toml: nothing to change\n");
    assert_eq!(
        done(&format!("registry add r.toml {} --package com.example.app", digest.to_uppercase())),
        "r.toml: nothing to change\n"
    );

    // Signed, and asked for that.
    let scan =
        |options: &str, file: &str| apkvouch(dir.path(), &format!("scan --registry r.toml {options} {file}"));
    done("registry new-key keeper.key --no-password");
    refused("registry new-key keeper.key --no-password", "keeper.key: there is a file already");
    let trusted = "--registry-key keeper.pub --registry-state seen.json";
    assert!(scan(trusted, "good.apk").err.contains("the registry is not signed"));
    done("registry sign r.toml --key keeper.key");
    assert!(done(&format!("registry check r.toml {trusted}")).contains("sound and in force"));
    assert_eq!(scan(trusted, "good.apk").code, Some(0), "{}", scan(trusted, "good.apk").err);
    let foreign = scan(trusted, "foreign.apk");
    assert_eq!(foreign.code, Some(1));
    assert!(foreign.out.contains("counterfeit") && foreign.out.contains(&digest[..16]), "{}", foreign.out);
    assert_eq!(
        scan(trusted, "rotated.apk").code,
        Some(0),
        "by its lineage: {}",
        scan(trusted, "rotated.apk").out
    );

    // Changed: no longer signed; signed again: revoked; the edition before: refused.
    let old = [
        ("r.toml", fs::read(dir.path().join("r.toml"))),
        ("r.toml.minisig", fs::read(dir.path().join("r.toml.minisig"))),
    ];
    let revoked = done(&format!("registry revoke r.toml {digest} --reason stolen"));
    assert!(revoked.contains("r.toml: sign it again"), "{revoked}");
    assert!(scan(trusted, "good.apk").err.contains("does not fit"));
    done("registry sign r.toml --key keeper.key");
    assert!(
        scan(trusted, "good.apk").out.starts_with("VERDICT")
            && scan(trusted, "good.apk").out.contains("revoked")
    );
    refused(&format!("registry activate r.toml {digest} --reason x"), "a revocation is for good");
    for (name, bytes) in old {
        fs::write(dir.path().join(name), bytes.unwrap()).unwrap();
    }
    let rolled_back = scan(trusted, "good.apk");
    assert_eq!(rolled_back.code, Some(2));
    assert!(rolled_back.err.contains("older than one that was accepted before"), "{}", rolled_back.err);
}

#[test]
fn a_registered_package_gets_other_signers_only_when_that_is_said() {
    let dir = dir_with(&[("good.apk", good())]);
    let foreign = Apk::new().manifest(manifest()).v2(Signer::v2(&Key::named("ec-p256-3"))).build();
    fs::write(dir.path().join("foreign.apk"), foreign).unwrap();
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    let done = |arguments: &str| {
        let run = run(arguments);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{arguments}");
        run.out
    };
    let refused = |arguments: &str, why: &str| {
        let before = fs::read(dir.path().join("r.toml")).unwrap();
        let run = run(arguments);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{arguments}");
        assert_eq!(run.err, format!("apkvouch: {why}\n"), "{arguments}");
        assert_eq!(fs::read(dir.path().join("r.toml")).unwrap(), before, "{arguments}");
    };
    let verdict = || run("scan --registry r.toml foreign.apk").out.contains("counterfeit");
    let (own, foreign) = (digest_of(dir.path(), "good.apk"), digest_of(dir.path(), "foreign.apk"));
    done("registry init r.toml --id x --expires 2099-12-31");
    done("registry add-subject r.toml acme --name Acme --role developer,distributor");
    done("registry add-subject r.toml other --name Other --role developer");
    done("registry add r.toml good.apk --owner acme");

    let why = format!(
        "com.example.app: it is registered with other signers: expected {own}, found {foreign}; \
         give --add-signers to allow both"
    );
    let by_fingerprint = format!("registry add r.toml {foreign} --package com.example.app");
    let of_registry = |why: &str| format!("r.toml: {why}");
    let refused_by = |arguments: &str, why: &str| refused(arguments, &of_registry(why));
    refused_by(&by_fingerprint, &why);
    refused_by("registry add r.toml foreign.apk", &why);
    // Whose key it is makes no difference.
    refused_by(&format!("{by_fingerprint} --subject other"), &why);
    refused_by(&format!("{by_fingerprint} --owner acme --subject other"), &why);
    refused_by(
        &format!("{by_fingerprint} --owner other"),
        "package com.example.app belongs to subject \"acme\", not to \"other\"",
    );
    // Nor does one more beside the own.
    refused_by(
        &format!("{by_fingerprint} {own}"),
        &why.replace(&format!("found {foreign}"), &{
            let mut both = [own.as_str(), &foreign];
            both.sort_unstable();
            format!("found {}", both.join("+"))
        }),
    );
    refused_by(
        &format!("registry add r.toml {own} --package com.example.app --role distributor"),
        &format!(
            "com.example.app: it is registered with other signers: expected {own}, found {own} as distributor; \
             give --add-signers to allow both"
        ),
    );
    fs::write(dir.path().join("i.txt"), format!("com.example.app {foreign}\n")).unwrap();
    let in_file = why.replace("other signers:", "other signers in r.toml:");
    refused("registry import r.toml i.txt --owner acme", &format!("i.txt:1:1: {in_file}"));
    assert!(verdict());

    // What is registered is no other signer, wherever the files are handed out.
    let own_again = format!("registry add r.toml {own} --package com.example.app");
    assert_eq!(done(&own_again), "r.toml: nothing to change\n");
    assert!(done(&format!("{own_again} --channel site")).contains("~ app com.example.app"));
    let added = done("registry add r.toml foreign.apk --add-signers");
    assert!(added.contains(&format!("+ key {foreign}")), "{added}");
    assert!(!verdict());
    assert_eq!(done(&by_fingerprint), "r.toml: nothing to change\n");
}

#[test]
fn a_key_that_is_revoked_suspended_or_denied_gets_no_app() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    let done = |arguments: &str| {
        let run = run(arguments);
        assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{arguments}");
    };
    done("registry init r.toml --id x --at 2026-01-01");
    done("registry add-subject r.toml acme --name Acme");
    let key = |digit: &str| digit.repeat(64);
    for digit in ["1", "2", "3", "4"] {
        done(&format!("registry add r.toml {} --package com.x.a{digit} --owner acme", key(digit)));
    }
    done(&format!("registry revoke r.toml {} --reason stolen --at 2026-02-03", key("1")));
    done(&format!("registry suspend r.toml {} --reason asked --at 2026-02-03", key("2")));
    done(&format!("registry rotate r.toml {} {}", key("3"), key("4")));
    done(&format!("registry deny r.toml {} --why leaked --source x", key("5")));
    for (digit, why) in [
        ("1", "is revoked since 2026-02-03T00:00:00Z: stolen"),
        ("2", "is suspended since 2026-02-03T00:00:00Z: asked"),
        ("5", "is denied: leaked"),
    ] {
        let before = fs::read(dir.path().join("r.toml")).unwrap();
        let why = format!("key {} {why}\n", key(digit));
        let add = run(&format!("registry add r.toml {} --package com.x.new --owner acme", key(digit)));
        assert_eq!((add.code, add.err), (Some(2), format!("apkvouch: r.toml: {why}")));
        fs::write(dir.path().join("i.txt"), format!("com.x.new {}\n", key(digit))).unwrap();
        let import = run("registry import r.toml i.txt --owner acme");
        assert_eq!((import.code, import.err), (Some(2), format!("apkvouch: i.txt:1:1: com.x.new: {why}")));
        assert_eq!(fs::read(dir.path().join("r.toml")).unwrap(), before);
    }
    // What has been replaced still signs for Android versions that cannot see its successor.
    done(&format!("registry add r.toml {} --package com.x.old --owner acme", key("3")));
    fs::write(dir.path().join("i.txt"), format!("com.x.new {}\n", key("4"))).unwrap();
    done("registry import r.toml i.txt --owner acme");
    // And what is registered just so is passed over, whatever became of it.
    fs::write(dir.path().join("i.txt"), format!("com.x.a1 {}\n", key("1"))).unwrap();
    done("registry import r.toml i.txt --owner acme");
}

/// The first that somebody adds may be an app that was rotated: what is refused then says how it is done.
#[test]
fn a_rotated_app_is_added_by_the_commands_that_its_refusal_tells() {
    let dir = dir_with(&[("rotated.apk", rotated()), ("old.apk", good())]);
    let (old, new) = (digest_of(dir.path(), "old.apk"), digest_of(dir.path(), "rotated.apk"));
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x");
    run("registry add-subject r.toml acme --name Acme");
    let refused = run("registry add r.toml rotated.apk --owner acme");
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
    let told: Vec<&str> = refused.err.split('`').skip(1).step_by(2).collect();
    assert_eq!(
        told,
        [format!("apkvouch registry add r.toml {old} --package com.example.app --owner acme").as_str()],
        "{}",
        refused.err
    );
    assert!(refused.err.ends_with(", and then this again with --add-signers\n"), "{}", refused.err);
    assert_eq!(run(told[0].strip_prefix("apkvouch ").unwrap()).code, Some(0));
    let added = run("registry add r.toml rotated.apk --owner acme --add-signers");
    assert_eq!(added.code, Some(0), "{}", added.err);
    assert!(added.out.contains(&format!("+ key {new}")), "{}", added.out);
    assert_eq!(run("scan --registry r.toml rotated.apk").code, Some(0));
    // Where it is not for want of an earlier key, none is told.
    run("registry init s.toml --id x");
    run("registry add-subject s.toml acme --name Acme --role distributor");
    let refused = run("registry add s.toml old.apk --owner acme");
    assert!(refused.code == Some(2) && !refused.err.contains('`'), "{}", refused.err);
}

/// Exit status 3 is for the world, 2 for what was asked, and for registries and their keys.
#[test]
fn what_cannot_be_read_or_written_has_the_status_that_the_help_says() {
    let dir = dir_with(&[("bad.csv", b"package\n".to_vec())]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x");
    for (arguments, code, why) in [
        (
            "registry import r.toml none.csv --owner x",
            3,
            "none.csv: cannot read the file to import: no such file",
        ),
        ("registry import r.toml bad.csv --owner x", 2, "bad.csv:1:1: expected the names of columns"),
        ("registry convert r.toml none/r.db", 3, "none/r.db: cannot write: no such file"),
        ("registry convert r.toml none/r.json", 3, "none/r.json: cannot write: no such file"),
        ("registry init none/r.toml --id x", 3, "none/r.toml: cannot write: no such file"),
        ("registry sign r.toml --key nokey", 2, "nokey: cannot read the secret key: no such file"),
        (
            "registry check r.toml --registry-key nokey",
            2,
            "nokey: cannot read the registry key: no such file",
        ),
        ("registry check none.toml", 2, "none.toml: cannot read the registry: no such file"),
    ] {
        let run = run(arguments);
        assert_eq!((run.code, run.out.as_str()), (Some(code), ""), "{arguments}: {}", run.err);
        assert!(run.err.starts_with(&format!("apkvouch: {why}")), "{arguments}: {}", run.err);
    }
}

#[test]
fn a_certificate_is_shown_by_its_first_digits() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    let key = |start: &str| start.to_owned() + &"0".repeat(64 - start.len());
    run("registry init r.toml --id x");
    run("registry add-subject r.toml acme --name Acme");
    for start in ["abcdef01", "abcdef0122", "bbbbbbbb"] {
        let done = run(&format!("registry add r.toml {} --package com.x.a{start} --owner acme", key(start)));
        assert_eq!(done.code, Some(0), "{}", done.err);
    }
    run(&format!("registry deny r.toml {} --why leaked --source x", key("dddddddd")));
    // A subject that is called like the beginning of a key is that subject.
    run("registry add-subject r.toml bbbbbbbb --name B");
    run("registry convert r.toml r.db");
    for file in ["r.toml", "r.db"] {
        let show = |name: &str| run(&format!("registry show {file} {name}"));
        for (name, whole) in [
            ("abcdef0100", key("abcdef01")),
            ("ABCDEF:01:22", key("abcdef0122")),
            ("bbbbbbbb0", key("bbbbbbbb")),
            ("dddddddd", key("dddddddd")),
            // AOSP's test key is always denied.
            ("a40da80a", "a40da80a59d170caa950cf15c18c454d47a39b26989d8b640ecd745ba71bf5dc".to_owned()),
        ] {
            let shown = show(name);
            assert_eq!(
                (shown.code, &shown.out),
                (Some(0), &show(&whole).out),
                "{file} {name}: {}",
                shown.err
            );
            assert!(shown.out.contains(&whole), "{file} {name}: {}", shown.out);
        }
        assert!(show("bbbbbbbb").out.contains("name = \"B\""));
        let several = show("abcdef01");
        assert_eq!((several.code, several.out.as_str()), (Some(2), ""));
        assert_eq!(
            several.err,
            format!(
                "apkvouch: {file}: several certificates begin with abcdef01; give more digits of {} or {}\n",
                key("abcdef01"),
                key("abcdef0122")
            )
        );
        for name in ["abcdef0", "abcdef02", "com.x.none", "abcdefgh"] {
            let none = show(name);
            let why =
                format!("apkvouch: {file}: {name:?} is no package, certificate or subject of the registry\n");
            assert_eq!((none.code, none.err), (Some(2), why), "{name}");
        }
    }
    let revoke = run(&format!("registry revoke r.toml {} --reason x", key("9")));
    let why = format!("apkvouch: r.toml: key {} is not registered\n", key("9"));
    assert_eq!((revoke.code, revoke.err), (Some(2), why));
    // Whose status changes is named so, too, where that means one key.
    for file in ["r.toml", "r.db"] {
        for (arguments, whole) in [
            ("suspend FILE abcdef0100 --reason x", key("abcdef01")),
            ("activate FILE ABCDEF:01:00 --reason x", key("abcdef01")),
            ("rotate FILE abcdef0122 abcdef0100", key("abcdef0122")),
            ("revoke FILE bbbbbbbb --reason x --replaced-by abcdef0100", key("bbbbbbbb")),
        ] {
            let done = run(&format!("registry {}", arguments.replace("FILE", file)));
            assert_eq!((done.code, done.err.as_str()), (Some(0), ""), "{arguments}");
            assert!(done.out.contains(&format!("~ key {whole}\n")), "{}", done.out);
        }
        let before = fs::read(dir.path().join(file)).unwrap();
        for (arguments, why) in [
            (
                "revoke FILE abcdef01 --reason x",
                "several certificates begin with abcdef01; give more digits of",
            ),
            ("suspend FILE abcdef02 --reason x", "no certificate of the registry begins with abcdef02"),
            ("rotate FILE bbbbbbbb abcdef01", "several certificates begin with abcdef01"),
        ] {
            let refused = run(&format!("registry {}", arguments.replace("FILE", file)));
            assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""), "{arguments}");
            assert!(refused.err.starts_with(&format!("apkvouch: {file}: {why}")), "{}", refused.err);
        }
        let short = run(&format!("registry suspend {file} abcdef0 --reason x"));
        assert!(short.code == Some(2) && short.err.contains("its first 8 digits or more"), "{}", short.err);
        assert_eq!(fs::read(dir.path().join(file)).unwrap(), before);
    }
}

/// A text that would be refused once it stood in the registry is refused by the name of the option that gives it.
#[test]
fn an_empty_text_is_told_by_its_option_and_not_by_a_line_that_is_not_there() {
    let dir = dir_with(&[]);
    let run = |arguments: &[&str]| -> Run {
        Command::new(program()).current_dir(dir.path()).args(arguments).output().unwrap().into()
    };
    let key = "a".repeat(64);
    assert_eq!(run(&["registry", "init", "r.toml", "--id", "x"]).code, Some(0));
    for (arguments, option) in [
        (&["registry", "init", "n.toml", "--id", ""][..], "--id <ID>"),
        (&["registry", "add-subject", "r.toml", "", "--name", "A"], "<ID>"),
        (&["registry", "add-subject", "r.toml", "a", "--name", " "], "--name <NAME>"),
        (&["registry", "add-subject", "r.toml", "a", "--name", "A", "--contact", ""], "--contact <CONTACT>"),
        (&["registry", "add", "r.toml", &key, "--package", "", "--owner", "a"], "--package <PACKAGE>"),
        (&["registry", "deny", "r.toml", &key, "--why", "", "--source", "x"], "--why <WHY>"),
        (&["registry", "revoke", "r.toml", &key, "--reason", ""], "--reason <REASON>"),
        (&["registry", "rotate", "r.toml", &key, &key, "--reason", "\t"], "--reason <REASON>"),
    ] {
        let run = run(arguments);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{arguments:?}");
        let why = format!("for '{option}': expected a text that is not empty\n");
        assert!(run.err.contains(&why) && !run.err.contains("r.toml:"), "{arguments:?}: {}", run.err);
    }
    // What is cut off at the end of a line stands in the column behind it.
    fs::write(dir.path().join("i.json"), "[\n").unwrap();
    let import = run(&["registry", "import", "r.toml", "i.json", "--format", "assetlinks"]);
    assert!(import.err.starts_with("apkvouch: i.json:2:1: not of this format"), "{}", import.err);
    fs::write(dir.path().join("seen.json"), "").unwrap();
    let check = run(&["registry", "check", "r.toml", "--registry-state", "seen.json"]);
    assert!(check.err.starts_with("apkvouch: seen.json:1:1: expected the serials"), "{}", check.err);
}

#[test]
fn a_new_app_is_not_signed_by_another_developer_than_its_owner() {
    let dir = dir_with(&[]);
    let run = |arguments: &str| apkvouch(dir.path(), arguments);
    run("registry init r.toml --id x");
    run("registry add-subject r.toml acme --name Acme");
    run("registry add-subject r.toml shop --name Shop --role developer,distributor");
    let add = format!("registry add r.toml {} --package com.x.a --owner acme", "1".repeat(64));
    let refused = run(&format!("{add} --subject shop"));
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
    assert!(
        refused.err.starts_with(
            "apkvouch: r.toml: the keys of subject \"shop\" would sign com.x.a as its developer"
        ),
        "{}",
        refused.err
    );
    assert_eq!(run(&format!("{add} --subject shop --role distributor")).code, Some(0));
    let same = format!("registry add r.toml {} --package com.x.b --owner acme", "2".repeat(64));
    assert_eq!(run(&format!("{same} --subject acme")).code, Some(0));
}

#[test]
fn a_subject_that_is_registered_just_so_is_no_change() {
    let dir = tempfile::tempdir().unwrap();
    for registry in ["reg.toml", "reg.db"] {
        let run = |arguments: String| apkvouch(dir.path(), &arguments.replace("REG", registry));
        assert_eq!(run("registry init REG --id example".into()).code, Some(0));
        let add = "registry add-subject REG lake --name Lake --role developer";
        assert_eq!(run(add.into()).code, Some(0));
        let before = fs::read(dir.path().join(registry)).unwrap();
        let again = run(add.into());
        assert_eq!((again.code, again.out), (Some(0), format!("{registry}: nothing to change\n")));
        let other = run("registry add-subject REG lake --name Pond --role developer --contact a@b".into());
        assert_eq!(other.code, Some(2));
        let differs = "subject \"lake\" is registered already, and otherwise: name is \"Lake\", and not \"Pond\"; contact is \
                       none, and not \"a@b\"; nothing is replaced";
        assert!(other.err.contains(differs), "{}", other.err);
        assert_eq!(fs::read(dir.path().join(registry)).unwrap(), before);
    }
}

#[test]
fn signers_are_one_apk_or_fingerprints() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.apk"), good()).unwrap();
    fs::write(dir.path().join("b.apk"), good()).unwrap();
    fs::create_dir(dir.path().join("apks")).unwrap();
    assert_eq!(apkvouch(dir.path(), "registry init reg.toml --id example").code, Some(0));
    let add = |signers: &str| {
        let run = apkvouch(dir.path(), &format!("registry add reg.toml {signers} --owner lake"));
        assert_eq!(run.code, Some(2));
        run.err
    };
    let two = add("a.apk b.apk");
    assert_eq!(two, "apkvouch: a.apk: one APK at a time, and no fingerprints beside it\n");
    let folder = add("apks");
    assert_eq!(folder, "apkvouch: apks is a directory: `apkvouch registry learn` proposes from one\n");
    assert!(add("gone.apk").contains("there is no such file"));
}
