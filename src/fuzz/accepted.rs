//! Whether something that must be refused was answered as if it were in order: what `judge::refusal` knows, and what an
//! exchange shows.

use serde_json::{Value, json};

use super::callers::let_in;
use super::earlier::{earlier, has_ended_session};
use super::lost::session_ids;
use super::oracle::{http_head, http_method};
use super::replied::replied;
use crate::condition::TASKS_EXTENSION;
use crate::conversation::Exchange;
use crate::judge::Session;
use crate::judge::duty::{Due, Duty};
use crate::judge::evidence::Violation;
use crate::judge::refusal::{self, Answered, Headers, Refusal};
use crate::message;
use crate::revision::modern;
use crate::transcript::{Entry, Header, What};
use crate::transport::Transport;

/// Something that was answered as if it were in order.
pub(super) fn accepted(session: &Session<'_>, exchange: &Exchange) -> Option<Violation> {
    let answer = exchange.answer.map(|answer| &session.entries[answer]);
    let answer = answer.and_then(Entry::json);
    let result = answer.and_then(|answer| answer.get("result"));
    let of_message = || {
        refused(session, exchange, answer, result)
            .or_else(|| replied(session, exchange, result?))
            .or_else(|| subscribed(session, exchange))
    };
    let of_headers = || {
        result
            .and_then(|result| let_in(session, exchange, result))
            .or_else(|| headers_refused(session, exchange, answer))
    };
    let (refusal, head) = match of_message() {
        Some(refusal) => (refusal, None),
        // Then the head shows what is wrong.
        None => (of_headers()?, session.http_head(exchange.sent)),
    };
    let mut entries: Vec<usize> = head.into_iter().chain([exchange.sent]).collect();
    entries.extend(exchange.answer.or(exchange.head));
    entries.dedup();
    Some(Violation {
        requirement: refusal.requirement.to_owned(),
        message: match refusal.requirement {
            ERROR_NOT_RESULT => "something invalid is answered with a result",
            _ => "what must be refused is answered as if it were in order",
        }
        .to_owned(),
        expected: refusal.expected,
        actual: answer.cloned().unwrap_or_default(),
        entries,
        tolerated: refusal.tolerated,
        hint: None,
    })
}

/// What is said by a result for what can have none.
const ERROR_NOT_RESULT: &str = "messages/error-not-result";

/// The requirement by which a message was to be refused that has this answer.
fn refused(
    session: &Session<'_>,
    exchange: &Exchange,
    answer: Option<&Value>,
    result: Option<&Value>,
) -> Option<Refusal> {
    let message = || session.entries[exchange.sent].json();
    // An empty batch has no answers.
    let is_array = || answer.is_some_and(Value::is_array) || brings_nothing(session, exchange);
    if message() == Some(&json!([])) && is_array() {
        return Some(Refusal::by_error("messages/batch-empty"));
    }
    match (&exchange.due, result) {
        (
            Due {
                valid: false, duty, ..
            },
            Some(_),
        ) if *duty != Duty::MustNot => Some(Refusal::by_error(ERROR_NOT_RESULT)),
        (
            Due {
                duty: Duty::Must, ..
            },
            Some(result),
        ) => {
            let Header {
                profile,
                revision,
                transport,
                ..
            } = session.header;
            refusal::refused(&Answered {
                request: message()?,
                result,
                revision: *revision,
                offer: profile.offer(*revision, *transport)?,
                modern_only: profile.is_modern_only(*transport),
                fixture: profile.official_fixture,
                earlier: &earlier(session, exchange),
            })
        }
        _ => None,
    }
}

/// Whether an empty array came behind it, which is no answer to anything: it is that of nobody.
fn brings_nothing(session: &Session<'_>, exchange: &Exchange) -> bool {
    let behind = session.entries[exchange.sent..].iter();
    let mut received = behind.filter(|entry| {
        matches!(entry.what, What::Received { .. }) && entry.stream == exchange.stream
    });
    received.any(|entry| entry.json() == Some(&json!([])))
}

/// A subscription has no answer as long as it lasts: it succeeds when it is acknowledged.
fn subscribed(session: &Session<'_>, exchange: &Exchange) -> Option<Refusal> {
    if exchange.method.as_deref() != Some("subscriptions/listen") || exchange.answer.is_some() {
        return None;
    }
    let message = session.entries[exchange.sent].json()?;
    let has_filter = message
        .pointer("/params/notifications")
        .is_some_and(Value::is_object);
    let mut told = session
        .conversation
        .initiated
        .iter()
        .filter_map(|entry| session.entries[*entry].json());
    let is_acknowledged = told.any(|told| {
        told["method"] == "notifications/subscriptions/acknowledged"
            && told.pointer(message::SUBSCRIPTION_ID) == message.get("id")
    });
    let requirement = match asks_for_tasks(message) {
        _ if !has_filter => "subscriptions/filter-required",
        true => "tasks/listen-needs-extension",
        false => return None,
    };
    is_acknowledged.then(|| Refusal::by_error(requirement))
}

/// Whether a client wants to hear of tasks that does not say that it knows them.
fn asks_for_tasks(listen: &Value) -> bool {
    let tasks = listen.pointer("/params/notifications/taskIds");
    let client = listen
        .pointer("/params/_meta")
        .map(|meta| &meta[modern::CLIENT_KEY]);
    let extensions = client.and_then(|client| client.get("extensions"));
    let knows = extensions.is_some_and(|extensions| extensions.get(TASKS_EXTENSION).is_some());
    tasks.is_some_and(|tasks| *tasks != json!([])) && !knows
}

/// The requirement by which the headers of a request were to be refused that succeeded.
fn headers_refused(
    session: &Session<'_>,
    exchange: &Exchange,
    answer: Option<&Value>,
) -> Option<Refusal> {
    let Header {
        profile,
        revision,
        transport,
        ..
    } = session.header;
    let head = exchange.head.map(|head| &session.entries[head].what);
    let succeeded = matches!(
        head,
        Some(What::HttpResponse {
            status: 200..300,
            ..
        })
    );
    let is_error = answer.is_some_and(|answer| answer.get("error").is_some());
    // OPTIONS is answered to browsers before there is a session; the text speaks of these three.
    let is_ours = matches!(
        http_method(session, exchange),
        Some("POST" | "GET" | "DELETE")
    );
    if *transport != Transport::Http || !succeeded || is_error || !is_ours {
        return None;
    }
    let What::HttpRequest {
        method,
        headers: sent,
        ..
    } = http_head(session, exchange)?
    else {
        return None;
    };
    let message = exchange
        .posts
        .then(|| session.entries[exchange.sent].json());
    refusal::refused_headers(&Headers {
        method,
        sent,
        message: message.flatten(),
        revision: *revision,
        sessions: &session_ids(session.entries),
        ended: has_ended_session(session, exchange),
        tools: profile
            .offer(*revision, *transport)
            .map_or(&[], |offer| &offer.tools),
        is_own: profile.own_process,
    })
}
