//! Tools that ask the client for something while they run.

use serde_json::{Value, json};

use super::{schemas, text};
use crate::ask::Question;
use crate::context::{Answer, Context};
use crate::faults::F;
use crate::jsonrpc::Object;

/// An argument that is a text, by its name.
pub fn argument<'a>(arguments: &'a Object, name: &str) -> &'a str {
    arguments
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The text in a model's answer, which is one content block or several.
pub fn said(answer: &Value) -> &str {
    let content = &answer["content"];
    let block = content.get(0).unwrap_or(content);
    block["text"].as_str().unwrap_or("(no text)")
}

fn completed(answer: &Value) -> Object {
    let content = answer.get("content").cloned().unwrap_or_else(|| json!({}));
    let action = answer["action"].as_str().unwrap_or_default();
    text(format!(
        "Elicitation completed: action={action}, content={content}"
    ))
}

pub async fn sampling(context: &Context, arguments: &Object) -> Answer {
    let mut question = Question::sample("answer", argument(arguments, "prompt"), 100);
    if let Some(which) = arguments.get("includeContext").and_then(Value::as_str) {
        question = question.including_context(which);
    }
    let answer = context.ask_one(question).await?;
    Ok(text(format!("LLM response: {}", said(&answer))))
}

pub async fn elicitation(context: &Context, arguments: &Object) -> Answer {
    let message = argument(arguments, "message");
    let question = Question::form("contact", message, schemas::contact());
    let answer = context.ask_one(question).await?;
    let content = answer.get("content").cloned().unwrap_or_else(|| json!({}));
    let action = answer["action"].as_str().unwrap_or_default();
    Ok(text(format!(
        "User response: action: {action}, content: {content}"
    )))
}

pub async fn defaults(context: &Context) -> Answer {
    let message = "Please review the values";
    let question = Question::form("values", message, schemas::defaults());
    Ok(completed(&context.ask_one(question).await?))
}

pub async fn choices(context: &Context) -> Answer {
    let question = Question::form("choices", "Please choose", schemas::choices());
    Ok(completed(&context.ask_one(question).await?))
}

pub async fn roots(context: &Context) -> Answer {
    let answer = context.roots(Question::roots("client_roots")).await?;
    let roots = answer["roots"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let uris: Vec<_> = roots
        .iter()
        .filter_map(|root| root["uri"].as_str())
        .collect();
    Ok(text(format!("Roots: {}", uris.join(", "))))
}

pub async fn needs_sampling(context: &Context) -> Answer {
    let question = Question::sample("answer", "Say anything.", 10);
    if context.fault(F::MissingCapabilityServed) && !context.may_ask(&question) {
        return Ok(text("There was nobody to ask."));
    }
    let answer = context.ask_one(question).await?;
    Ok(text(said(&answer)))
}

pub async fn streaming(context: &Context) -> Answer {
    context.progress(1, 2, "about to ask");
    greet(context).await
}

pub async fn greet(context: &Context) -> Answer {
    let schema = schemas::one_text("name");
    let question = Question::form("user_name", "What is your name?", schema);
    let answer = context.ask_one(question).await?;
    Ok(text(match answer["content"]["name"].as_str() {
        Some(name) => format!("Hello, {name}!"),
        None => "Hello, whoever you are!".into(),
    }))
}

pub async fn capital(context: &Context) -> Answer {
    let question = Question::sample("capital_question", "What is the capital of France?", 100);
    let answer = context.ask_one(question).await?;
    Ok(text(said(&answer)))
}

pub async fn confirm(context: &Context) -> Answer {
    let schema = json!({
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
    });
    let question = Question::form("confirm", "Please confirm", schema);
    context.ask(&[question], true).await?;
    Ok(text("state-ok"))
}

pub async fn three_at_once(context: &Context) -> Answer {
    let questions = [
        Question::form("user_name", "What is your name?", schemas::one_text("name")),
        Question::sample("greeting", "Generate a greeting", 50),
        Question::roots("client_roots"),
    ];
    let answers = context.ask(&questions, true).await?;
    let name = answers[0]["content"]["name"].as_str().unwrap_or("stranger");
    let roots = answers[2]["roots"].as_array().map_or(0, Vec::len);
    let greeting = said(&answers[1]);
    Ok(text(format!(
        "{greeting} {name}, you have {roots} root(s)."
    )))
}

pub async fn one_by_one(context: &Context) -> Answer {
    let message = "Step 1: What is your name?";
    let first = Question::form("step1", message, schemas::one_text("name"));
    let first = context.ask(&[first], true).await?;
    let message = "Step 2: What is your favorite color?";
    let second = Question::form("step2", message, schemas::one_text("color"));
    let second = context.ask(&[second], true).await?;
    let name = first[0]["content"]["name"].as_str().unwrap_or("Somebody");
    let color = second[0]["content"]["color"].as_str().unwrap_or("no color");
    Ok(text(format!("{name} likes {color}.")))
}

pub async fn what_is_declared(context: &Context) -> Answer {
    let questions = [
        Question::form("user_name", "What is your name?", schemas::one_text("name")),
        Question::sample("greeting", "Generate a greeting", 50),
        Question::roots("client_roots"),
    ];
    let declared: Vec<_> = questions
        .into_iter()
        .filter(|question| context.may_ask(question))
        .collect();
    let answers = context.ask(&declared, false).await?;
    Ok(text(format!("Got {} answer(s).", answers.len())))
}
