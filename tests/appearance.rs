//! What people see of an app, in every result: its names, verified or claimed, through scans, containers and databases.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "test code: a step that cannot be done is to stop the test"
)]

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use serde_json::Value as Json;
use serde_json::json;
use tempfile::TempDir;

use crate::builder::Apk;
use crate::builder::Entry;
use crate::builder::Key;
use crate::builder::Manifest;
use crate::builder::Resources;
use crate::builder::Signer;
use crate::builder::archive::crc32;
use crate::builder::hash::base64;
use crate::builder::manifest::Element;
use crate::builder::manifest::Encoding;
use crate::builder::manifest::Value;
use crate::builder::manifest::attr;
use crate::builder::manifest::encode;
use crate::builder::resources::Config;
use crate::builder::resources::id;
use crate::make_testdata::containers::zip;

const LABEL: u32 = id(1, 0);

/// A manifest whose label is a resource, with an activity in the launcher that has the label `launcher`.
pub(crate) fn manifest(launcher: Option<&'static str>) -> Manifest {
    Manifest::new("com.example.app").min_sdk(24).tree(move |root| {
        let application = root.children.iter_mut().find(|child| child.name == "application").unwrap();
        *application = Element::new("application").android(attr::LABEL, "label", Value::Reference(LABEL));
        let Some(label) = launcher else { return };
        let name = |element: &str, name: &str| Element::new(element).android(attr::NAME, "name", name);
        let filter = Element::new("intent-filter")
            .child(name("action", "android.intent.action.MAIN"))
            .child(name("category", "android.intent.category.LAUNCHER"));
        // The platform looks for attributes in the order of their ids.
        let activity = Element::new("activity").android(attr::LABEL, "label", label);
        let activity = activity.android(attr::NAME, "name", ".Main").child(filter);
        application.children.push(activity);
    })
}

fn signed(manifest: Manifest, table: &Resources) -> Apk {
    let apk = Apk::new().manifest(manifest).file("resources.arsc", &table.build());
    apk.v2(Signer::v2(&Key::named("ec-p256")))
}

/// With another code file than was signed.
pub(crate) fn tampered(apk: Apk) -> Apk {
    apk.after_signing(|parts| {
        let dex = parts.contents.windows(4).position(|bytes| bytes == b"dex\n").unwrap();
        parts.contents[dex] ^= 1;
    })
}

fn bank() -> Resources {
    Resources::new().value(LABEL, Config::any(), "Bank").value(LABEL, Config::locale("zh-CN"), "银行")
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let program = assert_cmd::cargo::cargo_bin!("apkvouch");
    Command::new(program).current_dir(folder).args(arguments).output().unwrap()
}

/// The files of a JSON report, and of a row those fields alone that tell what people see.
fn files(folder: &Path, arguments: &[&str]) -> Vec<Json> {
    let output = run(folder, arguments);
    let document: Json = serde_json::from_slice(&output.stdout).unwrap();
    document["files"].as_array().unwrap().iter().map(seen).collect()
}

fn seen(file: &Json) -> Json {
    let names = [
        "label",
        "labels",
        "claimed_label",
        "claimed_labels",
        "labels_left_out",
        "icon",
        "claimed_icon",
        "icon_left_out",
    ];
    let told = names.into_iter().filter_map(|name| Some((name.to_owned(), file.get(name)?.clone())));
    Json::Object(told.collect())
}

#[test]
fn names_are_told_as_verified_as_the_file_is() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).unwrap();
    write("a.apk", signed(manifest(None), &bank()).build());
    write("b.apk", tampered(signed(manifest(None), &bank())).build());
    write("c.apk", signed(manifest(Some("Torch")), &bank()).build());
    write("d.apk", signed(Manifest::new("com.example.app").min_sdk(24).label("Bank"), &bank()).build());
    write("e.apk", signed(Manifest::new("com.example.app").min_sdk(24), &bank()).build());
    let rows = json!([{ "locale": "", "text": "Bank" }, { "locale": "zh-CN", "text": "银行" }]);
    let torch = json!([rows[0], rows[1], { "locale": "", "text": "Torch" }]);
    let expected = [
        json!({ "label": "Bank", "labels": rows }),
        json!({ "claimed_label": "Bank", "claimed_labels": rows }),
        json!({ "label": "Bank", "labels": torch }),
        json!({ "label": "Bank" }),
        json!({}),
    ];
    assert_eq!(files(folder.path(), &["scan", ".", "--format", "json"]), expected);
    let all = ["a.apk", "b.apk", "c.apk", "d.apk", "e.apk"];
    assert_eq!(files(folder.path(), &[&["verify", "--format", "json"], &all[..]].concat()), expected);
    for (name, expected) in all.into_iter().zip(&expected) {
        let output = run(folder.path(), &["inspect", name, "--format", "json"]);
        assert_eq!(seen(&serde_json::from_slice(&output.stdout).unwrap()), *expected, "{name}");
    }
}

#[test]
fn a_container_has_the_name_of_the_app_in_it() {
    let folder = TempDir::new().unwrap();
    let base = signed(manifest(None), &bank()).build();
    let part = Manifest::new("com.example.app").min_sdk(24).tree(|root| {
        root.attributes.push(Element::new("x").plain("split", "config.de").attributes.remove(0));
        root.children.retain(|child| child.name != "application");
        root.children.push(Element::new("application").android(attr::LABEL, "label", "Not the name"));
    });
    let part = signed(part, &bank()).build();
    let other = Manifest::new("com.example.app").min_sdk(24).label("Torch");
    let other = signed(other, &bank()).build();
    let set = [Entry::stored("base.apk", &base), Entry::stored("split_config.de.apk", &part)];
    fs::write(folder.path().join("a.apks"), zip(&set)).unwrap();
    let two = [Entry::stored("a.apk", &base), Entry::stored("b.apk", &other)];
    fs::write(folder.path().join("b.zip"), zip(&two)).unwrap();
    let output = run(folder.path(), &["scan", ".", "--format", "json"]);
    let document: Json = serde_json::from_slice(&output.stdout).unwrap();
    let label = |pointer: &str| document.pointer(pointer).map(|file| file["label"].clone());
    assert_eq!(label("/files/0"), Some(json!("Bank")));
    assert_eq!(label("/files/0/members/0"), Some(json!("Bank")));
    assert_eq!(label("/files/0/members/1"), Some(Json::Null));
    // Two apps of different names have none together.
    assert_eq!(label("/files/1"), Some(Json::Null));
    assert_eq!(label("/files/1/members/1"), Some(json!("Torch")));
    // Nor an icon of one of them: anybody may put in an app whose icon is known.
    let table = Resources::new().value(ICON, Config::any(), "res/i.png");
    let pictured = with_icon(&table, &[("res/i.png", png(96, 1))]).build();
    let second = |package| signed(Manifest::new(package).min_sdk(24), &bank()).build();
    let icon = |second: &[u8]| {
        let two = [Entry::stored("a.apk", &pictured), Entry::stored("b.apk", second)];
        fs::write(folder.path().join("d.zip"), zip(&two)).unwrap();
        let output = run(folder.path(), &["scan", "d.zip", "--format", "json"]);
        let document: Json = serde_json::from_slice(&output.stdout).unwrap();
        document["files"][0]["icon"]["path"].clone()
    };
    assert_eq!(icon(&second("com.example.app")), json!("res/i.png"));
    assert_eq!(icon(&second("com.example.other")), Json::Null);
    // Parts use up nothing of what is there for the names of members, and apps do.
    let last = |before: &[u8]| {
        let mut all: Vec<Entry> = (0..32).map(|at| Entry::stored(&format!("{at:02}.apk"), before)).collect();
        all.push(Entry::stored("base.apk", &base));
        fs::write(folder.path().join("c.apks"), zip(&all)).unwrap();
        let output = run(folder.path(), &["scan", "c.apks", "--format", "json"]);
        let document: Json = serde_json::from_slice(&output.stdout).unwrap();
        document["files"][0]["members"][32]["label"].clone()
    };
    assert_eq!((last(&part), last(&other)), (json!("Bank"), Json::Null));
}

#[test]
fn a_database_keeps_names_whatever_the_scan_has_shown() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("store")).unwrap();
    fs::write(folder.path().join("store/a.apk"), signed(manifest(Some("Torch")), &bank()).build()).unwrap();
    let direct = files(folder.path(), &["scan", "store", "--format", "json"]);
    assert_eq!(direct[0]["labels"].as_array().unwrap().len(), 3);
    run(folder.path(), &["scan", "store", "--db", "db"]);
    assert_eq!(files(folder.path(), &["report", "--db", "db", "--format", "json"]), direct);
    // What is known is not read again, and says the same.
    assert_eq!(files(folder.path(), &["scan", "store", "--db", "db", "--format", "json"]), direct);
    // Forms that show no names say the same with and without them.
    let text = run(folder.path(), &["scan", "store"]).stdout;
    assert_eq!(run(folder.path(), &["report", "--db", "db"]).stdout, text);
}

/// A table with that many configurations of the label, each of which leads through twenty resources that have as many.
fn slow() -> Resources {
    let mut table = Resources::new().value(id(1, 20), Config::any(), "Bank");
    for number in 0..20 {
        table = table.value(id(1, number), Config::any(), Value::Reference(id(1, number + 1)));
        for code in 1..=4000 {
            let config = Config::any().mcc(code);
            table = table.value(id(1, number), config, Value::Reference(id(1, number + 1)));
        }
    }
    table
}

#[test]
fn a_file_cannot_make_its_names_dear() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, apk: Apk| fs::write(folder.path().join(name), apk.build()).unwrap();
    // 56 MB in some hundred KB.
    let zeros = Entry::stored("resources.arsc", &vec![0; 56 << 20]).deflated_far(&[1]);
    let sign = |apk: Apk| apk.v2(Signer::v2(&Key::named("ec-p256")));
    write("inflates.apk", sign(Apk::new().manifest(manifest(None)).entry(zeros)));
    write("slow.apk", sign(Apk::new().manifest(manifest(None)).file("resources.arsc", &slow().build())));
    // A text of a megabyte, in 4,000 configurations.
    let long = "x".repeat(1 << 20);
    let table = Resources::new().value(id(1, 1), Config::any(), long.as_str());
    let table = (1..=4000)
        .fold(table, |table, code| table.value(LABEL, Config::any().mcc(code), Value::Reference(id(1, 1))));
    write("long.apk", sign(Apk::new().manifest(manifest(None)).file("resources.arsc", &table.build())));
    // Seconds of processor time. A debug build takes ten times as long.
    let seconds = if cfg!(debug_assertions) { 20 } else { 2 };
    // KiB of address space, as for all bombs.
    let space = 64_000_000 / 1024 + 24 * 1024;
    for name in ["inflates.apk", "slow.apk", "long.apk"] {
        let output = Command::new("sh")
            .args(["-c", "ulimit -t \"$1\" -v \"$2\"; exec \"$3\" verify \"$4\" --format json", "sh"])
            .args([seconds.to_string(), space.to_string()])
            .arg(assert_cmd::cargo::cargo_bin!("apkvouch"))
            .arg(folder.path().join(name))
            .envs([("RAYON_NUM_THREADS", "2"), ("MALLOC_ARENA_MAX", "1")])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout.len() < 1_000_000, "{name}: {} bytes of answer", output.stdout.len());
    }
}

const ICON: u32 = id(2, 0);
const FOREGROUND: u32 = id(2, 1);
const BACKGROUND: u32 = id(2, 2);
// Resource ids of `android.R.attr`.
const DRAWABLE: u32 = 0x0101_0199;
const SRC: u32 = 0x0101_0119;
/// A drawing for any density.
const ANY_DENSITY: u16 = 0xfffe;

/// A PNG of one colour.
pub(crate) fn png(size: u32, grey: u8) -> Vec<u8> {
    let chunk = |kind: &[u8; 4], body: &[u8]| {
        let all = [&kind[..], body].concat();
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&length[..], &all, &crc32(&all).to_be_bytes()].concat()
    };
    let header = [&size.to_be_bytes()[..], &size.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    let line = [vec![0], vec![grey; usize::try_from(size).unwrap()]].concat();
    let pixels = line.repeat(usize::try_from(size).unwrap());
    // Stored blocks of one line each.
    let mut data = vec![0x78, 0x01];
    for (at, line) in pixels.chunks(line.len()).enumerate() {
        let length = u16::try_from(line.len()).unwrap();
        data.push(u8::from(at + 1 == usize::try_from(size).unwrap()));
        data.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
        data.extend(line);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in &pixels {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    data.extend((b << 16 | a).to_be_bytes());
    let chunks = [chunk(b"IHDR", &header), chunk(b"IDAT", &data), chunk(b"IEND", b"")].concat();
    [b"\x89PNG\r\n\x1a\n", &chunks[..]].concat()
}

/// An app whose icon is a resource, with that table and those files.
pub(crate) fn with_icon(table: &Resources, files: &[(&str, Vec<u8>)]) -> Apk {
    let manifest = Manifest::new("com.example.app").min_sdk(24).tree(|root| {
        let application = root.children.iter_mut().find(|child| child.name == "application").unwrap();
        *application = Element::new("application").android(attr::LABEL, "label", "Bank").android(
            attr::ICON,
            "icon",
            Value::Reference(ICON),
        );
    });
    files.iter().fold(signed(manifest, table), |apk, (name, data)| apk.file(name, data))
}

fn drawing(root: &Element) -> Vec<u8> {
    encode(root, Encoding::Utf8)
}

/// Two layers, the background first.
fn adaptive() -> Vec<u8> {
    let layer =
        |name: &str, reference| Element::new(name).android(DRAWABLE, "drawable", Value::Reference(reference));
    let root = Element::new("adaptive-icon").child(layer("background", BACKGROUND));
    drawing(&root.child(layer("foreground", FOREGROUND)))
}

fn vector() -> Vec<u8> {
    drawing(&Element::new("vector").child(Element::new("path")))
}

/// Of the icon: entry, form, width and size; or why there is none.
fn icon_of(apk: &Apk) -> String {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("a.apk"), apk.build()).unwrap();
    let row = files(folder.path(), &["verify", "a.apk", "--format", "json"]).remove(0);
    match (&row["icon"], &row["icon_left_out"]) {
        (Json::Object(icon), Json::Null) => {
            let [path, format] = ["path", "format"].map(|name| icon[name].as_str().unwrap());
            format!("{path} {format} {}", icon["width"])
        }
        (Json::Null, Json::String(why)) => why.clone(),
        other => format!("{other:?}"),
    }
}

#[test]
fn the_icon_is_the_bitmap_that_suits_a_report() {
    let any = Config::any;
    let table = || Resources::new();
    let densities = || {
        table()
            .value(ICON, Config::density(160), "res/m.png")
            .value(ICON, Config::density(320), "res/x.png")
            .value(ICON, Config::density(640), "res/xxx.png")
    };
    let all = [("res/m.png", png(48, 1)), ("res/x.png", png(96, 2)), ("res/xxx.png", png(192, 3))];
    assert_eq!(icon_of(&with_icon(&densities(), &all)), "res/x.png png 96");
    // What the table names and is not there does not hide another.
    assert_eq!(icon_of(&with_icon(&densities(), &all[..1])), "res/m.png png 48");
    assert_eq!(icon_of(&with_icon(&densities(), &[])), "missing");
    // Of an adaptive icon another density, then the foreground, whatever its file is called.
    let both = densities().value(ICON, Config::density(ANY_DENSITY).sdk(26), "res/a.xml");
    let files = [&all[..], &[("res/a.xml", adaptive())]].concat();
    assert_eq!(icon_of(&with_icon(&both, &files)), "res/x.png png 96");
    let layers = || {
        table().value(ICON, any(), "res/a.png").value(FOREGROUND, any(), "res/f.webp").value(
            BACKGROUND,
            any(),
            "res/b.png",
        )
    };
    let file = |foreground: Vec<u8>| {
        [("res/a.png", adaptive()), ("res/f.webp", foreground), ("res/b.png", png(10, 9))]
    };
    assert_eq!(icon_of(&with_icon(&layers(), &file(png(108, 4)))), "res/f.webp png 108");
    let inset = drawing(&Element::new("inset").child(Element::new("bitmap").android(
        SRC,
        "src",
        Value::Reference(id(2, 3)),
    )));
    let inside = layers().value(id(2, 3), any(), "res/c.png");
    let files = [&file(inset)[..], &[("res/c.png", png(70, 5))]].concat();
    assert_eq!(icon_of(&with_icon(&inside, &files)), "res/c.png png 70");
    // A foreground that is drawn leaves the background.
    assert_eq!(icon_of(&with_icon(&layers(), &file(vector()))), "res/b.png png 10");
    let lines = table().value(ICON, any(), "res/a.png");
    assert_eq!(icon_of(&with_icon(&lines, &[("res/a.png", vector())])), "drawing");
    // A drawing of itself ends.
    let circle = [ICON, FOREGROUND, BACKGROUND].into_iter();
    let circle = circle.fold(table(), |table, id| table.value(id, any(), "res/a.png"));
    assert_eq!(icon_of(&with_icon(&circle, &[("res/a.png", adaptive())])), "drawing");
}

#[test]
fn all_drawings_of_an_icon_share_what_may_be_looked_up() {
    // Each look-up of these takes all that there is for one.
    let slow = |count: u16| {
        let mut table = Resources::new().value(ICON, Config::any(), "res/a.xml");
        table = table.value(FOREGROUND, Config::any(), "res/f.png");
        for code in 1..=600 {
            for number in 0..count {
                table = table.value(id(1, number), Config::any().mcc(code), Value::Int(u32::from(code)));
            }
        }
        let layer = |id| Element::new("item").android(DRAWABLE, "drawable", Value::Reference(id));
        let root =
            (0..count).fold(Element::new("layer-list"), |root, number| root.child(layer(id(1, number))));
        let root = drawing(&root.child(layer(FOREGROUND)));
        icon_of(&with_icon(&table, &[("res/a.xml", root), ("res/f.png", png(96, 4))]))
    };
    assert_eq!(slow(3), "res/f.png png 96");
    assert_eq!(slow(5), "drawing");
}

#[test]
fn what_is_no_icon_for_a_report_is_told() {
    let table = Resources::new().value(ICON, Config::any(), "res/a.png");
    let icon = |bytes: Vec<u8>| icon_of(&with_icon(&table, &[("res/a.png", bytes)]));
    let padded = |len: usize| {
        let mut bytes = png(96, 1);
        bytes.resize(len, 0);
        bytes
    };
    assert_eq!(icon(padded(64 << 10)), "res/a.png png 96");
    assert_eq!(icon(padded((64 << 10) + 1)), "too-large");
    let wide = |width: u32| {
        let mut bytes = png(96, 1);
        bytes[16..20].copy_from_slice(&width.to_be_bytes());
        bytes
    };
    assert_eq!(icon(wide(1024)), "res/a.png png 1024");
    assert_eq!(icon(wide(1025)), "too-large");
    assert_eq!(icon(b"\xff\xd8\xff\xe0JFIF".to_vec()), "unknown-format");
    assert_eq!(icon(b"<svg onload=alert(1)>".to_vec()), "unknown-format");
    assert_eq!(icon(Vec::new()), "unknown-format");
    // Neither said nor missing where the app names none.
    let none = signed(Manifest::new("com.example.app").min_sdk(24).label("Bank"), &table);
    assert_eq!(icon_of(&none), "(Null, Null)");
}

#[test]
fn the_page_carries_each_icon_once_and_a_database_keeps_it() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("store");
    fs::create_dir(&store).unwrap();
    let table = Resources::new().value(ICON, Config::any(), "res/a.png");
    let app = with_icon(&table, &[("res/a.png", png(96, 7))]);
    fs::write(store.join("a.apk"), app.build()).unwrap();
    fs::write(store.join("b.apk"), app.build()).unwrap();
    let other = with_icon(&table, &[("res/a.png", png(96, 8))]);
    fs::write(store.join("c.apk"), tampered(other).build()).unwrap();
    let icons = |arguments: &[&str]| {
        run(folder.path(), arguments);
        let page = fs::read_to_string(folder.path().join("r.html")).unwrap();
        fs::remove_file(folder.path().join("r.html")).unwrap();
        let part = |id: &str| -> Json {
            let (_, rest) = page.split_once(&format!("id=\"{id}\">")).unwrap();
            serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
        };
        let of_rows: Vec<Json> = (0..3).map(|at| part("rows")[at]["i"].clone()).collect();
        (part("facts")["icons"].clone(), of_rows)
    };
    let direct = icons(&["scan", "store", "--output", "html=r.html"]);
    assert_eq!(direct.0.as_object().unwrap().len(), 2);
    assert!(direct.1[0].is_string() && direct.1[0] == direct.1[1] && direct.1[2].is_string());
    let address = direct.0[direct.1[0].as_str().unwrap()].as_str().unwrap();
    assert_eq!(address, format!("data:image/png;base64,{}", base64(&png(96, 7))));
    assert_eq!(icons(&["scan", "store", "--db", "db", "--output", "html=r.html"]), direct);
    assert_eq!(icons(&["report", "--db", "db", "--output", "html=r.html"]), direct);
    assert_eq!(icons(&["scan", "store", "--db", "db", "--output", "html=r.html"]), direct);
    // The form that has the digest alone says the same of it, whether or not the bytes are read.
    let json = files(folder.path(), &["report", "--db", "db", "--format", "json"]);
    assert_eq!(json, files(folder.path(), &["scan", "store", "--format", "json"]));
}

/// What aapt says of the names and icons of a file: its label, and the files of its icon.
fn ask_aapt(file: &Path) -> Option<(String, Vec<String>)> {
    let output = Command::new("aapt").args(["dump", "badging"]).arg(file).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let quoted =
        |line: &str| line.rsplit_once(":'").map(|(_, value)| value.trim_end_matches('\'').to_owned());
    let label = text.lines().find(|line| line.starts_with("application-label:")).and_then(quoted)?;
    let icons = text.lines().filter(|line| line.starts_with("application-icon-")).filter_map(quoted);
    Some((label, icons.collect()))
}

#[test]
fn aapt_agrees_on_names_and_icons_of_real_apps() {
    let corpus = std::env::var_os("APKVOUCH_CORPUS").map(PathBuf::from);
    let Some(folder) = corpus.map(|corpus| corpus.join("realworld")).filter(|folder| folder.is_dir()) else {
        println!("left out: APKVOUCH_CORPUS has no realworld/");
        return;
    };
    if Command::new("aapt").arg("version").output().is_err() {
        println!("left out: no aapt");
        return;
    }
    let mut names: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    names.sort();
    let (mut compared, mut pictures, mut wrong) = (0, 0, Vec::new());
    let arguments =
        [vec!["verify", "--format", "jsonl"], names.iter().map(|name| name.to_str().unwrap()).collect()];
    let output = run(Path::new("."), &arguments.concat());
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.lines().count(), names.len());
    for (name, line) in names.iter().zip(lines.lines()) {
        let row: Json = serde_json::from_str(line).unwrap();
        let Some((label, icons)) = ask_aapt(name) else { continue };
        compared += 1;
        let field = |name: &str| {
            [name.to_owned(), format!("claimed_{name}")].into_iter().find_map(|name| row.get(name))
        };
        if field("label").and_then(Json::as_str).unwrap_or_default() != label {
            wrong.push(format!("{}: label {label:?}: {:?}", name.display(), field("label")));
        }
        // Where it names a bitmap, ours is one of those that it names.
        let bitmaps: Vec<_> =
            icons.iter().filter(|icon| Path::new(icon).extension() != Some("xml".as_ref())).collect();
        let ours = field("icon").map(|icon| icon["path"].as_str().unwrap().to_owned());
        pictures += usize::from(ours.is_some());
        let agrees = match &ours {
            Some(ours) => bitmaps.is_empty() || bitmaps.contains(&ours),
            None => bitmaps.is_empty(),
        };
        if !agrees {
            wrong.push(format!("{}: icon {icons:?}: {ours:?} {}", name.display(), row["icon_left_out"]));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(compared >= 40 && pictures >= 30, "{compared} compared, {pictures} pictures");
}
