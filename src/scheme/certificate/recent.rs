//! The certificates that a thread has seen last. A store holds many apps by few signers, and what is told of a certificate
//! follows from its bytes and the limits alone.

use std::cell::RefCell;

use crate::Limits;
use crate::identity::Certificate;

/// How many are kept, in each thread.
const KEPT: usize = 16;

/// Larger ones are not kept. Real ones have 1 to 2 KiB; 6 KiB with a post-quantum key.
const LARGEST: usize = 16 << 10;

thread_local! {
    /// The last one used stands last.
    static RECENT: RefCell<Vec<(Certificate, Limits)>> = const { RefCell::new(Vec::new()) };
}

/// The certificate with exactly these bytes, if it was kept under the same limits.
pub(super) fn find(der: &[u8], limits: &Limits) -> Option<Certificate> {
    with(|recent| {
        let place = recent.iter().rposition(|(kept, under)| kept.der() == der && under == limits)?;
        if let Some(since) = recent.get_mut(place..) {
            since.rotate_left(1);
        }
        recent.last().map(|(kept, _)| kept.clone())
    })
    .flatten()
}

/// Keeps `certificate`, which is not kept yet, in place of the one that was not used for longest.
pub(super) fn keep(certificate: &Certificate, limits: &Limits) {
    if certificate.der().len() > LARGEST {
        return;
    }
    with(|recent| {
        if recent.len() == KEPT {
            recent.remove(0);
        }
        recent.push((certificate.clone(), limits.clone()));
    });
}

/// Nothing, in a thread that ends.
fn with<T>(work: impl FnOnce(&mut Vec<(Certificate, Limits)>) -> T) -> Option<T> {
    RECENT.try_with(|recent| work(&mut recent.borrow_mut())).ok()
}

#[cfg(test)]
mod tests {
    use super::super::identify;
    use super::*;

    fn der(number: u8) -> Vec<u8> {
        let mut der = include_bytes!("../../../testdata/keys/ec-p256.x509.der").to_vec();
        *der.last_mut().unwrap() ^= number;
        der
    }

    #[test]
    fn a_certificate_is_found_by_all_its_bytes_and_under_its_limits() {
        let limits = Limits::default();
        let certificate = identify(&der(0), &limits).unwrap();
        assert!(find(&der(0), &limits).is_none());
        keep(&certificate, &limits);
        assert_eq!(find(&der(0), &limits).unwrap().digests(), certificate.digests());
        assert!(find(&der(1), &limits).is_none(), "the last byte differs");
        assert!(find(&der(0), &Limits { nesting: 3, ..Limits::default() }).is_none());
    }

    #[test]
    fn those_used_last_are_kept() {
        let limits = Limits::default();
        let add = |number| keep(&identify(&der(number), &limits).unwrap(), &limits);
        (0..16).for_each(add);
        assert!(find(&der(0), &limits).is_some());
        add(16);
        let kept: Vec<_> = (0..17).filter(|number| find(&der(*number), &limits).is_some()).collect();
        assert_eq!(kept, [vec![0], (2..17).collect()].concat(), "the second was not used for longest");
    }
}
