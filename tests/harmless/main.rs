//! Differences that the specification allows, or does not speak of, change no verdict.
//!
//! Each is played by a relay between us and the reference server: this same program, started with a role (see relay.rs).
//! One test per difference, transport and era compares every verdict with that of a run without any difference. Nor is
//! there a finding about small servers (see modest.rs) that do nothing wrong.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

#[cfg(unix)]
mod content;
#[cfg(unix)]
mod difference;
#[cfg(unix)]
mod events;
#[cfg(unix)]
mod fair;
#[cfg(unix)]
mod http;
#[cfg(unix)]
mod modest;
#[cfg(unix)]
mod relay;
#[cfg(unix)]
#[path = "../conformance/server.rs"]
#[allow(dead_code, reason = "the other tests need more of it")]
mod server;
#[cfg(unix)]
mod stdio;
#[cfg(unix)]
mod trials;

#[cfg(unix)]
fn main() {
    let mut words = std::env::args().skip(1);
    match words.next().as_deref() {
        Some(relay::MARK) => return relay::main(words),
        Some(modest::MARK) => return modest::main(words),
        _ => {}
    }
    let mut arguments = libtest_mimic::Arguments::from_args();
    // The runs wait for servers more than they compute.
    arguments.test_threads = arguments.test_threads.or(Some(6));
    libtest_mimic::run(&arguments, trials::all()).exit();
}

/// The relay's processes are those of Unix.
#[cfg(not(unix))]
fn main() {}
