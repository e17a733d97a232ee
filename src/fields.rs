//! A TOML text as tables of fields, where every value knows its place, so that a fault is named with line and column.
//!
//! Messages say what was expected, what was found and what to write instead, in one line.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;

use toml::de::DeTable;
use toml::de::DeValue;

use crate::error::Error;
use crate::error::describe_io;
use crate::identity::CertificateDigest;

/// The text and its name.
#[derive(Clone, Copy)]
pub(crate) struct Document<'a> {
    text: &'a str,
    path: &'a Path,
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
    let bytes = fs::read(path).map_err(cannot_read)?;
    String::from_utf8(bytes)
        .map_err(|_| fault(format!("expected {a} in UTF-8 text, found other bytes; save it as UTF-8")))
}

impl<'a> Document<'a> {
    pub(crate) fn new(text: &'a str, path: &'a Path) -> Self {
        Self { text, path }
    }

    /// Reads the text; `what` is how messages call the document, `known` are the names of its fields.
    pub(crate) fn read(self, what: &'static str, known: &[&str]) -> Result<Fields<'a>, Error> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
            let hint = if message.contains("duplicate key") {
                "; write [[name]], not [name], for a table that occurs more than once"
            } else {
                ""
            };
            self.fault(at, format!("not TOML: {message}{hint}"))
        })?;
        let Range { start, .. } = table.span();
        Fields::new(self, what, known, start, table.into_inner())
    }

    /// A fault at byte `at`.
    pub(crate) fn fault(&self, at: usize, message: impl Into<String>) -> Error {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count().saturating_add(1);
        let column = before.chars().rev().take_while(|c| *c != '\n').count().saturating_add(1);
        let position = Some((line, column));
        Error::Configuration { path: self.path.to_owned(), position, message: message.into() }
    }
}

impl<'a> Fields<'a> {
    fn new(
        document: Document<'a>,
        what: &'static str,
        known: &[&str],
        at: usize,
        table: DeTable<'a>,
    ) -> Result<Self, Error> {
        let mut entries: Vec<Entry<'a>> = table
            .into_iter()
            .map(|(name, value)| Entry {
                at: name.span().start,
                name: name.into_inner().into_owned(),
                value: value.into_inner(),
            })
            .collect();
        entries.sort_by_key(|entry| entry.at);
        if let Some(entry) = entries.iter().find(|entry| !known.contains(&entry.name.as_str())) {
            let message =
                format!("expected a field of {what}, found {:?}; {}", entry.name, advice(&entry.name, known));
            return Err(document.fault(entry.at, message));
        }
        Ok(Self { document, what, at, entries })
    }

    /// Where the table begins.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    fn take(&mut self, name: &str) -> Option<Entry<'a>> {
        let index = self.entries.iter().position(|entry| entry.name == name)?;
        Some(self.entries.swap_remove(index))
    }

    fn missing(&self, name: &str, example: &str) -> Error {
        let message = format!("expected {name:?} in {}, found none; write {name} = {example}", self.what);
        self.document.fault(self.at, message)
    }

    fn wrong(&self, entry: &Entry<'_>, expected: &str, example: &str) -> Error {
        let name = &entry.name;
        let found = describe(&entry.value);
        self.document.fault(
            entry.at,
            format!("expected {expected} in {name:?}, found {found}; write {name} = {example}"),
        )
    }

    /// A whole number from 0 up.
    pub(crate) fn optional_number(&mut self, name: &str, example: &str) -> Result<Option<At<u64>>, Error> {
        let Some(entry) = self.take(name) else {
            return Ok(None);
        };
        let number = entry
            .value
            .as_integer()
            .and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok())
            .ok_or_else(|| self.wrong(&entry, "a whole number", example))?;
        Ok(Some(At { at: entry.at, value: number }))
    }

    /// A text that is neither empty nor blank.
    pub(crate) fn optional_text(&mut self, name: &str, example: &str) -> Result<Option<At<String>>, Error> {
        let Some(entry) = self.take(name) else {
            return Ok(None);
        };
        match entry.value.as_str() {
            Some(text) if !text.trim().is_empty() => Ok(Some(At { at: entry.at, value: text.to_owned() })),
            _ => Err(self.wrong(&entry, "a text that is not empty", example)),
        }
    }

    /// A text that must be there.
    pub(crate) fn text(&mut self, name: &str, example: &str) -> Result<At<String>, Error> {
        self.optional_text(name, example)?.ok_or_else(|| self.missing(name, example))
    }

    /// A number that must be there.
    pub(crate) fn number(&mut self, name: &str, example: &str) -> Result<At<u64>, Error> {
        self.optional_number(name, example)?.ok_or_else(|| self.missing(name, example))
    }

    /// A list of texts, none of them empty or twice.
    pub(crate) fn optional_texts(
        &mut self,
        name: &str,
        example: &str,
    ) -> Result<Option<At<Vec<At<String>>>>, Error> {
        let Some(entry) = self.take(name) else {
            return Ok(None);
        };
        let DeValue::Array(items) = &entry.value else {
            return Err(self.wrong(&entry, "a list of texts", example));
        };
        let mut texts: Vec<At<String>> = Vec::new();
        for item in items {
            let at = item.span().start;
            let text = item.get_ref().as_str().filter(|text| !text.trim().is_empty()).ok_or_else(|| {
                let found = describe(item.get_ref());
                let message =
                    format!("expected a text that is not empty in the list {name:?}, found {found}; write {name} = {example}");
                self.document.fault(at, message)
            })?;
            if texts.iter().any(|other| other.value == text) {
                let message =
                    format!("expected each text once in the list {name:?}, found {text:?} twice; remove one");
                return Err(self.document.fault(at, message));
            }
            texts.push(At { at, value: text.to_owned() });
        }
        Ok(Some(At { at: entry.at, value: texts }))
    }

    /// A list that must be there and have something in it.
    pub(crate) fn texts(&mut self, name: &str, example: &str) -> Result<At<Vec<At<String>>>, Error> {
        let texts = self.optional_texts(name, example)?.ok_or_else(|| self.missing(name, example))?;
        if texts.value.is_empty() {
            let message = format!(
                "expected at least one text in {name:?}, found an empty list; write {name} = {example}"
            );
            return Err(self.document.fault(texts.at, message));
        }
        Ok(texts)
    }

    /// The digest of a certificate, in any usual spelling.
    pub(crate) fn optional_digest(&mut self, name: &str) -> Result<Option<At<CertificateDigest>>, Error> {
        match self.optional_text(name, DIGEST_EXAMPLE)? {
            Some(text) => self.document.digest(name, &text).map(Some),
            None => Ok(None),
        }
    }

    /// A digest that must be there.
    pub(crate) fn digest(&mut self, name: &str) -> Result<At<CertificateDigest>, Error> {
        self.optional_digest(name)?.ok_or_else(|| self.missing(name, DIGEST_EXAMPLE))
    }

    /// A date of TOML or a text that `read` understands; `expected` says what is understood.
    pub(crate) fn optional_date<T>(
        &mut self,
        name: &str,
        expected: &str,
        example: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<At<T>>, Error> {
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
    ) -> Result<Option<T>, Error> {
        let example = choices.first().map(|choice| format!("{:?}", choice.as_name())).unwrap_or_default();
        match self.optional_text(name, &example)? {
            Some(text) => self.document.choice(name, &text, choices).map(Some),
            None => Ok(None),
        }
    }

    /// The tables of `[[name]]`, in the order of the text.
    pub(crate) fn tables(
        &mut self,
        name: &str,
        what: &'static str,
        known: &[&str],
    ) -> Result<Vec<Fields<'a>>, Error> {
        let Some(entry) = self.take(name) else {
            return Ok(Vec::new());
        };
        let fault = |at: usize, value: &DeValue<'_>| {
            let message = format!(
                "expected tables in {name:?}, found {}; write {what}, then the fields",
                describe(value)
            );
            self.document.fault(at, message)
        };
        let DeValue::Array(items) = entry.value else {
            return Err(fault(entry.at, &entry.value));
        };
        let mut tables = Vec::new();
        for item in items {
            let at = item.span().start;
            let DeValue::Table(table) = item.into_inner() else {
                return Err(self.document.fault(
                    at,
                    format!(
                        "expected tables in {name:?}, found something else; write {what}, then the fields"
                    ),
                ));
            };
            tables.push(Fields::new(self.document, what, known, at, table)?);
        }
        Ok(tables)
    }
}

/// What has a name in the text form.
pub(crate) trait AsName {
    fn as_name(&self) -> &'static str;
}

const DIGEST_EXAMPLE: &str = "\"<64 hexadecimal digits>\"";

impl Document<'_> {
    /// The certificate digest that `text`, from the field `name`, spells.
    pub(crate) fn digest(&self, name: &str, text: &At<String>) -> Result<At<CertificateDigest>, Error> {
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
    ) -> Result<T, Error> {
        choices.iter().copied().find(|choice| choice.as_name() == text.value).ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(AsName::as_name).collect();
            let expected = names.join(", ");
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
fn advice(found: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|name| (distance(found, name), *name)).min();
    let mut advice = String::new();
    match nearest {
        Some((edits, name)) if edits <= (name.len() / 3).max(2) && edits < name.len() => {
            let _ = write!(advice, "did you mean {name:?}?");
        }
        _ => {
            let _ = write!(advice, "write one of {}", known.join(", "));
        }
    }
    advice
}

/// Insertions, deletions and replacements of characters that lead from `from` to `to` (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
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
    }

    #[test]
    fn counts_columns_in_characters() {
        let document = Document::new("a\n示例 = 1\n", Path::new("r.toml"));
        let at = "a\n示例 ".len();
        assert_eq!(document.fault(at, "here").to_string(), "r.toml:2:4: here");
    }
}
