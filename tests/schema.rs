//! The published schemas of the JSON forms are made from the page of these, `docs/json.md`, and what the program writes of
//! every committed case is valid by them.
//!
//! `APKVOUCH_BLESS=1 cargo test --test all schema::` writes them anew.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a page or an output that cannot be read is to stop the test"
)]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::appearance::manifest;
use crate::appearance::png;
use crate::appearance::tampered;
use crate::appearance::with_icon;
use crate::builder::Apk;
use crate::builder::Key;
use crate::builder::Manifest;
use crate::builder::Resources;
use crate::builder::Signer;
use crate::builder::resources::Config;
use crate::builder::resources::id;
use crate::json_schema::faults;
use crate::ledger::known_as;

/// Each schema, what it is of, and the sections of the page that a document is one of.
const SCHEMAS: [(&str, &str, &[&str]); 6] = [
    ("scan", "What verify, scan, report and gate write", &["the-document"]),
    ("file", "A line of --format jsonl", &["a-file"]),
    (
        "inspect",
        "What inspect writes of an APK or a container",
        &["what-inspect-adds-to-a-file", "a-container-that-is-inspected"],
    ),
    ("lineage", "What inspect writes of a lineage file", &["a-lineage-file"]),
    ("diff", "What diff writes", &["the-differences"]),
    ("whole", "What report --whole writes", &["the-whole"]),
];

/// A section of the page: an object.
struct Section {
    description: String,
    /// The section whose rows it has, too.
    base: Option<String>,
    /// Name, type and description.
    rows: Vec<[String; 3]>,
}

/// The address of a heading within its page.
fn anchor(heading: &str) -> String {
    heading.to_lowercase().replace('`', "").replace(' ', "-")
}

fn sections() -> BTreeMap<String, Section> {
    let page = fs::read_to_string("docs/json.md").unwrap();
    let mut sections = BTreeMap::new();
    for part in page.split("\n## ").skip(1) {
        let part = part.split("\n# ").next().unwrap();
        let (heading, text) = part.split_once('\n').unwrap();
        let (before, table) = text.split_once("| name | | what it is |\n|---|---|---|\n").unwrap();
        let base = before.split_once("An object is that of [").map(|(_, link)| target(link).to_owned());
        let description = before.split("An object is that of").next().unwrap().trim().to_owned();
        let rows = table.lines().take_while(|line| line.starts_with('|')).map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').splitn(3, " | ").map(str::trim).collect();
            let [name, kind, what] = cells[..] else { panic!("not three cells: {line}") };
            let name = name.strip_prefix('`').and_then(|name| name.strip_suffix('`'));
            [name.unwrap_or_else(|| panic!("not one name: {line}")), kind, what].map(str::to_owned)
        });
        let section = Section { description, base, rows: rows.collect() };
        assert!(!section.rows.is_empty(), "{heading}");
        let again = sections.insert(anchor(heading), section);
        assert!(again.is_none(), "{heading} stands twice");
    }
    sections
}

/// Where the first link of `text` goes to.
fn target(text: &str) -> &str {
    let (_, rest) = text.split_once("](#").unwrap_or_else(|| panic!("no link: {text}"));
    rest.split_once(')').unwrap().0
}

/// The schema of a type, as the page has it.
fn of_type(kind: &str) -> Value {
    if let Some(kind) = kind.strip_suffix(", or null") {
        let mut schema = of_type(kind);
        return match schema.get("type").cloned() {
            Some(name) => {
                schema["type"] = json!([name, "null"]);
                schema
            }
            None => json!({ "anyOf": [schema, { "type": "null" }] }),
        };
    }
    if let Some(kind) = kind.strip_prefix("list of ") {
        return json!({ "type": "array", "items": of_type(kind) });
    }
    match kind {
        "text" => json!({ "type": "string" }),
        "number" => json!({ "type": "integer" }),
        "true or false" => json!({ "type": "boolean" }),
        "object" => json!({ "type": "object", "additionalProperties": { "type": "integer" } }),
        links if links.contains(") or [") => {
            json!({ "anyOf": links.split(" or [").map(of_link).collect::<Vec<_>>() })
        }
        link => of_link(link),
    }
}

fn of_link(link: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{}", target(link)) })
}

/// The schema of an object, the rows of its base among its own.
fn of_section(sections: &BTreeMap<String, Section>, name: &str) -> Value {
    let section = sections.get(name).unwrap_or_else(|| panic!("no section {name}"));
    let base = section.base.as_ref().map_or(&[][..], |base| &sections[base].rows);
    let mut properties = Map::new();
    let mut needed: Vec<&str> = Vec::new();
    for [name, kind, what] in base.iter().chain(&section.rows) {
        let (kind, always) =
            kind.strip_suffix(", sometimes").map_or((kind.as_str(), true), |kind| (kind, false));
        let mut schema = of_type(kind);
        if name == "schema" {
            schema["const"] = json!(1);
        }
        schema["description"] = json!(what);
        properties.insert(name.clone(), schema);
        needed.retain(|needed| needed != name);
        if always {
            needed.push(name);
        }
    }
    let mut schema = json!({ "type": "object", "properties": properties, "required": needed, "additionalProperties": false });
    if !section.description.is_empty() {
        schema["description"] = json!(section.description);
    }
    schema
}

/// Adds what `schema` refers to, and what that does.
fn add_referred(sections: &BTreeMap<String, Section>, schema: &Value, defs: &mut BTreeMap<String, Value>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                let name = reference.strip_prefix("#/$defs/").unwrap();
                if !defs.contains_key(name) {
                    let schema = of_section(sections, name);
                    defs.insert(name.to_owned(), schema.clone());
                    add_referred(sections, &schema, defs);
                }
            }
            members.values().for_each(|member| add_referred(sections, member, defs));
        }
        Value::Array(items) => items.iter().for_each(|item| add_referred(sections, item, defs)),
        _ => {}
    }
}

/// The schema `name`, made from the page.
fn made(name: &str) -> Value {
    let (_, title, roots) = SCHEMAS.iter().find(|(other, ..)| *other == name).unwrap();
    let sections = sections();
    let references: Vec<Value> =
        roots.iter().map(|root| json!({ "$ref": format!("#/$defs/{root}") })).collect();
    let mut defs = BTreeMap::new();
    let roots = json!({ "anyOf": references });
    add_referred(&sections, &roots, &mut defs);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:apkvouch:schema:1:{name}:{}", env!("CARGO_PKG_VERSION")),
        "title": title,
    });
    match references.as_slice() {
        [one] => schema["$ref"] = one["$ref"].clone(),
        _ => schema["anyOf"] = roots["anyOf"].clone(),
    }
    schema["$defs"] = json!(defs);
    schema
}

#[test]
fn the_schemas_are_what_the_page_says() {
    let bless = std::env::var_os("APKVOUCH_BLESS").is_some();
    let mut told = BTreeSet::new();
    for (name, ..) in SCHEMAS {
        let schema = made(name);
        told.extend(schema["$defs"].as_object().unwrap().keys().cloned());
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        let path = format!("docs/schema/{name}.json");
        if bless {
            fs::create_dir_all("docs/schema").unwrap();
            fs::write(&path, text).unwrap();
        } else {
            let committed = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                committed == text,
                "{path} is not what docs/json.md says: APKVOUCH_BLESS=1 writes it anew"
            );
        }
    }
    let never: Vec<String> = sections().into_keys().filter(|name| !told.contains(name)).collect();
    assert_eq!(never, Vec::<String>::new(), "sections of docs/json.md that nothing refers to");
    let files: BTreeSet<String> = fs::read_dir("docs/schema")
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, SCHEMAS.iter().map(|(name, ..)| format!("{name}.json")).collect());
}

fn run(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_apkvouch")).args(arguments).output().unwrap();
    assert!(output.stderr.is_empty() || !output.stdout.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn document(arguments: &[&str]) -> Value {
    let text = run(arguments);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
}

/// Every APK and container of the committed cases.
fn committed() -> Vec<String> {
    let mut files = Vec::new();
    for layer in fs::read_dir("testdata").unwrap() {
        let Ok(cases) = fs::read_dir(layer.unwrap().path()) else { continue };
        let is_case = |folder: &PathBuf| {
            ["case.toml", "container.toml"].map(|name| folder.join(name).is_file()) != [false; 2]
        };
        for case in cases.map(|case| case.unwrap().path()).filter(is_case) {
            files.extend(fs::read_dir(case).unwrap().filter_map(|file| {
                let path = file.unwrap().path();
                let other = path.extension().is_some_and(|name| name == "toml" || name == "idsig");
                (!other).then(|| path.to_str().unwrap().to_owned())
            }));
        }
    }
    files.sort();
    files
}

/// What the program writes, by the schema that it should be valid by.
fn outputs() -> Vec<(&'static str, String, Value)> {
    const REGISTRY: &str = "testdata/demo/registry.toml";
    const POLICY: &str = "testdata/policy/store.toml";
    const STORE: &str = "testdata/demo/store";
    let mut outputs = Vec::new();
    let mut add = |schema, arguments: &[&str]| {
        outputs.push((schema, arguments.join(" "), document(arguments)));
    };
    let policies = ["testdata/policy", "testdata/stamp/honest", "testdata/v2"];
    add("scan", &["scan", "testdata", "tests/no-such-file", "--format", "json"]);
    add("scan", &["scan", STORE, "--registry", REGISTRY, "--format", "json"]);
    add("scan", &[&["scan"], &policies[..], &["--policy", POLICY, "--format", "json"]].concat());
    add("scan", &["verify", "testdata/v31/honest/app.apk", "gone.apk", "--format", "json"]);
    let counterfeit = "testdata/demo/store/finance/riverbank-wallet-free.apk";
    let against = ["--registry", REGISTRY, "--unsigned-registry", "--policy", POLICY];
    add("scan", &[&["gate", counterfeit, "--format", "json"], &against[..]].concat());
    add("lineage", &["inspect", "testdata/lineage/rotated.lineage", "--format", "json"]);
    let dir = tempfile::tempdir().unwrap();
    let broken = dir.path().join("broken.lineage");
    let mut bytes = fs::read("testdata/lineage/rotated.lineage").unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&broken, bytes).unwrap();
    add("lineage", &["inspect", broken.to_str().unwrap(), "--format", "json"]);
    for file in committed() {
        let profile = Path::new(&file).with_file_name("profile.toml");
        let mut arguments = vec!["inspect", &file, "--format", "json", "--pem"];
        if profile.is_file() {
            arguments.extend(["--profiles", profile.to_str().unwrap()]);
        }
        add("inspect", &arguments);
    }

    // Two of the same content, a package of two signers, and one whose version goes back.
    let shop = dir.path().join("shop");
    fs::create_dir(&shop).unwrap();
    let put = |name: &str, package: &str, version: u32, key: &str| {
        let manifest = Manifest::new(package).min_sdk(24).target_sdk(30).version(version, "x");
        let apk = Apk::new().manifest(manifest).v2(Signer::v2(&Key::named(key))).build();
        fs::write(shop.join(name), apk).unwrap();
    };
    put("a.apk", "com.example.a", 7, "ec-p256");
    put("b.apk", "com.example.a", 7, "ec-p256");
    put("c.apk", "com.example.a", 7, "ec-p256-2");
    put("d.apk", "com.example.d", 7, "ec-p256");
    // Unsigned, with more names than are told.
    let names = (1..=300).fold(Resources::new(), |names, country| {
        names.value(id(1, 0), Config::any().mcc(country), format!("Bank {country}").as_str())
    });
    let unsigned = Apk::new().manifest(manifest(None)).file("resources.arsc", &names.build()).build();
    fs::write(shop.join("e.apk"), unsigned).unwrap();
    let icon = Resources::new().value(id(2, 0), Config::any(), "res/a.png");
    let icon = with_icon(&icon, &[("res/a.png", png(96, 1))]);
    fs::write(shop.join("f.apk"), icon.build()).unwrap();
    fs::write(shop.join("g.apk"), tampered(icon).build()).unwrap();
    // Another app that looks the same.
    fs::write(shop.join("h.apk"), known_as("com.example.h", "ec-p256-2", "Bank", Some(1))).unwrap();
    // By a developer who is registered, for another app.
    let foreign = dir.path().join("foreign.apk");
    fs::write(&foreign, known_as("com.riverbank.wallet", "ec-p256", "Bank", None)).unwrap();
    let mut add = |schema, arguments: &[&str]| {
        outputs.push((schema, arguments.join(" "), document(arguments)));
    };
    add("scan", &["scan", foreign.to_str().unwrap(), "--registry", REGISTRY, "--format", "json"]);
    let (db, shop) = (dir.path().join("store.db"), shop.to_str().unwrap());
    let db = db.to_str().unwrap();
    run(&["scan", STORE, "testdata/v2", shop, "--db", db, "--registry", REGISTRY]);
    put("d.apk", "com.example.d", 6, "ec-p256");
    run(&["scan", STORE, "testdata/v3", shop, "--db", db]);
    let mut add = |schema, arguments: &[&str]| {
        outputs.push((schema, arguments.join(" "), document(arguments)));
    };
    add("diff", &["diff", "--db", db, "1", "2", "--format", "json"]);
    add("diff", &["diff", "--db", db, "1", "1", "--format", "json"]);
    add("whole", &["report", "--db", db, "--whole", "--format", "json"]);
    add("whole", &["report", "--db", db, "--whole", "--scan", "1", "--format", "json"]);
    add("scan", &["report", "--db", db, "--format", "json"]);
    for arguments in [
        &["scan", "testdata", "gone.apk", "--format", "jsonl"][..],
        &["scan", STORE, "--registry", REGISTRY, "--policy", POLICY, "--format", "jsonl"],
    ] {
        let lines = run(arguments);
        let of_line = |line| ("file", arguments.join(" "), serde_json::from_str(line).unwrap());
        outputs.extend(lines.lines().map(of_line));
    }
    outputs
}

/// The names of all members of objects in `value`, but those of what is counted by name.
fn collect_names(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                names.insert(name.clone());
                if !is_count(name, member) {
                    collect_names(member, names);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_names(item, names)),
        _ => {}
    }
}

/// Whether its members are counts, by verdict, rule or kind.
fn is_count(name: &str, member: &Value) -> bool {
    member.is_object() && ["verdicts", "rules", "counts"].contains(&name)
}

/// Fields that none of the committed cases calls for.
const RARE: [&str; 9] = [
    "path_bytes",
    "exception",
    "credit_code",
    "name_zh",
    "unread",
    "marks_left_out",
    "full_size",
    "target_sdk_codename",
    "compile_sdk_codename",
];

#[test]
fn what_is_written_is_valid_and_nothing_is_promised_that_is_never_written() {
    let schemas: BTreeMap<&str, Value> = SCHEMAS.iter().map(|(name, ..)| (*name, made(name))).collect();
    let mut wrong = Vec::new();
    let mut written = BTreeSet::new();
    let outputs = outputs();
    for (schema, what, output) in &outputs {
        let found = faults(&schemas[schema], output);
        wrong.extend(
            found
                .into_iter()
                .map(|fault| format!("{what}: {}", &fault.chars().take(300).collect::<String>())),
        );
        collect_names(output, &mut written);
    }
    wrong.truncate(20);
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(outputs.len() > 800, "only {} outputs", outputs.len());
    let sections = sections();
    let told = sections.values().flat_map(|section| &section.rows).map(|[name, ..]| name.as_str());
    let never: BTreeSet<&str> =
        told.filter(|name| !written.contains(*name) && !RARE.contains(name)).collect();
    assert!(never.is_empty(), "docs/json.md tells of {never:?}, which nothing here writes");
}

/// Every place of an object in `value` as a pointer, but of what is counted by name.
fn objects(value: &Value, place: &str, places: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            places.push(place.to_owned());
            for (name, member) in members.iter().filter(|(name, member)| !is_count(name, member)) {
                objects(member, &format!("{place}/{name}"), places);
            }
        }
        Value::Array(items) => {
            // The others are of the same kind.
            items
                .iter()
                .take(2)
                .enumerate()
                .for_each(|(at, item)| objects(item, &format!("{place}/{at}"), places));
        }
        _ => {}
    }
}

#[test]
fn a_field_that_is_missing_renamed_added_or_of_another_type_is_noticed() {
    let documents = [
        ("scan", vec!["scan", "testdata/demo/store/finance", "--registry", "testdata/demo/registry.toml"]),
        ("inspect", vec!["inspect", "testdata/marks/transparency/app.apk"]),
        ("lineage", vec!["inspect", "testdata/lineage/rotated.lineage"]),
    ];
    for (name, mut arguments) in documents {
        arguments.extend(["--format", "json"]);
        let (schema, document) = (made(name), document(&arguments));
        assert_eq!(faults(&schema, &document), Vec::<String>::new());
        let sometimes: BTreeSet<String> = sections()
            .into_values()
            .flat_map(|section| section.rows)
            .filter(|[_, kind, _]| kind.ends_with(", sometimes"))
            .map(|[name, ..]| name)
            .collect();
        let mut places = Vec::new();
        objects(&document, "", &mut places);
        assert!(places.len() >= 3, "{places:?}");
        for place in places {
            let changed = |change: &dyn Fn(&mut Map<String, Value>)| {
                let mut other = document.clone();
                change(other.pointer_mut(&place).unwrap().as_object_mut().unwrap());
                !faults(&schema, &other).is_empty()
            };
            assert!(
                changed(&|object| _ = object.insert("extra".to_owned(), json!(1))),
                "{name} {place}: extra"
            );
            let names = document.pointer(&place).unwrap().as_object().unwrap().keys();
            for field in names {
                let renamed = |object: &mut Map<String, Value>| {
                    let value = object.remove(field).unwrap();
                    object.insert(format!("{field}2"), value);
                };
                assert!(changed(&renamed), "{name} {place}: {field} renamed");
                let other = |object: &mut Map<String, Value>| object[field] = json!(0.5);
                assert!(changed(&other), "{name} {place}: {field} of another type");
                let gone = changed(&|object| _ = object.remove(field));
                assert!(gone || sometimes.contains(field), "{name} {place}: {field} left out");
            }
        }
    }
}

#[test]
fn the_page_names_every_schema() {
    let page = fs::read_to_string("docs/json.md").unwrap();
    for (name, ..) in SCHEMAS {
        let link = format!("| [{name}.json](schema/{name}.json) |");
        assert!(page.contains(&link), "docs/json.md lacks {link}");
        assert!(Path::new("docs/schema").join(format!("{name}.json")).is_file());
    }
}
