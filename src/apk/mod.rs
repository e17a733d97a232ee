//! An APK as it lies in its file: sections, directory, signing block and what the manifest claims, each read once.
//!
//! Takes a [`ByteSource`], gives facts. What they prove is for [`crate::scheme`].

mod ambiguity;
mod appearance;
mod entry;
mod identity;
mod layout;
pub(crate) mod manifest;
mod picture;
mod signing_block;
mod splits;

use std::io;
use std::sync::OnceLock;

use crate::Error;
use crate::Limits;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::format::lineage;
use crate::format::zip;
use crate::format::zip::DirectoryRecord;
use crate::format::zip::Eocd;
use crate::limits::Cap;
use crate::source::ByteSource;

pub use appearance::Appearance;
pub use entry::EntryReader;
pub use identity::AppIdentity;
pub use identity::Icon;
pub use identity::IconFile;
pub use identity::Label;
pub use identity::LabelVariant;
pub use identity::Launcher;
pub use identity::Split;
pub use layout::EntryLayout;
pub use layout::Gap;
pub use layout::GapContent;
pub use layout::GapPlace;
pub use layout::Layout;
pub use layout::Overlap;
pub use manifest::ManifestFacts;
pub(crate) use manifest::ReadManifest;
pub use picture::NoPicture;
pub use picture::Picture;
pub use picture::PictureFormat;
pub use signing_block::SigningBlock;
pub use splits::SplitFacts;

/// Why reading stopped: because we could not look, or because of what the file is.
#[derive(Debug)]
pub enum Stop {
    /// We could not look.
    Error(Error),
    /// The file is not an APK that can be read that far.
    Malformed(Box<Finding>),
}

impl From<Finding> for Stop {
    fn from(finding: Finding) -> Self {
        Self::Malformed(Box::new(finding))
    }
}

impl From<io::Error> for Stop {
    /// All reads are inside the size that the file had at the start, so an early end means that it shrank.
    fn from(error: io::Error) -> Self {
        Self::Error(match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::Changed("it became shorter".to_owned()),
            _ => Error::Read(error),
        })
    }
}

/// Where the sections of the file lie. All offsets are from its start, in bytes.
#[derive(Debug, Clone)]
pub struct ZipSections {
    /// Start of the Central Directory.
    pub cd_offset: u64,
    /// Size of the Central Directory.
    pub cd_size: u64,
    /// How many records the Central Directory says it has.
    pub records: u16,
    /// Whether the end-of-central-directory record points to one of ZIP64, or a locator of ZIP64 stands before it.
    pub zip64: bool,
    /// Whether the end-of-central-directory record points to one of ZIP64, by which the installer then goes.
    pub zip64_end: bool,
    /// Start of the end-of-central-directory record.
    pub eocd_offset: u64,
    /// That record with its comment.
    pub eocd: Vec<u8>,
    /// Whether the installer would go by another record, and so refuse the file.
    pub installer_disagrees: bool,
}

/// The Central Directory.
#[derive(Debug)]
pub struct Directory {
    bytes: Vec<u8>,
    records: Vec<DirectoryRecord>,
    folders: Vec<DirectoryRecord>,
    slack: u64,
}

impl Directory {
    /// The records in their order, without those whose name ends in `/`, as apksig reads them.
    pub fn records(&self) -> &[DirectoryRecord] {
        &self.records
    }

    /// Those whose name ends in `/`, in their order.
    pub fn folders(&self) -> &[DirectoryRecord] {
        &self.folders
    }

    /// How many bytes of the directory lie behind its last record.
    pub fn slack(&self) -> u64 {
        self.slack
    }

    /// The extra field of a record, as bytes.
    pub fn extra(&self, record: &DirectoryRecord) -> &[u8] {
        record.extra(&self.bytes)
    }

    /// The name of a record, as bytes.
    pub fn name(&self, record: &DirectoryRecord) -> &[u8] {
        record.name(&self.bytes)
    }

    /// The first record of that name.
    pub fn find(&self, name: &str) -> Option<&DirectoryRecord> {
        self.records.iter().find(|record| self.name(record) == name.as_bytes())
    }
}

/// An opened APK.
pub struct Apk<'s> {
    source: &'s dyn ByteSource,
    limits: &'s Limits,
    sections: ZipSections,
    directory: OnceLock<Directory>,
    signing_block: OnceLock<Option<SigningBlock>>,
}

impl<'s> Apk<'s> {
    /// Finds the sections of the file.
    ///
    /// # Errors
    /// [`Stop::Malformed`] when it is not a ZIP archive, or when its directory lies outside.
    ///
    /// Source: apksig `ApkUtilsLite.findZipSections`.
    pub fn open(source: &'s dyn ByteSource, limits: &'s Limits) -> Result<Self, Stop> {
        let sections = find_sections(source)?;
        Ok(Self { source, limits, sections, directory: OnceLock::new(), signing_block: OnceLock::new() })
    }

    /// The bytes behind it.
    pub fn source(&self) -> &'s dyn ByteSource {
        self.source
    }

    /// The caps it was opened with.
    pub fn limits(&self) -> &'s Limits {
        self.limits
    }

    /// Where its sections lie.
    pub fn sections(&self) -> &ZipSections {
        &self.sections
    }

    /// The Central Directory, parsed on the first call.
    ///
    /// # Errors
    /// [`Stop::Malformed`] when a record is malformed or the directory is larger than the limit.
    pub fn directory(&self) -> Result<&Directory, Stop> {
        if let Some(directory) = self.directory.get() {
            return Ok(directory);
        }
        let ZipSections { cd_offset, cd_size, records, .. } = self.sections;
        let cap = Cap::new("central-directory", self.limits.central_directory);
        if cd_size > cap.most {
            return Err(too_large("the central directory", cd_size, cap));
        }
        let bytes = self.source.read_vec_at(cd_offset, cd_size)?;
        let (mut records, slack) = zip::parse_directory(&bytes, records).map_err(|error| {
            Finding::new(FindingCode::ZipBadDirectory)
                .offset(cd_offset + error.offset)
                .detail(error.at(cd_offset).to_string())
        })?;
        let folders = records.extract_if(.., |record| record.name(&bytes).ends_with(b"/")).collect();
        let slack = slack as u64;
        Ok(self.directory.get_or_init(|| Directory { bytes, records, folders, slack }))
    }

    /// The APK Signing Block, if Android finds one; its frame is read on the first call.
    ///
    /// # Errors
    /// Only when the bytes cannot be had: a broken block is absent, with the reason kept beside it.
    pub fn signing_block(&self) -> Result<Option<&SigningBlock>, Stop> {
        if self.signing_block.get().is_none() {
            let block = signing_block::find(self.source, &self.sections, self.limits)?;
            return Ok(self.signing_block.get_or_init(|| block).as_ref());
        }
        Ok(self.signing_block.get().and_then(Option::as_ref))
    }
}

/// The finding for something beyond its limit.
pub(crate) fn too_large(what: &str, size: u64, cap: Cap) -> Stop {
    Finding::new(FindingCode::LimitExceeded)
        .detail(what)
        .values(cap.in_words(" bytes"), format!("{size} bytes"))
        .into()
}

fn find_sections(source: &dyn ByteSource) -> Result<ZipSections, Stop> {
    let size = source.len();
    let minimum = zip::EOCD_SIZE as u64;
    if size < minimum {
        return Err(no_eocd(source)?.into());
    }
    // Nearly all files have no comment, so their last 22 bytes are enough.
    let mut tail = source.read_vec_at(size - minimum, minimum)?;
    let mut at = zip::find_eocd(&tail);
    if at.is_none() {
        let longest = size.min(minimum + u64::from(u16::MAX));
        tail = source.read_vec_at(size - longest, longest)?;
        at = zip::find_eocd(&tail);
    }
    let Some(at) = at else {
        return Err(no_eocd(source)?.into());
    };
    let installer_disagrees = zip::find_eocd_of_installer(&tail) != Some(at);
    let eocd_offset = size - tail.len() as u64 + at as u64;
    let eocd_bytes = tail.split_off(at);
    let malformed =
        |detail: String| Finding::new(FindingCode::ZipBadSections).offset(eocd_offset).detail(detail);
    let eocd = Eocd::parse(&eocd_bytes).map_err(|error| malformed(error.to_string()))?;
    let (cd_offset, cd_size) = (u64::from(eocd.cd_offset), u64::from(eocd.cd_size));
    if cd_offset + cd_size > eocd_offset {
        return Err(malformed(format!(
            "the central directory of {cd_size} bytes at {cd_offset:#x} reaches beyond its end record at {eocd_offset:#x}"
        ))
        .into());
    }
    let points_to_zip64 = eocd.points_to_zip64();
    let has_locator = signing_block::has_zip64_locator(source, eocd_offset)?;
    Ok(ZipSections {
        cd_offset,
        cd_size,
        records: eocd.records,
        zip64: points_to_zip64 || has_locator,
        zip64_end: points_to_zip64 && has_locator,
        eocd_offset,
        eocd: eocd_bytes,
        installer_disagrees,
    })
}

/// Says what the file looks like instead of a ZIP archive.
fn no_eocd(source: &dyn ByteSource) -> Result<Finding, Stop> {
    let start = source.read_vec_at(0, source.len().min(512))?;
    let text =
        !start.is_empty() && start.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e));
    let (looks_like, zh) = if start.is_empty() {
        ("the file is empty", "文件为空")
    } else if start.starts_with(&zip::LFH_MAGIC.to_le_bytes()) {
        (
            "it starts like one, but does not end like one: it is truncated, or bytes are appended",
            "开头像 ZIP，结尾不像：被截断，或追加了字节",
        )
    } else if start.starts_with(&[0x7f, b'E', b'L', b'F']) {
        ("it is an ELF binary", "是 ELF 二进制文件")
    } else if start.starts_with(b"dex\n") {
        ("it is a DEX file", "是 DEX 文件")
    } else if start.starts_with(b"\x1f\x8b") {
        ("it is gzip data", "是 gzip 数据")
    } else if start.starts_with(&lineage::FILE_MAGIC.to_le_bytes()) {
        ("it is a lineage file, which `apkvouch inspect` shows", "是谱系文件，可用 `apkvouch inspect` 查看")
    } else if start.get(257..262) == Some(b"ustar") {
        ("it is a tar archive", "是 tar 归档")
    } else if text {
        ("it is a text file", "是文本文件")
    } else {
        ("it starts with other data", "以其他数据开头")
    };
    Ok(Finding::new(FindingCode::ZipNoEocd).detail(looks_like).detail_zh(zh))
}
