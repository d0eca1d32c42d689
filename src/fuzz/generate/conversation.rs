//! Several messages that belong together: requests at once, cancelled, repeated, about each other.

use serde_json::{Value, json};

use super::super::dice::Dice;
use super::super::input::{Input, id};
use super::{Generator, Vocabulary};
use crate::revision::{Era, Revision, legacy};

pub(super) const GENERATOR: Generator = Generator {
    name: "conversation",
    weight: 8,
    applies: |_| true,
    make,
};

fn make(words: &Vocabulary, dice: &mut Dice) -> Input {
    let legacy = words.revision.era() == Era::Legacy;
    // Each costs a session, and a process where that is one.
    if (legacy || words.modern_only) && dice.one_in(100) {
        return early(words, dice);
    }
    let (keyword, messages) = match dice.below(6) {
        0 => ("requests at once", at_once(words, dice)),
        1 => ("cancelled", cancelled(words, dice)),
        2 => (
            "cancelled twice",
            [cancelled(words, dice), vec![cancellation(0)]].concat(),
        ),
        3 => ("cancelled unasked", vec![cancellation(7), words.alive()]),
        4 if legacy => ("initialized again", initialized(words)),
        5 if legacy => ("subscribed and not", subscribed(words)),
        _ => ("progress unasked", progress(words)),
    };
    Input {
        method: None,
        ..Input::messages(keyword, &messages)
    }
}

/// What comes before the handshake.
fn early(words: &Vocabulary, dice: &mut Dice) -> Input {
    let message = match dice.one_in(2) {
        true => words.message(dice),
        false => opening(
            words.revision,
            dice.word(&["1900-01-01", "latest", "", "2025-11-25"]),
        ),
    };
    Input {
        unopened: true,
        ..Input::json("before the handshake", &message)
    }
}

/// A handshake that asks for some version.
pub(super) fn opening(revision: Revision, version: &str) -> Value {
    let mut params = legacy::initialize(revision, &json!({}));
    params["protocolVersion"] = json!(version);
    json!({ "jsonrpc": "2.0", "id": id(0), "method": "initialize", "params": params })
}

fn at_once(words: &Vocabulary, dice: &mut Dice) -> Vec<Value> {
    let count = dice.between(2, 8);
    (0..count)
        .map(|number| {
            let mut message = words.message(dice);
            if message.get("id").is_some() {
                message["id"] = id(u8::try_from(number).unwrap_or(0));
            }
            message
        })
        .collect()
}

fn cancelled(words: &Vocabulary, dice: &mut Dice) -> Vec<Value> {
    let mut request = words.message(dice);
    request["id"] = id(0);
    vec![request, cancellation(0)]
}

fn cancellation(number: u8) -> Value {
    let params = json!({ "requestId": id(number), "reason": "no longer needed" });
    json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params })
}

fn initialized(words: &Vocabulary) -> Vec<Value> {
    let again = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    vec![again, words.alive()]
}

fn subscribed(words: &Vocabulary) -> Vec<Value> {
    let params = json!({ "uri": "test://no-such-resource" });
    let methods = [
        "resources/subscribe",
        "resources/unsubscribe",
        "resources/unsubscribe",
    ];
    let numbered = methods.iter().zip(0..).map(|(method, number)| {
        let mut request = words.request(method, params.clone());
        request["id"] = id(number);
        request
    });
    numbered.collect()
}

fn progress(words: &Vocabulary) -> Vec<Value> {
    let params = json!({ "progressToken": "never-given", "progress": 1 });
    let unasked = json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params });
    vec![unasked, words.alive()]
}
