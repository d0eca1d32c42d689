//! What the handling of one request may know and do, the same in both eras.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::auth::{Caller, Role};
use crate::faults::F;
use crate::features::logging::Level;
use crate::hub::Event;
use crate::jsonrpc::{self, ErrorObject, Id, Object, Reply};
use crate::legacy::Session;
use crate::revision::Revision;
use crate::rounds::Rounds;
use crate::server::Server;
use crate::tasks::{Owner, Task};

/// Where messages about a request go before its answer.
pub trait Outlet: Send + Sync {
    /// Sends a notification or, in legacy revisions, a request.
    fn send(&self, message: Value);

    /// Sends an answer.
    fn reply(&self, reply: &Reply) {
        self.send(json!(reply));
    }

    /// Drops the connection but not the stream, where the transport knows the difference.
    fn hang_up(&self) {}
}

/// Why a request has no result.
#[derive(Debug)]
pub enum Failure {
    /// A JSON-RPC error.
    Error(ErrorObject),
    /// The client has to supply something first (modern revisions).
    InputRequired(Object),
    /// A tool ran and failed; the model shall read why.
    Tool(String),
}

impl From<ErrorObject> for Failure {
    fn from(error: ErrorObject) -> Self {
        Self::Error(error)
    }
}

/// A result, or why there is none.
pub type Answer = Result<Object, Failure>;

/// How the client can be asked for something.
pub enum Peer {
    /// With requests of our own.
    Session(Arc<Session>),
    /// With results that require input.
    Rounds(Rounds),
    /// Through the task that the request has become.
    Task(Arc<Task>),
}

/// The surroundings of one request.
pub struct Context {
    /// The server it was sent to.
    pub server: Arc<Server>,
    /// Who asks.
    pub caller: Arc<Caller>,
    /// The revision it is spoken in.
    pub revision: Revision,
    /// What the client declared.
    pub capabilities: Arc<Object>,
    /// Where its notifications go.
    pub outlet: Arc<dyn Outlet>,
    /// Where its progress belongs, if the client wants progress.
    pub progress_token: Option<Id>,
    /// The least level of log messages that the client wants.
    pub log_level: Option<Level>,
    /// How to ask the client.
    pub peer: Peer,
}

impl Context {
    /// Whether the server was told to commit this fault.
    pub fn fault(&self, fault: F) -> bool {
        self.server.faults.has(fault)
    }

    /// Whose tasks this request may see.
    pub fn owner(&self) -> Owner {
        let session = match &self.peer {
            Peer::Session(session) => Some(session.number),
            Peer::Rounds(_) => None,
            Peer::Task(task) => return task.owner.clone(),
        };
        Owner::new(&self.server, &self.caller, session)
    }

    /// The refusal of what needs another role. Who came with a token learns, over HTTP by status and challenge, which
    /// scope the token lacks; to anybody else it is a tool that failed.
    pub fn forbid(&self, needed: Role) -> Failure {
        match &self.server.auth {
            Some(auth) => ErrorObject::forbidden(needed, auth.scope(needed)).into(),
            None => Failure::Tool(format!(
                "this needs the role {needed}, and the caller is a {}",
                self.caller.role
            )),
        }
    }

    /// The error where something always fails; with `wrong_code` it has a code that says something else.
    pub fn breakdown(&self, wrong_code: F) -> ErrorObject {
        match self.fault(wrong_code) {
            true => ErrorObject::new(-32000, "This always fails"),
            false => ErrorObject::internal("This always fails"),
        }
    }

    /// Tells the client something about this request.
    pub fn notify(&self, method: &str, params: Value) {
        let mut message = jsonrpc::notification(method, params);
        if self.fault(F::NotificationWithId) {
            message["id"] = "notification".into();
        }
        self.outlet.send(message);
    }

    /// Tells whoever wants to know that something changed.
    pub fn publish(&self, event: &Event) {
        if self.fault(F::ChangesUnasked) && self.revision.is_modern() {
            self.notify(event.method(), Value::Null);
        }
        if self.server.offer.tells(event) && !self.server.faults.hides(event) {
            self.server.hub.publish(event);
        }
    }

    /// Reports progress, if the client wants to know.
    pub fn progress(&self, progress: u32, total: u32, message: &str) {
        let Some(token) = &self.progress_token else {
            if self.fault(F::ProgressUnasked) {
                let params = json!({"progressToken": "nobody", "progress": progress});
                self.notify("notifications/progress", params);
            }
            return;
        };
        let mut params = json!({
            "progressToken": token.to_value(),
            "progress": progress,
            "total": total,
        });
        if self.revision >= Revision::V2025_03_26 {
            params["message"] = message.into();
        }
        self.server.faults.spoil_progress(&mut params);
        if let Peer::Task(task) = &self.peer
            && self.fault(F::TaskProgressToken)
        {
            params["progressToken"] = task.id.as_str().into();
        }
        self.notify("notifications/progress", params);
    }

    /// What only a faulty server still sends when everything is done.
    pub fn faulty_epilogue(&self) {
        let in_task = matches!(self.peer, Peer::Task(_));
        let late = self.fault(F::ProgressAfterAnswer) || in_task && self.fault(F::TaskProgressLate);
        if let Some(token) = self.progress_token.clone()
            && late
        {
            let outlet = Arc::clone(&self.outlet);
            // A task has told of its end by then; an answer is still to be written.
            let pause = Duration::from_millis(if in_task { 5 } else { 20 });
            tokio::spawn(async move {
                tokio::time::sleep(pause).await;
                let params = json!({"progressToken": token.to_value(), "progress": 1000});
                outlet.send(jsonrpc::notification("notifications/progress", params));
            });
        }
    }

    /// Sends a log message, if the client wants that level.
    pub fn log(&self, level: Level, data: &str) {
        let any_level = self.fault(F::LogLevelIgnored);
        let wanted = self
            .log_level
            .is_some_and(|least| level >= least || any_level);
        if wanted || self.fault(F::LogUnasked) {
            let mut params = json!({
                "level": level.as_str(),
                "logger": "mcp-reference-server",
                "data": data,
            });
            self.server.faults.spoil_log(&mut params);
            self.notify("notifications/message", params);
        }
    }
}
