//! Which of the files of a tree are wanted: by glob, and by part of a job that several machines share.

use std::path::Path;
use std::str::FromStr;

use globset::GlobBuilder;
use globset::GlobSet;
use globset::GlobSetBuilder;

use crate::Error;
use crate::crypto::DigestAlgorithm;
use crate::crypto::Hasher;

/// Globs, any of which may match a path below the directory that is walked.
///
/// `*` and `?` do not match `/`, `**` does. A glob without `/` is for names, in whatever folder; one with it is for the whole
/// path from that directory on, a `/` at its start being of no account. With `/` at its end a glob is for folders, and matches whatever
/// is in them. Case counts.
#[derive(Debug, Clone)]
pub struct Globs {
    set: GlobSet,
    /// Those for folders, without their content.
    folders: GlobSet,
}

impl Globs {
    /// Any of these globs.
    ///
    /// # Errors
    /// [`Error::Usage`] for the first that is none.
    pub fn new<'a>(globs: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        let faulty = |error: &globset::Error| Error::Usage(format!("not a glob: {error}"));
        let (mut set, mut folders) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        let build = |text: &str| {
            GlobBuilder::new(text).literal_separator(true).build().map_err(|error| faulty(&error))
        };
        for text in globs {
            let folder = text.strip_suffix('/').map(|folder| folder.trim_end_matches('/'));
            let name = folder.unwrap_or(text);
            if name.trim_start_matches('/').is_empty() {
                return Err(Error::Usage(format!("not a glob: {text:?} names nothing")));
            }
            let anywhere = if name.contains('/') { "" } else { "**/" };
            let text = format!("{anywhere}{}", name.trim_start_matches('/'));
            if folder.is_some() {
                folders.add(build(&text)?);
                set.add(build(&format!("{text}/**"))?);
            } else {
                set.add(build(&text)?);
            }
        }
        let built = |set: GlobSetBuilder| set.build().map_err(|error| faulty(&error));
        Ok(Self { set: built(set)?, folders: built(folders)? })
    }

    /// Whether one of them matches `path`, which starts below the directory that is walked.
    pub fn match_path(&self, path: &Path) -> bool {
        self.set.is_match(path)
    }

    /// As [`Globs::match_path`], when a folder stands at `path`.
    pub fn match_folder(&self, path: &Path) -> bool {
        self.set.is_match(path) || self.folders.is_match(path)
    }
}

/// One of several parts of a job. Every path belongs to exactly one part, on every machine and in every run.
///
/// It is the part whose number is what the first eight bytes of the SHA-256 of the path, as a number of 64 bits with the
/// highest byte first, leave over when divided by the number of parts. So all machines must spell paths in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    number: u64,
    of: u64,
}

impl Shard {
    /// Whether what stands at `path` belongs to this part.
    pub fn has(&self, path: &Path) -> bool {
        let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
        hasher.update(path.as_os_str().as_encoded_bytes());
        let digest = hasher.finish();
        let first = digest.first_chunk::<8>().copied().unwrap_or_default();
        u64::from_be_bytes(first).checked_rem(self.of) == Some(self.number)
    }
}

impl FromStr for Shard {
    type Err = String;

    /// Reads `I/N`, of which the first part is `0/N`.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts =
            text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((number, of)) if number < of => Ok(Self { number, of }),
            Some((_, of)) if of > 0 => {
                Err(format!("of {of} parts the first is 0/{of} and the last {}/{of}", of.saturating_sub(1)))
            }
            _ => Err("expected I/N, such as 0/4 for the first of four parts".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_with_a_slash_is_for_paths_and_one_without_for_names() {
        let matches = |glob, path| Globs::new([glob]).unwrap().match_path(Path::new(path));
        for (glob, path) in [
            ("*.apk", "a/b/c.apk"),
            ("old", "a/old"),
            ("a/*.apk", "a/c.apk"),
            ("/a/*.apk", "a/c.apk"),
            ("/c.apk", "c.apk"),
            ("a/", "a/c.apk"),
            ("b/", "a/b/c/d.apk"),
            ("/a/", "a/b/c.apk"),
            ("a/b//", "a/b/c.apk"),
            ("a/**", "a/b/c.apk"),
            ("**/b/*", "a/b/c.apk"),
            ("{x,c}.ap[k]", "a/c.apk"),
        ] {
            assert!(matches(glob, path), "{glob} {path}");
        }
        for (glob, path) in [
            ("*.apk", "a/b/c.APK"),
            ("old", "a/older"),
            ("a/*.apk", "a/b/c.apk"),
            ("a/*.apk", "b/a/c.apk"),
            ("/c.apk", "a/c.apk"),
            ("c.apk/", "a/c.apk"),
            ("/b/", "a/b/c.apk"),
            ("a/b/", "x/a/b/c.apk"),
            ("old/", "older/c.apk"),
        ] {
            assert!(!matches(glob, path), "{glob} {path}");
        }
        let error = Globs::new(["a[", "b"]).unwrap_err();
        assert!(matches!(&error, Error::Usage(message) if message.starts_with("not a glob: ")), "{error}");
    }

    /// So that one that may not be read does no harm when it is excluded.
    #[test]
    fn a_glob_for_folders_matches_the_folder_itself_and_no_file() {
        let globs = Globs::new(["old/", "/a/b/"]).unwrap();
        for path in ["old", "x/old", "a/b"] {
            assert!(globs.match_folder(Path::new(path)) && !globs.match_path(Path::new(path)), "{path}");
        }
        for path in ["older", "a", "x/a/b"] {
            assert!(!globs.match_folder(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn every_path_is_in_one_part_and_always_in_the_same() {
        let part = |text: &str| text.parse::<Shard>();
        let shards: Vec<Shard> = (0..5).map(|number| part(&format!("{number}/5")).unwrap()).collect();
        let mut counts = [0; 5];
        for number in 0..1000 {
            let path = format!("store/{number}.apk");
            let of: Vec<usize> = (0..5).filter(|part| shards[*part].has(Path::new(&path))).collect();
            assert_eq!(of.len(), 1, "{path}");
            counts[of[0]] += 1;
        }
        assert!(counts.iter().all(|count| (150..250).contains(count)), "{counts:?}");
        // printf store/7.apk | sha256sum begins with d22e72bd3bb92fdb, which is 4 modulo 5
        assert!(part("4/5").unwrap().has(Path::new("store/7.apk")), "{counts:?}");
        assert!(part("0/1").unwrap().has(Path::new("")));
        assert_eq!(part("5/5").unwrap_err(), "of 5 parts the first is 0/5 and the last 4/5");
        for text in ["", "1", "1/0", "-1/2", "a/2", "1/2/3"] {
            assert!(part(text).is_err(), "{text}");
        }
    }
}
