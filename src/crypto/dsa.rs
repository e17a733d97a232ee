//! DSA over public values.
//!
//! Exponents are as short as the subgroup, which makes a check ten times cheaper than with exponents padded to the
//! modulus: a file may ask for many.

use crypto_bigint::BoxedUint;
use crypto_bigint::Odd;
use crypto_bigint::modular::BoxedMontyForm;
use crypto_bigint::modular::BoxedMontyParams;

use super::key::KeyError;

/// Bounds of the modulus in bits: the smallest that the JDK makes, and twice the largest of FIPS 186-4.
const MODULUS_BITS: std::ops::RangeInclusive<u32> = 512..=8192;

/// The subgroup sizes of FIPS 186-4, 4.2, in bits.
const SUBGROUP_BITS: [u32; 3] = [160, 224, 256];

/// A checked key: 1 < g < p, 1 < y < p, and both generate the subgroup of order q.
#[derive(Clone, Debug)]
pub(super) struct DsaKey {
    q: Odd<BoxedUint>,
    g: BoxedMontyForm,
    y: BoxedMontyForm,
    bits: u32,
}

impl DsaKey {
    /// Takes the four numbers, big-endian, without leading zeros.
    pub(super) fn new(p: &[u8], q: &[u8], g: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        let fault = |message: &str| KeyError::Dsa(message.to_owned());
        let bits = bit_length(p);
        if !MODULUS_BITS.contains(&bits) {
            return Err(KeyError::Dsa(format!(
                "p has {bits} bits, from {} to {} are supported",
                MODULUS_BITS.start(),
                MODULUS_BITS.end()
            )));
        }
        let subgroup_bits = bit_length(q);
        if !SUBGROUP_BITS.contains(&subgroup_bits) {
            return Err(KeyError::Dsa(format!("q has {subgroup_bits} bits, not 160, 224 or 256")));
        }
        let odd = |bytes| Odd::new(BoxedUint::from_be_slice_vartime(bytes)).into_option();
        let p = odd(p).ok_or_else(|| fault("p is even"))?;
        let q = odd(q).ok_or_else(|| fault("q is even"))?;

        let params = BoxedMontyParams::new_vartime(p);
        let member = |name: &str, bytes: &[u8]| -> Result<BoxedMontyForm, KeyError> {
            let modulus = params.modulus().as_ref();
            let value = BoxedUint::from_be_slice(bytes, modulus.bits_precision())
                .ok()
                .filter(|value| value < modulus)
                .ok_or_else(|| fault(&format!("{name} is not less than p")))?;
            if value <= BoxedUint::one() {
                return Err(fault(&format!("{name} is not greater than 1")));
            }
            let value = BoxedMontyForm::new(value, &params);
            if power(&value, q.as_ref()).retrieve() != BoxedUint::one() {
                return Err(fault(&format!("{name} does not lie in the subgroup of order q")));
            }
            Ok(value)
        };
        Ok(Self { g: member("g", g)?, y: member("y", y)?, q, bits })
    }

    /// Size of p in bits.
    pub(super) fn bits(&self) -> u32 {
        self.bits
    }

    /// Size of q in bits.
    pub(super) fn subgroup_bits(&self) -> u32 {
        self.q.as_ref().bit_width_vartime()
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
        let size = usize::try_from(self.subgroup_bits() / 8).unwrap_or(usize::MAX);
        let number = BoxedUint::from_be_slice_vartime(digest.get(..size).unwrap_or(digest));
        let modulus = self.q.as_nz_ref();
        let u1 = number.mul_mod(&inverse, modulus);
        let u2 = r.mul_mod(&inverse, modulus);
        Some((power(&self.g, &u1) * power(&self.y, &u2)).retrieve().rem_vartime(modulus) == r)
    }
}

fn power(base: &BoxedMontyForm, exponent: &BoxedUint) -> BoxedMontyForm {
    base.pow_bounded_exp(exponent, exponent.bit_width_vartime())
}

/// Bits of a big-endian number without leading zeros.
fn bit_length(bytes: &[u8]) -> u32 {
    let Some(first) = bytes.first() else { return 0 };
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).saturating_mul(8).saturating_sub(first.leading_zeros())
}
