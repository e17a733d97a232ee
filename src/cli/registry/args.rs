//! The arguments of `apkvouch registry`, and their help.

use std::path::PathBuf;

use apkvouch::identity::CertificateDigest;
use apkvouch::registry::DigestPrefix;
use apkvouch::registry::EvidenceSource;
use apkvouch::registry::ExportFormat;
use apkvouch::registry::Moment;
use apkvouch::registry::RevokedFor;
use apkvouch::registry::Role;
use apkvouch::registry::import::ImportFormat;
use clap::Args;
use clap::Subcommand;
use clap::ValueEnum;

use super::super::args::RegistryTrust;
use super::super::args::time;

pub(in super::super) const HELP: &str = "\
Exit status:
  0  done
  1  diff: the two say different things; learn: some APKs do not verify, or contradict each other
  2  bad arguments, or a registry, key or password that cannot be used
  3  another file could not be read, or a file not written
  4  learn: no APK found

A change is made wholly or not at all, raises the serial and sets the time of issue; comments and
order of the file stay. What is registered is not replaced: that is refused. A changed registry must
be signed again.

Examples:
  apkvouch registry init registry.toml --id registry.example.org
  apkvouch registry add-subject registry.toml riverbank --name \"Riverbank plc\"
  apkvouch registry add registry.toml wallet.apk --owner riverbank
  apkvouch registry add registry.toml A4:0D:… --package com.riverbank.wallet --owner riverbank
  apkvouch registry revoke registry.toml A4:0D:… --reason \"the key was stolen\"
  apkvouch registry new-key keeper.key --password-file password
  apkvouch registry sign registry.toml --key keeper.key --password-file password
  apkvouch registry check registry.toml --registry-key keeper.pub";

#[derive(Debug, Subcommand)]
pub(in super::super) enum RegistryCommand {
    /// Makes a new registry, with nobody in it
    Init(Init),
    /// Adds a subject: somebody who is authenticated
    AddSubject(AddSubject),
    /// Adds signers and the app that they may sign, from fingerprints or from an APK that verifies
    Add(Add),
    /// Adds a key that nobody is to be believed with
    Deny(Deny),
    /// Revokes a key, for good
    Revoke(Revoke),
    /// Suspends a key until its case is settled
    Suspend(Suspend),
    /// Brings a suspended key back into use
    Activate(Suspend),
    /// Says that a key is replaced by another
    Rotate(Rotate),
    /// Lets a registry be used for longer: a new edition, with another date of expiry
    Renew(Renew),
    /// Makes a key pair that signs registries, in the form of minisign
    NewKey(NewKey),
    /// Signs a registry
    Sign(Sign),
    /// Tells whether a registry is sound, in force and signed
    Check(Check),
    /// Lists what is registered
    List(List),
    /// Shows everything about a package, a key or a subject
    Show(Show),
    /// Tells what differs between two registries
    Diff(Diff),
    /// Adds what others publish: all of it, or nothing when anything contradicts the registry
    Import(Import),
    /// Writes the registry out in the form of others
    Export(Export),
    /// Writes the registry in another form: SQLite for a million apps, TOML or JSON
    Convert(Convert),
    /// Proposes entries from APKs that are trusted, as CSV to look at and to import
    Learn(Learn),
}

/// The registry that a command changes.
#[derive(Debug, Args)]
pub(in super::super) struct Target {
    /// The registry: TOML, JSON or SQLite
    #[arg(value_name = "REGISTRY")]
    pub(super) registry: PathBuf,
    /// The time of the change instead of now
    #[arg(long, value_name = "DATE", value_parser = time)]
    at: Option<jiff::Timestamp>,
}

impl Target {
    /// Whether that is when the command is given.
    pub(super) fn is_now(&self) -> bool {
        self.at.is_none()
    }

    /// When the change is made.
    pub(super) fn now(&self) -> jiff::Timestamp {
        self.at.unwrap_or_else(super::super::scan::this_second)
    }
}

#[derive(Debug, Args)]
pub(in super::super) struct Init {
    #[command(flatten)]
    pub(super) target: Target,
    /// Its name: editions are numbered under it
    #[arg(long, value_parser = said)]
    pub(super) id: String,
    /// Until when it may be used; a year unless given
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub(super) expires: Option<Moment>,
}

#[derive(Debug, Args)]
pub(in super::super) struct Renew {
    #[command(flatten)]
    pub(super) target: Target,
    /// Until when it may be used; a year unless given, or as long as before when that is longer
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub(super) expires: Option<Moment>,
    #[command(flatten)]
    pub(super) trust: RegistryTrust,
}

#[derive(Debug, Args)]
pub(in super::super) struct AddSubject {
    #[command(flatten)]
    pub(super) target: Target,
    /// By which keys and apps refer to it
    #[arg(value_name = "ID", value_parser = said)]
    pub(super) id: String,
    /// Its name
    #[arg(long, value_parser = said)]
    pub(super) name: String,
    /// Its name in Chinese
    #[arg(long, value_name = "NAME", value_parser = said)]
    pub(super) name_zh: Option<String>,
    /// What it is authenticated as
    #[arg(long = "role", value_name = "ROLE", value_delimiter = ',', default_value = "developer", value_parser = role)]
    pub(super) roles: Vec<Role>,
    /// Unified social credit code, or another number of record
    #[arg(long, value_name = "CODE", value_parser = said)]
    pub(super) credit_code: Option<String>,
    /// Where to reach it
    #[arg(long, value_parser = said)]
    pub(super) contact: Option<String>,
}

#[derive(Debug, Args)]
pub(in super::super) struct Add {
    #[command(flatten)]
    pub(super) target: Target,
    /// SHA-256 of the signer's certificate, in any usual spelling, several of them for an app that all of them sign
    /// together; or one APK, whose verified signers are taken
    #[arg(value_name = "SIGNER", required = true)]
    pub(super) signers: Vec<String>,
    /// The package; that of the APK unless given. Without one, keys alone are added
    #[arg(long, value_parser = said)]
    pub(super) package: Option<String>,
    /// The subject whose app it is; not needed for a package that is registered
    #[arg(long, value_name = "ID", value_parser = said)]
    pub(super) owner: Option<String>,
    /// The subject whose keys these are; the owner unless given
    #[arg(long, value_name = "ID", value_parser = said)]
    pub(super) subject: Option<String>,
    /// As what they sign
    #[arg(long, value_name = "ROLE", default_value = "developer", value_parser = role)]
    pub(super) role: Role,
    /// Where such files are handed out
    #[arg(long, value_parser = said)]
    pub(super) channel: Option<String>,
    /// A name under which users know the app
    #[arg(long = "label", value_name = "NAME", value_parser = said)]
    pub(super) labels: Vec<String>,
    /// From where it is known that they sign the app
    #[arg(long, value_name = "SOURCE", value_parser = evidence)]
    pub(super) evidence: Option<EvidenceSource>,
    /// Where that is found
    #[arg(long, value_name = "URL", requires = "evidence", value_parser = said)]
    pub(super) evidence_url: Option<String>,
    /// Let these signers sign a package that is registered with others, too
    #[arg(long = "add-signers")]
    pub(super) beside_others: bool,
}

#[derive(Debug, Args)]
pub(in super::super) struct Deny {
    #[command(flatten)]
    pub(super) target: Target,
    /// SHA-256 of the certificate
    #[arg(value_name = "SHA256")]
    pub(super) certificate: CertificateDigest,
    /// Why
    #[arg(long, value_parser = said)]
    pub(super) why: String,
    /// From where that is known
    #[arg(long, value_parser = said)]
    pub(super) source: String,
}

#[derive(Debug, Args)]
pub(in super::super) struct Revoke {
    #[command(flatten)]
    pub(super) target: Target,
    /// SHA-256 of the certificate, or its first 8 digits or more
    #[arg(value_name = "SHA256", value_parser = key_name)]
    pub(super) certificate: KeyName,
    /// Why
    #[arg(long, value_parser = said)]
    pub(super) reason: String,
    /// compromise: revoked on every day, since nothing in a file shows when it was signed; cessation: from now on
    #[arg(long = "for", value_name = "WHAT", default_value = "compromise", value_parser = revoked_for)]
    pub(super) revoked_for: RevokedFor,
    /// The certificate of the key that replaces it, likewise
    #[arg(long, value_name = "SHA256", value_parser = key_name)]
    pub(super) replaced_by: Option<KeyName>,
}

#[derive(Debug, Args)]
pub(in super::super) struct Suspend {
    #[command(flatten)]
    pub(super) target: Target,
    /// SHA-256 of the certificate, or its first 8 digits or more
    #[arg(value_name = "SHA256", value_parser = key_name)]
    pub(super) certificate: KeyName,
    /// Why
    #[arg(long, value_parser = said)]
    pub(super) reason: String,
}

#[derive(Debug, Args)]
pub(in super::super) struct Rotate {
    #[command(flatten)]
    pub(super) target: Target,
    /// SHA-256 of the certificate that is replaced, or its first 8 digits or more
    #[arg(value_name = "OLD", value_parser = key_name)]
    pub(super) old: KeyName,
    /// The same of the certificate that replaces it: a registered key
    #[arg(value_name = "NEW", value_parser = key_name)]
    pub(super) new: KeyName,
    /// Why
    #[arg(long, value_parser = said)]
    pub(super) reason: Option<String>,
}

/// A registered key, as people name it.
#[derive(Debug, Clone)]
pub(in super::super) enum KeyName {
    /// SHA-256 of its certificate.
    Digest(CertificateDigest),
    /// The first digits of it, and how they were written.
    Prefix(DigestPrefix, String),
}

/// The password of a secret key.
#[derive(Debug, Args)]
pub(in super::super) struct Password {
    /// The file with the password of the secret key: its first line
    #[arg(long, value_name = "FILE")]
    pub(super) password_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(in super::super) struct NewKey {
    /// Where the secret key goes; the public one goes beside it, with the extension .pub
    #[arg(value_name = "FILE")]
    pub(super) path: PathBuf,
    #[command(flatten)]
    pub(super) password: Password,
    /// Write the secret key in the clear: whoever can read the file can sign
    #[arg(long, conflicts_with = "password_file")]
    pub(super) no_password: bool,
}

#[derive(Debug, Args)]
pub(in super::super) struct Sign {
    /// The registry
    #[arg(value_name = "REGISTRY")]
    pub(super) registry: PathBuf,
    /// The secret key, in the form of minisign
    #[arg(long, value_name = "FILE")]
    pub(super) key: PathBuf,
    #[command(flatten)]
    pub(super) password: Password,
    /// Where the signature goes; REGISTRY.minisig unless given. Signatures of this edition by others stay
    #[arg(long, value_name = "FILE")]
    pub(super) signature: Option<PathBuf>,
    /// The time of the signature instead of now
    #[arg(long, value_name = "DATE", value_parser = time)]
    pub(super) at: Option<jiff::Timestamp>,
}

#[derive(Debug, Args)]
pub(in super::super) struct Check {
    /// The registry
    #[arg(value_name = "REGISTRY")]
    pub(super) registry: PathBuf,
    #[command(flatten)]
    pub(super) trust: RegistryTrust,
    /// Whether it is in force at this time instead of now
    #[arg(long, value_name = "DATE", value_parser = time)]
    pub(super) at: Option<jiff::Timestamp>,
}

#[derive(Debug, Args)]
pub(in super::super) struct View {
    #[command(flatten)]
    pub(super) trust: RegistryTrust,
    /// Keys with the status that they had on this day
    #[arg(long, value_name = "DATE", value_parser = time)]
    pub(super) at: Option<jiff::Timestamp>,
    /// The form of the answer
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: ViewForm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in super::super) enum ViewForm {
    /// For people; may change between releases
    Text,
    /// One JSON document
    Json,
}

#[derive(Debug, Args)]
pub(in super::super) struct List {
    /// The registry
    #[arg(value_name = "REGISTRY")]
    pub(super) registry: PathBuf,
    /// What to list
    #[arg(value_name = "WHAT", default_value = "apps")]
    pub(super) what: What,
    #[command(flatten)]
    pub(super) view: View,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in super::super) enum What {
    /// Apps and who may sign them
    Apps,
    /// Keys and their status
    Keys,
    /// Subjects and what they are authenticated as
    Subjects,
    /// Keys that the registry denies, and those that are always denied
    Denied,
}

#[derive(Debug, Args)]
pub(in super::super) struct Show {
    /// The registry
    #[arg(value_name = "REGISTRY")]
    pub(super) registry: PathBuf,
    /// A package name, SHA-256 of a certificate or its first 8 digits or more, or the id of a subject
    #[arg(value_name = "NAME")]
    pub(super) name: String,
    #[command(flatten)]
    pub(super) view: View,
}

#[derive(Debug, Args)]
pub(in super::super) struct Diff {
    /// The older registry; what is said under "Trust in the registry" holds for this one
    #[arg(id = "registry", value_name = "OLD")]
    pub(super) old: PathBuf,
    /// The newer registry
    #[arg(value_name = "NEW")]
    pub(super) new: PathBuf,
    #[command(flatten)]
    pub(super) trust: RegistryTrust,
    /// The form of the answer
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: ViewForm,
}

#[derive(Debug, Args)]
pub(in super::super) struct Import {
    #[command(flatten)]
    pub(super) target: Target,
    /// The files to import
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
    /// Their form, when the name does not tell: assetlinks, fdroid-index, fdroid-metadata, text, csv
    #[arg(long, value_name = "FORMAT", value_parser = import_format)]
    pub(super) format: Option<ImportFormat>,
    /// The subject whose apps and keys these are, unless the file says so
    #[arg(long, value_name = "ID", value_parser = said)]
    pub(super) owner: Option<String>,
    /// On what the entries rest, unless the file says so
    #[arg(long, value_name = "SOURCE", value_parser = evidence)]
    pub(super) evidence: Option<EvidenceSource>,
    /// Let these signers sign packages that are registered with others, too
    #[arg(long)]
    pub(super) add_signers: bool,
    /// Tell what would be added, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Debug, Args)]
pub(in super::super) struct Export {
    /// The registry
    #[arg(value_name = "REGISTRY")]
    pub(super) registry: PathBuf,
    /// The form
    #[arg(long, value_name = "FORMAT", value_parser = export_format)]
    pub(super) format: ExportFormat,
    #[command(flatten)]
    pub(super) trust: RegistryTrust,
    /// Keys with the status that they had on this day
    #[arg(long, value_name = "DATE", value_parser = time)]
    pub(super) at: Option<jiff::Timestamp>,
}

#[derive(Debug, Args)]
pub(in super::super) struct Convert {
    /// The registry
    #[arg(value_name = "REGISTRY")]
    pub(super) registry: PathBuf,
    /// The new file, which must not be there: .db or .sqlite, .toml or .json
    #[arg(value_name = "NEW")]
    pub(super) new: PathBuf,
    #[command(flatten)]
    pub(super) trust: RegistryTrust,
}

#[derive(Debug, Args)]
pub(in super::super) struct Learn {
    /// The registry: what it has already is not proposed
    #[arg(value_name = "REGISTRY")]
    pub(super) registry: PathBuf,
    /// APKs, containers of APKs, and directories of both
    #[arg(value_name = "PATH", required = true)]
    pub(super) paths: Vec<PathBuf>,
}

fn key_name(text: &str) -> Result<KeyName, String> {
    let whole = text.parse().map(KeyName::Digest).ok();
    let prefix = || DigestPrefix::parse(text).map(|prefix| KeyName::Prefix(prefix, text.to_owned()));
    whole.or_else(prefix).ok_or_else(|| {
        "expected the SHA-256 of a certificate (64 hexadecimal digits, colons allowed), or its first 8 digits or more"
            .to_owned()
    })
}

/// A text that is written into the registry.
fn said(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("expected a text that is not empty".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

fn import_format(text: &str) -> Result<ImportFormat, String> {
    one_of(text, &ImportFormat::ALL, ImportFormat::as_str)
}

fn export_format(text: &str) -> Result<ExportFormat, String> {
    one_of(text, &ExportFormat::ALL, ExportFormat::as_str)
}

fn moment(text: &str) -> Result<Moment, String> {
    text.parse()
        .map_err(|_| "expected a date such as 2026-12-31, or a time such as 2026-12-31T12:00:00Z".to_owned())
}

fn role(text: &str) -> Result<Role, String> {
    one_of(text, &Role::ALL, Role::as_str)
}

fn evidence(text: &str) -> Result<EvidenceSource, String> {
    one_of(text, &EvidenceSource::ALL, EvidenceSource::as_str)
}

fn revoked_for(text: &str) -> Result<RevokedFor, String> {
    one_of(text, &RevokedFor::ALL, RevokedFor::as_str)
}

fn one_of<T: Copy>(text: &str, all: &[T], name: impl Fn(T) -> &'static str) -> Result<T, String> {
    let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
    all.iter()
        .copied()
        .find(|one| name(*one) == text)
        .ok_or_else(|| format!("expected one of {}", names.join(", ")))
}
