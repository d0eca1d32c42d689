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
    if let Way::Undeclared = way {
        let clients = [
            json!({}),
            json!({ "roots": {} }),
            json!({ "elicitation": {} }),
        ];
        let client = clients[number % clients.len()].clone();
        return Input::json(way.keyword(), &call.request(words, client, None, None));
    }
    let answers = way.answers(&call.answers(), number);
    let state = way.state(call, number);
    let retry = call.request(words, asked_for_all(), Some(answers), state);
    let first = |call: &Call<'_>| call.request(words, asked_for_all(), None, None);
    let first = match way {
        Way::Invented => return Input::json(way.keyword(), &retry),
        Way::OfAnother => first(other),
        _ => first(call),
    };
    Input::messages(way.keyword(), &[first, numbered(retry, 1)])
}

impl Way {
    fn keyword(self) -> &'static str {
        match self {
            Way::Well => "answered",
            Way::Declined => "declined",
            Way::Malformed => "answer retyped",
            Way::Unfit => "answer unfit",
            Way::NoObject => "answers retyped",
            Way::Invented => "state invented",
            Way::Changed => "state changed",
            Way::OfAnother => "state of another",
            Way::Undeclared => "capability missing",
        }
    }

    /// The answers, made of good ones.
    fn answers(self, good: &Value, number: usize) -> Value {
        let pick = |from: &[Value]| from[number % from.len()].clone();
        match self {
            Way::NoObject => pick(&[json!("text"), json!([1]), json!(1), json!(true)]),
            Way::Declined => {
                let answers = ["decline", "cancel"].map(|action| json!({ "action": action }));
                each(good, &pick(&answers))
            }
            Way::Malformed => {
                let odd = json!({ "action": "x" });
                let answers = [json!(12345), json!("text"), odd, json!({}), json!([])];
                each(good, &pick(&answers))
            }
            Way::Unfit => {
                let content = pick(&[json!({}), json!({ "name": 1, "ok": "yes" })]);
                each(good, &json!({ "action": "accept", "content": content }))
            }
            _ => good.clone(),
        }
    }

    /// The state, made of what the server said.
    fn state(self, call: &Call<'_>, number: usize) -> Option<String> {
        let invented = ["no-such-state", "", "e30", "e30.e30.", "{}"];
        match self {
            Way::Invented => Some(invented[number % invented.len()].to_owned()),
            Way::Changed if number.is_multiple_of(2) => Some(said(STATE) + "-changed"),
            Way::Changed => Some("x".to_owned() + &said(STATE)),
            Way::OfAnother => Some(said(STATE)),
            _ => call.has_state().then(|| said(STATE)),
        }
    }
}

/// The same answer to each question.
fn each(good: &Value, answer: &Value) -> Value {
    let keys = good.as_object().into_iter().flatten();
    keys.map(|(key, _)| (key.clone(), answer.clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}
