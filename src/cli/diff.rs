//! `apkvouch diff`.

use std::collections::BTreeMap;
use std::io::BufWriter;
use std::io::Write;

use apkvouch::ledger::Change;
use apkvouch::ledger::ChangeKind;
use apkvouch::ledger::Ledger;
use apkvouch::ledger::Scan;
use apkvouch::ledger::Side;
use apkvouch::report::escape;
use serde_json::json;

use super::args::Diff;
use super::args::DiffForm;
use super::output::unwritten;

pub(super) fn run(arguments: &Diff) -> anyhow::Result<u8> {
    let ledger = Ledger::open_to_read(&arguments.db)?;
    let (before, after) = (ledger.scan(Some(arguments.before))?, ledger.scan(Some(arguments.after))?);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let counts = match arguments.format {
        DiffForm::Text => text(&ledger, &before, &after, &mut out)?,
        DiffForm::Json => json(&ledger, &before, &after, &mut out)?,
    };
    out.flush().map_err(unwritten)?;
    Ok(u8::from(counts.values().any(|count| *count > 0)))
}

/// How many files have changed in each way.
type Counts = BTreeMap<ChangeKind, u64>;

fn count(counts: &mut Counts, change: &Change) {
    for kind in &change.kinds {
        let count = counts.entry(*kind).or_insert(0);
        *count = count.saturating_add(1);
    }
}

fn text(ledger: &Ledger, before: &Scan, after: &Scan, out: &mut dyn Write) -> anyhow::Result<Counts> {
    let mut counts = Counts::new();
    let mut same_verdict = 0_u64;
    ledger.compare(before, after, |change| {
        count(&mut counts, &change);
        if has_same_verdict(&change) {
            same_verdict = same_verdict.saturating_add(1);
        }
        let path = escape::path(&change.path);
        let path = escape::brief_path(&path);
        let line = match (&change.before, &change.after) {
            (None, Some(after)) => format!("+ {path}  {}", state(after)),
            (Some(before), None) => format!("- {path}  {}", state(before)),
            (Some(before), Some(after)) => format!("~ {path}  {}", changed(&change.kinds, before, after)),
            (None, None) => return Ok(()),
        };
        writeln!(out, "{}", escape::visible(&line)).map_err(unwritten)
    })?;
    let told: Vec<String> = ChangeKind::ALL
        .into_iter()
        .map(|kind| {
            let count = counts.get(&kind).copied().unwrap_or(0);
            match kind {
                ChangeKind::New | ChangeKind::Gone => format!("{count} {}", kind.as_str()),
                ChangeKind::Verdict if same_verdict > 0 => format!(
                    "{} with another verdict, {same_verdict} with the same verdict and another answer",
                    count.saturating_sub(same_verdict)
                ),
                _ => format!("{count} with another {}", kind.as_str()),
            }
        })
        .collect();
    let line = format!("scan {} to scan {}: {}", before.id, after.id, told.join(", "));
    writeln!(out, "{line}").map_err(unwritten)?;
    Ok(counts)
}

/// Whether it is another answer to the same verdict: what the policy accepts has changed.
fn has_same_verdict(change: &Change) -> bool {
    let both = change.before.as_ref().zip(change.after.as_ref());
    change.kinds.contains(&ChangeKind::Verdict)
        && both.is_some_and(|(before, after)| verdict(before) == verdict(after))
}

/// What a file is: its verdict and whose it is.
fn state(side: &Side) -> String {
    let package =
        side.package.as_ref().map(|package| format!("  {}", escape::brief(package))).unwrap_or_default();
    format!("{}{package}{}", verdict(side), signers(side))
}

fn verdict(side: &Side) -> &str {
    match &side.verdict {
        _ if side.unjudged => "not judged",
        Some(verdict) => verdict,
        None => "no verdict",
    }
}

fn signers(side: &Side) -> String {
    if side.signers.is_empty() { String::new() } else { format!("  by {}", side.signers.join(" + ")) }
}

fn changed(kinds: &[ChangeKind], before: &Side, after: &Side) -> String {
    let told: Vec<String> = kinds
        .iter()
        .map(|kind| match kind {
            ChangeKind::Verdict if verdict(before) == verdict(after) => {
                let passed = |side: &Side| if side.passed { "passed" } else { "failed" };
                format!("{} ({} -> {})", verdict(after), passed(before), passed(after))
            }
            ChangeKind::Verdict => format!("{} -> {}", verdict(before), verdict(after)),
            ChangeKind::Signer => {
                let by = |side: &Side| {
                    if side.signers.is_empty() { "none".to_owned() } else { side.signers.join(" + ") }
                };
                format!("signer {} -> {}", by(before), by(after))
            }
            other => other.as_str().to_owned(),
        })
        .collect();
    told.join("; ")
}

fn json(ledger: &Ledger, before: &Scan, after: &Scan, out: &mut dyn Write) -> anyhow::Result<Counts> {
    let mut counts = Counts::new();
    let scan = |scan: &Scan| {
        json!({
            "id": scan.id, "begun": scan.begun, "ended": scan.ended,
            "registry": scan.registry, "policy": scan.policy,
        })
    };
    let (from, to) = (scan(before).to_string(), scan(after).to_string());
    let (from, to) = (escape::json(&from), escape::json(&to));
    write!(out, "{{\n  \"schema\": 1,\n  \"before\": {from},\n  \"after\": {to},\n  \"changes\": [")
        .map_err(unwritten)?;
    let mut comma = "";
    ledger.compare(before, after, |change| {
        count(&mut counts, &change);
        let line = serde_json::to_string(&change)?;
        write!(out, "{comma}\n    {}", escape::json(&line)).map_err(unwritten)?;
        comma = ",";
        anyhow::Ok(())
    })?;
    let told: serde_json::Map<String, serde_json::Value> = ChangeKind::ALL
        .into_iter()
        .map(|kind| (kind.as_str().to_owned(), counts.get(&kind).copied().unwrap_or(0).into()))
        .collect();
    let end = if comma.is_empty() { "]" } else { "\n  ]" };
    let told = serde_json::Value::Object(told);
    writeln!(out, "{end},\n  \"counts\": {told}\n}}").map_err(unwritten)?;
    Ok(counts)
}
