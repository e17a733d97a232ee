//! Registries that are read, and registries that are refused with one clear line.

#![expect(
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "test code: a step that cannot be done is to stop the test"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use apkvouch::Registry;
use apkvouch::identity::CertificateDigest;
use apkvouch::registry;
use apkvouch::registry::Change;
use apkvouch::registry::ExportFormat;
use apkvouch::registry::KeyStatus;
use apkvouch::registry::Moment;
use apkvouch::registry::Needs;
use apkvouch::registry::Role;
use apkvouch::registry::Subject;
use apkvouch::registry::built_in_denied;
use apkvouch::registry::export;

const GOOD: &str = "testdata/registry/good.toml";
const BAD: &str = "testdata/registry/bad";

/// The time for which is asked.
fn now() -> jiff::Timestamp {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

fn digest(byte: u8) -> CertificateDigest {
    CertificateDigest([byte; 32])
}

/// Each `<name>.toml` or `<name>.json` is refused with the line in `<name>.expected`, without the folder.
#[test]
fn refuses_what_cannot_be_right_with_one_line() {
    let bless = std::env::var_os("APKVOUCH_BLESS").is_some();
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(BAD).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml" && extension != "json") {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read(&path).unwrap();
        let found = match Registry::load(&path) {
            Ok(_) => "no error".to_owned(),
            Err(error) => {
                assert_eq!(error.exit_code(), 2, "{name}");
                error.to_string().replace(&format!("{BAD}/"), "")
            }
        };
        // An empty file lacks two fields.
        let one_line = !found.contains('\n') || name == "empty.toml";
        assert!(one_line, "{name}: more than one line: {found}");
        if bless {
            fs::write(path.with_extension("expected"), format!("{found}\n")).unwrap();
        }
        let expected = fs::read_to_string(path.with_extension("expected")).unwrap();
        if found != expected.trim_end() {
            faults.push(format!("{name} ({} bytes)\n  expected {expected}  found    {found}", text.len()));
        }
        seen.insert(name);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen.len() > 30, "only {} cases were found", seen.len());
}

/// Each with line and column, in the order of the text. What follows from a mistake is none of its own.
#[test]
fn tells_every_mistake_at_once() {
    let error = Registry::load("testdata/registry/several.toml").unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let found = error.to_string().replace("testdata/registry/", "") + "\n";
    if std::env::var_os("APKVOUCH_BLESS").is_some() {
        fs::write("testdata/registry/several.expected", &found).unwrap();
    }
    assert_eq!(found, fs::read_to_string("testdata/registry/several.expected").unwrap());
    let not_toml = Registry::parse("schema = 1\nid = \n\n[[subject]\nid = \"a\"\n", "r.toml").unwrap_err();
    let lines: Vec<String> =
        not_toml.to_string().lines().map(|line| line.chars().take(10).collect()).collect();
    assert_eq!(lines, ["r.toml:2:6", "r.toml:4:1"]);
}

#[test]
fn reads_every_field() {
    let registry = Registry::load(GOOD).unwrap();
    assert_eq!(registry.header().id, "store.example");
    assert_eq!(registry.header().serial, Some(7));

    let subject = registry.subject("example").unwrap();
    assert_eq!(subject.name_zh.as_deref(), Some("示例公司"));
    assert_eq!(subject.roles, BTreeSet::from([Role::Developer, Role::TestLab]));
    assert_eq!(registry.subjects().count(), 2);

    let old = registry.key(&digest(0xa1)).unwrap();
    assert_eq!((old.status, old.replaced_by), (KeyStatus::Rotated, Some(digest(0xa2))));
    assert_eq!(old.valid_until, Some(Moment::Day("2027-12-31".parse().unwrap())));
    let new = registry.key(&digest(0xa2)).unwrap();
    assert_eq!(new.valid_from, Some(Moment::Instant("2026-01-01T00:00:00Z".parse().unwrap())));
    assert_eq!(
        registry.keys_of(&new.public_key.unwrap()).map(|key| key.certificate).collect::<Vec<_>>(),
        [digest(0xa2)]
    );

    let app = registry.app("com.example.app").unwrap();
    assert_eq!(app.labels, ["Example", "示例"]);
    assert_eq!(app.signers[0].certificates, BTreeSet::from([digest(0xa1), digest(0xa2)]));
    assert_eq!((app.signers[0].role, app.signers[1].role), (Role::Developer, Role::Distributor));
    assert_eq!(app.signers[1].channel.as_deref(), Some("store"));

    assert_eq!(registry.denied(&digest(0xdd)).unwrap().why, "leaked in 2025");
}

// Other days.

/// The status of a key that is `what` now, on the first day of each month of 2026.
fn status_by_month(what: &str) -> Vec<KeyStatus> {
    let text = format!(
        "schema = 1\nid = \"x\"\n[[subject]]\nid = \"a\"\nname = \"A\"\nroles = [\"developer\"]\n\
         [[key]]\ncertificate_sha256 = \"{0}\"\nsubject = \"a\"\n[[key]]\ncertificate_sha256 = \"{1}\"\nsubject = \"a\"\n{what}",
        digest(2),
        digest(1)
    );
    let registry = Registry::parse(&text, "x.toml").unwrap();
    let on = |month: u8| {
        let then = registry.as_of(format!("2026-{month:02}-01T00:00:00Z").parse().unwrap());
        let key = then.key(&digest(1)).unwrap().clone();
        assert_eq!(
            toml::to_string(&then.as_of("2027-01-01T00:00:00Z".parse().unwrap())).unwrap(),
            toml::to_string(&then).unwrap()
        );
        key.status
    };
    (1..=6).map(on).collect()
}

#[test]
fn a_key_has_the_status_of_the_day() {
    use KeyStatus::Active as A;
    use KeyStatus::Revoked as X;
    use KeyStatus::Rotated as O;
    use KeyStatus::Suspended as S;

    let successor = format!("replaced_by = \"{}\"\n", digest(2));
    let past = |status: &str, month: u8| {
        format!("[[key.history]]\nstatus = \"{status}\"\nsince = 2026-{month:02}-01\n")
    };
    assert_eq!(status_by_month(""), [A; 6]);
    let rotated = format!("status = \"rotated\"\nstatus_date = 2026-03-01\n{successor}");
    assert_eq!(status_by_month(&rotated), [A, A, O, O, O, O]);
    assert_eq!(status_by_month("status = \"revoked\"\n"), [X; 6], "nobody knows since when");
    // Nothing shows when a file was signed: a key that somebody else may have is revoked on every day.
    let revoked = "status = \"revoked\"\nstatus_date = 2026-03-01\n";
    assert_eq!(status_by_month(revoked), [X; 6]);
    assert_eq!(status_by_month(&format!("{revoked}revoked_for = \"compromise\"\n")), [X; 6]);
    let ceased = format!("{revoked}revoked_for = \"cessation\"\n");
    assert_eq!(status_by_month(&ceased), [A, A, X, X, X, X]);
    assert_eq!(status_by_month("status = \"suspended\"\nstatus_date = 2026-03-01\n"), [S; 6]);
    let lifted = format!(
        "status = \"active\"\nstatus_date = 2026-05-01\n{}{}",
        past("active", 1),
        past("suspended", 4)
    );
    assert_eq!(status_by_month(&lifted), [A, A, A, S, A, A]);
    let all = format!(
        "{}{successor}{}{}{}",
        ceased.replace("03-01", "06-01"),
        past("active", 1),
        past("suspended", 3),
        past("rotated", 5)
    );
    assert_eq!(status_by_month(&all), [A, A, S, S, O, X]);
}

#[test]
fn before_its_first_status_a_key_was_nobodys() {
    let text = fs::read_to_string(GOOD).unwrap().replacen(
        "valid_from = 2026-01-01T08:00:00+08:00\n",
        "status = \"active\"\nstatus_date = 2026-05-01\n\n[[key.history]]\nstatus = \"active\"\nsince = 2026-03-01\nreason = \"new\"\n[[key.history]]\nstatus = \"suspended\"\nsince = 2026-04-01\n",
        1,
    );
    let registry = Registry::parse(&text, "r.toml").unwrap();
    let on = |day: &str| registry.as_of(day.parse().unwrap()).key(&digest(0xa2)).unwrap().clone();
    assert_eq!(on("2026-05-01T00:00:00Z"), *registry.key(&digest(0xa2)).unwrap());
    assert_eq!(
        (on("2026-04-30T23:59:59Z").status, on("2026-04-30T23:59:59Z").valid_from),
        (KeyStatus::Suspended, None)
    );
    let before = on("2026-02-28T00:00:00Z");
    assert_eq!(before.valid_from, Some(Moment::Day("2026-03-01".parse().unwrap())), "not valid yet");
    assert_eq!(before.history, []);
}

#[test]
fn looks_up_nothing_by_an_empty_or_unknown_value() {
    for registry in [Registry::load(GOOD).unwrap(), Registry::empty()] {
        assert!(registry.app("").is_none() && registry.app("com.example.ap").is_none());
        assert!(registry.subject("").is_none() && registry.subject("exampl").is_none());
        assert!(registry.key(&digest(0)).is_none() && registry.denied(&digest(0)).is_none());
    }
}

#[test]
fn the_built_in_list_always_applies() {
    let test_key = "a40da80a59d170caa950cf15c18c454d47a39b26989d8b640ecd745ba71bf5dc".parse().unwrap();
    for registry in [Registry::load(GOOD).unwrap(), Registry::empty()] {
        assert!(registry.denied(&test_key).unwrap().why.contains("AOSP"));
    }
    assert_eq!(built_in_denied().count(), 10);
}

#[test]
fn written_out_it_reads_back_as_the_same() {
    let registry = Registry::load(GOOD).unwrap();
    let text = toml::to_string(&registry).unwrap();
    let again = Registry::parse(&text, Path::new("again.toml")).unwrap();
    assert_eq!(toml::to_string(&again).unwrap(), text);
    assert_eq!(again.keys().collect::<Vec<_>>(), registry.keys().collect::<Vec<_>>());
    assert_eq!(again.apps().collect::<Vec<_>>(), registry.apps().collect::<Vec<_>>());
    assert_eq!(again.header(), registry.header());
}

#[test]
fn the_same_in_json_is_the_same() {
    let registry = Registry::load(GOOD).unwrap();
    let (json, _) = export(&registry, ExportFormat::Json, now());
    assert!(Registry::parse(&json, "good.json").unwrap().says_the_same_as(&registry));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.json");
    fs::write(&path, &json).unwrap();
    assert!(Registry::load(&path).unwrap().says_the_same_as(&registry));
    // Changed, it is JSON still.
    let subject = Subject::new("new", "New", BTreeSet::from([Role::Developer]));
    let change = Change::Subject(subject);
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    registry::update(&path, now, &Needs::default(), |_| Ok(vec![change.clone()])).unwrap();
    let changed = Registry::load(&path).unwrap();
    assert_eq!((changed.header().serial, changed.subjects().count()), (Some(8), 3));
    assert!(fs::read_to_string(&path).unwrap().starts_with("{\n"));
    // Any byte less, and it is none, or a fault of a field.
    for end in (0..json.len() - 2).step_by(7).filter(|end| json.is_char_boundary(*end)) {
        assert!(Registry::parse(&json[..end], "cut.json").is_err(), "{end}");
    }
    let deep = format!("{{\"a\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(Registry::parse(&deep, "deep.json").unwrap_err().to_string().contains("expected less nesting"));
}

#[test]
fn holds_from_its_day_of_issue_to_the_end_of_its_day_of_expiry() {
    let registry = Registry::load(GOOD).unwrap();
    let at = |text: &str| registry.ensure_current(text.parse().unwrap()).map_err(|error| error.to_string());
    assert_eq!(at("2026-01-01T00:00:00Z"), Ok(()));
    assert_eq!(at("2026-12-31T23:59:59Z"), Ok(()));
    assert!(
        at("2025-12-31T23:59:59Z")
            .unwrap_err()
            .starts_with("testdata/registry/good.toml: the registry is not issued")
    );
    assert!(at("2027-01-01T00:00:00Z").unwrap_err().contains("expires_at is 2026-12-31"));
    assert!(Registry::empty().ensure_current("2100-01-01T00:00:00Z".parse().unwrap()).is_ok());
}

#[test]
fn a_file_that_is_not_there_is_a_fault_of_configuration() {
    let error = Registry::load("testdata/registry/none.toml").unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert_eq!(
        error.to_string(),
        "testdata/registry/none.toml: cannot read the registry: no such file or directory"
    );
}
