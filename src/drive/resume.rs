//! Resumes event streams that a legacy server closed before the answer came.
//!
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#resumability-and-redelivery>

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Session;
use crate::revision::{Era, legacy};
use crate::transcript::What;
use crate::transport::{SseEvent, StreamId, Transport};

/// A server that asks for a longer delay is resumed earlier: the request has a deadline.
const MAX_DELAY: Duration = Duration::from_secs(5);

/// How long the stream that GET opens is waited for.
const GET_PATIENCE: Duration = Duration::from_secs(2);

/// What is known of the streams of a session.
#[derive(Default)]
pub struct Resumption {
    seen: HashMap<StreamId, Seen>,
    due: Option<Due>,
}

struct Due {
    at: Instant,
    id: String,
    origin: StreamId,
}

#[derive(Default)]
struct Seen {
    id: Option<String>,
    retry: Duration,
    /// The stream that this one resumes.
    origin: Option<StreamId>,
}

impl Session {
    /// When the next stream is to be resumed.
    pub(super) fn resume_due(&self) -> Option<Instant> {
        self.resumption.due.as_ref().map(|due| due.at)
    }

    /// Looks at a new entry: remembers event ids, and plans a resumption when a stream ends without its answer.
    pub(super) fn note_resumption(&mut self, index: usize) {
        if self.spec.transport() != Transport::Http || self.spec.era() == Era::Modern {
            return;
        }
        let entry = &self.record.entries[index];
        match &entry.what {
            What::Event { event }
            | What::Received {
                event: Some(event), ..
            } => {
                let (stream, event) = (entry.stream, event.clone());
                self.resumption.seen.entry(stream).or_default().take(&event);
            }
            What::End => self.plan(entry.stream),
            _ => {}
        }
    }

    fn plan(&mut self, stream: StreamId) {
        let Some(Seen {
            id: Some(id),
            retry,
            origin,
        }) = self.resumption.seen.remove(&stream)
        else {
            return;
        };
        let origin = origin.unwrap_or(stream);
        let mut exchanges = self.record.conversation.exchanges.iter().rev();
        let unanswered = exchanges
            .find(|exchange| exchange.stream == origin)
            .is_some_and(|exchange| {
                exchange.is_request() && exchange.answer.is_none() && exchange.deadline.is_none()
            });
        if unanswered {
            self.resumption.due = Some(Due {
                at: Instant::now() + retry.min(MAX_DELAY),
                id,
                origin,
            });
        }
    }

    /// Asks for what follows the last event that came.
    pub(super) fn resume(&mut self) {
        let Some(Due { id, origin, .. }) = self.resumption.due.take() else {
            return;
        };
        let mut headers = self.get_headers();
        headers.push(("Last-Event-ID".to_owned(), id));
        let stream = self.exchange_order("GET", None, headers, Bytes::new(), None);
        self.resumption.seen.insert(
            stream,
            Seen {
                origin: Some(origin),
                ..Seen::default()
            },
        );
    }

    /// Opens the stream on which a legacy server sends what belongs to no request. 405 is a fine answer.
    pub(super) fn open_get_stream(&mut self) {
        let headers = self.get_headers();
        self.exchange_order("GET", None, headers, Bytes::new(), None);
    }

    /// Waits a little until the server has opened the stream for what it says outside of requests: what it says before
    /// that may be lost.
    pub(super) async fn await_get_stream(&mut self) {
        let is_get =
            |what: &What| matches!(what, What::HttpRequest { method, .. } if method == "GET");
        let mut asked = self.record.entries[self.connected..].iter().rev();
        let stream = asked
            .find(|entry| is_get(&entry.what))
            .map(|entry| entry.stream);
        if let (Transport::Http, Some(stream)) = (self.spec.transport(), stream) {
            self.response_head(stream, GET_PATIENCE).await;
        }
    }

    fn get_headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![("Accept".to_owned(), "text/event-stream".to_owned())];
        headers.extend(legacy::headers(
            self.spec.revision,
            self.session_id.as_deref(),
        ));
        headers.extend(self.credentials());
        headers
    }
}

impl Seen {
    fn take(&mut self, event: &SseEvent) {
        if let Some(id) = &event.id {
            self.id = Some(id.clone());
        }
        if let Some(retry) = event.retry {
            self.retry = Duration::from_millis(retry);
        }
    }
}
