//! A registry, whichever way it is stored.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;

use jiff::Timestamp;

use super::Change;
use super::Difference;
use super::Header;
use super::Registry;
use super::sqlite;
use super::sqlite::Needs;
use super::sqlite::SqliteRegistry;
use super::text;
use crate::error::Error;
use crate::fields::first_bytes;

/// A registry to ask: text in memory, or SQLite on disk.
#[derive(Debug)]
pub enum Store {
    /// Read whole.
    Text(Box<Registry>),
    /// Opened without loading. One question at a time.
    Sqlite {
        /// The file.
        registry: Box<Mutex<SqliteRegistry>>,
        /// What it says of itself.
        header: Header,
    },
}

impl Store {
    pub(super) fn sqlite(registry: SqliteRegistry) -> Self {
        let header = registry.header().clone();
        Self::Sqlite { registry: Box::new(Mutex::new(registry)), header }
    }

    /// What the registry says of itself.
    pub fn header(&self) -> &Header {
        match self {
            Self::Text(registry) => registry.header(),
            Self::Sqlite { header, .. } => header,
        }
    }

    /// A registry that answers whatever is asked about `needs` as the whole would.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the file is damaged.
    pub fn part(&self, needs: &Needs) -> Result<Cow<'_, Registry>, Error> {
        match self {
            Self::Text(registry) => Ok(Cow::Borrowed(registry)),
            Self::Sqlite { registry, .. } => {
                registry.lock().unwrap_or_else(PoisonError::into_inner).part(needs).map(Cow::Owned)
            }
        }
    }

    /// All of it, in memory.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the file is damaged.
    pub fn whole(&self) -> Result<Cow<'_, Registry>, Error> {
        match self {
            Self::Text(registry) => Ok(Cow::Borrowed(registry)),
            Self::Sqlite { registry, .. } => {
                registry.lock().unwrap_or_else(PoisonError::into_inner).whole().map(Cow::Owned)
            }
        }
    }
}

/// Whether the file at `path` is one of SQLite: by its first bytes.
///
/// # Errors
/// [`Error::Configuration`] when it cannot be read.
pub fn is_sqlite(path: &Path) -> Result<bool, Error> {
    Ok(first_bytes::<16>(path, "the registry")?.as_ref() == Some(sqlite::MAGIC))
}

/// Changes the registry in the file at `path`: all of the changes that `changes` gives, or none.
///
/// `changes` is given the part of the registry that `needs` name, or more. `now` becomes its `issued_at`, and its serial
/// grows by one. In a text, comments and order stay. Nobody else can change the file meanwhile. Returns what differs:
/// nothing, when there was nothing to change, and then nothing is written.
///
/// # Errors
/// As [`Registry::load`], [`Registry::apply`], and whatever `changes` gives; [`Error::Configuration`] when the registry would
/// not be sound afterwards; [`Error::File`] when it cannot be written. The file is as it was then.
pub fn update(
    path: impl AsRef<Path>,
    now: Timestamp,
    needs: &Needs,
    changes: impl FnOnce(&Registry) -> Result<Vec<Change>, Error>,
) -> Result<Vec<Difference>, Error> {
    let path = path.as_ref();
    if is_sqlite(path)? {
        SqliteRegistry::open_to_change(path)?.update(now, needs, changes)
    } else {
        text::update(path, now, changes)
    }
}
