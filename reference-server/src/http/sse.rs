//! The HTTP+SSE transport of 2024-11-05, for clients that know nothing newer: a stream on which the server speaks, and an
//! address of its own to which the client posts. It stands beside the endpoint of the later revisions, as they advise.
//!
//! <https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse>

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::stream;
use hyper::body::Incoming;
use hyper::http::header;
use hyper::http::request::Parts;
use hyper::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::body::{Body, Response};
use super::live::KEEP_ALIVE;
use super::replay::message_event;
use super::{Http, headers, read, respond};
use crate::auth::Caller;
use crate::client::Client;
use crate::context::Outlet;
use crate::faults::F;
use crate::lock;
use crate::random;
use crate::revision::Revision;
use crate::server::Server;

/// Where a client opens its stream.
pub const STREAM: &str = "/sse";
/// Where it posts its messages; the query names the stream.
pub const MESSAGES: &str = "/sse/messages";

/// Later revisions have another transport, and this one is none of theirs.
const REVISIONS: RangeInclusive<Revision> = Revision::V2024_11_05..=Revision::V2024_11_05;

/// The clients whose streams are open, each by what it was told to post to.
pub type Clients = Mutex<HashMap<String, Arc<Client>>>;

/// The most bytes that wait for a client to read them: its answers repeat what it sends, so that counting them is not enough.
const MAX_WAITING: usize = 8 << 20;

/// The way to a client. Whoever lets too much wait is not reading: its stream ends with that.
struct Outbox {
    server: Arc<Server>,
    events: Mutex<Option<UnboundedSender<Bytes>>>,
    waiting: Arc<AtomicUsize>,
}

impl Outlet for Outbox {
    fn send(&self, message: Value) {
        let data = message_event(&self.server, None, &message);
        let kind = self.server.faults.event_type();
        let event = Bytes::from([format!("event: {kind}\n").as_bytes(), &data].concat());
        let length = event.len();
        let waiting = self.waiting.fetch_add(length, Ordering::Relaxed) + length;
        let mut events = lock(&self.events);
        let sent = |events: &UnboundedSender<Bytes>| events.send(event).is_ok();
        if waiting > MAX_WAITING || !events.as_ref().is_some_and(sent) {
            *events = None;
        }
    }
}

/// Opens the stream of a client, which begins by telling it where to post.
pub fn open(http: &Arc<Http>, headers: &HeaderMap, caller: Arc<Caller>) -> Response {
    let faults = &http.server.faults;
    if !headers::accepts(headers, "text/event-stream") {
        return respond::empty(StatusCode::NOT_ACCEPTABLE);
    }
    if lock(&http.clients).len() >= http.limits.max_sessions {
        return respond::empty(StatusCode::SERVICE_UNAVAILABLE);
    }
    let Some(slot) = http.slot() else {
        return respond::empty(StatusCode::SERVICE_UNAVAILABLE);
    };
    let Ok(key) = random::id() else {
        return respond::empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let (sender, events) = unbounded_channel();
    let waiting = Arc::<AtomicUsize>::default();
    let outbox = Arc::new(Outbox {
        server: Arc::clone(&http.server),
        events: Mutex::new(Some(sender)),
        waiting: Arc::clone(&waiting),
    });
    let runtime = tokio::runtime::Handle::current();
    let client = Client::new(&http.server, runtime, REVISIONS, caller, outbox);
    lock(&http.clients).insert(key.clone(), Arc::new(client));
    faults.remember_client(&key);
    let stream = Stream {
        http: Arc::clone(http),
        endpoint: faults.endpoint_events(&format!("{MESSAGES}?session={key}")),
        key,
        events,
        waiting,
    };
    let mut response = respond::events(faults, slot, Body::events(stream.into_events()));
    if faults.has(F::SseContentType) {
        respond::set(&mut response, header::CONTENT_TYPE, "text/plain");
    }
    response
}

/// Takes what a client posts. Every answer comes on its stream.
pub async fn post(http: &Http, head: &Parts, caller: &Caller, body: Incoming) -> Response {
    let faults = &http.server.faults;
    let query = head.uri.query().unwrap_or_default();
    let key = query.strip_prefix("session=").unwrap_or_default();
    let client = lock(&http.clients).get(&*faults.client(key)).cloned();
    // To know the address is not to be the one who was told it, and with what rights.
    let client = client.filter(|client| *client.caller == *caller);
    let Some(client) = client else {
        faults.on_unknown_client();
        return respond::empty(StatusCode::NOT_FOUND);
    };
    if faults.has(F::SsePostRefused) {
        return respond::not_allowed("GET");
    }
    if !headers::is_json(&head.headers) {
        return respond::empty(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    match read(http, body).await {
        Ok(bytes) => {
            if let Some(packet) = http.server.faults.read(&bytes) {
                client.take(packet);
            }
            respond::empty(StatusCode::ACCEPTED)
        }
        Err(status) => respond::empty(status),
    }
}

/// What a client reads. It is gone when this is dropped, and with it its session.
struct Stream {
    http: Arc<Http>,
    key: String,
    /// The first event, until it is sent.
    endpoint: Option<Bytes>,
    events: UnboundedReceiver<Bytes>,
    waiting: Arc<AtomicUsize>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(client) = lock(&self.http.clients).remove(&self.key) {
            client.in_flight.cancel_all();
            client.abandon();
        }
    }
}

impl Stream {
    fn into_events(self) -> impl stream::Stream<Item = Bytes> {
        stream::unfold(self, |mut stream| async move {
            let event = stream.next().await?;
            Some((event, stream))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        if let Some(endpoint) = self.endpoint.take() {
            return Some(endpoint);
        }
        tokio::select! {
            event = self.events.recv() => {
                let event = event?;
                self.waiting.fetch_sub(event.len(), Ordering::Relaxed);
                Some(event)
            }
            () = self.http.server.hub.closed() => None,
            () = tokio::time::sleep(KEEP_ALIVE) => Some(Bytes::from_static(b":\n\n")),
        }
    }
}
