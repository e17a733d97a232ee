//! The policy file: what a gate or a scan accepts, in TOML, as people write it.
//!
//! Every key may be left out, and unknown ones are errors; [`TEMPLATE`] has all of them with their defaults, and
//! `docs/policy.md` explains each. How the rules are applied is the business of [`super::rules`].

mod explained;
mod read;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use serde::Serialize;

use super::Policy;
use super::Verdict;
use super::rules::Rule;
use crate::error::Error;
use crate::fields::read_text;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::finding::SchemeId;
use crate::finding::Severity;
use crate::identity::CertificateDigest;
use crate::identity::FileDigest;
use crate::registry::Moment;

pub use read::KEYS;

/// The number of the form, in `schema`.
pub const SCHEMA: u64 = 1;

/// A commented policy file that says what holds without one: every key with its default.
pub const TEMPLATE: &str = include_str!("template.toml");

/// Size of the largest text that is read as a policy, in bytes.
const MAX_TEXT: u64 = 1 << 20;

/// Gives enums of the file their names, in the file and in results.
macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
            #[non_exhaustive]
            pub enum $name {
                $($(#[$variant_doc])* $variant,)*
            }

            impl $name {
                /// All of them.
                pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

                /// The name in the policy file.
                pub fn as_str(self) -> &'static str {
                    match self { $(Self::$variant => $text,)* }
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(self.as_str())
                }
            }

            impl Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(self.as_str())
                }
            }

            impl crate::fields::AsName for $name {
                fn as_name(&self) -> &'static str {
                    self.as_str()
                }
            }
        )*
    };
}

choices! {
    /// What becomes of a file that breaks a rule.
    Level {
        /// It fails.
        Enforce = "enforce",
        /// It passes, and what is broken is a warning. That nothing is enforced is said aloud.
        Warn = "warn",
        /// It passes, and what is broken is a note. That nothing is enforced is said aloud.
        Audit = "audit",
    }

    /// Whether something may be.
    Permission {
        /// It may.
        Allow = "allow",
        /// A file of which it is true breaks the rule.
        Refuse = "refuse",
    }

    /// The weakest digest algorithm on which a signature may rest.
    DigestFloor {
        /// Any that some Android version takes.
        Md5 = "md5",
        /// SHA-1 and better.
        Sha1 = "sha1",
        /// SHA-256 and better.
        Sha256 = "sha256",
    }

    /// How much must be known of a developer or a distributor.
    Requirement {
        /// Nothing.
        None = "none",
        /// That a signature of theirs verifies.
        Verified = "verified",
        /// That the registry knows whose it is.
        Registered = "registered",
    }

    /// What may prove who the developer is.
    DeveloperProof {
        /// The verified signer of the app.
        Signer = "signer",
        /// Code transparency: a signature of the developer over the code files, which remains when a store signs the app.
        CodeTransparency = "code-transparency",
    }

    /// What may prove who handed a file out.
    DistributorProof {
        /// A verified source stamp.
        SourceStamp = "source-stamp",
        /// The verified signer of the app, where the registry has it as a distributor who signs for developers.
        Signer = "signer",
        /// Verified Play frosting: Google Play.
        PlayFrosting = "play-frosting",
        /// The verified signature of the container that the file came in.
        Container = "container",
    }

    /// Which pairs of the signing block may stand there beside signatures, stamps and padding.
    BlockChoice {
        /// All.
        All = "all",
        /// Those whose use is published, and those that are listed.
        Known = "known",
        /// Those that are listed.
        Listed = "listed",
    }
}

/// What is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyFile {
    /// Its name, for reports.
    pub name: Option<String>,
    /// What becomes of a file that breaks a rule.
    pub level: Level,
    /// The accepted verdicts: never one of a file that does not verify, or that is somebody's counterfeit.
    pub verdicts: BTreeSet<Verdict>,
    /// What the verdict depends on, beside the registry.
    pub deciding: Policy,
    /// Android versions that know this scheme must go by it or a newer one.
    pub min_scheme: SchemeId,
    /// The weakest digest algorithm.
    pub min_digest: DigestFloor,
    /// The shortest RSA key, in bits.
    pub min_rsa_bits: u64,
    /// The smallest order of an elliptic curve, in bits.
    pub min_ec_bits: u64,
    /// The shortest DSA key, in bits.
    pub min_dsa_bits: u64,
    /// Keys that anybody has.
    pub test_key: Permission,
    /// Certificates of debug builds.
    pub debug_certificate: Permission,
    /// Debuggable apps.
    pub debuggable: Permission,
    /// The lowest API level for which an app may be meant, at least.
    pub min_sdk_at_least: Option<u64>,
    /// The lowest API level for which an app may be meant, at most.
    pub min_sdk_at_most: Option<u64>,
    /// The lowest target API level.
    pub target_sdk_at_least: Option<u64>,
    /// Size of the largest file, in bytes.
    pub max_file_bytes: Option<u64>,
    /// Which pairs the signing block may have.
    pub blocks: BlockChoice,
    /// Ids of the pairs that are listed.
    pub block_ids: BTreeSet<u32>,
    /// Size of the largest pair whose use is not published, in bytes.
    pub max_unknown_block_bytes: Option<u64>,
    /// What must be known of the developer.
    pub developer: Party<DeveloperProof>,
    /// What must be known of the distributor.
    pub distributor: Party<DistributorProof>,
    /// Weights of findings, where they differ from the usual.
    pub severity: BTreeMap<FindingCode, Severity>,
    /// What is let pass all the same.
    pub exceptions: Vec<Exception>,
}

/// What must be known of one who stands behind a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Party<P> {
    /// How much.
    pub require: Requirement,
    /// What counts as proof; never empty.
    pub proofs: Vec<P>,
    /// Ids of the subjects of the registry who it may be; all when there are none.
    pub subjects: BTreeSet<String>,
}

/// Files that may break some rules until a day.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exception {
    /// For apps of this verified package name.
    pub package: Option<String>,
    /// For this very file.
    pub file: Option<FileDigest>,
    /// For files of this verified signer alone.
    pub certificate: Option<CertificateDigest>,
    /// The rules that may be broken; never empty.
    pub rules: BTreeSet<Rule>,
    /// Of rule `verdict`: the verdicts that are let pass.
    pub verdicts: BTreeSet<Verdict>,
    /// Of rule `severity`: the findings that are let pass.
    pub codes: BTreeSet<FindingCode>,
    /// Why.
    pub reason: String,
    /// The last day.
    pub expires: Moment,
}

impl Default for PolicyFile {
    /// What holds without a file, and what [`TEMPLATE`] says.
    fn default() -> Self {
        Self {
            name: None,
            level: Level::Enforce,
            verdicts: BTreeSet::from([Verdict::Authenticated]),
            deciding: Policy::default(),
            min_scheme: SchemeId::V2,
            min_digest: DigestFloor::Sha1,
            min_rsa_bits: 1024,
            min_ec_bits: 256,
            min_dsa_bits: 1024,
            test_key: Permission::Refuse,
            debug_certificate: Permission::Refuse,
            debuggable: Permission::Refuse,
            min_sdk_at_least: None,
            min_sdk_at_most: None,
            target_sdk_at_least: None,
            max_file_bytes: None,
            blocks: BlockChoice::All,
            block_ids: BTreeSet::new(),
            max_unknown_block_bytes: None,
            developer: Party::open(&[DeveloperProof::Signer]),
            distributor: Party::open(&[DistributorProof::SourceStamp, DistributorProof::Signer]),
            severity: BTreeMap::new(),
            exceptions: Vec::new(),
        }
    }
}

/// Whether a finding is made by [`crate::marks`] and not by verification.
pub(super) fn of_marks(code: FindingCode) -> bool {
    let starts = ["mark-", "frosting-", "code-transparency-", "adi-"];
    starts.iter().any(|start| code.as_str().starts_with(start))
}

impl<P: Copy> Party<P> {
    /// Nothing is required; these would be the proofs.
    fn open(proofs: &[P]) -> Self {
        Self { require: Requirement::None, proofs: proofs.to_vec(), subjects: BTreeSet::new() }
    }
}

impl PolicyFile {
    /// Reads the policy in the TOML file at `path`.
    ///
    /// # Errors
    /// [`Error::Configuration`] when it cannot be read, and as [`PolicyFile::parse`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = read_text(path, "the policy", "a policy", MAX_TEXT)?;
        Self::parse(&text, path)
    }

    /// Reads the policy in `text`; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Configuration`] with line and column at what cannot be right, or [`Error::Several`] of them.
    pub fn parse(text: &str, path: impl AsRef<Path>) -> Result<Self, Error> {
        read::policy(text, path.as_ref())
    }

    /// Whether a broken rule fails a file.
    pub fn is_enforced(&self) -> bool {
        self.level == Level::Enforce
    }

    /// Whether some rule asks for what the file carries beside its signatures: see [`crate::marks`].
    pub fn needs_marks(&self) -> bool {
        let raised =
            |(code, severity): (&FindingCode, &Severity)| *severity == Severity::Error && of_marks(*code);
        self.severity.iter().any(raised)
            || self.blocks != BlockChoice::All
            || self.max_unknown_block_bytes.is_some()
            || (self.developer.require != Requirement::None
                && self.developer.proofs.contains(&DeveloperProof::CodeTransparency))
            || (self.distributor.require != Requirement::None
                && self.distributor.proofs.contains(&DistributorProof::PlayFrosting))
    }

    /// Whether some exception is for one very file, so that its digest is asked for.
    pub fn needs_file_digest(&self) -> bool {
        self.exceptions.iter().any(|exception| exception.file.is_some())
    }

    /// The weight that the policy gives to a finding. What is an error without the policy stays one.
    pub fn weight(&self, finding: &Finding) -> Severity {
        match self.severity.get(&finding.code) {
            Some(severity) if finding.severity != Severity::Error => *severity,
            _ => finding.severity,
        }
    }
}
