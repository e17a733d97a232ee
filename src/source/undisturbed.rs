//! The file of a registry in SQLite, held while it is read: what was digested is what SQLite reads, or nothing is.
//!
//! SQLite puts what stands in `FILE-wal` and `FILE-journal` in the place of what stands in the file, and no signature speaks
//! for these. So a reader has SQLite take the file for one that cannot change, when it looks for neither, and sees to it
//! that it did not.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::ffi::OsString;
use std::fs;
use std::fs::File;
use std::fs::Metadata;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;
use std::time::SystemTime;

use super::FileIdentity;
use super::open_regular;
use crate::error::Error;
use crate::error::describe_io;

/// How often, and after what time, a reader looks again whether a change that is under way has ended.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(10);
/// Longer than a tick of file systems' clocks: whoever writes so long after the state was asked cannot leave it as it was.
const TICK: Duration = Duration::from_millis(25);
/// So many seconds old are the times of a file that whoever writes from now on cannot leave them as they were: longer than a tick, though the
/// clock of a file server be not quite ours.
const OLD: i64 = 60;
/// Where the handles of this process stand, by their numbers.
const HANDLES: &str = "/dev/fd";

/// A file, open, and the state in which it must stay.
#[derive(Debug)]
pub(crate) struct Undisturbed {
    path: PathBuf,
    file: File,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
struct State {
    /// None where the system does not tell.
    identity: Option<FileIdentity>,
    size: u64,
    modified: Option<SystemTime>,
}

impl State {
    fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok();
        Self { identity: FileIdentity::of(metadata), size: metadata.len(), modified }
    }

    /// Whether the times are [`OLD`] at `now`, in Unix seconds. Nobody can set the time of change.
    fn is_old(&self, now: i64) -> bool {
        let old = |(seconds, _): (i64, i64)| seconds.checked_add(OLD).is_some_and(|then| then < now);
        self.identity.is_some_and(|identity| old(identity.modified) && old(identity.changed))
    }
}

impl Undisturbed {
    /// Holds the file at `path` as it stands: for who believes whoever may write to it.
    ///
    /// # Errors
    /// [`Error::Configuration`] when it cannot be read, when a write-ahead log stands beside it, or the journal of a change
    /// that was broken off.
    pub(crate) fn hold(path: &Path) -> Result<Self, Error> {
        ensure_no_log(path)?;
        let mut looks = 0;
        while let Some(journal) = journal(path) {
            looks += 1;
            if looks < LOOKS {
                sleep(PAUSE);
                continue;
            }
            let message = format!(
                "a change of the registry was broken off, or is under way: {} stands beside it; any command that changes \
                 the registry undoes it",
                journal.display()
            );
            return Err(refused(path, message));
        }
        Self::open(path)
    }

    /// Holds the file at `path`, of which a digest is to be taken: for who believes nobody but the digest.
    ///
    /// Waits for a tick of the file system's clock, unless the file's times are old by `clock`, the time that it is in Unix
    /// seconds.
    ///
    /// # Errors
    /// As [`Undisturbed::hold`], of any journal, and when the file changes at this moment.
    pub(crate) fn hold_alone(path: &Path, clock: Option<i64>) -> Result<Self, Error> {
        ensure_no_log(path)?;
        if let Some(journal) = beside(path, "-journal").into_iter().find(|journal| is_there(journal)) {
            let message = format!(
                "{} stands beside it, which no signature speaks for: somebody is changing the registry, or has broken off, or \
                 somebody else put it there; get the registry again from where it came from",
                journal.display()
            );
            return Err(refused(path, message));
        }
        let held = Self::open(path)?;
        if !clock.is_some_and(|clock| held.state.is_old(clock)) {
            sleep(TICK);
        }
        held.ensure_unchanged()?;
        Ok(held)
    }

    fn open(path: &Path) -> Result<Self, Error> {
        let cannot_read = |error| refused(path, format!("cannot read the registry: {}", describe_io(&error)));
        let file = open_regular(path).map_err(cannot_read)?;
        let metadata = file.metadata().map_err(cannot_read)?;
        Ok(Self { path: path.to_owned(), file, state: State::of(&metadata) })
    }

    /// The file, from where it was read last.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Makes sure that the file is the one that was opened, and nobody has written to it since.
    ///
    /// # Errors
    /// [`Error::Configuration`] otherwise.
    pub(crate) fn ensure_unchanged(&self) -> Result<(), Error> {
        let is = |metadata: std::io::Result<Metadata>| {
            metadata.is_ok_and(|metadata| State::of(&metadata) == self.state)
        };
        if is(self.file.metadata()) && is(fs::metadata(&self.path)) {
            return Ok(());
        }
        Err(self.changed())
    }

    /// What `open` gives, if it has opened this very file, and not another that stood at its path for a moment. Where the system
    /// does not tell what is open, that is not seen.
    ///
    /// # Errors
    /// [`Error::Configuration`] when it has opened another; whatever `open` says.
    pub(crate) fn opened<T>(&self, open: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let before = self.handles();
        let opened = open()?;
        let after = self.handles();
        // Our own handle is one, where the system tells.
        if !before.is_empty() && after.is_subset(&before) {
            return Err(self.changed());
        }
        Ok(opened)
    }

    /// The handles of this process on the file, by their numbers.
    fn handles(&self) -> BTreeSet<OsString> {
        let Some(ours) = self.state.identity else { return BTreeSet::new() };
        let is_ours = |handle: &fs::DirEntry| {
            let theirs = fs::metadata(handle.path()).ok().as_ref().and_then(FileIdentity::of);
            theirs.is_some_and(|theirs| (theirs.device, theirs.inode) == (ours.device, ours.inode))
        };
        let all = fs::read_dir(HANDLES).into_iter().flatten().filter_map(Result::ok);
        all.filter(is_ours).map(|handle| handle.file_name()).collect()
    }

    fn changed(&self) -> Error {
        refused(&self.path, "the registry was changed while it was read; run it again".to_owned())
    }
}

/// Makes sure that no write-ahead log stands beside the file at `path`: no registry has one.
///
/// # Errors
/// [`Error::Configuration`] when one does.
pub(crate) fn ensure_no_log(path: &Path) -> Result<(), Error> {
    let mut all = ["-wal", "-shm"].into_iter().flat_map(|suffix| beside(path, suffix));
    let Some(log) = all.find(|log| is_there(log)) else { return Ok(()) };
    let message = format!(
        "{} stands beside it, of a write-ahead log, which no registry has: another program is changing the registry, or somebody \
         else put it there; get the registry again from where it came from",
        log.display()
    );
    Err(refused(path, message))
}

/// The journal beside the file at `path` that SQLite would play back. One that does not begin yet, or no longer, says nothing.
fn journal(path: &Path) -> Option<PathBuf> {
    beside(path, "-journal").into_iter().find(|journal| {
        let mut first = [0];
        match open_regular(journal).and_then(|mut file| file.read(&mut first)) {
            Ok(count) => count > 0 && first != [0],
            Err(_) => is_there(journal),
        }
    })
}

/// What SQLite calls a file that goes with the one at `path`: by its name, and by that of what it is a link to.
fn beside(path: &Path, suffix: &str) -> Vec<PathBuf> {
    let with = |path: &OsStr| {
        let mut name = path.to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let mut names = vec![with(path.as_os_str())];
    if let Ok(target) = fs::canonicalize(path) {
        names.push(with(target.as_os_str()));
    }
    names
}

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).map_or_else(|error| error.kind() != std::io::ErrorKind::NotFound, |_| true)
}

/// How SQLite is told to read the file at `path` as one that cannot change.
///
/// Source: <https://www.sqlite.org/uri.html>.
pub(crate) fn uri(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut uri = String::from("file://");
    if cfg!(windows) {
        uri.push('/');
    }
    for byte in absolute.as_os_str().as_encoded_bytes().iter().copied() {
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b':' if cfg!(windows) => uri.push(':'),
            b'/' | b'.' | b'-' | b'_' => uri.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            byte => uri.extend(["%".to_owned(), format!("{byte:02X}")]),
        }
    }
    uri.push_str("?immutable=1");
    PathBuf::from(OsString::from(uri))
}

fn refused(path: &Path, message: String) -> Error {
    Error::Configuration { path: path.to_owned(), position: None, message }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn held(folder: &Path) -> Undisturbed {
        let path = folder.join("registry.db");
        fs::write(&path, "registry").unwrap();
        Undisturbed::hold(&path).unwrap()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn another_file_that_stood_there_for_a_moment_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let held = held(folder.path());
        let other = folder.path().join("other.db");
        fs::write(&other, "registry").unwrap();
        let open = |path: &Path| held.opened(|| Ok(File::open(path).unwrap()));
        let _one = open(&held.path).unwrap();
        assert!(open(&other).unwrap_err().to_string().contains("was changed while it was read"));
        let _another = open(&held.path).unwrap();
    }

    #[test]
    fn times_are_old_once_no_clock_can_give_them_again() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::of(&held(folder.path()).file.metadata().unwrap());
        let (changed, _) = state.identity.unwrap().changed;
        assert!(!state.is_old(changed) && !state.is_old(changed - 1));
        assert!(!state.is_old(changed + 60));
        assert!(state.is_old(changed + 61));
        // A time of modification that was put back is no proof of age.
        let old = FileIdentity { modified: (0, 0), ..state.identity.unwrap() };
        assert!(!State { identity: Some(old), ..state }.is_old(changed + 60));
    }
}
