//! Apps that people take for each other: one name, or one icon, under several packages and several signers.

use std::collections::HashMap;

use rusqlite::Connection;
use serde::Serialize;

use super::hex;
use super::whole::list;
use super::whole::number;
use super::whole::path;
use super::whole::signers;

/// So many of a kind are told; all are counted.
const MOST: usize = 100;
/// So many apps of each.
const MOST_APPS: usize = 20;

/// In what apps are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Label = 0,
    Icon = 1,
}

/// A name that apps of several packages have, by several signers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SharedLabel {
    /// The name, as one of them writes it.
    pub label: String,
    /// How many packages have it.
    pub packages: u64,
    /// How many sets of signers.
    pub signers: u64,
    /// Some of these apps, with the most files first.
    pub apps: Vec<AlikeApp>,
}

/// An icon that apps of several packages have, by several signers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SharedIcon {
    /// SHA-256 of the picture.
    pub icon: String,
    /// How many packages have it.
    pub packages: u64,
    /// How many sets of signers.
    pub signers: u64,
    /// Some of these apps, with the most files first.
    pub apps: Vec<AlikeApp>,
}

/// A package by a set of signers, that is like others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AlikeApp {
    /// Package name.
    pub package: String,
    /// SHA-256 of the certificates.
    pub signers: Vec<String>,
    /// Its name, as one of its files writes it; none where it has none.
    pub label: Option<String>,
    /// How many files there are.
    pub files: u64,
    /// The first of them, by path.
    pub path: String,
}

/// What several apps share.
pub(super) struct Shared {
    likeness: Vec<u8>,
    text: Option<String>,
    packages: u64,
    signers: u64,
    apps: Vec<AlikeApp>,
}

impl Shared {
    /// With the name that they share.
    pub(super) fn label(self) -> SharedLabel {
        let Self { text, packages, signers, apps, .. } = self;
        SharedLabel { label: text.unwrap_or_default(), packages, signers, apps }
    }

    /// With the icon that they share.
    pub(super) fn icon(self) -> SharedIcon {
        let Self { likeness, packages, signers, apps, .. } = self;
        SharedIcon { icon: hex(&likeness), packages, signers, apps }
    }
}

/// How many names, or icons, of `scan` apps of several packages have by several signers; and the first of these, those of the most
/// signers before others. `of_scan` selects the results of files that verify.
pub(super) fn shared(
    connection: &Connection,
    of_scan: &str,
    scan: i64,
    kind: Kind,
) -> rusqlite::Result<(u64, Vec<Shared>)> {
    let kind = kind as u8;
    let results = format!("(SELECT package, signers, path, seen {of_scan})");
    let groups = format!(
        "SELECT shown.likeness AS likeness, min(shown.text) AS text, count(DISTINCT result.package) AS packages, \
         count(DISTINCT result.signers) AS sets FROM {results} AS result JOIN shown ON shown.seen = result.seen \
         WHERE shown.kind = {kind} GROUP BY shown.likeness HAVING packages > 1 AND sets > 1"
    );
    let count = connection
        .query_row(&format!("SELECT count(*) FROM ({groups})"), [scan], |row| row.get::<_, i64>(0))?
        .cast_unsigned();
    if count == 0 {
        return Ok((0, Vec::new()));
    }
    let top = format!("{groups} ORDER BY sets DESC, packages DESC, likeness LIMIT {MOST}");
    let mut all = list(connection, &top, &[scan], |row| {
        Ok(Shared {
            likeness: row.get(0)?,
            text: row.get(1)?,
            packages: number(row, 2)?,
            signers: number(row, 3)?,
            apps: Vec::new(),
        })
    })?;
    let places: HashMap<Vec<u8>, usize> =
        all.iter().enumerate().map(|(place, shared)| (shared.likeness.clone(), place)).collect();
    let apps = format!(
        "SELECT shown.likeness, result.package, result.signers, min(shown.text), count(*) AS files, min(result.path) \
         FROM {results} AS result JOIN shown ON shown.seen = result.seen JOIN ({top}) AS top ON top.likeness = shown.likeness \
         WHERE shown.kind = {kind} GROUP BY shown.likeness, result.package, result.signers \
         ORDER BY files DESC, result.package, result.signers"
    );
    let mut statement = connection.prepare(&apps)?;
    let mut rows = statement.query([scan])?;
    while let Some(row) = rows.next()? {
        let likeness: Vec<u8> = row.get(0)?;
        let Some(shared) = places.get(&likeness).and_then(|place| all.get_mut(*place)) else { continue };
        if shared.apps.len() < MOST_APPS {
            shared.apps.push(AlikeApp {
                package: row.get(1)?,
                signers: signers(row, 2)?,
                label: row.get(3)?,
                files: number(row, 4)?,
                path: path(row, 5)?,
            });
        }
    }
    Ok((count, all))
}
