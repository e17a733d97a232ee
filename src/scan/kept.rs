//! What became of a file, as bytes: without decisions, which are made anew, and without its own path, by which others may know it.

use std::path::Path;
use std::path::PathBuf;

use super::JudgedContainer;
use super::JudgedMember;
use super::Outcome;
use crate::Error;
use crate::apk::Appearance;
use crate::apk::LabelVariant;
use crate::apk::NoPicture;
use crate::apk::Picture;
use crate::apk::PictureFormat;
use crate::container::ContainerKind;
use crate::kept::Kept;
use crate::kept::Reader;
use crate::kept::Writer;
use crate::kept::kept_enum;
use crate::kept::kept_struct;
use crate::kept::put_option;
use crate::marks::Marks;

kept_enum!(ContainerKind { Apks = 0, Xapk = 1, Apkm = 2, Zip = 3, AppBundle = 4 });
kept_struct!(Appearance { label, labels, labels_left_out, icon, icon_left_out });
kept_struct!(LabelVariant { locale, qualifiers, text });
kept_enum!(PictureFormat { Png = 0, Webp = 1 });
kept_enum!(NoPicture { Missing = 0, Drawing = 1, TooLarge = 2, UnknownFormat = 3 });

/// Its bytes by their key: many files have the same.
impl Kept for Picture {
    fn put(&self, to: &mut Writer) {
        let Self { sha256, format, width, height, size, path, bytes } = self;
        sha256.put(to);
        format.put(to);
        (*width, (*height, *size)).put(to);
        path.put(to);
        to.picture(bytes);
    }

    fn take(from: &mut Reader<'_>) -> Option<Self> {
        let (sha256, format) = (Kept::take(from)?, Kept::take(from)?);
        let (width, (height, size)) = Kept::take(from)?;
        let path = Kept::take(from)?;
        Some(Self { sha256, format, width, height, size, path, bytes: from.picture()? })
    }
}

/// Writes what became of the file at `path`.
pub(crate) fn put_outcome(outcome: &Outcome, path: &Path, to: &mut Writer) {
    match outcome {
        Outcome::Judged { verification, marks, appearance, file_digest, .. } => {
            0_u8.put(to);
            verification.put(to);
            put_option(marks.as_deref(), to);
            put_option(appearance.as_deref(), to);
            file_digest.put(to);
        }
        Outcome::Container(container) => {
            1_u8.put(to);
            let JudgedContainer { kind, signature, findings, file_digest, members } = &**container;
            kind.put(to);
            signature.put(to);
            findings.put(to);
            file_digest.put(to);
            members.len().put(to);
            for member in members {
                let (whole, outer) =
                    (member.path.as_os_str().as_encoded_bytes(), path.as_os_str().as_encoded_bytes());
                whole.strip_prefix(outer).unwrap_or(whole).to_vec().put(to);
                put_outcome(&member.outcome, &member.path, to);
            }
        }
        Outcome::Unjudged(error) => {
            2_u8.put(to);
            error.without_path().put(to);
        }
        Outcome::Skipped(why) => {
            3_u8.put(to);
            why.put(to);
        }
        // It is known by what was seen, and nobody keeps it for what it is: this reads back as nothing.
        Outcome::Recalled(_) => 4_u8.put(to),
    }
}

/// Reads back what became of the file at `path`.
pub(crate) fn take_outcome(path: &Path, from: &mut Reader<'_>) -> Option<Outcome> {
    Some(match u8::take(from)? {
        0 => Outcome::Judged {
            verification: Box::new(Kept::take(from)?),
            decision: None,
            marks: <Option<Marks> as Kept>::take(from)?.map(Box::new),
            appearance: <Option<Appearance> as Kept>::take(from)?.map(Box::new),
            file_digest: Kept::take(from)?,
        },
        1 => {
            let (kind, signature) = (Kept::take(from)?, Kept::take(from)?);
            let (findings, file_digest) = (Kept::take(from)?, Kept::take(from)?);
            let mut members = Vec::new();
            for _ in 0..usize::take(from)? {
                let path = within(path, Vec::take(from)?);
                let outcome = take_outcome(&path, from)?;
                members.push(JudgedMember { path, outcome });
            }
            Outcome::Container(Box::new(JudgedContainer { kind, signature, findings, file_digest, members }))
        }
        2 => Outcome::Unjudged(Error::File {
            path: path.to_owned(),
            message: String::take(from)?,
            source: None,
        }),
        3 => Outcome::Skipped(Kept::take(from)?),
        _ => return None,
    })
}

/// The path with those bytes behind it, which are of a path of this system.
#[cfg(unix)]
fn within(path: &Path, bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;

    let mut whole = path.as_os_str().to_owned();
    whole.push(std::ffi::OsString::from_vec(bytes));
    whole.into()
}

/// The path with those bytes behind it; what is not UTF-8 in them is replaced.
#[cfg(not(unix))]
fn within(path: &Path, bytes: Vec<u8>) -> PathBuf {
    let mut whole = path.as_os_str().to_owned();
    whole.push(String::from_utf8_lossy(&bytes).as_ref());
    whole.into()
}
