//! Keys that sign registries, and signing.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use apkvouch::Error;
use apkvouch::atomic_file::AtomicFile;
use apkvouch::crypto::blake2b_512_and_sha256;
use apkvouch::identity::CertificateDigest;
use apkvouch::registry::trust;
use apkvouch::registry::trust::SecretKey;
use apkvouch::registry::trust::Signature;
use apkvouch::registry::trust::TrustOptions;
use apkvouch::report::escape;

use super::args::NewKey;
use super::args::Password;
use super::args::Sign;

pub(super) fn new_key(arguments: &NewKey) -> anyhow::Result<String> {
    if arguments.password.password_file.is_none() && !arguments.no_password {
        return Err(Error::Usage("give --password-file FILE or --no-password".to_owned()).into());
    }
    let secret_path = &arguments.path;
    let public_path = secret_path.with_extension("pub");
    if public_path == *secret_path {
        let message = "expected a file for the secret key, found one that ends in .pub; name it .key";
        return Err(Error::Usage(message.to_owned()).into());
    }
    for path in [secret_path, &public_path] {
        if path.try_exists().unwrap_or(true) {
            return Err(
                Error::Usage(format!("{}: there is a file already; name another", path.display())).into()
            );
        }
    }
    let password = password(&arguments.password)?;
    let key = SecretKey::generate()?;
    let public = key.public_key();
    write_new(AtomicFile::begin_private(secret_path)?, secret_path, &key.to_file(password.as_deref())?)?;
    let text = format!("untrusted comment: minisign public key {}\n{public}\n", public.id());
    write_new(AtomicFile::begin(&public_path)?, &public_path, &text)?;
    Ok(format!(
        "{}: the secret key {}; keep it where nobody else can read it\n{}: its public key: {public}\n",
        escape::path(secret_path),
        public.id(),
        escape::path(&public_path),
    ))
}

fn write_new(mut file: AtomicFile, path: &Path, text: &str) -> Result<(), Error> {
    file.write_all(text.as_bytes()).map_err(|error| Error::file(path, "write", error))?;
    file.commit_new()
}

pub(super) fn sign(arguments: &Sign) -> anyhow::Result<String> {
    let now = arguments.at.unwrap_or_else(super::super::scan::this_second);
    let path = &arguments.registry;
    let cannot_read = |error: std::io::Error| Error::Configuration {
        path: path.clone(),
        position: None,
        message: format!("cannot read the registry: {}", apkvouch::error::describe_io(&error)),
    };
    // Sound, complete and in force: whatever must be so to be believed.
    let registry = trust::open(path, &TrustOptions::new(now))?;
    registry.ensure_sound()?;
    let header = registry.header();
    trust::ensure_complete(path, header)?;
    let file = fs::File::open(path).map_err(cannot_read)?;
    let (blake2b, sha256) = blake2b_512_and_sha256(file).map_err(cannot_read)?;
    let key = secret_key(&arguments.key, &arguments.password)?;

    let digest = CertificateDigest(sha256);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let serial = header.serial.unwrap_or_default();
    let comment =
        format!("timestamp:{} file:{name} id:{} serial:{serial} sha256:{digest}", now.as_second(), header.id);
    let signature = key.sign_digest(&blake2b, &comment)?;

    let to = arguments.signature.clone().unwrap_or_else(|| trust::signature_path(path));
    let mut file = AtomicFile::begin(&to)?;
    let others = if to.try_exists().unwrap_or(true) { trust::read_signatures(&to)? } else { Vec::new() };
    let of_this_edition = |other: &Signature| other.trusted_comment().ends_with(&format!(" sha256:{digest}"));
    let kept: Vec<&Signature> = others
        .iter()
        .filter(|other| other.key_id() != signature.key_id() && of_this_edition(other))
        .collect();
    let text: String = kept.iter().map(ToString::to_string).chain([signature.to_string()]).collect();
    file.write_all(text.as_bytes()).map_err(|error| Error::file(&to, "write", error))?;
    file.commit()?;
    super::warn_of_expiry(path, header, now);

    let mut text = format!(
        "{}: {} of serial {serial} is signed by key {}\n",
        escape::path(&to),
        escape::visible(&header.id),
        signature.key_id()
    );
    for other in &others {
        if kept.contains(&other) {
            writeln!(text, "  the signature by key {} stays", other.key_id())?;
        } else if other.key_id() != signature.key_id() {
            writeln!(text, "  the signature by key {}, of another edition, is removed", other.key_id())?;
        }
    }
    Ok(text)
}

fn secret_key(path: &Path, password_of: &Password) -> Result<SecretKey, Error> {
    let fault = |position, message| Error::Configuration { path: path.to_owned(), position, message };
    let text = fs::read_to_string(path).map_err(|error| {
        fault(None, format!("cannot read the secret key: {}", apkvouch::error::describe_io(&error)))
    })?;
    let form = |error: trust::FormError| fault(Some((error.line, 1)), error.message);
    let password = if SecretKey::is_encrypted(&text).map_err(form)? { password(password_of)? } else { None };
    SecretKey::parse_file(&text, password.as_deref()).map_err(form)
}

/// The first line of the file that holds the password, if one is named.
fn password(arguments: &Password) -> Result<Option<Vec<u8>>, Error> {
    let Some(path) = &arguments.password_file else { return Ok(None) };
    let fault = |message| Error::Configuration { path: path.clone(), position: None, message };
    let text = fs::read(path).map_err(|error| {
        fault(format!("cannot read the password: {}", apkvouch::error::describe_io(&error)))
    })?;
    let line = text.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    if line.is_empty() {
        return Err(fault("expected the password in the first line, found an empty one".to_owned()));
    }
    Ok(Some(line.to_vec()))
}
