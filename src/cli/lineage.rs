//! apksigner's `lineage` command, as far as it shows what a lineage holds.
//!
//! Source: apksig `ApkSignerTool.lineage`. It reads the lineage of an APK without looking at its signature; we take that
//! of an APK that verifies.

use std::ffi::OsString;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use apkvouch::Limits;
use apkvouch::VerifyOptions;
use apkvouch::finding::Finding;
use apkvouch::finding::SchemeId;
use apkvouch::identity::Lineage;
use apkvouch::report::apksigner;
use apkvouch::report::apksigner::Generation;
use apkvouch::scheme::SchemeOutcome;
use apkvouch::scheme::SchemeResult;
use apkvouch::scheme::VerifiedSigner;
use apkvouch::source::ByteSource as _;
use apkvouch::source::FileSource;
use apkvouch::verify::Verification;

use super::compat::Options;
use super::compat::in_file;
use super::compat::open;

const HELP: &str = "\
Usage: apksigner lineage [options]

Shows the signing certificates in a lineage file, or in the proof of rotation of an APK.

  --in FILE               The lineage file or APK
  --print-certs           Show the certificates, oldest first, and what each may still do
  --print-certs-pem       Show them with their PEM form
  -v, --verbose           Show keys as well
  -h, --help              Show this page, and exit

This is apkvouch answering as apksigner. To change a lineage, use Android's own apksigner.
";

const NO_LINEAGE_FILE: &str = "The input file is not a valid lineage file.";
/// More than any lineage needs; what is behind it is not read.
const MOST: u64 = 16 << 20;

/// Runs the command; the fault is a line for standard error.
pub(super) fn run(
    arguments: &[OsString],
    generation: Generation,
    out: &mut dyn Write,
) -> io::Result<Result<(), String>> {
    let request = match parse(arguments, generation) {
        Ok(Some(request)) => request,
        Ok(None) => return out.write_all(HELP.as_bytes()).map(Ok),
        Err(message) => return Ok(Err(message)),
    };
    match read(&request.file, generation) {
        Ok(lineage) if request.print.certificates => {
            apksigner::write_lineage(&lineage, &request.print, out).map(Ok)
        }
        read => Ok(read.map(|_| ())),
    }
}

struct Request {
    file: PathBuf,
    print: apksigner::Options,
}

/// The request; none when help is asked for; or what apksigner says is wrong.
fn parse(arguments: &[OsString], generation: Generation) -> Result<Option<Request>, String> {
    if arguments.is_empty() {
        return Ok(None);
    }
    let mut options = Options::new(arguments);
    let mut print = apksigner::Options::default();
    print.generation = generation;
    let mut file = None;
    while let Some(name) = options.next() {
        match name.as_str() {
            "help" | "h" => return Ok(None),
            "in" => file = Some(PathBuf::from(options.value("Input file name")?)),
            "verbose" | "v" => print.verbose = options.switch()?,
            "print-certs" => print.certificates = options.switch()?,
            "print-certs-pem" if generation > Generation::V31 => {
                print.pem = options.switch()?;
                print.certificates |= print.pem;
            }
            "out" | "signer" => {
                return Err("apkvouch does not change lineages: use Android's own apksigner".to_owned());
            }
            _ => return Err(options.unsupported()),
        }
    }
    let file = file.ok_or("Input lineage file parameter not present")?;
    Ok(Some(Request { file, print }))
}

fn read(path: &Path, generation: Generation) -> Result<Lineage, String> {
    const ZIP_MAGIC: [u8; 4] = *b"PK\x03\x04";
    const LINEAGE_MAGIC: [u8; 4] = apkvouch::format::lineage::FILE_MAGIC.to_le_bytes();

    let source = open(path)?;
    let unread =
        |error: io::Error| in_file(path, &format!("cannot read: {}", apkvouch::error::describe_io(&error)));
    let bytes = source.read_vec_at(0, source.len().min(MOST)).map_err(unread)?;
    match bytes.first_chunk() {
        Some(&LINEAGE_MAGIC) => apkvouch::verify_lineage_file(&bytes, &Limits::default())
            .map_err(|fault| in_file(path, &fault.to_string())),
        Some(&ZIP_MAGIC) => of_apk(path, &source, generation),
        _ => Err(NO_LINEAGE_FILE.to_owned()),
    }
}

/// The longest lineage of the signers of v3 and newer.
fn of_apk(path: &Path, source: &FileSource, generation: Generation) -> Result<Lineage, String> {
    // Only these schemes have lineages, so older ones need not be there.
    const SINCE: u32 = 28;
    let mut options = VerifyOptions::default();
    options.min_sdk = Some(SINCE);
    let verification =
        apkvouch::verify(source, &options).map_err(|error| in_file(path, &error.to_string()))?;
    if !verification.is_verified() {
        let mut errors = verification.findings.iter().filter(|finding| finding.is_error());
        let why = errors.next().map(Finding::message).unwrap_or_default();
        return Err(in_file(path, &format!("does not verify, so its lineage proves nothing: {why}")));
    }
    let schemes: &[SchemeId] = match generation {
        Generation::V31 => &[SchemeId::V3],
        Generation::V36 => &[SchemeId::V3, SchemeId::V31],
        _ => &[SchemeId::V3, SchemeId::V31, SchemeId::V32],
    };
    longest(&verification, schemes).ok_or_else(|| {
        let there = |scheme: &SchemeId| {
            let outcome = verification.scheme(*scheme).map(|result| &result.outcome);
            matches!(outcome, Some(SchemeOutcome::Verified(_)))
        };
        let what = match (schemes.iter().any(there), generation) {
            (true, _) => "lineage",
            (false, Generation::V31) => "V3 signature block",
            (false, _) => "V3 nor V3.1 signature block",
        };
        format!("The provided APK does not contain a valid {what}.")
    })
}

fn longest(verification: &Verification, schemes: &[SchemeId]) -> Option<Lineage> {
    let results = schemes.iter().filter_map(|scheme| verification.scheme(*scheme));
    let lineages = results.flat_map(SchemeResult::signers).filter_map(VerifiedSigner::lineage);
    lineages.max_by_key(|lineage| lineage.nodes().len()).cloned()
}
