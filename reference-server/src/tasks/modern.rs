//! The tasks extension of 2026-07-28: the server decides what becomes a task, and `tasks/get` has it all.
//!
//! <https://github.com/modelcontextprotocol/ext-tasks/blob/main/specification/draft/tasks.md>

use serde_json::{Value, json};

use super::{Mode, State, Status, Support, Task, named};
use crate::context::{Answer, Context};
use crate::faults::F;
use crate::jsonrpc::{ErrorObject, Object, Params};
use crate::revision::Revision;

/// What the extension is called.
pub const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// How a call is meant: whoever declares the extension gets a task from a tool that can be one.
pub fn mode(context: &Context, support: Support) -> Result<Mode, ErrorObject> {
    let declared = is_declared(&context.capabilities);
    let declared = context.server.faults.knows_tasks(declared);
    match (support, declared) {
        (Support::Forbidden, _) | (Support::Optional, false) => Ok(Mode::Plain),
        (_, true) => Ok(Mode::Task(None)),
        (Support::Required, false) if context.fault(F::TaskExtensionCode) => {
            Err(ErrorObject::internal("this tool needs the tasks extension"))
        }
        (Support::Required, false) => Err(undeclared()),
    }
}

/// Whether a request's client capabilities declare the extension.
pub fn is_declared(capabilities: &Object) -> bool {
    let extensions = capabilities.get("extensions");
    extensions.is_some_and(|extensions| extensions.get(EXTENSION).is_some_and(Value::is_object))
}

/// The error for a client that does not declare the extension.
pub fn undeclared() -> ErrorObject {
    let required = json!({"requiredCapabilities": {"extensions": {EXTENSION: {}}}});
    ErrorObject::new(-32021, "the client does not declare the tasks extension")
        .data(required)
        .status(400)
}

fn status(state: &State) -> &'static str {
    match (state.status, &state.outcome) {
        (Status::Working, _) => "working",
        (Status::InputRequired, _) => "input_required",
        (Status::Cancelled, _) => "cancelled",
        (Status::Ended, Some(Ok(_))) => "completed",
        (Status::Ended, _) => "failed",
    }
}

fn describe(task: &Task) -> Object {
    let state = task.state();
    super::describe(task, &state, status(&state), ["ttlMs", "pollIntervalMs"])
}

/// The answer to a call that has become a task.
pub fn created(task: &Task) -> Object {
    let mut result = describe(task);
    result.insert("resultType".into(), "task".into());
    result
}

/// A task with what its status brings: open questions, the result or the error.
pub fn detailed(task: &Task) -> Object {
    let mut members = describe(task);
    let state = task.state();
    if state.status == Status::InputRequired {
        let questions = state.asked.iter().map(|asked| {
            let params = asked.question.params(Revision::LATEST);
            let request = json!({"method": asked.question.method, "params": params});
            (asked.key.clone(), request)
        });
        members.insert("inputRequests".into(), Value::Object(questions.collect()));
    }
    match &state.outcome {
        None => {}
        Some(Ok(result)) => {
            let mut result = result.clone();
            result.insert("resultType".into(), "complete".into());
            members.insert("result".into(), Value::Object(result));
        }
        Some(Err(error)) => {
            members.insert("error".into(), json!(error));
        }
    }
    members
}

/// Answers a request about tasks.
pub fn answer(context: &Context, method: &str, params: &Params) -> Answer {
    let known = matches!(method, "tasks/get" | "tasks/update" | "tasks/cancel");
    if !known {
        return Err(context.server.faults.unknown_method(method).into());
    }
    if !is_declared(&context.capabilities) && !context.fault(F::TaskMethodsOpen) {
        return Err(undeclared().into());
    }
    let task = match named(context, params) {
        Err(_) if method == "tasks/cancel" && context.fault(F::TaskCancelUnknown) => {
            return Ok(Object::new());
        }
        Err(_) if method == "tasks/update" && context.fault(F::TaskUpdateUnknown) => {
            return Ok(Object::new());
        }
        task => task?,
    };
    match method {
        "tasks/get" => Ok(detailed(&task)),
        "tasks/cancel" => {
            task.cancel();
            Ok(Object::new())
        }
        _ => update(context, &task, params),
    }
}

/// Takes answers, all or none; those to questions that are not open are ignored.
fn update(context: &Context, task: &std::sync::Arc<Task>, params: &Params) -> Answer {
    let Some(Value::Object(responses)) = params.get("inputResponses") else {
        return Err(ErrorObject::invalid_params("inputResponses is a required object").into());
    };
    let fits = |(key, response): (&String, &Value)| {
        let state = task.state();
        let mut asked = state.asked.iter().filter(|asked| asked.key == *key);
        asked.all(|asked| asked.question.accepts(response))
    };
    if let Some((key, _)) = responses.iter().find(|response| !fits(*response)) {
        let error = format!("inputResponses[{key:?}] does not answer the question");
        return Err(ErrorObject::invalid_params(error).into());
    }
    let is_open = |key: &String| task.state().asked.iter().any(|asked| asked.key == *key);
    if context.fault(F::TaskUpdateStrict) && !responses.keys().all(is_open) {
        return Err(ErrorObject::invalid_params("this was not asked").into());
    }
    for (key, response) in responses {
        let response = match context.fault(F::TaskInputIgnored) {
            true => json!({"action": "cancel"}),
            false => response.clone(),
        };
        task.answer(key, Ok(response));
    }
    Ok(Object::new())
}
