//! The APK Signing Block: where it lies and which pairs it holds.

use super::Stop;
use super::ZipSections;
use super::too_large;
use crate::Limits;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::format::Cursor;
use crate::format::ParseError;
use crate::format::signing_block;
use crate::format::signing_block::BlockId;
use crate::format::signing_block::FOOTER_SIZE;
use crate::format::signing_block::Pair;
use crate::format::zip;
use crate::limits::Cap;
use crate::source::ByteSource;

/// A signing block, or what is left of one.
#[derive(Debug)]
pub struct SigningBlock {
    /// Where it starts in the file.
    pub offset: u64,
    /// Its size in bytes, both size fields and the magic included.
    pub size: u64,
    /// The pairs up to the first malformed one, in the order of the file.
    pub pairs: Vec<Pair>,
    /// Why Android stops reading: in the frame, so that it sees no block at all, or in the middle of the pairs.
    pub fault: Option<ParseError>,
    /// Whether Android sees no block at all because of `fault`.
    pub unusable: bool,
    /// Where the first byte of verity padding stands that is not zero, from the start of the file. Of a block of more
    /// than 1 MiB, whose values are not read for this, it is not known.
    pub padding_not_zero: Option<u64>,
}

impl SigningBlock {
    /// The first pair of that id, which is the one that Android reads.
    pub fn first(&self, id: BlockId) -> Option<Pair> {
        self.pairs.iter().copied().find(|pair| pair.id == id && !self.unusable)
    }

    /// Where the value of `pair` starts in the file.
    pub fn value_offset(&self, pair: Pair) -> u64 {
        self.offset.saturating_add(8).saturating_add(pair.offset)
    }

    /// Reads the value of `pair`.
    pub(crate) fn value(
        &self,
        pair: Pair,
        source: &dyn ByteSource,
        limits: &Limits,
    ) -> Result<Vec<u8>, Stop> {
        let cap = Cap::new("signing-block-pair", limits.signing_block_pair);
        if pair.len > cap.most {
            return Err(too_large(
                &format!("the value of pair {} of the signing block", pair.id),
                pair.len,
                cap,
            ));
        }
        Ok(source.read_vec_at(self.value_offset(pair), pair.len)?)
    }
}

/// Finds the block directly before the Central Directory.
///
/// Source: apksig `ApkUtilsLite.findApkSigningBlock`; AOSP `ApkSigningBlockUtils.findApkSigningBlock`.
pub(super) fn find(
    source: &dyn ByteSource,
    sections: &ZipSections,
    limits: &Limits,
) -> Result<Option<SigningBlock>, Stop> {
    let cd_offset = sections.cd_offset;
    if cd_offset < signing_block::MIN_SIZE {
        return Ok(None);
    }
    let mut footer = [0; 24];
    source.read_exact_at(&mut footer, cd_offset - FOOTER_SIZE)?;
    // Where it begins is as its end says, when that can be.
    let unusable_of = |size: u64, fault: ParseError| {
        Ok(Some(SigningBlock {
            offset: cd_offset - size,
            size,
            pairs: Vec::new(),
            fault: Some(fault),
            unusable: true,
            padding_not_zero: None,
        }))
    };
    let size = match signing_block::parse_footer(&footer) {
        Ok(None) => return Ok(None),
        Ok(Some(size)) => size,
        Err(fault) => return unusable_of(FOOTER_SIZE, fault.at(cd_offset - FOOTER_SIZE)),
    };
    let unusable = |fault: ParseError| unusable_of(if size <= cd_offset { size } else { FOOTER_SIZE }, fault);
    let footer_fault =
        |message: String| ParseError::invalid("signing block", cd_offset - FOOTER_SIZE, message);
    if cd_offset + sections.cd_size != sections.eocd_offset {
        return unusable(footer_fault(format!(
            "the central directory ends at {:#x}, its end record starts at {:#x}: bytes lie between them",
            cd_offset + sections.cd_size,
            sections.eocd_offset
        )));
    }
    if has_zip64_locator(source, sections.eocd_offset)? {
        return unusable(footer_fault(
            "the archive is ZIP64, which Android does not take with a signing block".to_owned(),
        ));
    }
    let Some(offset) = cd_offset.checked_sub(size) else {
        return unusable(footer_fault(format!("a block of {size} bytes would start before the file")));
    };
    let mut head = [0; 8];
    source.read_exact_at(&mut head, offset)?;
    let head = u64::from_le_bytes(head);
    if head != size - 8 {
        return unusable(footer_fault(format!("size {head} at its start, {} at its end", size - 8)));
    }
    let area = size - 8 - FOOTER_SIZE;
    let ReadPairs { pairs, fault, padding_not_zero } = read_pairs(source, offset + 8, area, limits)?;
    Ok(Some(SigningBlock { offset, size, pairs, fault, unusable: false, padding_not_zero }))
}

/// Whether a ZIP64 locator stands where Android looks for one.
///
/// Source: AOSP `ZipUtils.isZip64EndOfCentralDirectoryLocatorPresent`.
pub(super) fn has_zip64_locator(source: &dyn ByteSource, eocd_offset: u64) -> Result<bool, Stop> {
    let Some(at) = eocd_offset.checked_sub(zip::ZIP64_LOCATOR_SIZE) else { return Ok(false) };
    let mut magic = [0; 4];
    source.read_exact_at(&mut magic, at)?;
    Ok(u32::from_le_bytes(magic) == zip::ZIP64_LOCATOR_MAGIC)
}

struct ReadPairs {
    pairs: Vec<Pair>,
    fault: Option<ParseError>,
    padding_not_zero: Option<u64>,
}

fn read_pairs(source: &dyn ByteSource, start: u64, area: u64, limits: &Limits) -> Result<ReadPairs, Stop> {
    // A block of usual size is read at once; of a large one only the headers.
    const AT_ONCE: u64 = 1 << 20;
    let whole = if area <= AT_ONCE { Some(source.read_vec_at(start, area)?) } else { None };
    let mut read = ReadPairs { pairs: Vec::new(), fault: None, padding_not_zero: None };
    let mut offset = 0;
    while offset < area {
        // Android has no such caps: what stands behind one decides there, so it must not be taken for absent here.
        let most = limits.signing_block_pairs;
        if read.pairs.len() == most {
            return Err(Finding::new(FindingCode::LimitExceeded)
                .detail("the pairs of the signing block")
                .offset(start + offset)
                .values(Cap::number("signing-block-pairs", most).in_words(""), format!("more than {most}"))
                .into());
        }
        let cap = Cap::new("signing-block", limits.signing_block);
        if area > cap.most {
            return Err(too_large("the signing block", area, cap));
        }
        let len = (area - offset).min(signing_block::PAIR_HEADER_SIZE as u64);
        let header = match &whole {
            Some(bytes) => {
                let mut cursor = Cursor::new("signing block", bytes);
                let at = usize::try_from(offset).unwrap_or(usize::MAX);
                let header = cursor.take(at).and_then(|_| cursor.take(usize::try_from(len).unwrap_or(0)));
                header.unwrap_or_default().to_vec()
            }
            None => source.read_vec_at(start + offset, len)?,
        };
        match signing_block::parse_pair(&header, offset, area) {
            Ok(pair) => {
                offset = pair.offset.saturating_add(pair.len);
                let not_zero = || first_not_zero(pair, whole.as_deref()?).map(|at| start + at);
                read.padding_not_zero = read.padding_not_zero.or_else(not_zero);
                read.pairs.push(pair);
            }
            Err(fault) => {
                read.fault = Some(fault.at(start));
                break;
            }
        }
    }
    Ok(read)
}

/// Where the first byte of a padding pair stands that is not zero, from the first of `pairs`.
fn first_not_zero(pair: Pair, pairs: &[u8]) -> Option<u64> {
    if pair.id != BlockId::VERITY_PADDING {
        return None;
    }
    let start = usize::try_from(pair.offset).ok()?;
    let len = usize::try_from(pair.len).ok()?;
    let value = pairs.get(start..)?.get(..len)?;
    let at = value.iter().position(|octet| *octet != 0)?;
    Some(pair.offset + at as u64)
}
