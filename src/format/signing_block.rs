//! The APK Signing Block: a frame of sizes and magic around pairs of id and value.
//!
//! Source: [APK Signature Scheme v2, APK Signing Block][spec]; apksig `ApkUtils.findApkSigningBlock`,
//! `ApkSigningBlockUtils.findApkSignatureSchemeBlock`.
//!
//! [spec]: https://source.android.com/docs/security/features/apksigning/v2#apk-signing-block

use std::fmt;

use super::Cursor;
use super::ParseError;
use super::ParseErrorKind;

/// The last 16 bytes of the block.
pub const MAGIC: &[u8; 16] = b"APK Sig Block 42";
/// Size of the trailing size field and magic, in bytes.
pub const FOOTER_SIZE: u64 = 24;
/// Smallest distance between the start of the file and the Central Directory that leaves room for a block.
pub const MIN_SIZE: u64 = 32;

/// Id of a pair in the signing block. Unknown ones keep their value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockId(pub u32);

impl BlockId {
    /// APK Signature Scheme v2 (apksig `V2SchemeConstants`).
    pub const V2: Self = Self(0x7109_871a);
    /// APK Signature Scheme v3 (apksig `V3SchemeConstants`).
    pub const V3: Self = Self(0xf053_68c0);
    /// APK Signature Scheme v3.1 (apksig `V3SchemeConstants`).
    pub const V3_1: Self = Self(0x1b93_ad61);
    /// APK Signature Scheme v3.2, hybrid (AOSP `ApkSignatureSchemeV3Verifier`).
    pub const V3_2: Self = Self(0x70e1_c89f);
    /// Zeros that align the block for the verity digest (apksig `ApkSigningBlockUtils`).
    pub const VERITY_PADDING: Self = Self(0x4272_6577);
    /// Source stamp, first form (apksig `SourceStampConstants`).
    pub const SOURCE_STAMP_V1: Self = Self(0x2b09_189e);
    /// Source stamp, second form (apksig `SourceStampConstants`).
    pub const SOURCE_STAMP_V2: Self = Self(0x6dff_800d);
    /// What Google Play adds to the APKs that it hands out (avast `apkverifier`, `frosting.go`).
    pub const PLAY_FROSTING: Self = Self(0x2146_444e);
    /// Dependencies of the app, encrypted to Google Play (Android Gradle Plugin, signflinger).
    pub const DEPENDENCY_INFO: Self = Self(0x504b_4453);
    /// Channel of Meituan's Walle (walle `ApkUtil.APK_CHANNEL_BLOCK_ID`).
    pub const WALLE_CHANNEL: Self = Self(0x7177_7777);
    /// Channel of Tencent's VasDolly (VasDolly `ChannelConstants.CHANNEL_BLOCK_ID`).
    pub const VASDOLLY_CHANNEL: Self = Self(0x8811_55ff);
    /// Channel of packer-ng, second form (packer-ng-plugin `PackerCommon.CHANNEL_BLOCK_ID`).
    pub const PACKER_NG_CHANNEL: Self = Self(0x7a78_6b21);
    /// "Zero block", seen in the wild; nobody says what writes it (apk-info).
    pub const ZERO_BLOCK: Self = Self(0xff3b_5998);

    /// What pairs of this id are, as far as anybody has published it.
    pub fn meaning(self) -> Option<&'static str> {
        Some(match self {
            Self::V2 => "APK Signature Scheme v2",
            Self::V3 => "APK Signature Scheme v3",
            Self::V3_1 => "APK Signature Scheme v3.1",
            Self::V3_2 => "APK Signature Scheme v3.2",
            Self::VERITY_PADDING => "verity padding",
            Self::SOURCE_STAMP_V1 => "source stamp, first form",
            Self::SOURCE_STAMP_V2 => "source stamp",
            Self::PLAY_FROSTING => "Play frosting",
            Self::DEPENDENCY_INFO => "dependency info",
            Self::WALLE_CHANNEL => "Walle channel",
            Self::VASDOLLY_CHANNEL => "VasDolly channel",
            Self::PACKER_NG_CHANNEL => "packer-ng channel",
            Self::ZERO_BLOCK => "zero block",
            _ => return None,
        })
    }
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

impl fmt::Debug for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads the block size from the 24 bytes before the Central Directory.
///
/// `Ok(None)` when the magic is not there: no block. The size is that of the whole block, its leading size field
/// included, in bytes.
///
/// # Errors
/// A size that Android refuses, which makes it treat the block as absent.
pub fn parse_footer(footer: &[u8; 24]) -> Result<Option<u64>, ParseError> {
    let mut cursor = Cursor::new("signing block footer", footer);
    let start = cursor;
    let size = cursor.u64()?;
    if cursor.take(16)? != MAGIC {
        return Ok(None);
    }
    // The size field does not count itself; Java holds the total in an int.
    let total = size.saturating_add(8);
    if size < FOOTER_SIZE || total > 0x7fff_ffff {
        return Err(start.error(ParseErrorKind::Unexpected {
            expected: format!("a block size from {FOOTER_SIZE} to {}", 0x7fff_fff7),
            found: size.to_string(),
        }));
    }
    Ok(Some(total))
}

/// One pair: its id and where its value lies, relative to the first pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The id.
    pub id: BlockId,
    /// Where the value starts, in bytes from the first pair.
    pub offset: u64,
    /// Length of the value in bytes, without the id.
    pub len: u64,
}

/// Size of a pair's length and id, in bytes.
pub const PAIR_HEADER_SIZE: usize = 12;

/// Reads the header of the pair that starts at `offset` from its first 12 bytes, or as many as there are.
///
/// `area` is the size of all pairs together, in bytes. Returns the pair; the next one starts at `offset + len`.
///
/// # Errors
/// A header that Android refuses: it then treats every id that it has not met yet as absent.
pub fn parse_pair(header: &[u8], offset: u64, area: u64) -> Result<Pair, ParseError> {
    let mut cursor = Cursor::new("signing block pair", header);
    let mut read = || {
        let start = cursor;
        let length = cursor.u64()?;
        let remaining = area.saturating_sub(offset.saturating_add(8));
        if !(4..=0x7fff_ffff).contains(&length) {
            return Err(start.error(ParseErrorKind::Unexpected {
                expected: "a pair length from 4 to 2147483647".to_owned(),
                found: length.to_string(),
            }));
        }
        if length > remaining {
            return Err(start.error(ParseErrorKind::Truncated { needed: length, remaining }));
        }
        let id = BlockId(cursor.u32()?);
        Ok(Pair { id, offset: offset.saturating_add(12), len: length.saturating_sub(4) })
    };
    read().map_err(|error| error.at(offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footer(size: u64, magic: &[u8; 16]) -> [u8; 24] {
        let mut footer = [0; 24];
        footer[..8].copy_from_slice(&size.to_le_bytes());
        footer[8..].copy_from_slice(magic);
        footer
    }

    #[test]
    fn the_footer_tells_absent_from_broken() {
        assert_eq!(parse_footer(&footer(4088, MAGIC)), Ok(Some(4096)));
        assert_eq!(parse_footer(&footer(24, MAGIC)), Ok(Some(32)));
        assert!(parse_footer(&footer(23, MAGIC)).is_err());
        assert_eq!(parse_footer(&footer(0x7fff_fff7, MAGIC)), Ok(Some(0x7fff_ffff)));
        assert!(parse_footer(&footer(0x7fff_fff8, MAGIC)).is_err());
        assert!(parse_footer(&footer(u64::MAX, MAGIC)).is_err());
        assert_eq!(parse_footer(&footer(4088, b"APK Sig Block 43")), Ok(None));
    }

    #[test]
    fn a_pair_stays_inside_the_area() {
        let header = [8u64.to_le_bytes().as_slice(), &BlockId::V2.0.to_le_bytes()].concat();
        assert_eq!(parse_pair(&header, 100, 116), Ok(Pair { id: BlockId::V2, offset: 112, len: 4 }));
        assert_eq!(
            parse_pair(&header, 100, 115).unwrap_err().to_string(),
            "signing block pair at 0x64: 8 bytes needed, only 7 remain"
        );
        for length in [0, 3, 0x8000_0000, u64::MAX - 3] {
            let header = [length.to_le_bytes().as_slice(), &[0; 4]].concat();
            assert!(parse_pair(&header, 0, u64::MAX).is_err(), "{length}");
        }
        assert!(parse_pair(&header[..7], 0, 7).is_err());
    }
}
