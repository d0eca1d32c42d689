//! Patterns without what depends on the scope, for people to read.

use serde_json::{Map, Value, json};

use super::{MAX_DEPTH, Scope, branch, directive};

/// The pattern with every `$var` and `$by-revision` replaced, for display as `expected`. A variable that was never saved
/// stays as it is. What was saved by a server is never taken for a matcher.
pub fn resolve(pattern: &Value, scope: &Scope<'_>) -> Value {
    resolve_at(pattern, scope, 0)
}

fn resolve_at(pattern: &Value, scope: &Scope<'_>, depth: usize) -> Value {
    if depth > MAX_DEPTH {
        return pattern.clone();
    }
    let inner = |pattern: &Value| resolve_at(pattern, scope, depth + 1);
    match directive(pattern) {
        Some(("$var", _)) => saved(pattern, scope, contains_object),
        Some(("$by-revision", Value::Object(ranges))) => match branch(ranges, scope.revision) {
            Some(pattern) => inner(pattern),
            // Nothing is asked for; nothing is what this says in every position, also where nothing may be there.
            None => json!({ "$all-of": [] }),
        },
        Some(("$in", Value::Array(values))) => {
            let values: Vec<Value> = values.iter().map(|value| operand(value, scope)).collect();
            json!({ "$in": values })
        }
        Some(("$conforms", schema)) => json!({ "$conforms": operand(schema, scope) }),
        Some(("$any-of" | "$all-of", Value::Array(patterns))) => {
            rebuild(pattern, patterns.iter().map(inner).collect())
        }
        Some(("$not" | "$each" | "$some" | "$json", argument)) => rebuild(pattern, inner(argument)),
        Some(_) => pattern.clone(),
        None => match pattern {
            Value::Array(elements) => elements.iter().map(inner).collect(),
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, pattern)| (name.clone(), inner(pattern)))
                    .collect(),
            ),
            scalar => scalar.clone(),
        },
    }
}

/// The matcher with another argument.
fn rebuild(matcher: &Value, argument: Value) -> Value {
    let name = directive(matcher)
        .map(|(name, _)| name.to_owned())
        .unwrap_or_default();
    Value::Object(Map::from_iter([(name, argument)]))
}

/// An argument that is a value and no pattern.
fn operand(argument: &Value, scope: &Scope<'_>) -> Value {
    match directive(argument) {
        Some(("$var", _)) => saved(argument, scope, |value| directive(value).is_some()),
        _ => argument.clone(),
    }
}

/// What was saved; as a `$literal` where it would otherwise mean something else.
fn saved(var: &Value, scope: &Scope<'_>, needs_quotes: impl Fn(&Value) -> bool) -> Value {
    let name = directive(var)
        .and_then(|(_, name)| name.as_str())
        .unwrap_or_default();
    match scope.vars.get(name) {
        Some(value) if needs_quotes(value) => json!({ "$literal": value }),
        Some(value) => value.clone(),
        None => var.clone(),
    }
}

/// Whether equality with it and a match against it differ.
fn contains_object(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(elements) => elements.iter().any(contains_object),
        _ => false,
    }
}
