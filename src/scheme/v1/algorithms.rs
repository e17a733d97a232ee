//! On which API levels a pair of digest and signature algorithm works.

use crate::crypto::jar_supported_api_levels;
use crate::finding::MAX_SDK;

/// The API levels in `range` on which the pair does not work, as text; `None` when it works on all of them.
pub(super) fn unsupported_levels(digest_oid: &str, signature_oid: &str, range: (u32, u32)) -> Option<String> {
    let (mut next, last) = range;
    let mut gaps = Vec::new();
    for (from, to) in jar_supported_api_levels(digest_oid, signature_oid) {
        if *from > last {
            break;
        }
        if *from > next {
            gaps.push((next, from - 1));
        }
        next = next.max(to.saturating_add(1));
    }
    if next <= last {
        gaps.push((next, last));
    }
    let texts: Vec<String> = gaps
        .iter()
        .map(|(from, to)| match *to {
            MAX_SDK => format!("{from} and newer"),
            to if to == *from => from.to_string(),
            to => format!("{from} to {to}"),
        })
        .collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256: &str = "2.16.840.1.101.3.4.2.1";
    const RSA: &str = "1.2.840.113549.1.1.1";

    #[test]
    fn names_the_levels_outside_the_table() {
        // SHA-256 with rsaEncryption: up to 8, and from 18 on.
        assert_eq!(unsupported_levels(SHA256, RSA, (18, MAX_SDK)), None);
        assert_eq!(unsupported_levels(SHA256, RSA, (17, MAX_SDK)).as_deref(), Some("17"));
        assert_eq!(unsupported_levels(SHA256, RSA, (1, 30)).as_deref(), Some("9 to 17"));
        assert_eq!(unsupported_levels(SHA256, "1.2.3", (9, MAX_SDK)).as_deref(), Some("9 and newer"));
    }
}
