//! What we say: one result in many forms.
//!
//! [`model`] holds the result in its published form; a [`ReportWriter`] puts results out one at a time, as they come,
//! so that memory does not grow with their number. [`FORMATS`] is the table of forms: one row a form.

pub mod apksigner;
pub mod container;
mod csv;
pub mod escape;
mod github;
mod glance;
mod html;
mod identity;
pub mod inspection;
mod json;
mod jsonl;
mod junit;
mod language;
pub mod marks;
pub mod model;
mod pem;
mod sarif;
mod text;

use std::io;
use std::io::Write;

use serde::Serialize;

use crate::policy::PolicyFile;
use crate::policy::file::Level;
use crate::registry::Header;

pub use container::ContainerFacts;
pub use glance::Glance;
pub use identity::IdentityRow;
pub use language::Language;
pub use model::FileResult;
pub use model::Summary;

/// Puts out the results of one run, in the order in which they come.
pub trait ReportWriter {
    /// Puts out one result.
    ///
    /// # Errors
    /// When the output cannot be written; nothing more may be written then.
    fn file(&mut self, result: &FileResult) -> io::Result<()>;

    /// Puts out one result of which no more is known than a glance: of forms whose [`Format::glances`] says so.
    ///
    /// # Errors
    /// As [`ReportWriter::file`], and of every other form.
    fn glance(&mut self, _glance: &Glance) -> io::Result<()> {
        Err(io::Error::other("this form of report says more of a file than a glance has"))
    }

    /// Puts out what follows the last result, and flushes.
    ///
    /// # Errors
    /// As [`ReportWriter::file`].
    fn finish(&mut self, summary: &Summary) -> io::Result<()>;
}

/// How a report looks.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ReportOptions {
    /// Name of the command: `verify`, `scan`.
    pub command: &'static str,
    /// The registry, when results were held against one.
    pub registry: Option<RegistryFacts>,
    /// The policy, when results were held against one.
    pub policy: Option<PolicyFacts>,
    /// The time that decisions are for, in the form of RFC 3339, when there is a registry.
    pub decided_at: Option<String>,
    /// Text: a line for each file instead of a paragraph.
    pub table: bool,
    /// Text: how many columns the terminal has, to which a table is fitted; none for what is no terminal, where nothing is
    /// cut.
    pub width: Option<usize>,
    /// Text: in which language.
    pub language: Language,
    /// Text: with colours.
    pub colour: bool,
    /// Text on a terminal: commands that people may want next, each with what it is for behind a `#`.
    pub next: Vec<String>,
    /// Text: notes, reasons, lineages, and every finding however often its code occurs.
    pub verbose: bool,
    /// Text: the certificates in full.
    pub certificates: bool,
}

/// Which registry results were held against.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct RegistryFacts {
    /// Its file as the caller named it.
    pub path: String,
    /// The name it gives itself.
    pub id: String,
    /// Its edition.
    pub serial: Option<u64>,
}

/// Which policy results were held against.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct PolicyFacts {
    /// Its file as the caller named it; none for the one that holds without a file.
    pub path: Option<String>,
    /// The name it gives itself.
    pub name: Option<String>,
    /// Whether it is enforced.
    pub level: Level,
}

impl PolicyFacts {
    /// The facts of `policy`, read from `path`, if it was.
    pub fn new(path: Option<&std::path::Path>, policy: &PolicyFile) -> Self {
        let path = path.map(|path| path.to_string_lossy().into_owned());
        Self { path, name: policy.name.clone(), level: policy.level }
    }
}

impl RegistryFacts {
    /// The facts of the registry of that `header`, read from `path`.
    pub fn new(path: &std::path::Path, header: &Header) -> Self {
        Self { path: path.to_string_lossy().into_owned(), id: header.id.clone(), serial: header.serial }
    }
}

impl ReportOptions {
    /// Options for the results of `command`.
    pub fn new(command: &'static str) -> Self {
        Self { command, ..Self::default() }
    }
}

/// A form of report.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// One line of help.
    pub help: &'static str,
    /// Whether it shows what people see of an app: its names, and which icon it has.
    pub shows_appearance: bool,
    /// Whether it shows the icon itself.
    pub shows_pictures: bool,
    /// Makes a writer of it.
    pub open: for<'a> fn(Box<dyn Write + 'a>, &ReportOptions) -> Box<dyn ReportWriter + 'a>,
    /// Whether a glance is all that it needs of a file, as a table.
    pub glances: bool,
}

/// Every form of report.
pub const FORMATS: &[Format] = &[
    Format {
        name: "text",
        help: "for people; may change between releases",
        shows_appearance: false,
        shows_pictures: false,
        open: |out, options| Box::new(EachMember(text::open(out, options))),
        glances: true,
    },
    Format {
        name: "json",
        help: "one JSON document, \"schema\": 1, with a summary at its end",
        shows_appearance: true,
        shows_pictures: false,
        open: json::open,
        glances: false,
    },
    Format {
        name: "jsonl",
        help: "one JSON object a line and file, \"schema\": 1",
        shows_appearance: true,
        shows_pictures: false,
        open: jsonl::open,
        glances: false,
    },
    Format {
        name: "csv",
        help: "for spreadsheets: a line a file, what decides it and no more",
        shows_appearance: true,
        shows_pictures: false,
        open: |out, options| Box::new(EachMember(csv::open(out, options))),
        glances: false,
    },
    Format {
        name: "sarif",
        help: "SARIF 2.1.0, for code scanning",
        shows_appearance: true,
        shows_pictures: false,
        open: |out, options| Box::new(EachMember(sarif::open(out, options))),
        glances: false,
    },
    Format {
        name: "junit",
        help: "JUnit XML, a test case a file",
        shows_appearance: true,
        shows_pictures: false,
        open: |out, options| Box::new(EachMember(junit::open(out, options))),
        glances: false,
    },
    Format {
        name: "html",
        help: "one page for a browser, for people who decide; needs nothing from elsewhere",
        shows_appearance: true,
        shows_pictures: true,
        open: |out, options| Box::new(EachMember(html::open(out, options))),
        glances: false,
    },
    Format {
        name: "github",
        help: "annotations of GitHub Actions",
        shows_appearance: false,
        shows_pictures: false,
        open: |out, options| Box::new(EachMember(github::open(out, options))),
        glances: false,
    },
];

/// Puts out a container as a row, and each of its members as one behind it: for forms that have no rows in rows.
struct EachMember<'a>(Box<dyn ReportWriter + 'a>);

impl ReportWriter for EachMember<'_> {
    fn file(&mut self, result: &FileResult) -> io::Result<()> {
        result.with_members().into_iter().try_for_each(|result| self.0.file(result))
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        self.0.finish(summary)
    }

    fn glance(&mut self, glance: &Glance) -> io::Result<()> {
        self.0.glance(glance)
    }
}

/// The form of that name, if there is one.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

#[cfg(test)]
mod tests;
