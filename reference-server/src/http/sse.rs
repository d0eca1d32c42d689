//! The HTTP+SSE transport of 2024-11-05, for clients that know nothing newer: a stream on which the server speaks, and an
//! address of its own to which the client posts. It stands beside the endpoint of the later revisions, as they advise.
//!
//! <https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse>

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::stream;
use hyper::body::Incoming;
use hyper::http::header;
use hyper::http::request::Parts;
use hyper::{HeaderMap, StatusCode};

use super::body::{Body, Response};
use super::outbox::{Events, Outbox};
use super::{Http, headers, read, respond};
use crate::auth::Caller;
use crate::client::Client;
use crate::faults::F;
use crate::lock;
use crate::random;
use crate::revision::Revision;

/// Where a client opens its stream.
pub const STREAM: &str = "/sse";
/// Where it posts its messages; the query names the stream.
pub const MESSAGES: &str = "/sse/messages";

/// Later revisions have another transport, and this one is none of theirs.
const REVISIONS: RangeInclusive<Revision> = Revision::V2024_11_05..=Revision::V2024_11_05;

/// The clients whose streams are open, each by what it was told to post to.
pub type Clients = Mutex<HashMap<String, Arc<Client>>>;

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
    let (outbox, events) = Outbox::new(&http.server, Some(faults.event_type()));
    let runtime = tokio::runtime::Handle::current();
    let client = Client::new(&http.server, runtime, REVISIONS, caller, outbox);
    lock(&http.clients).insert(key.clone(), Arc::new(client));
    faults.remember_client(&key);
    let stream = Stream {
        http: Arc::clone(http),
        endpoint: faults.endpoint_events(&format!("{MESSAGES}?session={key}")),
        key,
        events,
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
    events: Events,
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
            event = self.events.next() => event,
            () = self.http.server.hub.closed() => None,
        }
    }
}
