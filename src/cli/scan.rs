//! `apkvouch scan`.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use apkvouch::Error;
use apkvouch::ledger::FileRecord;
use apkvouch::ledger::Ledger;
use apkvouch::ledger::Recording;
use apkvouch::marks::MarkOptions;
use apkvouch::policy::PolicyFile;
use apkvouch::report::Language;
use apkvouch::report::ReportOptions;
use apkvouch::report::escape;
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
use super::progress::Progress;
use super::signals::Signals;

pub(super) fn run(arguments: &Scan, color: Color) -> anyhow::Result<u8> {
    no_standard_input(&arguments.paths)?;
    let signals = Signals::caught()?;
    let (mut judging, mut look) = Judging::new(&arguments.against, "scan")?;
    look.colour = coloured(color);
    look.language = arguments.form.language();
    look.next = next_commands(arguments, look.language);
    let begun = Instant::now();
    let clock = move || begun.elapsed();
    let mut options = ScanOptions::default();
    options.verify = arguments.range.options(&arguments.limited)?;
    options.jobs = arguments.jobs;
    options.bases_beside = true;
    options.halt = Some(Arc::clone(&signals.halt));
    options.time = Some(arguments.timely.limit(&clock));
    // What a database keeps is to do for every registry and policy.
    let all = arguments.db.is_some();
    let policy = judging.policy.as_ref();
    let mut marks = MarkOptions::default();
    marks.limits = options.verify.limits.clone();
    options.marks = (all || policy.is_some_and(PolicyFile::needs_marks)).then_some(marks);
    options.appearance = all || arguments.form.shows_appearance();
    options.file_digest = all || policy.is_some_and(PolicyFile::needs_file_digest);
    let ledger = arguments.db.as_ref().map(|path| Ledger::open(path, &options, this_second())).transpose()?;
    let mut ledger = ledger.map(|ledger| ledger.with_pictures(arguments.form.shows_pictures()));
    // On another day than today the registry says other things; nobody asks that every night.
    let judged_by = judging.stands_for(look.language).filter(|_| arguments.against.at.is_none());
    if let (Some(ledger), Some(judged_by)) = (&mut ledger, judged_by) {
        ledger.judge_by(&judged_by, &inputs_of(arguments), judging.now, Report::glances(&arguments.form));
    }
    if let (Some(ledger), false) = (&ledger, arguments.rehash) {
        options.known = Some(ledger);
    }

    let inputs = arguments.paths.iter().chain(&arguments.listed.files_from).chain(&arguments.db).cloned();
    let inputs = inputs.chain(arguments.against.files());
    let mut walking = WalkOptions::default();
    walking.all_files = arguments.all_files;
    walking.include = globs(&arguments.include)?;
    walking.exclude = globs(&arguments.exclude)?;
    walking.shard = arguments.shard;
    walking.halt = Some(Arc::clone(&signals.halt));
    // A list may be one that can be read once.
    let all = arguments.listed.files_from.is_none().then(|| {
        let (paths, walking) = (arguments.paths.clone(), walking.clone());
        move || Walk::new(paths, walking)
    });
    let walk = Walk::over(arguments.listed.after(arguments.paths.clone(), &signals)?, walking);
    let not_apk = walk.not_apk();
    let progress = Progress::on_terminal(arguments.quiet, all);
    let mut report = Report::with(&arguments.form, &look, inputs, &signals, arguments.quiet)?;
    report.only_bad = arguments.only_bad;
    report.summary.policy = judging.summary();
    let mut recording =
        ledger.as_ref().map(|ledger| begin(ledger, &look, arguments.against.at)).transpose()?;
    let scanned = scan(walk, &options, |mut row| {
        // What is known was not read again.
        let is_read = row.known.is_none();
        let mut read = 0;
        let record = recording.is_some().then(|| FileRecord::new(&row));
        if let (Outcome::Recalled(recalled), Some(ledger)) = (&row.outcome, &ledger) {
            let (glance, exceptions) = ledger.told(recalled)?;
            if let (Some(recording), Some(record)) = (&mut recording, &record) {
                recording.add(record, None, false)?;
            }
            judging.recall(&exceptions);
            report.add_glance(&glance)?;
            progress.step(report.summary.failed, 0);
            return Ok(());
        }
        let not_judged = not_judged(&row, &progress);
        if let Some(result) = judging.result(&mut row)?.or(not_judged) {
            if let (Some(recording), Some(record)) = (&mut recording, &record) {
                recording.add_said(record, &judging.said(&result, look.language))?;
            }
            report.add(&row.path, &result)?;
            read = result.size.filter(|_| is_read).unwrap_or(0);
        }
        progress.step(report.summary.failed, read);
        anyhow::Ok(())
    });
    progress.finish();
    if let Err(error) = scanned {
        // What was seen is written before that is told.
        drop(recording);
        return report.break_off(error, arguments.db.as_deref());
    }
    report.summary.not_apk = not_apk.load(Relaxed);
    if let Some(recording) = recording {
        recording.end(this_second(), report.summary.not_apk)?;
    }
    judging.conclude(&mut report.summary, &arguments.form, arguments.quiet);
    report.finish()
}

/// Begins to note a scan that is held against what `look` says, on another day than today if there is one.
fn begin<'a>(
    ledger: &'a Ledger,
    look: &ReportOptions,
    as_of: Option<jiff::Timestamp>,
) -> Result<Recording<'a>, Error> {
    let registry = look.registry.as_ref().map(|registry| {
        let serial = registry.serial.map(|serial| format!(", serial {serial}")).unwrap_or_default();
        let on_the_day = as_of.map(|at| format!(", as of {at}")).unwrap_or_default();
        format!("{} ({}{serial}){on_the_day}", registry.path, registry.id)
    });
    let policy = look.policy.as_ref().and_then(|policy| policy.path.as_deref());
    ledger.begin(this_second(), registry.as_deref(), policy)
}

/// What to type next, for people.
fn next_commands(arguments: &Scan, language: Language) -> Vec<String> {
    let (page, whole) = language.pick(
        (
            "a page to look at and hand on",
            "who signs what, duplicates, apps that look alike, versions that went back",
        ),
        ("可查看和转交的网页", "谁签署了什么、重复文件、相似应用、版本回退"),
    );
    let Some(db) = arguments.db.as_ref().map(|db| escape::in_shell(db)) else {
        let page =
            language.pick("the same as a page to look at and hand on", "同样内容，成为可查看和转交的网页");
        return vec![format!("apkvouch scan … --output html=report.html  # {page}")];
    };
    let against = [("--registry", &arguments.against.registry), ("--policy", &arguments.against.policy)];
    let against: Vec<String> = against
        .iter()
        .filter_map(|(option, path)| Some(format!(" {option} {}", escape::in_shell(path.as_deref()?))))
        .collect();
    let against = against.concat();
    vec![
        format!("apkvouch report --db {db}{against} --output html=report.html  # {page}"),
        format!("apkvouch report --db {db} --whole  # {whole}"),
    ]
}

/// Over what the scan goes, in bytes.
fn inputs_of(arguments: &Scan) -> Vec<u8> {
    let Scan { paths, listed, include, exclude, shard, all_files, .. } = arguments;
    format!("{paths:?} {listed:?} {include:?} {exclude:?} {shard:?} {all_files}").into_bytes()
}

fn globs(globs: &[String]) -> Result<Option<Globs>, Error> {
    (!globs.is_empty()).then(|| Globs::new(globs.iter().map(String::as_str))).transpose()
}

/// The time, without the fractions that nobody wants to read.
pub(super) fn this_second() -> jiff::Timestamp {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now)
}
