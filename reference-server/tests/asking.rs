//! What tools ask of the client beyond simple forms and samples: pages, models with tools, roots that change.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{Stdin, modern, request};
use serde_json::{Value, json};

/// A session of a client that declares these capabilities.
fn session(capabilities: Value) -> Stdin {
    let mut server = Stdin::start(&[]);
    let mut hello = common::initialize("2025-11-25");
    hello["params"]["capabilities"] = capabilities;
    server.ask(&hello);
    server.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    server
}

fn call(id: u32, name: &str, arguments: Value) -> Value {
    request(
        id,
        "tools/call",
        json!({"name": name, "arguments": arguments}),
    )
}

fn answer(asked: &Value, result: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": asked["id"], "result": result})
}

/// A modern request of a client that declares these capabilities.
fn declaring(id: u32, capabilities: Value, params: Value) -> Value {
    let mut message = modern(id, "tools/call", params);
    message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities;
    message
}

fn said(reply: &Value) -> &str {
    let text = reply["result"]["content"][0]["text"].as_str();
    text.unwrap_or_else(|| panic!("no text: {reply}"))
}

#[test]
fn a_user_is_sent_to_a_page_and_the_client_hears_when_they_are_back() {
    let mut server = session(json!({"elicitation": {"url": {}}}));
    server.send(&call(1, "test_elicitation_url", json!({})));
    let asked = server.receive();
    assert_eq!(asked["params"]["mode"], "url");
    let id = asked["params"]["elicitationId"].as_str().unwrap();
    assert!(
        asked["params"]["url"]
            .as_str()
            .unwrap()
            .starts_with("https://")
    );
    server.send(&answer(&asked, json!({"action": "accept"})));
    let complete = server.receive();
    assert_eq!(complete["method"], "notifications/elicitation/complete");
    assert_eq!(complete["params"]["elicitationId"], id);
    assert!(said(&server.receive()).ends_with("action=accept"));

    server.send(&call(2, "test_elicitation_url", json!({})));
    let asked = server.receive();
    assert_ne!(
        asked["params"]["elicitationId"], id,
        "ids are not used again"
    );
    server.send(&answer(&asked, json!({"action": "decline"})));
    assert!(said(&server.receive()).ends_with("action=decline"));
}

#[test]
fn a_tool_that_needs_a_page_says_so_until_the_user_was_there() {
    let mut server = session(json!({"elicitation": {"url": {}}}));
    let name = "test_url_elicitation_required";
    let refused = server.ask(&call(1, name, json!({})))["error"].clone();
    assert_eq!(refused["code"], -32042);
    let page = &refused["data"]["elicitations"][0];
    assert_eq!(page["mode"], "url");
    let complete = server.receive();
    assert_eq!(complete["method"], "notifications/elicitation/complete");
    assert_eq!(complete["params"]["elicitationId"], page["elicitationId"]);
    let served = server.ask(&call(2, name, json!({})));
    assert_eq!(said(&served), "The account is connected.");
}

#[test]
fn nobody_is_sent_to_a_page_who_did_not_declare_that() {
    for capabilities in [
        json!({}),
        json!({"elicitation": {}}),
        json!({"elicitation": {"form": {}}}),
    ] {
        let mut server = session(capabilities.clone());
        for name in ["test_elicitation_url", "test_url_elicitation_required"] {
            let refused = server.ask(&call(1, name, json!({})));
            assert_eq!(refused["result"]["isError"], true, "{refused}");
            let params = json!({"name": name});
            let refused = server.ask(&declaring(2, capabilities.clone(), params));
            assert_eq!(refused["error"]["code"], -32021, "{refused}");
            let required = &refused["error"]["data"]["requiredCapabilities"];
            assert_eq!(required, &json!({"elicitation": {"url": {}}}));
        }
    }
}

#[test]
fn modern_clients_visit_pages_between_rounds() {
    let mut server = Stdin::start(&[]);
    let client = || json!({"elicitation": {"url": {}}});
    for (id, name) in [
        (1, "test_elicitation_url"),
        (3, "test_url_elicitation_required"),
    ] {
        let first = server.ask(&declaring(id, client(), json!({"name": name})));
        let page = &first["result"]["inputRequests"]["page"]["params"];
        assert_eq!(page["mode"], "url", "{first}");
        assert!(
            page.get("elicitationId").is_none(),
            "this revision has none"
        );
        let state = &first["result"]["requestState"];
        assert!(state.is_string());
        let visited = json!({"page": {"action": "accept"}});
        let again = json!({"name": name, "requestState": state, "inputResponses": visited});
        let second = server.ask(&declaring(id + 1, client(), again));
        assert!(said(&second).ends_with("action=accept"));
    }
}

/// What a model says that wants to know two temperatures.
fn two_uses() -> Value {
    let used = |id: &str, city: &str| json!({"type": "tool_use", "id": id, "name": "get_temperature", "input": {"city": city}});
    let content = json!([used("a", "Paris"), used("b", "Oslo")]);
    json!({"role": "assistant", "model": "m", "stopReason": "toolUse", "content": content})
}

fn final_words() -> Value {
    let content = json!({"type": "text", "text": "It is mild."});
    json!({"role": "assistant", "model": "m", "stopReason": "endTurn", "content": content})
}

/// Whether a request to sample continues `two_uses` with both results and nothing else.
fn continues(params: &Value) {
    let messages = params["messages"].as_array().unwrap();
    let [prompt, uses, results] = &messages[..] else {
        panic!("three messages: {params}");
    };
    assert_eq!(prompt["content"]["text"], "Warm?");
    assert_eq!(
        (&uses["role"], &uses["content"]),
        (&json!("assistant"), &two_uses()["content"])
    );
    assert_eq!(results["role"], "user");
    let results = results["content"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for (result, id) in results.iter().zip(["a", "b"]) {
        assert_eq!(
            (&result["type"], &result["toolUseId"]),
            (&json!("tool_result"), &json!(id))
        );
    }
}

#[test]
fn a_model_uses_tools_and_gets_every_result() {
    let mut server = session(json!({"sampling": {"tools": {}}}));
    let prompt = json!({"prompt": "Warm?"});
    server.send(&call(1, "test_sampling_with_tools", prompt.clone()));
    let first = server.receive();
    assert_eq!(first["params"]["toolChoice"], json!({"mode": "auto"}));
    assert_eq!(first["params"]["tools"][0]["name"], "get_temperature");
    server.send(&answer(&first, two_uses()));
    let second = server.receive();
    continues(&second["params"]);
    server.send(&answer(&second, final_words()));
    assert_eq!(said(&server.receive()), "LLM response: It is mild.");

    server.send(&call(2, "test_sampling_with_tools", prompt));
    for choice in ["auto", "auto", "none"] {
        let asked = server.receive();
        assert_eq!(asked["params"]["toolChoice"]["mode"], choice);
        server.send(&answer(&asked, two_uses()));
    }
    let given_up = server.receive();
    assert_eq!(given_up["result"]["isError"], true, "a loop has an end");
}

#[test]
fn a_model_uses_tools_between_rounds() {
    let mut server = Stdin::start(&[]);
    let client = || json!({"sampling": {"tools": {}}});
    let mut params = json!({"name": "test_sampling_with_tools", "arguments": {"prompt": "Warm?"}});
    let first = server.ask(&declaring(1, client(), params.clone()));
    assert!(
        first["result"]["inputRequests"]["turn1"].is_object(),
        "{first}"
    );
    params["inputResponses"] = json!({"turn1": two_uses()});
    let second = server.ask(&declaring(2, client(), params.clone()));
    continues(&second["result"]["inputRequests"]["turn2"]["params"]);
    params["inputResponses"] = json!({"turn2": final_words()});
    params["requestState"] = second["result"]["requestState"].clone();
    let last = server.ask(&declaring(3, client(), params));
    assert_eq!(said(&last), "LLM response: It is mild.");
}

#[test]
fn tools_and_context_go_only_to_clients_that_declare_them() {
    let with_context = json!({"prompt": "Hi", "includeContext": "thisServer"});
    let mut server = session(json!({"sampling": {}}));
    for (name, arguments) in [
        ("test_sampling_with_tools", json!({"prompt": "Hi"})),
        ("test_sampling", with_context.clone()),
    ] {
        let refused = server.ask(&call(1, name, arguments));
        assert_eq!(refused["result"]["isError"], true, "{refused}");
    }
    let mut server = session(json!({"sampling": {"context": {}}}));
    server.send(&call(1, "test_sampling", with_context));
    assert_eq!(server.receive()["params"]["includeContext"], "thisServer");
    server.send(&call(2, "test_sampling", json!({"prompt": "Hi"})));
    let asked = server.receive();
    assert!(asked["params"].get("includeContext").is_none(), "{asked}");
}

#[test]
fn a_call_that_is_cancelled_takes_its_open_question_along() {
    let mut server = session(json!({"sampling": {}}));
    let sampling = |id| call(id, "test_sampling", json!({"prompt": "Hello"}));
    let cancel = |id: u32| {
        let params = json!({"requestId": id});
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})
    };
    server.send(&sampling(1));
    let asked = server.receive();
    server.send(&cancel(1));
    let cancelled = server.receive();
    assert_eq!(cancelled["method"], "notifications/cancelled");
    assert_eq!(cancelled["params"]["requestId"], asked["id"]);
    // Of what was answered, or is answered nevertheless, nothing more is said.
    server.send(&answer(&asked, json!({})));
    server.send(&sampling(2));
    let asked = server.receive();
    let content = json!({"type": "text", "text": "Hi"});
    server.send(&answer(
        &asked,
        json!({"role": "assistant", "content": content, "model": "m"}),
    ));
    assert_eq!(said(&server.receive()), "LLM response: Hi");
    server.send(&cancel(2));
    assert_eq!(server.ask(&request(3, "ping", json!({})))["id"], 3);
}

#[test]
fn roots_are_listed_again_when_they_change() {
    let mut server = session(json!({"roots": {"listChanged": true}}));
    let changed = json!({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"});
    let roots = |name: &str| json!({"roots": [{"uri": format!("file:///{name}")}]});
    let list = |id| call(id, "test_list_roots", json!({}));
    server.send(&changed);
    server.send(&list(1));
    let asked = server.receive();
    assert_eq!(asked["method"], "roots/list");
    server.send(&answer(&asked, roots("old")));
    assert_eq!(said(&server.receive()), "Roots: file:///old");
    assert_eq!(
        said(&server.ask(&list(2))),
        "Roots: file:///old",
        "not asked again"
    );
    server.send(&changed);
    let asked = server.receive();
    assert_eq!(asked["method"], "roots/list", "asked again without a call");
    server.send(&answer(&asked, roots("new")));
    server.send(&list(3));
    let mut last = server.receive();
    if last["method"] == "roots/list" {
        // The call was quicker than the news.
        server.send(&answer(&last, roots("new")));
        last = server.receive();
    }
    assert_eq!(said(&last), "Roots: file:///new");
}

#[test]
fn roots_of_a_client_that_tells_no_changes_are_listed_each_time() {
    let mut server = session(json!({"roots": {}}));
    for id in 1..3 {
        server.send(&call(id, "test_list_roots", json!({})));
        let asked = server.receive();
        assert_eq!(asked["method"], "roots/list");
        server.send(&answer(&asked, json!({"roots": []})));
        assert_eq!(server.receive()["id"], id);
    }
}

#[test]
fn a_trace_context_is_accepted_and_one_that_is_none_is_ignored() {
    let mut server = Stdin::start(&[]);
    let good = json!({
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "tracestate": "vendor=1",
        "baggage": "key=value",
    });
    let bad = json!({"traceparent": "zz", "tracestate": 7, "baggage": {"a": []}});
    for meta in [good, bad] {
        let reply = server.ask(&modern(
            1,
            "tools/call",
            json!({"name": "test_simple_text", "_meta": meta}),
        ));
        assert_eq!(reply["result"]["resultType"], "complete", "{reply}");
    }
}
