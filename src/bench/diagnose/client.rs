//! Calls that come as fast as one thread of ours can make them: then throughput is ours, and not the server's.

use super::Sight;
use crate::bench::report::{BenchResult, Diagnosis};
use crate::bench::text::figure;

/// A thread that is busy for this part of the time has none left for more calls.
const FULL: f64 = 0.9;

pub(super) fn diagnose(sight: &Sight<'_>) -> Option<Diagnosis> {
    let full: Vec<String> = sight.results().filter_map(told).collect();
    let text = "The one thread that makes the calls worked, or waited for a processor, nearly all of the time: the server may \
                answer more of them than it makes. What is said of throughput and of more callers is said of both; one call at a time is measured as ever.";
    (!full.is_empty()).then(|| sight.diagnosis("client-busy", text, full))
}

/// Whether no more calls could have been made.
pub(super) fn is_full(result: &BenchResult) -> bool {
    result.client_busy.is_some_and(|busy| busy >= FULL)
}

fn told(result: &BenchResult) -> Option<String> {
    let busy = result.client_busy.filter(|_| is_full(result))?;
    Some(format!(
        "{}: {} calls/s, and the client busy for {:.0} % of the time",
        result.load(),
        figure(result.throughput_per_s),
        busy * 100.0
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{only, result, stdio};

    fn busy(part: f64) -> Option<Vec<String>> {
        let mut many = result(32, 0).times(&[(300.0, 1_000)]);
        many.throughput_per_s = 90_000.0;
        many.client_busy = Some(part);
        only(&stdio([many]), "client-busy").map(|diagnosis| diagnosis.evidence)
    }

    #[test]
    fn a_client_that_has_no_time_left() {
        let told = "ping, 32 at a time: 90,000 calls/s, and the client busy for 97 % of the time";
        assert_eq!(busy(0.97), Some(vec![told.to_owned()]));
        assert_eq!(busy(0.7), None);
    }
}
