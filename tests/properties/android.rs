//! What Android reads in an archive: a model of libziparchive written from its rules, which shares no code with the crate.
//!
//! Opening: `MapCentralDirectory0` and `ParseZipArchive`; an entry: `FindEntry` and the extraction behind it. Where a
//! field sends it to ZIP64 the model says nothing.

use std::collections::BTreeMap;

/// Names and contents; an entry that the platform cannot read has none.
pub(super) type Entries = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Why the platform does not open an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It does not, for this reason.
    Refused(&'static str),
    /// Not modelled.
    Zip64,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize)
}

/// All entries as the platform reads them.
pub(super) fn open(file: &[u8]) -> Result<Entries, Refusal> {
    const SHORT: Refusal = Refusal::Refused("cut off");
    let refuse = |why| Err(Refusal::Refused(why));
    let Some(last) = file.len().checked_sub(22) else { return refuse("too short") };
    let first = last.saturating_sub(0xffff);
    let Some(eocd) = (first..=last).rev().find(|at| u32_at(file, *at) == Some(0x0605_4b50)) else {
        return refuse("no end record");
    };
    let short = |at| u16_at(file, eocd + at).ok_or(SHORT);
    let long = |at| u32_at(file, eocd + at).ok_or(SHORT);
    if eocd + 22 + short(20)? != file.len() {
        return refuse("bytes behind the end record");
    }
    let (count, size, directory) = (short(10)?, long(12)?, long(16)?);
    if count == 0xffff || short(8)? == 0xffff || size == 0xffff_ffff || directory == 0xffff_ffff {
        return Err(Refusal::Zip64);
    }
    if directory + size > eocd {
        return refuse("the directory overlaps its end");
    }
    if count == 0 {
        return refuse("no entries");
    }
    if u32_at(file, 0) != Some(0x0403_4b50) {
        return refuse("does not begin with a local header");
    }
    let records = &file[directory..directory + size];
    let (mut entries, mut at) = (Entries::new(), 0);
    for _ in 0..count {
        if records.len() < at + 46 || u32_at(records, at) != Some(0x0201_4b50) {
            return refuse("a directory record is none");
        }
        let (name_len, extra_len, comment_len) = (
            u16_at(records, at + 28).ok_or(SHORT)?,
            u16_at(records, at + 30).ok_or(SHORT)?,
            u16_at(records, at + 32).ok_or(SHORT)?,
        );
        let Some(name) = records.get(at + 46..at + 46 + name_len) else { return refuse("a name is cut off") };
        let record = &records[at..at + 46];
        let fields = [20, 24, 42].map(|at| u32_at(record, at).unwrap_or_default());
        if fields.contains(&0xffff_ffff) {
            return Err(Refusal::Zip64);
        }
        if fields[2] >= directory {
            return refuse("a local header behind the directory");
        }
        at += 46 + name_len + extra_len + comment_len;
        if at > records.len() {
            return refuse("a directory record is cut off");
        }
        if name.contains(&0) || !is_modified_utf8(name) {
            return refuse("a name that is not allowed");
        }
        if entries.insert(name.to_vec(), read(file, directory, record, name)).is_some() {
            return refuse("a name twice");
        }
    }
    Ok(entries)
}

/// What runs: everything but directories and `META-INF/`. `None` when some of it cannot be read.
pub(super) fn content(file: &[u8]) -> Option<BTreeMap<Vec<u8>, Vec<u8>>> {
    open(file)
        .ok()?
        .into_iter()
        .filter(|(name, _)| !name.starts_with(b"META-INF/") && !name.ends_with(b"/"))
        .map(|(name, content)| Some((name, content?)))
        .collect()
}

/// The same rule as the platform's `IsValidEntryName`: lead bytes and how many follow; overlong forms and surrogates pass.
fn is_modified_utf8(name: &[u8]) -> bool {
    let mut at = 0;
    while at < name.len() {
        let follow = match name[at] {
            0..=0x7f => 0,
            0xc0..=0xdf => 1,
            0xe0..=0xef => 2,
            0xf0..=0xf7 => 3,
            0xf8..=0xfb => 4,
            0xfc..=0xfd => 5,
            _ => return false,
        };
        let Some(rest) = name.get(at + 1..=at + follow) else { return false };
        if rest.iter().any(|byte| byte & 0xc0 != 0x80) {
            return false;
        }
        at += 1 + follow;
    }
    true
}

fn read(file: &[u8], directory: usize, record: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let local = u32_at(record, 42)?;
    if local + 30 > directory || u32_at(file, local)? != 0x0403_4b50 {
        return None;
    }
    let name_len = u16_at(file, local + 26)?;
    if file.get(local + 30..local + 30 + name_len)? != name {
        return None;
    }
    let (crc, compressed, size) = (u32_at(record, 16)?, u32_at(record, 20)?, u32_at(record, 24)?);
    let has_descriptor = u16_at(file, local + 6)? & 8 != 0;
    let theirs = (u32_at(file, local + 14)?, u32_at(file, local + 18)?, u32_at(file, local + 22)?);
    if !has_descriptor && theirs != (crc, compressed, size) {
        return None;
    }
    let start = local + 30 + name_len + u16_at(file, local + 28)?;
    let stored = u16_at(record, 10)? == 0;
    if start > directory || start + compressed > directory || stored && start + size > directory {
        return None;
    }
    if stored {
        return Some(file[start..start + size].to_vec());
    }
    let content = inflate(&file[start..start + compressed], size)?;
    (content.len() == size).then_some(content)
}

struct Bits<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: u32) -> Option<usize> {
        let mut value = 0;
        for bit in 0..count {
            let byte = *self.bytes.get(self.place / 8)?;
            value |= usize::from(byte >> (self.place % 8) & 1) << bit;
            self.place += 1;
        }
        Some(value)
    }
}

/// A canonical Huffman code: how many codes of each length, and the symbols in order.
struct Code {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &[usize]) -> Self {
        let mut counts = [0; 16];
        for length in lengths {
            counts[*length] += 1;
        }
        counts[0] = 0;
        let mut symbols: Vec<usize> = (0..lengths.len()).filter(|symbol| lengths[*symbol] > 0).collect();
        symbols.sort_by_key(|symbol| lengths[*symbol]);
        Self { counts, symbols }
    }

    fn read(&self, bits: &mut Bits<'_>) -> Option<usize> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in &self.counts[1..] {
            code |= bits.take(1)?;
            if code < first + count {
                return self.symbols.get(index + code - first).copied();
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}

/// Raw deflate (RFC 1951), to at most `most` bytes.
pub(super) fn inflate(bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let mut bits = Bits { bytes, place: 0 };
    let mut out = Vec::new();
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => {
                bits.place = bits.place.next_multiple_of(8);
                let (len, not_len) = (bits.take(16)?, bits.take(16)?);
                if len != !not_len & 0xffff {
                    return None;
                }
                let start = bits.place / 8;
                out.extend_from_slice(bytes.get(start..start + len)?);
                bits.place += len * 8;
            }
            1 => {
                let lengths: Vec<usize> = [(144, 8), (112, 9), (24, 7), (8, 8)]
                    .iter()
                    .flat_map(|(count, len)| vec![*len; *count])
                    .collect();
                inflate_block(&mut bits, &Code::new(&lengths), &Code::new(&[5; 30]), &mut out, most)?;
            }
            2 => {
                let (literals, distances, kinds) =
                    (bits.take(5)? + 257, bits.take(5)? + 1, bits.take(4)? + 4);
                let mut lengths = vec![0; 19];
                for place in &ORDER[..kinds] {
                    lengths[*place] = bits.take(3)?;
                }
                let code = Code::new(&lengths);
                let mut lengths = Vec::new();
                while lengths.len() < literals + distances {
                    match code.read(&mut bits)? {
                        16 => {
                            let before = *lengths.last()?;
                            let count = bits.take(2)? + 3;
                            lengths.extend(vec![before; count]);
                        }
                        17 => lengths.extend(vec![0; bits.take(3)? + 3]),
                        18 => lengths.extend(vec![0; bits.take(7)? + 11]),
                        length => lengths.push(length),
                    }
                }
                if lengths.len() > literals + distances {
                    return None;
                }
                let (literal, distance) = lengths.split_at(literals);
                inflate_block(&mut bits, &Code::new(literal), &Code::new(distance), &mut out, most)?;
            }
            _ => return None,
        }
        if out.len() > most {
            return None;
        }
        if last {
            return Some(out);
        }
    }
}

fn inflate_block(
    bits: &mut Bits<'_>,
    literals: &Code,
    distances: &Code,
    out: &mut Vec<u8>,
    most: usize,
) -> Option<()> {
    loop {
        if out.len() > most {
            return None;
        }
        match literals.read(bits)? {
            literal @ 0..=255 => out.push(literal as u8),
            256 => return Some(()),
            symbol => {
                let (start, extra) = match symbol - 257 {
                    28 => (258, 0),
                    code @ 0..8 => (code + 3, 0),
                    code @ 8..28 => (((4 + code % 4) << (code / 4 - 1)) + 3, code as u32 / 4 - 1),
                    _ => return None,
                };
                let len = start + bits.take(extra)?;
                let (start, extra) = match distances.read(bits)? {
                    code @ 0..4 => (code + 1, 0),
                    code @ 4..30 => (((2 + code % 2) << (code / 2 - 1)) + 1, code as u32 / 2 - 1),
                    _ => return None,
                };
                let distance = start + bits.take(extra)?;
                for _ in 0..len {
                    out.push(*out.get(out.len().checked_sub(distance)?)?);
                }
            }
        }
    }
}
