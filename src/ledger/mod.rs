//! What scans have seen, in a SQLite file: so that a file that has not changed is not read again, a scan that was broken off goes on
//! where it was, a changed registry judges without reading one APK, and two scans can be compared.
//!
//! Evidence is kept by the digest of its own bytes, so that one that was altered by chance is none, and the file is read again.
//! Whoever may write to the database may say what he likes: keep it as the registry is kept.

mod difference;
mod entry;
mod schema;
mod whole;

use std::collections::HashMap;
use std::fmt::Debug;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::OptionalExtension as _;
use rusqlite::params;

use crate::crypto::sha256;
use crate::error::Error;
use crate::identity::Certificate;
use crate::kept;
use crate::kept::Key;
use crate::kept::Reader;
use crate::kept::Writer;
use crate::policy::Verdict;
use crate::scan::Known;
use crate::scan::KnownAs;
use crate::scan::Outcome;
use crate::scan::Row;
use crate::scan::ScanOptions;
use crate::scan::take_outcome;
use crate::source::FileIdentity;

pub use difference::Change;
pub use difference::ChangeKind;
pub use difference::Side;
pub use entry::FileRecord;
pub use whole::Duplicate;
pub use whole::GoneBack;
pub use whole::PackageSigners;
pub use whole::SignedBy;
pub use whole::SignerCount;
pub use whole::Whole;

use entry::Seen;
use schema::fault;
use schema::unusable;

/// So many results, or bytes of files, are written in one transaction: what is done again when the process is killed.
const BATCH: u32 = 128;
const BATCH_BYTES: u64 = 32 << 20;
/// So many certificates are held in memory.
const CERTIFICATES: usize = 10_000;

/// A database of scans. One process uses it at a time.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    connection: Mutex<Connection>,
    certificates: Mutex<HashMap<Key, Certificate>>,
    /// Stands for the options and the version.
    making: Key,
    /// Whether the bytes of pictures are read.
    pictures: bool,
    /// Files that have changed later than this, in Unix seconds, may change again and look the same.
    settled: i64,
}

/// A scan that is under way.
#[derive(Debug)]
pub struct Recording<'a> {
    ledger: &'a Ledger,
    scan: i64,
    number: i64,
    results: u32,
    bytes: u64,
}

/// A scan in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Scan {
    /// Its number, from 1.
    pub id: i64,
    /// When it was begun.
    pub begun: String,
    /// When it had ended; none when it was broken off.
    pub ended: Option<String>,
    /// The registry that it was held against, in words.
    pub registry: Option<String>,
    /// The policy, likewise.
    pub policy: Option<String>,
    /// How many files were passed over, since nothing says that they are APKs.
    pub not_apk: u64,
    made_by: String,
}

/// A row of the table of results.
struct Stored {
    number: i64,
    path: Vec<u8>,
    seen: Vec<u8>,
}

/// The program, the sources that it is made of, and the form of evidence.
fn made_by() -> String {
    format!("apkvouch {}, code {}, form {}", env!("CARGO_PKG_VERSION"), env!("APKVOUCH_CODE"), kept::FORM)
}

fn key_of(bytes: &[u8]) -> Key {
    let digest = sha256(bytes);
    digest.first_chunk().copied().unwrap_or_default()
}

/// Bytes in lower case.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

impl Ledger {
    /// Opens the database at `path`, and makes it if it is not there. What it remembers of files holds for `options`, and is
    /// believed of those that have not changed since a while before `now`.
    ///
    /// # Errors
    /// [`Error::Configuration`] when it is of another program or a newer version; [`Error::File`] when it cannot be used, or
    /// another process uses it.
    pub fn open(path: impl AsRef<Path>, options: &ScanOptions<'_>, now: Timestamp) -> Result<Self, Error> {
        /// Ticks of file systems are shorter, but for FAT's.
        const TICK: i64 = 2;
        let path = path.as_ref();
        let what: [&dyn Debug; 6] = [
            &options.verify,
            &options.v4_signature_file,
            &options.marks,
            &options.appearance,
            &options.file_digest,
            &options.bases_beside,
        ];
        let making = key_of(format!("{}: {what:?}", made_by()).as_bytes());
        Ok(Self::on(schema::open(path, true)?, path, making, now.as_second().saturating_sub(TICK)))
    }

    /// Opens the database at `path`, which must be there, to ask it.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn open_to_read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        Ok(Self::on(schema::open(path, false)?, path, Key::default(), i64::MIN))
    }

    fn on(connection: Connection, path: &Path, making: Key, settled: i64) -> Self {
        Self {
            path: path.to_owned(),
            connection: Mutex::new(connection),
            certificates: Mutex::default(),
            making,
            pictures: false,
            settled,
        }
    }

    /// With the bytes of icons in what it remembers, when `wanted`; their digests are there anyway.
    #[must_use]
    pub fn with_pictures(mut self, wanted: bool) -> Self {
        self.pictures = wanted;
        self
    }

    /// Begins a scan; `registry` and `policy` are for people. Results of scans that were broken off are dropped, and what was seen
    /// of files is kept.
    ///
    /// # Errors
    /// [`Error::File`] when the database cannot be read or written; so all of these.
    pub fn begin(
        &self,
        now: Timestamp,
        registry: Option<&str>,
        policy: Option<&str>,
    ) -> Result<Recording<'_>, Error> {
        let connection = self.connection();
        let begin = || {
            connection.execute_batch("BEGIN IMMEDIATE")?;
            connection
                .execute("DELETE FROM result WHERE scan IN (SELECT id FROM scan WHERE ended IS NULL)", [])?;
            connection.execute("DELETE FROM scan WHERE ended IS NULL", [])?;
            connection.execute(
                "INSERT INTO scan (made_by, begun, registry, policy) VALUES (?1, ?2, ?3, ?4)",
                params![made_by(), now.to_string(), registry, policy],
            )?;
            let scan = connection.last_insert_rowid();
            connection.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
            Ok(scan)
        };
        let scan = begin().map_err(|error| fault(&self.path, &error))?;
        Ok(Recording { ledger: self, scan, number: 0, results: 0, bytes: 0 })
    }

    /// All scans, the oldest first.
    ///
    /// # Errors
    /// As [`Ledger::begin`].
    pub fn scans(&self) -> Result<Vec<Scan>, Error> {
        let connection = self.connection();
        let read = || {
            let mut statement = connection.prepare(
                "SELECT id, made_by, begun, ended, registry, policy, not_apk FROM scan ORDER BY id",
            )?;
            let scans = statement.query_map([], |row| {
                Ok(Scan {
                    id: row.get(0)?,
                    made_by: row.get(1)?,
                    begun: row.get(2)?,
                    ended: row.get(3)?,
                    registry: row.get(4)?,
                    policy: row.get(5)?,
                    not_apk: row.get::<_, i64>(6)?.cast_unsigned(),
                })
            })?;
            scans.collect::<rusqlite::Result<Vec<Scan>>>()
        };
        read().map_err(|error| fault(&self.path, &error))
    }

    /// The scan of that number, or the last that has ended.
    ///
    /// # Errors
    /// As [`Ledger::begin`]; [`Error::Usage`] when there is none, or it was broken off.
    pub fn scan(&self, id: Option<i64>) -> Result<Scan, Error> {
        let scans = self.scans()?;
        let ended = scans.iter().filter(|scan| scan.ended.is_some());
        let found = match id {
            Some(id) => ended.clone().find(|scan| scan.id == id),
            None => ended.clone().next_back(),
        };
        found.cloned().ok_or_else(|| {
            let there: Vec<String> = ended.map(|scan| scan.id.to_string()).collect();
            let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
            let wanted = id.map_or_else(|| "a scan".to_owned(), |id| format!("scan {id}"));
            Error::Usage(format!(
                "{}: expected {wanted} that has ended, found of these: {there}",
                self.path.display()
            ))
        })
    }

    /// Hands each row of `scan` to `sink`, in the order in which it was found, as [`scan`](crate::scan::scan) does.
    ///
    /// # Errors
    /// As [`Ledger::begin`]; [`Error::Usage`] when another version has seen what is kept; [`Error::Configuration`] when some of it
    /// is gone; whatever `sink` says.
    pub fn each<E: From<Error>>(
        &self,
        scan: &Scan,
        mut sink: impl FnMut(Row) -> Result<(), E>,
    ) -> Result<(), E> {
        const PIECE: i64 = 256;
        if scan.made_by != made_by() {
            let message = format!(
                "{}: scan {} was made by {}, and this is {}: scan again",
                self.path.display(),
                scan.id,
                scan.made_by,
                made_by()
            );
            return Err(Error::Usage(message).into());
        }
        let mut after = -1_i64;
        loop {
            let rows = self.rows(scan.id, after, PIECE).map_err(|error| fault(&self.path, &error))?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.number;
            for Stored { path, seen, .. } in rows {
                let path = entry::path(path);
                let outcome =
                    seen.try_into().ok().and_then(|key| self.outcome(&path, &key)).ok_or_else(|| {
                        let message =
                            "the database of scans is damaged: what was seen of a file is gone; scan again";
                        unusable(&self.path, message.to_owned())
                    })?;
                sink(Row { path, outcome, identity: None, known: None })?;
            }
        }
    }

    /// So many rows behind that number.
    fn rows(&self, scan: i64, after: i64, most: i64) -> rusqlite::Result<Vec<Stored>> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT number, path, seen FROM result WHERE scan = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
        )?;
        let rows = statement.query_map(params![scan, after, most], |row| {
            Ok(Stored { number: row.get(0)?, path: row.get(1)?, seen: row.get(2)? })
        })?;
        rows.collect()
    }

    /// What was seen of the file at `path`, by the key of its bytes; none when that is not there, or not whole.
    fn outcome(&self, path: &Path, key: &Key) -> Option<Outcome> {
        let bytes = self.body(key)?;
        let certificate = |key: &Key| self.certificate(key);
        let picture = |key: &Key| if self.pictures { self.body(key) } else { Some(Vec::new()) };
        let reader = Reader::new(&bytes, &certificate).with_pictures(&picture);
        reader.all_by(|from| take_outcome(path, from))
    }

    fn certificate(&self, key: &Key) -> Option<Certificate> {
        if let Some(certificate) = self.held().get(key) {
            return Some(certificate.clone());
        }
        let certificate = kept::certificate(&self.body(key)?)?;
        let mut held = self.held();
        if held.len() >= CERTIFICATES {
            held.clear();
        }
        held.insert(*key, certificate.clone());
        Some(certificate)
    }

    fn body(&self, key: &Key) -> Option<Vec<u8>> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT bytes FROM body WHERE key = ?1").ok()?;
        let bytes: Vec<u8> = statement.query_row(params![key], |row| row.get(0)).optional().ok()??;
        (key_of(&bytes) == *key).then_some(bytes)
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Key, Certificate>> {
        self.certificates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known for Ledger {
    fn look_up(&self, path: &Path, identity: &FileIdentity) -> Option<(Outcome, KnownAs)> {
        let key: Vec<u8> = {
            let connection = self.connection();
            let sql = "SELECT state, seen FROM file WHERE making = ?1 AND device = ?2 AND inode = ?3";
            let mut statement = connection.prepare_cached(sql).ok()?;
            let of = params![self.making, identity.device.cast_signed(), identity.inode.cast_signed()];
            let row = statement.query_row(of, |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?)));
            let (stored, key): (Vec<u8>, Vec<u8>) = row.optional().ok()??;
            (stored == state(&self.making, identity, &key)).then_some(key)?
        };
        let key = key.try_into().ok()?;
        Some((self.outcome(path, &key)?, KnownAs(key)))
    }
}

/// A digest of the state of a file, which ties it to what was seen of it.
fn state(making: &Key, identity: &FileIdentity, seen: &[u8]) -> Key {
    let FileIdentity { device, inode, size, modified, changed, .. } = identity;
    let mut bytes = making.to_vec();
    for number in [*device, *inode, *size] {
        bytes.extend(number.to_le_bytes());
    }
    for number in [modified.0, modified.1, changed.0, changed.1] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(seen);
    key_of(&bytes)
}

impl Recording<'_> {
    /// The number of the scan.
    pub fn id(&self) -> i64 {
        self.scan
    }

    /// Notes what became of a file, its verdict, when it has one, and whether it passed.
    ///
    /// # Errors
    /// As [`Ledger::begin`].
    pub fn add(&mut self, record: &FileRecord, verdict: Option<Verdict>, passed: bool) -> Result<(), Error> {
        let connection = self.ledger.connection();
        let write = || {
            let key = match &record.seen {
                Seen::Known(KnownAs(key)) => *key,
                Seen::New(writer) => self.ledger.keep(&connection, writer, record.identity.as_ref())?,
            };
            put(
                &connection,
                "INSERT INTO result VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                &[
                    &self.scan,
                    &self.number,
                    &record.path.as_os_str().as_encoded_bytes(),
                    &key,
                    &record.left_out,
                    &record.unjudged,
                    &verdict.map(Verdict::as_str),
                    &passed,
                    &record.package,
                    &record.version_code.map(u64::cast_signed),
                    &record.signers,
                    &record.digest.map(|digest| digest.0),
                ],
            )
        };
        write().map_err(|error| fault(&self.ledger.path, &error))?;
        self.number = self.number.saturating_add(1);
        self.results = self.results.saturating_add(1);
        self.bytes = self.bytes.saturating_add(record.size);
        if self.results >= BATCH || self.bytes >= BATCH_BYTES {
            (self.results, self.bytes) = (0, 0);
            connection
                .execute_batch("COMMIT; BEGIN IMMEDIATE")
                .map_err(|error| fault(&self.ledger.path, &error))?;
        }
        Ok(())
    }

    /// Ends the scan, in which so many files were passed over.
    ///
    /// # Errors
    /// As [`Ledger::begin`].
    pub fn end(self, now: Timestamp, not_apk: u64) -> Result<(), Error> {
        let connection = self.ledger.connection();
        let end = || {
            let values = params![now.to_string(), not_apk.cast_signed(), self.scan];
            connection.execute("UPDATE scan SET ended = ?1, not_apk = ?2 WHERE id = ?3", values)?;
            connection.execute_batch("COMMIT")
        };
        end().map_err(|error| fault(&self.ledger.path, &error))
    }
}

impl Drop for Recording<'_> {
    /// What was seen so far is kept, whatever ends the scan.
    fn drop(&mut self) {
        let connection = self.ledger.connection();
        if !connection.is_autocommit() {
            // Nobody is left to be told.
            let _ = connection.execute_batch("COMMIT");
        }
    }
}

fn put(connection: &Connection, sql: &str, values: &[&dyn rusqlite::ToSql]) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

impl Ledger {
    /// Keeps what was seen, of that file when it is settled, and gives its key.
    fn keep(
        &self,
        connection: &Connection,
        seen: &Writer,
        identity: Option<&FileIdentity>,
    ) -> rusqlite::Result<Key> {
        // What is there under that name may be damaged, and is what these bytes are.
        let body = "INSERT INTO body (key, bytes) VALUES (?1, ?2) \
                    ON CONFLICT (key) DO UPDATE SET bytes = excluded.bytes WHERE bytes IS NOT excluded.bytes";
        let key = key_of(&seen.bytes);
        put(connection, body, &[&key, &seen.bytes])?;
        for (key, bytes) in &seen.bodies {
            put(connection, body, &[key, bytes])?;
        }
        // Whoever writes to it later than that cannot do so without its state telling.
        if let Some(identity) = identity.filter(|identity| identity.changed.0 < self.settled) {
            let stored = state(&self.making, identity, &key);
            let (device, inode) = (identity.device.cast_signed(), identity.inode.cast_signed());
            let file = "INSERT OR REPLACE INTO file VALUES (?1, ?2, ?3, ?4, ?5)";
            put(connection, file, &[&self.making, &device, &inode, &stored, &key])?;
        }
        Ok(key)
    }
}
