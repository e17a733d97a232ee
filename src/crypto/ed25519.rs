//! Ed25519, for the signatures of registries. No APK is signed with it.

use ring::rand::SecureRandom as _;
use ring::rand::SystemRandom;
use ring::signature::ED25519;
use ring::signature::KeyPair as _;
use ring::signature::UnparsedPublicKey;

/// Whether `signature` is one over `message` by `public_key`.
///
/// Source: RFC 8032 §5.1.7.
pub fn verify_ed25519(public_key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    UnparsedPublicKey::new(&ED25519, public_key).verify(message, signature).is_ok()
}

/// A key that signs.
pub struct Ed25519KeyPair {
    seed: [u8; 32],
    public_key: [u8; 32],
    pair: ring::signature::Ed25519KeyPair,
}

impl Ed25519KeyPair {
    /// A new key. None when the system gives no randomness.
    pub fn generate() -> Option<Self> {
        let mut seed = [0; 32];
        fill_random(&mut seed)?;
        let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
        let public_key = pair.public_key().as_ref().try_into().ok()?;
        Some(Self { seed, public_key, pair })
    }

    /// The key of `seed`. None when `public_key` is not its public half.
    pub fn from_seed_and_public_key(seed: &[u8; 32], public_key: &[u8; 32]) -> Option<Self> {
        let pair = ring::signature::Ed25519KeyPair::from_seed_and_public_key(seed, public_key).ok()?;
        Some(Self { seed: *seed, public_key: *public_key, pair })
    }

    /// What the key is made from: secret.
    pub fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// The public half.
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    /// Signs `message`. None when that fails, which it does not.
    pub fn sign(&self, message: &[u8]) -> Option<[u8; 64]> {
        self.pair.sign(message).as_ref().try_into().ok()
    }
}

/// Fills `bytes` with randomness of the system. None when there is none.
pub fn fill_random(bytes: &mut [u8]) -> Option<()> {
    SystemRandom::new().fill(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
        bytes.try_into().unwrap()
    }

    /// RFC 8032 §7.1, test 3.
    #[test]
    fn signs_as_the_standard_does() {
        let seed = bytes("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7");
        let public_key = bytes("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
        let signature = bytes(
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        );
        let pair = Ed25519KeyPair::from_seed_and_public_key(&seed, &public_key).unwrap();
        assert_eq!(pair.sign(&[0xaf, 0x82]), Some(signature));
        assert!(verify_ed25519(&public_key, &[0xaf, 0x82], &signature));
        assert!(!verify_ed25519(&public_key, &[0xaf, 0x83], &signature));
        let mut other = public_key;
        other[0] ^= 1;
        assert!(Ed25519KeyPair::from_seed_and_public_key(&seed, &other).is_none());
    }

    #[test]
    fn no_two_new_keys_are_the_same() {
        let (one, two) = (Ed25519KeyPair::generate().unwrap(), Ed25519KeyPair::generate().unwrap());
        assert_ne!(one.public_key(), two.public_key());
        let signature = one.sign(b"x").unwrap();
        assert!(verify_ed25519(one.public_key(), b"x", &signature));
        assert!(!verify_ed25519(two.public_key(), b"x", &signature));
    }
}
