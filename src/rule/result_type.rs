//! Every modern result says of which type it is.
//! <https://modelcontextprotocol.io/specification/2026-07-28/basic#resulttype>

use serde_json::{Value, json};

use super::look::modern_answers;
use super::{Rule, Sight};
use crate::condition::TASKS_EXTENSION;
use crate::judge::Session;
use crate::revision::Era;

pub(super) const RULE: Rule = Rule {
    name: "result-type",
    title: "Every result says of which type it is, and the type is known",
    why: "A client goes by resultType before it reads anything else: it takes a question for the \
        result, or gives up.",
    requirements: &["messages/result-type", "messages/result-type-known"],
    faults: &["result-type-missing", "result-type-unknown"],
    applies: |revision, _| revision.era() == Era::Modern,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    // An extension may add types: of one we know which.
    let extensions = session.capabilities().get("extensions");
    let extensions = extensions.and_then(Value::as_object);
    let tasks = extensions.is_some_and(|all| all.contains_key(TASKS_EXTENSION));
    let extended = extensions.is_some_and(|all| all.keys().any(|name| name != TASKS_EXTENSION));
    for answer in modern_answers(session) {
        let Some(result) = answer.result() else {
            continue;
        };
        sight.observe();
        match result.get("resultType").map(Value::as_str) {
            Some(Some("complete" | "input_required")) => {}
            Some(Some("task")) if tasks => {}
            Some(Some(other)) if !extended => {
                let message = "a result is of a type that is not defined";
                let expected = json!(["complete", "input_required"]);
                sight.violation(
                    "messages/result-type-known",
                    &answer.entries(),
                    message,
                    expected,
                    other,
                );
            }
            Some(Some(_)) => {}
            _ => {
                let message = "a result has no resultType that is a string";
                let expected = json!({ "resultType": "complete" });
                sight.violation(
                    "messages/result-type",
                    &answer.entries(),
                    message,
                    expected,
                    result.clone(),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn types() {
        let answered = |result| modern().asks(1, "tools/list", json!({})).result(1, result);
        passes(&RULE, &answered(json!({ "resultType": "complete" })));
        passes(&RULE, &answered(json!({ "resultType": "input_required" })));
        finds(&RULE, &answered(json!({})), &["messages/result-type"]);
        finds(
            &RULE,
            &answered(json!({ "resultType": 1 })),
            &["messages/result-type"],
        );
        finds(
            &RULE,
            &answered(json!({ "resultType": "done" })),
            &["messages/result-type-known"],
        );
        passes(
            &RULE,
            &answered(json!({ "resultType": "done" }))
                .server(json!({ "extensions": { "a/b": {} } })),
        );
        let tasks = || json!({ "extensions": { TASKS_EXTENSION: {} } });
        passes(
            &RULE,
            &answered(json!({ "resultType": "task" })).server(tasks()),
        );
        finds(
            &RULE,
            &answered(json!({ "resultType": "done" })).server(tasks()),
            &["messages/result-type-known"],
        );
        sees_nothing(
            &RULE,
            &modern().asks(1, "ping", json!({})).result(1, json!({})),
        );
        let legacy = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
        sees_nothing(&RULE, &modern().sends(legacy).result(1, json!({})));
    }
}
