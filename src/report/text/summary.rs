//! What a run comes to, in a line or a few.

use std::fmt::Write as _;

use crate::report::Summary;
use crate::report::escape::visible;

/// The lines behind the paragraphs: what the files came to, when there are several, and what a policy did.
pub(super) fn of_paragraphs(summary: &Summary) -> Vec<String> {
    count(summary).into_iter().chain(of_policy(summary)).collect()
}

/// What is to be said of a policy: that it is not enforced, and which exceptions were of no use.
fn of_policy(summary: &Summary) -> Vec<String> {
    let Some(policy) = &summary.policy else { return Vec::new() };
    let exceptions = policy.exceptions.iter().map(|line| visible(line).into_owned());
    policy.not_enforced().into_iter().chain(exceptions).collect()
}

fn count(summary: &Summary) -> Option<String> {
    let files = summary.judged.saturating_add(summary.unjudged);
    if files <= 1 {
        return None;
    }
    let mut line = format!("{files} files: {} passed, {} failed", summary.passed, summary.failed);
    if summary.unjudged > 0 {
        let _ = write!(line, ", {} could not be judged", summary.unjudged);
    }
    Some(line)
}

/// The lines below a table; `warned` files have warnings.
pub(super) fn of_table(summary: &Summary, warned: u64) -> Vec<String> {
    let mut parts: Vec<String> = summary
        .verdicts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(verdict, count)| format!("{count} {verdict}"))
        .collect();
    parts.reverse();
    let judged = if parts.is_empty() {
        "no APK was judged".to_owned()
    } else {
        format!("{} judged: {}", files(summary.judged), parts.join(", "))
    };
    let mut lines = vec![judged];
    if summary.members > 0 {
        let members = if summary.members == 1 { "member" } else { "members" };
        lines.push(format!("{} {members} of containers judged with them", summary.members));
    }
    if warned > 0 {
        let have = if warned == 1 { "has" } else { "have" };
        let how = "`apkvouch verify FILE` shows those of a file, --format json all";
        lines.push(format!("{} {have} warnings: {how}", files(warned)));
    }
    if summary.unjudged > 0 {
        lines.push(format!("{} could not be judged: see the rows marked error", files(summary.unjudged)));
    }
    if summary.skipped > 0 {
        let many = if summary.skipped == 1 { "link or special file" } else { "links or special files" };
        lines.push(format!("{} {many} skipped", summary.skipped));
    }
    if summary.not_apk > 0 {
        let named = files(summary.not_apk);
        lines.push(format!("{named} not named like an APK skipped; --all-files looks at them too"));
    }
    lines.extend(of_policy(summary));
    lines
}

fn files(count: u64) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}
