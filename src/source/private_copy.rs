//! A copy of a file that nobody else can reach: what was digested while it was made is what is read from it.
//!
//! Who may write to a file can change it behind any look at its size and times: by a shared mapping that he has written
//! to before, a page changes and no time does. A copy of one's own is the way to believe a digest and nobody else.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use tempfile::TempDir;

/// A copy in a folder of its own, below the system's one for temporary files; both are removed with it.
#[derive(Debug)]
pub(crate) struct PrivateCopy {
    path: PathBuf,
    file: File,
    _folder: TempDir,
}

impl PrivateCopy {
    /// An empty file that is to become the copy.
    ///
    /// # Errors
    /// What the operating system says.
    pub(crate) fn begin() -> io::Result<Self> {
        let folder = folder()?;
        let path = folder.path().join("copy");
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        Ok(Self { path, file, _folder: folder })
    }

    /// `source`, with what is read from it written into the copy.
    pub(crate) fn copying<R: Read>(&mut self, source: R) -> impl Read {
        Copying { source, copy: &mut self.file }
    }

    /// Where the copy stands.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(unix)]
fn folder() -> io::Result<TempDir> {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    tempfile::Builder::new().prefix("apkvouch-").permissions(Permissions::from_mode(0o700)).tempdir()
}

#[cfg(not(unix))]
fn folder() -> io::Result<TempDir> {
    tempfile::Builder::new().prefix("apkvouch-").tempdir()
}

struct Copying<'c, R> {
    source: R,
    copy: &'c mut File,
}

impl<R: Read> Read for Copying<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.copy.write_all(buffer.get(..count).unwrap_or_default())?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_was_read_and_goes_with_its_folder() {
        let mut copy = PrivateCopy::begin().unwrap();
        let mut read = Vec::new();
        copy.copying(&b"registry"[..]).read_to_end(&mut read).unwrap();
        assert_eq!(read, b"registry");
        assert_eq!(std::fs::read(copy.path()).unwrap(), b"registry");
        let folder = copy.path().parent().unwrap().to_owned();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        }
        drop(copy);
        assert!(!folder.exists());
    }
}
