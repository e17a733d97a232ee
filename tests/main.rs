//! All tests of the library and the program from outside, in one binary: the library is linked once.
//!
//! `cargo test --test all NAME::` runs those of `tests/NAME.rs`.

mod appearance;
mod architecture;
mod attacks;
mod bombs;
mod builder;
mod builder_selftest;
mod cases;
mod cli;
mod conformance;
mod containers;
mod docs;
mod fuzz_replay;
mod gate;
// Names of files are any bytes there.
#[cfg(target_os = "linux")]
mod hostile;
mod html;
mod identity;
mod inspect;
mod json_schema;
#[cfg(target_os = "linux")]
mod key_cost;
mod layout;
mod ledger;
mod limits;
mod lineage;
mod make_demo;
mod make_testdata;
mod manifest;
mod marks;
mod pkcs7_differential;
mod policy;
mod properties;
mod read_only;
mod recall;
mod registry;
mod registry_change;
mod registry_import;
mod registry_kill;
mod registry_parts;
mod registry_properties;
mod registry_sqlite;
mod reports;
mod scale;
mod scan;
mod schema;
mod signals;
mod stamp;
mod supply_chain;
mod threads;
mod trust;
mod v32;
mod v4;
mod world;
mod wycheproof;
mod zip_differential;
