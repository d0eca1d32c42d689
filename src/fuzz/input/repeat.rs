//! Messages that repeat what an earlier answer said, as steps that send what was saved.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::catalog::case::{Action, Step};
use crate::drive::{Part, Shot, parts, repeats, said};

/// The step of a message that repeats something; none of others.
pub(super) fn step(shot: &Shot) -> Option<Step> {
    let Shot::Message {
        bytes,
        headers,
        identity,
        ..
    } = shot
    else {
        return None;
    };
    let message: Value = repeats(bytes).then(|| serde_json::from_slice(bytes).ok())??;
    let action = Action::Send {
        message: written(&message),
        headers: headers.clone(),
    };
    Some(Step {
        identity: identity.clone(),
        ..Step::plain(action)
    })
}

/// The same from such a step, with what the steps up to it have saved.
pub(super) fn shot(
    message: &Value,
    headers: &Map<String, Value>,
    identity: Option<&String>,
    saved: &BTreeMap<String, String>,
) -> Option<Shot> {
    Some(Shot::Message {
        bytes: read(message, saved)?.to_string().into(),
        split: None,
        headers: headers.clone(),
        identity: identity.cloned(),
    })
}

/// Lets the steps save what is repeated later; the first must have it that can.
pub(super) fn save(shots: &[Shot], steps: &mut [(Option<usize>, Step)]) {
    // Who shows no token is told nothing.
    let first = shots.iter().position(|shot| !is_of_nobody(shot));
    for (number, shot) in shots.iter().enumerate() {
        for pointer in pointers(shot) {
            let before = steps
                .iter_mut()
                .filter(|(of, _)| of.is_some_and(|of| of < number));
            for (of, step) in before.filter(|(_, step)| !matches!(step.action, Action::Http(_))) {
                step.expect.save.insert(name(&pointer), pointer.clone());
                if *of == first {
                    step.expect.given = Some(with_text_at(&pointer));
                }
            }
        }
    }
}

fn is_of_nobody(shot: &Shot) -> bool {
    matches!(shot, Shot::Message { headers, .. } if headers.get("Authorization") == Some(&Value::Null))
}

fn pointers(shot: &Shot) -> Vec<String> {
    let text = String::from_utf8_lossy(shot.bytes());
    let said = parts(&text).into_iter().filter_map(|part| match part {
        Part::Said(pointer) => Some(pointer.to_owned()),
        Part::Text(_) => None,
    });
    said.collect()
}

/// What a case calls it: the last segment.
fn name(pointer: &str) -> String {
    pointer.rsplit('/').next().unwrap_or_default().to_owned()
}

/// A pattern for answers with a text there.
fn with_text_at(pointer: &str) -> Value {
    let path = pointer.strip_prefix('/').unwrap_or(pointer);
    let inside = json!({ "$type": "string" });
    path.rsplit('/')
        .fold(inside, |inner, segment| json!({ segment: inner }))
}

/// A message as a case has it.
fn written(value: &Value) -> Value {
    match value {
        Value::String(text) => text_written(text),
        Value::Array(items) => items.iter().map(written).collect(),
        // It would be taken for a directive.
        Value::Object(members) if is_directive(members) => json!({ "$literal": value }),
        Value::Object(members) => {
            let member = |(name, member): (&String, &Value)| (name.clone(), written(member));
            Value::Object(members.iter().map(member).collect())
        }
        scalar => scalar.clone(),
    }
}

fn is_directive(members: &Map<String, Value>) -> bool {
    members.len() == 1 && members.keys().all(|name| name.starts_with('$'))
}

fn text_written(text: &str) -> Value {
    let part = |part| match part {
        Part::Text(text) => json!(text),
        Part::Said(pointer) => json!({ "$var": name(pointer) }),
    };
    let mut parts: Vec<Value> = parts(text).into_iter().map(part).collect();
    match (parts.pop(), parts.is_empty()) {
        (None, _) => json!(""),
        (Some(only), true) => only,
        (Some(last), false) => {
            parts.push(last);
            json!({ "$concat": parts })
        }
    }
}

/// What [`written`] wrote; none of anything else.
fn read(value: &Value, saved: &BTreeMap<String, String>) -> Option<Value> {
    let text = |part: &Value| match part {
        Value::String(text) => Some(text.clone()),
        part => Some(said(saved.get(part.get("$var")?.as_str()?)?)),
    };
    Some(match value {
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| read(item, saved))
                .collect::<Option<_>>()?,
        ),
        Value::Object(members) if is_directive(members) => match &value["$literal"] {
            Value::Null => match value["$concat"].as_array() {
                Some(parts) => json!(parts.iter().map(text).collect::<Option<String>>()?),
                None => json!(text(value)?),
            },
            literal => literal.clone(),
        },
        Value::Object(members) => {
            let member =
                |(name, member): (&String, &Value)| Some((name.clone(), read(member, saved)?));
            Value::Object(members.iter().map(member).collect::<Option<_>>()?)
        }
        scalar => scalar.clone(),
    })
}
