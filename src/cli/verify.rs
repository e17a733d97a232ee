//! `apkvouch verify`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use apkvouch::Error;
use apkvouch::Verification;
use apkvouch::finding::Severity;
use apkvouch::policy::installer_refuses;
use apkvouch::policy::signed_by;
use apkvouch::report::FileResult;
use apkvouch::report::ReportOptions;
use apkvouch::scan::Found;
use apkvouch::scan::ScanOptions;
use apkvouch::scan::V4SignatureFile;
use apkvouch::scan::scan;

use super::advice::no_standard_input;
use super::args::Color;
use super::args::Verify;
use super::output::Report;
use super::output::coloured;
use super::output::not_judged;
use super::progress::Progress;
use super::signals::Signals;

pub(super) fn run(arguments: &Verify, color: Color) -> anyhow::Result<u8> {
    no_standard_input(&arguments.apks)?;
    let signals = Signals::caught()?;
    let begun = Instant::now();
    let clock = move || begun.elapsed();
    let mut options = ScanOptions::default();
    options.halt = Some(Arc::clone(&signals.halt));
    options.time = Some(arguments.timely.limit(&clock));
    options.verify = arguments.range.options(&arguments.limited)?;
    options.appearance = arguments.form.shows_appearance();
    if let Some(file) = &arguments.v4_signature_file {
        if arguments.apks.len() != 1 {
            let message = format!("--v4-signature-file goes with one APK, not with {}", arguments.apks.len());
            return Err(Error::Usage(message).into());
        }
        options.v4_signature_file = V4SignatureFile::At(file.clone());
    }
    let mut look = ReportOptions::new("verify");
    look.colour = coloured(color);
    look.language = arguments.form.language();
    look.verbose = arguments.verbose;
    look.certificates = arguments.print_certs || arguments.verbose;
    let progress = Progress::none();
    let inputs = arguments.apks.iter().chain(&arguments.v4_signature_file).cloned();
    let mut report = Report::new(&arguments.form, &look, inputs, &signals)?;
    let found = arguments.apks.clone().into_iter().map(Found::File);
    let scanned = scan(named(found), &options, |mut row| {
        let not_judged = not_judged(&row, &progress);
        let result = row.outcome.result(&row.path, true, &mut |apk| {
            let passed = passed(arguments, apk.verification);
            anyhow::Ok(FileResult::judged(apk.path, apk.verification, None, passed))
        })?;
        result.or(not_judged).map_or(Ok(()), |result| report.add(&row.path, &result))
    });
    if let Err(error) = scanned {
        return report.break_off(error, None);
    }
    report.finish()
}

/// Files by their names; a directory is none.
pub(super) fn named(found: impl Iterator<Item = Found>) -> impl Iterator<Item = Found> {
    found.map(|found| match found {
        Found::File(path) if path.is_dir() => {
            let message = "is a directory: `apkvouch scan` judges directories".to_owned();
            let error = Error::File { path: path.clone(), message, source: None };
            Found::Failed(path, error)
        }
        found => found,
    })
}

/// Whether the file verifies, and Android opens it; adds the finding that says that it does not.
pub(super) fn accepted(verification: &mut Verification) -> bool {
    let refused = installer_refuses(verification);
    let accepted = verification.is_verified() && refused.is_none();
    verification.findings.splice(0..0, refused);
    accepted
}

/// Whether the file is what was asked for; adds the finding that says why it is not.
fn passed(arguments: &Verify, verification: &mut Verification) -> bool {
    let warned = verification.findings.iter().any(|finding| finding.severity == Severity::Warning);
    let pinned: BTreeSet<_> = arguments.signed_by.iter().copied().collect();
    let mismatch = (!pinned.is_empty()).then(|| signed_by(verification, &pinned).err()).flatten();
    let refused = installer_refuses(verification);
    let accepted = mismatch.is_none() && refused.is_none();
    if verification.is_verified() {
        verification.findings.splice(0..0, refused.into_iter().chain(mismatch.map(|finding| *finding)));
    }
    verification.is_verified() && accepted && !(arguments.werr && warned)
}
