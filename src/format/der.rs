//! BER and DER elements over a slice: headers, lengths, object identifiers, strings of octets.
//!
//! Takes bytes, gives borrowed [`Element`]s. Reads what apksig's `ByteBufferBerDataValueReader` reads: definite
//! lengths in any form, indefinite lengths, tags of several bytes. Whether an encoding is the distinguished one, and
//! what an element means, is left to the callers.

use std::borrow::Cow;
use std::fmt;
use std::hash::Hash;
use std::hash::Hasher;

use super::cursor::ParseError;
use super::cursor::ParseErrorKind;
use crate::limits::Limits;

/// The two highest bits of an identifier octet (X.690, 8.1.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "two bits have four values")]
pub enum Class {
    /// A type of ASN.1 itself.
    Universal,
    /// A type of one application.
    Application,
    /// A field told by its number within the structure around it: `[0]`, `[1]`.
    ContextSpecific,
    /// A type of one enterprise.
    Private,
}

/// Class and number of a tag; whether the element is constructed is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag {
    /// The class.
    pub class: Class,
    /// The number, at most 2³¹-1.
    pub number: u32,
}

impl Tag {
    /// BOOLEAN.
    pub const BOOLEAN: Self = Self::universal(1);
    /// INTEGER.
    pub const INTEGER: Self = Self::universal(2);
    /// BIT STRING.
    pub const BIT_STRING: Self = Self::universal(3);
    /// OCTET STRING.
    pub const OCTET_STRING: Self = Self::universal(4);
    /// NULL.
    pub const NULL: Self = Self::universal(5);
    /// OBJECT IDENTIFIER.
    pub const OBJECT_IDENTIFIER: Self = Self::universal(6);
    /// UTF8String.
    pub const UTF8_STRING: Self = Self::universal(12);
    /// SEQUENCE and SEQUENCE OF.
    pub const SEQUENCE: Self = Self::universal(16);
    /// SET and SET OF.
    pub const SET: Self = Self::universal(17);
    /// PrintableString.
    pub const PRINTABLE_STRING: Self = Self::universal(19);
    /// TeletexString, read as Latin-1 by everyone.
    pub const T61_STRING: Self = Self::universal(20);
    /// IA5String: ASCII.
    pub const IA5_STRING: Self = Self::universal(22);
    /// UTCTime: two digits of the year.
    pub const UTC_TIME: Self = Self::universal(23);
    /// GeneralizedTime: four digits of the year.
    pub const GENERALIZED_TIME: Self = Self::universal(24);
    /// GeneralString.
    pub const GENERAL_STRING: Self = Self::universal(27);
    /// UniversalString: UTF-32, big-endian.
    pub const UNIVERSAL_STRING: Self = Self::universal(28);
    /// BMPString: UTF-16, big-endian.
    pub const BMP_STRING: Self = Self::universal(30);

    /// A tag of ASN.1 itself.
    pub const fn universal(number: u32) -> Self {
        Self { class: Class::Universal, number }
    }

    /// A field `[number]`.
    pub const fn context(number: u32) -> Self {
        Self { class: Class::ContextSpecific, number }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.class, *self) {
            (_, Self::BOOLEAN) => f.write_str("BOOLEAN"),
            (_, Self::INTEGER) => f.write_str("INTEGER"),
            (_, Self::BIT_STRING) => f.write_str("BIT STRING"),
            (_, Self::OCTET_STRING) => f.write_str("OCTET STRING"),
            (_, Self::OBJECT_IDENTIFIER) => f.write_str("OBJECT IDENTIFIER"),
            (_, Self::SEQUENCE) => f.write_str("SEQUENCE"),
            (_, Self::SET) => f.write_str("SET"),
            (Class::Universal, _) => write!(f, "universal tag {}", self.number),
            (Class::Application, _) => write!(f, "application tag {}", self.number),
            (Class::ContextSpecific, _) => write!(f, "[{}]", self.number),
            (Class::Private, _) => write!(f, "private tag {}", self.number),
        }
    }
}

/// One encoded value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// Class and number.
    pub tag: Tag,
    /// Whether the contents are elements themselves, as its header says. apksig never looks.
    pub constructed: bool,
    /// Whether the end is marked by two zero octets and not by a length.
    pub indefinite: bool,
    /// Header, contents and, for an indefinite length, the two zero octets at the end.
    pub encoded: &'a [u8],
    /// The contents alone.
    pub contents: &'a [u8],
    structure: &'static str,
    offset: u64,
    contents_offset: u64,
    depth: usize,
}

impl<'a> Element<'a> {
    /// Where the element starts, in bytes from the start of what the outermost reader was given.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Reads the elements inside.
    ///
    /// # Errors
    /// Nesting deeper than [`Limits::nesting`].
    pub fn reader(&self) -> Result<Reader<'a>, ParseError> {
        let Some(depth) = self.depth.checked_sub(1) else {
            return Err(self.error("elements are nested too deeply"));
        };
        Ok(Reader { structure: self.structure, rest: self.contents, offset: self.contents_offset, depth })
    }

    /// The element itself when it has the tag `tag`.
    ///
    /// # Errors
    /// Another tag.
    pub fn expect(self, tag: Tag) -> Result<Self, ParseError> {
        if self.tag == tag {
            return Ok(self);
        }
        Err(ParseError {
            structure: self.structure,
            offset: self.offset,
            kind: ParseErrorKind::Unexpected { expected: tag.to_string(), found: self.tag.to_string() },
        })
    }

    /// The object identifier that the contents hold, whatever the tag.
    ///
    /// # Errors
    /// As [`Oid::new`].
    pub fn oid(&self) -> Result<Oid<'a>, ParseError> {
        Oid::new(self.contents).ok_or_else(|| self.error("malformed object identifier"))
    }

    /// The same with numbers of any size, as the JDK reads certificates.
    ///
    /// # Errors
    /// As [`Oid::unbounded`].
    pub fn unbounded_oid(&self) -> Result<Oid<'a>, ParseError> {
        Oid::unbounded(self.contents).ok_or_else(|| self.error("malformed object identifier"))
    }

    /// The octets of an OCTET STRING: those of its parts joined when it is constructed (X.690, 8.7.3).
    ///
    /// # Errors
    /// A part that is malformed or nested too deeply. Tags of the parts are not looked at.
    pub fn octets(&self) -> Result<Cow<'a, [u8]>, ParseError> {
        if !self.constructed {
            return Ok(Cow::Borrowed(self.contents));
        }
        // Depth is bounded by `reader`, and the parts of one level do not overlap: the joined octets are shorter
        // than the element.
        let mut joined = Vec::new();
        let mut open = vec![self.reader()?];
        while let Some(reader) = open.last_mut() {
            match reader.next()? {
                None => drop(open.pop()),
                Some(part) if part.constructed => open.push(part.reader()?),
                Some(part) => joined.extend_from_slice(part.contents),
            }
        }
        Ok(Cow::Owned(joined))
    }

    /// The value of an INTEGER that fits an `int` of Java.
    ///
    /// # Errors
    /// A number outside of it. Empty contents are zero, as apksig has it.
    pub fn int(&self) -> Result<i32, ParseError> {
        let significant = trim_integer(self.contents);
        let negative = significant.first().is_some_and(|first| first & 0x80 != 0);
        let mut bytes = [if negative { 0xff } else { 0 }; 4];
        let tail = bytes
            .len()
            .checked_sub(significant.len())
            .and_then(|start| bytes.get_mut(start..))
            .ok_or_else(|| self.error("number does not fit 32 bits"))?;
        tail.copy_from_slice(significant);
        Ok(i32::from_be_bytes(bytes))
    }

    /// An error at the start of this element.
    pub fn error(&self, message: &str) -> ParseError {
        ParseError::invalid(self.structure, self.offset, message)
    }
}

/// The shortest two's complement form of a number: without leading octets that repeat the sign. Zero is empty.
pub fn trim_integer(mut contents: &[u8]) -> &[u8] {
    while let Some((first, rest)) = contents.split_first() {
        let sign = rest.first().map_or(0, |next| next & 0x80);
        let redundant = (*first == 0 && sign == 0) || (*first == 0xff && sign != 0);
        if !redundant {
            break;
        }
        contents = rest;
    }
    contents
}

/// Walks the elements of a slice from the front.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    structure: &'static str,
    rest: &'a [u8],
    offset: u64,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`; `structure` names what they should be, for errors.
    pub fn new(structure: &'static str, bytes: &'a [u8], limits: &Limits) -> Self {
        Self { structure, rest: bytes, offset: 0, depth: limits.nesting }
    }

    /// The same position, under another name for errors.
    #[must_use]
    pub fn named(mut self, structure: &'static str) -> Self {
        self.structure = structure;
        self
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// An error at the current position.
    pub fn error(&self, message: impl Into<String>) -> ParseError {
        ParseError::invalid(self.structure, self.offset, message)
    }

    /// The next element, or `None` at the end.
    ///
    /// # Errors
    /// A header that breaks off, a tag number above 2³¹-1, a length above 2³¹-1 or beyond the end, an indefinite
    /// length without end, or indefinite lengths nested deeper than [`Limits::nesting`].
    ///
    /// Source: apksig `ByteBufferBerDataValueReader.readDataValue`.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot stop at an error")]
    pub fn next(&mut self) -> Result<Option<Element<'a>>, ParseError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let start = *self;
        let header = self.header()?;
        let contents_offset = self.offset;
        let from = self.rest;
        let (contents_len, indefinite) = match header.length {
            Some(length) => {
                self.skip(length)?;
                (length, false)
            }
            None if header.constructed => (self.skip_constructed()?, true),
            None => (self.skip_primitive()?, true),
        };
        let encoded_len = start.rest.len().saturating_sub(self.rest.len());
        let (Some(encoded), Some(contents)) = (start.rest.get(..encoded_len), from.get(..contents_len))
        else {
            return Err(start.error("element ends before it starts"));
        };
        Ok(Some(Element {
            tag: header.tag,
            constructed: header.constructed,
            indefinite,
            encoded,
            contents,
            structure: self.structure,
            offset: start.offset,
            contents_offset,
            depth: self.depth,
        }))
    }

    /// The next element, which has to be there.
    ///
    /// # Errors
    /// As [`Reader::next`], and the end.
    pub fn required(&mut self) -> Result<Element<'a>, ParseError> {
        self.next()?.ok_or_else(|| self.error("an element is missing"))
    }

    /// The next element, which has to be there and bear `tag`.
    ///
    /// # Errors
    /// As [`Reader::required`], and another tag.
    pub fn expect(&mut self, tag: Tag) -> Result<Element<'a>, ParseError> {
        self.required()?.expect(tag)
    }

    /// The next element when it bears `tag`; otherwise stays where it is.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub fn optional(&mut self, tag: Tag) -> Result<Option<Element<'a>>, ParseError> {
        let mut ahead = *self;
        let found = ahead.next()?.filter(|element| element.tag == tag);
        if found.is_some() {
            *self = ahead;
        }
        Ok(found)
    }

    fn header(&mut self) -> Result<Header, ParseError> {
        #[cfg(any(test, fuzzing))]
        crate::work::element();
        let start = *self;
        let first = self.octet("tag")?;
        let class = match first >> 6 {
            0 => Class::Universal,
            1 => Class::Application,
            2 => Class::ContextSpecific,
            _ => Class::Private,
        };
        let number = match first & 0x1f {
            0x1f => {
                let mut number = 0_u32;
                loop {
                    let octet = self.octet("tag")?;
                    if number > MAX >> 7 {
                        return Err(start.error("tag number is above 2^31-1"));
                    }
                    number = (number << 7) | u32::from(octet & 0x7f);
                    if octet & 0x80 == 0 {
                        break number;
                    }
                }
            }
            number => u32::from(number),
        };
        let octet = self.octet("length")?;
        let length = match octet {
            0x80 => None,
            0..0x80 => Some(u32::from(octet)),
            _ => {
                let mut length = 0_u32;
                for _ in 0..octet & 0x7f {
                    let octet = self.octet("length")?;
                    if length > MAX >> 8 {
                        return Err(start.error("length is above 2^31-1"));
                    }
                    length = (length << 8) | u32::from(octet);
                }
                Some(length)
            }
        };
        let length = length
            .map(usize::try_from)
            .transpose()
            .map_err(|_| start.error("length does not fit an address"))?;
        Ok(Header { tag: Tag { class, number }, constructed: first & 0x20 != 0, length })
    }

    fn octet(&mut self, what: &str) -> Result<u8, ParseError> {
        let Some((first, rest)) = self.rest.split_first() else {
            return Err(self.error(format!("{what} breaks off")));
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(1);
        Ok(*first)
    }

    fn skip(&mut self, len: usize) -> Result<(), ParseError> {
        let Some(rest) = self.rest.get(len..) else {
            return Err(ParseError {
                structure: self.structure,
                offset: self.offset,
                kind: ParseErrorKind::Truncated {
                    needed: u64::try_from(len).unwrap_or(u64::MAX),
                    remaining: u64::try_from(self.rest.len()).unwrap_or(u64::MAX),
                },
            });
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        Ok(())
    }

    /// Skips contents of indefinite length that are not elements: up to the first two zero octets. Gives their
    /// length without these.
    fn skip_primitive(&mut self) -> Result<usize, ParseError> {
        let Some(len) = self.rest.windows(2).position(|pair| pair == [0, 0]) else {
            return Err(self.error("contents of indefinite length do not end"));
        };
        self.skip(len)?;
        self.skip(2)?;
        Ok(len)
    }

    /// Skips elements up to the two zero octets that end the one around them. Gives their length without these.
    fn skip_constructed(&mut self) -> Result<usize, ParseError> {
        let start = *self;
        // How many elements of indefinite length are open, the one that is skipped included. Those of definite
        // length are skipped whole.
        let mut open = 1_usize;
        loop {
            if let [0, 0, rest @ ..] = self.rest {
                let len = start.rest.len().saturating_sub(self.rest.len());
                self.rest = rest;
                self.offset = self.offset.saturating_add(2);
                open = open.saturating_sub(1);
                if open == 0 {
                    return Ok(len);
                }
                continue;
            }
            if self.rest.is_empty() {
                return Err(start.error("contents of indefinite length do not end"));
            }
            let header = self.header()?;
            match header.length {
                Some(length) => self.skip(length)?,
                None if header.constructed => {
                    open = open.saturating_add(1);
                    if open > self.depth {
                        return Err(self.error("elements are nested too deeply"));
                    }
                }
                None => drop(self.skip_primitive()?),
            }
        }
    }
}

/// Tag numbers and lengths are `int` in apksig.
const MAX: u32 = 0x7fff_ffff;

struct Header {
    tag: Tag,
    constructed: bool,
    /// `None`: indefinite.
    length: Option<usize>,
}

/// The contents of an OBJECT IDENTIFIER, well-formed.
///
/// Equality is that of the numbers: an encoding with padding names the same object, as in apksig, which compares
/// dotted strings.
#[derive(Clone, Copy)]
pub struct Oid<'a>(&'a [u8]);

impl<'a> Oid<'a> {
    /// Checks `contents`; `None` when they are empty, break off, or hold a number of more than 63 bits.
    ///
    /// Source: apksig `Asn1BerParser.oidToString`.
    pub fn new(contents: &'a [u8]) -> Option<Self> {
        let oid = Self::unbounded(contents)?;
        // Nine octets of seven bits.
        oid.numbers().all(|number| trim_padding(number).len() <= 9).then_some(oid)
    }

    /// Checks `contents`; `None` when they are empty or break off. The numbers may have any size.
    pub fn unbounded(contents: &'a [u8]) -> Option<Self> {
        contents.last().is_some_and(|last| last & 0x80 == 0).then_some(Self(contents))
    }

    /// A constant of which the encoding is known to be right.
    pub const fn constant(contents: &'a [u8]) -> Self {
        Self(contents)
    }

    /// The octets as they were encoded.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// The encoded numbers, each with its last octet; the first holds two, as 40 × first + second.
    fn numbers(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.0.split_inclusive(|octet| octet & 0x80 == 0)
    }
}

/// The octets of one number without those that only carry zeros in front.
fn trim_padding(mut number: &[u8]) -> &[u8] {
    while let [0x80, rest @ ..] = number {
        number = rest;
    }
    number
}

impl PartialEq for Oid<'_> {
    fn eq(&self, other: &Self) -> bool {
        #[cfg(any(test, fuzzing))]
        crate::work::step();
        self.numbers().map(trim_padding).eq(other.numbers().map(trim_padding))
    }
}

impl Eq for Oid<'_> {}

impl Hash for Oid<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.numbers().map(trim_padding).for_each(|number| number.hash(state));
    }
}

impl fmt::Display for Oid<'_> {
    /// Dotted; a number of more than 128 bits is printed as its octets in hexadecimal behind `#`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, octets) in self.numbers().map(trim_padding).enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            if octets.len() > 18
                && !(octets.len() == 19 && octets.first().is_some_and(|first| first & 0x7c == 0))
            {
                f.write_str("#")?;
                for octet in octets {
                    write!(f, "{octet:02x}")?;
                }
                continue;
            }
            let number = octets.iter().fold(0_u128, |number, octet| (number << 7) | u128::from(octet & 0x7f));
            if index > 0 {
                write!(f, "{number}")?;
                continue;
            }
            let first = number.checked_div(40).unwrap_or(0).min(2);
            write!(f, "{first}.{}", number.saturating_sub(first.saturating_mul(40)))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Oid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oid({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(bytes: &[u8]) -> Reader<'_> {
        Reader::new("test", bytes, &Limits::default())
    }

    fn only(bytes: &[u8]) -> Element<'_> {
        let mut reader = reader(bytes);
        let element = reader.required().unwrap();
        assert_eq!(reader.rest(), b"", "one element");
        element
    }

    #[test]
    fn reads_lengths_of_every_form() {
        assert_eq!(only(b"\x04\x03abc").contents, b"abc");
        assert_eq!(only(b"\x04\x81\x03abc").contents, b"abc", "long form where the short one would do");
        assert_eq!(only(b"\x04\x85\0\0\0\0\x03abc").contents, b"abc", "leading zeros");
        let element = only(b"\x24\x80\x04\x01a\x04\x02bc\0\0");
        assert_eq!(element.contents, b"\x04\x01a\x04\x02bc");
        assert_eq!(element.encoded.len(), 11, "the end mark belongs to it");
        assert!(element.indefinite);
        assert_eq!(&*element.octets().unwrap(), b"abc");
        assert_eq!(only(b"\x04\x80ab\0c\0\0").contents, b"ab\0c", "primitive: up to the first two zeros");
    }

    #[test]
    fn refuses_lengths_that_java_cannot_hold() {
        let error = reader(b"\x04\x84\x80\0\0\0").next().unwrap_err();
        assert_eq!(error.to_string(), "test at 0x0: length is above 2^31-1");
        let error = reader(b"\x04\x84\x7f\xff\xff\xff").next().unwrap_err();
        assert_eq!(error.to_string(), "test at 0x6: 2147483647 bytes needed, only 0 remain");
        assert!(reader(b"\x04").next().is_err());
        assert!(reader(b"\x24\x80\x04\x01a\0").next().is_err(), "one zero is no end");
    }

    #[test]
    fn reads_tags_of_several_octets() {
        let element = only(b"\xbf\x81\x01\x00");
        assert_eq!(element.tag, Tag::context(129));
        assert_eq!(only(b"\x9f\x00\x00").tag, Tag::context(0), "a small number in the long form");
        assert!(reader(b"\x1f\xff\xff\xff\xff\x7f\x00").next().is_err(), "above 2^31-1");
        assert_eq!(only(b"\x1f\x87\xff\xff\xff\x7f\x00").tag.number, MAX);
    }

    #[test]
    fn nesting_is_bounded_and_costs_one_pass() {
        let limits = Limits::default();
        let nested = |depth: usize| [b"\x30\x80".repeat(depth), b"\0\0".repeat(depth)].concat();
        let bytes = nested(limits.nesting);
        assert!(reader(&bytes).next().is_ok());
        let bytes = nested(limits.nesting + 1);
        let error = reader(&bytes).next().unwrap_err();
        assert!(error.to_string().contains("nested too deeply"), "{error}");
        let bytes = nested(2_000_000);
        assert!(reader(&bytes).next().is_err());

        let mut definite = vec![0x30, 0];
        for _ in 0..limits.nesting {
            definite.splice(..0, [0x30, u8::try_from(definite.len()).unwrap()]);
        }
        let mut element = only(&definite);
        for _ in 0..limits.nesting {
            element = element.reader().unwrap().required().unwrap();
        }
        assert!(element.reader().is_err());
    }

    #[test]
    fn offsets_count_from_the_outermost_bytes() {
        let bytes = b"\x30\x05\x02\x01\x05\x30\x00";
        let mut inner = only(bytes).reader().unwrap();
        inner.expect(Tag::INTEGER).unwrap();
        let error = inner.expect(Tag::SET).unwrap_err();
        assert_eq!(error.to_string(), "test at 0x5: expected SET, found SEQUENCE");
    }

    #[test]
    fn prints_and_compares_object_identifiers() {
        let oid = Oid::new(b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02").unwrap();
        assert_eq!(oid.to_string(), "1.2.840.113549.1.7.2");
        assert_eq!(Oid::new(b"\x88\x37\x03").unwrap().to_string(), "2.999.3");
        assert_eq!(
            oid,
            Oid::new(b"\x2a\x86\x48\x86\xf7\x0d\x80\x01\x07\x02").unwrap(),
            "padding is no number"
        );
        assert_ne!(oid, Oid::new(b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01").unwrap());
        assert!(Oid::new(b"").is_none());
        assert!(Oid::new(b"\x2a\x86").is_none(), "breaks off");
        assert!(Oid::new(b"\x2a\xff\xff\xff\xff\xff\xff\xff\xff\x7f").is_some(), "63 bits");
        assert!(Oid::new(b"\x2a\x81\xff\xff\xff\xff\xff\xff\xff\xff\x7f").is_none(), "64 bits");
        let uuid = b"\x69\x83\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f";
        assert!(Oid::new(uuid).is_none());
        assert_eq!(Oid::unbounded(uuid).unwrap().to_string(), format!("2.25.{}", u128::MAX));
    }

    #[test]
    fn reads_small_numbers() {
        assert_eq!(only(b"\x02\x01\x7f").int().unwrap(), 127);
        assert_eq!(only(b"\x02\x01\xff").int().unwrap(), -1);
        assert_eq!(only(b"\x02\x05\x00\x7f\xff\xff\xff").int().unwrap(), i32::MAX);
        assert!(only(b"\x02\x05\x00\x80\x00\x00\x00").int().is_err());
        assert_eq!(only(b"\x02\x00").int().unwrap(), 0);
        assert_eq!(trim_integer(b"\0\0\x80"), b"\0\x80");
        assert_eq!(trim_integer(b"\xff\xff\x7f"), b"\xff\x7f");
        assert_eq!(trim_integer(b"\0"), trim_integer(b""));
    }

    #[test]
    fn joins_nested_parts_of_a_string() {
        assert_eq!(&*only(b"\x24\x08\x24\x03\x04\x01a\x04\x01b").octets().unwrap(), b"ab");
        assert!(only(b"\x24\x02\x04\x05").octets().is_err());
    }
}
