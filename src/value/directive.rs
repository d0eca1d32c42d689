//! Directives: objects whose only member starts with `$`.

use serde_json::{Map, Value};

use crate::revision::{Revision, RevisionRange};

/// The member that holds the next object of `$nest`.
pub(super) const NEST_MEMBER: &str = "a";

/// No value of a case is deeper than this; serde_json reads nothing deeper than 128.
const MAX_DEPTH: usize = 256;

/// What is wrong with a value, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at {pointer:?}: {message}")]
pub struct ValueError {
    /// A JSON Pointer into the value.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

impl ValueError {
    pub(super) fn new(message: impl Into<String>) -> ValueError {
        ValueError {
            pointer: String::new(),
            message: message.into(),
        }
    }

    pub(super) fn under(mut self, segment: &str) -> ValueError {
        self.pointer = format!(
            "/{}{}",
            segment.replace('~', "~0").replace('/', "~1"),
            self.pointer
        );
        self
    }
}

/// A directive with its argument.
#[derive(Debug, Clone, Copy)]
pub(super) enum Directive<'v> {
    Var(&'v str),
    Omit,
    Id,
    Meta,
    ByRevision(&'v Map<String, Value>),
    Repeat { value: &'v Value, times: usize },
    Nest { object: bool, depth: u64 },
    Concat(&'v [Value]),
    Literal(&'v Value),
}

impl<'v> Directive<'v> {
    /// Reads a directive; `None` if the value is an ordinary one.
    pub(super) fn of(value: &'v Value) -> Result<Option<Directive<'v>>, ValueError> {
        let Some((name, argument)) = single_dollar(value) else {
            return Ok(None);
        };
        let read = match name {
            "$var" => argument
                .as_str()
                .map(Directive::Var)
                .ok_or("needs the name of a variable"),
            "$omit" => flag(argument, Directive::Omit),
            "$id" => flag(argument, Directive::Id),
            "$meta" => flag(argument, Directive::Meta),
            "$by-revision" => by_revision(argument),
            "$repeat" => {
                repeat(argument).ok_or("needs a value and times, a whole number, and nothing else")
            }
            "$nest" => {
                nest(argument).ok_or("needs either array or object with a number of at least 1")
            }
            "$concat" => argument
                .as_array()
                .map(|parts| Directive::Concat(parts))
                .ok_or("needs an array"),
            "$literal" => Ok(Directive::Literal(argument)),
            _ => {
                return Err(ValueError::new(format!(
                    "there is no directive {name:?}; there are $var, $omit, $id, $meta, $by-revision, $repeat, $nest, \
                     $concat, and $literal for an object that looks like one"
                )));
            }
        };
        read.map(Some)
            .map_err(|message| ValueError::new(message).under(name))
    }

    /// The branch of a `$by-revision` that holds first.
    pub(super) fn branch(&self, revision: Revision) -> Option<&'v Value> {
        let Directive::ByRevision(ranges) = self else {
            return None;
        };
        ranges
            .iter()
            .find(|(range, _)| {
                range
                    .parse::<RevisionRange>()
                    .is_ok_and(|range| range.contains(revision))
            })
            .map(|(_, branch)| branch)
    }

    /// The values within, with their pointers.
    fn inner(&self) -> Vec<(String, &'v Value)> {
        match self {
            Directive::ByRevision(ranges) => ranges
                .iter()
                .map(|(range, value)| (format!("$by-revision/{}", range.replace('/', "~1")), value))
                .collect(),
            Directive::Repeat { value, .. } => vec![("$repeat/value".to_owned(), value)],
            Directive::Concat(parts) => parts
                .iter()
                .enumerate()
                .map(|(i, part)| (format!("$concat/{i}"), part))
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// The only member of an object, if its name starts with `$`.
pub(super) fn single_dollar(value: &Value) -> Option<(&str, &Value)> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    let (name, argument) = members.iter().next()?;
    name.starts_with('$').then_some((name.as_str(), argument))
}

fn flag<'v>(argument: &Value, directive: Directive<'v>) -> Result<Directive<'v>, &'static str> {
    if *argument == true {
        Ok(directive)
    } else {
        Err("takes nothing but true")
    }
}

fn by_revision(argument: &Value) -> Result<Directive<'_>, &'static str> {
    let ranges = argument
        .as_object()
        .filter(|ranges| !ranges.is_empty())
        .ok_or("needs an object of ranges")?;
    match ranges
        .keys()
        .all(|range| range.parse::<RevisionRange>().is_ok())
    {
        true => Ok(Directive::ByRevision(ranges)),
        false => Err(
            "the names must be ranges of revisions: all, legacy, modern, or comparisons like \">=2025-06-18\"",
        ),
    }
}

fn repeat(argument: &Value) -> Option<Directive<'_>> {
    let members = argument.as_object().filter(|members| members.len() == 2)?;
    let times = usize::try_from(members.get("times")?.as_u64()?).ok()?;
    Some(Directive::Repeat {
        value: members.get("value")?,
        times,
    })
}

fn nest(argument: &Value) -> Option<Directive<'_>> {
    let members = argument.as_object().filter(|members| members.len() == 1)?;
    let (kind, depth) = members.iter().next()?;
    let depth = depth.as_u64().filter(|depth| *depth >= 1)?;
    match kind.as_str() {
        "array" => Some(Directive::Nest {
            object: false,
            depth,
        }),
        "object" => Some(Directive::Nest {
            object: true,
            depth,
        }),
        _ => None,
    }
}

/// Checks a value of a case: directives that exist, with arguments that make sense. For `cases lint`; the bytes of a
/// `bytes` step and the body of an `http` step may be `{"$base64": TEXT}` as well.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(value: &Value) -> Result<(), ValueError> {
    check_at(value, 0)
}

fn check_at(value: &Value, depth: usize) -> Result<(), ValueError> {
    if depth > MAX_DEPTH {
        return Err(ValueError::new("too deep"));
    }
    if let Some(directive) = Directive::of(value)? {
        return directive
            .inner()
            .into_iter()
            .try_for_each(|(pointer, inner)| {
                check_at(inner, depth + 1).map_err(|mut error| {
                    error.pointer = format!("/{pointer}{}", error.pointer);
                    error
                })
            });
    }
    match value {
        Value::Array(elements) => elements.iter().enumerate().try_for_each(|(i, element)| {
            check_at(element, depth + 1).map_err(|error| error.under(&i.to_string()))
        }),
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            check_at(member, depth + 1).map_err(|error| error.under(name))
        }),
        _ => Ok(()),
    }
}
