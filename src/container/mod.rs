//! A file that holds APKs: `.apks`, `.xapk`, `.apkm`, a plain ZIP archive; or an Android App Bundle, from which APKs are made.
//!
//! Takes a [`ByteSource`], gives what kind of container it is and its members as sources of their own. It is told by what is in
//! it, never by its name. Nothing is unpacked under a name: a stored member is a part of the container's own bytes, a
//! deflated one stands in memory or in a file without a name. What the members are is for others.

mod members;

use std::fmt;

use serde::Serialize;
use serde::Serializer;

use crate::Error;
use crate::Limits;
use crate::apk::Apk;
use crate::apk::EntryReader;
use crate::apk::Stop;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::format::zip::DirectoryRecord;
use crate::limits::Cap;
use crate::source::ByteSource;
use crate::source::Spool;
use crate::source::Window;

/// What kind of container a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContainerKind {
    /// What bundletool makes of an app bundle: it has a `toc.pb`.
    Apks,
    /// The form of APKPure and others: it has a `manifest.json`.
    Xapk,
    /// The form of APKMirror: it has an `info.json`.
    Apkm,
    /// Any other ZIP archive that holds APKs.
    Zip,
    /// An Android App Bundle: signed for upload to a store, which makes APKs of it. No app that can be installed.
    AppBundle,
}

impl ContainerKind {
    /// The stable name: `apks`, `xapk`, `apkm`, `zip`, `aab`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apks => "apks",
            Self::Xapk => "xapk",
            Self::Apkm => "apkm",
            Self::Zip => "zip",
            Self::AppBundle => "aab",
        }
    }
}

impl fmt::Display for ContainerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ContainerKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An opened container.
pub struct Container<'s> {
    apk: Apk<'s>,
    kind: ContainerKind,
    members: Vec<DirectoryRecord>,
}

/// How many members may still be looked at, and how many bytes of them read.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    members: usize,
    appearances: usize,
    left: u64,
    whole: u64,
}

impl Budget {
    /// What a container of `len` bytes may hold, with all that is in the containers in it.
    pub fn of(len: u64, limits: &Limits) -> Self {
        let whole = limits.container_content.saturating_add(len.saturating_mul(limits.content_ratio));
        Self { members: limits.container_members, appearances: Self::APPEARANCES, left: whole, whole }
    }

    /// Of so many members is told what people see of them: a set of the parts of an app has one that shows something.
    const APPEARANCES: usize = 32;

    /// Whether it may be read what people see of one more.
    pub fn take_appearance(&mut self) -> bool {
        let left = self.appearances.checked_sub(1);
        self.appearances = left.unwrap_or(0);
        left.is_some()
    }

    /// Whether one more member may be looked at.
    pub fn take_member(&mut self) -> bool {
        let left = self.members.checked_sub(1);
        self.members = left.unwrap_or(0);
        left.is_some()
    }

    fn take(&mut self, bytes: u64) -> Result<(), Stop> {
        self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            Finding::new(FindingCode::LimitExceeded).detail("members of a container").values(
                Cap::new("container-content", self.whole).in_words(" bytes of all together"),
                format!("one of {bytes} bytes, where {} are left", self.left),
            )
        })?;
        Ok(())
    }
}

impl<'s> Container<'s> {
    /// The container in `source`; none when it is none: an APK, another archive, or no archive at all.
    ///
    /// To find members by what they are, archives in it are looked into, and what is read for that is taken from `budget`.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Changed`] when the bytes cannot be had.
    pub fn open(
        source: &'s dyn ByteSource,
        limits: &'s Limits,
        budget: &mut Budget,
    ) -> Result<Option<Self>, Error> {
        let opened = Apk::open(source, limits).and_then(|apk| {
            let found = kind_and_members(&apk, budget)?;
            Ok(found.map(|(kind, members)| Self { apk, kind, members }))
        });
        match opened {
            Ok(container) => Ok(container),
            Err(Stop::Malformed(_)) => Ok(None),
            Err(Stop::Error(error)) => Err(error),
        }
    }

    /// What kind it is.
    pub fn kind(&self) -> ContainerKind {
        self.kind
    }

    /// Size of the file in bytes.
    pub fn size(&self) -> u64 {
        self.apk.source().len()
    }

    /// How many members it has. An app bundle has none.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Its members, in the order of its directory. Two may have the same name, and two may be the same bytes.
    pub fn members(&self) -> impl Iterator<Item = Member<'_>> {
        self.members.iter().map(|record| Member { container: self, record })
    }
}

/// An APK, or a container, in a container.
#[derive(Clone, Copy)]
pub struct Member<'c> {
    container: &'c Container<'c>,
    record: &'c DirectoryRecord,
}

impl<'c> Member<'c> {
    /// Its name, as bytes: whatever its maker wrote, and never a path of ours.
    pub fn name(&self) -> &'c [u8] {
        self.container.apk.directory().map_or(&[], |directory| directory.name(self.record))
    }

    /// Its bytes: as they stand, or inflated.
    ///
    /// # Errors
    /// [`Stop::Malformed`] when it cannot be read as its directory record describes it, or is more than `budget` has left.
    pub fn open(&self, budget: &mut Budget) -> Result<Box<dyn ByteSource + 'c>, Stop> {
        open_entry(&self.container.apk, self.record, budget)
    }
}

/// The content of an entry, as [`Member::open`] gives it.
fn open_entry<'a>(
    apk: &'a Apk<'_>,
    record: &DirectoryRecord,
    budget: &mut Budget,
) -> Result<Box<dyn ByteSource + 'a>, Stop> {
    let data = apk.locate_entry(record)?;
    if !data.deflated {
        budget.take(data.size)?;
        #[cfg(any(test, fuzzing))]
        crate::work::content(data.size);
        let window = Window::new(apk.source(), data.offset, data.size);
        let beyond =
            || Finding::new(FindingCode::ZipBadEntry).detail("it reaches beyond the end of the file");
        return Ok(Box::new(window.ok_or_else(beyond)?));
    }
    budget.take(data.size.max(data.uncompressed_size))?;
    let mut spool = Spool::new();
    let mut fault = None;
    apk.read_entry_while(&mut EntryReader::default(), record, &mut |piece| {
        fault = spool.write(piece).err();
        fault.is_none()
    })?;
    let unwritable = |error| Stop::Error(Error::file("temporary file", "write", error));
    match fault {
        Some(error) => Err(unwritable(error)),
        None => spool.finish().map_err(unwritable),
    }
}

fn kind_and_members(
    apk: &Apk<'_>,
    budget: &mut Budget,
) -> Result<Option<(ContainerKind, Vec<DirectoryRecord>)>, Stop> {
    let directory = apk.directory()?;
    let has = |name| directory.find(name).is_some();
    if has("AndroidManifest.xml") {
        return Ok(None);
    }
    if members::is_app_bundle(apk)? {
        return Ok(Some((ContainerKind::AppBundle, Vec::new())));
    }
    let members = members::members(apk, apk.limits().container_depth, budget)?;
    if members.is_empty() {
        return Ok(None);
    }
    let kind = if has("toc.pb") {
        ContainerKind::Apks
    } else if has("manifest.json") {
        ContainerKind::Xapk
    } else if has("info.json") {
        ContainerKind::Apkm
    } else {
        ContainerKind::Zip
    };
    Ok(Some((kind, members)))
}
