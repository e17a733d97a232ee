//! What an app calls itself: labels, icons, versions and what else tells it from others, as the platform reads them.
//!
//! Read on demand, and apart from verification: `AndroidManifest.xml` once more, by the platform's rules for
//! attributes, and `resources.arsc` where the manifest refers to it. All of it is a claim until the file is verified.
//!
//! Source: AOSP `ParsingPackageUtils.java`, `ApkLiteParseUtils.java`, `PackageItemInfo.java`, `TypedArray.java`.

use std::fmt;

use serde::Serialize;

use super::Apk;
use super::ManifestFacts;
use super::ReadManifest;
use super::Stop;
use super::manifest;
use crate::Limits;
use crate::finding::Finding;
use crate::finding::FindingCode;
use crate::format::ParseError;
use crate::format::Text;
use crate::format::arsc::Resolver;
use crate::format::arsc::ResourceId;
use crate::format::arsc::ResourceValue;
use crate::format::arsc::Table;
use crate::format::arsc::Unresolved;
use crate::format::axml::Attribute;
use crate::format::axml::Element;
use crate::format::axml::Event;
use crate::format::axml::Reader;
use crate::format::axml::Value;
use crate::format::resource_configuration::Configuration;
use crate::limits::Cap;
use crate::limits::Flag;

/// Name of the entry.
const RESOURCES: &str = "resources.arsc";
/// The API level of a device that runs any version.
const NEWEST: u16 = 10_000;

// Resource ids of `android.R.attr`.
const LABEL: u32 = 0x0101_0001;
const ICON: u32 = 0x0101_0002;
const NAME: u32 = 0x0101_0003;
const ENABLED: u32 = 0x0101_000e;
const DEBUGGABLE: u32 = 0x0101_000f;
const MIN_SDK_VERSION: u32 = 0x0101_020c;
const VERSION_CODE: u32 = 0x0101_021b;
const VERSION_NAME: u32 = 0x0101_021c;
const TARGET_SDK_VERSION: u32 = 0x0101_0270;
const TEST_ONLY: u32 = 0x0101_0272;
const ROUND_ICON: u32 = 0x0101_052c;
const IS_FEATURE_SPLIT: u32 = 0x0101_055b;
const COMPILE_SDK_VERSION: u32 = 0x0101_0572;
const COMPILE_SDK_VERSION_CODENAME: u32 = 0x0101_0573;
const VERSION_CODE_MAJOR: u32 = 0x0101_0576;

const ACTION_MAIN: &str = "android.intent.action.MAIN";
const CATEGORY_LAUNCHER: &str = "android.intent.category.LAUNCHER";

/// What an app calls itself. A claim until the file is verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppIdentity {
    /// Package name; empty when it is missing.
    pub package: String,
    /// `versionCodeMajor` in the upper 32 bits, `versionCode` in the lower.
    pub version_code: Option<u64>,
    /// `versionName`; none when it depends on the device, as for the platform.
    pub version_name: Option<String>,
    /// Lowest API level, as verification takes it.
    pub min_sdk: Option<u32>,
    /// The code name that stands for it.
    pub min_sdk_codename: Option<String>,
    /// Target API level, as verification takes it.
    pub target_sdk: u32,
    /// The code name that stands for it.
    pub target_sdk_codename: Option<String>,
    /// API level of the SDK that it was built with.
    pub compile_sdk: Option<u32>,
    /// Code name or version of that SDK.
    pub compile_sdk_codename: Option<String>,
    /// Whether the platform lets a debugger attach.
    pub debuggable: bool,
    /// Whether it is to be installed for tests alone.
    pub test_only: bool,
    /// The part of the app that this file is; none for a whole app, or its base.
    pub split: Option<Split>,
    /// `android:label` of the application.
    pub label: Label,
    /// `android:icon` of the application.
    pub icon: Icon,
    /// `android:roundIcon` of the application.
    pub round_icon: Icon,
    /// Activities, and aliases of them, that a launcher shows, in the order of the manifest.
    pub launchers: Vec<Launcher>,
    /// What could not be told, and why.
    pub findings: Vec<Finding>,
}

impl AppIdentity {
    /// A name to show: the label, else that of a launcher activity, else one that some devices show.
    pub fn display_label(&self) -> Option<&str> {
        let labels =
            || std::iter::once(&self.label).chain(self.launchers.iter().map(|launcher| &launcher.label));
        let anywhere = labels().find_map(|label| label.text.as_deref());
        anywhere.or_else(|| labels().flat_map(|label| &label.variants).map(|row| row.text.as_str()).next())
    }
}

/// A part of an app in a file of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Split {
    /// Name: `config.de`, `feature`.
    pub name: String,
    /// Whether it brings a feature, rather than resources or libraries for some devices.
    pub is_feature: bool,
    /// The feature that it configures; empty for the base.
    pub config_for: Option<String>,
}

/// A text that people see, on all devices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Label {
    /// What a phone of today shows whose language the app does not have; none when it has no text for it.
    pub text: Option<String>,
    /// The resource that the manifest names.
    pub resource: Option<ResourceId>,
    /// Every text that some device shows, by locale and then by qualifiers; empty unless it is a resource.
    pub variants: Vec<LabelVariant>,
}

/// A text for some devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LabelVariant {
    /// BCP-47 tag; empty for any locale.
    pub locale: String,
    /// What else it asks of a device, in the form of resource qualifiers: `mcc460-v21`; empty for nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub qualifiers: String,
    /// The text.
    pub text: String,
}

/// A picture, for all devices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Icon {
    /// The resource that the manifest names.
    pub resource: Option<ResourceId>,
    /// Every file that some device shows, by locale, density and then by qualifiers.
    pub files: Vec<IconFile>,
}

/// A picture for some devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct IconFile {
    /// BCP-47 tag; empty for any locale.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub locale: String,
    /// Dots per inch; 0 for none given, which counts as 160; 65534 for a drawing that scales to any density; 65535 for
    /// one that is not scaled.
    pub density: u16,
    /// What it asks of a device, in the form of resource qualifiers, density included: `xxhdpi`, `anydpi-v26`.
    pub qualifiers: String,
    /// Name of the ZIP entry, as the table gives it; it may not be there.
    pub path: String,
}

/// An activity that a launcher shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Launcher {
    /// Full name of the class, or of the alias.
    pub name: String,
    /// Whether it is enabled as long as the app does not change that.
    pub enabled: bool,
    /// Its own label; a launcher shows the application's where there is none.
    pub label: Label,
    /// Its own icon; likewise.
    pub icon: Icon,
}

impl Apk<'_> {
    /// Reads what the app calls itself.
    ///
    /// # Errors
    /// [`Stop::Malformed`] when there is no manifest or its entry cannot be read as ZIP. What is wrong with the content
    /// of the manifest and with the resource table is in [`AppIdentity::findings`].
    pub fn identity(&self) -> Result<AppIdentity, Stop> {
        self.described(self.limits, u64::MAX, |identity, _| Ok(identity))
    }

    /// Hands what [`Apk::identity`] tells, within other limits than those of the file and `lookups` of resources in all, to `then`,
    /// and who tells the files that a resource leads to.
    pub(super) fn described<T>(
        &self,
        limits: &Limits,
        lookups: u64,
        then: impl FnOnce(AppIdentity, &mut dyn FnMut(ResourceValue) -> Vec<IconFile>) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let bytes = self.manifest_bytes()?.ok_or_else(manifest::missing)?;
        let ReadManifest { facts, ambiguity, .. } = manifest::read(&bytes);
        let mut findings: Vec<Finding> = ambiguity.into_iter().collect();
        let claims = Claims::read(&bytes, limits.launcher_activities, &mut findings);
        let resources = if claims.refers() { self.resource_bytes(limits, &mut findings)? } else { None };
        let table = resources.as_deref().and_then(|bytes| match Table::parse(bytes, limits) {
            Ok(table) => Some(table),
            Err(error) => {
                findings.push(malformed(error.to_string()));
                None
            }
        });
        let resolver = table.as_ref().map(|table| Resolver::new(table, limits).of_at_most(lookups));
        let mut describe = Describe { resolver, lowest_sdk: lowest_sdk(&facts), findings };
        let identity = describe.identity(facts, &claims);
        then(identity, &mut |value| {
            describe.restart();
            describe.files(value)
        })
    }

    /// The resource table; none, with a finding, when there is none or it cannot be read.
    fn resource_bytes(&self, limits: &Limits, findings: &mut Vec<Finding>) -> Result<Option<Vec<u8>>, Stop> {
        let Some(record) = self.directory()?.find(RESOURCES) else {
            findings.push(malformed("there is none"));
            return Ok(None);
        };
        match self.entry_to_vec(record, RESOURCES, Cap::new("resource-table", limits.resource_table)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Stop::Malformed(finding)) => {
                findings.push(*finding);
                Ok(None)
            }
            Err(stop) => Err(stop),
        }
    }
}

fn malformed(detail: impl Into<String>) -> Finding {
    Finding::new(FindingCode::ResourcesMalformed).entry(RESOURCES).detail(detail)
}

/// The lowest API level that a device can have and still take the app.
fn lowest_sdk(facts: &ManifestFacts) -> u16 {
    facts.min_sdk.map_or(1, |min_sdk| u16::try_from(min_sdk).unwrap_or(NEWEST).clamp(1, NEWEST))
}

/// The attributes that matter, not looked up yet.
#[derive(Default)]
struct Claims<'a> {
    version_code: Option<Attribute<'a>>,
    version_code_major: Option<Attribute<'a>>,
    version_name: Option<Attribute<'a>>,
    compile_sdk: Option<Attribute<'a>>,
    compile_sdk_codename: Option<Attribute<'a>>,
    min_sdk: Option<Attribute<'a>>,
    target_sdk: Option<Attribute<'a>>,
    split: Option<Text<'a>>,
    config_for_split: Option<Text<'a>>,
    is_feature_split: Option<Attribute<'a>>,
    debuggable: Option<Attribute<'a>>,
    test_only: Option<Attribute<'a>>,
    label: Option<Attribute<'a>>,
    icon: Option<Attribute<'a>>,
    round_icon: Option<Attribute<'a>>,
    activities: Vec<Activity<'a>>,
}

/// An activity or an alias.
#[derive(Default)]
struct Activity<'a> {
    name: Option<Attribute<'a>>,
    enabled: Option<Attribute<'a>>,
    label: Option<Attribute<'a>>,
    icon: Option<Attribute<'a>>,
    launchable: bool,
    /// What its intent filter that is being read has.
    filter: (bool, bool),
}

/// Where in the document a walk is.
#[derive(Default)]
struct Place {
    manifest: bool,
    application: Seen,
    uses_sdk: Seen,
    activity: bool,
    filter: bool,
}

/// The first element of a name counts, and no other.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Seen {
    #[default]
    Not,
    Inside,
    Passed,
}

impl<'a> Claims<'a> {
    /// Reads the manifest as far as it is well-formed.
    fn read(bytes: &'a [u8], max_launchers: usize, findings: &mut Vec<Finding>) -> Self {
        let mut claims = Self::default();
        if let Err(error) = claims.walk(bytes) {
            findings.push(manifest::malformed(error.to_string()));
        }
        claims.activities.retain(|activity| activity.launchable);
        if claims.activities.len() > max_launchers {
            findings.push(Finding::new(FindingCode::LimitExceeded).detail("launcher activities").values(
                Cap::number("launcher-activities", max_launchers).in_words(""),
                claims.activities.len().to_string(),
            ));
            claims.activities.truncate(max_launchers);
        }
        claims
    }

    fn walk(&mut self, bytes: &'a [u8]) -> Result<(), ParseError> {
        let mut reader = Reader::new(bytes)?;
        let mut place = Place::default();
        let mut depth = 0_usize;
        while let Some(event) = reader.next_event()? {
            match event {
                Event::Start(element) => {
                    depth = element.depth;
                    self.start(&element, &mut place);
                }
                Event::End => {
                    self.end(depth, &mut place);
                    depth = depth.saturating_sub(1);
                }
            }
        }
        Ok(())
    }

    fn start(&mut self, element: &Element<'a>, place: &mut Place) {
        let attribute = |id| element.by_resource_id_in_order(id);
        match element.depth {
            1 => {
                place.manifest = element.name.is("manifest");
                if place.manifest {
                    self.version_code = attribute(VERSION_CODE);
                    self.version_code_major = attribute(VERSION_CODE_MAJOR);
                    self.version_name = attribute(VERSION_NAME);
                    self.compile_sdk = attribute(COMPILE_SDK_VERSION);
                    self.compile_sdk_codename = attribute(COMPILE_SDK_VERSION_CODENAME);
                    self.is_feature_split = attribute(IS_FEATURE_SPLIT);
                    self.split = by_name(element, false, "split");
                    self.config_for_split = by_name(element, false, "configForSplit");
                }
            }
            2 if place.manifest && element.name.is("application") && place.application == Seen::Not => {
                place.application = Seen::Inside;
                self.label = attribute(LABEL);
                self.icon = attribute(ICON);
                self.round_icon = attribute(ROUND_ICON);
                self.debuggable = attribute(DEBUGGABLE);
                self.test_only = attribute(TEST_ONLY);
            }
            2 if place.manifest && element.name.is("uses-sdk") && place.uses_sdk == Seen::Not => {
                place.uses_sdk = Seen::Passed;
                self.min_sdk = attribute(MIN_SDK_VERSION);
                self.target_sdk = attribute(TARGET_SDK_VERSION);
            }
            3 if place.application == Seen::Inside => {
                place.activity = element.name.is("activity") || element.name.is("activity-alias");
                if place.activity {
                    self.activities.push(Activity {
                        name: attribute(NAME),
                        enabled: attribute(ENABLED),
                        label: attribute(LABEL),
                        icon: attribute(ICON),
                        ..Activity::default()
                    });
                }
            }
            4 if place.activity => {
                place.filter = element.name.is("intent-filter");
                if let Some(activity) = self.activities.last_mut() {
                    activity.filter = (false, false);
                }
            }
            5 if place.filter => {
                let named = |text| by_name(element, true, "name").is_some_and(|name| name.is(text));
                if let Some(activity) = self.activities.last_mut() {
                    activity.filter.0 |= element.name.is("action") && named(ACTION_MAIN);
                    activity.filter.1 |= element.name.is("category") && named(CATEGORY_LAUNCHER);
                    activity.launchable |= activity.filter == (true, true);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, depth: usize, place: &mut Place) {
        match depth {
            1 => place.manifest = false,
            2 if place.application == Seen::Inside => place.application = Seen::Passed,
            3 if place.activity => {
                place.activity = false;
                // Nothing is kept of the many that no launcher shows.
                if self.activities.last().is_some_and(|last| !last.launchable) {
                    self.activities.pop();
                }
            }
            4 => place.filter = false,
            _ => {}
        }
    }

    /// Whether anything refers to the resource table.
    fn refers(&self) -> bool {
        let own = [
            &self.version_code,
            &self.version_code_major,
            &self.version_name,
            &self.compile_sdk,
            &self.compile_sdk_codename,
            &self.is_feature_split,
            &self.debuggable,
            &self.test_only,
            &self.label,
            &self.icon,
            &self.round_icon,
        ];
        let activities = self
            .activities
            .iter()
            .flat_map(|activity| [&activity.name, &activity.enabled, &activity.label, &activity.icon]);
        let mut all = own.into_iter().chain(activities).flatten();
        all.any(|attribute| attribute.raw_value().reference().is_some())
    }
}

/// The text of the first attribute of that name.
fn by_name<'a>(element: &Element<'a>, namespace: bool, name: &str) -> Option<Text<'a>> {
    let mut attributes = element.attributes();
    let found = attributes.find(|attribute| {
        attribute.has_namespace() == namespace && attribute.name().is_ok_and(|found| found.is(name))
    });
    found?.text_by_name().ok()?
}

/// Looks up what the manifest claims, and notes what cannot be told.
struct Describe<'t, 'a> {
    resolver: Option<Resolver<'t, 'a>>,
    lowest_sdk: u16,
    findings: Vec<Finding>,
}

/// A value, and whether it depends on the device.
struct Found<'a> {
    value: FoundValue<'a>,
    varies: bool,
}

enum FoundValue<'a> {
    Text(Text<'a>),
    Other(ResourceValue),
}

/// Why there is no value.
enum Fault {
    Unresolved(Unresolved),
    Malformed(ParseError),
    /// There is no resource table, for which there is a finding already.
    NoTable,
    /// A value of this type is none that is expected.
    Kind(u8),
}

impl From<Unresolved> for Fault {
    fn from(unresolved: Unresolved) -> Self {
        Self::Unresolved(unresolved)
    }
}

impl From<ParseError> for Fault {
    fn from(error: ParseError) -> Self {
        Self::Malformed(error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unresolved(unresolved) => unresolved.fmt(f),
            Self::Malformed(error) => error.fmt(f),
            Self::NoTable => f.write_str("there is no resource table"),
            Self::Kind(kind) => write!(f, "a value of type {kind:#04x} is none that it can have"),
        }
    }
}

impl<'t, 'a: 't> Describe<'t, 'a> {
    fn identity(&mut self, facts: ManifestFacts, claims: &Claims<'a>) -> AppIdentity {
        let split = claims.split.map(|name| Split {
            name: name.shown(),
            is_feature: self.boolean("isFeatureSplit", claims.is_feature_split).unwrap_or(false),
            config_for: claims.config_for_split.map(|name| name.shown()),
        });
        let code = self.integer("versionCode", claims.version_code);
        let major = self.integer("versionCodeMajor", claims.version_code_major).unwrap_or(0);
        let label = self.label("label", claims.label);
        let icon = self.icon("icon", claims.icon);
        let round_icon = self.icon("roundIcon", claims.round_icon);
        let launchers =
            claims.activities.iter().map(|activity| self.launcher(activity, &facts.package)).collect();
        let identity = AppIdentity {
            version_code: code
                .map(|code| (u64::from(major.cast_unsigned()) << 32) | u64::from(code.cast_unsigned())),
            version_name: self.fixed_text("versionName", claims.version_name),
            min_sdk: facts.min_sdk,
            min_sdk_codename: codename(claims.min_sdk),
            target_sdk: facts.target_sdk,
            target_sdk_codename: codename(claims.target_sdk),
            compile_sdk: self
                .integer("compileSdkVersion", claims.compile_sdk)
                .and_then(|level| u32::try_from(level).ok()),
            compile_sdk_codename: self.fixed_text("compileSdkVersionCodename", claims.compile_sdk_codename),
            debuggable: self.boolean("debuggable", claims.debuggable).unwrap_or(false),
            test_only: self.boolean("testOnly", claims.test_only).unwrap_or(false),
            package: facts.package,
            split,
            label,
            icon,
            round_icon,
            launchers,
            findings: Vec::new(),
        };
        if self.resolver.as_ref().is_some_and(Resolver::is_exhausted) {
            let finding = Finding::new(FindingCode::LimitExceeded).entry(RESOURCES);
            let most = format!("fewer look-ups{}", Flag(Some("resource-lookups")));
            self.findings.push(finding.detail("looking up labels and icons").values(most, "more"));
        }
        AppIdentity { findings: std::mem::take(&mut self.findings), ..identity }
    }

    fn launcher(&mut self, activity: &Activity<'a>, package: &str) -> Launcher {
        Launcher {
            name: class_name(&self.fixed_text("name", activity.name).unwrap_or_default(), package),
            enabled: self.boolean("enabled", activity.enabled).unwrap_or(true),
            label: self.label("label of a launcher activity", activity.label),
            icon: self.icon("icon of a launcher activity", activity.icon),
        }
    }

    /// A text for every device that sees one of its own.
    fn label(&mut self, what: &str, attribute: Option<Attribute<'a>>) -> Label {
        let Some(attribute) = attribute else { return Label::default() };
        self.restart();
        let text =
            self.find(attribute, &Configuration::phone(NEWEST)).and_then(|found| text_of(&found.value));
        let mut variants = Vec::new();
        for configuration in self.configurations(attribute.raw_value()) {
            let value = self.for_configuration(attribute.raw_value(), &configuration);
            if let Some(text) = value.and_then(|value| text_of(&value).ok().flatten()) {
                let locale = configuration.locale.to_string();
                variants.push(LabelVariant { locale, qualifiers: configuration.qualifiers(), text });
            }
        }
        // A label in some languages only is one that can be told.
        let text = match text {
            Err(Fault::Unresolved(Unresolved::Missing(_))) if !variants.is_empty() => None,
            text => self.told(what, text).flatten(),
        };
        Label { text, resource: attribute.raw_value().reference(), variants }
    }

    /// A file for every device that sees one of its own.
    fn icon(&mut self, what: &str, attribute: Option<Attribute<'a>>) -> Icon {
        let Some(attribute) = attribute else { return Icon::default() };
        self.restart();
        let files = self.files(attribute.raw_value());
        if files.is_empty() {
            let found = self.find(attribute, &Configuration::phone(NEWEST)).map(|_| None::<String>);
            self.told(what, found);
        }
        Icon { resource: attribute.raw_value().reference(), files }
    }

    /// The files that `value` leads to, each for the devices that see it.
    fn files(&mut self, value: ResourceValue) -> Vec<IconFile> {
        let mut files = Vec::new();
        for configuration in self.configurations(value) {
            if let Some(FoundValue::Text(path)) = self.for_configuration(value, &configuration) {
                files.push(IconFile {
                    locale: configuration.locale.to_string(),
                    density: configuration.density,
                    qualifiers: configuration.qualifiers(),
                    path: path.shown(),
                });
            }
        }
        files
    }

    /// A text that must not depend on the device, or is none.
    ///
    /// Source: AOSP `TypedArray.getNonConfigurationString`.
    fn fixed_text(&mut self, what: &str, attribute: Option<Attribute<'a>>) -> Option<String> {
        self.restart();
        let found = self.find(attribute?, &Configuration::phone(NEWEST));
        let text = found.and_then(|found| if found.varies { Ok(None) } else { text_of(&found.value) });
        self.told(what, text).flatten()
    }

    /// Source: AOSP `TypedArray.getInteger`.
    fn integer(&mut self, what: &str, attribute: Option<Attribute<'a>>) -> Option<i32> {
        self.restart();
        let found = self.find(attribute?, &Configuration::phone(NEWEST));
        let integer = found.and_then(|found| match found.value {
            FoundValue::Text(_) => Err(Fault::Kind(ResourceValue::STRING)),
            FoundValue::Other(ResourceValue { kind: ResourceValue::NULL, .. }) => Ok(None),
            FoundValue::Other(value) => value.integer().map(Some).ok_or(Fault::Kind(value.kind)),
        });
        self.told(what, integer).flatten()
    }

    /// Source: AOSP `TypedArray.getBoolean`, `XmlUtils.convertValueToBoolean`.
    fn boolean(&mut self, what: &str, attribute: Option<Attribute<'a>>) -> Option<bool> {
        self.restart();
        let found = self.find(attribute?, &Configuration::phone(NEWEST));
        let boolean = found.map(|found| match found.value {
            FoundValue::Text(text) => Some(["1", "true", "TRUE"].contains(&text.shown().as_str())),
            FoundValue::Other(ResourceValue { kind: ResourceValue::NULL, .. }) => None,
            FoundValue::Other(value) => Some(value.integer().is_some_and(|integer| integer != 0)),
        });
        self.told(what, boolean).flatten()
    }

    /// What one attribute costs does not make the next too expensive.
    fn restart(&mut self) {
        if let Some(resolver) = &mut self.resolver {
            resolver.restart();
        }
    }

    /// The configurations for which `value` leads to one of their own; none unless it refers to a resource.
    fn configurations(&mut self, value: ResourceValue) -> Vec<Configuration> {
        let Some(resolver) = &mut self.resolver else { return Vec::new() };
        resolver.configurations(value).into_iter().collect()
    }

    /// What a phone that fits `configuration` gets, if it is meant for just that one.
    fn for_configuration(
        &mut self,
        value: ResourceValue,
        configuration: &Configuration,
    ) -> Option<FoundValue<'a>> {
        let resolver = self.resolver.as_mut()?;
        let mut device = Configuration::phone(self.lowest_sdk).with(configuration);
        device.sdk = device.sdk.max(self.lowest_sdk);
        let resolved = resolver.resolve(value, &device).ok()?;
        if resolved.configuration != *configuration {
            return None;
        }
        found_value(resolver.table(), resolved.value).ok()
    }

    /// What a device gets.
    fn find(&mut self, attribute: Attribute<'a>, device: &Configuration) -> Result<Found<'a>, Fault> {
        if let Value::String(text) = attribute.value()? {
            return Ok(Found { value: FoundValue::Text(text), varies: false });
        }
        let value = attribute.raw_value();
        if value.reference().is_none() {
            return Ok(Found { value: FoundValue::Other(value.or_null()), varies: false });
        }
        let resolver = self.resolver.as_mut().ok_or(Fault::NoTable)?;
        let resolved = resolver.resolve(value, device)?;
        Ok(Found { value: found_value(resolver.table(), resolved.value)?, varies: resolved.varies })
    }

    /// Notes why there is no value.
    fn told<T>(&mut self, what: &str, result: Result<T, Fault>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            // For these there is one finding, not one for each.
            Err(Fault::NoTable | Fault::Unresolved(Unresolved::TooExpensive)) => None,
            Err(fault) => {
                let finding =
                    Finding::new(FindingCode::ResourceUnresolved).detail(format!("{what}: {fault}"));
                self.findings.push(finding);
                None
            }
        }
    }
}

fn found_value<'a>(table: &Table<'a>, value: ResourceValue) -> Result<FoundValue<'a>, ParseError> {
    match value.kind {
        ResourceValue::STRING => table.text(value.data).map(FoundValue::Text),
        _ => Ok(FoundValue::Other(value.or_null())),
    }
}

/// The text that people see for a value.
///
/// Source: AOSP `TypedValue.coerceToString`.
fn text_of(value: &FoundValue<'_>) -> Result<Option<String>, Fault> {
    let value = match value {
        FoundValue::Text(text) => return Ok(Some(text.shown())),
        FoundValue::Other(value) => value,
    };
    Ok(match (value.kind, value.integer()) {
        (ResourceValue::NULL, _) => None,
        (ResourceValue::INT_HEX, _) => Some(format!("{:#x}", value.data)),
        (ResourceValue::BOOLEAN, _) => Some((value.data != 0).to_string()),
        (ResourceValue::FIRST_COLOR..=ResourceValue::LAST_INT, _) => Some(format!("#{:x}", value.data)),
        (_, Some(integer)) => Some(integer.to_string()),
        (kind, None) => return Err(Fault::Kind(kind)),
    })
}

/// The code name that stands for an API level.
fn codename(attribute: Option<Attribute<'_>>) -> Option<String> {
    match attribute?.value() {
        Ok(Value::String(text)) => Some(text.shown()),
        _ => None,
    }
}

/// The full name of a class that may be named without its package.
///
/// Source: AOSP `ParsingUtils.buildClassName`.
fn class_name(name: &str, package: &str) -> String {
    match name.chars().next() {
        None => String::new(),
        Some('.') => format!("{package}{name}"),
        Some(_) if !name.contains('.') => format!("{package}.{name}"),
        Some(_) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_names_are_completed_with_the_package() {
        for (name, full) in [(".Main", "a.b.Main"), ("Main", "a.b.Main"), ("c.Main", "c.Main"), ("", "")] {
            assert_eq!(class_name(name, "a.b"), full, "{name:?}");
        }
    }

    #[test]
    fn values_are_shown_as_the_platform_shows_them() {
        let text = |kind, data| text_of(&FoundValue::Other(ResourceValue { kind, data })).ok().flatten();
        assert_eq!(text(0x10, u32::MAX).as_deref(), Some("-1"));
        assert_eq!(text(0x11, 255).as_deref(), Some("0xff"));
        assert_eq!(text(0x12, 1).as_deref(), Some("true"));
        assert_eq!(text(0x1c, 0xff00_aa00).as_deref(), Some("#ff00aa00"));
        assert_eq!(text(0x00, 0), None);
        assert!(matches!(
            text_of(&FoundValue::Other(ResourceValue { kind: 0x04, data: 0 })),
            Err(Fault::Kind(4))
        ));
    }

    #[test]
    fn the_lowest_level_is_one_that_a_device_can_have() {
        let mut facts = manifest::read(b"").facts;
        for (min_sdk, level) in [(None, 1), (Some(0), 1), (Some(26), 26), (Some(1_000_000), NEWEST)] {
            facts.min_sdk = min_sdk;
            assert_eq!(lowest_sdk(&facts), level);
        }
    }

    #[test]
    fn the_label_to_show_is_the_first_that_there_is() {
        let row = |text: &str| LabelVariant {
            locale: "de".to_owned(),
            qualifiers: String::new(),
            text: text.to_owned(),
        };
        let mut identity = AppIdentity::default();
        assert_eq!(identity.display_label(), None);
        identity.label.variants = vec![row("Spiel")];
        assert_eq!(identity.display_label(), Some("Spiel"));
        let label = Label { text: Some("Main".to_owned()), ..Label::default() };
        let (name, icon) = (String::new(), Icon::default());
        identity.launchers = vec![Launcher { name, enabled: true, label, icon }];
        assert_eq!(identity.display_label(), Some("Main"));
        identity.label.text = Some("Game".to_owned());
        assert_eq!(identity.display_label(), Some("Game"));
    }
}
