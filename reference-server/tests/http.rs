//! The Streamable HTTP transport, request by request.

mod common;

use std::io::{BufRead, BufReader, Read};

use common::{Http, modern, request};
use serde_json::{Value, json};

fn ping() -> Value {
    request(1, "ping", json!({}))
}

#[test]
fn sessions_begin_and_end() {
    let server = Http::start(&[]);
    let id = server.session("2025-11-25");
    assert!(id.bytes().all(|byte| byte.is_ascii_graphic()));
    let session = [
        ("Mcp-Session-Id", id.as_str()),
        ("MCP-Protocol-Version", "2025-11-25"),
    ];
    assert_eq!(server.post(&session, &ping()).json()["result"], json!({}));
    assert_eq!(
        server.post(&session[..1], &ping()).status,
        200,
        "the version is known"
    );
    let unknown = [session[0], ("MCP-Protocol-Version", "1999-01-01")];
    assert_eq!(server.post(&unknown, &ping()).status, 400);
    assert_eq!(server.post(&[], &ping()).status, 400);
    assert_eq!(
        server.post(&[("Mcp-Session-Id", "other")], &ping()).status,
        404
    );
    assert_eq!(server.request("DELETE", &session, "").status, 204);
    assert_eq!(server.post(&session, &ping()).status, 404);
}

#[test]
fn what_is_no_message_for_us_is_refused_by_status() {
    let server = Http::start(&["--allow-origin", "https://app.example"]);
    let status = |method: &str, headers: &[(&str, &str)], body: &str| {
        server.request(method, headers, body).status
    };
    assert_eq!(status("POST", &[("Content-Type", "text/plain")], "{}"), 415);
    assert_eq!(status("POST", &[("Accept", "text/html")], "{}"), 406);
    assert_eq!(status("GET", &[("Accept", "application/json")], ""), 406);
    assert_eq!(status("GET", &[], ""), 400);
    assert_eq!(
        status("GET", &[("MCP-Protocol-Version", "2026-07-28")], ""),
        405
    );
    assert_eq!(status("PUT", &[], ""), 405);
    assert_eq!(status("POST", &[], "{not json"), 400);
    assert_eq!(status("POST", &[], "[]"), 400);
    assert_eq!(status("POST", &[], &"x".repeat(5_000_000)), 413);
    assert_eq!(
        status("POST", &[("Origin", "http://evil.example")], "{}"),
        403
    );
    assert_eq!(status("POST", &[("Host", "evil.example")], "{}"), 403);
    assert_eq!(
        status("POST", &[("Origin", "https://app.example")], "{}"),
        400
    );
    assert_eq!(
        server.modern("tools/list", json!({})).status,
        200,
        "and it still answers"
    );
}

#[test]
fn a_dropped_connection_is_resumed_where_it_was() {
    let server = Http::start(&[]);
    let id = server.session("2025-11-25");
    let session = [
        ("Mcp-Session-Id", id.as_str()),
        ("MCP-Protocol-Version", "2025-11-25"),
    ];
    let call = json!({"name": "test_reconnection"});
    let dropped = server.post(&session, &request(1, "tools/call", call));
    assert!(dropped.events().is_empty());
    assert!(dropped.body.contains("retry: "), "{}", dropped.body);
    let last = dropped
        .body
        .lines()
        .next()
        .unwrap()
        .strip_prefix("id: ")
        .unwrap();
    let resume = [session[0], session[1], ("Last-Event-ID", last)];
    let resumed = server.request("GET", &resume, "");
    assert_eq!(resumed.events()[0]["id"], 1);
}

#[test]
fn a_cancelled_request_ends_its_stream_without_an_answer() {
    let server = Http::start(&[]);
    let id = server.session("2025-11-25");
    let session = [("Mcp-Session-Id", id.as_str())];
    let call = json!({"name": "wait", "arguments": {"milliseconds": 60_000}});
    let call = request(9, "tools/call", call).to_string();
    let mut stream = server.open("POST", &session, &call);
    let mut begun = [0; 12];
    stream.read_exact(&mut begun).unwrap();
    let cancelled = json!({"requestId": 9});
    let cancelled =
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled});
    assert_eq!(server.post(&session, &cancelled).status, 202);
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(!rest.contains("jsonrpc"), "{rest}");
}

#[test]
fn batches_come_back_as_one() {
    let server = Http::start(&[]);
    let id = server.session("2025-03-26");
    let session = [("Mcp-Session-Id", id.as_str())];
    let both = json!([ping(), request(2, "ping", json!({}))]);
    assert_eq!(
        server
            .post(&session, &both)
            .json()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let notifications = json!([{"jsonrpc": "2.0", "method": "notifications/x"}]);
    assert_eq!(server.post(&session, &notifications).status, 202);
}

#[test]
fn modern_requests_stand_alone() {
    let server = Http::start(&[]);
    let discovered = server.modern("server/discover", json!({}));
    assert_eq!(
        discovered.json()["result"]["supportedVersions"],
        json!(["2026-07-28"])
    );
    assert!(discovered.header("mcp-session-id").is_none());
    let unknown = server.modern("no/such", json!({}));
    assert_eq!(
        (unknown.status, &unknown.json()["error"]["code"]),
        (404, &json!(-32601))
    );
    let bare = json!({"_meta": {"io.modelcontextprotocol/clientCapabilities": {}}});
    let capability = server.modern("tools/call", {
        let mut params = bare.clone();
        params["name"] = "test_missing_capability".into();
        params
    });
    assert_eq!(capability.status, 400);
    let required = json!({"requiredCapabilities": {"sampling": {}}});
    assert_eq!(capability.json()["error"]["data"], required);
    let headers = [
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "tools/list"),
    ];
    let malformed = server.post(&headers, &request(1, "tools/list", bare));
    assert_eq!(
        (malformed.status, &malformed.json()["error"]["code"]),
        (400, &json!(-32602))
    );
}

#[test]
fn headers_repeat_the_body_or_the_request_is_refused() {
    let server = Http::start(&[]);
    let version = ("MCP-Protocol-Version", "2026-07-28");
    let arguments = json!({"region": "Grüße", "priority": 42, "dry_run": null});
    let call = json!({"name": "test_mirrored_headers", "arguments": arguments});
    let call = modern(1, "tools/call", call);
    let region = ("Mcp-Param-Region", "=?base64?R3LDvMOfZQ==?=");
    let all = [
        version,
        ("Mcp-Method", "tools/call"),
        ("mcp-name", "test_mirrored_headers"),
        region,
        ("Mcp-Param-Priority", "42.0"),
    ];
    assert_eq!(server.post(&all, &call).status, 200);
    for wrong in 0..all.len() {
        let mut missing = all.to_vec();
        missing.remove(wrong);
        let mut other = all.to_vec();
        other[wrong].1 = "7";
        for headers in [missing, other] {
            let response = server.post(&headers, &call);
            assert_eq!(response.status, 400, "{headers:?}");
            assert_eq!(response.json()["error"]["code"], -32020, "{headers:?}");
        }
    }
}

#[test]
fn a_subscription_tells_what_was_asked_until_the_client_goes() {
    let server = Http::start(&[]);
    let filter = json!({"notifications": {"toolsListChanged": true}});
    let listen = modern("sub", "subscriptions/listen", filter).to_string();
    let method = [
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "subscriptions/listen"),
    ];
    let mut events = BufReader::new(server.open("POST", &method, &listen)).lines();
    let mut next = || loop {
        let line = events.next().unwrap().unwrap();
        if let Some(data) = line.strip_prefix("data: ") {
            return serde_json::from_str::<Value>(data).unwrap();
        }
    };
    let acknowledged = next();
    assert_eq!(
        acknowledged["method"],
        "notifications/subscriptions/acknowledged"
    );
    for change in ["test_trigger_prompt_change", "test_trigger_tool_change"] {
        assert_eq!(
            server.modern("tools/call", json!({"name": change})).status,
            200
        );
    }
    let told = next();
    assert_eq!(told["method"], "notifications/tools/list_changed");
    assert_eq!(
        told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"],
        "sub"
    );
}

#[test]
fn progress_and_answer_share_a_stream() {
    let server = Http::start(&[]);
    let call = json!({"name": "test_tool_with_progress", "_meta": {"progressToken": "t"}});
    let response = server.modern("tools/call", call);
    assert_eq!(response.header("x-accel-buffering"), Some("no"));
    let events = response.events();
    let progress: Vec<_> = events
        .iter()
        .map(|event| &event["params"]["progress"])
        .collect();
    assert_eq!(progress[..3], [&json!(0), &json!(50), &json!(100)]);
    assert_eq!(events[3]["result"]["resultType"], "complete");
}
