//! What things are called in every text: outcomes, apps, schemes, places of findings.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::android::android_in;
use super::paint::Tone;
use crate::finding::Severity;
use crate::policy::Verdict;
use crate::report::FileResult;
use crate::report::Language;
use crate::report::escape::brief;
use crate::report::model::FileStatus;
use crate::report::model::FindingRow;
use crate::report::model::SchemeRow;
use crate::scheme::NotChecked;

/// The word for what a file came to, and its tone.
pub(in crate::report) fn outcome(result: &FileResult) -> (&'static str, Tone) {
    match (result.status, result.verdict) {
        (FileStatus::Unjudged, _) => ("error", Tone::Bad),
        (FileStatus::Skipped, _) => ("skipped", Tone::Faint),
        (_, Some(verdict)) => (
            verdict.as_str(),
            match verdict {
                Verdict::Authenticated => Tone::Good,
                Verdict::Unauthenticated | Verdict::Expired | Verdict::Suspected => Tone::Doubtful,
                _ => Tone::Bad,
            },
        ),
        (_, None) => ("verified", Tone::Good),
    }
}

/// As [`outcome`], in that language.
pub(super) fn outcome_in(language: Language, result: &FileResult) -> (&'static str, Tone) {
    let (english, tone) = outcome(result);
    let chinese = match (result.status, result.verdict) {
        (FileStatus::Unjudged, _) => "无法读取",
        (FileStatus::Skipped, _) => "已跳过",
        (_, Some(verdict)) => verdict.zh(),
        (_, None) => "签名有效",
    };
    (language.pick(english, chinese), tone)
}

/// The name of a severity in that language.
pub(super) fn severity(language: Language, severity: Severity) -> &'static str {
    let chinese = match severity {
        Severity::Note => "提示",
        Severity::Warning => "警告",
        Severity::Error => "错误",
    };
    language.pick(severity.as_str(), chinese)
}

/// An instant in the form of RFC 3339.
pub(in crate::report) fn instant(unix_seconds: u64) -> String {
    let instant = i64::try_from(unix_seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    instant.map_or_else(|| format!("{unix_seconds} seconds after 1970"), |instant| instant.to_string())
}

pub(in crate::report) fn app_text(
    package: &str,
    version_name: Option<&str>,
    version_code: Option<u64>,
) -> String {
    app_text_in(Language::English, package, version_name, version_code)
}

/// As [`app_text`], in that language.
pub(super) fn app_text_in(
    language: Language,
    package: &str,
    version_name: Option<&str>,
    version_code: Option<u64>,
) -> String {
    let mut text = brief(package).into_owned();
    if let Some(name) = version_name {
        let _ = write!(text, " {}", brief(name));
    }
    if let Some(code) = version_code {
        let _ = write!(text, " ({} {code})", language.pick("version code", "版本号"));
    }
    text
}

pub(in crate::report) fn scheme_words(scheme: &SchemeRow) -> String {
    scheme_words_in(Language::English, scheme)
}

/// As [`scheme_words`], in that language.
pub(super) fn scheme_words_in(language: Language, scheme: &SchemeRow) -> String {
    let reason = match scheme.reason {
        Some(NotChecked::NoVersionInRange) => {
            language.pick(": no Android version in range reads it", "：范围内没有 Android 版本读取它")
        }
        Some(NotChecked::NewerSchemeDecides) => {
            language.pick(": a newer scheme decides", "：由更新的方案决定")
        }
        Some(NotChecked::EarlierFailure) => {
            language.pick(": a scheme that is read first failed", "：先读取的方案已失败")
        }
        Some(NotChecked::Malformed) => {
            language.pick(": the file could not be read that far", "：文件无法读取到此处")
        }
        None => "",
    };
    format!("{}{reason}", scheme_outcome(language, scheme.outcome))
}

/// What a scheme came to, in that language.
pub(super) fn scheme_outcome(language: Language, outcome: &str) -> String {
    let chinese = match outcome {
        "verified" => "有效",
        "rejected" => "无效",
        "absent" => "无",
        _ => "未检查",
    };
    language.pick(outcome.replace('-', " "), chinese.to_owned())
}

/// Where a finding stands: `v2 signer 1, classes.dex: `.
pub(in crate::report) fn place(finding: &FindingRow) -> String {
    place_in(Language::English, finding)
}

/// As [`place`], in that language.
pub(in crate::report) fn place_in(language: Language, finding: &FindingRow) -> String {
    let word = language.pick("signer", "签名者");
    let mut parts: Vec<String> = Vec::new();
    match (&finding.scheme, &finding.signer) {
        (Some(scheme), Some(signer)) => {
            let ignored = if signer.ignored {
                language.pick(", which Android ignores", "（Android 忽略）")
            } else {
                ""
            };
            match &signer.name {
                Some(name) => parts.push(format!("{scheme} {word} {}{ignored}", brief(name))),
                None => parts.push(format!("{scheme} {word} {}{ignored}", signer.signer)),
            }
        }
        (Some(scheme), None) => parts.push(scheme.to_string()),
        _ => {}
    }
    parts.extend([&finding.file, &finding.entry].into_iter().flatten().map(|name| brief(name).into_owned()));
    if let Some(offset) = finding.offset {
        parts.push(format!("{} {offset:#x}", language.pick("at", "位于")));
    }
    if let Some(levels) = finding.api_levels {
        parts.push(android_in(language, levels.min, levels.max));
    }
    if parts.is_empty() { String::new() } else { format!("{}: ", parts.join(", ")) }
}
