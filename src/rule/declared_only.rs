//! A legacy server asks its client only for what the client declared.
//! <https://modelcontextprotocol.io/specification/2025-11-25/client/sampling#capabilities>,
//! <https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation#capabilities>,
//! <https://modelcontextprotocol.io/specification/2025-11-25/client/roots#capabilities>

use serde_json::{Value, json};

use super::look::{declares, requests, sent};
use super::{Rule, Sight};
use crate::judge::Session;
use crate::revision::Era;

pub(super) const RULE: Rule = Rule {
    name: "declared-only",
    title: "The server asks its client only for what the client declared",
    why: "A client cannot do what it did not declare, and the call that asks would wait for ever.",
    requirements: &[
        "sampling/declared-only",
        "sampling/tools-declared-only",
        "sampling/include-context-declared",
        "elicitation/declared-only",
        "elicitation/mode-declared",
        "roots/declared-only",
        "tasks/asks-declared-only",
    ],
    faults: &[
        "sample-undeclared",
        "sampling-tools-undeclared",
        "sampling-context-undeclared",
        "elicit-undeclared",
        "roots-undeclared",
        "task-asks-for-tasks",
    ],
    applies: |revision, _| revision.era() == Era::Legacy,
    check,
};

fn check(session: &Session<'_>, sight: &mut Sight) {
    for (method, received) in requests(session) {
        if method == "ping" {
            continue;
        }
        sight.observe();
        // Several sessions may have been opened: what one of them declared counts.
        let declared: Vec<&Value> = sent(session)
            .take_while(|(entry, _)| *entry < received.entry)
            .filter(|(_, message)| {
                message
                    .get("method")
                    .is_some_and(|method| method == "initialize")
            })
            .filter_map(|(_, message)| message.pointer("/params/capabilities"))
            .chain([&session.header.client])
            .collect();
        let has = |path: &[&str]| {
            declared
                .iter()
                .any(|capabilities| declares(capabilities, path))
        };
        let params = &received.message["params"];
        let broken = [
            undeclared(method, params, &has),
            undeclared_task(method, params, &has),
        ];
        for (requirement, what) in broken.into_iter().flatten() {
            let message =
                format!("the server sends {method}, and the client did not declare {what}");
            let expected = format!("no {method}, or one without {what}");
            sight.violation(
                requirement,
                &[received.entry],
                message,
                expected,
                json!({ "declared": declared }),
            );
        }
    }
}

/// The same of a request that asks for a task: the client says for which it makes some (2025-11-25).
fn undeclared_task(
    method: &str,
    params: &Value,
    has: &dyn Fn(&[&str]) -> bool,
) -> Option<(&'static str, &'static str)> {
    let (path, what): ([&str; 4], _) = match method {
        "sampling/createMessage" => (
            ["tasks", "requests", "sampling", "createMessage"],
            "tasks.requests.sampling.createMessage",
        ),
        "elicitation/create" => (
            ["tasks", "requests", "elicitation", "create"],
            "tasks.requests.elicitation.create",
        ),
        _ => return None,
    };
    let asked = params.get("task").is_some_and(Value::is_object);
    (asked && !has(&path)).then_some(("tasks/asks-declared-only", what))
}

/// The requirement that a request breaks, and the capability that it lacks. The same words serve the requests that a
/// modern server embeds in its results.
pub(super) fn undeclared(
    method: &str,
    params: &Value,
    has: &dyn Fn(&[&str]) -> bool,
) -> Option<(&'static str, &'static str)> {
    let given = |name: &str| params.get(name).is_some_and(|value| !value.is_null());
    match method {
        "roots/list" if !has(&["roots"]) => Some(("roots/declared-only", "roots")),
        "sampling/createMessage" if !has(&["sampling"]) => {
            Some(("sampling/declared-only", "sampling"))
        }
        "sampling/createMessage"
            if (given("tools") || given("toolChoice")) && !has(&["sampling", "tools"]) =>
        {
            Some(("sampling/tools-declared-only", "sampling.tools"))
        }
        "sampling/createMessage" if shares_context(params) && !has(&["sampling", "context"]) => {
            Some(("sampling/include-context-declared", "sampling.context"))
        }
        "elicitation/create" if !has(&["elicitation"]) => {
            Some(("elicitation/declared-only", "elicitation"))
        }
        "elicitation/create" => {
            let url = has(&["elicitation", "url"]);
            match params.get("mode").and_then(Value::as_str) {
                Some("url") if !url => Some(("elicitation/mode-declared", "elicitation.url")),
                // An empty object stands for the form mode alone.
                None | Some("form") if url && !has(&["elicitation", "form"]) => {
                    Some(("elicitation/mode-declared", "elicitation.form"))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn shares_context(params: &Value) -> bool {
    matches!(
        params.get("includeContext").and_then(Value::as_str),
        Some("thisServer" | "allServers")
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;
    use crate::revision::Revision;
    use crate::transport::Transport;

    fn ask(method: &str, params: Value) -> Value {
        json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
    }

    #[test]
    fn declared() {
        let client = json!({ "roots": {}, "sampling": {}, "elicitation": {} });
        let opened = || legacy().client(client.clone()).opened();
        for request in [
            ask("roots/list", json!({})),
            ask(
                "sampling/createMessage",
                json!({ "includeContext": "none" }),
            ),
            ask("elicitation/create", json!({ "mode": "form" })),
        ] {
            passes(&RULE, &opened().gets(request));
        }
        let table = [
            (
                "sampling/createMessage",
                json!({ "tools": [] }),
                "sampling/tools-declared-only",
            ),
            (
                "sampling/createMessage",
                json!({ "includeContext": "allServers" }),
                "sampling/include-context-declared",
            ),
            (
                "elicitation/create",
                json!({ "mode": "url" }),
                "elicitation/mode-declared",
            ),
        ];
        for (method, params, requirement) in table {
            finds(&RULE, &opened().gets(ask(method, params)), &[requirement]);
        }
    }

    #[test]
    fn tasks() {
        let asks = |client: Value| {
            let params = json!({ "mode": "form", "task": { "ttl": 1 } });
            let opened = legacy().client(client).opened();
            opened.gets(ask("elicitation/create", params))
        };
        let requests = json!({ "elicitation": { "create": {} } });
        let declared = json!({ "elicitation": {}, "tasks": { "requests": requests } });
        passes(&RULE, &asks(declared));
        finds(
            &RULE,
            &asks(json!({ "elicitation": {} })),
            &["tasks/asks-declared-only"],
        );
    }

    #[test]
    fn undeclared() {
        for method in ["roots/list", "sampling/createMessage", "elicitation/create"] {
            let requirement = format!("{}/declared-only", method.split('/').next().unwrap());
            finds(
                &RULE,
                &legacy().opened().gets(ask(method, json!({}))),
                &[&requirement],
            );
        }
        sees_nothing(&RULE, &legacy().opened().gets(ask("ping", json!({}))));
        sees_nothing(&RULE, &legacy().opened());
        // Elicitation came later: before, nothing is said of it.
        let old = Script::new(Revision::V2025_03_26, Transport::Stdio).opened();
        passes(&RULE, &old.gets(ask("elicitation/create", json!({}))));
    }
}
