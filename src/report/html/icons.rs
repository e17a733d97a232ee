//! The icons of a page: each once, as many as it may carry, those of what is to be taken down before others.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde::Serialize;

use crate::apk::PictureFormat;
use crate::report::model::PictureRow;

/// So many bytes of icons a page carries: of what is to be taken down first, of what else did not pass, and of what passed.
/// Base64 adds a third.
const ROOM: [usize; 3] = [6 << 20, 3 << 20, 1 << 20];

/// The icons so far.
pub(super) struct Icons {
    by_digest: BTreeMap<String, String>,
    room: [usize; 3],
    /// How many files have an icon that found no room.
    left_out: u64,
}

/// As the page has them.
#[derive(Serialize)]
pub(super) struct IconFacts<'a> {
    /// Addresses of the scheme `data`, by the names that rows have.
    pub(super) icons: &'a BTreeMap<String, String>,
    pub(super) icons_left_out: u64,
}

/// How much a file matters to whoever reads the page.
#[derive(Clone, Copy)]
pub(super) enum Matters {
    First,
    Failed,
    Passed,
}

impl Icons {
    pub(super) fn new() -> Self {
        Self { by_digest: BTreeMap::new(), room: ROOM, left_out: 0 }
    }

    /// The name under which the page has the icon; none when there is no room for it.
    pub(super) fn take(&mut self, icon: &PictureRow, matters: Matters) -> Option<String> {
        // Half of the digest is enough to tell them apart.
        let name = icon.sha256.get(..32).unwrap_or(&icon.sha256);
        if self.by_digest.contains_key(name) {
            return Some(name.to_owned());
        }
        let [first, failed, passed] = &mut self.room;
        let room = match matters {
            Matters::First => first,
            Matters::Failed => failed,
            Matters::Passed => passed,
        };
        let left = room.checked_sub(icon.bytes.len()).filter(|_| !icon.bytes.is_empty());
        let Some(left) = left else {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        };
        *room = left;
        let kind = match icon.format {
            PictureFormat::Png => "png",
            PictureFormat::Webp => "webp",
        };
        let address = format!("data:image/{kind};base64,{}", BASE64.encode(&icon.bytes));
        self.by_digest.insert(name.to_owned(), address);
        Some(name.to_owned())
    }

    pub(super) fn facts(&self) -> IconFacts<'_> {
        IconFacts { icons: &self.by_digest, icons_left_out: self.left_out }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn icon(number: usize, size: usize) -> PictureRow {
        PictureRow {
            sha256: format!("{number:064x}").chars().rev().collect(),
            format: PictureFormat::Png,
            width: 1,
            height: 1,
            size: 0,
            path: String::new(),
            bytes: vec![0; size],
        }
    }

    #[test]
    fn each_icon_stands_there_once() {
        let mut icons = Icons::new();
        let name = icons.take(&icon(1, 3), Matters::Passed);
        assert!(name.is_some());
        assert_eq!(icons.take(&icon(1, 3), Matters::First), name);
        assert_eq!(icons.facts().icons.values().collect::<Vec<_>>(), ["data:image/png;base64,AAAA"]);
    }

    #[test]
    fn what_passed_takes_no_room_from_what_did_not() {
        let mut icons = Icons::new();
        let size = 64 << 10;
        let taken = (0..200).filter(|number| icons.take(&icon(*number, size), Matters::Passed).is_some());
        assert_eq!(taken.count(), ROOM[2] / size);
        assert_eq!(icons.facts().icons_left_out, 200 - 16);
        assert!(icons.take(&icon(300, size), Matters::Failed).is_some());
        assert!(icons.take(&icon(301, size), Matters::First).is_some());
        // One that is there already needs none.
        assert!(icons.take(&icon(0, size), Matters::Passed).is_some());
    }

    #[test]
    fn one_whose_bytes_are_not_there_is_left_out() {
        let mut icons = Icons::new();
        assert_eq!(icons.take(&icon(1, 0), Matters::First), None);
        assert_eq!(icons.facts().icons_left_out, 1);
    }
}
