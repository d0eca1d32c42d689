//! What the user wants to know.

use std::time::Duration;

use super::subject::{Allowed, Named};

/// What to measure, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The command line, without secrets.
    pub arguments: Vec<String>,
    /// Who is measured; the others are compared with the first.
    pub targets: Vec<Named>,
    /// What may be called.
    pub allowed: Allowed,
    /// How many calls are open at a time, one number after the other.
    pub concurrency: Vec<usize>,
    /// How many bytes take the place of `{payload}`, one number after the other.
    pub payloads: Vec<usize>,
    /// Calls per second; none: as fast as they are answered.
    pub rate: Option<f64>,
    /// How long each result is measured.
    pub duration: Duration,
    /// How long calls are made before that.
    pub warmup: Duration,
    /// How far away HTTP targets should seem to be.
    pub network_delay: Option<Duration>,
}
