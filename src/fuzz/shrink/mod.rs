//! Smaller inputs that may do the same: the smallest first, so that few have to be tried. Each is made when it is asked
//! for, because an input may be large, and what can be left out of it is much.

mod edits;
mod project;

use std::collections::HashSet;
use std::ops::Range;

use bytes::Bytes;
use serde_json::Value;

use self::edits::{Edit, collect};
use super::input::Input;
use crate::drive::Shot;
use crate::judge::refusal;
use crate::transport::HttpRequest;

pub(super) use self::project::{is_part, projected};

/// Of one length so many pieces are left out in turn.
const PIECES: usize = 64;

type Candidates<'a, T> = Box<dyn Iterator<Item = T> + Send + 'a>;

/// Everything that could be left out or made simpler, in one step each. Each is smaller than the input, or asks the
/// plainest method instead of its own. What is a valid message for JSON-RPC stays one: most servers have more than one
/// defect, and one must not shrink into another.
pub(super) fn candidates<'a>(
    inputs: &'a [Input],
    plainest: &'static str,
) -> Candidates<'a, Vec<Input>> {
    let changed = inputs.iter().enumerate().flat_map(move |(index, input)| {
        of_input(input, plainest).map(move |candidate| with(inputs, index, candidate))
    });
    let are_apart = have_ids_of_their_own(inputs);
    Box::new(
        changed
            .chain(pieces(inputs.len()).map(move |piece| without(inputs, &piece)))
            .filter(move |candidate| !are_apart || have_ids_of_their_own(candidate)),
    )
}

/// Whether no two messages have the same id: a server may take offence at that instead.
fn have_ids_of_their_own(inputs: &[Input]) -> bool {
    let shots: Vec<&Shot> = inputs.iter().flat_map(|input| &input.shots).collect();
    if shots.len() < 2 {
        return true;
    }
    let messages = shots
        .iter()
        .filter_map(|shot| serde_json::from_slice::<Value>(shot.bytes()).ok());
    let mut ids = messages.filter_map(|message| Some(message.get("id")?.to_string()));
    let mut known = HashSet::new();
    ids.all(|id| known.insert(id))
}

/// What can be left out of so many: a half, a quarter, ... one.
fn pieces(count: usize) -> impl Iterator<Item = Range<usize>> + Send {
    let lengths = std::iter::successors(Some(count / 2), |length| Some(length / 2));
    lengths
        .take_while(|length| *length > 0)
        .flat_map(move |length| {
            let starts = (0..count).step_by(length).take(PIECES);
            starts.map(move |start| start..(start + length).min(count))
        })
}

fn without<T: Clone>(all: &[T], piece: &Range<usize>) -> Vec<T> {
    [&all[..piece.start], &all[piece.end..]].concat()
}

fn with<T: Clone>(all: &[T], index: usize, one: T) -> Vec<T> {
    let mut changed = all.to_vec();
    changed[index] = one;
    changed
}

fn of_input(input: &Input, plainest: &'static str) -> impl Iterator<Item = Input> + Send {
    let shots = &input.shots;
    let fewer = pieces(shots.len()).map(move |piece| without(shots, &piece));
    let simpler = shots.iter().enumerate().flat_map(move |(index, shot)| {
        of_shot(shot, plainest).map(move |candidate| with(shots, index, candidate))
    });
    let of = |shots| Input {
        shots,
        ..input.clone()
    };
    let silent = input.replies.keys().map(|method| {
        let mut input = input.clone();
        input.replies.remove(method);
        input
    });
    silent.chain(fewer.chain(simpler).map(of))
}

fn of_shot<'a>(shot: &'a Shot, plainest: &'static str) -> Candidates<'a, Shot> {
    match shot {
        Shot::Message {
            bytes,
            split,
            headers,
            identity,
        } => {
            let made = |bytes, split, headers| Shot::Message {
                bytes,
                split,
                headers,
                identity: identity.clone(),
            };
            let whole = split.map(|_| made(bytes.clone(), None, headers.clone()));
            let fewer = headers.keys().map(move |name| {
                let mut fewer = headers.clone();
                fewer.shift_remove(name);
                made(bytes.clone(), *split, fewer)
            });
            let shorter =
                of_bytes(bytes, plainest).map(move |bytes| made(bytes, *split, headers.clone()));
            Box::new(whole.into_iter().chain(fewer).chain(shorter))
        }
        Shot::Aborted(bytes) => Box::new(of_bytes(bytes, plainest).map(Shot::Aborted)),
        Shot::Http(request) => Box::new(of_request(request, plainest).map(Shot::Http)),
    }
}

fn of_request<'a>(
    request: &'a HttpRequest,
    plainest: &'static str,
) -> impl Iterator<Item = HttpRequest> + Send + 'a {
    let here = request.path.as_ref().map(|_| HttpRequest {
        path: None,
        ..request.clone()
    });
    let fewer = (0..request.headers.len()).map(|index| HttpRequest {
        headers: without(&request.headers, &(index..index + 1)),
        ..request.clone()
    });
    let shorter = of_bytes(&request.body, plainest).map(|body| HttpRequest {
        body,
        ..request.clone()
    });
    here.into_iter().chain(fewer).chain(shorter)
}

fn of_bytes(bytes: &Bytes, plainest: &'static str) -> Candidates<'static, Bytes> {
    let length = bytes.len();
    let shorter = move |candidate: &Bytes| candidate.len() < length;
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        return Box::new(cuts(bytes.clone()).filter(shorter));
    };
    let asks_plainly = with_method(&value, plainest).map(|value| value.to_string().into());
    let plain = Bytes::from(value.to_string());
    // What only the spelling does needs bytes left out.
    let spelling = (plain != *bytes).then(|| {
        let cuts = cuts(bytes.clone()).filter(shorter);
        [plain].into_iter().chain(cuts)
    });
    let less = of_json(value).filter(shorter);
    let spelled = spelling.into_iter().flatten();
    Box::new(asks_plainly.into_iter().chain(spelled).chain(less))
}

/// The same value with less in it.
fn of_json(value: Value) -> impl Iterator<Item = Bytes> + Send {
    let mut edits = Vec::new();
    collect(&value, &mut Vec::new(), &mut edits);
    let call = Call::of(&value);
    let has_method = is_known_method(&value);
    let apply = move |edit: Edit| {
        let keeps_method = has_method && edit.is_of_method(&value);
        let edited = edit.apply(value.clone());
        (!keeps_method && (call.is_none() || Call::of(&edited) == call))
            .then(|| edited.to_string().into())
    };
    edits.into_iter().filter_map(apply)
}

/// A message that JSON-RPC knows how to treat.
#[derive(Debug, PartialEq, Eq)]
enum Call {
    Request,
    Notification,
}

impl Call {
    fn of(value: &Value) -> Option<Call> {
        let is_call = value.get("jsonrpc") == Some(&Value::from("2.0"))
            && value.get("method").is_some_and(Value::is_string)
            && value.get("result").is_none()
            && value.get("error").is_none();
        match value.get("id") {
            None if is_call => Some(Call::Notification),
            Some(Value::String(_) | Value::Number(_)) if is_call => Some(Call::Request),
            _ => None,
        }
    }
}

/// Whether it asks for something that there is: another method would be another question.
fn is_known_method(value: &Value) -> bool {
    let method = value.get("method").and_then(Value::as_str);
    method.is_some_and(refusal::is_known_method)
}

/// A request with another method, if it has not that one already.
fn with_method(value: &Value, method: &str) -> Option<Value> {
    let asks_otherwise = Call::of(value) == Some(Call::Request) && value["method"] != method;
    asks_otherwise.then(|| {
        let mut value = value.clone();
        value["method"] = method.into();
        value
    })
}

/// Nothing, one byte, then without a piece.
fn cuts(bytes: Bytes) -> Candidates<'static, Bytes> {
    let first = [Bytes::new(), bytes.slice(..bytes.len().min(1))];
    let pieces = pieces(bytes.len());
    let cut = move |piece: Range<usize>| Bytes::from(without(&bytes, &piece));
    Box::new(first.into_iter().chain(pieces.map(cut)))
}

#[cfg(test)]
mod tests;
