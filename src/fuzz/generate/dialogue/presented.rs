//! Modern: a state that was issued to us, and is brought by somebody else.

use serde_json::{Map, Value};

use super::super::super::dice::Dice;
use super::super::super::input::Input;
use super::super::Vocabulary;
use super::retried::{Call, STATE};
use super::{Kind, asked_for_all, numbered, plain_arguments};
use crate::drive::{Shot, said};
use crate::revision::Era;

pub(super) const KIND: Kind = Kind {
    applies: |words| words.revision.era() == Era::Modern && call(words).is_some(),
    make: |words, _: &mut Dice| presented(words).unwrap_or_default(),
    classics: |words| presented(words).into_iter().collect(),
};

/// Somebody who may do what we may.
const OTHER: &str = "other-caller";

/// The call of the fixture's tool that sends a state along, where there is somebody else.
fn call(words: &Vocabulary) -> Option<Call<'_>> {
    let callers = words.callers.as_ref()?;
    callers.identities.iter().find(|name| *name == OTHER)?;
    let mut asking = words.asking.iter();
    let tool = asking.find(|tool| tool.name == "test_input_required_result_request_state")?;
    let arguments = plain_arguments(tool);
    Some(Call { tool, arguments })
}

/// Nobody must get an answer: who needs no token has no state of his own.
fn presented(words: &Vocabulary) -> Option<Input> {
    let call = call(words)?;
    let first = call.request(words, asked_for_all(), None, None);
    let retry = call.request(
        words,
        asked_for_all(),
        Some(call.answers()),
        Some(said(STATE)),
    );
    let nobody = Map::from_iter([("Authorization".to_owned(), Value::Null)]);
    let sent = [
        (numbered(first.clone(), 0), nobody, None),
        (numbered(first, 1), Map::new(), None),
        (numbered(retry, 2), Map::new(), Some(OTHER.to_owned())),
    ];
    let shots = sent.map(|(message, headers, identity)| Shot::Message {
        bytes: message.to_string().into(),
        split: None,
        headers,
        identity,
    });
    Some(Input {
        keyword: "state of another caller",
        method: Some("tools/call".to_owned()),
        shots: shots.into(),
        ..Input::default()
    })
}
