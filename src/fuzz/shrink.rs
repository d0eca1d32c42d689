//! Smaller inputs that may do the same: the smallest first, so that few have to be tried. Each is made when it is asked
//! for, because an input may be large, and what can be left out of it is much.

use std::ops::Range;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::input::Input;
use crate::drive::Shot;
use crate::transport::HttpRequest;

/// Of one length so many pieces are left out in turn.
const PIECES: usize = 64;
/// So many changes to one value are tried.
const MAX_EDITS: usize = 2_000;

type Candidates<'a, T> = Box<dyn Iterator<Item = T> + Send + 'a>;

/// Everything that could be left out or made simpler, in one step each. Each is smaller than the input.
pub(super) fn candidates(inputs: &[Input]) -> Candidates<'_, Vec<Input>> {
    let changed = inputs.iter().enumerate().flat_map(move |(index, input)| {
        of_input(input).map(move |candidate| with(inputs, index, candidate))
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

fn of_input(input: &Input) -> impl Iterator<Item = Input> + Send {
    let shots = &input.shots;
    let fewer = pieces(shots.len()).map(move |piece| without(shots, &piece));
    let simpler = shots.iter().enumerate().flat_map(move |(index, shot)| {
        of_shot(shot).map(move |candidate| with(shots, index, candidate))
    });
    let of = |shots| Input {
        shots,
        ..input.clone()
    };
    fewer.chain(simpler).map(of)
}

fn of_shot(shot: &Shot) -> Candidates<'_, Shot> {
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
            let shorter = of_bytes(bytes).map(move |bytes| made(bytes, *split, headers.clone()));
            Box::new(whole.into_iter().chain(fewer).chain(shorter))
        }
        Shot::Aborted(bytes) => Box::new(of_bytes(bytes).map(Shot::Aborted)),
        Shot::Http(request) => Box::new(of_request(request).map(Shot::Http)),
    }
}

fn of_request(request: &HttpRequest) -> impl Iterator<Item = HttpRequest> + Send {
    let here = request.path.as_ref().map(|_| HttpRequest {
        path: None,
        ..request.clone()
    });
    let fewer = (0..request.headers.len()).map(|index| HttpRequest {
        headers: without(&request.headers, &(index..index + 1)),
        ..request.clone()
    });
    let shorter = of_bytes(&request.body).map(|body| HttpRequest {
        body,
        ..request.clone()
    });
    here.into_iter().chain(fewer).chain(shorter)
}

fn of_bytes(bytes: &Bytes) -> Candidates<'static, Bytes> {
    let length = bytes.len();
    let smaller: Candidates<'static, Bytes> = match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => {
            let mut edits = Vec::new();
            collect(&value, &mut Vec::new(), &mut edits);
            let apply = move |edit: Edit| Bytes::from(edit.apply(value.clone()).to_string());
            // What only the spelling does needs bytes left out.
            let cuts = cuts(bytes.clone());
            Box::new(edits.into_iter().map(apply).chain(cuts))
        }
        Err(_) => cuts(bytes.clone()),
    };
    Box::new(smaller.filter(move |candidate| candidate.len() < length))
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
            let smaller = candidates(&inputs).find(|candidate| breaks(candidate));
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
            for candidate in candidates(&inputs) {
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

    #[test]
    fn json_loses_what_does_not_matter() {
        let message = r#"{"jsonrpc":"2.0","id":1234,"method":"tools/call","params":{"name":"x","arguments":{"a":[1,2,null]}}}"#;
        let breaks = |inputs: &[Input]| is_json(inputs) && text(inputs).contains("null");
        let smallest = smallest(vec![input(message.into())], breaks);
        assert_eq!(text(&smallest), r#"{"":{"":{"":[null]}}}"#);
    }
}
