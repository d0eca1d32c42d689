//! Dialogues: the server asks, and gets odd answers; what it began is ended, and asked for once more.

mod asked;
mod ended;
mod presented;
mod retried;
mod tasks;

use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::{Value, json};

use super::super::dice::Dice;
use super::super::input::{Input, id};
use super::{Allowed, Generator, Vocabulary};

pub(super) const GENERATOR: Generator = Generator {
    name: "dialogue",
    // They wait for answers, and some have a window or a session of their own.
    weight: 2,
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

const KINDS: [Kind; 5] = [
    asked::KIND,
    ended::KIND,
    presented::KIND,
    retried::KIND,
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

/// The same message with the id of this number.
fn numbered(mut message: Value, number: u8) -> Value {
    message["id"] = id(number);
    message
}
