//! JSON-RPC that is no MCP: unknown methods, wrong parameters and ids, what should be a request as a notification.

use serde_json::{Value, json};

use super::super::dice::Dice;
use super::super::input::{Input, id};
use super::{Generator, Vocabulary};
use crate::revision::{Era, modern};

pub(super) const GENERATOR: Generator = Generator {
    name: "json-rpc",
    weight: 20,
    applies: |_| true,
    make,
};

const UNKNOWN: [&str; 12] = [
    "",
    "no/such/method",
    "tools",
    "tools/",
    "/list",
    "tools/list/",
    "Tools/List",
    "tools.list",
    "rpc.discover",
    "notifications/unknown",
    "__proto__",
    "constructor",
];

fn make(words: &Vocabulary, dice: &mut Dice) -> Input {
    if words.revision.era() == Era::Modern && dice.one_in(20) {
        return subscription(words, dice);
    }
    match dice.below(9) {
        0 => Input::json(
            "unknown method",
            &words.request(dice.word(&UNKNOWN), json!({})),
        ),
        1 => near_miss(words, dice),
        2 => with(words, dice, "wrong params", "params", &params),
        3 => with(words, dice, "wrong id", "id", &ids),
        4 => reversed(words, dice),
        5 => batch(words, dice),
        6 | 7 => metadata(words, dice),
        _ => response(dice),
    }
}

/// A method with one character changed, added or lost.
fn near_miss(words: &Vocabulary, dice: &mut Dice) -> Input {
    let mut message = words.message(dice);
    let method = message["method"].as_str().unwrap_or_default();
    let mut letters: Vec<char> = method.chars().collect();
    let at = dice.below(letters.len());
    match dice.below(4) {
        0 if at < letters.len() => drop(letters.remove(at)),
        1 => letters.insert(at, ' '),
        2 => letters.push('s'),
        _ => {
            letters = letters
                .iter()
                .flat_map(|letter| letter.to_uppercase())
                .collect()
        }
    }
    message["method"] = Value::String(letters.into_iter().collect());
    Input::json("near-miss method", &message)
}

fn with(
    words: &Vocabulary,
    dice: &mut Dice,
    keyword: &'static str,
    member: &str,
    values: &dyn Fn() -> Vec<Value>,
) -> Input {
    let mut message = words.message(dice);
    message[member] = dice.pick(&values()).cloned().unwrap_or_default();
    Input::json(keyword, &message)
}

/// A subscription to nothing that there is.
fn subscription(words: &Vocabulary, dice: &mut Dice) -> Input {
    let filters = [
        json!("x"),
        json!([]),
        json!(1),
        json!(true),
        // Nobody says that it knows tasks.
        json!({ "taskIds": ["no-such-task"] }),
    ];
    let params = match dice.pick(&filters) {
        Some(filter) if !dice.one_in(3) => json!({ "notifications": filter }),
        _ => json!({}),
    };
    Input::json(
        "wrong filter",
        &words.request("subscriptions/listen", params),
    )
}

/// Members of `_meta` that readers look at.
const META: [&str; 9] = [
    "progressToken",
    "traceparent",
    "tracestate",
    "baggage",
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/clientInfo",
    "io.modelcontextprotocol/clientCapabilities",
    "io.modelcontextprotocol/logLevel",
    "io.modelcontextprotocol/related-task",
];

/// Versions that there never were.
const VERSIONS: [&str; 5] = ["1900-01-01", "2099-01-01", "latest", "2026-07", ""];
/// What looks like the context of a trace and is none.
const TRACES: [&str; 4] = [
    "",
    "00",
    "00-0-0-00",
    "ff-00000000000000000000000000000000-0000000000000000-zz",
];

/// One member of `_meta` is something else, or one more.
fn metadata(words: &Vocabulary, dice: &mut Dice) -> Input {
    let mut message = match dice.one_in(2) {
        true => words.alive(),
        false => words.message(dice),
    };
    let values = [
        Value::Null,
        json!(1.5),
        json!(""),
        json!("x"),
        json!("1900-01-01"),
        json!("00-0-0-00"),
        json!([]),
        json!({}),
        json!({ "x": "x".repeat(300) }),
    ];
    if !message["params"].is_object() {
        message["params"] = json!({});
    }
    if !message["params"]["_meta"].is_object() {
        message["params"]["_meta"] = json!({});
    }
    let (member, value) = match dice.below(4) {
        0 => (modern::VERSION_KEY, json!(dice.word(&VERSIONS))),
        1 => ("traceparent", json!(dice.word(&TRACES))),
        _ => (
            dice.word(&META),
            dice.pick(&values).cloned().unwrap_or_default(),
        ),
    };
    message["params"]["_meta"][member] = value;
    Input::json("metadata", &message)
}

fn params() -> Vec<Value> {
    vec![
        Value::Null,
        json!([]),
        json!([1, 2]),
        json!("params"),
        json!(1),
        json!(true),
        json!({ "_meta": null }),
        json!({ "_meta": [] }),
        json!({ "cursor": 1 }),
        json!({ "name": null, "uri": null, "arguments": [] }),
    ]
}

fn ids() -> Vec<Value> {
    vec![
        Value::Null,
        json!(1.5),
        json!(true),
        json!([]),
        json!({}),
        json!([1]),
        json!(-1),
        json!(""),
        json!(9_007_199_254_740_993_u64),
        json!("x".repeat(1000)),
    ]
}

/// A request without its id, or a notification with one.
fn reversed(words: &Vocabulary, dice: &mut Dice) -> Input {
    let mut message = words.message(dice);
    match message.as_object_mut() {
        Some(members) if members.contains_key("id") => drop(members.shift_remove("id")),
        _ => message["id"] = id(0),
    }
    Input::json("request and notification reversed", &message)
}

fn batch(words: &Vocabulary, dice: &mut Dice) -> Input {
    let mut batch = Vec::new();
    for number in 0..dice.below(4) {
        let mut member = match dice.one_in(5) {
            true => json!(number),
            false => words.message(dice),
        };
        if member.get("id").is_some() {
            member["id"] = id(u8::try_from(number).unwrap_or(0));
        }
        batch.push(member);
    }
    Input::json("batch", &Value::Array(batch))
}

/// A response to something that was never asked.
fn response(dice: &mut Dice) -> Input {
    let id = dice.pick(&ids()).cloned().unwrap_or_default();
    let message = match dice.below(3) {
        0 => json!({ "jsonrpc": "2.0", "id": id, "result": {} }),
        1 => json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32603, "message": "x" } }),
        _ => json!({ "jsonrpc": "2.0", "id": id, "result": {}, "error": null }),
    };
    Input::json("response to nothing", &message)
}
