//! The stream of a subscription carries nothing of other requests, and ends with a response.
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions#graceful-closure>,
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#receiving-messages>

use super::look::{notifications, sent};
use super::stream::{Stream, streams};
use super::subscriptions::{Listen, REQUEST_SCOPED, listens};
use super::{Rule, Sight};
use crate::judge::Session;
use crate::revision::Era;
use crate::transport::Transport;

pub(super) const RULE: Rule = Rule {
    name: "listen-streams",
    title: "The stream of a subscription carries nothing of other requests, and ends with a response",
    why: "A client takes what comes there for news of what it listens to, and the missing end for a \
        broken connection.",
    requirements: &[
        "subscriptions/no-request-notifications",
        "subscriptions/graceful-close",
    ],
    faults: &["listen-progress", "listen-cut"],
    applies: |revision, transport| revision.era() == Era::Modern && transport == Transport::Http,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    let streams = streams(session);
    for listen in listens(session).iter().filter(|l| l.error.is_none()) {
        if let Some(stream) = streams.get(&listen.stream) {
            foreign(session, listen, sight);
            ended(listen, stream, sight);
        }
    }
}

/// What tells of another request goes out on that request's stream.
fn foreign(session: &Session<'_>, listen: &Listen<'_>, sight: &mut Sight) {
    let own = sent(session).find(|(entry, _)| *entry == listen.sent);
    let meta = own.and_then(|(_, message)| message.pointer("/params/_meta"));
    let asked = |name: &str| meta.and_then(|meta| meta.get(name));
    for (method, received) in notifications(session) {
        if received.stream != listen.stream {
            continue;
        }
        sight.observe();
        let token = received.message.pointer("/params/progressToken");
        // The request to listen may itself have asked for progress, or for log messages.
        let is_own = match method {
            "notifications/progress" => token.is_some() && asked("progressToken") == token,
            _ => asked("io.modelcontextprotocol/logLevel").is_some(),
        };
        if REQUEST_SCOPED.contains(&method) && !is_own {
            sight.violation(
                "subscriptions/no-request-notifications",
                &[listen.sent, received.entry],
                format!("{method} comes on the stream of a subscription"),
                "changes that were subscribed to",
                received.message.clone(),
            );
        }
    }
}

fn ended(listen: &Listen<'_>, stream: &Stream<'_>, sight: &mut Sight) {
    // What we gave up ends without a word.
    let is_cut = listen.result.is_none() && stream.is_event_stream();
    let Some(end) = stream.end.filter(|_| is_cut) else {
        return;
    };
    sight.violation(
        "subscriptions/graceful-close",
        &[listen.sent, end],
        "the server ends a subscription without a response",
        "the response to subscriptions/listen",
        "the end of the stream",
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::*;
    use super::*;

    fn listening() -> Script {
        let filter = json!({ "notifications": { "toolsListChanged": true } });
        modern_http().streams(1, "subscriptions/listen", filter)
    }

    fn told(script: Script, method: &str, params: Value) -> Script {
        script.event_of(json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    #[test]
    fn what_comes() {
        let changed = told(listening(), "notifications/tools/list_changed", json!({}));
        passes(&RULE, &changed);
        for (method, params) in [
            ("notifications/progress", json!({ "progressToken": 5 })),
            ("notifications/message", json!({ "level": "info" })),
        ] {
            finds(
                &RULE,
                &told(listening(), method, params),
                &["subscriptions/no-request-notifications"],
            );
        }
        let own = json!({
            "notifications": {},
            "_meta": { "progressToken": 5, "io.modelcontextprotocol/logLevel": "info" },
        });
        let own = modern_http().streams(1, "subscriptions/listen", own);
        let own = told(own, "notifications/progress", json!({ "progressToken": 5 }));
        passes(&RULE, &told(own, "notifications/message", json!({})));
        sees_nothing(&RULE, &listening());
    }

    #[test]
    fn how_it_ends() {
        finds(
            &RULE,
            &listening().ends(),
            &["subscriptions/graceful-close"],
        );
        let result = json!({ "resultType": "complete" });
        let response = json!({ "jsonrpc": "2.0", "id": 1, "result": result });
        sees_nothing(&RULE, &listening().event_of(response).ends());
        let abandoned = listening().what(crate::transcript::What::Abandoned);
        sees_nothing(&RULE, &abandoned);
        let refused =
            json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": -32602, "message": "no" } });
        sees_nothing(&RULE, &listening().event_of(refused).ends());
    }
}
