//! Verifies APKs with the crate `rust-apk`, one after another: `compare-rust-apk FILE…`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut status = ExitCode::SUCCESS;
    for path in std::env::args().skip(1) {
        if let Err(error) = apk::sign::verify(&path) {
            eprintln!("{path}: {error}");
            status = ExitCode::FAILURE;
        }
    }
    status
}
