//! What came before a request that may depend on it: what a server made, asked or ended.

use crate::conversation::Exchange;
use crate::judge::Session;
use crate::judge::refusal::Pair;
use crate::transcript::{Entry, What};
use crate::transport::header;

/// What was sent before a request, and succeeded, if that speaks of tasks, or brings what was asked for: where it matters which
/// was first, the answer was waited for.
pub(super) fn earlier<'a>(session: &Session<'a>, exchange: &Exchange) -> Vec<Pair<'a>> {
    let message = session.entries[exchange.sent].json();
    let is_retry = message
        .and_then(|message| message.get("params"))
        .is_some_and(|params| {
            params.get("inputResponses").is_some() || params.get("requestState").is_some()
        });
    let method = exchange.method.as_deref().unwrap_or_default();
    if !is_retry && !method.starts_with("tasks/") {
        return Vec::new();
    }
    let entries: &'a [Entry] = session.entries;
    let pair = |other: &Exchange| {
        let result = entries[other.answer?].json()?.get("result")?;
        Some((entries[other.sent].json()?, result))
    };
    session
        .conversation
        .exchanges
        .iter()
        .take_while(|other| other.sent < exchange.sent)
        .filter_map(pair)
        .collect()
}

/// Whether the session was ended, with success, before this was sent for an input.
pub(super) fn has_ended_session(session: &Session<'_>, exchange: &Exchange) -> bool {
    let before = &session.entries[..exchange.sent];
    let succeeded = |stream| {
        let mut heads = before.iter().filter(|entry| entry.stream == stream);
        heads.any(|entry| {
            matches!(
                entry.what,
                What::HttpResponse {
                    status: 200..300,
                    ..
                }
            )
        })
    };
    let ends = |entry: &Entry| match &entry.what {
        What::HttpRequest {
            method, headers, ..
        } => {
            let is_named = header(headers, "mcp-session-id").is_some();
            method == "DELETE" && is_named && succeeded(entry.stream)
        }
        _ => false,
    };
    exchange.step.is_some() && before.iter().any(ends)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rule::testing::{legacy_http, modern};

    #[test]
    fn what_succeeded_before_is_told_to_those_that_depend_on_it() {
        let script = modern()
            .asks(1, "tools/call", json!({ "name": "a" }))
            .result(1, json!({ "requestState": "s" }))
            .asks(2, "tools/call", json!({ "name": "b" }))
            .gets(json!({ "jsonrpc": "2.0", "id": 2, "error": { "code": 1, "message": "x" } }))
            .asks(3, "tools/call", json!({ "name": "a", "requestState": "s" }))
            .asks(4, "tools/call", json!({ "name": "a" }))
            .asks(5, "tasks/get", json!({ "taskId": "t" }));
        script.seen(|session| {
            let exchanges = &session.conversation.exchanges;
            let pairs = exchanges
                .iter()
                .map(|exchange| earlier(session, exchange).len());
            assert_eq!(pairs.collect::<Vec<_>>(), [0, 0, 1, 0, 1]);
        });
    }

    #[test]
    fn a_session_has_ended_that_was_deleted_with_success() {
        let has_ended = |method: &str, status| {
            let id = [("mcp-session-id", "1")];
            let script = legacy_http()
                .http(method, &id)
                .head(status, &[])
                .ends()
                .http("POST", &id)
                .asks(1, "ping", json!({}));
            script.seen(|session| {
                let last = session.conversation.exchanges.last().unwrap();
                // Our own request behind the input shows the same, and is not blamed.
                let ours = Exchange {
                    step: None,
                    ..last.clone()
                };
                assert!(!has_ended_session(session, &ours));
                has_ended_session(session, last)
            })
        };
        assert!(has_ended("DELETE", 204));
        assert!(!has_ended("DELETE", 405));
        assert!(!has_ended("POST", 200));
    }
}
