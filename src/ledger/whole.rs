//! What only the whole of a scan shows: who signs how much, packages with several signers, the same file more than once, versions that
//! went back. No registry is needed.
//!
//! The database sorts it, in files of its own where there is much: memory does not grow with the scan.

use rusqlite::Connection;
use rusqlite::OptionalExtension as _;
use rusqlite::Row;
use rusqlite::params;
use serde::Serialize;

use super::Ledger;
use super::Scan;
use super::hex;
use super::lookalike;
use super::lookalike::Kind;
use super::lookalike::Shared;
use super::lookalike::SharedIcon;
use super::lookalike::SharedLabel;
use super::schema::RESULTS;
use super::schema::fault;
use crate::error::Error;

/// So many of a kind are told; all are counted.
const MOST: i64 = 100;

/// A scan as a whole. Of files that verify alone: what others say of themselves proves nothing. A container counts as one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Whole {
    /// The number of the scan.
    pub scan: i64,
    /// Files that verify and name a package.
    pub files: u64,
    /// Packages.
    pub packages: u64,
    /// Sets of signers.
    pub signers: u64,
    /// Those who sign the most packages, the first first.
    pub largest_signers: Vec<SignerCount>,
    /// Packages that are signed by different sets of signers.
    pub packages_with_several_signers: u64,
    /// Those packages, with the most sets first.
    pub several_signers: Vec<PackageSigners>,
    /// Contents that stand there more than once.
    pub duplicated: u64,
    /// How many files could go.
    pub duplicates: u64,
    /// Those that stand there the most often.
    pub most_duplicated: Vec<Duplicate>,
    /// Names that apps of several packages have, by several signers; none where the version that made the scan kept no names.
    pub labels_of_several_signers: Option<u64>,
    /// Those names, with the most signers first.
    pub shared_labels: Vec<SharedLabel>,
    /// Icons that apps of several packages have, by several signers; none likewise.
    pub icons_of_several_signers: Option<u64>,
    /// Those icons, with the most signers first.
    pub shared_icons: Vec<SharedIcon>,
    /// The scan before, which versions are held against; none when this is the first.
    pub earlier_scan: Option<i64>,
    /// Packages whose highest version is lower than it was in the scan before.
    pub packages_gone_back: u64,
    /// Those packages, by name.
    pub gone_back: Vec<GoneBack>,
}

/// How much a set of signers signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SignerCount {
    /// SHA-256 of the certificates.
    pub signers: Vec<String>,
    /// Packages.
    pub packages: u64,
    /// Files.
    pub files: u64,
}

/// A package and all who sign it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PackageSigners {
    /// Package name.
    pub package: String,
    /// Each set of signers.
    pub signed_by: Vec<SignedBy>,
}

/// A set of signers of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SignedBy {
    /// SHA-256 of the certificates.
    pub signers: Vec<String>,
    /// Files of the package that it signs.
    pub files: u64,
    /// The first of them, by path.
    pub path: String,
}

/// A content that stands there more than once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Duplicate {
    /// SHA-256 of the files.
    pub sha256: String,
    /// How many there are.
    pub files: u64,
    /// The first and the last of them, by path.
    pub paths: [String; 2],
}

/// A package whose highest version is lower than it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GoneBack {
    /// Package name.
    pub package: String,
    /// Its highest version code in the scan before.
    pub before: u64,
    /// Its highest version code in this one.
    pub after: u64,
}

const OF_SCAN: &str = "WHERE scan = ?1 AND package IS NOT NULL AND length(signers) > 0";

impl Ledger {
    /// What `scan` shows as a whole.
    ///
    /// # Errors
    /// [`Error::File`] when the database cannot be read.
    pub fn whole(&self, scan: &Scan) -> Result<Whole, Error> {
        read(&self.connection(), scan.id).map_err(|error| fault(&self.path, &error))
    }
}

fn read(connection: &Connection, scan: i64) -> rusqlite::Result<Whole> {
    let count = |what: &str| {
        let sql = format!("SELECT {what} FROM {RESULTS} {OF_SCAN}");
        connection.query_row(&sql, [scan], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned)
    };
    let several = format!(
        "SELECT package, count(DISTINCT signers) AS sets FROM {RESULTS} {OF_SCAN} GROUP BY package HAVING sets > 1"
    );
    let twice = format!(
        "SELECT digest, count(DISTINCT path) AS files, min(path) AS first, max(path) AS last FROM {RESULTS} \
         WHERE scan = ?1 AND digest IS NOT NULL GROUP BY digest HAVING files > 1"
    );
    let (duplicated, duplicates) = connection.query_row(
        &format!("SELECT count(*), coalesce(sum(files - 1), 0) FROM ({twice})"),
        [scan],
        |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, i64>(1)?.cast_unsigned())),
    )?;
    let earlier: Option<i64> = connection
        .query_row("SELECT max(id) FROM scan WHERE id < ?1 AND ended IS NOT NULL", [scan], |row| row.get(0))
        .optional()?
        .flatten();
    let highest = |scan: &str| {
        format!(
            "(SELECT package, max(version) AS version FROM {RESULTS} WHERE scan = {scan} AND package IS NOT NULL \
             GROUP BY package)"
        )
    };
    let back = format!(
        "SELECT new.package, old.version AS before, new.version AS after FROM {} new JOIN {} old \
         ON new.package = old.package AND new.version < old.version",
        highest("?1"),
        highest("?2")
    );
    let (packages_gone_back, gone_back) = match earlier {
        None => (0, Vec::new()),
        Some(earlier) => (
            connection
                .query_row(&format!("SELECT count(*) FROM ({back})"), [scan, earlier], |row| {
                    row.get::<_, i64>(0)
                })?
                .cast_unsigned(),
            list(connection, &format!("{back} ORDER BY 1 LIMIT {MOST}"), &[scan, earlier], |row| {
                Ok(GoneBack { package: row.get(0)?, before: number(row, 1)?, after: number(row, 2)? })
            })?,
        ),
    };
    let has_names =
        connection.query_row("SELECT names FROM scan WHERE id = ?1", [scan], |row| row.get::<_, bool>(0))?;
    let of_scan = format!("FROM {RESULTS} {OF_SCAN}");
    let shared = |kind| {
        if has_names {
            let (count, all) = lookalike::shared(connection, &of_scan, scan, kind)?;
            Ok::<_, rusqlite::Error>((Some(count), all))
        } else {
            Ok((None, Vec::new()))
        }
    };
    let (labels_of_several_signers, labels) = shared(Kind::Label)?;
    let (icons_of_several_signers, icons) = shared(Kind::Icon)?;
    let packages: Vec<String> = list(
        connection,
        &format!("SELECT package FROM ({several}) ORDER BY sets DESC, package LIMIT {MOST}"),
        &[scan],
        |row| row.get(0),
    )?;
    Ok(Whole {
        scan,
        files: count("count(DISTINCT path)")?,
        packages: count("count(DISTINCT package)")?,
        signers: count("count(DISTINCT signers)")?,
        largest_signers: list(
            connection,
            &format!(
                "SELECT signers, count(DISTINCT package) AS packages, count(DISTINCT path) AS files FROM {RESULTS} {OF_SCAN} GROUP BY signers \
                 ORDER BY packages DESC, files DESC, signers LIMIT {MOST}"
            ),
            &[scan],
            |row| {
                Ok(SignerCount {
                    signers: signers(row, 0)?,
                    packages: number(row, 1)?,
                    files: number(row, 2)?,
                })
            },
        )?,
        packages_with_several_signers: connection
            .query_row(&format!("SELECT count(*) FROM ({several})"), [scan], |row| row.get::<_, i64>(0))?
            .cast_unsigned(),
        several_signers: packages
            .into_iter()
            .map(|package| {
                let signed_by = signed_by(connection, scan, &package)?;
                Ok(PackageSigners { package, signed_by })
            })
            .collect::<rusqlite::Result<_>>()?,
        duplicated,
        duplicates,
        most_duplicated: list(
            connection,
            &format!("{twice} ORDER BY files DESC, first LIMIT {MOST}"),
            &[scan],
            |row| {
                let digest: Vec<u8> = row.get(0)?;
                Ok(Duplicate {
                    sha256: hex(&digest),
                    files: number(row, 1)?,
                    paths: [path(row, 2)?, path(row, 3)?],
                })
            },
        )?,
        labels_of_several_signers,
        shared_labels: labels.into_iter().map(Shared::label).collect(),
        icons_of_several_signers,
        shared_icons: icons.into_iter().map(Shared::icon).collect(),
        earlier_scan: earlier,
        packages_gone_back,
        gone_back,
    })
}

/// Who signs a package, the most files first.
fn signed_by(connection: &Connection, scan: i64, package: &str) -> rusqlite::Result<Vec<SignedBy>> {
    let sql = format!(
        "SELECT signers, count(DISTINCT path) AS files, min(path) FROM {RESULTS} {OF_SCAN} AND package = ?2 GROUP BY signers \
         ORDER BY files DESC, signers LIMIT {MOST}"
    );
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map(params![scan, package], |row| {
        Ok(SignedBy { signers: signers(row, 0)?, files: number(row, 1)?, path: path(row, 2)? })
    })?;
    rows.collect()
}

pub(super) fn list<T>(
    connection: &Connection,
    sql: &str,
    scans: &[i64],
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map(rusqlite::params_from_iter(scans), |row| read(row))?;
    rows.collect()
}

pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

pub(super) fn signers(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<String>> {
    let bytes: Vec<u8> = row.get(column)?;
    Ok(bytes.chunks(32).map(hex).collect())
}

pub(super) fn path(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    let bytes: Vec<u8> = row.get(column)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
