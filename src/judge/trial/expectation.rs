//! What a step expects, part by part, against what was seen of it.

use serde_json::{Value, json};

use super::super::evidence::Violation;
use super::super::pattern::{self, Mismatch};
use super::super::view::{self, Observation};
use super::{Judge, Seen};
use crate::catalog::case::{Expectation, Step, Tolerance};
use crate::judge::duty::Duty;
use crate::transcript::StepRef;

impl Judge<'_> {
    pub(super) fn expectation(
        &self,
        at: StepRef,
        step: &Step,
        observation: &Observation<'_>,
    ) -> Seen {
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

    pub(super) fn not_given(&self, step: &Step, observation: &Observation<'_>) -> String {
        let scope = self.scope();
        let given = step
            .expect
            .given
            .as_ref()
            .or(step.expect.given_notifications.as_ref());
        let actual = match step.expect.given {
            Some(_) => observation.answer.as_deref(),
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
        seen: &Observation<'_>,
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
        observation: &Observation<'_>,
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

    /// A tolerance must explain every part that fails, and whatever else it mentions must hold.
    fn tolerates(
        &self,
        tolerance: &Tolerance,
        seen: &Observation<'_>,
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
    fn unexpected_answer(&self, step: &Step, observation: &Observation<'_>) -> Seen {
        let Some(exchange) = self.exchange(observation) else {
            return Seen::Fine;
        };
        let Some(answer) = observation
            .answer
            .as_deref()
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

    fn actual<'a>(self, seen: &'a Observation<'_>) -> Option<&'a Value> {
        match self {
            Part::Answer => seen.answer.as_deref(),
            Part::Status => seen.status.as_ref(),
            Part::Headers => seen.headers.as_ref(),
            Part::Body => seen.body.as_ref(),
            Part::Notifications => Some(&seen.notifications),
        }
    }
}
