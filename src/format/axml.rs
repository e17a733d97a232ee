//! Android binary XML, as far as `AndroidManifest.xml` needs it: elements with their attributes, in document order.
//!
//! Both Android and apksig must be able to read it: what one of them refuses is refused here, and so is a document in
//! which they would look for strings, resource ids or the document itself in different places. Unknown chunks are
//! skipped, as by both. Attributes are told apart by resource id, not by name.
//!
//! Source: AOSP `ResXMLTree` and `ResXMLParser` in `ResourceTypes.cpp`; apksig `AndroidBinXmlParser`.

use std::ops::RangeInclusive;

use super::Cursor;
use super::ParseError;
use super::arsc::ResourceValue;
use super::chunk;
use super::chunk::StringPool;
use super::chunk::Text;
use super::chunk::next_chunk;

const STRUCTURE: &str = "binary XML";
const CHUNK_XML: u16 = 0x0003;
/// Kinds of the nodes of the tree, whether or not they are known.
const NODES: RangeInclusive<u16> = 0x0100..=0x017f;
const CHUNK_START_ELEMENT: u16 = 0x0102;
const CHUNK_END_ELEMENT: u16 = 0x0103;
const CHUNK_RESOURCE_MAP: u16 = 0x0180;
const NONE: u32 = 0xffff_ffff;

/// Value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// A string of the pool.
    String(Text<'a>),
    /// Decimal or hexadecimal integer.
    Integer {
        /// The number.
        value: i32,
        /// Whether it was written in hexadecimal.
        hexadecimal: bool,
    },
    /// True or false.
    Boolean(bool),
    /// A reference to a resource, by id.
    Reference(u32),
    /// Another type, with its number.
    Other(u8),
}

/// Events in document order.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// An element starts. Its children follow until the matching end.
    Start(Element<'a>),
    /// An element ends.
    End,
}

/// An element and its attributes.
#[derive(Debug, Clone)]
pub struct Element<'a> {
    /// Local name.
    pub name: Text<'a>,
    /// Whether it has a namespace; those of the manifest have none.
    pub has_namespace: bool,
    /// How deep it stands: 1 for the root.
    pub depth: usize,
    pool: StringPool<'a>,
    resource_ids: &'a [u8],
    attributes: &'a [u8],
    attribute_size: usize,
}

impl<'a> Element<'a> {
    /// The attributes, in their order.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + '_ {
        let size = self.attribute_size.max(1);
        self.attributes.chunks_exact(size).map_while(|record| self.attribute(record))
    }

    /// The first attribute with this resource id.
    pub fn by_resource_id(&self, id: u32) -> Option<Attribute<'a>> {
        self.attributes().find(|attribute| attribute.resource_id == id)
    }

    /// The attribute that the platform takes for this resource id: it looks for ids in ascending order and never turns
    /// back, so one that stands behind a larger id is not seen.
    ///
    /// Source: AOSP `AttributeResolution.cpp` `RetrieveAttributes`.
    pub fn by_resource_id_in_order(&self, id: u32) -> Option<Attribute<'a>> {
        self.attributes()
            .find(|attribute| attribute.resource_id >= id)
            .filter(|found| found.resource_id == id)
    }

    fn attribute(&self, record: &'a [u8]) -> Option<Attribute<'a>> {
        let mut cursor = Cursor::new(STRUCTURE, record);
        let namespace = cursor.u32().ok()?;
        let name = cursor.u32().ok()?;
        let raw = cursor.u32().ok()?;
        cursor.take(3).ok()?; // size of the typed value, a zero
        let kind = cursor.u8().ok()?;
        let data = cursor.u32().ok()?;
        let resource_id = usize::try_from(name)
            .ok()
            .and_then(|index| self.resource_ids.get(index.checked_mul(4)?..)?.first_chunk())
            .map_or(0, |bytes| u32::from_le_bytes(*bytes));
        Some(Attribute { namespace, name, resource_id, raw, kind, data, pool: self.pool })
    }
}

/// An attribute, its strings not looked up yet.
#[derive(Debug, Clone, Copy)]
pub struct Attribute<'a> {
    namespace: u32,
    name: u32,
    /// Resource id of its name; 0 for none.
    pub resource_id: u32,
    /// Index of the text as it stood in the source.
    raw: u32,
    kind: u8,
    data: u32,
    pool: StringPool<'a>,
}

impl<'a> Attribute<'a> {
    /// Local name.
    pub fn name(&self) -> Result<Text<'a>, ParseError> {
        self.pool.get(self.name)
    }

    /// Whether it has a namespace, as those of the framework do. An index below 0 is none to Android.
    pub fn has_namespace(&self) -> bool {
        self.namespace.cast_signed() >= 0
    }

    /// Its namespace; none where it has none.
    pub fn namespace(&self) -> Result<Option<Text<'a>>, ParseError> {
        self.has_namespace().then(|| self.pool.get(self.namespace)).transpose()
    }

    /// The value.
    pub fn value(&self) -> Result<Value<'a>, ParseError> {
        Ok(match self.kind {
            0x01 => Value::Reference(self.data),
            0x03 => Value::String(self.pool.get(self.data)?),
            0x10 | 0x11 => Value::Integer { value: self.data.cast_signed(), hexadecimal: self.kind == 0x11 },
            0x12 => Value::Boolean(self.data != 0),
            other => Value::Other(other),
        })
    }

    /// The text that the platform reads where it asks for the attribute by name: as it stood in the source, whatever
    /// the value is, and the value's where it stood there as none. None for a value that is no text either.
    ///
    /// Source: AOSP `XmlBlock.java` `getAttributeValue`.
    pub fn text_by_name(&self) -> Result<Option<Text<'a>>, ParseError> {
        Ok(match (self.raw_text()?, self.value()) {
            (Some(text), _) => Some(text),
            (None, value) => match value? {
                Value::String(text) => Some(text),
                _ => None,
            },
        })
    }

    /// The text as it stood in the source, where it is kept.
    pub fn raw_text(&self) -> Result<Option<Text<'a>>, ParseError> {
        (self.raw.cast_signed() >= 0).then(|| self.pool.get(self.raw)).transpose()
    }

    /// The value as it stands there: its type, and data that mean something to that type.
    pub fn raw_value(&self) -> ResourceValue {
        ResourceValue { kind: self.kind, data: self.data }
    }
}

/// Walks a binary XML document.
#[derive(Debug)]
pub struct Reader<'a> {
    chunks: Cursor<'a>,
    pool: Option<StringPool<'a>>,
    resource_ids: Option<&'a [u8]>,
    /// Whether a node has been seen: what stands before the first one is for Android apart.
    in_tree: bool,
    depth: usize,
    /// Whether the root element has ended, behind which Android does not look.
    ended: bool,
}

impl<'a> Reader<'a> {
    /// Finds the document in `bytes`: their first chunk. What follows it is not looked at.
    ///
    /// # Errors
    /// The first chunk is malformed or of another kind. Android takes it for the document whatever its kind, apksig
    /// looks for the first of the right kind.
    pub fn new(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(STRUCTURE, bytes);
        match next_chunk(&mut cursor)? {
            Some(chunk) if chunk.kind == CHUNK_XML => Ok(Self {
                chunks: chunk.content,
                pool: None,
                resource_ids: None,
                in_tree: false,
                depth: 0,
                ended: false,
            }),
            _ => Err(ParseError::invalid(STRUCTURE, 0, "it does not begin with an XML document")),
        }
    }

    /// The next event; none at the end.
    ///
    /// # Errors
    /// A malformed chunk.
    pub fn next_event(&mut self) -> Result<Option<Event<'a>>, ParseError> {
        loop {
            let at = self.chunks.offset();
            let invalid = |what: &str| Err(ParseError::invalid(STRUCTURE, at, what));
            let Some(chunk) = next_chunk(&mut self.chunks)? else {
                // Android ends with an error here, unless it has seen the end of the root element.
                return if self.chunks.is_empty() || self.ended {
                    Ok(None)
                } else {
                    invalid("a chunk that does not fit")
                };
            };
            let fits = |size: usize| size.is_multiple_of(ALIGNMENT);
            if !(self.ended || fits(chunk.header_size) && fits(chunk.whole.len())) {
                return invalid("the size of a chunk or of its header is not a multiple of 4");
            }
            self.in_tree |= NODES.contains(&chunk.kind);
            if self.in_tree && !self.ended && chunk.header_size < NODE_HEADER_SIZE {
                return invalid("the header of a node is too small");
            }
            match chunk.kind {
                chunk::STRING_POOL | CHUNK_RESOURCE_MAP if self.in_tree => {
                    return invalid("a string pool or a resource map behind the first node");
                }
                chunk::STRING_POOL => {
                    let pool = StringPool::parse_strictly(STRUCTURE, &chunk)?;
                    set_once(&mut self.pool, pool, at, "a second string pool")?;
                }
                CHUNK_RESOURCE_MAP => {
                    set_once(&mut self.resource_ids, chunk.content.rest(), at, "a second resource map")?;
                }
                _ if self.in_tree && self.pool.is_none() => return invalid("a node before the string pool"),
                CHUNK_START_ELEMENT => {
                    return self.start(chunk.content).map(|element| Some(Event::Start(element)));
                }
                CHUNK_END_ELEMENT => {
                    let mut content = chunk.content;
                    content.take(8)?;
                    let Some(depth) = self.depth.checked_sub(1) else {
                        return invalid("the end of an element that has not started");
                    };
                    self.depth = depth;
                    self.ended |= depth == 0;
                    return Ok(Some(Event::End));
                }
                _ => {}
            }
        }
    }

    fn start(&mut self, content: Cursor<'a>) -> Result<Element<'a>, ParseError> {
        let at = content.offset();
        let pool = self
            .pool
            .ok_or_else(|| ParseError::invalid(STRUCTURE, at, "an element before the string pool"))?;
        let mut cursor = content;
        let namespace = cursor.u32()?;
        let name = pool.get(cursor.u32()?)?;
        if namespace != NONE {
            pool.get(namespace)?;
        }
        let start = usize::from(cursor.u16()?);
        let attribute_size = usize::from(cursor.u16()?);
        let count = usize::from(cursor.u16()?);
        cursor.take(6)?; // positions of id, class and style
        let mut attributes = content;
        attributes.take(start)?;
        let attributes = attributes.take(attribute_size.saturating_mul(count))?;
        if count > 0 && attribute_size < ATTRIBUTE_SIZE {
            return Err(ParseError::invalid(STRUCTURE, at, format!("attributes of {attribute_size} bytes")));
        }
        self.depth = self.depth.saturating_add(1);
        Ok(Element {
            name,
            has_namespace: namespace != NONE,
            depth: self.depth,
            pool,
            resource_ids: self.resource_ids.unwrap_or_default(),
            attributes,
            attribute_size,
        })
    }
}

fn set_once<T>(slot: &mut Option<T>, value: T, at: u64, what: &str) -> Result<(), ParseError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(ParseError::invalid(STRUCTURE, at, what)),
    }
}

/// Sizes of chunks and of their headers are multiples of it, in bytes.
const ALIGNMENT: usize = 4;

/// Size of the header of a node in bytes: the common fields, line number and comment.
const NODE_HEADER_SIZE: usize = 16;

/// Size of one attribute record in bytes; larger ones are read by their first bytes.
const ATTRIBUTE_SIZE: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    const UTF8: u32 = 1 << 8;

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
        let mut offsets = Vec::new();
        let mut data = Vec::new();
        for string in strings {
            offsets.push(u32::try_from(data.len()).unwrap());
            let len = u8::try_from(string.len()).unwrap();
            data.extend([len, len]);
            data.extend(string.bytes());
            data.push(0);
        }
        data.resize(data.len().next_multiple_of(ALIGNMENT), 0);
        let count = u32::try_from(strings.len()).unwrap();
        let start = 28 + 4 * count;
        chunk(chunk::STRING_POOL, &words(&[count, 0, UTF8, start, 0]), &[words(&offsets), data].concat())
    }

    fn start(name: u32, attributes: &[(u32, u8, u32)]) -> Vec<u8> {
        let mut content = words(&[NONE, name]);
        for half in [20, 20, u16::try_from(attributes.len()).unwrap(), 0, 0, 0] {
            content.extend(half.to_le_bytes());
        }
        for (name, kind, data) in attributes {
            content.extend(words(&[NONE, *name, NONE]));
            content.extend([8, 0, 0, *kind]);
            content.extend(data.to_le_bytes());
        }
        chunk(CHUNK_START_ELEMENT, &words(&[1, NONE]), &content)
    }

    fn document(chunks: &[Vec<u8>]) -> Vec<u8> {
        chunk(CHUNK_XML, &[], &chunks.concat())
    }

    #[test]
    fn twice_as_much_of_anything_is_twice_the_work() {
        fn map(count: usize) -> Vec<u8> {
            chunk(CHUNK_RESOURCE_MAP, &[], &words(&vec![0x0101_020c; count]))
        }
        let read = |bytes: &Vec<u8>| {
            let mut reader = Reader::new(bytes).unwrap();
            while let Some(event) = reader.next_event().unwrap() {
                if let Event::Start(element) = event {
                    assert!(element.name.is("name"));
                    assert!(element.attributes().all(|attribute| attribute.value().is_ok()));
                    let _ = element.by_resource_id(0x0101_020c);
                }
            }
        };
        let one = || [start(0, &[]), end(0)].concat();
        crate::work::doubles(|count| document(&[pool(&["name"]), one().repeat(count)]), read);
        let attributes =
            |count| document(&[pool(&["name"]), map(1), start(0, &vec![(0, 0x10, 24); count]), end(0)]);
        crate::work::doubles(attributes, read);
        let strings = |count| document(&[pool(&vec!["name"; count]), map(count), one().repeat(count)]);
        crate::work::doubles(strings, read);
        let unknown = |count| document(&[pool(&["name"]), chunk(0x7777, &[], b"").repeat(count), one()]);
        crate::work::doubles(unknown, read);
    }

    #[test]
    fn reads_elements_and_attributes_by_resource_id() {
        let bytes = document(&[
            pool(&["minSdkVersion", "manifest", "O"]),
            chunk(CHUNK_RESOURCE_MAP, &[], &words(&[0x0101_020c])),
            start(1, &[(0, 0x10, 24), (1, 0x03, 2)]),
            chunk(CHUNK_END_ELEMENT, &words(&[1, NONE]), &words(&[NONE, 1])),
        ]);
        let mut reader = Reader::new(&bytes).unwrap();
        let Some(Event::Start(element)) = reader.next_event().unwrap() else { panic!("no element") };
        assert_eq!((element.name.decode().as_ref(), element.depth), ("manifest", 1));
        assert!(element.name.is("manifest") && !element.name.is("manifests") && !element.name.is("manifes"));
        let min_sdk = element.by_resource_id(0x0101_020c).unwrap();
        assert_eq!(min_sdk.value().unwrap(), Value::Integer { value: 24, hexadecimal: false });
        let other = element.attributes().nth(1).unwrap();
        assert!(other.resource_id == 0 && other.name().unwrap().is("manifest"));
        assert!(matches!(other.value(), Ok(Value::String(text)) if text.is("O")));
        assert!(matches!(reader.next_event(), Ok(Some(Event::End))));
        assert!(matches!(reader.next_event(), Ok(None)));
    }

    fn end(name: u32) -> Vec<u8> {
        chunk(CHUNK_END_ELEMENT, &words(&[1, NONE]), &words(&[NONE, name]))
    }

    /// How many elements start in it.
    fn elements(bytes: &[u8]) -> Result<usize, ParseError> {
        let mut reader = Reader::new(bytes)?;
        let mut elements = 0;
        while let Some(event) = reader.next_event()? {
            elements += usize::from(matches!(event, Event::Start(_)));
        }
        Ok(elements)
    }

    #[test]
    fn a_chunk_that_does_not_fit_is_refused_unless_the_root_has_ended() {
        let cut = start(0, &[])[..20].to_vec();
        assert_eq!(elements(&document(&[pool(&["a"]), start(0, &[])])).unwrap(), 1);
        assert!(elements(&document(&[pool(&["a"]), cut.clone()])).is_err());
        assert!(elements(&document(&[pool(&["a"]), start(0, &[]), cut.clone()])).is_err());
        assert_eq!(elements(&document(&[pool(&["a"]), start(0, &[]), end(0), cut])).unwrap(), 1);
    }

    #[test]
    fn the_first_chunk_is_the_document() {
        let good = document(&[pool(&["a"]), start(0, &[]), end(0)]);
        assert_eq!(elements(&[&good[..], &good, b"?"].concat()).unwrap(), 1);
        let mut bad = good.clone();
        bad[0] = 8; // another kind of chunk
        assert!(elements(&[&bad[..], &good].concat()).is_err());
        let mut bad = good;
        bad[2] = 7; // the size of its header
        assert!(elements(&bad).is_err());
        assert!(elements(b"").is_err());
    }

    #[test]
    fn strings_and_resource_ids_stand_once_and_before_the_tree() {
        let map = || chunk(CHUNK_RESOURCE_MAP, &[], &words(&[1]));
        let node = || chunk(0x0100, &words(&[1, NONE]), &words(&[0, 0]));
        let unknown = || chunk(0x0207, &[], &words(&[1]));
        let good = [unknown(), pool(&["a"]), map(), node(), start(0, &[]), end(0), node()];
        assert_eq!(elements(&document(&good)).unwrap(), 1);
        for bad in [
            vec![pool(&["a"]), pool(&["a"]), start(0, &[])],
            vec![pool(&["a"]), map(), map(), start(0, &[])],
            vec![start(0, &[]), pool(&["a"])],
            vec![node(), pool(&["a"]), start(0, &[])],
            vec![pool(&["a"]), node(), map(), start(0, &[])],
            vec![pool(&["a"]), node(), pool(&["a"]), start(0, &[])],
            vec![pool(&["a"]), node(), unknown(), start(0, &[])],
            vec![pool(&["a"]), end(0), start(0, &[])],
            vec![pool(&["a"]), chunk(0x0207, &[], b"x"), start(0, &[])],
        ] {
            assert!(elements(&document(&bad)).is_err(), "{bad:x?}");
        }
    }

    #[test]
    fn never_reads_past_the_end() {
        let attributes = [(0, 0x10, 24), (1, 0x03, 2)];
        let good = document(&[pool(&["a", "b", "c"]), start(0, &attributes), start(1, &[]), end(1), end(0)]);
        for at in 0..good.len() {
            let _ = elements(&good[..at]);
            for bit in 0..8 {
                let mut flipped = good.clone();
                flipped[at] ^= 1 << bit;
                let _ = elements(&flipped);
            }
        }
    }
}
