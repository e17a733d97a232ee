//! `apkvouch inspect`.

use std::io::Write as _;
use std::iter;
use std::path::Path;

use apkvouch::Error;
use apkvouch::Idsig;
use apkvouch::Limits;
use apkvouch::VerifyOptions;
use apkvouch::container::Budget;
use apkvouch::container::Container;
use apkvouch::format::lineage::FILE_MAGIC;
use apkvouch::identity::Lineage;
use apkvouch::inspect;
use apkvouch::marks::Profiles;
use apkvouch::report::FileResult;
use apkvouch::report::ReportOptions;
use apkvouch::report::inspection;
use apkvouch::report::inspection::ContainerInspectionRow;
use apkvouch::report::inspection::InspectionRow;
use apkvouch::report::inspection::LineageFileRow;
use apkvouch::report::model::FileStatus;
use apkvouch::scan::Found;
use apkvouch::scan::Outcome;
use apkvouch::scan::ScanOptions;
use apkvouch::scan::V4SignatureFile;
use apkvouch::scan::scan;
use apkvouch::scheme::LineageFileFault;
use apkvouch::source::ByteSource as _;
use apkvouch::source::FileSource;

use super::advice::no_standard_input;
use super::args::Color;
use super::args::Inspect;
use super::args::InspectForm;
use super::output::coloured;
use super::output::unwritten;
use super::verify::accepted;

pub(super) fn run(arguments: &Inspect, color: Color) -> anyhow::Result<u8> {
    no_standard_input(std::slice::from_ref(&arguments.apk))?;
    let path = &arguments.apk;
    let source = FileSource::open(path).map_err(|error| Error::file(path, "open", error))?;
    let mut look = ReportOptions::new("inspect");
    look.colour = coloured(color);
    look.verbose = arguments.verbose;
    let (text, passed) = if let Some(lineage) = lineage_file(path, &source)? {
        let row = LineageFileRow::new(path, &lineage);
        let text = match arguments.format {
            InspectForm::Json => inspection::json(&row)? + "\n",
            InspectForm::Text => inspection::lineage_text(&row, &look),
        };
        (text, row.verified)
    } else if let Some(row) = container(arguments, &source)? {
        let text = match arguments.format {
            InspectForm::Json => inspection::json(&row)? + "\n",
            InspectForm::Text => inspection::container_text(&row, &look),
        };
        (text, row.file.passed)
    } else {
        let row = shown(arguments, &source)?;
        let text = match arguments.format {
            InspectForm::Json => inspection::json(&row)? + "\n",
            InspectForm::Text => inspection::text(&row, &look),
        };
        (text, row.file.passed)
    };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(unwritten)?;
    Ok(u8::from(!passed))
}

fn shown(arguments: &Inspect, source: &FileSource) -> Result<InspectionRow, Error> {
    let path = &arguments.apk;
    let options = arguments.range.options(&arguments.limited)?;
    let file = match &arguments.v4_signature_file {
        Some(file) => V4SignatureFile::At(file.clone()),
        None => V4SignatureFile::Beside,
    };
    let found = file.open(path)?;
    let name = found.as_ref().map(|(path, _)| path.to_string_lossy()).unwrap_or_default();
    let idsig = found.as_ref().map(|(_, source)| Idsig::new(source, &name));
    let profiles = arguments.profiles.as_ref().map(Profiles::load).transpose()?.unwrap_or_default();
    let inspection =
        inspect(source, idsig.as_ref(), &options, &profiles).map_err(|error| error.in_file(path))?;
    Ok(InspectionRow::new(path, &inspection, arguments.pem))
}

/// What is to be shown of a container; none for any other file.
fn container(arguments: &Inspect, source: &FileSource) -> anyhow::Result<Option<ContainerInspectionRow>> {
    let path = &arguments.apk;
    let mut options = ScanOptions::default();
    options.verify = arguments.range.options(&arguments.limited)?;
    options.file_digest = true;
    let limits = options.verify.limits.clone();
    let mut budget = Budget::of(source.len(), &limits);
    let Some(container) =
        Container::open(source, &limits, &mut budget).map_err(|error| error.in_file(path))?
    else {
        return Ok(None);
    };
    if let Some(file) = &arguments.v4_signature_file {
        options.v4_signature_file = V4SignatureFile::At(file.clone());
    }
    let mut result = None;
    scan(iter::once(Found::File(path.clone())), &options, |mut row| {
        if let Outcome::Unjudged(error) = row.outcome {
            return Err(anyhow::Error::from(error));
        }
        result = row.outcome.result(&row.path, true, &mut |apk| {
            let passed = accepted(apk.verification);
            let mut result = FileResult::judged(apk.path, apk.verification, None, passed);
            result.sha256 = apk.file_digest.map(|digest| digest.to_string());
            anyhow::Ok(result)
        })?;
        Ok(())
    })?;
    let Some(result) = result else { return Ok(None) };
    let profiles = arguments.profiles.as_ref().map(Profiles::load).transpose()?.unwrap_or_default();
    let mut budget = Budget::of(source.len(), &limits);
    let members: Vec<_> = container.members().collect();
    let row = ContainerInspectionRow::new(result, |position, result| {
        // Of a container in the container, and of what cannot be read, `verify` says all.
        let shown = members.get(position).filter(|_| result.container.is_none());
        let Some(Ok(member)) = shown.map(|member| member.open(&mut budget)) else { return Ok(None) };
        let mut options = options.verify.clone();
        let look = |options: &VerifyOptions| inspect(&*member, None, options, &profiles);
        let mut found = look(&options).map_err(|error| error.in_file(path))?;
        if result.status == FileStatus::Verified && !found.verification.is_verified() {
            // A part that is judged for the Android versions of its base.
            options.min_sdk = result.min_sdk;
            found = look(&options).map_err(|error| error.in_file(path))?;
        }
        Ok::<_, Error>(Some(InspectionRow::new(Path::new(&result.path), &found, arguments.pem)))
    })?;
    Ok(Some(row))
}

/// The lineage in a lineage file; none for any other file.
fn lineage_file(
    path: &Path,
    source: &FileSource,
) -> Result<Option<Result<Lineage, LineageFileFault>>, Error> {
    /// More than any lineage needs; what is behind it is not read.
    const MOST: u64 = 16 << 20;
    let read = |len: u64| {
        source.read_vec_at(0, source.len().min(len)).map_err(|error| Error::file(path, "read", error))
    };
    if read(4)? != FILE_MAGIC.to_le_bytes() {
        return Ok(None);
    }
    Ok(Some(apkvouch::verify_lineage_file(&read(MOST)?, &Limits::default())))
}
