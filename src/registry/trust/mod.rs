//! Whether a registry may be believed: who signed it, whether it is still in force, and whether a newer one was seen.
//!
//! A registry is signed as minisign signs files: detached Ed25519 signatures, in `FILE.minisig` beside it unless said
//! otherwise, one behind the other when several have signed. So many distinct trusted keys must have signed the very bytes
//! that are read. The serial and the expiry in the registry are covered by that; the highest serial that was ever accepted is
//! kept in a small file, so that an older edition, which is signed as well, is refused.
//!
//! ```
//! use apkvouch::registry::trust::{self, TrustOptions};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut options = TrustOptions::new("2026-06-01T00:00:00Z".parse()?);
//! options.keys = vec!["RWQdj9iR1iVdaw5e2O+Mm7BUtHOr1wIQvkIXAm9hRR35qUlDBcSzJLcR".parse()?];
//! let error = trust::load("testdata/demo/registry.toml", &options).unwrap_err();
//! assert_eq!(error.exit_code(), 2);
//! # Ok(())
//! # }
//! ```

mod minisign;
mod secret_key;
mod state;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;

use jiff::Timestamp;

use super::Header;
use super::MAX_TEXT;
use super::Registry;
use super::SqliteRegistry;
use super::Store;
use super::is_sqlite;
use crate::crypto::blake2b_512_and_sha256;
use crate::crypto::sha256;
use crate::error::Error;
use crate::error::describe_io;
use crate::fields::read_bytes;
use crate::fields::read_text;
use crate::source::FileIdentity;
use crate::source::PrivateCopy;
use crate::source::Undisturbed;

pub use minisign::FormError;
pub use minisign::KeyId;
pub use minisign::PublicKey;
pub use minisign::Signature;
pub use minisign::SignatureAlgorithm;
pub use secret_key::SecretKey;

/// Size of the largest file of a key or of signatures, in bytes. One signature has about 350.
const MAX_SIGNATURES: u64 = 1 << 20;

/// What a registry must show before it is believed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TrustOptions {
    /// The keys that may sign it. Without any it is believed as it stands.
    pub keys: Vec<PublicKey>,
    /// So many of them must have signed. Only of a single key does it go without saying.
    pub threshold: Option<usize>,
    /// The files with the signatures; `FILE.minisig` beside the registry when there is none here.
    pub signatures: Vec<PathBuf>,
    /// The file that remembers the highest serial of each registry; without it, no older edition is noticed.
    pub state: Option<PathBuf>,
    /// The time at which the registry must be in force.
    pub now: Timestamp,
    /// Whether a registry will do, too, that has expired, is not issued yet or does not say when: to make another edition of it.
    pub out_of_force: bool,
    /// Whether `now` is a day of the past that the registry is asked about: it may have been issued later.
    pub past: bool,
}

impl TrustOptions {
    /// A registry that is in force at `now`, by whomever.
    pub fn new(now: Timestamp) -> Self {
        Self {
            keys: Vec::new(),
            threshold: None,
            signatures: Vec::new(),
            state: None,
            now,
            out_of_force: false,
            past: false,
        }
    }

    /// How many distinct keys must have signed; 0 when nobody must.
    ///
    /// # Errors
    /// [`Error::Usage`] when that is not said, or cannot be.
    pub fn needed(&self) -> Result<usize, Error> {
        let distinct: BTreeSet<&[u8; 32]> = self.keys.iter().map(PublicKey::bytes).collect();
        let usage = |message: String| Err(Error::Usage(message));
        if distinct.len() != self.keys.len() {
            return usage("the same registry key is given twice; give each once".to_owned());
        }
        match (self.keys.len(), self.threshold) {
            (0, None) if self.signatures.is_empty() => Ok(0),
            (0, _) => usage(
                "a threshold or a signature file needs the keys that may have signed; give --registry-key"
                    .to_owned(),
            ),
            (1, None) => Ok(1),
            (keys, None) => usage(format!(
                "{keys} registry keys are given, and not how many of them must have signed; \
                 give --registry-threshold, from 1 to {keys}"
            )),
            (keys, Some(threshold)) if (1..=keys).contains(&threshold) => Ok(threshold),
            (keys, Some(threshold)) => usage(format!(
                "expected a registry threshold from 1 to {keys}, the number of keys given, found {threshold}"
            )),
        }
    }
}

/// Loads the registry in the file at `path`, if it shows what `options` ask for.
///
/// # Errors
/// [`Error::Configuration`] when it cannot be read, is not signed by enough of the keys, has expired, is not issued yet,
/// or is older than one that was seen; as [`Registry::parse`]; [`Error::Usage`] for options that contradict each other;
/// [`Error::File`] when the state cannot be written. Each says what to do.
pub fn load(path: impl AsRef<Path>, options: &TrustOptions) -> Result<Registry, Error> {
    let path = path.as_ref();
    let needed = options.needed()?;
    if is_sqlite(path)? {
        let (opened, signers, _) = open_sqlite(path, options)?;
        let mut registry = opened.whole()?;
        registry.signed_by = signers;
        return Ok(registry);
    }
    Ok(load_text(path, options, needed)?.0)
}

/// The registry in a text file, with the SHA-256 of it.
fn load_text(path: &Path, options: &TrustOptions, needed: usize) -> Result<(Registry, [u8; 32]), Error> {
    let bytes = read_bytes(path, "the registry", "a registry", MAX_TEXT)?;
    let verifies = |signature: &Signature, key: &PublicKey| signature.verifies(key, &bytes);
    let signers = if needed > 0 {
        signers(path, verifies, needed, options)
            .map_err(|refused| refused.told(path, || serial(&bytes, path)))?
    } else {
        BTreeSet::new()
    };
    let sha256 = sha256(&bytes);
    // Not a byte of it was looked at before, unless to say why it is refused.
    let mut registry = Registry::from_bytes(bytes, path)?;
    ensure_in_force(path, registry.header(), needed, options)?;
    registry.signed_by = signers.into_iter().map(PublicKey::id).collect();
    if let Some(state) = &options.state {
        state::remember(state, path, registry.header(), sha256)?;
    }
    Ok((registry, sha256))
}

/// As [`load`], without loading a registry in SQLite: when there are keys or a state, its file is read once, to check its signatures
/// and to copy it to where nobody else can write, and the copy is asked; otherwise it is not read.
///
/// # Errors
/// As [`load`].
pub fn open(path: impl AsRef<Path>, options: &TrustOptions) -> Result<Store, Error> {
    let path = path.as_ref();
    if !is_sqlite(path)? {
        let (registry, sha256) = load_text(path, options, options.needed()?)?;
        return Ok(Store::from(registry).standing_for(Some(sha256)));
    }
    let (registry, signed_by, sha256) = open_sqlite(path, options)?;
    let stands_for = sha256.or_else(|| registry.identity().and_then(|file| settled(&file, options.now)));
    Ok(Store::sqlite(registry, signed_by).standing_for(stands_for))
}

/// A digest of the state of a file, which cannot change any more without its state telling; none of one that is as new as `now`.
fn settled(file: &FileIdentity, now: Timestamp) -> Option<[u8; 32]> {
    let old = file.changed.0 < now.as_second().saturating_sub(FileIdentity::TICK);
    old.then(|| sha256(format!("{file:?}").as_bytes()))
}

/// The registry in a SQLite file, who has signed it, and its SHA-256, where it was read as a whole.
fn open_sqlite(path: &Path, options: &TrustOptions) -> Result<Opened, Error> {
    let needed = options.needed()?;
    let mut signed_by = Vec::new();
    let mut digest = None;
    let registry = if needed > 0 || options.state.is_some() {
        let held = Undisturbed::hold_alone(path)?;
        let mut copy = PrivateCopy::begin().map_err(|error| cannot_copy(path, &error))?;
        let digests = blake2b_512_and_sha256(copy.copying(held.file()));
        let (blake2b, sha256) = digests.map_err(|error| cannot_copy(path, &error))?;
        held.ensure_unchanged()?;
        if needed > 0 {
            let verifies = |signature: &Signature, key: &PublicKey| signature.verifies_digest(key, &blake2b);
            // SQLite opens nothing that is not signed, be it for a better message.
            let signers =
                signers(path, verifies, needed, options).map_err(|refused| refused.told(path, || None))?;
            signed_by.extend(signers.into_iter().map(PublicKey::id));
        }
        digest = Some(sha256);
        // Not a byte of it meant anything before.
        SqliteRegistry::open_copy(copy, path)?
    } else {
        SqliteRegistry::open(path)?
    };
    ensure_in_force(path, registry.header(), needed, options)?;
    if let (Some(state), Some(sha256)) = (&options.state, digest) {
        state::remember(state, path, registry.header(), sha256)?;
    }
    Ok((registry, signed_by, digest))
}

type Opened = (SqliteRegistry, Vec<KeyId>, Option<[u8; 32]>);

fn cannot_copy(path: &Path, error: &std::io::Error) -> Error {
    let message = format!(
        "cannot copy the registry to the folder for temporary files: {}; TMPDIR names another folder",
        describe_io(error)
    );
    Error::Configuration { path: path.to_owned(), position: None, message }
}

/// Makes sure that a registry may be used at the time that is asked about.
fn ensure_in_force(path: &Path, header: &Header, needed: usize, options: &TrustOptions) -> Result<(), Error> {
    if options.out_of_force {
        // What it lacks to be used, another edition will have.
        return Ok(());
    }
    if needed > 0 {
        ensure_complete(path, header)?;
    }
    if options.past {
        header.ensure_not_expired(path, options.now)
    } else {
        header.ensure_current(path, options.now)
    }
}

/// The signatures that stand in the file at `path`: at least one.
///
/// # Errors
/// [`Error::Configuration`] when it cannot be read, or is no such file.
pub fn read_signatures(path: &Path) -> Result<Vec<Signature>, Error> {
    let text = read_text(path, "the signatures", "a signature file", MAX_SIGNATURES)?;
    Signature::parse_all(&text).map_err(|error| error.in_file(path))
}

/// The public key that stands in the file at `path`.
///
/// # Errors
/// [`Error::Configuration`] when it cannot be read, or is no such file.
pub fn read_public_key(path: &Path) -> Result<PublicKey, Error> {
    let text = read_text(path, "the registry key", "a public key", MAX_SIGNATURES)?;
    PublicKey::parse_file(&text).map_err(|error| match SecretKey::is_encrypted(&text) {
        Ok(_) => {
            let message = format!(
                "expected a public key, found a secret one, which signs and is for its keeper alone; give the public key that was \
                 made with it, such as {}",
                path.with_extension("pub").display()
            );
            Error::Configuration { path: path.to_owned(), position: None, message }
        }
        Err(_) => error.in_file(path),
    })
}

/// Where the signatures of the file at `path` stand when nothing else is said: `FILE.minisig`.
pub fn signature_path(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".minisig");
    PathBuf::from(name)
}

/// Why the signatures of a registry are not enough.
enum Refused {
    Error(Error),
    /// The signature by this trusted key does not verify. When the key says so, it is for the edition of that serial.
    Unfit {
        key: KeyId,
        file: PathBuf,
        made_for: Option<u64>,
    },
}

impl Refused {
    /// The error. `serial` gives the serial that the registry at `path` says that it has, if that can be told.
    fn told(self, path: &Path, serial: impl FnOnce() -> Option<u64>) -> Error {
        let (key, file, made_for) = match self {
            Self::Error(error) => return error,
            Self::Unfit { key, file, made_for } => (key, file, made_for),
        };
        let signature = format!("the signature by key {key} in {} does not fit: ", file.display());
        let serial = made_for.and_then(|_| serial());
        let why = match (made_for, serial) {
            (Some(made_for), Some(serial)) if made_for != serial => format!(
                "it was made for serial {made_for}, and the registry is at serial {serial}; have this edition signed with \
                 `apkvouch registry sign`, or get registry and signature of one edition"
            ),
            (Some(made_for), None) => format!(
                "it was made for serial {made_for}; when the registry has been changed since, have it signed again with \
                 `apkvouch registry sign`; if not, it was altered: get both again from where they came from"
            ),
            _ => "the registry, or the signature with its trusted comment, \
                 was altered, or they are of different editions; get both again from where they came from"
                .to_owned(),
        };
        Error::Configuration { path: path.to_owned(), position: None, message: signature + &why }
    }
}

/// The serial that the text of a registry says that it has. Nothing else of it counts: it may be anybody's.
fn serial(bytes: &[u8], path: &Path) -> Option<u64> {
    Registry::from_bytes(bytes.to_vec(), path).ok()?.header.serial
}

/// The trusted keys that have signed the file at `path`, as `verifies` tells: at least `needed`.
fn signers<'a>(
    path: &Path,
    verifies: impl Fn(&Signature, &PublicKey) -> bool,
    needed: usize,
    options: &'a TrustOptions,
) -> Result<BTreeSet<&'a PublicKey>, Refused> {
    let refused = |message: String| {
        Refused::Error(Error::Configuration { path: path.to_owned(), position: None, message })
    };
    let beside = [signature_path(path)];
    let files = if options.signatures.is_empty() { &beside[..] } else { &options.signatures };
    let mut signers: BTreeSet<&PublicKey> = BTreeSet::new();
    let mut strangers: BTreeSet<KeyId> = BTreeSet::new();
    for file in files {
        if !file.try_exists().unwrap_or(true) {
            let message = format!(
                "the registry is not signed: expected its signatures in {}, found no such file; get that file from where \
                 the registry came from, or sign it with `apkvouch registry sign`",
                file.display()
            );
            return Err(refused(message));
        }
        for signature in read_signatures(file).map_err(Refused::Error)? {
            let mut named = options.keys.iter().filter(|key| key.id() == signature.key_id()).peekable();
            if named.peek().is_none() {
                strangers.insert(signature.key_id());
                continue;
            }
            // Two keys may share an id: it is eight random bytes that anybody may choose.
            let Some(key) = named.find(|key| verifies(&signature, key)) else {
                let mut of_key = options.keys.iter().filter(|key| key.id() == signature.key_id());
                let made_for = of_key.find_map(|key| signature.made_for(key));
                return Err(Refused::Unfit { key: signature.key_id(), file: file.clone(), made_for });
            };
            signers.insert(key);
        }
    }
    if signers.len() >= needed {
        return Ok(signers);
    }
    let list = |ids: Vec<String>| if ids.is_empty() { "nobody".to_owned() } else { ids.join(", ") };
    let missing = options.keys.iter().filter(|key| !signers.contains(key));
    let mut found = list(signers.iter().map(|key| key.id().to_string()).collect());
    if !strangers.is_empty() {
        let strangers: Vec<String> = strangers.iter().map(KeyId::to_string).collect();
        found = format!("{found}, and keys that are not trusted: {}", strangers.join(", "));
    }
    Err(refused(format!(
        "expected signatures by {needed} of {} trusted keys, found {} (by {found}); \
         have it signed by {}",
        options.keys.len(),
        signers.len(),
        missing.map(|key| key.id().to_string()).collect::<Vec<_>>().join(" or "),
    )))
}

/// Makes sure that the `header` of the registry at `path` says what it takes to refuse an old edition: what is signed must.
///
/// # Errors
/// [`Error::Configuration`] when its serial, or the time of its issue or expiry, is missing.
pub fn ensure_complete(path: &Path, header: &Header) -> Result<(), Error> {
    let missing = [
        ("serial", header.serial.is_none()),
        ("issued_at", header.issued_at.is_none()),
        ("expires_at", header.expires_at.is_none()),
    ];
    let Some((name, _)) = missing.into_iter().find(|(_, missing)| *missing) else {
        return Ok(());
    };
    let message = format!(
        "expected {name:?} in a signed registry, found none; have its keeper set it with `apkvouch registry renew`, and sign it \
         after that"
    );
    Err(Error::Configuration { path: path.to_owned(), position: None, message })
}
