//! What was seen, with a stable code, a place and values.
//!
//! A finding never describes our run: what keeps the tool from looking is an [`crate::Error`]. Text that stems from
//! the file is kept raw here and escaped by whoever writes it out.

mod code;
mod list;

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

pub use code::FindingCode;
pub(crate) use list::FindingList;

/// The API level that stands for "no upper bound": Java's `Integer.MAX_VALUE`.
pub const MAX_SDK: u32 = 0x7fff_ffff;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing; changes nothing.
    Note,
    /// Worth a look; does not fail verification.
    Warning,
    /// Fails verification, or decides a verdict.
    Error,
}

impl Severity {
    /// `note`, `warning` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A way in which an APK, or what stands beside it, can be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SchemeId {
    /// JAR signing.
    V1,
    /// APK Signature Scheme v2.
    V2,
    /// APK Signature Scheme v3 (3.0).
    V3,
    /// APK Signature Scheme v3.1.
    V31,
    /// APK Signature Scheme v3.2, hybrid.
    V32,
    /// APK Signature Scheme v4.
    V4,
    /// The source stamp of a distributor.
    SourceStamp,
}

impl SchemeId {
    /// Short name, as in results: `v1`, `v2`, `v3`, `v3.1`, `v3.2`, `v4`, `stamp`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::V3 => "v3",
            Self::V31 => "v3.1",
            Self::V32 => "v3.2",
            Self::V4 => "v4",
            Self::SourceStamp => "stamp",
        }
    }

    /// Whether its signers stand in the APK Signing Block and sign the content of the whole file.
    pub(crate) fn is_of_signing_block(self) -> bool {
        matches!(self, Self::V2 | Self::V3 | Self::V31 | Self::V32)
    }

    /// The name in Android's documentation: `JAR signing`, `APK Signature Scheme v2`, …
    pub fn long_name(self) -> &'static str {
        match self {
            Self::V1 => "JAR signing",
            Self::V2 => "APK Signature Scheme v2",
            Self::V3 => "APK Signature Scheme v3",
            Self::V31 => "APK Signature Scheme v3.1",
            Self::V32 => "APK Signature Scheme v3.2",
            Self::V4 => "APK Signature Scheme v4",
            Self::SourceStamp => "SourceStamp",
        }
    }
}

impl fmt::Display for SchemeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for SchemeId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Which signer of a scheme a finding speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SignerPlace {
    /// From 0, in the order of the file.
    pub index: usize,
    /// v1: name of the signature block file without its folder, `CERT.RSA`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// v3 and newer: the API levels that the signer says it is for, lowest and highest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sdk_range: Option<(i32, i32)>,
    /// v1: an ignored signer, whose errors do not fail the file.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ignored: bool,
}

/// Where in the file a finding stands. Everything is optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Location {
    /// The scheme that was being verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<SchemeId>,
    /// The signer of that scheme.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<SignerPlace>,
    /// Name of a file beside the APK, as the caller named it, when the finding speaks of that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Name of a ZIP entry, as it stands in the file; of a very long one the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<String>,
    /// Offset in bytes from the start of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The API levels concerned, lowest and highest; [`MAX_SDK`] means no upper bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_levels: Option<(u32, u32)>,
}

/// What a finding says in Chinese where it is more than names and numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InChinese {
    /// The particulars.
    pub detail: Option<String>,
    /// What was expected.
    pub expected: Option<String>,
    /// What was found instead.
    pub actual: Option<String>,
}

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Its stable name.
    pub code: FindingCode,
    /// How much it weighs here.
    pub severity: Severity,
    /// Where it stands.
    pub location: Location,
    /// The particulars, in English: lower case, without a full stop. Empty when the summary of the code says all.
    pub detail: String,
    /// What was expected, when two values differ.
    pub expected: Option<String>,
    /// What was found instead.
    pub actual: Option<String>,
    /// The same in Chinese; of what it lacks the English is told.
    pub zh: Option<Box<InChinese>>,
}

impl Finding {
    /// A finding with the severity of its code and no place yet.
    pub fn new(code: FindingCode) -> Self {
        Self {
            code,
            severity: code.severity(),
            location: Location::default(),
            detail: String::new(),
            expected: None,
            actual: None,
            zh: None,
        }
    }

    /// Adds the particulars. Of this, as of every text in a finding, only the first 1000 bytes are kept; how many were
    /// cut is said.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = bounded(detail.into());
        self
    }

    /// Adds what was expected and what was found.
    #[must_use]
    pub fn values(mut self, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        self.expected = Some(bounded(expected.into()));
        self.actual = Some(bounded(actual.into()));
        self
    }

    /// Adds the particulars in Chinese.
    #[must_use]
    pub fn detail_zh(mut self, detail: impl Into<String>) -> Self {
        self.zh.get_or_insert_default().detail = Some(bounded(detail.into()));
        self
    }

    /// Adds in Chinese what was expected and what was found.
    #[must_use]
    pub fn values_zh(mut self, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        let zh = self.zh.get_or_insert_default();
        zh.expected = Some(bounded(expected.into()));
        zh.actual = Some(bounded(actual.into()));
        self
    }

    /// Names the scheme.
    #[must_use]
    pub fn scheme(mut self, scheme: SchemeId) -> Self {
        self.location.scheme = Some(scheme);
        self
    }

    /// Names the signer.
    #[must_use]
    pub fn signer(mut self, signer: SignerPlace) -> Self {
        self.location.signer = Some(signer);
        self
    }

    /// Names the file beside the APK.
    #[must_use]
    pub fn file(mut self, file: impl Into<String>) -> Self {
        self.location.file = Some(file.into());
        self
    }

    /// Names the ZIP entry.
    #[must_use]
    pub fn entry(mut self, entry: impl Into<String>) -> Self {
        self.location.entry = Some(bounded(entry.into()));
        self
    }

    /// Names the offset in the file.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> Self {
        self.location.offset = Some(offset);
        self
    }

    /// Names the API levels concerned.
    #[must_use]
    pub fn api_levels(mut self, lowest: u32, highest: u32) -> Self {
        self.location.api_levels = Some((lowest, highest));
        self
    }

    /// Gives it another weight than its code has.
    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Whether it fails verification or decides a verdict: an error, unless it speaks of a v1 signer that is ignored.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
            && !self.location.signer.as_ref().is_some_and(|signer| signer.ignored)
    }

    /// Summary, particulars, expected and actual in one English line.
    pub fn message(&self) -> String {
        let mut text = self.code.summary_en().to_owned();
        if !self.detail.is_empty() {
            text.push_str(": ");
            text.push_str(&self.detail);
        }
        if let (Some(expected), Some(actual)) = (&self.expected, &self.actual) {
            text.push_str(": expected ");
            text.push_str(expected);
            text.push_str(", actual ");
            text.push_str(actual);
        }
        text
    }
}

impl SignerPlace {
    /// The signer at `index`, from 0.
    pub fn new(index: usize) -> Self {
        Self { index, name: None, sdk_range: None, ignored: false }
    }

    /// Names it by its file.
    #[must_use]
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.name = Some(bounded(name.to_owned()));
        self
    }
}

/// Texts of a finding are cut behind so many bytes. Ten digests fit, and every name that people give to files.
const MOST_TEXT: usize = 1000;

/// The text, or its start and how much of it was cut: what stems from the file may be as long as the file likes.
fn bounded(text: String) -> String {
    match shortened(&text) {
        Cow::Owned(shortened) => shortened,
        Cow::Borrowed(_) => text,
    }
}

/// As every text in a finding is: for what a loop puts into many of them.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= MOST_TEXT {
        return Cow::Borrowed(text);
    }
    let end = (0..=MOST_TEXT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let (start, cut) = text.split_at_checked(end).unwrap_or((text, ""));
    Cow::Owned(format!("{start}… ({} more bytes)", cut.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let whole = "é".repeat(MOST_TEXT / 2);
        assert_eq!(bounded(whole.clone()), whole);
        assert_eq!(bounded(format!("{whole}é")), format!("{whole}… (2 more bytes)"));
        assert_eq!(
            bounded(format!("a{whole}")),
            format!("a{}… (2 more bytes)", "é".repeat(MOST_TEXT / 2 - 1))
        );
        let long = "x".repeat(5_000_000);
        let finding = Finding::new(FindingCode::ZipBadEntry).detail(&long).entry(&long).values(&long, &long);
        let finding = finding.signer(SignerPlace::new(0).named(&long));
        assert!(format!("{finding:?}").len() < 6000);
        assert!(finding.message().contains("x… (4999000 more bytes)"));
    }
}
