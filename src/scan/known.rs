//! Files that were looked at before and have not changed since.

use std::fs;
use std::path::Path;

use super::Outcome;
use super::Row;
use super::ScanOptions;
use crate::source::FileIdentity;

/// The name by which [`Known`] has what was seen of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KnownAs(pub(crate) [u8; 16]);

/// Somebody who remembers what was seen of files; asked on many threads.
///
/// Only of files beside which no v4 signature file stands: what was seen of others depends on two.
pub trait Known: Sync {
    /// What the file at `path` is, which is in that state, if it is known: nothing that was not seen of these very bytes, with the
    /// options of this scan.
    fn look_up(&self, path: &Path, identity: &FileIdentity) -> Option<(Outcome, KnownAs)>;
}

/// The row of the file at `path`, if somebody knows it; it is not opened.
pub(super) fn row(path: &Path, options: &ScanOptions<'_>) -> Option<Row> {
    let known = options.known?;
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let identity = FileIdentity::of(&metadata)?;
    if !options.v4_signature_file.is_none_beside(path) {
        return None;
    }
    let (mut outcome, known) = known.look_up(path, &identity)?;
    decide(&mut outcome, options);
    Some(Row { identity: Some(identity), known: Some(known), ..Row::new(path.to_owned(), outcome) })
}

/// Decides anew, where that is asked for.
fn decide(outcome: &mut Outcome, options: &ScanOptions<'_>) {
    match outcome {
        Outcome::Judged { verification, decision, .. } => {
            *decision = options.decide.map(|decide| decide(verification));
        }
        Outcome::Container(container) => {
            for member in &mut container.members {
                decide(&mut member.outcome, options);
            }
        }
        Outcome::Unjudged(_) | Outcome::Skipped(_) => {}
    }
}
