//! How the archive lies in the file.

use crate::apk::Apk;
use crate::apk::Layout;
use crate::apk::Stop;
use crate::format::zip;

/// Where everything lies in the file, and what the entries are called.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ArchiveFacts {
    /// Entries, sections, gaps and overlaps.
    pub layout: Layout,
    /// The names of [`Layout::entries`], in their order; what is not UTF-8 in them is replaced.
    pub names: Vec<String>,
    /// The archive comment.
    pub comment: Vec<u8>,
}

/// The facts of `apk`.
pub(super) fn facts(apk: &Apk<'_>) -> Result<ArchiveFacts, Stop> {
    let directory = apk.directory()?;
    let layout = apk.layout()?;
    let name = |record| String::from_utf8_lossy(directory.name(record)).into_owned();
    Ok(ArchiveFacts {
        names: layout.entries.iter().map(|entry| name(&entry.record)).collect(),
        layout,
        comment: apk.sections().eocd.get(zip::EOCD_SIZE..).unwrap_or_default().to_vec(),
    })
}
