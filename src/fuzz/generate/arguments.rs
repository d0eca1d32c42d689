//! Arguments of the tools that may be called: what their schema accepts, and what it does not.

use serde_json::json;

use super::super::dice::Dice;
use super::super::input::{Input, id};
use super::{Generator, Vocabulary};

pub(super) const GENERATOR: Generator = Generator {
    name: "arguments",
    weight: 10,
    applies: |words| !words.allowed.is_empty(),
    make,
};

fn make(words: &Vocabulary, dice: &mut Dice) -> Input {
    let Some(tool) = dice.pick(&words.allowed) else {
        return Input::default();
    };
    let valid = match &tool.arguments {
        Some(arguments) if dice.one_in(2) => arguments.clone(),
        _ => tool.schema.roll(dice),
    };
    let (keyword, arguments) = match tool.schema.break_one(&valid, dice) {
        Some(broken) if !dice.one_in(4) => (broken.keyword, broken.value),
        _ => ("valid", valid),
    };
    let (keyword, name) = match dice.one_in(16) {
        true => ("name in capitals", tool.name.to_uppercase()),
        false => (keyword, tool.name.clone()),
    };
    let params = json!({ "name": name, "arguments": arguments });
    let mut call = words.request("tools/call", params);
    if dice.one_in(4) {
        // Its own: two requests that share one could not be told apart.
        call["params"]["_meta"]["progressToken"] = id(0);
    }
    Input::json(keyword, &call)
}
