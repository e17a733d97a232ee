//! Writes DER, and reads as much of it as the builder needs of its own certificates.

/// One element: `tag`, the length in its shortest form, `content`.
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    if content.len() < 0x80 {
        out.push(content.len() as u8);
    } else {
        let bytes = content.len().to_be_bytes();
        let bytes = &bytes[bytes.iter().position(|byte| *byte != 0).unwrap()..];
        out.push(0x80 | bytes.len() as u8);
        out.extend_from_slice(bytes);
    }
    out.extend_from_slice(content);
    out
}

/// SEQUENCE of encoded elements.
pub fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    element(0x30, &parts.concat())
}

/// SET of encoded elements, in the order given.
pub fn set(parts: &[Vec<u8>]) -> Vec<u8> {
    element(0x31, &parts.concat())
}

/// `[number]`, constructed.
pub fn context(number: u8, content: &[u8]) -> Vec<u8> {
    element(0xa0 | number, content)
}

/// INTEGER of an unsigned number, big-endian.
pub fn integer(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let mut content = number[start..].to_vec();
    if content.first().is_none_or(|byte| *byte >= 0x80) {
        content.insert(0, 0);
    }
    element(0x02, &content)
}

/// OBJECT IDENTIFIER from its dotted form.
pub fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u64> = dotted.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut content = Vec::new();
    for arc in std::iter::once(arcs[0] * 40 + arcs[1]).chain(arcs[2..].iter().copied()) {
        let mut groups = vec![(arc & 0x7f) as u8];
        let mut rest = arc >> 7;
        while rest > 0 {
            groups.push(0x80 | (rest & 0x7f) as u8);
            rest >>= 7;
        }
        groups.reverse();
        content.extend(groups);
    }
    element(0x06, &content)
}

/// NULL.
pub fn null() -> Vec<u8> {
    element(0x05, &[])
}

/// BOOLEAN TRUE.
pub fn boolean_true() -> Vec<u8> {
    element(0x01, &[0xff])
}

/// OCTET STRING.
pub fn octet_string(content: &[u8]) -> Vec<u8> {
    element(0x04, content)
}

/// BIT STRING without unused bits.
pub fn bit_string(content: &[u8]) -> Vec<u8> {
    element(0x03, &[&[0], content].concat())
}

/// UTF8String.
pub fn utf8(text: &str) -> Vec<u8> {
    element(0x0c, text.as_bytes())
}

/// UTCTime, written `YYMMDDHHMMSSZ`.
pub fn utc_time(text: &str) -> Vec<u8> {
    element(0x17, text.as_bytes())
}

/// AlgorithmIdentifier, with NULL parameters or none.
pub fn algorithm(dotted: &str, with_null: bool) -> Vec<u8> {
    sequence(&if with_null { vec![oid(dotted), null()] } else { vec![oid(dotted)] })
}

/// Splits the first element off well-formed DER: the whole element, its content, and what follows.
pub fn split(bytes: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let (header, len) = match bytes[1] {
        len @ 0..0x80 => (2, usize::from(len)),
        long => {
            let count = usize::from(long & 0x7f);
            let len = bytes[2..2 + count].iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
            (2 + count, len)
        }
    };
    (&bytes[..header + len], &bytes[header..header + len], &bytes[header + len..])
}
