//! The stdio transport, line by line.

mod common;

use std::collections::HashSet;
use std::process::Command;
use std::time::Duration;

use common::{Stdin, modern, request};
use serde_json::{Value, json};

#[test]
fn every_handshake_revision_is_spoken_and_unknown_ones_get_the_latest() {
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut server = Stdin::legacy(revision);
        assert_eq!(
            server.ask(&request(1, "ping", json!({})))["result"],
            json!({})
        );
    }
    let mut server = Stdin::start(&[]);
    let answer = server.ask(&common::initialize("1999-01-01"));
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
}

#[test]
fn old_revisions_do_not_see_what_came_later() {
    let mut server = Stdin::legacy("2024-11-05");
    let tools = server.ask(&request(1, "tools/list", json!({})))["result"]["tools"].clone();
    for tool in tools.as_array().unwrap() {
        for member in ["title", "annotations", "outputSchema"] {
            assert!(tool.get(member).is_none(), "{tool}");
        }
    }
    let call = |name: &str| request(2, "tools/call", json!({"name": name, "arguments": {}}));
    let audio = server.ask(&call("test_audio_content"));
    assert_eq!(audio["result"]["content"][0]["type"], "text");
    let add = json!({"name": "add", "arguments": {"a": 1, "b": 2}});
    let sum = server.ask(&request(3, "tools/call", add));
    assert!(sum["result"].get("structuredContent").is_none());
    assert_eq!(server.ask(&call("add"))["error"]["code"], -32602);
    assert!(sum["result"].get("resultType").is_none());
}

#[test]
fn bad_input_costs_nothing_but_an_error() {
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = format!(r#"{{"jsonrpc":"2.0","id":"d","method":"ping","params":{{"a":{nested}}}}}"#);
    let huge = format!("\"{}\"", "x".repeat(5_000_000));
    let inputs: &[(&[u8], i64, Value)] = &[
        (b"{not json", -32700, Value::Null),
        (b"\xff\xfe", -32700, Value::Null),
        (b"42", -32600, Value::Null),
        (b"[]", -32600, Value::Null),
        (
            br#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
            -32600,
            Value::Null,
        ),
        (
            br#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            -32600,
            Value::Null,
        ),
        (
            br#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
            -32600,
            Value::Null,
        ),
        (
            br#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#,
            -32600,
            json!(7),
        ),
        (
            br#"{"jsonrpc":"2.0","id":7,"id":8,"method":"ping"}"#,
            -32600,
            Value::Null,
        ),
        (br#"{"jsonrpc":"2.0","id":7,"method":7}"#, -32600, json!(7)),
        (
            br#"{"jsonrpc":"2.0","id":7,"method":"ping","params":[]}"#,
            -32602,
            json!(7),
        ),
        (
            br#"{"jsonrpc":"2.0","id":7,"method":"ping","result":{}}"#,
            -32600,
            json!(7),
        ),
        (deep.as_bytes(), -32600, json!("d")),
        (huge.as_bytes(), -32600, Value::Null),
    ];
    let mut server = Stdin::legacy("2025-11-25");
    for (input, code, id) in inputs {
        server.send_line(input);
        let answer = server.receive();
        assert_eq!(
            (&answer["error"]["code"], &answer["id"]),
            (&json!(code), id),
            "{answer}"
        );
        assert_eq!(answer.get("id").is_some(), !id.is_null());
    }
    // None of these is answered, and a request after them is.
    for silent in [
        &b""[..],
        b"\r",
        b"\xEF\xBB\xBF",
        br#"{"jsonrpc":"2.0","id":9,"result":1}"#,
        br#"{"jsonrpc":"2.0","id":9,"result":1,"error":2}"#,
        br#"{"jsonrpc":"2.0","method":"x"}"#,
    ] {
        server.send_line(silent);
    }
    server.send_line(b"\xEF\xBB\xBF{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\r");
    assert_eq!(
        server.receive(),
        json!({"jsonrpc": "2.0", "id": 1, "result": {}})
    );
}

#[test]
fn ids_come_back_as_they_were() {
    let mut server = Stdin::legacy("2025-11-25");
    for id in [
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!(""),
        json!("1"),
        json!("\u{1F600}"),
    ] {
        assert_eq!(
            server.ask(&request(id.clone(), "ping", json!({})))["id"],
            id
        );
    }
}

#[test]
fn a_slow_tool_holds_up_nobody_and_can_be_cancelled() {
    let mut server = Stdin::legacy("2025-11-25");
    let wait = |ms| json!({"name": "wait", "arguments": {"milliseconds": ms}});
    server.send(&request("slow", "tools/call", wait(60_000)));
    server.send(&request("quick", "tools/call", wait(20)));
    server.send(&request("slow", "ping", json!({})));
    assert_eq!(
        server.receive()["error"]["code"],
        -32600,
        "the id is still in use"
    );
    let cancelled = json!({"requestId": "slow"});
    server
        .send(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled}));
    assert_eq!(server.receive()["id"], "quick");
    let (rest, status, _) = server.close();
    assert!(rest.is_empty(), "{rest:?}");
    assert!(status.success());
}

#[test]
fn the_end_of_input_ends_the_server_after_the_last_answers() {
    let mut server = Stdin::start(&[]);
    let filter = json!({"notifications": {"toolsListChanged": true}});
    server.send(&modern("listen", "subscriptions/listen", filter));
    let acknowledged = server.receive();
    assert_eq!(
        acknowledged["method"],
        "notifications/subscriptions/acknowledged"
    );
    let slow = json!({"name": "wait", "arguments": {"milliseconds": 50}});
    server.send(&modern("slow", "tools/call", slow));
    let (rest, status, took) = server.close();
    let ids: Vec<_> = rest
        .iter()
        .filter_map(|message| message["id"].as_str())
        .collect();
    assert_eq!(ids, ["listen", "slow"]);
    assert_eq!(rest[0]["method"], "notifications/cancelled");
    let id = "io.modelcontextprotocol/subscriptionId";
    assert!(
        rest[..2]
            .iter()
            .all(|message| message.to_string().contains(id))
    );
    assert!(status.success() && took < Duration::from_secs(1));
}

#[test]
fn legacy_tools_ask_with_requests() {
    let mut server = Stdin::legacy("2025-11-25");
    let call = json!({"name": "test_sampling", "arguments": {"prompt": "Hi"}});
    server.send(&request(1, "tools/call", call));
    let asked = server.receive();
    assert_eq!(asked["method"], "sampling/createMessage");
    let content = json!({"type": "text", "text": "Hello"});
    let result = json!({"role": "assistant", "model": "m", "content": content});
    server.send(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}));
    assert_eq!(
        server.receive()["result"]["content"][0]["text"],
        "LLM response: Hello"
    );
}

#[test]
fn modern_tools_ask_in_rounds_whose_state_cannot_be_changed() {
    let name = "test_input_required_result_multi_round";
    let answer = |field: &str| json!({"action": "accept", "content": {field: "x"}});
    let mut server = Stdin::start(&[]);
    let first = server.ask(&modern(1, "tools/call", json!({"name": name})));
    let state = first["result"]["requestState"].clone();
    assert_eq!(first["result"]["resultType"], "input_required");
    let round = |state: &Value, name: &str| json!({"name": name, "requestState": state, "inputResponses": {"step1": answer("name")}});
    let forged = json!(format!("{}x", state.as_str().unwrap()));
    let forged = server.ask(&modern(2, "tools/call", round(&forged, name)));
    assert_eq!(forged["error"]["code"], -32602);
    let other = "test_input_required_result_request_state";
    let elsewhere = server.ask(&modern(3, "tools/call", round(&state, other)));
    assert_eq!(elsewhere["error"]["code"], -32602);
    let second = server.ask(&modern(4, "tools/call", round(&state, name)));
    let state = &second["result"]["requestState"];
    let last = json!({
        "name": name,
        "requestState": state,
        "inputResponses": {"step2": answer("color")},
    });
    let last = server.ask(&modern(5, "tools/call", last));
    assert_eq!(last["result"]["content"][0]["text"], "x likes x.");
}

#[test]
fn lists_have_pages_that_end() {
    let mut server = Stdin::start(&[]);
    for list in [
        "tools/list",
        "resources/list",
        "resources/templates/list",
        "prompts/list",
    ] {
        let mut pages = 0;
        let mut params = json!({});
        loop {
            pages += 1;
            let answer = server.ask(&modern(pages, list, params));
            match answer["result"].get("nextCursor") {
                Some(cursor) => params = json!({"cursor": cursor}),
                None => break,
            }
        }
        assert!((2..=9).contains(&pages), "{list} has {pages} page(s)");
        let bad = server.ask(&modern(0, list, json!({"cursor": "bad"})));
        assert_eq!(bad["error"]["code"], -32602);
    }
}

#[test]
fn a_server_has_as_many_tools_as_it_is_told() {
    let names = |arguments: &[&str]| -> Vec<String> {
        let mut server = Stdin::start_with(arguments);
        let answer = server.ask(&modern(1, "tools/list", json!({})));
        assert!(answer["result"].get("nextCursor").is_none());
        let tools = answer["result"]["tools"].as_array().unwrap();
        tools
            .iter()
            .map(|tool| tool["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let few = names(&["--tools", "2"]);
    assert_eq!(few.len(), 2);
    let many = names(&["--tools", "1000", "--tools-per-page", "1000"]);
    assert_eq!((many.len(), &many[..2]), (1000, &few[..]));
    assert_eq!(many.iter().collect::<HashSet<_>>().len(), 1000);

    let call = |arguments: &[&str], name: &str| {
        let mut server = Stdin::start_with(arguments);
        let params = json!({"name": name, "arguments": {"a": 1, "b": 2}});
        server.ask(&modern(1, "tools/call", params))
    };
    let sum = call(&["--tools", "1000"], "add_999");
    assert_eq!(sum["result"]["structuredContent"]["sum"], 3.0);
    for (arguments, name) in [
        (["--tools", "1000"], "add_1000"),
        (["--tools", "1000"], "add_0999"),
        (["--tools", "2"], "add"),
    ] {
        assert_eq!(call(&arguments, name)["error"]["code"], -32602, "{name}");
    }
}

#[test]
fn batches_belong_to_one_revision() {
    let mut server = Stdin::legacy("2025-03-26");
    server.send(&json!([
        request(1, "ping", json!({})),
        {"jsonrpc": "2.0", "method": "notifications/x"},
        7,
    ]));
    let answers = server.receive();
    assert_eq!(answers[0]["id"], 1);
    assert_eq!(answers[1]["error"]["code"], -32600);
    assert_eq!(answers.as_array().unwrap().len(), 2);
}

#[test]
fn a_fault_shows_and_bad_usage_is_told() {
    let mut server = Stdin::start(&["wrong-id"]);
    server.send(&modern(1, "tools/list", json!({})));
    assert_eq!(server.receive()["id"], "nobody-sent-this");
    let run = |arguments: &[&str]| {
        let program = env!("CARGO_BIN_EXE_mcp-reference-server");
        let output = Command::new(program).args(arguments).output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, text) = run(&["--stdio", "--fault", "wrong-ids"]);
    assert_eq!(code, Some(2));
    assert!(text.contains("did you mean \"wrong-id\"?"), "{text}");
    assert_eq!(run(&[]).0, Some(2));
    let elsewhere = ["--http", "192.0.2.1:1"];
    let (code, text) = run(&elsewhere);
    assert_eq!(code, Some(2));
    assert!(text.contains("can be reached from elsewhere"), "{text}");
    let (code, text) = run(&[&elsewhere[..], &["--anonymous"]].concat());
    assert_eq!(code, Some(3));
    assert!(text.contains("cannot listen on"), "{text}");
}
