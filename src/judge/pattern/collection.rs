//! Matchers of arrays and objects by their elements, and of sizes.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::{Number, Value};

use super::describe::describe;
use super::equal::{canonical, compare};
use super::{Matching, Mismatch, Outcome};

/// The elements of an array, or the values of an object, each with its step of a JSON Pointer.
fn elements(actual: Option<&Value>) -> Result<Vec<(String, &Value)>, Mismatch> {
    match actual {
        Some(Value::Array(elements)) => Ok(elements
            .iter()
            .enumerate()
            .map(|(i, element)| (i.to_string(), element))
            .collect()),
        Some(Value::Object(members)) => Ok(members
            .iter()
            .map(|(name, value)| (name.clone(), value))
            .collect()),
        other => Err(Mismatch::expected("an array or an object", other)),
    }
}

pub(super) fn each(matching: Matching<'_>, pattern: &Value, actual: Option<&Value>) -> Outcome {
    elements(actual)?
        .into_iter()
        .try_for_each(|(segment, element)| {
            matching
                .pattern(pattern, Some(element))
                .map_err(|mismatch| mismatch.under(&segment))
        })
}

pub(super) fn some(matching: Matching<'_>, pattern: &Value, actual: Option<&Value>) -> Outcome {
    let elements = elements(actual)?;
    let count = elements.len();
    let mut undecided = None;
    for (segment, element) in elements {
        match matching.pattern(pattern, Some(element)) {
            Ok(()) => return Ok(()),
            Err(mismatch) if mismatch.undecided => undecided = Some(mismatch.under(&segment)),
            Err(_) => {}
        }
    }
    Err(undecided
        .unwrap_or_else(|| Mismatch::new(format!("none of its {count} elements is as expected"))))
}

/// The values at a pointer in each element of an array. Elements that have nothing there are left out: whether they
/// should is another question.
fn values_at<'v>(
    pointer: &Value,
    actual: Option<&'v Value>,
) -> Result<Vec<(usize, &'v Value)>, Mismatch> {
    let Some(Value::Array(elements)) = actual else {
        return Err(Mismatch::expected("an array", actual));
    };
    let pointer = pointer.as_str().unwrap_or_default();
    Ok(elements
        .iter()
        .enumerate()
        .filter_map(|(i, element)| Some((i, element.pointer(pointer)?)))
        .collect())
}

pub(super) fn unique(_: Matching<'_>, pointer: &Value, actual: Option<&Value>) -> Outcome {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (i, value) in values_at(pointer, actual)? {
        if let Some(first) = seen.insert(canonical(value), i) {
            let message = format!(
                "{} is there twice, in the elements {first} and {i}",
                describe(value)
            );
            return Err(at(i, pointer, message));
        }
    }
    Ok(())
}

pub(super) fn increasing(_: Matching<'_>, pointer: &Value, actual: Option<&Value>) -> Outcome {
    let mut last: Option<&Number> = None;
    for (i, value) in values_at(pointer, actual)? {
        let Value::Number(number) = value else {
            return Err(at(
                i,
                pointer,
                format!("expected a number, got {}", describe(value)),
            ));
        };
        match last {
            Some(last) if compare(last, number) != Some(Ordering::Less) => {
                return Err(at(
                    i,
                    pointer,
                    format!("expected more than {last}, got {number}"),
                ));
            }
            _ => last = Some(number),
        }
    }
    Ok(())
}

fn at(index: usize, pointer: &Value, message: String) -> Mismatch {
    let path = format!("/{index}{}", pointer.as_str().unwrap_or_default());
    Mismatch {
        path,
        ..Mismatch::new(message)
    }
}

/// Strings are counted in characters.
pub(super) fn length(_: Matching<'_>, limits: &Value, actual: Option<&Value>) -> Outcome {
    let length = match actual {
        Some(Value::Array(elements)) => elements.len(),
        Some(Value::Object(members)) => members.len(),
        Some(Value::String(text)) => text.chars().count(),
        other => return Err(Mismatch::expected("an array, an object or a string", other)),
    };
    within(limits, &Number::from(length))
        .map_err(|limit| Mismatch::new(format!("expected a length of {limit}, got {length}")))
}

pub(super) fn range(_: Matching<'_>, limits: &Value, actual: Option<&Value>) -> Outcome {
    match actual {
        Some(Value::Number(number)) => within(limits, number)
            .map_err(|limit| Mismatch::new(format!("expected {limit}, got {number}"))),
        other => Err(Mismatch::expected("a number", other)),
    }
}

/// Both limits belong to the range. The error is the limit that is broken.
fn within(limits: &Value, number: &Number) -> Result<(), String> {
    let limit = |name: &str| limits.get(name).and_then(Value::as_number);
    match (limit("min"), limit("max")) {
        (Some(min), _) if compare(number, min) == Some(Ordering::Less) => {
            Err(format!("at least {min}"))
        }
        (_, Some(max)) if compare(number, max) == Some(Ordering::Greater) => {
            Err(format!("at most {max}"))
        }
        _ => Ok(()),
    }
}
