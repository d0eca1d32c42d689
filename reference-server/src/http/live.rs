//! Streams that live as long as their connection (modern revisions).

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;

use super::body::Body;
use super::outbox::{Events, Outbox};
use super::replay::message_event;
use crate::faults::F;
use crate::jsonrpc::Reply;
use crate::server::Server;
use crate::work::Work;

struct Live {
    server: Arc<Server>,
    /// Kept, so that the events end only if there were too many.
    _outbox: Arc<Outbox>,
    events: Events,
    /// The work, until it is done.
    work: Option<Work>,
    /// The answer, until it is sent.
    reply: Option<Reply>,
}

/// The events of one request: its messages, then its answer. Whoever drops the body, because the
/// client has closed the stream, thereby cancels the request.
pub fn body(
    server: Arc<Server>,
    outbox: Arc<Outbox>,
    events: Events,
    reply: Option<Reply>,
    work: Work,
) -> Body {
    server.faults.on_stream();
    let live = Live {
        work: reply.is_none().then_some(work),
        server,
        _outbox: outbox,
        events,
        reply,
    };
    Body::events(stream::unfold(live, |mut live| async move {
        let bytes = live.next().await?;
        Some((bytes, live))
    }))
}

impl Live {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(event) = self.events.ready() {
                return Some(event);
            }
            let Some(work) = &mut self.work else {
                return self.last().await;
            };
            tokio::select! {
                biased;
                event = self.events.next() => return event,
                reply = work => {
                    self.work = None;
                    self.reply = Some(reply);
                }
            }
        }
    }

    async fn last(&mut self) -> Option<Bytes> {
        let faults = &self.server.faults;
        faults.on_end_of_stream().await;
        match self.reply.take() {
            Some(_) if faults.has(F::StreamWithoutAnswer) || faults.has(F::ListenCut) => None,
            Some(reply) => Some(message_event(&self.server, None, &reply)),
            None if faults.has(F::StreamStaysOpen) => std::future::pending().await,
            None => None,
        }
    }
}
