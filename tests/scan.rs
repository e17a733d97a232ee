//! Scans of many files: lists, globs, parts of a job, what is reported of it, and CSV.

#![expect(clippy::unwrap_used, reason = "test code: a step that cannot be done is to stop the test")]

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use apkvouch::Error;
use apkvouch::scan::ScanOptions;
use apkvouch::scan::Walk;
use apkvouch::scan::WalkOptions;
use apkvouch::scan::scan;
use serde_json::Value;
use tempfile::TempDir;

use crate::builder::Apk;
use crate::builder::Entry;
use crate::builder::Key;
use crate::builder::Manifest;
use crate::builder::Signer;
use crate::builder::manifest::Attribute;
use crate::builder::manifest::Value as ManifestValue;
use crate::make_testdata::containers::zip;

fn app() -> Apk {
    Apk::new().manifest(Manifest::new("com.example.app").min_sdk(24).target_sdk(30))
}

fn good() -> Vec<u8> {
    app().v2(Signer::v2(&Key::named("ec-p256"))).build()
}

fn bad() -> Vec<u8> {
    app().build()
}

fn dir_with(files: &[(&str, Vec<u8>)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    dir
}

/// The program with these bytes for its standard input.
fn apkvouch(dir: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("apkvouch"))
        .current_dir(dir)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // One who does not read to the end closes the pipe.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn rows(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn paths(output: &Output) -> Vec<String> {
    rows(output).iter().map(|row| row["path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_list_gives_one_row_for_each_path_in_its_order_whatever_stands_there() {
    let files = [("b.apk", good()), ("a\nx.apk", good()), ("bad.apk", bad()), ("text.txt", b"text".to_vec())];
    let dir = dir_with(&files);
    let mut list = vec!["b.apk", "gone.apk", "a\nx.apk", "text.txt", "", "b.apk", "bad.apk"];
    #[cfg(unix)]
    {
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let fifo = dir.path().join("fifo.apk");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        drop(std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap());
        list.extend(["fifo.apk", "socket", "/dev/null"]);
    }
    let input: Vec<u8> = list.iter().flat_map(|path| [path.as_bytes(), b"\0"].concat()).collect();
    let arguments = ["scan", "--files-from", "-", "-0", "--format", "jsonl", "--ordered"];
    let run = apkvouch(dir.path(), &arguments, &input);
    list.retain(|path| !path.is_empty());
    assert_eq!(paths(&run), list);
    assert_eq!(run.status.code(), Some(3));
    let rows = rows(&run);
    let status: Vec<&str> = rows.iter().map(|row| row["status"].as_str().unwrap()).collect();
    let known = ["verified", "unjudged", "verified", "malformed", "verified", "unsigned"];
    assert_eq!(status[..6], known);
    assert!(status[6..].iter().all(|status| *status == "unjudged"), "{status:?}");
    // The same as lines, from a file, behind what is named and with another number of threads.
    fs::write(dir.path().join("list"), "bad.apk\r\ntext.txt\n").unwrap();
    let arguments = ["scan", "b.apk", "--files-from", "list", "--jobs", "3", "--format", "jsonl"];
    let run = apkvouch(dir.path(), &arguments, b"");
    assert_eq!(paths(&run), ["b.apk", "bad.apk", "text.txt"]);
    assert_eq!(run.status.code(), Some(1));
}

#[test]
fn a_list_that_is_not_there_or_empty_is_no_success() {
    let dir = dir_with(&[("a.apk", good())]);
    let code = |arguments: &[&str]| apkvouch(dir.path(), arguments, b"").status.code();
    assert_eq!(code(&["scan", "--files-from", "gone"]), Some(3));
    assert_eq!(code(&["scan", "a.apk", "--files-from", "."]), Some(3), "a folder cannot be read");
    assert_eq!(code(&["scan", "--files-from", "-"]), Some(4));
    assert_eq!(code(&["scan", "a.apk", "--files-from", "-"]), Some(0));
    assert_eq!(code(&["scan", "-0", "a.apk"]), Some(2));
    assert_eq!(code(&["scan"]), Some(2));
    let gate = ["gate", "--signed-by", &"0".repeat(64), "--files-from", "-"];
    assert_eq!(code(&gate), Some(4));
}

#[test]
fn the_gate_judges_a_list_too() {
    let dir = dir_with(&[("a.apk", good()), ("b.apk", bad()), ("c.apk", good())]);
    let signer = "a4a441b109e54170b8754b4544840e494701870c19a1d24a37ef7368c9634192";
    let arguments = ["gate", "--signed-by", signer, "--files-from", "-", "--format", "jsonl"];
    let run = apkvouch(dir.path(), &arguments, b"a.apk\nc.apk\n");
    assert_eq!((run.status.code(), paths(&run)), (Some(0), vec!["a.apk".to_owned(), "c.apk".to_owned()]));
    assert_eq!(apkvouch(dir.path(), &arguments, b"a.apk\nb.apk\n").status.code(), Some(1));
    assert_eq!(apkvouch(dir.path(), &arguments, b"a.apk\n.\n").status.code(), Some(3));
}

#[test]
fn only_what_is_bad_is_reported_and_everything_counted() {
    let dir = dir_with(&[("a.apk", good()), ("b.apk", bad()), ("c.apk", good())]);
    #[cfg(unix)]
    std::os::unix::fs::symlink("a.apk", dir.path().join("link.apk")).unwrap();
    let run = apkvouch(dir.path(), &["scan", "--only-bad", "--format", "json", ".", "gone"], b"");
    let document: Value = serde_json::from_slice(&run.stdout).unwrap();
    let listed: Vec<&Value> =
        document["files"].as_array().unwrap().iter().map(|file| &file["path"]).collect();
    assert_eq!(listed, ["./b.apk", "gone"]);
    assert_eq!(document["summary"]["judged"], 3);
    assert_eq!(document["summary"]["passed"], 2);
    assert_eq!(run.status.code(), Some(3));
    let run = apkvouch(dir.path(), &["scan", "--only-bad", "--format", "json", "a.apk"], b"");
    let document: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((document["files"].as_array().unwrap().len(), run.status.code()), (0, Some(0)));
}

#[test]
fn what_a_policy_would_have_failed_is_bad_though_it_is_not_enforced() {
    let dir = dir_with(&[("a.apk", good()), ("b.apk", bad())]);
    fs::write(dir.path().join("policy.toml"), "schema = 1\nlevel = \"audit\"\n").unwrap();
    let arguments = ["scan", "--only-bad", "--policy", "policy.toml", "--format", "jsonl", "."];
    let run = apkvouch(dir.path(), &arguments, b"");
    assert!(paths(&run).contains(&"./b.apk".to_owned()), "{run:?}");
    assert_eq!(run.status.code(), Some(0));
}

#[test]
fn parts_of_a_job_are_together_the_whole_scan() {
    let names: Vec<String> = (0..60).map(|number| format!("s/{number}.apk")).collect();
    let files: Vec<(&str, Vec<u8>)> = names.iter().map(|name| (name.as_str(), bad())).collect();
    let dir = dir_with(&files);
    let mut seen = Vec::new();
    for part in ["0/3", "1/3", "2/3"] {
        let run = apkvouch(dir.path(), &["scan", "--format", "jsonl", "--shard", part, "s"], b"");
        let rows = paths(&run);
        assert!(rows.len() > 8, "{part}: {}", rows.len());
        // The same path is in the same part however it came to us.
        let list = rows.join("\n");
        let arguments = ["scan", "--format", "jsonl", "--shard", part, "--files-from", "-"];
        assert_eq!(paths(&apkvouch(dir.path(), &arguments, list.as_bytes())), rows);
        seen.extend(rows);
    }
    assert_eq!(seen.len(), 60);
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), names.into_iter().collect());
    let run = apkvouch(dir.path(), &["scan", "--shard", "3/3", "s"], b"");
    assert_eq!(run.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&run.stderr).contains("the first is 0/3 and the last 2/3"), "{run:?}");
}

#[test]
fn globs_are_for_what_is_in_folders() {
    let dir = dir_with(&[("s/a.apk", bad()), ("s/old/b.apk", bad()), ("s/c.apk", bad())]);
    let scan = |more: &[&str]| {
        let arguments = [&["scan", "--format", "jsonl", "s"], more].concat();
        paths(&apkvouch(dir.path(), &arguments, b"s/old/b.apk\n"))
    };
    assert_eq!(scan(&["--exclude", "old", "--exclude", "c.*"]), ["s/a.apk"]);
    assert_eq!(scan(&["--include", "[ab].apk", "--exclude", "/a.apk"]), ["s/old/b.apk"]);
    assert_eq!(scan(&["--include", "c.apk", "--files-from", "-"]), ["s/c.apk", "s/old/b.apk"]);
    let run = apkvouch(dir.path(), &["scan", "--include", "a[", "s"], b"");
    assert_eq!(run.status.code(), Some(2), "{run:?}");
    assert!(String::from_utf8_lossy(&run.stderr).starts_with("apkvouch: not a glob: "), "{run:?}");
}

/// The cells of CSV, by RFC 4180.
fn cells(text: &str) -> Vec<Vec<String>> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let inner = line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).unwrap();
        lines.push(inner.split("\",\"").map(|cell| cell.replace("\"\"", "\"")).collect());
    }
    lines
}

#[test]
fn csv_has_a_line_a_file_and_no_formula() {
    let names =
        ["=cmd|' !A0.apk", "+1.apk", "-2.apk", "@x.apk", "a;=1.apk", "\u{1b}[2J\n\u{202e}.apk", "银行.apk"];
    let files: Vec<(&str, Vec<u8>)> = names.iter().map(|name| (*name, bad())).collect();
    let dir = dir_with(&files);
    fs::write(dir.path().join("z.apk"), good()).unwrap();
    let mut arguments = vec!["scan", "--format", "csv", "--"];
    arguments.extend(names);
    arguments.extend(["z.apk", "gone.apk"]);
    let run = apkvouch(dir.path(), &arguments, b"");
    assert_eq!(run.status.code(), Some(3));
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    let lines = cells(&text);
    assert_eq!(lines.len(), 1 + names.len() + 2);
    assert!(lines.iter().all(|line| line.len() == lines[0].len()), "{text}");
    let column = |name: &str| lines[0].iter().position(|column| column == name).unwrap();
    let of = |line: usize, name: &str| lines[line][column(name)].clone();
    let shown: Vec<String> = (1..=7).map(|line| of(line, "path")).collect();
    assert_eq!(
        shown,
        [
            "'=cmd|' !A0.apk",
            "'+1.apk",
            "'-2.apk",
            "'@x.apk",
            "a;'=1.apk",
            "\\x1b[2J\\n\\u{202e}.apk",
            "银行.apk"
        ]
    );
    assert_eq!((of(1, "outcome"), of(1, "passed")), ("unsigned".to_owned(), "false".to_owned()));
    assert_eq!((of(1, "claimed_package"), of(1, "package")), ("com.example.app".to_owned(), String::new()));
    assert_eq!((of(8, "passed"), of(8, "package")), ("true".to_owned(), "com.example.app".to_owned()));
    assert!(of(8, "signers").starts_with("a4a441b1"), "{text}");
    assert_eq!(
        (of(9, "outcome"), of(9, "error")),
        ("error".to_owned(), "cannot open: no such file or directory".to_owned())
    );
    // Nothing at all still has its columns.
    let run = apkvouch(dir.path(), &["scan", "--format", "csv", "--files-from", "-"], b"");
    assert_eq!(cells(&String::from_utf8(run.stdout).unwrap()), [lines[0].clone()]);
}

/// A part of an app, or its base where there is no name, that says of no Android version where `sdk` is not given.
fn part(version: u32, split: Option<&'static str>, sdk: bool, key: &str) -> Vec<u8> {
    let manifest = Manifest::new("com.example.app").version(version, "1").tree(move |root| {
        if let Some(split) = split {
            root.attributes.push(Attribute {
                name: "split".to_owned(),
                resource: None,
                value: ManifestValue::from(split),
            });
        }
    });
    let manifest = if sdk { manifest } else { manifest.no_uses_sdk() };
    Apk::new().manifest(manifest).v2(Signer::v2(&Key::named(key))).build()
}

#[test]
fn a_part_in_a_folder_is_held_against_the_base_beside_it() {
    let dir = dir_with(&[
        ("fine/base.apk", part(1, None, true, "ec-p256")),
        ("fine/split_de.apk", part(1, Some("config.de"), true, "ec-p256")),
        ("fine/split_fr.apk", part(1, Some("config.fr"), false, "ec-p256")),
        ("alone/split_de.apk", part(1, Some("config.de"), true, "ec-p256")),
        ("alone/split_fr.apk", part(1, Some("config.fr"), false, "ec-p256")),
        ("foreign/a_split.apk", part(1, Some("config.de"), true, "ec-p256-2")),
        ("foreign/base.apk", part(1, None, true, "ec-p256")),
        ("version/base.apk", part(2, None, true, "ec-p256")),
        ("version/split_de.apk", part(1, Some("config.de"), true, "ec-p256")),
        // A stranger's files beside an honest app say nothing of it, though they are the first by name.
        ("crowd/0.apk", part(1, None, true, "ec-p256-2")),
        (
            "crowd/1.apk",
            Apk::new().manifest(Manifest::new("com.example.app").min_sdk(24).version(1, "1")).build(),
        ),
        ("crowd/base.apk", part(1, None, true, "ec-p256")),
        ("crowd/split_de.apk", part(1, Some("config.de"), true, "ec-p256")),
        ("crowd/split_fr.apk", part(1, Some("config.fr"), false, "ec-p256")),
        ("broken/base.apk", b"no APK".to_vec()),
        ("broken/split_de.apk", part(1, Some("config.de"), true, "ec-p256")),
    ]);
    let run = apkvouch(dir.path(), &["scan", "--format", "jsonl", "."], b"");
    let told = |row: &Value| {
        let findings = row["findings"].as_array().unwrap();
        let codes =
            findings.iter().filter(|finding| finding["severity"] != "note" || finding["code"] == "split-apk");
        let codes: Vec<&str> = codes.map(|finding| finding["code"].as_str().unwrap()).collect();
        format!("{} {} {}", row["path"].as_str().unwrap(), row["verdict"].as_str().unwrap(), codes.join(" "))
    };
    let told: Vec<String> = rows(&run).iter().map(told).collect();
    assert_eq!(
        told,
        [
            "./alone/split_de.apk unauthenticated split-apk",
            "./alone/split_fr.apk tampered split-apk v1-no-manifest",
            "./broken/base.apk unreadable zip-no-eocd",
            "./broken/split_de.apk unauthenticated split-apk",
            "./crowd/0.apk unauthenticated ",
            "./crowd/1.apk unsigned v1-no-manifest",
            "./crowd/base.apk unauthenticated ",
            "./crowd/split_de.apk unauthenticated split-apk",
            "./crowd/split_fr.apk unauthenticated split-apk",
            "./fine/base.apk unauthenticated ",
            "./fine/split_de.apk unauthenticated split-apk",
            "./fine/split_fr.apk unauthenticated split-apk",
            "./foreign/a_split.apk unauthenticated split-apk split-signer",
            "./foreign/base.apk unauthenticated ",
            "./version/base.apk unauthenticated ",
            "./version/split_de.apk unauthenticated split-apk split-version",
        ]
    );
    let rows = rows(&run);
    let finding = |path: &str, code: &str| {
        let row = rows.iter().find(|row| row["path"] == path).unwrap();
        row["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == code).unwrap().clone()
    };
    let signer = finding("./foreign/a_split.apk", "split-signer");
    assert_eq!(signer["expected"], Key::named("ec-p256").certificate_digest());
    assert_eq!(signer["actual"], Key::named("ec-p256-2").certificate_digest());
    let version = finding("./version/split_de.apk", "split-version");
    assert_eq!((&version["expected"], &version["actual"]), (&"2".into(), &"1".into()));
    let alone = finding("./alone/split_de.apk", "split-apk");
    assert!(alone["message"].as_str().unwrap().ends_with("config.de; its base is not beside it"), "{alone}");
    // In a part of the job, or from a list, a file gets the same answer.
    for path in ["foreign/a_split.apk", "fine/split_fr.apk"] {
        let run = apkvouch(dir.path(), &["scan", "--format", "jsonl", "--files-from", "-"], path.as_bytes());
        let path = format!("./{path}");
        let row = rows.iter().find(|row| row["path"] == *path).unwrap();
        assert_eq!(self::rows(&run)[0]["verdict"], row["verdict"]);
    }
    // One file by itself is what it is.
    let run = apkvouch(dir.path(), &["verify", "foreign/a_split.apk"], b"");
    assert_eq!(run.status.code(), Some(0));
}

#[test]
fn in_a_crowd_nobody_looks_for_a_base() {
    let names: Vec<String> = (0..1000).map(|number| format!("s/{number}.txt")).collect();
    let mut files: Vec<(&str, Vec<u8>)> = names.iter().map(|name| (name.as_str(), Vec::new())).collect();
    files.push(("s/a.apk", part(1, Some("config.de"), true, "ec-p256-2")));
    let dir = dir_with(&files);
    let message = || {
        let run = apkvouch(dir.path(), &["scan", "--format", "jsonl", "s"], b"");
        rows(&run)[0]["findings"][0]["message"].as_str().unwrap().to_owned()
    };
    assert!(message().ends_with("too many files are beside it to look for its base"), "{}", message());
    fs::remove_file(dir.path().join("s/0.txt")).unwrap();
    assert!(message().ends_with("its base is not beside it"), "{}", message());
}

#[test]
fn what_is_known_of_a_part_is_not_known_by_its_file_alone() {
    let dir = dir_with(&[
        ("base.apk", part(1, None, true, "ec-p256")),
        ("split_de.apk", part(1, Some("config.de"), true, "ec-p256")),
    ]);
    let mut options = ScanOptions::default();
    for (beside, expected) in [(true, [true, false]), (false, [true, true])] {
        options.bases_beside = beside;
        let mut known = Vec::new();
        let walk = Walk::new(vec![dir.path().to_owned()], WalkOptions::default());
        scan(walk, &options, |row| {
            known.push(row.identity.is_some());
            Ok::<_, Error>(())
        })
        .unwrap();
        assert_eq!(known, expected);
    }
}

/// In a directory, an archive is counted and not judged only when there is certainly no APK in it.
#[test]
fn an_archive_that_may_hold_an_apk_is_not_passed_over() {
    let photos = zip(&[Entry::stored("photo.jpg", b"jpeg")]);
    let holding = zip(&[Entry::stored("app.apk", &good())]);
    let behind = [holding.clone(), vec![b'x'; 70_000]].concat();
    let dir = dir_with(&[
        ("app.zip", good()),
        ("behind.zip", behind),
        ("cut.zip", holding[..holding.len() - 30].to_vec()),
        ("holding.zip", holding),
        ("photos.zip", photos),
        ("text.zip", b"no archive".to_vec()),
    ]);
    let run = apkvouch(dir.path(), &["scan", ".", "--format", "json"], b"");
    let report: Value = serde_json::from_slice(&run.stdout).unwrap();
    let rows: Vec<(&str, &str)> = report["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["path"].as_str().unwrap(), row["status"].as_str().unwrap()))
        .collect();
    assert_eq!(
        rows,
        [
            ("./app.zip", "verified"),
            ("./behind.zip", "malformed"),
            ("./cut.zip", "malformed"),
            ("./holding.zip", "verified")
        ]
    );
    assert_eq!(report["summary"]["not_apk"], 2);
    assert_eq!(run.status.code(), Some(1));
}

/// The exit status tells, and what goes to files; what cannot be read is told all the same.
#[test]
fn a_quiet_scan_writes_nothing_to_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("out.json");
    let (file, db) = (format!("json={}", json.display()), folder.path().join("scans.db"));
    let store = "testdata/demo/store";
    let run = |more: &[&str]| {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("apkvouch"));
        let output = command.args([&["scan", store], more].concat()).output().unwrap();
        (output.status.code(), output.stdout, String::from_utf8(output.stderr).unwrap())
    };
    let loud = run(&[]);
    assert!(loud.0 == Some(1) && !loud.1.is_empty());
    assert_eq!(run(&["-q"]), (Some(1), Vec::new(), String::new()));
    let db = ["--db", db.to_str().unwrap()];
    for _ in 0..2 {
        assert_eq!(run(&[&["--quiet"], &db[..]].concat()), (Some(1), Vec::new(), String::new()));
    }
    assert_eq!(run(&["-q", "--output", &file]), (Some(1), Vec::new(), String::new()));
    assert!(fs::read_to_string(&json).unwrap().contains("\"exit_code\": 1"));
    let gone = run(&["-q", "gone.apk"]);
    assert!(gone.0 == Some(3) && gone.1.is_empty() && gone.2.contains("gone.apk"), "{}", gone.2);
    // What is not enforced is said aloud.
    let audited = run(&["-q", "--policy", "testdata/policy/store.toml"]);
    assert!(audited.1.is_empty() && audited.2.contains("POLICY NOT ENFORCED"), "{}", audited.2);
    assert_eq!(run(&["-q", "--format", "json"]).0, Some(2), "one or the other");
}

#[test]
fn a_file_that_is_found_by_two_paths_of_the_scan_stands_there_once() {
    let dir = dir_with(&[("store/games/a.apk", good()), ("store/b.apk", bad())]);
    let scan = |paths: &[&str]| {
        let arguments = [&["scan", "--db", "db"], paths].concat();
        assert_eq!(apkvouch(dir.path(), &arguments, b"").status.code(), Some(1));
        let whole = apkvouch(dir.path(), &["report", "--db", "db", "--whole"], b"");
        String::from_utf8(whole.stdout).unwrap()
    };
    let text = scan(&["store", "store/games"]);
    assert!(text.starts_with("scan 1: 1 file of 1 package by 1 signer\n"), "{text}");
    assert!(text.contains("stand there more than once: 0\n"), "{text}");
    assert!(text.contains("  1 package, 1 file\n"), "{text}");
    // Another file with the same in it is one too many.
    fs::copy(dir.path().join("store/b.apk"), dir.path().join("store/c.apk")).unwrap();
    let text = scan(&["store", "store/games"]);
    assert!(
        text.contains("more than once: 1; keep one of each\n  2 times: store/b.apk, store/c.apk\n"),
        "{text}"
    );
}

#[test]
fn by_which_rules_files_failed_is_told_below_the_table_and_of_containers() {
    let store = zip(&[Entry::stored("base.apk", &good())]);
    let policy = b"schema = 1\n[signature]\nmin_scheme = \"v3\"\n".to_vec();
    let dir = dir_with(&[("store/a.apk", good()), ("policy.toml", policy), ("two/a.apk", good())]);
    let scan = |path: &str| {
        let run = apkvouch(dir.path(), &["scan", "--policy", "policy.toml", path], b"");
        assert_eq!(run.status.code(), Some(1));
        String::from_utf8(run.stdout).unwrap()
    };
    let text = scan("store");
    assert!(
        text.contains("\n1 file judged: 1 unauthenticated\n1 failed: by verdict, min-scheme\n"),
        "{text}"
    );
    fs::write(dir.path().join("two/b.apks"), store).unwrap();
    let text = scan("two");
    assert!(text.contains("\n2 failed: 2 by verdict, 2 by min-scheme\n"), "{text}");
    assert!(text.contains("did not pass: unauthenticated, and breaks verdict, min-scheme"), "{text}");
}
