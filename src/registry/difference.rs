//! What differs between two editions of a registry.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::App;
use super::DeniedKey;
use super::Header;
use super::Key;
use super::Registry;
use super::Store;
use super::Subject;
use super::store::Walk;
use crate::error::Error;

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// What became of it.
    pub kind: DifferenceKind,
    /// What it is: `registry`, `subject`, `key`, `app`, `denied`.
    pub what: &'static str,
    /// What names it: an id, a certificate digest, a package name.
    pub name: String,
    /// Of what has changed, the fields; of what is new or gone, all of them.
    pub fields: Vec<FieldDifference>,
}

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DifferenceKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another.
    Changed,
}

impl DifferenceKind {
    /// `added`, `removed` or `changed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

impl fmt::Display for DifferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FieldDifference {
    /// Its name in the text form.
    pub field: String,
    /// What it was; none when it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// What it is; none when it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

impl FieldDifference {
    /// The value as one line: a text as it is, anything else as JSON.
    pub fn line(value: &Value) -> String {
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    }
}

/// What differs between `old` and `new`: header, subjects, keys, apps, denied keys, each in the order of their names.
pub fn differences(old: &Registry, new: &Registry) -> Vec<Difference> {
    let of = |registry: &Registry| -> [BTreeMap<String, Value>; 4] {
        [
            named(registry.subjects().map(|subject| (subject.id.clone(), subject))),
            named(registry.keys().map(|key| (key.certificate.to_string(), key))),
            named(registry.apps().map(|app| (app.package.clone(), app))),
            named(registry.denied_keys().map(|key| (key.certificate.to_string(), key))),
        ]
    };
    let mut found = Vec::new();
    found.extend(of_headers(old.header(), new.header()));
    for ((what, old), new) in ["subject", "key", "app", "denied"].into_iter().zip(of(old)).zip(of(new)) {
        let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
        names.sort();
        names.dedup();
        found.extend(
            names.into_iter().filter_map(|name| difference(what, name, old.get(name), new.get(name))),
        );
    }
    found
}

/// As [`differences`], by walking through both in the order of names. Memory does not grow with a registry in SQLite, but with
/// what differs.
///
/// # Errors
/// As [`Store::ensure_sound`].
pub fn differences_between(old: &Store, new: &Store) -> Result<Vec<Difference>, Error> {
    old.ensure_sound()?;
    new.ensure_sound()?;
    let mut found = Vec::new();
    found.extend(of_headers(old.header(), new.header()));
    let subject = |row: &Subject| row.id.clone();
    merge("subject", subject, [old.subject_rows(), new.subject_rows()], &mut found)?;
    let key = |row: &Key| row.certificate.to_string();
    merge("key", key, [old.key_rows(), new.key_rows()], &mut found)?;
    let app = |row: &App| row.package.clone();
    merge("app", app, [old.app_rows(), new.app_rows()], &mut found)?;
    let denied = |row: &DeniedKey| row.certificate.to_string();
    merge("denied", denied, [old.denied_rows(), new.denied_rows()], &mut found)?;
    Ok(found)
}

/// Walks through the rows of both, which stand in the order of their names.
fn merge<'a, T: Serialize>(
    what: &'static str,
    name: impl Fn(&T) -> String,
    [mut old, mut new]: [Walk<'a, T>; 2],
    found: &mut Vec<Difference>,
) -> Result<(), Error> {
    let next = |walk: &mut Walk<'a, T>| -> Result<Option<(String, Value)>, Error> {
        let row = walk.next().transpose()?;
        Ok(row.map(|row| (name(&row), serde_json::to_value(&row).unwrap_or_default())))
    };
    let (mut before, mut after) = (next(&mut old)?, next(&mut new)?);
    loop {
        let order = match (&before, &after) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((before, _)), Some((after, _))) => before.cmp(after),
        };
        let (mut from, mut to) = (None, None);
        if order.is_le() {
            from = std::mem::replace(&mut before, next(&mut old)?);
        }
        if order.is_ge() {
            to = std::mem::replace(&mut after, next(&mut new)?);
        }
        let Some((name, _)) = from.as_ref().or(to.as_ref()) else { return Ok(()) };
        let values = [&from, &to].map(|row| row.as_ref().map(|(_, value)| value));
        found.extend(difference(what, name, values[0], values[1]));
    }
}

fn of_headers(old: &Header, new: &Header) -> Option<Difference> {
    let fields = |header: &Header| {
        let fields = [
            ("id", Value::from(header.id.clone())),
            ("serial", header.serial.map_or(Value::Null, Value::from)),
            ("issued_at", header.issued_at.map_or(Value::Null, |moment| moment.to_string().into())),
            ("expires_at", header.expires_at.map_or(Value::Null, |moment| moment.to_string().into())),
        ];
        let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
        Value::Object(fields.map(|(name, value)| (name.to_owned(), value)).collect())
    };
    difference("registry", "", Some(&fields(old)), Some(&fields(new)))
}

fn named<T: Serialize>(items: impl Iterator<Item = (String, T)>) -> BTreeMap<String, Value> {
    items.map(|(name, item)| (name, serde_json::to_value(item).unwrap_or_default())).collect()
}

/// What became of one thing; none when nothing did.
fn difference(
    what: &'static str,
    name: &str,
    old: Option<&Value>,
    new: Option<&Value>,
) -> Option<Difference> {
    let kind = match (old, new) {
        (None, _) => DifferenceKind::Added,
        (_, None) => DifferenceKind::Removed,
        (old, new) if old == new => return None,
        _ => DifferenceKind::Changed,
    };
    Some(Difference { kind, what, name: name.to_owned(), fields: fields(old, new) })
}

fn fields(old: Option<&Value>, new: Option<&Value>) -> Vec<FieldDifference> {
    let names = |value: Option<&Value>| -> Vec<String> {
        value.and_then(Value::as_object).map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
    };
    let (before, mut all) = (names(old), names(new));
    all.extend(before.into_iter().filter(|name| new.is_none_or(|new| new.get(name).is_none())));
    let value = |from: Option<&Value>, name: &str| from.and_then(|from| from.get(name)).cloned();
    all.into_iter()
        .map(|field| FieldDifference { from: value(old, &field), to: value(new, &field), field })
        .filter(|field| field.from != field.to)
        .collect()
}
