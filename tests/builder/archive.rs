//! Writes ZIP archives, every field open to change.

use std::rc::Rc;

use super::signing_block::SigningBlock;

/// What is stored under a name: one local file header, its data, and the directory records that point at it.
#[derive(Debug, Clone)]
pub struct RawEntry {
    /// Bytes in front of the local file header.
    pub gap: Vec<u8>,
    pub local: LocalHeader,
    /// The data as stored.
    pub body: Vec<u8>,
    /// Data descriptor, empty for none.
    pub descriptor: Vec<u8>,
    /// One record; none hides the entry, two show it twice.
    pub central: Vec<CentralRecord>,
}

/// Local file header. Lengths that are not given are the true ones.
#[derive(Debug, Clone)]
pub struct LocalHeader {
    pub magic: u32,
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    pub compressed: u32,
    pub uncompressed: u32,
    pub name: Vec<u8>,
    pub extra: Vec<u8>,
    pub name_len: Option<u16>,
    pub extra_len: Option<u16>,
}

/// Record of the central directory. Lengths and the offset, when not given, are the true ones.
#[derive(Debug, Clone)]
pub struct CentralRecord {
    pub magic: u32,
    /// Operating system and version of what wrote it.
    pub made_by: u16,
    pub flags: u16,
    pub method: u16,
    pub crc: u32,
    pub compressed: u32,
    pub uncompressed: u32,
    pub name: Vec<u8>,
    pub extra: Vec<u8>,
    pub comment: Vec<u8>,
    pub name_len: Option<u16>,
    pub extra_len: Option<u16>,
    pub comment_len: Option<u16>,
    pub external_attributes: u32,
    pub offset: Option<u32>,
}

type Edit = Rc<dyn Fn(&mut RawEntry)>;

/// A file in the archive: stored, aligned to 4 bytes, without data descriptor.
#[derive(Clone)]
pub struct Entry {
    pub name: String,
    /// The data, uncompressed.
    pub data: Vec<u8>,
    pub deflate: bool,
    /// Sizes and checksum stand behind the data and are zero in the local header.
    pub data_descriptor: bool,
    /// The data of a stored entry starts at a multiple of this; 1 for no padding.
    pub alignment: usize,
    edits: Vec<Edit>,
}

impl Entry {
    /// A stored entry.
    pub fn stored(name: &str, data: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            data: data.to_vec(),
            deflate: false,
            data_descriptor: false,
            alignment: 4,
            edits: Vec::new(),
        }
    }

    /// A compressed entry.
    pub fn deflated(name: &str, data: &[u8]) -> Self {
        Self { deflate: true, ..Self::stored(name, data) }
    }

    /// With a data descriptor.
    pub fn data_descriptor(mut self) -> Self {
        self.data_descriptor = true;
        self
    }

    /// The same content in as little data as [`deflate_far`] makes of it.
    pub fn deflated_far(self, distances: &'static [usize]) -> Self {
        let data = self.data.clone();
        let plain = Self { deflate: false, alignment: 1, ..self };
        plain.raw(move |raw| {
            raw.body = deflate_far(&data, distances);
            let len = raw.body.len() as u32;
            raw.local.method = 8;
            raw.local.compressed = len;
            raw.central[0].method = 8;
            raw.central[0].compressed = len;
        })
    }

    /// Changes headers and data before they are laid out, so before v2 and v3 sign.
    pub fn raw(mut self, edit: impl Fn(&mut RawEntry) + 'static) -> Self {
        self.edits.push(Rc::new(edit));
        self
    }

    /// The entry as it will stand at `offset`.
    fn lay_out(&self, offset: usize) -> RawEntry {
        let (method, body) = if self.deflate { (8, deflate(&self.data)) } else { (0, self.data.clone()) };
        let flags = 0x0800 | if self.data_descriptor { 0x0008 } else { 0 };
        let central = CentralRecord {
            magic: 0x0201_4b50,
            made_by: VERSION,
            flags,
            method,
            crc: crc32(&self.data),
            compressed: body.len() as u32,
            uncompressed: self.data.len() as u32,
            name: self.name.clone().into_bytes(),
            extra: Vec::new(),
            comment: Vec::new(),
            name_len: None,
            extra_len: None,
            comment_len: None,
            external_attributes: 0,
            offset: None,
        };
        let known = |value| if self.data_descriptor { 0 } else { value };
        let mut local = LocalHeader {
            magic: 0x0403_4b50,
            flags,
            method,
            crc: known(central.crc),
            compressed: known(central.compressed),
            uncompressed: known(central.uncompressed),
            name: central.name.clone(),
            extra: Vec::new(),
            name_len: None,
            extra_len: None,
        };
        if !self.deflate && self.alignment > 1 {
            // The alignment field of apksig: id, size, the alignment, zeros.
            let start = offset + 30 + local.name.len() + 6;
            let padding = start.next_multiple_of(self.alignment) - start;
            for field in [0xd935, 2 + padding, self.alignment] {
                local.extra.extend((field as u16).to_le_bytes());
            }
            local.extra.resize(6 + padding, 0);
        }
        let descriptor = if self.data_descriptor {
            [0x0807_4b50, central.crc, central.compressed, central.uncompressed]
                .iter()
                .flat_map(|field: &u32| field.to_le_bytes())
                .collect()
        } else {
            Vec::new()
        };
        let mut raw = RawEntry { gap: Vec::new(), local, body, descriptor, central: vec![central] };
        for edit in &self.edits {
            edit(&mut raw);
        }
        raw
    }
}

/// End of Central Directory. What is not given is the true value.
#[derive(Debug, Clone)]
pub struct Eocd {
    pub magic: u32,
    pub disk: u16,
    pub directory_disk: u16,
    pub records_on_disk: u16,
    pub records: u16,
    pub directory_size: Option<u32>,
    pub directory_offset: Option<u32>,
    pub comment: Vec<u8>,
    pub comment_len: Option<u16>,
}

/// An APK in its parts, in the order in which they stand in the file.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Contents of ZIP entries: all up to the signing block.
    pub contents: Vec<u8>,
    pub signing_block: Option<SigningBlock>,
    pub central_directory: Vec<u8>,
    /// Bytes between Central Directory and End of Central Directory.
    pub before_eocd: Vec<u8>,
    pub eocd: Eocd,
    /// Bytes behind the comment.
    pub tail: Vec<u8>,
}

impl Parts {
    /// Lays entries out one behind the other.
    pub fn of(entries: &[Entry]) -> Self {
        let (mut contents, mut directory, mut records) = (Vec::new(), Vec::new(), 0);
        for entry in entries {
            let raw = entry.lay_out(contents.len());
            contents.extend_from_slice(&raw.gap);
            let offset = contents.len();
            raw.local.write(&mut contents);
            contents.extend_from_slice(&raw.body);
            contents.extend_from_slice(&raw.descriptor);
            for record in &raw.central {
                record.write(offset as u32, &mut directory);
                records += 1;
            }
        }
        let eocd = Eocd {
            magic: 0x0605_4b50,
            disk: 0,
            directory_disk: 0,
            records_on_disk: records,
            records,
            directory_size: None,
            directory_offset: None,
            comment: Vec::new(),
            comment_len: None,
        };
        Self {
            contents,
            signing_block: None,
            central_directory: directory,
            before_eocd: Vec::new(),
            eocd,
            tail: Vec::new(),
        }
    }

    /// The three protected sections: contents, Central Directory, and End of Central Directory with the offset of the
    /// signing block for that of the directory.
    pub fn protected(&self) -> [Vec<u8>; 3] {
        let directory = [&self.central_directory[..], &self.before_eocd].concat();
        let mut eocd = self.eocd_bytes();
        eocd[16..20].copy_from_slice(&(self.contents.len() as u32).to_le_bytes());
        [self.contents.clone(), directory, eocd]
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let block = self.block_bytes();
        let eocd = self.eocd_bytes();
        [&self.contents[..], &block, &self.central_directory, &self.before_eocd, &eocd, &self.tail].concat()
    }

    fn block_bytes(&self) -> Vec<u8> {
        self.signing_block.as_ref().map(SigningBlock::encode).unwrap_or_default()
    }

    fn eocd_bytes(&self) -> Vec<u8> {
        let eocd = &self.eocd;
        let offset = self.contents.len() + self.block_bytes().len();
        let mut out = Vec::new();
        out.extend(eocd.magic.to_le_bytes());
        for field in [eocd.disk, eocd.directory_disk, eocd.records_on_disk, eocd.records] {
            out.extend(field.to_le_bytes());
        }
        out.extend(eocd.directory_size.unwrap_or(self.central_directory.len() as u32).to_le_bytes());
        out.extend(eocd.directory_offset.unwrap_or(offset as u32).to_le_bytes());
        out.extend(eocd.comment_len.unwrap_or(eocd.comment.len() as u16).to_le_bytes());
        out.extend_from_slice(&eocd.comment);
        out
    }
}

/// Version 2.0, 1981-01-01 00:00.
const VERSION: u16 = 20;
const TIME: u16 = 0;
const DATE: u16 = 1 << 9 | 1 << 5 | 1;

impl LocalHeader {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.magic.to_le_bytes());
        for field in [VERSION, self.flags, self.method, TIME, DATE] {
            out.extend(field.to_le_bytes());
        }
        for field in [self.crc, self.compressed, self.uncompressed] {
            out.extend(field.to_le_bytes());
        }
        out.extend(self.name_len.unwrap_or(self.name.len() as u16).to_le_bytes());
        out.extend(self.extra_len.unwrap_or(self.extra.len() as u16).to_le_bytes());
        out.extend_from_slice(&self.name);
        out.extend_from_slice(&self.extra);
    }
}

impl CentralRecord {
    fn write(&self, offset: u32, out: &mut Vec<u8>) {
        out.extend(self.magic.to_le_bytes());
        for field in [self.made_by, VERSION, self.flags, self.method, TIME, DATE] {
            out.extend(field.to_le_bytes());
        }
        for field in [self.crc, self.compressed, self.uncompressed] {
            out.extend(field.to_le_bytes());
        }
        out.extend(self.name_len.unwrap_or(self.name.len() as u16).to_le_bytes());
        out.extend(self.extra_len.unwrap_or(self.extra.len() as u16).to_le_bytes());
        out.extend(self.comment_len.unwrap_or(self.comment.len() as u16).to_le_bytes());
        // the disk, and internal attributes
        out.extend([0; 4]);
        out.extend(self.external_attributes.to_le_bytes());
        out.extend(self.offset.unwrap_or(offset).to_le_bytes());
        for field in [&self.name, &self.extra, &self.comment] {
            out.extend_from_slice(field);
        }
    }
}

/// CRC-32 of ZIP.
pub fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

/// Raw deflate with the fixed codes, with matches at distances up to 4.
///
/// Ours, so that the same recipe gives the same bytes with every version of every crate.
pub fn deflate(data: &[u8]) -> Vec<u8> {
    let mut out = BitWriter::default();
    // last block, fixed codes
    out.bits(0b011, 3);
    let mut at = 0;
    while at < data.len() {
        let match_len = |distance: usize| {
            data[at..]
                .iter()
                .zip(&data[at - distance..])
                .take(10)
                .take_while(|(ahead, behind)| ahead == behind)
                .count()
        };
        // Lengths 3 to 10 are codes 257 to 264, distances 1 to 4 are codes 0 to 3: none has extra bits.
        let best = (1..=at.min(4)).map(|distance| (match_len(distance), distance)).max().unwrap_or_default();
        if best.0 >= 3 {
            out.symbol(254 + best.0 as u16);
            out.code(best.1 as u16 - 1, 5);
            at += best.0;
        } else {
            out.symbol(u16::from(data[at]));
            at += 1;
        }
    }
    out.symbol(256);
    out.bytes
}

/// Raw deflate with the fixed codes, with the longest matches that there are at any of these distances: makes very little
/// of what repeats itself.
pub fn deflate_far(data: &[u8], distances: &[usize]) -> Vec<u8> {
    let mut out = BitWriter::default();
    out.bits(0b011, 3);
    let mut at = 0;
    while at < data.len() {
        let match_len = |distance: usize| {
            let pairs = data[at..].iter().zip(&data[at - distance..]);
            pairs.take(258).take_while(|(ahead, behind)| ahead == behind).count()
        };
        let possible = distances.iter().copied().filter(|distance| *distance <= at);
        let best = possible.map(|distance| (match_len(distance), distance)).max_by_key(|best| best.0);
        if let Some((len, distance)) = best.filter(|best| best.0 >= 3) {
            // RFC 1951, 3.2.5.
            let (symbol, extra) = coded(len, 3, 4, 257);
            let (symbol, extra) = if len == 258 { (285, (0, 0)) } else { (symbol, extra) };
            out.symbol(symbol);
            out.bits(extra.0, extra.1);
            let (symbol, extra) = coded(distance, 1, 2, 0);
            out.code(symbol, 5);
            out.bits(extra.0, extra.1);
            at += len;
        } else {
            out.symbol(u16::from(data[at]));
            at += 1;
        }
    }
    out.symbol(256);
    out.bytes
}

/// Symbol, extra bits and their number: of each number of extra bits there are `group` symbols, of none twice as many.
fn coded(value: usize, smallest: usize, group: usize, first: u16) -> (u16, (u16, u32)) {
    let (mut start, mut symbol, mut extra) = (smallest, first, 0_u32);
    loop {
        let count = if extra == 0 { 2 * group } else { group };
        if value < start + (count << extra) {
            let offset = value - start;
            return (symbol + (offset >> extra) as u16, ((offset & ((1 << extra) - 1)) as u16, extra));
        }
        start += count << extra;
        symbol += count as u16;
        extra += 1;
    }
}

#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    used: u32,
}

impl BitWriter {
    /// Appends the low `count` bits, lowest first.
    fn bits(&mut self, value: u16, count: u32) {
        for place in 0..count {
            if self.used == 0 {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().unwrap() |= ((value >> place & 1) as u8) << self.used;
            self.used = (self.used + 1) % 8;
        }
    }

    /// Appends a Huffman code, highest bit first.
    fn code(&mut self, value: u16, count: u32) {
        self.bits(value.reverse_bits() >> (16 - count), count);
    }

    /// Appends a literal or length under the fixed code (RFC 1951, 3.2.6).
    fn symbol(&mut self, symbol: u16) {
        match symbol {
            0..=143 => self.code(0x30 + symbol, 8),
            144..=255 => self.code(0x190 + symbol - 144, 9),
            256..=279 => self.code(symbol - 256, 7),
            _ => self.code(0xc0 + symbol - 280, 8),
        }
    }
}
