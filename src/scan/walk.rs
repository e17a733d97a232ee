//! Which files to judge, in a stable order.
//!
//! - A file named on the command line is judged whatever its name, a link to it followed.
//! - A directory is walked, its entries in the byte order of their paths. Files named `.apk`, or like a container of
//!   them, in any case, are judged, and those named `.zip` when they are one; other regular files are counted and left out,
//!   unless all files are asked for. The v4 signature file beside
//!   an APK belongs to that one: it is neither judged nor counted.
//! - Inside a tree no link is followed: a link is skipped and said so, and so are FIFOs, sockets and devices, under
//!   any name. So no file outside the tree is read, no walk goes round in circles, and no read blocks.
//! - Directories that are given may lie in each other, by whatever name: each file in them is come upon once, in the first of
//!   them that wants it. Hard links are several files, and a file that is named itself is come upon each time.
//! - Globs narrow down which files of directories are wanted. A directory that is excluded is not entered.
//! - What cannot be listed is a failure of its own, and the walk goes on.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use walkdir::DirEntry;
use walkdir::WalkDir;

use super::idsig;
use super::wanted::Globs;
use super::wanted::Shard;
use crate::Error;
use crate::source::kind_of;

/// What a walk comes upon.
#[derive(Debug)]
#[non_exhaustive]
pub enum Found {
    /// A file to judge.
    File(PathBuf),
    /// A file to judge if it is a container of APKs, else to count.
    Archive(PathBuf, Arc<AtomicU64>),
    /// Something left out on purpose; why, without its name.
    Skipped(PathBuf, String),
    /// Something that could not be looked at.
    Failed(PathBuf, Error),
}

impl Found {
    /// The file to open, if it is one.
    pub(super) fn path_to_read(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::Archive(path, _) => Some(path),
            Self::Skipped(..) | Self::Failed(..) => None,
        }
    }
}

/// How to walk.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct WalkOptions {
    /// Judge files in directories whatever their names.
    pub all_files: bool,
    /// Of the files in directories, those that match; all when none are given.
    pub include: Option<Globs>,
    /// Not the files in directories that match, nor what is in directories that do.
    pub exclude: Option<Globs>,
    /// What belongs to this part of a larger job; all of it when none is given.
    pub shard: Option<Shard>,
    /// Whoever makes this true ends the walk where it is, as with [`ScanOptions::halt`](super::ScanOptions::halt).
    pub halt: Option<Arc<AtomicBool>>,
}

/// Walks paths in the order in which they are given.
pub struct Walk {
    roots: Box<dyn Iterator<Item = Found>>,
    options: WalkOptions,
    tree: Option<Tree>,
    /// The directories that were walked, without links and `..`.
    walked: BTreeSet<PathBuf>,
    not_apk: Arc<AtomicU64>,
}

/// The directory that is being walked.
struct Tree {
    root: PathBuf,
    /// The same without links and `..`.
    canonical: PathBuf,
    /// Of the directories that were walked before those in which this one lies, or which lie in it.
    earlier: Vec<PathBuf>,
    entries: walkdir::IntoIter,
}

impl Tree {
    /// The next entry that is wanted.
    fn next(&mut self, options: &WalkOptions) -> Option<Result<DirEntry, walkdir::Error>> {
        loop {
            let entry = match self.entries.next()? {
                Ok(entry) => entry,
                failed => return Some(failed),
            };
            let is_narrowed = options.exclude.is_some() || options.include.is_some();
            if !is_narrowed && self.earlier.is_empty() {
                return Some(Ok(entry));
            }
            let below = entry.path().strip_prefix(&self.root).unwrap_or(entry.path());
            let is_dir = entry.file_type().is_dir();
            if is_dir && (options.excludes_folder(below) || !is_narrowed && self.was_walked(below)) {
                self.entries.skip_current_dir();
            } else if is_dir || options.wants(below) && !self.had(below, options) {
                return Some(Ok(entry));
            }
        }
    }

    /// Whether the directory at `below` is one that was walked before.
    fn was_walked(&self, below: &Path) -> bool {
        let path = self.canonical.join(below);
        self.earlier.iter().any(|earlier| path.starts_with(earlier))
    }

    /// Whether what stands at `below` was come upon in a directory that was walked before.
    fn had(&self, below: &Path, options: &WalkOptions) -> bool {
        let path = self.canonical.join(below);
        self.earlier.iter().filter_map(|earlier| path.strip_prefix(earlier).ok()).any(|below| {
            let mut folders = below.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
            options.wants(below) && !folders.any(|folder| options.excludes_folder(folder))
        })
    }
}

impl WalkOptions {
    /// Whether a file at that path below the directory that is walked is wanted.
    fn wants(&self, below: &Path) -> bool {
        self.include.as_ref().is_none_or(|globs| globs.match_path(below))
            && !self.exclude.as_ref().is_some_and(|globs| globs.match_path(below))
    }

    /// Whether a directory there is not entered.
    fn excludes_folder(&self, below: &Path) -> bool {
        self.exclude.as_ref().is_some_and(|globs| globs.match_folder(below))
    }
}

impl Walk {
    /// A walk over `paths`.
    pub fn new(paths: Vec<PathBuf>, options: WalkOptions) -> Self {
        Self::over(paths.into_iter().map(Found::File), options)
    }

    /// A walk over files and directories that somebody else has found, such as a [`PathList`](super::PathList); other finds
    /// go through.
    pub fn over(found: impl Iterator<Item = Found> + 'static, options: WalkOptions) -> Self {
        Self { roots: Box::new(found), options, tree: None, walked: BTreeSet::new(), not_apk: Arc::default() }
    }

    /// Counts the regular files of directories that are not named like an APK and were left out; it grows as the walk
    /// goes on.
    pub fn not_apk(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.not_apk)
    }

    fn root(&mut self, path: PathBuf) -> Option<Found> {
        match fs::metadata(&path) {
            Err(error) => Some(failed(path, "open", error)),
            Ok(metadata) if metadata.is_dir() => {
                let entries = WalkDir::new(&path).min_depth(1).sort_by(byte_order).into_iter();
                let canonical = path.canonicalize().unwrap_or_else(|_| path.clone());
                let around = canonical.ancestors().filter_map(|around| self.walked.get(around));
                let within = self.walked.range(canonical.clone()..);
                let within = within.take_while(|within| within.starts_with(&canonical));
                // It may be both.
                let earlier: BTreeSet<PathBuf> = around.chain(within).cloned().collect();
                self.walked.insert(canonical.clone());
                let earlier = earlier.into_iter().collect();
                self.tree = Some(Tree { root: path, canonical, earlier, entries });
                None
            }
            Ok(metadata) if metadata.is_file() => Some(Found::File(path)),
            Ok(metadata) => {
                let kind = kind_of(metadata.file_type());
                let error = io::Error::other(format!("is {kind}, not a regular file"));
                Some(failed(path, "open", error))
            }
        }
    }

    fn entry(&self, entry: Result<DirEntry, walkdir::Error>) -> Option<Found> {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let path = error.path().map(Path::to_owned).unwrap_or_default();
                let error = error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into());
                return Some(failed(path, "list", error));
            }
        };
        let file_type = entry.file_type();
        if file_type.is_dir() {
            return None;
        }
        if !file_type.is_file() {
            let why = if file_type.is_symlink() {
                "a symbolic link: links inside a tree are not followed".to_owned()
            } else {
                format!("{}, not a regular file", kind_of(file_type))
            };
            return Some(Found::Skipped(entry.into_path(), why));
        }
        if self.is_idsig_of_apk(entry.path()) {
            return None;
        }
        if self.options.all_files || is_named(entry.path(), NAMES) {
            return Some(Found::File(entry.into_path()));
        }
        if is_named(entry.path(), &[".zip"]) {
            return Some(Found::Archive(entry.into_path(), self.not_apk()));
        }
        if self.is_of_shard(entry.path()) {
            self.not_apk.fetch_add(1, Relaxed);
        }
        None
    }
}

impl Walk {
    fn is_of_shard(&self, path: &Path) -> bool {
        self.options.shard.is_none_or(|shard| shard.has(path))
    }

    /// Whether it is the v4 signature file of a file that is judged: that one's row speaks of it.
    fn is_idsig_of_apk(&self, path: &Path) -> bool {
        // Most files are not called so, which is seen faster than where their names begin.
        path.as_os_str().as_encoded_bytes().ends_with(idsig::SUFFIX.as_bytes())
            && path.extension() == Some(OsStr::new(idsig::SUFFIX))
            && {
                let apk = path.with_extension("");
                (self.options.all_files || is_named(&apk, &[".apk"]))
                    && fs::symlink_metadata(apk).is_ok_and(|metadata| metadata.is_file())
            }
    }
}

impl Iterator for Walk {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        while !self.options.halt.as_ref().is_some_and(|halt| halt.load(Relaxed)) {
            let found = match self.tree.as_mut().map(|tree| tree.next(&self.options)) {
                Some(Some(entry)) => self.entry(entry),
                Some(None) => {
                    self.tree = None;
                    continue;
                }
                None => match self.roots.next()? {
                    Found::File(path) => self.root(path),
                    // It is told in every part, since each lacks what comes behind.
                    other => return Some(other),
                },
            };
            let found = found.filter(|found| self.is_of_shard(found.path()));
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

impl Found {
    /// Where it stands.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Archive(path, _) | Self::Skipped(path, _) | Self::Failed(path, _) => {
                path
            }
        }
    }
}

fn failed(path: PathBuf, action: &str, error: io::Error) -> Found {
    let error = Error::file(&path, action, error);
    Found::Failed(path, error)
}

/// What APKs, and containers of them, are called.
const NAMES: &[&str] = &[".apk", ".apks", ".xapk", ".apkm", ".aab"];

/// Whether the name of the file ends in one of `ends`, which have no separator, in any case of letters.
fn is_named(path: &Path, ends: &[&str]) -> bool {
    let path = path.as_os_str().as_encoded_bytes();
    ends.iter().any(|end| {
        let start = path.len().checked_sub(end.len());
        start
            .and_then(|start| path.get(start..))
            .is_some_and(|last| last.eq_ignore_ascii_case(end.as_bytes()))
    })
}

/// The order of whole paths: a directory counts with the separator that follows it, so that `a.apk` stands before
/// what is in `a/`.
fn byte_order(left: &DirEntry, right: &DirEntry) -> Ordering {
    // Both stand in the same directory.
    let (left_path, right_path) = (left.path().as_os_str(), right.path().as_os_str());
    let (left_path, right_path) = (left_path.as_encoded_bytes(), right_path.as_encoded_bytes());
    let both = left_path.len().min(right_path.len());
    let ((left_both, left_rest), (right_both, right_rest)) =
        (left_path.split_at(both), right_path.split_at(both));
    let next = |rest: &[u8], entry: &DirEntry| {
        rest.first().copied().or_else(|| entry.file_type().is_dir().then_some(b'/'))
    };
    left_both.cmp(right_both).then_with(|| next(left_rest, left).cmp(&next(right_rest, right)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"x").unwrap();
        }
        dir
    }

    fn shown(dir: &Path, walk: Walk) -> Vec<String> {
        walk.map(|found| match found {
            Found::File(path) => path.strip_prefix(dir).unwrap().display().to_string(),
            Found::Archive(path, _) => format!("{}?", path.strip_prefix(dir).unwrap().display()),
            Found::Skipped(path, why) => {
                format!("{} skipped: {why}", path.strip_prefix(dir).unwrap().display())
            }
            Found::Failed(_, error) => format!("failed: {error}"),
        })
        .collect()
    }

    /// In whatever order, and by whatever names, directories are given that lie in each other.
    #[test]
    fn directories_that_overlap_give_each_file_once() {
        let dir = tree(&["a/b/x.apk", "a/b/old/z.apk", "a/y.apk", "ab/w.apk", "a/b/notes.txt"]);
        let all = ["a/b/old/z.apk", "a/b/x.apk", "a/y.apk"];
        let walk = |roots: &[&str], options: &WalkOptions| {
            let walk = Walk::new(roots.iter().map(|root| dir.path().join(root)).collect(), options.clone());
            let counter = walk.not_apk();
            (shown(dir.path(), walk), counter.load(Relaxed))
        };
        let plain = WalkOptions::default();
        assert_eq!(walk(&["a", "a/b"], &plain), (all.map(str::to_owned).to_vec(), 1));
        assert_eq!(walk(&["a/b", "a"], &plain), (all.map(str::to_owned).to_vec(), 1));
        assert_eq!(walk(&["a", "a", "a/b/old"], &plain).0, all);
        assert_eq!(walk(&["a", "ab/../a/b"], &plain).0, all);
        // Neighbours with a like name are no part of each other, and what is named itself has its row each time.
        assert_eq!(walk(&["a", "ab"], &plain).0, [&all[..], &["ab/w.apk"]].concat());
        assert_eq!(walk(&["a/y.apk", "a"], &plain).0, [&["a/y.apk"], &all[..]].concat());
        // What one of them leaves out another may give.
        let exclude = Some(Globs::new(["old", "/b/x.apk"]).unwrap());
        let narrowed = WalkOptions { exclude, ..plain.clone() };
        assert_eq!(walk(&["a", "a/b"], &narrowed).0, ["a/y.apk", "a/b/x.apk"]);
        assert_eq!(walk(&["a/b", "a"], &narrowed).0, ["a/b/x.apk", "a/y.apk"]);
        assert_eq!(walk(&["a", "a/b/old"], &narrowed).0, ["a/y.apk", "a/b/old/z.apk"]);
        let include = Some(Globs::new(["b/*.apk"]).unwrap());
        let narrowed = WalkOptions { include, ..plain };
        assert_eq!(walk(&["a/b", "a"], &narrowed).0, ["a/b/x.apk"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_by_a_link_is_the_same_and_hard_links_are_several_files() {
        let dir = tree(&["a/x.apk"]);
        std::os::unix::fs::symlink(dir.path().join("a"), dir.path().join("link")).unwrap();
        fs::hard_link(dir.path().join("a/x.apk"), dir.path().join("a/y.apk")).unwrap();
        let roots = ["link", "a"].map(|root| dir.path().join(root)).to_vec();
        assert_eq!(shown(dir.path(), Walk::new(roots, WalkOptions::default())), ["link/x.apk", "link/y.apk"]);
    }

    #[test]
    fn gives_apks_in_the_byte_order_of_their_paths() {
        let dir = tree(&[
            "b.apk",
            "a/z.APK",
            "a.apk",
            "a-b.apk",
            "a/b/c.apk",
            "notes.txt",
            "x.apk/inside.apk",
            ".apk",
            "c.APKS",
            "d.zip",
            "e.xapk",
            "f.apkm",
            "g.aab",
        ]);
        let walk = Walk::new(vec![dir.path().to_owned()], WalkOptions::default());
        let counter = walk.not_apk();
        let files = shown(dir.path(), walk);
        let mut sorted = files.clone();
        sorted.sort();
        assert_eq!(
            files,
            [
                ".apk",
                "a-b.apk",
                "a.apk",
                "a/b/c.apk",
                "a/z.APK",
                "b.apk",
                "c.APKS",
                "d.zip?",
                "e.xapk",
                "f.apkm",
                "g.aab",
                "x.apk/inside.apk"
            ]
        );
        assert_eq!(files, sorted);
        assert_eq!(counter.load(Relaxed), 1);
    }

    #[test]
    fn all_files_means_all() {
        let dir = tree(&["b.apk", "notes.txt"]);
        let walk =
            Walk::new(vec![dir.path().to_owned()], WalkOptions { all_files: true, ..WalkOptions::default() });
        assert_eq!(shown(dir.path(), walk), ["b.apk", "notes.txt"]);
    }

    #[test]
    fn globs_narrow_a_tree_and_no_file_that_is_named() {
        let dir = tree(&["a.apk", "b.apk", "new/a.apk", "old/a.apk", "x/old/b.apk", "old.apk", "a.txt"]);
        let walk = |include: &[&str], exclude: &[&str]| {
            let globs =
                |globs: &[&str]| (!globs.is_empty()).then(|| Globs::new(globs.iter().copied()).unwrap());
            let options =
                WalkOptions { include: globs(include), exclude: globs(exclude), ..WalkOptions::default() };
            let roots = vec![dir.path().to_owned(), dir.path().join("b.apk")];
            shown(dir.path(), Walk::new(roots, options))
        };
        assert_eq!(walk(&["a.*"], &[]), ["a.apk", "new/a.apk", "old/a.apk", "b.apk"]);
        assert_eq!(walk(&["/a.*", "x/**"], &[]), ["a.apk", "x/old/b.apk", "b.apk"]);
        assert_eq!(walk(&[], &["old"]), ["a.apk", "b.apk", "new/a.apk", "old.apk", "b.apk"]);
        assert_eq!(walk(&[], &["old/", "b.apk/"]), walk(&[], &["old"]));
        assert_eq!(walk(&["x/"], &[]), ["x/old/b.apk", "b.apk"]);
        assert_eq!(walk(&["a.*"], &["/old", "b.apk"]), ["a.apk", "new/a.apk", "b.apk"]);
    }

    #[test]
    fn parts_of_a_job_are_the_whole_and_each_file_is_in_one() {
        let names: Vec<String> = (0..40).map(|number| format!("{}/{number}.apk", number % 3)).collect();
        let dir = tree(&names.iter().map(String::as_str).chain(["notes.txt"]).collect::<Vec<_>>());
        let roots = || vec![dir.path().to_owned(), dir.path().join("gone")];
        let whole = Walk::new(roots(), WalkOptions::default());
        let mut expected: Vec<PathBuf> = whole.map(|found| found.path().to_owned()).collect();
        let (mut parts, mut others) = (Vec::new(), 0);
        for number in 0..3 {
            let shard = Some(format!("{number}/3").parse().unwrap());
            let walk = Walk::new(roots(), WalkOptions { shard, ..WalkOptions::default() });
            let counter = walk.not_apk();
            let part: Vec<PathBuf> = walk.map(|found| found.path().to_owned()).collect();
            // How evenly, is held by fixed paths beside `Shard`: these lie in a directory with a name by chance.
            assert!(part.len() < 41, "{part:?}");
            parts.extend(part);
            others += counter.load(Relaxed);
        }
        expected.sort();
        parts.sort();
        assert_eq!(parts, expected);
        assert_eq!((parts.len(), others), (41, 1));
    }

    #[test]
    fn a_v4_signature_file_belongs_to_the_apk_beside_it() {
        let dir = tree(&[
            "a.apk",
            "a.apk.idsig",
            "b.apk.idsig",
            "c.txt",
            "c.txt.idsig",
            "d/e.APK",
            "d/e.APK.idsig",
        ]);
        let walk = Walk::new(vec![dir.path().to_owned()], WalkOptions::default());
        let counter = walk.not_apk();
        assert_eq!(shown(dir.path(), walk), ["a.apk", "d/e.APK"]);
        assert_eq!(counter.load(Relaxed), 3, "those without an APK beside them are other files");
        let walk =
            Walk::new(vec![dir.path().to_owned()], WalkOptions { all_files: true, ..WalkOptions::default() });
        assert_eq!(shown(dir.path(), walk), ["a.apk", "b.apk.idsig", "c.txt", "d/e.APK"]);
        let walk = Walk::new(vec![dir.path().join("a.apk.idsig")], WalkOptions::default());
        assert_eq!(shown(dir.path(), walk), ["a.apk.idsig"], "a file that is named is judged");
    }

    #[test]
    fn a_named_file_is_judged_whatever_its_name() {
        let dir = tree(&["notes.txt"]);
        let walk = Walk::new(vec![dir.path().join("notes.txt")], WalkOptions::default());
        assert_eq!(shown(dir.path(), walk), ["notes.txt"]);
    }

    #[test]
    fn a_missing_path_does_not_end_the_walk() {
        let dir = tree(&["a.apk"]);
        let walk = Walk::new(vec![dir.path().join("gone"), dir.path().join("a.apk")], WalkOptions::default());
        let shown = shown(dir.path(), walk);
        assert!(shown[0].ends_with("cannot open: no such file or directory"), "{shown:?}");
        assert_eq!(shown[1], "a.apk");
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_tree_are_skipped_and_links_that_are_named_are_followed() {
        let dir = tree(&["store/a.apk", "outside.apk"]);
        let store = dir.path().join("store");
        std::os::unix::fs::symlink("../outside.apk", store.join("link.apk")).unwrap();
        std::os::unix::fs::symlink("..", store.join("loop")).unwrap();
        let walk = Walk::new(vec![store.clone()], WalkOptions::default());
        assert_eq!(
            shown(&store, walk),
            [
                "a.apk",
                "link.apk skipped: a symbolic link: links inside a tree are not followed",
                "loop skipped: a symbolic link: links inside a tree are not followed"
            ]
        );
        let walk = Walk::new(vec![store.join("link.apk")], WalkOptions::default());
        assert_eq!(shown(&store, walk), ["link.apk"]);
        let walk = Walk::new(vec![store.join("loop/store")], WalkOptions::default());
        assert_eq!(walk.filter(|found| matches!(found, Found::File(_))).count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn special_files_are_skipped_in_a_tree_and_refused_when_named() {
        let dir = tree(&["a.apk"]);
        let fifo = dir.path().join("fifo.apk");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket.apk")).unwrap();
        let walk = Walk::new(vec![dir.path().to_owned()], WalkOptions::default());
        assert_eq!(
            shown(dir.path(), walk),
            [
                "a.apk",
                "fifo.apk skipped: a FIFO, not a regular file",
                "socket.apk skipped: a socket, not a regular file"
            ]
        );
        let walk = Walk::new(vec![fifo], WalkOptions::default());
        assert!(shown(dir.path(), walk)[0].ends_with("cannot open: is a FIFO, not a regular file"));
    }
}
