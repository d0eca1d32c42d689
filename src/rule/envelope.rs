//! Every message is a JSON-RPC 2.0 message.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic#messages>

use serde_json::{Value, json};

use super::look::received;
use super::{Rule, Sight};
use crate::judge::Session;
use crate::message::{self, Kind};

pub(super) const RULE: Rule = Rule {
    name: "envelope",
    title: "Every message has the members that JSON-RPC 2.0 and MCP give it",
    why: "A client tells requests, answers and notifications apart by these members, and drops what \
        is neither.",
    requirements: &[
        "messages/json-rpc",
        "messages/result-or-error",
        "messages/error-object",
        "messages/error-code-integer",
        "messages/notification-no-id",
    ],
    faults: &[
        "notification-with-id",
        "jsonrpc-missing",
        "jsonrpc-wrong",
        "result-and-error",
        "result-neither",
        "error-code-string",
        "error-code-fraction",
        "error-message-missing",
    ],
    applies: |_, _| true,
    check,
};

/// What is wrong with a message.
pub(super) struct Problem {
    requirement: &'static str,
    message: &'static str,
    expected: Value,
}

fn check(session: &Session<'_>, sight: &mut Sight) {
    for received in received(session).filter(|received| received.message.is_object()) {
        let problems = problems(received.message);
        if !problems.is_empty() || is_message(received.message) {
            sight.observe();
        }
        for Problem {
            requirement,
            message,
            expected,
        } in problems
        {
            sight.violation(
                requirement,
                &[received.entry],
                message,
                expected,
                received.message.clone(),
            );
        }
    }
}

fn is_message(message: &Value) -> bool {
    message::kind(message) != Kind::Other
}

/// What is wrong with the envelope of a message; nothing for what is not recognizable as a message at all.
pub(super) fn problems(message: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |requirement, message, expected| {
        problems.push(Problem {
            requirement,
            message,
            expected,
        })
    };
    let is_answer = message.get("method").is_none()
        && (message.get("id").is_some() || message.get("jsonrpc").is_some());
    if !is_message(message) && !is_answer {
        return problems;
    }
    match message.get("jsonrpc") {
        Some(version) if version == "2.0" => {}
        Some(_) => wrong("messages/json-rpc", "jsonrpc is not \"2.0\"", json!("2.0")),
        None => wrong(
            "messages/json-rpc",
            "a message has no jsonrpc",
            json!({ "jsonrpc": "2.0" }),
        ),
    }
    if message.get("method").is_some() {
        call(message, &mut wrong);
    } else {
        response(message, &mut wrong);
    }
    problems
}

fn call(message: &Value, wrong: &mut impl FnMut(&'static str, &'static str, Value)) {
    if message
        .get("params")
        .is_some_and(|params| !params.is_object())
    {
        wrong(
            "messages/json-rpc",
            "params are no object",
            json!({ "params": {} }),
        );
    }
    if ["result", "error"]
        .iter()
        .any(|name| message.get(name).is_some())
    {
        wrong(
            "messages/json-rpc",
            "a request or notification has a result or an error",
            json!("a method alone"),
        );
    }
    let method = message
        .get("method")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if method.starts_with("notifications/") && message.get("id").is_some() {
        wrong(
            "messages/notification-no-id",
            "a notification has an id",
            json!("no id"),
        );
    }
}

fn response(message: &Value, wrong: &mut impl FnMut(&'static str, &'static str, Value)) {
    let either = json!("either a result or an error");
    let error = match (message.get("result"), message.get("error")) {
        (Some(_), Some(_)) => {
            return wrong(
                "messages/result-or-error",
                "a response has a result and an error",
                either,
            );
        }
        (None, None) => {
            return wrong(
                "messages/result-or-error",
                "a response has neither a result nor an error",
                either,
            );
        }
        (Some(result), None) => {
            if !result.is_object() {
                wrong(
                    "messages/json-rpc",
                    "a result is no object",
                    json!({ "result": {} }),
                );
            }
            return;
        }
        (None, Some(error)) => error,
    };
    let object = json!({ "code": -32603, "message": "what happened" });
    match error.get("code") {
        None => wrong(
            "messages/error-object",
            "an error has no code",
            object.clone(),
        ),
        Some(code) if !is_integer(code) => {
            wrong(
                "messages/error-code-integer",
                "an error code is no integer",
                json!("an integer"),
            );
        }
        Some(_) => {}
    }
    if !error.get("message").is_some_and(Value::is_string) {
        wrong(
            "messages/error-object",
            "an error has no message that is a string",
            object,
        );
    }
}

/// 1.0 is an integer: JSON does not tell it from 1.
fn is_integer(value: &Value) -> bool {
    value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn envelopes() {
        for message in [
            json!({ "jsonrpc": "2.0", "id": 1, "result": {} }),
            json!({ "jsonrpc": "2.0", "error": { "code": -32700.0, "message": "" } }),
            json!({ "jsonrpc": "2.0", "method": "notifications/message" }),
            json!({ "jsonrpc": "2.0", "id": "a", "method": "ping", "params": {} }),
        ] {
            passes(&RULE, &legacy().gets(message));
        }
        sees_nothing(&RULE, &legacy().gets(json!({ "level": "info" })));
        sees_nothing(&RULE, &legacy().line("garbage"));
    }

    #[test]
    fn wrong_ones() {
        let table = [
            (json!({ "id": 1, "result": {} }), "messages/json-rpc"),
            (
                json!({ "jsonrpc": "1.0", "id": 1, "result": {} }),
                "messages/json-rpc",
            ),
            (
                json!({ "jsonrpc": "2.0", "id": 1, "result": [] }),
                "messages/json-rpc",
            ),
            (
                json!({ "jsonrpc": "2.0", "method": "a", "params": [] }),
                "messages/json-rpc",
            ),
            (
                json!({ "jsonrpc": "2.0", "method": "a", "result": {} }),
                "messages/json-rpc",
            ),
            (
                json!({ "jsonrpc": "2.0", "id": 1, "method": "notifications/message" }),
                "messages/notification-no-id",
            ),
            (
                json!({ "jsonrpc": "2.0", "id": 1 }),
                "messages/result-or-error",
            ),
            (
                json!({ "jsonrpc": "2.0", "id": 1, "result": {}, "error": null }),
                "messages/result-or-error",
            ),
            (
                json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": "x", "message": "" } }),
                "messages/error-code-integer",
            ),
            (
                json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": 1.5, "message": "" } }),
                "messages/error-code-integer",
            ),
            (
                json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": 1 } }),
                "messages/error-object",
            ),
            (
                json!({ "jsonrpc": "2.0", "id": 1, "error": { "message": "" } }),
                "messages/error-object",
            ),
        ];
        for (message, requirement) in table {
            finds(&RULE, &legacy().gets(message), &[requirement]);
        }
    }
}
