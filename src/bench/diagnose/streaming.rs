//! Time to the first event against time to the last.

use super::Sight;
use crate::bench::report::{Diagnosis, Streaming};
use crate::bench::text::time;

/// Answers that are complete sooner need not be told in pieces.
const LONG_US: f64 = 5_000.0;
/// From fewer answers nothing is concluded.
const ANSWERS: u64 = 3;
/// First events that come later than this part of the time come too late.
const LATE: f64 = 0.9;
/// And those that come sooner than this, early.
const EARLY: f64 = 0.5;

pub(super) fn diagnose(sight: &Sight<'_>) -> Option<Diagnosis> {
    let streams = sight.report.streams.iter();
    let streams: Vec<_> = streams
        .filter(|stream| stream.target == sight.target.name && stream.count >= ANSWERS)
        .filter(|stream| stream.events_per_call >= 2.0 && stream.last_us.p50 >= LONG_US)
        .collect();
    let such = |is: fn(f64) -> bool| -> Vec<String> {
        let such = streams.iter().filter(|stream| is(part(stream)));
        such.map(|stream| told(stream)).collect()
    };
    let (late, early) = (such(|part| part >= LATE), such(|part| part <= EARLY));
    if !late.is_empty() {
        return Some(sight.diagnosis("events-held-back", HELD_BACK, late));
    }
    (!early.is_empty()).then(|| sight.diagnosis("events-come-early", COME_EARLY, early))
}

const HELD_BACK: &str = "Events come only when the answer is complete, too: whoever waits sees no progress. Something \
                         between the tool and the client seems to gather them: a writer that is not flushed, a compressing or \
                         buffering proxy, or a tool that tells everything at its end.";
const COME_EARLY: &str = "Events come as they happen: whoever waits sees the first one long before the answer is complete.";

fn part(stream: &Streaming) -> f64 {
    stream.first_us.p50 / stream.last_us.p50
}

fn told(stream: &Streaming) -> String {
    let (first, last) = (time(stream.first_us.p50), time(stream.last_us.p50));
    format!(
        "{}: {:.0} messages, the first after {first}, the last after {last} ({:.0} % of the time)",
        stream.call,
        stream.events_per_call,
        part(stream) * 100.0
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{http, only, p50};
    use super::*;
    use crate::bench::report::BenchReport;
    use crate::revision::Revision;
    use crate::transport::Transport;

    fn stream(first_us: f64, last_us: f64) -> BenchReport {
        let mut report = http([]);
        report.streams.push(Streaming {
            target: "a".into(),
            transport: Transport::Http,
            revision: Revision::V2025_11_25,
            call: "tools/call steps".into(),
            count: 20,
            errors: 0,
            events_per_call: 4.0,
            events_per_s: 60.0,
            first_us: p50(first_us),
            last_us: p50(last_us),
        });
        report
    }

    #[test]
    fn all_come_in_the_end() {
        let report = stream(61_000.0, 62_000.0);
        let diagnosis = only(&report, "events-held-back").unwrap();
        assert_eq!(
            diagnosis.evidence,
            [
                "tools/call steps: 4 messages, the first after 61.0 ms, the last after 62.0 ms (98 % of the time)"
            ]
        );
        assert_eq!(only(&report, "events-come-early"), None);
    }

    #[test]
    fn each_comes_when_it_happens() {
        let report = stream(800.0, 62_000.0);
        assert!(only(&report, "events-come-early").is_some());
        assert_eq!(only(&report, "events-held-back"), None);
    }

    #[test]
    fn quick_answers_say_nothing() {
        let report = stream(800.0, 810.0);
        assert_eq!(only(&report, "events-held-back"), None);
    }
}
