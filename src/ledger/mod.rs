//! What scans have seen, in a SQLite file: so that a file that has not changed is not read again, a scan that was broken off goes on
//! where it was, a changed registry judges without reading one APK, and two scans can be compared.
//!
//! Evidence is kept by the digest of its own bytes, so that one that was altered by chance is none, and the file is read again.
//! Whoever may write to the database may say what he likes: keep it as the registry is kept.

mod base;
mod difference;
mod entry;
mod likeness;
mod lookalike;
mod schema;
mod segment;
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
use crate::report::Glance;
use crate::scan::Known;
use crate::scan::KnownAs;
use crate::scan::Outcome;
use crate::scan::Place;
use crate::scan::Recalled;
use crate::scan::Row;
use crate::scan::ScanOptions;
use crate::scan::take_outcome;
use crate::source::FileIdentity;

pub use difference::Change;
pub use difference::ChangeKind;
pub use difference::Side;
pub use entry::FileRecord;
pub use lookalike::AlikeApp;
pub use lookalike::SharedIcon;
pub use lookalike::SharedLabel;
pub use segment::Said;
pub use whole::Duplicate;
pub use whole::GoneBack;
pub use whole::PackageSigners;
pub use whole::SignedBy;
pub use whole::SignerCount;
pub use whole::Whole;

use base::Base;
use entry::Seen;
use schema::fault;
use schema::unusable;
use segment::NewEntry;
use segment::Packing;
use segment::bytes_of;

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
    /// Whether what people see of apps is noted.
    names: bool,
    /// Whether the bytes of pictures are read.
    pictures: bool,
    /// Files that have changed later than this, in Unix seconds, may change again and look the same.
    settled: i64,
    judging: Option<JudgedBy>,
    base: Mutex<Base>,
}

/// By what the results of a scan are judged, so that another one can tell whether it would say the same.
#[derive(Debug, Clone)]
struct JudgedBy {
    key: Key,
    inputs: Key,
    now: Timestamp,
    /// Whether a glance is enough.
    recalls: bool,
}

/// A scan that is under way.
#[derive(Debug)]
pub struct Recording<'a> {
    ledger: &'a Ledger,
    scan: i64,
    number: i64,
    results: u32,
    bytes: u64,
    /// Rows, here or of earlier scans, that are not noted yet.
    run: Option<Run>,
    /// What was said of the last files.
    packing: Packing,
}

/// Rows of a scan that follow each other, and those that the scan `source` has written which they are.
#[derive(Debug)]
struct Run {
    first: i64,
    source: i64,
    source_first: i64,
    count: i64,
}

impl Run {
    /// The digest by which it is believed, of the scan whose results these are.
    fn sum(&self, scan: i64) -> Key {
        let Self { first, source, source_first, count } = self;
        key_of(&[scan, *first, *source, *source_first, *count].map(i64::to_le_bytes).concat())
    }
}

/// The digest by which a row of the table of results is believed: of its place, the path and what was seen.
fn sum_of(place: Place, path: &[u8], seen: &[u8]) -> Key {
    key_of(&[&place.scan.to_le_bytes(), &place.number.to_le_bytes(), seen, path].concat())
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
    /// How many results it has; none in a database of before.
    results: Option<i64>,
}

/// A row of the table of results.
struct Stored {
    number: i64,
    path: Vec<u8>,
    seen: Vec<u8>,
    /// Whether it is as it was written.
    whole: bool,
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
        let settled = now.as_second().saturating_sub(FileIdentity::TICK);
        let ledger = Self::on(schema::open(path, true)?, path, making, settled);
        Ok(Self { names: options.appearance, ..ledger })
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
            names: false,
            pictures: false,
            settled,
            judging: None,
            base: Mutex::default(),
        }
    }

    /// With the bytes of icons in what it remembers, when `wanted`; their digests are there anyway.
    #[must_use]
    pub fn with_pictures(mut self, wanted: bool) -> Self {
        self.pictures = wanted;
        self
    }

    /// Says that results of this scan, which goes over `inputs`, are judged by `what` as of `now`: that is all on which they depend
    /// beside the files and the options. What an earlier scan has said of a file that has not changed, judged by the same, is
    /// not written again; where `recalls` says that a glance is enough, the file is not judged again either, as long as the time
    /// makes no difference.
    ///
    /// Without it every file is judged anew.
    pub fn judge_by(&mut self, what: &[u8], inputs: &[u8], now: Timestamp, recalls: bool) {
        let key = key_of(&[self.making.as_slice(), what].concat());
        self.judging = Some(JudgedBy { key, inputs: key_of(inputs), now, recalls });
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
            for table in ["result", "run", "segment"] {
                let sql =
                    format!("DELETE FROM {table} WHERE scan IN (SELECT id FROM scan WHERE ended IS NULL)");
                connection.execute(&sql, [])?;
            }
            connection.execute("DELETE FROM scan WHERE ended IS NULL", [])?;
            let judging = self.judging.as_ref();
            let base =
                judging.map(|judging| Base::of(&connection, &judging.key, &judging.inputs)).transpose()?;
            let judged = judging.map(|judging| judging.key);
            let inputs = judging.map(|judging| judging.inputs);
            connection.execute(
                "INSERT INTO scan (made_by, begun, registry, policy, judged, inputs, names) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![made_by(), now.to_string(), registry, policy, judged, inputs, self.names],
            )?;
            let scan = connection.last_insert_rowid();
            connection.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
            Ok((scan, base.unwrap_or_default()))
        };
        let (scan, base) = begin().map_err(|error| fault(&self.path, &error))?;
        drop(connection);
        *self.base() = base;
        let (run, packing) = (None, Packing::new());
        Ok(Recording { ledger: self, scan, number: 0, results: 0, bytes: 0, run, packing })
    }

    /// All scans, the oldest first.
    ///
    /// # Errors
    /// As [`Ledger::begin`].
    pub fn scans(&self) -> Result<Vec<Scan>, Error> {
        let connection = self.connection();
        let read = || {
            let mut statement = connection.prepare(
                "SELECT id, made_by, begun, ended, registry, policy, not_apk, results FROM scan ORDER BY id",
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
                    results: row.get(7)?,
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
            let gone = || {
                let message = "the database of scans is damaged: a result is gone; scan again with --rehash";
                unusable(&self.path, message.to_owned())
            };
            let Some(rows) = rows else {
                let all = scan.results.is_none_or(|results| results == after.saturating_add(1));
                return if all { Ok(()) } else { Err(gone().into()) };
            };
            if rows.is_empty() {
                return Err(gone().into());
            }
            for Stored { number, path, seen, whole } in rows {
                after = after.saturating_add(1);
                if number != after || !whole {
                    return Err(gone().into());
                }
                let path = entry::path(path);
                let outcome =
                    seen.try_into().ok().and_then(|key| self.outcome(&path, &key)).ok_or_else(|| {
                        let message =
                            "the database of scans is damaged: what was seen of a file is gone; scan again with --rehash";
                        unusable(&self.path, message.to_owned())
                    })?;
                sink(Row { path, outcome, identity: None, known: None })?;
            }
        }
    }

    /// At most so many rows behind that number: none behind the last one, and no rows where some should be.
    fn rows(&self, scan: i64, after: i64, most: i64) -> rusqlite::Result<Option<Vec<Stored>>> {
        let connection = self.connection();
        let next = after.saturating_add(1);
        let mut statement = connection.prepare_cached(
            "SELECT first, source, source_first, count, sum FROM run WHERE scan = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1",
        )?;
        let run = statement.query_row(params![scan, next], |row| {
            let run = Run {
                first: row.get(0)?,
                source: row.get(1)?,
                source_first: row.get(2)?,
                count: row.get(3)?,
            };
            let sum: Option<Vec<u8>> = row.get(4)?;
            Ok((sum.is_none_or(|sum| sum == run.sum(scan)), run))
        });
        let Some((whole, Run { first, source, source_first, count })) = run.optional()? else {
            return Ok(None);
        };
        if !whole {
            return Ok(Some(Vec::new()));
        }
        let here = next.saturating_sub(first);
        if here >= count {
            return Ok(None);
        }
        let mut statement = connection.prepare_cached(
            "SELECT number, path, seen, sum FROM result WHERE scan = ?1 AND number >= ?2 AND number < ?3 \
             ORDER BY number LIMIT ?4",
        )?;
        let places = (source_first.saturating_add(here), source_first.saturating_add(count));
        let rows = statement.query_map(params![source, places.0, places.1, most], |row| {
            let place = Place { scan: source, number: row.get(0)? };
            let (path, seen): (Vec<u8>, Vec<u8>) = (row.get(1)?, row.get(2)?);
            let sum: Option<Vec<u8>> = row.get(3)?;
            let whole = sum.is_none_or(|sum| sum == sum_of(place, &path, &seen));
            let number = place.number.saturating_sub(source_first).saturating_add(first);
            Ok(Stored { number, path, seen, whole })
        })?;
        rows.collect::<rusqlite::Result<_>>().map(Some)
    }

    /// Whether the row at that place is as it was written.
    fn is_whole(&self, place: Place) -> bool {
        let sql = "SELECT path, seen, sum FROM result WHERE scan = ?1 AND number = ?2";
        let read = || {
            self.connection().prepare_cached(sql)?.query_row(params![place.scan, place.number], |row| {
                let (path, seen): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let sum: Option<Vec<u8>> = row.get(2)?;
                Ok(sum.is_some_and(|sum| sum == sum_of(place, &path, &seen)))
            })
        };
        read().unwrap_or(false)
    }

    /// What `is` makes of what an earlier scan has said of the file at `path`, if anything, and where its row stands.
    fn said_before<T>(
        &self,
        path: &Path,
        is: impl Fn(&segment::Segment, &segment::Entry) -> Option<T>,
    ) -> Option<(T, Place)> {
        let path = bytes_of(path);
        let read = |judged: &Key, source| base::read(&self.connection(), judged, source, path);
        let mut place = 0_usize;
        loop {
            // Others look meanwhile.
            let (scan, segment) = self.base().segment(place, path, read)?;
            place = place.saturating_add(1);
            let Some(segment) = segment else { continue };
            let Some(entry) = segment.find(path) else { continue };
            if let Some(found) = is(&segment, entry) {
                return Some((found, Place { scan, number: entry.number }));
            }
        }
    }

    /// What was said of a file, of which [`Known::recall`] has told that it would be said again, and the places of the exceptions that
    /// fitted, in the policy by which it was judged.
    ///
    /// # Errors
    /// [`Error::Configuration`] when somebody has put something else there.
    pub fn told(&self, recalled: &Recalled) -> Result<(Glance, Vec<usize>), Error> {
        recalled.told().ok_or_else(|| {
            let message =
                "the database of scans is damaged: what was said of a file is gone; scan again with --rehash";
            unusable(&self.path, message.to_owned())
        })
    }

    fn base(&self) -> MutexGuard<'_, Base> {
        self.base.lock().unwrap_or_else(PoisonError::into_inner)
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
        Some((self.outcome(path, &key)?, KnownAs { key, place: None }))
    }

    fn recall(&self, path: &Path, identity: &FileIdentity) -> Option<(Recalled, KnownAs)> {
        let now = self.judging.as_ref().filter(|judging| judging.recalls)?.now;
        let ((recalled, key), place) = self.said_before(path, |segment, entry| {
            let again = entry.identity == Some(*identity) && entry.is_recalled_at(now);
            again.then(|| Some((segment.recalled(entry)?, entry.key))).flatten()
        })?;
        Some((recalled, KnownAs { key, place: Some(place) }))
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
        self.add_said(record, &Said::new(verdict, passed))
    }

    /// Notes what became of a file, and what was said of it.
    ///
    /// # Errors
    /// As [`Ledger::begin`].
    pub fn add_said(&mut self, record: &FileRecord, said: &Said) -> Result<(), Error> {
        let ledger = self.ledger;
        let key = match &record.seen {
            // What was recalled stands there.
            Seen::Known(KnownAs { place: Some(place), .. }) => return self.append(*place),
            Seen::Known(known) => known.key,
            Seen::New(writer) => {
                let connection = ledger.connection();
                ledger.keep(&connection, writer, record).map_err(|error| fault(&ledger.path, &error))?
            }
        };
        let identity = record.identity.filter(|identity| ledger.is_settled(identity));
        let place = ledger.judging.as_ref().and_then(|judging| {
            let is_the_same = |segment: &segment::Segment, entry: &segment::Entry| {
                let same = entry.identity == identity
                    && (!entry.is_recalled_at(judging.now) || segment.says(entry, said))
                    && entry.key == key
                    && (entry.verdict, entry.passed) == (said.verdict, said.passed)
                    && (entry.is_recalled_at(judging.now) || !said.is_recalled_at(judging.now));
                same.then_some(())
            };
            // A row that was altered is written anew.
            let place = ledger.said_before(&record.path, is_the_same).map(|((), place)| place);
            place.filter(|place| ledger.is_whole(*place))
        });
        self.bytes = self.bytes.saturating_add(record.size);
        if let Some(place) = place {
            return self.append(place);
        }
        let place = Place { scan: self.scan, number: self.number };
        self.write(record, &key, said)?;
        if ledger.judging.is_some() {
            let path = bytes_of(&record.path);
            if !self.packing.takes(path) {
                self.write_segment()?;
            }
            self.packing.add(&NewEntry { path, number: self.number, identity, key: &key, said });
        }
        self.append(place)
    }

    fn write(&self, record: &FileRecord, key: &Key, said: &Said) -> Result<(), Error> {
        let place = Place { scan: self.scan, number: self.number };
        let row = put(
            &self.ledger.connection(),
            "INSERT INTO result VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            &[
                &self.scan,
                &self.number,
                &bytes_of(&record.path),
                key,
                &record.left_out,
                &record.unjudged,
                &said.verdict.map(Verdict::as_str),
                &said.passed,
                &record.package,
                &record.version_code.map(u64::cast_signed),
                &record.signers,
                &record.digest.map(|digest| digest.0),
                &sum_of(place, bytes_of(&record.path), key),
            ],
        );
        row.map_err(|error| fault(&self.ledger.path, &error))
    }

    /// The row at that place is the next one of this scan.
    fn append(&mut self, place: Place) -> Result<(), Error> {
        match &mut self.run {
            Some(run)
                if run.source == place.scan
                    && run.source_first.checked_add(run.count) == Some(place.number) =>
            {
                run.count = run.count.saturating_add(1);
            }
            _ => {
                self.write_run()?;
                self.run = Some(Run {
                    first: self.number,
                    source: place.scan,
                    source_first: place.number,
                    count: 1,
                });
            }
        }
        self.number = self.number.saturating_add(1);
        self.results = self.results.saturating_add(u32::from(place.scan == self.scan));
        if self.results >= BATCH || self.bytes >= BATCH_BYTES {
            (self.results, self.bytes) = (0, 0);
            let connection = self.ledger.connection();
            connection
                .execute_batch("COMMIT; BEGIN IMMEDIATE")
                .map_err(|error| fault(&self.ledger.path, &error))?;
        }
        Ok(())
    }

    fn write_run(&mut self) -> Result<(), Error> {
        let Some(run) = self.run.take() else { return Ok(()) };
        let sum = run.sum(self.scan);
        let Run { first, source, source_first, count } = run;
        let sql = "INSERT INTO run VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        put(&self.ledger.connection(), sql, &[&self.scan, &first, &source, &source_first, &count, &sum])
            .map_err(|error| fault(&self.ledger.path, &error))
    }

    fn write_segment(&mut self) -> Result<(), Error> {
        let packing = std::mem::replace(&mut self.packing, Packing::new());
        let Some(judging) = self.ledger.judging.as_ref().filter(|_| !packing.is_empty()) else {
            return Ok(());
        };
        let (first, last, bytes) = packing.finish();
        let key = base::digest(&judging.key, self.scan, &bytes);
        let sql = "INSERT INTO segment (scan, first, last, key, bytes) VALUES (?1, ?2, ?3, ?4, ?5)";
        put(&self.ledger.connection(), sql, &[&self.scan, &first, &last, &key, &bytes])
            .map_err(|error| fault(&self.ledger.path, &error))
    }

    /// Ends the scan, in which so many files were passed over.
    ///
    /// # Errors
    /// As [`Ledger::begin`].
    pub fn end(mut self, now: Timestamp, not_apk: u64) -> Result<(), Error> {
        self.write_run()?;
        self.write_segment()?;
        let connection = self.ledger.connection();
        let end = || {
            let values = params![now.to_string(), not_apk.cast_signed(), self.number, self.scan];
            let sql = "UPDATE scan SET ended = ?1, not_apk = ?2, results = ?3 WHERE id = ?4";
            connection.execute(sql, values)?;
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
    fn is_settled(&self, identity: &FileIdentity) -> bool {
        identity.changed.0 < self.settled
    }

    /// Keeps what was seen, of that file when it is settled, and gives its key.
    fn keep(&self, connection: &Connection, seen: &Writer, record: &FileRecord) -> rusqlite::Result<Key> {
        // What is there under that name may be damaged, and is what these bytes are.
        let body = "INSERT INTO body (key, bytes) VALUES (?1, ?2) \
                    ON CONFLICT (key) DO UPDATE SET bytes = excluded.bytes WHERE bytes IS NOT excluded.bytes";
        let key = key_of(&seen.bytes);
        put(connection, body, &[&key, &seen.bytes])?;
        for (key, bytes) in &seen.bodies {
            put(connection, body, &[key, bytes])?;
        }
        for (kind, likeness, text) in &record.shown {
            let shown = "INSERT OR IGNORE INTO shown VALUES (?1, ?2, ?3, ?4)";
            put(connection, shown, &[&key, &(*kind as u8), likeness, text])?;
        }
        // Whoever writes to such a file later cannot do so without its state telling.
        if let Some(identity) = record.identity.as_ref().filter(|identity| self.is_settled(identity)) {
            let stored = state(&self.making, identity, &key);
            let (device, inode) = (identity.device.cast_signed(), identity.inode.cast_signed());
            let file = "INSERT OR REPLACE INTO file VALUES (?1, ?2, ?3, ?4, ?5)";
            put(connection, file, &[&self.making, &device, &inode, &stored, &key])?;
        }
        Ok(key)
    }
}
