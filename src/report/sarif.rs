//! SARIF 2.1.0, for code scanning of GitHub and GitLab, Azure and Jenkins: a result for each code of each file.
//!
//! What an exception of the policy lets pass is a result that is marked as suppressed, and none of a code is counted with it.
//!
//! Of many results those of the most weight are kept, and a notification says that others were cut: GitHub refuses a run of
//! more than 25,000 results and shows 5,000. Places are the file as a whole, line 1, since GitHub refuses results without one.
//!
//! Source: OASIS, Static Analysis Results Interchange Format Version 2.1.0; GitHub, SARIF support for code scanning.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;
use std::io::Write;

use serde_json::Value;
use serde_json::json;

use super::FileResult;
use super::ReportOptions;
use super::ReportWriter;
use super::Summary;
use super::escape;
use super::model::FileStatus;
use super::model::FindingRow;
use super::text::place;
use crate::explain;
use crate::finding::FindingCode;
use crate::finding::Severity;
use crate::policy::rules::Outcome;

/// So many results are kept: as many as GitHub shows.
const RESULTS: usize = 5000;
/// So many files that could not be judged are named.
const NOTIFICATIONS: usize = 1000;

struct Sarif<'a> {
    out: Box<dyn Write + 'a>,
    command: &'static str,
    /// By weight, the heaviest first; within it in the order of the files.
    results: BTreeMap<Severity, Vec<Row>>,
    kept: usize,
    cut: u64,
    notifications: Vec<Value>,
}

/// A result that waits to be written.
struct Row {
    code: FindingCode,
    level: &'static str,
    message: String,
    uri: Uri,
    /// The name of the app, under `label`, or under `claimed_label` where the file does not verify.
    label: Option<(&'static str, String)>,
    /// Whether an exception of the policy lets it pass; the message says which.
    excepted: bool,
    /// What it is known again by.
    fingerprint: String,
}

/// Where a file is: relative to the root of the sources, or absolute.
#[derive(Clone)]
struct Uri {
    text: String,
    absolute: bool,
}

pub(super) fn open<'a>(out: Box<dyn Write + 'a>, options: &ReportOptions) -> Box<dyn ReportWriter + 'a> {
    Box::new(Sarif {
        out,
        command: options.command,
        results: BTreeMap::new(),
        kept: 0,
        cut: 0,
        notifications: Vec::new(),
    })
}

impl ReportWriter for Sarif<'_> {
    fn file(&mut self, result: &FileResult) -> io::Result<()> {
        let uri = Uri::of(result);
        if result.status == FileStatus::Unjudged {
            let why = result.error.as_deref().unwrap_or("it could not be judged");
            self.notify("error", &plain(&format!("{}: {why}", result.path)), Some(&uri));
            return Ok(());
        }
        let mut seen: BTreeMap<(&str, bool), (&FindingRow, Severity, usize)> = BTreeMap::new();
        for finding in &result.findings {
            let weight = finding.severity;
            let excepted = is_excepted(result, finding);
            let entry = seen.entry((finding.code, excepted)).or_insert((finding, weight, 0));
            if weight > entry.1 {
                (entry.0, entry.1) = (finding, weight);
            }
            entry.2 = entry.2.saturating_add(1);
        }
        let label = result.label_or_claim().map(|label| {
            let name = if result.label.is_some() { "label" } else { "claimed_label" };
            (name, escape::brief(label).into_owned())
        });
        for ((name, excepted), (finding, weight, count)) in &seen {
            let Some(code) = FindingCode::parse(name) else { continue };
            // It stays the same when an exception comes or goes, but is never that of another result.
            let beside = if *excepted && seen.contains_key(&(name, false)) { ":excepted" } else { "" };
            let row = Row {
                code,
                level: level(*weight),
                message: message(finding, *count),
                fingerprint: format!("{name}:{}{beside}", uri.text),
                uri: uri.clone(),
                label: label.clone(),
                excepted: *excepted,
            };
            self.keep(*weight, row);
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        if self.cut > 0 {
            let text = format!("truncated: {} results of less weight were left out", self.cut);
            self.notify("warning", &text, None);
        }
        if let Some(policy) = &summary.policy {
            let lines = policy.not_enforced().into_iter().chain(policy.exceptions.clone());
            for line in lines {
                self.notify("warning", &plain(&line), None);
            }
        }
        let rows: Vec<&Row> = self.results.values().rev().flatten().collect();
        let codes: BTreeSet<FindingCode> = rows.iter().map(|row| row.code).collect();
        let codes: Vec<FindingCode> = codes.into_iter().collect();
        let results: Vec<Value> = rows
            .iter()
            .map(|row| {
                let mut result = json!({
                    "ruleId": row.code.as_str(),
                    "ruleIndex": codes.binary_search(&row.code).unwrap_or_default(),
                    "level": row.level,
                    "message": { "text": row.message },
                    "locations": [row.uri.location()],
                    "partialFingerprints": { "apkvouch/v1": row.fingerprint },
                });
                if let (Some((name, label)), Some(object)) = (&row.label, result.as_object_mut()) {
                    object.insert("properties".to_owned(), json!({ *name: label }));
                }
                if let (true, Some(object)) = (row.excepted, result.as_object_mut()) {
                    // Section 3.35: by what stands outside of the file that was looked at, and in force.
                    let suppression = json!({
                        "kind": "external", "status": "accepted", "justification": row.message,
                    });
                    object.insert("suppressions".to_owned(), json!([suppression]));
                }
                result
            })
            .collect();
        let rules: Vec<Value> = codes.iter().map(|code| rule(*code)).collect();
        let document = json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": env!("CARGO_PKG_NAME"),
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": rules,
                } },
                "automationDetails": { "id": format!("apkvouch/{}/", self.command) },
                "invocations": [{
                    "executionSuccessful": summary.unjudged == 0,
                    "exitCode": summary.exit_code(),
                    "exitCodeDescription": summary.exit_reason(),
                    "toolExecutionNotifications": self.notifications,
                }],
                "originalUriBaseIds": { ROOT: { "description": { "text": "where the program was started" } } },
                "columnKind": "unicodeCodePoints",
                "results": results,
            }],
        });
        let text = serde_json::to_string_pretty(&document)?;
        writeln!(self.out, "{}", escape::json(&text))?;
        self.out.flush()
    }
}

impl Sarif<'_> {
    /// Keeps a result, at the cost of the last one of less weight where there are too many.
    fn keep(&mut self, weight: Severity, row: Row) {
        if self.kept < RESULTS {
            self.kept = self.kept.saturating_add(1);
        } else {
            self.cut = self.cut.saturating_add(1);
            let lighter = self.results.iter_mut().find(|(other, rows)| **other < weight && !rows.is_empty());
            let Some((_, rows)) = lighter else { return };
            rows.pop();
        }
        self.results.entry(weight).or_default().push(row);
    }

    fn notify(&mut self, level: &str, text: &str, uri: Option<&Uri>) {
        if self.notifications.len() >= NOTIFICATIONS {
            return;
        }
        let locations: Vec<Value> = uri.into_iter().map(Uri::location).collect();
        self.notifications
            .push(json!({ "level": level, "message": { "text": text }, "locations": locations }));
    }
}

/// The name of the place that relative URIs start from, as GitHub has it.
const ROOT: &str = "%SRCROOT%";

impl Uri {
    fn of(result: &FileResult) -> Self {
        let mut bytes = result.path.clone().into_bytes();
        if let Some(hex) = &result.path_bytes {
            // Two digits a byte, as the model writes them.
            let digits: Vec<u8> =
                hex.bytes().filter_map(|digit| char::from(digit).to_digit(16)?.try_into().ok()).collect();
            bytes = digits
                .chunks_exact(2)
                .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
                .collect();
        }
        let absolute = bytes.first() == Some(&b'/');
        let mut text = String::from(if absolute { "file://" } else { "" });
        let relative = bytes.strip_prefix(b"./").unwrap_or(&bytes);
        for byte in relative {
            // RFC 3986, section 2.3, and the slash. A colon in a relative path could pass for a scheme.
            if byte.is_ascii_alphanumeric() || b"-._~/".contains(byte) {
                text.push(char::from(*byte));
            } else {
                let _ = write!(text, "%{byte:02X}");
            }
        }
        Self { text, absolute }
    }

    fn location(&self) -> Value {
        let mut artifact = json!({ "uri": self.text });
        if !self.absolute
            && let Some(object) = artifact.as_object_mut()
        {
            object.insert("uriBaseId".to_owned(), json!(ROOT));
        }
        json!({ "physicalLocation": { "artifactLocation": artifact, "region": { "startLine": 1 } } })
    }
}

/// Whether `finding` is a rule of the policy that is broken and which an exception lets pass.
fn is_excepted(result: &FileResult, finding: &FindingRow) -> bool {
    let rules = result.policy.iter().flat_map(|policy| &policy.rules);
    rules.filter(|rule| rule.outcome == Outcome::Excepted).any(|rule| {
        rule.rule.code().as_str() == finding.code
            && finding.expected.as_ref() == Some(&rule.expected)
            && finding.actual.as_ref() == Some(&rule.actual)
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn message(finding: &FindingRow, count: usize) -> String {
    let mut text = format!("{}{}", place(finding), finding.message);
    if let (Some(expected), Some(actual)) = (&finding.expected, &finding.actual) {
        let _ = write!(text, "; expected {expected}, actual {actual}");
    }
    if count > 1 {
        let _ = write!(text, " (and {} more)", count.saturating_sub(1));
    }
    plain(&text)
}

/// The text without what a viewer would make a link of, or not show.
///
/// Source: SARIF 2.1.0, section 3.11.6, "Messages with embedded links".
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in escape::visible(text).chars() {
        if matches!(c, '[' | ']' | '\\') {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

/// What the viewer says of a code: its page.
fn rule(code: FindingCode) -> Value {
    // GitHub shows 7.0 and above as high.
    let security = match code.severity() {
        Severity::Error => "8.0",
        Severity::Warning => "5.0",
        Severity::Note => "1.0",
    };
    let page = explain::page(code);
    // Behind the heading and the line of the severity.
    let help = page.split_once("\n\n").map_or(page, |(_, help)| help);
    json!({
        "id": code.as_str(),
        "shortDescription": { "text": code.summary_en() },
        "fullDescription": { "text": format!("{} / {}", code.summary_en(), code.summary_zh()) },
        "help": { "text": help, "markdown": help },
        "defaultConfiguration": { "level": level(code.severity()) },
        "properties": { "security-severity": security, "tags": ["security"] },
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn nothing_of_a_file_is_a_link_or_hidden() {
        assert_eq!(plain("see [here](http://x)\u{202e}\x1b"), "see \\[here\\](http://x)\\\\u{202e}\\\\x1b");
    }

    #[test]
    fn paths_are_percent_encoded() {
        let uri = |path: &Path| Uri::of(&FileResult::unjudged(path, ""));
        assert_eq!(uri(Path::new("./a b/c%:#?.apk")).text, "a%20b/c%25%3A%23%3F.apk");
        assert_eq!(uri(Path::new("/tmp/银.apk")).text, "file:///tmp/%E9%93%B6.apk");
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt as _;
            let name = std::ffi::OsStr::from_bytes(b"a\xff.apk");
            assert_eq!(uri(Path::new(name)).text, "a%FF.apk");
        }
    }

    #[test]
    fn of_too_many_results_the_lightest_are_cut_and_that_is_said() {
        let mut out = Vec::new();
        let row = |number: usize| Row {
            code: FindingCode::ZipGap,
            level: "note",
            message: number.to_string(),
            uri: Uri { text: String::new(), absolute: false },
            label: None,
            excepted: false,
            fingerprint: String::new(),
        };
        let mut sarif = Sarif {
            out: Box::new(&mut out),
            command: "scan",
            results: BTreeMap::new(),
            kept: 0,
            cut: 0,
            notifications: Vec::new(),
        };
        for number in 0..RESULTS {
            sarif.keep(Severity::Note, row(number));
        }
        sarif.keep(Severity::Error, row(RESULTS));
        sarif.keep(Severity::Note, row(RESULTS + 1));
        assert_eq!(sarif.results.values().map(Vec::len).sum::<usize>(), RESULTS);
        assert_eq!(sarif.results.get(&Severity::Error).map(Vec::len), Some(1));
        sarif.finish(&Summary::default()).unwrap();
        drop(sarif);
        let document: Value = serde_json::from_slice(&out).unwrap();
        let run = &document["runs"][0];
        assert_eq!(run["results"].as_array().unwrap().len(), RESULTS);
        let said = &run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
        assert_eq!(said, "truncated: 2 results of less weight were left out");
    }
}
