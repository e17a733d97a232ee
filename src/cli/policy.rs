//! `apkvouch policy`.

use std::io;
use std::io::Write as _;
use std::path::Path;

use apkvouch::Error;
use apkvouch::atomic_file::AtomicFile;
use apkvouch::policy::PolicyFile;
use apkvouch::policy::file::TEMPLATE;
use apkvouch::report::escape;

use super::args::Policy;
use super::args::PolicyCommand;
use super::output::unwritten;
use super::scan::this_second;

pub(super) fn run(arguments: &Policy) -> anyhow::Result<u8> {
    match &arguments.command {
        PolicyCommand::Init { file } => init(file),
        PolicyCommand::Check { file, at } => check(file, at.unwrap_or_else(this_second)),
    }
}

/// Writes a commented policy that says what holds without one.
fn init(file: &Path) -> anyhow::Result<u8> {
    if file == Path::new("-") {
        let mut out = io::stdout().lock();
        out.write_all(TEMPLATE.as_bytes()).and_then(|()| out.flush()).map_err(unwritten)?;
        return Ok(0);
    }
    if file.symlink_metadata().is_ok() {
        let message = format!("{}: is there already: name another file, or remove it", file.display());
        return Err(Error::Usage(message).into());
    }
    let mut new = AtomicFile::begin(file)?;
    new.write_all(TEMPLATE.as_bytes()).map_err(|error| Error::file(file, "write", error))?;
    new.commit_new()?;
    let named = escape::in_shell(file);
    let text = format!(
        "{}: a policy with every key, its default and a comment; what holds without a policy is the same\n\
         Change it, see with `apkvouch policy check {named}` what it comes to, and apply it with `apkvouch gate --policy {named} …`\n",
        escape::path(file)
    );
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(unwritten)?;
    Ok(0)
}

/// Says what a policy comes to.
fn check(file: &Path, now: jiff::Timestamp) -> anyhow::Result<u8> {
    let policy = PolicyFile::load(file)?;
    told(file, &policy, now).map_err(unwritten)?;
    Ok(0)
}

fn told(file: &Path, policy: &PolicyFile, now: jiff::Timestamp) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let name = policy.name.as_ref().map(|name| format!("policy {}", escape::visible(name)));
    let name = name.unwrap_or_else(|| "a policy without a name".to_owned());
    writeln!(out, "{}: {name}", escape::path(file))?;
    let lines = policy.explained(now);
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, words) in lines {
        writeln!(out, "  {name:<width$}  {}", escape::visible(&words))?;
    }
    out.flush()
}
