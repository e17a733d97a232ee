//! What keeps the tool from looking: I/O, options and configuration. Never what an APK says of itself.
//!
//! An unsigned, forged or truncated APK is a result with findings; see [`crate::finding`].

use std::io;
use std::path::Path;
use std::path::PathBuf;

/// What kept us from looking at a file, or from starting at all.
///
/// [`Error::exit_code`] tells the exit status of the program: 2 for what the caller got wrong, 3 for what the
/// machine could not do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened or read, or an output could not be written.
    #[error("{}: {message}", path.display())]
    File {
        /// The file as the caller named it.
        path: PathBuf,
        /// What was tried and what went wrong, in words for a person.
        message: String,
        /// The error of the operating system, when one stands behind it.
        #[source]
        source: Option<io::Error>,
    },
    /// A source of bytes failed in the middle of the work.
    #[error("cannot read: {0}")]
    Read(#[from] io::Error),
    /// The file changed while it was being read, so no statement about it would be true of any one content.
    #[error("the file changed while it was read: {0}")]
    Changed(String),
    /// Whoever asked for a scan has halted it before everything was looked at.
    #[error("the scan was halted before everything was looked at")]
    Halted,
    /// An option or argument that cannot be followed.
    #[error("{0}")]
    Usage(String),
    /// A registry or policy file that cannot be believed: unreadable, malformed, or contradicting itself.
    #[error("{}{}: {message}", path.display(), position.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default())]
    Configuration {
        /// The file as the caller named it.
        path: PathBuf,
        /// Line and column, both from 1, where the fault stands, when known.
        position: Option<(usize, usize)>,
        /// What was expected, what was found and what to write instead.
        message: String,
    },
    /// A registry or policy file with several faults, or an import with several contradictions.
    #[error("{}", lines(faults, *more))]
    Several {
        /// The faults, each an [`Error::Configuration`] or [`Error::Usage`], in the order of the file; at least two.
        faults: Vec<Self>,
        /// How many more there are.
        more: usize,
    },
}

/// A line for each fault.
fn lines(faults: &[Error], more: usize) -> String {
    let mut lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines.join("\n")
}

impl Error {
    /// Names the file behind an error of the operating system: `action` is a verb, as in "cannot `open`".
    pub fn file(path: impl Into<PathBuf>, action: &str, source: io::Error) -> Self {
        let message = format!("cannot {action}: {}", describe_io(&source));
        Self::File { path: path.into(), message, source: Some(source) }
    }

    /// The same error with the name of the file in it, when it speaks of a source of bytes.
    #[must_use]
    pub fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Read(error) => Self::file(path, "read", error),
            changed @ Self::Changed(_) => {
                Self::File { path: path.to_owned(), message: changed.to_string(), source: None }
            }
            other => other,
        }
    }

    /// What is wrong, without the name of the file, where the reader has been told it.
    pub fn without_path(&self) -> String {
        match self {
            Self::File { message, .. } => message.clone(),
            other => other.to_string(),
        }
    }

    /// The exit status that this error stands for: 2 for usage and configuration, 3 for operation.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Configuration { .. } | Self::Several { .. } => 2,
            Self::File { .. } | Self::Read(_) | Self::Changed(_) | Self::Halted => 3,
        }
    }
}

/// The operating system's words without the error number that Rust appends.
pub fn describe_io(error: &io::Error) -> String {
    let text = error.to_string();
    let plain = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = plain.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_file_and_the_fault() {
        let error = Error::file("a.apk", "open", io::Error::from_raw_os_error(2));
        assert_eq!(error.to_string(), "a.apk: cannot open: no such file or directory");
        assert_eq!(error.exit_code(), 3);
    }

    #[test]
    fn names_line_and_column_of_a_configuration_file() {
        let error =
            Error::Configuration { path: "r.toml".into(), position: Some((3, 7)), message: "bad".into() };
        assert_eq!(error.to_string(), "r.toml:3:7: bad");
        assert_eq!(error.exit_code(), 2);
    }
}
