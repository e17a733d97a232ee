//! The file from its start to its end, as text: a line for each entry, section and gap, and for where they overlap.
//!
//! Entries and padding are many and mean nothing by themselves, so that of a large file most are counted; what has no
//! business to be there is shown wherever it stands.

use super::ArchiveRow;
use super::EntryRow;
use super::Extent;
use super::GapRow;
use super::OverlapRow;
use crate::report::escape::shortened;
use crate::report::escape::visible;
use crate::report::text::Paint;
use crate::report::text::Tone;

/// So many entries and pieces of padding are listed unless everything is asked for.
const USUAL_SHOWN: usize = 20;
/// So many gaps and overlaps with something to them are listed unless everything is asked for.
const ODD_SHOWN: usize = 20;
/// So many characters of a name, and of the comment, are shown unless everything is asked for.
const NAME_SHOWN: usize = 100;

/// The lines, each with its label.
pub(super) fn lines(archive: &ArchiveRow, paint: Paint, verbose: bool) -> Vec<(String, String)> {
    let mut map = Map { archive, paint, verbose, lines: Vec::new(), left_out: LeftOut::default() };
    map.totals();
    map.pieces();
    map.lines
}

struct Map<'a> {
    archive: &'a ArchiveRow,
    paint: Paint,
    verbose: bool,
    lines: Vec<(String, String)>,
    left_out: LeftOut,
}

/// What lies somewhere in the file.
struct Piece<'a> {
    offset: u64,
    size: u64,
    kind: Kind<'a>,
}

#[derive(Clone, Copy)]
enum Kind<'a> {
    Entry(&'a EntryRow),
    Gap(&'a GapRow),
    Overlap(&'a OverlapRow),
    Section(&'static str),
}

/// A run of pieces that are not listed.
#[derive(Default)]
struct LeftOut {
    start: u64,
    end: u64,
    entries: usize,
    gaps: usize,
    overlaps: usize,
}

impl Kind<'_> {
    /// Whether it is what every file is full of.
    fn is_usual(self) -> bool {
        match self {
            Self::Entry(entry) => entry.data_offset.is_some() && entry.local_name.is_none(),
            Self::Gap(gap) => gap.padding,
            Self::Overlap(_) | Self::Section(_) => false,
        }
    }
}

impl<'a> Map<'a> {
    /// What it comes to, above the list.
    fn totals(&mut self) {
        let ArchiveRow { entries, gaps, overlaps, .. } = self.archive;
        self.lines.push(("entries".to_owned(), entries.len().to_string()));
        let (padding, odd): (Vec<&GapRow>, Vec<&GapRow>) = gaps.iter().partition(|gap| gap.padding);
        let bytes = |gaps: &[&GapRow]| gaps.iter().fold(0_u64, |sum, gap| sum.saturating_add(gap.size));
        let padded = format!("{} of padding ({} bytes)", padding.len(), bytes(&padding));
        let words = match (odd.len(), padding.len()) {
            (0, 0) => "none: every byte belongs to an entry or a section".to_owned(),
            (0, _) => padded,
            (count, _) => {
                let words = format!("{count} that no padding explains ({} bytes)", bytes(&odd));
                let words = self.paint.paint(Tone::Doubtful, &words).into_owned();
                if padding.is_empty() { words } else { format!("{words}, {padded}") }
            }
        };
        self.lines.push(("gaps".to_owned(), words));
        let words = if overlaps.is_empty() { "none".to_owned() } else { overlaps.len().to_string() };
        let tone = if overlaps.is_empty() { None } else { Some(Tone::Doubtful) };
        let words = tone.map_or_else(|| words.clone(), |tone| self.paint.paint(tone, &words).into_owned());
        self.lines.push(("overlaps".to_owned(), words));
    }

    /// The pieces in the order of the file.
    fn in_order(&self) -> Vec<Piece<'a>> {
        let archive = self.archive;
        let section = |name, extent: Extent| Piece {
            offset: extent.offset,
            size: extent.size,
            kind: Kind::Section(name),
        };
        let entry = |entry: &'a EntryRow| Piece {
            offset: entry.offset,
            size: entry.extent,
            kind: Kind::Entry(entry),
        };
        let gap = |gap: &'a GapRow| Piece { offset: gap.offset, size: gap.size, kind: Kind::Gap(gap) };
        let overlap = |overlap: &'a OverlapRow| Piece {
            offset: overlap.offset,
            size: overlap.size,
            kind: Kind::Overlap(overlap),
        };
        let mut pieces: Vec<Piece<'a>> = archive.entries.iter().map(entry).collect();
        pieces.extend(archive.signing_block.map(|extent| section("APK Signing Block", extent)));
        pieces.push(section("Central Directory", archive.central_directory));
        pieces.push(section("End of Central Directory", archive.end_of_central_directory));
        pieces.extend(archive.gaps.iter().map(gap));
        pieces.extend(archive.overlaps.iter().map(overlap));
        // Stable: an overlap stands behind the entry that it begins with.
        pieces.sort_by_key(|piece| piece.offset);
        pieces
    }

    fn pieces(&mut self) {
        let (mut usual, mut odd) = (0_usize, 0_usize);
        for piece in self.in_order() {
            let (shown, most) = match piece.kind {
                Kind::Section(_) => (&mut 0, ODD_SHOWN),
                kind if kind.is_usual() => (&mut usual, USUAL_SHOWN),
                _ => (&mut odd, ODD_SHOWN),
            };
            if *shown < most || self.verbose {
                *shown = shown.saturating_add(1);
                self.left_out();
                self.piece(&piece);
            } else {
                self.left_out.add(&piece);
            }
        }
        self.left_out();
    }

    fn piece(&mut self, piece: &Piece<'_>) {
        let (kind, tone, words) = match piece.kind {
            Kind::Entry(entry) => self.entry(entry),
            Kind::Gap(gap) => self.gap(gap),
            Kind::Overlap(overlap) => ("OVERLAP".to_owned(), Some(Tone::Doubtful), self.overlap(overlap)),
            Kind::Section(name) => ("section".to_owned(), None, self.section(name)),
        };
        let kind = format!("{kind:<8}");
        let kind = tone.map_or_else(|| kind.clone(), |tone| self.paint.paint(tone, &kind).into_owned());
        self.line(piece.offset, piece.size, &format!("{kind}  {words}"));
    }

    fn line(&mut self, offset: u64, size: u64, text: &str) {
        self.lines.push((format!("{offset:#010x}"), format!("{size:>9} bytes  {text}")));
    }

    fn entry(&self, entry: &EntryRow) -> (String, Option<Tone>, String) {
        let mut words = self.name(&entry.name);
        if entry.data_offset.is_none() {
            words.push_str(": no local header stands here");
            return ("MISSING".to_owned(), Some(Tone::Doubtful), words);
        }
        let kind = match entry.method {
            0 => "stored".to_owned(),
            8 => "deflate".to_owned(),
            other => format!("method {other}"),
        };
        if entry.method != 0 {
            words = format!("{words}, {} bytes inflated", entry.size);
        }
        if let Some(name) = &entry.local_name {
            words = format!("{words}; in its local header {}", self.name(name));
        }
        (kind, None, words)
    }

    fn gap(&self, gap: &GapRow) -> (String, Option<Tone>, String) {
        let at = gap.content_offset.unwrap_or_default();
        let mut words = match gap.content {
            "zeros" => "zeros".to_owned(),
            "filler" => "what build tools leave where an entry was".to_owned(),
            "local-header" => {
                let name = self.name(gap.name.as_deref().unwrap_or_default());
                format!("an entry that the directory does not list, at {at:#x}: {name}")
            }
            "signing-block" => {
                format!("the magic of an APK Signing Block, at {at:#x}: Android sees no block here")
            }
            "data" => format!("data at {at:#x}: {}", dump(gap.start.as_deref().unwrap_or_default())),
            _ => "zeros, as far as they were looked at".to_owned(),
        };
        match gap.place {
            "behind-records" => words.push_str("; in the directory, behind its records"),
            "before-end-record" => words.push_str("; between the directory and its end"),
            _ => {}
        }
        if gap.padding {
            ("padding".to_owned(), Some(Tone::Faint), words)
        } else {
            ("GAP".to_owned(), Some(Tone::Doubtful), words)
        }
    }

    fn overlap(&self, overlap: &OverlapRow) -> String {
        let entries = &self.archive.entries;
        let Some(entry) = entries.get(overlap.entry) else { return String::new() };
        // One long name may stand in each of many overlaps, so it is cut however much is asked for.
        let name = |entry: &EntryRow| visible(&shortened(&entry.name, NAME_SHOWN)).into_owned();
        match overlap.other.and_then(|other| entries.get(other)) {
            Some(other) if other.offset == entry.offset && other.name == entry.name => {
                format!("{} stands in the directory more than once", name(entry))
            }
            Some(other) => format!("{} lies on {}", name(entry), name(other)),
            None => format!("{} reaches into what follows the entries", name(entry)),
        }
    }

    fn section(&self, name: &str) -> String {
        match &self.archive.comment {
            Some(comment) if name == "End of Central Directory" => {
                format!("{name}, comment: {}", self.name(comment))
            }
            _ => name.to_owned(),
        }
    }

    fn name(&self, name: &str) -> String {
        let name = if self.verbose { name.into() } else { shortened(name, NAME_SHOWN) };
        visible(&name).into_owned()
    }

    /// Says what was left out since the last line.
    fn left_out(&mut self) {
        let LeftOut { start, end, entries, gaps, overlaps } = std::mem::take(&mut self.left_out);
        let many = |count: usize, one: &str, more: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {more}")),
        };
        let parts = [
            many(entries, "more entry", "more entries"),
            many(gaps, "more gap", "more gaps"),
            many(overlaps, "more overlap", "more overlaps"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if !parts.is_empty() {
            let text = format!("{:<8}  {}; --verbose shows them all", "…", parts.join(", "));
            self.line(start, end.saturating_sub(start), &text);
        }
    }
}

impl LeftOut {
    fn add(&mut self, piece: &Piece<'_>) {
        if self.entries == 0 && self.gaps == 0 && self.overlaps == 0 {
            (self.start, self.end) = (piece.offset, piece.offset);
        }
        self.end = self.end.max(piece.offset.saturating_add(piece.size));
        let count = match piece.kind {
            Kind::Entry(_) => &mut self.entries,
            Kind::Gap(_) => &mut self.gaps,
            Kind::Overlap(_) => &mut self.overlaps,
            Kind::Section(_) => return,
        };
        *count = count.saturating_add(1);
    }
}

/// Hexadecimal digits as pairs, and the text that they spell.
fn dump(hex: &str) -> String {
    let octets: Vec<u8> = data_encoding::HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).unwrap_or_default();
    let pairs: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    let text: String = octets
        .iter()
        .map(|octet| if octet.is_ascii_graphic() || *octet == b' ' { char::from(*octet) } else { '.' })
        .collect();
    format!("{}  |{text}|", pairs.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u64) -> EntryRow {
        EntryRow {
            name: format!("res/{number}{}", "x".repeat(200)),
            offset: number * 100,
            extent: 90,
            data_offset: Some(number * 100 + 50),
            method: 0,
            compressed_size: 40,
            size: 40,
            descriptor_size: None,
            local_name: None,
        }
    }

    fn gap(number: u64, padding: bool) -> GapRow {
        GapRow {
            offset: number * 100 + 90,
            size: 10,
            place: "between-entries",
            content: if padding { "zeros" } else { "data" },
            padding,
            content_offset: None,
            name: None,
            start: None,
        }
    }

    /// 5,000 entries with padding between them; `odd` tells which of them something else stands behind.
    fn archive(odd: &[u64]) -> ArchiveRow {
        ArchiveRow {
            signing_block: None,
            central_directory: Extent { offset: 500_000, size: 10 },
            end_of_central_directory: Extent { offset: 500_010, size: 22 },
            comment: None,
            entries: (0..5_000).map(entry).collect(),
            gaps: (0..5_000).map(|number| gap(number, !odd.contains(&number))).collect(),
            overlaps: Vec::new(),
        }
    }

    fn shown(archive: &ArchiveRow, verbose: bool) -> Vec<String> {
        lines(archive, Paint(false), verbose)
            .into_iter()
            .map(|(label, text)| format!("{label} {text}"))
            .collect()
    }

    #[test]
    fn counts_what_is_usual_and_shows_what_is_not() {
        let text = shown(&archive(&[4_321]), false);
        assert_eq!(text[1], "gaps 1 that no padding explains (10 bytes), 4999 of padding (49990 bytes)");
        let odd = text.iter().position(|line| line.starts_with("0x0006983e        10 bytes  GAP ")).unwrap();
        let before = "0x000003e8    431190 bytes  …         4312 more entries, 4311 more gaps; --verbose shows them all";
        assert_eq!(text[odd - 1], before);
        assert!(text[odd + 1].contains("678 more entries, 678 more gaps"), "{}", text[odd + 1]);
        assert_eq!(text.len(), 3 + USUAL_SHOWN + 3 + 2);
        assert_eq!(shown(&archive(&[]), true).len(), 3 + 10_000 + 2);
    }

    #[test]
    fn is_bounded_however_much_is_odd() {
        let all: Vec<u64> = (0..5_000).collect();
        let mut archive = archive(&all);
        archive.overlaps = (1..5_000)
            .map(|entry| OverlapRow { offset: entry as u64 * 100, size: 5, entry, other: Some(entry - 1) })
            .collect();
        let text = shown(&archive, false);
        assert!(text.len() < 3 + 2 * (USUAL_SHOWN + ODD_SHOWN) + 5, "{} lines", text.len());
        assert!(text.iter().any(|line| line.ends_with(" more overlaps; --verbose shows them all")));
        assert!(shown(&archive, true).iter().all(|line| line.len() < 500), "names are cut in overlaps");
    }

    #[test]
    fn dumps_octets_and_what_they_spell() {
        assert_eq!(dump("64650a1b7f20ff"), "64 65 0a 1b 7f 20 ff  |de... .|");
    }
}
