//! `META-INF/MANIFEST.MF` and `.SF` files: sections of attributes, as apksig reads them.
//!
//! Takes the bytes of the file, gives sections with their range, since digests cover sections. Nothing is kept but
//! the bytes: names and values are read when they are asked for, so a manifest of any size costs no memory of its own.
//! Every text is a manifest to this grammar; Android's own, stricter one is in [`super::strict_jar`]. Which digest is
//! looked for, and what sections mean, is decided above.
//!
//! Source: apksig `internal.jar.ManifestParser`.

use std::borrow::Cow;
use std::iter::FusedIterator;

/// A manifest: the main section and those of single entries.
#[derive(Debug, Clone)]
pub struct Manifest<'a> {
    main: Option<Section<'a>>,
    sections: Sections<'a>,
}

impl<'a> Manifest<'a> {
    /// Finds the main section, which is the first one whatever it holds.
    pub fn parse(bytes: &'a [u8]) -> Self {
        let mut sections = Sections { rest: bytes, offset: 0 };
        Self { main: sections.next(), sections }
    }

    /// The first section; `None` when there is nothing but empty lines.
    pub fn main(&self) -> Option<Section<'a>> {
        self.main
    }

    /// The sections behind the first one, in order.
    pub fn sections(&self) -> Sections<'a> {
        self.sections.clone()
    }
}

/// Walks the sections of a manifest; each octet is looked at once.
#[derive(Debug, Clone)]
pub struct Sections<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl Sections<'_> {
    fn skip(&mut self, len: usize) {
        self.rest = self.rest.get(len..).unwrap_or_default();
        self.offset = self.offset.saturating_add(len);
    }
}

impl<'a> Iterator for Sections<'a> {
    type Item = Section<'a>;

    fn next(&mut self) -> Option<Section<'a>> {
        // Surplus empty lines belong to no section.
        let mut lines = Lines(self.rest);
        while lines.next()?.is_empty() {
            self.skip(self.rest.len().saturating_sub(lines.0.len()));
        }
        while lines.next().is_some_and(|line| !line.is_empty()) {}
        let len = self.rest.len().saturating_sub(lines.0.len());
        let section = Section { offset: self.offset, bytes: self.rest.get(..len).unwrap_or_default() };
        self.skip(len);
        Some(section)
    }
}

impl FusedIterator for Sections<'_> {}

/// Lines up to an empty one or the end of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Section<'a> {
    /// Where the section starts, in bytes from the start of the file.
    pub offset: usize,
    /// The section as digests cover it: from its first line through the empty line that ends it.
    pub bytes: &'a [u8],
}

impl<'a> Section<'a> {
    /// The entry that the section is about: the value of the first attribute, when that is called `Name`.
    pub fn name(&self) -> Option<Cow<'a, str>> {
        let first = self.attributes().next()?;
        equals_ignoring_case(&first.name, "Name").then_some(first.value)
    }

    /// The value of the first attribute called `name`, in upper or lower case.
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut attributes = self.attributes();
        attributes
            .find(|attribute| equals_ignoring_case(&attribute.name, name))
            .map(|attribute| attribute.value)
    }

    /// The attributes, in order.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes(Lines(self.bytes))
    }
}

/// One attribute. Octets that are not UTF-8 have become U+FFFD.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attribute<'a> {
    /// What stands before the first `": "`, or the whole line without one.
    pub name: Cow<'a, str>,
    /// What stands behind it, spaces and all.
    pub value: Cow<'a, str>,
}

/// Walks the attributes of a section; lines that start with a space continue the one before.
#[derive(Debug, Clone)]
pub struct Attributes<'a>(Lines<'a>);

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        #[cfg(any(test, fuzzing))]
        crate::work::step();
        // An empty line ends the section, and the slice ends with it.
        let line = self.0.next().filter(|line| !line.is_empty())?;
        let mut text = Cow::Borrowed(line);
        let mut ahead = self.0.clone();
        while let Some([b' ', continued @ ..]) = ahead.next() {
            text.to_mut().extend_from_slice(continued);
            self.0.clone_from(&ahead);
        }
        Some(split(text))
    }
}

impl FusedIterator for Attributes<'_> {}

fn split(text: Cow<'_, [u8]>) -> Attribute<'_> {
    let end = text.windows(2).position(|pair| pair == b": ").unwrap_or(text.len());
    match text {
        Cow::Borrowed(text) => {
            let (name, value) = text.split_at_checked(end).unwrap_or((text, b""));
            let value = value.get(2..).unwrap_or_default();
            Attribute { name: String::from_utf8_lossy(name), value: String::from_utf8_lossy(value) }
        }
        Cow::Owned(mut text) => {
            let value = text.get(end..).and_then(|value| value.get(2..)).unwrap_or_default();
            let value = Cow::Owned(String::from_utf8_lossy(value).into_owned());
            text.truncate(end);
            let name = Cow::Owned(String::from_utf8_lossy(&text).into_owned());
            Attribute { name, value }
        }
    }
}

/// Splits at CR LF, CR and LF; the last line needs no end.
#[derive(Debug, Clone)]
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        #[cfg(any(test, fuzzing))]
        crate::work::element();
        let end = self.0.iter().position(|octet| matches!(octet, b'\r' | b'\n')).unwrap_or(self.0.len());
        let (text, rest) = self.0.split_at_checked(end)?;
        self.0 = match rest {
            [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
            [] => rest,
        };
        Some(text)
    }
}

/// Java's `String.equalsIgnoreCase`, which folds more than ASCII: `ſ` is an `s` to it.
pub fn equals_ignoring_case(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
        || (!(a.is_ascii() && b.is_ascii()) && a.chars().map(fold).eq(b.chars().map(fold)))
}

/// Upper, then lower case, one character for one.
fn fold(c: char) -> char {
    match only(c.to_uppercase()).unwrap_or(c) {
        'İ' => 'i',
        upper => only(upper.to_lowercase()).unwrap_or(upper),
    }
}

fn only(mut mapped: impl Iterator<Item = char>) -> Option<char> {
    mapped.next().filter(|_| mapped.next().is_none())
}

/// Decodes Base64 as the basic decoder of `java.util.Base64` does; `None` where that throws.
///
/// No white space and no character outside of the alphabet. Padding may be left out, but not half of it; nothing may
/// follow it. Bits beyond the last octet are not looked at.
///
/// Source: JDK 17 `java.util.Base64.Decoder.decode`.
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    // A unit is four characters of six bits.
    let mut unit = 0_u32;
    let mut filled = 0_u8;
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        let value = match octet {
            b'A'..=b'Z' => octet.wrapping_sub(b'A'),
            b'a'..=b'z' => octet.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => octet.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                let complete = match filled {
                    2 => octets.next() == Some(b'='),
                    3 => true,
                    _ => false,
                };
                if !complete || octets.next().is_some() {
                    return None;
                }
                break;
            }
            _ => return None,
        };
        unit = (unit << 6) | u32::from(value);
        filled = filled.wrapping_add(1);
        if filled == 4 {
            decoded.extend_from_slice(unit.to_be_bytes().get(1..)?);
            (unit, filled) = (0, 0);
        }
    }
    match filled {
        0 => {}
        2 => decoded.extend_from_slice((unit << 12).to_be_bytes().get(1..2)?),
        3 => decoded.extend_from_slice((unit << 6).to_be_bytes().get(1..3)?),
        _ => return None,
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;
    use std::time::Instant;

    use super::*;

    fn ranges(bytes: &[u8]) -> Vec<(usize, usize)> {
        let manifest = Manifest::parse(bytes);
        manifest
            .main()
            .into_iter()
            .chain(manifest.sections())
            .map(|s| (s.offset, s.offset.saturating_add(s.bytes.len())))
            .collect()
    }

    fn main(bytes: &[u8]) -> Section<'_> {
        Manifest::parse(bytes).main().unwrap()
    }

    #[test]
    fn splits_at_empty_lines_of_any_kind() {
        assert_eq!(ranges(b"A: 1\r\n\r\nName: x\r\nB: 2\r\n\r\n"), [(0, 8), (8, 25)]);
        assert_eq!(ranges(b"A: 1\n\nB: 2\n\n"), [(0, 6), (6, 12)]);
        assert_eq!(ranges(b"A: 1\r\rB: 2\r\r"), [(0, 6), (6, 12)]);
        assert_eq!(ranges(b"A: 1\n\rB: 2\r\n"), [(0, 6), (6, 12)], "LF CR are two ends");
        assert_eq!(ranges(b"A: 1\r\r\nB: 2"), [(0, 7), (7, 11)], "CR and CR LF too");
    }

    #[test]
    fn surplus_empty_lines_belong_to_no_section() {
        assert_eq!(ranges(b"\n\r\nA: 1\n\n\n\nB: 2\n"), [(3, 9), (11, 16)]);
        assert_eq!(ranges(b"A: 1\n\n\n"), [(0, 6)]);
        assert_eq!(ranges(b"\n\n"), []);
        assert_eq!(ranges(b""), []);
    }

    #[test]
    fn joins_lines_that_start_with_a_space() {
        let section = main(b"Na\n me: a\r\n  b\n \n c\n\n");
        let attribute = section.attributes().next().unwrap();
        assert_eq!((&*attribute.name, &*attribute.value), ("Name", "a bc"));
        assert_eq!(section.name().unwrap(), "a bc");
        let section = main(b" A: 1\nB: \xc3\n \xa9\n\n");
        assert_eq!(section.get(" A").unwrap(), "1", "the first line of a section continues nothing");
        assert_eq!(section.get("B").unwrap(), "é", "joined before it is decoded");
        let one = main(b"A: 1\n\n").attributes().next().unwrap();
        assert!(matches!((one.name, one.value), (Cow::Borrowed("A"), Cow::Borrowed("1"))));
    }

    #[test]
    fn splits_at_the_first_colon_and_space() {
        let section = main(b"A:b: c: d \nE\nF:\nG: \n: h\n");
        let attributes: Vec<_> =
            section.attributes().map(|a| (a.name.into_owned(), a.value.into_owned())).collect();
        let expected = [("A:b", "c: d "), ("E", ""), ("F:", ""), ("G", ""), ("", "h")];
        assert_eq!(attributes, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn twice_as_many_lines_are_twice_the_work() {
        for line in ["A: 1\n", "Name: a\nA: 1\n\n", "A: 1\r\n 2\r\n", "\n", " continued\n"] {
            let text = |count: usize| format!("A: 1\n{}", line.repeat(count));
            crate::work::doubles(text, |text| {
                let manifest = Manifest::parse(text.as_bytes());
                for section in manifest.main().into_iter().chain(manifest.sections()) {
                    let _ = (section.name(), section.attributes().count());
                }
            });
        }
    }

    #[test]
    fn takes_the_name_from_the_first_attribute_alone() {
        assert_eq!(main(b"nAMe: x\nA: 1\n").name().unwrap(), "x");
        assert_eq!(main(b"A: 1\nName: x\n").name(), None);
        assert_eq!(main(b"Name\n").name().unwrap(), "");
    }

    #[test]
    fn takes_the_first_of_two_attributes() {
        let section = main(b"X-DIGEST: 1\nx-digest: 2\n");
        assert_eq!(section.get("X-Digest").unwrap(), "1");
        assert_eq!(section.get("X-Digests"), None);
        assert_eq!(main("X-Digeſt: 1\n".as_bytes()).get("X-DIGEST").unwrap(), "1", "as Java folds");
        assert_eq!(main("X-Dıgest: 1\n".as_bytes()).get("X-DIGEST").unwrap(), "1");
        assert_eq!(main("X-Dİgest: 1\n".as_bytes()).get("X-DIGEST").unwrap(), "1");
        assert_eq!(main("X-Digeß: 1\n".as_bytes()).get("X-DigeSS"), None);
    }

    #[test]
    fn replaces_what_is_not_utf8() {
        assert_eq!(main(b"Name: a\xffb\n").name().unwrap(), "a\u{fffd}b");
    }

    #[test]
    fn five_million_continuation_lines_take_linear_time() {
        let bytes = [&b"Name: x\n"[..], &b" y\n".repeat(5_000_000)].concat();
        let start = Instant::now();
        let section = main(&bytes);
        assert_eq!(section.name().unwrap().len(), 5_000_001);
        assert_eq!(section.bytes.len(), bytes.len());
        let many = b"Name: x\n\n".repeat(500_000);
        assert_eq!(Manifest::parse(&many).sections().count(), 499_999);
        // Quadratic joining needs minutes.
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    }

    #[test]
    fn decodes_base64_as_java_does() {
        for (text, decoded) in [
            ("", Some(&b""[..])),
            ("YWJj", Some(b"abc")),
            ("YWI=", Some(b"ab")),
            ("YWI", Some(b"ab")),
            ("YQ==", Some(b"a")),
            ("YQ", Some(b"a")),
            ("YR==", Some(b"a")),
            ("+/+/", Some(b"\xfb\xff\xbf")),
            ("YQ=", None),
            ("Y", None),
            ("Y===", None),
            ("=", None),
            ("YWJj=", None),
            ("YQ==YQ==", None),
            ("YWI=\n", None),
            (" YWI=", None),
            ("YWI!", None),
            ("YW-_", None),
            ("YWIé", None),
        ] {
            assert_eq!(decode_base64(text).as_deref(), decoded, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn sections_and_surplus_lines_cover_every_octet(bytes in "[a: \r\n]{0,40}") {
            let bytes = bytes.as_bytes();
            let mut at = 0;
            for (start, end) in ranges(bytes) {
                proptest::prop_assert!(bytes[at..start].iter().all(|octet| b"\r\n".contains(octet)));
                proptest::prop_assert!(start < end);
                at = end;
            }
            proptest::prop_assert!(bytes[at..].iter().all(|octet| b"\r\n".contains(octet)));
        }
    }
}
