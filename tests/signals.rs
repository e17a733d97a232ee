//! Ctrl-C and SIGTERM: the program ends soon and in order, says how far it has come, and leaves nothing half done.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "test code: a step that cannot be done is to stop the test")]

use std::ffi::OsStr;
use std::fs;
use std::fs::File;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::io::Write as _;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;
use std::time::Instant;

use apkvouch::Registry;
use apkvouch::registry;
use apkvouch::registry::Change;
use apkvouch::registry::Needs;
use apkvouch::registry::Role;
use apkvouch::registry::SqliteWriter;
use apkvouch::registry::Subject;
use tempfile::TempDir;

use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Manifest;
use crate::builder::Signer;

/// What a shell says of a process that the signal has ended.
const SIGNALS: [(&str, i32, &str); 2] = [("INT", 130, "interrupted"), ("TERM", 143, "terminated")];

fn apk() -> Vec<u8> {
    let manifest = Manifest::new("com.example.app").min_sdk(24).target_sdk(30);
    Apk::new().manifest(manifest).v2(Signer::v2(&Key::named("ec-p256"))).build()
}

/// `program`, to which a signal does what it does to a program in the foreground, in whatever way the tests were started: a job in the
/// background ignores Ctrl-C, and so does all that it starts.
fn in_the_foreground(program: impl AsRef<OsStr>) -> Command {
    if cfg!(target_os = "linux") {
        let mut env = Command::new("env");
        env.args(["--default-signal=INT", "--default-signal=TERM"]).arg(program);
        return env;
    }
    Command::new(program)
}

fn start(dir: &Path, arguments: &str) -> Child {
    in_the_foreground(assert_cmd::cargo::cargo_bin!("apkvouch"))
        .current_dir(dir)
        .args(arguments.split(' '))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn send(signal: &str, pid: u32) {
    let kill = format!("kill -{signal} {pid}");
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// So many paths go into a list, more than fit into a pipe: when they are written, most are judged.
const PATHS: usize = 14_000;

/// Runs `arguments`, which read a list of paths, up to a signal in the middle of that list.
fn stopped(dir: &Path, arguments: &str, signal: &str) -> Output {
    ended(start(dir, arguments), arguments, signal)
}

/// The same of a process that runs.
fn ended(mut child: Child, arguments: &str, signal: &str) -> Output {
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let rows = std::thread::spawn(move || {
        let mut rows = Vec::new();
        stdout.read_to_end(&mut rows).map(|_| rows)
    });
    stdin.write_all("a.apk\n".repeat(PATHS).as_bytes()).unwrap();
    send(signal, child.id());
    let begun = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{arguments}");
    let output = Output { stdout: rows.join().unwrap().unwrap(), ..output };
    // It was open all the time: nothing but the signal has ended the list.
    drop(stdin);
    output
}

fn names(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A folder with a file that is quickly judged, and a registry.
fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.apk"), "none").unwrap();
    fs::write(dir.path().join("r.toml"), "schema = 1\nid = \"x\"\n").unwrap();
    dir
}

#[test]
fn a_signal_ends_what_is_under_way_and_says_how_far_it_came() {
    for (signal, code, word) in SIGNALS {
        for command in [
            "scan --files-from - --format jsonl --output json=o.json",
            "scan --files-from - --format jsonl --output json=o.json --db s.db",
            "gate --files-from - --format jsonl --output json=o.json --registry r.toml --unsigned-registry",
        ] {
            let dir = folder();
            let output = stopped(dir.path(), command, signal);
            let err = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(code), "{command}: {err}");
            let rows = String::from_utf8(output.stdout).unwrap().lines().count();
            assert!(0 < rows && rows < PATHS, "{command}: {rows} rows");
            let what = format!("apkvouch: {word}: {rows} files judged, {rows} ");
            assert!(err.starts_with(&what), "{command}: expected {what}, found {err}");
            assert!(err.contains("; what else there is was not looked at; o.json was not written"), "{err}");
            assert_eq!(err.contains("s.db keeps what was seen"), command.contains("--db"), "{err}");
            assert_eq!(err.lines().count(), 1, "{err}");
            let there = names(dir.path());
            assert!(!there.iter().any(|name| name.contains("o.json")), "{there:?}");
        }
    }
}

#[test]
fn without_a_signal_the_same_list_is_judged_to_its_end() {
    let dir = folder();
    let mut child = start(dir.path(), "scan --files-from - --quiet --output json=o.json");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all("a.apk\n".repeat(PATHS).as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.is_empty()), (Some(1), true));
    assert!(dir.path().join("o.json").exists());
}

#[test]
fn a_database_goes_on_from_where_a_signal_has_ended_the_scan() {
    let dir = tempfile::tempdir().unwrap();
    let files = dir.path().join("s");
    fs::create_dir(&files).unwrap();
    for number in 0..5000 {
        fs::write(files.join(format!("{number:04}.apk")), format!("{number}")).unwrap();
    }
    let run = |arguments: &str| start(dir.path(), arguments).wait_with_output().unwrap();
    let plain = run("scan s --format jsonl");
    let begun = Instant::now();
    run("scan s --quiet --db other.db");
    let whole = begun.elapsed();
    let mut ended = 0;
    for (round, (signal, code, _)) in (1..=8).zip(SIGNALS.iter().cycle()) {
        let child = start(dir.path(), "scan s --quiet --db s.db");
        sleep(whole.mul_f64(f64::from(round) / 10.0));
        send(signal, child.id());
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        // It may be over before, or the program not have begun yet.
        assert!(
            matches!(output.status.code(), None | Some(1)) || output.status.code() == Some(*code),
            "{err}"
        );
        ended += usize::from(output.status.code() == Some(*code));
        assert_eq!(err.contains("s.db keeps what was seen"), output.status.code() == Some(*code), "{err}");
    }
    assert!(ended > 0);
    let resumed = run("scan s --format jsonl --db s.db");
    assert_eq!(resumed.status.code(), Some(1));
    assert!(plain.stdout == resumed.stdout, "each file once, and the same of each");
}

/// As a shell starts what runs in the background, so that Ctrl-C does not end it.
#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_was_ignored_from_the_start_is_ignored() {
    let program = assert_cmd::cargo::cargo_bin!("apkvouch").display();
    for (ignored, (other, code, word)) in
        SIGNALS.iter().map(|(ignored, ..)| ignored).zip(SIGNALS.iter().rev())
    {
        let dir = folder();
        let command = format!("trap '' {ignored}; exec {program} scan --files-from - --format jsonl");
        let mut child = in_the_foreground("sh")
            .args(["-c", &command])
            .current_dir(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut rows = BufReader::new(child.stdout.take().unwrap()).lines();
        // The first rows come once their buffer is full.
        let enough = "a.apk\n".repeat(1_000);
        stdin.write_all(enough.as_bytes()).unwrap();
        rows.next().unwrap().unwrap();
        send(ignored, child.id());
        sleep(Duration::from_millis(500));
        stdin.write_all(enough.as_bytes()).unwrap();
        assert_eq!(
            rows.by_ref().take(1_000).map(Result::unwrap).count(),
            1_000,
            "it goes on after {ignored}"
        );
        send(other, child.id());
        rows.for_each(drop);
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(*code), "{err}");
        assert!(err.starts_with(&format!("apkvouch: {word}: ")), "{err}");
        drop(stdin);
    }
}

#[test]
fn a_report_that_could_not_be_written_is_told_although_something_else_ends_it() {
    let program = assert_cmd::cargo::cargo_bin!("apkvouch").display();
    // No file may have more than some kilobytes.
    let start_small = |dir: &Path, arguments: &str| {
        let command = format!("trap '' XFSZ; ulimit -f 8; exec {program} {arguments}");
        let mut sh = in_the_foreground("sh");
        sh.args(["-c", &command]).current_dir(dir);
        sh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let unwritten = "o.csv: cannot write: file too large";
    for (signal, code, word) in SIGNALS {
        let dir = folder();
        let arguments = "scan --files-from - --format jsonl --output csv=o.csv";
        let output = ended(start_small(dir.path(), arguments), arguments, signal);
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{err}");
        assert!(err.starts_with(&format!("apkvouch: {word}: ")) && err.contains(unwritten), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
    let dir = folder();
    fs::write(dir.path().join("late.apk"), "none").unwrap();
    fs::write(dir.path().join("list"), "a.apk\n".repeat(PATHS) + "late.apk\n").unwrap();
    let arguments = "scan --files-from list --format jsonl --output csv=o.csv --output csv=late.apk";
    let output = start_small(dir.path(), arguments).wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{err}");
    let [first, second] = err.lines().collect::<Vec<_>>()[..] else { panic!("{err}") };
    assert!(first.contains(unwritten) && second.contains("would overwrite this file"), "{err}");
}

/// An APK with so many zeros before its signing block that reading them takes long.
fn large(path: &Path) {
    const HOLE: u64 = 3_900_000_000;
    let bytes = apk();
    let end = bytes.len() - 22;
    let directory = u32::from_le_bytes(bytes.get(end + 16..end + 20).unwrap().try_into().unwrap());
    let directory = usize::try_from(directory).unwrap();
    let size = u64::from_le_bytes(bytes.get(directory - 24..directory - 16).unwrap().try_into().unwrap());
    let block = directory - 8 - usize::try_from(size).unwrap();
    let (entries, rest) = bytes.split_at(block);
    let mut rest = rest.to_vec();
    let moved = u32::try_from(directory as u64 + HOLE).unwrap();
    let at = rest.len() - 22 + 16;
    rest.splice(at..at + 4, moved.to_le_bytes());
    let mut file = File::create(path).unwrap();
    file.write_all(entries).unwrap();
    file.seek(SeekFrom::Current(i64::try_from(HOLE).unwrap())).unwrap();
    file.write_all(&rest).unwrap();
}

#[test]
fn nobody_waits_for_the_end_of_a_large_file() {
    let dir = tempfile::tempdir().unwrap();
    large(&dir.path().join("large.apk"));
    for (signal, code, word) in SIGNALS {
        let child = start(dir.path(), "verify large.apk");
        sleep(Duration::from_millis(500));
        send(signal, child.id());
        let begun = Instant::now();
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{err}");
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        assert_eq!(err, format!("apkvouch: {word}: 0 files judged; what else there is was not looked at\n"));
    }
}

#[test]
fn the_second_signal_ends_it_at_once() {
    for (signal, code, _) in SIGNALS {
        let dir = folder();
        let list = dir.path().join("list");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &list, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        // Opening it waits for somebody who writes, and nobody does.
        let mut child = start(dir.path(), "scan --files-from list --output json=o.json");
        sleep(Duration::from_millis(500));
        send(signal, child.id());
        sleep(Duration::from_millis(300));
        assert_eq!(child.try_wait().unwrap(), None);
        send(signal, child.id());
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert_eq!(names(dir.path()), ["a.apk", "list", "r.toml"]);
    }
}

/// On a terminal, which `script` gives it.
#[test]
fn the_progress_line_is_cleared_before_the_last_word() {
    if Command::new("script").arg("--version").output().is_err() {
        // Nothing gives the program a terminal here.
        return;
    }
    let dir = folder();
    large(&dir.path().join("large.apk"));
    let program = assert_cmd::cargo::cargo_bin!("apkvouch").display();
    let command = format!("sh -c 'echo $$ >pid; exec {program} scan a.apk large.apk >rows'");
    let child = in_the_foreground("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    sleep(Duration::from_millis(700));
    send("INT", fs::read_to_string(dir.path().join("pid")).unwrap().trim().parse().unwrap());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let shown = String::from_utf8(output.stdout).unwrap();
    let (before, last) = shown.split_once("apkvouch: interrupted: ").unwrap();
    assert!(before.contains(" files, "), "there was a line: {shown:?}");
    // Back to the first column, and the line erased.
    assert!(before.ends_with("\r\u{1b}[2K"), "{before:?}");
    assert!(last.ends_with("was not looked at\r\n") && last.lines().count() == 1, "{last:?}");
}

const NOW: &str = "2026-06-01T12:00:00Z";
/// So many there are before the first change, so that writing takes a while.
const SUBJECTS: usize = 1000;
const ROUNDS: u32 = 24;

/// Changes of the registry at `path`, each of which gets a signal after a while that grows: it was made, and said to be, or
/// it was not.
fn changed(path: &Path) {
    let dir = path.parent().unwrap();
    let file = path.file_name().unwrap().to_str().unwrap();
    let add = |id: &str| start(dir, &format!("registry add-subject {file} {id} --name New"));
    let begun = Instant::now();
    assert!(add(&format!("first-in-{}", file.replace('.', "-"))).wait().unwrap().success());
    let whole = begun.elapsed();
    let before = names(dir);
    let (mut old, mut told, mut new) = (0, 0, 0);
    for (round, (signal, code, word)) in (0..ROUNDS).zip(SIGNALS.iter().cycle()) {
        // The one was made from the other.
        let id = format!("new-in-{}-{round}", file.replace('.', "-"));
        let child = add(&id);
        sleep(whole.mul_f64(f64::from(round) * 1.2 / f64::from(ROUNDS)));
        send(signal, child.id());
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        let there = Registry::load(path).unwrap().subject(&id).is_some();
        match output.status.code() {
            Some(0) => new += 1,
            Some(found) => {
                assert_eq!(found, *code, "{err}");
                assert_eq!(err, format!("apkvouch: {word}: {file} is as it was\n"));
                told += 1;
                assert_eq!(names(dir), before);
            }
            // Before there was anything to keep whole.
            None => old += 1,
        }
        assert_eq!(there, output.status.code() == Some(0), "round {round}: {:?} {err}", output.status);
    }
    assert!(old + told > 0, "the signals came too late: {new} made");
    assert!(add(&format!("last-in-{}", file.replace('.', "-"))).wait().unwrap().success());
    assert_eq!(names(dir), before, "what the first ones left is cleared away");
}

#[test]
fn a_registry_is_changed_wholly_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("r.toml");
    registry::create(&text, "x", NOW.parse().unwrap(), "2099-12-31".parse().unwrap()).unwrap();
    let subject = |number| {
        let roles = [Role::Developer].into();
        Change::Subject(Subject::new(format!("before{number}"), "Somebody with a long name, Ltd", roles))
    };
    let many = (0..SUBJECTS).map(subject).collect();
    registry::update(&text, NOW.parse().unwrap(), &Needs::default(), |_| Ok(many)).unwrap();
    changed(&text);
    let path = folder.path().join("r.db");
    let registry = Registry::load(&text).unwrap();
    let mut writer = SqliteWriter::create(&path, registry.header()).unwrap();
    writer.all(&registry).unwrap();
    writer.finish().unwrap();
    changed(&path);
}

#[test]
fn a_file_that_takes_too_long_is_not_judged() {
    let dir = tempfile::tempdir().unwrap();
    large(&dir.path().join("large.apk"));
    fs::write(dir.path().join("small.apk"), apk()).unwrap();
    let output = start(dir.path(), "verify --timeout 1 small.apk large.apk").wait_with_output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    // A fast machine reads all of it within a second: then it does not verify.
    if output.status.code() == Some(3) {
        let line =
            "apkvouch: large.apk: not read within 1 s, which one file may take: --timeout gives it more\n";
        assert_eq!(err, line);
    } else {
        assert_eq!(output.status.code(), Some(1), "{err}");
    }
    assert!(out.contains("small.apk: verified"), "{out}");
}
