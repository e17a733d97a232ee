//! What the manifest says of the parts of an app: which one this file is, and which others it cannot do without.
//!
//! Source: AOSP `ApkLiteParseUtils.parseApkLite`, `parsePackageSplitNames`, `parseRequiredSplitTypes`.

use serde::Serialize;

use crate::format::Text;
use crate::format::axml::Element;
use crate::format::axml::Value;

// Resource ids of `android.R.attr`.
const IS_SPLIT_REQUIRED: u32 = 0x0101_0591;
const REQUIRED_SPLIT_TYPES: u32 = 0x0101_064e;
const SPLIT_TYPES: u32 = 0x0101_064f;

/// So many types are read of one list. Real ones have fewer than ten.
const MOST_TYPES: usize = 64;
/// So many bytes of one list are read. Real ones have fewer than 200.
const MOST_TEXT: usize = 8192;

/// What the manifest says of the parts of the app. A claim until the file is verified.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SplitFacts {
    /// `split`: the name of this part; none for a whole app, or its base.
    pub name: Option<String>,
    /// `configForSplit`: the part that this one configures; none, too, for one that configures the base.
    pub config_for: Option<String>,
    /// `isSplitRequired`, or that there are required types: it cannot be installed without another part.
    pub required: bool,
    /// `requiredSplitTypes`: what other parts must bring, in the order of the manifest.
    pub required_types: Vec<String>,
    /// `splitTypes`: what this part brings.
    pub types: Vec<String>,
}

impl SplitFacts {
    /// What the root of the manifest says.
    pub(super) fn read(manifest: &Element<'_>) -> Self {
        let text = |name| plain(manifest, name).map(|text| text.shown()).filter(|text| !text.is_empty());
        let required_types = list(manifest, REQUIRED_SPLIT_TYPES);
        let required = match manifest.by_resource_id(IS_SPLIT_REQUIRED).map(|attribute| attribute.value()) {
            Some(Ok(Value::Boolean(value))) => value,
            Some(Ok(Value::Integer { value, .. })) => value != 0,
            _ => false,
        };
        Self {
            name: text("split"),
            config_for: text("configForSplit"),
            required: required || !required_types.is_empty(),
            required_types,
            types: list(manifest, SPLIT_TYPES),
        }
    }
}

/// The text of the first attribute of that name which has no namespace.
fn plain<'a>(element: &Element<'a>, name: &str) -> Option<Text<'a>> {
    let mut attributes = element.attributes();
    let found = attributes
        .find(|attribute| !attribute.has_namespace() && attribute.name().is_ok_and(|found| found.is(name)));
    found?.text_by_name().ok()?
}

/// A list of types, separated by commas.
fn list(element: &Element<'_>, id: u32) -> Vec<String> {
    let Some(Ok(Value::String(text))) = element.by_resource_id(id).map(|attribute| attribute.value()) else {
        return Vec::new();
    };
    let text = text.start(MOST_TEXT).decode().into_owned();
    let types = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    types.take(MOST_TYPES).map(str::to_owned).collect()
}
