//! Each request is answered once, with its own id.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic#responses>

use serde_json::{Value, json};

use super::{Rule, Sight};
use crate::conversation::Exchange;
use crate::judge::Session;
use crate::message::{self, Kind};

pub(super) const RULE: Rule = Rule {
    name: "response-ids",
    title: "Each request is answered once, with its own id, of the same value and type",
    requirements: &["messages/same-id", "messages/json-rpc"],
    faults: &[],
    applies: |_, _| true,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    for exchange in session.conversation.exchanges.iter().filter(|exchange| exchange.is_request()) {
        let Some(answer) = exchange.answer else { continue };
        sight.observe();
        let ids = response_ids(session, answer);
        if !ids.iter().any(|id| exchange.due.ids.contains(id)) {
            wrong_id(exchange, answer, &ids, sight);
        }
        for again in &exchange.again {
            let message = "a request was answered twice";
            let actual = session.entries[*again].json.as_deref().cloned().unwrap_or(Value::Null);
            sight.violation("messages/json-rpc", &[exchange.sent, answer, *again], message, "one answer", actual);
        }
    }
    for stray in &session.conversation.stray {
        let ids = response_ids(session, *stray);
        let late = |id: &Value| session.conversation.exchanges.iter().any(|e| e.deadline.is_some() && e.due.ids.contains(id));
        // An error without an id belongs to something unreadable; an answer that came too late is late, not wrong.
        if ids.iter().any(|id| !id.is_null() && !late(id)) {
            let message = "a response answers no request";
            sight.violation("messages/same-id", &[*stray], message, "the id of a request", json!(ids));
        }
    }
}

fn wrong_id(exchange: &Exchange, answer: usize, ids: &[Value], sight: &mut Sight) {
    let ours = exchange.due.ids.first().cloned().unwrap_or(Value::Null);
    let actual = ids.first().cloned().unwrap_or(Value::Null);
    let retyped = ours.is_number() && actual.is_string();
    sight.violation(
        "messages/same-id",
        &[exchange.sent, answer],
        if retyped { "the id of the response has another type" } else { "the id of the response is not that of the request" },
        ours,
        actual,
    );
    if retyped {
        sight.hint("keep the id as the JSON value that came; do not turn it into a string");
    }
}

/// The ids in a received entry; null stands for a missing one.
fn response_ids(session: &Session<'_>, entry: usize) -> Vec<Value> {
    let Some(document) = session.entries[entry].json.as_deref() else { return Vec::new() };
    message::messages(document)
        .iter()
        .filter_map(|message| match message::kind(message) {
            Kind::Response { id } => Some(id.cloned().unwrap_or(Value::Null)),
            _ => None,
        })
        .collect()
}
