//! What seems to be behind the figures: functions from measurements to diagnoses, each of which names its evidence.
//!
//! A diagnosis is a guess that fits what was measured. It says what else would look the same, where there is something.

mod acknowledgement;
mod client;
mod connections;
mod growth;
mod serial;
mod streaming;
mod tails;
#[cfg(test)]
pub(super) mod testing;

use crate::bench::report::{BenchReport, BenchResult, BenchTarget, Diagnosis};
use crate::transport::Transport;

/// All that is known, in the order in which it is told.
const ALL: [fn(&Sight<'_>) -> Option<Diagnosis>; 9] = [
    acknowledgement::diagnose,
    connections::diagnose,
    client::diagnose,
    serial::diagnose,
    streaming::diagnose,
    tails::diagnose,
    growth::with_payload,
    growth::with_list,
    growth::with_catalog,
];

/// What can be said about the targets of a report.
pub fn diagnose(report: &BenchReport) -> Vec<Diagnosis> {
    let of_target = |target| {
        let sight = Sight { report, target };
        ALL.iter().filter_map(move |known| known(&sight))
    };
    report.targets.iter().flat_map(of_target).collect()
}

/// What is seen of one target.
struct Sight<'a> {
    report: &'a BenchReport,
    target: &'a BenchTarget,
}

impl<'a> Sight<'a> {
    /// Its results that came from enough calls to say something.
    fn results(&self) -> impl Iterator<Item = &'a BenchResult> + use<'a> {
        let (report, target) = (self.report, self.target);
        report
            .results
            .iter()
            .filter(|result| result.target == target.name && result.count >= MIN_CALLS)
    }

    /// Those with one call at a time.
    fn one_at_a_time(&self) -> impl Iterator<Item = &'a BenchResult> + use<'a> {
        self.results().filter(|result| result.concurrency == 1)
    }

    fn is_stdio(&self) -> bool {
        self.target.transport == Transport::Stdio
    }

    /// Of much evidence the first is enough.
    fn diagnosis(&self, id: &str, text: impl Into<String>, mut evidence: Vec<String>) -> Diagnosis {
        let more = evidence.len().saturating_sub(EVIDENCE);
        if more > 1 {
            evidence.truncate(EVIDENCE);
            evidence.push(format!("and {more} more like these"));
        }
        Diagnosis {
            id: id.to_owned(),
            target: self.target.name.clone(),
            text: text.into(),
            evidence,
        }
    }
}

/// So much evidence is named.
const EVIDENCE: usize = 4;
/// From fewer calls nothing is concluded.
const MIN_CALLS: u64 = 20;

/// Calls that took longer than one time and not longer than another, in microseconds. Of a bucket that lies across a border
/// all calls are where its upper end is.
fn between(result: &BenchResult, from_us: f64, to_us: f64) -> u64 {
    let inside = |upper: f64| upper > from_us && upper <= to_us;
    let buckets = result.distribution.iter();
    buckets
        .filter(|bucket| inside(bucket.0))
        .map(|bucket| bucket.1)
        .sum()
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
