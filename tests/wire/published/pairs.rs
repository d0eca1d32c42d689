//! Our schemas and the published ones for the same.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::document::{Document, reference, table};

/// A schema of ours and the published one for the same.
pub struct Pair {
    pub name: String,
    pub ours: &'static Value,
    pub theirs: &'static Value,
}

/// Everything that both describe.
pub fn pairs(
    ours: &Document,
    theirs: &Document,
    definitions: &BTreeMap<String, String>,
) -> Vec<Pair> {
    let holder = if theirs.value.get("$defs").is_some() {
        "$defs"
    } else {
        "definitions"
    };
    let published = theirs.value[holder].as_object().unwrap();
    let refer = |name: &str| json!({ "$ref": format!("#/{holder}/{name}") });
    let our = |reference: &str| json!({ "$ref": reference });
    let envelope = |name: &str| our(reference(&ours.value["x-mcp"]["envelope"], name));
    let mut pairs = Vec::new();
    let mut add = |name: String, ours: Value, theirs: Value| {
        pairs.push(Pair {
            name,
            ours: Box::leak(Box::new(ours)),
            theirs: Box::leak(Box::new(theirs)),
        });
    };
    // Until 2025-06-18 the definition of a method leaves out what every request has.
    let enveloped = |envelope: &str, name: &str| match published[name]["properties"].get("jsonrpc")
    {
        Some(_) => refer(name),
        None => json!({ "allOf": [refer(envelope), refer(name)] }),
    };
    let embedded: BTreeMap<String, Value> =
        table(ours.value, "inputRequests").into_iter().collect();
    let requests: BTreeMap<String, Value> = table(ours.value, "requests").into_iter().collect();
    let notifications: BTreeMap<String, Value> =
        table(ours.value, "notifications").into_iter().collect();
    for (name, definition) in published {
        let Some(method) = definition["properties"]["method"]["const"].as_str() else {
            continue;
        };
        if let Some(entry) = notifications.get(method) {
            add(
                method.to_owned(),
                our(reference(entry, "notification")),
                enveloped("JSONRPCNotification", name),
            );
            continue;
        }
        let (entry, request) = match (requests.get(method), embedded.get(method)) {
            (Some(entry), _) => (entry, enveloped("JSONRPCRequest", name)),
            (_, Some(entry)) => (entry, refer(name)),
            _ => panic!("we do not know {method}"),
        };
        add(
            format!("{method} request"),
            our(reference(entry, "request")),
            request,
        );
        let base = name.trim_end_matches("Request");
        let result = format!("{base}Result");
        let result = if published.contains_key(&result) {
            refer(&result)
        } else {
            refer("Result")
        };
        let (our_result, response) = (
            our(reference(entry, "result")),
            published.get(&format!("{base}ResultResponse")),
        );
        let Some(response) = response else {
            add(format!("{method} result"), our_result, result);
            continue;
        };
        add(
            format!("{method} result"),
            of_type("complete", &our_result),
            of_type("complete", &result),
        );
        // The published union of the two takes any object with a resultType.
        if response["properties"]["result"]
            .to_string()
            .contains("InputRequiredResult")
        {
            let question = refer("InputRequiredResult");
            add(
                format!("{method} question"),
                of_type("input_required", &our_result),
                of_type("input_required", &question),
            );
        }
    }
    for (name, names) in [
        ("request", ["JSONRPCRequest"].as_slice()),
        ("notification", &["JSONRPCNotification"]),
        (
            "resultResponse",
            &["JSONRPCResultResponse", "JSONRPCResponse"],
        ),
        ("errorResponse", &["JSONRPCErrorResponse", "JSONRPCError"]),
        ("result", &["Result"]),
    ] {
        let theirs = names
            .iter()
            .find(|name| published.contains_key(**name))
            .unwrap();
        let own = match name {
            "resultResponse" => {
                json!({ "allOf": [envelope(name), { "properties": { "result": envelope("result") } }] })
            }
            _ => envelope(name),
        };
        add(format!("any {name}"), own, refer(theirs));
    }
    if ours.value["x-mcp"]["envelope"]["batch"].is_string() {
        let call = json!({ "if": { "required": ["id"] }, "then": envelope("request"), "else": envelope("notification") });
        let answer = json!({ "if": { "required": ["error"] }, "then": envelope("errorResponse"), "else": envelope("resultResponse") });
        let member = json!({ "if": { "required": ["method"] }, "then": call, "else": answer });
        let either = ["JSONRPCBatchRequest", "JSONRPCBatchResponse"].map(&refer);
        add(
            "batch".to_owned(),
            json!({ "allOf": [envelope("batch"), { "items": member }] }),
            json!({ "anyOf": either }),
        );
    }
    for (name, reference) in definitions {
        if published.contains_key(name)
            && ours
                .value
                .pointer(reference.trim_start_matches('#'))
                .is_some()
        {
            add(name.clone(), our(reference), refer(name));
        }
    }
    pairs
}

/// A result whose resultType is this one.
fn of_type(kind: &str, result: &Value) -> Value {
    let typed =
        json!({ "required": ["resultType"], "properties": { "resultType": { "const": kind } } });
    json!({ "allOf": [typed, result] })
}
