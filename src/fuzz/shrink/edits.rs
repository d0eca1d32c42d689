//! What can be left out of JSON or made simpler, change by change.

use std::ops::Range;

use serde_json::{Map, Value};

use super::pieces;

/// So many changes to one value are tried.
const MAX_EDITS: usize = 2_000;

/// One change to a value that makes it simpler.
pub(super) struct Edit {
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
    pub(super) fn is_of_method(&self, value: &Value) -> bool {
        let name = |step: &usize| value.as_object()?.keys().nth(*step);
        self.path
            .first()
            .and_then(name)
            .is_some_and(|name| name == "method")
    }

    pub(super) fn apply(self, mut value: Value) -> Value {
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
pub(super) fn collect(value: &Value, path: &mut Vec<usize>, edits: &mut Vec<Edit>) {
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
