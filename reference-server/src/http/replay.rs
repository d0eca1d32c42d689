//! Streams that outlive their connection (legacy revisions): clients can come back for the rest.
//!
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#resumability-and-redelivery>

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Notify;

use super::body::Body;
use crate::context::Outlet;
use crate::faults::F;
use crate::lock;
use crate::revision::Revision;
use crate::server::Server;

/// The most events kept for a client that is not connected.
const MAX_KEPT: usize = 1000;
/// The most bytes kept for such a client, but for a last event that is larger.
const MAX_KEPT_BYTES: usize = 4 << 20;
/// How long a client shall wait before it comes back, in milliseconds.
const RETRY_MS: u32 = 200;

/// One SSE event.
pub fn event(id: Option<&str>, data: &[u8]) -> Bytes {
    let mut bytes = Vec::with_capacity(data.len() + 32);
    if let Some(id) = id {
        bytes.extend_from_slice(b"id: ");
        bytes.extend_from_slice(id.as_bytes());
        bytes.push(b'\n');
    }
    for line in data.split(|byte| *byte == b'\n') {
        bytes.extend_from_slice(b"data: ");
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
    }
    bytes.push(b'\n');
    bytes.into()
}

/// The SSE event of a message.
pub fn message_event(server: &Server, id: Option<&str>, message: &impl Serialize) -> Bytes {
    server.log.sent(message);
    let bytes = event(id, &server.faults.encode(message));
    server.faults.spoil_event(bytes)
}

/// A stream: the log of its events, read by at most one connection at a time.
pub struct EventStream {
    server: Arc<Server>,
    revision: Revision,
    /// Unique within the session.
    number: u64,
    log: Mutex<Log>,
    changed: Notify,
}

#[derive(Default)]
struct Log {
    /// Event numbers begin with 1; 0 stands for the beginning.
    events: VecDeque<(u64, Bytes)>,
    /// How long all of them are.
    bytes: usize,
    last: u64,
    /// The last event that a connection has taken.
    taken: u64,
    ended: bool,
    /// The connection that reads; any other has to stop.
    reader: u64,
    /// Whether the current reader shall come back later.
    hung_up: bool,
    /// When the last reader left; nothing while there is one.
    unread_since: Option<Instant>,
}

impl Log {
    /// Keeps an event, and forgets the oldest of too many.
    fn keep(&mut self, number: u64, event: Bytes) {
        self.bytes += event.len();
        self.events.push_back((number, event));
        let too_many = |log: &Self| log.events.len() > MAX_KEPT;
        let too_long = |log: &Self| log.bytes > MAX_KEPT_BYTES && log.events.len() > 1;
        while too_many(self) || too_long(self) {
            let forgotten = self.events.pop_front();
            self.bytes -= forgotten.map_or(0, |(_, event)| event.len());
        }
    }
}

impl Outlet for EventStream {
    fn send(&self, message: Value) {
        let mut log = lock(&self.log);
        log.last += 1;
        let number = log.last;
        let event = message_event(&self.server, Some(&self.id(number)), &message);
        log.keep(number, event);
        self.changed.notify_waiters();
    }

    /// Before 2025-11-25 a server should not close a stream without the answer.
    fn hang_up(&self) {
        if self.revision >= Revision::V2025_11_25 {
            lock(&self.log).hung_up = true;
            self.changed.notify_waiters();
        }
    }
}

impl EventStream {
    /// A stream without events.
    pub fn new(server: &Arc<Server>, revision: Revision, number: u64) -> Arc<Self> {
        Arc::new(Self {
            server: Arc::clone(server),
            revision,
            number,
            log: Mutex::new(Log {
                unread_since: Some(Instant::now()),
                ..Log::default()
            }),
            changed: Notify::new(),
        })
    }

    /// Nothing more will come.
    pub fn end(&self) {
        lock(&self.log).ended = true;
        self.changed.notify_waiters();
    }

    /// Whether anything was sent or is to be done about the connection.
    pub fn is_untouched(&self) -> bool {
        let log = lock(&self.log);
        log.last == 0 && !log.hung_up
    }

    /// Whether nothing more will come.
    pub fn is_ended(&self) -> bool {
        lock(&self.log).ended
    }

    /// How many bytes are kept.
    pub fn bytes(&self) -> usize {
        lock(&self.log).bytes
    }

    /// When the last connection left; nothing while there is one.
    pub fn unread_since(&self) -> Option<Instant> {
        lock(&self.log).unread_since
    }

    /// Continues the stream on a new connection, after event number `after` or, without it, after
    /// what earlier connections took. Any other connection of this stream ends.
    pub fn connect(self: &Arc<Self>, after: Option<u64>) -> Body {
        let (reader, position) = {
            let mut log = lock(&self.log);
            log.reader += 1;
            log.unread_since = None;
            // Whoever hangs up before the first reader has come means that one.
            log.hung_up &= log.reader == 1;
            (log.reader, after.unwrap_or(log.taken))
        };
        self.changed.notify_waiters();
        // Who resumes has an id to come back with, and ids are not used twice.
        let prime = self.revision >= Revision::V2025_11_25
            && after.is_none()
            && position == 0
            && !self.server.faults.has(F::StreamUnprimed);
        let connection = Connection {
            stream: Arc::clone(self),
            reader,
            position,
            prime,
            over: false,
        };
        Body::events(stream::unfold(connection, |mut connection| async move {
            let bytes = connection.next().await?;
            Some((bytes, connection))
        }))
    }

    fn id(&self, number: u64) -> String {
        match self.server.faults.has(F::EventIdsRepeated) {
            true => number.to_string(),
            false => format!("{}-{number}", self.number),
        }
    }
}

struct Connection {
    stream: Arc<EventStream>,
    reader: u64,
    position: u64,
    prime: bool,
    over: bool,
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut log = lock(&self.stream.log);
        if log.reader == self.reader {
            log.unread_since = Some(Instant::now());
        }
    }
}

enum Step {
    Send(u64, Bytes),
    Retry,
    Stop,
    Wait,
}

impl Connection {
    async fn next(&mut self) -> Option<Bytes> {
        if self.over {
            return None;
        }
        if std::mem::take(&mut self.prime) {
            // Gives the client something to come back with.
            return Some(event(Some(&self.stream.id(self.position)), b""));
        }
        loop {
            let stream = Arc::clone(&self.stream);
            let changed = stream.changed.notified();
            match self.step() {
                Step::Send(number, event) => {
                    self.position = number;
                    return Some(event);
                }
                Step::Retry if stream.server.faults.has(F::RetryMissing) => return None,
                Step::Retry => {
                    self.over = true;
                    return Some(Bytes::from(format!("retry: {RETRY_MS}\n\n")));
                }
                Step::Stop => return None,
                Step::Wait => changed.await,
            }
        }
    }

    fn step(&self) -> Step {
        let mut log = lock(&self.stream.log);
        if log.reader != self.reader {
            return Step::Stop;
        }
        if log.hung_up {
            log.hung_up = false;
            return Step::Retry;
        }
        let next = log
            .events
            .iter()
            .find(|(number, _)| *number > self.position);
        match next.cloned() {
            Some((number, event)) => {
                log.taken = log.taken.max(number);
                Step::Send(number, event)
            }
            None if log.ended => match self.stream.server.faults.has(F::StreamStaysOpen) {
                true => Step::Wait,
                false => Step::Stop,
            },
            None => Step::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_in_number_and_in_bytes() {
        let mut log = Log::default();
        let numbers = |log: &Log| {
            log.events
                .iter()
                .map(|(number, _)| *number)
                .collect::<Vec<_>>()
        };
        for number in 1..=1001 {
            log.keep(number, Bytes::from_static(b"small"));
        }
        assert_eq!(numbers(&log), (2..=1001).collect::<Vec<_>>());
        let large = Bytes::from(vec![0; MAX_KEPT_BYTES / 2 + 1]);
        log.keep(1002, large.clone());
        assert_eq!(log.events.len(), MAX_KEPT);
        log.keep(1003, large);
        assert_eq!(numbers(&log), [1003]);
        log.keep(1004, Bytes::from(vec![0; 2 * MAX_KEPT_BYTES]));
        assert_eq!(numbers(&log), [1004], "the last one is kept in any case");
    }
}
