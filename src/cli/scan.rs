//! `apkvouch scan`.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering::Relaxed;

use apkvouch::Error;
use apkvouch::Registry;
use apkvouch::Verification;
use apkvouch::decide;
use apkvouch::finding::FindingCode;
use apkvouch::marks::MarkOptions;
use apkvouch::policy::Decision;
use apkvouch::policy::Policy;
use apkvouch::policy::PolicyFile;
use apkvouch::policy::Verdict;
use apkvouch::registry::trust;
use apkvouch::report::FileResult;
use apkvouch::report::PolicyFacts;
use apkvouch::report::RegistryFacts;
use apkvouch::report::ReportOptions;
use apkvouch::scan::Globs;
use apkvouch::scan::Outcome;
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
    let registry = arguments.registry.as_ref().map(|path| trust::load(path, &trusted)).transpose()?;
    let mut look = ReportOptions::new("scan");
    look.colour = coloured(color);
    look.table = true;
    look.width = terminal_width();
    if let (Some(registry), Some(path)) = (&registry, &arguments.registry) {
        look.registry = Some(RegistryFacts::new(path, registry));
        look.decided_at = Some(now.to_string());
    }
    // Without a registry the built-in denied keys still count.
    let known = match (&registry, arguments.at) {
        (Some(registry), Some(at)) => registry.as_of(at),
        (Some(registry), None) => registry.clone(),
        (None, _) => Registry::empty(),
    };
    let policy = Policy::default();
    let judge = |evidence: &Verification| {
        let decision = decide(evidence, &known, &policy, now);
        if registry.is_some() { decision } else { without_registry(decision) }
    };
    let policy_file = arguments.policy.as_ref().map(PolicyFile::load).transpose()?;
    let mut options = ScanOptions::default();
    options.verify = arguments.range.options()?;
    options.jobs = arguments.jobs;
    let mut judging = None;
    match policy_file {
        None => options.decide = Some(&judge),
        Some(policy) => {
            options.marks = policy.needs_marks().then(MarkOptions::default);
            options.file_digest = policy.needs_file_digest();
            look.policy = Some(PolicyFacts::new(arguments.policy.as_deref(), &policy));
            look.decided_at = Some(now.to_string());
            let registry = registry.is_some().then(|| known.clone());
            judging =
                Some(Judging { registry, policy, signed_by: BTreeSet::new(), now, fitting: BTreeSet::new() });
        }
    }
    let good = if registry.is_some() { Verdict::Authenticated } else { Verdict::Unauthenticated };

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
    report.summary.policy = judging.as_ref().map(Judging::summary);
    let scanned = scan(walk, &options, |row| {
        let result = not_judged(&row, &progress);
        if let Outcome::Judged { verification, decision, marks, file_digest, .. } = &row.outcome {
            let passed = decision.as_ref().is_some_and(|decision| decision.verdict == good);
            report.add(&match &mut judging {
                Some(judging) => judging.result(&row.path, verification, marks.as_deref(), *file_digest),
                None => FileResult::judged(&row.path, verification, decision.as_ref(), passed),
            })?;
        } else if let Some(result) = result {
            report.add(&result)?;
        }
        progress.step(report.summary.failed);
        anyhow::Ok(())
    });
    progress.finish();
    scanned?;
    report.summary.not_apk = not_apk.load(Relaxed);
    if let Some(judging) = &judging {
        judging.conclude(&mut report.summary, &arguments.form);
    }
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

/// Nobody asked whether the signer is registered, so nothing is said of it.
fn without_registry(mut decision: Decision) -> Decision {
    let unasked = [FindingCode::SignerUnknown, FindingCode::PackageUnknown];
    decision.findings.retain(|finding| !unasked.contains(&finding.code));
    decision
}
