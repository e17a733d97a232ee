//! JSON Schema, as far as the schema of SARIF (draft 7) and our own (draft 2020-12) use it; what it does not know of a schema
//! stops the test.
//!
//! Source: draft-handrews-json-schema-validation-01; draft-bhutton-json-schema-validation-01.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what is not known of a schema is to stop the test"
)]

use serde_json::Value;

/// Keywords that say nothing of what is valid.
const SILENT: [&str; 8] =
    ["$schema", "$id", "title", "description", "default", "definitions", "$defs", "properties"];

/// What is wrong with `value` by `schema`, a line each with the place.
pub(crate) fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(schema, schema, value, "", &mut faults);
    faults
}

fn check(root: &Value, schema: &Value, value: &Value, place: &str, faults: &mut Vec<String>) {
    let schema = schema.as_object().unwrap();
    // Beside it, no other keyword counts in draft 7; our own schemas have none there that says what is valid.
    if let Some(reference) = schema.get("$ref") {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        return check(root, root.pointer(pointer).unwrap(), value, place, faults);
    }
    for (keyword, wanted) in schema {
        let holds = match (keyword.as_str(), value) {
            (silent, _) if SILENT.contains(&silent) => true,
            ("type", _) => match wanted {
                Value::Array(kinds) => kinds.iter().any(|kind| is(kind.as_str().unwrap(), value)),
                kind => is(kind.as_str().unwrap(), value),
            },
            ("const", _) => wanted == value,
            ("enum", _) => wanted.as_array().unwrap().contains(value),
            ("minimum", Value::Number(number)) => number.as_f64() >= wanted.as_f64(),
            ("maximum", Value::Number(number)) => number.as_f64() <= wanted.as_f64(),
            ("minItems", Value::Array(items)) => items.len() as u64 >= wanted.as_u64().unwrap(),
            ("uniqueItems", Value::Array(items)) => {
                wanted == false || items.iter().enumerate().all(|(at, item)| !items[..at].contains(item))
            }
            ("required", Value::Object(object)) => {
                wanted.as_array().unwrap().iter().all(|name| object.contains_key(name.as_str().unwrap()))
            }
            ("items", Value::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    check(root, wanted, item, &format!("{place}/{at}"), faults);
                }
                true
            }
            ("additionalProperties", Value::Object(object)) => {
                let known = schema.get("properties").and_then(Value::as_object);
                let others =
                    object.iter().filter(|(name, _)| !known.is_some_and(|known| known.contains_key(*name)));
                for (name, other) in others {
                    match wanted {
                        Value::Bool(true) => {}
                        Value::Bool(false) => faults.push(format!("{place}/{name}: no such property")),
                        schema => check(root, schema, other, &format!("{place}/{name}"), faults),
                    }
                }
                true
            }
            ("anyOf", _) => branches(root, wanted, value) >= 1,
            ("oneOf", _) => branches(root, wanted, value) == 1,
            ("format", Value::String(text)) => has_format(wanted.as_str().unwrap(), text),
            ("pattern", Value::String(text)) => {
                panic!("{place}: the pattern {wanted} is not known, for {text:?}")
            }
            // They say nothing of values of other types.
            (
                "minimum"
                | "maximum"
                | "minItems"
                | "uniqueItems"
                | "required"
                | "items"
                | "format"
                | "pattern"
                | "additionalProperties",
                _,
            ) => true,
            (other, _) => panic!("the keyword {other} is not known"),
        };
        if !holds {
            faults.push(format!("{place}: {keyword} {wanted}, found {value}"));
        }
    }
    if let (Some(Value::Object(properties)), Value::Object(object)) = (schema.get("properties"), value) {
        for (name, member) in object {
            if let Some(schema) = properties.get(name) {
                check(root, schema, member, &format!("{place}/{name}"), faults);
            }
        }
    }
}

/// How many of the schemas take the value.
fn branches(root: &Value, schemas: &Value, value: &Value) -> usize {
    let takes = |schema: &&Value| {
        let mut faults = Vec::new();
        check(root, schema, value, "", &mut faults);
        faults.is_empty()
    };
    schemas.as_array().unwrap().iter().filter(takes).count()
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        other => panic!("the type {other} is not known"),
    }
}

/// RFC 3986 for URIs: its characters, percent signs before two hexadecimal digits, a scheme where there must be one.
fn has_format(format: &str, text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_uri = bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'%' => bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        byte => byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=".contains(byte),
    });
    let first = text.split(['/', '?', '#']).next().unwrap();
    match format {
        "uri" => is_uri && first.contains(':'),
        "uri-reference" => {
            is_uri
                && first
                    .split(':')
                    .next()
                    .unwrap()
                    .bytes()
                    .all(|byte| byte != b'%' || first.find(':').is_none())
        }
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        other => panic!("the format {other} is not known"),
    }
}
