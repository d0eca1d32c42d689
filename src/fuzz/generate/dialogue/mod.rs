//! Dialogues: the server asks, and gets odd answers; what it began is ended, and asked for once more.

mod asked;
mod ended;
mod presented;
mod retried;
mod shared;
mod tasks;

use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::{Value, json};

use super::super::dice::Dice;
use super::super::input::{Input, id};
use super::{Allowed, Generator, Vocabulary};
use crate::drive::Shot;

pub(super) const GENERATOR: Generator = Generator {
    name: "dialogue",
    // They wait for answers, and some have a window or a session of their own.
    weight: 1,
    applies: |words| KINDS.iter().any(|kind| (kind.applies)(words)),
    make,
};

/// A kind of dialogue.
struct Kind {
    applies: fn(&Vocabulary) -> bool,
    make: fn(&Vocabulary, &mut Dice) -> Input,
    /// One of each thing that servers get wrong most often.
    classics: fn(&Vocabulary) -> Vec<Input>,
}

const KINDS: [Kind; 6] = [
    asked::KIND,
    ended::KIND,
    presented::KIND,
    retried::KIND,
    shared::KIND,
    tasks::KIND,
];

fn kinds(words: &Vocabulary) -> Vec<&'static Kind> {
    let applies = |kind: &&Kind| (kind.applies)(words);
    KINDS.iter().filter(applies).collect()
}

fn make(words: &Vocabulary, dice: &mut Dice) -> Input {
    let kind = dice.pick(&kinds(words)).copied();
    kind.map_or_else(Input::default, |kind| (kind.make)(words, dice))
}

/// The dialogues that are tried first.
pub(super) fn classics(words: &Vocabulary) -> Vec<Input> {
    let kinds = kinds(words).into_iter();
    kinds.flat_map(|kind| (kind.classics)(words)).collect()
}

/// What a client says that can be asked for everything.
fn asked_for_all() -> Value {
    json!({ "elicitation": {}, "roots": {}, "sampling": {} })
}

/// What its schema accepts, or the user gave.
fn arguments(tool: &Allowed, dice: &mut Dice) -> Value {
    let known = tool.arguments.clone();
    known.unwrap_or_else(|| tool.schema.roll(dice))
}

/// The same ones always, and no more than there must be.
fn plain_arguments(tool: &Allowed) -> Value {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[0; 32]);
    let mut arguments = arguments(tool, &mut Dice::new(rng));
    if let (Some(arguments), None) = (arguments.as_object_mut(), &tool.arguments) {
        arguments.retain(|name, _| tool.schema.requires(name));
    }
    arguments
}

/// Somebody who may do what we may.
const OTHER: &str = "other-caller";

/// Who sends a message.
#[derive(Clone, Copy, PartialEq)]
enum Sender {
    Us,
    Nobody,
    Other,
}

/// Whether the credentials of somebody else are known.
fn has_another(words: &Vocabulary) -> bool {
    let callers = words.callers.as_ref();
    callers.is_some_and(|callers| callers.identities.iter().any(|name| name == OTHER))
}

/// Messages about one method, each with the credentials of its sender.
fn sent_by(keyword: &'static str, method: &'static str, messages: Vec<(Value, Sender)>) -> Input {
    let shot = |((message, sender), number): ((Value, Sender), u8)| {
        let without = (sender == Sender::Nobody).then(|| ("Authorization".to_owned(), Value::Null));
        Shot::Message {
            bytes: numbered(message, number).to_string().into(),
            split: None,
            headers: without.into_iter().collect(),
            identity: (sender == Sender::Other).then(|| OTHER.to_owned()),
        }
    };
    Input {
        keyword,
        method: Some(method.to_owned()),
        shots: messages.into_iter().zip(0..).map(shot).collect(),
        ..Input::default()
    }
}

/// The same message with the id of this number.
fn numbered(mut message: Value, number: u8) -> Value {
    message["id"] = id(number);
    message
}
