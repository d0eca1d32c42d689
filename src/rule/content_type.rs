//! Over HTTP a request is answered as JSON or as an event stream.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#sending-messages-to-the-server>

use super::stream::streams;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::transport::Transport;

pub(super) const RULE: Rule = Rule {
    name: "content-type",
    title: "Requests are answered as application/json or as text/event-stream",
    why: "A client chooses by the content type how to read the answer: another one it cannot read.",
    requirements: &["http/request-content-type"],
    faults: &["response-content-type"],
    applies: |_, transport| transport == Transport::Http,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    for stream in streams(session).values() {
        let Some((exchange, head)) = stream.exchange.zip(stream.head) else {
            continue;
        };
        // What refuses a request may come from anybody on the way.
        let succeeds = (200..300).contains(&stream.status);
        let says_something = !stream.content.is_empty() || stream.header("content-type").is_some();
        if !exchange.is_request() || !succeeds || !says_something {
            continue;
        }
        sight.observe();
        let media_type = stream.media_type();
        if !matches!(
            media_type.as_deref(),
            Some("application/json" | "text/event-stream")
        ) {
            let message = "a request is answered with another content type";
            let actual = stream.header("content-type").unwrap_or("no Content-Type");
            let expected = "application/json or text/event-stream";
            sight.violation(
                "http/request-content-type",
                &[exchange.sent, head],
                message,
                expected,
                actual,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;

    #[test]
    fn types() {
        let answered = |status, media| {
            legacy_http()
                .http("POST", &[])
                .asks(1, "ping", json!({}))
                .head(status, &[("content-type", media)])
                .line("{}")
        };
        passes(&RULE, &answered(200, "application/json; charset=utf-8"));
        passes(&RULE, &answered(200, "Text/Event-Stream"));
        finds(
            &RULE,
            &answered(200, "text/plain"),
            &["http/request-content-type"],
        );
        sees_nothing(&RULE, &answered(404, "text/html"));
        sees_nothing(
            &RULE,
            &legacy_http().http("POST", &[]).initialized().head(202, &[]),
        );
    }
}
