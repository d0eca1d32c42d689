//! Matchers that combine patterns or compare whole values.

use std::borrow::Cow;

use serde_json::Value;

use super::describe::{describe, quote};
use super::equal::{equal, integer};
use super::{Matching, Mismatch, Outcome, branch, directive, same};

pub(super) fn any(_: Matching<'_>, _: &Value, actual: Option<&Value>) -> Outcome {
    match actual {
        Some(_) => Ok(()),
        None => Err(Mismatch::expected("any value", None)),
    }
}

pub(super) fn absent(_: Matching<'_>, _: &Value, actual: Option<&Value>) -> Outcome {
    match actual {
        None => Ok(()),
        some => Err(Mismatch::expected("nothing", some)),
    }
}

pub(super) fn literal(_: Matching<'_>, value: &Value, actual: Option<&Value>) -> Outcome {
    same(value, actual)
}

pub(super) fn var(matching: Matching<'_>, name: &Value, actual: Option<&Value>) -> Outcome {
    same(matching.saved(name)?, actual)
}

pub(super) fn one_of(matching: Matching<'_>, values: &Value, actual: Option<&Value>) -> Outcome {
    let values = array(values)?
        .iter()
        .map(|value| matching.operand(value))
        .collect::<Result<Vec<_>, _>>()?;
    if actual.is_some_and(|actual| values.iter().any(|value| equal(value, actual))) {
        return Ok(());
    }
    let mut names: Vec<String> = values.iter().take(8).map(|value| describe(value)).collect();
    if values.len() > names.len() {
        names.push("...".to_owned());
    }
    Err(Mismatch::expected(
        &format!("one of ({})", names.join(", ")),
        actual,
    ))
}

pub(super) fn has_type(_: Matching<'_>, types: &Value, actual: Option<&Value>) -> Outcome {
    let types = match types {
        Value::Array(types) => types.as_slice(),
        single => std::slice::from_ref(single),
    };
    let names: Vec<&str> = types.iter().filter_map(Value::as_str).collect();
    match actual {
        Some(actual) if names.iter().any(|name| is_of_type(actual, name)) => Ok(()),
        _ => Err(Mismatch::expected(
            &format!("type {}", names.join(" or ")),
            actual,
        )),
    }
}

/// The types of JSON Schema: 1.0 is an integer.
fn is_of_type(value: &Value, name: &str) -> bool {
    match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(number) => {
            name == "number" || (name == "integer" && integer(number).is_some())
        }
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    }
}

pub(super) fn any_of(matching: Matching<'_>, patterns: &Value, actual: Option<&Value>) -> Outcome {
    let mut failures: Vec<Mismatch> = Vec::new();
    for pattern in array(patterns)? {
        match matching.pattern(pattern, actual) {
            Ok(()) => return Ok(()),
            Err(mismatch) => failures.push(mismatch),
        }
    }
    let undecided = failures.iter().any(|mismatch| mismatch.undecided);
    let count = failures.len();
    // The alternative that was followed furthest is most likely the one that was meant; the first of equals.
    let nearest = failures
        .into_iter()
        .rev()
        .max_by_key(|mismatch| mismatch.path.matches('/').count());
    match nearest {
        Some(nearest) if count == 1 => Err(nearest),
        Some(nearest) => Err(Mismatch {
            message: format!(
                "none of {count} alternatives matches; of the nearest: {}",
                nearest.message
            ),
            undecided,
            ..nearest
        }),
        None => Err(Mismatch::undecided("an empty $any-of")),
    }
}

pub(super) fn all_of(matching: Matching<'_>, patterns: &Value, actual: Option<&Value>) -> Outcome {
    array(patterns)?
        .iter()
        .try_for_each(|pattern| matching.pattern(pattern, actual))
}

pub(super) fn not(matching: Matching<'_>, pattern: &Value, actual: Option<&Value>) -> Outcome {
    match matching.pattern(pattern, actual) {
        Ok(()) => {
            let what = match directive(pattern) {
                Some((name, _)) => format!("something that {name} does not match"),
                None => format!("anything but {}", describe(pattern)),
            };
            Err(Mismatch::expected(&what, actual))
        }
        Err(mismatch) if mismatch.undecided => Err(mismatch),
        Err(_) => Ok(()),
    }
}

/// Where no range holds, nothing is asked for.
pub(super) fn by_revision(
    matching: Matching<'_>,
    ranges: &Value,
    actual: Option<&Value>,
) -> Outcome {
    let Some(ranges) = ranges.as_object() else {
        return Err(Mismatch::undecided("$by-revision needs an object"));
    };
    match branch(ranges, matching.scope.revision) {
        Some(pattern) => matching.pattern(pattern, actual),
        None => Ok(()),
    }
}

/// The elements of an argument that must be an array.
fn array(argument: &Value) -> Result<&[Value], Mismatch> {
    match argument {
        Value::Array(elements) => Ok(elements),
        _ => Err(Mismatch::undecided("the matcher needs an array")),
    }
}

impl<'a> Matching<'a> {
    /// What was saved under a name.
    pub(super) fn saved(self, name: &Value) -> Result<&'a Value, Mismatch> {
        let name = name.as_str().unwrap_or_default();
        let saved = self.scope.vars.get(name);
        saved.ok_or_else(|| {
            Mismatch::undecided(format!("the variable {} was never saved", quote(name)))
        })
    }

    /// An argument that is a value and no pattern: itself, or what `$var` or `$literal` stands for.
    pub(super) fn operand<'v>(self, argument: &'v Value) -> Result<Cow<'v, Value>, Mismatch> {
        match directive(argument) {
            Some(("$var", name)) => self.saved(name).map(|saved| Cow::Owned(saved.clone())),
            Some(("$literal", value)) => Ok(Cow::Borrowed(value)),
            _ => Ok(Cow::Borrowed(argument)),
        }
    }
}
