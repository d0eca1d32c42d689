//! Smaller inputs that may do the same: the smallest first, so that few have to be tried.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::input::Input;
use crate::drive::Shot;

/// Everything that could be left out or made simpler, in one step each. Each is smaller than the input.
pub(super) fn candidates(inputs: &[Input]) -> Vec<Vec<Input>> {
    let mut smaller = Vec::new();
    // Half of a sequence, then all but one.
    if inputs.len() > 1 {
        let (first, second) = inputs.split_at(inputs.len() / 2);
        smaller.extend([second.to_vec(), first.to_vec()]);
        if inputs.len() > 2 {
            smaller.extend((0..inputs.len()).map(|left_out| without(inputs, left_out)));
        }
    }
    for (index, input) in inputs.iter().enumerate() {
        for candidate in of_input(input) {
            let mut changed = inputs.to_vec();
            changed[index] = candidate;
            smaller.push(changed);
        }
    }
    smaller
}

fn without<T: Clone>(all: &[T], index: usize) -> Vec<T> {
    let mut fewer = all.to_vec();
    fewer.remove(index);
    fewer
}

fn of_input(input: &Input) -> Vec<Input> {
    let mut smaller = Vec::new();
    if input.shots.len() > 1 {
        for index in 0..input.shots.len() {
            smaller.push(without(&input.shots, index));
        }
    }
    for (index, shot) in input.shots.iter().enumerate() {
        for candidate in of_shot(shot) {
            let mut changed = input.shots.clone();
            changed[index] = candidate;
            smaller.push(changed);
        }
    }
    let with = |shots| Input {
        shots,
        ..input.clone()
    };
    smaller.into_iter().map(with).collect()
}

fn of_shot(shot: &Shot) -> Vec<Shot> {
    let mut smaller = Vec::new();
    match shot {
        Shot::Message {
            bytes,
            split,
            headers,
        } => {
            let with =
                |bytes: Bytes, split: Option<usize>, headers: &Map<String, Value>| Shot::Message {
                    bytes,
                    split,
                    headers: headers.clone(),
                };
            if split.is_some() {
                smaller.push(with(bytes.clone(), None, headers));
            }
            for name in headers.keys() {
                let mut fewer = headers.clone();
                fewer.shift_remove(name);
                smaller.push(with(bytes.clone(), *split, &fewer));
            }
            smaller.extend(
                of_bytes(bytes)
                    .into_iter()
                    .map(|bytes| with(bytes, *split, headers)),
            );
        }
        Shot::Aborted(_) => {}
        Shot::Http(request) => {
            for index in 0..request.headers.len() {
                let mut fewer = request.clone();
                fewer.headers.remove(index);
                smaller.push(Shot::Http(fewer));
            }
            for body in of_bytes(&request.body) {
                let mut changed = request.clone();
                changed.body = body;
                smaller.push(Shot::Http(changed));
            }
        }
    }
    smaller
}

fn of_bytes(bytes: &Bytes) -> Vec<Bytes> {
    let mut smaller = match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => of_value(&value)
            .into_iter()
            .map(|value| Bytes::from(value.to_string()))
            .collect(),
        Err(_) => cuts(bytes),
    };
    smaller.retain(|candidate: &Bytes| candidate.len() < bytes.len());
    smaller
}

/// Nothing, one byte, then without a half, a quarter, ... of it.
fn cuts(bytes: &Bytes) -> Vec<Bytes> {
    let mut smaller = vec![Bytes::new(), bytes.slice(..bytes.len().min(1))];
    let mut piece = bytes.len() / 2;
    while piece > 0 && smaller.len() < 64 {
        for start in (0..bytes.len()).step_by(piece).take(16) {
            let end = (start + piece).min(bytes.len());
            smaller.push([&bytes[..start], &bytes[end..]].concat().into());
        }
        piece /= 2;
    }
    smaller
}

/// Simpler values: the parts of it, it without a part, it with a part made simpler.
fn of_value(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(members) => {
            let mut simpler = vec![Value::Object(Map::new())];
            for name in members.keys() {
                let mut fewer = members.clone();
                fewer.shift_remove(name);
                simpler.push(Value::Object(fewer));
            }
            for (name, member) in members {
                for candidate in of_value(member) {
                    let mut changed = members.clone();
                    changed.insert(name.clone(), candidate);
                    simpler.push(Value::Object(changed));
                }
            }
            simpler
        }
        Value::Array(items) => {
            let mut simpler = vec![Value::Array(Vec::new())];
            if items.len() > 1 {
                let (first, second) = items.split_at(items.len() / 2);
                simpler.extend([Value::from(first), Value::from(second)]);
            }
            for (index, item) in items.iter().enumerate().take(8) {
                for candidate in of_value(item) {
                    let mut changed = items.clone();
                    changed[index] = candidate;
                    simpler.push(Value::Array(changed));
                }
            }
            simpler
        }
        Value::String(text) if !text.is_empty() => {
            let half: String = text.chars().take(text.chars().count() / 2).collect();
            vec![Value::from(""), Value::from(half)]
        }
        Value::Number(number) if number.to_string().len() > 1 => vec![Value::from(0)],
        _ => Vec::new(),
    }
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
        while let Some(smaller) = candidates(&inputs)
            .into_iter()
            .find(|candidate| breaks(candidate))
        {
            inputs = smaller;
        }
        inputs
    }

    fn text(inputs: &[Input]) -> String {
        let shots = inputs.iter().flat_map(|input| &input.shots);
        let bytes = shots.map(|shot| String::from_utf8_lossy(shot.bytes()).into_owned());
        bytes.collect::<Vec<_>>().join("|")
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
    fn json_loses_what_does_not_matter() {
        let message = r#"{"jsonrpc":"2.0","id":1234,"method":"tools/call","params":{"name":"x","arguments":{"a":[1,2,null]}}}"#;
        let breaks = |inputs: &[Input]| text(inputs).contains("null");
        let smallest = smallest(vec![input(message.into())], breaks);
        assert_eq!(text(&smallest), r#"{"params":{"arguments":{"a":[null]}}}"#);
    }
}
