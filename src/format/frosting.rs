//! Play frosting: what Google Play adds to the signing block of the APKs that it hands out.
//!
//! All lengths are in bytes and do not count themselves:
//! ```text
//! varint  length of what follows up to the signatures
//! varint  length of the info, and the info: a protocol buffer of unpublished meaning
//! varint  length of the entries, and these, each with its length in front:
//!           varint disabled, varint index of the key, 32 bytes SHA-256 of the file
//! varint  length of the signatures, and these, each with its length in front: one for each entry
//! ```
//! The first entry that is not disabled counts; its signature covers everything from the length of the info to the end
//! of that entry.
//!
//! Source: avast `apkverifier`, `signingblock/frosting.go`, from the Play Store app; Google has published nothing.

use super::Cursor;
use super::ParseError;
use super::ParseErrorKind;

const STRUCTURE: &str = "Play frosting";

/// The value of a frosting pair.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frosting<'a> {
    /// The info, a protocol buffer.
    pub info: &'a [u8],
    /// The first entry that is not disabled.
    pub entry: Option<FrostingEntry<'a>>,
    /// How many entries stand before it, or how many there are: all of them disabled.
    pub disabled: usize,
    /// Bytes behind the signatures. Nothing signs them.
    pub trailing: &'a [u8],
}

/// An entry with its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrostingEntry<'a> {
    /// Which key of Google Play signs.
    pub key_index: u32,
    /// SHA-256 of the file, without its signing block but with its v2 signature.
    pub file_sha256: &'a [u8; 32],
    /// What the signature covers.
    pub signed: &'a [u8],
    /// ECDSA signature, DER.
    pub signature: &'a [u8],
}

impl<'a> Frosting<'a> {
    /// Reads the value of a frosting pair.
    ///
    /// # Errors
    /// Lengths that do not fit into each other, a counting entry that is not of its form, no signature for it.
    pub fn parse(value: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor::new(STRUCTURE, value);
        let signed_area = prefixed(&mut cursor)?;
        let base = cursor.offset().saturating_sub(len_u64(signed_area));
        let mut area = Cursor::new(STRUCTURE, signed_area);
        let info = prefixed(&mut area)?;
        let entries = prefixed(&mut area)?;
        let entries_at = area.offset().saturating_sub(len_u64(entries));
        let mut entries = Cursor::new(STRUCTURE, entries);
        let at_entries = |error: ParseError| error.at(entries_at).at(base);
        let mut disabled = 0_usize;
        let mut found = None;
        while !entries.is_empty() {
            let entry = prefixed(&mut entries).map_err(at_entries)?;
            let end = entries_at.saturating_add(entries.offset());
            let entry_at = entries.offset().saturating_sub(len_u64(entry));
            let counting = counting_entry(entry).map_err(|error| at_entries(error.at(entry_at)))?;
            if let Some((key_index, file_sha256)) = counting {
                found = Some((key_index, file_sha256, end));
                break;
            }
            disabled = disabled.saturating_add(1);
        }
        let mut signatures = Cursor::new(STRUCTURE, prefixed(&mut cursor)?);
        let signatures_at =
            cursor.offset().saturating_sub(u64::try_from(signatures.remaining()).unwrap_or(0));
        let Some((key_index, file_sha256, end)) = found else {
            return Ok(Self { info, entry: None, disabled, trailing: cursor.rest() });
        };
        for _ in 0..disabled {
            prefixed(&mut signatures).map_err(|error| error.at(signatures_at))?;
        }
        let signature = prefixed(&mut signatures).map_err(|error| error.at(signatures_at))?;
        let signed = usize::try_from(end).ok().and_then(|end| signed_area.get(..end));
        let Some(signed) = signed else {
            return Err(ParseError::invalid(STRUCTURE, base, "an entry ends beyond the signed data"));
        };
        let entry = Some(FrostingEntry { key_index, file_sha256, signed, signature });
        Ok(Self { info, entry, disabled, trailing: cursor.rest() })
    }
}

/// Index of the key and digest of the file; `None` for an entry that is disabled, of which no more is looked at.
fn counting_entry(entry: &[u8]) -> Result<Option<(u32, &[u8; 32])>, ParseError> {
    let mut cursor = Cursor::new("frosting entry", entry);
    if varint(&mut cursor)? != 0 {
        return Ok(None);
    }
    let key_index = varint(&mut cursor)?;
    let digest = cursor.rest().first_chunk::<32>().filter(|_| cursor.remaining() == 32);
    let digest = digest.ok_or_else(|| {
        cursor.error(ParseErrorKind::Unexpected {
            expected: "a digest of 32 bytes".to_owned(),
            found: format!("{} bytes", cursor.remaining()),
        })
    })?;
    Ok(Some((key_index, digest)))
}

fn prefixed<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], ParseError> {
    let len = varint(cursor)?;
    cursor.take(usize::try_from(len).unwrap_or(usize::MAX))
}

/// Seven bits an octet, lowest first, the high bit set on all but the last; at most 31 bits, as Java's `int`.
fn varint(cursor: &mut Cursor<'_>) -> Result<u32, ParseError> {
    let start = *cursor;
    let mut number = 0_u32;
    for shift in [0, 7, 14, 21, 28] {
        let octet = cursor.u8()?;
        let bits = u32::from(octet & 0x7f);
        if shift == 28 && bits > 7 {
            break;
        }
        number |= bits.wrapping_shl(shift);
        if octet & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(start.error(ParseErrorKind::Invalid("a number of more than 31 bits".to_owned())))
}

fn len_u64(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(mut value: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while value > 0x7f {
            out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
            value >>= 7;
        }
        out.push(u8::try_from(value).unwrap());
        out
    }

    fn with_length(bytes: &[u8]) -> Vec<u8> {
        [number(bytes.len()), bytes.to_vec()].concat()
    }

    fn entry(disabled: u8, key: u8) -> Vec<u8> {
        with_length(&[&[disabled, key], &[7; 32][..]].concat())
    }

    fn frosting(entries: &[Vec<u8>], signatures: &[&[u8]]) -> Vec<u8> {
        let info = vec![9; 200];
        let signed = [with_length(&info), with_length(&entries.concat())].concat();
        let signatures: Vec<u8> = signatures.iter().flat_map(|signature| with_length(signature)).collect();
        [with_length(&signed), with_length(&signatures)].concat()
    }

    #[test]
    fn the_first_entry_that_is_not_disabled_counts() {
        let entries = [entry(1, 5), entry(0, 2), entry(0, 3)];
        let value = [frosting(&entries, &[b"a", b"bc", b"d"]), b"!".to_vec()].concat();
        let frosting = Frosting::parse(&value).unwrap();
        let chosen = frosting.entry.unwrap();
        assert_eq!((chosen.key_index, chosen.signature, frosting.disabled), (2, &b"bc"[..], 1));
        assert_eq!((frosting.info.len(), frosting.trailing), (200, &b"!"[..]));
        // The length of the info, the info, the length of the entries, and two of these.
        assert_eq!(chosen.signed.len(), 2 + 200 + 1 + 2 * 35);
        assert!(value[2..].starts_with(chosen.signed));
    }

    #[test]
    fn twice_as_many_entries_are_twice_the_work() {
        let disabled = |count: usize| {
            let entries = [vec![entry(1, 5); count], vec![entry(0, 2)]].concat();
            frosting(&entries, &vec![&b"a"[..]; count + 1])
        };
        crate::work::doubles(disabled, |value| assert!(Frosting::parse(value).unwrap().entry.is_some()));
    }

    #[test]
    fn all_disabled_is_no_entry() {
        let value = frosting(&[entry(1, 0)], &[b"a"]);
        let frosting = Frosting::parse(&value).unwrap();
        assert_eq!((frosting.entry, frosting.disabled), (None, 1));
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let good = frosting(&[entry(0, 0)], &[b"sig"]);
        assert!(Frosting::parse(&good).is_ok());
        for len in 0..good.len() {
            assert!(Frosting::parse(&good[..len]).is_err(), "cut at {len}");
        }
        let short = with_length(&[&[0, 0], &[7; 31][..]].concat());
        let error = Frosting::parse(&frosting(&[short], &[b"sig"])).unwrap_err().to_string();
        assert_eq!(error, "frosting entry at 0xd0: expected a digest of 32 bytes, found 31 bytes");
        assert!(Frosting::parse(&frosting(&[entry(1, 0), entry(0, 0)], &[b"sig"])).is_err(), "no signature");
        assert!(Frosting::parse(&[0xff, 0xff, 0xff, 0xff, 0x0f]).is_err(), "negative to Java");
        assert!(Frosting::parse(&[0x80; 32]).is_err(), "without end");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(at in 0_usize..300, octet: u8) {
            let mut value = frosting(&[entry(1, 0), entry(0, 0)], &[b"a", b"sig"]);
            if let Some(place) = value.get_mut(at) {
                *place = octet;
            }
            let _ = Frosting::parse(&value);
        }
    }
}
