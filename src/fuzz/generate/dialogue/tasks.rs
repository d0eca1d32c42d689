//! Tasks that are begun, looked at and cancelled, so that nothing goes on behind them for long.

use serde_json::{Value, json};

use super::super::super::dice::Dice;
use super::super::super::input::Input;
use super::super::{Allowed, Vocabulary};
use super::{Kind, arguments, asked_for_all, numbered, plain_arguments};
use crate::condition::TASKS_EXTENSION;
use crate::drive::said;
use crate::revision::Era;

pub(super) const KIND: Kind = Kind {
    applies: |words| !words.lasting.is_empty(),
    make,
    classics,
};

/// Of so many tools, at most, the classics are about.
const MOST: usize = 4;
/// How long a server may keep what came of one, in milliseconds.
const TTL: u64 = 1_000;

fn make(words: &Vocabulary, dice: &mut Dice) -> Input {
    let Some(tool) = dice.pick(&words.lasting) else {
        return Input::default();
    };
    let arguments = arguments(tool, dice);
    let steps: &[Step] = match words.revision.era() {
        Era::Legacy => dice.pick(&LEGACY).copied().unwrap_or_default(),
        Era::Modern => dice.pick(&MODERN).copied().unwrap_or_default(),
    };
    input(words, (tool, arguments), steps)
}

fn classics(words: &Vocabulary) -> Vec<Input> {
    let steps = match words.revision.era() {
        Era::Legacy => LEGACY[0],
        Era::Modern => MODERN[0],
    };
    let first = words.lasting.iter().take(MOST);
    first
        .map(|tool| input(words, (tool, plain_arguments(tool)), steps))
        .collect()
}

/// A method, and whether the client says that it knows tasks.
type Step = (&'static str, bool);

/// What follows the call: each ends the task.
const LEGACY: [&[Step]; 3] = [
    &[("tasks/cancel", true), ("tasks/cancel", true)],
    &[
        ("tasks/get", true),
        ("tasks/cancel", true),
        ("tasks/get", true),
        ("tasks/cancel", true),
    ],
    &[
        ("tasks/cancel", true),
        ("tasks/result", true),
        ("tasks/cancel", true),
    ],
];
const MODERN: [&[Step]; 3] = [
    &[("tasks/get", false), ("tasks/cancel", true)],
    &[
        ("tasks/update", false),
        ("tasks/cancel", false),
        ("tasks/cancel", true),
    ],
    &[
        ("tasks/get", true),
        ("tasks/cancel", true),
        ("tasks/cancel", true),
        ("tasks/get", false),
    ],
];

/// The call that begins a task, and what stands for its id from then on.
pub(super) fn begun(words: &Vocabulary, tool: &Allowed, arguments: Value) -> (Value, String) {
    let mut call = json!({ "name": tool.name, "arguments": arguments });
    let id = match words.revision.era() {
        Era::Legacy => {
            call["task"] = json!({ "ttl": TTL });
            "/result/task/taskId"
        }
        Era::Modern => "/result/taskId",
    };
    let call = words.request_of(client(true), "tools/call", call);
    (call, said(id))
}

fn input(words: &Vocabulary, (tool, arguments): (&Allowed, Value), steps: &[Step]) -> Input {
    let keyword = match words.revision.era() {
        Era::Legacy => "task ended twice",
        Era::Modern => "task of a client without tasks",
    };
    let (call, id) = begun(words, tool, arguments);
    let mut messages = vec![call];
    for ((method, knows), number) in steps.iter().zip(1_u8..) {
        let mut params = json!({ "taskId": id });
        if *method == "tasks/update" {
            params["inputResponses"] = json!({});
        }
        let request = words.request_of(client(*knows), method, params);
        messages.push(numbered(request, number));
    }
    Input::messages(keyword, &messages)
}

pub(super) fn client(knows_tasks: bool) -> Value {
    let mut client = asked_for_all();
    if knows_tasks {
        client["extensions"] = json!({ TASKS_EXTENSION: {} });
    }
    client
}
