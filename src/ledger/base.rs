//! The scan on which the next one builds: the last one that was held against the same registry and policy.

use std::collections::VecDeque;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::OptionalExtension as _;
use rusqlite::params;

use super::key_of;
use super::segment::Segment;
use crate::kept::Key;

/// Of so many scans at most a scan takes rows over. What stands in others is judged and written anew.
const SOURCES: usize = 16;
/// When there are more, so many are left, so that it is long until there are more again.
const SOURCES_LEFT: usize = 8;
/// So many segments are held in memory.
const HELD: usize = 16;

/// Segments of earlier scans, by path.
#[derive(Default)]
pub(super) struct Base {
    /// By what they were judged.
    judged: Key,
    /// The scans that have made them, the one with the most files first.
    sources: Vec<i64>,
    held: VecDeque<(i64, Arc<Segment>)>,
}

impl std::fmt::Debug for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Base").field("sources", &self.sources).finish_non_exhaustive()
    }
}

impl Base {
    /// The last scan that was `judged` like this one and has ended: of the same `inputs` if there is one.
    pub(super) fn of(connection: &Connection, judged: &Key, inputs: &Key) -> rusqlite::Result<Self> {
        let sql = "SELECT id FROM scan WHERE judged = ?1 AND ended IS NOT NULL ORDER BY inputs = ?2 DESC, id DESC LIMIT 1";
        let scan: Option<i64> =
            connection.query_row(sql, params![judged, inputs], |row| row.get(0)).optional()?;
        let sql = "SELECT source FROM run WHERE scan = ?1 GROUP BY source ORDER BY sum(count) DESC, source";
        let mut statement = connection.prepare(sql)?;
        let sources = statement.query_map([scan], |row| row.get(0))?;
        let mut sources = sources.collect::<rusqlite::Result<Vec<i64>>>()?;
        if sources.len() > SOURCES {
            sources.truncate(SOURCES_LEFT);
        }
        Ok(Self { judged: *judged, sources, held: VecDeque::new() })
    }

    /// The scan that stands at `place` among those on which the next one builds, and its segment in which the file of that path may be,
    /// if there is one; `read` gives it where it is not held. None when there are no more scans.
    pub(super) fn segment(
        &mut self,
        place: usize,
        path: &[u8],
        read: impl Fn(&Key, i64) -> Option<Segment>,
    ) -> Option<(i64, Option<Arc<Segment>>)> {
        let source = *self.sources.get(place)?;
        let held = self.held.iter().position(|(of, segment)| *of == source && segment.covers(path));
        if let Some(index) = held {
            let (of, segment) = self.held.remove(index)?;
            self.held.push_front((of, Arc::clone(&segment)));
            return Some((source, Some(segment)));
        }
        let segment = read(&self.judged, source).map(Arc::new);
        if let Some(segment) = &segment {
            self.held.truncate(HELD.saturating_sub(1));
            self.held.push_front((source, Arc::clone(segment)));
        }
        Some((source, segment))
    }
}

/// The digest by which a segment is believed: of what that scan has said, judged by that.
pub(super) fn digest(judged: &Key, scan: i64, bytes: &[u8]) -> Key {
    key_of(&[judged.as_slice(), &scan.to_le_bytes(), bytes].concat())
}

/// The segment of that scan in which the file of that path may be; none when there is none, or it is not whole.
pub(super) fn read(connection: &Connection, judged: &Key, source: i64, path: &[u8]) -> Option<Segment> {
    let sql = "SELECT id, last FROM segment WHERE scan = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql).ok()?;
    let found = statement.query_row(params![source, path], |row| Ok((row.get(0)?, row.get(1)?)));
    let (id, last): (i64, Vec<u8>) = found.optional().ok()??;
    if last.as_slice() < path {
        return None;
    }
    let mut statement = connection.prepare_cached("SELECT key, bytes FROM segment WHERE id = ?1").ok()?;
    let (key, bytes): (Vec<u8>, Vec<u8>) =
        statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional().ok()??;
    (key == digest(judged, source, &bytes)).then(|| Segment::parse(bytes)).flatten()
}
