//! ZIP records as Android reads them.
//!
//! Takes the bytes of one record or of the whole Central Directory, gives plain structs. Which end-of-central-directory
//! record counts is decided here; what lies between the sections is for [`crate::apk`].
//!
//! Source: `.ZIP File Format Specification`; AOSP apksig `ZipUtils`, `CentralDirectoryRecord`, `LocalFileRecord`; AOSP
//! `libziparchive/zip_archive.cc`.

use super::Cursor;
use super::ParseError;
use super::ParseErrorKind;

/// Magic of the end-of-central-directory record.
pub const EOCD_MAGIC: u32 = 0x0605_4b50;
/// Size of that record without its comment, in bytes.
pub const EOCD_SIZE: usize = 22;
/// Where the offset of the Central Directory stands in that record.
pub const EOCD_CD_OFFSET_FIELD: usize = 16;
/// Magic of a Central Directory record.
pub const CD_MAGIC: u32 = 0x0201_4b50;
/// Size of that record without name, extra field and comment, in bytes.
pub const CD_RECORD_SIZE: usize = 46;
/// Magic of a local file header.
pub const LFH_MAGIC: u32 = 0x0403_4b50;
/// Size of that header without name and extra field, in bytes.
pub const LFH_SIZE: u64 = 30;
/// Magic of the ZIP64 end-of-central-directory locator, 20 bytes directly before the end-of-central-directory record.
pub const ZIP64_LOCATOR_MAGIC: u32 = 0x0706_4b50;
/// Size of that locator in bytes.
pub const ZIP64_LOCATOR_SIZE: u64 = 20;

/// General-purpose flag: sizes and CRC follow the data.
pub const FLAG_DATA_DESCRIPTOR: u16 = 0x0008;

/// The end-of-central-directory record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Eocd {
    /// How many records the Central Directory holds, from the total-count field.
    pub records: u16,
    /// Size of the Central Directory in bytes.
    pub cd_size: u32,
    /// Offset of the Central Directory from the start of the file.
    pub cd_offset: u32,
    /// Length of the comment in bytes.
    pub comment_len: u16,
}

impl Eocd {
    /// Reads the record at the start of `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("end of central directory", bytes);
        expect_magic(&mut cursor, EOCD_MAGIC)?;
        cursor.take(6)?; // disk numbers, records on this disk: neither Android nor apksig looks at them
        Ok(Self {
            records: cursor.u16()?,
            cd_size: cursor.u32()?,
            cd_offset: cursor.u32()?,
            comment_len: cursor.u16()?,
        })
    }
}

/// Finds the end-of-central-directory record that signature verification goes by, in the last bytes of a file.
///
/// Scans backwards from the end; the first record counts whose comment ends exactly with the file. Returns its
/// position in `tail`. `tail` holds at least 22 bytes, and all that a comment of 65,535 bytes can need where the file has them.
///
/// Source: apksig `ZipUtils.findZipEndOfCentralDirectoryRecord`.
pub fn find_eocd(tail: &[u8]) -> Option<usize> {
    let last = tail.len().checked_sub(EOCD_SIZE)?;
    let longest = last.min(usize::from(u16::MAX));
    (0..=longest).find_map(|comment_len| {
        let at = last.checked_sub(comment_len)?;
        let eocd = Eocd::parse(tail.get(at..)?).ok()?;
        (usize::from(eocd.comment_len) == comment_len).then_some(at)
    })
}

/// Finds the record that the installer goes by: the last magic in the file, whatever its comment length says.
///
/// Returns its position in `tail`. The installer refuses the file when that record's comment does not end with it.
///
/// Source: AOSP `libziparchive`, `MapCentralDirectory0`.
pub fn find_eocd_of_installer(tail: &[u8]) -> Option<usize> {
    let last = tail.len().checked_sub(EOCD_SIZE)?;
    (0..=last)
        .rev()
        .find(|at| tail.get(*at..).is_some_and(|rest| rest.starts_with(&EOCD_MAGIC.to_le_bytes())))
}

/// One record of the Central Directory. Its name stands in the directory's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectoryRecord {
    /// Where the name starts in the Central Directory.
    pub name_start: u32,
    /// Length of the name in bytes.
    pub name_len: u16,
    /// General-purpose flags.
    pub flags: u16,
    /// Compression method: 0 is stored; anything else Android inflates.
    pub method: u16,
    /// CRC-32 of the content. Android checks it on extraction, signature verification does not.
    pub crc32: u32,
    /// Size of the content as it lies in the file, in bytes.
    pub compressed_size: u32,
    /// Size of the content, in bytes.
    pub uncompressed_size: u32,
    /// Offset of the local file header from the start of the file.
    pub local_header_offset: u32,
}

impl DirectoryRecord {
    /// The name as bytes; `directory` is what the record was parsed from.
    pub fn name<'a>(&self, directory: &'a [u8]) -> &'a [u8] {
        usize::try_from(self.name_start)
            .ok()
            .and_then(|start| directory.get(start..start.checked_add(usize::from(self.name_len))?))
            .unwrap_or_default()
    }
}

/// Parses `count` records from the start of `directory`; bytes behind them are left over, as in apksig.
///
/// Returns the records in their order and how many bytes were left over.
///
/// # Errors
/// The first record that is truncated or lacks its magic.
///
/// Source: apksig `V1SchemeVerifier.parseZipCentralDirectory`.
pub fn parse_directory(directory: &[u8], count: u16) -> Result<(Vec<DirectoryRecord>, usize), ParseError> {
    let mut cursor = Cursor::new("central directory record", directory);
    // A record takes 46 bytes at least, so the bytes bound the allocation.
    let possible = directory.len().checked_div(CD_RECORD_SIZE).unwrap_or_default();
    let mut records = Vec::with_capacity(usize::from(count).min(possible));
    for _ in 0..count {
        expect_magic(&mut cursor, CD_MAGIC)?;
        cursor.take(4)?; // versions
        let flags = cursor.u16()?;
        let method = cursor.u16()?;
        cursor.take(4)?; // time, date
        let crc32 = cursor.u32()?;
        let compressed_size = cursor.u32()?;
        let uncompressed_size = cursor.u32()?;
        let name_len = cursor.u16()?;
        let extra_len = cursor.u16()?;
        let comment_len = cursor.u16()?;
        cursor.take(8)?; // disk, attributes
        let local_header_offset = cursor.u32()?;
        let name_start = u32::try_from(cursor.offset())
            .map_err(|_| ParseError::invalid("central directory record", cursor.offset(), "beyond 4 GiB"))?;
        cursor.take(usize::from(name_len))?;
        cursor.take(usize::from(extra_len))?;
        cursor.take(usize::from(comment_len))?;
        records.push(DirectoryRecord {
            name_start,
            name_len,
            flags,
            method,
            crc32,
            compressed_size,
            uncompressed_size,
            local_header_offset,
        });
    }
    Ok((records, cursor.remaining()))
}

/// Where the content of an entry lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryData {
    /// Offset from the start of the file.
    pub offset: u64,
    /// Size as it lies in the file, in bytes.
    pub size: u64,
    /// Whether it must be inflated.
    pub deflated: bool,
    /// Size of the content, in bytes.
    pub uncompressed_size: u64,
}

/// Checks a local file header against its directory record, and tells where the content lies.
///
/// `header` starts at the local file header and holds 30 bytes and the name of the directory record, `name`; `cd_offset` is where the
/// entries end. Any method other than 0 is deflate, and a stored entry has its uncompressed size: Android goes by
/// that. The CRC is not checked.
///
/// # Errors
/// As apksig, in its order: truncated, wrong magic, flag, CRC, sizes or name differ, content beyond the directory.
///
/// Source: apksig `LocalFileRecord.getRecord`.
pub fn parse_local_header(
    header: &[u8],
    record: &DirectoryRecord,
    name: &[u8],
    cd_offset: u64,
) -> Result<EntryData, ParseError> {
    const STRUCTURE: &str = "local file header";
    let start = u64::from(record.local_header_offset);
    let mut cursor = Cursor::new(STRUCTURE, header);
    let mut read = || -> Result<EntryData, ParseError> {
        expect_magic(&mut cursor, LFH_MAGIC)?;
        cursor.take(2)?; // version
        let flags = cursor.u16()?;
        cursor.take(6)?; // method: the directory's counts; time, date
        let crc32 = cursor.u32()?;
        let compressed_size = cursor.u32()?;
        let uncompressed_size = cursor.u32()?;
        let name_len = cursor.u16()?;
        let extra_len = cursor.u16()?;
        let differs = |what: &str, directory: u64, local: u64| ParseError {
            structure: STRUCTURE,
            offset: 0,
            kind: ParseErrorKind::Unexpected {
                expected: format!("{what} {directory:#x} as in the central directory"),
                found: format!("{local:#x}"),
            },
        };
        if (flags ^ record.flags) & FLAG_DATA_DESCRIPTOR != 0 {
            return Err(differs("data-descriptor flag in", record.flags.into(), flags.into()));
        }
        if flags & FLAG_DATA_DESCRIPTOR == 0 {
            for (what, directory, local) in [
                ("CRC-32", record.crc32, crc32),
                ("compressed size", record.compressed_size, compressed_size),
                ("uncompressed size", record.uncompressed_size, uncompressed_size),
            ] {
                if directory != local {
                    return Err(differs(what, directory.into(), local.into()));
                }
            }
        }
        if name_len > record.name_len {
            return Err(differs("name length", record.name_len.into(), name_len.into()));
        }
        let local_name = cursor.take(usize::from(name_len))?;
        // Compared as apksig does: decoded, so that two spellings of an undecodable byte are one.
        if local_name != name && String::from_utf8_lossy(local_name) != String::from_utf8_lossy(name) {
            return Err(ParseError {
                structure: STRUCTURE,
                offset: 0,
                kind: ParseErrorKind::Unexpected {
                    expected: format!("name {:?}", String::from_utf8_lossy(name)),
                    found: format!("{:?}", String::from_utf8_lossy(local_name)),
                },
            });
        }
        let deflated = record.method != 0;
        let size = u64::from(if deflated { record.compressed_size } else { record.uncompressed_size });
        let offset = start
            .saturating_add(LFH_SIZE)
            .saturating_add(u64::from(name_len))
            .saturating_add(u64::from(extra_len));
        if offset.saturating_add(size) > cd_offset {
            return Err(ParseError::invalid(
                STRUCTURE,
                0,
                format!(
                    "content of {size} bytes at {offset:#x} reaches beyond the start of the central directory at {cd_offset:#x}"
                ),
            ));
        }
        Ok(EntryData { offset, size, deflated, uncompressed_size: record.uncompressed_size.into() })
    };
    read().map_err(|error| error.at(start))
}

fn expect_magic(cursor: &mut Cursor<'_>, magic: u32) -> Result<(), ParseError> {
    let start = *cursor;
    let found = cursor.u32()?;
    if found == magic {
        return Ok(());
    }
    Err(start.error(ParseErrorKind::Unexpected {
        expected: format!("magic {magic:#010x}"),
        found: format!("{found:#010x}"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eocd(comment_len: u16, comment: &[u8]) -> Vec<u8> {
        let mut bytes = EOCD_MAGIC.to_le_bytes().to_vec();
        bytes.extend([0; 16]);
        bytes.extend(comment_len.to_le_bytes());
        bytes.extend(comment);
        bytes
    }

    #[test]
    fn finds_the_record_whose_comment_ends_with_the_file() {
        assert_eq!(find_eocd(&eocd(0, b"")), Some(0));
        assert_eq!(find_eocd(&eocd(3, b"abc")), Some(0));
        assert_eq!(find_eocd(&eocd(3, b"abcd")), None, "one byte behind the comment");
        assert_eq!(find_eocd(&eocd(3, b"ab")), None, "one byte short of the comment");
        assert_eq!(find_eocd(&[0; 21]), None);
    }

    #[test]
    fn the_installer_takes_the_last_magic() {
        let comment = [b"xx".as_slice(), &eocd(9, b"")].concat();
        let file = eocd(u16::try_from(comment.len()).unwrap(), &comment);
        assert_eq!(find_eocd(&file), Some(0), "the inner record's comment does not end with the file");
        assert_eq!(find_eocd_of_installer(&file), Some(24));
    }

    fn directory_record(name: &[u8], local_header_offset: u32) -> Vec<u8> {
        let mut bytes = CD_MAGIC.to_le_bytes().to_vec();
        bytes.extend([0; 24]);
        bytes.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        bytes.extend([0; 12]);
        bytes.extend(local_header_offset.to_le_bytes());
        bytes.extend(name);
        bytes
    }

    #[test]
    fn parses_as_many_records_as_it_is_told() {
        let bytes = [directory_record(b"a", 7), directory_record(b"bc", 9)].concat();
        let (records, left) = parse_directory(&bytes, 2).unwrap();
        assert_eq!(
            records.iter().map(|record| record.name(&bytes)).collect::<Vec<_>>(),
            [b"a".as_slice(), b"bc"]
        );
        assert_eq!((records[1].local_header_offset, left), (9, 0));
        assert_eq!(parse_directory(&bytes, 1).unwrap().1, 48);
        assert!(parse_directory(&bytes, 3).is_err());
        assert!(parse_directory(&bytes[..bytes.len() - 1], 2).is_err());
    }

    fn local_header(crc32: u32, size: u32, name: &[u8]) -> Vec<u8> {
        let mut bytes = LFH_MAGIC.to_le_bytes().to_vec();
        bytes.extend([0; 10]);
        bytes.extend(crc32.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        bytes.extend([0; 2]);
        bytes.extend(name);
        bytes
    }

    #[test]
    fn a_local_header_must_agree_with_the_directory() {
        let bytes = directory_record(b"a", 100);
        let (records, _) = parse_directory(&bytes, 1).unwrap();
        let mut record = records[0];
        (record.crc32, record.compressed_size, record.uncompressed_size) = (5, 10, 10);
        let data = parse_local_header(&local_header(5, 10, b"a"), &record, b"a", 141).unwrap();
        assert_eq!((data.offset, data.size), (131, 10));
        let error = |header: &[u8], cd_offset| {
            parse_local_header(header, &record, b"a", cd_offset).unwrap_err().to_string()
        };
        assert_eq!(
            error(&local_header(5, 10, b"a"), 140),
            "local file header at 0x64: content of 10 bytes at 0x83 reaches beyond the start of the central directory at 0x8c"
        );
        assert!(error(&local_header(6, 10, b"a"), 141).contains("CRC-32 0x5"));
        assert!(error(&local_header(5, 11, b"a"), 141).contains("compressed size 0xa"));
        assert!(error(&local_header(5, 10, b"b"), 141).contains("expected name \"a\", found \"b\""));
        assert!(error(&local_header(5, 10, b"ab"), 141).contains("name length"));
    }
}
