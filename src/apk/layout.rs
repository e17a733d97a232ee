//! The whole file, byte by byte: which entry, section or nothing at all each range belongs to.
//!
//! Reads every local header, in the order of the file and neighbours together. What is odd about it is for
//! [`mod@crate::verify`] to say; nothing here fails because of what a header holds.
//!
//! Source: AOSP `libziparchive`, whose view of an entry this is: the directory decides, the local header tells where the
//! content starts and whether a data descriptor follows.

use std::io;
use std::ops::Range;

use super::Apk;
use super::Stop;
use crate::format::signing_block;
use crate::format::zip;
use crate::format::zip::DataDescriptor;
use crate::format::zip::DirectoryRecord;
use crate::format::zip::LocalHeader;
use crate::source::ByteSource;

/// Where everything lies in the file. All ranges are offsets from its start, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Layout {
    /// The entries, directories among them, by the offset of their local headers.
    pub entries: Vec<EntryLayout>,
    /// What belongs to no entry and to no section, in the order of the file.
    pub gaps: Vec<Gap>,
    /// Where entries lie on top of something else, in the order of `entries`.
    pub overlaps: Vec<Overlap>,
    /// The APK Signing Block, where Android sees one.
    pub signing_block: Option<Range<u64>>,
    /// The Central Directory, with what lies behind its last record.
    pub central_directory: Range<u64>,
    /// The end-of-central-directory record, without its comment.
    pub end_record: Range<u64>,
    /// The comment of the archive.
    pub comment: Range<u64>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntryLayout {
    /// Its directory record, which has its name and decides what it is.
    pub record: DirectoryRecord,
    /// Its local header; none where no such header stands, or not all of it before the directory.
    pub local: Option<LocalHeader>,
    /// The name in the local header, when it is another one than in the directory; its first 128 bytes.
    pub local_name: Option<Vec<u8>>,
    /// Its content as it lies in the file; empty without a local header. The end is what the record says, be it beyond
    /// the directory.
    pub data: Range<u64>,
    /// What follows the content, when the local header says that sizes and CRC do.
    pub descriptor: Option<DataDescriptor>,
}

impl EntryLayout {
    /// All of it: local header, content and data descriptor.
    pub fn extent(&self) -> Range<u64> {
        let start = u64::from(self.record.local_header_offset);
        let descriptor = self.descriptor.map_or(0, |descriptor| descriptor.size);
        let end = if self.local.is_some() { self.data.end } else { start };
        start..end.saturating_add(descriptor)
    }
}

/// Bytes that belong to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// Where they lie.
    pub range: Range<u64>,
    /// Between what they lie.
    pub place: GapPlace,
    /// What they hold.
    pub content: GapContent,
}

impl Gap {
    /// Whether it is what aligns entries and the signing block, or what build tools leave behind: zeros or filler where
    /// they have a use. Nothing needs zeros before the first entry, or around the records of the directory.
    pub fn is_padding(&self) -> bool {
        match self.place {
            GapPlace::BeforeEntries => self.content == GapContent::Filler,
            GapPlace::BetweenEntries | GapPlace::BehindEntries => {
                matches!(self.content, GapContent::Zeros | GapContent::Filler)
            }
            GapPlace::BehindRecords | GapPlace::BeforeEndRecord => false,
        }
    }
}

/// Between what a gap lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapPlace {
    /// Before the first entry.
    BeforeEntries,
    /// Between two entries.
    BetweenEntries,
    /// Between the last entry and what follows: the signing block, or the directory where there is none.
    BehindEntries,
    /// In the directory, behind its last record.
    BehindRecords,
    /// Between the directory and its end record. Android then sees no signing block.
    BeforeEndRecord,
}

/// What a gap holds, as far as it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GapContent {
    /// Zeros alone: what aligns entries and the signing block.
    Zeros,
    /// Local headers without name and content, and zeros: what Android's build tools fill unused space with.
    Filler,
    /// Something with a local header in it: an entry that the directory does not list.
    LocalHeader {
        /// Where the header starts in the file.
        offset: u64,
        /// The name that it has.
        name: Vec<u8>,
    },
    /// Something with the magic of an APK Signing Block in it, which starts at `offset` in the file.
    SigningBlock {
        /// Where the magic starts.
        offset: u64,
    },
    /// Something else.
    Data {
        /// Where the first byte stands that is not zero.
        offset: u64,
        /// The bytes from there on, 16 at most.
        start: Vec<u8>,
    },
    /// Zeros where it was looked at, which was not everywhere.
    TooLarge,
}

/// An entry that lies on top of something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Overlap {
    /// The entry, by its position in [`Layout::entries`].
    pub entry: usize,
    /// The earlier entry that it lies on; none when it reaches into the signing block or the directory.
    pub other: Option<usize>,
    /// How many bytes both have.
    pub bytes: u64,
}

/// What is read at once when headers lie close together, in bytes.
const WINDOW: u64 = 4 * 1024;
/// Contents of up to this many bytes are read in one go.
const READ_WHOLE: u64 = 256 * 1024;
/// So much of a gap is looked at from either end, in bytes. No alignment is that large.
const GAP_LOOKED_AT: u64 = 64 * 1024;
/// So much of all gaps together is looked at, in bytes.
const ALL_GAPS_LOOKED_AT: u64 = 16 * 1024 * 1024;
/// How many bytes of extra field are read along with a local header.
const EXTRA_READ_AHEAD: u64 = 64;
/// So much is kept of a local name that differs, in bytes.
const LOCAL_NAME_KEPT: usize = 128;
/// The least that is read at once, in bytes: a data descriptor, padding, and the header behind them.
const READ_LEAST: u64 = 256;

impl Apk<'_> {
    /// Finds out where everything lies: reads all local headers, and what is in the gaps.
    ///
    /// Takes time and memory in proportion to the number of entries; of their content nothing is read on purpose.
    ///
    /// # Errors
    /// [`Stop::Malformed`] when the Central Directory cannot be read.
    pub fn layout(&self) -> Result<Layout, Stop> {
        let directory = self.directory()?;
        let mut records: Vec<DirectoryRecord> =
            directory.records().iter().chain(directory.folders()).copied().collect();
        // The record's place in the directory decides between entries that share a local header.
        records.sort_unstable_by_key(|record| (record.local_header_offset, record.start));
        let sections = self.sections();
        let signing_block = self
            .signing_block()?
            .filter(|block| !block.unusable)
            .map(|block| block.offset..block.offset.saturating_add(block.size));
        let contents_end = signing_block.as_ref().map_or(sections.cd_offset, |block| block.start);
        let mut sweep = Sweep {
            window: Window::new(self.source, sections.cd_offset, contents_end),
            records: &records,
            contents_end,
            name: &|record| directory.name(record),
            layout: Layout {
                entries: Vec::with_capacity(records.len()),
                gaps: Vec::new(),
                overlaps: Vec::new(),
                signing_block,
                central_directory: sections.cd_offset..sections.cd_offset.saturating_add(sections.cd_size),
                end_record: sections.eocd_offset..sections.eocd_offset.saturating_add(zip::EOCD_SIZE as u64),
                comment: sections.eocd_offset.saturating_add(zip::EOCD_SIZE as u64)..self.source.len(),
            },
            gap_budget: ALL_GAPS_LOOKED_AT,
        };
        sweep.entries()?;
        sweep.sections(directory.slack(), sections.eocd_offset)?;
        Ok(sweep.layout)
    }
}

/// One pass over the file, from its start to its end.
struct Sweep<'a> {
    window: Window<'a>,
    records: &'a [DirectoryRecord],
    contents_end: u64,
    name: &'a dyn Fn(&DirectoryRecord) -> &'a [u8],
    layout: Layout,
    gap_budget: u64,
}

impl Sweep<'_> {
    fn entries(&mut self) -> io::Result<()> {
        // The end of what is taken so far, and which entry takes it.
        let mut taken = (0, None);
        for (index, record) in self.records.iter().enumerate() {
            let start = u64::from(record.local_header_offset);
            self.window.look_ahead(self.records, index);
            if start > taken.0 && start < self.contents_end {
                let place = if index == 0 { GapPlace::BeforeEntries } else { GapPlace::BetweenEntries };
                self.gap(taken.0..start, place)?;
            }
            let next = self.records.get(index.saturating_add(1));
            let entry = self.entry(record, next.map(|next| u64::from(next.local_header_offset)))?;
            if entry.local.is_some() {
                let extent = entry.extent();
                self.overlaps(index, &extent, taken);
                if extent.end > taken.0 {
                    taken = (extent.end, Some(index));
                }
            }
            self.layout.entries.push(entry);
        }
        if taken.0 < self.contents_end {
            self.gap(taken.0..self.contents_end, GapPlace::BehindEntries)?;
        }
        Ok(())
    }

    /// Notes on what an entry lies, given the end of what earlier ones take, and which of them.
    fn overlaps(&mut self, entry: usize, extent: &Range<u64>, taken: (u64, Option<usize>)) {
        let overlaps = &mut self.layout.overlaps;
        if extent.start < taken.0 {
            let bytes = extent.end.min(taken.0).saturating_sub(extent.start);
            overlaps.push(Overlap { entry, other: taken.1, bytes });
        }
        if extent.end > self.contents_end {
            let bytes = extent.end.saturating_sub(self.contents_end.max(extent.start));
            overlaps.push(Overlap { entry, other: None, bytes });
        }
    }

    /// `next` is where the next local header starts.
    fn entry(&mut self, record: &DirectoryRecord, next: Option<u64>) -> io::Result<EntryLayout> {
        let start = u64::from(record.local_header_offset);
        let mut entry = EntryLayout {
            record: *record,
            local: None,
            local_name: None,
            data: start..start,
            descriptor: None,
        };
        let name = (self.name)(record);
        let bytes = self.window.view(start, zip::LFH_SIZE.saturating_add(u64::from(record.name_len)))?;
        let Ok(local) = LocalHeader::parse(bytes) else { return Ok(entry) };
        let local_name =
            bytes.get(usize::try_from(zip::LFH_SIZE).unwrap_or(usize::MAX)..).unwrap_or_default();
        let differs = local.name_len != record.name_len || local_name != name;
        let kept = local_name.get(..LOCAL_NAME_KEPT).unwrap_or(local_name).to_vec();
        if differs {
            let len = usize::from(local.name_len).min(LOCAL_NAME_KEPT);
            entry.local_name = Some(if len > kept.len() {
                self.window.aside(start.saturating_add(zip::LFH_SIZE), len as u64)?
            } else {
                kept.get(..len).unwrap_or(&kept).to_vec()
            });
        }
        entry.data.start = start.saturating_add(local.size());
        entry.data.end = entry.data.start.saturating_add(record.stored_size());
        if local.has_data_descriptor() {
            let (at, len) = (entry.data.end, zip::DATA_DESCRIPTOR_MAX_SIZE);
            // The window goes forward; entries on top of each other are not to move it back and forth.
            let descriptor = if next.is_some_and(|next| next < at) {
                DataDescriptor::parse(&self.window.aside(at, len)?, record)
            } else {
                DataDescriptor::parse(self.window.view(at, len)?, record)
            };
            entry.descriptor = Some(descriptor);
        }
        entry.local = Some(local);
        Ok(entry)
    }

    /// What lies behind the entries.
    fn sections(&mut self, slack: u64, eocd_offset: u64) -> io::Result<()> {
        let Range { end, .. } = self.layout.central_directory;
        if slack > 0 {
            self.gap(end.saturating_sub(slack)..end, GapPlace::BehindRecords)?;
        }
        if end < eocd_offset {
            self.gap(end..eocd_offset, GapPlace::BeforeEndRecord)?;
        }
        Ok(())
    }

    fn gap(&mut self, range: Range<u64>, place: GapPlace) -> io::Result<()> {
        let content = self.content(&range)?;
        self.layout.gaps.push(Gap { range, place, content });
        Ok(())
    }

    fn content(&mut self, range: &Range<u64>) -> io::Result<GapContent> {
        let len = range.end.saturating_sub(range.start);
        let looked_at = len.min(GAP_LOOKED_AT).min(self.gap_budget);
        self.gap_budget = self.gap_budget.saturating_sub(looked_at);
        let head = self.window.inside(range.start, looked_at)?;
        if looked_at == len {
            return Ok(classify(range.start, &head));
        }
        // A signing block ends where its gap does.
        let rest = len.saturating_sub(looked_at).min(GAP_LOOKED_AT).min(self.gap_budget);
        self.gap_budget = self.gap_budget.saturating_sub(rest);
        let tail_start = range.end.saturating_sub(rest);
        let tail = self.window.inside(tail_start, rest)?;
        Ok(match (classify(range.start, &head), classify(tail_start, &tail)) {
            (GapContent::LocalHeader { offset, name }, _) => GapContent::LocalHeader { offset, name },
            (_, block @ GapContent::SigningBlock { .. }) => block,
            (GapContent::Zeros, GapContent::Zeros) => GapContent::TooLarge,
            (GapContent::Zeros | GapContent::Filler, other) => {
                if matches!(other, GapContent::Filler) {
                    GapContent::TooLarge
                } else {
                    other
                }
            }
            (other, _) => other,
        })
    }
}

/// What the bytes of a gap, which start at `offset` in the file, are.
fn classify(offset: u64, bytes: &[u8]) -> GapContent {
    if bytes.iter().all(|byte| *byte == 0) {
        return GapContent::Zeros;
    }
    if is_filler(bytes) {
        return GapContent::Filler;
    }
    let magic = zip::LFH_MAGIC.to_le_bytes();
    let mut rest = bytes;
    while let Some(at) = find(rest, &magic) {
        rest = rest.get(at..).unwrap_or_default();
        let header = LocalHeader::parse(rest).ok().filter(|header| header.name_len > 0);
        if let Some(header) = header {
            let position = bytes.len().saturating_sub(rest.len());
            let start = usize::try_from(zip::LFH_SIZE).unwrap_or(usize::MAX);
            let name = rest.get(start..).unwrap_or_default();
            let name = name.get(..usize::from(header.name_len)).unwrap_or(name);
            return GapContent::LocalHeader {
                offset: offset.saturating_add(position as u64),
                name: name.to_vec(),
            };
        }
        rest = rest.get(magic.len()..).unwrap_or_default();
    }
    if let Some(at) = find(bytes, signing_block::MAGIC) {
        return GapContent::SigningBlock { offset: offset.saturating_add(at as u64) };
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let start = bytes.get(zeros..).unwrap_or_default();
    let start = start.get(..16).unwrap_or(start).to_vec();
    GapContent::Data { offset: offset.saturating_add(zeros as u64), start }
}

/// Whether the bytes are local headers without name and content, as Android's build tools put them where an entry was
/// removed or moved; zeros fill up what is too short for one.
///
/// Source: Android build tools, `zipflinger`, `LocalFileHeader.fillVirtualEntry`.
fn is_filler(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Ok(header) = LocalHeader::parse(rest) {
        let empty = LocalHeader { extra_len: header.extra_len, ..EMPTY_HEADER };
        let Some((header_bytes, behind)) =
            usize::try_from(header.size()).ok().and_then(|size| rest.split_at_checked(size))
        else {
            return false;
        };
        let extra =
            header_bytes.get(usize::try_from(zip::LFH_SIZE).unwrap_or(usize::MAX)..).unwrap_or_default();
        if header != empty || extra.iter().any(|byte| *byte != 0) {
            return false;
        }
        rest = behind;
    }
    rest.iter().all(|byte| *byte == 0)
}

const EMPTY_HEADER: LocalHeader = LocalHeader {
    flags: 0,
    method: 0,
    crc32: 0,
    compressed_size: 0,
    uncompressed_size: 0,
    name_len: 0,
    extra_len: 0,
};

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// A piece of the file that moves forward with the sweep.
struct Window<'a> {
    source: &'a dyn ByteSource,
    bytes: Vec<u8>,
    start: u64,
    /// No header is read beyond the start of the directory.
    limit: u64,
    /// What is worth reading when the next read is due: up to here.
    ahead: u64,
    /// The first record that is not counted in `ahead`.
    counted: usize,
}

impl<'a> Window<'a> {
    fn new(source: &'a dyn ByteSource, limit: u64, contents_end: u64) -> Self {
        let ahead = if contents_end <= READ_WHOLE { contents_end } else { 0 };
        Self { source, bytes: Vec::new(), start: 0, limit, ahead, counted: 0 }
    }

    /// Moves `ahead` behind the last header that lies within one window of that of the record at `index`.
    fn look_ahead(&mut self, records: &[DirectoryRecord], index: usize) {
        let start = records.get(index).map_or(0, |record| u64::from(record.local_header_offset));
        self.counted = self.counted.max(index);
        while let Some(record) = records.get(self.counted) {
            let end = u64::from(record.local_header_offset)
                .saturating_add(zip::LFH_SIZE)
                .saturating_add(u64::from(record.name_len))
                .saturating_add(EXTRA_READ_AHEAD);
            if end > start.saturating_add(WINDOW) && self.counted > index {
                break;
            }
            self.ahead = self.ahead.max(end);
            self.counted = self.counted.saturating_add(1);
        }
    }

    /// `len` bytes from `offset` on, or as many as there are before the directory.
    fn view(&mut self, offset: u64, len: u64) -> io::Result<&[u8]> {
        let len = self.limit.saturating_sub(offset).min(len);
        if len == 0 {
            return Ok(&[]);
        }
        if let Some(bytes) = self.source.in_memory(offset, len) {
            return Ok(bytes);
        }
        let have_end = self.start.saturating_add(self.bytes.len() as u64);
        if offset < self.start || offset.saturating_add(len) > have_end {
            let ahead = self.ahead.saturating_sub(offset).min(READ_WHOLE);
            let read = ahead.max(READ_LEAST).max(len).min(self.limit.saturating_sub(offset));
            self.bytes.resize(usize::try_from(read).unwrap_or(0), 0);
            self.source.read_exact_at(&mut self.bytes, offset)?;
            self.start = offset;
        }
        let at = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let len = usize::try_from(len).unwrap_or(0);
        Ok(self.bytes.get(at..at.saturating_add(len)).unwrap_or_default())
    }

    /// As [`Window::view`], without moving the window.
    fn aside(&self, offset: u64, len: u64) -> io::Result<Vec<u8>> {
        match self.limit.saturating_sub(offset).min(len) {
            0 => Ok(Vec::new()),
            len => self.source.read_vec_at(offset, len),
        }
    }

    /// `len` bytes from `offset` on, wherever they lie; the caller bounds them.
    fn inside(&mut self, offset: u64, len: u64) -> io::Result<Vec<u8>> {
        if offset.saturating_add(len) <= self.limit {
            return Ok(self.view(offset, len)?.to_vec());
        }
        self.source.read_vec_at(offset, len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &[u8], extra: &[u8]) -> Vec<u8> {
        let mut bytes = zip::LFH_MAGIC.to_le_bytes().to_vec();
        bytes.extend([0; 22]);
        for len in [name.len(), extra.len()] {
            bytes.extend(u16::try_from(len).unwrap().to_le_bytes());
        }
        [&bytes, name, extra].concat()
    }

    #[test]
    fn tells_padding_from_data() {
        assert_eq!(classify(0, &[0; 5000]), GapContent::Zeros);
        assert_eq!(classify(0, b""), GapContent::Zeros);
        assert_eq!(classify(10, &[0, 0, 1, 0]), GapContent::Data { offset: 12, start: vec![1, 0] });
        assert_eq!(classify(0, &[7; 20]), GapContent::Data { offset: 0, start: vec![7; 16] });
    }

    #[test]
    fn tells_what_build_tools_fill_with_from_a_hidden_entry() {
        let filler = header(b"", &[0; 40]);
        assert_eq!(classify(0, &filler), GapContent::Filler);
        assert_eq!(classify(0, &[filler.clone(), filler.clone(), vec![0; 29]].concat()), GapContent::Filler);
        let written = header(b"", &[&[0; 39][..], b"!"].concat());
        assert!(matches!(classify(0, &written), GapContent::Data { .. }));
        assert!(matches!(classify(0, &[filler, vec![1]].concat()), GapContent::Data { .. }));
        let hidden = [&[1, 2, 3][..], &header(b"", b""), &header(b"classes.dex", b"")].concat();
        let expected = GapContent::LocalHeader { offset: 133, name: b"classes.dex".to_vec() };
        assert_eq!(classify(100, &hidden), expected);
        let expected = GapContent::LocalHeader { offset: 133, name: b"class".to_vec() };
        assert_eq!(classify(100, &hidden[..hidden.len() - 6]), expected, "a name that is cut off");
    }

    #[test]
    fn knows_the_magic_of_a_signing_block() {
        let bytes = [&[9; 50][..], signing_block::MAGIC, b"more"].concat();
        assert_eq!(classify(1000, &bytes), GapContent::SigningBlock { offset: 1050 });
    }
}
