//! The resource table, `resources.arsc`: which value a resource has on which device.
//!
//! Only what leads from a resource id to a value is read: strings, packages, types and their entries. Names of types
//! and keys, overlays, staged aliases and libraries are passed over. What makes the platform refuse the table is a
//! [`ParseError`]; an entry that is broken is so only when it is asked for, as on Android. Entries are looked up in
//! place, and nothing but the list of types is kept.
//!
//! Source: AOSP `ResourceTypes.h`, `LoadedArsc.cpp`, `AssetManager2.cpp`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde::Serializer;

use super::Cursor;
use super::ParseError;
use super::chunk;
use super::chunk::Chunk;
use super::chunk::StringPool;
use super::chunk::Text;
use super::chunk::next_chunk;
use super::resource_configuration::Configuration;
use crate::limits::Limits;

const STRUCTURE: &str = "resource table";
const CHUNK_TABLE: u16 = 0x0002;
const CHUNK_PACKAGE: u16 = 0x0200;
const CHUNK_TYPE: u16 = 0x0201;
const CHUNK_TYPE_SPEC: u16 = 0x0202;
/// Size in bytes of a package's header before it had a type id offset.
const PACKAGE_HEADER: usize = 284;
/// Bytes of a package's header between its common fields and the positions of its names: id and name.
const NAMES_BEFORE: usize = 260;
/// Where the offset of the type ids stands in a package's header, in bytes.
const TYPE_ID_OFFSET: usize = 284;
const TYPE_SPEC_HEADER: usize = 16;
/// Size in bytes of a type's header up to and including the size of its configuration.
const TYPE_HEADER: usize = 24;
/// Where the configuration stands in a type's header, in bytes.
const CONFIGURATION: usize = 20;
const ENTRY_SIZE: usize = 8;
/// Size in bytes of an entry that is a bag of values.
const MAP_ENTRY_SIZE: usize = 16;
const MAP_SIZE: usize = 12;
const VALUE_SIZE: usize = 8;

// Flags of a type.
const FLAG_SPARSE: u8 = 0x01;
const FLAG_OFFSET16: u8 = 0x02;
// Flags of an entry.
const FLAG_COMPLEX: u16 = 0x0001;
const FLAG_COMPACT: u16 = 0x0008;
/// Flags of a type specification that name a dimension of configurations, `ACONFIGURATION_*`.
const CONFIGURATION_FLAGS: u32 = 0x0003_ffff;

/// How many references are followed, one after the other; `AssetManager2::ResolveReference` has the same number.
const MAX_REFERENCES: usize = 20;
/// The package of the framework, `android`, whose resources no app carries.
pub const FRAMEWORK_PACKAGE: u8 = 0x01;

/// The id of a resource: package, type and entry, `0xPPTTEEEE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId(pub u32);

impl ResourceId {
    /// The package: 0x7f for an app's own, 0x01 for the framework's.
    pub fn package(self) -> u8 {
        self.0.to_be_bytes()[0]
    }

    /// The type, from 1.
    fn type_id(self) -> u8 {
        self.0.to_be_bytes()[1]
    }

    fn entry(self) -> u16 {
        let [_, _, high, low] = self.0.to_be_bytes();
        u16::from_be_bytes([high, low])
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

/// In its usual form, a text.
impl Serialize for ResourceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A typed value, `Res_value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceValue {
    /// Its type, one of the constants.
    pub kind: u8,
    /// What it is, by its type.
    pub data: u32,
}

impl ResourceValue {
    /// Nothing, or `@empty`.
    pub const NULL: u8 = 0x00;
    /// A reference by id.
    pub const REFERENCE: u8 = 0x01;
    /// An index into the string pool.
    pub const STRING: u8 = 0x03;
    /// A reference by id whose package is to be looked up among the libraries.
    pub const DYNAMIC_REFERENCE: u8 = 0x07;
    /// The first of the kinds that hold an integer: a decimal one.
    pub const FIRST_INT: u8 = 0x10;
    /// A hexadecimal integer.
    pub const INT_HEX: u8 = 0x11;
    /// True or false.
    pub const BOOLEAN: u8 = 0x12;
    /// The first of the kinds that hold a colour.
    pub const FIRST_COLOR: u8 = 0x1c;
    /// The last of the kinds that hold a colour, and of those that hold an integer.
    pub const LAST_INT: u8 = 0x1f;

    /// The resource that it refers to.
    pub fn reference(self) -> Option<ResourceId> {
        let refers = [Self::REFERENCE, Self::DYNAMIC_REFERENCE].contains(&self.kind);
        (refers && self.data != 0).then_some(ResourceId(self.data))
    }

    /// Itself, or nothing for a reference to nothing, `@null`.
    #[must_use]
    pub fn or_null(self) -> Self {
        match self {
            Self { kind: Self::REFERENCE | Self::DYNAMIC_REFERENCE, data: 0 } => {
                Self { kind: Self::NULL, data: 0 }
            }
            value => value,
        }
    }

    /// The integer, colour or truth value that it holds.
    pub fn integer(self) -> Option<i32> {
        (Self::FIRST_INT..=Self::LAST_INT).contains(&self.kind).then(|| self.data.cast_signed())
    }
}

/// A resource table.
#[derive(Debug)]
pub struct Table<'a> {
    strings: Option<StringPool<'a>>,
    packages: Vec<Package<'a>>,
}

/// A package, or a part of one: several may have the same id.
#[derive(Debug)]
struct Package<'a> {
    id: u32,
    /// Added to the ids of its types.
    type_id_offset: u32,
    types: BTreeMap<u8, TypeSpec<'a>>,
}

/// A type with its entries for all devices.
#[derive(Debug)]
struct TypeSpec<'a> {
    /// For each entry in what its values differ, four bytes each.
    flags: &'a [u8],
    types: Vec<Type<'a>>,
}

/// Entries of one type for one configuration.
#[derive(Debug)]
struct Type<'a> {
    configuration: Configuration,
    flags: u8,
    count: usize,
    /// Offsets of the entries, and what follows.
    offsets: &'a [u8],
    /// The entries, up to the end of the chunk.
    entries: &'a [u8],
}

/// An entry.
enum Entry {
    Value(ResourceValue),
    /// Several values under names: an array, a style, plurals.
    Bag,
}

impl<'a> Table<'a> {
    /// Reads the list of packages and types; `limits.resource_types` caps it.
    ///
    /// # Errors
    /// What makes the platform refuse the table, or more types than the limit.
    pub fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self, ParseError> {
        let mut table = Self { strings: None, packages: Vec::new() };
        let mut types_left = limits.resource_types;
        let mut chunks = Cursor::new(STRUCTURE, bytes);
        while let Some(chunk) = next_aligned(&mut chunks)? {
            if chunk.kind == CHUNK_TABLE {
                table.read(&chunk, &mut types_left)?;
            }
        }
        Ok(table)
    }

    /// A string of the table.
    ///
    /// # Errors
    /// No such string, or one that does not end.
    pub fn text(&self, index: u32) -> Result<Text<'a>, ParseError> {
        let missing = || ParseError::invalid(STRUCTURE, 0, "it has no strings");
        self.strings.ok_or_else(missing)?.get(index)
    }

    fn read(&mut self, table: &Chunk<'a>, types_left: &mut usize) -> Result<(), ParseError> {
        let mut header = table.header;
        let packages = usize::try_from(header.u32()?).unwrap_or(usize::MAX);
        let mut chunks = table.content;
        let mut seen = 0_usize;
        while let Some(chunk) = next_aligned(&mut chunks)? {
            match chunk.kind {
                chunk::STRING_POOL if self.strings.is_none() => {
                    self.strings = Some(StringPool::parse_strictly(STRUCTURE, &chunk)?);
                }
                CHUNK_PACKAGE if seen == packages => {
                    return Err(invalid(&chunk, format!("more packages than the {packages} that it says")));
                }
                CHUNK_PACKAGE => {
                    seen = seen.saturating_add(1);
                    self.packages.push(Package::parse(&chunk, types_left)?);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The package in which an id without a package is looked up: the first.
    fn own_package(&self) -> u8 {
        self.packages.first().and_then(|package| u8::try_from(package.id).ok()).unwrap_or(0)
    }
}

impl<'a> Package<'a> {
    fn parse(package: &Chunk<'a>, types_left: &mut usize) -> Result<Self, ParseError> {
        if package.header_size < PACKAGE_HEADER {
            return Err(invalid(package, format!("a package header of {} bytes", package.header_size)));
        }
        let mut header = package.header;
        let id = header.u32()?;
        let mut type_id_offset = 0;
        if package.header_size > PACKAGE_HEADER {
            let offset = package.whole.get(TYPE_ID_OFFSET..).unwrap_or_default();
            type_id_offset = Cursor::new(STRUCTURE, offset).u32()?;
        }
        if type_id_offset > u8::MAX.into() {
            return Err(invalid(package, format!("its type ids are offset by {type_id_offset}")));
        }
        let mut names = package.header;
        names.take(NAMES_BEFORE)?;
        let type_names = names.u32()?;
        names.u32()?; // last public type
        let key_names = names.u32()?;
        let mut types: BTreeMap<u8, TypeSpec<'a>> = BTreeMap::new();
        let mut chunks = package.content;
        while let Some(chunk) = next_aligned(&mut chunks)? {
            match chunk.kind {
                CHUNK_TYPE_SPEC => {
                    let (id, spec) = TypeSpec::parse(&chunk, type_id_offset)?;
                    // A second specification of a type is ignored.
                    types.entry(id).or_insert(spec);
                }
                CHUNK_TYPE => {
                    let too_many = || invalid(&chunk, "more types than the limit");
                    *types_left = types_left.checked_sub(1).ok_or_else(too_many)?;
                    let (id, part) = Type::parse(&chunk)?;
                    let missing = || invalid(&chunk, format!("type {id} has no specification before it"));
                    types.get_mut(&id).ok_or_else(missing)?.types.push(part);
                }
                chunk::STRING_POOL => {
                    // Names of types and keys lead to no value, but the platform insists on them.
                    let at = chunk.start().saturating_sub(package.start());
                    if [type_names, key_names].map(u64::from).contains(&at) {
                        StringPool::parse_strictly(STRUCTURE, &chunk)?;
                    }
                }
                _ => {}
            }
        }
        Ok(Self { id, type_id_offset, types })
    }

    fn type_spec(&self, id: u8) -> Option<&TypeSpec<'a>> {
        let id = u32::from(id).checked_sub(self.type_id_offset)?;
        self.types.get(&u8::try_from(id).ok()?)
    }
}

impl<'a> TypeSpec<'a> {
    fn parse(spec: &Chunk<'a>, type_id_offset: u32) -> Result<(u8, Self), ParseError> {
        if spec.header_size < TYPE_SPEC_HEADER {
            return Err(invalid(spec, format!("a type specification header of {} bytes", spec.header_size)));
        }
        let mut header = spec.header;
        let id = header.u8()?;
        if id == 0 || type_id_offset.saturating_add(id.into()) > u8::MAX.into() {
            return Err(invalid(spec, format!("a type specification with the id {id}")));
        }
        header.take(3)?; // reserved, number of types
        let count = entry_count(spec, &mut header)?;
        let flags = spec.content.rest().get(..count.saturating_mul(4));
        let flags = flags.ok_or_else(|| invalid(spec, format!("{count} flags of entries do not fit")))?;
        Ok((id, Self { flags, types: Vec::new() }))
    }

    /// In what the values of an entry differ; none for an entry that the type does not have.
    fn flags(&self, entry: u16) -> Option<u32> {
        let at = usize::from(entry).checked_mul(4)?;
        self.flags.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }
}

impl<'a> Type<'a> {
    fn parse(part: &Chunk<'a>) -> Result<(u8, Self), ParseError> {
        if part.header_size < TYPE_HEADER {
            return Err(invalid(part, format!("a type header of {} bytes", part.header_size)));
        }
        let mut header = part.header;
        let id = header.u8()?;
        if id == 0 {
            return Err(invalid(part, "a type with the id 0"));
        }
        let flags = header.u8()?;
        header.take(2)?; // reserved
        let count = entry_count(part, &mut header)?;
        let entries_start = usize::try_from(header.u32()?).unwrap_or(usize::MAX);
        let size = if flags & FLAG_OFFSET16 == 0 { 4 } else { 2 };
        let end = part.header_size.saturating_add(count.saturating_mul(size));
        if end > entries_start || entries_start.checked_rem(4) != Some(0) {
            let message = format!("the offsets of {count} entries do not fit before {entries_start:#x}");
            return Err(invalid(part, message));
        }
        // Pairs are longer than what was checked above when both flags are set, and reach into the entries.
        let offsets = part.whole.get(part.header_size..);
        let entries = part.whole.get(entries_start..);
        let (Some(offsets), Some(entries)) = (offsets, entries) else {
            return Err(invalid(part, format!("entries at {entries_start:#x}, behind the end")));
        };
        let configuration = part.whole.get(CONFIGURATION..).unwrap_or_default();
        let configuration = Configuration::parse(STRUCTURE, configuration)?;
        Ok((id, Self { configuration, flags, count, offsets, entries }))
    }

    /// Where an entry stands; none when it has no value here.
    fn offset(&self, entry: u16) -> Option<usize> {
        if self.flags & FLAG_SPARSE != 0 {
            return self.sparse_offset(entry);
        }
        let index = usize::from(entry);
        if index >= self.count {
            return None;
        }
        if self.flags & FLAG_OFFSET16 != 0 {
            let offset = u16::from_le_bytes(*self.offsets.get(index.checked_mul(2)?..)?.first_chunk()?);
            return (offset != u16::MAX).then(|| usize::from(offset).saturating_mul(4));
        }
        let offset = u32::from_le_bytes(*self.offsets.get(index.checked_mul(4)?..)?.first_chunk()?);
        if offset == u32::MAX { None } else { usize::try_from(offset).ok() }
    }

    /// Looks among pairs of an entry and its offset, which ascend. In a list that does not, an entry is found or not
    /// exactly as on Android, whose `std::lower_bound` halves like this.
    fn sparse_offset(&self, entry: u16) -> Option<usize> {
        let pair = |index: usize| -> Option<(u16, u16)> {
            let [a, b, c, d] = *self.offsets.get(index.checked_mul(4)?..)?.first_chunk()?;
            Some((u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])))
        };
        let (mut first, mut len) = (0_usize, self.count);
        while len > 0 {
            let half = len >> 1;
            let middle = first.checked_add(half)?;
            if pair(middle)?.0 < entry {
                first = middle.checked_add(1)?;
                len = len.checked_sub(half)?.checked_sub(1)?;
            } else {
                len = half;
            }
        }
        let (found, offset) = if first < self.count { pair(first)? } else { return None };
        (found == entry).then(|| usize::from(offset).saturating_mul(4))
    }

    /// The entry at that offset; none when the platform finds it broken.
    fn entry_at(&self, offset: usize) -> Option<Entry> {
        if offset.checked_rem(4) != Some(0) {
            return None;
        }
        let entry = self.entries.get(offset..)?;
        let mut cursor = Cursor::new(STRUCTURE, entry);
        let (size, flags, data) = (cursor.u16().ok()?, cursor.u16().ok()?, cursor.u32().ok()?);
        if flags & FLAG_COMPACT != 0 {
            // What else would be the size is the key, and the type of the value stands above the flags.
            let [_, kind] = flags.to_le_bytes();
            return Some(Entry::Value(ResourceValue { kind, data }));
        }
        let size = usize::from(size);
        let behind = entry.get(size..).filter(|_| size >= ENTRY_SIZE)?;
        if size >= MAP_ENTRY_SIZE {
            cursor.take(4).ok()?; // parent
            let count = usize::try_from(cursor.u32().ok()?).ok()?;
            let fits = size.checked_rem(4) == Some(0) && count.saturating_mul(MAP_SIZE) <= behind.len();
            if !fits {
                return None;
            }
        }
        if flags & FLAG_COMPLEX != 0 {
            return Some(Entry::Bag);
        }
        let mut cursor = Cursor::new(STRUCTURE, behind);
        let value_size = usize::from(cursor.u16().ok()?);
        cursor.u8().ok()?; // reserved
        let (kind, data) = (cursor.u8().ok()?, cursor.u32().ok()?);
        let fits = value_size >= VALUE_SIZE && value_size <= behind.len();
        fits.then_some(Entry::Value(ResourceValue { kind, data }))
    }
}

/// The number of entries, of which a type has at most 65,535.
fn entry_count(chunk: &Chunk<'_>, header: &mut Cursor<'_>) -> Result<usize, ParseError> {
    let count = header.u32()?;
    u16::try_from(count).map(usize::from).map_err(|_| invalid(chunk, format!("{count} entries of one type")))
}

/// The next chunk, which like its header is a multiple of four bytes long.
///
/// Source: AOSP `ChunkIterator::VerifyNextChunk`.
fn next_aligned<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Chunk<'a>>, ParseError> {
    let found = next_chunk(cursor)?;
    match found {
        Some(chunk) if (chunk.header_size | chunk.whole.len()) & 3 != 0 => {
            Err(invalid(&chunk, format!("a chunk of {} bytes, not a multiple of 4", chunk.whole.len())))
        }
        found => Ok(found),
    }
}

fn invalid(chunk: &Chunk<'_>, message: impl Into<String>) -> ParseError {
    ParseError::invalid(STRUCTURE, chunk.start(), message)
}

/// Why a reference leads to no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unresolved {
    /// The resource is the framework's, or a library's, and not in this file.
    Elsewhere(ResourceId),
    /// There is no such resource, or it has no value for the device.
    Missing(ResourceId),
    /// The entry of the resource is broken.
    Broken(ResourceId),
    /// It is a bag of values, where one is needed.
    Bag(ResourceId),
    /// It leads from reference to reference for too long, perhaps in a circle.
    Endless(ResourceId),
    /// The table makes looking up too expensive, [`Limits::resource_lookups`].
    TooExpensive,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elsewhere(id) if id.package() == FRAMEWORK_PACKAGE => {
                write!(f, "resource {id} is the framework's, which is not in the file")
            }
            Self::Elsewhere(id) => write!(f, "resource {id} is of a package that is not in the file"),
            Self::Missing(id) => write!(f, "resource {id} has no value for this"),
            Self::Broken(id) => write!(f, "the entry of resource {id} is broken"),
            Self::Bag(id) => write!(f, "resource {id} has several values"),
            Self::Endless(id) => {
                write!(f, "resource {id} leads on to another after {MAX_REFERENCES} references")
            }
            Self::TooExpensive => f.write_str("the resource table makes looking up too expensive"),
        }
    }
}

/// Where references lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resolved {
    /// The value at their end.
    pub value: ResourceValue,
    /// What the values on the way ask of a device, all together.
    pub configuration: Configuration,
    /// Whether any of the resources on the way can have different values on different devices.
    pub varies: bool,
}

/// Looks up resources, and counts what that costs.
#[derive(Debug)]
pub struct Resolver<'t, 'a> {
    table: &'t Table<'a>,
    lookups_left: u64,
    max_lookups: u64,
    /// What is left for all that is looked up.
    all_left: u64,
    max_configurations: usize,
    incomplete: bool,
}

impl<'t, 'a> Resolver<'t, 'a> {
    /// Looks up in `table` within `limits`.
    pub fn new(table: &'t Table<'a>, limits: &Limits) -> Self {
        Self {
            table,
            lookups_left: limits.resource_lookups,
            max_lookups: limits.resource_lookups,
            all_left: u64::MAX,
            max_configurations: limits.resource_configurations,
            incomplete: false,
        }
    }

    /// The same with so many look-ups in all, however often it begins anew.
    #[must_use]
    pub fn of_at_most(self, lookups: u64) -> Self {
        Self { all_left: lookups, ..self }
    }

    /// Begins with something else, for which all of [`Limits::resource_lookups`] is there again.
    pub fn restart(&mut self) {
        self.lookups_left = self.max_lookups;
    }

    /// The table.
    pub fn table(&self) -> &'t Table<'a> {
        self.table
    }

    /// Whether a limit was met, so that something may be missing from what was answered.
    pub fn is_exhausted(&self) -> bool {
        self.incomplete
    }

    /// Follows references from `value` to the value that `device` gets; a value that is none stays as it is.
    ///
    /// # Errors
    /// The references lead to nothing.
    ///
    /// Source: AOSP `AssetManager2::ResolveReference`.
    pub fn resolve(&mut self, value: ResourceValue, device: &Configuration) -> Result<Resolved, Unresolved> {
        let mut resolved = Resolved { value, configuration: Configuration::default(), varies: false };
        for _ in 0..=MAX_REFERENCES {
            let Some(id) = resolved.value.reference() else { return Ok(resolved) };
            let (value, configuration, flags) = self.find(id, device)?;
            resolved.varies |= flags & CONFIGURATION_FLAGS != 0;
            // What one device gets cannot contradict itself.
            resolved.configuration = resolved.configuration.and(&configuration).unwrap_or(configuration);
            resolved.value = value;
        }
        match resolved.value.reference() {
            None => Ok(resolved),
            Some(id) => Err(Unresolved::Endless(id)),
        }
    }

    /// Every configuration for which references from `value` lead to a value of its own.
    ///
    /// When there are too many, the rest is missing, and [`Resolver::is_exhausted`] says so.
    pub fn configurations(&mut self, value: ResourceValue) -> BTreeSet<Configuration> {
        let mut found = BTreeSet::new();
        let Some(first) = value.reference() else { return found };
        let mut seen = BTreeSet::new();
        let mut waiting = vec![(first, Configuration::default(), 0_usize)];
        while let Some((id, so_far, depth)) = waiting.pop() {
            if depth > MAX_REFERENCES || !seen.insert((id, so_far)) {
                continue;
            }
            let (types, entry) = self.types_of(id);
            for part in types {
                if !self.pay() || seen.len().max(waiting.len()).max(found.len()) > self.max_configurations {
                    self.incomplete = true;
                    return found;
                }
                let Some(both) = so_far.and(&part.configuration) else { continue };
                match part.offset(entry).and_then(|offset| part.entry_at(offset)) {
                    Some(Entry::Value(value)) => match value.reference() {
                        Some(next) => waiting.push((next, both, depth.saturating_add(1))),
                        None => {
                            found.insert(both);
                        }
                    },
                    Some(Entry::Bag) | None => {}
                }
            }
        }
        found
    }

    /// The value of a resource that suits `device` best, the configuration it is meant for, and in what the resource
    /// can differ.
    ///
    /// Source: AOSP `AssetManager2::FindEntryInternal`.
    fn find(
        &mut self,
        id: ResourceId,
        device: &Configuration,
    ) -> Result<(ResourceValue, Configuration, u32), Unresolved> {
        let id = self.own(id);
        let table = self.table;
        let packages = || table.packages.iter().filter(|package| package.id == u32::from(id.package()));
        if packages().next().is_none() {
            return Err(Unresolved::Elsewhere(id));
        }
        let mut best: Option<(&Type<'a>, usize)> = None;
        let mut flags = 0;
        for spec in packages().filter_map(|package| package.type_spec(id.type_id())) {
            flags |= spec.flags(id.entry()).ok_or(Unresolved::Missing(id))?;
            for part in &spec.types {
                if !self.pay() {
                    self.incomplete = true;
                    return Err(Unresolved::TooExpensive);
                }
                let better = part.configuration.matches(device)
                    && best.is_none_or(|(best, _)| {
                        part.configuration.is_better_than(&best.configuration, device)
                    });
                if better && let Some(offset) = part.offset(id.entry()) {
                    best = Some((part, offset));
                }
            }
        }
        let (part, offset) = best.ok_or(Unresolved::Missing(id))?;
        match part.entry_at(offset) {
            Some(Entry::Value(value)) => Ok((value, part.configuration, flags)),
            Some(Entry::Bag) => Err(Unresolved::Bag(id)),
            None => Err(Unresolved::Broken(id)),
        }
    }

    /// The types that can have a value for a resource, and its entry in them.
    fn types_of(&self, id: ResourceId) -> (impl Iterator<Item = &'t Type<'a>> + use<'t, 'a>, u16) {
        let id = self.own(id);
        let packages = self.table.packages.iter().filter(move |each| each.id == u32::from(id.package()));
        let specs = packages.filter_map(move |each| each.type_spec(id.type_id()));
        (specs.flat_map(|spec| spec.types.iter()), id.entry())
    }

    /// An id without a package is one of the package where it stands.
    fn own(&self, id: ResourceId) -> ResourceId {
        if id.package() != 0 {
            return id;
        }
        ResourceId(id.0 | u32::from_be_bytes([self.table.own_package(), 0, 0, 0]))
    }

    /// Pays for one step; false when nothing is left.
    fn pay(&mut self) -> bool {
        self.lookups_left = self.lookups_left.saturating_sub(1);
        self.all_left = self.all_left.saturating_sub(1);
        self.lookups_left.min(self.all_left) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::resource_configuration::Locale;
    use super::*;

    fn chunk(kind: u16, header: &[u8], content: &[u8]) -> Vec<u8> {
        let header_size = 8 + header.len();
        let size = header_size + content.len();
        [
            kind.to_le_bytes().as_slice(),
            &u16::try_from(header_size).unwrap().to_le_bytes(),
            &u32::try_from(size).unwrap().to_le_bytes(),
            header,
            content,
        ]
        .concat()
    }

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn pool(strings: &[&str]) -> Vec<u8> {
        let (mut offsets, mut data) = (Vec::new(), Vec::new());
        for string in strings {
            offsets.push(u32::try_from(data.len()).unwrap());
            let len = u8::try_from(string.len()).unwrap();
            data.extend([len, len]);
            data.extend(string.bytes().chain([0]));
        }
        data.resize(data.len().next_multiple_of(4), 0);
        let count = u32::try_from(strings.len()).unwrap();
        chunk(
            chunk::STRING_POOL,
            &words(&[count, 0, 0x100, 28 + 4 * count, 0]),
            &[words(&offsets), data].concat(),
        )
    }

    /// A specification of type 1 with that many entries that do not vary.
    fn spec(entries: u32) -> Vec<u8> {
        let flags = vec![0; usize::try_from(entries).unwrap()];
        chunk(CHUNK_TYPE_SPEC, &words(&[1, entries]), &words(&flags))
    }

    /// Entries of type 1 for German, or for any device.
    fn entries(flags: u8, german: bool, count: u32, offsets: &[u8], data: &[u8]) -> Vec<u8> {
        let mut configuration = words(&[12, 0, 0]);
        if german {
            configuration[8..10].copy_from_slice(b"de");
        }
        let start = 32 + u32::try_from(offsets.len()).unwrap();
        let mut header = vec![1, flags, 0, 0];
        header.extend(words(&[count, start]));
        header.extend(configuration);
        chunk(CHUNK_TYPE, &header, &[offsets, data].concat())
    }

    fn dense(german: bool, values: &[(u8, u32)]) -> Vec<u8> {
        let count = u32::try_from(values.len()).unwrap();
        let offsets: Vec<u32> = (0..count).map(|index| index * 16).collect();
        let data = values.iter().flat_map(|(kind, data)| entry(*kind, *data));
        entries(0, german, count, &words(&offsets), &data.collect::<Vec<u8>>())
    }

    /// An entry of full size.
    fn entry(kind: u8, data: u32) -> Vec<u8> {
        [words(&[8, 0]), vec![8, 0, 0, kind], words(&[data])].concat()
    }

    fn package(id: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
        let mut header = words(&[id]);
        header.extend([0; 256]);
        header.extend(words(&[0, 0, 0, 0, 0]));
        chunk(CHUNK_PACKAGE, &header, &chunks.concat())
    }

    fn table(packages: &[Vec<u8>]) -> Vec<u8> {
        let count = u32::try_from(packages.len()).unwrap();
        let body = [pool(&["one", "zwei"]), packages.concat()].concat();
        chunk(CHUNK_TABLE, &words(&[count]), &body)
    }

    fn resolve(bytes: &[u8], id: u32, german: bool) -> Result<u32, Unresolved> {
        let table = Table::parse(bytes, &Limits::default()).unwrap();
        let mut device = Configuration::phone(30);
        if german {
            device.locale = Locale { language: *b"de", ..Locale::default() };
        }
        let value = ResourceValue { kind: ResourceValue::REFERENCE, data: id };
        let resolved = Resolver::new(&table, &Limits::default()).resolve(value, &device)?;
        Ok(resolved.value.data)
    }

    const ID: u32 = 0x7f01_0000;

    #[test]
    fn a_device_gets_the_value_for_its_language() {
        let bytes =
            table(&[package(0x7f, &[spec(2), dense(false, &[(3, 0), (1, ID)]), dense(true, &[(3, 1)])])]);
        assert_eq!((resolve(&bytes, ID, false), resolve(&bytes, ID, true)), (Ok(0), Ok(1)));
        // Entry 1 refers to entry 0, and has nothing of its own in German.
        assert_eq!((resolve(&bytes, ID + 1, false), resolve(&bytes, ID + 1, true)), (Ok(0), Ok(1)));
        let parsed = Table::parse(&bytes, &Limits::default()).unwrap();
        assert!(parsed.text(1).unwrap().is("zwei") && parsed.text(2).is_err());
        // An id without a package is one of its own.
        assert_eq!(resolve(&bytes, 0x0001_0000, true), Ok(1));
        assert_eq!(resolve(&bytes, ID + 2, false), Err(Unresolved::Missing(ResourceId(ID + 2))));
        assert_eq!(resolve(&bytes, 0x7f02_0000, false), Err(Unresolved::Missing(ResourceId(0x7f02_0000))));
        assert_eq!(resolve(&bytes, 0x0101_0000, false), Err(Unresolved::Elsewhere(ResourceId(0x0101_0000))));
    }

    #[test]
    fn twice_as_much_of_anything_is_twice_the_work() {
        let wanted = ResourceValue { kind: ResourceValue::REFERENCE, data: ID };
        let part = || package(0x7f, &[spec(1), dense(false, &[(3, 0)])]);
        let many: [&dyn Fn(usize) -> Vec<u8>; 2] = [
            &|count| table(&[package(0x7f, &[vec![spec(1)], vec![dense(true, &[(3, 1)]); count]].concat())]),
            &|count| table(&vec![part(); count]),
        ];
        for make in many {
            crate::work::doubles(make, |bytes| {
                let limits = Limits::default();
                let parsed = Table::parse(bytes, &limits).unwrap();
                let mut resolver = Resolver::new(&parsed, &limits);
                for device in resolver.configurations(wanted) {
                    resolver.restart();
                    assert!(resolver.resolve(wanted, &device).is_ok());
                }
            });
        }
    }

    #[test]
    fn a_package_in_two_parts_is_one() {
        let parts = [
            package(0x7f, &[spec(1), dense(true, &[(3, 1)])]),
            package(0x7f, &[spec(1), dense(false, &[(3, 0)])]),
        ];
        assert_eq!((resolve(&table(&parts), ID, true), resolve(&table(&parts), ID, false)), (Ok(1), Ok(0)));
    }

    #[test]
    fn pairs_that_do_not_ascend_are_found_as_on_android() {
        let find = |pairs: &[[u16; 2]], wanted: u32| {
            let offsets: Vec<u8> = pairs.iter().flatten().flat_map(|half| half.to_le_bytes()).collect();
            let data = [entry(0x10, 100), entry(0x10, 101), entry(0x10, 102)].concat();
            let count = u32::try_from(pairs.len()).unwrap();
            let part = entries(FLAG_SPARSE, false, count, &offsets, &data);
            resolve(&table(&[package(0x7f, &[spec(9), part])]), ID + wanted, false).ok()
        };
        let sorted = [[1, 0], [4, 4], [8, 8]];
        assert_eq!([1, 4, 8, 5].map(|entry| find(&sorted, entry)), [Some(100), Some(101), Some(102), None]);
        // Halving looks at the middle first, and goes left of an entry that is no smaller.
        let shuffled = [[8, 8], [4, 4], [1, 0]];
        assert_eq!([1, 4, 8].map(|entry| find(&shuffled, entry)), [None, None, None]);
        assert_eq!(find(&[[3, 8], [4, 4], [4, 0]], 4), Some(101));
        assert_eq!(find(&[], 0), None);
    }

    #[test]
    fn compact_and_short_offsets() {
        let compact = [0, 0, 0x08, 0x10, 77, 0, 0, 0];
        let offsets = [0xff, 0xff, 0, 0];
        let bytes = table(&[package(0x7f, &[spec(2), entries(FLAG_OFFSET16, false, 2, &offsets, &compact)])]);
        assert_eq!(resolve(&bytes, ID + 1, false), Ok(77));
        assert_eq!(resolve(&bytes, ID, false), Err(Unresolved::Missing(ResourceId(ID))));
    }

    #[test]
    fn a_broken_entry_is_broken_and_no_other_takes_its_place() {
        let good = dense(false, &[(3, 0)]);
        let of = |offset: u32, data: &[u8]| {
            let part = entries(0, true, 1, &words(&[offset]), data);
            resolve(&table(&[package(0x7f, &[spec(1), good.clone(), part])]), ID, true)
        };
        assert_eq!(of(0, &entry(3, 1)), Ok(1));
        assert_eq!(of(u32::MAX, &entry(3, 1)), Ok(0)); // none for German
        let broken = Err(Unresolved::Broken(ResourceId(ID)));
        assert_eq!(of(2, &[entry(3, 1), entry(3, 1)].concat()), broken); // not aligned
        assert_eq!(of(16, &entry(3, 1)), broken); // behind the end
        assert_eq!(of(0, &entry(3, 1)[..12]), broken); // no room for the value
        assert_eq!(of(0, &[&[4, 0][..], &entry(3, 1)[2..]].concat()), broken); // entry too small
        assert_eq!(of(0, &[&entry(3, 1)[..8], &[4, 0], &entry(3, 1)[10..]].concat()), broken); // value too small
        let bag = |count| [words(&[0x0001_0010, 0, 0, count]), words(&[0, 0, 0])].concat();
        assert_eq!(of(0, &bag(1)), Err(Unresolved::Bag(ResourceId(ID))));
        assert_eq!(of(0, &bag(2)), broken);
    }

    #[test]
    fn what_the_platform_refuses_is_refused() {
        let refused = |bytes: &[u8]| Table::parse(bytes, &Limits::default()).unwrap_err().to_string();
        let good = table(&[package(0x7f, &[spec(1), dense(false, &[(3, 0)])])]);
        assert!(Table::parse(&good, &Limits::default()).is_ok());
        let part = dense(false, &[(3, 0)]);
        assert!(refused(&table(&[package(0x7f, &[part.clone(), spec(1)])])).contains("no specification"));
        let mut one = table(&[package(0x7f, &[]), package(0x7f, &[])]);
        one[8] = 1;
        assert!(refused(&one).contains("more packages than the 1"));
        let many = chunk(CHUNK_TYPE_SPEC, &words(&[1, 65_536]), &vec![0; 4 * 65_536]);
        assert!(refused(&table(&[package(0x7f, &[many])])).contains("65536 entries"));
        let short = chunk(CHUNK_TYPE_SPEC, &words(&[1, 2]), &words(&[0]));
        assert!(refused(&table(&[package(0x7f, &[short])])).contains("do not fit"));
        let nameless = chunk(CHUNK_TYPE_SPEC, &words(&[0, 0]), &[]);
        assert!(refused(&table(&[package(0x7f, &[nameless])])).contains("id 0"));
        let overlap = entries(0, false, 3, &words(&[0]), &[]);
        assert!(refused(&table(&[package(0x7f, &[spec(3), overlap])])).contains("offsets of 3 entries"));
        let odd = chunk(0x7777, &[], &[0; 2]);
        assert!(refused(&table(&[odd])).contains("multiple of 4"));
        let mut unended = good.clone();
        let text = unended.windows(4).position(|window| window == b"zwei").unwrap();
        unended[text + 4..text + 8].fill(b'!');
        assert!(refused(&unended).contains("does not end with a zero"));
        // A chunk that does not fit ends the walk, and what was read before it stays.
        let cut = &good[..good.len() - 1];
        assert_eq!(resolve(cut, ID, false), Err(Unresolved::Elsewhere(ResourceId(ID))));
    }

    #[test]
    fn the_first_strings_count() {
        let body = [pool(&["first"]), pool(&["second"])].concat();
        let bytes = chunk(CHUNK_TABLE, &words(&[0]), &body);
        let table = Table::parse(&bytes, &Limits::default()).unwrap();
        assert!(table.text(0).unwrap().is("first"));
    }

    #[test]
    fn no_more_types_than_the_limit_are_kept() {
        let part = dense(false, &[(3, 0)]);
        let bytes = table(&[package(0x7f, &[vec![spec(1)], vec![part; 9]].concat())]);
        let limits = |resource_types| Limits { resource_types, ..Limits::default() };
        assert!(Table::parse(&bytes, &limits(9)).is_ok());
        assert!(Table::parse(&bytes, &limits(8)).unwrap_err().to_string().contains("limit"));
    }

    #[test]
    fn looking_up_is_paid_for() {
        // Each of 200 resources refers to the next, for both languages.
        let count = 200;
        let values: Vec<(u8, u32)> = (1..=count).map(|next| (1, ID + next % count)).collect();
        let bytes = table(&[package(0x7f, &[spec(count), dense(false, &values), dense(true, &values)])]);
        let table = Table::parse(&bytes, &Limits::default()).unwrap();
        let value = ResourceValue { kind: ResourceValue::REFERENCE, data: ID };
        let phone = Configuration::phone(30);
        let mut resolver = Resolver::new(&table, &Limits::default());
        assert_eq!(resolver.resolve(value, &phone), Err(Unresolved::Endless(ResourceId(ID + 21))));
        assert!(resolver.configurations(value).is_empty() && !resolver.is_exhausted());
        let mut poor = Resolver::new(&table, &Limits { resource_lookups: 10, ..Limits::default() });
        assert_eq!(poor.resolve(value, &phone), Err(Unresolved::TooExpensive));
        assert!(poor.is_exhausted());
        poor.restart();
        assert_eq!(poor.configurations(value).len(), 0);
        // Beginning anew brings nothing back of what is there for all.
        let mut spent = Resolver::new(&table, &Limits::default()).of_at_most(30);
        assert_eq!(spent.resolve(value, &phone), Err(Unresolved::TooExpensive));
        spent.restart();
        assert_eq!(spent.resolve(value, &phone), Err(Unresolved::TooExpensive));
        let mut enough = Resolver::new(&table, &Limits::default()).of_at_most(1000);
        assert_eq!(enough.resolve(value, &phone), Err(Unresolved::Endless(ResourceId(ID + 21))));
        let mut narrow = Resolver::new(&table, &Limits { resource_configurations: 3, ..Limits::default() });
        narrow.configurations(value);
        assert!(narrow.is_exhausted());
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let compact = [0, 0, 0x08, 0x10, 77, 0, 0, 0];
        let good = table(&[package(
            0x7f,
            &[
                spec(2),
                dense(false, &[(3, 0), (1, ID)]),
                dense(true, &[(3, 1)]),
                entries(FLAG_SPARSE | FLAG_OFFSET16, true, 1, &[1, 0, 0, 0], &compact),
            ],
        )]);
        let look = |bytes: &[u8]| {
            let limits = Limits::default();
            let Ok(table) = Table::parse(bytes, &limits) else { return };
            let mut resolver = Resolver::new(&table, &limits);
            for id in [ID, ID + 1, ID + 2] {
                let value = ResourceValue { kind: ResourceValue::REFERENCE, data: id };
                for configuration in resolver.configurations(value) {
                    let _ = resolver.resolve(value, &Configuration::phone(30).with(&configuration));
                }
            }
            for index in 0..3 {
                let _ = table.text(index).map(|text| text.displayed().len());
            }
        };
        for len in 0..good.len() {
            look(&good[..len]);
        }
        for at in 0..good.len() * 8 {
            let mut flipped = good.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            look(&flipped);
        }
        for at in 0..good.len() {
            for value in [0, 0xff] {
                let mut bytes = good.clone();
                bytes[at] = value;
                look(&bytes);
            }
        }
    }
}
