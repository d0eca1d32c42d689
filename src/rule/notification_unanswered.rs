//! Nothing answers a notification or a response of ours.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic#notifications>
//!
//! On Streamable HTTP each message has a response, and the rule on what is accepted says which.

use serde_json::Value;

use super::response_ids::{forgotten, is_batch, nameless};
use super::{Rule, Sight};
use crate::conversation::Exchange;
use crate::judge::Session;
use crate::judge::duty::Duty;
use crate::transport::Transport;

pub(super) const RULE: Rule = Rule {
    name: "notification-unanswered",
    title: "Notifications and responses are not answered",
    why: "A client waits for no answer, and may take it for that of another request.",
    requirements: &["messages/notification-unanswered"],
    faults: &["notification-answered", "unknown-notification-answered"],
    applies: |_, transport| transport != Transport::Http,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    for exchange in session
        .conversation
        .exchanges
        .iter()
        .filter(|exchange| is_unanswerable(session, exchange))
    {
        let later = session
            .conversation
            .exchanges
            .iter()
            .rev()
            .find(|e| e.is_request() && e.answer.is_some());
        // What came of it is known once a later request is answered.
        if later.is_some_and(|later| later.sent > exchange.sent) {
            sight.observe();
        }
    }
    for answer in nameless(session) {
        if forgotten(session, answer).is_some() {
            continue;
        }
        let before = session
            .conversation
            .exchanges
            .iter()
            .rev()
            .filter(|e| e.sent < answer && e.posts);
        // After something unreadable, an answer without an id is most probably about that.
        if let Some(exchange) = before
            .clone()
            .find(|e| !e.is_request() || is_batch(session, e))
            .filter(|e| is_unanswerable(session, e))
        {
            violation(session, exchange, answer, sight);
        }
    }
}

/// A batch of notifications is another matter: who knows no batches cannot know that it is one.
fn is_unanswerable(session: &Session<'_>, exchange: &Exchange) -> bool {
    exchange.due.duty == Duty::MustNot && !is_batch(session, exchange)
}

fn violation(session: &Session<'_>, exchange: &Exchange, answer: usize, sight: &mut Sight) {
    let actual = session.entries[answer]
        .json()
        .cloned()
        .unwrap_or(Value::Null);
    let message = match exchange.method {
        Some(_) => "a notification is answered",
        None => "a response is answered",
    };
    let entries = [exchange.sent, answer];
    sight.violation(
        "messages/notification-unanswered",
        &entries,
        message,
        "nothing",
        actual,
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;

    fn error() -> Value {
        json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32601, "message": "" } })
    }

    #[test]
    fn stdio() {
        let notified = legacy().initialized();
        sees_nothing(&RULE, &notified);
        passes(
            &RULE,
            &notified
                .clone()
                .asks(1, "ping", json!({}))
                .result(1, json!({})),
        );
        finds(
            &RULE,
            &notified.clone().gets(error()),
            &["messages/notification-unanswered"],
        );
        let without_id = json!({ "jsonrpc": "2.0", "result": {} });
        let fenced = notified
            .clone()
            .asks(1, "ping", json!({}))
            .gets(without_id.clone())
            .result(1, json!({}));
        finds(&RULE, &fenced, &["messages/notification-unanswered"]);
        let hostile = notified.clone().hostile("{").gets(error()).gets(error());
        sees_nothing(&RULE, &hostile);
        // This is the answer to the request, without its id.
        sees_nothing(
            &RULE,
            &notified.asks(1, "ping", json!({})).gets(without_id).waits(),
        );
    }

    #[test]
    fn batches() {
        let notification = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let old = Script::new(
            crate::revision::Revision::V2025_03_26,
            crate::transport::Transport::Stdio,
        );
        sees_nothing(&RULE, &old.sends(json!([notification])).gets(error()));
    }
}
