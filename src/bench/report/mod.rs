//! What a benchmark says: serialised, it is the JSON report, and what `--save` keeps for `--compare`.
//!
//! Times are in microseconds, counted from the moment at which the first byte of a request is handed to the operating
//! system (or should have been, with a rate) until the answer is complete. Errors are counted, and are in no latency.

mod beside;
mod result;

use serde::{Deserialize, Serialize};

pub use beside::{Chain, Connecting, Handshake, Listing, Streaming};
pub use result::{BenchResult, Bucket, Latency, Round};

use super::text;
use crate::target::TargetInfo;
use crate::transport::Transport;

/// The version of this format. Members may be added; those that are there keep their meaning.
pub const FORMAT: u32 = 1;

/// A whole benchmark.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BenchReport {
    /// [`FORMAT`].
    pub format: u32,
    /// The version of this program.
    pub version: String,
    /// When it began, in UTC, as RFC 3339 has it.
    pub started: String,
    /// The command line, without secrets.
    pub arguments: Vec<String>,
    /// Where it was measured.
    pub machine: Machine,
    /// How it was measured.
    pub settings: Settings,
    /// Who was measured.
    pub targets: Vec<BenchTarget>,
    /// What the process of the first target needs that is ours. `targets` has the same for each of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerFigures>,
    /// What each call cost, for each target, number of callers and size.
    pub results: Vec<BenchResult>,
    /// What it costs to get a connection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<Connecting>,
    /// What the handshake of a legacy session costs, on a connection that is there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handshakes: Vec<Handshake>,
    /// How soon something of an answer comes that is told in pieces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<Streaming>,
    /// What it costs to read whole lists, by their length.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<Listing>,
    /// What an agent waits that makes one call after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chains: Vec<Chain>,
    /// Each target against the first, or against a saved report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comparisons: Vec<Comparison>,
    /// In what the saved report was measured otherwise, so that differences may come from that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unlike: Vec<String>,
    /// What seems to be behind the figures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnoses: Vec<Diagnosis>,
    /// What is missing, and why, a line for each: it ended before everything was measured, or calls failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<String>,
}

/// The machine on which we ran, and with us the servers that we started.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Its operating system and version.
    pub os: String,
    /// Its kind of processor.
    pub processor: String,
    /// How many of them.
    pub processors: usize,
    /// Its memory.
    pub memory_bytes: u64,
    /// How many processes wanted to run when we began, on average over a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<f64>,
}

/// How it was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// How long each result was measured, in seconds.
    pub duration_s: f64,
    /// How long calls were made before that, in seconds.
    pub warmup_s: f64,
    /// Into so many turns the time was cut, in which the targets took turns.
    pub rounds: usize,
    /// Calls per second that were to be made; none: each caller made the next when it had an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<f64>,
    /// How long bytes were held back on their way to HTTP targets, and as long on the way back, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_delay_ms: Option<f64>,
}

/// Who was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchTarget {
    /// The name that results know it by, which no other target has.
    pub name: String,
    /// How it was reached.
    pub transport: Transport,
    /// What the user said that it is.
    pub info: TargetInfo,
    /// The name and version that it gives itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implementation: Option<String>,
    /// What its process needs, if that is ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerFigures>,
}

/// What a server's process needs, with all that it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerFigures {
    /// Resident memory after the calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_bytes: Option<u64>,
    /// Processor time for each call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_us_per_call: Option<f64>,
    /// From its start to the first answer: the median of some starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_ms: Option<f64>,
}

/// One result against another: the same call, number of callers and size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The name of the target.
    pub target: String,
    /// The name of the one it is compared with; for a saved report, its path.
    pub baseline: String,
    /// Whether the baseline was saved earlier, so that the two did not take turns.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub saved: bool,
    /// See [`BenchResult::call`].
    pub call: String,
    /// See [`BenchResult::concurrency`].
    pub concurrency: usize,
    /// See [`BenchResult::payload`].
    pub payload: usize,
    /// How many times as long it takes: the median of the medians of all turns, by that of the baseline.
    pub ratio: f64,
    /// With 95 % confidence it is at least this.
    pub low: f64,
    /// And at most this.
    pub high: f64,
    /// How many turns both have: few tell nothing.
    #[serde(default)]
    pub rounds: usize,
    /// How far the turns of one and the same target were apart: 0.1 if the middle half of them lies within 10 %.
    pub noise: f64,
    /// What can be said.
    pub outcome: Outcome,
}

impl Comparison {
    /// What was called, and how.
    pub fn load(&self) -> String {
        text::load(&self.call, self.concurrency, self.payload)
    }
}

/// What a comparison says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The target takes less time.
    Faster,
    /// The target takes more time.
    Slower,
    /// There is no difference worth the name.
    Same,
    /// The machine did not allow to tell.
    TooNoisy,
}

/// What seems to be behind the figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// What kind of thing it is, such as `delayed-acknowledgement`.
    pub id: String,
    /// The name of the target.
    pub target: String,
    /// What it is, and what to do.
    pub text: String,
    /// The figures that say so, each with where it stands.
    pub evidence: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::diagnose::testing;

    #[test]
    fn a_result_has_the_names_that_scripts_rely_on() {
        let result = BenchResult {
            transport: Transport::Stdio,
            count: 2,
            errors: 1,
            throughput_per_s: 2.0,
            distribution: vec![Bucket(1.5, 2)],
            ..testing::result(1, 0)
        };
        let report = BenchReport {
            server: Some(ServerFigures {
                rss_bytes: Some(1),
                cpu_us_per_call: Some(2.5),
                startup_ms: Some(3.0),
            }),
            results: vec![result],
            ..BenchReport::default()
        };
        let json = serde_json::to_value(&report).unwrap();
        let names = |value: &serde_json::Value| -> Vec<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        assert_eq!(
            names(&json["results"][0])[..10],
            [
                "target",
                "transport",
                "revision",
                "call",
                "concurrency",
                "payload",
                "count",
                "errors",
                "throughput_per_s",
                "latency_us"
            ]
        );
        assert_eq!(
            names(&json["results"][0]["latency_us"]),
            ["min", "p50", "p90", "p99", "p999", "max"]
        );
        assert_eq!(
            names(&json["server"]),
            ["rss_bytes", "cpu_us_per_call", "startup_ms"]
        );
        assert_eq!(json["results"][0]["distribution"][0][1], 2);
        assert_eq!(serde_json::from_value::<BenchReport>(json).unwrap(), report);
    }
}
