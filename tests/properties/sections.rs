//! Bytes of the file, wherever they lie: those that v2 and newer protect, and the fields that say where all begins.

use super::bases::Base;
use super::block::Cause;
use super::mutant::Expected;
use super::mutant::Mutant;
use super::mutant::mutant;
use super::random::Random;

/// An honest file in its parts.
#[derive(Clone)]
pub(super) struct Sections {
    pub(super) contents: Vec<u8>,
    /// From the first size to the magic; empty where there is none.
    pub(super) block: Vec<u8>,
    pub(super) directory: Vec<u8>,
    pub(super) eocd: Vec<u8>,
}

impl Sections {
    /// Takes an honest file apart: the end record is the last one.
    pub(super) fn of(file: &[u8]) -> Self {
        let eocd = (0..=file.len() - 22).rev().find(|at| file[*at..].starts_with(b"PK\x05\x06")).unwrap();
        let field =
            |at: usize| u32::from_le_bytes(file[eocd + at..eocd + at + 4].try_into().unwrap()) as usize;
        let (size, directory) = (field(12), field(16));
        let start = block_start(file, directory).unwrap_or(directory);
        Self {
            contents: file[..start].to_vec(),
            block: file[start..directory].to_vec(),
            directory: file[directory..directory + size].to_vec(),
            eocd: file[eocd..].to_vec(),
        }
    }

    /// The file; the end record points where the directory then stands.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut eocd = self.eocd.clone();
        let directory = self.contents.len() + self.block.len();
        eocd[16..20].copy_from_slice(&(directory as u32).to_le_bytes());
        [&self.contents[..], &self.block, &self.directory, &eocd].concat()
    }
}

/// Where the signing block before the directory starts, by its second size.
fn block_start(file: &[u8], directory: usize) -> Option<usize> {
    let end = file.get(..directory)?;
    if !end.ends_with(b"APK Sig Block 42") {
        return None;
    }
    let size = end.get(directory.checked_sub(24)?..directory - 16)?;
    let size = usize::try_from(u64::from_le_bytes(size.try_into().ok()?)).ok()?;
    directory.checked_sub(size.checked_add(8)?)
}

/// All but the signing block, as the verifier of signatures finds it: the end record nearest to the end whose comment ends
/// with the file. The record's offset of the directory is that of the block.
pub(super) fn protected(file: &[u8]) -> Option<Vec<u8>> {
    let last = file.len().checked_sub(22)?;
    let ends_here = |at: &usize| {
        file[*at..].starts_with(b"PK\x05\x06")
            && usize::from(u16::from_le_bytes([file[*at + 20], file[*at + 21]])) == last - at
    };
    let eocd = (last.saturating_sub(0xffff)..=last).rev().find(ends_here)?;
    let directory = u32::from_le_bytes(file[eocd + 16..eocd + 20].try_into().ok()?) as usize;
    let start = block_start(file, directory)?;
    let mut end = file[eocd..].to_vec();
    end[16..20].copy_from_slice(&u32::try_from(start).ok()?.to_le_bytes());
    Some([file.get(..start)?, file.get(directory..eocd)?, &end].concat())
}

/// What a change of protected bytes comes to.
fn of_protected(base: &Base) -> Expected {
    if base.only_v1 {
        Expected::ByContent
    } else if base.guarded {
        Expected::Rejected(Cause::FILE)
    } else {
        // Without its block it is signed with v1.
        Expected::ByContent
    }
}

/// One to a few bytes anywhere but in the signing block.
pub(super) fn bytes_changed(base: &Base, random: &mut Random) -> Option<Mutant> {
    let sections = Sections::of(&base.file);
    let mut parts = [sections.contents, sections.block, sections.directory, sections.eocd];
    let part = *random.pick(&[0, 0, 0, 2, 2, 3]);
    let before = parts[part].clone();
    random.scramble(&mut parts[part]);
    // In half of the cases the end record still points at the directory.
    let fixed = part == 0 && random.one_in(2);
    let mut file = parts.concat();
    if fixed && parts[3].len() >= 22 {
        let directory = (parts[0].len() + parts[1].len()) as u32;
        let eocd = file.len() - parts[3].len();
        file[eocd + 16..eocd + 20].copy_from_slice(&directory.to_le_bytes());
    }
    if parts[part] == before {
        return None;
    }
    let name = ["contents", "block", "directory", "end record"][part];
    Some(mutant(
        format!("{name} scrambled{}", if fixed { ", offset set right" } else { "" }),
        file,
        of_protected(base),
    ))
}

/// Bytes at a border: in front of all, before and behind the block, before and behind the end record.
pub(super) fn bytes_inserted(base: &Base, random: &mut Random) -> Option<Mutant> {
    let sections = Sections::of(&base.file);
    let mut parts = [sections.contents, sections.block, sections.directory, sections.eocd, Vec::new()];
    let border = random.below(5);
    let len = *random.pick(&[1, 2, 4, 8, 100, 4096]);
    let bytes = match random.below(4) {
        0 => vec![0; len],
        1 => parts[random.below(4)].clone(),
        2 => [b"dex\n035\0".as_slice(), &random.bytes(len)].concat(),
        _ => random.bytes(len),
    };
    if bytes.is_empty() {
        return None;
    }
    parts[border].splice(0..0, bytes.iter().copied());
    let mut file = parts.concat();
    // What comes before the directory moves it; half of the time that is set right, and for Janus every local header.
    let fixed = border < 3 && random.one_in(2);
    if fixed {
        let directory: usize =
            parts[..2].iter().map(Vec::len).sum::<usize>() + if border == 2 { bytes.len() } else { 0 };
        let eocd = file.len() - parts[3].len();
        file[eocd + 16..eocd + 20].copy_from_slice(&(directory as u32).to_le_bytes());
        if border == 0 {
            move_local_headers(&mut file, directory, bytes.len());
        }
    }
    let name =
        ["in front", "before the block", "before the directory", "before the end record", "at the end"]
            [border];
    let what = format!("{} bytes {name}{}", bytes.len(), if fixed { ", offsets set right" } else { "" });
    let expected = match (base.only_v1, border) {
        // Android 5 to 8 would have run it, newer ones do not open it.
        (true, 0) if !bytes.starts_with(b"PK\x03\x04") => Expected::Rejected(Cause::JAR),
        // Unless it is an end record itself.
        (true, 4) if !bytes.starts_with(b"PK\x05\x06") => Expected::Rejected(Cause::JAR),
        _ => of_protected(base),
    };
    Some(mutant(what, file, expected))
}

fn move_local_headers(file: &mut [u8], directory: usize, by: usize) {
    let mut at = directory;
    while file.get(at..).is_some_and(|rest| rest.starts_with(b"PK\x01\x02")) {
        let field = |at: usize| usize::from(u16::from_le_bytes([file[at], file[at + 1]]));
        let next = at + 46 + field(at + 28) + field(at + 30) + field(at + 32);
        let offset = u32::from_le_bytes(file[at + 42..at + 46].try_into().unwrap()) as usize + by;
        file[at + 42..at + 46].copy_from_slice(&(offset as u32).to_le_bytes());
        at = next;
    }
}

/// The file cut off, or with a piece missing.
pub(super) fn bytes_missing(base: &Base, random: &mut Random) -> Option<Mutant> {
    let mut file = base.file.clone();
    let from = random.below(file.len());
    let to = if random.one_in(2) { file.len() } else { (from + 1 + random.below(200)).min(file.len()) };
    if to - from == 22 && file[from..].starts_with(b"PK\x05\x06") {
        return None;
    }
    drop(file.drain(from..to));
    let expected =
        if base.guarded && !base.only_v1 { Expected::Rejected(Cause::FILE) } else { Expected::ByContent };
    Some(mutant(format!("bytes {from} to {to} missing"), file, expected))
}

/// Two pieces exchanged, or one written over another.
pub(super) fn bytes_moved(base: &Base, random: &mut Random) -> Option<Mutant> {
    let sections = Sections::of(&base.file);
    let mut contents = sections.contents.clone();
    let len = 1 + random.below(64);
    let (from, to) = (random.below(contents.len() - len), random.below(contents.len() - len));
    let piece = contents[from..from + len].to_vec();
    contents[to..to + len].copy_from_slice(&piece);
    if contents == sections.contents {
        return None;
    }
    let file = Sections { contents, ..sections }.to_bytes();
    Some(mutant(format!("{len} bytes at {from} written to {to}"), file, of_protected(base)))
}

/// A section of another app of the signer.
pub(super) fn section_exchanged(base: &Base, random: &mut Random) -> Option<Mutant> {
    let (mut sections, twin) = (Sections::of(&base.file), Sections::of(&base.twin));
    let what = match random.below(3) {
        0 => {
            sections.contents = twin.contents;
            "contents"
        }
        1 => {
            sections.contents = twin.contents;
            sections.directory = twin.directory;
            "contents and directory"
        }
        _ => {
            sections.directory = twin.directory;
            "directory"
        }
    };
    let file = sections.to_bytes();
    if file == base.file || base.only_v1 {
        return None;
    }
    Some(mutant(format!("{what} of another app of the signer"), file, of_protected(base)))
}

/// A second directory, of another app of the signer, which a record of ZIP64 points to; and the value in a field of the end
/// record that sends readers there.
pub(super) fn zip64_added(base: &Base, random: &mut Random) -> Option<Mutant> {
    let (own, twin) = (Sections::of(&base.file), Sections::of(&base.twin));
    let contents = [&own.contents[..], &twin.contents].concat();
    let mut directory = twin.directory.clone();
    move_local_headers(&mut directory, 0, own.contents.len());
    let start = contents.len() + own.block.len();
    let second = start + own.directory.len();
    let records = u64::from(u16::from_le_bytes([twin.eocd[10], twin.eocd[11]]));
    let mut end = b"PK\x06\x06".to_vec();
    end.extend(44_u64.to_le_bytes());
    end.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for field in [records, records, directory.len() as u64, second as u64] {
        end.extend(field.to_le_bytes());
    }
    let mut locator = b"PK\x06\x07\0\0\0\0".to_vec();
    locator.extend(((second + directory.len()) as u64).to_le_bytes());
    locator.extend([1, 0, 0, 0]);
    let mut eocd = own.eocd.clone();
    eocd[16..20].copy_from_slice(&(start as u32).to_le_bytes());
    let field = random.below(5);
    let name = ["no field", "records on this disk", "records", "size", "offset"][field];
    match field {
        0 => {}
        1 => eocd[8..10].fill(0xff),
        2 => eocd[10..12].fill(0xff),
        3 => eocd[12..16].fill(0xff),
        _ => eocd[16..20].fill(0xff),
    }
    let file = [&contents[..], &own.block, &own.directory, &directory, &end, &locator, &eocd].concat();
    let expected = match (base.only_v1, field) {
        (true, 0) => Expected::Accepted,
        // The installer reads the other one.
        (true, _) => Expected::Rejected(Cause::JAR),
        _ => of_protected(base),
    };
    (file != base.file).then(|| mutant(format!("ZIP64, sent there by {name}"), file, expected))
}

/// A field of a header: where it stands in the record, how wide it is, and its name.
type Field = (usize, usize, &'static str);

const LOCAL: [Field; 11] = [
    (0, 4, "magic"),
    (4, 2, "version"),
    (6, 2, "flags"),
    (8, 2, "method"),
    (10, 2, "time"),
    (12, 2, "date"),
    (14, 4, "checksum"),
    (18, 4, "compressed size"),
    (22, 4, "size"),
    (26, 2, "name length"),
    (28, 2, "extra length"),
];
const CENTRAL: [Field; 17] = [
    (0, 4, "magic"),
    (4, 2, "made by"),
    (6, 2, "version"),
    (8, 2, "flags"),
    (10, 2, "method"),
    (12, 2, "time"),
    (14, 2, "date"),
    (16, 4, "checksum"),
    (20, 4, "compressed size"),
    (24, 4, "size"),
    (28, 2, "name length"),
    (30, 2, "extra length"),
    (32, 2, "comment length"),
    (34, 2, "disk"),
    (36, 2, "internal attributes"),
    (38, 4, "external attributes"),
    (42, 4, "offset"),
];
const END: [Field; 8] = [
    (0, 4, "magic"),
    (4, 2, "disk"),
    (6, 2, "disk of the directory"),
    (8, 2, "records on this disk"),
    (10, 2, "records"),
    (12, 4, "size of the directory"),
    (16, 4, "offset of the directory"),
    (20, 2, "comment length"),
];

/// A field of a local header, directory record or the end record: an extreme, another bit, or the true value of another.
pub(super) fn field_changed(base: &Base, random: &mut Random) -> Option<Mutant> {
    let sections = Sections::of(&base.file);
    let directory = sections.contents.len() + sections.block.len();
    let mut file = base.file.clone();
    let mut records = Vec::new();
    let mut at = directory;
    while file[at..].starts_with(b"PK\x01\x02") {
        let field = |at: usize| usize::from(u16::from_le_bytes([file[at], file[at + 1]]));
        records.push(at);
        at += 46 + field(at + 28) + field(at + 30) + field(at + 32);
    }
    let record = *random.pick(&records);
    let local = u32::from_le_bytes(file[record + 42..record + 46].try_into().unwrap()) as usize;
    let (place, kind, fields) = match random.below(5) {
        0 | 1 => (local, "local header", &LOCAL[..]),
        2 | 3 => (record, "directory record", &CENTRAL[..]),
        _ => (at, "end record", &END[..]),
    };
    let (offset, width, name) = *random.pick(fields);
    let field = place + offset..place + offset + width;
    let value = file[field.clone()].iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    let new =
        if random.one_in(2) { random.extreme(value, width) } else { value ^ 1 << random.below(8 * width) };
    file[field].copy_from_slice(&new.to_le_bytes()[..width]);
    if new == value {
        return None;
    }
    // Nobody reads these of an archive, and v1 does not cover them.
    let idle = match kind {
        "local header" => ["time", "date", "version"].contains(&name),
        "directory record" => {
            let idle =
                ["time", "date", "version", "made by", "disk", "internal attributes", "external attributes"];
            idle.contains(&name)
        }
        _ => false,
    };
    let expected = if base.only_v1 && idle { Expected::Accepted } else { of_protected(base) };
    Some(mutant(format!("{name} of a {kind}: {value:#x} becomes {new:#x}"), file, expected))
}
