//! What an input has in common with a smaller one that is known.

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::drive::Shot;
use crate::fuzz::input::Input;

/// The members that say what kind of message it is.
const ENVELOPE: [&str; 3] = ["jsonrpc", "id", "method"];

/// An input without whatever a smaller one does not have, and with its envelope; none where they have too little in
/// common. If it does the same, the smaller one is behind it.
pub(in crate::fuzz) fn projected(inputs: &[Input], onto: &[Input]) -> Option<Vec<Input>> {
    let ([input], [onto]) = (inputs, onto) else {
        return None;
    };
    let (
        [
            Shot::Message {
                bytes,
                headers,
                identity,
                ..
            },
        ],
        [
            Shot::Message {
                bytes: smaller,
                split,
                headers: fewer,
                identity: known,
            },
        ],
    ) = (&input.shots[..], &onto.shots[..])
    else {
        return None;
    };
    if identity != known {
        return None;
    }
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
        identity: known.clone(),
    };
    (input.unopened == onto.unopened && input.replies == onto.replies).then(|| {
        vec![Input {
            shots: vec![shot],
            ..onto.clone()
        }]
    })
}

/// Whether all that an input says beside its envelope, and it says something, is in another with such an envelope.
pub(in crate::fuzz) fn is_part(part: &[Input], whole: &[Input]) -> bool {
    let message = |inputs: &[Input]| -> Option<Value> {
        let shot = inputs.first()?.shots.first()?;
        serde_json::from_slice(shot.bytes()).ok()
    };
    let (Some(Value::Object(small)), Some(large)) = (message(part), message(whole)) else {
        return false;
    };
    let agrees = |(name, own): (&String, &Value)| {
        let other = &large[name];
        !ENVELOPE.contains(&name.as_str()) || own == other || own.is_number() && other.is_number()
    };
    let says_something = small.keys().any(|name| !ENVELOPE.contains(&name.as_str()));
    let shots = |inputs: &[Input]| inputs.first().map(|input| input.shots.clone());
    says_something
        && small.iter().all(agrees)
        && projected(whole, part).is_some_and(|common| shots(&common) == shots(part))
}

fn project(value: &Value, onto: &Value, is_envelope: bool) -> Option<Value> {
    match (value, onto) {
        (Value::Object(members), Value::Object(smaller)) => {
            let part = |(name, onto): (&String, &Value)| {
                let own = members.get(name)?;
                let part = match name.as_str() {
                    name if is_envelope && ENVELOPE.contains(&name) => onto.clone(),
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
