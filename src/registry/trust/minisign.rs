//! Public keys and signatures in the text form of minisign.
//!
//! Source: <https://jedisct1.github.io/minisign/>, sections on formats.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use data_encoding::BASE64;

use crate::crypto::blake2b_512;
use crate::crypto::ed25519::verify_ed25519;
use crate::error::Error;

pub(super) const UNTRUSTED: &str = "untrusted comment: ";
const TRUSTED: &str = "trusted comment: ";

/// The eight bytes by which a signature names its key. Anybody may choose them: they find a key, and prove nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    /// As minisign prints it: 16 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", u64::from_le_bytes(self.0))
    }
}

/// A key that signatures are checked with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey {
    id: KeyId,
    key: [u8; 32],
}

/// How the content of a file goes into a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// As it is: `Ed`, the older form.
    Whole,
    /// As its BLAKE2b digest: `ED`.
    Prehashed,
}

/// A signature over a file, with a comment that is signed, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    algorithm: SignatureAlgorithm,
    key_id: KeyId,
    /// Over the content.
    of_content: [u8; 64],
    trusted_comment: String,
    /// Over that and the trusted comment: the global signature.
    of_comment: [u8; 64],
}

/// Why a text is no key or signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FormError {
    /// The line, from 1.
    pub line: usize,
    /// What was expected, what was found and what to do.
    pub message: String,
}

impl FormError {
    pub(super) fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }

    pub(super) fn in_file(self, path: &Path) -> Error {
        Error::Configuration { path: path.to_owned(), position: Some((self.line, 1)), message: self.message }
    }
}

impl PublicKey {
    pub(super) fn new(id: KeyId, key: [u8; 32]) -> Self {
        Self { id, key }
    }

    /// The id by which signatures name it.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The key itself: what makes two keys distinct.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.key
    }

    /// The key that stands in the file of a public key: an untrusted comment, then the key. Without the comment, too.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse_file(text: &str) -> Result<Self, FormError> {
        let mut lines = lines(text).filter(|(_, line)| !line.trim().is_empty());
        let (mut number, mut line) = lines.next().unwrap_or((1, ""));
        if line.starts_with(UNTRUSTED) {
            (number, line) = lines.next().unwrap_or((number.saturating_add(1), ""));
        }
        if let Some((number, _)) = lines.next() {
            return Err(FormError::new(
                number,
                "expected one public key, found more; give each in a file of its own",
            ));
        }
        line.parse().map_err(|error: FormError| FormError { line: number, ..error })
    }
}

impl FromStr for PublicKey {
    type Err = FormError;

    /// Reads the line of a public key, as minisign prints it: 56 characters that begin with `RW`.
    fn from_str(text: &str) -> Result<Self, FormError> {
        let expected = "a public key of minisign, 56 characters that begin with RW,";
        let bytes: [u8; 42] = base64(text.trim(), 1, expected)?;
        let wrong = || FormError::new(1, format!("expected {expected} found a key of another kind"));
        let (algorithm, rest) = bytes.split_first_chunk::<2>().ok_or_else(wrong)?;
        let (id, key) = rest.split_first_chunk::<8>().ok_or_else(wrong)?;
        if algorithm != b"Ed" {
            return Err(wrong());
        }
        Ok(Self { key: key.try_into().map_err(|_| wrong())?, id: KeyId(*id) })
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(&[&b"Ed"[..], &self.id.0, &self.key].concat()))
    }
}

impl Signature {
    /// The signatures in `text`, each of four lines: untrusted comment, signature, trusted comment, global signature.
    /// At least one.
    ///
    /// # Errors
    /// When a line is not what it must be.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, FormError> {
        let mut lines = lines(text).filter(|(_, line)| !line.trim().is_empty()).peekable();
        let mut signatures = Vec::new();
        while signatures.is_empty() || lines.peek().is_some() {
            signatures.push(Self::parse(&mut lines)?);
        }
        Ok(signatures)
    }

    fn parse<'a>(lines: &mut impl Iterator<Item = (usize, &'a str)>) -> Result<Self, FormError> {
        let mut at = 0_usize;
        let mut next = |prefix: &str| match lines.next() {
            Some((number, line)) => {
                at = number;
                line.strip_prefix(prefix).map(|rest| (number, rest)).ok_or_else(|| {
                    let message = format!(
                        "expected a line that begins with {prefix:?}, found another; is this a signature file of minisign?"
                    );
                    FormError::new(number, message)
                })
            }
            None => Err(FormError::new(
                at.saturating_add(1),
                "expected four lines a signature, found the end of the file; get the whole file",
            )),
        };
        next(UNTRUSTED)?;
        let (number, line) = next("")?;
        let expected = "a signature, 100 characters that begin with RU or RW,";
        let bytes: [u8; 74] = base64(line, number, expected)?;
        let (_, trusted_comment) = next(TRUSTED)?;
        let (last, line) = next("")?;
        let global_signature = base64(line, last, "a signature over the trusted comment, 88 characters,")?;
        Self::of(&bytes, trusted_comment, global_signature)
            .ok_or_else(|| FormError::new(number, format!("expected {expected} found one of another kind")))
    }

    fn of(bytes: &[u8; 74], trusted_comment: &str, global_signature: [u8; 64]) -> Option<Self> {
        let (algorithm, rest) = bytes.split_first_chunk::<2>()?;
        let (key_id, signature) = rest.split_first_chunk::<8>()?;
        Some(Self {
            algorithm: SignatureAlgorithm::ALL.into_iter().find(|known| known.bytes() == algorithm)?,
            key_id: KeyId(*key_id),
            of_content: signature.try_into().ok()?,
            trusted_comment: trusted_comment.to_owned(),
            of_comment: global_signature,
        })
    }

    /// The signature over the content of that digest, and `trusted_comment`, by the key `key_id`, with which `sign` signs.
    pub(super) fn made(
        key_id: KeyId,
        trusted_comment: String,
        blake2b_512: &[u8; 64],
        sign: impl Fn(&[u8]) -> Option<[u8; 64]>,
    ) -> Option<Self> {
        let algorithm = SignatureAlgorithm::Prehashed;
        let signature = sign(blake2b_512)?;
        let global_signature = sign(&[&signature[..], trusted_comment.as_bytes()].concat())?;
        Some(Self { algorithm, key_id, of_content: signature, trusted_comment, of_comment: global_signature })
    }

    /// Which key it says has made it.
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// How the content of the file goes into it.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The comment, which is worth something once [`Signature::verifies`].
    pub fn trusted_comment(&self) -> &str {
        &self.trusted_comment
    }

    /// As [`Signature::verifies`], by the BLAKE2b digest of the content: of large files, which only prehashed signatures are
    /// made for.
    pub fn verifies_digest(&self, key: &PublicKey, blake2b_512: &[u8; 64]) -> bool {
        self.algorithm == SignatureAlgorithm::Prehashed
            && self.key_id == key.id
            && verify_ed25519(&key.key, blake2b_512, &self.of_content)
            && self.comment_verifies(key)
    }

    /// Whether `key` has made it over `content`, and has signed the trusted comment.
    pub fn verifies(&self, key: &PublicKey, content: &[u8]) -> bool {
        self.key_id == key.id
            && self
                .algorithm
                .of_message(content, |message| verify_ed25519(&key.key, message, &self.of_content))
            && self.comment_verifies(key)
    }

    /// The serial of the edition that it was made for, if `key` says so in the trusted comment: as `registry sign` writes it. That
    /// stands whether or not it verifies over what is there.
    pub(super) fn made_for(&self, key: &PublicKey) -> Option<u64> {
        let (before, _) =
            self.trusted_comment.rsplit_once(" sha256:").filter(|_| self.comment_verifies(key))?;
        before.rsplit_once(" serial:")?.1.parse().ok()
    }

    fn comment_verifies(&self, key: &PublicKey) -> bool {
        let over = [&self.of_content[..], self.trusted_comment.as_bytes()].concat();
        verify_ed25519(&key.key, &over, &self.of_comment)
    }
}

impl fmt::Display for Signature {
    /// The four lines of its file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signature = [&self.algorithm.bytes()[..], &self.key_id.0, &self.of_content].concat();
        writeln!(f, "{UNTRUSTED}signature by key {}", self.key_id)?;
        writeln!(f, "{}", BASE64.encode(&signature))?;
        writeln!(f, "{TRUSTED}{}", self.trusted_comment)?;
        writeln!(f, "{}", BASE64.encode(&self.of_comment))
    }
}

impl SignatureAlgorithm {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Whole, Self::Prehashed];

    /// The bytes that name it.
    fn bytes(self) -> &'static [u8; 2] {
        match self {
            Self::Whole => b"Ed",
            Self::Prehashed => b"ED",
        }
    }

    /// What `then` makes of the message that is signed for `content`.
    fn of_message<T>(self, content: &[u8], then: impl FnOnce(&[u8]) -> T) -> T {
        match self {
            Self::Whole => then(content),
            Self::Prehashed => then(&blake2b_512(content)),
        }
    }
}

/// Lines with their numbers, from 1, without what ends them.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> + Clone {
    (1..).zip(text.lines())
}

/// The bytes that `text`, on line `number`, spells in Base64: `N` of them.
pub(super) fn base64<const N: usize>(
    text: &str,
    number: usize,
    expected: &str,
) -> Result<[u8; N], FormError> {
    let bytes = BASE64.decode(text.as_bytes()).ok();
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
        let found = if text.is_empty() { "nothing" } else { "something else" };
        FormError::new(number, format!("expected {expected} found {found}"))
    })
}
