//! What things are called in every text: outcomes, apps, schemes, places of findings.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::android::android;
use super::paint::Tone;
use crate::policy::Verdict;
use crate::report::FileResult;
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
    let mut text = brief(package).into_owned();
    if let Some(name) = version_name {
        let _ = write!(text, " {}", brief(name));
    }
    if let Some(code) = version_code {
        let _ = write!(text, " (version code {code})");
    }
    text
}

pub(in crate::report) fn scheme_words(scheme: &SchemeRow) -> String {
    let reason = match scheme.reason {
        Some(NotChecked::NoVersionInRange) => ": no Android version in range reads it",
        Some(NotChecked::NewerSchemeDecides) => ": a newer scheme decides",
        Some(NotChecked::EarlierFailure) => ": a scheme that is read first failed",
        Some(NotChecked::Malformed) => ": the file could not be read that far",
        None => "",
    };
    format!("{}{reason}", scheme.outcome.replace('-', " "))
}

/// Where a finding stands: `v2 signer 1, classes.dex: `.
pub(in crate::report) fn place(finding: &FindingRow) -> String {
    let mut parts: Vec<String> = Vec::new();
    match (&finding.scheme, &finding.signer) {
        (Some(scheme), Some(signer)) => {
            let ignored = if signer.ignored { ", which Android ignores" } else { "" };
            match &signer.name {
                Some(name) => parts.push(format!("{scheme} signer {}{ignored}", brief(name))),
                None => parts.push(format!("{scheme} signer {}{ignored}", signer.signer)),
            }
        }
        (Some(scheme), None) => parts.push(scheme.to_string()),
        _ => {}
    }
    parts.extend([&finding.file, &finding.entry].into_iter().flatten().map(|name| brief(name).into_owned()));
    if let Some(offset) = finding.offset {
        parts.push(format!("at {offset:#x}"));
    }
    if let Some(levels) = finding.api_levels {
        parts.push(android(levels.min, levels.max));
    }
    if parts.is_empty() { String::new() } else { format!("{}: ", parts.join(", ")) }
}
