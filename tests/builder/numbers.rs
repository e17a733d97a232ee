//! RSA by its numbers, for keys and blocks that no library makes.

use crypto_bigint::BoxedUint;
use crypto_bigint::Odd;
use crypto_bigint::modular::BoxedMontyForm;
use crypto_bigint::modular::BoxedMontyParams;
use rsa::traits::PrivateKeyParts as _;

use super::der;

/// Numbers of an RSA key, big-endian, without leading zeros.
#[derive(Clone)]
pub struct RsaNumbers {
    pub modulus: Vec<u8>,
    pub exponent: Vec<u8>,
    /// The private exponent; empty for a key that nobody has.
    pub private: Vec<u8>,
}

impl RsaNumbers {
    /// Those of the key `testdata/keys/<name>.pk8`.
    pub fn named(name: &str) -> Self {
        let [_, modulus, exponent, private, ..] = Self::of_file(name);
        Self { modulus, exponent, private }
    }

    /// Those of a key with the primes of that one and the public exponent 3.
    pub fn with_exponent_3(name: &str) -> Self {
        let numbers = Self::of_file(name);
        let [p, q] = [4, 5].map(|place| BoxedUint::from_be_slice_vartime(&numbers[place]));
        let key = rsa::PrivateKey::from_p_q(p, q, BoxedUint::from(3_u64)).unwrap();
        Self { exponent: vec![3], private: trimmed(&key.d().to_be_bytes()), ..Self::named(name) }
    }

    /// Version, modulus, both exponents and both primes.
    fn of_file(name: &str) -> [Vec<u8>; 6] {
        let pkcs8 = std::fs::read(super::keys::keys_dir().join(format!("{name}.pk8"))).unwrap();
        let (_, content, _) = der::split(&pkcs8);
        let (_version, _, rest) = der::split(content);
        let (_algorithm, _, rest) = der::split(rest);
        let (_, key, _) = der::split(rest);
        let mut numbers = der::split(key).1;
        std::array::from_fn(|_| {
            let (_, number, rest) = der::split(numbers);
            numbers = rest;
            trimmed(number)
        })
    }

    /// SubjectPublicKeyInfo, DER.
    pub fn public(&self) -> Vec<u8> {
        let numbers = der::sequence(&[der::integer(&self.modulus), der::integer(&self.exponent)]);
        der::sequence(&[der::algorithm("1.2.840.113549.1.1.1", true), der::bit_string(&numbers)])
    }

    /// The number to the power of the private exponent, as long as the modulus: a signature when `block` is padded.
    pub fn sign(&self, block: &[u8]) -> Vec<u8> {
        let number = BoxedUint::from_be_slice_vartime;
        let params = BoxedMontyParams::new_vartime(Odd::new(number(&self.modulus)).unwrap());
        let precision = params.modulus().as_ref().bits_precision();
        let base = BoxedMontyForm::new(BoxedUint::from_be_slice(block, precision).unwrap(), &params);
        let out = trimmed(&base.pow(&number(&self.private)).retrieve().to_be_bytes());
        [vec![0; self.modulus.len() - out.len()], out].concat()
    }
}

fn trimmed(number: &[u8]) -> Vec<u8> {
    number[number.iter().position(|byte| *byte != 0).unwrap_or(number.len())..].to_vec()
}

/// A number whose cube begins with `prefix` and is as long as `len` bytes, big-endian and as long: what needs no private
/// key when the public exponent is 3.
pub fn cube_root(prefix: &[u8], len: usize) -> Vec<u8> {
    // The largest number with that prefix.
    let target = [prefix, &vec![0xff; len - prefix.len()]].concat();
    let mut root = vec![0; len];
    // A third of the bits.
    for bit in (0..=len * 8 / 3).rev() {
        let (place, mask) = (len - 1 - bit / 8, 1 << (bit % 8));
        root[place] |= mask;
        let cube = times(&times(&trimmed(&root), &trimmed(&root)), &trimmed(&root));
        if (cube.len(), &cube[..]) > (trimmed(&target).len(), &trimmed(&target)[..]) {
            root[place] ^= mask;
        }
    }
    root
}

fn times(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut out = vec![0_u64; a.len() + b.len()];
    for (i, x) in a.iter().rev().enumerate() {
        for (j, y) in b.iter().rev().enumerate() {
            out[i + j] += u64::from(*x) * u64::from(*y);
        }
    }
    for place in 0..out.len() - 1 {
        out[place + 1] += out[place] >> 8;
        out[place] &= 0xff;
    }
    trimmed(&out.iter().rev().map(|digit| *digit as u8).collect::<Vec<_>>())
}
