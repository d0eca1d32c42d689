//! Whatever valid requests the reference server gets, each message that it sends is valid.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use mcp_conform::message::{self, Kind};
use mcp_conform::revision::{Era, Revision, client_info};
use mcp_conform::wire::{self, WireSchema};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::document::{Document, reference, table};
use super::generate::instance;

/// Longer than any tool takes.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn what_the_reference_server_sends_is_valid() {
    for revision in Revision::ALL {
        let client = RefCell::new(Client::open(revision));
        let calls = proptest::collection::vec(call(), 1..8);
        let mut runner = TestRunner::new(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::with_cases(32)
        });
        let outcome = runner.run(&calls, |calls| {
            for call in calls {
                client.borrow_mut().play(call)?;
            }
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("{revision}: {error}");
        }
        let client = client.into_inner();
        assert!(
            client.results > 25,
            "{revision}: only {} results",
            client.results
        );
    }
}

/// A request to make.
#[derive(Debug, Clone)]
struct Call {
    method: Index,
    /// Which of the things it is for; none: mostly nothing of that name is there.
    offer: Option<Index>,
    numbers: Vec<u16>,
}

fn call() -> impl Strategy<Value = Call> {
    let numbers = proptest::collection::vec(any::<u16>(), 0..60);
    let offer = proptest::option::weighted(0.8, any::<Index>());
    (any::<Index>(), offer, numbers).prop_map(|(method, offer, numbers)| Call {
        method,
        offer,
        numbers,
    })
}

struct Client {
    revision: Revision,
    schema: &'static WireSchema,
    document: Document,
    /// The requests that a client may send, by their methods, with their schemas.
    methods: Vec<(String, &'static Value)>,
    /// What the server lists, and what takes the place of the params that name it.
    offers: Vec<(&'static str, Value)>,
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    ids: u64,
    results: u32,
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Client {
    fn open(revision: Revision) -> Client {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mcp-conform"))
            .args(["serve", "--stdio", "--log", "off"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        let document = Document::ours(revision);
        let methods = table(document.value, "requests")
            .into_iter()
            .filter(|(_, entry)| entry["from"] != "server")
            .map(|(method, entry)| (method, document.resolve(reference(&entry, "request"))))
            // A session is opened once, and a subscription is not answered until it ends.
            .filter(|(method, _)| {
                !["initialize", "subscriptions/listen"].contains(&method.as_str())
            });
        let mut client = Client {
            revision,
            schema: wire::schemas(revision).unwrap(),
            methods: methods.collect(),
            document,
            offers: Vec::new(),
            input: child.stdin.take().unwrap(),
            child,
            lines,
            ids: 0,
            results: 0,
        };
        if revision.era() == Era::Legacy {
            let params = json!({ "protocolVersion": revision, "capabilities": capabilities(), "clientInfo": client_info() });
            let opened = client.ask("initialize", params).unwrap();
            assert_eq!(opened["result"]["protocolVersion"], json!(revision));
            client.write(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        }
        client.list();
        client
    }

    /// Finds out what can be called, read and got, with fitting arguments.
    fn list(&mut self) {
        for (method, list, use_it) in [
            ("tools/list", "tools", "tools/call"),
            ("prompts/list", "prompts", "prompts/get"),
            ("resources/list", "resources", "resources/read"),
        ] {
            let mut cursor = None;
            loop {
                let params = cursor.map_or(json!({}), |cursor: Value| json!({ "cursor": cursor }));
                let page = self.ask(method, params).unwrap()["result"].clone();
                for item in message::items(&page, list) {
                    self.offers.push((use_it, params_of(item)));
                }
                match page.get("nextCursor") {
                    Some(next) => cursor = Some(next.clone()),
                    None => break,
                }
            }
        }
        assert!(self.offers.len() > 20);
    }

    /// Sends a valid request and looks at everything until its answer has come.
    fn play(
        &mut self,
        Call {
            method,
            offer,
            numbers,
        }: Call,
    ) -> Result<(), TestCaseError> {
        let (method, schema) = method.get(&self.methods).clone();
        let request = instance(&self.document, schema, numbers);
        prop_assume!(self.document.validator(schema).is_valid(&request));
        let mut params = request["params"].clone();
        let offers: Vec<&Value> = self
            .offers
            .iter()
            .filter(|(use_it, _)| *use_it == method)
            .map(|(_, params)| params)
            .collect();
        if let Some(offer) = offer.filter(|_| !offers.is_empty()) {
            for (name, value) in offer.get(&offers).as_object().unwrap() {
                params[name] = value.clone();
            }
        }
        self.ask(&method, params)?;
        Ok(())
    }

    fn ask(&mut self, method: &str, mut params: Value) -> Result<Value, TestCaseError> {
        self.ids += 1;
        if !params.is_object() {
            params = json!({});
        }
        if self.revision.era() == Era::Modern {
            let meta = &mut params["_meta"];
            meta["io.modelcontextprotocol/protocolVersion"] = json!(self.revision);
            meta["io.modelcontextprotocol/clientCapabilities"] = capabilities();
            meta["io.modelcontextprotocol/clientInfo"] = client_info();
        }
        let request =
            json!({ "jsonrpc": "2.0", "id": self.ids, "method": method, "params": params });
        prop_assert_eq!(
            self.schema.client_message(&request, None),
            [],
            "{}",
            request
        );
        self.write(&request);
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no answer to {request}"));
            let message: Value = serde_json::from_str(&line).unwrap();
            let answers = message::kind(&message)
                == (Kind::Response {
                    id: Some(&request["id"]),
                });
            let violations = self
                .schema
                .server_message(&message, answers.then_some(method));
            prop_assert_eq!(violations, [], "{} after {}", message, request);
            if answers {
                self.results += u32::from(message.get("result").is_some());
                return Ok(message);
            }
            if let Kind::Request { id, method } = message::kind(&message) {
                self.write(&json!({ "jsonrpc": "2.0", "id": id, "result": reply(method) }));
            }
        }
    }

    fn write(&mut self, message: &Value) {
        self.input
            .write_all(format!("{message}\n").as_bytes())
            .unwrap();
        self.input.flush().unwrap();
    }
}

/// What we declare: every revision knows some of it.
fn capabilities() -> Value {
    json!({ "roots": {}, "sampling": { "tools": {} }, "elicitation": { "form": {}, "url": {} } })
}

fn reply(method: &str) -> Value {
    match method {
        "sampling/createMessage" => {
            json!({ "role": "assistant", "content": { "type": "text", "text": "a" }, "model": "m", "stopReason": "endTurn" })
        }
        "elicitation/create" => json!({ "action": "decline" }),
        "roots/list" => json!({ "roots": [{ "uri": "file:///a" }] }),
        _ => json!({}),
    }
}

/// The params that use what is listed.
fn params_of(item: &Value) -> Value {
    if let Some(uri) = item.get("uri") {
        return json!({ "uri": uri });
    }
    let mut params = json!({ "name": item["name"], "arguments": {} });
    for argument in message::items(item, "arguments") {
        params["arguments"][argument["name"].as_str().unwrap()] = json!("a");
    }
    let schema = &item["inputSchema"];
    for name in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        params["arguments"][name] = match schema["properties"][name]["type"].as_str() {
            Some("integer" | "number") => json!(1),
            Some("boolean") => json!(true),
            Some("array") => json!([]),
            Some("object") => json!({}),
            _ => json!("a"),
        };
    }
    params
}
