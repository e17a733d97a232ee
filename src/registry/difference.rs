//! What differs between two editions of a registry.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::Registry;

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
    let header = |registry: &Registry| {
        let header = registry.header();
        let fields = [
            ("id", Value::from(header.id.clone())),
            ("serial", header.serial.map_or(Value::Null, Value::from)),
            ("issued_at", header.issued_at.map_or(Value::Null, |moment| moment.to_string().into())),
            ("expires_at", header.expires_at.map_or(Value::Null, |moment| moment.to_string().into())),
        ];
        let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
        Value::Object(fields.map(|(name, value)| (name.to_owned(), value)).collect())
    };
    let of = |registry: &Registry| -> [BTreeMap<String, Value>; 4] {
        [
            named(registry.subjects().map(|subject| (subject.id.clone(), subject))),
            named(registry.keys().map(|key| (key.certificate.to_string(), key))),
            named(registry.apps().map(|app| (app.package.clone(), app))),
            named(registry.denied_keys().map(|key| (key.certificate.to_string(), key))),
        ]
    };
    let mut found = Vec::new();
    let headers = [old, new].map(|registry| BTreeMap::from([(String::new(), header(registry))]));
    compare("registry", &headers[0], &headers[1], &mut found);
    for ((what, old), new) in ["subject", "key", "app", "denied"].into_iter().zip(of(old)).zip(of(new)) {
        compare(what, &old, &new, &mut found);
    }
    found
}

fn named<T: Serialize>(items: impl Iterator<Item = (String, T)>) -> BTreeMap<String, Value> {
    items.map(|(name, item)| (name, serde_json::to_value(item).unwrap_or_default())).collect()
}

fn compare(
    what: &'static str,
    old: &BTreeMap<String, Value>,
    new: &BTreeMap<String, Value>,
    found: &mut Vec<Difference>,
) {
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let kind = match (old.get(name), new.get(name)) {
            (None, _) => DifferenceKind::Added,
            (_, None) => DifferenceKind::Removed,
            (old, new) if old == new => continue,
            _ => DifferenceKind::Changed,
        };
        let fields = fields(old.get(name), new.get(name));
        found.push(Difference { kind, what, name: name.clone(), fields });
    }
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
