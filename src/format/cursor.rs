//! The one place where offsets and lengths are counted.

use std::fmt;

/// A structure that breaks its format, with where it does.
///
/// Offsets are relative to the bytes that were given to the parser; [`ParseError::at`] moves them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Which structure: `signing block`, `v2 signer`, `end of central directory`, …
    pub structure: &'static str,
    /// Offset in bytes from the start of what was parsed.
    pub offset: u64,
    /// What is wrong: expected and found.
    pub kind: ParseErrorKind,
}

/// What is wrong with a structure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// More bytes are needed than remain.
    Truncated {
        /// Bytes that the structure needs.
        needed: u64,
        /// Bytes that remain.
        remaining: u64,
    },
    /// A length prefix with its highest bit set: Java reads it as negative and refuses it.
    NegativeLength(u32),
    /// A field that must have one value has another.
    Unexpected {
        /// What must stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// Larger than [`crate::limits::Limits`] allows.
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        size: u64,
        /// How large it may be.
        limit: u64,
    },
    /// Anything else, in words.
    Invalid(String),
}

impl ParseError {
    /// A structure that is wrong in a way that only words tell.
    pub fn invalid(structure: &'static str, offset: u64, message: impl Into<String>) -> Self {
        Self { structure, offset, kind: ParseErrorKind::Invalid(message.into()) }
    }

    /// The same error as seen from a container that holds the structure at `base`.
    #[must_use]
    pub fn at(mut self, base: u64) -> Self {
        self.offset = self.offset.saturating_add(base);
        self
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:#x}: ", self.structure, self.offset)?;
        match &self.kind {
            ParseErrorKind::Truncated { needed, remaining } => {
                write!(f, "{needed} bytes needed, only {remaining} remain")
            }
            ParseErrorKind::NegativeLength(length) => write!(f, "length {length:#x} is above 0x7fffffff"),
            ParseErrorKind::Unexpected { expected, found } => write!(f, "expected {expected}, found {found}"),
            ParseErrorKind::TooLarge { what, size, limit } => {
                write!(f, "{what} is {size} bytes, the limit is {limit}")
            }
            ParseErrorKind::Invalid(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ParseError {}

/// Walks bytes from the front, little-endian, and never past the end.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    structure: &'static str,
    rest: &'a [u8],
    offset: u64,
}

impl<'a> Cursor<'a> {
    /// Starts at the first of `bytes`; `structure` names what they should be, for errors.
    pub fn new(structure: &'static str, bytes: &'a [u8]) -> Self {
        Self { structure, rest: bytes, offset: 0 }
    }

    /// The same position, under another name for errors.
    #[must_use]
    pub fn named(mut self, structure: &'static str) -> Self {
        self.structure = structure;
        self
    }

    /// The same position, without the last `count` bytes.
    #[must_use]
    pub fn shortened(mut self, count: usize) -> Self {
        let keep = self.rest.len().saturating_sub(count);
        self.rest = self.rest.get(..keep).unwrap_or_default();
        self
    }

    /// Bytes from the start of what the outermost cursor was given.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What has not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether everything has been read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes have not been read.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// An error at the current position.
    pub fn error(&self, kind: ParseErrorKind) -> ParseError {
        ParseError { structure: self.structure, offset: self.offset, kind }
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], ParseError> {
        #[cfg(any(test, fuzzing))]
        crate::work::element();
        let Some((head, tail)) = self.rest.split_at_checked(len) else {
            return Err(self.error(ParseErrorKind::Truncated {
                needed: u64::try_from(len).unwrap_or(u64::MAX),
                remaining: u64::try_from(self.rest.len()).unwrap_or(u64::MAX),
            }));
        };
        self.rest = tail;
        self.offset = self.offset.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        Ok(head)
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], ParseError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, ParseError> {
        self.array::<1>().map(u8::from_le_bytes)
    }

    /// An unsigned 16-bit little-endian number.
    pub fn u16(&mut self) -> Result<u16, ParseError> {
        self.array().map(u16::from_le_bytes)
    }

    /// An unsigned 32-bit little-endian number.
    pub fn u32(&mut self) -> Result<u32, ParseError> {
        self.array().map(u32::from_le_bytes)
    }

    /// A signed 32-bit little-endian number, as Java reads SDK levels.
    pub fn i32(&mut self) -> Result<i32, ParseError> {
        self.array().map(i32::from_le_bytes)
    }

    /// An unsigned 64-bit little-endian number.
    pub fn u64(&mut self) -> Result<u64, ParseError> {
        self.array().map(u64::from_le_bytes)
    }

    /// The bytes behind a `u32` length; the cursor moves behind them.
    ///
    /// Lengths above 0x7fffffff are refused, as in apksig `getLengthPrefixedSlice`.
    pub fn length_prefixed(&mut self) -> Result<Self, ParseError> {
        let start = *self;
        let length = self.u32()?;
        let Some(len) = i32::try_from(length).ok().and_then(|len| usize::try_from(len).ok()) else {
            return Err(start.error(ParseErrorKind::NegativeLength(length)));
        };
        let offset = self.offset;
        let rest = self.take(len)?;
        Ok(Self { structure: self.structure, rest, offset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_length_prefix_and_stays_inside_it() {
        let mut cursor = Cursor::new("record", &[2, 0, 0, 0, 0xaa, 0xbb, 0xcc]);
        let mut inner = cursor.length_prefixed().unwrap();
        assert_eq!(inner.u16().unwrap(), 0xbbaa);
        assert_eq!(inner.offset(), 6);
        assert_eq!(cursor.rest(), &[0xcc]);
        assert_eq!(
            inner.u8().unwrap_err().to_string(),
            "record at 0x6: 1 bytes needed, only 0 remain",
            "the inner cursor must not read the byte behind it"
        );
    }

    #[test]
    fn refuses_a_length_that_java_reads_as_negative() {
        let mut cursor = Cursor::new("record", &[0, 0, 0, 0x80, 1]);
        let error = cursor.length_prefixed().unwrap_err();
        assert_eq!(error.to_string(), "record at 0x0: length 0x80000000 is above 0x7fffffff");
    }

    #[test]
    fn refuses_a_length_beyond_the_end_and_moves_its_place() {
        let mut cursor = Cursor::new("record", &[9, 0, 0, 0, 1]);
        let error = cursor.length_prefixed().unwrap_err().at(0x100);
        assert_eq!(error.to_string(), "record at 0x104: 9 bytes needed, only 1 remain");
    }
}
