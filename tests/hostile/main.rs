//! Hostile targets: whatever is at the other end, the program says in a few lines what is wrong, ends in time with the
//! right exit code, and leaves nothing behind.
//!
//! The hostile servers are this same program, started with a role (see server.rs), and small TCP listeners.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

#[cfg(unix)]
mod listener;
#[cfg(unix)]
mod program;
#[cfg(unix)]
mod server;
#[cfg(unix)]
mod trials;

#[cfg(unix)]
fn main() {
    let mut words = std::env::args().skip(1);
    if words.next().as_deref() == Some(server::MARK) {
        return server::main(words);
    }
    libtest_mimic::run(&libtest_mimic::Arguments::from_args(), trials::all()).exit();
}

/// Process groups and signals are those of Unix.
#[cfg(not(unix))]
fn main() {}
