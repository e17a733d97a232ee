//! What a run comes to, in a line or a few.

use std::fmt::Write as _;
use std::io;
use std::io::Write;

use crate::report::Summary;

/// The line behind the paragraphs; none when there is but one file.
pub(super) fn of_paragraphs(summary: &Summary) -> Option<String> {
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

/// The lines below a table.
pub(super) fn of_table(out: &mut dyn Write, summary: &Summary) -> io::Result<()> {
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
    writeln!(out, "\n{judged}")?;
    if summary.unjudged > 0 {
        writeln!(out, "{} could not be judged: see the rows marked error", files(summary.unjudged))?;
    }
    if summary.skipped > 0 {
        let many = if summary.skipped == 1 { "link or special file" } else { "links or special files" };
        writeln!(out, "{} {many} skipped", summary.skipped)?;
    }
    if summary.not_apk > 0 {
        let named = files(summary.not_apk);
        writeln!(out, "{named} not named .apk skipped; --all-files looks at them too")?;
    }
    Ok(())
}

fn files(count: u64) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}
