//! HTTP: methods, headers, content types, bodies that disagree with headers, and requests that are given up.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::dice::Dice;
use super::super::input::{Input, id};
use super::{Generator, Vocabulary};
use crate::drive::Shot;
use crate::transport::{HttpRequest, Transport};

pub(super) const GENERATOR: Generator = Generator {
    name: "http",
    weight: 15,
    applies: |words| words.transport == Transport::Http,
    make,
};

/// Headers, and what they may say. An empty value is one as well.
const HEADERS: [(&str, &[&str]); 9] = [
    (
        "Accept",
        &[
            "",
            "*/*",
            "text/html",
            "application/json",
            "text/event-stream;q=0",
            "a/b;;,",
        ],
    ),
    (
        "Content-Type",
        &[
            "",
            "text/plain",
            "application/json; charset=utf-16",
            "application/x-www-form-urlencoded",
            "json",
        ],
    ),
    (
        "Mcp-Session-Id",
        &[
            "",
            "no-such-session",
            "../..",
            "00000000-0000-0000-0000-000000000000",
        ],
    ),
    (
        "MCP-Protocol-Version",
        &["", "1.0", "2099-01-01", "latest", "2025-06-18, 2025-11-25"],
    ),
    ("Last-Event-ID", &["", "0", "no-such-event", "%00"]),
    ("Mcp-Method", &["", "tools/call", "ping", "=?base64?!!!?="]),
    ("Mcp-Name", &["", "x", "=?base64?AAAA?="]),
    ("Origin", &["null", "http://127.0.0.1", "not an origin"]),
    ("Content-Encoding", &["gzip", "br", "identity"]),
];
const METHODS: [&str; 8] = [
    "PUT", "PATCH", "HEAD", "OPTIONS", "DELETE", "POST", "TRACE", "MCP",
];

fn make(words: &Vocabulary, dice: &mut Dice) -> Input {
    match dice.below(3) {
        // It takes longer than all others together.
        _ if dice.one_in(40) => aborted(words, dice),
        0 => changed(words, dice),
        1 => exchange(words, dice),
        _ => disagreeing(words, dice),
    }
}

/// A message with one header of another value, or without it.
fn changed(words: &Vocabulary, dice: &mut Dice) -> Input {
    let Some((name, values)) = dice.pick(&HEADERS).copied() else {
        return Input::default();
    };
    let value = match dice.one_in(4) {
        true => Value::Null,
        false => json!(dice.word(values)),
    };
    let mut input = Input::json("one header changed", &words.message(dice));
    set(&mut input, name, value);
    input
}

fn set(input: &mut Input, name: &str, value: Value) {
    if let Some(Shot::Message { headers, .. }) = input.shots.first_mut() {
        headers.insert(name.to_owned(), value);
    }
}

/// An exchange that has nothing of what MCP asks for.
fn exchange(words: &Vocabulary, dice: &mut Dice) -> Input {
    let mut headers = Vec::new();
    for (name, values) in HEADERS {
        if dice.one_in(4) {
            headers.push((name.to_owned(), dice.word(values).to_owned()));
        }
    }
    let body = match dice.below(3) {
        0 => Bytes::new(),
        1 => Bytes::from_static(b"not a message"),
        _ => Bytes::from(words.message(dice).to_string()),
    };
    let request = HttpRequest {
        replica: 0,
        method: dice.word(&METHODS).to_owned(),
        path: None,
        headers,
        body,
    };
    Input {
        keyword: "bare exchange",
        shots: vec![Shot::Http(request)],
        ..Input::default()
    }
}

/// A request whose connection is closed before its answer came.
fn aborted(words: &Vocabulary, dice: &mut Dice) -> Input {
    let mut message = words.message(dice);
    message["id"] = id(0);
    Input {
        keyword: "aborted",
        shots: vec![Shot::Aborted(message.to_string().into())],
        ..Input::json("", &message)
    }
}

/// The headers speak of another message than the body.
fn disagreeing(words: &Vocabulary, dice: &mut Dice) -> Input {
    let mut input = Input::json("headers disagree", &words.message(dice));
    set(
        &mut input,
        "Mcp-Method",
        json!(dice.word(&["tools/list", "resources/read", "x"])),
    );
    if dice.one_in(2) {
        set(&mut input, "Mcp-Name", json!("another"));
    }
    input
}
