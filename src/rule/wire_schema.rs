//! Every message satisfies the wire schema of its revision.
//! <https://modelcontextprotocol.io/specification/2025-11-25/basic#schema>
//!
//! The schema is "the source of truth for all protocol messages". A violation cites the requirement that says what the
//! message is for; where there is none it is one of the base protocol, and a warning. What other rules look at in more
//! detail is left to them.

use serde_json::Value;

use super::look::{Answer, answers, is_modern, received};
use super::{Rule, Sight, envelope};
use crate::judge::Session;
use crate::judge::evidence;
use crate::message::{self, Kind};
use crate::revision::{Era, Revision};
use crate::transcript::What;
use crate::wire::{self, Violation, WireSchema};

pub(super) const RULE: Rule = Rule {
    name: "wire-schema",
    title: "Every message satisfies the schema of the revision",
    why: "A client with types parses every message into them. One field of another type, or missing, \
        and the whole message is lost.",
    requirements: &[
        "messages/json-rpc",
        "initialization/result",
        "ping/empty-result",
        "discover/supported-versions",
        "discover/capabilities",
        "tools/list-answered",
        "tools/input-schema-object",
        "tools/call-result",
        "tools/content-encoding",
        "tools/embedded-resource-content",
        "resources/list-answered",
        "resources/templates-list",
        "resources/read-contents",
        "resources/subscribe",
        "resources/updated-notified",
        "prompts/list-answered",
        "prompts/get-messages",
        "prompts/image-content",
        "prompts/embedded-resource",
        "completion/result",
        "logging/set-level",
        "logging/message-form",
        "progress/original-token",
        "sampling/request-form",
        "sampling/max-tokens",
        "elicitation/message",
        "elicitation/form",
    ],
    faults: &[
        "tools-list-missing",
        "tool-schema-missing",
        "tool-schema-null",
        "tool-schema-not-object",
        "tool-name-missing",
        "resources-list-missing",
        "resource-name-missing",
        "prompts-list-missing",
    ],
    applies: |_, _| true,
    check,
};

/// A server that breaks the schema does so in each message: a few are enough.
const MAX_VIOLATIONS: usize = 20;

/// The usual cause of a null, whatever the requirement.
const NULL: &str = "Often a serializer writes members that have no value as null; leave them out \
                    (Jackson: NON_NULL, serde: skip_serializing_if, Go: omitempty, pydantic: exclude_none)";

fn check(session: &Session<'_>, sight: &mut Sight) {
    let Some(schema) = wire::schemas(session.header.revision) else {
        return;
    };
    let mut found = results(session, schema, sight);
    found.extend(initiated(session, schema, sight));
    found.extend(batches(session, schema, sight));
    for Found {
        entries,
        method,
        what,
        violation,
    } in found.into_iter().take(MAX_VIOLATIONS)
    {
        let Some(place) = place(&method, &violation) else {
            continue;
        };
        let at = anonymous(&violation.pointer);
        let message = format!(
            "{what} {method} breaks the schema at {at}: {}",
            violation.message
        );
        let actual = at_pointer(session, &entries, &violation.pointer);
        // What binds only servers with the capability says nothing of others, but the schema does.
        let requirement = if evidence::binds(session, place) {
            place
        } else {
            FALLBACK
        };
        let is_null = actual.is_null();
        sight.violation(requirement, &entries, message, violation.message, actual);
        if is_null {
            sight.hint(NULL);
        }
        if requirement == FALLBACK {
            sight.tolerate();
        }
    }
}

struct Found {
    entries: Vec<usize>,
    method: String,
    what: &'static str,
    violation: Violation,
}

fn results(session: &Session<'_>, schema: &WireSchema, sight: &mut Sight) -> Vec<Found> {
    let revision = session.header.revision;
    let mut found = Vec::new();
    for answer in answers(session) {
        if answer.result().is_none() || !is_plain(&answer, revision) {
            continue;
        }
        sight.observe();
        let method = answer.method();
        let violations = schema.server_message(answer.response, Some(method));
        let interim = answer
            .result()
            .is_some_and(|result| result["resultType"] == "input_required");
        found.extend(violations.into_iter().filter_map(|violation| {
            let (what, method) = match interim {
                true => (
                    "the input request",
                    asked_inside(answer.response, &violation)?,
                ),
                false => ("the result of", method),
            };
            Some(Found {
                entries: answer.entries().to_vec(),
                method: method.to_owned(),
                what,
                violation,
            })
        }));
    }
    found
}

/// The method of the request inside an input_required result that a violation is about. All else about such results is
/// another rule's.
fn asked_inside<'a>(response: &'a Value, violation: &Violation) -> Option<&'a str> {
    let key = violation
        .pointer
        .strip_prefix("/result/inputRequests/")?
        .split('/')
        .next()?;
    let method = response
        .pointer(&format!("/result/inputRequests/{key}/method"))?
        .as_str()?;
    ["sampling/createMessage", "elicitation/create"]
        .contains(&method)
        .then_some(method)
}

/// Whether the schema of the method is the one for an answer.
fn is_plain(answer: &Answer<'_>, revision: Revision) -> bool {
    let of_the_revision = revision.era() == Era::Legacy || is_modern(answer.request, revision);
    // The result of a request that asks for a task is a task.
    let is_task = answer.request.pointer("/params/task").is_some();
    // What has another id, or is wrong in its envelope, is another rule's.
    let id = answer.request.get("id");
    let own = id.is_some() && answer.response.get("id") == id;
    of_the_revision && !is_task && own && envelope::problems(answer.response).is_empty()
}

fn initiated(session: &Session<'_>, schema: &WireSchema, sight: &mut Sight) -> Vec<Found> {
    let mut found = Vec::new();
    for received in received(session) {
        let (Kind::Request { method, .. } | Kind::Notification { method }) =
            message::kind(received.message)
        else {
            continue;
        };
        // A modern server sends no requests at all: another rule.
        let is_request = received.message.get("id").is_some();
        if is_request && session.header.revision.era() == Era::Modern
            || !envelope::problems(received.message).is_empty()
        {
            continue;
        }
        sight.observe();
        found.extend(
            schema
                .server_message(received.message, None)
                .into_iter()
                .map(|violation| Found {
                    entries: vec![received.entry],
                    method: method.to_owned(),
                    what: if is_request {
                        "the request"
                    } else {
                        "the notification"
                    },
                    violation,
                }),
        );
    }
    found
}

/// Arrays, where the revision has batches. Their members are looked at like any other message.
fn batches(session: &Session<'_>, schema: &WireSchema, sight: &mut Sight) -> Vec<Found> {
    let mut found = Vec::new();
    for (index, entry) in session.entries.iter().enumerate() {
        let (What::Received { .. }, Some(array @ Value::Array(_))) = (&entry.what, entry.json())
        else {
            continue;
        };
        let Some(violations) = schema.batch(array) else {
            continue;
        };
        sight.observe();
        found.extend(violations.into_iter().map(|violation| Found {
            entries: vec![index],
            method: "of messages".to_owned(),
            what: "the array",
            violation,
        }));
    }
    found
}

const FALLBACK: &str = "messages/json-rpc";

/// The requirement that a violation breaks; none if another rule reports it.
fn place(method: &str, violation: &Violation) -> Option<&'static str> {
    let Violation { pointer, message } = violation;
    let concerns = |name: &str| {
        pointer.split('/').any(|part| part == name)
            || message.contains(&format!("\"{name}\" is a required"))
    };
    if pointer == "/id" {
        return None;
    }
    if [
        "resultType",
        "ttlMs",
        "cacheScope",
        "io.modelcontextprotocol~1serverInfo",
    ]
    .into_iter()
    .any(concerns)
    {
        return None;
    }
    Some(match method {
        "initialize" if ["/result", "/result/serverInfo"].contains(&pointer.as_str()) => {
            return None;
        }
        "initialize" => "initialization/result",
        "ping" => "ping/empty-result",
        "server/discover" if concerns("supportedVersions") => "discover/supported-versions",
        "server/discover" => "discover/capabilities",
        "tools/list" if concerns("inputSchema") => "tools/input-schema-object",
        "tools/list" => "tools/list-answered",
        "tools/call" if concerns("resource") => "tools/embedded-resource-content",
        "tools/call" if concerns("data") || concerns("mimeType") => "tools/content-encoding",
        "tools/call" => "tools/call-result",
        "resources/list" => "resources/list-answered",
        "resources/templates/list" => "resources/templates-list",
        "resources/read" => "resources/read-contents",
        "resources/subscribe" | "resources/unsubscribe" => "resources/subscribe",
        "prompts/list" => "prompts/list-answered",
        "prompts/get" if concerns("resource") => "prompts/embedded-resource",
        "prompts/get" if concerns("data") || concerns("mimeType") => "prompts/image-content",
        "prompts/get" => "prompts/get-messages",
        "completion/complete" => "completion/result",
        "logging/setLevel" => "logging/set-level",
        "notifications/message" if concerns("level") || concerns("data") => return None,
        "notifications/message" => "logging/message-form",
        "notifications/progress" => "progress/original-token",
        "notifications/resources/updated" => "resources/updated-notified",
        "subscriptions/listen" | "notifications/subscriptions/acknowledged"
            if concerns("_meta") =>
        {
            return None;
        }
        "sampling/createMessage" if concerns("maxTokens") => "sampling/max-tokens",
        "sampling/createMessage" => "sampling/request-form",
        "elicitation/create" if concerns("message") => "elicitation/message",
        "elicitation/create" => "elicitation/form",
        _ => FALLBACK,
    })
}

/// The pointer with a star for each index, so that a violation that repeats is one.
fn anonymous(pointer: &str) -> String {
    let parts = pointer.split('/').map(|part| {
        if part.parse::<usize>().is_ok() {
            "*"
        } else {
            part
        }
    });
    match parts.collect::<Vec<_>>().join("/") {
        root if root.is_empty() => "its root".to_owned(),
        pointer => pointer,
    }
}

fn at_pointer(session: &Session<'_>, entries: &[usize], pointer: &str) -> Value {
    let document = entries
        .last()
        .and_then(|entry| session.entries[*entry].json());
    document
        .and_then(|document| document.pointer(pointer).or(Some(document)))
        .cloned()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::*;
    use super::*;
    use crate::transport::Transport;
    use crate::verdict::Level;

    #[test]
    fn results() {
        let listed = |tools: Value| {
            legacy()
                .asks(1, "tools/list", json!({}))
                .result(1, json!({ "tools": tools }))
        };
        passes(
            &RULE,
            &listed(json!([{ "name": "a", "inputSchema": { "type": "object" } }])),
        );
        finds(
            &RULE,
            &listed(json!([{ "inputSchema": { "type": "object" } }])),
            &["tools/list-answered"],
        );
        finds(
            &RULE,
            &listed(json!([{ "name": "a" }, { "name": "b" }])),
            &["tools/input-schema-object"],
        );
        let without = legacy()
            .server(json!({}))
            .asks(1, "tools/list", json!({}))
            .result(1, json!({}));
        finds(&RULE, &without, &["messages/json-rpc"]);
        assert_eq!(without.judged(&RULE).findings[0].level, Level::Stated);
        sees_nothing(&RULE, &legacy().asks(1, "tools/list", json!({})));
    }

    #[test]
    fn what_the_server_starts() {
        passes(
            &RULE,
            &legacy().notified(
                "notifications/progress",
                json!({ "progressToken": 1, "progress": 1 }),
            ),
        );
        finds(
            &RULE,
            &legacy().notified("notifications/progress", json!({ "progress": 1 })),
            &["progress/original-token"],
        );
        let sampling = json!({ "jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage", "params": { "maxTokens": 1 } });
        finds(&RULE, &legacy().gets(sampling), &["sampling/request-form"]);
    }

    #[test]
    fn input_requests() {
        let asked = |request: Value| {
            let result =
                json!({ "resultType": "input_required", "inputRequests": { "a": request } });
            modern()
                .asks(1, "tools/call", json!({ "name": "a" }))
                .result(1, result)
        };
        let sampling = json!({ "method": "sampling/createMessage", "params": { "messages": [] } });
        finds(&RULE, &asked(sampling), &["sampling/max-tokens"]);
        passes(&RULE, &asked(json!({ "method": "x/y" })));
    }

    #[test]
    fn batches() {
        let old = || Script::new(Revision::V2025_03_26, Transport::Stdio);
        let (answer, call) = (
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"roots/list"}"#,
        );
        passes(&RULE, &old().line(format!("[{answer},{answer}]")));
        for wrong in ["[]".to_owned(), format!("[{answer},{call}]")] {
            finds(&RULE, &old().line(&wrong), &["messages/json-rpc"]);
            // Where there are no batches, another rule speaks.
            let later = legacy().line(&wrong).judged(&RULE);
            assert!(later.findings.is_empty());
        }
    }

    #[test]
    fn what_others_report() {
        let answered = |result| {
            modern()
                .asks(1, "server/discover", json!({}))
                .result(1, result)
        };
        passes(
            &RULE,
            &answered(json!({ "supportedVersions": ["2026-07-28"], "capabilities": {} })),
        );
        passes(
            &RULE,
            &legacy().notified("notifications/message", json!({})),
        );
        passes(
            &RULE,
            &legacy().gets(json!({ "jsonrpc": "2.0", "id": null, "method": "roots/list" })),
        );
        passes(
            &RULE,
            &legacy()
                .gets(json!({ "id": 1, "method": "roots/list" }))
                .asks(1, "ping", json!({}))
                .result(1, json!({})),
        );
        sees_nothing(
            &RULE,
            &modern()
                .sends(json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize" }))
                .result(1, json!({})),
        );
    }
}
