//! Writes `AndroidManifest.xml` in Android's binary XML.

use std::iter::once;

use super::hooks::Hooks;

const ANDROID: &str = "http://schemas.android.com/apk/res/android";

/// Resource ids of the attributes that matter, `android.R.attr`.
pub mod attr {
    pub const LABEL: u32 = 0x0101_0001;
    pub const ICON: u32 = 0x0101_0002;
    pub const NAME: u32 = 0x0101_0003;
    pub const ENABLED: u32 = 0x0101_000e;
    pub const DEBUGGABLE: u32 = 0x0101_000f;
    pub const MIN_SDK_VERSION: u32 = 0x0101_020c;
    pub const VERSION_CODE: u32 = 0x0101_021b;
    pub const VERSION_NAME: u32 = 0x0101_021c;
    pub const TARGET_SDK_VERSION: u32 = 0x0101_0270;
    pub const TEST_ONLY: u32 = 0x0101_0272;
    pub const ROUND_ICON: u32 = 0x0101_052c;
    pub const TARGET_SANDBOX_VERSION: u32 = 0x0101_054c;
    pub const IS_FEATURE_SPLIT: u32 = 0x0101_055b;
    pub const COMPILE_SDK_VERSION: u32 = 0x0101_0572;
    pub const VERSION_CODE_MAJOR: u32 = 0x0101_0576;
}

/// The value of an attribute.
#[derive(Debug, Clone)]
pub enum Value {
    /// `TYPE_STRING`
    Text(String),
    /// `TYPE_INT_DEC`
    Int(u32),
    /// `TYPE_INT_HEX`
    Hex(u32),
    /// `TYPE_INT_BOOLEAN`
    Bool(bool),
    /// `TYPE_REFERENCE`
    Reference(u32),
    /// `TYPE_STRING` with a raw value that is another text.
    Differing { raw: String, value: String },
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

/// An attribute; with a resource id it stands in the `android` namespace.
#[derive(Debug, Clone)]
pub struct Attribute {
    pub name: String,
    pub resource: Option<u32>,
    pub value: Value,
}

/// An element with its attributes and children.
#[derive(Debug, Clone, Default)]
pub struct Element {
    pub name: String,
    /// Whether it stands in the `android` namespace; elements of an honest manifest stand in none.
    pub in_android: bool,
    pub attributes: Vec<Attribute>,
    pub children: Vec<Element>,
}

impl Element {
    /// An empty element.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// Adds `android:<name>` with its resource id.
    pub fn android(mut self, resource: u32, name: &str, value: impl Into<Value>) -> Self {
        self.attributes.push(Attribute {
            name: name.to_owned(),
            resource: Some(resource),
            value: value.into(),
        });
        self
    }

    /// Adds an attribute without namespace and resource id.
    pub fn plain(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.attributes.push(Attribute { name: name.to_owned(), resource: None, value: value.into() });
        self
    }

    /// Adds a child.
    pub fn child(mut self, child: Element) -> Self {
        self.children.push(child);
        self
    }
}

/// Encoding of the string pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Utf16,
}

/// A manifest to be: version 1 (`1.0`), minimum SDK 24, target SDK 29, an application without a label.
pub struct Manifest {
    package: String,
    version_code: u32,
    version_code_major: Option<u32>,
    version_name: String,
    min_sdk: Option<Value>,
    target_sdk: Option<Value>,
    target_sandbox: Option<u32>,
    debuggable: Option<Value>,
    label: Option<String>,
    encoding: Encoding,
    more_uses_sdk: Vec<Element>,
    tree: Hooks<Element>,
    behind: Vec<Element>,
}

impl Manifest {
    /// A manifest of that package.
    pub fn new(package: &str) -> Self {
        Self {
            package: package.to_owned(),
            version_code: 1,
            version_code_major: None,
            version_name: "1.0".to_owned(),
            min_sdk: Some(Value::Int(24)),
            target_sdk: Some(Value::Int(29)),
            target_sandbox: None,
            debuggable: None,
            label: None,
            encoding: Encoding::Utf8,
            more_uses_sdk: Vec::new(),
            tree: Hooks::default(),
            behind: Vec::new(),
        }
    }

    /// `android:versionCode` and `android:versionName`.
    pub fn version(mut self, code: u32, name: &str) -> Self {
        self.version_code = code;
        name.clone_into(&mut self.version_name);
        self
    }

    /// `android:versionCodeMajor`.
    pub fn version_code_major(mut self, major: u32) -> Self {
        self.version_code_major = Some(major);
        self
    }

    /// `android:minSdkVersion`: a level, or a code name as text.
    pub fn min_sdk(mut self, value: impl Into<Value>) -> Self {
        self.min_sdk = Some(value.into());
        self
    }

    /// `android:targetSdkVersion`: a level, or a code name as text.
    pub fn target_sdk(mut self, value: impl Into<Value>) -> Self {
        self.target_sdk = Some(value.into());
        self
    }

    /// No `uses-sdk` of its own.
    pub fn no_uses_sdk(mut self) -> Self {
        (self.min_sdk, self.target_sdk) = (None, None);
        self
    }

    /// A further `uses-sdk` with this minimum.
    pub fn another_min_sdk(mut self, value: impl Into<Value>) -> Self {
        let element = Element::new("uses-sdk").android(attr::MIN_SDK_VERSION, "minSdkVersion", value);
        self.more_uses_sdk.push(element);
        self
    }

    /// `android:targetSandboxVersion`.
    pub fn target_sandbox(mut self, version: u32) -> Self {
        self.target_sandbox = Some(version);
        self
    }

    /// `android:debuggable`.
    pub fn debuggable(mut self, value: impl Into<Value>) -> Self {
        self.debuggable = Some(value.into());
        self
    }

    /// `android:label` of the application, a plain string.
    pub fn label(mut self, label: &str) -> Self {
        self.label = Some(label.to_owned());
        self
    }

    /// Encoding of the string pool; UTF-8 unless told.
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Changes the tree before it is written.
    pub fn tree(mut self, change: impl Fn(&mut Element) + 'static) -> Self {
        self.tree.add(change);
        self
    }

    /// A further root element, behind `manifest`.
    pub fn behind(mut self, element: Element) -> Self {
        self.behind.push(element);
        self
    }

    /// The bytes of the binary XML.
    pub fn build(self) -> Vec<u8> {
        let mut root = Element::new("manifest")
            .android(attr::VERSION_CODE, "versionCode", self.version_code)
            .android(attr::VERSION_NAME, "versionName", self.version_name.as_str());
        if let Some(version) = self.target_sandbox {
            root = root.android(attr::TARGET_SANDBOX_VERSION, "targetSandboxVersion", version);
        }
        if let Some(major) = self.version_code_major {
            root = root.android(attr::VERSION_CODE_MAJOR, "versionCodeMajor", major);
        }
        root = root.plain("package", self.package.as_str());
        if self.min_sdk.is_some() || self.target_sdk.is_some() {
            let mut uses_sdk = Element::new("uses-sdk");
            if let Some(value) = self.min_sdk {
                uses_sdk = uses_sdk.android(attr::MIN_SDK_VERSION, "minSdkVersion", value);
            }
            if let Some(value) = self.target_sdk {
                uses_sdk = uses_sdk.android(attr::TARGET_SDK_VERSION, "targetSdkVersion", value);
            }
            root = root.child(uses_sdk);
        }
        root.children.extend(self.more_uses_sdk);
        let mut application = Element::new("application");
        if let Some(label) = &self.label {
            application = application.android(attr::LABEL, "label", label.as_str());
        }
        if let Some(value) = self.debuggable {
            application = application.android(attr::DEBUGGABLE, "debuggable", value);
        }
        root = root.child(application);
        self.tree.run(&mut root);
        let mut roots = vec![root];
        roots.extend(self.behind);
        encode_all(&roots, self.encoding)
    }
}

/// A document with `root`: string pool, resource map, the namespace `android` and the elements.
///
/// Source: `ResourceTypes.h` of AOSP, `ResXMLTree_*`.
pub fn encode(root: &Element, encoding: Encoding) -> Vec<u8> {
    encode_all(std::slice::from_ref(root), encoding)
}

fn encode_all(roots: &[Element], encoding: Encoding) -> Vec<u8> {
    // Names that have a resource id come first: the resource map runs parallel to the pool.
    let mut pool = Pool::default();
    for root in roots {
        collect_resources(root, &mut pool);
    }
    let prefix = pool.index("android");
    let uri = pool.index(ANDROID);
    let mut nodes = node(0x0100, 1, &[prefix, uri]);
    for root in roots {
        write_element(root, &mut pool, uri, &mut nodes);
    }
    nodes.extend(node(0x0101, 1, &[prefix, uri]));

    let map: Vec<u8> = pool.resources.iter().flat_map(|resource| resource.to_le_bytes()).collect();
    let body = [pool.encode(encoding), chunk(0x0180, &[], &map), nodes].concat();
    chunk(0x0003, &[], &body)
}

#[derive(Default)]
struct Pool {
    strings: Vec<String>,
    resources: Vec<u32>,
}

impl Pool {
    /// Index of a string beyond those of the resource map; added when new.
    fn index(&mut self, text: &str) -> u32 {
        let skipped = self.resources.len();
        let found = self.strings[skipped..].iter().position(|string| string == text);
        let index = found.map_or(self.strings.len(), |found| skipped + found);
        if found.is_none() {
            self.strings.push(text.to_owned());
        }
        index as u32
    }

    /// Index of the name of an attribute that has a resource id.
    fn resource(&self, resource: u32) -> u32 {
        self.resources.iter().position(|known| *known == resource).unwrap() as u32
    }

    fn encode(&self, encoding: Encoding) -> Vec<u8> {
        let (mut offsets, mut data) = (Vec::new(), Vec::new());
        for string in &self.strings {
            offsets.extend((data.len() as u32).to_le_bytes());
            let units: Vec<u16> = string.encode_utf16().collect();
            match encoding {
                Encoding::Utf8 => {
                    for len in [units.len(), string.len()] {
                        if len > 0x7f {
                            data.push(0x80 | (len >> 8) as u8);
                        }
                        data.push(len as u8);
                    }
                    data.extend(string.bytes().chain(once(0)));
                }
                Encoding::Utf16 => {
                    if units.len() > 0x7fff {
                        data.extend((0x8000 | (units.len() >> 16) as u16).to_le_bytes());
                    }
                    data.extend((units.len() as u16).to_le_bytes());
                    data.extend(units.iter().chain(once(&0)).flat_map(|unit| unit.to_le_bytes()));
                }
            }
        }
        data.resize(data.len().next_multiple_of(4), 0);
        let flags = if encoding == Encoding::Utf8 { 0x100 } else { 0 };
        let start = 28 + offsets.len() as u32;
        let header: Vec<u8> = [self.strings.len() as u32, 0, flags, start, 0]
            .iter()
            .flat_map(|field: &u32| field.to_le_bytes())
            .collect();
        chunk(0x0001, &header, &[offsets, data].concat())
    }
}

fn collect_resources(element: &Element, pool: &mut Pool) {
    for attribute in &element.attributes {
        if let Some(resource) = attribute.resource
            && !pool.resources.contains(&resource)
        {
            pool.resources.push(resource);
            pool.strings.push(attribute.name.clone());
        }
    }
    for child in &element.children {
        collect_resources(child, pool);
    }
}

fn write_element(element: &Element, pool: &mut Pool, uri: u32, out: &mut Vec<u8>) {
    const NONE: u32 = u32::MAX;
    let name = pool.index(&element.name);
    // attribute start 20, attribute size 20, count; then the indices of id, class and style: none
    let namespace = if element.in_android { uri } else { NONE };
    let mut fields = vec![namespace, name, 0x0014_0014, element.attributes.len() as u32, 0];
    for attribute in &element.attributes {
        let (namespace, name) = match attribute.resource {
            Some(resource) => (uri, pool.resource(resource)),
            None => (NONE, pool.index(&attribute.name)),
        };
        let (raw, kind, data) = match &attribute.value {
            Value::Text(text) => {
                let index = pool.index(text);
                (index, 0x03, index)
            }
            Value::Differing { raw, value } => (pool.index(raw), 0x03, pool.index(value)),
            Value::Int(value) => (NONE, 0x10, *value),
            Value::Hex(value) => (NONE, 0x11, *value),
            Value::Bool(value) => (NONE, 0x12, if *value { NONE } else { 0 }),
            Value::Reference(value) => (NONE, 0x01, *value),
        };
        fields.extend([namespace, name, raw, 8 | kind << 24, data]);
    }
    out.extend(node(0x0102, 2, &fields));
    for child in &element.children {
        write_element(child, pool, uri, out);
    }
    out.extend(node(0x0103, 2, &[namespace, name]));
}

/// An XML node: line number and no comment, then its own fields.
fn node(kind: u16, line: u32, fields: &[u32]) -> Vec<u8> {
    let header: Vec<u8> = [line, u32::MAX].iter().flat_map(|field| field.to_le_bytes()).collect();
    let body: Vec<u8> = fields.iter().flat_map(|field| field.to_le_bytes()).collect();
    chunk(kind, &header, &body)
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
