//! What fuzzing begins with: the parts of the files in `testdata/` and, where `APKVOUCH_CORPUS` names them, of the reference
//! APKs. They are not committed a second time.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use apkvouch::Limits;
use apkvouch::VerifyOptions;
use apkvouch::format::Cursor;
use apkvouch::format::pkcs7;
use apkvouch::format::signer;
use apkvouch::format::signer::SignedData;
use apkvouch::format::signer::Signer;
use apkvouch::format::signer::SignerLayout;
use apkvouch::format::signing_block::BlockId;

use crate::entry::archive::Skeleton;
use crate::entry::archive::testdata;

/// Larger ones only slow everything down.
const LARGEST: usize = 24 << 10;
/// Attribute of a signer that holds its lineage (apksig `V3SchemeConstants`).
const PROOF_OF_ROTATION: u32 = 0x3ba0_6f8c;

/// Writes the seeds of `target` into the folder that `FUZZ_SEEDS` names, if it does, and ends.
pub fn write(target: &str) {
    let Some(folder) = std::env::var_os("FUZZ_SEEDS").map(PathBuf::from) else { return };
    fs::create_dir_all(&folder).expect("a folder for seeds");
    let mut files = Vec::new();
    find(&testdata(), &mut files);
    // Whose signers are not ours: what is theirs is not known.
    if let Some(corpus) = std::env::var_os("APKVOUCH_CORPUS").filter(|_| target != "differential") {
        find(Path::new(&corpus), &mut files);
    }
    files.sort();
    let mut count = 0;
    for file in files {
        let Ok(bytes) = fs::read(&file) else { continue };
        let name = file.to_string_lossy().replace('\\', "/");
        for seed in of(target, &name, &bytes).into_iter().filter(|seed| seed.len() <= LARGEST) {
            fs::write(folder.join(format!("{count:05}")), seed).expect("a seed");
            count += 1;
        }
    }
    std::process::exit(0);
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name() != Some("fuzz".as_ref()) {
            find(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// The seeds of `target` in one file.
fn of(target: &str, name: &str, bytes: &[u8]) -> Vec<Vec<u8>> {
    let ends = |end: &str| name.ends_with(end);
    let archive = [".apk", ".apks", ".xapk", ".apkm", ".zip", ".aab"].into_iter().any(ends);
    match target {
        "zip" | "verify" | "differential" if ends(".apk") => vec![bytes.to_vec()],
        "container" if archive && (!ends(".apk") || bytes.len() < 2048) => vec![bytes.to_vec()],
        "lineage" if ends(".lineage") => vec![bytes.to_vec()],
        "idsig" if ends(".idsig") => vec![bytes.to_vec()],
        "certificate" if ends(".der") => vec![bytes.to_vec()],
        "registry" | "policy" => text(target, name, bytes),
        _ if ends(".apk") => Skeleton::read(bytes).map(|apk| parts(target, bytes, &apk)).unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn text(target: &str, name: &str, bytes: &[u8]) -> Vec<Vec<u8>> {
    let of_registry = name.contains("registry");
    match (target, name.rsplit('.').next()) {
        ("policy", Some("toml")) if name.contains("policy") => vec![[b"\0", bytes].concat()],
        ("policy", Some("toml")) if name.contains("profile") => vec![[b"\x01", bytes].concat()],
        ("registry", Some("toml")) if of_registry => vec![[b"\0", bytes].concat()],
        ("registry", Some("json" | "yml" | "txt" | "csv")) if !name.contains("schema") => {
            (1..6).map(|form| [&[form], bytes].concat()).collect()
        }
        _ => Vec::new(),
    }
}

fn parts(target: &str, bytes: &[u8], apk: &Skeleton) -> Vec<Vec<u8>> {
    let values = |ids: &[BlockId]| {
        let wanted = apk.pairs.iter().filter(|(id, _)| ids.contains(&BlockId(*id)));
        wanted.map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    let prefixed = |prefix: u8, ids: &[BlockId]| {
        values(ids).iter().map(|value| [&[prefix], &**value].concat()).collect::<Vec<_>>()
    };
    let entries = |wanted: &dyn Fn(&str) -> bool| {
        let wanted = apk.entries.iter().filter(|(name, _)| wanted(&String::from_utf8_lossy(name)));
        wanted.map(|(_, content)| content.clone()).collect::<Vec<_>>()
    };
    let blocks = || entries(&|name| [".RSA", ".DSA", ".EC"].iter().any(|end| name.ends_with(end)));
    match target {
        "signing_block" if !apk.pairs.is_empty() => {
            let area: Vec<u8> = apk.pairs.iter().fold(Vec::new(), |mut area, (id, value)| {
                area.extend((value.len() as u64 + 4).to_le_bytes());
                area.extend(id.to_le_bytes());
                area.extend(value);
                area
            });
            let size = (area.len() as u64 + 24).to_le_bytes();
            let whole = [b"\x01", &size[..], &area, &size, b"APK Sig Block 42"].concat();
            vec![[b"\0", &*area].concat(), whole]
        }
        "signers" => {
            [(BlockId::V2, [0, 4]), (BlockId::V3, [1, 6]), (BlockId::V3_1, [2, 2]), (BlockId::V3_2, [3, 7])]
                .iter()
                .flat_map(|(id, places)| places.iter().flat_map(|place| prefixed(*place, &[*id])))
                .collect()
        }
        "lineage" => signed_data(&values(&[BlockId::V3, BlockId::V3_1, BlockId::V3_2]))
            .flat_map(|mut data| {
                let mut found = Vec::new();
                while let Ok((id, value)) = signer::next_attribute(&mut data.attributes) {
                    if id == PROOF_OF_ROTATION {
                        found.push(value.rest().to_vec());
                    }
                }
                found
            })
            .collect(),
        "source_stamp" => {
            [prefixed(0, &[BlockId::SOURCE_STAMP_V2]), prefixed(1, &[BlockId::SOURCE_STAMP_V1])].concat()
        }
        "jar" => {
            let signature_files = entries(&|name| name.ends_with(".SF"));
            let manifests = entries(&|name| name == "META-INF/MANIFEST.MF");
            let both = manifests
                .iter()
                .zip(&signature_files)
                .map(|(manifest, file)| [manifest, &b"\0"[..], file].concat());
            both.collect()
        }
        "pkcs7" => blocks(),
        "certificate" => {
            let limits = Limits::default();
            let verification = apkvouch::verify(&bytes, &VerifyOptions::default());
            let claimed = verification.iter().flat_map(|verification| {
                let signers = verification.signer_certificates().into_iter();
                signers
                    .chain(verification.claimed_certificates())
                    .map(|certificate| certificate.der().to_vec())
            });
            let blocks = blocks();
            let in_blocks = blocks.iter().flat_map(|block| {
                let data = pkcs7::SignedData::parse(block, &limits);
                let raw = data.into_iter().flat_map(|data| data.certificates.unwrap_or_default());
                raw.map(<[u8]>::to_vec).collect::<Vec<_>>()
            });
            claimed.chain(in_blocks).collect()
        }
        "axml" => entries(&|name| name == "AndroidManifest.xml"),
        "arsc" => entries(&|name| name == "resources.arsc"),
        "frosting" => values(&[BlockId::PLAY_FROSTING]),
        "channel" => {
            let ids = [BlockId::WALLE_CHANNEL, BlockId::VASDOLLY_CHANNEL, BlockId::PACKER_NG_CHANNEL];
            let comment = apk.end.get(22..).unwrap_or_default().to_vec();
            let names = apk.entries.iter().map(|(name, _)| name.clone());
            let texts =
                entries(&|name| name.ends_with(".jwt") || name.ends_with(".png") || name.ends_with(".json"));
            values(&ids).into_iter().chain([comment]).chain(names).chain(texts).collect()
        }
        _ => Vec::new(),
    }
}

fn signed_data(values: &[Vec<u8>]) -> impl Iterator<Item = SignedData<'_>> {
    values.iter().flat_map(|value| {
        let mut list = signer::signer_list(value).map_or(Cursor::new("nothing", &[]), |(list, _)| list);
        let mut found = Vec::new();
        while let Ok(signer) = Signer::next(&mut list, SignerLayout::V3) {
            found.extend(SignedData::parse(signer.signed_data, SignerLayout::V3));
        }
        found
    })
}
