//! Answers and messages that did not come: what that violates, and whether the server is still there.

use serde_json::{Value, json};

use super::super::evidence::Violation;
use super::super::pattern::{self, Scope};
use super::super::view::{self, Observation};
use super::{Judge, Seen};
use crate::catalog::Unanswered;
use crate::catalog::case::{Action, Step};
use crate::conversation::Exchange;
use crate::drive::after_last;
use crate::judge::duty::Duty;
use crate::transcript::{StepRef, What};
use crate::transport::Transport;

/// The requirement behind the question that follows every hostile input.
pub const STAYS_ALIVE: &str = "robust/stays-alive";
/// The requirement that a missing answer violates.
pub const ANSWERS: &str = "robust/answers-in-time";
/// The requirement of JSON-RPC itself.
pub const ANSWERED: &str = "messages/request-answered";
impl Judge<'_> {
    /// A request without its answer: the server hangs or is gone. An HTTP status can take its place where the step
    /// asks for one.
    pub(super) fn missing_answer(
        &self,
        step: &Step,
        observation: &Observation<'_>,
        exchange: &Exchange,
    ) -> Option<Seen> {
        let until = match &step.action {
            Action::Await { until, .. } => until.as_ref(),
            _ => None,
        };
        let over_http = exchange.stream != 0;
        let has_head = exchange.head.is_some();
        let status_counts = step.expect.status.is_some() || !exchange.is_request();
        let answered = observation.answer.is_some()
            || accepts_absence(step.expect.answer.as_ref(), &self.scope())
            || until.is_some_and(|until| self.has_come(until, exchange.sent))
            || (over_http && has_head && exchange.deadline.is_none() && status_counts);
        if answered {
            return None;
        }
        let named = step.expect.requirement.as_deref();
        let named = named.filter(|named| self.unanswered(named) != Some(Unanswered::Too));
        if over_http && !has_head {
            let message = "the server gave no HTTP response";
            return (exchange.due.duty != Duty::May)
                .then(|| self.silent(named, observation, message));
        }
        if !exchange.is_request() {
            return None;
        }
        // A status without a message came in time: what is missing is the answer. Over HTTP+SSE one that accepts the
        // message is no word on that.
        let over_sse = self.session.header.transport == Transport::Sse;
        let settled = has_head && (!over_sse || exchange.ended.is_some());
        let named = named.or(settled.then_some(ANSWERED));
        let silent = self.silent(named, observation, &unanswered(exchange, observation));
        Some(match until {
            Some(until) => self.not_come(step, until, silent),
            None => silent,
        })
    }

    /// Whether a message that is waited for came on the stream of the request sent with this entry, while the trial lasted.
    fn has_come(&self, awaited: &Value, sent: usize) -> bool {
        let era = self.session.header.revision.era();
        let entries = &self.trial.entries[..self.span().end];
        view::has_come(awaited, view::concerning(entries, sent, era), &self.scope())
    }

    /// No answer. The step may name what that violates, if it is about answering at all.
    fn silent(&self, named: Option<&str>, observation: &Observation<'_>, message: &str) -> Seen {
        let mut entries = self.evidence(observation);
        let from = entries.first().copied().unwrap_or_default();
        let gone = self.trial.entries[from..].iter().position(|entry| {
            matches!(entry.what, What::Exit { .. } | What::Broken { .. })
                || (entry.stream == 0 && entry.what == What::End)
        });
        let gone = gone
            .map(|offset| from + offset)
            .filter(|index| self.span().contains(index));
        entries.extend(gone);
        let named = named.filter(|named| {
            let says_so = || self.unanswered(named) == Some(Unanswered::Alone);
            named.starts_with("robust/") || (gone.is_none() && says_so())
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

    /// What else a silence violates.
    pub(super) fn not_got_over(&self, step: &Step, silence: &Violation) -> Option<Violation> {
        let requirement = step.expect.requirement.clone()?;
        let too = self.unanswered(&requirement) == Some(Unanswered::Too);
        too.then(|| Violation {
            requirement,
            ..silence.clone()
        })
    }

    fn unanswered(&self, requirement: &str) -> Option<Unanswered> {
        self.session
            .catalog
            .requirements
            .get(requirement)?
            .unanswered
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

    pub(super) fn alive(&self, at: StepRef, requirement: Option<&str>) -> Seen {
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
        let deliberate = |index: &usize| {
            let what = &self.trial.entries[*index].what;
            matches!(
                what,
                What::Sent {
                    deliberate: true,
                    ..
                }
            )
        };
        self.span().rev().find(deliberate)
    }

    /// The question that follows every hostile case. A server that is known to be gone is not blamed twice.
    pub(super) fn liveness(&mut self) {
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

fn unanswered(exchange: &Exchange, observation: &Observation<'_>) -> String {
    let method = exchange.method.as_deref().unwrap_or("the request");
    match &observation.status {
        Some(status) => {
            format!("{method} was not answered: HTTP {status} without a JSON-RPC message")
        }
        None => format!("{method} was not answered"),
    }
}

fn accepts_absence(expected: Option<&Value>, scope: &Scope<'_>) -> bool {
    expected.is_some_and(|pattern| pattern::matches(pattern, None, scope).is_ok())
}
