//! What is told in the end: a trial for each oracle and rule in each place, in the form that every report has.

use std::time::Instant;

use serde_json::{Value, json};

use super::campaign::Tally;
use super::input::Input;
use super::memory::Held;
use super::oracle::Oracle;
use super::place::Place;
use super::{Certainty, Found, Options, save};
use crate::conversation::Conversation;
use crate::event::{Fuzzing, RunReport, Summary};
use crate::judge::evidence::{self, Violation};
use crate::profile::Profile;
use crate::revision::Revision;
use crate::rule::{self, RULES};
use crate::run::session::Bench;
use crate::transport::Transport;
use crate::verdict::{Finding, Fuzzed, TrialReport, Verdict};

/// Why nothing can be said about what was still being looked into.
const OPEN: &str =
    "something looks wrong, and the run ended before it was tried again: more --time tells";

/// Everything, in the form of a report.
pub(super) fn report(
    options: &Options,
    profile: &Profile,
    bench: &Bench,
    tallies: Vec<(Revision, Transport, Tally)>,
    mut trials: Vec<TrialReport>,
    started: Instant,
) -> RunReport {
    let mut fuzzing = Fuzzing {
        seed: options.replay.is_none().then_some(options.seed),
        ..Fuzzing::default()
    };
    for (revision, transport, tally) in &tallies {
        trials.extend(trials_of(*revision, *transport, tally, options));
        fuzzing.inputs += tally.inputs;
        fuzzing.coverage.add(&tally.coverage);
        fuzzing.unsaved = fuzzing.unsaved.or_else(|| tally.unsaved.clone());
    }
    TrialReport::sort(&mut trials);
    let seconds = started.elapsed().as_secs_f64();
    fuzzing.inputs_per_s = fuzzing.inputs as f64 / seconds.max(f64::EPSILON);
    let mut summary = Summary::of(&trials);
    // What inputs do not break is not what the specification asks: that is for `check` to say.
    summary.statements.clear();
    summary.duration_ms = seconds * 1000.0;
    summary.starts = bench.starts();
    RunReport {
        fuzzing: Some(fuzzing),
        ..RunReport::new(
            &options.run.catalog,
            options.run.target.clone(),
            profile.clone(),
            summary,
            trials,
        )
    }
}

fn trials_of(
    revision: Revision,
    transport: Transport,
    tally: &Tally,
    options: &Options,
) -> Vec<TrialReport> {
    let rules = RULES
        .iter()
        .filter(|rule| (rule.applies)(revision, transport))
        .map(|rule| Oracle::Rule(rule.name));
    let oracles = Oracle::OWN.into_iter().chain(rules);
    let trial = |oracle: Oracle| {
        let found = tally.found.iter().filter(|found| found.oracle == oracle);
        let mut findings: Vec<Finding> = found.map(|found| finding(found, options)).collect();
        evidence::sort(&mut findings);
        let cut_short = tally.cut_short.clone().filter(|_| tally.inputs == 0);
        let is_unseen = matches!(oracle, Oracle::Rule(rule) if !tally.observed.contains(rule));
        // Why nothing can be said.
        let unknown = match findings.is_empty() {
            true if cut_short.is_some() => Some((Verdict::Broken, cut_short.as_deref())),
            true if tally.open.contains(&oracle) => Some((Verdict::Broken, Some(OPEN))),
            true if is_unseen => Some((Verdict::NotObserved, Some(rule::UNSEEN))),
            _ => None,
        };
        let (verdict, reason) = unknown.unwrap_or_else(|| (Verdict::of(&findings), None));
        TrialReport {
            case: oracle.case().into(),
            revision,
            transport,
            verdict,
            duration_ms: 0.0,
            reason: reason.map(str::to_owned),
            findings,
        }
    };
    oracles.map(trial).collect()
}

fn finding(found: &Found, options: &Options) -> Finding {
    let mut finding = found.finding.clone();
    finding.message.push_str(match found.certainty {
        Certainty::Repeated => "",
        Certainty::Unverified => " (the time was up before it was verified)",
        Certainty::Once => " (seen once; it did not happen again)",
    });
    let session = save::session_name(found);
    for entry in &mut finding.entries {
        entry.transcript.clone_from(&session);
    }
    finding.reproduce = evidence::quoted(&reproduce(found, options));
    let input = steps(&found.input);
    finding.fuzzed = Some(Box::new(Fuzzed {
        oracle: found.oracle.case(),
        case: found.saved.clone().or_else(|| given(&input, options)),
        input,
        shrunk: steps(&found.shrunk),
        seen: found.seen,
        tries: found.tries,
        transcript: found
            .transcript
            .as_ref()
            .map(|path| path.display().to_string()),
    }));
    finding
}

fn steps(inputs: &[Input]) -> Value {
    json!(Input::steps(inputs, |_, _| {}))
}

/// The id of the case whose input this is, if it was given.
fn given(input: &Value, options: &Options) -> Option<String> {
    let mut given = options.replay.iter().flatten();
    let found = given.find(|given| steps(std::slice::from_ref(&given.input)) == *input)?;
    Some(found.case.to_string())
}

/// The words of a command that shows it again: the saved case, or the same inputs.
fn reproduce(found: &Found, options: &Options) -> Vec<String> {
    let arguments = &options.run.arguments;
    let revision = ["--revision".to_owned(), found.revision.to_string()];
    let select = |case: &str| ["--case".to_owned(), case.to_owned()];
    let Some(case) = &found.saved else {
        let seed = match options.replay {
            // They are named among the arguments.
            Some(_) => Vec::new(),
            None => vec!["--seed".to_owned(), options.seed.to_string()],
        };
        let (program, rest) = arguments.split_at(arguments.len().min(2));
        return [program, &seed, &revision, rest].concat();
    };
    let line = save::check_line(&options.save, arguments);
    // The program, its command, and where the cases are.
    let (check, rest) = line.split_at(line.len().min(4));
    let rule = match found.oracle {
        Oracle::Rule(_) => select(&found.oracle.case()).to_vec(),
        _ => Vec::new(),
    };
    [check, &select(case), &rule, &revision, rest].concat()
}

/// That no session opens any more.
pub(super) fn closed(place: &Place, message: &str) -> Option<Finding> {
    let violation = Violation {
        requirement: "robust/answers-in-time".to_owned(),
        message: message.to_owned(),
        expected: json!("a session"),
        actual: json!(null),
        entries: Vec::new(),
        tolerated: false,
        hint: None,
    };
    of_no_session(place, violation)
}

/// That the process grows.
pub(super) fn leak(place: &Place, first: Held, now: Held) -> Option<Finding> {
    let violation = Violation {
        requirement: "robust/bounded-memory".to_owned(),
        message: "the process grows with the number of inputs, and with the same inputs again"
            .to_owned(),
        expected: json!("no more than at first"),
        actual: json!({
            "MiB": [first.kib >> 10, now.kib >> 10],
            "threads": [first.threads, now.threads],
        }),
        entries: Vec::new(),
        tolerated: false,
        hint: None,
    };
    of_no_session(place, violation)
}

fn of_no_session(place: &Place, violation: Violation) -> Option<Finding> {
    let nothing = Conversation::new(place.header.revision, place.header.transport);
    evidence::finding(&place.seen(&[], &nothing), violation)
}
