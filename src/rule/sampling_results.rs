//! What the client's model gets of a tool fits the schema that came with the tool.
//! <https://modelcontextprotocol.io/specification/2025-11-25/schema#toolresultcontent>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::look::{modern_answers, requests};
use super::{Rule, Sight};
use crate::judge::Session;
use crate::judge::pattern::{self, Scope};
use crate::revision::{Era, Revision};

pub(super) const RULE: Rule = Rule {
    name: "sampling-results",
    title: "What the client's model gets of a tool fits the output schema of that tool",
    why: "The model reads what the schema promised. What does not fit it may refuse, or get wrong.",
    requirements: &["sampling/tool-result-structured"],
    faults: &["sampling-result-mistyped"],
    applies: |revision, _| revision >= Revision::V2025_11_25,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    match session.header.revision.era() {
        Era::Legacy => {
            for (method, received) in requests(session) {
                let params = &received.message["params"];
                sampling(session, method, params, &[received.entry], sight);
            }
        }
        Era::Modern => {
            for answer in modern_answers(session) {
                let asked = answer
                    .result()
                    .and_then(|result| result.get("inputRequests")?.as_object());
                for request in asked.into_iter().flat_map(serde_json::Map::values) {
                    let method = request["method"].as_str().unwrap_or_default();
                    sampling(
                        session,
                        method,
                        &request["params"],
                        &answer.entries(),
                        sight,
                    );
                }
            }
        }
    }
}

/// Looks at the tool results among the messages of one request.
fn sampling(
    session: &Session<'_>,
    method: &str,
    params: &Value,
    entries: &[usize],
    sight: &mut Sight,
) {
    if method != "sampling/createMessage" {
        return;
    }
    for result in blocks(params, "tool_result") {
        let structured = result.get("structuredContent");
        let schema = schema_of(params, &result["toolUseId"]);
        let (Some(structured), Some(schema)) = (structured, schema) else {
            continue;
        };
        sight.observe();
        let vars = BTreeMap::from([("schema".to_owned(), schema.clone())]);
        let scope = Scope {
            revision: session.header.revision,
            vars: &vars,
        };
        let fits = json!({ "$conforms": { "$var": "schema" } });
        match pattern::matches(&fits, Some(structured), &scope) {
            Err(mismatch) if !mismatch.undecided => sight.violation(
                "sampling/tool-result-structured",
                entries,
                format!("the result of a tool does not fit its schema: {mismatch}"),
                schema.clone(),
                structured.clone(),
            ),
            _ => {}
        }
    }
}

/// The content blocks of a type, in all messages.
fn blocks<'a>(params: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    let messages = params["messages"].as_array().into_iter().flatten();
    messages
        .flat_map(|message| match &message["content"] {
            Value::Array(blocks) => blocks.as_slice(),
            block => std::slice::from_ref(block),
        })
        .filter(move |block| block["type"] == kind)
}

/// The output schema of the tool that was used under this id.
fn schema_of<'a>(params: &'a Value, id: &Value) -> Option<&'a Value> {
    let used = blocks(params, "tool_use").find(|used| used["id"] == *id)?;
    let tools = params["tools"].as_array()?;
    let tool = tools.iter().find(|tool| tool["name"] == used["name"])?;
    tool.get("outputSchema")
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    fn params(structured: &Value) -> Value {
        let schema = json!({ "type": "object", "properties": { "n": { "type": "number" } } });
        json!({
            "tools": [{ "name": "t", "outputSchema": schema }],
            "messages": [
                { "role": "assistant", "content": { "type": "tool_use", "id": "u", "name": "t" } },
                { "role": "user", "content": [
                    { "type": "tool_result", "toolUseId": "u", "structuredContent": structured },
                ] },
            ],
        })
    }

    fn asked(script: Script, structured: &Value) -> Script {
        let method = "sampling/createMessage";
        script.gets(
            json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params(structured) }),
        )
    }

    fn embedded(structured: &Value) -> Script {
        let request = json!({ "method": "sampling/createMessage", "params": params(structured) });
        modern().asks(1, "tools/call", json!({})).result(
            1,
            json!({ "resultType": "input_required", "inputRequests": { "a": request } }),
        )
    }

    #[test]
    fn both_eras() {
        passes(&RULE, &asked(legacy(), &json!({ "n": 1 })));
        passes(&RULE, &embedded(&json!({ "n": 1 })));
        let wrong = json!({ "n": "one" });
        let found = ["sampling/tool-result-structured"];
        finds(&RULE, &asked(legacy(), &wrong), &found);
        finds(&RULE, &embedded(&wrong), &found);
        sees_nothing(&RULE, &legacy());
        sees_nothing(&RULE, &modern());
    }
}
