//! A registry, whichever way it is stored.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::App;
use super::Change;
use super::DeniedKey;
use super::Difference;
use super::DigestPrefix;
use super::Header;
use super::Key;
use super::Registry;
use super::Subject;
use super::built_in_denied;
use super::sqlite;
use super::sqlite::Counts;
use super::sqlite::Needs;
use super::sqlite::SqliteRegistry;
use super::text;
use super::trust::KeyId;
use crate::error::Error;
use crate::fields::first_bytes;
use crate::identity::CertificateDigest;

/// A registry to ask: text in memory, or SQLite on disk.
#[derive(Debug)]
pub struct Store {
    form: Form,
    header: Header,
    signed_by: Vec<KeyId>,
    /// The day that is asked about, when that is not the day of the edition.
    at: Option<Timestamp>,
    stands_for: Option<[u8; 32]>,
}

#[derive(Debug)]
enum Form {
    /// Read whole.
    Text(Box<Registry>),
    /// Opened without loading. One question at a time.
    Sqlite(Box<Mutex<SqliteRegistry>>),
}

impl From<Registry> for Store {
    fn from(registry: Registry) -> Self {
        let (header, signed_by) = (registry.header.clone(), registry.signed_by.clone());
        Self { form: Form::Text(Box::new(registry)), header, signed_by, at: None, stands_for: None }
    }
}

impl Store {
    /// Opens the registry in the file at `path` as it stands; see [`super::trust::open`] for one that must show more.
    ///
    /// # Errors
    /// As [`Registry::load`], but of a registry in SQLite the rows are not looked at.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        if is_sqlite(path)? {
            return Ok(Self::sqlite(SqliteRegistry::open(path)?, Vec::new()));
        }
        Registry::load(path).map(Self::from)
    }

    pub(super) fn sqlite(registry: SqliteRegistry, signed_by: Vec<KeyId>) -> Self {
        let header = registry.header().clone();
        Self {
            form: Form::Sqlite(Box::new(Mutex::new(registry))),
            header,
            signed_by,
            at: None,
            stands_for: None,
        }
    }

    /// What the registry says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The trusted keys that have signed it, by id; none unless [`super::trust`] was asked to see to it.
    pub fn signed_by(&self) -> &[KeyId] {
        &self.signed_by
    }

    /// A digest that stands for all that the registry says: two with the same one give the same answers. None where nobody has
    /// digested it, and of one that is asked about another day.
    pub fn stands_for(&self) -> Option<[u8; 32]> {
        self.stands_for.filter(|_| self.at.is_none())
    }

    pub(super) fn standing_for(mut self, digest: Option<[u8; 32]>) -> Self {
        self.stands_for = digest;
        self
    }

    /// The registry as [`Registry::as_of`] gives it, whatever is asked.
    #[must_use]
    pub fn as_of(mut self, at: Timestamp) -> Self {
        if let Form::Text(registry) = &mut self.form {
            **registry = registry.as_of(at);
        }
        self.at = Some(at);
        self
    }

    /// A registry that answers whatever is asked about `needs` as the whole would.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the file is damaged; so all of these.
    pub fn part(&self, needs: &Needs) -> Result<Cow<'_, Registry>, Error> {
        self.some_of(|registry| registry.part(needs))
    }

    /// All of it, in memory.
    ///
    /// # Errors
    /// As [`Store::part`].
    pub fn whole(&self) -> Result<Cow<'_, Registry>, Error> {
        self.some_of(SqliteRegistry::whole)
    }

    /// A registry with all that belongs to `name`, or more: to the package, certificate or subject of that name. It is empty
    /// when there is none.
    ///
    /// # Errors
    /// As [`Store::part`].
    pub fn about(&self, name: &str) -> Result<Cow<'_, Registry>, Error> {
        self.some_of(|registry| {
            let mut needs = Needs::default();
            needs.packages.insert(name.to_owned());
            if let Ok(certificate) = name.parse::<CertificateDigest>() {
                needs.certificates.insert(certificate);
                needs.packages.extend(registry.packages_of(&certificate)?);
            }
            if registry.subject(name)?.is_some() {
                needs.subjects.insert(name.to_owned());
                needs.certificates.extend(registry.certificates_of_subject(name)?);
                needs.packages.extend(registry.packages_of_owner(name)?);
            }
            registry.part(&needs)
        })
    }

    /// The certificates of keys, registered or denied, that begin with `prefix`, in the order of their digests.
    ///
    /// # Errors
    /// As [`Store::part`].
    pub fn certificates_that_begin(&self, prefix: &DigestPrefix) -> Result<Vec<CertificateDigest>, Error> {
        let mut found: BTreeSet<CertificateDigest> =
            built_in_denied().map(|key| key.certificate).filter(|digest| prefix.begins(digest)).collect();
        match &self.form {
            Form::Text(registry) => {
                let keys = registry.keys().map(|key| key.certificate);
                let all = keys.chain(registry.denied_keys().map(|key| key.certificate));
                found.extend(all.filter(|digest| prefix.begins(digest)));
            }
            Form::Sqlite(registry) => found.extend(asked(registry).certificates_between(&prefix.ends())?),
        }
        Ok(found.into_iter().collect())
    }

    /// The registry that was read whole from a text; none of SQLite.
    pub fn text(&self) -> Option<&Registry> {
        match &self.form {
            Form::Text(registry) => Some(registry),
            Form::Sqlite(_) => None,
        }
    }

    fn some_of(
        &self,
        ask: impl FnOnce(&SqliteRegistry) -> Result<Registry, Error>,
    ) -> Result<Cow<'_, Registry>, Error> {
        match &self.form {
            Form::Text(registry) => Ok(Cow::Borrowed(registry)),
            Form::Sqlite(registry) => {
                let mut some = ask(&asked(registry))?;
                some.signed_by.clone_from(&self.signed_by);
                Ok(Cow::Owned(self.at.map_or_else(|| some.clone(), |at| some.as_of(at))))
            }
        }
    }

    /// How many of each it has.
    ///
    /// # Errors
    /// As [`Store::part`].
    pub fn counts(&self) -> Result<Counts, Error> {
        match &self.form {
            Form::Text(registry) => Ok(Counts::of(registry)),
            Form::Sqlite(registry) => asked(registry).counts(),
        }
    }

    /// Makes sure that every row is as the text form has it, and refers to nothing that is not there. What is read as a text
    /// was held to that when it was read.
    ///
    /// # Errors
    /// As [`Store::part`]; the first fault.
    pub fn ensure_sound(&self) -> Result<(), Error> {
        match &self.form {
            Form::Text(_) => Ok(()),
            Form::Sqlite(registry) => asked(registry).ensure_sound(),
        }
    }

    /// Hands each app to `sink`, by package name, one after the other; the first fault ends it.
    ///
    /// # Errors
    /// As [`Store::part`], and whatever `sink` says; so all of these.
    pub fn each_app<E: From<Error>>(&self, mut sink: impl FnMut(&App) -> Result<(), E>) -> Result<(), E> {
        match &self.form {
            Form::Text(registry) => registry.apps().try_for_each(sink),
            Form::Sqlite(registry) => {
                asked(registry).each("SELECT body FROM app ORDER BY package", |app| sink(&app))
            }
        }
    }

    /// Hands the apps to `sink`, by package name, in parts that answer whatever is asked about those apps as the whole would.
    pub(super) fn each_part_of_apps<E: From<Error>>(
        &self,
        mut sink: impl FnMut(&Registry) -> Result<(), E>,
    ) -> Result<(), E> {
        match &self.form {
            Form::Text(registry) => sink(registry),
            Form::Sqlite(registry) => asked(registry).each_part_of_apps(|part| match self.at {
                Some(at) => sink(&part.as_of(at)),
                None => sink(part),
            }),
        }
    }

    /// Hands each key to `sink`, by certificate digest.
    ///
    /// # Errors
    /// As [`Store::each_app`].
    pub fn each_key<E: From<Error>>(&self, mut sink: impl FnMut(&Key) -> Result<(), E>) -> Result<(), E> {
        match &self.form {
            Form::Text(registry) => registry.keys().try_for_each(sink),
            Form::Sqlite(registry) => asked(registry)
                .each("SELECT body FROM key ORDER BY certificate", |key: Key| {
                    sink(&self.at.and_then(|at| key.past_status(at)).unwrap_or(key))
                }),
        }
    }

    /// Hands each subject to `sink`, by id.
    ///
    /// # Errors
    /// As [`Store::each_app`].
    pub fn each_subject<E: From<Error>>(
        &self,
        mut sink: impl FnMut(&Subject) -> Result<(), E>,
    ) -> Result<(), E> {
        match &self.form {
            Form::Text(registry) => registry.subjects().try_for_each(sink),
            Form::Sqlite(registry) => {
                asked(registry).each("SELECT body FROM subject ORDER BY id", |subject| sink(&subject))
            }
        }
    }

    /// Hands each key that this registry denies to `sink`, by certificate digest.
    ///
    /// # Errors
    /// As [`Store::each_app`].
    pub fn each_denied<E: From<Error>>(
        &self,
        mut sink: impl FnMut(&DeniedKey) -> Result<(), E>,
    ) -> Result<(), E> {
        match &self.form {
            Form::Text(registry) => registry.denied_keys().try_for_each(sink),
            Form::Sqlite(registry) => {
                asked(registry).each("SELECT body FROM denied ORDER BY certificate", |key| sink(&key))
            }
        }
    }

    /// The subjects, by id, one after the other.
    pub(super) fn subject_rows(&self) -> Walk<'_, Subject> {
        match &self.form {
            Form::Text(registry) => Box::new(registry.subjects().cloned().map(Ok)),
            Form::Sqlite(registry) => pages(registry, "subject", "id"),
        }
    }

    /// The keys, by certificate digest.
    pub(super) fn key_rows(&self) -> Walk<'_, Key> {
        match &self.form {
            Form::Text(registry) => Box::new(registry.keys().cloned().map(Ok)),
            Form::Sqlite(registry) => Box::new(
                pages(registry, "key", "certificate")
                    .map(|key| key.map(|key: Key| self.at.and_then(|at| key.past_status(at)).unwrap_or(key))),
            ),
        }
    }

    /// The apps, by package name.
    pub(super) fn app_rows(&self) -> Walk<'_, App> {
        match &self.form {
            Form::Text(registry) => Box::new(registry.apps().cloned().map(Ok)),
            Form::Sqlite(registry) => pages(registry, "app", "package"),
        }
    }

    /// The keys that this registry denies, by certificate digest.
    pub(super) fn denied_rows(&self) -> Walk<'_, DeniedKey> {
        match &self.form {
            Form::Text(registry) => Box::new(registry.denied_keys().cloned().map(Ok)),
            Form::Sqlite(registry) => pages(registry, "denied", "certificate"),
        }
    }
}

/// Rows, one after the other. Behind a fault there is none.
pub(super) type Walk<'a, T> = Box<dyn Iterator<Item = Result<T, Error>> + 'a>;

/// The rows of a table by `column`. Between two pages the registry can be asked something else.
fn pages<'a, T: DeserializeOwned + 'a>(
    registry: &'a Mutex<SqliteRegistry>,
    table: &'static str,
    column: &'static str,
) -> Walk<'a, T> {
    let (mut page, mut after, mut ended) = (Vec::new().into_iter(), None, false);
    Box::new(std::iter::from_fn(move || {
        if let Some(row) = page.next() {
            return Some(Ok(row));
        }
        if ended {
            return None;
        }
        match asked(registry).page(table, column, after.as_ref()) {
            Ok((rows, last)) => {
                (page, after, ended) = (rows.into_iter(), last.clone(), last.is_none());
                page.next().map(Ok)
            }
            Err(error) => {
                ended = true;
                Some(Err(error))
            }
        }
    }))
}

fn asked(registry: &Mutex<SqliteRegistry>) -> MutexGuard<'_, SqliteRegistry> {
    registry.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the file at `path` is one of SQLite: by its first bytes.
///
/// # Errors
/// [`Error::Configuration`] when it cannot be read.
pub fn is_sqlite(path: &Path) -> Result<bool, Error> {
    Ok(first_bytes::<16>(path, "the registry")?.as_ref() == Some(sqlite::MAGIC))
}

/// Changes the registry in the file at `path`: all of the changes that `changes` gives, or none.
///
/// `changes` is given the part of the registry that `needs` name, or more. `now` becomes its `issued_at`, and its serial
/// grows by one. In a text, comments and order stay. Nobody else can change the file meanwhile. Returns what differs:
/// nothing, when there was nothing to change, and then nothing is written.
///
/// # Errors
/// As [`Registry::load`], [`Registry::apply`], and whatever `changes` gives; [`Error::Configuration`] when the registry would
/// not be sound afterwards; [`Error::File`] when it cannot be written. The file is as it was then.
pub fn update(
    path: impl AsRef<Path>,
    now: Timestamp,
    needs: &Needs,
    changes: impl FnOnce(&Registry) -> Result<Vec<Change>, Error>,
) -> Result<Vec<Difference>, Error> {
    let path = path.as_ref();
    if is_sqlite(path)? {
        SqliteRegistry::open_to_change(path)?.update(now, needs, changes)
    } else {
        text::update(path, now, changes)
    }
}

/// What [`update`] would answer, without writing anything.
///
/// # Errors
/// As [`update`].
pub fn rehearse(
    path: impl AsRef<Path>,
    now: Timestamp,
    needs: &Needs,
    changes: impl FnOnce(&Registry) -> Result<Vec<Change>, Error>,
) -> Result<Vec<Difference>, Error> {
    let path = path.as_ref();
    if is_sqlite(path)? {
        SqliteRegistry::open(path)?.rehearse(now, needs, changes)
    } else {
        text::rehearse(path, now, changes)
    }
}
