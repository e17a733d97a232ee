//! Keys and signatures that a lax library takes: none of them verifies here, but for the honest ones beside them.

use super::Case;
use super::Keys;
use super::case;
use super::min_sdk;
use crate::builder::Apk;
use crate::builder::Certificate;
use crate::builder::Entry;
use crate::builder::Hash;
use crate::builder::Key;
use crate::builder::Signer;
use crate::builder::V1;
use crate::builder::algorithm;
use crate::builder::der;
use crate::builder::numbers::RsaNumbers;
use crate::builder::numbers::cube_root;
use crate::builder::signer::SignerRecord;

const JDK: &str = "what apksigner says depends on the provider of its JDK";
/// What is said of a block of v1 that is no PKCS #7.
const PARSE: &[&str] = &["v1-parse-exception"];
/// What a signature check of v2 says of a key that Android does not take.
const KEY: &[&str] = &["v2-malformed-public-key"];
const SIGNATURE: &[&str] = &["v2-signature-mismatch"];
/// What it says of a signature that is none.
const NO_SIGNATURE: &[&str] = &["v2-verify-exception"];

pub(super) fn cases(keys: &Keys) -> Vec<Case> {
    let layers = [rsa_keys, rsa_blocks, other_keys, numbers, ber];
    layers.iter().flat_map(|layer| layer(keys)).map(|case| case.apart(JDK)).collect()
}

/// A key of these bytes, with a certificate that somebody else has signed.
fn carrier(keys: &Keys, public: &[u8]) -> Key {
    let certificate = Certificate::new(&[("CN", "odd key")]).issuer(&[("CN", "ec-p256")]);
    let certificate = certificate.public_key(public.to_vec()).signed_by(&keys.a, &keys.a);
    let mut key = keys.a.clone().with_certificate(certificate);
    key.public = public.to_vec();
    key
}

/// An APK signed by such a key, with the signature that `sign` makes of the signed data.
fn signed(key: &Key, algorithm: u32, sign: impl Fn(&[u8]) -> Vec<u8> + 'static) -> Apk {
    let signer = Signer::v2(key).algorithms(&[algorithm]);
    min_sdk(24).v2(signer.after_signing(move |record: &mut SignerRecord| {
        record.signatures[0].1 = sign(&record.signed_data);
    }))
}

/// The encoded block of PKCS #1 v1.5, `len` bytes long.
fn padded(info: &[u8], len: usize) -> Vec<u8> {
    let ones = vec![0xff; len - 3 - info.len()];
    [&[0, 1], &ones[..], &[0], info].concat()
}

fn rsa_keys(keys: &Keys) -> Vec<Case> {
    let honest = RsaNumbers::named("rsa-2048");
    let with = |modulus: Vec<u8>, exponent: &[u8]| RsaNumbers {
        modulus,
        exponent: exponent.to_vec(),
        private: Vec::new(),
    };
    let refused = |path: &'static str, description: &'static str, key: &RsaNumbers| {
        let len = key.modulus.len().max(64);
        let apk = signed(&carrier(keys, &key.public()), algorithm::RSA_SHA256, move |data| {
            padded(&Hash::Sha256.digest_info(data), len)
        });
        case(path, description, apk).refused(KEY)
    };
    let large = |bits: usize| {
        let mut modulus: Vec<u8> =
            (0..=250).cycle().step_by(7).take(bits / 8).map(|byte: u8| byte | 1).collect();
        modulus[0] = 0x80;
        modulus
    };
    let mut even = honest.modulus.clone();
    *even.last_mut().unwrap() &= 0xfe;
    let exponent_3 = RsaNumbers::with_exponent_3("rsa-2048-2");
    let carrier_3 = carrier(keys, &exponent_3.public());
    let small = small();
    let carrier_small = carrier(keys, &small.public());
    let sign = |key: RsaNumbers| {
        move |data: &[u8]| key.sign(&padded(&Hash::Sha256.digest_info(data), key.modulus.len()))
    };
    let largest = carrier(keys, &with(large(16_384), &[1, 0, 0, 0, 1]).public());
    vec![
        refused(
            "crypto/rsa-exponent-1",
            "with the exponent 1 the padded digest is its own signature: anyone can sign",
            &with(honest.modulus.clone(), &[1]),
        ),
        case("crypto/rsa-exponent-3", "an RSA key with the exponent 3: verified", {
            signed(&carrier_3, algorithm::RSA_SHA256, sign(exponent_3))
        })
        .verified(&["v2"], &[&carrier_3])
        .warned(&["weak-key"]),
        refused("crypto/rsa-exponent-even", "an even exponent", &with(honest.modulus.clone(), &[2])),
        refused("crypto/rsa-exponent-0", "the exponent 0", &with(honest.modulus.clone(), &[0])),
        refused(
            "crypto/rsa-exponent-large",
            "an exponent as long as the modulus, which makes a check dear",
            &with(honest.modulus.clone(), &[&[0x7f], &honest.modulus[1..]].concat()),
        ),
        refused("crypto/rsa-modulus-even", "an even modulus", &with(even, &[1, 0, 1])),
        refused("crypto/rsa-modulus-0", "the modulus 0", &with(vec![0], &[1, 0, 1])),
        refused("crypto/rsa-modulus-35", "the modulus 35", &with(vec![35], &[5])),
        case("crypto/rsa-512", "an RSA key of 512 bits, which anybody can factor: verified", {
            signed(&carrier_small, algorithm::RSA_SHA256, sign(small))
        })
        .verified(&["v2"], &[&carrier_small])
        .warned(&["weak-key"]),
        refused("crypto/rsa-504", "an RSA key of 504 bits", &with(large(504), &[1, 0, 1])),
        case(
            "crypto/rsa-16384",
            "the largest RSA key with the largest exponent: in little time no signature",
            signed(&largest, algorithm::RSA_SHA256, |_| vec![0x55; 2048]),
        )
        .refused(SIGNATURE),
        refused("crypto/rsa-32768", "an RSA key of 32,768 bits", &with(large(32_768), &[1, 0, 1])),
    ]
}

/// A key of 512 bits, made for this.
fn small() -> RsaNumbers {
    let number = |text: &str| -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    };
    RsaNumbers {
        modulus: number(
            "b118c5cdae9a3495d87bb381d6f9bf07db8eb6216bebe2bbb7a74681832314724fd24af4073eb9b2ade360b9a22dd6d388a6be1ca1308f931c10b664e53610e9",
        ),
        exponent: vec![1, 0, 1],
        private: number(
            "8ea6bbbe80246ab3411bf36e64f1eb74b2e073c8dc1bb81929482ebce81afbbdf98a44491675c9e0bc2a29538d4cc211540b5a1fb92922efe6009d25b0b61859",
        ),
    }
}

/// Blocks under an RSA signature that leave room, or are not quite of the form of PKCS #1 v1.5.
fn rsa_blocks(keys: &Keys) -> Vec<Case> {
    type Block = fn(&[u8]) -> Vec<u8>;
    const LEN: usize = 256;
    let info = |data: &[u8]| Hash::Sha256.digest_info(data);
    let forms: [(&'static str, &'static str, Block); 14] = [
        ("crypto/pkcs1-null-missing", "a DigestInfo without NULL, which the JDK takes", |data| {
            let algorithm = der::algorithm(Hash::Sha256.oid(), false);
            let info = der::sequence(&[algorithm, der::octet_string(&Hash::Sha256.digest(data))]);
            padded(&info, LEN)
        }),
        ("crypto/pkcs1-info-missing", "the digest alone, without a DigestInfo", |data| {
            padded(&Hash::Sha256.digest(data), LEN)
        }),
        ("crypto/pkcs1-bytes-behind", "little padding, and any bytes behind the digest", |data| {
            let info = Hash::Sha256.digest_info(data);
            let mut block = [&[0, 1], &[0xff; 8][..], &[0], &info].concat();
            block.resize(LEN, 0x33);
            block
        }),
        ("crypto/pkcs1-byte-inside", "a byte behind the digest, within the DigestInfo", |data| {
            let algorithm = der::algorithm(Hash::Sha256.oid(), true);
            let digest = [Hash::Sha256.digest(data), vec![0]].concat();
            padded(&der::sequence(&[algorithm, der::octet_string(&digest)]), LEN)
        }),
        ("crypto/pkcs1-element-inside", "a further element within the DigestInfo", |data| {
            let algorithm = der::algorithm(Hash::Sha256.oid(), true);
            padded(
                &der::sequence(&[algorithm, der::octet_string(&Hash::Sha256.digest(data)), der::null()]),
                LEN,
            )
        }),
        ("crypto/pkcs1-parameters-long", "parameters with room for anything instead of NULL", |data| {
            let algorithm = der::sequence(&[der::oid(Hash::Sha256.oid()), der::octet_string(&[7; 120])]);
            padded(&der::sequence(&[algorithm, der::octet_string(&Hash::Sha256.digest(data))]), LEN)
        }),
        ("crypto/pkcs1-length-in-long-form", "a length in more bytes than it needs", |data| {
            let info = Hash::Sha256.digest_info(data);
            padded(&[&[0x30, 0x81, info[1]], &info[2..]].concat(), LEN)
        }),
        ("crypto/pkcs1-padding-short", "seven bytes of padding, and zeros in front", |data| {
            let info = Hash::Sha256.digest_info(data);
            let block = padded(&info, info.len() + 10);
            [vec![0; LEN - block.len()], block].concat()
        }),
        ("crypto/pkcs1-padding-not-ones", "a byte of the padding is not 0xff", |data| {
            let mut block = padded(&Hash::Sha256.digest_info(data), LEN);
            block[9] = 0xfe;
            block
        }),
        ("crypto/pkcs1-padding-zeros", "padding of zeros, as for block type 0", |data| {
            let mut block = padded(&Hash::Sha256.digest_info(data), LEN);
            block[2..200].fill(0);
            block
        }),
        ("crypto/pkcs1-type-0", "block type 0", |data| {
            let mut block = padded(&Hash::Sha256.digest_info(data), LEN);
            block[1] = 0;
            block
        }),
        ("crypto/pkcs1-type-2", "block type 2, which is for encryption", |data| {
            let mut block = padded(&Hash::Sha256.digest_info(data), LEN);
            block[1] = 2;
            block
        }),
        ("crypto/pkcs1-first-byte", "a first byte that is not zero", |data| {
            let mut block = padded(&Hash::Sha256.digest_info(data), LEN);
            block[0] = 1;
            block
        }),
        ("crypto/pkcs1-other-hash", "a DigestInfo that names another hash", |data| {
            let algorithm = der::algorithm(Hash::Sha512.oid(), true);
            padded(&der::sequence(&[algorithm, der::octet_string(&Hash::Sha256.digest(data))]), LEN)
        }),
    ];
    let rsa = RsaNumbers::named("rsa-2048");
    let mut cases: Vec<Case> = forms
        .into_iter()
        .map(|(path, description, block)| {
            let numbers = rsa.clone();
            let apk = signed(&keys.rsa, algorithm::RSA_SHA256, move |data| numbers.sign(&block(data)));
            case(path, description, apk).refused(SIGNATURE)
        })
        .collect();
    let honest = rsa.clone();
    let apk = signed(&keys.rsa, algorithm::RSA_SHA256, move |data| honest.sign(&padded(&info(data), LEN)));
    cases
        .push(case("crypto/pkcs1", "the block as it must be: verified", apk).verified(&["v2"], &[&keys.rsa]));
    let exponent_3 = RsaNumbers { exponent: vec![3], private: Vec::new(), ..rsa };
    let apk = signed(&carrier(keys, &exponent_3.public()), algorithm::RSA_SHA256, move |data| {
        cube_root(&[&[0, 1], &[0xff; 8][..], &[0], &info(data)].concat(), LEN)
    });
    let description = "a cube root instead of a signature, for the exponent 3 (Bleichenbacher 2006)";
    cases.push(case("crypto/rsa-cube-root", description, apk).refused(SIGNATURE));
    cases
}

fn other_keys(keys: &Keys) -> Vec<Case> {
    let Keys { a, .. } = keys;
    let refused = |path: &'static str, description: &'static str, public: &[u8], algorithm: u32| {
        // r = 1 and s = 1.
        let one = || der::sequence(&[der::integer(&[1]), der::integer(&[1])]);
        case(path, description, signed(&carrier(keys, public), algorithm, move |_| one())).refused(KEY)
    };
    // Algorithm and key of an EC key: 04, x, y.
    let (_, content, _) = der::split(&a.public);
    let (ec, _, rest) = der::split(content);
    let point = der::split(rest).1[1..].to_vec();
    let ec_key = |point: &[u8]| der::sequence(&[ec.to_vec(), der::bit_string(point)]);
    let mut off_curve = point.clone();
    *off_curve.last_mut().unwrap() ^= 1;
    let hybrid = [&[6 | (point[64] & 1)], &point[1..]].concat();
    let curve = |parameters: Vec<u8>| {
        let algorithm = der::sequence(&[der::oid("1.2.840.10045.2.1"), parameters]);
        der::sequence(&[algorithm, der::bit_string(&point)])
    };
    // p, q and g of a DSA key.
    let dsa = Key::named("dsa-2048");
    let (_, content, _) = der::split(&dsa.public);
    let (_, content, rest) = der::split(content);
    let (oid, _, parameters) = der::split(content);
    let (p, _, numbers) = der::split(der::split(parameters).1);
    let (q, _, g) = der::split(numbers);
    let y = der::split(rest).1[1..].to_vec();
    let dsa_key = |p: &[u8], q: &[u8], g: &[u8], y: &[u8]| {
        let parameters = der::sequence(&[p.to_vec(), q.to_vec(), g.to_vec()]);
        der::sequence(&[der::sequence(&[oid.to_vec(), parameters]), der::bit_string(y)])
    };
    let one = der::integer(&[1]);
    vec![
        refused(
            "crypto/dsa-g-1",
            "a DSA key with g and y of 1: the JDK takes r and s of 1 for a signature of anything",
            &dsa_key(p, q, &one, &one),
            algorithm::DSA_SHA256,
        ),
        refused("crypto/dsa-y-1", "a DSA key with y of 1", &dsa_key(p, q, g, &one), algorithm::DSA_SHA256),
        refused("crypto/dsa-q-1", "a DSA key with q of 1", &dsa_key(p, &one, g, &y), algorithm::DSA_SHA256),
        refused(
            "crypto/dsa-p-0",
            "a DSA key with p of 0",
            &dsa_key(&der::integer(&[0]), q, g, &y),
            algorithm::DSA_SHA256,
        ),
        refused(
            "crypto/ec-explicit-parameters",
            "a curve by its parameters and not by name (CVE-2020-0601)",
            &curve(explicit_p256(&point)),
            algorithm::ECDSA_SHA256,
        ),
        refused(
            "crypto/ec-unknown-curve",
            "a curve that Android has not",
            &curve(der::oid("1.3.132.0.10")),
            algorithm::ECDSA_SHA256,
        ),
        refused("crypto/ec-off-curve", "a point off the curve", &ec_key(&off_curve), algorithm::ECDSA_SHA256),
        refused("crypto/ec-infinity", "the point at infinity", &ec_key(&[0]), algorithm::ECDSA_SHA256),
        refused(
            "crypto/ec-compressed",
            "a compressed point",
            &ec_key(&[&[2 | (point[64] & 1)], &point[1..33]].concat()),
            algorithm::ECDSA_SHA256,
        ),
        refused("crypto/ec-hybrid", "a point in hybrid form", &ec_key(&hybrid), algorithm::ECDSA_SHA256),
        refused("crypto/key-empty", "no key at all", &[], algorithm::ECDSA_SHA256),
    ]
}

/// The parameters of P-256 with `generator` for its generator: with the victim's key there, the private key is 1.
fn explicit_p256(generator: &[u8]) -> Vec<u8> {
    let field = [&[0xff; 4][..], &[0, 0, 0, 1], &[0; 12], &[0xff; 12]].concat();
    let mut a = field.clone();
    a[31] = 0xfc;
    let order = [
        &[0xff; 4][..],
        &[0; 4],
        &[0xff; 8],
        b"\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51",
    ];
    let b = b"\x5a\xc6\x35\xd8\xaa\x3a\x93\xe7\xb3\xeb\xbd\x55\x76\x98\x86\xbc\x65\x1d\x06\xb0\xcc\x53\xb0\xf6\x3b\xce\x3c\x3e\x27\xd2\x60\x4b";
    der::sequence(&[
        der::integer(&[1]),
        der::sequence(&[der::oid("1.2.840.10045.1.1"), der::integer(&field)]),
        der::sequence(&[der::octet_string(&a), der::octet_string(b)]),
        der::octet_string(generator),
        der::integer(&order.concat()),
        der::integer(&[1]),
    ])
}

/// r and s out of range, or written otherwise than as two INTEGERs of DER.
fn numbers(keys: &Keys) -> Vec<Case> {
    const ORDER: &[u8] = b"\xff\xff\xff\xff\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51";
    let dsa = Key::named("dsa-2048");
    let pair = |r: &[u8], s: &[u8]| der::sequence(&[der::integer(r), der::integer(s)]);
    let fixed =
        |path: &'static str, description: &'static str, signature: Vec<u8>, codes: &[&'static str]| {
            case(path, description, signed(&keys.a, algorithm::ECDSA_SHA256, move |_| signature.clone()))
                .refused(codes)
        };
    let dsa_fixed =
        |path: &'static str, description: &'static str, signature: Vec<u8>, codes: &[&'static str]| {
            case(path, description, signed(&dsa, algorithm::DSA_SHA256, move |_| signature.clone()))
                .refused(codes)
        };
    let rewritten = |path: &'static str, description: &'static str, change: fn(&[u8]) -> Vec<u8>| {
        let key = keys.a.clone();
        let sign = move |data: &[u8]| change(&key.sign(Hash::Sha256, data));
        case(path, description, signed(&keys.a, algorithm::ECDSA_SHA256, sign)).refused(NO_SIGNATURE)
    };
    let minus_one = der::sequence(&[vec![2, 1, 0xff], vec![2, 1, 0xff]]);
    vec![
        fixed("crypto/ecdsa-0", "r and s of 0 (CVE-2022-21449)", pair(&[0], &[0]), SIGNATURE),
        fixed("crypto/ecdsa-r-0", "r of 0", pair(&[0], &[1]), SIGNATURE),
        fixed("crypto/ecdsa-s-0", "s of 0", pair(&[1], &[0]), SIGNATURE),
        fixed("crypto/ecdsa-order", "r and s of the order of the curve", pair(ORDER, ORDER), SIGNATURE),
        fixed("crypto/ecdsa-negative", "r and s of -1", minus_one.clone(), NO_SIGNATURE),
        fixed(
            "crypto/ecdsa-huge",
            "r and s of a thousand bytes",
            pair(&[0x7f; 1000], &[0x7f; 1000]),
            SIGNATURE,
        ),
        fixed("crypto/ecdsa-empty", "an empty signature", Vec::new(), NO_SIGNATURE),
        rewritten("crypto/ecdsa-bytes-behind", "a good signature with a byte behind it", |signature| {
            [signature, &[0]].concat()
        }),
        rewritten("crypto/ecdsa-length-in-long-form", "a good signature with a length in BER", |signature| {
            [&[0x30, 0x81, signature[1]], &signature[2..]].concat()
        }),
        rewritten("crypto/ecdsa-indefinite", "a good signature of indefinite length", |signature| {
            [&[0x30, 0x80], &signature[2..], &[0, 0]].concat()
        }),
        rewritten(
            "crypto/ecdsa-leading-zero",
            "a good signature with a zero too many in front of r",
            |signature| {
                let (_, content, _) = der::split(signature);
                let (_, r, s) = der::split(content);
                der::sequence(&[der::element(2, &[&[0], r].concat()), s.to_vec()])
            },
        ),
        rewritten("crypto/ecdsa-third-number", "a good signature with a third number", |signature| {
            der::sequence(&[der::split(signature).1.to_vec(), der::integer(&[1])])
        }),
        dsa_fixed("crypto/dsa-0", "r and s of 0", pair(&[0], &[0]), NO_SIGNATURE),
        dsa_fixed("crypto/dsa-1", "r and s of 1", pair(&[1], &[1]), SIGNATURE),
        dsa_fixed("crypto/dsa-negative", "r and s of -1", minus_one, NO_SIGNATURE),
        dsa_fixed(
            "crypto/dsa-huge",
            "r and s of a thousand bytes",
            pair(&[0x7f; 1000], &[0x7f; 1000]),
            NO_SIGNATURE,
        ),
    ]
}

/// PKCS #7 in BER, or in what is none.
fn ber(keys: &Keys) -> Vec<Case> {
    let Keys { a, .. } = keys;
    let rewritten = |change: fn(&[u8]) -> Vec<u8>| {
        min_sdk(21).v1(V1::by(a)).entries(move |entries: &mut Vec<Entry>| {
            for entry in entries.iter_mut().filter(|entry| entry.name == "META-INF/CERT.EC") {
                entry.data = change(&entry.data);
            }
        })
    };
    vec![
        case(
            "crypto/pkcs7-indefinite",
            "lengths of BER that the end marks, all the way down: verified",
            rewritten(indefinite),
        )
        .verified(&["v1"], &[a]),
        case(
            "crypto/pkcs7-long-lengths",
            "lengths of BER in four bytes, outside of what is signed: verified",
            rewritten(|block| {
                let (_, content, _) = der::split(block);
                [&[0x30, 0x84], &u32::try_from(content.len()).unwrap().to_be_bytes()[..], content].concat()
            }),
        )
        .verified(&["v1"], &[a]),
        case(
            "crypto/pkcs7-bytes-behind",
            "bytes behind the block: verified",
            rewritten(|block| [block, &[7; 40]].concat()),
        )
        .verified(&["v1"], &[a]),
        case(
            "crypto/pkcs7-deep",
            "thousands of elements in one another",
            rewritten(|_| (0..3000).fold(Vec::new(), |inner, _| der::element(0x30, &inner))),
        )
        .refused(PARSE),
        case(
            "crypto/pkcs7-deep-indefinite",
            "thousands of elements in one another whose ends are missing",
            rewritten(|_| [0x30, 0x80].repeat(8000)),
        )
        .refused(PARSE),
        case(
            "crypto/pkcs7-length-huge",
            "a length of 2^63-1 bytes",
            rewritten(|block| {
                [&[0x30, 0x88, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &block[4..]].concat()
            }),
        )
        .refused(PARSE),
        case("crypto/pkcs7-empty", "an empty block", rewritten(|_| Vec::new())).refused(PARSE),
    ]
}

/// The same elements with indefinite lengths, but for certificates and what they hold, whose bytes count.
fn indefinite(block: &[u8]) -> Vec<u8> {
    let (mut rest, mut out) = (block, Vec::new());
    while !rest.is_empty() {
        let (whole, content, behind) = der::split(rest);
        match whole[0] {
            0xa0 if content.starts_with(&[0x30, 0x82])
                && content.get(4..6).is_some_and(|inner| inner == [0x30, 0x81]) =>
            {
                out.extend_from_slice(whole);
            }
            tag if tag & 0x20 != 0 => out.extend([&[tag, 0x80], &indefinite(content)[..], &[0, 0]].concat()),
            _ => out.extend_from_slice(whole),
        }
        rest = behind;
    }
    out
}
