//! Files that are replaced wholly or not at all, and by one process at a time.
//!
//! The new content is written to a file beside the old one, `.NAME.new`, brought to the disk, and renamed. Whoever is killed
//! on the way leaves the old content, and perhaps that file, which the next one takes over.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use crate::error::Error;

/// A file that is about to get new content.
///
/// From [`AtomicFile::begin`] on nobody else can do the same to this file: what is read in between, changed and written
/// back loses nothing. When it is dropped without [`AtomicFile::commit`], the old content stays.
#[derive(Debug)]
pub struct AtomicFile {
    /// As the caller named it.
    named: PathBuf,
    /// What is replaced, links followed.
    target: PathBuf,
    /// What is written.
    beside: PathBuf,
    file: File,
    private: bool,
    done: bool,
}

impl AtomicFile {
    /// Gets ready to replace the file at `path`, which need not exist; waits for others who are about to.
    ///
    /// # Errors
    /// [`Error::File`] when it or its folder cannot be written to, or it is no regular file.
    pub fn begin(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::begin_with(path.as_ref(), false)
    }

    /// As [`AtomicFile::begin`], for what nobody but its owner may read.
    ///
    /// # Errors
    /// As [`AtomicFile::begin`].
    pub fn begin_private(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::begin_with(path.as_ref(), true)
    }

    fn begin_with(named: &Path, private: bool) -> Result<Self, Error> {
        let cannot = |error| Error::file(named, "write", error);
        let target = match fs::canonicalize(named) {
            // A file that its owner has made read-only is not to be replaced either, though its folder would allow that.
            Ok(target) if target.is_file() => {
                OpenOptions::new().write(true).open(&target).map_err(cannot)?;
                target
            }
            Ok(_) => return Err(cannot(io::Error::other("it is not a regular file"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => named.to_owned(),
            Err(error) => return Err(cannot(error)),
        };
        let name = target.file_name().ok_or_else(|| cannot(io::ErrorKind::IsADirectory.into()))?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(".new");
        let beside = target.with_file_name(hidden);
        loop {
            let file = open(&beside, private).map_err(cannot)?;
            file.lock().map_err(cannot)?;
            // Whoever had it before may have renamed or removed it.
            if is_still_there(&file, &beside) {
                let file = Self { named: named.to_owned(), target, beside, file, private, done: false };
                file.file.set_len(0).map_err(cannot)?;
                #[cfg(unix)]
                if private {
                    use std::os::unix::fs::PermissionsExt as _;

                    file.file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(cannot)?;
                }
                return Ok(file);
            }
        }
    }

    /// Replaces the content by what was written.
    ///
    /// # Errors
    /// [`Error::File`]; the old content is still there.
    pub fn commit(self) -> Result<(), Error> {
        self.put(|beside, target| fs::rename(beside, target))
    }

    /// As [`AtomicFile::commit`], but refuses to replace a file that is there.
    ///
    /// # Errors
    /// As [`AtomicFile::commit`]; and when there is such a file.
    pub fn commit_new(self) -> Result<(), Error> {
        self.put(|beside, target| {
            match fs::hard_link(beside, target) {
                Ok(()) => fs::remove_file(beside),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
                // No hard links here.
                Err(_) if target.try_exists()? => Err(io::ErrorKind::AlreadyExists.into()),
                Err(_) => fs::rename(beside, target),
            }
        })
    }

    fn put(mut self, rename: impl FnOnce(&Path, &Path) -> io::Result<()>) -> Result<(), Error> {
        let cannot = |error| Error::file(&self.named, "write", error);
        if !self.private
            && let Ok(old) = fs::metadata(&self.target)
        {
            self.file.set_permissions(old.permissions()).map_err(cannot)?;
        }
        self.file.sync_all().map_err(cannot)?;
        rename(&self.beside, &self.target).map_err(cannot)?;
        // On the disk once the folder is. It cannot be undone any more, and not every system can do that.
        let folder = self.target.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
            let _ = folder.sync_all();
        }
        self.done = true;
        Ok(())
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if !self.done {
            // Ours as long as it is locked. When it stays, the next one takes it over.
            let _ = fs::remove_file(&self.beside);
        }
    }
}

/// Replaces the content of the file at `path` by `bytes`.
///
/// # Errors
/// As [`AtomicFile::begin`] and [`AtomicFile::commit`].
pub fn replace(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), Error> {
    let path = path.as_ref();
    let mut file = AtomicFile::begin(path)?;
    file.write_all(bytes).map_err(|error| Error::file(path, "write", error))?;
    file.commit()
}

/// Removes a file that was begun and is not to be there. When it stays, there is nobody left to tell.
pub(crate) fn discard(path: &Path) {
    let _ = fs::remove_file(path);
}

#[cfg(unix)]
fn open(path: &Path, private: bool) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    let nofollow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let mode = if private { 0o600 } else { 0o666 };
    OpenOptions::new().write(true).create(true).truncate(false).custom_flags(nofollow).mode(mode).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path, _private: bool) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).open(path)
}

#[cfg(unix)]
fn is_still_there(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let (Ok(ours), Ok(there)) = (file.metadata(), fs::symlink_metadata(path)) else { return false };
    (ours.dev(), ours.ino()) == (there.dev(), there.ino())
}

#[cfg(not(unix))]
fn is_still_there(_file: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn holds_the_old_content_until_all_of_the_new_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        replace(&path, b"old").unwrap();
        let mut file = AtomicFile::begin(&path).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a.toml"]);
    }

    #[test]
    fn takes_over_what_a_killed_one_left() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".a.toml.new"), "half of a much longer text").unwrap();
        replace(folder.path().join("a.toml"), b"new").unwrap();
        assert_eq!(fs::read(folder.path().join("a.toml")).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a.toml"]);
    }

    #[test]
    fn replaces_nothing_when_it_is_to_be_new() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        for (content, expected) in [("one", true), ("two", false)] {
            let mut file = AtomicFile::begin(&path).unwrap();
            file.write_all(content.as_bytes()).unwrap();
            assert_eq!(file.commit_new().is_ok(), expected);
            assert_eq!(fs::read(&path).unwrap(), b"one");
        }
        assert_eq!(names(folder.path()), ["a.toml"]);
    }

    #[test]
    fn changes_by_many_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("count");
        replace(&path, b"0").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        let mut file = AtomicFile::begin(&path).unwrap();
                        let count: u32 = fs::read_to_string(&path).unwrap().parse().unwrap();
                        file.write_all((count + 1).to_string().as_bytes()).unwrap();
                        file.commit().unwrap();
                    }
                });
            }
        });
        assert_eq!(fs::read(&path).unwrap(), b"100");
    }

    #[cfg(unix)]
    #[test]
    fn keeps_links_and_permissions_and_makes_private_files_private() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a.toml"), folder.path().join("link"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        replace(&path, b"old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("a.toml", &link).unwrap();
        replace(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"new".to_vec(), 0o640));
        let secret = folder.path().join("secret");
        AtomicFile::begin_private(&secret).unwrap().commit_new().unwrap();
        assert_eq!(mode(&secret), 0o600);
    }

    #[test]
    fn what_cannot_be_written_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = replace(folder.path().join("gone/a.toml"), b"x").unwrap_err();
        assert!(
            error.to_string().ends_with("gone/a.toml: cannot write: no such file or directory"),
            "{error}"
        );
        assert_eq!(error.exit_code(), 3);
        let error = replace(folder.path(), b"x").unwrap_err();
        assert!(error.to_string().ends_with("cannot write: it is not a regular file"), "{error}");
    }
}
