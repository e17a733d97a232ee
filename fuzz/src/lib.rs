//! What the fuzz targets share.

#[macro_use]
mod target;
pub mod entry;
pub mod memory;
pub mod mutate;
pub mod seeds;

pub use libfuzzer_sys;
pub use target::named;
pub use target::prepare;
pub use target::run;
