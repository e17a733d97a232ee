//! A container, with everything that each of its members shows.

use serde::Serialize;

use super::InspectionRow;
use super::text;
use crate::report::FileResult;
use crate::report::ReportOptions;
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
    let mut parts = vec![paragraph(&row.file, options)];
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
