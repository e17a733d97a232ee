//! Where reports go: standard output and files; colours, and faults while writing.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;
use std::io::BufWriter;
use std::io::IsTerminal as _;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::rc::Rc;

use apkvouch::Error;
use apkvouch::atomic_file::AtomicFile;
use apkvouch::report::FileResult;
use apkvouch::report::Glance;
use apkvouch::report::ReportOptions;
use apkvouch::report::ReportWriter;
use apkvouch::report::Summary;
use apkvouch::report::escape;
use apkvouch::scan::Outcome;
use apkvouch::scan::Row;

use super::args::Color;
use super::args::Form;
use super::counted;
use super::is_gone;
use super::progress::Progress;
use super::say;
use super::signals::Interrupted;
use super::signals::Signals;

/// Whether standard output gets colours.
pub(super) fn coloured(color: Color) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
    }
}

/// How many columns standard output has, when it is a terminal.
pub(super) fn terminal_width() -> Option<usize> {
    let out = io::stdout();
    if !out.is_terminal() {
        return None;
    }
    terminal_size::terminal_size_of(&out).map(|(width, _)| usize::from(width.0)).filter(|width| *width > 0)
}

/// The reports of one run, with what it comes to: one on standard output, others in files.
///
/// One that cannot be written keeps no other from being written. A file stands under its name once its report is whole, or
/// not at all.
pub(super) struct Report {
    outputs: Vec<Output>,
    /// The files in whose places reports go, where there are any.
    replaced: BTreeSet<Same>,
    /// The first fault while writing.
    fault: Option<anyhow::Error>,
    signals: Signals,
    /// Whether what passed, or was left out on purpose, is counted and not told.
    pub(super) only_bad: bool,
    pub(super) summary: Summary,
}

/// One report.
struct Output {
    writer: Box<dyn ReportWriter>,
    /// None for standard output.
    file: Option<ReportFile>,
}

/// A file that a report is written to, shared with the writer.
#[derive(Clone)]
struct ReportFile {
    path: PathBuf,
    file: Rc<RefCell<BufWriter<AtomicFile>>>,
}

impl Report {
    /// Begins the reports that `form` asks for. None goes to a file of `inputs`, nor, later, to one that is judged.
    pub(super) fn new(
        form: &Form,
        options: &ReportOptions,
        inputs: impl IntoIterator<Item = PathBuf>,
        signals: &Signals,
    ) -> anyhow::Result<Self> {
        Self::with(form, options, inputs, signals, false)
    }

    /// The same; when it is to be `quiet`, with no report on standard output.
    pub(super) fn with(
        form: &Form,
        options: &ReportOptions,
        inputs: impl IntoIterator<Item = PathBuf>,
        signals: &Signals,
        quiet: bool,
    ) -> anyhow::Result<Self> {
        let mut places = BTreeSet::new();
        for (_, path) in &form.outputs {
            if !places.insert(place(path)) {
                let message = format!("{}: two outputs go to this file; name another one", path.display());
                return Err(Error::Usage(message).into());
            }
        }
        let replaced: BTreeSet<Same> = form.outputs.iter().filter_map(|(_, path)| same(path)).collect();
        let is_replaced = |input: &PathBuf| same(input).is_some_and(|input| replaced.contains(&input));
        if !replaced.is_empty()
            && let Some(input) = inputs.into_iter().find(is_replaced)
        {
            return Err(overwritten(&input).into());
        }
        let mut outputs = Vec::new();
        if !quiet {
            let out: Box<dyn Write> = Box::new(BufWriter::with_capacity(1 << 16, io::stdout()));
            outputs.push(Output { writer: (form.format.open)(out, options), file: None });
        }
        // A file has no colours and no width.
        let mut of_files = options.clone();
        of_files.colour = false;
        of_files.width = None;
        for (format, path) in &form.outputs {
            let file = Rc::new(RefCell::new(BufWriter::with_capacity(1 << 16, AtomicFile::begin(path)?)));
            let file = ReportFile { path: path.clone(), file };
            outputs
                .push(Output { writer: (format.open)(Box::new(file.clone()), &of_files), file: Some(file) });
        }
        let (signals, summary) = (signals.clone(), Summary::default());
        Ok(Self { outputs, replaced, fault: None, signals, only_bad: false, summary })
    }

    /// Takes the result of the file at `path`.
    pub(super) fn add(&mut self, path: &Path, result: &FileResult) -> anyhow::Result<()> {
        if !self.replaced.is_empty() {
            let mut idsig = path.as_os_str().to_owned();
            idsig.push(".idsig");
            let read = [path, Path::new(&idsig)];
            let is_replaced = |file: &&Path| same(file).is_some_and(|file| self.replaced.contains(&file));
            if let Some(file) = read.into_iter().find(is_replaced) {
                return Err(overwritten(file).into());
            }
        }
        self.summary.add(result);
        let mut pruned = None;
        if self.only_bad {
            if !result.is_bad() {
                return Ok(());
            }
            pruned = Some(bad_alone(result));
        }
        let result = pruned.as_ref().unwrap_or(result);
        self.put(|writer| writer.file(result))
    }

    /// Whether a glance at a file is enough for all reports of `form`.
    pub(super) fn glances(form: &Form) -> bool {
        form.format.glances && form.outputs.is_empty()
    }

    /// Takes a result at a glance.
    pub(super) fn add_glance(&mut self, glance: &Glance) -> anyhow::Result<()> {
        self.summary.add_glance(glance);
        if self.only_bad && !glance.is_bad() {
            return Ok(());
        }
        self.put(|writer| writer.glance(glance))
    }

    fn put(&mut self, write: impl Fn(&mut dyn ReportWriter) -> io::Result<()>) -> anyhow::Result<()> {
        let fault = &mut self.fault;
        self.outputs.retain_mut(|output| match write(&mut *output.writer) {
            Ok(()) => true,
            Err(error) => {
                fault.get_or_insert(output.unwritten(error));
                false
            }
        });
        match self.fault.take() {
            // Nobody is left to read on.
            Some(fault) if self.outputs.is_empty() => Err(fault),
            fault => {
                self.fault = fault;
                Ok(())
            }
        }
    }

    /// Whether people read the summary on standard output.
    pub(super) fn is_text(form: &Form, quiet: bool) -> bool {
        form.format.name == "text" && !quiet
    }

    /// Ends the reports and gives the exit status; once a signal has come, no report is whole any more.
    pub(super) fn finish(mut self) -> anyhow::Result<u8> {
        for output in std::mem::take(&mut self.outputs) {
            if let Err(interrupted) = self.signals.check() {
                self.outputs.push(output);
                return self.break_off(interrupted.into(), None);
            }
            if let Err(error) = output.finish(&self.summary) {
                self.fault.get_or_insert(error);
            }
        }
        let code = self.summary.exit_code();
        self.fault.map_or(Ok(code), Err)
    }

    /// Tells how far things are, and what has become of the reports, where a signal has ended what is told; gives `error` back,
    /// which ended it. `kept` is the database that goes on from there.
    ///
    /// A report that could not be written before is told too.
    pub(super) fn break_off(self, error: anyhow::Error, kept: Option<&Path>) -> anyhow::Result<u8> {
        let fault = self.fault.filter(|fault| !is_gone(fault));
        let halted = matches!(error.downcast_ref::<Error>(), Some(Error::Halted));
        let interrupted = match self.signals.check() {
            Err(interrupted) if halted || error.is::<Interrupted>() => interrupted,
            _ => {
                if let Some(fault) = fault {
                    say(&fault.to_string());
                }
                return Err(error);
            }
        };
        let Summary { judged, passed, failed, unjudged, .. } = self.summary;
        let mut line = format!("{interrupted}: {} judged", counted(judged, "file"));
        let others = [(passed, "passed"), (failed, "failed"), (unjudged, "not to be read")];
        for (count, what) in others.into_iter().filter(|(count, _)| *count > 0) {
            let _ = write!(line, ", {count} {what}");
        }
        if halted {
            line += "; what else there is was not looked at";
        }
        for ReportFile { path, .. } in self.outputs.iter().filter_map(|output| output.file.as_ref()) {
            let _ = write!(line, "; {} was not written", path.display());
        }
        if let Some(fault) = fault {
            let _ = write!(line, "; {fault}");
        }
        if let Some(db) = kept {
            let _ =
                write!(line, "; {} keeps what was seen: the same command goes on from there", db.display());
        }
        // Rows that were told stand before it, where both go to one terminal.
        drop(self.outputs);
        say(&line);
        Ok(interrupted.exit_code())
    }
}

/// The result without those members of a container that passed.
fn bad_alone(result: &FileResult) -> FileResult {
    let mut result = result.clone();
    result.members = result.members.iter().filter(|member| member.is_bad()).map(bad_alone).collect();
    result
}

impl Output {
    fn finish(mut self, summary: &Summary) -> anyhow::Result<()> {
        self.writer.finish(summary).map_err(|error| self.unwritten(error))?;
        let Self { writer, file } = self;
        drop(writer);
        let Some(ReportFile { path, file }) = file else { return Ok(()) };
        let unwritable = |error| Error::file(path.clone(), "write", error);
        // The writer has given its share back.
        let file = Rc::try_unwrap(file).map_err(|_| unwritable(io::ErrorKind::ResourceBusy.into()))?;
        let file = file.into_inner().into_inner().map_err(|error| unwritable(error.into_error()))?;
        Ok(file.commit()?)
    }

    fn unwritten(&self, error: io::Error) -> anyhow::Error {
        match &self.file {
            Some(file) => Error::file(file.path.clone(), "write", error).into(),
            None => unwritten(error),
        }
    }
}

impl Write for ReportFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.borrow_mut().flush()
    }
}

fn overwritten(input: &Path) -> Error {
    let message =
        format!("{}: an output would overwrite this file, which is read; name another one", input.display());
    Error::Usage(message)
}

/// The same for every name of one file: device and inode.
#[cfg(unix)]
type Same = (u64, u64);
/// The same for every name of one file: its path without links.
#[cfg(not(unix))]
type Same = PathBuf;

/// Which file is at `path`; none where none is.
#[cfg(unix)]
fn same(path: &Path) -> Option<Same> {
    use std::os::unix::fs::MetadataExt as _;

    std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Which file is at `path`; none where none is.
#[cfg(not(unix))]
fn same(path: &Path) -> Option<Same> {
    path.canonicalize().ok()
}

/// The same for every spelling of the name of one file, whether or not it is there.
fn place(path: &Path) -> PathBuf {
    if let Ok(there) = path.canonicalize() {
        return there;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (folder.canonicalize(), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

pub(super) fn unwritten(error: io::Error) -> anyhow::Error {
    Error::file("standard output", "write", error).into()
}

/// The result of a row that was not judged, said on standard error too when it failed.
pub(super) fn not_judged(row: &Row, progress: &Progress) -> Option<FileResult> {
    match &row.outcome {
        Outcome::Unjudged(error) => {
            let why = error.without_path();
            progress.say(&format!("apkvouch: {}: {}", escape::path(&row.path), escape::visible(&why)));
            Some(FileResult::unjudged(&row.path, why))
        }
        Outcome::Skipped(why) => Some(FileResult::skipped(&row.path, why.clone())),
        _ => None,
    }
}
