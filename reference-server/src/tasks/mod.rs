//! Tasks: work that outlives the request that began it.
//!
//! There are three ways to see one store: the tasks of 2025-11-25 ([`legacy`]), those of the extension for 2026-07-28
//! ([`modern`]), and, in every revision, the tools around `start_job`.
//!
//! A task lives in the process that made it. The text asks for no more: clients repeat a task's id in `Mcp-Name`, so
//! that a load balancer finds the instance again.

pub mod legacy;
pub mod modern;
mod owner;
mod store;
mod task;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use legacy::RELATED_TASK;
pub use owner::Owner;
use store::POLL_INTERVAL_MS;
pub use store::Store;
pub use task::{Outcome, State, Status, Task};

use crate::context::{Answer, Context, Failure, Outlet, Peer};
use crate::faults::F;
use crate::features;
use crate::jsonrpc::{ErrorObject, Object, Params};
use crate::offer::Feature;
use crate::random;
use crate::revision::Revision;

/// What the URIs of jobs begin with.
pub const JOB_SCHEME: &str = "job://";

/// Whether a tool can be called as a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// No.
    Forbidden,
    /// Either way.
    Optional,
    /// In no other way.
    Required,
}

impl Support {
    /// As `execution.taskSupport` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }
}

/// How a tool is to be called.
pub enum Mode {
    /// The answer is the result.
    Plain,
    /// The answer is a task, kept for that long if the client says so.
    Task(Option<Duration>),
}

/// How a call of `tool` is meant, or why it cannot be made.
pub fn mode(
    context: &Context,
    tool: &str,
    support: Support,
    params: &Object,
) -> Result<Mode, ErrorObject> {
    if !context.server.offer.has(Feature::Tasks) {
        return Ok(Mode::Plain);
    }
    match context.revision {
        Revision::V2025_11_25 => legacy::mode(context, tool, support, params),
        Revision::V2026_07_28 => modern::mode(context, support),
        _ => Ok(Mode::Plain),
    }
}

/// The answer to a call that has become a task.
pub fn created(context: &Context, task: &Task) -> Object {
    let mut result = match context.revision.is_modern() {
        true => modern::created(task),
        false => legacy::created(task),
    };
    let faults = &context.server.faults;
    faults.spoil_created(context.revision, &mut result);
    result
}

/// Answers a request whose method begins with `tasks/`.
pub async fn answer(context: &Context, method: &str, params: &Params) -> Answer {
    match context.revision {
        Revision::V2025_11_25 => legacy::answer(context, method, params).await,
        Revision::V2026_07_28 => modern::answer(context, method, params),
        _ => Err(context.server.faults.unknown_method(method).into()),
    }
}

/// Begins a task for a call with these arguments; `work` gets the surroundings in which to report and ask. `protocol` says
/// that the client knows it as a task and not as a job.
pub fn begin<W>(
    context: &Context,
    arguments: Object,
    ttl: Option<Duration>,
    protocol: bool,
    work: impl FnOnce(Context, Object) -> W,
) -> Result<Arc<Task>, ErrorObject>
where
    W: Future<Output = Answer> + Send + 'static,
{
    let store = &context.server.tasks;
    let id = match context.server.faults.task_id() {
        Some(id) => id,
        None => random::id().map_err(|error| ErrorObject::internal(error.to_string()))?,
    };
    let task = store.admit(id, context.owner(), &arguments, ttl, protocol)?;
    let outlet: Arc<dyn Outlet> = match &context.peer {
        Peer::Session(session) if protocol => legacy::outlet(session, &task),
        _ => Arc::new(Silence),
    };
    let inside = Context {
        server: Arc::clone(&context.server),
        caller: Arc::clone(&context.caller),
        revision: context.revision,
        capabilities: Arc::clone(&context.capabilities),
        outlet,
        progress_token: context.progress_token.clone(),
        log_level: context.log_level,
        peer: Peer::Task(Arc::clone(&task)),
    };
    let work = work(inside, arguments);
    store.start(&task, async move { outcome(work.await) });
    Ok(task)
}

/// Where messages go that nobody can be sent: progress and log messages are not for tasks of 2026-07-28, nor for jobs.
struct Silence;

impl Outlet for Silence {
    fn send(&self, _: serde_json::Value) {}
}

fn outcome(answer: Answer) -> Outcome {
    answer.map_err(|failure| match failure {
        Failure::Error(error) => error,
        Failure::Tool(why) => ErrorObject::internal(why),
        Failure::InputRequired(_) => ErrorObject::internal("a task asks otherwise"),
    })
}

/// Why an outcome is a bad one, for people.
pub fn trouble(outcome: &Outcome) -> Option<String> {
    match outcome {
        Ok(result) if result.get("isError") == Some(&true.into()) => {
            let text = result.get("content")?.get(0)?.get("text")?.as_str()?;
            Some(text.chars().take(200).collect())
        }
        Ok(_) => None,
        Err(error) => Some(error.message.clone()),
    }
}

/// The task that a request names, or the error that the text wants.
fn named(context: &Context, params: &Params) -> Result<Arc<Task>, ErrorObject> {
    let mut id = features::string(params, "taskId")?;
    if context.fault(F::TaskIdFromMeta) {
        let related = params.meta().others.get(RELATED_TASK);
        id = related
            .and_then(|related| related["taskId"].as_str())
            .unwrap_or(id);
    }
    let early = context.fault(F::TaskCreatedEarly) && context.server.faults.count() == 0;
    let tasks = &context.server.tasks;
    let found = match context.fault(F::TasksShared) {
        true => tasks.find_for_all(id),
        false => tasks.find(&context.owner(), id),
    };
    found.filter(|_| !early).ok_or_else(|| {
        let code = if context.fault(F::TaskUnknownCode) {
            -32603
        } else {
            -32602
        };
        ErrorObject::new(code, "Task not found, or expired")
    })
}

/// What either kind of task says of itself. The two names are those of its lifetime and of the pause between two looks,
/// both in milliseconds.
fn describe(task: &Task, state: &State, status: &str, [ttl, pause]: [&str; 2]) -> Object {
    let mut members = Object::new();
    members.insert("taskId".into(), task.id.as_str().into());
    members.insert("status".into(), status.into());
    if let Some(message) = &state.message {
        members.insert("statusMessage".into(), message.as_str().into());
    }
    members.insert("createdAt".into(), timestamp(task.created).into());
    members.insert("lastUpdatedAt".into(), timestamp(state.updated).into());
    members.insert(ttl.into(), milliseconds(task.ttl).into());
    members.insert(pause.into(), POLL_INTERVAL_MS.into());
    members
}

/// A point in time as ISO 8601 has it.
fn timestamp(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

/// A duration in whole milliseconds.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
