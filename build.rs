//! A digest of the sources, so that what older code has seen of a file is not taken for what this one would see.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

fn main() -> io::Result<()> {
    let mut files = vec![PathBuf::from("Cargo.toml")];
    // Which versions of others' code; not there where this is the library of another program.
    files.extend(Some(PathBuf::from("Cargo.lock")).filter(|lock| lock.exists()));
    add(Path::new("src"), &mut files)?;
    files.sort();
    let mut digest = Fnv::default();
    for file in files {
        println!("cargo::rerun-if-changed={}", file.display());
        let bytes = fs::read(&file)?;
        // The same on every system.
        digest.add(file.to_string_lossy().replace('\\', "/").as_bytes());
        digest.add(&bytes);
    }
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rustc-env=APKVOUCH_CODE={:016x}", digest.0);
    Ok(())
}

fn add(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            add(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// FNV-1a of 64 bits: nobody gains by another program of the same digest.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// Adds `bytes`, with how many there are.
    fn add(&mut self, bytes: &[u8]) {
        for byte in (bytes.len() as u64).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
