//! Compact JSON Web Signatures: header, payload and signature in Base64url with dots between.
//!
//! Takes the text, gives the decoded parts and the bytes that are signed. Whether the signature verifies, and which
//! algorithms count, is decided above.
//!
//! Source: RFC 7515, sections 3.1, 4.1 and 7.1.

use data_encoding::BASE64;
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::ParseError;

const STRUCTURE: &str = "JSON Web Signature";

/// A compact JSON Web Signature, not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Jws<'a> {
    /// The `alg` of the header: `RS256`.
    pub algorithm: String,
    /// Certificates in the header (`x5c`), DER; the first is the signer's.
    pub certificates: Vec<Vec<u8>>,
    /// Whether the header names extensions that must be understood (`crit`).
    pub has_critical: bool,
    /// What is signed: header, dot and payload as they stand in the file.
    pub signed: &'a [u8],
    /// The payload.
    pub payload: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    x5c: Vec<String>,
    crit: Option<IgnoredAny>,
}

impl<'a> Jws<'a> {
    /// Reads the signature in `bytes`; white space around it does not matter.
    ///
    /// Parts are decoded strictly: no padding, no other characters.
    ///
    /// # Errors
    /// Other than three parts, one that is not Base64url, a header that is no object with an `alg`, that has a field
    /// twice, or whose certificates are not Base64.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let invalid = |message: String| ParseError::invalid(STRUCTURE, 0, message);
        let text = bytes.trim_ascii();
        let parts: Vec<&[u8]> = text.split(|octet| *octet == b'.').take(4).collect();
        let [header, payload, signature] = parts.as_slice() else {
            return Err(invalid(format!("expected three parts with dots between, found {}", count(&parts))));
        };
        let decode = |what: &str, part: &[u8]| {
            BASE64URL_NOPAD
                .decode(part)
                .map_err(|error| invalid(format!("the {what} is not Base64url: {error}")))
        };
        let header_json = decode("header", header)?;
        let (payload_bytes, signature) = (decode("payload", payload)?, decode("signature", signature)?);
        let fields: Header = serde_json::from_slice(&header_json)
            .map_err(|error| invalid(format!("the header is not what it should be: {error}")))?;
        let certificates = fields
            .x5c
            .iter()
            .map(|text| BASE64.decode(text.as_bytes()))
            .collect::<Result<_, _>>()
            .map_err(|error| invalid(format!("a certificate of the header is not Base64: {error}")))?;
        let signed_len = header.len().saturating_add(1).saturating_add(payload.len());
        Ok(Self {
            algorithm: fields.alg,
            certificates,
            has_critical: fields.crit.is_some(),
            signed: text.get(..signed_len).unwrap_or_default(),
            payload: payload_bytes,
            signature,
        })
    }
}

fn count(parts: &[&[u8]]) -> String {
    if parts.len() > 3 { "more".to_owned() } else { parts.len().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, payload: &str, signature: &[u8]) -> String {
        [header.as_bytes(), payload.as_bytes(), signature].map(|part| BASE64URL_NOPAD.encode(part)).join(".")
    }

    #[test]
    fn splits_and_decodes() {
        let token = token(r#"{"alg":"RS256","x5c":["AAE=","Ag=="],"kid":{}}"#, "{}", b"sig");
        let padded = format!("\n{token}\r\n");
        let jws = Jws::parse(padded.as_bytes()).unwrap();
        assert_eq!((jws.algorithm.as_str(), jws.has_critical), ("RS256", false));
        assert_eq!(jws.certificates, [vec![0, 1], vec![2]]);
        assert_eq!((jws.payload, jws.signature), (b"{}".to_vec(), b"sig".to_vec()));
        assert_eq!(jws.signed, &token.as_bytes()[..token.rfind('.').unwrap()]);
    }

    #[test]
    fn refuses_other_forms() {
        let good = token(r#"{"alg":"RS256"}"#, "{}", b"sig");
        assert!(Jws::parse(good.as_bytes()).is_ok());
        let with = |header: &str| token(header, "{}", b"sig");
        for wrong in [
            String::new(),
            "e30.e30".to_owned(),
            format!("{good}.e30"),
            format!("{good}="),
            good.replace('.', "!."),
            with("{}"),
            with("[]"),
            with(r#"{"alg":"RS256","alg":"none"}"#),
            with(r#"{"alg":"RS256","x5c":["A"]}"#),
            with(r#"{"alg":"RS256","x5c":"AAE="}"#),
        ] {
            assert!(Jws::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(Jws::parse(with(r#"{"alg":"RS256","crit":["exp"]}"#).as_bytes()).unwrap().has_critical);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(at in 0_usize..80, octet: u8) {
            let mut bytes = token(r#"{"alg":"RS256","x5c":["AAE="]}"#, "{}", b"sig").into_bytes();
            if let Some(place) = bytes.get_mut(at) {
                *place = octet;
            }
            let _ = Jws::parse(&bytes);
        }
    }
}
