//! Each request is answered once, with its own id.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic#responses>

use std::collections::HashSet;

use serde_json::{Value, json};

use super::look::{is_deliberate, life_of};
use super::{Rule, Sight};
use crate::conversation::Exchange;
use crate::judge::Session;
use crate::judge::duty::Duty;
use crate::message::{self, Kind};
use crate::transcript::{Entry, What};
use crate::transport::header;

pub(super) const RULE: Rule = Rule {
    name: "response-ids",
    title: "Each request is answered once, with its own id, of the same value and type",
    why: "A client finds the request that an answer belongs to by the id. Without it the call waits \
        until its deadline.",
    requirements: &[
        "messages/same-id",
        "messages/request-answered",
        "messages/unreadable-id",
    ],
    faults: &[
        "wrong-id",
        "id-stringified",
        "id-missing",
        "answer-twice",
        "parse-error-id",
    ],
    applies: |_, _| true,
    check,
};

/// A server that leaves out one id leaves out all: a few are enough.
const MAX_NAMELESS: usize = 20;

fn check(session: &Session<'_>, sight: &mut Sight) {
    for exchange in &session.conversation.exchanges {
        let Some(answer) = exchange.answer else {
            continue;
        };
        match exchange.due.duty {
            // By another method nothing is posted: whoever refuses it need not read a body.
            Duty::Must if is_sent_oddly(session, exchange) => {}
            Duty::Must => {
                sight.observe();
                request(session, exchange, answer, sight);
            }
            Duty::May if exchange.posts => invented(session, exchange, answer, sight),
            _ => {}
        }
    }
    for stray in &session.conversation.stray {
        answers_nothing(session, *stray, sight);
    }
    for answer in nameless(session).take(MAX_NAMELESS) {
        if let Some(forgotten) = forgotten(session, answer) {
            let message = "the response has no id";
            let expected = forgotten.due.ids.first().cloned().unwrap_or_default();
            sight.violation(
                "messages/same-id",
                &[forgotten.sent, answer],
                message,
                expected,
                Value::Null,
            );
        }
    }
}

fn request(session: &Session<'_>, exchange: &Exchange, answer: usize, sight: &mut Sight) {
    let responses = responses(session, answer);
    let ids: Vec<Option<&Value>> = responses
        .iter()
        .map(|response| response.get("id"))
        .collect();
    if !ids.iter().any(|id| exchange.due.accepts(*id)) {
        wrong_id(session, exchange, answer, &responses, sight);
    }
    for again in &exchange.again {
        // That a response comes on a stream opened by GET, too, is another rule's.
        if is_replay(session, *again)
            || [answer, *again]
                .iter()
                .any(|entry| method_of(session, *entry) == Some("GET"))
        {
            continue;
        }
        let actual = session.entries[*again].json().cloned().unwrap_or_default();
        let message = "a request was answered twice";
        sight.violation(
            "messages/request-answered",
            &[exchange.sent, answer, *again],
            message,
            "one answer",
            actual,
        );
    }
}

fn wrong_id(
    session: &Session<'_>,
    exchange: &Exchange,
    answer: usize,
    responses: &[&Value],
    sight: &mut Sight,
) {
    let ours = exchange.due.ids.first().cloned().unwrap_or_default();
    let Some(response) = responses.first() else {
        return;
    };
    let actual = response.get("id").cloned().unwrap_or_default();
    let refused = refused_unread(session, exchange, response);
    // Who refuses a request by its headers need not have read its id, who refuses a batch not those in it.
    let whole = response.get("error").is_some() && is_batch(session, exchange);
    if actual.is_null() && (refused || whole) {
        return;
    }
    let retyped = ours.is_number() && actual.as_str() == Some(ours.to_string().as_str());
    let message = match retyped {
        true => "the id of the response has another type",
        false if actual.is_null() => "the response has no id",
        false => "the id of the response is not that of the request",
    };
    sight.violation(
        "messages/same-id",
        &[exchange.sent, answer],
        message,
        ours,
        actual,
    );
    if refused {
        sight.tolerate();
        sight.hint("where the id was not read, leave it out");
    }
}

/// Whether HTTP refused the request by an error that does not show that its body was read.
fn refused_unread(session: &Session<'_>, exchange: &Exchange, response: &Value) -> bool {
    let head = exchange.head.map(|head| &session.entries[head].what);
    let refused = matches!(head, Some(What::HttpResponse { status: 400.., .. }));
    refused
        && response
            .pointer("/error/code")
            .is_some_and(|code| *code != json!(-32601))
}

/// An error about something unreadable has an id that was not in it.
fn invented(session: &Session<'_>, exchange: &Exchange, answer: usize, sight: &mut Sight) {
    let responses = responses(session, answer);
    let known = |response: &&Value| exchange.due.accepts(response.get("id"));
    let Some(response) = responses.iter().find(|response| !known(response)) else {
        return;
    };
    let actual = response.get("id").cloned().unwrap_or_default();
    let expected = exchange
        .due
        .ids
        .iter()
        .find(|id| !id.is_null())
        .cloned()
        .unwrap_or_default();
    let message = "an error about what could not be read has an id that was not there";
    sight.violation(
        "messages/unreadable-id",
        &[exchange.sent, answer],
        message,
        expected,
        actual,
    );
}

fn answers_nothing(session: &Session<'_>, stray: usize, sight: &mut Sight) {
    let ids: Vec<&Value> = responses(session, stray)
        .iter()
        .filter_map(|response| response.get("id"))
        .collect();
    let exchanges = &session.conversation.exchanges;
    let late = |id: &Value| {
        exchanges
            .iter()
            .any(|e| e.deadline.is_some() && e.due.accepts(Some(id)))
    };
    // The id of a hostile message that was answered already, or read in pieces: ours, if not of a request.
    let ours = |id: &Value| {
        exchanges
            .iter()
            .any(|e| is_deliberate_or_bare(session, e) && e.due.accepts(Some(id)))
    };
    // An answer that came too late is late, not wrong.
    let foreign: Vec<&Value> = ids
        .into_iter()
        .filter(|id| !id.is_null() && !late(id) && !ours(id))
        .collect();
    if foreign.is_empty() || is_replay(session, stray) {
        return;
    }
    match unreadable_before(session, stray) {
        // Several wrong lines may be answered in any number of pieces.
        Some(exchange) => {
            let message = "an error about what could not be read has an id that was not there";
            let (expected, actual) = (json!(exchange.due.ids), json!(foreign));
            sight.violation(
                "messages/unreadable-id",
                &[exchange.sent, stray],
                message,
                expected,
                actual,
            );
        }
        None => {
            let message = "a response answers no request";
            sight.violation(
                "messages/same-id",
                &[stray],
                message,
                "the id of a request",
                json!(foreign),
            );
        }
    }
}

fn is_deliberate_or_bare(session: &Session<'_>, exchange: &Exchange) -> bool {
    !exchange.posts || is_deliberate(session, exchange.sent)
}

/// What we sent last before an entry, if it was unreadable and no answer to it was recognized.
fn unreadable_before<'a>(session: &Session<'a>, entry: usize) -> Option<&'a Exchange> {
    let mut before = session
        .conversation
        .exchanges
        .iter()
        .rev()
        .filter(|e| e.sent < entry && e.posts);
    before
        .find(|e| !e.is_request())
        .filter(|e| e.due.duty == Duty::May && e.answer.is_none())
}

/// Responses on stdio or HTTP+SSE without an id that were not taken for the answer to something unreadable.
pub(super) fn nameless<'a>(session: &Session<'a>) -> impl Iterator<Item = usize> + use<'a> {
    let conversation = session.conversation;
    let taken: HashSet<usize> = conversation
        .exchanges
        .iter()
        .filter(|e| e.due.duty != Duty::MustNot)
        .filter_map(|e| e.answer)
        .collect();
    let entries = session.entries;
    (0..entries.len()).filter(move |index| {
        let entry = &entries[*index];
        let came = entry.stream == 0
            && matches!(entry.what, What::Received { .. })
            && !taken.contains(index);
        came && entry
            .json()
            .is_some_and(|message| match message::kind(message) {
                Kind::Response { id } => id.is_none_or(Value::is_null),
                _ => false,
            })
    })
}

/// The oldest request before this entry for whose answer we waited in vain: a response without an id is probably its.
pub(super) fn forgotten<'a>(session: &Session<'a>, entry: usize) -> Option<&'a Exchange> {
    let life = life_of(session, entry);
    let forgotten = |e: &&Exchange| {
        e.sent < entry && e.is_request() && e.deadline.is_some() && !is_batch(session, e)
    };
    session
        .conversation
        .exchanges
        .iter()
        .filter(forgotten)
        .find(|e| life_of(session, e.sent) == life)
}

/// Whether an array was sent.
pub(super) fn is_batch(session: &Session<'_>, exchange: &Exchange) -> bool {
    let sent = session.entries[exchange.sent].json();
    sent.is_some_and(Value::is_array)
}

/// Whether an entry came on a stream that resumes another, on which what came before may come again.
fn is_replay(session: &Session<'_>, entry: usize) -> bool {
    let stream = session.entries[entry].stream;
    session.entries.iter().any(|entry| match &entry.what {
        What::HttpRequest { headers, .. } if entry.stream == stream => {
            header(headers, "last-event-id").is_some()
        }
        _ => false,
    })
}

/// The HTTP method that opened the stream of an entry. Over HTTP+SSE the stream of the server is opened by GET as well, and
/// carries everything: of that nothing is said.
fn method_of<'a>(session: &Session<'a>, entry: usize) -> Option<&'a str> {
    let entries: &'a [Entry] = session.entries;
    if entries[entry].stream == 0 {
        return None;
    }
    match &entries[session.http_head(entry)?].what {
        What::HttpRequest { method, .. } => Some(method),
        _ => None,
    }
}

/// Whether a message was the body of what is neither POST nor GET.
fn is_sent_oddly(session: &Session<'_>, exchange: &Exchange) -> bool {
    let method = method_of(session, exchange.sent);
    method.is_some_and(|method| !["POST", "GET"].contains(&method))
}

/// The responses in a received entry.
fn responses<'a>(session: &Session<'a>, entry: usize) -> Vec<&'a Value> {
    let document = session.entries[entry].json();
    let is_response = |message: &&Value| matches!(message::kind(message), Kind::Response { .. });
    document
        .map(message::messages)
        .unwrap_or_default()
        .iter()
        .filter(is_response)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    fn ping(id: Value) -> Value {
        json!({ "jsonrpc": "2.0", "id": id, "method": "ping" })
    }

    fn pong(id: Value) -> Value {
        json!({ "jsonrpc": "2.0", "id": id, "result": {} })
    }

    #[test]
    fn own_ids() {
        passes(&RULE, &legacy().sends(ping(json!(1))).gets(pong(json!(1))));
        passes(
            &RULE,
            &legacy().sends(ping(json!("x"))).gets(pong(json!("x"))),
        );
        sees_nothing(&RULE, &legacy().sends(ping(json!(1))));
    }

    #[test]
    fn what_is_not_posted_need_not_be_read() {
        let refused = |method: &str| {
            let script = legacy_http().http(method, &[]).sends(ping(json!(1)));
            let error = json!({ "code": -32600, "message": "x" });
            let answer = json!({ "jsonrpc": "2.0", "id": "server-error", "error": error });
            script.head(405, &[]).gets(answer).ends()
        };
        sees_nothing(&RULE, &refused("MCP"));
        finds(&RULE, &refused("POST"), &["messages/same-id"]);
    }

    #[test]
    fn other_ids() {
        let asked = legacy().sends(ping(json!(1)));
        finds(
            &RULE,
            &asked.clone().gets(pong(json!("1"))),
            &["messages/same-id"],
        );
        finds(
            &RULE,
            &asked.clone().gets(pong(json!("nobody"))),
            &["messages/same-id"],
        );
        finds(
            &RULE,
            &asked
                .clone()
                .gets(json!({ "jsonrpc": "2.0", "result": {} }))
                .waits(),
            &["messages/same-id"],
        );
        finds(
            &RULE,
            &asked.clone().gets(pong(json!(1))).gets(pong(json!(9))),
            &["messages/same-id"],
        );
        finds(
            &RULE,
            &asked.gets(pong(json!(1))).gets(pong(json!(1))),
            &["messages/request-answered"],
        );
    }

    #[test]
    fn an_error_without_an_id_is_fine_where_none_could_be_read() {
        let error = |id: Value| json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32700, "message": "" } });
        let hostile = legacy().hostile("{").sends(ping(json!(7)));
        passes(
            &RULE,
            &hostile
                .clone()
                .gets(error(Value::Null))
                .gets(pong(json!(7))),
        );
        passes(
            &RULE,
            &hostile
                .clone()
                .gets(error(Value::Null))
                .gets(error(Value::Null))
                .gets(pong(json!(7))),
        );
        finds(
            &RULE,
            &hostile.clone().gets(pong(json!(7))).gets(error(json!(1))),
            &["messages/unreadable-id"],
        );
    }

    #[test]
    fn who_knows_no_batches_refuses_them_whole() {
        let batch = json!([ping(json!(1)), ping(json!(2))]);
        let old = Script::new(
            crate::revision::Revision::V2025_03_26,
            crate::transport::Transport::Stdio,
        );
        let error = json!({ "jsonrpc": "2.0", "error": { "code": -32600, "message": "" } });
        passes(&RULE, &old.sends(batch).gets(error));
    }

    #[test]
    fn a_late_answer_is_late() {
        let deadline = What::Deadline {
            waiting_for: "ping".to_owned(),
            step: Some(crate::transcript::StepRef(0, 0)),
        };
        let late = legacy()
            .trial("t")
            .sends(ping(json!(1)))
            .what(deadline)
            .gets(pong(json!(1)));
        sees_nothing(&RULE, &late);
    }

    #[test]
    fn http_refusals_need_no_id() {
        let error = |id: Value, code| json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": "" } });
        let asked = || legacy_http().http("POST", &[]).sends(ping(json!(1)));
        passes(
            &RULE,
            &asked().head(404, &[]).gets(error(Value::Null, -32000)),
        );
        let tolerated = asked()
            .head(404, &[])
            .gets(error(json!("server-error"), -32600));
        finds(&RULE, &tolerated, &["messages/same-id"]);
        assert_eq!(
            tolerated.judged(&RULE).findings[0].level,
            crate::verdict::Level::Stated
        );
        finds(
            &RULE,
            &asked().head(404, &[]).gets(error(Value::Null, -32601)),
            &["messages/same-id"],
        );
        finds(
            &RULE,
            &asked().head(200, &[]).gets(pong(Value::Null)),
            &["messages/same-id"],
        );
    }
}
