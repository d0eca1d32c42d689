//! The verdict of one trial: each step's expectation against what was seen of it.

use serde_json::{Value, json};

use super::Session;
use super::evidence::{self, Violation};
use super::pattern::{self, Mismatch, Scope};
use super::view::{self, Observation, Trial};
use crate::catalog::case::{Action, Case, Expectation, Step, Tolerance};
use crate::conversation::{Exchange, Span};
use crate::drive::after_last;
use crate::judge::duty::Duty;
use crate::message::{self, Kind};
use crate::transcript::{StepRef, What};
use crate::verdict::{Finding, TrialReport, Verdict};
use crate::wire;

/// The requirement behind the question that follows every hostile input.
pub const STAYS_ALIVE: &str = "robust/stays-alive";
/// The requirement that a missing answer violates.
pub const ANSWERS: &str = "robust/answers-in-time";
/// The requirement of JSON-RPC itself.
const ANSWERED: &str = "messages/request-answered";
/// The requirements that say that an answer comes.
const ON_ANSWERING: [&str; 2] = [ANSWERED, "messages/batch"];

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
        name: span.name.clone(),
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

fn initial_vars(session: &Session<'_>) -> std::collections::BTreeMap<String, Value> {
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
    vars: std::collections::BTreeMap<String, Value>,
    findings: Vec<Finding>,
    silent: bool,
}

impl Judge<'_> {
    /// Judges step by step; returns why there was nothing (more) to judge.
    fn steps(&mut self) -> Option<(Verdict, String)> {
        for (index, step) in self.case.steps.iter().enumerate() {
            let at = StepRef(to_u16(index), 0);
            let seen = match &step.action {
                Action::Together(steps) => steps
                    .iter()
                    .enumerate()
                    .map(|(inner, step)| (StepRef(at.0, to_u16(inner + 1)), step))
                    .find_map(|(at, step)| match self.step(at, step) {
                        Seen::Fine => None,
                        other => Some(other),
                    })
                    .unwrap_or(Seen::Fine),
                _ => self.step(at, step),
            };
            match seen {
                Seen::Fine => {}
                Seen::Wrong(violation) => self.find(violation),
                Seen::Silent(violation) => {
                    self.silent = true;
                    self.find(violation);
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
    fn find(&mut self, violation: Violation) {
        let known = |known: &Finding| {
            known.requirement == violation.requirement && known.message == violation.message
        };
        if !self.findings.iter().any(known) {
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
            Action::Reply { .. } | Action::Reconnect | Action::Start { .. } => Seen::Fine,
            // Over HTTP a modern client cancels by closing the stream: nothing is sent.
            Action::Cancel { .. } if observation.exchanges.is_empty() => Seen::Fine,
            Action::Opening if observation.exchanges.is_empty() => {
                Seen::NotObserved("this revision has no opening".to_owned())
            }
            Action::Quiet { pattern } => self.quiet(at, step, pattern),
            Action::Alive => self.alive(at, step.expect.requirement.as_deref()),
            _ => self.expectation(at, step, &observation),
        };
        self.vars
            .extend(view::saved(&step.expect, observation.answer.as_ref()));
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
    fn own_fault(&self, observation: &Observation) -> Option<String> {
        let schema = wire::schemas(self.session.header.revision)?;
        observation.exchanges.iter().find_map(|index| {
            let entry = &self.trial.entries[self.trial.conversation.exchanges[*index].sent];
            match (&entry.what, entry.json.as_deref()) {
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

    fn exchange(&self, observation: &Observation) -> Option<&Exchange> {
        observation
            .exchanges
            .last()
            .map(|index| &self.trial.conversation.exchanges[*index])
    }

    fn evidence(&self, observation: &Observation) -> Vec<usize> {
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

    fn expectation(&self, at: StepRef, step: &Step, observation: &Observation) -> Seen {
        let exchange = self.exchange(observation);
        if exchange.is_none() && observation.answer.is_none() {
            return self.not_played(at);
        }
        if let Some(missing) =
            exchange.and_then(|exchange| self.missing_answer(step, observation, exchange))
        {
            return missing;
        }
        if !view::is_given(&step.expect, observation, &self.scope()) {
            return Seen::NotObserved(self.not_given(step, observation));
        }
        let due = exchange.map(|exchange| exchange.due.duty);
        let silence_passes =
            observation.answer.is_none() && matches!(due, Some(Duty::May | Duty::MustNot));
        let failures = self.failures(&step.expect, observation, silence_passes);
        match failures.first() {
            None => self.unexpected_answer(step, observation),
            Some((part, mismatch)) => self.wrong(step, observation, &failures, part, mismatch),
        }
    }

    /// The driver stopped before this step. That is right where it had lost the server's attention: then it asked whether
    /// the server still answers, and that is judged.
    fn not_played(&self, at: StepRef) -> Seen {
        match self.trial.exchanges(after_last(self.case)).next() {
            Some(_) => Seen::Stop,
            None => Seen::Broken(format!("step {} was not played", at.0 + 1)),
        }
    }

    /// A request without its answer: the server hangs or is gone. An HTTP status can take its place where the step
    /// asks for one.
    fn missing_answer(
        &self,
        step: &Step,
        observation: &Observation,
        exchange: &Exchange,
    ) -> Option<Seen> {
        let absent_is_fine = pattern_accepts_absence(step.expect.answer.as_ref(), &self.scope());
        let has_head = exchange.head.is_some();
        if observation.answer.is_some() || absent_is_fine {
            return None;
        }
        let over_http = exchange.stream != 0;
        if let Action::Await {
            until: Some(until), ..
        } = &step.action
        {
            let scope = self.scope();
            let awaited = |index: &usize| {
                view::messages_at(self.trial.entries, *index)
                    .iter()
                    .any(|message| pattern::matches(until, Some(message), &scope).is_ok())
            };
            if (exchange.sent..self.span_end().min(self.trial.entries.len()))
                .any(|index| awaited(&index))
            {
                return None;
            }
        }
        if over_http
            && has_head
            && exchange.deadline.is_none()
            && (step.expect.status.is_some() || !exchange.is_request())
        {
            return None;
        }
        if over_http && !has_head {
            let message = "the server gave no HTTP response";
            return (exchange.due.duty != Duty::May)
                .then(|| self.silent(step.expect.requirement.as_deref(), observation, message));
        }
        if !exchange.is_request() {
            return None;
        }
        let status = observation
            .status
            .as_ref()
            .map(|status| format!(": HTTP {status} without a JSON-RPC message"));
        let method = exchange.method.as_deref().unwrap_or("the request");
        let message = format!("{method} was not answered{}", status.unwrap_or_default());
        let named = step.expect.requirement.as_deref();
        // A status without a message came in time: what is missing is the answer.
        let silent = self.silent(
            named.or(has_head.then_some(ANSWERED)),
            observation,
            &message,
        );
        Some(match &step.action {
            Action::Await {
                until: Some(until), ..
            } => self.not_come(step, until, silent),
            _ => silent,
        })
    }

    /// No answer. The step may name what that violates, if it is about answering at all.
    fn silent(&self, named: Option<&str>, observation: &Observation, message: &str) -> Seen {
        let mut entries = self.evidence(observation);
        let from = entries.first().copied().unwrap_or_default();
        let gone = self.trial.entries[from..].iter().position(|entry| {
            matches!(entry.what, What::Exit { .. } | What::Broken { .. })
                || (entry.stream == 0 && entry.what == What::End)
        });
        let gone = gone
            .map(|offset| from + offset)
            .filter(|index| *index < self.span_end());
        entries.extend(gone);
        let named = named.filter(|named| {
            named.starts_with("robust/") || (gone.is_none() && ON_ANSWERING.contains(named))
        });
        let message = match gone {
            Some(gone) => match &self.trial.entries[gone].what {
                What::Broken { message: how } => format!("{message}: {how}"),
                _ => format!("{message}: the server ended, or closed the connection"),
            },
            None => message.to_owned(),
        };
        Seen::Silent(Violation {
            requirement: named
                .unwrap_or(if gone.is_some() { STAYS_ALIVE } else { ANSWERS })
                .to_owned(),
            message,
            expected: json!("an answer"),
            actual: Value::Null,
            entries,
            tolerated: false,
            hint: None,
        })
    }

    /// A message on the stream of a request did not come. As long as the server is there, that is what the step is about.
    fn not_come(&self, step: &Step, awaited: &Value, silent: Seen) -> Seen {
        let requirement = self.requirement(step.expect.requirement.clone());
        match (silent, requirement) {
            (Seen::Silent(violation), Some(requirement))
                if violation.requirement != STAYS_ALIVE =>
            {
                Seen::Silent(Violation {
                    requirement,
                    message: "the message awaited on the stream of the request did not come"
                        .to_owned(),
                    expected: pattern::resolve(awaited, &self.scope()),
                    ..violation
                })
            }
            (silent, _) => silent,
        }
    }

    fn span_end(&self) -> usize {
        self.trial
            .conversation
            .trials
            .get(self.trial.index)
            .map_or(usize::MAX, |span| span.end)
    }

    fn not_given(&self, step: &Step, observation: &Observation) -> String {
        let scope = self.scope();
        let given = step
            .expect
            .given
            .as_ref()
            .or(step.expect.given_notifications.as_ref());
        let actual = match step.expect.given {
            Some(_) => observation.answer.as_ref(),
            None => Some(&observation.notifications),
        };
        let mismatch = given.and_then(|given| pattern::matches(given, actual, &scope).err());
        let seen = mismatch.map_or_else(String::new, |m| format!(": {}{}", place(&m), m.message));
        format!("what the case is about did not appear{seen}")
    }

    /// The parts of the expectation that do not hold.
    fn failures(
        &self,
        expect: &Expectation,
        seen: &Observation,
        silence_passes: bool,
    ) -> Vec<(Part, Mismatch)> {
        let scope = self.scope();
        let over_http = seen.status.is_some();
        Part::ALL
            .into_iter()
            .filter(|part| match part {
                Part::Answer => !silence_passes,
                Part::Notifications => true,
                Part::Status | Part::Headers | Part::Body => over_http,
            })
            .filter_map(|part| {
                let pattern = part.expected(expect)?;
                let mismatch = pattern::matches(pattern, part.actual(seen), &scope).err()?;
                Some((part, mismatch))
            })
            .collect()
    }

    fn wrong(
        &self,
        step: &Step,
        observation: &Observation,
        failures: &[(Part, Mismatch)],
        part: &Part,
        mismatch: &Mismatch,
    ) -> Seen {
        if mismatch.undecided {
            return Seen::Broken(format!("the pattern could not be applied: {mismatch}"));
        }
        let expected = part
            .expected(&step.expect)
            .map(|pattern| pattern::resolve(pattern, &self.scope()));
        let tolerance = step
            .expect
            .tolerate
            .iter()
            .find(|tolerance| self.tolerates(tolerance, observation, failures));
        let requirement = tolerance
            .and_then(|tolerance| tolerance.requirement.clone())
            .or_else(|| step.expect.requirement.clone());
        let Some(requirement) = self.requirement(requirement) else {
            return Seen::Broken("no requirement of the case binds here".to_owned());
        };
        let why = tolerance.map(|tolerance| format!(" (tolerated: {})", tolerance.why));
        Seen::Wrong(Violation {
            requirement,
            message: format!(
                "{}{}{}{}",
                part.name(),
                place(mismatch),
                mismatch.message,
                why.unwrap_or_default()
            ),
            expected: expected.unwrap_or(Value::Null),
            actual: part.actual(observation).cloned().unwrap_or(Value::Null),
            entries: self.evidence(observation),
            tolerated: tolerance.is_some(),
            hint: None,
        })
    }

    /// The requirement that the step names, if it binds here; else the first of the case that does.
    fn requirement(&self, named: Option<String>) -> Option<String> {
        named
            .into_iter()
            .chain(self.case.requirements.iter().cloned())
            .find(|requirement| evidence::binds(self.session, requirement))
    }

    /// A tolerance must explain every part that fails, and whatever else it mentions must hold.
    fn tolerates(
        &self,
        tolerance: &Tolerance,
        seen: &Observation,
        failures: &[(Part, Mismatch)],
    ) -> bool {
        let scope = self.scope();
        let explains = failures
            .iter()
            .all(|(part, _)| part.tolerated(tolerance).is_some());
        explains
            && Part::ALL.into_iter().all(|part| {
                part.tolerated(tolerance).is_none_or(|pattern| {
                    pattern::matches(pattern, part.actual(seen), &scope).is_ok()
                })
            })
    }

    /// Nothing was said of the answer; still a notification must have none, and what is invalid no result.
    fn unexpected_answer(&self, step: &Step, observation: &Observation) -> Seen {
        let Some(exchange) = self.exchange(observation) else {
            return Seen::Fine;
        };
        let Some(answer) = observation
            .answer
            .as_ref()
            .filter(|_| step.expect.answer.is_none())
        else {
            return Seen::Fine;
        };
        let refused = observation
            .status
            .as_ref()
            .and_then(Value::as_u64)
            .is_some_and(|status| status >= 400);
        if exchange.due.duty != Duty::MustNot || refused {
            return Seen::Fine;
        }
        let Some(requirement) = self.requirement(step.expect.requirement.clone()) else {
            return Seen::Fine;
        };
        Seen::Wrong(Violation {
            requirement,
            message: "it was answered, and nothing may answer it".to_owned(),
            expected: json!("no answer"),
            actual: answer.clone(),
            entries: self.evidence(observation),
            tolerated: false,
            hint: None,
        })
    }

    fn quiet(&self, at: StepRef, step: &Step, forbidden: &Value) -> Seen {
        let Some(end) = self
            .trial
            .entry(|what| matches!(what, What::Settled { step } if *step == at))
        else {
            return self.alive(at, None);
        };
        let start = self
            .trial
            .conversation
            .trials
            .get(self.trial.index)
            .map_or(0, |span| span.start);
        // Over HTTP the body of a refusal answers the exchange, not the message.
        let refused = |exchange: &Exchange| {
            let head = exchange.head.map(|head| &self.trial.entries[head].what);
            matches!(head, Some(What::HttpResponse { status: 400.., .. }))
        };
        let expected: Vec<usize> = self
            .trial
            .conversation
            .exchanges
            .iter()
            .filter(|exchange| exchange.is_request() || refused(exchange))
            .filter_map(|exchange| exchange.answer)
            .filter(|answer| !self.was_cancelled_before(at, *answer))
            .collect();
        let scope = self.scope();
        let culprit = (start..end)
            .filter(|index| !expected.contains(index))
            .find(|index| {
                let entry = &self.trial.entries[*index];
                let received = matches!(entry.what, What::Received { .. });
                received
                    && entry.json.as_deref().is_some_and(|document| {
                        message::messages(document)
                            .iter()
                            .any(|message| is_forbidden(message, forbidden, &scope))
                            || *document == json!([])
                    })
            });
        let Some(culprit) = culprit else {
            return Seen::Fine;
        };
        let Some(requirement) = self.requirement(step.expect.requirement.clone()) else {
            return Seen::Fine;
        };
        Seen::Wrong(Violation {
            requirement,
            message: "a message came that must not come".to_owned(),
            expected: json!("silence"),
            actual: self.trial.entries[culprit]
                .json
                .as_deref()
                .cloned()
                .unwrap_or(Value::Null),
            entries: vec![culprit],
            tolerated: false,
            hint: None,
        })
    }

    /// Whether this is the answer to a request that the case had cancelled by then.
    fn was_cancelled_before(&self, at: StepRef, answer: usize) -> bool {
        let steps = self.case.steps.iter().zip(0..at.0);
        steps.into_iter().any(|(step, index)| {
            let Action::Cancel { name } = &step.action else {
                return false;
            };
            let cancelled = self.trial.exchanges(StepRef(index, 0)).next();
            let started = self.trial.started(name);
            started.is_some_and(|(_, exchange)| exchange.answer == Some(answer))
                && cancelled.is_some_and(|(_, exchange)| exchange.sent < answer)
        })
    }

    fn alive(&self, at: StepRef, requirement: Option<&str>) -> Seen {
        let exchange = self.trial.exchanges(at).last();
        let Some((index, exchange)) = exchange else {
            return self.not_played(at);
        };
        if exchange.answer.is_some() {
            return Seen::Fine;
        }
        let observation = Observation {
            exchanges: vec![index],
            ..Observation::default()
        };
        let named = requirement.or(Some(STAYS_ALIVE));
        match self.silent(
            named,
            &observation,
            "the server does not answer the next valid request",
        ) {
            Seen::Silent(violation) => {
                let entries = self
                    .hostile_entry()
                    .into_iter()
                    .chain(violation.entries)
                    .collect();
                Seen::Silent(Violation {
                    entries,
                    ..violation
                })
            }
            other => other,
        }
    }

    /// The last thing sent on purpose, which the server did not survive.
    fn hostile_entry(&self) -> Option<usize> {
        let span = self.trial.conversation.trials.get(self.trial.index)?;
        (span.start..span.end.min(self.trial.entries.len()))
            .rev()
            .find(|index| {
                matches!(
                    self.trial.entries[*index].what,
                    What::Sent {
                        deliberate: true,
                        ..
                    }
                )
            })
    }

    /// The question that follows every hostile case. A server that is known to be gone is not blamed twice.
    fn liveness(&mut self) {
        let at = after_last(self.case);
        let blamed = self.silent;
        if blamed || self.trial.exchanges(at).next().is_none() {
            return;
        }
        if let Seen::Silent(violation) = self.alive(at, None) {
            self.find(violation);
        }
    }
}

fn is_forbidden(message: &Value, forbidden: &Value, scope: &Scope<'_>) -> bool {
    match forbidden {
        Value::Bool(true) => matches!(message::kind(message), Kind::Response { .. }),
        pattern => pattern::matches(pattern, Some(message), scope).is_ok(),
    }
}

fn pattern_accepts_absence(expected: Option<&Value>, scope: &Scope<'_>) -> bool {
    expected.is_some_and(|pattern| pattern::matches(pattern, None, scope).is_ok())
}

fn place(mismatch: &Mismatch) -> String {
    if mismatch.path.is_empty() {
        String::new()
    } else {
        format!("at {}: ", mismatch.path)
    }
}

/// The parts of an observation that an expectation speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Answer,
    Status,
    Headers,
    Body,
    Notifications,
}

impl Part {
    /// The status comes first: where a step names one, it says in a word what the answer says in many.
    const ALL: [Part; 5] = [
        Part::Status,
        Part::Answer,
        Part::Headers,
        Part::Body,
        Part::Notifications,
    ];

    fn name(self) -> &'static str {
        match self {
            Part::Answer => "",
            Part::Status => "HTTP status: ",
            Part::Headers => "HTTP headers: ",
            Part::Body => "HTTP body: ",
            Part::Notifications => "messages before the answer: ",
        }
    }

    fn expected(self, expect: &Expectation) -> Option<&Value> {
        match self {
            Part::Answer => expect.answer.as_ref(),
            Part::Status => expect.status.as_ref(),
            Part::Headers => expect.headers.as_ref(),
            Part::Body => expect.body.as_ref(),
            Part::Notifications => expect.notifications.as_ref(),
        }
    }

    fn tolerated(self, tolerance: &Tolerance) -> Option<&Value> {
        match self {
            Part::Answer => tolerance.answer.as_ref(),
            Part::Status => tolerance.status.as_ref(),
            Part::Headers => tolerance.headers.as_ref(),
            Part::Body => None,
            Part::Notifications => tolerance.notifications.as_ref(),
        }
    }

    fn actual(self, seen: &Observation) -> Option<&Value> {
        match self {
            Part::Answer => seen.answer.as_ref(),
            Part::Status => seen.status.as_ref(),
            Part::Headers => seen.headers.as_ref(),
            Part::Body => seen.body.as_ref(),
            Part::Notifications => Some(&seen.notifications),
        }
    }
}

fn to_u16(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}
