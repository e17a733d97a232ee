//! Many APKs: finds them, judges them on all cores, and hands out the rows in a stable order.
//!
//! Memory does not grow with the number of files: a window of rows is in flight, and of a tree only the names of the
//! directories on the way down are held. One broken file never stops the rest.

mod idsig;
mod list;
mod walk;
mod wanted;
mod window;

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

pub use idsig::V4SignatureFile;
pub use list::PathEnd;
pub use list::PathList;
pub use walk::Found;
pub use walk::Walk;
pub use walk::WalkOptions;
pub use wanted::Globs;
pub use wanted::Shard;

use crate::Error;
use crate::crypto::DigestAlgorithm;
use crate::crypto::Hasher;
use crate::identity::FileDigest;
use crate::marks;
use crate::marks::MarkOptions;
use crate::marks::Marks;
use crate::policy::Decision;
use crate::source::ByteSource;
use crate::source::FileSource;
use crate::verify::Idsig;
use crate::verify::Verification;
use crate::verify::VerifyOptions;
use crate::verify::verify;
use crate::verify::verify_with_idsig;

/// Turns evidence into a decision; called on many threads.
pub type Decide<'a> = &'a (dyn Fn(&Verification) -> Decision + Sync);

/// How to judge.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct ScanOptions<'a> {
    /// What to verify for.
    pub verify: VerifyOptions,
    /// Which v4 signature file goes with each APK.
    pub v4_signature_file: V4SignatureFile,
    /// How many threads; as many as the machine has cores when none is given.
    pub jobs: Option<usize>,
    /// How to decide; rows hold no decision without it.
    pub decide: Option<Decide<'a>>,
    /// How to read what else a file carries; rows hold no marks without it.
    pub marks: Option<MarkOptions>,
    /// Whether to digest each file as a whole, which reads it once more.
    pub file_digest: bool,
}

/// What became of one file.
#[derive(Debug)]
#[non_exhaustive]
pub struct Row {
    /// The file as it was named or found.
    pub path: PathBuf,
    /// What became of it.
    pub outcome: Outcome,
}

/// How far we came with a file.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It was looked at.
    Judged {
        /// The evidence.
        verification: Box<Verification>,
        /// The decision, when one was asked for.
        decision: Option<Decision>,
        /// What else it carries, when that was asked for.
        marks: Option<Box<Marks>>,
        /// SHA-256 of the file, when that was asked for: of the very bytes that were looked at.
        file_digest: Option<FileDigest>,
    },
    /// We could not look.
    Unjudged(Error),
    /// It was left out on purpose; why, without the name of the file.
    Skipped(String),
}

/// Judges everything in `found` and hands each row to `sink`, in the order of `found`.
///
/// A `sink` that fails ends the run: its error is given back, and what is under way is dropped.
///
/// # Errors
/// What `sink` says; or [`Error::Usage`], made into `E`, when the threads cannot be had.
pub fn scan<E: From<Error>>(
    found: impl Iterator<Item = Found>,
    options: &ScanOptions<'_>,
    sink: impl FnMut(Row) -> Result<(), E>,
) -> Result<(), E> {
    let brought_in = AtomicU64::new(0);
    window::run(found, options.jobs, |found| row(found, options, &brought_in), sink)
}

/// So many bytes of files a scan leaves in the page cache that were not there before. Of what it reads beyond, it gives
/// the room back: a store is larger than memory, and others want theirs.
const LEFT_IN_PAGE_CACHE: u64 = 1 << 30;

fn row(found: Found, options: &ScanOptions<'_>, brought_in: &AtomicU64) -> Row {
    match found {
        Found::File(path) => {
            let judged = std::panic::catch_unwind(AssertUnwindSafe(|| judge(&path, options, brought_in)));
            let outcome = judged.unwrap_or_else(|_| {
                // The last line of defence: no file is known that comes here.
                Outcome::Unjudged(Error::File {
                    path: path.clone(),
                    message: "the verifier broke down on this file; please report it".to_owned(),
                    source: None,
                })
            });
            Row { path, outcome }
        }
        Found::Skipped(path, why) => Row { path, outcome: Outcome::Skipped(why) },
        Found::Failed(path, error) => Row { path, outcome: Outcome::Unjudged(error) },
    }
}

fn judge(path: &Path, options: &ScanOptions<'_>, brought_in: &AtomicU64) -> Outcome {
    match look(path, options, brought_in) {
        Ok(Looked { verification, marks, file_digest }) => {
            let decision = options.decide.map(|decide| decide(&verification));
            let marks = marks.map(Box::new);
            Outcome::Judged { verification: Box::new(verification), decision, marks, file_digest }
        }
        Err(error) => Outcome::Unjudged(error),
    }
}

/// What is seen of one file, through one open handle.
struct Looked {
    verification: Verification,
    marks: Option<Marks>,
    file_digest: Option<FileDigest>,
}

/// Looks at the file at `path` with its v4 signature file, with the name of the file in every error.
fn look(path: &Path, options: &ScanOptions<'_>, brought_in: &AtomicU64) -> Result<Looked, Error> {
    let source = FileSource::open(path).map_err(|error| Error::file(path, "open", error))?;
    let judged = options.v4_signature_file.open(path).and_then(|found| match found {
        None => verify(&source, &options.verify),
        Some((idsig_path, idsig)) => {
            verify_with_idsig(&source, &Idsig::new(&idsig, &idsig_path.to_string_lossy()), &options.verify)
        }
    });
    let judged = judged.and_then(|verification| {
        let marks = options.marks.as_ref().map(|options| marks::read(&source, options)).transpose()?;
        let file_digest = options.file_digest.then(|| digest(&source)).transpose()?;
        Ok(Looked { verification, marks, file_digest })
    });
    if brought_in.fetch_add(source.brought_in(), Relaxed) >= LEFT_IN_PAGE_CACHE {
        source.let_go();
    }
    judged.map_err(|error| match error {
        // The v4 signature file. It is the APK that cannot be judged for it.
        Error::File { path: idsig, message, source } => {
            Error::File { path: path.to_owned(), message: format!("{}: {message}", idsig.display()), source }
        }
        other => other.in_file(path),
    })
}

/// SHA-256 of the whole file, if it is still the one that was looked at.
fn digest(source: &FileSource) -> Result<FileDigest, Error> {
    const PIECE: u64 = 256 * 1024;
    let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
    let mut at = 0;
    while at < source.len() {
        let piece = source.read_vec_at(at, PIECE.min(source.len().saturating_sub(at)))?;
        hasher.update(&piece);
        at = at.saturating_add(piece.len() as u64);
    }
    source.check_unchanged().map_err(Error::Changed)?;
    let digest = hasher.finish().try_into().map_err(|_| Error::Usage("SHA-256 has 32 bytes".to_owned()))?;
    Ok(FileDigest(digest))
}
