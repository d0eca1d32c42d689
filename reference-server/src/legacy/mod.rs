//! The era of the handshake: sessions opened by `initialize`, revisions up to 2025-11-25.
//!
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle>

mod batch;

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;

pub use batch::batch;

use crate::auth::Caller;
use crate::context::{Answer, Context, Failure, Outlet, Peer};
use crate::faults::F;
use crate::features::tools::Visit;
use crate::features::{self, logging::Level, resources};
use crate::hub::{Event, Subscription};
use crate::jsonrpc::{self, ErrorObject, Id, Object, Params, Reply};
use crate::lock;
use crate::log::Call;
use crate::offer::Feature;
use crate::revision::Revision;
use crate::roots::Roots;
use crate::server::Server;
use crate::tasks::{self, Owner};
use crate::work::{InFlight, Work};

/// How long the client, or its user, may take to answer us.
const PATIENCE: Duration = Duration::from_secs(300);

/// The longest parameters of a handshake, in bytes: what a client can do is kept as long as its session.
const MAX_HANDSHAKE_BYTES: usize = 64 * 1024;

/// One handshake and what followed from it.
pub struct Session {
    /// The server it was opened with.
    pub server: Arc<Server>,
    /// The negotiated revision.
    pub revision: Revision,
    /// Requests being worked on.
    pub in_flight: Arc<InFlight>,
    /// Tells it from other sessions.
    pub number: u64,
    /// What it knows of its client's roots.
    pub roots: Roots,
    /// How far its user is with the page that a tool sends them to.
    pub visit: Mutex<Visit>,
    capabilities: Arc<Object>,
    initialized: AtomicBool,
    log_level: Mutex<Level>,
    watched: Mutex<HashSet<String>>,
    asked: Mutex<HashMap<Id, oneshot::Sender<Result<Value, Value>>>>,
    next_id: AtomicU64,
    unsolicited: Arc<dyn Outlet>,
    listening: OnceLock<Subscription>,
}

/// Answers `initialize`: a session and the result that opens it.
///
/// `revisions` are those that the transport carries; `unsolicited` takes what is sent
/// outside any request.
pub fn initialize(
    server: &Arc<Server>,
    params: &Params,
    revisions: &RangeInclusive<Revision>,
    unsolicited: Arc<dyn Outlet>,
    in_flight: Arc<InFlight>,
) -> Result<(Arc<Session>, Object), ErrorObject> {
    if !server.faults.has(F::InitializeUnchecked) {
        check(params)?;
    }
    let requested = features::string(params, "protocolVersion").unwrap_or_default();
    let capabilities = params.get("capabilities").and_then(Value::as_object);
    let capabilities = capabilities.cloned().unwrap_or_default();
    server.faults.refuse_handshake(requested, &capabilities)?;
    let revision = negotiate(params, revisions);
    let session = Arc::new(Session {
        server: Arc::clone(server),
        revision,
        in_flight,
        number: server.tasks.new_session(),
        roots: Roots::default(),
        visit: Mutex::default(),
        capabilities: Arc::new(capabilities),
        initialized: AtomicBool::new(false),
        log_level: Mutex::new(Level::Info),
        watched: Mutex::default(),
        asked: Mutex::default(),
        next_id: AtomicU64::new(1),
        unsolicited,
        listening: OnceLock::new(),
    });
    let mut result = Object::new();
    result.insert("protocolVersion".into(), revision.as_str().into());
    let offered = server.capabilities(revision);
    result.insert("capabilities".into(), Value::Object(offered));
    result.insert("serverInfo".into(), Value::clone(&server.info(revision)));
    if revision >= Revision::V2025_03_26 {
        result.insert("instructions".into(), server.instructions().into());
    }
    server.faults.spoil_initialize(requested, &mut result);
    Ok((session, result))
}

/// The revision asked for, if it is one of these and of this era, else the latest that is.
pub fn negotiate(params: &Object, revisions: &RangeInclusive<Revision>) -> Revision {
    let requested = params.get("protocolVersion").and_then(Value::as_str);
    requested
        .and_then(Revision::parse)
        .filter(|revision| revisions.contains(revision) && !revision.is_modern())
        .unwrap_or(Revision::LATEST_LEGACY.min(*revisions.end()))
}

fn check(params: &Params) -> Result<(), ErrorObject> {
    if jsonrpc::size(params) > MAX_HANDSHAKE_BYTES {
        let error =
            format!("the parameters of initialize have at most {MAX_HANDSHAKE_BYTES} bytes");
        return Err(ErrorObject::invalid_params(error));
    }
    features::string(params, "protocolVersion")?;
    if !params.get("capabilities").is_some_and(Value::is_object) {
        return Err(ErrorObject::invalid_params(
            "capabilities is a required object",
        ));
    }
    let info = params.get("clientInfo").unwrap_or(&Value::Null);
    if !info["name"].is_string() || !info["version"].is_string() {
        let error = "clientInfo is required, with name and version";
        return Err(ErrorObject::invalid_params(error));
    }
    Ok(())
}

impl Session {
    /// Works on a request. `initialize` is the transport's business, not ours.
    pub fn work(
        self: &Arc<Self>,
        id: Id,
        method: String,
        params: Params,
        caller: Arc<Caller>,
        outlet: Arc<dyn Outlet>,
    ) -> Work {
        let session = Arc::clone(self);
        let method = self.server.faults.method(method);
        let call = Call::begin(&self.server, &caller, &id, &method, &params);
        call.around(Box::pin(async move {
            let faults = &session.server.faults;
            faults.speak_unasked(session.revision, &method, &id, &*outlet);
            let answer = session.answer(&method, &params, caller, outlet).await;
            let mut reply = match answer {
                Ok(mut result) => {
                    faults.spoil_result(&method, session.revision, &params, &mut result);
                    Reply::result(&id, result)
                }
                Err(Failure::Error(error)) => Reply::error(Some(&id), error),
                Err(Failure::Tool(why)) => Reply::error(Some(&id), ErrorObject::internal(why)),
                Err(Failure::InputRequired(_)) => {
                    let error = ErrorObject::internal("this revision has no input_required");
                    Reply::error(Some(&id), error)
                }
            };
            faults.spoil_reply(&method, session.revision, &mut reply);
            if faults.has(F::AnswersInArrays) && !session.has_batches() {
                reply = Reply::batch(&[reply]);
            }
            reply
        }))
    }

    async fn answer(
        self: &Arc<Self>,
        method: &str,
        params: &Params,
        caller: Arc<Caller>,
        outlet: Arc<dyn Outlet>,
    ) -> Answer {
        self.server.faults.refuse_meta(params.meta())?;
        self.server.faults.refuse_task(method, params)?;
        match method {
            "ping" if self.refuses_ping() => Err(ErrorObject::method_not_found(method).into()),
            "ping" => Ok(Object::new()),
            "logging/setLevel" if !self.server.faults.has(F::SetLevelUnknown) => {
                self.set_level(params)
            }
            "resources/subscribe" if self.can_subscribe() => self.subscribe(params, &caller),
            "resources/unsubscribe" if self.has_subscriptions() => self.unsubscribe(params),
            _ => {
                let context = Context {
                    server: Arc::clone(&self.server),
                    caller,
                    revision: self.revision,
                    capabilities: Arc::clone(&self.capabilities),
                    outlet,
                    progress_token: features::progress_token(params.meta())?,
                    log_level: Some(*lock(&self.log_level)),
                    peer: Peer::Session(Arc::clone(self)),
                };
                features::answer(&context, method, params).await
            }
        }
    }

    fn has_subscriptions(&self) -> bool {
        self.server.offer.tells_of(Feature::Resources)
    }

    fn can_subscribe(&self) -> bool {
        self.has_subscriptions() && !self.server.faults.has(F::SubscribeRefused)
    }

    fn refuses_ping(&self) -> bool {
        let early = !self.initialized.load(Ordering::Relaxed);
        let faults = &self.server.faults;
        faults.has(F::PingUnknown) || early && faults.has(F::PingRefusedEarly)
    }

    /// Whether several messages may come in one array.
    pub fn has_batches(&self) -> bool {
        self.revision == Revision::V2025_03_26 && !self.server.faults.has(F::BatchRefused)
    }

    fn set_level(&self, params: &Object) -> Answer {
        let level = params.get("level").and_then(Value::as_str);
        match level.and_then(Level::parse) {
            Some(level) => *lock(&self.log_level) = level,
            None if self.server.faults.has(F::LogLevelUnchecked) => {}
            None => return Err(ErrorObject::invalid_params("level is no log level").into()),
        }
        Ok(Object::new())
    }

    fn subscribe(&self, params: &Object, caller: &Caller) -> Answer {
        let owner = Owner::new(&self.server, caller, Some(self.number));
        let uri = resources::given_uri(&self.server, params)?;
        let job = uri.strip_prefix(tasks::JOB_SCHEME);
        let job = job.and_then(|id| self.server.tasks.find(&owner, id));
        let any = self.server.faults.has(F::UriUnchecked);
        if job.is_none() && !resources::exists(&self.server, uri) && !any {
            return Err(resources::not_found(self.revision, uri).into());
        }
        let mut watched = lock(&self.watched);
        watched.insert(uri.into());
        if let Err(error) = resources::bound_watched(watched.iter()) {
            watched.remove(uri);
            return Err(error.into());
        }
        Ok(Object::new())
    }

    fn unsubscribe(&self, params: &Object) -> Answer {
        let uri = features::string(params, "uri")?;
        if !self.server.faults.has(F::UnsubscribeIgnored) {
            lock(&self.watched).remove(uri);
        }
        Ok(Object::new())
    }

    /// Takes note of a notification.
    pub fn notified(self: &Arc<Self>, method: &str, params: &Object) {
        match method {
            "notifications/initialized" => self.start(),
            "notifications/roots/list_changed" => self.roots.changed(self),
            "notifications/cancelled" => {
                if let Some(id) = params.get("requestId").and_then(Id::from_value) {
                    self.in_flight.cancel(&id);
                }
            }
            _ => {}
        }
    }

    /// The client is ready: from now on it is told about changes.
    fn start(self: &Arc<Self>) {
        if self.initialized.swap(true, Ordering::Relaxed) {
            return;
        }
        let session = Arc::downgrade(self);
        let listening = self.server.hub.listen(move |event| {
            if let Some(session) = session.upgrade() {
                session.tell(event);
            }
        });
        // Only the first `initialized` gets here, so the cell is empty.
        let _ = self.listening.set(listening);
    }

    /// Where to send what belongs to no open request.
    pub fn unsolicited(&self) -> Arc<dyn Outlet> {
        Arc::clone(&self.unsolicited)
    }

    fn tell(&self, event: &Event) {
        let mut method = event.method();
        let params = match event {
            Event::Task(task) => {
                let knows = task.protocol && task.owner.session == Some(self.number);
                if !knows || self.revision != Revision::V2025_11_25 {
                    return;
                }
                method = "notifications/tasks/status";
                tasks::legacy::status_params(task, &self.server.faults)
            }
            Event::Resource(uri) => {
                let told_anyway = self.server.faults.has(F::UpdatesUnasked);
                if !lock(&self.watched).contains(uri) && !told_anyway {
                    return;
                }
                json!({"uri": uri})
            }
            // No subscription of this era is a request that could end.
            Event::Over(..) => return,
            Event::Tools | Event::Prompts | Event::Resources => Value::Null,
        };
        let message = jsonrpc::notification(method, params);
        self.unsolicited.send(message);
    }

    /// Asks the client something in the course of a request; an error is a sentence for people.
    pub async fn request(
        &self,
        outlet: &dyn Outlet,
        method: &str,
        params: Value,
    ) -> Result<Value, String> {
        let number = self.next_id.fetch_add(1, Ordering::Relaxed);
        let id = match self.server.faults.has(F::ServerIdRepeated) {
            true => Id::String("server".into()),
            false => Id::String(format!("server-{number}")),
        };
        let (answer, answered) = oneshot::channel();
        lock(&self.asked).insert(id.clone(), answer);
        let _waiting = Waiting {
            session: self,
            outlet,
            id: &id,
            meta: params.get("_meta").cloned(),
        };
        let mut request = json!({
            "jsonrpc": "2.0",
            "id": id.to_value(),
            "method": method,
            "params": params,
        });
        if self.server.faults.has(F::ServerIdNull) {
            request["id"] = Value::Null;
        }
        if self.server.faults.has(F::Broadcast) {
            self.unsolicited.send(request.clone());
        }
        outlet.send(request);
        let answered = tokio::time::timeout(PATIENCE, answered).await;
        match answered {
            Ok(Ok(Ok(result))) => Ok(result),
            Ok(Ok(Err(error))) => Err(format!("the client refused {method}: {error}")),
            Ok(Err(_)) => Err(format!("the client left without answering {method}")),
            Err(_) => Err(format!("the client did not answer {method} in time")),
        }
    }

    /// Takes the client's answer to a request of ours; answers to nothing are ignored.
    pub fn answered(&self, id: &Id, outcome: Result<Value, Value>) {
        if let Some(waiting) = lock(&self.asked).remove(id) {
            // The asker may have given up in the meantime.
            let _ = waiting.send(outcome);
        }
    }

    /// The client is gone: whoever waits for it stops waiting.
    pub fn abandon(&self) {
        lock(&self.asked).clear();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Nobody can ask for them any more.
        self.server.tasks.forget(self.number);
    }
}

/// A request of ours whose answer is awaited. Dropped before there is one, because it takes too long or because the client
/// has cancelled what it was asked for, the request is cancelled.
struct Waiting<'a> {
    session: &'a Session,
    outlet: &'a dyn Outlet,
    id: &'a Id,
    /// The `_meta` of the request, which says which task it belongs to.
    meta: Option<Value>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let is_open = lock(&self.session.asked).remove(self.id).is_some();
        if !is_open {
            return;
        }
        let reason = "the answer is not awaited any more";
        let mut params = json!({"requestId": self.id.to_value(), "reason": reason});
        if let Some(meta) = self.meta.take() {
            params["_meta"] = meta;
        }
        let message = jsonrpc::notification("notifications/cancelled", params);
        self.outlet.send(message);
    }
}
