//! What to do instead, for mistakes of the command line that are easily made.

use std::ffi::OsString;
use std::path::Path;
use std::path::PathBuf;

use apkvouch::Error;
use clap::error::ContextKind;
use clap::error::ContextValue;
use clap::error::ErrorKind;

/// One line that says more than clap's own about an unknown option; `arguments` are those of the program.
pub(super) fn instead_of(error: &clap::Error, arguments: &[OsString]) -> Option<String> {
    let (ErrorKind::UnknownArgument, Some(ContextValue::String(unknown))) =
        (error.kind(), error.get(ContextKind::InvalidArg))
    else {
        return None;
    };
    if ["--registry", "--at"].contains(&unknown.as_str()) {
        return Some(format!(
            "{unknown} goes with scan: `apkvouch scan --registry FILE APK` judges APKs against a registry"
        ));
    }
    let inspects = arguments.iter().skip(1).find(|argument| !argument.to_string_lossy().starts_with('-'));
    if !unknown.starts_with('-') && inspects.is_some_and(|command| command == "inspect") {
        return Some("inspect takes one file; run it once for each".to_owned());
    }
    let is_file = |argument: &&str| {
        let name = Path::new(argument);
        let apk = name.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("apk"));
        argument.starts_with(unknown.as_str()) && (apk || name.exists())
    };
    let file = arguments.iter().filter_map(|argument| argument.to_str()).find(is_file)?;
    Some(format!("{file} reads as an option: for the file of that name write ./{file}"))
}

/// Refuses `-`, which stands for standard input elsewhere.
///
/// # Errors
/// [`Error::Usage`] when it is among `paths`.
pub(super) fn no_standard_input(paths: &[PathBuf]) -> Result<(), Error> {
    if !paths.iter().any(|path| path == Path::new("-")) {
        return Ok(());
    }
    let message = "-: standard input is not supported, since an APK is read from its end: save it to a file and \
                   name that (a file called - is ./-); `apkvouch scan --files-from -` reads a list of files";
    Err(Error::Usage(message.to_owned()))
}
