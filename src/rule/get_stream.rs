//! A stream opened by GET carries no responses.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#listening-for-messages-from-the-server>

use super::stream::streams;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::message::{self, Kind};
use crate::revision::Era;
use crate::transport::Transport;

pub(super) const RULE: Rule = Rule {
    name: "get-stream",
    title: "A stream opened by GET carries no response, unless it resumes the stream of a request",
    why: "A client waits for an answer where it asked. On another stream it may come to nobody, or \
        twice.",
    requirements: &["http/get-stream-no-response"],
    faults: &["answer-on-get"],
    applies: |revision, transport| revision.era() == Era::Legacy && transport == Transport::Http,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    for stream in streams(session)
        .values()
        .filter(|stream| stream.method == "GET" && stream.is_event_stream())
    {
        if stream.resumes() {
            continue;
        }
        sight.observe();
        for entry in &stream.content {
            let document = session.entries[*entry].json();
            let messages = document.map(message::messages).unwrap_or_default();
            if let Some(response) = messages
                .iter()
                .find(|message| matches!(message::kind(message), Kind::Response { .. }))
            {
                let message = "a response comes on a stream opened by GET";
                let expected = "the response on the stream of its request";
                let entries = [stream.request, *entry];
                sight.violation(
                    "http/get-stream-no-response",
                    &entries,
                    message,
                    expected,
                    response.clone(),
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
    fn responses() {
        let opened = |headers: &[_]| {
            legacy_http()
                .http("GET", headers)
                .head(200, &[("content-type", "text/event-stream")])
        };
        let response = json!({ "jsonrpc": "2.0", "id": 1, "result": {} });
        passes(
            &RULE,
            &opened(&[]).event_of(json!({ "jsonrpc": "2.0", "method": "notifications/message" })),
        );
        finds(
            &RULE,
            &opened(&[]).event_of(response.clone()),
            &["http/get-stream-no-response"],
        );
        sees_nothing(&RULE, &opened(&[("last-event-id", "1")]).event_of(response));
        sees_nothing(&RULE, &legacy_http().http("GET", &[]).head(405, &[]));
    }
}
