//! Android binary XML, as far as `AndroidManifest.xml` needs it: elements with their attributes, in document order.
//!
//! Lenient and strict where Android and apksig are: a last chunk that does not fit is ignored, an unknown chunk is
//! skipped, a second string pool is refused. Attributes are told apart by resource id, not by name.
//!
//! Source: AOSP `ResourceTypes.h`; apksig `AndroidBinXmlParser`.

use super::Cursor;
use super::ParseError;
use super::arsc::ResourceValue;
use super::chunk;
use super::chunk::StringPool;
use super::chunk::Text;
use super::chunk::next_chunk;

const STRUCTURE: &str = "binary XML";
const CHUNK_XML: u16 = 0x0003;
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

    /// Whether it has a namespace, as those of the framework do.
    pub fn has_namespace(&self) -> bool {
        self.namespace != NONE
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
        if self.raw.cast_signed() >= 0 {
            return self.pool.get(self.raw).map(Some);
        }
        Ok(match self.value()? {
            Value::String(text) => Some(text),
            _ => None,
        })
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
    depth: usize,
}

impl<'a> Reader<'a> {
    /// Finds the document in `bytes`.
    ///
    /// # Errors
    /// No XML chunk, or a malformed chunk before it.
    pub fn new(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(STRUCTURE, bytes);
        while let Some(chunk) = next_chunk(&mut cursor)? {
            if chunk.kind == CHUNK_XML {
                return Ok(Self { chunks: chunk.content, pool: None, resource_ids: None, depth: 0 });
            }
        }
        Err(ParseError::invalid(STRUCTURE, 0, "no XML document in it"))
    }

    /// The next event; none at the end.
    ///
    /// # Errors
    /// A malformed chunk.
    pub fn next_event(&mut self) -> Result<Option<Event<'a>>, ParseError> {
        while let Some(chunk) = next_chunk(&mut self.chunks)? {
            let at = chunk.content.offset();
            match chunk.kind {
                chunk::STRING_POOL => {
                    let pool = StringPool::parse(STRUCTURE, &chunk)?;
                    set_once(&mut self.pool, pool, at, "a second string pool")?;
                }
                CHUNK_RESOURCE_MAP => {
                    set_once(&mut self.resource_ids, chunk.content.rest(), at, "a second resource map")?;
                }
                CHUNK_START_ELEMENT => {
                    return self.start(chunk.content).map(|element| Some(Event::Start(element)));
                }
                CHUNK_END_ELEMENT => {
                    let mut content = chunk.content;
                    content.take(8)?;
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Some(Event::End));
                }
                _ => {}
            }
        }
        Ok(None)
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

    #[test]
    fn a_last_chunk_that_does_not_fit_is_ignored_but_a_bad_header_is_not() {
        let mut bytes = document(&[pool(&["a"]), start(0, &[])]);
        let mut reader = Reader::new(&bytes).unwrap();
        assert!(matches!(reader.next_event(), Ok(Some(Event::Start(_)))));
        let cut = document(&[pool(&["a"]), start(0, &[])[..20].to_vec()]);
        assert!(matches!(Reader::new(&cut).unwrap().next_event(), Ok(None)));
        bytes[2] = 7; // header size of the document
        assert!(Reader::new(&bytes).is_err());
    }

    #[test]
    fn a_second_pool_and_an_element_before_the_pool_are_refused() {
        let twice = document(&[pool(&["a"]), pool(&["a"])]);
        assert!(Reader::new(&twice).unwrap().next_event().is_err());
        let before = document(&[start(0, &[]), pool(&["a"])]);
        assert!(Reader::new(&before).unwrap().next_event().is_err());
    }
}
