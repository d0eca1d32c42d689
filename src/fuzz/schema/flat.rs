//! A schema with its references followed and its branches chosen: one object of keywords.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::fuzz::dice::Dice;

/// So many references within references are followed.
const MAX_DEPTH: usize = 16;

/// Keywords of a schema. Most are those of the document as they are: a copy of all that is below would be most of the work.
#[derive(Debug, Default)]
pub(super) struct Keywords<'a>(Vec<(&'a str, Cow<'a, Value>)>);

impl<'a> Keywords<'a> {
    pub(super) fn get(&self, keyword: &str) -> Option<&Value> {
        let mut keywords = self.0.iter();
        let found = keywords.find(|(known, _)| *known == keyword);
        found.map(|(_, value)| value.as_ref())
    }

    pub(super) fn contains_key(&self, keyword: &str) -> bool {
        self.get(keyword).is_some()
    }

    /// Adds keywords so that both bear.
    fn merge(&mut self, more: &'a Map<String, Value>) {
        for (keyword, new) in more {
            let mut keywords = self.0.iter_mut();
            match keywords.find(|(known, _)| known == keyword) {
                Some((_, old)) => *old = both(keyword, old, new),
                None => self.0.push((keyword, Cow::Borrowed(new))),
            }
        }
    }
}

/// The keywords that bear on a value. Of alternatives one is chosen, of conditions at most one is made to hold.
pub(super) fn flat<'a>(document: &'a Value, schema: &'a Value, dice: &mut Dice) -> Keywords<'a> {
    let mut keywords = Keywords::default();
    gather(document, schema, dice, &mut keywords, 0);
    keywords
}

fn gather<'a>(
    document: &'a Value,
    schema: &'a Value,
    dice: &mut Dice,
    into: &mut Keywords<'a>,
    depth: usize,
) {
    let Some(members) = schema.as_object().filter(|_| depth < MAX_DEPTH) else {
        return;
    };
    if let Some(target) = members
        .get("$ref")
        .and_then(|target| resolve(document, target))
    {
        gather(document, target, dice, into, depth + 1);
    }
    into.merge(members);
    let (mut conditions, parts): (Vec<&Value>, Vec<&Value>) = list(members, "allOf")
        .iter()
        .partition(|part| part.get("if").is_some());
    conditions.extend(members.get("if").map(|_| schema));
    for part in parts {
        gather(document, part, dice, into, depth + 1);
    }
    for alternatives in ["anyOf", "oneOf"] {
        if let Some(chosen) = dice.pick(list(members, alternatives)) {
            gather(document, chosen, dice, into, depth + 1);
        }
    }
    // None of them may hold as well: a kind that nobody knows.
    if let Some(condition) = conditions.get(dice.below(conditions.len() + 1)) {
        for part in ["if", "then"] {
            if let Some(part) = condition.get(part) {
                gather(document, part, dice, into, depth + 1);
            }
        }
    }
}

/// What a local reference points to. Nothing outside of the document is ever looked for.
fn resolve<'a>(document: &'a Value, reference: &Value) -> Option<&'a Value> {
    let pointer = reference.as_str()?.strip_prefix('#')?;
    document.pointer(pointer)
}

fn list<'a>(members: &'a Map<String, Value>, keyword: &str) -> &'a [Value] {
    members
        .get(keyword)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// What bears where a keyword is there twice.
fn both<'a>(keyword: &str, old: &Value, new: &'a Value) -> Cow<'a, Value> {
    Cow::Owned(match keyword {
        "properties" => both_properties(old, new),
        "required" => union(old, new),
        "type" | "enum" => common(old, new),
        "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties" => {
            larger(old, new)
        }
        "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties" => {
            larger(new, old)
        }
        _ => return Cow::Borrowed(new),
    })
}

fn both_properties(old: &Value, new: &Value) -> Value {
    let mut all = old.as_object().cloned().unwrap_or_default();
    for (name, schema) in new.as_object().into_iter().flatten() {
        let both = match all.get(name) {
            Some(known) if known != schema => json!({ "allOf": [known, schema] }),
            _ => schema.clone(),
        };
        all.insert(name.clone(), both);
    }
    Value::Object(all)
}

fn union(old: &Value, new: &Value) -> Value {
    let mut all = items(old);
    all.extend(
        items(new)
            .into_iter()
            .filter(|name| !items(old).contains(name)),
    );
    Value::Array(all)
}

/// What both allow; what the newer one says if that is nothing, as with integer and number.
fn common(old: &Value, new: &Value) -> Value {
    let common: Vec<Value> = items(old)
        .into_iter()
        .filter(|item| items(new).contains(item))
        .collect();
    match common.is_empty() {
        true => new.clone(),
        false => Value::Array(common),
    }
}

fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        single => vec![single.clone()],
    }
}

fn larger(one: &Value, other: &Value) -> Value {
    match one.as_f64() > other.as_f64() {
        true => one.clone(),
        false => other.clone(),
    }
}
