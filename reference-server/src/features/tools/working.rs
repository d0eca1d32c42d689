//! Tools that take a while, for tasks.

use std::time::Duration;

use serde_json::Value;

use super::{schemas, text};
use crate::ask::Question;
use crate::context::{Answer, Context, Failure};
use crate::faults::F;
use crate::jsonrpc::{ErrorObject, Object};

/// How long those take whose arguments do not say it.
const A_WHILE: Duration = Duration::from_millis(20);

pub async fn greet(arguments: &Object) -> Answer {
    let name = arguments.get("name").and_then(Value::as_str);
    Ok(text(format!("Hello, {}!", name.unwrap_or("you"))))
}

pub async fn slow_compute(context: &Context, arguments: &Object) -> Answer {
    let seconds = arguments.get("seconds").and_then(Value::as_f64);
    let mut seconds = seconds.unwrap_or_default();
    if context.fault(F::TaskCreatedLate) {
        // So that it comes to light in time.
        seconds = seconds.min(0.2);
    }
    context.progress(0, 1, "computing");
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    let label = arguments.get("label").and_then(Value::as_str);
    let label = label.unwrap_or("it");
    Ok(text(format!("Computed {label} in {seconds} s.")))
}

pub async fn failing() -> Answer {
    tokio::time::sleep(A_WHILE).await;
    Err(Failure::Tool("This job always fails".into()))
}

pub async fn protocol_error() -> Answer {
    tokio::time::sleep(A_WHILE).await;
    let error = ErrorObject::internal("This job always ends with a protocol error");
    Err(error.into())
}

pub async fn confirm_delete(context: &Context, arguments: &Object) -> Answer {
    let filename = arguments.get("filename").and_then(Value::as_str);
    let filename = filename.unwrap_or("the file");
    let message = format!("Really delete {filename}? (It stays, whatever you say.)");
    let question = Question::form("confirm", &message, schemas::confirmation());
    let answer = context.ask_one(question).await?;
    let confirmed = answer["content"]["confirm"] == true;
    let kept = if confirmed { "Deleted" } else { "Kept" };
    Ok(text(format!("{kept} {filename}.")))
}

pub async fn two_inputs(context: &Context) -> Answer {
    let questions = [
        Question::form("first", "The first?", schemas::confirmation()),
        Question::form("second", "And the second?", schemas::confirmation()),
    ];
    let answers = context.ask(&questions, false).await?;
    let yes = answers
        .iter()
        .filter(|answer| answer["content"]["confirm"] == true);
    Ok(text(format!("{} confirmed.", yes.count())))
}

/// Asks before there is a task; what is learnt goes into the arguments.
pub async fn name_first(context: &Context) -> Answer {
    let schema = schemas::one_text("name");
    let question = Question::form("user_name", "What is your name?", schema);
    let mut answer = context.ask_one(question).await?;
    match answer["content"].take() {
        Value::Object(content) => Ok(content),
        _ => Err(Failure::Tool("no name, no task".into())),
    }
}
