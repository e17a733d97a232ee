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
/// Id of the extra field in which ZIP64 keeps what does not fit (specification, 4.5.3).
pub const ZIP64_EXTRA_ID: u16 = 0x0001;
/// Optional magic of a data descriptor.
pub const DATA_DESCRIPTOR_MAGIC: u32 = 0x0807_4b50;
/// Size of the longest data descriptor in bytes: magic, CRC-32 and two sizes of eight bytes.
pub const DATA_DESCRIPTOR_MAX_SIZE: u64 = 24;

/// General-purpose flag: sizes and CRC follow the data.
pub const FLAG_DATA_DESCRIPTOR: u16 = 0x0008;
/// General-purpose flags that say that something is encrypted: the content, strongly, and the headers (specification,
/// 4.4.4). Android ignores them.
pub const FLAGS_ENCRYPTED: u16 = 0x0001 | 0x0040 | 0x2000;
/// Compression method of content that stands there as it is.
pub const METHOD_STORED: u16 = 0;
/// Compression method deflate.
pub const METHOD_DEFLATED: u16 = 8;

/// The end-of-central-directory record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Eocd {
    /// How many records the Central Directory holds, from the total-count field.
    pub records: u16,
    /// How many of them are on this disk, says a field that Android does not go by.
    pub records_on_disk: u16,
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
        cursor.take(4)?; // disk numbers: neither Android nor apksig looks at them
        let records_on_disk = cursor.u16()?;
        Ok(Self {
            records: cursor.u16()?,
            records_on_disk,
            cd_size: cursor.u32()?,
            cd_offset: cursor.u32()?,
            comment_len: cursor.u16()?,
        })
    }

    /// Whether a field holds the value that stands for "see the ZIP64 record".
    ///
    /// Source: AOSP `libziparchive`, `FindCentralDirectoryInfo`, which then looks for that record alone.
    pub fn points_to_zip64(&self) -> bool {
        [self.records, self.records_on_disk, self.comment_len].contains(&u16::MAX)
            || [self.cd_size, self.cd_offset].contains(&u32::MAX)
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
    /// Where the record starts in the Central Directory.
    pub start: u32,
    /// Where the name starts in the Central Directory.
    pub name_start: u32,
    /// Length of the name in bytes.
    pub name_len: u16,
    /// Length of the extra field behind it, in bytes.
    pub extra_len: u16,
    /// Length of the comment behind that, in bytes.
    pub comment_len: u16,
    /// What wrote it: the operating system in the upper byte, the version of ZIP in the lower.
    pub made_by: u16,
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
    /// Attributes of the file where it came from; their meaning depends on the operating system.
    pub external_attributes: u32,
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

    /// The extra field as bytes; `directory` is what the record was parsed from.
    pub fn extra<'a>(&self, directory: &'a [u8]) -> &'a [u8] {
        usize::try_from(self.name_start)
            .ok()
            .and_then(|start| start.checked_add(usize::from(self.name_len)))
            .and_then(|start| directory.get(start..start.checked_add(usize::from(self.extra_len))?))
            .unwrap_or_default()
    }

    /// Size of the content as Android takes it from the file: for a stored entry that is the uncompressed size.
    pub fn stored_size(&self) -> u64 {
        u64::from(if self.method == METHOD_STORED { self.uncompressed_size } else { self.compressed_size })
    }

    /// Whether the entry says that it is a symbolic link of Unix.
    pub fn is_symbolic_link(&self) -> bool {
        const UNIX: u16 = 3;
        const OS_X: u16 = 19;
        const KIND: u32 = 0xf000_0000;
        const LINK: u32 = 0xa000_0000;
        let [_, system] = self.made_by.to_le_bytes();
        [UNIX, OS_X].contains(&u16::from(system)) && self.external_attributes & KIND == LINK
    }

    /// How many bytes are read or inflated to have the content, whichever are more; at most, since a record cannot
    /// announce less than there is.
    pub fn work(&self) -> u64 {
        self.stored_size().max(self.uncompressed_size.into())
    }

    /// Whether a field holds the value that stands for "see the extra field of ZIP64".
    pub fn points_to_zip64(&self) -> bool {
        [self.compressed_size, self.uncompressed_size, self.local_header_offset].contains(&u32::MAX)
    }
}

/// Whether an extra field has a part of that id. What does not divide into parts is not looked at further.
pub fn extra_has(extra: &[u8], id: u16) -> bool {
    let mut cursor = Cursor::new("extra field", extra);
    while let (Ok(found), Ok(len)) = (cursor.u16(), cursor.u16()) {
        if found == id {
            return true;
        }
        if cursor.take(usize::from(len)).is_err() {
            return false;
        }
    }
    false
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
    let beyond = |offset| ParseError::invalid("central directory record", offset, "beyond 4 GiB");
    for _ in 0..count {
        let start = u32::try_from(cursor.offset()).map_err(|_| beyond(cursor.offset()))?;
        expect_magic(&mut cursor, CD_MAGIC)?;
        let made_by = cursor.u16()?;
        cursor.take(2)?; // version needed
        let flags = cursor.u16()?;
        let method = cursor.u16()?;
        cursor.take(4)?; // time, date
        let crc32 = cursor.u32()?;
        let compressed_size = cursor.u32()?;
        let uncompressed_size = cursor.u32()?;
        let name_len = cursor.u16()?;
        let extra_len = cursor.u16()?;
        let comment_len = cursor.u16()?;
        cursor.take(4)?; // disk, internal attributes
        let external_attributes = cursor.u32()?;
        let local_header_offset = cursor.u32()?;
        let name_start = u32::try_from(cursor.offset()).map_err(|_| beyond(cursor.offset()))?;
        cursor.take(usize::from(name_len))?;
        cursor.take(usize::from(extra_len))?;
        cursor.take(usize::from(comment_len))?;
        records.push(DirectoryRecord {
            start,
            name_start,
            name_len,
            extra_len,
            comment_len,
            made_by,
            flags,
            method,
            crc32,
            compressed_size,
            uncompressed_size,
            external_attributes,
            local_header_offset,
        });
    }
    Ok((records, cursor.remaining()))
}

/// A local file header, as it stands in front of the content of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalHeader {
    /// General-purpose flags.
    pub flags: u16,
    /// Compression method. Android goes by the directory's.
    pub method: u16,
    /// CRC-32 of the content; 0 as a rule when a data descriptor follows.
    pub crc32: u32,
    /// Size of the content as it lies in the file, in bytes; 0 as a rule when a data descriptor follows.
    pub compressed_size: u32,
    /// Size of the content, in bytes; 0 as a rule when a data descriptor follows.
    pub uncompressed_size: u32,
    /// Length of the name in bytes.
    pub name_len: u16,
    /// Length of the extra field in bytes.
    pub extra_len: u16,
}

impl LocalHeader {
    /// Reads the 30 bytes at the start of `bytes`.
    ///
    /// # Errors
    /// Too few bytes, or another magic.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(LOCAL_HEADER, bytes);
        Self::next(&mut cursor)
    }

    fn next(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        expect_magic(cursor, LFH_MAGIC)?;
        cursor.take(2)?; // version
        let flags = cursor.u16()?;
        let method = cursor.u16()?;
        cursor.take(4)?; // time, date
        Ok(Self {
            flags,
            method,
            crc32: cursor.u32()?,
            compressed_size: cursor.u32()?,
            uncompressed_size: cursor.u32()?,
            name_len: cursor.u16()?,
            extra_len: cursor.u16()?,
        })
    }

    /// Size of the header with its name and extra field, in bytes.
    pub fn size(&self) -> u64 {
        LFH_SIZE.saturating_add(u64::from(self.name_len)).saturating_add(u64::from(self.extra_len))
    }

    /// Whether CRC and sizes follow the content instead of standing here.
    pub fn has_data_descriptor(&self) -> bool {
        self.flags & FLAG_DATA_DESCRIPTOR != 0
    }
}

const LOCAL_HEADER: &str = "local file header";

/// A data descriptor: CRC and sizes behind the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataDescriptor {
    /// Its size in bytes: 12 or 16, or 20 or 24 with sizes of eight bytes; 0 when none can be made out.
    pub size: u64,
    /// Whether it says what the directory says.
    pub agrees: bool,
}

impl DataDescriptor {
    /// Reads the descriptor at the start of `bytes`, which hold [`DATA_DESCRIPTOR_MAX_SIZE`] bytes, or all that follow
    /// the content.
    ///
    /// Nothing says which of its forms a descriptor has. The one that agrees with the directory is taken; else the
    /// usual one, if its magic is there.
    ///
    /// Source: AOSP `libziparchive`, `ValidateDataDescriptor`.
    pub fn parse(bytes: &[u8], record: &DirectoryRecord) -> Self {
        let (magic, fields) = match bytes.strip_prefix(&DATA_DESCRIPTOR_MAGIC.to_le_bytes()) {
            Some(fields) => (4, fields),
            None => (0, bytes),
        };
        let narrow = |cursor: &mut Cursor<'_>| cursor.u32().map(u64::from);
        let wide = |cursor: &mut Cursor<'_>| cursor.u64();
        let agrees = |size: &dyn Fn(&mut Cursor<'_>) -> Result<u64, ParseError>| {
            let mut cursor = Cursor::new("data descriptor", fields);
            cursor.u32() == Ok(record.crc32)
                && size(&mut cursor) == Ok(record.compressed_size.into())
                && size(&mut cursor) == Ok(record.uncompressed_size.into())
        };
        let size = |fields: u64| fields.saturating_add(magic);
        match (agrees(&narrow), agrees(&wide)) {
            (true, _) => Self { size: size(12), agrees: true },
            (_, true) => Self { size: size(20), agrees: true },
            _ if magic > 0 && fields.len() >= 12 => Self { size: size(12), agrees: false },
            _ => Self { size: 0, agrees: false },
        }
    }
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
    let start = u64::from(record.local_header_offset);
    let mut cursor = Cursor::new(LOCAL_HEADER, header);
    let mut read = || -> Result<EntryData, ParseError> {
        let local = LocalHeader::next(&mut cursor)?;
        let differs = |what: &str, directory: u64, local: u64| ParseError {
            structure: LOCAL_HEADER,
            offset: 0,
            kind: ParseErrorKind::Unexpected {
                expected: format!("{what} {directory:#x} as in the central directory"),
                found: format!("{local:#x}"),
            },
        };
        if (local.flags ^ record.flags) & FLAG_DATA_DESCRIPTOR != 0 {
            return Err(differs("data-descriptor flag in", record.flags.into(), local.flags.into()));
        }
        if !local.has_data_descriptor() {
            for (what, directory, local) in [
                ("CRC-32", record.crc32, local.crc32),
                ("compressed size", record.compressed_size, local.compressed_size),
                ("uncompressed size", record.uncompressed_size, local.uncompressed_size),
            ] {
                if directory != local {
                    return Err(differs(what, directory.into(), local.into()));
                }
            }
        }
        if local.name_len > record.name_len {
            return Err(differs("name length", record.name_len.into(), local.name_len.into()));
        }
        let local_name = cursor.take(usize::from(local.name_len))?;
        // Compared as apksig does: decoded, so that two spellings of an undecodable byte are one.
        if local_name != name && String::from_utf8_lossy(local_name) != String::from_utf8_lossy(name) {
            return Err(ParseError {
                structure: LOCAL_HEADER,
                offset: 0,
                kind: ParseErrorKind::Unexpected {
                    expected: format!("name {:?}", String::from_utf8_lossy(name)),
                    found: format!("{:?}", String::from_utf8_lossy(local_name)),
                },
            });
        }
        let (offset, size) = (start.saturating_add(local.size()), record.stored_size());
        if offset.saturating_add(size) > cd_offset {
            return Err(ParseError::invalid(
                LOCAL_HEADER,
                0,
                format!(
                    "content of {size} bytes at {offset:#x} reaches beyond the start of the central directory at {cd_offset:#x}"
                ),
            ));
        }
        let deflated = record.method != METHOD_STORED;
        Ok(EntryData { offset, size, deflated, uncompressed_size: record.uncompressed_size.into() })
    };
    read().map_err(|error| error.at(start))
}

/// Whether Android opens an archive with an entry of that name: no NUL, and what its own reader takes for UTF-8.
///
/// Looser than UTF-8 is: overlong forms, surrogates and sequences of up to six bytes pass.
///
/// Source: AOSP `libziparchive`, `IsValidEntryName`, Android 5.0 and newer.
pub fn name_is_allowed(name: &[u8]) -> bool {
    let mut rest = name.iter();
    while let Some(byte) = rest.next() {
        let continuations = match byte.leading_ones() {
            0 if *byte == 0 => return false,
            0 => 0,
            1 | 7 | 8 => return false,
            ones => ones.saturating_sub(1),
        };
        for _ in 0..continuations {
            if rest.next().is_none_or(|byte| byte.leading_ones() != 1) {
                return false;
            }
        }
    }
    true
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
    fn twice_as_many_records_are_twice_the_work() {
        crate::work::doubles(
            |count| (directory_record(b"name", 7).repeat(count), u16::try_from(count).unwrap()),
            |(bytes, count)| assert_eq!(parse_directory(bytes, *count).unwrap().1, 0),
        );
        let extra = |count: usize| [&[1, 2, 4, 0, 9, 9, 9, 9][..]].concat().repeat(count);
        crate::work::doubles(extra, |bytes| assert!(!extra_has(bytes, 7)));
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

    #[test]
    fn a_data_descriptor_has_four_forms() {
        let bytes = directory_record(b"a", 0);
        let mut record = parse_directory(&bytes, 1).unwrap().0[0];
        (record.crc32, record.compressed_size, record.uncompressed_size) = (5, 10, 11);
        let narrow = [5_u32, 10, 11].iter().flat_map(|field| field.to_le_bytes()).collect::<Vec<_>>();
        let wide = [5_u32, 10, 0, 11, 0].iter().flat_map(|field| field.to_le_bytes()).collect::<Vec<_>>();
        let magic = DATA_DESCRIPTOR_MAGIC.to_le_bytes();
        let parse = |parts: &[&[u8]]| {
            let descriptor = DataDescriptor::parse(&parts.concat(), &record);
            (descriptor.size, descriptor.agrees)
        };
        assert_eq!(parse(&[&narrow, b"PK\x03\x04"]), (12, true));
        assert_eq!(parse(&[&magic, &narrow]), (16, true));
        assert_eq!(parse(&[&wide]), (20, true));
        assert_eq!(parse(&[&magic, &wide]), (24, true));
        assert_eq!(parse(&[&magic, &narrow[1..], b"\x01"]), (16, false));
        assert_eq!(parse(&[&narrow[1..], b"\x01"]), (0, false));
        assert_eq!(parse(&[]), (0, false));
    }

    #[test]
    fn names_are_allowed_by_androids_idea_of_utf_8() {
        for name in ["", "classes.dex", "res/é.png", "中文.txt", "a\nb", "😀"] {
            assert!(name_is_allowed(name.as_bytes()), "{name:?}");
        }
        // A surrogate as Java writes it, an overlong slash, six bytes: not UTF-8, but Android does not mind.
        for name in [&b"\xed\xa0\xbd\xed\xb8\x80"[..], b"\xc0\xaf", b"\xfc\x80\x80\x80\x80\x80"] {
            assert!(name_is_allowed(name), "{name:x?}");
        }
        for name in
            [&b"a\0"[..], b"\x80", b"\xc3", b"\xc3(", b"\xe4\xb8", b"\xfe\x80", b"\xff", b"\xd6\xd0\xce\xc4"]
        {
            assert!(!name_is_allowed(name), "{name:x?}");
        }
    }

    #[test]
    fn extra_fields_are_searched_by_id() {
        let field =
            [0xd935_u16, 2, 4, ZIP64_EXTRA_ID, 0].iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>();
        assert!(extra_has(&field, ZIP64_EXTRA_ID) && extra_has(&field, 0xd935));
        assert!(!extra_has(&field, 4) && !extra_has(&field[..9], ZIP64_EXTRA_ID) && !extra_has(b"", 0));
        // Zeros that fill up read as a part of no length with the id 0.
        assert!(!extra_has(&[0; 7], ZIP64_EXTRA_ID));
    }

    #[test]
    fn a_symbolic_link_is_one_of_unix() {
        let mut bytes = directory_record(b"a", 0);
        bytes[38..42].copy_from_slice(&0xa1ff_0000_u32.to_le_bytes());
        let is_link = |bytes: &[u8]| parse_directory(bytes, 1).unwrap().0[0].is_symbolic_link();
        assert!(!is_link(&bytes), "made by MS-DOS");
        bytes[5] = 3;
        assert!(is_link(&bytes));
        bytes[41] = 0x81;
        assert!(!is_link(&bytes), "a regular file");
    }
}
