//! MCP with one thing wrong: a valid message of the revision, with one or a few places changed.

use serde_json::{Map, Value};

use super::super::dice::Dice;
use super::super::input::{Input, id};
use super::vocabulary::NO_SUCH_TOOL;
use super::{Generator, Vocabulary};

pub(super) const GENERATOR: Generator = Generator {
    name: "mcp",
    weight: 30,
    applies: |words| !words.messages.is_empty(),
    make,
};

fn make(words: &Vocabulary, dice: &mut Dice) -> Input {
    let Some((schema, valid)) = dice.pick(&words.messages).cloned() else {
        return Input::default();
    };
    match dice.below(10) {
        0 => return Input::json("valid", &valid),
        1 if dice.one_in(2) => return spelled(&valid),
        1 => return Input::json("reordered", &reordered(&valid, dice)),
        _ => {}
    }
    let mut message = valid.clone();
    let mut keyword = "valid";
    for _ in 0..if dice.one_in(4) { 3 } else { 1 } {
        if let Some(broken) = schema.break_one(&message, dice) {
            (message, keyword) = (broken.value, broken.keyword);
        }
    }
    Input {
        method: Input::json("", &valid).method,
        ..Input::json(keyword, &harmless(message))
    }
}

/// Whatever was changed: no id of another message, no name of a tool.
fn harmless(mut message: Value) -> Value {
    let calls = message
        .get("method")
        .is_some_and(|method| method == "tools/call");
    if let Some(name) = message
        .pointer_mut("/params/name")
        .filter(|name| calls && name.is_string())
    {
        *name = Value::from(NO_SUCH_TOOL);
    }
    if message
        .get("id")
        .is_some_and(|id| id.is_number() || id.is_string())
    {
        message["id"] = id(0);
    }
    message
}

/// The same message with white space where JSON allows it.
fn spelled(valid: &Value) -> Input {
    let method = Input::json("", valid).method;
    let text = valid.to_string().replace("\":", "\" : ");
    Input {
        method,
        ..Input::bytes("white space", text)
    }
}

fn reordered(value: &Value, dice: &mut Dice) -> Value {
    match value {
        Value::Object(members) => {
            let mut left: Vec<(&String, &Value)> = members.iter().collect();
            let mut members = Map::new();
            while !left.is_empty() {
                let (name, value) = left.swap_remove(dice.below(left.len()));
                members.insert(name.clone(), reordered(value, dice));
            }
            Value::Object(members)
        }
        other => other.clone(),
    }
}
