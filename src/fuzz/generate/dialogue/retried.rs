//! Modern: a request that is sent again with what was asked for, or with something else, and with a state that is not its
//! own.

use serde_json::{Value, json};

use super::super::super::dice::Dice;
use super::super::super::input::Input;
use super::super::{Allowed, Vocabulary};
use super::{Kind, arguments, asked_for_all, numbered, plain_arguments};
use crate::drive::said;
use crate::revision::Era;

pub(super) const KIND: Kind = Kind {
    applies: |words| words.revision.era() == Era::Modern && !words.asking.is_empty(),
    make,
    classics,
};

/// Where an answer has it.
pub(super) const STATE: &str = "/result/requestState";

/// A way to go on with a tool that may have asked.
#[derive(Clone, Copy)]
enum Way {
    Well,
    Declined,
    Malformed,
    Unfit,
    NoObject,
    Invented,
    Changed,
    OfAnother,
    Undeclared,
}

const WAYS: [Way; 9] = [
    Way::Well,
    Way::Declined,
    Way::Malformed,
    Way::Unfit,
    Way::NoObject,
    Way::Invented,
    Way::Changed,
    Way::OfAnother,
    Way::Undeclared,
];

fn make(words: &Vocabulary, dice: &mut Dice) -> Input {
    let (Some(tool), Some(other)) = (dice.pick(&words.asking), dice.pick(&words.asking)) else {
        return Input::default();
    };
    let call = Call {
        tool,
        arguments: arguments(tool, dice),
    };
    let other = Call {
        tool: other,
        arguments: arguments(other, dice),
    };
    let way = dice.pick(&WAYS).copied().unwrap_or(Way::Well);
    input(words, &call, &other, way, dice.below(8))
}

/// Each way once, with each tool of the fixture for which it is another.
fn classics(words: &Vocabulary) -> Vec<Input> {
    let call = |name: &str| {
        let tool = words.asking.iter().find(|tool| tool.name.ends_with(name))?;
        Some(Call {
            tool,
            arguments: plain_arguments(tool),
        })
    };
    let ways = [
        ("result_elicitation", Way::Declined),
        ("result_elicitation", Way::Malformed),
        ("result_elicitation", Way::Unfit),
        ("result_elicitation", Way::NoObject),
        ("tampered_state", Way::Invented),
        ("tampered_state", Way::Changed),
        ("tampered_state", Way::OfAnother),
        ("missing_capability", Way::Undeclared),
    ];
    let other = call("request_state");
    let made = |(name, way): (&str, Way)| {
        let call = call(name)?;
        Some(input(words, &call, other.as_ref().unwrap_or(&call), way, 0))
    };
    ways.into_iter().filter_map(made).collect()
}

/// A call of a tool that may ask.
pub(super) struct Call<'a> {
    pub(super) tool: &'a Allowed,
    pub(super) arguments: Value,
}

impl Call<'_> {
    /// The call, with answers to what was asked, and a state.
    pub(super) fn request(
        &self,
        words: &Vocabulary,
        client: Value,
        responses: Option<Value>,
        state: Option<String>,
    ) -> Value {
        let mut params = json!({ "name": self.tool.name, "arguments": self.arguments });
        if let Some(responses) = responses {
            params["inputResponses"] = responses;
        }
        if let Some(state) = state {
            params["requestState"] = json!(state);
        }
        words.request_of(client, "tools/call", params)
    }

    /// Whether the fixture's tool sends a state along.
    fn has_state(&self) -> bool {
        ["_state", "_multiple_inputs"]
            .iter()
            .any(|end| self.tool.name.ends_with(end))
    }

    /// Good answers to what the fixture's tool asks.
    pub(super) fn answers(&self) -> Value {
        let form = |content: Value| json!({ "action": "accept", "content": content });
        let sample = || {
            let content = json!({ "type": "text", "text": "Paris" });
            json!({ "role": "assistant", "model": "m", "content": content })
        };
        let roots = || json!({ "roots": [{ "uri": "file:///fuzz" }] });
        let name = || form(json!({ "name": "Ada" }));
        match self.tool.name.strip_prefix("test_input_required_result_") {
            Some("elicitation") => json!({ "user_name": name() }),
            Some("sampling") => json!({ "capital_question": sample() }),
            Some("list_roots") => json!({ "client_roots": roots() }),
            Some("request_state" | "tampered_state") => {
                json!({ "confirm": form(json!({ "ok": true })) })
            }
            Some("multiple_inputs") => {
                json!({ "user_name": name(), "greeting": sample(), "client_roots": roots() })
            }
            _ => json!({}),
        }
    }
}

fn input(words: &Vocabulary, call: &Call<'_>, other: &Call<'_>, way: Way, number: usize) -> Input {
    let first = |call: &Call<'_>| call.request(words, asked_for_all(), None, None);
    let own = call.has_state().then(|| said(STATE));
    let good = call.answers();
    let (keyword, before, answers, state) = match way {
        Way::Undeclared => {
            let client = [
                json!({}),
                json!({ "roots": {} }),
                json!({ "elicitation": {} }),
            ];
            let client = client[number % 3].clone();
            return Input::json(
                "capability missing",
                &call.request(words, client, None, None),
            );
        }
        Way::Invented => {
            let state = ["no-such-state", "", "e30", "e30.e30.", "{}"][number % 5];
            ("state invented", None, good, Some(state.to_owned()))
        }
        Way::Changed => {
            let changed = match number % 2 {
                0 => said(STATE) + "-changed",
                _ => "x".to_owned() + &said(STATE),
            };
            ("state changed", Some(call), good, Some(changed))
        }
        Way::OfAnother => ("state of another", Some(other), good, Some(said(STATE))),
        Way::Well => ("answered", Some(call), good, own),
        Way::NoObject => {
            let answers = [json!("text"), json!([1]), json!(1), json!(true)][number % 4].clone();
            ("answers retyped", Some(call), answers, own)
        }
        Way::Declined => {
            let action = ["decline", "cancel"][number % 2];
            let answer = json!({ "action": action });
            ("declined", Some(call), each(&good, &answer), own)
        }
        Way::Malformed => {
            let answer = [
                json!(12345),
                json!("text"),
                json!({ "action": "x" }),
                json!({}),
                json!([]),
            ];
            (
                "answer retyped",
                Some(call),
                each(&good, &answer[number % 5]),
                own,
            )
        }
        Way::Unfit => {
            let content = [json!({}), json!({ "name": 1, "ok": "yes" })][number % 2].clone();
            let answer = json!({ "action": "accept", "content": content });
            ("answer unfit", Some(call), each(&good, &answer), own)
        }
    };
    let retry = call.request(words, asked_for_all(), Some(answers), state);
    match before {
        Some(before) => Input::messages(keyword, &[first(before), numbered(retry, 1)]),
        None => Input::json(keyword, &retry),
    }
}

/// The same answer to each question.
fn each(good: &Value, answer: &Value) -> Value {
    let keys = good.as_object().into_iter().flatten();
    keys.map(|(key, _)| (key.clone(), answer.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
