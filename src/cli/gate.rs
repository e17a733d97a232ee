//! `apkvouch gate`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use apkvouch::Error;
use apkvouch::marks::MarkOptions;
use apkvouch::policy::PolicyFile;
use apkvouch::registry::Store;
use apkvouch::registry::trust;
use apkvouch::report::PolicyFacts;
use apkvouch::report::RegistryFacts;
use apkvouch::report::ReportOptions;
use apkvouch::scan::ScanOptions;
use apkvouch::scan::scan;

use super::advice::no_standard_input;
use super::args::Color;
use super::args::Gate;
use super::judging::Judging;
use super::output::Report;
use super::output::coloured;
use super::output::not_judged;
use super::progress::Progress;
use super::scan::this_second;
use super::signals::Signals;
use super::verify::named;

pub(super) fn run(arguments: &Gate, color: Color) -> anyhow::Result<u8> {
    no_standard_input(&arguments.apks)?;
    let signals = Signals::caught()?;
    let now = arguments.at.unwrap_or_else(this_second);
    let policy = match &arguments.policy {
        Some(path) => PolicyFile::load(path)?,
        None => PolicyFile::default(),
    };
    let registry = registry(arguments, now)?;
    let mut look = ReportOptions::new("gate");
    look.colour = coloured(color);
    look.language = arguments.form.language();
    look.verbose = arguments.verbose;
    look.policy = Some(PolicyFacts::new(arguments.policy.as_deref(), &policy));
    look.registry = registry.as_ref().map(|(path, registry)| RegistryFacts::new(path, registry.header()));
    look.decided_at = Some(now.to_string());
    let registry = registry.map(|(_, registry)| match arguments.at {
        Some(at) => registry.as_of(at),
        None => registry,
    });
    let signed_by: BTreeSet<_> = arguments.signed_by.iter().copied().collect();
    let mut judging = Judging::by(registry, Some(policy), signed_by, now);
    judging.whole = true;
    let begun = Instant::now();
    let clock = move || begun.elapsed();
    let mut options = ScanOptions::default();
    options.jobs = arguments.jobs;
    options.verify.limits = arguments.limited.limits()?;
    let mut marks = MarkOptions::default();
    marks.limits = options.verify.limits.clone();
    options.marks = Some(marks);
    options.file_digest = true;
    options.halt = Some(Arc::clone(&signals.halt));
    options.time = Some(arguments.timely.limit(&clock));
    options.appearance = arguments.form.shows_appearance();
    let progress = Progress::none();
    let of_registry = arguments.registry.iter().flat_map(|registry| arguments.trust.files(registry));
    let inputs = arguments.apks.iter().chain(&arguments.listed.files_from).chain(&arguments.policy).cloned();
    let inputs = inputs.chain(of_registry);
    let mut report = Report::new(&arguments.form, &look, inputs, &signals)?;
    report.summary.policy = judging.summary();
    let scanned =
        scan(named(arguments.listed.after(arguments.apks.clone(), &signals)?), &options, |mut row| {
            let not_judged = not_judged(&row, &progress);
            let result = judging.result(&mut row)?.or(not_judged);
            result.map_or(Ok(()), |result| report.add(&row.path, &result))
        });
    if let Err(error) = scanned {
        return report.break_off(error, None);
    }
    judging.conclude(&mut report.summary, &arguments.form, false);
    report.finish()
}

/// The registry with its path, if one is given: signed, unless it is said that it need not be.
fn registry(arguments: &Gate, now: jiff::Timestamp) -> anyhow::Result<Option<(&Path, Store)>> {
    let Some(path) = &arguments.registry else {
        if arguments.signed_by.is_empty() {
            let message =
                "who may sign? give --registry FILE with --registry-key KEY, or the signers with --signed-by";
            return Err(Error::Usage(message.to_owned()).into());
        }
        return Ok(None);
    };
    let trusted = arguments.trust.options(arguments.at, now)?;
    if trusted.keys.is_empty() && !arguments.unsigned_registry {
        let message = "nothing shows that the registry is the right one: give --registry-key KEY, by which it must be \
                       signed, or --unsigned-registry to believe the file as it stands";
        return Err(Error::Usage(message.to_owned()).into());
    }
    Ok(Some((path, trust::open(path, &trusted)?)))
}
