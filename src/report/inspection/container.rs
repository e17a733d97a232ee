//! A container, with everything that each of its members shows.

use std::fmt::Write as _;

use serde::Serialize;

use super::InspectionRow;
use super::text;
use crate::report::FileResult;
use crate::report::ReportOptions;
use crate::report::escape::brief;
use crate::report::escape::columns;
use crate::report::text::Paint;
use crate::report::text::Tone;
use crate::report::text::app_text;
use crate::report::text::outcome;
use crate::report::text::paragraph;

/// What is said of a container, with everything that its members show.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ContainerInspectionRow {
    /// What `verify` says of it, without its members.
    #[serde(flatten)]
    pub file: FileResult,
    /// Its members, in the order of its directory.
    pub members: Vec<InspectedMember>,
}

/// A member of a container.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum InspectedMember {
    /// An APK, with everything that it shows.
    Apk(Box<InspectionRow>),
    /// A container in the container, or what cannot be read, as `verify` has it.
    Other(Box<FileResult>),
}

impl ContainerInspectionRow {
    /// The row of the container of which `verify` says `file`; `inspect` shows a member of which it says the result that is
    /// given, by its position, if it is an APK.
    ///
    /// # Errors
    /// What `inspect` says.
    pub fn new<E>(
        mut file: FileResult,
        mut inspect: impl FnMut(usize, &FileResult) -> Result<Option<InspectionRow>, E>,
    ) -> Result<Self, E> {
        let mut members = Vec::new();
        for (position, member) in std::mem::take(&mut file.members).into_iter().enumerate() {
            members.push(match inspect(position, &member)? {
                Some(row) => InspectedMember::Apk(Box::new(row)),
                None => InspectedMember::Other(Box::new(member)),
            });
        }
        Ok(Self { file, members })
    }
}

/// The text of a container and of its members, one behind the other.
pub fn container_text(row: &ContainerInspectionRow, options: &ReportOptions) -> String {
    let mut parts = vec![paragraph(&row.file, options) + &map(row, options)];
    for member in &row.members {
        match member {
            InspectedMember::Apk(row) => parts.push(text(row, options)),
            InspectedMember::Other(result) => {
                parts.extend(result.with_members().into_iter().map(|result| paragraph(result, options)));
            }
        }
    }
    parts.join("\n")
}

/// A line for each member: what it is called, what it comes to, and which app or part of one it is.
fn map(row: &ContainerInspectionRow, options: &ReportOptions) -> String {
    const WIDEST: usize = 40;
    let lines: Vec<(String, &FileResult, String)> =
        row.members.iter().map(|member| member.line(&row.file.path)).collect();
    let width = lines.iter().map(|(name, ..)| columns(name).min(WIDEST)).max().unwrap_or(0);
    let mut text = String::new();
    for (position, (name, result, what)) in lines.iter().enumerate() {
        let label = if position == 0 { "members" } else { "" };
        let label = Paint(options.colour).paint(Tone::Faint, &format!("{label:<11}")).into_owned();
        let pad = " ".repeat(width.saturating_sub(columns(name)));
        let (word, tone) = outcome(result);
        let word = Paint(options.colour).paint(tone, &format!("{word:<10}")).into_owned();
        let line = format!("  {label} {name}{pad}  {word}  {what}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

impl InspectedMember {
    /// The line of a member of the container of that path, in its parts.
    fn line(&self, container: &str) -> (String, &FileResult, String) {
        let (result, split) = match self {
            Self::Apk(row) => {
                let identity = row.identity.as_ref().or(row.claimed_identity.as_ref());
                (&row.file, identity.and_then(|identity| identity.split.as_ref()))
            }
            Self::Other(result) => (&**result, None),
        };
        let within = result.path.strip_prefix(container).and_then(|rest| rest.strip_prefix("!/"));
        let name = within.unwrap_or(&result.path);
        let app = match (&result.package, &result.claimed_package, &result.container) {
            (_, _, Some(container)) => format!("{} container", container.kind),
            (Some(package), ..) => app_text(package, result.version_name.as_deref(), result.version_code),
            (None, Some(claimed), None) => format!("({})", brief(claimed)),
            (None, None, None) => String::new(),
        };
        let part = split.map(|split| {
            let of = split
                .config_for
                .as_ref()
                .filter(|of| !of.is_empty())
                .map(|of| format!(" for {}", brief(of)))
                .unwrap_or_default();
            format!(", part {}{of}", brief(&split.name))
        });
        (brief(name).into_owned(), result, app + &part.unwrap_or_default())
    }
}
