//! One result against another: how many times as long, how sure that is, and whether the machine allows to tell.

use proptest::test_runner::{RngAlgorithm, TestRng};

use super::report::{BenchReport, BenchResult, Comparison, Outcome};
use super::text;
use crate::fuzz::dice::Dice;

/// How often the turns are drawn again.
const DRAWS: usize = 2_000;
/// So much of them lies between the bounds.
const CONFIDENCE: f64 = 0.95;
/// Fewer turns than this tell nothing.
pub(super) const MIN_ROUNDS: usize = 4;
/// What is no difference.
pub(super) struct Slack {
    /// Nobody cares about less than this.
    pub(super) worth: f64,
    /// If it is less than this that may be there unseen, there is none.
    unseen: f64,
}

/// Between targets that took turns.
const IN_TURNS: Slack = Slack {
    worth: 0.02,
    unseen: 0.05,
};
/// The same machine is not always as fast, and turns of one time do not show that.
pub(super) const SAVED: Slack = Slack {
    worth: 0.1,
    unseen: 0.15,
};

/// Each target against the first that has the same call, number of callers and size.
pub fn among(results: &[BenchResult]) -> Vec<Comparison> {
    let first = |result: &BenchResult| results.iter().position(|other| is_alike(result, other));
    let pairs = results.iter().enumerate().filter_map(|(index, result)| {
        let baseline = first(result).filter(|first| *first < index)?;
        Some((result, &results[baseline]))
    });
    pairs
        .filter_map(|(result, baseline)| {
            let mut comparison = compare(result, baseline, baseline.target.clone(), false)?;
            if result.target == baseline.target {
                comparison.target = format!("{} at {}", result.target, result.revision);
                comparison.baseline = format!("{} at {}", baseline.target, baseline.revision);
            }
            Some(comparison)
        })
        .collect()
}

/// Each result against that of the same target in a saved report.
pub fn with_saved(results: &[BenchResult], saved: &[BenchResult], path: &str) -> Vec<Comparison> {
    let same = |result: &BenchResult| {
        saved.iter().find(|other| {
            (&other.target, other.transport, other.revision)
                == (&result.target, result.transport, result.revision)
                && is_alike(result, other)
        })
    };
    let pairs = results
        .iter()
        .filter_map(|result| Some((result, same(result)?)));
    pairs
        .filter_map(|(result, saved)| compare(result, saved, path.to_owned(), true))
        .collect()
}

/// In what a saved report is unlike this one, beside the servers: differences may come from that.
pub fn unlike(report: &BenchReport, saved: &BenchReport, path: &str) -> Vec<String> {
    let [ours, theirs] = [&report.machine, &saved.machine].map(|machine| {
        let (count, kind) = (machine.processors, &machine.processor);
        let memory = text::bytes(machine.memory_bytes);
        format!("{count} × {kind}, {memory}, {}", machine.os)
    });
    let [delay, saved_delay] =
        [report, saved].map(|report| match report.settings.network_delay_ms {
            None | Some(0.0) => "none".to_owned(),
            Some(ms) => text::time(ms * 1e3),
        });
    let times = [report, saved].map(|report| {
        let settings = &report.settings;
        [settings.duration_s, settings.warmup_s].map(|seconds| text::time(seconds * 1e6))
    });
    let [[duration, warmup], [saved_duration, saved_warmup]] = times;
    let differ = |what: &str, one: &str, other: &str| {
        (one != other).then(|| format!("{what} differs: {one} now, {other} in {path}"))
    };
    let is_partial = |report: &BenchReport| {
        report.partial.is_some() || report.results.iter().any(|result| result.partial)
    };
    let partial = |is: bool, which: &str| {
        is.then(|| format!("{which} is partial: what failed or ended early is compared as far as it was measured"))
    };
    let all = [
        differ(
            "the version of this program",
            &report.version,
            &saved.version,
        ),
        differ("the machine", &ours, &theirs),
        differ("the network delay", &delay, &saved_delay),
        differ("the time of each result", &duration, &saved_duration),
        differ("the warm-up", &warmup, &saved_warmup),
        partial(is_partial(saved), path),
        partial(is_partial(report), "this report"),
    ];
    all.into_iter().flatten().collect()
}

/// Whether two results are of the same call. `ping` and `server/discover` are what each era has to see who is there.
fn is_alike(one: &BenchResult, other: &BenchResult) -> bool {
    let call = |result: &BenchResult| match result.call.as_str() {
        "ping" | "server/discover" => "ping".to_owned(),
        call => call.to_owned(),
    };
    call(one) == call(other)
        && (one.concurrency, one.payload) == (other.concurrency, other.payload)
        && one.rate_per_s == other.rate_per_s
}

/// None if one of them brought nothing.
fn compare(
    result: &BenchResult,
    baseline: &BenchResult,
    name: String,
    saved: bool,
) -> Option<Comparison> {
    let (ours, theirs) = (medians(result), medians(baseline));
    let ratio = median(ours.clone())? / median(theirs.clone())?;
    let (low, high) = interval(&ours, &theirs, !saved);
    // What is drawn again seldom lies on one side of all that was measured; what was measured is possible, too.
    let (low, high) = (low.min(ratio), high.max(ratio));
    let apart = halves_apart(&ours).max(halves_apart(&theirs));
    let rounds = ours.len().min(theirs.len());
    Some(Comparison {
        target: result.target.clone(),
        baseline: name,
        saved,
        call: result.call.clone(),
        concurrency: result.concurrency,
        payload: result.payload,
        ratio,
        low,
        high,
        rounds,
        noise: spread(&ours).max(spread(&theirs)),
        outcome: match saved {
            true => outcome(ratio, (low, high), apart, rounds, &SAVED),
            false => outcome(ratio, (low, high), apart, rounds, &IN_TURNS),
        },
    })
}

fn outcome(
    ratio: f64,
    (low, high): (f64, f64),
    apart: f64,
    rounds: usize,
    slack: &Slack,
) -> Outcome {
    let difference = (ratio - 1.0).abs();
    let hidden = (high - 1.0).max(1.0 - low);
    let includes_none = low <= 1.0 && 1.0 <= high;
    match () {
        () if rounds < MIN_ROUNDS => Outcome::TooNoisy,
        () if includes_none && hidden <= slack.unseen => Outcome::Same,
        () if includes_none => Outcome::TooNoisy,
        () if difference <= slack.worth => Outcome::Same,
        // The target differs as much from itself.
        () if difference <= apart => Outcome::TooNoisy,
        () if ratio < 1.0 => Outcome::Faster,
        () => Outcome::Slower,
    }
}

/// The medians of the turns that brought something.
fn medians(result: &BenchResult) -> Vec<f64> {
    let rounds = result.rounds.iter().filter(|round| round.p50_us > 0.0);
    rounds.map(|round| round.p50_us).collect()
}

/// How far every other turn is from the turns between: the same against the same.
fn halves_apart(rounds: &[f64]) -> f64 {
    let half = |skip: usize| median(rounds.iter().skip(skip).step_by(2).copied().collect());
    match (half(0), half(1)) {
        (Some(even), Some(odd)) => (even / odd - 1.0).abs(),
        _ => 0.0,
    }
}

/// Between which factors the middle half of the turns lies, as a share of their median.
fn spread(rounds: &[f64]) -> f64 {
    let mut sorted = rounds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted[(share * (sorted.len() - 1) as f64).round() as usize];
    match sorted.is_empty() {
        true => 0.0,
        false => (at(0.75) - at(0.25)) / at(0.5),
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(match values.len() % 2 {
        0 => f64::midpoint(values[middle - 1], upper),
        _ => upper,
    })
}

/// The bounds of the ratio of medians: the turns are drawn again and again, each as often as chance wants (bootstrap).
/// Turns that were taken one after the other are drawn together.
fn interval(ours: &[f64], theirs: &[f64], paired: bool) -> (f64, f64) {
    // The same figures always give the same bounds.
    let mut dice = Dice::new(TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let paired = paired && ours.len() == theirs.len();
    let mut ratios: Vec<f64> = (0..DRAWS)
        .filter_map(|_| {
            let drawn: Vec<usize> = ours.iter().map(|_| dice.below(ours.len())).collect();
            let others = match paired {
                true => drawn.clone(),
                false => theirs.iter().map(|_| dice.below(theirs.len())).collect(),
            };
            let ours = median(drawn.iter().map(|index| ours[*index]).collect())?;
            let theirs = median(others.iter().map(|index| theirs[*index]).collect())?;
            Some(ours / theirs)
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let index = (share * (ratios.len().max(1) - 1) as f64).round() as usize;
        ratios.get(index).copied().unwrap_or(1.0)
    };
    let outside = (1.0 - CONFIDENCE) / 2.0;
    (at(outside), at(1.0 - outside))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bench::diagnose::testing::{http, result};
    use crate::bench::report::Round;

    fn verdict(ours: &[f64], theirs: &[f64]) -> (f64, f64, Outcome) {
        let compared = compare(&turns(ours), &turns(theirs), "b".into(), false).unwrap();
        (compared.low, compared.high, compared.outcome)
    }

    /// A result of these turns, whose calls have another median all together.
    fn turns(medians: &[f64]) -> BenchResult {
        let rounds = medians.iter().map(|p50_us| Round {
            p50_us: *p50_us,
            ..Round::default()
        });
        BenchResult {
            rounds: rounds.collect(),
            ..result(1, 0).times(&[(7.0, 1)])
        }
    }

    #[test]
    fn the_ratio_is_of_what_the_bounds_are_of() {
        // One turn had most of the calls, and quick ones: the median of all calls is that of this turn.
        let ours = [20.0, 100.0, 101.0, 99.0, 100.0, 102.0];
        let theirs = [50.0, 50.5, 49.5, 50.0, 50.2, 49.8];
        let compared = compare(&turns(&ours), &turns(&theirs), "b".into(), false).unwrap();
        assert!((1.9..2.1).contains(&compared.ratio), "{compared:?}");
        assert!(compared.low <= compared.ratio && compared.ratio <= compared.high);
        assert_eq!(compared.rounds, 6);
    }

    #[test]
    fn a_clear_difference_is_seen() {
        let theirs = [100.0, 101.0, 99.0, 100.5, 100.2, 99.8, 100.1, 99.9];
        let ours = theirs.map(|value| value * 1.5);
        let (low, high, outcome) = verdict(&ours, &theirs);
        assert!(low > 1.45 && high < 1.55, "{low} to {high}");
        assert_eq!(outcome, Outcome::Slower);
        assert_eq!(verdict(&theirs, &ours).2, Outcome::Faster);
    }

    #[test]
    fn who_differs_from_himself_is_compared_with_nobody() {
        let theirs = [100.0, 180.0, 90.0, 210.0, 120.0, 160.0, 95.0, 190.0];
        let ours = [150.0, 110.0, 200.0, 95.0, 170.0, 120.0, 190.0, 100.0];
        assert_eq!(verdict(&ours, &theirs).2, Outcome::TooNoisy);
        assert_eq!(verdict(&[100.0, 100.0], &[50.0, 50.0]).2, Outcome::TooNoisy);
    }

    #[test]
    fn the_same_is_the_same() {
        let theirs = [100.0, 101.0, 99.0, 100.5, 100.2, 99.8];
        let ours = [100.3, 99.5, 100.9, 99.9, 100.0, 100.4];
        assert_eq!(verdict(&ours, &theirs).2, Outcome::Same);
    }

    #[test]
    fn what_took_no_turns_has_to_differ_more() {
        let theirs = [100.0, 101.0, 99.0, 100.5, 100.2, 99.8, 100.1, 99.9];
        let outcome = |factor: f64, saved| {
            let ours = theirs.map(|value| value * factor);
            compare(&turns(&ours), &turns(&theirs), "b".into(), saved).map(|c| c.outcome)
        };
        assert_eq!(outcome(1.08, false), Some(Outcome::Slower));
        assert_eq!(outcome(1.08, true), Some(Outcome::Same));
        assert_eq!(outcome(1.2, true), Some(Outcome::Slower));
    }

    #[test]
    fn what_else_differs_is_told() {
        let mut saved = http([result(1, 0).times(&[(100.0, 10)])]);
        let mut report = saved.clone();
        assert!(unlike(&report, &saved, "old.json").is_empty());
        saved.settings.network_delay_ms = Some(50.0);
        saved.machine.processors = 64;
        saved.results[0].partial = true;
        report.partial = Some("interrupted".into());
        let told = unlike(&report, &saved, "old.json");
        assert_eq!(told.len(), 4, "{told:?}");
        assert_eq!(
            told[1],
            "the network delay differs: none now, 50.0 ms in old.json"
        );
    }

    proptest! {
        // Each of them draws or counts a lot.
        #![proptest_config(ProptestConfig::with_cases(8))]

        #[test]
        fn bounds_hold_what_lies_between(values in proptest::collection::vec(1.0f64..1e6, 1..20), factor in 0.1f64..10.0) {
            let scaled: Vec<f64> = values.iter().map(|value| value * factor).collect();
            let (low, high) = interval(&scaled, &values, true);
            prop_assert!((low - factor).abs() < factor * 1e-9, "drawn together, the ratio is always the same");
            prop_assert!(low <= high);
            let (low, high) = interval(&scaled, &values, false);
            prop_assert!(low <= high && low > 0.0);
            let compared = compare(&turns(&scaled), &turns(&values[..1]), "b".into(), false).unwrap();
            prop_assert!(compared.low <= compared.ratio && compared.ratio <= compared.high);
            prop_assert!(spread(&values) >= 0.0 && halves_apart(&values) >= 0.0);
        }
    }
}
