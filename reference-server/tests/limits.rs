//! Every limit is hit, and the next caller is served.

#![allow(clippy::unwrap_used)]
mod common;

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use common::{Http, Response, Stdin, initialize, modern, request, soon};
use serde_json::{Value, json};

const DISCOVER: [(&str, &str); 2] = [
    ("MCP-Protocol-Version", "2026-07-28"),
    ("Mcp-Method", "server/discover"),
];
const LISTEN: [(&str, &str); 2] = [
    ("MCP-Protocol-Version", "2026-07-28"),
    ("Mcp-Method", "subscriptions/listen"),
];

/// The next caller is served.
fn serves(server: &Http) {
    assert_eq!(server.modern("server/discover", json!({})).status, 200);
}

/// Reads what comes up to the end of the connection, which must come.
fn rest(mut stream: &TcpStream) -> String {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    String::from_utf8(rest).unwrap()
}

/// Opens a subscription, and reads that it is open; or that it is not, with the status.
fn listen(server: &Http) -> Result<BufReader<TcpStream>, u16> {
    let filter = json!({"notifications": {"toolsListChanged": true}});
    let message = modern("sub", "subscriptions/listen", filter).to_string();
    let mut stream = BufReader::new(server.open("POST", &LISTEN, &message));
    let mut status = String::new();
    stream.read_line(&mut status).unwrap();
    match status.split(' ').nth(1).unwrap().parse().unwrap() {
        200 => {}
        status => return Err(status),
    }
    let acknowledged = |line: &String| line.contains("acknowledged");
    assert!(
        stream
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .any(|line| acknowledged(&line))
    );
    Ok(stream)
}

#[test]
fn a_client_that_sends_nothing_more_is_dropped() {
    let server = Http::start(&["--client-timeout", "0.5"]);
    let silent = server.connect();
    let mut begun = server.connect();
    begun.write_all(b"POST /mcp HTTP/1.1\r\nHost: loc").unwrap();
    let mut slow = server.connect();
    let whole = server.bytes("POST", &DISCOVER, &" ".repeat(100));
    slow.write_all(&whole[..whole.len() - 1]).unwrap();
    let mut idle = server.connect();
    let message = modern(1, "server/discover", json!({})).to_string();
    let keep = [DISCOVER[0], DISCOVER[1], ("Connection", "keep-alive")];
    idle.write_all(&server.bytes("POST", &keep, &message))
        .unwrap();
    assert_eq!(rest(&silent), "");
    assert_eq!(rest(&begun), "");
    assert_eq!(Response::read(slow).status, 408);
    let answered = rest(&idle);
    assert!(answered.starts_with("HTTP/1.1 200"), "{answered}");
    serves(&server);
}

#[test]
fn a_client_that_reads_nothing_is_dropped() {
    let server = Http::start(&["--client-timeout", "0.5"]);
    let arguments = json!({"name": "x".repeat(1_900_000)});
    let params = json!({"name": "json_schema_2020_12_tool", "arguments": arguments});
    let message = modern(1, "tools/call", params).to_string();
    let headers = [
        DISCOVER[0],
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "json_schema_2020_12_tool"),
        ("Connection", "keep-alive"),
    ];
    let call = server.bytes("POST", &headers, &message);
    let mut stream = server.connect();
    let patience = Some(Duration::from_secs(10));
    stream.set_write_timeout(patience).unwrap();
    let error = (0..100).find_map(|_| stream.write_all(&call).err());
    let kind = error.map(|error| error.kind());
    let dropped = [
        Some(ErrorKind::ConnectionReset),
        Some(ErrorKind::BrokenPipe),
    ];
    assert!(dropped.contains(&kind), "{kind:?}");
    serves(&server);
}

#[test]
fn a_client_that_has_left_its_half_is_left() {
    let server = Http::start(&[]);
    let stream = listen(&server).unwrap();
    stream.get_ref().shutdown(Shutdown::Write).unwrap();
    rest(stream.get_ref());
    serves(&server);
}

#[test]
fn connections_beyond_the_limit_are_closed() {
    let server = Http::start(&["--max-connections", "2"]);
    let both = [server.connect(), server.connect()];
    assert_eq!(rest(&server.connect()), "");
    drop(both);
    let message = modern(1, "server/discover", json!({})).to_string();
    let status = soon(|| {
        let mut answer = Vec::new();
        let mut stream = server.open("POST", &DISCOVER, &message);
        stream.read_to_end(&mut answer).ok()?;
        (!answer.is_empty()).then(|| Response::read(&answer[..]).status)
    });
    assert_eq!(status, 200);
}

#[test]
fn sessions_beyond_the_limit_are_refused() {
    let server = Http::start(&["--max-sessions", "1"]);
    let id = server.session("2025-11-25");
    let another = initialize("2025-11-25");
    assert_eq!(server.post(&[], &another).status, 503);
    let session = [("Mcp-Session-Id", id.as_str())];
    assert_eq!(server.request("DELETE", &session, "").status, 204);
    assert_eq!(server.post(&[], &another).status, 200);
}

#[test]
fn streams_beyond_the_limit_are_refused() {
    let server = Http::start(&["--max-streams", "1"]);
    let only = listen(&server).unwrap();
    assert_eq!(listen(&server).unwrap_err(), 503);
    let id = server.session("2025-11-25");
    let session = [("Mcp-Session-Id", id.as_str())];
    assert_eq!(server.request("GET", &session, "").status, 503);
    let call = json!({"name": "wait", "arguments": {"milliseconds": 60_000}});
    let call = request(1, "tools/call", call);
    assert_eq!(server.post(&session, &call).status, 503);
    serves(&server);
    drop(only);
    soon(|| listen(&server).ok());
}

#[test]
fn a_modern_call_whose_stream_is_closed_is_given_up() {
    let server = Http::start(&["--max-streams", "1"]);
    let arguments = json!({"milliseconds": 60_000});
    let call = modern(
        1,
        "tools/call",
        json!({"name": "wait", "arguments": arguments}),
    );
    let headers = [
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "wait"),
    ];
    let mut waiting = server.open("POST", &headers, &call.to_string());
    let mut status = [0; 12];
    waiting.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    assert_eq!(listen(&server).unwrap_err(), 503, "it is at work");
    drop(waiting);
    soon(|| listen(&server).ok());
}

#[test]
fn requests_of_one_session_beyond_the_limit_are_refused() {
    let server = Http::start(&[]);
    let id = server.session("2025-11-25");
    let session = [("Mcp-Session-Id", id.as_str())];
    let wait = |id: usize| {
        let params = json!({"name": "wait", "arguments": {"milliseconds": 60_000}});
        request(id, "tools/call", params)
    };
    let streams: Vec<_> = (0..256)
        .map(|number| {
            let mut stream = server.open("POST", &session, &wait(number).to_string());
            let mut begun = [0; 12];
            stream.read_exact(&mut begun).unwrap();
            assert_eq!(&begun, b"HTTP/1.1 200");
            stream
        })
        .collect();
    let refused = server.post(&session, &wait(256));
    assert_eq!((refused.status, &refused.json()["id"]), (503, &json!(256)));
    assert_eq!(refused.json()["error"]["code"], -32603);
    server.session("2025-11-25");
    serves(&server);
    let cancelled = json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": 0}});
    server.post(&session, &cancelled);
    let ping = request(256, "ping", json!({}));
    assert_eq!(server.post(&session, &ping).json()["result"], json!({}));
    drop(streams);

    let mut client = Stdin::legacy("2025-11-25");
    for number in 0..256 {
        client.send(&wait(number));
    }
    let refused = client.ask(&wait(256));
    assert_eq!(refused["error"]["code"], -32603);
    client.send(&cancelled);
    let ping = request(256, "ping", json!({}));
    assert_eq!(client.ask(&ping)["result"], json!({}));
}

#[test]
fn a_session_that_nobody_uses_ends() {
    let mut server = Http::start(&["--session-timeout", "0.5", "--log", "messages"]);
    let used = server.session("2025-11-25");
    let headers = [("Mcp-Session-Id", used.as_str())];
    let mut stream = server.open("GET", &headers, "");
    stream.read_exact(&mut [0; 12]).unwrap();
    let forgotten = server.session("2025-11-25");
    let said = "- session of \"local\": idle";
    assert!(server.log().any(|line| line == said));
    let ping = request(1, "ping", json!({}));
    let status = |id: &str| server.post(&[("Mcp-Session-Id", id)], &ping).status;
    assert_eq!(status(&forgotten), 404);
    assert_eq!(status(&used), 200, "its stream is open");
}

#[test]
fn what_is_too_much_in_one_request_is_refused() {
    let server = Http::start(&[]);
    let post = |body: &str| server.request("POST", &DISCOVER, body);
    assert_eq!(post(&"x".repeat(2 * 1024 * 1024 + 1)).status, 413);
    let deep = post(&format!("{}{}", "[".repeat(101), "]".repeat(101)));
    assert_eq!(
        (deep.status, &deep.json()["error"]["code"]),
        (400, &json!(-32600))
    );
    let large = "x".repeat(200_000);
    let headers = [DISCOVER[0], DISCOVER[1], ("X-Large", large.as_str())];
    assert_eq!(server.request("POST", &headers, "{}").status, 431);
    let many: Vec<_> = (0..101).map(|_| ("X-Many", "x")).collect();
    assert_eq!(server.request("POST", &many, "{}").status, 431);
    let id = server.session("2025-03-26");
    let pings: Vec<Value> = (0..101).map(|id| request(id, "ping", json!({}))).collect();
    let batch = server.post(&[("Mcp-Session-Id", id.as_str())], &pings.into());
    assert_eq!(
        (batch.status, &batch.json()["error"]["code"]),
        (400, &json!(-32600))
    );
    serves(&server);
}

#[test]
fn a_line_that_is_too_long_is_refused() {
    let mut client = Stdin::start(&[]);
    client.send_line(&vec![b'x'; 3 * 1024 * 1024]);
    assert_eq!(client.receive()["error"]["code"], -32600);
    let discover = modern(1, "server/discover", json!({}));
    assert!(client.ask(&discover)["result"].is_object());
}

#[test]
fn a_client_that_reads_no_lines_is_left() {
    let client = Stdin::start_with(&["--client-timeout", "0.5"]);
    let ended = client.neglect(&modern(1, "server/discover", json!({})));
    assert_eq!(ended.code(), Some(3));
}

#[test]
fn what_is_repeated_or_kept_for_a_client_is_short() {
    let mut server = Stdin::start(&[]);
    let long = "x".repeat(5000);
    let answer = |server: &mut Stdin, message: &Value| {
        server.send(message);
        server.receive()["error"]["code"].clone()
    };
    let crowd = json!({"x": vec![0; 100_000]});
    assert_eq!(
        answer(&mut server, &modern(1, "server/discover", crowd)),
        -32600
    );
    let mut named = request(1, "server/discover", json!({}));
    named["id"] = long.as_str().into();
    assert_eq!(answer(&mut server, &named), -32600);
    let call = json!({"name": "report", "_meta": {"progressToken": long}});
    assert_eq!(answer(&mut server, &modern(1, "tools/call", call)), -32602);
    for name in ["resourceSubscriptions", "taskIds"] {
        let filter = json!({"notifications": {name: vec!["test://a"; 1001]}});
        let listen = modern(1, "subscriptions/listen", filter);
        assert_eq!(answer(&mut server, &listen), -32602);
    }
    let mut hello = initialize("2025-11-25");
    hello["params"]["capabilities"] = json!({"experimental": {"x": "x".repeat(70_000)}});
    assert_eq!(answer(&mut server, &hello), -32602);
    assert!(server.ask(&initialize("2025-11-25"))["result"].is_object());
}

#[test]
fn a_session_keeps_so_many_bytes_of_finished_streams() {
    let server = Http::start(&["--log", "off"]);
    let id = server.session("2025-11-25");
    let session = ("Mcp-Session-Id", id.as_str());
    let label = "x".repeat(1_900_000);
    for number in 1..=6 {
        // Who is told of progress gets a stream.
        let arguments = json!({"seconds": 0, "label": label});
        let call =
            json!({"name": "slow_compute", "arguments": arguments, "_meta": {"progressToken": 1}});
        let response = server.post(&[session], &request(number, "tools/call", call));
        assert!(response.body.contains(&format!("id: {number}-0")));
    }
    let first = |last: &str| {
        let stream = server.open("GET", &[session, ("Last-Event-ID", last)], "");
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        lines.find(|line| line.starts_with("id: ")).unwrap()
    };
    assert_eq!(first("6-0"), "id: 6-1");
    // It is as if it had never been: what comes is the stream of the session.
    assert_eq!(first("1-0"), "id: 0-0");
}

#[test]
fn what_is_watched_is_bounded() {
    let mut session = Stdin::legacy("2025-11-25");
    let mut watch = |number: usize| {
        let uri = format!("test://greeting/{}{number}", "x".repeat(1000));
        session.ask(&request(number, "resources/subscribe", json!({"uri": uri})))
    };
    let refused = (0..100)
        .map(&mut watch)
        .find_map(|answer| answer["error"]["code"].as_i64());
    assert_eq!(refused, Some(-32603));
    assert_eq!(watch(0)["result"], json!({}), "this one is watched already");
}
