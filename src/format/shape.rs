//! What some bytes look like, told from their first ones: a hint for people, never a judgement.
//!
//! Takes the start of a value, gives its likely form. Structures are looked at as far as they lie in that start.

use std::fmt;

use super::der::Oid;
use super::pkcs7::GM_SIGNED_DATA;
use super::pkcs7::SIGNED_DATA;

/// What bytes look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shape {
    /// No bytes at all.
    Empty,
    /// Zeros alone, as far as was looked.
    Zeros,
    /// Signed data of CMS, 1.2.840.113549.1.7.2 (RFC 5652).
    Cms,
    /// Signed data of the Chinese GM/T 0010, 1.2.156.10197.6.1.4.2.2.
    GmCms,
    /// An X.509 certificate (RFC 5280).
    X509,
    /// A compact JSON Web Signature (RFC 7515).
    Jws,
    /// JSON.
    Json,
    /// Base64 in PEM armour (RFC 7468).
    Pem,
    /// Text in UTF-8.
    Text,
    /// A ZIP archive: APK, JAR.
    Zip,
    /// Dalvik bytecode.
    Dex,
    /// A native library or program.
    Elf,
    /// gzip data.
    Gzip,
    /// Compressed or encrypted: as good as random.
    HighEntropy,
    /// Anything else.
    Binary,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 15] = [
        Self::Empty,
        Self::Zeros,
        Self::Cms,
        Self::GmCms,
        Self::X509,
        Self::Jws,
        Self::Json,
        Self::Pem,
        Self::Text,
        Self::Zip,
        Self::Dex,
        Self::Elf,
        Self::Gzip,
        Self::HighEntropy,
        Self::Binary,
    ];

    /// The stable kebab-case name: `gm-cms`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Zeros => "zeros",
            Self::Cms => "cms",
            Self::GmCms => "gm-cms",
            Self::X509 => "x509",
            Self::Jws => "jws",
            Self::Json => "json",
            Self::Pem => "pem",
            Self::Text => "text",
            Self::Zip => "zip",
            Self::Dex => "dex",
            Self::Elf => "elf",
            Self::Gzip => "gzip",
            Self::HighEntropy => "high-entropy",
            Self::Binary => "binary",
        }
    }

    /// In words, as in "looks like …".
    pub fn words(self) -> &'static str {
        match self {
            Self::Empty => "nothing",
            Self::Zeros => "zeros",
            Self::Cms => "a CMS signature",
            Self::GmCms => "a GM/T 0010 signature",
            Self::X509 => "an X.509 certificate",
            Self::Jws => "a JSON Web Signature",
            Self::Json => "JSON",
            Self::Pem => "PEM",
            Self::Text => "text",
            Self::Zip => "a ZIP archive",
            Self::Dex => "Dalvik bytecode",
            Self::Elf => "a native library",
            Self::Gzip => "gzip data",
            Self::HighEntropy => "compressed or encrypted data",
            Self::Binary => "binary data",
        }
    }

    /// Whether it carries a signature that could be checked.
    pub fn is_signature(self) -> bool {
        matches!(self, Self::Cms | Self::GmCms | Self::Jws)
    }

    /// Tells the shape of a value of `len` bytes from its first ones.
    ///
    /// `start` is the whole value or the first part of it.
    pub fn of(start: &[u8], len: u64) -> Self {
        let whole = u64::try_from(start.len()).is_ok_and(|held| held >= len);
        if len == 0 {
            return Self::Empty;
        }
        if start.iter().all(|octet| *octet == 0) {
            return Self::Zeros;
        }
        for (magic, shape) in MAGICS {
            if start.starts_with(magic) {
                return *shape;
            }
        }
        if let Some(shape) = der(start, len) {
            return shape;
        }
        if let Some(text) = utf8(start, whole) {
            return of_text(text, whole);
        }
        if is_high_entropy(start) { Self::HighEntropy } else { Self::Binary }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Shape {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

const MAGICS: &[(&[u8], Shape)] = &[
    (b"PK\x03\x04", Shape::Zip),
    (b"PK\x05\x06", Shape::Zip),
    (b"dex\n", Shape::Dex),
    (b"cdex", Shape::Dex),
    (b"\x7fELF", Shape::Elf),
    (b"\x1f\x8b\x08", Shape::Gzip),
    (b"-----BEGIN ", Shape::Pem),
];

/// A header of BER: tag, length of the contents unless indefinite, and what follows in `bytes`.
struct Header<'a> {
    tag: u8,
    len: Option<u64>,
    own_len: u64,
    rest: &'a [u8],
}

/// Reads a header of at most six octets; the contents need not be there.
fn header(bytes: &[u8]) -> Option<Header<'_>> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    match *first {
        0..=0x7f => Some(Header { tag: *tag, len: Some(u64::from(*first)), own_len: 2, rest }),
        0x80 => Some(Header { tag: *tag, len: None, own_len: 2, rest }),
        0x81..=0x84 => {
            let count = usize::from(*first & 0x7f);
            let (octets, rest) = rest.split_at_checked(count)?;
            let len = octets.iter().fold(0_u64, |len, octet| (len << 8) | u64::from(*octet));
            let own_len = u64::try_from(count).ok()?.checked_add(2)?;
            Some(Header { tag: *tag, len: Some(len), own_len, rest })
        }
        _ => None,
    }
}

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;
const INTEGER: u8 = 0x02;
const VERSION: u8 = 0xa0;

/// A signature or a certificate, as far as headers tell. Bytes may follow, as some writers pad.
fn der(start: &[u8], len: u64) -> Option<Shape> {
    let outer = header(start).filter(|outer| outer.tag == SEQUENCE)?;
    let fits = outer.len.is_none_or(|inner| inner.saturating_add(outer.own_len) <= len);
    if !fits {
        return None;
    }
    let first = header(outer.rest)?;
    match first.tag {
        OBJECT_IDENTIFIER => {
            let oid = first.rest.get(..usize::try_from(first.len?).ok()?).and_then(Oid::new)?;
            [(SIGNED_DATA, Shape::Cms), (GM_SIGNED_DATA, Shape::GmCms)]
                .into_iter()
                .find_map(|(known, shape)| (known == oid).then_some(shape))
        }
        SEQUENCE => {
            // Version, if it is given; serial number; algorithm.
            let mut field = header(first.rest)?;
            if field.tag == VERSION {
                field = header(field.rest.get(usize::try_from(field.len?).ok()?..)?)?;
            }
            if field.tag != INTEGER {
                return None;
            }
            let algorithm = header(field.rest.get(usize::try_from(field.len?).ok()?..)?)?;
            let oid = header(algorithm.rest)?;
            (algorithm.tag == SEQUENCE && oid.tag == OBJECT_IDENTIFIER).then_some(Shape::X509)
        }
        _ => None,
    }
}

/// The bytes as text without control characters; a character may be cut at the end of what is not whole.
fn utf8(start: &[u8], whole: bool) -> Option<&str> {
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) if !whole && error.error_len().is_none() => {
            std::str::from_utf8(start.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let printable = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
    (!text.is_empty() && text.chars().all(printable)).then_some(text)
}

fn of_text(text: &str, whole: bool) -> Shape {
    let trimmed = text.trim();
    if trimmed.starts_with("-----BEGIN ") {
        return Shape::Pem;
    }
    if is_jws(trimmed, whole) {
        return Shape::Jws;
    }
    let bracketed = trimmed.starts_with(['{', '[']);
    let parses = || serde_json::from_str::<serde::de::IgnoredAny>(trimmed).is_ok();
    if bracketed && (!whole || parses()) {
        return Shape::Json;
    }
    Shape::Text
}

/// Three parts of Base64url, the first of which is an object: `{"` is `eyJ`, `{ ` is `eyA`, `{\n` is `ewo`.
fn is_jws(text: &str, whole: bool) -> bool {
    let parts: Vec<&str> = text.splitn(4, '.').collect();
    let alphabet = |part: &&str| part.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'));
    let counted = if whole { parts.len() == 3 } else { parts.len() <= 3 };
    let object = ["eyJ", "eyA", "ewo", "ew0"].iter().any(|start| text.starts_with(start));
    // A cut value must show at least where its header ends, or that it has none that ends so soon.
    counted && object && parts.iter().all(alphabet)
}

/// Fewer bytes than these say nothing about randomness.
const ENTROPY_SAMPLE: usize = 1024;
/// Bits an octet; text has about 5, machine code about 6.5, 1024 random octets 7.8.
const HIGH_ENTROPY: f64 = 7.5;

/// Whether the octets are as good as random: Shannon entropy of their frequencies.
fn is_high_entropy(bytes: &[u8]) -> bool {
    if bytes.len() < ENTROPY_SAMPLE {
        return false;
    }
    let mut counts = [0_u32; 256];
    for octet in bytes {
        if let Some(count) = counts.get_mut(usize::from(*octet)) {
            *count = count.saturating_add(1);
        }
    }
    let total = f64::from(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    let bits: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        })
        .sum();
    bits >= HIGH_ENTROPY
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Shape {
        Shape::of(bytes, bytes.len() as u64)
    }

    const CERTIFICATE: &[u8] = include_bytes!("../../testdata/keys/rsa-2048.x509.der");

    fn signed_data(oid: &[u8]) -> Vec<u8> {
        let oid = [&[0x06, u8::try_from(oid.len()).unwrap()], oid].concat();
        let content = [&oid[..], b"\xa0\x03\x02\x01\x01"].concat();
        [&[0x30, u8::try_from(content.len()).unwrap()], &content[..]].concat()
    }

    #[test]
    fn tells_forms_apart() {
        let gm = signed_data(GM_SIGNED_DATA.as_bytes());
        let jws = b"eyJhbGciOiJSUzI1NiJ9.e30.AA";
        let cases: &[(&[u8], Shape)] = &[
            (b"", Shape::Empty),
            (&[0; 9], Shape::Zeros),
            (&signed_data(SIGNED_DATA.as_bytes()), Shape::Cms),
            (&gm, Shape::GmCms),
            (&[&gm[..], &[0; 4]].concat(), Shape::GmCms),
            (&signed_data(b"\x2a\x03"), Shape::Binary),
            (CERTIFICATE, Shape::X509),
            (jws, Shape::Jws),
            (b"eyJhbGciOiJSUzI1NiJ9.e30", Shape::Text),
            (b"eyJhbGciOiJSUzI1NiJ9.e30.AA.BB", Shape::Text),
            (b" {\"a\": 1}\n", Shape::Json),
            (b"{not json", Shape::Text),
            (b"-----BEGIN CERTIFICATE-----", Shape::Pem),
            ("渠道".as_bytes(), Shape::Text),
            (b"a\0b", Shape::Binary),
            (b"\xff\xfe", Shape::Binary),
            (b"PK\x03\x04....", Shape::Zip),
            (b"dex\n035\0", Shape::Dex),
            (b"\x7fELF\x02", Shape::Elf),
            (b"\x1f\x8b\x08\0", Shape::Gzip),
        ];
        for (bytes, shape) in cases {
            assert_eq!(of(bytes), *shape, "{bytes:?}");
        }
    }

    #[test]
    fn a_start_is_enough() {
        for len in 40..CERTIFICATE.len() {
            assert_eq!(Shape::of(&CERTIFICATE[..len], CERTIFICATE.len() as u64), Shape::X509, "{len}");
        }
        assert_eq!(Shape::of(b"{\"a\": \"long", 100), Shape::Json);
        assert_eq!(Shape::of(b"eyJhbGciOiJSUzI1NiJ9.abc", 100), Shape::Jws);
        assert_eq!(Shape::of(&"渠道".as_bytes()[..4], 6), Shape::Text, "a character is cut");
        assert_eq!(Shape::of(&"渠道".as_bytes()[..4], 4), Shape::Binary);
        assert_eq!(
            Shape::of(CERTIFICATE, 300),
            Shape::Binary,
            "the length of the outer element does not fit"
        );
    }

    #[test]
    fn random_is_told_from_code() {
        let mut state = 1_u32;
        let mut random: Vec<u8> = Vec::new();
        for _ in 0..2048 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            random.push(state.to_be_bytes()[0]);
        }
        random[0] = 0xff;
        assert_eq!(of(&random), Shape::HighEntropy);
        assert_eq!(of(&random[..1000]), Shape::Binary, "too short to say");
        let half: Vec<u8> = random.iter().map(|octet| octet & 0xbf).collect();
        assert_eq!(of(&half), Shape::Binary);
    }

    #[test]
    fn names_are_their_own() {
        let names: std::collections::HashSet<_> = Shape::ALL.iter().map(|shape| shape.as_str()).collect();
        assert_eq!(names.len(), Shape::ALL.len());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, len: u64) {
            let _ = Shape::of(&bytes, len);
            let _ = Shape::of(&[&[0x30, 0x82], &bytes[..]].concat(), len);
        }
    }
}
