//! Streams that live as long as their connection (modern revisions).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::body::Body;
use super::replay::message_event;
use crate::context::Outlet;
use crate::faults::F;
use crate::jsonrpc::Reply;
use crate::server::Server;
use crate::work::Work;

/// How often a quiet stream shows that it is alive.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

struct Channel(UnboundedSender<Value>);

impl Outlet for Channel {
    fn send(&self, message: Value) {
        // Fails only when the client has closed the stream.
        let _ = self.0.send(message);
    }
}

/// An outlet and what comes out of it.
pub fn channel() -> (Arc<dyn Outlet>, UnboundedReceiver<Value>) {
    let (sender, receiver) = unbounded_channel();
    (Arc::new(Channel(sender)), receiver)
}

struct Live {
    server: Arc<Server>,
    messages: UnboundedReceiver<Value>,
    /// The work, until it is done.
    work: Option<Work>,
    /// The answer, until it is sent.
    reply: Option<Reply>,
}

/// The events of one request: its messages, then its answer. Whoever drops the body, because the
/// client has closed the stream, thereby cancels the request.
pub fn body(
    server: Arc<Server>,
    messages: UnboundedReceiver<Value>,
    reply: Option<Reply>,
    work: Work,
) -> Body {
    server.faults.on_stream();
    let live = Live {
        work: reply.is_none().then_some(work),
        server,
        messages,
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
            if let Ok(message) = self.messages.try_recv() {
                return Some(self.event(&message));
            }
            let Some(work) = &mut self.work else {
                return self.last().await;
            };
            tokio::select! {
                biased;
                Some(message) = self.messages.recv() => return Some(self.event(&message)),
                reply = work => {
                    self.work = None;
                    self.reply = Some(reply);
                }
                () = tokio::time::sleep(KEEP_ALIVE) => return Some(Bytes::from_static(b":\n\n")),
            }
        }
    }

    async fn last(&mut self) -> Option<Bytes> {
        let faults = &self.server.faults;
        faults.on_end_of_stream().await;
        match self.reply.take() {
            Some(_) if faults.has(F::StreamWithoutAnswer) => None,
            Some(reply) => Some(self.event(&reply.message)),
            None if faults.has(F::StreamStaysOpen) => std::future::pending().await,
            None => None,
        }
    }

    fn event(&self, message: &Value) -> Bytes {
        message_event(&self.server, None, message)
    }
}
