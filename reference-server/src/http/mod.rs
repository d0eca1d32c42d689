//! The Streamable HTTP transport: one endpoint, `/mcp`, for both eras; and beside it the older HTTP+SSE.
//!
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http>

mod body;
mod guard;
mod headers;
mod identity;
mod legacy;
mod listener;
mod live;
mod modern;
mod outbox;
mod patient;
mod replay;
mod respond;
mod session;
mod sse;
mod tls;

pub use tls::{TlsError, TlsOptions};

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::auth::{self, Caller};
use crate::error::Error;
use crate::faults::F;
use crate::jsonrpc::{ErrorObject, Message, Packet, Reply};
use crate::limits::Limits;
use crate::options::Options;
use crate::server::Server;
use body::{Response, Slot};
use guard::Guard;
use headers::Era;
use listener::Remote;
use respond::{Called, Reason};
use session::HttpSession;

/// How much of a refused body is read to the end, in bytes.
const MAX_DISCARDED: usize = 16 << 20;

/// What all HTTP requests share.
struct Http {
    server: Arc<Server>,
    /// The URL of the endpoint, as tokens and metadata name it.
    resource: String,
    guard: Guard,
    limits: Limits,
    /// As many permits as streams may still be opened.
    streams: Arc<Semaphore>,
    /// Legacy sessions by id.
    sessions: Mutex<HashMap<String, Arc<HttpSession>>>,
    /// Those who came by HTTP+SSE.
    clients: sse::Clients,
}

/// Serves `address` until the process is told to stop.
pub async fn serve(
    server: Arc<Server>,
    address: SocketAddr,
    options: &Options,
) -> Result<(), Error> {
    let tls = tls::acceptor(&options.tls)?;
    let bound = server.faults.address(address);
    let listener = TcpListener::bind(bound).await;
    let listener = listener.map_err(|source| Error::Bind { address, source })?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let at = SocketAddr::new(address.ip(), listener.local_addr()?.port());
    let url = format!("{scheme}://{at}/mcp");
    eprintln!("listening on {url}");
    let resource = server.auth.as_ref().and_then(|auth| auth.resource.clone());
    let http = Arc::new(Http {
        resource: resource.unwrap_or(url),
        guard: Guard::new(options),
        limits: options.limits.clone(),
        streams: Arc::new(Semaphore::new(options.limits.max_streams)),
        sessions: Mutex::default(),
        clients: sse::Clients::default(),
        server,
    });
    tokio::spawn(session::sweep(Arc::clone(&http)));
    listener::serve(http, listener, tls, asked_to_stop()).await;
    Ok(())
}

async fn asked_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupted.await;
}

impl Http {
    /// Room for one more stream of events, if there is any.
    fn slot(&self) -> Option<Slot> {
        Arc::clone(&self.streams).try_acquire_owned().ok()
    }

    /// Ends all streams gracefully.
    fn stop(&self) {
        self.server.hub.close();
        for (_, session) in crate::lock(&self.sessions).drain() {
            session.end();
        }
    }
}

async fn handle(http: Arc<Http>, remote: Arc<Remote>, head: Parts, body: Incoming) -> Response {
    http.server.log.message(|| {
        let (method, path) = (&head.method, head.uri.path());
        format!("< {remote} {method} {path}")
    });
    let mut caller = None;
    let response = answer(&http, &remote, &head, body, &mut caller).await;
    let status = response.status();
    let called = response.extensions().get::<Called>().is_some();
    if !called && (status.is_client_error() || status.is_server_error()) {
        let reason = response.extensions().get::<Reason>().map(|reason| reason.0);
        let reason = reason.or(status.canonical_reason()).unwrap_or("refused");
        let principal = caller
            .as_ref()
            .map_or("unknown", |caller| &caller.principal);
        let log = &http.server.log;
        log.refusal(
            head.method.as_str(),
            principal,
            Some(status.as_u16()),
            reason,
        );
    }
    response
}

/// Answers a request; `asking` is set once it is known who asks.
async fn answer(
    http: &Arc<Http>,
    remote: &Remote,
    head: &Parts,
    body: Incoming,
    asking: &mut Option<Arc<Caller>>,
) -> Response {
    if let Err(refusal) = http.guard.check(&http.server.faults, &head.headers) {
        return *refusal;
    }
    let path = head.uri.path();
    if let Some(auth) = &http.server.auth
        && auth::is_well_known(path)
        && !http.server.faults.has(F::MetadataUnreachable)
        && head.method == Method::GET
    {
        let document = auth::document(auth, &http.resource, &http.server.faults);
        return respond::json(&http.server.faults, 200, &document);
    }
    let caller = match http.identify(head, remote) {
        Ok(caller) => caller,
        Err(refusal) if http.server.faults.has(F::TokenCheckedLate) => {
            let mut response = mcp(http, head, &http.server.local, body).await;
            *response.status_mut() = refusal.status();
            return response;
        }
        Err(refusal) => return *refusal,
    };
    *asking = Some(Arc::clone(&caller));
    match (path, &head.method) {
        ("/mcp", _) => mcp(http, head, &caller, body).await,
        (sse::STREAM | sse::MESSAGES, _) if !http.server.offer.eras.has_legacy() => {
            respond::empty(StatusCode::NOT_FOUND)
        }
        (sse::STREAM, &Method::GET) => sse::open(http, &head.headers, caller),
        (sse::STREAM, _) => respond::not_allowed("GET"),
        (sse::MESSAGES, &Method::POST) => sse::post(http, head, &caller, body).await,
        (sse::MESSAGES, _) => respond::not_allowed("POST"),
        _ => {
            http.server.faults.on_unknown_route();
            respond::empty(StatusCode::NOT_FOUND)
        }
    }
}

async fn mcp(http: &Arc<Http>, head: &Parts, caller: &Arc<Caller>, body: Incoming) -> Response {
    match head.method {
        Method::POST => {
            if let Err(status) = headers::check_post(&http.server.faults, &head.headers) {
                return respond::empty(status);
            }
            match read(http, body).await {
                Ok(bytes) => match http.server.faults.read(&bytes) {
                    Some(packet) if !http.server.faults.forgets(&packet).await => {
                        post(http, head, caller, packet)
                    }
                    _ => std::future::pending().await,
                },
                Err(status) => respond::empty(status),
            }
        }
        // These belong to the sessions of the legacy era.
        Method::GET | Method::DELETE if !wants_legacy(http, &head.headers) => {
            match http.server.faults.has(F::GetDeleteServed) {
                true => respond::json(&http.server.faults, 200, &Value::Null),
                false => respond::not_allowed("POST"),
            }
        }
        Method::GET => legacy::get(http, &head.headers, caller),
        Method::DELETE => legacy::delete(http, &head.headers, caller),
        _ => {
            http.server.faults.on_unknown_route();
            respond::not_allowed("GET, POST, DELETE")
        }
    }
}

fn wants_legacy(http: &Http, headers: &HeaderMap) -> bool {
    let eras = http.server.offer.eras;
    eras.has_legacy() && !(eras.has_modern() && headers::speaks_modern(headers))
}

/// The body of a request, or the status that refuses it.
async fn read(http: &Http, mut body: Incoming) -> Result<Bytes, StatusCode> {
    let limit = http.server.faults.max_message_bytes();
    let reading = async {
        let read = Limited::new(&mut body, limit).collect().await;
        if read.is_err() {
            http.server.faults.on_huge();
            discard(&mut body).await;
        }
        read
    };
    match tokio::time::timeout(http.limits.client_timeout, reading).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

/// Reads the rest of a refused body, within reason: closing while there is unread input would reset the connection, and the
/// refusal might be lost.
async fn discard(body: &mut Incoming) {
    let mut left = MAX_DISCARDED;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

fn post(http: &Arc<Http>, head: &Parts, caller: &Arc<Caller>, packet: Packet) -> Response {
    let faults = &http.server.faults;
    let message = match packet {
        Packet::Single(Ok(message)) => message,
        Packet::Single(Err(rejection)) => {
            let mut reply = Reply::error(rejection.id.as_ref(), *rejection.error);
            faults.spoil_rejection(&mut reply);
            return respond::json(faults, reply.status, &reply);
        }
        Packet::Batch(messages) => return legacy::batch(http, &head.headers, caller, messages),
    };
    match headers::era(http.server.offer.eras, &head.headers, &message) {
        Era::Modern => match message {
            Message::Request { id, method, params } => {
                let caller = Arc::clone(caller);
                modern::request(http, &head.headers, caller, id, method, params)
            }
            Message::Notification { .. } => respond::accepted(faults),
            Message::Response { .. } => {
                let error = "clients of this revision send no responses";
                respond::refused(faults, None, ErrorObject::invalid_request(error))
            }
        },
        Era::Legacy => legacy::post(http, &head.headers, caller, message),
    }
}
