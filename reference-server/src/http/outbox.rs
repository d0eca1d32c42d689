//! What waits for a client that reads a stream as it comes: bounded, whether or not the client reads.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::Notify;

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
    queue: Arc<Queue>,
}

impl Outbox {
    /// An outbox and what comes out of it; nothing does once the outbox is dropped.
    pub fn new(server: &Arc<Server>, kind: Option<&'static str>) -> (Arc<Self>, Events) {
        let queue = Arc::<Queue>::default();
        let events = Events(Arc::clone(&queue));
        let server = Arc::clone(server);
        let outbox = Self {
            server,
            kind,
            queue,
        };
        (Arc::new(outbox), events)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.queue.end();
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

/// Most requests have nothing to tell before their answer, so an empty queue costs nothing: a channel would have its first
/// block at once.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<Bytes>,
    bytes: usize,
    /// Whether nothing more is taken.
    is_over: bool,
}

impl Queue {
    fn push(&self, event: Bytes) {
        let mut waiting = lock(&self.waiting);
        let is_full =
            waiting.events.len() >= MAX_WAITING || waiting.bytes + event.len() > MAX_WAITING_BYTES;
        waiting.is_over |= is_full;
        if !waiting.is_over {
            waiting.bytes += event.len();
            waiting.events.push_back(event);
        }
        self.changed.notify_one();
    }

    fn end(&self) {
        lock(&self.waiting).is_over = true;
        self.changed.notify_one();
    }
}

/// What comes out of an outbox.
pub struct Events(Arc<Queue>);

impl Events {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        lock(&self.0.waiting).events.is_empty()
    }

    /// The next event, if it is there already.
    pub fn ready(&mut self) -> Option<Bytes> {
        let mut waiting = lock(&self.0.waiting);
        let event = waiting.events.pop_front()?;
        waiting.bytes -= event.len();
        Some(event)
    }

    /// The next event, or from time to time a sign of life; nothing at the end.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(event) = self.ready() {
                return Some(event);
            }
            if lock(&self.0.waiting).is_over {
                return None;
            }
            tokio::select! {
                biased;
                () = self.0.changed.notified() => {}
                () = tokio::time::sleep(KEEP_ALIVE) => return Some(Bytes::from_static(b":\n\n")),
            }
        }
    }
}

impl Drop for Events {
    /// Nobody reads any more: nothing more is kept.
    fn drop(&mut self) {
        *lock(&self.0.waiting) = Waiting {
            is_over: true,
            ..Waiting::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> (Arc<Queue>, Events) {
        let queue = Arc::<Queue>::default();
        (Arc::clone(&queue), Events(queue))
    }

    async fn rest(mut events: Events) -> Vec<Bytes> {
        let mut rest = Vec::new();
        while let Some(event) = events.next().await {
            rest.push(event);
        }
        rest
    }

    #[tokio::test]
    async fn who_does_not_read_gets_what_fits_and_no_more() {
        let (queue, mut events) = queue();
        let event = |number: usize| Bytes::from(number.to_string());
        for number in 0..=MAX_WAITING {
            queue.push(event(number));
        }
        assert_eq!(events.ready(), Some(event(0)));
        queue.push("too late".into());
        assert_eq!(rest(events).await.last(), Some(&event(MAX_WAITING - 1)));
    }

    #[tokio::test]
    async fn bytes_are_counted_as_long_as_they_wait() {
        let (queue, mut events) = queue();
        let half = Bytes::from(vec![0; MAX_WAITING_BYTES / 2]);
        for _ in 0..10 {
            queue.push(half.clone());
            assert_eq!(events.ready(), Some(half.clone()));
        }
        for _ in 0..10 {
            queue.push(half.clone());
        }
        assert_eq!(rest(events).await.len(), 2);
    }
}
