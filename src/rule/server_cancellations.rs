//! A server cancels its own requests or, at modern revisions, the subscriptions that it ends.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/cancellation#behavior-requirements>,
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/cancellation#behavior-requirements>

use serde_json::{Value, json};

use super::look::{notifications, requests, sent};
use super::stream::streams;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::revision::Era;

pub(super) const RULE: Rule = Rule {
    name: "server-cancellations",
    title: "The server cancels only what it may cancel",
    why: "A client drops what is cancelled. Of a request that it does not know, or that still runs, \
        it loses the answer.",
    requirements: &[
        "cancellation/server-own-requests",
        "cancellation/server-only-subscriptions",
        "cancellation/names-request",
    ],
    faults: &[
        "cancels-client-requests",
        "cancels-anything",
        "cancels-nothing",
    ],
    applies: |_, _| true,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    let streams = streams(session);
    for (method, received) in notifications(session) {
        if method != "notifications/cancelled" {
            continue;
        }
        sight.observe();
        let Some(id) = received.message.pointer("/params/requestId") else {
            let message = "the server cancels something, but does not say what";
            sight.violation(
                "cancellation/names-request",
                &[received.entry],
                message,
                "params.requestId",
                received.message.clone(),
            );
            continue;
        };
        let (requirement, message, known): (_, _, Vec<&Value>) = match session.header.revision.era()
        {
            Era::Legacy => {
                // A request of the server may have been on a stream that we gave up.
                if streams.values().any(|stream| stream.cut) {
                    continue;
                }
                let own = requests(session)
                    .map(|(_, request)| &request.message["id"])
                    .collect();
                (
                    "cancellation/server-own-requests",
                    "the server cancels a request that it did not send",
                    own,
                )
            }
            Era::Modern => {
                let listens = |message: &Value| {
                    message
                        .get("method")
                        .is_some_and(|name| name == "subscriptions/listen")
                };
                let listening = sent(session).filter(|(_, message)| listens(message));
                let listening = listening
                    .filter_map(|(_, message)| message.get("id"))
                    .collect();
                let message = "the server cancels something that is no subscription";
                ("cancellation/server-only-subscriptions", message, listening)
            }
        };
        if !known.contains(&id) {
            sight.violation(
                requirement,
                &[received.entry],
                message,
                json!({ "one of": known }),
                id.clone(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    fn cancelled(script: Script, id: Value) -> Script {
        script.notified("notifications/cancelled", json!({ "requestId": id }))
    }

    #[test]
    fn legacy_requests() {
        let asked = legacy().gets(json!({ "jsonrpc": "2.0", "id": "s", "method": "roots/list" }));
        passes(&RULE, &cancelled(asked.clone(), json!("s")));
        finds(
            &RULE,
            &cancelled(asked.clone().asks(1, "ping", json!({})), json!(1)),
            &["cancellation/server-own-requests"],
        );
        sees_nothing(&RULE, &asked);
        finds(
            &RULE,
            &asked.notified("notifications/cancelled", json!({ "reason": "late" })),
            &["cancellation/names-request"],
        );
    }

    #[test]
    fn modern_subscriptions() {
        passes(
            &RULE,
            &cancelled(
                modern().asks(1, "subscriptions/listen", json!({})),
                json!(1),
            ),
        );
        let other = cancelled(modern().asks(1, "tools/call", json!({})), json!(1));
        finds(&RULE, &other, &["cancellation/server-only-subscriptions"]);
    }
}
