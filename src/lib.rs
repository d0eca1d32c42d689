//! mcp-conform: certifies implementations of the Model Context Protocol against its specification.
//!
//! Driving and judging are apart. [`drive`] plays cases against a server and records a [`transcript`]; [`judge`] is a
//! pure function from a transcript to verdicts; [`run`] puts them together and tells the reporters.
//! The design is described in docs/design.md.

#[cfg(unix)]
pub mod bench;
pub mod catalog;
pub mod cli;
pub mod condition;
pub mod conversation;
pub mod drive;
pub mod event;
pub mod fuzz;
pub mod host;
pub mod judge;
pub mod matrix;
pub mod message;
pub mod plan;
pub mod probe;
pub mod process;
pub mod profile;
pub mod redact;
pub mod report;
pub mod revision;
pub mod rule;
pub mod run;
pub mod target;
pub mod transcript;
pub mod transport;
pub mod value;
pub mod verdict;
pub mod wire;
