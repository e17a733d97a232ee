//! What was said of some hundred files, packed: in the order of their paths, with the state in which each was.
//!
//! A scan that is held against the same registry and policy as an earlier one finds there what it would say of a file that has not
//! changed, without judging it anew, and writes none of it again.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::kept::Kept;
use crate::kept::Key;
use crate::kept::Reader;
use crate::kept::Writer;
use crate::kept::kept_struct;
use crate::policy::Span;
use crate::policy::Verdict;
use crate::report::Glance;
use crate::scan::Recalled;
use crate::source::FileIdentity;

kept_struct!(FileIdentity { device, inode, size, modified, changed });

/// So many files, in a segment that has no more of them.
pub(super) const MOST: usize = 256;

/// What was said of a file, and when it would be said again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The verdict, when there is one.
    pub verdict: Option<Verdict>,
    /// Whether it passed.
    pub passed: bool,
    /// All that a table says of it, where that is all there is: see [`Glance::of`].
    pub glance: Option<Glance>,
    /// In which span of time the same would be said.
    pub holds: Span,
    /// The places of the exceptions that fitted, in the policy.
    pub exceptions: Vec<usize>,
}

impl Said {
    /// A verdict, if there is one, and whether the file passed; it is to be judged anew each time.
    pub fn new(verdict: Option<Verdict>, passed: bool) -> Self {
        Self { verdict, passed, glance: None, holds: Span::ALL, exceptions: Vec::new() }
    }

    /// Whether it may be said again at `now`.
    pub(super) fn is_recalled_at(&self, now: Timestamp) -> bool {
        self.glance.is_some() && self.holds.contains(now)
    }
}

/// Of one file: which it was, and what was said of it.
pub(super) struct Entry {
    path: Range<usize>,
    /// Its number in the scan that has made the segment.
    pub(super) number: i64,
    pub(super) identity: Option<FileIdentity>,
    /// Of what was seen.
    pub(super) key: Key,
    pub(super) verdict: Option<Verdict>,
    pub(super) passed: bool,
    holds: Option<Span>,
    recalled: Range<usize>,
}

impl Entry {
    /// Whether what was said may be said again at `now`.
    pub(super) fn is_recalled_at(&self, now: Timestamp) -> bool {
        self.holds.is_some_and(|holds| holds.contains(now))
    }
}

/// A segment that is being written.
#[derive(Debug)]
pub(super) struct Packing {
    writer: Writer,
    files: usize,
    first: Vec<u8>,
    last: Vec<u8>,
}

/// What is written of one file.
pub(super) struct NewEntry<'a> {
    pub(super) path: &'a [u8],
    pub(super) number: i64,
    pub(super) identity: Option<FileIdentity>,
    pub(super) key: &'a Key,
    pub(super) said: &'a Said,
}

impl Packing {
    pub(super) fn new() -> Self {
        // It has no certificates to digest.
        let writer = Writer::new(|_| Key::default());
        Self { writer, files: 0, first: Vec::new(), last: Vec::new() }
    }

    /// Whether the file of that path may stand behind the others.
    pub(super) fn takes(&self, path: &[u8]) -> bool {
        self.files < MOST && (self.files == 0 || self.last.as_slice() < path)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files == 0
    }

    /// Adds what `takes` says it takes.
    pub(super) fn add(&mut self, entry: &NewEntry<'_>) {
        let NewEntry { path, number, identity, key, said } = entry;
        let to = &mut self.writer;
        path.to_vec().put(to);
        number.put(to);
        identity.put(to);
        key.put(to);
        said.verdict.put(to);
        said.passed.put(to);
        let mut recalled = Writer::new(|_| Key::default());
        if let Some(glance) = &said.glance {
            glance.put(&mut recalled);
            said.exceptions.put(&mut recalled);
        }
        said.glance.as_ref().map(|_| said.holds).put(to);
        recalled.bytes.put(to);
        if self.files == 0 {
            self.first = path.to_vec();
        }
        self.last = path.to_vec();
        self.files = self.files.saturating_add(1);
    }

    /// The first path, the last one, and the bytes.
    pub(super) fn finish(self) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        (self.first, self.last, self.writer.bytes)
    }
}

/// A segment that was read.
pub(super) struct Segment {
    bytes: Arc<Vec<u8>>,
    entries: Vec<Entry>,
}

impl Segment {
    /// The segment in `bytes`, which are whole; none when that is no such thing.
    pub(super) fn parse(bytes: Vec<u8>) -> Option<Self> {
        let mut entries: Vec<Entry> = Vec::new();
        let nobody = |_: &Key| None;
        let mut from = Reader::new(&bytes, &nobody);
        let skip = |from: &mut Reader<'_>| {
            let len = usize::take(from)?;
            let start = bytes.len().checked_sub(from.left())?;
            from.skip(len)?;
            Some(start..start.checked_add(len)?)
        };
        while from.left() > 0 {
            let entry = Entry {
                path: skip(&mut from)?,
                number: i64::take(&mut from)?,
                identity: Kept::take(&mut from)?,
                key: Key::take(&mut from)?,
                verdict: Kept::take(&mut from)?,
                passed: bool::take(&mut from)?,
                holds: Kept::take(&mut from)?,
                recalled: skip(&mut from)?,
            };
            if entries
                .last()
                .is_some_and(|last| bytes.get(last.path.clone()) >= bytes.get(entry.path.clone()))
            {
                return None;
            }
            entries.push(entry);
        }
        Some(Self { bytes: Arc::new(bytes), entries })
    }

    /// Whether the file of that path may be in it.
    pub(super) fn covers(&self, path: &[u8]) -> bool {
        let at = |entry: Option<&Entry>| entry.and_then(|entry| self.bytes.get(entry.path.clone()));
        at(self.entries.first()).is_some_and(|first| first <= path)
            && at(self.entries.last()).is_some_and(|last| path <= last)
    }

    /// The entry of the file of that path.
    pub(super) fn find(&self, path: &[u8]) -> Option<&Entry> {
        let order = |entry: &Entry| self.bytes.get(entry.path.clone()).cmp(&Some(path));
        self.entries.binary_search_by(order).ok().and_then(|index| self.entries.get(index))
    }

    /// Whether that was said of the file of that entry, as a glance tells it.
    pub(super) fn says(&self, entry: &Entry, said: &Said) -> bool {
        let told = self.recalled(entry).and_then(|recalled| recalled.told());
        told.is_some_and(|(glance, exceptions)| {
            said.glance.as_ref() == Some(&glance) && exceptions == said.exceptions
        })
    }

    /// What was said of the file of that entry, if a glance is all of it.
    pub(super) fn recalled(&self, entry: &Entry) -> Option<Recalled> {
        (!entry.recalled.is_empty()).then(|| Recalled::new(Arc::clone(&self.bytes), entry.recalled.clone()))
    }
}

/// The bytes of a path, by which it is found.
pub(super) fn bytes_of(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(recalled: &[u8]) -> Segment {
        let mut to = Writer::new(|_| Key::default());
        b"a.apk".to_vec().put(&mut to);
        0_i64.put(&mut to);
        Option::<FileIdentity>::None.put(&mut to);
        Key::default().put(&mut to);
        Option::<Verdict>::None.put(&mut to);
        true.put(&mut to);
        Some(Span::ALL).put(&mut to);
        recalled.to_vec().put(&mut to);
        Segment::parse(to.bytes).unwrap()
    }

    /// Whoever may write to a database may put anything there, with a digest that fits: it is not taken for what is said anew.
    #[test]
    fn what_cannot_be_read_is_not_told_and_says_nothing() {
        let said = Said::new(None, true);
        for bytes in [&b"\xff\xff"[..], b"\x00"] {
            let segment = segment(bytes);
            let entry = segment.find(b"a.apk").unwrap();
            assert!(segment.recalled(entry).unwrap().told().is_none());
            assert!(!segment.says(entry, &said));
        }
        let segment = segment(b"");
        assert!(segment.recalled(segment.find(b"a.apk").unwrap()).is_none());
        assert!(segment.find(b"b.apk").is_none());
    }
}
