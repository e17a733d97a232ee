//! The command line: reads arguments, calls the library, writes reports, gives the exit status.

mod advice;
mod args;
mod compat;
mod diff;
mod explain;
mod gate;
mod inspect;
mod judging;
mod later;
mod lineage;
mod output;
mod policy;
mod progress;
mod registry;
mod report;
mod scan;
mod signals;
mod verify;
mod whole;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use apkvouch::Error;
use apkvouch::report::escape;
use clap::CommandFactory as _;
use clap::FromArgMatches as _;

use later::Later;
use signals::Interrupted;

/// A file or an output could not be read or written.
const OPERATIONAL: u8 = 3;

pub(crate) fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(invocation) = compat::invocation(&arguments) {
        return ExitCode::from(compat::run(invocation));
    }
    let arguments = args::spelled_out(arguments);
    let arguments = match parsed(&arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            if let Some(line) = advice::instead_of(&error, &arguments) {
                say(&line);
                return ExitCode::from(2);
            }
            // Help and version are errors to clap too; they go to standard output, and that can fail.
            let printed = error.print().and_then(|()| std::io::stdout().flush());
            let code = if error.use_stderr() { 2 } else { 0 };
            return ExitCode::from(if printed.is_ok() || code != 0 { code } else { OPERATIONAL });
        }
    };
    let done = match &arguments.command {
        args::Command::Verify(Later(verify)) => verify::run(verify, arguments.color),
        args::Command::Inspect(Later(inspect)) => inspect::run(inspect, arguments.color),
        args::Command::Scan(Later(scan)) => scan::run(scan, arguments.color),
        args::Command::Report(Later(report)) => report::run(report, arguments.color),
        args::Command::Diff(Later(diff)) => diff::run(diff),
        args::Command::Gate(Later(gate)) => gate::run(gate, arguments.color),
        args::Command::Policy(Later(policy)) => policy::run(policy),
        args::Command::Explain(Later(explain)) => explain::run(explain, arguments.color),
        args::Command::Registry(Later(registry)) => registry::run(&registry.command),
    };
    ExitCode::from(done.unwrap_or_else(|error| {
        complain(&error);
        exit_code(&error)
    }))
}

fn parsed(arguments: &[OsString]) -> Result<args::Arguments, clap::Error> {
    let mut command = args::Arguments::command();
    let parsed = command.try_get_matches_from_mut(arguments).and_then(|matches| {
        args::Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    });
    // It is large, and the program ends soon.
    std::mem::forget(command);
    parsed
}

/// One line a fault on standard error, unless the reader of our output has simply gone.
fn complain(error: &anyhow::Error) {
    if is_gone(error) {
        return;
    }
    match error.downcast_ref::<Error>() {
        Some(Error::Several { faults, more }) => {
            for fault in faults {
                say(&fault.to_string());
            }
            if *more > 0 {
                say(&format!("and {more} more faults"));
            }
        }
        _ => say(&error.to_string()),
    }
}

/// Whether the reader of our output has gone: nobody is to be told of that.
fn is_gone(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// `1 file`, `2 files`: so many of what `one` names.
fn counted(count: u64, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// `apkvouch: …` on standard error, escaped. When that fails, there is nobody left to tell.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "apkvouch: {}", escape::visible(line));
}

fn exit_code(error: &anyhow::Error) -> u8 {
    if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
        return interrupted.exit_code();
    }
    error.chain().find_map(|cause| cause.downcast_ref::<Error>()).map_or(OPERATIONAL, Error::exit_code)
}
