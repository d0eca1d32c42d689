//! A parser of event streams, fed with bytes as they come.
//!
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>

use serde::{Deserialize, Serialize};

/// Whether the headers of a response, names in lower case, announce an event stream. Media types know no case.
pub fn is_event_stream(headers: &[(String, String)]) -> bool {
    let media_type = |value: &str| {
        value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    headers.iter().any(|(name, value)| {
        name == "content-type" && media_type(value).eq_ignore_ascii_case("text/event-stream")
    })
}

/// One dispatched event. Unlike a browser's, it is also dispatched when `data` is empty but another field was
/// given: MCP servers prime a stream with an id and no data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SseEvent {
    /// The `event` field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The `id` field of this event itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The `retry` field in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<u64>,
    /// The `data` lines joined by newlines; none if there was no `data` field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

impl SseEvent {
    /// Whether it tells the client of HTTP+SSE where to post.
    pub fn names_endpoint(&self) -> bool {
        self.event.as_deref() == Some("endpoint")
    }
}

/// The state between two pieces of a stream. Memory is bounded by the caller, who counts what is [`pending`].
///
/// [`pending`]: SseParser::pending
#[derive(Debug, Default)]
pub struct SseParser {
    line: Vec<u8>,
    after_cr: bool,
    started: bool,
    event: SseEvent,
    data_len: usize,
}

impl SseParser {
    /// Takes the next bytes and returns the events that they complete.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<SseEvent> {
        let mut events = Vec::new();
        for &byte in bytes {
            let skip = self.after_cr && byte == b'\n';
            self.after_cr = byte == b'\r';
            match byte {
                _ if skip => {}
                b'\r' | b'\n' => events.extend(self.end_line()),
                _ => self.line.push(byte),
            }
        }
        events
    }

    /// How many bytes are held for an event that is not complete yet.
    pub fn pending(&self) -> usize {
        self.line.len() + self.data_len
    }

    fn end_line(&mut self) -> Option<SseEvent> {
        let mut line = std::mem::take(&mut self.line);
        if !std::mem::replace(&mut self.started, true) && line.starts_with(b"\xEF\xBB\xBF") {
            line.drain(..3);
        }
        if line.is_empty() {
            self.data_len = 0;
            let event = std::mem::take(&mut self.event);
            return (event != SseEvent::default()).then_some(event);
        }
        let line = String::from_utf8_lossy(&line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        self.set(field, value.strip_prefix(' ').unwrap_or(value));
        None
    }

    fn set(&mut self, field: &str, value: &str) {
        match field {
            "event" => self.event.event = Some(value.to_owned()),
            "id" if !value.contains('\0') => self.event.id = Some(value.to_owned()),
            "retry" => self.event.retry = value.parse().ok(),
            "data" => {
                self.data_len += value.len() + 1;
                match &mut self.event.data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(value);
                    }
                    none => *none = Some(value.to_owned()),
                }
            }
            // A comment (empty field) or an unknown field.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_content_type_of_an_event_stream() {
        let announced = |value: &str| is_event_stream(&[("content-type".into(), value.into())]);
        assert!(announced("text/event-stream"));
        assert!(announced(" Text/Event-Stream ; charset=utf-8"));
        assert!(!announced("text/event-streams"));
        assert!(!announced("application/json"));
        assert!(!is_event_stream(&[]));
    }

    fn parse(text: &str) -> Vec<SseEvent> {
        SseParser::default().feed(text.as_bytes())
    }

    #[test]
    fn fields_comments_and_line_ends() {
        let events = parse(
            ": hi\r\nid: 1\r\ndata:\r\n\r\nevent: message\rdata: {\rdata: }\r\rretry: 500\n\n",
        );
        assert_eq!(events.len(), 3);
        assert_eq!(events[0].id.as_deref(), Some("1"));
        assert_eq!(events[0].data.as_deref(), Some(""));
        assert_eq!(events[1].data.as_deref(), Some("{\n}"));
        assert_eq!(events[2].retry, Some(500));
    }

    /// Any event that is dispatched.
    fn any_event() -> impl Strategy<Value = SseEvent> {
        use proptest::option::of;
        let data = of("([^\r\0]|\n){0,40}");
        let fields = (
            of("[^\r\n]{0,9}"),
            of("[^\r\n\0]{0,9}"),
            of(any::<u64>()),
            data,
        );
        let event = fields.prop_map(|(event, id, retry, data)| SseEvent {
            event,
            id,
            retry,
            data,
        });
        event.prop_filter("something is said", |event| *event != SseEvent::default())
    }

    /// The event as a server writes it, with comments and fields that mean nothing.
    fn write(event: &SseEvent, end: &str) -> String {
        let lines = event
            .data
            .iter()
            .flat_map(|data| data.split('\n'))
            .map(|line| format!("data: {line}"));
        let fields = [
            event.id.as_ref().map(|id| format!("id: {id}")),
            event.event.as_ref().map(|kind| format!("event: {kind}")),
            Some(": a comment".to_owned()),
            event.retry.map(|retry| format!("retry:{retry}")),
            Some("unknown".to_owned()),
        ];
        let lines = fields
            .into_iter()
            .flatten()
            .chain(lines)
            .chain([String::new()]);
        lines.map(|line| line + end).collect()
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(bytes in proptest::collection::vec(
            prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b'd'), any::<u8>()], 0..200),
            sizes in proptest::collection::vec(0usize..20, 0..40))
        {
            let whole = SseParser::default().feed(&bytes);
            let mut parser = SseParser::default();
            let mut rest = &bytes[..];
            let mut parts = Vec::new();
            for size in sizes {
                let (piece, after) = rest.split_at(size.min(rest.len()));
                parts.extend(parser.feed(piece));
                rest = after;
            }
            parts.extend(parser.feed(rest));
            prop_assert_eq!(&whole, &parts);
            let mut parser = SseParser::default();
            let bytewise: Vec<SseEvent> = bytes.chunks(1).flat_map(|byte| parser.feed(byte)).collect();
            prop_assert_eq!(whole, bytewise);
        }

        #[test]
        fn what_is_written_is_read(events in proptest::collection::vec(any_event(), 0..6),
            end in proptest::sample::select(&["\n", "\r", "\r\n"][..]))
        {
            let text: String = events.iter().map(|event| write(event, end)).collect();
            prop_assert_eq!(parse(&text), events);
        }
    }
}
