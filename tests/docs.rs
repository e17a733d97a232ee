//! The page of findings says of every code what it means, and of nothing else; the page of attacks names cases that show
//! what it says.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a page or case that cannot be read is to stop the test"
)]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use apkvouch::Registry;
use apkvouch::finding::FindingCode;
use apkvouch::finding::Severity;

/// The sections of the page `text`: heading and the lines below it.
fn sections(text: &str) -> Vec<(String, Vec<String>)> {
    let mut sections: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            sections.push((heading.to_owned(), Vec::new()));
        } else if let Some((_, lines)) = sections.last_mut() {
            lines.push(line.to_owned());
        }
    }
    sections
}

#[test]
fn every_code_has_a_heading_and_every_heading_is_a_code_in_the_order_of_the_table() {
    for name in ["docs/findings.md", "docs/findings.zh.md"] {
        let page = fs::read_to_string(name).unwrap();
        let headings: Vec<String> = sections(&page).into_iter().map(|(heading, _)| heading).collect();
        let codes: Vec<&str> = FindingCode::ALL.iter().map(|code| code.as_str()).collect();
        let missing: Vec<&&str> =
            codes.iter().filter(|code| !headings.iter().any(|name| name == **code)).collect();
        let unknown: Vec<&String> =
            headings.iter().filter(|name| FindingCode::parse(name).is_none()).collect();
        assert!(missing.is_empty(), "{name} lacks a heading for {missing:?}");
        assert!(unknown.is_empty(), "{name} has headings without a code: {unknown:?}");
        assert_eq!(headings, codes, "{name}: one heading for each code, in the order of src/finding/code.rs");
    }
}

#[test]
fn every_section_gives_severity_issue_cause_and_remedy() {
    for (name, severities, parts) in [
        ("docs/findings.md", ["Error", "Warning", "Note"], ["- **Cause:** ", "- **Remedy:** "]),
        ("docs/findings.zh.md", ["错误", "警告", "提示"], ["- **成因：** ", "- **处理办法：** "]),
    ] {
        let page = fs::read_to_string(name).unwrap();
        let sections: BTreeMap<String, Vec<String>> = sections(&page).into_iter().collect();
        for code in FindingCode::ALL {
            let Some(lines) = sections.get(code.as_str()) else { continue };
            let [error, warning, note] = severities;
            let severity = match code.severity() {
                Severity::Error => error,
                Severity::Warning => warning,
                Severity::Note => note,
                other => panic!("a severity without a name: {other}"),
            };
            let first = match code.apksig_issue() {
                Some(issue) => format!("{severity} · apksig `{issue}`"),
                None => severity.to_owned(),
            };
            assert_eq!(lines.first(), Some(&first), "{name}, first line below {}", code.as_str());
            for part in parts {
                let whole = |line: &&String| line.starts_with(part) && line.ends_with(|c| c != ' ');
                assert_eq!(lines.iter().filter(whole).count(), 1, "{name}, {part:?} below {}", code.as_str());
            }
            let meaning = lines.get(2).is_some_and(|meaning| meaning.len() > 20);
            assert!(meaning, "{name}, a meaning below {}", code.as_str());
        }
    }
}

#[test]
fn pages_in_chinese_name_what_those_in_english_name() {
    let names = |name: &str| {
        let page = fs::read_to_string(name).unwrap();
        let named = sections(&page).into_iter().map(|(heading, lines)| {
            let text = lines.iter().flat_map(|line| line.split_whitespace()).collect::<Vec<_>>().join(" ");
            let words: BTreeSet<String> = text.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            (heading, words)
        });
        named.collect::<Vec<_>>()
    };
    for (chinese, english) in names("docs/findings.zh.md").into_iter().zip(names("docs/findings.md")) {
        assert_eq!(chinese, english, "codes, commands and fields");
    }
}

#[test]
fn every_column_of_csv_is_on_the_page_of_scans() {
    let page = fs::read_to_string("docs/scan.md").unwrap();
    let program = assert_cmd::cargo::cargo_bin!("apkvouch");
    let run = Command::new(program).args(["scan", "--format", "csv", "gone.apk"]).output().unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    let columns: Vec<&str> =
        text.lines().next().unwrap().split(',').map(|name| name.trim_matches('"')).collect();
    let (_, table) = page.split_once("| column |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let rows =
        table.lines().skip(2).flat_map(|row| row.split(" | ").next().unwrap().split('`').skip(1).step_by(2));
    assert_eq!(rows.collect::<Vec<_>>(), columns);
}

/// The codes that a case names: of errors, warnings and notes, for any range of API levels.
fn codes_of(case: &str) -> Vec<String> {
    let path = format!("testdata/{case}/case.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let case: toml::Value = toml::from_str(&text).unwrap();
    let runs = case["run"].as_array().unwrap();
    let lists = runs.iter().flat_map(|run| [run.get("codes"), run.get("warnings")]).flatten();
    lists.flat_map(|list| list.as_array().unwrap()).map(|code| code.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_attack_has_cases_that_show_its_findings() {
    // Of keys that cannot be committed: the reference APKs show the first, the registry gives the others.
    const SHOWN_ELSEWHERE: [&str; 3] = ["test-key", "key-denied", "hybrid-half-unregistered"];
    let page = fs::read_to_string("docs/attacks.md").unwrap();
    let row = |line: &&str| line.starts_with("| ") && !line.contains("| finding |");
    let rows: Vec<&str> = page.lines().filter(row).collect();
    assert!(rows.len() > 40, "only {} rows", rows.len());
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [_, _, findings, cases] = cells[..] else { panic!("not four cells: {row}") };
        let shown: Vec<String> = cases.split('`').skip(1).step_by(2).flat_map(codes_of).collect();
        for code in findings.split('`').skip(1).step_by(2) {
            assert!(FindingCode::parse(code).is_some(), "no such finding: {code}");
            let elsewhere = SHOWN_ELSEWHERE.contains(&code);
            assert!(elsewhere || shown.iter().any(|shown| shown == code), "no case shows {code}: {row}");
        }
    }
}

/// The fields that the reader of registries knows in the table that `text` ends in: what it says to write instead.
fn fields_of(text: &str) -> Vec<String> {
    let error = Registry::parse(&format!("{text}zzzzzzzzzzzz = 1\n"), "r.toml").unwrap_err().to_string();
    let line = error.lines().find(|line| line.contains("zzzzzzzzzzzz")).unwrap();
    let (_, names) = line.split_once("write one of ").unwrap();
    names.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_field_of_a_registry_is_on_its_page_and_in_the_example() {
    const TABLES: [&str; 8] = [
        "subject",
        "key",
        "key.history",
        "key.evidence",
        "app",
        "app.signers",
        "app.signers.evidence",
        "denied",
    ];
    let page = fs::read_to_string("docs/registry.md").unwrap();
    let example = fs::read_to_string("testdata/registry/good.toml").unwrap();
    let mut tables = vec![String::new()];
    while let Some(table) = tables.pop() {
        let parents: Vec<&str> = table.split('.').collect();
        let headers: Vec<String> =
            (1..=parents.len()).map(|depth| format!("[[{}]]\n", parents[..depth].join("."))).collect();
        let fields = fields_of(&if table.is_empty() { String::new() } else { headers.concat() });
        assert!(fields.len() > 2, "{table}: {fields:?}");
        for field in fields {
            let path = if table.is_empty() { field.clone() } else { format!("{table}.{field}") };
            if TABLES.contains(&path.as_str()) {
                assert!(page.contains(&format!("`[[{path}]]`")), "docs/registry.md lacks [[{path}]]");
                assert!(example.contains(&format!("[[{path}]]")), "good.toml lacks [[{path}]]");
                tables.push(path);
            } else {
                assert!(page.contains(&format!("`{field}`")), "docs/registry.md lacks `{path}`");
                assert!(example.contains(&format!("{field} = ")), "good.toml lacks {path}");
            }
        }
    }
}
