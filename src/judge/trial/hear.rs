//! What must come outside of any answer, and did not.

use serde_json::Value;

use super::super::evidence::Violation;
use super::super::pattern;
use super::super::view::{self, Observation};
use super::{Judge, Seen};
use crate::catalog::case::Step;
use crate::transcript::{StepRef, What};

impl Judge<'_> {
    /// Looks for an awaited message in the whole trial: when it comes is up to the server.
    pub(super) fn hear(
        &self,
        at: StepRef,
        step: &Step,
        awaited: &Value,
        observation: &Observation<'_>,
    ) -> Seen {
        let gave_up = self
            .trial
            .entry(|what| matches!(what, What::Deadline { step, .. } if *step == Some(at)));
        if !view::is_given(&step.expect, observation, &self.scope()) {
            return Seen::NotObserved(self.not_given(step, observation));
        }
        let scope = self.scope();
        let matches = |message: &Value| pattern::matches(awaited, Some(message), &scope).is_ok();
        let heard = observation
            .notifications
            .as_array()
            .is_some_and(|messages| messages.iter().any(matches));
        let requirement = self.requirement(step.expect.requirement.clone());
        let (false, Some(requirement)) = (heard, requirement) else {
            return Seen::Fine;
        };
        let last = self.trial.conversation.exchanges.iter().rev();
        let last = last
            .filter(|exchange| exchange.trial == Some(self.trial.index))
            .map(|exchange| exchange.sent)
            .find(|sent| gave_up.is_none_or(|gave_up| *sent < gave_up));
        Seen::Wrong(Violation {
            requirement,
            message: "a message did not come".to_owned(),
            expected: pattern::resolve(awaited, &scope),
            actual: observation.notifications.clone(),
            entries: last.into_iter().chain(gave_up).collect(),
            tolerated: false,
            hint: None,
        })
    }
}
