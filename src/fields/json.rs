//! JSON read as the tables that TOML has, where every value knows its place: so a text in either form is held to the same.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeArray;
use toml::de::DeTable;
use toml::de::DeValue;

/// Deepest nesting of lists and objects.
const MAX_DEPTH: usize = 32;

/// Why a text is not JSON that can be read, and the byte where.
pub(super) struct JsonFault {
    pub(super) at: usize,
    pub(super) message: String,
}

/// The object that `text` is.
pub(super) fn parse(text: &str) -> Result<Spanned<DeTable<'_>>, JsonFault> {
    let mut reader = Reader { text, at: 0 };
    let (span, value) = reader.value(0)?;
    reader.blank();
    if reader.at < text.len() {
        return Err(reader.fault("expected the end of the text"));
    }
    match value {
        DeValue::Table(table) => Ok(Spanned::new(span, table)),
        _ => Err(JsonFault { at: span.start, message: "expected an object".to_owned() }),
    }
}

/// Where a value stands, and the value.
type Placed<'a> = (Range<usize>, DeValue<'a>);

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn fault(&self, message: &str) -> JsonFault {
        JsonFault { at: self.at, message: message.to_owned() }
    }

    fn blank(&mut self) {
        let rest = self.rest();
        self.at = self.at.saturating_add(
            rest.len().saturating_sub(rest.trim_start_matches([' ', '\t', '\r', '\n']).len()),
        );
    }

    /// Takes `c`, when it comes next.
    fn takes(&mut self, c: char) -> bool {
        self.blank();
        let there = self.rest().starts_with(c);
        self.at = self.at.saturating_add(if there { c.len_utf8() } else { 0 });
        there
    }

    fn value(&mut self, depth: usize) -> Result<Placed<'a>, JsonFault> {
        self.blank();
        if depth > MAX_DEPTH {
            return Err(self.fault("expected less nesting"));
        }
        let start = self.at;
        let value = match self.rest().chars().next() {
            Some('{') => DeValue::Table(self.object(depth)?),
            Some('[') => DeValue::Array(self.list(depth)?),
            Some('"') => DeValue::String(Cow::Owned(self.string()?)),
            _ => self.scalar()?,
        };
        Ok((start..self.at, value))
    }

    fn object(&mut self, depth: usize) -> Result<DeTable<'a>, JsonFault> {
        let mut table = DeTable::new();
        self.takes('{');
        if self.takes('}') {
            return Ok(table);
        }
        loop {
            self.blank();
            let start = self.at;
            if !self.rest().starts_with('"') {
                return Err(self.fault("expected the name of a field in quotes"));
            }
            let name = self.string()?;
            let key = Spanned::new(start..self.at, Cow::Owned(name));
            if !self.takes(':') {
                return Err(self.fault("expected a colon"));
            }
            let (span, value) = self.value(depth.saturating_add(1))?;
            if table.contains_key(&key) {
                let message = format!("expected each field once, found {:?} twice", key.get_ref());
                return Err(JsonFault { at: start, message });
            }
            table.insert(key, Spanned::new(span, value));
            if self.takes('}') {
                return Ok(table);
            }
            if !self.takes(',') {
                return Err(self.fault("expected a comma, or the end of the object"));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<DeArray<'a>, JsonFault> {
        let mut list = DeArray::new();
        self.takes('[');
        if self.takes(']') {
            return Ok(list);
        }
        loop {
            let (span, value) = self.value(depth.saturating_add(1))?;
            list.push(Spanned::new(span, value));
            if self.takes(']') {
                return Ok(list);
            }
            if !self.takes(',') {
                return Err(self.fault("expected a comma, or the end of the list"));
            }
        }
    }

    fn string(&mut self) -> Result<String, JsonFault> {
        let rest = self.rest();
        let mut escaped = true;
        let end = rest.char_indices().find(|(at, c)| {
            let ends = *c == '"' && !escaped && *at > 0;
            escaped = *c == '\\' && !escaped;
            ends
        });
        let Some((end, _)) = end else { return Err(self.fault("expected the closing quote of a text")) };
        let length = end.saturating_add(1);
        let text = rest.get(..length).unwrap_or_default();
        let string = serde_json::from_str(text)
            .map_err(|_| self.fault("expected a text without control characters and with known escapes"))?;
        self.at = self.at.saturating_add(length);
        Ok(string)
    }

    /// A number or a boolean.
    fn scalar(&mut self) -> Result<DeValue<'a>, JsonFault> {
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.')))
            .unwrap_or(rest.len());
        let text = rest.get(..length).unwrap_or_default();
        let known = match serde_json::from_str::<serde_json::Value>(text) {
            Ok(serde_json::Value::Bool(value)) => Some(DeValue::Boolean(value)),
            Ok(serde_json::Value::Number(_)) => DeValue::parse(text).ok().map(Spanned::into_inner),
            _ => None,
        };
        let value = known.ok_or_else(|| self.fault("expected a value: a text, number, list or object"))?;
        self.at = self.at.saturating_add(length);
        Ok(value)
    }
}
