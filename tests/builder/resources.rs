//! Writes `resources.arsc`, the table of an app's resources.
//!
//! Entries are given by id; types and packages follow from that. Source: `ResourceTypes.h` of AOSP.

use std::collections::BTreeMap;

use super::hooks::Hooks;
use super::manifest::Encoding;
use super::manifest::Value;

/// A resource of the app's own package: type and entry.
pub const fn id(type_id: u8, entry: u16) -> u32 {
    0x7f00_0000 | (type_id as u32) << 16 | entry as u32
}

/// For which devices a value is meant: the fields of `ResTable_config`, 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Config {
    bytes: [u8; 64],
}

impl Default for Config {
    fn default() -> Self {
        let mut bytes = [0; 64];
        bytes[0] = 64;
        Self { bytes }
    }
}

impl Config {
    /// For any device.
    pub fn any() -> Self {
        Self::default()
    }

    /// For a locale: language, script, region and variant, as in `zh-Hant-TW`.
    pub fn locale(tag: &str) -> Self {
        let mut config = Self::default();
        for (number, part) in tag.split('-').enumerate() {
            let text = part.as_bytes();
            match (number, text.len()) {
                (0, 2) => config.bytes[8..10].copy_from_slice(text),
                (0, 3) => config.bytes[8..10].copy_from_slice(&pack(text, b'a')),
                (_, 2) => config.bytes[10..12].copy_from_slice(text),
                (_, 3) => config.bytes[10..12].copy_from_slice(&pack(text, b'0')),
                (_, 4) if text[0].is_ascii_alphabetic() => config.bytes[36..40].copy_from_slice(text),
                (_, len) => config.bytes[40..40 + len].copy_from_slice(text),
            }
        }
        config
    }

    /// For a density in dots per inch.
    pub fn density(density: u16) -> Self {
        Self::default().set(14, &density.to_le_bytes())
    }

    /// And for a version of the platform and up.
    pub fn sdk(self, level: u16) -> Self {
        self.set(24, &level.to_le_bytes())
    }

    /// And for a mobile country code.
    pub fn mcc(self, code: u16) -> Self {
        self.set(4, &code.to_le_bytes())
    }

    /// And for the night.
    pub fn night(self) -> Self {
        self.set(29, &[0x20])
    }

    /// Sets bytes of the structure.
    pub fn set(mut self, at: usize, bytes: &[u8]) -> Self {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }
}

/// Three characters in fifteen bits.
fn pack(text: &[u8], base: u8) -> [u8; 2] {
    let [first, second, third] = [0, 1, 2].map(|at| text[at] - base);
    [0x80 | third << 2 | second >> 3, second << 5 | first]
}

/// How the entries of a type are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// An offset for each, of 32 bits.
    Dense,
    /// An offset for each, of 16 bits.
    Offset16,
    /// Pairs of an entry and its offset.
    Sparse,
}

/// What an entry holds.
#[derive(Debug, Clone)]
enum Entry {
    Value(Value),
    /// A bag with one value.
    Bag(Value),
}

/// A chunk of a package, before it is written.
#[derive(Debug, Clone)]
pub struct Part {
    /// 0x0201 a type, 0x0202 the specification of one.
    pub kind: u16,
    pub header: Vec<u8>,
    pub body: Vec<u8>,
}

/// A table to be: one package, 0x7f, strings in UTF-8, dense types, entries of full size.
pub struct Resources {
    package: u32,
    encoding: Encoding,
    layout: Layout,
    compact: bool,
    styled: bool,
    /// By type, configuration and entry.
    entries: BTreeMap<u8, BTreeMap<Config, BTreeMap<u16, Entry>>>,
    /// By resource: in what its values differ.
    flags: BTreeMap<u32, u32>,
    chunks: Hooks<Vec<Part>>,
    strings: Hooks<Vec<Vec<u8>>>,
}

impl Default for Resources {
    fn default() -> Self {
        Self::new()
    }
}

impl Resources {
    pub fn new() -> Self {
        Self {
            package: 0x7f,
            encoding: Encoding::Utf8,
            layout: Layout::Dense,
            compact: false,
            styled: false,
            entries: BTreeMap::new(),
            flags: BTreeMap::new(),
            chunks: Hooks::default(),
            strings: Hooks::default(),
        }
    }

    /// The value of a resource on the devices of `config`.
    pub fn value(mut self, id: u32, config: Config, value: impl Into<Value>) -> Self {
        self.add(id, config, Entry::Value(value.into()));
        self
    }

    /// Several values, as of an array.
    pub fn bag(mut self, id: u32, config: Config, value: impl Into<Value>) -> Self {
        self.add(id, config, Entry::Bag(value.into()));
        self
    }

    fn add(&mut self, id: u32, config: Config, entry: Entry) {
        let [_, type_id, ..] = id.to_be_bytes();
        let configs = self.entries.entry(type_id).or_default();
        let before = configs.entry(config).or_default().insert((id & 0xffff) as u16, entry);
        assert!(before.is_none(), "{id:#x} has a value there already");
        if config != Config::any() {
            // Any dimension will do.
            self.flags.insert(id, 0x4);
        }
    }

    /// Encoding of the strings.
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// How entries are found.
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// Entries with the value in the place of the size.
    pub fn compact(mut self) -> Self {
        self.compact = true;
        self
    }

    /// The first string with a style.
    pub fn styled(mut self) -> Self {
        self.styled = true;
        self
    }

    /// Changes the types of the package before they are written.
    pub fn chunks(mut self, change: impl Fn(&mut Vec<Part>) + 'static) -> Self {
        self.chunks.add(change);
        self
    }

    /// Changes the strings in UTF-8 before they are written.
    pub fn strings(mut self, change: impl Fn(&mut Vec<Vec<u8>>) + 'static) -> Self {
        self.strings.add(change);
        self
    }

    /// The bytes of the table.
    pub fn build(&self) -> Vec<u8> {
        let mut strings = Vec::new();
        let mut parts = Vec::new();
        for (type_id, configs) in &self.entries {
            let largest = configs.values().filter_map(|entries| entries.keys().max()).max().unwrap();
            let count = u32::from(*largest) + 1;
            let flags = (0..count).map(|entry| {
                let id = id(*type_id, entry as u16);
                self.flags.get(&id).copied().unwrap_or(0)
            });
            let mut header = vec![*type_id, 0, 0, 0];
            header.extend(count.to_le_bytes());
            parts.push(Part { kind: 0x0202, header, body: flags.flat_map(u32::to_le_bytes).collect() });
            for (config, entries) in configs {
                parts.push(self.part(*type_id, config, entries, count, &mut strings));
            }
        }
        self.chunks.run(&mut parts);
        let mut body = Vec::new();
        let names =
            Pool { strings: vec![b"type".to_vec()], encoding: Encoding::Utf16, styled: false }.encode();
        let package_header = 288;
        for pool in [&names, &names] {
            body.extend_from_slice(pool);
        }
        for part in &parts {
            body.extend(chunk(part.kind, &part.header, &part.body));
        }
        let mut header = self.package.to_le_bytes().to_vec();
        header.extend([0; 256]); // name
        for field in [package_header, 1, package_header + names.len() as u32, 1, 0] {
            header.extend(field.to_le_bytes());
        }
        let package = chunk(0x0200, &header, &body);
        self.strings.run(&mut strings);
        let pool = Pool { strings, encoding: self.encoding, styled: self.styled }.encode();
        chunk(0x0002, &1_u32.to_le_bytes(), &[pool, package].concat())
    }

    /// The entries of a type for one configuration.
    fn part(
        &self,
        type_id: u8,
        config: &Config,
        entries: &BTreeMap<u16, Entry>,
        count: u32,
        strings: &mut Vec<Vec<u8>>,
    ) -> Part {
        let mut data: Vec<u8> = Vec::new();
        let mut places: BTreeMap<u16, usize> = BTreeMap::new();
        for (entry, holds) in entries {
            places.insert(*entry, data.len());
            match holds {
                Entry::Value(value) if self.compact => {
                    let (kind, value) = encode_value(value, strings);
                    data.extend([0, 0, 0x08, kind]);
                    data.extend(value.to_le_bytes());
                }
                Entry::Value(value) => {
                    data.extend([8, 0, 0, 0, 0, 0, 0, 0]);
                    data.extend(full_value(value, strings));
                }
                Entry::Bag(value) => {
                    data.extend([16, 0, 1, 0, 0, 0, 0, 0]);
                    data.extend([0_u32, 1, 0x0200_0000].iter().flat_map(|field| field.to_le_bytes()));
                    data.extend(full_value(value, strings));
                }
            }
        }
        let mut body = Vec::new();
        let mut written = 0_u32;
        match self.layout {
            Layout::Dense => {
                for entry in 0..count as u16 {
                    let place = places.get(&entry).map_or(u32::MAX, |place| *place as u32);
                    body.extend(place.to_le_bytes());
                }
                written = count;
            }
            Layout::Offset16 => {
                for entry in 0..count as u16 {
                    let place = places.get(&entry).map_or(u16::MAX, |place| (*place / 4) as u16);
                    body.extend(place.to_le_bytes());
                }
                written = count;
            }
            Layout::Sparse => {
                for (entry, place) in &places {
                    body.extend(entry.to_le_bytes());
                    body.extend(((*place / 4) as u16).to_le_bytes());
                    written += 1;
                }
            }
        }
        body.resize(body.len().next_multiple_of(4), 0);
        let flags = match self.layout {
            Layout::Dense => 0,
            Layout::Sparse => 1,
            Layout::Offset16 => 2,
        };
        let mut header = vec![type_id, flags, 0, 0];
        header.extend(written.to_le_bytes());
        header.extend((84 + body.len() as u32).to_le_bytes());
        header.extend(config.bytes);
        body.extend(data);
        Part { kind: 0x0201, header, body }
    }
}

/// `Res_value`: size, zero, type, data.
fn full_value(value: &Value, strings: &mut Vec<Vec<u8>>) -> Vec<u8> {
    let (kind, data) = encode_value(value, strings);
    [&[8, 0, 0, kind][..], &data.to_le_bytes()].concat()
}

fn encode_value(value: &Value, strings: &mut Vec<Vec<u8>>) -> (u8, u32) {
    match value {
        Value::Text(text) | Value::Differing { value: text, .. } => {
            strings.push(text.clone().into_bytes());
            (0x03, strings.len() as u32 - 1)
        }
        Value::Int(value) => (0x10, *value),
        Value::Hex(value) => (0x11, *value),
        Value::Bool(value) => (0x12, if *value { u32::MAX } else { 0 }),
        Value::Reference(value) => (0x01, *value),
    }
}

struct Pool {
    strings: Vec<Vec<u8>>,
    encoding: Encoding,
    styled: bool,
}

impl Pool {
    fn encode(&self) -> Vec<u8> {
        let (mut offsets, mut data) = (Vec::new(), Vec::new());
        for string in &self.strings {
            offsets.extend((data.len() as u32).to_le_bytes());
            match self.encoding {
                Encoding::Utf8 => {
                    // Every character begins with one that does not continue; beyond the BMP it counts twice.
                    let units = string.iter().map(|byte| match byte {
                        0x80..=0xbf => 0,
                        0xf0.. => 2,
                        _ => 1,
                    });
                    for len in [units.sum(), string.len()] {
                        if len > 0x7f {
                            data.push(0x80 | (len >> 8) as u8);
                        }
                        data.push(len as u8);
                    }
                    data.extend(string.iter().chain(&[0]));
                }
                Encoding::Utf16 => {
                    let text = String::from_utf8(string.clone()).unwrap();
                    let units: Vec<u16> = text.encode_utf16().collect();
                    data.extend((units.len() as u16).to_le_bytes());
                    data.extend(units.iter().chain(&[0]).flat_map(|unit| unit.to_le_bytes()));
                }
            }
        }
        let count = self.strings.len() as u32;
        let mut styles = Vec::new();
        if self.styled {
            // The span of one style: name, first and last character; then the end of the style and of all.
            for field in [0_u32, 0, 1, u32::MAX, u32::MAX, u32::MAX, u32::MAX] {
                styles.extend(field.to_le_bytes());
            }
            offsets.extend(0_u32.to_le_bytes());
        }
        data.resize(data.len().next_multiple_of(4), 0);
        let strings_start = 28 + offsets.len() as u32;
        let styles_start = if self.styled { strings_start + data.len() as u32 } else { 0 };
        let flags = if self.encoding == Encoding::Utf8 { 0x100 } else { 0 };
        let header: Vec<u8> = [count, u32::from(self.styled), flags, strings_start, styles_start]
            .iter()
            .flat_map(|field: &u32| field.to_le_bytes())
            .collect();
        chunk(0x0001, &header, &[offsets, data, styles].concat())
    }
}

/// A chunk: kind, size of its header, size of all, the rest of the header, the body.
fn chunk(kind: u16, header: &[u8], body: &[u8]) -> Vec<u8> {
    let header_size = 8 + header.len();
    let mut out = kind.to_le_bytes().to_vec();
    out.extend((header_size as u16).to_le_bytes());
    out.extend(((header_size + body.len()) as u32).to_le_bytes());
    out.extend_from_slice(header);
    out.extend_from_slice(body);
    out
}
