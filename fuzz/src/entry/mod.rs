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
    /// Whether it inflates what it gets, so that its work grows with more than the bytes.
    pub inflates: bool,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "arsc", run: arsc::run, inflates: false },
    Target { name: "axml", run: axml::run, inflates: false },
    Target { name: "certificate", run: certificate::run, inflates: false },
    Target { name: "channel", run: channel::run, inflates: false },
    Target { name: "container", run: container::run, inflates: true },
    Target { name: "differential", run: differential::run, inflates: true },
    Target { name: "frosting", run: frosting::run, inflates: false },
    Target { name: "idsig", run: idsig::run, inflates: false },
    Target { name: "jar", run: jar::run, inflates: false },
    Target { name: "lineage", run: lineage::run, inflates: false },
    Target { name: "pkcs7", run: pkcs7::run, inflates: false },
    Target { name: "policy", run: policy::run, inflates: false },
    Target { name: "registry", run: registry::run, inflates: false },
    Target { name: "signers", run: signers::run, inflates: false },
    Target { name: "signing_block", run: signing_block::run, inflates: false },
    Target { name: "source_stamp", run: source_stamp::run, inflates: false },
    Target { name: "verify", run: verify::run, inflates: true },
    Target { name: "zip", run: zip::run, inflates: true },
];
