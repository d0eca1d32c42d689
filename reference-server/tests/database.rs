//! The database through the protocol: the tool, the resources, the prompt, and who hears of changes.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::{Duration, Instant};

use common::{Http, Response, Stdin, modern, request};
use serde_json::{Value, json};

fn query(arguments: Value) -> Value {
    modern(
        1,
        "tools/call",
        json!({"name": "query_database", "arguments": arguments}),
    )
}

#[test]
fn a_query_is_answered_for_programs_and_for_people() {
    let mut server = Stdin::start(&[]);
    let sql = "SELECT name, price FROM products WHERE price > :least ORDER BY name";
    let answer = server.ask(&query(
        json!({"sql": sql, "parameters": {"least": 20}, "timeoutMs": 1000}),
    ));
    let result = &answer["result"];
    let expected = json!({
        "columns": ["name", "price"],
        "rows": [["Compass", 31.25], ["Lantern", 24.5]],
        "changes": 0,
        "truncated": false,
    });
    assert_eq!(result["structuredContent"], expected);
    let text = result["content"][0]["text"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), expected);
    let mut sorry = |arguments: Value| {
        let answer = server.ask(&query(arguments));
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        answer["result"]["content"][0]["text"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(sorry(json!({"sql": "SELECT nonsense"})).contains("no such column"));
    assert!(sorry(json!({"sql": "SELECT 1; SELECT 2"})).contains("exactly one"));
    assert!(sorry(json!({"sql": "DROP TABLE orders"})).contains("needs the role admin"));
    assert!(sorry(json!({"sql": "SELECT ?"})).contains("parameters do not fit"));
    assert!(sorry(json!({"sql": "SELECT 1", "timeoutMs": 0})).contains("timeoutMs"));
}

#[test]
fn a_slow_query_holds_up_nobody_and_ends() {
    let mut server = Stdin::start(&[]);
    let endless =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    server.send(&query(json!({"sql": endless, "timeoutMs": 300})));
    let quick = server.ask(&modern(2, "server/discover", json!({})));
    assert!(quick["result"].is_object());
    let slow = server.receive();
    let text = slow["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("time limit"), "{slow}");
    // One that is abandoned ends with the client, long before its time.
    server.send(&query(json!({"sql": endless, "timeoutMs": 30_000})));
    let (rest, status, took) = server.close();
    assert_eq!((rest.len(), status.code()), (0, Some(0)));
    assert!(took.as_secs() < 10, "{took:?}");
}

#[test]
fn a_statement_that_takes_for_ever_to_prepare_holds_up_nobody() {
    let server = Http::start(&["--log", "off"]);
    // Each table stands for two of the one before, in the plan as well.
    let doubled = (1..=30).map(|n| format!("t{n} AS (SELECT 1 FROM t{0} p, t{0} q)", n - 1));
    let doubled = doubled.collect::<Vec<_>>().join(", ");
    let sql = format!("WITH t0 AS (SELECT 1), {doubled} SELECT 1 FROM t30");
    let message = query(json!({"sql": sql, "timeoutMs": 500}));
    let headers = [
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "query_database"),
    ];
    let endless = [(); 4].map(|()| server.open("POST", &headers, &message.to_string()));
    assert_eq!(server.modern("server/discover", json!({})).status, 200);
    for connection in endless {
        let response = Response::read(connection);
        let answer = response.events().pop();
        let answer = answer.unwrap_or_else(|| response.json());
        assert_eq!(answer["result"]["isError"], true, "{answer}");
    }
}

#[test]
fn a_statement_is_held_to_its_time_and_memory_whatever_it_does() {
    let mut server = Stdin::start(&[]);
    let mut sorry = |sql: &str, time: u64| {
        let begun = Instant::now();
        let answer = server.ask(&query(json!({"sql": sql, "timeoutMs": time})));
        assert_eq!(answer["result"]["isError"], true, "{sql}: {answer}");
        assert!(
            begun.elapsed() < Duration::from_secs(time / 1000 + 5),
            "{sql}"
        );
        answer["result"]["content"][0]["text"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)";
    // What takes time with the square of its arguments gets short ones.
    let found = |size: u32| {
        format!("instr(printf('%.*c', {size}, 'a'), printf('%.*c', {size} / 2, 'a') || 'b')")
    };
    let text = sorry(&format!("SELECT {}", found(1_000_000)), 500);
    assert!(text.contains("too big"), "{text}");
    let text = sorry(
        &format!("{endless} SELECT {} + i FROM n WHERE i < 0", found(60_000)),
        500,
    );
    assert!(text.contains("time limit"), "{text}");
    let long = "CAST(zeroblob(100000) AS TEXT) || i";
    let sql = format!("{endless} SELECT i FROM (SELECT i, {long} t FROM n LIMIT 6000) ORDER BY t");
    let text = sorry(&sql, 30_000);
    assert!(text.contains("memory limit"), "{text}");
    let answer = server.ask(&query(json!({"sql": "SELECT 1"})));
    assert_eq!(answer["result"]["structuredContent"]["rows"], json!([[1]]));
}

#[test]
fn tables_are_resources_and_their_watchers_hear_of_changes() {
    let mut server = Stdin::start_with(&["--role", "admin"]);
    let table = |name: &str| format!("resource://database/table/{name}");
    server.send(&modern(
        "watch",
        "subscriptions/listen",
        json!({"notifications": {
            "resourcesListChanged": true, "resourceSubscriptions": [table("orders")],
        }}),
    ));
    server.receive();
    let mut change = |sql: &str, methods: &[&str]| {
        server.send(&query(json!({"sql": sql})));
        let mut heard = Vec::new();
        loop {
            let message = server.receive();
            if message["id"] == 1 {
                assert!(
                    message["result"]["structuredContent"].is_object(),
                    "{message}"
                );
                break;
            }
            heard.push(message["method"].as_str().unwrap().to_owned());
        }
        assert_eq!(heard, methods, "{sql}");
    };
    let updated = "notifications/resources/updated";
    let listed = "notifications/resources/list_changed";
    change("UPDATE orders SET quantity = 7", &[updated]);
    change("UPDATE products SET stock = 7", &[]);
    change("UPDATE orders SET quantity = 7 WHERE id = 1000", &[]);
    change("CREATE TABLE \"odd name/%\" (x)", &[listed]);
    change("SELECT * FROM orders", &[]);
    let odd = table("odd%20name%2F%25");
    let answer = server.ask(&modern(2, "resources/read", json!({"uri": odd})));
    let text = answer["result"]["contents"][0]["text"].as_str().unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(text).unwrap()["columns"],
        json!(["x"])
    );
    let params = json!({
        "ref": {"type": "ref/resource", "uri": table("{name}")},
        "argument": {"name": "name", "value": "o"},
    });
    let answer = server.ask(&modern(3, "completion/complete", params));
    assert_eq!(
        answer["result"]["completion"]["values"],
        json!(["odd name/%", "orders"])
    );
    let missing = modern(4, "resources/read", json!({"uri": table("nowhere")}));
    assert_eq!(server.ask(&missing)["error"]["code"], -32602);
    let params =
        json!({"name": "propose_query", "arguments": {"table": "orders", "question": "How many?"}});
    let answer = server.ask(&modern(5, "prompts/get", params));
    let text = answer["result"]["messages"][0]["content"]["text"]
        .as_str()
        .unwrap();
    for part in [
        "CREATE TABLE orders",
        "query_database",
        "How many?",
        "admin",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn over_http_a_session_hears_of_changes_too() {
    let server = Http::start(&["--role", "writer", "--log", "off"]);
    let id = server.session("2025-11-25");
    let headers = [("Mcp-Session-Id", id.as_str())];
    let uri = "resource://database/table/products";
    let listed = server.post(
        &headers,
        &request(1, "resources/list", json!({"cursor": null})),
    );
    assert_eq!(listed.status, 200);
    let subscribed = server.post(
        &headers,
        &request(2, "resources/subscribe", json!({"uri": uri})),
    );
    assert_eq!(subscribed.json()["result"], json!({}));
    let call = json!({"name": "query_database", "arguments": {
        "sql": "INSERT INTO products (name, price) VALUES (?, ?)", "parameters": ["Tent", 99.5],
    }});
    let answer = server.post(&headers, &request(3, "tools/call", call));
    assert_eq!(answer.answer()["result"]["structuredContent"]["changes"], 1);
    use std::io::{BufRead, BufReader};
    let stream = BufReader::new(server.open("GET", &headers, ""));
    let event = stream.lines().map_while(Result::ok);
    let mut event = event.filter_map(|line| line.strip_prefix("data: ").map(str::to_owned));
    let event = event.find(|data| data.starts_with('{')).unwrap();
    let event: Value = serde_json::from_str(&event).unwrap();
    assert_eq!(event["params"]["uri"], uri);
}
