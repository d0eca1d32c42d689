//! Legacy: a tool that asks while it works, and is refused, or answered with something else. The call must be answered.

use serde_json::{Value, json};

use super::super::super::dice::Dice;
use super::super::super::input::Input;
use super::super::{Allowed, Vocabulary};
use super::{Kind, arguments, plain_arguments};
use crate::revision::Era;

pub(super) const KIND: Kind = Kind {
    applies: |words| words.revision.era() == Era::Legacy && !words.asking.is_empty(),
    make,
    classics,
};

const ELICIT: &str = "elicitation/create";
const SAMPLE: &str = "sampling/createMessage";
const ROOTS: &str = "roots/list";
/// Of so many tools, at most, the classics are about.
const MOST: usize = 5;

fn make(words: &Vocabulary, dice: &mut Dice) -> Input {
    let Some(tool) = dice.pick(&words.asking) else {
        return Input::default();
    };
    let (keyword, replies) = match dice.below(4) {
        0 => ("refused", [(); 3].map(|()| refusal(dice))),
        1 => ("declined", [declined(dice), refusal(dice), refusal(dice)]),
        2 => (
            "answered otherwise",
            [otherwise(dice), no_sample(dice), no_roots(dice)],
        ),
        _ => (
            "answered with nothing",
            [(); 3].map(|()| json!({ "result": {} })),
        ),
    };
    input(words, keyword, (tool, arguments(tool, dice)), replies)
}

fn input(
    words: &Vocabulary,
    keyword: &'static str,
    (tool, arguments): (&Allowed, Value),
    replies: [Value; 3],
) -> Input {
    let params = json!({ "name": tool.name, "arguments": arguments });
    let methods = [ELICIT, SAMPLE, ROOTS].map(str::to_owned);
    Input {
        replies: methods.into_iter().zip(replies).collect(),
        ..Input::json(keyword, &words.request("tools/call", params))
    }
}

fn error(code: i64, message: &str) -> Value {
    json!({ "error": { "code": code, "message": message } })
}

fn refusal(dice: &mut Dice) -> Value {
    match dice.below(4) {
        0 => error(-1, "The user said no"),
        1 => error(-32603, "Nobody is there"),
        2 => error(-32601, "Method not found"),
        _ => error(0, ""),
    }
}

fn declined(dice: &mut Dice) -> Value {
    json!({ "result": { "action": dice.word(&["decline", "cancel"]) } })
}

/// What is no answer, or not one to the form: what a form asks for is known when it comes.
fn otherwise(dice: &mut Dice) -> Value {
    let result = match dice.below(6) {
        0 => json!({ "action": dice.word(&["", "ACCEPT", "maybe"]) }),
        1 => json!({ "action": 1, "content": {} }),
        2 => json!({ "action": "accept", "content": { "name": 1, "username": [], "ok": "yes" } }),
        3 => {
            json!({ "action": "accept", "content": { "unasked": "x".repeat(dice.below(10_000)) } })
        }
        _ => json!({ "action": "accept", "content": {} }),
    };
    json!({ "result": result })
}

fn no_sample(dice: &mut Dice) -> Value {
    let content = match dice.below(4) {
        0 => json!({}),
        1 => json!({ "type": "text" }),
        2 => json!({ "type": "no-such-type" }),
        _ => json!([]),
    };
    json!({ "result": { "role": "assistant", "model": "", "content": content } })
}

fn no_roots(dice: &mut Dice) -> Value {
    let roots = match dice.below(4) {
        0 => json!(null),
        1 => json!({}),
        2 => json!([{ "uri": 1 }]),
        _ => json!([{ "uri": "no URI" }]),
    };
    json!({ "result": { "roots": roots } })
}

fn classics(words: &Vocabulary) -> Vec<Input> {
    let no = || error(-1, "The user said no");
    let both = |tool| {
        let call = || (tool, plain_arguments(tool));
        let unfit = json!({ "result": { "action": "accept", "content": {} } });
        [
            input(words, "refused", call(), [no(), no(), no()]),
            input(words, "answered otherwise", call(), [unfit, no(), no()]),
        ]
    };
    words.asking.iter().take(MOST).flat_map(both).collect()
}
