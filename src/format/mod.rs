//! Untrusted bytes in, plain borrowed structs out: no judgement, no I/O.
//!
//! Every parser reads to the end of its record, counts through [`cursor::Cursor`], and is bounded by
//! [`crate::limits::Limits`]. What the bytes mean for a verdict is decided above.

#![cfg_attr(not(test), deny(clippy::as_conversions, clippy::arithmetic_side_effects))]

pub mod arsc;
pub mod axml;
pub mod channel;
mod chunk;
pub mod code_transparency;
pub mod cursor;
pub mod der;
pub mod frosting;
pub mod idsig;
pub mod jar;
pub mod jws;
pub mod lineage;
pub mod picture;
pub mod pkcs7;
pub mod resource_configuration;
pub mod shape;
pub mod signer;
pub mod signing_block;
pub mod source_stamp;
pub mod strict_jar;
pub mod x509;
pub mod x509_names;
pub mod zip;

pub use chunk::Text;
pub use cursor::Cursor;
pub use cursor::ParseError;
pub use cursor::ParseErrorKind;
