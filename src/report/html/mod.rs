//! HTML: one file that needs nothing else, for people who decide what to take down.
//!
//! The results stand in the page as JSON, written as they come, and a script shows them; what no script may run for stands in
//! plain HTML: the counts, and the worst files that failed. Nothing from a file is ever markup: [`maud`] escapes it, JSON has
//! no `<`, and the script sets text alone. The page's Content-Security-Policy lets only this very script and style in, and no
//! request out.
//!
//! Source: Content Security Policy Level 3, hash sources; HTML, restrictions for contents of script elements.

mod icons;
mod row;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::io::Write;

use data_encoding::BASE64;
use maud::DOCTYPE;
use maud::Markup;
use maud::PreEscaped;
use maud::html;
use serde::Serialize;

use self::icons::IconFacts;
use self::icons::Icons;
use self::icons::Matters;
use self::row::FAILED;
use self::row::Row;
use super::FileResult;
use super::ReportOptions;
use super::ReportWriter;
use super::Summary;
use super::escape;
use super::model::PolicySummary;
use crate::crypto::sha256;
use crate::explain;
use crate::explain::Parts;
use crate::finding::FindingCode;
use crate::policy::Verdict;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// So many files that failed stand in plain HTML.
const PLAIN: usize = 200;

struct Html<'a> {
    out: Box<dyn Write + 'a>,
    options: ReportOptions,
    started: bool,
    /// The worst files that failed, as rows of a table with what they rank; of the same rank as they came.
    failed: Vec<(usize, Markup)>,
    codes: BTreeSet<&'static str>,
    icons: Icons,
    outcomes: BTreeMap<&'static str, OutcomeWords>,
}

pub(super) fn open<'a>(out: Box<dyn Write + 'a>, options: &ReportOptions) -> Box<dyn ReportWriter + 'a> {
    Box::new(Html {
        out,
        options: options.clone(),
        started: false,
        failed: Vec::new(),
        codes: BTreeSet::new(),
        icons: Icons::new(),
        outcomes: outcomes(),
    })
}

impl ReportWriter for Html<'_> {
    fn file(&mut self, result: &FileResult) -> io::Result<()> {
        self.start()?;
        let mut row = Row::new(result);
        let (rank, first) =
            self.outcomes.get(row.outcome).map_or((0, false), |words| (words.rank, words.first));
        if let Some(icon) = result.icon.as_ref().or(result.claimed_icon.as_ref()) {
            let matters = match row.passed {
                true => Matters::Passed,
                false if first => Matters::First,
                false => Matters::Failed,
            };
            row.icon = self.icons.take(icon, matters);
        }
        self.codes.extend(row.codes());
        let at = self.failed.partition_point(|(other, _)| *other <= rank);
        if !row.passed && at < PLAIN {
            self.failed.insert(at, (rank, plain(&row, result)));
            self.failed.truncate(PLAIN);
        }
        writeln!(self.out, "{},", json(&row)?)
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        self.start()?;
        // What follows the last comma, which JSON wants.
        write!(self.out, "null]</script>\n<script type=\"application/json\" id=\"facts\">")?;
        let facts = Facts {
            outcomes: &self.outcomes,
            icons: self.icons.facts(),
            codes: self.codes.iter().map(|code| (*code, Code::new(code))).collect(),
        };
        write!(self.out, "{}</script>", json(&facts)?)?;
        self.out.write_all(self.body(summary).into_string().as_bytes())?;
        write!(self.out, "\n<script>{SCRIPT}</script>\n</body>\n</html>\n")?;
        self.out.flush()
    }
}

impl Html<'_> {
    fn start(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.started, true) {
            return Ok(());
        }
        let hash = |text: &str| BASE64.encode(&sha256(text.as_bytes()));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'",
            hash(STYLE),
            hash(SCRIPT)
        );
        let head = html! {
            (DOCTYPE)
            (PreEscaped("<html lang=\"en\" data-lang=\"en\">"))
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content=(concat!("apkvouch ", env!("CARGO_PKG_VERSION")));
                title { "apkvouch " (self.options.command) }
                style { (PreEscaped(STYLE)) }
            }
            (PreEscaped("<body>\n<script type=\"application/json\" id=\"rows\">["))
        };
        self.out.write_all(head.into_string().as_bytes())
    }

    fn body(&self, summary: &Summary) -> Markup {
        let ReportOptions { registry, policy, decided_at, .. } = &self.options;
        let counts = || summary.verdicts.iter().filter(|(_, count)| *count > 0);
        html! {
            header {
                div class="wide" {
                    h1 { (both("Report on Android apps", "Android 应用检查报告")) }
                    span class="faint" { (concat!("apkvouch ", env!("CARGO_PKG_VERSION"))) }
                }
                div class="switches" data-live hidden {
                    button type="button" data-set-lang="zh" lang="zh-Hans" { "中文" } " "
                    button type="button" data-set-lang="en" lang="en-GB" { "English" } " "
                    button type="button" id="theme" { "◐" }
                }
                dl class="facts" {
                    @if let Some(registry) = registry {
                        div {
                            dt { (both("Registry", "登记库")) }
                            dd { bdi { (escape::visible(&registry.id)) } @if let Some(serial) = registry.serial { " " (both("edition", "版次")) " " (serial) } }
                        }
                    } @else {
                        div { dt { (both("Registry", "登记库")) } dd { (both("none: signers are not held against anything", "无：未与任何登记核对")) } }
                    }
                    @if let Some(policy) = policy {
                        div {
                            dt { (both("Policy", "策略")) }
                            dd { bdi { (escape::visible(policy.name.as_deref().or(policy.path.as_deref()).unwrap_or("built in"))) } " (" (policy.level.as_str()) ")" }
                        }
                    }
                    @if let Some(decided_at) = decided_at {
                        div { dt { (both("As of", "时间")) } dd { (decided_at) } }
                    }
                    div { dt { (both("Judged", "已检查")) } dd { (grouped(summary.judged)) } }
                    @if summary.members > 0 {
                        div { dt { (both("Members of containers beside them", "另有容器内的应用")) } dd { (grouped(summary.members)) } }
                    }
                    div { dt { (both("Failed", "未通过")) } dd { (grouped(summary.failed)) } }
                    @if summary.unjudged > 0 {
                        div { dt { (both("Could not be read", "无法读取")) } dd { (grouped(summary.unjudged)) } }
                    }
                }
                @if let Some(line) = summary.policy.as_ref().and_then(PolicySummary::not_enforced) {
                    p { strong { (escape::visible(&line)) } }
                }
            }
            main {
                div id="static" {
                    h2 { (both("Verdicts", "结论")) }
                    ul {
                        @for (name, count) in counts() {
                            li { (outcome_words(name)) ": " (count) }
                        }
                    }
                    @if !self.failed.is_empty() {
                        h2 { (both("Files that failed", "未通过的文件")) }
                        div class="scroll" {
                            table {
                                caption {
                                    (both("The worst of them; with scripts allowed, this page shows every file.", "仅列出最严重的；允许脚本后可查看全部文件。"))
                                }
                                thead {
                                    tr {
                                        th scope="col" { (both("Verdict", "结论")) }
                                        th scope="col" { (both("App", "应用")) }
                                        th scope="col" { (both("Signed by", "签名者")) }
                                        th scope="col" { (both("Why", "原因")) }
                                        th scope="col" { (both("File", "文件")) }
                                    }
                                }
                                tbody { @for (_, row) in &self.failed { (row) } }
                            }
                        }
                    }
                }
                div id="overview" data-live hidden {
                    svg class="bar" id="bar" viewBox="0 0 1000 22" preserveAspectRatio="none" role="img" aria-label="verdicts" {}
                    ul class="chips" id="chips" {}
                    section id="first" {
                        h2 { (both("What to take down first", "最先应下架")) }
                        div class="cards" id="cards" {}
                        p class="faint" id="more" {}
                    }
                    div class="tools" { span id="views" {} input type="search" id="q"; }
                    section id="apps" {
                        p class="faint" id="status" role="status" {} p class="faint" id="icons" {}
                        div class="scroll" { table class="apps stacked" { thead id="head" {} tbody id="body" {} } }
                        p id="pager" {}
                    }
                    section id="signers" { p class="faint" id="signer-status" role="status" {} div class="scroll" { table class="stacked" { thead id="signer-head" {} tbody id="signer-body" {} } } }
                }
                div id="app" hidden {}
            }
        }
    }
}

/// The same in both languages; the style shows one.
fn both(english: &str, chinese: &str) -> Markup {
    html! { span lang="en" { (english) } span lang="zh" { (chinese) } }
}

/// A number as people read it: `20,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len().saturating_mul(2));
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && digits.len().saturating_sub(at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A file that failed, in plain HTML.
fn plain(row: &Row<'_>, result: &FileResult) -> Markup {
    let main = result.main_finding();
    html! {
        tr {
            td { (outcome_words(row.outcome)) }
            td {
                @if let Some(label) = row.label() { bdi { (label) } br; }
                bdi { (row.app()) }
                @if row.is_claim { " " span class="faint" { (both("not verified", "未验证")) } }
            }
            td {
                @for (digest, subject) in &row.signers { bdi { (subject) } br; code { (digest) } }
                @if let Some(mixed) = row.mixed { (both(mixed.en(), mixed.zh())) }
            }
            td {
                @if let Some(error) = &row.error { bdi { (error) } }
                @if let Some(main) = main { (both(&escape::visible(&main.message), &escape::visible(&main.message_zh))) }
            }
            td { bdi { (row.path) } }
        }
    }
}

fn outcome_words(name: &str) -> Markup {
    let outcomes = outcomes();
    outcomes.get(name).map_or_else(|| html! { (name) }, |outcome| both(outcome.en, outcome.zh))
}

/// What the script knows beside the rows.
#[derive(Serialize)]
struct Facts<'a> {
    #[serde(flatten)]
    icons: IconFacts<'a>,
    outcomes: &'a BTreeMap<&'static str, OutcomeWords>,
    codes: BTreeMap<&'static str, Code>,
}

/// What a file came to.
#[derive(Serialize)]
struct OutcomeWords {
    en: &'static str,
    zh: &'static str,
    tone: &'static str,
    /// Its shape: a colour alone is not seen by everybody.
    sign: &'static str,
    /// Where it stands, the worst first.
    rank: usize,
    /// Whether it is to be taken down before anything else.
    first: bool,
}

fn outcomes() -> BTreeMap<&'static str, OutcomeWords> {
    use Verdict::{
        Authenticated, Counterfeit, Expired, Revoked, Suspected, Tampered, Unauthenticated, Unreadable,
        Unsigned,
    };

    let verdict = |verdict: Verdict| (verdict.as_str(), verdict.zh());
    let worst_first = [
        (verdict(Counterfeit), "bad", "✖", true),
        (verdict(Tampered), "bad", "✖", true),
        (verdict(Revoked), "bad", "✖", true),
        (verdict(Suspected), "doubtful", "▲", true),
        (verdict(Unsigned), "bad", "✖", false),
        (verdict(Unreadable), "bad", "✖", false),
        (("error", "无法读取"), "bad", "✖", false),
        ((FAILED, "未通过"), "bad", "✖", false),
        (verdict(Expired), "doubtful", "▲", false),
        (verdict(Unauthenticated), "doubtful", "▲", false),
        (("verified", "签名有效"), "good", "●", false),
        (verdict(Authenticated), "good", "✔", false),
        (("skipped", "已跳过"), "neutral", "–", false),
    ];
    let words = worst_first.into_iter().enumerate();
    words
        .map(|(rank, ((en, zh), tone, sign, first))| (en, OutcomeWords { en, zh, tone, sign, rank, first }))
        .collect()
}

/// What a finding means.
#[derive(Serialize)]
struct Code {
    en: &'static str,
    zh: &'static str,
    /// Meaning, cause and remedy, in English and in Chinese.
    told: [[String; 3]; 2],
}

impl Code {
    fn new(name: &str) -> Self {
        let code = FindingCode::parse(name);
        let told = |page: fn(FindingCode) -> &'static str| {
            let Parts { meaning, cause, remedy, .. } = Parts::of(code.map_or("", page));
            [meaning, cause, remedy]
        };
        Self {
            en: code.map_or("", FindingCode::summary_en),
            zh: code.map_or("", FindingCode::summary_zh),
            told: [told(explain::page), told(explain::page_zh)],
        }
    }
}

/// JSON that may stand in a script element: without `<`, and with hidden characters spelled out.
fn json(value: &impl Serialize) -> io::Result<String> {
    let text = serde_json::to_string(value)?;
    Ok(escape::json(&text).replace('<', "\\u003c"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, told) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (20_000, "20,000"),
            (123_456, "123,456"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), told);
        }
    }
}
