//! Keys from passwords: scrypt, as libsodium asks for it.

/// Most memory that a password may cost, in bytes: what minisign takes for its own keys.
const MAX_MEMORY: u64 = 1 << 30;

/// Derives as many bytes as `out` has from `password` and `salt`, at a cost of about `operations` and `memory` (bytes).
/// None when the cost is out of range: less than scrypt can do with, or more than 1 GiB.
///
/// Source: RFC 7914; libsodium `crypto_pwhash_scryptsalsa208sha256`, which says how the two numbers become N, r and p.
pub fn scrypt(password: &[u8], salt: &[u8], operations: u64, memory: u64, out: &mut [u8]) -> Option<()> {
    const BLOCK: u64 = 8;
    let operations = operations.max(1 << 15);
    let (max_n, max_rp) = if operations < memory / 32 {
        (operations / (BLOCK * 4), None)
    } else {
        (memory / (BLOCK * 128), Some(operations / 4))
    };
    // The smallest power of two, from 2 on, above half of that.
    let log_n = (1_u32..63).find(|log_n| (1_u64 << log_n) > max_n / 2)?;
    let p = max_rp.map_or(1, |rp| (rp >> log_n).min(0x3fff_ffff) / BLOCK);
    let needed = (1_u64 << log_n).checked_mul(BLOCK * 128)?;
    // As many operations as one derivation of that memory has at the cost that minisign sets, and no more.
    if needed > MAX_MEMORY || p.checked_mul(needed)? > MAX_MEMORY {
        return None;
    }
    let parameters = ::scrypt::Params::new(u8::try_from(log_n).ok()?, 8, u32::try_from(p).ok()?).ok()?;
    ::scrypt::scrypt(password, salt, &parameters, out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_that_nobody_should_pay_are_refused() {
        let mut out = [0; 16];
        assert!(scrypt(b"p", b"s", 1 << 15, 1 << 20, &mut out).is_some());
        assert!(scrypt(b"p", b"s", u64::MAX, u64::MAX, &mut out).is_none());
        assert!(scrypt(b"p", b"s", u64::MAX, 1 << 20, &mut out).is_none());
        assert!(scrypt(b"p", b"s", 1 << 40, 1 << 40, &mut out).is_none());
    }

    /// A key file that minisign has encrypted stands in the tests of registries.
    #[test]
    fn the_same_password_gives_the_same_bytes() {
        let derive = |password: &[u8], salt: &[u8]| {
            let mut out = [0; 32];
            scrypt(password, salt, 1 << 15, 1 << 20, &mut out).unwrap();
            out
        };
        assert_eq!(derive(b"p", b"s"), derive(b"p", b"s"));
        assert_ne!(derive(b"p", b"s"), derive(b"q", b"s"));
        assert_ne!(derive(b"p", b"s"), derive(b"p", b"t"));
    }
}
