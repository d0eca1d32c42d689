//! Tails as garbage collection makes them: nearly all calls take about the same time, and a few many times as long.

use super::Sight;
use crate::bench::report::{BenchResult, Diagnosis};
use crate::bench::text::{figure, time};

/// From fewer calls there is no tail to be seen.
const CALLS: u64 = 1_000;
/// Nine of ten calls are within so many medians.
const TIGHT: f64 = 3.0;
/// One in a thousand takes so many medians,
const TAIL: f64 = 10.0;
/// and so much longer.
const TAIL_US: f64 = 2_000.0;

pub(super) fn diagnose(sight: &Sight<'_>) -> Option<Diagnosis> {
    let tails: Vec<_> = tails(sight).collect();
    if tails.is_empty() || is_everybodys(sight) {
        return None;
    }
    let text = "Some calls in a thousand take many times as long as the others: a garbage collection that stops everything, a \
                log or cache that is written now and then, or a machine with other work looks like this. Measure another \
                server beside this one (--and): if it has such a tail, too, it is the machine.";
    let evidence = tails.into_iter().map(told).collect();
    Some(sight.diagnosis("rare-long-calls", text, evidence))
}

fn tails<'a>(sight: &Sight<'a>) -> impl Iterator<Item = &'a BenchResult> + use<'a> {
    sight.one_at_a_time().filter(|result| {
        let latency = result.latency_us;
        result.count >= CALLS
            && latency.p90 <= latency.p50 * TIGHT
            && latency.p999 >= latency.p50 * TAIL
            && latency.p999 - latency.p50 >= TAIL_US
    })
}

/// Whether several targets took turns, and all waited about as long now and then: then it is the machine.
fn is_everybodys(sight: &Sight<'_>) -> bool {
    let report = sight.report;
    let ours = longest(sight);
    let others = report
        .targets
        .iter()
        .filter(|other| other.name != sight.target.name);
    let mut others = others
        .map(|target| longest(&Sight { report, target }))
        .filter(|longest| *longest > 0.0)
        .peekable();
    others.peek().is_some() && others.all(|longest| longest * 2.0 >= ours)
}

/// How much longer than the others the longest in a thousand calls took.
fn longest(sight: &Sight<'_>) -> f64 {
    let results = sight.one_at_a_time().filter(|result| result.count >= CALLS);
    let longer = results.map(|result| result.latency_us.p999 - result.latency_us.p50);
    longer.fold(0.0, f64::max)
}

fn told(result: &BenchResult) -> String {
    let latency = result.latency_us;
    format!(
        "{}: one call in 1,000 took more than {}, {} times the median of {}; nine of ten no more than {}",
        result.load(),
        time(latency.p999),
        figure(latency.p999 / latency.p50),
        time(latency.p50),
        time(latency.p90)
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{http, only, result};
    use super::*;

    const ID: &str = "rare-long-calls";

    #[test]
    fn a_pause_now_and_then() {
        let report = http([result(1, 0).times(&[(100.0, 4_980), (25_000.0, 20)])]);
        let diagnosis = only(&report, ID).unwrap();
        assert_eq!(
            diagnosis.evidence,
            [
                "ping, 1 at a time: one call in 1,000 took more than 25.0 ms, 250 times the median of 100 µs; \
                 nine of ten no more than 100 µs"
            ]
        );
    }

    #[test]
    fn calls_that_differ_anyway_have_no_tail() {
        let times = [(100.0, 2_500), (900.0, 2_000), (25_000.0, 500)];
        assert_eq!(only(&http([result(1, 0).times(&times)]), ID), None);
    }

    #[test]
    fn a_tail_of_less_than_a_few_milliseconds_is_the_scheduler() {
        let report = http([result(1, 0).times(&[(50.0, 4_980), (900.0, 20)])]);
        assert_eq!(only(&report, ID), None);
    }

    #[test]
    fn what_all_have_comes_from_the_machine() {
        let slow = result(1, 0).times(&[(100.0, 4_980), (25_000.0, 20)]);
        let mut report = http([slow]);
        let mut other = report.targets[0].clone();
        other.name = "b".into();
        report.targets.push(other);
        report.results.push(BenchResult {
            target: "b".into(),
            ..result(1, 0).times(&[(100.0, 4_980), (900.0, 20)])
        });
        assert!(only(&report, ID).is_some());
        // It is slower anyway, so that it does not look like a tail there.
        report.results[1] = BenchResult {
            target: "b".into(),
            ..result(1, 0).times(&[(9_000.0, 4_980), (25_000.0, 20)])
        };
        assert_eq!(only(&report, ID), None);
    }
}
