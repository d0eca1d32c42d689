//! What breaks servers most often: tried before anything else, in the same order always.

use serde_json::{Value, json};

use super::super::input::{Input, id};
use super::conversation::opening;
use super::{Vocabulary, dialogue};
use crate::revision::Era;

/// So many calls are followed while they go on.
const MAX_TOLD: usize = 8;
/// What a modern request says of the log messages that it wants.
const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// The short list.
pub fn classics(words: &Vocabulary) -> Vec<Input> {
    let alive = words.alive();
    let method = words.revision.era().alive_method();
    let text = alive.to_string();
    let with = |member: &str, value: serde_json::Value| {
        let mut message = alive.clone();
        message[member] = value;
        message
    };
    let mut inputs = vec![
        Input::bytes("not JSON", "hello"),
        Input::bytes("truncated", "{"),
        Input::bytes("truncated", text[..text.len() / 2].to_owned()),
        Input::bytes("empty", ""),
        Input::bytes("empty", " "),
        Input::bytes("invalid UTF-8", &b"\xff\xfe\xfd"[..]),
        Input::bytes(
            "invalid UTF-8",
            [&text.as_bytes()[..10], b"\xc3(", &text.as_bytes()[10..]].concat(),
        ),
        Input::bytes("byte-order mark", format!("\u{feff}{text}")),
        Input::bytes("control characters", &b"\0"[..]),
        Input::bytes("other newlines", format!("{text}\r")),
        Input::json("any JSON", &json!(null)),
        Input::json("any JSON", &json!(1)),
        Input::json("any JSON", &json!("text")),
        Input::json("any JSON", &json!({})),
        Input::json("batch", &json!([])),
        Input::json("batch", &json!([1])),
        Input::json("batch", &json!([alive])),
        Input::json("wrong envelope", &json!({ "id": id(0), "method": method })),
        Input::json("wrong envelope", &json!({ "jsonrpc": "2.0", "id": id(0) })),
        Input::json("wrong envelope", &with("jsonrpc", json!("1.0"))),
        Input::json("wrong envelope", &with("method", json!(1))),
        Input::json("wrong envelope", &with("method", json!(null))),
        Input::json("wrong id", &with("id", json!(null))),
        Input::json("wrong id", &with("id", json!(1.5))),
        Input::json("wrong id", &with("id", json!({}))),
        Input::json("wrong params", &with("params", json!(null))),
        Input::json("wrong params", &with("params", json!([]))),
        Input::json("wrong params", &with("params", json!("text"))),
        Input::json(
            "response to nothing",
            &json!({ "jsonrpc": "2.0", "id": id(0), "result": {} }),
        ),
        Input::json(
            "response to nothing",
            &json!({ "jsonrpc": "2.0", "id": null, "error": { "code": 1, "message": "x" } }),
        ),
        Input::json(
            "unknown method",
            &words.request("no/such/method", json!({})),
        ),
        Input::json(
            "unknown method",
            &json!({ "jsonrpc": "2.0", "method": "notifications/no-such" }),
        ),
        Input::json("unknown method", &words.request("", json!({}))),
        odd(words, r#""\ud800""#),
        odd(words, r#""\u0000""#),
        odd(words, "1e400"),
        odd(words, r#"{"__proto__":1}"#),
        Input::json("wrong params", &with("params", json!({ "_meta": null }))),
        Input::bytes("deep nesting", "[".repeat(10_000)),
        Input::bytes(
            "deep nesting",
            format!("{}{}", "[".repeat(1_000), "]".repeat(1_000)),
        ),
        Input::bytes("very long line", "a".repeat(1 << 20)),
        Input::json("huge string", &with("extra", json!("x".repeat(1 << 20)))),
    ];
    for (method, params) in [
        ("tools/call", json!({})),
        ("tools/call", json!({ "name": null })),
        (
            "tools/call",
            json!({ "name": "no-such-tool", "arguments": [] }),
        ),
        ("resources/read", json!({ "uri": 1 })),
        ("resources/read", json!({ "uri": "no-such-scheme://x" })),
        ("prompts/get", json!({ "name": "no-such-prompt" })),
        ("completion/complete", json!({ "ref": {}, "argument": {} })),
        ("tools/list", json!({ "cursor": "no-such-cursor" })),
        (
            "completion/complete",
            json!({ "ref": { "type": "ref/prompt", "name": "no-such-prompt" }, "argument": { "name": "a", "value": "" } }),
        ),
    ] {
        inputs.push(Input::json("required", &words.request(method, params)));
    }
    if words.revision.era() == Era::Modern {
        let removed = words.request("ping", json!({}));
        inputs.push(Input::json("removed method", &removed));
    }
    inputs.extend(dialogue::classics(words));
    if words.revision.era() == Era::Legacy || words.modern_only {
        inputs.extend(early(words));
    }
    inputs.extend(told(words));
    if words.revision.era() == Era::Modern {
        inputs.push(listen(words));
    }
    for input in &mut inputs {
        input.generator = "classics";
    }
    inputs
}

/// Calls whose client wants to hear how they go on: what is valid has rules, too.
fn told(words: &Vocabulary) -> impl Iterator<Item = Input> {
    let known = words.allowed.iter().filter_map(|tool| {
        let arguments = tool.arguments.clone()?;
        Some((&tool.name, arguments))
    });
    let once = words.once.iter().map(|name| (name, json!({})));
    known.chain(once).take(MAX_TOLD).map(|(name, arguments)| {
        let params = json!({ "name": name, "arguments": arguments });
        let mut call = words.request("tools/call", params);
        call["params"]["_meta"]["progressToken"] = id(0);
        if words.revision.era() == Era::Modern {
            call["params"]["_meta"][LOG_LEVEL] = json!("debug");
        }
        Input::json("valid", &call)
    })
}

/// A subscription, in a session of its own: it stays open.
fn listen(words: &Vocabulary) -> Input {
    let params = json!({ "notifications": { "toolsListChanged": true } });
    let listen = words.request("subscriptions/listen", params);
    Input {
        unopened: true,
        ..Input::json("valid", &listen)
    }
}

/// What comes before the handshake.
fn early(words: &Vocabulary) -> Vec<Input> {
    let messages = [
        words.request("tools/list", json!({})),
        words.request("initialize", json!({})),
        opening(words.revision, "1900-01-01"),
        opening(words.revision, "2025-11-25"),
    ];
    let early = |message: &Value| Input {
        unopened: true,
        ..Input::json("before the handshake", message)
    };
    messages.iter().map(early).collect()
}

/// A request with a member that JSON allows and some readers do not.
fn odd(words: &Vocabulary, literal: &str) -> Input {
    let mut message = words.alive();
    message["params"]["extra"] = json!("%HERE%");
    let text = message.to_string().replace("\"%HERE%\"", literal);
    Input::bytes("odd value", text)
}
