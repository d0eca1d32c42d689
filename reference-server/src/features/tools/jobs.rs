//! Long work: a report in several parts, at once, as a task, or as a job for clients that know no tasks.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::structured;
use crate::context::{Answer, Context, Failure, Peer};
use crate::jsonrpc::Object;
use crate::tasks::{self, JOB_SCHEME, State, Status, Task};

/// The most parts of a report.
pub const MAX_PARTS: u64 = 100;
/// The longest that one part may take, in milliseconds.
pub const MAX_PART_MS: u64 = 60_000;
/// The longest text of one part, in bytes.
pub const MAX_PART_BYTES: u64 = 32 * 1024;
/// What a report says in all at most.
const MAX_REPORT_BYTES: u64 = 64 * 1024;

fn number(arguments: &Object, name: &str, default: u64) -> u64 {
    let given = arguments.get(name).and_then(Value::as_f64);
    // The schema has bounded it.
    given.map_or(default, |number| number as u64)
}

/// Writes a report. A part that fails leaves the others: the result is partial then, and says what is missing.
pub async fn report(context: &Context, arguments: &Object) -> Answer {
    let total = number(arguments, "parts", 4);
    let pause = Duration::from_millis(number(arguments, "part_ms", 50));
    let fails = arguments.get("failing_part").and_then(Value::as_f64);
    let size = number(arguments, "part_bytes", 20);
    let mut parts = Vec::new();
    let mut written = 0;
    for part in 1..=total {
        match pause.is_zero() {
            // A timer would take a millisecond.
            true => tokio::task::yield_now().await,
            false => tokio::time::sleep(pause).await,
        }
        let failure = match part {
            _ if fails == Some(part as f64) => Some("this part was told to fail".to_owned()),
            _ if written + size > MAX_REPORT_BYTES => Some(format!(
                "the report would be longer than {MAX_REPORT_BYTES} bytes"
            )),
            _ => None,
        };
        let done = match failure {
            Some(why) => json!({"part": part, "status": "failed", "error": why}),
            None => {
                written += size;
                let text = "0123456789".chars().cycle().take(size as usize);
                json!({"part": part, "status": "completed", "text": text.collect::<String>()})
            }
        };
        let message = format!("{part} of {total} parts");
        context.progress(part as u32, total as u32, &message);
        if let Peer::Task(task) = &context.peer {
            task.report(message, done.clone());
        }
        parts.push(done);
    }
    if parts.iter().all(|part| part["status"] == "failed") {
        return Err(Failure::Tool("every part of the report failed".into()));
    }
    Ok(structured(summary(parts)))
}

fn summary(parts: Vec<Value>) -> Value {
    let failed = parts.iter().filter(|part| part["status"] == "failed");
    let failed: Vec<_> = failed.map(|part| part["part"].clone()).collect();
    json!({"partial": !failed.is_empty(), "failed": failed, "parts": parts})
}

/// Begins a report and answers at once.
pub async fn start(context: &Context, arguments: &Object) -> Answer {
    let ttl = arguments.get("ttl_ms").and_then(Value::as_f64);
    let ttl = ttl.map(|ttl| Duration::from_millis(ttl as u64));
    let begun = tasks::begin(
        context,
        arguments.clone(),
        ttl,
        false,
        |inside, arguments| async move { report(&inside, &arguments).await },
    );
    let task = begun.map_err(|error| Failure::Tool(error.message))?;
    Ok(structured(json!({
        "job_id": task.id,
        "uri": task.uri(),
        "ttl_ms": tasks::milliseconds(task.ttl),
    })))
}

/// How far a job is, and what it has so far.
pub async fn status(context: &Context, arguments: &Object) -> Answer {
    Ok(structured(describe(&named(context, arguments)?.state())))
}

/// Stops a job. What it has so far stays.
pub async fn cancel(context: &Context, arguments: &Object) -> Answer {
    let task = named(context, arguments)?;
    if !task.cancel() {
        return Err(Failure::Tool("the job has ended already".into()));
    }
    Ok(structured(describe(&task.state())))
}

fn named(context: &Context, arguments: &Object) -> Result<Arc<Task>, Failure> {
    let id = arguments.get("job_id").and_then(Value::as_str);
    let job = context
        .server
        .tasks
        .find(&context.owner(), id.unwrap_or_default());
    job.ok_or_else(|| Failure::Tool("no such job, or it has expired".into()))
}

fn describe(state: &State) -> Value {
    let mut job = summary(state.parts.clone());
    let outcome = state.outcome.as_ref();
    let failed = outcome.is_some_and(|outcome| tasks::trouble(outcome).is_some());
    job["status"] = match state.status {
        Status::Working => "working",
        Status::InputRequired => "input_required",
        Status::Cancelled => "cancelled",
        Status::Ended if failed => "failed",
        Status::Ended => "completed",
    }
    .into();
    if let Some(message) = &state.message {
        job["message"] = message.as_str().into();
    }
    // A cancelled job has less than was asked for, too.
    if state.status == Status::Cancelled {
        job["partial"] = true.into();
    }
    job
}

/// What the resource of a job says, if the caller has such a job.
pub fn contents(context: &Context, uri: &str) -> Option<Value> {
    let id = uri.strip_prefix(JOB_SCHEME)?;
    let task = context.server.tasks.find(&context.owner(), id)?;
    let text = describe(&task.state()).to_string();
    Some(json!({"uri": uri, "mimeType": "application/json", "text": text}))
}
