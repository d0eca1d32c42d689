//! What must not come, and did.

use std::ops::Range;

use serde_json::{Value, json};

use super::super::evidence::Violation;
use super::super::pattern::{self, Scope};
use super::{Judge, Seen};
use crate::catalog::case::{Action, Step};
use crate::conversation::Exchange;
use crate::message::{self, Kind};
use crate::transcript::{StepRef, What};

impl Judge<'_> {
    /// Looks for a forbidden message between the beginning of the trial, or the last `settle`, and the end of this step.
    pub(super) fn quiet(&self, at: StepRef, step: &Step, forbidden: &Value) -> Seen {
        let Some(end) = self.settled(at) else {
            return self.alive(at, None);
        };
        let span = self.beginning(at)..end;
        let culprit = self.forbidden(forbidden, span, &self.expected_answers(at));
        let requirement = self.requirement(step.expect.requirement.clone());
        let (Some(culprit), Some(requirement)) = (culprit, requirement) else {
            return Seen::Fine;
        };
        let came = self.trial.entries[culprit].json();
        Seen::Wrong(Violation {
            requirement,
            message: "a message came that must not come".to_owned(),
            expected: json!("silence"),
            actual: came.cloned().unwrap_or(Value::Null),
            entries: vec![culprit],
            tolerated: false,
            hint: None,
        })
    }

    /// The entry at which the grace of this step was over.
    fn settled(&self, at: StepRef) -> Option<usize> {
        self.trial
            .entry(|what| matches!(what, What::Settled { step } if *step == at))
    }

    /// Where looking begins: what came until the last `settle` was allowed to come.
    fn beginning(&self, at: StepRef) -> usize {
        let earlier = self.case.steps.iter().zip(0..at.0).rev();
        let settle = earlier
            .into_iter()
            .find(|(step, _)| matches!(step.action, Action::Settle));
        settle
            .and_then(|(_, index)| self.settled(StepRef(index, 0)))
            .unwrap_or(self.span().start)
    }

    /// The entries with answers that are due whatever the step says.
    fn expected_answers(&self, at: StepRef) -> Vec<usize> {
        // Over HTTP the body of a refusal answers the exchange, not the message.
        let refused = |exchange: &Exchange| {
            let head = exchange.head.map(|head| &self.trial.entries[head].what);
            matches!(head, Some(What::HttpResponse { status: 400.., .. }))
        };
        let exchanges = self.trial.conversation.exchanges.iter();
        exchanges
            .filter(|exchange| exchange.is_request() || refused(exchange))
            .filter_map(|exchange| exchange.answer)
            .filter(|answer| !self.was_cancelled_before(at, *answer))
            .collect()
    }

    /// The first of these entries with a forbidden message; an empty batch is one as well.
    fn forbidden(
        &self,
        forbidden: &Value,
        mut span: Range<usize>,
        expected: &[usize],
    ) -> Option<usize> {
        let scope = self.scope();
        let is_culprit = |document: &Value| {
            let messages = message::messages(document);
            let forbids = |message| is_forbidden(message, forbidden, &scope);
            messages.iter().any(forbids) || *document == json!([])
        };
        span.find(|index| {
            let entry = &self.trial.entries[*index];
            let received = matches!(entry.what, What::Received { .. });
            received && !expected.contains(index) && entry.json().is_some_and(is_culprit)
        })
    }

    /// Whether this is the answer to a request that the case had cancelled by then.
    fn was_cancelled_before(&self, at: StepRef, answer: usize) -> bool {
        let mut steps = self.case.all_steps().take_while(|(of, _)| of.0 < at.0);
        steps.any(|(of, step)| {
            let Action::Cancel { name } = &step.action else {
                return false;
            };
            let cancelled = self.trial.exchanges(of).next();
            let started = self.trial.started(name);
            started.is_some_and(|(_, exchange)| exchange.answer == Some(answer))
                && cancelled.is_some_and(|(_, exchange)| exchange.sent < answer)
        })
    }
}

fn is_forbidden(message: &Value, forbidden: &Value, scope: &Scope<'_>) -> bool {
    match forbidden {
        Value::Bool(true) => matches!(message::kind(message), Kind::Response { .. }),
        pattern => pattern::matches(pattern, Some(message), scope).is_ok(),
    }
}
