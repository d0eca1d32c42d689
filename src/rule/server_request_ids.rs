//! The requests of a server have ids of their own.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic#requests>

use std::collections::HashMap;

use serde_json::Value;

use super::look::{life_of, requests};
use super::stream::streams;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::message;
use crate::revision::Era;

pub(super) const RULE: Rule = Rule {
    name: "server-request-ids",
    title: "The requests of the server have ids that are strings or integers, none used twice, and go out on one stream",
    why: "A client answers by the id. With one that is used twice, or comes twice, the answer goes \
        to the wrong question.",
    requirements: &[
        "messages/request-id",
        "messages/request-id-unique",
        "http/one-stream-per-message",
    ],
    faults: &["server-id-null", "server-id-repeated", "broadcast"],
    applies: |revision, _| revision.era() == Era::Legacy,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    let streams = streams(session);
    let mut known: HashMap<(Option<&str>, usize, String), (usize, &Value)> = HashMap::new();
    for (_, received) in requests(session) {
        sight.observe();
        let id = &received.message["id"];
        if !message::is_valid_id(id) {
            let message = "the id of a request is neither a string nor an integer";
            let expected = "a string or an integer";
            sight.violation(
                "messages/request-id",
                &[received.entry],
                message,
                expected,
                id.clone(),
            );
            continue;
        }
        let stream = streams.get(&received.stream);
        let session_id = stream.and_then(|stream| stream.session_id());
        // Without a session on HTTP each request may be served by another instance.
        if stream.is_some() && session_id.is_none() {
            continue;
        }
        let key = (session_id, life_of(session, received.entry), id.to_string());
        let Some((first, message)) = known.insert(key, (received.entry, received.message)) else {
            continue;
        };
        let entries = [first, received.entry];
        let same = message == received.message;
        match same && session.entries[first].stream != received.stream {
            // What was sent on a stream that broke is sent again on the one that resumes it.
            true if stream.is_some_and(|stream| stream.resumes()) => {}
            true => {
                let what = "the same request came on two streams";
                let actual = received.message.clone();
                sight.violation(
                    "http/one-stream-per-message",
                    &entries,
                    what,
                    "one stream",
                    actual,
                );
            }
            false => {
                let what = "the server used the id of a request twice";
                sight.violation(
                    "messages/request-id-unique",
                    &entries,
                    what,
                    "another id",
                    id.clone(),
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

    fn ask(id: Value) -> Value {
        json!({ "jsonrpc": "2.0", "id": id, "method": "roots/list" })
    }

    #[test]
    fn ids() {
        passes(&RULE, &legacy().gets(ask(json!(0))).gets(ask(json!("0"))));
        finds(
            &RULE,
            &legacy().gets(ask(json!(1))).gets(ask(json!(1))),
            &["messages/request-id-unique"],
        );
        for id in [json!(null), json!(1.5), json!([])] {
            finds(&RULE, &legacy().gets(ask(id)), &["messages/request-id"]);
        }
        sees_nothing(&RULE, &legacy().opened());
        sees_nothing(
            &RULE,
            &legacy().gets(json!({ "jsonrpc": "2.0", "id": 1, "method": "notifications/message" })),
        );
    }

    #[test]
    fn streams() {
        let sse = [("content-type", "text/event-stream")];
        let open = |script: Script, headers: &[(&str, &str)]| {
            script
                .http("GET", headers)
                .head(200, &sse)
                .event_of(ask(json!(1)))
        };
        let session = [("mcp-session-id", "a")];
        let other = [("mcp-session-id", "b")];
        let resumed = [("mcp-session-id", "a"), ("Last-Event-ID", "1")];
        finds(
            &RULE,
            &open(open(legacy_http(), &session), &session),
            &["http/one-stream-per-message"],
        );
        passes(&RULE, &open(open(legacy_http(), &session), &other));
        passes(&RULE, &open(open(legacy_http(), &session), &resumed));
        passes(&RULE, &open(open(legacy_http(), &[]), &[]));
    }
}
