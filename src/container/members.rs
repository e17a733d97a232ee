//! Which entries of a container are members: those that are called so, and those that are so, whatever they are called.
//!
//! Beside the APKs may stand a file that says which entries to install, and nothing makes it name only those that are called
//! `*.apk`. So what begins as a ZIP archive does is looked into.

use super::Budget;
use super::open_entry;
use crate::apk::Apk;
use crate::apk::EntryReader;
use crate::apk::Stop;
use crate::finding::FindingCode;
use crate::format::zip::DirectoryRecord;
use crate::format::zip::LFH_MAGIC;

/// What members are called: APKs, and containers in the container. In any case of letters.
const NAMES: [&[u8]; 5] = [b".apk", b".apks", b".xapk", b".apkm", b".aab"];

/// So many bytes are read at once to see how an entry begins.
const PIECE: usize = 256;

/// What an entry is to the container.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Member,
    /// Nobody can say what it is: it cannot be read as the directory describes it.
    Doubtful,
    Other,
}

/// Whether the archive is an app bundle.
pub(super) fn is_app_bundle(apk: &Apk<'_>) -> Result<bool, Stop> {
    let directory = apk.directory()?;
    let has = |name| directory.find(name).is_some();
    Ok(has("BundleConfig.pb") && has("base/manifest/AndroidManifest.xml"))
}

/// The members of an archive that is no APK, in the order of its directory; none when it is no container. `deep` is how far
/// down archives in it are looked into.
///
/// Where there are members, what nobody can read is one of them.
///
/// # Errors
/// [`Stop::Malformed`] when the directory cannot be read; what [`Apk::read_entry`] says when the bytes cannot be had.
pub(super) fn members(apk: &Apk<'_>, deep: usize, budget: &mut Budget) -> Result<Vec<DirectoryRecord>, Stop> {
    let directory = apk.directory()?;
    let mut reader = EntryReader::in_pieces_of(PIECE);
    let mut found = Vec::new();
    for record in directory.records() {
        let place = if is_called_member(directory.name(record)) {
            Place::Member
        } else if deep == 0 {
            Place::Other
        } else {
            place(apk, &mut reader, record, (deep, &mut *budget))?
        };
        if place != Place::Other {
            found.push((*record, place));
        }
    }
    if found.iter().all(|(_, place)| *place == Place::Doubtful) {
        found.clear();
    }
    Ok(found.into_iter().map(|(record, _)| record).collect())
}

fn is_called_member(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|end| name.ends_with(end))
}

fn place(
    apk: &Apk<'_>,
    reader: &mut EntryReader,
    record: &DirectoryRecord,
    (deep, budget): (usize, &mut Budget),
) -> Result<Place, Stop> {
    let seen = match begins_as_archive(apk, reader, record, budget) {
        Ok(true) => holds_app(apk, record, (deep, budget)),
        Ok(false) => return Ok(Place::Other),
        Err(stop) => Err(stop),
    };
    match seen {
        Ok(true) => Ok(Place::Member),
        Ok(false) => Ok(Place::Other),
        // Whoever opens it as a member says so again.
        Err(Stop::Malformed(finding)) if finding.code == FindingCode::LimitExceeded => Ok(Place::Member),
        Err(Stop::Malformed(_)) => Ok(Place::Doubtful),
        Err(stop) => Err(stop),
    }
}

/// Whether the content of an entry begins with a local file header, as every APK does that Android opens.
///
/// Source: AOSP `libziparchive`, `ParseZipArchive`, which refuses any other start.
fn begins_as_archive(
    apk: &Apk<'_>,
    reader: &mut EntryReader,
    record: &DirectoryRecord,
    budget: &mut Budget,
) -> Result<bool, Stop> {
    let magic = LFH_MAGIC.to_le_bytes();
    let mut start: Vec<u8> = Vec::new();
    let mut over = None;
    apk.read_entry_while(reader, record, &mut |piece| {
        // A piece that is read may give none: deflate can say nothing at any length.
        over = budget.take(PIECE as u64).err();
        start.extend(piece.iter().take(magic.len().saturating_sub(start.len())));
        over.is_none() && start.len() < magic.len()
    })?;
    over.map_or_else(|| Ok(start == magic), Err)
}

/// Whether the archive in an entry is an APK or a container.
fn holds_app(
    apk: &Apk<'_>,
    record: &DirectoryRecord,
    (deep, budget): (usize, &mut Budget),
) -> Result<bool, Stop> {
    let source = open_entry(apk, record, budget)?;
    let inner = match Apk::open(&*source, apk.limits()) {
        Ok(inner) => inner,
        // It has no end, so nobody takes it for an archive.
        Err(Stop::Malformed(finding)) if finding.code == FindingCode::ZipNoEocd => return Ok(false),
        Err(stop) => return Err(stop),
    };
    if inner.directory()?.find("AndroidManifest.xml").is_some() || is_app_bundle(&inner)? {
        return Ok(true);
    }
    Ok(!members(&inner, deep.saturating_sub(1), budget)?.is_empty())
}
