//! What is kept of a session between its requests, and for how long.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::Http;
use super::replay::EventStream;
use crate::legacy::Session;
use crate::lock;

/// How many streams a session keeps for clients that come back.
const MAX_STREAMS: u64 = 64;
/// The most bytes of finished streams that a session keeps, about.
const MAX_FINISHED: usize = 8 << 20;

/// A session and its streams.
pub struct HttpSession {
    /// The handshake and what followed from it.
    pub session: Arc<Session>,
    /// Who opened it. Nobody else may use it.
    pub owner: String,
    /// What the client gets by GET.
    pub standalone: Arc<EventStream>,
    /// What it got in answer to a POST, by number.
    pub streams: Mutex<HashMap<u64, Arc<EventStream>>>,
    next_stream: AtomicU64,
    used: Mutex<Instant>,
}

impl HttpSession {
    /// A session that has just been opened.
    pub fn new(session: Arc<Session>, owner: String, standalone: Arc<EventStream>) -> Self {
        Self {
            session,
            owner,
            standalone,
            streams: Mutex::default(),
            next_stream: AtomicU64::new(1),
            used: Mutex::new(Instant::now()),
        }
    }

    /// Ends every stream and stops all work.
    pub fn end(&self) {
        self.session.in_flight.cancel_all();
        self.session.abandon();
        self.standalone.end();
        for stream in lock(&self.streams).values() {
            stream.end();
        }
    }

    /// A stream for the answer to a request, and its number.
    pub fn new_stream(&self, http: &Http) -> (u64, Arc<EventStream>) {
        let number = self.next_stream.fetch_add(1, Ordering::Relaxed);
        let stream = EventStream::new(&http.server, self.session.revision, number);
        (number, stream)
    }

    /// Keeps a stream for clients that come back, and forgets the oldest finished ones.
    pub fn keep(&self, number: u64, stream: &Arc<EventStream>) {
        let mut streams = lock(&self.streams);
        streams.retain(|old, stream| old + MAX_STREAMS > number || !stream.is_ended());
        streams.insert(number, Arc::clone(stream));
        let finished = streams.iter().filter(|(_, stream)| stream.is_ended());
        let mut finished: Vec<_> = finished
            .map(|(number, stream)| (*number, stream.bytes()))
            .collect();
        finished.sort_unstable();
        let mut all: usize = finished.iter().map(|(_, bytes)| bytes).sum();
        for (oldest, bytes) in finished {
            if all > MAX_FINISHED {
                streams.remove(&oldest);
                all -= bytes;
            }
        }
    }

    /// Notes that the client made use of it.
    pub fn touch(&self) {
        *lock(&self.used) = Instant::now();
    }

    /// How long nobody has made use of it; an open stream is use.
    fn idle(&self) -> Duration {
        let mut last = *lock(&self.used);
        let streams = lock(&self.streams);
        for stream in streams.values().chain([&self.standalone]) {
            match stream.unread_since() {
                None => return Duration::ZERO,
                Some(since) => last = last.max(since),
            }
        }
        last.elapsed()
    }
}

/// Ends sessions that were idle for too long, for ever.
pub async fn sweep(http: Arc<Http>) {
    let timeout = http.limits.session_timeout;
    loop {
        tokio::time::sleep(timeout / 4).await;
        let expired: Vec<_> = lock(&http.sessions)
            .extract_if(|_, session| session.idle() >= timeout)
            .collect();
        for (_, session) in expired {
            let owner = &session.owner;
            let log = &http.server.log;
            log.message(|| format!("- session of {owner:?}: idle"));
            session.end();
        }
    }
}
