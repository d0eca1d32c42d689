//! Over HTTP+SSE the server speaks in message events, behind the endpoint event, and in nothing else.
//! <https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse>
//!
//! An event without a type is a message event: so the event streams of the web define it.

use serde_json::Value;

use super::{Rule, Sight};
use crate::judge::Session;
use crate::judge::evidence::cut;
use crate::message::{self, Kind};
use crate::transcript::{Entry, What};
use crate::transport::{SseEvent, StreamId, Transport};

pub(super) const RULE: Rule = Rule {
    name: "sse-messages",
    title: "Over HTTP+SSE every message comes in a message event, behind the endpoint event",
    why: "A client knows only these events, and cannot send anything before it has the endpoint.",
    requirements: &["sse/message-events", "sse/endpoint-first"],
    faults: &["sse-event-type", "sse-endpoint-late"],
    applies: |_, transport| transport == Transport::Sse,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    let mut begun = false;
    let mut refused: Option<StreamId> = None;
    for (index, entry) in session.entries.iter().enumerate() {
        match (&entry.what, entry.stream) {
            (What::HttpRequest { .. }, 0) => begun = false,
            (What::HttpResponse { status, .. }, stream) if stream != 0 && *status >= 300 => {
                refused = Some(stream);
            }
            (
                What::Received {
                    event: Some(event), ..
                },
                0,
            ) => {
                begun |= event.names_endpoint();
                in_event(index, entry, event, sight);
                if !begun && is_message(entry) {
                    let message = "a message comes before the endpoint event";
                    let expected = "the endpoint event first";
                    sight.violation(
                        "sse/endpoint-first",
                        &[index],
                        message,
                        expected,
                        shown(entry),
                    );
                }
            }
            // What refuses a message by its status may say in the body why.
            (What::Received { event: None, .. }, stream)
                if is_message(entry) && refused != Some(stream) =>
            {
                let message = "a message comes in the response to a POST";
                let expected = "a message event";
                sight.violation(
                    "sse/message-events",
                    &[index],
                    message,
                    expected,
                    shown(entry),
                );
            }
            _ => {}
        }
    }
}

fn in_event(index: usize, entry: &Entry, event: &SseEvent, sight: &mut Sight) {
    let message = match event.event.as_deref() {
        None | Some("message") if is_message(entry) => return sight.observe(),
        None | Some("message") => match entry.json() {
            None => "the data of a message event is no JSON".to_owned(),
            Some(_) => "the data of a message event is JSON, but no message".to_owned(),
        },
        // What else a server tells in events of its own is nowhere forbidden.
        Some(kind) if is_message(entry) => {
            format!(
                "a message comes in an event of the type {:?}",
                cut(kind, 40)
            )
        }
        Some(_) => return,
    };
    let expected = "a message event with JSON";
    sight.violation(
        "sse/message-events",
        &[index],
        message,
        expected,
        shown(entry),
    );
}

/// Whether an entry holds a message, or several. What only lacks members is left to the rules on messages.
fn is_message(entry: &Entry) -> bool {
    let known =
        |message: &Value| message::kind(message) != Kind::Other || message.get("jsonrpc").is_some();
    let messages = entry.json().map(message::messages);
    messages.is_some_and(|messages| messages.iter().any(known))
}

fn shown(entry: &Entry) -> String {
    entry.raw().map_or_else(String::new, |raw| {
        cut(&String::from_utf8_lossy(&raw.0), 200)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;

    fn result() -> Value {
        json!({ "jsonrpc": "2.0", "id": 0, "result": {} })
    }

    #[test]
    fn message_events() {
        let opened = sse().endpoint("/m");
        let said = |kind: Option<&str>, data: &str| opened.clone().typed_event(kind, data);
        passes(&RULE, &said(Some("message"), &result().to_string()));
        passes(&RULE, &said(None, &result().to_string()));
        for (kind, data) in [
            (Some("response"), result().to_string()),
            (Some("message"), "{\"jsonrpc\"".to_owned()),
            (None, "42".to_owned()),
        ] {
            finds(&RULE, &said(kind, &data), &["sse/message-events"]);
        }
        sees_nothing(&RULE, &said(Some("heartbeat"), "{}"));
        sees_nothing(&RULE, &opened);
    }

    #[test]
    fn the_endpoint_comes_first() {
        let early = sse().typed_event(None, &result().to_string());
        finds(
            &RULE,
            &early.clone().endpoint("/m"),
            &["sse/endpoint-first"],
        );
        let again = sse()
            .endpoint("/m")
            .typed_event(None, &result().to_string());
        passes(&RULE, &again);
    }

    #[test]
    fn answers_to_the_post_itself() {
        let posted = |status| {
            let opened = sse().endpoint("/m").http("POST", &[]);
            opened.asks(1, "ping", json!({})).head(status, &[])
        };
        finds(&RULE, &posted(200).gets(result()), &["sse/message-events"]);
        sees_nothing(&RULE, &posted(400).gets(result()));
        sees_nothing(&RULE, &posted(202).line("Accepted"));
    }
}
