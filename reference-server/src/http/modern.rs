//! Modern requests over HTTP: each is its own exchange.

use std::sync::Arc;

use hyper::http::{HeaderMap, StatusCode};

use super::body::Response;
use super::headers::{Mirror, SESSION_ID};
use super::outbox::Outbox;
use super::{Http, live, respond};
use crate::auth::Caller;
use crate::context::Outlet;
use crate::faults::F;
use crate::jsonrpc::{ErrorObject, Id, Params};
use crate::modern::{Metadata, Request, work};
use crate::server::Server;
use crate::work::poll_now;

/// Answers with JSON if nothing has to be waited for or told first, else with a stream.
pub fn request(
    http: &Arc<Http>,
    headers: &HeaderMap,
    caller: Arc<Caller>,
    id: Id,
    method: String,
    params: Params,
) -> Response {
    let server = &http.server;
    let metadata = admit(server, headers, &method, &params);
    let (outbox, events) = Outbox::new(server, None);
    let outlet = Arc::clone(&outbox) as Arc<dyn Outlet>;
    let request = Request {
        id,
        method,
        params,
        caller,
        outlet,
    };
    let mut work = work(server, metadata, request);
    let reply = poll_now(&mut work);
    let mut response = match reply {
        Some(reply) if events.is_empty() && !server.faults.has(F::EventsSplit) => {
            respond::reply(http, reply.status, &reply)
        }
        reply => match http.slot() {
            Some(slot) => {
                let body = live::body(Arc::clone(server), outbox, events, reply, work);
                respond::events(&server.faults, slot, body)
            }
            None => respond::empty(StatusCode::SERVICE_UNAVAILABLE),
        },
    };
    if server.faults.has(F::ModernSession) {
        respond::set(&mut response, SESSION_ID.clone(), "modern-session");
    }
    response
}

/// Reads the metadata of a request and checks that the headers repeat it.
fn admit(
    server: &Server,
    headers: &HeaderMap,
    method: &str,
    params: &Params,
) -> Result<Metadata, ErrorObject> {
    let faults = &server.faults;
    let mirror = Mirror { faults, headers };
    if headers.contains_key("last-event-id") && faults.has(F::LastEventIdRefused) {
        let error = "Last-Event-ID has no meaning here";
        return Err(ErrorObject::invalid_request(error));
    }
    let (version, metadata) = Metadata::read(server, params.meta())?;
    mirror.version(version)?;
    Metadata::check_version(server, version)?;
    mirror.call(method, params)?;
    Ok(metadata)
}
