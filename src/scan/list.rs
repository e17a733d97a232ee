//! Lists of files that others have made: the output of `find`, a partition of a larger job.

use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;

use super::Found;
use crate::Error;

/// What ends a path in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum PathEnd {
    /// A line feed, with or without a carriage return before it.
    #[default]
    Line,
    /// NUL, as `find -print0` writes it: then a path may hold anything.
    Nul,
}

/// No path that a system takes is as long, in bytes. Of one that is, the start is shown.
const LONGEST: u64 = 64 * 1024;
/// So many bytes of it are shown.
const SHOWN: usize = 200;

/// The paths of a list in their order, read as they are asked for.
///
/// Empty ones are left out. A path that is too long to be one is a failure of its own, and so is the list when it cannot be
/// read to its end: that comes last.
pub struct PathList {
    input: Box<dyn BufRead>,
    name: PathBuf,
    end: PathEnd,
    done: bool,
}

impl PathList {
    /// The list in the file at `path`.
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be opened.
    pub fn open(path: &Path, end: PathEnd) -> Result<Self, Error> {
        let file = File::open(path).map_err(|error| Error::file(path, "open", error))?;
        Ok(Self::new(BufReader::with_capacity(1 << 16, file), path, end))
    }

    /// The list in `input`, which errors call `name`.
    pub fn new(input: impl BufRead + 'static, name: &Path, end: PathEnd) -> Self {
        Self { input: Box::new(input), name: name.to_owned(), end, done: false }
    }

    /// The next path as bytes, without what ends it, and whether it is whole; none at the end of the list.
    fn next_bytes(&mut self) -> io::Result<Option<(Vec<u8>, bool)>> {
        let delimiter = match self.end {
            PathEnd::Line => b'\n',
            PathEnd::Nul => 0,
        };
        let mut bytes = Vec::new();
        (&mut self.input).take(LONGEST).read_until(delimiter, &mut bytes)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        if bytes.last() == Some(&delimiter) {
            bytes.pop();
            if self.end == PathEnd::Line && bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        } else if bytes.len() as u64 >= LONGEST {
            bytes.truncate(SHOWN);
            self.input.skip_until(delimiter)?;
            return Ok(Some((bytes, false)));
        }
        Ok(Some((bytes, true)))
    }
}

impl Iterator for PathList {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        while !self.done {
            let (bytes, whole) = match self.next_bytes() {
                Ok(Some(next)) => next,
                Ok(None) => break,
                Err(error) => {
                    self.done = true;
                    let error = Error::file(&self.name, "read", error);
                    return Some(Found::Failed(self.name.clone(), error));
                }
            };
            if bytes.is_empty() {
                continue;
            }
            let zero = bytes.iter().position(|byte| *byte == 0);
            if let Some(first) = zero.and_then(|zero| bytes.get(..zero)) {
                let (Ok(path) | Err(path)) = path_of(first.to_vec());
                let why = "a line of the list has NUL in it, as no path does, behind this; a list by `find -print0` is read with -0";
                return Some(refused(path, why));
            }
            return Some(match path_of(bytes) {
                Ok(path) if whole => Found::File(path),
                Ok(path) => refused(path, "the path in the list is too long to be one"),
                Err(path) => refused(path, "the path in the list is not UTF-8, as paths are here"),
            });
        }
        self.done = true;
        None
    }
}

fn refused(path: PathBuf, why: &str) -> Found {
    let error = Error::File { path: path.clone(), message: why.to_owned(), source: None };
    Found::Failed(path, error)
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere not all bytes are a path")]
fn path_of(bytes: Vec<u8>) -> Result<PathBuf, PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;

    Ok(std::ffi::OsString::from_vec(bytes).into())
}

#[cfg(not(unix))]
fn path_of(bytes: Vec<u8>) -> Result<PathBuf, PathBuf> {
    String::from_utf8(bytes)
        .map(PathBuf::from)
        .map_err(|error| String::from_utf8_lossy(error.as_bytes()).into_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &[u8], end: PathEnd) -> Vec<String> {
        let list = PathList::new(io::Cursor::new(text.to_vec()), Path::new("list"), end);
        list.map(|found| match found {
            Found::File(path) => path.to_string_lossy().into_owned(),
            Found::Archive(..) | Found::Skipped(..) => "something else".to_owned(),
            Found::Failed(path, error) => {
                format!("failed, {} bytes: {error}", path.as_os_str().len())
            }
        })
        .map(|text| text.chars().take(80).collect())
        .collect()
    }

    #[test]
    fn lines_end_with_the_line_and_nul_lets_a_path_hold_anything() {
        let lines = b"a.apk\n\nb c.apk\r\n=d.apk";
        assert_eq!(listed(lines, PathEnd::Line), ["a.apk", "b c.apk", "=d.apk"]);
        let nul = b"a\nb.apk\0\0c.apk\r\n\0";
        assert_eq!(listed(nul, PathEnd::Nul), ["a\nb.apk", "c.apk\r\n"]);
        assert_eq!(listed(b"", PathEnd::Nul), [""; 0]);
    }

    #[test]
    fn a_list_with_nul_that_is_read_by_lines_says_how_to_read_it() {
        let mut list = PathList::new(&b"z.apk\na.apk\0b.apk\0"[..], Path::new("list"), PathEnd::Line);
        assert!(matches!(list.next(), Some(Found::File(path)) if path == Path::new("z.apk")));
        let Some(Found::Failed(path, error)) = list.next() else { panic!("no failure") };
        assert_eq!(path, Path::new("a.apk"));
        assert!(error.to_string().ends_with("is read with -0"), "{error}");
        assert!(list.next().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn a_path_need_not_be_utf8() {
        use std::os::unix::ffi::OsStrExt as _;

        let mut list = PathList::new(&b"\xff\xfe.apk\n"[..], Path::new("list"), PathEnd::Line);
        let found = list.next().unwrap();
        assert_eq!(found.path().as_os_str().as_bytes(), b"\xff\xfe.apk");
    }

    #[test]
    fn what_is_too_long_fails_alone() {
        let longest = usize::try_from(LONGEST).unwrap();
        let long = ["x".repeat(longest), "y".repeat(longest - 1)].join("\n") + "\nz.apk\n";
        let shown = listed(long.as_bytes(), PathEnd::Line);
        assert!(shown[0].starts_with("failed, 200 bytes: xxx"), "{}", shown[0]);
        assert_eq!(shown[1..], ["y".repeat(80), "z.apk".to_owned()]);
    }

    #[test]
    fn a_list_that_cannot_be_read_on_says_so_at_its_end() {
        struct Broken(bool);
        impl io::Read for Broken {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.0, true) {
                    return Err(io::Error::other("the disk is on fire"));
                }
                (&b"a.apk\nb"[..]).read(buf)
            }
        }
        let list = PathList::new(BufReader::new(Broken(false)), Path::new("list"), PathEnd::Line);
        let found: Vec<String> = list
            .map(|found| match found {
                Found::Failed(_, error) => error.to_string(),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(found, ["File(\"a.apk\")", "list: cannot read: the disk is on fire"]);
    }
}
