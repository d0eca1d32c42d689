//! A small MCP server at 2025-11-25 over HTTP, with one habit.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// What it does that it should not, or need not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Habit {
    /// Nothing.
    None,
    /// Head and body are written apart, and nobody asked for TCP_NODELAY.
    TwoWrites,
    /// Each call takes 40 ms: as long as a delayed acknowledgement, but it is none.
    Slow,
    /// The connection is closed after each answer.
    Closes,
    /// A lock is held while a call is served, which takes 6 ms.
    OneAtATime,
    /// Each call takes 6 ms, and holds up nobody.
    Sleeps,
    /// Events are held back until the answer is complete.
    HoldsBack,
    /// Each event is told when it happens.
    Tells,
    /// One call in 300 takes 150 ms, the others 3 ms.
    Pauses,
    /// 50 ns for each byte of the payload.
    ReadsOnce,
    /// Ten times the payload takes a hundred times as long.
    ReadsAgain,
    /// So many tools, each of which costs 100 microseconds.
    Fetches(u64),
    /// So many tools, for each of which all are looked at.
    SearchesAll(u64),
}

/// Serves until the process ends. Returns the URL.
pub fn start(habit: Habit) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let server = Arc::new(Server {
        habit,
        lock: Mutex::default(),
        calls: AtomicU64::new(0),
    });
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let server = Arc::clone(&server);
            std::thread::spawn(move || server.serve(stream));
        }
    });
    url
}

struct Server {
    habit: Habit,
    lock: Mutex<()>,
    calls: AtomicU64,
}

impl Server {
    /// Answers request after request; whoever leaves ends it.
    fn serve(&self, stream: TcpStream) -> Option<()> {
        if self.habit != Habit::TwoWrites {
            stream.set_nodelay(true).ok()?;
        }
        let mut output = stream.try_clone().ok()?;
        let mut input = BufReader::new(stream);
        loop {
            let (method, body) = read(&mut input)?;
            match method.as_str() {
                "POST" => self.post(&body, &mut output)?,
                _ => self.answer(&mut output, "405 Method Not Allowed", b"")?,
            }
            if self.habit == Habit::Closes {
                return Some(());
            }
        }
    }

    fn post(&self, body: &[u8], output: &mut TcpStream) -> Option<()> {
        let message: Value = serde_json::from_slice(body).ok()?;
        if message.get("id").is_none() {
            return self.answer(output, "202 Accepted", b"");
        }
        if message["params"]["name"] == "test_tool_with_progress" {
            return self.stream(&message, output);
        }
        let answer = match self.result(&message) {
            Some(result) => json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }),
            None => {
                let error = json!({ "code": -32601, "message": "no such method" });
                json!({ "jsonrpc": "2.0", "id": message["id"], "error": error })
            }
        };
        self.answer(output, "200 OK", answer.to_string().as_bytes())
    }

    fn answer(&self, output: &mut TcpStream, status: &str, body: &[u8]) -> Option<()> {
        let connection = match self.habit {
            Habit::Closes => "close",
            _ => "keep-alive",
        };
        let length = body.len();
        let mut bytes = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: {connection}\r\nContent-Length: {length}\r\n\r\n"
        )
        .into_bytes();
        if self.habit == Habit::TwoWrites {
            output.write_all(&bytes).ok()?;
            return output.write_all(body).ok();
        }
        bytes.extend_from_slice(body);
        output.write_all(&bytes).ok()
    }

    fn result(&self, message: &Value) -> Option<Value> {
        let params = &message["params"];
        match message["method"].as_str()? {
            "initialize" => Some(json!({
                "protocolVersion": params["protocolVersion"],
                "capabilities": { "tools": {} },
                "serverInfo": { "name": "habits", "version": "1" },
            })),
            "ping" => {
                self.work(0);
                Some(json!({}))
            }
            "tools/list" => Some(json!({ "tools": self.tools() })),
            "tools/call" => {
                let text = params["arguments"]["text"].as_str().unwrap_or_default();
                self.work(text.len() as u64);
                Some(json!({ "content": [{ "type": "text", "text": text }] }))
            }
            _ => None,
        }
    }

    fn work(&self, bytes: u64) {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        match self.habit {
            Habit::Slow => pause(40_000),
            Habit::Sleeps => pause(6_000),
            Habit::OneAtATime => {
                let _held = self.lock.lock();
                pause(6_000);
            }
            Habit::Pauses if calls % 300 == 299 => pause(150_000),
            Habit::Pauses => pause(3_000),
            Habit::ReadsOnce => pause(bytes / 20),
            Habit::ReadsAgain => pause(bytes * bytes / 200_000),
            _ => {}
        }
    }

    fn tools(&self) -> Vec<Value> {
        let (count, cost) = match self.habit {
            Habit::Fetches(count) => (count, 100 * count),
            Habit::SearchesAll(count) => (count, count * count),
            _ => (0, 0),
        };
        pause(cost);
        let tool = |name: String| json!({ "name": name, "inputSchema": { "type": "object" } });
        let named = ["echo", "test_tool_with_progress"].map(|name| tool(name.to_owned()));
        let others = (2..count).map(|number| tool(format!("tool-{number}")));
        named.into_iter().chain(others).collect()
    }

    /// Three steps of 15 ms, each of which is told, and the result.
    fn stream(&self, message: &Value, output: &mut TcpStream) -> Option<()> {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        output.write_all(head.as_bytes()).ok()?;
        let token = &message["params"]["_meta"]["progressToken"];
        let mut held = String::new();
        for step in 0..3 {
            let params = json!({ "progressToken": token, "progress": step });
            let told =
                json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params });
            held.push_str(&event(&told));
            if self.habit != Habit::HoldsBack {
                chunk(output, &std::mem::take(&mut held))?;
            }
            pause(15_000);
        }
        let result = json!({ "content": [] });
        held.push_str(&event(
            &json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }),
        ));
        chunk(output, &held)?;
        output.write_all(b"0\r\n\r\n").ok()
    }
}

fn event(message: &Value) -> String {
    format!("data: {message}\n\n")
}

fn chunk(output: &mut TcpStream, text: &str) -> Option<()> {
    let chunk = format!("{:x}\r\n{text}\r\n", text.len());
    output.write_all(chunk.as_bytes()).ok()
}

fn pause(us: u64) {
    if us > 0 {
        std::thread::sleep(Duration::from_micros(us));
    }
}

/// The method and the body of the next request.
fn read(input: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let mut line = String::new();
    input.read_line(&mut line).ok()?;
    let method = line.split(' ').next()?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        if input.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let (name, value) = match line.trim_end() {
            "" => break,
            header => header.split_once(':')?,
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    Some((method, body))
}
