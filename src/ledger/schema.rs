//! The tables, and files of other programs and versions.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::OpenFlags;

use crate::error::Error;

/// `APKL`, in the header of the file.
const APPLICATION_ID: i64 = 0x4150_4b4c;
/// From each version of the schema to the next; a new file goes through all of them.
const MIGRATIONS: [&str; 4] = ["
    -- What was seen, and certificates, by the digest of their bytes.
    CREATE TABLE body (key BLOB PRIMARY KEY, bytes BLOB NOT NULL);
    -- What was seen of a file in a state, with the options and the version that `making` stands for.
    CREATE TABLE file (
        making BLOB NOT NULL, device INTEGER NOT NULL, inode INTEGER NOT NULL, state BLOB NOT NULL, seen BLOB NOT NULL,
        PRIMARY KEY (making, device, inode)
    ) WITHOUT ROWID;
    CREATE TABLE scan (
        id INTEGER PRIMARY KEY AUTOINCREMENT, made_by TEXT NOT NULL, begun TEXT NOT NULL, ended TEXT,
        registry TEXT, policy TEXT, not_apk INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE result (
        scan INTEGER NOT NULL, number INTEGER NOT NULL, path BLOB NOT NULL, seen BLOB NOT NULL,
        left_out INTEGER NOT NULL, unjudged INTEGER NOT NULL,
        verdict TEXT, passed INTEGER NOT NULL, package TEXT, version INTEGER, signers BLOB, digest BLOB,
        PRIMARY KEY (scan, number)
    ) WITHOUT ROWID;
    CREATE INDEX result_by_path ON result (scan, path);
", "
    -- By what results were judged, and of which inputs; none where nobody can tell whether the same would be said again.
    ALTER TABLE scan ADD COLUMN judged BLOB;
    ALTER TABLE scan ADD COLUMN inputs BLOB;
    -- The results of a scan from a number on: so many of those that the scan `source` has written.
    CREATE TABLE run (
        scan INTEGER NOT NULL, first INTEGER NOT NULL, source INTEGER NOT NULL, source_first INTEGER NOT NULL,
        count INTEGER NOT NULL, PRIMARY KEY (scan, first)
    ) WITHOUT ROWID;
    INSERT INTO run SELECT scan, 0, scan, 0, max(number) + 1 FROM result GROUP BY scan;
    -- What a scan has said of files, from the first path to the last, packed; with the digest of the bytes.
    CREATE TABLE segment (
        id INTEGER PRIMARY KEY, scan INTEGER NOT NULL, first BLOB NOT NULL, last BLOB NOT NULL, key BLOB NOT NULL,
        bytes BLOB NOT NULL
    );
    CREATE INDEX segment_by_path ON segment (scan, first);
", "
    -- By what people know the app of which that was seen: its names without what nobody sees, and its icon.
    CREATE TABLE shown (
        seen BLOB NOT NULL, kind INTEGER NOT NULL, likeness BLOB NOT NULL, text TEXT,
        PRIMARY KEY (seen, kind, likeness)
    ) WITHOUT ROWID;
    -- Whether that was noted of the files of the scan.
    ALTER TABLE scan ADD COLUMN names INTEGER NOT NULL DEFAULT 0;
", "
    -- Digests of rows, by which one that was altered by chance is no row, and of how many results a scan has. None in those of before.
    ALTER TABLE result ADD COLUMN sum BLOB;
    ALTER TABLE run ADD COLUMN sum BLOB;
    ALTER TABLE scan ADD COLUMN results INTEGER;
"];
/// The results of all scans, whoever has written them.
pub(super) const RESULTS: &str = "(SELECT run.scan AS scan, run.first + result.number - run.source_first AS number, path, seen, \
     left_out, unjudged, verdict, passed, package, version, signers, digest FROM run JOIN result \
     ON result.scan = run.source AND result.number >= run.source_first AND result.number < run.source_first + run.count)";
/// Memory for pages of the file, in KiB: negative, as SQLite wants it.
const CACHE: i64 = -32768;

/// Opens the file at `path`, and makes it if it is not there and `make` says so.
///
/// # Errors
/// [`Error::Configuration`] when it is of another program or a newer version; [`Error::File`] when SQLite cannot use it.
pub(super) fn open(path: &Path, make: bool) -> Result<Connection, Error> {
    // Who reads may have to take up what a process that was killed has left in the log, and writes nothing else.
    let create = if make { OpenFlags::SQLITE_OPEN_CREATE } else { OpenFlags::empty() };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| fault(path, &error))?;
    let prepare = || {
        // One process at a time: the lock is had with the first read, and kept. Whoever comes second is told at once.
        connection.busy_timeout(Duration::ZERO)?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "trusted_schema", false)?;
        let found = number(&connection, "application_id")?;
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok((found, tables))
    };
    let (found, tables) = prepare().map_err(|error| fault(path, &error))?;
    if found != APPLICATION_ID && (found, tables) != (0, 0) {
        let message =
            "expected a database of scans, found a SQLite file of another program; name another file";
        return Err(unusable(path, message.to_owned()));
    }
    if found != APPLICATION_ID && !make {
        let message = "expected a database of scans, found a file with nothing in it; name the one that `scan --db` has made";
        return Err(unusable(path, message.to_owned()));
    }
    let begin = || {
        if !make {
            connection.pragma_update(None, "query_only", true)?;
            connection.pragma_update(None, "cache_size", CACHE)?;
            return Ok(usize::try_from(number(&connection, "user_version")?).unwrap_or(usize::MAX));
        }
        // What is killed loses nothing that was committed; a machine that loses power, the last of it at most.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "cache_size", CACHE)?;
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
        migrate(&connection)
    };
    let version = begin().map_err(|error| fault(path, &error))?;
    if version > MIGRATIONS.len() || (!make && version < MIGRATIONS.len()) {
        let message = format!(
            "expected a database of scans of schema version {}, found {version}; use the version of apkvouch that made it, or \
             name another file",
            MIGRATIONS.len()
        );
        return Err(unusable(path, message));
    }
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Brings the schema up to date, and gives its version before.
fn migrate(connection: &Connection) -> rusqlite::Result<usize> {
    let version = usize::try_from(number(connection, "user_version")?).unwrap_or(usize::MAX);
    for (index, step) in MIGRATIONS.iter().enumerate().skip(version) {
        let next = index.saturating_add(1);
        connection
            .execute_batch(&format!("BEGIN IMMEDIATE; {step} PRAGMA user_version = {next}; COMMIT;"))?;
    }
    Ok(version)
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

pub(super) fn unusable(path: &Path, message: String) -> Error {
    Error::Configuration { path: path.to_owned(), position: None, message }
}

/// An error of SQLite: one of operation, as with any file.
pub(super) fn fault(path: &Path, error: &rusqlite::Error) -> Error {
    let busy = matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
    );
    let message = if busy {
        "another process uses the database of scans; wait until it has ended, or name another file".to_owned()
    } else {
        format!("cannot use the database of scans: SQLite says: {error}")
    };
    Error::File { path: path.to_owned(), message, source: None }
}
