//! Whatever is imported, revoked, suspended, rotated, denied or left to expire: nobody is authenticated who should not be.
//!
//! What should be is kept in a model of a few lines beside the registry, which knows nothing of its code.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "test code: a step that cannot be done is to stop the test"
)]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::builder;
use crate::builder::Apk;
use crate::builder::Manifest;
use crate::builder::Signer;
use apkvouch::Registry;
use apkvouch::Verification;
use apkvouch::VerifyOptions;
use apkvouch::decide;
use apkvouch::identity::CertificateDigest;
use apkvouch::policy;
use apkvouch::policy::Policy;
use apkvouch::policy::Verdict;
use apkvouch::registry::Change;
use apkvouch::registry::DeniedKey;
use apkvouch::registry::Key;
use apkvouch::registry::KeyStatus;
use apkvouch::registry::Moment;
use apkvouch::registry::NewStatus;
use apkvouch::registry::SqliteRegistry;
use apkvouch::registry::SqliteWriter;
use apkvouch::registry::import;
use apkvouch::registry::import::Entry;
use apkvouch::registry::import::ImportOptions;
use apkvouch::verify;
use jiff::Timestamp;
use proptest::prelude::*;

const KEYS: [&str; 4] = ["ec-p256", "ec-p256-2", "ec-p256-3", "ec-p384"];
const PACKAGES: [&str; 3] = ["com.example.one", "com.example.two", "com.example.three"];
const OWNERS: [&str; 2] = ["alice", "bob"];

/// An app of each package by each key, and its verified signer.
fn apps() -> &'static [(usize, usize, Verification)] {
    static APPS: OnceLock<Vec<(usize, usize, Verification)>> = OnceLock::new();
    APPS.get_or_init(|| {
        let mut apps = Vec::new();
        for (package, name) in PACKAGES.iter().enumerate() {
            for (key, signer) in KEYS.iter().enumerate() {
                let manifest = Manifest::new(name).min_sdk(24).target_sdk(30);
                let file = Apk::new().manifest(manifest).v2(Signer::v2(&builder::Key::named(signer))).build();
                let evidence = verify(&file, &VerifyOptions::default()).unwrap();
                assert!(evidence.is_verified());
                apps.push((package, key, evidence));
            }
        }
        apps
    })
}

fn digest(key: usize) -> CertificateDigest {
    let (_, _, evidence) = apps().iter().find(|(_, signer, _)| *signer == key).unwrap();
    evidence.signers_of(&evidence.views[0]).next().unwrap().digest()
}

/// Day `day` of 2026, from 0.
fn day(day: u8) -> Moment {
    let first: jiff::civil::Date = "2026-01-01".parse().unwrap();
    Moment::Day(first.checked_add(jiff::Span::new().days(i64::from(day))).unwrap())
}

fn noon(of: u8) -> Timestamp {
    format!("{}T12:00:00Z", day(of)).parse().unwrap()
}

#[derive(Debug, Clone)]
enum Step {
    AddKey { key: usize, owner: usize, from: Option<u8>, until: Option<u8> },
    Import { package: usize, keys: BTreeSet<usize>, owner: usize, add_signers: bool },
    Status { key: usize, status: KeyStatus, day: u8, successor: Option<usize> },
    Deny { key: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0..KEYS.len();
    let status = prop_oneof![
        Just(KeyStatus::Active),
        Just(KeyStatus::Rotated),
        Just(KeyStatus::Suspended),
        Just(KeyStatus::Revoked)
    ];
    let bound = || proptest::option::weighted(0.6, 0_u8..200);
    prop_oneof![
        4 => (key(), 0..OWNERS.len(), bound(), bound())
            .prop_map(|(key, owner, from, until)| Step::AddKey { key, owner, from, until }),
        4 => (0..PACKAGES.len(), proptest::collection::btree_set(key(), 1..3), 0..OWNERS.len(), any::<bool>())
            .prop_map(|(package, keys, owner, add_signers)| Step::Import { package, keys, owner, add_signers }),
        3 => (key(), status, 0_u8..200, proptest::option::of(key()))
            .prop_map(|(key, status, day, successor)| Step::Status { key, status, day, successor }),
        1 => key().prop_map(|key| Step::Deny { key }),
    ]
}

/// What a key may do, as far as the model knows.
#[derive(Debug, Clone)]
struct Known {
    from: Option<u8>,
    until: Option<u8>,
    status: KeyStatus,
}

#[derive(Debug, Clone, Default)]
struct Model {
    keys: BTreeMap<usize, Known>,
    denied: BTreeSet<usize>,
    sets: BTreeMap<usize, BTreeSet<BTreeSet<usize>>>,
}

impl Model {
    /// Whether an app of that package by that key alone may be authenticated on `now`.
    fn allows(&self, package: usize, key: usize, now: u8) -> bool {
        let in_set = self.sets.get(&package).is_some_and(|sets| sets.contains(&BTreeSet::from([key])));
        let known = self.keys.get(&key).is_some_and(|known| {
            known.status == KeyStatus::Active
                && known.from.is_none_or(|from| from <= now)
                && known.until.is_none_or(|until| now <= until)
        });
        in_set && known && !self.denied.contains(&key)
    }

    /// Notes a step that the registry has taken.
    fn took(&mut self, step: &Step) {
        match step {
            Step::AddKey { key, from, until, .. } => {
                let known = Known { from: *from, until: *until, status: KeyStatus::Active };
                self.keys.insert(*key, known);
            }
            Step::Import { package, keys, .. } => {
                for key in keys {
                    let known = Known { from: None, until: None, status: KeyStatus::Active };
                    self.keys.entry(*key).or_insert(known);
                }
                self.sets.entry(*package).or_default().insert(keys.clone());
            }
            Step::Status { key, status, .. } => self.keys.get_mut(key).unwrap().status = *status,
            Step::Deny { key } => drop(self.denied.insert(*key)),
        }
    }
}

/// Takes a step, if the registry lets it.
fn take(registry: &mut Registry, step: &Step) -> bool {
    let changes = match step {
        Step::AddKey { key, owner, from, until } => {
            let mut new = Key::new(digest(*key), OWNERS[*owner]);
            new.valid_from = from.map(day);
            new.valid_until = until.map(day);
            vec![Change::Key(Box::new(new))]
        }
        Step::Import { package, keys, owner, add_signers } => {
            let entry = Entry::new(PACKAGES[*package], keys.iter().map(|key| digest(*key)).collect());
            let mut options = ImportOptions::default();
            options.owner = Some(OWNERS[*owner].to_owned());
            options.add_signers = *add_signers;
            match import::plan(registry, &[entry], &options) {
                Ok(changes) => changes,
                Err(_) => return false,
            }
        }
        Step::Status { key, status, day: since, successor } => {
            let mut new = NewStatus::new(*status, day(*since));
            new.replaced_by = successor.filter(|_| *status == KeyStatus::Rotated).map(digest);
            vec![Change::Status { certificate: digest(*key), status: new }]
        }
        Step::Deny { key } => vec![Change::Denied(DeniedKey::new(digest(*key), "leaked", "a test"))],
    };
    let mut then = registry.clone();
    if changes.iter().any(|change| then.apply(change).is_err()) {
        return false;
    }
    // What cannot be read back is not written either.
    let text = toml::to_string(&then).unwrap();
    if Registry::parse(&text, "r.toml").is_err() {
        return false;
    }
    *registry = then;
    true
}

fn authenticated(evidence: &Verification, registry: &Registry, now: u8) -> bool {
    decide(evidence, registry, &Policy::default(), noon(now)).verdict == Verdict::Authenticated
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_authenticated_who_should_not_be(
        steps in proptest::collection::vec(step(), 1..25),
        now in 0_u8..200,
    ) {
        let subjects: String = OWNERS
            .iter()
            .map(|id| format!("[[subject]]\nid = \"{id}\"\nname = \"{id}\"\nroles = [\"developer\"]\n"))
            .collect::<Vec<_>>()
            .concat();
        let mut registry = Registry::parse(&format!("schema = 1\nid = \"x\"\n{subjects}"), "r.toml").unwrap();
        let mut model = Model::default();
        for step in &steps {
            if take(&mut registry, step) {
                model.took(step);
            }
            for (package, key, evidence) in apps() {
                prop_assert_eq!(
                    authenticated(evidence, &registry, now),
                    model.allows(*package, *key, now),
                    "{} by {} on day {} after {:?}", PACKAGES[*package], KEYS[*key], now, steps
                );
            }
        }
        // As it was on another day, a key that is revoked for all days, or denied, is still nobody's.
        let before = registry.as_of(noon(0));
        for (package, key, evidence) in apps() {
            let revoked = model.keys.get(key).is_some_and(|known| {
                matches!(known.status, KeyStatus::Revoked | KeyStatus::Suspended)
            });
            let never = revoked || model.denied.contains(key) || !model.sets.contains_key(package);
            prop_assert!(!never || !authenticated(evidence, &before, now));
        }
        // In another form it says the same.
        let read = Registry::parse(&toml::to_string(&registry).unwrap(), "r.toml").unwrap();
        prop_assert!(read.says_the_same_as(&registry));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.db");
        let mut writer = SqliteWriter::create(&path, registry.header()).unwrap();
        writer.all(&registry).unwrap();
        writer.finish().unwrap();
        let sqlite = SqliteRegistry::open(&path).unwrap();
        for (package, key, evidence) in apps() {
            let part = sqlite.part(&policy::needs(evidence)).unwrap();
            prop_assert_eq!(authenticated(evidence, &part, now), model.allows(*package, *key, now));
        }
    }
}
