//! What an app calls itself, in its published form, version 1.
//!
//! The row says nothing of whether a signature covers it: the field that holds it does, `identity` of a verified file,
//! `claimed_identity` of any other. Text stays raw here; writers escape it.

use serde::Serialize;

use super::model::FindingRow;
use crate::apk::AppIdentity;
use crate::apk::Icon;
use crate::apk::Label;
use crate::apk::Launcher;
use crate::apk::Split;

/// What an app calls itself.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct IdentityRow {
    /// Package name.
    pub package: Option<String>,
    /// Version code, the major one in its upper 32 bits.
    pub version_code: Option<u64>,
    /// Version name.
    pub version_name: Option<String>,
    /// Lowest API level.
    pub min_sdk: Option<u32>,
    /// The code name that the manifest gives instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_sdk_codename: Option<String>,
    /// Target API level.
    pub target_sdk: u32,
    /// The code name that the manifest gives instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_sdk_codename: Option<String>,
    /// API level of the SDK that it was built with.
    pub compile_sdk: Option<u32>,
    /// Code name or version of that SDK.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compile_sdk_codename: Option<String>,
    /// Whether the platform lets a debugger attach.
    pub debuggable: bool,
    /// Whether it is to be installed for tests alone.
    pub test_only: bool,
    /// The part of the app that the file is; none for a whole app, or its base.
    pub split: Option<Split>,
    /// A name to show: the label of the application, of a launcher activity, or one that some devices show.
    pub display_label: Option<String>,
    /// The application's label.
    pub label: Label,
    /// The application's icon.
    pub icon: Icon,
    /// The application's round icon.
    pub round_icon: Icon,
    /// Activities that a launcher shows.
    pub launchers: Vec<Launcher>,
    /// What could not be told, and why.
    pub findings: Vec<FindingRow>,
}

impl IdentityRow {
    /// The row of `identity`.
    pub fn new(identity: &AppIdentity) -> Self {
        Self {
            package: Some(identity.package.clone()).filter(|package| !package.is_empty()),
            version_code: identity.version_code,
            version_name: identity.version_name.clone(),
            min_sdk: identity.min_sdk,
            min_sdk_codename: identity.min_sdk_codename.clone(),
            target_sdk: identity.target_sdk,
            target_sdk_codename: identity.target_sdk_codename.clone(),
            compile_sdk: identity.compile_sdk,
            compile_sdk_codename: identity.compile_sdk_codename.clone(),
            debuggable: identity.debuggable,
            test_only: identity.test_only,
            split: identity.split.clone(),
            display_label: identity.display_label().map(str::to_owned),
            label: identity.label.clone(),
            icon: identity.icon.clone(),
            round_icon: identity.round_icon.clone(),
            launchers: identity.launchers.clone(),
            findings: identity.findings.iter().map(FindingRow::new).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Limits;
    use crate::apk::Apk;
    use crate::source::FileSource;

    fn row(case: &str) -> serde_json::Value {
        let path = format!("{}/testdata/identity/{case}/app.apk", env!("CARGO_MANIFEST_DIR"));
        let source = FileSource::open(path.as_ref()).unwrap();
        let limits = Limits::default();
        let Ok(identity) = Apk::open(&source, &limits).and_then(|apk| apk.identity()) else {
            panic!("{case} has no identity")
        };
        serde_json::to_value(IdentityRow::new(&identity)).unwrap()
    }

    #[test]
    fn the_form_of_a_row() {
        let nothing = json!({ "text": null, "resource": null, "variants": [] });
        let no_icon = json!({ "resource": null, "files": [] });
        let expected = json!({
            "package": "com.example.app",
            "version_code": 1,
            "version_name": "1.0",
            "min_sdk": 24,
            "target_sdk": 29,
            "compile_sdk": null,
            "debuggable": false,
            "test_only": false,
            "split": null,
            "display_label": "A game",
            "label": nothing,
            "icon": no_icon,
            "round_icon": no_icon,
            "launchers": [
                {
                    "name": "com.example.app.Main",
                    "enabled": true,
                    "label": { "text": "A game", "resource": null, "variants": [] },
                    "icon": {
                        "resource": "0x7f020000",
                        "files": [
                            { "density": 0, "qualifiers": "", "path": "res/a.png" },
                            { "density": 240, "qualifiers": "hdpi", "path": "res/b.png" },
                            { "density": 640, "qualifiers": "xxxhdpi", "path": "res/c.png" },
                            { "density": 65534, "qualifiers": "anydpi-v26", "path": "res/d.xml" },
                        ],
                    },
                },
                {
                    "name": "com.example.app.Other",
                    "enabled": false,
                    "label": { "text": "A bank", "resource": null, "variants": [] },
                    "icon": no_icon,
                },
            ],
            "findings": [],
        });
        assert_eq!(row("launchers"), expected);
    }

    #[test]
    fn what_asks_for_nothing_says_nothing() {
        let label = row("some-devices")["label"].clone();
        assert_eq!(label["resource"], "0x7f010000");
        assert_eq!(
            label["variants"][0],
            json!({ "locale": "", "qualifiers": "night", "text": "A night game" })
        );
        let languages = row("languages")["label"]["variants"].clone();
        assert_eq!(languages[1], json!({ "locale": "de", "text": "Käse" }));
        let split = row("config-split")["split"].clone();
        assert_eq!(split, json!({ "name": "maps.config.de", "is_feature": false, "config_for": "maps" }));
        assert_eq!(row("circle")["findings"][0]["code"], "resource-unresolved");
    }
}
