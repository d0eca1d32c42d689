//! HTTP: methods, paths, headers, content types, bodies that disagree with headers, and requests that are given up.

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::dice::Dice;
use super::super::input::{Input, id};
use super::{Generator, Vocabulary};
use crate::drive::{ENDPOINT, SESSION, Shot};
use crate::revision::{Era, modern};
use crate::transport::{HttpRequest, Transport};

pub(super) const GENERATOR: Generator = Generator {
    name: "http",
    weight: 30,
    applies: |words| words.is_http(),
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
    (
        "Origin",
        &["null", "http://127.0.0.1", "not an origin", FOREIGN],
    ),
    ("Content-Encoding", &["gzip", "br", "identity"]),
];
/// The origin of the web page of a stranger.
const FOREIGN: &str = "http://attacker.example";
const METHODS: [&str; 9] = [
    "PUT", "PATCH", "HEAD", "OPTIONS", "DELETE", "POST", "TRACE", "MCP", "GET",
];
const PATHS: [&str; 4] = ["/", "/no-such-path", "/../mcp", "/mcp?x=%00"];

fn make(words: &Vocabulary, dice: &mut Dice) -> Input {
    if words.transport == Transport::Sse {
        return elsewhere(words, dice);
    }
    let is_modern = words.revision.era() == Era::Modern;
    match dice.below(6) {
        // It takes longer than all others together.
        _ if dice.one_in(40) => aborted(words, dice),
        0 => exchange(words, dice),
        1 if dice.one_in(4) => stream(words, dice),
        2 | 5 if is_modern => mirrored(words, dice),
        3 => disagreeing(words, dice),
        _ => changed(words, dice),
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
    let message = match dice.one_in(2) {
        true => words.alive(),
        false => words.message(dice),
    };
    with("one header changed", &message, name, value)
}

fn with(keyword: &'static str, message: &Value, name: &str, value: Value) -> Input {
    let mut input = Input::json(keyword, message);
    if let Some(Shot::Message { headers, .. }) = input.shots.first_mut() {
        headers.insert(name.to_owned(), value);
    }
    input
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
    let path = dice.one_in(4).then(|| dice.word(&PATHS).to_owned());
    one("bare exchange", dice.word(&METHODS), path, headers, body)
}

fn one(
    keyword: &'static str,
    method: &str,
    path: Option<String>,
    headers: Vec<(String, String)>,
    body: Bytes,
) -> Input {
    let request = HttpRequest {
        replica: 0,
        method: method.to_owned(),
        path,
        headers,
        body,
    };
    Input {
        keyword,
        shots: vec![Shot::Http(request)],
        ..Input::default()
    }
}

/// A stream is asked for in the session that is open, or as if one could be.
fn stream(words: &Vocabulary, dice: &mut Dice) -> Input {
    let mut headers = vec![
        ("Accept", "text/event-stream"),
        ("Mcp-Session-Id", SESSION),
        ("MCP-Protocol-Version", words.revision.as_str()),
    ];
    if !dice.one_in(4) {
        headers.push((
            "Last-Event-ID",
            dice.word(&["", "0", "no-such-event", "%00", "9999999999"]),
        ));
    }
    // Every incoming connection is to be refused that a web page of a stranger makes.
    let keyword = match dice.one_in(3) {
        true => {
            headers.push(("Origin", FOREIGN));
            "stream for a stranger"
        }
        false => "stream",
    };
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let headers = headers.into_iter().map(own).collect();
    one(keyword, "GET", None, headers, Bytes::new())
}

/// A header that mirrors the body is missing, spelled in another way, or says something else.
fn mirrored(words: &Vocabulary, dice: &mut Dice) -> Input {
    let message = some_call(words, dice);
    let headers = modern::headers(words.revision, &message, &words.tools);
    // The last ones are those of arguments, if there are any.
    let picked = match dice.one_in(2) {
        true => headers.last(),
        false => dice.pick(&headers),
    };
    let Some((name, value)) = picked else {
        return Input::default();
    };
    let capitals = value.to_uppercase();
    let (keyword, value) = match dice.below(7) {
        0 | 6 => ("header missing", Value::Null),
        1 if capitals != *value => ("header in capitals", json!(capitals)),
        2 => ("header not ASCII", json!("Gr\u{f6}\u{df}e")),
        3 => ("header not Base64", json!("=?base64?a!b?=")),
        4 => (
            "markers in capitals",
            json!(modern::base64(value).replace("base64", "BASE64")),
        ),
        _ => ("header of another", json!("another")),
    };
    with(keyword, &message, name, value)
}

/// A call of a tool every other time, else any message.
fn some_call(words: &Vocabulary, dice: &mut Dice) -> Value {
    let call = if dice.one_in(2) {
        words.call(dice)
    } else {
        None
    };
    call.unwrap_or_else(|| words.message(dice))
}

/// A request whose connection is closed before its answer came.
fn aborted(words: &Vocabulary, dice: &mut Dice) -> Input {
    let mut message = some_call(words, dice);
    message["id"] = id(0);
    if message["method"] == "tools/call" {
        message["params"]["_meta"]["progressToken"] = id(0);
    }
    Input {
        keyword: "aborted",
        shots: vec![Shot::Aborted(message.to_string().into())],
        ..Input::json("", &message)
    }
}

/// The headers speak of another message than the body.
fn disagreeing(words: &Vocabulary, dice: &mut Dice) -> Input {
    let method = dice.word(&["tools/list", "resources/read", "x"]);
    let mut input = with(
        "headers disagree",
        &words.message(dice),
        "Mcp-Method",
        json!(method),
    );
    if let (true, Some(Shot::Message { headers, .. })) = (dice.one_in(2), input.shots.first_mut()) {
        headers.insert("Mcp-Name".to_owned(), json!("another"));
    }
    input
}

/// HTTP+SSE: a message that is posted for no stream, or nowhere.
fn elsewhere(words: &Vocabulary, dice: &mut Dice) -> Input {
    let path = match dice.one_in(2) {
        true => format!("{ENDPOINT}0"),
        false => dice.word(&PATHS).to_owned(),
    };
    let method = match dice.one_in(3) {
        true => dice.word(&METHODS),
        false => "POST",
    };
    let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
    let body = Bytes::from(words.message(dice).to_string());
    one("elsewhere", method, Some(path), headers, body)
}
