//! What the binary `AndroidManifest.xml` claims, by the rules of apksig.

use serde::Serialize;

use super::Apk;
use super::SplitFacts;
use super::Stop;
use super::ambiguity;
use super::ambiguity::Fault;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::format::ParseError;
use crate::format::Text;
use crate::format::axml::Element;
use crate::format::axml::Event;
use crate::format::axml::Reader;
use crate::format::axml::Value;
use crate::format::zip;
use crate::limits::Cap;

/// Name of the entry.
const NAME: &str = "AndroidManifest.xml";

// Resource ids of `android.R.attr`.
const DEBUGGABLE: u32 = 0x0101_000f;
pub(super) const MIN_SDK_VERSION: u32 = 0x0101_020c;
const VERSION_CODE: u32 = 0x0101_021b;
const VERSION_NAME: u32 = 0x0101_021c;
pub(super) const TARGET_SDK_VERSION: u32 = 0x0101_0270;
pub(super) const TARGET_SANDBOX_VERSION: u32 = 0x0101_054c;
const VERSION_CODE_MAJOR: u32 = 0x0101_0576;

/// What the manifest says. A claim until the file is verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ManifestFacts {
    /// `package` of `<manifest>`, of a very long one the start with `…`; empty when it is missing.
    pub package: String,
    /// `versionCodeMajor` in the upper 32 bits, `versionCode` in the lower.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_code: Option<u64>,
    /// `versionName`, when it stands there as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_name: Option<String>,
    /// Lowest API level; none when it cannot be told.
    ///
    /// Source: apksig `ApkUtils.getMinSdkVersionFromBinaryAndroidManifest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_sdk: Option<u32>,
    /// Target API level; the lowest one where none is given as a number.
    ///
    /// Source: apksig `ApkUtils.getTargetSdkVersionFromBinaryAndroidManifest`.
    pub target_sdk: u32,
    /// `targetSandboxVersion`; 1 unless said otherwise.
    pub target_sandbox_version: u32,
    /// Whether `<application android:debuggable>` is true.
    pub debuggable: bool,
    /// Which part of an app the file is, and which others it needs.
    pub split: SplitFacts,
}

/// The manifest, and what is wrong with it.
#[derive(Debug, Clone)]
pub(crate) struct ReadManifest {
    pub(crate) facts: ManifestFacts,
    /// Why `facts.min_sdk` is missing.
    pub(crate) min_sdk_fault: Option<Finding>,
    /// Why Android may see another app in it, or none. No package is named then.
    pub(crate) ambiguity: Option<Finding>,
}

impl Apk<'_> {
    /// Reads the manifest; `Ok(None)` when there is no such entry.
    ///
    /// # Errors
    /// [`Stop::Malformed`] when the entry cannot be read as ZIP. What is wrong with its content is in the result.
    pub(crate) fn manifest(&self) -> Result<Option<ReadManifest>, Stop> {
        Ok(self.manifest_bytes()?.map(|bytes| read(&bytes)))
    }

    /// The bytes of the manifest; `Ok(None)` when there is no such entry.
    pub(super) fn manifest_bytes(&self) -> Result<Option<Vec<u8>>, Stop> {
        let Some(record) = self.directory()?.find(NAME) else { return Ok(None) };
        let cap = Cap::new("android-manifest", self.limits.android_manifest);
        if ![zip::METHOD_STORED, zip::METHOD_DEFLATED].contains(&record.method)
            && let Some(bytes) = self.asset_to_vec(record, NAME, cap)?
            && read(&bytes).is_well_formed()
        {
            return Ok(Some(bytes));
        }
        self.entry_to_vec(record, NAME, cap).map(Some)
    }
}

impl ReadManifest {
    fn is_well_formed(&self) -> bool {
        self.min_sdk_fault.as_ref().is_none_or(|fault| fault.code != FindingCode::ManifestMalformed)
    }
}

/// The finding for an archive without the entry.
pub(crate) fn missing() -> Finding {
    Finding::new(FindingCode::ManifestMissing).entry(NAME)
}

/// The finding for a manifest that is not well-formed.
pub(super) fn malformed(detail: String) -> Finding {
    Finding::new(FindingCode::ManifestMalformed).entry(NAME).detail(detail)
}

/// What the bytes of the manifest say.
pub(super) fn read(bytes: &[u8]) -> ReadManifest {
    let mut facts = ManifestFacts {
        package: String::new(),
        version_code: None,
        version_name: None,
        min_sdk: None,
        target_sdk: 1,
        target_sandbox_version: 1,
        debuggable: false,
        split: SplitFacts::default(),
    };
    let mut walk = Walk::default();
    let outcome = walk.document(bytes, &mut facts);
    let is_malformed = outcome.is_err();
    if is_malformed {
        // Android installs no such app, so what was seen of it until then names nobody.
        facts.package.clear();
    }
    let min_sdk = match (outcome, walk.min_sdk) {
        (Err(error), _) => Err(malformed(error.to_string())),
        (Ok(()), Err(fault)) => Err(Finding::new(FindingCode::MinSdkUndetermined).entry(NAME).detail(fault)),
        (Ok(()), Ok(min_sdk)) => Ok(min_sdk.unwrap_or(1)),
    };
    facts.min_sdk = min_sdk.as_ref().ok().copied();
    facts.target_sdk = match walk.target_sdk {
        TargetSdk::Level(target) => target,
        TargetSdk::NotSeen | TargetSdk::NotANumber => facts.min_sdk.unwrap_or(1),
    };
    let ambiguity = match ambiguity::check(bytes, &facts) {
        _ if is_malformed => None,
        Ok(()) => None,
        Err(Fault::Malformed(error)) => Some(malformed(error.to_string())),
        Err(Fault::Ambiguous(what)) => {
            Some(Finding::new(FindingCode::ManifestAmbiguous).entry(NAME).detail(what))
        }
    };
    if ambiguity.is_some() {
        facts.package.clear();
    }
    ReadManifest { facts, min_sdk_fault: min_sdk.err(), ambiguity }
}

/// The target SDK level, as far as it has been seen.
#[derive(Clone, Copy)]
enum TargetSdk {
    NotSeen,
    /// A code name or another type, which apksig cannot take as a number.
    NotANumber,
    Level(u32),
}

/// What has been seen so far.
struct Walk {
    /// The largest `minSdkVersion` of any `<uses-sdk>`, or why one of them cannot be told.
    min_sdk: Result<Option<u32>, String>,
    /// The first `targetSdkVersion`.
    target_sdk: TargetSdk,
    version_codes: (Option<i32>, Option<i32>),
    seen_root: bool,
    seen_sandbox: bool,
    seen_application: bool,
}

impl Default for Walk {
    fn default() -> Self {
        Self {
            min_sdk: Ok(None),
            target_sdk: TargetSdk::NotSeen,
            version_codes: (None, None),
            seen_root: false,
            seen_sandbox: false,
            seen_application: false,
        }
    }
}

impl Walk {
    fn document(&mut self, bytes: &[u8], facts: &mut ManifestFacts) -> Result<(), ParseError> {
        let mut reader = Reader::new(bytes)?;
        while let Some(event) = reader.next_event()? {
            let Event::Start(element) = event else { continue };
            if element.name.is("manifest") {
                self.manifest(&element, facts)?;
            } else if element.name.is("uses-sdk") {
                self.uses_sdk(&element)?;
            } else if element.name.is("application") && element.depth == 2 && !self.seen_application {
                self.seen_application = true;
                facts.debuggable = debuggable(&element);
            }
        }
        if let (major, Some(code)) = self.version_codes {
            let major = u64::from(major.unwrap_or(0).cast_unsigned());
            facts.version_code = Some((major << 32) | u64::from(code.cast_unsigned()));
        }
        Ok(())
    }

    fn manifest(&mut self, element: &Element<'_>, facts: &mut ManifestFacts) -> Result<(), ParseError> {
        // apksig takes the first element of that name that has the attribute, at any depth.
        if let (false, Some(attribute)) = (self.seen_sandbox, element.by_resource_id(TARGET_SANDBOX_VERSION))
        {
            self.seen_sandbox = true;
            if let Ok(Value::Integer { value, .. }) = attribute.value() {
                facts.target_sandbox_version = u32::try_from(value).unwrap_or(0);
            }
        }
        if element.depth != 1 || std::mem::replace(&mut self.seen_root, true) {
            return Ok(());
        }
        // The one attribute that Android reads by its name, and as text: apksig takes the value, which can differ.
        for attribute in element.attributes() {
            if !attribute.has_namespace() && attribute.name()?.is("package") {
                if let Ok(Some(text)) = attribute.text_by_name() {
                    facts.package = text.shown();
                }
                break;
            }
        }
        let value = |id| element.by_resource_id_in_order(id).and_then(|attribute| attribute.value().ok());
        let number = |id| match value(id) {
            Some(Value::Integer { value, .. }) => Some(value),
            _ => None,
        };
        facts.split = SplitFacts::read(element);
        self.version_codes = (number(VERSION_CODE_MAJOR), number(VERSION_CODE));
        if let Some(Value::String(text)) = value(VERSION_NAME) {
            facts.version_name = Some(decode_start(text, MOST_VERSION_NAME));
        }
        Ok(())
    }

    fn uses_sdk(&mut self, element: &Element<'_>) -> Result<(), ParseError> {
        if let (TargetSdk::NotSeen, Some(attribute)) =
            (self.target_sdk, element.by_resource_id(TARGET_SDK_VERSION))
        {
            self.target_sdk = match attribute.value() {
                Ok(Value::Integer { value, .. }) => TargetSdk::Level(u32::try_from(value).unwrap_or(0)),
                _ => TargetSdk::NotANumber,
            };
        }
        if element.depth != 2 || element.has_namespace {
            return Ok(());
        }
        let level =
            match element.by_resource_id(MIN_SDK_VERSION).map(|attribute| attribute.value()).transpose()? {
                None => Ok(1),
                Some(Value::Integer { value, .. }) => Ok(u32::try_from(value).unwrap_or(0)),
                // The first letter tells, the others are for the message.
                Some(Value::String(text)) => level_of_codename(&decode_start(text, MOST_CODENAME)),
                Some(other) => Err(format!("minSdkVersion is {other:?}, neither a number nor a code name")),
            };
        // A number below 1 counts as 1: the default of the maximum over all elements.
        self.min_sdk = match (std::mem::replace(&mut self.min_sdk, Ok(None)), level) {
            (Ok(before), Ok(level)) => Ok(Some(before.unwrap_or(1).max(level))),
            (Err(fault), _) | (_, Err(fault)) => Err(fault),
        };
        Ok(())
    }
}

/// Version names are cut behind so many bytes. Real ones have fewer than 100.
const MOST_VERSION_NAME: usize = 4096;
/// Code names are cut behind so many bytes. Real ones have fewer than 20.
const MOST_CODENAME: usize = 64;

/// The text, or what of it stands in the first `len` bytes, with `…` for the others.
fn decode_start(text: Text<'_>, len: usize) -> String {
    let mut decoded = text.start(len).decode().into_owned();
    if text.len() > len {
        decoded.push('…');
    }
    decoded
}

/// apksig goes by the string form, so a hexadecimal 1 (`0x1`) is not true.
fn debuggable(element: &Element<'_>) -> bool {
    let Some(attribute) = element.by_resource_id(DEBUGGABLE) else { return false };
    match attribute.value() {
        Ok(Value::Boolean(value)) => value,
        Ok(Value::Integer { value, hexadecimal }) => value == 1 && !hexadecimal,
        Ok(Value::String(text)) => ["true", "TRUE", "1"].iter().any(|truth| text.is(truth)),
        _ => false,
    }
}

/// The level last released before the platform of that code name, by its first letter.
///
/// Source: apksig `ApkUtils.getMinSdkVersionForCodename`.
fn level_of_codename(codename: &str) -> Result<u32, String> {
    const LEVELS: [(char, u32); 13] = [
        ('C', 2),
        ('D', 3),
        ('E', 4),
        ('F', 7),
        ('G', 8),
        ('H', 10),
        ('I', 13),
        ('J', 15),
        ('K', 18),
        ('L', 20),
        ('M', 22),
        ('N', 23),
        ('O', 25),
    ];
    let letter = codename
        .chars()
        .next()
        .filter(char::is_ascii_uppercase)
        .ok_or_else(|| format!("minSdkVersion is {codename:?}, not a code name of a platform"))?;
    Ok(match LEVELS.iter().rev().find(|(first, _)| *first <= letter) {
        None => 1,
        Some((first, level)) => level + (u32::from(letter) - u32::from(*first)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_names_give_the_level_before_them() {
        for (name, level) in
            [("A", 1), ("B", 1), ("C", 2), ("MNC", 22), ("N", 23), ("O", 25), ("P", 26), ("Tiramisu", 30)]
        {
            assert_eq!(level_of_codename(name), Ok(level), "{name}");
        }
        for name in ["", "n", "1", "Ñ"] {
            assert!(level_of_codename(name).is_err(), "{name:?}");
        }
    }

    fn chunk(kind: u16, header: &[u32], content: &[u8]) -> Vec<u8> {
        let header: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
        let header_size = u16::try_from(8 + header.len()).unwrap();
        let size = u32::from(header_size) + u32::try_from(content.len()).unwrap();
        [&kind.to_le_bytes()[..], &header_size.to_le_bytes(), &size.to_le_bytes(), &header, content].concat()
    }

    /// A document of elements, each with attributes that all have the resource id, or the name `package`, and one value.
    fn document(elements: &[(&str, usize)], resource_id: u32, value: &str) -> Vec<u8> {
        const NONE: u32 = u32::MAX;
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        let attribute = if resource_id == 0 { "package" } else { "attribute" };
        let strings = [attribute, "manifest", "uses-sdk", value];
        let mut offsets = Vec::new();
        let mut data = Vec::new();
        for string in strings {
            offsets.push(u32::try_from(data.len()).unwrap());
            let [low, high] =
                [string.len() & 0xffff, string.len() >> 16].map(|half| u16::try_from(half).unwrap());
            data.extend([high | 0x8000, low].map(u16::to_le_bytes).concat());
            data.extend(string.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
        }
        data.resize(data.len().next_multiple_of(4), 0);
        let pool = chunk(1, &[4, 0, 0, 28 + 16, 0], &[words(&offsets), data].concat());
        let mut chunks = vec![pool, chunk(0x0180, &[], &words(&[resource_id]))];
        for (name, attributes) in elements {
            let name = u32::try_from(strings.iter().position(|string| string == name).unwrap()).unwrap();
            let mut content = words(&[NONE, name]);
            content.extend(
                [20, 20, u16::try_from(*attributes).unwrap(), 0, 0, 0].map(u16::to_le_bytes).concat(),
            );
            content.extend(words(&[NONE, 0, NONE, 8 | 0x03 << 24, 3]).repeat(*attributes));
            chunks.push(chunk(0x0102, &[1, NONE], &content));
            if name == 2 {
                chunks.push(chunk(0x0103, &[1, NONE], &words(&[NONE, name])));
            }
        }
        chunk(3, &[], &chunks.concat())
    }

    #[test]
    fn texts_are_cut_and_say_so() {
        let facts = |resource_id, len: usize| {
            read(&document(&[("manifest", 1)], resource_id, &"a".repeat(len))).facts
        };
        let most = MOST_VERSION_NAME / 2;
        assert_eq!(facts(VERSION_NAME, most).version_name.unwrap(), "a".repeat(most));
        assert_eq!(facts(VERSION_NAME, most + 1).version_name.unwrap(), format!("{}…", "a".repeat(most)));
        assert_eq!(facts(0, most + 1).package, format!("{}…", "a".repeat(most)));
    }

    #[test]
    fn a_text_that_many_attributes_share_is_decoded_once() {
        for count in [1, 1000] {
            let bytes = document(&[("manifest", count)], VERSION_NAME, "1.0");
            let (steps, read) = crate::work::of(|| read(&bytes));
            assert_eq!(read.facts.version_name.as_deref(), Some("1.0"));
            assert_eq!(steps, 1, "{count} attributes");
        }
    }

    #[test]
    fn a_long_code_name_is_read_by_its_start() {
        let bytes = document(&[("manifest", 0), ("uses-sdk", 1)], MIN_SDK_VERSION, &"a".repeat(100_000));
        let fault = read(&bytes).min_sdk_fault.unwrap();
        let shown = "a".repeat(MOST_CODENAME / 2);
        assert_eq!(fault.detail, format!("minSdkVersion is \"{shown}…\", not a code name of a platform"));
        let bytes = document(&[("manifest", 0), ("uses-sdk", 1)], MIN_SDK_VERSION, &"O".repeat(100_000));
        assert_eq!(read(&bytes).facts.min_sdk, Some(25));
    }

    #[test]
    fn bytes_that_are_no_xml_leave_no_level() {
        let read = read(b"not xml");
        assert_eq!(read.facts.min_sdk, None);
        assert_eq!(read.min_sdk_fault.unwrap().code, FindingCode::ManifestMalformed);
    }
}
