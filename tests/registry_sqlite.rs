//! The registry in SQLite says what its text says, and changes as its text does.

#![expect(clippy::unwrap_used, reason = "test code: a step that cannot be done is to stop the test")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;

use apkvouch::Registry;
use apkvouch::VerifyOptions;
use apkvouch::decide;
use apkvouch::identity::CertificateDigest;
use apkvouch::policy;
use apkvouch::policy::Policy;
use apkvouch::registry;
use apkvouch::registry::App;
use apkvouch::registry::Change;
use apkvouch::registry::DeniedKey;
use apkvouch::registry::ExportFormat;
use apkvouch::registry::Key;
use apkvouch::registry::KeyStatus;
use apkvouch::registry::Needs;
use apkvouch::registry::NewStatus;
use apkvouch::registry::Role;
use apkvouch::registry::SignerSet;
use apkvouch::registry::SqliteRegistry;
use apkvouch::registry::SqliteWriter;
use apkvouch::registry::Store;
use apkvouch::registry::Subject;
use apkvouch::registry::trust;
use apkvouch::registry::trust::SecretKey;
use apkvouch::registry::trust::TrustOptions;
use apkvouch::source::FileSource;
use apkvouch::verify;
use tempfile::TempDir;

const NOW: &str = "2026-06-01T12:00:00Z";

/// The time for which is asked.
fn now() -> jiff::Timestamp {
    NOW.parse().unwrap()
}

fn digest(byte: u8) -> CertificateDigest {
    CertificateDigest([byte; 32])
}

/// `registry` in SQLite, in a folder of its own.
fn in_sqlite(registry: &Registry) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.db");
    let mut writer = SqliteWriter::create(&path, registry.header()).unwrap();
    writer.all(registry).unwrap();
    writer.finish().unwrap();
    (folder, path)
}

#[test]
fn a_file_that_was_not_finished_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.db");
    let registry = good();
    let begun = SqliteWriter::create(&path, registry.header()).unwrap();
    assert!(path.exists());
    drop(begun);
    // Nor one whose keys belong to nobody.
    let mut dangling = SqliteWriter::create(&path, registry.header()).unwrap();
    dangling.key(registry.keys().next().unwrap()).unwrap();
    assert!(dangling.finish().unwrap_err().to_string().contains("expected the subject of a key"));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "nothing of it is left");
    // What was there before is nobody's to remove.
    fs::write(&path, "mine").unwrap();
    assert!(SqliteWriter::create(&path, registry.header()).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

fn good() -> Registry {
    Registry::load("testdata/registry/good.toml").unwrap()
}

#[test]
fn gives_back_what_was_put_in() {
    for registry in [good(), Registry::load("testdata/demo/registry.toml").unwrap()] {
        let (_folder, path) = in_sqlite(&registry);
        let sqlite = SqliteRegistry::open(&path).unwrap();
        assert!(sqlite.whole().unwrap().says_the_same_as(&registry));
        assert_eq!(sqlite.header(), registry.header());
        for app in registry.apps() {
            assert_eq!(sqlite.app(&app.package).unwrap().as_ref(), Some(app));
            for certificate in app.signers.iter().flat_map(|set| &set.certificates) {
                assert!(sqlite.packages_of(certificate).unwrap().contains(&app.package));
            }
        }
        for key in registry.keys() {
            assert_eq!(sqlite.key(&key.certificate).unwrap().as_ref(), Some(key));
        }
        for subject in registry.subjects() {
            assert_eq!(sqlite.subject(&subject.id).unwrap().as_ref(), Some(subject));
        }
        assert_eq!(sqlite.app("").unwrap(), None);
        assert_eq!(sqlite.key(&digest(0)).unwrap(), None);
        assert_eq!(sqlite.counts().unwrap().keys, u64::try_from(registry.keys().count()).unwrap());
        assert!(Registry::load(&path).unwrap().says_the_same_as(&registry), "by its first bytes");
    }
}

/// What was judged by one file is not taken for judged by another, or by one that may have changed since.
#[cfg(unix)]
#[test]
fn a_file_stands_for_what_it_says_once_it_is_at_rest() {
    use std::os::unix::fs::MetadataExt as _;

    let (_folder, path) = in_sqlite(&good());
    let stands_for = |path: &Path, seconds: i64| {
        let changed = fs::metadata(path).unwrap().ctime();
        let mut options = TrustOptions::new(jiff::Timestamp::from_second(changed + seconds).unwrap());
        options.out_of_force = true;
        trust::open(path, &options).unwrap()
    };
    let at_rest = |path: &Path| stands_for(path, 3).stands_for();
    for seconds in [-1, 0, 1, 2] {
        assert_eq!(stands_for(&path, seconds).stands_for(), None, "{seconds}");
    }
    let first = at_rest(&path);
    assert!(first.is_some());
    assert_eq!(stands_for(&path, 1_000).stands_for(), first);
    assert_eq!(stands_for(&path, 3).as_of(now()).stands_for(), None, "of another day");
    // The same bytes in another file; and the same file after it was written to, with its old time of change.
    let copy = path.with_extension("copy");
    fs::copy(&path, &copy).unwrap();
    assert!(at_rest(&copy).is_some_and(|digest| Some(digest) != first));
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"S", 0).unwrap();
    file.set_modified(modified).unwrap();
    drop(file);
    assert!(at_rest(&path).is_some_and(|digest| Some(digest) != first));
    // A text is known by its bytes, however new it is.
    let text = path.with_extension("toml");
    fs::write(&text, "schema = 1\nid = \"r\"\n").unwrap();
    let first = stands_for(&text, 0).stands_for();
    assert!(first.is_some());
    fs::write(&text, "schema = 1\nid = \"r\"\n").unwrap();
    assert_eq!(stands_for(&text, 0).stands_for(), first);
    fs::write(&text, "schema = 1\nid = \"s\"\n").unwrap();
    assert!(stands_for(&text, 0).stands_for().is_some_and(|digest| Some(digest) != first));
}

/// Every committed APK, judged by the whole and by the part that it needs.
#[test]
fn the_part_that_a_file_needs_judges_it_as_the_whole_does() {
    let registry = Registry::load("testdata/demo/registry.toml").unwrap();
    let (_folder, path) = in_sqlite(&registry);
    let sqlite = SqliteRegistry::open(&path).unwrap();
    let mut apks = Vec::new();
    let mut folders = vec![
        PathBuf::from("testdata/demo/store"),
        PathBuf::from("testdata/v3"),
        PathBuf::from("testdata/v32"),
    ];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "apk") {
                apks.push(path);
            }
        }
    }
    let mut verdicts = BTreeSet::new();
    for apk in &apks {
        let evidence = verify(&FileSource::open(apk).unwrap(), &VerifyOptions::default()).unwrap();
        let part = sqlite.part(&policy::needs(&evidence)).unwrap();
        let judged =
            |registry: &Registry| decide(&evidence, registry, &Policy::default(), NOW.parse().unwrap());
        let (whole, part) = (judged(&registry), judged(&part));
        assert_eq!(format!("{whole:?}"), format!("{part:?}"), "{}", apk.display());
        verdicts.insert(whole.verdict);
    }
    assert!(apks.len() > 20 && verdicts.len() > 6, "{} files, {verdicts:?}", apks.len());
}

/// Changes, each of which is refused or made by itself.
fn changes() -> Vec<Change> {
    let set =
        |bytes: &[u8]| SignerSet::new(bytes.iter().map(|byte| digest(*byte)).collect(), Role::Developer);
    let status = |byte, status| Change::Status {
        certificate: digest(byte),
        status: NewStatus::new(status, "2026-05-01".parse().unwrap()),
    };
    let mut rotated = NewStatus::new(KeyStatus::Rotated, "2026-05-02".parse().unwrap());
    rotated.replaced_by = Some(digest(0xf6));
    let mut in_a_circle = rotated.clone();
    in_a_circle.replaced_by = Some(digest(0xa1));
    vec![
        Change::Subject(Subject::new("new", "New", BTreeSet::from([Role::Developer]))),
        Change::Subject(Subject::new("new", "Again", BTreeSet::from([Role::Developer]))),
        Change::Key(Box::new(Key::new(digest(0xf6), "new"))),
        Change::Key(Box::new(Key::new(digest(0xf7), "nobody"))),
        Change::App(App::new("com.example.new", "new", vec![set(&[0xf6])])),
        Change::App(App::new("new", "new", vec![set(&[0xf6])])),
        Change::App(App::new("com.example.app", "new", vec![set(&[0xf6])])),
        Change::App(App::new("com.example.none", "new", vec![set(&[0xf8])])),
        Change::Signers { package: "com.example.app".to_owned(), set: set(&[0xf6, 0xa2]) },
        Change::Signers { package: "com.example.app".to_owned(), set: set(&[0xf6, 0xa2]) },
        Change::Denied(DeniedKey::new(digest(0xd0), "leaked", "x")),
        Change::Denied(DeniedKey::new(digest(0xdd), "leaked", "x")),
        status(0xc3, KeyStatus::Suspended),
        status(0xc3, KeyStatus::Suspended),
        status(0xe5, KeyStatus::Active),
        status(0x99, KeyStatus::Revoked),
        Change::Status { certificate: digest(0xa2), status: in_a_circle },
        Change::Status { certificate: digest(0xa2), status: rotated },
        Change::Expiry("2020-01-01".parse().unwrap()),
        Change::Expiry("2028-01-01".parse().unwrap()),
    ]
}

#[test]
fn changes_as_the_text_does_and_refuses_the_same() {
    let (folder, db) = in_sqlite(&good());
    let toml = folder.path().join("registry.toml");
    fs::copy("testdata/registry/good.toml", &toml).unwrap();
    let (mut made, mut refused) = (0, 0);
    for change in changes() {
        let update = |path: &Path| {
            registry::update(path, NOW.parse().unwrap(), &Needs::default(), |_| Ok(vec![change.clone()]))
        };
        let before = fs::read(&db).unwrap();
        match (update(&toml), update(&db)) {
            (Ok(text), Ok(sqlite)) => {
                made += 1;
                assert_eq!(text, sqlite, "{change:?}");
            }
            (Err(text), Err(sqlite)) => {
                refused += 1;
                assert_eq!((text.exit_code(), sqlite.exit_code()), (2, 2));
                assert_eq!(fs::read(&db).unwrap(), before, "{change:?}: {sqlite}");
            }
            (text, sqlite) => assert_eq!(format!("{text:?}"), format!("{sqlite:?}"), "{change:?}"),
        }
        let (text, sqlite) = (Registry::load(&toml).unwrap(), Registry::load(&db).unwrap());
        assert!(text.says_the_same_as(&sqlite), "{change:?}");
    }
    assert!(made > 6 && refused > 8, "{made} made, {refused} refused");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no journal is left");
}

#[test]
fn all_changes_of_an_update_are_made_or_none() {
    let (_folder, path) = in_sqlite(&good());
    let before = fs::read(&path).unwrap();
    let all = changes();
    let error = registry::update(&path, NOW.parse().unwrap(), &Needs::default(), |_| Ok(all)).unwrap_err();
    assert!(error.to_string().contains("registered already"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    let none = registry::update(&path, NOW.parse().unwrap(), &Needs::default(), |_| Ok(Vec::new())).unwrap();
    assert_eq!((none.len(), fs::read(&path).unwrap()), (0, before));
}

#[test]
fn a_writer_sees_to_what_rows_refer_to() {
    let folder = tempfile::tempdir().unwrap();
    let set = SignerSet::new(BTreeSet::from([digest(1)]), Role::Developer);
    let subject = Subject::new("a", "A", BTreeSet::from([Role::Developer]));
    let mut number = 0;
    let mut finished = |fill: &dyn Fn(&mut SqliteWriter)| {
        number += 1;
        let path = folder.path().join(format!("{number}.db"));
        let mut writer = SqliteWriter::create(&path, good().header()).unwrap();
        fill(&mut writer);
        writer.finish().map_err(|error| error.to_string())
    };
    let app = App::new("com.example.app", "a", vec![set]);
    assert!(
        finished(&|writer| writer.key(&Key::new(digest(1), "a")).unwrap())
            .unwrap_err()
            .contains("subject of a key")
    );
    assert!(finished(&|writer| writer.app(&app).unwrap()).unwrap_err().contains("owner of an app"));
    let without_key = |writer: &mut SqliteWriter| {
        writer.subject(&subject).unwrap();
        writer.app(&app).unwrap();
    };
    assert!(finished(&without_key).unwrap_err().contains("key of a signer"));
    let complete = |writer: &mut SqliteWriter| {
        without_key(writer);
        writer.key(&Key::new(digest(1), "a")).unwrap();
    };
    assert_eq!(finished(&complete), Ok(()));
    let there = SqliteWriter::create(folder.path().join("4.db"), good().header()).unwrap_err();
    assert!(there.to_string().contains("there is a file already"));
}

#[test]
fn files_of_others_and_of_other_versions_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let refused = |why: &str| {
        let error = Registry::load(&path).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(
            error.to_string().contains(why) && !error.to_string().contains('\n'),
            "expected {why:?} in {error}"
        );
    };
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE key (x)").unwrap();
    drop(other);
    refused("found a SQLite file of another program");
    fs::remove_file(&path).unwrap();
    let mut writer = SqliteWriter::create(&path, good().header()).unwrap();
    writer.all(&good()).unwrap();
    writer.finish().unwrap();
    for (version, why) in [(2, "of schema version 1, found 2"), (0, "of schema version 1, found 0")] {
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", version).unwrap();
        drop(connection);
        refused(why);
    }
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(Registry::load(&path).unwrap_err().exit_code(), 2, "cut off");
    fs::write(&path, b"SQLite format 3\0 and nothing more").unwrap();
    refused("SQLite says: ");
}

#[test]
fn is_signed_as_a_text_is_and_altered_in_any_byte_refused() {
    let (folder, path) = in_sqlite(&good());
    let key = SecretKey::generate().unwrap();
    let bytes = fs::read(&path).unwrap();
    fs::write(trust::signature_path(&path), key.sign(&bytes, "x").unwrap().to_string()).unwrap();
    let mut options = TrustOptions::new(NOW.parse().unwrap());
    options.keys = vec![key.public_key()];
    options.state = Some(folder.path().join("seen.json"));
    assert_eq!(trust::load(&path, &options).unwrap().signed_by(), [key.public_key().id()]);
    assert_eq!(trust::open(&path, &options).unwrap().header().serial, Some(7));
    // A file this large is signed by its digest alone: a signature over a file that holds the digest is none.
    let relabelled = fs::read_to_string(trust::signature_path(&path)).unwrap().replace("\nRU", "\nRW");
    let signed = fs::read_to_string(trust::signature_path(&path)).unwrap();
    assert_ne!(relabelled, signed);
    fs::write(trust::signature_path(&path), relabelled).unwrap();
    assert!(trust::open(&path, &options).unwrap_err().to_string().contains("does not fit"));
    fs::write(trust::signature_path(&path), signed).unwrap();
    for at in (0..bytes.len()).step_by(61) {
        let mut altered = bytes.clone();
        altered[at] ^= 0x10;
        fs::write(&path, &altered).unwrap();
        assert!(trust::open(&path, &options).is_err() && trust::load(&path, &options).is_err(), "byte {at}");
    }
    // Nor is one that was changed as it should be, without its being signed again.
    fs::write(&path, &bytes).unwrap();
    registry::update(&path, NOW.parse().unwrap(), &Needs::default(), |_| {
        Ok(changes().into_iter().take(1).collect())
    })
    .unwrap();
    assert!(trust::open(&path, &options).unwrap_err().to_string().contains("does not fit"));
    // Nor an older edition.
    let newer = fs::read(&path).unwrap();
    fs::write(trust::signature_path(&path), key.sign(&newer, "x").unwrap().to_string()).unwrap();
    assert!(trust::open(&path, &options).is_ok());
    fs::write(&path, &bytes).unwrap();
    fs::write(trust::signature_path(&path), key.sign(&bytes, "x").unwrap().to_string()).unwrap();
    assert!(
        trust::open(&path, &options).unwrap_err().to_string().contains("older than one that was accepted")
    );
    options.now = "2027-01-01T00:00:00Z".parse().unwrap();
    assert!(trust::open(&path, &options).unwrap_err().to_string().contains("the registry expired"));
}

/// A write-ahead log that puts all pages of `forged` in the place of those of the file beside it.
///
/// Source: <https://www.sqlite.org/fileformat.html>, §4.
fn write_ahead_log(forged: &[u8]) -> Vec<u8> {
    let sum = |bytes: &[u8], mut sums: [u32; 2]| {
        for pair in bytes.chunks_exact(8) {
            let word = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
            let (first, second) = pair.split_at(4);
            sums[0] = sums[0].wrapping_add(word(first)).wrapping_add(sums[1]);
            sums[1] = sums[1].wrapping_add(word(second)).wrapping_add(sums[0]);
        }
        sums
    };
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
    let size = page_size(forged);
    let pages = u32::try_from(forged.len() / size).unwrap();
    let mut log = words(&[0x377f_0682, 3_007_000, u32::try_from(size).unwrap(), 0, 1, 2]);
    let mut sums = sum(&log, [0, 0]);
    log.extend(words(&sums));
    for (number, page) in (1..).zip(forged.chunks_exact(size)) {
        let frame = words(&[number, if number == pages { pages } else { 0 }]);
        sums = sum(page, sum(&frame, sums));
        log.extend(frame);
        log.extend(words(&[1, 2, sums[0], sums[1]]));
        log.extend(page);
    }
    log
}

/// A rollback journal that puts all pages of `forged` in the place of those of the file beside it.
///
/// Source: <https://www.sqlite.org/fileformat.html>, §3.
fn journal(forged: &[u8]) -> Vec<u8> {
    let size = page_size(forged);
    let pages = u32::try_from(forged.len() / size).unwrap();
    let mut journal = vec![0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    for number in [pages, 0, pages, 512, u32::try_from(size).unwrap()] {
        journal.extend(number.to_be_bytes());
    }
    journal.resize(512, 0);
    for (number, page) in (1_u32..).zip(forged.chunks_exact(size)) {
        let sum: u32 = page.iter().rev().skip(199).step_by(200).map(|byte| u32::from(*byte)).sum();
        journal.extend(number.to_be_bytes());
        journal.extend(page);
        journal.extend(sum.to_be_bytes());
    }
    journal
}

fn page_size(file: &[u8]) -> usize {
    usize::from(u16::from_be_bytes(file.get(16..18).unwrap().try_into().unwrap()))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// A registry that is signed, what it takes to believe it, and one by somebody else.
fn signed_and_forged() -> (TempDir, PathBuf, TrustOptions, Vec<u8>) {
    let (folder, path) = in_sqlite(&good());
    let key = SecretKey::generate().unwrap();
    let bytes = fs::read(&path).unwrap();
    fs::write(trust::signature_path(&path), key.sign(&bytes, "x").unwrap().to_string()).unwrap();
    let mut options = TrustOptions::new(NOW.parse().unwrap());
    options.keys = vec![key.public_key()];
    let text = fs::read_to_string("testdata/registry/good.toml").unwrap();
    let stranger = Registry::parse(&text.replace("com.example.app", "com.example.forged"), "x").unwrap();
    let (_other, forged) = in_sqlite(&stranger);
    let forged = fs::read(forged).unwrap();
    assert_eq!(forged.len(), bytes.len());
    (folder, path, options, forged)
}

/// SQLite reads a write-ahead log, and plays back a journal, of which the signature says nothing.
#[test]
fn what_stands_beside_a_signed_registry_does_not_speak_for_it() {
    let (folder, path, options, forged) = signed_and_forged();
    let bytes = fs::read(&path).unwrap();
    // These are what SQLite takes for such: unasked, it reads the forged registry.
    for (suffix, content) in [("-wal", write_ahead_log(&forged)), ("-journal", journal(&forged))] {
        let other = folder.path().join("other.db");
        fs::write(&other, &bytes).unwrap();
        fs::write(beside(&other, suffix), content).unwrap();
        let sql = "SELECT count(*) FROM app WHERE package = 'com.example.forged'";
        let connection = rusqlite::Connection::open(&other).unwrap();
        assert_eq!(connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 1, "{suffix}");
    }
    let key = options.keys[0].to_string();
    let mut remembered = TrustOptions::new(options.now);
    remembered.state = Some(folder.path().join("seen.json"));
    for (suffix, content) in [
        ("-wal", write_ahead_log(&forged)),
        ("-journal", journal(&forged)),
        ("-journal", Vec::new()),
        ("-wal", Vec::new()),
        ("-shm", vec![0; 32768]),
    ] {
        fs::write(beside(&path, suffix), content).unwrap();
        for options in [&options, &remembered] {
            for error in [
                trust::open(&path, options).map(drop).unwrap_err(),
                trust::load(&path, options).map(drop).unwrap_err(),
            ] {
                assert_eq!(error.exit_code(), 2);
                let told = error.to_string();
                assert!(told.contains(suffix) && told.lines().count() == 1, "{suffix}: {told}");
            }
        }
        let name = path.to_str().unwrap();
        let apk = "testdata/demo/store/games/knight-moves.apk";
        for arguments in [
            &["gate", apk, "--registry", name, "--registry-key", &key][..],
            &["scan", apk, "--registry", name, "--registry-key", &key],
            &["registry", "check", name, "--registry-key", &key],
        ] {
            let run = apkvouch(arguments);
            assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{suffix} {arguments:?}: {}", run.err);
            assert!(run.err.contains(suffix) && run.err.lines().count() == 1, "{}", run.err);
        }
        fs::remove_file(beside(&path, suffix)).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes, "{suffix}");
    }
    assert!(!folder.path().join("seen.json").exists(), "nothing was accepted");
    assert!(trust::open(&path, &options).is_ok());
}

/// Whoever reads plays nothing back, signed or not; whoever changes the registry does.
#[test]
fn a_change_that_was_broken_off_is_undone_by_who_writes() {
    let (_folder, path, _, forged) = signed_and_forged();
    let bytes = fs::read(&path).unwrap();
    fs::write(beside(&path, "-journal"), journal(&forged)).unwrap();
    let trusted = TrustOptions::new(NOW.parse().unwrap());
    for error in [
        Registry::load(&path).map(drop).unwrap_err(),
        trust::open(&path, &trusted).map(drop).unwrap_err(),
        SqliteRegistry::open(&path).map(drop).unwrap_err(),
    ] {
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("a change of the registry was broken off"), "{error}");
    }
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert!(SqliteRegistry::open_to_change(&path).unwrap().app("com.example.forged").unwrap().is_some());
    assert!(!beside(&path, "-journal").exists());
    assert_eq!(Registry::load(&path).unwrap().apps().count(), good().apps().count());
    // No registry has a write-ahead log.
    fs::write(beside(&path, "-wal"), write_ahead_log(&bytes)).unwrap();
    for error in [Registry::load(&path).map(drop), SqliteRegistry::open_to_change(&path).map(drop)]
        .map(Result::unwrap_err)
    {
        assert!(error.to_string().contains("-wal stands beside it"), "{error}");
    }
}

/// Nothing is played back into the file of another program, or of a newer version, which is refused.
#[test]
fn a_file_that_is_refused_is_left_as_it_is_with_what_stands_beside_it() {
    for (what, sql, why) in [
        ("no registry", "PRAGMA application_id = 7", "of another program"),
        ("a newer one", "PRAGMA user_version = 2", "of schema version 1, found 2"),
    ] {
        let (_folder, path) = in_sqlite(&good());
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch(sql).unwrap();
        drop(connection);
        let bytes = fs::read(&path).unwrap();
        let (_other, forged) = in_sqlite(&good());
        let played_back = journal(&fs::read(forged).unwrap());
        fs::write(beside(&path, "-journal"), &played_back).unwrap();
        let now = NOW.parse().unwrap();
        let error = registry::update(&path, now, &Needs::default(), |_| Ok(changes())).unwrap_err();
        assert!(error.to_string().contains(why), "{what}: {error}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "{what}");
        assert_eq!(fs::read(beside(&path, "-journal")).unwrap(), played_back, "{what}");
        // SQLite would have played it back.
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.query_row("SELECT count(*) FROM app", [], |row| row.get::<_, i64>(0)).unwrap();
        assert_ne!(fs::read(&path).unwrap(), bytes, "{what}");
    }
}

/// What comes to stand beside a registry once it is open says nothing either.
#[test]
fn what_comes_to_stand_beside_a_registry_that_is_open_is_not_read() {
    for (suffix, content) in [("-wal", write_ahead_log as fn(&[u8]) -> Vec<u8>), ("-journal", journal)] {
        let (_folder, path, options, forged) = signed_and_forged();
        let store = trust::open(&path, &options).unwrap();
        fs::write(beside(&path, suffix), content(&forged)).unwrap();
        let mut needs = Needs::default();
        needs.packages.extend(["com.example.app", "com.example.forged"].map(str::to_owned));
        let part = store.part(&needs).unwrap();
        let packages: Vec<&str> = part.apps().map(|app| app.package.as_str()).collect();
        assert_eq!(packages, ["com.example.app"], "{suffix}");
    }
}

type Replace = fn(&Path, &[u8]);

/// How somebody may put another registry in the place of one that is open.
fn replacements() -> [(&'static str, Replace); 4] {
    [
        ("by another file", |path, forged| {
            let other = path.with_extension("other");
            fs::write(&other, forged).unwrap();
            fs::rename(&other, path).unwrap();
        }),
        ("in place", |path, forged| fs::write(path, forged).unwrap()),
        ("with its time put back", |path, forged| {
            let modified = fs::metadata(path).unwrap().modified().unwrap();
            fs::write(path, forged).unwrap();
            fs::OpenOptions::new().write(true).open(path).unwrap().set_modified(modified).unwrap();
        }),
        ("by nothing", |path, _| fs::remove_file(path).unwrap()),
    ]
}

/// What was digested is what is read, to the end, whatever becomes of the file.
#[test]
fn a_signed_registry_that_is_replaced_while_it_is_read_stays_what_it_was() {
    for (how, replace) in replacements() {
        let (_folder, path, options, forged) = signed_and_forged();
        let store = trust::open(&path, &options).unwrap();
        replace(&path, &forged);
        let mut needs = Needs::default();
        needs.packages.extend(["com.example.app", "com.example.forged"].map(str::to_owned));
        let part = store.part(&needs).unwrap();
        let packages: Vec<&str> = part.apps().map(|app| app.package.as_str()).collect();
        assert_eq!(packages, ["com.example.app"], "{how}");
        let mut seen = Vec::new();
        let each = |app: &App| {
            seen.push(app.package.clone());
            Ok::<(), apkvouch::Error>(())
        };
        store.each_app(each).unwrap();
        assert!(!seen.iter().any(|package| package == "com.example.forged"), "{how}");
        assert_eq!(store.counts().unwrap().apps, u64::try_from(seen.len()).unwrap(), "{how}");
    }
}

/// Of one that nobody has signed nobody can tell what it was, but that it is another now.
#[test]
fn a_registry_that_is_replaced_while_it_is_read_is_refused() {
    for (how, replace) in replacements() {
        let (_folder, path, _, forged) = signed_and_forged();
        let store = Store::open(&path).unwrap();
        let mut needs = Needs::default();
        needs.packages.insert("com.example.app".to_owned());
        assert_eq!(store.part(&needs).unwrap().apps().count(), 1);
        replace(&path, &forged);
        for error in [
            store.part(&needs).map(drop).unwrap_err(),
            store.counts().map(drop).unwrap_err(),
            store.each_app(|_| Ok::<(), apkvouch::Error>(())).unwrap_err(),
        ] {
            assert_eq!(error.exit_code(), 2, "{how}");
            assert!(error.to_string().contains("changed while it was read"), "{how}: {error}");
        }
    }
}

/// Names that mean something to SQLite's way of naming files.
#[test]
fn any_name_of_a_file_will_do() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a?mode=memory#x.db", "100%41.db", ":memory:", "two words, é.db"] {
        let path = folder.path().join(name);
        let mut writer = SqliteWriter::create(&path, good().header()).unwrap();
        writer.all(&good()).unwrap();
        writer.finish().unwrap();
        assert!(Registry::load(&path).unwrap().says_the_same_as(&good()), "{name}");
        let relative = Command::new(assert_cmd::cargo::cargo_bin!("apkvouch"))
            .args(["registry", "check", "--at", "2026-06-01", name])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(relative.status.code(), Some(0), "{name}");
    }
}

struct Run {
    code: Option<i32>,
    out: String,
    err: String,
}

fn apkvouch(arguments: &[&str]) -> Run {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("apkvouch"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// What a command says of the registry in SQLite, with the name of the text for that of the file.
fn of_both(registry: &Registry, text: &str, arguments: &[&str]) -> [(Option<i32>, String, String); 2] {
    let (_folder, path) = in_sqlite(registry);
    let path = path.to_str().unwrap();
    [text, path].map(|file| {
        let arguments: Vec<&str> =
            arguments.iter().map(|argument| if *argument == "R" { file } else { argument }).collect();
        let run = apkvouch(&arguments);
        (run.code, run.out.replace(path, text), run.err.replace(path, text))
    })
}

#[test]
fn commands_say_the_same_of_both_forms() {
    let text = "testdata/registry/good.toml";
    let registry = good();
    let mut commands: Vec<Vec<String>> = Vec::new();
    let mut add = |arguments: &[&str]| {
        for more in [&["--format", "json"][..], &[], &["--at", "2026-02-01"]] {
            let at = if more.is_empty() && arguments[1] == "check" { &["--at", "2026-06-01"] } else { more };
            commands.push(arguments.iter().chain(at).map(|argument| (*argument).to_owned()).collect());
        }
    };
    for what in ["apps", "keys", "subjects", "denied"] {
        add(&["registry", "list", "R", what]);
    }
    for app in registry.apps() {
        add(&["registry", "show", "R", &app.package]);
    }
    for key in registry.keys() {
        add(&["registry", "show", "R", &key.certificate.to_string()]);
    }
    for subject in registry.subjects() {
        add(&["registry", "show", "R", &subject.id]);
    }
    let built_in = registry::built_in_denied().map(|key| key.certificate).take(2);
    for certificate in registry.denied_keys().map(|key| key.certificate).chain(built_in) {
        add(&["registry", "show", "R", &certificate.to_string()]);
    }
    add(&["registry", "show", "R", "nobody"]);
    assert!(commands.len() > 40, "{}", commands.len());
    let check = ["registry", "check", "R", "--at", "2026-06-01"].map(str::to_owned).to_vec();
    for command in commands.iter().chain([&check]) {
        let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        let [of_text, of_sqlite] = of_both(&registry, text, &arguments);
        assert_eq!(of_text, of_sqlite, "{command:?}");
        assert!(of_text.0 == Some(0) || command.contains(&"nobody".to_owned()), "{command:?} {of_text:?}");
    }
    // One that holds nothing is an array, too.
    let empty = Registry::parse("schema = 1\nid = \"x\"\n", "x").unwrap();
    let (_folder, path) = in_sqlite(&empty);
    let run = apkvouch(&["registry", "list", path.to_str().unwrap(), "apps", "--format", "json"]);
    assert_eq!((run.code, run.out.as_str()), (Some(0), "[]\n"));
}

/// Scans say the same by a registry in either form, whatever the policy and the day.
#[test]
fn scans_say_the_same_by_both_forms() {
    let text = "testdata/demo/registry.toml";
    let registry = Registry::load(text).unwrap();
    let policy = "testdata/policy/store.toml";
    for more in [&[][..], &["--policy", policy], &["--at", "2026-03-01"]] {
        let arguments = ["scan", "testdata/demo/store", "--registry", "R", "--format", "json"];
        let arguments: Vec<&str> = arguments.iter().chain(more).copied().collect();
        let [of_text, of_sqlite] = of_both(&registry, text, &arguments).map(|(code, out, err)| {
            // Not the second in which each was run.
            let now = ["\"decided_at\": ", "\"actual\": \"now ", "\"actual_zh\": \"当前时间 "];
            let out: Vec<String> = out
                .lines()
                .filter(|line| !now.iter().any(|now| line.contains(now)))
                .map(str::to_owned)
                .collect();
            (code, out, err)
        });
        assert_eq!(of_text, of_sqlite, "{more:?}");
        // The policy is not enforced.
        let code = Some(i32::from(!more.contains(&policy)));
        assert!(of_text.0 == code && of_text.1.len() > 100, "{more:?} {of_text:?}");
    }
}

/// A row that is damaged ends the run when it is asked for: no file is judged by what is left.
#[test]
fn a_row_that_is_damaged_ends_a_scan_and_is_found_by_a_check() {
    let registry = Registry::load("testdata/demo/registry.toml").unwrap();
    let app = registry.apps().next().unwrap();
    let damages = [
        "UPDATE app SET body = '{'",
        "UPDATE app SET body = replace(body, '\"package\":\"', '\"package\":\"x')",
        "UPDATE subject SET body = replace(body, '\"id\":\"', '\"id\":\"x')",
        "UPDATE key SET body = '[]'",
    ];
    for damage in damages {
        let (_folder, path) = in_sqlite(&registry);
        let damaged = rusqlite::Connection::open(&path).unwrap();
        assert!(damaged.execute(damage, []).unwrap() > 0, "{damage}");
        drop(damaged);
        let file = path.to_str().unwrap();
        for arguments in [
            &["scan", "testdata/demo/store", "--registry", file][..],
            &[
                "gate",
                "--unsigned-registry",
                "testdata/demo/store/games/knight-moves.apk",
                "--registry",
                file,
            ],
            &["registry", "check", file],
            &["registry", "show", file, &app.package],
        ] {
            let run = apkvouch(arguments);
            assert_eq!(run.code, Some(2), "{damage}: {arguments:?}: {} {}", run.out, run.err);
            assert!(run.err.contains("the registry is damaged"), "{damage}: {}", run.err);
        }
    }
    // What refers to nobody is found by a check alone: no file may ask for it.
    let (_folder, path) = in_sqlite(&registry);
    rusqlite::Connection::open(&path).unwrap().execute("DELETE FROM subject", []).unwrap();
    let run = apkvouch(&["registry", "check", path.to_str().unwrap()]);
    assert_eq!(run.code, Some(2), "{}", run.out);
}

/// What an import would do is told from the rows that it touches, as when it is done.
#[test]
fn what_an_import_would_do_is_told_without_loading_the_registry() {
    let (folder, path) = in_sqlite(&good());
    let list = folder.path().join("new.csv");
    let owner = &good().subjects().next().unwrap().id.clone();
    fs::write(&list, format!("package,fingerprint\ncom.example.imported,{}\n", "5e".repeat(32))).unwrap();
    let file = path.to_str().unwrap();
    let dry = ["registry", "import", file, list.to_str().unwrap(), "--owner", owner, "--dry-run"];
    let before = fs::read(&path).unwrap();
    let run = apkvouch(&dry);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(
        run.out.contains("+ app com.example.imported") && run.out.contains("would be added"),
        "{}",
        run.out
    );
    assert_eq!(fs::read(&path).unwrap(), before);
    for (damage, code) in [
        ("UPDATE app SET body = '{'", 0),
        (&*format!("UPDATE subject SET body = '{{' WHERE id = '{owner}'"), 2),
    ] {
        rusqlite::Connection::open(&path).unwrap().execute(damage, []).unwrap();
        assert_eq!(apkvouch(&dry).code, Some(code), "{damage}");
    }
}

/// Without the day of its end, so that it is in force whenever the test runs.
fn in_force(text: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.toml");
    let lines: Vec<String> = fs::read_to_string(text).unwrap().lines().map(str::to_owned).collect();
    let lines: Vec<String> = lines.into_iter().filter(|line| !line.starts_with("expires_at")).collect();
    fs::write(&path, lines.join("\n")).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

/// Row by row it becomes what it becomes from memory; one that is not sound becomes nothing.
#[test]
fn is_converted_to_what_it_is() {
    for text in ["testdata/registry/good.toml", "testdata/demo/registry.toml"] {
        let (folder, text) = in_force(text);
        let registry = Registry::load(&text).unwrap();
        let (_other, path) = in_sqlite(&registry);
        let path = path.to_str().unwrap();
        for from in [text.as_str(), path] {
            let to = folder.path().join("new.db");
            let run = apkvouch(&["registry", "convert", from, to.to_str().unwrap()]);
            assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{from}");
            assert!(run.out.contains("has no signature yet"), "{}", run.out);
            assert!(fs::read(&to).unwrap() == fs::read(path).unwrap(), "{from}: every byte");
            fs::remove_file(&to).unwrap();
            for (name, format) in [("new.toml", ExportFormat::Toml), ("new.json", ExportFormat::Json)] {
                let to = folder.path().join(name);
                let run = apkvouch(&["registry", "convert", from, to.to_str().unwrap()]);
                assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{from}");
                assert_eq!(
                    fs::read_to_string(&to).unwrap(),
                    registry::export(&registry, format, now()).0,
                    "{from}"
                );
                fs::remove_file(&to).unwrap();
            }
        }
        rusqlite::Connection::open(path).unwrap().execute("DELETE FROM subject", []).unwrap();
        for name in ["new.db", "new.toml", "new.json"] {
            let to = folder.path().join(name);
            let run = apkvouch(&["registry", "convert", path, to.to_str().unwrap()]);
            assert_eq!(run.code, Some(2), "{name}: {}", run.out);
            assert!(run.err.contains("subject"), "{name}: {}", run.err);
            assert!(!to.exists(), "{name}");
        }
    }
}

/// With so many apps, of keys in every state.
fn many(apps: usize) -> Registry {
    let mut many = "schema = 1\nid = \"many\"\n".to_owned();
    many += "[[subject]]\nid = \"a\"\nname = \"A\"\nroles = [\"developer\"]\n";
    let ended = "revoked\"\nstatus_date = 2026-03-01\nrevoked_for = \"cessation";
    for (byte, status) in [("01", "active"), ("02", "suspended"), ("03", ended)] {
        let digest = byte.repeat(32);
        write!(many, "[[key]]\ncertificate_sha256 = \"{digest}\"\nsubject = \"a\"\nstatus = \"{status}\"\n")
            .unwrap();
    }
    for number in 0..apps {
        let digest = match number % 3 {
            0 => "01",
            1 => "02",
            _ => "03",
        }
        .repeat(32);
        write!(many, "[[app]]\npackage = \"com.example.a{number:04}\"\nowner = \"a\"\n").unwrap();
        write!(many, "[[app.signers]]\ncertificates = [\"{digest}\"]\nrole = \"developer\"\n").unwrap();
    }
    Registry::parse(&many, "many").unwrap()
}

/// Of both forms, of every size that is another number of pieces, on every day: what the whole in memory gives.
#[test]
fn is_exported_piece_by_piece_as_in_memory() {
    let registries = [
        good(),
        Registry::load("testdata/demo/registry.toml").unwrap(),
        Registry::parse("schema = 1\nid = \"x\"\n", "x").unwrap(),
        many(1001),
    ];
    let mut left_out = 0;
    for (registry, format) in
        registries.iter().flat_map(|registry| ExportFormat::ALL.map(|format| (registry, format)))
    {
        let (_folder, path) = in_sqlite(registry);
        for at in [None, Some("2026-02-01T00:00:00Z".parse().unwrap())] {
            let expected = match at {
                Some(at) => registry::export(&registry.as_of(at), format, now()),
                None => registry::export(registry, format, now()),
            };
            for store in [Store::from(registry.clone()), Store::open(&path).unwrap()] {
                let store = match at {
                    Some(at) => store.as_of(at),
                    None => store,
                };
                let (mut text, mut notes) = (String::new(), Vec::new());
                let add = |piece: &str| {
                    text += piece;
                    Ok::<(), apkvouch::Error>(())
                };
                registry::export_in_pieces(&store, format, now(), add, |note| notes.push(note.to_owned()))
                    .unwrap();
                assert_eq!((text, &notes), (expected.0.clone(), &expected.1), "{format:?} {at:?}");
                left_out += notes.len();
            }
        }
    }
    assert!(left_out > 0);
    let (_folder, path) = in_sqlite(&good());
    rusqlite::Connection::open(&path).unwrap().execute("DELETE FROM subject", []).unwrap();
    let file = path.to_str().unwrap();
    let run = apkvouch(&["registry", "export", file, "--format", "json", "--at", "2026-06-01"]);
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{}", run.err);
}

/// Whichever side is in which form: what differs in memory.
#[test]
fn differs_row_by_row_as_in_memory() {
    let mut changed = many(1001);
    let set = SignerSet::new([digest(1)].into(), Role::Developer);
    changed.apply(&Change::Signers { package: "com.example.a0001".to_owned(), set }).unwrap();
    changed.apply(&Change::Denied(DeniedKey::new(digest(1), "stolen", "test"))).unwrap();
    let status = NewStatus::new(KeyStatus::Suspended, "2026-05-01".parse().unwrap());
    changed.apply(&Change::Status { certificate: digest(1), status }).unwrap();
    let fewer: Vec<String> = registry::export(&changed, ExportFormat::Toml, now())
        .0
        .split("\n[[app]]\n")
        .enumerate()
        .filter(|(number, _)| number % 700 != 1)
        .map(|(_, part)| part.to_owned())
        .collect();
    let fewer = Registry::parse(&fewer.join("\n[[app]]\n"), "fewer").unwrap();
    let empty = Registry::parse("schema = 1\nid = \"x\"\n", "x").unwrap();
    let registries = [good(), empty, many(1001), changed, fewer, many(1000)];
    let stored: Vec<(TempDir, PathBuf)> = registries.iter().map(in_sqlite).collect();
    let both =
        |number: usize| [Store::from(registries[number].clone()), Store::open(&stored[number].1).unwrap()];
    let mut kinds = BTreeSet::new();
    let next = (1..registries.len()).flat_map(|number| [(number - 1, number), (number, number - 1)]);
    for (old, new) in next.chain([(0, 0)]) {
        let expected = registry::differences(&registries[old], &registries[new]);
        kinds.extend(expected.iter().map(|difference| (difference.what, difference.kind.as_str())));
        for old_store in both(old) {
            for new_store in both(new) {
                let found = registry::differences_between(&old_store, &new_store).unwrap();
                assert!(found == expected, "{old} {new}");
            }
        }
    }
    assert_eq!(kinds.len(), 1 + 2 + 3 + 3 + 2, "{kinds:?}");
    // One that is not sound differs in nothing.
    let path = stored[0].1.to_str().unwrap();
    rusqlite::Connection::open(path).unwrap().execute("DELETE FROM subject", []).unwrap();
    for (old, new) in [(path, "testdata/registry/good.toml"), ("testdata/registry/good.toml", path)] {
        let run = apkvouch(&["registry", "diff", old, new]);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{}", run.err);
    }
}

/// What a registry says of itself is looked at when it holds nothing, too.
#[test]
fn a_registry_that_holds_nothing_is_held_to_what_it_says_of_itself() {
    let (_folder, path) = in_sqlite(&Registry::parse("schema = 1\nid = \"x\"\n", "x").unwrap());
    let path = path.to_str().unwrap();
    let commands = [
        vec!["registry", "check", path],
        vec!["registry", "export", path, "--format", "toml"],
        vec!["registry", "diff", path, path],
    ];
    for (damage, code) in [("UPDATE header SET id = 'y'", 0), ("UPDATE header SET id = ''", 2)] {
        rusqlite::Connection::open(path).unwrap().execute(damage, []).unwrap();
        assert_eq!(Registry::load(path).is_ok(), code == 0);
        for command in &commands {
            let run = apkvouch(command);
            assert_eq!(run.code, Some(code), "{command:?} {damage}: {}", run.err);
        }
    }
}
