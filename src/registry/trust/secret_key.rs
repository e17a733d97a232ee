//! Secret keys in the text form of minisign: in the clear, or encrypted under a password.

use std::fmt;

use data_encoding::BASE64;

use super::minisign::FormError;
use super::minisign::KeyId;
use super::minisign::PublicKey;
use super::minisign::Signature;
use super::minisign::UNTRUSTED;
use super::minisign::base64;
use super::minisign::lines;
use crate::crypto::blake2b_256;
use crate::crypto::blake2b_512;
use crate::crypto::ed25519::Ed25519KeyPair;
use crate::crypto::ed25519::fill_random;
use crate::crypto::password::scrypt;
use crate::error::Error;

/// What a password costs when we write a key: as minisign has it, about a second and 1 GiB.
///
/// Source: libsodium `crypto_pwhash_scryptsalsa208sha256_{OPS,MEM}LIMIT_SENSITIVE`.
const OPERATIONS: u64 = 1 << 25;
/// In bytes.
const MEMORY: u64 = 1 << 30;

/// Id, seed, public key and check sum.
type Secret = [u8; 104];

/// A key that signs registries.
pub struct SecretKey {
    id: KeyId,
    pair: Ed25519KeyPair,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.id)
    }
}

impl SecretKey {
    /// A new key.
    ///
    /// # Errors
    /// [`Error::Read`] when the system gives no randomness.
    pub fn generate() -> Result<Self, Error> {
        let mut id = [0; 8];
        fill_random(&mut id).ok_or_else(no_randomness)?;
        Ok(Self { id: KeyId(id), pair: Ed25519KeyPair::generate().ok_or_else(no_randomness)? })
    }

    /// Whether the key in `text` needs a password.
    ///
    /// # Errors
    /// When there is no key in it.
    pub fn is_encrypted(text: &str) -> Result<bool, FormError> {
        Ok(Sealed::parse(text)?.encrypted)
    }

    /// The key in the text of its file; `password` is looked at when it is encrypted.
    ///
    /// # Errors
    /// When it is none, the password is missing or wrong, or the key contradicts itself.
    pub fn parse_file(text: &str, password: Option<&[u8]>) -> Result<Self, FormError> {
        let sealed = Sealed::parse(text)?;
        let fault = |message: &str| FormError::new(sealed.line, message);
        let mut secret = sealed.secret;
        if sealed.encrypted {
            let password = password.ok_or_else(|| {
                fault("expected the password of the secret key, found none; give it in a file: --password-file FILE")
            })?;
            mask(&mut secret, password, &sealed.salt, (sealed.operations, sealed.memory))
                .ok_or_else(|| fault("the password of this key costs more than 1 GiB of memory"))?;
        }
        let wrong = if sealed.encrypted {
            "the password is wrong, or the secret key is damaged"
        } else {
            "the secret key is damaged; restore it from a copy"
        };
        let (id, rest) = secret.split_first_chunk::<8>().ok_or_else(|| fault(wrong))?;
        let (seed, rest) = rest.split_first_chunk::<32>().ok_or_else(|| fault(wrong))?;
        let (public_key, sum) = rest.split_first_chunk::<32>().ok_or_else(|| fault(wrong))?;
        // Without a password minisign writes no sum.
        let unsummed = !sealed.encrypted && sum.iter().all(|byte| *byte == 0);
        if !unsummed && sum != check_sum(*id, seed, public_key) {
            return Err(fault(wrong));
        }
        let pair = Ed25519KeyPair::from_seed_and_public_key(seed, public_key).ok_or_else(|| fault(wrong))?;
        Ok(Self { id: KeyId(*id), pair })
    }

    /// The text of a file for it: encrypted when there is a `password`.
    ///
    /// # Errors
    /// [`Error::Read`] when the system gives no randomness or not enough memory.
    pub fn to_file(&self, password: Option<&[u8]>) -> Result<String, Error> {
        let (seed, public_key) = (self.pair.seed(), self.pair.public_key());
        let sum = check_sum(self.id.0, seed, public_key);
        let mut secret = [0; 104];
        let parts = [&self.id.0[..], seed, public_key, &sum].concat();
        secret.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        let mut salt = [0; 32];
        let (kdf, cost, comment) = match password {
            Some(password) => {
                fill_random(&mut salt).ok_or_else(no_randomness)?;
                mask(&mut secret, password, &salt, (OPERATIONS, MEMORY)).ok_or_else(no_randomness)?;
                (b"Sc", (OPERATIONS, MEMORY), "minisign encrypted secret key")
            }
            None => (b"\0\0", (0, 0), "minisign unencrypted secret key"),
        };
        let head = [&b"Ed"[..], kdf, b"B2", &salt, &cost.0.to_le_bytes(), &cost.1.to_le_bytes()].concat();
        Ok(format!("{UNTRUSTED}{comment}\n{}\n", BASE64.encode(&[&head[..], &secret].concat())))
    }

    /// What its signatures are checked with.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::new(self.id, *self.pair.public_key())
    }

    /// Signs `content`, prehashed, and `trusted_comment` with it: one line, which it is made to be.
    ///
    /// # Errors
    /// As [`SecretKey::sign_digest`].
    pub fn sign(&self, content: &[u8], trusted_comment: &str) -> Result<Signature, Error> {
        self.sign_digest(&blake2b_512(content), trusted_comment)
    }

    /// As [`SecretKey::sign`], by the BLAKE2b digest of the content.
    ///
    /// # Errors
    /// [`Error::Read`] when that fails, which it does not.
    pub fn sign_digest(&self, blake2b_512: &[u8; 64], trusted_comment: &str) -> Result<Signature, Error> {
        let comment = trusted_comment.replace(char::is_control, " ");
        Signature::made(self.id, comment, blake2b_512, |message| self.pair.sign(message))
            .ok_or_else(|| Error::Read(std::io::Error::other("the signature could not be made")))
    }
}

/// The parts of a secret key's file.
struct Sealed {
    line: usize,
    encrypted: bool,
    salt: [u8; 32],
    operations: u64,
    memory: u64,
    secret: Secret,
}

impl Sealed {
    fn parse(text: &str) -> Result<Self, FormError> {
        let mut lines = lines(text).filter(|(_, line)| !line.trim().is_empty());
        let (mut line, mut key) = lines.next().unwrap_or((1, ""));
        if key.starts_with(UNTRUSTED) {
            (line, key) = lines.next().unwrap_or((line.saturating_add(1), ""));
        }
        let expected = "a secret key of minisign, 212 characters that begin with RW,";
        let bytes: [u8; 158] = base64(key, line, expected)?;
        Self::split(line, &bytes)
            .ok_or_else(|| FormError::new(line, format!("expected {expected} found a key of another kind")))
    }

    fn split(line: usize, bytes: &[u8; 158]) -> Option<Self> {
        let (algorithm, rest) = bytes.split_first_chunk::<2>()?;
        let (kdf, rest) = rest.split_first_chunk::<2>()?;
        let (sum, rest) = rest.split_first_chunk::<2>()?;
        let (salt, rest) = rest.split_first_chunk::<32>()?;
        let (operations, rest) = rest.split_first_chunk::<8>()?;
        let (memory, secret) = rest.split_first_chunk::<8>()?;
        let encrypted = match kdf {
            b"Sc" => true,
            b"\0\0" => false,
            _ => return None,
        };
        (algorithm == b"Ed" && sum == b"B2").then_some(())?;
        Some(Self {
            line,
            encrypted,
            salt: *salt,
            operations: u64::from_le_bytes(*operations),
            memory: u64::from_le_bytes(*memory),
            secret: secret.try_into().ok()?,
        })
    }
}

/// Encrypts `secret`, or decrypts it. None when the password costs too much.
fn mask(secret: &mut Secret, password: &[u8], salt: &[u8], (operations, memory): (u64, u64)) -> Option<()> {
    let mut stream = [0; 104];
    scrypt(password, salt, operations, memory, &mut stream)?;
    secret.iter_mut().zip(stream).for_each(|(byte, mask)| *byte ^= mask);
    Some(())
}

fn check_sum(id: [u8; 8], seed: &[u8; 32], public_key: &[u8; 32]) -> [u8; 32] {
    blake2b_256(&[&b"Ed"[..], &id, seed, public_key].concat())
}

fn no_randomness() -> Error {
    Error::Read(std::io::Error::other("the system gives no randomness, or not enough memory for a password"))
}

#[cfg(test)]
mod tests {
    use super::*;

    // By `minisign -G -W`, then with the password "apkvouch".
    const PLAIN: &str = "untrusted comment: minisign encrypted secret key\n\
        RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAHY/YkdYlXWsq/XhYjNNZNe/cnyvCg+I/\
        hF7enA2/OgKJFVS/nq5DMA5e2O+Mm7BUtHOr1wIQvkIXAm9hRR35qUlDBcSzJLcRAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
    const PUBLIC: &str = "RWQdj9iR1iVdaw5e2O+Mm7BUtHOr1wIQvkIXAm9hRR35qUlDBcSzJLcR";

    #[test]
    fn reads_a_key_that_minisign_wrote_and_writes_it_back() {
        let key = SecretKey::parse_file(PLAIN, None).unwrap();
        assert_eq!(key.public_key().to_string(), PUBLIC);
        assert_eq!(key.public_key().id().to_string(), "6B5D25D691D88F1D");
        let again = SecretKey::parse_file(&key.to_file(None).unwrap(), None).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        assert!(!SecretKey::is_encrypted(PLAIN).unwrap());
        assert_eq!(format!("{key:?}"), "SecretKey(6B5D25D691D88F1D)", "nothing secret");
    }

    #[test]
    fn a_damaged_key_is_refused() {
        let key = SecretKey::generate().unwrap();
        let text = key.to_file(None).unwrap();
        let line = text.lines().nth(1).unwrap();
        let bytes = BASE64.decode(line.as_bytes()).unwrap();
        // Salt and cost of a key in the clear mean nothing.
        let meaningful = (0..6).chain(54..158);
        for at in meaningful {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            let text = format!("{UNTRUSTED}x\n{}\n", BASE64.encode(&damaged));
            assert!(SecretKey::parse_file(&text, None).is_err(), "byte {at}");
        }
        assert!(SecretKey::parse_file("", None).is_err());
        assert!(SecretKey::parse_file(PUBLIC, None).unwrap_err().message.contains("212 characters"));
    }

    #[test]
    fn a_password_opens_what_it_closed_and_no_other_does() {
        let key = SecretKey::generate().unwrap();
        let text = key.to_file(Some(b"one")).unwrap();
        assert!(SecretKey::is_encrypted(&text).unwrap());
        assert_eq!(SecretKey::parse_file(&text, Some(b"one")).unwrap().public_key(), key.public_key());
        assert!(
            SecretKey::parse_file(&text, Some(b"two")).unwrap_err().message.contains("password is wrong")
        );
        assert!(SecretKey::parse_file(&text, None).unwrap_err().message.contains("--password-file"));
    }
}
