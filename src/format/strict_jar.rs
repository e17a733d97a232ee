//! `META-INF/MANIFEST.MF` and `.SF` files as Android itself reads them, which is stricter than apksig and other in
//! corners; [`super::jar`] reads them as apksig does.
//!
//! Takes the bytes of the file, gives its attributes one after another, section by section. Which of them matter, and
//! what a difference means, is decided above.
//!
//! Source: AOSP frameworks/base `StrictJarManifestReader`; libcore `ManifestReader` and `InitManifest` before Android 7,
//! which read by the same rules.

use std::borrow::Cow;

use super::ParseError;

const STRUCTURE: &str = "manifest";
/// Longest name of an attribute, in bytes.
const NAME_LEN: usize = 70;

/// An attribute. Its value is joined from its lines and not decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// 1 to 70 of `A-Z a-z 0-9 _ -`.
    pub name: &'a str,
    /// What stands behind `": "`.
    pub value: Cow<'a, [u8]>,
}

/// Walks a manifest; each octet is looked at once.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    /// Line ends behind the last value: two of them end a section.
    line_ends: usize,
}

impl<'a> Reader<'a> {
    /// Starts in the main section.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0, line_ends: 0 }
    }

    /// The next attribute of the section; none at its end, once. The first attribute of the next one then follows, or
    /// none at the end of the file.
    ///
    /// A last line without an end is dropped, and so is text without a colon at the end of the file.
    ///
    /// # Errors
    /// What Android refuses: a colon without a space, a name that is none, a zero in a value.
    pub fn next_attribute(&mut self) -> Result<Option<Attribute<'a>>, ParseError> {
        if self.line_ends > 1 {
            self.line_ends = 0;
            return Ok(None);
        }
        let name = self.name()?;
        let value = self.value()?;
        let Some(name) = name.filter(|_| self.line_ends > 0) else { return Ok(None) };
        Ok(Some(Attribute { name, value }))
    }

    /// Where the next attribute starts, in bytes from the start of the file.
    pub fn offset(&self) -> u64 {
        self.position.try_into().unwrap_or(u64::MAX)
    }

    /// Takes everything before the next colon, over line ends too.
    fn name(&mut self) -> Result<Option<&'a str>, ParseError> {
        let at = self.offset();
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let Some(colon) = rest.iter().position(|octet| *octet == b':') else {
            self.position = self.bytes.len();
            return Ok(None);
        };
        let (name, value) = rest.split_at_checked(colon).unwrap_or_default();
        let [b':', b' ', ..] = value else {
            return Err(ParseError::invalid(STRUCTURE, at, "a colon without a space behind it"));
        };
        self.position = self.position.saturating_add(colon).saturating_add(2);
        let valid = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-');
        match str::from_utf8(name) {
            Ok(text) if (1..=NAME_LEN).contains(&name.len()) && name.iter().all(valid) => Ok(Some(text)),
            _ => {
                let shown: String = String::from_utf8_lossy(name).chars().take(NAME_LEN).collect();
                let message = format!("{shown:?} cannot be the name of an attribute");
                Err(ParseError::invalid(STRUCTURE, at, message))
            }
        }
    }

    /// Takes a value, the lines that continue it, and all line ends behind it.
    fn value(&mut self) -> Result<Cow<'a, [u8]>, ParseError> {
        // Android counts the length of a continuing line without text as -1, and breaks down.
        let bytes = self.bytes;
        let piece = |from: usize, to: usize| {
            bytes.get(from..to).ok_or_else(|| {
                let at = from.try_into().unwrap_or(u64::MAX);
                ParseError::invalid(STRUCTURE, at, "a line that continues a value with nothing")
            })
        };
        self.line_ends = 0;
        let mut joined = Cow::Borrowed(&[][..]);
        let (mut start, mut end) = (self.position, self.position);
        let mut position = self.position;
        // Stays set over everything but a line feed: one behind a continued line then ends nothing.
        let mut after_return = false;
        while let Some(octet) = self.bytes.get(position) {
            #[cfg(any(test, fuzzing))]
            crate::work::element();
            match octet {
                0 => {
                    let at = position.try_into().unwrap_or(u64::MAX);
                    return Err(ParseError::invalid(STRUCTURE, at, "a zero in a value"));
                }
                b'\n' if after_return => after_return = false,
                b'\n' => self.line_ends = self.line_ends.saturating_add(1),
                b'\r' => {
                    after_return = true;
                    self.line_ends = self.line_ends.saturating_add(1);
                }
                b' ' if self.line_ends == 1 => {
                    joined.to_mut().extend_from_slice(piece(start, end)?);
                    self.line_ends = 0;
                    start = position.saturating_add(1);
                }
                _ if self.line_ends > 0 => break,
                _ => end = position.saturating_add(1),
            }
            position = position.saturating_add(1);
        }
        self.position = position;
        let last = piece(start, end)?;
        if joined.is_empty() {
            return Ok(Cow::Borrowed(last));
        }
        joined.to_mut().extend_from_slice(last);
        Ok(joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attributes as `name=value`; an end of a section is an empty text.
    fn read(bytes: &[u8]) -> Result<Vec<String>, ParseError> {
        let mut reader = Reader::new(bytes);
        let mut seen = Vec::new();
        loop {
            match reader.next_attribute()? {
                Some(attribute) => {
                    seen.push(format!("{}={}", attribute.name, String::from_utf8_lossy(&attribute.value)));
                }
                None if seen.last().is_none_or(String::is_empty) => return Ok(seen),
                None => seen.push(String::new()),
            }
        }
    }

    fn reads(bytes: &[u8], expected: &[&str]) {
        assert_eq!(read(bytes).unwrap(), expected, "{:?}", String::from_utf8_lossy(bytes));
    }

    #[test]
    fn reads_sections_with_line_ends_of_any_kind() {
        for ends in ["\r\n", "\n", "\r"] {
            let text = "A: 1\nB: 2\n\nName: x\nC: 3\n\n".replace('\n', ends);
            reads(text.as_bytes(), &["A=1", "B=2", "", "Name=x", "C=3", ""]);
        }
        reads(b"A: 1\n\n\n\nName: x\n\n\n", &["A=1", "", "Name=x", ""]);
        reads(b"", &[]);
        reads(b"A: \n\n", &["A=", ""]);
    }

    #[test]
    fn joins_lines_that_start_with_a_space() {
        reads(b"A: 1\r\n 2\r\n  3\r\nB: 4\n\n", &["A=12 3", "B=4", ""]);
        reads(b"A: \n 1\n", &["A=1", ""]);
        // A return alone, a continued line, a line feed: that one ends nothing.
        reads(b"A: 1\r 2\nB: 3\n\n", &["A=12\nB: 3", ""]);
    }

    #[test]
    fn twice_as_many_lines_are_twice_the_work() {
        for line in ["A: 1\n", "A: 1\n\n", "A: 1\r\n 2\r\n", "\n", " continued\n"] {
            let text = |count: usize| format!("A: 1\n{}", line.repeat(count));
            crate::work::doubles(text, |text| assert!(read(text.as_bytes()).is_ok()));
        }
    }

    #[test]
    fn drops_what_has_no_end() {
        reads(b"A: 1\nB: 2", &["A=1", ""]);
        reads(b"A: 1\n\nName: x", &["A=1", ""]);
        reads(b"A: 1\nno colon\n", &["A=1", ""]);
    }

    #[test]
    fn refuses_what_android_refuses() {
        let long = [b"A".repeat(71).as_slice(), b": 1\n"].concat();
        reads(&long[1..], &[&format!("{}=1", "A".repeat(70)), ""]);
        for refused in [
            b"A:1\n",
            b"A: 1\nB:",
            b"A b: 1\n",
            b": 1\n",
            b"\nA: 1\n",
            b"A: 1\nno colon\nB: 2\n",
            b"A: 1\0\n",
            b"A: 1\n\0",
            b"A\0: 1\n",
            b"N\n ame: 1\n",
            b"A: 1\n\n B: 2\n",
            b"A: 1\n \nB: 2\n",
            b"A: 1\n ",
            "Ä: 1\n".as_bytes(),
            &long,
        ] as [&[u8]; 15]
        {
            assert!(read(refused).is_err(), "{:?}", String::from_utf8_lossy(refused));
        }
    }

    #[test]
    fn never_reads_past_the_end() {
        let text = b"A: 1\r\n 2\r\n\r\nName: x\r\nB: 3\r\n\r\n";
        for len in 0..text.len() {
            let _ = read(&text[..len]);
            for bit in 0..8 {
                let mut flipped = text.to_vec();
                flipped[len] ^= 1 << bit;
                let _ = read(&flipped);
            }
        }
    }
}
