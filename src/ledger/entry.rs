//! What a scan notes of one file.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use super::key_of;
use super::likeness::likeness;
use super::lookalike::Kind;
use crate::identity::Certificate;
use crate::identity::FileDigest;
use crate::kept::Writer;
use crate::scan::KnownAs;
use crate::scan::Outcome;
use crate::scan::Row;
use crate::scan::put_outcome;
use crate::source::FileIdentity;
use crate::verify::Verification;

/// What became of a file in a scan. Taken of a row as it comes from [`scan`](crate::scan::scan), before it is judged.
pub struct FileRecord {
    pub(super) path: PathBuf,
    /// What was seen; only its name, where that is known already.
    pub(super) seen: Seen,
    /// Which file that is, when what was seen may be believed of it again.
    pub(super) identity: Option<FileIdentity>,
    pub(super) left_out: bool,
    pub(super) unjudged: bool,
    pub(super) package: Option<String>,
    pub(super) version_code: Option<u64>,
    pub(super) signers: Vec<u8>,
    pub(super) digest: Option<FileDigest>,
    pub(super) size: u64,
    /// By what people know the app, where what was seen is not known already: in what, what makes it look the same, and a text.
    pub(super) shown: Vec<(Kind, Vec<u8>, Option<String>)>,
}

/// What was seen of a file.
pub(super) enum Seen {
    Known(KnownAs),
    New(Writer),
}

impl FileRecord {
    /// What became of `row`.
    pub fn new(row: &Row) -> Self {
        if let (Outcome::Recalled(_), Some(known)) = (&row.outcome, row.known) {
            return Self::recalled(row, known);
        }
        let seen = row.known.map_or_else(
            || {
                let mut writer = Writer::new(key_of);
                put_outcome(&row.outcome, &row.path, &mut writer);
                Seen::New(writer)
            },
            Seen::Known,
        );
        let mut shown = Vec::new();
        if matches!(seen, Seen::New(_)) {
            shown_in(&row.outcome, &mut shown);
        }
        let mut apks = Vec::new();
        let whole = apks_in(&row.outcome, &mut apks);
        let packages: BTreeSet<&str> = apks.iter().filter_map(|apk| apk.package()).collect();
        let only = packages.len() == 1;
        let version = |apk: &&Verification| apk.claimed_manifest.as_ref()?.version_code;
        let verified = apks.iter().find(|apk| apk.is_verified()).copied();
        let signers: BTreeSet<[u8; 32]> = apks
            .iter()
            .flat_map(|apk| apk.signer_certificates())
            .map(Certificate::digest)
            .map(|digest| digest.0)
            .collect();
        Self {
            path: row.path.clone(),
            seen,
            identity: row.identity.filter(|_| whole),
            left_out: matches!(row.outcome, Outcome::Skipped(_)),
            unjudged: matches!(row.outcome, Outcome::Unjudged(_)),
            package: packages.first().filter(|_| only).map(|package| (*package).to_owned()),
            version_code: verified.filter(|_| only).as_ref().and_then(version),
            signers: signers.into_iter().flatten().collect(),
            digest: match &row.outcome {
                Outcome::Judged { file_digest, .. } => *file_digest,
                Outcome::Container(container) => container.file_digest,
                Outcome::Unjudged(_) | Outcome::Skipped(_) | Outcome::Recalled(_) => None,
            },
            size: row.identity.map_or(0, |identity| identity.size),
            shown,
        }
    }
}

impl FileRecord {
    /// Of a file whose row is there.
    fn recalled(row: &Row, known: KnownAs) -> Self {
        Self {
            // It stands in that row.
            path: PathBuf::new(),
            seen: Seen::Known(known),
            identity: row.identity,
            left_out: false,
            unjudged: false,
            package: None,
            version_code: None,
            signers: Vec::new(),
            digest: None,
            size: 0,
            shown: Vec::new(),
        }
    }
}

/// Adds the APKs in `outcome` to `apks`, and tells whether all of it was looked at.
fn apks_in<'a>(outcome: &'a Outcome, apks: &mut Vec<&'a Verification>) -> bool {
    match outcome {
        Outcome::Judged { verification, .. } => {
            apks.push(verification);
            true
        }
        Outcome::Container(container) => {
            let mut whole = true;
            for member in &container.members {
                whole &= apks_in(&member.outcome, apks);
            }
            whole
        }
        Outcome::Unjudged(_) | Outcome::Skipped(_) | Outcome::Recalled(_) => false,
    }
}

/// Adds by what people know the apps in `outcome` that verify.
fn shown_in(outcome: &Outcome, shown: &mut Vec<(Kind, Vec<u8>, Option<String>)>) {
    match outcome {
        Outcome::Judged { verification, appearance: Some(appearance), .. } if verification.is_verified() => {
            for text in appearance.texts() {
                let likeness = likeness(text).into_bytes();
                if !likeness.is_empty() {
                    shown.push((Kind::Label, likeness, Some(text.to_owned())));
                }
            }
            if let Some(icon) = &appearance.icon {
                shown.push((Kind::Icon, icon.sha256.to_vec(), appearance.label.clone()));
            }
        }
        Outcome::Container(container) => {
            for member in &container.members {
                shown_in(&member.outcome, shown);
            }
        }
        _ => {}
    }
}

/// The path of those bytes, which [`std::path::Path::as_os_str`] has given.
#[cfg(unix)]
pub(super) fn path(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;

    PathBuf::from(OsString::from_vec(bytes))
}

/// The path of those bytes, which [`std::path::Path::as_os_str`] has given; what is not UTF-8 is replaced.
#[cfg(not(unix))]
pub(super) fn path(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(OsString::from(String::from_utf8_lossy(&bytes).into_owned()))
}
