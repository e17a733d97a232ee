//! Files that somebody has signed anew: the honest signer an odd archive or odd records, or an attacker what he likes, with all
//! that the honest signer has published.

use std::collections::BTreeSet;

use super::android;
use super::android::Refusal;
use super::bases::Base;
use super::block::Cause;
use super::mutant::Expected;
use super::mutant::Mutant;
use super::mutant::Origin;
use super::mutant::mutant;
use super::random::Random;
use crate::builder::Apk;
use crate::builder::Entry;
use crate::builder::Key;
use crate::builder::Lineage;
use crate::builder::Manifest;
use crate::builder::NO_MAX_SDK;
use crate::builder::Signer;
use crate::builder::V1;
use crate::builder::V1Signer;
use crate::builder::algorithm;
use crate::builder::archive::RawEntry;
use crate::builder::signer::sign;

thread_local! {
    static KEYS: (Key, Key, Key) = (Key::named("ec-p256-2"), Key::named("ec-p256"), Key::named("ec-p256-3"));
}

fn manifest() -> Manifest {
    Manifest::new("com.example.app").min_sdk(24).target_sdk(29)
}

/// An archive with something odd in it, signed with v2 by the honest signer: the signature holds, and whether the platform
/// opens the file is for the model to say.
pub(super) fn odd_archive(base: &Base, random: &mut Random) -> Option<Mutant> {
    let (field, noise) = (random.below(22), random.next());
    let name = if random.one_in(4) { "AndroidManifest.xml" } else { "classes.dex" };
    let edit = move |raw: &mut RawEntry| edit(raw, field, noise);
    let directory = random.below(12);
    let apk = KEYS.with(|(victim, ..)| {
        Apk::new()
            .manifest(manifest())
            .file("assets/a", b"something")
            .entries(move |entries| {
                if let Some(entry) = entries.iter_mut().find(|entry| entry.name == name) {
                    *entry = entry.clone().raw(edit);
                }
            })
            .before_signing(move |parts| match directory {
                0 => parts.eocd.comment = noise.to_le_bytes().to_vec(),
                1 => parts.eocd.comment = b"PK\x05\x06 in a comment, and more of it behind".to_vec(),
                2 => parts.central_directory.extend(noise.to_le_bytes()),
                3 => parts.eocd.records = parts.eocd.records.wrapping_sub(1),
                4 => parts.eocd.disk = noise as u16,
                _ => {}
            })
            .v2(Signer::v2(victim))
            .build()
    });
    let read = android::open(&apk);
    let expected = match &read {
        Err(Refusal::Refused(_)) => Expected::Unreadable,
        // Nothing can be installed without a manifest.
        Ok(entries) if name == "classes.dex" && entries.contains_key(b"AndroidManifest.xml".as_slice()) => {
            Expected::Accepted
        }
        _ => Expected::ByContent,
    };
    let what = format!("field {field} of {name}, directory {directory}: {:?}", read.err());
    let anew = Mutant { origin: Origin::SignedAnew, ..mutant(what, apk, expected) };
    (anew.file != base.file).then_some(anew)
}

fn edit(raw: &mut RawEntry, field: usize, noise: u64) {
    let (short, long) = (noise as u16, noise as u32);
    let bits = [1, 0x40, 0x2000, 0x800, 0x8, 0x20][noise as usize % 6];
    match field {
        0 => raw.local.method = short,
        1 => raw.central[0].method = short,
        2 => (raw.local.method, raw.central[0].method) = (short, short),
        3 => raw.local.flags ^= bits,
        4 => raw.central[0].flags ^= bits,
        5 => {
            raw.local.flags ^= bits;
            raw.central[0].flags ^= bits;
        }
        6 => raw.local.crc = long,
        7 => raw.central[0].crc = long,
        8 => raw.local.compressed = long % 64,
        9 => raw.local.uncompressed = long % 64,
        10 => raw.local.name = b"classes.dey".to_vec(),
        11 => raw.central[0].name = b"classes.dey".to_vec(),
        12 => raw.local.extra_len = Some(short),
        13 => raw.local.name_len = Some(short),
        14 => raw.local.extra = vec![1, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        15 => raw.central[0].extra = vec![1, 0, 4, 0, 1, 2, 3, 4],
        16 => raw.central[0].comment = noise.to_le_bytes().to_vec(),
        17 => raw.gap = vec![7; noise as usize % 5],
        18 => raw.central.push(raw.central[0].clone()),
        19 => {
            let mut other = raw.central[0].clone();
            other.name = vec![b'x', noise as u8];
            raw.central.push(other);
        }
        20 => raw.central[0].external_attributes = long,
        _ => raw.central.clear(),
    }
}

/// Records of the signed data that do not fit, signed all the same.
pub(super) fn odd_signed_data(base: &Base, random: &mut Random) -> Option<Mutant> {
    let choice = random.below(9);
    let noise = random.next();
    let (what, rejected) = [
        ("another digest", true),
        ("a digest that is too short", true),
        ("no digest", true),
        ("a digest under another algorithm", true),
        ("the strong digest wrong, the weak one right", true),
        ("the certificate of another key", true),
        ("no certificate", true),
        ("another certificate behind", false),
        ("a stripping attribute for v3", true),
    ][choice];
    let apk = KEYS.with(|(victim, attacker, _)| {
        let other = attacker.certificate.clone();
        let signer = Signer::v2(victim);
        let signer = if choice == 4 {
            signer.algorithms(&[algorithm::ECDSA_SHA256, algorithm::ECDSA_SHA512])
        } else {
            signer
        };
        let signer = signer.before_signing(move |data| match choice {
            0 => data.digests[0].1[noise as usize % 32] ^= 1 << (noise >> 32 & 7),
            1 => drop(data.digests[0].1.pop()),
            2 => data.digests.clear(),
            3 => data.digests[0].0 = algorithm::ECDSA_SHA512,
            4 => data.digests[1].1[noise as usize % 64] ^= 1 << (noise >> 32 & 7),
            5 => data.certificates[0].clone_from(&other),
            6 => data.certificates.clear(),
            7 => data.certificates.push(other.clone()),
            _ => data.attributes.push((0xbeef_f00d, 3_u32.to_le_bytes().to_vec())),
        });
        Apk::new().manifest(manifest()).v2(signer).build()
    });
    let expected = if rejected { Expected::Rejected(Cause::BLOCK) } else { Expected::Accepted };
    let anew = Mutant { origin: Origin::SignedAnew, ..mutant(what.to_owned(), apk, expected) };
    (anew.file != base.file).then_some(anew)
}

/// Other content, signed by an attacker who puts in what the honest signer has published: certificates, public key, signers.
pub(super) fn by_attacker(base: &Base, random: &mut Random) -> Option<Mutant> {
    let schemes = 1 + random.below(15);
    let plants: Vec<usize> = (0..5).map(|_| random.below(10)).collect();
    let v1_plant = random.below(5);
    let (apk, certificates) = KEYS.with(|(victim, attacker, middle)| {
        let key = attacker.clone();
        let mut apk =
            Apk::new().manifest(manifest()).entry(Entry::stored("classes.dex", b"dex\n035\0 of an attacker"));
        let plant = |signer: Signer, plant: usize| {
            let (certificate, public) = (victim.certificate.clone(), victim.public.clone());
            // Signed by whoever has the key, that is the attacker.
            let posing = attacker.clone().with_certificate(victim.certificate.clone());
            match plant {
                0 => signer.before_signing(move |data| data.certificates.insert(0, certificate.clone())),
                1 => signer.certificate(certificate),
                2 => signer.after_signing(move |record| record.public_key.clone_from(&public)),
                3 => signer.before_signing(move |data| data.certificates[0].clone_from(&certificate)),
                4 => signer.lineage(&Lineage::from(&posing).to(attacker)),
                5 => signer.lineage(&Lineage::from(&posing).to(middle).to(attacker)),
                6 => signer.lineage(&Lineage::from(attacker).to(victim)),
                7 => signer.lineage(&Lineage::from(victim).to(attacker).after_signing(|nodes| {
                    nodes[1].signature = vec![0x30, 6, 2, 1, 1, 2, 1, 1];
                })),
                8 => {
                    // What the honest signer has published, and a step that only the attacker has signed.
                    let attacker = attacker.clone();
                    let lineage = Lineage::from(victim).to(middle).to(&attacker);
                    signer.lineage(&lineage.after_signing(move |nodes| {
                        nodes[2].signature = sign(&attacker, algorithm::ECDSA_SHA256, &nodes[2].signed_data);
                    }))
                }
                _ => signer,
            }
        };
        if schemes & 1 != 0 {
            let signer = V1Signer::new(&key);
            let certificate = victim.certificate.clone();
            let signer = match v1_plant {
                0 => signer.certificate(certificate),
                1 => signer.pkcs7(move |pkcs7| pkcs7.certificates = Some(vec![certificate.clone()])),
                2 => signer.pkcs7(move |pkcs7| {
                    if let Some(list) = &mut pkcs7.certificates {
                        list.insert(0, certificate.clone());
                    }
                }),
                3 => {
                    let (issuer, serial) = crate::builder::certificate::issuer_and_serial(&certificate);
                    signer.certificate(certificate).signer_info(move |info| {
                        info.sid = crate::builder::der::sequence(&[issuer.clone(), serial.clone()]);
                    })
                }
                _ => signer,
            };
            apk = apk.v1(V1::default().signer(signer));
        }
        if schemes & 2 != 0 {
            apk = apk.v2(plant(Signer::v2(&key), plants[0]));
        }
        if schemes & 4 != 0 {
            apk = apk.v3(plant(
                Signer::v3(&key).sdk(24, if schemes & 8 != 0 { 32 } else { NO_MAX_SDK }),
                plants[1],
            ));
        }
        if schemes & 8 != 0 {
            apk = apk.v31(plant(Signer::v3(&key).sdk(33, NO_MAX_SDK), plants[2]));
        }
        (apk.build(), BTreeSet::from([attacker.certificate_digest()]))
    });
    // Signers out of the honest file, who did sign something.
    let what = format!("schemes {schemes:#x} with {plants:?} and {v1_plant}");
    let origin = Origin::Attacker(certificates);
    let forged = Mutant { origin, ..mutant(what, apk, Expected::ByContent) };
    (forged.file != base.file).then_some(forged)
}
