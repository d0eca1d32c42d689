//! Smaller inputs that may do the same: the smallest first, so that few have to be tried. Each is made when it is asked
//! for, because an input may be large, and what can be left out of it is much.

use std::ops::Range;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::input::Input;
use crate::drive::Shot;
use crate::judge::refusal;
use crate::transport::HttpRequest;

/// Of one length so many pieces are left out in turn.
const PIECES: usize = 64;
/// So many changes to one value are tried.
const MAX_EDITS: usize = 2_000;

type Candidates<'a, T> = Box<dyn Iterator<Item = T> + Send + 'a>;

/// An input without whatever a smaller one does not have, and with its envelope; none where they have too little in
/// common. If it does the same, the smaller one is behind it.
pub(super) fn projected(inputs: &[Input], onto: &[Input]) -> Option<Vec<Input>> {
    let ([input], [onto]) = (inputs, onto) else {
        return None;
    };
    let (
        [Shot::Message { bytes, headers, .. }],
        [
            Shot::Message {
                bytes: smaller,
                split,
                headers: fewer,
            },
        ],
    ) = (&input.shots[..], &onto.shots[..])
    else {
        return None;
    };
    let own = |name: &String| Some((name.clone(), headers.get(name)?.clone()));
    let headers: Map<_, _> = fewer.keys().map(own).collect::<Option<_>>()?;
    let read = |bytes| serde_json::from_slice::<Value>(bytes).ok();
    let bytes = match (read(bytes), read(smaller)) {
        // The headers are what is odd.
        _ if !headers.is_empty() => smaller.clone(),
        (Some(value), Some(smaller)) => Bytes::from(project(&value, &smaller, true)?.to_string()),
        // Of what is no JSON the kind is all that counts.
        (None, None) if input.shape() == onto.shape() => smaller.clone(),
        _ => return None,
    };
    let shot = Shot::Message {
        bytes,
        split: *split,
        headers,
    };
    (input.unopened == onto.unopened).then(|| {
        vec![Input {
            shots: vec![shot],
            ..onto.clone()
        }]
    })
}

fn project(value: &Value, onto: &Value, is_envelope: bool) -> Option<Value> {
    match (value, onto) {
        (Value::Object(members), Value::Object(smaller)) => {
            let part = |(name, onto): (&String, &Value)| {
                let own = members.get(name)?;
                let part = match name.as_str() {
                    "jsonrpc" | "id" | "method" if is_envelope => onto.clone(),
                    _ => project(own, onto, false)?,
                };
                Some((name.clone(), part))
            };
            // Nothing at all is no part of something.
            let is_part = !smaller.is_empty() || members.is_empty();
            let parts = is_part.then(|| smaller.iter().map(part).collect::<Option<_>>());
            parts.flatten().map(Value::Object)
        }
        (Value::Array(items), Value::Array(smaller)) => match (&items[..], &smaller[..]) {
            ([], []) => Some(Value::Array(Vec::new())),
            ([first, ..], [onto]) => Some(Value::Array(vec![project(first, onto, is_envelope)?])),
            _ => None,
        },
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => None,
        (scalar, _) => Some(scalar.clone()),
    }
}

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
    Box::new(
        pieces(inputs.len())
            .map(move |piece| without(inputs, &piece))
            .chain(changed),
    )
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
    fewer.chain(simpler).map(of)
}

fn of_shot<'a>(shot: &'a Shot, plainest: &'static str) -> Candidates<'a, Shot> {
    match shot {
        Shot::Message {
            bytes,
            split,
            headers,
        } => {
            let made = |bytes, split, headers| Shot::Message {
                bytes,
                split,
                headers,
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

/// One change to a value that makes it simpler.
struct Edit {
    /// Where: positions from the outside in.
    path: Vec<usize>,
    change: Change,
}

enum Change {
    /// These members or items are left out.
    Leave(Range<usize>),
    /// It becomes something else.
    Become(Value),
}

impl Edit {
    /// Whether it changes the method of a message.
    fn is_of_method(&self, value: &Value) -> bool {
        let name = |step: &usize| value.as_object()?.keys().nth(*step);
        self.path
            .first()
            .and_then(name)
            .is_some_and(|name| name == "method")
    }

    fn apply(self, mut value: Value) -> Value {
        let mut place = Some(&mut value);
        for step in self.path {
            place = place.and_then(|place| match place {
                Value::Array(items) => items.get_mut(step),
                Value::Object(members) => members.values_mut().nth(step),
                _ => None,
            });
        }
        match (place, self.change) {
            (Some(Value::Array(items)), Change::Leave(piece)) => drop(items.drain(piece)),
            (Some(Value::Object(members)), Change::Leave(piece)) => {
                let mut position = 0..;
                members.retain(|_, _| {
                    position
                        .next()
                        .is_none_or(|position| !piece.contains(&position))
                });
            }
            (Some(place), Change::Become(other)) => *place = other,
            _ => {}
        }
        value
    }
}

/// The changes to a value and what is in it, those that leave least first.
fn collect(value: &Value, path: &mut Vec<usize>, edits: &mut Vec<Edit>) {
    if let Value::Object(members) = value
        && path.is_empty()
    {
        edits.extend(number_for_id(members));
    }
    let mut add = |change| {
        edits.push(Edit {
            path: path.clone(),
            change,
        });
    };
    let parts: Vec<&Value> = match value {
        Value::Object(members) => {
            add(Change::Become(Value::Object(Map::new())));
            members.values().collect()
        }
        Value::Array(items) => {
            add(Change::Become(Value::Array(Vec::new())));
            items.iter().collect()
        }
        Value::String(text) if text.is_empty() => return,
        Value::String(text) => {
            simpler_texts(text).for_each(|text| add(Change::Become(Value::String(text))));
            return;
        }
        Value::Number(number) if number.to_string().len() > 1 => {
            add(Change::Become(Value::from(0)));
            return;
        }
        _ => return,
    };
    pieces(parts.len()).for_each(|piece| add(Change::Leave(piece)));
    for (step, part) in parts.into_iter().enumerate() {
        if edits.len() > MAX_EDITS {
            return;
        }
        path.push(step);
        collect(part, path, edits);
        path.pop();
    }
}

/// A number is the simplest id.
fn number_for_id(members: &Map<String, Value>) -> Option<Edit> {
    let step = members.keys().position(|name| name == "id")?;
    let is_text = members.get("id").is_some_and(Value::is_string);
    is_text.then(|| Edit {
        path: vec![step],
        change: Change::Become(Value::from(0)),
    })
}

/// Nothing, a half, all but one at either end.
fn simpler_texts(text: &str) -> impl Iterator<Item = String> {
    let count = text.chars().count();
    let take = |from: usize, to: usize| {
        text.chars()
            .skip(from)
            .take(to.saturating_sub(from))
            .collect::<String>()
    };
    let cuts = [
        (0, 0),
        (0, count / 2),
        (count / 2, count),
        (0, count.saturating_sub(1)),
        (1, count),
    ];
    let cuts = cuts.into_iter().filter(move |_| count > 0);
    cuts.map(move |(from, to)| take(from, to))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How large a sequence is.
    fn size(inputs: &[Input]) -> usize {
        inputs
            .iter()
            .flat_map(|input| &input.shots)
            .map(|shot| 1 + weight(shot))
            .sum()
    }

    fn weight(shot: &Shot) -> usize {
        match shot {
            Shot::Message {
                bytes,
                split,
                headers,
            } => bytes.len() + usize::from(split.is_some()) + headers.len(),
            Shot::Aborted(bytes) => bytes.len(),
            Shot::Http(request) => {
                request.body.len() + request.headers.len() + usize::from(request.path.is_some())
            }
        }
    }

    fn input(bytes: Vec<u8>) -> Input {
        Input::bytes("", bytes)
    }

    /// Shrinks as the hunt does, with a predicate in the place of a server.
    fn smallest(mut inputs: Vec<Input>, breaks: impl Fn(&[Input]) -> bool) -> Vec<Input> {
        loop {
            let smaller = candidates(&inputs, "ping").find(|candidate| breaks(candidate));
            match smaller {
                Some(smaller) => inputs = smaller,
                None => return inputs,
            }
        }
    }

    fn text(inputs: &[Input]) -> String {
        let shots = inputs.iter().flat_map(|input| &input.shots);
        let bytes = shots.map(|shot| String::from_utf8_lossy(shot.bytes()).into_owned());
        bytes.collect::<Vec<_>>().join("|")
    }

    fn is_json(inputs: &[Input]) -> bool {
        serde_json::from_str::<Value>(&text(inputs)).is_ok()
    }

    proptest! {
        #[test]
        fn each_candidate_is_smaller(bytes in prop::collection::vec(any::<Vec<u8>>(), 1..5)) {
            let inputs: Vec<Input> = bytes.into_iter().map(input).collect();
            for candidate in candidates(&inputs, "ping") {
                prop_assert!(size(&candidate) < size(&inputs));
            }
        }

        #[test]
        fn what_breaks_still_breaks(texts in prop::collection::vec("[a-z]{0,30}", 1..6), at in 0..6_usize) {
            let mut texts = texts;
            let at = at % texts.len();
            texts[at].push('!');
            let inputs = texts.into_iter().map(|text| input(text.into_bytes())).collect();
            prop_assert_eq!(text(&smallest(inputs, |inputs| text(inputs).contains('!'))), "!");
        }
    }

    #[test]
    fn what_is_wide_takes_little() {
        let members: Vec<String> = (0..20_000).map(|n| format!("\"k{n}\":1")).collect();
        let wide = input(format!("{{{}}}", members.join(",")).into_bytes());
        let breaks = |inputs: &[Input]| is_json(inputs) && text(inputs).contains("k777\"");
        assert_eq!(text(&smallest(vec![wide], breaks)), r#"{"k777":1}"#);
    }

    fn smallest_json(message: &str, breaks: impl Fn(&Value) -> bool) -> String {
        let breaks = |inputs: &[Input]| {
            serde_json::from_str(&text(inputs)).is_ok_and(|value: Value| breaks(&value))
        };
        text(&smallest(vec![input(message.into())], breaks))
    }

    #[test]
    fn a_message_loses_what_does_not_matter() {
        let message = r#"{"jsonrpc":"2.0","id":"x1","method":"tools/call","params":{"name":"x","arguments":{"a":[1,2,null]}}}"#;
        assert_eq!(
            smallest_json(message, |value| value.to_string().contains("null")),
            r#"{"jsonrpc":"2.0","id":0,"method":"ping","params":{"arguments":{"a":[null]}}}"#
        );
        // Where the method matters, it stays; where it is made up, it is made shorter.
        let of = |method: &str| message.replace("tools/call", method);
        let asks = |name: &'static str| move |value: &Value| value["method"] == name;
        assert_eq!(
            smallest_json(message, asks("tools/call")),
            r#"{"jsonrpc":"2.0","id":0,"method":"tools/call"}"#
        );
        assert_eq!(
            smallest_json(&of("no/such/method"), |value| value["method"] != "ping"),
            r#"{"jsonrpc":"2.0","id":0,"method":""}"#
        );
    }

    #[test]
    fn what_is_known_is_seen_in_what_is_larger() {
        let message = |method: &str, params: &str| {
            let text =
                format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{params}}}"#);
            vec![input(text.into_bytes())]
        };
        let known = message("ping", r#"{"_meta":null}"#);
        let projection = |inputs: &[Input]| projected(inputs, &known).map(|inputs| text(&inputs));
        let larger = message("tools/call", r#"{"name":"x","_meta":null}"#);
        assert_eq!(projection(&larger), Some(text(&known)));
        let otherwise = message("tools/call", r#"{"name":"x","_meta":"y"}"#);
        assert_eq!(
            projection(&otherwise),
            Some(text(&message("ping", r#"{"_meta":"y"}"#)))
        );
        // Where the part is missing, or is full, something else is behind it.
        assert_eq!(projection(&message("tools/call", r#"{"name":"x"}"#)), None);
        let full = message("tools/call", r#"{"_meta":{"a":1}}"#);
        assert!(projected(&full, &message("ping", r#"{"_meta":{}}"#)).is_none());
        let bytes = |bytes: &[u8]| vec![input(bytes.to_vec())];
        let known = bytes(b"\xff");
        assert!(projected(&bytes(b"{\xff}"), &known).is_some());
        assert!(projected(&bytes(b"{"), &known).is_none());
    }

    #[test]
    fn only_what_json_rpc_does_not_know_becomes_something_else() {
        let all = |_: &Value| true;
        let notification = r#"{"jsonrpc":"2.0","method":"notifications/x","params":{}}"#;
        assert_eq!(
            smallest_json(notification, all),
            r#"{"jsonrpc":"2.0","method":""}"#
        );
        let odd = r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#;
        assert_eq!(smallest_json(odd, all), "{}");
        assert_eq!(smallest_json("[[1,2],[3]]", all), "[]");
        // The spelling goes first, if it does not matter.
        assert_eq!(smallest_json("{ \"a\" : 1, \"a\": 2 }", all), "{}");
    }
}
