//! Drives the server at the level of bytes, so that no library hides what it sends.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod client;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mcp-reference-server");

/// A server on standard input and output.
pub struct Stdin {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Stdin {
    /// Starts it with these faults.
    pub fn start(faults: &[&str]) -> Self {
        let arguments = faults.iter().flat_map(|fault| ["--fault", fault]);
        Self::start_with(&arguments.collect::<Vec<_>>())
    }

    /// Starts it with these arguments.
    pub fn start_with(arguments: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["--stdio", "--log", "off"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            input,
            output,
        }
    }

    /// Starts it and shakes hands.
    pub fn legacy(revision: &str) -> Self {
        let mut server = Self::start(&[]);
        server.send(&initialize(revision));
        let result = server.receive()["result"].clone();
        assert_eq!(result["protocolVersion"], revision);
        server.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        server
    }

    /// Writes a message as a line.
    pub fn send(&mut self, message: &Value) {
        self.send_line(message.to_string().as_bytes());
    }

    /// Writes any bytes as a line.
    pub fn send_line(&mut self, line: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(line).unwrap();
        input.write_all(b"\n").unwrap();
        input.flush().unwrap();
    }

    /// Reads a line.
    pub fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "no line: {line:?}");
        serde_json::from_str(&line).unwrap()
    }

    /// Sends a request and reads its answer.
    pub fn ask(&mut self, message: &Value) -> Value {
        self.send(message);
        let answer = self.receive();
        assert_eq!(answer["id"], message["id"], "{answer}");
        answer
    }

    /// Writes a message over and over, reading nothing, until that fails; returns how the server ended.
    pub fn neglect(mut self, message: &Value) -> ExitStatus {
        let input = self.input.as_mut().unwrap();
        while writeln!(input, "{message}").is_ok() {}
        self.child.wait().unwrap()
    }

    /// Ends the input; returns what still came and how the server ended.
    pub fn close(mut self) -> (Vec<Value>, ExitStatus, Duration) {
        let begun = Instant::now();
        drop(self.input.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        let status = self.child.wait().unwrap();
        let rest = rest.lines().map(|line| serde_json::from_str(line).unwrap());
        (rest.collect(), status, begun.elapsed())
    }
}

/// A server on HTTP, killed when dropped.
pub struct Http {
    /// The process.
    pub child: Child,
    stderr: BufReader<ChildStderr>,
    /// Where it listens.
    pub address: String,
}

impl Drop for Http {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An HTTP response.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header lines, lower case.
    pub head: String,
    /// The body, without the framing of chunks.
    pub body: String,
}

impl Response {
    /// Reads a response up to the end of its connection.
    pub fn read(mut stream: impl Read) -> Self {
        let mut response = Vec::new();
        // After a body that was not read the connection may be reset, behind the response.
        let _ = stream.read_to_end(&mut response);
        let response = String::from_utf8(response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        let head = head.to_lowercase();
        let body = match head.contains("transfer-encoding: chunked") {
            true => unchunked(body),
            false => body.to_owned(),
        };
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Response { status, head, body }
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Its only message, or the last of its events: what is ready at once comes without a stream.
    pub fn answer(&self) -> Value {
        match self.header("content-type") {
            Some("application/json") => self.json(),
            _ => self.events().pop().unwrap(),
        }
    }

    /// The messages of an event stream.
    pub fn events(&self) -> Vec<Value> {
        let data = self
            .body
            .lines()
            .filter_map(|line| line.strip_prefix("data: "));
        let data = data.filter(|data| !data.is_empty());
        data.map(|data| serde_json::from_str(data).unwrap())
            .collect()
    }
}

impl Http {
    /// Starts it with these arguments.
    pub fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        command
            .args(["--http", "127.0.0.1:0"])
            .args(arguments)
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        stderr.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap();
        let (_, address) = url.split_once("://").unwrap();
        let address = address.strip_suffix("/mcp").unwrap().to_owned();
        Self {
            child,
            stderr,
            address,
        }
    }

    /// The lines that it writes to standard error.
    pub fn log(&mut self) -> impl Iterator<Item = String> {
        (&mut self.stderr).lines().map_while(Result::ok)
    }

    /// Connects to it; whoever reads waits at most ten seconds.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        let patience = Some(Duration::from_secs(10));
        stream.set_read_timeout(patience).unwrap();
        stream
    }

    /// The bytes of a request to `/mcp` that is the last on its connection.
    pub fn bytes(&self, method: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
        self.bytes_at("/mcp", method, headers, body)
    }

    fn bytes_at(&self, path: &str, method: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        let defaults = [
            ("Connection", "close"),
            ("Host", self.address.as_str()),
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
        ];
        let overridden = |name: &str| headers.iter().any(|(given, _)| *given == name);
        let defaults = defaults.iter().filter(|(name, _)| !overridden(name));
        for (name, value) in defaults.chain(headers) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        head.into_bytes()
    }

    /// Sends a request to `/mcp` and returns the open connection.
    pub fn open(&self, method: &str, headers: &[(&str, &str)], body: &str) -> TcpStream {
        self.open_at("/mcp", method, headers, body)
    }

    /// Sends a request to any path and returns the open connection.
    pub fn open_at(
        &self,
        path: &str,
        method: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> TcpStream {
        let mut stream = self.connect();
        // Who refuses a body need not read it to its end.
        let _ = stream.write_all(&self.bytes_at(path, method, headers, body));
        stream
    }

    /// Sends a request to `/mcp` and reads the whole response.
    pub fn request(&self, method: &str, headers: &[(&str, &str)], body: &str) -> Response {
        self.request_at("/mcp", method, headers, body)
    }

    /// Sends a request to any path and reads the whole response.
    pub fn request_at(
        &self,
        path: &str,
        method: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        Response::read(self.open_at(path, method, headers, body))
    }

    /// Posts a message.
    pub fn post(&self, headers: &[(&str, &str)], message: &Value) -> Response {
        self.request("POST", headers, &message.to_string())
    }

    /// Shakes hands; returns the session's id.
    pub fn session(&self, revision: &str) -> String {
        let response = self.post(&[], &initialize(revision));
        assert_eq!(response.json()["result"]["protocolVersion"], revision);
        let id = response.header("mcp-session-id").unwrap().to_owned();
        let headers = [
            ("Mcp-Session-Id", id.as_str()),
            ("MCP-Protocol-Version", revision),
        ];
        let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let response = self.post(&headers, &initialized);
        assert_eq!((response.status, response.body.as_str()), (202, ""));
        id
    }

    /// Posts a modern request with the headers that belong to it.
    pub fn modern(&self, method: &str, params: Value) -> Response {
        let name = params
            .get("name")
            .or(params.get("uri"))
            .or(params.get("taskId"))
            .and_then(Value::as_str);
        let mut headers = vec![
            ("MCP-Protocol-Version", "2026-07-28"),
            ("Mcp-Method", method),
        ];
        headers.extend(name.map(|name| ("Mcp-Name", name)));
        self.post(&headers, &modern(1, method, params.clone()))
    }
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole.push_str(&rest[..size]);
        body = &rest[size + 2..];
    }
    whole
}

/// The first message of a legacy client, which can be asked anything.
pub fn initialize(revision: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": "init", "method": "initialize", "params": {
        "protocolVersion": revision,
        "capabilities": {"sampling": {}, "elicitation": {}, "roots": {}},
        "clientInfo": {"name": "test", "version": "1"},
    }})
}

/// A legacy request.
pub fn request(id: impl Into<Value>, method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params})
}

/// A modern request of a client that can be asked anything.
pub fn modern(id: impl Into<Value>, method: &str, mut params: Value) -> Value {
    let mut meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {
            "sampling": {}, "elicitation": {}, "roots": {},
        },
    });
    if let Some(given) = params["_meta"].as_object() {
        for (name, value) in given {
            meta[name] = value.clone();
        }
    }
    params["_meta"] = meta;
    request(id, method, params)
}

/// Tries until it succeeds: what was freed is free once the server has noticed.
pub fn soon<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(done) = attempt() {
            return done;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "it never came");
    }
}
