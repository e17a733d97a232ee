//! Whether Android sees the same app in `AndroidManifest.xml` as apksig and this crate.
//!
//! Verification goes by apksig's reading, and the package name by Android's. A manifest that reads in two ways could
//! show one app here and be another on a device, so it is refused. Looked at is what decides: the package name, and the
//! SDK levels and the sandbox version that verification goes by.
//!
//! Android's readings, in short:
//! - elements by their name alone, whatever their namespace; `<uses-sdk>` right below the root, and since Android 11
//!   also below some elements that it does not step over; nothing behind the end of the root;
//! - `package` by name, the first one without a namespace, as it stood in the source and not as the value beside it;
//! - other attributes by resource id, in ascending order of ids, so that one behind a larger id is not seen; ids of
//!   libraries are translated first;
//! - of several `<uses-sdk>` the last target level, where apksig takes the first; both take the highest minimum;
//! - strings in UTF-8 up to the first zero, and decoded without checks.
//!
//! Source: AOSP `PackageParser.java`, `ParsingPackageUtils.java`, `XmlBlock.java`, `AttributeResolution.cpp`,
//! `android_util_StringBlock.cpp`, `ResourceTypes.cpp`.

use super::ManifestFacts;
use super::manifest::MIN_SDK_VERSION;
use super::manifest::TARGET_SANDBOX_VERSION;
use super::manifest::TARGET_SDK_VERSION;
use crate::format::ParseError;
use crate::format::Text;
use crate::format::axml::Attribute;
use crate::format::axml::Element;
use crate::format::axml::Event;
use crate::format::axml::Reader;
use crate::format::axml::Value;

/// How many bytes of the text of a level are looked at.
const LONGEST: usize = 64;
/// How many bytes of a name are held against the names that matter. The longest of them, `application`, has eleven
/// letters, and Java makes a letter of up to four bytes.
const NAME_START: usize = 48;
/// Target level from which Android wants a signature of v2 or newer.
const TARGET_THAT_NEEDS_V2: i64 = 30;
/// Sandbox version from which it does.
const SANDBOX_THAT_NEEDS_V2: i64 = 2;

/// Why there are two readings.
pub(super) enum Fault {
    /// One of the readers refuses the document.
    Malformed(ParseError),
    /// They take different things from it, in words.
    Ambiguous(String),
}

impl From<ParseError> for Fault {
    fn from(error: ParseError) -> Self {
        Self::Malformed(error)
    }
}

/// Holds Android's reading against `facts`.
///
/// # Errors
/// In which way they differ.
pub(super) fn check(bytes: &[u8], facts: &ManifestFacts) -> Result<(), Fault> {
    let mut reader = Reader::new(bytes)?;
    let mut walk = Walk::default();
    while let Some(event) = reader.next_event()? {
        if let Event::Start(element) = event {
            walk.element(&element)?;
        }
    }
    walk.against(facts)
}

#[derive(Default)]
struct Walk {
    seen_root: bool,
    /// Whether what is walked now lies in the application, where Android looks for no `<uses-sdk>`.
    in_application: bool,
    /// Target level of the last `<uses-sdk>`, as far as it is a number.
    target_sdk: Option<Level>,
    /// Sandbox version of the root, likewise.
    target_sandbox: Option<Level>,
}

/// A number that an attribute gives to Android.
#[derive(Clone, Copy)]
enum Level {
    Number(i64),
    /// A code name, or a resource: it depends on the device.
    Unknown,
}

impl Walk {
    fn element(&mut self, element: &Element<'_>) -> Result<(), Fault> {
        if element.name.is_odd_within(NAME_START) {
            return ambiguous("an element has a name with a zero in it, or bytes that are not UTF-8");
        }
        if element.depth == 1 && std::mem::replace(&mut self.seen_root, true) {
            return ambiguous("there is a second root element, where Android stops reading");
        }
        if element.depth == 1 {
            return self.root(element);
        }
        if element.depth == 2 {
            self.in_application = element.name.is("application");
        }
        if !element.name.is("uses-sdk") || (self.in_application && element.depth > 2) {
            return Ok(());
        }
        if element.depth > 2 {
            return ambiguous("uses-sdk stands inside another element, where only some versions look for it");
        }
        if element.has_namespace {
            return ambiguous("uses-sdk has a namespace, which Android does not mind");
        }
        self.uses_sdk(element)
    }

    fn root(&mut self, element: &Element<'_>) -> Result<(), Fault> {
        let mut package = None;
        for attribute in element.attributes() {
            let name = attribute.name()?;
            attribute.namespace()?;
            if name.is_odd_within(NAME_START) {
                return ambiguous("an attribute has a name with a zero in it, or bytes that are not UTF-8");
            }
            if name.is("package") && package.replace(attribute).is_some() {
                return ambiguous("package stands there twice");
            }
        }
        if let Some(attribute) = package.filter(|attribute| !attribute.has_namespace()) {
            let text = attribute.text_by_name()?;
            if attribute.raw_text()?.is_some_and(|raw| Ok(Value::String(raw)) != attribute.value()) {
                return ambiguous("package has another value than its text, by which Android goes");
            }
            if text.is_some_and(|text| text.is_odd_within(usize::MAX)) {
                return ambiguous("package has a zero in it, or bytes that are not UTF-8");
            }
        }
        check_resource_ids(element, &[TARGET_SANDBOX_VERSION])?;
        self.target_sandbox = Some(level(element, TARGET_SANDBOX_VERSION)?.unwrap_or(Level::Number(1)));
        Ok(())
    }

    fn uses_sdk(&mut self, element: &Element<'_>) -> Result<(), Fault> {
        check_resource_ids(element, &[MIN_SDK_VERSION, TARGET_SDK_VERSION])?;
        let target = match level(element, TARGET_SDK_VERSION)? {
            Some(target) => target,
            None => level(element, MIN_SDK_VERSION)?.unwrap_or(Level::Number(1)),
        };
        self.target_sdk = Some(target);
        Ok(())
    }

    /// Holds what Android takes against what apksig takes, where it makes a difference to a rule.
    fn against(&self, facts: &ManifestFacts) -> Result<(), Fault> {
        let levels = [
            ("SDK level", self.target_sdk, facts.target_sdk, TARGET_THAT_NEEDS_V2),
            ("sandbox version", self.target_sandbox, facts.target_sandbox_version, SANDBOX_THAT_NEEDS_V2),
        ];
        for (what, android, ours, threshold) in levels {
            let Some(Level::Number(android)) = android else { continue };
            if (android >= threshold) != (i64::from(ours) >= threshold) {
                return ambiguous(&format!("the target {what} is {android} to Android and {ours} to apksig"));
            }
        }
        Ok(())
    }
}

fn ambiguous(what: &str) -> Result<(), Fault> {
    Err(Fault::Ambiguous(what.to_owned()))
}

/// Checks that Android sees the attributes of these resource ids, and no others in their place.
fn check_resource_ids(element: &Element<'_>, ids: &[u32]) -> Result<(), Fault> {
    // Those of the framework and of the app itself stay what they are; others are translated when the app is read.
    if element
        .attributes()
        .any(|attribute| !matches!(attribute.resource_id >> 24, 0x01 | 0x7f) && attribute.resource_id != 0)
    {
        return ambiguous("an attribute has a resource id of a library");
    }
    for id in ids {
        let Some(attribute) = element.by_resource_id(*id) else { continue };
        let name = match *id {
            MIN_SDK_VERSION => "minSdkVersion",
            TARGET_SDK_VERSION => "targetSdkVersion",
            _ => "targetSandboxVersion",
        };
        if element.by_resource_id_in_order(*id).is_none() {
            return ambiguous(&format!(
                "{name} stands behind a larger resource id, where Android does not see it"
            ));
        }
        if !text_agrees(&attribute)? {
            return ambiguous(&format!("{name} has another value than its text"));
        }
    }
    Ok(())
}

/// Whether the text beside a number or a string says the same. There is none in most manifests.
fn text_agrees(attribute: &Attribute<'_>) -> Result<bool, ParseError> {
    let Some(text) = attribute.raw_text()? else { return Ok(true) };
    Ok(match attribute.value()? {
        // Many elements may share long texts; a code name is short.
        Value::String(value) => value.start(LONGEST) == text.start(LONGEST) && text.start(LONGEST) == text,
        Value::Integer { value, .. } => number(&text) == Some(i64::from(value)),
        _ => true,
    })
}

/// A number as it stands in the source of a manifest.
fn number(text: &Text<'_>) -> Option<i64> {
    let text = text.start(LONGEST).decode();
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u32::from_str_radix(digits, 16).ok().map(|value| i64::from(value.cast_signed())),
        None => text.parse().ok(),
    }
}

/// The number that an attribute gives to Android; none without the attribute.
fn level(element: &Element<'_>, id: u32) -> Result<Option<Level>, ParseError> {
    let Some(attribute) = element.by_resource_id_in_order(id) else { return Ok(None) };
    Ok(match attribute.value()? {
        Value::Other(TYPE_NULL) => None,
        Value::String(_) | Value::Reference(_) | Value::Other(TYPE_ATTRIBUTE | TYPE_DYNAMIC_REFERENCE) => {
            Some(Level::Unknown)
        }
        // Whatever else it is, its data are taken for a number.
        _ => Some(Level::Number(i64::from(attribute.raw_value().data.cast_signed()))),
    })
}

// Of AOSP `ResourceTypes.h`, `Res_value`.
const TYPE_NULL: u8 = 0x00;
const TYPE_ATTRIBUTE: u8 = 0x02;
const TYPE_DYNAMIC_REFERENCE: u8 = 0x07;
