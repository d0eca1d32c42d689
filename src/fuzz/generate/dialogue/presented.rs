//! Modern: a state that was issued to us, and is brought by somebody else.

use super::super::super::dice::Dice;
use super::super::super::input::Input;
use super::super::Vocabulary;
use super::retried::{Call, STATE};
use super::{Kind, Sender, asked_for_all, has_another, plain_arguments, sent_by};
use crate::drive::said;
use crate::revision::Era;

pub(super) const KIND: Kind = Kind {
    applies: |words| words.revision.era() == Era::Modern && call(words).is_some(),
    make: |words, _: &mut Dice| presented(words).unwrap_or_default(),
    classics: |words| presented(words).into_iter().collect(),
};

/// The call of the fixture's tool that sends a state along, where there is somebody else.
fn call(words: &Vocabulary) -> Option<Call<'_>> {
    let mut asking = words.asking.iter().filter(|_| has_another(words));
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
    let messages = vec![
        (first.clone(), Sender::Us),
        (first, Sender::Nobody),
        (retry, Sender::Other),
    ];
    Some(sent_by("state of another caller", "tools/call", messages))
}
