//! The command line from outside: what scripts rely on.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod catalog;
mod common;
mod runs;
mod servers;
mod usage;
