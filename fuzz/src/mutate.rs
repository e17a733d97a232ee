//! Mutations that keep what would stop a reader at once: sizes, offsets and counts fit what they stand before.

use libfuzzer_sys::fuzzer_mutate;

/// How deep records are taken apart.
const DEEP: usize = 16;

/// How the bytes of a target are put together.
#[derive(Clone, Copy)]
enum Grammar {
    /// Records behind a length of 32 bits, some of them behind a number.
    Records,
    /// Pairs of the signing block: a length of 64 bits, then a number, then records.
    Pairs,
    /// BER.
    Der,
    /// Chunks of Android's resource files, from here on.
    Chunks,
    /// An archive.
    Archive,
}

/// The grammar of a target, and how many bytes stand before what has it.
fn grammar(target: &str) -> Option<(Grammar, usize)> {
    Some(match target {
        "signers" | "source_stamp" => (Grammar::Records, 1),
        "lineage" | "idsig" | "frosting" => (Grammar::Records, 0),
        "signing_block" => (Grammar::Pairs, 1),
        "pkcs7" | "certificate" => (Grammar::Der, 0),
        "axml" | "arsc" => (Grammar::Chunks, 0),
        "container" | "differential" | "verify" | "zip" => (Grammar::Archive, 0),
        _ => return None,
    })
}

/// Changes the first `size` bytes of `data`; gives how many there are then, `max_size` at most.
pub fn mutate(target: &str, data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Random(u64::from(seed) << 1 | 1);
    if let Some((grammar, skipped)) = grammar(target)
        && size > skipped
        && random.below(4) != 0
    {
        let changed = match grammar {
            Grammar::Archive => archive(&mut random, &data[..size]),
            _ => Some(rewrite(&mut random, grammar, &data[skipped..size], 0)),
        };
        if let Some(changed) = changed.filter(|changed| skipped + changed.len() <= max_size) {
            data[skipped..skipped + changed.len()].copy_from_slice(&changed);
            return skipped + changed.len();
        }
    }
    fuzzer_mutate(data, size, max_size)
}

/// As libFuzzer changes bytes that it knows nothing of.
fn blindly(bytes: &[u8]) -> Vec<u8> {
    let most = bytes.len() + 64;
    let mut buffer = bytes.to_vec();
    buffer.resize(most, 0);
    let len = fuzzer_mutate(&mut buffer, bytes.len(), most);
    buffer.truncate(len);
    buffer
}

/// A part of something: what comes before its length, how that is written, and what it is the length of.
#[derive(Clone)]
struct Part {
    head: Vec<u8>,
    form: Form,
    content: Vec<u8>,
}

/// How a length is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    None,
    U32,
    U64,
    Der,
    /// Of a chunk: with its 8 bytes of header. How much more header there is.
    Chunk(usize),
}

impl Part {
    fn write(&self, into: &mut Vec<u8>) {
        into.extend(&self.head);
        let len = self.content.len();
        match self.form {
            Form::None => {}
            Form::U32 => into.extend((len as u32).to_le_bytes()),
            Form::U64 => into.extend((len as u64).to_le_bytes()),
            Form::Chunk(_) => into.extend((len as u32 + 8).to_le_bytes()),
            Form::Der if len < 0x80 => into.push(len as u8),
            Form::Der => {
                let bytes = (len as u32).to_be_bytes();
                let from = bytes.iter().position(|byte| *byte != 0).unwrap_or(3);
                into.push(0x80 | (4 - from) as u8);
                into.extend(&bytes[from..]);
            }
        }
        into.extend(&self.content);
    }
}

/// Takes `bytes` apart, changes one part, or which there are, and puts them together again.
fn rewrite(random: &mut Random, grammar: Grammar, bytes: &[u8], deep: usize) -> Vec<u8> {
    let mut parts = take_apart(grammar, bytes);
    let sized = parts.iter().filter(|part| part.form != Form::None).count();
    if deep == DEEP || sized == 0 || random.below(6) == 0 {
        return blindly(bytes);
    }
    let at = random.below(parts.len());
    let other = random.below(parts.len());
    match random.below(16) {
        0 => drop(parts.remove(at)),
        1 => parts.insert(other, parts[at].clone()),
        2 => parts.swap(at, other),
        3 => parts[at].content = parts[other].content.clone(),
        // A length that does not fit.
        4 => {
            parts[at].head = blindly(&parts[at].head);
        }
        _ => {
            let part = &mut parts[at];
            part.content = match (grammar, part.form) {
                (_, Form::None) => blindly(&part.content),
                (Grammar::Pairs, _) if part.content.len() >= 4 => {
                    let (id, value) = part.content.split_at(4);
                    [id, &rewrite(random, Grammar::Records, value, deep + 1)].concat()
                }
                (_, Form::Chunk(head)) if head <= part.content.len() && random.below(4) != 0 => {
                    let (head, rest) = part.content.split_at(head);
                    [head, &rewrite(random, Grammar::Chunks, rest, deep + 1)].concat()
                }
                _ => rewrite(random, grammar, &part.content, deep + 1),
            };
        }
    }
    let mut written = Vec::new();
    parts.iter().for_each(|part| part.write(&mut written));
    written
}

fn take_apart(grammar: Grammar, mut bytes: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    while !bytes.is_empty() && parts.len() < 256 {
        let (part, rest) = next(grammar, bytes).unwrap_or_else(|| {
            let (raw, rest) = bytes.split_at(bytes.len().min(4));
            (Part { head: Vec::new(), form: Form::None, content: raw.to_vec() }, rest)
        });
        parts.push(part);
        bytes = rest;
    }
    parts.push(Part { head: Vec::new(), form: Form::None, content: bytes.to_vec() });
    parts
}

/// The part that `bytes` begin with, and the rest.
fn next(grammar: Grammar, bytes: &[u8]) -> Option<(Part, &[u8])> {
    let (head, form, len, rest) = match grammar {
        Grammar::Records => {
            let (len, rest) = bytes.split_first_chunk()?;
            (&bytes[..0], Form::U32, u32::from_le_bytes(*len) as usize, rest)
        }
        Grammar::Pairs => {
            let (len, rest) = bytes.split_first_chunk()?;
            (&bytes[..0], Form::U64, usize::try_from(u64::from_le_bytes(*len)).ok()?, rest)
        }
        Grammar::Chunks => {
            let (head, rest) = bytes.split_first_chunk::<4>()?;
            let (len, rest) = rest.split_first_chunk()?;
            let header = usize::from(u16::from_le_bytes([head[2], head[3]])).checked_sub(8)?;
            (&head[..], Form::Chunk(header), (u32::from_le_bytes(*len) as usize).checked_sub(8)?, rest)
        }
        Grammar::Der => {
            let (tag, rest) = bytes.split_at_checked(1)?;
            let (first, rest) = rest.split_first()?;
            let count = usize::from(*first).checked_sub(0x80).unwrap_or(0);
            let (octets, rest) = rest.split_at_checked(count)?;
            if count > 4 || tag[0] & 0x1f == 0x1f || (*first == 0x80) {
                return None;
            }
            let long = octets.iter().fold(0, |len, octet| len << 8 | usize::from(*octet));
            (tag, Form::Der, if count == 0 { usize::from(*first) } else { long }, rest)
        }
        Grammar::Archive => return None,
    };
    let (content, rest) = rest.split_at_checked(len)?;
    Some((Part { head: head.to_vec(), form, content: content.to_vec() }, rest))
}

/// An archive taken apart.
struct Archive {
    /// Directory records with the local header and the content that each is for.
    entries: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)>,
    /// What lies behind the last entry.
    behind: Vec<u8>,
    /// What lies between the size fields of the signing block.
    block: Option<Vec<u8>>,
    /// The end record and its comment.
    end: Vec<u8>,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize)
}

fn put32(bytes: &mut [u8], at: usize, value: usize) {
    if let Some(field) = bytes.get_mut(at..at + 4) {
        field.copy_from_slice(&(value as u32).to_le_bytes());
    }
}

impl Archive {
    /// Takes apart what lies as archives mostly do: entries in the order of the directory, one behind the other.
    fn of(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).rposition(|window| window == b"PK\x05\x06")?;
        let (size, start) = (u32_at(bytes, end + 12)?, u32_at(bytes, end + 16)?);
        let directory = bytes.get(start..start.checked_add(size)?)?;
        let mut records = Vec::new();
        let mut rest = directory;
        while rest.starts_with(b"PK\x01\x02") {
            let len = 46 + u16_at(rest, 28)? + u16_at(rest, 30)? + u16_at(rest, 32)?;
            let (record, behind) = rest.split_at_checked(len)?;
            records.push((u32_at(record, 42)?, record));
            rest = behind;
        }
        let mut before = start;
        let mut block = None;
        if bytes.get(..start)?.ends_with(b"APK Sig Block 42") {
            let size = u32_at(bytes, start.checked_sub(24)?)?;
            let from = start.checked_sub(size.checked_add(8)?)?;
            block = Some(bytes.get(from + 8..start - 24)?.to_vec());
            before = from;
        }
        records.sort_by_key(|(offset, _)| *offset);
        let mut entries = Vec::new();
        for (number, (offset, record)) in records.iter().enumerate() {
            let until = records.get(number + 1).map_or(before, |(next, _)| *next);
            let whole = bytes.get(*offset..until)?;
            let header = 30 + u16_at(whole, 26)? + u16_at(whole, 28)?;
            let (local, content) = whole.split_at_checked(header)?;
            entries.push((record.to_vec(), local.to_vec(), content.to_vec()));
        }
        Some(Self { entries, behind: Vec::new(), block, end: bytes.get(end..)?.to_vec() })
    }

    fn write(&self) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for (record, local, content) in &self.entries {
            let mut record = record.clone();
            put32(&mut record, 42, bytes.len());
            directory.extend(record);
            bytes.extend(local);
            bytes.extend(content);
        }
        bytes.extend(&self.behind);
        if let Some(block) = &self.block {
            let size = (block.len() as u64 + 24).to_le_bytes();
            bytes.extend([&size, &**block, &size, b"APK Sig Block 42"].concat());
        }
        let mut end = self.end.clone();
        if end.len() >= 22 {
            let count = (self.entries.len() as u16).to_le_bytes();
            end[8..10].copy_from_slice(&count);
            end[10..12].copy_from_slice(&count);
            put32(&mut end, 12, directory.len());
            put32(&mut end, 16, bytes.len());
            let comment = (end.len() as u16 - 22).to_le_bytes();
            end[20..22].copy_from_slice(&comment);
        }
        [bytes, directory, end].concat()
    }
}

/// The archive with one thing changed; none when it is none.
fn archive(random: &mut Random, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut archive = Archive::of(bytes)?;
    let count = archive.entries.len().max(1);
    let (at, other) = (random.below(count), random.below(count));
    let entry = archive.entries.get_mut(at);
    match (random.below(12), entry) {
        (0, Some(_)) => drop(archive.entries.remove(at)),
        (1, Some(entry)) => {
            let entry = entry.clone();
            archive.entries.insert(other, entry);
        }
        (2, Some(_)) => archive.entries.swap(at, other),
        (3, Some(entry)) => entry.0 = blindly(&entry.0),
        (4, Some(entry)) => entry.1 = blindly(&entry.1),
        (5, Some((record, local, content))) => {
            // Content of another size, which both headers give.
            *content = blindly(content);
            let len = content.len();
            let stored = u16_at(record, 10) == Some(0);
            for (header, at) in [(record, 20), (local, 18)] {
                put32(header, at, len);
                if stored {
                    put32(header, at + 4, len);
                }
            }
        }
        (6, Some(entry)) => entry.2 = blindly(&entry.2),
        (7, _) => archive.behind = blindly(&[]),
        (8, _) => archive.end = blindly(&archive.end),
        // Both headers alike: flags, method, sizes.
        (9, Some((record, local, _))) if record.len() >= 28 && local.len() >= 24 => {
            let field = random.below(18);
            let value = [0, 1, 8, 0x7f, 0x80, 0xff][random.below(6)];
            local[6 + field] = value;
            record[8 + field] = value;
        }
        _ => {
            let block = archive.block.get_or_insert_default();
            *block = rewrite(random, Grammar::Pairs, block, 0);
        }
    }
    Some(archive.write())
}

/// Numbers from a seed: xorshift.
struct Random(u64);

impl Random {
    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % end.max(1)
    }
}
