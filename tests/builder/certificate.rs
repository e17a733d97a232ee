//! Writes X.509 certificates, ordinary or odd.

use super::der;
use super::hash::Hash;
use super::keys::Key;
use super::keys::KeyKind;

/// An X.509 v3 certificate to be: valid 2020 to 2049, serial number 1, no extensions.
pub struct Certificate {
    subject: Vec<u8>,
    issuer: Option<Vec<u8>>,
    /// Serial number, big-endian.
    pub serial: Vec<u8>,
    /// `YYMMDDHHMMSSZ`.
    pub not_before: String,
    /// `YYMMDDHHMMSSZ`.
    pub not_after: String,
    extensions: Vec<Vec<u8>>,
    public_key: Option<Vec<u8>>,
}

impl Certificate {
    /// A certificate for a subject of such parts as `("CN", "name")`, in that order.
    pub fn new(subject: &[(&str, &str)]) -> Self {
        Self {
            subject: name(subject),
            issuer: None,
            serial: vec![1],
            not_before: "200101000000Z".to_owned(),
            not_after: "491231235959Z".to_owned(),
            extensions: Vec::new(),
            public_key: None,
        }
    }

    /// Another serial number.
    pub fn serial(mut self, serial: u8) -> Self {
        self.serial = vec![serial];
        self
    }

    /// Names an issuer, whoever signs.
    pub fn issuer(mut self, issuer: &[(&str, &str)]) -> Self {
        self.issuer = Some(name(issuer));
        self
    }

    /// Other validity, both `YYMMDDHHMMSSZ`.
    pub fn validity(mut self, not_before: &str, not_after: &str) -> Self {
        not_before.clone_into(&mut self.not_before);
        not_after.clone_into(&mut self.not_after);
        self
    }

    /// Adds an extension with its value in DER.
    pub fn extension(mut self, oid: &str, critical: bool, value: &[u8]) -> Self {
        let mut parts = vec![der::oid(oid)];
        if critical {
            parts.push(der::boolean_true());
        }
        parts.push(der::octet_string(value));
        self.extensions.push(der::sequence(&parts));
        self
    }

    /// Adds a critical KeyUsage of the first eight bits, `0x80` for digitalSignature down to `0x01` for encipherOnly.
    pub fn key_usage(self, bits: u8) -> Self {
        let unused = bits.trailing_zeros().min(7) as u8;
        self.extension("2.5.29.15", true, &der::element(0x03, &[unused, bits]))
    }

    /// Carries this SubjectPublicKeyInfo and not that of the subject's key.
    pub fn public_key(mut self, public_key: Vec<u8>) -> Self {
        self.public_key = Some(public_key);
        self
    }

    /// The certificate of `key`, signed by itself.
    pub fn self_signed(self, key: &Key) -> Vec<u8> {
        self.signed_by(key, key)
    }

    /// The certificate of `subject`, signed by `issuer`.
    pub fn signed_by(self, subject: &Key, issuer: &Key) -> Vec<u8> {
        let algorithm = match issuer.kind() {
            KeyKind::Rsa => der::algorithm("1.2.840.113549.1.1.11", true),
            KeyKind::Dsa => der::algorithm("2.16.840.1.101.3.4.3.2", false),
            KeyKind::Ec => der::algorithm("1.2.840.10045.4.3.2", false),
            KeyKind::MlDsa => {
                // That of the key, which names the parameter set (RFC 9881, 3).
                let (_, content, _) = der::split(&issuer.public);
                der::split(content).0.to_vec()
            }
        };
        let mut parts = vec![
            der::context(0, &der::integer(&[2])),
            der::integer(&self.serial),
            algorithm.clone(),
            self.issuer.unwrap_or_else(|| self.subject.clone()),
            der::sequence(&[der::utc_time(&self.not_before), der::utc_time(&self.not_after)]),
            self.subject,
            self.public_key.unwrap_or_else(|| subject.public.clone()),
        ];
        if !self.extensions.is_empty() {
            parts.push(der::context(3, &der::sequence(&self.extensions)));
        }
        let body = der::sequence(&parts);
        let signature = der::bit_string(&issuer.sign(Hash::Sha256, &body));
        der::sequence(&[body, algorithm, signature])
    }
}

/// Issuer and serial number of a certificate, both as encoded there: what PKCS#7 names a signer by.
pub fn issuer_and_serial(certificate: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (_, content, _) = der::split(certificate);
    let (_, body, _) = der::split(content);
    let (_version, _, rest) = der::split(body);
    let (serial, _, rest) = der::split(rest);
    let (_algorithm, _, rest) = der::split(rest);
    let (issuer, _, _) = der::split(rest);
    (issuer.to_vec(), serial.to_vec())
}

/// A distinguished name.
fn name(parts: &[(&str, &str)]) -> Vec<u8> {
    let rdn = |(kind, value): &(&str, &str)| {
        let oid = match *kind {
            "C" => "2.5.4.6",
            "O" => "2.5.4.10",
            "OU" => "2.5.4.11",
            "CN" => "2.5.4.3",
            other => panic!("no such part of a name: {other}"),
        };
        let value = if *kind == "C" { der::element(0x13, value.as_bytes()) } else { der::utf8(value) };
        der::set(&[der::sequence(&[der::oid(oid), value])])
    };
    der::sequence(&parts.iter().map(rdn).collect::<Vec<_>>())
}
