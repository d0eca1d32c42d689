//! The verdict of one trial: each step's expectation against what was seen of it.

mod expectation;
mod hear;
mod quiet;
pub mod silence;

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use super::Session;
use super::evidence::{self, Violation};
use super::pattern::Scope;
use super::view::{self, Observation, Trial};
use crate::catalog::case::{Action, Case, Step};
use crate::catalog::hint;
use crate::conversation::{Exchange, Span};
use crate::drive::after_last;
use crate::transcript::{Header, StepRef, What};
use crate::verdict::{Finding, TrialReport, Verdict};
use crate::wire;

/// What a step says.
enum Seen {
    /// Nothing against it.
    Fine,
    /// Something is wrong; the next step may still be looked at.
    Wrong(Violation),
    /// No answer came, so nothing after it was played.
    Silent(Violation),
    /// The driver had reason not to play it.
    Stop,
    /// What the case is about did not appear.
    NotObserved(String),
    /// Our own fault.
    Broken(String),
}

/// Judges the trial with this index; none if the catalog does not have its case.
pub fn judge(session: &Session<'_>, index: usize, span: &Span) -> Option<TrialReport> {
    let case_id = span.name.split('@').next()?;
    let case = session.catalog.case(case_id)?;
    let trial = Trial {
        entries: session.entries,
        conversation: session.conversation,
        index,
        case,
    };
    let mut judge = Judge {
        session,
        trial,
        case,
        vars: initial_vars(session),
        findings: Vec::new(),
        silent: false,
    };
    let stop = judge.steps();
    judge.liveness();
    let Judge { mut findings, .. } = judge;
    evidence::sort(&mut findings);
    let (verdict, reason) = match stop {
        Some((Verdict::Broken, reason)) => (Verdict::Broken, Some(reason)),
        Some((verdict, reason)) if findings.is_empty() => (verdict, Some(reason)),
        _ => (Verdict::of(&findings), None),
    };
    Some(TrialReport {
        case: case.id.clone(),
        revision: session.header.revision,
        transport: session.header.transport,
        verdict,
        duration_ms: duration_ms(session, span),
        reason,
        findings,
    })
}

fn duration_ms(session: &Session<'_>, span: &Span) -> f64 {
    let at = |index: usize| session.entries.get(index).map_or(0, |entry| entry.at_us);
    let micros = at(span.end.saturating_sub(1)).saturating_sub(at(span.start));
    micros as f64 / 1000.0
}

fn initial_vars(session: &Session<'_>) -> BTreeMap<String, Value> {
    let mut vars = crate::plan::vars(
        &session.header.profile,
        session.header.revision,
        session.header.transport,
    );
    vars.extend(view::session_id(session).map(|id| ("session".to_owned(), Value::String(id))));
    vars
}

struct Judge<'a> {
    session: &'a Session<'a>,
    trial: Trial<'a>,
    case: &'a Case,
    vars: BTreeMap<String, Value>,
    findings: Vec<Finding>,
    silent: bool,
}

impl Judge<'_> {
    /// Judges step by step; returns why there was nothing (more) to judge.
    fn steps(&mut self) -> Option<(Verdict, String)> {
        for (at, step) in self.case.all_steps() {
            match self.step(at, step) {
                Seen::Fine => {}
                Seen::Wrong(violation) => self.find(violation),
                Seen::Silent(violation) => {
                    self.silent = true;
                    let more = self.not_got_over(step, &violation);
                    [violation]
                        .into_iter()
                        .chain(more)
                        .for_each(|found| self.find(found));
                    return None;
                }
                Seen::Stop => return None,
                Seen::NotObserved(reason) => return Some((Verdict::NotObserved, reason)),
                Seen::Broken(_) if !self.findings.is_empty() => return None,
                Seen::Broken(reason) => return Some((Verdict::Broken, reason)),
            }
        }
        None
    }

    /// Adds a finding. What several steps show in the same way is said once.
    fn find(&mut self, mut violation: Violation) {
        let known = |known: &Finding| {
            known.requirement == violation.requirement && known.message == violation.message
        };
        if !self.findings.iter().any(known) {
            let Header {
                revision,
                transport,
                ..
            } = *self.session.header;
            let usual = hint::choose(&self.case.hints, &violation.actual, revision, transport);
            violation.hint = violation.hint.or(usual.map(str::to_owned));
            self.findings
                .extend(evidence::finding(self.session, violation));
        }
    }

    fn step(&mut self, at: StepRef, step: &Step) -> Seen {
        if let Some(reason) = self.unplayable(at) {
            return Seen::Broken(reason);
        }
        let observation = self.trial.observe(at, step);
        if let Some(reason) = self.own_fault(&observation) {
            return Seen::Broken(reason);
        }
        let seen = match &step.action {
            Action::Reply { .. }
            | Action::Reconnect
            | Action::Start { .. }
            | Action::Together(_) => Seen::Fine,
            // Over HTTP a modern client cancels by closing the stream: nothing is sent.
            Action::Cancel { .. } if observation.exchanges.is_empty() => Seen::Fine,
            Action::Opening if observation.exchanges.is_empty() => {
                Seen::NotObserved("this revision has no opening".to_owned())
            }
            Action::Hear { pattern } => self.hear(at, step, pattern, &observation),
            Action::Quiet { pattern } => self.quiet(at, step, pattern),
            Action::Settle => self.alive(at, None),
            Action::Alive => self.alive(at, step.expect.requirement.as_deref()),
            _ => self.expectation(at, step, &observation),
        };
        self.vars
            .extend(view::saved(&step.expect, observation.answer.as_deref()));
        seen
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            revision: self.session.header.revision,
            vars: &self.vars,
        }
    }

    fn unplayable(&self, at: StepRef) -> Option<String> {
        let entry = self
            .trial
            .entry(|what| matches!(what, What::Unplayable { step, .. } if *step == at))?;
        match &self.trial.entries[entry].what {
            What::Unplayable { reason, .. } => {
                Some(format!("step {} could not be played: {reason}", at.0 + 1))
            }
            _ => None,
        }
    }

    /// What we send must be valid unless it is wrong on purpose.
    fn own_fault(&self, observation: &Observation<'_>) -> Option<String> {
        let schema = wire::schemas(self.session.header.revision)?;
        observation.exchanges.iter().find_map(|index| {
            let entry = &self.trial.entries[self.trial.conversation.exchanges[*index].sent];
            match (&entry.what, entry.json()) {
                (
                    What::Sent {
                        deliberate: false, ..
                    },
                    Some(message),
                ) => {
                    let violation = schema.client_message(message, None).into_iter().next()?;
                    Some(format!(
                        "we sent an invalid message: {} at {}",
                        violation.message, violation.pointer
                    ))
                }
                _ => None,
            }
        })
    }

    fn exchange(&self, observation: &Observation<'_>) -> Option<&Exchange> {
        observation
            .exchanges
            .last()
            .map(|index| &self.trial.conversation.exchanges[*index])
    }

    fn evidence(&self, observation: &Observation<'_>) -> Vec<usize> {
        let mut entries = observation.entries.clone();
        if let Some(exchange) = self.exchange(observation) {
            entries.push(exchange.sent);
            entries.extend(exchange.head);
            entries.extend(exchange.answer.or(exchange.deadline).or(exchange.ended));
        }
        entries.sort_unstable();
        entries.dedup();
        entries
    }

    /// The driver stopped before this step. That is right where it had lost the server's attention: then it asked whether
    /// the server still answers, and that is judged.
    fn not_played(&self, at: StepRef) -> Seen {
        match self.trial.exchanges(after_last(self.case)).next() {
            Some(_) => Seen::Stop,
            None => Seen::Broken(format!("step {} was not played", at.0 + 1)),
        }
    }

    /// The entries of the trial, by index.
    fn span(&self) -> Range<usize> {
        let span = self.trial.conversation.trials.get(self.trial.index);
        span.map_or(0..0, |span| {
            span.start..span.end.min(self.trial.entries.len())
        })
    }

    /// The requirement that the step names, if it binds here; else the first of the case that does.
    fn requirement(&self, named: Option<String>) -> Option<String> {
        named
            .into_iter()
            .chain(self.case.requirements.iter().cloned())
            .find(|requirement| evidence::binds(self.session, requirement))
    }
}
