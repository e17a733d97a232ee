//! What an app calls itself: labels and icons from AndroidManifest.xml and resources.arsc.

use super::Case;
use super::Keys;
use super::case;
use crate::builder::Apk;
use crate::builder::Manifest;
use crate::builder::Resources;
use crate::builder::Signer;
use crate::builder::manifest::Attribute;
use crate::builder::manifest::Element;
use crate::builder::manifest::Encoding;
use crate::builder::manifest::Value;
use crate::builder::manifest::attr;
use crate::builder::resources::Config;
use crate::builder::resources::Layout;
use crate::builder::resources::id;

/// The label, and the icon, of most of these.
const LABEL: u32 = id(1, 0);
const ICON: u32 = id(2, 0);

/// What an app with a label for each language calls itself, in whatever way they are written.
const LANGUAGES: &[&str] = &[
    "package com.example.app 1 1.0 24 29",
    "label Smile 😀",
    "label [] Smile 😀",
    "label [de] Käse",
    "label [es-419] Sonrisa",
    "label [zh-CN] 支付宝",
    "label [zh-Hant-HK] 支付寶",
    "label [fil] Ngiti",
    "display Smile 😀",
];

pub(super) fn cases(keys: &Keys) -> Vec<Case> {
    let case = |path, description, manifest: Manifest, resources: Option<Resources>| {
        let mut apk = Apk::new().manifest(manifest);
        if let Some(resources) = resources {
            apk = apk.file("resources.arsc", &resources.build());
        }
        case(path, description, apk.v2(Signer::v2(&keys.a))).verified(&["v2"], &[&keys.a])
    };
    let manifest = || Manifest::new("com.example.app");
    let label =
        || manifest().tree(|root| set(root, "application", attr::LABEL, "label", Value::Reference(LABEL)));
    let any = Config::any;
    let reference = Value::Reference;
    let chain = |references: u16| {
        let link = |table: Resources, number| table.value(id(1, number), any(), reference(id(1, number + 1)));
        (0..references).fold(Resources::new(), link).value(id(1, references), any(), "At the end")
    };
    let languages = || {
        Resources::new()
            .value(LABEL, any(), "Smile 😀")
            .value(LABEL, Config::locale("de"), "Käse")
            .value(LABEL, Config::locale("es-419"), "Sonrisa")
            .value(LABEL, Config::locale("fil"), "Ngiti")
            .value(LABEL, Config::locale("zh-CN"), "支付宝")
            .value(LABEL, Config::locale("zh-Hant-HK"), "支付寶")
    };
    vec![
        case("identity/literal", "the label stands in the manifest", manifest().label("A bank"), None)
            .identity(&["package com.example.app 1 1.0 24 29", "label A bank", "display A bank"]),
        case("identity/languages", "a label for each language, in UTF-8", label(), Some(languages()))
            .identity(LANGUAGES),
        case(
            "identity/languages-utf16",
            "the same in UTF-16",
            label().encoding(Encoding::Utf16),
            Some(languages().encoding(Encoding::Utf16)),
        )
        .identity(LANGUAGES),
        case("identity/sparse", "the same, types sparse", label(), Some(languages().layout(Layout::Sparse)))
            .identity(LANGUAGES),
        case(
            "identity/offset16",
            "the same, offsets of 16 bits and compact entries",
            label(),
            Some(languages().layout(Layout::Offset16).compact()),
        )
        .identity(LANGUAGES),
        case("identity/styled", "the same, the first with a style", label(), Some(languages().styled()))
            .identity(LANGUAGES),
        case(
            "identity/languages-alone",
            "a label for some languages, none for the others",
            label(),
            Some(Resources::new().value(LABEL, Config::locale("zh"), "银行").value(
                LABEL,
                Config::locale("de"),
                "Bank",
            )),
        )
        .identity(&[
            "package com.example.app 1 1.0 24 29",
            "label [de] Bank",
            "label [zh] 银行",
            "display Bank",
        ]),
        case(
            "identity/some-devices",
            "another label at night, in China, and on newer versions",
            label(),
            Some(
                Resources::new()
                    .value(LABEL, any(), "A game")
                    .value(LABEL, any().mcc(460), "A bank")
                    .value(LABEL, any().night(), "A night game")
                    .value(LABEL, any().sdk(21), "A game that nobody sees: the minimum is above")
                    .value(LABEL, any().sdk(24), "A newer game")
                    .value(LABEL, any().sdk(31), "The newest game"),
            ),
        )
        .identity(&[
            "package com.example.app 1 1.0 24 29",
            "label The newest game",
            "label [night] A night game",
            "label [mcc460] A bank",
            "label [v24] A newer game",
            "label [v31] The newest game",
            "display The newest game",
        ]),
        case(
            "identity/references",
            "the label refers on to others, by language",
            label(),
            Some(
                Resources::new()
                    .value(LABEL, any(), reference(id(1, 1)))
                    .value(LABEL, Config::locale("de"), "Hier")
                    .value(id(1, 1), any(), reference(id(3, 0)))
                    .value(id(1, 1), Config::locale("de"), "Nie")
                    .value(id(1, 1), Config::locale("fr"), "Là")
                    .value(id(3, 0), any(), "There")
                    .value(id(3, 0), any().mcc(460), "In China"),
            ),
        )
        .identity(&[
            "package com.example.app 1 1.0 24 29",
            "label There",
            "label [] There",
            "label [mcc460] In China",
            "label [de] Hier",
            "label [fr] Là",
            "display There",
        ]),
        case("identity/references-20", "twenty references, one after the other", label(), Some(chain(20)))
            .identity(&[
                "package com.example.app 1 1.0 24 29",
                "label At the end",
                "label [] At the end",
                "display At the end",
            ]),
        case("identity/references-21", "one more than the platform follows", label(), Some(chain(21)))
            .identity(&[
                "package com.example.app 1 1.0 24 29",
                "resource-unresolved: label: resource 0x7f010015 leads on to another after 20 references",
            ]),
        case(
            "identity/circle",
            "the label refers to itself, by way of another",
            label(),
            Some(Resources::new().value(LABEL, any(), reference(id(1, 1))).value(
                id(1, 1),
                any(),
                reference(LABEL),
            )),
        )
        .identity(&[
            "package com.example.app 1 1.0 24 29",
            "resource-unresolved: label: resource 0x7f010001 leads on to another after 20 references",
        ]),
        case(
            "identity/numbers",
            "label and version name are numbers, the version code is a reference",
            manifest().tree(|root| {
                set(root, "application", attr::LABEL, "label", Value::Reference(LABEL));
                set(root, "application", attr::TEST_ONLY, "testOnly", Value::Reference(id(3, 1)));
                root.attributes.retain(|attribute| attribute.resource.is_none());
                set(root, "manifest", attr::VERSION_CODE, "versionCode", Value::Reference(id(3, 0)));
                set(root, "manifest", attr::VERSION_NAME, "versionName", 2_u32);
                set(root, "manifest", attr::COMPILE_SDK_VERSION, "compileSdkVersion", 35_u32);
                set(root, "manifest", attr::VERSION_CODE_MAJOR, "versionCodeMajor", 1_u32);
            }),
            Some(
                Resources::new()
                    .value(LABEL, any(), Value::Int(2048))
                    .value(id(3, 0), any(), Value::Hex(7))
                    .value(id(3, 1), any(), true),
            ),
        )
        .identity(&[
            "package com.example.app 4294967303 2 24 29",
            "compile sdk 35",
            "test only",
            "label 2048",
            "label [] 2048",
            "display 2048",
        ]),
        case(
            "identity/version-name",
            "the version name is a resource",
            version_name(manifest()),
            Some(Resources::new().value(id(1, 1), any(), "3.1")),
        )
        .identity(&["package com.example.app 1 3.1 24 29"]),
        case(
            "identity/version-name-differs",
            "the version name is a resource that depends on the device: none",
            version_name(manifest()),
            Some(Resources::new().value(id(1, 1), any(), "3.1").value(id(1, 1), Config::locale("de"), "3,1")),
        )
        .identity(&["package com.example.app 1 - 24 29"]),
        case("identity/no-table", "the label is a resource, and there is no table", label(), None)
            .identity(&["package com.example.app 1 1.0 24 29", "resources-malformed: there is none"]),
        case(
            "identity/malformed",
            "a type before its specification: the platform refuses the table",
            label(),
            Some(languages().chunks(|parts| parts.swap(0, 1))),
        )
        .identity(&[
            "package com.example.app 1 1.0 24 29",
            "resources-malformed: resource table at 0x1f8: type 1 has no specification before it",
        ]),
        case(
            "identity/framework",
            "the label is the framework's",
            manifest()
                .tree(|root| set(root, "application", attr::LABEL, "label", Value::Reference(0x0104_000a))),
            Some(languages()),
        )
        .identity(&[
            "package com.example.app 1 1.0 24 29",
            "resource-unresolved: label: resource 0x0104000a is the framework's, which is not in the file",
        ]),
        case(
            "identity/no-such-resource",
            "the label is a resource that the table does not have",
            label(),
            Some(Resources::new().value(id(1, 1), any(), "Another")),
        )
        .identity(&[
            "package com.example.app 1 1.0 24 29",
            "resource-unresolved: label: resource 0x7f010000 has no value for this",
        ]),
        case(
            "identity/bag",
            "the label is an array",
            label(),
            Some(Resources::new().bag(LABEL, any(), "One of several")),
        )
        .identity(&[
            "package com.example.app 1 1.0 24 29",
            "resource-unresolved: label: resource 0x7f010000 has several values",
        ]),
        case(
            "identity/zero-in-text",
            "a zero in the label: people see what is before it",
            label(),
            Some(Resources::new().value(LABEL, any(), "A bank\0 in name alone")),
        )
        .identity(&[
            "package com.example.app 1 1.0 24 29",
            "label A bank",
            "label [] A bank",
            "display A bank",
        ]),
        case(
            "identity/surrogates",
            "the label in Modified UTF-8, as aapt2 writes it",
            label(),
            Some(
                Resources::new()
                    .value(LABEL, any(), "")
                    .strings(|strings| strings[0] = b"Smile \xed\xa0\xbd\xed\xb8\x80".to_vec()),
            ),
        )
        .identity(&[
            "package com.example.app 1 1.0 24 29",
            "label Smile 😀",
            "label [] Smile 😀",
            "display Smile 😀",
        ]),
        case(
            "identity/out-of-order",
            "the label stands behind an attribute with a larger id, where the platform does not see it",
            manifest().tree(|root| {
                set(root, "application", attr::DEBUGGABLE, "debuggable", false);
                set(root, "application", attr::LABEL, "label", "Unseen");
            }),
            None,
        )
        .identity(&["package com.example.app 1 1.0 24 29"]),
        case(
            "identity/icons",
            "an icon for each density, and a drawing for newer versions",
            manifest().tree(|root| {
                set(root, "application", attr::ICON, "icon", Value::Reference(ICON));
                set(root, "application", attr::ROUND_ICON, "roundIcon", Value::Reference(id(2, 1)));
            }),
            Some(icons()),
        )
        .identity(&[
            "package com.example.app 1 1.0 24 29",
            "icon [] 0 res/a.png",
            "icon [hdpi] 240 res/b.png",
            "icon [xxxhdpi] 640 res/c.png",
            "icon [anydpi-v26] 65534 res/d.xml",
            "round icon [xhdpi] 320 res/round.png",
        ]),
        case(
            "identity/icons-drawing",
            "the same for newer versions alone: only the drawing is seen",
            manifest()
                .min_sdk(26)
                .tree(|root| set(root, "application", attr::ICON, "icon", Value::Reference(ICON))),
            Some(icons()),
        )
        .identity(&["package com.example.app 1 1.0 26 29", "icon [anydpi-v26] 65534 res/d.xml"]),
        case(
            "identity/launchers",
            "the application has no label; an activity and an alias that is off have",
            manifest().tree(|root| {
                let application = child(root, "application");
                // Attributes by ascending id, without which the platform does not see them.
                let labelled =
                    |element, label: &str| Element::new(element).android(attr::LABEL, "label", label);
                let named = |element: Element, name: &str| element.android(attr::NAME, "name", name);
                // What makes a launcher show it stands in two filters, of which neither is enough.
                let unseen = named(labelled("activity", "Unseen"), ".Unseen")
                    .child(Element { children: launcher().children[..1].to_vec(), ..launcher() })
                    .child(Element { children: launcher().children[1..].to_vec(), ..launcher() });
                let main = labelled("activity", "A game").android(attr::ICON, "icon", Value::Reference(ICON));
                let main = named(main, ".Main").child(launcher());
                let alias = named(labelled("activity-alias", "A bank"), "Other");
                let alias = alias.android(attr::ENABLED, "enabled", false).child(launcher());
                application.children.extend([unseen, main, alias]);
            }),
            Some(icons()),
        )
        .identity(&[
            "package com.example.app 1 1.0 24 29",
            "launcher com.example.app.Main",
            "  label A game",
            "  icon [] 0 res/a.png",
            "  icon [hdpi] 240 res/b.png",
            "  icon [xxxhdpi] 640 res/c.png",
            "  icon [anydpi-v26] 65534 res/d.xml",
            "launcher com.example.app.Other, disabled",
            "  label A bank",
            "display A game",
        ]),
        case(
            "identity/two-applications",
            "a second application element, which the platform passes over",
            manifest().label("A game").tree(|root| {
                let second = Element::new("application").android(attr::LABEL, "label", "A bank");
                root.children.push(second);
            }),
            None,
        )
        .identity(&["package com.example.app 1 1.0 24 29", "label A game", "display A game"]),
        case(
            "identity/config-split",
            "a split that configures a feature",
            manifest().tree(|root| {
                root.attributes.push(plain("split", "maps.config.de"));
                root.attributes.push(plain("configForSplit", "maps"));
            }),
            None,
        )
        .identity(&["package com.example.app 1 1.0 24 29", "split maps.config.de of maps"]),
        case(
            "identity/feature-split",
            "a split that brings a feature",
            manifest().tree(|root| {
                root.attributes.push(attribute(attr::IS_FEATURE_SPLIT, "isFeatureSplit", true));
                root.attributes.push(plain("split", "maps"));
            }),
            None,
        )
        .identity(&["package com.example.app 1 1.0 24 29", "split maps, a feature"]),
    ]
}

fn icons() -> Resources {
    Resources::new()
        .value(ICON, Config::any(), "res/a.png")
        .value(ICON, Config::density(240), "res/b.png")
        .value(ICON, Config::density(640), "res/c.png")
        .value(ICON, Config::density(0xfffe).sdk(26), "res/d.xml")
        .value(id(2, 1), Config::density(320), "res/round.png")
}

fn version_name(manifest: Manifest) -> Manifest {
    manifest.tree(|root| {
        root.attributes[1] = attribute(attr::VERSION_NAME, "versionName", Value::Reference(id(1, 1)));
    })
}

/// The intent filter of what a launcher shows.
fn launcher() -> Element {
    let named = |element, name: &str| Element::new(element).android(attr::NAME, "name", name);
    Element::new("intent-filter")
        .child(named("action", "android.intent.action.MAIN"))
        .child(named("category", "android.intent.category.LAUNCHER"))
}

fn attribute(resource: u32, name: &str, value: impl Into<Value>) -> Attribute {
    Attribute { name: name.to_owned(), resource: Some(resource), value: value.into() }
}

fn plain(name: &str, value: &str) -> Attribute {
    Attribute { name: name.to_owned(), resource: None, value: value.into() }
}

/// Adds an attribute to the root, or to its child of that name.
fn set(root: &mut Element, element: &str, resource: u32, name: &str, value: impl Into<Value>) {
    let element = if element == "manifest" { root } else { child(root, element) };
    element.attributes.push(attribute(resource, name, value));
}

fn child<'a>(root: &'a mut Element, name: &str) -> &'a mut Element {
    root.children.iter_mut().find(|child| child.name == name).unwrap()
}
