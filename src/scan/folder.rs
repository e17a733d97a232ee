//! What stands in a folder, asked for one name after another.

pub(super) use system::Folder;

#[cfg(target_os = "linux")]
mod system {
    use std::ffi::OsStr;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt as _;
    use std::path::Path;

    use rustix::fs::AtFlags;
    use rustix::fs::FileType;
    use rustix::fs::Mode;
    use rustix::fs::OFlags;
    use rustix::fs::Stat;
    use rustix::io::Errno;

    use crate::source::FileIdentity;

    /// The folder of the file that was asked for last, held open, so that the next one in it is found without a walk along the whole
    /// path.
    #[derive(Default)]
    pub(in crate::scan) struct Folder {
        path: Vec<u8>,
        held: Option<OwnedFd>,
    }

    impl Folder {
        /// The state of the file at `path`, a link to it followed; none when it is no regular file, or nobody can tell.
        pub(in crate::scan) fn identity(&mut self, path: &Path) -> Option<FileIdentity> {
            let (folder, name) = self.find(path)?;
            let stat = rustix::fs::statat(folder, OsStr::from_bytes(name), AtFlags::empty()).ok()?;
            identity(&stat)
        }

        /// Whether it is certain that nothing stands beside the file at `path` under its name with `ending` behind, not even a link.
        pub(in crate::scan) fn has_none(&mut self, path: &Path, ending: &str) -> bool {
            let Some((folder, name)) = self.find(path) else { return false };
            let name = [name, ending.as_bytes()].concat();
            let found = rustix::fs::statat(folder, OsStr::from_bytes(&name), AtFlags::SYMLINK_NOFOLLOW);
            // With its ending a name can be too long for any file.
            matches!(found, Err(Errno::NOENT | Errno::NAMETOOLONG))
        }

        /// The folder of the file at `path`, and its name there.
        fn find<'a>(&mut self, path: &'a Path) -> Option<(&OwnedFd, &'a [u8])> {
            let bytes = path.as_os_str().as_bytes();
            let end = bytes.iter().rposition(|byte| *byte == b'/').map_or(0, |last| last.saturating_add(1));
            let (folder, name) = bytes.split_at_checked(end)?;
            if self.held.is_none() || self.path != folder {
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                let path = if folder.is_empty() { b"." } else { folder };
                self.held = rustix::fs::open(OsStr::from_bytes(path), flags, Mode::empty()).ok();
                folder.clone_into(&mut self.path);
            }
            Some((self.held.as_ref()?, name))
        }
    }

    fn identity(stat: &Stat) -> Option<FileIdentity> {
        (FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile).then_some(())?;
        Some(FileIdentity {
            device: number(stat.st_dev)?,
            inode: number(stat.st_ino)?,
            size: number(stat.st_size)?,
            modified: (number(stat.st_mtime)?, number(stat.st_mtime_nsec)?),
            changed: (number(stat.st_ctime)?, number(stat.st_ctime_nsec)?),
        })
    }

    /// A field of a state, whose types differ between machines.
    fn number<T: TryInto<U>, U>(field: T) -> Option<U> {
        field.try_into().ok()
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::fs;
    use std::io::ErrorKind;
    use std::path::Path;

    use crate::source::FileIdentity;

    /// Asks along the whole path each time.
    #[derive(Default)]
    pub(in crate::scan) struct Folder;

    impl Folder {
        /// The state of the file at `path`, a link to it followed; none when it is no regular file, or nobody can tell.
        pub(in crate::scan) fn identity(&mut self, path: &Path) -> Option<FileIdentity> {
            let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
            FileIdentity::of(&metadata)
        }

        /// Whether it is certain that nothing stands beside the file at `path` under its name with `ending` behind, not even a link.
        pub(in crate::scan) fn has_none(&mut self, path: &Path, ending: &str) -> bool {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            let found = fs::symlink_metadata(name);
            // With its ending a name can be too long for any file.
            found.is_err_and(|error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidFilename))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::source::FileIdentity;

    /// What the standard library says, which asks otherwise.
    fn told(path: &Path) -> Option<FileIdentity> {
        let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        FileIdentity::of(&metadata)
    }

    #[test]
    fn states_are_those_that_the_standard_library_tells() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["", "a", "a/b", "c"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
            fs::write(dir.path().join(folder).join("x.apk"), folder).unwrap();
        }
        let mut folder = Folder::default();
        for name in [
            "x.apk",
            "a/x.apk",
            "a/b/x.apk",
            "a/b/../x.apk",
            "c/x.apk",
            "x.apk",
            "a",
            "a/",
            "gone",
            "gone/x.apk",
        ] {
            let path = dir.path().join(name);
            assert_eq!(folder.identity(&path), told(&path), "{name}");
        }
        // A path without a folder is one of the folder in which we are.
        assert_eq!(folder.identity(Path::new("Cargo.toml")), told(Path::new("Cargo.toml")));
        assert!(told(Path::new("Cargo.toml")).is_some());
        // What has changed is seen.
        let path = dir.path().join("x.apk");
        fs::write(&path, "longer than before").unwrap();
        assert_eq!(folder.identity(&path), told(&path));
    }

    #[test]
    fn nothing_stands_beside_a_file_where_that_is_certain() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("a.apk.idsig"), "").unwrap();
        fs::create_dir(at("b.apk.idsig")).unwrap();
        let mut folder = Folder::default();
        let mut free = |name: &str| folder.has_none(&at(name), ".idsig");
        assert_eq!(
            [free("a.apk"), free("b.apk"), free("c.apk"), free(&"n".repeat(251))],
            [false, false, true, true]
        );
        assert!(!free("a.apk.idsig/x.apk"), "a file is no folder");
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("nowhere", at("d.apk.idsig")).unwrap();
            assert!(!folder.has_none(&at("d.apk"), ".idsig"), "a link is something");
        }
    }
}
