//! Registries in SQLite, for a million apps: opened without loading, asked for the part that a file needs.
//!
//! Each subject, key and app is one row with its fields as JSON, in the names of the text form, beside what it is found by. The file
//! is one file: changes are transactions with a rollback journal, which is gone when they are done.

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::OpenFlags;
use rusqlite::OptionalExtension as _;
use rusqlite::params;
use rusqlite::params_from_iter;
use rusqlite::types::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::App;
use super::Change;
use super::DeniedKey;
use super::Difference;
use super::Header;
use super::Key;
use super::Moment;
use super::PublicKeyDigest;
use super::Registry;
use super::Subject;
use super::differences;
use crate::atomic_file;
use crate::atomic_file::AtomicFile;
use crate::error::Error;
use crate::fields::first_bytes;
use crate::identity::CertificateDigest;
use crate::source::FileIdentity;
use crate::source::PrivateCopy;
use crate::source::Undisturbed;
use crate::source::ensure_no_log;
use crate::source::uri;

/// What every SQLite file begins with.
///
/// Source: <https://www.sqlite.org/fileformat.html>, §1.3.1.
pub(super) const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// `APKV`, in the header of the file.
const APPLICATION_ID: i64 = 0x4150_4b56;
/// From each version of the schema to the next; a new file goes through all of them.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE header (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        id TEXT NOT NULL, serial INTEGER, issued_at TEXT, expires_at TEXT
    );
    CREATE TABLE subject (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE key (
        certificate BLOB PRIMARY KEY, subject TEXT NOT NULL, public_key BLOB, body TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX key_by_public_key ON key (public_key) WHERE public_key IS NOT NULL;
    CREATE TABLE app (package TEXT PRIMARY KEY, owner TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE signer (
        certificate BLOB NOT NULL, package TEXT NOT NULL, PRIMARY KEY (certificate, package)
    ) WITHOUT ROWID;
    CREATE TABLE denied (certificate BLOB PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
"];
/// How long a change waits for another to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// So many rows are read together, where all are looked at.
const PIECE: usize = 1000;
/// Memory for pages of the file, in KiB: negative, as SQLite wants it.
const CACHE: i64 = -8192;

/// What of a registry somebody needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Needs {
    /// Packages, with whoever may sign them.
    pub packages: BTreeSet<String>,
    /// Certificates, with whoever holds the keys and what replaces them.
    pub certificates: BTreeSet<CertificateDigest>,
    /// Public keys, with the keys that have them.
    pub public_keys: BTreeSet<PublicKeyDigest>,
    /// Subjects.
    pub subjects: BTreeSet<String>,
}

/// A registry in a SQLite file.
#[derive(Debug)]
pub struct SqliteRegistry {
    connection: Connection,
    path: PathBuf,
    header: Header,
    /// The file, when nobody may change it.
    held: Option<Undisturbed>,
    /// The copy that is read in its place; behind the connection, which is closed first.
    _copy: Option<PrivateCopy>,
}

/// How many of each a registry has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Subjects.
    pub subjects: u64,
    /// Keys.
    pub keys: u64,
    /// Apps.
    pub apps: u64,
    /// Denied keys, without those that are built in.
    pub denied: u64,
}

impl Counts {
    pub(super) fn of(registry: &Registry) -> Self {
        let count = |many: usize| u64::try_from(many).unwrap_or(u64::MAX);
        Self {
            subjects: count(registry.subjects.len()),
            keys: count(registry.keys.len()),
            apps: count(registry.apps.len()),
            denied: count(registry.denied.len()),
        }
    }
}

impl SqliteRegistry {
    /// Opens the registry in the file at `path`, to ask it.
    ///
    /// While the file is read, nobody may change it.
    ///
    /// # Errors
    /// [`Error::Configuration`] when it cannot be read, is no registry, or one of another version; when a change of it was
    /// broken off, which [`SqliteRegistry::open_to_change`] undoes.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_held(Undisturbed::hold(path.as_ref())?, path.as_ref())
    }

    /// Opens the registry in the file that `held` holds, which stands at `path`.
    fn open_held(held: Undisturbed, path: &Path) -> Result<Self, Error> {
        let registry = Self::open_immutable(path, path);
        // That the file was changed says more than what SQLite makes of it.
        held.ensure_unchanged()?;
        Ok(Self { held: Some(held), ..registry? })
    }

    /// Opens the registry in a copy of the file at `path`: whatever becomes of that file, the copy is what is read.
    pub(super) fn open_copy(copy: PrivateCopy, path: &Path) -> Result<Self, Error> {
        let registry = Self::open_immutable(copy.path(), path)?;
        // The connection has it open; so nothing is left behind however the process ends.
        let copy = if cfg!(unix) { None } else { Some(copy) };
        Ok(Self { _copy: copy, ..registry })
    }

    /// Opens `file` as one that cannot change; errors speak of `path`.
    fn open_immutable(file: &Path, path: &Path) -> Result<Self, Error> {
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Self::on(connect_to(&uri(file), path, flags)?, path)
    }

    /// Which file it is that nobody may change, and in which state.
    pub(super) fn identity(&self) -> Option<FileIdentity> {
        self.held.as_ref()?.identity()
    }

    /// What `read` gives, if the file is the one that was opened, and nobody has changed it.
    fn undisturbed<T, E: From<Error>>(&self, read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let Some(held) = &self.held else { return read() };
        held.ensure_unchanged()?;
        let done = read();
        held.ensure_unchanged()?;
        done
    }

    /// Opens it to change it, and brings an older version of the schema up to date. A change that was broken off is undone.
    ///
    /// # Errors
    /// As [`SqliteRegistry::open`].
    pub fn open_to_change(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        ensure_no_log(path)?;
        // Before SQLite plays back what stands beside it.
        ensure_registry(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = connect(path, flags)?;
        ensure_ours(&connection, path)?;
        migrate(&connection).map_err(|error| fault(path, &error))?;
        Self::on(connection, path)
    }

    fn on(connection: Connection, path: &Path) -> Result<Self, Error> {
        ensure_ours(&connection, path)?;
        let version = pragma(&connection, "user_version").map_err(|error| fault(path, &error))?;
        if usize::try_from(version).ok() != Some(MIGRATIONS.len()) {
            return Err(other_version(path, version));
        }
        let header = read_header(&connection, path)?;
        Ok(Self { connection, path: path.to_owned(), header, held: None, _copy: None })
    }

    /// What the registry says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The subject with this id.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the file is damaged; so all of these.
    pub fn subject(&self, id: &str) -> Result<Option<Subject>, Error> {
        let subject: Option<Subject> = self.body("SELECT body FROM subject WHERE id = ?1", params![id])?;
        self.named(subject, |subject| subject.id == id)
    }

    /// The key with this certificate.
    ///
    /// # Errors
    /// As [`SqliteRegistry::subject`].
    pub fn key(&self, certificate: &CertificateDigest) -> Result<Option<Key>, Error> {
        let key: Option<Key> =
            self.body("SELECT body FROM key WHERE certificate = ?1", params![certificate.0])?;
        self.named(key, |key| key.certificate == *certificate)
    }

    /// The app with this package name.
    ///
    /// # Errors
    /// As [`SqliteRegistry::subject`].
    pub fn app(&self, package: &str) -> Result<Option<App>, Error> {
        let app: Option<App> = self.body("SELECT body FROM app WHERE package = ?1", params![package])?;
        self.named(app, |app| app.package == package)
    }

    /// The packages that the key with this certificate may sign, alone or with others, in the order of their names.
    ///
    /// # Errors
    /// As [`SqliteRegistry::subject`].
    pub fn packages_of(&self, certificate: &CertificateDigest) -> Result<Vec<String>, Error> {
        self.column(
            "SELECT package FROM signer WHERE certificate = ?1 ORDER BY package",
            params![certificate.0],
        )
    }

    /// The certificates of keys, registered or denied, from one to the other.
    pub(super) fn certificates_between(
        &self,
        [from, to]: &[CertificateDigest; 2],
    ) -> Result<Vec<CertificateDigest>, Error> {
        const SQL: &str = "SELECT certificate FROM key WHERE certificate BETWEEN ?1 AND ?2 \
             UNION SELECT certificate FROM denied WHERE certificate BETWEEN ?1 AND ?2";
        let found: Vec<[u8; 32]> = self.column(SQL, params![from.0, to.0])?;
        Ok(found.into_iter().map(CertificateDigest).collect())
    }

    /// The certificates of the keys of a subject, in the order of their digests. Looks at every key.
    ///
    /// # Errors
    /// As [`SqliteRegistry::subject`].
    pub fn certificates_of_subject(&self, id: &str) -> Result<Vec<CertificateDigest>, Error> {
        let found: Vec<[u8; 32]> =
            self.column("SELECT certificate FROM key WHERE subject = ?1 ORDER BY certificate", params![id])?;
        Ok(found.into_iter().map(CertificateDigest).collect())
    }

    /// The packages that a subject owns, in the order of their names. Looks at every app.
    ///
    /// # Errors
    /// As [`SqliteRegistry::subject`].
    pub fn packages_of_owner(&self, id: &str) -> Result<Vec<String>, Error> {
        self.column("SELECT package FROM app WHERE owner = ?1 ORDER BY package", params![id])
    }

    /// How many of each it has. Counts them all: not for each file.
    ///
    /// # Errors
    /// As [`SqliteRegistry::subject`].
    pub fn counts(&self) -> Result<Counts, Error> {
        self.undisturbed(|| self.counted())
    }

    fn counted(&self) -> Result<Counts, Error> {
        let count = |table: &str| {
            let sql = format!("SELECT count(*) FROM {table}");
            let count = self.connection.query_row(&sql, [], |row| row.get::<_, i64>(0));
            count.map(|count| u64::try_from(count).unwrap_or(0)).map_err(|error| self.fault(&error))
        };
        Ok(Counts {
            subjects: count("subject")?,
            keys: count("key")?,
            apps: count("app")?,
            denied: count("denied")?,
        })
    }

    /// The part of the registry that answers whatever is asked about `needs` as the whole would.
    ///
    /// # Errors
    /// As [`SqliteRegistry::subject`].
    pub fn part(&self, needs: &Needs) -> Result<Registry, Error> {
        self.undisturbed(|| self.part_read(needs))
    }

    fn part_read(&self, needs: &Needs) -> Result<Registry, Error> {
        let mut part =
            Registry { header: self.header.clone(), path: Some(self.path.clone()), ..Registry::default() };
        let mut certificates: Vec<CertificateDigest> = needs.certificates.iter().copied().collect();
        let mut subjects = needs.subjects.clone();
        for package in &needs.packages {
            let Some(app) = self.app(package)? else { continue };
            certificates.extend(app.signers.iter().flat_map(|set| &set.certificates));
            subjects.insert(app.owner.clone());
            part.apps.insert(app.package.clone(), app);
        }
        for public_key in &needs.public_keys {
            let sql = "SELECT certificate FROM key WHERE public_key = ?1";
            let found: Vec<[u8; 32]> = self.column(sql, params![public_key.0])?;
            certificates.extend(found.into_iter().map(CertificateDigest));
        }
        let mut seen = BTreeSet::new();
        while let Some(certificate) = certificates.pop() {
            if !seen.insert(certificate) {
                continue;
            }
            let denied: Option<DeniedKey> =
                self.body("SELECT body FROM denied WHERE certificate = ?1", params![certificate.0])?;
            if let Some(denied) = self.named(denied, |denied| denied.certificate == certificate)? {
                part.denied.insert(certificate, denied);
            }
            let Some(key) = self.key(&certificate)? else { continue };
            certificates.extend(key.replaced_by);
            subjects.insert(key.subject.clone());
            if let Some(public_key) = key.public_key {
                part.public_keys.entry(public_key).or_default().push(certificate);
            }
            part.keys.insert(certificate, key);
        }
        for certificates in part.public_keys.values_mut() {
            certificates.sort();
        }
        for id in subjects {
            if let Some(subject) = self.subject(&id)? {
                part.subjects.insert(id, subject);
            }
        }
        Ok(part)
    }

    /// All of it, in memory.
    ///
    /// # Errors
    /// As [`SqliteRegistry::subject`], and as [`Registry::parse`]: it is looked at as a whole.
    pub fn whole(&self) -> Result<Registry, Error> {
        let mut needs = Needs::default();
        needs.packages.extend(self.column::<String>("SELECT package FROM app", params![])?);
        needs.subjects.extend(self.column::<String>("SELECT id FROM subject", params![])?);
        for table in ["key", "denied"] {
            let found: Vec<[u8; 32]> = self.column(&format!("SELECT certificate FROM {table}"), params![])?;
            needs.certificates.extend(found.into_iter().map(CertificateDigest));
        }
        sound(&self.part(&needs)?, &self.path)
    }

    /// Makes sure that every row is as the text form has it, and refers to nothing that is not there. Memory does not grow
    /// with the registry.
    ///
    /// # Errors
    /// As [`SqliteRegistry::whole`]; the first fault.
    pub fn ensure_sound(&self) -> Result<(), Error> {
        let look = |part: &Registry| sound(part, &self.path).map(drop);
        // Of one that holds nothing, too, what it says of itself.
        look(&self.part(&Needs::default())?)?;
        self.each_part_of_apps(look)?;
        self.in_pieces("subject", "id", String::new(), |needs, names| needs.subjects.extend(names), look)?;
        let add = |needs: &mut Needs, names: Vec<[u8; 32]>| {
            needs.certificates.extend(names.into_iter().map(CertificateDigest));
        };
        ["key", "denied"]
            .into_iter()
            .try_for_each(|table| self.in_pieces(table, "certificate", [0_u8; 32], add, look))
    }

    /// Hands the parts for so many apps at a time to `sink`, by package name.
    pub(super) fn each_part_of_apps<E: From<Error>>(
        &self,
        sink: impl FnMut(&Registry) -> Result<(), E>,
    ) -> Result<(), E> {
        self.in_pieces("app", "package", String::new(), |needs, names| needs.packages.extend(names), sink)
    }

    /// Hands the parts for so many rows of a table at a time to `sink`. `lowest` is the first name that there can be.
    fn in_pieces<T: rusqlite::ToSql + rusqlite::types::FromSql + Clone, E: From<Error>>(
        &self,
        table: &str,
        column: &str,
        lowest: T,
        add: impl Fn(&mut Needs, Vec<T>),
        mut sink: impl FnMut(&Registry) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut after, mut comparison) = (lowest, ">=");
        loop {
            let sql = format!(
                "SELECT {column} FROM {table} WHERE {column} {comparison} ?1 ORDER BY {column} LIMIT {PIECE}"
            );
            let names: Vec<T> = self.column(&sql, params![after])?;
            let Some(last) = names.last() else { return Ok(()) };
            (after, comparison) = (last.clone(), ">");
            let mut needs = Needs::default();
            add(&mut needs, names);
            sink(&self.part(&needs)?)?;
        }
    }

    /// Hands what each row of `sql` holds to `sink`.
    pub(super) fn each<T: DeserializeOwned, E: From<Error>>(
        &self,
        sql: &str,
        sink: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        self.undisturbed(|| self.each_read(sql, sink))
    }

    fn each_read<T: DeserializeOwned, E: From<Error>>(
        &self,
        sql: &str,
        mut sink: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self.connection.prepare(sql).map_err(|error| self.fault(&error))?;
        let mut rows = statement.query([]).map_err(|error| self.fault(&error))?;
        while let Some(row) = rows.next().map_err(|error| self.fault(&error))? {
            let body: String = row.get(0).map_err(|error| self.fault(&error))?;
            sink(serde_json::from_str(&body).map_err(|error| self.damaged(&error.to_string()))?)?;
        }
        Ok(())
    }

    /// What the next rows of a table hold, by `column`, behind the name `after`; and the name of the last of them, none when
    /// there is no row.
    pub(super) fn page<T: DeserializeOwned>(
        &self,
        table: &str,
        column: &str,
        after: Option<&Value>,
    ) -> Result<(Vec<T>, Option<Value>), Error> {
        let behind = if after.is_some() { format!("WHERE {column} > ?1") } else { String::new() };
        let sql = format!("SELECT {column}, body FROM {table} {behind} ORDER BY {column} LIMIT {PIECE}");
        let read = || {
            let mut statement = self.connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params_from_iter(after), |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<Vec<(Value, String)>>>()
        };
        let rows = self.undisturbed(|| read().map_err(|error| self.fault(&error)))?;
        let last = rows.last().map(|(name, _)| name.clone());
        let parsed = rows.iter().map(|(_, body)| serde_json::from_str(body)).collect::<Result<Vec<T>, _>>();
        Ok((parsed.map_err(|error| self.damaged(&error.to_string()))?, last))
    }

    /// Makes all of the changes that `changes` gives for the part that `needs` name, or none, in one transaction. Raises the
    /// serial and sets the time of issue to `now`, as [`super::update`] does.
    ///
    /// # Errors
    /// As [`super::update`].
    pub fn update(
        &mut self,
        now: Timestamp,
        needs: &Needs,
        changes: impl FnOnce(&Registry) -> Result<Vec<Change>, Error>,
    ) -> Result<Vec<Difference>, Error> {
        self.run("BEGIN IMMEDIATE")?;
        // What another has written meanwhile.
        let header = read_header(&self.connection, &self.path);
        let changed = header.and_then(|header| {
            self.header = header;
            self.changed(now, needs, changes)
        });
        let done = changed.and_then(|changed| match changed {
            Some((old, new)) => {
                self.write(&old, &new)?;
                Ok(differences(&old, &new))
            }
            None => Ok(Vec::new()),
        });
        match &done {
            Ok(differences) if !differences.is_empty() => self.run("COMMIT")?,
            Ok(_) => self.run("ROLLBACK")?,
            Err(_) => {
                // Of a full disk SQLite has undone it by itself, and says so; why is in the error.
                let _ = self.run("ROLLBACK");
                return done;
            }
        }
        self.header = read_header(&self.connection, &self.path)?;
        done
    }

    /// What [`SqliteRegistry::update`] would answer.
    pub(super) fn rehearse(
        &self,
        now: Timestamp,
        needs: &Needs,
        changes: impl FnOnce(&Registry) -> Result<Vec<Change>, Error>,
    ) -> Result<Vec<Difference>, Error> {
        let changed = self.changed(now, needs, changes)?;
        Ok(changed.map(|(old, new)| differences(&old, &new)).unwrap_or_default())
    }

    /// What is touched as it is, and as it is to be; none when there is nothing to change.
    fn changed(
        &self,
        now: Timestamp,
        needs: &Needs,
        changes: impl FnOnce(&Registry) -> Result<Vec<Change>, Error>,
    ) -> Result<Option<(Registry, Registry)>, Error> {
        let changes = changes(&self.part(needs)?)?;
        if changes.is_empty() {
            return Ok(None);
        }
        let mut touched = needs.clone();
        for change in &changes {
            touched.add(change);
        }
        let old = self.part(&touched)?;
        let mut new = old.clone();
        changes.iter().try_for_each(|change| new.apply(change))?;
        new.header.serial = Some(old.header.serial.unwrap_or(0).saturating_add(1));
        new.header.issued_at = Some(Moment::Instant(now));
        let new = sound(&new, &self.path)?;
        Ok(Some((old, new)))
    }

    /// Writes what differs between two parts of the same extent.
    fn write(&self, old: &Registry, new: &Registry) -> Result<(), Error> {
        let rows = Rows { connection: &self.connection };
        let write = || {
            rows.header(&new.header)?;
            for subject in new.subjects().filter(|subject| old.subject(&subject.id) != Some(subject)) {
                rows.subject(subject)?;
            }
            for key in new.keys().filter(|key| old.key(&key.certificate) != Some(key)) {
                rows.key(key)?;
            }
            for app in new.apps().filter(|app| old.app(&app.package) != Some(app)) {
                rows.app(app)?;
            }
            for key in new.denied_keys().filter(|key| !old.denied.contains_key(&key.certificate)) {
                rows.denied(key)?;
            }
            Ok(())
        };
        write().map_err(|error| self.fault(&error))
    }

    fn run(&self, sql: &str) -> Result<(), Error> {
        self.connection.execute_batch(sql).map_err(|error| self.fault(&error))
    }

    fn body<T: DeserializeOwned>(&self, sql: &str, by: impl rusqlite::Params) -> Result<Option<T>, Error> {
        let mut statement = self.connection.prepare_cached(sql).map_err(|error| self.fault(&error))?;
        let body = statement.query_row(by, |row| row.get::<_, String>(0)).optional();
        let Some(body) = body.map_err(|error| self.fault(&error))? else { return Ok(None) };
        serde_json::from_str(&body).map(Some).map_err(|error| self.damaged(&error.to_string()))
    }

    fn column<T: rusqlite::types::FromSql>(
        &self,
        sql: &str,
        by: impl rusqlite::Params,
    ) -> Result<Vec<T>, Error> {
        let read = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map(by, |row| row.get(0))?;
            rows.collect::<Result<Vec<T>, rusqlite::Error>>()
        };
        read().map_err(|error| self.fault(&error))
    }

    /// A row that is not the one that was asked for says nothing.
    fn named<T>(&self, found: Option<T>, is: impl Fn(&T) -> bool) -> Result<Option<T>, Error> {
        match found {
            Some(found) if !is(&found) => Err(self.damaged("a row bears the name of another")),
            found => Ok(found),
        }
    }

    fn damaged(&self, what: &str) -> Error {
        let message = format!("the registry is damaged: {what}; get it again from where it came from");
        Error::Configuration { path: self.path.clone(), position: None, message }
    }

    fn fault(&self, error: &rusqlite::Error) -> Error {
        fault(&self.path, error)
    }
}

impl Needs {
    /// Adds what `change` touches and refers to.
    fn add(&mut self, change: &Change) {
        match change {
            Change::Subject(subject) => drop(self.subjects.insert(subject.id.clone())),
            Change::Key(key) => {
                self.certificates.insert(key.certificate);
                self.certificates.extend(key.replaced_by);
                self.subjects.insert(key.subject.clone());
            }
            Change::App(app) => {
                self.packages.insert(app.package.clone());
                self.subjects.insert(app.owner.clone());
                self.certificates.extend(app.signers.iter().flat_map(|set| &set.certificates));
            }
            Change::Signers { package, set } => {
                self.packages.insert(package.clone());
                self.certificates.extend(&set.certificates);
            }
            Change::Denied(key) => drop(self.certificates.insert(key.certificate)),
            Change::Status { certificate, status } => {
                self.certificates.insert(*certificate);
                self.certificates.extend(status.replaced_by);
            }
            Change::Expiry(_) => {}
        }
    }
}

/// A new SQLite file that is filled row by row. One that is not finished is removed.
#[derive(Debug)]
pub struct SqliteWriter {
    connection: Connection,
    path: PathBuf,
    finished: bool,
}

impl Drop for SqliteWriter {
    fn drop(&mut self) {
        if !self.finished {
            // Before the file goes: what SQLite keeps beside it goes with the transaction.
            let _ = self.connection.execute_batch("ROLLBACK");
            atomic_file::discard(&self.path);
        }
    }
}

impl SqliteWriter {
    /// Begins the file at `path`, which must not be there.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is; [`Error::File`] when it cannot be made; [`Error::Configuration`] when SQLite cannot write it.
    pub fn create(path: impl AsRef<Path>, header: &Header) -> Result<Self, Error> {
        let path = path.as_ref();
        if path.try_exists().unwrap_or(true) {
            return Err(Error::Usage(format!("{}: there is a file already; name another", path.display())));
        }
        // An empty file is to SQLite a new one.
        AtomicFile::begin(path)?.commit_new()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = connect(path, flags)?;
        let writer = Self { connection, path: path.to_owned(), finished: false };
        let begin = || {
            writer.connection.pragma_update(None, "application_id", APPLICATION_ID)?;
            migrate(&writer.connection)?;
            writer.connection.execute_batch("BEGIN IMMEDIATE")?;
            writer.rows().header(header)
        };
        begin().map_err(|error| fault(path, &error))?;
        Ok(writer)
    }

    /// Adds a subject. Like all of these, it does not see to what it refers to: [`SqliteWriter::finish`] does.
    ///
    /// # Errors
    /// [`Error::Configuration`] when it is there already, or cannot be written; so all of these.
    pub fn subject(&mut self, subject: &Subject) -> Result<(), Error> {
        self.rows().subject(subject).map_err(|error| fault(&self.path, &error))
    }

    /// Adds a key.
    ///
    /// # Errors
    /// As [`SqliteWriter::subject`].
    pub fn key(&mut self, key: &Key) -> Result<(), Error> {
        self.rows().key(key).map_err(|error| fault(&self.path, &error))
    }

    /// Adds an app.
    ///
    /// # Errors
    /// As [`SqliteWriter::subject`].
    pub fn app(&mut self, app: &App) -> Result<(), Error> {
        self.rows().app(app).map_err(|error| fault(&self.path, &error))
    }

    /// Adds a denied key.
    ///
    /// # Errors
    /// As [`SqliteWriter::subject`].
    pub fn denied(&mut self, key: &DeniedKey) -> Result<(), Error> {
        self.rows().denied(key).map_err(|error| fault(&self.path, &error))
    }

    /// Adds all of `registry`.
    ///
    /// # Errors
    /// As [`SqliteWriter::subject`].
    pub fn all(&mut self, registry: &Registry) -> Result<(), Error> {
        registry.subjects().try_for_each(|subject| self.subject(subject))?;
        registry.keys().try_for_each(|key| self.key(key))?;
        registry.apps().try_for_each(|app| self.app(app))?;
        registry.denied_keys().try_for_each(|key| self.denied(key))
    }

    /// Makes sure that nothing refers to what is not there, and ends the file.
    ///
    /// # Errors
    /// As [`SqliteWriter::subject`], and when something does; there is no file then.
    pub fn finish(mut self) -> Result<(), Error> {
        let dangling = [
            (
                "the subject of a key",
                "SELECT subject FROM key WHERE subject NOT IN (SELECT id FROM subject) LIMIT 1",
            ),
            (
                "the owner of an app",
                "SELECT owner FROM app WHERE owner NOT IN (SELECT id FROM subject) LIMIT 1",
            ),
            (
                "the key of a signer of an app",
                "SELECT hex(certificate) FROM signer WHERE NOT EXISTS \
                 (SELECT 1 FROM key WHERE key.certificate = signer.certificate) LIMIT 1",
            ),
        ];
        for (what, sql) in dangling {
            let found: Option<String> = self
                .connection
                .query_row(sql, [], |row| row.get(0))
                .optional()
                .map_err(|error| fault(&self.path, &error))?;
            if let Some(found) = found {
                let message = format!("expected {what} in the registry, found none: {found}");
                return Err(Error::Configuration { path: self.path.clone(), position: None, message });
            }
        }
        self.connection.execute_batch("COMMIT").map_err(|error| fault(&self.path, &error))?;
        self.finished = true;
        Ok(())
    }

    fn rows(&self) -> Rows<'_> {
        Rows { connection: &self.connection }
    }
}

/// Writes rows.
struct Rows<'a> {
    connection: &'a Connection,
}

impl Rows<'_> {
    fn header(&self, header: &Header) -> rusqlite::Result<()> {
        let serial = header.serial.and_then(|serial| i64::try_from(serial).ok());
        let moment = |moment: Option<Moment>| moment.map(|moment| moment.to_string());
        self.put(
            "INSERT OR REPLACE INTO header VALUES (1, ?1, ?2, ?3, ?4)",
            params![header.id, serial, moment(header.issued_at), moment(header.expires_at)],
        )
    }

    fn subject(&self, subject: &Subject) -> rusqlite::Result<()> {
        self.put("INSERT INTO subject VALUES (?1, ?2)", params![subject.id, body(subject)?])
    }

    fn key(&self, key: &Key) -> rusqlite::Result<()> {
        self.put(
            "INSERT OR REPLACE INTO key VALUES (?1, ?2, ?3, ?4)",
            params![
                key.certificate.0,
                key.subject,
                key.public_key.map(|public_key| public_key.0),
                body(key)?
            ],
        )
    }

    fn app(&self, app: &App) -> rusqlite::Result<()> {
        self.put(
            "INSERT OR REPLACE INTO app VALUES (?1, ?2, ?3)",
            params![app.package, app.owner, body(app)?],
        )?;
        for certificate in app.signers.iter().flat_map(|set| &set.certificates) {
            self.put("INSERT OR IGNORE INTO signer VALUES (?1, ?2)", params![certificate.0, app.package])?;
        }
        Ok(())
    }

    fn denied(&self, key: &DeniedKey) -> rusqlite::Result<()> {
        self.put("INSERT INTO denied VALUES (?1, ?2)", params![key.certificate.0, body(key)?])
    }

    fn put(&self, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute(values).map(drop)
    }
}

fn body(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// `registry` as its text form reads back: whatever the reader of texts refuses is refused here.
fn sound(registry: &Registry, path: &Path) -> Result<Registry, Error> {
    let text = toml::to_string(registry).map_err(|error| Error::Usage(error.to_string()))?;
    let read = Registry::parse(&text, path).map_err(|error| match error {
        // Its place is one in a text that nobody has.
        Error::Configuration { path, message, .. } => Error::Configuration { path, position: None, message },
        Error::Several { mut faults, .. } if !faults.is_empty() => faults.remove(0),
        other => other,
    })?;
    Ok(read)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    connect_to(path, path, flags)
}

/// As [`connect`], by what SQLite is to call the file at `path`.
fn connect_to(name: &Path, path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    let open = || {
        let connection = Connection::open_with_flags(name, flags)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "cache_size", CACHE)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Nothing in a file that came from elsewhere may run.
        connection.pragma_update(None, "trusted_schema", false)?;
        Ok(connection)
    };
    open().map_err(|error| fault(path, &error))
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}

fn ensure_ours(connection: &Connection, path: &Path) -> Result<(), Error> {
    let found = pragma(connection, "application_id").map_err(|error| fault(path, &error))?;
    if found == APPLICATION_ID { Ok(()) } else { Err(of_another_program(path)) }
}

/// Makes sure, by its first bytes alone, that the file at `path` is a registry, and of no newer version of the schema.
///
/// Source: <https://www.sqlite.org/fileformat.html>, §1.3: the user version at 60, the application id at 68.
fn ensure_registry(path: &Path) -> Result<(), Error> {
    let Some(first) = first_bytes::<72>(path, "the registry")? else { return Err(of_another_program(path)) };
    let number = |at: usize| {
        let bytes = first.get(at..).and_then(<[u8]>::first_chunk::<4>).copied();
        i64::from(u32::from_be_bytes(bytes.unwrap_or_default()))
    };
    if number(68) != APPLICATION_ID {
        return Err(of_another_program(path));
    }
    let version = number(60);
    let known = usize::try_from(version).is_ok_and(|version| version <= MIGRATIONS.len());
    if known { Ok(()) } else { Err(other_version(path, version)) }
}

fn of_another_program(path: &Path) -> Error {
    let message = "expected a registry, found a SQLite file of another program".to_owned();
    Error::Configuration { path: path.to_owned(), position: None, message }
}

fn other_version(path: &Path, found: i64) -> Error {
    let message = format!(
        "expected a registry of schema version {}, found {found}; use the version of apkvouch that made it, or make it anew with \
         `apkvouch registry convert`",
        MIGRATIONS.len()
    );
    Error::Configuration { path: path.to_owned(), position: None, message }
}

fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    let version = usize::try_from(pragma(connection, "user_version")?).unwrap_or(usize::MAX);
    for (index, step) in MIGRATIONS.iter().enumerate().skip(version) {
        let next = index.saturating_add(1);
        connection
            .execute_batch(&format!("BEGIN IMMEDIATE; {step} PRAGMA user_version = {next}; COMMIT;"))?;
    }
    Ok(())
}

fn read_header(connection: &Connection, path: &Path) -> Result<Header, Error> {
    let row = connection
        .query_row("SELECT id, serial, issued_at, expires_at FROM header", [], |row| {
            let moment = |text: Option<String>| text.map(|text| text.parse::<Moment>());
            let serial: Option<i64> = row.get(1)?;
            Ok((row.get(0)?, serial.map(u64::try_from), moment(row.get(2)?), moment(row.get(3)?)))
        })
        .map_err(|error| fault(path, &error))?;
    let (id, serial, issued_at, expires_at) = row;
    if let (Ok(serial), Ok(issued_at), Ok(expires_at)) =
        (serial.transpose(), issued_at.transpose(), expires_at.transpose())
    {
        return Ok(Header { id, serial, issued_at, expires_at });
    }
    let message =
        "the registry is damaged: its serial or dates are none; get it again from where it came from";
    Err(Error::Configuration { path: path.to_owned(), position: None, message: message.to_owned() })
}

fn fault(path: &Path, error: &rusqlite::Error) -> Error {
    use rusqlite::ErrorCode;

    // Not for what the registry says: it could not be written.
    if let Some(ErrorCode::DiskFull | ErrorCode::ReadOnly) = error.sqlite_error_code() {
        let message = format!("cannot write: SQLite says: {error}");
        return Error::File { path: path.to_owned(), message, source: None };
    }
    let message = format!("cannot use the registry: SQLite says: {error}");
    Error::Configuration { path: path.to_owned(), position: None, message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Role;

    /// Whoever is killed on the way leaves a journal from which the edition before is restored, and what was committed is on
    /// the disk.
    #[test]
    fn a_change_is_journalled_and_reaches_the_disk() {
        let modes = |connection: &Connection| {
            let journal: String =
                connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
            (journal, pragma(connection, "synchronous").unwrap())
        };
        let (journalled, full) = ("delete".to_owned(), 2);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.db");
        let header = Header { id: "store.example".to_owned(), ..Header::default() };
        let writer = SqliteWriter::create(&path, &header).unwrap();
        assert_eq!(modes(&writer.connection), (journalled.clone(), full));
        writer.finish().unwrap();
        let registry = SqliteRegistry::open_to_change(&path).unwrap();
        assert_eq!(modes(&registry.connection), (journalled, full));
    }

    /// SQLite ends the transaction of a change by itself when the disk is full, which must not hide why.
    #[test]
    fn a_change_that_does_not_fit_says_so_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.db");
        let header = Header { id: "store.example".to_owned(), ..Header::default() };
        SqliteWriter::create(&path, &header).unwrap().finish().unwrap();
        let before = std::fs::read(&path).unwrap();
        let now = "2026-06-01T12:00:00Z".parse().unwrap();
        let subjects = || {
            let subject = |number| {
                let subject = Subject::new(format!("s{number}"), "n".repeat(500), [Role::Developer].into());
                Change::Subject(subject)
            };
            Ok((0..200).map(subject).collect())
        };
        let mut registry = SqliteRegistry::open_to_change(&path).unwrap();
        let pages: i64 = pragma(&registry.connection, "page_count").unwrap();
        registry.connection.pragma_update(None, "max_page_count", pages).unwrap();
        let error = registry.update(now, &Needs::default(), |_| subjects()).unwrap_err();
        assert!(
            error.to_string().ends_with("cannot write: SQLite says: database or disk is full"),
            "{error}"
        );
        assert_eq!(error.exit_code(), 3);
        assert_eq!(std::fs::read(&path).unwrap(), before);
        registry.connection.pragma_update(None, "max_page_count", 100_000).unwrap();
        let differences = registry.update(now, &Needs::default(), |_| subjects()).unwrap();
        let added = differences.iter().filter(|difference| difference.what == "subject");
        assert_eq!(added.count(), 200);
    }
}
