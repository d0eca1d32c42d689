//! What is measured beside single calls.

use serde::{Deserialize, Serialize};

use super::Latency;
use crate::revision::Revision;
use crate::transport::Transport;

/// What it costs to get a connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Connecting {
    /// The name of the target.
    pub target: String,
    /// Whether it is encrypted.
    pub tls: bool,
    /// How often it was measured.
    pub count: u64,
    /// How often it failed.
    pub errors: u64,
    /// Until the connection stands.
    pub tcp_us: Latency,
    /// And until it is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_us: Option<Latency>,
    /// A call on a new connection, all of it.
    pub cold_call_us: Latency,
    /// The same on a connection that was kept.
    pub kept_call_us: Latency,
    /// Whether the server closed the connection after the answer, though it was asked to keep it.
    pub closed_by_server: bool,
}

/// What a legacy session costs before its first request: `initialize` and what follows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Handshake {
    /// The name of the target.
    pub target: String,
    /// How it was reached.
    pub transport: Transport,
    /// The revision that was spoken.
    pub revision: Revision,
    /// How often it was measured.
    pub count: u64,
    /// How often it failed.
    pub errors: u64,
    /// How long it took.
    pub latency_us: Latency,
}

/// An answer that is told in pieces: events before the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Streaming {
    /// The name of the target.
    pub target: String,
    /// How it was reached.
    pub transport: Transport,
    /// The revision that was spoken.
    pub revision: Revision,
    /// The method, and behind it the name of the tool.
    pub call: String,
    /// Answers.
    pub count: u64,
    /// Calls without a result.
    pub errors: u64,
    /// Messages of one answer, the result included, on average.
    pub events_per_call: f64,
    /// Messages in a second.
    pub events_per_s: f64,
    /// Until the first message.
    pub first_us: Latency,
    /// Until the last.
    pub last_us: Latency,
}

/// What it costs to read a whole list, with all its pages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// The name of the target.
    pub target: String,
    /// How it was reached.
    pub transport: Transport,
    /// The revision that was spoken.
    pub revision: Revision,
    /// The method.
    pub method: String,
    /// What the list has.
    pub items: u64,
    /// Its pages.
    pub pages: u64,
    /// Bytes of all answers.
    pub bytes: u64,
    /// How often it was read.
    pub count: u64,
    /// How often that failed.
    pub errors: u64,
    /// How long it took.
    pub latency_us: Latency,
}

/// Calls made one after the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chain {
    /// The name of the target.
    pub target: String,
    /// How it was reached.
    pub transport: Transport,
    /// The revision that was spoken.
    pub revision: Revision,
    /// The method, and behind it the name of the tool.
    pub call: String,
    /// How many calls a chain has.
    pub calls: usize,
    /// How many chains were measured.
    pub count: u64,
    /// How many of them failed.
    pub errors: u64,
    /// A chain in a session that is open.
    pub latency_us: Latency,
    /// The same with all that comes before: connecting, the handshake, and the list of tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cold_us: Option<Latency>,
}
