//! The committed test keys, and deterministic signatures by them.

use std::convert::Infallible;
use std::fs;
use std::path::PathBuf;

use dsa::pkcs8::DecodePrivateKey as _;
use dsa::pkcs8::EncodePublicKey as _;
use fips204::traits::KeyGen as _;
use fips204::traits::SerDes as _;
use fips204::traits::Signer as _;
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use rsa::rand_core::TryCryptoRng;
use rsa::rand_core::TryRng;

use super::certificate::Certificate;
use super::der;
use super::hash::Hash;
use super::hash::hex;

/// A key pair with its self-signed certificate, from `testdata/keys/`.
#[derive(Clone)]
pub struct Key {
    /// File name without the suffix: `ec-p256`.
    pub name: String,
    /// The certificate that signers put first, X.509 DER.
    pub certificate: Vec<u8>,
    /// SubjectPublicKeyInfo, DER.
    pub public: Vec<u8>,
    private: Private,
}

#[derive(Clone)]
enum Private {
    Rsa(Box<rsa::PrivateKey>),
    Dsa(Box<dsa::SigningKey>),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
    MlDsa44(Box<fips204::ml_dsa_44::PrivateKey>),
    MlDsa65(Box<fips204::ml_dsa_65::PrivateKey>),
    MlDsa87(Box<fips204::ml_dsa_87::PrivateKey>),
}

/// Kind of key, which decides the algorithm identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    Rsa,
    Dsa,
    Ec,
    MlDsa,
}

impl Key {
    /// Every committed key.
    pub const NAMES: [&str; 17] = [
        "rsa-1024",
        "rsa-2048",
        "rsa-2048-2",
        "rsa-4096",
        "ec-p256",
        "ec-p256-2",
        "ec-p256-3",
        "ec-p384",
        "ec-p384-2",
        "ec-p521",
        "dsa-1024",
        "dsa-2048",
        "dsa-2048-2",
        "ml-dsa-44",
        "ml-dsa-65",
        "ml-dsa-65-2",
        "ml-dsa-87",
    ];

    /// The key `testdata/keys/<name>.pk8` with the certificate `CN=<name>`, signed by itself. That of an ML-DSA key is
    /// issued by `ec-p256`, or its own signature would make every case 3 to 5 kB larger.
    pub fn named(name: &str) -> Self {
        if name.starts_with("ml-dsa") {
            let key = Self::ml_dsa(name);
            let certificate = Certificate::new(&[("CN", name)])
                .issuer(&[("CN", "ec-p256")])
                .signed_by(&key, &Self::named("ec-p256"));
            return key.with_certificate(certificate);
        }
        let path = keys_dir().join(format!("{name}.pk8"));
        let der = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let private = match name.split('-').nth(1).unwrap() {
            "p256" => Private::P256(p256::ecdsa::SigningKey::from_pkcs8_der(&der).unwrap()),
            "p384" => Private::P384(p384::ecdsa::SigningKey::from_pkcs8_der(&der).unwrap()),
            "p521" => Private::P521(p521::ecdsa::SigningKey::from_pkcs8_der(&der).unwrap()),
            _ if name.starts_with("dsa") => {
                Private::Dsa(Box::new(dsa::SigningKey::from_pkcs8_der(&der).unwrap()))
            }
            _ => Private::Rsa(Box::new(rsa::PrivateKey::from_pkcs8_der(&der).unwrap())),
        };
        let public = match &private {
            Private::Rsa(key) => key.to_public_key().to_public_key_der(),
            Private::Dsa(key) => key.verifying_key().to_public_key_der(),
            Private::P256(key) => key.verifying_key().to_public_key_der(),
            Private::P384(key) => key.verifying_key().to_public_key_der(),
            Private::P521(key) => key.verifying_key().to_public_key_der(),
            _ => panic!("ML-DSA keys are read above"),
        };
        let public = public.unwrap().into_vec();
        let key = Self { name: name.to_owned(), certificate: Vec::new(), public, private };
        let certificate = Certificate::new(&[("CN", name)]).self_signed(&key);
        key.with_certificate(certificate)
    }

    /// An ML-DSA key from its seed, without a certificate.
    fn ml_dsa(name: &str) -> Self {
        let path = keys_dir().join(format!("{name}.pk8"));
        let pkcs8 = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (_, content, _) = der::split(&pkcs8);
        let (_version, _, rest) = der::split(content);
        let (algorithm, _, rest) = der::split(rest);
        let (_, private_key, _) = der::split(rest);
        let (_, seed, _) = der::split(private_key);
        let seed: [u8; 32] = seed.try_into().unwrap();
        let (private, public) = match name.split('-').nth(2).unwrap() {
            "44" => {
                let (public, private) = fips204::ml_dsa_44::KG::keygen_from_seed(&seed);
                (Private::MlDsa44(Box::new(private)), public.into_bytes().to_vec())
            }
            "65" => {
                let (public, private) = fips204::ml_dsa_65::KG::keygen_from_seed(&seed);
                (Private::MlDsa65(Box::new(private)), public.into_bytes().to_vec())
            }
            _ => {
                let (public, private) = fips204::ml_dsa_87::KG::keygen_from_seed(&seed);
                (Private::MlDsa87(Box::new(private)), public.into_bytes().to_vec())
            }
        };
        let public = der::sequence(&[algorithm.to_vec(), der::bit_string(&public)]);
        Self { name: name.to_owned(), certificate: Vec::new(), public, private }
    }

    /// The key `rsa-2048-2` with a certificate as Android's build tools make for debug builds.
    pub fn android_debug() -> Self {
        let key = Self::named("rsa-2048-2");
        let certificate =
            Certificate::new(&[("C", "US"), ("O", "Android"), ("CN", "Android Debug")]).self_signed(&key);
        key.with_certificate(certificate)
    }

    /// The same key with another certificate.
    pub fn with_certificate(mut self, certificate: Vec<u8>) -> Self {
        self.certificate = certificate;
        self
    }

    /// SHA-256 of the certificate, in hexadecimal: how Android names the signer.
    pub fn certificate_digest(&self) -> String {
        hex(&Hash::Sha256.digest(&self.certificate))
    }

    /// RSA, DSA, EC or ML-DSA.
    pub fn kind(&self) -> KeyKind {
        match self.private {
            Private::Rsa(_) => KeyKind::Rsa,
            Private::Dsa(_) => KeyKind::Dsa,
            Private::P256(_) | Private::P384(_) | Private::P521(_) => KeyKind::Ec,
            Private::MlDsa44(_) | Private::MlDsa65(_) | Private::MlDsa87(_) => KeyKind::MlDsa,
        }
    }

    /// Signs `message`: RSASSA-PKCS1-v1_5, or DSA and ECDSA with a nonce by RFC 6979, as a DER sequence; or ML-DSA, in
    /// its deterministic variant and without a hash.
    pub fn sign(&self, hash: Hash, message: &[u8]) -> Vec<u8> {
        // ECDSA left-pads a short digest; the crate refuses those under half the size of the curve.
        let digest = hash.digest(message);
        let padded = |len: usize| [vec![0; len.saturating_sub(digest.len())], digest.clone()].concat();
        match &self.private {
            Private::Rsa(key) => {
                key.sign(rsa::Pkcs1v15Sign::new_unprefixed(), &hash.digest_info(message)).unwrap()
            }
            Private::Dsa(key) => {
                let signature = key.sign_prehashed_rfc6979::<sha2::Sha256>(&digest).unwrap();
                der::sequence(&[
                    der::integer(&signature.r().to_be_bytes()),
                    der::integer(&signature.s().to_be_bytes()),
                ])
            }
            Private::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign_prehash(&padded(32)).unwrap();
                signature.to_der().as_bytes().to_vec()
            }
            Private::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign_prehash(&padded(48)).unwrap();
                signature.to_der().as_bytes().to_vec()
            }
            Private::P521(key) => {
                let signature: p521::ecdsa::Signature = key.sign_prehash(&padded(64)).unwrap();
                signature.to_der().as_bytes().to_vec()
            }
            Private::MlDsa44(key) => key.try_sign_with_seed(&DETERMINISTIC, message, &[]).unwrap().to_vec(),
            Private::MlDsa65(key) => key.try_sign_with_seed(&DETERMINISTIC, message, &[]).unwrap().to_vec(),
            Private::MlDsa87(key) => key.try_sign_with_seed(&DETERMINISTIC, message, &[]).unwrap().to_vec(),
        }
    }

    /// Signs `message` with RSASSA-PSS: MGF1 of the same hash, salt as long as the digest and made from the message.
    pub fn sign_pss(&self, hash: Hash, message: &[u8]) -> Vec<u8> {
        let Private::Rsa(key) = &self.private else { panic!("{}: PSS needs an RSA key", self.name) };
        let mut salt = Stream { seed: Hash::Sha256.digest(message), used: 0 };
        match hash {
            Hash::Sha256 => key.pss_sign_with_rng::<sha2::Sha256, _>(&mut salt, message).unwrap(),
            Hash::Sha512 => key.pss_sign_with_rng::<sha2::Sha512, _>(&mut salt, message).unwrap(),
            _ => panic!("no PSS signature algorithm of Android uses {hash:?}"),
        }
    }
}

/// The randomness of ML-DSA that makes its signatures deterministic (FIPS 204, 3.4).
const DETERMINISTIC: [u8; 32] = [0; 32];

/// Where the keys are.
pub fn keys_dir() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "testdata", "keys"].iter().collect()
}

/// A stream of bytes that depends on the seed alone: SHA-256 in counter mode.
struct Stream {
    seed: Vec<u8>,
    used: u64,
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            let block = Hash::Sha256.digest(&[&self.seed[..], &self.used.to_be_bytes()].concat());
            chunk.copy_from_slice(&block[..chunk.len()]);
            self.used += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for Stream {}
