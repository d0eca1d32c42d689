//! The relay over stdio.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write, stdin, stdout};
use std::process::{ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};

use crate::content::{self, differently};
use crate::difference::{Difference, Differences};
use crate::relay::{SLOWNESS, chat, end_like, pieces, start};

/// The ids of requests without an answer, as JSON.
type Open = Arc<Mutex<BTreeSet<String>>>;

/// A line of the server, and when it came.
type Line = (Instant, Vec<u8>);

/// Relays until the server ends.
pub fn relay(played: &Differences, words: &[String]) -> ! {
    let mut server = start(words, Stdio::piped);
    let (input, output) = (server.stdin.take().unwrap(), server.stdout.take().unwrap());
    let open = Open::default();
    {
        let (open, late_updates) = (open.clone(), played.has(Difference::LateUpdates));
        std::thread::spawn(move || forward(input, &open, late_updates));
    }
    let (lines, come) = channel();
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while output
            .read_until(b'\n', &mut line)
            .is_ok_and(|count| count > 0)
        {
            if lines
                .send((Instant::now(), std::mem::take(&mut line)))
                .is_err()
            {
                return;
            }
        }
    });
    chat(played);
    match played.has(Difference::OutOfOrder) {
        true => out_of_order(played, &come, &open),
        false => in_order(played, &come),
    }
    end_like(server)
}

/// What comes goes to the server as it is.
fn forward(mut server: ChildStdin, open: &Open, late_updates: bool) {
    let mut watch = Watch::default();
    let mut input = BufReader::new(stdin());
    let mut line = Vec::new();
    // A line may be endless, and whether it ends is part of what is said.
    while let Ok(1..) = input.by_ref().take(64 << 10).read_until(b'\n', &mut line) {
        if let Ok(message) = serde_json::from_slice::<Value>(&line) {
            if let Some(update) = watch.update_under_way(&message).filter(|_| late_updates) {
                say(format!("{update}\n").as_bytes());
            }
            if message["method"] != "subscriptions/listen"
                && message.get("method").is_some()
                && let Some(id) = message.get("id")
            {
                open.lock().unwrap().insert(id.to_string());
            }
        }
        if server
            .write_all(&line)
            .and_then(|()| server.flush())
            .is_err()
        {
            return;
        }
        line.clear();
    }
}

/// What the client watches.
#[derive(Default)]
struct Watch {
    resources: BTreeSet<String>,
    /// The ids of subscriptions to changes of the tools.
    tools: Vec<Value>,
}

impl Watch {
    /// Takes note of a message of the client; if it ends the watching, what is sent when the server does not know it yet.
    fn update_under_way(&mut self, message: &Value) -> Option<Value> {
        let params = &message["params"];
        let notification = |name: &str, params: Value| {
            let method = format!("notifications/{name}");
            Some(json!({ "jsonrpc": "2.0", "method": method, "params": params }))
        };
        match message["method"].as_str()? {
            "resources/subscribe" => {
                self.resources.insert(params["uri"].as_str()?.to_owned());
            }
            "resources/unsubscribe" if self.resources.remove(params["uri"].as_str()?) => {
                return notification("resources/updated", json!({ "uri": params["uri"] }));
            }
            "subscriptions/listen" if params["notifications"]["toolsListChanged"] == true => {
                self.tools.push(message["id"].clone());
            }
            "notifications/cancelled" if self.tools.contains(&params["requestId"]) => {
                let meta = json!({ "io.modelcontextprotocol/subscriptionId": params["requestId"] });
                return notification("tools/list_changed", json!({ "_meta": meta }));
            }
            _ => {}
        }
        None
    }
}

fn in_order(played: &Differences, lines: &Receiver<Line>) {
    for (came, line) in lines {
        if played.has(Difference::Slow) {
            std::thread::sleep((came + SLOWNESS).saturating_duration_since(Instant::now()));
        }
        pass_on(played, &line);
    }
}

/// Passes a line on, said differently.
fn pass_on(played: &Differences, line: &[u8]) {
    chat(played);
    let Ok(text) = std::str::from_utf8(line) else {
        return say(line);
    };
    let text = text.strip_suffix('\n').unwrap_or(text);
    let end = match played.has(Difference::CrLf) {
        true => "\r\n",
        false => "\n",
    };
    // A client that has not been greeted yet is told little.
    let is_greeting = || text.contains("\"protocolVersion\"");
    if played.has(Difference::UnknownNotifications) && is_answer(line) && !is_greeting() {
        say(format!("{}{end}", content::UNKNOWN).as_bytes());
    }
    let text = differently(played, text) + end;
    match played.has(Difference::ByteWise) {
        true => pieces(text.as_bytes()).for_each(say),
        false => say(text.as_bytes()),
    }
}

/// Holds an answer back until another one overtook it, if one is to be expected.
fn out_of_order(played: &Differences, lines: &Receiver<Line>, open: &Open) {
    let mut held: Option<Vec<u8>> = None;
    loop {
        let line = match &held {
            Some(_) => lines.recv_timeout(SLOWNESS),
            None => lines.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match line {
            Ok((_, line)) => {
                let others = is_answer(&line) && settle(&line, open) > 0;
                match held.take() {
                    None if others => held = Some(line),
                    // Only an answer overtakes.
                    earlier if is_answer(&line) => {
                        pass_on(played, &line);
                        earlier.iter().for_each(|line| pass_on(played, line));
                    }
                    earlier => {
                        earlier.iter().for_each(|line| pass_on(played, line));
                        pass_on(played, &line);
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                held.take().iter().for_each(|line| pass_on(played, line))
            }
            Err(RecvTimeoutError::Disconnected) => {
                return held.iter().for_each(|line| pass_on(played, line));
            }
        }
    }
}

fn is_answer(line: &[u8]) -> bool {
    serde_json::from_slice::<Value>(line)
        .is_ok_and(|message| message.get("id").is_some() && message.get("method").is_none())
}

/// Takes the request off the list, and says how many are left.
fn settle(line: &[u8], open: &Open) -> usize {
    let mut open = open.lock().unwrap();
    if let Ok(message) = serde_json::from_slice::<Value>(line) {
        open.remove(&message["id"].to_string());
    }
    open.len()
}

fn say(bytes: &[u8]) {
    let mut stdout = stdout().lock();
    if stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .is_err()
    {
        std::process::exit(0);
    }
}
