//! Channel marks: what packers write into a finished APK to say through which store it goes.
//!
//! Takes the value of a pair, an entry name or an archive comment, gives the text that stands there. Nothing signs it, so
//! anyone can write anything: whoever shows it says so.

use serde_json::Map;
use serde_json::Value;

use super::Cursor;
use super::ParseError;
use super::ParseErrorKind;

/// A name and a value, in the order of the file.
pub type NameValue = (String, String);

/// Reads the channel of Walle: a JSON object, `{"channel":"store","other":"…"}`.
///
/// Values that are no strings are given as their JSON text; of a name that occurs twice the last value counts, as in the
/// reader of Walle.
///
/// # Errors
/// Not UTF-8, not JSON, or JSON that is no object.
///
/// Source: walle `ChannelReader.getMap`.
pub fn walle(value: &[u8]) -> Result<Vec<NameValue>, ParseError> {
    let invalid = |message: String| ParseError::invalid("Walle channel", 0, message);
    let object: Map<String, Value> =
        serde_json::from_slice(value).map_err(|error| invalid(format!("not a JSON object: {error}")))?;
    Ok(object
        .into_iter()
        .map(|(name, value)| match value {
            Value::String(text) => (name, text),
            other => (name, other.to_string()),
        })
        .collect())
}

/// Reads the channel of VasDolly: nothing but its text.
///
/// # Errors
/// No text at all, or not UTF-8.
///
/// Source: VasDolly `V2SchemeUtil`, `IdValueReader`.
pub fn vasdolly(value: &[u8]) -> Result<&str, ParseError> {
    text("VasDolly channel", value)
}

/// Stands in front of the channel of packer-ng.
const PACKER_NG_MAGIC: &[u8; 16] = b"Packer Ng Sig V2";
/// Between a name and its value, and behind each value.
const PACKER_NG_NAME: char = '\u{2218}';
const PACKER_NG_END: char = '\u{2219}';

/// Reads the channel of packer-ng, second form: magic, length, `CHANNEL∘store∙`, and the length again.
///
/// What is no pair of name and value is passed over, as there. Bytes behind the second length are given too.
///
/// # Errors
/// Another magic, an empty payload, lengths that differ or break off, a payload that is not UTF-8.
///
/// Source: packer-ng-plugin `PackerCommon.readPayloadImpl`, `PackerCommon.mapFromString`.
pub fn packer_ng(value: &[u8]) -> Result<(Vec<NameValue>, &[u8]), ParseError> {
    const STRUCTURE: &str = "packer-ng channel";
    let mut cursor = Cursor::new(STRUCTURE, value);
    let magic = cursor.take(PACKER_NG_MAGIC.len())?;
    if magic != PACKER_NG_MAGIC {
        return Err(ParseError::invalid(STRUCTURE, 0, "it does not start with \"Packer Ng Sig V2\""));
    }
    let mut ahead = cursor;
    let payload = ahead.length_prefixed()?;
    let before = ahead;
    let (length, again) = (cursor.u32()?, ahead.u32()?);
    if length != again {
        return Err(before.error(ParseErrorKind::Unexpected {
            expected: format!("the length {length} again"),
            found: again.to_string(),
        }));
    }
    let payload = text(STRUCTURE, payload.rest())?;
    let pairs = payload
        .split(PACKER_NG_END)
        .filter_map(|pair| pair.split_once(PACKER_NG_NAME))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Ok((pairs, ahead.rest()))
}

/// A channel at the end of an archive comment: text, its length as a u16, and a magic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommentChannel<'a> {
    /// The channel.
    pub channel: &'a str,
    /// The comment in front of it.
    pub before: &'a [u8],
}

/// Ends an archive comment that VasDolly has written.
pub const VASDOLLY_COMMENT_MAGIC: &[u8; 8] = b"ltlovezh";

/// Reads the channel that VasDolly writes into the archive comment of files signed with v1 alone.
///
/// `None` when the comment does not end with its magic.
///
/// # Errors
/// A length of 0, above 32,767 or beyond the start of the comment; a channel that is not UTF-8.
///
/// Source: VasDolly `V1SchemeUtil.readChannel`.
pub fn vasdolly_comment(comment: &[u8]) -> Result<Option<CommentChannel<'_>>, ParseError> {
    const STRUCTURE: &str = "VasDolly comment";
    let Some(rest) = comment.strip_suffix(VASDOLLY_COMMENT_MAGIC) else { return Ok(None) };
    let invalid = |message: String| ParseError::invalid(STRUCTURE, 0, message);
    let Some((rest, length)) = rest.split_last_chunk::<2>() else {
        return Err(invalid("no length in front of the magic".to_owned()));
    };
    let length = u16::from_le_bytes(*length);
    let start = rest.len().checked_sub(usize::from(length));
    let parts = start.filter(|_| i16::try_from(length).is_ok()).and_then(|at| rest.split_at_checked(at));
    let Some((before, channel)) = parts else {
        return Err(invalid(format!("a channel of {length} bytes in a comment of {} bytes", comment.len())));
    };
    Ok(Some(CommentChannel { channel: text(STRUCTURE, channel)?, before }))
}

/// The channel that the name of an empty entry of `META-INF/` carries: `META-INF/mtchannel_store` gives `store`.
///
/// `None` when the name has no `channel` in it. An entry with content is something else.
///
/// Source: packers of the kind that Meituan has described; there is no specification.
pub fn meta_inf_channel(name: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(name).ok()?.strip_prefix("META-INF/")?;
    let (_, channel) = name.split_once("channel")?;
    Some(channel.trim_start_matches(['_', '-', '.', '=']))
}

fn text<'a>(structure: &'static str, bytes: &'a [u8]) -> Result<&'a str, ParseError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = u64::try_from(error.valid_up_to()).unwrap_or(u64::MAX);
        ParseError::invalid(structure, at, "not UTF-8")
    })?;
    if text.is_empty() {
        return Err(ParseError::invalid(structure, 0, "empty"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(payload: &str, first: u32, second: u32) -> Vec<u8> {
        [PACKER_NG_MAGIC, &first.to_le_bytes()[..], payload.as_bytes(), &second.to_le_bytes()].concat()
    }

    #[test]
    fn walle_is_an_object() {
        let pairs = walle(br#"{"channel":"meituan","n":1,"o":{"a":[]},"channel":"last"}"#).unwrap();
        let expected = [("channel", "last"), ("n", "1"), ("o", "{\"a\":[]}")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        for wrong in [&b"meituan"[..], b"[1]", b"{\"channel\":\"a\"", b"{\"channel\":\"\xff\"}", b""] {
            assert!(walle(wrong).is_err(), "{wrong:?}");
        }
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        assert!(walle(deep.as_bytes()).is_err(), "nesting is bounded");
    }

    #[test]
    fn packer_ng_says_its_length_twice() {
        let value = packed("CHANNEL\u{2218}x\u{2219}y\u{2219}", 18, 18);
        let (pairs, behind) = packer_ng(&value).unwrap();
        assert_eq!((pairs, behind), (vec![("CHANNEL".to_owned(), "x".to_owned())], &b""[..]));
        let more = [packed("a\u{2218}b", 5, 5), b"!".to_vec()].concat();
        assert_eq!(packer_ng(&more).unwrap().1, b"!");
        let error = packer_ng(&packed("a\u{2218}b", 5, 6)).unwrap_err().to_string();
        assert_eq!(error, "packer-ng channel at 0x19: expected the length 5 again, found 6");
        for wrong in [packed("", 0, 0), packed("ab", 0x8000_0002, 0x8000_0002), packed("ab", 3, 2)] {
            assert!(packer_ng(&wrong).is_err(), "{wrong:?}");
        }
        let mut other = packed("a\u{2218}b", 5, 5);
        other[0] = b'p';
        assert!(packer_ng(&other).is_err());
    }

    #[test]
    fn vasdolly_reads_from_the_end_of_the_comment() {
        let channel = |comment: &'static [u8]| vasdolly_comment(comment);
        let found = channel(b"hello qq\x02\0ltlovezh").unwrap().unwrap();
        assert_eq!((found.channel, found.before), ("qq", &b"hello "[..]));
        assert_eq!(channel(b"qq\x02\0ltlovezi"), Ok(None));
        assert_eq!(channel(b""), Ok(None));
        for wrong in
            [&b"ltlovezh"[..], b"\0ltlovezh", b"\0\0ltlovezh", b"qq\x03\0ltlovezh", b"\xff\x01\0ltlovezh"]
        {
            assert!(channel(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_name_carries_a_channel() {
        assert_eq!(meta_inf_channel(b"META-INF/mtchannel_store"), Some("store"));
        assert_eq!(meta_inf_channel(b"META-INF/channel"), Some(""));
        assert_eq!(meta_inf_channel(b"META-INF/umeng"), None);
        assert_eq!(meta_inf_channel(b"assets/channel_store"), None);
        assert_eq!(meta_inf_channel(b"META-INF/channel_\xff"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = walle(&bytes);
            let _ = vasdolly(&bytes);
            let _ = packer_ng(&[&PACKER_NG_MAGIC[..], &bytes].concat());
            let _ = vasdolly_comment(&[&bytes[..], VASDOLLY_COMMENT_MAGIC].concat());
            let _ = meta_inf_channel(&bytes);
        }
    }
}
