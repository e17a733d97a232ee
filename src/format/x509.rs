//! X.509 certificates as Android's verifiers see them: fields for identity and decisions, names to compare and print.
//!
//! Takes the bytes of one certificate, gives borrowed fields. Lenient where apksig on the JDK is: it reads DER first and,
//! when that fails, reads BER and encodes it anew, so lengths in any form, padded numbers and surplus fields pass. Strict
//! where it is strict: garbage times, an empty issuer, an extension that occurs twice. Identity is the SHA-256 digest of
//! the bytes as given; nothing here is verified, no key is decoded, and no clock is asked.
//!
//! PEM instead of DER, which the JDK reads too, is refused.

use std::collections::HashSet;
use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use x509_parser::prelude::FromDer as _;
use x509_parser::prelude::X509Certificate;

use super::cursor::ParseError;
use super::der::Element;
use super::der::Oid;
use super::der::Reader;
use super::der::Tag;
use super::der::trim_integer;
use crate::limits::Limits;

const STRUCTURE: &str = "certificate";

/// The fields of one certificate; none of them is verified.
///
/// Source: RFC 5280, 4.1; apksig `X509CertificateUtils.generateCertificate`, JDK 17 `X509CertInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Certificate<'a> {
    /// All the bytes that were given, trailing ones too: what is digested and compared.
    pub raw: &'a [u8],
    /// What follows the certificate in these. The JDK does not look at it.
    pub trailing: &'a [u8],
    /// The part that the issuer signs, as encoded.
    pub tbs: &'a [u8],
    /// The version, less one: 2 for version 3.
    pub version: i32,
    /// The contents of the serial number: two's complement, big-endian, possibly empty.
    pub serial: &'a [u8],
    /// The algorithm of the issuer's signature.
    pub signature_algorithm: Oid<'a>,
    /// The issuer's signature over `tbs`, not checked here.
    pub signature: &'a [u8],
    /// The issuer's `Name`, as encoded.
    pub issuer: &'a [u8],
    /// The subject's `Name`, as encoded.
    pub subject: &'a [u8],
    /// Start of validity, Unix seconds.
    pub not_before: i64,
    /// End of validity, Unix seconds.
    pub not_after: i64,
    /// The `SubjectPublicKeyInfo`, as encoded, header included.
    pub public_key_info: &'a [u8],
    /// The algorithm of the key.
    pub public_key_algorithm: Oid<'a>,
    /// The extensions, in order.
    pub extensions: Vec<Extension<'a>>,
    key_usage: Option<KeyUsage>,
}

/// One extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extension<'a> {
    /// The type.
    pub oid: Oid<'a>,
    /// Whether one who does not know the type must refuse the certificate.
    pub critical: bool,
    /// The contents of the OCTET STRING.
    pub value: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads a certificate.
    ///
    /// # Errors
    /// What breaks the structure, and what the JDK refuses: an empty issuer, times that are none, algorithms that differ
    /// inside and outside of what is signed, extensions in a certificate that is not of version 3 or one that occurs
    /// twice, a critical extension of known type that is not of its shape, an empty subject beside extensions that do not
    /// hold a critical alternative name. And more than [`Limits::records`] extensions.
    pub fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self, ParseError> {
        let mut reader = Reader::new(STRUCTURE, bytes, limits);
        let mut fields = reader.expect(Tag::SEQUENCE)?.reader()?;
        let tbs = fields.expect(Tag::SEQUENCE)?;
        let outer_algorithm = algorithm(fields.required()?)?;
        let (_, signature) = bit_string(fields.expect(Tag::BIT_STRING)?)?;

        let mut fields = tbs.reader()?;
        let version = match fields.optional(Tag::context(0))? {
            Some(version) => version.reader()?.expect(Tag::INTEGER)?.int()?,
            None => 0,
        };
        let serial = fields.expect(Tag::INTEGER)?.contents;
        let algorithm_element = fields.required()?;
        let signature_algorithm = algorithm(algorithm_element)?;
        if signature_algorithm != outer_algorithm {
            return Err(algorithm_element.error("signature algorithm differs from the one outside"));
        }
        let issuer = fields.required()?;
        if name_is_empty(issuer)? {
            return Err(issuer.error("issuer is empty"));
        }
        let mut validity = fields.expect(Tag::SEQUENCE)?.reader()?;
        let not_before = time(validity.required()?)?;
        let not_after = time(validity.required()?)?;
        let subject = fields.required()?;
        let subject_is_empty = name_is_empty(subject)?;
        let public_key_info = fields.expect(Tag::SEQUENCE)?;
        let mut key = public_key_info.reader()?;
        let public_key_algorithm = algorithm(key.required()?)?;
        bit_string(key.expect(Tag::BIT_STRING)?)?;

        let mut extensions = None;
        while let Some(field) = fields.next()? {
            if field.tag == Tag::context(3) && field.constructed {
                if version != 2 {
                    return Err(field.error("extensions in a certificate that is not of version 3"));
                }
                extensions = Some(read_extensions(field.reader()?.expect(Tag::SEQUENCE)?, limits)?);
                break;
            }
            if matches!(field.tag.number, 1 | 2)
                && field.tag == Tag::context(field.tag.number)
                && !field.constructed
            {
                // Unique identifiers of issuer and subject.
                bit_string(field)?;
            }
            if version == 0 {
                return Err(field.error("surplus field in a certificate of version 1"));
            }
        }
        if subject_is_empty {
            let absent_or_named = extensions.as_ref().is_none_or(|extensions| {
                extensions.iter().any(|extension| extension.critical && extension.oid == SUBJECT_ALT_NAME)
            });
            if version == 0 || !absent_or_named {
                return Err(
                    subject.error("subject is empty and no critical alternative name stands in for it")
                );
            }
        }
        let extensions = extensions.unwrap_or_default();
        Ok(Self {
            raw: bytes,
            trailing: reader.rest(),
            tbs: tbs.encoded,
            version,
            serial,
            signature_algorithm,
            signature,
            issuer: issuer.encoded,
            subject: subject.encoded,
            not_before,
            not_after,
            public_key_info: public_key_info.encoded,
            public_key_algorithm,
            key_usage: key_usage(&extensions, limits),
            extensions,
        })
    }

    /// The first extension of a type.
    pub fn extension(&self, oid: Oid<'_>) -> Option<&Extension<'a>> {
        self.extensions.iter().find(|extension| extension.oid == oid)
    }

    /// What the key may be used for; `None` when the certificate does not say, or says so in an extension that is not
    /// critical and not well-formed.
    ///
    /// Source: JDK `X509Certificate.getKeyUsage`.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.key_usage
    }

    /// Whether a critical extension is of a type that the JDK does not know.
    ///
    /// Source: JDK `X509Certificate.hasUnsupportedCriticalExtension`, `sun.security.x509.OIDMap`.
    pub fn has_unsupported_critical_extension(&self) -> bool {
        self.extensions.iter().any(|extension| extension.critical && known_extension(extension.oid).is_none())
    }
}

/// The bits of the key usage extension (RFC 5280, 4.2.1.3), the first one highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUsage(pub u16);

impl KeyUsage {
    /// `digitalSignature`.
    pub const DIGITAL_SIGNATURE: Self = Self(0x8000);
    /// `nonRepudiation`, renamed `contentCommitment`.
    pub const NON_REPUDIATION: Self = Self(0x4000);

    /// Whether one of the bits of `other` is set.
    pub fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether the key may sign an APK by JAR signing.
    pub fn allows_signing(self) -> bool {
        self.intersects(Self::DIGITAL_SIGNATURE) || self.intersects(Self::NON_REPUDIATION)
    }
}

fn key_usage(extensions: &[Extension<'_>], limits: &Limits) -> Option<KeyUsage> {
    let extension = extensions.iter().find(|e| e.oid == KEY_USAGE && shape_is_right(e, limits))?;
    let mut reader = Reader::new(STRUCTURE, extension.value, limits);
    let (unused, octets) = bit_string(reader.expect(Tag::BIT_STRING).ok()?).ok()?;
    let last = octets.len().saturating_sub(1);
    let octet = |index: usize| {
        let octet = octets.get(index).copied().unwrap_or(0);
        if index == last { octet & 0xff_u8.checked_shl(unused).unwrap_or(0) } else { octet }
    };
    Some(KeyUsage(u16::from_be_bytes([octet(0), octet(1)])))
}

/// The object identifier of an `AlgorithmIdentifier`.
fn algorithm(element: Element<'_>) -> Result<Oid<'_>, ParseError> {
    element.expect(Tag::SEQUENCE)?.reader()?.expect(Tag::OBJECT_IDENTIFIER)?.unbounded_oid()
}

/// How many bits of the last octet are unused, and the octets.
fn bit_string(element: Element<'_>) -> Result<(u32, &[u8]), ParseError> {
    match element.contents.split_first() {
        Some((unused @ 0..=7, octets)) if *unused == 0 || !octets.is_empty() => {
            Ok((u32::from(*unused), octets))
        }
        _ => Err(element.error("malformed bit string")),
    }
}

fn read_extensions<'a>(element: Element<'a>, limits: &Limits) -> Result<Vec<Extension<'a>>, ParseError> {
    let mut reader = element.reader()?;
    let mut extensions = Vec::new();
    let mut seen = HashSet::new();
    while let Some(element) = reader.next()? {
        if extensions.len() >= limits.records {
            return Err(element.error(&format!("more than {} extensions", limits.records)));
        }
        let mut fields = element.expect(Tag::SEQUENCE)?.reader()?;
        let oid = fields.expect(Tag::OBJECT_IDENTIFIER)?.unbounded_oid()?;
        let mut field = fields.required()?;
        let mut critical = false;
        if field.tag == Tag::BOOLEAN {
            let [octet] = field.contents else { return Err(field.error("truth value is not one octet")) };
            critical = *octet != 0;
            field = fields.required()?;
        }
        let value = field.expect(Tag::OCTET_STRING)?;
        let extension = Extension { oid, critical, value: value.contents };
        if shape_is_right(&extension, limits) {
            if !seen.insert(oid) {
                return Err(element.error("extension occurs twice"));
            }
        } else if critical {
            return Err(value.error("critical extension is malformed"));
        }
        // The JDK leaves a malformed extension aside when it is not critical.
        extensions.push(extension);
    }
    Ok(extensions)
}

const KEY_USAGE: Oid<'static> = Oid::constant(b"\x55\x1d\x0f");
const SUBJECT_ALT_NAME: Oid<'static> = Oid::constant(b"\x55\x1d\x11");

/// What the value of an extension has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Any,
    One(Tag),
    /// A SEQUENCE with something in it.
    Filled,
}

/// Whether the value of `extension` is what the JDK wants of its type; of types that it does not know it wants nothing.
fn shape_is_right(extension: &Extension<'_>, limits: &Limits) -> bool {
    let (tag, filled) = match known_extension(extension.oid) {
        None | Some(Shape::Any) => return true,
        Some(Shape::One(tag)) => (tag, false),
        Some(Shape::Filled) => (Tag::SEQUENCE, true),
    };
    let mut reader = Reader::new(STRUCTURE, extension.value, limits);
    let Ok(element) = reader.expect(tag) else { return false };
    reader.rest().is_empty()
        && !(filled && element.contents.is_empty())
        && !(tag == Tag::BIT_STRING && bit_string(element).is_err())
}

/// The extension types that the JDK has a class for. Its classes look deeper than [`Shape`] does.
fn known_extension(oid: Oid<'_>) -> Option<Shape> {
    /// Numbers below 2.5.29.
    const CERTIFICATE_EXTENSIONS: &[(u8, Shape)] = &[
        (14, Shape::One(Tag::OCTET_STRING)), // subject key identifier
        (15, Shape::One(Tag::BIT_STRING)),   // key usage
        (16, Shape::One(Tag::SEQUENCE)),     // private key usage period
        (17, Shape::Filled),                 // subject alternative name
        (18, Shape::Filled),                 // issuer alternative name
        (19, Shape::One(Tag::SEQUENCE)),     // basic constraints
        (20, Shape::One(Tag::INTEGER)),      // CRL number
        (21, Shape::One(Tag::INTEGER)),      // reason code
        (27, Shape::One(Tag::INTEGER)),      // delta CRL indicator
        (28, Shape::One(Tag::SEQUENCE)),     // issuing distribution point
        (29, Shape::Filled),                 // certificate issuer
        (30, Shape::One(Tag::SEQUENCE)),     // name constraints
        (31, Shape::One(Tag::SEQUENCE)),     // CRL distribution points
        (32, Shape::One(Tag::SEQUENCE)),     // certificate policies
        (33, Shape::One(Tag::SEQUENCE)),     // policy mappings
        (35, Shape::One(Tag::SEQUENCE)),     // authority key identifier
        (36, Shape::One(Tag::SEQUENCE)),     // policy constraints
        (37, Shape::One(Tag::SEQUENCE)),     // extended key usage
        (46, Shape::One(Tag::SEQUENCE)),     // freshest CRL
        (54, Shape::One(Tag::INTEGER)),      // inhibit any policy
    ];
    match oid.as_bytes() {
        [0x55, 0x1d, last] => {
            CERTIFICATE_EXTENSIONS.iter().find(|(number, _)| number == last).map(|(_, shape)| *shape)
        }
        // Authority and subject information access, 1.3.6.1.5.5.7.1.1 and .11.
        b"\x2b\x06\x01\x05\x05\x07\x01\x01" | b"\x2b\x06\x01\x05\x05\x07\x01\x0b" => {
            Some(Shape::One(Tag::SEQUENCE))
        }
        // Netscape certificate type, 2.16.840.1.113730.1.1.
        b"\x60\x86\x48\x01\x86\xf8\x42\x01\x01" => Some(Shape::One(Tag::BIT_STRING)),
        // OCSP no check, 1.3.6.1.5.5.7.48.1.5.
        b"\x2b\x06\x01\x05\x05\x07\x30\x01\x05" => Some(Shape::Any),
        _ => None,
    }
}

/// The Unix seconds of an UTCTime or GeneralizedTime; fractions are cut off.
///
/// Days beyond the end of a month run over into the next one. Source: JDK 17 `DerInputBuffer.getTime`.
fn time(element: Element<'_>) -> Result<i64, ParseError> {
    let parsed = match element.tag {
        Tag::UTC_TIME if (11..=17).contains(&element.contents.len()) => parse_time(element.contents, 2),
        Tag::GENERALIZED_TIME => parse_time(element.contents, 4),
        _ => None,
    };
    parsed.ok_or_else(|| element.error("time is none"))
}

fn parse_time(text: &[u8], year_digits: usize) -> Option<i64> {
    let (year, rest) = digits(text, year_digits)?;
    let (month, rest) = digits(rest, 2)?;
    let (day, rest) = digits(rest, 2)?;
    let (hour, rest) = digits(rest, 2)?;
    let (minute, mut rest) = digits(rest, 2)?;
    let year = match (year_digits, year) {
        (2, ..50) => year.saturating_add(2000),
        (2, _) => year.saturating_add(1900),
        _ => year,
    };
    let mut second = 0;
    if rest.len() > 2 {
        (second, rest) = digits(rest, 2)?;
        if let (4, [b'.' | b',', fraction @ ..]) = (year_digits, rest) {
            let end = fraction.iter().position(|octet| !octet.is_ascii_digit())?;
            if end == 0 {
                return None;
            }
            rest = fraction.get(end..)?;
        }
    }
    let valid =
        (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 60;
    if !valid {
        return None;
    }
    let offset = match rest {
        [b'Z'] => 0,
        [sign @ (b'+' | b'-'), offset @ ..] if offset.len() == 4 => {
            let (hours, rest) = digits(offset, 2)?;
            let (minutes, _) = digits(rest, 2)?;
            if hours >= 24 || minutes >= 60 {
                return None;
            }
            let seconds = hours.saturating_mul(3600).saturating_add(minutes.saturating_mul(60));
            if *sign == b'+' { seconds.saturating_neg() } else { seconds }
        }
        _ => return None,
    };
    let days = days_since_1970(year, month, day);
    let seconds = hour.saturating_mul(3600).saturating_add(minute.saturating_mul(60)).saturating_add(second);
    Some(days.saturating_mul(86_400).saturating_add(seconds).saturating_add(offset))
}

/// The number in the first `count` octets, and what follows them.
fn digits(text: &[u8], count: usize) -> Option<(i64, &[u8])> {
    let (head, tail) = text.split_at_checked(count)?;
    let text = head.iter().all(u8::is_ascii_digit).then_some(head)?;
    Some((std::str::from_utf8(text).ok()?.parse().ok()?, tail))
}

/// Days from 1970-01-01 in the Gregorian calendar, without regard to its start in 1582.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    /// Days of a common year before each month.
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let month_index = usize::try_from(month.saturating_sub(1)).unwrap_or(0);
    let past = year.saturating_sub(1);
    let leap_days = past
        .div_euclid(4)
        .saturating_sub(past.div_euclid(100))
        .saturating_add(past.div_euclid(400))
        .saturating_add(i64::from(leap && month > 2));
    // 719,162 days before 1970 since the first of January of the year 1.
    past.saturating_mul(365)
        .saturating_add(leap_days)
        .saturating_add(BEFORE.get(month_index).copied().unwrap_or(0))
        .saturating_add(day)
        .saturating_sub(719_163)
}

/// Whether two serial numbers are the same number; both are the contents of an INTEGER.
pub fn serial_equal(a: &[u8], b: &[u8]) -> bool {
    trim_integer(a) == trim_integer(b)
}

/// Whether two names, as encoded, are the same to the JDK.
///
/// Both are brought into the canonical form of `X500Principal.equals`: order of the relative names counts, that of the
/// attributes within one does not; PrintableString and UTF8String of well-known types are compared without regard to
/// case, to spaces around and to the number of those inside; everything else as encoded. Malformed names, and those of more
/// than [`Limits::records`] parts, are equal to nothing.
///
/// The JDK also brings the text into Unicode form NFKD, which is left out here: names that differ only in composition
/// (`é` in one or two characters, full-width letters) are different.
pub fn names_equal(a: &[u8], b: &[u8], limits: &Limits) -> bool {
    let a = CanonicalName::of(a, limits);
    a.is_some() && a == CanonicalName::of(b, limits)
}

/// A name in the form in which [`names_equal`] compares: for comparing one with many.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CanonicalName {
    /// How many attributes each relative name has.
    shape: Vec<usize>,
    text: String,
}

impl CanonicalName {
    /// The form of a name, as encoded; `None` for one that is equal to nothing.
    pub fn of(raw: &[u8], limits: &Limits) -> Option<Self> {
        let name = Name::parse(raw, limits).ok()?;
        Some(Self { shape: name.0.iter().map(Vec::len).collect(), text: name.canonical() })
    }
}

/// A name, as encoded, in the way the JDK prints it: last relative name first, `CN=Android Debug, O=Android, C=US`.
///
/// It is what `apksigner verify --print-certs` shows. The text is not fit for a terminal: values are not escaped. A
/// malformed name, or one of more than [`Limits::records`] parts, gives its octets in hexadecimal behind `#`.
///
/// Source: JDK 17 `sun.security.x509.X500Name.toString`, `AVA.toString`.
pub fn distinguished_name(raw: &[u8], limits: &Limits) -> String {
    match Name::parse(raw, limits) {
        Ok(name) => name.display(),
        Err(_) => hex("#", raw),
    }
}

/// Whether a name, as encoded, is one of the debug keys that Android's tools and app templates make: it has the common
/// name `Android Debug`, in whatever place.
pub fn is_android_debug_subject(raw: &[u8], limits: &Limits) -> bool {
    let Ok(name) = Name::parse(raw, limits) else { return false };
    let debug = |attribute: &Attribute<'_>| {
        attribute.oid == Oid::constant(COMMON_NAME) && attribute.text().as_deref() == Some("Android Debug")
    };
    name.0.iter().flatten().any(debug)
}

const COMMON_NAME: &[u8] = b"\x55\x04\x03";
const COUNTRY: &[u8] = b"\x55\x04\x06";
const ORGANIZATION: &[u8] = b"\x55\x04\x0a";

/// Attribute types of names that have a keyword, and whether RFC 2253 knows it.
///
/// Source: JDK 17 `sun.security.x509.AVAKeyword`.
const KEYWORDS: &[(&[u8], &str, bool)] = &[
    (COMMON_NAME, "CN", true),
    (COUNTRY, "C", true),
    (b"\x55\x04\x07", "L", true),
    (b"\x55\x04\x08", "ST", true),
    (ORGANIZATION, "O", true),
    (b"\x55\x04\x0b", "OU", true),
    (b"\x55\x04\x0c", "T", false),
    (b"\x2b\x06\x01\x04\x01\x2a\x02\x0b\x02\x01", "IP", false),
    (b"\x55\x04\x09", "STREET", true),
    (b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", "DC", true),
    (b"\x55\x04\x2e", "DNQ", false),
    (b"\x55\x04\x04", "SURNAME", false),
    (b"\x55\x04\x2a", "GIVENNAME", false),
    (b"\x55\x04\x2b", "INITIALS", false),
    (b"\x55\x04\x2c", "GENERATION", false),
    (b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", "EMAILADDRESS", false),
    (b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", "UID", true),
    (b"\x55\x04\x05", "SERIALNUMBER", false),
];

/// Relative names, each a set of attributes.
struct Name<'a>(Vec<Vec<Attribute<'a>>>);

#[derive(Clone, Copy)]
struct Attribute<'a> {
    oid: Oid<'a>,
    value: Element<'a>,
}

impl<'a> Name<'a> {
    fn parse(raw: &'a [u8], limits: &Limits) -> Result<Self, ParseError> {
        #[cfg(any(test, fuzzing))]
        crate::work::step();
        let element = Reader::new("name", raw, limits).required()?;
        let mut relative_names = Vec::new();
        let mut records = 0_usize;
        walk_name(element, |attribute| {
            // Few octets make a record of many: their number is bounded, not only that of the octets.
            records = records.saturating_add(1);
            if records > limits.records {
                return Err(element.error(&format!("name has more than {} parts", limits.records)));
            }
            match (attribute, relative_names.last_mut()) {
                (Some(attribute), Some(last)) => Vec::push(last, attribute),
                _ => relative_names.push(Vec::new()),
            }
            Ok(())
        })?;
        Ok(Self(relative_names))
    }

    fn display(&self) -> String {
        let relative_name = |attributes: &Vec<Attribute<'_>>| {
            attributes.iter().map(Attribute::display).collect::<Vec<_>>().join(" + ")
        };
        self.0.iter().rev().map(relative_name).collect::<Vec<_>>().join(", ")
    }

    fn canonical(&self) -> String {
        let relative_name = |attributes: &Vec<Attribute<'_>>| {
            let mut attributes: Vec<_> = attributes.iter().map(Attribute::canonical).collect();
            attributes.sort_unstable();
            attributes.join("+")
        };
        self.0.iter().rev().map(relative_name).collect::<Vec<_>>().join(",")
    }
}

/// Checks a name and calls `visit` at the start of each relative name with `None`, then with each of its attributes.
///
/// Source: JDK 17 `sun.security.x509.AVA`: "extra bytes" behind a value are refused.
fn walk_name<'a>(
    element: Element<'a>,
    mut visit: impl FnMut(Option<Attribute<'a>>) -> Result<(), ParseError>,
) -> Result<(), ParseError> {
    let mut reader = parts_of_name(element, Tag::SEQUENCE)?;
    while let Some(relative_name) = reader.next()? {
        let mut reader = parts_of_name(relative_name, Tag::SET)?;
        visit(None)?;
        while let Some(attribute) = reader.next()? {
            let mut fields = parts_of_name(attribute, Tag::SEQUENCE)?;
            let oid = fields.expect(Tag::OBJECT_IDENTIFIER)?.unbounded_oid()?;
            let value = fields.required()?;
            if let Some(behind) = fields.next()? {
                return Err(behind.error("an attribute of a name goes on behind its value"));
            }
            visit(Some(Attribute { oid, value }))?;
        }
    }
    Ok(())
}

/// What is inside of an element of a name, which must say of itself that it holds others.
///
/// Source: JDK 17 `sun.security.util.DerInputStream.getSequence`, `sun.security.x509.RDN`: the whole octet is compared,
/// where apksig's own reader never looks.
fn parts_of_name(element: Element<'_>, tag: Tag) -> Result<Reader<'_>, ParseError> {
    let element = element.expect(tag)?;
    if !element.constructed {
        return Err(element.error("a part of a name is marked as primitive"));
    }
    element.reader()
}

/// Checks a name; whether it has no attribute at all.
fn name_is_empty(element: Element<'_>) -> Result<bool, ParseError> {
    let mut empty = true;
    walk_name(element, |attribute| {
        empty &= attribute.is_none();
        Ok(())
    })?;
    Ok(empty)
}

impl Attribute<'_> {
    fn keyword(&self) -> Option<(&'static str, bool)> {
        KEYWORDS
            .iter()
            .find(|(oid, ..)| self.oid == Oid::constant(oid))
            .map(|(_, keyword, in_rfc2253)| (*keyword, *in_rfc2253))
    }

    /// The value when it is of a string type that the JDK prints; one in pieces is none to it (`AVA.isDerString`).
    fn text(&self) -> Option<String> {
        if self.value.constructed {
            return None;
        }
        let octets = self.value.octets().ok()?;
        let ascii =
            |octet: &u8| if octet.is_ascii() { char::from(*octet) } else { char::REPLACEMENT_CHARACTER };
        match self.value.tag {
            Tag::UTF8_STRING => Some(String::from_utf8_lossy(&octets).into_owned()),
            Tag::PRINTABLE_STRING | Tag::IA5_STRING | Tag::GENERAL_STRING => {
                Some(octets.iter().map(ascii).collect())
            }
            Tag::T61_STRING => Some(octets.iter().copied().map(char::from).collect()),
            Tag::BMP_STRING => {
                let (units, rest) = octets.as_chunks::<2>();
                let units = units.iter().copied().map(u16::from_be_bytes);
                let text = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER));
                Some(text.chain((!rest.is_empty()).then_some(char::REPLACEMENT_CHARACTER)).collect())
            }
            Tag::UNIVERSAL_STRING => {
                let (units, rest) = octets.as_chunks::<4>();
                let units = units.iter().copied().map(u32::from_be_bytes);
                let text = units.map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
                Some(text.chain((!rest.is_empty()).then_some(char::REPLACEMENT_CHARACTER)).collect())
            }
            _ => None,
        }
    }

    fn display(&self) -> String {
        let mut out = match self.keyword() {
            Some((keyword, _)) => format!("{keyword}="),
            None => format!("OID.{}=", self.oid),
        };
        let Some(text) = self.text() else {
            return hex(&(out + "#"), self.value.encoded);
        };
        if text.len() > 1 && text.starts_with('"') && text.ends_with('"') {
            let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default();
            let _ = write!(out, "\"{}\"", escape(inner));
            return out;
        }
        let blank = [' ', '\n'];
        let doubled = text.as_bytes().windows(2).any(|pair| matches!(pair, [b' ' | b'\n', b' ' | b'\n']));
        let quoted = doubled
            || text.starts_with(blank)
            || text.ends_with(blank)
            || text.contains(|c| QUOTED.contains(c));
        let escaped = escape(&text);
        if quoted {
            let _ = write!(out, "\"{escaped}\"");
        } else {
            out.push_str(&escaped);
        }
        out
    }

    fn canonical(&self) -> String {
        let keyword = self.keyword().filter(|(_, in_rfc2253)| *in_rfc2253);
        // Of one in pieces the JDK compares the encoding, as of everything that is no such text.
        let is_text =
            matches!(self.value.tag, Tag::PRINTABLE_STRING | Tag::UTF8_STRING) && !self.value.constructed;
        let Some((keyword, _)) = keyword.filter(|_| is_text) else {
            let start = match keyword {
                Some((keyword, _)) => format!("{}=#", keyword.to_lowercase()),
                None => format!("{}=#", self.oid),
            };
            return hex(&start, self.value.encoded);
        };
        let mut value = String::new();
        let mut after_space = false;
        for (index, c) in String::from_utf8_lossy(self.value.contents).chars().enumerate() {
            if ",+<>;\"\\".contains(c) || (index == 0 && c == '#') {
                value.push('\\');
            }
            if !(c == ' ' && after_space) {
                value.push(c);
            }
            after_space = c == ' ';
        }
        let value = value.trim_matches(|c| c <= ' ');
        format!("{keyword}={value}").to_uppercase().to_lowercase()
    }
}

/// Characters for which the JDK sets a value in quotes.
const QUOTED: &str = ",+=\n<>#;\\\"";

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn hex(start: &str, octets: &[u8]) -> String {
    let mut text = String::from(start);
    HEXLOWER.encode_append(octets, &mut text);
    text
}

/// A certificate in words, for people; nothing is decided by it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateDescription {
    /// The subject, see [`distinguished_name`].
    pub subject: String,
    /// The issuer, see [`distinguished_name`].
    pub issuer: String,
    /// The octets of the serial number, in lower-case hexadecimal.
    pub serial_hex: String,
    /// Start of validity, Unix seconds.
    pub not_before: i64,
    /// End of validity, Unix seconds.
    pub not_after: i64,
    /// The algorithm of the issuer's signature: a name such as `sha256WithRSAEncryption`, or dotted numbers.
    pub signature_algorithm: String,
}

/// Describes a certificate; `None` when neither `x509-parser` nor [`Certificate::parse`] can read it.
pub fn describe(der: &[u8], limits: &Limits) -> Option<CertificateDescription> {
    if let Ok((_, certificate)) = X509Certificate::from_der(der) {
        return Some(CertificateDescription {
            subject: distinguished_name(certificate.subject().as_raw(), limits),
            issuer: distinguished_name(certificate.issuer().as_raw(), limits),
            serial_hex: hex("", certificate.raw_serial()),
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            signature_algorithm: algorithm_name(Oid::constant(
                certificate.signature_algorithm.algorithm.as_bytes(),
            )),
        });
    }
    let certificate = Certificate::parse(der, limits).ok()?;
    Some(CertificateDescription {
        subject: distinguished_name(certificate.subject, limits),
        issuer: distinguished_name(certificate.issuer, limits),
        serial_hex: hex("", certificate.serial),
        not_before: certificate.not_before,
        not_after: certificate.not_after,
        signature_algorithm: algorithm_name(certificate.signature_algorithm),
    })
}

/// What `x509-parser` has no names for: ML-DSA (RFC 9881, section 2) and DSA with SHA-2 (RFC 5758, section 3.1).
const FURTHER_NAMES: [(Oid<'_>, &str); 7] = [
    (Oid::constant(b"\x60\x86\x48\x01\x65\x03\x04\x03\x01"), "dsa-with-sha224"),
    (Oid::constant(b"\x60\x86\x48\x01\x65\x03\x04\x03\x02"), "dsa-with-sha256"),
    (Oid::constant(b"\x60\x86\x48\x01\x65\x03\x04\x03\x03"), "dsa-with-sha384"),
    (Oid::constant(b"\x60\x86\x48\x01\x65\x03\x04\x03\x04"), "dsa-with-sha512"),
    (Oid::constant(b"\x60\x86\x48\x01\x65\x03\x04\x03\x11"), "ML-DSA-44"),
    (Oid::constant(b"\x60\x86\x48\x01\x65\x03\x04\x03\x12"), "ML-DSA-65"),
    (Oid::constant(b"\x60\x86\x48\x01\x65\x03\x04\x03\x13"), "ML-DSA-87"),
];

/// The short name of an algorithm, or its object identifier in digits.
pub(crate) fn algorithm_name(oid: Oid<'_>) -> String {
    if let Some((_, name)) = FURTHER_NAMES.iter().find(|(known, _)| *known == oid) {
        return (*name).to_owned();
    }
    let registered = x509_parser::der_parser::oid::Oid::new(oid.as_bytes().into());
    match x509_parser::objects::oid2sn(&registered, x509_parser::objects::oid_registry()) {
        Ok(name) => name.to_owned(),
        Err(_) => oid.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RSA_SHA256: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b";
    const CRITICAL: &[u8] = b"\x01\x01\xff";

    fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let contents = parts.concat();
        if let Ok(length @ 0..0x80) = u8::try_from(contents.len()) {
            return [&[tag, length][..], &contents].concat();
        }
        let length = u16::try_from(contents.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &length, &contents].concat()
    }

    fn algorithm(oid: &[u8]) -> Vec<u8> {
        element(0x30, &[&element(6, &[oid]), b"\x05\0"])
    }

    fn attribute(oid: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
        element(0x30, &[&element(6, &[oid]), &element(tag, &[value])])
    }

    fn name(relative_names: &[&[&[u8]]]) -> Vec<u8> {
        let sets: Vec<Vec<u8>> = relative_names.iter().map(|attributes| element(0x31, attributes)).collect();
        element(0x30, &[&sets.concat()])
    }

    fn common_name(tag: u8, value: &[u8]) -> Vec<u8> {
        name(&[&[&attribute(COMMON_NAME, tag, value)]])
    }

    fn extension(oid: &[u8], critical: &[u8], value: &[u8]) -> Vec<u8> {
        element(0x30, &[&element(6, &[oid]), critical, &element(4, &[value])])
    }

    /// The parts of a certificate, each to be replaced by a test.
    struct Parts {
        version: Vec<u8>,
        serial: Vec<u8>,
        algorithm: Vec<u8>,
        issuer: Vec<u8>,
        not_before: Vec<u8>,
        subject: Vec<u8>,
        extensions: Vec<u8>,
    }

    impl Default for Parts {
        fn default() -> Self {
            Self {
                version: b"\xa0\x03\x02\x01\x02".to_vec(),
                serial: b"\x02\x01\x05".to_vec(),
                algorithm: algorithm(RSA_SHA256),
                issuer: common_name(0x13, b"issuer"),
                not_before: element(0x17, &[b"200101000000Z"]),
                subject: common_name(0x0c, b"subject"),
                extensions: vec![],
            }
        }
    }

    impl Parts {
        fn extensions(extensions: &[&[u8]]) -> Self {
            Self { extensions: element(0xa3, &[&element(0x30, extensions)]), ..Self::default() }
        }

        fn tbs(&self) -> Vec<u8> {
            let validity = element(0x30, &[&self.not_before, &element(0x18, &[b"20500101000000Z"])]);
            let key = element(0x30, &[&algorithm(b"\x2a\x03"), b"\x03\x02\0k"]);
            [
                &self.version,
                &self.serial,
                &self.algorithm,
                &self.issuer,
                &validity,
                &self.subject,
                &key,
                &self.extensions,
            ]
            .map(Vec::as_slice)
            .concat()
        }

        fn build(&self) -> Vec<u8> {
            let outer = algorithm(RSA_SHA256);
            element(0x30, &[&element(0x30, &[&self.tbs()]), &outer, b"\x03\x02\0s"])
        }

        fn error(&self) -> String {
            match parse(&self.build()) {
                Ok(_) => "accepted".into(),
                Err(error) => error.to_string().split(": ").nth(1).unwrap().into(),
            }
        }
    }

    fn names_equal(a: &[u8], b: &[u8]) -> bool {
        super::names_equal(a, b, &Limits::default())
    }

    fn distinguished_name(raw: &[u8]) -> String {
        super::distinguished_name(raw, &Limits::default())
    }

    fn is_android_debug_subject(raw: &[u8]) -> bool {
        super::is_android_debug_subject(raw, &Limits::default())
    }

    fn parse(bytes: &[u8]) -> Result<Certificate<'_>, ParseError> {
        Certificate::parse(bytes, &Limits::default())
    }

    #[test]
    fn reads_all_fields() {
        let parts = Parts::extensions(&[&extension(b"\x2a\x03\x04", b"", b"value")]);
        let bytes = [parts.build(), b"after".to_vec()].concat();
        let certificate = parse(&bytes).unwrap();
        assert_eq!(certificate.raw, bytes);
        assert_eq!(certificate.trailing, b"after");
        assert_eq!(certificate.version, 2);
        assert_eq!(certificate.serial, b"\x05");
        assert_eq!(certificate.signature_algorithm.to_string(), "1.2.840.113549.1.1.11");
        assert_eq!(certificate.issuer, parts.issuer);
        assert_eq!(certificate.subject, parts.subject);
        assert_eq!((certificate.not_before, certificate.not_after), (1_577_836_800, 2_524_608_000));
        assert_eq!(certificate.public_key_info, b"\x30\x0c\x30\x06\x06\x02\x2a\x03\x05\0\x03\x02\0k");
        assert_eq!(certificate.public_key_algorithm.to_string(), "1.2.3");
        let [extension] = &certificate.extensions[..] else { panic!("one extension") };
        assert_eq!((extension.oid.to_string().as_str(), extension.critical), ("1.2.3.4", false));
        assert_eq!(extension.value, b"value");
        assert_eq!(certificate.key_usage(), None);
        assert!(!certificate.has_unsupported_critical_extension());
    }

    #[test]
    fn reads_lengths_that_are_not_der() {
        let parts = Parts::default();
        let tbs = [b"\x30\x80", &parts.tbs()[..], b"\0\0"].concat();
        let bytes = [b"\x30\x80", &tbs[..], &algorithm(RSA_SHA256), b"\x03\x82\0\x02\0s", b"\0\0"].concat();
        assert_eq!(parse(&bytes).unwrap().tbs, tbs);
        let bytes = parts.build();
        for len in 0..bytes.len() {
            assert!(parse(&bytes[..len]).is_err(), "cut at {len}");
        }
    }

    #[test]
    fn accepts_odd_numbers() {
        for (serial, same) in
            [(&b"\x02\0"[..], &b"\0"[..]), (b"\x02\x01\xff", b"\xff\xff"), (b"\x02\x02\0\x05", b"\x05")]
        {
            let parts = Parts { serial: serial.to_vec(), ..Parts::default() };
            assert!(serial_equal(parse(&parts.build()).unwrap().serial, same), "{serial:02x?}");
        }
        assert!(!serial_equal(b"\x80", b"\0\x80"), "-128 and 128");
        let nine = Parts { version: b"\xa0\x03\x02\x01\x09".to_vec(), ..Parts::default() };
        assert_eq!(parse(&nine.build()).unwrap().version, 9);
    }

    #[test]
    fn refuses_what_the_jdk_refuses() {
        assert_eq!(Parts::default().error(), "accepted");
        let other = Parts { algorithm: algorithm(b"\x2a\x03"), ..Parts::default() };
        assert_eq!(other.error(), "signature algorithm differs from the one outside");
        for issuer in [name(&[]), name(&[&[]])] {
            assert_eq!(Parts { issuer, ..Parts::default() }.error(), "issuer is empty");
        }
        let unsigned = Parts { serial: b"\x04\x01\x05".to_vec(), ..Parts::default() };
        assert_eq!(unsigned.error(), "expected INTEGER, found OCTET STRING");
    }

    #[test]
    fn reads_times_as_the_jdk_does() {
        let utc = |text: &[u8]| parse_time(text, 2);
        let generalized = |text: &[u8]| parse_time(text, 4);
        assert_eq!(utc(b"200101000000Z"), Some(1_577_836_800));
        assert_eq!(utc(b"2001010000Z"), Some(1_577_836_800), "without seconds");
        assert_eq!(utc(b"200101000000+0130"), Some(1_577_831_400));
        assert_eq!(utc(b"200101000000-0130"), Some(1_577_842_200));
        assert_eq!(utc(b"500101000000Z"), Some(-631_152_000));
        assert_eq!(utc(b"490101000000Z"), Some(2_493_072_000));
        assert_eq!(utc(b"200231000000Z"), Some(1_583_107_200), "31 February is 2 March");
        assert_eq!(generalized(b"20200101000000.1234Z"), Some(1_577_836_800));
        assert_eq!(generalized(b"99991231235959Z"), Some(253_402_300_799));
        assert_eq!(generalized(b"00000101000000Z"), Some(-62_167_219_200));
        assert_eq!(generalized(b"19000229000000Z"), Some(-2_203_891_200), "1900 was no leap year");
        for bad in
            [&b"201301000000Z"[..], b"200100000000Z", b"200101240000Z", b"200101000060Z", b"200101000000"]
        {
            assert_eq!(utc(bad), None, "{}", bad.escape_ascii());
        }
        for bad in [&b" 00101000000Z"[..], b"200101000000z", b"200101000000.5Z", b"2001010000-0130", b""] {
            assert_eq!(utc(bad), None, "{}", bad.escape_ascii());
        }
        for bad in [&b"20200101000000.Z"[..], b"20200101000000.5", b"20200101000000+2400", b"-2020101000000Z"]
        {
            assert_eq!(generalized(bad), None, "{}", bad.escape_ascii());
        }
        let other_type = Parts { not_before: element(0x0c, &[b"200101000000Z"]), ..Parts::default() };
        assert_eq!(other_type.error(), "time is none");
    }

    #[test]
    fn refuses_an_extension_that_occurs_twice() {
        let one = extension(b"\x2a\x03", b"", b"a");
        let other = extension(b"\x2a\x04", b"", b"a");
        assert_eq!(Parts::extensions(&[&one, &other]).error(), "accepted");
        assert_eq!(Parts::extensions(&[&one, &other, &one]).error(), "extension occurs twice");
        let malformed = extension(KEY_USAGE.as_bytes(), b"", b"\x05");
        assert_eq!(Parts::extensions(&[&malformed, &malformed]).error(), "accepted", "left aside");
    }

    #[test]
    fn extensions_need_version_3() {
        let good = Parts::extensions(&[&extension(b"\x2a\x03", b"", b"")]);
        assert_eq!(good.error(), "accepted");
        for version in [&b""[..], b"\xa0\x03\x02\x01\x00", b"\xa0\x03\x02\x01\x01", b"\xa0\x03\x02\x01\x09"] {
            let parts = Parts { version: version.to_vec(), ..Parts::default() };
            assert_eq!(parts.error(), "accepted");
            let parts = Parts { extensions: good.extensions.clone(), ..parts };
            assert_eq!(parts.error(), "extensions in a certificate that is not of version 3");
        }
    }

    #[test]
    fn an_empty_subject_needs_another_name() {
        let subject = name(&[]);
        assert_eq!(Parts { subject: subject.clone(), ..Parts::default() }.error(), "accepted");
        let alternative = b"\x30\x03\x82\x01a";
        for (critical, accepted) in [(CRITICAL, true), (b"", false)] {
            let parts = Parts::extensions(&[&extension(SUBJECT_ALT_NAME.as_bytes(), critical, alternative)]);
            assert_eq!(parts.error(), "accepted");
            let parts = Parts { subject: subject.clone(), ..parts };
            assert_eq!(parts.error() == "accepted", accepted);
        }
    }

    #[test]
    fn tells_critical_extensions_that_the_jdk_does_not_know() {
        for (oid, critical, unsupported) in [
            (&b"\x2a\x03"[..], CRITICAL, true),
            (b"\x2a\x03", b"\x01\x01\x01", true),
            (b"\x2a\x03", b"\x01\x01\x00", false),
            (b"\x2a\x03", b"", false),
            (b"\x55\x1d\x25", CRITICAL, false),
            (b"\x55\x1d\x18", CRITICAL, true),
        ] {
            let parts = Parts::extensions(&[&extension(oid, critical, b"\x30\0")]);
            let bytes = parts.build();
            assert_eq!(
                parse(&bytes).unwrap().has_unsupported_critical_extension(),
                unsupported,
                "{oid:02x?}"
            );
        }
        let malformed = Parts::extensions(&[&extension(b"\x55\x1d\x25", CRITICAL, b"\x05\0")]);
        assert_eq!(malformed.error(), "critical extension is malformed");
        assert_eq!(Parts::extensions(&[&extension(b"\x55\x1d\x25", b"", b"\x05\0")]).error(), "accepted");
    }

    #[test]
    fn reads_key_usage() {
        for (value, bits) in [
            (&b"\x03\x02\x05\xa0"[..], 0xa000),
            (b"\x03\x02\x05\xbf", 0xa000),
            (b"\x03\x03\x07\x00\x80", 0x0080),
            (b"\x03\x01\x00", 0),
        ] {
            let bytes = Parts::extensions(&[&extension(KEY_USAGE.as_bytes(), CRITICAL, value)]).build();
            assert_eq!(parse(&bytes).unwrap().key_usage(), Some(KeyUsage(bits)), "{value:02x?}");
        }
        assert!(KeyUsage(0x4000).allows_signing());
        assert!(!KeyUsage(0x2080).allows_signing());
        let bytes = Parts::extensions(&[&extension(KEY_USAGE.as_bytes(), b"", b"\x03\x02\x08\xa0")]).build();
        assert_eq!(parse(&bytes).unwrap().key_usage(), None, "malformed and not critical");
    }

    #[test]
    fn prints_names_as_apksigner_does() {
        let printable = |oid: &[u8], text: &str| attribute(oid, 0x13, text.as_bytes());
        // The names of certificates in real APKs, with what `apksigner verify --print-certs` shows of them.
        let names = [
            (
                vec![
                    printable(COUNTRY, "BZ"),
                    printable(b"\x55\x04\x08", "BAZ"),
                    printable(b"\x55\x04\x07", "Foo, Bar"),
                    printable(ORGANIZATION, "ME!"),
                    printable(b"\x55\x04\x0b", "testing testing 123"),
                    printable(COMMON_NAME, "another release"),
                ],
                r#"CN=another release, OU=testing testing 123, O=ME!, L="Foo, Bar", ST=BAZ, C=BZ"#,
            ),
            (
                vec![
                    printable(COUNTRY, "US"),
                    printable(b"\x55\x04\x08", "California"),
                    printable(b"\x55\x04\x07", "Mountain View"),
                    printable(ORGANIZATION, "Android"),
                    printable(b"\x55\x04\x0b", "Android"),
                    printable(COMMON_NAME, "Android"),
                    attribute(b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 0x16, b"android@android.com"),
                ],
                "EMAILADDRESS=android@android.com, CN=Android, OU=Android, O=Android, L=Mountain View, ST=California, C=US",
            ),
            (
                vec![
                    printable(COMMON_NAME, "Android Debug"),
                    printable(ORGANIZATION, "Android"),
                    printable(COUNTRY, "US"),
                ],
                "C=US, O=Android, CN=Android Debug",
            ),
            (
                vec![printable(b"\x55\x04\x0b", "F-Droid"), printable(COMMON_NAME, "sova")],
                "CN=sova, OU=F-Droid",
            ),
        ];
        for (attributes, expected) in names {
            let sets: Vec<Vec<u8>> = attributes.iter().map(|attribute| element(0x31, &[attribute])).collect();
            assert_eq!(distinguished_name(&element(0x30, &[&sets.concat()])), expected);
        }
    }

    #[test]
    fn prints_odd_values_as_the_jdk_does() {
        // Each checked against JDK 17.
        for (tag, value, expected) in [
            (0x0c, &b"a  b"[..], "CN=\"a  b\""),
            (0x0c, b" a", "CN=\" a\""),
            (0x0c, b"a ", "CN=\"a \""),
            (0x0c, b"a b", "CN=a b"),
            (0x0c, b"a\"b\\c", "CN=\"a\\\"b\\\\c\""),
            (0x0c, b"\"a=b\"", "CN=\"a=b\""),
            (0x0c, b"", "CN="),
            (0x0c, "é中".as_bytes(), "CN=é中"),
            (0x0c, b"\x1b\t", "CN=\u{1b}\t"),
            (0x13, b"\xe9", "CN=\u{fffd}"),
            (0x14, b"\xe9", "CN=é"),
            (0x1e, b"\x4e\x2d", "CN=中"),
            (0x1c, b"\0\x01\xf6\0", "CN=😀"),
            (0x04, b"\xab", "CN=#0401ab"),
        ] {
            assert_eq!(distinguished_name(&common_name(tag, value)), expected);
        }
        let unknown = attribute(b"\x2a\x03\x04", 0x13, b"x");
        let country = attribute(COUNTRY, 0x13, b"US");
        assert_eq!(distinguished_name(&name(&[&[&unknown, &country], &[]])), ", OID.1.2.3.4=x + C=US");
        assert_eq!(distinguished_name(b"\x30\x05"), "#3005");
    }

    #[test]
    fn compares_names_as_the_jdk_does() {
        let a = common_name(0x13, b"Android Debug");
        for same in [
            common_name(0x0c, b"Android Debug"),
            common_name(0x0c, b" ANDROID   debug "),
            [b"\x30\x80", &a[2..], b"\0\0"].concat(),
        ] {
            assert!(names_equal(&a, &same), "{}", distinguished_name(&same));
        }
        for other in [
            common_name(0x16, b"Android Debug"),
            common_name(0x0c, b"AndroidDebug"),
            common_name(0x0c, b"Android\tDebug"),
            name(&[&[&attribute(COUNTRY, 0x13, b"Android Debug")]]),
            name(&[&[&attribute(COMMON_NAME, 0x13, b"Android Debug")], &[]]),
        ] {
            assert!(!names_equal(&a, &other), "{}", distinguished_name(&other));
        }
        assert!(names_equal(&common_name(0x16, b"x"), &common_name(0x16, b"x")));
        assert!(!names_equal(&common_name(0x16, b"x"), &common_name(0x16, b"X")), "IA5String as encoded");
        let email = |text: &[u8]| name(&[&[&attribute(b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 0x13, text)]]);
        assert!(!names_equal(&email(b"x"), &email(b"X")), "no keyword of RFC 2253: as encoded");
        assert!(!names_equal(b"\x30\x05", b"\x30\x05"), "malformed");
    }

    #[test]
    fn a_name_with_parts_that_are_marked_as_primitive_is_equal_to_nothing() {
        let name = common_name(0x0c, b"a");
        assert!(names_equal(&name, &name));
        // The name, its relative name, and the attribute in that.
        for place in [0, 2, 4] {
            let mut odd = name.clone();
            *odd.get_mut(place).unwrap() &= !0x20;
            assert!(!names_equal(&odd, &odd) && !names_equal(&odd, &name), "{place}");
        }
    }

    #[test]
    fn an_attribute_that_goes_on_behind_its_value_is_no_name() {
        let attribute = |behind: &[u8]| {
            let parts: [&[u8]; 3] = [&element(6, &[COMMON_NAME]), &element(0x0c, &[b"a"]), behind];
            name(&[&[&element(0x30, &parts)]])
        };
        assert!(names_equal(&attribute(b""), &common_name(0x0c, b"a")));
        for behind in [&b"\x05\0"[..], b"\0", b"\x30"] {
            assert!(!names_equal(&attribute(behind), &attribute(behind)), "{behind:?}");
        }
    }

    #[test]
    fn a_text_in_pieces_is_another_value() {
        let (whole, pieces) = (common_name(0x0c, b"a"), common_name(0x2c, b"\x0c\x01a"));
        assert!(names_equal(&pieces, &pieces));
        assert!(!names_equal(&pieces, &whole));
    }

    #[test]
    fn order_counts_between_relative_names_and_not_within() {
        let x = attribute(COMMON_NAME, 0x13, b"x");
        let y = attribute(COUNTRY, 0x13, b"y");
        assert!(names_equal(&name(&[&[&x, &y]]), &name(&[&[&y, &x]])));
        assert!(!names_equal(&name(&[&[&x], &[&y]]), &name(&[&[&y], &[&x]])));
        assert!(!names_equal(&name(&[&[&x, &y]]), &name(&[&[&x], &[&y]])));
    }

    #[test]
    fn parts_of_names_and_extensions_are_capped() {
        let records = Limits::default().records;
        let huge = element(0x30, &[&b"\x31\0".repeat(records)]);
        assert!(names_equal(&huge, &huge));
        let huge = element(0x30, &[&b"\x31\0".repeat(records + 1)]);
        assert!(!names_equal(&huge, &huge));
        assert!(distinguished_name(&huge).starts_with("#3082"));
        let one = extension(b"\x2a\x03", b"", b"");
        let parts = Parts::extensions(&[&one.repeat(records + 1)]);
        assert_eq!(parts.error(), "extension occurs twice");
        let many: Vec<u8> = (0..=u16::try_from(records).unwrap())
            .flat_map(|n| {
                extension(
                    &[&[0x2a][..], &[0x81 + (n >> 7).to_be_bytes()[1], n.to_be_bytes()[1] & 0x7f]].concat(),
                    b"",
                    b"",
                )
            })
            .collect();
        assert_eq!(Parts::extensions(&[&many]).error(), "more than 1024 extensions");
    }

    #[test]
    fn knows_debug_subjects() {
        let c = attribute(COUNTRY, 0x13, b"US");
        let o = attribute(ORGANIZATION, 0x0c, b"Android");
        let cn = attribute(COMMON_NAME, 0x13, b"Android Debug");
        assert!(is_android_debug_subject(&name(&[&[&c], &[&o], &[&cn]])));
        assert!(is_android_debug_subject(&name(&[&[&cn], &[&o], &[&c]])));
        assert!(
            is_android_debug_subject(&name(&[&[&c, &cn]])),
            "the template of React Native has other parts"
        );
        let ou = attribute(b"\x55\x04\x0b", 0x13, b"Android Debug");
        assert!(!is_android_debug_subject(&name(&[&[&c], &[&o], &[&ou]])));
        assert!(!is_android_debug_subject(&name(&[
            &[&c],
            &[&o],
            &[&attribute(COMMON_NAME, 0x13, b"Android")]
        ])));
    }

    #[test]
    fn describes_what_either_reader_can_read() {
        let limits = Limits::default();
        let good = Parts::default().build();
        let description = describe(&good, &limits).unwrap();
        assert_eq!(description.subject, "CN=subject");
        assert_eq!(description.issuer, "CN=issuer");
        assert_eq!(description.serial_hex, "05");
        assert_eq!(description.signature_algorithm, "sha256WithRSAEncryption");
        assert_eq!(description.not_before, 1_577_836_800);
        let ber = [b"\x30\x80", &good[4..], b"\0\0"].concat();
        assert!(X509Certificate::from_der(&ber).is_err());
        assert_eq!(describe(&ber, &limits), Some(description));
        assert_eq!(describe(b"\x30\0", &limits), None);
    }

    #[test]
    fn reads_certificates_of_post_quantum_keys() {
        for (der, key_len, name) in [
            (&include_bytes!("../../testdata/keys/ml-dsa-44.x509.der")[..], 1312, "ML-DSA-44"),
            (include_bytes!("../../testdata/keys/ml-dsa-65.x509.der"), 1952, "ML-DSA-65"),
            (include_bytes!("../../testdata/keys/ml-dsa-87.x509.der"), 2592, "ML-DSA-87"),
        ] {
            let certificate = Certificate::parse(der, &Limits::default()).unwrap();
            assert_eq!(algorithm_name(certificate.public_key_algorithm), name);
            // The algorithm without parameters, and a BIT STRING without unused bits: 22 bytes around the key.
            assert_eq!(certificate.public_key_info.len(), key_len + 22);
            assert!(describe(der, &Limits::default()).is_some());
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(at in 0_usize..400, octet: u8, remove: bool) {
            let parts = Parts::extensions(&[&extension(KEY_USAGE.as_bytes(), CRITICAL, b"\x03\x02\x05\xa0")]);
            let mut bytes = parts.build();
            if let Some(place) = bytes.get_mut(at) {
                *place = octet;
                if remove {
                    bytes.remove(at);
                }
            }
            let _ = describe(&bytes, &Limits::default());
            if let Ok(certificate) = parse(&bytes) {
                certificate.key_usage();
                distinguished_name(certificate.subject);
                proptest::prop_assert!(names_equal(certificate.issuer, certificate.issuer));
            }
        }
    }
}
