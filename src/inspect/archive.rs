//! How the archive lies in the file.

use crate::apk::Apk;
use crate::apk::Stop;

/// Sections and entries of the archive. All offsets are from the start of the file, in bytes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ArchiveFacts {
    /// Start of the Central Directory.
    pub directory_offset: u64,
    /// Size of the Central Directory.
    pub directory_size: u64,
    /// Start of the End of Central Directory record.
    pub end_offset: u64,
    /// Size of that record with its comment.
    pub end_size: u64,
    /// The archive comment.
    pub comment: Vec<u8>,
    /// The entries in the order of the directory, directories left out.
    pub entries: Vec<EntryFacts>,
}

/// An entry, as its directory record describes it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EntryFacts {
    /// Its name; what is not UTF-8 in it is replaced.
    pub name: String,
    /// Where its local header starts.
    pub local_header_offset: u64,
    /// Compression method: 0 stored, 8 deflate; Android takes any other for one of these.
    pub method: u16,
    /// Size of the data in the file.
    pub compressed_size: u64,
    /// Size of the content.
    pub uncompressed_size: u64,
}

/// The facts of `apk`.
pub(super) fn facts(apk: &Apk<'_>) -> Result<ArchiveFacts, Stop> {
    let sections = apk.sections();
    let directory = apk.directory()?;
    let entries = directory
        .records()
        .iter()
        .map(|record| EntryFacts {
            name: String::from_utf8_lossy(directory.name(record)).into_owned(),
            local_header_offset: u64::from(record.local_header_offset),
            method: record.method,
            compressed_size: u64::from(record.compressed_size),
            uncompressed_size: u64::from(record.uncompressed_size),
        })
        .collect();
    Ok(ArchiveFacts {
        directory_offset: sections.cd_offset,
        directory_size: sections.cd_size,
        end_offset: sections.eocd_offset,
        end_size: sections.eocd.len() as u64,
        comment: sections.eocd.get(crate::format::zip::EOCD_SIZE..).unwrap_or_default().to_vec(),
        entries,
    })
}
