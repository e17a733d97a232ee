//! `apkvouch inspect`.

use std::io::Write as _;
use std::path::Path;

use apkvouch::Error;
use apkvouch::Idsig;
use apkvouch::Limits;
use apkvouch::format::lineage::FILE_MAGIC;
use apkvouch::identity::Lineage;
use apkvouch::inspect;
use apkvouch::marks::Profiles;
use apkvouch::report::ReportOptions;
use apkvouch::report::inspection;
use apkvouch::report::inspection::InspectionRow;
use apkvouch::report::inspection::LineageFileRow;
use apkvouch::scan::V4SignatureFile;
use apkvouch::scheme::LineageFileFault;
use apkvouch::source::ByteSource as _;
use apkvouch::source::FileSource;

use super::advice::no_standard_input;
use super::args::Color;
use super::args::Inspect;
use super::args::InspectForm;
use super::output::coloured;
use super::output::unwritten;

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
    let options = arguments.range.options()?;
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
