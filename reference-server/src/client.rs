//! A client at the other end of a channel that carries whole messages both ways: standard streams or, at 2024-11-05, an
//! event stream and what is posted beside it.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::runtime::Handle;

use crate::auth::Caller;
use crate::context::Outlet;
use crate::faults::F;
use crate::jsonrpc::{ErrorObject, Id, Message, Object, Packet, Params, Rejection, Reply};
use crate::legacy::{self, Session};
use crate::log::Call;
use crate::revision::Revision;
use crate::server::Server;
use crate::work::{InFlight, Work, poll_now};
use crate::{lock, modern};

/// One client and what is being done for it.
pub struct Client {
    /// The requests that are being worked on.
    pub in_flight: Arc<InFlight>,
    /// Who is at the other end.
    pub caller: Arc<Caller>,
    server: Arc<Server>,
    runtime: Handle,
    /// The revisions that the channel carries.
    revisions: RangeInclusive<Revision>,
    outlet: Arc<dyn Outlet>,
    /// The handshake, if there was one.
    session: Mutex<Option<Arc<Session>>>,
    batches: AtomicU64,
}

impl Client {
    /// A client that has said nothing yet. All that is said to it goes to the `outlet`.
    pub fn new(
        server: &Arc<Server>,
        runtime: Handle,
        revisions: RangeInclusive<Revision>,
        caller: Arc<Caller>,
        outlet: Arc<dyn Outlet>,
    ) -> Self {
        Self {
            in_flight: Arc::default(),
            caller,
            server: Arc::clone(server),
            runtime,
            revisions,
            outlet,
            session: Mutex::default(),
            batches: AtomicU64::new(0),
        }
    }

    /// Takes what the client sent. Needs a tokio context.
    pub fn take(&self, packet: Packet) {
        match packet {
            Packet::Batch(messages) => self.batch(messages),
            Packet::Single(Ok(message)) => self.message(message),
            Packet::Single(Err(rejection)) => self.reject(rejection),
        }
    }

    /// Says something to the client.
    pub fn reply(&self, reply: Reply) {
        self.outlet.reply(&reply);
    }

    /// The client says nothing more: whoever waits for it stops waiting.
    pub fn abandon(&self) {
        if let Some(session) = self.session() {
            session.abandon();
        }
    }

    fn reject(&self, rejection: Rejection) {
        let principal = &self.caller.principal;
        self.server
            .log
            .refusal("unknown", principal, None, "malformed");
        if !rejection.response {
            let mut reply = Reply::error(rejection.id.as_ref(), *rejection.error);
            self.server.faults.spoil_rejection(&mut reply);
            self.reply(reply);
        }
    }

    fn session(&self) -> Option<Arc<Session>> {
        lock(&self.session).clone()
    }

    fn message(&self, message: Message) {
        match message {
            Message::Request { id, method, params } => self.request(id, method, params),
            Message::Notification { method, params } => self.notification(&method, &params),
            // Without a handshake we have asked nothing.
            Message::Response { id, outcome } => {
                if let Some(session) = self.session() {
                    session.answered(&id, outcome);
                }
            }
        }
    }

    fn notification(&self, method: &str, params: &Object) {
        self.server
            .faults
            .on_notification(method, params, &self.in_flight, &*self.outlet);
        match self.session() {
            Some(session) => session.notified(method, params),
            None if method == "notifications/cancelled" => {
                let id = params.get("requestId").and_then(Id::from_value);
                if let Some(id) = id {
                    self.in_flight.cancel(&id);
                }
            }
            None => {}
        }
    }

    fn request(&self, id: Id, method: String, params: Params) {
        self.server.faults.on_request(&id);
        if self.in_flight.contains(&id) {
            let error = ErrorObject::invalid_request("that id is still in use");
            return self.reply(Reply::error(Some(&id), error));
        }
        if self.in_flight.is_full() {
            return self.reply(Reply::error(Some(&id), ErrorObject::busy()));
        }
        let meant = || !self.carries_legacy() || modern::is_meant(&method, params.meta());
        if self.carries_modern() && meant() {
            let outlet = Arc::clone(&self.outlet);
            let metadata = modern::Metadata::admit(&self.server, params.meta());
            let request = modern::Request {
                id: id.clone(),
                method,
                params,
                caller: Arc::clone(&self.caller),
                outlet,
            };
            let work = modern::work(&self.server, metadata, request);
            return self.start(id, work);
        }
        if method == "initialize" {
            let call = Call::begin(&self.server, &self.caller, &id, &method, &params);
            self.reply(call.answered(self.initialize(&id, &params)));
            return self.server.faults.on_initialize(&*self.outlet);
        }
        if let Some(session) = self.session() {
            let (caller, outlet) = (Arc::clone(&self.caller), Arc::clone(&self.outlet));
            let work = session.work(id.clone(), method, params, caller, outlet);
            return self.start(id, work);
        }
        let early_ping = !self.server.faults.has(F::PingRefusedEarly);
        let result = match method.as_str() {
            "ping" if early_ping => Reply::result(&id, Object::new()),
            _ => {
                self.server.faults.on_early_request();
                // True in both eras: neither has been chosen.
                let error = match self.carries_modern() {
                    true => "needs an initialize handshake or the _meta fields of 2026-07-28",
                    false => "needs an initialize handshake",
                };
                Reply::error(Some(&id), ErrorObject::invalid_params(error))
            }
        };
        self.reply(result);
    }

    fn carries_legacy(&self) -> bool {
        !self.revisions.start().is_modern()
    }

    fn carries_modern(&self) -> bool {
        self.revisions.end().is_modern()
    }

    fn initialize(&self, id: &Id, params: &Params) -> Reply {
        if self.session().is_some() {
            let error = ErrorObject::invalid_request("already initialized");
            return Reply::error(Some(id), error);
        }
        let (outlet, in_flight) = (Arc::clone(&self.outlet), Arc::clone(&self.in_flight));
        match legacy::initialize(&self.server, params, &self.revisions, outlet, in_flight) {
            Ok((session, result)) => {
                let mut reply = Reply::result(id, result);
                let faults = &self.server.faults;
                faults.spoil_reply("initialize", session.revision, &mut reply);
                *lock(&self.session) = Some(session);
                reply
            }
            Err(error) => Reply::error(Some(id), error),
        }
    }

    fn batch(&self, messages: Vec<Result<Message, Rejection>>) {
        let batching = |session: &Arc<Session>| session.has_batches();
        let Some(session) = self.session().filter(batching) else {
            let error = ErrorObject::invalid_request("this revision has no batches");
            return self.reply(Reply::error(None, error));
        };
        if self.in_flight.is_full() {
            return self.reply(Reply::error(None, ErrorObject::busy()));
        }
        if let Some(work) = legacy::batch(&session, messages, &self.caller, &self.outlet) {
            let number = self.batches.fetch_add(1, Ordering::Relaxed);
            self.start(Id::String(format!("batch {number}")), work);
        }
    }

    /// Answers at once if possible, later if not.
    fn start(&self, id: Id, work: Work) {
        let mut work = self.server.faults.keep_newest(&self.in_flight, work);
        if let Some(reply) = poll_now(&mut work) {
            return self.reply(reply);
        }
        let outlet = Arc::clone(&self.outlet);
        let deliver = move |reply: Reply| outlet.reply(&reply);
        self.in_flight.spawn(&self.runtime, id, work, deliver);
    }
}
