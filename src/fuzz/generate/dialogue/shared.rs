//! A task of ours that somebody else asks about.

use serde_json::json;

use super::super::super::input::Input;
use super::super::{Allowed, Vocabulary};
use super::tasks::{begun, client};
use super::{Kind, Sender, has_another, plain_arguments, sent_by};

pub(super) const KIND: Kind = Kind {
    applies: |words| !words.lasting.is_empty() && has_another(words),
    make: |words, dice| {
        let tool = dice.pick(&words.lasting);
        tool.map_or_else(Input::default, |tool| shared(words, tool))
    },
    // Which calls become tasks is for the server to say.
    classics: |words| {
        let tools = words.lasting.iter().take(MAX_TOOLS);
        tools.map(|tool| shared(words, tool)).collect()
    },
};

/// So many tools are tried first.
const MAX_TOOLS: usize = 8;

/// Nobody must get an answer: who needs no token has no task of his own.
fn shared(words: &Vocabulary, tool: &Allowed) -> Input {
    let (call, id) = begun(words, tool, plain_arguments(tool));
    let about =
        |method: &str, id: &str| words.request_of(client(true), method, json!({ "taskId": id }));
    let messages = vec![
        (about("tasks/get", "no-such-task"), Sender::Nobody),
        (call, Sender::Us),
        (about("tasks/get", &id), Sender::Other),
        (about("tasks/cancel", &id), Sender::Us),
    ];
    sent_by("task of another caller", "tasks/get", messages)
}
