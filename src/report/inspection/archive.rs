//! How the archive lies in the file, in its published form. All offsets are from the start of the file, all sizes in bytes.

use std::ops::Range;

use data_encoding::HEXLOWER;
use serde::Serialize;

use crate::apk::EntryLayout;
use crate::apk::Gap;
use crate::apk::GapContent;
use crate::apk::GapPlace;
use crate::apk::Layout;
use crate::apk::Overlap;
use crate::inspect::ArchiveFacts;

/// How the archive lies in the file: every byte belongs to an entry, a section or a gap.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ArchiveRow {
    /// The APK Signing Block, where Android sees one.
    pub signing_block: Option<Extent>,
    /// The Central Directory.
    pub central_directory: Extent,
    /// The End of Central Directory record with its comment.
    pub end_of_central_directory: Extent,
    /// The archive comment, as text; what is not UTF-8 in it is replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The entries, directories among them, in the order of the file.
    pub entries: Vec<EntryRow>,
    /// What belongs to no entry and to no section, in the order of the file.
    pub gaps: Vec<GapRow>,
    /// Where entries lie on top of something else, in the order of the file.
    pub overlaps: Vec<OverlapRow>,
}

/// A run of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Extent {
    /// Where it starts in the file.
    pub offset: u64,
    /// Size in bytes.
    pub size: u64,
}

/// An entry of the archive, as its directory record describes it.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct EntryRow {
    /// Its name.
    pub name: String,
    /// Where its local header starts, or should.
    pub offset: u64,
    /// How many bytes it takes in the file: local header, data and data descriptor. 0 without a local header.
    pub extent: u64,
    /// Where its data starts; none without a local header.
    pub data_offset: Option<u64>,
    /// Compression method: 0 stored, 8 deflate; Android takes any other for one of these.
    pub method: u16,
    /// Size of the data in the file.
    pub compressed_size: u64,
    /// Size of the content.
    pub size: u64,
    /// Size of the data descriptor behind the data, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descriptor_size: Option<u64>,
    /// The name in the local header, when it is another one; the first 128 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_name: Option<String>,
}

/// Bytes that belong to nothing.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct GapRow {
    /// Where they start.
    pub offset: u64,
    /// How many they are.
    pub size: u64,
    /// Between what: `before-entries`, `between-entries`, `behind-entries` (before the signing block, or the directory
    /// where there is none), `behind-records` (in the directory), `before-end-record`.
    pub place: &'static str,
    /// What they hold: `zeros`; `filler`, what build tools leave where an entry was; `local-header`, an entry that the
    /// directory does not list; `signing-block`, the magic of one; `data`; `not-looked-at`, zeros where it was looked at,
    /// which was not everywhere.
    pub content: &'static str,
    /// Whether it is what aligns entries or what build tools leave behind, and so nothing to wonder about.
    pub padding: bool,
    /// Where the local header, the magic or the first byte that is not zero stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_offset: Option<u64>,
    /// The name in that local header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The bytes from `content_offset` on in hexadecimal, 16 at most, for `data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
}

/// Bytes that two claim.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct OverlapRow {
    /// Where they start.
    pub offset: u64,
    /// How many they are; more than there are in the file, where an entry claims so.
    pub size: u64,
    /// The entry that lies on top, by its position in `entries`, from 0.
    pub entry: usize,
    /// The earlier entry that it lies on; none when it reaches into the signing block or the directory.
    pub other: Option<usize>,
}

impl ArchiveRow {
    pub(super) fn new(archive: &ArchiveFacts) -> Self {
        let ArchiveFacts { layout, names, comment } = archive;
        let comment = String::from_utf8_lossy(comment).into_owned();
        let contents_end = layout.signing_block.as_ref().unwrap_or(&layout.central_directory).start;
        Self {
            signing_block: layout.signing_block.as_ref().map(Extent::of),
            central_directory: Extent::of(&layout.central_directory),
            end_of_central_directory: Extent::of(&(layout.end_record.start..layout.comment.end)),
            comment: Some(comment).filter(|comment| !comment.is_empty()),
            entries: layout
                .entries
                .iter()
                .zip(names)
                .map(|(entry, name)| EntryRow::new(entry, name))
                .collect(),
            gaps: layout.gaps.iter().map(GapRow::new).collect(),
            overlaps: layout.overlaps.iter().map(|it| OverlapRow::new(it, layout, contents_end)).collect(),
        }
    }
}

impl Extent {
    fn of(range: &Range<u64>) -> Self {
        Self { offset: range.start, size: range.end.saturating_sub(range.start) }
    }
}

impl EntryRow {
    fn new(entry: &EntryLayout, name: &str) -> Self {
        let record = &entry.record;
        let Extent { offset, size: extent } = Extent::of(&entry.extent());
        Self {
            name: name.to_owned(),
            offset,
            extent,
            data_offset: entry.local.as_ref().map(|_| entry.data.start),
            method: record.method,
            compressed_size: record.compressed_size.into(),
            size: record.uncompressed_size.into(),
            descriptor_size: entry.descriptor.map(|descriptor| descriptor.size),
            local_name: entry.local_name.as_ref().map(|name| String::from_utf8_lossy(name).into_owned()),
        }
    }
}

impl GapRow {
    fn new(gap: &Gap) -> Self {
        let Extent { offset, size } = Extent::of(&gap.range);
        let place = match gap.place {
            GapPlace::BeforeEntries => "before-entries",
            GapPlace::BetweenEntries => "between-entries",
            GapPlace::BehindEntries => "behind-entries",
            GapPlace::BehindRecords => "behind-records",
            GapPlace::BeforeEndRecord => "before-end-record",
        };
        let (content, content_offset) = match &gap.content {
            GapContent::Zeros => ("zeros", None),
            GapContent::Filler => ("filler", None),
            GapContent::LocalHeader { offset, .. } => ("local-header", Some(*offset)),
            GapContent::SigningBlock { offset } => ("signing-block", Some(*offset)),
            GapContent::Data { offset, .. } => ("data", Some(*offset)),
            GapContent::TooLarge => ("not-looked-at", None),
        };
        let name = match &gap.content {
            GapContent::LocalHeader { name, .. } => Some(String::from_utf8_lossy(name).into_owned()),
            _ => None,
        };
        let start = match &gap.content {
            GapContent::Data { start, .. } => Some(HEXLOWER.encode(start)),
            _ => None,
        };
        Self { offset, size, place, content, padding: gap.is_padding(), content_offset, name, start }
    }
}

impl OverlapRow {
    fn new(overlap: &Overlap, layout: &Layout, contents_end: u64) -> Self {
        let start = layout.entries.get(overlap.entry).map_or(0, |entry| entry.extent().start);
        let offset = if overlap.other.is_some() { start } else { start.max(contents_end) };
        Self { offset, size: overlap.bytes, entry: overlap.entry, other: overlap.other }
    }
}
