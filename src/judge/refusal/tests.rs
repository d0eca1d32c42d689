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
        fixture: true,
        earlier: &[],
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
            fixture: false,
            earlier: &[],
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

/// What the checks of tolerated results say.
fn tolerates(revision: Revision, method: &str, params: Value, result: &Value) -> Option<bool> {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let refusal = refused(&Answered {
        request: &request,
        result,
        revision,
        offer: &offer(revision),
        modern_only: false,
        fixture: false,
        earlier: &[],
    });
    refusal.map(|refusal| refusal.tolerated)
}

#[test]
fn what_the_cases_tolerate_is_a_warning() {
    let old = Revision::V2025_11_25;
    let values = |values: Value| json!({ "completion": { "values": values } });
    let unknown = || json!({ "ref": { "type": "ref/prompt", "name": "q" }, "argument": { "name": "a", "value": "" } });
    let complete = |values| tolerates(old, "completion/complete", unknown(), &values);
    assert_eq!(complete(values(json!([]))), Some(true));
    assert_eq!(complete(values(json!(["x"]))), Some(false));
    let contents = json!({ "contents": [{}] });
    let read = |uri: &str| tolerates(old, "resources/read", json!({ "uri": uri }), &contents);
    assert_eq!(read("no-such-scheme://x"), Some(true));
    assert_eq!(read("x://y"), None);
    let new = Revision::V2026_07_28;
    let meta = modern::meta(new, &json!({}));
    let ask = |method| tolerates(new, method, json!({ "_meta": meta }), &json!({}));
    assert_eq!(ask("ping"), Some(true));
    assert_eq!(ask("server/discover"), None);
    // So does whatever names no version.
    assert_eq!(tolerates(new, "ping", json!({}), &json!({})), None);
}

/// What is said of a retry, a result to it, and what came before.
fn of_retry(more: Value, result: &Value, earlier: &[Pair<'_>]) -> Option<(&'static str, bool)> {
    let request = retry(STATEFUL, more);
    let refusal = refused(&Answered {
        request: &request,
        result,
        revision: Revision::V2026_07_28,
        offer: &Offer {
            tools: vec![json!({ "name": STATEFUL })].into(),
            ..Offer::closed(Revision::V2026_07_28, Transport::Stdio)
        },
        modern_only: false,
        fixture: true,
        earlier,
    })?;
    Some((refusal.requirement, refusal.tolerated))
}

const STATEFUL: &str = "test_input_required_result_tampered_state";

fn retry(name: &str, more: Value) -> Value {
    let meta = modern::meta(Revision::V2026_07_28, &json!({}));
    let mut params = json!({ "name": name, "arguments": {}, "_meta": meta });
    for (name, value) in more.as_object().unwrap() {
        params[name] = value.clone();
    }
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })
}

#[test]
fn a_retry_brings_what_was_asked_for() {
    let form = json!({ "type": "object", "required": ["ok"] });
    let asks = json!({
        "resultType": "input_required",
        "requestState": "s",
        "inputRequests": {
            "f": { "method": "elicitation/create", "params": { "requestedSchema": form } },
            "r": { "method": "roots/list", "params": {} },
        },
    });
    let (done, failed) = (json!({ "content": [] }), json!({ "isError": true }));
    let first = retry(STATEFUL, json!({}));
    let earlier = [(&first, &asks)];
    let malformed = "mrtr/validate-responses";
    for (answers, requirement) in [
        (
            json!({ "f": { "action": "accept", "content": { "ok": 1 } }, "r": { "roots": [] } }),
            None,
        ),
        (json!({ "f": { "action": "decline" } }), None),
        (json!({ "x": 1 }), None),
        (
            json!({ "f": { "action": "accept", "content": {} } }),
            Some("elicitation/validate-answer"),
        ),
        (json!({ "f": 1 }), Some(malformed)),
        (json!({ "f": { "action": "x" } }), Some(malformed)),
        (json!({ "r": {} }), Some(malformed)),
        (json!("text"), Some("mrtr/protocol-error")),
    ] {
        let more = json!({ "inputResponses": answers, "requestState": "s" });
        let says = |result, earlier| of_retry(more.clone(), result, earlier);
        let wrong = requirement.map(|requirement| (requirement, false));
        assert_eq!(says(&done, &earlier), wrong, "{more}");
        // To ask again is right, but for what is no answer at all.
        let again = wrong.filter(|(requirement, _)| *requirement == "mrtr/protocol-error");
        assert_eq!(
            says(&asks, &earlier),
            again.map(|(requirement, _)| (requirement, true))
        );
    }
    // Nothing is known of what was not asked here.
    let unasked = json!({ "inputResponses": "text" });
    assert_eq!(of_retry(unasked, &done, &[]), None);
    let state = |state: &str, result, earlier: &[Pair<'_>]| {
        of_retry(json!({ "requestState": state }), result, earlier)
    };
    let other = retry("test_input_required_result_request_state", json!({}));
    assert_eq!(state("s", &done, &earlier), None);
    assert_eq!(
        state("t", &done, &earlier),
        Some(("mrtr/reject-tampered-state", false))
    );
    assert_eq!(
        state("t", &asks, &earlier),
        Some(("mrtr/reject-tampered-state", true))
    );
    assert_eq!(state("t", &failed, &earlier), None);
    assert_eq!(
        state("s", &done, &[(&other, &asks)]),
        Some(("mrtr/state-request-bound", false))
    );
    assert_eq!(state("s", &failed, &[(&other, &asks)]), None);
}

#[test]
fn a_task_is_one_that_a_call_has_made() {
    let request = |method: &str, params: Value| json!({ "method": method, "params": params });
    let call = request("tools/call", json!({ "name": "long" }));
    let begun = json!({ "task": { "taskId": "t" } });
    let cancel = request("tasks/cancel", json!({ "taskId": "t" }));
    let cancelled = json!({ "taskId": "t", "status": "cancelled" });
    let says = |earlier: &[Pair<'_>]| {
        let refusal = refused(&Answered {
            request: &cancel,
            result: &cancelled,
            revision: Revision::V2025_11_25,
            offer: &offer(Revision::V2025_11_25),
            modern_only: false,
            fixture: false,
            earlier,
        });
        refusal.map(|refusal| refusal.requirement)
    };
    assert_eq!(says(&[]), Some("tasks/cancel-unknown"));
    assert_eq!(says(&[(&call, &begun)]), None);
    let twice = [(&call, &begun), (&cancel, &cancelled)];
    assert_eq!(says(&twice), Some("tasks/cancel-terminal"));
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
        ended: false,
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
    let own = [("Mcp-Session-Id".to_owned(), "ours".to_owned())];
    let of_ended = refused_headers(&Headers {
        method: "POST",
        sent: &own,
        message: Some(&ping),
        revision: Revision::V2025_11_25,
        sessions: &["ours"],
        ended: true,
        tools: &[],
        is_own: true,
    });
    assert_eq!(
        of_ended.map(|refusal| refusal.requirement),
        Some("http/session-terminated-404")
    );
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
    // On every connection; before 2025-11-25 the cases tolerate what follows.
    let listens = |revision, own: &[(&str, &str)]| {
        let own = own
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        refused_headers(&Headers {
            method: "GET",
            sent: &own.collect::<Vec<_>>(),
            message: None,
            revision,
            sessions: &["ours"],
            ended: false,
            tools: &[],
            is_own: true,
        })
        .map(|refusal| (refusal.requirement, refusal.tolerated))
    };
    let foreign = [ours, ("Origin", "http://attacker.example")];
    let refused = "http/origin-validated";
    assert_eq!(
        listens(Revision::V2025_11_25, &foreign),
        Some((refused, false))
    );
    assert_eq!(
        listens(Revision::V2025_06_18, &foreign),
        Some((refused, true))
    );
    assert_eq!(listens(Revision::V2024_11_05, &foreign), None);
    assert_eq!(listens(Revision::V2025_11_25, &[ours]), None);
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
