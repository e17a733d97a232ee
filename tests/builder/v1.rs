//! Signers of v1, JAR signing.

use super::archive::Entry;
use super::certificate::issuer_and_serial;
use super::der;
use super::hash::Hash;
use super::hash::base64;
use super::hooks::Hooks;
use super::keys::Key;
use super::keys::KeyKind;

const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
const DATA: &str = "1.2.840.113549.1.7.1";
const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";

/// A SignerInfo of PKCS#7, its parts in DER.
#[derive(Debug, Clone)]
pub struct SignerInfo {
    pub version: u8,
    /// IssuerAndSerialNumber, or what else is to identify the signer.
    pub sid: Vec<u8>,
    pub digest_algorithm: Vec<u8>,
    /// Encoded attributes, in order.
    pub signed_attributes: Option<Vec<Vec<u8>>>,
    pub signature_algorithm: Vec<u8>,
    /// The signature, not encoded.
    pub signature: Vec<u8>,
    /// Encoded elements behind the signature.
    pub tail: Vec<u8>,
}

/// A signature block file: PKCS#7 SignedData in a ContentInfo.
#[derive(Debug, Clone)]
pub struct Pkcs7 {
    /// Of the ContentInfo, dotted.
    pub content_type: String,
    pub version: u8,
    /// Encoded AlgorithmIdentifiers.
    pub digest_algorithms: Vec<Vec<u8>>,
    /// Of the encapsulated content, dotted.
    pub encapsulated_type: String,
    /// The encapsulated content; JAR signatures have none.
    pub content: Option<Vec<u8>>,
    /// X.509 DER; an absent field when none is given.
    pub certificates: Option<Vec<Vec<u8>>>,
    pub signer_infos: Vec<SignerInfo>,
}

impl Pkcs7 {
    pub fn encode(&self) -> Vec<u8> {
        let content = self.content.iter().map(|content| der::context(0, &der::octet_string(content)));
        let encapsulated: Vec<_> =
            std::iter::once(der::oid(&self.encapsulated_type)).chain(content).collect();
        let mut signed_data = vec![
            der::integer(&[self.version]),
            der::set(&self.digest_algorithms),
            der::sequence(&encapsulated),
        ];
        if let Some(certificates) = &self.certificates {
            signed_data.push(der::context(0, &certificates.concat()));
        }
        let infos: Vec<_> = self.signer_infos.iter().map(SignerInfo::encode).collect();
        signed_data.push(der::set(&infos));
        der::sequence(&[der::oid(&self.content_type), der::context(0, &der::sequence(&signed_data))])
    }
}

impl SignerInfo {
    fn encode(&self) -> Vec<u8> {
        let mut parts = vec![der::integer(&[self.version]), self.sid.clone(), self.digest_algorithm.clone()];
        if let Some(attributes) = &self.signed_attributes {
            parts.push(der::context(0, &attributes.concat()));
        }
        parts.extend([
            self.signature_algorithm.clone(),
            der::octet_string(&self.signature),
            self.tail.clone(),
        ]);
        der::sequence(&parts)
    }
}

/// A v1 signer to be: SHA-256, the files `CERT.SF` and `CERT.<kind of key>`, no signed attributes.
pub struct V1Signer {
    key: Key,
    name: String,
    hash: Hash,
    jar_hash: Option<Hash>,
    signed_attributes: bool,
    combined_oid: bool,
    certificates: Vec<Vec<u8>>,
    signature_file: Hooks<String>,
    signer_info: Hooks<SignerInfo>,
    pkcs7: Hooks<Pkcs7>,
}

impl V1Signer {
    pub fn new(key: &Key) -> Self {
        Self {
            key: key.clone(),
            name: "CERT".to_owned(),
            hash: Hash::Sha256,
            jar_hash: None,
            signed_attributes: false,
            combined_oid: false,
            certificates: vec![key.certificate.clone()],
            signature_file: Hooks::default(),
            signer_info: Hooks::default(),
            pkcs7: Hooks::default(),
        }
    }

    /// File name without the suffix.
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The hash of manifest, signature file and signature.
    pub fn hash(mut self, hash: Hash) -> Self {
        self.hash = hash;
        self
    }

    /// Another hash for manifest and signature file than for the signature.
    pub fn jar_hash(mut self, hash: Hash) -> Self {
        self.jar_hash = Some(hash);
        self
    }

    /// Signs attributes that hold the digest of the signature file, as jarsigner does.
    pub fn signed_attributes(mut self) -> Self {
        self.signed_attributes = true;
        self
    }

    /// Names the signature algorithm by an identifier that names the hash too: `sha256WithRSAEncryption`.
    pub fn combined_oid(mut self) -> Self {
        self.combined_oid = true;
        self
    }

    /// Adds a certificate to the block.
    pub fn certificate(mut self, certificate: Vec<u8>) -> Self {
        self.certificates.push(certificate);
        self
    }

    /// Changes the text of the signature file before it is signed.
    pub fn signature_file(mut self, change: impl Fn(&mut String) + 'static) -> Self {
        self.signature_file.add(change);
        self
    }

    /// Changes the SignerInfo before it signs; its signature is still empty.
    pub fn signer_info(mut self, change: impl Fn(&mut SignerInfo) + 'static) -> Self {
        self.signer_info.add(change);
        self
    }

    /// Changes the block once it is signed.
    pub fn pkcs7(mut self, change: impl Fn(&mut Pkcs7) + 'static) -> Self {
        self.pkcs7.add(change);
        self
    }

    fn suffix(&self) -> &'static str {
        match self.key.kind() {
            KeyKind::Rsa => "RSA",
            KeyKind::Dsa => "DSA",
            KeyKind::Ec => "EC",
            KeyKind::MlDsa => panic!("v1 knows no ML-DSA"),
        }
    }

    fn signature_algorithm(&self) -> Vec<u8> {
        let kind = self.key.kind();
        let oid = if self.combined_oid {
            match (kind, self.hash) {
                (KeyKind::Rsa, Hash::Md5) => "1.2.840.113549.1.1.4",
                (KeyKind::Rsa, Hash::Sha1) => "1.2.840.113549.1.1.5",
                (KeyKind::Rsa, Hash::Sha224) => "1.2.840.113549.1.1.14",
                (KeyKind::Rsa, Hash::Sha256) => "1.2.840.113549.1.1.11",
                (KeyKind::Rsa, Hash::Sha384) => "1.2.840.113549.1.1.12",
                (KeyKind::Rsa, Hash::Sha512) => "1.2.840.113549.1.1.13",
                (KeyKind::Dsa, Hash::Sha1) => "1.2.840.10040.4.3",
                (KeyKind::Dsa, Hash::Sha224) => "2.16.840.1.101.3.4.3.1",
                (KeyKind::Dsa, Hash::Sha256) => "2.16.840.1.101.3.4.3.2",
                (KeyKind::Ec, Hash::Sha1) => "1.2.840.10045.4.1",
                (KeyKind::Ec, Hash::Sha224) => "1.2.840.10045.4.3.1",
                (KeyKind::Ec, Hash::Sha256) => "1.2.840.10045.4.3.2",
                (KeyKind::Ec, Hash::Sha384) => "1.2.840.10045.4.3.3",
                (KeyKind::Ec, Hash::Sha512) => "1.2.840.10045.4.3.4",
                (kind, hash) => panic!("no identifier for {kind:?} with {hash:?}"),
            }
        } else {
            match kind {
                KeyKind::Rsa => "1.2.840.113549.1.1.1",
                KeyKind::Dsa => "1.2.840.10040.4.1",
                KeyKind::Ec => "1.2.840.10045.2.1",
                KeyKind::MlDsa => panic!("v1 knows no ML-DSA"),
            }
        };
        der::algorithm(oid, kind == KeyKind::Rsa)
    }

    /// The signature file over a manifest.
    fn write_signature_file(&self, manifest: &str, schemes: Option<&str>) -> String {
        let mut text = String::new();
        line(&mut text, "Signature-Version", "1.0");
        line(&mut text, "Created-By", "1.0 (Android)");
        let hash = self.jar_hash.unwrap_or(self.hash);
        let name = hash.jar_name();
        let digest = |bytes: &str| base64(&hash.digest(bytes.as_bytes()));
        line(&mut text, &format!("{name}-Digest-Manifest"), &digest(manifest));
        if let Some(schemes) = schemes {
            line(&mut text, "X-Android-APK-Signed", schemes);
        }
        text.push_str("\r\n");
        for section in sections(manifest).into_iter().skip(1) {
            let entry = section.replace("\r\n ", "");
            let entry = entry.lines().next().and_then(|line| line.strip_prefix("Name: ")).unwrap_or_default();
            line(&mut text, "Name", entry);
            line(&mut text, &format!("{name}-Digest"), &digest(section));
            text.push_str("\r\n");
        }
        self.signature_file.run(&mut text);
        text
    }

    /// The signature block over a signature file, or over any other bytes.
    pub fn write_block(&self, signature_file: &[u8]) -> Vec<u8> {
        let (issuer, serial) = issuer_and_serial(&self.key.certificate);
        let digest_algorithm = der::algorithm(self.hash.oid(), true);
        let attribute = |oid, value| der::sequence(&[der::oid(oid), der::set(&[value])]);
        let mut info = SignerInfo {
            version: 1,
            sid: der::sequence(&[issuer, serial]),
            digest_algorithm: digest_algorithm.clone(),
            signed_attributes: self.signed_attributes.then(|| {
                vec![
                    attribute(CONTENT_TYPE, der::oid(DATA)),
                    attribute(MESSAGE_DIGEST, der::octet_string(&self.hash.digest(signature_file))),
                ]
            }),
            signature_algorithm: self.signature_algorithm(),
            signature: Vec::new(),
            tail: Vec::new(),
        };
        self.signer_info.run(&mut info);
        info.signature = match &info.signed_attributes {
            // Signed as a SET, however it is tagged.
            Some(attributes) => self.key.sign(self.hash, &der::set(attributes)),
            None => self.key.sign(self.hash, signature_file),
        };
        let mut pkcs7 = Pkcs7 {
            content_type: SIGNED_DATA.to_owned(),
            version: 1,
            digest_algorithms: vec![digest_algorithm],
            encapsulated_type: DATA.to_owned(),
            content: None,
            certificates: Some(self.certificates.clone()),
            signer_infos: vec![info],
        };
        self.pkcs7.run(&mut pkcs7);
        pkcs7.encode()
    }
}

/// JAR signing to be: its signers, and the manifest they share.
#[derive(Default)]
pub struct V1 {
    pub signers: Vec<V1Signer>,
    /// `X-Android-APK-Signed`; none for the schemes that the APK has, empty to leave it out.
    pub schemes: Option<String>,
    manifest: Hooks<String>,
}

impl V1 {
    /// One signer.
    pub fn by(key: &Key) -> Self {
        Self::default().signer(V1Signer::new(key))
    }

    /// Adds a signer.
    pub fn signer(mut self, signer: V1Signer) -> Self {
        self.signers.push(signer);
        self
    }

    /// The value of `X-Android-APK-Signed`; empty to leave it out.
    pub fn schemes(mut self, schemes: &str) -> Self {
        self.schemes = Some(schemes.to_owned());
        self
    }

    /// Changes the text of the manifest before signature files are made from it.
    pub fn manifest(mut self, change: impl Fn(&mut String) + 'static) -> Self {
        self.manifest.add(change);
        self
    }

    /// The files of the signature, for these entries in an APK that also has `present` schemes.
    pub fn sign(&self, entries: &[Entry], present: &str) -> Vec<Entry> {
        let mut hashes: Vec<Hash> = Vec::new();
        for hash in self.signers.iter().map(|signer| signer.jar_hash.unwrap_or(signer.hash)) {
            if !hashes.contains(&hash) {
                hashes.push(hash);
            }
        }
        let mut manifest = "Manifest-Version: 1.0\r\nCreated-By: 1.0 (Android)\r\n\r\n".to_owned();
        let signed = |entry: &&Entry| !entry.name.starts_with("META-INF/") && !entry.name.ends_with('/');
        for entry in entries.iter().filter(signed) {
            line(&mut manifest, "Name", &entry.name);
            for hash in &hashes {
                line(
                    &mut manifest,
                    &format!("{}-Digest", hash.jar_name()),
                    &base64(&hash.digest(&entry.data)),
                );
            }
            manifest.push_str("\r\n");
        }
        self.manifest.run(&mut manifest);
        let schemes = self.schemes.as_deref().unwrap_or(present);
        let mut files = vec![Entry::deflated("META-INF/MANIFEST.MF", manifest.as_bytes())];
        for signer in &self.signers {
            let text = signer.write_signature_file(&manifest, (!schemes.is_empty()).then_some(schemes));
            let block = signer.write_block(text.as_bytes());
            files.push(Entry::deflated(&format!("META-INF/{}.SF", signer.name), text.as_bytes()));
            files.push(Entry::deflated(&format!("META-INF/{}.{}", signer.name, signer.suffix()), &block));
        }
        files
    }
}

/// Writes an attribute in lines of at most 72 bytes.
fn line(text: &mut String, name: &str, value: &str) {
    let whole = format!("{name}: {value}");
    let mut len = 0;
    for character in whole.chars() {
        if len + character.len_utf8() > 70 {
            text.push_str("\r\n ");
            len = 1;
        }
        text.push(character);
        len += character.len_utf8();
    }
    text.push_str("\r\n");
}

/// The sections of a manifest, each with the empty line that ends it.
fn sections(text: &str) -> Vec<&str> {
    text.split_inclusive("\r\n\r\n").filter(|section| !section.trim().is_empty()).collect()
}
