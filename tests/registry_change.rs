//! Registries that are changed: everything that was written by hand stays, and nothing is changed by halves.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "test code: a step that cannot be done is to stop the test"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use apkvouch::Error;
use apkvouch::Registry;
use apkvouch::identity::CertificateDigest;
use apkvouch::registry;
use apkvouch::registry::App;
use apkvouch::registry::Change;
use apkvouch::registry::DeniedKey;
use apkvouch::registry::DifferenceKind;
use apkvouch::registry::Evidence;
use apkvouch::registry::EvidenceSource;
use apkvouch::registry::Key;
use apkvouch::registry::KeyStatus;
use apkvouch::registry::Moment;
use apkvouch::registry::Needs;
use apkvouch::registry::NewStatus;
use apkvouch::registry::RevokedFor;
use apkvouch::registry::Role;
use apkvouch::registry::SignerSet;
use apkvouch::registry::Subject;
use tempfile::TempDir;

const NOW: &str = "2026-06-01T12:00:00Z";

fn digest(byte: u8) -> CertificateDigest {
    CertificateDigest([byte; 32])
}

fn day(text: &str) -> Moment {
    text.parse().unwrap()
}

fn set(bytes: &[u8]) -> SignerSet {
    SignerSet::new(bytes.iter().map(|byte| digest(*byte)).collect(), Role::Developer)
}

fn status(byte: u8, status: KeyStatus, date: &str) -> Change {
    Change::Status { certificate: digest(byte), status: NewStatus::new(status, day(date)) }
}

/// A copy of the registry that has every field, with comments in odd places.
struct Copy {
    folder: TempDir,
}

impl Copy {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = fs::read_to_string("testdata/registry/good.toml").unwrap();
        let text = text
            .replace("serial = 7\n", "serial = 7 # by hand\n")
            .replace("[[subject]]\nid = \"store\"", "  # The store.\n  [[subject]]\n  id   =   'store'")
            .replace("[[denied]]", "\n\n\n# Never again.\n[[denied]]");
        fs::write(folder.path().join("registry.toml"), text + "# The end.\n").unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("registry.toml")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    fn update(&self, changes: Vec<Change>) -> Result<Vec<registry::Difference>, Error> {
        registry::update(self.path(), NOW.parse().unwrap(), &Needs::default(), |_| Ok(changes))
    }

    #[track_caller]
    fn refused(&self, changes: Vec<Change>, why: &str) {
        let before = self.text();
        let error = self.update(changes).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(why), "expected {why:?} in {error}");
        assert_eq!(self.text(), before);
        assert_eq!(fs::read_dir(self.folder.path()).unwrap().count(), 1, "nothing is left behind");
    }
}

/// Lines of `old` that `new` does not have, in their order, and the other way round.
fn gone_and_new<'a>(old: &'a str, new: &'a str) -> (Vec<&'a str>, Vec<&'a str>) {
    let mut rest: Vec<&str> = new.lines().collect();
    let mut gone = Vec::new();
    let mut at = 0;
    for line in old.lines() {
        match rest[at..].iter().position(|other| *other == line) {
            // Everything kept stands in its old order.
            Some(skipped) => {
                at += skipped;
                rest.remove(at);
            }
            None => gone.push(line),
        }
    }
    (gone, rest)
}

#[test]
fn what_is_added_comes_in_and_all_else_stays() {
    let copy = Copy::new();
    let before = copy.text();
    let mut key = Key::new(digest(0xf6), "new");
    key.valid_from = Some(day("2026-06-01"));
    key.evidence.push(Evidence::new(EvidenceSource::Manual));
    let mut app = App::new("com.example.new", "new", vec![set(&[0xf6]), set(&[0xf6, 0xa2])]);
    app.labels.push("New \"one\"".to_owned());
    let mut another = set(&[0xa2]);
    another.channel = Some("beta".to_owned());
    let subject = Subject::new("new", "New Ltd", BTreeSet::from([Role::Developer]));
    let differences = copy
        .update(vec![
            Change::Subject(subject),
            Change::Key(Box::new(key.clone())),
            Change::App(app.clone()),
            Change::Signers { package: "com.example.app".to_owned(), set: another.clone() },
            Change::Denied(DeniedKey::new(digest(0xd0), "leaked", "https://example.com/")),
            Change::Expiry(day("2027-12-31")),
        ])
        .unwrap();
    let after = copy.text();
    let (gone, new) = gone_and_new(&before, &after);
    assert_eq!(gone, ["serial = 7 # by hand", "issued_at = 2026-01-01", "expires_at = 2026-12-31"]);
    assert!(new.contains(&"serial = 8 # by hand") && new.contains(&"expires_at = 2027-12-31"), "{new:?}");

    let registry = Registry::load(copy.path()).unwrap();
    assert_eq!(registry.header().issued_at, Some(day(NOW)));
    assert_eq!(registry.key(&digest(0xf6)), Some(&key));
    assert_eq!(registry.app("com.example.new"), Some(&app));
    assert_eq!(registry.app("com.example.app").unwrap().signers[2], another);
    let told: Vec<(DifferenceKind, &str, &str)> = differences
        .iter()
        .map(|difference| (difference.kind, difference.what, difference.name.as_str()))
        .collect();
    let (added, changed) = (DifferenceKind::Added, DifferenceKind::Changed);
    assert_eq!(
        told,
        [
            (changed, "registry", ""),
            (added, "subject", "new"),
            (added, "key", digest(0xf6).to_string().as_str()),
            (changed, "app", "com.example.app"),
            (added, "app", "com.example.new"),
            (added, "denied", digest(0xd0).to_string().as_str()),
        ]
    );
}

#[test]
fn a_new_status_leaves_the_old_one_in_the_history() {
    let copy = Copy::new();
    let mut revoked = NewStatus::new(KeyStatus::Revoked, day("2026-06-01"));
    revoked.reason = Some("stolen".to_owned());
    revoked.revoked_for = Some(RevokedFor::Compromise);
    copy.update(vec![
        status(0xc3, KeyStatus::Suspended, "2026-03-01"),
        status(0xc3, KeyStatus::Active, "2026-04-01"),
        Change::Status { certificate: digest(0xa2), status: revoked },
    ])
    .unwrap();
    let registry = Registry::load(copy.path()).unwrap();
    let key = registry.key(&digest(0xc3)).unwrap();
    assert_eq!(
        (key.status, key.status_date, key.history.len()),
        (KeyStatus::Active, Some(day("2026-04-01")), 1)
    );
    let on = |date: &str, byte| registry.as_of(date.parse().unwrap()).key(&digest(byte)).unwrap().status;
    assert_eq!(on("2026-02-01T00:00:00Z", 0xc3), KeyStatus::Active);
    assert_eq!(on("2026-03-15T00:00:00Z", 0xc3), KeyStatus::Suspended);
    assert_eq!(on("2026-02-01T00:00:00Z", 0xa2), KeyStatus::Revoked);
    let key = registry.key(&digest(0xa2)).unwrap();
    assert_eq!(key.reason.as_deref(), Some("stolen"));
}

#[test]
fn nothing_is_replaced_and_nothing_is_changed_by_halves() {
    let copy = Copy::new();
    let subject = |id: &str| Change::Subject(Subject::new(id, "X", BTreeSet::from([Role::Developer])));
    let key = |byte, subject: &str| Change::Key(Box::new(Key::new(digest(byte), subject)));
    let app = |package: &str, owner: &str, byte| Change::App(App::new(package, owner, vec![set(&[byte])]));
    copy.refused(
        vec![subject("new"), subject("example")],
        "subject \"example\" is registered already: Example Ltd",
    );
    copy.refused(vec![key(0xa1, "store")], "is registered already, for subject \"example\"");
    copy.refused(vec![key(0xf6, "nobody")], "subject \"nobody\" is not registered");
    copy.refused(vec![app("com.example.app", "store", 0xa1)], "com.example.app is registered already");
    copy.refused(vec![app("com.example.new", "example", 0xf6)], "is not registered");
    copy.refused(vec![app("com.example.new", "nobody", 0xa1)], "subject \"nobody\" is not registered");
    copy.refused(vec![app("new", "example", 0xa1)], "expected a package name of at least two parts");
    let signers =
        |package: &str, bytes: &[u8]| Change::Signers { package: package.to_owned(), set: set(bytes) };
    copy.refused(vec![signers("com.example.app", &[0xa2, 0xa1])], "has this signer set already");
    copy.refused(vec![signers("com.example.other", &[0xa1])], "com.example.other is not registered");
    let denied = |digest| Change::Denied(DeniedKey::new(digest, "x", "y"));
    copy.refused(vec![denied(digest(0xdd))], "is denied already: leaked in 2025");
    let test_key = "a40da80a59d170caa950cf15c18c454d47a39b26989d8b640ecd745ba71bf5dc".parse().unwrap();
    copy.refused(vec![denied(test_key)], "is denied already");
    copy.refused(vec![Change::Expiry(day("2026-05-31"))], "expected expires_at on or after issued_at");
}

#[test]
fn a_key_gets_no_status_that_it_cannot_have() {
    let copy = Copy::new();
    copy.refused(vec![status(0xf6, KeyStatus::Revoked, "2026-06-01")], "is not registered");
    copy.refused(vec![status(0xa2, KeyStatus::Active, "2026-06-01")], "is active already");
    copy.refused(vec![status(0xe5, KeyStatus::Active, "2026-06-01")], "a revocation is for good");
    copy.refused(
        vec![status(0xa2, KeyStatus::Rotated, "2026-06-01")],
        "cannot be rotated without a successor",
    );
    copy.refused(
        vec![status(0xa1, KeyStatus::Active, "2026-06-01")],
        "was rotated away, and cannot come back",
    );
    copy.refused(vec![status(0xa1, KeyStatus::Revoked, "2026-01-01")], "expected a later date");
    let mut itself = NewStatus::new(KeyStatus::Rotated, day("2026-06-01"));
    itself.replaced_by = Some(digest(0xa1));
    copy.refused(vec![Change::Status { certificate: digest(0xa2), status: itself }], "leads back");
    // Its nearest neighbour.
    copy.update(vec![status(0xa1, KeyStatus::Revoked, "2026-01-02")]).unwrap();
}

#[test]
fn no_change_is_no_edition() {
    let copy = Copy::new();
    let before = copy.text();
    assert_eq!(copy.update(Vec::new()).unwrap(), []);
    assert_eq!(copy.text(), before);
}

#[test]
fn tables_in_one_line_can_be_changed_too() {
    let copy = Copy::new();
    fs::write(
        copy.path(),
        "schema = 1\nid = \"x\"\nsubject = [{ id = \"a\", name = \"A\", roles = [\"developer\"] }]\n",
    )
    .unwrap();
    copy.update(vec![Change::Key(Box::new(Key::new(digest(1), "a")))]).unwrap();
    copy.update(vec![Change::Subject(Subject::new("b", "B", BTreeSet::from([Role::Developer])))]).unwrap();
    let registry = Registry::load(copy.path()).unwrap();
    assert_eq!(
        (registry.subjects().count(), registry.keys().count(), registry.header().serial),
        (2, 1, Some(2))
    );
}

#[test]
fn a_new_registry_replaces_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.toml");
    let now = NOW.parse().unwrap();
    registry::create(&path, "store \"x\"", now, day("2027-06-01")).unwrap();
    let registry = Registry::load(&path).unwrap();
    assert_eq!((registry.header().id.as_str(), registry.header().serial), ("store \"x\"", Some(1)));
    let error = registry::create(&path, "other", now, day("2027-06-01")).unwrap_err();
    assert!(error.to_string().ends_with("registry.toml: there is a file already; name another"), "{error}");
    let error = registry::create(folder.path().join("b.toml"), "b", now, day("2026-05-01")).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn tells_what_differs_in_both_directions() {
    let copy = Copy::new();
    let old = Registry::load(copy.path()).unwrap();
    copy.update(vec![status(0xc3, KeyStatus::Suspended, "2026-03-01")]).unwrap();
    let new = Registry::load(copy.path()).unwrap();
    let there = registry::differences(&old, &new);
    let back = registry::differences(&new, &old);
    let fields = |differences: &[registry::Difference]| -> Vec<(String, bool, bool)> {
        let fields = &differences.iter().find(|difference| difference.what == "key").unwrap().fields;
        fields.iter().map(|field| (field.field.clone(), field.from.is_some(), field.to.is_some())).collect()
    };
    assert_eq!(fields(&there), [("status".to_owned(), true, true), ("status_date".to_owned(), false, true)]);
    assert_eq!(fields(&back), [("status".to_owned(), true, true), ("status_date".to_owned(), true, false)]);
    assert_eq!(registry::differences(&new, &new), []);
}
