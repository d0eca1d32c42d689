//! What calls cost.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ServerFigures;
use crate::bench::text;
use crate::revision::Revision;
use crate::transport::Transport;

/// What one kind of call cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchResult {
    /// The name of the target.
    pub target: String,
    /// How it was reached.
    pub transport: Transport,
    /// The revision that was spoken.
    pub revision: Revision,
    /// The method, and behind it the name of the tool: `ping`, `tools/call echo`.
    pub call: String,
    /// So many calls were open at a time.
    pub concurrency: usize,
    /// So many bytes took the place of `{payload}`; 0: the arguments as given.
    pub payload: usize,
    /// Calls that were answered with a result.
    pub count: u64,
    /// Calls that were not.
    pub errors: u64,
    /// Results in a second.
    pub throughput_per_s: f64,
    /// How long results took.
    pub latency_us: Latency,
    /// How long it was measured, in seconds.
    pub seconds: f64,
    /// Calls per second that were to be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<f64>,
    /// With a rate: calls that were due, but not yet sent in the end, because earlier ones were open.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unsent: u64,
    /// Errors by kind, such as `timeout`, `HTTP 503`, `error -32602`, `isError`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub errors_by_kind: BTreeMap<String, u64>,
    /// Bytes of a request, and of an answer on average: the message over stdio, the body over HTTP.
    pub request_bytes: u64,
    /// See `request_bytes`.
    pub answer_bytes: u64,
    /// Connections opened while it was measured, beyond one for each caller.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reconnects: u64,
    /// How often which latency occurred.
    pub distribution: Vec<Bucket>,
    /// The same, turn by turn.
    pub rounds: Vec<Round>,
    /// What the server's process needed for it, if that is ours. No start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerFigures>,
    /// The part of all processors of our machine that were busy meanwhile, with whatever: 1 is a machine that is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_busy: Option<f64>,
    /// Without a rate: the part of the time for which the one thread worked that makes the calls, or waited for a processor.
    /// Near 1 it could not have made more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_busy: Option<f64>,
    /// Whether something is missing: it ended before its time, or calls failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

/// A distribution in brief, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The least.
    pub min: f64,
    /// The median.
    pub p50: f64,
    /// Nine of ten took no longer.
    pub p90: f64,
    /// 99 of 100 took no longer.
    pub p99: f64,
    /// 999 of 1000 took no longer.
    pub p999: f64,
    /// The most.
    pub max: f64,
}

/// A latency in microseconds, and how many results took that long, or less, but more than the bucket before has. Each is
/// 5 % wide; empty ones are left out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bucket(pub f64, pub u64);

/// What was measured in one turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// How long it was, in seconds.
    pub seconds: f64,
    /// Results.
    pub count: u64,
    /// Calls without one.
    pub errors: u64,
    /// Their median.
    pub p50_us: f64,
    /// 99 of 100 took no longer.
    pub p99_us: f64,
}

impl BenchResult {
    /// What was called, and how.
    pub fn load(&self) -> String {
        text::load(&self.call, self.concurrency, self.payload)
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}
