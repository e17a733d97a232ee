//! Signer records of APK Signature Scheme v2 and v3, as borrowed slices.
//!
//! Each list is handed out as a [`Cursor`] and read record by record, since Android stops at the first bad one and
//! says which it was. Bytes behind the known fields of a record are ignored, as on Android; `trailing` keeps them.
//!
//! Source: [APK Signature Scheme v2][v2], [v3][v3]; apksig `V2SchemeVerifier`, `V3SchemeVerifier`.
//!
//! [v2]: https://source.android.com/docs/security/features/apksigning/v2#apk-signature-scheme-v2-block
//! [v3]: https://source.android.com/docs/security/features/apksigning/v3#format

use super::Cursor;
use super::ParseError;

/// The list of signers in the value of a v2 or v3 pair, and how many bytes stand behind it.
pub fn signer_list(value: &[u8]) -> Result<(Cursor<'_>, usize), ParseError> {
    let mut cursor = Cursor::new("signers", value);
    let signers = cursor.length_prefixed()?;
    Ok((signers, cursor.remaining()))
}

/// Which fields a signer record has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignerLayout {
    /// v2: no SDK levels.
    V2,
    /// v3, v3.1, v3.2: minimum and maximum SDK level in the signer and in the signed data.
    V3,
}

/// One signer, not yet verified.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    /// What the signatures are over, without its length prefix.
    pub signed_data: Cursor<'a>,
    /// v3: minimum and maximum SDK level.
    pub sdk_range: Option<(i32, i32)>,
    /// Signature records, for [`next_record`].
    pub signatures: Cursor<'a>,
    /// X.509 `SubjectPublicKeyInfo`, DER.
    pub public_key: &'a [u8],
    /// Bytes behind the public key. Nothing signs them.
    pub trailing: &'a [u8],
}

impl<'a> Signer<'a> {
    /// Reads the next signer of the list.
    pub fn next(list: &mut Cursor<'a>, layout: SignerLayout) -> Result<Self, ParseError> {
        *list = list.named("signer");
        let mut signer = list.length_prefixed()?;
        let signed_data = signer.length_prefixed()?;
        let sdk_range = match layout {
            SignerLayout::V2 => None,
            SignerLayout::V3 => Some((signer.i32()?, signer.i32()?)),
        };
        let signatures = signer.length_prefixed()?;
        let public_key = signer.length_prefixed()?.rest();
        Ok(Self { signed_data, sdk_range, signatures, public_key, trailing: signer.rest() })
    }
}

/// What the signatures of a signer are over.
#[derive(Debug, Clone, Copy)]
pub struct SignedData<'a> {
    /// Digest records, for [`next_record`].
    pub digests: Cursor<'a>,
    /// Certificates, for [`next_certificate`].
    pub certificates: Cursor<'a>,
    /// v3: minimum and maximum SDK level.
    pub sdk_range: Option<(i32, i32)>,
    /// Additional attributes, for [`next_attribute`].
    pub attributes: Cursor<'a>,
    /// Bytes behind the attributes. Signed; apksig itself writes four zeros here in v2.
    pub trailing: &'a [u8],
}

impl<'a> SignedData<'a> {
    /// Splits the signed data into its lists.
    pub fn parse(mut data: Cursor<'a>, layout: SignerLayout) -> Result<Self, ParseError> {
        let digests = data.length_prefixed()?;
        let certificates = data.length_prefixed()?;
        let sdk_range = match layout {
            SignerLayout::V2 => None,
            SignerLayout::V3 => Some((data.i32()?, data.i32()?)),
        };
        let attributes = data.length_prefixed()?;
        Ok(Self { digests, certificates, sdk_range, attributes, trailing: data.rest() })
    }
}

/// The next signature or digest record: algorithm id and bytes.
pub fn next_record<'a>(list: &mut Cursor<'a>) -> Result<(u32, &'a [u8]), ParseError> {
    let mut record = list.length_prefixed()?;
    Ok((record.u32()?, record.length_prefixed()?.rest()))
}

/// How many bytes stand behind the signatures of `signer`, inside their records. Nothing signs them.
///
/// Counts as far as the records can be read.
pub fn trailing_in_signatures(signer: &Signer<'_>) -> usize {
    let mut list = signer.signatures;
    let mut trailing = 0_usize;
    while let Ok(mut record) = list.length_prefixed() {
        if record.u32().and_then(|_| record.length_prefixed()).is_err() {
            break;
        }
        trailing = trailing.saturating_add(record.remaining());
    }
    trailing
}

/// The next certificate.
pub fn next_certificate<'a>(list: &mut Cursor<'a>) -> Result<&'a [u8], ParseError> {
    Ok(list.length_prefixed()?.rest())
}

/// The first certificate of the next signer of the list, whatever the scheme has behind its certificates.
///
/// `Ok(None)` when the signer has no certificates.
pub fn first_certificate<'a>(list: &mut Cursor<'a>) -> Result<Option<&'a [u8]>, ParseError> {
    let mut signed_data = list.length_prefixed()?.length_prefixed()?;
    let _digests = signed_data.length_prefixed()?;
    let mut certificates = signed_data.length_prefixed()?;
    if certificates.is_empty() { Ok(None) } else { next_certificate(&mut certificates).map(Some) }
}

/// The next additional attribute: id and value.
pub fn next_attribute<'a>(list: &mut Cursor<'a>) -> Result<(u32, Cursor<'a>), ParseError> {
    let mut attribute = list.length_prefixed()?;
    Ok((attribute.u32()?, attribute))
}

/// Additional attribute ids.
pub mod attribute {
    /// v2: the newer scheme that was there when it was signed, a u32 (apksig `V2SchemeConstants`).
    pub const STRIPPING_PROTECTION: u32 = 0xbeef_f00d;
    /// v3: the lineage (apksig `V3SchemeConstants`).
    pub const PROOF_OF_ROTATION: u32 = 0x3ba0_6f8c;
    /// v3.0: the lowest SDK level of the v3.1 block, a u32 (apksig `V3SchemeConstants`).
    pub const ROTATION_MIN_SDK: u32 = 0x559f_8b02;
    /// v3.1, v3.2: the signer is for a development release; empty (apksig `V3SchemeConstants`).
    pub const ROTATION_ON_DEV_RELEASE: u32 = 0xc2a6_b3ba;
    /// v3.0, v3.1: the lowest SDK level of the v3.2 block, a u32 (AOSP `ApkSignatureSchemeV3Verifier`).
    pub const HYBRID_MIN_SDK: u32 = 0xbf94_0529;
    /// v3.0, v3.1: the highest SDK level of the v3.2 block, a u32 (AOSP `ApkSignatureSchemeV3Verifier`).
    pub const HYBRID_MAX_SDK: u32 = 0x9f06_b79c;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixed(bytes: &[u8]) -> Vec<u8> {
        [&u32::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat()
    }

    #[test]
    fn reads_a_v3_signer_and_keeps_what_stands_behind_it() {
        let signer = [
            prefixed(b"data"),
            24i32.to_le_bytes().to_vec(),
            i32::MAX.to_le_bytes().to_vec(),
            prefixed(&prefixed(&[&[3, 1, 0, 0], prefixed(b"sig").as_slice()].concat())),
            prefixed(b"key"),
            b"!".to_vec(),
        ]
        .concat();
        let value = prefixed(&prefixed(&signer));
        let (mut list, behind) = signer_list(&value).unwrap();
        let mut signer = Signer::next(&mut list, SignerLayout::V3).unwrap();
        assert_eq!((signer.signed_data.rest(), signer.public_key), (b"data".as_slice(), b"key".as_slice()));
        assert_eq!((signer.sdk_range, signer.trailing, behind), (Some((24, i32::MAX)), b"!".as_slice(), 0));
        assert_eq!(next_record(&mut signer.signatures), Ok((0x103, b"sig".as_slice())));
        assert!(signer.signatures.is_empty() && list.is_empty());
    }

    #[test]
    fn twice_as_many_records_are_twice_the_work() {
        let record = prefixed(&[&[3, 1, 0, 0], prefixed(b"value").as_slice()].concat());
        let lists = |count: usize| {
            let list = prefixed(&record.repeat(count));
            let data = prefixed(&[list.clone(), list.clone(), list.clone()].concat());
            prefixed(&prefixed(&[data, list, prefixed(b"key")].concat()).repeat(2))
        };
        crate::work::doubles(lists, |value| {
            let (mut signers, _) = signer_list(value).unwrap();
            while !signers.is_empty() {
                let signer = Signer::next(&mut signers, SignerLayout::V2).unwrap();
                assert_eq!(trailing_in_signatures(&signer), 0);
                let mut data = SignedData::parse(signer.signed_data, SignerLayout::V2).unwrap();
                while !data.digests.is_empty() {
                    next_record(&mut data.digests).unwrap();
                    next_certificate(&mut data.certificates).unwrap();
                    next_attribute(&mut data.attributes).unwrap();
                }
            }
        });
        let signers = |count: usize| {
            let signer = prefixed(&[prefixed(b""), prefixed(b""), prefixed(b"")].concat());
            prefixed(&signer.repeat(count))
        };
        crate::work::doubles(signers, |value| {
            let (mut signers, _) = signer_list(value).unwrap();
            while !signers.is_empty() {
                Signer::next(&mut signers, SignerLayout::V2).unwrap();
            }
        });
    }

    #[test]
    fn a_signer_longer_than_its_list_is_refused() {
        let value = prefixed(&[9, 0, 0, 0, 1]);
        let (mut list, _) = signer_list(&value).unwrap();
        assert_eq!(
            Signer::next(&mut list, SignerLayout::V2).unwrap_err().to_string(),
            "signer at 0x8: 9 bytes needed, only 1 remain"
        );
    }
}
