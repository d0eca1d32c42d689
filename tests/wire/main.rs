//! Our schemas of the wire: the reference server keeps to them, they refuse what is wrong, and they say what the published
//! ones say.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod document;
mod generate;
mod places;
mod published;
mod refusal;
mod server;
