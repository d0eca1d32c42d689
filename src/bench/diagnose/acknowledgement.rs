//! A plateau near 40 ms: Nagle's algorithm meets delayed acknowledgement.
//!
//! The server writes an answer in two pieces without `TCP_NODELAY`. The second waits until the first is acknowledged, and
//! Linux may wait 40 ms before it acknowledges what it has nothing to answer to. A new connection is spared at first,
//! because its beginning is acknowledged at once. RFC 896, RFC 1122 section 4.2.3.2.

use super::{Sight, between, share};
use crate::bench::report::{BenchResult, Connecting, Diagnosis};
use crate::bench::text::{number, time};

/// What the wait adds, with what a busy machine adds to it.
const FROM_US: f64 = 35_000.0;
const TO_US: f64 = 56_000.0;
/// Nothing slower than this was spared.
const SPARED_US: f64 = 10_000.0;
/// So many calls have to wait, of all.
const WAITING: f64 = 0.05;
/// So many of those that are slow are slow in this way: who waits in a queue for about as long is spread wider.
const CONCENTRATED: f64 = 0.9;

pub(super) fn diagnose(sight: &Sight<'_>) -> Option<Diagnosis> {
    if sight.is_stdio() {
        return None;
    }
    let stalls = sight.results().filter_map(stalled);
    let kept = sight.report.connections.iter();
    let kept = kept.filter(|cost| cost.target == sight.target.name);
    let evidence: Vec<String> = stalls.chain(kept.filter_map(slower_when_kept)).collect();
    let text = "Many answers are some 40 ms late: the server seems to write them in pieces without TCP_NODELAY, so that the \
                last piece waits for the acknowledgement of the first (Nagle's algorithm meets delayed acknowledgement). \
                Set TCP_NODELAY on the connections that the server accepts, or write head and body at once.";
    (!evidence.is_empty()).then(|| sight.diagnosis("delayed-acknowledgement", text, evidence))
}

/// Two kinds of calls: as fast as the fastest, or later by that wait, and little in between or beyond.
fn stalled(result: &BenchResult) -> Option<String> {
    let fastest = result.latency_us.min;
    let (from, to) = (fastest + FROM_US, fastest + TO_US);
    let waiting = between(result, from, to);
    let slow = between(result, fastest + SPARED_US, f64::INFINITY);
    let is_plateau =
        share(waiting, result.count) >= WAITING && share(waiting, slow) >= CONCENTRATED;
    is_plateau.then(|| {
        let [waiting, count] = [waiting, result.count].map(|n| number(n as f64));
        let fastest = time(fastest);
        let (from, to) = (time(from), time(to));
        format!(
            "{}: {waiting} of {count} calls took {from} to {to}, the fastest {fastest}",
            result.load()
        )
    })
}

/// A connection that is kept is slower than a new one, by that wait.
fn slower_when_kept(cost: &Connecting) -> Option<String> {
    let (kept, cold) = (cost.kept_call_us.p50, cost.cold_call_us.p50);
    (FROM_US..=TO_US).contains(&(kept - cold)).then(|| {
        let (kept, cold) = (time(kept), time(cold));
        format!("a call takes {kept} on a connection that is kept, and {cold} on a new one")
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{connecting, http, only, result, stdio};

    const ID: &str = "delayed-acknowledgement";

    #[test]
    fn two_kinds_of_calls_40_ms_apart() {
        let report = http([result(1, 0).times(&[(500.0, 90), (43_000.0, 70)])]);
        let diagnosis = only(&report, ID).unwrap();
        assert_eq!(
            diagnosis.evidence,
            ["ping, 1 at a time: 70 of 160 calls took 35.5 ms to 56.5 ms, the fastest 500 µs"]
        );
    }

    #[test]
    fn nobody_waits_for_acknowledgements_of_a_pipe() {
        let report = stdio([result(1, 0).times(&[(500.0, 90), (43_000.0, 70)])]);
        assert_eq!(only(&report, ID), None);
    }

    #[test]
    fn a_server_that_works_for_40_ms_is_only_slow() {
        let report = http([result(1, 0).times(&[(40_500.0, 90), (43_000.0, 70)])]);
        assert_eq!(only(&report, ID), None);
    }

    #[test]
    fn a_server_that_takes_any_time_has_no_plateau() {
        let times = [5.0, 15.0, 25.0, 35.0, 45.0, 55.0, 65.0, 75.0].map(|ms| (ms * 1e3, 30));
        let report = http([result(1, 0).times(&times)]);
        assert_eq!(only(&report, ID), None);
    }

    #[test]
    fn a_queue_that_takes_about_40_ms_has_no_plateau() {
        let times = [(2.5, 7), (20.0, 43), (42.0, 301), (65.0, 29)];
        let times = times.map(|(ms, count)| (ms * 1e3, count));
        let report = http([result(32, 0).times(&times)]);
        assert_eq!(only(&report, ID), None);
    }

    #[test]
    fn only_a_new_connection_is_spared() {
        let mut report = http([result(1, 0).times(&[(43_000.0, 160)])]);
        report.connections = vec![connecting(900.0, 43_900.0)];
        let diagnosis = only(&report, ID).unwrap();
        assert_eq!(
            diagnosis.evidence,
            ["a call takes 43.9 ms on a connection that is kept, and 900 µs on a new one"]
        );
    }
}
