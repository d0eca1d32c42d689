//! Resumes event streams that a legacy server closed before the answer came.
//!
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#resumability-and-redelivery>

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Session;
use crate::revision::{Era, legacy};
use crate::transcript::What;
use crate::transport::{SseEvent, StreamId};

/// A server that asks for a longer delay is resumed earlier: the request has a deadline.
const MAX_DELAY: Duration = Duration::from_secs(5);

/// What is known of the streams of a session.
#[derive(Default)]
pub struct Resumption {
    seen: HashMap<StreamId, Seen>,
    due: Option<(Instant, String)>,
}

#[derive(Default)]
struct Seen {
    id: Option<String>,
    retry: Duration,
}

impl Session {
    /// When the next stream is to be resumed.
    pub(super) fn resume_due(&self) -> Option<Instant> {
        self.resumption.due.as_ref().map(|(due, _)| *due)
    }

    /// Looks at a new entry: remembers event ids, and plans a resumption when a stream ends without its answer.
    pub(super) fn note_resumption(&mut self, index: usize) {
        if !self.is_http() || self.spec.era() == Era::Modern {
            return;
        }
        let entry = &self.record.entries[index];
        match &entry.what {
            What::Event { event } | What::Received { event: Some(event), .. } => {
                let (stream, event) = (entry.stream, event.clone());
                self.resumption.seen.entry(stream).or_default().take(&event);
            }
            What::End => self.plan(entry.stream),
            _ => {}
        }
    }

    fn plan(&mut self, stream: StreamId) {
        let Some(Seen { id: Some(id), retry }) = self.resumption.seen.remove(&stream) else {
            return;
        };
        if self.record.conversation.exchanges.iter().any(|e| e.is_request() && e.answer.is_none() && e.deadline.is_none()) {
            self.resumption.due = Some((Instant::now() + retry.min(MAX_DELAY), id));
        }
    }

    /// Asks for what follows the last event that came.
    pub(super) fn resume(&mut self) {
        let Some((_, id)) = self.resumption.due.take() else { return };
        let mut headers = self.get_headers();
        headers.push(("Last-Event-ID".to_owned(), id));
        self.exchange_order("GET", None, headers, Bytes::new(), None);
    }

    /// Opens the stream on which a legacy server sends what belongs to no request. 405 is a fine answer.
    pub(super) fn open_get_stream(&mut self) {
        let headers = self.get_headers();
        self.exchange_order("GET", None, headers, Bytes::new(), None);
    }

    fn get_headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![("Accept".to_owned(), "text/event-stream".to_owned())];
        headers.extend(legacy::headers(self.spec.revision, self.session_id.as_deref()));
        headers.extend(self.spec.host.headers().iter().cloned());
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
