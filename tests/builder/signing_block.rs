//! Writes the APK Signing Block.

/// Ids of pairs.
pub mod id {
    pub const V2: u32 = 0x7109_871a;
    pub const V3: u32 = 0xf053_68c0;
    pub const V31: u32 = 0x1b93_ad61;
    pub const SOURCE_STAMP_V1: u32 = 0x2b09_189e;
    pub const SOURCE_STAMP_V2: u32 = 0x6dff_800d;
    pub const V32: u32 = 0x70e1_c89f;
    pub const PADDING: u32 = 0x4272_6577;
    pub const FROSTING: u32 = 0x2146_444e;
    pub const DEPENDENCY_INFO: u32 = 0x504b_4453;
    pub const WALLE: u32 = 0x7177_7777;
    pub const VASDOLLY: u32 = 0x8811_55ff;
    pub const PACKER_NG: u32 = 0x7a78_6b21;
    pub const ZERO_BLOCK: u32 = 0xff3b_5998;
}

/// An ID-value pair.
#[derive(Debug, Clone)]
pub struct Pair {
    pub id: u32,
    pub value: Vec<u8>,
    /// The length field, when it is not to be the true one.
    pub len: Option<u64>,
}

impl Pair {
    pub fn new(id: u32, value: Vec<u8>) -> Self {
        Self { id, value, len: None }
    }

    fn encode(&self) -> Vec<u8> {
        let len = self.len.unwrap_or(4 + self.value.len() as u64);
        [&len.to_le_bytes()[..], &self.id.to_le_bytes(), &self.value].concat()
    }
}

/// The block: its pairs in order. What is not given is the true value.
#[derive(Debug, Clone)]
pub struct SigningBlock {
    pub pairs: Vec<Pair>,
    /// Bytes behind the pairs, inside the block.
    pub tail: Vec<u8>,
    pub header_size: Option<u64>,
    pub footer_size: Option<u64>,
    pub magic: [u8; 16],
}

impl SigningBlock {
    pub fn new(pairs: Vec<Pair>) -> Self {
        Self { pairs, tail: Vec::new(), header_size: None, footer_size: None, magic: *b"APK Sig Block 42" }
    }

    /// Adds the pair of zeros that makes the block a multiple of 4096 bytes.
    pub fn pad(&mut self) {
        let len = self.encode().len();
        let mut padding = len.next_multiple_of(4096) - len;
        if padding == 0 {
            return;
        }
        if padding < 12 {
            padding += 4096;
        }
        self.pairs.push(Pair::new(id::PADDING, vec![0; padding - 12]));
    }

    /// The first pair of that id.
    pub fn pair(&mut self, id: u32) -> &mut Pair {
        self.pairs.iter_mut().find(|pair| pair.id == id).expect("a pair of that id")
    }

    /// The bytes, from the first size field to the magic.
    pub fn encode(&self) -> Vec<u8> {
        let mut body: Vec<u8> = self.pairs.iter().flat_map(Pair::encode).collect();
        body.extend_from_slice(&self.tail);
        let size = body.len() as u64 + 24;
        [
            &self.header_size.unwrap_or(size).to_le_bytes()[..],
            &body,
            &self.footer_size.unwrap_or(size).to_le_bytes(),
            &self.magic,
        ]
        .concat()
    }
}
