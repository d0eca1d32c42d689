//! What rules look at: the messages of a session, and the answers to our requests.

use serde_json::Value;

use crate::conversation::Exchange;
use crate::judge::Session;
use crate::message::{self, Kind};
use crate::revision::{Revision, modern};
use crate::transcript::What;
use crate::transport::StreamId;

/// A message that came.
#[derive(Clone, Copy)]
pub(super) struct Received<'a> {
    /// The entry that brought it.
    pub entry: usize,
    /// Where it came.
    pub stream: StreamId,
    /// The message: a whole document, or a member of a batch.
    pub message: &'a Value,
}

/// Every message that came, in order.
pub(super) fn received<'a>(session: &Session<'a>) -> impl Iterator<Item = Received<'a>> + use<'a> {
    session
        .entries
        .iter()
        .enumerate()
        .flat_map(|(entry, found)| {
            let document = match found.what {
                What::Received { .. } => found.json(),
                _ => None,
            };
            let messages = document.map(message::messages).unwrap_or_default();
            messages.iter().map(move |message| Received {
                entry,
                stream: found.stream,
                message,
            })
        })
}

/// Every notification that came, with its method.
pub(super) fn notifications<'a>(
    session: &Session<'a>,
) -> impl Iterator<Item = (&'a str, Received<'a>)> + use<'a> {
    received(session).filter_map(|received| match message::kind(received.message) {
        Kind::Notification { method } => Some((method, received)),
        _ => None,
    })
}

/// Every request that came, with its method. What is called a notification and has an id is a wrong notification.
pub(super) fn requests<'a>(
    session: &Session<'a>,
) -> impl Iterator<Item = (&'a str, Received<'a>)> + use<'a> {
    received(session).filter_map(|received| match message::kind(received.message) {
        Kind::Request { method, .. } if !method.starts_with("notifications/") => {
            Some((method, received))
        }
        _ => None,
    })
}

/// A request of ours and the response to it.
#[derive(Clone, Copy)]
pub(super) struct Answer<'a> {
    /// The exchange.
    pub exchange: &'a Exchange,
    /// What was asked.
    pub request: &'a Value,
    /// The entry of the response.
    pub entry: usize,
    /// The response.
    pub response: &'a Value,
}

impl<'a> Answer<'a> {
    /// The method asked for.
    pub fn method(&self) -> &'a str {
        self.request
            .get("method")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The result, if it is one.
    pub fn result(&self) -> Option<&'a Value> {
        self.response.get("result")
    }

    /// The error, if it is one.
    pub fn error(&self) -> Option<&'a Value> {
        self.response.get("error")
    }

    /// The entries that show it.
    pub fn entries(&self) -> [usize; 2] {
        [self.exchange.sent, self.entry]
    }
}

/// Every response to a request of ours, be the request valid or not.
pub(super) fn answers<'a>(session: &Session<'a>) -> impl Iterator<Item = Answer<'a>> + use<'a> {
    let (entries, conversation) = (session.entries, session.conversation);
    conversation
        .exchanges
        .iter()
        .filter(|exchange| exchange.posts)
        .flat_map(move |exchange| {
            let asked = entries[exchange.sent].json();
            let answered = exchange
                .answer
                .and_then(|answer| Some((answer, entries[answer].json()?)));
            let pairs = asked.zip(answered).map(|(asked, (entry, answered))| {
                pairs(asked, answered).map(move |(request, response)| Answer {
                    exchange,
                    request,
                    entry,
                    response,
                })
            });
            pairs.into_iter().flatten()
        })
}

/// The requests that modern revisions do not have: who answers them all the same answers as before.
const LEGACY_ONLY: [&str; 5] = [
    "initialize",
    "ping",
    "logging/setLevel",
    "resources/subscribe",
    "resources/unsubscribe",
];

/// The answers to what was valid at a modern revision: a server of both eras answers all else as it likes.
pub(super) fn modern_answers<'a>(
    session: &Session<'a>,
) -> impl Iterator<Item = Answer<'a>> + use<'a> {
    let revision = session.header.revision;
    answers(session)
        .filter(move |answer| answer.exchange.is_request() && is_modern(answer.request, revision))
        .filter(|answer| !LEGACY_ONLY.contains(&answer.method()))
        // What is both, or neither, is no result that could be judged.
        .filter(|answer| answer.result().is_some() != answer.error().is_some())
}

/// Requests and the responses to them, within documents that may be batches.
fn pairs<'a>(
    asked: &'a Value,
    answered: &'a Value,
) -> impl Iterator<Item = (&'a Value, &'a Value)> {
    let single = asked.is_object();
    message::messages(asked).iter().filter_map(move |request| {
        let mut responses = message::messages(answered)
            .iter()
            .filter(|message| is_response(message));
        // Of ten thousand members without an id none looks through ten thousand responses.
        let own = request.get("id").and_then(|id| {
            let mut candidates = responses.clone();
            candidates.find(|response| response.get("id") == Some(id))
        });
        let response = if single {
            own.or(responses.next())
        } else {
            own
        };
        Some((request, response?))
    })
}

fn is_response(message: &Value) -> bool {
    matches!(message::kind(message), Kind::Response { .. })
}

/// Whether a request says in its `_meta` that it speaks this revision.
pub(super) fn is_modern(request: &Value, revision: Revision) -> bool {
    let version = request
        .pointer("/params/_meta")
        .and_then(|meta| meta.get(modern::VERSION_KEY));
    version.and_then(Value::as_str) == Some(revision.as_str())
}

/// Every message that we sent, with its entry; members of a batch one by one.
pub(super) fn sent<'a>(
    session: &Session<'a>,
) -> impl Iterator<Item = (usize, &'a Value)> + use<'a> {
    session
        .entries
        .iter()
        .enumerate()
        .flat_map(|(entry, found)| {
            let document = match found.what {
                What::Sent { .. } => found.json(),
                _ => None,
            };
            document
                .map(message::messages)
                .unwrap_or_default()
                .iter()
                .map(move |message| (entry, message))
        })
}

/// Whether a step of a case sent this on purpose to see what happens: it may break the rules that we must follow.
pub(super) fn is_deliberate(session: &Session<'_>, entry: usize) -> bool {
    matches!(
        session.entries[entry].what,
        What::Sent {
            deliberate: true,
            ..
        }
    )
}

/// The entries between which one process or connection was used: a case may open another within its session.
pub(super) fn life_of(session: &Session<'_>, entry: usize) -> usize {
    let reconnects = &session.conversation.reconnects;
    reconnects.partition_point(|reconnect| *reconnect < entry)
}

/// Whether a capability of the client is declared, by its path.
pub(super) fn declares(capabilities: &Value, path: &[&str]) -> bool {
    let found = path
        .iter()
        .try_fold(capabilities, |value, part| value.get(part));
    found.is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)))
}
