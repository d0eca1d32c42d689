//! Benchmarks from outside. What is asserted holds however slow the machine is: no figure has an upper bound.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod calls;
mod closing;
mod common;
mod compare;
mod files;
mod report;
mod schema;
mod trouble;
