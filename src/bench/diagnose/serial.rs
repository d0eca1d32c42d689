//! A server that serves one call at a time: with more callers throughput does not rise, and latency grows with them.

use super::{Sight, acknowledgement, client};
use crate::bench::report::{BenchResult, Diagnosis};
use crate::bench::text::{figure, time};

/// The least number of callers that shows it.
const MANY: usize = 4;
/// Throughput that is not this many times as high did not rise.
const RISE: f64 = 1.3;
/// How much of the latency that a queue would cause has to be there.
const QUEUED: f64 = 0.6;
/// A server that computes on one processor keeps it busy for at least this part of the time: now and then it waits for the
/// next call,
const BUSY: f64 = 0.6;
/// and none of a second one, but for what cannot be told exactly.
const ONE: f64 = 1.1;
/// Who is busy for less of the time waits for something else than a processor, however full the machine is.
const IDLE: f64 = 0.3;
/// A machine is full whose processors are busy for this part of the time.
const FULL: f64 = 0.85;

pub(super) fn diagnose(sight: &Sight<'_>) -> Option<Diagnosis> {
    // Where some calls wait for something else, it is not known what the others wait for.
    if acknowledgement::diagnose(sight).is_some() {
        return None;
    }
    let mut pairs: Vec<Pair<'_>> = sight
        .results()
        .filter(|result| result.concurrency >= MANY && tells(result))
        .filter_map(|many| Some((alone(sight, many)?, many)))
        .collect();
    pairs.sort_by_key(|(one, _)| (one.call.clone(), one.revision, one.payload));
    let of_one_call = |a: &Pair<'_>, b: &Pair<'_>| std::ptr::eq(a.0, b.0);
    let serial: Vec<_> = pairs.chunk_by(of_one_call).flat_map(serial).collect();
    if serial.is_empty() {
        return None;
    }
    let busy = serial.iter().filter_map(|(_, many)| utilisation(many));
    let busy = busy.reduce(f64::max);
    let used = busy.map(|busy| {
        format!(
            "the server used {:.0} % of one processor meanwhile",
            busy * 100.0
        )
    });
    let compared = serial.iter().map(|(one, many)| compared(one, many));
    let evidence = used.into_iter().chain(compared).collect();
    match busy {
        Some(BUSY..=ONE) => Some(sight.diagnosis("one-processor", COMPUTES, evidence)),
        // It uses several, so that it does not serve one call after the other.
        Some(ONE..) => None,
        // It waits for something else than a processor.
        Some(..IDLE) => Some(sight.diagnosis("one-at-a-time", WAITS, evidence)),
        // Nobody gets more answers from a machine that has no more time to give: that says nothing of the server, least of
        // all of one that is not ours, and may be just as busy.
        _ if serial.iter().any(on_full_machine) => None,
        _ => Some(sight.diagnosis("one-at-a-time", WAITS, evidence)),
    }
}

/// What a call costs alone, and with others.
type Pair<'a> = (&'a BenchResult, &'a BenchResult);

const WAITS: &str = "The server seems to serve one call at a time: more callers get no more answers, each only waits \
                     longer. A lock that is held while a call is served, or a handler that blocks the only thread, looks like this.";
const COMPUTES: &str = "One processor does all the work, and is busy for most of the time: more callers get no more answers, each only waits \
                        longer. What a call computes must become cheaper, or be spread over several threads or processes.";

fn alone<'a>(sight: &Sight<'a>, many: &BenchResult) -> Option<&'a BenchResult> {
    sight.one_at_a_time().find(|one| {
        one.call == many.call
            && one.payload == many.payload
            && one.revision == many.revision
            && tells(one)
    })
}

/// Whether throughput is what the server can do: a rate bounds it, or our own thread, what is refused is quick, and who dies
/// answers nobody.
fn tells(result: &BenchResult) -> bool {
    let is_ours = result.rate_per_s.is_some() || client::is_full(result);
    !is_ours && result.errors == 0 && !result.partial
}

/// Of one call what shows it. What holds for some numbers of callers only is something else.
fn serial<'a>(pairs: &[Pair<'a>]) -> Vec<Pair<'a>> {
    let serial = pairs.iter().filter(|pair| is_serial(pair)).copied();
    let serial: Vec<_> = serial.collect();
    match serial.len() * 2 > pairs.len() {
        true => serial,
        false => Vec::new(),
    }
}

fn is_serial(&(one, many): &Pair<'_>) -> bool {
    let queue = one.latency_us.p50 * many.concurrency as f64;
    many.throughput_per_s < one.throughput_per_s * RISE && many.latency_us.p50 >= queue * QUEUED
}

fn on_full_machine((_, many): &Pair<'_>) -> bool {
    many.machine_busy.is_some_and(|busy| busy >= FULL)
}

/// How busy the server's process was: 1 is one whole processor.
fn utilisation(result: &BenchResult) -> Option<f64> {
    let cpu_us = result.server?.cpu_us_per_call?;
    Some(cpu_us * result.throughput_per_s / 1e6)
}

fn compared(one: &BenchResult, many: &BenchResult) -> String {
    format!(
        "{}: {} calls/s with a median of {}, against {} calls/s and {} with one at a time",
        many.load(),
        figure(many.throughput_per_s),
        time(many.latency_us.p50),
        figure(one.throughput_per_s),
        time(one.latency_us.p50)
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{http, only, result, stdio};
    use super::*;
    use crate::bench::report::{Bucket, ServerFigures};

    fn with(concurrency: usize, us: f64, throughput: f64) -> BenchResult {
        let mut result = result(concurrency, 0).times(&[(us, 1000)]);
        result.throughput_per_s = throughput;
        result
    }

    #[test]
    fn calls_wait_for_each_other() {
        let report = stdio([
            with(1, 2_000.0, 490.0),
            with(8, 16_000.0, 495.0),
            with(32, 64_000.0, 496.0),
        ]);
        let diagnosis = only(&report, "one-at-a-time").unwrap();
        assert_eq!(
            diagnosis.evidence,
            [
                "ping, 8 at a time: 495 calls/s with a median of 16.0 ms, against 490 calls/s and 2.00 ms with one at a time",
                "ping, 32 at a time: 496 calls/s with a median of 64.0 ms, against 490 calls/s and 2.00 ms with one at a time",
            ]
        );
    }

    #[test]
    fn a_busy_processor_is_told_apart() {
        let mut many = with(8, 16_000.0, 495.0);
        many.server = Some(ServerFigures {
            cpu_us_per_call: Some(1_960.0),
            ..ServerFigures::default()
        });
        let report = http([with(1, 2_000.0, 490.0), many]);
        assert_eq!(only(&report, "one-at-a-time"), None);
        let diagnosis = only(&report, "one-processor").unwrap();
        assert_eq!(
            diagnosis.evidence[0],
            "the server used 97 % of one processor meanwhile"
        );
    }

    #[test]
    fn calls_that_wait_for_acknowledgements_wait_for_nothing_else() {
        let mut many = with(8, 43_000.0, 180.0);
        many.distribution = vec![Bucket(500.0, 100), Bucket(43_000.0, 900)];
        many.latency_us.min = 500.0;
        assert_eq!(
            only(&http([with(1, 2_000.0, 490.0), many]), "one-at-a-time"),
            None
        );
    }

    fn used(many: BenchResult, cpu_us_per_call: f64) -> BenchResult {
        let server = ServerFigures {
            cpu_us_per_call: Some(cpu_us_per_call),
            ..ServerFigures::default()
        };
        BenchResult {
            server: Some(server),
            ..many
        }
    }

    fn on_full_machine(many: BenchResult) -> BenchResult {
        BenchResult {
            machine_busy: Some(0.97),
            ..many
        }
    }

    #[test]
    fn a_full_machine_serves_no_more_callers() {
        let full = |cpu_us_per_call| {
            let many = on_full_machine(used(with(8, 16_000.0, 495.0), cpu_us_per_call));
            http([with(1, 2_000.0, 490.0), many])
        };
        assert_eq!(only(&full(900.0), "one-at-a-time"), None);
        assert!(only(&full(100.0), "one-at-a-time").is_some());
    }

    #[test]
    fn who_is_not_ours_may_be_what_fills_the_machine() {
        let many = with(8, 16_000.0, 495.0);
        let one = with(1, 2_000.0, 490.0);
        let full = http([one.clone(), on_full_machine(many.clone())]);
        assert_eq!(only(&full, "one-at-a-time"), None);
        assert!(only(&http([one, many]), "one-at-a-time").is_some());
    }

    #[test]
    fn what_is_said_of_one_processor_is_what_the_figures_say() {
        let said = |throughput: f64, busy: f64| {
            let many = used(with(8, 16_000.0, throughput), busy * 1e6 / throughput);
            // Pauses of the machine made the one caller slower than its median.
            let report = http([with(1, 2_000.0, 300.0), many]);
            let found = crate::bench::diagnose::diagnose(&report);
            found.into_iter().map(|found| found.id).collect::<Vec<_>>()
        };
        assert_eq!(said(320.0, 0.97), ["one-processor"]);
        assert!(said(495.0, 0.97).is_empty(), "it did rise");
        assert!(said(320.0, 1.6).is_empty(), "it uses two");
        assert_eq!(
            said(320.0, 0.7),
            ["one-processor"],
            "it waits for calls, too"
        );
        assert_eq!(said(320.0, 0.5), ["one-at-a-time"]);
    }

    #[test]
    fn who_makes_as_many_calls_as_it_can_is_no_queue_of_the_server() {
        let mut many = with(8, 16_000.0, 495.0);
        many.client_busy = Some(0.95);
        assert_eq!(
            only(&http([with(1, 2_000.0, 490.0), many]), "one-at-a-time"),
            None
        );
    }

    #[test]
    fn results_that_are_not_whole_say_nothing() {
        let one = with(1, 2_000.0, 490.0);
        let mut refused = with(8, 16_000.0, 495.0);
        refused.errors = 3;
        assert_eq!(only(&http([one.clone(), refused]), "one-at-a-time"), None);
        let mut died = with(8, 16_000.0, 495.0);
        died.partial = true;
        assert_eq!(only(&http([one, died]), "one-at-a-time"), None);
    }

    #[test]
    fn throughput_that_rises_a_while_is_no_queue() {
        let report = http([
            with(1, 61.0, 16_000.0),
            with(8, 135.0, 55_000.0),
            with(32, 508.0, 65_000.0),
        ]);
        assert_eq!(only(&report, "one-at-a-time"), None);
    }

    #[test]
    fn a_limit_that_only_many_callers_meet_is_something_else() {
        let report = http([
            with(1, 1_000.0, 1_000.0),
            with(8, 1_100.0, 7_000.0),
            with(32, 20_000.0, 1_100.0),
        ]);
        assert_eq!(only(&report, "one-at-a-time"), None);
    }
}
