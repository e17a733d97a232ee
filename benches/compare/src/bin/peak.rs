//! Runs a command and prints how much memory it had at its peak, in KiB: `peak COMMAND ARGUMENT…`.
//!
//! Of its own, because the system counts in what the parent had when it started the child, and this one has little.
#![expect(clippy::expect_used, reason = "a side that cannot run stops the comparison")]

use std::process::Command;
use std::process::Stdio;

use nix::sys::resource::UsageWho;
use nix::sys::resource::getrusage;

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let mut command = Command::new(arguments.next().expect("a command"));
    let status = command.args(arguments).stdout(Stdio::null()).status().expect("the command runs");
    assert!(status.success(), "{command:?} fails");
    println!("{}", getrusage(UsageWho::RUSAGE_CHILDREN).expect("the usage of children").max_rss());
}
