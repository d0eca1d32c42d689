//! What the server lists, asked for with one thing wrong: of a name that it does not know it looks at nothing else.

use serde_json::{Map, Value, json};

use super::super::dice::Dice;
use super::super::input::Input;
use super::{Generator, Vocabulary};
use crate::judge::refusal;
use crate::message::items;
use crate::revision::Revision;

pub(super) const GENERATOR: Generator = Generator {
    name: "listed",
    weight: 15,
    applies: |words| KINDS.iter().any(|kind| (kind.applies)(words)),
    make,
};

/// A kind of thing that a server lists.
struct Kind {
    applies: fn(&Vocabulary) -> bool,
    make: fn(&Vocabulary, &mut Dice) -> Made,
}

/// What is wrong, the method and its parameters.
type Made = (&'static str, &'static str, Value);

const KINDS: [Kind; 4] = [
    Kind {
        applies: |words| !words.prompts.is_empty(),
        make: prompt,
    },
    Kind {
        applies: |words| !words.prompts.is_empty() || !words.templates.is_empty(),
        make: completion,
    },
    Kind {
        applies: |words| !words.resources.is_empty(),
        make: resource,
    },
    Kind {
        applies: |words| !words.allowed.is_empty(),
        make: tool,
    },
];

fn make(words: &Vocabulary, dice: &mut Dice) -> Input {
    let kinds: Vec<&Kind> = KINDS.iter().filter(|kind| (kind.applies)(words)).collect();
    let Some(kind) = dice.pick(&kinds) else {
        return Input::default();
    };
    let (keyword, method, params) = (kind.make)(words, dice);
    Input::json(keyword, &words.request(method, params))
}

/// A prompt by another name, or with arguments that are missing, too many or no strings.
fn prompt(words: &Vocabulary, dice: &mut Dice) -> Made {
    let prompt = dice.pick(&words.prompts).cloned().unwrap_or_default();
    let mut name = prompt["name"].clone();
    let mut arguments: Map<String, Value> = argument_names(&prompt)
        .map(|name| (name.to_owned(), json!("a")))
        .collect();
    let known: Vec<String> = arguments.keys().cloned().collect();
    let some = || json!("extra");
    let picked = dice.pick(&known).cloned();
    let mut others = None;
    let keyword = match dice.below(6) {
        0 => {
            name = respelled(&name, dice);
            "name respelled"
        }
        1 => {
            picked.map(|picked| arguments.shift_remove(&picked));
            "argument missing"
        }
        2 => {
            arguments.insert("extra".to_owned(), some());
            "unknown argument"
        }
        3 => {
            others = Some(no_object(dice));
            "arguments retyped"
        }
        _ => {
            arguments.insert(picked.unwrap_or("extra".to_owned()), no_string(dice));
            "argument retyped"
        }
    };
    let arguments = others.unwrap_or(Value::Object(arguments));
    let params = json!({ "name": name, "arguments": arguments });
    (keyword, "prompts/get", params)
}

/// Something is completed that is not there, or of another type.
fn completion(words: &Vocabulary, dice: &mut Dice) -> Made {
    let (mut reference, mut argument) = reference(words, dice);
    let mut params = json!({});
    let keyword = match dice.below(10) {
        0 => {
            let member = if reference["name"].is_null() {
                "uri"
            } else {
                "name"
            };
            reference[member] = respelled(&reference[member], dice);
            "name respelled"
        }
        1 => {
            reference["type"] = json!(dice.word(&["", "prompt", "ref/tool", "REF/PROMPT"]));
            "unknown reference"
        }
        2 => {
            reference = no_object(dice);
            "reference retyped"
        }
        8 => {
            argument = Value::Null;
            "argument missing"
        }
        9 => {
            reference = Value::Null;
            "reference missing"
        }
        3 => {
            argument["name"] = json!(dice.word(&["", "no-such-argument"]));
            "unknown argument"
        }
        4 => {
            argument["name"] = no_string(dice);
            "argument name retyped"
        }
        5 => {
            params["context"] = json!({ "arguments": no_object(dice) });
            "context retyped"
        }
        _ => {
            argument["value"] = no_string(dice);
            "argument value retyped"
        }
    };
    for (name, value) in [("ref", reference), ("argument", argument)] {
        if !value.is_null() {
            params[name] = value;
        }
    }
    (keyword, "completion/complete", params)
}

/// What can be completed: an argument of a prompt, or a variable of a template.
fn reference(words: &Vocabulary, dice: &mut Dice) -> (Value, Value) {
    let template = dice.pick(&words.templates);
    // Of those without arguments there is nothing to complete.
    let with_arguments: Vec<&Value> = words
        .prompts
        .iter()
        .filter(|prompt| argument_names(prompt).next().is_some())
        .collect();
    match (dice.pick(&with_arguments), template) {
        (Some(prompt), template) if template.is_none() || !dice.one_in(3) => {
            let name = argument_names(prompt).next().unwrap_or_default();
            (
                json!({ "type": "ref/prompt", "name": prompt["name"] }),
                json!({ "name": name, "value": dice.word(&["", "a"]) }),
            )
        }
        (_, Some(template)) => {
            let uri = template["uriTemplate"].as_str().unwrap_or_default();
            let variable = uri.split(['{', '}']).nth(1).unwrap_or("a");
            (
                json!({ "type": "ref/resource", "uri": uri }),
                json!({ "name": variable, "value": "a" }),
            )
        }
        _ => (
            json!({ "type": "ref/prompt", "name": "no-such-prompt" }),
            json!({ "name": "a", "value": "a" }),
        ),
    }
}

/// A URI near one that is listed. None that is listed is ever subscribed to: what it tells later would be nobody's.
fn resource(words: &Vocabulary, dice: &mut Dice) -> Made {
    let uri = dice.pick(&words.resources).map(|listed| &listed["uri"]);
    let uri = uri.and_then(Value::as_str).unwrap_or_default();
    let (keyword, uri) = match dice.below(6) {
        0 => ("URI retyped", no_string(dice)),
        1 => ("URI without scheme", json!(uri.replace(':', ""))),
        2 => ("unknown scheme", json!(format!("no-such-{uri}"))),
        3 => ("URI in capitals", json!(uri.to_uppercase())),
        4 => (
            "odd URI",
            json!(format!(
                "{uri}{}",
                dice.word(&["/../..", "%00", "%zz", "?a=b", "#a", "\u{e9}", " "])
            )),
        ),
        _ => ("unknown resource", json!(format!("{uri}-no-such"))),
    };
    let method = dice.word(&["resources/read", "resources/read", "resources/unsubscribe"]);
    (keyword, method, json!({ "uri": uri }))
}

/// A tool that may be called by a name in another case, or as a task where it knows none.
fn tool(words: &Vocabulary, dice: &mut Dice) -> Made {
    let Some(tool) = dice.pick(&words.allowed) else {
        return ("valid", "tools/list", json!({}));
    };
    let known = tool.arguments.clone();
    let arguments = known.unwrap_or_else(|| tool.schema.roll(dice));
    let mut params = json!({ "name": tool.name, "arguments": arguments });
    let keyword = match dice.one_in(2) && refuses_tasks(words, &tool.name) {
        true => {
            params["task"] = json!({ "ttl": 1_000 });
            "not for tasks"
        }
        false => {
            params["name"] = respelled(&params["name"], dice);
            "name respelled"
        }
    };
    (keyword, "tools/call", params)
}

/// Whether no task is made of a tool: one that was would outlive its input.
fn refuses_tasks(words: &Vocabulary, name: &str) -> bool {
    let tool = words.tools.iter().find(|tool| tool["name"] == name);
    words.revision == Revision::V2025_11_25 && tool.is_some_and(refusal::refuses_tasks)
}

fn argument_names(prompt: &Value) -> impl Iterator<Item = &str> {
    items(prompt, "arguments").filter_map(|argument| argument["name"].as_str())
}

/// The same letters in another case, or one more.
fn respelled(name: &Value, dice: &mut Dice) -> Value {
    let name = name.as_str().unwrap_or_default();
    let capital = |text: &str| {
        let mut letters = text.chars();
        let first = letters.next();
        first.map(|first| first.to_uppercase().chain(letters).collect::<String>())
    };
    Value::String(match dice.below(4) {
        0 => format!("{name} "),
        1 => capital(name).unwrap_or_default(),
        _ if name.to_uppercase() != name => name.to_uppercase(),
        _ => name.to_lowercase(),
    })
}

fn no_string(dice: &mut Dice) -> Value {
    let others = [
        Value::Null,
        json!(1),
        json!(1.5),
        json!(true),
        json!([]),
        json!(["a"]),
        json!({}),
    ];
    dice.pick(&others).cloned().unwrap_or_default()
}

fn no_object(dice: &mut Dice) -> Value {
    let others = [
        json!(1),
        json!(true),
        json!("a"),
        json!([]),
        json!([["a", "b"]]),
    ];
    dice.pick(&others).cloned().unwrap_or_default()
}
