//! The HTTP+SSE transport of 2024-11-05.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;

use common::{Http, initialize, request, soon};
use serde_json::{Value, json};

/// A client with an open stream.
struct Client<'a> {
    server: &'a Http,
    events: BufReader<TcpStream>,
    /// Where it shall post.
    endpoint: String,
}

impl Client<'_> {
    fn connect(server: &Http) -> Client<'_> {
        let accept = [("Accept", "text/event-stream")];
        let mut client = Client {
            server,
            events: BufReader::new(server.open_at("/sse", "GET", &accept, "")),
            endpoint: String::new(),
        };
        let (kind, endpoint) = client.event();
        assert_eq!(kind, "endpoint");
        client.endpoint = endpoint;
        client
    }

    /// The type and the data of the next event.
    fn event(&mut self) -> (String, String) {
        let mut kind = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.events.read_line(&mut line).unwrap(), 0, "the end");
            let line = line.trim_end();
            if let Some(value) = line.strip_prefix("event: ") {
                kind = value.to_owned();
            }
            if let Some(data) = line.strip_prefix("data: ") {
                return (kind, data.to_owned());
            }
        }
    }

    fn receive(&mut self) -> Value {
        let (kind, data) = self.event();
        assert_eq!(kind, "message");
        serde_json::from_str(&data).unwrap()
    }

    fn post(&self, body: &str) -> u16 {
        let response = self.server.request_at(&self.endpoint, "POST", &[], body);
        assert_eq!(response.body, "", "answers come on the stream");
        response.status
    }

    fn ask(&mut self, message: &Value) -> Value {
        assert_eq!(self.post(&message.to_string()), 202);
        self.receive()
    }
}

#[test]
fn answers_come_on_the_stream() {
    let server = Http::start(&[]);
    let mut client = Client::connect(&server);
    let early = client.ask(&request(0, "tools/list", json!({})));
    assert_eq!(early["error"]["code"], -32602);
    let opened = client.ask(&initialize("2024-11-05"));
    assert_eq!(opened["result"]["protocolVersion"], "2024-11-05");
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(client.post(&initialized.to_string()), 202);
    let call = json!({"name": "wait", "arguments": {"milliseconds": 1}});
    let called = client.ask(&request("call", "tools/call", call));
    assert_eq!(called["id"], "call");
    assert!(called["result"]["content"].is_array(), "{called}");
    assert_eq!(client.post("{not json"), 202);
    assert_eq!(client.receive()["error"]["code"], -32700);
    assert_eq!(client.post("[]"), 202);
    assert_eq!(client.receive()["error"]["code"], -32600);
}

#[test]
fn no_other_revision_is_spoken() {
    let server = Http::start(&[]);
    for asked in ["2025-11-25", "2026-07-28", "1999-01-01"] {
        let mut client = Client::connect(&server);
        let opened = client.ask(&initialize(asked));
        assert_eq!(opened["result"]["protocolVersion"], "2024-11-05", "{asked}");
    }
    let modern = common::modern(1, "tools/list", json!({}));
    let answer = Client::connect(&server).ask(&modern);
    assert_eq!(answer["error"]["code"], -32602);
}

#[test]
fn each_client_has_its_own_stream_and_session() {
    let server = Http::start(&[]);
    let mut clients = [Client::connect(&server), Client::connect(&server)];
    assert_ne!(clients[0].endpoint, clients[1].endpoint);
    clients[0].ask(&initialize("2024-11-05"));
    for (id, client) in clients.iter().enumerate() {
        let ping = request(id, "ping", json!({}));
        assert_eq!(client.post(&ping.to_string()), 202);
    }
    for (id, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.receive()["id"], id);
    }
}

#[test]
fn a_session_ends_with_its_stream() {
    let server = Http::start(&[]);
    let client = Client::connect(&server);
    let endpoint = client.endpoint.clone();
    drop(client);
    let ping = request(1, "ping", json!({})).to_string();
    soon(|| {
        let status = server.request_at(&endpoint, "POST", &[], &ping).status;
        (status == 404).then_some(())
    });
    Client::connect(&server);
}

#[test]
fn what_is_no_message_for_us_is_refused_by_status() {
    let server = Http::start(&[]);
    let status = |path: &str, method: &str, headers: &[(&str, &str)], body: &str| {
        server.request_at(path, method, headers, body).status
    };
    assert_eq!(
        status("/sse", "POST", &[], "{}"),
        405,
        "so clients fall back"
    );
    assert_eq!(status("/sse", "GET", &[("Accept", "text/html")], ""), 406);
    let foreign = ("Origin", "http://evil.example");
    assert_eq!(status("/sse", "GET", &[foreign], ""), 403);
    assert_eq!(status("/sse", "GET", &[("Host", "evil.example")], ""), 403);
    let unknown = "/sse/messages?session=0";
    for path in ["/sse/messages", unknown] {
        assert_eq!(status(path, "POST", &[], "{}"), 404);
    }
    assert_eq!(status(unknown, "GET", &[], ""), 405);
    let mut client = Client::connect(&server);
    let endpoint = client.endpoint.clone();
    assert_eq!(status(&endpoint, "POST", &[foreign], "{}"), 403);
    let text = [("Content-Type", "text/plain")];
    assert_eq!(status(&endpoint, "POST", &text, "{}"), 415);
    let huge = "x".repeat(3 << 20);
    assert_eq!(status(&endpoint, "POST", &[], &huge), 413);
    assert_eq!(
        client.ask(&request(1, "ping", json!({})))["result"],
        json!({})
    );
}

#[test]
fn clients_beyond_the_limits_are_refused() {
    for limit in ["--max-sessions", "--max-streams"] {
        let server = Http::start(&[limit, "1"]);
        let only = Client::connect(&server);
        assert_eq!(server.request_at("/sse", "GET", &[], "").status, 503);
        drop(only);
        soon(|| {
            let mut status = String::new();
            let stream = server.open_at("/sse", "GET", &[], "");
            BufReader::new(stream).read_line(&mut status).unwrap();
            status.contains(" 200 ").then_some(())
        });
    }
}

#[test]
fn a_client_that_does_not_read_loses_its_stream() {
    let server = Http::start(&[]);
    let mut client = Client::connect(&server);
    client.ask(&initialize("2024-11-05"));
    // Each answer repeats the method. So much fits neither into the queue nor into what the system holds for a connection.
    let unknown = request(1, &"x".repeat(1 << 20), json!({})).to_string();
    let sent = 32;
    for _ in 0..sent {
        assert_eq!(client.post(&unknown), 202);
    }
    let answers = client.events.by_ref().lines().map_while(Result::ok);
    let received = answers.filter(|line| line.starts_with("data: ")).count();
    assert!((1..sent).contains(&received), "{received}");
    let status = || {
        server
            .request_at(&client.endpoint, "POST", &[], "{}")
            .status
    };
    soon(|| (status() == 404).then_some(()));
    assert_eq!(
        Client::connect(&server).ask(&initialize("2024-11-05"))["id"],
        "init"
    );
}
