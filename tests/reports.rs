//! Reports for other programs: SARIF against its schema, JUnit as XML, annotations; and where reports are written to.

#![expect(clippy::unwrap_used, reason = "test code: a step that cannot be done is to stop the test")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use serde_json::Value;

/// The official schema; testdata/README.md says where it is from.
const SCHEMA: &str = "testdata/schemas/sarif-schema-2.1.0.json";

fn apkvouch(dir: &Path, arguments: &[&str]) -> Output {
    let program = assert_cmd::cargo::cargo_bin!("apkvouch");
    Command::new(program).current_dir(dir).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).unwrap()
}

/// What the schema has to say against `document`.
fn sarif_faults(document: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(&fs::read_to_string(here().join(SCHEMA)).unwrap()).unwrap();
    crate::json_schema::faults(&schema, document)
}

/// Asserts that `document` is SARIF.
#[track_caller]
fn assert_sarif(document: &Value) {
    assert_eq!(sarif_faults(document), Vec::<String>::new());
}

#[test]
fn sarif_is_what_its_schema_wants() {
    let scans: [&[&str]; 4] = [
        &["scan", "--format", "sarif", "testdata/zip", "testdata/v1", "testdata/marks"],
        &[
            "scan",
            "--format",
            "sarif",
            "--registry",
            "testdata/demo/registry.toml",
            "--at",
            "2026-06-01",
            "testdata/demo/store",
        ],
        &["verify", "--format", "sarif", "gone.apk", "testdata/v2/honest/app.apk"],
        &[
            "gate",
            "--format",
            "sarif",
            "--policy",
            "testdata/policy/store.toml",
            "--signed-by",
            "a4a441b109e54170b8754b4544840e494701870c19a1d24a37ef7368c9634192",
            "testdata/v2/honest/app.apk",
            "testdata/v1/md5/app.apk",
        ],
    ];
    for arguments in scans {
        let run = apkvouch(here(), arguments);
        let document: Value = serde_json::from_slice(&run.stdout).unwrap();
        assert_sarif(&document);
        let invocation = &document["runs"][0]["invocations"][0];
        assert_eq!(invocation["exitCode"].as_i64(), run.status.code().map(i64::from));
    }
    // The schema is not one that takes anything.
    let mut wrong: Value = serde_json::from_slice(&apkvouch(here(), scans[2]).stdout).unwrap();
    wrong["runs"][0]["results"] = serde_json::json!([
        { "ruleId": "x" },
        { "message": { "text": "x" }, "level": "fatal" },
        { "message": { "id": 1 } },
        { "message": {} },
        { "message": { "text": "x" }, "colour": "red", "ruleIndex": -2 },
    ]);
    let faults = sarif_faults(&wrong);
    let places: Vec<&str> = faults.iter().map(|fault| fault.split(' ').next().unwrap()).collect();
    let expected = [
        "/runs/0/results/0:",
        "/runs/0/results/1/level:",
        "/runs/0/results/2/message/id:",
        "/runs/0/results/3/message:",
        "/runs/0/results/4/colour:",
        "/runs/0/results/4/ruleIndex:",
    ];
    assert_eq!(places, expected, "{faults:#?}");
}

#[test]
fn sarif_has_one_result_for_each_file_and_code_and_an_error_for_what_fails() {
    let arguments = [
        "scan",
        "--format",
        "sarif",
        "--registry",
        "testdata/demo/registry.toml",
        "--at",
        "2026-06-01",
        "testdata/demo/store",
    ];
    let document: Value = serde_json::from_slice(&apkvouch(here(), &arguments).stdout).unwrap();
    let run = &document["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for result in run["results"].as_array().unwrap() {
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.starts_with("testdata/demo/store/"), "{uri}");
        assert_eq!(place["artifactLocation"]["uriBaseId"], "%SRCROOT%");
        let code = result["ruleId"].as_str().unwrap();
        assert!(seen.insert((uri.to_owned(), code.to_owned())), "{uri} {code} twice");
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], code);
        assert!(result["partialFingerprints"]["apkvouch/v1"].is_string());
    }
    let level = |file: &str| {
        let of_file = run["results"].as_array().unwrap().iter().filter(|result| {
            let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
            uri.as_str().unwrap().ends_with(file)
        });
        of_file
            .map(|result| result["level"].as_str().unwrap().to_owned())
            .max_by_key(|level| level == "error")
    };
    assert_eq!(level("riverbank-wallet-free.apk").as_deref(), Some("error"), "counterfeit");
    assert_eq!(level("blocks.apk").as_deref(), Some("error"), "unauthenticated, which fails");
    assert_ne!(level("riverbank-wallet.apk").as_deref(), Some("error"), "authenticated");
}

#[test]
fn sarif_marks_what_an_exception_lets_pass_and_drops_nothing() {
    let policy = |exceptions: &str| {
        format!(
            "schema = 1\n[accept]\nverdicts = [\"authenticated\", \"unauthenticated\"]\n\
             [severity]\nzip-overlap = \"error\"\nzip-long-field = \"error\"\n{exceptions}"
        )
    };
    let exception = "[[exception]]\npackage = \"com.example.app\"\nrules = [\"severity\"]\n\
                     codes = [\"zip-overlap\"]\nreason = \"see [ticket](x)\"\nexpires = 2999-12-31\n";
    let dir = tempfile::tempdir().unwrap();
    let results = |exceptions: &str| {
        let file = dir.path().join("policy.toml");
        fs::write(&file, policy(exceptions)).unwrap();
        let apk = "testdata/zip/extra-length-negative/app.apk";
        let run = apkvouch(here(), &["scan", "--format", "sarif", "--policy", file.to_str().unwrap(), apk]);
        assert_eq!(run.status.code(), Some(1), "{}", text(&run.stderr));
        let document: Value = serde_json::from_slice(&run.stdout).unwrap();
        assert_sarif(&document);
        document["runs"][0]["results"].as_array().unwrap().clone()
    };
    let of_rule = |result: &&Value| result["ruleId"] == "policy-severity";
    let suppressed = |result: &&Value| result.get("suppressions").is_some();

    // Two findings of one code, and neither is let pass.
    let plain = results("");
    assert_eq!(plain.iter().filter(suppressed).count(), 0);
    let [both] = plain.iter().filter(of_rule).collect::<Vec<_>>()[..] else { panic!("{plain:#?}") };
    assert_eq!(both["level"], "error");

    // One of them is: they are two results, and the other is still an error.
    let found = results(exception);
    let [one] = found.iter().filter(suppressed).collect::<Vec<_>>()[..] else { panic!("{found:#?}") };
    assert_eq!((&one["ruleId"], &one["level"]), (&"policy-severity".into(), &"note".into()));
    assert_eq!(one["suppressions"].as_array().unwrap().len(), 1);
    assert_eq!(one["suppressions"][0]["kind"], "external");
    assert_eq!(one["suppressions"][0]["status"], "accepted");
    let why = one["suppressions"][0]["justification"].as_str().unwrap();
    assert!(why.contains("excepted until 2999-12-31: see \\[ticket\\](x)"), "{why}");
    let open = |result: &&Value| of_rule(result) && !suppressed(result);
    let [other] = found.iter().filter(open).collect::<Vec<_>>()[..] else { panic!("{found:#?}") };
    assert_eq!(other["level"], "error");
    assert_eq!(other["partialFingerprints"], both["partialFingerprints"]);
    assert_ne!(one["partialFingerprints"], other["partialFingerprints"]);
    assert_eq!(found.len(), plain.len() + 1, "what it let pass is not dropped");

    // One that is over lets nothing pass.
    let over = results(&exception.replace("2999-12-31", "2001-12-31"));
    assert_eq!(over.iter().filter(suppressed).count(), 0);
}

#[test]
fn junit_has_a_case_for_each_file_and_counts_for_each_folder() {
    let arguments = [
        "scan",
        "--format",
        "junit",
        "--registry",
        "testdata/demo/registry.toml",
        "--at",
        "2026-06-01",
        "testdata/demo/store",
        "gone.apk",
    ];
    let xml = text(&apkvouch(here(), &arguments).stdout);
    let tree = roxmltree::Document::parse(&xml).unwrap();
    let suites: Vec<_> = tree.root_element().children().filter(roxmltree::Node::is_element).collect();
    let told: Vec<String> = suites
        .iter()
        .map(|suite| {
            let count = |name| suite.attribute(name).unwrap();
            let counts = [count("tests"), count("failures"), count("errors"), count("skipped")].join(" ");
            format!("{} {counts}", suite.attribute("name").unwrap())
        })
        .collect();
    let expected = [
        "testdata/demo/store/finance 3 2 0 0",
        "testdata/demo/store/games 2 1 0 0",
        "testdata/demo/store/news 1 1 0 0",
        "testdata/demo/store/tools 3 3 0 0",
        ". 1 0 1 0",
    ];
    assert_eq!(told, expected);
    let case =
        tree.descendants().find(|node| node.attribute("name") == Some("riverbank-wallet-free.apk")).unwrap();
    assert_eq!(case.attribute("classname"), Some("com.riverbank.wallet"));
    let failure = case.children().find(|node| node.has_tag_name("failure")).unwrap();
    assert_eq!(failure.attribute("type"), Some("counterfeit"));
    let message = failure.attribute("message").unwrap();
    assert!(message.starts_with("signer-not-allowed: ") && message.contains("; expected 9febb"), "{message}");
}

/// Names of apps stand in every form that has room for them, told apart by whether the file verifies.
#[test]
fn csv_sarif_and_junit_have_the_name_of_an_app() {
    let dir = tempfile::tempdir().unwrap();
    let finance = here().join("testdata/demo/store/finance");
    let outputs = ["csv=a.csv", "sarif=a.sarif", "junit=a.xml"].map(|output| ["--output", output]).concat();
    let arguments = [&["scan", "-q", finance.to_str().unwrap()][..], &outputs].concat();
    let run = apkvouch(dir.path(), &arguments);
    assert_eq!(run.status.code(), Some(1), "{}", text(&run.stderr));
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    let csv = read("a.csv");
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].ends_with(",\"label\"") && lines.len() == 4, "{csv}");
    assert!(lines[1..].iter().all(|line| line.ends_with(",\"\",\"Riverbank Wallet\"")), "{csv}");

    let sarif: Value = serde_json::from_str(&read("a.sarif")).unwrap();
    assert_sarif(&sarif);
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let mirror = |result: &&Value| result.to_string().contains("riverbank-wallet-mirror.apk");
    let mirror = results.iter().find(mirror).unwrap();
    assert_eq!(mirror["properties"], serde_json::json!({ "claimed_label": "Riverbank Wallet" }));

    let xml = read("a.xml");
    let tree = roxmltree::Document::parse(&xml).unwrap();
    let property = |file: &str| {
        let case = tree.descendants().find(|node| node.attribute("name") == Some(file)).unwrap();
        let property = case.descendants().find(|node| node.has_tag_name("property")).unwrap();
        (property.attribute("name").unwrap(), property.attribute("value").unwrap())
    };
    assert_eq!(property("riverbank-wallet.apk"), ("label", "Riverbank Wallet"));
    assert_eq!(property("riverbank-wallet-mirror.apk"), ("claimed_label", "Riverbank Wallet"));
}

// Where reports are written to.

#[test]
fn several_reports_are_written_in_one_run() {
    let dir = tempfile::tempdir().unwrap();
    let apk = here().join("testdata/v2/honest/app.apk");
    let apk = apk.to_str().unwrap();
    fs::write(dir.path().join("c.xml"), "old").unwrap();
    let run = apkvouch(
        dir.path(),
        &[
            "scan",
            apk,
            "--output",
            "sarif=a.sarif",
            "--output",
            "json=b.json",
            "--output",
            "junit=c.xml",
            "--output",
            "text=d.txt",
            "--color",
            "always",
        ],
    );
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    assert!(text(&run.stdout).contains("\u{1b}["), "a colour on standard output");
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    assert_sarif(&serde_json::from_str(&read("a.sarif")).unwrap());
    assert_eq!(serde_json::from_str::<Value>(&read("b.json")).unwrap()["summary"]["judged"], 1);
    assert!(read("c.xml").starts_with("<?xml") && read("c.xml").ends_with("</testsuites>\n"));
    assert!(read("d.txt").starts_with("VERDICT") && !read("d.txt").contains('\u{1b}'), "and none in a file");
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "{left:?}");
}

#[test]
fn a_report_that_cannot_be_written_is_status_3_and_keeps_no_other_from_being_written() {
    let dir = tempfile::tempdir().unwrap();
    let apk = here().join("testdata/v2/honest/app.apk");
    let run = apkvouch(dir.path(), &["scan", apk.to_str().unwrap(), "--output", "json=gone/a.json"]);
    assert_eq!((run.status.code(), text(&run.stdout).as_str()), (Some(3), ""));
    assert_eq!(text(&run.stderr), "apkvouch: gone/a.json: cannot write: no such file or directory\n");
    for outputs in [&["json=x", "sarif=./x"][..], &["yaml=x"], &["json="], &["json"]] {
        let mut arguments = vec!["scan", apk.to_str().unwrap()];
        arguments.extend(outputs.iter().flat_map(|output| ["--output", output]));
        let run = apkvouch(dir.path(), &arguments);
        assert_eq!((run.status.code(), text(&run.stdout).as_str()), (Some(2), ""), "{outputs:?}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// Standard output is full or closed; the file is written all the same.
#[cfg(target_os = "linux")]
#[test]
fn a_full_or_closed_standard_output_is_status_3_and_the_file_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let apk = here().join("testdata/v2/honest/app.apk");
    let run = |out: Stdio| {
        let program = assert_cmd::cargo::cargo_bin!("apkvouch");
        let mut command = Command::new(program);
        command.current_dir(dir.path()).arg("scan").arg(&apk).args(["--output", "json=a.json"]);
        command.stdin(Stdio::null()).stdout(out).stderr(Stdio::null()).status().unwrap().code()
    };
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert_eq!(run(full.into()), Some(3));
    let report = || fs::read_to_string(dir.path().join("a.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&report()).unwrap()["summary"]["judged"], 1);
    fs::remove_file(dir.path().join("a.json")).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(run(writer.into()), Some(3));
    assert!(report().ends_with("}\n"));
}

/// A disk with no room: a limit on the size of files stands for it.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_does_not_get_whole_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.json"), "old").unwrap();
    let program = assert_cmd::cargo::cargo_bin!("apkvouch");
    let zip = here().join("testdata/zip");
    let script = format!(
        "trap '' XFSZ; ulimit -f 8; exec '{}' scan --all-files '{}' --output json=a.json > /dev/null",
        program.display(),
        zip.display()
    );
    let run = Command::new("bash").current_dir(dir.path()).args(["-c", &script]).output().unwrap();
    assert_eq!(run.status.code(), Some(3), "{}", text(&run.stderr));
    assert!(
        text(&run.stderr).ends_with("apkvouch: a.json: cannot write: file too large\n"),
        "{}",
        text(&run.stderr)
    );
    assert_eq!(fs::read_to_string(dir.path().join("a.json")).unwrap(), "old");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}
