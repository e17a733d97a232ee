//! What an app calls itself: the committed cases, `testdata/identity/`, and the reference APKs against what aapt says of them.
//!
//! `APKVOUCH_CORPUS` names the directory with the reference APKs; without it, or without `aapt` on `PATH`, the comparison
//! says that it was left out. A difference from aapt is listed in [`DIFFERENCES`] with its reason, and an entry that no
//! longer differs fails the test too.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at what it did not expect"
)]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use apkvouch::Limits;
use apkvouch::apk::Apk;
use apkvouch::apk::AppIdentity;
use apkvouch::apk::Icon;
use apkvouch::apk::Label;
use apkvouch::apk::Stop;
use apkvouch::finding::FindingCode;
use apkvouch::source::ByteSource;
use apkvouch::source::FileSource;

use crate::builder;
use crate::builder::Manifest;
use crate::builder::Resources;
use crate::builder::manifest::Element;
use crate::builder::manifest::Value;
use crate::builder::manifest::attr;
use crate::builder::resources::Config;
use crate::builder::resources::Layout;
use crate::builder::resources::id;

/// Where we differ from aapt: the file, the line of aapt's that ours is not (or is there alone), and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[(
    "golden-pinsapp-signed.apk",
    "ours alone application-label=\"PinsApp\"",
    "the label stands in the manifest; aapt writes it once for each locale of the resource table, and that table is \
     empty",
)];

/// What we compare of aapt's line on the package.
const PACKAGE_FIELDS: &[&str] = &["name", "versionCode", "versionName", "split", "compileSdkVersion"];

/// The lines of aapt that we compare, by what stands before the value.
type Answers = BTreeMap<String, String>;

/// What a case expects: `identity.toml`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    identity: Vec<String>,
}

#[test]
fn every_case_gives_its_answer() {
    let cases = cases();
    let mut wrong = String::new();
    for case in &cases {
        let expected = fs::read_to_string(case.join("identity.toml")).unwrap();
        let expected: Expected = toml::from_str(&expected).unwrap();
        let identity = read(&case.join("app.apk")).unwrap();
        let lines = lines(&identity);
        if lines != expected.identity {
            writeln!(wrong, "{}:\nexpected {:#?}\ngot {lines:#?}", case.display(), expected.identity)
                .unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(cases.len() > 20, "only {} cases found", cases.len());
}

/// An APK of that manifest and that table.
fn apk(manifest: &[u8], table: &[u8]) -> Vec<u8> {
    builder::Apk::new().manifest_bytes(manifest).file("resources.arsc", table).build()
}

/// A manifest whose label, and whose launcher's label and icon, are the first resources of types 1 and 2.
fn manifest() -> Manifest {
    Manifest::new("com.example.app").tree(|root| {
        let application = root.children.iter_mut().find(|child| child.name == "application").unwrap();
        *application = Element::new("application")
            .android(attr::LABEL, "label", Value::Reference(id(1, 0)))
            .android(attr::ICON, "icon", Value::Reference(id(2, 0)))
            .child(
                Element::new("activity")
                    .android(attr::LABEL, "label", Value::Reference(id(1, 1)))
                    .android(attr::NAME, "name", ".Main")
                    .child(
                        Element::new("intent-filter")
                            .child(Element::new("action").android(
                                attr::NAME,
                                "name",
                                "android.intent.action.MAIN",
                            ))
                            .child(Element::new("category").android(
                                attr::NAME,
                                "name",
                                "android.intent.category.LAUNCHER",
                            )),
                    ),
            );
    })
}

fn table() -> Resources {
    Resources::new()
        .value(id(1, 0), Config::any(), Value::Reference(id(1, 1)))
        .value(id(1, 1), Config::any(), "A bank")
        .value(id(1, 1), Config::locale("de"), "Eine Bank")
        .value(id(2, 0), Config::density(640), "res/a.png")
        .value(id(2, 0), Config::density(0xfffe).sdk(26), "res/b.xml")
}

#[test]
fn no_prefix_and_no_flipped_bit_makes_it_panic() {
    let manifest = manifest().build();
    let good = identity(&apk(&manifest, &table().build()), &Limits::default()).unwrap();
    assert_eq!((good.launchers.len(), good.label.variants.len(), good.icon.files.len()), (1, 2, 2));
    for layout in [Layout::Dense, Layout::Offset16, Layout::Sparse] {
        let table = table().layout(layout).build();
        for changed in changes(&table) {
            let _ = identity(&apk(&manifest, &changed), &Limits::default());
        }
    }
    let table = table().compact().build();
    for changed in changes(&manifest) {
        let _ = identity(&apk(&changed, &table), &Limits::default());
    }
}

/// Every prefix, and one flipped bit in every byte.
fn changes(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let prefixes = (0..bytes.len()).step_by(4).map(|len| bytes[..len].to_vec());
    let flipped = (0..bytes.len()).map(|at| {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1 << (at % 8);
        changed
    });
    prefixes.chain(flipped)
}

#[test]
fn a_table_that_is_made_to_be_slow_is_not() {
    // A label of 4,000 configurations, each of which leads through twenty resources that have as many.
    let mut table = Resources::new().value(id(1, 20), Config::any(), "A bank").value(
        id(2, 0),
        Config::any(),
        "res/a.png",
    );
    for number in 0..20 {
        table = table.value(id(1, number), Config::any(), Value::Reference(id(1, number + 1)));
        for code in 1..=4000 {
            let config = Config::any().mcc(code);
            table = table.value(id(1, number), config, Value::Reference(id(1, number + 1)));
        }
    }
    let apk = apk(&manifest().build(), &table.build());
    let identity = identity(&apk, &Limits::default()).unwrap();
    assert_eq!(identity.label.text.as_deref(), Some("A bank"));
    assert_eq!(identity.icon.files.len(), 1, "that the label is expensive does not hide the icon");
    // Looking up is counted, and ends here: 4,000 to the power of twenty would be the end.
    assert!(identity.findings.iter().any(|finding| finding.code == FindingCode::LimitExceeded));
}

fn cases() -> Vec<PathBuf> {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/identity");
    let mut cases: Vec<PathBuf> =
        fs::read_dir(testdata).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

/// An identity in lines: what is not there has none.
fn lines(identity: &AppIdentity) -> Vec<String> {
    let or_dash = |text: Option<String>| text.unwrap_or("-".to_owned());
    let mut lines = vec![format!(
        "package {} {} {} {} {}",
        identity.package,
        or_dash(identity.version_code.map(|code| code.to_string())),
        or_dash(identity.version_name.clone()),
        or_dash(identity.min_sdk.map(|level| level.to_string())),
        identity.target_sdk,
    )];
    lines.extend(identity.compile_sdk.map(|level| format!("compile sdk {level}")));
    lines.extend(identity.debuggable.then(|| "debuggable".to_owned()));
    lines.extend(identity.test_only.then(|| "test only".to_owned()));
    lines.extend(identity.split.as_ref().map(|split| {
        let feature = if split.is_feature { ", a feature" } else { "" };
        let of = split.config_for.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
        format!("split {}{of}{feature}", split.name)
    }));
    lines.extend(label_lines(&identity.label));
    lines.extend(icon_lines("icon", &identity.icon));
    lines.extend(icon_lines("round icon", &identity.round_icon));
    for launcher in &identity.launchers {
        let disabled = if launcher.enabled { "" } else { ", disabled" };
        lines.push(format!("launcher {}{disabled}", launcher.name));
        let own = label_lines(&launcher.label).into_iter().chain(icon_lines("icon", &launcher.icon));
        lines.extend(own.map(|line| format!("  {line}")));
    }
    lines.extend(identity.display_label().map(|label| format!("display {label}")));
    lines.extend(
        identity.findings.iter().map(|finding| format!("{}: {}", finding.code.as_str(), finding.detail)),
    );
    lines
}

fn label_lines(label: &Label) -> Vec<String> {
    let text = label.text.iter().map(|text| format!("label {text}"));
    let variants = label.variants.iter().map(|row| {
        let both = [row.locale.as_str(), &row.qualifiers];
        let parts: Vec<&str> = both.into_iter().filter(|part| !part.is_empty()).collect();
        format!("label [{}] {}", parts.join(" "), row.text)
    });
    text.chain(variants).collect()
}

fn icon_lines(name: &str, icon: &Icon) -> Vec<String> {
    let files = icon.files.iter();
    files.map(|file| format!("{name} [{}] {} {}", file.qualifiers, file.density, file.path)).collect()
}

#[test]
fn aapt_agrees_on_the_reference_apks() {
    let Some(corpus) = std::env::var_os("APKVOUCH_CORPUS").map(PathBuf::from) else {
        println!("left out: APKVOUCH_CORPUS is not set");
        return;
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|dir| dir.join("aapt").is_file()) {
        println!("left out: no aapt on PATH");
        return;
    }
    let mut files = Vec::new();
    for folder in ["realworld", "apksig", "generated"] {
        let entries = fs::read_dir(corpus.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        files.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "apk")));
    }
    files.sort();
    let compared: Vec<(usize, Vec<String>)> = thread::scope(|scope| {
        let workers: Vec<_> = files
            .chunks(files.len().div_ceil(2))
            .map(|half| scope.spawn(move || compare_all(half)))
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let lines: usize = compared.iter().map(|(lines, _)| lines).sum();
    let wrong: BTreeSet<String> = compared.into_iter().flat_map(|(_, wrong)| wrong).collect();
    let known: BTreeSet<String> =
        DIFFERENCES.iter().map(|(file, what, _)| format!("{file}: {what}")).collect();
    let unknown: Vec<&String> = wrong.difference(&known).collect();
    let gone: Vec<&String> = known.difference(&wrong).collect();
    assert!(unknown.is_empty(), "aapt says otherwise:\n{unknown:#?}");
    assert!(gone.is_empty(), "listed, but aapt agrees: {gone:#?}");
    assert!(lines > 2000, "only {lines} lines were compared");
    println!("{lines} lines of aapt compared over {} files", files.len());
}

/// How many lines were compared, and `file: line of aapt's, ours` for each that differs.
fn compare_all(files: &[PathBuf]) -> (usize, Vec<String>) {
    let (mut lines, mut wrong) = (0, Vec::new());
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy();
        let Some(theirs) = ask_aapt(file) else { continue };
        let ours = match read(file) {
            Ok(identity) => identity,
            Err(fault) => {
                wrong.push(format!("{name}: {fault}"));
                continue;
            }
        };
        let ours = answers(&ours, &theirs);
        for (line, value) in &theirs {
            lines += 1;
            let our_value = ours.get(line);
            if our_value != Some(value) {
                wrong.push(format!("{name}: {line}={value:?}, ours {our_value:?}"));
            }
        }
        for (line, value) in ours.iter().filter(|(line, _)| !theirs.contains_key(*line)) {
            wrong.push(format!("{name}: ours alone {line}={value:?}"));
        }
    }
    (lines, wrong)
}

fn read(file: &Path) -> Result<AppIdentity, String> {
    identity(&FileSource::open(file).unwrap(), &Limits::default())
}

fn identity(source: &dyn ByteSource, limits: &Limits) -> Result<AppIdentity, String> {
    let identity = Apk::open(source, limits).and_then(|apk| apk.identity());
    identity.map_err(|stop| match stop {
        Stop::Malformed(finding) => finding.message(),
        Stop::Error(error) => panic!("{error}"),
    })
}

/// What aapt says; none when it cannot read the file.
fn ask_aapt(file: &Path) -> Option<Answers> {
    let output = Command::new("aapt").args(["dump", "badging"]).arg(file).output().unwrap();
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut answers = Answers::new();
    for line in text.lines() {
        if let Some(fields) = line.strip_prefix("package: ") {
            for (name, value) in quoted_fields(fields) {
                if PACKAGE_FIELDS.contains(&name.as_str())
                    // What is not there, aapt writes as nothing.
                    && !value.is_empty()
                {
                    answers.insert(format!("package {name}"), value);
                }
            }
        } else if let Some(fields) = line.strip_prefix("launchable-activity: ") {
            let fields: Answers = quoted_fields(fields).into_iter().collect();
            let name = &fields["name"];
            answers.insert(format!("launcher {name} label"), fields["label"].clone());
        } else if line == "application-debuggable" {
            answers.insert(line.to_owned(), String::new());
        } else if let Some((name, value)) = line.split_once(':')
            && (["sdkVersion", "targetSdkVersion", "application-label"].contains(&name)
                || name.starts_with("application-label-")
                || name.starts_with("application-icon-"))
        {
            answers.insert(name.to_owned(), unescape(value));
        }
    }
    Some(answers)
}

/// `name='value'`, several in a line.
fn quoted_fields(text: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut rest = text;
    while let Some((name, behind)) = rest.split_once("='") {
        let mut escaped = false;
        let end = behind.find(|c| {
            let quote = c == '\'' && !escaped;
            escaped = c == '\\' && !escaped;
            quote
        });
        let (value, behind) = behind.split_at(end.unwrap_or(behind.len()));
        fields.push((name.trim().to_owned(), unescape(value)));
        rest = behind.strip_prefix('\'').unwrap_or_default();
    }
    fields
}

/// Without quotes and backslashes.
fn unescape(text: &str) -> String {
    let inner = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(text);
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n') => out.push('\n'),
                Some(other) => out.push(other),
                None => {}
            },
            (c, false) => out.push(c),
        }
    }
    out
}

/// Our answers to what aapt was asked: the locales and densities are those of the whole table, which aapt goes through.
fn answers(identity: &AppIdentity, theirs: &Answers) -> Answers {
    let mut answers = Answers::new();
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            answers.insert(name.to_owned(), value);
        }
    };
    put("package name", Some(identity.package.clone()));
    // aapt writes the lower half.
    put("package versionCode", identity.version_code.map(|code| (code & 0xffff_ffff).to_string()));
    put("package versionName", identity.version_name.clone());
    put("package split", identity.split.as_ref().map(|split| split.name.clone()));
    put("package compileSdkVersion", identity.compile_sdk.map(|level| level.to_string()));
    let min_sdk = identity.min_sdk_codename.clone().or(identity.min_sdk.map(|level| level.to_string()));
    let target_sdk = identity.target_sdk_codename.clone().unwrap_or(identity.target_sdk.to_string());
    // aapt is silent where nothing is given.
    put("sdkVersion", min_sdk.filter(|level| theirs.contains_key("sdkVersion") || level != "1"));
    put("targetSdkVersion", Some(target_sdk).filter(|_| theirs.contains_key("targetSdkVersion")));
    put("application-debuggable", identity.debuggable.then(String::new));
    put("application-label", identity.label.text.clone().filter(|text| !text.is_empty()));
    for line in theirs.keys() {
        if let Some(locale) = line.strip_prefix("application-label-") {
            put(line, label_for(&identity.label, locale));
        }
        if let Some(density) = line.strip_prefix("application-icon-") {
            put(line, icon_for(&identity.icon, density.parse().unwrap()));
        }
    }
    for row in &identity.label.variants {
        if !row.locale.is_empty() {
            put(&format!("application-label-{}", row.locale), Some(row.text.clone()));
        }
    }
    for launcher in &identity.launchers {
        // aapt names an alias by what it stands for, and gives no label where the activity has none.
        put(
            &format!("launcher {} label", launcher.name),
            Some(launcher.label.text.clone().unwrap_or_default()),
        );
    }
    answers
}

/// What a device of that language sees: the label of the language, else of the language without its last part.
fn label_for(label: &Label, locale: &str) -> Option<String> {
    let exact = label.variants.iter().find(|row| row.locale == locale && !locale.is_empty());
    match (exact, locale.rsplit_once('-')) {
        (Some(row), _) => Some(row.text.clone()),
        (None, Some((shorter, _))) => label_for(label, shorter),
        (None, None) => label.text.clone(),
    }
}

/// What a device of that density and of the newest version shows.
fn icon_for(icon: &Icon, density: u16) -> Option<String> {
    // In aapt as in Android: any, else the nearest, where the larger of two counts as nearer unless it is far off.
    let rows = icon.files.iter().filter(|file| file.locale.is_empty());
    let wanted = if density == 0xfffe { 160 } else { i64::from(density) };
    let rank = |file: &&apkvouch::apk::IconFile| {
        let own = if file.density == 0 { 160 } else { i64::from(file.density) };
        let any = file.density == 0xfffe;
        let version: u16 = file.qualifiers.rsplit_once('v').and_then(|(_, v)| v.parse().ok()).unwrap_or(0);
        let distance = if own >= wanted { own - wanted } else { (wanted - own) * 2 };
        (any, -distance, version)
    };
    rows.max_by_key(rank).map(|file| file.path.clone())
}
