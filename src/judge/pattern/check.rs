//! Whether a pattern makes sense, before it is ever matched: for `cases lint` and the loader.

use serde_json::Value;

use super::{MAX_DEPTH, directive, escape_segment, matcher};
use crate::revision::RevisionRange;

/// What is wrong with a pattern, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at {pointer:?}: {message}")]
pub struct PatternError {
    /// A JSON Pointer into the pattern.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

type Checked = Result<(), PatternError>;

impl PatternError {
    pub(super) fn new(message: impl Into<String>) -> PatternError {
        PatternError {
            pointer: String::new(),
            message: message.into(),
        }
    }

    pub(super) fn under(mut self, segment: &str) -> PatternError {
        self.pointer = format!("/{}{}", escape_segment(segment), self.pointer);
        self
    }
}

/// Checks a pattern: matchers that exist, with arguments that they can use.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(pattern: &Value) -> Result<(), PatternError> {
    self::pattern(pattern, 0)
}

fn ensure(condition: bool, message: &str) -> Checked {
    if condition {
        Ok(())
    } else {
        Err(PatternError::new(message))
    }
}

pub(super) fn pattern(pattern: &Value, depth: usize) -> Checked {
    ensure(depth <= MAX_DEPTH, "too deep")?;
    if let Some((name, argument)) = directive(pattern) {
        let Some(matcher) = matcher::find(name) else {
            let known: Vec<&str> = matcher::TABLE.iter().map(|matcher| matcher.name).collect();
            let message = format!(
                "there is no matcher {name:?}; there are {}",
                known.join(", ")
            );
            return Err(PatternError::new(message));
        };
        return (matcher.check)(argument, depth + 1).map_err(|error| error.under(name));
    }
    match pattern {
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            self::pattern(member, depth + 1).map_err(|error| error.under(name))
        }),
        Value::Array(elements) => each(elements, depth + 1),
        _ => Ok(()),
    }
}

fn each(patterns: &[Value], depth: usize) -> Checked {
    patterns.iter().enumerate().try_for_each(|(i, pattern)| {
        self::pattern(pattern, depth).map_err(|error| error.under(&i.to_string()))
    })
}

pub(super) fn anything(_: &Value, _: usize) -> Checked {
    Ok(())
}

pub(super) fn is_true(argument: &Value, _: usize) -> Checked {
    ensure(*argument == true, "takes nothing but true")
}

pub(super) fn patterns(argument: &Value, depth: usize) -> Checked {
    let patterns = non_empty(argument)?;
    each(patterns, depth)
}

/// Values of which some may be `$var`.
pub(super) fn operands(argument: &Value, _: usize) -> Checked {
    non_empty(argument)?
        .iter()
        .enumerate()
        .try_for_each(|(i, operand)| match directive(operand) {
            Some(("$var", name)) => {
                self::name(name, 0).map_err(|error| error.under("$var").under(&i.to_string()))
            }
            Some(("$literal", _)) | None => Ok(()),
            Some((other, _)) => {
                let message = format!("{other:?} is not applied here: only $var and $literal are");
                Err(PatternError::new(message).under(&i.to_string()))
            }
        })
}

fn non_empty(argument: &Value) -> Result<&[Value], PatternError> {
    match argument {
        Value::Array(elements) if !elements.is_empty() => Ok(elements),
        _ => Err(PatternError::new(
            "needs an array with at least one element",
        )),
    }
}

pub(super) fn types(argument: &Value, _: usize) -> Checked {
    const TYPES: [&str; 7] = [
        "string", "number", "integer", "boolean", "object", "array", "null",
    ];
    let known = |name: &Value| name.as_str().is_some_and(|name| TYPES.contains(&name));
    let good = match argument {
        Value::Array(names) => !names.is_empty() && names.iter().all(known),
        name => known(name),
    };
    ensure(
        good,
        "needs one or several of string, number, integer, boolean, object, array, null",
    )
}

pub(super) fn by_revision(argument: &Value, depth: usize) -> Checked {
    let ranges = ranges(argument)?;
    ranges.iter().try_for_each(|(range, pattern)| {
        self::pattern(pattern, depth).map_err(|error| error.under(range))
    })
}

/// The branches of a `$by-revision`, each with a range that can be read.
pub(super) fn ranges(argument: &Value) -> Result<&serde_json::Map<String, Value>, PatternError> {
    let ranges = argument
        .as_object()
        .filter(|ranges| !ranges.is_empty())
        .ok_or_else(|| PatternError::new("needs an object of ranges"))?;
    for range in ranges.keys() {
        range
            .parse::<RevisionRange>()
            .map_err(|error| PatternError::new(error.to_string()).under(range))?;
    }
    Ok(ranges)
}

pub(super) fn name(argument: &Value, _: usize) -> Checked {
    ensure(
        argument.as_str().is_some_and(|name| !name.is_empty()),
        "needs the name of a variable",
    )
}

pub(super) fn pointer(argument: &Value, _: usize) -> Checked {
    let good = argument.as_str().is_some_and(|pointer| {
        let escapes_hold = pointer
            .split('~')
            .skip(1)
            .all(|rest| rest.starts_with(['0', '1']));
        (pointer.is_empty() || pointer.starts_with('/')) && escapes_hold
    });
    ensure(good, "needs a JSON Pointer: empty, or starting with /")
}

pub(super) fn length(argument: &Value, depth: usize) -> Checked {
    range(argument, depth)?;
    let counts = argument
        .as_object()
        .is_some_and(|limits| limits.values().all(Value::is_u64));
    ensure(counts, "lengths are whole numbers")
}

pub(super) fn range(argument: &Value, _: usize) -> Checked {
    let limits = argument
        .as_object()
        .filter(|limits| !limits.is_empty())
        .ok_or_else(|| PatternError::new("needs an object with min, max or both"))?;
    for (name, limit) in limits {
        let known = matches!(name.as_str(), "min" | "max");
        ensure(
            known && limit.is_number(),
            "takes min and max, both numbers",
        )
        .map_err(|error| error.under(name))?;
    }
    match (
        limits.get("min").and_then(Value::as_f64),
        limits.get("max").and_then(Value::as_f64),
    ) {
        (Some(min), Some(max)) => ensure(min <= max, "min is more than max"),
        _ => Ok(()),
    }
}
