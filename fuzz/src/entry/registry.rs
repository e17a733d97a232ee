//! A registry, or a list to import into one, as the first byte says.

use std::path::Path;

use apkvouch::Registry;
use apkvouch::registry::ExportFormat;
use apkvouch::registry::export;
use apkvouch::registry::import;
use apkvouch::registry::import::ImportFormat;
use apkvouch::registry::import::ImportOptions;

pub fn run(bytes: &[u8]) {
    let Some((form, text)) = bytes.split_first() else { return };
    let Ok(text) = str::from_utf8(text) else {
        let _ = Registry::from_bytes(text.to_vec(), "registry.toml").map(drop);
        return;
    };
    match ImportFormat::ALL.get(usize::from(*form).wrapping_sub(1)) {
        None => own(text),
        Some(format) => foreign(text, *format),
    }
}

fn own(text: &str) {
    let Ok(registry) = Registry::parse(text, "registry.toml") else { return };
    assert!(registry.says_the_same_as(&registry));
    for key in registry.keys() {
        assert!(registry.subject(&key.subject).is_some());
        assert!(registry.key(&key.certificate).is_some());
    }
    for app in registry.apps() {
        assert!(registry.app(&app.package).is_some() && registry.subject(&app.owner).is_some());
    }
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let (written, left_out) = export(&registry, ExportFormat::Toml, now);
    assert!(left_out.is_empty(), "{left_out:?}");
    let again = Registry::parse(&written, "registry.toml").unwrap();
    assert!(again.says_the_same_as(&registry), "{written}");
    for format in [ExportFormat::Json, ExportFormat::Csv, ExportFormat::Assetlinks] {
        let _ = export(&registry, format, now);
    }
}

fn foreign(text: &str, format: ImportFormat) {
    let Ok(entries) = import::parse(text, Path::new("com.example.app.yml"), format) else { return };
    assert!(!entries.is_empty() && entries.len() <= text.len());
    let _ = import::conflicts(&entries);
    let _ = import::plan(&Registry::empty(), &entries, &ImportOptions::default());
}
