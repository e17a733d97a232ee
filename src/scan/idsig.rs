//! Which v4 signature file goes with an APK.

use std::fs;
use std::io;
use std::io::ErrorKind;
use std::path::Path;
use std::path::PathBuf;

use super::folder::Folder;
use crate::Error;
use crate::source::FileSource;

/// Which v4 signature file an APK is verified with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum V4SignatureFile {
    /// The one that stands beside it under its name with `.idsig` behind, if there is one.
    #[default]
    Beside,
    /// This one, wherever it is; it must be there.
    At(PathBuf),
    /// None, even where one stands beside the APK.
    Ignored,
}

/// What `app.apk` is called beside which stands its v4 signature: `app.apk.idsig`.
pub(super) const SUFFIX: &str = "idsig";
const ENDING: &str = ".idsig";

impl V4SignatureFile {
    /// Whether it is certain that no file goes with the APK at `apk`, by what stands in its folder.
    pub(super) fn is_none_beside(&self, apk: &Path, folder: &mut Folder) -> bool {
        match self {
            Self::Ignored => true,
            Self::At(_) => false,
            Self::Beside => folder.has_none(apk, ENDING),
        }
    }

    /// The file that goes with the APK at `apk`, opened.
    ///
    /// # Errors
    /// [`Error::File`] when there is one and it cannot be opened: it may be what fails the APK.
    pub fn open(&self, apk: &Path) -> Result<Option<(PathBuf, FileSource)>, Error> {
        let path = match self {
            Self::Ignored => return Ok(None),
            Self::At(path) => path.clone(),
            Self::Beside => match beside(apk)? {
                Some(path) => path,
                None => return Ok(None),
            },
        };
        match FileSource::open(&path) {
            Ok(source) => Ok(Some((path, source))),
            Err(error) => Err(Error::file(path, "open", error)),
        }
    }
}

/// The path beside `apk`, when something is there.
fn beside(apk: &Path) -> Result<Option<PathBuf>, Error> {
    let mut name = apk.as_os_str().to_owned();
    name.push(ENDING);
    let path = PathBuf::from(name);
    match fs::symlink_metadata(&path) {
        // No link leads out of a tree that is scanned. An APK that is a link itself was named, and so followed.
        Ok(metadata) if metadata.is_symlink() && !is_link(apk) => {
            let error = io::Error::other("is a symbolic link: it is followed only when it is named");
            Err(Error::file(path, "open", error))
        }
        Ok(_) => Ok(Some(path)),
        // With its suffix a name can be too long for any file.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidFilename) => Ok(None),
        Err(error) => Err(Error::file(path, "open", error)),
    }
}

fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::ByteSource as _;

    fn found(choice: &V4SignatureFile, apk: &Path) -> Result<Option<String>, String> {
        match choice.open(apk) {
            Ok(found) => Ok(found.map(|(path, source)| {
                let name = path.file_name().unwrap().to_string_lossy();
                format!("{name}: {} bytes", source.len())
            })),
            Err(Error::File { message, .. }) => Err(message),
            Err(other) => Err(other.to_string()),
        }
    }

    #[test]
    fn finds_what_stands_beside_the_apk_and_what_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (apk, other) = (dir.path().join("a.apk"), dir.path().join("other"));
        fs::write(&apk, b"apk").unwrap();
        fs::write(&other, b"12345").unwrap();
        let named = V4SignatureFile::At(other);
        assert_eq!(found(&V4SignatureFile::Beside, &apk), Ok(None));
        assert_eq!(found(&named, &apk), Ok(Some("other: 5 bytes".to_owned())));
        fs::write(dir.path().join("a.apk.idsig"), b"12").unwrap();
        assert_eq!(found(&V4SignatureFile::Beside, &apk), Ok(Some("a.apk.idsig: 2 bytes".to_owned())));
        assert_eq!(found(&V4SignatureFile::Ignored, &apk), Ok(None));
        let gone = V4SignatureFile::At(dir.path().join("gone"));
        assert_eq!(found(&gone, &apk), Err("cannot open: no such file or directory".to_owned()));
    }

    #[test]
    fn a_directory_in_its_place_is_an_error_and_a_name_too_long_for_one_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let apk = dir.path().join("a.apk");
        fs::create_dir(dir.path().join("a.apk.idsig")).unwrap();
        let error = "cannot open: is a directory, not a regular file";
        assert_eq!(found(&V4SignatureFile::Beside, &apk), Err(error.to_owned()));
        let long = dir.path().join(format!("{}.apk", "n".repeat(251)));
        assert_eq!(found(&V4SignatureFile::Beside, &long), Ok(None));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_beside_a_link_alone() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("a.apk"), b"apk").unwrap();
        fs::write(at("elsewhere"), b"123").unwrap();
        std::os::unix::fs::symlink("elsewhere", at("a.apk.idsig")).unwrap();
        let error = "cannot open: is a symbolic link: it is followed only when it is named";
        assert_eq!(found(&V4SignatureFile::Beside, &at("a.apk")), Err(error.to_owned()));
        let named = V4SignatureFile::At(at("a.apk.idsig"));
        assert_eq!(found(&named, &at("a.apk")), Ok(Some("a.apk.idsig: 3 bytes".to_owned())));
        std::os::unix::fs::symlink("a.apk", at("b.apk")).unwrap();
        std::os::unix::fs::symlink("elsewhere", at("b.apk.idsig")).unwrap();
        assert_eq!(
            found(&V4SignatureFile::Beside, &at("b.apk")),
            Ok(Some("b.apk.idsig: 3 bytes".to_owned()))
        );
    }
}
