//! What has changed between two scans, file by file.

use std::path::PathBuf;

use rusqlite::Rows;
use rusqlite::params;
use serde::Serialize;

use super::Ledger;
use super::Scan;
use super::entry;
use super::hex;
use super::schema::RESULTS;
use super::schema::fault;
use crate::error::Error;

/// A file that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// The file as both scans named it.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// What has changed; never empty.
    pub kinds: Vec<ChangeKind>,
    /// What it was; none of a new file.
    pub before: Option<Side>,
    /// What it is; none when it is gone.
    pub after: Option<Side>,
}

/// What has changed of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ChangeKind {
    /// It was not there.
    New,
    /// It is not there any more.
    Gone,
    /// Its verdict, whether it passed, or whether it could be judged.
    Verdict,
    /// Who has signed it, for the newest Android versions.
    Signer,
    /// Its bytes.
    Content,
}

impl ChangeKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::New, Self::Gone, Self::Verdict, Self::Signer, Self::Content];

    /// The stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Gone => "gone",
            Self::Verdict => "verdict",
            Self::Signer => "signer",
            Self::Content => "content",
        }
    }
}

/// What a scan has seen of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Side {
    /// The verdict, as it was given then; none when nothing was held against a registry, or the file not judged.
    pub verdict: Option<String>,
    /// Whether it passed.
    pub passed: bool,
    /// Package name, verified.
    pub package: Option<String>,
    /// Version code, verified.
    pub version_code: Option<u64>,
    /// SHA-256 of the certificates of those whom the newest Android version sees, in the order of their digests.
    pub signers: Vec<String>,
    /// SHA-256 of the file.
    pub sha256: Option<String>,
    /// Whether it could not be judged.
    pub unjudged: bool,
}

impl Ledger {
    /// Hands what has changed from scan `before` to scan `after` to `sink`, in the order of the paths. Of a file that was found
    /// more than once in a scan the first counts; what was left out on purpose is not there.
    ///
    /// # Errors
    /// [`Error::File`] when the database cannot be read; whatever `sink` says.
    pub fn compare<E: From<Error>>(
        &self,
        before: &Scan,
        after: &Scan,
        mut sink: impl FnMut(Change) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = format!(
            "SELECT path, verdict, passed, package, version, signers, digest, unjudged FROM {RESULTS} \
             WHERE scan = ?1 AND NOT left_out ORDER BY path, number"
        );
        let connection = self.connection();
        let fault = |error: rusqlite::Error| fault(&self.path, &error);
        let mut statements =
            (connection.prepare(&sql).map_err(fault)?, connection.prepare(&sql).map_err(fault)?);
        let mut old = Side::rows(statements.0.query(params![before.id]).map_err(fault)?);
        let mut new = Side::rows(statements.1.query(params![after.id]).map_err(fault)?);
        let (mut from, mut to) = (old.next().map_err(fault)?, new.next().map_err(fault)?);
        loop {
            let order = match (&from, &to) {
                (None, None) => return Ok(()),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some((from, _)), Some((to, _))) => from.cmp(to),
            };
            let (gone, came) = (order.is_le(), order.is_ge());
            let from_now = if gone { std::mem::replace(&mut from, old.next().map_err(fault)?) } else { None };
            let to_now = if came { std::mem::replace(&mut to, new.next().map_err(fault)?) } else { None };
            let path =
                from_now.as_ref().or(to_now.as_ref()).map(|(path, _)| path.clone()).unwrap_or_default();
            let (before, after) = (from_now.map(|(_, side)| side), to_now.map(|(_, side)| side));
            let kinds = Side::changes(before.as_ref(), after.as_ref());
            if !kinds.is_empty() {
                sink(Change { path: entry::path(path), kinds, before, after })?;
            }
        }
    }
}

/// The files of a scan in the order of their paths, each once.
struct Sides<'a> {
    rows: Rows<'a>,
    last: Option<Vec<u8>>,
}

impl Sides<'_> {
    fn next(&mut self) -> rusqlite::Result<Option<(Vec<u8>, Side)>> {
        while let Some(row) = self.rows.next()? {
            let path: Vec<u8> = row.get(0)?;
            if self.last.as_ref() == Some(&path) {
                continue;
            }
            self.last = Some(path.clone());
            let signers: Vec<u8> = row.get(5)?;
            let digest: Option<Vec<u8>> = row.get(6)?;
            let side = Side {
                verdict: row.get(1)?,
                passed: row.get(2)?,
                package: row.get(3)?,
                version_code: row.get::<_, Option<i64>>(4)?.map(i64::cast_unsigned),
                signers: signers.chunks(32).map(hex).collect(),
                sha256: digest.as_deref().map(hex),
                unjudged: row.get(7)?,
            };
            return Ok(Some((path, side)));
        }
        Ok(None)
    }
}

impl Side {
    fn rows(rows: Rows<'_>) -> Sides<'_> {
        Sides { rows, last: None }
    }

    fn changes(before: Option<&Self>, after: Option<&Self>) -> Vec<ChangeKind> {
        let (Some(before), Some(after)) = (before, after) else {
            return vec![if before.is_none() { ChangeKind::New } else { ChangeKind::Gone }];
        };
        let verdict = |side: &Self| (side.verdict.clone(), side.passed, side.unjudged);
        let changed = [
            (ChangeKind::Verdict, verdict(before) != verdict(after)),
            (ChangeKind::Signer, before.signers != after.signers),
            (ChangeKind::Content, before.sha256 != after.sha256),
        ];
        changed.into_iter().filter(|(_, changed)| *changed).map(|(kind, _)| kind).collect()
    }
}

fn lossy<S: serde::Serializer>(path: &std::path::Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}
