//! Event ids are unique within a session.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#resumability-and-redelivery>

use std::collections::HashMap;

use super::stream::{Stream, streams};
use super::{Rule, Sight};
use crate::judge::Session;
use crate::revision::Era;
use crate::transport::{StreamId, Transport};

pub(super) const RULE: Rule = Rule {
    name: "event-ids",
    title: "Event ids are unique over all streams of a session",
    why: "A client resumes by the id of an event. One that stands for two brings back the wrong \
        stream, or nothing.",
    requirements: &["sse/event-id-unique"],
    faults: &["event-ids-repeated"],
    applies: |revision, transport| revision.era() == Era::Legacy && transport == Transport::Http,
    check,
};

/// Where an id was used.
struct Seen<'a> {
    stream: StreamId,
    method: &'a str,
    entry: usize,
    data: &'a [u8],
}

fn check(session: &Session<'_>, sight: &mut Sight) {
    let streams = streams(session);
    let mut known: HashMap<_, Seen<'_>> = HashMap::new();
    for (number, stream) in &streams {
        for (entry, event, data) in stream.events(session) {
            let Some(id) = event.id.as_deref().filter(|id| !id.is_empty()) else {
                continue;
            };
            sight.observe();
            let key = (stream.session_id(), handshakes(session, stream, entry), id);
            let Some(before) = known.insert(
                key,
                Seen {
                    stream: *number,
                    method: stream.method,
                    entry,
                    data,
                },
            ) else {
                continue;
            };
            // What is sent again on resumption keeps its id. A mark without data may be repeated on its own stream; the
            // one that a GET opens is the same stream as often as it is opened.
            let replayed = stream.resumes() && before.data == data;
            let marks = data.is_empty() || before.data.is_empty();
            let same =
                before.stream == *number || (before.method == "GET" && stream.method == "GET");
            let again = marks && same;
            if !replayed && !again {
                let message = "an event id is used for two events";
                sight.violation(
                    "sse/event-id-unique",
                    &[before.entry, entry],
                    message,
                    "another id",
                    id,
                );
            }
        }
    }
}

/// Where sessions have no ids, each handshake begins one.
fn handshakes(session: &Session<'_>, stream: &Stream<'_>, entry: usize) -> usize {
    if stream.session_id().is_some() {
        return 0;
    }
    let handshake = |exchange: &&crate::conversation::Exchange| {
        exchange.sent < entry && exchange.method.as_deref() == Some("initialize")
    };
    session
        .conversation
        .exchanges
        .iter()
        .filter(handshake)
        .count()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;

    #[test]
    fn ids() {
        let sse = [("content-type", "text/event-stream")];
        let open = |script: Script, headers: &[_], id, data| {
            script
                .http("GET", headers)
                .head(200, &sse)
                .event(Some(id), data)
        };
        let first = open(legacy_http(), &[("mcp-session-id", "a")], "1", "{}");
        passes(
            &RULE,
            &open(first.clone(), &[("mcp-session-id", "a")], "2", "{}"),
        );
        passes(
            &RULE,
            &open(first.clone(), &[("mcp-session-id", "b")], "1", "{}"),
        );
        finds(
            &RULE,
            &open(first.clone(), &[("mcp-session-id", "a")], "1", "{}"),
            &["sse/event-id-unique"],
        );
        let resumed = [("mcp-session-id", "a"), ("last-event-id", "0")];
        passes(&RULE, &open(first.clone(), &resumed, "1", "{}"));
        finds(
            &RULE,
            &open(first.clone(), &resumed, "1", "[]"),
            &["sse/event-id-unique"],
        );
        passes(&RULE, &first.clone().event(Some("1"), ""));
        finds(
            &RULE,
            &first.event(Some("1"), "{}"),
            &["sse/event-id-unique"],
        );
        sees_nothing(
            &RULE,
            &legacy_http()
                .streams(1, "ping", json!({}))
                .event(None, "{}"),
        );
    }
}
