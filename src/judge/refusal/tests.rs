use serde_json::json;

use super::*;
use crate::revision::modern;
use crate::transport::Transport;

fn offer(revision: Revision) -> Offer {
    let schema = json!({
        "type": "object",
        "required": ["n"],
        "additionalProperties": false,
        "properties": { "n": { "type": "integer", "minimum": 1 }, "s": { "type": "string", "format": "uri" } },
    });
    Offer {
        tools: vec![json!({ "name": "count", "inputSchema": schema })].into(),
        prompts: vec![json!({ "name": "p", "arguments": [{ "name": "a", "required": true }, { "name": "b" }] })].into(),
        resources: vec![json!({ "uri": "not listed as one should" })].into(),
        ..Offer::closed(revision, Transport::Stdio)
    }
}

fn says(revision: Revision, method: &str, params: Value, result: &Value) -> Option<&'static str> {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    refused(&Answered {
        request: &request,
        result,
        revision,
        offer: &offer(revision),
        modern_only: true,
    })
    .map(|refusal| refusal.requirement)
}

fn legacy(method: &str, params: Value, result: Value) -> Option<&'static str> {
    says(Revision::V2025_11_25, method, params, &result)
}

#[test]
fn each_of_these_was_to_be_refused() {
    let list = json!({ "contents": [], "content": [], "completion": { "values": ["x"] } });
    for (method, params, requirement) in [
        ("no/such", json!({}), "messages/unknown-method-code"),
        ("Tools/List", json!({}), "messages/method-case"),
        (
            "tools/list",
            json!({ "cursor": "x" }),
            "pagination/invalid-cursor",
        ),
        (
            "tools/list",
            json!({ "cursor": 1 }),
            "pagination/invalid-cursor",
        ),
        ("tools/call", json!({}), "tools/validate-inputs"),
        (
            "tools/call",
            json!({ "name": "x" }),
            "tools/validate-inputs",
        ),
        (
            "tools/call",
            json!({ "name": "COUNT" }),
            "tools/name-case-sensitive",
        ),
        (
            "tools/call",
            json!({ "name": "count" }),
            "tools/validate-inputs",
        ),
        (
            "tools/call",
            json!({ "name": "count", "arguments": [1] }),
            "tools/validate-inputs",
        ),
        (
            "tools/call",
            json!({ "name": "count", "arguments": { "n": 0 } }),
            "tools/validate-inputs",
        ),
        (
            "resources/read",
            json!({ "uri": 1 }),
            "resources/validate-uris",
        ),
        (
            "resources/read",
            json!({ "uri": "no uri" }),
            "resources/validate-uris",
        ),
        (
            "resources/read",
            json!({ "uri": "x://y" }),
            "resources/no-empty-contents",
        ),
        (
            "prompts/get",
            json!({ "name": "q" }),
            "prompts/validate-inputs",
        ),
        (
            "prompts/get",
            json!({ "name": "p" }),
            "prompts/missing-arguments",
        ),
        (
            "prompts/get",
            json!({ "name": "p", "arguments": { "a": 1 } }),
            "prompts/validate-arguments",
        ),
        (
            "completion/complete",
            json!({}),
            "completion/validate-inputs",
        ),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/prompt", "name": "q" }, "argument": { "name": "a", "value": "" } }),
            "completion/unknown-prompt",
        ),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/prompt", "name": "p" }, "argument": { "name": "c", "value": "" } }),
            "completion/validate-inputs",
        ),
        (
            "logging/setLevel",
            json!({ "level": "INFO" }),
            "logging/invalid-level",
        ),
        ("tasks/get", json!({ "taskId": "x" }), "tasks/get-unknown"),
        ("initialize", json!({}), "initialization/invalid-params"),
    ] {
        assert_eq!(
            legacy(method, params.clone(), list.clone()),
            Some(requirement),
            "{method} {params}"
        );
    }
    let echoed = legacy(
        "initialize",
        json!({ "protocolVersion": "1900-01-01" }),
        json!({ "protocolVersion": "1900-01-01" }),
    );
    assert_eq!(echoed, Some("versioning/alternative"));
}

#[test]
fn none_of_these_was() {
    let values = json!({ "contents": [{}], "completion": { "values": [] }, "isError": false });
    for (method, params) in [
        ("tools/list", json!({})),
        ("tools/list", json!({ "cursor": "" })),
        (
            "tools/call",
            json!({ "name": "count", "arguments": { "n": 1, "more": true, "s": "no uri" } }),
        ),
        ("resources/read", json!({ "uri": "x://y" })),
        (
            "resources/read",
            json!({ "uri": "not listed as one should" }),
        ),
        (
            "prompts/get",
            json!({ "name": "p", "arguments": { "a": "", "c": "" } }),
        ),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/prompt", "name": "q" }, "argument": { "name": "a", "value": "" } }),
        ),
        ("logging/setLevel", json!({ "level": "info" })),
        ("initialize", json!({ "protocolVersion": "1900-01-01" })),
    ] {
        assert_eq!(
            legacy(method, params.clone(), values.clone()),
            None,
            "{method} {params}"
        );
    }
    let failed = legacy(
        "tools/call",
        json!({ "name": "x" }),
        json!({ "isError": true }),
    );
    assert_eq!(failed, None);
}

#[test]
fn tools_say_whether_tasks_are_made_of_their_calls() {
    let tool = |name: &str, support: &str| json!({ "name": name, "execution": { "taskSupport": support } });
    let offered = |capabilities: Value| Offer {
        capabilities,
        tools: vec![
            tool("long", "required"),
            tool("both", "optional"),
            json!({ "name": "short" }),
        ]
        .into(),
        ..Offer::closed(Revision::V2025_11_25, Transport::Stdio)
    };
    let says = |name: &str, task: Value, offer: &Offer| {
        let params = json!({ "name": name, "task": task });
        let request =
            json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        refused(&Answered {
            request: &request,
            result: &json!({}),
            revision: offer.revision,
            offer,
            modern_only: false,
        })
        .map(|refusal| refusal.requirement)
    };
    let knows = offered(json!({ "tasks": { "requests": { "tools": { "call": {} } } } }));
    let task = || json!({ "ttl": 1 });
    assert_eq!(
        says("long", Value::Null, &knows),
        Some("tasks/tool-required")
    );
    assert_eq!(says("short", task(), &knows), Some("tasks/tool-forbidden"));
    for (name, task) in [
        ("long", task()),
        ("both", task()),
        ("both", Value::Null),
        ("short", Value::Null),
    ] {
        assert_eq!(says(name, task, &knows), None, "{name}");
    }
    // Who does not know tasks takes no notice of them.
    let plain = offered(json!({}));
    assert_eq!(says("long", Value::Null, &plain), None);
    assert_eq!(says("short", task(), &plain), None);
}

#[test]
fn modern_requests_say_what_they_need() {
    let revision = Revision::V2026_07_28;
    let says = |meta: Value| says(revision, "tools/list", json!({ "_meta": meta }), &json!({}));
    let mut meta = modern::meta(revision, &json!({}));
    assert_eq!(says(meta.clone()), None);
    meta["io.modelcontextprotocol/logLevel"] = json!("loud");
    assert_eq!(says(meta.clone()), Some("logging/invalid-level"));
    meta[modern::VERSION_KEY] = json!("1900-01-01");
    assert_eq!(says(meta.clone()), Some("versioning/unsupported-version"));
    meta[modern::VERSION_KEY] = json!(1);
    assert_eq!(says(meta), Some("meta/field-types"));
    assert_eq!(says(json!({})), Some("meta/required-fields"));
}

fn sent(revision: Revision, headers: &[(&str, &str)], message: &Value) -> Option<&'static str> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let sent: Vec<_> = headers.iter().map(own).collect();
    refused_headers(&Headers {
        method: "POST",
        sent: &sent,
        message: Some(message),
        revision,
        sessions: &["ours"],
        tools: &[],
        is_own: true,
    })
    .map(|refusal| refusal.requirement)
}

#[test]
fn legacy_headers_name_version_session_and_origin() {
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let sent = |headers: &[(&str, &str)]| sent(Revision::V2025_11_25, headers, &ping);
    let ours = ("mcp-session-id", "ours");
    assert_eq!(sent(&[ours]), None);
    assert_eq!(sent(&[]), Some("http/session-missing-400"));
    assert_eq!(
        sent(&[("Mcp-Session-Id", "x")]),
        Some("http/session-unknown-404")
    );
    let version = |text| sent(&[ours, ("MCP-Protocol-Version", text)]);
    assert_eq!(version("2025-06-18"), None);
    assert_eq!(version("latest"), Some("http/version-header-invalid-400"));
    let origin = |text| sent(&[ours, ("Origin", text)]);
    assert_eq!(origin("http://localhost:1"), None);
    assert_eq!(origin("null"), None);
    assert_eq!(
        origin("http://attacker.example"),
        Some("http/origin-validated")
    );
}

#[test]
fn modern_headers_mirror_the_body() {
    let read = json!({ "jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": { "uri": "x://Y" } });
    let standard = [
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "resources/read"),
        ("Mcp-Name", "x://Y"),
    ];
    let with = |place: usize, value: Option<&'static str>| {
        let mut headers = standard.to_vec();
        match value {
            Some(value) => headers[place].1 = value,
            None => drop(headers.remove(place)),
        }
        sent(Revision::V2026_07_28, &headers, &read)
    };
    assert_eq!(with(0, Some("2026-07-28")), None);
    assert_eq!(with(2, Some("=?base64?eDovL1k=?=")), None);
    assert_eq!(with(0, Some("2025-11-25")), Some("headers/version-matches"));
    assert_eq!(with(0, None), Some("headers/version-required"));
    assert_eq!(with(1, None), Some("headers/required-present"));
    assert_eq!(with(1, Some("x")), Some("headers/match-body"));
    assert_eq!(
        with(2, Some("X://y")),
        Some("headers/values-case-sensitive")
    );
}
