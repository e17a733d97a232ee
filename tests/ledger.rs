//! The database of scans: what it remembers is what a scan without it sees, or it is not believed.

#![expect(clippy::unwrap_used, reason = "test code: a step that cannot be done is to stop the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Instant;

use apkvouch::Error;
use apkvouch::ledger::AlikeApp;
use apkvouch::ledger::FileRecord;
use apkvouch::ledger::Ledger;
use apkvouch::marks::MarkOptions;
use apkvouch::scan::Outcome;
use apkvouch::scan::ScanOptions;
use apkvouch::scan::V4SignatureFile;
use apkvouch::scan::Walk;
use apkvouch::scan::WalkOptions;
use apkvouch::scan::scan;
use jiff::Timestamp;
use tempfile::TempDir;

use crate::appearance::png;
use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Manifest;
use crate::builder::Resources;
use crate::builder::Signer;
use crate::builder::manifest::Element;
use crate::builder::manifest::Value;
use crate::builder::manifest::attr;
use crate::builder::resources::Config;
use crate::builder::resources::id;

const REGISTRY: &str = "testdata/demo/registry.toml";
/// Some findings say for which time they hold.
const AT: &str = "2026-11-01";
const POLICY: &str = "testdata/policy/store.toml";

struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("apkvouch"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn apkvouch(arguments: &[&str]) -> Run {
    let output = command(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// What a report says, without its time and the command.
fn said(run: &Run) -> Vec<&str> {
    run.out.lines().filter(|line| !line.contains("\"decided_at\"") && !line.contains("\"command\"")).collect()
}

fn app(package: &str, key: &str) -> Vec<u8> {
    app_of_version(package, key, 7)
}

fn app_of_version(package: &str, key: &str, version: u32) -> Vec<u8> {
    let manifest = Manifest::new(package).min_sdk(24).target_sdk(30).version(version, "x");
    Apk::new().manifest(manifest).v2(Signer::v2(&Key::named(key))).build()
}

/// A folder of three apps, and a place for a database.
struct Shop {
    folder: TempDir,
}

impl Shop {
    fn new() -> Self {
        let shop = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(shop.store()).unwrap();
        for (name, key) in [("one", "ec-p256"), ("two", "ec-p256-2"), ("three", "ec-p384")] {
            fs::write(shop.apk(name), app(&format!("com.example.{name}"), key)).unwrap();
        }
        shop
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    fn apk(&self, name: &str) -> PathBuf {
        self.store().join(format!("{name}.apk"))
    }

    fn db(&self) -> PathBuf {
        self.folder.path().join("scans.db")
    }

    /// The files of the last scan that verify, by name.
    fn verified(&self) -> Vec<String> {
        let ledger = Ledger::open_to_read(self.db()).unwrap();
        let mut verified = Vec::new();
        ledger
            .each(&ledger.scan(None).unwrap(), |row| {
                if let Outcome::Judged { verification, .. } = &row.outcome
                    && verification.is_verified()
                {
                    verified.push(row.path.file_stem().unwrap().to_str().unwrap().to_owned());
                }
                Ok::<(), Error>(())
            })
            .unwrap();
        verified
    }

    /// Scans at a time at which all files are old, and tells which were read, by name.
    fn read(&self, options: &ScanOptions<'_>, later: i64) -> Vec<String> {
        let now = Timestamp::now().checked_add(jiff::SignedDuration::from_secs(later)).unwrap();
        let ledger = Ledger::open(self.db(), options, now).unwrap();
        let mut options = options.clone();
        options.known = Some(&ledger);
        let mut recording = ledger.begin(now, None, None).unwrap();
        let mut read = Vec::new();
        scan(Walk::new(vec![self.store()], WalkOptions::default()), &options, |row| {
            if row.known.is_none() {
                read.push(row.path.file_stem().unwrap().to_str().unwrap().to_owned());
            }
            recording.add(&FileRecord::new(&row), None, true)
        })
        .unwrap();
        recording.end(now, 0).unwrap();
        read
    }
}

fn all() -> ScanOptions<'static> {
    let mut options = ScanOptions::default();
    options.marks = Some(MarkOptions::default());
    options.file_digest = true;
    options
}

const LATER: i64 = 3600;

#[test]
fn what_has_not_changed_is_not_read_again() {
    let shop = Shop::new();
    let everything = ["one", "three", "two"];
    assert_eq!(shop.read(&all(), LATER), everything);
    assert_eq!(shop.read(&all(), LATER), [""; 0]);
    // Another inode, another size, another time.
    fs::write(shop.apk("four"), app("com.example.four", "ec-p256")).unwrap();
    assert_eq!(shop.read(&all(), LATER), ["four"]);
    fs::write(shop.apk("one"), app("com.example.one.other", "ec-p256")).unwrap();
    assert_eq!(shop.read(&all(), LATER), ["one"]);
    // Rewritten in place, with its size and its time of modification as they were.
    let modified = fs::metadata(shop.apk("two")).unwrap().modified().unwrap();
    let file = fs::OpenOptions::new().write(true).open(shop.apk("two")).unwrap();
    fs::write(shop.apk("two"), app("com.example.six", "ec-p256-2")).unwrap();
    file.set_modified(modified).unwrap();
    assert_eq!(shop.read(&all(), LATER), ["two"]);
    // Replaced by another, and renamed.
    fs::rename(shop.apk("four"), shop.apk("three")).unwrap();
    assert_eq!(shop.read(&all(), LATER).len(), 1);
    assert_eq!(shop.read(&all(), LATER), [""; 0]);
}

/// What was changed within a tick of the clock may change once more and look the same.
#[test]
fn what_has_just_changed_is_read_again() {
    let shop = Shop::new();
    assert_eq!(shop.read(&all(), 0).len(), 3);
    assert_eq!(shop.read(&all(), 0).len(), 3);
    assert_eq!(shop.read(&all(), LATER).len(), 3, "seen when it was new");
    assert_eq!(shop.read(&all(), LATER).len(), 0);
}

#[test]
fn evidence_holds_for_its_options_alone() {
    let shop = Shop::new();
    assert_eq!(shop.read(&all(), LATER).len(), 3);
    let mut others = vec![all(), all(), all(), all(), all(), all()];
    others[0].verify.min_sdk = Some(28);
    others[1].verify.limits.resource_lookups = 1;
    others[2].marks = None;
    others[3].file_digest = false;
    others[4].v4_signature_file = V4SignatureFile::Ignored;
    others[5].bases_beside = true;
    for other in &others {
        assert_eq!(shop.read(other, LATER).len(), 3);
        assert_eq!(shop.read(other, LATER).len(), 0);
    }
    let mut threads = all();
    threads.jobs = Some(1);
    assert_eq!(shop.read(&threads, LATER).len(), 0, "the same for any number of threads");
}

/// What is seen of an APK beside which a v4 signature file stands depends on two files: it is read each time.
#[test]
fn a_v4_signature_file_counts() {
    let shop = Shop::new();
    let idsig = shop.store().join("one.apk.idsig");
    assert_eq!(shop.read(&all(), LATER).len(), 3);
    fs::write(&idsig, "no signature").unwrap();
    for _ in 0..2 {
        assert_eq!(shop.read(&all(), LATER), ["one"]);
        assert_eq!(shop.verified(), ["three", "two"]);
    }
    fs::remove_file(&idsig).unwrap();
    assert_eq!(shop.read(&all(), LATER), [""; 0], "as it was at first");
    assert_eq!(shop.verified(), ["one", "three", "two"]);
    fs::write(&idsig, "no signature").unwrap();
    let mut ignored = all();
    ignored.v4_signature_file = V4SignatureFile::Ignored;
    assert_eq!(shop.read(&ignored, LATER).len(), 3);
    assert_eq!(shop.read(&ignored, LATER).len(), 0);
    assert_eq!(shop.verified(), ["one", "three", "two"]);
}

/// A directory and a link in its place make it impossible to judge the APK, whatever stands between them in the order of names.
#[test]
fn what_is_called_as_a_v4_signature_file_counts_beside_any_neighbour() {
    let shop = Shop::new();
    assert_eq!(shop.read(&all(), LATER).len(), 3);
    fs::write(shop.store().join("one.apk.idsig-old"), "").unwrap();
    fs::write(shop.store().join("two.apk.idsigs"), "").unwrap();
    assert_eq!(shop.read(&all(), LATER), [""; 0], "they are called otherwise");
    fs::create_dir(shop.store().join("one.apk.idsig")).unwrap();
    assert_eq!(shop.read(&all(), LATER), ["one"]);
    assert_eq!(shop.verified(), ["three", "two"]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("nowhere", shop.store().join("two.apk.idsig")).unwrap();
        // The link has a row of its own.
        assert_eq!(shop.read(&all(), LATER), ["one", "two", "two.apk"]);
        assert_eq!(shop.verified(), ["three"]);
    }
}

/// A container is known with all that is in it, under whatever name it is found.
#[test]
#[cfg(unix)]
fn containers_are_known_with_their_members() {
    let shop = Shop::new();
    let container = "testdata/containers/signed-v2/app.apks";
    fs::copy(container, shop.store().join("set.apks")).unwrap();
    fs::hard_link(shop.store().join("set.apks"), shop.store().join("the other.apks")).unwrap();
    assert!(shop.read(&all(), LATER).len() >= 4);
    assert_eq!(shop.read(&all(), LATER), [""; 0]);
    let ledger = Ledger::open_to_read(shop.db()).unwrap();
    let mut members = 0;
    ledger
        .each(&ledger.scan(None).unwrap(), |row| {
            if let Outcome::Container(container) = &row.outcome {
                for member in &container.members {
                    let path = member.path.to_str().unwrap();
                    assert!(path.starts_with(&format!("{}!/", row.path.display())), "{path}");
                    members += 1;
                }
            }
            Ok::<(), Error>(())
        })
        .unwrap();
    assert!(members >= 2);
}

#[test]
fn entries_come_back_in_their_order_with_what_was_seen() {
    let shop = Shop::new();
    fs::write(shop.apk("zero"), "no APK").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink("one.apk", shop.apk("link")).unwrap();
    shop.read(&all(), LATER);
    let ledger = Ledger::open_to_read(shop.db()).unwrap();
    let last = ledger.scan(None).unwrap();
    let mut found = Vec::new();
    ledger
        .each(&last, |row| {
            let name = row.path.file_stem().unwrap().to_str().unwrap().to_owned();
            let package = match &row.outcome {
                Outcome::Judged { verification, marks, file_digest, .. } => {
                    assert!(marks.is_some() && file_digest.is_some());
                    verification.package().unwrap_or("none")
                }
                _ => "not seen",
            };
            found.push((name, package.to_owned()));
            Ok::<(), Error>(())
        })
        .unwrap();
    let expected = [
        ("link", "not seen"),
        ("one", "com.example.one"),
        ("three", "com.example.three"),
        ("two", "com.example.two"),
        ("zero", "none"),
    ];
    assert_eq!(found, expected.map(|(name, package)| (name.to_owned(), package.to_owned())));
}

/// With a database and without, read and remembered, reports say the same; so does a report without the files.
#[test]
fn reports_say_the_same_however_they_came_about() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("scans.db");
    let db = db.to_str().unwrap();
    let trees = [
        "testdata/demo/store",
        "testdata/v1",
        "testdata/v4",
        "testdata/containers",
        "testdata/stamp",
        "testdata/marks",
        "testdata/zip",
    ];
    let against = [
        &["--registry", REGISTRY, "--at", AT][..],
        &[],
        &["--registry", REGISTRY, "--at", AT, "--policy", POLICY],
    ];
    for (number, against) in against.iter().enumerate() {
        let scan = [&["scan", "--format", "json"], &trees[..], against].concat();
        let plain = apkvouch(&scan);
        let with = apkvouch(&[&scan[..], &["--db", db]].concat());
        let again = apkvouch(&[&scan[..], &["--db", db]].concat());
        let rehashed = apkvouch(&[&scan[..], &["--db", db, "--rehash"]].concat());
        let report = apkvouch(&[&["report", "--db", db, "--format", "json"], *against].concat());
        for run in [&with, &again, &rehashed, &report] {
            assert_eq!(run.code, plain.code, "{}", run.err);
            assert_eq!(said(run), said(&plain), "{against:?}");
        }
        // Of the first scan, which was held against something else.
        let first =
            apkvouch(&[&["report", "--db", db, "--format", "json", "--scan", "1"], *against].concat());
        assert_eq!(said(&first), said(&plain), "{against:?}");
        let told = first.err.contains(
            "scan 1 was held against testdata/demo/registry.toml (demo.apkvouch.example, serial 1)",
        );
        assert_eq!(told, number == 1, "{}", first.err);
    }
    let list = apkvouch(&["report", "--db", db, "--scans"]);
    assert_eq!((list.code, list.out.lines().count()), (Some(0), 9), "{}", list.out);
    // As of which day, where that was said.
    let dated =
        list.out.lines().filter(|line| line.contains("serial 1), as of 2026-11-01T00:00:00Z")).count();
    assert_eq!(dated, 6, "{}", list.out);
    assert!(
        list.out.lines().last().unwrap().ends_with("  policy testdata/policy/store.toml"),
        "{}",
        list.out
    );
}

/// Killed at any moment: the next scan says what one says that nobody has disturbed, each file once, and most is not read again.
#[test]
#[cfg(unix)]
fn what_is_killed_goes_on_where_it_was() {
    const KILLS: u32 = 20;
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("scans.db");
    let db = db.to_str().unwrap();
    let scan = [
        "scan",
        "--format",
        "json",
        "--registry",
        REGISTRY,
        "testdata/v1",
        "testdata/v2",
        "testdata/v3",
        "testdata/zip",
    ];
    let with = [&scan[..], &["--db", db]].concat();
    let undisturbed = apkvouch(&scan);
    let other = folder.path().join("other.db");
    let start = Instant::now();
    apkvouch(&[&scan[..], &["--db", other.to_str().unwrap()]].concat());
    let whole = start.elapsed();
    let mut broken_off = 0;
    for kill in 0..KILLS {
        let mut child = command(&with).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        sleep(whole.mul_f64(f64::from(kill) / f64::from(KILLS)));
        child.kill().unwrap();
        broken_off += u32::from(!child.wait().unwrap().success());
        // Nothing of a scan that was broken off is taken for one.
        if let Ok(ledger) = Ledger::open_to_read(db) {
            assert!(ledger.scans().unwrap().iter().filter(|scan| scan.ended.is_none()).count() <= 1);
        }
    }
    assert!(broken_off > 5, "{broken_off} killed in time");
    let resumed = apkvouch(&with);
    assert_eq!((resumed.code, said(&resumed)), (undisturbed.code, said(&undisturbed)), "{}", resumed.err);
    let report = apkvouch(&["report", "--db", db, "--format", "json", "--registry", REGISTRY, "--at", AT]);
    assert_eq!(said(&report), said(&undisturbed), "each file once");
    let ledger = Ledger::open_to_read(db).unwrap();
    assert!(ledger.scans().unwrap().iter().all(|scan| scan.ended.is_some()), "what was broken off is gone");
}

/// Whether what was said is a whole document of JSON.
fn is_whole(run: &Run) -> bool {
    serde_json::from_str::<serde_json::Value>(&run.out).is_ok()
}

/// A scan whose database cannot be written to the end says so, and its report does not look like one of all files.
#[test]
fn a_scan_that_its_database_ends_has_no_summary() {
    let shop = Shop::new();
    let (db, store) = (shop.db(), shop.store());
    let (db, store) = (db.to_str().unwrap(), store.to_str().unwrap());
    let scan = |format: &str| apkvouch(&["scan", store, "--db", db, "--format", format]);
    let summary = [("text", "3 files judged"), ("json", "\"summary\"")];
    for (format, summary) in summary {
        let whole = scan(format);
        assert!(whole.out.contains(summary), "{}", whole.out);
    }
    assert!(is_whole(&scan("json")));
    let connection = rusqlite::Connection::open(db).unwrap();
    let trigger =
        "CREATE TRIGGER full BEFORE UPDATE ON scan BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
    connection.execute_batch(trigger).unwrap();
    drop(connection);
    for (format, summary) in summary {
        let run = scan(format);
        assert_eq!((run.code, run.err.lines().count()), (Some(3), 1), "{format}: {}", run.err);
        assert!(run.err.contains("the disk is full"), "{format}: {}", run.err);
        assert!(!run.out.contains(summary), "{format}: {}", run.out);
        assert!(format != "json" || !is_whole(&run), "{}", run.out);
    }
}

/// What is altered in the database is found out and seen anew, or the scan ends; it never says something else.
#[test]
fn a_database_that_is_altered_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("scans.db");
    let scan = [
        "scan",
        "--format",
        "json",
        "--registry",
        REGISTRY,
        "--at",
        AT,
        "testdata/demo/store",
        "testdata/v3",
    ];
    let with = [&scan[..], &["--db", db.to_str().unwrap()]].concat();
    let plain = apkvouch(&scan);
    assert_eq!(said(&apkvouch(&with)), said(&plain));
    assert!(is_whole(&plain));
    let good = fs::read(&db).unwrap();
    let (mut ended, mut said_the_same) = (0, 0);
    for flip in 0..60 {
        let mut altered = good.clone();
        let at = (flip * 7_919 + 97) * 31 % good.len();
        altered[at] ^= 1 << (flip % 8);
        fs::write(&db, &altered).unwrap();
        let run = apkvouch(&with);
        if run.code == Some(2) || run.code == Some(3) {
            // What was said until then, in pieces of 64 KiB, is what is said without a database, and nobody takes it for all.
            let (told, whole) = (said(&run), said(&plain));
            let (last, before) = told.split_last().unwrap_or((&"", &[]));
            assert!(
                whole.starts_with(before) && whole[before.len()].starts_with(last),
                "byte {at}: {}",
                run.err
            );
            assert!(!is_whole(&run), "byte {at}: {}", run.err);
            assert!(!run.out.contains("\"summary\""), "byte {at}: {}", run.out);
            ended += 1;
        } else {
            assert_eq!((run.code, said(&run)), (plain.code, said(&plain)), "byte {at}: {}", run.err);
            said_the_same += 1;
        }
    }
    assert!(said_the_same > 20, "{ended} ended, {said_the_same} said the same");
    fs::write(&db, &good[..good.len() / 2]).unwrap();
    let run = apkvouch(&with);
    assert!(matches!(run.code, Some(2 | 3)) || said(&run) == said(&plain), "cut off: {}", run.err);
}

/// Evidence of one file is not taken for that of another, whatever the table of files says.
#[test]
fn evidence_of_another_file_is_not_believed() {
    let shop = Shop::new();
    shop.read(&all(), LATER);
    let change = |sql: &str| {
        let connection = rusqlite::Connection::open(shop.db()).unwrap();
        assert!(connection.execute(sql, []).unwrap() > 0, "{sql}");
    };
    change("UPDATE file SET seen = (SELECT seen FROM file LIMIT 1)");
    assert_eq!(shop.read(&all(), LATER).len(), 2);
    assert_eq!(shop.read(&all(), LATER).len(), 0);
    change("UPDATE body SET bytes = bytes || x'00'");
    assert_eq!(shop.read(&all(), LATER).len(), 3);
    change("DELETE FROM body");
    assert_eq!(shop.read(&all(), LATER).len(), 3);
    // A report that cannot have what was seen says so, and not half of it.
    change("DELETE FROM body");
    let run = apkvouch(&["report", "--db", shop.db().to_str().unwrap()]);
    assert_eq!(run.code, Some(2), "{}", run.out);
    assert!(run.err.contains("what was seen of a file is gone; scan again with --rehash"), "{}", run.err);
}

/// No report tells the path of a row that was altered, nor fewer results than there are.
#[test]
fn a_result_that_is_altered_is_told_by_no_report() {
    let shop = Shop::new();
    let (db, store) = (shop.db(), shop.store());
    let (db, store) = (db.to_str().unwrap(), store.to_str().unwrap());
    let scan = |more: &str| {
        apkvouch(
            &[
                &["scan", store, "--db", db][..],
                if more.is_empty() { &[] } else { std::slice::from_ref(&more) },
            ]
            .concat(),
        )
    };
    // A file is remembered once it has not been written to for two seconds.
    let report = || apkvouch(&["report", "--db", db, "--format", "jsonl"]);
    for sql in [
        "UPDATE result SET path = CAST(replace(CAST(path AS TEXT), '.apk', '.apj') AS BLOB) WHERE number = 1",
        "UPDATE result SET seen = (SELECT seen FROM result WHERE number = 0) WHERE number = 1",
        "UPDATE run SET count = count - 1",
        "UPDATE run SET source_first = source_first + 1, count = count - 1",
        "DELETE FROM run",
        "DELETE FROM result WHERE number = 2",
    ] {
        scan("--rehash");
        let before = report();
        assert_eq!((before.code, said(&before).len()), (Some(0), 3), "{}", before.err);
        let connection = rusqlite::Connection::open(db).unwrap();
        assert!(connection.execute(sql, []).unwrap() > 0, "{sql}");
        drop(connection);
        let run = report();
        assert_eq!(run.code, Some(2), "{sql}: {} {}", run.out, run.err);
        assert!(said(&before).starts_with(&said(&run)), "{sql}: {}", run.out);
        // The scan that is advised mends it.
        scan("--rehash");
        assert_eq!(said(&report()), said(&before), "{sql}");
    }
}

/// What is damaged is written anew by the scan that finds it out: no report ends at it after that.
#[test]
fn what_is_damaged_is_mended_by_the_next_scan() {
    let shop = Shop::new();
    shop.read(&all(), LATER);
    let connection = rusqlite::Connection::open(shop.db()).unwrap();
    assert!(connection.execute("UPDATE body SET bytes = bytes || x'00'", []).unwrap() > 3);
    drop(connection);
    let report = || apkvouch(&["report", "--db", shop.db().to_str().unwrap()]);
    assert_eq!(report().code, Some(2));
    assert_eq!(shop.read(&all(), LATER).len(), 3);
    assert_eq!(report().code, Some(0), "{}", report().err);
    assert_eq!(shop.read(&all(), LATER), [""; 0]);
}

/// An archive that was looked at as an APK, and is one among other archives now, is told by neither scan as the other does.
#[test]
fn a_known_archive_is_no_row_where_archives_are_looked_into() {
    let shop = Shop::new();
    // The directory of an archive with nothing in it.
    let empty = [b"PK\x05\x06".as_slice(), &[0; 18]].concat();
    fs::write(shop.store().join("plain.zip"), empty).unwrap();
    fs::copy("testdata/containers/signed-v2/app.apks", shop.store().join("set.zip")).unwrap();
    let rows = |all_files: bool, known: bool| {
        let now = Timestamp::now().checked_add(jiff::SignedDuration::from_secs(LATER)).unwrap();
        let ledger = Ledger::open(shop.db(), &all(), now).unwrap();
        let mut options = all();
        options.known = known.then_some(&ledger);
        let mut walk = WalkOptions::default();
        walk.all_files = all_files;
        let mut recording = ledger.begin(now, None, None).unwrap();
        let mut rows = Vec::new();
        scan(Walk::new(vec![shop.store()], walk), &options, |row| {
            rows.push((row.path.clone(), matches!(row.outcome, Outcome::Container(_))));
            recording.add(&FileRecord::new(&row), None, true)
        })
        .unwrap();
        recording.end(now, 0).unwrap();
        rows
    };
    let (every, default) = (rows(true, false), rows(false, false));
    assert_eq!((every.len(), default.len()), (5, 4));
    assert_eq!(rows(true, true), every);
    assert_eq!(rows(false, true), default);
    assert_eq!(rows(true, true), every);
}

#[test]
fn a_database_that_cannot_be_used_is_told_in_one_line() {
    let shop = Shop::new();
    let db = shop.db();
    let db = db.to_str().unwrap();
    let store = shop.store();
    let refused = |code: i32, why: &str| {
        for arguments in [
            &["scan", store.to_str().unwrap(), "--db", db][..],
            &["report", "--db", db],
            &["diff", "--db", db, "1", "2"],
        ] {
            let run = apkvouch(arguments);
            assert_eq!((run.code, run.out.as_str()), (Some(code), ""), "{}", run.err);
            assert!(run.err.contains(why) && run.err.lines().count() == 1, "expected {why:?} in {}", run.err);
        }
    };
    fs::write(db, "no database, and long enough to be looked at as one: it has more than a hundred bytes in it, which is the header").unwrap();
    refused(3, "SQLite says");
    fs::remove_file(db).unwrap();
    let other = rusqlite::Connection::open(db).unwrap();
    other.execute_batch("CREATE TABLE body (x)").unwrap();
    drop(other);
    refused(2, "found a SQLite file of another program");
    fs::remove_file(db).unwrap();
    shop.read(&all(), LATER);
    let held = Ledger::open_to_read(db).unwrap();
    refused(3, "another process uses the database of scans");
    drop(held);
    let connection = rusqlite::Connection::open(db).unwrap();
    connection.pragma_update(None, "user_version", 9).unwrap();
    drop(connection);
    refused(2, "of schema version 4, found 9");
    fs::remove_file(db).unwrap();
    // A file with nothing in it is no database for who reads, and stays as it is.
    fs::write(db, "").unwrap();
    for arguments in [&["report", "--db", db][..], &["diff", "--db", db, "1", "2"]] {
        let run = apkvouch(arguments);
        assert_eq!((run.code, run.err.lines().count()), (Some(2), 1), "{}", run.err);
        assert!(run.err.contains("found a file with nothing in it"), "{}", run.err);
        assert_eq!(fs::metadata(db).unwrap().len(), 0);
    }
    fs::remove_file(db).unwrap();
    // There is nothing to report; and no file is made for it.
    for arguments in [&["report", "--db", db][..], &["diff", "--db", db, "1", "2"]] {
        assert_eq!(apkvouch(arguments).code, Some(3));
    }
    assert!(!Path::new(db).exists());
    shop.read(&all(), LATER);
    let none = apkvouch(&["report", "--db", db, "--scan", "7"]);
    assert_eq!(none.code, Some(2));
    assert!(none.err.contains("expected scan 7 that has ended, found of these: 1"), "{}", none.err);
    let connection = rusqlite::Connection::open(db).unwrap();
    connection.execute("UPDATE scan SET made_by = 'apkvouch 0.0.1'", []).unwrap();
    drop(connection);
    let older = apkvouch(&["report", "--db", db]);
    assert_eq!(older.code, Some(2));
    assert!(older.err.contains("scan 1 was made by apkvouch 0.0.1, and this is apkvouch"), "{}", older.err);
}

#[test]
fn two_scans_are_compared_file_by_file() {
    let shop = Shop::new();
    let (db, store) = (shop.db(), shop.store());
    let (db, store) = (db.to_str().unwrap(), store.to_str().unwrap());
    let scan = |more: &[&str]| {
        let run = apkvouch(&[&["scan", store, "--db", db], more].concat());
        assert!(run.code < Some(2), "{}", run.err);
    };
    scan(&[]);
    scan(&[]);
    let same = apkvouch(&["diff", "--db", db, "1", "2"]);
    assert_eq!(same.code, Some(0), "{}", same.out);
    assert_eq!(
        same.out,
        "scan 1 to scan 2: 0 new, 0 gone, 0 with another verdict, 0 with another signer, 0 with another content\n"
    );
    fs::remove_file(shop.apk("one")).unwrap();
    fs::write(shop.apk("two"), app("com.example.two", "ec-p256-3")).unwrap();
    fs::write(shop.apk("three"), "no APK").unwrap();
    fs::write(shop.apk("four"), app("com.example.four", "ec-p256")).unwrap();
    // Named twice, and there once.
    scan(&[shop.apk("four").to_str().unwrap()]);
    let json = apkvouch(&["diff", "--db", db, "2", "3", "--format", "json"]);
    assert_eq!(json.code, Some(1));
    let value: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let changes: BTreeMap<String, Vec<String>> = value["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            let kinds = change["kinds"].as_array().unwrap().iter();
            let path = PathBuf::from(change["path"].as_str().unwrap());
            (
                path.file_stem().unwrap().to_str().unwrap().to_owned(),
                kinds.map(|kind| kind.as_str().unwrap().to_owned()).collect(),
            )
        })
        .collect();
    let expected = [
        ("four", &["new"][..]),
        ("one", &["gone"]),
        ("three", &["verdict", "signer", "content"]),
        ("two", &["signer", "content"]),
    ];
    let expected: BTreeMap<String, Vec<String>> = expected
        .iter()
        .map(|(name, kinds)| ((*name).to_owned(), kinds.iter().map(|kind| (*kind).to_owned()).collect()))
        .collect();
    assert_eq!(changes, expected);
    assert_eq!(value["counts"].to_string(), r#"{"new":1,"gone":1,"verdict":1,"signer":2,"content":2}"#);
    let text = apkvouch(&["diff", "--db", db, "2", "3"]);
    assert_eq!((text.code, text.out.lines().count()), (Some(1), 5), "{}", text.out);
    assert!(text.out.contains("three.apk  unauthenticated -> unreadable; signer "), "{}", text.out);
    assert!(text.out.lines().next().unwrap().starts_with("+ "), "{}", text.out);
    // A registry that says otherwise changes verdicts, of files that are as they were.
    scan(&["--registry", REGISTRY, "--at", AT]);
    let verdicts = apkvouch(&["diff", "--db", db, "3", "4"]);
    assert!(
        verdicts.out.ends_with(
            "0 new, 0 gone, 0 with another verdict, 2 with the same verdict and another answer, \
             0 with another signer, 0 with another content\n"
        ),
        "{}",
        verdicts.out
    );
    assert!(verdicts.out.contains("unauthenticated (passed -> failed)"), "{}", verdicts.out);
}

#[test]
fn the_database_is_no_place_for_an_output() {
    let shop = Shop::new();
    shop.read(&all(), LATER);
    let (db, store) = (shop.db(), shop.store());
    let (db, store) = (db.to_str().unwrap(), store.to_str().unwrap());
    let output = format!("json={db}");
    for arguments in
        [&["scan", store, "--db", db, "--output", &output][..], &["report", "--db", db, "--output", &output]]
    {
        let run = apkvouch(arguments);
        assert_eq!(run.code, Some(2), "{}", run.err);
        assert!(run.err.contains("an output would overwrite this file"), "{}", run.err);
    }
    for arguments in [&["scan", store, "--at", AT][..], &["report", "--db", db, "--at", AT]] {
        let run = apkvouch(arguments);
        assert_eq!((run.code, run.err.lines().count()), (Some(2), 1), "{}", run.err);
        assert!(run.err.contains("give --registry FILE"), "{}", run.err);
    }
}

/// An app of that package and key, under that name and with that icon.
pub(crate) fn known_as(package: &str, key: &str, label: &str, icon: Option<u8>) -> Vec<u8> {
    const ICON: u32 = id(2, 0);
    let label = label.to_owned();
    let manifest = Manifest::new(package).min_sdk(24).tree(move |root| {
        let application = root.children.iter_mut().find(|child| child.name == "application").unwrap();
        *application = Element::new("application").android(attr::LABEL, "label", label.as_str());
        if icon.is_some() {
            let icon = Value::Reference(ICON);
            *application = application.clone().android(attr::ICON, "icon", icon);
        }
    });
    let table = Resources::new().value(ICON, Config::any(), "res/a.png");
    let apk = Apk::new().manifest(manifest).file("resources.arsc", &table.build());
    let apk = icon.into_iter().fold(apk, |apk, grey| apk.file("res/a.png", &png(96, grey)));
    apk.v2(Signer::v2(&Key::named(key))).build()
}

/// Packages and names of the apps that share something.
fn alike(apps: &[AlikeApp]) -> Vec<(&str, Option<&str>)> {
    apps.iter().map(|app| (app.package.as_str(), app.label.as_deref())).collect()
}

#[test]
fn the_whole_shows_who_looks_like_whom() {
    let shop = Shop { folder: tempfile::tempdir().unwrap() };
    fs::create_dir(shop.store()).unwrap();
    let put = |name: &str, apk: Vec<u8>| fs::write(shop.apk(name), apk).unwrap();
    // By the same signer, and one package by two signers: no facts.
    put("a", known_as("com.bank", "ec-p256", "River Bank", Some(1)));
    put("b", known_as("com.bank.lite", "ec-p256", "River Bank", Some(1)));
    put("c", known_as("com.game", "ec-p256", "Game", Some(2)));
    put("d", known_as("com.game", "ec-p384", "Game", Some(2)));
    put("e", known_as("com.other", "ec-p384", "River Bank 2", None));
    // Nor are those that do not verify, and names of nothing.
    let mut broken = known_as("com.broken", "ec-p256-3", "River Bank", Some(1));
    let place = broken.windows(10).position(|window| window == b"not really").unwrap();
    broken[place] ^= 1;
    put("f", broken);
    put("g", known_as("com.space", "ec-p256", " ", None));
    put("h", known_as("com.spaces", "ec-p384", "\u{3000}\u{200b}", None));
    let options = || {
        let mut options = all();
        options.appearance = true;
        options
    };
    let whole = || {
        shop.read(&options(), LATER);
        let ledger = Ledger::open_to_read(shop.db()).unwrap();
        ledger.whole(&ledger.scan(None).unwrap()).unwrap()
    };
    let first = whole();
    assert_eq!((first.files, first.packages_with_several_signers), (7, 1));
    assert_eq!((first.labels_of_several_signers, first.icons_of_several_signers), (Some(0), Some(0)));
    // The same name written otherwise, by another signer; the same icon under another name.
    put("i", known_as("com.fake", "ec-p384", "Ｒiver\u{200b}BANK", Some(3)));
    put("j", known_as("com.copy", "ec-p521", "Torch", Some(1)));
    let second = whole();
    assert_eq!((second.labels_of_several_signers, second.icons_of_several_signers), (Some(1), Some(1)));
    let name = &second.shared_labels[0];
    assert_eq!((name.label.as_str(), name.packages, name.signers), ("River Bank", 3, 2));
    let apps = [
        ("com.bank", Some("River Bank")),
        ("com.bank.lite", Some("River Bank")),
        ("com.fake", Some("Ｒiver\u{200b}BANK")),
    ];
    assert_eq!(alike(&name.apps), apps);
    let icon = &second.shared_icons[0];
    assert_eq!((icon.packages, icon.signers, icon.icon.len()), (3, 2, 64));
    let apps = [
        ("com.bank", Some("River Bank")),
        ("com.bank.lite", Some("River Bank")),
        ("com.copy", Some("Torch")),
    ];
    assert_eq!(alike(&icon.apps), apps);
    let db = shop.db();
    let text = apkvouch(&["report", "--db", db.to_str().unwrap(), "--whole"]);
    for line in [
        "names of apps of several packages by different signers: 1; look which of them is the one that people mean",
        "  River Bank: 3 packages by 2 signers",
        "icons of apps of several packages by different signers: 1; look whose picture it is",
    ] {
        assert!(text.out.lines().any(|found| found == line), "expected {line:?} in {}", text.out);
    }
    assert!(text.out.contains("com.fake \"Ｒiver\\u{200b}BANK\"  "), "{}", text.out);
    // A database of the version before is taken up; of its scans nobody knows the names, of the next one again.
    let connection = rusqlite::Connection::open(shop.db()).unwrap();
    let before = "ALTER TABLE result DROP COLUMN sum; ALTER TABLE run DROP COLUMN sum; ALTER TABLE scan DROP COLUMN results; \
                  DROP TABLE shown; ALTER TABLE scan DROP COLUMN names; PRAGMA user_version = 2;";
    connection.execute_batch(before).unwrap();
    drop(connection);
    let refused = apkvouch(&["report", "--db", db.to_str().unwrap(), "--whole"]);
    assert_eq!(refused.code, Some(2), "who reads changes no database");
    let later = Ledger::open(shop.db(), &options(), Timestamp::now()).unwrap();
    let older = later.whole(&later.scan(Some(2)).unwrap()).unwrap();
    assert_eq!((older.files, older.labels_of_several_signers), (9, None));
    drop(later);
    // What was made without names does not say that there are none.
    shop.read(&all(), LATER);
    let ledger = Ledger::open_to_read(shop.db()).unwrap();
    let last = ledger.whole(&ledger.scan(None).unwrap()).unwrap();
    assert_eq!((last.labels_of_several_signers, last.icons_of_several_signers), (None, None));
}

#[test]
fn the_whole_shows_what_no_file_does() {
    let shop = Shop::new();
    let whole = || {
        let ledger = Ledger::open_to_read(shop.db()).unwrap();
        ledger.whole(&ledger.scan(None).unwrap()).unwrap()
    };
    shop.read(&all(), LATER);
    let first = whole();
    assert_eq!((first.files, first.packages, first.signers, first.earlier_scan), (3, 3, 3, None));
    assert_eq!((first.packages_with_several_signers, first.duplicates, first.packages_gone_back), (0, 0, 0));
    // One package by another signer, which is no signer of a file that does not verify; the same by the same is nothing.
    fs::write(shop.apk("one again"), app_of_version("com.example.one", "ec-p256", 8)).unwrap();
    fs::write(shop.apk("one foreign"), app("com.example.one", "ec-p384")).unwrap();
    let mut broken = app("com.example.two", "ec-p256-3");
    let place = broken.windows(10).position(|window| window == b"not really").unwrap();
    broken[place] ^= 1;
    fs::write(shop.apk("two broken"), broken).unwrap();
    // The same twice; what is no app counts, too.
    fs::copy(shop.apk("three"), shop.apk("three again")).unwrap();
    fs::write(shop.apk("text"), "no APK").unwrap();
    fs::write(shop.apk("text again"), "no APK").unwrap();
    // One version back, one on.
    fs::write(shop.apk("two"), app_of_version("com.example.two", "ec-p256-2", 6)).unwrap();
    shop.read(&all(), LATER);
    let second = whole();
    assert_eq!((second.files, second.packages, second.signers), (6, 3, 3));
    assert_eq!((second.packages_with_several_signers, second.several_signers.len()), (1, 1));
    let several = &second.several_signers[0];
    assert_eq!(several.package, "com.example.one");
    let by: Vec<(u64, bool)> =
        several.signed_by.iter().map(|by| (by.files, by.path.ends_with("one foreign.apk"))).collect();
    assert_eq!(by, [(2, false), (1, true)]);
    assert_eq!((second.duplicated, second.duplicates), (2, 2));
    assert!(second.most_duplicated.iter().any(|twice| twice.paths[0].ends_with("three again.apk")));
    assert_eq!((second.earlier_scan, second.packages_gone_back), (Some(1), 1));
    let back = &second.gone_back[0];
    assert_eq!((back.package.as_str(), back.before, back.after), ("com.example.two", 7, 6));
    let most = &second.largest_signers[0];
    assert_eq!((most.packages, most.files), (2, 3), "{most:?}");

    let db = shop.db();
    let db = db.to_str().unwrap();
    let text = apkvouch(&["report", "--db", db, "--whole"]);
    assert_eq!(text.code, Some(0), "{}", text.err);
    for line in [
        "scan 2: 6 files of 3 packages by 3 signers",
        "packages signed by different signers: 1; ask the owner which is his, and register it",
        "files that stand there more than once: 2; keep one of each",
        "  com.example.two  7 -> 6",
    ] {
        assert!(text.out.lines().any(|found| found == line), "expected {line:?} in {}", text.out);
    }
    let json = apkvouch(&["report", "--db", db, "--whole", "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((value["schema"].as_u64(), value["packages_gone_back"].as_u64()), (Some(1), Some(1)));
    assert_eq!(apkvouch(&["report", "--db", db, "--whole", "--format", "csv"]).code, Some(2));
    let earlier = apkvouch(&["report", "--db", db, "--whole", "--scan", "1"]);
    assert!(earlier.out.starts_with("scan 1: 3 files"), "{}", earlier.out);
}
