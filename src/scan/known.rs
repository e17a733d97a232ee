//! Files that were looked at before and have not changed since.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::Outcome;
use super::Row;
use super::ScanOptions;
use super::folder::Folder;
use crate::kept::Kept;
use crate::kept::Reader;
use crate::report::Glance;
use crate::source::FileIdentity;

/// The name by which [`Known`] has what was seen of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KnownAs {
    /// The key of what was seen.
    pub(crate) key: [u8; 16],
    /// Where what was said of it stands, if it is not to be said anew.
    pub(crate) place: Option<Place>,
}

/// The place of a row in a database of scans: the scan and the number in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) scan: i64,
    pub(crate) number: i64,
}

/// What was said of a file, and would be again: among what was said of others, where it is read by whoever tells it.
#[derive(Debug)]
pub struct Recalled {
    bytes: Arc<Vec<u8>>,
    place: Range<usize>,
}

impl Recalled {
    /// What stands at `place` in `bytes`, which are whole.
    pub(crate) fn new(bytes: Arc<Vec<u8>>, place: Range<usize>) -> Self {
        Self { bytes, place }
    }

    /// What was said, and the places of the exceptions that fitted, in the policy by which it was judged; none when it cannot be read.
    pub(crate) fn told(&self) -> Option<(Glance, Vec<usize>)> {
        Reader::new(self.bytes.get(self.place.clone())?, &|_| None).all_by(Kept::take)
    }
}

/// Somebody who remembers what was seen of files; asked on many threads.
///
/// Only of files beside which no v4 signature file stands: what was seen of others depends on two.
pub trait Known: Sync {
    /// What the file at `path` is, which is in that state, if it is known: nothing that was not seen of these very bytes, with the
    /// options of this scan.
    fn look_up(&self, path: &Path, identity: &FileIdentity) -> Option<(Outcome, KnownAs)>;

    /// What was said of that file, when that is known and judging it anew would come to the same; nothing unless a glance is enough.
    fn recall(&self, _path: &Path, _identity: &FileIdentity) -> Option<(Recalled, KnownAs)> {
        None
    }
}

/// The row of the file at `path`, if somebody knows it; it is not opened.
pub(super) fn row(path: &Path, folder: &mut Folder, options: &ScanOptions<'_>) -> Option<Row> {
    let known = options.known?;
    let identity = folder.identity(path)?;
    if !options.v4_signature_file.is_none_beside(path, folder) {
        return None;
    }
    let recalled = if options.decide.is_none() { known.recall(path, &identity) } else { None };
    let (outcome, known) = if let Some((recalled, known)) = recalled {
        (Outcome::Recalled(recalled), known)
    } else {
        let (mut outcome, known) = known.look_up(path, &identity)?;
        decide(&mut outcome, options);
        (outcome, known)
    };
    Some(Row { identity: Some(identity), known: Some(known), ..Row::new(path.to_owned(), outcome) })
}

/// Decides anew, where that is asked for.
fn decide(outcome: &mut Outcome, options: &ScanOptions<'_>) {
    match outcome {
        Outcome::Judged { verification, decision, .. } => {
            *decision = options.decide.map(|decide| Box::new(decide(verification)));
        }
        Outcome::Container(container) => {
            for member in &mut container.members {
                decide(&mut member.outcome, options);
            }
        }
        Outcome::Unjudged(_) | Outcome::Skipped(_) | Outcome::Recalled(_) => {}
    }
}
