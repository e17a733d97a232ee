//! The signature block of JAR signing, `META-INF/*.RSA`, `.DSA`, `.EC`: a PKCS #7 `SignedData`.
//!
//! Takes the bytes of the file, gives borrowed records with the raw bytes of every part that is compared, digested or
//! signed. Follows apksig's reader (`Asn1BerParser` with the classes of `internal.pkcs7`): BER, fields in order,
//! whatever stands behind the last known field of a structure is not looked at. Which signer counts, and whether an
//! algorithm is supported, is decided above.

use std::collections::HashSet;

use super::cursor::ParseError;
use super::der::Class;
use super::der::Element;
use super::der::Oid;
use super::der::Reader;
use super::der::Tag;
use crate::limits::Limits;

/// The content type of a `SignedData`: 1.2.840.113549.1.7.2 (RFC 5652, 5.1).
pub const SIGNED_DATA: Oid<'static> = Oid::constant(b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02");
/// The content type of a `SignedData` of the Chinese standard GM/T 0010: 1.2.156.10197.6.1.4.2.2. Its structure is the same.
pub const GM_SIGNED_DATA: Oid<'static> = Oid::constant(b"\x2a\x81\x1c\xcf\x55\x06\x01\x04\x02\x02");
/// The type of the content-type attribute: 1.2.840.113549.1.9.3 (RFC 5652, 11.1).
pub const CONTENT_TYPE: Oid<'static> = Oid::constant(b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03");
/// The type of the message-digest attribute: 1.2.840.113549.1.9.4 (RFC 5652, 11.2).
pub const MESSAGE_DIGEST: Oid<'static> = Oid::constant(b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04");

const STRUCTURE: &str = "PKCS #7 signature block";

/// Certificates and signers of a signature block.
///
/// Source: RFC 5652, 5.1; apksig `internal.pkcs7.SignedData`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedData<'a> {
    /// The version; nobody looks at it.
    pub version: i32,
    /// The type of what is signed, which the content-type attribute has to repeat.
    pub content_type: Option<Oid<'a>>,
    /// The content itself. For JAR signing it is ignored: what is signed is the `.SF` file.
    pub content: Option<Element<'a>>,
    /// The bytes of each certificate, in order; `None` when the field is absent.
    pub certificates: Option<Vec<&'a [u8]>>,
    /// The signers, in order.
    pub signer_infos: Vec<SignerInfo<'a>>,
    /// What follows the block in the file. apksig ignores it.
    pub trailing: &'a [u8],
}

impl<'a> SignedData<'a> {
    /// Reads a signature block file.
    ///
    /// Memory is a small multiple of the number of certificates and signers, which [`Limits`] caps.
    ///
    /// # Errors
    /// What apksig reports as `JAR_SIG_PARSE_EXCEPTION`, and more certificates or signers than the limits allow. A
    /// mandatory field that is missing at the end of its structure is an error here; there it is a null that the
    /// verifier falls over.
    pub fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self, ParseError> {
        Self::read(SIGNED_DATA, false, bytes, limits)
    }

    /// Reads a signature that is not of JAR signing: `expected` is its content type, such as [`GM_SIGNED_DATA`], and
    /// signers may be named by the identifier of their key.
    ///
    /// # Errors
    /// As [`SignedData::parse`].
    pub fn parse_as(expected: Oid<'_>, bytes: &'a [u8], limits: &Limits) -> Result<Self, ParseError> {
        Self::read(expected, true, bytes, limits)
    }

    fn read(
        expected: Oid<'_>,
        key_identifiers: bool,
        bytes: &'a [u8],
        limits: &Limits,
    ) -> Result<Self, ParseError> {
        let mut reader = Reader::new(STRUCTURE, bytes, limits);
        let mut content_info = reader.expect(Tag::SEQUENCE)?.reader()?;
        let content_type = content_info.expect(Tag::OBJECT_IDENTIFIER)?;
        if content_type.oid()? != expected {
            return Err(content_type.error(&format!("content type is not signed data, {expected}")));
        }
        let content = content_info.expect(Tag::context(0))?.reader()?.required()?;
        // apksig reads this element without a look at its tag, then once more as what it has to be.
        let mut fields = content.expect(Tag::SEQUENCE)?.reader()?;

        let version = fields.expect(Tag::INTEGER)?.int()?;
        let mut digest_algorithms = fields.expect(Tag::SET)?.reader()?;
        while let Some(element) = digest_algorithms.next()? {
            algorithm(element)?;
        }
        let (content_type, content) = encapsulated_content(fields.expect(Tag::SEQUENCE)?)?;

        let mut certificates = None;
        let mut field = fields.required()?;
        if field.tag == Tag::context(0) {
            certificates = Some(raw_elements(field, limits.pkcs7_certificates, "certificates")?);
            field = fields.required()?;
        }
        if field.tag == Tag::context(1) {
            let mut crls = field.reader()?;
            while crls.next()?.is_some() {}
            field = fields.required()?;
        }

        let mut signer_infos = Vec::new();
        let mut elements = field.expect(Tag::SET)?.reader()?;
        while let Some(element) = elements.next()? {
            if signer_infos.len() >= limits.signer_infos {
                return Err(element.error(&format!("more than {} signer infos", limits.signer_infos)));
            }
            signer_infos.push(SignerInfo::parse(element, key_identifiers)?);
        }
        Ok(Self { version, content_type, content, certificates, signer_infos, trailing: reader.rest() })
    }
}

/// The elements inside of `element`, as encoded.
fn raw_elements<'a>(element: Element<'a>, limit: usize, what: &str) -> Result<Vec<&'a [u8]>, ParseError> {
    let mut reader = element.reader()?;
    let mut raw = Vec::new();
    while let Some(element) = reader.next()? {
        if raw.len() >= limit {
            return Err(element.error(&format!("more than {limit} {what}")));
        }
        raw.push(element.encoded);
    }
    Ok(raw)
}

/// Type and content, each where it is given.
fn encapsulated_content(element: Element<'_>) -> Result<(Option<Oid<'_>>, Option<Element<'_>>), ParseError> {
    let mut fields = element.reader()?;
    let Some(content_type) = fields.next()? else {
        return Ok((None, None));
    };
    let content_type = content_type.expect(Tag::OBJECT_IDENTIFIER)?.oid()?;
    // The content is optional, so elements of other tags are passed over in search of it.
    while let Some(content) = fields.next()? {
        if content.tag == Tag::context(0) {
            return Ok((Some(content_type), Some(content.reader()?.required()?)));
        }
    }
    Ok((Some(content_type), None))
}

/// The object identifier of an `AlgorithmIdentifier`. Parameters are read over and never used.
fn algorithm(element: Element<'_>) -> Result<Oid<'_>, ParseError> {
    let mut fields = element.expect(Tag::SEQUENCE)?.reader()?;
    let oid = fields.expect(Tag::OBJECT_IDENTIFIER)?.oid()?;
    fields.next()?;
    Ok(oid)
}

/// One signature over the `.SF` file.
///
/// Source: RFC 5652, 5.3; apksig `internal.pkcs7.SignerInfo`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignerInfo<'a> {
    /// The version; nobody looks at it.
    pub version: i32,
    /// Which certificate signs.
    pub sid: SignerIdentifier<'a>,
    /// The digest algorithm.
    pub digest_algorithm: Oid<'a>,
    /// What is signed in place of the `.SF` file, when present.
    pub signed_attributes: Option<RawAttributes<'a>>,
    /// The signature algorithm, which may be that of the key alone.
    pub signature_algorithm: Oid<'a>,
    /// The signature: the contents of the string as they stand in the file.
    pub signature: &'a [u8],
    /// Whether the signature is a constructed string of BER. Then [`SignerInfo::signature`] holds the headers of its
    /// parts too, as apksig has it, and so never verifies; Android refuses the block.
    pub signature_is_constructed: bool,
}

impl<'a> SignerInfo<'a> {
    fn parse(element: Element<'a>, key_identifiers: bool) -> Result<Self, ParseError> {
        let mut fields = element.expect(Tag::SEQUENCE)?.reader()?;
        let version = fields.expect(Tag::INTEGER)?.int()?;
        let sid = SignerIdentifier::parse(fields.required()?, key_identifiers)?;
        let digest_algorithm = algorithm(fields.required()?)?;
        let mut field = fields.required()?;
        let mut signed_attributes = None;
        if field.tag == Tag::context(0) {
            signed_attributes = Some(RawAttributes(field));
            field = fields.required()?;
        }
        let signature_algorithm = algorithm(field)?;
        let signature = fields.expect(Tag::OCTET_STRING)?;
        // Unsigned attributes are optional, so elements of other tags are passed over in search of them.
        while let Some(field) = fields.next()? {
            if field.tag != Tag::context(1) {
                continue;
            }
            let mut attributes = field.reader()?;
            while let Some(element) = attributes.next()? {
                // For apksig a wrong tag here means that the field is another one, and so absent.
                if element.tag != Tag::SEQUENCE {
                    break;
                }
                Attribute::parse(element)?;
            }
            break;
        }
        Ok(Self {
            version,
            sid,
            digest_algorithm,
            signed_attributes,
            signature_algorithm,
            signature: signature.contents,
            signature_is_constructed: signature.constructed,
        })
    }
}

/// How a signer names its certificate: by the name of its issuer and the number that issuer gave it.
///
/// RFC 5652 has a second way, the key's identifier. In JAR signing a block that holds one is refused as a whole: apksig
/// and Android cannot read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignerIdentifier<'a> {
    /// The issuer's `Name` as encoded; compare with [`super::x509::names_equal`]. Empty beside a key identifier.
    pub issuer: &'a [u8],
    /// The contents of the INTEGER; compare with [`super::x509::serial_equal`]. Empty beside a key identifier.
    pub serial: &'a [u8],
    /// The identifier of the key, which the certificate repeats in an extension.
    pub key_identifier: Option<&'a [u8]>,
}

impl<'a> SignerIdentifier<'a> {
    fn parse(element: Element<'a>, key_identifiers: bool) -> Result<Self, ParseError> {
        if element.tag == Tag::context(0) && key_identifiers {
            return Ok(Self { issuer: &[], serial: &[], key_identifier: Some(element.contents) });
        }
        if element.tag == Tag::context(0) {
            return Err(element.error("signer is named by the identifier of its key"));
        }
        let mut fields = element.expect(Tag::SEQUENCE)?.reader()?;
        let issuer = fields.required()?;
        if issuer.tag.class != Class::Universal {
            return Err(issuer.error("issuer is not of a universal type"));
        }
        let serial = fields.expect(Tag::INTEGER)?.contents;
        Ok(Self { issuer: issuer.encoded, serial, key_identifier: None })
    }
}

/// The `signedAttrs` field as it stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawAttributes<'a>(Element<'a>);

impl<'a> RawAttributes<'a> {
    /// The field with its header.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.0.encoded
    }

    /// What the signature covers, in two pieces: the tag of a SET in place of the first octet, and the rest as it
    /// stands in the file. Neither length nor order is brought into DER.
    ///
    /// Source: apksig `V1SchemeVerifier.Signer.verifySignerInfoAgainstSigFile`.
    pub fn signed_bytes(&self) -> [&'a [u8]; 2] {
        [b"\x31", self.0.encoded.get(1..).unwrap_or_default()]
    }

    /// Whether the field has an indefinite length. Then [`RawAttributes::signed_bytes`] is not what a signer that
    /// follows RFC 5652 has signed.
    pub fn is_indefinite(&self) -> bool {
        self.0.indefinite
    }

    /// Reads the attributes.
    ///
    /// # Errors
    /// A malformed attribute, a type that occurs twice, more than [`Limits::records`] attributes. apksig reports
    /// them when it comes to this signer, not when it reads the block.
    pub fn parse(&self, limits: &Limits) -> Result<SignedAttributes<'a>, ParseError> {
        let mut reader = self.0.reader()?;
        let mut attributes = Vec::<Attribute<'a>>::new();
        let mut seen = HashSet::new();
        while let Some(element) = reader.next()? {
            if attributes.len() >= limits.records {
                return Err(element.error(&format!("more than {} attributes", limits.records)));
            }
            let attribute = Attribute::parse(element)?;
            if !seen.insert(attribute.oid) {
                return Err(element.error(&format!("attribute {} occurs twice", attribute.oid)));
            }
            attributes.push(attribute);
        }
        Ok(SignedAttributes { attributes })
    }
}

/// One attribute: its type and any number of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attribute<'a> {
    /// The type.
    pub oid: Oid<'a>,
    values: Element<'a>,
}

impl<'a> Attribute<'a> {
    fn parse(element: Element<'a>) -> Result<Self, ParseError> {
        let mut fields = element.expect(Tag::SEQUENCE)?.reader()?;
        let oid = fields.expect(Tag::OBJECT_IDENTIFIER)?.oid()?;
        let values = fields.expect(Tag::SET)?;
        let mut reader = values.reader()?;
        while reader.next()?.is_some() {}
        Ok(Self { oid, values })
    }

    /// The values, in order.
    ///
    /// # Errors
    /// None for an attribute that was read; the type of the reader asks for it.
    pub fn values(&self) -> Result<Reader<'a>, ParseError> {
        self.values.reader()
    }

    fn single_value(&self, tag: Tag) -> Result<Option<Element<'a>>, ParseError> {
        let mut values = self.values()?;
        let Some(value) = values.next()? else {
            return Ok(None);
        };
        if values.next()?.is_some() {
            return Err(self.values.error(&format!("attribute {} has several values", self.oid)));
        }
        value.expect(tag).map(Some)
    }
}

/// The signed attributes of one signer; each type occurs once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedAttributes<'a> {
    /// In the order of the file.
    pub attributes: Vec<Attribute<'a>>,
}

impl<'a> SignedAttributes<'a> {
    /// The attribute of one type.
    pub fn get(&self, oid: Oid<'_>) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|attribute| attribute.oid == oid)
    }

    /// The content-type attribute, which has to equal [`SignedData::content_type`]; `None` when absent or without
    /// value.
    ///
    /// # Errors
    /// Several values, or one that is no object identifier.
    pub fn content_type(&self) -> Result<Option<Oid<'a>>, ParseError> {
        let Some(attribute) = self.get(CONTENT_TYPE) else { return Ok(None) };
        attribute.single_value(Tag::OBJECT_IDENTIFIER)?.map(|value| value.oid()).transpose()
    }

    /// The message-digest attribute: the digest of the `.SF` file; `None` when absent or without value. The parts of a
    /// constructed string come with their headers, as in apksig.
    ///
    /// # Errors
    /// Several values, or one that is no string of octets.
    pub fn message_digest(&self) -> Result<Option<&'a [u8]>, ParseError> {
        let Some(attribute) = self.get(MESSAGE_DIGEST) else { return Ok(None) };
        Ok(attribute.single_value(Tag::OCTET_STRING)?.map(|value| value.contents))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
    const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    const SHA256: &[u8] = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01";

    fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        let contents = parts.concat();
        let length = u32::try_from(contents.len()).unwrap().to_be_bytes();
        [&[tag, 0x84][..], &length, &contents].concat()
    }

    fn indefinite(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
        [&[tag, 0x80][..], &parts.concat(), b"\0\0"].concat()
    }

    fn algorithm(oid: &[u8]) -> Vec<u8> {
        element(0x30, &[&element(0x06, &[oid]), b"\x05\x00"])
    }

    fn attribute(oid: Oid<'_>, values: &[&[u8]]) -> Vec<u8> {
        element(0x30, &[&element(0x06, &[oid.as_bytes()]), &element(0x31, values)])
    }

    fn signer_info(attributes: &[u8], signature: &[u8], unsigned: &[u8]) -> Vec<u8> {
        element(
            0x30,
            &[
                b"\x02\x01\x01",
                &element(0x30, &[b"\x30\x00", b"\x02\x02\x00\xff"]),
                &algorithm(SHA256),
                attributes,
                &algorithm(RSA),
                signature,
                unsigned,
            ],
        )
    }

    fn fields(optional: &[u8], signer_infos: &[u8]) -> Vec<u8> {
        let content = element(0x30, &[&element(0x06, &[DATA])]);
        [b"\x02\x01\x01", &element(0x31, &[&algorithm(SHA256)])[..], &content, optional, signer_infos]
            .concat()
    }

    fn block(fields: &[u8]) -> Vec<u8> {
        let oid = element(0x06, &[SIGNED_DATA.as_bytes()]);
        element(0x30, &[&oid, &element(0xa0, &[&element(0x30, &[fields])])])
    }

    fn parse(bytes: &[u8]) -> Result<SignedData<'_>, ParseError> {
        SignedData::parse(bytes, &Limits::default())
    }

    #[test]
    fn reads_a_block_without_attributes() {
        let signers = element(0x31, &[&signer_info(b"", b"\x04\x03sig", b"")]);
        let certificates = element(0xa0, &[b"\x30\x01a", b"\x30\x01b"]);
        let bytes = [block(&fields(&certificates, &signers)), b"after".to_vec()].concat();
        let data = parse(&bytes).unwrap();
        assert_eq!(data.content_type.unwrap().to_string(), "1.2.840.113549.1.7.1");
        assert_eq!(data.certificates.unwrap(), [b"\x30\x01a", b"\x30\x01b"]);
        assert_eq!(data.trailing, b"after");
        let signer = &data.signer_infos[0];
        let sid = SignerIdentifier { issuer: b"\x30\x00", serial: b"\x00\xff", key_identifier: None };
        assert_eq!(signer.sid, sid);
        assert_eq!(signer.digest_algorithm.to_string(), "2.16.840.1.101.3.4.2.1");
        assert_eq!(signer.signature_algorithm.to_string(), "1.2.840.113549.1.1.1");
        assert_eq!(signer.signature, b"sig");
        assert_eq!(signer.signed_attributes, None);
    }

    #[test]
    fn twice_as_many_elements_are_twice_the_work() {
        let definite = |count: usize| {
            // Of certificates and signers there are limits; of lists of revoked certificates nothing is looked at.
            let revoked = element(0xa1, &[&b"\x30\x01a".repeat(count)]);
            block(&fields(&revoked, &element(0x31, &[&signer_info(b"", b"\x04\x03sig", b"")])))
        };
        let indefinite = |count: usize| {
            let certificate = indefinite(0x30, &[&b"\x04\x01x".repeat(count)]);
            let signature = indefinite(0x24, &[&b"\x04\x01g".repeat(count)]);
            let signers = indefinite(0x31, &[&signer_info(b"", &signature, b"")]);
            block(&fields(&indefinite(0xa0, &[&certificate]), &signers))
        };
        let read = |bytes: &Vec<u8>| assert!(parse(bytes).is_ok());
        crate::work::doubles(definite, read);
        crate::work::doubles(indefinite, read);
    }

    #[test]
    fn tells_absent_certificates_from_none() {
        let signers = element(0x31, &[]);
        assert_eq!(parse(&block(&fields(b"", &signers))).unwrap().certificates, None);
        assert_eq!(parse(&block(&fields(b"\xa0\x00", &signers))).unwrap().certificates, Some(vec![]));
        assert_eq!(parse(&block(&fields(b"\xa1\x02\x30\x00", &signers))).unwrap().certificates, None, "CRLs");
        let error = parse(&block(&fields(b"\xa2\x00", &signers))).unwrap_err();
        assert!(error.to_string().ends_with("expected SET, found [2]"), "{error}");
    }

    #[test]
    fn reads_indefinite_lengths_all_the_way() {
        let certificate = indefinite(0x30, &[&indefinite(0x24, &[b"\x04\x01x"])]);
        let signature = indefinite(0x24, &[b"\x04\x02si", b"\x04\x01g"]);
        let signers = indefinite(0x31, &[&signer_info(b"", &signature, b"")]);
        let fields = fields(&indefinite(0xa0, &[&certificate]), &signers);
        let oid = element(0x06, &[SIGNED_DATA.as_bytes()]);
        let bytes = indefinite(0x30, &[&oid, &indefinite(0xa0, &[&indefinite(0x30, &[&fields])])]);
        let data = parse(&bytes).unwrap();
        assert_eq!(data.certificates.unwrap(), [&certificate[..]], "with its end mark");
        assert_eq!(data.signer_infos[0].signature, b"\x04\x02si\x04\x01g", "not joined");
        assert!(data.signer_infos[0].signature_is_constructed);
        assert_eq!(data.trailing, b"");
    }

    #[test]
    fn refuses_another_content_and_what_breaks_off() {
        let signers = element(0x31, &[&signer_info(b"", b"\x04\x03sig", b"")]);
        let good = block(&fields(b"", &signers));
        assert!(parse(&good).is_ok());
        for len in 0..good.len() {
            assert!(parse(&good[..len]).is_err(), "cut at {len}");
        }
        let mut other = good.clone();
        other[16 + 4] = 3;
        assert!(parse(&other).unwrap_err().to_string().contains("content type is not signed data"));
        assert!(parse(&block(&fields(b"", b""))).is_err(), "no signers field");
        let no_signature = element(0x31, &[&signer_info(b"", b"", b"")]);
        assert!(parse(&block(&fields(b"", &no_signature))).is_err());
    }

    #[test]
    fn unsigned_attributes_and_unknown_fields_do_not_matter() {
        for extra in [&b"\xa1\x02\x30\x00"[..3], b"\xa1\x03\x30\x01x"] {
            let signers = element(0x31, &[&signer_info(b"", b"\x04\x03sig", extra)]);
            assert!(parse(&block(&fields(b"", &signers))).is_err(), "{extra:02x?}");
        }
        let unsigned = element(0xa1, &[&attribute(CONTENT_TYPE, &[]), &attribute(CONTENT_TYPE, &[])]);
        for extra in [&b""[..], b"\xa2\x00", b"\xa1\x00", b"\xa1\x02\x05\x00", &unsigned] {
            let signers = element(0x31, &[&signer_info(b"", b"\x04\x03sig", extra)]);
            assert!(parse(&block(&fields(b"", &signers))).is_ok(), "{extra:02x?}");
        }
    }

    fn with_attributes(attributes: &[&[u8]], check: impl FnOnce(Result<SignedAttributes<'_>, ParseError>)) {
        let attributes = element(0xa0, attributes);
        let signers = element(0x31, &[&signer_info(&attributes, b"\x04\x03sig", b"")]);
        let bytes = block(&fields(b"", &signers));
        let data = parse(&bytes).unwrap();
        let raw = data.signer_infos[0].signed_attributes.unwrap();
        assert_eq!(raw.as_bytes(), attributes);
        let [set, rest] = raw.signed_bytes();
        assert_eq!((set, rest), (&b"\x31"[..], &attributes[1..]));
        check(raw.parse(&Limits::default()));
    }

    #[test]
    fn finds_attributes_in_any_order() {
        let digest = attribute(MESSAGE_DIGEST, &[b"\x04\x02\xab\xcd"]);
        let content_type = attribute(CONTENT_TYPE, &[&element(0x06, &[DATA])]);
        with_attributes(&[&digest, &content_type], |attributes| {
            let attributes = attributes.unwrap();
            assert_eq!(attributes.content_type().unwrap().unwrap().as_bytes(), DATA);
            assert_eq!(attributes.message_digest().unwrap().unwrap(), &b"\xab\xcd"[..]);
        });
        with_attributes(&[&attribute(MESSAGE_DIGEST, &[])], |attributes| {
            let attributes = attributes.unwrap();
            assert_eq!(attributes.content_type(), Ok(None));
            assert_eq!(attributes.message_digest(), Ok(None), "no value is as good as no attribute");
        });
    }

    #[test]
    fn refuses_an_attribute_type_that_occurs_twice() {
        let other = attribute(Oid::constant(b"\x2a\x03"), &[]);
        let padded = attribute(Oid::constant(b"\x2a\x80\x03"), &[]);
        with_attributes(&[&other, &padded], |attributes| {
            assert!(attributes.unwrap_err().to_string().ends_with("attribute 1.2.3 occurs twice"));
        });
    }

    #[test]
    fn attributes_are_not_held_against_each_other() {
        let steps = |count: u16| {
            let attributes: Vec<_> = (0..count)
                .map(|number| {
                    let [high, low] =
                        [0x81 + (number >> 7), number & 0x7f].map(|octet| octet.to_be_bytes()[1]);
                    attribute(Oid::constant(&[0x2a, high, low]), &[])
                })
                .collect();
            let attributes: Vec<&[u8]> = attributes.iter().map(Vec::as_slice).collect();
            let mut steps = 0;
            with_attributes(&attributes, |parsed| {
                let parsed = parsed.unwrap();
                steps = crate::work::of(|| parsed.get(CONTENT_TYPE)).0;
            });
            let (all, ()) = crate::work::of(|| with_attributes(&attributes, |parsed| drop(parsed.unwrap())));
            assert_eq!(steps, u64::from(count), "asking for one takes one look at each");
            all
        };
        // Comparisons of types: a few by chance, where two have the same place in the set.
        assert!(steps(1000) < 200, "{}", steps(1000));
    }

    #[test]
    fn refuses_several_values_of_an_attribute_when_it_is_asked_for() {
        let digest = attribute(MESSAGE_DIGEST, &[b"\x04\x00", b"\x04\x00"]);
        let content_type = attribute(CONTENT_TYPE, &[b"\x04\x00"]);
        with_attributes(&[&digest, &content_type], |attributes| {
            let attributes = attributes.unwrap();
            assert!(attributes.message_digest().unwrap_err().to_string().ends_with("has several values"));
            assert!(
                attributes.content_type().unwrap_err().to_string().contains("expected OBJECT IDENTIFIER")
            );
        });
    }

    #[test]
    fn counts_are_capped() {
        let limits = Limits::default();
        let signers = element(0x31, &[]);
        let certificates = element(0xa0, &[&b"\x30\x00".repeat(limits.pkcs7_certificates)]);
        assert!(parse(&block(&fields(&certificates, &signers))).is_ok());
        let certificates = element(0xa0, &[&b"\x30\x00".repeat(limits.pkcs7_certificates + 1)]);
        assert!(parse(&block(&fields(&certificates, &signers))).is_err());
    }

    #[test]
    fn refuses_a_key_identifier() {
        let info = element(
            0x30,
            &[b"\x02\x01\x03", b"\x80\x02id", &algorithm(SHA256), &algorithm(RSA), b"\x04\x00"],
        );
        let bytes = block(&fields(b"", &element(0x31, &[&info])));
        let error = parse(&bytes).unwrap_err();
        assert!(error.to_string().ends_with("signer is named by the identifier of its key"), "{error}");
        let data = SignedData::parse_as(SIGNED_DATA, &bytes, &Limits::default()).unwrap();
        assert_eq!(data.signer_infos[0].sid.key_identifier, Some(&b"id"[..]), "outside of JAR signing");
    }

    #[test]
    fn keeps_the_content_and_reads_the_chinese_sister() {
        let signers = element(0x31, &[&signer_info(b"", b"\x04\x03sig", b"")]);
        let plain = block(&fields(b"", &signers));
        assert_eq!(parse(&plain).unwrap().content, None);
        let content = element(0x30, &[&element(0x06, &[DATA]), b"\xa0\x04\x04\x02hi"]);
        let fields = [&b"\x02\x01\x01\x31\x00"[..], &content, &signers].concat();
        let data = block(&fields);
        assert_eq!(parse(&data).unwrap().content.unwrap().octets().unwrap(), &b"hi"[..]);
        let oid = element(0x06, &[GM_SIGNED_DATA.as_bytes()]);
        let gm = element(0x30, &[&oid, &element(0xa0, &[&element(0x30, &[&fields])])]);
        assert_eq!(GM_SIGNED_DATA.to_string(), "1.2.156.10197.6.1.4.2.2");
        assert!(SignedData::parse_as(GM_SIGNED_DATA, &gm, &Limits::default()).is_ok());
        assert!(parse(&gm).unwrap_err().to_string().ends_with("not signed data, 1.2.840.113549.1.7.2"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(at in 0_usize..300, octet: u8, remove: bool) {
            let attributes = element(0xa0, &[&attribute(MESSAGE_DIGEST, &[b"\x04\x01d"])]);
            let signers = element(0x31, &[&signer_info(&attributes, b"\x04\x03sig", b"")]);
            let mut bytes = block(&fields(b"\xa0\x02\x30\x00", &signers));
            if let Some(place) = bytes.get_mut(at) {
                *place = octet;
                if remove {
                    bytes.remove(at);
                }
            }
            for signer in parse(&bytes).into_iter().flat_map(|data| data.signer_infos) {
                if let Some(attributes) = signer.signed_attributes.map(|raw| raw.parse(&Limits::default())) {
                    let _ = attributes.map(|attributes| attributes.message_digest().is_ok());
                }
            }
        }
    }
}
