//! PEM, the text form of certificates.

/// The certificate as PEM, 64 characters a line. Source: RFC 7468, section 5.
pub(super) fn certificate(der: &[u8]) -> String {
    let mut text = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for line in der.chunks(48) {
        for group in line.chunks(3) {
            let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
            let bits = (byte(0) << 16) | (byte(1) << 8) | byte(2);
            for (position, shift) in [18, 12, 6, 0].into_iter().enumerate() {
                text.push(if position > group.len() { '=' } else { base64_digit((bits >> shift) & 63) });
            }
        }
        text.push('\n');
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}

/// Source: RFC 4648, section 4.
fn base64_digit(value: u32) -> char {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let index = usize::try_from(value).unwrap_or(0);
    char::from(DIGITS.get(index).copied().unwrap_or(b'='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_is_what_openssl_writes() {
        assert_eq!(
            certificate(b"abcd"),
            "-----BEGIN CERTIFICATE-----\nYWJjZA==\n-----END CERTIFICATE-----\n"
        );
        assert!(
            certificate(&[0; 49])
                .starts_with(&format!("-----BEGIN CERTIFICATE-----\n{}\nAA==\n", "A".repeat(64)))
        );
    }
}
