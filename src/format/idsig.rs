//! The v4 signature file that stands beside an APK, `app.apk.idsig`: everything before its hash tree.
//!
//! Bytes behind the known fields of a record are ignored, as on Android; `trailing` keeps them. The tree may be large, so
//! it is not read here: [`tree_len`] reads its length field.
//!
//! Source: [APK Signature Scheme v4][spec]; AOSP `V4Signature`, the same in apksig and in the platform.
//!
//! [spec]: https://source.android.com/docs/security/features/apksigning/v4

use super::Cursor;
use super::ParseError;
use super::ParseErrorKind;
use super::signing_block::BlockId;

/// The one version that Android knows (`V4Signature.SUPPORTED_VERSION`).
pub const VERSION: u32 = 2;
/// SHA-256 (`V4Signature.HASHING_ALGORITHM_SHA256`).
pub const HASH_ALGORITHM_SHA256: u32 = 1;
/// Blocks of 4096 bytes (`V4Signature.LOG2_BLOCK_SIZE_4096_BYTES`).
pub const LOG2_BLOCK_SIZE_4096: u8 = 12;
/// Largest salt in bytes (`V4Signature.HashingInfo`: used exactly as in fs-verity, 32 bytes at most).
pub const MAX_SALT: usize = 32;
/// Largest signature in bytes, everything before the length of the tree (`INCFS_MAX_SIGNATURE_SIZE`).
pub const MAX_SIGNATURE_SIZE: u64 = 8096;
/// Size in bytes of the length field before the tree.
pub const TREE_LEN_SIZE: u64 = 4;

/// What the file says of the hash tree, and its signatures, none of it verified.
#[derive(Debug, Clone)]
pub struct V4Signature<'a> {
    /// How the tree is built, and its root.
    pub hashing_info: HashingInfo<'a>,
    /// The entry for the v2 or v3.0 signer.
    pub signing_info: SigningInfo<'a>,
    /// Further entries, each with the id of the block whose signer it is for: parse them with [`SigningInfo::parse`].
    pub blocks: Vec<(BlockId, Cursor<'a>)>,
    /// Size of all that in bytes, from the start of the file; the tree, if there is one, follows.
    pub size: u64,
}

/// How the tree is built.
#[derive(Debug, Clone, Copy)]
pub struct HashingInfo<'a> {
    /// 1 for SHA-256.
    pub hash_algorithm: u32,
    /// 12 for blocks of 4096 bytes.
    pub log2_block_size: u8,
    /// What is hashed before each block.
    pub salt: &'a [u8],
    /// The root of the tree.
    pub root_hash: &'a [u8],
    /// Bytes behind the root. Nothing signs them.
    pub trailing: &'a [u8],
}

/// One signature over the tree's root and over what ties it to the APK.
#[derive(Debug, Clone, Copy)]
pub struct SigningInfo<'a> {
    /// Content digest of the v2 or v3 signature that this one stands beside.
    pub apk_digest: &'a [u8],
    /// X.509 certificate, DER.
    pub certificate: &'a [u8],
    /// Signed, and nobody says what for; empty.
    pub additional_data: &'a [u8],
    /// X.509 `SubjectPublicKeyInfo`, DER.
    pub public_key: &'a [u8],
    /// Id of the signature algorithm, from the same table as in v2 and v3.
    pub signature_algorithm: u32,
    /// The signature over [`V4Signature::signed_data`].
    pub signature: &'a [u8],
    /// Bytes behind the signature of a further entry. Nothing signs them.
    pub trailing: &'a [u8],
}

/// The version, in the first four bytes.
///
/// # Errors
/// Fewer bytes.
pub fn version(head: &[u8]) -> Result<u32, ParseError> {
    Cursor::new("idsig", head).u32()
}

impl<'a> V4Signature<'a> {
    /// Reads the start of the file; `head` must hold all that stands before the tree.
    ///
    /// # Errors
    /// Another version than [`VERSION`], or a structure that breaks its format.
    pub fn parse(head: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new("idsig", head);
        let start = cursor;
        let version = cursor.u32()?;
        if version != VERSION {
            return Err(start.error(ParseErrorKind::Unexpected {
                expected: format!("version {VERSION}"),
                found: version.to_string(),
            }));
        }
        let hashing_info = HashingInfo::parse(cursor.length_prefixed()?)?;
        let mut signing_infos = cursor.length_prefixed()?.named("idsig signing info");
        let signing_info = SigningInfo::next(&mut signing_infos)?;
        let mut blocks = Vec::new();
        while !signing_infos.is_empty() {
            let id = BlockId(signing_infos.u32()?);
            blocks.push((id, signing_infos.length_prefixed()?));
        }
        Ok(Self { hashing_info, signing_info, blocks, size: cursor.offset() })
    }

    /// What `info` signs, put together as Android does; `file_size` is the size of the APK in bytes.
    ///
    /// Source: AOSP `V4Signature.getSignedData`.
    pub fn signed_data(&self, file_size: u64, info: &SigningInfo<'_>) -> Vec<u8> {
        let hashing = &self.hashing_info;
        let mut data = vec![0; 4];
        data.extend(file_size.to_le_bytes());
        data.extend(hashing.hash_algorithm.to_le_bytes());
        data.push(hashing.log2_block_size);
        let fields =
            [hashing.salt, hashing.root_hash, info.apk_digest, info.certificate, info.additional_data];
        for field in fields {
            // Each lies in the head, which is far smaller than 4 GiB.
            data.extend(u32::try_from(field.len()).unwrap_or(u32::MAX).to_le_bytes());
            data.extend_from_slice(field);
        }
        let size = u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes();
        if let Some(field) = data.first_chunk_mut() {
            *field = size;
        }
        data
    }
}

impl<'a> HashingInfo<'a> {
    fn parse(bytes: Cursor<'a>) -> Result<Self, ParseError> {
        let mut bytes = bytes.named("idsig hashing info");
        Ok(Self {
            hash_algorithm: bytes.u32()?,
            log2_block_size: bytes.u8()?,
            salt: bytes.length_prefixed()?.rest(),
            root_hash: bytes.length_prefixed()?.rest(),
            trailing: bytes.rest(),
        })
    }
}

impl<'a> SigningInfo<'a> {
    /// Reads a further entry whole.
    ///
    /// # Errors
    /// A structure that breaks its format.
    pub fn parse(mut bytes: Cursor<'a>) -> Result<Self, ParseError> {
        let info = Self::next(&mut bytes)?;
        Ok(Self { trailing: bytes.rest(), ..info })
    }

    /// Reads the entry at the cursor, which moves behind it.
    fn next(cursor: &mut Cursor<'a>) -> Result<Self, ParseError> {
        Ok(Self {
            apk_digest: cursor.length_prefixed()?.rest(),
            certificate: cursor.length_prefixed()?.rest(),
            additional_data: cursor.length_prefixed()?.rest(),
            public_key: cursor.length_prefixed()?.rest(),
            signature_algorithm: cursor.u32()?,
            signature: cursor.length_prefixed()?.rest(),
            trailing: &[],
        })
    }
}

/// Length in bytes of the tree, from the field before it; `offset` is where that stands in the file.
///
/// # Errors
/// Fewer than four bytes, or a length that Java reads as negative.
pub fn tree_len(field: &[u8], offset: u64) -> Result<u64, ParseError> {
    let mut cursor = Cursor::new("idsig tree", field);
    let start = cursor;
    let length = cursor.u32().map_err(|error| error.at(offset))?;
    match i32::try_from(length) {
        Ok(_) => Ok(u64::from(length)),
        Err(_) => Err(start.error(ParseErrorKind::NegativeLength(length)).at(offset)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixed(bytes: &[u8]) -> Vec<u8> {
        [&u32::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat()
    }

    fn info(name: &str) -> Vec<u8> {
        let field = |text: &str| prefixed(format!("{name} {text}").as_bytes());
        [
            field("digest"),
            field("certificate"),
            field("data"),
            field("key"),
            vec![3, 1, 0, 0],
            field("signature"),
        ]
        .concat()
    }

    /// A file with one further entry, bytes behind each record and a tree of three bytes.
    fn file() -> Vec<u8> {
        let hashing =
            [&[1, 0, 0, 0, 12][..], &prefixed(b"salt"), &prefixed(b"root"), b"behind the root"].concat();
        let further = [info("v3.1"), b"!".to_vec()].concat();
        let infos = [info("v3"), BlockId::V3_1.0.to_le_bytes().to_vec(), prefixed(&further)].concat();
        [&[2, 0, 0, 0][..], &prefixed(&hashing), &prefixed(&infos), &prefixed(b"tree"), b"behind"].concat()
    }

    #[test]
    fn reads_every_field_and_keeps_what_stands_behind_them() {
        let file = file();
        assert_eq!(version(&file), Ok(2));
        let parsed = V4Signature::parse(&file).unwrap();
        let HashingInfo { hash_algorithm, log2_block_size, salt, root_hash, trailing } = parsed.hashing_info;
        assert_eq!((hash_algorithm, log2_block_size), (1, 12));
        assert_eq!((salt, root_hash, trailing), (&b"salt"[..], &b"root"[..], &b"behind the root"[..]));
        let info = parsed.signing_info;
        assert_eq!((info.apk_digest, info.certificate), (&b"v3 digest"[..], &b"v3 certificate"[..]));
        assert_eq!((info.additional_data, info.public_key), (&b"v3 data"[..], &b"v3 key"[..]));
        assert_eq!((info.signature_algorithm, info.signature), (0x103, &b"v3 signature"[..]));
        let [(id, further)] = parsed.blocks[..] else { panic!("one further entry: {:?}", parsed.blocks) };
        let further = SigningInfo::parse(further).unwrap();
        assert_eq!((id, further.certificate), (BlockId::V3_1, &b"v3.1 certificate"[..]));
        assert_eq!(further.trailing, b"!");
        let tree = usize::try_from(parsed.size).unwrap();
        assert_eq!(tree_len(&file[tree..tree + 4], parsed.size), Ok(4));
        assert_eq!(&file[tree + 4..], b"treebehind");
    }

    #[test]
    fn signs_the_fields_with_their_lengths_behind_a_size_that_counts_itself() {
        let file = file();
        let parsed = V4Signature::parse(&file).unwrap();
        let fields: Vec<u8> = ["salt", "root", "v3 digest", "v3 certificate", "v3 data"]
            .iter()
            .flat_map(|field| prefixed(field.as_bytes()))
            .collect();
        let size = u32::try_from(4 + 8 + 4 + 1 + fields.len()).unwrap();
        let expected = [&size.to_le_bytes()[..], &77_u64.to_le_bytes(), &[1, 0, 0, 0, 12], &fields].concat();
        assert_eq!(parsed.signed_data(77, &parsed.signing_info), expected);
    }

    #[test]
    fn every_prefix_is_refused_where_it_ends() {
        let file = file();
        let size = V4Signature::parse(&file).unwrap().size;
        for len in 0..file.len() {
            let parsed = V4Signature::parse(&file[..len]);
            assert_eq!(parsed.is_ok(), len as u64 >= size, "{len} bytes");
            assert_eq!(version(&file[..len]).is_ok(), len >= 4);
        }
        for len in 0..4 {
            assert!(tree_len(&file[..len], 0).is_err());
        }
    }

    #[test]
    fn twice_as_many_blocks_are_twice_the_work() {
        let blocks = |count: usize| {
            let hashing = [&[1, 0, 0, 0, 12][..], &prefixed(b"salt"), &prefixed(b"root")].concat();
            let block = [BlockId::V3_1.0.to_le_bytes().to_vec(), prefixed(&info("v3.1"))].concat();
            let infos = [info("v3"), block.repeat(count)].concat();
            [&[2, 0, 0, 0][..], &prefixed(&hashing), &prefixed(&infos), &prefixed(b"tree")].concat()
        };
        crate::work::doubles(blocks, |file| {
            for (_, block) in &V4Signature::parse(file).unwrap().blocks {
                SigningInfo::parse(*block).unwrap();
            }
        });
    }

    #[test]
    fn no_changed_byte_makes_a_record_reach_beyond_its_own() {
        let file = file();
        for place in 0..file.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut changed = file.clone();
                changed[place] = byte;
                let Ok(parsed) = V4Signature::parse(&changed) else { continue };
                assert!(parsed.size <= changed.len() as u64);
                for (_, block) in &parsed.blocks {
                    let _ = SigningInfo::parse(*block);
                }
                assert!(parsed.signed_data(1, &parsed.signing_info).len() < 2 * changed.len() + 64);
            }
        }
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        let mut file = file();
        file[0] = 3;
        let error = V4Signature::parse(&file).unwrap_err();
        assert_eq!(error.to_string(), "idsig at 0x0: expected version 2, found 3");
        assert_eq!(
            tree_len(&[0, 0, 0, 0x80], 0x123).unwrap_err().to_string(),
            "idsig tree at 0x123: length 0x80000000 is above 0x7fffffff"
        );
    }
}
