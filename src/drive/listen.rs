//! HTTP+SSE: opens the stream on which the server speaks, and learns there where to post.
//!
//! <https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse>

use bytes::Bytes;

use super::Session;
use crate::transcript::What;
use crate::transport::http::ResolveError;
use crate::transport::{Happened, Incoming, StreamId, Transport, is_event_stream};

/// The stream on which the server speaks.
const CHANNEL: StreamId = 0;

impl Session {
    /// Over HTTP+SSE: opens the event stream, and waits until it says where to post or cannot any more.
    pub(super) async fn listen(&mut self) {
        if self.spec.transport() != Transport::Sse {
            return;
        }
        self.endpoint = None;
        let mut headers = vec![("Accept".to_owned(), "text/event-stream".to_owned())];
        headers.extend(self.credentials());
        let connected = self.connected;
        self.order_on(CHANNEL, "GET", None, headers, Bytes::new(), None);
        self.wait_for(None, "endpoint event", move |record| {
            let mut told = record.entries[connected..].iter();
            told.any(|entry| entry.stream == CHANNEL && decides(&entry.what))
        })
        .await;
        self.reset_vars(None);
    }

    /// Looks at what comes for the event that says where to post. The first one counts, and it is looked at before
    /// anything is redacted.
    pub(super) fn note_endpoint(&mut self, incoming: &Incoming) {
        let (None, Some(address)) = (&self.endpoint, &self.address) else {
            return;
        };
        match &incoming.what {
            Happened::Event(event) if incoming.stream == CHANNEL && event.names_endpoint() => {
                let reference = event.data.as_deref().filter(|data| !data.is_empty());
                self.endpoint = reference.map(|reference| address.resolve(reference));
            }
            _ => {}
        }
    }

    /// Where messages are posted, if that is not where the session was opened.
    pub(super) fn posting_path(&self) -> Option<String> {
        self.endpoint.clone()?.ok()
    }

    /// Whether it is known where messages go.
    pub fn is_connected(&self) -> bool {
        self.spec.transport() != Transport::Sse || self.posting_path().is_some()
    }

    /// Whether the server of an HTTP+SSE session opened its stream at all.
    pub fn has_channel(&self) -> bool {
        self.record.entries.iter().any(|entry| {
            entry.stream == CHANNEL
                && matches!(&entry.what, What::HttpResponse { status: 200, headers } if is_event_stream(headers))
        })
    }

    /// Why nothing is posted where the server wants it.
    pub fn misdirected(&self) -> Option<&ResolveError> {
        let error = self.endpoint.as_ref()?.as_ref().err();
        error.filter(|error| matches!(error, ResolveError::Elsewhere(_)))
    }
}

/// Whether an entry of the event stream says where to post, or that nothing will.
fn decides(what: &What) -> bool {
    match what {
        What::HttpResponse { status, headers } => *status != 200 || !is_event_stream(headers),
        What::Received {
            event: Some(event), ..
        }
        | What::Event { event } => event.names_endpoint(),
        _ => false,
    }
}
