//! Chunks and string pools: what binary XML and the resource table have in common.
//!
//! A chunk that does not fit ends the walk without an error, as on Android; a header that cannot be is one. Strings
//! are found in constant time and stay undecoded until somebody asks.
//!
//! Source: AOSP `ResourceTypes.h`, `Chunk.cpp`, `ResStringPool` in `ResourceTypes.cpp`.

use std::borrow::Cow;

use super::Cursor;
use super::ParseError;
use super::ParseErrorKind;

/// Kind of a chunk that holds strings.
pub(super) const STRING_POOL: u16 = 0x0001;
const FLAG_UTF8: u32 = 1 << 8;
/// Size in bytes of the header that every chunk has.
const HEADER: usize = 8;
/// Size in bytes of the header of a string pool.
const POOL_HEADER: usize = 28;

/// A chunk: a header with its kind and sizes, then content.
pub(super) struct Chunk<'a> {
    pub(super) kind: u16,
    /// Behind the fields that every chunk has; not bounded by the header.
    pub(super) header: Cursor<'a>,
    /// Size of the header in bytes, its common fields included.
    pub(super) header_size: usize,
    pub(super) content: Cursor<'a>,
    /// Header and content.
    pub(super) whole: &'a [u8],
}

impl Chunk<'_> {
    /// Offset in bytes of its header, from the start of what is parsed.
    pub(super) fn start(&self) -> u64 {
        let header = u64::try_from(self.header_size).unwrap_or(u64::MAX);
        self.content.offset().saturating_sub(header)
    }
}

/// The next chunk; none at the end, where Android also drops a last chunk that does not fit.
pub(super) fn next_chunk<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Chunk<'a>>, ParseError> {
    let whole = *cursor;
    if cursor.remaining() < HEADER {
        return Ok(None);
    }
    let kind = cursor.u16()?;
    let header_size = usize::from(cursor.u16()?);
    let size = usize::try_from(cursor.u32()?).unwrap_or(usize::MAX);
    if size > whole.remaining() {
        return Ok(None);
    }
    if header_size < HEADER || header_size > size {
        let message = format!("chunk header of {header_size} bytes in a chunk of {size}");
        return Err(whole.error(ParseErrorKind::Invalid(message)));
    }
    let header = *cursor;
    let mut content = whole;
    content.take(header_size)?;
    // The content ends with the chunk, not with the file.
    let bytes = whole.rest().get(..size).unwrap_or_default();
    let content = content.shortened(whole.remaining().saturating_sub(size));
    *cursor = whole;
    cursor.take(size)?;
    Ok(Some(Chunk { kind, header, header_size, content, whole: bytes }))
}

/// Longer texts are cut where they are shown, in bytes. Android takes package names of up to 223.
const MOST_SHOWN: usize = 4096;

/// A string of the pool, not decoded yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    bytes: &'a [u8],
    utf8: bool,
}

impl<'a> Text<'a> {
    /// Whether it reads `text`. Takes no longer than `text` is.
    pub fn is(&self, text: &str) -> bool {
        if self.utf8 {
            return self.bytes == text.as_bytes();
        }
        let mut units = text.encode_utf16().flat_map(u16::to_le_bytes);
        self.bytes.iter().all(|byte| units.next() == Some(*byte)) && units.next().is_none()
    }

    /// The start of the string: as much as `len` bytes hold, a character that is cut in two as U+FFFD.
    #[must_use]
    pub fn start(&self, len: usize) -> Self {
        Self { bytes: self.bytes.get(..len).unwrap_or(self.bytes), utf8: self.utf8 }
    }

    /// Whether its first `len` bytes hold something that readers of the platform take for different text: a zero, at
    /// which Java ends a string in UTF-8, or bytes that are not UTF-8, which Java decodes to letters all the same.
    pub fn is_odd_within(&self, len: usize) -> bool {
        let start = self.bytes.get(..len).unwrap_or(self.bytes);
        if !self.utf8 {
            return start.chunks_exact(2).any(|unit| *unit == [0, 0]);
        }
        let cut = start.len() < self.bytes.len();
        let malformed = str::from_utf8(start).is_err_and(|error| error.error_len().is_some() || !cut);
        malformed || start.contains(&0)
    }

    /// The string, with U+FFFD for what cannot be decoded.
    ///
    /// Many attributes may share one string, so a loop over attributes must not decode each.
    pub fn decode(&self) -> Cow<'a, str> {
        #[cfg(any(test, fuzzing))]
        crate::work::step();
        if self.utf8 { String::from_utf8_lossy(self.bytes) } else { self.decode_utf16() }
    }

    /// The string as apps and their users get to see it: in UTF-8 up to the first zero byte, surrogates and all, since
    /// the runtime takes it for a C string in Modified UTF-8. What makes no character is U+FFFD.
    ///
    /// Source: AOSP `android_util_StringBlock.cpp` `nativeGetString`, ART `NewStringUTF`.
    pub fn displayed(&self) -> Cow<'a, str> {
        if !self.utf8 {
            return self.decode_utf16();
        }
        let bytes = self.bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(modified_utf8(bytes)),
        }
    }

    /// As [`Text::displayed`]; of a text of more than 4096 bytes the start, with `…` behind it. For texts that many
    /// attributes or configurations may share, each as long as the file.
    pub fn shown(&self) -> String {
        // What stands behind the first zero is not displayed, so it is not cut either.
        let start = self.start(MOST_SHOWN);
        let mut shown = start.displayed().into_owned();
        if start.len() < self.len() && !(self.utf8 && start.bytes.contains(&0)) {
            shown.push('…');
        }
        shown
    }

    /// Size in bytes, as it stands in the file.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn decode_utf16(&self) -> Cow<'a, str> {
        let units =
            self.bytes.chunks_exact(2).filter_map(|unit| unit.first_chunk().copied().map(u16::from_le_bytes));
        Cow::Owned(from_utf16(units))
    }
}

fn from_utf16(units: impl Iterator<Item = u16>) -> String {
    char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{fffd}')).collect()
}

/// Decodes as the runtime does: the first byte alone tells how many follow, and those are not checked.
fn modified_utf8(bytes: &[u8]) -> String {
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied().map(u32::from);
    while let Some(first) = rest.next() {
        let more = match first {
            0..=0x7f => 0,
            _ if first & 0x20 == 0 => 1,
            _ if first & 0x10 == 0 => 2,
            _ => 3,
        };
        let mut code = match more {
            0 => first,
            1 => first & 0x1f,
            2 => first & 0x0f,
            _ => first & 0x07,
        };
        for _ in 0..more {
            code = (code << 6) | (rest.next().unwrap_or(0) & 0x3f);
        }
        if let Ok(unit) = u16::try_from(code) {
            units.push(unit);
        } else {
            let character = char::from_u32(code).unwrap_or('\u{fffd}');
            units.extend_from_slice(character.encode_utf16(&mut [0; 2]));
        }
    }
    from_utf16(units.into_iter())
}

/// Strings by index.
#[derive(Debug, Clone, Copy)]
pub(super) struct StringPool<'a> {
    /// What it is a part of, for errors.
    structure: &'static str,
    /// Offsets into `strings`, four bytes each.
    offsets: &'a [u8],
    strings: &'a [u8],
    utf8: bool,
    /// Whether a UTF-8 string may be longer than its length can say.
    wraps: bool,
}

impl<'a> StringPool<'a> {
    /// Finds offsets and strings, as apksig does.
    pub(super) fn parse(structure: &'static str, chunk: &Chunk<'a>) -> Result<Self, ParseError> {
        let mut header = chunk.header;
        let at = header.offset();
        let count = usize::try_from(header.u32()?).unwrap_or(usize::MAX);
        let style_count = header.u32()?;
        let flags = header.u32()?;
        let strings_start = usize::try_from(header.u32()?).unwrap_or(usize::MAX);
        let styles_start = usize::try_from(header.u32()?).unwrap_or(usize::MAX);
        let end = if style_count > 0 { styles_start } else { chunk.whole.len() };
        let strings = if count == 0 { Some(&[][..]) } else { chunk.whole.get(strings_start..end) };
        let offsets = chunk.content.rest().get(..count.saturating_mul(4));
        let (Some(strings), Some(offsets)) = (strings, offsets) else {
            return Err(ParseError::invalid(
                structure,
                at,
                format!("string pool: {count} strings at {strings_start:#x} do not fit"),
            ));
        };
        Ok(Self { structure, offsets, strings, utf8: flags & FLAG_UTF8 != 0, wraps: false })
    }

    /// The same with what the platform demands beyond it: strings and styles that end as they must.
    ///
    /// Source: AOSP `ResStringPool::setTo`.
    pub(super) fn parse_strictly(structure: &'static str, chunk: &Chunk<'a>) -> Result<Self, ParseError> {
        let at = chunk.header.offset();
        let fault = |what: &str| Err(ParseError::invalid(structure, at, format!("string pool: {what}")));
        if chunk.header_size < POOL_HEADER {
            return fault("its header is too small");
        }
        let pool = Self { wraps: true, ..Self::parse(structure, chunk)? };
        let unit = if pool.utf8 { 1 } else { 2 };
        let last = pool.strings.chunks_exact(unit).next_back();
        if !pool.offsets.is_empty() && last.is_none_or(|last| last.iter().any(|byte| *byte != 0)) {
            return fault("its last string does not end with a zero");
        }
        let mut header = chunk.header;
        header.take(4)?; // string count
        let style_count = header.u32()?;
        header.take(8)?; // flags, start of the strings
        if style_count > 0 {
            let start = usize::try_from(header.u32()?).unwrap_or(usize::MAX);
            let styles = chunk.whole.get(start..).unwrap_or_default();
            let words: Vec<&[u8]> = styles.chunks_exact(4).rev().take(END_OF_STYLES).collect();
            if words.len() < END_OF_STYLES || words.iter().any(|word| *word != [0xff; 4]) {
                return fault("its last style does not end");
            }
        }
        Ok(pool)
    }

    /// Finds a string in constant time, or in as many steps as it has 32 KiB.
    pub(super) fn get(&self, index: u32) -> Result<Text<'a>, ParseError> {
        let error =
            |what: &str| ParseError::invalid(self.structure, 0, format!("string {index} of the pool {what}"));
        let offset = usize::try_from(index)
            .ok()
            .and_then(|index| self.offsets.get(index.checked_mul(4)?..)?.first_chunk())
            .and_then(|bytes| usize::try_from(u32::from_le_bytes(*bytes)).ok())
            .ok_or_else(|| error("is not there"))?;
        let bytes = self.strings.get(offset..).ok_or_else(|| error("lies outside"))?;
        let mut cursor = Cursor::new(self.structure, bytes);
        if self.utf8 {
            length_utf8(&mut cursor)?; // in characters
            let mut len = length_utf8(&mut cursor)?;
            if self.wraps {
                len = unwrapped(cursor.rest(), len);
            }
            let text = cursor.take(len)?;
            if cursor.u8()? != 0 {
                return Err(error("does not end with a zero"));
            }
            Ok(Text { bytes: text, utf8: true })
        } else {
            // Android counts in units of two bytes and rounds down, apksig does not.
            if offset.checked_rem(2) != Some(0) {
                return Err(error("starts at an odd offset"));
            }
            let len = length_utf16(&mut cursor)?;
            let text = cursor.take(len.saturating_mul(2))?;
            if cursor.u16()? != 0 {
                return Err(error("does not end with a zero"));
            }
            Ok(Text { bytes: text, utf8: false })
        }
    }
}

/// The length of a string of which only the lower 15 bits were written: the first such length that has a zero behind it.
///
/// Source: AOSP `ResStringPool::stringDecodeAt`.
fn unwrapped(bytes: &[u8], len: usize) -> usize {
    let mut candidates = (len..bytes.len()).step_by(0x8000);
    candidates.find(|end| bytes.get(*end) == Some(&0)).unwrap_or(len)
}

/// Words of ones that end the styles of a pool.
const END_OF_STYLES: usize = 3;

fn length_utf8(cursor: &mut Cursor<'_>) -> Result<usize, ParseError> {
    let first = cursor.u8()?;
    if first & 0x80 == 0 {
        return Ok(first.into());
    }
    Ok(usize::from(u16::from_be_bytes([first & 0x7f, cursor.u8()?])))
}

fn length_utf16(cursor: &mut Cursor<'_>) -> Result<usize, ParseError> {
    let first = cursor.u16()?;
    if first & 0x8000 == 0 {
        return Ok(first.into());
    }
    let low = u32::from(cursor.u16()?);
    Ok(usize::try_from((u32::from(first & 0x7fff) << 16) | low).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_text_is_compared_and_decoded() {
        let bytes: Vec<u8> = "aß😀".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let text = Text { bytes: &bytes, utf8: false };
        assert!(text.is("aß😀") && !text.is("aß") && !text.is("aß😀b"));
        assert_eq!(text.decode(), "aß😀");
        assert_eq!(Text { bytes: &bytes[..6], utf8: false }.decode(), "aß\u{fffd}");
    }

    #[test]
    fn text_that_java_reads_otherwise_is_odd() {
        let odd = |bytes: &[u8], len| Text { bytes, utf8: true }.is_odd_within(len);
        assert!(!odd("uses-sdk".as_bytes(), 48) && !odd("Käse".as_bytes(), 48) && !odd("Käse".as_bytes(), 2));
        assert!(odd(b"uses-sdk\0x", 48) && !odd(b"uses-sdk\0x", 8));
        assert!(odd(b"\xc1\xb5ses-sdk", 48), "an overlong u");
        assert!(odd(b"us\xe4", 48), "cut by its end");
        let wide = |bytes: &[u8]| Text { bytes, utf8: false }.is_odd_within(48);
        assert!(!wide(b"a\0\0\x01") && wide(b"a\0\0\0b\0"));
    }

    #[test]
    fn a_length_that_wrapped_is_found_by_the_zero_behind_the_string() {
        let mut bytes = vec![b'x'; 0x8005];
        bytes.extend(*b"\0next\0");
        assert_eq!(unwrapped(&bytes, 5), 0x8005);
        assert_eq!(unwrapped(b"abc\0", 3), 3);
        assert_eq!(unwrapped(b"abc", 3), 3);
    }

    #[test]
    fn what_is_shown_is_cut_unless_a_zero_ends_it() {
        let shown = |bytes: &[u8]| Text { bytes, utf8: true }.shown();
        let long = "a".repeat(MOST_SHOWN);
        assert_eq!(shown(long.as_bytes()), long);
        assert_eq!(shown(format!("{long}b").as_bytes()), format!("{long}…"));
        assert_eq!(shown(format!("a.b\0{long}").as_bytes()), "a.b", "as Android reads it");
        let utf16 = Text { bytes: &b"a\0".repeat(MOST_SHOWN), utf8: false }.shown();
        assert_eq!(utf16, format!("{}…", "a".repeat(MOST_SHOWN / 2)));
    }

    #[test]
    fn what_is_displayed_is_modified_utf8_up_to_the_first_zero() {
        let displayed = |bytes| Text { bytes, utf8: true }.displayed();
        assert_eq!(displayed("Käse 支付宝 😀".as_bytes()), "Käse 支付宝 😀");
        // What aapt2 writes for U+1F600: two surrogates of three bytes each.
        assert_eq!(displayed(b"a\xed\xa0\xbd\xed\xb8\x80b"), "a😀b");
        assert_eq!(displayed(b"a\xed\xa0\xbdb"), "a\u{fffd}b");
        assert_eq!(displayed(b"Bank\0 of nowhere"), "Bank");
        assert_eq!(displayed(b"a\xc0\x80b"), "a\0b");
        // A continuation byte is not looked at: C1 takes the letter behind it.
        assert_eq!(displayed(b"\xc1abc"), "abc");
        assert_eq!(displayed(b"\xf0\x9f\x98\x80\xff"), "😀\u{fffd}");
    }
}
