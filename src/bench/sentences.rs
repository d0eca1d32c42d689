//! What a report says in sentences, for whoever lays them out.

use super::compare::{MIN_ROUNDS, SAVED};
use super::report::{BenchReport, BenchResult, Comparison, Diagnosis, Outcome};
use super::text::{bytes, number};
use super::trouble::{Kind, Trouble};

/// Stands above what went wrong.
pub const PARTIAL: &str = "Partial: this failed or is missing; errors are in no latency";

/// What to bear in mind of the comparisons.
fn of_comparisons(report: &BenchReport) -> Vec<String> {
    let is_any = |wanted: fn(&Comparison) -> bool| report.comparisons.iter().any(wanted);
    let mut told = report.unlike.clone();
    if is_any(|comparison| comparison.saved) {
        told.push(format!(
            "what was measured at another time took no turns with this: less than {:.0} % says nothing",
            SAVED.worth * 100.0
        ));
    }
    if is_any(|comparison| comparison.outcome == Outcome::TooNoisy && has_turns(comparison)) {
        told.push(
            "too noisy to tell: the turns of one target are as far apart as the two targets are; measure longer (--duration), \
             with nothing else running"
                .to_owned(),
        );
    }
    if is_any(|comparison| !has_turns(comparison)) {
        told.push("too few turns to tell: measure longer (--duration)".to_owned());
    }
    told
}

/// What a comparison says, in a word or two.
pub fn says(comparison: &Comparison) -> &'static str {
    match comparison.outcome {
        Outcome::Faster => "faster",
        Outcome::Slower => "slower",
        Outcome::Same => "no difference",
        Outcome::TooNoisy if has_turns(comparison) => "too noisy to tell",
        Outcome::TooNoisy => "too few turns",
    }
}

fn has_turns(comparison: &Comparison) -> bool {
    comparison.rounds >= MIN_ROUNDS
}

/// What is said of several targets with the same words.
pub struct Said<'a> {
    /// What kind of thing it is.
    pub id: &'a str,
    /// The words.
    pub text: &'a str,
    /// Of whom it is said, and why.
    pub found: Vec<&'a Diagnosis>,
}

/// What seems to be behind the figures, each said once.
pub fn said(report: &BenchReport) -> Vec<Said<'_>> {
    let mut said: Vec<Said<'_>> = Vec::new();
    for found in &report.diagnoses {
        match said
            .iter_mut()
            .find(|said| said.text == found.text && said.id == found.id)
        {
            Some(said) => said.found.push(found),
            None => said.push(Said {
                id: &found.id,
                text: &found.text,
                found: vec![found],
            }),
        }
    }
    said
}

/// What is said in sentences, under titles.
pub fn lists(report: &BenchReport) -> Vec<(&'static str, Vec<String>)> {
    let mut lists = vec![
        ("About the comparison", of_comparisons(report)),
        ("Calls that were due, and were not made", unsent(report)),
    ];
    lists.retain(|(_, lines)| !lines.is_empty());
    lists
}

/// In a line, where and how it was measured.
pub fn setting(report: &BenchReport) -> String {
    let machine = &report.machine;
    let settings = &report.settings;
    let mut text = format!(
        "mcp-conform {}, {}, {}, {} × {}, {}; {} s for each result in {}",
        report.version,
        report.started,
        machine.os,
        machine.processors,
        machine.processor,
        bytes(machine.memory_bytes),
        settings.duration_s,
        match settings.rounds {
            1 => "1 turn".to_owned(),
            many => format!("{many} turns"),
        },
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

/// Calls that were due, and that nobody was free to make.
fn unsent(report: &BenchReport) -> Vec<String> {
    let unsent = report.results.iter().filter(|result| result.unsent > 0);
    let told = unsent.map(|result| {
        let due = result.unsent + result.count + result.errors;
        format!(
            "{}: {} of {} calls that were due were not made, because all callers were still waiting: a lower --rate, or a \
             higher --concurrency",
            place(result),
            number(result.unsent as f64),
            number(due as f64)
        )
    });
    told.collect()
}

/// What calls failed of, if some did.
pub fn failed(result: &BenchResult) -> Option<Trouble> {
    let kinds = result.errors_by_kind.iter();
    let kinds = kinds.map(|(kind, count)| format!("{} × {kind}", number(*count as f64)));
    let kinds: Vec<String> = kinds.collect();
    (result.errors > 0).then(|| Trouble {
        target: Some(result.target.clone()),
        kind: Kind::Counted,
        text: format!(
            "{}: {} of {} calls failed ({})",
            result.load(),
            number(result.errors as f64),
            number((result.count + result.errors) as f64),
            kinds.join(", ")
        ),
    })
}

/// Which result it is: `new: ping, 8 at a time`.
pub fn place(result: &BenchResult) -> String {
    format!("{}: {}", result.target, result.load())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::diagnose::testing::result;

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
        let said = |outcome, rounds| {
            let comparison = comparison(outcome, rounds);
            let told = says(&comparison);
            let report = BenchReport {
                comparisons: vec![comparison],
                ..BenchReport::default()
            };
            (told, of_comparisons(&report))
        };
        assert_eq!(said(Outcome::Slower, 10), ("slower", vec![]));
        let (noisy, remedy) = said(Outcome::TooNoisy, 10);
        assert_eq!(noisy, "too noisy to tell");
        assert!(remedy[0].contains("nothing else running"), "{remedy:?}");
        let (few, remedy) = said(Outcome::TooNoisy, 2);
        assert_eq!(few, "too few turns");
        assert!(remedy[0].contains("--duration"), "{remedy:?}");
    }

    #[test]
    fn what_failed_is_told_with_its_kinds() {
        let mut result = result(8, 100).times(&[(5.0, 1_000)]);
        assert_eq!(failed(&result), None);
        result.errors = 1_500;
        result.errors_by_kind = [("timeout".to_owned(), 1_500)].into();
        let trouble = failed(&result).unwrap();
        assert_eq!(trouble.kind, Kind::Counted);
        assert_eq!(
            trouble.to_string(),
            "a: ping, 8 at a time, 100 bytes: 1,500 of 2,500 calls failed (1,500 × timeout)"
        );
    }
}
