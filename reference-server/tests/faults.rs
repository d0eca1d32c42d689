//! The faults that no conversation shows, and what of its abilities the server can be told to leave out.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Http, Stdin, initialize, request};
use serde_json::{Value, json};

/// How many KiB of memory 40 calls cost.
#[cfg(target_os = "linux")]
fn growth(arguments: &[&str]) -> u64 {
    let server = Http::start(arguments);
    let path = format!("/proc/{}/status", server.child.id());
    let resident = || {
        let status = std::fs::read_to_string(&path).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let number = line.unwrap().split_whitespace().nth(1).unwrap();
        number.parse::<u64>().unwrap()
    };
    let call = || {
        let params = json!({"name": "test_simple_text", "arguments": {}});
        assert_eq!(server.modern("tools/call", params).status, 200);
    };
    call();
    let before = resident();
    (0..40).for_each(|_| call());
    resident().saturating_sub(before)
}

#[cfg(target_os = "linux")]
#[test]
fn a_leak_shows_in_the_memory_of_the_process() {
    assert!(growth(&["--fault", "leaks"]) > 35 * 1024);
    assert!(growth(&[]) < 5 * 1024);
}

#[test]
fn a_modern_server_refuses_handshakes_and_says_what_it_speaks() {
    let server = Http::start(&["--era", "modern"]);
    let refused = server.post(&[], &initialize("2025-11-25"));
    let supported = &refused.json()["error"]["data"]["supported"];
    assert_eq!((refused.status, supported), (400, &json!(["2026-07-28"])));
    assert_eq!(server.modern("server/discover", json!({})).status, 200);
    for method in ["GET", "DELETE"] {
        assert_eq!(server.request(method, &[], "").status, 405);
    }
    assert_eq!(server.request_at("/sse", "GET", &[], "").status, 404);

    let mut server = Stdin::start_with(&["--era", "modern"]);
    let refused = server.ask(&initialize("2025-11-25"));
    let supported = &refused["error"]["data"]["supported"];
    assert_eq!(supported, &json!(["2026-07-28"]));
    let ping = server.ask(&request(1, "ping", json!({})));
    assert_eq!(ping["error"]["code"], -32602);
}

#[test]
fn a_legacy_server_knows_no_metadata() {
    let server = Http::start(&["--era", "legacy"]);
    let discovered = server.modern("server/discover", json!({}));
    assert_eq!(discovered.status, 400);
    server.session("2025-11-25");

    let mut server = Stdin::start_with(&["--era", "legacy"]);
    let discovered = server.ask(&common::modern(1, "server/discover", json!({})));
    assert_eq!(discovered["error"]["code"], -32602);
    let opened = server.ask(&initialize("2026-07-28"));
    assert_eq!(opened["result"]["protocolVersion"], "2025-11-25");
    let method = common::modern(2, "server/discover", json!({}));
    assert_eq!(server.ask(&method)["error"]["code"], -32601);
}

#[test]
fn a_static_server_tells_of_no_changes() {
    let mut server = Stdin::start_with(&["--static"]);
    let capabilities = server.ask(&initialize("2025-11-25"))["result"]["capabilities"].clone();
    for name in ["tools", "resources", "prompts"] {
        assert_eq!(capabilities[name], json!({}));
    }
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    server.send(&initialized);
    let watched = json!({"uri": "test://watched-resource"});
    let subscribed = server.ask(&request(1, "resources/subscribe", watched));
    assert_eq!(subscribed["error"]["code"], -32601);
    // A notification would come before the answer.
    let trigger = json!({"name": "test_trigger_tool_change", "arguments": {}});
    let answer = server.ask(&request(2, "tools/call", trigger));
    assert_eq!(answer["error"], Value::Null);
}
