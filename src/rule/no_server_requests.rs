//! A modern server starts no requests.
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/stdio#receiving-messages>,
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#receiving-messages>

use super::look::{answers, modern_answers, requests};
use super::{Rule, Sight};
use crate::judge::Session;
use crate::revision::Era;
use crate::transcript::What;
use crate::transport::Transport;

pub(super) const RULE: Rule = Rule {
    name: "no-server-requests",
    title: "The server sends no requests of its own",
    why: "A client of this revision has no way to answer, and the server would wait for ever.",
    requirements: &[
        "messages/no-server-requests",
        "stdio/no-requests",
        "http/no-server-requests",
    ],
    faults: &[
        "requests-on-stdout",
        "requests-on-streams",
        "request-for-answer",
    ],
    applies: |revision, _| revision.era() == Era::Modern,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    // A handshake that succeeds makes this a legacy connection.
    let handshake = answers(session)
        .find(|answer| answer.method() == "initialize" && answer.result().is_some());
    if modern_answers(session).next().is_some() {
        sight.observe();
    }
    for (method, received) in requests(session) {
        if handshake.is_some_and(|handshake| handshake.entry < received.entry) {
            continue;
        }
        let message = format!("the server sends the request {method}");
        let actual = received.message.clone();
        let expected = "the request inside an input_required result";
        sight.violation(
            requirement(session, received.entry),
            &[received.entry],
            message,
            expected,
            actual,
        );
    }
}

/// The clause of the transport, where it has one.
fn requirement(session: &Session<'_>, entry: usize) -> &'static str {
    match (&session.header.transport, &session.entries[entry].what) {
        (Transport::Stdio, _) => "stdio/no-requests",
        (_, What::Received { event: Some(_), .. }) => "http/no-server-requests",
        _ => "messages/no-server-requests",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;

    #[test]
    fn requests() {
        let asked = modern().asks(1, "tools/call", json!({}));
        passes(&RULE, &asked.clone().result(1, json!({})));
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "roots/list" });
        finds(
            &RULE,
            &asked.clone().gets(request.clone()),
            &["stdio/no-requests"],
        );
        let streams = modern_http().streams(1, "tools/call", json!({}));
        finds(
            &RULE,
            &streams.event_of(request.clone()),
            &["http/no-server-requests"],
        );
        let body = modern_http().http("POST", &[]);
        let body = body.asks(1, "tools/call", json!({})).head(200, &[]);
        finds(&RULE, &body.gets(request), &["messages/no-server-requests"]);
        sees_nothing(&RULE, &asked);
    }
}
