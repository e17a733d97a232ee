//! Whatever a stranger writes into names of files, entries, apps and signers is text in every output, and nothing more: each
//! such text goes through every form of report, and what must hold of that form is looked at.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "test code: a step that cannot be done is to stop the test"
)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use serde_json::Value;

use crate::builder::Apk;
use crate::builder::Certificate;
use crate::builder::Entry;
use crate::builder::Key;
use crate::builder::Manifest;
use crate::builder::Signer;
use crate::builder::V1;
use crate::make_testdata::containers::zip;

/// What texts a stranger may choose; `FORGED` in them must never be where it would be obeyed.
fn texts() -> Vec<(&'static str, Vec<u8>)> {
    let long = |text: &str| text.repeat(10_000).into_bytes();
    vec![
        ("escape sequences", b"\x1b[2J\x1b]0;FORGED\x07\x1b[31m".to_vec()),
        ("C1 and delete", "\u{9b}2J\u{85}\u{7f}x".into()),
        ("bidirectional", "\u{202e}kpa\u{2066}x\u{2069}\u{200f}\u{61c}\u{202c}".into()),
        ("invisible", "ba\u{200b}nk\u{feff}\u{e0041}\u{2028}\u{2029}\u{ad}".into()),
        ("no characters", "银行\u{ffff}\u{fffe}".into()),
        ("script", b"<script>alert('FORGED')</script><img src=x onerror=alert(1)>".to_vec()),
        ("markup", "<b>&\"'&amp;<!--]]><![CDATA[".into()),
        ("formula", "=cmd()|'calc'!A0".into()),
        ("formulas", "+1,=1;-1\",\"@SUM(1)\"\t=1".into()),
        ("wide formula", " \u{a0}＝1".into()),
        ("newlines", b"x\nFORGED: verified\r\nFORGED\n::error file=FORGED::FORGED\n\n".to_vec()),
        ("commands", "::add-mask::FORGED%0A::set-output name=x::y,title=FORGED".into()),
        ("links", "[FORGED](http:FORGED) {0} \\".into()),
        ("only spaces", "   ".into()),
        ("10,000 characters", long("x")),
        ("10,000 control characters", long("\u{1b}")),
        ("10,000 wide characters", long("银")),
        ("10,000 lines", long("\n")),
        ("not UTF-8", b"a\xff\xfe\x80\xed\xa0\x80\x1b[2Jb".to_vec()),
    ]
}

/// As much of `text` as the name of a file may be: 255 bytes at most, and no slash.
fn file_name(text: &[u8]) -> Vec<u8> {
    let name: Vec<u8> = text.iter().copied().filter(|byte| *byte != b'/').take(240).collect();
    if std::str::from_utf8(text).is_err() {
        return name;
    }
    String::from_utf8_lossy(&name).trim_end_matches('\u{fffd}').into()
}

/// Files that have `text` wherever there is room for it.
fn store(folder: &Path, text: &[u8]) {
    let said = String::from_utf8_lossy(text).into_owned();
    let said = said.as_str();
    let manifest = |package: &str| Manifest::new(package).min_sdk(21).version(1, said).label(said);
    let entry = || {
        let name = text.to_vec();
        Entry::stored("entry", b"data").raw(move |raw| {
            raw.local.name.clone_from(&name);
            raw.central[0].name.clone_from(&name);
        })
    };
    let key = Key::named("ec-p256");
    let certificate = Certificate::new(&[("CN", said), ("O", said)]).self_signed(&key);
    let key = key.with_certificate(certificate);

    let app = Apk::new().manifest(manifest(said)).entry(entry()).entry(entry());
    fs::write(folder.join("signed.apk"), app.v2(Signer::v2(&key)).build()).unwrap();
    let rsa = Key::named("rsa-2048");
    let added = Apk::new().manifest(manifest("com.example.app")).v1(V1::by(&rsa)).entries({
        let name = text.to_vec();
        move |entries| {
            let name = name.clone();
            entries.push(Entry::stored("entry", b"data").raw(move |raw| {
                raw.local.name.clone_from(&name);
                raw.central[0].name.clone_from(&name);
            }));
        }
    });
    fs::write(folder.join("added.apk"), added.build()).unwrap();
    let unsigned = Apk::new().manifest(manifest(said)).build();
    let member = {
        let name = [text, b".apk"].concat();
        Entry::stored("member.apk", &unsigned).raw(move |raw| {
            raw.local.name.clone_from(&name);
            raw.central[0].name.clone_from(&name);
        })
    };
    fs::write(folder.join("box.apks"), zip(&[member])).unwrap();

    let mut name = file_name(text);
    let inner = folder.join(OsStr::from_bytes(&name));
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("junk.apk"), text).unwrap();
    name.extend(b".apk");
    fs::write(folder.join(OsStr::from_bytes(&name)), &unsigned).unwrap();
}

fn apkvouch(dir: &Path, arguments: &[&OsStr]) -> Output {
    let program = assert_cmd::cargo::cargo_bin!("apkvouch");
    Command::new(program).current_dir(dir).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// How many rows `scan` has of [`store`]: five files, and a member.
const ROWS: usize = 6;

/// Forms, and what must hold of each.
const FORMS: [(&str, Holds); 8] = [
    ("text", text_holds),
    ("json", json_holds),
    ("jsonl", jsonl_holds),
    ("csv", csv_holds),
    ("sarif", sarif_holds),
    ("junit", junit_holds),
    ("github", github_holds),
    ("html", html_holds),
];

/// What is wrong with an output; a line each.
type Holds = fn(&str) -> Vec<String>;

/// Whether a terminal would obey `c`, or an eye would not see it.
fn is_raw(c: char) -> bool {
    let bidi =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let invisible = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}');
    c != '\n' && c.is_control() || bidi || invisible || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// What must hold of every output.
fn all_hold(output: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(output).map_err(|error| format!("not UTF-8: {error}"))?;
    match text.chars().find(|c| is_raw(*c)) {
        Some(c) => Err(format!("raw {c:?}")),
        None => Ok(text),
    }
}

/// More than any line of a text for people needs.
const LINE: usize = 2_500;

fn text_holds(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("FORGED") || line.starts_with("::") {
            faults.push(format!("a line of a stranger: {line}"));
        }
        let length = line.chars().count();
        if length > LINE {
            let head: String = line.chars().take(80).collect();
            let tail: String = line.chars().skip(length - 40).collect();
            faults.push(format!("a line of {length} characters: {head} ... {tail}"));
        }
    }
    faults
}

fn json_holds(text: &str) -> Vec<String> {
    match serde_json::from_str::<Value>(text) {
        Ok(document) if document["files"].as_array().is_some_and(|files| files.len() == ROWS - 1) => {
            Vec::new()
        }
        Ok(_) => vec!["not a row for each file".to_owned()],
        Err(error) => vec![error.to_string()],
    }
}

fn jsonl_holds(text: &str) -> Vec<String> {
    let rows: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
    match rows {
        Ok(rows) if rows.len() == ROWS - 1 => Vec::new(),
        Ok(rows) => vec![format!("{} lines", rows.len())],
        Err(error) => vec![error.to_string()],
    }
}

/// The cells of CSV, a line each, as RFC 4180 has them.
fn cells(text: &str) -> Vec<Vec<String>> {
    let (mut lines, mut line, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => cell.extend(rest.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => line.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                line.push(std::mem::take(&mut cell));
                lines.push(std::mem::take(&mut line));
            }
            c => cell.push(c),
        }
    }
    lines
}

fn csv_holds(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let lines = cells(text);
    if lines.len() != ROWS + 1 || lines.iter().any(|line| line.len() != 16) {
        faults.push(format!("lines of {:?} cells", lines.iter().map(Vec::len).collect::<Vec<_>>()));
    }
    let formula = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    for cell in lines.iter().flatten() {
        // Some spreadsheets cut at these, whatever the quotes say.
        if cell.split([',', ';', '|', '"']).any(|cut| cut.trim_start().starts_with(formula)) {
            faults.push(format!("a formula: {cell}"));
        }
    }
    faults
}

fn sarif_holds(text: &str) -> Vec<String> {
    let document: Value = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(error) => return vec![error.to_string()],
    };
    let schema = fs::read_to_string("testdata/schemas/sarif-schema-2.1.0.json").unwrap();
    let mut faults = crate::json_schema::faults(&serde_json::from_str(&schema).unwrap(), &document);
    let results = document["runs"][0]["results"].as_array().unwrap();
    if results.len() < ROWS {
        faults.push(format!("{} results", results.len()));
    }
    for result in results {
        let message = result["message"]["text"].as_str().unwrap();
        // A link begins where a bracket does that is not escaped.
        let mut escaped = false;
        for c in message.chars() {
            if matches!(c, '[' | ']') && !escaped {
                faults.push(format!("a link: {message}"));
            }
            escaped = c == '\\' && !escaped;
        }
        if message.chars().any(is_raw) {
            faults.push(format!("raw to who reads it: {message}"));
        }
        let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
        if !uri.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/%!$&'()*+,;=@".contains(&byte)) {
            faults.push(format!("no URI: {uri}"));
        }
    }
    faults
}

fn junit_holds(text: &str) -> Vec<String> {
    let document = match roxmltree::Document::parse(text) {
        Ok(document) => document,
        Err(error) => return vec![error.to_string()],
    };
    let ours = [
        "testsuites",
        "testsuite",
        "testcase",
        "properties",
        "property",
        "failure",
        "error",
        "skipped",
        "system-out",
    ];
    let mut faults = Vec::new();
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        if !ours.contains(&node.tag_name().name()) {
            faults.push(format!("element {}", node.tag_name().name()));
        }
        let texts = node.attributes().map(|attribute| attribute.value()).chain(node.text());
        if let Some(text) = texts.into_iter().find(|text| text.chars().any(is_raw)) {
            faults.push(format!("raw to who reads it: {text}"));
        }
    }
    let cases = document.descendants().filter(|node| node.has_tag_name("testcase")).count();
    if cases != ROWS {
        faults.push(format!("{cases} cases"));
    }
    faults
}

fn github_holds(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for line in text.lines() {
        let command = ["::error file=", "::warning file=", "::notice file="]
            .iter()
            .any(|start| line.starts_with(start));
        let told = ["passed: ", "failed: "].iter().any(|start| line.starts_with(start))
            || line.ends_with("could not be judged");
        if !command && !told {
            faults.push(format!("a line of a stranger: {line}"));
        }
        if command {
            let (properties, _) = line.trim_start_matches(':').split_once("::").unwrap_or((line, ""));
            let names = properties.matches("file=").count() + properties.matches(",title=").count();
            let one = properties.matches(',').count() == 1 && names >= 2;
            if !one || properties.contains(':') || line.contains("%0A") {
                faults.push(format!("properties of a stranger: {properties}"));
            }
        }
    }
    faults
}

fn html_holds(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for markup in ["<img", "<b>", "<!--", "<![CDATA", "alert('FORGED')</"] {
        if text.contains(markup) {
            faults.push(format!("markup: {markup}"));
        }
    }
    // One for the rows, one for the facts, one of ours.
    if text.matches("<script").count() != 3 || text.matches("</script").count() != 3 {
        faults.push("another script".to_owned());
    }
    let start = "<script type=\"application/json\" id=\"rows\">";
    let rows = text.split_once(start).and_then(|(_, rest)| rest.split_once("</script>"));
    match rows.map(|(rows, _)| serde_json::from_str::<Value>(rows)) {
        // Behind the last comma stands nothing.
        Some(Ok(rows)) if rows.as_array().is_some_and(|rows| rows.len() == ROWS + 1) => {}
        Some(Ok(_)) => faults.push("not a row for each file".to_owned()),
        Some(Err(error)) => faults.push(error.to_string()),
        None => faults.push("no rows".to_owned()),
    }
    faults
}

/// What is wrong with the outputs of several runs.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    /// Looks at one output.
    fn look(&mut self, named: &str, output: &str, bytes: &[u8], holds: Holds) {
        let found = match all_hold(bytes) {
            Ok(text) => holds(text),
            Err(fault) => vec![fault],
        };
        self.0.extend(found.into_iter().map(|fault| {
            let fault: String = fault.chars().take(300).flat_map(char::escape_debug).collect();
            format!("{named}: {output}: {fault}")
        }));
    }

    #[track_caller]
    fn assert_none(&self) {
        assert!(self.0.is_empty(), "{} faults:\n{}", self.0.len(), self.0.join("\n"));
    }
}

#[test]
fn what_a_stranger_writes_is_text_in_every_output() {
    let mut faults = Faults::default();
    for (named, text) in texts() {
        let dir = tempfile::tempdir().unwrap();
        store(dir.path(), &text);
        let mut told = |output: &str, bytes: &[u8], holds: Holds| faults.look(named, output, bytes, holds);
        for (form, holds) in FORMS {
            let run = apkvouch(dir.path(), &["scan", "--format", form, "."].map(OsStr::new));
            assert_eq!(
                run.status.code(),
                Some(1),
                "{named}: {form}: {}",
                String::from_utf8_lossy(&run.stderr)
            );
            told(&format!("scan --format {form}"), &run.stdout, holds);
            told("standard error", &run.stderr, text_holds);
        }
        let mut files: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.is_file());
        assert_eq!(files.len(), 4);
        for file in &files {
            for command in ["verify", "inspect"] {
                let run = apkvouch(dir.path(), &[OsStr::new(command), file.as_os_str()]);
                let name = file.file_name().unwrap().to_string_lossy();
                told(&format!("{command} {name}"), &run.stdout, text_holds);
                told(&format!("{command} {name}, standard error"), &run.stderr, text_holds);
            }
        }
    }
    faults.assert_none();
}

#[test]
fn a_subject_is_text_in_every_output_about_one_file() {
    let apksigner_holds = |text: &str| {
        // Whoever reads this form takes the name whole, however long it is.
        let names = text.lines().filter(|line| line.contains("certificate DN: ")).count();
        let forged = text.lines().find(|line| !line.contains("certificate DN: ") && line.contains("FORGED"));
        let forged = forged.map(|line| format!("a line of a stranger: {line}"));
        forged.into_iter().chain((names != 1).then(|| format!("{names} lines with the subject"))).collect()
    };
    let parses = |text: &str| {
        let mut parsed = text.lines().map(serde_json::from_str::<Value>);
        match serde_json::from_str::<Value>(text) {
            Err(error) if !parsed.all(|line| line.is_ok()) => vec![error.to_string()],
            _ => Vec::new(),
        }
    };
    let outputs: [(&str, Holds); 13] = [
        ("verify --compat apksigner --print-certs -v signed.apk", apksigner_holds),
        ("verify --compat apksigner=37 --print-certs-pem -v signed.apk", apksigner_holds),
        ("verify --print-certs -v signed.apk", text_holds),
        ("verify --print-certs -v --lang zh signed.apk", text_holds),
        ("verify --format json signed.apk", parses),
        ("verify --format jsonl signed.apk", parses),
        ("verify --format csv signed.apk", |_| Vec::new()),
        ("verify --format sarif signed.apk", parses),
        ("verify --format junit signed.apk", |text| {
            roxmltree::Document::parse(text).err().map(|error| error.to_string()).into_iter().collect()
        }),
        ("verify --format github signed.apk", text_holds),
        ("verify --format html signed.apk", |text| {
            let markup = ["<img", "<b>", "<!--", "<![CDATA", "alert('FORGED')</"];
            markup.into_iter().filter(|markup| text.contains(markup)).map(str::to_owned).collect()
        }),
        ("inspect signed.apk", text_holds),
        ("inspect --format json signed.apk", parses),
    ];
    let mut faults = Faults::default();
    for (named, text) in texts() {
        let dir = tempfile::tempdir().unwrap();
        let key = Key::named("ec-p256");
        let said = String::from_utf8_lossy(&text);
        let certificate = Certificate::new(&[("CN", &said), ("O", &said)]).self_signed(&key);
        let manifest = Manifest::new("com.example.app").min_sdk(24);
        let apk = Apk::new().manifest(manifest).v2(Signer::v2(&key.with_certificate(certificate)));
        fs::write(dir.path().join("signed.apk"), apk.build()).unwrap();
        for (arguments, holds) in outputs {
            let split: Vec<_> = arguments.split(' ').map(OsStr::new).collect();
            let run = apkvouch(dir.path(), &split);
            let error = String::from_utf8_lossy(&run.stderr);
            assert_eq!((run.status.code(), &*error), (Some(0), ""), "{named}: {arguments}");
            faults.look(named, arguments, &run.stdout, holds);
        }
    }
    faults.assert_none();
}

#[test]
fn what_a_database_has_kept_is_text_too() {
    let valid = |text: &str| match serde_json::from_str::<Value>(text) {
        Ok(_) => Vec::new(),
        Err(error) => vec![error.to_string()],
    };
    let mut faults = Faults::default();
    for (named, text) in texts() {
        let dir = tempfile::tempdir().unwrap();
        let files = dir.path().join("files");
        fs::create_dir(&files).unwrap();
        store(&files, &text);
        // One package of two signers, and one file that stands there twice.
        let said = String::from_utf8_lossy(&text).into_owned();
        let path = |name: &str| {
            let mut path = file_name(&text);
            path.extend(name.as_bytes());
            files.join(OsStr::from_bytes(&path))
        };
        for (key, names) in [("ec-p256", ["1.apk", "2.apk"].as_slice()), ("ec-p256-2", &["3.apk"])] {
            let manifest = Manifest::new(&said).min_sdk(24);
            let apk = Apk::new().manifest(manifest).v2(Signer::v2(&Key::named(key))).build();
            for name in names {
                fs::write(path(name), &apk).unwrap();
            }
        }
        let scan = ["scan", "--db", "db", "files"].map(OsStr::new);
        apkvouch(dir.path(), &scan);
        fs::remove_file(path("3.apk")).unwrap();
        fs::remove_file(files.join("box.apks")).unwrap();
        fs::write(files.join("signed.apk"), fs::read(path("1.apk")).unwrap()).unwrap();
        apkvouch(dir.path(), &scan);

        let outputs: [(&str, Option<i32>, Holds); 6] = [
            ("report --db db --whole", Some(0), text_holds),
            ("report --db db --whole --scan 1", Some(0), text_holds),
            ("report --db db --whole --format json", Some(0), valid),
            ("report --db db --scan 1", Some(1), text_holds),
            ("diff --db db 1 2", Some(1), text_holds),
            ("diff --db db 1 2 --format json", Some(1), valid),
        ];
        for (arguments, status, holds) in outputs {
            let split: Vec<_> = arguments.split(' ').map(OsStr::new).collect();
            let run = apkvouch(dir.path(), &split);
            let error = String::from_utf8_lossy(&run.stderr);
            assert_eq!(run.status.code(), status, "{named}: {arguments}: {error}");
            faults.look(named, arguments, &run.stdout, holds);
        }
    }
    faults.assert_none();
}

#[test]
fn what_is_escaped_keeps_its_value() {
    for (named, text) in texts() {
        let dir = tempfile::tempdir().unwrap();
        let mut name = file_name(&text);
        name.extend(b".apk");
        let Ok(value) = std::str::from_utf8(&name) else { continue };
        fs::write(dir.path().join(value), b"junk").unwrap();
        let scan = |form: &str| {
            let run = apkvouch(dir.path(), &["scan", "--format", form, "."].map(OsStr::new));
            String::from_utf8(run.stdout).unwrap()
        };
        let path = format!("./{value}");
        let row: Value = serde_json::from_str(&scan("jsonl")).unwrap();
        assert_eq!(row["path"], path, "{named}");
        let document: Value = serde_json::from_str(&scan("json")).unwrap();
        assert_eq!(document["files"][0]["path"], path, "{named}");
        // The others have what a reader can see.
        let shown = apkvouch::report::escape::visible(value);
        let xml = scan("junit");
        let tree = roxmltree::Document::parse(&xml).unwrap();
        let case = tree.descendants().find(|node| node.has_tag_name("testcase")).unwrap();
        assert_eq!(case.attribute("name"), Some(&*shown), "{named}");
        assert!(scan("text").contains(&*shown), "{named}");
    }
}

#[test]
fn what_is_not_escaped_is_noticed() {
    // Each output as it would be, had its writer put out the text as it is.
    let noticed = |holds: Holds, output: &str| match all_hold(output.as_bytes()) {
        Ok(text) => !holds(text).is_empty(),
        Err(_) => true,
    };
    let rows = |row: &str| format!("<script type=\"application/json\" id=\"rows\">[{row}]</script>");
    let sarif = |message: &str, uri: &str| {
        let result = serde_json::json!({
            "message": { "text": message },
            "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri } } }],
        });
        let driver = serde_json::json!({ "name": "x" });
        let run = serde_json::json!({ "tool": { "driver": driver }, "results": vec![result; ROWS] });
        serde_json::json!({ "version": "2.1.0", "runs": [run] }).to_string()
    };
    // The neighbour of each of them that is as it should be.
    assert_eq!(sarif_holds(&sarif("see \\[here\\](x)", "a%20b.apk")), Vec::<String>::new());
    let cases: [(Holds, String); 18] = [
        (text_holds, "a.apk\u{1b}[2J: unsigned".to_owned()),
        (text_holds, "a\u{202e}kpa: unsigned".to_owned()),
        (text_holds, "a.apk\nFORGED: verified".to_owned()),
        (text_holds, "x".repeat(LINE + 1)),
        (json_holds, "{\"files\": [\"a\"b\"]}".to_owned()),
        (jsonl_holds, "{}\n".repeat(ROWS)),
        (csv_holds, "\"=1\"\n".to_owned()),
        (csv_holds, "a,\"b\nc\n".to_owned()),
        (sarif_holds, sarif("see [here](http://x)", "a.apk")),
        (sarif_holds, sarif("a\u{202e}b", "a.apk")),
        (sarif_holds, sarif("a", "javascript:a.apk")),
        (sarif_holds, "{\"runs\": [{\"results\": []}]}".to_owned()),
        (junit_holds, "<testsuites><b/></testsuites>".to_owned()),
        (junit_holds, "<testsuites a=\"<\"/>".to_owned()),
        (github_holds, "passed: a.apk\n::add-mask::x".to_owned()),
        (github_holds, "::error file=a,title=b,title=c::d".to_owned()),
        (html_holds, rows("\"<img src=x>\"")),
        (html_holds, rows("\"</script><script>\"")),
    ];
    for (holds, output) in cases {
        assert!(noticed(holds, &output), "{output:?}");
    }
}
