//! Source stamp blocks, both forms, as borrowed slices.
//!
//! A block is read step by step, each step when it is needed: apksig judges the certificate before it reads what stands
//! behind it, and the signatures before the attributes, so a fault further back must not hide one in front.
//!
//! Source: apksig `SourceStampVerifier.verifyV1SourceStamp`, `verifyV2SourceStamp`.

use super::Cursor;
use super::ParseError;

/// Name of the ZIP entry that holds the SHA-256 of the stamp's certificate (apksig `SourceStampConstants`).
pub const CERTIFICATE_DIGEST_ENTRY: &str = "stamp-cert-sha256";

/// Ids of stamp attributes.
pub mod attribute {
    /// The lineage of the stamp's certificate, in the format of v3's (apksig `SourceStampConstants`).
    pub const PROOF_OF_ROTATION: u32 = 0x9d63_03f7;
    /// When the stamp was made: Unix seconds, a u64; bytes behind it are ignored (apksig `SourceStampConstants`).
    pub const STAMP_TIME: u32 = 0xe43c_5946;
}

/// A source stamp, not yet verified.
#[derive(Debug, Clone, Copy)]
pub struct SourceStamp<'a> {
    /// The distributor's certificate, DER.
    pub certificate: &'a [u8],
    /// How many bytes stand behind the stamp in the value of the pair. Nothing signs them.
    pub trailing: usize,
    rest: Cursor<'a>,
}

impl<'a> SourceStamp<'a> {
    /// Reads up to the certificate; `value` is the value of the pair.
    pub fn parse(value: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("source stamp", value);
        let mut rest = cursor.length_prefixed()?;
        let certificate = rest.length_prefixed()?.rest();
        Ok(Self { certificate, trailing: cursor.remaining(), rest })
    }

    /// First form: the signature records, for [`super::signer::next_record`].
    pub fn signatures(&mut self) -> Result<Cursor<'a>, ParseError> {
        self.rest.length_prefixed()
    }

    /// Second form: what is signed for each scheme, for [`next_scheme`].
    pub fn schemes(&mut self) -> Result<Cursor<'a>, ParseError> {
        self.rest.length_prefixed()
    }

    /// Second form, after the schemes: the attributes; none when the stamp ends there.
    pub fn attributes(&mut self) -> Result<Option<SignedAttributes<'a>>, ParseError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let data = self.rest.length_prefixed()?;
        Ok(Some(SignedAttributes { data, signatures: self.rest.length_prefixed()? }))
    }

    /// How many bytes of the stamp itself have not been read. Once everything has been, nothing signs them.
    pub fn unread(&self) -> usize {
        self.rest.remaining()
    }
}

/// The next scheme of a list: its id, and the signature records for [`super::signer::next_record`].
///
/// Ids are those of apksig's `ApkSigningBlockUtils.VERSION_…`: 1 JAR signing, 2 v2, 3 v3.
pub fn next_scheme<'a>(list: &mut Cursor<'a>) -> Result<(u32, Cursor<'a>), ParseError> {
    let mut scheme = list.length_prefixed()?;
    Ok((scheme.u32()?, scheme.length_prefixed()?))
}

/// The attributes of a stamp and the signatures over them.
#[derive(Debug, Clone, Copy)]
pub struct SignedAttributes<'a> {
    /// What the signatures are over: the list with its length.
    pub data: Cursor<'a>,
    /// Signature records, for [`super::signer::next_record`].
    pub signatures: Cursor<'a>,
}

impl<'a> SignedAttributes<'a> {
    /// The attributes, for [`super::signer::next_attribute`].
    pub fn list(&self) -> Result<Cursor<'a>, ParseError> {
        let mut data = self.data;
        data.length_prefixed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::signer::next_attribute;
    use crate::format::signer::next_record;

    fn prefixed(bytes: &[u8]) -> Vec<u8> {
        [&u32::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat()
    }

    fn record(id: u32, bytes: &[u8]) -> Vec<u8> {
        prefixed(&[&id.to_le_bytes()[..], &prefixed(bytes)].concat())
    }

    fn second_form() -> Vec<u8> {
        let attribute = prefixed(&[&attribute::STAMP_TIME.to_le_bytes()[..], &7_u64.to_le_bytes()].concat());
        let scheme = prefixed(&[&3_u32.to_le_bytes()[..], &prefixed(&record(0x201, b"over v3"))].concat());
        let stamp = [
            prefixed(b"certificate"),
            prefixed(&scheme),
            prefixed(&prefixed(&attribute)),
            prefixed(&record(0x201, b"over attributes")),
        ];
        prefixed(&stamp.concat())
    }

    /// Reads everything there is, whatever it finds.
    fn read_all(value: &[u8]) -> Result<usize, ParseError> {
        let mut stamp = SourceStamp::parse(value)?;
        let mut first = stamp;
        let mut records = first.signatures()?;
        while !records.is_empty() && next_record(&mut records).is_ok() {}
        let mut schemes = stamp.schemes()?;
        let mut read = 0;
        while !schemes.is_empty() {
            let (_, mut signatures) = next_scheme(&mut schemes)?;
            while !signatures.is_empty() {
                read += next_record(&mut signatures)?.1.len();
            }
        }
        if let Some(mut attributes) = stamp.attributes()? {
            let mut list = attributes.list()?;
            while !list.is_empty() {
                read += next_attribute(&mut list)?.1.remaining();
            }
            while !attributes.signatures.is_empty() {
                read += next_record(&mut attributes.signatures)?.1.len();
            }
        }
        Ok(read)
    }

    #[test]
    fn reads_the_second_form_step_by_step() {
        let value = [second_form(), b"behind".to_vec()].concat();
        let mut stamp = SourceStamp::parse(&value).unwrap();
        assert_eq!((stamp.certificate, stamp.trailing), (b"certificate".as_slice(), 6));
        let mut schemes = stamp.schemes().unwrap();
        let (id, mut signatures) = next_scheme(&mut schemes).unwrap();
        assert_eq!((id, schemes.is_empty()), (3, true));
        assert_eq!(next_record(&mut signatures), Ok((0x201, b"over v3".as_slice())));
        let mut attributes = stamp.attributes().unwrap().unwrap();
        assert_eq!(attributes.data.remaining(), 4 + 4 + 4 + 8);
        let mut list = attributes.list().unwrap();
        let (id, mut value) = next_attribute(&mut list).unwrap();
        assert_eq!((id, value.u64(), list.is_empty()), (attribute::STAMP_TIME, Ok(7), true));
        assert_eq!(next_record(&mut attributes.signatures), Ok((0x201, b"over attributes".as_slice())));
        assert_eq!(stamp.unread(), 0);
    }

    #[test]
    fn reads_the_first_form_and_a_second_without_attributes() {
        let value = prefixed(&[prefixed(b"c"), prefixed(&record(0x103, b"sig"))].concat());
        let mut stamp = SourceStamp::parse(&value).unwrap();
        assert_eq!(next_record(&mut stamp.signatures().unwrap()), Ok((0x103, b"sig".as_slice())));
        assert!(stamp.attributes().unwrap().is_none());
    }

    #[test]
    fn twice_as_many_records_are_twice_the_work() {
        let stamp = |count: usize| {
            let scheme = prefixed(&[&3_u32.to_le_bytes()[..], &prefixed(&record(1, b"over v3"))].concat());
            let attribute = prefixed(&[&[0; 4][..], b"value"].concat());
            let parts = [
                prefixed(b"certificate"),
                prefixed(&scheme.repeat(count)),
                prefixed(&prefixed(&attribute.repeat(count))),
                prefixed(&record(1, b"over attributes").repeat(count)),
            ];
            prefixed(&parts.concat())
        };
        crate::work::doubles(stamp, |value| assert!(read_all(value).is_ok()));
    }

    #[test]
    fn no_prefix_of_a_stamp_reads_to_its_end() {
        let value = second_form();
        assert_eq!(read_all(&value), Ok(7 + 8 + 15));
        for len in 0..value.len() {
            assert!(read_all(value.get(..len).unwrap()).is_err(), "cut at {len}");
        }
    }

    #[test]
    fn no_flipped_bit_of_a_stamp_reads_beyond_it() {
        let value = second_form();
        for place in 0..value.len() * 8 {
            let mut flipped = value.clone();
            flipped[place / 8] ^= 1 << (place % 8);
            if let Ok(read) = read_all(&flipped) {
                assert!(read <= value.len(), "bit {place}");
            }
        }
    }
}
