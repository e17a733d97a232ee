//! A TOML or JSON text as tables of fields, where every value knows its place, so that a fault is named with line and column.
//!
//! Messages say what was expected, what was found and what to write instead, in one line. All faults of a text are noted,
//! and told together: whoever reads on past one must not make another of it.

mod json;

use std::cell::RefCell;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::io::Read as _;
use std::path::Path;

use toml::de::DeTable;
use toml::de::DeValue;

use crate::error::Error;
use crate::error::describe_io;
use crate::identity::CertificateDigest;

/// So many faults of a text are told; the others are counted.
const FAULTS_TOLD: usize = 100;
/// So many are kept to find the first of the text among them.
const FAULTS_KEPT: usize = 10_000;

/// The text, and what was found wrong with it.
#[derive(Clone, Copy)]
pub(crate) struct Document<'a> {
    text: &'a str,
    faults: &'a RefCell<Faults>,
}

/// So many names are all listed where one of them was expected.
const NAMES_LISTED: usize = 24;

/// What is wrong with a text.
#[derive(Default)]
struct Faults {
    /// Each with the byte where it stands.
    kept: Vec<(usize, String)>,
    /// How many more there are.
    more: usize,
}

/// There is no value, because of a fault that is noted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faulty(());

/// What `read` makes of `text`; `path` is for messages.
///
/// # Errors
/// [`Error::Configuration`] or [`Error::Several`] with all that it noted, in the order of the text.
pub(crate) fn read_all<T>(
    text: &str,
    path: &Path,
    read: impl FnOnce(Document<'_>) -> Result<T, Faulty>,
) -> Result<T, Error> {
    let faults = RefCell::new(Faults::default());
    let value = read(Document { text, faults: &faults });
    let faults = faults.into_inner();
    match value {
        Ok(value) if faults.kept.is_empty() => Ok(value),
        _ => Err(told(text, path, faults)),
    }
}

/// The faults with line and column.
fn told(text: &str, path: &Path, faults: Faults) -> Error {
    let Faults { kept: mut faults, more } = faults;
    faults.sort_by_key(|(at, _)| *at);
    let more = more.saturating_add(faults.len().saturating_sub(FAULTS_TOLD));
    faults.truncate(FAULTS_TOLD);
    let (mut seen, mut line) = (0, 1_usize);
    let told = faults.into_iter().map(|(at, message)| {
        let before = text.get(..at).unwrap_or(text);
        line = line.saturating_add(before.get(seen..).unwrap_or_default().matches('\n').count());
        seen = before.len();
        let column = before.chars().rev().take_while(|c| *c != '\n').count().saturating_add(1);
        Error::Configuration { path: path.to_owned(), position: Some((line, column)), message }
    });
    let mut told: Vec<Error> = told.collect();
    match told.pop() {
        Some(only) if told.is_empty() => only,
        last => {
            told.extend(last);
            Error::Several { faults: told, more }
        }
    }
}

/// All values, or none when one is faulty; every one of them is looked at.
pub(crate) fn all<T, C: FromIterator<T>>(
    values: impl Iterator<Item = Result<T, Faulty>>,
) -> Result<C, Faulty> {
    let values: Vec<Result<T, Faulty>> = values.collect();
    values.into_iter().collect()
}

/// A value and the byte where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At<T> {
    pub(crate) at: usize,
    pub(crate) value: T,
}

/// The fields of one table, taken out one by one.
pub(crate) struct Fields<'a> {
    document: Document<'a>,
    /// How messages call the table: `[[key]]`.
    what: &'static str,
    at: usize,
    entries: Vec<Entry<'a>>,
    /// Fields that seem to stand there under another name: that they are missing is told already.
    misspelt: Vec<&'static str>,
}

struct Entry<'a> {
    name: String,
    at: usize,
    value: DeValue<'a>,
}

/// Reads the text of the file at `path`; `the` and `a` are what messages call it, `max` is its largest size in bytes.
///
/// # Errors
/// [`Error::Configuration`] when it cannot be read, is no regular file, too large, or not UTF-8.
pub(crate) fn read_text(path: &Path, the: &str, a: &str, max: u64) -> Result<String, Error> {
    as_text(read_bytes(path, the, a, max)?, path, a)
}

/// Makes sure that a file that is no configuration can be opened, if it is a regular one.
///
/// # Errors
/// [`Error::File`] when it cannot.
pub(crate) fn ensure_readable(path: &Path, the: &str) -> Result<(), Error> {
    let cannot_read = |error| Error::file(path, &format!("read {the}"), error);
    // Asked before it is opened: opening a FIFO would wait for a writer.
    if fs::metadata(path).map_err(cannot_read)?.is_file() {
        fs::File::open(path).map_err(cannot_read)?;
    }
    Ok(())
}

/// The text of a file's `bytes`; `a` is what messages call the file.
///
/// # Errors
/// [`Error::Configuration`] when it is not UTF-8.
pub(crate) fn as_text(bytes: Vec<u8>, path: &Path, a: &str) -> Result<String, Error> {
    let message = format!("expected {a} in UTF-8 text, found other bytes; save it as UTF-8");
    String::from_utf8(bytes).map_err(|_| Error::Configuration {
        path: path.to_owned(),
        position: None,
        message,
    })
}

/// As [`read_text`], of a file that may hold anything.
pub(crate) fn read_bytes(path: &Path, the: &str, a: &str, max: u64) -> Result<Vec<u8>, Error> {
    let fault = |message: String| Error::Configuration { path: path.to_owned(), position: None, message };
    let cannot_read = |error: io::Error| fault(format!("cannot read {the}: {}", describe_io(&error)));
    // Asked before it is opened: opening a FIFO would wait for a writer.
    let metadata = fs::metadata(path).map_err(cannot_read)?;
    if !metadata.is_file() {
        return Err(fault(format!("cannot read {the}: it is not a regular file")));
    }
    if metadata.len() > max {
        return Err(fault(format!("expected {a} of at most {max} bytes, found {}", metadata.len())));
    }
    fs::read(path).map_err(cannot_read)
}

/// The first `N` bytes of the file at `path`; none when it has fewer.
///
/// # Errors
/// As [`read_text`].
pub(crate) fn first_bytes<const N: usize>(path: &Path, the: &str) -> Result<Option<[u8; N]>, Error> {
    let mut bytes = [0; N];
    match open(path, the)?.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(cannot_read(path, the, &error)),
    }
}

/// The regular file at `path`, opened to be read.
///
/// # Errors
/// As [`read_text`].
pub(crate) fn open(path: &Path, the: &str) -> Result<fs::File, Error> {
    // Asked before it is opened: opening a FIFO would wait for a writer.
    let metadata = fs::metadata(path).map_err(|error| cannot_read(path, the, &error))?;
    if !metadata.is_file() {
        return Err(cannot_read(path, the, &io::Error::other("it is not a regular file")));
    }
    fs::File::open(path).map_err(|error| cannot_read(path, the, &error))
}

pub(crate) fn cannot_read(path: &Path, the: &str, error: &io::Error) -> Error {
    let message = format!("cannot read {the}: {}", describe_io(error));
    Error::Configuration { path: path.to_owned(), position: None, message }
}

impl<'a> Document<'a> {
    /// Reads the text; `what` is how messages call the document, `known` are the names of its fields.
    pub(crate) fn read(self, what: &'static str, known: &[&'static str]) -> Result<Fields<'a>, Faulty> {
        // No TOML begins so.
        if self.text.trim_start().starts_with('{') {
            return match json::parse(self.text) {
                Ok(table) => Ok(Fields::new(self, what, known, table.span().start, table.into_inner())),
                Err(fault) => Err(self.fault(fault.at, format!("not JSON: {}", fault.message))),
            };
        }
        let (table, errors) = DeTable::parse_recoverable(self.text);
        let is_twice = |error: &toml::de::Error| error.message().contains("duplicate key");
        // The header of a table that cannot be read leaves its fields to the table before.
        let all_twice = errors.iter().all(is_twice);
        let mut line = None;
        let mut faulty = None;
        for error in errors.iter().filter(|error| all_twice || !is_twice(error)) {
            let at = error.span().map_or(0, |span| span.start);
            // What follows on the same line is mostly the same fault.
            let of_line = self.text.get(..at).unwrap_or(self.text).rfind('\n');
            if line.replace(of_line) == Some(of_line) {
                continue;
            }
            let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
            let begins =
                self.text.get(of_line.map_or(0, |end| end.saturating_add(1))..at).unwrap_or_default();
            let hint = match (is_twice(error), begins.trim_start().starts_with('[')) {
                (false, _) => "",
                (true, true) => "; write [[name]], not [name], for a table that occurs more than once",
                (true, false) => "; remove one of the two",
            };
            faulty = Some(self.fault(at, format!("not TOML: {message}{hint}")));
        }
        match faulty {
            Some(faulty) => Err(faulty),
            None => Ok(Fields::new(self, what, known, table.span().start, table.into_inner())),
        }
    }

    /// Notes a fault at byte `at`.
    pub(crate) fn fault(&self, at: usize, message: impl Into<String>) -> Faulty {
        let mut faults = self.faults.borrow_mut();
        if faults.kept.len() < FAULTS_KEPT {
            faults.kept.push((at, message.into()));
        } else {
            faults.more = faults.more.saturating_add(1);
        }
        Faulty(())
    }

    /// Notes a fault that makes all others worthless.
    pub(crate) fn only_fault(&self, at: usize, message: impl Into<String>) -> Faulty {
        self.faults.take();
        self.fault(at, message)
    }
}

impl<'a> Fields<'a> {
    fn new(
        document: Document<'a>,
        what: &'static str,
        known: &[&'static str],
        at: usize,
        table: DeTable<'a>,
    ) -> Self {
        let mut entries: Vec<Entry<'a>> = table
            .into_iter()
            .map(|(name, value)| Entry {
                at: name.span().start,
                name: name.into_inner().into_owned(),
                value: value.into_inner(),
            })
            .collect();
        entries.sort_by_key(|entry| entry.at);
        let mut misspelt = Vec::new();
        for entry in entries.extract_if(.., |entry| !known.contains(&entry.name.as_str())) {
            let message =
                format!("expected a field of {what}, found {:?}; {}", entry.name, advice(&entry.name, known));
            document.fault(entry.at, message);
            misspelt.extend(nearest(&entry.name, known));
        }
        Self { document, what, at, entries, misspelt }
    }

    /// Whether a field seems to stand there under another name.
    pub(crate) fn is_misspelt(&self, name: &str) -> bool {
        self.misspelt.contains(&name)
    }

    /// Where the table begins.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The text that the table is from.
    pub(crate) fn document(&self) -> Document<'a> {
        self.document
    }

    fn take(&mut self, name: &str) -> Option<Entry<'a>> {
        let index = self.entries.iter().position(|entry| entry.name == name)?;
        Some(self.entries.swap_remove(index))
    }

    fn missing(&self, name: &str, example: &str) -> Faulty {
        let message = format!("expected {name:?} in {}, found none; write {name} = {example}", self.what);
        self.absent(&[name], message)
    }

    /// Notes at the beginning of the table that none of `names` is there, unless one is misspelt.
    pub(crate) fn absent(&self, names: &[&str], message: impl Into<String>) -> Faulty {
        if names.iter().any(|name| self.is_misspelt(name)) {
            return Faulty(());
        }
        self.document.fault(self.at, message)
    }

    fn wrong(&self, entry: &Entry<'_>, expected: &str, example: &str) -> Faulty {
        let name = &entry.name;
        let found = describe(&entry.value);
        self.document.fault(
            entry.at,
            format!("expected {expected} in {name:?}, found {found}; write {name} = {example}"),
        )
    }

    /// A whole number from 0 up.
    pub(crate) fn optional_number(&mut self, name: &str, example: &str) -> Result<Option<At<u64>>, Faulty> {
        let Some(entry) = self.take(name) else {
            return Ok(None);
        };
        let number =
            whole_number(&entry.value).ok_or_else(|| self.wrong(&entry, "a whole number", example))?;
        Ok(Some(At { at: entry.at, value: number }))
    }

    /// A text that is neither empty nor blank.
    pub(crate) fn optional_text(&mut self, name: &str, example: &str) -> Result<Option<At<String>>, Faulty> {
        let Some(entry) = self.take(name) else {
            return Ok(None);
        };
        match entry.value.as_str() {
            Some(text) if !text.trim().is_empty() => Ok(Some(At { at: entry.at, value: text.to_owned() })),
            _ => Err(self.wrong(&entry, "a text that is not empty", example)),
        }
    }

    /// A text that must be there.
    pub(crate) fn text(&mut self, name: &str, example: &str) -> Result<At<String>, Faulty> {
        self.optional_text(name, example)?.ok_or_else(|| self.missing(name, example))
    }

    /// A number that must be there.
    pub(crate) fn number(&mut self, name: &str, example: &str) -> Result<At<u64>, Faulty> {
        self.optional_number(name, example)?.ok_or_else(|| self.missing(name, example))
    }

    /// A list of texts, none of them empty or twice.
    pub(crate) fn optional_texts(
        &mut self,
        name: &str,
        example: &str,
    ) -> Result<Option<At<Vec<At<String>>>>, Faulty> {
        let Some(entry) = self.take(name) else {
            return Ok(None);
        };
        let DeValue::Array(items) = &entry.value else {
            return Err(self.wrong(&entry, "a list of texts", example));
        };
        let mut seen: HashSet<&str> = HashSet::new();
        let texts = items.iter().map(|item| {
            let at = item.span().start;
            let text = item.get_ref().as_str().filter(|text| !text.trim().is_empty()).ok_or_else(|| {
                let found = describe(item.get_ref());
                let message =
                    format!("expected a text that is not empty in the list {name:?}, found {found}; write {name} = {example}");
                self.document.fault(at, message)
            })?;
            if !seen.insert(text) {
                let message =
                    format!("expected each text once in the list {name:?}, found {text:?} twice; remove one");
                return Err(self.document.fault(at, message));
            }
            Ok(At { at, value: text.to_owned() })
        });
        Ok(Some(At { at: entry.at, value: all(texts)? }))
    }

    /// A list that has something in it, if it is there.
    pub(crate) fn optional_filled_texts(
        &mut self,
        name: &str,
        example: &str,
    ) -> Result<Option<At<Vec<At<String>>>>, Faulty> {
        match self.optional_texts(name, example)? {
            Some(texts) if texts.value.is_empty() => {
                let message = format!(
                    "expected at least one text in {name:?}, found an empty list; write {name} = {example}"
                );
                Err(self.document.fault(texts.at, message))
            }
            texts => Ok(texts),
        }
    }

    /// A list that must be there and have something in it.
    pub(crate) fn texts(&mut self, name: &str, example: &str) -> Result<At<Vec<At<String>>>, Faulty> {
        self.optional_filled_texts(name, example)?.ok_or_else(|| self.missing(name, example))
    }

    /// A list of whole numbers from 0 up, none of them twice.
    pub(crate) fn optional_numbers(
        &mut self,
        name: &str,
        example: &str,
    ) -> Result<Option<At<Vec<At<u64>>>>, Faulty> {
        let Some(entry) = self.take(name) else {
            return Ok(None);
        };
        let DeValue::Array(items) = &entry.value else {
            return Err(self.wrong(&entry, "a list of whole numbers", example));
        };
        let mut seen: HashSet<u64> = HashSet::new();
        let numbers = items.iter().map(|item| {
            let at = item.span().start;
            let number = whole_number(item.get_ref()).ok_or_else(|| {
                let found = describe(item.get_ref());
                let message = format!(
                    "expected a whole number in the list {name:?}, found {found}; write {name} = {example}"
                );
                self.document.fault(at, message)
            })?;
            if !seen.insert(number) {
                let message = format!(
                    "expected each number once in the list {name:?}, found {number} twice; remove one"
                );
                return Err(self.document.fault(at, message));
            }
            Ok(At { at, value: number })
        });
        Ok(Some(At { at: entry.at, value: all(numbers)? }))
    }

    /// The digest of a certificate, in any usual spelling.
    pub(crate) fn optional_digest(&mut self, name: &str) -> Result<Option<At<CertificateDigest>>, Faulty> {
        match self.optional_text(name, DIGEST_EXAMPLE)? {
            Some(text) => self.document.digest(name, &text).map(Some),
            None => Ok(None),
        }
    }

    /// A digest that must be there.
    pub(crate) fn digest(&mut self, name: &str) -> Result<At<CertificateDigest>, Faulty> {
        self.optional_digest(name)?.ok_or_else(|| self.missing(name, DIGEST_EXAMPLE))
    }

    /// A date of TOML or a text that `read` understands; `expected` says what is understood.
    pub(crate) fn optional_date<T>(
        &mut self,
        name: &str,
        expected: &str,
        example: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<At<T>>, Faulty> {
        let Some(entry) = self.take(name) else {
            return Ok(None);
        };
        let text = match &entry.value {
            DeValue::Datetime(datetime) => datetime.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => String::new(),
        };
        let value = read(&text).ok_or_else(|| self.wrong(&entry, expected, example))?;
        Ok(Some(At { at: entry.at, value }))
    }

    /// A text that is the name of one of `choices`.
    pub(crate) fn optional_choice<T: Copy + AsName>(
        &mut self,
        name: &str,
        choices: &[T],
    ) -> Result<Option<T>, Faulty> {
        let example = choices.first().map(|choice| format!("{:?}", choice.as_name())).unwrap_or_default();
        match self.optional_text(name, &example)? {
            Some(text) => self.document.choice(name, &text, choices).map(Some),
            None => Ok(None),
        }
    }

    /// The fields of the table `[name]`, if it is there.
    pub(crate) fn optional_table(
        &mut self,
        name: &str,
        what: &'static str,
        known: &[&'static str],
    ) -> Result<Option<Fields<'a>>, Faulty> {
        let Some(entry) = self.take(name) else {
            return if self.is_misspelt(name) { Err(Faulty(())) } else { Ok(None) };
        };
        match entry.value {
            DeValue::Table(table) => Ok(Some(Fields::new(self.document, what, known, entry.at, table))),
            other => {
                let found = match other {
                    DeValue::Array(_) => "several".to_owned(),
                    other => describe(&other),
                };
                let message =
                    format!("expected one table {name:?}, found {found}; write {what}, then the fields");
                Err(self.document.fault(entry.at, message))
            }
        }
    }

    /// The tables of `[[name]]`, in the order of the text; what is no table is faulty.
    pub(crate) fn tables(
        &mut self,
        name: &str,
        what: &'static str,
        known: &[&'static str],
    ) -> Vec<Result<Fields<'a>, Faulty>> {
        let Some(entry) = self.take(name) else {
            return if self.is_misspelt(name) { vec![Err(Faulty(()))] } else { Vec::new() };
        };
        let DeValue::Array(items) = entry.value else {
            let found = describe(&entry.value);
            let message =
                format!("expected tables in {name:?}, found {found}; write {what}, then the fields");
            return vec![Err(self.document.fault(entry.at, message))];
        };
        let fields = items.into_iter().map(|item| {
            let at = item.span().start;
            let DeValue::Table(table) = item.into_inner() else {
                let message = format!(
                    "expected tables in {name:?}, found something else; write {what}, then the fields"
                );
                return Err(self.document.fault(at, message));
            };
            Ok(Fields::new(self.document, what, known, at, table))
        });
        fields.collect()
    }
}

/// What has a name in the text form.
pub(crate) trait AsName {
    fn as_name(&self) -> &'static str;
}

const DIGEST_EXAMPLE: &str = "\"<64 hexadecimal digits>\"";

impl Document<'_> {
    /// The certificate digest that `text`, from the field `name`, spells.
    pub(crate) fn digest(&self, name: &str, text: &At<String>) -> Result<At<CertificateDigest>, Faulty> {
        match text.value.parse() {
            Ok(value) => Ok(At { at: text.at, value }),
            Err(error) => Err(self.fault(
                text.at,
                format!("{error}; write {name} as `keytool -list -v` prints it behind SHA256"),
            )),
        }
    }

    /// The one of `choices` that `text`, from the field `name`, names.
    pub(crate) fn choice<T: Copy + AsName>(
        &self,
        name: &str,
        text: &At<String>,
        choices: &[T],
    ) -> Result<T, Faulty> {
        choices.iter().copied().find(|choice| choice.as_name() == text.value).ok_or_else(|| {
            let names: Vec<&'static str> = choices.iter().map(AsName::as_name).collect();
            let expected = listed(&names);
            let advice = advice(&text.value, &names);
            self.fault(
                text.at,
                format!("expected one of {expected} in {name:?}, found {:?}; {advice}", text.value),
            )
        })
    }
}

fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text {text:?}"),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(value) => format!("{value}"),
        DeValue::Datetime(datetime) => format!("the date {datetime}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// What to write instead of `found`: the known name next to it, or else all of them.
fn advice(found: &str, known: &[&'static str]) -> String {
    match nearest(found, known) {
        Some(name) => format!("did you mean {name:?}?"),
        None => format!("write one of {}", listed(known)),
    }
}

/// The names, of very many the first few.
fn listed(names: &[&str]) -> String {
    match names {
        [first, second, third, ..] if names.len() > NAMES_LISTED => format!("{first}, {second}, {third}, …"),
        _ => names.join(", "),
    }
}

fn whole_number(value: &DeValue<'_>) -> Option<u64> {
    let number = value.as_integer()?;
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// The known name that `found` is hardly different from.
///
/// A name of quite another length needs more edits, and is not compared: names in the text may be as long as the text.
fn nearest(found: &str, known: &[&'static str]) -> Option<&'static str> {
    let len = found.chars().count();
    let comparable = known.iter().filter(|name| name.chars().count().abs_diff(len) <= edits_allowed(name));
    let mut by_edits: Vec<(usize, &str)> = comparable.map(|name| (distance(found, name), *name)).collect();
    by_edits.sort_unstable();
    let (edits, name) = *by_edits.first()?;
    // Of two that are as near, neither is meant.
    let alone = by_edits.get(1).is_none_or(|(others, _)| *others > edits);
    (alone && edits <= edits_allowed(name) && edits < name.len()).then_some(name)
}

/// So many edits may lead to a name that is meant.
fn edits_allowed(name: &str) -> usize {
    (name.len() / 3).max(2)
}

/// Insertions, deletions and replacements of characters that lead from `from` to `to` (Levenshtein).
pub(crate) fn distance(from: &str, to: &str) -> usize {
    #[cfg(any(test, fuzzing))]
    crate::work::step();
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, a) in from.chars().enumerate() {
        let mut next = vec![line.saturating_add(1)];
        for (pair, b) in row.windows(2).zip(&to) {
            let [diagonal, above] = pair else { continue };
            let left = next.last().copied().unwrap_or_default();
            let replaced = diagonal.saturating_add(usize::from(a != *b));
            next.push(replaced.min(above.saturating_add(1)).min(left.saturating_add(1)));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        assert_eq!(distance("", "key"), 3);
        assert_eq!(distance("stauts", "status"), 2);
        assert_eq!(distance("status", "status"), 0);
        assert_eq!(distance("owners", "owner"), 1);
    }

    #[test]
    fn advises_the_nearest_name_or_all() {
        assert_eq!(advice("stauts", &["subject", "status"]), "did you mean \"status\"?");
        assert_eq!(advice("colour", &["subject", "status"]), "write one of subject, status");
        assert_eq!(advice("v4", &["v1", "v2"]), "write one of v1, v2", "two are as near");
    }

    #[test]
    fn names_of_quite_another_length_are_not_compared() {
        let known = &["subject", "status"];
        let compared = |found: &str| crate::work::of(|| nearest(found, known)).0;
        assert_eq!(compared("stauts"), 2);
        assert_eq!(compared("stautses"), 2, "two more letters");
        assert_eq!(compared("stautseses"), 0);
        assert_eq!(compared(&"s".repeat(1 << 20)), 0, "which would take seconds");
    }

    fn faults(text: &str, at: &[usize]) -> String {
        let note = |document: Document<'_>| {
            for at in at {
                document.fault(*at, "here");
            }
            Ok(())
        };
        read_all(text, Path::new("r.toml"), note)
            .map_or_else(|error| error.to_string(), |()| "none".to_owned())
    }

    #[test]
    fn counts_columns_in_characters() {
        assert_eq!(faults("a\n示例 = 1\n", &["a\n示例 ".len()]), "r.toml:2:4: here");
    }

    #[test]
    fn tells_faults_in_the_order_of_the_text_and_counts_what_are_too_many() {
        assert_eq!(faults("a\nb\nc\n", &[4, 0, 2]), "r.toml:1:1: here\nr.toml:2:1: here\nr.toml:3:1: here");
        let many = faults(&"x".repeat(500), &(0..250).collect::<Vec<_>>());
        assert_eq!(many.lines().count(), FAULTS_TOLD + 1);
        assert!(many.ends_with("r.toml:1:100: here\nand 150 more"), "{many}");
        assert_eq!(faults("a", &[]), "none");
    }
}
