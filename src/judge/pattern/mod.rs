//! Patterns: what a case expects, written as JSON. The matchers are described in cases/README.md.
//!
//! An object matches an object that has at least its members, an array matches element by element, anything else
//! matches what is equal. An object with exactly one member that starts with `$` is a matcher of the table in matcher.rs.
//!
//! Absence is passed on by `$any-of`, `$all-of`, `$not` and `$by-revision`; only `$absent` accepts it, and so does
//! the `$not` of a pattern that does not.

mod check;
mod collection;
mod cost;
pub mod describe;
pub mod equal;
mod form;
mod logic;
mod matcher;
#[cfg(test)]
mod matcher_tests;
#[cfg(test)]
pub(crate) mod properties;
mod resolve;
mod schema;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::revision::{Revision, RevisionRange};

pub use check::{PatternError, check};
pub use resolve::resolve;
pub use schema::refuses;

/// The names of all matchers, with their `$`.
pub fn names() -> impl Iterator<Item = &'static str> {
    matcher::TABLE.iter().map(|matcher| matcher.name)
}

use describe::{describe, describe_or_nothing, plain};

/// Patterns and values are followed no deeper than this. serde_json reads nothing deeper than 128.
const MAX_DEPTH: usize = 256;

/// What a pattern is matched with.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Decides `$by-revision`.
    pub revision: Revision,
    /// What `$var` names.
    pub vars: &'a BTreeMap<String, Value>,
}

/// Where and why a value does not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// A JSON Pointer into the actual value.
    pub path: String,
    /// One clause: `expected integer -32602, got integer -32601`. Escaped and short.
    pub message: String,
    /// The pattern could not be applied at all: a variable that was never saved, a matcher that does not exist. No
    /// `$not` turns this into a match, and it says nothing about who sent the value.
    pub undecided: bool,
}

impl Mismatch {
    fn new(message: impl Into<String>) -> Mismatch {
        Mismatch {
            path: String::new(),
            message: message.into(),
            undecided: false,
        }
    }

    fn undecided(message: impl Into<String>) -> Mismatch {
        Mismatch {
            undecided: true,
            ..Mismatch::new(message)
        }
    }

    fn expected(what: &str, actual: Option<&Value>) -> Mismatch {
        Mismatch::new(format!(
            "expected {what}, got {}",
            describe_or_nothing(actual)
        ))
    }

    fn under(mut self, segment: &str) -> Mismatch {
        self.path = format!("/{}{}", escape_segment(segment), self.path);
        self
    }
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.message),
            path => write!(f, "at {}: {}", plain(path), self.message),
        }
    }
}

/// Whether the value matches; `None` means that it is not there. Takes time linear in the value.
///
/// # Errors
/// The first place where it does not match.
pub fn matches(pattern: &Value, actual: Option<&Value>, scope: &Scope<'_>) -> Result<(), Mismatch> {
    Matching { scope, depth: 0 }.pattern(pattern, actual)
}

/// A name that a matcher has, with its argument.
fn directive(pattern: &Value) -> Option<(&str, &Value)> {
    let members = pattern.as_object().filter(|members| members.len() == 1)?;
    let (name, argument) = members.iter().next()?;
    name.starts_with('$').then_some((name.as_str(), argument))
}

/// The branch of a `$by-revision` that holds first.
fn branch(ranges: &Map<String, Value>, revision: Revision) -> Option<&Value> {
    ranges
        .iter()
        .find(|(range, _)| {
            range
                .parse::<RevisionRange>()
                .is_ok_and(|range| range.contains(revision))
        })
        .map(|(_, branch)| branch)
}

/// One step of a JSON Pointer.
fn escape_segment(segment: &str) -> String {
    segment.replace('~', "~0").replace('/', "~1")
}

/// Matching in progress: what is known, and how deep it is.
#[derive(Clone, Copy)]
struct Matching<'a> {
    scope: &'a Scope<'a>,
    depth: usize,
}

type Outcome = Result<(), Mismatch>;

impl Matching<'_> {
    fn pattern(self, pattern: &Value, actual: Option<&Value>) -> Outcome {
        if self.depth > MAX_DEPTH {
            return Err(Mismatch::undecided(format!(
                "more than {MAX_DEPTH} levels deep"
            )));
        }
        let inner = Matching {
            depth: self.depth + 1,
            ..self
        };
        if let Some((name, argument)) = directive(pattern) {
            return match matcher::find(name) {
                Some(matcher) => (matcher.matches)(inner, argument, actual),
                None => Err(Mismatch::undecided(format!(
                    "there is no matcher {}",
                    describe::quote(name)
                ))),
            };
        }
        match (pattern, actual) {
            (Value::Object(members), Some(Value::Object(actual))) => inner.object(members, actual),
            (Value::Array(elements), Some(Value::Array(actual))) => inner.array(elements, actual),
            (Value::Object(_), _) => Err(Mismatch::expected("an object", actual)),
            (Value::Array(_), _) => Err(Mismatch::expected("an array", actual)),
            (scalar, _) => same(scalar, actual),
        }
    }

    fn object(self, members: &Map<String, Value>, actual: &Map<String, Value>) -> Outcome {
        members.iter().try_for_each(|(name, pattern)| {
            self.pattern(pattern, actual.get(name))
                .map_err(|m| m.under(name))
        })
    }

    fn array(self, elements: &[Value], actual: &[Value]) -> Outcome {
        if elements.len() != actual.len() {
            let message = format!("expected {} elements, got {}", elements.len(), actual.len());
            return Err(Mismatch::new(message));
        }
        elements
            .iter()
            .zip(actual)
            .enumerate()
            .try_for_each(|(i, (pattern, value))| {
                self.pattern(pattern, Some(value))
                    .map_err(|m| m.under(&i.to_string()))
            })
    }
}

/// Whether it is this very value.
fn same(expected: &Value, actual: Option<&Value>) -> Outcome {
    match actual {
        Some(actual) if equal::equal(expected, actual) => Ok(()),
        Some(Value::Object(_)) if expected.is_object() => {
            Err(Mismatch::new("the object is not the expected one"))
        }
        Some(Value::Array(_)) if expected.is_array() => {
            Err(Mismatch::new("the array is not the expected one"))
        }
        _ => Err(Mismatch::expected(&describe(expected), actual)),
    }
}
