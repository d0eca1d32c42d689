//! The HTTP exchanges of a session: what was asked, the head of the response, and what came in it. The stream of HTTP+SSE on
//! which the server speaks is none of them: like stdout, it carries everything.

use std::collections::BTreeMap;

use crate::conversation::Exchange;
use crate::judge::Session;
use crate::transcript::What;
use crate::transport::{SseEvent, StreamId, header, is_event_stream};

/// One HTTP exchange.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    /// The entry of the request's head.
    pub request: usize,
    /// The HTTP method.
    pub method: &'a str,
    request_headers: &'a [(String, String)],
    /// What we sent on it.
    pub exchange: Option<&'a Exchange>,
    /// The entry of the response's head.
    pub head: Option<usize>,
    /// The status code; 0 if there was no response.
    pub status: u16,
    headers: &'a [(String, String)],
    /// The entries with what came in the response, events without data among them.
    pub content: Vec<usize>,
    /// Where the server ended it.
    pub end: Option<usize>,
    /// Whether it broke, or we gave it up.
    pub cut: bool,
}

impl<'a> Stream<'a> {
    /// A header of the response; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// A header of the request.
    pub fn request_header(&self, name: &str) -> Option<&'a str> {
        header(self.request_headers, name)
    }

    /// The media type of the response, without parameters, in lower case.
    pub fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        Some(
            value
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase(),
        )
    }

    /// Whether the response is an event stream.
    pub fn is_event_stream(&self) -> bool {
        self.status == 200 && is_event_stream(self.headers)
    }

    /// Whether it was opened to go on where another stream ended.
    pub fn resumes(&self) -> bool {
        self.request_header("last-event-id").is_some()
    }

    /// The session that it belongs to: the one named in the request, or the one that the response opens.
    pub fn session_id(&self) -> Option<&'a str> {
        self.request_header("mcp-session-id")
            .or(self.header("mcp-session-id"))
    }

    /// Whether the request is of the legacy revision of the session: some cases ask for others.
    pub fn speaks(&self, session: &Session<'_>) -> bool {
        let message = self
            .exchange
            .and_then(|exchange| session.entries[exchange.sent].json());
        let asked =
            message.and_then(|message| message.pointer("/params/protocolVersion")?.as_str());
        let spoken = asked.or(self.request_header("mcp-protocol-version"));
        spoken == Some(session.header.revision.as_str())
    }

    /// The events, each with its entry and its data.
    pub fn events(
        &self,
        session: &Session<'a>,
    ) -> impl Iterator<Item = (usize, &'a SseEvent, &'a [u8])> {
        let entries = session.entries;
        self.content
            .iter()
            .filter_map(move |entry| match &entries[*entry].what {
                What::Event { event } => Some((*entry, event, &b""[..])),
                What::Received {
                    event: Some(event),
                    raw,
                } => Some((*entry, event, raw.0.as_ref())),
                _ => None,
            })
    }
}

/// The HTTP exchanges of a session, in order.
pub(super) fn streams<'a>(session: &Session<'a>) -> BTreeMap<StreamId, Stream<'a>> {
    let mut streams: BTreeMap<StreamId, Stream<'a>> = BTreeMap::new();
    let entries = session.entries.iter().enumerate();
    for (index, entry) in entries.filter(|(_, entry)| entry.stream != 0) {
        if let What::HttpRequest {
            method, headers, ..
        } = &entry.what
        {
            streams.insert(entry.stream, opened(index, method, headers));
            continue;
        }
        let Some(stream) = streams.get_mut(&entry.stream) else {
            continue;
        };
        match &entry.what {
            What::HttpResponse { status, headers } => {
                (stream.head, stream.status, stream.headers) = (Some(index), *status, headers);
            }
            What::Received { .. } | What::Event { .. } => stream.content.push(index),
            What::End => stream.end = Some(index),
            What::Broken { .. } | What::Abandoned => stream.cut = true,
            _ => {}
        }
    }
    for exchange in &session.conversation.exchanges {
        if let Some(stream) = streams.get_mut(&exchange.stream) {
            stream.exchange = Some(exchange);
        }
    }
    streams
}

fn opened<'a>(
    request: usize,
    method: &'a str,
    request_headers: &'a [(String, String)],
) -> Stream<'a> {
    Stream {
        request,
        method,
        request_headers,
        exchange: None,
        head: None,
        status: 0,
        headers: &[],
        content: Vec::new(),
        end: None,
        cut: false,
    }
}
