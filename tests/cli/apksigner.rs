//! In the place of `apksigner`.

use std::process::Command;

use super::Run;
use super::apkvouch;
use super::dir_with;
use super::good;
use super::idsig;
use super::program;
use super::rotated;
use super::tampered;
use crate::builder::Key;
use crate::builder::Lineage;

#[test]
fn apksigner_looks_only_at_the_v4_signature_file_that_is_named_and_passes_one_that_does_not_verify() {
    let mut changed = idsig("ec-p256");
    *changed.last_mut().unwrap() ^= 1;
    let dir = dir_with(&[
        ("a.apk", good()),
        ("a.apk.idsig", idsig("ec-p256-2")),
        ("right", idsig("ec-p256")),
        ("changed", changed),
        ("empty", Vec::new()),
    ]);
    let verify = |options: &str| {
        let run = apkvouch(dir.path(), &format!("verify --compat apksigner -v {options} a.apk"));
        let line = run.out.lines().find(|line| line.contains("v4 scheme")).unwrap_or_default();
        (run.code.unwrap(), line.ends_with("true"), run.err)
    };
    assert_eq!(verify(""), (0, false, String::new()));
    assert_eq!(verify("--v4-signature-file right"), (0, true, String::new()));
    assert_eq!(verify("--v4-signature-file=changed"), (0, false, String::new()));
    let (code, _, err) = verify("--v4-signature-file a.apk.idsig");
    assert_eq!(code, 1);
    assert!(err.starts_with("DOES NOT VERIFY\nERROR: the v4 signer is not the signer of the APK"), "{err}");
    let empty = (1, false, "ERROR: the v4 signature file is empty\n".to_owned());
    assert_eq!(verify("--v4-signature-file empty"), empty);
    let (code, _, err) = verify("--v4-signature-file gone");
    assert_eq!(code, 1);
    assert!(err.starts_with("V4 signature file does not exist: /") && err.ends_with("/gone\n"), "{err}");
    let run =
        apkvouch(dir.path(), "verify --compat apksigner -v --max-sdk-version 23 --min-sdk-version 21 a.apk");
    assert_eq!(run.code, Some(1), "without v1 there is nothing for Android 6: {}", run.out);
}

#[test]
fn apksigner_shows_lineages_of_files_and_of_apks_that_verify() {
    let lineage = Lineage::from(&Key::named("ec-p256")).to(&Key::named("ec-p256-2")).file();
    let mut cut = lineage.clone();
    cut.truncate(200);
    let mut tampered = rotated();
    let place = tampered.windows(10).position(|window| window == b"not really").unwrap();
    tampered[place] ^= 1;
    let dir = dir_with(&[
        ("lineage", lineage),
        ("cut", cut),
        ("rotated.apk", rotated()),
        ("tampered.apk", tampered),
        ("good.apk", good()),
        ("text", b"some text".to_vec()),
    ]);
    let show = |arguments: &str| apkvouch(dir.path(), &format!("--compat apksigner lineage {arguments}"));
    let file = show("--in lineage --print-certs");
    assert_eq!((file.code, file.err.as_str()), (Some(0), ""));
    assert_eq!(file.out.matches(" in lineage certificate SHA-256 digest: ").count(), 2, "{}", file.out);
    assert!(
        file.out.contains("\nHas rollback capability      : false\nHas auth capability          : true\n")
    );
    assert_eq!(show("--print-certs --in rotated.apk").out, file.out, "the same lineage");
    let quiet = show("--in lineage");
    assert_eq!((quiet.code, quiet.out.as_str(), quiet.err.as_str()), (Some(0), "", ""));
    assert!(show("").out.starts_with("Usage: apksigner lineage"));
    for (arguments, line) in [
        ("-v", "Input lineage file parameter not present\n"),
        ("--in text", "The input file is not a valid lineage file.\n"),
        ("--in gone", "gone: cannot open: no such file or directory\n"),
        ("--in good.apk", "The provided APK does not contain a valid V3 nor V3.1 signature block.\n"),
        ("--in lineage --out x", "apkvouch does not change lineages: use Android's own apksigner\n"),
        ("--bogus", "Unsupported option: --bogus. See --help for supported options.\n"),
    ] {
        let run = show(arguments);
        assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (Some(1), "", line), "{arguments}");
    }
    for (arguments, part) in [
        ("--in cut --print-certs", "cut: the lineage is malformed: lineage"),
        ("--in tampered.apk --print-certs", "tampered.apk: does not verify, so its lineage proves nothing: "),
    ] {
        let run = show(arguments);
        assert_eq!((run.code, run.out.as_str()), (Some(1), ""), "{arguments}");
        assert!(run.err.starts_with(part), "{}", run.err);
    }
}

#[cfg(unix)]
#[test]
fn answers_as_apksigner_under_that_name() {
    let dir = dir_with(&[("good.apk", good()), ("tampered.apk", tampered()), ("text.apk", b"text".to_vec())]);
    let name = dir.path().join("apksigner");
    std::os::unix::fs::symlink(program(), &name).unwrap();
    let apksigner = |arguments: &str| -> Run {
        let arguments = arguments.split(' ').filter(|argument| !argument.is_empty());
        Command::new(&name).current_dir(dir.path()).args(arguments).output().unwrap().into()
    };
    let run = apksigner("--version");
    assert_eq!((run.code, run.out.as_str()), (Some(0), "0.9\n"));
    assert_eq!(apksigner("").code, Some(0));
    assert_eq!(apksigner("verify").code, Some(0));
    let run = apksigner("verify good.apk");
    assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (Some(0), "", ""));
    let run = apksigner("verify -v -print-certs good.apk");
    assert!(run.out.starts_with("Verifies\nVerified using v1 scheme (JAR signing): false\n"), "{}", run.out);
    assert!(run.out.contains("\nNumber of signers: 1\nSigner #1 certificate DN: "), "{}", run.out);
    let run = apksigner("verify tampered.apk");
    assert_eq!((run.code, run.out.as_str()), (Some(1), ""));
    assert!(
        run.err.starts_with("DOES NOT VERIFY\nERROR: APK Signature Scheme v2 signer #1: "),
        "{}",
        run.err
    );
    for (arguments, line) in [
        ("frob", "Unsupported command: frob. See --help for supported commands\n"),
        ("verify -v", "Missing APK\n"),
        ("verify good.apk -v", "Unexpected parameter(s) after APK (-v)\n"),
        ("verify gone.apk", "ERROR: gone.apk: cannot open: no such file or directory\n"),
        ("verify .", "ERROR: .: cannot open: is a directory, not a regular file\n"),
        (
            "verify text.apk",
            "ERROR: not a ZIP archive: no end-of-central-directory record: it is a text file\n",
        ),
    ] {
        let run = apksigner(arguments);
        assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (Some(1), "", line), "{arguments}");
    }
}

#[test]
fn compat_picks_the_generation() {
    let dir = dir_with(&[("good.apk", good())]);
    let labels = |generation: &str| {
        let run = apkvouch(dir.path(), &format!("verify --compat {generation} -v --print-certs good.apk"));
        assert_eq!(run.code, Some(0), "{}", run.err);
        let with = |text: &str| run.out.contains(text);
        (with("v3.1 scheme"), with("v3.2 scheme"), with("V2 Signer: certificate DN: "))
    };
    assert_eq!(labels("apksigner=31"), (false, false, false));
    assert_eq!(labels("apksigner"), (true, false, false));
    assert_eq!(labels("apksigner=37"), (true, true, true));
}
