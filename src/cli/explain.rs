//! `apkvouch explain`.

use std::io;
use std::io::Write as _;

use apkvouch::Error;
use apkvouch::explain;
use apkvouch::finding::FindingCode;

use super::args::Explain;
use super::output::unwritten;

pub(super) fn run(arguments: &Explain) -> anyhow::Result<u8> {
    let Some(name) = &arguments.code else {
        list().map_err(unwritten)?;
        return Ok(0);
    };
    // As it stands in reports, too: in brackets.
    let plain = name.trim_matches(['[', ']']);
    let Some(code) = FindingCode::parse(plain) else {
        let near: Vec<&str> = explain::nearest(plain).iter().map(|code| code.as_str()).collect();
        let advice = if near.is_empty() {
            "`apkvouch explain` lists all".to_owned()
        } else {
            format!("did you mean {}?", near.join(", "))
        };
        return Err(Error::Usage(format!("no finding has the code {name:?}: {advice}")).into());
    };
    page(code).map_err(unwritten)?;
    Ok(0)
}

fn page(code: FindingCode) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", explain::page(code).trim_start_matches("## "))?;
    out.flush()
}

fn list() -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let width = FindingCode::ALL.iter().map(|code| code.as_str().len()).max().unwrap_or_default();
    for code in FindingCode::ALL {
        let severity = code.severity().as_str();
        writeln!(out, "{:<width$}  {severity:<7}  {}", code.as_str(), code.summary_en())?;
    }
    out.flush()
}
