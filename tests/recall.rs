//! What a scan says again without judging: what a scan without a database would say at that time, or it is judged anew.

#![expect(clippy::unwrap_used, reason = "test code: a step that cannot be done is to stop the test")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use apkvouch::Error;
use apkvouch::Registry;
use apkvouch::decide;
use apkvouch::ledger::FileRecord;
use apkvouch::ledger::Ledger;
use apkvouch::ledger::Said;
use apkvouch::policy::Policy;
use apkvouch::policy::Verdict;
use apkvouch::report::FileResult;
use apkvouch::report::Glance;
use apkvouch::report::Language;
use apkvouch::scan::Outcome;
use apkvouch::scan::Row;
use apkvouch::scan::ScanOptions;
use apkvouch::scan::Walk;
use apkvouch::scan::WalkOptions;
use apkvouch::scan::scan;
use jiff::Timestamp;
use tempfile::TempDir;

use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Manifest;
use crate::builder::Signer;

fn apk(package: &str, key: &str) -> Vec<u8> {
    let manifest = Manifest::new(package).min_sdk(24).target_sdk(30).version(7, "x");
    Apk::new().manifest(manifest).v2(Signer::v2(&Key::named(key))).build()
}

const APPS: [(&str, &str); 3] = [("one", "ec-p256"), ("three", "ec-p384"), ("two", "ec-p256-2")];

/// The keys of the apps, each with what is said of its validity.
fn registry(of_one: &str, of_two: &str) -> Registry {
    let mut text = String::from("schema = 1\nid = \"r\"\nserial = 1\nissued_at = 2026-01-01\n");
    text.push_str("[[subject]]\nid = \"s\"\nname = \"S\"\nroles = [\"developer\"]\n");
    for (name, key) in APPS {
        let digest = Key::named(key).certificate_digest();
        let valid = match name {
            "one" => of_one,
            "two" => of_two,
            _ => "",
        };
        write!(text, "[[key]]\ncertificate_sha256 = \"{digest}\"\nsubject = \"s\"\n{valid}\n").unwrap();
        write!(text, "[[app]]\npackage = \"com.example.{name}\"\nowner = \"s\"\n").unwrap();
        write!(text, "[[app.signers]]\ncertificates = [\"{digest}\"]\n").unwrap();
    }
    Registry::parse(&text, "registry.toml").unwrap()
}

struct Shop {
    folder: TempDir,
}

/// The verdict of each file, by name; and which of them were judged anew.
type Seen = (BTreeMap<String, Verdict>, Vec<String>);

impl Shop {
    fn new() -> Self {
        let shop = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(shop.store()).unwrap();
        for (name, key) in APPS {
            fs::write(shop.apk(name), apk(&format!("com.example.{name}"), key)).unwrap();
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

    /// Scans as of `now`; each file is told as one who has no database tells it.
    fn scan(&self, registry: &Registry, what: &str, now: &str) -> Seen {
        self.scan_until(registry, what, now, usize::MAX)
    }

    /// The same, broken off after so many files.
    fn scan_until(&self, registry: &Registry, what: &str, now: &str, most: usize) -> Seen {
        let now: Timestamp = now.parse().unwrap();
        let mut options = ScanOptions::default();
        let said_of = |row: &Row| match &row.outcome {
            Outcome::Judged { verification, .. } => {
                let decision = decide(verification, registry, &Policy::default(), now);
                let passed = decision.verdict == Verdict::Authenticated;
                let result = FileResult::judged(&row.path, verification, Some(&decision), passed);
                let mut said = Said::new(result.verdict, passed);
                (said.glance, said.holds) = (Glance::of(&result, Language::English), decision.holds);
                said
            }
            _ => Said::new(None, false),
        };
        let walk = || Walk::new(vec![self.store()], WalkOptions::default());
        let mut fresh = BTreeMap::new();
        scan(walk(), &options, |row| {
            fresh.insert(row.path.clone(), said_of(&row));
            Ok::<(), Error>(())
        })
        .unwrap();

        let mut ledger = Ledger::open(self.db(), &options, now).unwrap();
        ledger.judge_by(what.as_bytes(), b"store", now, true);
        options.known = Some(&ledger);
        let mut recording = ledger.begin(now, None, None).unwrap();
        let (mut verdicts, mut judged) = (BTreeMap::new(), Vec::new());
        let done = scan(walk(), &options, |row| {
            let name = row.path.file_stem().unwrap().to_str().unwrap().to_owned();
            let expected = fresh.get(&row.path).unwrap();
            if verdicts.len() == most {
                return Err(Error::Usage("broken off".to_owned()));
            }
            if let Outcome::Recalled(recalled) = &row.outcome {
                let (glance, exceptions) = ledger.told(recalled).unwrap();
                assert_eq!(Some(&glance), expected.glance.as_ref(), "{name} at {now}");
                assert_eq!(exceptions, expected.exceptions, "{name} at {now}");
                recording.add(&FileRecord::new(&row), None, false)?;
            } else {
                let said = said_of(&row);
                assert_eq!(&said, expected, "{name} at {now}");
                recording.add_said(&FileRecord::new(&row), &said)?;
                judged.push(name.clone());
            }
            verdicts.insert(name, expected.verdict.unwrap_or(Verdict::Unreadable));
            Ok::<(), Error>(())
        });
        assert_eq!(done.is_err(), verdicts.len() == most);
        if done.is_ok() {
            recording.end(now, 0).unwrap();
            holds_what_was_seen(&ledger, verdicts.len());
        }
        (verdicts, judged)
    }

    fn count(&self, what: &str) -> i64 {
        let connection = rusqlite::Connection::open(self.db()).unwrap();
        connection.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0)).unwrap()
    }
}

/// The last scan has so many rows, each once, in the order of the paths.
fn holds_what_was_seen(ledger: &Ledger, count: usize) {
    let mut paths = Vec::new();
    ledger
        .each(&ledger.scan(None).unwrap(), |row| {
            paths.push(row.path);
            Ok::<(), Error>(())
        })
        .unwrap();
    assert_eq!(paths.len(), count);
    assert!(paths.is_sorted_by(|left, right| left < right), "{paths:?}");
}

#[test]
fn what_was_said_is_said_again_until_the_clock_makes_a_difference() {
    const GOOD: Verdict = Verdict::Authenticated;
    const BAD: Verdict = Verdict::Expired;
    let shop = Shop::new();
    let registry = registry("valid_until = 2031-06-01T00:00:00Z", "valid_from = 2031-07-01");
    let scan = |now: &str| {
        let (verdicts, judged) = shop.scan(&registry, "r", now);
        (judged, verdicts["one"], verdicts["two"])
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
    assert_eq!(scan("2031-05-01T00:00:00Z"), (names(&["one", "three", "two"]), GOOD, BAD));
    // What says which time it is holds for that second alone.
    assert_eq!(scan("2031-05-01T00:00:00Z"), (names(&[]), GOOD, BAD));
    assert_eq!(scan("2031-05-01T00:00:01Z"), (names(&["two"]), GOOD, BAD));
    // The last instant, and the one behind it.
    assert_eq!(scan("2031-06-01T00:00:00Z"), (names(&["two"]), GOOD, BAD));
    assert_eq!(scan("2031-06-01T00:00:00.000000001Z"), (names(&["one", "two"]), BAD, BAD));
    assert_eq!(scan("2031-06-30T23:59:59Z"), (names(&["one", "two"]), BAD, BAD));
    assert_eq!(scan("2031-07-01T00:00:00Z"), (names(&["one", "two"]), BAD, GOOD));
    assert_eq!(scan("2031-07-02T00:00:00Z"), (names(&["one"]), BAD, GOOD));
    // A clock that was set back: the first scan has said the same.
    assert_eq!(scan("2031-05-02T00:00:00Z"), (names(&["two"]), GOOD, BAD));
}

#[test]
fn another_registry_judges_all_anew_and_the_same_one_again_nothing() {
    let shop = Shop::new();
    let (good, bad) = (registry("", ""), registry("valid_until = 2030-01-01", ""));
    let now = "2031-05-01T00:00:00Z";
    assert_eq!(shop.scan(&good, "good", now).1.len(), 3);
    assert_eq!(shop.scan(&good, "good", now).1.len(), 0);
    let (verdicts, judged) = shop.scan(&bad, "bad", now);
    assert_eq!((verdicts["one"], judged.len()), (Verdict::Expired, 3));
    let (verdicts, judged) = shop.scan(&good, "good", now);
    assert_eq!((verdicts["one"], judged.len()), (Verdict::Authenticated, 0));
    assert_eq!(shop.count("result"), 6, "what has not changed is not written again");
}

#[test]
fn what_has_changed_alone_is_written() {
    let shop = Shop::new();
    let registry = registry("", "");
    let now = "2031-05-01T00:00:00Z";
    shop.scan(&registry, "r", now);
    shop.scan(&registry, "r", now);
    assert_eq!((shop.count("result"), shop.count("run"), shop.count("segment")), (3, 2, 1));
    // Another content under a name, a file that has come, one that has gone, and one that was only touched.
    fs::write(shop.apk("three"), apk("com.example.three", "ec-p256")).unwrap();
    fs::write(shop.apk("four"), apk("com.example.four", "ec-p256")).unwrap();
    let (verdicts, judged) = shop.scan(&registry, "r", now);
    assert_eq!(judged, ["four", "three"]);
    assert_eq!(verdicts["three"], Verdict::Counterfeit);
    assert_eq!((shop.count("result"), shop.count("run WHERE scan = 3")), (5, 4));
    fs::remove_file(shop.apk("one")).unwrap();
    let same = fs::read(shop.apk("two")).unwrap();
    fs::write(shop.apk("two"), same).unwrap();
    assert_eq!(shop.scan(&registry, "r", now).1, ["two"]);
    assert_eq!(shop.count("result"), 6);
    assert_eq!(shop.scan(&registry, "r", now).1.len(), 0);
    assert_eq!(shop.count("result"), 6);
}

/// However often a store changes, few scans are looked into.
#[test]
fn many_small_changes_come_together_again() {
    let shop = Shop::new();
    let registry = registry("", "");
    for number in 0..40 {
        fs::write(shop.apk(&format!("new{number:02}")), apk("com.example.new", "ec-p256")).unwrap();
        let (verdicts, _) = shop.scan(&registry, "r", "2031-05-01T00:00:00Z");
        assert_eq!(verdicts.len(), 4 + number);
        assert!(shop.count(&format!("(SELECT DISTINCT source FROM run WHERE scan = {})", number + 1)) <= 17);
    }
    shop.scan(&registry, "r", "2031-05-01T00:00:00Z");
    assert_eq!(shop.scan(&registry, "r", "2031-05-01T00:00:00Z").1.len(), 0);
}

#[test]
fn a_scan_that_was_broken_off_is_no_base_and_leaves_nothing_behind() {
    let shop = Shop::new();
    let registry = registry("", "");
    let now = "2031-05-01T00:00:00Z";
    assert_eq!(shop.scan_until(&registry, "r", now, 2).1.len(), 2);
    assert_eq!(shop.scan(&registry, "r", now).1.len(), 3);
    assert_eq!(shop.scan_until(&registry, "r", now, 1).1.len(), 0);
    assert_eq!(shop.scan(&registry, "r", now).1.len(), 0);
    assert_eq!((shop.count("scan"), shop.count("result")), (2, 3));
    let of_none = "WHERE scan NOT IN (SELECT id FROM scan)";
    for table in ["result", "run", "segment"] {
        assert_eq!(shop.count(&format!("{table} {of_none}")), 0, "{table}");
    }
}

/// What is altered is judged anew.
#[test]
fn a_segment_that_is_altered_is_not_believed() {
    let shop = Shop::new();
    let registry = registry("", "");
    let now = "2031-05-01T00:00:00Z";
    assert_eq!(shop.scan(&registry, "r", now).1.len(), 3);
    let change = |sql: &str| {
        let connection = rusqlite::Connection::open(shop.db()).unwrap();
        assert!(connection.execute(sql, []).unwrap() > 0, "{sql}");
    };
    change("UPDATE segment SET bytes = bytes || x'00'");
    assert_eq!(shop.scan(&registry, "r", now).1.len(), 3);
    // Of another scan, and by another registry.
    assert_eq!(shop.scan(&registry, "other", now).1.len(), 3);
    change("DELETE FROM segment WHERE scan = 2");
    change("UPDATE segment SET scan = 2 WHERE scan = 3");
    assert_eq!(shop.scan(&registry, "r", now).1.len(), 3);
    assert_eq!(shop.scan(&registry, "r", now).1.len(), 0);
    // A report that cannot have a row says so, and not that there were fewer.
    change("DELETE FROM result WHERE scan = 4 AND number > 0");
    let report = text_of(&["report", "--db", shop.db().to_str().unwrap()]);
    assert_eq!(report.0, Some(2), "{}", report.1);
    assert!(report.2.contains("a result is gone; scan again with --rehash"), "{}", report.2);
}

fn text_of(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("apkvouch"));
    let output = command.args(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    // A finding that says for which time it holds.
    let out: Vec<String> = text(output.stdout)
        .lines()
        .map(|line| match line.split_once("actual now 20") {
            Some((before, after)) => format!("{before}{}", after.get(18..).unwrap_or_default()),
            None => line.to_owned(),
        })
        .collect();
    (output.status.code(), out.join("\n"), text(output.stderr))
}

const TREES: [&str; 7] = [
    "testdata/demo/store",
    "testdata/v1",
    "testdata/v4",
    "testdata/containers",
    "testdata/stamp",
    "testdata/marks",
    "testdata/zip",
];

/// The table is the same to the last byte: without a database, with a new one, and with one that knows all.
#[test]
fn a_table_says_the_same_however_it_came_about() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    let exception =
        "[[exception]]\npackage = \"com.riverbank.wallet\"\nrules = [\"min-scheme\"]\nreason = \"old\"\n";
    let policies = ["2099-01-01", "2020-01-01"].map(|expires| {
        let head = "schema = 1\nname = \"p\"\n[signature]\nmin_scheme = \"v3.1\"\n";
        format!("{head}{exception}expires = {expires}\n")
    });
    let registry = ["--registry", "testdata/demo/registry.toml"];
    let with_policy = [&registry[..], &["--policy", policy.to_str().unwrap()]].concat();
    let db = folder.path().join("scans.db");
    let db = ["--db", db.to_str().unwrap()];
    for (number, against) in
        [&[][..], &registry, &with_policy, &with_policy, &[], &registry].into_iter().enumerate()
    {
        fs::write(&policy, &policies[number / 3]).unwrap();
        for more in [&[][..], &["--only-bad"]] {
            let plain = [&["scan"], &TREES[..], against, more].concat();
            let expected = text_of(&plain);
            assert!(expected.1.lines().count() > 20, "{}", expected.1);
            for _ in 0..2 {
                assert_eq!(text_of(&[&plain[..], &db].concat()), expected, "{against:?} {more:?}");
            }
        }
    }
    // What was recalled stands in the database as if it were new.
    let report = text_of(&[&["report"], &db[..], &registry].concat());
    assert_eq!(report, text_of(&[&["scan"], &TREES[..], &registry].concat()));
}

/// What was kept of files is deleted, and what was said of them is not: who has no need of more reads none of them.
#[test]
fn a_second_scan_reads_nothing_unless_it_is_asked_for_more() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("scans.db");
    let scan = ["scan", "testdata/v1", "--db", db.to_str().unwrap()];
    let first = text_of(&scan);
    let forget = || {
        let connection = rusqlite::Connection::open(&db).unwrap();
        let count = |table: &str| -> i64 {
            connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
        };
        let counts = (count("file"), count("body"));
        connection.execute_batch("DELETE FROM file; DELETE FROM body").unwrap();
        counts
    };
    let (read, _) = forget();
    assert!(read > 20, "{read}");
    assert_eq!(text_of(&scan), first);
    assert_eq!(forget(), (0, 0), "nothing was read");
    let registry = ["--registry", "testdata/demo/registry.toml"];
    let against = [&scan[..], &registry].concat();
    // Another registry, and the same one again.
    assert_ne!(text_of(&against), first);
    assert_eq!(forget().0, read);
    text_of(&against);
    assert_eq!(forget(), (0, 0));
    // As of another day, with all that is there, and when it is said so: all of them.
    for more in [&["--at", "2030-01-01"][..], &["--format", "json"], &["--rehash"]] {
        text_of(&[&against[..], more].concat());
        assert_eq!(forget().0, read, "{more:?}");
    }
}

/// What is kept of a scan in one language is not said again in another.
#[test]
fn a_table_is_in_the_language_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("scans.db");
    let db = ["--db", db.to_str().unwrap()];
    let scan = ["scan", "testdata/v1", "testdata/zip"];
    for language in ["en", "zh", "zh", "en", "zh"] {
        let plain = [&scan[..], &["--lang", language]].concat();
        let expected = text_of(&plain);
        assert_eq!(expected.1.starts_with("结论  "), language == "zh", "{}", expected.1);
        assert_eq!(text_of(&[&plain[..], &db].concat()), expected, "{language}");
    }
}
