//! The event stream of HTTP+SSE on which the server speaks: whether it opens, and says where to post.
//! <https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse>
//!
//! A part of the rule on opening: without it there is no session.

use serde_json::{Value, json};
use url::Url;

use super::Sight;
use crate::judge::Session;
use crate::judge::evidence::cut;
use crate::transcript::What;
use crate::transport::{Transport, is_event_stream};

/// One connection: the entries of its event stream.
struct Channel {
    /// The GET that opens it.
    request: usize,
    /// The head of the response.
    head: Option<usize>,
    /// The event that says where to post.
    endpoint: Option<usize>,
    /// Where it ended, broke, or was waited for in vain.
    end: Option<usize>,
    /// Whether anything was posted.
    used: bool,
}

/// Reports a connection on which no message can be posted.
pub(super) fn check(session: &Session<'_>, sight: &mut Sight) {
    for channel in channels(session) {
        let wrong = stream(session, &channel, sight) || endpoint(session, &channel, sight);
        if !wrong && channel.endpoint.is_some() {
            sight.observe();
        }
    }
}

fn channels(session: &Session<'_>) -> Vec<Channel> {
    let mut channels: Vec<Channel> = Vec::new();
    if session.header.transport != Transport::Sse {
        return channels;
    }
    for (index, entry) in session.entries.iter().enumerate() {
        if let (0, What::HttpRequest { .. }) = (entry.stream, &entry.what) {
            channels.push(Channel {
                request: index,
                head: None,
                endpoint: None,
                end: None,
                used: false,
            });
        }
        let Some(channel) = channels.last_mut() else {
            continue;
        };
        match &entry.what {
            What::Sent { .. } => channel.used = true,
            _ if entry.stream != 0 => {}
            What::HttpResponse { .. } => channel.head = Some(index),
            What::Received {
                event: Some(event), ..
            }
            | What::Event { event }
                if event.names_endpoint() =>
            {
                channel.endpoint.get_or_insert(index);
            }
            What::End | What::Broken { .. } | What::Deadline { .. } => {
                channel.end.get_or_insert(index);
            }
            _ => {}
        }
    }
    channels
}

/// Reports that GET opens no event stream.
fn stream(session: &Session<'_>, channel: &Channel, sight: &mut Sight) -> bool {
    let (message, shown) = match (channel.head, channel.end) {
        (Some(head), _) => match &session.entries[head].what {
            What::HttpResponse { status, headers }
                if *status != 200 || !is_event_stream(headers) =>
            {
                let media = headers.iter().find(|(name, _)| name == "content-type");
                let media = media.map_or("no content type", |(_, value)| value);
                let media = cut(media, 100);
                (
                    format!("GET is answered with HTTP {status} and {media}"),
                    head,
                )
            }
            _ => return false,
        },
        (None, Some(end)) => ("GET is not answered".to_owned(), end),
        (None, None) => return false,
    };
    let entries = [channel.request, shown];
    let expected = "an event stream";
    sight.violation("sse/event-stream", &entries, message, expected, Value::Null);
    true
}

/// Reports that the stream does not say where to post.
fn endpoint(session: &Session<'_>, channel: &Channel, sight: &mut Sight) -> bool {
    let (message, shown) = match (channel.endpoint, channel.end) {
        (None, None) => return false,
        (None, Some(end)) => {
            let message = match &session.entries[end].what {
                What::Broken { message } => format!("{message}, instead of an endpoint event"),
                What::End => "the event stream ended without an endpoint event".to_owned(),
                _ => "no endpoint event came in time".to_owned(),
            };
            (message, end)
        }
        (Some(_), _) if channel.used => return false,
        (Some(endpoint), _) => {
            let reference = reference(&session.entries[endpoint].what);
            if is_reference(&reference) {
                elsewhere(channel, endpoint, &reference, sight);
                return true;
            }
            ("the endpoint event holds no URI".to_owned(), endpoint)
        }
    };
    let entries = [channel.request, shown];
    let actual = channel.endpoint.map_or(Value::Null, |endpoint| {
        json!(reference(&session.entries[endpoint].what))
    });
    let expected = "an endpoint event with the URI for messages";
    sight.violation("sse/endpoint-event", &entries, message, expected, actual);
    true
}

fn reference(what: &What) -> String {
    match what {
        What::Received { raw, .. } => cut(&String::from_utf8_lossy(&raw.0), 200),
        _ => String::new(),
    }
}

fn is_reference(reference: &str) -> bool {
    let base = Url::parse("http://localhost/");
    !reference.is_empty() && base.is_ok_and(|base| base.join(reference).is_ok())
}

/// The text does not forbid it, but no careful client goes there.
fn elsewhere(channel: &Channel, endpoint: usize, reference: &str, sight: &mut Sight) {
    let message = "the endpoint event names another origin, where no message was sent";
    let entries = [channel.request, endpoint];
    let expected = "a URI of the same origin";
    sight.violation("sse/endpoint-event", &entries, message, expected, reference);
    sight.tolerate();
}

#[cfg(test)]
mod tests {
    use super::super::opening::RULE;
    use super::super::testing::*;
    use super::*;

    #[test]
    fn where_to_post() {
        passes(
            &RULE,
            &sse().endpoint("/messages?session=1").posts_initialize(),
        );
        finds(
            &RULE,
            &sse().endpoint("http://[::1/"),
            &["sse/endpoint-event"],
        );
        finds(&RULE, &sse().endpoint(""), &["sse/endpoint-event"]);
        finds(&RULE, &sse().ends(), &["sse/endpoint-event"]);
        let waited = What::Deadline {
            waiting_for: "endpoint event".to_owned(),
            step: None,
        };
        finds(&RULE, &sse().what(waited), &["sse/endpoint-event"]);
        let elsewhere = sse().endpoint("http://example.org/messages");
        let outcome = elsewhere.judged(&RULE);
        assert_eq!(outcome.findings[0].requirement, "sse/endpoint-event");
        assert_ne!(outcome.verdict(), crate::verdict::Verdict::Fail);
        sees_nothing(&RULE, &sse());
    }

    #[test]
    fn no_event_stream() {
        for (status, media) in [(200, "text/html"), (404, "text/event-stream")] {
            let opened = sse_get().head(status, &[("content-type", media)]);
            finds(&RULE, &opened, &["sse/event-stream"]);
        }
        let broken = What::Broken {
            message: "reset".to_owned(),
        };
        finds(&RULE, &sse_get().what(broken), &["sse/event-stream"]);
    }
}
