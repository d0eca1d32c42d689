//! A value that a schema accepts.

use serde_json::{Map, Number, Value, json};

use super::flat::{Keywords, flat};
use super::text::{length, string};
use crate::fuzz::dice::Dice;

/// From this depth on only what is required is made.
const SPARE: usize = 4;
/// Nothing is made below this depth.
const MAX_DEPTH: usize = 12;
/// So many items and members are made beyond those that must be there.
const MORE: usize = 3;

pub(super) fn value(document: &Value, schema: &Value, dice: &mut Dice, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    let keywords = flat(document, schema, dice);
    if let Some(constant) = keywords.get("const") {
        return constant.clone();
    }
    if let Some(choices) = keywords.get("enum").and_then(Value::as_array) {
        return dice.pick(choices).cloned().unwrap_or_default();
    }
    match kind(&keywords, dice) {
        "object" => object(document, &keywords, dice, depth),
        "array" => array(document, &keywords, dice, depth),
        "string" => Value::String(string(&keywords, dice)),
        "integer" => number(&keywords, true, dice),
        "number" => number(&keywords, dice.one_in(2), dice),
        "boolean" => Value::Bool(dice.one_in(2)),
        "null" => Value::Null,
        _ => anything(dice, depth),
    }
}

/// The type to make: one that is named, or one that the other keywords are about.
fn kind<'a>(keywords: &'a Keywords<'_>, dice: &mut Dice) -> &'a str {
    match keywords.get("type") {
        Some(Value::String(name)) => return name,
        Some(Value::Array(names)) => {
            return dice.pick(names).and_then(Value::as_str).unwrap_or_default();
        }
        _ => {}
    }
    let about: [(&str, &[&str]); 4] = [
        (
            "object",
            &["properties", "required", "additionalProperties"],
        ),
        ("array", &["items", "prefixItems", "minItems", "contains"]),
        ("string", &["pattern", "format", "minLength", "maxLength"]),
        (
            "number",
            &["minimum", "maximum", "multipleOf", "exclusiveMinimum"],
        ),
    ];
    about
        .into_iter()
        .find(|(_, hints)| hints.iter().any(|hint| keywords.contains_key(hint)))
        .map_or("", |(name, _)| name)
}

fn object(document: &Value, keywords: &Keywords<'_>, dice: &mut Dice, depth: usize) -> Value {
    let mut members = Map::new();
    let required: Vec<&str> = keywords
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = keywords.get("properties").and_then(Value::as_object);
    for (name, schema) in properties.into_iter().flatten() {
        let wanted = required.contains(&name.as_str()) || (depth < SPARE && dice.one_in(2));
        if wanted && schema != &Value::Bool(false) {
            members.insert(name.clone(), value(document, schema, dice, depth + 1));
        }
    }
    let others = keywords
        .get("additionalProperties")
        .unwrap_or(&Value::Bool(true));
    for name in required {
        if !members.contains_key(name) {
            members.insert(name.to_owned(), value(document, others, dice, depth + 1));
        }
    }
    let least = length(keywords, "minProperties").unwrap_or(0).min(64);
    for index in members.len()..least {
        members.insert(
            format!("extra{index}"),
            value(document, others, dice, depth + 1),
        );
    }
    Value::Object(members)
}

fn array(document: &Value, keywords: &Keywords<'_>, dice: &mut Dice, depth: usize) -> Value {
    let least = length(keywords, "minItems").unwrap_or(0).min(64);
    let most = length(keywords, "maxItems").unwrap_or(usize::MAX);
    let prefix = keywords.get("prefixItems").and_then(Value::as_array);
    let prefix = prefix.map_or(&[][..], Vec::as_slice);
    let rest = keywords.get("items").unwrap_or(&Value::Bool(true));
    let rest_allowed = rest != &Value::Bool(false);
    let spare = if depth < SPARE && rest_allowed {
        MORE
    } else {
        0
    };
    let count = dice.between(least, (least.max(prefix.len()) + spare).min(most));
    let mut items: Vec<Value> = Vec::new();
    for index in 0..count {
        let schema = prefix.get(index).unwrap_or(rest);
        items.push(value(document, schema, dice, depth + 1));
    }
    if let Some(wanted) = keywords.get("contains") {
        let wanted = value(document, wanted, dice, depth + 1);
        match items.last_mut() {
            Some(last) => *last = wanted,
            None => items.push(wanted),
        }
    }
    if keywords.get("uniqueItems") == Some(&Value::Bool(true)) {
        let mut distinct: Vec<Value> = Vec::new();
        for item in items {
            if !distinct.contains(&item) {
                distinct.push(item);
            }
        }
        items = distinct;
    }
    Value::Array(items)
}

fn number(keywords: &Keywords<'_>, whole: bool, dice: &mut Dice) -> Value {
    let bound = |keyword: &str| keywords.get(keyword).and_then(Value::as_f64);
    let step = bound("multipleOf").filter(|step| *step > 0.0);
    let (above, below) = (bound("exclusiveMinimum"), bound("exclusiveMaximum"));
    let low = bound("minimum").or(above.map(|above| above + 1.0));
    let high = bound("maximum").or(below.map(|below| below - 1.0));
    let chosen = match (low, high) {
        // Between two close exclusive bounds there is only the middle.
        _ if above.zip(below).is_some_and(|(a, b)| b - a < 2.0) => {
            above.zip(below).map_or(0.0, |(a, b)| f64::midpoint(a, b))
        }
        (Some(low), Some(high)) => low + (high - low) * f64::from(dice.byte()) / 255.0,
        (Some(low), None) => low + f64::from(dice.byte()),
        (None, Some(high)) => high - f64::from(dice.byte()),
        (None, None) => f64::from(dice.byte()) - 100.0,
    };
    let chosen = match step {
        Some(step) => (chosen / step).ceil() * step,
        None if whole => Some(chosen.ceil().min(high.unwrap_or(f64::MAX)))
            // Between close bounds there is no whole number.
            .filter(|whole| above.is_none_or(|above| *whole > above))
            .filter(|whole| below.is_none_or(|below| *whole < below))
            .unwrap_or(chosen),
        None => chosen,
    };
    match chosen.fract() == 0.0 && chosen.abs() < 9e15 {
        true => json!(chosen as i64),
        false => Number::from_f64(chosen).map_or(Value::Null, Value::Number),
    }
}

/// A small value of any kind.
pub(super) fn anything(dice: &mut Dice, depth: usize) -> Value {
    let shallow = depth + 2 > SPARE;
    match dice.below(if shallow { 5 } else { 7 }) {
        0 => Value::Null,
        1 => Value::Bool(dice.one_in(2)),
        2 => json!(dice.below(1000)),
        3 => json!(0.5),
        4 => Value::String(string(&Keywords::default(), dice)),
        5 => Value::Array(
            (0..dice.below(3))
                .map(|_| anything(dice, depth + 1))
                .collect(),
        ),
        _ => (0..dice.below(3))
            .map(|index| (format!("k{index}"), anything(dice, depth + 1)))
            .collect::<Map<_, _>>()
            .into(),
    }
}
