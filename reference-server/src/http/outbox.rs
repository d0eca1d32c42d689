//! What waits for a client that reads a stream as it comes: bounded, whether or not the client reads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::replay::message_event;
use crate::context::Outlet;
use crate::lock;
use crate::server::Server;

/// The most messages that wait for a client to read them.
const MAX_WAITING: usize = 1000;
/// The most bytes that do: messages repeat what the client sends, so that counting them is not enough.
const MAX_WAITING_BYTES: usize = 8 << 20;
/// How often a quiet stream shows that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The way to a client. Whoever lets too much wait is not reading: its stream ends with that.
pub struct Outbox {
    server: Arc<Server>,
    /// The type of the events, if they have one.
    kind: Option<&'static str>,
    queue: Queue,
}

impl Outbox {
    /// An outbox and what comes out of it; nothing does once the outbox is dropped.
    pub fn new(server: &Arc<Server>, kind: Option<&'static str>) -> (Arc<Self>, Events) {
        let (queue, events) = queue();
        let server = Arc::clone(server);
        let outbox = Self {
            server,
            kind,
            queue,
        };
        (Arc::new(outbox), events)
    }
}

impl Outlet for Outbox {
    fn send(&self, message: Value) {
        let event = message_event(&self.server, None, &message);
        self.queue.push(match self.kind {
            Some(kind) => [format!("event: {kind}\n").as_bytes(), &event]
                .concat()
                .into(),
            None => event,
        });
    }
}

fn queue() -> (Queue, Events) {
    let (sender, receiver) = channel(MAX_WAITING);
    let bytes = Arc::<AtomicUsize>::default();
    let queue = Queue {
        sender: Mutex::new(Some(sender)),
        bytes: Arc::clone(&bytes),
    };
    (queue, Events { receiver, bytes })
}

struct Queue {
    /// Nothing, once too much was waiting.
    sender: Mutex<Option<Sender<Bytes>>>,
    bytes: Arc<AtomicUsize>,
}

impl Queue {
    fn push(&self, event: Bytes) {
        let length = event.len();
        let bytes = self.bytes.fetch_add(length, Ordering::Relaxed) + length;
        let mut sender = lock(&self.sender);
        let sent = |sender: &Sender<Bytes>| sender.try_send(event).is_ok();
        if bytes > MAX_WAITING_BYTES || !sender.as_ref().is_some_and(sent) {
            *sender = None;
        }
    }
}

/// What comes out of an outbox.
pub struct Events {
    receiver: Receiver<Bytes>,
    /// How much waits.
    bytes: Arc<AtomicUsize>,
}

impl Events {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }

    /// The next event, if it is there already.
    pub fn ready(&mut self) -> Option<Bytes> {
        let event = self.receiver.try_recv().ok()?;
        Some(self.taken(event))
    }

    /// The next event, or from time to time a sign of life; nothing at the end.
    pub async fn next(&mut self) -> Option<Bytes> {
        tokio::select! {
            biased;
            event = self.receiver.recv() => event.map(|event| self.taken(event)),
            () = tokio::time::sleep(KEEP_ALIVE) => Some(Bytes::from_static(b":\n\n")),
        }
    }

    fn taken(&self, event: Bytes) -> Bytes {
        self.bytes.fetch_sub(event.len(), Ordering::Relaxed);
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(mut events: Events) -> Vec<Bytes> {
        std::iter::from_fn(|| events.receiver.blocking_recv()).collect()
    }

    #[test]
    fn who_does_not_read_gets_what_fits_and_no_more() {
        let (queue, mut events) = queue();
        let event = |number: usize| Bytes::from(number.to_string());
        for number in 0..=MAX_WAITING {
            queue.push(event(number));
        }
        assert_eq!(events.ready(), Some(event(0)));
        queue.push("too late".into());
        assert_eq!(rest(events).last(), Some(&event(MAX_WAITING - 1)));
    }

    #[test]
    fn bytes_are_counted_as_long_as_they_wait() {
        let (queue, mut events) = queue();
        let half = Bytes::from(vec![0; MAX_WAITING_BYTES / 2]);
        for _ in 0..10 {
            queue.push(half.clone());
            assert_eq!(events.ready(), Some(half.clone()));
        }
        for _ in 0..10 {
            queue.push(half.clone());
        }
        assert_eq!(rest(events).len(), 2);
    }
}
