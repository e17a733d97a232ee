//! Commands that change a registry.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use apkvouch::Error;
use apkvouch::Limits;
use apkvouch::Registry;
use apkvouch::Verification;
use apkvouch::VerifyOptions;
use apkvouch::container::Budget;
use apkvouch::container::Container;
use apkvouch::decide;
use apkvouch::finding::Finding;
use apkvouch::identity::Certificate;
use apkvouch::identity::CertificateDigest;
use apkvouch::identity::Lineage;
use apkvouch::policy;
use apkvouch::policy::Policy;
use apkvouch::policy::Verdict;
use apkvouch::registry;
use apkvouch::registry::App;
use apkvouch::registry::Change;
use apkvouch::registry::DeniedKey;
use apkvouch::registry::Evidence;
use apkvouch::registry::Key;
use apkvouch::registry::KeyStatus;
use apkvouch::registry::Moment;
use apkvouch::registry::Needs;
use apkvouch::registry::NewStatus;
use apkvouch::registry::PublicKeyDigest;
use apkvouch::registry::Role;
use apkvouch::registry::SignerSet;
use apkvouch::registry::Store;
use apkvouch::registry::Subject;
use apkvouch::registry::trust;
use apkvouch::report::escape::in_shell;
use apkvouch::scheme::VerifiedSigner;
use apkvouch::source::ByteSource as _;
use apkvouch::source::FileSource;
use apkvouch::verify;
use jiff::SignedDuration;

use super::args::Add;
use super::args::AddSubject;
use super::args::Deny;
use super::args::Init;
use super::args::KeyName;
use super::args::Renew;
use super::args::Revoke;
use super::args::Rotate;
use super::args::Suspend;
use super::args::Target;
use super::of_registry;
use super::told;
use super::unchanged;
use super::uninterrupted;
use super::view::the_only;

/// How long a new registry may be used unless said otherwise.
const VALIDITY: SignedDuration = SignedDuration::from_hours(365 * 24);

pub(super) fn init(arguments: &Init) -> anyhow::Result<String> {
    let now = arguments.target.now();
    let path = &arguments.target.registry;
    let expires = expiry(arguments.expires, now)?;
    registry::create(path, &arguments.id, now, expires)?;
    Ok(format!("{}: a new registry, serial 1, to be used until {expires}\n", shown(path)))
}

pub(super) fn renew(arguments: &Renew) -> anyhow::Result<String> {
    let mut expires = expiry(arguments.expires, arguments.target.now())?;
    let mut earlier = None;
    let trusted = trusted(arguments)?;
    let mut text = update(&arguments.target, &Needs::default(), |registry| {
        ensure_same(trusted.as_ref(), registry, &arguments.target.registry)?;
        let later = registry.header().expires_at.filter(|before| before.ends_after(expires));
        match (later, arguments.expires) {
            (Some(before), None) => expires = before,
            (before, _) => earlier = before,
        }
        Ok(vec![Change::Expiry(expires)])
    })?;
    if let Some(before) = earlier {
        let path = shown(&arguments.target.registry);
        writeln!(text, "{path}: to be used until {expires}, which is earlier than before: {before}")?;
    }
    Ok(text)
}

/// The registry as it is signed, when it is said by whom it must be.
fn trusted(arguments: &Renew) -> anyhow::Result<Option<Store>> {
    let now = arguments.target.now();
    let mut options = arguments.trust.options(None, now)?;
    if options.needed()? == 0 && options.state.is_none() {
        return Ok(None);
    }
    // What has expired is renewed.
    options.out_of_force = true;
    Ok(Some(trust::open(&arguments.target.registry, &options)?))
}

/// Makes sure that what is changed is what was found to be signed: of a text all of it, in SQLite the header.
fn ensure_same(trusted: Option<&Store>, registry: &Registry, path: &Path) -> Result<(), Error> {
    let Some(trusted) = trusted else { return Ok(()) };
    let same = match trusted.text() {
        Some(text) => text.says_the_same_as(registry),
        None => trusted.header() == registry.header(),
    };
    if same {
        return Ok(());
    }
    let message = "the registry was changed while its signatures were checked; try again".to_owned();
    Err(Error::Configuration { path: path.to_owned(), position: None, message })
}

/// Until when a registry may be used that is issued `now`.
fn expiry(said: Option<Moment>, now: jiff::Timestamp) -> anyhow::Result<Moment> {
    Ok(match said {
        Some(expires) if expires.is_over(now) => {
            let message = format!(
                "--expires {expires} is over already, at {now}: nobody could use the registry; give a later date"
            );
            return Err(Error::Usage(message).into());
        }
        Some(expires) => expires,
        None => Moment::Day(jiff::tz::TimeZone::UTC.to_datetime(now.checked_add(VALIDITY)?).date()),
    })
}

pub(super) fn add_subject(arguments: &AddSubject) -> anyhow::Result<String> {
    let roles = arguments.roles.iter().copied().collect();
    let mut subject = Subject::new(&arguments.id, &arguments.name, roles);
    subject.name_zh.clone_from(&arguments.name_zh);
    subject.credit_code.clone_from(&arguments.credit_code);
    subject.contact.clone_from(&arguments.contact);
    let mut needs = Needs::default();
    needs.subjects.insert(subject.id.clone());
    update(&arguments.target, &needs, |registry| match registry.subject(&subject.id) {
        Some(registered) if *registered == subject => Ok(Vec::new()),
        Some(registered) => Err(Error::Usage(format!(
            "subject {:?} is registered already, and otherwise: {}; nothing is replaced",
            subject.id,
            how_they_differ(registered, &subject)
        ))),
        None => Ok(vec![Change::Subject(subject)]),
    })
}

/// What of a subject that is registered is not as it is `said`.
fn how_they_differ(registered: &Subject, said: &Subject) -> String {
    let text = |text: Option<&str>| text.map_or("none".to_owned(), |text| format!("{text:?}"));
    let roles =
        |subject: &Subject| subject.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
    let fields = |subject: &Subject| {
        [
            ("name", text(Some(&subject.name))),
            ("name_zh", text(subject.name_zh.as_deref())),
            ("roles", roles(subject)),
            ("credit_code", text(subject.credit_code.as_deref())),
            ("contact", text(subject.contact.as_deref())),
        ]
    };
    let both = fields(registered).into_iter().zip(fields(said));
    let differ = both.filter(|(there, here)| there != here);
    let told = differ.map(|((field, there), (_, here))| format!("{field} is {there}, and not {here}"));
    told.collect::<Vec<_>>().join("; ")
}

pub(super) fn deny(arguments: &Deny) -> anyhow::Result<String> {
    let key = DeniedKey::new(arguments.certificate, &arguments.why, &arguments.source);
    update(&arguments.target, &Needs::default(), |_| Ok(vec![Change::Denied(key)]))
}

pub(super) fn revoke(arguments: &Revoke) -> anyhow::Result<String> {
    let mut status = NewStatus::new(KeyStatus::Revoked, Moment::Instant(arguments.target.now()));
    status.reason = Some(arguments.reason.clone());
    status.revoked_for = Some(arguments.revoked_for);
    let replaced_by = arguments.replaced_by.as_ref();
    status.replaced_by = replaced_by.map(|name| certificate(&arguments.target, name)).transpose()?;
    set_status(&arguments.target, &arguments.certificate, status)
}

pub(super) fn suspend(arguments: &Suspend) -> anyhow::Result<String> {
    let mut status = NewStatus::new(KeyStatus::Suspended, Moment::Instant(arguments.target.now()));
    status.reason = Some(arguments.reason.clone());
    set_status(&arguments.target, &arguments.certificate, status)
}

pub(super) fn activate(arguments: &Suspend) -> anyhow::Result<String> {
    let mut status = NewStatus::new(KeyStatus::Active, Moment::Instant(arguments.target.now()));
    status.reason = Some(arguments.reason.clone());
    set_status(&arguments.target, &arguments.certificate, status)
}

pub(super) fn rotate(arguments: &Rotate) -> anyhow::Result<String> {
    let mut status = NewStatus::new(KeyStatus::Rotated, Moment::Instant(arguments.target.now()));
    status.reason.clone_from(&arguments.reason);
    status.replaced_by = Some(certificate(&arguments.target, &arguments.new)?);
    set_status(&arguments.target, &arguments.old, status)
}

/// The certificate of the registered key that `name` means.
fn certificate(target: &Target, name: &KeyName) -> Result<CertificateDigest, Error> {
    let (prefix, name) = match name {
        KeyName::Digest(digest) => return Ok(*digest),
        KeyName::Prefix(prefix, name) => (prefix, name),
    };
    let path = &target.registry;
    let found = Store::open(path)?.certificates_that_begin(prefix)?;
    let only = the_only(&found, name).and_then(|only| {
        only.ok_or_else(|| Error::Usage(format!("no certificate of the registry begins with {name}")))
    });
    only.map_err(|error| of_registry(path, error))
}

fn set_status(target: &Target, name: &KeyName, status: NewStatus) -> anyhow::Result<String> {
    let certificate = certificate(target, name)?;
    let mut needs = Needs::default();
    needs.certificates.insert(certificate);
    let mut status = status;
    update(target, &needs, |registry| {
        let since = registry.key(&certificate).and_then(|key| key.status_date);
        if let (Some(Moment::Instant(since)), Moment::Instant(now)) = (since, status.date)
            && since >= now
            && target.is_now()
        {
            // The second change within a second: the fractions tell which was the later one.
            let now = jiff::Timestamp::now();
            status.date =
                Moment::Instant(jiff::Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now));
        }
        Ok(vec![Change::Status { certificate, status }])
    })
}

pub(super) fn add(arguments: &Add) -> anyhow::Result<String> {
    let signers = Signers::read(&arguments.signers)?;
    let package = match (&arguments.package, signers.evidence.as_ref().and_then(Verification::package)) {
        (Some(named), Some(own)) if named != own => {
            let message = format!("the package of the APK is {own}, and not {named}: leave out --package");
            return Err(Error::Usage(message).into());
        }
        (Some(package), _) => Some(package.as_str()),
        (None, own) => own,
    };
    let now = arguments.target.now();
    let mut needs = Needs::default();
    needs.packages.extend(package.map(str::to_owned));
    needs.certificates.extend(signers.keys.iter().map(|(digest, _)| *digest));
    needs.subjects.extend(arguments.owner.iter().chain(&arguments.subject).cloned());
    if let Some(evidence) = &signers.evidence {
        let more = policy::needs(evidence);
        needs.certificates.extend(more.certificates);
        needs.public_keys.extend(more.public_keys);
    }
    update(&arguments.target, &needs, |registry| {
        let changes = additions(arguments, registry, &signers, package)?;
        if let Some(evidence) = &signers.evidence {
            let mut then = registry.clone();
            changes.iter().try_for_each(|change| then.apply(change))?;
            let add = || earlier_first(arguments, evidence, registry);
            ensure_authenticated(evidence, &then, now, add)?;
        }
        Ok(changes)
    })
}

/// What is to be added so that `signers` may sign `package`.
fn additions(
    arguments: &Add,
    registry: &Registry,
    signers: &Signers,
    package: Option<&str>,
) -> Result<Vec<Change>, Error> {
    let usage = |message: String| Err(Error::Usage(message));
    let app = package.and_then(|package| registry.app(package));
    let owner = match (app, &arguments.owner) {
        (Some(app), Some(owner)) if app.owner != *owner => {
            return usage(format!(
                "package {} belongs to subject {:?}, not to {owner:?}",
                app.package, app.owner
            ));
        }
        (Some(app), _) => Some(&app.owner),
        (None, owner) => owner.as_ref(),
    };
    let Some(subject) = arguments.subject.as_ref().or(owner) else {
        return usage(
            "expected the subject that these keys belong to, found none; give --owner ID".to_owned(),
        );
    };
    let set = signers.set(arguments);
    // Before the keys: whose they are matters only once these may sign.
    if let Some(app) = app.filter(|_| !arguments.beside_others) {
        app.ensure_signers(&set)?;
    }
    let mut changes = Vec::new();
    for (certificate, public_key) in &signers.keys {
        registry.ensure_usable(certificate)?;
        match registry.key(certificate) {
            Some(key) if key.subject != *subject => {
                return usage(format!(
                    "key {certificate} is registered for subject {:?}, not for {subject:?}",
                    key.subject
                ));
            }
            Some(_) => {}
            None => {
                let mut key = Key::new(*certificate, subject);
                key.public_key = *public_key;
                changes.push(Change::Key(Box::new(key)));
            }
        }
    }
    if let Some(package) = package {
        match (app, owner) {
            (Some(app), _) if app.signers.iter().any(|other| other.allows_the_same_as(&set)) => {}
            (Some(app), _) => changes.push(Change::Signers { package: app.package.clone(), set }),
            (None, Some(owner)) if subject != owner && arguments.role == Role::Developer => {
                return usage(format!(
                    "the keys of subject {subject:?} would sign {package} as its developer, and {owner:?} would own it; \
                     give --role distributor if {subject:?} signs for {owner:?}, or the same subject twice"
                ));
            }
            (None, Some(owner)) => {
                let mut app = App::new(package, owner, vec![set]);
                app.labels.clone_from(&arguments.labels);
                changes.push(Change::App(app));
            }
            (None, None) => {
                return usage(format!("expected the owner of {package}, found none; give --owner ID"));
            }
        }
    }
    Ok(changes)
}

/// Makes sure that an APK whose signers were added is believed then.
fn ensure_authenticated(
    evidence: &Verification,
    registry: &Registry,
    now: jiff::Timestamp,
    what_to_do: impl FnOnce() -> Option<String>,
) -> Result<(), Error> {
    let decision = decide(evidence, registry, &Policy::default(), now);
    if decision.verdict == Verdict::Authenticated {
        return Ok(());
    }
    let why = decision.findings.first().map(Finding::message).unwrap_or_default();
    let what_to_do = what_to_do().map(|advice| format!("; {advice}")).unwrap_or_default();
    Err(Error::Usage(format!(
        "with its newest signers added the APK would still be {}: {why}; nothing was added{what_to_do}",
        decision.verdict
    )))
}

/// The commands that first let the earlier keys sign which a verified lineage shows, and which older Android versions see; none
/// when there are none that could.
fn earlier_first(arguments: &Add, evidence: &Verification, registry: &Registry) -> Option<String> {
    let newest = evidence.views.iter().max_by_key(|view| view.max_sdk)?;
    let ancestors = evidence.signers_of(newest).filter_map(VerifiedSigner::lineage).flat_map(Lineage::nodes);
    let seen: BTreeSet<CertificateDigest> = evidence
        .views
        .iter()
        .flat_map(|view| evidence.signers_of(view))
        .map(VerifiedSigner::digest)
        .collect();
    let current: BTreeSet<CertificateDigest> =
        evidence.signers_of(newest).map(VerifiedSigner::digest).collect();
    let package = evidence.package()?;
    let allowed = registry.app(package);
    let is_allowed = |digest: &CertificateDigest| {
        let alone = BTreeSet::from([*digest]);
        allowed.is_some_and(|app| app.signers.iter().any(|set| set.certificates == alone))
    };
    let earlier = ancestors.map(|node| node.certificate.digest());
    let earlier: Vec<CertificateDigest> = earlier
        .filter(|digest| seen.contains(digest) && !current.contains(digest) && !is_allowed(digest))
        .collect();
    let word = |text: &str| in_shell(Path::new(text));
    let mut commands = Vec::new();
    for (number, key) in earlier.iter().enumerate() {
        let more = match (&arguments.owner, allowed.is_some() || number > 0) {
            (_, true) => " --add-signers".to_owned(),
            (Some(owner), false) => format!(" --owner {}", word(owner)),
            (None, false) => return None,
        };
        let registry = in_shell(&arguments.target.registry);
        commands.push(format!("`apkvouch registry add {registry} {key} --package {}{more}`", word(package)));
    }
    (!commands.is_empty()).then(|| {
        format!(
            "to let the earlier key sign, too, which a verified lineage connects: {}, and then this again with --add-signers",
            commands.join(", ")
        )
    })
}

/// Who is to be added.
struct Signers {
    /// Certificates, with the public keys where these are known.
    keys: Vec<(CertificateDigest, Option<PublicKeyDigest>)>,
    /// Of an APK.
    evidence: Option<Verification>,
}

impl Signers {
    fn read(arguments: &[String]) -> Result<Self, Error> {
        if let [only] = arguments
            && Path::new(only).is_file()
        {
            return Self::of_apk(Path::new(only));
        }
        let digest = |text: &String| {
            let path = Path::new(text);
            text.parse::<CertificateDigest>().map_err(|error| {
                Error::Usage(if path.is_dir() {
                    format!("{text} is a directory: `apkvouch registry learn` proposes from one")
                } else if path.is_file() {
                    format!("{text}: one APK at a time, and no fingerprints beside it")
                } else {
                    format!("{error}; or the path of an APK, and there is no such file")
                })
            })
        };
        let digests: BTreeSet<CertificateDigest> = arguments.iter().map(digest).collect::<Result<_, _>>()?;
        Ok(Self { keys: digests.into_iter().map(|digest| (digest, None)).collect(), evidence: None })
    }

    /// The set of all of them, as it is to sign.
    fn set(&self, arguments: &Add) -> SignerSet {
        let mut set = SignerSet::new(self.keys.iter().map(|(digest, _)| *digest).collect(), arguments.role);
        set.channel.clone_from(&arguments.channel);
        set.evidence.extend(arguments.evidence.map(|source| {
            let mut evidence = Evidence::new(source);
            evidence.url.clone_from(&arguments.evidence_url);
            evidence
        }));
        set
    }

    /// The verified signers that the newest Android versions see in the APK at `path`.
    fn of_apk(path: &Path) -> Result<Self, Error> {
        let source = FileSource::open(path).map_err(|error| Error::file(path, "open", error))?;
        let limits = Limits::default();
        let mut budget = Budget::of(source.len(), &limits);
        let container =
            Container::open(&source, &limits, &mut budget).map_err(|error| error.in_file(path))?;
        if container.is_some() {
            return Err(Error::Usage(format!("{} is a container; give one APK", path.display())));
        }
        let evidence = verify(&source, &VerifyOptions::default()).map_err(|error| error.in_file(path))?;
        let view = evidence.views.iter().max_by_key(|view| view.max_sdk).filter(|_| evidence.is_verified());
        let Some(view) = view else {
            let message = format!(
                "{} does not verify, and nobody is added who might not have signed it; see `apkvouch verify`",
                path.display()
            );
            return Err(Error::Usage(message));
        };
        let key = |certificate: &Certificate| {
            (certificate.digest(), Some(PublicKeyDigest(certificate.key().spki_sha256)))
        };
        let mut keys = Vec::new();
        for signer in evidence.signers_of(view) {
            keys.push(key(signer.certificate()));
            keys.extend(signer.classical_partner().map(key));
        }
        Ok(Self { keys, evidence: Some(evidence) })
    }
}

/// Makes the changes, and tells them.
fn update(
    target: &Target,
    needs: &Needs,
    changes: impl FnOnce(&Registry) -> Result<Vec<Change>, Error>,
) -> anyhow::Result<String> {
    let path = &target.registry;
    let signals = OnceCell::new();
    let differences = registry::update(path, target.now(), needs, uninterrupted(&signals, changes))
        .map_err(|error| unchanged(path, &signals, error))?;
    if differences.is_empty() {
        return Ok(format!("{}: nothing to change\n", shown(path)));
    }
    let mut text = told(&differences)?;
    if trust::signature_path(path).exists() {
        writeln!(text, "{}: sign it again: its signatures are of the edition before", shown(path))?;
    }
    Ok(text)
}

fn shown(path: &Path) -> String {
    apkvouch::report::escape::path(path)
}
