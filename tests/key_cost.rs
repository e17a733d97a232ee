//! What one signature check costs with the dearest keys that are taken: processor time, not that of a clock on a wall.

#![expect(
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    reason = "a key that cannot be read is to stop the test, and its numbers are small"
)]

use std::fs;
use std::time::Duration;

use apkvouch::crypto::DigestAlgorithm;
use apkvouch::crypto::PublicKey;
use apkvouch::crypto::SignatureScheme;
use apkvouch::crypto::verify;
use apkvouch::limits::Limits;

use crate::builder::Hash;
use crate::builder::Key;
use crate::builder::der;
use crate::builder::numbers::RsaNumbers;

/// What a check may take.
const LONGEST: Duration = Duration::from_millis(50);

/// Processor time of this thread so far.
fn spent() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
}

/// The shortest of some rounds, each of so many that the system's counting in ticks does not matter.
fn measured(mut work: impl FnMut()) -> Duration {
    const ROUND: u32 = 30;
    let round = || {
        let start = spent();
        (0..ROUND).for_each(|_| work());
        spent().checked_sub(start).unwrap() / ROUND
    };
    std::iter::repeat_with(round).take(3).min().unwrap()
}

/// A number of so many bits, odd, that looks like one of a key.
fn number(bits: usize) -> Vec<u8> {
    let mut number: Vec<u8> = (0..bits / 8).map(|place| (place * 131 % 256) as u8 | 1).collect();
    if let Some(first) = number.first_mut() {
        *first |= 0x80;
    }
    number
}

#[test]
#[ignore = "measures; cargo test --release --test all key_cost:: -- --ignored --nocapture"]
fn no_check_takes_more_than_fifty_milliseconds() {
    let limits = Limits::default();
    let sha256 = DigestAlgorithm::Sha256;
    let mut slowest = Duration::ZERO;
    let mut told = |what: &str, took: Duration| {
        println!("{what}: {:.1} ms", took.as_secs_f64() * 1000.0);
        slowest = slowest.max(took);
    };
    for (bits, exponent) in
        [(2048, &[1, 0, 1][..]), (8192, &[1, 0, 1]), (16_384, &[1, 0, 1]), (16_384, &[1, 0, 0, 0, 1])]
    {
        let key = RsaNumbers { modulus: number(bits), exponent: exponent.to_vec(), private: Vec::new() };
        let key = PublicKey::from_spki(&key.public(), &limits).unwrap();
        let signature = vec![0x55; bits / 8];
        let took = measured(|| {
            assert_eq!(verify(&key, SignatureScheme::RsaPkcs1v15(sha256), b"", &signature), Ok(false));
        });
        told(&format!("RSA of {bits} bits, exponent of {} bytes", exponent.len()), took);
    }
    for name in ["ec-p256", "ec-p384", "ec-p521", "dsa-2048", "ml-dsa-65", "ml-dsa-87"] {
        let key = Key::named(name);
        let scheme = match name.split('-').next().unwrap() {
            "ec" => SignatureScheme::Ecdsa(sha256),
            "dsa" => SignatureScheme::Dsa(sha256),
            _ => SignatureScheme::MlDsa,
        };
        let signature = key.sign(Hash::Sha256, b"message");
        let took = measured(|| {
            let key = PublicKey::from_spki(&key.public, &limits).unwrap();
            assert_eq!(verify(&key, scheme, b"message", &signature), Ok(true));
        });
        told(&format!("{name}, with reading the key"), took);
    }
    // No key of this size is at hand: it is refused after one power, and reading and checking take four.
    let parameters = [number(8192), number(256), number(8184)].map(|number| der::integer(&number));
    let algorithm = der::sequence(&[der::oid("1.2.840.10040.4.1"), der::sequence(&parameters)]);
    let public = der::sequence(&[algorithm, der::bit_string(&der::integer(&number(8184)))]);
    let took = measured(|| assert!(PublicKey::from_spki(&public, &limits).is_err()));
    told("DSA of 8192 bits, two powers, as a check takes", took * 2);
    println!("slowest: {:.1} ms", slowest.as_secs_f64() * 1000.0);
    assert!(slowest <= LONGEST, "{slowest:?}");
}
