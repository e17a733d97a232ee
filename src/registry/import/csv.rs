//! Comma-separated values, with a line of names at the top.
//!
//! Source: RFC 4180.

use std::collections::BTreeSet;

use super::Entry;
use super::Fault;
use super::all;
use super::digest;
use crate::registry::Evidence;
use crate::registry::EvidenceSource;
use crate::registry::Moment;

/// Columns, each with other names that it may have.
const COLUMNS: [(&str, &[&str]); 8] = [
    ("package", &["package_name"]),
    ("name", &["label"]),
    ("fingerprint", &["certificate_sha256", "sha256"]),
    ("owner", &["subject"]),
    ("channel", &[]),
    ("evidence", &["source"]),
    ("url", &[]),
    ("date", &[]),
];

pub(super) fn read(text: &str) -> Result<Vec<Entry>, Vec<Fault>> {
    let mut records = records(text).map_err(|fault| vec![fault])?.into_iter();
    let (_, header) = records.next().unwrap_or_default();
    let columns = columns(&header).map_err(|fault| vec![fault])?;
    all(records.map(|(line, record)| {
        if record.len() != header.len() {
            let message =
                format!("expected {} cells, as the first line has, found {}", header.len(), record.len());
            return Err(Fault::new(Some(line), message));
        }
        row(line, &record, &columns)
    }))
}

/// What each column is, by the names in the first line.
fn columns(header: &[String]) -> Result<Vec<&'static str>, Fault> {
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let fault = |found: String| {
        Fault::new(Some(1), format!("expected the names of columns, of {}, found {found}", names.join(", ")))
    };
    let mut columns: Vec<&'static str> = Vec::new();
    if let [only] = header
        && let Some((separator, name)) =
            [(';', "semicolons"), ('\t', "tabs")].into_iter().find(|(c, _)| only.contains(*c))
        && only.split(separator).any(|name| names.contains(&name.trim().to_ascii_lowercase().as_str()))
    {
        let message =
            format!("expected commas between the names of columns, found {name}; save the table with commas");
        return Err(Fault::new(Some(1), message));
    }
    for name in header {
        let found = name.trim().to_ascii_lowercase();
        let column = COLUMNS.iter().find(|(name, others)| *name == found || others.contains(&found.as_str()));
        let (column, _) = column.ok_or_else(|| fault(format!("{name:?}")))?;
        if columns.contains(column) {
            return Err(fault(format!("{column:?} twice")));
        }
        columns.push(column);
    }
    match ["package", "fingerprint"].into_iter().find(|needed| !columns.contains(needed)) {
        Some(missing) => Err(fault(format!("no {missing:?}"))),
        None => Ok(columns),
    }
}

fn row(line: usize, record: &[String], columns: &[&str]) -> Result<Entry, Fault> {
    let cell = |name: &str| {
        let cell =
            columns.iter().zip(record).find(|(column, _)| **column == name).map(|(_, cell)| cell.trim());
        cell.filter(|cell| !cell.is_empty())
    };
    let needed = |name: &str| {
        cell(name).ok_or_else(|| Fault::new(Some(line), format!("expected a {name}, found an empty cell")))
    };
    // Several that sign together: `a1…+b2…`.
    let certificates = needed("fingerprint")?.split('+').map(|text| digest(text, Some(line)));
    let certificates: BTreeSet<_> = certificates.collect::<Result<_, _>>()?;
    let mut entry = Entry::new(needed("package")?, certificates);
    // A mark that keeps spreadsheets from taking the text for a formula.
    entry.label = cell("name").map(|name| name.strip_prefix('\'').unwrap_or(name).to_owned());
    entry.owner = cell("owner").map(str::to_owned);
    entry.channel = cell("channel").map(str::to_owned);
    entry.line = line;
    let date = match cell("date").map(str::parse::<Moment>) {
        Some(Err(_)) => {
            let message = "expected a date, 2026-12-31 or 2026-12-31T08:00:00Z, found something else";
            return Err(Fault::new(Some(line), message));
        }
        Some(Ok(date)) => Some(date),
        None => None,
    };
    entry.evidence = match (cell("evidence"), cell("url"), date) {
        (Some(name), url, date) => {
            let source = EvidenceSource::ALL.into_iter().find(|source| source.as_str() == name);
            let names = EvidenceSource::ALL.map(EvidenceSource::as_str).join(", ");
            let source = source.ok_or_else(|| {
                Fault::new(Some(line), format!("expected one of {names} as evidence, found {name:?}"))
            })?;
            Some(Evidence { source, url: url.map(str::to_owned), date })
        }
        (None, None, None) => None,
        (None, _, _) => {
            return Err(Fault::new(
                Some(line),
                "expected the evidence that url and date belong to, found none",
            ));
        }
    };
    Ok(entry)
}

/// The records with the lines on which they begin; empty lines are passed over.
fn records(text: &str) -> Result<Vec<(usize, Vec<String>)>, Fault> {
    let mut records = Vec::new();
    let (mut record, mut cell) = (Vec::new(), String::new());
    let (mut line, mut begun) = (1_usize, 1_usize);
    let (mut quoted, mut was_quoted) = (false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.is_empty() && !was_quoted => (quoted, was_quoted) = (true, true),
            '\n' | ',' if quoted => {
                line = line.saturating_add(usize::from(c == '\n'));
                cell.push(c);
            }
            ',' => {
                record.push(std::mem::take(&mut cell));
                was_quoted = false;
            }
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' => {
                line = line.saturating_add(1);
                if !record.is_empty() || !cell.is_empty() || was_quoted {
                    record.push(std::mem::take(&mut cell));
                    records.push((begun, std::mem::take(&mut record)));
                }
                (begun, was_quoted) = (line, false);
            }
            _ if was_quoted && !quoted => {
                return Err(Fault::new(
                    Some(line),
                    format!("expected a comma behind a quoted cell, found {c:?}"),
                ));
            }
            _ => cell.push(c),
        }
    }
    if quoted {
        return Err(Fault::new(
            Some(begun),
            "expected the closing quote of a cell, found the end of the file",
        ));
    }
    if !record.is_empty() || !cell.is_empty() || was_quoted {
        record.push(cell);
        records.push((begun, record));
    }
    Ok(records)
}
