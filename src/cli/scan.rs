//! `apkvouch scan`.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering::Relaxed;

use apkvouch::Error;
use apkvouch::marks::MarkOptions;
use apkvouch::policy::PolicyFile;
use apkvouch::registry::trust;
use apkvouch::report::PolicyFacts;
use apkvouch::report::RegistryFacts;
use apkvouch::report::ReportOptions;
use apkvouch::scan::Globs;
use apkvouch::scan::ScanOptions;
use apkvouch::scan::Walk;
use apkvouch::scan::WalkOptions;
use apkvouch::scan::scan;

use super::advice::no_standard_input;
use super::args::Color;
use super::args::Scan;
use super::judging::Judging;
use super::output::Report;
use super::output::coloured;
use super::output::not_judged;
use super::output::terminal_width;
use super::progress::Progress;

pub(super) fn run(arguments: &Scan, color: Color) -> anyhow::Result<u8> {
    no_standard_input(&arguments.paths)?;
    let now = arguments.at.unwrap_or_else(this_second);
    let trusted = arguments.trust.options(arguments.at, now)?;
    let registry = arguments.registry.as_ref().map(|path| trust::open(path, &trusted)).transpose()?;
    let policy = arguments.policy.as_ref().map(PolicyFile::load).transpose()?;
    let mut look = ReportOptions::new("scan");
    look.colour = coloured(color);
    look.table = true;
    look.width = terminal_width();
    if let (Some(registry), Some(path)) = (&registry, &arguments.registry) {
        look.registry = Some(RegistryFacts::new(path, registry.header()));
    }
    look.decided_at = (registry.is_some() || policy.is_some()).then(|| now.to_string());
    let registry = registry.map(|registry| match arguments.at {
        Some(at) => registry.as_of(at),
        None => registry,
    });
    let mut options = ScanOptions::default();
    options.verify = arguments.range.options()?;
    options.jobs = arguments.jobs;
    if let Some(policy) = &policy {
        options.marks = policy.needs_marks().then(MarkOptions::default);
        options.file_digest = policy.needs_file_digest();
        look.policy = Some(PolicyFacts::new(arguments.policy.as_deref(), policy));
    }
    let mut judging = Judging { registry, policy, signed_by: BTreeSet::new(), now, fitting: BTreeSet::new() };

    let mut walking = WalkOptions::default();
    walking.all_files = arguments.all_files;
    walking.include = globs(&arguments.include)?;
    walking.exclude = globs(&arguments.exclude)?;
    walking.shard = arguments.shard;
    let walk = Walk::over(arguments.listed.after(arguments.paths.clone())?, walking);
    let not_apk = walk.not_apk();
    let progress = Progress::on_terminal();
    let mut report = Report::new(&arguments.form, &look)?;
    report.only_bad = arguments.only_bad;
    report.summary.policy = judging.summary();
    let scanned = scan(walk, &options, |mut row| {
        let not_judged = not_judged(&row, &progress);
        if let Some(result) = judging.result(&mut row)?.or(not_judged) {
            report.add(&result)?;
        }
        progress.step(report.summary.failed);
        anyhow::Ok(())
    });
    progress.finish();
    scanned?;
    report.summary.not_apk = not_apk.load(Relaxed);
    judging.conclude(&mut report.summary, &arguments.form);
    report.finish()
}

fn globs(globs: &[String]) -> Result<Option<Globs>, Error> {
    (!globs.is_empty()).then(|| Globs::new(globs.iter().map(String::as_str))).transpose()
}

/// The time, without the fractions that nobody wants to read.
pub(super) fn this_second() -> jiff::Timestamp {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now)
}
