//! Streams that live as long as their connection (modern revisions).

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use serde_json::Value;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::body::Body;
use super::replay::message_event;
use crate::context::Outlet;
use crate::faults::F;
use crate::jsonrpc::Reply;
use crate::lock;
use crate::server::Server;
use crate::work::Work;

/// How often a quiet stream shows that it is alive.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The most messages that wait for a client to read them.
const MAX_WAITING: usize = 1000;

/// The way to a client. Whoever lets too many messages wait is not reading: its stream ends with those.
pub struct Mailbox(Mutex<Option<Sender<Value>>>);

impl Mailbox {
    /// A mailbox and what comes out of it; nothing does once the mailbox is dropped.
    pub fn new() -> (Arc<Self>, Receiver<Value>) {
        let (sender, messages) = channel(MAX_WAITING);
        (Arc::new(Self(Mutex::new(Some(sender)))), messages)
    }
}

impl Outlet for Mailbox {
    fn send(&self, message: Value) {
        let mut sender = lock(&self.0);
        let refused = |sender: &Sender<Value>| sender.try_send(message).is_err();
        if sender.as_ref().is_some_and(refused) {
            *sender = None;
        }
    }
}

struct Live {
    server: Arc<Server>,
    /// Kept, so that the messages end only if there were too many.
    _mailbox: Arc<Mailbox>,
    messages: Receiver<Value>,
    /// The work, until it is done.
    work: Option<Work>,
    /// The answer, until it is sent.
    reply: Option<Reply>,
}

/// The events of one request: its messages, then its answer. Whoever drops the body, because the
/// client has closed the stream, thereby cancels the request.
pub fn body(
    server: Arc<Server>,
    mailbox: Arc<Mailbox>,
    messages: Receiver<Value>,
    reply: Option<Reply>,
    work: Work,
) -> Body {
    server.faults.on_stream();
    let live = Live {
        work: reply.is_none().then_some(work),
        server,
        _mailbox: mailbox,
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
                message = self.messages.recv() => return message.map(|message| self.event(&message)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_read_gets_what_fits_and_no_more() {
        let (mailbox, mut messages) = Mailbox::new();
        for number in 0..=MAX_WAITING {
            mailbox.send(number.into());
        }
        assert_eq!(messages.try_recv(), Ok(0.into()));
        mailbox.send("too late".into());
        let rest = std::iter::from_fn(|| messages.blocking_recv());
        assert_eq!(rest.last(), Some((MAX_WAITING - 1).into()));
    }
}
