//! Who may sign what: the registry of authenticated signers.
//!
//! A registry is read whole and checked whole: what is loaded holds no reference that leads nowhere, and no key,
//! subject or package twice. Look-ups go by certificate digest and by package name. It knows no APKs; judging one is
//! the business of [`crate::policy`].
//!
//! # The text form
//! ```toml
//! schema = 1
//! id = "store.example"
//! serial = 7                            # optional: never decreases
//! issued_at = 2026-01-01                # optional: a day of UTC, or an instant: 2026-01-01T08:00:00Z
//! expires_at = 2026-12-31               # optional: a day is included whole
//!
//! [[subject]]
//! id = "example"
//! name = "Example Ltd"
//! name_zh = "示例公司"                   # optional
//! roles = ["developer"]                 # developer, distributor, test-lab
//! credit_code = "91110000000000000X"    # optional
//! contact = "security@example.com"      # optional
//!
//! [[key]]
//! certificate_sha256 = "a1:b2:…"        # SHA-256 of the certificate, in any usual spelling
//! subject = "example"
//! spki_sha256 = "…"                     # optional: SHA-256 of the SubjectPublicKeyInfo
//! valid_from = 2026-01-01               # optional
//! valid_until = 2027-12-31              # optional: a day is included whole
//! status = "active"                     # active (when left out), rotated, suspended, revoked
//! status_date = 2026-01-01              # optional, for people: a status holds as soon as it is written
//! reason = "…"                          # optional
//! replaced_by = "…"                     # certificate of the successor: needed for a rotated key
//! revoked_for = "compromise"            # of a revoked key: compromise (when left out: revoked on every day),
//!                                       # or cessation (from status_date on)
//!
//! [[key.history]]                       # optional: what its status was before, the oldest first
//! status = "active"                     # active, rotated, suspended
//! since = 2024-01-01
//! reason = "…"                          # optional
//!
//! [[key.evidence]]                      # optional: from where it is known to be the subject's
//! source = "ca"                         # assetlinks, dns, store, ca, filing, manual
//! url = "https://…"                     # optional
//! date = 2026-01-01                     # optional
//!
//! [[app]]
//! package = "com.example.app"
//! labels = ["Example", "示例"]           # optional
//! owner = "example"
//! filing_number = "…"                   # optional: 备案号
//!
//! [[app.signers]]                       # one allowed signer set; as many as there are
//! certificates = ["a1:b2:…"]            # all of them together, no more and no less
//! role = "developer"                    # when left out; `distributor` for a store that signs for its developers
//! channel = "play"                      # optional, for people
//!
//! [[app.signers.evidence]]              # optional: from where it is known that they sign the app
//! source = "assetlinks"
//!
//! [[denied]]
//! certificate_sha256 = "…"
//! why = "leaked in 2025"
//! source = "https://…"
//! ```
//! A list of denied keys that anybody has (AOSP's test keys and the like) is built in and always applies.
//!
//! # Larger registries
//! A store that does not fit in memory answers the same questions by handing out the part of it that one file needs
//! (its package, its certificates, what these refer to) as a [`Registry`]; so judging stays free of I/O.

mod change;
mod difference;
mod digest_prefix;
mod evidence;
mod export;
mod history;
pub mod import;
mod moment;
mod read;
mod sqlite;
mod store;
mod text;
pub mod trust;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use serde::Serializer;

use crate::error::Error;
use crate::fields::as_text;
use crate::fields::read_text;
use crate::identity::CertificateDigest;

pub use change::Change;
pub use change::NewStatus;
pub use difference::Difference;
pub use difference::DifferenceKind;
pub use difference::FieldDifference;
pub use difference::differences;
pub use difference::differences_between;
pub use digest_prefix::DigestPrefix;
pub use evidence::Evidence;
pub use evidence::EvidenceSource;
pub use export::ExportFormat;
pub use export::csv_cell;
pub use export::export;
pub use export::export_in_pieces;
pub use history::PastStatus;
pub use history::RevokedFor;
pub use moment::Moment;
pub use sqlite::Counts;
pub use sqlite::Needs;
pub use sqlite::SqliteRegistry;
pub use sqlite::SqliteWriter;
pub use store::Store;
pub use store::is_sqlite;
pub use store::rehearse;
pub use store::update;
pub use text::create;
use trust::KeyId;

/// The number of the text form, in `schema`.
pub const SCHEMA: u64 = 1;

/// The subjects, keys and apps that are authenticated, and the keys that are denied.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    header: Header,
    path: Option<PathBuf>,
    subjects: BTreeMap<String, Subject>,
    keys: BTreeMap<CertificateDigest, Key>,
    public_keys: HashMap<PublicKeyDigest, Vec<CertificateDigest>>,
    apps: BTreeMap<String, App>,
    denied: BTreeMap<CertificateDigest, DeniedKey>,
    signed_by: Vec<KeyId>,
}

/// Size of the largest text that is read as a registry, in bytes: half a million apps.
const MAX_TEXT: u64 = 256 << 20;

/// What a registry says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// Its name; empty for a registry that was not read from anywhere.
    pub id: String,
    /// Its edition: never decreases.
    pub serial: Option<u64>,
    /// When it was issued.
    pub issued_at: Option<Moment>,
    /// Until when it may be used.
    pub expires_at: Option<Moment>,
}

impl Header {
    /// Makes sure that the registry at `path` may be used at `now`.
    fn ensure_current(&self, path: &Path, now: Timestamp) -> Result<(), Error> {
        self.ensure_not_expired(path, now)?;
        match self.issued_at {
            Some(start) if !start.has_begun(now) => Err(unusable(
                path,
                format!(
                    "the registry is not issued yet: issued_at is {start}, judged as of {now}; \
                     set the clock, or give a later time"
                ),
            )),
            _ => Ok(()),
        }
    }

    /// Makes sure that it may be asked about `then`, a time that may lie before it was issued: see [`Registry::as_of`].
    fn ensure_not_expired(&self, path: &Path, then: Timestamp) -> Result<(), Error> {
        match self.expires_at {
            Some(end) if end.is_over(then) => Err(unusable(
                path,
                format!(
                    "the registry expired: expires_at is {end}, judged as of {then}; get a newer edition, or, \
                     if you keep it, make one with `apkvouch registry renew`"
                ),
            )),
            _ => Ok(()),
        }
    }
}

fn unusable(path: &Path, message: String) -> Error {
    Error::Configuration { path: path.to_owned(), position: None, message }
}

/// What a subject does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Role {
    /// Makes apps.
    Developer,
    /// Hands apps out.
    Distributor,
    /// Tests apps.
    TestLab,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Developer, Self::Distributor, Self::TestLab];

    /// `developer`, `distributor` or `test-lab`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Developer => "developer",
            Self::Distributor => "distributor",
            Self::TestLab => "test-lab",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A person or an organisation whose identity has been authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Subject {
    /// Its id in the registry.
    pub id: String,
    /// Name.
    pub name: String,
    /// Name in Chinese.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_zh: Option<String>,
    /// What it is registered as; never empty.
    pub roles: BTreeSet<Role>,
    /// Unified social credit code (统一社会信用代码) or another number of record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit_code: Option<String>,
    /// Where to reach it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// SHA-256 of a `SubjectPublicKeyInfo`. It finds a key under another certificate; it never authenticates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKeyDigest(pub [u8; 32]);

impl fmt::Display for PublicKeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        CertificateDigest(self.0).fmt(f)
    }
}

impl<'de> Deserialize<'de> for PublicKeyDigest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        CertificateDigest::deserialize(deserializer).map(|digest| Self(digest.0))
    }
}

impl Serialize for PublicKeyDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What may be done with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeyStatus {
    /// In use.
    Active,
    /// Replaced by another: still right where an Android version cannot see the other.
    Rotated,
    /// Not to be believed for now.
    Suspended,
    /// Not to be believed any more.
    Revoked,
}

impl KeyStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Active, Self::Rotated, Self::Suspended, Self::Revoked];

    /// `active`, `rotated`, `suspended` or `revoked`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Rotated => "rotated",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for KeyStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A signing key, by the certificate that stands for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Key {
    /// SHA-256 of the certificate.
    #[serde(rename = "certificate_sha256")]
    pub certificate: CertificateDigest,
    /// Id of the subject whose key it is.
    pub subject: String,
    /// SHA-256 of the public key.
    #[serde(rename = "spki_sha256", skip_serializing_if = "Option::is_none")]
    pub public_key: Option<PublicKeyDigest>,
    /// From when on it is authenticated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Moment>,
    /// Until when it is authenticated; a day is included whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Moment>,
    /// What may be done with it, now.
    pub status: KeyStatus,
    /// Since when it has that status. For people: a status holds as soon as it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_date: Option<Moment>,
    /// Why it has that status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Certificate of the key that replaces it; a rotated key always has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<CertificateDigest>,
    /// What a revocation means for the days before it; for a compromise, when it is revoked and says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_for: Option<RevokedFor>,
    /// What its status was before, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<PastStatus>,
    /// From where it is known to be the subject's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// An app and who may sign it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct App {
    /// Package name.
    pub package: String,
    /// Names under which users know it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Id of the subject whose app it is.
    pub owner: String,
    /// Number under which it is filed with an authority (备案号).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filing_number: Option<String>,
    /// The allowed signer sets; never empty.
    pub signers: Vec<SignerSet>,
}

/// An exact set of certificates that together may sign an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SignerSet {
    /// All of them, no more and no less; never empty.
    pub certificates: BTreeSet<CertificateDigest>,
    /// As what they sign: the subject of each must hold this role.
    pub role: Role,
    /// Where such files are handed out. For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// From where it is known that they sign the app.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// A key that must never be believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DeniedKey {
    /// SHA-256 of the certificate.
    #[serde(rename = "certificate_sha256")]
    pub certificate: CertificateDigest,
    /// Why.
    pub why: String,
    /// Where that is known from.
    pub source: String,
}

impl Subject {
    /// A subject of that id and name, in those roles.
    pub fn new(id: impl Into<String>, name: impl Into<String>, roles: BTreeSet<Role>) -> Self {
        Self { id: id.into(), name: name.into(), name_zh: None, roles, credit_code: None, contact: None }
    }
}

impl Key {
    /// An active key of the subject of that id.
    pub fn new(certificate: CertificateDigest, subject: impl Into<String>) -> Self {
        Self {
            certificate,
            subject: subject.into(),
            public_key: None,
            valid_from: None,
            valid_until: None,
            status: KeyStatus::Active,
            status_date: None,
            reason: None,
            replaced_by: None,
            revoked_for: None,
            history: Vec::new(),
            evidence: Vec::new(),
        }
    }
}

impl App {
    /// An app of the subject of that id, signed by `signers`.
    pub fn new(package: impl Into<String>, owner: impl Into<String>, signers: Vec<SignerSet>) -> Self {
        Self {
            package: package.into(),
            labels: Vec::new(),
            owner: owner.into(),
            filing_number: None,
            signers,
        }
    }
}

impl SignerSet {
    /// Exactly those certificates, in that role.
    pub fn new(certificates: BTreeSet<CertificateDigest>, role: Role) -> Self {
        Self { certificates, role, channel: None, evidence: Vec::new() }
    }
}

impl DeniedKey {
    /// The key of that certificate.
    pub fn new(certificate: CertificateDigest, why: impl Into<String>, source: impl Into<String>) -> Self {
        Self { certificate, why: why.into(), source: source.into() }
    }
}

impl Registry {
    /// A registry that knows nobody; the built-in denied keys apply.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Reads the registry in the file at `path`, TOML or SQLite, into memory.
    ///
    /// # Errors
    /// [`Error::Configuration`] when it cannot be read, and as [`Registry::parse`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        if is_sqlite(path)? {
            return SqliteRegistry::open(path)?.whole();
        }
        let text = read_text(path, "the registry", "a registry", MAX_TEXT)?;
        Self::parse(&text, path)
    }

    /// Reads the registry in the `bytes` of a file; `path` is for messages.
    ///
    /// # Errors
    /// As [`Registry::parse`], and when they are not UTF-8.
    pub fn from_bytes(bytes: Vec<u8>, path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::parse(&as_text(bytes, path, "a registry")?, path)
    }

    /// Reads the registry in `text`; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Configuration`] with line and column at what cannot be right, or [`Error::Several`] of them.
    pub fn parse(text: &str, path: impl AsRef<Path>) -> Result<Self, Error> {
        read::registry(text, path.as_ref())
    }

    /// Whether it says what `other` says, wherever each was read from and whoever has signed it.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        self.header == other.header
            && self.subjects == other.subjects
            && self.keys == other.keys
            && self.apps == other.apps
            && self.denied == other.denied
    }

    /// The trusted keys that have signed it, by id; none unless [`trust::load`] was asked to see to it.
    pub fn signed_by(&self) -> &[KeyId] {
        &self.signed_by
    }

    /// What the registry says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Makes sure that the registry may be used at `now`.
    ///
    /// # Errors
    /// [`Error::Configuration`] when it has expired, or is issued later than `now`.
    pub fn ensure_current(&self, now: Timestamp) -> Result<(), Error> {
        self.header.ensure_current(self.path.as_deref().unwrap_or(Path::new("")), now)
    }

    /// The subject with this id.
    pub fn subject(&self, id: &str) -> Option<&Subject> {
        self.subjects.get(id)
    }

    /// The key with this certificate.
    pub fn key(&self, certificate: &CertificateDigest) -> Option<&Key> {
        self.keys.get(certificate)
    }

    /// The keys with this public key, whatever their certificates.
    pub fn keys_of(&self, public_key: &PublicKeyDigest) -> impl Iterator<Item = &Key> {
        self.public_keys.get(public_key).into_iter().flatten().filter_map(|digest| self.keys.get(digest))
    }

    /// The app with this package name.
    pub fn app(&self, package: &str) -> Option<&App> {
        self.apps.get(package)
    }

    /// Why the key with this certificate is denied, if it is: by this registry or by the built-in list.
    pub fn denied(&self, certificate: &CertificateDigest) -> Option<&DeniedKey> {
        self.denied_by_itself(certificate).or_else(|| BUILT_IN.get(certificate))
    }

    /// Why the key with this certificate is denied by this registry, whatever the built-in list says.
    pub fn denied_by_itself(&self, certificate: &CertificateDigest) -> Option<&DeniedKey> {
        self.denied.get(certificate)
    }

    /// All subjects, by id.
    pub fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.subjects.values()
    }

    /// All keys, by certificate digest.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.values()
    }

    /// All apps, by package name.
    pub fn apps(&self) -> impl Iterator<Item = &App> {
        self.apps.values()
    }

    /// The keys that this registry denies, by certificate digest; see [`built_in_denied`] for the others.
    pub fn denied_keys(&self) -> impl Iterator<Item = &DeniedKey> {
        self.denied.values()
    }
}

/// The keys that are denied whatever the registry, by certificate digest: anybody has them.
pub fn built_in_denied() -> impl Iterator<Item = &'static DeniedKey> {
    BUILT_IN.values()
}

#[expect(clippy::expect_used, reason = "the list is part of the program, and a test reads it")]
static BUILT_IN: LazyLock<BTreeMap<CertificateDigest, DeniedKey>> = LazyLock::new(|| {
    read::denied_list(include_str!("denied.toml"), Path::new("denied.toml"))
        .expect("the built-in list is sound")
});

/// Written out, a registry has the shape of the text form, and reads back as the same.
impl Serialize for Registry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct TextForm<'a> {
            schema: u64,
            id: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            serial: Option<u64>,
            #[serde(skip_serializing_if = "Option::is_none")]
            issued_at: Option<Moment>,
            #[serde(skip_serializing_if = "Option::is_none")]
            expires_at: Option<Moment>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            subject: Vec<&'a Subject>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            key: Vec<&'a Key>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            app: Vec<&'a App>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            denied: Vec<&'a DeniedKey>,
        }
        TextForm {
            schema: SCHEMA,
            id: &self.header.id,
            serial: self.header.serial,
            issued_at: self.header.issued_at,
            expires_at: self.header.expires_at,
            subject: self.subjects().collect(),
            key: self.keys().collect(),
            app: self.apps().collect(),
            denied: self.denied_keys().collect(),
        }
        .serialize(serializer)
    }
}
