//! Cases: one thing tested, as data. The format is described in cases/README.md.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Hint;
use crate::revision::RevisionRange;
use crate::transcript::StepRef;
use crate::transport::Transport;

/// One thing tested.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Area and kebab name.
    pub id: Arc<str>,
    /// One sentence that is true of a conforming server.
    pub title: String,
    /// The requirements tested.
    pub requirements: Vec<String>,
    /// The revisions at which it runs.
    #[serde(default)]
    pub revisions: RevisionRange,
    /// The transports over which it runs; none means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transports: Option<Vec<Transport>>,
    /// Conditions on the server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// The client capabilities that we declare.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub client: Map<String, Value>,
    /// Which session it runs in.
    #[serde(default)]
    pub session: SessionKind,
    /// Whether it runs at the newest revision of each era only.
    #[serde(default)]
    pub once: bool,
    /// Why a client cares, or why several answers pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What happens.
    pub steps: Vec<Step>,
    /// The faults of the reference server that it catches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// What often causes its findings; they come before those of the requirement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<Hint>,
}

/// Which session a case runs in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionKind {
    /// One shared with other cases.
    #[default]
    Shared,
    /// Its own, opened as usual.
    Fresh,
    /// Its own; the steps do the opening.
    Unopened,
}

/// One step: an action and what is expected of it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(try_from = "super::step::Written", into = "super::step::Written")]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// Whose credentials are sent in the place of ours.
    pub identity: Option<String>,
    /// What is expected.
    pub expect: Expectation,
}

impl Step {
    /// A step that expects nothing.
    pub fn plain(action: Action) -> Step {
        Step {
            action,
            identity: None,
            expect: Expectation::default(),
        }
    }
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Action {
    /// A request and its answer.
    Request(Call),
    /// A request whose answer comes later.
    Start {
        /// The name by which `await` and `cancel` know it.
        name: String,
        /// The request.
        call: Call,
    },
    /// The answer to a started request, or a message on its stream.
    Await {
        /// The name given by `start`.
        name: String,
        /// Wait only until a message like this.
        until: Option<Value>,
    },
    /// Cancels a started request.
    Cancel {
        /// The name given by `start`.
        name: String,
    },
    /// A notification.
    Notify(Call),
    /// A message exactly as written.
    Send {
        /// The message.
        message: Value,
        /// HTTP headers to set, or leave out.
        headers: Map<String, Value>,
    },
    /// Bytes exactly as written.
    Bytes {
        /// Text, or an object with a directive.
        bytes: Value,
        /// Whether stdio adds a newline.
        newline: bool,
        /// HTTP headers to set, or leave out.
        headers: Map<String, Value>,
    },
    /// One HTTP exchange.
    Http(HttpStep),
    /// Tries to connect to the port of the endpoint at another loopback address.
    Connect {
        /// The address.
        address: IpAddr,
    },
    /// Sets the reply to a method of the other side.
    Reply {
        /// The method.
        method: String,
        /// `{"result": ...}` or `{"error": ...}`; none if it is never answered.
        reply: Option<Value>,
    },
    /// A message that matches must come, or have come since the trial began.
    Hear {
        /// The pattern.
        pattern: Value,
    },
    /// Nothing that matches may come.
    Quiet {
        /// The pattern; `true` means any answer.
        pattern: Value,
    },
    /// Lets what is under way arrive: a later `Quiet` looks only at what comes from here on.
    Settle,
    /// Follows the cursors of a list.
    Pages {
        /// The method.
        method: String,
        /// The member of the result that holds the items.
        items: String,
        /// Other params.
        params: Value,
    },
    /// What these steps send goes out at once.
    Together(Vec<Step>),
    /// A valid request that must be answered.
    Alive,
    /// Ends the session and opens another.
    Reconnect,
    /// Closes the input.
    Close,
    /// Judges the opening.
    Opening,
}

/// A request or notification before it is dressed.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The params, possibly with directives.
    pub params: Option<Value>,
    /// HTTP headers to set, or leave out.
    pub headers: Map<String, Value>,
    /// No dress at all.
    pub bare: bool,
    /// Breaks the wire schema on purpose.
    pub invalid: bool,
}

/// An HTTP exchange as written.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HttpStep {
    /// The method.
    pub method: String,
    /// Replaces path and query of the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Value>,
    /// The headers.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub headers: Map<String, Value>,
    /// Text, or JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// What is expected of a step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expectation {
    /// Pattern for the answer.
    pub answer: Option<Value>,
    /// Pattern for the HTTP status.
    pub status: Option<Value>,
    /// Pattern for the HTTP headers.
    pub headers: Option<Value>,
    /// Pattern for the HTTP body as text.
    pub body: Option<Value>,
    /// Pattern for what the other side sent on its own before the answer.
    pub notifications: Option<Value>,
    /// Defensible deviations.
    pub tolerate: Vec<Tolerance>,
    /// Where it does not hold, the trial is not observed.
    pub given: Option<Value>,
    /// The same for the HTTP status.
    pub given_status: Option<Value>,
    /// The same for notifications.
    pub given_notifications: Option<Value>,
    /// JSON Pointers into the answer, by name.
    pub save: BTreeMap<String, String>,
    /// Which of the case's requirements a finding cites.
    pub requirement: Option<String>,
}

/// A deviation that is defensible: a warning.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// Pattern for the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// Pattern for the HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Value>,
    /// Pattern for the HTTP headers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<Value>,
    /// Pattern for the notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notifications: Option<Value>,
    /// Why it is defensible.
    pub why: String,
    /// Which requirement the warning cites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<String>,
}

impl Expectation {
    /// Whether it speaks of a member of this name, anywhere in what it expects, tolerates, takes for granted or saves.
    pub fn mentions(&self, name: &str) -> bool {
        let tolerated = self.tolerate.iter().filter_map(|it| it.answer.as_ref());
        let patterns = self.answer.iter().chain(&self.given).chain(tolerated);
        let mut saved = self.save.values();
        patterns.into_iter().any(|pattern| has_key(pattern, name))
            || saved.any(|pointer| pointer.is_empty() || pointer.split('/').nth(1) == Some(name))
    }

    /// Whether it neither takes anything for granted nor saves anything: then the steps that follow are the same
    /// whatever comes.
    pub fn takes_nothing(&self) -> bool {
        let Expectation {
            given,
            given_status,
            given_notifications,
            save,
            ..
        } = self;
        let given = [given, given_status, given_notifications];
        given.iter().all(|given| given.is_none()) && save.is_empty()
    }
}

impl Case {
    /// The first part of the id.
    pub fn area(&self) -> &str {
        super::area(&self.id)
    }

    /// Whether it runs over this transport.
    pub fn is_over(&self, transport: Transport) -> bool {
        let over = self.transports.as_ref();
        over.is_none_or(|transports| transports.contains(&transport))
    }

    /// All steps and where they are, those within `together` as well.
    pub fn all_steps(&self) -> impl Iterator<Item = (StepRef, &Step)> {
        let steps = self.steps.iter().zip(0..);
        steps.flat_map(|(step, index)| {
            let inner: &[Step] = match &step.action {
                Action::Together(steps) => steps,
                _ => &[],
            };
            let inner = inner.iter().zip(1..);
            let inner = inner.map(move |(step, within)| (StepRef(index, within), step));
            std::iter::once((StepRef(index, 0), step)).chain(inner)
        })
    }

    /// Whether it sends what may harm the session it runs in: then it is followed by `alive`.
    pub fn is_hostile(&self) -> bool {
        self.all_steps().any(|(_, step)| {
            matches!(
                step.action,
                Action::Send { .. } | Action::Bytes { .. } | Action::Http(_)
            )
        })
    }

    /// Whether it takes a while even if every answer comes at once: it waits to see that nothing comes, or for what comes
    /// in its own time.
    pub fn waits(&self) -> bool {
        self.all_steps().any(|(_, step)| {
            matches!(
                step.action,
                Action::Start { .. }
                    | Action::Notify(_)
                    | Action::Hear { .. }
                    | Action::Quiet { .. }
                    | Action::Settle
            )
        })
    }

    /// Whether it waits for what the server sends outside of requests.
    pub fn hears(&self) -> bool {
        let hears = |step: &Step| matches!(step.action, Action::Hear { .. });
        self.steps.iter().any(hears)
    }

    /// Whether it sends megabytes: such cases take turns, or a run would hold all their inputs at once.
    pub fn is_huge(&self) -> bool {
        self.all_steps().any(|(_, step)| match &step.action {
            Action::Bytes { bytes, .. } => repeats(bytes) > HUGE,
            _ => false,
        })
    }
}

fn has_key(pattern: &Value, name: &str) -> bool {
    match pattern {
        Value::Object(members) => members
            .iter()
            .any(|(key, value)| key == name || has_key(value, name)),
        Value::Array(items) => items.iter().any(|item| has_key(item, name)),
        _ => false,
    }
}

/// More repetitions than this make an input huge.
const HUGE: u64 = 300_000;

fn repeats(value: &Value) -> u64 {
    match value {
        Value::Object(members) => {
            let times = members.get("times").and_then(Value::as_u64).unwrap_or(0);
            members.values().map(repeats).max().unwrap_or(0).max(times)
        }
        Value::Array(items) => items.iter().map(repeats).max().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_step_speaks_of() {
        let step = |rest: &str| {
            let text = format!(r#"{{ "pages": "a/list", "items": "a", {rest} }}"#);
            serde_json::from_str::<Step>(&text).unwrap().expect
        };
        let plain = step(r#""expect": { "$any-of": [{ "items": [] }, { "ended": true }] }"#);
        assert!(plain.mentions("items") && plain.mentions("ended"));
        assert!(!plain.mentions("results") && plain.takes_nothing());
        let saves = step(r#""save": { "first": "/items/0" }"#);
        assert!(saves.mentions("items") && !saves.mentions("results"));
        assert!(!saves.takes_nothing());
        assert!(step(r#""save": { "all": "" }"#).mentions("results"));
        let given = step(r#""given": { "results": { "$any": true } }"#);
        assert!(given.mentions("results") && !given.takes_nothing());
    }
}
