//! JSON that is no JSON-RPC.

use serde_json::{Map, Value, json};

use super::super::dice::Dice;
use super::super::input::{Input, id};
use super::{Generator, Vocabulary};

pub(super) const GENERATOR: Generator = Generator {
    name: "json",
    weight: 20,
    applies: |_| true,
    make,
};

/// Numbers that readers take for others, or do not take.
const NUMBERS: [&str; 14] = [
    "-0",
    "1e400",
    "-1e400",
    "1e-400",
    "9007199254740993",
    "18446744073709551616",
    "-9223372036854775809",
    "0.1e1",
    "1.0",
    "2147483648",
    "1E2",
    "01",
    "+1",
    "NaN",
];
/// Strings in JSON that are no text everywhere.
const STRINGS: [&str; 7] = [
    r#""\ud800""#,
    r#""\udc00\ud800""#,
    r#""\u0000""#,
    r#""\ud83d\ude00""#,
    r#""\x41""#,
    r#""\""#,
    r#""__proto__""#,
];

fn make(words: &Vocabulary, dice: &mut Dice) -> Input {
    match dice.below(60) {
        0..=2 => nested(dice),
        3 if dice.one_in(2) => wide(dice),
        3 if dice.one_in(10) => huge(words, dice),
        4..=20 => envelope(words, dice),
        21..=32 => duplicate(words, dice),
        33..=44 => literal(words, dice, "extreme number", &NUMBERS),
        45..=52 => literal(words, dice, "odd string", &STRINGS),
        _ => Input::json("any JSON", &anything(dice, 0)),
    }
}

fn anything(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth > 3 { 4 } else { 6 }) {
        0 => Value::Null,
        1 => json!(dice.below(2) == 0),
        2 => json!(dice.number()),
        3 => json!(dice.word(&["", "ping", "2.0", "id", "\u{1f600}"])),
        4 => (0..dice.below(4))
            .map(|_| anything(dice, depth + 1))
            .collect(),
        _ => (0..dice.below(4))
            .map(|_| {
                let name = dice.word(&["jsonrpc", "method", "id", "params", "result", "error", ""]);
                (name.to_owned(), anything(dice, depth + 1))
            })
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// One member of the envelope is missing, or is not what it should be.
fn envelope(words: &Vocabulary, dice: &mut Dice) -> Input {
    let mut message = words.message(dice);
    let member = dice.word(&["jsonrpc", "method", "id", "params", "result", "error"]);
    let instead = match dice.below(8) {
        0 => None,
        1 => Some(Value::Null),
        2 => Some(json!(2.0)),
        3 => Some(json!("")),
        4 => Some(json!([])),
        5 => Some(json!({})),
        6 => Some(json!("1.0")),
        _ => Some(anything(dice, 2)),
    };
    if let Some(members) = message.as_object_mut() {
        match instead {
            Some(value) => drop(members.insert(member.to_owned(), value)),
            None => drop(members.shift_remove(member)),
        }
    }
    Input::json("wrong envelope", &message)
}

/// A member occurs twice: readers disagree which one counts.
fn duplicate(words: &Vocabulary, dice: &mut Dice) -> Input {
    let message = words.message(dice);
    let text = message.to_string();
    let members = ["jsonrpc", "method", "id", "params"];
    let there: Vec<&str> = members
        .into_iter()
        .filter(|member| message.get(member).is_some())
        .collect();
    let member = dice.word(&there);
    let value = match member {
        "jsonrpc" => json!("2.0"),
        "id" => id(1),
        _ => message.get(member).cloned().unwrap_or(json!("ping")),
    };
    let extra = format!("\"{member}\":{value}");
    let inner = text.trim_start_matches('{').trim_end_matches('}');
    let text = match dice.one_in(2) {
        true => format!("{{{extra},{}", &text[1..]),
        false => format!(
            "{{{inner}{},{extra}}}",
            "}".repeat(text.len() - inner.len() - 2)
        ),
    };
    Input {
        method: Input::json("", &message).method,
        ..Input::bytes("duplicate name", text)
    }
}

/// A value that JSON spells, or nearly, in a place of a valid message.
fn literal(
    words: &Vocabulary,
    dice: &mut Dice,
    keyword: &'static str,
    from: &[&'static str],
) -> Input {
    let mut message = words.message(dice);
    let place = dice.word(&["id", "method", "params", "extra"]);
    message[place] = json!("%HERE%");
    let text = message.to_string().replace("\"%HERE%\"", dice.word(from));
    Input::bytes(keyword, text)
}

fn nested(dice: &mut Dice) -> Input {
    // Every other time so deep that some parsers stop, but no widely used one does.
    let depth = match dice.one_in(2) {
        true => dice.between(20, 60),
        false => dice
            .pick(&[100, 100, 1_000, 1_000, 10_000, 10_000, 100_000])
            .copied()
            .unwrap_or(100),
    };
    let (open, inner, close) = match dice.one_in(2) {
        true => ("[", "", "]"),
        false => ("{\"a\":", "1", "}"),
    };
    let value = [&open.repeat(depth), inner, &close.repeat(depth)].concat();
    let text = match dice.one_in(3) {
        true => value,
        false => format!(
            r#"{{"jsonrpc":"2.0","id":{},"method":"ping","params":{{"x":{value}}}}}"#,
            id(0)
        ),
    };
    Input::bytes("deep nesting", text)
}

fn wide(dice: &mut Dice) -> Input {
    let width = dice.between(1_000, 20_000);
    let text = match dice.one_in(2) {
        true => format!("[{}1]", "1,".repeat(width)),
        false => {
            let members: Vec<String> = (0..width).map(|n| format!("\"k{n}\":1")).collect();
            format!("{{{}}}", members.join(","))
        }
    };
    Input::bytes("very wide", text)
}

fn huge(words: &Vocabulary, dice: &mut Dice) -> Input {
    let mut message = words.alive();
    message["params"]["text"] = json!("x".repeat(dice.between(64 << 10, 1 << 20)));
    Input::json("huge string", &message)
}
