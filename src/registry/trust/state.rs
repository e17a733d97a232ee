//! What was accepted before: for each registry the highest serial, in a small JSON file.

use std::collections::BTreeMap;
use std::io;
use std::io::Write as _;
use std::path::Path;

use serde::Deserialize;
use serde::Serialize;

use super::super::Header;
use crate::atomic_file::AtomicFile;
use crate::error::Error;
use crate::fields::read_text;
use crate::identity::CertificateDigest;

/// Size of the largest such file, in bytes.
const MAX_STATE: u64 = 16 << 20;
const SCHEMA: u64 = 1;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    schema: u64,
    registries: BTreeMap<String, Seen>,
}

/// The newest edition of a registry that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {
    serial: u64,
    /// SHA-256 of the file.
    sha256: CertificateDigest,
}

/// Notes in the file `state` that the registry of `header` was accepted; `sha256` is the digest of its text.
///
/// # Errors
/// [`Error::Configuration`] when a newer edition was accepted before, or another one of the same serial; when it has no
/// serial; when the file is none of ours. [`Error::File`] when it cannot be written.
pub(super) fn remember(
    state: &Path,
    registry: &Path,
    header: &Header,
    sha256: [u8; 32],
) -> Result<(), Error> {
    let refused =
        |message: String| Error::Configuration { path: registry.to_owned(), position: None, message };
    let Some(serial) = header.serial else {
        let message =
            "expected \"serial\" in a registry whose editions are remembered, found none; write serial = 1";
        return Err(refused(message.to_owned()));
    };
    let new = Seen { serial, sha256: CertificateDigest(sha256) };
    // Mostly there is nothing to write, and perhaps no right to.
    if read(state)?.registries.get(&header.id) == Some(&new) {
        return Ok(());
    }
    let mut file = AtomicFile::begin(state)?;
    let mut all = read(state)?;
    match all.registries.get(&header.id) {
        Some(seen) if seen.serial > serial => {
            return Err(refused(format!(
                "the registry is older than one that was accepted before: its serial is {serial}, {} knows serial {} \
                 of {:?}; get the newest edition",
                state.display(),
                seen.serial,
                header.id
            )));
        }
        Some(seen) if seen.serial == serial && *seen != new => {
            return Err(refused(format!(
                "the registry is another than the one of serial {serial} of {:?} that {} knows; \
                 get the newest edition, and raise the serial with each change",
                header.id,
                state.display()
            )));
        }
        _ => {}
    }
    all.registries.insert(header.id.clone(), new);
    let write = |error: io::Error| Error::file(state, "write", error);
    serde_json::to_writer_pretty(&mut file, &all).map_err(|error| write(error.into()))?;
    file.write_all(b"\n").map_err(write)?;
    file.commit()
}

/// What the file holds; nothing when there is none.
fn read(path: &Path) -> Result<State, Error> {
    if !path.try_exists().unwrap_or(true) {
        return Ok(State { schema: SCHEMA, ..State::default() });
    }
    let text = read_text(path, "the state of registries", "a state file", MAX_STATE)?;
    let wrong = |position, found: &str| Error::Configuration {
        path: path.to_owned(),
        position,
        message: format!(
            "expected the serials of registries that were accepted, found {found}; name another file, or restore it \
             from a copy: without it an older registry is not noticed"
        ),
    };
    let state: State = serde_json::from_str(&text)
        .map_err(|error| wrong(Some((error.line(), error.column().max(1))), "something else"))?;
    if state.schema != SCHEMA {
        return Err(wrong(None, &format!("schema {}", state.schema)));
    }
    Ok(state)
}
