//! Pictures, told by their first bytes: PNG and WebP, and how large they are drawn.
//!
//! No pixel is decoded. The sizes matter to whoever hands the picture to a browser: a few bytes can stand for gigabytes of pixels.
//!
//! Source: PNG (W3C), 5.2 signature and 11.2.1 IHDR; RFC 9649 (WebP), 2.5 simple, 2.6 lossless, 2.7 extended form; RFC 6386,
//! 9.1; WebP Lossless Bitstream, 3.

use serde::Serialize;

use super::Cursor;
use super::ParseError;
use super::ParseErrorKind;

const STRUCTURE: &str = "picture";
const PNG: &[u8; 8] = b"\x89PNG\r\n\x1a\n";

/// A form of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PictureFormat {
    /// Portable Network Graphics.
    Png,
    /// WebP.
    Webp,
}

/// What the first bytes of a picture say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureHeader {
    /// Its form.
    pub format: PictureFormat,
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

impl PictureHeader {
    /// Reads the header of the picture in `bytes`; none of what is neither PNG nor WebP.
    ///
    /// # Errors
    /// It begins as one and does not go on as one.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, ParseError> {
        let cursor = Cursor::new(STRUCTURE, bytes);
        if bytes.starts_with(PNG) {
            return png(cursor).map(Some);
        }
        if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            return webp(cursor).map(Some);
        }
        Ok(None)
    }
}

fn png(mut cursor: Cursor<'_>) -> Result<PictureHeader, ParseError> {
    cursor.take(PNG.len())?;
    let (length, kind) = (u32::from_be_bytes(cursor.array()?), cursor.array::<4>()?);
    if (length, &kind) != (13, b"IHDR") {
        return Err(invalid(cursor, "no IHDR chunk of 13 bytes at its start"));
    }
    let (width, height) = (u32::from_be_bytes(cursor.array()?), u32::from_be_bytes(cursor.array()?));
    sized(cursor, PictureFormat::Png, width, height)
}

fn webp(mut cursor: Cursor<'_>) -> Result<PictureHeader, ParseError> {
    const SIGNATURE: u8 = 0x2f;
    const START_CODE: [u8; 3] = [0x9d, 0x01, 0x2a];
    cursor.take(12)?;
    let kind = cursor.array::<4>()?;
    cursor.u32()?;
    let (width, height) = match &kind {
        b"VP8 " => {
            // Frame tag.
            cursor.take(3)?;
            if cursor.array::<3>()? != START_CODE {
                return Err(invalid(cursor, "no key frame at its start"));
            }
            // Above the 14 bits of each stands how it is scaled.
            (u32::from(cursor.u16()? & 0x3fff), u32::from(cursor.u16()? & 0x3fff))
        }
        b"VP8L" => {
            if cursor.u8()? != SIGNATURE {
                return Err(invalid(cursor, "no lossless signature at its start"));
            }
            let bits = cursor.u32()?;
            ((bits & 0x3fff).saturating_add(1), (bits >> 14 & 0x3fff).saturating_add(1))
        }
        b"VP8X" => {
            // Flags.
            cursor.u32()?;
            let mut size = || {
                let [low, middle, high] = cursor.array()?;
                Ok(u32::from_le_bytes([low, middle, high, 0]).saturating_add(1))
            };
            (size()?, size()?)
        }
        _ => return Err(invalid(cursor, "no chunk of an image at its start")),
    };
    sized(cursor, PictureFormat::Webp, width, height)
}

fn sized(
    cursor: Cursor<'_>,
    format: PictureFormat,
    width: u32,
    height: u32,
) -> Result<PictureHeader, ParseError> {
    if width == 0 || height == 0 {
        return Err(invalid(cursor, "no pixels"));
    }
    Ok(PictureHeader { format, width, height })
}

fn invalid(cursor: Cursor<'_>, message: &str) -> ParseError {
    cursor.error(ParseErrorKind::Invalid(message.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        [&PNG[..], &13_u32.to_be_bytes(), b"IHDR", &width.to_be_bytes(), &height.to_be_bytes()].concat()
    }

    fn webp(kind: &[u8], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len()).unwrap();
        [b"RIFF", &(size + 12).to_le_bytes()[..], b"WEBP", kind, &size.to_le_bytes(), body].concat()
    }

    fn read(bytes: &[u8]) -> Option<(PictureFormat, u32, u32)> {
        let header = PictureHeader::parse(bytes).ok()??;
        Some((header.format, header.width, header.height))
    }

    #[test]
    fn sizes_of_every_form() {
        assert_eq!(read(&png(96, 48)), Some((PictureFormat::Png, 96, 48)));
        let lossy = webp(b"VP8 ", &[0, 0, 0, 0x9d, 0x01, 0x2a, 0x60, 0x40, 0x30, 0x80]);
        assert_eq!(read(&lossy), Some((PictureFormat::Webp, 0x60, 0x30)));
        let lossless = webp(b"VP8L", &[0x2f, 0x5f, 0xc0, 0x0b, 0x10]);
        assert_eq!(read(&lossless), Some((PictureFormat::Webp, 96, 48)));
        let extended = webp(b"VP8X", &[0x10, 0, 0, 0, 95, 0, 0, 0xff, 0xff, 0xff]);
        assert_eq!(read(&extended), Some((PictureFormat::Webp, 96, 1 << 24)));
    }

    #[test]
    fn what_is_none_and_what_only_begins_as_one() {
        for none in [&b""[..], b"GIF89a", b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0WAVEfmt ", &PNG[..7]] {
            assert!(matches!(PictureHeader::parse(none), Ok(None)), "{none:?}");
        }
        let whole = [png(1, 1), webp(b"VP8L", &[0x2f, 0, 0, 0, 0])];
        for whole in &whole {
            assert!(read(whole).is_some());
            for len in 12..whole.len() {
                assert!(PictureHeader::parse(&whole[..len]).is_err(), "{len} of {whole:?}");
            }
        }
        assert!(PictureHeader::parse(&png(0, 1)).is_err(), "no pixels");
        assert!(PictureHeader::parse(&webp(b"VP8L", &[0x2e, 0, 0, 0, 0])).is_err(), "another signature");
        assert!(PictureHeader::parse(&webp(b"ALPH", &[0; 10])).is_err(), "no image");
        assert!(PictureHeader::parse(&webp(b"VP8 ", &[0; 10])).is_err(), "no key frame");
    }
}
