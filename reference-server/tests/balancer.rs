//! Two servers with one key behind a balancer that sends each connection to the other one of them: a modern client does
//! not notice.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Lines};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use common::{Http, modern};
use serde_json::{Value, json};

/// How many connections each server behind the balancer got.
type Served = Arc<[AtomicUsize; 2]>;

/// Two servers behind a balancer, whose address stands in for that of the first.
struct Pair {
    servers: [Http; 2],
    served: Served,
}

impl Pair {
    /// Starts two servers with these keys, and the balancer.
    fn start(keys: [&str; 2]) -> Self {
        let mut servers = keys.map(|key| Http::start(&["--state-key", key]));
        let served = Served::default();
        let backends = [0, 1].map(|server: usize| servers[server].address.clone());
        servers[0].address = balance(backends, Arc::clone(&served));
        Self { servers, served }
    }

    fn front(&self) -> &Http {
        &self.servers[0]
    }

    /// How many connections each server got.
    fn served(&self) -> [usize; 2] {
        [0, 1].map(|server: usize| self.served[server].load(Ordering::Relaxed))
    }

    fn ask(&self, method: &str, params: Value) -> Value {
        let reply = self.front().modern(method, params).json();
        assert_eq!(reply["error"], Value::Null);
        reply["result"].clone()
    }

    fn call(&self, name: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({"name": name, "arguments": arguments}))
    }

    /// Everything on the list, page by page.
    fn list(&self, method: &str, member: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut params = json!({});
        loop {
            let page = self.ask(method, params);
            items.extend(page[member].as_array().unwrap().clone());
            match page.get("nextCursor") {
                Some(cursor) => params = json!({"cursor": cursor}),
                None => return items,
            }
        }
    }

    /// Sends a request again and again, with the answers that `answer` gives to what it is asked; also says in how many
    /// requests.
    fn rounds(
        &self,
        method: &str,
        params: &Value,
        answer: impl Fn(&Value) -> Value,
    ) -> (Value, usize) {
        let mut request = params.clone();
        for round in 1..10 {
            let result = self.ask(method, request);
            if result["resultType"] == "complete" {
                return (result, round);
            }
            request = params.clone();
            let asked = result["inputRequests"].as_object().unwrap();
            let answers = asked
                .iter()
                .map(|(key, asked)| (key.clone(), answer(asked)));
            request["inputResponses"] = Value::Object(answers.collect());
            if let Some(state) = result.get("requestState") {
                request["requestState"] = state.clone();
            }
        }
        panic!("no end: {params}");
    }
}

/// Sends connections to the two in turn, and to the other one if the one is gone. Lives as long as the test.
fn balance(backends: [String; 2], served: Served) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let turns = [number % 2, (number + 1) % 2];
            let reached = turns.into_iter().find_map(|turn| {
                let server = TcpStream::connect(&backends[turn]).ok()?;
                served[turn].fetch_add(1, Ordering::Relaxed);
                Some(server)
            });
            let (client, server) = (client.unwrap(), reached.unwrap());
            for (from, to) in [(&client, &server), (&server, &client)] {
                let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                thread::spawn(move || pipe(from, to));
            }
        }
    });
    address
}

/// Copies until one side has nothing more to say, and tells the other side.
fn pipe(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// An open subscription to changes of tools.
struct Subscription(Lines<BufReader<TcpStream>>);

impl Subscription {
    fn open(server: &Http, id: &str) -> Self {
        let filter = json!({"notifications": {"toolsListChanged": true}});
        let listen = modern(id, "subscriptions/listen", filter).to_string();
        let headers = [
            ("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", "subscriptions/listen"),
        ];
        let mut opened = Self(BufReader::new(server.open("POST", &headers, &listen)).lines());
        let acknowledged = opened.next().unwrap();
        assert_eq!(
            acknowledged["method"],
            "notifications/subscriptions/acknowledged"
        );
        opened
    }

    /// The next message; nothing at the end of the stream.
    fn next(&mut self) -> Option<Value> {
        let data =
            |line: std::io::Result<String>| Some(line.unwrap().strip_prefix("data: ")?.to_owned());
        let data = self.0.by_ref().find_map(data)?;
        Some(serde_json::from_str(&data).unwrap())
    }
}

/// A client that agrees to everything.
fn agree(asked: &Value) -> Value {
    match asked["method"].as_str().unwrap() {
        "elicitation/create" => {
            let fields = &asked["params"]["requestedSchema"]["properties"];
            let fields = fields.as_object().unwrap().iter().map(|(name, field)| {
                let value = match field["type"].as_str() {
                    Some("boolean") => json!(true),
                    _ => json!("x"),
                };
                (name.clone(), value)
            });
            json!({"action": "accept", "content": Value::Object(fields.collect())})
        }
        "sampling/createMessage" => {
            let content = json!({"type": "text", "text": "Hello"});
            json!({"role": "assistant", "model": "m", "content": content})
        }
        _ => json!({"roots": [{"uri": "file:///a"}]}),
    }
}

#[test]
fn requests_may_go_to_either_server() {
    let pair = Pair::start(["shared", "shared"]);
    assert_eq!(
        pair.ask("server/discover", json!({})),
        pair.ask("server/discover", json!({}))
    );
    assert_eq!(pair.served(), [1, 1], "the balancer takes turns");

    for (method, member) in [
        ("tools/list", "tools"),
        ("prompts/list", "prompts"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
    ] {
        // An odd number of requests in between, so that each page comes from each server once.
        let once = pair.list(method, member);
        pair.ask("server/discover", json!({}));
        assert_eq!(pair.list(method, member), once, "{method}");
        let names: BTreeSet<_> = once.iter().map(|item| item["name"].as_str()).collect();
        assert_eq!(names.len(), once.len(), "{method} repeats something");
    }

    for _ in 0..4 {
        let sum = pair.call("add", json!({"a": 1, "b": 2}));
        assert_eq!(sum["structuredContent"]["sum"], 3.0);
        let read = pair.ask("resources/read", json!({"uri": "test://static-text"}));
        assert_eq!(read["contents"][0]["uri"], "test://static-text");
    }
    let prompt = json!({"name": "test_simple_prompt"});
    assert_eq!(
        pair.ask("prompts/get", prompt.clone()),
        pair.ask("prompts/get", prompt)
    );
    let [one, other] = pair.served();
    assert!(one.abs_diff(other) <= 1, "{one} and {other}");
}

#[test]
fn rounds_go_on_at_the_other_server() {
    let pair = Pair::start(["shared", "shared"]);
    let tool = |name: &str| json!({"name": name});
    for (method, params, requests) in [
        (
            "tools/call",
            tool("test_input_required_result_elicitation"),
            2,
        ),
        (
            "tools/call",
            tool("test_input_required_result_request_state"),
            2,
        ),
        (
            "tools/call",
            tool("test_input_required_result_multiple_inputs"),
            2,
        ),
        (
            "tools/call",
            tool("test_input_required_result_multi_round"),
            3,
        ),
        ("prompts/get", tool("test_input_required_result_prompt"), 2),
    ] {
        // Twice, so that either server has been the first.
        let outcomes = [0, 1].map(|start| {
            if pair.served().iter().sum::<usize>() % 2 != start {
                pair.ask("server/discover", json!({}));
            }
            pair.rounds(method, &params, agree)
        });
        assert_eq!(outcomes[0].1, requests, "{params}");
        assert_eq!(outcomes[0], outcomes[1], "{params}");
    }
}

#[test]
fn each_server_tells_its_subscribers_and_says_goodbye() {
    let mut pair = Pair::start(["shared", "shared"]);
    let mut subscriptions = ["one", "two"].map(|id| Subscription::open(pair.front(), id));
    assert_eq!(pair.served(), [1, 1]);
    // What changes is announced by the server that was told to, so both are.
    for _ in 0..2 {
        pair.call("test_trigger_tool_change", json!({}));
    }
    for (subscription, id) in subscriptions.iter_mut().zip(["one", "two"]) {
        let told = subscription.next().unwrap();
        assert_eq!(told["method"], "notifications/tools/list_changed");
        assert_eq!(
            told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"],
            id
        );
    }

    let first = json!({"name": "test_input_required_result_request_state"});
    let asked = pair.ask("tools/call", first.clone());
    let leaving = &mut pair.servers[0].child;
    let killed = Command::new("kill").arg(leaving.id().to_string()).status();
    assert!(killed.unwrap().success());
    let [mut left, mut kept] = subscriptions;
    let goodbye = [left.next().unwrap(), left.next().unwrap()];
    assert_eq!(goodbye[0]["method"], "notifications/cancelled");
    assert_eq!(
        (&goodbye[1]["id"], &goodbye[1]["result"]["resultType"]),
        (&json!("one"), &json!("complete"))
    );
    assert!(left.next().is_none());
    assert!(leaving.wait().unwrap().success());

    // The other server takes over whatever was begun.
    let mut renewed = Subscription::open(pair.front(), "three");
    let mut again = first;
    again["requestState"] = asked["requestState"].clone();
    again["inputResponses"] = json!({"confirm": agree(&asked["inputRequests"]["confirm"])});
    assert_eq!(
        pair.ask("tools/call", again)["content"][0]["text"],
        "state-ok"
    );
    pair.call("test_trigger_tool_change", json!({}));
    for subscription in [&mut renewed, &mut kept] {
        assert_eq!(
            subscription.next().unwrap()["method"],
            "notifications/tools/list_changed"
        );
    }
}

#[test]
fn servers_with_different_keys_refuse_each_others_states() {
    let pair = Pair::start(["one", "another"]);
    let name = "test_input_required_result_request_state";
    let asked = pair.ask("tools/call", json!({"name": name}));
    let again = json!({
        "name": name,
        "requestState": asked["requestState"],
        "inputResponses": {"confirm": agree(&asked["inputRequests"]["confirm"])},
    });
    let refused = pair.front().modern("tools/call", again.clone()).json();
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
    let served = pair.front().modern("tools/call", again).json();
    assert_eq!(
        served["result"]["resultType"], "complete",
        "the first one knows its own: {served}"
    );
    assert_eq!(pair.served(), [2, 1]);
}
