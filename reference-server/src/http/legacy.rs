//! Sessions over HTTP (2025-03-26 to 2025-11-25).
//!
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http>

use std::ops::RangeInclusive;
use std::sync::Arc;

use hyper::http::{HeaderMap, HeaderValue, StatusCode};

use super::body::Response;
use super::headers::{self, PROTOCOL_VERSION, SESSION_ID};
use super::replay::EventStream;
use super::session::HttpSession;
use super::{Http, respond};
use crate::auth::Caller;
use crate::context::Outlet;
use crate::faults::{F, Faults};
use crate::jsonrpc::{ErrorObject, Id, Message, Params, Rejection, Reply};
use crate::legacy;
use crate::lock;
use crate::log::Call;
use crate::offer::Feature;
use crate::random;
use crate::revision::Revision;
use crate::server::Server;
use crate::work::{InFlight, Work, poll_now};

/// The revisions of this era that this transport carries.
const REVISIONS: RangeInclusive<Revision> = Revision::V2025_03_26..=Revision::LATEST_LEGACY;

/// The session that a request names, or the refusal. To know its id is not to be its owner.
fn session(
    http: &Http,
    headers: &HeaderMap,
    caller: &Caller,
    id: Option<&Id>,
) -> Result<Arc<HttpSession>, Box<Response>> {
    let faults = &http.server.faults;
    let refuse = |status: u16, why: &str| {
        let status = if id.is_none() && faults.has(F::RefusedStatus) {
            200
        } else {
            status
        };
        let error = ErrorObject::invalid_request(why).status(status);
        Err(Box::new(respond::refused(faults, id, error)))
    };
    let sessions = lock(&http.sessions);
    let owned = |session: &&Arc<HttpSession>| {
        let shared = faults.has(F::SessionShared) || faults.has(F::TasksShared);
        session.owner == caller.principal || shared
    };
    let any = || sessions.values().next().cloned();
    let without_ids = !issues_ids(http) || faults.has(F::SessionUnchecked);
    let session = match headers::text(headers, &SESSION_ID) {
        Some(id) => match sessions.get(id).filter(owned).cloned() {
            Some(session) => session,
            None => match any().filter(|_| faults.has(F::SessionUnknownServed)) {
                Some(session) => session,
                None => return refuse(404, "no such session"),
            },
        },
        None => match any().filter(|_| without_ids) {
            Some(session) => session,
            None if faults.has(F::SessionMissingStatus) => return refuse(403, "no session"),
            None => return refuse(400, "this request needs a session or modern metadata"),
        },
    };
    // Before 2025-06-18 the header meant nothing.
    if session.session.revision >= Revision::V2025_06_18
        && !version_is_served(faults, headers)
        && !faults.has(F::VersionHeaderIgnored)
    {
        return refuse(400, "MCP-Protocol-Version names no version that is served");
    }
    session.touch();
    Ok(session)
}

/// Whether clients are told the id of their session, and have to name it.
fn issues_ids(http: &Http) -> bool {
    let Server { faults, offer, .. } = &*http.server;
    offer.has(Feature::Sessions) && !faults.has(F::GetJsonSessionless)
}

/// Whether the version header, if there is one, names a revision of this era.
fn version_is_served(faults: &Faults, headers: &HeaderMap) -> bool {
    let served = |revision: Revision| REVISIONS.contains(&revision);
    let version = headers::text(headers, &PROTOCOL_VERSION);
    match version {
        Some(version) => Revision::parse(version).is_some_and(served),
        None => !faults.has(F::VersionHeaderDemanded),
    }
}

/// Takes one message of a session, or the one that opens it.
pub fn post(
    http: &Arc<Http>,
    headers: &HeaderMap,
    caller: &Arc<Caller>,
    message: Message,
) -> Response {
    let faults = &http.server.faults;
    if let Message::Request { id, method, params } = &message
        && method == "initialize"
        && !headers.contains_key(&SESSION_ID)
    {
        return initialize(http, headers, caller, id, params);
    }
    let id = match &message {
        Message::Request { id, .. } => Some(id),
        _ => None,
    };
    let session = match session(http, headers, caller, id) {
        Ok(session) => session,
        Err(refusal) => return *refusal,
    };
    match message {
        Message::Request { id, method, .. } if method == "initialize" => {
            let error = ErrorObject::invalid_request("already initialized");
            respond::refused(faults, Some(&id), error)
        }
        Message::Request { id, .. } if session.session.in_flight.contains(&id) => {
            let error = ErrorObject::invalid_request("that id is still in use");
            respond::refused(faults, Some(&id), error)
        }
        Message::Request { id, .. } if session.session.in_flight.is_full() => {
            respond::refused(faults, Some(&id), ErrorObject::busy())
        }
        Message::Request { id, method, params } => {
            let (number, stream) = session.new_stream(http);
            let outlet = Arc::clone(&stream) as Arc<dyn Outlet>;
            let work = session
                .session
                .work(id.clone(), method, params, Arc::clone(caller), outlet);
            start(http, &session, (number, stream), id, work)
        }
        Message::Notification { method, params } => {
            let in_flight = &session.session.in_flight;
            faults.on_notification(&method, &params, in_flight, &*session.standalone);
            session.session.notified(&method, &params);
            respond::accepted(faults)
        }
        Message::Response { id, outcome } => {
            session.session.answered(&id, outcome);
            respond::accepted(faults)
        }
    }
}

/// Takes a batch, which only 2025-03-26 has.
pub fn batch(
    http: &Arc<Http>,
    headers: &HeaderMap,
    caller: &Arc<Caller>,
    messages: Vec<Result<Message, Rejection>>,
) -> Response {
    let faults = &http.server.faults;
    let refuse = || {
        let error = ErrorObject::invalid_request("this revision has no batches");
        respond::refused(faults, None, error)
    };
    if headers::speaks_modern(headers) || issues_ids(http) && !headers.contains_key(&SESSION_ID) {
        return refuse();
    }
    let session = match session(http, headers, caller, None) {
        Ok(session) if session.session.has_batches() => session,
        Ok(_) => return refuse(),
        Err(refusal) => return *refusal,
    };
    if session.session.in_flight.is_full() {
        return respond::refused(faults, None, ErrorObject::busy());
    }
    let (number, stream) = session.new_stream(http);
    let outlet = Arc::clone(&stream) as Arc<dyn Outlet>;
    match legacy::batch(&session.session, messages, caller, &outlet) {
        Some(work) => {
            let id = Id::String(format!("batch {number}"));
            start(http, &session, (number, stream), id, work)
        }
        None => respond::accepted(faults),
    }
}

/// Ends a stream when its request is answered or, cancelled, never will be.
struct Ending(Arc<EventStream>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Answers with JSON if nothing has to be waited for or told first, else with a stream.
fn start(
    http: &Http,
    session: &HttpSession,
    (number, stream): (u64, Arc<EventStream>),
    id: Id,
    mut work: Work,
) -> Response {
    let faults = &http.server.faults;
    let finish = {
        let ending = Ending(Arc::clone(&stream));
        let silent = faults.has(F::StreamWithoutAnswer)
            || faults.has(F::StreamClosedEarly) && session.session.revision < Revision::V2025_11_25;
        let twice = faults
            .has(F::AnswerOnGet)
            .then(|| Arc::clone(&session.standalone));
        move |reply: Reply| {
            if let Some(standalone) = twice {
                standalone.reply(&reply);
            }
            if !silent {
                ending.0.reply(&reply);
            }
        }
    };
    let reply = match poll_now(&mut work) {
        Some(reply) if stream.is_untouched() && !faults.has(F::EventsSplit) => {
            // Only refusals have a status of their own in this era.
            let status = match reply.status {
                403 | 429 => reply.status,
                _ => 200,
            };
            return respond::reply(http, status, &reply);
        }
        reply => reply,
    };
    let Some(slot) = http.slot() else {
        return respond::empty(StatusCode::SERVICE_UNAVAILABLE);
    };
    match reply {
        Some(reply) => finish(reply),
        None => {
            let runtime = tokio::runtime::Handle::current();
            session.session.in_flight.spawn(&runtime, id, work, finish);
        }
    }
    session.keep(number, &stream);
    respond::events(faults, slot, stream.connect(None))
}

fn initialize(
    http: &Http,
    headers: &HeaderMap,
    caller: &Caller,
    id: &Id,
    params: &Params,
) -> Response {
    let faults = &http.server.faults;
    if headers.contains_key(&PROTOCOL_VERSION)
        && !version_is_served(faults, headers)
        && !faults.has(F::VersionHeaderIgnored)
    {
        let error = "MCP-Protocol-Version names no version that is served";
        return respond::refused(faults, Some(id), ErrorObject::invalid_request(error));
    }
    // The stream is made first, for the session to send to; its revision is settled with it.
    let revision = legacy::negotiate(params, &REVISIONS);
    let standalone = EventStream::new(&http.server, revision, 0);
    let outlet = Arc::clone(&standalone) as Arc<dyn Outlet>;
    let in_flight = Arc::<InFlight>::default();
    let call = Call::begin(&http.server, caller, id, "initialize", params);
    let opened = legacy::initialize(&http.server, params, &REVISIONS, outlet, in_flight);
    let (session, result) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let refusal = call.answered(Reply::error(Some(id), error));
            return respond::json(faults, 200, &refusal);
        }
    };
    let Ok(key) = session_id(http) else {
        return respond::empty(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let session = HttpSession::new(session, caller.principal.clone(), standalone);
    {
        let mut sessions = lock(&http.sessions);
        if sessions.len() >= http.limits.max_sessions {
            return respond::empty(StatusCode::SERVICE_UNAVAILABLE);
        }
        sessions.insert(key.clone(), Arc::new(session));
    }
    let mut reply = call.answered(Reply::result(id, result));
    faults.spoil_reply("initialize", revision, &mut reply);
    let mut response = respond::json(faults, 200, &reply);
    if let Ok(value) = HeaderValue::from_str(&key)
        && issues_ids(http)
    {
        response.headers_mut().insert(&SESSION_ID, value);
    }
    response
}

/// The id of a new session.
fn session_id(http: &Http) -> std::io::Result<String> {
    let faults = &http.server.faults;
    if faults.has(F::SessionIdGuessable) {
        return Ok(faults.count().to_string());
    }
    let hex = random::id()?;
    Ok(match faults.has(F::SessionIdInvisible) {
        true => format!("session {hex}"),
        false => hex,
    })
}

/// Opens the stream for what is sent outside any request, or resumes another one.
pub fn get(http: &Http, headers: &HeaderMap, caller: &Caller) -> Response {
    let faults = &http.server.faults;
    if !headers::accepts(headers, "text/event-stream") {
        return respond::empty(StatusCode::NOT_ACCEPTABLE);
    }
    let session = match session(http, headers, caller, None) {
        Ok(session) => session,
        Err(refusal) => return *refusal,
    };
    if faults.has(F::GetJson) || faults.has(F::GetJsonSessionless) {
        return respond::json(faults, 200, &serde_json::json!({}));
    }
    if !http.server.offer.has(Feature::GetStream) {
        return respond::not_allowed("POST, DELETE");
    }
    let Some(slot) = http.slot() else {
        return respond::empty(StatusCode::SERVICE_UNAVAILABLE);
    };
    let body = match resumed(faults, &session, headers) {
        Some((stream, after)) => stream.connect(Some(after)),
        None => session.standalone.connect(None),
    };
    respond::events(faults, slot, body)
}

/// The stream and the event that `Last-Event-ID` names.
fn resumed(
    faults: &Faults,
    session: &HttpSession,
    headers: &HeaderMap,
) -> Option<(Arc<EventStream>, u64)> {
    if faults.has(F::ResumeIgnored) {
        return None;
    }
    let last = headers::text(headers, "last-event-id")?;
    if faults.has(F::ReplayElsewhere) {
        let streams = lock(&session.streams);
        let other = |number: &&u64| !last.starts_with(&format!("{number}-"));
        let other = streams.keys().find(other)?;
        return Some((Arc::clone(&streams[other]), 0));
    }
    let named = last
        .split_once('-')
        .and_then(|(number, after)| Some((number.parse().ok()?, after.parse().ok()?)));
    let Some((number, after)) = named else {
        faults.on_unknown_event();
        return None;
    };
    match number {
        0 => Some((Arc::clone(&session.standalone), after)),
        _ => {
            let streams = lock(&session.streams);
            Some((streams.get(&number).cloned()?, after))
        }
    }
}

/// Ends a session.
pub fn delete(http: &Http, headers: &HeaderMap, caller: &Caller) -> Response {
    match session(http, headers, caller, None) {
        Ok(session) => {
            if !http.server.faults.has(F::SessionSurvives) {
                let id = headers::text(headers, &SESSION_ID).unwrap_or_default();
                lock(&http.sessions).remove(id);
                session.end();
            }
            respond::empty(StatusCode::NO_CONTENT)
        }
        Err(refusal) => *refusal,
    }
}
