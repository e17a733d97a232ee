//! Many APKs: finds them, judges them on all cores, and hands out the rows in a stable order.
//!
//! Memory does not grow with the number of files: a window of rows is in flight, and of a tree only the names of the
//! directories on the way down are held. One broken file never stops the rest.

mod ahead;
mod beside;
mod container;
mod folder;
mod idsig;
mod kept;
mod known;
mod list;
mod walk;
mod wanted;
mod watched;
mod window;

use std::io;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

pub use container::JudgedApk;
pub use container::JudgedContainer;
pub use container::JudgedMember;
pub use idsig::V4SignatureFile;
pub(crate) use kept::put_outcome;
pub(crate) use kept::take_outcome;
pub use known::Known;
pub use known::KnownAs;
pub(crate) use known::Place;
pub use known::Recalled;
pub use list::PathEnd;
pub use list::PathList;
pub use walk::Found;
pub use walk::Walk;
pub use walk::WalkOptions;
pub use wanted::Globs;
pub use wanted::Shard;
pub use watched::TimeLimit;

use beside::Bases;
use folder::Folder;
use watched::Watched;

use crate::Error;
use crate::Limits;
use crate::apk::Apk;
use crate::apk::Appearance;
use crate::apk::Stop;
use crate::container::Budget;
use crate::container::Container;
use crate::crypto::DigestAlgorithm;
use crate::crypto::Hasher;
use crate::crypto::sha256;
use crate::identity::FileDigest;
use crate::marks;
use crate::marks::MarkOptions;
use crate::marks::Marks;
use crate::policy::Decision;
use crate::source::ByteSource;
use crate::source::FileIdentity;
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
    /// Whether to read what people see of each app; rows do not tell it without it.
    pub appearance: bool,
    /// Whether to digest each file as a whole, which reads it once more.
    pub file_digest: bool,
    /// Who knows files that have not changed; they are not read then.
    pub known: Option<&'a dyn Known>,
    /// Whether to hold a part of an app against the base that stands beside it in its folder.
    pub bases_beside: bool,
    /// Whoever makes this true halts the scan: no file is begun any more, large ones are not read to their end, and the scan
    /// ends with [`Error::Halted`].
    pub halt: Option<Arc<AtomicBool>>,
    /// How long one file may take; a file that takes longer is not judged. Without it, as long as it does.
    pub time: Option<TimeLimit<'a>>,
}

/// What became of one file.
#[derive(Debug)]
#[non_exhaustive]
pub struct Row {
    /// The file as it was named or found.
    pub path: PathBuf,
    /// What became of it.
    pub outcome: Outcome,
    /// Which file that is, in the state in which it was looked at; none where that is not all that the outcome depends on.
    pub identity: Option<FileIdentity>,
    /// What it was known as; none when it was read.
    pub known: Option<KnownAs>,
}

impl Row {
    fn new(path: PathBuf, outcome: Outcome) -> Self {
        Self { path, outcome, identity: None, known: None }
    }
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
        decision: Option<Box<Decision>>,
        /// What else it carries, when that was asked for.
        marks: Option<Box<Marks>>,
        /// What people see of it, when that was asked for and is told in it.
        appearance: Option<Box<Appearance>>,
        /// SHA-256 of the file, when that was asked for: of the very bytes that were looked at.
        file_digest: Option<FileDigest>,
    },
    /// It is a container of APKs, and was looked at with all that is in it; or an app bundle.
    Container(Box<JudgedContainer>),
    /// We could not look.
    Unjudged(Error),
    /// It was left out on purpose; why, without the name of the file.
    Skipped(String),
    /// It has not changed, and this was said of it and would be again: where [`Known::recall`] was asked for.
    Recalled(Recalled),
}

impl Outcome {
    /// Whether it is a part of an app, which may be held against a base beside it.
    fn is_part(&self) -> bool {
        let Self::Judged { verification, .. } = self else { return false };
        verification.claimed_manifest.as_ref().is_some_and(|manifest| manifest.split.name.is_some())
    }
}

/// Judges everything in `found` and hands each row to `sink`, in the order of `found`.
///
/// A `sink` that fails ends the run: its error is given back, and what is under way is dropped.
///
/// # Errors
/// What `sink` says; or, made into `E`, [`Error::Halted`], and [`Error::Usage`] when the threads cannot be had.
pub fn scan<E: From<Error>>(
    found: impl Iterator<Item = Found>,
    options: &ScanOptions<'_>,
    mut sink: impl FnMut(Row) -> Result<(), E>,
) -> Result<(), E> {
    let shared = Shared::default();
    window::run(
        found,
        options.jobs,
        options.halt.as_deref(),
        &shared.lot,
        |found, give| rows(found, options, &shared, give),
        |row| row.map_or(Ok(()), &mut sink),
    )
}

/// So many bytes of files a scan leaves in the page cache that were not there before. Of what it reads beyond, it gives
/// the room back: a store is larger than memory, and others want theirs.
const LEFT_IN_PAGE_CACHE: u64 = 1 << 30;

/// Files that a thread takes at a time, and opens; and those that it takes where nothing but what was said before is to be told, of
/// which handing over would be most.
const LOT: (u64, u64) = (24, 128);

/// What all files of a scan share.
struct Shared {
    /// How many files a thread is to take at a time.
    lot: AtomicU64,
    /// Bytes that reading has brought into the page cache.
    brought_in: AtomicU64,
    bases: Bases,
}

impl Default for Shared {
    fn default() -> Self {
        Self { lot: AtomicU64::new(LOT.0), brought_in: AtomicU64::new(0), bases: Bases::default() }
    }
}

/// Gives the row of each that was found, in their order; those that are there at once, together.
fn rows(
    found: Vec<Found>,
    options: &ScanOptions<'_>,
    shared: &Shared,
    give: &mut dyn FnMut(Vec<Option<Row>>),
) {
    let mut found = found.into_iter().peekable();
    let mut all_recalled = true;
    let mut folder = Folder::default();
    while found.peek().is_some() {
        let mut taken = Vec::with_capacity(found.len());
        let (mut bytes, mut opened) = (0, 0);
        while bytes < ahead::MOST
            && opened < LOT.0
            && let Some(found) = found.next()
        {
            let step = found.path_to_read().map(|path| Step::of(path, &mut folder, options));
            if let Some(Step::Read(file)) = &step {
                // A large file is judged before the next is opened.
                bytes += file.as_ref().map_or(0, FileSource::len);
                opened += 1;
            }
            all_recalled &= step.as_ref().is_some_and(Step::is_recalled);
            taken.push((found, step));
        }
        let mut files: Vec<_> = taken.iter_mut().filter_map(|(_, step)| step.as_mut()?.file()).collect();
        ahead::digest(&mut files, &options.verify.limits);
        let mut ready = Vec::new();
        for (found, step) in taken {
            let known = matches!(step, Some(Step::Known(_)));
            // Nobody waits for a file that takes long to hear of those before it.
            if !known && !ready.is_empty() {
                give(std::mem::take(&mut ready));
            }
            if options.halt.as_ref().is_some_and(|halt| halt.load(Relaxed)) {
                return;
            }
            ready.push(row(found, step, options, shared));
            if !known {
                give(std::mem::take(&mut ready));
            }
        }
        if !ready.is_empty() {
            give(ready);
        }
    }
    shared.lot.store(if all_recalled { LOT.1 } else { LOT.0 }, Relaxed);
}

/// How a file gets its row.
enum Step {
    /// It is known.
    Known(Box<Row>),
    /// It is read.
    Read(io::Result<FileSource>),
}

impl Step {
    fn of(path: &Path, folder: &mut Folder, options: &ScanOptions<'_>) -> Self {
        match known::row(path, folder, options) {
            Some(row) => Self::Known(Box::new(row)),
            None => Self::Read(FileSource::open(path)),
        }
    }

    fn file(&mut self) -> Option<&mut FileSource> {
        match self {
            Self::Read(Ok(file)) => Some(file),
            _ => None,
        }
    }

    fn is_recalled(&self) -> bool {
        matches!(self, Self::Known(row) if matches!(row.outcome, Outcome::Recalled(_)))
    }
}

/// The row of what was found; none for an archive that is no container.
fn row(found: Found, step: Option<Step>, options: &ScanOptions<'_>, shared: &Shared) -> Option<Row> {
    let (path, others) = match found {
        Found::File(path) => (path, None),
        Found::Archive(path, others) => (path, Some(others)),
        Found::Skipped(path, why) => return Some(Row::new(path, Outcome::Skipped(why))),
        Found::Failed(path, error) => return Some(Row::new(path, Outcome::Unjudged(error))),
    };
    let file = match step? {
        // An archive that is no container was looked at as an APK once, and is none now.
        Step::Known(row) if others.is_some() && !matches!(row.outcome, Outcome::Container(_)) => {
            FileSource::open(&path)
        }
        Step::Known(row) => return Some(*row),
        Step::Read(file) => file,
    };
    let judged =
        std::panic::catch_unwind(AssertUnwindSafe(|| judge(&path, file, others.is_some(), options, shared)));
    let (outcome, identity) = judged.unwrap_or_else(|_| {
        // The last line of defence: no file is known that comes here.
        let message = "the verifier broke down on this file; please report it".to_owned();
        (Some(Outcome::Unjudged(Error::File { path: path.clone(), message, source: None })), None)
    });
    if let (None, Some(others)) = (&outcome, others) {
        others.fetch_add(1, Relaxed);
    }
    outcome.map(|outcome| Row { identity, ..Row::new(path, outcome) })
}

/// What becomes of the file at `path`, and which file that is; no outcome when it is to be a container and is not.
fn judge(
    path: &Path,
    file: io::Result<FileSource>,
    as_container: bool,
    options: &ScanOptions<'_>,
    shared: &Shared,
) -> (Option<Outcome>, Option<FileIdentity>) {
    let source = match file {
        Ok(source) => source,
        Err(error) => return (Some(Outcome::Unjudged(Error::file(path, "open", error))), None),
    };
    let watched = Watched::new(&source, options.halt.as_deref(), options.time);
    let judged = look(path, &watched, as_container, options, &shared.bases).map_err(|error| {
        let Some(most) = watched.over() else { return error };
        let message =
            format!("not read within {} s, which one file may take: --timeout gives it more", most.as_secs());
        Error::File { path: path.to_owned(), message, source: None }
    });
    if shared.brought_in.fetch_add(source.brought_in(), Relaxed) >= LEFT_IN_PAGE_CACHE {
        source.let_go();
    }
    match judged {
        Ok(outcome) => {
            // What depends on another file is not known by this one.
            let alone = options.v4_signature_file.is_none_beside(path, &mut Folder::default())
                && !(options.bases_beside && outcome.as_ref().is_some_and(Outcome::is_part));
            (outcome, source.identity().filter(|_| alone))
        }
        Err(error) => (Some(Outcome::Unjudged(error)), None),
    }
}

/// Looks at the file at `path` with its v4 signature file, or at what it contains, with the name of the file in every error.
fn look(
    path: &Path,
    source: &dyn ByteSource,
    as_container: bool,
    options: &ScanOptions<'_>,
    bases: &Bases,
) -> Result<Option<Outcome>, Error> {
    let named = |error: Error| match error {
        // The v4 signature file. It is the APK that cannot be judged for it.
        Error::File { path: other, message, source } => {
            Error::File { path: path.to_owned(), message: format!("{}: {message}", other.display()), source }
        }
        other => other.in_file(path),
    };
    if as_container {
        let limits = &options.verify.limits;
        let mut budget = Budget::of(source.len(), limits);
        let container = Container::open(source, limits, &mut budget).map_err(|error| error.in_file(path))?;
        if let Some(container) = container {
            return look_into(path, source, &container, options).map(Some);
        }
        if !may_be_an_apk(source, limits).map_err(|error| error.in_file(path))? {
            return Ok(None);
        }
    }
    let idsig = options.v4_signature_file.open(path).map_err(named)?;
    let idsig = idsig.as_ref().map(|(path, source)| (path.to_string_lossy(), source));
    let idsig = idsig.as_ref().map(|(name, source)| Idsig::new(*source, name));
    let beside = options.bases_beside.then_some((path, bases));
    let mut budget = Budget::of(source.len(), &options.verify.limits);
    Ok(Some(match look_at(source, idsig.as_ref(), options, beside, &mut budget).map_err(named)? {
        Looked::Apk(outcome) => outcome,
        Looked::Container(container) => look_into(path, source, &container, options)?,
    }))
}

/// Whether an archive that is no container is an APK by another name, or begins as an archive and cannot be read: what is in
/// that, nobody knows.
fn may_be_an_apk(source: &dyn ByteSource, limits: &Limits) -> Result<bool, Error> {
    const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
    if source.len() < 4 || source.read_vec_at(0, 4)? != LOCAL_HEADER {
        return Ok(false);
    }
    let has_manifest =
        Apk::open(source, limits).and_then(|apk| Ok(apk.directory()?.find("AndroidManifest.xml").is_some()));
    match has_manifest {
        Ok(has_manifest) => Ok(has_manifest),
        Err(Stop::Malformed(_)) => Ok(true),
        Err(Stop::Error(error)) => Err(error),
    }
}

/// Looks at everything in a container.
fn look_into(
    path: &Path,
    source: &dyn ByteSource,
    container: &Container<'_>,
    options: &ScanOptions<'_>,
) -> Result<Outcome, Error> {
    if matches!(options.v4_signature_file, V4SignatureFile::At(_)) {
        let message = "a v4 signature file goes with an APK, and this is a container of them".to_owned();
        return Err(Error::File { path: path.to_owned(), message, source: None });
    }
    let judged = container::judge(path, source, container, options).and_then(|judged| {
        let file_digest = options.file_digest.then(|| digest(source)).transpose()?;
        Ok(JudgedContainer { file_digest, ..judged })
    });
    Ok(Outcome::Container(Box::new(judged.map_err(|error| error.in_file(path))?)))
}

/// What is seen of one source.
enum Looked<'s> {
    /// An APK, or neither that nor a container.
    Apk(Outcome),
    /// A container, in which nobody has looked yet.
    Container(Box<Container<'s>>),
}

/// Looks at one APK, a part of an app with what stands `beside` it. What has no manifest may be a container, and what it takes to
/// tell is taken from `budget`.
fn look_at<'s>(
    source: &'s dyn ByteSource,
    idsig: Option<&Idsig<'_>>,
    options: &'s ScanOptions<'_>,
    beside: Option<(&Path, &Bases)>,
    budget: &mut Budget,
) -> Result<Looked<'s>, Error> {
    let verified = |options: &VerifyOptions| match idsig {
        None => verify(source, options),
        Some(idsig) => verify_with_idsig(source, idsig, options),
    };
    let mut verification = verified(&options.verify)?;
    if let Some((path, bases)) = beside {
        let again = |level| verified(&VerifyOptions { min_sdk: Some(level), ..options.verify.clone() });
        beside::hold_against_base(path, &mut verification, &options.verify, bases, again)?;
    }
    if verification.claimed_manifest.is_none()
        && let Some(container) = Container::open(source, &options.verify.limits, budget)?
    {
        return Ok(Looked::Container(Box::new(container)));
    }
    let marks = options.marks.as_ref().map(|options| marks::read(source, options)).transpose()?;
    // A part of an app has no name of its own.
    let shows = verification.claimed_manifest.as_ref().is_some_and(|manifest| manifest.split.name.is_none());
    let seen = options.appearance && shows && budget.take_appearance();
    let appearance = if seen { appearance(source, &options.verify.limits)? } else { None };
    let file_digest = options.file_digest.then(|| digest(source)).transpose()?;
    let decision = options.decide.map(|decide| Box::new(decide(&verification)));
    let (verification, marks) = (Box::new(verification), marks.map(Box::new));
    Ok(Looked::Apk(Outcome::Judged { verification, decision, marks, appearance, file_digest }))
}

/// What people see of the app, if the file is still the one that was looked at.
fn appearance(source: &dyn ByteSource, limits: &Limits) -> Result<Option<Box<Appearance>>, Error> {
    let appearance = match Apk::open(source, limits).and_then(|apk| apk.appearance(sha256)) {
        Ok(appearance) => appearance.map(Box::new),
        Err(Stop::Malformed(_)) => None,
        Err(Stop::Error(error)) => return Err(error),
    };
    source.check_unchanged().map_err(Error::Changed)?;
    Ok(appearance)
}

/// SHA-256 of the whole file, if it is still the one that was looked at.
fn digest(source: &dyn ByteSource) -> Result<FileDigest, Error> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of a file that was changed, or was not.
    struct Changed(bool);

    impl ByteSource for Changed {
        fn len(&self) -> u64 {
            0
        }

        fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
            (&[][..]).read_exact_at(buf, offset)
        }

        fn check_unchanged(&self) -> Result<(), String> {
            if self.0 { Err("its time of modification moved".to_owned()) } else { Ok(()) }
        }
    }

    #[test]
    fn what_people_see_is_told_of_a_file_that_stays_as_it_is() {
        assert!(matches!(appearance(&Changed(false), &Limits::default()), Ok(None)));
        assert!(matches!(appearance(&Changed(true), &Limits::default()), Err(Error::Changed(_))));
    }
}
