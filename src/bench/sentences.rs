//! What a report says in sentences, for whoever lays them out.

use super::compare::MIN_ROUNDS;
use super::report::{BenchReport, BenchResult, Comparison, Outcome};
use super::text::{self, bytes, figure, number};

/// What was compared, and what to bear in mind.
pub fn compared(report: &BenchReport) -> Vec<String> {
    let comparisons = report.comparisons.iter().map(sentence);
    report.unlike.iter().cloned().chain(comparisons).collect()
}

/// What a comparison says, in a sentence.
fn sentence(comparison: &Comparison) -> String {
    let call = text::load(&comparison.call, comparison.concurrency, comparison.payload);
    let [low, high] = [comparison.low, comparison.high].map(figure);
    let saved = match comparison.saved {
        true => " (they did not take turns)",
        false => "",
    };
    let says = said(comparison);
    format!("{call}: {says} (95 %: {low} to {high} times){saved}")
}

fn said(comparison: &Comparison) -> String {
    let (target, baseline) = (&comparison.target, &comparison.baseline);
    let ratio = figure(comparison.ratio);
    match comparison.outcome {
        Outcome::Faster => {
            format!("{target} takes {ratio} times as long as {baseline}, so it is faster")
        }
        Outcome::Slower => format!("{target} takes {ratio} times as long as {baseline}"),
        Outcome::Same => format!("no difference between {target} and {baseline}"),
        Outcome::TooNoisy if comparison.rounds < MIN_ROUNDS => format!(
            "too few turns ({}) to tell {target} from {baseline}: measure longer (--duration)",
            comparison.rounds
        ),
        Outcome::TooNoisy => format!(
            "the machine was too noisy to tell {target} from {baseline}: even the middle half of the turns of one of them \
             differ by {} %; measure longer (--duration), with nothing else running",
            figure(100.0 * comparison.noise)
        ),
    }
}

/// In a line, where and how it was measured.
pub fn setting(report: &BenchReport) -> String {
    let machine = &report.machine;
    let settings = &report.settings;
    let mut text = format!(
        "mcp-conform {}, {}, {}, {} × {}, {}; {} s for each result in {} turns",
        report.version,
        report.started,
        machine.os,
        machine.processors,
        machine.processor,
        bytes(machine.memory_bytes),
        settings.duration_s,
        settings.rounds,
    );
    if let Some(rate) = settings.rate_per_s {
        text.push_str(&format!(
            "; {rate} calls a second were due, and latency counts from then"
        ));
    }
    if let Some(delay) = settings.network_delay_ms {
        text.push_str(&format!("; HTTP targets seem {delay} ms away"));
    }
    text
}

/// What calls failed of, and what could not be sent in time.
pub fn failures(report: &BenchReport) -> Vec<String> {
    let unsent = report.results.iter().filter(|result| result.unsent > 0);
    let unsent = unsent.map(|result| {
        let due = result.unsent + result.count + result.errors;
        format!(
            "{}: {} of {} calls that were due were not made, because all callers were still waiting: a lower --rate, or a \
             higher --concurrency",
            place(result),
            number(result.unsent as f64),
            number(due as f64)
        )
    });
    failed(report).into_iter().chain(unsent).collect()
}

/// What calls failed of, a line for each result with such.
pub fn failed(report: &BenchReport) -> Vec<String> {
    let failed = report.results.iter().filter(|result| result.errors > 0);
    let told = failed.map(|result| {
        let kinds = result.errors_by_kind.iter();
        let kinds = kinds.map(|(kind, count)| format!("{} × {kind}", number(*count as f64)));
        let kinds: Vec<String> = kinds.collect();
        format!(
            "{}: {} of {} calls failed ({})",
            place(result),
            number(result.errors as f64),
            number((result.count + result.errors) as f64),
            kinds.join(", ")
        )
    });
    told.collect()
}

/// Which result it is: `new: ping, 8 at a time`.
pub fn place(result: &BenchResult) -> String {
    let load = text::load(&result.call, result.concurrency, result.payload);
    format!("{}: {load}", result.target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(outcome: Outcome, rounds: usize) -> Comparison {
        Comparison {
            target: "new".into(),
            baseline: "old".into(),
            saved: false,
            call: "ping".into(),
            concurrency: 8,
            payload: 10_000,
            ratio: 1.0617,
            low: 0.98765,
            high: 12.345,
            rounds,
            noise: 0.4321,
            outcome,
        }
    }

    #[test]
    fn what_is_said_of_two_targets() {
        assert_eq!(
            sentence(&comparison(Outcome::Slower, 10)),
            "ping, 8 at a time, 10,000 bytes: new takes 1.06 times as long as old (95 %: 0.988 to 12.3 times)"
        );
        assert_eq!(
            sentence(&comparison(Outcome::TooNoisy, 10)),
            "ping, 8 at a time, 10,000 bytes: the machine was too noisy to tell new from old: even the middle half of \
             the turns of one of them differ by 43.2 %; measure longer (--duration), with nothing else running \
             (95 %: 0.988 to 12.3 times)"
        );
        let few = sentence(&comparison(Outcome::TooNoisy, 2));
        assert!(
            few.contains("too few turns (2) to tell new from old"),
            "{few}"
        );
    }
}
