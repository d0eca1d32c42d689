//! The reference server passes every trial, and each of its faults is caught by what claims to catch it.
//!
//! One test per trial of a whole check, and one per fault and claim, all listed by name.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod faults;
mod server;
mod trials;

use std::process::ExitCode;
use std::sync::Arc;
use std::thread::available_parallelism;

use libtest_mimic::Arguments;
use mcp_conform::catalog::Catalog;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // The tests wait for servers more than they compute.
    arguments.test_threads = arguments
        .test_threads
        .or_else(|| Some(4 * available_parallelism().map_or(1, Into::into)));
    let catalog = Arc::new(Catalog::builtin().unwrap());
    let mut tests = trials::tests(&catalog);
    tests.extend(faults::tests(&catalog));
    libtest_mimic::run(&arguments, tests).exit_code()
}
