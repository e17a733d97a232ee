//! `apkvouch registry`.

pub(super) mod args;
mod change;
mod exchange;
mod key;
mod learn;
mod view;

use std::cell::OnceCell;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use apkvouch::Error;
use apkvouch::Registry;
use apkvouch::registry::Change;
use apkvouch::registry::Difference;
use apkvouch::registry::DifferenceKind;
use apkvouch::registry::FieldDifference;
use apkvouch::registry::Header;
use apkvouch::report::escape;

use super::output::unwritten;
use super::say;
use super::signals::Signals;
use args::RegistryCommand;

pub(super) fn run(command: &RegistryCommand) -> anyhow::Result<u8> {
    let (text, code) = match command {
        RegistryCommand::Init(init) => (change::init(init)?, 0),
        RegistryCommand::AddSubject(add) => (change::add_subject(add)?, 0),
        RegistryCommand::Add(add) => (change::add(add)?, 0),
        RegistryCommand::Deny(deny) => (change::deny(deny)?, 0),
        RegistryCommand::Revoke(revoke) => (change::revoke(revoke)?, 0),
        RegistryCommand::Suspend(suspend) => (change::suspend(suspend)?, 0),
        RegistryCommand::Activate(activate) => (change::activate(activate)?, 0),
        RegistryCommand::Rotate(rotate) => (change::rotate(rotate)?, 0),
        RegistryCommand::Renew(renew) => (change::renew(renew)?, 0),
        RegistryCommand::NewKey(new) => (key::new_key(new)?, 0),
        RegistryCommand::Sign(sign) => (key::sign(sign)?, 0),
        RegistryCommand::Check(check) => (view::check(check)?, 0),
        RegistryCommand::List(list) => {
            view::list(list)?;
            (String::new(), 0)
        }
        RegistryCommand::Show(show) => (view::show(show)?, 0),
        RegistryCommand::Diff(diff) => view::diff(diff)?,
        RegistryCommand::Import(import) => (exchange::import(import)?, 0),
        RegistryCommand::Export(export) => {
            exchange::written_out(export)?;
            (String::new(), 0)
        }
        RegistryCommand::Convert(convert) => (exchange::convert(convert)?, 0),
        RegistryCommand::Learn(learn) => learn::learn(learn)?,
    };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(unwritten)?;
    Ok(code)
}

/// So long before its end a registry is told to be renewed.
const SOON: jiff::SignedDuration = jiff::SignedDuration::from_hours(30 * 24);

/// Says on standard error that a registry ends soon.
fn warn_of_expiry(path: &Path, header: &Header, now: jiff::Timestamp) {
    let soon = now.checked_add(SOON).unwrap_or(jiff::Timestamp::MAX);
    if let Some(end) = header.expires_at.filter(|end| end.is_over(soon) && !end.is_over(now)) {
        let named = escape::in_shell(path);
        say(&format!(
            "{}: nothing is judged by it any more after {end}; `apkvouch registry renew {named}` makes an edition that \
             lasts longer, to be signed anew",
            path.display()
        ));
    }
}

/// The same error with the name of the registry, when it speaks of what that says.
fn of_registry(path: &Path, error: Error) -> Error {
    match error {
        Error::Usage(message) => Error::Usage(format!("{}: {message}", path.display())),
        Error::Several { faults, more } => {
            let faults = faults.into_iter().map(|fault| of_registry(path, fault)).collect();
            Error::Several { faults, more }
        }
        other => other,
    }
}

/// The same changes of a registry that is at hand: a signal ends them before anything is written, or once all of it is.
fn uninterrupted<'a>(
    signals: &'a OnceCell<Signals>,
    changes: impl FnOnce(&Registry) -> Result<Vec<Change>, Error> + 'a,
) -> impl FnOnce(&Registry) -> Result<Vec<Change>, Error> + 'a {
    move |registry| {
        // While it waited for another process there was nothing to keep whole.
        let caught = Signals::caught()?;
        let signals = signals.get_or_init(|| caught);
        let changes = changes(registry)?;
        signals.go_on()?;
        Ok(changes)
    }
}

/// Why the registry at `path` was not changed.
fn unchanged(path: &Path, signals: &OnceCell<Signals>, error: Error) -> anyhow::Error {
    let error = of_registry(path, error);
    match signals.get() {
        Some(signals) => signals.or_ended(error, path),
        None => error.into(),
    }
}

/// A line for each difference, and one for each field of what has changed.
fn told(differences: &[Difference]) -> anyhow::Result<String> {
    let mut text = String::new();
    for difference in differences {
        let sign = match difference.kind {
            DifferenceKind::Added => "+",
            DifferenceKind::Removed => "-",
            _ => "~",
        };
        let name = if difference.name.is_empty() { String::new() } else { format!(" {}", difference.name) };
        writeln!(text, "{sign} {}{}", difference.what, escape::visible(&name))?;
        for field in &difference.fields {
            let values = match (&field.from, &field.to) {
                (Some(from), Some(to)) => {
                    format!("{} -> {}", FieldDifference::line(from), FieldDifference::line(to))
                }
                (None, Some(to)) if difference.kind == DifferenceKind::Changed => {
                    format!("none -> {}", FieldDifference::line(to))
                }
                (Some(from), None) if difference.kind == DifferenceKind::Changed => {
                    format!("{} -> none", FieldDifference::line(from))
                }
                (Some(value), None) | (None, Some(value)) => FieldDifference::line(value),
                (None, None) => continue,
            };
            writeln!(text, "    {:<20} {}", field.field, escape::visible(&values))?;
        }
    }
    Ok(text)
}
