//! The payload of code transparency: the code files of an app bundle with their digests, in JSON.
//!
//! Read as bundletool reads it, which is as JSON of a protocol buffer: names in camel case or as in the definition,
//! absent and null fields are empty.
//!
//! Source: bundletool `code_transparency.proto`, `CodeTransparencyFactory.parseFrom`; protobuf, "ProtoJSON format".

use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;

use super::ParseError;

const STRUCTURE: &str = "code transparency";

/// The newest version of the form.
///
/// Source: bundletool `CodeTransparencyVersion`.
pub const NEWEST_VERSION: i64 = 1;

/// A list of code files.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodeTransparency {
    /// Version of the form; 0 where none is given.
    pub version: i64,
    /// The files, in order.
    pub files: Vec<CodeRelatedFile>,
    /// Names of fields that the definition does not have; bundletool refuses a payload with such.
    pub unknown_fields: Vec<String>,
}

/// One file of the bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CodeRelatedFile {
    /// Path in the bundle: `base/dex/classes.dex`.
    pub path: String,
    /// What it is.
    pub kind: CodeKind,
    /// Path in the APK; native libraries alone have one.
    pub apk_path: String,
    /// SHA-256 of the content, hexadecimal.
    pub sha256: String,
}

/// What a code file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeKind {
    /// Dalvik bytecode. Files of old bundletools do not say so; then the path ends in `.dex`.
    Dex,
    /// A native library.
    NativeLibrary,
    /// Neither.
    Unspecified,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPayload {
    #[serde(alias = "code_related_file")]
    code_related_file: Option<Vec<RawFile>>,
    version: Option<Number>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawFile {
    path: Option<String>,
    #[serde(alias = "bundletool_repo_path")]
    bundletool_repo_path: Option<String>,
    #[serde(rename = "type")]
    kind: Option<RawKind>,
    #[serde(alias = "apk_path")]
    apk_path: Option<String>,
    sha256: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Number(i64),
    Text(String),
}

/// By name or by number.
#[derive(Deserialize)]
#[serde(untagged)]
enum RawKind {
    Number(i64),
    Name(String),
}

const PAYLOAD_FIELDS: [&str; 3] = ["codeRelatedFile", "code_related_file", "version"];
const FILE_FIELDS: [&str; 7] =
    ["path", "bundletoolRepoPath", "bundletool_repo_path", "type", "apkPath", "apk_path", "sha256"];

impl CodeTransparency {
    /// Reads a payload.
    ///
    /// # Errors
    /// Not JSON, a field of another type, a field twice, a type that the definition does not have.
    pub fn parse(payload: &[u8]) -> Result<Self, ParseError> {
        let invalid = |message: String| ParseError::invalid(STRUCTURE, 0, message);
        let json = |error: serde_json::Error| invalid(error.to_string());
        let raw: RawPayload = serde_json::from_slice(payload).map_err(json)?;
        let loose: Map<String, Value> = serde_json::from_slice(payload).map_err(json)?;
        let version = match raw.version {
            None => 0,
            Some(Number::Number(version)) => version,
            Some(Number::Text(text)) => {
                text.parse().map_err(|_| invalid(format!("version {text:?} is no number")))?
            }
        };
        let mut files = Vec::new();
        for (index, file) in raw.code_related_file.unwrap_or_default().into_iter().enumerate() {
            files.push(file.read().map_err(|message| invalid(format!("file #{index}: {message}")))?);
        }
        Ok(Self { version, files, unknown_fields: unknown_fields(&loose) })
    }
}

impl RawFile {
    fn read(self) -> Result<CodeRelatedFile, String> {
        if self.path.is_some() && self.bundletool_repo_path.is_some() {
            return Err("it has two sources".to_owned());
        }
        let path = self.path.or(self.bundletool_repo_path).unwrap_or_default();
        let kind = match self.kind {
            None | Some(RawKind::Number(0)) => CodeKind::Unspecified,
            Some(RawKind::Number(1)) => CodeKind::NativeLibrary,
            Some(RawKind::Number(2)) => CodeKind::Dex,
            Some(RawKind::Number(number)) => return Err(format!("no such type: {number}")),
            Some(RawKind::Name(name)) => match name.as_str() {
                "TYPE_UNSPECIFIED" => CodeKind::Unspecified,
                "NATIVE_LIBRARY" => CodeKind::NativeLibrary,
                "DEX" => CodeKind::Dex,
                _ => return Err(format!("no such type: {name:?}")),
            },
        };
        let kind = if kind == CodeKind::Unspecified && path.as_bytes().ends_with(b".dex") {
            CodeKind::Dex
        } else {
            kind
        };
        Ok(CodeRelatedFile {
            path,
            kind,
            apk_path: self.apk_path.unwrap_or_default(),
            sha256: self.sha256.unwrap_or_default(),
        })
    }
}

fn unknown_fields(payload: &Map<String, Value>) -> Vec<String> {
    let files = payload.iter().filter(|(name, _)| PAYLOAD_FIELDS[..2].contains(&name.as_str()));
    let of_files = files
        .filter_map(|(_, value)| value.as_array())
        .flatten()
        .filter_map(Value::as_object)
        .flat_map(Map::keys)
        .filter(|name| !FILE_FIELDS.contains(&name.as_str()));
    let of_payload = payload.keys().filter(|name| !PAYLOAD_FIELDS.contains(&name.as_str()));
    let mut unknown: Vec<String> = of_payload.chain(of_files).cloned().collect();
    unknown.sort();
    unknown.dedup();
    unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_bundletool_writes() {
        let payload = br#"{"codeRelatedFile":[
            {"path":"base/dex/classes.dex","type":"DEX","sha256":"aa"},
            {"path":"base/lib/x86/a.so","type":"NATIVE_LIBRARY","apkPath":"lib/x86/a.so","sha256":"bb"},
            {"path":"base/dex/classes2.dex","sha256":"cc"},
            {"bundletoolRepoPath":"archive/classes.dex","type":2,"apk_path":null,"sha256":"dd"}
        ],"version":1}"#;
        let list = CodeTransparency::parse(payload).unwrap();
        assert_eq!((list.version, list.files.len()), (1, 4));
        let kinds: Vec<_> = list.files.iter().map(|file| file.kind).collect();
        assert_eq!(kinds, [CodeKind::Dex, CodeKind::NativeLibrary, CodeKind::Dex, CodeKind::Dex]);
        assert_eq!(list.files[1].apk_path, "lib/x86/a.so");
        assert_eq!(list.files[3].path, "archive/classes.dex");
        assert!(list.unknown_fields.is_empty());
    }

    #[test]
    fn absent_is_empty_and_unknown_is_named() {
        let list = CodeTransparency::parse(b"{}").unwrap();
        assert_eq!((list.version, list.files.len()), (0, 0));
        let list = CodeTransparency::parse(br#"{"version":"7","x":1,"codeRelatedFile":[{"y":1}]}"#).unwrap();
        assert_eq!((list.version, list.unknown_fields), (7, vec!["x".to_owned(), "y".to_owned()]));
    }

    #[test]
    fn refuses_what_bundletool_cannot_read() {
        for wrong in [
            "",
            "[]",
            r#"{"version":"one"}"#,
            r#"{"version":1,"version":1}"#,
            r#"{"codeRelatedFile":{}}"#,
            r#"{"codeRelatedFile":[{"type":"ODEX"}]}"#,
            r#"{"codeRelatedFile":[{"type":3}]}"#,
            r#"{"codeRelatedFile":[{"sha256":1}]}"#,
            r#"{"codeRelatedFile":[{"sha256":"a","sha256":"b"}]}"#,
            r#"{"codeRelatedFile":[{"path":"a","bundletoolRepoPath":"b"}]}"#,
            r#"{"codeRelatedFile":[],"code_related_file":[]}"#,
        ] {
            assert!(CodeTransparency::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
