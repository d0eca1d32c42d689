//! What we read ourselves: case files, saved transcripts, and what the judge makes of them.
//!
//! Whatever the bytes, nothing panics; and reading what was written gives the same thing.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cases;
mod json;
mod reports;
mod transcripts;
