//! What else the file carries, beside the schemes by which Android knows the signer.
//!
//! Takes an APK, gives every [`Mark`] that a store, a packer, a developer or a test lab has left in it: pairs of the
//! signing block, entries, the archive comment. A mark is never the app's signer. What nothing signs is a claim and
//! stays one; what is signed is verified as far as it can be without a network, and [`Mark::covers`] says what that
//! is worth.
//!
//! Marks are read on demand, not by [`crate::verify()`]: some of them ask for digests of the whole file. They say nothing
//! of the signature of the APK, and verification says nothing of them.
//!
//! ```
//! use apkvouch::marks::{MarkOptions, MarkState, read};
//! use apkvouch::source::FileSource;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let apk = FileSource::open("testdata/marks/walle-channel/app.apk".as_ref())?;
//! let marks = read(&apk, &MarkOptions::default())?;
//! for mark in &marks.marks {
//!     println!("{}: {}", mark.kind.as_str(), mark.state.as_str());
//! }
//! assert!(marks.marks.iter().all(|mark| mark.state == MarkState::Claim));
//! # Ok(())
//! # }
//! ```

/// Shows and serialises what has `as_str` by that name.
macro_rules! named {
    ($($name:ident),*) => {
        $(
            impl std::fmt::Display for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str(self.as_str())
                }
            }

            impl serde::Serialize for $name {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(self.as_str())
                }
            }
        )*
    };
}

mod channel;
mod cms;
mod frosting;
mod json_signature;
mod kept;
mod profile;
mod transparency;
mod unknown;

use std::cell::Cell;
use std::cell::OnceCell;
use std::collections::HashSet;

use serde::Serialize;

use crate::Error;
use crate::Limits;
use crate::apk::Apk;
use crate::apk::SigningBlock;
use crate::apk::Stop;
use crate::crypto;
use crate::crypto::KeyKind;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::format::channel::VASDOLLY_COMMENT_MAGIC;
use crate::format::channel::meta_inf_channel;
use crate::format::signing_block::BlockId;
use crate::format::signing_block::Pair;
use crate::format::zip::DirectoryRecord;
use crate::format::zip::EOCD_SIZE;
use crate::identity::Certificate;
use crate::scheme;
use crate::source::ByteSource;

use transparency::CodeFiles;

pub use crate::format::shape::Shape;
pub use frosting::built_in_frosting_keys;
pub use profile::Decoder;
pub use profile::Profile;
pub use profile::ProfilePlace;
pub use profile::Profiles;
pub use profile::Role;

/// How marks are read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MarkOptions {
    /// Caps on what the file may make us do.
    pub limits: Limits,
    /// The keys of Play frosting by their index: X.509 `SubjectPublicKeyInfo`, DER.
    pub frosting_keys: Vec<Vec<u8>>,
    /// What the caller knows of places that nobody has published.
    pub profiles: Profiles,
}

impl Default for MarkOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            frosting_keys: built_in_frosting_keys(),
            profiles: Profiles::default(),
        }
    }
}

/// What one file carries.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Marks {
    /// In the order of the file: pairs of the signing block, entries, the archive comment.
    pub marks: Vec<Mark>,
    /// Why not all of the file could be looked at.
    pub findings: Vec<Finding>,
    /// How many places were not looked at, because there are more than are looked at in one file.
    pub left_out: usize,
}

impl Marks {
    /// Everything that was found wrong: with the file, then mark by mark.
    pub fn all_findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().chain(self.marks.iter().flat_map(|mark| &mark.findings))
    }
}

/// One thing that somebody has left in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mark {
    /// What it is.
    pub kind: MarkKind,
    /// Where it stands.
    pub place: Place,
    /// Size of its content in bytes.
    pub size: u64,
    /// What it is worth.
    pub state: MarkState,
    /// What a verified signature covers.
    pub covers: Option<Coverage>,
    /// Why it has that state, in English: lower case, without a full stop.
    pub reason: Option<String>,
    /// What its bytes look like, where its kind does not say it.
    pub looks_like: Option<Shape>,
    /// The profile that knows the place.
    pub profile: Option<ProfileName>,
    /// What it says, in its order. Text of the file, raw.
    pub fields: Vec<Field>,
    /// Certificates of its signers, when [`Mark::state`] is [`MarkState::Verified`]. Never the app's signer: with
    /// [`Coverage::Code`] evidence of who wrote the code, otherwise of who made the mark.
    pub certificates: Vec<Certificate>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

/// What a mark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MarkKind {
    /// Channel of Meituan's Walle.
    WalleChannel,
    /// Channel of Tencent's VasDolly, in the signing block.
    VasdollyChannel,
    /// Channel of Tencent's VasDolly, in the archive comment.
    VasdollyComment,
    /// Channel of packer-ng, second form.
    PackerNgChannel,
    /// Channel in the name of an empty entry of `META-INF/`.
    MetaInfChannel,
    /// Dependencies of the app, encrypted to Google Play.
    DependencyInfo,
    /// Zeros that align the signing block.
    VerityPadding,
    /// "Zero block", whose writer nobody knows.
    ZeroBlock,
    /// What Google Play adds to the APKs that it hands out.
    PlayFrosting,
    /// The developer's signature over the code files.
    CodeTransparency,
    /// The name that bundletool gives to its v1 signature.
    BundletoolName,
    /// Token by which a developer proves to Google to own a package name.
    AdiRegistration,
    /// Something in a place that a profile knows.
    Profile,
    /// A pair of the signing block whose id nobody has published.
    UnknownBlock,
    /// A file of `META-INF/` of no known kind.
    UnknownEntry,
    /// An archive comment of no known kind.
    ArchiveComment,
}

impl MarkKind {
    /// The stable kebab-case name: `walle-channel`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WalleChannel => "walle-channel",
            Self::VasdollyChannel => "vasdolly-channel",
            Self::VasdollyComment => "vasdolly-comment",
            Self::PackerNgChannel => "packer-ng-channel",
            Self::MetaInfChannel => "meta-inf-channel",
            Self::DependencyInfo => "dependency-info",
            Self::VerityPadding => "verity-padding",
            Self::ZeroBlock => "zero-block",
            Self::PlayFrosting => "play-frosting",
            Self::CodeTransparency => "code-transparency",
            Self::BundletoolName => "bundletool-name",
            Self::AdiRegistration => "adi-registration",
            Self::Profile => "profile",
            Self::UnknownBlock => "unknown-block",
            Self::UnknownEntry => "unknown-entry",
            Self::ArchiveComment => "archive-comment",
        }
    }
}

/// What a mark is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MarkState {
    /// Nothing in it proves who wrote it: shown, never trusted.
    Claim,
    /// It cannot be verified here: encrypted, or signed in a way or with a key that is not known.
    Present,
    /// Its signature verifies; [`Mark::covers`] says over what.
    Verified,
    /// It is not what its form demands, or its signature does not verify.
    Broken,
}

impl MarkState {
    /// The stable name: `claim`, `present`, `verified`, `broken`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Present => "present",
            Self::Verified => "verified",
            Self::Broken => "broken",
        }
    }
}

/// What a verified signature in a mark covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Coverage {
    /// This file, but for its signing block, of which the v2 signature alone is covered.
    File,
    /// The code files of this APK: Dalvik bytecode and native libraries. Not manifest, resources or other files.
    Code,
    /// The content of the mark itself; what that says of this APK is not checked.
    OwnContent,
}

impl Coverage {
    /// The stable kebab-case name: `file`, `code`, `own-content`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Code => "code",
            Self::OwnContent => "own-content",
        }
    }
}

named!(MarkKind, MarkState, Coverage);

/// Where a mark stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A pair of the signing block.
    SigningBlock {
        /// Its id.
        id: BlockId,
        /// Where its value starts, in bytes from the start of the file.
        offset: u64,
    },
    /// A ZIP entry.
    Entry {
        /// Its name; what is not UTF-8 in it is replaced.
        name: String,
    },
    /// The comment of the archive, or a part of it.
    ArchiveComment {
        /// Where that starts, in bytes from the start of the file.
        offset: u64,
    },
}

/// The profile that knows a place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileName {
    /// What the profile calls the mark.
    pub name: String,
    /// Whose mark it says this is. Nothing is trusted for it.
    pub role: Option<Role>,
    /// How the mark was read.
    pub decoder: Decoder,
}

/// Something that a mark says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Field {
    /// Its name: of the decoder, or of the file where that names its values.
    pub name: String,
    /// Its value, as it stands in the file.
    pub value: String,
    /// Length of the value in bytes, when only its start is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_size: Option<usize>,
}

impl Field {
    /// A field; of a long name or value the first 4 KiB are kept.
    fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        const KEPT: usize = 4096;
        let (mut name, mut value): (String, String) = (name.into(), value.into());
        let full_size = Some(value.len()).filter(|len| *len > KEPT);
        cut(&mut name, KEPT);
        cut(&mut value, KEPT);
        Self { name, value, full_size }
    }
}

/// Cuts `text` to at most `len` bytes, between characters.
fn cut(text: &mut String, len: usize) {
    if text.len() <= len {
        return;
    }
    let end = (0..=len).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.truncate(end);
}

impl Mark {
    fn new(kind: MarkKind, place: Place, size: u64) -> Self {
        Self {
            kind,
            place,
            size,
            state: MarkState::Claim,
            covers: None,
            reason: None,
            looks_like: None,
            profile: None,
            fields: Vec::new(),
            certificates: Vec::new(),
            findings: Vec::new(),
        }
    }

    fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.fields.push(Field::new(name, value));
    }

    fn present(&mut self, reason: impl Into<String>) {
        self.state = MarkState::Present;
        self.reason = Some(reason.into());
    }

    fn verified(&mut self, covers: Coverage, certificates: Vec<Certificate>) {
        self.state = MarkState::Verified;
        self.covers = Some(covers);
        self.certificates = certificates;
    }

    fn broken(&mut self, finding: Finding) {
        self.state = MarkState::Broken;
        self.findings.push(finding);
    }

    /// A finding at the place of the mark.
    fn finding(&self, code: FindingCode) -> Finding {
        let finding = Finding::new(code);
        match &self.place {
            Place::SigningBlock { offset, .. } | Place::ArchiveComment { offset } => finding.offset(*offset),
            Place::Entry { name } => finding.entry(name.clone()),
        }
    }

    fn malformed(&mut self, code: FindingCode, detail: impl Into<String>) {
        let finding = self.finding(code).detail(detail);
        self.broken(finding);
    }
}

/// Reads every mark of the file in `source`.
///
/// A file that is no APK is `Ok`, with a finding.
///
/// # Errors
/// [`Error::Read`] and [`Error::Changed`] when the bytes cannot be had, or not twice the same.
pub fn read(source: &dyn ByteSource, options: &MarkOptions) -> Result<Marks, Error> {
    let marks = match Apk::open(source, &options.limits) {
        Ok(apk) => read_apk(&apk, options)?,
        Err(Stop::Malformed(finding)) => Marks { findings: vec![*finding], ..Marks::default() },
        Err(Stop::Error(error)) => return Err(error),
    };
    source.check_unchanged().map_err(Error::Changed)?;
    Ok(marks)
}

/// Reads every mark of an opened APK, whose limits count.
///
/// # Errors
/// As [`read`]; whether the file changed meanwhile is not asked.
pub fn read_apk(apk: &Apk<'_>, options: &MarkOptions) -> Result<Marks, Error> {
    let mut reading = Reading {
        apk,
        options,
        marks: Marks::default(),
        checks: Budget::new(CHECKS),
        looks: Budget::new(LOOKS),
        bytes: Budget::new(apk.limits().mark.saturating_mul(WHOLE_MARKS)),
        frosted: OnceCell::new(),
        code: OnceCell::new(),
    };
    for part in [Reading::signing_block, Reading::entries, Reading::comment] {
        match part(&mut reading) {
            Ok(()) => {}
            Err(Stop::Malformed(finding)) => reading.marks.findings.push(*finding),
            Err(Stop::Error(error)) => return Err(error),
        }
    }
    Ok(reading.marks)
}

/// Of something that costs time, so much is left to do for one file.
struct Budget(Cell<u64>);

impl Budget {
    fn new(amount: u64) -> Self {
        Self(Cell::new(amount))
    }

    /// Takes `amount`, unless less is left.
    fn spend(&self, amount: u64) -> bool {
        let left = self.0.get().checked_sub(amount);
        self.0.set(left.unwrap_or(self.0.get()));
        left.is_some()
    }

    /// Takes one.
    fn take(&self) -> bool {
        self.spend(1)
    }

    /// Takes what reading a key and checking a signature with it cost.
    fn take_check(&self, spki: &[u8], limits: &Limits) -> bool {
        let check = KeyKind::of_certificate(spki, limits).map_or(1, KeyKind::cost);
        self.spend(check.saturating_add(crypto::reading_cost(spki, limits)))
    }
}

/// Signatures of marks that are checked in one file, in the unit of [`KeyKind::cost`]. No honest file has as many.
const CHECKS: u64 = 100;
/// Files of `META-INF/` whose start is looked at. Real apps have a few hundred.
const LOOKS: u64 = 4096;
/// Marks that are read whole take so many times [`Limits::mark`] together.
const WHOLE_MARKS: u64 = 4;

/// Where the content of a mark comes from.
#[derive(Clone, Copy)]
enum Content<'a> {
    /// A range of the file.
    Range { offset: u64, len: u64 },
    /// An entry, inflated.
    Entry(&'a DirectoryRecord),
    /// Bytes at hand.
    Held(&'a [u8]),
}

impl Content<'_> {
    fn len(self) -> u64 {
        match self {
            Self::Range { len, .. } => len,
            Self::Entry(record) => u64::from(record.uncompressed_size),
            Self::Held(bytes) => bytes.len() as u64,
        }
    }
}

struct Reading<'a> {
    apk: &'a Apk<'a>,
    options: &'a MarkOptions,
    marks: Marks,
    checks: Budget,
    looks: Budget,
    /// Bytes of marks that are read whole.
    bytes: Budget,
    /// What frosting is over, computed once.
    frosted: OnceCell<Vec<u8>>,
    /// The code files with their digests, computed once.
    code: OnceCell<CodeFiles>,
}

impl Reading<'_> {
    fn limits(&self) -> &Limits {
        self.apk.limits()
    }

    /// The first `len` bytes, or all.
    fn start(&self, content: Content<'_>, len: u64) -> Result<Vec<u8>, Stop> {
        match content {
            Content::Range { offset, len: all } => Ok(self.apk.source().read_vec_at(offset, all.min(len))?),
            Content::Entry(record) => self.apk.entry_start(record, len),
            Content::Held(bytes) => {
                let len = usize::try_from(len).unwrap_or(usize::MAX);
                Ok(bytes.get(..len).unwrap_or(bytes).to_vec())
            }
        }
    }

    /// All bytes, unless there are more than `limit`, or than are left to be read of one file.
    fn whole(&self, content: Content<'_>, limit: u64) -> Result<Option<Vec<u8>>, Stop> {
        if content.len() > limit || !self.bytes.spend(content.len()) {
            return Ok(None);
        }
        self.start(content, limit).map(Some)
    }

    fn signing_block(&mut self) -> Result<(), Stop> {
        let apk = self.apk;
        let Some(block) = apk.signing_block()? else { return Ok(()) };
        for pair in block.pairs.iter().filter(|pair| !is_scheme(pair.id)) {
            self.pair(block, *pair)?;
        }
        Ok(())
    }

    fn pair(&mut self, block: &SigningBlock, pair: Pair) -> Result<(), Stop> {
        let (id, offset) = (pair.id, block.value_offset(pair));
        let place = Place::SigningBlock { id, offset };
        let content = Content::Range { offset, len: pair.len };
        if let Some(profile) = self.options.profiles.of_block(id) {
            return self.add_profiled(profile, place, content);
        }
        let kind = match id {
            BlockId::WALLE_CHANNEL => MarkKind::WalleChannel,
            BlockId::VASDOLLY_CHANNEL => MarkKind::VasdollyChannel,
            BlockId::PACKER_NG_CHANNEL => MarkKind::PackerNgChannel,
            BlockId::VERITY_PADDING => MarkKind::VerityPadding,
            BlockId::PLAY_FROSTING => MarkKind::PlayFrosting,
            BlockId::ZERO_BLOCK => MarkKind::ZeroBlock,
            BlockId::DEPENDENCY_INFO => MarkKind::DependencyInfo,
            _ => MarkKind::UnknownBlock,
        };
        self.add(Mark::new(kind, place, pair.len), |reading, mark| match kind {
            MarkKind::WalleChannel | MarkKind::VasdollyChannel | MarkKind::PackerNgChannel => {
                reading.channel(mark, content)
            }
            MarkKind::VerityPadding => reading.padding(mark, offset),
            MarkKind::PlayFrosting => reading.frosting(mark, block, content),
            MarkKind::DependencyInfo => {
                mark.present("encrypted to Google Play");
                Ok(())
            }
            _ => reading.unknown(mark, content),
        })
    }

    /// Zeros, or what stands in their place.
    fn padding(&self, mark: &mut Mark, offset: u64) -> Result<(), Stop> {
        const PIECE: u64 = 64 * 1024;
        let (mut done, mut first, mut count) = (0, None, 0_u64);
        while done < mark.size {
            let piece = self.apk.source().read_vec_at(offset + done, PIECE.min(mark.size - done))?;
            let at = piece.iter().position(|octet| *octet != 0).map(|at| offset + done + at as u64);
            first = first.or(at);
            count += piece.iter().filter(|octet| **octet != 0).count() as u64;
            done += piece.len() as u64;
        }
        if let Some(first) = first {
            // The finding is verification's, which looks at the signing block anyway.
            mark.state = MarkState::Broken;
            mark.reason = Some(format!("{count} bytes are not zero, the first of them at {first:#x}"));
            let start = self.start(Content::Range { offset, len: mark.size }, unknown::START)?;
            mark.looks_like = Some(Shape::of(&start, mark.size));
        }
        Ok(())
    }

    fn entries(&mut self) -> Result<(), Stop> {
        let apk = self.apk;
        let directory = apk.directory()?;
        let names: HashSet<&[u8]> = directory.records().iter().map(|record| directory.name(record)).collect();
        let mut bundletool = false;
        for record in directory.records() {
            let name = directory.name(record);
            let content = Content::Entry(record);
            let place = || Place::Entry { name: String::from_utf8_lossy(name).into_owned() };
            let mark = |kind| Mark::new(kind, place(), content.len());
            if let Some(profile) = self.options.profiles.of_entry(name) {
                self.add_profiled(profile, place(), content)?;
            } else if transparency::NAMES.contains(&name) {
                self.add(mark(MarkKind::CodeTransparency), |reading, mark| {
                    reading.transparency(mark, content)
                })?;
            } else if name == ADI_REGISTRATION {
                self.add(mark(MarkKind::AdiRegistration), |reading, mark| {
                    reading.adi_registration(mark, content)
                })?;
            } else if let Some(file) = name.strip_prefix(b"META-INF/") {
                let of_signature = unknown::is_jar_signature(file, &names);
                if of_signature && file.starts_with(b"BNDLTOOL.") && !bundletool {
                    bundletool = true;
                    self.add(mark(MarkKind::BundletoolName), |_, mark| {
                        mark.reason = Some(BUNDLETOOL.to_owned());
                        Ok(())
                    })?;
                } else if content.len() == 0 && meta_inf_channel(name).is_some() {
                    self.add(mark(MarkKind::MetaInfChannel), |_, mark| {
                        channel::in_name(mark, name);
                        Ok(())
                    })?;
                } else if !of_signature {
                    self.unknown_entry(file, content, || mark(MarkKind::UnknownEntry))?;
                }
            }
        }
        Ok(())
    }

    fn comment(&mut self) -> Result<(), Stop> {
        let apk = self.apk;
        let sections = apk.sections();
        let comment = sections.eocd.get(EOCD_SIZE..).unwrap_or_default();
        if comment.is_empty() {
            return Ok(());
        }
        let place = Place::ArchiveComment { offset: sections.eocd_offset + EOCD_SIZE as u64 };
        let content = Content::Held(comment);
        if let Some((profile, before)) = self.options.profiles.of_comment(comment) {
            return self.add_profiled(profile, place, Content::Held(before));
        }
        if comment.ends_with(VASDOLLY_COMMENT_MAGIC) {
            return self.add(Mark::new(MarkKind::VasdollyComment, place, content.len()), |_, mark| {
                channel::in_comment(mark, comment);
                Ok(())
            });
        }
        self.add(Mark::new(MarkKind::ArchiveComment, place, content.len()), |reading, mark| {
            reading.unknown(mark, content)
        })
    }

    fn adi_registration(&self, mark: &mut Mark, content: Content<'_>) -> Result<(), Stop> {
        mark.findings.push(mark.finding(FindingCode::AdiRegistrationToken));
        let token = self.start(content, self.limits().mark_text)?;
        mark.push("token", String::from_utf8_lossy(&token).trim_end());
        Ok(())
    }

    fn add_profiled(&mut self, profile: &Profile, place: Place, content: Content<'_>) -> Result<(), Stop> {
        let mark = Mark::new(MarkKind::Profile, place, content.len());
        self.add(mark, |reading, mark| reading.profiled(mark, profile, content))
    }

    /// Adds `mark`, once `fill` has read it. What of the file cannot be read is a fault of the mark alone.
    fn add(
        &mut self,
        mut mark: Mark,
        fill: impl FnOnce(&Self, &mut Mark) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        if self.marks.marks.len() >= self.limits().marks {
            self.marks.left_out = self.marks.left_out.saturating_add(1);
            return Ok(());
        }
        match fill(self, &mut mark) {
            Ok(()) => {}
            Err(Stop::Malformed(finding)) => mark.malformed(FindingCode::MarkMalformed, finding.message()),
            Err(stop) => return Err(stop),
        }
        self.marks.marks.push(mark);
        Ok(())
    }
}

/// The identity of a certificate that a mark carries.
///
/// # Errors
/// What is wrong with its encoding.
fn certificate(der: &[u8], limits: &Limits) -> Result<Certificate, String> {
    scheme::identify_certificate(der, limits).map_err(|error| error.to_string())
}

/// Whether pairs of this id are of a signature scheme or a source stamp, which have their own place in the result.
fn is_scheme(id: BlockId) -> bool {
    matches!(
        id,
        BlockId::V2
            | BlockId::V3
            | BlockId::V3_1
            | BlockId::V3_2
            | BlockId::SOURCE_STAMP_V1
            | BlockId::SOURCE_STAMP_V2
    )
}

/// Source: Android developer verification, "Verify package name ownership".
const ADI_REGISTRATION: &[u8] = b"assets/adi-registration.properties";

const BUNDLETOOL: &str =
    "bundletool names its v1 signature so: made from an app bundle, usually by the store that signs";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_and_stamps_are_no_marks() {
        let schemes = [BlockId::V2, BlockId::V3, BlockId::V3_1, BlockId::V3_2];
        let stamps = [BlockId::SOURCE_STAMP_V1, BlockId::SOURCE_STAMP_V2];
        for id in schemes.into_iter().chain(stamps) {
            let meaning = id.meaning().unwrap();
            assert!(is_scheme(id) && (meaning.contains("Scheme") || meaning.contains("stamp")), "{id}");
        }
        for id in [BlockId::VERITY_PADDING, BlockId::PLAY_FROSTING, BlockId::WALLE_CHANNEL, BlockId(0)] {
            assert!(!is_scheme(id), "{id}");
        }
    }

    #[test]
    fn a_field_is_cut_between_characters() {
        let field = Field::new("name", "渠".repeat(2000));
        assert_eq!((field.value.len(), field.full_size), (4095, Some(6000)));
        assert_eq!(Field::new("name", "x".repeat(4096)).full_size, None);
    }
}
