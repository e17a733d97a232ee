//! Changes of a registry, one by one, whatever form it is stored in.

use super::App;
use super::DeniedKey;
use super::Key;
use super::KeyStatus;
use super::Moment;
use super::PastStatus;
use super::Registry;
use super::RevokedFor;
use super::Role;
use super::SignerSet;
use super::Subject;
use crate::error::Error;
use crate::identity::CertificateDigest;

/// One change. None of them replaces what is there: that is an error which says so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A new subject.
    Subject(Subject),
    /// A new key, of a subject that is there.
    Key(Box<Key>),
    /// A new app, with signer sets of keys that are there.
    App(App),
    /// Another signer set for an app that is there.
    Signers {
        /// The package name of the app.
        package: String,
        /// The set.
        set: SignerSet,
    },
    /// A key that is not to be believed.
    Denied(DeniedKey),
    /// Another status for a key.
    Status {
        /// The certificate of the key.
        certificate: CertificateDigest,
        /// What it becomes.
        status: NewStatus,
    },
    /// Another day until which the registry may be used.
    Expiry(Moment),
}

/// What becomes of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewStatus {
    /// What may be done with it.
    pub status: KeyStatus,
    /// Since when.
    pub date: Moment,
    /// Why.
    pub reason: Option<String>,
    /// Which key replaces it; needed when it is rotated.
    pub replaced_by: Option<CertificateDigest>,
    /// What a revocation means for the days before it.
    pub revoked_for: Option<RevokedFor>,
}

impl NewStatus {
    /// `status` since `date`.
    pub fn new(status: KeyStatus, date: Moment) -> Self {
        Self { status, date, reason: None, replaced_by: None, revoked_for: None }
    }
}

impl Registry {
    /// Makes `change` in this copy of the registry.
    ///
    /// # Errors
    /// [`Error::Usage`] when what is to be added is there, what is to be changed is not, or a key cannot get that status;
    /// nothing is changed then.
    pub fn apply(&mut self, change: &Change) -> Result<(), Error> {
        match change {
            Change::Subject(subject) => {
                if let Some(other) = self.subject(&subject.id) {
                    let message = format!("subject {:?} is registered already: {}", other.id, other.name);
                    return Err(Error::Usage(message));
                }
                self.subjects.insert(subject.id.clone(), subject.clone());
            }
            Change::Key(key) => {
                if let Some(other) = self.key(&key.certificate) {
                    let message = format!(
                        "key {} is registered already, for subject {:?}",
                        other.certificate, other.subject
                    );
                    return Err(Error::Usage(message));
                }
                self.ensure_subject(&key.subject)?;
                if let Some(public_key) = key.public_key {
                    self.public_keys.entry(public_key).or_default().push(key.certificate);
                }
                self.keys.insert(key.certificate, Key::clone(key));
            }
            Change::App(app) => {
                if let Some(other) = self.app(&app.package) {
                    let message = format!(
                        "package {} is registered already, for subject {:?}",
                        other.package, other.owner
                    );
                    return Err(Error::Usage(message));
                }
                self.ensure_subject(&app.owner)?;
                app.signers.iter().try_for_each(|set| self.ensure_keys(set))?;
                self.apps.insert(app.package.clone(), app.clone());
            }
            Change::Signers { package, set } => {
                self.ensure_keys(set)?;
                let missing = || Error::Usage(format!("package {package} is not registered"));
                let app = self.apps.get_mut(package).ok_or_else(missing)?;
                if app.signers.iter().any(|other| other.allows_the_same_as(set)) {
                    let message = format!("package {package} has this signer set already");
                    return Err(Error::Usage(message));
                }
                app.signers.push(set.clone());
            }
            Change::Denied(key) => {
                if let Some(other) = self.denied(&key.certificate) {
                    let message = format!("key {} is denied already: {}", other.certificate, other.why);
                    return Err(Error::Usage(message));
                }
                self.denied.insert(key.certificate, key.clone());
            }
            Change::Status { certificate, status } => {
                if let Some(successor) = status.replaced_by.filter(|successor| self.key(successor).is_none())
                {
                    let message = format!("key {successor} is not registered; add it first: registry add");
                    return Err(Error::Usage(message));
                }
                self.ensure_key(certificate)?;
                if let Some(key) = self.keys.get_mut(certificate) {
                    *key = key.becoming(status)?;
                }
            }
            Change::Expiry(date) => self.header.expires_at = Some(*date),
        }
        Ok(())
    }

    /// Makes sure that whatever `certificate` is allowed to sign now would be believed: a key that is not registered may be.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is denied, suspended or revoked.
    pub fn ensure_usable(&self, certificate: &CertificateDigest) -> Result<(), Error> {
        if let Some(denied) = self.denied(certificate) {
            return Err(Error::Usage(format!("key {certificate} is denied: {}", denied.why)));
        }
        let stopped = |key: &&Key| matches!(key.status, KeyStatus::Suspended | KeyStatus::Revoked);
        let Some(key) = self.key(certificate).filter(stopped) else { return Ok(()) };
        let since = key.status_date.map(|date| format!(" since {date}")).unwrap_or_default();
        let why = key.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        Err(Error::Usage(format!("key {certificate} is {}{since}{why}", key.status)))
    }

    fn ensure_subject(&self, id: &str) -> Result<(), Error> {
        match self.subject(id) {
            Some(_) => Ok(()),
            None => Err(Error::Usage(format!("subject {id:?} is not registered; add it first, with a name"))),
        }
    }

    fn ensure_keys(&self, set: &SignerSet) -> Result<(), Error> {
        set.certificates.iter().try_for_each(|certificate| self.ensure_key(certificate))
    }

    fn ensure_key(&self, certificate: &CertificateDigest) -> Result<(), Error> {
        match self.key(certificate) {
            Some(_) => Ok(()),
            None => Err(Error::Usage(format!("key {certificate} is not registered"))),
        }
    }
}

impl App {
    /// Makes sure that `set` lets nobody sign who may not sign already. Where such files are handed out makes no other signer.
    ///
    /// # Errors
    /// [`Error::Usage`] when no set that is allowed has these certificates in this role.
    pub fn ensure_signers(&self, set: &SignerSet) -> Result<(), Error> {
        let same = |other: &SignerSet| (&other.certificates, other.role) == (&set.certificates, set.role);
        if self.signers.iter().any(same) {
            return Ok(());
        }
        let mut allowed: Vec<String> = Vec::new();
        for other in self.signers.iter().map(SignerSet::described) {
            if !allowed.contains(&other) {
                allowed.push(other);
            }
        }
        Err(Error::Usage(format!(
            "{}: it is registered with other signers: expected {}, found {}; give --add-signers to allow both",
            self.package,
            allowed.join(" or "),
            set.described()
        )))
    }
}

impl SignerSet {
    /// Whether it is the same set in the same role and channel.
    pub fn allows_the_same_as(&self, other: &Self) -> bool {
        (&self.certificates, self.role, &self.channel) == (&other.certificates, other.role, &other.channel)
    }

    /// Its certificates, and its role when that is not the usual one.
    fn described(&self) -> String {
        let certificates: Vec<String> = self.certificates.iter().map(ToString::to_string).collect();
        let certificates = certificates.join("+");
        if self.role == Role::Developer { certificates } else { format!("{certificates} as {}", self.role) }
    }
}

impl Key {
    /// The key with another status, and the present one in its history.
    ///
    /// # Errors
    /// [`Error::Usage`] when it has that status, or is revoked.
    pub(super) fn becoming(&self, new: &NewStatus) -> Result<Self, Error> {
        let since = self.status_date.map(|date| format!(" since {date}")).unwrap_or_default();
        let certificate = self.certificate;
        if self.status == new.status {
            return Err(Error::Usage(format!("key {certificate} is {} already{since}", self.status)));
        }
        if self.status == KeyStatus::Revoked {
            return Err(Error::Usage(format!(
                "key {certificate} is revoked{since}, and a revocation is for good; register a new key"
            )));
        }
        if let Some(date) = self.status_date
            && !date.starts_before(new.date)
        {
            return Err(Error::Usage(format!(
                "key {certificate} is {}{since}: expected a later date, found {}",
                self.status, new.date
            )));
        }
        let mut key = self.clone();
        if let Some(since) = self.status_date {
            key.history.push(PastStatus { status: self.status, since, reason: self.reason.clone() });
        }
        key.status = new.status;
        key.status_date = Some(new.date);
        key.reason.clone_from(&new.reason);
        key.revoked_for = new.revoked_for;
        // Once rotated, it has a successor whatever becomes of it; unless it comes back into use.
        key.replaced_by = new.replaced_by.or(self.replaced_by).filter(|_| new.status != KeyStatus::Active);
        if key.status == KeyStatus::Rotated && key.replaced_by.is_none() {
            return Err(Error::Usage(format!("key {certificate} cannot be rotated without a successor")));
        }
        if new.status == KeyStatus::Active && key.history.iter().any(|past| past.status == KeyStatus::Rotated)
        {
            return Err(Error::Usage(format!(
                "key {certificate} was rotated away, and cannot come back; register a new key"
            )));
        }
        Ok(key)
    }
}
