//! Which requests must not succeed, although they are requests, and who says so: the one place that knows it for
//! whatever is sent, where the cases know it of what they send.
//!
//! A requirement stands here only if a case demands the same. What the text leaves open succeeds without a word: a URI
//! that is not listed, a completion of nothing, an argument that no schema names.

mod call;
mod check;
mod http;
mod rounds;
mod tasks;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use serde_json::Value;

use crate::profile::Offer;
use crate::revision::{Era, Revision, modern};
use crate::wire;

pub use http::{Headers, refused_headers};
pub use rounds::is_unfit;

/// The scheme of URIs that no server can know.
pub const MADE_UP: &str = "no-such-scheme:";

/// A request, and the result that answered it.
pub type Pair<'a> = (&'a Value, &'a Value);

/// A request, the result that answered it, and what is known of the server.
pub struct Answered<'a> {
    /// The request.
    pub request: &'a Value,
    /// Its result.
    pub result: &'a Value,
    /// The revision spoken.
    pub revision: Revision,
    /// What the server offers.
    pub offer: &'a Offer,
    /// Whether it is known to speak the modern era alone.
    pub modern_only: bool,
    /// Whether its tools are those of the official fixture: what they ask for, and why, is known.
    pub fixture: bool,
    /// What was sent before it and succeeded, as far as this request may depend on it.
    pub earlier: &'a [Pair<'a>],
}

/// A requirement by which something was to be refused.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// Its id.
    pub requirement: &'static str,
    /// A pattern of the answers that it leaves.
    pub expected: Value,
    /// Whether the cases tolerate what came all the same.
    pub tolerated: bool,
}

impl Refusal {
    /// Nothing but an error is right.
    pub fn by_error(requirement: &'static str) -> Refusal {
        let expected = check::error();
        Refusal {
            requirement,
            expected,
            tolerated: false,
        }
    }

    /// A state that was to be refused: who asks again has not used it, which the cases tolerate.
    pub fn of_state(requirement: &'static str, result: &Value) -> Refusal {
        let tolerated = result["resultType"] == "input_required";
        let expected = match tolerated {
            true => check::or_failure(),
            false => check::or_not_done(),
        };
        Refusal {
            requirement,
            expected,
            tolerated,
        }
    }

    /// An error, or a tool that says that it failed.
    pub fn by_failure(requirement: &'static str) -> Refusal {
        Refusal {
            expected: check::or_failure(),
            ..Refusal::by_error(requirement)
        }
    }
}

/// The requirement that this result violates, because the request was to be refused; none if it was not.
pub fn refused(answered: &Answered<'_>) -> Option<Refusal> {
    let method = answered.request.get("method")?.as_str()?;
    if !methods().contains_key(method) {
        let is_spelled = methods()
            .keys()
            .any(|known| known.eq_ignore_ascii_case(method));
        return Some(Refusal::by_error(match is_spelled {
            true => "messages/method-case",
            false => "messages/unknown-method-code",
        }));
    }
    let is_about =
        |check: &&check::Check| check.methods.is_empty() || check.methods.contains(&method);
    let checks = [call::CHECKS, tasks::CHECKS, rounds::CHECKS];
    let mut checks = checks.into_iter().flatten().filter(is_about);
    let Some(found) = checks.find(|check| (check.is_wrong)(answered)) else {
        return is_of_another_era(answered, method).then(|| Refusal {
            tolerated: true,
            ..Refusal::by_error("messages/unknown-method-code")
        });
    };
    Some(Refusal {
        requirement: found.requirement,
        expected: (found.expected)(),
        tolerated: found.tolerated,
    })
}

/// Whether a request of the modern era has a method that this has no longer.
fn is_of_another_era(answered: &Answered<'_>, method: &str) -> bool {
    let version = answered.meta(modern::VERSION_KEY).and_then(Value::as_str);
    let revisions = methods().get(method);
    answered.revision.era() == Era::Modern
        && version == Some(answered.revision.as_str())
        && revisions.is_some_and(|revisions| !revisions.contains(&answered.revision))
}

/// Whether a tool says, by a word or by none, that no task may be made of a call to it.
pub fn refuses_tasks(tool: &Value) -> bool {
    let support = tool["execution"]["taskSupport"].as_str();
    matches!(support, None | Some("forbidden"))
}

/// Whether some revision has a request or a notification with this method.
pub fn is_known_method(method: &str) -> bool {
    static NOTIFICATIONS: OnceLock<HashSet<String>> = OnceLock::new();
    let notifications = NOTIFICATIONS.get_or_init(|| {
        let names = |revision| names(revision, "notifications");
        Revision::ALL.into_iter().flat_map(names).collect()
    });
    methods().contains_key(method) || notifications.contains(method)
}

/// What a revision has of one kind of message.
fn names(revision: Revision, kind: &str) -> Vec<String> {
    let document = wire::document(revision).unwrap_or_default();
    let messages = document["x-mcp"][kind].as_object();
    let names = messages.map(|messages| messages.keys().cloned().collect());
    names.unwrap_or_default()
}

/// The requests that there are, each with the revisions that have it.
fn methods() -> &'static HashMap<String, Vec<Revision>> {
    static METHODS: OnceLock<HashMap<String, Vec<Revision>>> = OnceLock::new();
    METHODS.get_or_init(|| {
        let mut methods: HashMap<String, Vec<Revision>> = HashMap::new();
        for revision in Revision::ALL {
            for method in names(revision, "requests") {
                methods.entry(method).or_default().push(revision);
            }
        }
        methods
    })
}
