//! `apkvouch report`.

use std::io::Write as _;

use apkvouch::ledger::Ledger;
use apkvouch::report::escape;

use super::args::Color;
use super::args::Report as Arguments;
use super::judging::Judging;
use super::output::Report;
use super::output::coloured;
use super::output::not_judged;
use super::output::unwritten;
use super::progress::Progress;
use super::say;
use super::signals::Signals;

pub(super) fn run(arguments: &Arguments, color: Color) -> anyhow::Result<u8> {
    let ledger = Ledger::open_to_read(&arguments.db)?.with_pictures(arguments.form.shows_pictures());
    if arguments.scans {
        return list(&ledger);
    }
    let scan = ledger.scan(arguments.scan)?;
    if arguments.whole {
        return super::whole::run(&ledger.whole(&scan)?, &arguments.form);
    }
    let signals = Signals::caught()?;
    let (mut judging, mut look) = Judging::new(&arguments.against, "report")?;
    look.colour = coloured(color);
    look.language = arguments.form.language();
    if let (Some(registry), None) = (&scan.registry, &judging.registry) {
        say(&format!(
            "scan {} was held against {registry}; this report is not held against any: give --registry",
            scan.id
        ));
    }
    let inputs = std::iter::once(arguments.db.clone()).chain(arguments.against.files());
    let mut report = Report::new(&arguments.form, &look, inputs, &signals)?;
    report.only_bad = arguments.only_bad;
    report.summary.policy = judging.summary();
    let progress = Progress::none();
    let told = ledger.each(&scan, |mut row| {
        signals.check()?;
        let not_judged = not_judged(&row, &progress);
        judging.result(&mut row)?.or(not_judged).map_or(Ok(()), |result| report.add(&row.path, &result))
    });
    if let Err(error) = told {
        return report.break_off(error, None);
    }
    report.summary.not_apk = scan.not_apk;
    judging.conclude(&mut report.summary, &arguments.form, false);
    report.finish()
}

/// A line for each scan.
fn list(ledger: &Ledger) -> anyhow::Result<u8> {
    let mut out = std::io::stdout().lock();
    for scan in ledger.scans()? {
        let ended = scan.ended.map_or_else(|| "broken off".to_owned(), |ended| format!("to {ended}"));
        let registry = scan.registry.map(|registry| format!("  registry {registry}")).unwrap_or_default();
        let policy = scan.policy.map(|policy| format!("  policy {policy}")).unwrap_or_default();
        let line = format!("{}  {} {ended}{registry}{policy}", scan.id, scan.begun);
        writeln!(out, "{}", escape::visible(&line)).map_err(unwritten)?;
    }
    out.flush().map_err(unwritten)?;
    Ok(0)
}
