//! A stream that answers a POST opens with an event that has an id and no data.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#sending-messages-to-the-server>
//!
//! Such an id invites the client to resume. A server that attaches no ids to anything has nothing to resume, so that
//! only one that does is asked for it.

use serde_json::json;

use super::stream::streams;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::revision::Revision;
use crate::transport::Transport;

pub(super) const RULE: Rule = Rule {
    name: "priming",
    title: "A resumable stream opens with an event that has an id and no data",
    why: "A client whose connection breaks before the first message can come back only if it has an \
        id to resume from.",
    requirements: &["sse/priming-event"],
    faults: &["stream-unprimed"],
    applies: |revision, transport| {
        revision == Revision::V2025_11_25 && transport == Transport::Http
    },
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    for stream in streams(session)
        .values()
        .filter(|stream| stream.method == "POST" && stream.is_event_stream())
    {
        // Before 2025-11-25 there were clients that could not read an event without data.
        if !stream.speaks(session) {
            continue;
        }
        let mut events = stream.events(session);
        let Some((entry, first, data)) = events.next() else {
            continue;
        };
        let resumable = first.id.is_some() || events.any(|(_, event, _)| event.id.is_some());
        if !resumable {
            continue;
        }
        sight.observe();
        if first.id.is_none() || !data.is_empty() {
            let message =
                "a resumable stream does not open with an event that has an id and no data";
            let actual = json!({ "id": first.id, "data": String::from_utf8_lossy(data) });
            let expected = json!({ "id": "an id", "data": "" });
            sight.violation(
                "sse/priming-event",
                &[stream.request, entry],
                message,
                expected,
                actual,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn first_events() {
        let spoken = |revision| {
            let script = legacy_http().http("POST", &[("MCP-Protocol-Version", revision)]);
            script.head(200, &[("content-type", "text/event-stream")])
        };
        let opened = spoken("2025-11-25");
        sees_nothing(&RULE, &spoken("2025-06-18").event(Some("1"), "{}"));
        passes(
            &RULE,
            &opened.clone().event(Some("1"), "").event(Some("2"), "{}"),
        );
        finds(
            &RULE,
            &opened.clone().event(Some("1"), "{}"),
            &["sse/priming-event"],
        );
        finds(
            &RULE,
            &opened.clone().event(None, "{}").event(Some("1"), "{}"),
            &["sse/priming-event"],
        );
        sees_nothing(&RULE, &opened.event(None, "{}"));
    }
}
