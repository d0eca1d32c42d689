//! A modern server asks for input only where it may, and only for what the request says that its client can do.
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr>

use serde_json::{Value, json};

use super::declared_only::undeclared;
use super::look::{Answer, declares, modern_answers};
use super::{Rule, Sight};
use crate::judge::Session;
use crate::revision::Era;

pub(super) const RULE: Rule = Rule {
    name: "input-required",
    title: "Input is asked for only where it may be, in a known way, and only as the client declared",
    why: "A client can answer only the questions it knows and declared. Any other ends the call.",
    requirements: &[
        "mrtr/allowed-methods",
        "mrtr/not-empty",
        "mrtr/request-kinds",
        "mrtr/declared-only",
        "elicitation/mode-declared",
        "sampling/tools-declared-only",
        "sampling/include-context-declared",
    ],
    faults: &[
        "input-required-on-list",
        "input-required-empty",
        "input-required-unknown-kind",
        "ask-undeclared",
        "sampling-tools-undeclared",
        "sampling-context-undeclared",
    ],
    applies: |revision, _| revision.era() == Era::Modern,
    check,
};

const METHODS: [&str; 3] = ["prompts/get", "resources/read", "tools/call"];
const KINDS: [&str; 3] = ["elicitation/create", "sampling/createMessage", "roots/list"];

fn check(session: &Session<'_>, sight: &mut Sight) {
    let asks = |result: &&Value| {
        result
            .get("resultType")
            .is_some_and(|kind| kind == "input_required")
    };
    for answer in modern_answers(session) {
        let Some(result) = answer.result().filter(asks) else {
            continue;
        };
        sight.observe();
        let entries = answer.entries();
        if !METHODS.contains(&answer.method()) {
            let message = format!("{} is answered with input_required", answer.method());
            let expected = json!({ "resultType": "complete" });
            sight.violation(
                "mrtr/allowed-methods",
                &entries,
                message,
                expected,
                result.clone(),
            );
        }
        match result.get("inputRequests") {
            None if !result.get("requestState").is_some_and(Value::is_string) => {
                let message = "an input_required result has neither inputRequests nor requestState";
                sight.violation(
                    "mrtr/not-empty",
                    &entries,
                    message,
                    "one of them",
                    result.clone(),
                );
            }
            None => {}
            Some(Value::Object(requests)) => requests
                .values()
                .for_each(|request| kind(&answer, request, sight)),
            Some(other) => {
                let message = "inputRequests are no object";
                sight.violation(
                    "mrtr/request-kinds",
                    &entries,
                    message,
                    "an object of requests",
                    other.clone(),
                );
            }
        }
    }
}

fn kind(answer: &Answer<'_>, request: &Value, sight: &mut Sight) {
    let method = request
        .get("method")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !KINDS.contains(&method) {
        let message = "an input request has a method that is none of the three";
        sight.violation(
            "mrtr/request-kinds",
            &answer.entries(),
            message,
            json!(KINDS),
            request.clone(),
        );
        return;
    }
    let client = answer
        .request
        .pointer("/params/_meta/io.modelcontextprotocol~1clientCapabilities");
    let has = |path: &[&str]| client.is_some_and(|capabilities| declares(capabilities, path));
    let params = request.get("params").unwrap_or(&Value::Null);
    if let Some((requirement, capability)) = undeclared(method, params, &has) {
        let whole = requirement.ends_with("/declared-only");
        let requirement = if whole {
            "mrtr/declared-only"
        } else {
            requirement
        };
        let message =
            format!("the server asks for {method}, and the request does not declare {capability}");
        let declared = json!({ "declared": client });
        sight.violation(
            requirement,
            &answer.entries(),
            message,
            format!("nothing that needs {capability}"),
            declared,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    fn answered(client: Value, method: &str, mut result: Value) -> Script {
        result["resultType"] = json!("input_required");
        modern()
            .client(client)
            .asks(1, method, json!({}))
            .result(1, result)
    }

    fn asks(method: &str, params: Value) -> Value {
        json!({ "inputRequests": { "a": { "method": method, "params": params } } })
    }

    #[test]
    fn where_and_how() {
        passes(
            &RULE,
            &answered(json!({}), "tools/call", json!({ "requestState": "s" })),
        );
        finds(
            &RULE,
            &answered(json!({}), "tools/call", json!({})),
            &["mrtr/not-empty"],
        );
        finds(
            &RULE,
            &answered(json!({}), "tools/list", json!({ "requestState": "s" })),
            &["mrtr/allowed-methods"],
        );
        finds(
            &RULE,
            &answered(json!({}), "tools/call", asks("x/y", json!({}))),
            &["mrtr/request-kinds"],
        );
        sees_nothing(
            &RULE,
            &modern()
                .asks(1, "tools/call", json!({}))
                .result(1, json!({ "resultType": "complete" })),
        );
    }

    #[test]
    fn for_what() {
        let all = json!({ "roots": {}, "sampling": {}, "elicitation": {} });
        for method in KINDS {
            passes(
                &RULE,
                &answered(all.clone(), "tools/call", asks(method, json!({}))),
            );
            finds(
                &RULE,
                &answered(json!({}), "tools/call", asks(method, json!({}))),
                &["mrtr/declared-only"],
            );
        }
        let url = asks("elicitation/create", json!({ "mode": "url" }));
        finds(
            &RULE,
            &answered(all.clone(), "tools/call", url),
            &["elicitation/mode-declared"],
        );
        let tools = asks("sampling/createMessage", json!({ "tools": [] }));
        finds(
            &RULE,
            &answered(all, "tools/call", tools),
            &["sampling/tools-declared-only"],
        );
    }
}
