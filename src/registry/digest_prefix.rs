//! Certificates by the first digits of their digest, as reports show them.

use crate::identity::CertificateDigest;

/// The first digits of the digest of a certificate: at least eight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestPrefix {
    /// In lower case.
    digits: String,
}

impl DigestPrefix {
    /// Reads digits, with colons or without; none when they are too few, or anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| *c != ':').map(|c| c.to_ascii_lowercase()).collect();
        let fits = (8..=64).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then_some(Self { digits })
    }

    /// Whether `digest` begins so.
    pub(super) fn begins(&self, digest: &CertificateDigest) -> bool {
        digest.to_string().starts_with(&self.digits)
    }

    /// The lowest and the highest digest that begin so.
    pub(super) fn ends(&self) -> [CertificateDigest; 2] {
        ["0", "f"].map(|digit| {
            let digits = self.digits.clone() + &digit.repeat(64_usize.saturating_sub(self.digits.len()));
            digits.parse().unwrap_or(CertificateDigest([0; 32]))
        })
    }
}
