//! The content of ZIP entries, as Android reads it: streamed, bounded, never written anywhere.

use std::cell::Cell;
use std::io;

use zlib_rs::Inflate;
use zlib_rs::InflateFlush;
use zlib_rs::Status;

use super::Apk;
use super::Stop;
use super::too_large;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::format::zip;
use crate::format::zip::DirectoryRecord;
use crate::format::zip::EntryData;
use crate::limits::Cap;
use crate::source::ByteSource;

/// How much is read and inflated at once, in bytes.
const PIECE: usize = 64 * 1024;
/// The inflater copies whole matches at once only while at least this many bytes of room are left for its output.
const ROOM: usize = 512;
/// Window of raw deflate, as a power of two.
const DEFLATE_WINDOW_BITS: u8 = 15;

/// What reading an entry takes, kept for the next one: buffers and the state of the inflater.
pub struct EntryReader {
    inflate: Option<Inflate>,
    input: Vec<u8>,
    output: Vec<u8>,
    piece: usize,
}

impl Default for EntryReader {
    fn default() -> Self {
        Self::in_pieces_of(PIECE)
    }
}

impl EntryReader {
    /// Reads and inflates at most `piece` bytes at once: for whoever wants little of each entry.
    pub(crate) fn in_pieces_of(piece: usize) -> Self {
        Self { inflate: None, input: Vec::new(), output: Vec::new(), piece: piece.max(1) }
    }
}

thread_local! {
    /// For whoever brings none.
    static SPARE: Cell<Option<EntryReader>> = const { Cell::new(None) };
}

/// What `read` says, which is given a reader that may have read another entry before.
fn with_reader<T>(read: impl FnOnce(&mut EntryReader) -> T) -> T {
    let mut reader = SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default();
    let result = read(&mut reader);
    // A thread that ends keeps nothing.
    let _ = SPARE.try_with(|spare| spare.set(Some(reader)));
    result
}

impl std::fmt::Debug for EntryReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EntryReader").finish_non_exhaustive()
    }
}

impl Apk<'_> {
    /// Where the content of an entry lies, after its local header has been held against the directory.
    ///
    /// # Errors
    /// [`Stop::Malformed`] when they disagree, as in apksig `LocalFileRecord`.
    pub fn locate_entry(&self, record: &DirectoryRecord) -> Result<EntryData, Stop> {
        let name = self.directory()?.name(record);
        let start = u64::from(record.local_header_offset);
        let size = zip::LFH_SIZE + u64::from(record.name_len);
        let cd_offset = self.sections.cd_offset;
        if start + size > cd_offset {
            return Err(bad_entry(
                name,
                format!(
                    "its local header at {start:#x} reaches beyond the start of the central directory at {cd_offset:#x}"
                ),
            ));
        }
        let header = self.source.read_vec_at(start, size)?;
        zip::parse_local_header(&header, record, name, cd_offset)
            .map_err(|error| bad_entry(name, error.to_string()))
    }

    /// Hands the content of an entry to `sink`, piece by piece.
    ///
    /// # Errors
    /// [`Stop::Malformed`] when the local header and the directory disagree, when the data cannot be inflated, or when
    /// there is more or less of it than the directory says. The CRC is not checked, as on Android.
    pub fn read_entry(&self, record: &DirectoryRecord, sink: &mut dyn FnMut(&[u8])) -> Result<(), Stop> {
        with_reader(|reader| self.read_entry_with(reader, record, sink))
    }

    /// As [`Apk::read_entry`], for one entry after another.
    ///
    /// # Errors
    /// As [`Apk::read_entry`].
    pub fn read_entry_with(
        &self,
        reader: &mut EntryReader,
        record: &DirectoryRecord,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Stop> {
        self.read_entry_while(reader, record, &mut |piece| {
            sink(piece);
            true
        })
    }

    /// The first `len` bytes of the content of an entry, or all of it when there are fewer. What follows is not read.
    ///
    /// # Errors
    /// As [`Apk::read_entry`], as far as is read.
    pub fn entry_start(&self, record: &DirectoryRecord, len: u64) -> Result<Vec<u8>, Stop> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let mut content = Vec::new();
        with_reader(|reader| {
            self.read_entry_while(reader, record, &mut |piece| {
                let missing = len - content.len();
                content.extend_from_slice(piece.get(..missing).unwrap_or(piece));
                content.len() < len
            })
        })?;
        Ok(content)
    }

    /// As [`Apk::read_entry_with`], until `sink` says that it wants no more.
    ///
    /// # Errors
    /// As [`Apk::read_entry`], as far as is read.
    pub(crate) fn read_entry_while(
        &self,
        reader: &mut EntryReader,
        record: &DirectoryRecord,
        sink: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), Stop> {
        let data = self.locate_entry(record)?;
        #[cfg(any(test, fuzzing))]
        let sink = &mut crate::work::counted(sink);
        if data.deflated { self.inflate(reader, record, data, sink) } else { self.copy(reader, data, sink) }
    }

    /// The content of an entry in one piece; `what` names it and `cap` caps it, in bytes.
    ///
    /// # Errors
    /// As [`Apk::read_entry`], and when the directory announces more than `cap`.
    pub fn entry_to_vec(&self, record: &DirectoryRecord, what: &str, cap: Cap) -> Result<Vec<u8>, Stop> {
        let announced = u64::from(record.uncompressed_size);
        if announced > cap.most {
            return Err(too_large(what, announced, cap));
        }
        // Grows by what is there, not by what is announced; the last step does not double it.
        let mut content = Vec::new();
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        self.read_entry(record, &mut |piece: &[u8]| {
            let needed = content.len() + piece.len();
            if needed > content.capacity() {
                content.reserve_exact((2 * needed).min(announced.max(needed)) - content.len());
            }
            content.extend_from_slice(piece);
        })?;
        Ok(content)
    }

    /// The content of an entry of unknown method as the installer takes it: as it stands, whatever its method says.
    ///
    /// `None` when it would reach beyond the entries.
    ///
    /// # Errors
    /// As [`Apk::entry_to_vec`].
    ///
    /// Source: AOSP `ZipAssetsProvider.OpenInternal`, which inflates method 8 alone; the verifier of v1, `StrictJarFile`,
    /// inflates all but method 0.
    pub(super) fn asset_to_vec(
        &self,
        record: &DirectoryRecord,
        what: &str,
        cap: Cap,
    ) -> Result<Option<Vec<u8>>, Stop> {
        let data = self.locate_entry(record)?;
        if data.uncompressed_size > cap.most {
            return Err(too_large(what, data.uncompressed_size, cap));
        }
        if data.offset + data.uncompressed_size > self.sections.cd_offset {
            return Ok(None);
        }
        Ok(Some(self.source.read_vec_at(data.offset, data.uncompressed_size)?))
    }

    fn copy(
        &self,
        reader: &mut EntryReader,
        data: EntryData,
        sink: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), Stop> {
        let EntryReader { input: buffer, piece, .. } = reader;
        let mut done = 0;
        while done < data.size {
            let len = (data.size - done).min(*piece as u64);
            let piece = read_piece(self.source, buffer, data.offset + done, len)?;
            if !sink(piece) {
                break;
            }
            done += len;
        }
        Ok(())
    }

    fn inflate(
        &self,
        reader: &mut EntryReader,
        record: &DirectoryRecord,
        data: EntryData,
        sink: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), Stop> {
        let bad =
            |detail: String| self.directory().map_or_else(|stop| stop, |d| bad_entry(d.name(record), detail));
        let EntryReader { inflate, input, output, piece } = reader;
        let piece = *piece;
        if let Some(inflate) = inflate {
            inflate.reset(false);
        }
        let inflate = inflate.get_or_insert_with(|| Inflate::new(false, DEFLATE_WINDOW_BITS));
        // Most entries are smaller than a piece. The room behind lets the fast path of the inflater reach their end, and shows
        // an entry that is larger than announced.
        let size = usize::try_from(data.uncompressed_size).unwrap_or(piece).saturating_add(ROOM).min(piece);
        output.resize(size.max(output.len()), 0);
        let output = output.get_mut(..size).unwrap_or_default();
        let mut read = 0;
        let mut ended = false;
        while read < data.size && !ended {
            let len = (data.size - read).min(piece as u64);
            let mut rest = read_piece(self.source, input, data.offset + read, len)?;
            read += len;
            loop {
                let (before_in, before_out) = (inflate.total_in(), inflate.total_out());
                let status = inflate
                    .decompress(rest, output, InflateFlush::NoFlush)
                    .map_err(|error| bad(format!("its data cannot be inflated: {}", error.as_str())))?;
                let taken = usize::try_from(inflate.total_in() - before_in).unwrap_or(usize::MAX);
                let given = usize::try_from(inflate.total_out() - before_out).unwrap_or(usize::MAX);
                rest = rest.get(taken..).unwrap_or_default();
                let wanted = sink(output.get(..given).unwrap_or_default());
                if inflate.total_out() > data.uncompressed_size {
                    return Err(bad(format!(
                        "its data inflates to more than the {} bytes that the directory says",
                        data.uncompressed_size
                    )));
                }
                if !wanted {
                    return Ok(());
                }
                ended = matches!(status, Status::StreamEnd);
                if ended || (taken == 0 && given == 0) || (rest.is_empty() && given < output.len()) {
                    break;
                }
            }
        }
        if inflate.total_out() != data.uncompressed_size {
            return Err(bad(format!(
                "its data inflates to {} bytes, the directory says {}",
                inflate.total_out(),
                data.uncompressed_size
            )));
        }
        Ok(())
    }
}

/// `len` bytes from `offset` on, in `buffer` unless the source has them in memory.
fn read_piece<'b>(
    source: &'b dyn ByteSource,
    buffer: &'b mut Vec<u8>,
    offset: u64,
    len: u64,
) -> io::Result<&'b [u8]> {
    if let Some(bytes) = source.in_memory(offset, len) {
        return Ok(bytes);
    }
    let size = usize::try_from(len).map_err(|_| io::ErrorKind::UnexpectedEof)?;
    buffer.resize(size, 0);
    source.read_exact_at(buffer, offset)?;
    Ok(buffer)
}

fn bad_entry(name: &[u8], detail: String) -> Stop {
    Finding::new(FindingCode::ZipBadEntry).entry(String::from_utf8_lossy(name)).detail(detail).into()
}
