//! HTTP responses.

use hyper::http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::Http;
use super::body::{Body, Response, Slot};
use crate::faults::{F, Faults};
use crate::jsonrpc::{ErrorObject, Id, Reply};

/// A response with one JSON message.
pub fn json(faults: &Faults, status: u16, message: &impl Serialize) -> Response {
    let mut response = Response::new(Body::from(faults.encode(message)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let kind = if faults.has(F::ResponseContentType) {
        "text/plain"
    } else {
        "application/json"
    };
    set(&mut response, header::CONTENT_TYPE, kind);
    response
}

/// Marks the refusal of a call, which was logged as such.
#[derive(Clone, Copy)]
pub struct Called;

/// Marks a refusal with its reason, for the log.
#[derive(Clone, Copy)]
pub struct Reason(pub &'static str);

/// A response with the answer to a call. What was refused says in its headers what would help.
pub fn reply(http: &Http, status: u16, reply: &Reply) -> Response {
    let mut response = json(&http.server.faults, status, reply);
    if status == 200 {
        return response;
    }
    response.extensions_mut().insert(Called);
    let details = match &reply.outcome {
        Err(ErrorObject {
            data: Some(details),
            ..
        }) => details,
        _ => return response,
    };
    let value = match status {
        403 => http
            .scope_challenge(details)
            .map(|value| (header::WWW_AUTHENTICATE, value)),
        429 => details["retryAfterMs"].as_u64().map(|wait| {
            let seconds = wait.div_ceil(1000);
            (header::RETRY_AFTER, seconds.to_string())
        }),
        _ => None,
    };
    if let Some((name, value)) = value
        && let Ok(value) = HeaderValue::from_str(&value)
    {
        response.headers_mut().insert(name, value);
    }
    response
}

/// A response with a JSON-RPC error.
pub fn refused(faults: &Faults, id: Option<&Id>, error: ErrorObject) -> Response {
    let reply = Reply::error(id, error);
    json(faults, reply.status, &reply)
}

/// A response without a body.
pub fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// A notification or response was taken.
pub fn accepted(faults: &Faults) -> Response {
    if faults.has(F::NotificationBody) {
        return json(faults, 200, &serde_json::json!({"accepted": true}));
    }
    empty(StatusCode::ACCEPTED)
}

/// Another HTTP method is needed.
pub fn not_allowed(allowed: &'static str) -> Response {
    let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
    set(&mut response, header::ALLOW, allowed);
    response
}

/// A response that is a stream of events, and takes up `slot` as long as it lasts.
pub fn events(faults: &Faults, slot: Slot, body: Body) -> Response {
    let mut response = Response::new(body.holding(slot));
    let kind = if faults.has(F::ResponseContentType) {
        "text/plain"
    } else {
        "text/event-stream"
    };
    set(&mut response, header::CONTENT_TYPE, kind);
    set(&mut response, header::CACHE_CONTROL, "no-cache");
    if !faults.has(F::Buffered) {
        // Tells reverse proxies to pass events on as they come.
        let name = header::HeaderName::from_static("x-accel-buffering");
        set(&mut response, name, "no");
    }
    response
}

/// Sets a header to a constant.
pub fn set(response: &mut Response, name: header::HeaderName, value: &'static str) {
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
}
