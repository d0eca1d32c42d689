//! What can be seen of a step: the same for the driver, which must know how to go on, and for the judge.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Session;
use super::pattern::{self, Scope};
use crate::catalog::case::{Action, Case, Expectation, Step};
use crate::conversation::{Conversation, Exchange};
use crate::message::{self, Kind};
use crate::revision::Era;
use crate::transcript::{Entry, StepRef, What};
use crate::transport::{StreamId, is_event_stream};

/// What came of a step.
#[derive(Debug, Clone, Default)]
pub struct Observation<'a> {
    /// The answer: a message, or what stands for one (pages, exit).
    pub answer: Option<Cow<'a, Value>>,
    /// The HTTP status.
    pub status: Option<Value>,
    /// The HTTP headers, joined where they repeat.
    pub headers: Option<Value>,
    /// The HTTP body as text, where it is no event stream.
    pub body: Option<Value>,
    /// What the other side sent on its own meanwhile.
    pub notifications: Value,
    /// The exchanges behind it, as indices into the conversation.
    pub exchanges: Vec<usize>,
    /// Other entries that show it.
    pub entries: Vec<usize>,
}

/// Where a session's entries are looked at from: one trial of one case.
#[derive(Clone, Copy)]
pub struct Trial<'a> {
    /// The entries of the session.
    pub entries: &'a [Entry],
    /// The same as exchanges.
    pub conversation: &'a Conversation,
    /// The index of the trial.
    pub index: usize,
    /// Its case.
    pub case: &'a Case,
}

impl<'a> Trial<'a> {
    /// What came of a step.
    pub fn observe(&self, at: StepRef, step: &Step) -> Observation<'a> {
        match &step.action {
            Action::Opening => self.observe_exchange(self.opening(), None),
            Action::Await { name, until } => {
                let end = until
                    .as_ref()
                    .and_then(|_| self.conversation.trials.get(self.index))
                    .map(|span| span.end);
                self.observe_exchange(self.started(name), end)
            }
            Action::Pages { items, .. } => self.observe_pages(at, items, &step.expect),
            Action::Hear { .. } => self.observe_unasked(),
            Action::Close => self.observe_exit(at),
            Action::Connect { .. } => self.observe_connection(at),
            Action::Together(_) | Action::Reply { .. } | Action::Reconnect => {
                Observation::default()
            }
            _ => self.observe_exchange(self.exchanges(at).next(), None),
        }
    }

    /// The exchanges of a step, with their indices.
    pub fn exchanges(&self, at: StepRef) -> impl Iterator<Item = (usize, &'a Exchange)> {
        let index = self.index;
        let of_step =
            move |exchange: &Exchange| exchange.trial == Some(index) && exchange.step == Some(at);
        self.conversation
            .exchanges
            .iter()
            .enumerate()
            .filter(move |(_, exchange)| of_step(exchange))
    }

    /// An entry of the trial that belongs to a step, by its kind.
    pub fn entry(&self, found: impl Fn(&What) -> bool) -> Option<usize> {
        let span = self.conversation.trials.get(self.index)?;
        (span.start..span.end.min(self.entries.len()))
            .find(|index| found(&self.entries[*index].what))
    }

    fn opening(&self) -> Option<(usize, &'a Exchange)> {
        let is_initialize = |exchange: &Exchange| exchange.method.as_deref() == Some("initialize");
        self.conversation
            .exchanges
            .iter()
            .enumerate()
            .find(|(_, exchange)| is_initialize(exchange))
    }

    /// The request that was started under this name.
    pub fn started(&self, name: &str) -> Option<(usize, &'a Exchange)> {
        let starts = |step: &Step| matches!(&step.action, Action::Start { name: started, .. } if started == name);
        let (at, _) = self.case.all_steps().find(|(_, step)| starts(step))?;
        self.exchanges(at).next()
    }

    fn observe_exchange(
        &self,
        exchange: Option<(usize, &Exchange)>,
        end: Option<usize>,
    ) -> Observation<'a> {
        let Some((index, exchange)) = exchange else {
            return Observation {
                notifications: json!([]),
                ..Observation::default()
            };
        };
        let answer = exchange
            .answer
            .and_then(|answer| self.entries[answer].json())
            .map(Cow::Borrowed);
        let head = exchange.head.map(|head| &self.entries[head].what);
        let (status, headers) = match head {
            Some(What::HttpResponse { status, headers }) => {
                (Some(json!(status)), Some(joined(headers)))
            }
            _ => (None, None),
        };
        let until = end
            .or(exchange.answer)
            .or(exchange.ended)
            .unwrap_or(self.entries.len());
        let notifications = initiated(self.entries, exchange.sent, until);
        Observation {
            answer,
            status,
            headers,
            body: body(self.entries, exchange),
            notifications,
            exchanges: vec![index],
            entries: Vec::new(),
        }
    }

    /// What all pages come to. Of lists, which may be long, only what the step speaks of is copied.
    fn observe_pages(&self, at: StepRef, member: &str, expect: &Expectation) -> Observation<'a> {
        let (mut items, mut cursors, mut results, mut indices) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (wants_items, wants_results) = (expect.mentions("items"), expect.mentions("results"));
        let mut ended = None;
        let mut last_error = None;
        for (index, exchange) in self.exchanges(at) {
            indices.push(index);
            let answer = exchange
                .answer
                .and_then(|answer| self.entries[answer].json());
            let Some(result) = answer.and_then(|answer| answer.get("result")) else {
                last_error = Some(answer.map(Cow::Borrowed));
                continue;
            };
            if wants_items {
                items.extend(message::items(result, member).cloned());
            }
            if wants_results {
                results.push(result.clone());
            }
            cursors.extend(result.get("nextCursor").cloned());
            ended = Some(message::next_cursor(result).is_none());
        }
        let answer = match last_error {
            // A page that failed is the answer: what was listed before it does not matter.
            Some(error) => error,
            None => ended.map(|ended| {
                let mut pages = Map::new();
                pages.extend(wants_items.then(|| ("items".to_owned(), Value::Array(items))));
                pages.insert("cursors".to_owned(), Value::Array(cursors));
                pages.extend(wants_results.then(|| ("results".to_owned(), Value::Array(results))));
                pages.insert("ended".to_owned(), Value::Bool(ended));
                Cow::Owned(Value::Object(pages))
            }),
        };
        Observation {
            answer,
            notifications: json!([]),
            exchanges: indices,
            ..Observation::default()
        }
    }

    fn observe_connection(&self, at: StepRef) -> Observation<'a> {
        let found = self.entry(|what| matches!(what, What::Connected { step, .. } if *step == at));
        let answer = found.and_then(|entry| match &self.entries[entry].what {
            What::Connected { connected, .. } => Some(json!({ "connected": connected })),
            _ => None,
        });
        Observation {
            answer: answer.map(Cow::Owned),
            notifications: json!([]),
            entries: found.into_iter().collect(),
            ..Observation::default()
        }
    }

    /// What the other side sent on its own in the whole trial.
    fn observe_unasked(&self) -> Observation<'a> {
        let span = self.conversation.trials.get(self.index);
        let (start, end) = span.map_or((0, 0), |span| (span.start, span.end));
        Observation {
            notifications: initiated(self.entries, start, end),
            ..Observation::default()
        }
    }

    fn observe_exit(&self, at: StepRef) -> Observation<'a> {
        let closed = self.entry(|what| matches!(what, What::Closed { step } if *step == Some(at)));
        let exit = self
            .entry(|what| matches!(what, What::Exit { .. }))
            .filter(|exit| Some(*exit) > closed);
        let answer = closed.map(|_| match exit.map(|exit| &self.entries[exit].what) {
            Some(What::Exit { code, .. }) => json!({ "exited": true, "code": code }),
            _ => json!({ "exited": false }),
        });
        let entries = closed.into_iter().chain(exit).collect();
        Observation {
            answer: answer.map(Cow::Owned),
            notifications: json!([]),
            entries,
            ..Observation::default()
        }
    }
}

/// Whether what the step takes for granted holds. Where it does not, there is nothing to judge.
pub fn is_given(expect: &Expectation, observation: &Observation<'_>, scope: &Scope<'_>) -> bool {
    let holds = |given: &Option<Value>, actual: Option<&Value>| {
        given
            .as_ref()
            .is_none_or(|given| pattern::matches(given, actual, scope).is_ok())
    };
    holds(&expect.given, observation.answer.as_deref())
        && (observation.status.is_none()
            || holds(&expect.given_status, observation.status.as_ref()))
        && holds(
            &expect.given_notifications,
            Some(&observation.notifications),
        )
}

/// The parts of an answer that a step saves.
pub fn saved(expect: &Expectation, answer: Option<&Value>) -> BTreeMap<String, Value> {
    expect
        .save
        .iter()
        .filter_map(|(name, pointer)| Some((name.clone(), answer?.pointer(pointer)?.clone())))
        .collect()
}

/// The session id that the server issued with its answer to `initialize`.
pub fn session_id(session: &Session<'_>) -> Option<String> {
    let opening = session
        .conversation
        .exchanges
        .iter()
        .find(|exchange| exchange.method.as_deref() == Some("initialize"))?;
    match &session.entries[opening.head?].what {
        What::HttpResponse { headers, .. } => headers
            .iter()
            .find(|(name, _)| name == "mcp-session-id")
            .map(|(_, value)| value.clone()),
        _ => None,
    }
}

/// Whether a message like this is among those received with these entries.
pub fn has_come<'a>(
    awaited: &Value,
    entries: impl Iterator<Item = &'a Entry>,
    scope: &Scope<'_>,
) -> bool {
    received(entries).any(|message| pattern::matches(awaited, Some(message), scope).is_ok())
}

/// The entries from a request on that may concern it. At modern revisions it has its own stream over HTTP, and what comes
/// on others is for others; over stdio so is what was under way for a subscription when that was cancelled.
pub fn concerning(entries: &[Entry], sent: usize, era: Era) -> impl Iterator<Item = &Entry> {
    let (earlier, rest) = entries.split_at(sent.min(entries.len()));
    let own = rest.first().map(|sent| sent.stream);
    rest.iter().filter(move |entry| match era {
        Era::Legacy => true,
        Era::Modern if entry.stream == 0 => !is_of_cancelled(entry, earlier),
        Era::Modern => Some(entry.stream) == own,
    })
}

/// Whether a message names a subscription that was cancelled with one of the earlier entries.
fn is_of_cancelled(entry: &Entry, earlier: &[Entry]) -> bool {
    let subscription = entry
        .json()
        .and_then(|message| message.pointer(message::SUBSCRIPTION_ID));
    let cancels = |message: &Value| {
        message.get("method") == Some(&json!("notifications/cancelled"))
            && message.pointer("/params/requestId") == subscription
    };
    subscription.is_some()
        && earlier.iter().any(|entry| {
            matches!(entry.what, What::Sent { .. }) && entry.json().is_some_and(cancels)
        })
}

/// All messages received with these entries.
fn received<'a>(entries: impl Iterator<Item = &'a Entry>) -> impl Iterator<Item = &'a Value> {
    entries
        .filter(|entry| matches!(entry.what, What::Received { .. }))
        .filter_map(|entry| entry.json())
        .flat_map(message::messages)
}

/// Whether the response on this stream is an event stream that has begun.
pub fn is_open_stream(entries: &[Entry], stream: StreamId) -> bool {
    entries
        .iter()
        .rev()
        .filter(|entry| entry.stream == stream)
        .any(|entry| match &entry.what {
            What::HttpResponse { headers, .. } => is_event_stream(headers),
            _ => false,
        })
}

/// The requests and notifications that the other side sent between two entries.
fn initiated(entries: &[Entry], from: usize, until: usize) -> Value {
    let until = until.min(entries.len());
    let messages = received(entries[from..until.max(from)].iter()).filter(|message| {
        matches!(
            message::kind(message),
            Kind::Request { .. } | Kind::Notification { .. }
        )
    });
    Value::Array(messages.cloned().collect())
}

fn joined(headers: &[(String, String)]) -> Value {
    let mut object = Map::new();
    for (name, value) in headers {
        match object.get_mut(name) {
            Some(Value::String(existing)) => {
                existing.push_str(", ");
                existing.push_str(value);
            }
            _ => drop(object.insert(name.clone(), Value::String(value.clone()))),
        }
    }
    Value::Object(object)
}

fn body(entries: &[Entry], exchange: &Exchange) -> Option<Value> {
    exchange.head?;
    let received = entries[exchange.sent..]
        .iter()
        .filter(|entry| entry.stream == exchange.stream)
        .find_map(|entry| match &entry.what {
            What::Received { raw, event: None } => {
                Some(String::from_utf8_lossy(&raw.0).into_owned())
            }
            _ => None,
        });
    Some(Value::String(received.unwrap_or_default()))
}
