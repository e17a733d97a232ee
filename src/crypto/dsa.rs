//! DSA over public values.
//!
//! Exponents are as short as the subgroup, which makes a check ten times cheaper than with exponents padded to the
//! modulus: a file may ask for many.

use crypto_bigint::BoxedUint;
use crypto_bigint::Odd;
use crypto_bigint::modular::BoxedMontyForm;
use crypto_bigint::modular::BoxedMontyParams;

use super::key::KeyError;
use super::key::bit_length;

/// The smallest modulus that the JDK makes, in bits.
const MIN_MODULUS_BITS: usize = 512;

/// The subgroup sizes of FIPS 186-4, 4.2, in bits.
const SUBGROUP_BITS: [usize; 3] = [160, 224, 256];

/// The numbers of a key, in range: p and q of a size that is taken and odd, 1 < g < p, 1 < y < p.
///
/// Whether g and y generate the subgroup of order q takes arithmetic: [`DsaNumbers::check`] tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct DsaNumbers<'a> {
    p: &'a [u8],
    q: &'a [u8],
    g: &'a [u8],
    y: &'a [u8],
}

/// A checked key: 1 < g < p, 1 < y < p, and both generate the subgroup of order q.
#[derive(Clone, Debug)]
pub(super) struct DsaKey {
    q: Odd<BoxedUint>,
    g: BoxedMontyForm,
    y: BoxedMontyForm,
    bits: usize,
}

impl<'a> DsaNumbers<'a> {
    /// Takes the four numbers, big-endian, without leading zeros; p has at most `most_bits`.
    pub(super) fn new([p, q, g]: [&'a [u8]; 3], y: &'a [u8], most_bits: usize) -> Result<Self, KeyError> {
        let fault = |message: &str| KeyError::Dsa(message.to_owned());
        let bits = bit_length(p);
        if !(MIN_MODULUS_BITS..=most_bits).contains(&bits) {
            return Err(KeyError::Dsa(format!(
                "p has {bits} bits, from {MIN_MODULUS_BITS} to {most_bits} are supported"
            )));
        }
        let subgroup_bits = bit_length(q);
        if !SUBGROUP_BITS.contains(&subgroup_bits) {
            return Err(KeyError::Dsa(format!("q has {subgroup_bits} bits, not 160, 224 or 256")));
        }
        for (name, number) in [("p", p), ("q", q)] {
            if number.last().is_none_or(|last| last & 1 == 0) {
                return Err(fault(&format!("{name} is even")));
            }
        }
        for (name, number) in [("g", g), ("y", y)] {
            // Without leading zeros the longer number is the greater one.
            if (number.len(), number) >= (p.len(), p) {
                return Err(fault(&format!("{name} is not less than p")));
            }
            if matches!(number, [] | [1]) {
                return Err(fault(&format!("{name} is not greater than 1")));
            }
        }
        Ok(Self { p, q, g, y })
    }

    /// Size of p in bits.
    pub(super) fn bits(&self) -> usize {
        bit_length(self.p)
    }

    /// Size of q in bits.
    pub(super) fn subgroup_bits(&self) -> usize {
        bit_length(self.q)
    }

    /// Checks that g and y generate the subgroup of order q. Takes as long as checking a signature.
    pub(super) fn check(&self) -> Result<DsaKey, KeyError> {
        let fault = |message: &str| KeyError::Dsa(message.to_owned());
        let odd = |bytes| Odd::new(BoxedUint::from_be_slice_vartime(bytes)).into_option();
        let p = odd(self.p).ok_or_else(|| fault("p is even"))?;
        let q = odd(self.q).ok_or_else(|| fault("q is even"))?;
        let params = BoxedMontyParams::new_vartime(p);
        let member = |name: &str, bytes: &[u8]| -> Result<BoxedMontyForm, KeyError> {
            let precision = params.modulus().as_ref().bits_precision();
            let value = BoxedUint::from_be_slice(bytes, precision)
                .map_err(|_| fault(&format!("{name} is not less than p")))?;
            let value = BoxedMontyForm::new(value, &params);
            if power(&value, q.as_ref()).retrieve() != BoxedUint::one() {
                return Err(fault(&format!("{name} does not lie in the subgroup of order q")));
            }
            Ok(value)
        };
        Ok(DsaKey { g: member("g", self.g)?, y: member("y", self.y)?, q, bits: self.bits() })
    }
}

impl DsaKey {
    /// Size of p in bits.
    pub(super) fn bits(&self) -> usize {
        self.bits
    }

    /// Size of q in bits.
    pub(super) fn subgroup_bits(&self) -> usize {
        usize::try_from(self.q.as_ref().bit_width_vartime()).unwrap_or(usize::MAX)
    }

    /// Checks the signature (`r`, `s`), big-endian without leading zeros, over `digest` (FIPS 186-4, 4.7).
    ///
    /// `None` when r or s does not lie in \[1, q-1\].
    pub(super) fn verify(&self, digest: &[u8], r: &[u8], s: &[u8]) -> Option<bool> {
        let q = self.q.as_ref();
        let scalar = |bytes| {
            let value = BoxedUint::from_be_slice(bytes, q.bits_precision()).ok()?;
            (!bool::from(value.is_zero()) && value < *q).then_some(value)
        };
        let r = scalar(r)?;
        let s = scalar(s)?;
        // Only of a composite q can s fail to have an inverse.
        let Some(inverse) = s.invert_odd_mod_vartime(&self.q).into_option() else { return Some(false) };

        // The leftmost bits of the digest, as many as q has; all sizes are whole bytes.
        let size = self.subgroup_bits() / 8;
        let number = BoxedUint::from_be_slice_vartime(digest.get(..size).unwrap_or(digest));
        let modulus = self.q.as_nz_ref();
        let u1 = number.mul_mod(&inverse, modulus);
        let u2 = r.mul_mod(&inverse, modulus);
        Some((power(&self.g, &u1) * power(&self.y, &u2)).retrieve().rem_vartime(modulus) == r)
    }
}

fn power(base: &BoxedMontyForm, exponent: &BoxedUint) -> BoxedMontyForm {
    #[cfg(any(test, fuzzing))]
    crate::work::step();
    base.pow_bounded_exp(exponent, exponent.bit_width_vartime())
}
