//! The file of a registry in SQLite, held while it is read or copied.
//!
//! SQLite puts what stands in `FILE-wal` and `FILE-journal` in the place of what stands in the file, and no signature speaks
//! for these. So a reader has SQLite take the file for one that cannot change, when it looks for neither, and sees to it
//! that it did not, as far as its size and times tell. That is no protection from whoever may write to the file: who
//! does not believe him takes a [copy](super::PrivateCopy).

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

    /// Holds the file at `path`, of which a copy and a digest are to be taken: for who believes nobody but the digest.
    ///
    /// # Errors
    /// As [`Undisturbed::hold`], of any journal.
    pub(crate) fn hold_alone(path: &Path) -> Result<Self, Error> {
        ensure_no_log(path)?;
        if let Some(journal) = beside(path, "-journal").into_iter().find(|journal| is_there(journal)) {
            let message = format!(
                "{} stands beside it, which no signature speaks for: somebody is changing the registry, or has broken off, or \
                 somebody else put it there; get the registry again from where it came from",
                journal.display()
            );
            return Err(refused(path, message));
        }
        Self::open(path)
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

    /// Which file it is, and in which state; none where the system does not tell.
    pub(crate) fn identity(&self) -> Option<FileIdentity> {
        self.state.identity
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
        Err(refused(&self.path, "the registry was changed while it was read; run it again".to_owned()))
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
