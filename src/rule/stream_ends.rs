//! The event stream of a request brings the response, and ends with it.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#sending-messages-to-the-server>,
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#receiving-messages>

use serde_json::Value;

use super::look::sent;
use super::stream::{Stream, streams};
use super::{Rule, Sight};
use crate::conversation::Exchange;
use crate::judge::Session;
use crate::judge::evidence;
use crate::message::{self, Kind};
use crate::transcript::What;
use crate::transport::Transport;

pub(super) const RULE: Rule = Rule {
    name: "stream-ends",
    title: "The event stream of a request brings the response, and ends with it",
    why: "A client that waits on the stream gets no answer, or holds a connection open for nothing.",
    requirements: &[
        "http/stream-ends-after-response",
        "http/stream-delivers-response",
        "http/stream-open-until-response",
        "sse/retry-before-close",
    ],
    faults: &[
        "stream-stays-open",
        "stream-without-answer",
        "stream-closed-early",
        "retry-missing",
    ],
    applies: |_, transport| transport == Transport::Http,
    check,
};

/// Up to 2025-06-18.
const OPEN: &str = "http/stream-open-until-response";
/// A stream is said to stay open only when it did so while this many later requests were answered, ...
const LATER_ANSWERS: usize = 3;
/// ... and for this long, in microseconds: longer than Nagle's algorithm and a delayed acknowledgement hold back an end.
const PATIENCE_US: u64 = 250_000;

fn check(session: &Session<'_>, sight: &mut Sight) {
    for stream in streams(session)
        .values()
        .filter(|stream| stream.method == "POST" && stream.is_event_stream())
    {
        let Some(exchange) = stream.exchange.filter(|exchange| exchange.is_request()) else {
            continue;
        };
        // Several requests in one document have several responses.
        if session.entries[exchange.sent]
            .json()
            .is_some_and(Value::is_array)
        {
            continue;
        }
        // The same response may have come elsewhere as well.
        let mut answers = exchange.answer.iter().chain(&exchange.again).copied();
        let own = answers.find(|answer| stream.content.contains(answer));
        match own {
            Some(answer) => answered(session, stream, exchange, answer, sight),
            None => unanswered(session, stream, exchange, sight),
        }
    }
}

fn answered(
    session: &Session<'_>,
    stream: &Stream<'_>,
    exchange: &Exchange,
    answer: usize,
    sight: &mut Sight,
) {
    let requirement = "http/stream-ends-after-response";
    let more = stream.content.iter().find(|entry| {
        let raw = session.entries[**entry].raw();
        **entry > answer
            && raw.is_some_and(|raw| !raw.0.is_empty())
            && !exchange.again.contains(entry)
    });
    if let Some(more) = more {
        let message = "the stream of a request goes on after the response";
        let actual = session.entries[*more].json().cloned().unwrap_or_default();
        sight.violation(
            requirement,
            &[exchange.sent, answer, *more],
            message,
            "the end of the stream",
            actual,
        );
        return;
    }
    if stream.end.is_some() {
        sight.observe();
        return;
    }
    // Another connection in its place cuts all streams of this one.
    let later = &session.entries[answer..];
    let later = later
        .split(|entry| matches!(entry.what, What::Reconnected { .. }))
        .next()
        .unwrap_or_default();
    let waited = later.last().map_or(0, |last| {
        last.at_us.saturating_sub(session.entries[answer].at_us)
    });
    let here = answer..answer + later.len();
    let exchanges = session.conversation.exchanges.iter();
    let round_trips = exchanges
        .filter(|later| {
            later.sent > answer && later.answer.is_some_and(|answer| here.contains(&answer))
        })
        .count();
    if !stream.cut && waited >= PATIENCE_US && round_trips >= LATER_ANSWERS {
        let message = "the stream of a request stays open after the response";
        let actual = format!("no end {} ms later", waited / 1000);
        sight.violation(
            requirement,
            &[exchange.sent, answer],
            message,
            "the end of the stream",
            actual,
        );
    }
}

fn unanswered(session: &Session<'_>, stream: &Stream<'_>, exchange: &Exchange, sight: &mut Sight) {
    // A subscription ends when it ends, and who cancels a request wants no answer.
    // Data that is no JSON may have been the response: another rule's.
    let garbled = |entry: &usize| {
        let entry = &session.entries[*entry];
        entry.json().is_none() && entry.raw().is_some_and(|raw| !raw.0.is_empty())
    };
    let Some(end) = stream
        .end
        .filter(|_| !is_listen(exchange) && !is_cancelled(session, exchange))
        .filter(|_| !stream.content.iter().any(garbled))
    else {
        return;
    };
    sight.observe();
    let entries = [exchange.sent, end];
    if let Some(answer) = exchange.answer {
        let asks_to_return =
            stream
                .content
                .iter()
                .any(|entry| match &session.entries[*entry].what {
                    What::Event { event }
                    | What::Received {
                        event: Some(event), ..
                    } => event.retry.is_some(),
                    _ => false,
                });
        if !asks_to_return && stream.speaks(session) {
            let message = "the connection is closed before the response, without a retry field";
            let entries = [exchange.sent, end, answer];
            sight.violation(
                "sse/retry-before-close",
                &entries,
                message,
                "an event with retry",
                "none",
            );
        }
        return;
    }
    // Where a server shall not close it, the hope that it can be resumed is no excuse.
    let requirement = match evidence::binds(session, OPEN) {
        true => OPEN,
        false => "http/stream-delivers-response",
    };
    if exchange.ended.is_some() || requirement == OPEN {
        let message = "the stream of a request ends without the response";
        sight.violation(
            requirement,
            &entries,
            message,
            "the response",
            "the end of the stream",
        );
    }
}

fn is_listen(exchange: &Exchange) -> bool {
    exchange.method.as_deref() == Some("subscriptions/listen")
}

fn is_cancelled(session: &Session<'_>, exchange: &Exchange) -> bool {
    let Some(Kind::Request { id, .. }) = session.entries[exchange.sent].json().map(message::kind)
    else {
        return false;
    };
    sent(session).any(|(_, message)| {
        message
            .get("method")
            .is_some_and(|method| method == "notifications/cancelled")
            && message.pointer("/params/requestId") == Some(id)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;
    use crate::revision::Revision;

    fn response(id: u64) -> Value {
        json!({ "jsonrpc": "2.0", "id": id, "result": {} })
    }

    fn answered() -> Script {
        modern_http()
            .streams(1, "tools/call", json!({}))
            .event_of(response(1))
    }

    #[test]
    fn ends_with_the_response() {
        passes(&RULE, &answered().ends());
        let more = json!({ "jsonrpc": "2.0", "method": "notifications/message" });
        finds(
            &RULE,
            &answered().event_of(more),
            &["http/stream-ends-after-response"],
        );
        let later = (2..6).fold(answered(), |script, id| {
            script
                .http("POST", &[])
                .asks(id, "tools/list", json!({}))
                .head(200, &[])
                .gets(response(id))
                .ends()
        });
        sees_nothing(&RULE, &later);
        let step = crate::transcript::StepRef(0, 0);
        let cut = later
            .clone()
            .what(What::Reconnected { step })
            .later(300)
            .ends();
        sees_nothing(&RULE, &cut);
        finds(
            &RULE,
            &later.clone().later(300).ends(),
            &["http/stream-ends-after-response"],
        );
    }

    #[test]
    fn brings_the_response() {
        let ended = modern_http().streams(1, "tools/call", json!({})).ends();
        finds(&RULE, &ended, &["http/stream-delivers-response"]);
        let cut = Script::new(Revision::V2025_06_18, Transport::Http)
            .http("POST", &[])
            .asks(1, "tools/call", json!({}))
            .head(200, &[("content-type", "text/event-stream")])
            .event(Some("1"), "")
            .ends();
        finds(&RULE, &cut, &["http/stream-open-until-response"]);
        let listening = modern_http()
            .streams(1, "subscriptions/listen", json!({}))
            .ends();
        sees_nothing(&RULE, &listening);
    }

    #[test]
    fn says_when_to_come_back() {
        let resumed = |script: Script| {
            let script = script.ends().http("GET", &[("Last-Event-ID", "1")]);
            script
                .head(200, &[("content-type", "text/event-stream")])
                .event_of(response(1))
                .ends()
        };
        let primed = legacy_http()
            .http("POST", &[("MCP-Protocol-Version", "2025-11-25")])
            .asks(1, "tools/call", json!({}))
            .head(200, &[("content-type", "text/event-stream")])
            .event(Some("1"), "");
        finds(&RULE, &resumed(primed.clone()), &["sse/retry-before-close"]);
        let event = crate::transport::SseEvent {
            retry: Some(10),
            ..Default::default()
        };
        passes(&RULE, &resumed(primed.what(What::Event { event })));
    }
}
