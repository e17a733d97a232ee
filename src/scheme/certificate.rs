//! Certificates as identities: parsed once a file, whichever schemes name them.

use std::cell::RefCell;

use crate::Limits;
use crate::crypto;
use crate::crypto::PublicKey;
use crate::format::ParseError;
use crate::format::x509;
use crate::identity::Certificate;
use crate::identity::KeyFacts;
use crate::identity::PrintedDigests;

/// The certificates of one file.
#[derive(Debug, Default)]
pub(crate) struct Certificates {
    seen: RefCell<Vec<Certificate>>,
}

impl Certificates {
    /// The identity of the certificate in `der`, which must parse.
    ///
    /// # Errors
    /// What is wrong with the encoding.
    pub(super) fn identify(&self, der: &[u8], limits: &Limits) -> Result<Certificate, ParseError> {
        if let Some(known) = self.seen.borrow().iter().find(|known| known.der() == der) {
            return Ok(known.clone());
        }
        let parsed = x509::Certificate::parse(der, limits)?;
        let certificate = Certificate::new(
            der.to_vec(),
            printed_digests(der),
            key_facts(parsed.public_key_info, limits),
            x509::distinguished_name(parsed.subject),
        );
        self.seen.borrow_mut().push(certificate.clone());
        Ok(certificate)
    }
}

fn printed_digests(bytes: &[u8]) -> PrintedDigests {
    PrintedDigests { sha256: crypto::sha256(bytes), sha1: crypto::sha1(bytes), md5: crypto::md5(bytes) }
}

fn key_facts(spki: &[u8], limits: &Limits) -> KeyFacts {
    // Digests are printed of the key as Java holds it, with a negative modulus mended.
    let normalised = crypto::normalise_rsa_spki(spki);
    let spki = normalised.as_deref().unwrap_or(spki);
    let digests = printed_digests(spki);
    match PublicKey::from_spki(spki, limits) {
        Ok(key) => KeyFacts { algorithm: key.algorithm_name().to_owned(), bits: key.bits(), digests },
        Err(_) => KeyFacts { algorithm: "unusable".to_owned(), bits: 0, digests },
    }
}
