//! The data of an event is a message.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#sending-messages-to-the-server>

use super::stream::streams;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::judge::evidence::cut;
use crate::transport::Transport;

pub(super) const RULE: Rule = Rule {
    name: "sse-data",
    title: "The data of every event is a JSON-RPC message",
    why: "A client reads the data of every event as JSON. Anything else ends many a client.",
    requirements: &["sse/well-formed"],
    faults: &["events-malformed"],
    applies: |_, transport| transport == Transport::Http,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    for stream in streams(session).values() {
        for (entry, event, data) in stream.events(session) {
            // An event without data primes the stream or sets a delay; one of another type is not for MCP.
            let other = event.event.as_deref().is_some_and(|kind| kind != "message");
            if data.is_empty() || other {
                continue;
            }
            sight.observe();
            let shown = cut(&String::from_utf8_lossy(data), 200);
            let json = session.entries[entry].json();
            if json.is_none_or(|json| !json.is_object() && !json.is_array()) {
                let message = match json {
                    None => "the data of an event is no JSON",
                    Some(_) => "the data of an event is JSON, but no message",
                };
                sight.violation(
                    "sse/well-formed",
                    &[stream.request, entry],
                    message,
                    "a message",
                    shown,
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;

    #[test]
    fn data() {
        let opened = legacy_http().streams(1, "ping", json!({}));
        passes(
            &RULE,
            &opened
                .clone()
                .event_of(json!({ "jsonrpc": "2.0", "id": 1, "result": {} })),
        );
        finds(
            &RULE,
            &opened.clone().event(None, "{\"jsonrpc\""),
            &["sse/well-formed"],
        );
        finds(
            &RULE,
            &opened.clone().event(None, "42"),
            &["sse/well-formed"],
        );
        sees_nothing(&RULE, &opened.event(Some("1"), ""));
    }
}
