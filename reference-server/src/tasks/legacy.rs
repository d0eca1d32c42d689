//! The tasks of 2025-11-25: the client asks for one, and fetches the result with `tasks/result`.
//!
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/tasks>

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Mode, State, Status, Support, Task, named, trouble};
use crate::context::{Answer, Context, Outlet, Peer};
use crate::faults::{F, Faults};
use crate::features::pagination;
use crate::jsonrpc::{ErrorObject, Object, Params};
use crate::legacy::Session;

/// `_meta` key: the task that a message belongs to.
pub const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";
/// Small enough for a client to see a second page.
const TASKS_PER_PAGE: usize = 8;

/// How a call is meant: `task` in its parameters asks for a task.
pub fn mode(
    context: &Context,
    tool: &str,
    support: Support,
    params: &Object,
) -> Result<Mode, ErrorObject> {
    if context.fault(F::TasksHidden) {
        return Ok(Mode::Plain);
    }
    let refused = |why: &str| Err(ErrorObject::new(-32601, format!("{tool} {why}")));
    match (params.get("task"), support) {
        (None, Support::Required) if !context.fault(F::TaskRequiredPlain) => {
            refused("can only be called as a task")
        }
        (None, _) => Ok(Mode::Plain),
        (Some(_), Support::Forbidden) if !context.fault(F::TaskForbiddenMade) => {
            refused("cannot be called as a task")
        }
        (Some(task), _) => Ok(Mode::Task(ttl(task)?)),
    }
}

fn ttl(task: &Value) -> Result<Option<Duration>, ErrorObject> {
    match (task.is_object(), task.get("ttl")) {
        (true, None) => Ok(None),
        (true, Some(ttl)) if ttl.as_u64().is_some() => Ok(ttl.as_u64().map(Duration::from_millis)),
        _ => {
            let error = "task is an object, its ttl a number of milliseconds";
            Err(ErrorObject::invalid_params(error))
        }
    }
}

/// What a task is called; tool results that are errors count as failed.
fn status(state: &State) -> &'static str {
    match (state.status, &state.outcome) {
        (Status::Working, _) => "working",
        (Status::InputRequired, _) => "input_required",
        (Status::Cancelled, _) => "cancelled",
        (Status::Ended, Some(outcome)) if trouble(outcome).is_none() => "completed",
        (Status::Ended, _) => "failed",
    }
}

fn describe(task: &Task) -> Object {
    let state = task.state();
    super::describe(task, &state, status(&state), ["ttl", "pollInterval"])
}

/// The parameters of `notifications/tasks/status`.
pub fn status_params(task: &Task, faults: &Faults) -> Value {
    let mut params = describe(task);
    if faults.has(F::TaskStatusRelated) {
        params.insert("_meta".into(), related(task));
    }
    Value::Object(params)
}

/// The answer to a call that has become a task.
pub fn created(task: &Task) -> Object {
    let mut result = Object::new();
    result.insert("task".into(), Value::Object(describe(task)));
    result.insert("_meta".into(), related(task));
    result
}

fn related(task: &Task) -> Value {
    json!({RELATED_TASK: {"taskId": task.id}})
}

/// Answers a request about tasks.
pub async fn answer(context: &Context, method: &str, params: &Params) -> Answer {
    match method {
        "tasks/get" => {
            if context.fault(F::TaskGetStreamed) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Ok(describe(&*named(context, params)?))
        }
        "tasks/list" => list(context, params),
        "tasks/cancel" => cancel(context, params),
        "tasks/result" => result(context, params).await,
        _ => Err(context.server.faults.unknown_method(method).into()),
    }
}

/// A cursor names the last task of the page, so that tasks may go meanwhile.
fn list(context: &Context, params: &Params) -> Answer {
    let after = match pagination::position(context, params, "tasks", |_| true) {
        Err(_) if context.fault(F::TaskCursorUnchecked) => 0,
        after => after?,
    };
    let tasks = context.server.tasks.of(&context.owner());
    let mut rest = tasks.iter().filter(|task| task.number > after).peekable();
    let mut page = Vec::new();
    let mut last = after;
    for task in rest.by_ref().take(TASKS_PER_PAGE) {
        last = task.number;
        page.push(Value::Object(describe(task)));
    }
    let mut result = Object::new();
    result.insert("tasks".into(), page.into());
    if rest.peek().is_some() {
        result.insert(
            "nextCursor".into(),
            pagination::encode("tasks", last).into(),
        );
    }
    Ok(result)
}

fn cancel(context: &Context, params: &Params) -> Answer {
    let task = match named(context, params) {
        Err(_) if context.fault(F::TaskCancelUnknown) => return Ok(Object::new()),
        task => task?,
    };
    if context.fault(F::TaskCancelIgnored) {
        return Ok(describe(&task));
    }
    if !task.cancel() && !context.fault(F::TaskCancelTwice) {
        let error = format!("The task has ended already: {}", status(&task.state()));
        return Err(ErrorObject::invalid_params(error).into());
    }
    Ok(describe(&task))
}

/// Waits for the end. Whoever waits also carries the task's questions to the client.
async fn result(context: &Context, params: &Params) -> Answer {
    let task = match named(context, params) {
        Err(_) if context.fault(F::TaskResultUnknown) => return Ok(Object::new()),
        task => task?,
    };
    if context.fault(F::TaskResultEarly) {
        return Ok(Object::from_iter([("content".into(), json!([]))]));
    }
    let ended = task.until(|state| state.status.is_terminal());
    tokio::select! {
        biased;
        () = ended => {}
        () = carry_questions(context, &task) => {}
    }
    let outcome = task.state().outcome.clone();
    let gone = || Err(ErrorObject::internal("The task was cancelled"));
    let mut result = match outcome.unwrap_or_else(gone) {
        Err(error) if context.fault(F::TaskErrorAsResult) => {
            let said = json!([{"type": "text", "text": error.message}]);
            Object::from_iter([("content".into(), said), ("isError".into(), true.into())])
        }
        outcome => outcome?,
    };
    let meta = result.entry("_meta").or_insert_with(|| json!({}));
    meta[RELATED_TASK] = json!({"taskId": task.id});
    Ok(result)
}

/// Asks the client what the task asks, for as long as it lives.
async fn carry_questions(context: &Context, task: &Arc<Task>) {
    let Peer::Session(session) = &context.peer else {
        return std::future::pending().await;
    };
    loop {
        task.until(|state| state.asked.iter().any(|asked| !asked.on_its_way))
            .await;
        if let Some((key, question)) = task.take_question() {
            let claim = Claim { task, key };
            let meta = (!context.fault(F::TaskQuestionUnrelated)).then(|| related(task));
            let answer = context.put(session, &question, meta).await;
            context.server.faults.note_question();
            task.answer(&claim.key, answer);
        }
    }
}

/// A question that is being asked; if that ends without an answer, it is open again.
struct Claim<'a> {
    task: &'a Arc<Task>,
    key: String,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.task.give_back(&self.key);
    }
}

/// Where a task's own notifications go: its request has been answered, so they are sent outside any request.
pub fn outlet(session: &Session, task: &Task) -> Arc<dyn Outlet> {
    if session.server.faults.has(F::TaskMessagesUnrelated) {
        return session.unsolicited();
    }
    Arc::new(Related {
        outlet: session.unsolicited(),
        meta: related(task),
    })
}

/// Says of every message which task it belongs to.
struct Related {
    outlet: Arc<dyn Outlet>,
    meta: Value,
}

impl Outlet for Related {
    fn send(&self, mut message: Value) {
        message["params"]["_meta"] = self.meta.clone();
        self.outlet.send(message);
    }
}
