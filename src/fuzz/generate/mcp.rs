//! MCP with one thing wrong: a valid message of the revision, with one or a few places changed.

use serde_json::{Map, Value, json};

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
        2 | 3 => return one_changed(valid, dice),
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

/// One member of the parameters is of another type, or missing.
fn one_changed(mut message: Value, dice: &mut Dice) -> Input {
    let method = Input::json("", &message).method;
    let params = message.get_mut("params");
    let keyword = params.map_or("valid", |params| change_one(params, dice));
    Input {
        method,
        ..Input::json(keyword, &harmless(message))
    }
}

fn change_one(value: &mut Value, dice: &mut Dice) -> &'static str {
    let names: Vec<String> = match value {
        Value::Object(members) => members
            .keys()
            .filter(|name| *name != "_meta")
            .cloned()
            .collect(),
        _ => Vec::new(),
    };
    let (Some(name), Value::Object(members)) = (dice.pick(&names), &mut *value) else {
        let others = [
            Value::Null,
            json!(1),
            json!(true),
            json!("x"),
            json!([]),
            json!({}),
        ];
        *value = dice.pick(&others).cloned().unwrap_or_default();
        return "retyped";
    };
    if dice.one_in(4) {
        members.shift_remove(name);
        return "missing";
    }
    let is_scalar = !members[name].is_object();
    match members.get_mut(name) {
        Some(member) if is_scalar || !dice.one_in(4) => change_one(member, dice),
        _ => {
            members.insert(name.clone(), Value::Null);
            "retyped"
        }
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
