//! What each fuzz target does with its bytes, shared by the targets and by the test that replays what they found.
//!
//! An entry fails by a panic: that of the code it runs, or its own, when something does not hold that must.

pub mod archive;
mod arsc;
mod axml;
mod certificate;
mod channel;
mod container;
mod differential;
mod frosting;
mod idsig;
mod jar;
mod lineage;
mod pkcs7;
mod policy;
mod registry;
mod signers;
mod signing_block;
mod source_stamp;
mod verify;
mod zip;

/// A fuzz target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name: that of the file in `fuzz_targets/`, and of the folder in `testdata/fuzz/`.
    pub name: &'static str,
    /// What it does.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "arsc", run: arsc::run },
    Target { name: "axml", run: axml::run },
    Target { name: "certificate", run: certificate::run },
    Target { name: "channel", run: channel::run },
    Target { name: "container", run: container::run },
    Target { name: "differential", run: differential::run },
    Target { name: "frosting", run: frosting::run },
    Target { name: "idsig", run: idsig::run },
    Target { name: "jar", run: jar::run },
    Target { name: "lineage", run: lineage::run },
    Target { name: "pkcs7", run: pkcs7::run },
    Target { name: "policy", run: policy::run },
    Target { name: "registry", run: registry::run },
    Target { name: "signers", run: signers::run },
    Target { name: "signing_block", run: signing_block::run },
    Target { name: "source_stamp", run: source_stamp::run },
    Target { name: "verify", run: verify::run },
    Target { name: "zip", run: zip::run },
];
